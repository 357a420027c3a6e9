/*
 * The gate: how a program, the kernel and the runtime in the same process meet.
 *
 * The runtime lives in one user-accessible top-level slot of the upper half, GATE_BASE..GATE_END. The lower half is the
 * program's alone. The kernel enters the runtime at fixed offsets from GATE_BASE, with every register but
 * rcx and r11 as the program had it:
 *     GATE_SYSCALL    a syscall instruction from the lower half: context.return_rip holds the return address; r11 holds the
 *                     flags in bits 0..31 and bits 16..47 of the context page's address in bits 32..63 (sysret needs rcx for
 *                     itself; it loads flags up to bit 21). rcx and r11 are lost to the program, as on Linux. rsp is the program's.
 * and at the others with rcx = address of the thread's context page:
 *     GATE_EXCEPTION  an exception or int 0x80 in the lower half: the full frame is in context.program.
 *     GATE_FAULT      an exception inside the gate (a bad user pointer in a copy, usually): frame in context.gate.
 *     GATE_INTERRUPT  thread_interrupt of a thread running in the lower half: full frame in context.program,
 *                     interrupt_flag cleared.
 * In all but GATE_SYSCALL, rax..r15 other than rcx are also still live but belong to the frame.
 *
 * Interrupts. thread_interrupt of a thread whose instruction pointer is in the gate sets context.interrupt_flag to 1; an
 * INFO_INTERRUPTIBLE call that blocks ends with K_INTERRUPTED (queued) or its server is told (LABEL_CANCELLED); one entered with the
 * flag set returns K_INTERRUPTED at once. Only the runtime clears the flag there. If the instruction pointer is within
 * [GATE_EXIT, GATE_EXIT_END), the exit sequence, which has checked the flag already, the kernel also restarts it: rip =
 * GATE_EXIT, rcx = context page. The exit sequence must therefore be restartable: it reads only the context page.
 *
 * A thread's area is 64 KiB, aligned: rsp & ~(THREAD_AREA_SIZE - 1) on the runtime's stack gives it.
 */
#ifndef ABI_GATE_H
#define ABI_GATE_H

#define GATE_BASE       0xffffff0000000000ul
#define GATE_END        0xffffff8000000000ul
#define GATE_SYSCALL    (GATE_BASE + 0x000)
#define GATE_EXCEPTION  (GATE_BASE + 0x100)
#define GATE_FAULT      (GATE_BASE + 0x200)
#define GATE_INTERRUPT  (GATE_BASE + 0x300)
#define GATE_START      (GATE_BASE + 0x400) /* first instruction of a new process or thread; rdi = context page */
#define GATE_EXIT       (GATE_BASE + 0x500)
#define GATE_EXIT_END   (GATE_BASE + 0x700)
#define GATE_ENTER      (GATE_BASE + 0x880) /* no C function: makes the kernel call that the registers say (abi/kernel.h) and returns */
#define GATE_NATIVE     (GATE_BASE + 0x800) /* table of native entry points: struct native_api, abi/native.h */

/*
 * A small process has all of it in two page tables, of 2 MiB each: the image and the single pages with the start block behind them, and the areas of the
 * first threads, which go down, with the start of the heap, which goes up. Each further table costs every fork and exec.
 */
