// sources: servers/pipe/ring.c servers/pipe/transfer.c servers/pipe/account.c serve/users.c
/* Readers and writers of a pipe that come, wait, are interrupted and go: the bytes stay in order and whole. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "fake_serve.h"
#include "lib/hash.h"
#include "servers/pipe/pipe.h"

void pipe_forget_fifo(struct pipe *pipe)
{
	(void)pipe;
}

static struct pipe *the_pipe;
static struct open_file *reader, *writer;

static struct open_file *end(unsigned flags)
{
	struct open_file *file = fake_file(flags);

	file->node.id = (u64)the_pipe;
	pipe_join(the_pipe, file);
	return file;
}

static void start(unsigned read_flags, unsigned write_flags)
{
	the_pipe = pipe_new(1);
	reader = end(LINUX_O_RDONLY | read_flags);
	writer = end(LINUX_O_WRONLY | write_flags);
}

static void leave(struct open_file **file)
{
	pipe_leave(the_pipe, *file);
	free(*file);
	*file = NULL;
}

static struct fake_request *begin_read(void *to, size_t size)
{
	struct fake_request *fake = fake_new(reader, FILE_READ, to, size, 1);

	fake_done(fake, pipe_read(&fake->request, reader, 0, size));
	return fake;
}

static struct fake_request *begin_write(void *from, size_t size)
{
	struct fake_request *fake = fake_new(writer, FILE_WRITE, from, size, 1);

	fake_done(fake, pipe_write(&fake->request, writer, 0, size));
	return fake;
}

static void finish(void)
{
	if (reader)
		leave(&reader);
	if (writer)
		leave(&writer);
	CHECK_EQ(fake_requests_kept, 0);
}

static void a_read_waits_for_a_write(void)
{
	char to[10] = { 0 };

	start(0, 0);
	struct fake_request *r = begin_read(to, 10);

	CHECK_EQ(r->result, FAKE_NOT_ANSWERED);
	struct fake_request *w = begin_write("hello", 5);

	CHECK_EQ(w->result, 5);
	CHECK_EQ(r->result, 5);
	CHECK_STR(to, "hello");
	fake_free(r);
	fake_free(w);
	finish();
}

static void the_last_writer_ends_readers_and_the_last_reader_breaks_writers(void)
{
	static char big[PIPE_DEFAULT_SIZE + 100];
	char to[10];

	start(0, 0);
	struct fake_request *r = begin_read(to, 10);

	leave(&writer);
	CHECK_EQ(r->result, 0);
	fake_free(r);
	r = begin_read(to, 10);
	CHECK_EQ(r->result, 0);
	fake_free(r);
	finish();

	start(0, 0);
	struct fake_request *first = begin_write(big, sizeof(big)), *second = begin_write("x", 1);

	CHECK_EQ(first->result, FAKE_NOT_ANSWERED);
	CHECK_EQ(second->result, FAKE_NOT_ANSWERED);
	leave(&reader);
	CHECK_EQ(first->result, PIPE_DEFAULT_SIZE);
	CHECK_EQ(second->result, -EPIPE);
	fake_free(first);
	fake_free(second);
	first = begin_write("x", 1);
	CHECK_EQ(first->result, -EPIPE);
	fake_free(first);
	finish();
}

static void nonblocking_ends_do_not_wait(void)
{
	static char big[PIPE_DEFAULT_SIZE * 2];

	start(LINUX_O_NONBLOCK, LINUX_O_NONBLOCK);
	struct fake_request *f = begin_read(big, 10);

	CHECK_EQ(f->result, -EAGAIN);
	fake_free(f);
	f = begin_write(big, sizeof(big));
	CHECK_EQ(f->result, PIPE_DEFAULT_SIZE);
	fake_free(f);
	f = begin_write(big, 1);
	CHECK_EQ(f->result, -EAGAIN);
	fake_free(f);
	f = begin_read(big, 100);
	CHECK_EQ(f->result, 100);
	fake_free(f);
	/* Room is counted in pages: there is none before a whole one was read. */
	f = begin_write(big, 1);
	CHECK_EQ(f->result, -EAGAIN);
	fake_free(f);
	f = begin_read(big, PIPE_ATOMIC - 100 + 7);
	fake_free(f);
	f = begin_write(big, PIPE_ATOMIC * 3 + 1);
	CHECK_EQ(f->result, PIPE_ATOMIC);
	fake_free(f);
	f = begin_write(big, 10);
	CHECK_EQ(f->result, -EAGAIN);
	fake_free(f);
	finish();
}

