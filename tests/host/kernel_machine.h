/*
 * A simulated machine for host tests of the portable kernel: RAM is an array, arch code is this file, root is the test itself,
 * which makes kernel calls by putting registers in a thread's frame. Include it in one .c file of a test program.
 */
#ifndef TESTS_HOST_KERNEL_MACHINE_H
#define TESTS_HOST_KERNEL_MACHINE_H

#include "check.h"

#include <setjmp.h>
#include <stdlib.h>

#include "kernel/calls.h"
#include "kernel/frame.h"
#include "kernel/lock.h"
#include "kernel/park.h"
#include "kernel/remote.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"
#include "kernel/vspace.h"

#define RAM_BYTES (16ul << 20)
#define ROOT_BASE GATE_BASE

u64 host_physmap;
struct core *host_core = &boot_core; /* whose turn it is: the test decides */
struct machine machine;
struct clock_page arch_clock_page;
static u64 now_ns = 1000;
static jmp_buf booted;
static struct thread *root;

u64 arch_clock_ns(void) { return now_ns; }
paddr_t arch_clock_page_address(void) { return 0x1000; }
void arch_timer_set(u64 deadline_ns) { (void)deadline_ns; }
static void (*host_relax)(void); /* what the other cores do while one waits */
void arch_relax(void)
{
	if (host_relax)
		host_relax();
}
void arch_stop_other_cores(void) {}
void arch_init_top_table(u64 *top) { memset(top + 256, 0, 2048); }
void arch_switch_fast(struct core *c, struct thread *p, struct thread *n) { (void)c; (void)p; (void)n; }
void arch_switch_gs_fast(struct thread *p, const struct thread *n) { (void)p; (void)n; }
void arch_switch_thread(struct core *c, struct thread *p, struct thread *n) { (void)c; (void)p; (void)n; }
struct thread *arch_resume_message(u64 badge, u64 info, struct thread *next, const struct thread *from, u64 last)
{
	message_words_copy(next, from);
	next->frame.rax = K_OK;
	next->frame.rdi = badge;
	next->frame.rsi = info;
	next->frame.r15 = last;
	node_unlock();
	return next;
}
void arch_vector_forget(struct thread *t) { (void)t; }
void arch_vector_init(struct thread *t) { (void)t; }
int arch_irq_enable(unsigned gsi, bool level, bool low) { (void)gsi; (void)level; (void)low; return 0; }
void arch_irq_disable(unsigned gsi) { (void)gsi; }
void arch_irq_ack(unsigned gsi) { (void)gsi; }
void arch_io_out(u16 port, unsigned bytes, u32 value) { (void)port; (void)bytes; (void)value; }
u32 arch_io_in(u16 port, unsigned bytes) { (void)port; (void)bytes; return 0xff; }
noreturn void arch_exit(unsigned code) { exit((int)code + 64); }
noreturn void arch_restart(void) { exit(65); }
void arch_make_idle(struct thread *idle) { (void)idle; }

/*
 * Other cores. Where they are makes no difference to the kernel, so a test with several does their kernel entries in turn. One that is
 * asked for something answers at once, as if it were in a program; one that is to choose again remembers it until its turn.
 */
static unsigned host_cores = 1;
static bool host_told[CORE_MAX];
static u64 host_requests;

/* Translations of pages from address 0 on that a core remembers, as entries: 0 none. What may be remembered is a test's business. */
#define HOST_TLB_PAGES 32
static u64 host_tlb[CORE_MAX][HOST_TLB_PAGES];

void arch_flush_all(void)
{
	memset(host_tlb[host_core->number], 0, sizeof(host_tlb[0]));
}
void arch_flush_page(u64 address)
{
	if (address >> PAGE_SHIFT < HOST_TLB_PAGES)
		host_tlb[host_core->number][address >> PAGE_SHIFT] = 0;
}
void arch_load_address_space(paddr_t top)
{
	(void)top;
	arch_flush_all();
}
void arch_load_address_space_fast(paddr_t top)
{
	arch_load_address_space(top);
}
void arch_leave_address_space(void)
{
	arch_flush_all();
}

