/*
 * Root's entry and its IPC calls. An IPC call uses every general register but rsp, so a C compiler cannot express it.
 */
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
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rsi
	movq	%rdi, %rax
	movq	%rsi, %r11
	movq	0(%r11), %rdi
	movq	8(%r11), %rsi
	movq	16(%r11), %rdx
	movq	24(%r11), %r8
	movq	32(%r11), %r9
	movq	40(%r11), %r10
	movq	48(%r11), %rbx
	movq	56(%r11), %r12
	movq	64(%r11), %r13
	movq	72(%r11), %r14
	movq	80(%r11), %r15
	movq	88(%r11), %rbp
	syscall
	popq	%r11
	movq	%rdi, 0(%r11)
	movq	%rsi, 8(%r11)
	movq	%rdx, 16(%r11)
	movq	%r8, 24(%r11)
	movq	%r9, 32(%r11)
	movq	%r10, 40(%r11)
	movq	%rbx, 48(%r11)
	movq	%r12, 56(%r11)
	movq	%r13, 64(%r11)
	movq	%r14, 72(%r11)
	movq	%r15, 80(%r11)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size kipc, . - kipc
