/* The line discipline by transcripts; test_lib_ldisc_linux.c compares it with a real one. */
#include "lib/ldisc.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "tests/host/check.h"

#include <stdlib.h>

static struct ldisc ld;
static char shown[1 << 17];
static size_t shown_size;
static int last_signal, flushes;

static void on_emit(void *ctx, const u8 *bytes, size_t n)
{
	(void)ctx;
	if (shown_size + n >= sizeof(shown))
		shown_size = 0;
	memcpy(shown + shown_size, bytes, n);
	shown_size += n;
	shown[shown_size] = 0;
}

static void on_signal(void *ctx, int signal)
{
	(void)ctx;
	last_signal = signal;
}

static void on_flush(void *ctx)
{
	(void)ctx;
	flushes++;
}

static void ignore_note(void *ctx, enum ldisc_note note)
{
	(void)ctx;
	(void)note;
}

static const struct ldisc_ops ops = { on_emit, on_signal, on_flush, ignore_note };

static void start(void)
{
	ldisc_init(&ld, &ops, NULL);
	shown_size = 0;
	shown[0] = 0;
	last_signal = flushes = 0;
}

/* Changes flags of the settings: sets `on`, clears `off`. */
static void change(u32 *flags, u32 on, u32 off)
{
	struct tty_termios2 termios = ld.termios;
	u32 *field = (u32 *)((char *)&termios + ((char *)flags - (char *)&ld.termios));

	*field = (*field & ~off) | on;
	ldisc_set_termios2(&ld, &termios);
}

static void set_cc(unsigned index, u8 c)
{
	struct tty_termios2 termios = ld.termios;

	termios.c_cc[index] = c;
	ldisc_set_termios2(&ld, &termios);
}

static void type(const char *text)
{
	CHECK_EQ(ldisc_input(&ld, text, strlen(text)), strlen(text));
}

/* What `text` typed in a new terminal (or one changed since start) shows. */
static const char *echo_of(const char *text)
{
	shown_size = 0;
	shown[0] = 0;
	type(text);
	return shown;
}

/* What read() of up to n bytes gives, as text; "EAGAIN" for nothing. */
static const char *read_text(size_t n)
{
	static char out[8192];
	s64 got = ldisc_read(&ld, out, MIN(n, sizeof(out) - 1));

	if (got == -EAGAIN)
		return "EAGAIN";
	out[got < 0 ? 0 : got] = 0;
	return out;
}

static void a_line_is_read_when_it_is_finished(void)
{
	start();
	CHECK_STR(echo_of("hello"), "hello");
	CHECK_STR(read_text(100), "EAGAIN");
	CHECK(!ldisc_readable(&ld) && !ldisc_pending(&ld));
	CHECK_STR(echo_of("\r"), "\r\n");
	type("next\n");
	CHECK_EQ(ldisc_pending(&ld), 11);
	CHECK_STR(read_text(3), "hel");
	CHECK_STR(read_text(100), "lo\n");
	CHECK_STR(read_text(100), "next\n");
	CHECK_STR(read_text(100), "EAGAIN");
}

static void erase_rubs_out_one_column_a_character(void)
{
	start();
	CHECK_STR(echo_of("ab\x7f"), "ab\b \b");
	CHECK_STR(echo_of("\x7f\x7f"), "\b \b");
	CHECK_STR(echo_of("\x01\x7f"), "^A\b \b\b \b");
	type("c\n");
	CHECK_STR(read_text(10), "c\n");
}

static void erase_takes_a_whole_utf8_character(void)
{
	start();
	change(&ld.termios.c_iflag, TIO_IUTF8, 0);
	CHECK_STR(echo_of("a\xe2\x82\xac\x7f"), "a\xe2\x82\xac\b \b");
	type("b\n");
	CHECK_STR(read_text(10), "ab\n");
	change(&ld.termios.c_iflag, 0, TIO_IUTF8);
	type("\xc3\xa9\x7f\n");
	CHECK_STR(read_text(10), "\xc3\n");
}

