/*
 * From the terminal to the queue: translation, signals, flow control, line editing, echo. The order in which a byte
 * is tried against the special characters is Linux's, and shows where one byte has two meanings.
 */
#include "lib/ldisc_internal.h"

/* Whether `c` is the special character `index`. */
static bool is_cc(const struct ldisc *ld, u8 c, unsigned index)
{
	return c == ld->termios.c_cc[index];
}

/* As is_cc, for the characters that work only with IEXTEN. */
static bool is_extended_cc(const struct ldisc *ld, u8 c, unsigned index)
{
	return is_cc(ld, c, index) && lflag(ld, TIO_IEXTEN);
}

static bool queue_full(const struct ldisc *ld)
{
	return ld->head - ld->tail == LDISC_QUEUE;
}

static void queue_put(struct ldisc *ld, u8 c)
{
	if (!queue_full(ld)) /* only marks and doubled bytes can find it so */
		ld->queue[ld->head++ % LDISC_QUEUE] = c;
}

/* With PARMRK 0xff starts a mark, so one that was typed is doubled. */
static void queue_put_marked(struct ldisc *ld, u8 c)
{
	if (c == 0xff && iflag(ld, TIO_PARMRK))
		queue_put(ld, c);
	queue_put(ld, c);
}

/* The end always has room: the last byte of a line that is too long makes it. */
static void line_finish(struct ldisc *ld, u8 end)
{
	if (queue_full(ld))
		ld->head--;
	bitmap_set(ld->line_end, ld->head % LDISC_QUEUE);
	queue_put(ld, end);
	ld->canon = ld->head;
}

static void erasing_finish(struct ldisc *ld)
{
	if (ld->erasing) {
		echo_plain(ld, '/');
		ld->erasing = false;
	}
}

/* Where the last character of the line being typed starts; false if only part of one is there. */
static bool last_character(const struct ldisc *ld, u32 *start)
{
	u32 at = ld->head;

	do
		at--;
	while (is_continuation(ld, queue_at(ld, at)) && at != ld->canon);
	*start = at;
	return !is_continuation(ld, queue_at(ld, at));
}

/* ECHOPRT: what is erased is printed, backwards, between \ and /. The character's bytes are start .. start + n - 1. */
static void echo_erased_print(struct ldisc *ld, u32 start, u32 n)
{
	if (!ld->erasing) {
		echo_plain(ld, '\\');
		ld->erasing = true;
	}
	echo_visible(ld, queue_at(ld, start));
	for (u32 i = 1; i < n; i++) {
		echo_plain(ld, queue_at(ld, start + i));
		echo_back_column(ld);
	}
}

/* A tab that was erased: back to where the text before it ended. */
static void echo_erased_tab(struct ldisc *ld)
{
	u32 columns = 0, at = ld->head;

	while (at != ld->canon) {
		u8 c = queue_at(ld, --at);

		if (c == '\t') {
			echo_erase_tab(ld, columns, true);
			return;
		}
		if (is_control(c))
			columns += lflag(ld, TIO_ECHOCTL) ? 2 : 0;
		else if (!is_continuation(ld, c))
			columns++;
	}
	echo_erase_tab(ld, columns, false);
}

static void echo_rubout(struct ldisc *ld)
{
	echo_plain(ld, '\b');
	echo_plain(ld, ' ');
	echo_plain(ld, '\b');
}

/* The echo for an erased character of `n` bytes from `start` (they are still in the queue, beyond head). */
static void echo_erased(struct ldisc *ld, u32 start, u32 n, bool one)
{
	u8 c = queue_at(ld, start);

	if (lflag(ld, TIO_ECHOPRT)) {
		echo_erased_print(ld, start, n);
	} else if (one && !lflag(ld, TIO_ECHOE)) {
		echo_visible(ld, ld->termios.c_cc[TIO_VERASE]);
	} else if (c == '\t') {
		echo_erased_tab(ld);
	} else {
		if (is_control(c) && lflag(ld, TIO_ECHOCTL))
			echo_rubout(ld);
		if (!is_control(c) || lflag(ld, TIO_ECHOCTL))
			echo_rubout(ld);
	}
}

/* VKILL where the line cannot be rubbed out: it is dropped, and the kill character shows it. */
static void kill_line(struct ldisc *ld)
{
	ld->head = ld->canon;
	if (!lflag(ld, TIO_ECHO))
		return;
	erasing_finish(ld);
	echo_visible(ld, ld->termios.c_cc[TIO_VKILL]);
	if (lflag(ld, TIO_ECHOK))
		echo_plain(ld, '\n');
}

