/*
 * Terminal ioctls, by number (Linux include/uapi/asm-generic/ioctls.h): a table of commands, whether a background process may, whether it
 * waits for output first, and whether the master of a pty takes it for the terminal.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "tty/commands.h"
#include "tty/internal.h"

#define SIGTTOU  22
#define SIGWINCH 28

struct ioctl {
	struct request *request;
	struct open_file *file;
	struct tty *tty;
	unsigned command;
	unsigned long argument;
	bool master; /* it came by the master */
};

struct command {
	unsigned number;
	long (*run)(const struct ioctl *ioctl);
	unsigned flags;
};
#define FOREGROUND 1 /* a background process gets SIGTTOU */
#define DRAINED    2 /* waits until the output is out */
#define PAIR       4 /* by the master it concerns the terminal too */

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

static void settings_changed(struct tty *tty, const struct tty_termios2 *old)
{
	if (tty->wire->configured)
		tty->wire->configured(tty, old);
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
	struct tty_termios2 old = io->tty->ld.termios;
	struct tty_termios termios;

	if (!take(io, &termios, sizeof(termios)))
		return 0;
	if (io->command == TCSETSF)
		ldisc_flush_input(&io->tty->ld);
	ldisc_set_termios(&io->tty->ld, &termios);
	settings_changed(io->tty, &old);
	return 0;
}

static long set_termios2(const struct ioctl *io)
{
	struct tty_termios2 old = io->tty->ld.termios, termios;

	if (!take(io, &termios, sizeof(termios)))
		return 0;
	if (io->command == (unsigned)TCSETSF2)
		ldisc_flush_input(&io->tty->ld);
	ldisc_set_termios2(&io->tty->ld, &termios);
	settings_changed(io->tty, &old);
	return 0;
}

static long get_termio(const struct ioctl *io)
{
	const struct tty_termios2 *now = &io->tty->ld.termios;
	struct tty_termio termio = { now->c_iflag, now->c_oflag, now->c_cflag, now->c_lflag, now->c_line, { 0 }, 0 };

	memcpy(termio.c_cc, now->c_cc, TIO_NCC);
	give(io, &termio, sizeof(termio));
	return 0;
}

static u32 low_half(u32 old, u16 new)
{
	return (old & 0xffff0000) | new;
}

static long set_termio(const struct ioctl *io)
{
	struct tty_termios2 old = io->tty->ld.termios;
	struct tty_termios termios;
	struct tty_termio termio;

	if (!take(io, &termio, sizeof(termio)))
		return 0;
	ldisc_get_termios(&io->tty->ld, &termios);
	termios.c_iflag = low_half(termios.c_iflag, termio.c_iflag);
	termios.c_oflag = low_half(termios.c_oflag, termio.c_oflag);
	termios.c_cflag = low_half(termios.c_cflag, termio.c_cflag);
	termios.c_lflag = low_half(termios.c_lflag, termio.c_lflag);
	termios.c_line = termio.c_line;
	memcpy(termios.c_cc, termio.c_cc, TIO_NCC);
	if (io->command == TCSETAF)
		ldisc_flush_input(&io->tty->ld);
	ldisc_set_termios(&io->tty->ld, &termios);
	settings_changed(io->tty, &old);
	return 0;
}

static long get_locked(const struct ioctl *io)
{
	give(io, &io->tty->ld.locked, sizeof(io->tty->ld.locked));
	return 0;
}

