/*
 * Root's loop: receive, find out who it is, look the operation up, answer. Requests that wait keep their Reply in the slot it came in;
 * the loop goes on with another one.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/futex.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/root.h"
#include "root/services.h"
#include "root/signal.h"
#include "root/walk.h"

#define REPLY_SLOTS THREADS_MAX

static u32 reply_first;                         /* slots of root's for Replies */
static struct thread *reply_owner[REPLY_SLOTS]; /* whose Reply is kept there */
static u16 reply_free[REPLY_SLOTS];
static u32 reply_free_count;

struct kobject root_endpoint, root_pool;

/* ---- reply slots ---- */

void replies_init(void)
{
	reply_first = slot_alloc(REPLY_SLOTS);
	if (!reply_first)
		root_panic("no slots for replies");
	for (u32 i = 0; i < REPLY_SLOTS; i++)
		reply_free[reply_free_count++] = REPLY_SLOTS - 1 - i;
}

static u32 reply_take(void)
{
	if (!reply_free_count)
		root_panic("every reply slot is in use");
	return reply_first + reply_free[--reply_free_count];
}

/* The slot is empty. */
static void reply_give(u32 slot)
{
	reply_owner[slot - reply_first] = NULL;
	reply_free[reply_free_count++] = slot - reply_first;
}

void thread_drop_reply(struct thread *thread)
{
	if (!thread->reply)
		return;
	KCALL2(cap_delete, ROOT_CNODE, thread->reply);
	reply_give(thread->reply);
	thread->reply = 0;
}

void thread_reply_gone(struct thread *thread)
{
	u32 slot = thread->reply;

	thread_stop_waiting(thread);
	thread->reply = 0;
	reply_give(slot);
}

static void send_reply(u32 slot, u64 info, const u64 m[MESSAGE_WORDS])
{
	struct kmsg msg = { .info = info, .reply = SYS(slot) };

	memcpy(msg.m, m, sizeof(msg.m));
	kipc(KCALL_reply, &msg);
}

void thread_answer_words(struct thread *thread, const u64 m[MESSAGE_WORDS], u64 bytes)
{
	u32 slot = thread->reply;

	thread_stop_waiting(thread);
	if (!slot)
		return;
	thread->reply = 0;
	reply_give(slot);
	send_reply(slot, INFO(0, bytes), m);
}

void thread_answer(struct thread *thread, long result, u64 m1, u64 m2)
{
	u64 m[MESSAGE_WORDS] = { result, m1, m2 };

	thread_answer_words(thread, m, 0);
}

long request_keep(struct request *request, enum wait_kind kind)
{
	struct thread *caller = request->caller;

	caller->reply = request->reply;
	caller->wait = kind;
	reply_owner[request->reply - reply_first] = caller;
	request->reply = 0;
	return RESULT_LATER;
}

long request_forward(struct thread *caller, u32 reply, u64 target, u64 info, const u64 m[MESSAGE_WORDS])
{
	struct kmsg msg = { .target = target, .info = info, .reply = SYS(reply) };
	long error;

	(void)caller;
	memcpy(msg.m, m, sizeof(msg.m));
	error = kipc(KCALL_forward, &msg);
	if (error == K_GONE)
		return 0;
	return error ? -EIO : 0;
}

long request_forward_last(struct request *request, u64 target, u64 info, const u64 m[MESSAGE_WORDS])
{
	request->forward_to = target;
	request->forward_info = info;
	request->forward_failed = NULL;
	memcpy(request->out, m, sizeof(request->out));
	return RESULT_FORWARD;
}

void thread_stop_waiting(struct thread *thread)
{
	timer_cancel(&thread->waiting.timer);
	if (thread->wait == WAIT_FUTEX)
		futex_forget(thread);
	if (thread->wait == WAIT_PI)
		futex_pi_forget(thread);
	thread->wait = WAIT_NONE;
}

/* ---- windows ---- */

static int window_copy(struct request *request, unsigned direction, u64 offset, void *own, u64 length)
{
	u64 done = 0;

	while (done < length) {
		struct kvalues v = { 0 };
		long error = kobject_call(KCALL_copy, SYS(request->reply), direction, offset + done, (u64)own + done, length - done, 0, 0, &v);

		done += v.v0;
		if (!error && v.v0 && done < length)
			continue;
		if (error == K_PARTIAL &&
		    space_touch(request->caller->space, v.v1, direction == COPY_OUT ? REGION_WRITE : REGION_READ) == TOUCH_OK)
			continue;
		if (error || done < length)
			return -EFAULT;
	}
	return 0;
}

