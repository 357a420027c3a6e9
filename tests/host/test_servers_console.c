// sources: servers/console/line.c tty/tty.c tty/transfer.c tty/ioctl.c tty/job.c
/* Terminals over a serial port that the test plays: reading, writing, draining, job control. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "fake_serve.h"
#include "servers/console/console.h"
#include "tty/internal.h"

/* ---- the port ---- */

static char sent[65536];
static unsigned sent_length;
static const char *received = "";
static unsigned transmitter; /* bytes it takes before it is busy */
static bool receive_wanted, transmit_wanted;

bool uart_init(struct uart *uart, unsigned base, long gsi)
{
	(void)gsi;
	uart->base = base;
	uart->io_slot = 1;
	return true;
}

unsigned uart_receive(struct uart *uart, u8 *byte)
{
	if (uart->base != 0x3f8 || !*received)
		return 0;
	*byte = (u8)*received++;
	return UART_RECEIVED;
}

bool uart_can_send(struct uart *uart)
{
	(void)uart;
	return transmitter >= UART_FIFO;
}

void uart_send(struct uart *uart, u8 byte)
{
	(void)uart;
	transmitter--;
	sent[sent_length++ % sizeof(sent)] = (char)byte;
}

void uart_interrupts(struct uart *uart, bool receive, bool transmit)
{
	(void)uart;
	receive_wanted = receive;
	transmit_wanted = transmit;
}

bool uart_interrupt_pending(struct uart *uart)
{
	(void)uart;
	return (receive_wanted && *received) || (transmit_wanted && transmitter >= UART_FIFO);
}

void uart_line(struct uart *uart, unsigned speed, unsigned cflag)
{
	(void)uart;
	(void)speed;
	(void)cflag;
}

void uart_break(struct uart *uart, bool on)
{
	(void)uart;
	(void)on;
}

unsigned uart_modem(struct uart *uart)
{
	(void)uart;
	return 6;
}

void uart_set_modem(struct uart *uart, unsigned lines)
{
	(void)uart;
	(void)lines;
}

/* ---- root: remembers signals; process 30 blocks SIGTTIN; group 40 is orphaned ---- */

static struct {
	unsigned group;
	int signal;
} signals[16];
static unsigned signal_count;

/* As root/terminal.c does it. */
static void session_tty(const unsigned long m[8])
{
	for (unsigned i = 0; i < 16; i++) {
		struct principal_entry *p = &fake_principals[i];

		if (p->principal && p->sid == m[0] && (!m[3] || p->pid == m[3]) && (m[3] || !m[1]))
			p->tty = (unsigned)m[1];
	}
}

static long root_answers(unsigned label, unsigned long m[8], unsigned bytes)
{
	struct proc_info info = { 0 };

	(void)bytes;
	switch (label) {
	case PROC_TTY_SIGNAL:
		signals[signal_count % 16].group = (unsigned)m[0];
		signals[signal_count++ % 16].signal = (int)m[1];
		return 0;
	case PROC_SESSION_TTY:
		session_tty(m);
		return 0;
	case PROC_ORPHANED:
		return m[0] == 40;
	case PROC_PROC_INFO:
		if (m[0] == 30)
			info.signals_blocked = 1ul << 20;
		memcpy(serve_message->data, &info, sizeof(info));
		return 0;
	}
	return 0;
}

static struct open_file *file;

static void add_process(unsigned index, unsigned pid, unsigned group, unsigned session)
{
	fake_principals[index] = (struct principal_entry){ .principal = pid, .tid = pid, .pid = pid, .pgid = group, .sid = session,
							   .session_leader = pid == session };
}

static void start(unsigned flags)
{
	memset(lines, 0, sizeof(lines));
	list_init(&tty_all);
	memset(fake_principals, 0, sizeof(fake_principals));
	for (unsigned i = 0; i < LINES; i++)
		line_init(&lines[i], i);
	sent_length = signal_count = 0;
	memset(sent, 0, sizeof(sent));
	received = "";
	transmitter = 1000000;
	fake_root = root_answers;
	add_process(0, 10, 10, 10); /* the session's leader */
	add_process(1, 20, 20, 10); /* a job */
	add_process(2, 30, 30, 10);
	add_process(3, 40, 40, 10);
	add_process(4, 50, 50, 50); /* another session */
	file = fake_file(LINUX_O_RDWR | flags);
	file->data = &lines[0].tty;
	file->poll = &lines[0].tty.poll;
	list_push_back(&lines[0].tty.files, &file->link);
}

