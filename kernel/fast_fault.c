/*
 * The fast path of page faults: to a handler that waits, and back from it to the thread, whose page is there then. As in fastpath.c every check comes before the
 * first write. The handler gets its words in its frame: a fault's are made here, a message's are in the sender's registers.
 */
#include "kernel/fast_message.h"
#include "kernel/fastpath.h"
#include "kernel/fault.h"
#include "kernel/schedule.h"

/* All that is unusual about it is that it waits for an answer to its fault. */
static INLINE bool only_faulted(const struct thread *t)
{
	return t->unusual == 1ull << 8 * (offsetof(struct thread, fault) - offsetof(struct thread, unusual));
}

struct thread *fast_fault(struct core *core, struct thread *t, const u64 *pte)
{
	struct endpoint *ep = t->fault_endpoint.object;
	struct thread *handler;
	struct cte *slot;

	if (unlikely(core->hindered || !nothing_to_give(core)))
		return NULL;
	handler = receiver_of(core, ep, t, t->unusual, &slot, core->mask, true);
	if (unlikely(!handler))
		return NULL;
	fault_begin(t);
	t->fault = 1;
	t->principal_sent = principal_to_send(t);
	receive(ep, handler, slot, t);
	t->state = THREAD_REPLY;
	fault_describe(handler, t, pte);
	handler->frame.rax = K_OK;
	handler->frame.rdi = 0;
	handler->frame.rsi = LABEL_FAULT;
	handler->frame.r15 = t->principal_sent;
	return leave_to(core, t, handler);
}

/* r15 reply slot, rsi info, rdx verdict, rdi Endpoint */
struct thread *fast_fault_answer(struct core *core, struct thread *t)
{
	struct cte *slot = reply_slot(t, t->frame.r15);
	struct endpoint *ep = quiet_endpoint(t, t->frame.rdi);
	struct thread *caller = plain_caller(slot);

	if (unlikely(!ep || !caller || t->frame.rsi >= LABEL_KERNEL || t->frame.rdx != FAULT_RESUME))
		return NULL;
	if (unlikely(!nothing_to_give(core) || (t->frame.rbp | t->unusual) || !only_faulted(caller) || !may_switch(core, caller, core->mask, true)))
		return NULL;
	release(caller, slot);
	caller->reply = NULL;
	caller->fault = 0;
	caller->state = THREAD_READY;
	wait_again(t, ep);
	return leave_to(core, t, caller);
}
