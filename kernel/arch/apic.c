/* Interrupt controllers: the core's local APIC (xAPIC mode), the IOAPICs, and the PC's old ones, which are masked for good. */
#include "kernel/arch/x86.h"
#include "kernel/lock.h"
#include "kernel/remote.h"
#include "kernel/schedule.h"

#define LAPIC_ID        0x20
#define LAPIC_TASK      0x80
#define LAPIC_EOI       0xb0
#define LAPIC_SPURIOUS  0xf0
#define LAPIC_COMMAND   0x300
#define LAPIC_COMMAND_TO 0x310
#define COMMAND_PENDING BIT(12)
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_TIMER_DIVIDER 0x3e0
#define LAPIC_ENABLE    BIT(8)
#define LVT_MASKED      BIT(16)
#define LVT_NMI         0x400
#define DIVIDE_BY_16    3
#define APIC_BASE_ENABLE BIT(11)
#define APIC_BASE_X2APIC BIT(10)

#define IOAPIC_VERSION  1
#define IOAPIC_TABLE    0x10
#define ROUTE_ACTIVE_LOW BIT(13)
#define ROUTE_LEVEL     BIT(15)
#define ROUTE_MASKED    BIT(16)
#define ROUTE_CORE_SHIFT 56

#define PIC_1 0x20
#define PIC_2 0xa0

static volatile u32 *lapic;

/* What drives each GSI; route is the entry without its mask. */
static struct {
	volatile u32 *ioapic;
	unsigned entry;
	bool enabled;
	u64 route;
} lines[ARCH_GSI_MAX];

u32 lapic_read(unsigned reg)
{
	return lapic[reg / 4];
}
void lapic_write(unsigned reg, u32 value)
{
	lapic[reg / 4] = value;
}

u8 lapic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

/* Interrupts are off: nobody writes the register between the two halves. */
void lapic_send(u8 apic, u32 command)
{
	while (lapic_read(LAPIC_COMMAND) & COMMAND_PENDING)
		arch_relax();
	lapic_write(LAPIC_COMMAND_TO, (u32)apic << 24);
	lapic_write(LAPIC_COMMAND, command);
}

static u32 ioapic_read(volatile u32 *ioapic, unsigned reg)
{
	ioapic[0] = reg;
	return ioapic[4];
}
static void ioapic_write(volatile u32 *ioapic, unsigned reg, u32 value)
{
	ioapic[0] = reg;
	ioapic[4] = value;
}

/* The masked half is written so that the line is never live with half an entry. */
static void route_write(unsigned gsi, u64 route)
{
	unsigned reg = IOAPIC_TABLE + 2 * lines[gsi].entry;

	ioapic_write(lines[gsi].ioapic, reg, ROUTE_MASKED);
	ioapic_write(lines[gsi].ioapic, reg + 1, route >> 32);
	ioapic_write(lines[gsi].ioapic, reg, (u32)route);
}

static void line_mask(unsigned gsi, bool masked)
{
	ioapic_write(lines[gsi].ioapic, IOAPIC_TABLE + 2 * lines[gsi].entry,
		     (u32)lines[gsi].route | (masked ? ROUTE_MASKED : 0));
}

/* Initialised with vectors that no one uses and all lines masked: its spurious interrupts must not look like exceptions. */
static void pic_mask(void)
{
	static const u8 words[] = { 0x20, 0x28 };

	for (unsigned i = 0; i < 2; i++) {
		u16 port = i ? PIC_2 : PIC_1;

		out8(port, 0x11);
		out8(port + 1, words[i]);
		out8(port + 1, i ? 2 : 4);
		out8(port + 1, 1);
		out8(port + 1, 0xff);
	}
}

void lapic_init(void)
{
	u64 base = msr_read(MSR_APIC_BASE);

	if (base & APIC_BASE_X2APIC)
		panic("the local APIC is in x2APIC mode, which this kernel does not support yet");
	msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	lapic_write(LAPIC_TASK, 0);
	lapic_write(LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	lapic_write(LAPIC_TIMER_DIVIDER, DIVIDE_BY_16);
	lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER); /* one-shot */
}

