/*
 * Terminal ioctls, by number (Linux include/uapi/asm-generic/ioctls.h): a table of commands, what memory each moves, whether a background
 * process may, and whether it waits for output first.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/console/tty.h"

#define SIGTTOU  22
#define SIGWINCH 28

enum {
	TCGETS = 0x5401, TCSETS = 0x5402, TCSETSW = 0x5403, TCSETSF = 0x5404, TCSBRK = 0x5409, TCXONC = 0x540a, TCFLSH = 0x540b,
	TIOCEXCL = 0x540c, TIOCNXCL = 0x540d, TIOCSCTTY = 0x540e, TIOCGPGRP = 0x540f, TIOCSPGRP = 0x5410, TIOCOUTQ = 0x5411,
	TIOCSTI = 0x5412, TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414, TIOCMGET = 0x5415, TIOCMBIS = 0x5416, TIOCMBIC = 0x5417,
	TIOCMSET = 0x5418, TIOCGSOFTCAR = 0x5419, TIOCSSOFTCAR = 0x541a, FIONREAD = 0x541b, TIOCNOTTY = 0x5422, TIOCGETD = 0x5424,
	TIOCSETD = 0x5423, TCSBRKP = 0x5425, TIOCSBRK = 0x5427, TIOCCBRK = 0x5428, TIOCGSID = 0x5429, TCGETS2 = 0x802c542a,
	TCSETS2 = 0x402c542b, TCSETSW2 = 0x402c542c, TCSETSF2 = 0x402c542d, TIOCGDEV = 0x80045432, TIOCVHANGUP = 0x5437,
	TIOCGEXCL = 0x80045440,
};

struct ioctl {
	struct request *request;
	struct open_file *file;
	struct tty *tty;
	unsigned command;
	unsigned long argument;
};

struct command {
	unsigned number;
	long (*run)(const struct ioctl *ioctl);
	unsigned flags;
};
#define FOREGROUND 1 /* a background process gets SIGTTOU */
#define DRAINED    2 /* waits until the output is out */

/* ---- memory of the caller. True: it is there; else the answer says where it is not ---- */

static bool give(const struct ioctl *io, const void *from, size_t size)
{
	return request_give(io->request, from, size) == size;
}

static bool take(const struct ioctl *io, void *to, size_t size)
{
	return request_take(io->request, to, size) == size;
}

static long give_int(const struct ioctl *io, int value)
{
	give(io, &value, sizeof(value));
	return 0;
}

/* ---- settings ---- */

static void settings_changed(struct tty *tty)
{
	const struct tty_termios2 *termios = &tty->ld.termios;

	if (termios->c_cflag != tty->settings_flags || termios->c_ospeed != tty->settings_speed) {
		tty->settings_flags = termios->c_cflag;
		tty->settings_speed = termios->c_ospeed;
		if (tty->uart.io_slot)
			uart_line(&tty->uart, termios->c_ospeed, termios->c_cflag);
	}
	tty_settle(tty);
}

static long get_termios(const struct ioctl *io)
{
	struct tty_termios termios;

	ldisc_get_termios(&io->tty->ld, &termios);
	give(io, &termios, sizeof(termios));
	return 0;
}

static long get_termios2(const struct ioctl *io)
{
	give(io, &io->tty->ld.termios, sizeof(io->tty->ld.termios));
	return 0;
}

static long set_termios(const struct ioctl *io)
{
	struct tty_termios termios;

	if (!take(io, &termios, sizeof(termios)))
		return 0;
	if (io->command == TCSETSF)
		ldisc_flush_input(&io->tty->ld);
	ldisc_set_termios(&io->tty->ld, &termios);
	settings_changed(io->tty);
	return 0;
}

static long set_termios2(const struct ioctl *io)
{
	struct tty_termios2 termios;

	if (!take(io, &termios, sizeof(termios)))
		return 0;
	if (io->command == (unsigned)TCSETSF2)
		ldisc_flush_input(&io->tty->ld);
	ldisc_set_termios2(&io->tty->ld, &termios);
	settings_changed(io->tty);
	return 0;
}

static long get_window(const struct ioctl *io)
{
	give(io, &io->tty->ld.winsize, sizeof(io->tty->ld.winsize));
	return 0;
}

static long set_window(const struct ioctl *io)
{
	struct tty_winsize size;

	if (take(io, &size, sizeof(size)) && ldisc_set_winsize(&io->tty->ld, &size))
		job_signal(io->tty, SIGWINCH);
	return 0;
}

