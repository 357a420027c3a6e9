/*
 * Who may act on whom. Roles come first: a process of another role is out of reach but for the system's own. Inside a role Linux's rules of user
 * ids hold, with the capabilities that Linux asks for, so that programs which drop privileges get what they expect.
 */
#ifndef ROOT_PERMISSION_H
#define ROOT_PERMISSION_H

#include "root/process.h"

/* Linux's numbers, of those that root asks for. */
enum capability {
	CAPABILITY_KILL = 5, CAPABILITY_SETGID = 6, CAPABILITY_SETUID = 7, CAPABILITY_SETPCAP = 8, CAPABILITY_IPC_LOCK = 14, CAPABILITY_SYS_CHROOT = 18,
	CAPABILITY_SYS_PTRACE = 19, CAPABILITY_SYS_ADMIN = 21, CAPABILITY_SYS_BOOT = 22, CAPABILITY_SYS_NICE = 23, CAPABILITY_SYS_RESOURCE = 24,
	CAPABILITY_SYS_TIME = 25, CAPABILITY_TTY_CONFIG = 26, CAPABILITY_LAST = 40
};
#define CAPABILITIES_ALL ((2ul << CAPABILITY_LAST) - 1)

static inline bool capabilities_have(const struct capabilities *c, enum capability capability)
{
	return c->effective >> capability & 1;
}

/* May do what Linux asks that capability for. */
static inline bool process_capable(const struct process *process, enum capability capability)
{
	return capabilities_have(&process->credentials.capabilities, capability);
}
/* The first process's. */
void capabilities_first(struct capabilities *c);
/* `new` has other ids than `old`, and its sets so far. */
void capabilities_follow_ids(struct credentials *new, const struct credentials *old);
struct exec_security {
	bool secure;   /* AT_SECURE */
	bool dumpable;
};
/* Another program: saved ids and sets as Linux has it. */
struct exec_security credentials_exec(struct credentials *c, bool no_new_privileges);
/* PRCTL: what is about capabilities. */
long capabilities_prctl(struct capabilities *c, const u64 m[MESSAGE_WORDS]);
/* What comes first. */
bool role_reaches(const struct process *caller, const struct process *target);
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
/* SET_CREDENTIALS: only among the ids it has, unless it has CAP_SETUID, CAP_SETGID. */
bool may_take_ids(const struct process *process, u64 mask, const u64 ids[6]);

#endif
