/*
 * The loop, and who may ask for what. Path operations come from root alone: by its own capability (badge 0) and forwarded. Operations of open
 * files come on their Handles.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/internal.h"

const struct serve_operations *serve_operations;
unsigned long serve_sequence;

/* Who may ask: anybody with a Handle; root about an open file; root with a path. */
enum asker { BY_HANDLE, BY_ROOT, BY_PATH };

static const struct {
	serve_handler *handler;
	enum asker asker;
} handlers[] = {
#define PATH(name, function) [FILE_##name] = { path_##function, BY_PATH }
	PATH(OPEN, open), PATH(STAT, stat), PATH(READLINK, readlink), PATH(MKDIR, mkdir), PATH(MKNOD, mknod), PATH(UNLINK, unlink),
	PATH(SYMLINK, symlink), PATH(LINK, link), PATH(RENAME, rename), PATH(ACCESS, access), PATH(SETATTR, setattr), PATH(STATFS, statfs),
	PATH(GETXATTR, getxattr), PATH(SETXATTR, setxattr), PATH(LISTXATTR, listxattr), PATH(REMOVEXATTR, removexattr), PATH(RESOLVE, resolve),
#undef PATH
	[FILE_LOCATE] = { op_locate, BY_ROOT }, [FILE_REOPEN] = { op_reopen, BY_ROOT }, [FILE_INFO] = { op_info, BY_ROOT },
#define FILE(name, function) [FILE_##name] = { op_##function, BY_HANDLE }
	FILE(PLACE, place), FILE(READ, read), FILE(WRITE, write), FILE(SEEK, seek), FILE(FSTAT, fstat), FILE(FSETATTR, fsetattr),
	FILE(READDIR, readdir), FILE(FSYNC, fsync), FILE(LOCK, lock), FILE(IOCTL, ioctl), FILE(POLL, poll), FILE(MAP, map),
	FILE(DESCRIBE, describe), FILE(FLAGS, flags), FILE(FLUSH, flush), FILE(ALLOCATE, allocate), FILE(FGETXATTR, fgetxattr),
	FILE(FSETXATTR, fsetxattr), FILE(FLISTXATTR, flistxattr), FILE(FREMOVEXATTR, fremovexattr), FILE(FSTATFS, fstatfs), FILE(KIND, kind),
	FILE(SEALS, seals), FILE(WATCH, watch),
#undef FILE
};

long serve_dispatch(struct request *request)
{
	unsigned label = request->label;

	if (label >= ARRAY_SIZE(handlers) || !handlers[label].handler) {
		if (request->file && request->file->flags & LINUX_O_PATH)
			return -EBADF;
		return serve_operations->message ? serve_operations->message(request) : -ENOSYS;
	}
	if (handlers[label].asker != BY_HANDLE && !from_root(request))
		return -EPERM;
	/* root may also ask for the name that an open file can be linked by */
	if (label == FILE_RESOLVE && request->file)
		return op_resolve(request);
	if (handlers[label].asker != BY_PATH && !request->file)
		return -EBADF;
	return handlers[label].handler(request);
}

/* ---- what the kernel sends ---- */

static void cancelled(const struct ipc *ipc)
{
	struct request *request = request_by_slot((unsigned)(ipc->m[0] & ~(unsigned long)CPTR_SYSTEM));
	long result;

	if (!request)
		return;
	result = request->cancel(request, (unsigned)ipc->m[1]);
	if (request->opening)
		open_answer(request, request->opening, result);
	else
		request_answer(request, result);
}

/* True: the message was the kernel's own. */
static bool from_kernel(const struct ipc *ipc)
{
	switch (INFO_LABEL(ipc->info)) {
	case LABEL_CLOSED:
		open_file_closed(ipc->target);
		return true;
	case LABEL_CANCELLED:
		cancelled(ipc);
		return true;
	case LABEL_NOTIFIED:
		if (ipc->m[0] & NOTICE_ENDED) {
			locks_sweep();
			if (serve_operations->ended)
				serve_operations->ended();
		}
		if (ipc->m[0] & ~NOTICE_ENDED && serve_operations->notified)
			serve_operations->notified(ipc->m[0] & ~NOTICE_ENDED);
		return true;
	}
	return INFO_LABEL(ipc->info) >= LABEL_KERNEL;
}

/* ---- receiving ---- */

static void offer_slots(void)
{
	for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
		unsigned slot = serve_message->recv_slot[i] == SLOT_NONE ? slot_take() : 0;

		if (slot)
			serve_message->recv_slot[i] = CPTR_SYSTEM | slot;
	}
}

/* The capabilities that came: their slots are the request's, others are offered for the next. */
static void receive_capabilities(struct request *request, const struct ipc *ipc)
{
	unsigned count = INFO_CAPS_OF(ipc->info);

	if (likely(!count && !request->received[0]))
		return;
	memset(request->received, 0, sizeof(request->received));
	for (unsigned i = 0; i < count; i++) {
		request->received[i] = (unsigned)(serve_message->recv_slot[i] & ~(unsigned long)CPTR_SYSTEM);
		serve_message->recv_slot[i] = SLOT_NONE;
	}
	offer_slots();
}

static void drop_received(struct request *request)
{
	unsigned dropped = 0;

	for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
		if (likely(!request->received[i]))
			continue;
		kernel_slot_delete(request->received[i]);
		slot_free(request->received[i]);
		request->received[i] = 0;
		dropped++;
	}
	if (dropped)
		offer_slots();
}

