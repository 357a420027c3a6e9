/*
 * The fast path of Call, ReplyRecv and ForwardRecv: a peer that waits, nothing else to do. Every check comes before the first write; if
 * one fails, nothing has changed and the general path (ipc.c, endpoint.c, reply.c) does the call. What is written here is exactly what the general path
 * would write; tests/host/test_kernel_ipc.c and test_kernel_ipc_random.c run over both.
 */
#include "kernel/calls.h"
#include "kernel/endpoint.h"
#include "kernel/fastpath.h"
#include "kernel/park.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"

#define WINDOW_BITS  (INFO_WINDOWS_MASK << INFO_WINDOWS_SHIFT)
#define DATA_BITS    (INFO_BYTES_MASK << INFO_BYTES_SHIFT)
#define CAPS_BITS    (INFO_CAPS_MASK << INFO_CAPS_SHIFT)
/* Bits of an info word that the fast path takes. */
#define CALL_BITS    (INFO_LABEL_MASK | WINDOW_BITS | DATA_BITS | INFO_INTERRUPTIBLE)
#define REPLY_BITS   (INFO_LABEL_MASK | DATA_BITS | CAPS_BITS)
#define FORWARD_BITS (INFO_LABEL_MASK | WINDOW_BITS | DATA_BITS)

static inline struct cte *slot_in(const struct cte *cnode_cap, u64 number)
{
	struct cnode *cn = cnode_cap->object;

	if (unlikely(cap_type(cnode_cap) != OBJECT_CNODE || number >= cn->slots))
		return NULL;
	return &cn->slot[number];
}

