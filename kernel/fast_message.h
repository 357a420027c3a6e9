/* Messages on the fast paths (fastpath.c, fast_reply.c, fast_fault.c): who takes part, whether it may, and what is written. */
#ifndef KERNEL_FAST_MESSAGE_H
#define KERNEL_FAST_MESSAGE_H

#include "kernel/fast.h"

#define WINDOW_BITS  (INFO_WINDOWS_MASK << INFO_WINDOWS_SHIFT)
#define DATA_BITS    (INFO_BYTES_MASK << INFO_BYTES_SHIFT)
#define CAPS_BITS    (INFO_CAPS_MASK << INFO_CAPS_SHIFT)

/* ---- checks ---- */

/* Whether an info word is as message_check wants it. */
static INLINE bool info_ok(const struct thread *t, u64 info, u64 allowed)
{
	if (likely(!(info & ~INFO_LABEL_MASK)))
		return info < LABEL_KERNEL;
	return INFO_LABEL(info) < LABEL_KERNEL && !(info & ~(INFO_LABEL_MASK | allowed)) && INFO_BYTES_OF(info) <= MESSAGE_BYTES && INFO_WINDOWS_OF(info) <= MESSAGE_WINDOWS &&
	       INFO_CAPS_OF(info) <= MESSAGE_CAPS && t->context;
}

/* A Reply's word, its low half, while its caller waits and nothing has happened to it (reply.c), and nobody is raised for it (REPLY_RAISES). */
#define REPLY_PLAIN ((u32)OBJECT_REPLY)

/* Whether a thread that becomes ready now, as the current one blocks, is what schedule() would choose. */
static INLINE bool may_switch(const struct core *core, const struct thread *next, u64 mask, bool any)
{
	ASSERT(any || core->best < 0);
	return (next->affinity & mask) && (!any || (int)next->priority >= core->best);
}

/* Who waits there and can have the caller's message at once; *slot is where its Reply goes. `unusual`: something stands in the way already. */
static INLINE struct thread *receiver_of(const struct core *core, const struct endpoint *ep, const struct thread *caller, u64 unusual, struct cte **slot,
	u64 mask, bool any)
{
	struct thread *receiver = list_entry(ep->queue.next, struct thread, queue);

	if (unlikely(!ep->receiving || list_empty(&ep->queue)))
		return NULL;
	SETTLE(receiver); /* one register, not two with its queue's node */
	*slot = receiver->reply_at;
	ASSERT(*slot == &slot_forgotten || *slot == slot_in(&receiver->system_cnode, thread_reply_slot(receiver)));
	if (unlikely(!cap_empty(*slot) || (receiver->unusual | unusual) || receiver->priority < caller->priority || !may_switch(core, receiver, mask, any)))
		return NULL;
	ASSERT(receiver->receives == ep);
	return receiver;
}

/* The caller behind a Reply that nothing has happened to. */
static INLINE struct thread *plain_caller(const struct cte *slot)
{
	struct thread *caller = slot->object;

	if (unlikely((u32)slot->word != REPLY_PLAIN))
		return NULL;
	if (!caller)
		__builtin_unreachable();
	ASSERT(caller->state == THREAD_REPLY && caller->reply == slot);
	return caller;
}

/* The Endpoint where the thread received last, if cptr means it still, and nothing is there yet (priority.h). */
static INLINE struct endpoint *quiet_endpoint(const struct thread *t, u64 cptr)
{
	const struct cte *cap = t->receives_at;
	struct endpoint *ep = t->receives;

	/* whose server it is has all rights to it */
	if (unlikely(cptr != t->receives_cptr || cap->object != ep || (u8)cap->word != (OBJECT_ENDPOINT | RIGHT_ALL << CAP_RIGHTS_SHIFT)))
		return NULL;
	ASSERT(cap == named(t, cptr));
	return likely(ep->activity == ENDPOINT_QUIET) ? ep : NULL;
}

/* The slot where the thread received last, if cptr means it. */
static INLINE struct cte *reply_slot(const struct thread *t, u64 cptr)
{
	return likely(cptr == t->reply_cptr) ? t->reply_at : &slot_forgotten;
}

/* ---- what is written ---- */

/* A receiver gets a caller's message: it leaves its queue, and the caller waits for the answer (caller->state is THREAD_REPLY, or will be). */
static INLINE void receive(struct endpoint *ep, struct thread *receiver, struct cte *slot, struct thread *caller)
{
	ASSERT(!caller->handle && !slot->prev && !slot->next);
	queue_pop(&ep->queue, &receiver->queue);
	receiver->state = THREAD_READY;
	caller->reply = slot;
	caller->endpoint = ep;
	queue_append(&ep->replies, &caller->queue);
	slot->word = receiver->reply_fresh;
	slot->object = caller;
}

/* A caller is waited for by that Reply no more. */
static INLINE void release(struct thread *caller, struct cte *slot)
{
	ASSERT(caller->endpoint && !caller->handle);
	queue_remove(&caller->queue);
	slot->word = 0; /* the rest is set with the next */
	if (DEBUG)
		slot->object = NULL;
}

/* Where it received last. */
static INLINE void wait_again(struct thread *t, struct endpoint *ep)
{
	t->state = THREAD_RECEIVING;
	queue_append(&ep->queue, &t->queue);
}

/* The word that its call goes out with (reply_word). */
static INLINE u64 principal_to_send(const struct thread *t)
{
	return likely(!t->reply_fresh) ? t->principal : reply_word(t, slot_in(&t->system_cnode, thread_reply_slot(t)));
}

#endif
