/* Calls on descriptors themselves: close, dup, fcntl; and locks. */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/process.h"
#include "runtime/uaccess.h"

#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

long linux_close(struct thread_record *t, const unsigned long a[6])
{
	return descriptor_close(t, (unsigned)a[0]);
}

long linux_close_range(struct thread_record *t, const unsigned long a[6])
{
	unsigned long first = (unsigned)a[0], last = (unsigned)a[1];
	unsigned flags = (unsigned)a[2];
	long error;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	error = flags & CLOSE_RANGE_UNSHARE ? files_unshare(t) : 0;
	if (error < 0)
		return error;
	for (unsigned long n = dtable_next_open(&t->files->table, first); n <= last && n < DESCRIPTORS_MAX;
	     n = dtable_next_open(&t->files->table, n + 1)) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			descriptor_mark(t, (unsigned)n, DESCRIPTOR_CLOEXEC, 0);
		else
			descriptor_close(t, (unsigned)n);
	}
	return 0;
}

long linux_dup(struct thread_record *t, const unsigned long a[6])
{
	return descriptor_duplicate(t, (unsigned)a[0], 0, 0);
}

long linux_dup2(struct thread_record *t, const unsigned long a[6])
{
	unsigned from = (unsigned)a[0], to = (unsigned)a[1];

	if (from == to)
		return descriptor_lookup(t, from) ? (long)to : -EBADF;
	return descriptor_duplicate_to(t, from, to, 0);
}

long linux_dup3(struct thread_record *t, const unsigned long a[6])
{
	unsigned from = (unsigned)a[0], to = (unsigned)a[1], flags = (unsigned)a[2];

	if (flags & ~O_CLOEXEC || from == to)
		return -EINVAL;
	return descriptor_duplicate_to(t, from, to, flags & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0);
}

/* ---- locks ---- */

#define LOCK_KIND_POSIX 1
#define LOCK_KIND_OFD   2
#define LOCK_KIND_FLOCK 3
#define LOCK_GET  0
#define LOCK_SET  1
#define LOCK_WAIT 2

/* Makes start absolute and the length positive: Linux's flock64_to_posix_lock. */
static long lock_range(unsigned fd, struct flock *l)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_FSTAT, 0) };
	long origin = 0;

	switch (l->l_whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		origin = file_simple(fd, FILE_SEEK, 0, SEEK_CUR, 0, 0);
		break;
	case SEEK_END:
		origin = file_call_data(&c, sizeof(struct file_attr));
		if (origin >= 0)
			origin = (long)((struct file_attr *)thread_message(current())->data)->size;
		break;
	default:
		return -EINVAL;
	}
	if (origin < 0)
		return origin;
	if (__builtin_add_overflow(origin, l->l_start, &l->l_start))
		return -EOVERFLOW;
	if (l->l_len < 0) {
		l->l_start += l->l_len;
		l->l_len = -l->l_len;
	}
	if (l->l_start < 0)
		return -EINVAL;
	return l->l_len && l->l_len - 1 > 0x7fffffffffffffff - l->l_start ? -EOVERFLOW : 0;
}

static long lock_call(unsigned fd, struct ipc *c, unsigned kind, unsigned command, const struct flock *l)
{
	*c = (struct ipc){
		.target = fd,
		.info = INFO(FILE_LOCK, 0) | (command == LOCK_WAIT ? INFO_INTERRUPTIBLE : 0),
		.m = { kind, command, (unsigned long)l->l_type, (unsigned long)l->l_start, (unsigned long)l->l_len },
	};
	return file_call(c, NULL);
}

/* Where nothing is in the way only the type is changed: the range stays as the program wrote it. */
static long lock_get(unsigned fd, unsigned kind, struct flock *l, uaddr_t to)
{
	struct flock found = *l;
	struct ipc c;
	long error;

	if (l->l_type != F_RDLCK && l->l_type != F_WRLCK)
		return -EINVAL;
	error = lock_range(fd, &found);
	if (error == 0)
		error = lock_call(fd, &c, kind, LOCK_GET, &found);
	if (error < 0)
		return error;
	if ((short)c.m[1] == F_UNLCK) {
		l->l_type = F_UNLCK;
		return copy_to_user(to, l, sizeof(*l));
	}
	found = (struct flock){ (short)c.m[1], SEEK_SET, (long)c.m[2], (long)c.m[3], (int)c.m[4] };
	return copy_to_user(to, &found, sizeof(found));
}

