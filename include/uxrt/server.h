/*
 * A small file server in one program: what uxrt_serve() needs to be followed by. The server receives a request, does it, and the answer goes out with the
 * next receive. Bytes move as the client asked, in the registers of the message or through its window (abi/file.h): uxrt_give and uxrt_take do
 * what is needed, so a server need not know.
 *
 * One request at a time, one thread. What can wait for its answer, path walks, locks and poll are the framework's of serve/ (docs/writing-a-server.md),
 * which such a program may grow into.
 */
#ifndef UXRT_SERVER_H
#define UXRT_SERVER_H

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/file.h"
#include "include/uxrt/native.h"

/* Slots of a program's system CNode that the runtime leaves alone. */
#define UXRT_SLOT_REPLY  SLOT_IRQ
#define UXRT_SLOT_HANDLE (SLOT_IRQ + 1)

struct uxrt_request {
	unsigned label;           /* FILE_ operation, or LABEL_CLOSED: a file that uxrt_opened() gave the badge to is closed, and nobody wants an answer */
	unsigned long badge;      /* which open file; 0: the request names a path, and root has sent it */
	unsigned long principal;  /* who: of one thread, and never another's */
	unsigned long m[8];       /* as abi/file.h says of the operation; a write in registers looks like any other write */
	unsigned char *data;      /* data[] of the request and of the answer */
	/* the answer */
	unsigned long answer[8];
	unsigned long data_bytes, capabilities;
	/* uxrt_give, uxrt_take: bytes moved; the client's address at which its window ended; in registers: the bytes, and how many they can be */
	unsigned long moved, touch, words[8], registers;
	struct uxrt_memory *buffer; /* the client's bytes are in it, m[3] into it; NULL: they travel otherwise */
};

/* Memory that an open file shares with the clients that have it, who may change it at any time. */
struct uxrt_memory {
	unsigned long badge, size;
	unsigned char *bytes;
};

/* By badge % 256, which is enough for the 255 open files that a program may have, if their badges count up. */
static inline struct uxrt_memory *uxrt_memory(unsigned long badge)
{
	static struct uxrt_memory all[256];

	return &all[badge % 256];
}

static inline void uxrt_memory_drop(unsigned long badge)
{
	struct uxrt_memory *memory = uxrt_memory(badge);

	if (memory->bytes && memory->badge == badge) {
		munmap(memory->bytes, memory->size);
		memory->bytes = 0;
	}
}

/* That file's, of no size if it has none. */
static inline struct uxrt_memory *uxrt_memory_of(unsigned long badge)
{
	static struct uxrt_memory none;

	return uxrt_memory(badge)->bytes && uxrt_memory(badge)->badge == badge ? uxrt_memory(badge) : &none;
}

/* FILE_BUFFER: root maps what the caller offers when it is taken. */
static inline long uxrt_memory_take(unsigned long badge, unsigned long principal)
{
	struct ipc ipc = { .target = CPTR_SYSTEM | SLOT_ROOT, .info = PROC_TAKE_BUFFER, .m = { principal } };
	struct uxrt_memory *memory = uxrt_memory(badge);

	uxrt_memory_drop(badge);
	if (memory->bytes)
		return -ENOSPC;
	if (uxrt_enter(KCALL_call, &ipc))
		return -EIO;
	if ((long)ipc.m[0] < 0)
		return (long)ipc.m[0];
	*memory = (struct uxrt_memory){ badge, ipc.m[1], (unsigned char *)ipc.m[0] };
	return 0;
}

/*
 * For a server that wants no copy: where the next bytes of a read are to be put, or those of a write lie, and in *length at most how many they are. NULL: the client
 * uses another mode, and uxrt_give and uxrt_take are the way. Putting n bytes there and then uxrt_skip(request, n) is what uxrt_give does.
 */