static bool kill_rubs_out(const struct ldisc *ld)
{
	return lflag(ld, TIO_ECHO) && lflag(ld, TIO_ECHOK) && lflag(ld, TIO_ECHOKE) && lflag(ld, TIO_ECHOE);
}

/* VERASE, VWERASE or VKILL. A word is what lies after the last change from word to other characters. */
static void erase(struct ldisc *ld, u8 c)
{
	bool one = is_cc(ld, c, TIO_VERASE), word = !one && is_cc(ld, c, TIO_VWERASE), in_word = false;
	u32 start;

	if (ld->head == ld->canon)
		return;
	if (!one && !word && !kill_rubs_out(ld)) {
		kill_line(ld);
		return;
	}
	while (ld->head != ld->canon && last_character(ld, &start)) {
		u32 n = ld->head - start;

		if (word && is_word(queue_at(ld, start)))
			in_word = true;
		else if (word && in_word)
			break;
		ld->head = start;
		if (lflag(ld, TIO_ECHO))
			echo_erased(ld, start, n, one);
		if (one)
			break;
	}
	if (ld->head == ld->canon && lflag(ld, TIO_ECHO))
		erasing_finish(ld);
}

static void literal_next(struct ldisc *ld)
{
	ld->literal = true;
	if (!lflag(ld, TIO_ECHO))
		return;
	erasing_finish(ld);
	if (lflag(ld, TIO_ECHOCTL)) {
		echo_plain(ld, '^');
		echo_plain(ld, '\b');
	}
}

static void reprint(struct ldisc *ld, u8 c)
{
	erasing_finish(ld);
	echo_visible(ld, c);
	echo_plain(ld, '\n');
	for (u32 at = ld->canon; at != ld->head; at++)
		echo_visible(ld, queue_at(ld, at));
}

/* Echo of a byte that joins the line; the first one's column is where erasing a tab counts from. */
static void echo_typed(struct ldisc *ld, u8 c)
{
	if (ld->canon == ld->head)
		echo_mark_canon_column(ld);
	echo_visible(ld, c);
}

static bool is_line_end(const struct ldisc *ld, u8 c)
{
	return is_cc(ld, c, TIO_VEOL) || is_extended_cc(ld, c, TIO_VEOL2);
}

/* Canonical mode's characters; false if `c` is none of them here. */
static bool input_canonical(struct ldisc *ld, u8 c)
{
	if (is_cc(ld, c, TIO_VERASE) || is_cc(ld, c, TIO_VKILL) || is_extended_cc(ld, c, TIO_VWERASE)) {
		erase(ld, c);
	} else if (is_extended_cc(ld, c, TIO_VLNEXT)) {
		literal_next(ld);
	} else if (is_extended_cc(ld, c, TIO_VREPRINT) && lflag(ld, TIO_ECHO)) {
		reprint(ld, c);
	} else if (c == '\n') {
		if (lflag(ld, TIO_ECHO | TIO_ECHONL))
			echo_plain(ld, '\n');
		line_finish(ld, c);
	} else if (is_cc(ld, c, TIO_VEOF)) {
		line_finish(ld, TIO_DISABLED);
	} else if (is_line_end(ld, c)) {
		if (lflag(ld, TIO_ECHO))
			echo_typed(ld, c);
		if (c == 0xff && iflag(ld, TIO_PARMRK))
			queue_put(ld, c);
		line_finish(ld, c);
	} else {
		return false;
	}
	return true;
}

/* The signal that `c` asks for; 0: none. */
static int signal_of(const struct ldisc *ld, u8 c)
{
	if (!lflag(ld, TIO_ISIG))
		return 0;
	if (is_cc(ld, c, TIO_VINTR))
		return LDISC_SIGINT;
	if (is_cc(ld, c, TIO_VQUIT))
		return LDISC_SIGQUIT;
	return is_cc(ld, c, TIO_VSUSP) ? LDISC_SIGTSTP : 0;
}

static void send_signal(struct ldisc *ld, int signal)
{
	ld->ops->signal(ld->ctx, signal);
	if (!lflag(ld, TIO_NOFLSH)) {
		ldisc_flush_output(ld);
		ldisc_flush_input(ld);
	}
}

static void input_signal(struct ldisc *ld, int signal, u8 c)
{
	send_signal(ld, signal);
	if (iflag(ld, TIO_IXON))
		output_start(ld);
	if (lflag(ld, TIO_ECHO))
		echo_visible(ld, c);
}

/* VSTART and VSTOP. */
static bool input_flow(struct ldisc *ld, u8 c)
{
	if (!iflag(ld, TIO_IXON))
		return false;
	if (is_cc(ld, c, TIO_VSTART))
		output_start(ld);
	else if (is_cc(ld, c, TIO_VSTOP))
		output_stop(ld);
	else
		return false;
	return true;
}

