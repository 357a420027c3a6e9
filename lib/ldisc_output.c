/*
 * Output processing and echo. Both keep `column`, so that tabs can be expanded and erased. While output is stopped
 * programs cannot write, so echo can be processed at once and its bytes be held: nothing comes between.
 */
#include "lib/ldisc_internal.h"

#include "lib/string.h"

static void hold(struct ldisc *ld, const u8 *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ld->held[ld->held_head++ % LDISC_HELD] = bytes[i];
	if (ld->held_head - ld->held_tail > LDISC_HELD)
		ld->held_tail = ld->held_head - LDISC_HELD;
}

static void emit(struct ldisc *ld, const u8 *bytes, size_t n)
{
	if (ld->stopped)
		hold(ld, bytes, n);
	else if (n)
		ld->ops->emit(ld->ctx, bytes, n);
}

static void emit_byte(struct ldisc *ld, u8 c)
{
	emit(ld, &c, 1);
}

void output_start(struct ldisc *ld)
{
	if (!ld->stopped || ld->suspended)
		return;
	ld->stopped = false;
	ld->ops->note(ld->ctx, LDISC_STARTED);
	while (ld->held_tail != ld->held_head) {
		u32 at = ld->held_tail % LDISC_HELD, n = MIN(ld->held_head - ld->held_tail, LDISC_HELD - at);

		ld->held_tail += n;
		emit(ld, ld->held + at, n);
	}
}

void output_stop(struct ldisc *ld)
{
	if (!ld->stopped)
		ld->ops->note(ld->ctx, LDISC_STOPPED);
	ld->stopped = true;
}

void ldisc_suspend_output(struct ldisc *ld)
{
	ld->suspended = true;
	output_stop(ld);
}

void ldisc_resume_output(struct ldisc *ld)
{
	if (!ld->suspended)
		return;
	ld->suspended = false;
	output_start(ld);
}

void ldisc_send_flow(struct ldisc *ld, bool stop)
{
	u8 c = ld->termios.c_cc[stop ? TIO_VSTOP : TIO_VSTART];

	if (c != TIO_DISABLED)
		ld->ops->emit(ld->ctx, &c, 1);
}

void ldisc_flush_output(struct ldisc *ld)
{
	ld->held_tail = ld->held_head;
	ld->ops->flush_output(ld->ctx);
}

/* One byte under OPOST becomes at most 8: `out` gets them. Moves the column. */
static size_t post_newline(struct ldisc *ld, u8 out[8])
{
	size_t n = 0;

	if (oflag(ld, TIO_ONLRET | TIO_ONLCR))
		ld->column = 0;
	if (oflag(ld, TIO_ONLCR))
		out[n++] = '\r';
	ld->canon_column = ld->column;
	out[n++] = '\n';
	return n;
}

static size_t post_return(struct ldisc *ld, u8 out[8])
{
	if (oflag(ld, TIO_ONOCR) && ld->column == 0)
		return 0;
	if (!oflag(ld, TIO_OCRNL) || oflag(ld, TIO_ONLRET))
		ld->canon_column = ld->column = 0;
	out[0] = oflag(ld, TIO_OCRNL) ? '\n' : '\r';
	return 1;
}

static size_t post_tab(struct ldisc *ld, u8 out[8])
{
	u32 spaces = 8 - ld->column % 8;

	ld->column += spaces;
	if ((ld->termios.c_oflag & TIO_TABDLY) != TIO_XTABS) {
		out[0] = '\t';
		return 1;
	}
	memset(out, ' ', spaces);
	return spaces;
}

static size_t post_other(struct ldisc *ld, u8 c, u8 out[8])
{
	if (c == '\b') {
		if (ld->column)
			ld->column--;
	} else if (!is_control(c)) {
		if (oflag(ld, TIO_OLCUC) && is_lower(c))
			c -= 'a' - 'A';
		if (!is_continuation(ld, c))
			ld->column++;
	}
	out[0] = c;
	return 1;
}

static size_t post_process(struct ldisc *ld, u8 c, u8 out[8])
{
	switch (c) {
	case '\n':
		return post_newline(ld, out);
	case '\r':
		return post_return(ld, out);
	case '\t':
		return post_tab(ld, out);
	}
	return post_other(ld, c, out);
}

/* Whether `c` goes out as it is and only moves the column on. */
static bool is_ordinary(const struct ldisc *ld, u8 c)
{
	return !is_control(c) && !oflag(ld, TIO_OLCUC);
}

/* The bytes at the start of a program's output that need no processing, emitted in one go. */
static size_t write_run(struct ldisc *ld, const u8 *bytes, size_t n)
{
	size_t run = 0;

	while (run < n && is_ordinary(ld, bytes[run]))
		ld->column += !is_continuation(ld, bytes[run++]);
	emit(ld, bytes, run);
	return run;
}

/* Whether the bytes that `c` becomes fit. */
static bool fits(const struct ldisc *ld, u8 c, size_t room)
{
	if (c == '\n' && oflag(ld, TIO_ONLCR))
		return room >= 2;
	if (c == '\t' && (ld->termios.c_oflag & TIO_TABDLY) == TIO_XTABS)
		return room >= 8 - ld->column % 8;
	return room >= 1;
}

size_t ldisc_write(struct ldisc *ld, const void *bytes, size_t n, size_t room)
{
	const u8 *from = bytes;
	size_t done = 0;

	if (ld->stopped)
		return 0;
	if (!oflag(ld, TIO_OPOST)) {
		n = MIN(n, room);
		emit(ld, from, n);
		return n;
	}
	while (done < n) {
		size_t run = write_run(ld, from + done, MIN(n - done, room));
		u8 out[8];

		done += run;
		room -= run;
		if (done == n || !fits(ld, from[done], room))
			break;
		run = post_process(ld, from[done++], out);
		emit(ld, out, run);
		room -= run;
	}
	return done;
}

void echo_plain(struct ldisc *ld, u8 c)
{
	u8 out[8] = { c };
	size_t n = 1;

	if (c == 0xff)
		ld->column++; /* Linux's echo lets this one by */
	else if (oflag(ld, TIO_OPOST))
		n = post_process(ld, c, out);
	emit(ld, out, n);
}

void echo_visible(struct ldisc *ld, u8 c)
{
	if (lflag(ld, TIO_ECHOCTL) && is_control(c) && c != '\t') {
		u8 out[2] = { '^', c ^ 0x40 };

		emit(ld, out, 2);
		ld->column += 2;
	} else {
		echo_plain(ld, c);
	}
}

void echo_back_column(struct ldisc *ld)
{
	if (ld->column)
		ld->column--;
}

void echo_mark_canon_column(struct ldisc *ld)
{
	ld->canon_column = ld->column;
}

void echo_erase_tab(struct ldisc *ld, u32 columns, bool after_tab)
{
	if (!after_tab)
		columns = columns % 8 + ld->canon_column;
	for (u32 n = 8 - columns % 8; n; n--) {
		emit_byte(ld, '\b');
		echo_back_column(ld);
	}
}
