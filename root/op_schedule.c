/*
 * How much and where threads run: nice values, policies, affinity, vector registers. Threads without a real-time policy share the processors by weights,
 * which follow from their nice values. A real-time thread runs before all of those and after servers, without which nothing that it waits for would come.
 */
#include "lib/errno.h"
#include "root/futex.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/priority.h"
#include "root/root.h"

#define INHERIT_DEPTH 1024 /* as many locks in a row as Linux follows */
#define REAL_TIME_MAX 99
#define WEIGHT_IDLE    3          /* SCHED_IDLE's, as Linux has it */
#define ROUND_ROBIN_NS 100000000  /* SCHED_RR's slice, as sched_rr_get_interval has it */

/* ---- the kernel's priority ---- */

u8 priority_own(const struct thread *thread)
{
	if (thread->process->service)
		return PRIORITY_SERVER;
	if (thread->policy == POLICY_DEADLINE)
		return PRIORITY_DEADLINE;
	if (policy_real_time(thread->policy))
		return PRIORITY_REAL_TIME + thread->real_time;
	return PRIORITY_PROGRAM;
}

/* Each nice value is a quarter more than the next, so that one step is some ten per cent of a processor that two share; Linux's weights are these, rounded. */
static u32 weight_of_nice(int nice)
{
	u64 weight = (u64)WEIGHT_COMMON << 16;

	for (int n = 0; n < nice; n++)
		weight = weight * 4 / 5;
	for (int n = 0; n > nice; n--)
		weight = weight * 5 / 4;
	return (u32)((weight + (1 << 15)) >> 16);
}

/* Of equals with a real-time priority, inherited or its own, a thread takes turns with those of SCHED_RR, or none. */
static void share_of(const struct thread *thread, u32 *weight, u64 *slice_ns)
{
	bool in_turn = !thread->process->service && thread->priority > PRIORITY_REAL_TIME;

	*weight = in_turn ? 0 : thread->policy == POLICY_IDLE ? WEIGHT_IDLE : weight_of_nice(thread->process->service ? 0 : thread->nice);
	*slice_ns = in_turn && thread->policy == POLICY_RR ? ROUND_ROBIN_NS : 0;
}

/* The kernel gets the share that follows from what it is now, if that is another. */
static void share_update(struct thread *thread)
{
	u32 weight;
	u64 slice_ns;

	share_of(thread, &weight, &slice_ns);
	if (weight == thread->weight && slice_ns == thread->slice_ns)
		return;
	thread->weight = weight;
	thread->slice_ns = slice_ns;
	if (thread->tcb.slot)
		MUST(KCALL3(thread_set_share, SYS(thread->tcb.slot), weight, slice_ns));
}

void priority_configured(struct thread *thread)
{
	thread->weight = WEIGHT_COMMON;
	thread->slice_ns = 0;
	share_update(thread);
	deadline_configured(thread);
}

/* Threads by nice values alone do not pass them on, as Linux has it. */
static u8 effective(const struct thread *thread)
{
	u8 inherited = futex_pi_inherited(thread);

	return MAX(priority_own(thread), inherited > PRIORITY_REAL_TIME ? inherited : 0);
}

void priority_update(struct thread *thread)
{
	for (unsigned n = 0; thread && n < INHERIT_DEPTH; n++) {
		u8 priority = effective(thread), old = thread->priority;

		thread->priority = priority;
		share_update(thread);
		if (priority == old)
			return;
		if (thread->tcb.slot)
			MUST(KCALL2(thread_set_priority, SYS(thread->tcb.slot), priority));
		thread = futex_pi_place_anew(thread);
	}
}

void priority_inherit(struct thread *thread, const struct thread *maker)
{
	thread->nice = maker->nice;
	thread->policy = maker->policy;
	thread->real_time = maker->real_time;
	thread->io_priority = maker->io_priority;
	if (!maker->reset_on_fork)
		return;
	if (policy_real_time(thread->policy) || thread->policy == POLICY_DEADLINE) {
		thread->policy = POLICY_NORMAL;
		thread->real_time = thread->nice = 0;
	}
	thread->nice = MAX(thread->nice, 0);
}

