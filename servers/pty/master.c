/*
 * Reading and writing the master. It has no line discipline: what was written to the slave is read in the pieces that are there.
 */
#include "lib/errno.h"
#include "servers/pty/pty.h"

#define LENGTH 0 /* word of a request that waits: bytes the caller asked for */
#define STAGE  1024

static long cancel(struct request *request, unsigned reason)
{
	(void)reason;
	list_remove(&request->link);
	return request->moved ? (long)request->moved : -EINTR;
}

static long wait_on(struct list_node *list, struct request *request, size_t length)
{
	long kept;

	if (request_nonblocking(request))
		return request->moved ? (long)request->moved : -EAGAIN;
	kept = request_wait(request, cancel);
	if (kept != REQUEST_KEPT)
		return request->moved ? (long)request->moved : kept;
	request->scratch[LENGTH] = length;
	list_push_back(list, &request->link);
	return kept;
}

static void answer(struct request *request, long result)
{
	list_remove(&request->link);
	request_answer(request, result);
}

/* ---- reading ---- */

/*
 * Output to the caller, at most what a reader finds at once. In packet mode a byte before it says that it is data, so a piece cannot be cut
 * where the caller's memory is not there: it is given whole or not at all.
 */
static void give_output(struct pty *pty, struct request *request, size_t length)
{
	u8 stage[PTY_AT_READER + 1];
	u32 head = pty->packet, n = (u32)MIN(length, sizeof(stage)) - head;
	size_t given;

	stage[0] = PACKET_DATA;
	n = tty_output_take(&pty->tty, stage + head, MIN(n, (u32)PTY_AT_READER));
	given = request_give(request, stage, head + n);
	if (given < head + n) {
		if (head) {
			request->moved -= given;
			given = head;
		}
		tty_output_give_back(&pty->tty, n - (u32)(given - head));
	}
	tty_output_sent(&pty->tty);
}

static void give_status(struct pty *pty, struct request *request)
{
	if (request_give(request, &pty->status, 1))
		pty->status = 0;
}

/* True: the read is over, with *result. */
static bool read_step(struct pty *pty, struct request *request, size_t length, long *result)
{
	if (pty->packet && pty->status) {
		give_status(pty, request);
	} else if (tty_output_used(&pty->tty)) {
		give_output(pty, request, length);
	} else if (pty->slave_closed) {
		*result = -EIO;
		return true;
	} else {
		return false;
	}
	*result = (long)request->moved;
	return true;
}

long master_read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct pty *pty = pty_of(file);
	long result;

	(void)offset;
	if (!list_empty(&pty->readers) || !read_step(pty, request, length, &result))
		return wait_on(&pty->readers, request, length);
	pty_move(pty);
	return result;
}

bool master_pump_readers(struct pty *pty)
{
	struct request *request = list_first_entry(&pty->readers, struct request, link);
	long result;

	if (!request || !read_step(pty, request, request->scratch[LENGTH], &result))
		return false;
	answer(request, result);
	return true;
}

/* ---- writing ---- */

/* Puts in what fits. True: the write is over. */
static bool write_step(struct pty *pty, struct request *request, size_t length)
{
	u8 stage[STAGE];

	while (request->moved < length && !request->stopped) {
		size_t room = PTY_PENDING - (pty->pending_head - pty->pending_tail), n;

		if (!room || pty->stopped)
			return false;
		n = request_take(request, stage, MIN(MIN(length - request->moved, room), sizeof(stage)));
		for (size_t i = 0; i < n; i++)
			pty->pending[pty->pending_head++ % PTY_PENDING] = stage[i];
	}
	return true;
}

long master_write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct pty *pty = pty_of(file);
	bool over = false;

	(void)offset;
	while (list_empty(&pty->writers) && !over) {
		size_t before = request->moved;

		over = write_step(pty, request, length);
		pty_move(pty);
		if (request->moved == before)
			break;
	}
	return over ? (long)request->moved : wait_on(&pty->writers, request, length);
}

bool master_pump_writers(struct pty *pty)
{
	struct request *request = list_first_entry(&pty->writers, struct request, link);
	size_t before;

	if (!request)
		return false;
	before = request->moved;
	if (!write_step(pty, request, request->scratch[LENGTH]))
		return request->moved != before;
	answer(request, (long)request->moved);
	return true;
}

/* ---- polling ---- */

unsigned master_poll(struct open_file *file)
{
	const struct pty *pty = pty_of(file);
	unsigned events = 0;

	if (tty_output_used(&pty->tty))
		events |= LINUX_POLLIN | LINUX_POLLRDNORM;
	if (pty->packet && pty->status)
		events |= LINUX_POLLPRI | LINUX_POLLIN | LINUX_POLLRDNORM;
	if (pty->slave_closed)
		events |= LINUX_POLLHUP;
	if (pty->pending_head - pty->pending_tail < PTY_PENDING && !pty->stopped)
		events |= LINUX_POLLOUT | LINUX_POLLWRNORM;
	return events;
}
