#include "kernel/schedule.h"
#include "kernel/endpoint.h"
#include "kernel/object.h"
#include "kernel/trace.h"

struct core cores[CORE_MAX];

/* Run queues of the node: one for each priority and a two-level bitmap of those that are not empty. */
static struct {
	struct list_node queue[256];
	u64 bitmap[4];
	struct thread *handoff;   /* runs next, ahead of its equals, not queued */
	bool needed;              /* something changed: choose again */
	struct list_node timers;  /* threads with a deadline, by time */
	u64 armed;                /* what the core's timer is set to; ~0 none */
	u64 slice_end;
} run;

struct core *this_core(void)
{
	return &cores[0];
}

void schedule_init(struct core *core, struct thread *idle)
{
	for (unsigned i = 0; i < 256; i++)
		list_init(&run.queue[i]);
	list_init(&run.timers);
	run.armed = ~0ull;
	core->idle = idle;
	idle->state = THREAD_READY;
}

static void arm(u64 when)
{
	if (when >= run.armed)
		return;
	run.armed = when;
	arch_timer_set(when);
}

static void enqueue(struct thread *thread, bool front)
{
	ASSERT(!thread->queued);
	if (front)
		list_push_front(&run.queue[thread->priority], &thread->queue);
	else
		list_push_back(&run.queue[thread->priority], &thread->queue);
	run.bitmap[thread->priority >> 6] |= BIT(thread->priority & 63);
	thread->queued = 1;
	run.needed = true;
}

static void dequeue(struct thread *thread)
{
	list_remove(&thread->queue);
	thread->queued = 0;
	if (list_empty(&run.queue[thread->priority]))
		run.bitmap[thread->priority >> 6] &= ~BIT(thread->priority & 63);
}

/* -1: nothing ready. */
static int highest_ready(void)
{
	for (int i = 3; i >= 0; i--)
		if (run.bitmap[i])
			return i * 64 + 63 - __builtin_clzll(run.bitmap[i]);
	return -1;
}

void thread_ready(struct thread *thread)
{
	thread->state = THREAD_READY;
	if (!thread->stopped && thread != this_core()->current && !thread->queued && run.handoff != thread)
		enqueue(thread, false);
	run.needed = true;
}

/* Who has waited goes on with the rest of its slice, ahead of its equals; the slice is not renewed, so they get their turn. */
static void thread_resume(struct thread *thread)
{
	thread->state = THREAD_READY;
	run.needed = true;
	if (!thread->stopped && thread != this_core()->current && !thread->queued && run.handoff != thread)
		enqueue(thread, thread->slice_used_ns < SLICE_NS);
}

void thread_hand_off(struct thread *thread)
{
	thread->state = THREAD_READY;
	run.needed = true;
	if (thread->stopped || thread == this_core()->current)
		return;
	if (run.handoff)
		enqueue(run.handoff, true);
	run.handoff = thread;
}

void thread_unready(struct thread *thread)
{
	if (thread->queued)
		dequeue(thread);
	if (run.handoff == thread)
		run.handoff = NULL;
	run.needed = true;
}

void thread_set_deadline(struct thread *thread, u64 deadline_ns)
{
	struct list_node *at = run.timers.next;

	ASSERT(!thread->timer_queued);
	thread->deadline = deadline_ns;
	if (!deadline_ns)
		return;
	while (at != &run.timers && list_entry(at, struct thread, timer)->deadline <= deadline_ns)
		at = at->next;
	list_insert_before(at, &thread->timer);
	thread->timer_queued = 1;
	arm(deadline_ns);
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
	if (handle)
		handle_call_ended(handle);
}

void thread_wake(struct thread *thread, int error)
{
	thread_unblock(thread);
	thread->frame.rax = (u64)(s64)error;
	thread_resume(thread);
}

