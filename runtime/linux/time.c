/* Clocks, sleeping, interval timers. A deadline is absolute in the monotonic clock; no wait is done by counting down. */
#include <linux/time.h>

#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/time_value.h"

#define TICK_NS 4000000ul /* resolution of the coarse clocks, as a Linux with 250 ticks a second has it */
/* clock_getcpuclockid's numbers: ~id << 3 | 4 for a thread | what counts as time, of which all are alike here */
#define CPU_CLOCK_KIND   3
#define CPU_CLOCK_KINDS  3
#define CPU_CLOCK_THREAD 4

/* clocks by number, of those that need root to be read */
static long cpu_time(bool process, unsigned long *ns)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_CPU_TIME, 0), .m = { 0, !process } };
	long error = rt_request(&ipc);

	*ns = ipc.m[1];
	return error;
}

/* `reading`: a thread's own id names its process, too; not when only the clock is asked for */
static long cpu_time_of(int clock, bool reading, unsigned long *ns)
{
	unsigned id = ~(unsigned)(clock >> 3);
	bool thread = clock & CPU_CLOCK_THREAD;
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_CPU_TIME, 0), .m = { id, thread, reading } };
	long error;

	if ((clock & CPU_CLOCK_KIND) >= CPU_CLOCK_KINDS)
		return -EINVAL;
	if (!id)
		return cpu_time(!thread, ns);
	error = rt_request(&ipc);
	*ns = ipc.m[1];
	return error;
}

/* The clocks of open devices, which have neither timers nor sleeping. */
bool clock_of_file(int clock)
{
	return clock < 0 && (clock & (CPU_CLOCK_KIND | CPU_CLOCK_THREAD)) == CPU_CLOCK_KIND;
}

static long clock_get(int clock, bool reading, unsigned long *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = clock_realtime();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_monotonic();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID: return cpu_time(true, ns);
	case CLOCK_THREAD_CPUTIME_ID: return cpu_time(false, ns);
	}
	return clock < 0 ? cpu_time_of(clock, reading, ns) : -EINVAL;
}

long linux_clock_gettime(struct thread_record *t, const unsigned long a[6])
{
	unsigned long ns;
	long error = clock_get((int)a[0], true, &ns);

	(void)t;
	return error ? error : put_user(timespec_of_ns(ns), a[1]);
}

long linux_clock_getres(struct thread_record *t, const unsigned long a[6])
{
	int clock = (int)a[0];
	unsigned long ns;
	long error = clock_get(clock, false, &ns);

	(void)t;
	if (error || !a[1])
		return error;
	return put_user(timespec_of_ns(clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ? TICK_NS : 1), a[1]);
}

long linux_gettimeofday(struct thread_record *t, const unsigned long a[6])
{
	static const int zone[2];
	long now[2];

	(void)t;
	timeval_of_ns(now, clock_realtime());
	if (a[0] && copy_to_user(a[0], now, sizeof(now)))
		return -EFAULT;
	return a[1] ? copy_to_user(a[1], zone, sizeof(zone)) : 0;
}

long linux_time(struct thread_record *t, const unsigned long a[6])
{
	long now = (long)(clock_realtime() / NS_PER_SECOND);

	(void)t;
	return a[0] && put_user(now, a[0]) ? -EFAULT : now;
}

/* ---- sleeping ---- */

unsigned long deadline_after(unsigned long ns)
{
	unsigned long now = clock_monotonic();

	return ns > NS_MAX - now ? NS_MAX : MAX(now + ns, 2ul); /* 1 would be DEADLINE_NOW */
}

long deadline_after_user(uaddr_t timespec, unsigned long *deadline)
{
	struct __kernel_timespec v;
	unsigned long ns;

	if (get_user(v, timespec))
		return -EFAULT;
	if (!timespec_ns(&v, &ns))
		return -EINVAL;
	*deadline = deadline_after(ns);
	return 0;
}

/* 0, or -ERESTARTSYS before the deadline. */
static long sleep_until(struct thread_record *t, unsigned long deadline)
{
	for (;;) {
		long result;

		if (clock_monotonic() >= deadline)
			return 0;
		/* The Notification may be signalled for other reasons; nothing here waits for any bit. */
		result = rt_wait(t, 0, true, deadline);
		if (result == -ERESTARTSYS)
			return result;
	}
}