static void word_erase_takes_the_word_and_what_follows_it(void)
{
	start();
	CHECK_STR(echo_of("ab cd_1. \x17"), "ab cd_1. \b \b\b \b\b \b\b \b\b \b\b \b");
	type("\n");
	CHECK_STR(read_text(20), "ab \n");
}

static void kill_rubs_out_the_line_or_starts_a_new_one(void)
{
	start();
	CHECK_STR(echo_of("abc\x15"), "abc\b \b\b \b\b \b");
	change(&ld.termios.c_lflag, 0, TIO_ECHOKE);
	CHECK_STR(echo_of("abc\x15"), "abc^U\r\n");
	change(&ld.termios.c_lflag, 0, TIO_ECHOK);
	CHECK_STR(echo_of("abc\x15"), "abc^U");
	type("z\n");
	CHECK_STR(read_text(20), "z\n");
}

static void erasing_a_tab_goes_back_to_where_it_began(void)
{
	start();
	ldisc_write(&ld, "$ ", 2, 100);
	CHECK_STR(echo_of("abc\t\x7f"), "abc\t\b\b\b");
	CHECK_STR(echo_of("\x15"), "\b \b\b \b\b \b");
	CHECK_STR(echo_of("\t\t\x7f"), "\t\t\b\b\b\b\b\b\b\b");
	CHECK_STR(echo_of("\x7f"), "\b\b\b\b\b\b");
}

static void echoprt_prints_what_is_erased(void)
{
	start();
	change(&ld.termios.c_lflag, TIO_ECHOPRT, 0);
	CHECK_STR(echo_of("abc\x7f\x7f"), "abc\\cb");
	CHECK_STR(echo_of("x"), "/x");
	CHECK_STR(echo_of("\x7f\x7f"), "\\xa/");
}

static void literal_next_takes_the_meaning_away(void)
{
	start();
	CHECK_STR(echo_of("a\x16\x03" "b\x16\n\n"), "a^\b^Cb^\b^J\r\n");
	CHECK_EQ(last_signal, 0);
	CHECK_STR(read_text(20), "a\003b\n\n");
}

static void reprint_shows_the_line_again(void)
{
	start();
	CHECK_STR(echo_of("ab\x01\x12"), "ab^A^R\r\nab^A");
}

static void end_of_file_ends_a_read_without_a_byte(void)
{
	start();
	type("\x04");
	CHECK_EQ(ldisc_pending(&ld), 0);
	CHECK(ldisc_readable(&ld));
	CHECK_STR(read_text(10), "");
	CHECK_STR(echo_of("abc\x04"), "abc");
	CHECK_STR(read_text(10), "abc");
	CHECK_STR(read_text(10), "EAGAIN");
	type("abc\x04");
	CHECK_STR(read_text(3), "abc");
	CHECK_STR(read_text(3), "EAGAIN");
	type("ab\x04\x04");
	CHECK_STR(read_text(10), "ab");
	CHECK_STR(read_text(10), "");
}

static void eol_characters_end_a_line_and_belong_to_it(void)
{
	start();
	set_cc(TIO_VEOL, ';');
	CHECK_STR(echo_of("a;b"), "a;b");
	CHECK_STR(read_text(10), "a;");
	CHECK_STR(read_text(10), "EAGAIN");
}

static void signals_are_sent_echoed_and_flush(void)
{
	start();
	CHECK_STR(echo_of("abc\x03"), "abc^C");
	CHECK_EQ(last_signal, LDISC_SIGINT);
	CHECK_EQ(flushes, 1);
	type("\x1c");
	CHECK_EQ(last_signal, LDISC_SIGQUIT);
	type("\x1a");
	CHECK_EQ(last_signal, LDISC_SIGTSTP);
	type("d\n");
	CHECK_STR(read_text(10), "d\n");
	change(&ld.termios.c_lflag, TIO_NOFLSH, 0);
	type("x\n\x03y\n");
	CHECK_EQ(flushes, 3);
	CHECK_STR(read_text(10), "x\n");
	CHECK_STR(read_text(10), "y\n");
	last_signal = 0;
	change(&ld.termios.c_lflag, 0, TIO_ISIG);
	CHECK_STR(echo_of("\x03"), "^C");
	CHECK_EQ(last_signal, 0);
}

