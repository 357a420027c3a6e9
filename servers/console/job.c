/*
 * Sessions, controlling terminals, and who may use one (Linux drivers/tty/tty_jobctrl.c, POSIX chapter 11). A terminal knows the session
 * whose controlling terminal it is; a process has that terminal if it is in that session.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/console/tty.h"

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
	return caller && tty->session && tty->session == caller->sid;
}

struct tty *job_terminal(const struct principal_entry *caller)
{
	for (unsigned i = 0; i < TTY_LINES; i++)
		if (job_controls(&ttys[i], caller))
			return &ttys[i];
	return NULL;
}

void job_signal(const struct tty *tty, int signal)
{
	if (tty->group)
		root_call3(PROC_TTY_SIGNAL, tty->group, (unsigned long)signal, 0);
}

/* What root shows of the session in /proc, and whose end it tells. */
static void tell_root(unsigned session, const struct tty *tty)
{
	root_call3(PROC_SESSION_TTY, session, tty ? 4u << 8 | (64 + tty->index) : 0, tty ? tty->group : 0);
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
	tell_root(tty->session, tty);
}

static void leave_session(struct tty *tty)
{
	unsigned session = tty->session;

	tty->session = tty->group = 0;
	tty->leader = 0;
	tell_root(session, NULL);
}

void job_opened(struct tty *tty, const struct principal_entry *caller)
{
	if (caller && caller->session_leader && !tty->session && !job_terminal(caller))
		become_controlling(tty, caller);
}

long job_acquire(struct tty *tty, const struct principal_entry *caller, bool steal)
{
	if (!caller)
		return -EIO;
	if (caller->session_leader && tty->session == caller->sid)
		return 0;
	if (!caller->session_leader || job_terminal(caller))
		return -EPERM;
	if (tty->session) {
		if (!steal || caller->euid)
			return -EPERM;
		leave_session(tty);
	}
	become_controlling(tty, caller);
	return 0;
}

/* Only a session's leader can give its terminal up: what one other process forgot would have to be known a process. */
long job_release(struct tty *tty, const struct principal_entry *caller)
{
	if (!job_controls(tty, caller))
		return -ENOTTY;
	if (!caller->session_leader)
		return -EPERM;
	job_signal(tty, SIGHUP);
	job_signal(tty, SIGCONT);
	leave_session(tty);
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

long job_set_group(struct request *request, struct tty *tty, unsigned group)
{
	long result = job_check(request, tty, SIGTTOU);
	unsigned session;

	if (result)
		return result == -EIO ? -ENOTTY : result;
	if (!job_controls(tty, job_caller(request)))
		return -ENOTTY;
	if ((int)group < 0)
		return -EINVAL;
	session = session_of_group(group);
	if (!session)
		return -ESRCH;
	if (session != tty->session)
		return -EPERM;
	tty->group = group;
	tell_root(tty->session, tty);
	return 0;
}

/* ---- hanging up ---- */

void tty_hang_up(struct tty *tty)
{
	list_for_each_entry(file, &tty->files, struct open_file, link)
		FILE_HUNG_UP(file) = 1;
	tty_end_waiters(tty);
	ldisc_flush_input(&tty->ld);
	tty->unread_at = tty->unread_end = 0;
	poll_wake(&tty->poll, ~0u);
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
	for (unsigned i = 0; i < TTY_LINES; i++) {
		struct tty *tty = &ttys[i];

		if (!tty->session || leader_lives(tty))
			continue;
		job_signal(tty, SIGHUP);
		job_signal(tty, SIGCONT);
		leave_session(tty);
		tty_hang_up(tty);
	}
}
