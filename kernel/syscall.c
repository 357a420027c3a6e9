/* Kernel entries: dispatch of calls that take no fast path (fastpath.c), exceptions, the timer. */
#include "kernel/calls.h"
#include "kernel/fault.h"
#include "kernel/fastpath.h"
#include "kernel/lock.h"
#include "kernel/remote.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"

#define SYSCALL_INSTRUCTION_BYTES 2

typedef int (*call_handler)(struct thread *);

static const call_handler handlers[KCALL_COUNT] = {
#define X(name, number) [number] = call_##name,
	KERNEL_CALLS(X)
#undef X
};

static struct thread *leave(struct thread *next)
{
	ASSERT(!this_core()->needed && this_core()->current == next && !remote_flush_pending());
	node_unlock();
	return next;
}

struct thread *kernel_call(struct thread *t, u64 number)
{
	int result;

	this_core()->general_entries++;
	t->frame.rax = number; /* for one that is restarted */
	TRACE(TRACE_SYSCALL, t->principal, number, t->frame.rdi);
	if (unlikely(number >= KCALL_COUNT || !handlers[number]))
		result = K_BAD_CALL;
	else
		result = handlers[number](t);
	if (result <= 0)
		t->frame.rax = (u64)(s64)result;
	else if (result == CALL_RESTART)
		t->frame.rip -= SYSCALL_INSTRUCTION_BYTES;
	return leave(schedule_if_needed(t));
}

struct thread *kernel_call_lost(void)
{
	return leave(schedule());
}

#define VECTOR_PAGE_FAULT 14
#define FAULT_WRITE 2
#define FAULT_USER  4
#define FAULT_FETCH 16

/* Another core has let this access be since the CPU looked, or answered the same fault of another thread. */
static bool fault_is_past(const struct thread *t, const u64 *pte)
{
	u64 error = t->frame.error;
	unsigned rights = VSPACE_READ | (error & FAULT_WRITE ? VSPACE_WRITE : 0) | (error & FAULT_FETCH ? VSPACE_EXEC : 0);

	if (!pte || (error & ~(1ull | FAULT_WRITE | FAULT_USER | FAULT_FETCH)))
		return false;
	return (pte_rights(*pte) & rights) == rights;
}

static void general_exception(struct thread *t, bool fault, bool past)
{
	this_core()->general_entries++;
	if (fault)
		TRACE(TRACE_FAULT, t->principal, t->frame.address, t->frame.rip);
	if (past)
		arch_flush_page(t->frame.address);
	else if (fault)
		fault_send(t);
	else
		gate_exception(t);
}

struct thread *kernel_exception(struct thread *t)
{
	bool fault = t->frame.vector == VECTOR_PAGE_FAULT && !cap_empty(&t->fault_endpoint);
	u64 *pte = fault && t->space ? vspace_entry_of(t->space, t->frame.address) : NULL;
	bool past = core_count > 1 && fault && fault_is_past(t, pte);
	struct core *core = this_core();
	struct thread *next;

	core->kernel_entries++;
	if (t == root_thread)
		panic("root server: exception %lu, error %lx, rip %lx, address %lx", t->frame.vector, t->frame.error, t->frame.rip,
		      t->frame.address);
	next = fault && !past ? fast_fault(core, t, pte) : NULL;
	if (likely(next))
		return next;
	general_exception(t, fault, past);
	return schedule_if_needed(t);
}

struct thread *kernel_timer(struct thread *t)
{
	this_core()->kernel_entries++;
	this_core()->general_entries++;
	schedule_expire(arch_clock_ns());
	return schedule_if_needed(t);
}