static long lock_set(struct thread_record *t, unsigned fd, u32 word, unsigned kind, unsigned command, struct flock *l)
{
	unsigned access = descriptor_access(word);
	struct ipc c;
	long error;

	error = lock_range(fd, l);
	if (error < 0)
		return error;
	if (l->l_type != F_RDLCK && l->l_type != F_WRLCK && l->l_type != F_UNLCK)
		return -EINVAL;
	if ((l->l_type == F_RDLCK && access == O_WRONLY) || (l->l_type == F_WRLCK && access == O_RDONLY))
		return -EBADF;
	if (kind == LOCK_KIND_POSIX && !t->files->posix_locks) {
		t->files->posix_locks = true;
		rt_root(PROC_LOCKS_TAKEN, 0, 0, 0, 0, 0);
	}
	return lock_call(fd, &c, kind, command, l);
}

static long lock_control(struct thread_record *t, unsigned fd, u32 word, unsigned command, uaddr_t at)
{
	unsigned kind = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW ? LOCK_KIND_OFD : LOCK_KIND_POSIX;
	struct flock l;

	if (copy_from_user(&l, at, sizeof(l)) < 0)
		return -EFAULT;
	if (kind == LOCK_KIND_OFD && l.l_pid)
		return -EINVAL;
	if (command == F_GETLK || command == F_OFD_GETLK)
		return lock_get(fd, kind, &l, at);
	return lock_set(t, fd, word, kind, command == F_SETLKW || command == F_OFD_SETLKW ? LOCK_WAIT : LOCK_SET, &l);
}

long linux_flock(struct thread_record *t, const unsigned long a[6])
{
	unsigned fd = (unsigned)a[0], operation = (unsigned)a[1];
	struct flock l = { .l_type = F_UNLCK };
	struct ipc c;

	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		l.l_type = F_RDLCK;
		break;
	case LOCK_EX:
		l.l_type = F_WRLCK;
		break;
	case LOCK_UN:
		break;
	default:
		return -EINVAL;
	}
	if (!descriptor_lookup_file(t, fd))
		return -EBADF;
	return lock_call(fd, &c, LOCK_KIND_FLOCK, operation & LOCK_NB || l.l_type == F_UNLCK ? LOCK_SET : LOCK_WAIT, &l);
}

/* ---- fcntl ---- */

#define F_LINUX_BASE 1024
#define SETFL_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)

static long duplicate_from(struct thread_record *t, unsigned fd, unsigned long from, u32 flags)
{
	return (unsigned)from >= process_info()->nofile ? -EINVAL : descriptor_duplicate(t, fd, (unsigned)from, flags);
}

static long set_flags(unsigned fd, unsigned long flags)
{
	long result = file_simple(fd, FILE_FLAGS, flags & SETFL_FLAGS, fd, 0, 0);

	return result < 0 ? result : 0;
}

static long pipe_size(unsigned fd, u32 word, unsigned long bytes)
{
	return descriptor_type(word) == S_IFIFO ? file_simple(fd, FILE_PIPE_SIZE, bytes, 0, 0, 0) : -EBADF;
}

/* A server without seals does not know the message. */
static long file_seals(unsigned fd, unsigned long add, unsigned long seals)
{
	long result = file_simple(fd, FILE_SEALS, add, seals, 0, 0);

	return result == -ENOSYS ? -EINVAL : result;
}

/* Commands that an O_PATH descriptor may have. -ENOSYS: none of them. */
static long control_number(struct thread_record *t, unsigned fd, u32 word, unsigned command, unsigned long argument)
{
	switch (command) {
	case F_DUPFD:
		return duplicate_from(t, fd, argument, 0);
	case F_DUPFD_CLOEXEC:
		return duplicate_from(t, fd, argument, DESCRIPTOR_CLOEXEC);
	case F_GETFD:
		return word & DESCRIPTOR_CLOEXEC ? FD_CLOEXEC : 0;
	case F_SETFD:
		return descriptor_mark(t, fd, argument & FD_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0, argument & FD_CLOEXEC ? 0 : DESCRIPTOR_CLOEXEC);
	case F_GETFL:
		return file_simple(fd, FILE_FLAGS, ~0ul, 0, 0, 0);
	default:
		return -ENOSYS;
	}
}

/* ---- who is told by O_ASYNC ---- */

/* A server that does not know the message has files without owners. */
static long owner_call(struct ipc *c, unsigned fd, unsigned what, unsigned long kind, unsigned long id)
{
	long result;

	*c = (struct ipc){ .target = fd, .info = INFO(FILE_OWNER, 0), .m = { what, kind, id } };
	result = file_call(c, NULL);
	return result == -ENOSYS ? -EINVAL : result;
}

