#include "servers/proc/process_text.h"

#include "lib/string.h"

#define NS_PER_TICK (1000000000ul / PROC_TICKS_PER_SECOND)
#define UNLIMITED (~0ul)

static unsigned long ticks(unsigned long ns)
{
	return ns / NS_PER_TICK;
}

static unsigned long kib(unsigned long pages)
{
	return pages * (PAGE_SIZE / 1024);
}

void process_text_stat(struct text *text, const struct proc_info *p)
{
	text_add(text, "%u (%.*s) %c %u %u %u %d %d ", p->pid, (int)strnlen(p->name, sizeof(p->name)), p->name, p->state, p->ppid,
		 p->pgid, p->sid, p->tty, p->tty ? p->tty_pgid : -1);
	/* flags (PF_RANDOMIZE), minor and major faults of itself and of waited-for children */
	text_add(text, "4194304 %lu 0 %lu 0 ", p->minor_faults, p->major_faults);
	text_add(text, "%lu %lu %lu %lu ", ticks(p->user_ns), ticks(p->system_ns), ticks(p->child_user_ns), ticks(p->child_system_ns));
	text_add(text, "%d %d %u 0 %lu ", p->priority, p->nice, p->threads, ticks(p->start_ns));
	text_add(text, "%lu %lu %lu ", p->virtual_bytes, p->resident_pages, p->rlimits[5][0]);
	/* code, stack; esp and eip are shown for exiting processes only */
	text_add(text, "%lu %lu %lu 0 0 ", p->code_start, p->code_end, p->stack_top);
	text_add(text, "%lu %lu %lu %lu ", p->signals_pending & 0x7fffffff, p->signals_blocked & 0x7fffffff,
		 p->signals_ignored & 0x7fffffff, p->signals_caught & 0x7fffffff);
	/* wchan, swap twice, exit signal, processor, real-time priority, policy, I/O delay, guest time twice */
	text_add(text, "0 0 0 %d %u %u %u 0 0 0 ", p->exit_signal, p->core, p->real_time, p->policy);
	/* data's start and end are not told apart from the heap's start */
	text_add(text, "%lu %lu %lu ", p->brk_start, p->brk_start, p->brk_start);
	text_add(text, "%lu %lu %lu %lu %d\n", p->arg_start, p->arg_end, p->env_start, p->env_end, p->exit_status);
}

static unsigned long code_pages(const struct proc_info *p)
{
	return DIV_ROUND_UP(p->code_end, PAGE_SIZE) - p->code_start / PAGE_SIZE;
}

void process_text_statm(struct text *text, const struct proc_info *p)
{
	unsigned long all = p->virtual_bytes / PAGE_SIZE, code = code_pages(p);

	text_add(text, "%lu %lu %lu %lu 0 %lu 0\n", all, p->resident_pages, p->shared_pages, code, all > code ? all - code : 0);
}

static const char *state_name(char state)
{
	switch (state) {
	case 'R': return "R (running)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	case 'Z': return "Z (zombie)";
	case 'X': return "X (dead)";
	default: return "S (sleeping)";
	}
}

static void status_identity(struct text *text, const struct proc_info *p)
{
	text_add(text, "Name:\t%.*s\nUmask:\t0022\nState:\t%s\n", (int)strnlen(p->name, sizeof(p->name)), p->name, state_name(p->state));
	text_add(text, "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", p->pid, p->tid, p->ppid);
	text_add(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", p->uid, p->euid, p->suid, p->euid, p->gid, p->egid, p->sgid,
		 p->egid);
	text_add(text, "FDSize:\t256\nGroups:\t \n");
	text_add(text, "NStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n", p->pid, p->tid, p->pgid, p->sid);
}

