/* Extended attributes. The name travels as the second text of a path operation; values are at most what a message holds. */
#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"

#include <linux/fcntl.h>

#define NAME_SIZE 256 /* XATTR_NAME_MAX and its NUL */

/* By path, or by descriptor: then the Handle operation has the text first and its length in m[5] all the same. */
struct subject {
	bool descriptor;
	unsigned fd;
	uaddr_t path;
	unsigned long walk;
};

static struct subject by_path(uaddr_t path)
{
	return (struct subject){ .path = path };
}

static struct subject by_link(uaddr_t path)
{
	return (struct subject){ .path = path, .walk = WALK_NOFOLLOW };
}

static struct subject by_descriptor(unsigned long fd)
{
	return (struct subject){ .descriptor = true, .fd = (unsigned)fd };
}

/* Which message of the pair, and its subject. */
static long start(struct thread_record *t, struct path_call *p, const struct subject *s, unsigned path_label, unsigned handle_label)
{
	long length;

	path_start(p, s->descriptor ? handle_label : path_label, 0, 0, s->walk);
	if (!s->descriptor) {
		length = path_add(t, p, 0, AT_FDCWD, s->path);
		return length < 0 ? length : 0;
	}
	p->ipc.target = s->fd;
	return descriptor_lookup_file(t, s->fd) ? 0 : -EBADF;
}

static long add_name(struct thread_record *t, struct path_call *p, uaddr_t name)
{
	long length = path_add_text(t, p, 1, name, NAME_SIZE);

	return length == -ENAMETOOLONG || length == 0 ? -ERANGE : length;
}

/* A reply whose data is a value of m[0] bytes. Size 0 asks only for the length. */
static long give_value(struct thread_record *t, const struct path_call *p, long length, uaddr_t to, unsigned long size)
{
	if (length < 0 || size == 0)
		return length;
	if ((unsigned long)length > INFO_BYTES_OF(p->ipc.info))
		return -EIO;
	if ((unsigned long)length > size)
		return -ERANGE;
	return copy_to_user(to, thread_message(t)->data, (size_t)length) < 0 ? -EFAULT : length;
}

static long get(struct thread_record *t, struct subject s, uaddr_t name, uaddr_t to, unsigned long size)
{
	struct path_call p;
	long result = start(t, &p, &s, FILE_GETXATTR, FILE_FGETXATTR);

	if (result == 0)
		result = add_name(t, &p, name);
	return result < 0 ? result : give_value(t, &p, path_send(t, &p), to, size);
}

static long list(struct thread_record *t, struct subject s, uaddr_t to, unsigned long size)
{
	struct path_call p;
	long result = start(t, &p, &s, FILE_LISTXATTR, FILE_FLISTXATTR);

	return result < 0 ? result : give_value(t, &p, path_send(t, &p), to, size);
}

/* Behind the name: its NUL and the value, which count as part of the second text. */
static long add_value(struct thread_record *t, struct path_call *p, uaddr_t value, unsigned long size)
{
	unsigned char *to = thread_message(t)->data + p->bytes;

	if (size >= MESSAGE_BYTES - p->bytes)
		return -E2BIG;
	to[0] = 0;
	if (copy_from_user(to + 1, value, size) < 0)
		return -EFAULT;
	p->bytes += size + 1;
	p->ipc.m[5] += size + 1;
	return 0;
}

static long set(struct thread_record *t, struct subject s, const unsigned long a[6])
{
	struct path_call p;
	long result = (unsigned)a[4] & ~3u || (unsigned)a[4] == 3 ? -EINVAL : start(t, &p, &s, FILE_SETXATTR, FILE_FSETXATTR);

	if (result == 0)
		result = add_name(t, &p, a[1]);
	if (result >= 0)
		result = add_value(t, &p, a[2], a[3]);
	p.ipc.m[0] = (unsigned)a[4];
	return result < 0 ? result : path_send(t, &p);
}

static long discard(struct thread_record *t, struct subject s, uaddr_t name)
{
	struct path_call p;
	long result = start(t, &p, &s, FILE_REMOVEXATTR, FILE_FREMOVEXATTR);

	if (result == 0)
		result = add_name(t, &p, name);
	return result < 0 ? result : path_send(t, &p);
}

#define XATTR_CALLS(prefix, subject) \
	long linux_##prefix##getxattr(struct thread_record *t, const unsigned long a[6]) \
	{ \
		return get(t, subject(a[0]), a[1], a[2], a[3]); \
	} \
	long linux_##prefix##setxattr(struct thread_record *t, const unsigned long a[6]) \
	{ \
		return set(t, subject(a[0]), a); \
	} \
	long linux_##prefix##listxattr(struct thread_record *t, const unsigned long a[6]) \
	{ \
		return list(t, subject(a[0]), a[1], a[2]); \
	} \
	long linux_##prefix##removexattr(struct thread_record *t, const unsigned long a[6]) \
	{ \
		return discard(t, subject(a[0]), a[1]); \
	}

XATTR_CALLS(, by_path)
XATTR_CALLS(l, by_link)
XATTR_CALLS(f, by_descriptor)
