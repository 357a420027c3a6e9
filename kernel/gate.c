/* Entering the runtime, as abi/gate.h says: exceptions, interrupts. Foreign system calls go there straight from assembly. */
#include "kernel/calls.h"
#include "kernel/park.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"

static bool in_gate(const struct thread *t)
{
	return (s64)t->frame.rip < 0;
}

void gate_enter(struct thread *t, u64 entry)
{
	t->frame.rip = entry;
	t->frame.rcx = t->context_address;
	t->frame.rflags &= ~0x40500ull; /* no single step, direction or alignment check in the gate */
	t->frame.vector = 0;            /* left by iretq: rcx and r11 are not those of a system call */
}

void gate_exception(struct thread *t)
{
	if (!t->context)
		panic("thread %lx without a gate: exception %lu, error %lx, rip %lx, address %lx", t->principal, t->frame.vector,
		      t->frame.error, t->frame.rip, t->frame.address);
	TRACE(TRACE_FAULT, t->principal, t->frame.vector, t->frame.rip);
	if (in_gate(t)) {
		t->context->gate = t->frame;
		gate_enter(t, GATE_FAULT);
	} else {
		t->context->program = t->frame;
		gate_enter(t, GATE_EXCEPTION);
	}
}

/* What iretq may load into a user's flags: the arithmetic flags, trap, direction, nested, alignment, id. */
#define USER_FLAGS 0x244dd5ull
#define FLAGS_SET  0x202ull

/*
 * The way out of the gate with a full frame. A user-mode iretq would do on real processors, but QEMU 7.2 makes its stack accesses
 * with the rights of ring 0, which SMAP forbids; and here the interrupt flag is looked at in the same step.
 */
int call_gate_return(struct thread *t)
{
	bool program = t->frame.rdi == GATE_RETURN_PROGRAM;
	struct gate_frame *from;

	if (!t->context || t->frame.rdi > GATE_RETURN_GATE)
		return K_INVALID_ARG;
	from = program ? &t->context->program : &t->context->gate;
	if (program ? from->rip >= 0x800000000000ull : from->rip < 0xffff800000000000ull)
		return K_INVALID_ARG;
	if (program && t->context->interrupt_flag)
		return K_INTERRUPTED;
	t->frame = *from;
	/* the page is the process's: another of its threads may have changed it after the check */
	if ((s64)t->frame.rip >= 0 && t->frame.rip >= 0x800000000000ull)
		t->frame.rip = 0;
	t->frame.cs = ARCH_USER_CS;
	t->frame.ss = ARCH_USER_SS;
	t->frame.rflags = (t->frame.rflags & USER_FLAGS) | FLAGS_SET;
	t->frame.vector = 0; /* left by iretq */
	return CALL_DONE;
}

static void interrupt_program(struct thread *t)
{
	if (t->fault) { /* its page fault is with the fault handler: when that is answered */
		t->flags |= THREAD_FLAG_INTERRUPT;
		return;
	}
	t->context->interrupt_flag = 0;
	t->context->program = t->frame;
	gate_enter(t, GATE_INTERRUPT);
}

static void interrupt_blocked(struct thread *t)
{
	switch (t->state) {
	case THREAD_SENDING:
		t->flags &= ~(THREAD_FLAG_PARKED | THREAD_FLAG_FORWARDED);
		thread_wake(t, K_INTERRUPTED);
		break;
	case THREAD_WAITING:
	case THREAD_RECEIVING:
		thread_wake(t, K_INTERRUPTED);
		break;
	case THREAD_REPLY:
		reply_cancel(t, 0);
		break;
	default:
		break;
	}
}

void thread_interrupt(struct thread *t)
{
	if (!t->context || t->state == THREAD_INACTIVE)
		return;
	if (thread_runs(t) && t->core != this_core()) { /* where it is, is known when its core enters the kernel: schedule() sees to it */
		t->interrupt_late = 1;
		schedule_notice(t->core);
		return;
	}
	if (!in_gate(t)) {
		interrupt_program(t);
		return;
	}
	t->context->interrupt_flag = 1;
	if (t->state == THREAD_READY && t->frame.rip >= GATE_EXIT && t->frame.rip < GATE_EXIT_END)
		gate_enter(t, GATE_EXIT);
	else if (t->fault)
		t->flags |= THREAD_FLAG_INTERRUPT; /* where it goes on may be behind the look at the flag: seen to when it is answered */
	else if (thread_interruptible(t))
		interrupt_blocked(t);
}

void thread_timed_out(struct thread *t)
{
	if (t->state == THREAD_REPLY) { /* received already: its holder is told, and answers */
		thread_clear_deadline(t);
		reply_cancel(t, 1);
		return;
	}
	t->flags &= ~(THREAD_FLAG_PARKED | THREAD_FLAG_FORWARDED);
	thread_wake(t, K_TIMEOUT);
}
