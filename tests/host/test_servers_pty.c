// sources: servers/pty/pty.c servers/pty/master.c tty/tty.c tty/transfer.c tty/ioctl.c tty/job.c
/* The two ends of a pty: bytes in order against a model, waiting and cancelled requests, closing, packet mode. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "fake_serve.h"
#include "lib/hash.h"
#include "servers/pty/pty.h"
#include "tty/commands.h"
#include "tty/internal.h"

#define READER 10

static struct pty *pty;
static struct open_file *master, *slave;

static long root_answers(unsigned label, unsigned long m[8], unsigned bytes)
{
	(void)label;
	(void)m;
	(void)bytes;
	return 0;
}

static struct open_file *open_slave(void)
{
	struct request request = { .principal = READER };
	struct open_file *file = fake_file(LINUX_O_RDWR);

	CHECK_EQ(pty_open_slave(pty, &request, file, LINUX_O_NOCTTY), 0);
	return file;
}

static void start(void)
{
	struct request request = { .principal = READER };
	long error;

	fake_root = root_answers;
	memset(fake_principals, 0, sizeof(fake_principals));
	fake_principals[0] = (struct principal_entry){ .principal = READER, .tid = READER, .pid = READER, .pgid = READER, .sid = 1 };
	pty = pty_new(&request, &error);
	master = fake_file(LINUX_O_RDWR);
	master->data = &pty->tty;
	master->poll = &pty->poll;
	pty->locked = false;
	slave = open_slave();
}

static void close_file(struct open_file *file, void (*close)(struct open_file *file))
{
	file->poll = &file->own_poll;
	close(file);
	free(file);
}

static void finish(void)
{
	CHECK_EQ(fake_requests_kept, 0);
	if (slave)
		close_file(slave, pty_close_slave);
	if (master)
		close_file(master, pty_close_master);
	pty_reap();
	CHECK_EQ(fake_memory_used, 0);
	CHECK(list_empty(&tty_all));
}

static void make_raw(void)
{
	struct tty_termios2 raw = pty->tty.ld.termios;

	raw.c_iflag = raw.c_oflag = raw.c_lflag = 0;
	ldisc_set_termios2(&pty->tty.ld, &raw);
}

typedef long transfer(struct request *request, struct open_file *file, u64 offset, size_t length);

static struct fake_request *begin(struct open_file *file, transfer *operation, void *bytes, size_t size, size_t there)
{
	struct fake_request *fake = fake_new(file, operation == master_read || operation == tty_read ? FILE_READ : FILE_WRITE, bytes, size, READER);

	fake->there = there;
	fake_done(fake, operation(&fake->request, file, 0, size));
	return fake;
}

static long end(struct fake_request *fake)
{
	long result = fake->result;

	fake_free(fake);
	return result;
}

static long now(struct open_file *file, transfer *operation, void *bytes, size_t size)
{
	file->flags |= LINUX_O_NONBLOCK;
	long result = end(begin(file, operation, bytes, size, size));

	file->flags &= ~(unsigned)LINUX_O_NONBLOCK;
	return result;
}

/* ---- against a model: each direction is a queue of counted bytes ---- */

#define PIECE 6000

struct direction {
	struct open_file *from, *to;
	transfer *write, *read;
	u64 written, read_so_far;
	struct fake_request *writer, *reader; /* wait */
	u8 write_bytes[PIECE], read_bytes[PIECE];
	u64 writer_from;                     /* number of the waiting writer's first byte */
};

static u8 byte_at(u64 number)
{
	return (u8)(number * 7 + number / 251);
}

static u64 seed = 1;

static u64 below(u64 limit)
{
	return splitmix64_next(&seed) % limit;
}

static void check_read(struct direction *d, long got)
{
	u64 wrong = 0;

	for (long i = 0; i < got; i++)
		wrong += d->read_bytes[i] != byte_at(d->read_so_far + (u64)i);
	CHECK_EQ(wrong, 0);
	d->read_so_far += got > 0 ? (u64)got : 0;
}

static void reap_waiters(struct direction *d)
{
	if (d->writer && d->writer->result != FAKE_NOT_ANSWERED) {
		d->written = d->writer_from + (u64)end(d->writer);
		d->writer = NULL;
	}
	if (d->reader && d->reader->result != FAKE_NOT_ANSWERED) {
		check_read(d, end(d->reader));
		d->reader = NULL;
	}
}

static void write_some(struct direction *d)
{
	size_t n = 1 + below(PIECE), there = below(4) ? n : below(n + 1);

	if (d->writer)
		return;
	for (size_t i = 0; i < n; i++)
		d->write_bytes[i] = byte_at(d->written + i);
	d->writer_from = d->written;
	d->writer = begin(d->from, d->write, d->write_bytes, n, there);
}

static void read_some(struct direction *d)
{
	size_t n = 1 + below(below(2) ? PIECE : 40), there = below(4) ? n : below(n + 1);

	if (!d->reader)
		d->reader = begin(d->to, d->read, d->read_bytes, n, there);
}

/* What was moved before stays moved. */
static void cancel_one(struct fake_request *waiting)
{
	if (!waiting)
		return;
	fake_cancel(waiting, CANCEL_INTERRUPTED);
	if (waiting->result == -EINTR)
		waiting->result = 0;
}