/* ---- nice ---- */

bool priority_means(const struct thread *t, u64 which, u32 who, const struct thread *caller)
{
	const struct process *p = t->process, *self = caller->process;

	if (p->service)
		return false;
	if (which == WHICH_PROCESS)
		return who ? t->tid == who : t == caller;
	if (which == WHICH_GROUP)
		return p->pgid == (who ? who : self->pgid);
	return p->credentials.uid == (who ? who : self->credentials.uid);
}

static void set_nice(struct thread *thread, int nice)
{
	thread->nice = nice;
	priority_update(thread);
}

long op_PRIORITY(struct request *request)
{
	int nice = MIN(MAX((int)request->m[3], -20), 19), best = 20, error = 0, refused;
	bool found = false;

	if (request->m[1] > WHICH_USER)
		return -EINVAL;
	list_for_each_entry(p, &process_list, struct process, all) {
		list_for_each_entry(t, &p->threads, struct thread, in_process) {
			if (!priority_means(t, request->m[1], request->m[2], request->caller))
				continue;
			found = true;
			refused = request->m[0] ? may_renice(request->caller->process, t, nice) : 0;
			if (request->m[0] && !refused)
				set_nice(t, nice);
			error = refused ? refused : error;
			best = MIN(best, t->nice);
		}
	}
	if (!found)
		return -ESRCH;
	/* As the system call has it: 40..1 for -20..19. */
	return request->m[0] ? error : 20 - best;
}

/* ---- policies ---- */

static u64 all_cores(void)
{
	return boot_info->core_count < 64 ? (1ull << boot_info->core_count) - 1 : ~0ull;
}

struct scheduling {
	s32 policy, priority, nice;
	bool reset_on_fork;
	struct deadline deadline;
};

static bool valid(const struct scheduling *s)
{
	bool known = s->policy == POLICY_NORMAL || s->policy == POLICY_BATCH || s->policy == POLICY_IDLE || policy_real_time(s->policy);

	if (s->policy == POLICY_DEADLINE)
		return !s->priority && deadline_valid(&s->deadline);
	return known && s->priority >= 0 && s->priority <= REAL_TIME_MAX && policy_real_time(s->policy) == (s->priority != 0);
}

static bool nice_allowed(const struct process *process, int nice)
{
	return (u64)(20 - nice) <= process->rlimits[LIMIT_NICE].soft;
}

/* sched(7), "Privileges and resource limits". */
static bool may_schedule(const struct process *caller, const struct thread *t, const struct scheduling *s)
{
	const struct credentials *c = &t->process->credentials;
	u64 limit = t->process->rlimits[LIMIT_RTPRIO].soft;
	u32 euid = caller->credentials.euid;

	if (!role_reaches(caller, t->process))
		return false;
	if (process_capable(caller, CAPABILITY_SYS_NICE))
		return true;
	if (s->policy == POLICY_DEADLINE)
		return false;
	if ((s->policy == POLICY_NORMAL || s->policy == POLICY_BATCH) && s->nice < t->nice && !nice_allowed(t->process, s->nice))
		return false;
	if (policy_real_time(s->policy) && ((s->policy != t->policy && !limit) || (s->priority > t->real_time && (u64)s->priority > limit)))
		return false;
	if (t->policy == POLICY_IDLE && s->policy != POLICY_IDLE && !nice_allowed(t->process, t->nice))
		return false;
	return (euid == c->uid || euid == c->euid) && (!t->reset_on_fork || s->reset_on_fork);
}

