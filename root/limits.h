/* Resource limits: numbers of Linux's RLIMIT_, and what is asked of them in more than one place. */
#ifndef ROOT_LIMITS_H
#define ROOT_LIMITS_H

#include "root/process.h"

enum {
	LIMIT_CPU, LIMIT_FSIZE, LIMIT_DATA, LIMIT_STACK, LIMIT_CORE, LIMIT_RSS, LIMIT_NPROC, LIMIT_NOFILE, LIMIT_MEMLOCK, LIMIT_AS, LIMIT_LOCKS,
	LIMIT_SIGPENDING, LIMIT_MSGQUEUE, LIMIT_NICE, LIMIT_RTPRIO, LIMIT_RTTIME,
};
#define LIMIT_NONE (~0ul)

/* The limits that a space keeps itself, since faults have no process: after exec, fork, setrlimit, and when vm.max_map_count changes. */
void limits_of_space(struct space *space, const struct process *process);
void limits_setting_changed(void);
/* Whether the space may have so many bytes more, and so many more that are private and writable (RLIMIT_DATA). */
bool limits_allow_memory(const struct space *space, u64 more, u64 more_data);
/* RLIMIT_DATA's kind of mapping. */
static inline bool limits_is_data(unsigned prot, unsigned flags)
{
	return prot & REGION_WRITE && !(flags & (REGION_SHARED | REGION_GROWSDOWN | REGION_GATE));
}
/* One more thread, or process, for that user. False: EAGAIN. */
bool limits_allow_task(const struct process *process);
/* That user has more than it may: setuid goes through, the next exec does not. */
bool limits_tasks_exceeded(const struct process *process);
/* Processes that the machine is for: of all users together, and of each by default. */
u32 limits_tasks_max(void);
/* A queued signal's record, counted against the target's user. False: RLIMIT_SIGPENDING is reached, unless `forced`. */
bool limits_signal_new(const struct process *process, bool forced);
void limits_signal_gone(u32 uid);
/* RLIMIT_CPU from now on: a new process, a new limit. */
void limits_watch_cpu(struct process *process);

#endif
