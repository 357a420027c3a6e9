/*
 * The system-wide texts of /proc, byte for byte as Linux 6.1 writes them. Pure: no calls.
 */
#ifndef PROC_SYSTEM_TEXT_H
#define PROC_SYSTEM_TEXT_H

#include "abi/kernel.h"
#include "abi/process.h"
#include "servers/proc/text.h"

/* uname's answers; the runtime gives the same. */
#define PROC_SYSTEM_NAME    "Linux"
#define PROC_SYSTEM_RELEASE "6.1.0-uxrt"
#define PROC_SYSTEM_VERSION "#1 UX/RT"

/* What the texts are made from, asked anew for each. */
struct system_state {
	unsigned long uptime_ns, idle_ns, boot_realtime_ns;
	unsigned long memory_total, memory_free, memory_shared; /* bytes */
	unsigned long processes, running, last_pid, forks;
	unsigned long load[3]; /* x 65536 */
	struct system_info info;
	/* root's own counts: pages by use, capability slots in use, bytes of its heap in use */
	unsigned long pages_anonymous, pages_object, pages_table, pages_pinned, pages_heap, slots_used, heap_bytes;
};

void system_text_vmstat(struct text *text, const struct system_state *state);
void system_text_meminfo(struct text *text, const struct system_state *state);
/* /sys/devices/system/node/node0/meminfo: the one node there is. */
void system_text_node_memory(struct text *text, const struct system_state *state);
void system_text_stat(struct text *text, const struct system_state *state);
void system_text_uptime(struct text *text, const struct system_state *state);
void system_text_loadavg(struct text *text, const struct system_state *state);
void system_text_objects(struct text *text, const struct system_state *state);
void system_text_audit(struct text *text, const struct audit_info *audit);
/* A line a role. */
void system_text_charges(struct text *text, const struct charge_info *charges, size_t count);
void system_text_counters(struct text *text, const struct system_state *state);
void system_text_version(struct text *text);
void system_text_cpuinfo(struct text *text, unsigned long tsc_hz, unsigned long cores);

#endif
