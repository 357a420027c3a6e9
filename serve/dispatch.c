/*
 * The loop, and who may ask for what. Path operations come from root: by its own capability (badge 0) and forwarded; some also by a tree Handle or a directory's.
 * Operations of open files come on their Handles.
 */
#include "abi/gate.h"
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
	[FILE_BUFFER] = { op_buffer, BY_PATH },
	[FILE_LOCATE] = { op_locate, BY_ROOT }, [FILE_REOPEN] = { op_reopen, BY_ROOT }, [FILE_INFO] = { op_info, BY_ROOT },
#define FILE(name, function) [FILE_##name] = { op_##function, BY_HANDLE }
	FILE(PLACE, place), FILE(READ, read), FILE(WRITE, write), FILE(SEEK, seek), FILE(FSTAT, fstat), FILE(FSETATTR, fsetattr),
	FILE(READDIR, readdir), FILE(FSYNC, fsync), FILE(LOCK, lock), FILE(IOCTL, ioctl), FILE(POLL, poll), FILE(MAP, map),
	FILE(DESCRIBE, describe), FILE(FLAGS, flags), FILE(FLUSH, flush), FILE(ALLOCATE, allocate), FILE(FGETXATTR, fgetxattr),
	FILE(FSETXATTR, fsetxattr), FILE(FLISTXATTR, flistxattr), FILE(FREMOVEXATTR, fremovexattr), FILE(FSTATFS, fstatfs), FILE(KIND, kind),
	FILE(SEALS, seals), FILE(WATCH, watch), FILE(OWNER, owner), FILE(LEASE, lease), FILE(NOTIFY, notify),
#undef FILE
};

/* What is not asked of an open file by who has it. */
static long dispatch_by_root(struct request *request)
{
	unsigned label = request->label;
	bool path = handlers[label].asker == BY_PATH;
	long error = from_root(request) ? 0 : path ? tree_begin(request) : -EPERM;

	if (error)
		return error;
	/* root may also ask for the name that an open file can be linked by */
	if (label == FILE_RESOLVE && request->file)
		return op_resolve(request);
	return path || request->file ? handlers[label].handler(request) : -EBADF;
}

static long dispatch_other(struct request *request)
{
	if (request->file && request->file->flags & LINUX_O_PATH)
		return -EBADF;
	if (!serve_operations->message)
		return -ENOSYS;
	struct open_file *file = request->file;
	long result = serve_operations->message(request);

	if (unlikely(request->label == FILE_SEND && file && file->async))
		async_wrote(file, result, 0);
	return result;
}

static inline long dispatch(struct request *request)
{
	unsigned label = request->label;

	if (label >= ARRAY_SIZE(handlers) || !handlers[label].handler)
		return dispatch_other(request);
	if (handlers[label].asker != BY_HANDLE)
		return dispatch_by_root(request);
	return request->file ? handlers[label].handler(request) : -EBADF;
}

/* ---- what the kernel sends ---- */

/* A message as it came, but for its words: those are in the request's m[]. */
struct arrival {
	unsigned long info, badge, principal;
};

static void cancelled(const unsigned long m[8])
{
	struct request *request = request_by_slot((unsigned)(m[0] & ~(unsigned long)CPTR_SYSTEM));
	long result;

	if (!request)
		return;
	result = request->cancel(request, (unsigned)m[1]);
	if (request->opening)
		open_answer(request, request->opening, result);
	else
		request_answer(request, result);
}

static void notified(unsigned long bits)
{
	if (bits & NOTICE_ENDED) {
		locks_sweep();
		if (serve_operations->ended)
			serve_operations->ended();
	}
	if (bits & ~NOTICE_ENDED && serve_operations->notified)
		serve_operations->notified(bits & ~NOTICE_ENDED);
}