static void finish(void)
{
	CHECK_EQ(fake_requests_kept, 0);
	free(file);
}

static void type(const char *keys)
{
	received = keys;
	while (uart_interrupt_pending(&lines[0].uart))
		line_interrupt();
}

static struct fake_request *begin_read(unsigned pid, void *to, size_t size)
{
	struct fake_request *fake = fake_new(file, FILE_READ, to, size, pid);

	fake_done(fake, tty_read(&fake->request, file, 0, size));
	return fake;
}

static struct fake_request *begin_write(unsigned pid, const void *from, size_t size)
{
	struct fake_request *fake = fake_new(file, FILE_WRITE, (void *)from, size, pid);

	fake_done(fake, tty_write(&fake->request, file, 0, size));
	return fake;
}

static struct fake_request *begin_ioctl(unsigned pid, unsigned command, unsigned long argument, void *memory, size_t size)
{
	struct fake_request *fake = fake_new(file, FILE_IOCTL, memory, size, pid);

	fake->request.m[0] = command;
	fake->request.m[1] = argument;
	fake_done(fake, tty_ioctl(&fake->request, file, command, argument));
	return fake;
}

static long end(struct fake_request *fake)
{
	long result = fake->result;

	fake_free(fake);
	return result;
}

/* ---- reading and writing ---- */

static void a_line_is_read_when_it_ends(void)
{
	char line[100] = { 0 };

	start(0);
	struct fake_request *r = begin_read(10, line, sizeof(line));

	type("hel");
	CHECK_EQ(r->result, FAKE_NOT_ANSWERED);
	type("lo\r");
	CHECK_EQ(end(r), 6);
	CHECK_STR(line, "hello\n");
	CHECK_STR(sent, "hello\r\n");
	finish();
}

static void a_reader_without_memory_loses_nothing(void)
{
	char line[100] = { 0 };

	start(0);
	type("hello\r");
	struct fake_request *r = fake_new(file, FILE_READ, line, sizeof(line), 10);

	r->there = 2;
	fake_done(r, tty_read(&r->request, file, 0, sizeof(line)));
	CHECK_EQ(end(r), 2);
	CHECK_EQ(end(begin_read(10, line + 2, 98)), 4);
	CHECK_STR(line, "hello\n");
	finish();
}

static void raw_reads_follow_vmin_and_vtime(void)
{
	struct tty_termios raw;
	char bytes[10] = { 0 };

	start(0);
	end(begin_ioctl(10, 0x5401, 0, &raw, sizeof(raw)));
	raw.c_lflag = 0;
	raw.c_iflag = 0;
	raw.c_cc[TIO_VMIN] = 3;
	CHECK_EQ(end(begin_ioctl(10, 0x5402, 0, &raw, sizeof(raw))), 0);
	struct fake_request *r = begin_read(10, bytes, 10);

	type("ab");
	CHECK_EQ(r->result, FAKE_NOT_ANSWERED);
	type("c");
	CHECK_EQ(end(r), 3);

	raw.c_cc[TIO_VMIN] = 0;
	CHECK_EQ(end(begin_ioctl(10, 0x5402, 0, &raw, sizeof(raw))), 0);
	CHECK_EQ(end(begin_read(10, bytes, 10)), 0);

	raw.c_cc[TIO_VTIME] = 2;
	CHECK_EQ(end(begin_ioctl(10, 0x5402, 0, &raw, sizeof(raw))), 0);
	r = begin_read(10, bytes, 10);
	CHECK_EQ(r->result, FAKE_NOT_ANSWERED);
	CHECK_EQ(line_deadline(), fake_now + 200000000);
	fake_now += 200000000;
	line_expired();
	CHECK_EQ(end(r), 0);

	raw.c_cc[TIO_VMIN] = 5;
	CHECK_EQ(end(begin_ioctl(10, 0x5402, 0, &raw, sizeof(raw))), 0);
	r = begin_read(10, bytes, 10);
	CHECK_EQ(line_deadline(), 0);
	type("xy");
	CHECK_EQ(line_deadline(), fake_now + 200000000);
	fake_now += 200000000;
	line_expired();
	CHECK_EQ(end(r), 2);
	finish();
}

