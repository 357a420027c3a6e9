/* Limits, usage, priorities, scheduling. Root keeps limits, usage and nice values; there is one scheduling class for programs. */
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
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

/* ---- scheduling ---- */

long linux_sched_yield(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc = { 0 };

	(void)t;
	(void)a;
	kcall_ipc(KCALL_yield, &ipc);
	return 0;
}

/* 0 if the thread exists. */
static long thread_exists(struct thread_record *t, int pid)
{
	long error;

	if (pid < 0)
		return -EINVAL;
	if (!pid || (unsigned)pid == t->tid || (unsigned)pid == process_pid(t->process))
		return 0;
	error = rt_root(PROC_GET_IDS, (unsigned long)pid, 0, 0, 0, 0);
	return error < 0 ? error : 0;
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

#define SCHED_RESET_ON_FORK_ 0x40000000

static bool normal_policy(int policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

static long policy_set(struct thread_record *t, int pid, int policy, uaddr_t param)
{
	int priority;
	long error = thread_exists(t, pid);

	if (!param)
		return -EINVAL;
	if (get_user(priority, param))
		return -EFAULT;
	if (error)
		return error;
	policy &= ~SCHED_RESET_ON_FORK_;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return priority < 1 || priority > 99 ? -EINVAL : -EPERM;
	return normal_policy(policy) && !priority ? 0 : -EINVAL;
}

long linux_sched_setscheduler(struct thread_record *t, const unsigned long a[6])
{
	return (int)a[1] < 0 ? -EINVAL : policy_set(t, (int)a[0], (int)a[1], a[2]);
}

long linux_sched_setparam(struct thread_record *t, const unsigned long a[6])
{
	return policy_set(t, (int)a[0], SCHED_NORMAL, a[1]);
}

long linux_sched_getscheduler(struct thread_record *t, const unsigned long a[6])
{
	long error = thread_exists(t, (int)a[0]);

	return error ? error : SCHED_NORMAL;
}

long linux_sched_getparam(struct thread_record *t, const unsigned long a[6])
{
	long error = a[1] ? thread_exists(t, (int)a[0]) : -EINVAL;
	int priority = 0;

	return error ? error : put_user(priority, a[1]);
}

static long priority_bound(int policy, long real_time)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return real_time;
	return normal_policy(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long linux_sched_get_priority_max(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return priority_bound((int)a[0], 99);
}

long linux_sched_get_priority_min(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return priority_bound((int)a[0], 1);
}

long linux_sched_rr_get_interval(struct thread_record *t, const unsigned long a[6])
{
	long error = thread_exists(t, (int)a[0]);

	return error ? error : put_user(timespec_of_ns(4000000), a[1]);
}

long linux_sched_getattr(struct thread_record *t, const unsigned long a[6])
{
	struct sched_attr attr = { .size = SCHED_ATTR_SIZE_VER0, .sched_policy = SCHED_NORMAL };
	long error = thread_exists(t, (int)a[0]), nice;

	if (!a[1] || (unsigned)a[2] < SCHED_ATTR_SIZE_VER0 || a[3])
		return -EINVAL;
	if (error)
		return error;
	nice = rt_root(PROC_PRIORITY, 0, PRIO_PROCESS, (unsigned)a[0], 0, 0);
	if (nice > 0)
		attr.sched_nice = (int)(20 - nice);
	return copy_to_user(a[1], &attr, SCHED_ATTR_SIZE_VER0);
}

long linux_sched_setattr(struct thread_record *t, const unsigned long a[6])
{
	struct sched_attr attr = { 0 };
	long error = thread_exists(t, (int)a[0]);

	if (!a[1] || a[2])
		return -EINVAL;
	if (copy_from_user(&attr, a[1], SCHED_ATTR_SIZE_VER0))
		return -EFAULT;
	if (error)
		return error;
	if (!normal_policy((int)attr.sched_policy))
		return attr.sched_policy > SCHED_DEADLINE ? -EINVAL : -EPERM;
	return rt_root(PROC_PRIORITY, 1, PRIO_PROCESS, (unsigned)a[0], (unsigned long)(long)attr.sched_nice, 0);
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