/* A negative number is a group's. */
long owner_set_number(unsigned fd, int who)
{
	struct ipc c;

	if (who < -0x7fffffff)
		return -EINVAL;
	return owner_call(&c, fd, OWNER_SET, who < 0 ? F_OWNER_PGRP : F_OWNER_PID, (unsigned)(who < 0 ? -who : who));
}

int owner_get_number(unsigned fd, long *error)
{
	struct ipc c;

	*error = owner_call(&c, fd, OWNER_GET, 0, 0);
	return *error ? 0 : c.m[1] == F_OWNER_PGRP ? -(int)c.m[2] : (int)c.m[2];
}

static long owner_get(unsigned fd)
{
	long error;
	int who = owner_get_number(fd, &error);

	current()->number = NUMBER_NONE; /* a group's number, negated, is not to be taken for a call that is made again (-ERESTARTSYS) */
	return error ? error : who;
}

static long owner_set_typed(unsigned fd, uaddr_t at)
{
	struct f_owner_ex owner;
	struct ipc c;

	if (get_user(owner, at))
		return -EFAULT;
	if (owner.type != F_OWNER_TID && owner.type != F_OWNER_PID && owner.type != F_OWNER_PGRP)
		return -EINVAL;
	return owner.pid < 0 ? -ESRCH : owner_call(&c, fd, OWNER_SET, (unsigned)owner.type, (unsigned)owner.pid);
}

static long owner_get_typed(unsigned fd, uaddr_t at)
{
	struct ipc c;
	long error = owner_call(&c, fd, OWNER_GET, 0, 0);
	struct f_owner_ex owner = { (int)c.m[1], (int)c.m[2] };

	return error ? error : put_user(owner, at);
}

static long owner_get_ids(unsigned fd, uaddr_t at)
{
	struct ipc c;
	long error = owner_call(&c, fd, OWNER_GET, 0, 0);
	const unsigned ids[2] = { (unsigned)c.m[3], (unsigned)c.m[4] };

	return error ? error : copy_to_user(at, ids, sizeof(ids));
}

static long owner_signal(unsigned fd, unsigned what, unsigned long signal)
{
	struct ipc c;

	return owner_call(&c, fd, what, signal, 0);
}

/* A server of a program's may not know the message. */
static long file_message(unsigned fd, unsigned label, unsigned long m0, unsigned long m1)
{
	long result = file_simple(fd, label, m0, m1, fd, 0);

	return result == -ENOSYS ? -EINVAL : result;
}

/* There are no hints. */
static long control_file(struct thread_record *t, unsigned fd, u32 word, unsigned command, unsigned long argument)
{
	switch (command) {
	case F_SETFL:
		return set_flags(fd, argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_control(t, fd, word, command, argument);
	case F_GETPIPE_SZ:
		return pipe_size(fd, word, ~0ul);
	case F_SETPIPE_SZ:
		return pipe_size(fd, word, (unsigned)argument);
	case F_GET_SEALS:
		return file_seals(fd, 0, 0);
	case F_ADD_SEALS:
		return file_seals(fd, 1, (unsigned)argument);
	case F_GETOWN:
		return owner_get(fd);
	case F_SETOWN:
		return owner_set_number(fd, (int)argument);
	case F_GETOWN_EX:
		return owner_get_typed(fd, argument);
	case F_SETOWN_EX:
		return owner_set_typed(fd, argument);
	case F_GETOWNER_UIDS:
		return owner_get_ids(fd, argument);
	case F_GETSIG:
		return owner_signal(fd, OWNER_GET_SIGNAL, 0);
	case F_SETSIG:
		return owner_signal(fd, OWNER_SET_SIGNAL, argument);
	case F_GETLEASE:
		return file_message(fd, FILE_LEASE, 0, 0);
	case F_SETLEASE:
		return file_message(fd, FILE_LEASE, 1, (unsigned)argument);
	case F_NOTIFY:
		return file_message(fd, FILE_NOTIFY, (unsigned)argument, fd);
	default:
		return -EINVAL;
	}
}

long linux_fcntl(struct thread_record *t, const unsigned long a[6])
{
	unsigned fd = (unsigned)a[0], command = (unsigned)a[1];
	u32 word = descriptor_lookup(t, fd);
	long result = word ? control_number(t, fd, word, command, a[2]) : -EBADF;

	if (result != -ENOSYS)
		return result;
	return word & DESCRIPTOR_PATH ? -EBADF : control_file(t, fd, word, command, a[2]);
}