static void without_echo_only_echonl_shows(void)
{
	start();
	change(&ld.termios.c_lflag, 0, TIO_ECHO);
	CHECK_STR(echo_of("secret\x7f\n"), "");
	change(&ld.termios.c_lflag, TIO_ECHONL, 0);
	CHECK_STR(echo_of("secret\n"), "\r\n");
	CHECK_STR(read_text(10), "secre\n");
}

static void input_is_translated(void)
{
	start();
	change(&ld.termios.c_iflag, TIO_INLCR, TIO_ICRNL);
	type("a\nb\r\x04");
	CHECK_STR(read_text(10), "a\rb\r");
	change(&ld.termios.c_iflag, TIO_IGNCR | TIO_ISTRIP | TIO_IUCLC, TIO_INLCR);
	type("A\r\xe1\n");
	CHECK_STR(read_text(10), "aa\n");
	change(&ld.termios.c_iflag, TIO_PARMRK, TIO_ISTRIP);
	type("\xff\n");
	CHECK_STR(read_text(10), "\xff\xff\n");
}

static void breaks_and_bad_bytes_are_marked_or_signalled(void)
{
	u8 out[8];

	start();
	change(&ld.termios.c_lflag, 0, TIO_ICANON);
	ldisc_input_break(&ld);
	CHECK_EQ(ldisc_read(&ld, out, 8), 1);
	CHECK_EQ(out[0], 0);
	change(&ld.termios.c_iflag, TIO_PARMRK | TIO_INPCK, 0);
	ldisc_input_error(&ld, 'x');
	CHECK_EQ(ldisc_read(&ld, out, 8), 3);
	CHECK(!memcmp(out, "\377\0x", 3));
	change(&ld.termios.c_iflag, TIO_BRKINT, 0);
	ldisc_input_break(&ld);
	CHECK_EQ(last_signal, LDISC_SIGINT);
	change(&ld.termios.c_iflag, TIO_IGNBRK | TIO_IGNPAR, 0);
	ldisc_input_break(&ld);
	ldisc_input_error(&ld, 'x');
	CHECK_STR(read_text(8), "EAGAIN");
}

static void output_is_processed_with_columns(void)
{
	start();
	CHECK_EQ(ldisc_write(&ld, "a\tb\n", 4, 100), 4);
	CHECK_STR(shown, "a\tb\r\n");
	change(&ld.termios.c_oflag, TIO_XTABS, 0);
	shown_size = 0;
	ldisc_write(&ld, "ab\tc", 4, 100);
	CHECK_STR(shown, "ab      c");
	change(&ld.termios.c_oflag, TIO_ONOCR | TIO_OLCUC, 0);
	shown_size = 0;
	ldisc_write(&ld, "x\r\rz", 4, 100);
	CHECK_STR(shown, "X\rZ");
	change(&ld.termios.c_oflag, TIO_OCRNL, TIO_ONOCR | TIO_OLCUC | TIO_ONLCR);
	shown_size = 0;
	ldisc_write(&ld, "\r\n", 2, 100);
	CHECK_STR(shown, "\n\n");
	change(&ld.termios.c_oflag, 0, TIO_OPOST);
	shown_size = 0;
	ldisc_write(&ld, "\r\t\n", 3, 100);
	CHECK_STR(shown, "\r\t\n");
}

static void output_never_exceeds_its_room(void)
{
	start();
	CHECK_EQ(ldisc_write(&ld, "abc", 3, 2), 2);
	CHECK_EQ(ldisc_write(&ld, "\n", 1, 1), 0);
	CHECK_EQ(ldisc_write(&ld, "\n", 1, 2), 1);
	change(&ld.termios.c_oflag, TIO_XTABS, 0);
	CHECK_EQ(ldisc_write(&ld, "\t", 1, 7), 0);
	CHECK_EQ(ldisc_write(&ld, "\t", 1, 8), 1);
	CHECK_STR(shown, "ab\r\n        ");
}

