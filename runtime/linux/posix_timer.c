/* timer_create and the rest: root has the timers (they end with the process and send its signals); here are Linux's structures. */
#include <linux/signal.h>
#include <linux/time.h>

#include "runtime/call.h"
#include "runtime/linux/process.h"
#include "runtime/linux/time_value.h"
#include "runtime/uaccess.h"

struct linux_sigevent {
	unsigned long value;
	int signo, notify;
	int tid;
	int rest[11];
};
_Static_assert(sizeof(struct linux_sigevent) == 64, "sigevent layout");

struct linux_itimerspec {
	struct __kernel_timespec interval, value;
};

static struct __kernel_timespec timespec_of(unsigned long ns)
{
	return (struct __kernel_timespec){ (long)(ns / 1000000000ul), (long)(ns % 1000000000ul) };
}

static long timer_request(unsigned label, const unsigned long m[6], struct ipc *ipc)
{
	*ipc = (struct ipc){ .target = CPTR_ROOT, .info = INFO(label, 0) };
	for (unsigned i = 0; i < 6; i++)
		ipc->m[i] = m[i];
	return rt_request(ipc);
}

long linux_timer_create(struct thread_record *t, const unsigned long a[6])
{
	struct linux_sigevent event = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	struct ipc ipc;
	long id;

	(void)t;
	if (clock_of_file((int)a[0]))
		return -EOPNOTSUPP;
	if (a[1] && get_user(event, a[1]))
		return -EFAULT;
	id = timer_request(PROC_TIMER_CREATE, (const unsigned long[6]){ (unsigned)a[0], (unsigned)event.notify, (unsigned)event.signo, event.value,
									 (unsigned)event.tid, !a[1] }, &ipc);
	if (id < 0)
		return id;
	if (!put_user((int)id, a[2]))
		return 0;
	timer_request(PROC_TIMER_DELETE, (const unsigned long[6]){ (unsigned long)id }, &ipc);
	return -EFAULT;
}

static long put_times(const struct ipc *ipc, unsigned long address)
{
	struct linux_itimerspec times = { timespec_of(ipc->m[1]), timespec_of(ipc->m[2]) };

	return put_user(times, address);
}

long linux_timer_settime(struct thread_record *t, const unsigned long a[6])
{
	struct linux_itimerspec new;
	unsigned long interval, value;
	struct ipc ipc;
	long error;

	(void)t;
	if (!a[2])
		return -EINVAL;
	if (get_user(new, a[2]))
		return -EFAULT;
	if (!timespec_ns(&new.interval, &interval) || !timespec_ns(&new.value, &value))
		return -EINVAL;
	error = timer_request(PROC_TIMER_SET, (const unsigned long[6]){ (unsigned)a[0], a[1] & TIMER_ABSTIME, interval, value }, &ipc);
	return error || !a[3] ? error : put_times(&ipc, a[3]);
}

long linux_timer_gettime(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc;
	long error = timer_request(PROC_TIMER_GET, (const unsigned long[6]){ (unsigned)a[0] }, &ipc);

	(void)t;
	return error ? error : put_times(&ipc, a[1]);
}

long linux_timer_getoverrun(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc;
	long error = timer_request(PROC_TIMER_GET, (const unsigned long[6]){ (unsigned)a[0] }, &ipc);

	(void)t;
	return error ? error : (long)ipc.m[3];
}

long linux_timer_delete(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc;

	(void)t;
	return timer_request(PROC_TIMER_DELETE, (const unsigned long[6]){ (unsigned)a[0] }, &ipc);
}
