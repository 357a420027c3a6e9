#include "root/permission.h"

#include "lib/errno.h"
#include "root/limits.h"
#include "root/policy.h"
#include "root/signal.h"

bool role_reaches(const struct process *caller, const struct process *target)
{
	return caller->role == target->role || caller->role == ROLE_SYSTEM;
}

bool may_signal(const struct process *sender, const struct process *target, unsigned signal)
{
	const struct credentials *s = &sender->credentials, *t = &target->credentials;

	if (sender == target)
		return true;
	if (!role_reaches(sender, target))
		return false;
	if (process_capable(sender, CAPABILITY_KILL) || (signal == SIGNAL_CONT && sender->sid == target->sid))
		return true;
	return s->euid == t->suid || s->euid == t->uid || s->uid == t->suid || s->uid == t->uid;
}

static bool all_uids(const struct credentials *c, u32 uid, u32 gid)
{
	return c->uid == uid && c->euid == uid && c->suid == uid && c->gid == gid && c->egid == gid && c->sgid == gid;
}

bool may_limit(const struct process *caller, const struct process *target)
{
	const struct credentials *c = &caller->credentials;

	if (caller == target)
		return true;
	return role_reaches(caller, target) && (process_capable(caller, CAPABILITY_SYS_RESOURCE) || all_uids(&target->credentials, c->uid, c->gid));
}

/* `held`: of the caller's capabilities, those that count */
static bool may_look(const struct process *caller, const struct process *target, u32 uid, u32 gid, u64 held)
{
	if (caller == target)
		return true;
	if (!role_reaches(caller, target) || target->service)
		return false;
	if (process_capable(caller, CAPABILITY_SYS_PTRACE))
		return true;
	return target->dumpable && all_uids(&target->credentials, uid, gid) && !(target->credentials.capabilities.permitted & ~held);
}

bool may_inspect(const struct process *caller, const struct process *target)
{
	const struct credentials *c = &caller->credentials;

	return may_look(caller, target, c->euid, c->egid, c->capabilities.effective);
}

bool may_attach(const struct process *caller, const struct process *target)
{
	const struct credentials *c = &caller->credentials;

	return may_look(caller, target, c->uid, c->gid, c->capabilities.permitted);
}

int may_renice(const struct process *caller, const struct thread *target, int nice)
{
	const struct credentials *t = &target->process->credentials;
	u32 euid = caller->credentials.euid;

	if (!role_reaches(caller, target->process))
		return -EPERM;
	if (process_capable(caller, CAPABILITY_SYS_NICE))
		return 0;
	if (t->uid != euid && t->euid != euid)
		return -EPERM;
	if (nice < target->nice && (u64)(20 - nice) > target->process->rlimits[LIMIT_NICE].soft)
		return -EACCES;
	return 0;
}

static bool among(u32 id, const u32 *three)
{
	return id == three[0] || id == three[1] || id == three[2];
}

bool may_take_ids(const struct process *process, u64 mask, const u64 ids[6])
{
	const struct credentials *c = &process->credentials;
	const u32 uids[] = { c->uid, c->euid, c->suid }, gids[] = { c->gid, c->egid, c->sgid };

	for (unsigned i = 0; i < 6; i++)
		if (mask >> i & 1 && !process_capable(process, i < 3 ? CAPABILITY_SETUID : CAPABILITY_SETGID) && !among(ids[i], i < 3 ? uids : gids))
			return false;
	return true;
}