static void stop_holds_echo_and_output_until_start(void)
{
	start();
	CHECK_STR(echo_of("\x13" "ab"), "");
	CHECK_EQ(ldisc_write(&ld, "x", 1, 10), 0);
	CHECK_STR(echo_of("\x11"), "ab");
	CHECK_EQ(ldisc_write(&ld, "x", 1, 10), 1);
	change(&ld.termios.c_iflag, TIO_IXANY, 0);
	type("\x13");
	CHECK_STR(echo_of("q"), "q");
	type("\x13");
	change(&ld.termios.c_iflag, 0, TIO_IXON);
	CHECK_EQ(ldisc_write(&ld, "x", 1, 10), 1);
	CHECK_STR(echo_of("\x13"), "^S");
}

static void tcxonc_restarts_only_by_itself(void)
{
	start();
	ldisc_suspend_output(&ld);
	type("\x11");
	CHECK_EQ(ldisc_write(&ld, "x", 1, 10), 0);
	ldisc_resume_output(&ld);
	CHECK_EQ(ldisc_write(&ld, "x", 1, 10), 1);
	shown_size = 0;
	ldisc_send_flow(&ld, true);
	ldisc_send_flow(&ld, false);
	CHECK_STR(shown, "\x13\x11");
}

static void held_echo_keeps_the_newest_bytes(void)
{
	start();
	change(&ld.termios.c_lflag, 0, TIO_ICANON);
	type("\x13");
	for (int i = 0; i < 3000; i++)
		type(i == 2999 ? "z" : "y");
	ldisc_flush_input(&ld);
	for (int i = 0; i < 3000; i++)
		type("w");
	CHECK_STR(shown, "");
	type("\x11");
	CHECK_EQ(shown_size, LDISC_HELD);
	CHECK_EQ(shown[0], 'y');
	CHECK_EQ(shown[LDISC_HELD - 1], 'w');
}

static void raw_reads_take_what_there_is(void)
{
	start();
	change(&ld.termios.c_lflag, 0, TIO_ICANON | TIO_ECHO | TIO_ISIG);
	type("a\003\n\x04");
	CHECK_EQ(ldisc_pending(&ld), 4);
	CHECK_STR(read_text(2), "a\003");
	CHECK_STR(read_text(10), "\n\x04");
	CHECK_STR(read_text(10), "EAGAIN");
}

static void check_need(u8 min, u8 time, size_t n, size_t have, size_t bytes, u32 tenths)
{
	struct ldisc_need need;

	set_cc(TIO_VMIN, min);
	set_cc(TIO_VTIME, time);
	need = ldisc_need(&ld, n, have);
	CHECK_EQ(need.bytes, bytes);
	CHECK_EQ(need.tenths, tenths);
}

static void vmin_and_vtime_say_when_a_read_ends(void)
{
	start();
	check_need(5, 7, 10, 0, 1, 0); /* canonical mode: neither counts */
	check_need(5, 7, 10, 3, 0, 0);
	change(&ld.termios.c_lflag, 0, TIO_ICANON);
	check_need(1, 0, 10, 0, 1, 0);
	check_need(5, 0, 10, 2, 3, 0);
	check_need(5, 0, 3, 2, 1, 0); /* a small buffer is full before */
	check_need(5, 0, 10, 5, 0, 0);
	check_need(5, 7, 10, 0, 5, 0); /* the timer starts with the first byte */
	check_need(5, 7, 10, 1, 4, 7);
	check_need(0, 7, 10, 0, 1, 7); /* ... or with the read */
	check_need(0, 7, 10, 1, 0, 0);
	check_need(0, 0, 10, 0, 0, 0);
	set_cc(TIO_VMIN, 3);
	set_cc(TIO_VTIME, 0);
	type("ab");
	CHECK(ldisc_readable(&ld) && !ldisc_poll_in(&ld));
	type("c");
	CHECK(ldisc_poll_in(&ld));
}

static void leaving_canonical_mode_gives_the_unfinished_line(void)
{
	start();
	type("one\ntwo");
	change(&ld.termios.c_lflag, 0, TIO_ICANON);
	CHECK_STR(read_text(100), "one\ntwo");
}

