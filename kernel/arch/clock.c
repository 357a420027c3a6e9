/*
 * Time: the TSC is the clock, the local APIC's timer (one-shot) the alarm. Both are measured once against the ACPI PM timer, or the
 * PIT where there is none, unless the CPU or hypervisor tells their rates. Date and time come from the CMOS clock once.
 */
#include "kernel/arch/x86.h"
#include "kernel/schedule.h"

#define NS_PER_SECOND 1000000000ull
#define PM_TIMER_HZ 3579545u
#define PM_TIMER_MASK 0xffffffu /* 24 bits on every machine */
#define PIT_HZ 1193182u
#define MEASURE_SHARE 1000 /* of a second: 1 ms */
#define ROUND_SPIN 2000    /* loop turns between two looks at the reference: port reads are slow in virtual machines */

#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61

#define HYPERVISOR_TIMING 0x40000010

struct clock_page arch_clock_page __attribute__((aligned(PAGE_SIZE), section(".bss.pages")));
u64 clock_boot_tsc;

static u64 lapic_mult;  /* timer ticks per ns, 32.32 */

static u64 scale(u64 value, u64 mult)
{
	return (u64)((unsigned __int128)value * mult >> 32);
}

/* (a << 32) / b for quotients that fit 64 bits, without a 128-bit division. */
static u64 ratio32(u64 a, u64 b)
{
	u64 whole = a / b, rest = a % b;

	for (unsigned i = 0; i < 32; i++) {
		rest <<= 1;
		whole = whole << 1 | (rest >= b);
		if (rest >= b)
			rest -= b;
	}
	return whole;
}

paddr_t arch_clock_page_address(void)
{
	return image_to_phys(&arch_clock_page);
}

/* ---- the reference ---- */

/* Channel 2, counting down from 65536 with the speaker off. */
static void pit_start(void)
{
	out8(PIT_GATE, (in8(PIT_GATE) & ~2) | 1);
	out8(PIT_COMMAND, 0xb0);
	out8(PIT_CHANNEL2, 0xff);
	out8(PIT_CHANNEL2, 0xff);
}

static u32 pit_elapsed(void)
{
	u32 low, high;

	out8(PIT_COMMAND, 0x80); /* latch */
	low = in8(PIT_CHANNEL2);
	high = in8(PIT_CHANNEL2);
	return 0xffff - (high << 8 | low);
}

static u32 reference(void)
{
	return acpi.pm_timer_port ? in32(acpi.pm_timer_port) & PM_TIMER_MASK : pit_elapsed();
}

struct sample {
	u32 reference, lapic;
	u64 tsc;
};

/* The TSC around a look at the other two; the tightest of a few tries, so that an interruption by the host does not count. */
static struct sample take_sample(void)
{
	struct sample best = { 0 };
	u64 best_width = ~0ull;

	for (unsigned i = 0; i < 4; i++) {
		u64 before = rdtsc();
		u32 value = reference();
		u32 lapic = lapic_read(LAPIC_TIMER_CURRENT);
		u64 width = rdtsc() - before;

		if (width < best_width) {
			best_width = width;
			best = (struct sample){ .reference = value, .lapic = lapic, .tsc = before + width / 2 };
		}
	}
	return best;
}

static void spin(unsigned turns)
{
	for (volatile unsigned i = 0; i < turns; i++)
		;
}

static void measure(u64 *tsc_hz, u64 *lapic_hz)
{
	u32 hz = acpi.pm_timer_port ? PM_TIMER_HZ : PIT_HZ, mask = acpi.pm_timer_port ? PM_TIMER_MASK : 0xffff;
	struct sample first, last;
	u64 ticks;

	if (!acpi.pm_timer_port)
		pit_start();
	lapic_write(LAPIC_TIMER_INITIAL, ~0u);
	first = take_sample();
	do
		spin(ROUND_SPIN);
	while (((reference() - first.reference) & mask) < hz / MEASURE_SHARE);
	last = take_sample();
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	ticks = (last.reference - first.reference) & mask;
	*tsc_hz = (last.tsc - first.tsc) * hz / ticks;
	*lapic_hz = (u64)(first.lapic - last.lapic) * hz / ticks;
}

/* CPUID 15h: TSC to crystal; 16h: base MHz, which gives the crystal where 15h leaves it out (SDM 18.18.3). */
static u64 tsc_hz_from_cpu(void)
{
	u32 max = cpuid(0, 0).eax;
	struct cpuid r;

	if (max < 0x15)
		return 0;
	r = cpuid(0x15, 0);
	if (!r.eax || !r.ebx)
		return 0;
	if (r.ecx)
		return (u64)r.ecx * r.ebx / r.eax;
	return max >= 0x16 ? (u64)(cpuid(0x16, 0).eax & 0xffff) * 1000000 : 0;
}

