// sources: kernel/arch/acpi.c
/*
 * The reader of ACPI's tables: what it finds in good ones, and that no table, however wrong, makes it read past the first 4 GiB, which are all that is
 * mapped. The 4 GiB are reserved, not used, and end in a page that cannot be read.
 */
#include <sys/mman.h>

#include "kernel/arch/x86.h"
#include "lib/hash.h"
#include "tests/host/check.h"

#define WINDOW (1ul << 32)

u64 host_physmap;
enum log_level log_threshold;
static unsigned warnings;

void klog(enum log_level level, const char *format, ...)
{
	(void)format;
	warnings += level <= LOG_WARNING;
}

static u8 *at(paddr_t p)
{
	return (u8 *)host_physmap + p;
}

static void window_make(void)
{
	u8 *base = mmap(NULL, WINDOW + PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	host_physmap = (u64)base;
	mprotect(base + WINDOW, PAGE_SIZE, PROT_NONE);
}

static void checksum(u8 *data, u32 length, u32 place)
{
	u8 sum = 0;

	data[place] = 0;
	for (u32 i = 0; i < length; i++)
		sum += data[i];
	data[place] = -sum;
}

static void put(paddr_t p, u64 value, unsigned bytes)
{
	memcpy(at(p), &value, bytes);
}

static void seal(paddr_t p, const char *signature, u32 length)
{
	memcpy(at(p), signature, 4);
	put(p + 4, length, 4);
	checksum(at(p), length, 9);
}

#define ROOT 0x1000
#define LIST 0x2000
#define MADT 0x3000
#define FADT 0x4000
#define DSDT 0x5000

static const u8 madt_entries[] = {
	0, 8, 0, 0, 1, 0, 0, 0,                   /* a processor */
	0, 8, 1, 1, 0, 0, 0, 0,                   /* one that is switched off */
	0, 8, 2, 2, 1, 0, 0, 0,
	1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0,
	2, 10, 0, 0, 2, 0, 0, 0, 0, 0,            /* IRQ 0 is GSI 2, as the bus has it */
	2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0,         /* level, active low */
	2, 10, 0, 200, 9, 0, 0, 0, 0x0f, 0,       /* no such interrupt */
};
static const u8 s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00 };

static void tables_make(void)
{
	memset(at(ROOT), 0, 0x10000);
	memcpy(at(MADT + 44), madt_entries, sizeof(madt_entries));
	put(MADT + 36, 0xfee00000, 4);
	seal(MADT, "APIC", 44 + sizeof(madt_entries));
	memcpy(at(DSDT + 100), s5, sizeof(s5));
	seal(DSDT, "DSDT", 300);
	put(FADT + 40, DSDT, 4);
	put(FADT + 64, 0x604, 4);
	put(FADT + 76, 0x608, 4);
	put(FADT + 108, 0x32, 1);
	put(FADT + 112, BIT(10), 4);
	put(FADT + 116, 1, 1);
	put(FADT + 120, 0xcf9, 8);
	put(FADT + 128, 6, 1);
	seal(FADT, "FACP", 244);
	put(LIST + 36, MADT, 4);
	put(LIST + 40, FADT, 4);
	seal(LIST, "RSDT", 44);
	memcpy(at(ROOT), "RSD PTR ", 8);
	put(ROOT + 16, LIST, 4);
	checksum(at(ROOT), 20, 8);
}

static void read(paddr_t root)
{
	acpi = (struct acpi){ .lapic = 0xfee00000 };
	warnings = 0;
	acpi_init(root);
	CHECK(acpi.ioapic_count >= 1 && acpi.ioapic_count <= ARRAY_SIZE(acpi.ioapic));
}

static void good_tables_say_what_is_there(void)
{
	tables_make();
	read(ROOT);
	CHECK_EQ(acpi.core_count, 2);
	CHECK_EQ(acpi.ioapic_count, 1);
	CHECK_EQ(acpi.ioapic[0].address, 0xfec00000);
	CHECK_EQ(acpi.ioapic[0].gsi_base, 24);
	CHECK(acpi.isa[0].valid && acpi.isa[0].gsi == 2 && acpi.isa[0].isa_default);
	CHECK(acpi.isa[9].valid && acpi.isa[9].level && acpi.isa[9].active_low && !acpi.isa[1].valid);
	CHECK(acpi.has_s5 && acpi.s5_type_a == 5 && acpi.s5_type_b == 1);
	CHECK_EQ(acpi.pm1a_control, 0x604);
	CHECK_EQ(acpi.pm_timer_port, 0x608);
	CHECK(acpi.has_reset && acpi.reset.space == 1 && acpi.reset.address == 0xcf9 && acpi.reset_value == 6);
	CHECK_EQ(warnings, 0);
}