int window_read(struct request *request, u64 offset, void *to, u64 length)
{
	return window_copy(request, COPY_IN, offset, to, length);
}

int window_write(struct request *request, u64 offset, const void *from, u64 length)
{
	return window_copy(request, COPY_OUT, offset, (void *)from, length);
}

/* ---- operations ---- */

static request_handler *const operations[PROC_OPERATION_END - 256] = {
#define X(name) [PROC_##name - 256] = op_##name,
	ROOT_OPERATIONS(X)
#undef X
};

static const char *const operation_names[PROC_OPERATION_END - 256] = {
#define X(name, number) [number] = #name,
	PROC_OPERATIONS(X)
#undef X
};

static long unknown_operation(u64 label)
{
	static u64 said[(PROC_OPERATION_END - 256) / 64];
	u64 n = label - 256;
	const char *name = n < PROC_OPERATION_END - 256 && operation_names[n] ? operation_names[n] : "?";

	if (n < PROC_OPERATION_END - 256 && !(said[n / 64] >> n % 64 & 1)) {
		said[n / 64] |= 1ul << n % 64;
		root_log(LOG_WARNING, "operation %lu (%s) is not there", label, name);
	}
	return -ENOSYS;
}

/* What a server may have done in the name of a client that opened a file there: a mapping of that file; what the proc server's files tell of others. */
static bool forwarded_ok(u64 label)
{
	return label == PROC_MAP_OBJECT || label == PROC_MAP || label == PROC_FILE_INFO;
}

static long handle(struct request *request)
{
	u64 label = INFO_LABEL(request->info);

	if (label == FILE_CONTINUE)
		return walk_continue(request);
	if (label < 32)
		return walk_start(request);
	/* a program that serves a path is trusted with nothing of its clients' */
	if (request->forwarded && (!request->service || !forwarded_ok(label)))
		return -EPERM;
	if (label >= 256 && label < PROC_OPERATION_END && operations[label - 256])
		return operations[label - 256](request);
	return unknown_operation(label);
}

static void decode_request(struct request *request, const struct kmsg *msg, u32 slot)
{
	*request = (struct request){ .info = msg->info, .reply = slot };
	memcpy(request->m, msg->m, sizeof(request->m));
	request->bytes = MIN(INFO_BYTES_OF(msg->info), (unsigned)MESSAGE_BYTES);
	request->forwarded = msg->info & INFO_FORWARDED;
	request->service = msg->target & BADGE_SERVICE ? msg->target & ~BADGE_SERVICE : 0;
	request->caller = thread_by_principal(msg->reply & PRINCIPAL_MASK);
	request->charge = msg->reply >> PRINCIPAL_CHARGE_SHIFT;
}

/* What is in `msg` when a message has been dealt with, to go out with the next receive: nothing, an answer, or the caller to another Endpoint. */
enum outcome { OUTCOME_NONE, OUTCOME_ANSWER, OUTCOME_FORWARD };

/* What a handler's result makes of it. */
static enum outcome outcome_of(struct kmsg *msg, const struct request *request, long result)
{
	if (result == RESULT_LATER)
		return OUTCOME_NONE;
	memcpy(msg->m, request->out, sizeof(msg->m));
	if (result == RESULT_FORWARD) {
		msg->target = request->forward_to;
		msg->info = request->forward_info;
		return OUTCOME_FORWARD;
	}
	msg->m[0] = result;
	msg->info = INFO(0, result >= 0 ? request->out_bytes : 0);
	return OUTCOME_ANSWER;
}

/* A message that wants an answer, which goes out from `slot`. */
static enum outcome serve_call(struct kmsg *msg, struct request *request, u32 slot)
{
	struct thread *caller = thread_by_principal(msg->reply & PRINCIPAL_MASK);

