/* Exceptions and interrupts, from entry.S to the portable kernel. */
#include "kernel/arch/vector.h"
#include "kernel/arch/x86.h"
#include "kernel/lock.h"
#include "kernel/schedule.h"

#define FAULT_PRESENT 1
#define FAULT_USER 4

static const char *const exception_names[32] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode", "no vector unit", "double fault", NULL,
	"invalid TSS", "segment not present", "stack fault", "general protection", "page fault", NULL, "x87", "alignment check",
	"machine check", "SIMD", [21] = "control protection",
};

static struct thread *exception(struct thread *thread, unsigned vector)
{
	if (vector == EXCEPTION_NM && vector_trap(this_core(), thread))
		return schedule_if_needed(thread);
	if (vector == EXCEPTION_PF && (thread->frame.error & (FAULT_PRESENT | FAULT_USER)) == FAULT_PRESENT && emulate_iret(thread))
		return schedule_if_needed(thread);
	if (vector == EXCEPTION_UD && emulate_fsgsbase(thread))
		return schedule_if_needed(thread);
	return kernel_exception(thread);
}

struct thread *arch_trap(struct thread *thread)
{
	unsigned vector = thread->frame.vector;
	struct thread *next;

	ASSERT(!(flags_read() & RFLAGS_AC)); /* SMAP holds, whatever the program's flags */
	if (vector == EXCEPTION_PF)
		thread->frame.address = cr2_read();
	if (vector >= 32 && vector != VECTOR_INT80 && vector != VECTOR_SYSCALL)
		return arch_interrupt(thread, vector);
	next = node_lock(thread) ? exception(thread, vector) : schedule();
	node_unlock();
	return next;
}

noreturn void arch_kernel_trap(struct gate_frame *frame)
{
	const char *name = frame->vector < 32 ? exception_names[frame->vector] : NULL;

	if (frame->vector == EXCEPTION_NMI)
		core_stop_if_told();
	klog(LOG_ERROR, "registers of what was interrupted:");
	klog(LOG_ERROR, "rax %016lx rbx %016lx rcx %016lx rdx %016lx", frame->rax, frame->rbx, frame->rcx, frame->rdx);
	klog(LOG_ERROR, "rsi %016lx rdi %016lx rbp %016lx rsp %016lx", frame->rsi, frame->rdi, frame->rbp, frame->rsp);
	klog(LOG_ERROR, "r8  %016lx r9  %016lx r10 %016lx r11 %016lx", frame->r8, frame->r9, frame->r10, frame->r11);
	klog(LOG_ERROR, "r12 %016lx r13 %016lx r14 %016lx r15 %016lx", frame->r12, frame->r13, frame->r14, frame->r15);
	panic_at(frame->rip, frame->rbp, "%s: %s (vector %lu, error %lx), rip %lx, cr2 %lx, cr3 %lx",
		 frame->cs & 3 ? "during a program" : "in the kernel", name ? name : "exception", frame->vector, frame->error,
		 frame->rip, cr2_read(), cr3_read());
}
