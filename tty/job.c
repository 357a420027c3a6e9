/*
 * Sessions, controlling terminals, and who may use one (Linux drivers/tty/tty_jobctrl.c, POSIX chapter 11). A terminal knows the session
 * whose controlling terminal it is; which processes have it root knows (abi/process.h, SESSION_TTY): a member of the session does not if it was
 * there before its leader had one. The principal table shows it.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "tty/internal.h"

#define SIGHUP  1
#define SIGCONT 18
#define SIGTTIN 21
#define SIGTTOU 22

const struct principal_entry *job_caller(const struct request *request)
{
	return principal_find(request->principal);
}

bool job_controls(const struct tty *tty, const struct principal_entry *caller)
{
	return caller && caller->tty == tty->device;
}

struct tty *job_terminal(const struct principal_entry *caller)
{
	list_for_each_entry(tty, &tty_all, struct tty, link)
		if (job_controls(tty, caller))
			return tty;
	return NULL;
}

void job_signal(const struct tty *tty, int signal)
{
	if (tty->group)
		root_call3(PROC_TTY_SIGNAL, tty->group, (unsigned long)signal, 0);
}

static void tell_root(unsigned session, unsigned device, unsigned group, unsigned pid)
{
	unsigned long m[8] = { session, device, group, pid };

	root_call(PROC_SESSION_TTY, m, 0);
}

/* ---- job control ---- */

/* Whether the caller blocks or ignores the signal: then it is not sent. */
static bool signal_refused(unsigned tid, int signal)
{
	struct proc_info info;

	if (root_call3(PROC_PROC_INFO, tid, 0, 0) < 0)
		return false;
	memcpy(&info, serve_message->data, sizeof(info));
	return (info.signals_blocked | info.signals_ignored) >> (signal - 1) & 1;
}

long job_check(struct request *request, const struct tty *tty, int signal)
{
	const struct principal_entry *caller = job_caller(request);
	unsigned group, tid;

	if (!job_controls(tty, caller) || !tty->group || caller->pgid == tty->group)
		return 0;
	group = caller->pgid;
	tid = caller->tid;
	if (signal_refused(tid, signal))
		return signal == SIGTTIN ? -EIO : 0;
	if (root_call3(PROC_ORPHANED, group, 0, 0) == 1)
		return -EIO;
	root_call3(PROC_TTY_SIGNAL, group, (unsigned long)signal, 0);
	return -TTY_ERESTARTSYS;
}

/* ---- controlling terminals ---- */

static void become_controlling(struct tty *tty, const struct principal_entry *leader)
{
	tty->session = leader->sid;
	tty->group = leader->pgid;
	tty->leader = leader->principal;
	tell_root(tty->session, tty->device, tty->group, leader->pid);
}

/* `old_group`: what is told when the leader ends, having lost its terminal; 0: none. */
static void leave_session(struct tty *tty, unsigned old_group)
{
	unsigned session = tty->session;

	tty->session = tty->group = 0;
	tty->leader = 0;
	if (session)
		tell_root(session, 0, old_group, 0);
}

/* Who may only write shall not read by way of /dev/tty. */
void job_opened(struct tty *tty, const struct request *request, const struct open_file *file, unsigned flags)
{
	const struct principal_entry *caller = job_caller(request);

	if (flags & LINUX_O_NOCTTY || !file_readable(file))
		return;
	if (caller && caller->session_leader && !caller->tty && !tty->session)
		become_controlling(tty, caller);
}

long job_acquire(struct tty *tty, const struct open_file *file, const struct principal_entry *caller, bool steal)
{
	if (!caller)
		return -EIO;
	if (caller->session_leader && tty->session == caller->sid)
		return 0;
	if (!caller->session_leader || caller->tty)
		return -EPERM;
	if (tty->session && (!steal || caller->euid))
		return -EPERM;
	if (!file_readable(file) && caller->euid)
		return -EPERM;
	leave_session(tty, 0);
	become_controlling(tty, caller);
	return 0;
}

/* The leader gives it up for the whole session, anybody else for itself. */
long job_release(struct tty *tty, const struct principal_entry *caller)
{
	if (!job_controls(tty, caller))
		return -ENOTTY;
	if (!caller->session_leader) {
		tell_root(caller->sid, 0, 0, caller->pid);
		return 0;
	}
	job_signal(tty, SIGHUP);
	job_signal(tty, SIGCONT);
	leave_session(tty, 0);
	return 0;
}

/* The session of a process group: from any thread in it; of one whose processes have all ended and were not waited for, from root. */
static unsigned session_of_group(unsigned group)
{
	struct proc_info info;

	for (unsigned i = 0; i < PRINCIPALS_MAX; i++) {
		const struct principal_entry *entry = principal_at(i);

		if (entry && entry->pgid == group)
			return entry->sid;
	}
	if (root_call3(PROC_PROC_INFO, group, 0, 0) < 0)
		return 0;
	memcpy(&info, serve_message->data, sizeof(info));
	return info.pgid == group ? info.sid : 0;
}

/* As Linux, in its order. */
long job_set_group(struct tty *tty, const struct principal_entry *caller, unsigned group)
{
	unsigned session;

	if ((int)group < 0)
		return -EINVAL;
	if (!job_controls(tty, caller) || tty->session != caller->sid)
		return -ENOTTY;
	session = session_of_group(group);
	if (!session)
		return -ESRCH;
	if (session != tty->session)
		return -EPERM;
	tty->group = group;
	tell_root(tty->session, tty->device, group, 0);
	return 0;
}

/* ---- hanging up ---- */

static void end_files(struct tty *tty, long nothing)
{
	list_for_each_entry(file, &tty->files, struct open_file, link)
		FILE_HUNG_UP(file) = 1;
	tty_end_waiters(tty, nothing);
	ldisc_flush_input(&tty->ld);
	tty->unread_at = tty->unread_end = 0;
	poll_wake(&tty->poll, ~0u);
}

/* The leader is process `session`. It passes the news on to its jobs, or does so by its end. */
void tty_hang_up(struct tty *tty, long nothing)
{
	if (tty->session) {
		root_call3(PROC_TTY_SIGNAL, tty->session, SIGHUP, 1);
		root_call3(PROC_TTY_SIGNAL, tty->session, SIGCONT, 1);
	}
	leave_session(tty, tty->group);
	end_files(tty, nothing);
}

/* The leader's thread is gone, but another of its process may live and be it. */
static bool leader_lives(struct tty *tty)
{
	if (principal_find(tty->leader))
		return true;
	for (unsigned i = 0; i < PRINCIPALS_MAX; i++) {
		const struct principal_entry *entry = principal_at(i);

		if (entry && entry->session_leader && entry->sid == tty->session) {
			tty->leader = entry->principal;
			return true;
		}
	}
	return false;
}

void job_sweep(void)
{
	list_for_each_entry(tty, &tty_all, struct tty, link) {
		if (!tty->session || leader_lives(tty))
			continue;
		job_signal(tty, SIGHUP);
		leave_session(tty, 0);
		if (!tty->wire->outlives_session)
			end_files(tty, 0);
	}
}
