/* The bytes of a request, between the server's memory and the caller's: in the registers of the message or through its window. */
#include "lib/string.h"
#include "serve/internal.h"

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

/* How much more fits into the registers. */
static size_t registers_left(const struct request *request)
{
	size_t size = request->form == FORM_WRITE_REGISTERS_AT ? REGISTER_BYTES_AT : REGISTER_BYTES;

	return size - MIN(request->moved, size);
}

/* Where the transfer goes on in the file's buffer, and *done: how much of `length` fits. */
static u8 *buffer_part(const struct request *request, size_t length, size_t *done)
{
	const struct open_file *file = request->file;
	u64 at = request->m[3] + request->moved, size = file->buffer ? file->buffer_size : 0;

	*done = at < size && at >= request->m[3] ? MIN(length, (size_t)(size - at)) : 0;
	return file->buffer + at;
}

size_t request_give(struct request *request, const void *from, size_t length)
{
	unsigned long touch;
	size_t done;

	if (!length)
		return 0;
	if (request->form == FORM_BUFFER) {
		u8 *to = buffer_part(request, length, &done);

		memcpy(to, from, done);
		return moved(request, done, length, 0);
	}
	if (request->form == FORM_READ_REGISTERS) {
		done = MIN(length, registers_left(request));
		memcpy((char *)request->answer + request->moved, from, done);
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
	if (request->form == FORM_BUFFER) {
		const u8 *from = buffer_part(request, length, &done);

		memcpy(to, from, done);
		return moved(request, done, length, 0);
	}
	if (request->form >= FORM_WRITE_REGISTERS) {
		done = MIN(length, registers_left(request));
		memcpy(to, (const char *)&request->m[request->form - FORM_WRITE_REGISTERS] + request->moved, done);
		return moved(request, done, length, 0);
	}
	done = kernel_copy_in(request->slot, request->moved, to, length, &touch);
	return moved(request, done, length, touch);
}

/* Watches are told of an answer when it is made, which has to be once. */
size_t request_give_result(struct request *request, const void *from, size_t length)
{
	if (unlikely(request->form != FORM_WINDOW || !length || length > ANSWER_COPY_MAX || request->moved || watch_count || request->answer_bytes))
		return request_give(request, from, length);
	request->answer[6] = (unsigned long)from;
	request->answer[7] = length;
	request->answer_bytes = ANSWER_COPIES;
	request->moved = length;
	return length;
}

/* not const: who gives none needs no memory for it */
static u8 zeros[0x10000] __attribute__((aligned(PAGE_SIZE)));

static __attribute__((noinline)) size_t give_many_zeros(struct request *request, size_t length)
{
	size_t done = 0;

	while (done < length) {
		size_t chunk = MIN(length - done, sizeof(zeros)), given = request_give(request, zeros, chunk);

		done += given;
		if (given < chunk)
			break;
	}
	return done;
}

size_t request_give_zeros(struct request *request, size_t length)
{
	/* Registers that nothing was put into are zero. */
	if (request->form == FORM_READ_REGISTERS)
		return moved(request, MIN(length, registers_left(request)), length, 0);
	return give_many_zeros(request, length);
}

size_t request_give_zeros_result(struct request *request, size_t length)
{
	if (request->form == FORM_READ_REGISTERS || length > sizeof(zeros))
		return request_give_zeros(request, length);
	return request_give_result(request, zeros, length);
}
