/*
 * The master's ioctls: its own by a table, and those that concern the pair (tty/ioctl.c).
 */
#include "lib/errno.h"
#include "servers/pty/pty.h"
#include "tty/commands.h"

#define SIGINT  2
#define SIGQUIT 3
#define SIGTSTP 20

struct control {
	struct request *request;
	struct pty *pty;
	unsigned long argument;
};

static bool take_int(const struct control *c, int *value)
{
	return request_take(c->request, value, sizeof(*value)) == sizeof(*value);
}

static long give_int(const struct control *c, int value)
{
	request_give(c->request, &value, sizeof(value));
	return 0;
}

/* ---- the pair ---- */

static long get_number(const struct control *c)
{
	return give_int(c, (int)c->pty->index);
}

static long set_lock(const struct control *c)
{
	int lock;

	if (take_int(c, &lock))
		c->pty->locked = lock != 0;
	return 0;
}

static long get_lock(const struct control *c)
{
	return give_int(c, c->pty->locked);
}

static long set_packet(const struct control *c)
{
	int packet;

	if (!take_int(c, &packet))
		return 0;
	if (packet && !c->pty->packet)
		c->pty->status = 0;
	c->pty->packet = packet != 0;
	return 0;
}

static long get_packet(const struct control *c)
{
	return give_int(c, c->pty->packet);
}

static long send_signal(const struct control *c)
{
	int signal = (int)c->argument;

	if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP)
		return -EINVAL;
	job_signal(&c->pty->tty, signal);
	return 0;
}

/* The slave, opened without its name. The argument is O_ flags. */
static long open_peer(const struct control *c)
{
	struct node node = pty_node(c->pty);
	unsigned flags = (unsigned)c->argument;
	unsigned kept = flags & ~(unsigned)(LINUX_O_NOCTTY | LINUX_O_CLOEXEC | LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_TRUNC);
	struct open_file *file = open_file_new(node, kept, LINUX_S_IFCHR | c->pty->mode);
	long error;

	if (!file)
		return -ENFILE;
	file->mount = MOUNT_PTS;
	error = pty_open_slave(c->pty, c->request, file, flags);
	if (!error) {
		error = open_file_give(c->request, file, 0);
		if (error) {
			file->poll = &file->own_poll; /* the other goes with the pty */
			pty_close_slave(file);
		}
	}
	if (error) {
		open_file_drop(file);
		return error;
	}
	c->request->answer[1] = file->mode;
	c->request->answer[2] = file->opened;
	return 0;
}

/* ---- flow and queues. The master's output is the slave's input that has not reached the discipline ---- */

static long flow(const struct control *c)
{
	struct pty *pty = c->pty;

	if (c->argument > 3)
		return -EINVAL;
	if (c->argument < 2) /* TCOOFF, TCOON */
		pty->stopped = c->argument == 0;
	else /* TCIOFF, TCION: the master's own characters, which nothing changes */
		ldisc_input(&pty->tty.ld, c->argument == 2 ? "\x13" : "\x11", 1);
	tty_settle(&pty->tty);
	return 0;
}

static long flush(const struct control *c)
{
	struct pty *pty = c->pty;
	u8 dropped[PTY_AT_READER];

	if (c->argument > 2)
		return -EINVAL;
	if (c->argument != 1) /* TCIFLUSH, TCIOFLUSH */
		tty_output_take(&pty->tty, dropped, sizeof(dropped));
	if (c->argument != 0) /* TCOFLUSH, TCIOFLUSH */
		pty->pending_tail = pty->pending_head;
	tty_output_sent(&pty->tty);
	pty_move(pty);
	return 0;
}

static long output_waiting(const struct control *c)
{
	return give_int(c, (int)MIN(tty_output_used(&c->pty->tty), (u32)PTY_AT_READER));
}

/* What is written has arrived, as far as the writer can tell; and there is no line to hold in break. */
static long nothing_unsent(const struct control *c)
{
	return give_int(c, 0);
}

static long drained(const struct control *c)
{
	(void)c;
	return 0;
}

static const struct {
	unsigned number;
	long (*run)(const struct control *control);
} controls[] = {
	{ (unsigned)TIOCGPTN, get_number }, { TIOCSPTLCK, set_lock }, { (unsigned)TIOCGPTLCK, get_lock }, { TIOCPKT, set_packet },
	{ (unsigned)TIOCGPKT, get_packet }, { TIOCSIG, send_signal }, { TIOCGPTPEER, open_peer }, { TCXONC, flow }, { TCFLSH, flush },
	{ FIONREAD, output_waiting }, { TIOCOUTQ, nothing_unsent }, { TCSBRK, drained }, { TCSBRKP, drained },
};

long master_ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument)
{
	struct control c = { request, pty_of(file), argument };

	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		if (controls[i].number == command)
			return controls[i].run(&c);
	return tty_ioctl_master(request, file, command, argument);
}
