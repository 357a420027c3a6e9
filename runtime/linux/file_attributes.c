/* Calls that change what a file is: mode, owner, size, times. All become SETATTR, by path or by descriptor. */
#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"
#include "runtime/uaccess.h"

#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time.h>

struct change {
	unsigned long mask; /* SETATTR_ */
	struct file_attr attr;
};

static long change_file(struct thread_record *t, unsigned long cptr, const struct change *change)
{
	struct ipc c = { .target = cptr, .info = INFO(FILE_FSETATTR, sizeof(change->attr)), .m = { change->mask } };

	memcpy(thread_message(t)->data, &change->attr, sizeof(change->attr));
	return file_call(&c, NULL);
}

static long change_descriptor(struct thread_record *t, unsigned fd, const struct change *change)
{
	return descriptor_lookup_file(t, fd) ? change_file(t, fd, change) : -EBADF;
}

static long change_path(struct thread_record *t, int dirfd, uaddr_t path, unsigned at_flags, const struct change *change)
{
	struct path_call p;
	unsigned long cptr;
	long result = path_empty(t, dirfd, path, at_flags & AT_EMPTY_PATH, &cptr);

	if (result < 0)
		return result;
	if (result)
		return change_file(t, cptr, change);
	path_start(&p, FILE_SETATTR, change->mask, 0, at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0);
	if (change->mask & SETATTR_SIZE)
		p.ipc.info |= INFO_INTERRUPTIBLE; /* it may wait for a lease */
	result = path_add(t, &p, 0, dirfd, path);
	if (result >= 0)
		result = path_add_bytes(t, &p, 1, &change->attr, sizeof(change->attr));
	return result < 0 ? result : path_send(t, &p);
}

/* ---- mode, owner, size ---- */

static struct change mode_change(unsigned long mode)
{
	return (struct change){ SETATTR_MODE, { .mode = (unsigned)mode & 07777 } };
}

long linux_chmod(struct thread_record *t, const unsigned long a[6])
{
	struct change c = mode_change(a[1]);

	return change_path(t, AT_FDCWD, a[0], 0, &c);
}

long linux_fchmod(struct thread_record *t, const unsigned long a[6])
{
	struct change c = mode_change(a[1]);

	return change_descriptor(t, (unsigned)a[0], &c);
}

long linux_fchmodat(struct thread_record *t, const unsigned long a[6])
{
	struct change c = mode_change(a[2]);

	return change_path(t, (int)a[0], a[1], 0, &c);
}

/* An id of -1 stays as it is. */
static struct change owner_change(unsigned long uid, unsigned long gid)
{
	unsigned long mask = SETATTR_CHOWN | ((unsigned)uid != ~0u ? SETATTR_UID : 0) | ((unsigned)gid != ~0u ? SETATTR_GID : 0);

	return (struct change){ mask, { .uid = (unsigned)uid, .gid = (unsigned)gid } };
}

long linux_chown(struct thread_record *t, const unsigned long a[6])
{
	struct change c = owner_change(a[1], a[2]);

	return change_path(t, AT_FDCWD, a[0], 0, &c);
}

long linux_lchown(struct thread_record *t, const unsigned long a[6])
{
	struct change c = owner_change(a[1], a[2]);

	return change_path(t, AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, &c);
}

long linux_fchown(struct thread_record *t, const unsigned long a[6])
{
	struct change c = owner_change(a[1], a[2]);

	return change_descriptor(t, (unsigned)a[0], &c);
}

long linux_fchownat(struct thread_record *t, const unsigned long a[6])
{
	struct change c = owner_change(a[2], a[3]);
	unsigned flags = (unsigned)a[4];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_path(t, (int)a[0], a[1], flags, &c);
}

static struct change size_change(unsigned long size)
{
	return (struct change){ SETATTR_SIZE, { .size = size } };
}

static long limit_size(struct thread_record *t, unsigned long size)
{
	if (size <= process_info()->fsize)
		return 0;
	signal_raise(t, SIGXFSZ);
	return -EFBIG;
}

long file_limit_resize(struct thread_record *t, unsigned fd, unsigned long size)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_FSTAT, 0) };

	if (size <= process_info()->fsize)
		return 0;
	if (file_call_data(&c, sizeof(struct file_attr)) >= 0 && ((struct file_attr *)thread_message(t)->data)->size >= size)
		return 0;
	return limit_size(t, size);
}

