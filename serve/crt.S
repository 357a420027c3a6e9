/* Entry of a server: a static program, started by the runtime with a Linux stack. main's return value is the exit status. */
	.text
	.global _start
	.type _start, @function
_start:
	xor	%ebp, %ebp
	and	$-16, %rsp
	call	serve_start
	ud2
	.size _start, . - _start
