/*
 * Endpoints. A queue holds senders or receivers, never both. A sender that finds no receiver waits in the queue, by priority and then by arrival, with its
 * message in its own frame (and, if it was forwarded, its data in its park). A receiver is served in this order: cancelled requests, its bound
 * Notification, closed Handles, queued senders.
 */
#include "kernel/endpoint.h"
#include "kernel/fault.h"
#include "kernel/park.h"
#include "kernel/priority.h"
#include "kernel/sched_context.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"

static u64 next_id = 1;

void endpoint_init(struct endpoint *ep)
{
	ep->id = next_id++;
	list_init(&ep->queue);
	list_init(&ep->closed);
	list_init(&ep->replies);
	list_init(&ep->servers);
}

/* Everything that waits here learns that the peer is dead; Replies made from it stay valid. */
void endpoint_destroy(struct endpoint *ep)
{
	while (!list_empty(&ep->queue)) {
		struct thread *t = list_first_entry(&ep->queue, struct thread, queue);

		t->endpoint = NULL;
		if (t->fault)
			fault_undeliverable(t);
		else
			thread_wake_dead(t);
	}
	while (!list_empty(&ep->closed))
		handle_release(list_first_entry(&ep->closed, struct handle, closed));
	reply_endpoint_gone(ep);
	while (!list_empty(&ep->servers))
		priority_receives_nowhere(list_first_entry(&ep->servers, struct thread, server));
}

static void receiver_result(struct thread *t, u64 badge, u64 info, u64 principal)
{
	t->frame.rax = K_OK;
	t->frame.rdi = badge;
	t->frame.rsi = info;
	t->frame.r15 = principal;
}

bool message_deliver(struct thread *sender, struct thread *receiver)
{
	struct cte *slot = cspace_system_slot(receiver, thread_reply_slot(receiver));
	unsigned bytes = INFO_BYTES_OF(sender->call_info);
	unsigned caps = INFO_CAPS_OF(sender->call_info);
	u64 info = sender->call_info & (INFO_LABEL_MASK | INFO_INTERRUPTIBLE | INFO_WINDOWS_MASK << INFO_WINDOWS_SHIFT);

	if (unlikely(!slot || !cap_empty(slot))) {
		thread_wake(receiver, K_OCCUPIED);
		return false;
	}
	if (sender->fault)
		fault_describe(receiver, sender, fault_entry(sender));
	else
		message_words_copy(receiver, sender);
	if (unlikely(bytes)) {
		if (!receiver->message_low)
			bytes = 0;
		else
			message_data_copy(receiver, sender, bytes);
		info |= (u64)bytes << INFO_BYTES_SHIFT;
	}
	/* before capabilities arrive: the receiver may have named its reply slot for one of them, too */
	reply_make(sender, slot, receiver);
	priority_serves(receiver, sender);
	if (unlikely(sender->budgeted))
		context_lend(sender, receiver);
	if (unlikely(caps) && receiver->message_low)
		info |= INFO_CAPS(message_caps_move(receiver, sender, caps, NULL));
	if (sender->flags & THREAD_FLAG_FORWARDED)
		info = (info & ~INFO_INTERRUPTIBLE) | INFO_FORWARDED;
	receiver_result(receiver, sender->call_badge, info, sender->principal_sent);
	sender->flags &= ~THREAD_FLAGS_CALL;
	TRACE(TRACE_IPC, sender->principal, info, receiver->principal);
	receiver->state = THREAD_READY;
	return true;
}

/* Takes the first receiver off the queue. */
static struct thread *pop_receiver(struct endpoint *ep)
{
	struct thread *t;

	if (!ep->receiving || list_empty(&ep->queue))
		return NULL;
	t = list_first_entry(&ep->queue, struct thread, queue);
	thread_unblock(t);
	return t;
}

void endpoint_send(struct endpoint *ep, struct thread *sender)
{
	struct thread *receiver;

	sender->endpoint = ep;
	while ((receiver = pop_receiver(ep))) {
		if (!message_deliver(sender, receiver))
			continue;
		sender->handle = NULL;
		thread_hand_off(receiver);
		return;
	}
	ep->receiving = 0;
	sender->state = THREAD_SENDING;
	priority_queue(ep, sender);
	if (sender->handle)
		sender->handle->calls++;
}

static bool receive_cancelled(struct thread *t, struct endpoint *ep)
{
	u64 number, why, principal;

	if (!reply_next_cancelled(ep, &number, &why, &principal))
		return false;
	receiver_result(t, 0, LABEL_CANCELLED, principal);
	t->frame.rdx = number;
	t->frame.r8 = why;
	return true;
}

