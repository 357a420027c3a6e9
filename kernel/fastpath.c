/*
 * The fast path of Call and ReplyRecv: a message that fits in registers, a peer that waits, nothing else to do. Every check comes before
 * the first write; if one fails, nothing has changed and the general path (ipc.c, endpoint.c, reply.c) does the call. What
 * is written here is exactly what the general path would write; tests/host/test_kernel_ipc.c runs over both.
 */
#include "kernel/calls.h"
#include "kernel/endpoint.h"
#include "kernel/fastpath.h"
#include "kernel/park.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"

/* Bits of an info word that the fast path takes: no capabilities, no data. */
#define CALL_BITS  (INFO_LABEL_MASK | INFO_WINDOWS_MASK << INFO_WINDOWS_SHIFT | INFO_INTERRUPTIBLE)
#define REPLY_BITS INFO_LABEL_MASK

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

/* rdi Endpoint or Handle, rsi info */
struct thread *fastpath_call(struct thread *t)
{
	u64 info = t->frame.rsi, cptr = t->frame.rdi, badge = 0;
	const struct cte *cap = slot_in(cptr & CPTR_SYSTEM ? &t->system_cnode : &t->files_cnode, cptr & ~(u64)CPTR_SYSTEM);
	struct endpoint *ep;
	struct thread *receiver;
	struct cte *slot;

	if (unlikely((info & ~CALL_BITS) || INFO_LABEL(info) >= LABEL_KERNEL || INFO_WINDOWS_OF(info) > MESSAGE_WINDOWS))
		return NULL;
	if (unlikely(t->frame.rbp || !cap || !t->context || trace_mask || (cptr >> 32)))
		return NULL;
	if (unlikely((info & INFO_INTERRUPTIBLE) && t->context->interrupt_flag))
		return NULL;
	if (likely(cap_type(cap) == OBJECT_HANDLE)) {
		ep = ((struct handle *)cap->object)->endpoint;
		badge = ((struct handle *)cap->object)->badge;
	} else if (cap_type(cap) == OBJECT_ENDPOINT && (cap_rights(cap) & RIGHT_SEND)) {
		ep = cap->object;
	} else {
		return NULL;
	}
	if (unlikely(!ep->receiving || list_empty(&ep->queue)))
		return NULL;
	receiver = list_entry(ep->queue.next, struct thread, queue);
	slot = slot_in(&receiver->system_cnode, receiver->reply_slot);
	if (unlikely(!slot || !cap_empty(slot) || receiver->timer_queued || receiver->stopped || !schedule_may_switch(receiver)))
		return NULL;

	list_remove(&receiver->queue);
	receiver->state = THREAD_READY;
	receiver->frame.rax = K_OK;
	receiver->frame.rdi = badge;
	receiver->frame.rsi = info;
	receiver->frame.r15 = t->principal;
	message_words_copy(receiver, t);
	t->flags &= ~(THREAD_FLAG_PARKED | THREAD_FLAG_FORWARDED | THREAD_FLAG_CANCELLED);
	t->window_count = INFO_WINDOWS_OF(info);
	t->interruptible = (info & INFO_INTERRUPTIBLE) != 0;
	t->handle = NULL;
	t->reply = slot;
	t->endpoint = ep;
	t->state = THREAD_REPLY;
	queue_append(&ep->replies, &t->queue);
	slot->word = cap_word(OBJECT_REPLY, 0, 0, (u64)receiver->reply_slot << 8);
	slot->object = t;
	slot->prev = slot->next = NULL;
	return schedule_switch(receiver);
}

/* Whether the Endpoint has something for a receiver right now. */
static inline bool must_receive(const struct thread *t, const struct endpoint *ep)
{
	return ep->cancelled || !list_empty(&ep->closed) || (t->bound && t->bound->bits) || (!ep->receiving && !list_empty(&ep->queue));
}

/* r15 reply slot, rsi info of the reply, rdi Endpoint */
struct thread *fastpath_reply_recv(struct thread *t)
{
	u64 info = t->frame.rsi, number = t->frame.r15 & ~(u64)CPTR_SYSTEM, cptr = t->frame.rdi;
	const struct cte *cap = slot_in(cptr & CPTR_SYSTEM ? &t->system_cnode : &t->files_cnode, cptr & ~(u64)CPTR_SYSTEM);
	struct cte *slot = slot_in(&t->system_cnode, number);
	struct endpoint *ep;
	struct thread *caller;

	if (unlikely((info & ~REPLY_BITS) || INFO_LABEL(info) >= LABEL_KERNEL || t->frame.rbp || !cap || !slot || trace_mask || (cptr >> 32)))
		return NULL;
	if (unlikely(cap_type(slot) != OBJECT_REPLY || !slot->object || ((u64)slot->object & 1)))
		return NULL;
	if (unlikely(cap_type(cap) != OBJECT_ENDPOINT || !(cap_rights(cap) & RIGHT_RECV)))
		return NULL;
	ep = cap->object;
	caller = slot->object;
	if (unlikely(must_receive(t, ep) || caller->fault || caller->timer_queued || caller->stopped || !caller->endpoint ||
		     (caller->flags & THREAD_FLAG_CANCELLED) || !schedule_may_switch(caller)))
		return NULL;

	list_remove(&caller->queue);
	caller->reply = NULL;
	caller->endpoint = NULL;
	caller->state = THREAD_READY;
	caller->frame.rax = K_OK;
	caller->frame.rsi = info;
	message_words_copy(caller, t);
	*slot = (struct cte){ 0 };
	t->reply_slot = number;
	t->endpoint = ep;
	t->interruptible = 0;
	t->state = THREAD_RECEIVING;
	ep->receiving = 1;
	queue_append(&ep->queue, &t->queue);
	return schedule_switch(caller);
}
