/*
 * Which register carries which word of an IPC call (abi/kernel.h), as assembler macros over the layout of struct ipc (abi/native.h):
 * target, info, m[0] to m[7], reply, deadline. For assembler sources only.
 */
#ifndef ABI_IPC_REGISTERS_H
#define ABI_IPC_REGISTERS_H

/* The registers that a C function must give back as it got them. */
.macro IPC_SAVE_CALLEE
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
.endm

.macro IPC_RESTORE_CALLEE
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
.endm

/* The first eight words, which are the arguments of calls that are no IPC too. */
.macro IPC_LOAD_8 from
	mov (\from), %rdi
	mov 8(\from), %rsi
	mov 16(\from), %rdx
	mov 24(\from), %r8
	mov 32(\from), %r9
	mov 40(\from), %r10
	mov 48(\from), %rbx
	mov 56(\from), %r12
.endm

.macro IPC_LOAD from
	IPC_LOAD_8 \from
	mov 64(\from), %r13
	mov 72(\from), %r14
	mov 80(\from), %r15
	mov 88(\from), %rbp
.endm

.macro IPC_STORE to
	mov %rdi, (\to)
	mov %rsi, 8(\to)
	mov %rdx, 16(\to)
	mov %r8, 24(\to)
	mov %r9, 32(\to)
	mov %r10, 40(\to)
	mov %rbx, 48(\to)
	mov %r12, 56(\to)
	mov %r13, 64(\to)
	mov %r14, 72(\to)
	mov %r15, 80(\to)
.endm

#endif
