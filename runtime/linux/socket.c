/* Calls on sockets that move no bytes. */
#include "runtime/linux/sockets.h"

#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"

#include <linux/fcntl.h>
#include <linux/net.h>
#include <linux/stat.h>

#define AF_UNIX    1
#define AF_INET    2
#define AF_INET6   10
#define AF_NETLINK 16
#define AF_MAX     46
#define TYPE_MASK  0xf
#define TYPE_MAX   11
#define SOCK_STREAM 1
#define TYPE_FLAGS (O_CLOEXEC | O_NONBLOCK)
#define OPTION_MAX 256u
#define NAME_MODE  0777

long socket_word(struct thread_record *t, unsigned fd)
{
	u32 word = descriptor_lookup_file(t, fd);

	if (!word)
		return -EBADF;
	return descriptor_type(word) == S_IFSOCK ? (long)word : -ENOTSOCK;
}

/* ---- addresses ---- */

long socket_address_take(struct socket_address *address, uaddr_t from, unsigned long length)
{
	address->length = 0;
	if ((unsigned)length > SOCKADDR_MAX)
		return -EINVAL;
	if (!(unsigned)length)
		return 0;
	if (copy_from_user(address->bytes, from, (unsigned)length) < 0)
		return -EFAULT;
	address->length = (unsigned)length;
	return 0;
}

long socket_address_give(const struct socket_address *address, uaddr_t to, uaddr_t length)
{
	int room;

	if (get_user(room, length) < 0)
		return -EFAULT;
	room = MIN(room, (int)address->length);
	if (room < 0)
		return -EINVAL;
	if (room && copy_to_user(to, address->bytes, (size_t)room) < 0)
		return -EFAULT;
	return put_user((int)address->length, length);
}

/* The address that a reply carries. */
static void address_of_reply(struct thread_record *t, const struct ipc *c, struct socket_address *address)
{
	address->length = MIN((unsigned)INFO_BYTES_OF(c->info), SOCKADDR_MAX);
	memcpy(address->bytes, thread_message(t)->data, address->length);
}

static bool is_path(const struct socket_address *address)
{
	return address->length > 2 && address->length <= SOCKET_ADDRESS_MAX && address->bytes[0] == AF_UNIX && !address->bytes[1] && address->bytes[2];
}

static long path_call(struct thread_record *t, const struct socket_address *address, unsigned label, unsigned long m0, unsigned long m2,
	unsigned long walk)
{
	const char *path = (const char *)address->bytes + 2;
	size_t length = strnlen(path, address->length - 2);
	struct path_call p;
	long result;

	path_start(&p, label, m0, 0, walk);
	p.ipc.m[2] = m2;
	if (path[0] == '/')
		p.ipc.m[3] = CPTR_FSROOT;
	result = path_add_bytes(t, &p, 0, path, length);
	return result < 0 ? result : path_send(t, &p);
}

long socket_name_open(struct thread_record *t, const struct socket_address *address, unsigned mode, bool bind, long *cptr)
{
	long result;

	*cptr = -1;
	if (!is_path(address))
		return 0;
	*cptr = descriptor_scratch_take(t);
	if (*cptr < 0)
		return *cptr;
	cap_delete((unsigned long)*cptr);
	rt_receive_into(t, 0, (unsigned long)*cptr);
	if (bind)
		result = path_call(t, address, FILE_MKNOD, S_IFSOCK | (mode & 07777 & ~fs_umask(t->fs)), MKNOD_BIND, WALK_NOFOLLOW);
	else
		result = path_call(t, address, FILE_OPEN, O_RDWR | OPEN_SOCKET, 0, 0);
	if (result >= 0)
		return 0;
	descriptor_scratch_give(t, *cptr);
	return result == -EEXIST && bind ? -EADDRINUSE : result;
}

/* FILE_BIND or FILE_CONNECT. */
static long call_with_address(struct thread_record *t, unsigned fd, unsigned label, const struct socket_address *address, long cptr)
{
	struct ipc c = { .target = fd, .info = INFO(label, address->length) | INFO_INTERRUPTIBLE };
	long result;

	if (cptr >= 0) {
		c.info |= INFO_CAPS(1);
		thread_message(t)->send_slot[0] = (unsigned long)cptr;
	}
	memcpy(thread_message(t)->data, address->bytes, address->length);
	result = file_call(&c, NULL);
	if (cptr >= 0)
		descriptor_scratch_give(t, cptr);
	return result;
}