unsigned arch_start_cores(void)
{
	for (unsigned i = 1; i < host_cores; i++) {
		cores[i] = calloc(1, sizeof(struct core));
		cores[i]->self = cores[i];
		cores[i]->number = i;
		cores[i]->idle = aligned_alloc(1 << THREAD_SIZE_BITS, 1 << THREAD_SIZE_BITS);
		memset(cores[i]->idle, 0, 1 << THREAD_SIZE_BITS);
	}
	return host_cores;
}
void arch_interrupt_core(const struct core *core, enum arch_ipi what)
{
	struct core *here = host_core;

	CHECK(core != here && core->number < host_cores);
	if (what == ARCH_IPI_SCHEDULE) {
		host_told[core->number] = true;
		return;
	}
	host_requests++;
	host_core = cores[core->number];
	if (remote_answer()) /* its thread is taken off it: it takes the lock and chooses another, when it comes to that */
		host_told[core->number] = true;
	host_core = here;
}
noreturn void arch_run(struct thread *thread)
{
	root = thread;
	node_unlock();
	longjmp(booted, 1);
}
enum log_level log_threshold = LOG_WARNING;
void klog(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > log_threshold)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}
noreturn void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("FAIL panic: expected none, got ");
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
	abort();
}

/* RAM with a bundle that holds an empty root server; the kernel boots in it and "runs" root. */
static void machine_boot(void)
{
	u8 *ram = aligned_alloc(RAM_BYTES, RAM_BYTES);
	struct bundle_header *bundle;

	memset(ram, 0, RAM_BYTES);
	host_physmap = (u64)ram;
	machine = (struct machine){ .ram_count = 1, .ram_top = RAM_BYTES, .ram_bytes = RAM_BYTES, .vector_size = 832 };
	machine.core_count = host_cores;
	machine.features = BOOT_FEATURE_NX;
	machine.ram[0].base = 0x200000;
	machine.ram[0].end = RAM_BYTES;
	machine.bundle_base = 0x10000;
	machine.bundle_end = 0x20000;
	bundle = (struct bundle_header *)(ram + machine.bundle_base);
	bundle->magic = BUNDLE_MAGIC;
	bundle->count = 1;
	bundle->entries[0] = (struct bundle_entry){ .kind = BUNDLE_ROOT, .segment_count = 1, .entry = ROOT_BASE };
	bundle->entries[0].segments[0] = (struct bundle_segment){ .vaddr = ROOT_BASE, .offset = 0x1000, .file_size = 4096,
								  .mem_size = 4096, .flags = SEGMENT_READ | SEGMENT_EXEC };
	if (!setjmp(booted))
		kernel_main();
}

#define SYS(slot) (CPTR_SYSTEM | (slot))

/* One kernel call of the current thread t with up to seven arguments. Runs restarts to their end. */
static s64 kcall(struct thread *t, u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	u64 rip = GATE_BASE + 0x1000;

	do {
		CHECK(this_core()->current == t);
		t->frame.rax = number;
		t->frame.rdi = a0;
		t->frame.rsi = a1;
		t->frame.rdx = a2;
		t->frame.r8 = a3;
		t->frame.r9 = a4;
		t->frame.r10 = a5;
		t->frame.rbx = a6;
		t->frame.rip = rip + 2;
		t->frame.vector = VECTOR_SYSCALL;
		kernel_syscall(t->frame.rdi, t->frame.rsi, number, t);
	} while (t->frame.rip == rip);
	return (s64)t->frame.rax;
}

