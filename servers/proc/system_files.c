/*
 * System-wide texts: what is asked of root and the clock for each.
 */
#include "servers/proc/system_text.h"

#include "abi/gate.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "servers/proc/tree.h"

/* ---- state ---- */

static unsigned last_pid(void)
{
	unsigned last = 0;
	long count;

	while ((count = root_call3(PROC_PROC_LIST, last + 1, 0, 0)) > 0)
		last = ((const u32 *)serve_message->data)[MIN((size_t)count, (size_t)MESSAGE_BYTES / 4) - 1];
	return last;
}

struct system_state system_state_now(void)
{
	struct system_state state = { .uptime_ns = kernel_monotonic(), .running = 1 };
	unsigned long m[8] = { 0 }, counts[8] = { 0 };

	state.boot_realtime_ns = kernel_realtime() - state.uptime_ns;
	if (root_call(PROC_MEMORY_INFO, m, 0) >= 0) {
		state.memory_total = m[1];
		state.memory_free = m[2];
		state.memory_shared = m[3];
		state.processes = m[4];
		for (int i = 0; i < 3; i++)
			state.load[i] = m[5 + i];
	}
	if (root_call(PROC_SYSTEM_INFO, counts, 0) >= 0) {
		memcpy(&state.info, serve_message->data, sizeof(state.info));
		state.idle_ns = state.info.idle_ns;
		state.pages_anonymous = counts[1];
		state.pages_object = counts[2];
		state.pages_table = counts[3];
		state.pages_pinned = counts[4];
		state.pages_heap = counts[5];
		state.slots_used = counts[6];
		state.heap_bytes = counts[7];
	}
	state.forks = state.last_pid = last_pid();
	return state;
}

unsigned processors_now(void)
{
	return (unsigned)MAX(system_state_now().info.core_count, 1ul);
}

#define MAKER(name, writer)                                                                              \
	long name(struct text *text, const struct place *place, const struct proc_info *info)           \
	{                                                                                                \
		struct system_state state = system_state_now();                                                 \
                                                                                                         \
		(void)place;                                                                             \
		(void)info;                                                                              \
		writer(text, &state);                                                                    \
		return 0;                                                                                \
	}
MAKER(make_vmstat, system_text_vmstat)
MAKER(make_meminfo, system_text_meminfo)
MAKER(make_system_stat, system_text_stat)
MAKER(make_uptime, system_text_uptime)
MAKER(make_loadavg, system_text_loadavg)
MAKER(make_objects, system_text_objects)
MAKER(make_counters, system_text_counters)

/* Only in debug builds: root says -ENOSYS otherwise. */
long make_audit(struct text *text, const struct place *place, const struct proc_info *info)
{
	unsigned long m[8] = { 0 };
	long error = root_call(PROC_AUDIT, m, 0);
	struct audit_info audit;

	(void)place;
	(void)info;
	if (error < 0)
		return error;
	memcpy(&audit, serve_message->data, sizeof(audit));
	system_text_audit(text, &audit);
	return 0;
}

long make_charges(struct text *text, const struct place *place, const struct proc_info *info)
{
	struct charge_info charges[MESSAGE_BYTES / sizeof(struct charge_info)];
	unsigned long m[8] = { 0 };
	long count = root_call(PROC_CHARGES, m, 0);

	(void)place;
	(void)info;
	if (count < 0)
		return count;
	memcpy(charges, serve_message->data, MIN((size_t)count, ARRAY_SIZE(charges)) * sizeof(charges[0]));
	system_text_charges(text, charges, MIN((size_t)count, ARRAY_SIZE(charges)));
	return 0;
}

long make_version(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	(void)info;
	system_text_version(text);
	return 0;
}

long make_cpuinfo(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	(void)info;
	system_text_cpuinfo(text, ((const struct clock_page *)GATE_CLOCK)->tsc_hz, processors_now());
	return 0;
}

long make_boot_line(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	(void)info;
	text_add(text, "%.*s\n", (int)sizeof(serve_info()->command_line), serve_info()->command_line);
	return 0;
}

/* ---- links to the caller ---- */

long make_self(struct text *text, const struct place *place, const struct proc_info *info)
{
	const struct principal_entry *caller = principal_find(serve_request->principal);

	(void)place;
	(void)info;
	if (!caller)
		return -ENOENT;
	text_add(text, "%u", caller->pid);
	return 0;
}

long make_thread_self(struct text *text, const struct place *place, const struct proc_info *info)
{
	const struct principal_entry *caller = principal_find(serve_request->principal);

	(void)place;
	(void)info;
	if (!caller)
		return -ENOENT;
	text_add(text, "%u/task/%u", caller->pid, caller->tid);
	return 0;
}

/* ---- identifiers: RFC 4122, version 4. Unique, not secret ---- */

static void add_uuid(struct text *text, u64 seed)
{
	u64 a = hash_u64(seed), b = hash_u64(a ^ seed << 1);

	a = (a & ~0xf000ul) | 0x4000;
	b = (b & ~(3ul << 62)) | 2ul << 62;
	text_add(text, "%08lx-%04lx-%04lx-%04lx-%012lx\n", a >> 32, a >> 16 & 0xffff, a & 0xffff, b >> 48, b & 0xffffffffffff);
}

static u64 own_seed(void)
{
	return hash_fnv1a(FNV1A_INIT, serve_info()->random, sizeof(serve_info()->random));
}

long make_boot_id(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	(void)info;
	add_uuid(text, own_seed());
	return 0;
}

long make_uuid(struct text *text, const struct place *place, const struct proc_info *info)
{
	static u64 count;

	(void)place;
	(void)info;
	add_uuid(text, own_seed() + ++count * 0x9e3779b97f4a7c15ull + kernel_monotonic());
	return 0;
}