static void status_memory(struct text *text, const struct proc_info *p)
{
	unsigned long all = p->virtual_bytes / 1024, anonymous = p->resident_pages - MIN(p->shared_pages, p->resident_pages);

	text_add(text, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8lu kB\n", all, all, p->locked_bytes / 1024, 0ul);
	text_add(text, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n", kib(MAX(p->peak_resident_pages, p->resident_pages)), kib(p->resident_pages));
	text_add(text, "RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n", kib(anonymous), kib(p->resident_pages - anonymous), 0ul);
	text_add(text, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\n", all - MIN(all, kib(code_pages(p))), 132ul);
	text_add(text, "VmExe:\t%8lu kB\nVmLib:\t%8lu kB\nVmPTE:\t%8lu kB\nVmSwap:\t%8lu kB\n", kib(code_pages(p)), 0ul, 44ul, 0ul);
	text_add(text, "HugetlbPages:\t%8lu kB\nCoreDumping:\t0\nTHP_enabled:\t0\n", 0ul);
}

static void status_signals(struct text *text, const struct proc_info *p)
{
	text_add(text, "SigQ:\t0/%lu\n", p->rlimits[11][0]);
	text_add(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\n", p->signals_pending, p->shared_pending);
	text_add(text, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", p->signals_blocked, p->signals_ignored, p->signals_caught);
}

static void status_capabilities(struct text *text, const struct proc_info *p)
{
	text_add(text, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n", p->cap_inheritable,
		 p->cap_permitted, p->cap_effective, p->cap_bounding, p->cap_ambient);
	text_add(text, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", p->no_new_privs);
	text_add(text, "Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n");
}

/* As many bits as there are cores, 32 a word. */
static void mask_bits(struct text *text, unsigned long mask, unsigned bits)
{
	unsigned top = (bits - 1) % 32 + 1;

	text_add(text, "%0*lx", (int)(top + 3) / 4, bits > 32 ? mask >> 32 : mask);
	if (bits > 32)
		text_add(text, ",%08lx", mask & 0xffffffff);
}

static void mask_list(struct text *text, unsigned long mask)
{
	const char *between = "";

	while (mask) {
		unsigned first = (unsigned)__builtin_ctzl(mask);
		unsigned long rest = ~(mask >> first);
		unsigned run = rest ? (unsigned)__builtin_ctzl(rest) : 64;

		text_add(text, run > 1 ? "%s%u-%u" : "%s%u", between, first, first + run - 1);
		mask = first + run < 64 ? mask >> (first + run) << (first + run) : 0;
		between = ",";
	}
}

static void status_cores(struct text *text, const struct proc_info *p)
{
	text_add(text, "Cpus_allowed:\t");
	mask_bits(text, p->affinity, MAX(p->core_count, 1u));
	text_add(text, "\nCpus_allowed_list:\t");
	mask_list(text, p->affinity);
	text_add(text, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

void process_text_status(struct text *text, const struct proc_info *p)
{
	status_identity(text, p);
	if (p->state != 'Z')
		status_memory(text, p);
	text_add(text, "Threads:\t%u\n", p->threads);
	status_signals(text, p);
	status_capabilities(text, p);
	status_cores(text, p);
	text_add(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", p->voluntary, p->involuntary);
}

static const struct {
	const char *name, *unit;
} limit_names[16] = {
	{ "Max cpu time", "seconds" },
	{ "Max file size", "bytes" },
	{ "Max data size", "bytes" },
	{ "Max stack size", "bytes" },
	{ "Max core file size", "bytes" },
	{ "Max resident set", "bytes" },
	{ "Max processes", "processes" },
	{ "Max open files", "files" },
	{ "Max locked memory", "bytes" },
	{ "Max address space", "bytes" },
	{ "Max file locks", "locks" },
	{ "Max pending signals", "signals" },
	{ "Max msgqueue size", "bytes" },
	{ "Max nice priority", NULL },
	{ "Max realtime priority", NULL },
	{ "Max realtime timeout", "us" },
};

static void limit_value(struct text *text, unsigned long value)
{
	if (value == UNLIMITED)
		text_add(text, "%-20s ", "unlimited");
	else
		text_add(text, "%-20lu ", value);
}

void process_text_limits(struct text *text, const struct proc_info *p)
{
	text_add(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (size_t i = 0; i < ARRAY_SIZE(limit_names); i++) {
		text_add(text, "%-25s ", limit_names[i].name);
		limit_value(text, p->rlimits[i][0]);
		limit_value(text, p->rlimits[i][1]);
		if (limit_names[i].unit)
			text_add(text, "%-10s", limit_names[i].unit);
		text_add(text, "\n");
	}
}

#define REGION_NAME_COLUMN 73

/* What nobody may write is as it is in its file. */
static void region_details(struct text *text, const struct proc_region *r, const struct region_pages *pages)
{
	unsigned long shared = kib(pages->mapped - pages->alone), private = kib(pages->alone);
	bool dirty = !r->service || r->prot & 2, copies = dirty && !(r->flags & 1);

	text_add(text, "Size:           %8lu kB\nKernelPageSize: %8lu kB\nMMUPageSize:    %8lu kB\n", (r->end - r->start) / 1024, 4ul, 4ul);
	text_add(text, "Rss:            %8lu kB\nPss:            %8lu kB\n", kib(pages->mapped), pages->bytes / 1024);
	text_add(text, "Shared_Clean:   %8lu kB\nShared_Dirty:   %8lu kB\n", dirty ? 0 : shared, dirty ? shared : 0);
	text_add(text, "Private_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n", dirty ? 0 : private, dirty ? private : 0);
	text_add(text, "Referenced:     %8lu kB\nAnonymous:      %8lu kB\n", kib(pages->mapped), copies ? kib(pages->mapped) : 0);
	text_add(text, "Swap:           %8lu kB\nSwapPss:        %8lu kB\nLocked:         %8lu kB\n", 0ul, 0ul, r->flags & 16 ? pages->bytes / 1024 : 0);
}

void process_text_region(struct text *text, const struct proc_region *r, const char *name, const struct region_pages *pages)
{
	size_t line = text->length;

	text_add(text, "%08lx-%08lx %c%c%c%c %08lx ", r->start, r->end, r->prot & 1 ? 'r' : '-', r->prot & 2 ? 'w' : '-',
		 r->prot & 4 ? 'x' : '-', r->flags & 1 ? 's' : 'p', r->offset);
	text_add(text, "%02x:%02x %lu ", 0, r->service ? r->mount + 1 : 0, r->ino);
	if (*name) {
		text_pad(text, line, REGION_NAME_COLUMN);
		text_add(text, "%s", name);
	}
	text_add(text, "\n");
	if (pages)
		region_details(text, r, pages);
}