static inline unsigned char *uxrt_place(const struct uxrt_request *request, unsigned long *length)
{
	unsigned long at = request->m[3] + request->moved;

	if (!request->buffer)
		return 0;
	if (at < request->m[3] || at > request->buffer->size)
		at = request->buffer->size;
	if (*length > request->buffer->size - at)
		*length = request->buffer->size - at;
	return request->buffer->bytes + at;
}

static inline void uxrt_skip(struct uxrt_request *request, unsigned long bytes)
{
	request->moved += bytes;
}

/* A write in registers says with its label what others say in m[]. */
static inline void uxrt_decode(struct uxrt_request *request)
{
	unsigned at = request->label > FILE_WRITE_REGISTERS_AT, bytes = request->label - (at ? FILE_WRITE_REGISTERS_AT : FILE_WRITE_REGISTERS);

	if (request->label == FILE_READ && request->m[2] & TRANSFER_REGISTERS)
		request->registers = REGISTER_BYTES;
	else if ((request->label == FILE_READ || request->label == FILE_WRITE) && request->m[2] & TRANSFER_BUFFER)
		request->buffer = uxrt_memory_of(request->badge);
	if (request->label < FILE_WRITE_REGISTERS || bytes - 1 >= (at ? REGISTER_BYTES_AT : REGISTER_BYTES))
		return;
	memcpy(request->words, request->m + at, sizeof(request->words) - at * sizeof(long));
	request->label = FILE_WRITE;
	request->m[1] = at ? request->m[0] : OFFSET_CURRENT;
	request->registers = request->m[0] = bytes;
	request->m[2] = 0;
}

static inline unsigned long uxrt_copy(struct uxrt_request *request, unsigned long direction, unsigned long own, unsigned long length)
{
	unsigned long done = 0;

	while (done < length) {
		unsigned long a[8] = { CPTR_SYSTEM | UXRT_SLOT_REPLY, direction, request->moved, own + done, length - done };
		long error = uxrt_native()->object(KCALL_copy, a);

		if (error != K_OK && error != K_PARTIAL && error != K_FAULT)
			break;
		done += a[0];
		request->moved += a[0];
		if (error == K_PARTIAL) {
			request->touch = a[1];
			break;
		}
		if (error == K_FAULT && direction == COPY_IN) /* the own page, which comes next, is not there yet: touch it */
			__atomic_fetch_or((unsigned char *)own + done, 0, __ATOMIC_RELAXED);
		else if (error == K_FAULT)
			(void)*(volatile unsigned char *)(own + done);
		else if (!a[0]) /* the window ends there */
			break;
	}
	return done;
}

/* The answer's bytes to the client, and the request's from it, from where the last call stopped. Fewer than asked for: stop, and answer what was done. */
static inline unsigned long uxrt_give(struct uxrt_request *request, const void *from, unsigned long length)
{
	unsigned long room = request->registers - request->moved;
	unsigned char *place = uxrt_place(request, &length);

	if (place) {
		memcpy(place, from, length);
		uxrt_skip(request, length);
		return length;
	}
	if (!request->registers)
		return uxrt_copy(request, COPY_OUT, (unsigned long)from, length);
	length = length < room ? length : room;
	memcpy((char *)request->words + request->moved, from, length);
	request->moved += length;
	return length;
}

static inline unsigned long uxrt_take(struct uxrt_request *request, void *to, unsigned long length)
{
	unsigned long room = request->registers - request->moved;
	const unsigned char *place = uxrt_place(request, &length);

	if (place) {
		memcpy(to, place, length);
		uxrt_skip(request, length);
		return length;
	}
	if (!request->registers)
		return uxrt_copy(request, COPY_IN, (unsigned long)to, length);
	length = length < room ? length : room;
	memcpy(to, (const char *)request->words + request->moved, length);
	request->moved += length;
	return length;
}