static void a_nonblocking_read_says_again(void)
{
	char bytes[10];

	start(LINUX_O_NONBLOCK);
	CHECK_EQ(end(begin_read(10, bytes, 10)), -EAGAIN);
	finish();
}

static void an_interrupted_read_ends(void)
{
	char bytes[10];

	start(0);
	struct fake_request *r = begin_read(10, bytes, 10);

	fake_cancel(r, CANCEL_INTERRUPTED);
	CHECK_EQ(end(r), -EINTR);
	finish();
}

static void a_long_write_waits_for_the_line(void)
{
	static char text[30000];

	start(0);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 80 == 79 ? '\n' : (char)('a' + i % 26);
	transmitter = 100;
	struct fake_request *w = begin_write(10, text, sizeof(text)), *second = begin_write(10, "end", 3), *drain;

	CHECK_EQ(w->result, FAKE_NOT_ANSWERED);
	CHECK_EQ(second->result, FAKE_NOT_ANSWERED);
	CHECK(transmit_wanted);
	drain = begin_ioctl(10, 0x5409, 1, NULL, 0);
	CHECK_EQ(drain->result, FAKE_NOT_ANSWERED);
	for (int i = 0; i < 1000 && drain->result == FAKE_NOT_ANSWERED; i++) {
		transmitter += 64;
		line_interrupt();
	}
	CHECK_EQ(end(w), sizeof(text));
	CHECK_EQ(end(second), 3);
	CHECK_EQ(end(drain), 0);
	CHECK_EQ(sent_length, sizeof(text) + sizeof(text) / 80 + 3);
	CHECK(!memcmp(sent + sent_length - 3, "end", 3));
	CHECK(!transmit_wanted);
	finish();
}

static void stopped_output_goes_on_when_started(void)
{
	start(0);
	type("\x13");
	struct fake_request *w = begin_write(10, "abc", 3);

	CHECK_EQ(w->result, FAKE_NOT_ANSWERED);
	CHECK_EQ(sent_length, 0);
	type("\x11");
	CHECK_EQ(end(w), 3);
	CHECK_STR(sent, "abc");
	finish();
}

static void a_polled_line_is_sent_at_once(void)
{
	start(0);
	file->data = &lines[1].tty;
	CHECK_EQ(end(begin_write(10, "x\n", 2)), 2);
	CHECK_STR(sent, "x\r\n");
	CHECK_EQ(line_deadline(), 0);
	transmitter = 0;
	CHECK_EQ(end(begin_write(10, "yz", 2)), 2);
	CHECK(line_deadline() != 0);
	transmitter = 1000;
	fake_now = line_deadline();
	line_expired();
	CHECK_STR(sent, "x\r\nyz");
	finish();
}

/* ---- job control ---- */

/* The process opens the terminal, as the server does it. */
static void open_terminal(unsigned pid)
{
	struct request request = { .principal = pid };

	job_opened(&lines[0].tty, &request, file, 0);
}

static void own_terminal(void)
{
	open_terminal(10);
	CHECK_EQ(lines[0].tty.session, 10);
	CHECK_EQ(lines[0].tty.group, 10);
	/* root copies it in fork; here the jobs were there before */
	for (unsigned i = 1; i < 4; i++)
		fake_principals[i].tty = fake_principals[0].tty;
}

static void a_leader_acquires_its_terminal_by_opening(void)
{
	int value = 0;

	start(0);
	open_terminal(20);
	CHECK_EQ(lines[0].tty.session, 0);
	own_terminal();
	open_terminal(50);
	CHECK_EQ(lines[0].tty.session, 10);
	CHECK_EQ(end(begin_ioctl(20, 0x540f, 0, &value, 4)), 0);
	CHECK_EQ(value, 10);
	CHECK_EQ(end(begin_ioctl(50, 0x540f, 0, &value, 4)), -ENOTTY);
	CHECK(job_terminal(principal_find(20)) == &lines[0].tty);
	CHECK(job_terminal(principal_find(50)) == NULL);
	finish();
}

