/*
 * Into the kernel and out of it. Every entry from ring 3 leaves the user's registers in the current thread's frame and runs C on the
 * core's kernel stack, which is empty; every way out resumes the thread that C returned from its frame.
 *
 * Exceptions and interrupts: TSS.rsp0 is the end of the frame's `ss`, so the CPU itself pushes ss, rsp, rflags, cs, rip into it.
 * GS: the kernel's base (struct core) is swapped in on entry from ring 3. NMI, #DB, #DF and #MC can come in the few instructions where ring 0
 * still has the user's GS or stack; they have stacks of their own (IST), above which the core's address lies.
 */
#include "offsets.h"

	.macro FUNCTION name
	.globl \name
	.type \name, @function
\name:
	.endm

	.macro PUSH_REGISTERS
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	.endm

	.section .text.entry, "ax"

/*
 * The syscall instruction: rcx = return address, r11 = flags, IF DF TF AC NT clear. A return address in the lower half is a
 * foreign call: the runtime gets it, and nothing is saved. sysret takes only the low half of r11 for the flags, so
 * the high half carries the context page's address (bits 16 to 47; see abi/gate.h).
 */
	.balign 64
FUNCTION entry_syscall
	swapgs
	mov %rsp, %gs:CORE_SCRATCH
	mov %gs:CORE_CURRENT, %rsp
	test %rcx, %rcx
	js entry_kernel_call
	or THREAD_CONTEXT_TAG(%rsp), %r11
	mov THREAD_CONTEXT(%rsp), %rsp
	test %rsp, %rsp
	jz foreign_without_gate
	mov %rcx, CONTEXT_RETURN_RIP(%rsp)
	mov $GATE_SYSCALL, %rcx
	mov %gs:CORE_SCRATCH, %rsp
	swapgs
	sysretq

	/* No context page: an exception with vector 256. */
foreign_without_gate:
	mov %gs:CORE_CURRENT, %rsp
	add $FRAME_address, %rsp
	push $USER_SS
	push %gs:CORE_SCRATCH
	push %r11
	push $USER_CS
	push %rcx
	push $0
	push $VECTOR_SYSCALL
	PUSH_REGISTERS
	jmp trap_from_user

	/* cs and ss are always a user's: in the frame since its thread was started */
	.balign 16
entry_kernel_call:
	movq $VECTOR_SYSCALL, FRAME_vector(%rsp)
	mov %rcx, FRAME_rip(%rsp)
	mov %r11, FRAME_rflags(%rsp)
	mov %gs:CORE_SCRATCH, %rcx
	mov %rcx, FRAME_rsp(%rsp)
	mov %rbx, FRAME_rbx(%rsp)
	mov %rdx, FRAME_rdx(%rsp)
	mov %rsi, FRAME_rsi(%rsp)
	mov %rdi, FRAME_rdi(%rsp)
	mov %rbp, FRAME_rbp(%rsp)
	mov %r8, FRAME_r8(%rsp)
	mov %r9, FRAME_r9(%rsp)
	mov %r10, FRAME_r10(%rsp)
	mov %r12, FRAME_r12(%rsp)
	mov %r13, FRAME_r13(%rsp)
	mov %r14, FRAME_r14(%rsp)
	mov %r15, FRAME_r15(%rsp)
	mov %rax, %rdx
	mov %rsp, %rcx
	mov %gs:CORE_STACK_TOP, %rsp
	xor %ebp, %ebp
	call kernel_syscall

/*
 * rax = the thread to run. sysret only into the gate's half of the address space: an address there is canonical, and sysret to one
 * that is not would fault in ring 0 with the user's stack on Intel's CPUs. It gives rcx and r11 as a system call does.
 */
resume:
	cmpl $VECTOR_SYSCALL, FRAME_vector(%rax)
	jne resume_full
	cmpl $GATE_HIGH, FRAME_rip + 4(%rax)
	jb resume_full
	mov FRAME_rip(%rax), %rcx
	mov FRAME_rflags(%rax), %r11
	mov FRAME_rsp(%rax), %rsp
	mov FRAME_rbx(%rax), %rbx
	mov FRAME_rdx(%rax), %rdx
	mov FRAME_rsi(%rax), %rsi
	mov FRAME_rdi(%rax), %rdi
	mov FRAME_rbp(%rax), %rbp
	mov FRAME_r8(%rax), %r8
	mov FRAME_r9(%rax), %r9
	mov FRAME_r10(%rax), %r10
	mov FRAME_r12(%rax), %r12
	mov FRAME_r13(%rax), %r13
	mov FRAME_r14(%rax), %r14
	mov FRAME_r15(%rax), %r15
	mov FRAME_rax(%rax), %rax
	swapgs
	sysretq

resume_full:
	testb $3, FRAME_cs(%rax)
	jz arch_idle_loop
	mov %rax, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	add $16, %rsp
	swapgs
resume_iret:
	iretq