static void bytes_keep_their_order_whatever_waits_or_is_cancelled(void)
{
	static struct direction d[2];

	start();
	make_raw();
	d[0] = (struct direction){ .from = master, .to = slave, .write = master_write, .read = tty_read };
	d[1] = (struct direction){ .from = slave, .to = master, .write = tty_write, .read = master_read };
	for (int i = 0; i < 200000; i++) {
		struct direction *one = &d[below(2)];

		switch (below(9)) {
		case 0 ... 3:
			write_some(one);
			break;
		case 4 ... 7:
			read_some(one);
			break;
		case 8:
			cancel_one(below(2) ? one->writer : one->reader);
			break;
		}
		reap_waiters(&d[0]);
		reap_waiters(&d[1]);
		/* Nobody waits for what is there. */
		CHECK(!(d[1].reader && tty_output_used(&pty->tty)));
		CHECK(!(d[0].reader && ldisc_readable(&pty->tty.ld)));
		CHECK(!(d[0].writer && pty->pending_head == pty->pending_tail));
		CHECK(!(d[1].writer && !tty_output_used(&pty->tty)));
	}
	for (int i = 0; i < 2; i++) {
		cancel_one(d[i].writer);
		cancel_one(d[i].reader);
		reap_waiters(&d[i]);
		for (long got; (got = now(d[i].to, d[i].read, d[i].read_bytes, PIECE)) > 0;)
			check_read(&d[i], got);
		CHECK_EQ(d[i].read_so_far, d[i].written);
		CHECK(d[i].written > 1000000);
	}
	finish();
}

/* ---- closing ---- */

static void the_master_reads_what_is_left_and_then_an_error(void)
{
	char bytes[20] = { 0 };

	start();
	CHECK_EQ(now(slave, tty_write, "last", 4), 4);
	close_file(slave, pty_close_slave);
	slave = NULL;
	CHECK_EQ(master_poll(master), LINUX_POLLIN | LINUX_POLLRDNORM | LINUX_POLLHUP | LINUX_POLLOUT | LINUX_POLLWRNORM);
	CHECK_EQ(now(master, master_read, bytes, sizeof(bytes)), 4);
	CHECK_EQ(now(master, master_read, bytes, sizeof(bytes)), -EIO);
	slave = open_slave();
	CHECK_EQ(now(master, master_read, bytes, sizeof(bytes)), -EAGAIN);
	finish();
}

static void who_waits_is_answered_when_the_other_end_closes(void)
{
	char bytes[20];

	start();
	struct fake_request *of_master = begin(master, master_read, bytes, sizeof(bytes), sizeof(bytes));

	close_file(slave, pty_close_slave);
	CHECK_EQ(end(of_master), -EIO);
	slave = open_slave();
	struct fake_request *of_slave = begin(slave, tty_read, bytes, sizeof(bytes), sizeof(bytes));

	close_file(master, pty_close_master);
	master = NULL;
	CHECK_EQ(end(of_slave), -EIO);
	CHECK_EQ(now(slave, tty_read, bytes, sizeof(bytes)), 0);
	CHECK_EQ(now(slave, tty_write, bytes, 1), -EIO);
	finish();
}

static void a_number_is_used_again_when_both_ends_have_gone(void)
{
	struct request request = { .principal = READER };
	long error;

	start();
	CHECK_EQ(pty->index, 0);
	struct pty *second = pty_new(&request, &error);

	CHECK_EQ(second->index, 1);
	CHECK(pty_find(1) == second);
	pty_hold(second); /* an O_PATH descriptor */
	second->master_open = false;
	pty_unhold(second);
	pty_reap();
	CHECK(pty_find(1) == NULL);
	struct pty *third = pty_new(&request, &error);

	CHECK_EQ(third->index, 2);
	pty_unhold(second);
	pty_unhold(third);
	pty_reap();
	third = pty_new(&request, &error);
	CHECK_EQ(third->index, 1);
	pty_unhold(third);
	finish();
}

/* ---- packet mode ---- */

static void a_packet_is_not_cut_where_memory_is_missing(void)
{
	char bytes[20] = { 0 };

	start();
	pty->packet = true;
	CHECK_EQ(now(slave, tty_write, "data", 4), 4);
	struct fake_request *cut = begin(master, master_read, bytes, sizeof(bytes), 3);

	CHECK_EQ(end(cut), 0);
	CHECK_EQ(now(master, master_read, bytes, sizeof(bytes)), 5);
	CHECK(!memcmp(bytes, "\0data", 5));
	finish();
}

static void a_reader_is_told_of_keys_that_flush(void)
{
	char byte = 0;

	start();
	pty->packet = true;
	struct fake_request *waits = begin(master, master_read, &byte, 1, 1);

	CHECK_EQ(now(master, master_write, "\x03", 1), 1);
	CHECK_EQ(end(waits), 1);
	CHECK_EQ(byte, PACKET_FLUSHREAD | PACKET_FLUSHWRITE);
	finish();
}

int main(void)
{
	RUN(bytes_keep_their_order_whatever_waits_or_is_cancelled);
	RUN(the_master_reads_what_is_left_and_then_an_error);
	RUN(who_waits_is_answered_when_the_other_end_closes);
	RUN(a_number_is_used_again_when_both_ends_have_gone);
	RUN(a_packet_is_not_cut_where_memory_is_missing);
	RUN(a_reader_is_told_of_keys_that_flush);
	return check_result();
}