/* ---- flow and queues ---- */

/* TCSBRK with an argument only waits (tcdrain). */
static long send_break(const struct ioctl *io)
{
	if (io->tty->uart.io_slot && !(io->command == TCSBRK && io->argument)) {
		uart_break(&io->tty->uart, true);
		uart_break(&io->tty->uart, false);
	}
	return 0;
}

static long set_break(const struct ioctl *io)
{
	if (io->tty->uart.io_slot)
		uart_break(&io->tty->uart, io->command == TIOCSBRK);
	return 0;
}

static long flow(const struct ioctl *io)
{
	switch (io->argument) {
	case 0: /* TCOOFF */
		ldisc_suspend_output(&io->tty->ld);
		break;
	case 1: /* TCOON */
		ldisc_resume_output(&io->tty->ld);
		break;
	case 2: /* TCIOFF */
	case 3: /* TCION */
		ldisc_send_flow(&io->tty->ld, io->argument == 2);
		break;
	default:
		return -EINVAL;
	}
	tty_settle(io->tty);
	return 0;
}

static long flush(const struct ioctl *io)
{
	if (io->argument > 2)
		return -EINVAL;
	if (io->argument != 1) { /* TCIFLUSH, TCIOFLUSH */
		ldisc_flush_input(&io->tty->ld);
		io->tty->unread_at = io->tty->unread_end = 0;
	}
	if (io->argument != 0) /* TCOFLUSH, TCIOFLUSH */
		ldisc_flush_output(&io->tty->ld);
	tty_settle(io->tty);
	return 0;
}

static long input_waiting(const struct ioctl *io)
{
	return give_int(io, (int)(ldisc_pending(&io->tty->ld) + io->tty->unread_end - io->tty->unread_at));
}

static long output_waiting(const struct ioctl *io)
{
	return give_int(io, (int)tty_output_used(io->tty));
}

/* Only onto the caller's own terminal. */
static long inject(const struct ioctl *io)
{
	u8 byte;

	if (!job_controls(io->tty, job_caller(io->request)))
		return -EPERM;
	if (take(io, &byte, 1)) {
		ldisc_input(&io->tty->ld, &byte, 1);
		tty_settle(io->tty);
	}
	return 0;
}

/* ---- sessions and groups ---- */

static long get_group(const struct ioctl *io)
{
	if (!job_controls(io->tty, job_caller(io->request)))
		return -ENOTTY;
	return give_int(io, (int)io->tty->group);
}

static long set_group(const struct ioctl *io)
{
	unsigned group;

	return take(io, &group, sizeof(group)) ? job_set_group(io->request, io->tty, group) : 0;
}

static long get_session(const struct ioctl *io)
{
	if (!job_controls(io->tty, job_caller(io->request)))
		return -ENOTTY;
	return give_int(io, (int)io->tty->session);
}

static long acquire(const struct ioctl *io)
{
	return job_acquire(io->tty, job_caller(io->request), io->argument == 1);
}

static long release(const struct ioctl *io)
{
	return job_release(io->tty, job_caller(io->request));
}

static long hang_up(const struct ioctl *io)
{
	const struct principal_entry *caller = job_caller(io->request);

	if (!caller || caller->euid)
		return -EPERM;
	tty_hang_up(io->tty);
	return 0;
}

/* ---- the line ---- */

static long exclusive(const struct ioctl *io)
{
	io->tty->exclusive = io->command == TIOCEXCL;
	return 0;
}

static long get_exclusive(const struct ioctl *io)
{
	return give_int(io, io->tty->exclusive);
}

static long get_modem(const struct ioctl *io)
{
	return io->tty->uart.io_slot ? give_int(io, (int)uart_modem(&io->tty->uart)) : -EIO;
}

static long set_modem(const struct ioctl *io)
{
	unsigned lines, now;

	if (!io->tty->uart.io_slot)
		return -EIO;
	if (!take(io, &lines, sizeof(lines)))
		return 0;
	now = uart_modem(&io->tty->uart);
	if (io->command == TIOCMBIS)
		lines |= now;
	else if (io->command == TIOCMBIC)
		lines = now & ~lines;
	uart_set_modem(&io->tty->uart, lines);
	return 0;
}

static long get_local(const struct ioctl *io)
{
	return give_int(io, (io->tty->ld.termios.c_cflag & TIO_CLOCAL) != 0);
}

