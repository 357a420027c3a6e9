/*
 * Owners of open files (fcntl's F_SETOWN): servers ask whom a number names, and have them signalled. What Linux keeps by a reference to the id is an identity
 * here: the principal of a thread, the serial number of a process. A group has none but its number.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/policy.h"
#include "root/signal.h"

static bool group_exists(u32 pgid)
{
	list_for_each_entry(p, &process_list, struct process, all)
		if (p->pgid == pgid)
			return true;
	return false;
}

/* 0: no such owner. */
static u64 identity_of(u64 kind, u32 id)
{
	const struct process *process = kind == ASYNC_PROCESS ? process_find(id) : NULL;
	const struct thread *thread = kind == ASYNC_THREAD ? thread_find(id) : NULL;

	if (kind == ASYNC_GROUP)
		return group_exists(id);
	return process ? process->serial : thread ? thread->principal : 0;
}

static bool number_used(u32 id)
{
	if (process_find(id) || thread_find(id))
		return true;
	list_for_each_entry(p, &process_list, struct process, all)
		if (p->pgid == id || p->sid == id)
			return true;
	return false;
}

long op_ASYNC_OWNER(struct request *request)
{
	const u64 *m = request->m;
	u64 identity;

	if (!request->caller->process->service)
		return -EPERM;
	if (m[0] > ASYNC_GROUP || m[1] != (u32)m[1])
		return -EINVAL;
	identity = identity_of(m[0], (u32)m[1]);
	if (m[2] ? identity != m[2] : !number_used((u32)m[1]))
		return -ESRCH;
	request->out[1] = identity;
	return 0;
}

/* ---- signals ---- */

struct news {
	u32 signal, band, uid, euid, role;
	s32 descriptor;
};

/* Linux's sigio_perm, and the rule of roles before it. */
static bool may_tell(const struct news *news, const struct process *target)
{
	const struct credentials *t = &target->credentials;

	if (target->service || (news->role != target->role && news->role != ROLE_SYSTEM))
		return false;
	return !news->euid || news->euid == t->suid || news->euid == t->uid || news->uid == t->suid || news->uid == t->uid;
}

/* Signals whose code means something else: it is SI_SIGIO then. */
static bool has_codes(u32 signal)
{
	return signal == SIGNAL_ILL || signal == SIGNAL_TRAP || signal == SIGNAL_BUS || signal == SIGNAL_FPE || signal == SIGNAL_SEGV ||
	       signal == SIGNAL_CHLD || signal == SIGNAL_SYS;
}

/* siginfo_t of SIGPOLL. */
struct poll_info {
	s32 signo, error, code, pad;
	s64 band;
	s32 descriptor, pad2;
	u8 rest[96];
};
_Static_assert(sizeof(struct poll_info) == sizeof(struct linux_siginfo), "siginfo layout");

static struct linux_siginfo info_of(const struct news *news)
{
	static const s64 bands[] = { [ASYNC_IN] = 0x41, [ASYNC_OUT] = 0x304, [ASYNC_MESSAGE] = 0x441, [ASYNC_ERROR] = 0x8, [ASYNC_URGENT] = 0x82,
				     [ASYNC_HUP] = 0x18 };
	struct poll_info info = { .signo = (s32)news->signal, .code = has_codes(news->signal) ? SI_CODE_SIGIO : (s32)news->band,
				  .band = bands[news->band], .descriptor = news->descriptor };
	struct linux_siginfo out;

	memcpy(&out, &info, sizeof(out));
	return out;
}

/* Without a signal of its own, or room for what is said with it, the owner gets SIGIO; of urgent data SIGURG. */
static void tell(const struct news *news, struct process *process, struct thread *thread)
{
	struct linux_siginfo info = info_of(news), plain = { .signo = SIGNAL_IO, .code = SI_CODE_KERNEL };

	if (!news->signal && news->band == ASYNC_URGENT)
		plain.signo = SIGNAL_URG;

	if (!may_tell(news, process))
		return;
	if (news->signal && !(thread ? signal_thread(thread, news->signal, &info) : signal_process(process, news->signal, &info)))
		return;
	if (thread)
		signal_thread(thread, (u32)plain.signo, &plain);
	else
		signal_process(process, (u32)plain.signo, &plain);
}

static void tell_group(const struct news *news, u32 pgid)
{
	struct process_walk walk;
	struct process *member;

	process_walk_begin(&walk);
	while ((member = process_walk_next_of_group(&walk, pgid)))
		tell(news, member, NULL);
	process_walk_end(&walk);
}

long op_ASYNC_SIGNAL(struct request *request)
{
	const u64 *m = request->m;
	struct news news = { .signal = (u32)m[3], .band = (u32)m[4], .descriptor = (s32)m[5], .uid = (u32)m[6], .euid = m[6] >> 32, .role = (u32)m[7] };

	if (!request->caller->process->service)
		return -EPERM;
	if (m[0] > ASYNC_GROUP || m[1] != (u32)m[1] || m[3] > ASYNC_SIGNAL_MAX || m[4] < ASYNC_IN || m[4] > ASYNC_HUP)
		return -EINVAL;
	if (!m[2] || identity_of(m[0], (u32)m[1]) != m[2])
		return -ESRCH;
	if (m[0] == ASYNC_GROUP)
		tell_group(&news, (u32)m[1]);
	else if (m[0] == ASYNC_PROCESS)
		tell(&news, process_find(m[1]), NULL);
	else
		tell(&news, thread_find(m[1])->process, thread_find(m[1]));
	return 0;
}