static long set_locked(const struct ioctl *io)
{
	const struct principal_entry *caller = principal_find(io->request->principal);
	struct tty_termios locked;

	if (!caller || caller->euid)
		return -EPERM;
	if (take(io, &locked, sizeof(locked)))
		io->tty->ld.locked = locked;
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

/* TCSBRK with an argument only waits (tcdrain). A wire that knows no break sends none, and Linux says nothing of it. */
static long send_break(const struct ioctl *io)
{
	if (io->tty->wire->set_break && !(io->command == TCSBRK && io->argument)) {
		io->tty->wire->set_break(io->tty, true);
		io->tty->wire->set_break(io->tty, false);
	}
	return 0;
}

static long set_break(const struct ioctl *io)
{
	if (io->tty->wire->set_break)
		io->tty->wire->set_break(io->tty, io->command == TIOCSBRK);
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
	return give_int(io, (int)tty_output_unsent(io->tty));
}

/* Only onto the caller's own terminal, but for the superuser. */
static long inject(const struct ioctl *io)
{
	const struct principal_entry *caller = job_caller(io->request);
	u8 byte;

	if (!caller || (!job_controls(io->tty, caller) && caller->euid))
		return -EPERM;
	if (take(io, &byte, 1)) {
		ldisc_input(&io->tty->ld, &byte, 1);
		tty_settle(io->tty);
	}
	return 0;
}

/* ---- sessions and groups ---- */

/* Who has the master need not have the terminal. */
static bool may_ask(const struct ioctl *io)
{
	return io->master || job_controls(io->tty, job_caller(io->request));
}

static long get_group(const struct ioctl *io)
{
	return may_ask(io) ? give_int(io, (int)io->tty->group) : -ENOTTY;
}

static long set_group(const struct ioctl *io)
{
	long result = job_check(io->request, io->tty, SIGTTOU);
	unsigned group;

	if (result)
		return result == -EIO ? -ENOTTY : result;
	return take(io, &group, sizeof(group)) ? job_set_group(io->tty, job_caller(io->request), group) : 0;
}

static long get_session(const struct ioctl *io)
{
	return may_ask(io) && io->tty->session ? give_int(io, (int)io->tty->session) : -ENOTTY;
}

static long acquire(const struct ioctl *io)
{
	return job_acquire(io->tty, io->file, job_caller(io->request), io->argument == 1);
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
	tty_hang_up(io->tty, 0);
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
	long lines = io->tty->wire->modem ? io->tty->wire->modem(io->tty) : -ENOTTY;

	return lines < 0 ? lines : give_int(io, (int)lines);
}

static long set_modem(const struct ioctl *io)
{
	long now = io->tty->wire->modem ? io->tty->wire->modem(io->tty) : -ENOTTY;
	unsigned lines;

	if (now < 0)
		return now;
	if (!take(io, &lines, sizeof(lines)))
		return 0;
	if (io->command == TIOCMBIS)
		lines |= (unsigned)now;
	else if (io->command == TIOCMBIC)
		lines = (unsigned)now & ~lines;
	io->tty->wire->set_modem(io->tty, lines);
	return 0;
}

static long get_local(const struct ioctl *io)
{
	return give_int(io, (io->tty->ld.termios.c_cflag & TIO_CLOCAL) != 0);
}

static long set_local(const struct ioctl *io)
{
	struct tty_termios2 old = io->tty->ld.termios;
	int local;

	if (take(io, &local, sizeof(local))) {
		io->tty->ld.termios.c_cflag &= ~(u32)TIO_CLOCAL;
		io->tty->ld.termios.c_cflag |= local ? TIO_CLOCAL : 0;
		settings_changed(io->tty, &old);
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
	return give_int(io, (int)io->tty->device);
}

/* Only the master of a pty has one. */
static long no_peer(const struct ioctl *io)
{
	(void)io;
	return -EIO;
}

static const struct command commands[] = {
	{ TCGETS, get_termios, PAIR },
	{ TCSETS, set_termios, PAIR | FOREGROUND },
	{ TCSETSW, set_termios, PAIR | FOREGROUND | DRAINED },
	{ TCSETSF, set_termios, PAIR | FOREGROUND | DRAINED },
	{ (unsigned)TCGETS2, get_termios2, PAIR },
	{ (unsigned)TCSETS2, set_termios2, PAIR | FOREGROUND },
	{ (unsigned)TCSETSW2, set_termios2, PAIR | FOREGROUND | DRAINED },
	{ (unsigned)TCSETSF2, set_termios2, PAIR | FOREGROUND | DRAINED },
	{ TCGETA, get_termio, PAIR },
	{ TCSETA, set_termio, PAIR | FOREGROUND },
	{ TCSETAW, set_termio, PAIR | FOREGROUND | DRAINED },
	{ TCSETAF, set_termio, PAIR | FOREGROUND | DRAINED },
	{ TIOCGLCKTRMIOS, get_locked, PAIR },
	{ TIOCSLCKTRMIOS, set_locked, PAIR },
	{ TCSBRK, send_break, FOREGROUND | DRAINED },
	{ TCSBRKP, send_break, FOREGROUND | DRAINED },
	{ TIOCSBRK, set_break, FOREGROUND | DRAINED },
	{ TIOCCBRK, set_break, FOREGROUND | DRAINED },
	{ TCXONC, flow, FOREGROUND },
	{ TCFLSH, flush, FOREGROUND },
	{ FIONREAD, input_waiting, 0 },
	{ TIOCOUTQ, output_waiting, 0 },
	{ TIOCSTI, inject, 0 },
	{ TIOCGWINSZ, get_window, PAIR },
	{ TIOCSWINSZ, set_window, PAIR },
	{ TIOCGPGRP, get_group, PAIR },
	{ TIOCSPGRP, set_group, PAIR },
	{ TIOCGSID, get_session, PAIR },
	{ TIOCSCTTY, acquire, 0 },
	{ TIOCNOTTY, release, 0 },
	{ TIOCVHANGUP, hang_up, 0 },
	{ TIOCEXCL, exclusive, 0 },
	{ TIOCNXCL, exclusive, 0 },
	{ (unsigned)TIOCGEXCL, get_exclusive, 0 },
	{ TIOCMGET, get_modem, PAIR },
	{ TIOCMSET, set_modem, PAIR },
	{ TIOCMBIS, set_modem, PAIR },
	{ TIOCMBIC, set_modem, PAIR },
	{ TIOCGSOFTCAR, get_local, PAIR },
	{ TIOCSSOFTCAR, set_local, PAIR },
	{ TIOCGETD, get_discipline, PAIR },
	{ TIOCSETD, set_discipline, PAIR | FOREGROUND },
	{ (unsigned)TIOCGDEV, get_device, PAIR },
	{ TIOCGPTPEER, no_peer, 0 },
};

static const struct command *command_find(unsigned number)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].number == number)
			return &commands[i];
	return NULL;
}

