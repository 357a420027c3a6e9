/* The end of threads and processes: futexes of the dead, parents, children, zombies. */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/futex.h"
#include "root/log.h"
#include "root/root.h"
#include "root/services.h"
#include "root/signal.h"
#include "root/terminal.h"

/* ---- one thread ---- */

/* clear_child_tid and the robust list are for those who stay in the memory. */
static void release_user_words(struct thread *thread)
{
	struct context_page *context = thread_context(thread);
	u64 address = context->clear_child_tid;
	u32 zero = 0;

	if (context->robust_list)
		robust_list_walk(thread, context->robust_list);
	if (address && thread->space->refs > 1 && !space_write(thread->space, address, &zero, sizeof(zero)))
		futex_wake_address(thread->space, address, 1);
}

/* The thread's end as others see it; the record goes. */
static void end_thread(struct thread *thread)
{
	thread->exiting = true;
	KCALL1(thread_stop, SYS(thread->tcb.slot));
	release_user_words(thread);
	futex_pi_owner_ended(thread);
	thread_destroy(thread);
}

void process_end_other_threads(struct process *process, struct thread *keep)
{
	list_for_each_entry_safe(t, &process->threads, struct thread, in_process)
		if (t != keep)
			end_thread(t);
}

/* ---- the process ---- */

/*
 * One end leads to others: a death signal, a child's end that its parent asked to be killed by, SIGHUP for an orphaned group. Chains of them may be thousands
 * long, and root's stack is small: what comes up within an end is noted, and carried out when that end is complete.
 */
static struct list_node due = LIST_INIT(due);
static bool ending;

static void note_due(struct process *process)
{
	if (!list_linked(&process->due))
		list_push_back(&due, &process->due);
}

static struct process *reaper_of(const struct process *process)
{
	for (struct process *at = process->parent; at; at = at->parent)
		if (at->subreaper && at->state == PROCESS_ALIVE && process_leader(at))
			return at;
	return init_process != process ? init_process : NULL;
}

static void give_children_away(struct process *process)
{
	struct process *reaper = reaper_of(process);

	list_for_each_entry_safe(child, &process->children, struct process, sibling) {
		groups_parent_lost(child);
		list_remove(&child->sibling);
		child->parent = reaper;
		if (reaper)
			list_push_back(&reaper->children, &child->sibling);
		child->exit_signal = SIGNAL_CHLD;
		if (child->state == PROCESS_ALIVE) {
			process_publish(child);
			if (child->pdeathsig)
				note_due(child);
		} else if (reaper) {
			process_notify_parent(child);
		} else {
			process_free(child);
		}
	}
}

static void take_usage(struct process *process)
{
	struct thread *leader = process_leader(process);

	if (!leader)
		return;
	process->resident_at_exit = space_resident(leader->space);
	process->dead.minor += leader->space->minor_faults;
	process->dead.major += leader->space->major_faults;
	process->dead.peak_pages = MAX(process->dead.peak_pages, MAX(leader->space->peak_pages, process->resident_at_exit));
}

/* siginfo of SIGCHLD: codes of Linux CLD_. */
static void fill_child_info(const struct process *child, struct linux_siginfo *info)
{
	u32 status = child->exit_status;

	*info = (struct linux_siginfo){ .signo = child->exit_signal, .pid = child->pid, .uid = child->credentials.uid };
	if ((status & 0x7f) == 0) {
		info->code = 1;
		info->status = status >> 8 & 0xff;
	} else {
		info->code = status & 0x80 ? 3 : 2;
		info->status = status & 0x7f;
	}
	info->user_time = child->dead.user_ns / 10000000;
	info->system_time = child->dead.system_ns / 10000000;
}

/* Whether the parent wants no zombie. */
static bool parent_discards(const struct process *parent, unsigned signal)
{
	struct thread *leader = process_leader(parent);
	const struct process_shared *shared;

	if (signal != SIGNAL_CHLD || !leader)
		return false;
	shared = sighand_shared(leader->sighand);
	return shared->signals_ignored & SIGBIT(SIGNAL_CHLD) || shared->flags & SHARED_NOCLDWAIT;
}

