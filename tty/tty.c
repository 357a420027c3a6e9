/*
 * Terminals between their wire and the line discipline; opening and closing.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "tty/internal.h"

struct list_node tty_all = { &tty_all, &tty_all };

/* ---- the discipline's side ---- */

/* Echo beyond the ring is lost, as on any terminal that is typed at while its output stands still. */
static void emit(void *ctx, const u8 *bytes, size_t n)
{
	struct tty *tty = ctx;

	for (size_t i = 0; i < n && tty_output_used(tty) < tty->output_size; i++)
		tty->output[tty->output_head++ & (tty->output_size - 1)] = bytes[i];
}

static void signal_group(void *ctx, int signal)
{
	job_signal(ctx, signal);
}

static void flush_output(void *ctx)
{
	struct tty *tty = ctx;

	tty->wire->flush_output(tty);
}

static void note(void *ctx, enum ldisc_note what)
{
	struct tty *tty = ctx;

	if (tty->wire->noted)
		tty->wire->noted(tty, what);
}

static const struct ldisc_ops ldisc_ops = { .emit = emit, .signal = signal_group, .flush_output = flush_output, .note = note };

/* ---- output ---- */

u32 tty_output_take(struct tty *tty, u8 *to, u32 n)
{
	u32 at = tty->output_tail & (tty->output_size - 1), first;

	n = MIN(n, tty_output_used(tty));
	first = MIN(n, tty->output_size - at);
	memcpy(to, tty->output + at, first);
	memcpy(to + first, tty->output, n - first);
	tty->output_tail += n;
	return n;
}

void tty_output_give_back(struct tty *tty, u32 n)
{
	tty->output_tail -= n;
}

void tty_output_drop(struct tty *tty, u32 keep)
{
	if (tty_output_used(tty) > keep)
		tty->output_head = tty->output_tail + keep;
}

static void answer_drainers(struct tty *tty)
{
	struct request *request;

	while (!tty_output_unsent(tty) && (request = list_first_entry(&tty->drainers, struct request, link))) {
		list_remove(&request->link);
		request_answer(request, tty_drained(request));
	}
}

void tty_output_sent(struct tty *tty)
{
	tty_pump_writers(tty);
	answer_drainers(tty);
	if (tty_output_used(tty) < tty->output_limit / 2)
		poll_wake(&tty->poll, LINUX_POLLOUT | LINUX_POLLWRNORM);
}

void tty_settle(struct tty *tty)
{
	tty_pump_readers(tty);
	tty_pump_writers(tty);
	if (ldisc_poll_in(&tty->ld))
		poll_wake(&tty->poll, LINUX_POLLIN | LINUX_POLLRDNORM);
	tty->wire->transmit(tty);
	answer_drainers(tty);
}

bool tty_async(const struct open_file *file, unsigned *owner)
{
	const struct tty *tty = tty_of(file);

	*owner = tty->group ? tty->group : ASYNC_CALLER;
	return true;
}

/* ---- timers ---- */

unsigned long tty_deadline(void)
{
	unsigned long earliest = 0;

	if (!tty_readers_timed())
		return 0;
	list_for_each_entry(tty, &tty_all, struct tty, link) {
		unsigned long at = tty_reader_deadline(tty);

		if (at && (!earliest || at < earliest))
			earliest = at;
	}
	return earliest;
}

void tty_expired(void)
{
	unsigned long now = kernel_monotonic();

	if (!tty_readers_timed())
		return;
	list_for_each_entry(tty, &tty_all, struct tty, link)
		tty_expire_readers(tty, now);
}

/* ---- coming and going ---- */

void tty_init(struct tty *tty, const struct tty_wire *wire, unsigned device, u8 *ring, u32 size, u32 limit)
{
	tty->wire = wire;
	tty->device = device;
	tty->output = ring;
	tty->output_size = size;
	tty->output_limit = limit;
	ldisc_init(&tty->ld, &ldisc_ops, tty);
	list_init(&tty->readers);
	list_init(&tty->writers);
	list_init(&tty->drainers);
	list_init(&tty->files);
	poll_queue_init(&tty->poll);
	list_push_back(&tty_all, &tty->link);
}

void tty_forget(struct tty *tty)
{
	list_remove(&tty->link);
}

long tty_open(struct tty *tty, struct request *request, struct open_file *file)
{
	const struct principal_entry *caller = job_caller(request);

	if (tty->exclusive && (!caller || caller->euid))
		return -EBUSY;
	file->data = tty;
	file->opened = OPENED_TTY;
	file->poll = &tty->poll;
	FILE_HUNG_UP(file) = 0;
	list_push_back(&tty->files, &file->link);
	return 0;
}

void tty_release(struct open_file *file)
{
	list_remove(&file->link);
}

long tty_message(struct request *request)
{
	struct tty *own;

	if (request->label != PROC_HANG_UP)
		return -ENOSYS;
	if (!request->forwarded || request->badge)
		return -EPERM;
	own = job_terminal(job_caller(request));
	if (own)
		tty_hang_up(own, 0);
	return 0;
}
