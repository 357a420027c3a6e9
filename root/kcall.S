/*
 * Root's entry and its IPC calls. An IPC call uses every general register but rsp, so a C compiler cannot express it.
 */
#include "abi/ipc_registers.h"

	.section .text.start, "ax"
	.globl root_entry
root_entry:
	/* rdi = ROOT_BOOT_INFO, rsp = ROOT_STACK_TOP */
	xorl	%ebp, %ebp
	andq	$-16, %rsp
	call	root_main
1:	ud2
	jmp	1b

	.text
	/* long kipc(u64 number, struct kmsg *msg) */
	.globl kipc
	.type kipc, @function
kipc:
	IPC_SAVE_CALLEE
	push	%rsi
	mov	%rdi, %rax
	mov	%rsi, %r11
	IPC_LOAD %r11
	syscall
	pop	%r11
	IPC_STORE %r11
	IPC_RESTORE_CALLEE
	ret
	.size kipc, . - kipc
