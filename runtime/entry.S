/*
 * The gate: the entries at the offsets that abi/gate.h fixes, the way out, kernel calls, and copies that may fault.
 *
 * A Linux call: the kernel comes with the context page's address in r11's upper part, all else as the program had it. The argument registers go into the thread
 * record, where the handler reads them and the way out takes them back; the callee-saved registers go into context.program for
 * signal frames only: C keeps them. The stack is the thread area's end.
 */
#include "abi/ipc_registers.h"
#include "offsets.h"

	.macro FUNCTION name
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.endm

	/* The access at `from` may fault; then execution goes on at `to`. */
	.macro MAY_FAULT from, to
	.pushsection .fault_table, "a"
	.quad \from, \to
	.popsection
	.endm

	.macro CONTEXT_OF_STACK /* the stack is empty: rsp is the area's end */
	lea -AREA_SIZE(%rsp), %rcx
	.endm

	.section .gate, "ax"
	.org 0x000
FUNCTION gate_syscall
	mov %r11, %rcx			/* context page's bits 16..47 in the high half */
	sar $32, %rcx
	shl $16, %rcx
	mov %r11d, %r11d
	mov %rdi, RECORD_A0(%rcx)
	mov %rsi, RECORD_A1(%rcx)
	mov %rdx, RECORD_A2(%rcx)
	mov %r10, RECORD_A3(%rcx)
	mov %r8, RECORD_A4(%rcx)
	mov %r9, RECORD_A5(%rcx)
	movl $0, RECORD_EXIT_FULL(%rcx)
	mov %rax, RECORD_NUMBER(%rcx)
	mov %rsp, PROGRAM_rsp(%rcx)
	mov %r11, PROGRAM_rflags(%rcx)
	mov %rbx, PROGRAM_rbx(%rcx)
	mov %rbp, PROGRAM_rbp(%rcx)
	mov %r12, PROGRAM_r12(%rcx)
	mov %r13, PROGRAM_r13(%rcx)
	mov %r14, PROGRAM_r14(%rcx)
	mov %r15, PROGRAM_r15(%rcx)
	jmp gate_dispatch

	.org 0x100
FUNCTION gate_exception
	lea exception_entry(%rip), %rax
	jmp gate_full_entry

	.org 0x200
FUNCTION gate_fault
	jmp gate_fault_save

	.org 0x300
FUNCTION gate_interrupt
	lea interrupt_entry(%rip), %rax
	jmp gate_full_entry

	.org 0x400
FUNCTION gate_start
	lea process_start(%rip), %rax
	mov %rdi, %rcx
	jmp gate_full_entry

	/* The way out; restartable with rcx alone. It reads the context page and nothing else. */
	.org 0x500
FUNCTION gate_exit
	lea AREA_SIZE(%rcx), %rsp
	cmpq $0, INTERRUPT_FLAG(%rcx)
	jne gate_interrupted
	cmpl $0, RECORD_EXIT_FULL(%rcx)
	jne 1f
	mov RECORD_A0(%rcx), %rdi
	mov RECORD_A1(%rcx), %rsi
	mov RECORD_A2(%rcx), %rdx
	mov RECORD_A3(%rcx), %r10
	mov RECORD_A4(%rcx), %r8
	mov RECORD_A5(%rcx), %r9
	mov PROGRAM_rax(%rcx), %rax
	push PROGRAM_rflags(%rcx)
	popfq
	mov PROGRAM_rflags(%rcx), %r11
	mov PROGRAM_rsp(%rcx), %rsp
	mov RETURN_RIP(%rcx), %rcx
	jmp *%rcx
	/* All registers: the kernel loads them, or says that the program was interrupted after all. rsp is the area's end. */
1:	mov $GATE_RETURN_PROGRAM, %edi
	mov $KCALL_gate_return, %eax
	syscall
	lea -AREA_SIZE(%rsp), %rcx
	cmp $K_INTERRUPTED, %rax
	je gate_exit
	jmp gate_bad_return

	.org 0x800
	.globl native_api
	.hidden native_api
native_api:
	.quad 2, kcall_ipc, kcall_object, native_message, clock_monotonic, clock_realtime

	.org 0x880
native_enter:
	syscall
	ret

	.text
