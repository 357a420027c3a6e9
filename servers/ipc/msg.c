/*
 * System V message queues. A message that has been sent lies in the server; senders whose message does not fit, and receivers for whom there is none,
 * wait on the queue, and are looked at in order whenever it changes.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/ipc/ipc.h"

enum { MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13 };

#define MSG_NOERROR 010000
#define MSG_EXCEPT  020000
#define MSG_COPY    040000

/* Linux's numbers for what it tells and does not use. */
#define QUEUE_NAMED  16384
#define QUEUES_NAMED 32000

struct message {
	struct list_node link;
	long type;
	size_t size;
	u8 bytes[];
};

struct msg_queue {
	struct ipc_object base;
	struct list_node messages, senders, receivers; /* waiting requests, by their link */
	u64 bytes, count, limit;
	long sent_at, received_at, changed_at;
	int last_sender, last_receiver;
};

static struct ipc_table table = { .last_index = ~0u };

static struct msg_queue *queue_of(struct ipc_object *object)
{
	return (struct msg_queue *)object;
}

static void message_free(struct message *message)
{
	memory_free(message, sizeof(*message) + message->size);
}

/* ---- moving ---- */

static bool fits(const struct msg_queue *q, size_t size)
{
	return size + q->bytes <= q->limit && 1 + q->count <= q->limit;
}

static bool wanted(const struct message *message, long type, unsigned flags)
{
	if (type < 0)
		return (u64)message->type <= -(u64)type; /* the lowest there is has no opposite of its own kind */
	return !type || (message->type == type) == !(flags & MSG_EXCEPT);
}

/* The message for a receiver: the first, or with a negative type the first of the lowest type. */
static struct message *choose(const struct msg_queue *q, long type, unsigned flags)
{
	struct message *best = NULL;

	if (flags & MSG_COPY) {
		list_for_each_entry(message, &q->messages, struct message, link)
			if (!type--)
				return message;
		return NULL;
	}
	list_for_each_entry(message, &q->messages, struct message, link) {
		if (!wanted(message, type, flags))
			continue;
		if (type >= 0)
			return message;
		if (!best || message->type < best->type)
			best = message;
	}
	return best;
}

/* Gives it to the receiver; it goes only if it arrived (the client asks again if its memory was not there). */
static long deliver(struct msg_queue *q, struct request *request, struct message *message)
{
	unsigned flags = (unsigned)request->m[3];
	size_t size = message->size, room = request->m[2];

	if (room < size && !(flags & MSG_NOERROR))
		return -E2BIG;
	size = MIN(size, room);
	if (request_give(request, message->bytes, size) < size) {
		request->moved = 0;
		return 0;
	}
	request->answer[1] = (unsigned long)message->type;
	if (flags & MSG_COPY)
		return (long)size;
	list_remove(&message->link);
	q->bytes -= message->size;
	q->count--;
	q->received_at = ipc_seconds();
	q->last_receiver = (int)ipc_caller(request).pid;
	message_free(message);
	return (long)size;
}

static void put(struct msg_queue *q, struct message *message, int pid)
{
	list_push_back(&q->messages, &message->link);
	q->bytes += message->size;
	q->count++;
	q->sent_at = ipc_seconds();
	q->last_sender = pid;
}

static bool pump_receivers(struct msg_queue *q)
{
	list_for_each_entry_safe(request, &q->receivers, struct request, link) {
		struct message *message = choose(q, (long)request->m[1], (unsigned)request->m[3]);

		if (!message)
			continue;
		list_remove(&request->link);
		request_answer(request, deliver(q, request, message));
		return true;
	}
	return false;
}

static bool pump_senders(struct msg_queue *q)
{
	struct request *sender = list_first_entry(&q->senders, struct request, link);
	struct message *message = sender ? sender->context : NULL;

	if (!sender || !fits(q, message->size))
		return false;
	list_remove(&sender->link);
	put(q, message, (int)ipc_caller(sender).pid);
	request_answer(sender, 0);
	return true;
}

static void pump(struct msg_queue *q)
{
	while (pump_receivers(q) || pump_senders(q))
		;
}