static void account(struct core *core, struct thread *prev, struct thread *next)
{
	u64 now = arch_clock_ns();
	u64 ran = now - prev->switched_in_ns;

	if (prev == core->idle)
		core->idle_ns += ran;
	prev->cpu_ns += ran;
	prev->slice_used_ns += ran;
	next->switched_in_ns = now;
	next->switches++;
	core->context_switches++;
	run.slice_end = now + (next->slice_used_ns < SLICE_NS ? SLICE_NS - next->slice_used_ns : 0);
}

static void switch_to(struct core *core, struct thread *next)
{
	struct thread *prev = core->current;

	account(core, prev, next);
	TRACE(TRACE_SWITCH, next->principal, prev->principal, next->frame.rip);
	if (next->space && next->space->top_address != core->top_table) {
		core->address_space_switches++;
		arch_load_address_space(core, next->space->top_address);
	}
	arch_switch_thread(core, prev, next);
	core->current = next;
}

static bool runnable(const struct core *core, const struct thread *thread)
{
	return thread->state == THREAD_READY && !thread->stopped && thread != core->idle;
}

struct thread *schedule(void)
{
	struct core *core = this_core();
	struct thread *current = core->current, *next;
	int best = highest_ready();

	run.needed = false;
	if (run.handoff) {
		next = run.handoff;
		run.handoff = NULL;
		if (runnable(core, current) && !current->queued)
			enqueue(current, true);
		if ((int)next->priority >= highest_ready()) {
			run.needed = false;
			switch_to(core, next);
			goto out;
		}
		enqueue(next, true);
		best = highest_ready();
		run.needed = false;
		current = core->idle; /* already queued, if it is runnable */
	}
	if (runnable(core, current) && !current->queued && (int)current->priority >= best)
		goto out;
	if (best < 0) {
		if (core->current != core->idle)
			switch_to(core, core->idle);
		return core->current;
	}
	next = list_first_entry(&run.queue[best], struct thread, queue);
	dequeue(next);
	if (runnable(core, core->current) && !core->current->queued && core->current != next)
		enqueue(core->current, true);
	run.needed = false;
	if (next != core->current)
		switch_to(core, next);
out:
	if (run.bitmap[0] | run.bitmap[1] | run.bitmap[2] | run.bitmap[3])
		arm(run.slice_end);
	return core->current;
}

bool schedule_may_switch(const struct thread *next)
{
	return !run.handoff && (int)next->priority >= highest_ready();
}

struct thread *schedule_switch(struct thread *next)
{
	switch_to(this_core(), next);
	run.needed = false;
	if (run.bitmap[0] | run.bitmap[1] | run.bitmap[2] | run.bitmap[3])
		arm(run.slice_end);
	return next;
}

struct thread *schedule_if_needed(struct thread *current)
{
	if (likely(!run.needed && current->state == THREAD_READY && !current->stopped))
		return current;
	return schedule();
}

void schedule_yield(struct thread *current)
{
	if (!current->queued)
		enqueue(current, false);
}

static void rearm(u64 now)
{
	u64 next = ~0ull;
	struct list_node *first = list_first(&run.timers);

	if (first)
		next = list_entry(first, struct thread, timer)->deadline;
	if (run.bitmap[0] | run.bitmap[1] | run.bitmap[2] | run.bitmap[3])
		next = MIN(next, MAX(run.slice_end, now));
	run.armed = ~0ull;
	if (next != ~0ull)
		arm(next);
}

void schedule_expire(u64 now)
{
	struct core *core = this_core();

	for (;;) {
		struct list_node *first = list_first(&run.timers);
		struct thread *thread;

		if (!first)
			break;
		thread = list_entry(first, struct thread, timer);
		if (thread->deadline > now)
			break;
		thread_timed_out(thread);
		/* at its time, not when the one that runs has used its slice up */
		if (thread->queued && thread->slice_used_ns < SLICE_NS) {
			dequeue(thread);
			thread_hand_off(thread);
		}
	}
	if (now >= run.slice_end && runnable(core, core->current)) {
		/* account() will add what it ran since it was switched in */
		core->current->slice_used_ns = core->current->switched_in_ns - now;
		run.slice_end = now + SLICE_NS;
		schedule_yield(core->current);
	}
	rearm(now);
}