static void background_readers_are_stopped(void)
{
	char bytes[10];

	start(0);
	own_terminal();
	CHECK_EQ(end(begin_read(20, bytes, 10)), -TTY_ERESTARTSYS);
	CHECK_EQ(signal_count, 1);
	CHECK_EQ(signals[0].group, 20);
	CHECK_EQ(signals[0].signal, 21);
	CHECK_EQ(end(begin_read(30, bytes, 10)), -EIO); /* blocks it */
	CHECK_EQ(end(begin_read(40, bytes, 10)), -EIO); /* orphaned */
	CHECK_EQ(signal_count, 1);
	CHECK_EQ(end(begin_write(20, "x", 1)), 1);
	finish();
}

static void tostop_stops_background_writers(void)
{
	struct tty_termios termios;

	start(0);
	own_terminal();
	end(begin_ioctl(10, 0x5401, 0, &termios, sizeof(termios)));
	termios.c_lflag |= TIO_TOSTOP;
	CHECK_EQ(end(begin_ioctl(20, 0x5402, 0, &termios, sizeof(termios))), -TTY_ERESTARTSYS);
	CHECK_EQ(end(begin_ioctl(10, 0x5402, 0, &termios, sizeof(termios))), 0);
	signal_count = 0;
	CHECK_EQ(end(begin_write(20, "x", 1)), -TTY_ERESTARTSYS);
	CHECK_EQ(signals[0].signal, 22);
	CHECK_EQ(end(begin_write(10, "x", 1)), 1);
	finish();
}

static void the_foreground_group_gets_the_keys(void)
{
	unsigned group = 20, other = 50;

	start(0);
	own_terminal();
	CHECK_EQ(end(begin_ioctl(10, 0x5410, 0, &group, 4)), 0);
	CHECK_EQ(end(begin_ioctl(20, 0x5410, 0, &other, 4)), -EPERM);
	other = 999;
	CHECK_EQ(end(begin_ioctl(20, 0x5410, 0, &other, 4)), -ESRCH);
	type("\x03");
	CHECK_EQ(signals[signal_count - 1].group, 20);
	CHECK_EQ(signals[signal_count - 1].signal, 2);
	type("\x1a");
	CHECK_EQ(signals[signal_count - 1].signal, 20);
	struct tty_winsize size = { 25, 80, 0, 0 };

	CHECK_EQ(end(begin_ioctl(20, 0x5414, 0, &size, sizeof(size))), 0);
	CHECK_EQ(signals[signal_count - 1].signal, 28);
	finish();
}

static void a_dead_leader_hangs_the_terminal_up(void)
{
	char bytes[10];

	start(0);
	own_terminal();
	struct fake_request *r = begin_read(10, bytes, 10);

	job_sweep();
	CHECK_EQ(r->result, FAKE_NOT_ANSWERED);
	fake_principals[0].principal = 0;
	job_sweep();
	CHECK_EQ(end(r), 0);
	CHECK_EQ(signals[0].signal, 1);
	CHECK_EQ(lines[0].tty.session, 0);
	CHECK_EQ(end(begin_read(20, bytes, 10)), 0);
	CHECK_EQ(end(begin_write(20, "x", 1)), -EIO);
	CHECK_EQ(end(begin_ioctl(20, 0x5401, 0, bytes, 10)), -EIO);
	finish();
}

int main(void)
{
	RUN(a_line_is_read_when_it_ends);
	RUN(a_reader_without_memory_loses_nothing);
	RUN(raw_reads_follow_vmin_and_vtime);
	RUN(a_nonblocking_read_says_again);
	RUN(an_interrupted_read_ends);
	RUN(a_long_write_waits_for_the_line);
	RUN(stopped_output_goes_on_when_started);
	RUN(a_polled_line_is_sent_at_once);
	RUN(a_leader_acquires_its_terminal_by_opening);
	RUN(background_readers_are_stopped);
	RUN(tostop_stops_background_writers);
	RUN(the_foreground_group_gets_the_keys);
	RUN(a_dead_leader_hangs_the_terminal_up);
	return check_result();
}