/* ---- sending, receiving ---- */

static long cancel_sender(struct request *request, unsigned reason)
{
	(void)reason;
	list_remove(&request->link);
	message_free(request->context);
	return -EINTR;
}

static long cancel_receiver(struct request *request, unsigned reason)
{
	(void)reason;
	list_remove(&request->link);
	return -EINTR;
}

static long wait_in(struct list_node *list, struct request *request, request_cancel *cancel)
{
	long kept = request_wait(request, cancel);

	if (kept == REQUEST_KEPT)
		list_push_back(list, &request->link);
	return kept;
}

static long send_message(struct request *request, struct msg_queue *q, struct message *message)
{
	long kept;

	if (fits(q, message->size) && list_empty(&q->senders)) {
		put(q, message, (int)ipc_caller(request).pid);
		pump(q);
		return 0;
	}
	if (request->m[3] & IPC_NOWAIT) {
		message_free(message);
		return -EAGAIN;
	}
	kept = wait_in(&q->senders, request, cancel_sender);
	if (kept == REQUEST_KEPT)
		request->context = message;
	else
		message_free(message);
	return kept;
}

static long send(struct request *request)
{
	struct ipc_caller who = ipc_caller(request);
	struct msg_queue *q = queue_of(ipc_find(&table, (int)request->m[0]));
	size_t size = request->m[2];
	struct message *message;
	long error;

	if (size > setting(SETTING_MSG_SIZE) || (long)request->m[1] < 1 || !q)
		return -EINVAL;
	error = ipc_permit(&q->base, &who, 2);
	if (error)
		return error;
	message = memory_take(sizeof(*message) + size);
	if (!message)
		return -ENOMEM;
	message->type = (long)request->m[1];
	message->size = size;
	if (request_take(request, message->bytes, size) < size) {
		request->moved = 0;
		message_free(message);
		return 0;
	}
	return send_message(request, q, message);
}

static long receive(struct request *request)
{
	struct ipc_caller who = ipc_caller(request);
	struct msg_queue *q = queue_of(ipc_find(&table, (int)request->m[0]));
	unsigned flags = (unsigned)request->m[3];
	struct message *message;
	long result;

	if ((long)request->m[2] < 0 || (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))) || !q)
		return -EINVAL;
	result = ipc_permit(&q->base, &who, 4);
	if (result)
		return result;
	message = choose(q, (long)request->m[1], flags);
	if (!message)
		return flags & IPC_NOWAIT ? -ENOMSG : wait_in(&q->receivers, request, cancel_receiver);
	result = deliver(q, request, message);
	pump(q);
	return result;
}

/* ---- making, removing, control ---- */

static long get(struct request *request)
{
	struct ipc_caller who = ipc_caller(request);
	struct ipc_object *found;
	struct msg_queue *q;
	bool fresh;
	long result = ipc_find_key(&table, &who, (int)request->m[0], (unsigned)request->m[1], &found, &fresh);

	if (!fresh)
		return result;
	q = memory_take(sizeof(*q));
	if (!q)
		return -ENOMEM;
	list_init(&q->messages);
	list_init(&q->senders);
	list_init(&q->receivers);
	q->limit = setting(SETTING_MSG_BYTES);
	q->changed_at = ipc_seconds();
	result = ipc_add(&table, setting(SETTING_MSG_QUEUES), &q->base, &who, (int)request->m[0], (unsigned)request->m[1]);
	if (result < 0)
		memory_free(q, sizeof(*q));
	return result;
}

static void end_waiters(struct list_node *list, bool senders)
{
	struct request *request;

	while ((request = list_first_entry(list, struct request, link))) {
		list_remove(&request->link);
		if (senders)
			message_free(request->context);
		request_answer(request, -EIDRM);
	}
}

static long remove(struct msg_queue *q)
{
	struct message *message;

	ipc_remove(&table, &q->base);
	end_waiters(&q->senders, true);
	end_waiters(&q->receivers, false);
	while ((message = list_first_entry(&q->messages, struct message, link))) {
		list_remove(&message->link);
		message_free(message);
	}
	memory_free(q, sizeof(*q));
	return 0;
}

