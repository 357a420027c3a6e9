/*
 * The line discipline against the host's own: the same random settings, input, output and reads go to lib/ldisc.c
 * and to a pseudo-terminal, and what the terminal shows and programs read must be the same bytes. Where the host is
 * not Linux or gives no pseudo-terminal, nothing is compared. LDISC_ROUNDS in the environment lengthens the test.
 */
#include "lib/ldisc.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "tests/host/check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TCSETS_NUMBER 0x5402
#define PATIENCE 1000 /* milliseconds for Linux's work queues to deliver what is expected */

static struct ldisc ld;
static u8 shown[1 << 16], linux_shown[1 << 16];
static size_t shown_size, linux_shown_size;
static int master, slave;
static u64 seed;
static char script[4096]; /* what the round did, for the report */
static size_t script_size;

static void note(const char *fmt, ...) __printf(1, 2);

static void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	script_size += (size_t)vsnprintf(script + script_size, sizeof(script) - script_size, fmt, args);
	va_end(args);
	script_size = MIN(script_size, sizeof(script) - 1);
}

static void note_bytes(const char *what, const u8 *bytes, size_t n)
{
	note("%s '", what);
	for (size_t i = 0; i < n; i++)
		note(bytes[i] >= 32 && bytes[i] < 127 ? "%c" : "\\x%02x", bytes[i]);
	note("'; ");
}

static void shown_emit(void *ctx, const u8 *bytes, size_t n)
{
	(void)ctx;
	memcpy(shown + shown_size, bytes, n);
	shown_size += n;
}

static void ignore_signal(void *ctx, int signal)
{
	(void)ctx;
	(void)signal;
}

static void ignore_flush(void *ctx)
{
	(void)ctx;
}

static void ignore_note(void *ctx, enum ldisc_note note)
{
	(void)ctx;
	(void)note;
}

static const struct ldisc_ops ops = { shown_emit, ignore_signal, ignore_flush, ignore_note };

static u64 below(u64 limit)
{
	return splitmix64_next(&seed) % limit;
}

static bool pty_open(void)
{
	char name[64];

	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, name, sizeof(name)))
		return false;
	slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	return slave >= 0;
}

static void pty_close(void)
{
	close(slave);
	close(master);
}

static bool lflag_set(u32 flag)
{
	return ld.termios.c_lflag & flag;
}

