#include "root/oom.h"

#include "root/log.h"
#include "root/process.h"
#include "root/signal.h"

/* What makes a process the one to be killed, in pages: what it has, and what oom_score_adj adds. */
static s64 badness(const struct process *process, u64 resident)
{
	return (s64)resident + process->oom_adjust * (s64)(memory_counts.total_pages / OOM_ADJUST_MAX);
}

bool oom_kill(void)
{
	struct process *worst = NULL;
	u64 its_pages = 0;
	s64 most = 0;

	list_for_each_entry(p, &process_list, struct process, all) {
		struct thread *leader = process_leader(p);
		u64 resident;

		if (p->state != PROCESS_ALIVE || p == init_process || p->service || !leader || p->oom_adjust == OOM_ADJUST_MIN)
			continue;
		resident = space_resident(leader->space);
		if (!worst || badness(p, resident) > most) {
			worst = p;
			its_pages = resident;
			most = badness(p, resident);
		}
	}
	if (!worst)
		return false;
	root_log(LOG_WARNING, "out of memory: process %u (%s) with %lu KiB is killed", worst->pid, worst->name, its_pages * 4);
	process_exit(worst, SIGNAL_KILL);
	return true;
}