static void from_kernel(const struct arrival *arrival, const unsigned long m[8])
{
	switch (INFO_LABEL(arrival->info)) {
	case LABEL_CLOSED:
		open_file_closed(arrival->badge);
		break;
	case LABEL_CANCELLED:
		cancelled(m);
		break;
	case LABEL_NOTIFIED:
		notified(m[0]);
		break;
	}
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
static void receive_capabilities(struct request *request, unsigned count)
{
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
		if (!request->received[i])
			continue;
		kernel_slot_delete(request->received[i]);
		slot_free(request->received[i]);
		request->received[i] = 0;
		dropped++;
	}
	if (dropped)
		offer_slots();
}

#define CAPS_BITS (INFO_CAPS_MASK << INFO_CAPS_SHIFT)

_Static_assert((unsigned)FILE_WRITE_REGISTERS >= (unsigned)PROC_OPERATION_END, "labels are not both");

/* A write in registers says with its label alone what others say in m[0..2]. */
static void decode_register_write(struct request *request)
{
	bool at = request->label > FILE_WRITE_REGISTERS_AT;
	unsigned bytes = request->label - (at ? FILE_WRITE_REGISTERS_AT : FILE_WRITE_REGISTERS);

	if (bytes - 1 >= (at ? REGISTER_BYTES_AT : REGISTER_BYTES))
		return;
	request->label = FILE_WRITE;
	request->form = at ? FORM_WRITE_REGISTERS_AT : FORM_WRITE_REGISTERS;
	request->wanted = bytes;
	request->offset = at ? request->m[0] : OFFSET_CURRENT;
}

static void request_begin(struct request *request, const struct arrival *arrival)
{
	unsigned long info = arrival->info;

	request->label = INFO_LABEL(info);
	request->bytes = 0;
	request->forwarded = false;
	request->form = FORM_WINDOW;
	request->stopped = false;
	request->at_offset = false;
	request->pools_tried = 0;
	if (unlikely(info & ~(INFO_LABEL_MASK | INFO_INTERRUPTIBLE))) {
		request->bytes = (u16)MIN(INFO_BYTES_OF(info), (unsigned)MESSAGE_BYTES);
		request->forwarded = (info & INFO_FORWARDED) != 0;
	}
	request->badge = arrival->badge;
	request->principal = arrival->principal & PRINCIPAL_MASK;
	request->sender = arrival->principal;
	if (request->label == FILE_READ && request->m[2] & TRANSFER_REGISTERS)
		request->form = FORM_READ_REGISTERS;
	else if (request->label >= FILE_WRITE_REGISTERS)
		decode_register_write(request);
	else if (unlikely(request->label - FILE_READ <= FILE_WRITE - FILE_READ && request->m[2] & TRANSFER_BUFFER))
		request->form = FORM_BUFFER;
	/* root, by its own capability, names the file in m[6] */
	request->file = open_file_look(from_root(request) ? request->m[6] : arrival->badge);
	if (unlikely(info & CAPS_BITS))
		receive_capabilities(request, INFO_CAPS_OF(info));
	request->moved = 0;
	for (unsigned i = 0; i < MESSAGE_WORDS; i++)
		request->answer[i] = 0;
	request->answer_bytes = 0;
	request->answer_caps = 0;
	request->opening = NULL;
}

static const unsigned long never = 0, always = 1;
static const unsigned long *closing_matters; /* the operations', or one of these */

/* Whether the kernel may note closed files in the message buffer instead of waking the server. */
static void offer_closed(void)
{
	serve_message->closed_later = !(watch_count | serve_locks.waiting | lease_waiting | *closing_matters);
}

/* Files that were closed before the message that has just come. */
static void take_closed(void)
{
	/* one may bring others: request_unsent */
	for (unsigned i = 0; i < serve_message->closed_count && i < CLOSED_MAX; i++)
		open_file_closed(serve_message->closed[i]);
	serve_message->closed_count = 0;
}

/* Whether the server's timer is due; *deadline is when it will be (0: never). */
static bool timer_due(unsigned long *deadline)
{
	unsigned long lease = unlikely(lease_count) ? lease_deadline() : 0;

	*deadline = serve_operations->deadline ? serve_operations->deadline() : 0;
	if (unlikely(lease) && (!*deadline || lease < *deadline))
		*deadline = lease;
	return *deadline && kernel_monotonic() >= *deadline;
}

