/*
 * POSIX message queues: files of one flat directory. Messages lie in order of priority, the oldest of a priority first. Who waits to receive is served in
 * order of arrival; a message that nobody waits for may send the signal that one process asked for with mq_notify.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "servers/ipc/ipc.h"

#define MESSAGES_HARD    65536 /* of who may go above fs/mqueue's limits */
#define SIZE_HARD        (16u << 20)
#define QUEUE_FILE_SIZE  80
#define QUEUE_MODE(mode) (LINUX_S_IFREG | ((mode) & 07777))
#define SI_MESGQ         (-3)

enum { NOTIFY_NOT, NOTIFY_SIGNAL, NOTIFY_NONE };

struct message {
	struct list_node link;
	unsigned priority, size;
	u8 bytes[];
};

struct queue {
	struct list_node link;      /* in `all`, while it has a name */
	char name[256];
	bool removed;
	u64 cookie;
	unsigned holders;
	unsigned mode, uid, gid;
	u64 atime, mtime, ctime;
	u64 most, size, count;      /* messages at most, bytes of each, messages now */
	struct list_node messages;
	struct list_node senders, receivers; /* waiting requests */
	struct poll_queue poll;
	struct {
		unsigned pid, kind, signal;
		u64 value;
		unsigned long owner_principal;
	} notify;
};

static struct list_node all = { &all, &all };
static unsigned queue_count;
static u64 next_cookie = 2;

/* ---- names ---- */

struct queue *queue_first(void)
{
	return list_first_entry(&all, struct queue, link);
}

struct queue *queue_next(const struct queue *queue)
{
	return queue->link.next == &all ? NULL : list_entry(queue->link.next, struct queue, link);
}

struct queue *queue_find(const char *name, size_t length)
{
	list_for_each_entry(q, &all, struct queue, link)
		if (strlen(q->name) == length && !memcmp(q->name, name, length))
			return q;
	return NULL;
}

const char *queue_name(const struct queue *queue, bool *deleted)
{
	*deleted = queue->removed;
	return queue->name;
}

u64 queue_cookie(const struct queue *queue)
{
	return queue->cookie;
}

static void queue_free(struct queue *q)
{
	struct message *message;

	while ((message = list_first_entry(&q->messages, struct message, link))) {
		list_remove(&message->link);
		memory_free(message, sizeof(*message) + message->size);
	}
	memory_free(q, sizeof(*q));
	queue_count--;
}

/* What mq_open asked for: m[2] of the open. 0, -EINVAL. */
static long limits_of(const struct request *request, const struct ipc_caller *who, u64 *most, u64 *size)
{
	u64 asked = request && request->label == FILE_OPEN ? request->m[2] : 0;

	*most = asked >> 32;
	*size = asked & 0xffffffffu;
	if (!asked) {
		*most = MIN(setting(SETTING_MQUEUE_MESSAGES), setting(SETTING_MQUEUE_MESSAGES_DEFAULT));
		*size = MIN(setting(SETTING_MQUEUE_SIZE), setting(SETTING_MQUEUE_SIZE_DEFAULT));
		return 0;
	}
	if (!*most || !*size)
		return -EINVAL;
	if (who->uid)
		return *most > setting(SETTING_MQUEUE_MESSAGES) || *size > setting(SETTING_MQUEUE_SIZE) ? -EINVAL : 0;
	return *most > MESSAGES_HARD || *size > SIZE_HARD ? -EINVAL : 0;
}

long queue_create(const char *name, size_t length, unsigned mode, struct queue **made)
{
	struct ipc_caller who = ipc_caller(serve_request);
	u64 most, size;
	struct queue *q;
	long error = limits_of(serve_request, &who, &most, &size);

	if (error)
		return error;
	if (queue_count >= setting(SETTING_MQUEUE_QUEUES) && who.uid)
		return -ENOSPC;
	q = memory_take(sizeof(*q));
	if (!q)
		return -ENOMEM;
	memcpy(q->name, name, MIN(length, sizeof(q->name) - 1));
	q->mode = QUEUE_MODE(mode);
	q->uid = who.uid;
	q->gid = who.gid;
	q->most = most;
	q->size = size;
	q->cookie = ++next_cookie;
	q->atime = q->mtime = q->ctime = kernel_realtime();
	list_init(&q->messages);
	list_init(&q->senders);
	list_init(&q->receivers);
	poll_queue_init(&q->poll);
	list_push_back(&all, &q->link);
	queue_count++;
	*made = q;
	return 0;
}

long queue_unlink(const char *name, size_t length)
{
	struct queue *q = queue_find(name, length);

	if (!q)
		return -ENOENT;
	list_remove(&q->link);
	q->removed = true;
	if (!q->holders)
		queue_free(q);
	return 0;
}

