/* The few facts that the kernel needs of ACPI's tables (ACPI 6.5, chapter 5): interrupt controllers, timer, power off, reset. */
#include "kernel/arch/x86.h"
#include "lib/string.h"

struct acpi acpi = { .lapic = 0xfee00000 };

struct table {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
	u8 body[];
} __attribute__((packed));
_Static_assert(sizeof(struct table) == 36, "ACPI table header");

struct root_pointer {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt, length;
	u64 xsdt;
} __attribute__((packed));

#define FADT_DSDT 40
#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68
#define FADT_PM_TIMER 76
#define FADT_CENTURY 108
#define FADT_FLAGS 112
#define FADT_RESET 116
#define FADT_RESET_VALUE 128
#define FADT_FLAG_RESET BIT(10)

#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define MADT_OVERRIDE 2
#define MADT_LAPIC_ADDRESS 5
#define MADT_ENABLED 1

static bool sums_to_zero(const void *data, u32 length)
{
	u8 sum = 0;

	for (u32 i = 0; i < length; i++)
		sum += ((const u8 *)data)[i];
	return sum == 0;
}

#define MAPPED_END (4ull << 30) /* of what can always be looked at */

/* NULL unless it lies in what is mapped and is whole. */
static const struct table *table_at(paddr_t p)
{
	const struct table *t = phys_to_virt(p);

	if (!p || p > MAPPED_END - sizeof(*t) || t->length < sizeof(*t) || t->length > 1 << 20 || t->length > MAPPED_END - p ||
	    !sums_to_zero(t, t->length))
		return NULL;
	return t;
}

/* Unaligned fields; beyond the table's end: 0. */
static u64 field(const struct table *t, u32 offset, unsigned bytes)
{
	u64 value = 0;

	if (offset + bytes <= t->length)
		memcpy(&value, (const u8 *)t + offset, bytes);
	return value;
}

static void read_override(const struct table *t, u32 at)
{
	u8 irq = field(t, at + 3, 1);
	u16 flags = field(t, at + 8, 2);

	if (irq >= ARRAY_SIZE(acpi.isa))
		return;
	acpi.isa[irq].valid = true;
	acpi.isa[irq].gsi = field(t, at + 4, 4);
	acpi.isa[irq].isa_default = (flags & 0xf) == 0;
	acpi.isa[irq].active_low = (flags & 3) == 3;
	acpi.isa[irq].level = (flags >> 2 & 3) == 3;
}

static void add_core(u8 apic, u32 flags)
{
	if (!(flags & MADT_ENABLED))
		return;
	if (acpi.core_count < CORE_MAX)
		acpi.core_apic[acpi.core_count] = apic;
	acpi.core_count++;
}

static void read_madt_entry(const struct table *t, u32 at)
{
	switch (field(t, at, 1)) {
	case MADT_LAPIC:
		add_core(field(t, at + 3, 1), field(t, at + 4, 4));
		break;
	case MADT_IOAPIC:
		if (acpi.ioapic_count == ARRAY_SIZE(acpi.ioapic))
			break;
		acpi.ioapic[acpi.ioapic_count].address = field(t, at + 4, 4);
		acpi.ioapic[acpi.ioapic_count++].gsi_base = field(t, at + 8, 4);
		break;
	case MADT_OVERRIDE:
		read_override(t, at);
		break;
	case MADT_LAPIC_ADDRESS:
		acpi.lapic = field(t, at + 4, 8);
		break;
	}
}

static void read_madt(const struct table *t)
{
	acpi.lapic = field(t, 36, 4);
	for (u32 at = 44; at + 2 <= t->length; at += field(t, at + 1, 1)) {
		if (field(t, at + 1, 1) < 2)
			break;
		read_madt_entry(t, at);
	}
}

/* One integer of AML's package: ZeroOp, OneOp or BytePrefix. */
static const u8 *read_integer(const u8 *at, u8 *value)
{
	*value = at[0] == 0x0a ? at[1] : at[0];
	return at + (at[0] == 0x0a ? 2 : 1);
}

/* Name (_S5_, Package { SLP_TYPa, SLP_TYPb, ... }): 08 "_S5_" 12 PkgLength count integers. */
static void find_s5(const struct table *dsdt)
{
	const u8 *end = (const u8 *)dsdt + dsdt->length - 16;

	for (const u8 *at = dsdt->body; at < end; at++) {
		if (memcmp(at, "_S5_\x12", 5))
			continue;
		at += 5;
		at += (*at >> 6) + 2; /* PkgLength of 1 to 4 bytes, then the count */
		acpi.has_s5 = true;
		read_integer(read_integer(at, &acpi.s5_type_a), &acpi.s5_type_b);
		return;
	}
}

static void read_fadt(const struct table *t)
{
	const struct table *dsdt = table_at(field(t, FADT_DSDT, 4));

	acpi.pm1a_control = field(t, FADT_PM1A_CONTROL, 4);
	acpi.pm1b_control = field(t, FADT_PM1B_CONTROL, 4);
	acpi.pm_timer_port = field(t, FADT_PM_TIMER, 4);
	acpi.century_register = field(t, FADT_CENTURY, 1);
	if (field(t, FADT_FLAGS, 4) & FADT_FLAG_RESET) {
		acpi.has_reset = true;
		acpi.reset = (struct acpi_port){ .space = field(t, FADT_RESET, 1), .address = field(t, FADT_RESET + 4, 8) };
		acpi.reset_value = field(t, FADT_RESET_VALUE, 1);
	}
	if (dsdt)
		find_s5(dsdt);
}

static const struct root_pointer *root_at(paddr_t p)
{
	const struct root_pointer *r = phys_to_virt(p);

	return p && p <= MAPPED_END - sizeof(*r) && !memcmp(r->signature, "RSD PTR ", 8) && sums_to_zero(r, 20) ? r : NULL;
}

/* Where PCs have it, if the loader did not say. */
static const struct root_pointer *find_root(paddr_t told)
{
	const struct root_pointer *r = root_at(told);

	for (paddr_t p = 0xe0000; !r && p < 0x100000; p += 16)
		r = root_at(p);
	return r;
}

static void read_tables(const struct table *list, unsigned width)
{
	for (u32 at = sizeof(*list); at + width <= list->length; at += width) {
		const struct table *t = table_at(field(list, at, width));

		if (t && !memcmp(t->signature, "APIC", 4))
			read_madt(t);
		else if (t && !memcmp(t->signature, "FACP", 4))
			read_fadt(t);
	}
}

void acpi_init(paddr_t rsdp)
{
	const struct root_pointer *root = find_root(rsdp);
	const struct table *xsdt = root && root->revision >= 2 ? table_at(root->xsdt) : NULL;
	const struct table *list = xsdt ? xsdt : root ? table_at(root->rsdt) : NULL;

	if (list)
		read_tables(list, xsdt ? 8 : 4);
	else
		klog(LOG_WARNING, "ACPI: no tables; interrupt controllers at their usual addresses");
	if (!acpi.ioapic_count) {
		acpi.ioapic[0].address = 0xfec00000;
		acpi.ioapic_count = 1;
	}
}
