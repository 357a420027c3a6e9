/* Limits, usage, nice values, where threads run. Root keeps them. */
#include <linux/resource.h>
#include <linux/times.h>

#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/core.h"
#include "runtime/linux/process.h"
#include "runtime/linux/time_value.h"

#define RESOURCES   16
#define CLOCK_TICK_NS 10000000ul /* times(2) counts hundredths of a second */

/* ---- limits ---- */

static long limit_call(unsigned pid, unsigned resource, const struct rlimit64 *new, struct rlimit64 *old)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_RLIMIT, 0), .m = { pid, resource, new != NULL } };
	long error;

	if (resource >= RESOURCES || (new && new->rlim_cur > new->rlim_max))
		return -EINVAL;
	if (new) {
		ipc.m[3] = new->rlim_cur;
		ipc.m[4] = new->rlim_max;
	}
	error = rt_request(&ipc);
	if (error < 0)
		return error;
	old->rlim_cur = ipc.m[1];
	old->rlim_max = ipc.m[2];
	return 0;
}

long linux_getrlimit(struct thread_record *t, const unsigned long a[6])
{
	struct rlimit64 old;
	long error = limit_call(0, (unsigned)a[0], NULL, &old);

	(void)t;
	return error ? error : put_user(old, a[1]);
}

long linux_setrlimit(struct thread_record *t, const unsigned long a[6])
{
	struct rlimit64 new, old;

	(void)t;
	return get_user(new, a[1]) ? -EFAULT : limit_call(0, (unsigned)a[0], &new, &old);
}

long linux_prlimit64(struct thread_record *t, const unsigned long a[6])
{
	struct rlimit64 new, old;
	long error;

	(void)t;
	if (a[2] && get_user(new, a[2]))
		return -EFAULT;
	error = limit_call((unsigned)a[0], (unsigned)a[1], a[2] ? &new : NULL, &old);
	return error || !a[3] ? error : put_user(old, a[3]);
}

/* ---- usage ---- */

static long usage_get(int who, struct rusage *u)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_USAGE, 0), .m = { (unsigned long)(long)who } };
	long error = rt_request(&ipc);

	memset(u, 0, sizeof(*u));
	if (error < 0)
		return error;
	timeval_of_ns(&u->ru_utime, ipc.m[1]);
	timeval_of_ns(&u->ru_stime, ipc.m[2]);
	u->ru_maxrss = (long)ipc.m[3];
	u->ru_minflt = (long)ipc.m[4];
	u->ru_majflt = (long)ipc.m[5];
	u->ru_nvcsw = (long)ipc.m[6];
	u->ru_nivcsw = (long)ipc.m[7];
	return 0;
}

long linux_getrusage(struct thread_record *t, const unsigned long a[6])
{
	struct rusage usage;
	int who = (int)a[0];
	long error;

	(void)t;
	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	error = usage_get(who, &usage);
	return error ? error : put_user(usage, a[1]);
}

static long ticks(long seconds, long microseconds)
{
	return (long)(((unsigned long)seconds * NS_PER_SECOND + (unsigned long)microseconds * 1000) / CLOCK_TICK_NS);
}

long linux_times(struct thread_record *t, const unsigned long a[6])
{
	struct rusage own, children;
	struct tms {
		long user, system, child_user, child_system;
	} tms;

	(void)t;
	if (a[0]) {
		if (usage_get(RUSAGE_SELF, &own) || usage_get(RUSAGE_CHILDREN, &children))
			return -EIO;
		tms.user = ticks(own.ru_utime.tv_sec, own.ru_utime.tv_usec);
		tms.system = ticks(own.ru_stime.tv_sec, own.ru_stime.tv_usec);
		tms.child_user = ticks(children.ru_utime.tv_sec, children.ru_utime.tv_usec);
		tms.child_system = ticks(children.ru_stime.tv_sec, children.ru_stime.tv_usec);
		if (put_user(tms, a[0]))
			return -EFAULT;
	}
	return (long)(clock_monotonic() / CLOCK_TICK_NS);
}

/* ---- priorities ---- */

long linux_getpriority(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	if ((unsigned)a[0] > PRIO_USER)
		return -EINVAL;
	/* root answers 20 - nice, which is what the system call returns */
	return rt_root(PROC_PRIORITY, 0, (unsigned)a[0], (unsigned)a[1], 0, 0);
}

long linux_setpriority(struct thread_record *t, const unsigned long a[6])
{
	int nice = MIN(MAX((int)a[2], -20), 19);

	(void)t;
	if ((unsigned)a[0] > PRIO_USER)
		return -EINVAL;
	return rt_root(PROC_PRIORITY, 1, (unsigned)a[0], (unsigned)a[1], (unsigned long)(long)nice, 0);
}

/* IOPRIO_WHO_ values begin at 1. */
long linux_ioprio_get(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return rt_root(PROC_IO_PRIORITY, 0, (unsigned)a[0] - 1, (unsigned)a[1], 0, 0);
}

long linux_ioprio_set(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return rt_root(PROC_IO_PRIORITY, 1, (unsigned)a[0] - 1, (unsigned)a[1], (unsigned)a[2], 0);
}

/* ---- scheduling ---- */

long linux_sched_yield(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc = { 0 };

	(void)t;
	(void)a;
	kcall_ipc(KCALL_yield, &ipc);
	return 0;
}

/* The thread's cores in ipc->m[1]. */
static long root_affinity(bool set, unsigned tid, unsigned long cores, struct ipc *ipc)
{
	*ipc = (struct ipc){ .target = CPTR_ROOT, .info = INFO(PROC_AFFINITY, 0), .m = { set, tid, cores } };
	return rt_request(ipc);
}

long linux_sched_getaffinity(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc;
	long error;

	(void)t;
	if ((unsigned)a[1] < sizeof(ipc.m[1]) || (unsigned)a[1] % sizeof(ipc.m[1]))
		return -EINVAL;
	error = (int)a[0] < 0 ? -ESRCH : root_affinity(0, (unsigned)a[0], 0, &ipc);
	if (error)
		return error;
	return put_user(ipc.m[1], a[2]) ? -EFAULT : (long)sizeof(ipc.m[1]);
}

long linux_sched_setaffinity(struct thread_record *t, const unsigned long a[6])
{
	unsigned long cores = 0;
	struct ipc ipc;

	(void)t;
	if (copy_from_user(&cores, a[2], MIN((size_t)(unsigned)a[1], sizeof(cores))))
		return -EFAULT;
	return (int)a[0] < 0 ? -ESRCH : root_affinity(1, (unsigned)a[0], cores, &ipc);
}

/* The third argument has been unused since Linux 2.6.24. */
long linux_getcpu(struct thread_record *t, const unsigned long a[6])
{
	unsigned core = core_number(), zero = 0;

	(void)t;
	if ((a[0] && put_user(core, a[0])) || (a[1] && put_user(zero, a[1])))
		return -EFAULT;
	return 0;
}
