/* The IPC calls: decoding of the registers, then endpoint.c and reply.c act. */
#include "kernel/calls.h"
#include "kernel/park.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"

/* rdi Endpoint or Handle, rsi info, rbp deadline */
int call_call(struct thread *t)
{
	struct cte *cap = cspace_slot(t, t->frame.rdi);
	u64 info = t->frame.rsi, deadline = t->frame.rbp;
	int err = message_check(t, info, true);
	struct endpoint *ep;
	bool handle;

	if (unlikely(err))
		return err;
	ep = endpoint_of(cap, &err);
	if (unlikely(!ep))
		return err;
	if (unlikely(deadline && deadline <= arch_clock_ns() && (!ep->receiving || list_empty(&ep->queue))))
		return K_TIMEOUT;
	handle = cap_type(cap) == OBJECT_HANDLE;
	t->call_info = info;
	t->call_badge = handle ? ((struct handle *)cap->object)->badge : 0;
	t->handle = handle ? cap->object : NULL;
	t->flags &= ~THREAD_FLAGS_CALL;
	reply_charge(t);
	TRACE(TRACE_IPC, t->principal, info, t->call_badge);
	endpoint_send(ep, t);
	if (unlikely(deadline))
		thread_set_deadline(t, deadline);
	return CALL_DONE;
}

/* Where it wants to receive. What it calls the Endpoint is remembered. */
static struct endpoint *own_endpoint(struct thread *t, u64 cptr, int *err)
{
	struct cte *cap = lookup(t, cptr, OBJECT_ENDPOINT, RIGHT_RECV, err);

	if (!cap)
		return NULL;
	t->receives_cptr = cptr;
	t->receives_at = cap;
	return cap->object;
}

/* rdi Endpoint, r15 reply slot, rbp deadline */
int call_recv(struct thread *t)
{
	int err = K_OK;
	struct endpoint *ep = own_endpoint(t, t->frame.rdi, &err);

	return ep ? endpoint_receive(t, ep, t->frame.rbp) : err;
}

static int reply_slot(struct thread *t, struct cte **slot)
{
	*slot = cspace_system_slot(t, t->frame.r15 & ~(u64)CPTR_SYSTEM);
	return *slot ? K_OK : K_INVALID_ARG;
}

/* r15 reply slot, rsi info */
int call_reply(struct thread *t)
{
	struct cte *slot;
	int err = reply_slot(t, &slot);

	return err ? err : reply_send(t, slot);
}

/* A failed answer (the caller is gone) is no reason not to receive, unless there are capabilities in it, which are still the sender's. */
int call_reply_recv(struct thread *t)
{
	struct cte *slot;
	int err = reply_slot(t, &slot);
	struct endpoint *ep;

	if (err)
		return err;
	ep = own_endpoint(t, t->frame.rdi, &err);
	if (unlikely(!ep))
		return err;
	if (likely(!cap_empty(slot))) {
		err = reply_send(t, slot);
		if (err && (err != K_GONE || INFO_CAPS_OF(t->frame.rsi)))
			return err;
	}
	return endpoint_receive(t, ep, t->frame.rbp);
}

/* What a forward goes to: named by a cptr, or FORWARD_THROUGH a CNode. NULL: there is no such slot. */
static struct cte *forward_target(struct thread *t)
{
	u64 target = t->frame.rdi;
	int err;

	return target >> 32 ? lookup_slot(t, (u32)target, (target >> 32) - 1, &err) : cspace_slot(t, target);
}

/* r15 reply slot, rdi target, rsi info */
int call_forward(struct thread *t)
{
	struct cte *slot;
	int err = reply_slot(t, &slot);

	return err ? err : reply_forward(t, slot, forward_target(t));
}

/* The same, rbp Endpoint */
int call_forward_recv(struct thread *t)
{
	struct cte *slot;
	int err = reply_slot(t, &slot);
	struct endpoint *ep;

	if (err)
		return err;
	ep = own_endpoint(t, t->frame.rbp, &err);
	if (unlikely(!ep))
		return err;
	err = reply_forward(t, slot, forward_target(t));
	return err && err != K_GONE ? err : endpoint_receive(t, ep, 0);
}

int call_signal(struct thread *t)
{
	int err = K_OK;
	struct cte *cap = lookup(t, t->frame.rdi, OBJECT_NOTIFICATION, RIGHT_SEND, &err);

	if (!cap)
		return err;
	/* a copy without a badge signals bit 0 */
	notification_signal(cap->object, cap_value(cap) ? cap_value(cap) : 1);
	return K_OK;
}

int call_wait(struct thread *t)
{
	int err = K_OK;
	struct notification *n = lookup_object(t, t->frame.rdi, OBJECT_NOTIFICATION, RIGHT_RECV, &err);

	return n ? notification_wait(t, n) : err;
}

int call_yield(struct thread *t)
{
	schedule_yield(t);
	return K_OK;
}
