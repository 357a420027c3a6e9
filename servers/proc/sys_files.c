/*
 * What there is in /sys: the processors and memory nodes as the C library, language run-times and lscpu look for them, and the directories
 * that Linux always has, empty. Texts byte for byte as Linux 6.1 writes them.
 */
#include "lib/errno.h"
#include "servers/proc/system_text.h"
#include "servers/proc/tree.h"

#define REG (LINUX_S_IFREG | 0444)
#define DIR (LINUX_S_IFDIR | 0755)
#define CPU_NUMBER_MAX 8191 /* what Linux is built for on this machine type, less one */

/* ---- sets of processors: a list ("0-3") and a mask in groups of 32 bits ("ff,ffffffff") ---- */

static void add_list(struct text *text, unsigned first, unsigned count)
{
	if (count > 1)
		text_add(text, "%u-%u\n", first, first + count - 1);
	else if (count)
		text_add(text, "%u\n", first);
	else
		text_add(text, "\n");
}

static u32 mask_group(unsigned group, unsigned first, unsigned count)
{
	u32 bits = 0;

	for (unsigned i = 0; i < 32; i++)
		if (group * 32 + i >= first && group * 32 + i < first + count)
			bits |= 1u << i;
	return bits;
}

static void add_mask(struct text *text, unsigned first, unsigned count)
{
	unsigned processors = processors_now(), groups = DIV_ROUND_UP(processors, 32u);
	unsigned digits = DIV_ROUND_UP(processors - (groups - 1) * 32, 4u);

	text_add(text, "%0*x", (int)digits, mask_group(groups - 1, first, count));
	for (unsigned group = groups - 1; group--;)
		text_add(text, ",%08x", mask_group(group, first, count));
	text_add(text, "\n");
}

#define MAKER(name, ...)                                                                            \
	static long name(struct text *text, const struct place *place, const struct proc_info *info) \
	{                                                                                           \
		(void)place;                                                                        \
		(void)info;                                                                         \
		__VA_ARGS__;                                                                        \
		return 0;                                                                           \
	}
MAKER(all_list, add_list(text, 0, processors_now()))
MAKER(all_mask, add_mask(text, 0, processors_now()))
MAKER(no_list, add_list(text, 0, 0))
MAKER(own_list, add_list(text, place->pid, 1))
MAKER(own_mask, add_mask(text, place->pid, 1))
MAKER(own_number, text_add(text, "%u\n", place->pid))
MAKER(zero, text_add(text, "0\n"))
MAKER(no_cluster, text_add(text, "65535\n"))
MAKER(kernel_max, text_add(text, "%u\n", CPU_NUMBER_MAX))
MAKER(not_supported, text_add(text, "notsupported\n"))
MAKER(near, text_add(text, "10\n"))

/* One node holds all memory; its lines are those of /proc/meminfo with its name before them. */
static long node_memory(struct text *text, const struct place *place, const struct proc_info *info)
{
	struct system_state state = system_state_now();

	(void)place;
	(void)info;
	system_text_node_memory(text, &state);
	return 0;
}

enum { ROOT, BLOCK, BUS, CLASS, DEVICE_NUMBERS, DEVICES, FIRMWARE, FS, CGROUP, KERNEL, MODULE, POWER, SYSTEM, CPU, SMT, NODES, NODE0 };

