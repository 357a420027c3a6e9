/*
 * Sockets: there is no address family yet, so no descriptor is one. Every call says what Linux says of such a descriptor or family; bash,
 * for one, asks at each start whether its standard input is a socket.
 */
#include <asm/unistd_64.h>
#include <linux/net.h>

#include "lib/errno.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/sockets.h"

#define TYPE_MASK 0xf
#define TYPE_FLAGS (02000000 | 04000) /* SOCK_CLOEXEC, SOCK_NONBLOCK */

static long no_socket(struct thread_record *t, unsigned long descriptor)
{
	return descriptor_lookup_file(t, (unsigned)descriptor) ? -ENOTSOCK : -EBADF;
}

static long no_family(unsigned long type)
{
	if (((unsigned)type & ~TYPE_MASK) & ~TYPE_FLAGS)
		return -EINVAL;
	return -EAFNOSUPPORT;
}

long linux_socket(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return no_family(a[1]);
}

long linux_socketpair(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return no_family(a[1]);
}

#define ON_DESCRIPTOR(name) \
	long linux_##name(struct thread_record *t, const unsigned long a[6]) \
	{ \
		return no_socket(t, a[0]); \
	}

SOCKET_CALLS(ON_DESCRIPTOR)