void queue_hold(struct queue *q)
{
	q->holders++;
}

void queue_unhold(struct queue *q)
{
	if (!--q->holders && q->removed)
		queue_free(q);
}

void queue_getattr(const struct queue *q, struct file_attr *attr)
{
	attr->ino = q->cookie;
	attr->mode = q->mode;
	attr->nlink = !q->removed;
	attr->uid = q->uid;
	attr->gid = q->gid;
	attr->size = QUEUE_FILE_SIZE;
	attr->atime = q->atime;
	attr->mtime = q->mtime;
	attr->ctime = attr->btime = q->ctime;
}

void queue_setattr(struct queue *q, unsigned mask, const struct file_attr *attr)
{
	if (mask & SETATTR_MODE)
		q->mode = QUEUE_MODE(attr->mode);
	if (mask & SETATTR_UID)
		q->uid = attr->uid;
	if (mask & SETATTR_GID)
		q->gid = attr->gid;
	if (mask & SETATTR_ATIME)
		q->atime = attr->atime;
	if (mask & SETATTR_MTIME)
		q->mtime = attr->mtime;
	q->ctime = kernel_realtime();
}

/* ---- notification ---- */

struct notice { /* siginfo_t of a queue's signal */
	int signo, error, code, pad;
	unsigned pid, uid;
	u64 value;
	u8 rest[96];
};
_Static_assert(sizeof(struct notice) == 128, "siginfo layout");

static void notify_forget(struct queue *q)
{
	q->notify.pid = 0;
}

/* Once, for a message that came into an empty queue for which nobody waits. */
static void notify_now(struct queue *q, const struct ipc_caller *sender)
{
	struct notice notice = { .signo = (int)q->notify.signal, .code = SI_MESGQ, .pid = sender->pid, .uid = sender->uid, .value = q->notify.value };
	unsigned long m[8] = { q->notify.pid, q->notify.signal };

	if (!q->notify.pid)
		return;
	if (q->notify.kind == NOTIFY_SIGNAL) {
		memcpy(serve_message->data, &notice, sizeof(notice));
		root_call(PROC_SERVICE_SIGNAL, m, sizeof(notice));
	}
	notify_forget(q);
}

static long notify_set(struct request *request, struct queue *q)
{
	unsigned pid = ipc_caller(request).pid;

	if (!request->m[0]) {
		if (q->notify.pid == pid)
			notify_forget(q);
		return 0;
	}
	if (request->m[0] > NOTIFY_NONE || (request->m[0] == NOTIFY_SIGNAL && request->m[1] > 64))
		return -EINVAL;
	if (q->notify.pid)
		return -EBUSY;
	q->notify.pid = pid;
	q->notify.kind = (unsigned)request->m[0];
	q->notify.signal = (unsigned)request->m[1];
	q->notify.value = request->m[2];
	return 0;
}

void queue_flush(struct open_file *file, unsigned pid)
{
	struct queue *q = (struct queue *)file->node.id;

	if (pid && q->notify.pid == pid)
		notify_forget(q);
}

static void sweep_one(struct queue *q)
{
	if (q->notify.pid && !process_alive(q->notify.pid))
		notify_forget(q);
}

static void sweep_file(struct open_file *file, void *context)
{
	(void)context;
	if (!file->mount && file->node.id > NODES_FIXED)
		sweep_one((struct queue *)file->node.id);
}

void queue_sweep(void)
{
	open_file_each(sweep_file, NULL);
}

/* ---- messages ---- */

static void insert(struct queue *q, struct message *message)
{
	struct list_node *after = &q->messages;

	list_for_each_entry(other, &q->messages, struct message, link)
		if (other->priority >= message->priority)
			after = &other->link;
	list_insert_after(after, &message->link);
	q->count++;
	q->mtime = q->ctime = kernel_realtime();
}

/* The first goes to the receiver, if it arrives. */
static long deliver(struct queue *q, struct request *request)
{
	struct message *message = list_first_entry(&q->messages, struct message, link);
	size_t size = message->size;

	if (request_give(request, message->bytes, size) < size) {
		request->moved = 0;
		return 0;
	}
	request->answer[1] = message->priority;
	list_remove(&message->link);
	q->count--;
	memory_free(message, sizeof(*message) + size);
	return (long)size;
}

static bool pump_receiver(struct queue *q)
{
	struct request *receiver = list_first_entry(&q->receivers, struct request, link);

	if (!receiver || !q->count)
		return false;
	list_remove(&receiver->link);
	request_answer(receiver, deliver(q, receiver));
	return true;
}

static bool pump_sender(struct queue *q)
{
	struct request *sender = list_first_entry(&q->senders, struct request, link);

	if (!sender || q->count >= q->most)
		return false;
	list_remove(&sender->link);
	insert(q, sender->context);
	request_answer(sender, 0);
	return true;
}

