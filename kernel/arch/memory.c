/*
 * The kernel's address space: all RAM at PHYSMAP_BASE, the image at KERNEL_BASE with text executable, constants read-only and the rest
 * not executable. Page-table pages are taken from behind the image (behind the module if that lies there) and never given back.
 */
#include "kernel/arch/x86.h"
#include "kernel/vspace.h"
#include "lib/string.h"

#define PAGE_2M (1ull << 21)
#define PAGE_1G (1ull << 30)
#define LOW_DEVICES_END (4ull << 30)
#define MODULE_GAP (16ull << 20) /* a module nearer than this to the image might be hit by page tables */
#define GATE_INDEX 510

/* Each core but the first has an area of this size here; its first page is not mapped. */
#define CORE_AREAS 0xffffffffc0000000ul
#define CORE_AREA_SIZE 0x10000ul
#define LOW_END 0xa0000ul

static u64 *kernel_top;
static paddr_t kernel_top_address;
static paddr_t tables_start, tables_end, low_page;
static bool own_tables; /* the kernel's are loaded, not boot.S's */

static u64 flag_nx(void)
{
	return cpu_features.nx ? PTE_NX : 0;
}
static u64 flag_global(void)
{
	return cpu_features.pge ? PTE_GLOBAL : 0;
}

static bool is_ram(paddr_t base, paddr_t end)
{
	for (unsigned i = 0; i < boot_range_count; i++)
		if (boot_ranges[i].ram && base >= boot_ranges[i].base && end <= boot_ranges[i].end)
			return true;
	return false;
}

/* Any RAM or ACPI tables: to be cached. */
static bool has_memory(paddr_t base, paddr_t end)
{
	for (unsigned i = 0; i < boot_range_count; i++)
		if (base < boot_ranges[i].end && end > boot_ranges[i].base)
			return true;
	return false;
}

static void *early_view(paddr_t p)
{
	return own_tables ? phys_to_virt(p) : (void *)(KERNEL_BASE + p);
}

static u64 *take_table(paddr_t *address)
{
	paddr_t p = tables_end;

	if (!is_ram(p, p + PAGE_SIZE) || p >= PAGE_1G || (p >= machine.module_base && p < machine.module_end))
		panic("too little memory for the kernel's page tables; give the machine more");
	tables_end = p + PAGE_SIZE;
	*address = p;
	return memset(early_view(p), 0, PAGE_SIZE);
}

/* level: 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB. */
static void map(u64 virtual, paddr_t page, unsigned level, u64 flags)
{
	u64 *table = kernel_top;

	for (unsigned at = 3; at > level; at--) {
		u64 *entry = &table[virtual >> (12 + 9 * at) & 511];
		paddr_t next;

		if (!*entry) {
			take_table(&next);
			*entry = next | PTE_PRESENT | PTE_WRITE;
		}
		table = early_view(*entry & PTE_ADDRESS);
	}
	table[virtual >> (12 + 9 * level) & 511] = page | flags | PTE_PRESENT | flag_global() | (level ? PTE_LARGE : 0);
}

/* Below 4 GiB everything, since devices are there; above it only RAM. */
static void map_physical(void)
{
	paddr_t end = MAX(ALIGN_UP(machine.ram_top, PAGE_2M), LOW_DEVICES_END);
	u64 flags = PTE_WRITE | flag_nx();

	for (paddr_t p = 0; p < end;) {
		if (cpu_features.gigabyte_pages && IS_ALIGNED(p, PAGE_1G) && is_ram(p, p + PAGE_1G)) {
			map(PHYSMAP_BASE + p, p, 2, flags);
			p += PAGE_1G;
			continue;
		}
		if (has_memory(p, p + PAGE_2M))
			map(PHYSMAP_BASE + p, p, 1, flags);
		else if (p < LOW_DEVICES_END)
			map(PHYSMAP_BASE + p, p, 1, flags | PTE_UNCACHED);
		p += PAGE_2M;
	}
}

