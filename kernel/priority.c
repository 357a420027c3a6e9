#include "kernel/priority.h"
#include "kernel/endpoint.h"
#include "kernel/schedule.h"

/* Servers of one Endpoint that are raised for its callers. */
#define SERVERS_MOST 64
/* Threads whose priority changes because one does. */
#define CHANGES_MOST 64
/* As far as a place in the queue is looked for, from either end: it is exact among so many. */
#define PLACES_LOOKED_AT 64

unsigned priority_boosted;

struct passing_on {
	unsigned depth, changes;
};

/* Threads that wait in calls and may have lost what raised them: all are back at their own priority before any is raised again. */
struct lowered {
	struct waiting {
		struct thread *thread;
		unsigned depth;
	} waiting[CHANGES_MOST];
	unsigned count;
};

static const struct thread *first_caller(const struct endpoint *ep)
{
	return !ep || ep->receiving ? NULL : list_first_entry(&ep->queue, struct thread, queue);
}

static const struct thread *served(struct thread *thread)
{
	const struct cte *slot = thread->receives ? cspace_system_slot(thread, thread_reply_slot(thread)) : NULL;
	const struct thread *caller = slot && cap_type(slot) == OBJECT_REPLY ? reply_caller(slot) : NULL;

	/* the Endpoint leads from a caller to its server, so only one that came by that counts */
	return caller && caller->endpoint == thread->receives ? caller : NULL;
}

static u8 effective(struct thread *thread)
{
	const struct thread *caller = served(thread), *first = first_caller(thread->receives);
	u8 priority = thread->priority_own;

	if (caller)
		priority = MAX(priority, caller->priority);
	return first ? MAX(priority, first->priority) : priority;
}

static void insert(struct endpoint *ep, struct thread *caller)
{
	struct list_node *front = ep->queue.next, *back = ep->queue.prev;

	for (unsigned n = 0; n < PLACES_LOOKED_AT; n++) {
		if (back == &ep->queue || list_entry(back, struct thread, queue)->priority >= caller->priority) {
			list_insert_after(back, &caller->queue);
			return;
		}
		if (list_entry(front, struct thread, queue)->priority < caller->priority)
			break;
		front = front->next;
		back = back->prev;
	}
	list_insert_before(front, &caller->queue);
}

static bool waits_in_call(const struct thread *thread)
{
	return (thread->state == THREAD_SENDING || thread->state == THREAD_REPLY) && thread->endpoint;
}

static void set(struct thread *thread, u8 priority)
{
	if (priority != thread->priority) {
		thread_set_priority(thread, priority);
		if (thread->state == THREAD_SENDING && thread->endpoint) {
			list_remove(&thread->queue);
			insert(thread->endpoint, thread);
		}
	}
	priority_boosted -= thread->boosted;
	thread->boosted = thread->priority > thread->priority_own;
	priority_boosted += thread->boosted;
}

static void update(struct thread *thread, struct passing_on *so_far);

/* Somebody waits there with this priority: those who serve there have no less. */
static void raise_servers(const struct endpoint *ep, u8 priority, struct passing_on *so_far)
{
	unsigned looked_at = 0;

	list_for_each(node, &ep->servers) {
		struct thread *server = list_entry(node, struct thread, server);

		if (server->priority < priority)
			update(server, so_far);
		if (++looked_at == SERVERS_MOST)
			break;
	}
}

/* Whoever answers that caller takes its server's reason away, and the fast paths know nothing of reasons: such a Reply is none for them. */
static void mark_served(struct thread *server)
{
	const struct thread *caller = server->boosted ? served(server) : NULL;

	if (caller)
		caller->reply->word |= (u64)REPLY_RAISES << CAP_RIGHTS_SHIFT;
}

/* What directly raises it, and if that is more than before, those it waits for. */
static void update(struct thread *thread, struct passing_on *so_far)
{
	u8 priority = effective(thread), before = thread->priority;

	if (priority != before && so_far->changes++ >= CHANGES_MOST)
		return;
	set(thread, priority);
	mark_served(thread);
	if (priority <= before || !waits_in_call(thread) || so_far->depth == CHAIN_MOST)
		return;
	so_far->depth++;
	raise_servers(thread->endpoint, priority, so_far);
	so_far->depth--;
}