static long set_local(const struct ioctl *io)
{
	int local;

	if (take(io, &local, sizeof(local))) {
		io->tty->ld.termios.c_cflag &= ~(u32)TIO_CLOCAL;
		io->tty->ld.termios.c_cflag |= local ? TIO_CLOCAL : 0;
		settings_changed(io->tty);
	}
	return 0;
}

/* There is one discipline: N_TTY, 0. */
static long get_discipline(const struct ioctl *io)
{
	return give_int(io, 0);
}

static long set_discipline(const struct ioctl *io)
{
	int number;

	return take(io, &number, sizeof(number)) && number ? -EINVAL : 0;
}

static long get_device(const struct ioctl *io)
{
	return give_int(io, (int)(4 << 8 | (64 + io->tty->index)));
}

static const struct command commands[] = {
	{ TCGETS, get_termios, 0 },
	{ TCSETS, set_termios, FOREGROUND },
	{ TCSETSW, set_termios, FOREGROUND | DRAINED },
	{ TCSETSF, set_termios, FOREGROUND | DRAINED },
	{ (unsigned)TCGETS2, get_termios2, 0 },
	{ (unsigned)TCSETS2, set_termios2, FOREGROUND },
	{ (unsigned)TCSETSW2, set_termios2, FOREGROUND | DRAINED },
	{ (unsigned)TCSETSF2, set_termios2, FOREGROUND | DRAINED },
	{ TCSBRK, send_break, FOREGROUND | DRAINED },
	{ TCSBRKP, send_break, FOREGROUND | DRAINED },
	{ TIOCSBRK, set_break, FOREGROUND | DRAINED },
	{ TIOCCBRK, set_break, FOREGROUND | DRAINED },
	{ TCXONC, flow, FOREGROUND },
	{ TCFLSH, flush, FOREGROUND },
	{ FIONREAD, input_waiting, 0 },
	{ TIOCOUTQ, output_waiting, 0 },
	{ TIOCSTI, inject, 0 },
	{ TIOCGWINSZ, get_window, 0 },
	{ TIOCSWINSZ, set_window, 0 },
	{ TIOCGPGRP, get_group, 0 },
	{ TIOCSPGRP, set_group, 0 },
	{ TIOCGSID, get_session, 0 },
	{ TIOCSCTTY, acquire, 0 },
	{ TIOCNOTTY, release, 0 },
	{ TIOCVHANGUP, hang_up, 0 },
	{ TIOCEXCL, exclusive, 0 },
	{ TIOCNXCL, exclusive, 0 },
	{ (unsigned)TIOCGEXCL, get_exclusive, 0 },
	{ TIOCMGET, get_modem, 0 },
	{ TIOCMSET, set_modem, 0 },
	{ TIOCMBIS, set_modem, 0 },
	{ TIOCMBIC, set_modem, 0 },
	{ TIOCGSOFTCAR, get_local, 0 },
	{ TIOCSSOFTCAR, set_local, 0 },
	{ TIOCGETD, get_discipline, 0 },
	{ TIOCSETD, set_discipline, FOREGROUND },
	{ (unsigned)TIOCGDEV, get_device, 0 },
};

static const struct command *command_find(unsigned number)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].number == number)
			return &commands[i];
	return NULL;
}

static struct ioctl ioctl_of(struct request *request)
{
	return (struct ioctl){ .request = request, .file = request->file, .tty = tty_of(request->file),
			       .command = (unsigned)request->m[0], .argument = request->m[1] };
}

static long cancel_drainer(struct request *request, unsigned reason)
{
	(void)reason;
	list_remove(&request->link);
	return -EINTR;
}

long tty_drained(struct request *request)
{
	struct ioctl io = ioctl_of(request);

	return command_find(io.command)->run(&io);
}

long tty_ioctl(struct request *request, struct open_file *file, unsigned number, unsigned long argument)
{
	const struct command *command = command_find(number);
	struct tty *tty = tty_of(file);
	struct ioctl io = { request, file, tty, number, argument };
	long result;

	if (!command)
		return -ENOTTY;
	if (FILE_HUNG_UP(file))
		return -EIO;
	result = command->flags & FOREGROUND ? job_check(request, tty, SIGTTOU) : 0;
	if (result)
		return result;
	if (command->flags & DRAINED && tty_output_used(tty)) {
		result = request_wait(request, cancel_drainer);
		if (result == REQUEST_KEPT)
			list_push_back(&tty->drainers, &request->link);
		return result;
	}
	return command->run(&io);
}
