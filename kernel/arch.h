/*
 * What the portable kernel needs of the machine. kernel/arch/ implements this for x86-64; nothing else there is visible outside.
 *
 * Event style: every entry (system call, exception, interrupt) pushes the user's registers straight into the current thread's frame,
 * switches to the core's one kernel stack and calls kernel_syscall, kernel_exception or kernel_interrupt with interrupts off. These return
 * the thread to run (never NULL: the idle thread when nothing is ready), and arch code resumes that thread from its frame. A
 * kernel entry never returns through the stack it came by, so the stack is empty between entries.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include "lib/types.h"
#include "abi/gate.h"
#include "abi/boot.h"

typedef u64 paddr_t;

#ifdef HOST_TEST
extern u64 host_physmap; /* tests/host: where the simulated RAM is */
#define PHYSMAP_BASE host_physmap
#else
#define PHYSMAP_BASE 0xffff800000000000ul
#endif
#define KERNEL_BASE  0xffffffff80000000ul

struct thread;
struct core;

static inline void *phys_to_virt(paddr_t p)
{
	return (void *)(p + PHYSMAP_BASE);
}
static inline paddr_t virt_to_phys(const void *v) /* of the physmap only */
{
	return (paddr_t)v - PHYSMAP_BASE;
}

/* User selectors: Linux's, since programs can see them. STAR's user base is 0x23. */
#define ARCH_USER_CS 0x33
#define ARCH_USER_SS 0x2b

/* ---- called by the portable kernel, implemented in kernel/arch/ ---- */

/* What the boot loader told; filled before kernel_main. Regions are page aligned, sorted, without the kernel and the module. */
struct machine {
	struct {
		paddr_t base, end;
	} ram[32];
	unsigned ram_count;
	paddr_t ram_top;              /* end of the highest RAM: the size of the frame table */
	u64 ram_bytes;
	paddr_t module_base, module_end;
	u64 module_bytes;
	paddr_t kernel_base, kernel_end; /* the loaded image with bss */
	paddr_t bundle_base, bundle_end; /* inside the image, page aligned */
	char command_line[1024];
	u64 features;                 /* BOOT_FEATURE_ */
	u32 vector_size;              /* XSAVE area for XCR0 as set (standard format), bytes */
	unsigned core_count;          /* that the firmware lists; kernel/thread.h's core_count: that run */
};
extern struct machine machine;

/* The clock: ns since boot, monotonic; arch_ticks: what it is made from, in the CPU's own unit, quicker to read. The clock page is filled by arch code at start (page aligned object). */
extern struct clock_page arch_clock_page;
#ifdef HOST_TEST
u64 arch_clock_ns(void);
extern struct core *host_core;
static inline u64 arch_ticks(void)
{
	return arch_clock_ns();
}
static inline u64 arch_ticks_ns(u64 ticks)
{
	return ticks;
}
static inline u64 arch_ns_ticks(u64 ns)
{
	return ns;
}
static inline void arch_copy_words(void *to, const void *from, u64 words)
{
	__builtin_memcpy(to, from, words * 8);
}
static inline struct core *this_core(void)
{
	return host_core;
}
#else
#include "kernel/arch/inline.h"
#endif
paddr_t arch_clock_page_address(void);
/* Interrupt at that absolute time (ns) by kernel_timer; ~0: none. */
void arch_timer_set(u64 deadline_ns);

/* Address spaces: top is a page's physical address. The other: the kernel's own, which maps nothing of a user. */
void arch_load_address_space(paddr_t top);
void arch_leave_address_space(void);
/* Upper-half entries that every address space shares. */
void arch_init_top_table(u64 *top);
void arch_flush_page(u64 address); /* this core */
void arch_flush_all(void);

/*
 * Called when the core goes over to another thread: saves and loads FS and GS bases, sets the entry stack pointer (TSS rsp0 and the
 * core's) to next's frame, saves prev's vector state, and arranges for next's (vector.c).
 */
void arch_switch_thread(struct core *core, struct thread *prev, struct thread *next);
#ifdef HOST_TEST
void arch_switch_fast(struct core *core, struct thread *prev, struct thread *next);
void arch_switch_gs_fast(struct thread *prev, const struct thread *next);
void arch_load_address_space_fast(paddr_t top);
#endif
/*
 * The end of a fast path: releases the node's lock and resumes `next` as if its kernel call had returned K_OK in rax, `badge` and `info` in rdi and rsi,
 * `last` in r15, and in the registers of a message's words what the frame of `from` has of them. On the machine it does not return.
 */
#ifndef HOST_TEST
noreturn
#endif
struct thread *arch_resume_message(u64 badge, u64 info, struct thread *next, const struct thread *from, u64 last);
/* The thread's vector state is in no core's registers (it dies, or begins anew). That of one that does not run is in its memory in any case. */
void arch_vector_forget(struct thread *thread);
void arch_vector_init(struct thread *thread); /* initial state into thread's area */

/* Other cores. machine.core_count says how many there are at most; those that start are entered in cores[] with their idle thread's object
 * and stack, and wait for the node's lock. Returns how many run, this one included. */
unsigned arch_start_cores(void);
enum arch_ipi {
	ARCH_IPI_SCHEDULE, /* it looks at its `needed` */
	ARCH_IPI_REQUEST,  /* it calls remote_answer */
};
void arch_interrupt_core(const struct core *core, enum arch_ipi what);
void arch_stop_other_cores(void); /* for good, whatever they do */
void arch_relax(void);            /* in a loop that waits for another core */

/* Interrupts: GSI through the IOAPIC; kernel_irq(gsi) is called with the line masked if level triggered. */
int arch_irq_enable(unsigned gsi, bool level, bool active_low); /* 0 or K_INVALID_ARG */
void arch_irq_disable(unsigned gsi);
void arch_irq_ack(unsigned gsi);
#define ARCH_GSI_MAX 24

void arch_io_out(u16 port, unsigned bytes, u32 value);
u32 arch_io_in(u16 port, unsigned bytes);

/* COM1, polled: for the log. */
void arch_console_write(const char *text, size_t length);

/* Ends the machine: code 0 by switching the power off, others by QEMU's exit device (port 0xf4); without either it halts. */
noreturn void arch_exit(unsigned code);
noreturn void arch_restart(void);
noreturn void arch_halt(void); /* this core */
bool arch_is_stack(u64 address); /* of some core: mapped memory that a backtrace may read */

/* The idle thread's code and frame: hlt with interrupts on, in ring 0. */
void arch_make_idle(struct thread *idle);
/* Leave boot for good: run this thread. Releases the node's lock. */
noreturn void arch_run(struct thread *thread);

/*
 * ---- called by arch code, implemented in the portable kernel ----
 * kernel_syscall takes the node's lock and releases it; around the others arch code does (trap.c).
 */

noreturn void kernel_main(void); /* once, after the console, memory map, tables, clock and interrupts are set up; interrupts off */
noreturn void kernel_core_main(void); /* a further core, on its own stack */
/* Return address in the upper half. rdi and rsi as they are in the frame; rax, which is not set there. */
struct thread *kernel_syscall(u64 target, u64 info, u64 number, struct thread *thread);
struct thread *kernel_exception(struct thread *thread);     /* frame.vector, error, address; ring 3 only. #NM is arch code's */
struct thread *kernel_irq(struct thread *thread, unsigned gsi);
struct thread *kernel_timer(struct thread *thread);

#endif