const struct row sys_rows[] = {
	[ROOT] = { .name = "", .mode = LINUX_S_IFDIR | 0555 },
	[BLOCK] = { .name = "block", .mode = DIR },
	[BUS] = { .name = "bus", .mode = DIR },
	[CLASS] = { .name = "class", .mode = DIR },
	[DEVICE_NUMBERS] = { .name = "dev", .mode = DIR },
	[DEVICES] = { .name = "devices", .mode = DIR },
	[FIRMWARE] = { .name = "firmware", .mode = DIR },
	[FS] = { .name = "fs", .mode = DIR },
	[CGROUP] = { .name = "cgroup", .mode = LINUX_S_IFDIR | 0555, .parent = FS },
	[KERNEL] = { .name = "kernel", .mode = DIR },
	[MODULE] = { .name = "module", .mode = DIR },
	[POWER] = { .name = "power", .mode = DIR },
	[SYSTEM] = { .name = "system", .mode = DIR, .parent = DEVICES },
	[CPU] = { .name = "cpu", .mode = DIR, .parent = SYSTEM },
	[SMT] = { .name = "smt", .mode = DIR, .parent = CPU },
	[NODES] = { .name = "node", .mode = DIR, .parent = SYSTEM },
	[NODE0] = { .name = "node0", .mode = DIR, .parent = NODES },
	{ .name = "online", .mode = REG, .make = all_list, .parent = CPU },
	{ .name = "possible", .mode = REG, .make = all_list, .parent = CPU },
	{ .name = "present", .mode = REG, .make = all_list, .parent = CPU },
	{ .name = "offline", .mode = REG, .make = no_list, .parent = CPU },
	{ .name = "isolated", .mode = REG, .make = no_list, .parent = CPU },
	{ .name = "kernel_max", .mode = REG, .make = kernel_max, .parent = CPU },
	{ .name = "active", .mode = REG, .make = zero, .parent = SMT },
	{ .name = "control", .mode = REG, .make = not_supported, .parent = SMT },
	{ .name = "online", .mode = REG, .make = zero, .parent = NODES },
	{ .name = "possible", .mode = REG, .make = zero, .parent = NODES },
	{ .name = "has_cpu", .mode = REG, .make = zero, .parent = NODES },
	{ .name = "has_memory", .mode = REG, .make = zero, .parent = NODES },
	{ .name = "has_normal_memory", .mode = REG, .make = zero, .parent = NODES },
	{ .name = "cpulist", .mode = REG, .make = all_list, .parent = NODE0 },
	{ .name = "cpumap", .mode = REG, .make = all_mask, .parent = NODE0 },
	{ .name = "distance", .mode = REG, .make = near, .parent = NODE0 },
	{ .name = "meminfo", .mode = REG, .make = node_memory, .parent = NODE0 },
};
const unsigned sys_count = ARRAY_SIZE(sys_rows);

enum { CPU_DIRECTORY, TOPOLOGY };

/* Each processor is a core of its own, in one package: what the kernel distinguishes. */
const struct row cpu_rows[] = {
	[CPU_DIRECTORY] = { .name = "", .mode = DIR },
	[TOPOLOGY] = { .name = "topology", .mode = DIR },
	{ .name = "physical_package_id", .mode = REG, .make = zero, .parent = TOPOLOGY },
	{ .name = "die_id", .mode = REG, .make = zero, .parent = TOPOLOGY },
	{ .name = "cluster_id", .mode = REG, .make = no_cluster, .parent = TOPOLOGY },
	{ .name = "core_id", .mode = REG, .make = own_number, .parent = TOPOLOGY },
	{ .name = "cluster_cpus", .mode = REG, .make = own_mask, .parent = TOPOLOGY },
	{ .name = "cluster_cpus_list", .mode = REG, .make = own_list, .parent = TOPOLOGY },
	{ .name = "core_cpus", .mode = REG, .make = own_mask, .parent = TOPOLOGY },
	{ .name = "core_cpus_list", .mode = REG, .make = own_list, .parent = TOPOLOGY },
	{ .name = "thread_siblings", .mode = REG, .make = own_mask, .parent = TOPOLOGY },
	{ .name = "thread_siblings_list", .mode = REG, .make = own_list, .parent = TOPOLOGY },
	{ .name = "die_cpus", .mode = REG, .make = all_mask, .parent = TOPOLOGY },
	{ .name = "die_cpus_list", .mode = REG, .make = all_list, .parent = TOPOLOGY },
	{ .name = "core_siblings", .mode = REG, .make = all_mask, .parent = TOPOLOGY },
	{ .name = "core_siblings_list", .mode = REG, .make = all_list, .parent = TOPOLOGY },
	{ .name = "package_cpus", .mode = REG, .make = all_mask, .parent = TOPOLOGY },
	{ .name = "package_cpus_list", .mode = REG, .make = all_list, .parent = TOPOLOGY },
};
const unsigned cpu_count = ARRAY_SIZE(cpu_rows);

bool sys_lists_processors(const struct place *directory)
{
	return directory->kind == NODE_SYS && directory->index == CPU;
}

struct place sys_above_processors(void)
{
	return (struct place){ .kind = NODE_SYS, .index = CPU };
}
