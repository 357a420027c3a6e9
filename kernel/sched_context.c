#include "kernel/sched_context.h"
#include "kernel/calls.h"
#include "kernel/schedule.h"

static void note(struct thread *thread)
{
	thread->budgeted = thread->context_own || thread->runs_on || thread->lender || thread->borrower;
}

/* The runner's time since the last look. */
static void count(struct sched_context *context)
{
	s64 least = -(s64)context->budget;
	u64 now, ran;

	if (!context->runner)
		return;
	now = thread_ticks(context->runner);
	ran = arch_ticks_ns(now - context->counted);
	context->counted = now;
	context->consumed += ran;
	context->left -= (s64)ran;
	if (context->left < least) {
		context->overrun += (u64)(least - context->left);
		context->left = least;
	}
}

static void run_on(struct sched_context *context, struct thread *thread)
{
	struct thread *old = context->runner;

	count(context);
	context->runner = thread;
	if (old) {
		ASSERT(old->runs_on == context);
		old->runs_on = NULL;
		note(old);
	}
	if (!thread)
		return;
	ASSERT(!thread->runs_on);
	thread->runs_on = context;
	context->counted = thread_ticks(thread);
	note(thread);
}

void context_lend(struct thread *caller, struct thread *receiver)
{
	unsigned depth = caller->lent_depth + 1;

	if (!caller->runs_on || receiver->context_own || receiver->runs_on || receiver->borrower || depth >= LENT_MOST)
		return;
	caller->borrower = receiver;
	receiver->lender = caller;
	receiver->lent_depth = (u8)depth;
	run_on(caller->runs_on, receiver);
	note(caller);
	this_core()->needed = true;
}

void context_return(struct thread *lender)
{
	struct thread *last = lender->borrower;

	if (!last)
		return;
	lender->borrower = NULL;
	for (;;) {
		struct thread *next = last->borrower;

		last->borrower = last->lender = NULL;
		last->lent_depth = 0;
		note(last);
		if (!next)
			break;
		last = next;
	}
	ASSERT(last->runs_on && last->runs_on->runner == last);
	run_on(last->runs_on, lender);
	this_core()->needed = true;
}

/* ---- periods ---- */

static void begin_period(struct sched_context *context, u64 at)
{
	context->due = at + context->deadline;
	context->period_end = at + context->period;
	context->left = MIN(context->left, 0) + (s64)context->budget;
}

/* More is left than its share of the time up to the deadline: used up then, it would be too much (the constant bandwidth server's rule). */
static bool too_much_left(const struct sched_context *context, u64 now)
{
	if (now >= context->due)
		return true;
	return (unsigned __int128)context->left * context->deadline > (unsigned __int128)context->budget * (context->due - now);
}

static void stop(struct thread *thread)
{
	ASSERT(thread->state == THREAD_READY && !thread->timer_queued);
	thread->stopped |= STOPPED_BUDGET;
	thread_set_deadline(thread, thread->context_own->period_end);
	this_core()->needed = true;
}

static void go_on(struct thread *thread)
{
	if (!(thread->stopped & STOPPED_BUDGET))
		return;
	thread->stopped &= (u8)~STOPPED_BUDGET;
	thread_clear_deadline(thread);
}

void context_wake(struct thread *thread)
{
	struct sched_context *context = thread->context_own;
	u64 now = arch_clock_ns();

	if (!context_own(thread) || (thread->stopped & STOPPED_BUDGET))
		return;
	count(context);
	if (now >= context->period_end || (context->left > 0 && too_much_left(context, now)))
		begin_period(context, now);
	if (context->left <= 0)
		stop(thread);
}

void context_period_ended(struct thread *thread)
{
	struct sched_context *context = thread->context_own;
	u64 now = arch_clock_ns();

	go_on(thread);
	/* periods follow each other, unless one has been missed altogether */
	begin_period(context, context->period_end + context->period > now ? context->period_end : now);
	if (context->left <= 0)
		stop(thread);
}

u64 context_end(const struct thread *thread)
{
	const struct sched_context *context = thread->runs_on;
	u64 ran;

	if (!context || context->owner != thread)
		return ~0ull;
	ran = arch_ticks_ns(thread_ticks(thread) - context->counted);
	return arch_clock_ns() + (context->left > (s64)ran ? (u64)context->left - ran : 0);
}