/*
 * arch_resume_message(rdi badge, rsi info, rdx next, rcx from, r8 last): from `from` to `next`, which was blocked by a kernel call and goes on in the
 * upper half, as above. The user's GS bases are exchanged here, where it takes no second swapgs.
 */
	.balign 16
FUNCTION arch_resume_message
	mov %rdx, %rsp
	mov %r8, %r15
	mov FRAME_rdx(%rcx), %rdx
	mov FRAME_r8(%rcx), %r8
	mov FRAME_r9(%rcx), %r9
	mov FRAME_r10(%rcx), %r10
	mov FRAME_rbx(%rcx), %rbx
	mov FRAME_r12(%rcx), %r12
	mov FRAME_r13(%rcx), %r13
	mov FRAME_r14(%rcx), %r14
	swapgs
	rdgsbase %rax
	mov %rax, THREAD_GS_BASE(%rcx)
	mov THREAD_GS_BASE(%rsp), %rax
	wrgsbase %rax
	/* only now may another core have `from` */
	movb $0, node_lock_state	/* held; who comes next stays */
	mov FRAME_rbp(%rsp), %rbp
	mov FRAME_rip(%rsp), %rcx
	mov FRAME_rflags(%rsp), %r11
	mov FRAME_rsp(%rsp), %rsp
	xor %eax, %eax
	sysretq

FUNCTION arch_resume
	mov %rdi, %rax
	jmp resume

	/* An interrupt does not return here: it resumes a thread, which is this one again if nothing else is ready. */
FUNCTION arch_idle_loop
	mov %gs:CORE_STACK_TOP, %rsp
	xor %ebp, %ebp
	call core_idle

/* One stub a vector, 16 bytes each; those in `with_error` find an error code pushed by the CPU. */
	.balign 16
FUNCTION entry_stubs
	.set vector, 0
	.rept 256
	.balign 16
	.if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && vector != 14 && vector != 17 && vector != 21 && vector != 29 && vector != 30
	push $0
	.endif
	pushq $vector
	jmp entry_common
	.set vector, vector + 1
	.endr

	.balign 16
entry_common:
	testb $3, 24(%rsp)
	jz entry_from_kernel
	swapgs
entry_registers:
	PUSH_REGISTERS
	.globl entry_clac_site
entry_clac_site:
	.byte 0x0f, 0x1f, 0x00		/* clac, if the CPU has SMAP: a user may have set AC */
	cld
trap_from_user:
	mov %rsp, %rdi
call_trap:
	mov %gs:CORE_STACK_TOP, %rsp
	xor %ebp, %ebp
	call arch_trap
	jmp resume

/* On the kernel stack: an interrupt of the idle loop, a user's bad return address found by iret, or a bug. */
entry_from_kernel:
	cmpl $32, (%rsp)
	jb 1f
	mov (%rsp), %esi
	mov %gs:CORE_CURRENT, %rdi
	mov %gs:CORE_STACK_TOP, %rsp
	xor %ebp, %ebp
	call arch_interrupt
	jmp resume
1:	cmpq $resume_iret, 16(%rsp)
	je iret_failed
	PUSH_REGISTERS
	mov %rsp, %rdi
	call arch_kernel_trap
	ud2

/*
 * iretq could not return (the address is not canonical): the user's registers are all loaded but the CPU pushed into the lower part of
 * the thread's frame. Save them again, as if the exception had come from the user's next instruction.
 */
iret_failed:
	swapgs
	mov %gs:CORE_CURRENT, %rsp
	add $FRAME_rip, %rsp
	push $0
	push $13
	jmp entry_registers

/* IST entries. The core's address lies above the stack, where the CPU's frame ends. */
	.macro IST_ENTRY name, vector, has_error=0
FUNCTION \name
	.if !\has_error
	push $0
	.endif
	push $\vector
	jmp ist_common
	.endm

	IST_ENTRY entry_debug, 1
	IST_ENTRY entry_nmi, 2
	IST_ENTRY entry_double_fault, 8, 1
	IST_ENTRY entry_machine_check, 18

ist_common:
	PUSH_REGISTERS
	cld
	cmpl $1, FRAME_vector(%rsp)
	jne ist_fatal
	testb $3, FRAME_cs(%rsp)
	jz ist_fatal
	/* #DB of a program: the frame goes where other exceptions have it */
	swapgs
	mov %gs:CORE_CURRENT, %rdi
	mov %rsp, %rsi
	mov $FRAME_address / 8, %ecx
	rep movsq
	mov %gs:CORE_CURRENT, %rsp
	jmp entry_clac_site

ist_fatal:
	mov FRAME_address(%rsp), %rdx
	mov %edx, %eax
	shr $32, %rdx
	mov $0xc0000101, %ecx		/* GS base */
	wrmsr
	mov %rsp, %rdi
	xor %ebp, %ebp
	call arch_kernel_trap
	ud2
