/*
 * Kernel calls, and the fast path of Call, ReplyRecv and ForwardRecv: a peer that waits, nothing else to do. Every check comes before the first
 * write; if one fails, nothing has changed and the general path (syscall.c, ipc.c, endpoint.c, reply.c) does the call. What is written here is
 * what the general path would write; tests/host/test_kernel_fast_general.c compares the two, entry by entry.
 *
 * What makes it short: conditions that seldom hold are kept where one load finds several of them (thread.unusual, core.hindered,
 * endpoint.activity, the low half of a Reply's word); the message's words, which the entry has saved in the sender's frame, go from there
 * into the registers as the receiver is resumed; no run queue is touched; a server's slots are remembered (thread.receives_at). Made with registers that a function
 * may use freely (Makefile). Others of a few more instructions stand in fast_reply.c, fast_signal.c and fast_fault.c.
 */
#include "kernel/calls.h"
#include "kernel/fast_message.h"
#include "kernel/fastpath.h"
#include "kernel/lock.h"
#include "kernel/park.h"
#include "kernel/remote.h"
#include "kernel/schedule.h"

/* FORWARD_THROUGH a CNode, or of the system's. */
static __attribute__((noinline)) const struct cte *forward_through(const struct thread *t, u64 target)
{
	const struct cte *cap = named(t, (u32)target);

	if (!cap || !(target >> 32))
		return cap;
	return cap_type(cap) == OBJECT_CNODE ? slot_in(cap, (target >> 32) - 1) : NULL;
}

/* A descriptor; or what the long form names. */
static INLINE const struct cte *forward_target(const struct thread *t, u64 target)
{
	const struct cte *cap = slot_in(&t->files_cnode, target);

	return likely(cap) ? cap : forward_through(t, target);
}

/* The Endpoint that a capability sends to. */
static INLINE struct endpoint *target_of(const struct cte *cap, u64 *badge)
{
	const struct handle *handle = cap->object;

	if (likely((u8)cap->word == (OBJECT_HANDLE | RIGHT_SEND << CAP_RIGHTS_SHIFT))) {
		*badge = handle->badge;
		if (!handle->endpoint)
			__builtin_unreachable();
		return handle->endpoint;
	}
	*badge = 0;
	return cap_type(cap) == OBJECT_ENDPOINT && (cap_rights(cap) & RIGHT_SEND) ? cap->object : NULL;
}

/* The core goes over from `prev`, which has blocked and whose words these are, to `next`. */
static INLINE struct thread *switch_to(struct core *core, struct thread *prev, struct thread *next, u64 badge, u64 info, u64 last, u64 mask, bool any)
{
	ASSERT(!next->queued && next->frame.vector == VECTOR_SYSCALL && (s64)next->frame.rip < 0 && core->space);
	ASSERT(next->core == core || !thread_runs(next));
	thread_account(prev, next);
	space_switch(core, next->space, mask);
	arch_switch_fast(core, prev, next);
	next->core = core;
	core->current = next;
	if (any && core->best >= 0 && slice_end(next) < core->slice_alarm)
		schedule_arm_slice(core);
	ASSERT(!core->hindered && !remote_flush_pending());
	return arch_resume_message(badge, info, next, prev, last);
}

/*
 * The three calls. Each is compiled twice: for messages that are a label and words in registers, with nobody else ready on the core; and for any.
 */

/* rdi Endpoint or Handle, rsi info */
static INLINE struct thread *call(struct core *core, struct thread *t, u64 target, u64 info, bool any)
{
	const struct cte *cap = named(t, target);
	struct thread *receiver;
	struct endpoint *ep;
	struct cte *slot;
	u64 badge, mask = core->mask;

	if (unlikely(!cap))
		return NULL;
	if (any && !info_ok(t, info, WINDOW_BITS | DATA_BITS | INFO_INTERRUPTIBLE))
		return NULL;
	if (any && (info & INFO_INTERRUPTIBLE) && t->context->interrupt_flag)
		return NULL;
	ep = target_of(cap, &badge);
	if (unlikely(!ep))
		return NULL;
	receiver = receiver_of(core, ep, t, t->frame.rbp | t->unusual, &slot, mask, any);
	if (unlikely(!receiver))
		return NULL;
	if (any && (info & DATA_BITS) && !receiver->message_low)
		return NULL;
	/* before its Reply is made: that may be in the slot where the caller has received last, if the two have one CNode */
	t->principal_sent = principal_to_send(t);
	receive(ep, receiver, slot, t);
	t->call_info = info;
	t->state = THREAD_REPLY;
	if (any && (info & DATA_BITS))
		message_data_copy_fast(receiver, t, INFO_BYTES_OF(info));
	return switch_to(core, t, receiver, badge, info, t->principal_sent, mask, any);
}

/* Nothing is answered (abi/kernel.h, INFO_WINDOWS); the general path would copy what it can once more. */
static __attribute__((noinline)) struct thread *not_copied(struct core *core, struct thread *t)
{
	stay(core, t);
	t->frame.rax = (u64)(s64)K_PARTIAL;
	node_unlock();
	return t;
}

