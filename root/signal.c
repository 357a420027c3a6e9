/* Generation and delivery of signals: queues, whom to interrupt, default actions. See signal.h. */
#include "root/signal.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/root.h"

#define STOP_SIGNALS (SIGBIT(SIGNAL_STOP) | SIGBIT(SIGNAL_TSTP) | SIGBIT(SIGNAL_TTIN) | SIGBIT(SIGNAL_TTOU))
#define IGNORED_BY_DEFAULT (SIGBIT(SIGNAL_CHLD) | SIGBIT(SIGNAL_CONT) | SIGBIT(SIGNAL_URG) | SIGBIT(SIGNAL_WINCH))
#define CORE_SIGNALS (SIGBIT(SIGNAL_QUIT) | SIGBIT(SIGNAL_ILL) | SIGBIT(SIGNAL_TRAP) | SIGBIT(SIGNAL_ABRT) | SIGBIT(SIGNAL_BUS) | \
		      SIGBIT(SIGNAL_FPE) | SIGBIT(SIGNAL_SEGV) | SIGBIT(SIGNAL_XCPU) | SIGBIT(SIGNAL_XFSZ) | SIGBIT(SIGNAL_SYS))
#define UNBLOCKABLE (SIGBIT(SIGNAL_KILL) | SIGBIT(SIGNAL_STOP))

/* ---- queues ---- */

static u64 queued_total;

void signal_queue_init(struct signal_queue *queue)
{
	queue->set = 0;
	list_init(&queue->infos);
}

static void record_free(struct siginfo_record *record)
{
	list_remove(&record->node);
	limits_signal_gone(record->uid);
	root_free(record);
	queued_total--;
}

static void queue_drop(struct signal_queue *queue, u64 set)
{
	if (!(queue->set & set))
		return;
	list_for_each_entry_safe(record, &queue->infos, struct siginfo_record, node)
		if (SIGBIT(record->signal) & set)
			record_free(record);
	queue->set &= ~set;
}

void signal_queue_clear(struct signal_queue *queue)
{
	queue_drop(queue, ~0ul);
}

void signal_queue_move(struct signal_queue *to, struct signal_queue *from)
{
	to->set |= from->set;
	list_splice_back(&to->infos, &from->infos);
	from->set = 0;
}

/* As Linux: kill's old signals need no room, its real-time ones lose what is said about them without it, and sigqueue fails. */
static struct siginfo_record *record_new(const struct process *process, bool forced)
{
	struct siginfo_record *record = NULL;

	if (queued_total >= THREADS_MAX * 4 || !limits_signal_new(process, forced))
		return NULL;
	record = root_alloc(sizeof(*record));
	if (!record)
		limits_signal_gone(process->credentials.uid);
	return record;
}

static int queue_add(const struct process *process, struct signal_queue *queue, unsigned signal, const struct linux_siginfo *info)
{
	bool realtime = signal >= SIGNAL_RT_MIN, by_kill = !info || info->code >= 0;
	struct siginfo_record *record;

	if (!realtime && queue->set & SIGBIT(signal))
		return 0;
	record = record_new(process, !realtime && by_kill);
	if (!record && realtime && info && info->code != SI_CODE_USER)
		return -EAGAIN;
	if (record) {
		record->signal = signal;
		record->uid = process->credentials.uid;
		if (info)
			memcpy(record->info, info, sizeof(*info));
		((struct linux_siginfo *)record->info)->signo = signal;
		list_push_back(&queue->infos, &record->node);
		queued_total++;
	}
	queue->set |= SIGBIT(signal);
	return 0;
}

/* Takes the oldest of that signal out. */
static void queue_take(struct signal_queue *queue, unsigned signal, struct linux_siginfo *info)
{
	struct siginfo_record *found = NULL;
	bool more = false;

	*info = (struct linux_siginfo){ .signo = signal };
	list_for_each_entry(record, &queue->infos, struct siginfo_record, node) {
		if (record->signal != signal)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = record;
	}
	if (found) {
		memcpy(info, found->info, sizeof(*info));
		record_free(found);
	}
	if (!more)
		queue->set &= ~SIGBIT(signal);
}