static void what_is_not_there_has_its_usual_place(void)
{
	tables_make();
	put(ROOT + 8, 77, 1);
	read(ROOT);
	CHECK_EQ(warnings, 1);
	CHECK_EQ(acpi.ioapic[0].address, 0xfec00000);
	CHECK_EQ(acpi.lapic, 0xfee00000);
	tables_make();
	put(MADT + 9, 77, 1);
	read(ROOT);
	CHECK(!acpi.core_count && acpi.pm1a_control == 0x604);
}

static void the_root_pointer_is_found_where_pcs_have_it(void)
{
	tables_make();
	memcpy(at(0xf1230), at(ROOT), 36);
	read(0);
	CHECK_EQ(acpi.core_count, 2);
	memset(at(0xf1230), 0, 36);
}

/* The list names a table whose bytes go up to the end of what is mapped, or would go on behind it. */
static void a_table_that_ends_behind_4_gib_is_none(void)
{
	const paddr_t places[] = { WINDOW - 0x2000, WINDOW - 0x1001, WINDOW - 44, WINDOW - 36, WINDOW - 8, WINDOW - 1 };
	const u32 lengths[] = { 44, 0x1000, 0x2000, 1 << 20, ~0u };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		for (unsigned n = 0; n < ARRAY_SIZE(lengths); n++) {
			tables_make();
			put(LIST + 36, places[i], 4);
			seal(LIST, "RSDT", 44);
			if (places[i] + 8 <= WINDOW) {
				memcpy(at(places[i]), "APIC", 4);
				put(places[i] + 4, lengths[n], 4);
			}
			read(ROOT);
			CHECK_EQ(acpi.core_count, 0);
			read(places[i]);
			memset(at(places[i]), 0, WINDOW - places[i]);
		}
	}
}

/* Bytes at random places of good tables; the sums are made right again, so that what is wrong is read. */
static void damaged_tables_do_no_harm(void)
{
	static const struct {
		paddr_t at;
		u32 length;
	} tables[] = { { LIST, 44 }, { MADT, 44 + sizeof(madt_entries) }, { FADT, 244 }, { DSDT, 300 } };
	u64 seed = 17;

	for (unsigned step = 0; step < 40000 && !CHECK_FAILED(); step++) {
		tables_make();
		for (unsigned changes = 1 + splitmix64_next(&seed) % 4; changes; changes--) {
			unsigned i = splitmix64_next(&seed) % ARRAY_SIZE(tables);
			u32 place = splitmix64_next(&seed) % tables[i].length, length;

			*at(tables[i].at + place) = splitmix64_next(&seed) % 3 ? splitmix64_next(&seed) : 0xff;
			memcpy(&length, at(tables[i].at + 4), 4);
			if (length >= 36 && length <= 0x10000)
				checksum(at(tables[i].at), length, 9);
		}
		if (splitmix64_next(&seed) % 4 == 0)
			put(ROOT + 16, splitmix64_next(&seed), 4);
		checksum(at(ROOT), 20, 8);
		read(ROOT);
	}
}

/* Nothing but noise where the tables are; the root pointer is right. */
static void noise_does_no_harm(void)
{
	u64 seed = 23;

	for (unsigned step = 0; step < 2000 && !CHECK_FAILED(); step++) {
		tables_make();
		for (paddr_t p = MADT + 44; p < FADT; p += 8)
			put(p, splitmix64_next(&seed), 8);
		seal(MADT, "APIC", 44 + splitmix64_next(&seed) % 3000);
		for (paddr_t p = DSDT + 36; p < DSDT + 0x1000; p++)
			put(p, splitmix64_next(&seed) % 3 ? s5[splitmix64_next(&seed) % sizeof(s5)] : splitmix64_next(&seed), 1);
		memcpy(at(DSDT + 36 + splitmix64_next(&seed) % 3900), s5, 6);
		seal(DSDT, "DSDT", 36 + splitmix64_next(&seed) % 4000);
		read(ROOT);
	}
}

int main(void)
{
	window_make();
	RUN(good_tables_say_what_is_there);
	RUN(what_is_not_there_has_its_usual_place);
	RUN(the_root_pointer_is_found_where_pcs_have_it);
	RUN(a_table_that_ends_behind_4_gib_is_none);
	RUN(damaged_tables_do_no_harm);
	RUN(noise_does_no_harm);
	return check_result();
}