static long give_stat(struct request *request, const struct msg_queue *q, long result)
{
	struct ipc_msg stat = {
		.permissions = q->base.permissions, .send_time = q->sent_at, .receive_time = q->received_at, .change_time = q->changed_at,
		.bytes = q->bytes, .count = q->count, .limit = q->limit, .last_sender = q->last_sender, .last_receiver = q->last_receiver,
	};

	return ipc_give(request, &stat, sizeof(stat), result);
}

static long set(struct request *request, struct msg_queue *q, const struct ipc_caller *who)
{
	struct ipc_msg from;

	if (request->bytes < sizeof(from))
		return -EINVAL;
	memcpy(&from, serve_message->data, sizeof(from));
	if (from.limit > setting(SETTING_MSG_BYTES) && who->uid)
		return -EPERM;
	ipc_set(&q->base, &from.permissions);
	q->limit = from.limit;
	q->changed_at = ipc_seconds();
	pump(q);
	return 0;
}

static long change(struct request *request, unsigned command)
{
	struct ipc_caller who = ipc_caller(request);
	struct msg_queue *q = queue_of(ipc_find(&table, (int)request->m[0]));
	long error = q ? ipc_permit_owner(&q->base, &who) : -EINVAL;

	if (error)
		return error;
	return command == IPC_RMID ? remove(q) : set(request, q, &who);
}

static long give_limits(struct request *request, bool now)
{
	struct ipc_msg_limits limits = {
		.pool = QUEUES_NAMED * QUEUE_NAMED / 1024, .map = QUEUE_NAMED, .message_max = (int)setting(SETTING_MSG_SIZE),
		.queue_max = (int)setting(SETTING_MSG_BYTES), .queues = (int)setting(SETTING_MSG_QUEUES), .segment_size = 16, .headers = QUEUE_NAMED,
		.segments = 0xffff,
	};

	if (now) {
		limits.pool = (int)table.used;
		limits.map = limits.headers = 0;
		for (unsigned i = 0; i < table.size; i++) {
			const struct msg_queue *q = queue_of(table.slot[i]);

			limits.map += q ? (int)q->count : 0;
			limits.headers += q ? (int)q->bytes : 0;
		}
	}
	return ipc_give(request, &limits, sizeof(limits), ipc_last_index(&table));
}

static long stat_by(struct request *request, struct ipc_object *object, bool any, long result)
{
	struct ipc_caller who = ipc_caller(request);
	long error = object ? 0 : -EINVAL;

	if (!error && !any)
		error = ipc_permit(object, &who, 4);
	return error ? error : give_stat(request, queue_of(object), result);
}

static long control(struct request *request)
{
	unsigned command = (unsigned)request->m[1];
	struct ipc_object *at;

	switch (command) {
	case IPC_INFO:
	case MSG_INFO:
		return give_limits(request, command == MSG_INFO);
	case MSG_STAT:
	case MSG_STAT_ANY:
		at = ipc_at(&table, (int)request->m[0]);
		return stat_by(request, at, command == MSG_STAT_ANY, at ? at->id : 0);
	case IPC_STAT:
		return stat_by(request, ipc_find(&table, (int)request->m[0]), false, 0);
	case IPC_SET:
	case IPC_RMID:
		return change(request, command);
	}
	return -EINVAL;
}

long msg_message(struct request *request)
{
	switch (request->label) {
	case FILE_MSG_GET:
		return get(request);
	case FILE_MSG_SEND:
		return send(request);
	case FILE_MSG_RECEIVE:
		return receive(request);
	default:
		return control(request);
	}
}

void msg_text(struct text *text)
{
	text_add(text, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n");
	for (unsigned i = 0; i < table.size; i++) {
		const struct msg_queue *q = queue_of(table.slot[i]);

		if (!q)
			continue;
		const struct ipc_permissions *p = &q->base.permissions;

		text_add(text, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n", p->key, q->base.id, p->mode, q->bytes, q->count,
			 q->last_sender, q->last_receiver, p->uid, p->gid, p->cuid, p->cgid, q->sent_at, q->received_at, q->changed_at);
	}
}