/* ---- what a thread and its process say about a signal ---- */

static u64 blocked_by(const struct thread *thread)
{
	return thread_context(thread)->signal_mask & ~UNBLOCKABLE;
}

static u64 waited_for_by(const struct thread *thread)
{
	return (thread->wait == WAIT_SIGNAL ? thread->waiting.a : 0) | thread_context(thread)->wait_mask;
}

static bool caught(const struct thread *thread, unsigned signal)
{
	return sighand_shared(thread->sighand)->signals_caught & SIGBIT(signal) & ~UNBLOCKABLE;
}

static bool ignored(const struct thread *thread, unsigned signal)
{
	u64 bit = SIGBIT(signal);

	if (bit & UNBLOCKABLE || caught(thread, signal))
		return false;
	return (sighand_shared(thread->sighand)->signals_ignored | IGNORED_BY_DEFAULT) & bit;
}

/* A signal that is blocked or waited for is kept even if it is ignored: it may be caught later. */
static bool dropped_at_once(const struct thread *thread, unsigned signal)
{
	return ignored(thread, signal) && !((blocked_by(thread) | waited_for_by(thread)) & SIGBIT(signal));
}

/*
 * Root publishes first and reads the mask then; the runtime, perhaps on another core at this moment, sets its mask first and looks at what is pending
 * then. Both with a fence between the two, so that at least one of them sees what the other did.
 */
void signal_publish(const struct process *process)
{
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		atomic_store_relaxed(&thread_context(t)->pending, t->signals.set | process->signals.set);
	atomic_fence();
}

/* ---- stop and continue ---- */

void stop_thread(struct thread *thread)
{
	/* a stopped reader must not stand in a server's queue and take what is meant for others: its call ends and is made again later */
	KCALL1(thread_interrupt, SYS(thread->tcb.slot));
	KCALL1(thread_stop, SYS(thread->tcb.slot));
}

/* Linux CLD_STOPPED 5, CLD_CONTINUED 6 */
static void tell_parent(struct process *process, int code, int status)
{
	struct process *parent = process->parent;
	struct thread *leader = parent ? process_leader(parent) : NULL;
	struct linux_siginfo info = { .signo = SIGNAL_CHLD, .code = code, .pid = process->pid, .uid = process->credentials.uid,
				      .status = status };

	if (leader && !(sighand_shared(leader->sighand)->flags & SHARED_NOCLDSTOP))
		signal_process(parent, SIGNAL_CHLD, &info);
	wait_child_changed(process, parent);
}

void process_stop(struct process *process, unsigned signal)
{
	if (process->stopped || process == init_process || process->service)
		return;
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		stop_thread(t);
	process->stopped = true;
	process->stop_signal = signal;
	process->stop_reported = false;
	process->continued = false;
	tell_parent(process, 5, signal);
}

void process_continue(struct process *process)
{
	if (!process->stopped)
		return;
	process->stopped = false;
	process->continued = true;
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		KCALL1(thread_continue, SYS(t->tcb.slot));
	tell_parent(process, 6, SIGNAL_CONT);
}

/* ---- default actions ---- */

static u32 fatal_status(const struct process *process, unsigned signal)
{
	bool core = SIGBIT(signal) & CORE_SIGNALS && process->rlimits[LIMIT_CORE].soft;

	return signal | (core ? 0x80 : 0);
}

/*
 * The default action of a signal that `thread` does not block, catch or ignore. The signal is off the queues. True: the process is gone.
 */
static bool act_by_default(struct process *process, unsigned signal)
{
	if (SIGBIT(signal) & STOP_SIGNALS) {
		if (signal == SIGNAL_STOP || !group_orphaned(process->pgid))
			process_stop(process, signal);
		return false;
	}
	if (process == init_process)
		return false;
	process_exit(process, fatal_status(process, signal));
	return true;
}

