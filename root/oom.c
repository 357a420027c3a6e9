#include "root/oom.h"

#include "root/log.h"
#include "root/process.h"
#include "root/signal.h"

bool oom_kill(void)
{
	struct process *worst = NULL;
	u64 most = 0;

	list_for_each_entry(p, &process_list, struct process, all) {
		struct thread *leader = process_leader(p);
		u64 resident;

		if (p->state != PROCESS_ALIVE || p == init_process || p->service || !leader)
			continue;
		resident = space_resident(leader->space);
		if (!worst || resident > most) {
			worst = p;
			most = resident;
		}
	}
	if (!worst)
		return false;
	root_log(LOG_WARNING, "out of memory: process %u (%s) with %lu KiB is killed", worst->pid, worst->name, most * 4);
	process_exit(worst, SIGNAL_KILL);
	return true;
}