static long sleep_interrupted(unsigned long deadline, uaddr_t remaining)
{
	unsigned long now = clock_monotonic();

	if (remaining && put_user(timespec_of_ns(deadline > now ? deadline - now : 0), remaining))
		return -EFAULT;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_restart(struct thread_record *t, struct restart_block *r)
{
	return sleep_until(t, r->deadline) ? sleep_interrupted(r->deadline, r->a[0]) : 0;
}

static long sleep_relative(struct thread_record *t, uaddr_t request, uaddr_t remaining)
{
	unsigned long deadline;
	long error = deadline_after_user(request, &deadline);

	if (error)
		return error;
	if (!sleep_until(t, deadline))
		return 0;
	t->restart = (struct restart_block){ .call = sleep_restart, .deadline = deadline, .a = { remaining } };
	return sleep_interrupted(deadline, remaining);
}

long linux_nanosleep(struct thread_record *t, const unsigned long a[6])
{
	return sleep_relative(t, a[0], a[1]);
}

/* ---- until so much processor time has been used ---- */

static long cpu_sleep(struct thread_record *t, int clock, bool absolute, unsigned long ns, uaddr_t remaining);

static long cpu_sleep_restart(struct thread_record *t, struct restart_block *r)
{
	return cpu_sleep(t, (int)r->a[1], true, r->deadline, r->a[0]);
}

static long cpu_sleep(struct thread_record *t, int clock, bool absolute, unsigned long ns, uaddr_t remaining)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_CPU_SLEEP, 0) | INFO_INTERRUPTIBLE, .m = { (unsigned)clock, absolute, ns } };
	unsigned long now, target;
	long error = rt_request(&ipc);

	if (error != -ERESTARTSYS)
		return error;
	/* interrupted before root had it, m[1] is still the request's */
	target = ipc.m[1];
	if (clock_get(clock, true, &now))
		return -ERESTARTNOHAND;
	if (target <= 1)
		target = absolute ? ns : now + ns;
	t->restart = (struct restart_block){ .call = cpu_sleep_restart, .deadline = target, .a = { remaining, (unsigned)clock } };
	if (remaining && put_user(timespec_of_ns(target > now ? target - now : 0), remaining))
		return -EFAULT;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_cpu(struct thread_record *t, int clock, bool absolute, uaddr_t request, uaddr_t remaining)
{
	struct __kernel_timespec v;
	unsigned long ns;
	long result;

	if (get_user(v, request))
		return -EFAULT;
	if (!timespec_ns(&v, &ns))
		return -EINVAL;
	result = cpu_sleep(t, clock, absolute, ns, absolute ? 0 : remaining);
	return absolute && result == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : result;
}

long linux_clock_nanosleep(struct thread_record *t, const unsigned long a[6])
{
	int clock = (int)a[0];
	struct __kernel_timespec v;
	unsigned long ns, base = 0;

	if (clock == CLOCK_THREAD_CPUTIME_ID || clock_of_file(clock))
		return -EOPNOTSUPP;
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock < 0)
		return sleep_cpu(t, clock, (int)a[1] & TIMER_ABSTIME, a[2], a[3]);
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_TAI)
		return -EINVAL;
	if (!((int)a[1] & TIMER_ABSTIME))
		return sleep_relative(t, a[2], a[3]);
	if (get_user(v, a[2]))
		return -EFAULT;
	if (!timespec_ns(&v, &ns))
		return -EINVAL;
	if (clock == CLOCK_REALTIME || clock == CLOCK_TAI)
		base = clock_realtime() - clock_monotonic();
	return ns <= base || !sleep_until(t, MAX(ns - base, 2ul)) ? 0 : -ERESTARTNOHAND;
}

long linux_restart_syscall(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	if (!t->restart.call)
		return -EINTR;
	return t->restart.call(t, &t->restart);
}

/* ---- interval timers ---- */

struct itimer {
	long interval[2], value[2];
};

static bool timeval_ns(const long v[2], unsigned long *ns)
{
	if (v[0] < 0 || (unsigned long)v[1] >= 1000000)
		return false;
	*ns = (unsigned long)v[0] >= NS_MAX / NS_PER_SECOND ? NS_MAX : (unsigned long)v[0] * NS_PER_SECOND + (unsigned long)v[1] * 1000;
	return true;
}

static long itimer_call(unsigned which, bool set, unsigned long interval, unsigned long value, struct itimer *old)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_ITIMER, 0), .m = { which, set, interval, value } };
	long error = rt_request(&ipc);

	if (error < 0)
		return error;
	timeval_of_ns(old->interval, ipc.m[1]);
	timeval_of_ns(old->value, ipc.m[2]);
	return 0;
}

long linux_getitimer(struct thread_record *t, const unsigned long a[6])
{
	struct itimer old;
	long error = (unsigned)a[0] > 2 ? -EINVAL : itimer_call((unsigned)a[0], false, 0, 0, &old);

	(void)t;
	return error ? error : put_user(old, a[1]);
}

long linux_setitimer(struct thread_record *t, const unsigned long a[6])
{
	struct itimer new = { 0 }, old;
	unsigned long interval, value;
	long error;

	(void)t;
	if (a[1] && get_user(new, a[1]))
		return -EFAULT;
	if ((unsigned)a[0] > 2 || !timeval_ns(new.interval, &interval) || !timeval_ns(new.value, &value))
		return -EINVAL;
	error = itimer_call((unsigned)a[0], true, interval, value, &old);
	return error || !a[2] ? error : put_user(old, a[2]);
}

/* Seconds left of the old alarm, rounded as Linux does: never 0 while one runs. */
long linux_alarm(struct thread_record *t, const unsigned long a[6])
{
	struct itimer old;
	long error = itimer_call(0, true, 0, (unsigned long)(unsigned)a[0] * NS_PER_SECOND, &old);

	(void)t;
	if (error)
		return 0;
	if ((!old.value[0] && old.value[1]) || old.value[1] >= 500000)
		old.value[0]++;
	return old.value[0];
}
