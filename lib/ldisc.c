#include "lib/ldisc_internal.h"

#include "lib/errno.h"
#include "lib/string.h"

#define DEFAULT_SPEED 38400
#define UNTHROTTLE 128 /* queued bytes below which a terminal stopped by IXOFF goes on */

static const struct tty_termios2 defaults = {
	.c_iflag = TIO_ICRNL | TIO_IXON,
	.c_oflag = TIO_OPOST | TIO_ONLCR,
	.c_cflag = TIO_B38400 | TIO_CS8 | TIO_CREAD | TIO_HUPCL,
	.c_lflag = TIO_ISIG | TIO_ICANON | TIO_ECHO | TIO_ECHOE | TIO_ECHOK | TIO_ECHOCTL | TIO_ECHOKE | TIO_IEXTEN,
	.c_cc = {
		[TIO_VINTR] = 0x03,
		[TIO_VQUIT] = 0x1c,
		[TIO_VERASE] = 0x7f,
		[TIO_VKILL] = 0x15,
		[TIO_VEOF] = 0x04,
		[TIO_VMIN] = 1,
		[TIO_VSTART] = 0x11,
		[TIO_VSTOP] = 0x13,
		[TIO_VSUSP] = 0x1a,
		[TIO_VREPRINT] = 0x12,
		[TIO_VDISCARD] = 0x0f,
		[TIO_VWERASE] = 0x17,
		[TIO_VLNEXT] = 0x16,
	},
	.c_ispeed = DEFAULT_SPEED,
	.c_ospeed = DEFAULT_SPEED,
};

static void mark_special(struct ldisc *ld, unsigned first, unsigned second, unsigned third)
{
	bitmap_set(ld->special, ld->termios.c_cc[first]);
	bitmap_set(ld->special, ld->termios.c_cc[second]);
	bitmap_set(ld->special, ld->termios.c_cc[third]);
}

/* Which bytes input_special must look at: it depends on the modes too, and Linux's echo shows it. */
static void special_compute(struct ldisc *ld)
{
	memset(ld->special, 0, sizeof(ld->special));
	if (iflag(ld, TIO_IGNCR | TIO_ICRNL))
		bitmap_set(ld->special, '\r');
	if (iflag(ld, TIO_INLCR) || lflag(ld, TIO_ICANON))
		bitmap_set(ld->special, '\n');
	if (lflag(ld, TIO_ICANON)) {
		mark_special(ld, TIO_VERASE, TIO_VKILL, TIO_VEOF);
		bitmap_set(ld->special, ld->termios.c_cc[TIO_VEOL]);
		if (lflag(ld, TIO_IEXTEN))
			mark_special(ld, TIO_VWERASE, TIO_VLNEXT, TIO_VEOL2);
		if (lflag(ld, TIO_IEXTEN) && lflag(ld, TIO_ECHO))
			bitmap_set(ld->special, ld->termios.c_cc[TIO_VREPRINT]);
	}
	if (iflag(ld, TIO_IXON))
		mark_special(ld, TIO_VSTART, TIO_VSTOP, TIO_VSTART);
	if (lflag(ld, TIO_ISIG))
		mark_special(ld, TIO_VINTR, TIO_VQUIT, TIO_VSUSP);
	bitmap_clear(ld->special, TIO_DISABLED);
}

void ldisc_init(struct ldisc *ld, const struct ldisc_ops *ops, void *ctx)
{
	memset(ld, 0, sizeof(*ld));
	ld->ops = ops;
	ld->ctx = ctx;
	ld->termios = defaults;
	special_compute(ld);
}

void ldisc_flush_input(struct ldisc *ld)
{
	ld->head = ld->tail = ld->canon = 0;
	ld->erasing = false;
	memset(ld->line_end, 0, sizeof(ld->line_end));
	ld->ops->note(ld->ctx, LDISC_INPUT_FLUSHED);
}

/* The way input is cut into lines changes: what is there is one finished line, or no line at all. */
static void lines_restart(struct ldisc *ld)
{
	memset(ld->line_end, 0, sizeof(ld->line_end));
	ld->canon = ld->tail;
	if (lflag(ld, TIO_ICANON) && ld->head != ld->tail) {
		bitmap_set(ld->line_end, (ld->head - 1) % LDISC_QUEUE);
		ld->canon = ld->head;
	}
	ld->erasing = false;
	ld->literal = false;
}

static u32 unless_locked(u32 new, u32 old, u32 locked)
{
	return (new & ~locked) | (old & locked);
}

static void keep_locked(struct tty_termios2 *new, const struct tty_termios2 *old, const struct tty_termios *locked)
{
	new->c_iflag = unless_locked(new->c_iflag, old->c_iflag, locked->c_iflag);
	new->c_oflag = unless_locked(new->c_oflag, old->c_oflag, locked->c_oflag);
	new->c_cflag = unless_locked(new->c_cflag, old->c_cflag, locked->c_cflag);
	new->c_lflag = unless_locked(new->c_lflag, old->c_lflag, locked->c_lflag);
	if (locked->c_line)
		new->c_line = old->c_line;
	for (int i = 0; i < TIO_NCCS; i++)
		if (locked->c_cc[i])
			new->c_cc[i] = old->c_cc[i];
}

void ldisc_set_termios2(struct ldisc *ld, const struct tty_termios2 *termios)
{
	struct tty_termios2 old = ld->termios;

	ld->termios = *termios;
	keep_locked(&ld->termios, &old, &ld->locked);
	if ((old.c_lflag ^ ld->termios.c_lflag) & (TIO_ICANON | TIO_EXTPROC))
		lines_restart(ld);
	special_compute(ld);
	if ((old.c_iflag & TIO_IXON) && !iflag(ld, TIO_IXON))
		output_start(ld);
}

