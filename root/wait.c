/* waitid: which child, in which state; waiters. */
#include "lib/errno.h"
#include "root/operations.h"
#include "root/root.h"
#include "root/signal.h"

#define WNOHANG_BIT   1u
#define WSTOPPED_BIT  2u
#define WEXITED_BIT   4u
#define WCONTINUED_BIT 8u
#define WNOWAIT_BIT   0x01000000u
#define WCLONE_BIT    0x80000000u
#define WALL_BIT      0x40000000u

enum { P_ALL, P_PID, P_PGID };

struct selector {
	u32 type, id, options;
	u64 serial; /* of the one child, 0: whichever */
};

static struct selector selector_of(u64 pid, u64 type, u64 options, u64 serial)
{
	return (struct selector){ type, pid, options, serial };
}

static bool matches(const struct selector *s, const struct process *child)
{
	bool clone = child->exit_signal != SIGNAL_CHLD;

	if (s->type == P_PID && (child->pid != s->id || (s->serial && child->serial != s->serial)))
		return false;
	if (s->type == P_PGID && child->pgid != s->id)
		return false;
	return s->options & WALL_BIT || clone == !!(s->options & WCLONE_BIT);
}

/* The status to report if the child has something to tell now; false otherwise. */
static bool has_news(const struct selector *s, const struct process *child, u32 *status)
{
	if (child->state == PROCESS_ZOMBIE && s->options & WEXITED_BIT)
		*status = child->exit_status;
	else if (child->state == PROCESS_ALIVE && child->stopped && !child->stop_reported && s->options & WSTOPPED_BIT)
		*status = (u32)child->stop_signal << 8 | 0x7f;
	else if (child->continued && s->options & WCONTINUED_BIT)
		*status = 0xffff;
	else
		return false;
	return true;
}

/* Fills the answer's words and takes the news away unless WNOWAIT. */
static void report(const struct selector *s, struct process *child, u32 status, u64 m[MESSAGE_WORDS])
{
	m[0] = child->pid;
	m[1] = status;
	m[2] = child->credentials.uid;
	m[3] = child->dead.user_ns + child->children_usage.user_ns;
	m[4] = child->dead.system_ns + child->children_usage.system_ns;
	m[5] = MAX(child->dead.peak_pages, child->children_usage.peak_pages) * 4;
	if (s->options & WNOWAIT_BIT)
		return;
	if (child->state == PROCESS_ZOMBIE)
		process_reap(child);
	else if (status == 0xffff)
		child->continued = false;
	else
		child->stop_reported = true;
}

/* > 0: m is filled. 0: children, none with news. -ECHILD. */
static long look(struct process *parent, const struct selector *s, u64 m[MESSAGE_WORDS])
{
	bool any = false;

	list_for_each_entry(child, &parent->children, struct process, sibling) {
		u32 status;

		if (!matches(s, child))
			continue;
		any = true;
		if (!has_news(s, child, &status))
			continue;
		report(s, child, status, m);
		return 1;
	}
	return any ? 0 : -ECHILD;
}

long op_WAIT(struct request *request)
{
	struct selector s = selector_of(request->m[0], request->m[1], request->m[2], request->m[3]);
	struct thread *caller = request->caller;
	u64 m[MESSAGE_WORDS] = { 0 };
	long result;

	if (s.type > P_PGID || !(s.options & (WEXITED_BIT | WSTOPPED_BIT | WCONTINUED_BIT)))
		return -EINVAL;
	if (s.type == P_PGID && !s.id)
		s.id = caller->process->pgid;
	result = look(caller->process, &s, m);
	if (result < 0)
		return result;
	if (result > 0) {
		for (unsigned i = 1; i < MESSAGE_WORDS; i++)
			request->out[i] = m[i];
		return m[0];
	}
	if (s.options & WNOHANG_BIT)
		return 0;
	caller->waiting.a = s.id;
	caller->waiting.b = s.type;
	caller->waiting.c = s.options;
	caller->waiting.d = s.serial;
	return request_keep(request, WAIT_CHILD);
}

/* Answers a waiter if there is news for it, or if it has no child left to wait for. */
static void try_waiter(struct thread *thread)
{
	struct selector s = selector_of(thread->waiting.a, thread->waiting.b, thread->waiting.c, thread->waiting.d);
	u64 m[MESSAGE_WORDS] = { 0 };
	long result = look(thread->process, &s, m);

	if (!result)
		return;
	if (result < 0)
		m[0] = result;
	thread_answer_words(thread, m, 0);
}

void wait_child_changed(const struct process *child, struct process *parent)
{
	(void)child;
	if (!parent || parent->state != PROCESS_ALIVE)
		return;
	list_for_each_entry(t, &parent->threads, struct thread, in_process)
		if (t->wait == WAIT_CHILD)
			try_waiter(t);
}