static void an_interrupted_write_reports_what_went(void)
{
	static char big[PIPE_DEFAULT_SIZE + 500];

	start(0, 0);
	struct fake_request *w = begin_write(big, sizeof(big)), *waiting = begin_write(big, 200);

	fake_cancel(w, CANCEL_INTERRUPTED);
	CHECK_EQ(w->result, PIPE_DEFAULT_SIZE);
	fake_cancel(waiting, CANCEL_INTERRUPTED);
	CHECK_EQ(waiting->result, -EINTR);
	fake_free(w);
	fake_free(waiting);
	finish();
}

static void memory_that_is_not_there_stops_a_write_whole(void)
{
	char from[300] = "abc", to[300];

	start(0, LINUX_O_NONBLOCK);
	struct fake_request *w = fake_new(writer, FILE_WRITE, from, 300, 1);

	w->there = 100;
	fake_done(w, pipe_write(&w->request, writer, 0, 300));
	CHECK_EQ(w->result, 0);
	CHECK(w->request.stopped);
	CHECK_EQ(ring_used(&the_pipe->ring), 0);
	fake_free(w);
	/* A reader's: what it could not take stays. */
	w = begin_write(from, 300);
	fake_free(w);
	struct fake_request *r = fake_new(reader, FILE_READ, to, 300, 1);

	r->there = 120;
	fake_done(r, pipe_read(&r->request, reader, 0, 300));
	CHECK_EQ(r->result, 120);
	CHECK_EQ(ring_used(&the_pipe->ring), 180);
	fake_free(r);
	finish();
}

/* ---- at random: small writes carry their number and length; the stream must be a sequence of whole ones ---- */

#define SLOTS 6
static struct {
	struct fake_request *fake;
	u8 bytes[9000];
	bool read;
} slots[SLOTS];
static u8 stream[1 << 20];
static size_t stream_length, written;

static void collect(unsigned i)
{
	struct fake_request *fake = slots[i].fake;

	if (!fake || fake->result == FAKE_NOT_ANSWERED)
		return;
	if (fake->result > 0 && slots[i].read) {
		memcpy(stream + stream_length, slots[i].bytes, (size_t)fake->result);
		stream_length += (size_t)fake->result;
	} else if (fake->result > 0) {
		written += (size_t)fake->result;
	}
	fake_free(fake);
	slots[i].fake = NULL;
}

/* A record: two bytes of length, then that many equal bytes. */
static void check_records(void)
{
	for (size_t at = 0; at < stream_length && !CHECK_FAILED();) {
		size_t length = stream[at] | (size_t)stream[at + 1] << 8;

		CHECK(length >= 3 && length <= PIPE_ATOMIC);
		for (size_t i = 3; i < length && at + i < stream_length; i++)
			if (stream[at + i] != stream[at + 2])
				CHECK(false);
		at += length;
	}
}

static void small_writes_stay_whole_at_random(void)
{
	u64 seed = 3;

	/* One reader at a time, so that the order of what it gets is known. */
	start(0, 0);
	stream_length = written = 0;
	for (int step = 0; step < 3000 && !CHECK_FAILED() && stream_length < sizeof(stream) - 200000; step++) {
		u64 dice = splitmix64_next(&seed);
		unsigned i = dice % SLOTS;

		for (unsigned j = 0; j < SLOTS; j++)
			collect(j);
		if (slots[i].fake) {
			if (dice >> 8 & 1 && !slots[i].read)
				fake_cancel(slots[i].fake, CANCEL_INTERRUPTED);
			continue;
		}
		slots[i].read = i == 0;
		if (slots[i].read) {
			slots[i].fake = begin_read(slots[i].bytes, 1 + (dice >> 16) % 9000);
		} else {
			size_t length = 3 + (dice >> 16) % (PIPE_ATOMIC - 3);

			memset(slots[i].bytes, (int)(dice >> 40), length);
			slots[i].bytes[0] = (u8)length;
			slots[i].bytes[1] = (u8)(length >> 8);
			slots[i].fake = begin_write(slots[i].bytes, length);
		}
	}
	for (unsigned j = 1; j < SLOTS; j++)
		if (slots[j].fake && slots[j].fake->result == FAKE_NOT_ANSWERED)
			fake_cancel(slots[j].fake, CANCEL_KILLED);
	leave(&writer);
	for (unsigned j = 0; j < SLOTS; j++)
		collect(j);
	while (ring_used(&the_pipe->ring)) {
		slots[0].read = true;
		slots[0].fake = begin_read(slots[0].bytes, sizeof(slots[0].bytes));
		collect(0);
	}
	CHECK_EQ(stream_length, written);
	check_records();
	finish();
}

