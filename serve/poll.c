/*
 * Readiness. A caller arms an open file with a Notification of its own, in a slot here, which is signalled once when one of its events may be there.
 * Then the arming rests, if the caller wants it kept (so that the next time it need not bring the Notification), or goes. One arming an open
 * file, principal and token. Spurious signals are allowed, lost ones are not.
 */
#include "lib/errno.h"
#include "serve/internal.h"

#define ALWAYS (LINUX_POLLERR | LINUX_POLLHUP)
#define READS  (LINUX_POLLIN | LINUX_POLLRDNORM | LINUX_POLLRDBAND | LINUX_POLLPRI)
#define WRITES (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND)
#define READY_BY_DEFAULT (LINUX_POLLIN | LINUX_POLLOUT | LINUX_POLLRDNORM | LINUX_POLLWRNORM)

struct arming {
	struct list_node link; /* in the queue */
	struct open_file *file;
	unsigned long principal, token;
	unsigned events, slot; /* events 0: it rests */
	bool keep;
};

#define RESTING_MAX 512 /* in all: slots are needed for those that are armed, too */
static unsigned resting;

void poll_queue_init(struct poll_queue *queue)
{
	list_init(&queue->armings);
	list_init(&queue->asyncs);
	queue->counter = 1;
}

static void disarm(struct arming *arming)
{
	resting -= !arming->events;
	list_remove(&arming->link);
	kernel_slot_delete(arming->slot);
	slot_free(arming->slot);
	memory_free(arming, sizeof(*arming));
}

/* It was signalled, or is not wanted now. */
static void rest(struct arming *arming)
{
	if (!arming->events)
		return;
	if (!arming->keep || resting == RESTING_MAX) {
		disarm(arming);
		return;
	}
	arming->events = 0;
	resting++;
}

static void rearm(struct arming *arming, unsigned events)
{
	resting -= !arming->events;
	arming->events = events;
}

void poll_wake_waiting(struct poll_queue *queue, unsigned events)
{
	queue->counter += (events & ~(READS | WRITES)) != 0;
	queue->reads += (events & READS) != 0;
	queue->writes += (events & WRITES) != 0;
	list_for_each_safe(node, &queue->armings) {
		struct arming *arming = list_entry(node, struct arming, link);

		if (!arming->events || !(events & (arming->events | ALWAYS)))
			continue;
		kernel_signal(arming->slot);
		rest(arming);
	}
}

void poll_wake(struct poll_queue *queue, unsigned events)
{
	poll_wake_waiting(queue, events);
	async_wake(queue, events);
}

void poll_forget(struct open_file *file)
{
	async_leave(file);
	list_for_each_safe(node, &file->poll->armings) {
		struct arming *arming = list_entry(node, struct arming, link);

		if (arming->file == file)
			disarm(arming);
	}
}

/* The caller's arming; those of callers that have died go. */
static struct arming *find_caller(struct open_file *file, unsigned long principal, unsigned long token)
{
	struct arming *found = NULL;

	list_for_each_safe(node, &file->poll->armings) {
		struct arming *arming = list_entry(node, struct arming, link);

		if (arming->file != file)
			continue;
		if (arming->principal == principal && arming->token == token)
			found = arming;
		else if (!principal_find(arming->principal))
			disarm(arming);
	}
	return found;
}

/* With the capability that came. */
static long arm(struct request *request, unsigned events)
{
	struct arming *arming = memory_take(sizeof(*arming));

	if (!arming)
		return -ENOMEM;
	arming->file = request->file;
	arming->principal = request->principal;
	arming->token = request->m[2];
	arming->events = events;
	arming->keep = request->m[4] == POLL_KEEP;
	arming->slot = request->received[0];
	request->received[0] = 0;
	request->answer[2] = POLL_ARMED;
	list_push_back(&request->file->poll->armings, &arming->link);
	return 0;
}

/* The caller waits. 0, or -ENOMEM: it must not believe that it is armed. */
static long wait_for(struct request *request, struct arming *arming, unsigned events)
{
	if (request->m[4] == POLL_AGAIN) {
		request->answer[2] = arming ? POLL_ARMED : POLL_BRING;
		if (arming)
			rearm(arming, events);
		return 0;
	}
	if (request->received[0]) {
		if (arming)
			disarm(arming);
		return arm(request, events);
	}
	if (arming)
		rest(arming);
	/* Out of slots, a capability could not come. */
	return serve_message->recv_slot[0] == SLOT_NONE ? -ENOMEM : 0;
}

/* Who waits for bytes sees no edge when there is room. */
static u64 counter_of(const struct poll_queue *queue, unsigned events)
{
	return queue->counter + (events & READS ? queue->reads : 0) + (events & WRITES ? queue->writes : 0);
}

long op_poll(struct request *request)
{
	struct open_file *file = request->file;
	unsigned events = (unsigned)request->m[0], ready = READY_BY_DEFAULT;
	struct arming *arming;
	u64 counter;
	long error = 0;

	if (file->flags & LINUX_O_PATH)
		return -EBADF;
	if (serve_operations->poll)
		ready = serve_operations->poll(request, file);
	ready &= events | ALWAYS;
	counter = counter_of(file->poll, events);
	request->answer[1] = counter;
	arming = find_caller(file, request->principal, request->m[2]);
	if (events && (request->m[3] ? request->m[3] == counter : !ready))
		error = wait_for(request, arming, events);
	else if (arming)
		rest(arming);
	return error ? error : events ? (long)ready : 0;
}
