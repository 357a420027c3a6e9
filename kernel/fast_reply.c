/*
 * The fast path of Reply and Recv by themselves: a server answers a request that it has kept, and goes on; or it keeps one, and receives the next. Whom it answers
 * waits in this core's queue, and has the core when the server blocks (schedule.c). As in fastpath.c every check comes before the first write.
 */
#include "kernel/fast_message.h"
#include "kernel/fastpath.h"

/* The slot that a server names for Replies. */
static INLINE struct cte *named_reply_slot(const struct thread *t, u64 cptr)
{
	return slot_in(&t->system_cnode, cptr & ~(u64)CPTR_SYSTEM);
}

/* Whether a caller that becomes ready waits for the core that `t` keeps. */
static INLINE bool may_queue_behind(const struct core *core, const struct thread *t, const struct thread *caller)
{
	ASSERT(core->best <= (int)t->priority && !core->look && !core->handoff);
	return caller->priority < t->priority && (caller->affinity & core->mask);
}

/* r15 reply slot, rsi info */
struct thread *fast_reply(struct core *core, struct thread *t)
{
	struct cte *slot = named_reply_slot(t, t->frame.r15);
	struct thread *caller = slot ? plain_caller(slot) : NULL;
	u64 info = t->frame.rsi;

	if (unlikely(!caller || (t->unusual | caller->unusual) || !info_ok(t, info, DATA_BITS) || !may_queue_behind(core, t, caller)))
		return NULL;
	if ((info & DATA_BITS) && !caller->message_low)
		return NULL;
	release(caller, slot);
	caller->reply = NULL;
	caller->state = THREAD_READY;
	message_words_copy(caller, t);
	if (info & DATA_BITS)
		message_data_copy_fast(caller, t, INFO_BYTES_OF(info));
	caller->frame.rax = K_OK;
	caller->frame.rsi = info;
	run_queue_enter(core, caller, true);
	watch_slice(core, t);
	return stay(core, t);
}

/* rdi Endpoint, r15 reply slot, rbp deadline */
struct thread *fast_recv(struct core *core, struct thread *t)
{
	struct endpoint *ep = quiet_endpoint(t, t->frame.rdi);
	struct cte *slot = named_reply_slot(t, t->frame.r15);
	struct thread *next = next_of(core, t);
	u64 number = t->frame.r15 & ~(u64)CPTR_SYSTEM;

	if (unlikely(!ep || !slot || !number || !cap_empty(slot) || !next || t->frame.rbp))
		return NULL;
	t->reply_cptr = t->frame.r15;
	t->reply_at = slot;
	t->reply_fresh = reply_fresh((u32)number);
	wait_again(t, ep);
	leave_queue(core, next);
	return leave_to(core, t, next);
}
