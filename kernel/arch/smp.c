/*
 * The other cores: started one after the other with the interrupts that the MultiProcessor specification (B.4) prescribes, reached by interrupts
 * afterwards, stopped by a panic.
 */
#include "kernel/arch/x86.h"
#include "kernel/park.h"
#include "lib/string.h"

#define INIT_WAIT_NS  10000000ull  /* between INIT and the first start interrupt, once for all cores */
#define START_WAIT_NS 200000ull    /* until the second one */
#define COME_WAIT_NS 1000000000ull /* until the core is given up: a busy host may take its time */

/* A core's area, above its stack. */
struct core_area {
	u8 stack[KERNEL_STACK_SIZE];
	struct core_tables tables;
	struct core core;
	u8 idle[1 << THREAD_SIZE_BITS] __attribute__((aligned(64)));
};
_Static_assert(sizeof(struct core_area) <= 0xf000, "fits memory_core_area");

volatile struct core_start core_start;

static struct core_area *area[CORE_MAX]; /* by the order of the firmware's list; none for the first core */
static u8 apic_of[CORE_MAX];             /* by core number */
static bool started;                     /* the core whose turn it is */
static volatile bool stopping;

void cores_prepare(void)
{
	machine.core_count = MIN(MAX(acpi.core_count, 1u), (unsigned)CORE_MAX);
	apic_of[0] = lapic_id();
	if (acpi.core_count > CORE_MAX)
		klog(LOG_WARNING, "cores: %u of %u are used", CORE_MAX, acpi.core_count);
	if (machine.core_count == 1)
		return;
	if (!memory_low_page()) {
		klog(LOG_WARNING, "cores: no memory below 1 MiB to start them in; only one is used");
		machine.core_count = 1;
	}
	for (unsigned i = 0; i < machine.core_count; i++)
		if (acpi.core_apic[i] != apic_of[0])
			area[i] = (struct core_area *)memory_core_area(i, sizeof(struct core_area));
}

struct core_tables *core_tables_of(struct core *core)
{
	return &container_of(core, struct core_area, core)->tables;
}

void core_started(void)
{
	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
}

void arch_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static void wait_ns(u64 ns)
{
	u64 end = arch_clock_ns() + ns;

	while (arch_clock_ns() < end)
		arch_relax();
}

static bool wait_come(u64 ns)
{
	u64 end = arch_clock_ns() + ns;

	while (core_start.turn && arch_clock_ns() < end)
		arch_relax();
	return !core_start.turn;
}

/* False: it has come meanwhile. One that comes later finds that it is not its turn (trampoline.S): an INIT would not do, which QEMU forgets no start interrupt for. */
static bool give_up(u8 apic)
{
	u32 turn = apic + 1u;

	return __atomic_compare_exchange_n(&core_start.turn, &turn, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static bool start(u8 apic, struct core_area *a, unsigned number, paddr_t page)
{
	core_init(&a->core, (u64)a->stack + KERNEL_STACK_SIZE, number);
	a->core.idle = (struct thread *)a->idle;
	core_start.stack = (u64)a->stack + KERNEL_STACK_SIZE;
	core_start.core = (u64)&a->core;
	started = false;
	__atomic_store_n(&core_start.turn, apic + 1u, __ATOMIC_RELEASE);
	lapic_send(apic, IPI_START | (u32)(page >> PAGE_SHIFT));
	if (!wait_come(START_WAIT_NS))
		lapic_send(apic, IPI_START | (u32)(page >> PAGE_SHIFT));
	if (!wait_come(COME_WAIT_NS) && give_up(apic)) {
		klog(LOG_WARNING, "cores: the one with APIC %u does not start", apic);
		return false;
	}
	while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE))
		arch_relax();
	return true;
}

unsigned arch_start_cores(void)
{
	paddr_t page = memory_low_page();
	unsigned count = 1;

	if (machine.core_count == 1)
		return count;
	memcpy(phys_to_virt(page), trampoline, (size_t)(trampoline_end - trampoline));
	core_start.efer = msr_read(MSR_EFER);
	core_start.cr3 = memory_kernel_top();
	core_start.cr4 = cr4_read();
	core_start.cr0 = cr0_read();
	for (unsigned i = 0; i < machine.core_count; i++)
		if (area[i])
			lapic_send(acpi.core_apic[i], IPI_INIT);
	wait_ns(INIT_WAIT_NS);
	for (unsigned i = 0; i < machine.core_count; i++) {
		if (!area[i] || !start(acpi.core_apic[i], area[i], count, page))
			continue;
		apic_of[count] = acpi.core_apic[i];
		cores[count++] = &area[i]->core;
	}
	return count;
}

void arch_interrupt_core(const struct core *core, enum arch_ipi what)
{
	lapic_send(apic_of[core->number], IPI_FIXED | (what == ARCH_IPI_REQUEST ? VECTOR_REQUEST : VECTOR_SCHEDULE));
}

void arch_stop_other_cores(void)
{
	stopping = true;
	for (unsigned i = 0; i < core_count; i++)
		if (i != this_core()->number)
			lapic_send(apic_of[i], IPI_NMI);
}

void core_stop_if_told(void)
{
	if (stopping)
		arch_halt();
}