/* The permissions that fchmod gave the socket. */
static unsigned mode_of(unsigned fd)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_KIND, 0) };

	return file_call(&c, NULL) < 0 ? NAME_MODE : (unsigned)c.m[1];
}

long linux_bind(struct thread_record *t, const unsigned long a[6])
{
	unsigned fd = (unsigned)a[0];
	struct socket_address address;
	long cptr, result = socket_word(t, fd);

	if (result >= 0)
		result = socket_address_take(&address, a[1], a[2]);
	if (result >= 0)
		result = socket_name_open(t, &address, is_path(&address) ? mode_of(fd) : 0, true, &cptr);
	if (result < 0)
		return result;
	result = call_with_address(t, fd, FILE_BIND, &address, cptr);
	/* Linux, too, finds out about the socket after it has made the name. */
	if (result < 0 && cptr >= 0)
		path_call(t, &address, FILE_UNLINK, 0, 0, WALK_NOFOLLOW);
	return result;
}

long linux_connect(struct thread_record *t, const unsigned long a[6])
{
	unsigned fd = (unsigned)a[0];
	struct socket_address address;
	long cptr, result = socket_word(t, fd);

	if (result >= 0)
		result = socket_address_take(&address, a[1], a[2]);
	if (result >= 0)
		result = socket_name_open(t, &address, 0, false, &cptr);
	return result < 0 ? result : call_with_address(t, fd, FILE_CONNECT, &address, cptr);
}

static long get_address(struct thread_record *t, const unsigned long a[6], unsigned long whose)
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_SOCKET_ADDRESS, 0), .m = { whose } };
	struct socket_address address;
	long result = socket_word(t, (unsigned)a[0]);

	if (result >= 0)
		result = file_call(&c, NULL);
	if (result < 0)
		return result;
	address_of_reply(t, &c, &address);
	return socket_address_give(&address, a[1], a[2]);
}

long linux_getsockname(struct thread_record *t, const unsigned long a[6])
{
	return get_address(t, a, 0);
}

long linux_getpeername(struct thread_record *t, const unsigned long a[6])
{
	return get_address(t, a, 1);
}

/* ---- new sockets ---- */

static long check_type(unsigned long family, unsigned type)
{
	if (type & ~(unsigned)(TYPE_MASK | TYPE_FLAGS))
		return -EINVAL;
	if ((unsigned)family >= AF_MAX)
		return -EAFNOSUPPORT;
	if ((type & TYPE_MASK) >= TYPE_MAX)
		return -EINVAL;
	switch ((unsigned)family) {
	case AF_UNIX: case AF_INET: case AF_INET6: case AF_NETLINK: return 0;
	default: return -EAFNOSUPPORT;
	}
}

static u32 word_of(unsigned type)
{
	bool stream = (type & TYPE_MASK) == SOCK_STREAM;

	return descriptor_word(O_RDWR, S_IFSOCK, (stream ? 0 : DESCRIPTOR_PACKETS) | (type & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0));
}

/* The numbers are reserved: they become sockets, or free again. */
static long make(struct thread_record *t, const unsigned long a[6], const long *fd, unsigned count)
{
	unsigned type = (unsigned)a[1];
	struct ipc c = {
		.target = CPTR_SYSTEM | SLOT_SERVICE_SOCKET,
		.info = INFO(FILE_SOCKET, 0),
		.m = { (unsigned)a[0], type & TYPE_MASK, 0, (unsigned)a[2], type & O_NONBLOCK, count == 2 },
	};
	long result;

	for (unsigned i = 0; i < count; i++)
		rt_receive_into(t, i, (unsigned long)fd[i]);
	result = file_call(&c, NULL);
	if (result >= 0 && INFO_CAPS_OF(c.info) != count)
		result = -EIO;
	for (unsigned i = 0; i < count; i++) {
		if (result < 0)
			descriptor_abandon(t, fd[i]);
		else
			descriptor_install(t, fd[i], word_of(type));
	}
	return result;
}

long linux_socket(struct thread_record *t, const unsigned long a[6])
{
	long fd, result = check_type(a[0], (unsigned)a[1]);

	if (result < 0)
		return result;
	fd = descriptor_reserve(t);
	result = fd < 0 ? fd : make(t, a, &fd, 1);
	return result < 0 ? result : fd;
}