static void ioapic_init(paddr_t address, u32 gsi_base)
{
	volatile u32 *ioapic = phys_to_virt(address);
	unsigned count = (ioapic_read(ioapic, IOAPIC_VERSION) >> 16 & 0xff) + 1;

	for (unsigned i = 0; i < count; i++) {
		ioapic_write(ioapic, IOAPIC_TABLE + 2 * i, ROUTE_MASKED);
		if (gsi_base + i >= ARCH_GSI_MAX)
			continue;
		lines[gsi_base + i].ioapic = ioapic;
		lines[gsi_base + i].entry = i;
	}
}

void apic_init(void)
{
	pic_mask();
	lapic = phys_to_virt(acpi.lapic);
	lapic_init();
	for (unsigned i = 0; i < acpi.ioapic_count; i++)
		ioapic_init(acpi.ioapic[i].address, acpi.ioapic[i].gsi_base);
}

/* The firmware knows better than a driver how an ISA interrupt arrives. */
static void firmware_mode(unsigned gsi, bool *level, bool *active_low)
{
	for (unsigned i = 0; i < ARRAY_SIZE(acpi.isa); i++) {
		if (!acpi.isa[i].valid || acpi.isa[i].gsi != gsi || acpi.isa[i].isa_default)
			continue;
		*level = acpi.isa[i].level;
		*active_low = acpi.isa[i].active_low;
	}
}

int arch_irq_enable(unsigned gsi, bool level, bool active_low)
{
	u64 core = lapic_id();

	if (gsi >= ARCH_GSI_MAX || !lines[gsi].ioapic)
		return K_INVALID_ARG;
	firmware_mode(gsi, &level, &active_low);
	lines[gsi].route = (VECTOR_GSI + gsi) | (level ? ROUTE_LEVEL : 0) | (active_low ? ROUTE_ACTIVE_LOW : 0) |
			   core << ROUTE_CORE_SHIFT;
	lines[gsi].enabled = true;
	route_write(gsi, lines[gsi].route);
	return K_OK;
}

void arch_irq_disable(unsigned gsi)
{
	if (gsi >= ARCH_GSI_MAX || !lines[gsi].enabled)
		return;
	lines[gsi].enabled = false;
	line_mask(gsi, true);
}

void arch_irq_ack(unsigned gsi)
{
	if (gsi < ARCH_GSI_MAX && lines[gsi].enabled && lines[gsi].route & ROUTE_LEVEL)
		line_mask(gsi, false);
}

static struct thread *line_interrupt(struct thread *thread, unsigned gsi)
{
	bool level = lines[gsi].route & ROUTE_LEVEL;

	if (level)
		line_mask(gsi, true);
	lapic_write(LAPIC_EOI, 0);
	if (!lines[gsi].enabled)
		return schedule_if_needed(thread);
	return kernel_irq(thread, gsi);
}

static struct thread *handle(struct thread *thread, unsigned vector)
{
	if (vector >= VECTOR_GSI && vector < VECTOR_GSI + ARCH_GSI_MAX)
		return line_interrupt(thread, vector - VECTOR_GSI);
	if (vector != VECTOR_SPURIOUS)
		lapic_write(LAPIC_EOI, 0);
	if (vector == VECTOR_TIMER)
		return clock_interrupt(thread);
	if (vector != VECTOR_SPURIOUS && vector != VECTOR_SCHEDULE && vector != VECTOR_REQUEST)
		klog(LOG_WARNING, "interrupt with unused vector %u", vector);
	return schedule_if_needed(thread);
}

/* What another core asks for is done without the lock: it holds it. */
struct thread *arch_interrupt(struct thread *thread, unsigned vector)
{
	struct thread *next;

	if (vector == VECTOR_REQUEST && !remote_answer()) {
		lapic_write(LAPIC_EOI, 0);
		return thread;
	}
	node_lock(thread);
	next = handle(this_core()->current, vector);
	node_unlock();
	return next;
}