static void timers_expired(void)
{
	if (unlikely(lease_count))
		lease_expired();
	if (serve_operations->expired)
		serve_operations->expired();
}

/* What goes out with the next receive: nothing, the request's answer[], or serve_forward, which is its caller passed on to somebody else. */
enum outcome { OUTCOME_NONE, OUTCOME_ANSWER, OUTCOME_FORWARD };

static const unsigned long alone[] = { [OUTCOME_ANSWER] = KCALL_reply, [OUTCOME_FORWARD] = KCALL_forward };
static const unsigned long receiving[] = { KCALL_recv, [OUTCOME_ANSWER] = KCALL_reply_recv, [OUTCOME_FORWARD] = KCALL_forward_recv };

/* What is to be done when it did not go out. */
static enum outcome not_sent(struct request *request, unsigned long *info, enum outcome outcome, long error)
{
	if (outcome == OUTCOME_ANSWER)
		return request_answer_again(request, error, info) ? OUTCOME_ANSWER : OUTCOME_NONE;
	if (outcome != OUTCOME_FORWARD || error == K_GONE)
		return OUTCOME_NONE;
	request->stopped = false;
	request->answer_bytes = request->answer_caps = 0;
	*info = request_fill_answer(request, -EIO);
	return OUTCOME_ANSWER;
}

static struct ipc outgoing(const struct request *request, unsigned long info, enum outcome outcome)
{
	struct ipc ipc = { .info = info, .reply = CPTR_SYSTEM | request->slot };

	if (outcome == OUTCOME_FORWARD)
		return serve_forward;
	memcpy(ipc.m, request->answer, sizeof(ipc.m));
	return ipc;
}

static void send_now(struct request *request, unsigned long info, enum outcome outcome)
{
	while (outcome != OUTCOME_NONE) {
		struct ipc ipc = outgoing(request, info, outcome);
		long error = kernel_ipc(alone[outcome], &ipc);

		outcome = error ? not_sent(request, &info, outcome, error) : OUTCOME_NONE;
	}
}

/* Only a slot that is still full makes receiving fail; a Reply in it is nobody's any more. */
static void make_room(const struct request *request)
{
	if (kernel_slot_delete(request->slot) != K_OK)
		serve_fail("cannot receive on the Endpoint");
}

/* What most requests need, so the words go straight from the request's answer[] to its m[]. The stack's red zone is left alone. */
static inline long exchange(struct request *request, unsigned long info, enum outcome outcome, struct arrival *arrival)
{
	register unsigned long reply __asm__("r15") = CPTR_SYSTEM | request->slot;
	unsigned long target = CPTR_SYSTEM | SLOT_ENDPOINT;
	long number = (long)receiving[outcome];
	struct request *words = request;

	__asm__ volatile("add $-128, %%rsp; push %%rbp; push %%rcx;"
			 "mov %c[answer](%%rcx), %%rdx; mov 8+%c[answer](%%rcx), %%r8; mov 16+%c[answer](%%rcx), %%r9; mov 24+%c[answer](%%rcx), %%r10;"
			 "mov 32+%c[answer](%%rcx), %%rbx; mov 40+%c[answer](%%rcx), %%r12; mov 48+%c[answer](%%rcx), %%r13; mov 56+%c[answer](%%rcx), %%r14;"
			 "xor %%ebp, %%ebp; movabs %[enter], %%rcx; call *%%rcx;"
			 "pop %%rcx; pop %%rbp; sub $-128, %%rsp;"
			 "mov %%rdx, %c[m](%%rcx); mov %%r8, 8+%c[m](%%rcx); mov %%r9, 16+%c[m](%%rcx); mov %%r10, 24+%c[m](%%rcx);"
			 "mov %%rbx, 32+%c[m](%%rcx); mov %%r12, 40+%c[m](%%rcx); mov %%r13, 48+%c[m](%%rcx); mov %%r14, 56+%c[m](%%rcx)"
			 : "+a"(number), "+D"(target), "+S"(info), "+c"(words), "+r"(reply)
			 : [answer] "i"(offsetof(struct request, answer)), [m] "i"(offsetof(struct request, m)), [enter] "i"(GATE_ENTER)
			 : "rdx", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "memory", "cc");
	*arrival = (struct arrival){ info, target, reply };
	return number;
}

