/*
 * Replies. When a call is received, a Reply capability is made in the slot the receiver named. It is the only way to the caller:
 *   caller->reply == slot, slot->object == caller, caller on endpoint->replies     while the caller waits (THREAD_REPLY);
 *   slot->object == endpoint | 1                       the caller is gone and the holder has not been told yet;
 *   slot->object == NULL                               the caller is gone.
 * The slot's value holds its own number << 8 and why it was cancelled. Its links are the Endpoint's list of cancelled
 * requests (endpoint->cancelled), on which it stands until the holder has been told or has answered.
 * A Reply deleted unanswered gives its caller K_PEER_DEAD.
 */
#include "kernel/endpoint.h"
#include "kernel/fault.h"
#include "kernel/park.h"
#include "kernel/priority.h"
#include "kernel/sched_context.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"

#define WHY_TIMEOUT 1
#define WHY_DEAD    2

static struct endpoint *gone_endpoint(const struct cte *slot)
{
	u64 object = (u64)slot->object;

	return object & 1 ? (struct endpoint *)(object & ~1ull) : NULL;
}

static void cancelled_add(struct endpoint *ep, struct cte *slot)
{
	slot->prev = NULL;
	slot->next = ep->cancelled;
	if (slot->next)
		slot->next->prev = slot;
	ep->cancelled = slot;
}

static void cancelled_remove(struct endpoint *ep, struct cte *slot)
{
	if (ep->cancelled != slot && !slot->prev)
		return;
	if (slot->prev)
		slot->prev->next = slot->next;
	else
		ep->cancelled = slot->next;
	if (slot->next)
		slot->next->prev = slot->prev;
	slot->prev = slot->next = NULL;
}

void reply_charge(struct thread *t)
{
	struct cte *slot = t->reply_fresh ? cspace_system_slot(t, thread_reply_slot(t)) : NULL;

	t->principal_sent = reply_word(t, slot);
}

u64 reply_fresh(u32 number)
{
	return cap_word(OBJECT_REPLY, 0, 0, (u64)number << 8);
}

void reply_make(struct thread *caller, struct cte *slot, const struct thread *receiver)
{
	struct endpoint *ep = receiver->receives;

	slot->word = receiver->reply_fresh;
	slot->object = caller;
	slot->prev = slot->next = NULL;
	caller->reply = slot;
	caller->endpoint = ep;
	caller->state = THREAD_REPLY;
	list_push_back(&ep->replies, &caller->queue);
}

/* Empties the slot. The caller, if it still waits, is taken off the Endpoint's list and is the business of whoever calls this. */
static struct thread *take(struct cte *slot)
{
	struct thread *caller = reply_caller(slot);
	struct endpoint *ep = caller ? caller->endpoint : gone_endpoint(slot);

	if (ep)
		cancelled_remove(ep, slot);
	if (caller) {
		ASSERT(caller->reply == slot && caller->state == THREAD_REPLY);
		if (unlikely(caller->budgeted))
			context_return(caller);
		caller->reply = NULL;
		caller->flags &= ~THREAD_FLAGS_CALL;
		thread_unblock(caller);
		caller->endpoint = NULL;
	}
	*slot = (struct cte){ 0 };
	if (ep)
		priority_caller_left(ep);
	return caller;
}

void reply_discard(struct cte *slot)
{
	struct thread *caller = take(slot);

	if (!caller)
		return;
	if (caller->fault) {
		/* nobody mends the page: the program gets the fault */
		fault_answer(caller, FAULT_DELIVER);
		return;
	}
	caller->frame.rax = (u64)K_PEER_DEAD;
	thread_ready(caller);
}

void reply_endpoint_gone(struct endpoint *ep)
{
	while (ep->cancelled) {
		struct cte *slot = ep->cancelled;

		cancelled_remove(ep, slot);
		if (gone_endpoint(slot))
			slot->object = NULL;
	}
	while (!list_empty(&ep->replies)) {
		struct thread *caller = list_first_entry(&ep->replies, struct thread, queue);

		list_remove(&caller->queue);
		caller->endpoint = NULL;
		caller->flags |= THREAD_FLAG_ADRIFT;
	}
}

void reply_cancel(struct thread *caller, unsigned why)
{
	if (!caller->endpoint || (caller->flags & THREAD_FLAG_CANCELLED))
		return;
	caller->flags |= THREAD_FLAG_CANCELLED;
	cap_set_value(caller->reply, (cap_value(caller->reply) & ~0xffull) | why);
	cancelled_add(caller->endpoint, caller->reply);
	/* the holder learns of it in its next Recv; one that waits there now learns at once */
	endpoint_poke(caller->endpoint);
}

void reply_caller_gone(struct thread *caller)
{
	struct cte *slot = caller->reply;
	struct endpoint *ep = caller->endpoint;

	context_return(caller);
	caller->reply = NULL;
	if (!ep) {
		slot->object = NULL;
		cap_set_value(slot, (cap_value(slot) & ~0xffull) | WHY_DEAD);
		return;
	}
	cancelled_remove(ep, slot);
	slot->object = (void *)((u64)ep | 1);
	cap_set_value(slot, (cap_value(slot) & ~0xffull) | WHY_DEAD);
	cancelled_add(ep, slot);
	priority_caller_left(ep);
	endpoint_poke(ep);
}

