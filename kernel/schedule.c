/*
 * Which thread runs where.
 *
 * Each core has run queues, one a priority. A thread that becomes ready goes to an idle core it may run on, the one it ran on last if
 * that is idle; if none is, to the core with the least before it. Who takes part in a message does not travel: the receiver is *handed* the
 * sender's core, so a call to a server is a switch on one core, wherever the server ran before; only affinity sends it elsewhere.
 * A core that has nothing to run takes from the others' queues; one that blocks with more than one thread queued gives to
 * idle ones; at the end of a slice a core with more threads than another gives away the one that has had its turn. What is queued behind a thread of
 * higher priority, or while one of lower priority runs elsewhere, is passed on when it has not run for a slice or two.
 *
 * A thread handed over by one that goes on running (a reply without a receive, a forward) waits in the queue of that core even if others are
 * idle: most such threads block a moment later, in a receive, and then it runs without an interrupt or a move.
 *
 * Other cores' queues are changed under the node's lock like everything else; their cores then learn of it by an interrupt. A core's
 * `needed` is false whenever it leaves the kernel, so who finds it true knows that the interrupt is on its way.
 */
#include "kernel/park.h"
#include "kernel/schedule.h"
#include "kernel/endpoint.h"
#include "kernel/object.h"
#include "kernel/priority.h"
#include "kernel/remote.h"
#include "kernel/run_queue.h"
#include "kernel/sched_context.h"
#include "kernel/share.h"
#include "kernel/trace.h"

struct core boot_core;
struct core *cores[CORE_MAX] = { &boot_core };
unsigned core_count = 1;

static u64 online;    /* cores that schedule */
u64 idle_mask;
u64 share_credit;
static u64 poll_ticks;
static u64 look_ticks; /* so often a core with several threads looks at who waits, unless there is no other core */

/* Linux's haltpoll governor looks for 200,000 ns at most. */
#define POLL_NS 100000
/* Who is held up is looked for in so many queues of one core. */
#define QUEUES_LOOKED_AT 4
/* More than any core's threads: the last choice. */
#define KEPT_LOAD (1u << 30)

void schedule_init(struct core *core, struct thread *idle)
{
	for (unsigned i = 0; i < 256; i++)
		list_init(&core->queue[i]);
	list_init(&core->timers);
	list_init(&core->noticed);
	core->best = -1;
	core->armed = ~0ull;
	core->slice_alarm = ~0ull;
	core->alarm_ns = ~0ull;
	share_credit = arch_ns_ticks(SHARE_CREDIT_NS);
	look_ticks = core_count > 1 ? arch_ns_ticks(SLICE_NS) : 1ull << 62;
	poll_ticks = core_count > 1 ? arch_ns_ticks(POLL_NS) : 0;
	core->mask = BIT(core->number);
	core->idle = core->current = idle;
	core->needed = true;
	core->general |= trace_mask ? GENERAL_TRACE : 0;
	idle->core = core;
	idle->vector_free = 1;
	idle->affinity = core->mask;
	idle->state = THREAD_READY;
	idle->cpu_ticks = -arch_ticks();
	online |= core->mask;
}

u64 schedule_cores(void)
{
	return online;
}

static void arm(struct core *core, u64 when)
{
	if (when >= core->armed)
		return;
	core->armed = when;
	arch_timer_set(when);
}

/* ---- which core ---- */

void schedule_notice(struct core *core)
{
	if (core->needed)
		return;
	__atomic_store_n(&core->needed, true, __ATOMIC_SEQ_CST);
	if (core != this_core() && !__atomic_load_n(&core->polling, __ATOMIC_SEQ_CST))
		arch_interrupt_core(core, ARCH_IPI_SCHEDULE);
}

static bool is_idle(const struct core *core)
{
	return core->current == core->idle;
}

static unsigned load_of(const struct core *core)
{
	return core->queued + !is_idle(core);
}

/* The core that has least to do before this thread; of equals the one it ran on last, where its data may still be in the caches. */
static __attribute__((noinline)) struct core *least_loaded(const struct thread *thread, u64 allowed)
{
	struct core *best = NULL;
	unsigned best_load = ~0u;

	for (u64 left = allowed; left; left &= left - 1) {
		struct core *core = cores[__builtin_ctzll(left)];
		unsigned load = core->current->priority < thread->priority && core->best < (int)thread->priority ? 0 : load_of(core);

		if (unlikely(core->current == core->keeper && core->current->priority > thread->priority))
			load += KEPT_LOAD;
		if (load < best_load || (load == best_load && core == thread->core)) {
			best = core;
			best_load = load;
		}
	}
	return best;
}

