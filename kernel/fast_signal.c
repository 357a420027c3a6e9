/*
 * The fast path of Signal and Wait: who signals goes on, whether somebody waits or not; who waits leaves the core to the thread that is next in its queue. What
 * would be more than that (a deadline, another core, a better thread, somebody bound who receives) is the general path's (notification.c, schedule.c). Every check
 * comes before the first write, as in fastpath.c.
 */
#include "kernel/fast.h"
#include "kernel/fastpath.h"
#include "kernel/remote.h"
#include "kernel/run_queue.h"
#include "kernel/schedule.h"

/* The Notification, if the capability has that right to it. */
static INLINE struct notification *notification_of(const struct cte *cap, u64 right)
{
	if (unlikely(!cap || (cap->word & (CAP_TYPE_MASK | right << CAP_RIGHTS_SHIFT)) != (OBJECT_NOTIFICATION | right << CAP_RIGHTS_SHIFT)))
		return NULL;
	return cap->object;
}

/* ---- Signal ---- */

/* Whether a waiter would wait in this core's queue, alone with its priority, while `t` goes on. Not if a core is idle: it has what waits here, this waiter or another. */
static INLINE bool may_queue(struct core *core, const struct thread *t, const struct thread *waiter)
{
	if (unlikely(waiter->unusual || waiter->priority > t->priority || !list_empty(&core->queue[waiter->priority])))
		return false;
	return core_count == 1 || (!idle_mask && schedule_choose_core(waiter) == core);
}

static INLINE void wake(struct core *core, struct notification *n, struct thread *waiter, u64 bits)
{
	ASSERT(waiter->state == THREAD_WAITING && !waiter->handle && !waiter->deadline && !thread_runs(waiter));
	queue_pop(&n->waiters, &waiter->queue);
	n->bits = 0;
	waiter->frame.rdx = bits;
	waiter->frame.rax = K_OK;
	waiter->state = THREAD_READY;
	run_queue_enter(core, waiter, false);
}

/* rdi Notification */
struct thread *fast_signal(struct core *core, struct thread *t)
{
	const struct cte *cap = named(t, t->frame.rdi);
	struct notification *n = notification_of(cap, RIGHT_SEND);
	u64 bits;

	if (unlikely(!n))
		return NULL;
	bits = n->bits | (cap_value(cap) ? cap_value(cap) : 1);
	if (list_empty(&n->waiters)) {
		if (n->bound && n->bound->state == THREAD_RECEIVING)
			return NULL;
		n->bits = bits;
		if (n->bound)
			n->bound->notified = 1;
	} else {
		struct thread *waiter = list_entry(n->waiters.next, struct thread, queue);

		if (!may_queue(core, t, waiter))
			return NULL;
		wake(core, n, waiter, bits);
		watch_slice(core, t);
	}
	return stay(core, t);
}

/* ---- Wait ---- */

/* rdi Notification, rsi flags, rbp deadline */
struct thread *fast_wait(struct core *core, struct thread *t)
{
	struct notification *n = notification_of(named(t, t->frame.rdi), RIGHT_RECV);
	u64 info = t->frame.rsi;
	struct thread *next;

	if (unlikely(!n || t->frame.rbp || ((info & INFO_INTERRUPTIBLE) && t->context && t->context->interrupt_flag)))
		return NULL;
	if (n->bits) {
		t->frame.rdx = notification_take(n);
		return stay(core, t);
	}
	next = next_of(core, t);
	if (unlikely(!next))
		return NULL;
	t->call_info = info & INFO_INTERRUPTIBLE;
	t->notification = n;
	t->state = THREAD_WAITING;
	queue_append(&n->waiters, &t->queue);
	leave_queue(core, next);
	return leave_to(core, t, next);
}