/* The speed a code of CBAUD stands for; `other` for BOTHER. */
static u32 speed_of(u32 code, u32 other)
{
	static const u32 low[] = { 0,   50,   75,   110,  134,  150,  200,   300,
				   600, 1200, 1800, 2400, 4800, 9600, 19200, 38400 };
	static const u32 high[] = { 0,       57600,   115200,  230400,  460800,  500000,  576000,  921600,
				    1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000 };

	code &= TIO_CBAUD;
	if (code == TIO_BOTHER)
		return other;
	return code & TIO_BOTHER ? high[code & 15] : low[code];
}

void ldisc_set_termios(struct ldisc *ld, const struct tty_termios *termios)
{
	struct tty_termios2 new = ld->termios;
	u32 input = termios->c_cflag >> TIO_IBSHIFT & TIO_CBAUD;

	memcpy(&new, termios, sizeof(*termios));
	new.c_ospeed = speed_of(new.c_cflag, ld->termios.c_ospeed);
	new.c_ispeed = input ? speed_of(input, ld->termios.c_ispeed) : new.c_ospeed;
	ldisc_set_termios2(ld, &new);
}

void ldisc_get_termios(const struct ldisc *ld, struct tty_termios *termios)
{
	memcpy(termios, &ld->termios, sizeof(*termios));
}

bool ldisc_set_winsize(struct ldisc *ld, const struct tty_winsize *winsize)
{
	if (!memcmp(&ld->winsize, winsize, sizeof(*winsize)))
		return false;
	ld->winsize = *winsize;
	return true;
}

static bool is_eof_mark(const struct ldisc *ld, u32 position)
{
	return bitmap_test(ld->line_end, position % LDISC_QUEUE) && queue_at(ld, position) == TIO_DISABLED;
}

/* Takes `n` bytes off the queue. */
static void queue_take(struct ldisc *ld, u8 *buf, size_t n)
{
	size_t at = ld->tail % LDISC_QUEUE, first = MIN(n, LDISC_QUEUE - at);

	memcpy(buf, ld->queue + at, first);
	memcpy(buf + first, ld->queue, n - first);
	ld->tail += (u32)n;
}

/* Takes the byte that ends a line, which a VEOF's mark has but the reader does not get. */
static void line_end_drop(struct ldisc *ld)
{
	bitmap_clear(ld->line_end, ld->tail % LDISC_QUEUE);
	ld->tail++;
}

static size_t read_line(struct ldisc *ld, u8 *buf, size_t n)
{
	size_t length = 0;

	n = MIN(n, (size_t)(ld->canon - ld->tail));
	while (length < n && !bitmap_test(ld->line_end, (ld->tail + length) % LDISC_QUEUE))
		length++;
	if (length < n && !is_eof_mark(ld, ld->tail + (u32)length)) {
		bitmap_clear(ld->line_end, (ld->tail + length) % LDISC_QUEUE);
		queue_take(ld, buf, length + 1);
		return length + 1;
	}
	queue_take(ld, buf, length);
	/* Also where the mark comes right after a buffer just filled: else the next read would see an end-of-file. */
	if (ld->tail != ld->canon && is_eof_mark(ld, ld->tail))
		line_end_drop(ld);
	return length;
}

static size_t read_bytes(struct ldisc *ld, u8 *buf, size_t n)
{
	n = MIN(n, (size_t)(ld->head - ld->tail));
	queue_take(ld, buf, n);
	/* EXTPROC: the program at the other end sends VEOF itself. */
	if (n == 1 && lflag(ld, TIO_ICANON) && ld->head == ld->tail && buf[0] == ld->termios.c_cc[TIO_VEOF])
		return 0;
	return n;
}

static void unthrottle(struct ldisc *ld)
{
	if (ld->throttled && ld->head - ld->tail <= UNTHROTTLE) {
		ld->throttled = false;
		ldisc_send_flow(ld, false);
	}
}

s64 ldisc_read(struct ldisc *ld, void *buf, size_t n)
{
	size_t got;

	if (!n)
		return 0;
	if (!ldisc_readable(ld))
		return -EAGAIN;
	got = by_lines(ld) ? read_line(ld, buf, n) : read_bytes(ld, buf, n);
	unthrottle(ld);
	return (s64)got;
}

struct ldisc_need ldisc_need(const struct ldisc *ld, size_t n, size_t have)
{
	u32 min = ld->termios.c_cc[TIO_VMIN], time = ld->termios.c_cc[TIO_VTIME];
	size_t want = MIN((size_t)MAX(min, 1u), n);

	if (by_lines(ld))
		return (struct ldisc_need){ .bytes = !have && n };
	if (have >= want || (!min && !time))
		return (struct ldisc_need){ 0 };
	/* With VMIN the timer runs between bytes, without it from the start. */
	return (struct ldisc_need){ .bytes = want - have, .tenths = !min || have ? time : 0 };
}

bool ldisc_readable(const struct ldisc *ld)
{
	return by_lines(ld) ? ld->canon != ld->tail : ld->head != ld->tail;
}

bool ldisc_poll_in(const struct ldisc *ld)
{
	u32 min = ld->termios.c_cc[TIO_VTIME] ? 0 : ld->termios.c_cc[TIO_VMIN];

	return by_lines(ld) ? ld->canon != ld->tail : ld->head - ld->tail >= MAX(min, 1u);
}

size_t ldisc_pending(const struct ldisc *ld)
{
	size_t n = 0;

	if (!by_lines(ld))
		return ld->head - ld->tail;
	for (u32 at = ld->tail; at != ld->canon; at++)
		n += !is_eof_mark(ld, at);
	return n;
}
