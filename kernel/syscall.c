/* Kernel entries: dispatch of calls, exceptions, the timer. */
#include "kernel/calls.h"
#include "kernel/fastpath.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"
#include "kernel/vspace.h"

#define SYSCALL_INSTRUCTION_BYTES 2

typedef int (*call_handler)(struct thread *);

static const call_handler handlers[KCALL_COUNT] = {
#define X(name, number) [number] = call_##name,
	KERNEL_CALLS(X)
#undef X
};

struct thread *kernel_syscall(struct thread *t)
{
	u64 number = t->frame.rax;
	struct thread *next;
	int result;

	this_core()->kernel_entries++;
	if (likely(number == KCALL_call)) {
		next = fastpath_call(t);
		if (likely(next))
			return next;
	} else if (likely(number == KCALL_reply_recv)) {
		next = fastpath_reply_recv(t);
		if (likely(next))
			return next;
	} else if (number == KCALL_forward_recv) {
		next = fastpath_forward_recv(t);
		if (likely(next))
			return next;
	}
	TRACE(TRACE_SYSCALL, t->principal, number, t->frame.rdi);
	if (unlikely(number >= KCALL_COUNT || !handlers[number]))
		result = K_BAD_CALL;
	else
		result = handlers[number](t);
	if (result <= 0)
		t->frame.rax = (u64)(s64)result;
	else if (result == CALL_RESTART)
		t->frame.rip -= SYSCALL_INSTRUCTION_BYTES;
	return schedule_if_needed(t);
}

#define VECTOR_PAGE_FAULT 14

static void page_fault(struct thread *t)
{
	u64 entry = 0, count = 0;
	u64 *pte = t->space ? vspace_entry_of(t->space, t->frame.address) : NULL;

	if (pte)
		vspace_describe(*pte, &entry, &count);
	TRACE(TRACE_FAULT, t->principal, t->frame.address, t->frame.rip);
	fault_send(t, t->frame.address, t->frame.error, entry, count);
}

struct thread *kernel_exception(struct thread *t)
{
	this_core()->kernel_entries++;
	if (t == root_thread)
		panic("root server: exception %lu, error %lx, rip %lx, address %lx", t->frame.vector, t->frame.error, t->frame.rip,
		      t->frame.address);
	if (t->frame.vector == VECTOR_PAGE_FAULT && !cap_empty(&t->fault_endpoint))
		page_fault(t);
	else
		gate_exception(t);
	return schedule_if_needed(t);
}

struct thread *kernel_timer(struct thread *t)
{
	this_core()->kernel_entries++;
	schedule_expire(arch_clock_ns());
	return schedule_if_needed(t);
}