static int set_scheduling(struct thread *t, const struct scheduling *s)
{
	int error = s->policy == POLICY_DEADLINE ? deadline_set(t, &s->deadline) : 0;

	if (error)
		return error;
	if (s->policy != POLICY_DEADLINE)
		deadline_clear(t);
	t->policy = s->policy;
	t->real_time = s->priority;
	t->reset_on_fork = s->reset_on_fork;
	if (s->policy == POLICY_NORMAL || s->policy == POLICY_BATCH)
		t->nice = s->nice;
	priority_update(t);
	return 0;
}

/* A process's number is its leader's, or whoever's came after that ended. */
static struct thread *scheduled(const struct request *request)
{
	struct thread *t = request->m[1] ? thread_find(request->m[1]) : request->caller;
	struct process *process = t ? NULL : process_find(request->m[1]);

	return process ? process_leader(process) : t;
}

long op_SCHEDULER(struct request *request)
{
	struct thread *t = scheduled(request);
	u64 keep = request->m[5];
	struct scheduling s;
	int error;

	if (!t || t->exiting)
		return -ESRCH;
	if (request->m[0]) {
		s = (struct scheduling){ request->m[2] & ~SCHEDULER_RESET_ON_FORK, (u32)request->m[3], (s32)(request->m[3] >> 32),
					 request->m[2] & SCHEDULER_RESET_ON_FORK, { request->m[4], request->m[6], request->m[7] } };
		if (keep & SCHEDULER_KEEP_POLICY) {
			s.policy = t->policy;
			s.reset_on_fork = t->reset_on_fork;
		}
		if (keep & SCHEDULER_KEEP_PRIORITY)
			s.priority = t->real_time;
		if (keep & SCHEDULER_KEEP_PRIORITY)
			s.deadline = t->deadline;
		if (keep & SCHEDULER_KEEP_NICE)
			s.nice = t->nice;
		s.nice = MIN(MAX(s.nice, -20), 19);
		if (!valid(&s))
			return -EINVAL;
		if (t->process->service || !may_schedule(request->caller->process, t, &s))
			return -EPERM;
		if (s.policy == POLICY_DEADLINE && (t->affinity & all_cores()) != all_cores())
			return -EPERM; /* it would not be where its share was promised */
		/* who keeps the parameters keeps the policy, too: the one given only takes part in the checks, as on Linux */
		if (keep & SCHEDULER_KEEP_PRIORITY)
			t->reset_on_fork = s.reset_on_fork;
		else if ((error = set_scheduling(t, &s)))
			return error;
	}
	request->out[1] = t->policy | (t->reset_on_fork ? SCHEDULER_RESET_ON_FORK : 0);
	request->out[2] = t->real_time;
	request->out[3] = (u64)(s64)t->nice;
	request->out[4] = t->deadline.runtime;
	request->out[5] = t->deadline.deadline;
	request->out[6] = t->deadline.period;
	return 0;
}

/* ---- affinity ---- */

static void set_affinity(struct thread *thread, u64 cores)
{
	thread->affinity = cores;
	MUST(KCALL2(thread_set_affinity, SYS(thread->tcb.slot), cores));
}

long op_AFFINITY(struct request *request)
{
	struct thread *thread = request->m[1] ? thread_find(request->m[1]) : request->caller;

	if (!thread || thread->exiting)
		return -ESRCH;
	if (request->m[0]) {
		if (thread->process->service && thread->process != request->caller->process)
			return -EPERM; /* where servers run is their own business */
		if (may_renice(request->caller->process, thread, thread->nice))
			return -EPERM;
		if (!(request->m[2] & all_cores()))
			return -EINVAL;
		if (thread->policy == POLICY_DEADLINE && (request->m[2] & all_cores()) != all_cores())
			return -EBUSY;
		set_affinity(thread, request->m[2] & all_cores());
	}
	request->out[1] = thread->affinity & all_cores();
	return 0;
}

/* ---- vector registers ---- */

/* It waits for this answer. */
long op_VECTOR_FREE(struct request *request)
{
	struct thread *thread = request->caller;

	thread->vector_free = true;
	MUST(KCALL2(thread_set_vectors, SYS(thread->tcb.slot), 0));
	return 0;
}
