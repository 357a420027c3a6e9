#include "kernel/fault.h"
#include "kernel/park.h"
#include "kernel/schedule.h"

void fault_send(struct thread *t)
{
	fault_begin(t);
	t->fault = 1;
	t->handle = NULL;
	t->flags = 0;
	reply_charge(t);
	endpoint_send(t->fault_endpoint.object, t);
}

/* Its registers are no call's. */
void fault_undeliverable(struct thread *t)
{
	bool interrupted = t->flags & THREAD_FLAG_INTERRUPT;

	thread_unblock(t);
	t->fault = 0;
	t->flags &= ~THREAD_FLAG_INTERRUPT;
	thread_ready(t);
	gate_exception(t);
	if (interrupted)
		thread_interrupt(t);
}

/* An interrupt that came meanwhile takes effect now: in the program, or as the flag of the gate that it enters with the fault. */
void fault_answer(struct thread *t, u64 verdict)
{
	bool interrupted = t->flags & THREAD_FLAG_INTERRUPT;

	t->fault = 0;
	t->flags &= ~THREAD_FLAG_INTERRUPT;
	/* It goes on where it was, as after a call: at the end of its queue every page it touches would cost it a slice of each of its equals. */
	thread_hand_off(t);
	if (verdict != FAULT_RESUME) {
		t->frame.error |= (verdict & (FAULT_REASON_ACCESS | FAULT_REASON_BUS)) << 32;
		gate_exception(t);
	}
	if (interrupted)
		thread_interrupt(t);
}
