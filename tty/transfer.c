/*
 * Reading and writing a terminal, and what waits for either.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "tty/internal.h"

#define SIGTTIN 21
#define SIGTTOU 22
#define STAGE   1024

/* Words of a request that waits. */
#define LENGTH   0 /* bytes the caller asked for */
#define DEADLINE 1 /* readers: when VTIME ends; 0: never */

static unsigned timed; /* readers with a DEADLINE */

static void set_deadline(struct request *request, unsigned long deadline)
{
	timed += (deadline != 0) - (request->scratch[DEADLINE] != 0);
	request->scratch[DEADLINE] = deadline;
}

bool tty_readers_timed(void)
{
	return timed > 0;
}

/* Off its list. */
static void take_off(struct request *request)
{
	list_remove(&request->link);
	set_deadline(request, 0);
}

static long cancel_transfer(struct request *request, unsigned reason)
{
	(void)reason;
	take_off(request);
	return request->moved ? (long)request->moved : -EINTR;
}

static void answer(struct request *request, long result)
{
	take_off(request);
	request_answer(request, result);
}

/* ---- reading ---- */

static long give_unread(struct tty *tty, struct request *request, size_t length)
{
	tty->unread_at += (unsigned)request_give(request, tty->unread + tty->unread_at, MIN(length, tty->unread_end - tty->unread_at));
	return (long)request->moved;
}

/* Takes from the discipline and gives to the caller: what it gives, or -EAGAIN: nothing is there. */
static long read_once(struct tty *tty, struct request *request, size_t length)
{
	u8 stage[sizeof(tty->unread)];
	s64 got = ldisc_read(&tty->ld, stage, MIN(length, sizeof(stage)));
	size_t given;

	if (got <= 0)
		return got;
	given = request_give(request, stage, (size_t)got);
	/* The rest stays for whoever reads next: as a rule the same caller, with its page there. */
	memcpy(tty->unread, stage + given, (size_t)got - given);
	tty->unread_at = 0;
	tty->unread_end = (unsigned)((size_t)got - given);
	return (long)given;
}

/* Goes on with a read. True: it is over, with *result. */
static bool read_step(struct tty *tty, struct request *request, size_t length, long *result)
{
	bool lines = tty->ld.termios.c_lflag & TIO_ICANON;

	for (;;) {
		size_t left = length - request->moved;
		long got = left ? read_once(tty, request, left) : 0;

		*result = (long)request->moved;
		if (!left || request->stopped || (lines && got >= 0))
			return true;
		if (lines)
			return false;
		if (!ldisc_need(&tty->ld, length, request->moved).bytes)
			return true;
		if (got < 0)
			return false;
	}
}

static unsigned long read_deadline(const struct tty *tty, const struct request *request, size_t length)
{
	unsigned tenths = ldisc_need(&tty->ld, length, request->moved).tenths;

	return tenths ? kernel_monotonic() + tenths * 100000000ul : 0;
}

static long wait_for_input(struct tty *tty, struct request *request, size_t length)
{
	unsigned long deadline = read_deadline(tty, request, length);
	long kept = request_wait(request, cancel_transfer);

	if (kept != REQUEST_KEPT)
		return kept;
	request->scratch[LENGTH] = length;
	request->scratch[DEADLINE] = 0;
	set_deadline(request, deadline);
	list_push_back(&tty->readers, &request->link);
	return kept;
}

static void look_for_input(struct tty *tty)
{
	if (tty->wire->receive)
		tty->wire->receive(tty);
}

long tty_read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct tty *tty = tty_of(file);
	long result;

	(void)offset;
	if (FILE_HUNG_UP(file))
		return 0;
	result = job_check(request, tty, SIGTTIN);
	if (result)
		return result;
	if (tty->unread_at < tty->unread_end)
		return give_unread(tty, request, length);
	look_for_input(tty);
	if (list_empty(&tty->readers) && read_step(tty, request, length, &result)) {
		tty_settle(tty); /* there may be room again for input that waits in the port */
		return result;
	}
	if (request_nonblocking(request))
		return request->moved ? (long)request->moved : -EAGAIN;
	return wait_for_input(tty, request, length);
}

void tty_pump_readers(struct tty *tty)
{
	struct request *request;
	long result;

	while ((request = list_first_entry(&tty->readers, struct request, link))) {
		size_t before = request->moved;

		if (!read_step(tty, request, request->scratch[LENGTH], &result)) {
			if (request->moved != before)
				set_deadline(request, read_deadline(tty, request, request->scratch[LENGTH]));
			return;
		}
		answer(request, result);
	}
}

