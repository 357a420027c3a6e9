// sources: runtime/linux/transfer.c runtime/linux/iov.c
/*
 * Transfers against a server that answers as it likes within the protocol: short counts, FILE_REPLY_PARTIAL at pages that are not there,
 * errors. Every byte must arrive once and in its place, and a read must not wait after it has brought something.
 */
#include "runtime/linux/transfer.h"

#include <errno.h>
#include <stdlib.h>

#include "abi/file.h"
#include "abi/native.h"
#include "check.h"
#include "random.h"
#include "runtime/uaccess.h"

#define MEMORY (64 * 4096ul)
#define STREAM 200000

static unsigned char memory[MEMORY] __attribute__((aligned(4096)));
static bool present[MEMORY / 4096], forbidden[MEMORY / 4096];
static unsigned char stream[STREAM];
static unsigned long stream_at, stream_end;
static bool blocked;                 /* a read without TRANSFER_NONBLOCK found nothing */
static bool whole;                   /* the server never stops short by itself */
static unsigned char area[2 * THREAD_AREA_SIZE] __attribute__((aligned(THREAD_AREA_SIZE)));

static struct thread_record *thread(void)
{
	return (struct thread_record *)(area + THREAD_RECORD_OFFSET);
}

static unsigned page_of(unsigned long address)
{
	return (unsigned)((address - (unsigned long)memory) / 4096);
}

long user_touch(uaddr_t address, bool write)
{
	(void)write;
	if (address - (unsigned long)memory >= MEMORY || forbidden[page_of(address)])
		return -EFAULT;
	present[page_of(address)] = true;
	return 0;
}

long copy_to_user(uaddr_t to, const void *from, size_t length)
{
	if (user_touch(to, true) || user_touch(to + length - 1, true))
		return -EFAULT;
	memcpy((void *)to, from, length);
	return 0;
}

long copy_from_user(void *to, uaddr_t from, size_t length)
{
	if (user_touch(from, false) || user_touch(from + length - 1, false))
		return -EFAULT;
	memcpy(to, (void *)from, length);
	return 0;
}

/* Copies between the stream and the windows until a page is missing: the address, or 0. */
static unsigned long serve_windows(const struct ipc *c, bool write, unsigned long limit, unsigned long *done)
{
	const struct message_window *w = thread_message(thread())->window;

	for (unsigned i = 0; i < INFO_WINDOWS_OF(c->info); i++)
		for (unsigned long k = 0; k < w[i].len; k++) {
			unsigned long address = w[i].base + k;

			if (*done == limit)
				return 0;
			if (!present[page_of(address)])
				return address;
			if (write)
				stream[stream_at + *done] = *(unsigned char *)address;
			else
				*(unsigned char *)address = stream[stream_at + *done];
			++*done;
		}
	return 0;
}

static void serve_registers(struct ipc *c, bool write, unsigned long limit)
{
	if (write)
		memcpy(stream + stream_at, c->m, limit);
	else
		memcpy(c->m, stream + stream_at, limit);
}

long file_call(struct ipc *c, bool *partial)
{
	unsigned label = INFO_LABEL(c->info);
	bool write = label != FILE_READ, registers = label > FILE_WRITE_REGISTERS || (!write && c->m[2] & TRANSFER_REGISTERS);
	unsigned long wanted = label > FILE_WRITE_REGISTERS ? label - FILE_WRITE_REGISTERS : c->m[0];
	unsigned long limit = MIN(wanted, stream_end - stream_at), done = 0, missing = 0;

	if (partial)
		*partial = false;
	if (!limit && !write && !(c->m[2] & TRANSFER_NONBLOCK))
		blocked = true;
	if (!limit)
		return write ? -ENOSPC : -EAGAIN;
	if (!whole && !rnd(3))
		limit = 1 + rnd(limit);
	if (registers) {
		CHECK(wanted <= REGISTER_BYTES);
		serve_registers(c, write, limit);
		done = limit;
	} else {
		missing = serve_windows(c, write, limit, &done);
	}
	if (missing && !rnd(2))
		done = 0; /* it staged the bytes and took none */
	stream_at += done;
	if (missing) {
		*partial = true;
		c->m[1] = missing;
	}
	return (long)done;
}

static unsigned long make_buffers(struct buffer *b, unsigned count)
{
	unsigned long at = 0, total = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned long len = rnd(4) ? rnd(60) : rnd(9000);

		at += rnd(300);
		if (at + len > MEMORY)
			len = 0;
		b[i] = (struct buffer){ (unsigned long)memory + at, len };
		at += len;
		total += len;
	}
	return total;
}

