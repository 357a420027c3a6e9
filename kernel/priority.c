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

static const struct thread *first_caller(const struct endpoint *ep)
{
	return !ep || ep->receiving ? NULL : list_first_entry(&ep->queue, struct thread, queue);
}

static const struct thread *served(struct thread *thread)
{
	const struct cte *slot = thread->receives ? cspace_system_slot(thread, thread->reply_slot) : NULL;
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

static void update(struct thread *thread, struct passing_on *so_far);

/* Those who serve there: who waits for them is somebody else, or has this priority now. */
static void update_servers(const struct endpoint *ep, u8 priority, struct passing_on *so_far)
{
	unsigned looked_at = 0;

	list_for_each(node, &ep->servers) {
		struct thread *server = list_entry(node, struct thread, server);

		if (server->boosted || server->priority < priority)
			update(server, so_far);
		if (++looked_at == SERVERS_MOST)
			break;
	}
}

/* The thread has another priority: so have those it waits for. */
static void pass_on(struct thread *thread, struct passing_on *so_far)
{
	if ((thread->state != THREAD_SENDING && thread->state != THREAD_REPLY) || !thread->endpoint || so_far->depth == CHAIN_MOST)
		return;
	if (thread->state == THREAD_SENDING) {
		list_remove(&thread->queue);
		insert(thread->endpoint, thread);
	}
	so_far->depth++;
	update_servers(thread->endpoint, thread->priority, so_far);
	so_far->depth--;
}

static void update(struct thread *thread, struct passing_on *so_far)
{
	u8 priority = effective(thread);

	if (priority != thread->priority) {
		if (so_far->changes == CHANGES_MOST)
			return;
		so_far->changes++;
		thread_set_priority(thread, priority);
		pass_on(thread, so_far);
	}
	priority_boosted -= thread->boosted;
	thread->boosted = thread->priority > thread->priority_own;
	priority_boosted += thread->boosted;
}

void priority_update(struct thread *thread)
{
	update(thread, &(struct passing_on){ 0 });
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
		update_servers(ep, caller->priority, &(struct passing_on){ 0 });
}

void priority_update_boosted(const struct endpoint *ep)
{
	update_servers(ep, 0, &(struct passing_on){ 0 });
}