static void restart_by_any(struct ldisc *ld)
{
	if (iflag(ld, TIO_IXON) && iflag(ld, TIO_IXANY))
		output_start(ld);
}

static void input_ordinary(struct ldisc *ld, u8 c)
{
	restart_by_any(ld);
	if (lflag(ld, TIO_ECHO)) {
		erasing_finish(ld);
		echo_typed(ld, c);
	}
	queue_put_marked(ld, c);
}

/* What remains of a special byte that had no meaning after all, or was translated. */
static void input_translated(struct ldisc *ld, u8 c)
{
	if (lflag(ld, TIO_ECHO)) {
		erasing_finish(ld);
		if (c == '\n')
			echo_plain(ld, c);
		else
			echo_typed(ld, c);
	}
	queue_put_marked(ld, c);
}

static void input_special(struct ldisc *ld, u8 c)
{
	int signal;

	if (input_flow(ld, c))
		return;
	signal = signal_of(ld, c);
	if (signal) {
		input_signal(ld, signal, c);
		return;
	}
	restart_by_any(ld);
	if (c == '\r' && iflag(ld, TIO_IGNCR))
		return;
	if (c == '\r' && iflag(ld, TIO_ICRNL))
		c = '\n';
	else if (c == '\n' && iflag(ld, TIO_INLCR))
		c = '\r';
	if (!lflag(ld, TIO_ICANON) || !input_canonical(ld, c))
		input_translated(ld, c);
}

static void input_byte(struct ldisc *ld, u8 c)
{
	bool literal = ld->literal;

	if (iflag(ld, TIO_ISTRIP))
		c &= 0x7f;
	if (iflag(ld, TIO_IUCLC) && lflag(ld, TIO_IEXTEN) && is_upper(c))
		c += 'a' - 'A';
	ld->literal = false;
	if (literal)
		input_ordinary(ld, c);
	else if (lflag(ld, TIO_EXTPROC))
		queue_put(ld, c);
	else if (bitmap_test(ld->special, c))
		input_special(ld, c);
	else
		input_ordinary(ld, c);
}

/*
 * How much may come in before the next look. One place stays free for the end of a line. A line that fills the
 * queue before its end must stay editable: then one byte at a time is processed, and dropped here at the next.
 */
static s32 queue_room(const struct ldisc *ld)
{
	s32 room = LDISC_QUEUE - (s32)(ld->head - ld->tail);

	if (iflag(ld, TIO_PARMRK))
		room = room > 0 ? (room + 2) / 3 : room / 3;
	return room - 1;
}

/* The line being typed is all there is, so nobody can make room by reading. */
static bool only_unfinished_line(const struct ldisc *ld)
{
	return by_lines(ld) && ld->canon == ld->tail;
}

static bool make_room(struct ldisc *ld)
{
	s32 room = queue_room(ld);

	if (room > 0)
		return true;
	if (!only_unfinished_line(ld))
		return false;
	if (room < 0)
		ld->head--;
	return true;
}

size_t ldisc_input_room(const struct ldisc *ld)
{
	s32 room = queue_room(ld);

	return room > 0 ? (size_t)room : only_unfinished_line(ld);
}

/* IXOFF: asks the terminal to stop before the queue is full. */
static void throttle(struct ldisc *ld)
{
	if (iflag(ld, TIO_IXOFF) && !ld->throttled && queue_room(ld) < 128 && !only_unfinished_line(ld)) {
		ld->throttled = true;
		ldisc_send_flow(ld, true);
	}
}

size_t ldisc_input(struct ldisc *ld, const void *bytes, size_t n)
{
	const u8 *from = bytes;
	size_t done = 0;

	while (done < n && make_room(ld))
		input_byte(ld, from[done++]);
	throttle(ld);
	return done;
}

void ldisc_input_break(struct ldisc *ld)
{
	if (iflag(ld, TIO_IGNBRK))
		return;
	if (iflag(ld, TIO_BRKINT)) {
		send_signal(ld, LDISC_SIGINT);
		return;
	}
	if (!make_room(ld))
		return;
	if (iflag(ld, TIO_PARMRK)) {
		queue_put(ld, 0xff);
		queue_put(ld, 0);
	}
	queue_put(ld, 0);
}

void ldisc_input_error(struct ldisc *ld, u8 byte)
{
	bool check = iflag(ld, TIO_INPCK);

	if ((check && iflag(ld, TIO_IGNPAR)) || queue_room(ld) <= 0)
		return;
	if (check && iflag(ld, TIO_PARMRK)) {
		queue_put(ld, 0xff);
		queue_put(ld, 0);
	}
	queue_put(ld, check && !iflag(ld, TIO_PARMRK) ? 0 : byte);
}