static long reserve_two(struct thread_record *t, long fd[2])
{
	fd[0] = descriptor_reserve(t);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = descriptor_reserve(t);
	if (fd[1] < 0)
		descriptor_abandon(t, fd[0]);
	return fd[1] < 0 ? fd[1] : 0;
}

long linux_socketpair(struct thread_record *t, const unsigned long a[6])
{
	long fd[2], result;
	int numbers[2];

	if ((unsigned)a[1] & ~(unsigned)(TYPE_MASK | TYPE_FLAGS))
		return -EINVAL;
	result = reserve_two(t, fd);
	if (result < 0)
		return result;
	numbers[0] = (int)fd[0];
	numbers[1] = (int)fd[1];
	/* As Linux does it: the numbers are written first. */
	result = copy_to_user(a[3], numbers, sizeof(numbers)) < 0 ? -EFAULT : check_type(a[0], (unsigned)a[1]);
	if (result == 0)
		return make(t, a, fd, 2);
	descriptor_abandon(t, fd[0]);
	descriptor_abandon(t, fd[1]);
	return result;
}

static long accept_call(struct thread_record *t, unsigned listener, long fd, unsigned flags, struct socket_address *address)
{
	struct ipc c = { .target = listener, .info = INFO(FILE_ACCEPT, 0) | INFO_INTERRUPTIBLE, .m = { flags & O_NONBLOCK } };
	long result;

	rt_receive_into(t, 0, (unsigned long)fd);
	result = file_call(&c, NULL);
	if (result >= 0 && INFO_CAPS_OF(c.info) != 1)
		result = -EIO;
	if (result >= 0)
		address_of_reply(t, &c, address);
	return result;
}

static long accept_with(struct thread_record *t, const unsigned long a[6], unsigned flags)
{
	struct socket_address address;
	long word = socket_word(t, (unsigned)a[0]), fd, result;

	if (flags & ~(unsigned)TYPE_FLAGS)
		return -EINVAL;
	if (word < 0)
		return word;
	fd = descriptor_reserve(t);
	if (fd < 0)
		return fd;
	result = accept_call(t, (unsigned)a[0], fd, flags, &address);
	if (result >= 0 && a[1])
		result = socket_address_give(&address, a[1], a[2]);
	if (result < 0) {
		descriptor_abandon(t, fd);
		return result;
	}
	descriptor_install(t, fd, ((u32)word & ~(DESCRIPTOR_CLOEXEC | DESCRIPTOR_WATCHED)) | (flags & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0));
	return fd;
}

long linux_accept(struct thread_record *t, const unsigned long a[6])
{
	return accept_with(t, a, 0);
}

long linux_accept4(struct thread_record *t, const unsigned long a[6])
{
	return accept_with(t, a, (unsigned)a[3]);
}

/* ---- the rest ---- */

long linux_listen(struct thread_record *t, const unsigned long a[6])
{
	long word = socket_word(t, (unsigned)a[0]);

	return word < 0 ? word : file_simple((unsigned)a[0], FILE_LISTEN, (unsigned)a[1], 0, 0, 0);
}

long linux_shutdown(struct thread_record *t, const unsigned long a[6])
{
	long word = socket_word(t, (unsigned)a[0]);

	return word < 0 ? word : file_simple((unsigned)a[0], FILE_SHUTDOWN, (unsigned)a[1], 0, 0, 0);
}

long linux_setsockopt(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .m = { (unsigned)a[1], (unsigned)a[2], 0, (unsigned)a[4] } };
	unsigned length = MIN((unsigned)a[4], OPTION_MAX);
	long word = (int)a[4] < 0 ? -EINVAL : socket_word(t, (unsigned)a[0]);

	if (word < 0)
		return word;
	if (copy_from_user(thread_message(t)->data, a[3], length) < 0)
		return -EFAULT;
	c.info = INFO(FILE_SET_OPTION, length);
	return file_call(&c, NULL);
}

long linux_getsockopt(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_GET_OPTION, 0), .m = { (unsigned)a[1], (unsigned)a[2] } };
	long word = socket_word(t, (unsigned)a[0]), result;
	int room;

	if (word < 0)
		return word;
	if (get_user(room, a[4]) < 0)
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	c.m[3] = (unsigned)room;
	result = file_call(&c, NULL);
	if (result < 0)
		return result;
	if (copy_to_user(a[3], thread_message(t)->data, (size_t)MIN(result, (long)INFO_BYTES_OF(c.info))) < 0)
		return -EFAULT;
	return put_user((int)result, a[4]);
}