long linux_truncate(struct thread_record *t, const unsigned long a[6])
{
	struct change c = size_change(a[1]);

	long error = (long)a[1] < 0 ? -EINVAL : limit_size(t, a[1]);

	return error < 0 ? error : change_path(t, AT_FDCWD, a[0], 0, &c);
}

long linux_ftruncate(struct thread_record *t, const unsigned long a[6])
{
	struct change c = size_change(a[1]);
	u32 word = descriptor_lookup_file(t, (unsigned)a[0]);
	long error;

	if ((long)a[1] < 0)
		return -EINVAL;
	if (!word)
		return -EBADF;
	error = descriptor_type(word) != S_IFREG || descriptor_access(word) == O_RDONLY ? -EINVAL : 0;

	if (error == 0)
		error = file_limit_resize(t, (unsigned)a[0], a[1]);
	return error < 0 ? error : change_file(t, (unsigned)a[0], &c);
}

/* ---- times ---- */

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe
#define NS_PER_SECOND 1000000000ul

struct time { /* Linux's struct timespec, or timeval before its microseconds are scaled */
	long seconds, fraction;
};

static const struct change now_change = { SETATTR_ATIME | SETATTR_MTIME | SETATTR_ATIME_NOW | SETATTR_MTIME_NOW, { 0 } };

/* What one time adds to the mask; `set` and `now` are its SETATTR_ bits. */
static long add_time(struct change *c, unsigned long *to, const struct time *time, unsigned long set, unsigned long now)
{
	if (time->fraction == UTIME_OMIT)
		return 0;
	c->mask |= set;
	if (time->fraction == UTIME_NOW)
		c->mask |= now;
	else if ((unsigned long)time->fraction >= NS_PER_SECOND)
		return -EINVAL;
	else
		*to = (unsigned long)time->seconds * NS_PER_SECOND + (unsigned long)time->fraction;
	return 0;
}

static long times_change(struct change *c, const struct time times[2])
{
	long error;

	*c = (struct change){ 0 };
	error = add_time(c, &c->attr.atime, &times[0], SETATTR_ATIME, SETATTR_ATIME_NOW);
	return error < 0 ? error : add_time(c, &c->attr.mtime, &times[1], SETATTR_MTIME, SETATTR_MTIME_NOW);
}

static long times_apply(struct thread_record *t, int dirfd, uaddr_t path, unsigned flags, const struct change *c)
{
	if (path)
		return change_path(t, dirfd, path, flags, c);
	if (flags)
		return -EINVAL;
	return dirfd == AT_FDCWD ? -EFAULT : change_descriptor(t, (unsigned)dirfd, c);
}

long linux_utimensat(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[3];
	struct change c = now_change;
	struct time times[2];
	long error = 0;

	if (a[2]) {
		if (copy_from_user(times, a[2], sizeof(times)) < 0)
			return -EFAULT;
		if (times[0].fraction == UTIME_OMIT && times[1].fraction == UTIME_OMIT)
			return 0;
		error = times_change(&c, times);
	}
	if (error == 0 && flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		error = -EINVAL;
	return error < 0 ? error : times_apply(t, (int)a[0], a[1], flags, &c);
}

static long times_in_microseconds(struct thread_record *t, int dirfd, uaddr_t path, uaddr_t from)
{
	struct change c = now_change;
	struct time times[2];
	long error = 0;

	if (from) {
		if (copy_from_user(times, from, sizeof(times)) < 0)
			return -EFAULT;
		for (int i = 0; i < 2; i++) {
			if ((unsigned long)times[i].fraction >= 1000000)
				return -EINVAL;
			times[i].fraction *= 1000;
		}
		error = times_change(&c, times);
	}
	return error < 0 ? error : times_apply(t, dirfd, path, 0, &c);
}

long linux_futimesat(struct thread_record *t, const unsigned long a[6])
{
	return times_in_microseconds(t, (int)a[0], a[1], a[2]);
}

long linux_utimes(struct thread_record *t, const unsigned long a[6])
{
	return times_in_microseconds(t, AT_FDCWD, a[0], a[1]);
}

long linux_utime(struct thread_record *t, const unsigned long a[6])
{
	struct change c = now_change;
	long seconds[2];

	if (a[1]) {
		struct time times[2] = { { 0, 0 }, { 0, 0 } };

		if (copy_from_user(seconds, a[1], sizeof(seconds)) < 0)
			return -EFAULT;
		times[0].seconds = seconds[0];
		times[1].seconds = seconds[1];
		times_change(&c, times);
	}
	return times_apply(t, AT_FDCWD, a[0], 0, &c);
}