bool signal_fatal_default(struct process *process, unsigned signal)
{
	return act_by_default(process, signal);
}

/* ---- delivery ---- */

/* A sigtimedwait that waits for it has it at once. */
static bool give_to_waiter(struct thread *thread, unsigned signal)
{
	struct process *process = thread->process;
	struct signal_queue *queue = thread->signals.set & SIGBIT(signal) ? &thread->signals : &process->signals;
	u64 m[MESSAGE_WORDS] = { signal };
	struct linux_siginfo info;

	if (thread->wait != WAIT_SIGNAL || !(thread->waiting.a & SIGBIT(signal)))
		return false;
	queue_take(queue, signal, &info);
	signal_publish(process);
	memcpy(root_message()->data, &info, sizeof(info));
	thread_answer_words(thread, m, sizeof(info));
	return true;
}

/*
 * A signal pending for `thread` (on its own or the process's queue) that it does not block: interrupt it, or act. True: the process is gone.
 */
static bool deliver(struct thread *thread, unsigned signal)
{
	struct process *process = thread->process;
	struct signal_queue *queue = thread->signals.set & SIGBIT(signal) ? &thread->signals : &process->signals;
	struct linux_siginfo info;

	if (caught(thread, signal)) {
		KCALL1(thread_interrupt, SYS(thread->tcb.slot));
		return false;
	}
	if (process->stopped) /* waits for SIGCONT */
		return false;
	queue_take(queue, signal, &info);
	signal_publish(process);
	return ignored(thread, signal) ? false : act_by_default(process, signal);
}

static struct thread *choose_thread(struct process *process, unsigned signal)
{
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		if (!(blocked_by(t) & SIGBIT(signal)))
			return t;
	return NULL;
}

/* Signals that undo each other, and SIGCONT's effect that no mask holds up. True: the process goes on, and what came meanwhile is due. */
static bool before_queueing(struct process *process, unsigned signal)
{
	bool stopped = process->stopped;
	u64 drop = SIGBIT(signal) & STOP_SIGNALS ? SIGBIT(SIGNAL_CONT) : signal == SIGNAL_CONT ? STOP_SIGNALS : 0;

	if (!drop)
		return false;
	queue_drop(&process->signals, drop);
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		queue_drop(&t->signals, drop);
	signal_publish(process);
	if (signal == SIGNAL_CONT)
		process_continue(process);
	return stopped && !process->stopped;
}

/* SIGKILL and SIGSTOP: carried out at once. True: done. */
static bool unconditional(struct process *process, unsigned signal)
{
	if (signal == SIGNAL_KILL) {
		if (process != init_process)
			process_exit(process, SIGNAL_KILL);
		return true;
	}
	if (signal == SIGNAL_STOP) {
		process_stop(process, signal);
		return true;
	}
	return false;
}

/* The process may be gone afterwards. */
static int to_process(struct process *process, unsigned signal, const struct linux_siginfo *info)
{
	struct thread *leader = process_leader(process), *thread;
	int error;

	if (unconditional(process, signal) || dropped_at_once(leader, signal))
		return 0;
	error = queue_add(process, &process->signals, signal, info);
	if (error)
		return error;
	signal_publish(process);
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		if (give_to_waiter(t, signal))
			return 0;
	thread = choose_thread(process, signal);
	if (thread) {
		deliver(thread, signal);
		return 0;
	}
	/* Blocked by all; a signalfd may be waiting for it. */
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		if (thread_context(t)->wait_mask & SIGBIT(signal))
			KCALL1(thread_interrupt, SYS(t->tcb.slot));
	return 0;
}

/* What was sent to a process while it was stopped can end it now. SIGCONT itself, sent before, ends none. */
static void after_queueing(struct process *process, bool continued)
{
	if (continued)
		signal_recheck(process);
}

