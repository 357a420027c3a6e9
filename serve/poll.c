/*
 * Readiness. A caller arms an open file with a Notification of its own, kept in a slot here; it is signalled once and deleted when one of
 * its events may be there. One arming an open file, principal and token. Spurious signals are allowed, lost ones are not.
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
	unsigned events, slot;
};

void poll_queue_init(struct poll_queue *queue)
{
	list_init(&queue->armings);
	queue->counter = 1;
}

static void disarm(struct arming *arming)
{
	list_remove(&arming->link);
	kernel_slot_delete(arming->slot);
	slot_free(arming->slot);
	memory_free(arming, sizeof(*arming));
}

void poll_wake(struct poll_queue *queue, unsigned events)
{
	queue->counter += (events & ~(READS | WRITES)) != 0;
	queue->reads += (events & READS) != 0;
	queue->writes += (events & WRITES) != 0;
	list_for_each_safe(node, &queue->armings) {
		struct arming *arming = list_entry(node, struct arming, link);

		if (!(events & (arming->events | ALWAYS)))
			continue;
		kernel_signal(arming->slot);
		disarm(arming);
	}
}

void poll_forget(struct open_file *file)
{
	list_for_each_safe(node, &file->poll->armings) {
		struct arming *arming = list_entry(node, struct arming, link);

		if (arming->file == file)
			disarm(arming);
	}
}

/* The caller's arming goes, and those of callers that have died. */
static void disarm_caller(struct open_file *file, unsigned long principal, unsigned long token)
{
	list_for_each_safe(node, &file->poll->armings) {
		struct arming *arming = list_entry(node, struct arming, link);

		if (arming->file != file)
			continue;
		if ((arming->principal == principal && arming->token == token) || !principal_find(arming->principal))
			disarm(arming);
	}
}

static long arm(struct request *request, unsigned events)
{
	struct arming *arming = memory_take(sizeof(*arming));

	if (!arming)
		return -ENOMEM;
	arming->file = request->file;
	arming->principal = request->principal;
	arming->token = request->m[2];
	arming->events = events;
	arming->slot = request->received[0];
	request->received[0] = 0;
	list_push_back(&request->file->poll->armings, &arming->link);
	return 0;
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
	u64 counter;
	bool waits;

	if (file->flags & LINUX_O_PATH)
		return -EBADF;
	if (serve_operations->poll)
		ready = serve_operations->poll(request, file);
	ready &= events | ALWAYS;
	counter = counter_of(file->poll, events);
	request->answer[1] = counter;
	disarm_caller(file, request->principal, request->m[2]);
	waits = events && (request->m[3] ? request->m[3] == counter : !ready);
	if (waits && request->received[0]) {
		long error = arm(request, events);

		return error ? error : (long)ready;
	}
	/* Out of slots, a capability could not come: the caller must not believe that it is armed. */
	if (waits && serve_message->recv_slot[0] == SLOT_NONE)
		return -ENOMEM;
	return events ? (long)ready : 0;
}