static void nap(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

static void linux_collect(void)
{
	ssize_t got;

	while ((got = read(master, linux_shown + linux_shown_size, 4096)) > 0)
		linux_shown_size += (size_t)got;
}

static size_t linux_pending(void)
{
	int n = -1;

	ioctl(slave, FIONREAD, &n);
	return (size_t)n;
}

static bool same_now(void)
{
	struct pollfd fd = { .fd = slave, .events = POLLIN };

	poll(&fd, 1, 0);
	linux_collect();
	return shown_size == linux_shown_size && !memcmp(shown, linux_shown, shown_size) &&
	       linux_pending() == ldisc_pending(&ld) && !!(fd.revents & POLLIN) == ldisc_poll_in(&ld);
}

static void fail_with_texts(const char *what)
{
	static char ours[512], theirs[512];
	size_t same = 0, a = 0, b = 0;

	while (same < shown_size && same < linux_shown_size && shown[same] == linux_shown[same])
		same++;
	same = same > 20 ? same - 20 : 0;
	for (size_t i = same; i < shown_size && a < 400; i++)
		a += (size_t)sprintf(ours + a, shown[i] >= 32 && shown[i] < 127 ? "%c" : "\\x%02x", shown[i]);
	for (size_t i = same; i < linux_shown_size && b < 400; i++)
		b += (size_t)sprintf(theirs + b, linux_shown[i] >= 32 && linux_shown[i] < 127 ? "%c" : "\\x%02x",
				     linux_shown[i]);
	printf("script: %s\nours:  ...%s (%zu readable)\nLinux: ...%s (%zu readable)\n", script, ours,
	       ldisc_pending(&ld), theirs, linux_pending());
	CHECK_FAIL("%s: expected what Linux does, got something else, see above", what);
}

static void compare(void)
{
	for (int ms = 0; !same_now(); ms++) {
		if (ms == PATIENCE) {
			fail_with_texts("terminal and queue");
			return;
		}
		nap();
	}
}

/* One of `n` flags in four, or with `most` three in four. */
static u32 some_flags(const u32 *flags, size_t n, bool most)
{
	u32 sum = 0;

	for (size_t i = 0; i < n; i++)
		if ((below(4) == 0) != most)
			sum |= flags[i];
	return sum;
}

/* To both. A signal must not flush: that would race with what was written in the same breath. */
static void set_termios(struct tty_termios *termios)
{
	termios->c_lflag |= TIO_NOFLSH;
	note("set %x %x %x eol %x %x erase %x; ", termios->c_iflag, termios->c_oflag, termios->c_lflag,
	     termios->c_cc[TIO_VEOL], termios->c_cc[TIO_VEOL2], termios->c_cc[TIO_VERASE]);
	ldisc_set_termios(&ld, termios);
	CHECK_EQ(ioctl(slave, TCSETS_NUMBER, termios), 0);
}

static void random_settings(void)
{
	static const u32 in[] = { TIO_ISTRIP, TIO_INLCR, TIO_IGNCR, TIO_IUCLC, TIO_IXANY, TIO_PARMRK, TIO_IMAXBEL };
	static const u32 in_usual[] = { TIO_ICRNL, TIO_IXON, TIO_IUTF8 };
	static const u32 out[] = { TIO_OLCUC, TIO_OCRNL, TIO_ONOCR, TIO_ONLRET, TIO_XTABS };
	static const u32 out_usual[] = { TIO_OPOST, TIO_ONLCR };
	static const u32 local[] = { TIO_ECHONL, TIO_ECHOPRT, TIO_EXTPROC };
	static const u32 local_usual[] = { TIO_ISIG, TIO_ICANON, TIO_ECHO, TIO_ECHOE, TIO_ECHOK, TIO_ECHOCTL,
					   TIO_ECHOKE, TIO_IEXTEN };
	struct tty_termios termios;

	ldisc_get_termios(&ld, &termios);
	termios.c_iflag = some_flags(in, ARRAY_SIZE(in), false) | some_flags(in_usual, ARRAY_SIZE(in_usual), true);
	termios.c_oflag = some_flags(out, ARRAY_SIZE(out), false) | some_flags(out_usual, ARRAY_SIZE(out_usual), true);
	termios.c_lflag = some_flags(local_usual, ARRAY_SIZE(local_usual), true);
	if (below(2))
		termios.c_lflag |= some_flags(local, ARRAY_SIZE(local) - (below(4) != 0), false);
	termios.c_cc[TIO_VEOL] = below(4) ? 0 : ';';
	termios.c_cc[TIO_VEOL2] = below(4) ? 0 : 0xff;
	termios.c_cc[TIO_VERASE] = below(8) ? 0x7f : '\r';
	termios.c_cc[TIO_VMIN] = (u8)below(4);
	set_termios(&termios);
}

static void default_settings(void)
{
	struct tty_termios termios;

	ldisc_get_termios(&ld, &termios);
	set_termios(&termios);
}

/* Mostly characters with a meaning. */
static size_t random_bytes(u8 *bytes, size_t max)
{
	static const u8 some[] = "ab Z_9;\t\t\t\n\r\b\x7f\x7f\x7f\x15\x17\x17\x12\x16\x16\x04\x03\x1c\x1a\x11\x13\x01\x1b"
				 "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff\xd7\xdf";
	size_t n = below(max) + 1;

	for (size_t i = 0; i < n; i++)
		bytes[i] = below(12) ? some[below(sizeof(some))] : (u8)below(256);
	return n;
}

/* Linux echoes what came in one piece after all of it is processed: a VSTOP inside would hold back more. */
static size_t until_stop(const u8 *bytes, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if ((bytes[i] & 0x7f) == 0x13)
			return i;
	return n;
}

static void step_input(void)
{
	u8 bytes[40];
	size_t n = until_stop(bytes, random_bytes(bytes, sizeof(bytes) - 1));

	if (!lflag_set(TIO_ICANON) || lflag_set(TIO_EXTPROC))
		bytes[n++] = 'x';
	note_bytes("type", bytes, n);
	CHECK_EQ(ldisc_input(&ld, bytes, n), n);
	CHECK_EQ(write(master, bytes, n), n);
}

static s64 step_read(void)
{
	u8 ours[100], theirs[100];
	size_t n = below(2) ? sizeof(ours) : below(6) + 1;
	s64 got = ldisc_read(&ld, ours, n);
	ssize_t linux_got = read(slave, theirs, n);

	if (linux_got < 0)
		linux_got = -EAGAIN;
	if (linux_got == 0 && !ldisc_need(&ld, n, 0).bytes)
		linux_got = got == -EAGAIN ? got : 0; /* VMIN and VTIME 0: the caller makes 0 of it */
	note("read %zu; ", n);
	if (got != linux_got || (got > 0 && memcmp(ours, theirs, (size_t)got))) {
		note("-> %lld, Linux %zd; ", (long long)got, linux_got);
		fail_with_texts("read");
	}
	return got;
}

/*
 * Makes sure that Linux has processed all that was typed, also what shows no effect. In canonical mode a read that
 * finds nothing does that; without, step_input ends with a byte that can be counted.
 */
static void settle(void)
{
	while (lflag_set(TIO_ICANON) && !lflag_set(TIO_EXTPROC) && step_read() != -EAGAIN && !CHECK_FAILED())
		;
}

static void step_output(void)
{
	u8 bytes[20];
	size_t n = random_bytes(bytes, sizeof(bytes));
	ssize_t wrote;

	settle();
	compare();
	wrote = write(slave, bytes, n);
	note_bytes("print", bytes, n);
	CHECK_EQ(ldisc_write(&ld, bytes, n, 4096), wrote < 0 ? 0 : wrote);
}

static void tcxonc(bool off)
{
	if (off)
		ldisc_suspend_output(&ld);
	else
		ldisc_resume_output(&ld);
	ioctl(slave, 0x540a, off ? 0 : 1);
}

/* No input meanwhile: Linux keeps its echo back until the next input or output after TCOON; ours comes at once. */
static void step_flow(void)
{
	if (ld.stopped)
		return;
	note("flow off; ");
	tcxonc(true);
	step_output();
	note("flow on; ");
	tcxonc(false);
}

/* Echo that VSTOP holds back Linux processes by the settings at the restart, we by those when it was typed. */
static void step_settings(void)
{
	u8 start = ld.termios.c_cc[TIO_VSTART];

	settle();
	compare();
	if (ld.stopped) {
		note("restart; ");
		ldisc_input(&ld, &start, 1);
		CHECK_EQ(write(master, &start, 1), 1);
		compare();
	}
	random_settings();
}

static void round_of_steps(void)
{
	ldisc_init(&ld, &ops, NULL);
	shown_size = linux_shown_size = script_size = 0;
	if (below(4))
		random_settings();
	else
		default_settings();
	for (int step = 0; step < 12 && !CHECK_FAILED(); step++) {
		u64 kind = below(16);

		if (kind < 8)
			step_input();
		else if (kind < 10)
			step_output();
		else if (kind < 13)
			step_read();
		else if (kind < 15)
			step_settings();
		else
			step_flow();
		if (!CHECK_FAILED())
			compare();
	}
}

static void random_sessions_show_and_read_what_linux_does(void)
{
	const char *rounds = getenv("LDISC_ROUNDS");
	int count = rounds ? atoi(rounds) : 300;

	for (int round = 0; round < count && !CHECK_FAILED(); round++) {
		seed = (u64)round;
		if (!pty_open())
			return;
		round_of_steps();
		pty_close();
	}
}

static void a_line_longer_than_the_queue_is_cut_as_linux_cuts_it(void)
{
	static u8 line[5000], ours[5000], theirs[5000];
	s64 got;

	if (!pty_open())
		return;
	ldisc_init(&ld, &ops, NULL);
	shown_size = linux_shown_size = script_size = 0;
	for (size_t i = 0; i < sizeof(line); i++)
		line[i] = (u8)('a' + i % 26);
	line[4999] = '\n';
	for (size_t i = 0; i < sizeof(line); i += 500) {
		CHECK_EQ(ldisc_input(&ld, line + i, 500), 500);
		CHECK_EQ(write(master, line + i, 500), 500);
		compare();
	}
	got = ldisc_read(&ld, ours, sizeof(ours));
	CHECK_EQ(got, 4096);
	CHECK_EQ(read(slave, theirs, sizeof(theirs)), got);
	CHECK(!memcmp(ours, theirs, (size_t)got));
	pty_close();
}

int main(void)
{
	RUN(random_sessions_show_and_read_what_linux_does);
	RUN(a_line_longer_than_the_queue_is_cut_as_linux_cuts_it);
	return check_result();
}