/* The n-th byte of the buffers. */
static unsigned char *byte_at(const struct buffer *b, unsigned long n)
{
	while (n >= b->len)
		n -= b++->len;
	return (unsigned char *)b->base + n;
}

/* With a first call that somebody else makes, if one can ask for all of it. */
static long begun_elsewhere(struct transfer *x)
{
	struct ipc c = { .info = INFO(x->write ? FILE_WRITE : FILE_READ, 0), .m = { x->at.left, x->offset } };
	unsigned long asked;
	bool partial;
	long n;

	c.info |= INFO_WINDOWS(cursor_windows(&x->at, thread_message(thread())->window, &asked));
	if (asked != x->at.left)
		return transfer_run(thread(), x);
	n = file_call(&c, &partial);
	return transfer_go_on(thread(), x, n, partial, c.m[1]);
}

static void one_round(bool write)
{
	static struct buffer b[40];
	unsigned count = rnd(3) ? 1 + (unsigned)rnd(40) : 1;
	unsigned long total = make_buffers(b, count), start;
	struct transfer x = { .write = write, .offset = OFFSET_CURRENT };
	long moved;

	for (unsigned i = 0; i < MEMORY / 4096; i++)
		present[i] = rnd(2);
	stream_at = start = rnd(1000);
	stream_end = start + (rnd(3) ? total : rnd(total + 1)) + rnd(2) * 100;
	for (unsigned long i = 0; i < total; i++)
		*byte_at(b, i) = write ? (unsigned char)(i * 7) : 0xee;
	for (unsigned long i = 0; i < STREAM; i++)
		stream[i] = write ? 0xdd : (unsigned char)(i * 11);
	cursor_start(&x.at, b, count, total);
	blocked = false;
	if (!total)
		return;
	moved = rnd(2) ? transfer_run(thread(), &x) : begun_elsewhere(&x);
	if (stream_end == start) {
		CHECK_EQ(moved, write ? -ENOSPC : -EAGAIN);
		return;
	}
	CHECK(moved > 0 && (unsigned long)moved <= total);
	CHECK_EQ(stream_at - start, moved);
	if (write || whole)
		CHECK_EQ(moved, MIN(total, stream_end - start));
	CHECK(!blocked);
	for (unsigned long i = 0; i < (unsigned long)moved; i++)
		CHECK_EQ(write ? stream[start + i] : *byte_at(b, i), write ? (unsigned char)(i * 7) : (unsigned char)((start + i) * 11));
	if (!write && whole) /* a server that staged may have written more than it counted in the end */
		for (unsigned long i = (unsigned long)moved; i < total; i++)
			CHECK_EQ(*byte_at(b, i), 0xee);
}

static void reads_put_every_byte_in_its_place(void)
{
	for (int i = 0; i < 400 && !CHECK_FAILED(); i++) {
		whole = i % 2;
		one_round(false);
	}
}

static void writes_take_every_byte_once(void)
{
	for (int i = 0; i < 400 && !CHECK_FAILED(); i++) {
		whole = i % 2;
		one_round(true);
	}
}

static long run_one(unsigned long base, unsigned long length, bool write)
{
	static struct buffer b;
	struct transfer x = { .write = write, .offset = OFFSET_CURRENT };

	b = (struct buffer){ base, length };
	cursor_start(&x.at, &b, 1, length);
	return transfer_run(thread(), &x);
}

static void pages_that_cannot_be_touched_end_it(void)
{
	unsigned long base = (unsigned long)memory;

	memset(present, 0, sizeof(present));
	memset(forbidden, 0, sizeof(forbidden));
	whole = true;
	stream_at = 0;
	stream_end = STREAM;
	forbidden[2] = true;
	CHECK_EQ(run_one(base + 100, 3 * 4096, true), 2 * 4096 - 100);
	CHECK_EQ(run_one(base + 2 * 4096 + 5, 100, true), -EFAULT);
	CHECK_EQ(run_one(base + 2 * 4096 + 5, 10, true), -EFAULT);
	stream_at = 0;
	CHECK_EQ(run_one(base + 2 * 4096 - 5, 10, false), -EFAULT);
	CHECK_EQ(stream_at, 0); /* nothing was taken from the stream */
	memset(forbidden, 0, sizeof(forbidden));
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 3);
	RUN(reads_put_every_byte_in_its_place);
	RUN(writes_take_every_byte_once);
	RUN(pages_that_cannot_be_touched_end_it);
	return check_result();
}