static bool receive_closed(struct thread *t, struct endpoint *ep)
{
	struct handle *h;

	if (list_empty(&ep->closed))
		return false;
	h = list_first_entry(&ep->closed, struct handle, closed);
	receiver_result(t, h->badge, LABEL_CLOSED, 0);
	handle_release(h);
	return true;
}

/*
 * Most servers have nothing to do for anybody when a file is closed, and would cost the closer two changes of address space. One that says so finds the
 * badges beside the next message, before which it looks at them; so nobody who asks it can tell the difference. It need not wait for
 * ever for that message: a core that has nothing to run tells it.
 */
void endpoint_closed(struct endpoint *ep, struct handle *h)
{
	struct thread *t = ep->receiving ? list_first_entry(&ep->queue, struct thread, queue) : NULL;

	if (t && message_note_closed(t, h->badge)) {
		handle_release(h);
		if (!list_linked(&t->noticed))
			list_push_back(&this_core()->noticed, &t->noticed);
		return;
	}
	list_push_back(&ep->closed, &h->closed);
	endpoint_poke(ep);
}

void endpoint_tell_noticed(struct core *core)
{
	struct list_node *node;

	while ((node = list_pop_front(&core->noticed))) {
		struct thread *t = list_entry(node, struct thread, noticed);
		u64 badge;

		if (t->state != THREAD_RECEIVING || !message_take_noted(t, &badge))
			continue;
		thread_unblock(t);
		receiver_result(t, badge, LABEL_CLOSED, 0);
		thread_ready(t);
	}
}

bool endpoint_notify_bound(struct thread *t, u64 bits)
{
	if (t->state != THREAD_RECEIVING)
		return false;
	thread_unblock(t);
	receiver_result(t, 0, LABEL_NOTIFIED, 0);
	t->frame.rdx = bits;
	thread_ready(t);
	return true;
}

static bool receive_notified(struct thread *t)
{
	u64 bits = t->bound ? t->bound->bits : 0;

	if (!bits)
		return false;
	t->bound->bits = 0;
	t->notified = 0;
	receiver_result(t, 0, LABEL_NOTIFIED, 0);
	t->frame.rdx = bits;
	return true;
}

static bool receive_queued(struct thread *t, struct endpoint *ep)
{
	struct thread *sender;

	if (ep->receiving || list_empty(&ep->queue))
		return false;
	sender = list_first_entry(&ep->queue, struct thread, queue);
	/* the slot was checked by endpoint_receive, so this cannot fail */
	struct handle *held = sender->handle;
	list_remove(&sender->queue);
	sender->handle = NULL;
	message_deliver(sender, t);
	priority_caller_left(ep);
	if (held)
		handle_call_ended(held);
	return true;
}

int endpoint_receive(struct thread *t, struct endpoint *ep, u64 deadline)
{
	struct cte *slot = cspace_system_slot(t, t->frame.r15 & ~(u64)CPTR_SYSTEM);

	if (!slot || slot == cspace_system_slot(t, 0))
		return K_INVALID_ARG;
	if (!cap_empty(slot))
		return K_OCCUPIED;
	if (unlikely(t->lender)) /* what it was lent the time for is done, or kept for later */
		context_return(t->lender);
	t->reply_cptr = t->frame.r15;
	t->reply_at = slot;
	t->reply_fresh = reply_fresh(t->frame.r15 & ~CPTR_SYSTEM);
	priority_receives(t, ep);
	if (unlikely(ep->cancelled) && receive_cancelled(t, ep))
		return CALL_DONE;
	if (t->bound && t->bound->bits && receive_notified(t))
		return CALL_DONE;
	if (receive_closed(t, ep))
		return CALL_DONE;
	ep->events = 0;
	if (receive_queued(t, ep))
		return CALL_DONE;
	if (deadline && deadline <= arch_clock_ns())
		return K_TIMEOUT;
	t->state = THREAD_RECEIVING;
	ep->receiving = 1;
	list_push_back(&ep->queue, &t->queue);
	thread_set_deadline(t, deadline);
	return CALL_DONE;
}

struct endpoint *endpoint_of(const struct cte *cap, int *err)
{
	if (likely(cap && cap_type(cap) == OBJECT_HANDLE))
		return ((struct handle *)cap->object)->endpoint;
	if (likely(cap && cap_type(cap) == OBJECT_ENDPOINT)) {
		if (likely(cap_rights(cap) & RIGHT_SEND))
			return cap->object;
		*err = K_NO_RIGHT;
		return NULL;
	}
	*err = !cap || cap_empty(cap) ? K_INVALID_CAP : K_WRONG_TYPE;
	return NULL;
}

void endpoint_poke(struct endpoint *ep)
{
	struct thread *t = pop_receiver(ep);

	ep->events = 1;
	if (!t)
		return;
	if (receive_cancelled(t, ep) || receive_closed(t, ep))
		thread_ready(t);
	else
		panic("endpoint poked for nothing");
}
