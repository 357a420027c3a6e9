/* The bytes of a request, between the server's memory and the caller's: in the registers of the message or through its window. */
#include "lib/string.h"
#include "serve/internal.h"

#define INLINE_READ_WORD  2
#define INLINE_READ_MAX   48
#define INLINE_WRITE_WORD 3
#define INLINE_WRITE_MAX  40

/* Only reads and writes have an inline form. */
static bool is_inline(const struct request *request)
{
	return (request->label == FILE_READ || request->label == FILE_WRITE) && (request->m[2] & TRANSFER_INLINE);
}

/* The result of a copy call: less than wanted stops the transfer. */
static size_t moved(struct request *request, size_t done, size_t length, unsigned long touch)
{
	request->moved += done;
	if (done < length) {
		request->stopped = true;
		request->touch = touch;
	}
	return done;
}

size_t request_give(struct request *request, const void *from, size_t length)
{
	unsigned long touch;
	size_t done;

	if (!length)
		return 0;
	if (is_inline(request)) {
		done = MIN(length, INLINE_READ_MAX - MIN(request->moved, (size_t)INLINE_READ_MAX));
		memcpy((char *)&request->answer[INLINE_READ_WORD] + request->moved, from, done);
		return moved(request, done, length, 0);
	}
	done = kernel_copy_out(request->slot, request->moved, from, length, &touch);
	return moved(request, done, length, touch);
}

size_t request_take(struct request *request, void *to, size_t length)
{
	unsigned long touch;
	size_t done;

	if (!length)
		return 0;
	if (is_inline(request)) {
		done = MIN(length, INLINE_WRITE_MAX - MIN(request->moved, (size_t)INLINE_WRITE_MAX));
		memcpy(to, (const char *)&request->m[INLINE_WRITE_WORD] + request->moved, done);
		return moved(request, done, length, 0);
	}
	done = kernel_copy_in(request->slot, request->moved, to, length, &touch);
	return moved(request, done, length, touch);
}

size_t request_give_zeros(struct request *request, size_t length)
{
	static const u8 zeros[0x4000] __attribute__((aligned(PAGE_SIZE)));
	size_t done = 0;

	while (done < length) {
		size_t chunk = MIN(length - done, sizeof(zeros)), given = request_give(request, zeros, chunk);

		done += given;
		if (given < chunk)
			break;
	}
	return done;
}