static inline void queue_append(struct list_node *head, struct list_node *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline bool info_ok(u64 info, u64 bits)
{
	return !(info & ~bits) && INFO_LABEL(info) < LABEL_KERNEL && INFO_BYTES_OF(info) <= MESSAGE_BYTES &&
	       INFO_WINDOWS_OF(info) <= MESSAGE_WINDOWS && INFO_CAPS_OF(info) <= MESSAGE_CAPS;
}

static inline const struct cte *named(const struct thread *t, u64 cptr)
{
	if (unlikely(cptr >> 32))
		return NULL;
	return slot_in(cptr & CPTR_SYSTEM ? &t->system_cnode : &t->files_cnode, cptr & ~(u64)CPTR_SYSTEM);
}

static inline const struct cte *forward_target(const struct thread *t, u64 target)
{
	const struct cte *cap = named(t, (u32)target);

	return cap && target >> 32 ? slot_in(cap, (target >> 32) - 1) : cap;
}

/* The Endpoint that a capability sends to. */
static inline struct endpoint *target_of(const struct cte *cap, u64 *badge)
{
	*badge = 0;
	if (likely(cap_type(cap) == OBJECT_HANDLE)) {
		*badge = ((struct handle *)cap->object)->badge;
		return ((struct handle *)cap->object)->endpoint;
	}
	return cap_type(cap) == OBJECT_ENDPOINT && (cap_rights(cap) & RIGHT_SEND) ? cap->object : NULL;
}

/* Who waits there and can have a message of so many bytes at once; *slot is where its Reply goes. */
static inline struct thread *receiver_of(const struct endpoint *ep, u64 info, struct cte **slot)
{
	struct thread *receiver;

	if (unlikely(!ep->receiving || list_empty(&ep->queue)))
		return NULL;
	receiver = list_entry(ep->queue.next, struct thread, queue);
	*slot = slot_in(&receiver->system_cnode, receiver->reply_slot);
	if (unlikely(!*slot || !cap_empty(*slot) || receiver->timer_queued || receiver->stopped || !schedule_may_switch(receiver)))
		return NULL;
	return (info & DATA_BITS) && !receiver->message_low ? NULL : receiver;
}

/* The message of `from`, which is the caller or forwards it, is the receiver's; the caller waits for the answer. */
static inline void receive(struct thread *receiver, struct cte *slot, struct thread *caller, struct thread *from, u64 badge, u64 info)
{
	struct endpoint *ep = receiver->endpoint;

	list_remove(&receiver->queue);
	receiver->state = THREAD_READY;
	receiver->frame.rax = K_OK;
	receiver->frame.rdi = badge;
	receiver->frame.rsi = info;
	receiver->frame.r15 = caller->principal;
	message_words_copy(receiver, from);
	if (info & DATA_BITS)
		message_data_copy(receiver, from, INFO_BYTES_OF(info));
	caller->flags &= ~(THREAD_FLAG_PARKED | THREAD_FLAG_FORWARDED | THREAD_FLAG_CANCELLED);
	caller->handle = NULL;
	caller->reply = slot;
	caller->endpoint = ep;
	caller->state = THREAD_REPLY;
	queue_append(&ep->replies, &caller->queue);
	slot->word = cap_word(OBJECT_REPLY, 0, 0, (u64)receiver->reply_slot << 8);
	slot->object = caller;
	slot->prev = slot->next = NULL;
}

/* rdi Endpoint or Handle, rsi info */
struct thread *fastpath_call(struct thread *t)
{
	u64 info = t->frame.rsi, badge;
	const struct cte *cap = named(t, t->frame.rdi);
	struct endpoint *ep;
	struct thread *receiver;
	struct cte *slot;

	if (unlikely(!info_ok(info, CALL_BITS) || t->frame.rbp || !cap || !t->context || trace_mask))
		return NULL;
	if (unlikely((info & INFO_INTERRUPTIBLE) && t->context->interrupt_flag))
		return NULL;
	ep = target_of(cap, &badge);
	receiver = likely(ep) ? receiver_of(ep, info, &slot) : NULL;
	if (unlikely(!receiver))
		return NULL;
	t->flags &= ~THREAD_FLAG_PARKED; /* its data is where it says */
	t->window_count = INFO_WINDOWS_OF(info);
	t->interruptible = (info & INFO_INTERRUPTIBLE) != 0;
	receive(receiver, slot, t, t, badge, info);
	return schedule_switch(receiver);
}

/* Whether the Endpoint has something for a receiver right now. */
static inline bool must_receive(const struct thread *t, const struct endpoint *ep)
{
	return ep->cancelled || !list_empty(&ep->closed) || (t->bound && t->bound->bits) || (!ep->receiving && !list_empty(&ep->queue));
}

/* The Endpoint that cptr receives from, if nothing is there yet. */
static inline struct endpoint *quiet_endpoint(const struct thread *t, u64 cptr)
{
	const struct cte *cap = named(t, cptr);

	if (unlikely(!cap || cap_type(cap) != OBJECT_ENDPOINT || !(cap_rights(cap) & RIGHT_RECV) || must_receive(t, cap->object)))
		return NULL;
	return cap->object;
}

/* The caller behind a Reply, if nothing is special about it. */
static inline struct thread *plain_caller(const struct cte *slot)
{
	struct thread *caller = slot->object;

	if (unlikely(cap_type(slot) != OBJECT_REPLY || !caller || ((u64)caller & 1)))
		return NULL;
	if (unlikely(caller->fault || caller->timer_queued || !caller->endpoint || (caller->flags & THREAD_FLAG_CANCELLED)))
		return NULL;
	return caller;
}

static inline void wait_at(struct thread *t, struct endpoint *ep, u64 reply_slot)
{
	t->reply_slot = reply_slot;
	t->endpoint = ep;
	t->interruptible = 0;
	t->state = THREAD_RECEIVING;
	ep->receiving = 1;
	queue_append(&ep->queue, &t->queue);
}

/* r15 reply slot, rsi info of the reply, rdi Endpoint */
struct thread *fastpath_reply_recv(struct thread *t)
{
	u64 info = t->frame.rsi, number = t->frame.r15 & ~(u64)CPTR_SYSTEM;
	struct cte *slot = slot_in(&t->system_cnode, number);
	struct endpoint *ep = quiet_endpoint(t, t->frame.rdi);
	struct thread *caller;

	if (unlikely(!info_ok(info, REPLY_BITS) || t->frame.rbp || !ep || !slot || trace_mask))
		return NULL;
	caller = plain_caller(slot);
	if (unlikely(!caller || caller->stopped || !schedule_may_switch(caller)))
		return NULL;
	if (unlikely((info & ~INFO_LABEL_MASK) && (!caller->message_low || !t->context)))
		return NULL;
	list_remove(&caller->queue);
	caller->reply = NULL;
	caller->endpoint = NULL;
	caller->state = THREAD_READY;
	caller->frame.rax = K_OK;
	message_words_copy(caller, t);
	*slot = (struct cte){ 0 };
	if (info & DATA_BITS)
		message_data_copy(caller, t, INFO_BYTES_OF(info));
	if (info & CAPS_BITS)
		info = (info & ~CAPS_BITS) | INFO_CAPS(message_caps_move(caller, t, INFO_CAPS_OF(info)));
	caller->frame.rsi = info;
	wait_at(t, ep, number);
	return schedule_switch(caller);
}

/* r15 reply slot, rsi info of the new message, rdi Endpoint or Handle, rbp Endpoint to receive from */
struct thread *fastpath_forward_recv(struct thread *t)
{
	u64 info = t->frame.rsi, number = t->frame.r15 & ~(u64)CPTR_SYSTEM, badge;
	struct cte *slot = slot_in(&t->system_cnode, number), *reply;
	const struct cte *cap = forward_target(t, t->frame.rdi);
	struct endpoint *own = quiet_endpoint(t, t->frame.rbp), *ep;
	struct thread *caller, *receiver;

	if (unlikely(!info_ok(info, FORWARD_BITS) || !own || !cap || !slot || !t->context || trace_mask))
		return NULL;
	caller = plain_caller(slot);
	ep = likely(caller) ? target_of(cap, &badge) : NULL;
	receiver = likely(ep) ? receiver_of(ep, info, &reply) : NULL;
	if (unlikely(!receiver))
		return NULL;
	list_remove(&caller->queue);
	*slot = (struct cte){ 0 };
	if (!(info & WINDOW_BITS))
		caller->window_count = 0;
	info = (info & ~WINDOW_BITS) | INFO_WINDOWS(caller->window_count) | INFO_FORWARDED;
	receive(receiver, reply, caller, t, badge, info);
	wait_at(t, own, number);
	return schedule_switch(receiver);
}
