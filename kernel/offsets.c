/* Offsets and constants that assembly needs; the build turns the ->lines of the compiler's output into offsets.h. */
#include "kernel/arch/x86.h"
#include "kernel/thread.h"

#define CONSTANT(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"((long)(value)))
#define FRAME(field) CONSTANT(FRAME_##field, offsetof(struct thread, frame.field))

void offsets(void);

void offsets(void)
{
	FRAME(r15);
	FRAME(r14);
	FRAME(r13);
	FRAME(r12);
	FRAME(r11);
	FRAME(r10);
	FRAME(r9);
	FRAME(r8);
	FRAME(rbp);
	FRAME(rdi);
	FRAME(rsi);
	FRAME(rdx);
	FRAME(rcx);
	FRAME(rbx);
	FRAME(rax);
	FRAME(vector);
	FRAME(error);
	FRAME(rip);
	FRAME(cs);
	FRAME(rflags);
	FRAME(rsp);
	FRAME(ss);
	FRAME(address);
	CONSTANT(THREAD_GS_BASE, offsetof(struct thread, gs_base));
	CONSTANT(THREAD_CONTEXT, offsetof(struct thread, context));
	CONSTANT(THREAD_CONTEXT_TAG, offsetof(struct thread, context_tag));
	CONSTANT(CONTEXT_RETURN_RIP, offsetof(struct context_page, return_rip));
	CONSTANT(CORE_SCRATCH, offsetof(struct core, scratch));
	CONSTANT(CORE_CURRENT, offsetof(struct core, current));
	CONSTANT(CORE_STACK_TOP, offsetof(struct core, stack_top));
	CONSTANT(CORE_START_EFER, offsetof(struct core_start, efer));
	CONSTANT(CORE_START_CR0, offsetof(struct core_start, cr0));
	CONSTANT(CORE_START_CR3, offsetof(struct core_start, cr3));
	CONSTANT(CORE_START_CR4, offsetof(struct core_start, cr4));
	CONSTANT(CORE_START_STACK, offsetof(struct core_start, stack));
	CONSTANT(CORE_START_CORE, offsetof(struct core_start, core));
	CONSTANT(CORE_START_TURN, offsetof(struct core_start, turn));
	CONSTANT(VECTOR_SYSCALL, VECTOR_SYSCALL);
	CONSTANT(GATE_SYSCALL, GATE_SYSCALL);
	CONSTANT(GATE_HIGH, GATE_BASE >> 32);
	CONSTANT(USER_CS, ARCH_USER_CS);
	CONSTANT(USER_SS, ARCH_USER_SS);
}