int signal_process(struct process *process, unsigned signal, const struct linux_siginfo *info)
{
	bool continued;
	int error;

	if (!signal || process->state != PROCESS_ALIVE || !process_leader(process))
		return 0;
	continued = before_queueing(process, signal);
	error = to_process(process, signal, info);
	after_queueing(process, continued);
	return error;
}

/* The thread and its process may be gone afterwards. */
static int to_thread(struct thread *thread, unsigned signal, const struct linux_siginfo *info)
{
	struct process *process = thread->process;
	int error;

	if (unconditional(process, signal) || dropped_at_once(thread, signal))
		return 0;
	error = queue_add(process, &thread->signals, signal, info);
	if (error)
		return error;
	signal_publish(process);
	if (give_to_waiter(thread, signal))
		return 0;
	if (!(blocked_by(thread) & SIGBIT(signal)))
		deliver(thread, signal);
	else if (thread_context(thread)->wait_mask & SIGBIT(signal))
		KCALL1(thread_interrupt, SYS(thread->tcb.slot));
	return 0;
}

int signal_thread(struct thread *thread, unsigned signal, const struct linux_siginfo *info)
{
	struct process *process = thread->process;
	bool continued;
	int error;

	if (!signal || process->state != PROCESS_ALIVE)
		return 0;
	continued = before_queueing(process, signal);
	error = to_thread(thread, signal, info);
	after_queueing(process, continued);
	return error;
}

void signal_group(u32 pgid, unsigned signal, const struct linux_siginfo *info)
{
	struct process_walk walk;
	struct process *member;

	process_walk_begin(&walk);
	while ((member = process_walk_next_of_group(&walk, pgid)))
		signal_process(member, signal, info);
	process_walk_end(&walk);
}

/* After a stop or a change of dispositions: what is pending and unblocked goes on. */
void signal_recheck(struct process *process)
{
	for (unsigned signal = 1; signal <= SIGNALS && process->state == PROCESS_ALIVE && !process->stopped; signal++) {
		if (process->signals.set & SIGBIT(signal)) {
			struct thread *thread = choose_thread(process, signal);

			if (thread && deliver(thread, signal))
				return;
		}
		list_for_each_entry(t, &process->threads, struct thread, in_process) {
			if (!(t->signals.set & SIGBIT(signal)) || blocked_by(t) & SIGBIT(signal))
				continue;
			if (deliver(t, signal))
				return;
			break;
		}
	}
}

/* ---- taking ---- */

/* Faults first, then the lowest number, as Linux does. */
static unsigned lowest(u64 set)
{
	u64 faults = set & (SIGBIT(SIGNAL_SEGV) | SIGBIT(SIGNAL_BUS) | SIGBIT(SIGNAL_ILL) | SIGBIT(SIGNAL_TRAP) | SIGBIT(SIGNAL_FPE) |
			    SIGBIT(SIGNAL_SYS));

	set = faults ? faults : set;
	return set ? 1 + __builtin_ctzll(set) : 0;
}

/* Takes one signal of the set out; 0: none is pending. */
unsigned signal_take(struct thread *thread, u64 set, struct linux_siginfo *info)
{
	struct signal_queue *queue = thread->signals.set & set ? &thread->signals : &thread->process->signals;
	unsigned signal = lowest(queue->set & set);

	if (!signal)
		return 0;
	queue_take(queue, signal, info);
	signal_publish(thread->process);
	return signal;
}

/* For the gate's exit: what has no handler is acted upon here. 0: none; -1: the process is gone. */
int signal_take_for_delivery(struct thread *thread, u64 set, struct linux_siginfo *info)
{
	struct process *process = thread->process;
	unsigned signal;

	while ((signal = signal_take(thread, set, info))) {
		if (caught(thread, signal) || blocked_by(thread) & SIGBIT(signal))
			return signal;
		if (ignored(thread, signal))
			continue;
		if (act_by_default(process, signal))
			return -1;
	}
	return 0;
}
