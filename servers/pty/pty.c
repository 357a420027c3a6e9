#include "servers/pty/pty.h"

#include "lib/errno.h"
#include "lib/string.h"

static struct pty *ptys[PTYS_MAX];
static unsigned pty_count; /* of them */
static struct list_node gone = { &gone, &gone };

/* As Linux encodes a device number in 32 bits. */
static unsigned device_of(unsigned index)
{
	return PTY_SLAVE_MAJOR << 8 | (index & 0xff) | (index & ~0xffu) << 12;
}

/* ---- the wire ---- */

/* What was written to the master goes into the discipline. */
static bool push_input(struct pty *pty)
{
	bool any = false;

	while (pty->pending_head != pty->pending_tail) {
		u32 at = pty->pending_tail % PTY_PENDING, n = MIN(pty->pending_head - pty->pending_tail, PTY_PENDING - at);
		size_t taken = ldisc_input(&pty->tty.ld, pty->pending + at, n);

		pty->pending_tail += (u32)taken;
		any |= taken > 0;
		if (taken < n)
			break;
	}
	if (any) {
		tty_settle(&pty->tty);
		poll_wake(&pty->poll, LINUX_POLLOUT | LINUX_POLLWRNORM);
	}
	return any;
}

static bool has_news(const struct pty *pty)
{
	return pty->announced != pty->tty.output_head || (pty->packet && pty->status);
}

/* What moves lets more move: readers make room, and echo answers input. Each turn moves bytes that somebody waits with or for, so it ends. */
void pty_move(struct pty *pty)
{
	bool moved;

	if (pty->moving)
		return;
	pty->moving = true;
	do {
		moved = push_input(pty);
		moved |= master_pump_writers(pty);
		moved |= master_pump_readers(pty);
	} while (moved);
	pty->moving = false;
	if (has_news(pty)) {
		pty->announced = pty->tty.output_head;
		poll_wake(&pty->poll, LINUX_POLLIN | LINUX_POLLRDNORM | (pty->packet && pty->status ? LINUX_POLLPRI : 0));
	}
}

static void transmit(struct tty *tty)
{
	pty_move(container_of(tty, struct pty, tty));
}

static void set_status(struct pty *pty, unsigned clear, unsigned set)
{
	if (pty->packet)
		pty->status = (u8)((pty->status & ~clear) | set);
}

static void noted(struct tty *tty, enum ldisc_note note)
{
	struct pty *pty = container_of(tty, struct pty, tty);

	switch (note) {
	case LDISC_STOPPED:
		set_status(pty, PACKET_START, PACKET_STOP);
		break;
	case LDISC_STARTED:
		set_status(pty, PACKET_STOP, PACKET_START);
		break;
	case LDISC_INPUT_FLUSHED:
		set_status(pty, 0, PACKET_FLUSHREAD);
		break;
	}
}

/* What a reader of the master would be given now has arrived there. */
static void flush_output(struct tty *tty)
{
	tty_output_drop(tty, PTY_AT_READER);
	set_status(container_of(tty, struct pty, tty), 0, PACKET_FLUSHWRITE);
}

/* Whether ^S and ^Q stop and start the output: a master that does so itself wants to know. */
static bool usual_flow(const struct tty_termios2 *termios)
{
	return termios->c_iflag & TIO_IXON && termios->c_cc[TIO_VSTOP] == 'S' - '@' && termios->c_cc[TIO_VSTART] == 'Q' - '@';
}

static void configured(struct tty *tty, const struct tty_termios2 *old)
{
	struct pty *pty = container_of(tty, struct pty, tty);
	struct tty_termios2 *termios = &tty->ld.termios;

	if (usual_flow(old) != usual_flow(termios))
		set_status(pty, PACKET_DOSTOP | PACKET_NOSTOP, usual_flow(termios) ? PACKET_DOSTOP : PACKET_NOSTOP);
	if ((old->c_lflag | termios->c_lflag) & TIO_EXTPROC)
		set_status(pty, 0, PACKET_IOCTL);
	/* There is no line that could be otherwise. */
	termios->c_cflag &= ~(u32)(TIO_CSIZE | TIO_PARENB);
	termios->c_cflag |= TIO_CS8 | TIO_CREAD;
}

static const struct tty_wire wire = { .transmit = transmit, .flush_output = flush_output, .configured = configured, .noted = noted,
				      .instant = true, .outlives_session = true };

/* ---- coming and going ---- */

static long free_index(void)
{
	/* of kernel.pty.max Linux gives all but one */
	for (unsigned i = 0; pty_count + 1 < setting(SETTING_PTYS) && i < PTYS_MAX; i++)
		if (!ptys[i])
			return i;
	return -ENOSPC;
}

static void init(struct pty *pty, unsigned index, const struct principal_entry *caller)
{
	tty_init(&pty->tty, &wire, device_of(index), pty->ring, PTY_RING, PTY_RING_LIMIT);
	pty->tty.ld.termios.c_cflag &= ~(u32)TIO_HUPCL;
	list_init(&pty->readers);
	list_init(&pty->writers);
	poll_queue_init(&pty->poll);
	pty->index = index;
	pty->references = 1;
	pty->master_open = pty->locked = true;
	pty->mode = 0620;
	pty->uid = caller ? caller->euid : 0;
	pty->gid = caller ? caller->egid : 0;
	pty->atime = pty->mtime = pty->ctime = kernel_realtime();
}

struct pty *pty_new(const struct request *request, long *error)
{
	long index = free_index();
	struct pty *pty = index < 0 ? NULL : memory_take(sizeof(*pty));

	if (!pty) {
		*error = index < 0 ? index : -ENOMEM;
		return NULL;
	}
	init(pty, (unsigned)index, job_caller(request));
	ptys[index] = pty;
	pty_count++;
	return pty;
}

struct pty *pty_find(unsigned index)
{
	struct pty *pty = index < PTYS_MAX ? ptys[index] : NULL;

	return pty && pty->master_open ? pty : NULL;
}

void pty_hold(struct pty *pty)
{
	pty->references++;
}

void pty_unhold(struct pty *pty)
{
	if (!--pty->references)
		list_push_back(&gone, &pty->gone);
}

void pty_reap(void)
{
	struct pty *pty;

	while ((pty = list_first_entry(&gone, struct pty, gone))) {
		list_remove(&pty->gone);
		ptys[pty->index] = NULL;
		pty_count--;
		tty_forget(&pty->tty);
		memory_free(pty, sizeof(*pty));
	}
}

long pty_open_slave(struct pty *pty, struct request *request, struct open_file *file, unsigned flags)
{
	long error = pty->master_open ? tty_open(&pty->tty, request, file) : -EIO;

	if (error)
		return error;
	if (pty->locked) {
		tty_release(file);
		return -EIO;
	}
	pty_hold(pty);
	pty->slaves++;
	pty->slave_closed = false;
	job_opened(&pty->tty, request, file, flags);
	return 0;
}

void pty_close_slave(struct open_file *file)
{
	struct pty *pty = pty_of(file);

	tty_release(file);
	if (!--pty->slaves) {
		pty->slave_closed = true;
		pty_move(pty);
		poll_wake(&pty->poll, LINUX_POLLHUP);
	}
	pty_unhold(pty);
}

void pty_close_master(struct open_file *file)
{
	struct pty *pty = pty_of(file);

	pty->master_open = false;
	tty_hang_up(&pty->tty, -EIO);
	pty_unhold(pty);
}