/* With a timer, or with somebody to pass on. */
static long exchange_any(struct request *request, unsigned long info, enum outcome outcome, unsigned long deadline, struct arrival *arrival)
{
	struct ipc ipc = outgoing(request, info, outcome);
	unsigned long own = CPTR_SYSTEM | SLOT_ENDPOINT;
	long error;

	ipc.deadline = outcome == OUTCOME_FORWARD ? own : deadline;
	if (outcome != OUTCOME_FORWARD)
		ipc.target = own;
	error = kernel_ipc(receiving[outcome], &ipc);
	memcpy(request->m, ipc.m, sizeof(ipc.m));
	*arrival = (struct arrival){ ipc.info, ipc.target, ipc.reply };
	return error;
}

/* Receives into `request`; the last outcome goes out from it in the same call. */
static void receive(struct request *request, unsigned long info, enum outcome outcome, struct arrival *arrival)
{
	for (;;) {
		unsigned long deadline;
		long error;

		/* Closing and the timer's work may use the message buffer: what is still in it goes first. */
		if (unlikely(serve_message->closed_count)) {
			send_now(request, info, outcome);
			outcome = OUTCOME_NONE;
			take_closed();
		}
		while (timer_due(&deadline)) {
			send_now(request, info, outcome);
			outcome = OUTCOME_NONE;
			timers_expired();
		}
		if (outcome == OUTCOME_FORWARD && deadline) {
			send_now(request, info, outcome);
			outcome = OUTCOME_NONE;
		}
		offer_closed();
		if (likely(outcome != OUTCOME_FORWARD && !deadline))
			error = exchange(request, info, outcome, arrival);
		else
			error = exchange_any(request, info, outcome, deadline, arrival);
		if (likely(error == K_OK)) {
			if (unlikely(serve_message->closed_count))
				take_closed();
			return;
		}
		if (outcome == OUTCOME_FORWARD || error == K_GONE || error == K_NO_MEMORY || error == K_PARTIAL) {
			outcome = not_sent(request, &info, outcome, error);
			continue;
		}
		outcome = OUTCOME_NONE;
		if (error != K_TIMEOUT)
			make_room(request);
	}
}

/* Handles one request. *info is its answer's, if there is one. */
static enum outcome handle(struct request **request, const struct arrival *arrival, unsigned long *info)
{
	struct request *current = *request;
	long result;

	request_begin(current, arrival);
	serve_request = current;
	serve_sequence++;
	result = dispatch(current);
	serve_request = NULL;
	if (unlikely(arrival->info & CAPS_BITS))
		drop_received(current);
	if (unlikely(REQUEST_TAKEN(result))) {
		if (result == REQUEST_KEPT)
			*request = request_new(); /* request_wait saw to it that there is one */
		return result == REQUEST_FORWARDED ? OUTCOME_FORWARD : OUTCOME_NONE;
	}
	*info = request_fill_answer(current, result);
	return OUTCOME_ANSWER;
}

noreturn void serve_run(const struct serve_operations *operations)
{
	struct request *request = request_new();
	enum outcome outcome = OUTCOME_NONE;
	unsigned long info = 0;
	struct arrival arrival;

	serve_operations = operations;
	closing_matters = !operations->closing_waits ? &always : operations->closing_matters ? operations->closing_matters : &never;
	if (!request)
		serve_fail("no memory for the first request");
	offer_slots();
	tree_mount = root_call3(PROC_SERVICE_READY, 0, 0, 0) - 1;
	if (tree_mount < -1)
		serve_fail("root does not take this service");
	for (;;) {
		receive(request, info, outcome, &arrival);
		if (likely(INFO_LABEL(arrival.info) < LABEL_KERNEL)) {
			outcome = handle(&request, &arrival, &info);
		} else {
			from_kernel(&arrival, request->m);
			outcome = OUTCOME_NONE;
		}
	}
}
