/*
 * SCHED_DEADLINE: a thread that has so much running time in each period, by a deadline in it. The time is a SchedContext of the kernel's, which also orders such threads
 * by their deadlines; here is who may have how much. All of them together get at most 95 % of the cores, as Linux has it, so that each can have its own.
 */
#include "lib/errno.h"
#include "root/log.h"
#include "root/policy.h"
#include "root/priority.h"
#include "root/root.h"

#define BANDWIDTH_SHIFT 20
#define BANDWIDTH_LIMIT (950000ull * (1 << BANDWIDTH_SHIFT) / 1000000) /* a core */
#define RUNTIME_LEAST   1024ull       /* ns */
#define PERIOD_LEAST    100000ull
#define PERIOD_MOST     4194304000ull

static u64 bandwidth_total;
static u64 overrun[ROLE_COUNT]; /* of threads that have no SchedContext any more, ns */

static u64 period_of(const struct deadline *d)
{
	return d->period ? d->period : d->deadline;
}

static u64 bandwidth(const struct deadline *d)
{
	return d->runtime ? (d->runtime << BANDWIDTH_SHIFT) / d->period : 0;
}

bool deadline_valid(const struct deadline *d)
{
	u64 period = period_of(d);

	return d->deadline && d->runtime >= RUNTIME_LEAST && (s64)d->deadline >= 0 && (s64)period >= 0 && period >= d->deadline &&
	       d->deadline >= d->runtime && period >= PERIOD_LEAST && period <= PERIOD_MOST;
}

static u64 overrun_of(const struct thread *thread)
{
	const struct sched_context_info *info = (const struct sched_context_info *)root_words();

	if (!thread->context_object.slot)
		return 0;
	MUST(KCALL1(sched_context_info, SYS(thread->context_object.slot)));
	return info->overrun_ns;
}

u64 deadline_overrun(u32 role)
{
	u64 sum = overrun[role];

	list_for_each_entry(p, &process_list, struct process, all)
		if (p->role == role)
			list_for_each_entry(t, &p->threads, struct thread, in_process)
				sum += overrun_of(t);
	return sum;
}

static void bind(struct thread *thread)
{
	u64 context = SYS(thread->context_object.slot);

	MUST(KCALL1(sched_context_unbind, context));
	MUST(KCALL4(sched_context_configure, context, thread->deadline.runtime, thread->deadline.period, thread->deadline.deadline));
	MUST(KCALL2(sched_context_bind, context, SYS(thread->tcb.slot)));
}

int deadline_set(struct thread *thread, const struct deadline *wanted)
{
	struct deadline d = { wanted->runtime, wanted->deadline, period_of(wanted) };
	u64 others = bandwidth_total - bandwidth(&thread->deadline);

	if (others + bandwidth(&d) > BANDWIDTH_LIMIT * boot_info->core_count)
		return -EBUSY;
	if (!thread->context_object.slot && kobject_create(&thread->context_object, OBJECT_SCHED_CONTEXT, 0))
		return -ENOMEM;
	bandwidth_total = others + bandwidth(&d);
	thread->deadline = d;
	bind(thread);
	return 0;
}

void deadline_clear(struct thread *thread)
{
	if (!thread->context_object.slot)
		return;
	bandwidth_total -= bandwidth(&thread->deadline);
	overrun[thread->process->role] += overrun_of(thread);
	thread->deadline = (struct deadline){ 0 };
	kobject_destroy(&thread->context_object);
}

void deadline_move(struct thread *to, struct thread *from)
{
	to->deadline = from->deadline;
	to->context_object = from->context_object;
	from->deadline = (struct deadline){ 0 };
	from->context_object = (struct kobject){ 0 };
}

void deadline_configured(struct thread *thread)
{
	if (thread->context_object.slot)
		bind(thread);
}