	if (unlikely(!caller || caller->exiting)) {
		request->reply = slot;
		KCALL2(cap_delete, ROOT_CNODE, slot);
		return OUTCOME_NONE;
	}
	if (INFO_LABEL(msg->info) < 32 && walk_plain(msg, caller)) {
		request->reply = slot;
		request->forward_failed = NULL;
		return OUTCOME_FORWARD;
	}
	decode_request(request, msg, slot);
	return outcome_of(msg, request, INFO_LABEL(msg->info) == LABEL_FAULT ? fault_handle(request) : handle(request));
}

/* Why 1 is a deadline, which root's callers never set; 2: killed, which only root does, who deletes the Reply first. */
static void cancelled(const struct kmsg *msg)
{
	u64 slot = (msg->m[0] & ~(u64)CPTR_SYSTEM) - reply_first;
	struct thread *thread = slot < REPLY_SLOTS ? reply_owner[slot] : NULL;

	if (!thread)
		return;
	/* Only SIGKILL ends a vfork, and a service may come yet. */
	if (thread->wait == WAIT_VFORK)
		return;
	/* who was moved to a lock cannot wait for the condition again: it asks the program */
	thread_answer(thread, thread->wait == WAIT_PI && thread->waiting.d ? -EAGAIN : -EINTR, thread->wait == WAIT_CPU ? thread->waiting.b : 0, 0);
}

static bool is_event(u64 info)
{
	u64 label = INFO_LABEL(info);

	return label >= LABEL_KERNEL && label != LABEL_FAULT;
}

static void serve_event(const struct kmsg *msg)
{
	if (INFO_LABEL(msg->info) == LABEL_CANCELLED)
		cancelled(msg);
}

/* The capability that the caller was to be passed on by does not send to anybody. */
static enum outcome forward_failed(struct kmsg *msg, struct request *request)
{
	if (request->forward_failed)
		return outcome_of(msg, request, request->forward_failed(request));
	KCALL2(cap_delete, ROOT_CNODE, request->reply);
	return OUTCOME_NONE;
}

/* Without receiving: before anything that uses data[], which holds what goes out. */
static void send_now(struct kmsg *msg, struct request *request, u32 slot, enum outcome outcome)
{
	while (outcome != OUTCOME_NONE) {
		long error;

		msg->reply = SYS(slot);
		msg->deadline = 0;
		error = kipc(outcome == OUTCOME_ANSWER ? KCALL_reply : KCALL_forward, msg);
		outcome = outcome == OUTCOME_FORWARD && error && error != K_GONE ? forward_failed(msg, request) : OUTCOME_NONE;
	}
}

/* Receives into *slot, from which the last outcome goes out. */
static long receive(struct kmsg *msg, struct request *request, u32 *slot, enum outcome outcome)
{
	u64 own = SYS(root_endpoint.slot), deadline = timer_next();

	if (outcome == OUTCOME_FORWARD && deadline) {
		send_now(msg, request, *slot, outcome);
		outcome = OUTCOME_NONE;
	}
	while (outcome == OUTCOME_FORWARD) {
		msg->reply = SYS(*slot);
		msg->deadline = own;
		if (!kipc(KCALL_forward_recv, msg))
			return 0;
		outcome = forward_failed(msg, request);
	}
	if (!request->reply) /* kept */
		*slot = reply_take();
	msg->reply = SYS(*slot);
	msg->target = own;
	msg->deadline = deadline;
	return kipc(outcome == OUTCOME_ANSWER ? KCALL_reply_recv : KCALL_recv, msg);
}

noreturn void root_loop(void)
{
	u32 slot = reply_take();
	enum outcome outcome = OUTCOME_NONE;
	struct request request = { .reply = slot };
	struct kmsg msg = { 0 };

	for (;;) {
		long error = receive(&msg, &request, &slot, outcome);

		outcome = OUTCOME_NONE;
		request.reply = slot;
		if (error == K_TIMEOUT) {
			timers_run();
			continue;
		}
		if (error == K_GONE)
			continue;
		if (error)
			root_panic("receive: kernel error %ld", error);
		if (is_event(msg.info))
			serve_event(&msg);
		else
			outcome = serve_call(&msg, &request, slot);
		if (timer_next() && timer_next() <= now_ns()) {
			send_now(&msg, &request, slot, outcome); /* timers use data[] */
			outcome = OUTCOME_NONE;
			timers_run();
		}
	}
}