void context_expire(struct thread *thread)
{
	struct sched_context *context = thread->runs_on;

	if (!context)
		return;
	count(context);
	if (context->owner != thread || context->left > 0 || thread->state != THREAD_READY || (thread->stopped & STOPPED_BUDGET))
		return;
	if (arch_clock_ns() >= context->period_end)
		begin_period(context, context->period_end + context->period > arch_clock_ns() ? context->period_end : arch_clock_ns());
	if (context->left <= 0)
		stop(thread);
	this_core()->needed = true; /* with a later deadline it may not be the first any more */
}

void context_yield(struct thread *thread)
{
	count(thread->context_own);
	thread->context_own->left = MIN(thread->context_own->left, 0);
	context_expire(thread);
}

/* ---- binding ---- */

static void unbind(struct sched_context *context)
{
	struct thread *owner = context->owner;
	bool stopped;

	if (!owner)
		return;
	context_return(owner);
	stopped = owner->stopped & STOPPED_BUDGET;
	go_on(owner);
	run_on(context, NULL);
	context->owner = NULL;
	owner->context_own = NULL;
	note(owner);
	if (stopped && !owner->stopped && owner->state == THREAD_READY)
		thread_ready(owner);
}

void sched_context_destroy(struct sched_context *context)
{
	unbind(context);
}

void context_thread_gone(struct thread *thread)
{
	if (thread->lender)
		context_return(thread->lender);
	context_return(thread);
	go_on(thread);
}

/* SchedContext, budget, period, deadline, all in ns */
int call_sched_context_configure(struct thread *t)
{
	int err = K_OK;
	struct sched_context *context = lookup_object(t, arg0(t), OBJECT_SCHED_CONTEXT, 0, &err);

	if (!context)
		return err;
	if (!arg1(t) || arg1(t) > arg3(t) || arg3(t) > arg2(t) || arg2(t) > CONTEXT_PERIOD_MOST)
		return K_INVALID_ARG;
	if (context->owner)
		return K_BUSY;
	/* no more than is left of a period that has begun, or new parameters, the same too, would be a way to more time; debt stays in any case */
	context->left = MIN(context->left, (s64)arg1(t));
	context->budget = arg1(t);
	context->period = arg2(t);
	context->deadline = arg3(t);
	return K_OK;
}

/* SchedContext, thread */
int call_sched_context_bind(struct thread *t)
{
	int err = K_OK;
	struct sched_context *context = lookup_object(t, arg0(t), OBJECT_SCHED_CONTEXT, 0, &err);
	struct thread *target = lookup_object(t, arg1(t), OBJECT_THREAD, 0, &err);

	if (!context || !target)
		return err;
	if (!context->budget)
		return K_INVALID_ARG;
	if (context->owner || target->context_own)
		return K_BUSY;
	if (target->lender) /* it has its own from now on */
		context_return(target->lender);
	context->owner = target;
	target->context_own = context;
	run_on(context, target);
	if (arch_clock_ns() >= context->period_end)
		begin_period(context, arch_clock_ns());
	/* one that runs may be in a call on another core: its core stops it, at the budget's end, which is now */
	if (context->left <= 0 && target->state == THREAD_READY && !thread_runs(target)) {
		thread_unready(target);
		stop(target);
	}
	thread_reconsider(target);
	return K_OK;
}

/* SchedContext */
int call_sched_context_unbind(struct thread *t)
{
	int err = K_OK;
	struct sched_context *context = lookup_object(t, arg0(t), OBJECT_SCHED_CONTEXT, 0, &err);
	struct thread *owner = context ? context->owner : NULL;

	if (!context)
		return err;
	unbind(context);
	if (owner)
		thread_reconsider(owner);
	return K_OK;
}

/* SchedContext: struct sched_context_info in the caller's message data */
int call_sched_context_info(struct thread *t)
{
	int err = K_OK;
	struct sched_context *context = lookup_object(t, arg0(t), OBJECT_SCHED_CONTEXT, 0, &err);
	struct sched_context_info info;

	if (!context || !t->message_low)
		return context ? K_INVALID_ARG : err;
	count(context);
	info = (struct sched_context_info){
		.budget_ns = context->budget,
		.period_ns = context->period,
		.deadline_ns = context->deadline,
		.left_ns = context->left,
		.consumed_ns = context->consumed,
		.overrun_ns = context->overrun,
		.bound = context->owner != NULL,
		.lent = context->owner && context->runner != context->owner,
	};
	message_data_write(t, 0, &info, sizeof(info));
	return K_OK;
}