gate_dispatch:
	cld
	lea AREA_SIZE(%rcx), %rsp
	lea RECORD(%rcx), %rdi
	mov %rdi, %rsi
	mov %eax, %eax
	cmp $CALL_MAX, %rax
	jae dispatch_slow
	cmpl $0, RECORD_SLOW(%rcx)
	jne dispatch_slow
	lea linux_calls + CALL_HANDLER(%rip), %rcx
	lea (%rax,%rax,4), %rax
	mov (%rcx,%rax,8), %rax
	test %rax, %rax
	jz dispatch_slow
	call *%rax
dispatch_done:
	CONTEXT_OF_STACK
	mov %rax, PROGRAM_rax(%rcx)
	/* -ERESTART_RESTARTBLOCK .. -ERESTARTSYS: the way out decides, whether or not a signal is still there */
	lea 516(%rax), %rdx
	cmp $4, %rdx
	ja gate_exit
gate_interrupted:
	lea AREA_SIZE(%rcx), %rsp
	cld
	lea RECORD(%rcx), %rdi
	call exit_work
	CONTEXT_OF_STACK
	jmp gate_exit

/* The way out could not load the registers (a signal frame with a bad address): rcx is the context page again. */
FUNCTION gate_bad_return
	cld
	lea AREA_SIZE(%rcx), %rsp
	lea RECORD(%rcx), %rdi
	call bad_return
	CONTEXT_OF_STACK
	jmp gate_exit

dispatch_slow:
	call linux_dispatch_slow
	jmp dispatch_done

/* rcx context, rax what to call; the whole frame is in context.program, or will be. */
gate_full_entry:
	cld
	lea AREA_SIZE(%rcx), %rsp
	movl $1, RECORD_EXIT_FULL(%rcx)
	movq $-1, RECORD_NUMBER(%rcx)
	lea RECORD(%rcx), %rdi
	call *%rax
	CONTEXT_OF_STACK
	jmp gate_exit

/* A new thread that shares memory: rsp is its area's end, rdi what clone passed on. */
FUNCTION thread_entry
	CONTEXT_OF_STACK
	mov %rdi, %rsi
	lea RECORD(%rcx), %rdi
	movl $1, RECORD_EXIT_FULL(%rcx)
	movq $-1, RECORD_NUMBER(%rcx)
	call thread_begin
	CONTEXT_OF_STACK
	jmp gate_exit

/* A fault of the runtime itself. rsp is still what it was: the runtime's stack, or in the way out perhaps the program's. */
gate_fault_save:
	cld
	mov %rsp, %rax
	sub %rcx, %rax
	cmp $AREA_SIZE, %rax
	jbe 1f
	lea AREA_SIZE(%rcx), %rsp
1:	and $-16, %rsp
	mov %rcx, %rbx
	lea RECORD(%rcx), %rdi
	call gate_fault_entry
	mov $GATE_RETURN_GATE, %edi
	mov $KCALL_gate_return, %eax
	syscall
	ud2

/* long kcall_ipc(unsigned long number, struct ipc *) */
FUNCTION kcall_ipc
	IPC_SAVE_CALLEE
	push %rsi
	mov %rdi, %rax
	mov %rsi, %rcx
	IPC_LOAD %rcx
	syscall
	pop %rcx
	IPC_STORE %rcx
	IPC_RESTORE_CALLEE
	ret

/* long kcall_object(unsigned long number, unsigned long a[8]): values come back in a[0], a[1] and, of cap_identify, a[2] */
FUNCTION kcall_object
	push %rbx
	push %r12
	push %rsi
	mov %rdi, %rax
	mov %rsi, %rcx
	IPC_LOAD_8 %rcx
	syscall
	pop %rcx
	mov %rdx, (%rcx)
	mov %r8, 8(%rcx)
	mov %r9, 16(%rcx)
	pop %r12
	pop %rbx
	ret

/* size_t uaccess_copy(void *to, const void *from, size_t n): bytes not copied */
FUNCTION uaccess_copy
	mov %rdx, %rcx
	shr $3, %rcx
	and $7, %edx
1:	rep movsq
	mov %edx, %ecx
2:	rep movsb
	xor %eax, %eax
	ret
3:	lea (%rdx,%rcx,8), %rax
	ret
4:	mov %rcx, %rax
	ret
	MAY_FAULT 1b, 3b
	MAY_FAULT 2b, 4b

