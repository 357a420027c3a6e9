/* A call whose message and answer are words in registers: the compiler keeps them there. No deadline, no capabilities, nothing in the message pages. */
#ifndef RUNTIME_REGISTERS_H
#define RUNTIME_REGISTERS_H

#include "abi/file.h"
#include "abi/kernel.h"

#ifdef HOST_TEST
long registers_call(unsigned long target, unsigned long *info, const unsigned long sent[8], unsigned long answer[8]);
long registers_read(unsigned long target, unsigned long *info, unsigned long length, unsigned long offset, unsigned long answer[8], unsigned long *m1);
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

/*
 * A read in registers (FILE_READ with TRANSFER_REGISTERS). Of the answer's words only the first, and the second in *m1, if it brings no more bytes than
 * the first holds, which is what most such reads ask for; all eight, if it does.
 */
static inline __attribute__((always_inline)) long registers_read(unsigned long target, unsigned long *info, unsigned long length, unsigned long offset,
	unsigned long answer[8], unsigned long *m1)
{
	register unsigned long r8 __asm__("r8") = offset;
	register unsigned long r9 __asm__("r9") = TRANSFER_REGISTERS;
	long number = KCALL_call;

	__asm__ volatile("push %%rbp; xor %%ebp, %%ebp; xor %%r10d, %%r10d; xor %%ebx, %%ebx; xor %%r12d, %%r12d; xor %%r13d, %%r13d; xor %%r14d, %%r14d;"
			 "syscall; pop %%rbp;"
			 "cmp %[first], %%rsi; jbe 1f;"
			 "mov %%r8, 8+%[answer]; mov %%r9, 16+%[answer]; mov %%r10, 24+%[answer]; mov %%rbx, 32+%[answer];"
			 "mov %%r12, 40+%[answer]; mov %%r13, 48+%[answer]; mov %%r14, 56+%[answer]; 1:"
			 : "+a"(number), "+D"(target), "+S"(*info), "+d"(length), "+r"(r8), "+r"(r9), [answer] "=o"(*(unsigned long (*)[8])answer)
			 : [first] "i"(FILE_REPLY_REGISTERS + sizeof(answer[0]))
			 : "rbx", "rcx", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	answer[0] = length;
	*m1 = r8;
	return number;
}
#endif

#endif