static bool rates_from_hypervisor(u64 *tsc_hz, u64 *lapic_hz)
{
	struct cpuid r;

	if (!(cpuid(1, 0).ecx >> 31) || cpuid(0x40000000, 0).eax < HYPERVISOR_TIMING)
		return false;
	r = cpuid(HYPERVISOR_TIMING, 0);
	*tsc_hz = r.eax * 1000ull;
	*lapic_hz = r.ebx * 1000ull / LAPIC_TIMER_DIVIDE;
	return r.eax && r.ebx;
}

/* ---- date and time ---- */

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_SECOND 0
#define CMOS_MINUTE 2
#define CMOS_HOUR 4
#define CMOS_DAY 7
#define CMOS_MONTH 8
#define CMOS_YEAR 9
#define CMOS_A 0x0a
#define CMOS_B 0x0b
#define CMOS_UPDATING 0x80
#define CMOS_B_24_HOURS 2
#define CMOS_B_BINARY 4
#define CMOS_PM 0x80
#define CMOS_PATIENCE 100000 /* reads; an update takes 2 ms at most */

static u8 cmos_read(u8 reg)
{
	out8(CMOS_INDEX, reg);
	return in8(CMOS_DATA);
}

static unsigned cmos_number(u8 reg, bool binary)
{
	unsigned v = cmos_read(reg);

	return binary ? v : (v >> 4) * 10 + (v & 15);
}

static unsigned cmos_hour(u8 mode)
{
	unsigned raw = cmos_read(CMOS_HOUR);
	unsigned hour = raw & ~CMOS_PM;

	if (!(mode & CMOS_B_BINARY))
		hour = (hour >> 4) * 10 + (hour & 15);
	if (mode & CMOS_B_24_HOURS)
		return hour;
	return hour % 12 + (raw & CMOS_PM ? 12 : 0);
}

/* Days from 1970-01-01 of a Gregorian date: years begin in March, so that the leap day is last. */
static u64 days_from_epoch(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year;
	unsigned in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return 365ull * y + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

static u64 cmos_seconds(void)
{
	u8 mode;
	bool binary;
	unsigned year, century;

	for (unsigned i = 0; i < CMOS_PATIENCE && cmos_read(CMOS_A) & CMOS_UPDATING; i++)
		;
	mode = cmos_read(CMOS_B);
	binary = mode & CMOS_B_BINARY;
	century = acpi.century_register ? cmos_number(acpi.century_register, binary) : 20;
	year = century * 100 + cmos_number(CMOS_YEAR, binary);
	return days_from_epoch(year, cmos_number(CMOS_MONTH, binary), cmos_number(CMOS_DAY, binary)) * 86400 +
	       cmos_hour(mode) * 3600ull + cmos_number(CMOS_MINUTE, binary) * 60 + cmos_number(CMOS_SECOND, binary);
}

/* The registers change together once a second: read until two readings agree. */
static u64 realtime_seconds(void)
{
	u64 seconds = cmos_seconds(), again;

	for (unsigned i = 0; i < 4 && (again = cmos_seconds()) != seconds; i++)
		seconds = again;
	return seconds;
}

void clock_init(void)
{
	u64 tsc_hz = 0, lapic_hz = 0, told;

	if (!rates_from_hypervisor(&tsc_hz, &lapic_hz)) {
		told = tsc_hz_from_cpu();
		measure(&tsc_hz, &lapic_hz);
		if (told)
			tsc_hz = told;
	}
	if (!tsc_hz || !lapic_hz)
		panic("clock: the TSC or the local APIC's timer does not count");
	arch_clock_page.tsc_base = clock_boot_tsc;
	arch_clock_page.tsc_hz = tsc_hz;
	arch_clock_page.mult = ratio32(NS_PER_SECOND, tsc_hz);
	lapic_mult = ratio32(lapic_hz, NS_PER_SECOND);
	arch_clock_page.realtime_base = realtime_seconds() * NS_PER_SECOND - arch_clock_ns();
	klog(LOG_DEBUG, "clock: TSC %lu kHz, timer %lu kHz", tsc_hz / 1000, lapic_hz / 1000);
}

/* ---- the alarm ---- */

static void alarm_program(const struct core *core, u64 now)
{
	u64 wait = core->alarm_ns > now ? core->alarm_ns - now : 0;
	u64 ticks = scale(MIN(wait, 1ull << 62), lapic_mult) + 1;

	lapic_write(LAPIC_TIMER_INITIAL, (u32)MIN(ticks, 0xffffffffull));
}

void arch_timer_set(u64 deadline_ns)
{
	struct core *core = this_core();

	core->alarm_ns = deadline_ns;
	if (deadline_ns == ~0ull)
		lapic_write(LAPIC_TIMER_INITIAL, 0);
	else
		alarm_program(core, arch_clock_ns());
}

/* The timer counts 32 bits, and its rate was measured: when it fires too early it is set again. */
struct thread *clock_interrupt(struct thread *thread)
{
	struct core *core = this_core();
	u64 now = arch_clock_ns();

	if (core->alarm_ns == ~0ull)
		return schedule_if_needed(thread);
	if (now < core->alarm_ns) {
		alarm_program(core, now);
		return schedule_if_needed(thread);
	}
	core->alarm_ns = ~0ull;
	return kernel_timer(thread);
}
