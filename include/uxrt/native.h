/*
 * Kernel calls of programs, the message in registers: the fastest way from one process to another. What the words mean is in abi/kernel.h. The
 * call goes through the gate (a system call instruction of the program itself is Linux's), whose table is at GATE_NATIVE on every UX/RT.
 *
 * A program is the caller of a file that it has opened, whose descriptor is the capability; and a server after uxrt_serve().
 */
#ifndef UXRT_NATIVE_H
#define UXRT_NATIVE_H

#include "abi/gate.h"
#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"

static inline const struct native_api *uxrt_native(void)
{
	return (const struct native_api *)GATE_NATIVE;
}

/* What goes into rbp: the deadline, 0: none; forward_recv's Endpoint. The stack below the red zone is used. */
#define UXRT_ENTER(rbp) \
	"add $-128, %%rsp; push %%rbp; " rbp " call *%%rcx; pop %%rbp; sub $-128, %%rsp"

/*
 * call, recv, reply, reply_recv, forward, without a deadline. In and out as struct ipc has it; the result is 0 or an enum kernel_error. The compiler
 * keeps `ipc` in registers where it can.
 */
static inline __attribute__((always_inline)) long uxrt_enter(unsigned long number, struct ipc *ipc)
{
	register unsigned long m1 __asm__("r8") = ipc->m[1];
	register unsigned long m2 __asm__("r9") = ipc->m[2];
	register unsigned long m3 __asm__("r10") = ipc->m[3];
	register unsigned long m5 __asm__("r12") = ipc->m[5];
	register unsigned long m6 __asm__("r13") = ipc->m[6];
	register unsigned long m7 __asm__("r14") = ipc->m[7];
	register unsigned long reply __asm__("r15") = ipc->reply;
	unsigned long enter = GATE_ENTER;

	__asm__ volatile(UXRT_ENTER("xor %%ebp, %%ebp;")
			 : "+a"(number), "+D"(ipc->target), "+S"(ipc->info), "+d"(ipc->m[0]), "+r"(m1), "+r"(m2), "+r"(m3), "+b"(ipc->m[4]),
			   "+r"(m5), "+r"(m6), "+r"(m7), "+r"(reply), "+c"(enter)
			 :
			 : "r11", "memory", "cc");
	ipc->m[1] = m1;
	ipc->m[2] = m2;
	ipc->m[3] = m3;
	ipc->m[5] = m5;
	ipc->m[6] = m6;
	ipc->m[7] = m7;
	ipc->reply = reply;
	return (long)number;
}

/* forward to ipc->target, then receive on `endpoint`. */
static inline __attribute__((always_inline)) long uxrt_forward_recv(struct ipc *ipc, unsigned long endpoint)
{
	register unsigned long m1 __asm__("r8") = ipc->m[1];
	register unsigned long m2 __asm__("r9") = ipc->m[2];
	register unsigned long m3 __asm__("r10") = ipc->m[3];
	register unsigned long m5 __asm__("r12") = ipc->m[5];
	register unsigned long m6 __asm__("r13") = ipc->m[6];
	register unsigned long m7 __asm__("r14") = ipc->m[7];
	register unsigned long reply __asm__("r15") = ipc->reply;
	unsigned long enter = GATE_ENTER, number = KCALL_forward_recv;

#define UXRT_FORWARD_OUT \
	"+a"(number), "+D"(ipc->target), "+S"(ipc->info), "+d"(ipc->m[0]), "+r"(m1), "+r"(m2), "+r"(m3), "+b"(ipc->m[4]), "+r"(m5), "+r"(m6), \
		"+r"(m7), "+r"(reply), "+c"(enter)
	/* no register but r11 is free for it; a constant needs none */
	if (__builtin_constant_p(endpoint)) {
		__asm__ volatile(UXRT_ENTER("mov %k[own], %%ebp;") : UXRT_FORWARD_OUT : [own] "ri"((unsigned)endpoint) : "r11", "memory", "cc");
	} else {
		register unsigned long own __asm__("r11") = endpoint;

		__asm__ volatile(UXRT_ENTER("mov %%r11, %%rbp;") : UXRT_FORWARD_OUT, "+r"(own) : : "memory", "cc");
	}
#undef UXRT_FORWARD_OUT
	ipc->m[1] = m1;
	ipc->m[2] = m2;
	ipc->m[3] = m3;
	ipc->m[5] = m5;
	ipc->m[6] = m6;
	ipc->m[7] = m7;
	ipc->reply = reply;
	return (long)number;
}

/* A call with nothing but a label, whose answer is nothing but an info word: the message's words are what the registers happen to hold. */
static inline __attribute__((always_inline)) long uxrt_call_label(unsigned long target, unsigned long *info)
{
	unsigned long enter = GATE_ENTER, number = KCALL_call;

	__asm__ volatile(UXRT_ENTER("xor %%ebp, %%ebp;")
			 : "+a"(number), "+D"(target), "+S"(*info), "+c"(enter)
			 :
			 : "rdx", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "memory", "cc");
	return (long)number;
}

/* signal: the badge of that capability of a Notification is OR-ed into its bits. */
static inline __attribute__((always_inline)) long uxrt_signal(unsigned long notification)
{
	unsigned long enter = GATE_ENTER, number = KCALL_signal;

	__asm__ volatile(UXRT_ENTER("") : "+a"(number), "+D"(notification), "+c"(enter) : : "r11", "memory", "cc");
	return (long)number;
}

/* wait, without a deadline; the Notification's bits, which are cleared, come in *bits. */
static inline __attribute__((always_inline)) long uxrt_wait(unsigned long notification, unsigned long *bits)
{
	unsigned long enter = GATE_ENTER, number = KCALL_wait, info = 0;

	__asm__ volatile(UXRT_ENTER("xor %%ebp, %%ebp;") : "+a"(number), "+D"(notification), "+S"(info), "=d"(*bits), "+c"(enter) : : "r11", "memory", "cc");
	return (long)number;
}

/* A call without arguments: yield. */
static inline __attribute__((always_inline)) long uxrt_enter_plain(unsigned long number)
{
	unsigned long enter = GATE_ENTER;

	__asm__ volatile(UXRT_ENTER("") : "+a"(number), "+c"(enter) : : "r11", "memory", "cc");
	return (long)number;
}

/* The calling thread, and those that it starts, use no vector registers from now on (PROC_VECTOR_FREE); the kernel moves none for them. */
static inline long uxrt_vector_free(void)
{
	struct ipc ipc = { .target = CPTR_SYSTEM | SLOT_ROOT, .info = INFO(PROC_VECTOR_FREE, 0) };
	long error = uxrt_native()->ipc(KCALL_call, &ipc);

	return error ? error : (long)ipc.m[0];
}

/* The calling process becomes the server of `path` (PROC_SERVE): 0 or a negative errno. */
static inline long uxrt_serve(const char *path)
{
	struct message_buffer *message = uxrt_native()->message();
	struct ipc ipc = { .target = CPTR_SYSTEM | SLOT_ROOT };
	unsigned long length = 0;
	long error;

	while (path[length] && length < MESSAGE_BYTES) {
		message->data[length] = (unsigned char)path[length];
		length++;
	}
	ipc.info = INFO(PROC_SERVE, length);
	error = uxrt_native()->ipc(KCALL_call, &ipc);
	return error ? error : (long)ipc.m[0];
}

#endif