/* Whoever waits goes on as far as it can; pollers are told what became of it. */
static void pump(struct queue *q)
{
	while (pump_receiver(q) || pump_sender(q))
		;
	poll_wake(&q->poll, queue_poll(q));
}

static long cancel_sender(struct request *request, unsigned reason)
{
	struct message *message = request->context;

	list_remove(&request->link);
	memory_free(message, sizeof(*message) + message->size);
	return reason == CANCEL_TIMED_OUT ? -ETIMEDOUT : -EINTR;
}

static long cancel_receiver(struct request *request, unsigned reason)
{
	list_remove(&request->link);
	return reason == CANCEL_TIMED_OUT ? -ETIMEDOUT : -EINTR;
}

static bool never_waits(const struct request *request)
{
	return request->m[2] & 1 || request->file->flags & LINUX_O_NONBLOCK;
}

static long put(struct request *request, struct queue *q, struct message *message)
{
	struct ipc_caller who = ipc_caller(request);
	bool notify = !q->count && list_empty(&q->receivers);
	long kept;

	if (q->count < q->most) {
		insert(q, message);
		if (notify)
			notify_now(q, &who);
		pump(q);
		return 0;
	}
	kept = never_waits(request) ? -EAGAIN : request_wait(request, cancel_sender);
	if (kept != REQUEST_KEPT) {
		memory_free(message, sizeof(*message) + message->size);
		return kept;
	}
	request->context = message;
	list_push_back(&q->senders, &request->link);
	return kept;
}

static long send(struct request *request, struct queue *q)
{
	size_t size = request->m[0];
	struct message *message;

	if (!file_writable(request->file))
		return -EBADF;
	if (request->m[1] >= MQ_PRIORITIES)
		return -EINVAL;
	if (size > q->size)
		return -EMSGSIZE;
	message = memory_take(sizeof(*message) + size);
	if (!message)
		return -ENOMEM;
	message->size = (unsigned)size;
	message->priority = (unsigned)request->m[1];
	if (request_take(request, message->bytes, size) < size) {
		request->moved = 0;
		memory_free(message, sizeof(*message) + size);
		return 0;
	}
	return put(request, q, message);
}

static long receive(struct request *request, struct queue *q)
{
	long result;

	if (!file_readable(request->file))
		return -EBADF;
	if (request->m[0] < q->size)
		return -EMSGSIZE;
	if (q->count) {
		q->atime = q->ctime = kernel_realtime();
		result = deliver(q, request);
		pump(q);
		return result;
	}
	result = never_waits(request) ? -EAGAIN : request_wait(request, cancel_receiver);
	if (result == REQUEST_KEPT)
		list_push_back(&q->receivers, &request->link);
	return result;
}

static long attributes(struct request *request, const struct queue *q)
{
	request->answer[1] = request->file->flags & LINUX_O_NONBLOCK;
	request->answer[2] = q->most;
	request->answer[3] = q->size;
	request->answer[4] = q->count;
	if (request->m[0] == 1)
		request->file->flags = (request->file->flags & ~(unsigned)LINUX_O_NONBLOCK) | ((unsigned)request->m[1] & LINUX_O_NONBLOCK);
	return 0;
}

long queue_message(struct request *request)
{
	struct queue *q = (struct queue *)request->file->node.id;

	switch (request->label) {
	case FILE_MQ_SEND:
		return send(request, q);
	case FILE_MQ_RECEIVE:
		return receive(request, q);
	case FILE_MQ_NOTIFY:
		return notify_set(request, q);
	case FILE_MQ_ATTR:
		return attributes(request, q);
	}
	return -EINVAL;
}

/* ---- as a file ---- */

void queue_open(struct queue *q, struct open_file *file)
{
	file->poll = &q->poll;
	file->opened = OPENED_POLLS;
}

unsigned queue_poll(const struct queue *q)
{
	return (q->count ? LINUX_POLLIN | LINUX_POLLRDNORM : 0) | (q->count < q->most ? LINUX_POLLOUT | LINUX_POLLWRNORM : 0);
}

long queue_read(struct request *request, struct queue *q, u64 offset, size_t length)
{
	char text[QUEUE_FILE_SIZE];
	u64 bytes = 0;
	size_t size;

	list_for_each_entry(message, &q->messages, struct message, link)
		bytes += message->size;
	size = snformat(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", bytes,
			q->notify.pid && q->notify.kind == NOTIFY_NONE ? 1 : 0, q->notify.pid && q->notify.kind == NOTIFY_SIGNAL ? (int)q->notify.signal : 0,
			(int)q->notify.pid);
	if (offset >= size)
		return 0;
	return (long)request_give(request, text + offset, MIN(length, size - offset));
}