static void entering_canonical_mode_finishes_what_is_there(void)
{
	start();
	change(&ld.termios.c_lflag, 0, TIO_ICANON);
	type("one\ntwo");
	change(&ld.termios.c_lflag, TIO_ICANON, 0);
	CHECK_STR(echo_of("\x7f"), "");
	CHECK_STR(read_text(100), "one\ntwo");
	CHECK_STR(read_text(100), "EAGAIN");
}

static void a_long_line_keeps_4095_bytes_and_its_end(void)
{
	static char line[6000];

	start();
	memset(line, 'a', sizeof(line));
	CHECK_EQ(ldisc_input(&ld, line, sizeof(line)), sizeof(line));
	CHECK_EQ(ldisc_input_room(&ld), 1);
	type("\x7f\x7fxyz\n");
	CHECK_EQ(ldisc_pending(&ld), 4096);
	CHECK_EQ(ldisc_input(&ld, "q", 1), 0);
	CHECK_EQ(ldisc_input_room(&ld), 0);
	CHECK_EQ(strlen(read_text(8000)), 4096);
	CHECK_EQ(ldisc_input(&ld, "q", 1), 1);
}

static void a_full_raw_queue_refuses_input(void)
{
	static char bytes[5000];

	start();
	change(&ld.termios.c_lflag, 0, TIO_ICANON | TIO_ECHO);
	memset(bytes, 'a', sizeof(bytes));
	CHECK_EQ(ldisc_input(&ld, bytes, sizeof(bytes)), 4095);
	CHECK_STR(read_text(2), "aa");
	CHECK_EQ(ldisc_input(&ld, bytes, sizeof(bytes)), 2);
}

static void ixoff_stops_and_restarts_the_terminal(void)
{
	static char bytes[4000];

	start();
	change(&ld.termios.c_iflag, TIO_IXOFF, 0);
	change(&ld.termios.c_lflag, 0, TIO_ICANON | TIO_ECHO);
	ldisc_input(&ld, bytes, sizeof(bytes));
	CHECK_STR(shown, "\x13");
	read_text(2000);
	CHECK_STR(shown, "\x13");
	read_text(1900);
	CHECK_STR(shown, "\x13\x11");
}

static void settings_have_linuxs_layout_and_defaults(void)
{
	struct tty_termios termios;

	start();
	ldisc_get_termios(&ld, &termios);
	CHECK_EQ(termios.c_iflag, 0x500);
	CHECK_EQ(termios.c_oflag, 5);
	CHECK_EQ(termios.c_cflag, 0x4bf);
	CHECK_EQ(termios.c_lflag, 0x8a3b);
	CHECK(!memcmp(termios.c_cc, "\003\034\177\025\004\000\001\000\021\023\032\000\022\017\027\026\000\000\000", 19));
	termios.c_cflag = (termios.c_cflag & ~(u32)TIO_CBAUD) | 0x1002;
	ldisc_set_termios(&ld, &termios);
	CHECK_EQ(ld.termios.c_ospeed, 115200);
	CHECK_EQ(ld.termios.c_ispeed, 115200);
	CHECK(!ldisc_tostop(&ld));
}

static void a_changed_window_size_is_told(void)
{
	struct tty_winsize size = { .ws_row = 24, .ws_col = 80 };

	start();
	CHECK(ldisc_set_winsize(&ld, &size));
	CHECK(!ldisc_set_winsize(&ld, &size));
	CHECK_EQ(ld.winsize.ws_col, 80);
}

static void check_invariants(void)
{
	CHECK(ld.head - ld.tail <= LDISC_QUEUE);
	if ((ld.termios.c_lflag & (TIO_ICANON | TIO_EXTPROC)) == TIO_ICANON)
		CHECK(ld.canon - ld.tail <= ld.head - ld.tail);
	CHECK(ld.held_head - ld.held_tail <= LDISC_HELD);
	CHECK(ldisc_pending(&ld) <= ld.head - ld.tail);
}

static void random_settings(u64 *seed)
{
	struct tty_termios2 termios = ld.termios;

	termios.c_iflag ^= (u32)(splitmix64_next(seed) & splitmix64_next(seed) & 0x7fff);
	termios.c_oflag ^= (u32)(splitmix64_next(seed) & splitmix64_next(seed) & 0x183f);
	termios.c_lflag ^= (u32)(splitmix64_next(seed) & splitmix64_next(seed) & 0x18fff);
	if (splitmix64_next(seed) % 2)
		termios.c_cc[splitmix64_next(seed) % TIO_NCCS] = (u8)splitmix64_next(seed);
	ldisc_set_termios2(&ld, &termios);
}