__attribute__((noinline)) struct core *schedule_choose_core(const struct thread *thread)
{
	struct core *here = this_core();
	u64 allowed = thread->affinity & online, idle = idle_mask & allowed;

	if (!idle)
		return least_loaded(thread, allowed);
	if (idle & thread->core->mask)
		return thread->core;
	return idle & here->mask ? here : cores[__builtin_ctzll(idle)];
}

/* From now, in ns; 0 if it is past. */
static u64 ns_until(u64 ticks)
{
	s64 left = (s64)(ticks - arch_ticks());

	return left > 0 ? arch_ticks_ns((u64)left) : 0;
}

/* What the current thread has left of its slice, ns. */
static u64 slice_left(const struct core *core)
{
	return ns_until(slice_end(core->current));
}

/* Into the queue of the core that suits it best. */
static void place(struct thread *thread, bool front)
{
	struct core *core = this_core();

	ASSERT(!thread_runs(thread));
	if (core_count > 1) {
		core = schedule_choose_core(thread);
		idle_mask &= ~core->mask;
		schedule_notice(core);
	}
	run_queue_enter(core, thread, front);
	this_core()->needed = true;
}

/* Stopped, or running, or waiting to run already. */
static bool settled(const struct thread *thread)
{
	return thread->stopped || thread->queued || thread_runs(thread) || thread->core->handoff == thread;
}

void thread_ready(struct thread *thread)
{
	thread->state = THREAD_READY;
	this_core()->needed = true;
	if (unlikely(thread->budgeted))
		context_wake(thread);
	if (!settled(thread))
		place(thread, false);
}

void thread_hand_off(struct thread *thread)
{
	struct core *core = this_core();

	thread->state = THREAD_READY;
	core->needed = true;
	if (unlikely(thread->budgeted))
		context_wake(thread);
	if (thread->stopped || thread_runs(thread))
		return;
	if (unlikely(!(thread->affinity & core->mask))) {
		place(thread, true);
		return;
	}
	if (core->handoff)
		run_queue_enter(core, core->handoff, true);
	core->handoff = thread;
	thread->core = core;
}

void thread_unready(struct thread *thread)
{
	if (thread->queued)
		run_queue_leave(thread);
	if (thread->core->handoff == thread)
		thread->core->handoff = NULL;
	this_core()->needed = true;
}

void thread_reconsider(struct thread *thread)
{
	if (thread->queued || thread->core->handoff == thread) {
		thread_unready(thread);
		place(thread, false);
	} else if (thread_runs(thread)) {
		schedule_notice(thread->core);
	}
}

void thread_set_priority(struct thread *thread, u8 priority)
{
	bool queued = thread->queued;

	if (queued)
		thread_unready(thread);
	thread->priority = priority;
	if (queued)
		place(thread, false);
	else
		thread_reconsider(thread);
}

/* ---- deadlines ---- */

void thread_set_deadline(struct thread *thread, u64 deadline_ns)
{
	struct core *core = this_core();
	struct list_node *at = core->timers.next;

	ASSERT(!thread->timer_queued);
	thread->deadline = deadline_ns;
	if (!deadline_ns)
		return;
	while (at != &core->timers && list_entry(at, struct thread, timer)->deadline <= deadline_ns)
		at = at->next;
	list_insert_before(at, &thread->timer);
	thread->timer_queued = 1;
	arm(core, deadline_ns);
}

void thread_clear_deadline(struct thread *thread)
{
	if (thread->timer_queued)
		list_remove(&thread->timer);
	thread->timer_queued = 0;
	thread->deadline = 0;
}

void thread_unblock(struct thread *thread)
{
	struct endpoint *called = thread->state == THREAD_SENDING ? thread->endpoint : NULL;
	struct handle *handle = thread->handle;

	switch (thread->state) {
	case THREAD_SENDING:
	case THREAD_RECEIVING:
	case THREAD_WAITING:
		list_remove(&thread->queue);
		break;
	case THREAD_REPLY:
		if (list_linked(&thread->queue))
			list_remove(&thread->queue);
		break;
	default:
		break;
	}
	thread_clear_deadline(thread);
	thread->state = THREAD_INACTIVE;
	thread->handle = NULL;
	if (called)
		priority_caller_left(called);
	if (handle)
		handle_call_ended(handle);
}

