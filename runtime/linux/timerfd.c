/* timerfd: the event server has the timers; here are Linux's structures. */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/time_value.h"

#include <linux/fcntl.h>

#define TIMER_FLAGS 3ul /* TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET */

struct timerfd_times {
	struct __kernel_timespec interval, value;
};

long linux_timerfd_create(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[1];

	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return file_open_service(t, SLOT_SERVICE_EVENT, FILE_TIMERFD, (unsigned)a[0], flags & ~(unsigned)O_CLOEXEC,
		descriptor_word(O_RDWR, 0, flags & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0));
}

/* A file that is no anonymous one would take the label for an unknown one, with an error of its own. */
static long timerfd_call(struct thread_record *t, struct ipc *c)
{
	u32 word = descriptor_lookup_file(t, (unsigned)c->target);
	long result = word ? 0 : -EBADF;

	if (result == 0)
		result = file_call(c, NULL);
	return result == -ENOSYS ? -EINVAL : result;
}

static long put_times(const struct ipc *c, uaddr_t to)
{
	struct timerfd_times times = { timespec_of_ns(c->m[1]), timespec_of_ns(c->m[2]) };

	return put_user(times, to);
}

long linux_timerfd_settime(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_TIMERFD_SET, 0), .m = { (unsigned)a[1] } };
	struct timerfd_times new;
	long result;

	if (get_user(new, a[2]))
		return -EFAULT;
	if ((unsigned)a[1] & ~TIMER_FLAGS || !timespec_ns(&new.interval, &c.m[1]) || !timespec_ns(&new.value, &c.m[2]))
		return -EINVAL;
	result = timerfd_call(t, &c);
	return result < 0 || !a[3] ? result : put_times(&c, a[3]);
}

long linux_timerfd_gettime(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_TIMERFD_GET, 0) };
	long result = timerfd_call(t, &c);

	return result < 0 ? result : put_times(&c, a[1]);
}
