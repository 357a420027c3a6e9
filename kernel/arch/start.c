/* From the boot loader's tables to struct machine, and the order in which the machine is brought up. */
#include "kernel/arch/x86.h"
#include "kernel/park.h"
#include "lib/string.h"

/* xen/include/public/arch-x86/hvm/start_info.h */
#define START_MAGIC 0x336ec578u

struct start_info {
	u32 magic, version, flags, module_count;
	u64 modules, command_line, rsdp;
	u64 memory_map; /* version 1 on */
	u32 memory_map_entries, reserved;
};
struct start_module {
	u64 base, size, command_line, reserved;
};
struct start_range {
	u64 base, size;
	u32 type, reserved;
};
#define RANGE_RAM  1
#define RANGE_ACPI 3
#define RANGE_NVS  4

struct machine machine;
struct boot_range boot_ranges[64];
unsigned boot_range_count;

/* The first GiB, where boot.S maps it. */
static const void *boot_view(paddr_t p, u64 length)
{
	if (!p || p >= 1 << 30 || length > (1 << 30) - p)
		panic("boot: the loader put its tables at %lx, above 1 GiB", p);
	return (const void *)(KERNEL_BASE + p);
}

static void add_range(const struct start_range *r)
{
	bool ram = r->type == RANGE_RAM;
	paddr_t base = ram ? ALIGN_UP(r->base, (u64)PAGE_SIZE) : ALIGN_DOWN(r->base, (u64)PAGE_SIZE);
	paddr_t end = ram ? ALIGN_DOWN(r->base + r->size, (u64)PAGE_SIZE) : ALIGN_UP(r->base + r->size, (u64)PAGE_SIZE);
	unsigned at = boot_range_count;

	if (!ram && r->type != RANGE_ACPI && r->type != RANGE_NVS)
		return;
	if (base < PAGE_SIZE) /* a physical address of 0 says "none" */
		base = PAGE_SIZE;
	if (end <= base || boot_range_count == ARRAY_SIZE(boot_ranges))
		return;
	for (; at > 0 && boot_ranges[at - 1].base > base; at--)
		boot_ranges[at] = boot_ranges[at - 1];
	boot_ranges[at] = (struct boot_range){ .base = base, .end = end, .ram = ram };
	boot_range_count++;
}

static void read_memory_map(const struct start_info *info)
{
	const struct start_range *r = boot_view(info->memory_map, info->memory_map_entries * sizeof(*r));

	for (u32 i = 0; i < info->memory_map_entries; i++)
		add_range(&r[i]);
	for (unsigned i = 0; i < boot_range_count; i++)
		if (boot_ranges[i].ram) {
			machine.ram_bytes += boot_ranges[i].end - boot_ranges[i].base;
			machine.ram_top = MAX(machine.ram_top, boot_ranges[i].end);
		}
}

static void read_module(const struct start_info *info)
{
	const struct start_module *module;

	if (!info->module_count)
		return;
	module = boot_view(info->modules, sizeof(*module));
	if (module->base % PAGE_SIZE)
		panic("boot: the root image does not start at a page: %lx", module->base);
	machine.module_base = module->base;
	machine.module_bytes = module->size;
	machine.module_end = ALIGN_UP(module->base + module->size, (u64)PAGE_SIZE);
}

/* Everything the loader left is copied: its memory is used again. Returns the address of ACPI's root pointer, 0 if unknown. */
static paddr_t read_start_info(paddr_t address)
{
	const struct start_info *info = boot_view(address, sizeof(*info));

	if (info->magic != START_MAGIC || info->version < 1)
		panic("boot: no PVH start information with a memory map (magic %x, version %u)", info->magic, info->version);
	if (info->command_line)
		strlcpy(machine.command_line, boot_view(info->command_line, sizeof(machine.command_line)),
			sizeof(machine.command_line));
	log_init(machine.command_line);
	read_memory_map(info);
	read_module(info);
	machine.kernel_base = image_to_phys(kernel_start);
	machine.kernel_end = image_to_phys(kernel_end);
	if (&bundle_start[0] != &bundle_end[0]) {
		machine.bundle_base = image_to_phys(bundle_start);
		machine.bundle_end = ALIGN_UP(image_to_phys(bundle_end), (u64)PAGE_SIZE);
	}
	return info->rsdp;
}

static struct core_tables boot_tables;

void core_init(struct core *core, u64 stack_top, unsigned number)
{
	core->self = core;
	core->stack_top = stack_top;
	core->number = number;
	core->vector_trap = true; /* cpu_enable sets CR0.TS */
}

/* GS is the way to the core from here on. */
static void core_enter(struct core *core, struct core_tables *tables)
{
	msr_write(MSR_GS_BASE, (u64)core);
	msr_write(MSR_KERNEL_GS_BASE, 0);
	msr_write(MSR_FS_BASE, 0);
	tables_init(core, tables);
}

noreturn void arch_start(paddr_t start_info, u64 tsc)
{
	struct core *core = &boot_core;
	paddr_t rsdp;

	clock_boot_tsc = tsc;
	serial_init();
	core_init(core, (u64)kernel_stack_end, 0);
	core_enter(core, &boot_tables);
	rsdp = read_start_info(start_info);
	cpu_detect();
	cpu_patch();
	cpu_enable();
	core->general = cpu_fast() ? 0 : GENERAL_CPU;
	core->vector_lazy = !cpu_features.eager_vectors;
	vector_enable();
	if (machine.vector_size > THREAD_VECTOR_ROOM)
		panic("vector state of %u bytes does not fit a thread object", machine.vector_size);
	memory_init();
	acpi_init(rsdp);
	apic_init();
	cores_prepare();
	memory_list_free();
	clock_init();
	kernel_main();
}

noreturn void arch_start_core(struct core *core)
{
	core_enter(core, core_tables_of(core));
	cpu_enable();
	core->general |= cpu_fast() ? 0 : GENERAL_CPU;
	core->vector_lazy = !cpu_features.eager_vectors;
	vector_enable_core();
	lapic_init();
	core_started();
	kernel_core_main();
}