bool reply_next_cancelled(struct endpoint *ep, u64 *number, u64 *why, u64 *principal)
{
	struct cte *slot = ep->cancelled;
	struct thread *caller;

	if (!slot)
		return false;
	cancelled_remove(ep, slot);
	caller = reply_caller(slot);
	*number = cap_value(slot) >> 8;
	*why = cap_value(slot) & 0xff;
	*principal = caller ? caller->principal_sent : 0;
	if (!caller)
		slot->object = NULL;
	return true;
}

static void answer_call(struct thread *t, struct thread *caller, u64 info, const struct mint *mint)
{
	unsigned bytes = INFO_BYTES_OF(info), caps = INFO_CAPS_OF(info);
	u64 out = info & INFO_LABEL_MASK;

	message_words_copy(caller, t);
	if (unlikely(bytes) && caller->message_low) {
		message_data_copy(caller, t, bytes);
		out |= (u64)bytes << INFO_BYTES_SHIFT;
	}
	if (unlikely(caps) && caller->message_low)
		out |= INFO_CAPS(message_caps_move(caller, t, caps, mint));
	caller->frame.rax = K_OK;
	caller->frame.rsi = out;
	thread_hand_off(caller);
}

int reply_send(struct thread *t, struct cte *slot)
{
	u64 info = t->frame.rsi;
	int err = message_check(t, info, false);
	struct mint mint = { 0 };
	struct thread *caller;

	if (unlikely(err))
		return err;
	if (unlikely(cap_type(slot) != OBJECT_REPLY))
		return cap_empty(slot) ? K_INVALID_CAP : K_WRONG_TYPE;
	if (unlikely(INFO_CAPS_OF(info)) && reply_caller(slot)) {
		err = message_caps_check(t, INFO_CAPS_OF(info), &mint);
		if (err)
			return err;
	}
	caller = reply_caller(slot);
	if (unlikely(INFO_WINDOWS_OF(info)) && caller && !caller->fault && !answer_copy(t, caller))
		return K_PARTIAL;
	caller = take(slot);
	priority_review(t);
	if (unlikely(!caller))
		return K_GONE;
	TRACE(TRACE_IPC, caller->principal, info, t->frame.rdx);
	if (unlikely(caller->fault))
		fault_answer(caller, t->frame.rdx);
	else
		answer_call(t, caller, info, &mint);
	return K_OK;
}

int reply_forward(struct thread *t, struct cte *slot, struct cte *target)
{
	u64 info = t->frame.rsi;
	unsigned bytes = INFO_BYTES_OF(info);
	int err = message_check(t, info, false);
	struct thread *caller;
	struct endpoint *ep;

	if (err)
		return err;
	if (INFO_CAPS_OF(info))
		return K_INVALID_ARG;
	if (cap_type(slot) != OBJECT_REPLY)
		return cap_empty(slot) ? K_INVALID_CAP : K_WRONG_TYPE;
	ep = endpoint_of(target, &err);
	if (!ep)
		return err;
	if (reply_caller(slot) && reply_caller(slot)->fault)
		return K_INVALID_ARG; /* faults are answered by whom they were sent to */
	{
		bool interrupted = reply_caller(slot) && (reply_caller(slot)->flags & THREAD_FLAG_CANCELLED);
		u64 deadline = reply_caller(slot) ? reply_caller(slot)->deadline : 0, why = cap_value(slot) & 0xff;

		caller = take(slot);
		priority_review(t);
		if (!caller)
			return K_GONE;
		if (interrupted) { /* the new holder would never learn of it */
			caller->frame.rax = (u64)(why == WHY_TIMEOUT ? K_TIMEOUT : K_INTERRUPTED);
			thread_ready(caller);
			return K_OK;
		}
		thread_set_deadline(caller, deadline);
	}
	if (!INFO_WINDOWS_OF(info))
		caller->call_info &= ~(INFO_WINDOWS_MASK << INFO_WINDOWS_SHIFT);
	caller->call_info = INFO(INFO_LABEL(info), bytes) | INFO_WINDOWS(thread_windows(caller)) | (caller->call_info & INFO_INTERRUPTIBLE);
	caller->call_badge = cap_type(target) == OBJECT_HANDLE ? ((struct handle *)target->object)->badge : 0;
	caller->handle = cap_type(target) == OBJECT_HANDLE ? target->object : NULL;
	caller->flags |= THREAD_FLAG_FORWARDED;
	message_words_copy(caller, t);
	if (bytes) {
		message_data_park(caller, t, bytes);
		caller->flags |= THREAD_FLAG_PARKED;
	}
	TRACE(TRACE_IPC, caller->principal, info, caller->call_badge);
	endpoint_send(ep, caller);
	return K_OK;
}