/* ---- what raised a thread is gone ---- */

static void lower(struct thread *thread, unsigned depth, struct lowered *lowered)
{
	if (!waits_in_call(thread) || thread->priority <= thread->priority_own || lowered->count == CHANGES_MOST)
		return;
	set(thread, thread->priority_own);
	lowered->waiting[lowered->count++] = (struct waiting){ thread, depth };
}

static void lower_servers(const struct endpoint *ep, unsigned depth, struct lowered *lowered)
{
	unsigned looked_at = 0;

	list_for_each(node, &ep->servers) {
		lower(list_entry(node, struct thread, server), depth, lowered);
		if (++looked_at == SERVERS_MOST)
			break;
	}
}

/* With all that they raise, over the chain of calls. */
static void lower_further(struct lowered *lowered)
{
	for (unsigned i = 0; i < lowered->count; i++)
		if (lowered->waiting[i].depth < CHAIN_MOST)
			lower_servers(lowered->waiting[i].thread->endpoint, lowered->waiting[i].depth + 1, lowered);
}

/* Of those from `first` on the one that is to have the highest priority comes to the front. */
static struct thread *highest(struct lowered *lowered, unsigned first)
{
	struct waiting *front = &lowered->waiting[first], *best = front, swapped = *front;
	u8 priority = effective(front->thread);

	for (struct waiting *w = front + 1; w < lowered->waiting + lowered->count; w++)
		if (effective(w->thread) > priority) {
			best = w;
			priority = effective(w->thread);
		}
	*front = *best;
	*best = swapped;
	return front->thread;
}

/* Those who serve there and were left as they were: they wait for nobody, so they need only be looked at once the others are right. */
static void update_servers(const struct endpoint *ep, struct passing_on *so_far)
{
	unsigned looked_at = 0;

	list_for_each(node, &ep->servers) {
		struct thread *server = list_entry(node, struct thread, server);

		if (server->boosted)
			update(server, so_far);
		if (++looked_at == SERVERS_MOST)
			break;
	}
}

/* The highest first: so each is raised once. */
static void raise_again(struct lowered *lowered)
{
	struct passing_on so_far = { 0 };

	for (unsigned i = 0; i < lowered->count; i++)
		update(highest(lowered, i), &so_far);
	for (unsigned i = 0; i < lowered->count; i++)
		if (lowered->waiting[i].depth < CHAIN_MOST)
			update_servers(lowered->waiting[i].thread->endpoint, &so_far);
}

void priority_update(struct thread *thread)
{
	struct lowered lowered;

	lowered.count = 0;
	lower(thread, 0, &lowered);
	lower_further(&lowered);
	raise_again(&lowered);
	update(thread, &(struct passing_on){ 0 });
}

void priority_update_boosted(const struct endpoint *ep)
{
	struct lowered lowered;

	lowered.count = 0;
	lower_servers(ep, 0, &lowered);
	lower_further(&lowered);
	raise_again(&lowered);
	update_servers(ep, &(struct passing_on){ 0 });
}

void priority_receives_nowhere(struct thread *thread)
{
	if (!thread->receives)
		return;
	list_remove(&thread->server);
	thread->receives = NULL;
	priority_update(thread);
}

void priority_receives_anew(struct thread *thread, struct endpoint *ep)
{
	const struct thread *first = first_caller(ep);

	if (thread->receives != ep) {
		if (thread->receives)
			list_remove(&thread->server);
		list_push_back(&ep->servers, &thread->server);
		thread->receives = ep;
	}
	if (thread->boosted || (first && first->priority > thread->priority))
		priority_update(thread);
}

void priority_queue(struct endpoint *ep, struct thread *caller)
{
	insert(ep, caller);
	if (first_caller(ep) == caller)
		raise_servers(ep, caller->priority, &(struct passing_on){ 0 });
}