unsigned long tty_reader_deadline(const struct tty *tty)
{
	const struct request *first = list_first_entry(&tty->readers, struct request, link);

	return first ? first->scratch[DEADLINE] : 0;
}

void tty_expire_readers(struct tty *tty, unsigned long now)
{
	unsigned long deadline = tty_reader_deadline(tty);

	if (!deadline || now < deadline)
		return;
	struct request *request = list_first_entry(&tty->readers, struct request, link);

	answer(request, (long)request->moved);
	request = list_first_entry(&tty->readers, struct request, link);
	if (request)
		set_deadline(request, read_deadline(tty, request, request->scratch[LENGTH]));
}

/* ---- writing ---- */

static size_t room(const struct tty *tty)
{
	u32 used = tty_output_used(tty);

	return used < tty->output_limit ? tty->output_limit - used : 0;
}

/* Puts in what fits; the discipline may take fewer bytes than were fetched: those are fetched again. True: it is over. */
static bool write_step(struct tty *tty, struct request *request, size_t length)
{
	u8 stage[STAGE];

	while (request->moved < length && !request->stopped) {
		size_t got, taken;

		if (!room(tty) || tty->ld.stopped)
			return false;
		got = request_take(request, stage, MIN(length - request->moved, sizeof(stage)));
		taken = ldisc_write(&tty->ld, stage, got, room(tty));
		if (taken < got) {
			request->moved -= got - taken;
			request->stopped = false;
			return false;
		}
	}
	return true;
}

static long wait_for_room(struct tty *tty, struct request *request, size_t length)
{
	long kept = request_wait(request, cancel_transfer);

	if (kept != REQUEST_KEPT)
		return request->moved ? (long)request->moved : kept;
	request->scratch[LENGTH] = length;
	request->scratch[DEADLINE] = 0;
	list_push_back(&tty->writers, &request->link);
	return kept;
}

long tty_write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct tty *tty = tty_of(file);
	bool over = false;
	long result;

	(void)offset;
	if (FILE_HUNG_UP(file))
		return -EIO;
	if (ldisc_tostop(&tty->ld)) {
		result = job_check(request, tty, SIGTTOU);
		if (result)
			return result;
	}
	while (list_empty(&tty->writers) && !over) {
		size_t moved = request->moved;
		u32 used;

		over = write_step(tty, request, length);
		used = tty_output_used(tty);
		tty->wire->transmit(tty);
		/* Neither the writer nor the line got on: the line will say when it does. */
		if (request->moved == moved && tty_output_used(tty) == used)
			break;
	}
	if (over)
		return (long)request->moved;
	if (request_nonblocking(request))
		return request->moved ? (long)request->moved : -EAGAIN;
	return wait_for_room(tty, request, length);
}

void tty_pump_writers(struct tty *tty)
{
	struct request *request;

	while ((request = list_first_entry(&tty->writers, struct request, link))) {
		if (!write_step(tty, request, request->scratch[LENGTH]))
			return;
		answer(request, (long)request->moved);
	}
}

/* ---- both ---- */

unsigned tty_poll(struct request *request, struct open_file *file)
{
	struct tty *tty = tty_of(file);
	unsigned events = 0;

	(void)request;
	if (FILE_HUNG_UP(file))
		return LINUX_POLLIN | LINUX_POLLOUT | LINUX_POLLERR | LINUX_POLLHUP | LINUX_POLLRDNORM | LINUX_POLLWRNORM;
	look_for_input(tty);
	if (tty->unread_at < tty->unread_end || ldisc_poll_in(&tty->ld))
		events |= LINUX_POLLIN | LINUX_POLLRDNORM;
	if (room(tty) && !tty->ld.stopped)
		events |= LINUX_POLLOUT | LINUX_POLLWRNORM;
	return events;
}

void tty_end_waiters(struct tty *tty, long nothing)
{
	struct request *request;

	while ((request = list_first_entry(&tty->readers, struct request, link)))
		answer(request, request->moved ? (long)request->moved : nothing);
	while ((request = list_first_entry(&tty->writers, struct request, link)))
		answer(request, request->moved ? (long)request->moved : -EIO);
	while ((request = list_first_entry(&tty->drainers, struct request, link))) {
		list_remove(&request->link);
		request_answer(request, -EIO);
	}
}
