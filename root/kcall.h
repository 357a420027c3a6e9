/*
 * Root's kernel calls. Object calls are inline; IPC calls use every general register and are in kcall.S.
 * The host tests replace this file's assembly by a model of the kernel.
 */
#ifndef ROOT_KCALL_H
#define ROOT_KCALL_H

#include "lib/types.h"
#include "abi/kernel.h"
#include "abi/gate.h"
#include "abi/boot.h"

/* Data of another file: without this the compiler would reach it through a table of addresses, though root is linked at a fixed one. */
#define ROOT_DATA extern __attribute__((visibility("hidden")))

/* Registers of an IPC call, in and out. kcall.S knows the offsets. */
struct kmsg {
	u64 target; /* in: cptr; out: badge */
	u64 info;
	u64 m[8];
	u64 reply;  /* in: reply slot as a cptr; out: principal */
	u64 deadline;
};
_Static_assert(offsetof(struct kmsg, m) == 16 && offsetof(struct kmsg, reply) == 80 && sizeof(struct kmsg) == 96,
	       "kcall.S knows struct kmsg");

/* What an object call gave besides its error; v2 is cap_identify's. */
struct kvalues {
	u64 v0, v1, v2;
};

#define SYS(slot) (CPTR_SYSTEM | (slot))
#define ROOT_CNODE SYS(ROOT_SLOT_CNODE)

long kipc(u64 number, struct kmsg *msg);

#ifndef HOST_TEST
static inline long kobject_call(u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, struct kvalues *values)
{
	register u64 rax __asm__("rax") = number;
	register u64 rdi __asm__("rdi") = a0;
	register u64 rsi __asm__("rsi") = a1;
	register u64 rdx __asm__("rdx") = a2;
	register u64 r8 __asm__("r8") = a3;
	register u64 r9 __asm__("r9") = a4;
	register u64 r10 __asm__("r10") = a5;
	register u64 rbx __asm__("rbx") = a6;

	__asm__ volatile("syscall"
			 : "+r"(rax), "+r"(rdi), "+r"(rsi), "+r"(rdx), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(rbx)
			 :
			 : "rcx", "r11", "memory");
	if (values) {
		values->v0 = rdx;
		values->v1 = r8;
		values->v2 = r9;
	}
	return (long)rax;
}
#else
long kobject_call(u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, struct kvalues *values);
#endif

#define KCALL1(name, a) kobject_call(KCALL_##name, a, 0, 0, 0, 0, 0, 0, NULL)
#define KCALL2(name, a, b) kobject_call(KCALL_##name, a, b, 0, 0, 0, 0, 0, NULL)
#define KCALL3(name, a, b, c) kobject_call(KCALL_##name, a, b, c, 0, 0, 0, 0, NULL)
#define KCALL4(name, a, b, c, d) kobject_call(KCALL_##name, a, b, c, d, 0, 0, 0, NULL)
#define KCALL6(name, a, b, c, d, e, f) kobject_call(KCALL_##name, a, b, c, d, e, f, 0, NULL)

/* Root's own message pages: kernel calls that return or take lists use data[]. */
#ifndef HOST_TEST
static inline struct message_buffer *root_message(void)
{
	return (struct message_buffer *)(GATE_THREAD_AREA(0) + THREAD_AREA_MESSAGE);
}
#else
struct message_buffer *root_message(void);
#endif

static inline u64 *root_words(void)
{
	return (u64 *)root_message()->data;
}

#endif
