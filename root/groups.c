/* Process groups and sessions, and what becomes of orphaned groups. */
#include "lib/errno.h"
#include "root/operations.h"
#include "root/root.h"
#include "root/signal.h"
#include "root/terminal.h"

bool group_exists_in_session(u32 pgid, u32 sid)
{
	list_for_each_entry(p, &process_list, struct process, all)
		if (p->state == PROCESS_ALIVE && p->pgid == pgid && p->sid == sid)
			return true;
	return false;
}

/* POSIX: no member has a parent in another group of the same session. `except` does not count as a member. */
static bool orphaned(u32 pgid, const struct process *except)
{
	list_for_each_entry(p, &process_list, struct process, all) {
		if (p->pgid != pgid || p == except || p->state != PROCESS_ALIVE || !p->parent || p->parent == init_process)
			continue;
		if (p->parent->pgid != pgid && p->parent->sid == p->sid)
			return false;
	}
	return true;
}

bool group_orphaned(u32 pgid)
{
	return orphaned(pgid, NULL);
}

static bool has_stopped_member(u32 pgid)
{
	list_for_each_entry(p, &process_list, struct process, all)
		if (p->pgid == pgid && p->stopped && p->state == PROCESS_ALIVE)
			return true;
	return false;
}

static void wake_orphans(u32 pgid)
{
	signal_group(pgid, SIGNAL_HUP, NULL);
	signal_group(pgid, SIGNAL_CONT, NULL);
}

/* `child` and its parent, who goes: if that was what kept the group from being orphaned and some of it is stopped, it is told. */
void groups_parent_lost(struct process *child)
{
	struct process *parent = child->parent;

	if (!parent || child->state != PROCESS_ALIVE || parent->pgid == child->pgid || parent->sid != child->sid)
		return;
	child->parent = NULL;
	if (orphaned(child->pgid, NULL) && has_stopped_member(child->pgid))
		wake_orphans(child->pgid);
	child->parent = parent;
}

/* The process, a zombie now, may have been the last link between its own group and the session. */
void groups_process_ended(struct process *process)
{
	struct process *parent = process->parent;

	if (!parent || parent->pgid == process->pgid || parent->sid != process->sid)
		return;
	if (orphaned(process->pgid, process) && has_stopped_member(process->pgid))
		wake_orphans(process->pgid);
}

/* ---- operations ---- */

long op_GET_IDS(struct request *request)
{
	struct process *p = request->caller->process;

	if (request->m[0] && request->m[0] != p->pid)
		p = process_of_task(request->m[0]);
	if (!p)
		return -ESRCH;
	request->out[1] = p->parent ? p->parent->pid : 0;
	request->out[2] = p->pgid;
	request->out[3] = p->sid;
	request->out[4] = request->caller->tid;
	return p->pid;
}

long op_SET_PGID(struct request *request)
{
	struct process *self = request->caller->process;
	struct process *p = request->m[0] ? process_find(request->m[0]) : self;
	u32 pgid = request->m[1];

	if ((s32)request->m[1] < 0)
		return -EINVAL;
	if (!p || (p != self && p->parent != self))
		return -ESRCH;
	if (p != self && p->sid != self->sid)
		return -EPERM;
	if (p != self && p->exec_done)
		return -EACCES;
	if (p->sid == p->pid)
		return -EPERM;
	if (!pgid)
		pgid = p->pid;
	if (pgid != p->pid && !group_exists_in_session(pgid, self->sid))
		return -EPERM;
	p->pgid = pgid;
	process_publish(p);
	return 0;
}

long op_SET_SID(struct request *request)
{
	struct process *p = request->caller->process;

	list_for_each_entry(other, &process_list, struct process, all)
		if (other->pgid == p->pid)
			return -EPERM;
	p->sid = p->pgid = p->pid;
	terminal_leave(p);
	process_publish(p);
	return p->sid;
}
