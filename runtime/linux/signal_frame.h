/*
 * Signal frames as Linux has them on x86-64 (arch/x86/kernel/signal.c, asm/sigcontext.h): what a handler, a restorer, libunwind, gdb, Go and
 * the JVM read. The layout is pure; writing it and the vector state is deliver.c's.
 */
#ifndef RUNTIME_LINUX_SIGNAL_FRAME_H
#define RUNTIME_LINUX_SIGNAL_FRAME_H

#include "abi/gate.h"
#include "lib/types.h"

struct linux_sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};

struct linux_stack {
	u64 sp;
	u32 flags, pad;
	u64 size;
};

struct linux_ucontext {
	u64 flags, link;
	struct linux_stack stack;
	struct linux_sigcontext context;
	u64 mask;
};

struct linux_siginfo {
	u32 signo, error, code, pad;
	union {
		u8 bytes[112];
		struct {
			u32 pid, uid;
			u64 value; /* sigval; status of SIGCHLD in its low half */
		} kill;
		struct {
			u64 address;
		} fault;
	};
};

struct linux_sigframe {
	u64 restorer;               /* the handler's return address */
	struct linux_ucontext ucontext;
	struct linux_siginfo info;
};

_Static_assert(sizeof(struct linux_sigcontext) == 256, "sigcontext layout");
_Static_assert(sizeof(struct linux_ucontext) == 304, "ucontext layout");
_Static_assert(sizeof(struct linux_siginfo) == 128, "siginfo layout");
_Static_assert(sizeof(struct linux_sigframe) == 440, "rt_sigframe layout");

#define UC_FP_XSTATE         1
#define UC_SIGCONTEXT_SS     2
#define UC_STRICT_RESTORE_SS 4

#ifndef FP_XSTATE_MAGIC1 /* as libc names them too */
#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
#endif
#define FP_SOFTWARE_AT   464 /* struct linux_fpx_software in the FXSAVE area's last bytes */

struct linux_fpx_software {
	u32 magic1, extended_size;
	u64 features;
	u32 xstate_size, padding[7];
};
_Static_assert(sizeof(struct linux_fpx_software) == 48, "fpx_sw_bytes layout");

struct frame_places {
	u64 vector; /* 64-byte aligned; vector_size + 4 bytes */
	u64 frame;  /* the handler's stack pointer */
};

/* Where a frame goes below `sp`, the end of the stack to be used. False if it would wrap. */
bool frame_place(u64 sp, u64 vector_size, struct frame_places *places);

void sigcontext_fill(struct linux_sigcontext *to, const struct gate_frame *from, u64 mask, u64 vector);
/* The registers that a program may change, with the flags that it may. */
void sigcontext_restore(struct gate_frame *to, const struct linux_sigcontext *from);

#endif