/* size_t uaccess_clear(void *to, size_t n): bytes not cleared */
FUNCTION uaccess_clear
	mov %rsi, %rcx
	mov %esi, %edx
	shr $3, %rcx
	and $7, %edx
	xor %eax, %eax
1:	rep stosq
	mov %edx, %ecx
2:	rep stosb
	ret
3:	lea (%rdx,%rcx,8), %rax
	ret
4:	mov %rcx, %rax
	ret
	MAY_FAULT 1b, 3b
	MAY_FAULT 2b, 4b

/*
 * long uaccess_strncpy(char *to, const char *from, size_t n): length, n if there is no NUL, -EFAULT. Eight bytes at a time where they are of one page
 * and there is room for them, so what lies behind the NUL up to n may be overwritten.
 */
FUNCTION uaccess_strncpy
	xor %eax, %eax
	mov $0x0101010101010101, %r8
	mov $0x8080808080808080, %r9
1:	lea 8(%rax), %rcx
	cmp %rdx, %rcx
	ja 3f
	lea (%rsi,%rax), %ecx
	and $0xfff, %ecx
	cmp $0xff8, %ecx
	ja 3f
2:	mov (%rsi,%rax), %rcx
	mov %rcx, (%rdi,%rax)
	mov %rcx, %r10
	sub %r8, %r10
	not %rcx
	and %r9, %rcx
	and %rcx, %r10			/* the lowest bit that is set is of the first NUL */
	jnz 5f
	add $8, %rax
	jmp 1b
3:	cmp %rdx, %rax
	je 6f
4:	movzbl (%rsi,%rax), %ecx
	mov %cl, (%rdi,%rax)
	test %cl, %cl
	jz 6f
	inc %rax
	jmp 1b
5:	bsf %r10, %r10
	shr $3, %r10
	add %r10, %rax
6:	ret
7:	mov $-14, %rax
	ret
	MAY_FAULT 2b, 7b
	MAY_FAULT 4b, 7b

/* long uaccess_touch_read(address), uaccess_touch_write(address): 0 or -EFAULT */
FUNCTION uaccess_touch_read
1:	mov (%rdi), %al
	xor %eax, %eax
	ret
2:	mov $-14, %rax
	ret
	MAY_FAULT 1b, 2b

FUNCTION uaccess_touch_write
	xor %eax, %eax
1:	lock orb $0, (%rdi)
	ret
2:	mov $-14, %rax
	ret
	MAY_FAULT 1b, 2b

/* long uaccess_load32(const u32 *from, u32 *value): one access */
FUNCTION uaccess_load32
1:	mov (%rdi), %eax
	mov %eax, (%rsi)
	xor %eax, %eax
	ret
2:	mov $-14, %rax
	ret
	MAY_FAULT 1b, 2b

/* long uaccess_cmpxchg32(u32 *at, u32 expected, u32 value, u32 *old) */
FUNCTION uaccess_cmpxchg32
	mov %rcx, %r8
	mov %esi, %eax
1:	lock cmpxchg %edx, (%rdi)
	mov %eax, (%r8)
	xor %eax, %eax
	ret
2:	mov $-14, %rax
	ret
	MAY_FAULT 1b, 2b

/* long uaccess_xsave(void *area, u64 mask), uaccess_xrstor(const void *area, u64 mask): 0 or -EFAULT; 64-byte aligned */
FUNCTION uaccess_xsave
	mov %rsi, %rax
	mov %rsi, %rdx
	shr $32, %rdx
1:	xsave64 (%rdi)
	xor %eax, %eax
	ret
2:	mov $-14, %rax
	ret
	MAY_FAULT 1b, 2b

FUNCTION uaccess_xrstor
	mov %rsi, %rax
	mov %rsi, %rdx
	shr $32, %rdx
1:	xrstor64 (%rdi)
	xor %eax, %eax
	ret
2:	mov $-14, %rax
	ret
	MAY_FAULT 1b, 2b

FUNCTION uaccess_fxsave
1:	fxsave64 (%rdi)
	xor %eax, %eax
	ret
2:	mov $-14, %rax
	ret
	MAY_FAULT 1b, 2b

FUNCTION uaccess_fxrstor
1:	fxrstor64 (%rdi)
	xor %eax, %eax
	ret
2:	mov $-14, %rax
	ret
	MAY_FAULT 1b, 2b
