/* Scheduling policies: root keeps them, and what may be set; here are Linux's structures. */
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/process.h"
#include "runtime/linux/time_value.h"

#define REAL_TIME_MAX 99
#define ROUND_ROBIN_NS 100000000ul /* as Linux has it */
#define TICK_NS        4000000ul
_Static_assert(SCHEDULER_RESET_ON_FORK == SCHED_RESET_ON_FORK, "as root has it");

struct scheduling {
	int policy, priority, nice;
	bool reset_on_fork;
	unsigned long runtime, deadline, period;
};

static long scheduling_get(int pid, struct scheduling *s)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SCHEDULER, 0), .m = { 0, (unsigned)pid } };
	long error = pid < 0 ? -EINVAL : rt_request(&ipc);

	if (error)
		return error;
	*s = (struct scheduling){ (int)(ipc.m[1] & ~SCHEDULER_RESET_ON_FORK), (int)ipc.m[2], (int)ipc.m[3], ipc.m[1] & SCHEDULER_RESET_ON_FORK, ipc.m[4],
				 ipc.m[5], ipc.m[6] };
	return 0;
}

static long scheduling_set(int pid, const struct scheduling *s, unsigned keep)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SCHEDULER, 0),
			   .m = { 1, (unsigned)pid, (unsigned)s->policy | (s->reset_on_fork ? SCHEDULER_RESET_ON_FORK : 0),
				  (unsigned)s->priority | (unsigned long)(unsigned)s->nice << 32, s->runtime, keep, s->deadline, s->period } };

	return rt_request(&ipc);
}

static bool real_time(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* policy < 0: the one that it has */
static long policy_set(int pid, int policy, uaddr_t param)
{
	struct scheduling s = { .policy = policy & ~SCHED_RESET_ON_FORK, .reset_on_fork = policy & SCHED_RESET_ON_FORK };

	if (!param || pid < 0)
		return -EINVAL;
	if (get_user(s.priority, param))
		return -EFAULT;
	return scheduling_set(pid, &s, SCHEDULER_KEEP_NICE | (policy < 0 ? SCHEDULER_KEEP_POLICY : 0));
}

long linux_sched_setscheduler(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return (int)a[1] < 0 ? -EINVAL : policy_set((int)a[0], (int)a[1], a[2]);
}

long linux_sched_setparam(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return policy_set((int)a[0], -1, a[1]);
}

long linux_sched_getscheduler(struct thread_record *t, const unsigned long a[6])
{
	struct scheduling s;
	long error = scheduling_get((int)a[0], &s);

	(void)t;
	return error ? error : (long)((unsigned)s.policy | (s.reset_on_fork ? SCHED_RESET_ON_FORK : 0));
}

long linux_sched_getparam(struct thread_record *t, const unsigned long a[6])
{
	struct scheduling s;
	long error = a[1] ? scheduling_get((int)a[0], &s) : -EINVAL;

	(void)t;
	return error ? error : put_user(s.priority, a[1]);
}

static long priority_bound(int policy, long bound)
{
	if (real_time(policy))
		return bound;
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long linux_sched_get_priority_max(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return priority_bound((int)a[0], REAL_TIME_MAX);
}

long linux_sched_get_priority_min(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return priority_bound((int)a[0], 1);
}

long linux_sched_rr_get_interval(struct thread_record *t, const unsigned long a[6])
{
	struct scheduling s;
	long error = scheduling_get((int)a[0], &s);

	(void)t;
	if (error)
		return error;
	return put_user(timespec_of_ns(s.policy == SCHED_RR ? ROUND_ROBIN_NS : s.policy == SCHED_FIFO || s.policy == SCHED_DEADLINE ? 0 : TICK_NS), a[1]);
}

/* ---- struct sched_attr, of which callers give and expect as much as they know ---- */

static void deadline_get(struct sched_attr *attr, const struct scheduling *s)
{
	attr->sched_runtime = s->runtime;
	attr->sched_deadline = s->deadline;
	attr->sched_period = s->period;
}

long linux_sched_getattr(struct thread_record *t, const unsigned long a[6])
{
	struct sched_attr attr = { .size = MIN((unsigned)a[2], (unsigned)sizeof(attr)) };
	struct scheduling s;
	long error;

	(void)t;
	if (!a[1] || (unsigned)a[2] > PAGE_SIZE || (unsigned)a[2] < SCHED_ATTR_SIZE_VER0 || a[3])
		return -EINVAL;
	error = scheduling_get((int)a[0], &s);
	if (error)
		return error;
	attr.sched_policy = (unsigned)s.policy;
	attr.sched_flags = s.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (real_time(s.policy))
		attr.sched_priority = (unsigned)s.priority;
	else if (s.policy == SCHED_DEADLINE)
		deadline_get(&attr, &s);
	else
		attr.sched_nice = s.nice;
	return copy_to_user(a[1], &attr, attr.size);
}

static long wrong_size(uaddr_t at)
{
	unsigned size = sizeof(struct sched_attr);

	return put_user(size, at) ? -EFAULT : -E2BIG;
}

/* What is beyond the structure known here must be zero. */
static long attr_from_user(struct sched_attr *attr, uaddr_t at)
{
	unsigned size;
	u8 more;

	if (get_user(size, at))
		return -EFAULT;
	size = size ? size : SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return wrong_size(at);
	memset(attr, 0, sizeof(*attr));
	if (copy_from_user(attr, at, MIN((size_t)size, sizeof(*attr))))
		return -EFAULT;
	for (unsigned i = sizeof(*attr); i < size; i++) {
		if (get_user(more, at + i))
			return -EFAULT;
		if (more)
			return wrong_size(at);
	}
	return attr->sched_flags & SCHED_FLAG_UTIL_CLAMP && size < SCHED_ATTR_SIZE_VER1 ? -EINVAL : 0;
}

static unsigned kept(const struct sched_attr *attr)
{
	unsigned keep = attr->sched_flags & SCHED_FLAG_KEEP_POLICY ? SCHEDULER_KEEP_POLICY : 0;

	return attr->sched_flags & SCHED_FLAG_KEEP_PARAMS ? keep | SCHEDULER_KEEP_PRIORITY | SCHEDULER_KEEP_NICE : keep;
}

long linux_sched_setattr(struct thread_record *t, const unsigned long a[6])
{
	struct sched_attr attr;
	long error;

	(void)t;
	if (!a[1] || (int)a[0] < 0 || a[2])
		return -EINVAL;
	error = attr_from_user(&attr, a[1]);
	if (error)
		return error;
	if ((int)attr.sched_policy < 0 || attr.sched_flags & ~(unsigned long)SCHED_FLAG_ALL)
		return -EINVAL;
	if (attr.sched_flags & SCHED_FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP;
	if (attr.sched_policy == SCHED_DEADLINE && (attr.sched_flags & (SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN)))
		return -EINVAL;
	return scheduling_set((int)a[0], &(struct scheduling){ (int)attr.sched_policy, (int)MIN(attr.sched_priority, 100u), attr.sched_nice,
							       attr.sched_flags & SCHED_FLAG_RESET_ON_FORK, attr.sched_runtime, attr.sched_deadline,
							       attr.sched_period }, kept(&attr));
}
