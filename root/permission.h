/*
 * Who may act on whom. Roles come first: a process of another role is out of reach but for the system's own. Inside a role Linux's rules of user
 * ids hold, with effective uid 0 for the capability that Linux asks for, so that programs which drop privileges get what they expect.
 */
#ifndef ROOT_PERMISSION_H
#define ROOT_PERMISSION_H

#include "root/process.h"

/* May do what Linux asks a capability for. */
static inline bool process_privileged(const struct process *process)
{
	return !process->credentials.euid;
}
bool may_signal(const struct process *sender, const struct process *target, unsigned signal);
/* prlimit of another process. */
bool may_limit(const struct process *caller, const struct process *target);
/*
 * Linux's ptrace_may_access, by effective ids for what /proc shows of it (directories, descriptors), by real ids for its memory and descriptors
 * themselves. Nobody looks into a service: it may do more than any program.
 */
bool may_inspect(const struct process *caller, const struct process *target);
bool may_attach(const struct process *caller, const struct process *target);
/* Its nice value: 0, -EPERM, or -EACCES if the new value is above what its RLIMIT_NICE lets it have. */
int may_renice(const struct process *caller, const struct thread *target, int nice);
/* SET_CREDENTIALS: only among the ids it has, unless it is privileged. */
bool may_take_ids(const struct process *process, u64 mask, const u64 ids[6]);

#endif
