#include "lib/format.h"
#include "servers/proc/system_text.h"

#define NS_PER_SECOND 1000000000ul
#define NS_PER_TICK   10000000ul /* USER_HZ 100 */

static void memory_line(struct text *text, const char *name, unsigned long bytes)
{
	text_add(text, "%-16s%8lu kB\n", name, bytes / 1024);
}

/* Lines that stand for what this system has not are 0: procps adds some of them up. */
void system_text_meminfo(struct text *text, const struct system_state *s)
{
	unsigned long used = s->memory_total - MIN(s->memory_free, s->memory_total);
	unsigned long anonymous = used - MIN(s->memory_shared, used);
	const struct {
		const char *name;
		unsigned long bytes;
	} lines[] = {
		{ "MemTotal:", s->memory_total }, { "MemFree:", s->memory_free }, { "MemAvailable:", s->memory_free },
		{ "Buffers:", 0 }, { "Cached:", s->memory_shared }, { "SwapCached:", 0 },
		{ "Active:", anonymous }, { "Inactive:", 0 }, { "Active(anon):", anonymous }, { "Inactive(anon):", 0 },
		{ "Active(file):", 0 }, { "Inactive(file):", 0 }, { "Unevictable:", 0 }, { "Mlocked:", 0 },
		{ "SwapTotal:", 0 }, { "SwapFree:", 0 }, { "Dirty:", 0 }, { "Writeback:", 0 },
		{ "AnonPages:", anonymous }, { "Mapped:", 0 }, { "Shmem:", s->memory_shared },
		{ "KReclaimable:", 0 }, { "Slab:", 0 }, { "SReclaimable:", 0 }, { "SUnreclaim:", 0 },
		{ "KernelStack:", s->info.object_bytes[OBJECT_THREAD] }, { "PageTables:", s->info.object_bytes[OBJECT_VSPACE] },
		{ "NFS_Unstable:", 0 }, { "Bounce:", 0 }, { "WritebackTmp:", 0 },
		{ "CommitLimit:", s->memory_total }, { "Committed_AS:", used },
		{ "VmallocTotal:", 0 }, { "VmallocUsed:", 0 }, { "VmallocChunk:", 0 }, { "Percpu:", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		memory_line(text, lines[i].name, lines[i].bytes);
}

void system_text_node_memory(struct text *text, const struct system_state *s)
{
	const struct {
		const char *name;
		unsigned long bytes;
	} lines[] = {
		{ "MemTotal:", s->memory_total }, { "MemFree:", s->memory_free },
		{ "MemUsed:", s->memory_total - MIN(s->memory_free, s->memory_total) }, { "Shmem:", s->memory_shared },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		text_add(text, "Node 0 %-15s%8lu kB\n", lines[i].name, lines[i].bytes / 1024);
}

static void stat_line(struct text *text, const char *name, unsigned long ns, unsigned long idle_ns)
{
	unsigned long idle = MIN(idle_ns, ns);

	text_add(text, "%s %lu 0 0 %lu 0 0 0 0 0 0\n", name, (ns - idle) / NS_PER_TICK, idle / NS_PER_TICK);
}

void system_text_stat(struct text *text, const struct system_state *s)
{
	unsigned long cores = MAX(s->info.core_count, 1ul);

	stat_line(text, "cpu ", s->uptime_ns * cores, s->idle_ns);
	for (unsigned long i = 0; i < cores; i++) {
		char name[24];

		snformat(name, sizeof(name), "cpu%lu", i);
		stat_line(text, name, s->uptime_ns, s->info.core_idle_ns[i]);
	}
	text_add(text, "intr 0\nctxt %lu\nbtime %lu\n", s->info.context_switches, s->boot_realtime_ns / NS_PER_SECOND);
	text_add(text, "processes %lu\nprocs_running %lu\nprocs_blocked 0\n", s->forks, s->running);
	text_add(text, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

static void seconds(struct text *text, unsigned long ns)
{
	text_add(text, "%lu.%02lu", ns / NS_PER_SECOND, ns % NS_PER_SECOND / NS_PER_TICK);
}

void system_text_uptime(struct text *text, const struct system_state *s)
{
	seconds(text, s->uptime_ns);
	text_add(text, " ");
	seconds(text, s->idle_ns);
	text_add(text, "\n");
}

void system_text_loadavg(struct text *text, const struct system_state *s)
{
	for (int i = 0; i < 3; i++) {
		unsigned long load = s->load[i] + 65536 / 200; /* rounded to hundredths */

		text_add(text, "%lu.%02lu ", load >> 16, (load & 0xffff) * 100 >> 16);
	}
	text_add(text, "%lu/%lu %lu\n", s->running, s->processes, s->last_pid);
}

void system_text_objects(struct text *text, const struct system_state *s)
{
#define X(name, number) #name,
	static const char *const names[] = { OBJECT_TYPES(X) };
#undef X

	text_add(text, "%-14s %10s %14s\n", "TYPE", "OBJECTS", "BYTES");
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		text_add(text, "%-14s %10lu %14lu\n", names[i], s->info.object_count[i], s->info.object_bytes[i]);
	text_add(text, "%-14s %10lu\n", "FRAMES_COUNTED", s->info.frames_counted);
	text_add(text, "%-14s %10s %14lu\n", "MEMORY_FREE", "", s->memory_free);
	text_add(text, "%-14s %10lu\n", "PROCESSES", s->processes);
	text_add(text, "%-14s %10lu\n%-14s %10lu\n%-14s %10lu\n", "PAGES_ANON", s->pages_anonymous, "PAGES_OBJECT", s->pages_object,
		 "PAGES_TABLE", s->pages_table);
	text_add(text, "%-14s %10lu\n%-14s %10lu\n%-14s %10lu\n", "PAGES_PINNED", s->pages_pinned, "PAGES_HEAP", s->pages_heap,
		 "SLOTS_USED", s->slots_used);
	text_add(text, "%-14s %10s %14lu\n", "ROOT_HEAP", "", s->heap_bytes);
}

void system_text_audit(struct text *text, const struct audit_info *audit)
{
	const struct {
		const char *name;
		unsigned long pages;
	} lines[] = {
		{ "FRAMES_WRONG", audit->frames_wrong }, { "FREE_COUNTED", audit->free_counted }, { "ANON_LOST", audit->anonymous_lost },
		{ "TABLES_LOST", audit->tables_lost }, { "OBJECTS_LOST", audit->objects_lost }, { "PINNED_LOST", audit->pinned_lost },
		{ "TYPES_WRONG", audit->types_wrong }, { "BOOT_COUNTED", audit->boot_counted },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		text_add(text, "%-14s %10lu\n", lines[i].name, lines[i].pages);
}

/* The lines that vmstat looks for. Nothing is paged or swapped here. */
void system_text_vmstat(struct text *text, const struct system_state *s)
{
	text_add(text, "nr_free_pages %lu\nnr_anon_pages %lu\nnr_shmem %lu\n", s->memory_free / PAGE_SIZE, s->pages_anonymous, s->pages_object);
	text_add(text, "nr_page_table_pages %lu\nnr_dirty 0\nnr_writeback 0\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n", s->pages_table);
	text_add(text, "pgfault 0\npgmajfault 0\n");
}

void system_text_counters(struct text *text, const struct system_state *s)
{
	text_add(text, "kernel_entries %lu\naddress_space_switches %lu\ncontext_switches %lu\nbytes_copied %lu\nuptime_ns %lu\nidle_ns %lu\n",
	         s->info.kernel_entries, s->info.address_space_switches, s->info.context_switches, s->info.bytes_copied, s->info.uptime_ns, s->info.idle_ns);
}

void system_text_charges(struct text *text, const struct charge_info *charges, size_t count)
{
	for (const struct charge_info *c = charges; c < charges + count; c++)
		text_add(text, "%s processes %lu threads %lu objects %lu object_pages %lu overrun_ns %lu\n", c->role, c->processes, c->threads, c->objects,
			 c->object_pages, c->overrun_ns);
}

void system_text_version(struct text *text)
{
	text_add(text, "%s version %s (uxrt@uxrt) (cc) %s\n", PROC_SYSTEM_NAME, PROC_SYSTEM_RELEASE, PROC_SYSTEM_VERSION);
}