static long cancel_drainer(struct request *request, unsigned reason)
{
	(void)reason;
	list_remove(&request->link);
	return -EINTR;
}

long tty_drained(struct request *request)
{
	struct ioctl io = { .request = request, .file = request->file, .tty = tty_of(request->file),
			    .command = (unsigned)request->m[0], .argument = request->m[1] };

	return command_find(io.command)->run(&io);
}

static long wait_drained(const struct ioctl *io)
{
	long result = request_wait(io->request, cancel_drainer);

	if (result == REQUEST_KEPT)
		list_push_back(&io->tty->drainers, &io->request->link);
	return result;
}

static long run(const struct command *command, const struct ioctl *io)
{
	long result = command->flags & FOREGROUND ? job_check(io->request, io->tty, SIGTTOU) : 0;

	if (result)
		return result;
	if (command->flags & DRAINED && tty_output_unsent(io->tty))
		return wait_drained(io);
	return command->run(io);
}

long tty_ioctl(struct request *request, struct open_file *file, unsigned number, unsigned long argument)
{
	const struct command *command = command_find(number);
	struct ioctl io = { request, file, tty_of(file), number, argument, false };

	if (!command)
		return -ENOTTY;
	if (FILE_HUNG_UP(file))
		return number == TIOCSPGRP ? -ENOTTY : -EIO;
	return run(command, &io);
}

long tty_ioctl_master(struct request *request, struct open_file *file, unsigned number, unsigned long argument)
{
	const struct command *command = command_find(number);
	struct ioctl io = { request, file, tty_of(file), number, argument, true };

	return command && command->flags & PAIR ? run(command, &io) : -ENOTTY;
}
