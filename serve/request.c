/*
 * Requests and their reply slots. A request's slot is taken once and stays its own; recycled requests wait on a free list. Requests are
 * found by slot through a table, for LABEL_CANCELLED.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/internal.h"

struct request *serve_request;

static struct request *free_requests;
static struct request **by_slot; /* indexed by slot - SLOT_SERVER */
static unsigned by_slot_count;

static bool table_cover(unsigned index)
{
	unsigned count = by_slot_count ? by_slot_count : 64;
	struct request **table;

	if (index < by_slot_count)
		return true;
	while (count <= index)
		count *= 2;
	table = memory_resize(by_slot, by_slot_count * sizeof(*by_slot), count * sizeof(*by_slot));
	if (!table)
		return false;
	by_slot = table;
	by_slot_count = count;
	return true;
}

struct request *request_new(void)
{
	struct request *request = free_requests;
	unsigned slot;

	if (request) {
		free_requests = request->next;
		return request;
	}
	slot = slot_take();
	if (!slot)
		return NULL;
	request = table_cover(slot - SLOT_SERVER) ? memory_take(sizeof(*request)) : NULL;
	if (!request) {
		slot_free(slot);
		return NULL;
	}
	request->slot = slot;
	by_slot[slot - SLOT_SERVER] = request;
	return request;
}

void request_recycle(struct request *request)
{
	request->kept = false;
	request->next = free_requests;
	free_requests = request;
}

struct request *request_by_slot(unsigned slot)
{
	struct request *request;

	if (slot < SLOT_SERVER || slot - SLOT_SERVER >= by_slot_count)
		return NULL;
	request = by_slot[slot - SLOT_SERVER];
	return request && request->kept ? request : NULL;
}

long request_wait(struct request *request, request_cancel *cancel)
{
	if (!free_requests) {
		struct request *spare = request_new();

		if (!spare)
			return -ENOMEM;
		request_recycle(spare);
	}
	request->cancel = cancel;
	if (!request->kept && request->file)
		request->file->kept++;
	request->kept = true;
	return REQUEST_KEPT;
}

unsigned long request_fill_stopped(struct request *request, long result)
{
	request->stopped = false;
	if (!request->touch)
		return request_fill_message(request, result ? result : -EFAULT);
	request->answer[1] = request->touch;
	return request_fill_message(request, result) | FILE_REPLY_PARTIAL;
}

/* The kernel is to copy what the result counts. */
static unsigned long fill_copies(struct request *request, long result)
{
	request->answer_bytes = 0;
	if (result == (long)request->answer[7])
		return INFO_WINDOWS(1);
	request->answer[6] = request->answer[7] = 0;
	return 0;
}

/* It could not copy all: as much as can be is copied by a call of its own, which says what is missing. */
static unsigned long fill_copied(struct request *request)
{
	const void *from = (const void *)request->answer[6];
	size_t length = request->answer[7];

	request->answer[6] = request->answer[7] = 0;
	request->moved = 0;
	if (request->at_offset)
		request->file->offset = request->position;
	return request_fill_answer(request, (long)request_give(request, from, length));
}

unsigned long request_fill_extras(struct request *request, long result)
{
	if (request->answer_bytes & ANSWER_COPIES)
		return fill_copies(request, result);
	if (result >= 0)
		return INFO(0, request->answer_bytes) | INFO_CAPS(request->answer_caps);
	request_unsent(request->answer_caps);
	request->answer_caps = 0;
	return 0;
}

/* Without its capabilities: the files that it was to open are not. */
static unsigned long fill_no_handles(struct request *request)
{
	request->stopped = false;
	return request_fill_answer(request, -ENFILE);
}

bool request_answer_again(struct request *request, long error, unsigned long *info)
{
	if (error == K_PARTIAL) {
		*info = fill_copied(request);
		return true;
	}
	if (error != K_NO_MEMORY)
		request_unsent(request->answer_caps);
	else if (!kernel_next_pool(&request->pools_tried))
		*info = fill_no_handles(request);
	return error == K_NO_MEMORY;
}

void request_send_answer(struct request *request, long result)
{
	struct ipc ipc;
	unsigned long info = request_fill_answer(request, result);
	long error;

	do {
		ipc = (struct ipc){ .info = info, .reply = CPTR_SYSTEM | request->slot };
		memcpy(ipc.m, request->answer, sizeof(ipc.m));
		error = kernel_ipc(KCALL_reply, &ipc);
	} while (error != K_OK && request_answer_again(request, error, &info));
}

/* Nobody took the Handles: as if they had been closed, which the loop sees to when it is done with what it does now. */
void request_unsent(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (serve_message->send_slot[i] != SEND_NEW_HANDLE)
			kernel_slot_delete((unsigned)(serve_message->send_slot[i] & ~CPTR_SYSTEM));
		else if (serve_message->closed_count < CLOSED_MAX)
			serve_message->closed[serve_message->closed_count++] = serve_message->mint_badge[i];
		else
			open_file_closed(serve_message->mint_badge[i]);
	}
}

void request_answer(struct request *request, long result)
{
	struct open_file *file = request->file;
	bool kept = request->kept;

	request_send_answer(request, result);
	request_recycle(request);
	if (kept && file)
		open_file_unkeep(file);
}

void request_give_capability(struct request *request, unsigned slot, unsigned index)
{
	serve_message->send_slot[index] = CPTR_SYSTEM | slot;
	request->answer_caps = MAX(request->answer_caps, index + 1);
}

/* What goes out with the next receive. */
struct ipc serve_forward;

long request_forward(struct request *request, unsigned target, unsigned label, const unsigned long m[8], unsigned bytes, bool keep_window)
{
	struct ipc ipc = {
		.target = CPTR_SYSTEM | target,
		.info = INFO(label, bytes) | INFO_WINDOWS(keep_window ? 1 : 0),
		.reply = CPTR_SYSTEM | request->slot,
	};
	long error;

	memcpy(ipc.m, m, sizeof(ipc.m));
	if (request == serve_request && !request->kept) {
		serve_forward = ipc;
		return REQUEST_FORWARDED;
	}
	error = kernel_ipc(KCALL_forward, &ipc);
	if (error == K_OK || error == K_GONE)
		return REQUEST_ANSWERED;
	return -EIO;
}

bool request_nonblocking(const struct request *request)
{
	return (request->form < FORM_WRITE_REGISTERS && request->m[2] & TRANSFER_NONBLOCK) || (request->file && (request->file->flags & LINUX_O_NONBLOCK));
}