void thread_wake(struct thread *thread, int error)
{
	thread_unblock(thread);
	thread->frame.rax = (u64)(s64)error;
	thread_ready(thread);
}

/* ---- going over to another thread ---- */

static void load_space(struct core *core, struct vspace *space)
{
	if (core->space)
		core->space->cores &= ~core->mask;
	space->cores |= core->mask;
	core->space = space;
	core->address_space_switches++;
	arch_load_address_space(space->top_address);
}

static void switch_to(struct core *core, struct thread *next)
{
	struct thread *prev = core->current;

	ASSERT(!next->queued && (next->affinity & core->mask) && (next->core == core || !thread_runs(next)));
	thread_account(prev, next);
	core->context_switches++;
	TRACE(TRACE_SWITCH, next->principal, prev->principal, next->frame.rip);
	if (next->space != core->space && next->space)
		load_space(core, next->space);
	arch_switch_thread(core, prev, next);
	next->core = core;
	core->current = next;
}

/* Whether the core's current thread may go on. */
static bool may_stay(const struct core *core, const struct thread *thread)
{
	return thread->state == THREAD_READY && !thread->stopped && thread != core->idle && (thread->affinity & core->mask);
}

/* The best thread of the other cores' queues that may run here, out of its queue; NULL: none. */
static struct thread *take_from_others(struct core *here)
{
	struct core *from = NULL;

	for (u64 left = online & ~here->mask; left; left &= left - 1) {
		struct core *core = cores[__builtin_ctzll(left)];

		if (core->best >= 0 && (!from || core->best > from->best))
			from = core;
	}
	for (int priority = from ? from->best : -1; priority >= 0; priority--)
		list_for_each(node, &from->queue[priority]) {
			struct thread *thread = list_entry(node, struct thread, queue);

			if (thread->affinity & here->mask) {
				run_queue_leave(thread);
				return thread;
			}
		}
	return NULL;
}

/* What is queued here while other cores have nothing to do is theirs. */
static void give_to_idle(struct core *core)
{
	while (core->best >= 0) {
		struct thread *thread = list_first_entry(&core->queue[core->best], struct thread, queue);

		if (!(thread->affinity & idle_mask & ~core->mask))
			return;
		run_queue_leave(thread);
		place(thread, true);
	}
}

static void give(struct core *to, struct thread *thread)
{
	run_queue_leave(thread);
	idle_mask &= ~to->mask;
	run_queue_enter(to, thread, false);
	schedule_notice(to);
}

/* Where a thread would have a turn: nothing better runs there. Of those that run its equals only if `equals`. */
static u64 open_cores(const struct thread *thread, bool equals)
{
	u64 open = 0;

	for (u64 left = thread->affinity & online; left; left &= left - 1) {
		const struct core *core = cores[__builtin_ctzll(left)];
		int best = MAX((int)core->current->priority, core->best);

		if (best < (int)thread->priority + equals)
			open |= core->mask;
	}
	return open;
}

/*
 * After the end of a slice: a core with more threads to run than another one gives it the thread whose slice it was, once that runs here no more. With one
 * more, it is the other that has one more then, and gives one at the end of its slice: three threads on two cores get two thirds of a core each.
 * It gives none that waits for its turn here: that one was once passed on from core to core, and ran on none.
 */
static void give_to_less_loaded(struct core *core, struct thread *thread)
{
	struct core *to;
	u64 open;

	if (!thread->queued || thread->core != core || core->current == thread || core_count == 1)
		return;
	open = open_cores(thread, true) & ~core->mask;
	to = open ? least_loaded(thread, open) : core;
	if (to != core && load_of(to) < load_of(core))
		give(to, thread);
}

/* The first in a queue that some other core may run; NULL: none, or too far down. */
static struct thread *first_for_others(const struct core *core, int priority)
{
	unsigned looked_at = 0;

	list_for_each(node, &core->queue[priority]) {
		struct thread *thread = list_entry(node, struct thread, queue);

		if (thread->affinity & online & ~core->mask)
			return thread;
		if (++looked_at == SHARE_LOOKED_AT)
			break;
	}
	return NULL;
}