static void map_image_part(const u8 *start, const u8 *end, u64 flags)
{
	for (const u8 *at = start; at < end; at += PAGE_SIZE)
		if (at != kernel_stack_guard)
			map((u64)at, image_to_phys(at), 0, flags);
}

static void map_image(void)
{
	map_image_part(kernel_start, rodata_start, 0);
	map_image_part(rodata_start, data_start, flag_nx());
	map_image_part(data_start, kernel_end, PTE_WRITE | flag_nx());
}

static void add_ram(paddr_t base, paddr_t end)
{
	if (end <= base)
		return;
	if (machine.ram_count == ARRAY_SIZE(machine.ram)) {
		klog(LOG_WARNING, "memory: more than %u regions; %lu KiB at %lx left unused", machine.ram_count,
		     (end - base) >> 10, base);
		return;
	}
	machine.ram[machine.ram_count].base = base;
	machine.ram[machine.ram_count++].end = end;
}

/* Adds what of [base, end) is in none of the used ranges from the first on. */
static void add_free(paddr_t base, paddr_t end, const paddr_t used[][2], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (used[i][0] >= end || used[i][1] <= base)
			continue;
		add_free(base, MAX(base, used[i][0]), &used[i + 1], count - i - 1);
		base = MIN(end, used[i][1]);
	}
	add_ram(base, end);
}

void memory_list_free(void)
{
	const paddr_t used[][2] = {
		{ machine.kernel_base, machine.kernel_end },
		{ tables_start, tables_end },
		{ machine.module_base, machine.module_end },
		{ low_page, low_page + (low_page ? PAGE_SIZE : 0) },
	};

	for (unsigned i = 0; i < boot_range_count; i++)
		if (boot_ranges[i].ram)
			add_free(boot_ranges[i].base, boot_ranges[i].end, used, ARRAY_SIZE(used));
}

void memory_init(void)
{
	paddr_t top;

	tables_start = machine.kernel_end;
	if (machine.module_base >= tables_start && machine.module_base - tables_start < MODULE_GAP)
		tables_start = machine.module_end;
	tables_end = tables_start;
	kernel_top = take_table(&top);
	map_physical();
	map_image();
	arch_load_address_space(top);
	own_tables = true;
	kernel_top = phys_to_virt(top);
	kernel_top_address = top;
}

paddr_t memory_kernel_top(void)
{
	return kernel_top_address;
}

u8 *memory_core_area(unsigned number, u64 bytes)
{
	u64 base = CORE_AREAS + number * CORE_AREA_SIZE + PAGE_SIZE;
	paddr_t page;

	ASSERT(bytes <= CORE_AREA_SIZE - PAGE_SIZE);
	for (u64 at = 0; at < bytes; at += PAGE_SIZE) {
		take_table(&page);
		map(base + at, page, 0, PTE_WRITE | flag_nx());
	}
	return (u8 *)base;
}

paddr_t memory_low_page(void)
{
	for (paddr_t p = PAGE_SIZE; p < LOW_END && !low_page; p += PAGE_SIZE)
		if (is_ram(p, p + PAGE_SIZE) && (p < machine.module_base || p >= machine.module_end))
			low_page = p;
	return low_page;
}

/* Stacks of the first core are in the image. */
bool arch_is_stack(u64 address)
{
	return (address >= (u64)kernel_start && address < (u64)kernel_end) ||
	       (address >= CORE_AREAS && address < CORE_AREAS + CORE_MAX * CORE_AREA_SIZE && address % CORE_AREA_SIZE >= PAGE_SIZE);
}

void arch_init_top_table(u64 *table)
{
	memset(table, 0, PAGE_SIZE / 2);
	memcpy(table + 256, kernel_top + 256, PAGE_SIZE / 2);
	table[GATE_INDEX] = 0;
}