static void request_begin(struct request *request, const struct ipc *ipc)
{
	request->label = INFO_LABEL(ipc->info);
	request->windows = INFO_WINDOWS_OF(ipc->info);
	request->bytes = MIN(INFO_BYTES_OF(ipc->info), (unsigned)MESSAGE_BYTES);
	request->forwarded = (ipc->info & INFO_FORWARDED) != 0;
	request->badge = ipc->target;
	request->principal = ipc->reply & PRINCIPAL_MASK;
	memcpy(request->m, ipc->m, sizeof(request->m));
	/* root, by its own capability, names the file in m[6] */
	request->file = open_file_find(from_root(request) ? ipc->m[6] : ipc->target);
	receive_capabilities(request, ipc);
	request->moved = 0;
	request->touch = 0;
	request->stopped = false;
	request->at_offset = false;
	memset(request->answer, 0, sizeof(request->answer));
	request->answer_bytes = 0;
	request->answer_caps = 0;
	request->opening = NULL;
	request->context = NULL;
}

/* Whether the server's timer is due; *deadline is when it will be (0: never). */
static bool timer_due(unsigned long *deadline)
{
	*deadline = serve_operations->deadline ? serve_operations->deadline() : 0;
	return *deadline && kernel_monotonic() >= *deadline;
}

/* What is in `ipc` when a message has been dealt with, to go out with the next receive: nothing, an answer, or the caller to somebody else. */
enum outcome { OUTCOME_NONE, OUTCOME_ANSWER, OUTCOME_FORWARD };

static const unsigned long alone[] = { [OUTCOME_ANSWER] = KCALL_reply, [OUTCOME_FORWARD] = KCALL_forward };
static const unsigned long receiving[] = { KCALL_recv, [OUTCOME_ANSWER] = KCALL_reply_recv, [OUTCOME_FORWARD] = KCALL_forward_recv };

/* What is to be done when it did not go out. */
static enum outcome not_sent(struct request *request, struct ipc *ipc, enum outcome outcome, long error)
{
	if (outcome == OUTCOME_ANSWER && error == K_GONE)
		request_unsent(INFO_CAPS_OF(ipc->info));
	if (outcome != OUTCOME_FORWARD || error == K_GONE)
		return OUTCOME_NONE;
	request->stopped = false;
	request->answer_bytes = request->answer_caps = 0;
	request_fill_answer(request, -EIO, ipc);
	return OUTCOME_ANSWER;
}

static void send_now(struct request *request, struct ipc *ipc, enum outcome outcome)
{
	while (outcome != OUTCOME_NONE) {
		long error;

		ipc->deadline = 0;
		error = kernel_ipc(alone[outcome], ipc);
		outcome = error ? not_sent(request, ipc, outcome, error) : OUTCOME_NONE;
	}
}

/* Receives into `request`; the last outcome goes out from it in the same call. */
static void receive(struct request *request, struct ipc *ipc, enum outcome outcome)
{
	for (;;) {
		unsigned long own = CPTR_SYSTEM | SLOT_ENDPOINT, deadline;
		long error;

		/* The timer's work may use the message buffer: what is still in it goes first. */
		while (timer_due(&deadline)) {
			send_now(request, ipc, outcome);
			outcome = OUTCOME_NONE;
			serve_operations->expired();
		}
		if (outcome == OUTCOME_FORWARD && deadline) {
			send_now(request, ipc, outcome);
			outcome = OUTCOME_NONE;
		}
		ipc->reply = CPTR_SYSTEM | request->slot;
		ipc->deadline = outcome == OUTCOME_FORWARD ? own : deadline;
		if (outcome != OUTCOME_FORWARD)
			ipc->target = own;
		error = kernel_ipc(receiving[outcome], ipc);
		if (error == K_OK)
			return;
		if (outcome == OUTCOME_FORWARD || error == K_GONE) {
			outcome = not_sent(request, ipc, outcome, error);
			continue;
		}
		outcome = OUTCOME_NONE;
		/* Else only a slot that is still full makes receiving fail; a Reply in it is nobody's any more. */
		if (error != K_TIMEOUT && kernel_slot_delete(request->slot) != K_OK)
			serve_fail("cannot receive on the Endpoint");
	}
}

/* Handles one request. */
static enum outcome handle(struct request **request, struct ipc *ipc)
{
	struct request *current = *request;
	long result;

	request_begin(current, ipc);
	serve_request = current;
	serve_sequence++;
	result = serve_dispatch(current);
	serve_request = NULL;
	drop_received(current);
	switch (result) {
	case REQUEST_KEPT:
		*request = request_new(); /* request_wait saw to it that there is one */
		return OUTCOME_NONE;
	case REQUEST_ANSWERED:
		return OUTCOME_NONE;
	case REQUEST_FORWARDED:
		*ipc = serve_forward;
		return OUTCOME_FORWARD;
	}
	request_fill_answer(current, result, ipc);
	return OUTCOME_ANSWER;
}

noreturn void serve_run(const struct serve_operations *operations)
{
	struct request *request = request_new();
	enum outcome outcome = OUTCOME_NONE;
	struct ipc ipc;

	serve_operations = operations;
	if (!request)
		serve_fail("no memory for the first request");
	offer_slots();
	if (root_call3(PROC_SERVICE_READY, 0, 0, 0) < 0)
		serve_fail("root does not take this service");
	for (;;) {
		receive(request, &ipc, outcome);
		outcome = from_kernel(&ipc) ? OUTCOME_NONE : handle(&request, &ipc);
	}
}