/* r15 reply slot, rsi info of the reply, rdi Endpoint */
static INLINE struct thread *reply_recv(struct core *core, struct thread *t, u64 target, u64 info, bool any)
{
	struct cte *slot = reply_slot(t, t->frame.r15), *place = NULL;
	struct endpoint *ep = quiet_endpoint(t, target);
	struct thread *caller;
	u64 mask = core->mask;
	struct mint mint;

	if (unlikely(!ep))
		return NULL;
	if (any && !info_ok(t, info, DATA_BITS | CAPS_BITS | WINDOW_BITS))
		return NULL;
	caller = plain_caller(slot);
	if (unlikely(!caller || (t->frame.rbp | t->unusual | caller->unusual) || !may_switch(core, caller, mask, any)))
		return NULL;
	if (any && (info & (DATA_BITS | CAPS_BITS)) && !caller->message_low)
		return NULL;
	/* a new Handle that finds no place is closed, and that may be told to the very Endpoint that is to be quiet; one of several may have no place once others have come */
	if (any && (info & CAPS_BITS) && (INFO_CAPS_OF(info) > 1 || !(place = message_cap_place(caller)) || message_caps_check(t, 1, &mint)))
		return NULL;
	/* the last check: it writes nothing but the caller's memory */
	if (any && (info & WINDOW_BITS)) {
		if (!answer_copy(t, caller))
			return not_copied(core, t);
		info &= ~WINDOW_BITS;
	}
	release(caller, slot);
	caller->reply = NULL;
	caller->state = THREAD_READY;
	if (any && (info & DATA_BITS))
		message_data_copy_fast(caller, t, INFO_BYTES_OF(info));
	if (any && (info & CAPS_BITS))
		info = (info & ~CAPS_BITS) | INFO_CAPS(message_cap_move(place, t, 0, &mint));
	wait_again(t, ep);
	return switch_to(core, t, caller, caller->frame.rdi, info, caller->frame.r15, mask, any);
}

/* r15 reply slot, rsi info of the new message, rdi Endpoint or Handle, rbp Endpoint to receive from */
static INLINE struct thread *forward_recv(struct core *core, struct thread *t, u64 target, u64 info, bool any)
{
	struct cte *slot = reply_slot(t, t->frame.r15), *reply;
	struct endpoint *own = quiet_endpoint(t, t->frame.rbp), *ep;
	struct thread *caller, *receiver;
	const struct cte *cap;
	u64 badge, mask;

	if (unlikely(!own))
		return NULL;
	if (any && !info_ok(t, info, WINDOW_BITS | DATA_BITS))
		return NULL;
	info |= INFO_FORWARDED;
	caller = plain_caller(slot);
	if (unlikely(!caller))
		return NULL;
	cap = forward_target(t, target);
	if (unlikely(!cap))
		return NULL;
	ep = target_of(cap, &badge);
	if (unlikely(!ep))
		return NULL;
	mask = core->mask;
	receiver = receiver_of(core, ep, caller, t->unusual | caller->unusual, &reply, mask, any);
	if (unlikely(!receiver))
		return NULL;
	if (any && (info & DATA_BITS) && !receiver->message_low)
		return NULL;
	/* what the caller allowed is all that counts in its info from here on (thread.h) */
	if (any && (info & WINDOW_BITS)) {
		caller->call_info &= WINDOW_BITS | INFO_INTERRUPTIBLE;
		info = (info & ~WINDOW_BITS) | (caller->call_info & WINDOW_BITS);
	} else {
		caller->call_info &= INFO_INTERRUPTIBLE;
	}
	release(caller, slot);
	receive(ep, receiver, reply, caller);
	if (any && (info & DATA_BITS))
		message_data_copy_fast(receiver, t, INFO_BYTES_OF(info));
	wait_again(t, own);
	return switch_to(core, t, receiver, badge, info, caller->principal_sent, mask, any);
}

static INLINE struct thread *fast_call(struct core *core, struct thread *t, u64 target, u64 info, u64 number, bool any)
{
	if (likely(number == KCALL_call))
		return call(core, t, target, info, any);
	if (likely(number == KCALL_reply_recv))
		return reply_recv(core, t, target, info, any);
	return number == KCALL_forward_recv ? forward_recv(core, t, target, info, any) : NULL;
}

/* Few bytes of a read or write that may wait: words alone, too. */
static INLINE bool is_interruptible_call(const struct core *core, const struct thread *t, u64 info, u64 number)
{
	return core->best < 0 && number == KCALL_call && (info ^ INFO_INTERRUPTIBLE) < LABEL_KERNEL && t->context && !t->context->interrupt_flag;
}

/* None of the three, or not by the fast path. */
static __attribute__((noinline)) struct thread *other_call(struct core *core, struct thread *t, u64 number)
{
	struct thread *next = NULL;

	switch (number) {
	case KCALL_copy: next = fast_copy(core, t); break;
	case KCALL_reply: next = fast_reply(core, t); break;
	case KCALL_recv: next = fast_recv(core, t); break;
	case KCALL_reply_recv: next = fast_fault_answer(core, t); break;
	case KCALL_signal: next = fast_signal(core, t); break;
	case KCALL_wait: next = fast_wait(core, t); break;
	}
	if (unlikely(!next))
		return kernel_call(t, number);
	node_unlock();
	return next;
}

/* In a function of its own, so that what it calls costs kernel_syscall no register. */
static __attribute__((noinline)) struct thread *kernel_syscall_any(u64 target, u64 info, u64 number, struct thread *t)
{
	struct core *core = this_core();
	struct thread *next = NULL;

	if (likely(nothing_to_give(core)))
		next = fast_call(core, t, target, info, number, true);
	return likely(next) ? next : other_call(core, t, number);
}

struct thread *kernel_syscall(u64 target, u64 info, u64 number, struct thread *t)
{
	struct core *core = this_core();
	struct thread *next;

	if (unlikely(!node_lock(t)))
		return kernel_call_lost();
	core->kernel_entries++;
	if (unlikely(core->hindered))
		return kernel_call(t, number);
	if (unlikely(info >= LABEL_KERNEL || core->best >= 0) && !is_interruptible_call(core, t, info, number))
		return kernel_syscall_any(target, info, number, t);
	next = fast_call(core, t, target, info, number, false);
	return likely(next) ? next : other_call(core, t, number);
}
