/* Notifications: a word of bits; a waiter takes them all, a bound thread gets them as a message in its Recv. */
#include "kernel/endpoint.h"
#include "kernel/irq.h"
#include "kernel/object.h"
#include "kernel/schedule.h"
#include "kernel/thread.h"

void notification_init(struct notification *n)
{
	list_init(&n->waiters);
}

void notification_destroy(struct notification *n)
{
	while (!list_empty(&n->waiters))
		thread_wake(list_first_entry(&n->waiters, struct thread, queue), K_PEER_DEAD);
	notification_unbind(n);
	irq_notification_gone(n);
}

void notification_signal(struct notification *n, u64 bits)
{
	struct thread *t;

	n->bits |= bits;
	if (!n->bits)
		return;
	if (!list_empty(&n->waiters)) {
		t = list_first_entry(&n->waiters, struct thread, queue);
		t->frame.rdx = n->bits;
		n->bits = 0;
		thread_wake(t, K_OK);
		return;
	}
	if (!n->bound)
		return;
	n->bound->notified = !endpoint_notify_bound(n->bound, n->bits);
	if (!n->bound->notified)
		n->bits = 0;
}

void notification_unbind(struct notification *n)
{
	if (!n->bound)
		return;
	n->bound->notified = 0;
	n->bound->bound = NULL;
	n->bound = NULL;
}

u64 notification_take(struct notification *n)
{
	u64 bits = n->bits;

	n->bits = 0;
	if (n->bound)
		n->bound->notified = 0;
	return bits;
}

/* The wait call: rdi capability, rsi flags, rbp deadline. */
int notification_wait(struct thread *t, struct notification *n)
{
	u64 deadline = t->frame.rbp;
	bool interruptible = t->frame.rsi & INFO_INTERRUPTIBLE;

	if (interruptible && t->context && t->context->interrupt_flag)
		return K_INTERRUPTED;
	if (n->bits) {
		t->frame.rdx = notification_take(n);
		return K_OK;
	}
	if (deadline && deadline <= arch_clock_ns())
		return K_TIMEOUT;
	t->call_info = interruptible ? INFO_INTERRUPTIBLE : 0;
	t->notification = n;
	t->state = THREAD_WAITING;
	list_push_back(&n->waiters, &t->queue);
	thread_set_deadline(t, deadline);
	return CALL_DONE;
}