static void a_resized_pipe_keeps_its_bytes(void)
{
	static char big[PIPE_DEFAULT_SIZE], to[PIPE_DEFAULT_SIZE];

	start(0, LINUX_O_NONBLOCK);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	struct fake_request *f = begin_write(big, 40000);

	fake_free(f);
	fake_principals[0] = (struct principal_entry){ .principal = 1, .uid = 5, .euid = 5 };
	CHECK_EQ(pipe_resize(the_pipe, 4096, 1), -EBUSY);
	CHECK_EQ(pipe_resize(the_pipe, 0, 1), -EBUSY); /* a page, as the least there is */
	CHECK_EQ(pipe_resize(the_pipe, 0x80000001u, 1), -EINVAL);
	CHECK_EQ(pipe_resize(the_pipe, setting(SETTING_PIPE_MAX_SIZE) + 1, 1), -EPERM);
	fake_principals[0].euid = 0;
	CHECK_EQ(pipe_resize(the_pipe, setting(SETTING_PIPE_MAX_SIZE) + 1, 1), 2097152);
	CHECK_EQ(pipe_resize(the_pipe, 100000, 1), 131072);
	f = begin_read(to, sizeof(to));
	CHECK_EQ(f->result, 40000);
	CHECK(!memcmp(big, to, 40000));
	fake_free(f);
	CHECK_EQ(pipe_resize(the_pipe, 1, 1), 4096);
	fake_principals[0].principal = 0;
	finish();
}

static void a_user_with_many_pages_gets_small_pipes_then_none(void)
{
	struct pipe *pipes[3];
	fake_principals[0] = (struct principal_entry){ .principal = 1, .uid = 5, .euid = 5 };
	fake_settings[SETTING_PIPE_PAGES_SOFT] = 16;
	fake_settings[SETTING_PIPE_PAGES_HARD] = 18;
	for (int i = 0; i < 2; i++) {
		pipes[i] = pipe_new(1);
		pipes[i]->holders = 1; /* one without ends goes at the first chance */
	}
	CHECK_EQ(pipes[0]->ring.size, PIPE_DEFAULT_SIZE);
	CHECK_EQ(pipes[1]->ring.size, PIPE_LEAST_SIZE);
	CHECK(!pipe_new(1));
	CHECK_EQ(pipe_resize(pipes[1], 16384, 1), -EPERM);
	CHECK_EQ(pipe_resize(pipes[1], 4096, 1), 4096);
	fake_principals[0].euid = 0; /* against whom it counts all the same */
	pipes[2] = pipe_new(1);
	CHECK_EQ(pipes[2]->ring.size, PIPE_DEFAULT_SIZE);
	for (int i = 0; i < 3; i++)
		pipe_free(pipes[i]);
	CHECK_EQ(pipe_excess(5), PIPE_WITHIN);
	fake_settings[SETTING_PIPE_PAGES_SOFT] = 16384;
	fake_settings[SETTING_PIPE_PAGES_HARD] = 0;
	fake_principals[0].principal = 0;
}

/* Its principal is in no table any more. */
static void a_caller_that_has_gone_is_not_privileged(void)
{
	CHECK(!principal_find(1));
	start(0, 0);
	CHECK_EQ(pipe_resize(the_pipe, setting(SETTING_PIPE_MAX_SIZE) + 1, 1), -EPERM);
	CHECK_EQ(the_pipe->ring.size, PIPE_DEFAULT_SIZE);
	finish();
	fake_settings[SETTING_PIPE_PAGES_HARD] = 1;
	CHECK(!pipe_new(1));
	fake_settings[SETTING_PIPE_PAGES_HARD] = 0;
}

int main(void)
{
	RUN(a_read_waits_for_a_write);
	RUN(the_last_writer_ends_readers_and_the_last_reader_breaks_writers);
	RUN(nonblocking_ends_do_not_wait);
	RUN(an_interrupted_write_reports_what_went);
	RUN(memory_that_is_not_there_stops_a_write_whole);
	RUN(small_writes_stay_whole_at_random);
	RUN(a_resized_pipe_keeps_its_bytes);
	RUN(a_user_with_many_pages_gets_small_pipes_then_none);
	RUN(a_caller_that_has_gone_is_not_privileged);
	return check_result();
}