void process_notify_parent(struct process *process)
{
	struct process *parent = process->parent;
	struct linux_siginfo info;
	u32 pid = process->pid;
	bool discard;

	if (!parent) {
		process_free(process);
		return;
	}
	discard = parent_discards(parent, process->exit_signal);
	fill_child_info(process, &info);
	/* clone(2) lets a child's end send any signal: one that ends the parent gives the child to another. */
	if (process->exit_signal)
		signal_process(parent, process->exit_signal, &info);
	if (process_find(pid) != process || process->parent != parent)
		return;
	if (discard)
		process_free(process); /* nobody waits for it, so nobody is told what it used */
	wait_child_changed(process, parent);
}

void process_reap(struct process *child)
{
	struct process *parent = child->parent;

	if (parent) {
		struct usage *sum = &parent->children_usage;

		sum->user_ns += child->dead.user_ns + child->children_usage.user_ns;
		sum->system_ns += child->dead.system_ns + child->children_usage.system_ns;
		sum->minor += child->dead.minor + child->children_usage.minor;
		sum->major += child->dead.major + child->children_usage.major;
		sum->voluntary += child->dead.voluntary + child->children_usage.voluntary;
		sum->peak_pages = MAX(sum->peak_pages, MAX(child->dead.peak_pages, child->children_usage.peak_pages));
	}
	process_free(child);
}

void vfork_done(struct process *child)
{
	struct thread *parent = child->vfork_parent;

	child->vfork_parent = NULL;
	if (!parent)
		return;
	parent->vfork_child = NULL;
	thread_answer(parent, child->pid, 0, child->serial);
}

static void become_zombie(struct process *process, u32 status)
{
	process->state = PROCESS_ZOMBIE;
	process->exit_status = status;
	process->stopped = false;
	itimers_cancel(process);
	signal_queue_clear(&process->signals);
	kobject_destroy(&process->system_cnode);
	vfork_done(process);
}

static void process_ended(struct process *process, u32 status)
{
	bool leader = process->sid == process->pid;

	if (process == init_process) {
		init_ended(status);
		return;
	}
	/* first: an heir that waits may reap this process as soon as it is a zombie, and the children must be gone from it by then */
	give_children_away(process);
	become_zombie(process, status);
	groups_process_ended(process);
	if (leader)
		terminal_leader_ended(process);
	if (process->holds_locks)
		services_process_ended();
	if (process->watched)
		services_watched_ended();
	if (process->serves)
		service_withdraw(process);
	if (process->service) {
		u16 service = process->service;

		process_free(process);
		service_ended(service, status);
	} else {
		process_notify_parent(process);
	}
}

static void process_end(struct process *process, u32 status)
{
	if (list_linked(&process->due))
		list_remove(&process->due);
	take_usage(process);
	process_end_other_threads(process, NULL);
	process_ended(process, status);
}

static void carry_out(struct process *process)
{
	list_remove(&process->due);
	if (process->exit_due)
		process_end(process, process->exit_status);
	else
		signal_process(process, process->pdeathsig, NULL);
}

void process_exit(struct process *process, u32 status)
{
	if (process->state != PROCESS_ALIVE || process->exit_due)
		return;
	if (ending) {
		process->exit_due = true;
		process->exit_status = status;
		note_due(process);
		return;
	}
	ending = true;
	process_end(process, status);
	while (!list_empty(&due))
		carry_out(list_first_entry(&due, struct process, due));
	ending = false;
}

void thread_exit(struct thread *thread, u32 status)
{
	struct process *process = thread->process;

	if (process->thread_count == 1) {
		process_exit(process, status);
		return;
	}
	/* The leader's number stays the process's. */
	end_thread(thread);
}
