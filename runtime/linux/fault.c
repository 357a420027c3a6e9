/* The program's exceptions become signals; the runtime's own become EFAULT or the end. */
#include <linux/signal.h>

#include "runtime/call.h"
#include "runtime/entry.h"
#include "runtime/linux/deliver.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"

enum {
	X86_DIVIDE = 0, X86_DEBUG = 1, X86_BREAKPOINT = 3, X86_OVERFLOW = 4, X86_BOUND = 5, X86_INVALID = 6, X86_NO_VECTORS = 7, X86_SEGMENT = 11,
	X86_STACK = 12, X86_PROTECTION = 13, X86_PAGE = 14, X86_X87 = 16, X86_ALIGNMENT = 17, X86_SIMD = 19,
	X86_INT80 = 0x80,
};

#define CODE_KERNEL    0x80
#define FLAG_TRAP 0x100ul

struct cause {
	u32 signal, code;
	u64 address;
};

/* Which of the six exceptions of an FPU; masks and flags have the same order in both. */
static u32 float_code(unsigned flags)
{
	if (flags & 1)
		return FPE_FLTINV;
	if (flags & 4)
		return FPE_FLTDIV;
	if (flags & 8)
		return FPE_FLTOVF;
	if (flags & (16 | 2))
		return FPE_FLTUND;
	return flags & 32 ? FPE_FLTRES : 0;
}

static u32 x87_code(void)
{
	u16 status, control;

	__asm__ volatile("fnstsw %0; fnstcw %1" : "=m"(status), "=m"(control));
	return float_code(status & ~control & 0x3f);
}

static u32 simd_code(void)
{
	u32 mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return float_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
}

/* Root says why in the error code's upper half. */
static struct cause page_fault(const struct gate_frame *f)
{
	if (f->error & FAULT_ERROR_BUS)
		return (struct cause){ SIGBUS, BUS_ADRERR, f->address };
	return (struct cause){ SIGSEGV, f->error & FAULT_ERROR_ACCESS ? SEGV_ACCERR : SEGV_MAPERR, f->address };
}

static struct cause cause_of(const struct gate_frame *f)
{
	switch (f->vector) {
	case X86_DIVIDE: return (struct cause){ SIGFPE, FPE_INTDIV, f->rip };
	case X86_DEBUG: return (struct cause){ SIGTRAP, TRAP_TRACE, f->rip };
	case X86_BREAKPOINT: return (struct cause){ SIGTRAP, CODE_KERNEL, 0 };
	case X86_INVALID: return (struct cause){ SIGILL, ILL_ILLOPN, f->rip };
	case X86_NO_VECTORS: return (struct cause){ SIGILL, ILL_COPROC, f->rip }; /* only where they were given up */
	case X86_SEGMENT:
	case X86_STACK: return (struct cause){ SIGBUS, CODE_KERNEL, 0 };
	case X86_PAGE: return page_fault(f);
	case X86_X87: return (struct cause){ SIGFPE, x87_code(), f->rip };
	case X86_ALIGNMENT: return (struct cause){ SIGBUS, BUS_ADRALN, 0 };
	case X86_SIMD: return (struct cause){ SIGFPE, simd_code(), f->rip };
	default: return (struct cause){ SIGSEGV, CODE_KERNEL, 0 };
	}
}

void exception_entry(struct thread_record *t)
{
	struct gate_frame *f = &thread_context(t)->program;
	struct linux_siginfo info = { 0 };
	struct cause cause;

	if (f->vector == X86_INT80) {
		f->rax = (u64)-ENOSYS; /* the 32-bit interface is not there */
		return;
	}
	cause = cause_of(f);
	info.signo = cause.signal;
	info.code = cause.code;
	info.fault.address = cause.address;
	signal_force(t, &info);
}

void bad_return(struct thread_record *t)
{
	struct linux_siginfo info = { .signo = SIGSEGV, .code = CODE_KERNEL };

	t->number = NUMBER_NONE;
	signal_force(t, &info);
}

static const struct fault_fixup *fixup_find(u64 rip)
{
	for (const struct fault_fixup *f = fault_table_start; f < fault_table_end; f++)
		if (f->from == rip)
			return f;
	return NULL;
}

void gate_fault_entry(struct thread_record *t)
{
	struct context_page *c = thread_context(t);
	struct gate_frame *f = &c->gate;
	const struct fault_fixup *fixup = fixup_find(f->rip);

	if (f->vector == X86_DEBUG) { /* the program single-steps; the runtime does not */
		f->rflags &= ~FLAG_TRAP;
		return;
	}
	if (fixup) {
		f->rip = fixup->to;
		return;
	}
	/* A program that jumped into the runtime, or a fault of the runtime's: the process cannot go on either way. */
	rt_log(1, "process %u: fault %lu in the runtime at %lx, address %lx, error %lx", t->process ? process_pid(t->process) : 0, f->vector,
	       f->rip, f->address, f->error);
	signal_fatal(SIGSEGV);
}
