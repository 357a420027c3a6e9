/* POSIX message queues: files of /dev/mqueue, with messages of their own (abi/ipc.h). */
#include "abi/ipc.h"

#include <linux/fcntl.h>
#include <linux/signal.h>

#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/time_value.h"

struct mq_attr {
	long flags, most, size, count, reserved[4];
};

struct mq_sigevent {
	unsigned long value;
	int signal, notify;
	int rest[12];
};

long linux_mq_open(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[1] & (O_ACCMODE | O_CREAT | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	unsigned long limits = 0;
	struct mq_attr attr;

	if (a[3] && get_user(attr, a[3]))
		return -EFAULT;
	if (a[3] && flags & O_CREAT) {
		if (attr.most <= 0 || attr.size <= 0 || attr.most > 0x7fffffff || attr.size > 0x7fffffff)
			return -EINVAL;
		limits = (unsigned long)attr.most << 32 | (unsigned long)attr.size;
	}
	return file_open_queue(t, a[0], flags | O_CLOEXEC, (unsigned)a[2], limits);
}

long linux_mq_unlink(struct thread_record *t, const unsigned long a[6])
{
	return file_unlink_queue(t, a[0]);
}

/* Absolute, of the realtime clock. A time that has passed still lets through what need not wait. */
static long deadline_of(uaddr_t timeout, unsigned long *deadline)
{
	struct __kernel_timespec v;
	unsigned long ns, base = clock_realtime() - clock_monotonic();

	*deadline = 0;
	if (!timeout)
		return 0;
	if (get_user(v, timeout))
		return -EFAULT;
	if (!timespec_ns(&v, &ns))
		return -EINVAL;
	*deadline = ns > base + 1 ? ns - base : 2;
	return 0;
}

static long bad_queue(long result)
{
	return result == -ENOSYS || result == -EOPNOTSUPP ? -EBADF : result;
}

/* First without waiting, so that a deadline in the past is one only if there is something to wait for. */
static long transfer(struct thread_record *t, struct ipc *c, uaddr_t buffer, size_t length, bool to_user, unsigned long deadline)
{
	struct ipc again = *c;
	long result;

	c->m[2] = 1;
	result = length ? file_call_window(t, c, buffer, length, to_user) : file_call(c, NULL);
	if (result != -EAGAIN || file_simple(again.target, FILE_FLAGS, ~0ul, 0, 0, 0) & O_NONBLOCK)
		return bad_queue(result);
	*c = again;
	c->info |= INFO_INTERRUPTIBLE;
	c->deadline = deadline;
	return bad_queue(length ? file_call_window(t, c, buffer, length, to_user) : file_call(c, NULL));
}

long linux_mq_timedsend(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_MQ_SEND, 0), .m = { a[2], (unsigned)a[3] } };
	unsigned long deadline;
	long error;

	if ((unsigned)a[3] >= MQ_PRIORITIES)
		return -EINVAL;
	error = deadline_of(a[4], &deadline);
	if (error)
		return error;
	return descriptor_lookup_file(t, (unsigned)a[0]) ? transfer(t, &c, a[1], a[2], false, deadline) : -EBADF;
}

long linux_mq_timedreceive(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_MQ_RECEIVE, 0), .m = { a[2] } };
	unsigned long deadline;
	long result = deadline_of(a[4], &deadline);
	unsigned priority;

	if (result)
		return result;
	if (!descriptor_lookup_file(t, (unsigned)a[0]))
		return -EBADF;
	result = transfer(t, &c, a[1], a[2], true, deadline);
	priority = (unsigned)c.m[1];
	return result >= 0 && a[3] && put_user(priority, a[3]) ? -EFAULT : result;
}

/* SIGEV_THREAD is for libraries to make of a socket of their own, of an address family that is not there. */
long linux_mq_notify(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_MQ_NOTIFY, 0) };
	struct mq_sigevent event;

	if (a[1]) {
		if (get_user(event, a[1]))
			return -EFAULT;
		if (event.notify != SIGEV_NONE && event.notify != SIGEV_SIGNAL)
			return event.notify == SIGEV_THREAD ? -EBADF : -EINVAL;
		if (event.notify == SIGEV_SIGNAL && (unsigned)event.signal > SIGNAL_MAX)
			return -EINVAL;
		c.m[0] = event.notify == SIGEV_SIGNAL ? 1 : 2;
		c.m[1] = (unsigned)event.signal;
		c.m[2] = event.value;
	}
	if (!descriptor_lookup_file(t, (unsigned)a[0]))
		return -EBADF;
	if (a[1] && !t->files->posix_locks) { /* closing it, and the process's end, are told */
		t->files->posix_locks = true;
		rt_root(PROC_LOCKS_TAKEN, 0, 0, 0, 0, 0);
	}
	return bad_queue(file_call(&c, NULL));
}

long linux_mq_getsetattr(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_MQ_ATTR, 0) };
	struct mq_attr attr = { 0 };
	long result;

	if (a[1]) {
		if (get_user(attr, a[1]))
			return -EFAULT;
		if (attr.flags & ~(long)O_NONBLOCK)
			return -EINVAL;
		c.m[0] = 1;
		c.m[1] = (unsigned long)attr.flags;
	}
	if (!descriptor_lookup_file(t, (unsigned)a[0]))
		return -EBADF;
	result = bad_queue(file_call(&c, NULL));
	attr = (struct mq_attr){ .flags = (long)c.m[1], .most = (long)c.m[2], .size = (long)c.m[3], .count = (long)c.m[4] };
	return result < 0 || !a[2] ? result : put_user(attr, a[2]);
}