/* The result of FILE_OPEN: the client gets a file with that badge (not 0) and st_mode. 0, or a negative errno. */
static inline long uxrt_opened(struct uxrt_request *request, unsigned long badge, unsigned long mode)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_POOL, CPTR_SYSTEM | SLOT_ENDPOINT, badge, CPTR_SYSTEM | UXRT_SLOT_HANDLE };

	if (uxrt_native()->object(KCALL_handle_mint, a))
		return -ENFILE;
	uxrt_native()->message()->send_slot[0] = CPTR_SYSTEM | UXRT_SLOT_HANDLE;
	request->answer[1] = mode;
	request->capabilities = 1;
	return 0;
}

/* What Linux answers to an operation that a file does not have. */
static inline long uxrt_unknown(const struct uxrt_request *request)
{
	switch (request->label) {
	case FILE_READ: case FILE_WRITE: return -EINVAL;
	case FILE_SEEK: return -ESPIPE;
	case FILE_READDIR: return -ENOTDIR;
	case FILE_IOCTL: return -ENOTTY;
	case FILE_MAP: return -ENODEV;
	case FILE_FLUSH: return 0;
	}
	return request->badge ? -EOPNOTSUPP : -EPERM;
}

/* Puts what goes back into the message. */
static inline void uxrt_encode(struct uxrt_request *request, long result, struct ipc *ipc)
{
	ipc->info = INFO(0, result < 0 ? 0 : request->data_bytes) | INFO_CAPS(result < 0 ? 0 : request->capabilities);
	if (request->label == FILE_READ && request->registers && result > 0 && result <= REGISTER_BYTES) {
		ipc->info = FILE_REPLY_REGISTERS + (unsigned long)result;
		memcpy(ipc->m, request->words, sizeof(ipc->m));
		return;
	}
	if (request->touch && result >= 0) {
		ipc->info |= FILE_REPLY_PARTIAL;
		request->answer[1] = request->touch;
	}
	request->answer[0] = (unsigned long)result;
	memcpy(ipc->m, request->answer, sizeof(ipc->m));
}

/*
 * Receives requests for ever and answers each with what `handle` returns: 0 or more, or a negative errno. Returns only when receiving fails: the
 * kernel's error. A path operation that did not come from root is refused here.
 */
static inline long uxrt_serve_requests(long (*handle)(struct uxrt_request *))
{
	struct message_buffer *message = uxrt_native()->message();
	struct ipc ipc = { 0 };
	unsigned long number = KCALL_recv;

	for (;;) {
		struct uxrt_request request = { .data = message->data };
		long result;

		ipc.target = CPTR_SYSTEM | SLOT_ENDPOINT;
		ipc.reply = CPTR_SYSTEM | UXRT_SLOT_REPLY;
		result = uxrt_enter(number, &ipc);
		if (result != K_OK && result != K_GONE)
			return result;
		number = KCALL_recv;
		if (result == K_GONE)
			continue;
		request.label = INFO_LABEL(ipc.info);
		request.badge = ipc.target;
		request.principal = ipc.reply & PRINCIPAL_MASK;
		memcpy(request.m, ipc.m, sizeof(request.m));
		if (request.label >= LABEL_KERNEL && request.label != LABEL_CLOSED)
			continue;
		uxrt_decode(&request);
		if (request.label == LABEL_CLOSED)
			uxrt_memory_drop(request.badge);
		if (request.label == FILE_BUFFER && !request.badge && ipc.info & INFO_FORWARDED)
			result = uxrt_memory_take(request.m[6], request.principal);
		else if (request.buffer && request.m[0] && request.m[3] >= request.buffer->size)
			result = -EFAULT; /* all of it is outside */
		else if (request.badge && request.label < 64 && TREE_OPERATIONS >> request.label & 1)
			result = -EXDEV; /* a path from a directory's Handle: root is to be asked (abi/file.h, TREE_OPERATIONS) */
		else
			result = request.badge || (ipc.info & INFO_FORWARDED) ? handle(&request) : -EPERM;
		if (request.label == LABEL_CLOSED)
			continue;
		uxrt_encode(&request, result, &ipc);
		number = KCALL_reply_recv;
	}
}

#endif
