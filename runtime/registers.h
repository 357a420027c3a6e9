/* A call whose message and answer are words in registers: the compiler keeps them there. No deadline, no capabilities, nothing in the message pages. */
#ifndef RUNTIME_REGISTERS_H
#define RUNTIME_REGISTERS_H

#include "abi/kernel.h"

#ifdef HOST_TEST
long registers_call(unsigned long target, unsigned long *info, const unsigned long sent[8], unsigned long answer[8]);
#else
/* An enum kernel_error; `info` is in and out. */
static inline __attribute__((always_inline)) long registers_call(unsigned long target, unsigned long *info, const unsigned long sent[8],
	unsigned long answer[8])
{
	register unsigned long m1 __asm__("r8") = sent[1];
	register unsigned long m2 __asm__("r9") = sent[2];
	register unsigned long m3 __asm__("r10") = sent[3];
	register unsigned long m5 __asm__("r12") = sent[5];
	register unsigned long m6 __asm__("r13") = sent[6];
	register unsigned long m7 __asm__("r14") = sent[7];
	unsigned long m0 = sent[0], m4 = sent[4];
	long number = KCALL_call;

	__asm__ volatile("push %%rbp; xor %%ebp, %%ebp; syscall; pop %%rbp"
			 : "+a"(number), "+D"(target), "+S"(*info), "+d"(m0), "+r"(m1), "+r"(m2), "+r"(m3), "+b"(m4), "+r"(m5), "+r"(m6),
			   "+r"(m7)
			 :
			 : "rcx", "r11", "r15", "memory", "cc");
	answer[0] = m0;
	answer[1] = m1;
	answer[2] = m2;
	answer[3] = m3;
	answer[4] = m4;
	answer[5] = m5;
	answer[6] = m6;
	answer[7] = m7;
	return number;
}
#endif

#endif