/* IPC registers, then the call; the thread that runs afterwards is returned. */
static inline struct thread *ipc(struct thread *t, u64 number, u64 target, u64 info, u64 word, u64 reply, u64 deadline)
{
	t->frame.rax = number;
	t->frame.rdi = target;
	t->frame.rsi = info;
	t->frame.rdx = word;
	t->frame.r15 = reply;
	t->frame.rbp = deadline;
	t->frame.rip = GATE_BASE + 0x1002;
	t->frame.vector = VECTOR_SYSCALL;
	return kernel_syscall(t->frame.rdi, t->frame.rsi, number, t);
}

/* ---- invariants ---- */

struct census {
	u64 caps[OBJECT_TYPE_COUNT];
};

/* The derivation forest has one list for each capability that the kernel made at boot. */
static struct cte *list_of(unsigned boot_slot)
{
	struct cte *c = &((struct cnode *)root->system_cnode.object)->slot[boot_slot];

	while (c->prev)
		c = c->prev;
	return cap_empty(c) ? NULL : c;
}

#define BOOT_SLOTS 80

static inline void check_forest(struct census *census)
{
	for (unsigned slot = 0; slot < BOOT_SLOTS; slot++) {
		unsigned depth = 0;

		for (struct cte *c = list_of(slot); c; c = c->next) {
			CHECK(!c->next || c->next->prev == c);
			CHECK(cap_depth(c) <= depth + 1);
			CHECK(cap_type(c) != OBJECT_NULL && cap_type(c) != OBJECT_REPLY);
			depth = cap_depth(c);
			census->caps[cap_type(c)]++;
		}
	}
}

/* What the fast path need not look up is what it would find. */
static inline void check_remembered(struct thread *t)
{
	CHECK(t->reply_at == &slot_forgotten || t->reply_at == cspace_system_slot(t, t->reply_cptr & ~(u64)CPTR_SYSTEM));
	CHECK(t->reply_at == &slot_forgotten || t->reply_at == cspace_system_slot(t, thread_reply_slot(t)));
	CHECK(t->receives_at == &slot_forgotten || t->receives_at == cspace_slot(t, t->receives_cptr));
}

static inline void check_thread_queues(struct thread *t)
{
	bool linked = list_linked(&t->queue);

	check_remembered(t);
	switch (t->state) {
	case THREAD_INACTIVE:
		CHECK(!linked && !t->reply);
		break;
	case THREAD_SENDING:
	case THREAD_RECEIVING:
	case THREAD_WAITING:
		CHECK(linked && !t->reply);
		break;
	case THREAD_REPLY:
		CHECK(t->reply && t->reply->object == t && linked == (t->endpoint != NULL));
		break;
	case THREAD_READY:
		CHECK(linked == (t->queued != 0));
		break;
	}
}

/* Its priority is the highest of its own and of those directly before it (kernel/priority.h); it is in the list of the Endpoint where it receives. */
static inline void check_priority(struct thread *t)
{
	const struct endpoint *ep = t->receives;
	struct cte *slot = ep ? cspace_system_slot(t, thread_reply_slot(t)) : NULL;
	struct thread *first = ep && !ep->receiving ? list_first_entry(&ep->queue, struct thread, queue) : NULL;
	u8 wanted = MAX(t->priority_own, first ? first->priority : 0);

	if (slot && cap_type(slot) == OBJECT_REPLY && reply_caller(slot) && reply_caller(slot)->endpoint == ep)
		wanted = MAX(wanted, reply_caller(slot)->priority);
	CHECK_EQ(t->priority, wanted);
	CHECK_EQ(t->boosted, t->priority > t->priority_own);
	CHECK(list_linked(&t->server) == (ep != NULL));
	CHECK(t->state != THREAD_RECEIVING || (t->receives == ep && !t->boosted));
}

/* Puts the wanted thread on the core as the scheduler would: the tests decide who runs. */
static inline struct thread *run(struct thread *t)
{
	struct core *core = this_core();

	if (core->current == t)
		return t;
	thread_unready(core->current);
	thread_unready(t);
	thread_account(core->current, t);
	core->current = t;
	t->core = core;
	idle_mask &= ~core->mask;
	return t;
}

#endif