/* The first that waits here for what it would have elsewhere; *open: the cores that would give it that. */
static struct thread *first_held_up(const struct core *core, u64 *open)
{
	unsigned looked_at = 0;

	for (int priority = core->best; priority >= 0 && looked_at < QUEUES_LOOKED_AT; priority--) {
		struct thread *thread = first_for_others(core, priority);

		looked_at += !list_empty(&core->queue[priority]);
		*open = thread ? open_cores(thread, priority < core->current->priority) & ~core->mask : 0;
		if (*open)
			return thread;
	}
	return NULL;
}

/*
 * Priorities are strict on each core, so what waits behind a better thread may wait for ever, and what waits behind its equals may do so while something worse
 * runs elsewhere. Who has not run from one look to the next is passed on to where it can; that is one that runs nothing better, and looks are half
 * a slice apart at least; so it does not go round without ever running, unless there always is something better to run everywhere.
 */
static void pass_on(struct core *core)
{
	u64 open;
	struct thread *thread = first_held_up(core, &open);

	if (thread && thread == core->waiting && thread->cpu_ticks == core->waiting_ticks) {
		if (core->current->priority > thread->priority)
			core->keeper = core->current;
		give(least_loaded(thread, open), thread);
		thread = first_held_up(core, &open);
	}
	core->waiting = thread;
	core->waiting_ticks = thread ? thread->cpu_ticks : 0;
}

/* Of threads with SchedContexts the one with the nearest deadline runs, as soon as there is a nearer one. */
static bool is_nearer(const struct thread *thread, const struct thread *than)
{
	return thread->priority == than->priority && context_ordered(thread) && context_ordered(than) && thread->runs_on->due < than->runs_on->due;
}

static bool nearer_queued(const struct core *core, const struct thread *current)
{
	return (int)current->priority == core->best && is_nearer(list_first_entry(&core->queue[core->best], struct thread, queue), current);
}

/*
 * The thread that was handed this core, if it is to run now. Not against one with a higher priority; and while other cores are idle, not
 * against the current thread: that is about to block, or else somebody idle takes what waits here (see above).
 */
static struct thread *handed(struct core *core, bool current_stays)
{
	struct thread *next = core->handoff;

	core->handoff = NULL;
	if (!next)
		return NULL;
	if ((int)next->priority < core->best || (current_stays && (next->priority < core->current->priority || idle_mask)) ||
	    (unlikely(next->budgeted) && (nearer_queued(core, next) || (current_stays && is_nearer(core->current, next))))) {
		run_queue_enter(core, next, true);
		return NULL;
	}
	return next;
}

static struct thread *pick(struct core *core)
{
	struct thread *next;

	if (core->best < 0 && unlikely(!list_empty(&core->noticed)))
		endpoint_tell_noticed(core);
	if (core->best < 0)
		return core_count > 1 ? take_from_others(core) : NULL;
	next = list_first_entry(&core->queue[core->best], struct thread, queue);
	run_queue_leave(next);
	if (!list_empty(&core->queue[next->priority]))
		share_taken(core, next);
	return next;
}

void schedule_arm_slice(struct core *core)
{
	u64 end = slice_end(core->current);

	if (core->best < 0 || (end >= core->slice_alarm && core->slice_alarm != ~0ull))
		return;
	core->slice_alarm = MIN(end, arch_ticks() + look_ticks);
	arm(core, arch_clock_ns() + ns_until(core->slice_alarm));
}

static void idleness_begins(struct core *core)
{
	core->idle_since = arch_ticks();
}

/* A core that was idle for a short time will most likely be so the next time. */
static void idleness_ends(struct core *core)
{
	core->polling = false; /* still set if an interrupt ended it */
	core->poll_ticks = arch_ticks() - core->idle_since < poll_ticks ? poll_ticks : 0;
}

/* From `current` to another thread; the core is left to its idle thread without one. */
static void replace(struct core *core, struct thread *current, struct thread *next, bool current_stays)
{
	if (unlikely(!next)) {
		idle_mask |= core->mask;
		next = core->idle;
		if (next != current)
			idleness_begins(core);
	} else if (unlikely(current == core->idle)) {
		idle_mask &= ~core->mask;
		idleness_ends(core);
	}
	if (next == current)
		return;
	switch_to(core, next);
	if (current_stays)
		run_queue_enter(core, current, !context_ordered(current));
	else if (unlikely(!(current->affinity & core->mask)) && current->state == THREAD_READY && !current->stopped && !current->queued)
		place(current, true); /* its affinity has changed */
}