#define GATE_INFO       (GATE_BASE + 0x100000)   /* struct process_info, read-only, written by root */
#define GATE_CLOCK      (GATE_BASE + 0x101000)   /* struct clock_page, read-only, the same page everywhere */
#define GATE_SHARED     (GATE_BASE + 0x110000)   /* struct process_shared[], one page each, written by the runtime, read by root */
#define GATE_SHARED_MAX 64
#define GATE_ARGUMENTS  (GATE_BASE + 0x180000)   /* struct start_block of exec: abi/process.h; the runtime unmaps it */
#define GATE_ARGUMENTS_MAX 0x800000
#define GATE_THREADS    (GATE_BASE + 0x1100000)  /* the lowest thread area; the first thread's is the highest */
#define GATE_THREADS_MAX 4096
#define GATE_THREADS_END (GATE_THREADS + GATE_THREADS_MAX * THREAD_AREA_SIZE)
#define GATE_THREAD_AREA(index) (GATE_THREADS_END - ((index) + 1ul) * THREAD_AREA_SIZE)
#define GATE_HEAP       (GATE_THREADS_END + THREAD_AREA_SIZE) /* the runtime's heap: anonymous memory, reserved, charged when touched; a gap in front */
#define GATE_HEAP_SIZE  0x10000000
#define GATE_PRINCIPALS (GATE_BASE + 0x30000000) /* struct principal_entry[], read-only, servers only */
#define GATE_SETTINGS   (GATE_BASE + 0x30100000) /* unsigned long[SETTING_COUNT] of abi/settings.h, a page, read-only, servers only */

#define THREAD_AREA_SIZE    0x10000ul
#define THREAD_AREA_CONTEXT 0x0
#define THREAD_AREA_MESSAGE 0x1000 /* struct message_buffer, two pages */
#define THREAD_AREA_STACK   0x4000 /* lowest byte of the stack; 0x3000 is a guard page */

/* Registers as the kernel saves them; offsets are generated for assembly. */
struct gate_frame {
	unsigned long r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	unsigned long vector, error; /* exception number (x86), error code */
	unsigned long rip, cs, rflags, rsp, ss;
	unsigned long address;       /* CR2 of a page fault */
};

struct context_page {
	unsigned long return_rip;
	unsigned long interrupt_flag;
	unsigned long thread_index;    /* the area's index, by root */
	unsigned long pending;         /* signals pending for this thread or its process (bit sig-1), by root: a hint */
	unsigned long signal_mask;     /* blocked signals, by the runtime; root reads it */
	unsigned long wait_mask;       /* signals that sigtimedwait/signalfd wants though blocked; root reads it */
	unsigned long tid;             /* Linux thread id, by root */
	unsigned long clear_child_tid; /* user address, by the runtime; root clears and wakes it at exit; 0 none */
	unsigned long robust_list;     /* user address of struct robust_list_head, by the runtime */
	/* by the runtime, for /proc/PID/fdinfo: address of GATE_FILES_CHUNKS addresses, 0 or of GATE_FILES_CHUNK words, one a descriptor */
	unsigned long files_table;
	unsigned long vector_free;     /* the thread has no vector registers (thread_set_vectors), by the kernel */
	unsigned long reserved[5];
	struct gate_frame program;
	struct gate_frame gate;
	unsigned char runtime[4096 - 128 - 2 * sizeof(struct gate_frame)]; /* the runtime's own thread record */
};
_Static_assert(sizeof(struct context_page) == 4096, "context page layout");

#define GATE_FILES_CHUNK   512u
#define GATE_FILES_CHUNKS  128u
#define GATE_FILES_CLOEXEC 2u /* bit of a descriptor's word; root looks at no other */

/* What the runtime publishes for root, a page a signal-handler table; root copies, never trusts. */
struct process_shared {
	unsigned long signals_ignored; /* bit sig-1: disposition SIG_IGN */
	unsigned long signals_caught;  /* bit sig-1: a handler is set */
	unsigned long flags;           /* SHARED_ */
	unsigned long reserved[509];
};
#define SHARED_NOCLDWAIT 1 /* SIGCHLD has SA_NOCLDWAIT */
#define SHARED_NOCLDSTOP 2

/* A segment whose limit is the number of the core: `lsl` reads it. It is Linux's selector for that, too. */
#define GATE_CORE_SELECTOR 0x7b

/* Clock: monotonic ns = ((rdtsc - tsc_base) * mult) >> 32, + 0 at boot. Read seq (even), fields, seq again. */
struct clock_page {
	unsigned int seq, reserved;
	unsigned long tsc_base;
	unsigned long mult;           /* ns per tick, 32.32 fixed point */
	unsigned long realtime_base;  /* realtime ns at monotonic 0 */
	unsigned long tsc_hz;
};

#endif