static void random_input(u64 *seed)
{
	u8 bytes[3000] = { 0 };
	size_t n = splitmix64_next(seed) % (splitmix64_next(seed) % 8 ? 40 : sizeof(bytes)), took;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (u8)(splitmix64_next(seed) % 4 ? 'a' + i % 26 : splitmix64_next(seed));
	took = ldisc_input(&ld, bytes, n);
	CHECK(took <= n);
	if (took < n)
		CHECK(ldisc_readable(&ld));
}

static void random_read(u64 *seed)
{
	size_t n = splitmix64_next(seed) % 5000;
	bool readable = ldisc_readable(&ld);
	u8 *buf = malloc(n + 1);
	s64 got = ldisc_read(&ld, buf, n);

	CHECK(got == -EAGAIN ? !readable : got >= 0 && (size_t)got <= n);
	free(buf);
}

static void random_output(u64 *seed)
{
	u8 bytes[100];
	size_t room = splitmix64_next(seed) % 60, before = shown_size = 0, took;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (u8)splitmix64_next(seed);
	took = ldisc_write(&ld, bytes, sizeof(bytes), room);
	CHECK(took <= sizeof(bytes));
	CHECK(shown_size - before <= room);
}

static void any_use_keeps_the_queue_sound(void)
{
	u64 seed = 4;

	start();
	for (int step = 0; step < 60000 && !CHECK_FAILED(); step++) {
		switch (splitmix64_next(&seed) % 16) {
		case 0: random_settings(&seed); break;
		case 1: ldisc_input_break(&ld); break;
		case 2: ldisc_input_error(&ld, (u8)splitmix64_next(&seed)); break;
		case 3: random_output(&seed); break;
		case 4: step % 32 ? ldisc_resume_output(&ld) : ldisc_suspend_output(&ld); break;
		case 5: step % 64 ? (void)0 : ldisc_flush_input(&ld); break;
		case 6: random_read(&seed); break;
		default: random_input(&seed); break;
		}
		check_invariants();
	}
}

int main(void)
{
	RUN(a_line_is_read_when_it_is_finished);
	RUN(erase_rubs_out_one_column_a_character);
	RUN(erase_takes_a_whole_utf8_character);
	RUN(word_erase_takes_the_word_and_what_follows_it);
	RUN(kill_rubs_out_the_line_or_starts_a_new_one);
	RUN(erasing_a_tab_goes_back_to_where_it_began);
	RUN(echoprt_prints_what_is_erased);
	RUN(literal_next_takes_the_meaning_away);
	RUN(reprint_shows_the_line_again);
	RUN(end_of_file_ends_a_read_without_a_byte);
	RUN(eol_characters_end_a_line_and_belong_to_it);
	RUN(signals_are_sent_echoed_and_flush);
	RUN(without_echo_only_echonl_shows);
	RUN(input_is_translated);
	RUN(breaks_and_bad_bytes_are_marked_or_signalled);
	RUN(output_is_processed_with_columns);
	RUN(output_never_exceeds_its_room);
	RUN(stop_holds_echo_and_output_until_start);
	RUN(tcxonc_restarts_only_by_itself);
	RUN(held_echo_keeps_the_newest_bytes);
	RUN(raw_reads_take_what_there_is);
	RUN(vmin_and_vtime_say_when_a_read_ends);
	RUN(leaving_canonical_mode_gives_the_unfinished_line);
	RUN(entering_canonical_mode_finishes_what_is_there);
	RUN(a_long_line_keeps_4095_bytes_and_its_end);
	RUN(a_full_raw_queue_refuses_input);
	RUN(ixoff_stops_and_restarts_the_terminal);
	RUN(settings_have_linuxs_layout_and_defaults);
	RUN(a_changed_window_size_is_told);
	RUN(any_use_keeps_the_queue_sound);
	return check_result();
}