struct thread *schedule(void)
{
	struct core *core = this_core();
	struct thread *current = core->current, *next;
	bool stays, slice_ended, given = core->handoff != NULL;

	if (unlikely(current->interrupt_late)) {
		current->interrupt_late = 0;
		thread_interrupt(current);
	}
	slice_ended = core->slice_ended;
	core->slice_ended = false;
	stays = may_stay(core, current) && !current->queued;
	next = handed(core, stays);
	if (!next && stays && (int)current->priority >= core->best && !(unlikely(current->budgeted) && nearer_queued(core, current))) {
		if (unlikely(core->best >= 0 && idle_mask && !given))
			give_to_idle(core);
	} else {
		replace(core, current, next ? next : pick(core), stays);
		if (unlikely(slice_ended))
			give_to_less_loaded(core, current);
		if (unlikely(core->best >= 0 && idle_mask))
			give_to_idle(core);
	}
	if (unlikely(core->look)) {
		core->look = false;
		pass_on(core);
	}
	schedule_arm_slice(core);
	if (unlikely(core->current->budgeted))
		arm(core, context_end(core->current));
	core->needed = false;
	return core->current;
}

struct thread *schedule_if_needed(struct thread *current)
{
	if (likely(!this_core()->needed && current->state == THREAD_READY && !current->stopped))
		return current;
	return schedule();
}

/* To its place among its equals. */
static void let_equals_go(struct thread *current)
{
	struct core *core = this_core();

	/* root on another core may have stopped it or sent it elsewhere meanwhile: then schedule() sees to it */
	if (may_stay(core, current) && !current->queued)
		run_queue_enter(core, current, false);
	core->needed = true;
}

void schedule_yield(struct thread *current)
{
	if (unlikely(current->budgeted) && context_own(current) && may_stay(this_core(), current))
		context_yield(current);
	else
		let_equals_go(current);
}

static void rearm(struct core *core, u64 now)
{
	u64 next = ~0ull;
	struct list_node *first = list_first(&core->timers);

	if (first)
		next = list_entry(first, struct thread, timer)->deadline;
	if (core->best < 0 || !ns_until(core->slice_alarm))
		core->slice_alarm = ~0ull; /* else it comes as it was to, however often the timer has something else to do */
	if (core->best >= 0) {
		core->slice_alarm = MIN(core->slice_alarm, MIN(slice_end(core->current), arch_ticks() + look_ticks));
		next = MIN(next, now + ns_until(core->slice_alarm));
	}
	if (unlikely(core->current->budgeted))
		next = MIN(next, context_end(core->current));
	core->armed = ~0ull;
	if (next != ~0ull)
		arm(core, next);
}

/* Its time has come: at its time, not when the one that runs has used its slice up, unless it has had more than that one. */
static void wake_at_deadline(struct core *core, struct thread *thread)
{
	if (unlikely(thread->stopped & STOPPED_BUDGET)) {
		context_period_ended(thread);
		this_core()->needed = true;
		if (!settled(thread))
			place(thread, false);
		return;
	}
	thread_timed_out(thread);
	if (thread->queued && thread->core == core && share_before_current(core, thread)) {
		run_queue_leave(thread);
		thread_hand_off(thread);
	}
}

void schedule_expire(u64 now)
{
	struct core *core = this_core();
	struct thread *current = core->current;

	for (;;) {
		struct list_node *first = list_first(&core->timers);

		if (!first || list_entry(first, struct thread, timer)->deadline > now)
			break;
		wake_at_deadline(core, list_entry(first, struct thread, timer));
	}
	if (unlikely(current->budgeted))
		context_expire(current);
	if (may_stay(core, current) && !slice_left(core)) {
		slice_begin(current);
		priority_review(current);
		core->slice_ended = true;
		let_equals_go(current);
	}
	if (core_count > 1 && core->best >= 0 && !ns_until(core->slice_alarm) && !ns_until(core->looked + look_ticks / 2)) {
		core->looked = arch_ticks();
		core->look = core->needed = true;
	}
	rearm(core, now);
}
