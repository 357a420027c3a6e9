/*
 * The terminals: serial lines under a line discipline (lib/ldisc.h). One struct tty a line; /dev/console is the first line, /dev/tty the
 * terminal of the caller's session.
 *
 *   uart --> ldisc --> readers          who waits: requests on one of three lists
 *   uart <-- output ring <-- ldisc <-- writers, echo
 *
 * The first line works by interrupts. The others are sent to by polling, and looked at for input by a timer while somebody wants it.
 */
#ifndef CONSOLE_TTY_H
#define CONSOLE_TTY_H

#include "lib/ldisc.h"
#include "serve/serve.h"
#include "servers/console/uart.h"

#define TTY_LINES      4
#define TTY_OUTPUT     8192 /* bytes that wait for the transmitter */
#define TTY_ECHO_ROOM  512  /* of them, kept from writers: for echo */
#define TTY_ERESTARTSYS 512 /* the caller was signalled: its runtime restarts the call or returns EINTR */

struct tty {
	unsigned index;            /* ttyS number */
	struct uart uart;
	bool interrupts;           /* works by interrupt; else by polling */
	struct ldisc ld;
	unsigned settings_flags, settings_speed; /* c_cflag, speed that the uart has */

	u8 output[TTY_OUTPUT];
	u32 output_head, output_tail; /* count bytes; modulo TTY_OUTPUT */
	u8 unread[LDISC_QUEUE];    /* read, but the reader's memory was not there: goes to the next read */
	unsigned unread_at, unread_end;

	struct list_node readers, writers, drainers; /* requests */
	struct list_node files;    /* open files */
	struct poll_queue poll;

	unsigned session, group;   /* whose controlling terminal it is: sid, foreground pgid; 0: nobody's */
	unsigned long leader;      /* principal of a thread of the session's leader */
	bool exclusive;
};

extern struct tty ttys[TTY_LINES];

static inline struct tty *tty_of(const struct open_file *file)
{
	return file->data;
}

/* The file was open when its terminal hung up: reads end, everything else fails. */
#define FILE_HUNG_UP(file) ((file)->words[0])

static inline u32 tty_output_used(const struct tty *tty)
{
	return tty->output_head - tty->output_tail;
}

/* ---- tty.c ---- */
void tty_init(struct tty *tty, unsigned index);
/* Sends what the transmitter takes, arranges for the rest, and lets writers and drainers go on. */
void tty_transmit(struct tty *tty);
/* Takes what was received and lets readers go on. */
void tty_receive(struct tty *tty);
/* Readers, writers and pollers look again after a change of settings or flow. */
void tty_settle(struct tty *tty);
void tty_interrupt(void);
unsigned long tty_deadline(void);
void tty_expired(void);

/* ---- transfer.c ---- */
long tty_read(struct request *request, struct open_file *file, u64 offset, size_t length);
long tty_write(struct request *request, struct open_file *file, u64 offset, size_t length);
unsigned tty_poll(struct request *request, struct open_file *file);
void tty_pump_readers(struct tty *tty);
void tty_pump_writers(struct tty *tty);
/* Readers whose VTIME ran out return what they have. Returns the earliest time still to come; 0: none. */
unsigned long tty_reader_deadline(const struct tty *tty);
void tty_expire_readers(struct tty *tty, unsigned long now);
/* Everybody who waits is answered: readers with 0, others with -EIO. */
void tty_end_waiters(struct tty *tty);

/* ---- job.c: sessions and job control ---- */
const struct principal_entry *job_caller(const struct request *request);
/* Whether the tty is the caller's controlling terminal. */
bool job_controls(const struct tty *tty, const struct principal_entry *caller);
/* 0: the caller may go on; else -EIO or -TTY_ERESTARTSYS, its group was sent `signal` (SIGTTIN, SIGTTOU). */
long job_check(struct request *request, const struct tty *tty, int signal);
void job_signal(const struct tty *tty, int signal);
/* A session's leader opens a terminal: it becomes the session's if neither has one. */
void job_opened(struct tty *tty, const struct principal_entry *caller);
long job_acquire(struct tty *tty, const struct principal_entry *caller, bool steal);
long job_release(struct tty *tty, const struct principal_entry *caller);
long job_set_group(struct request *request, struct tty *tty, unsigned group);
struct tty *job_terminal(const struct principal_entry *caller);
/* NOTICE_SESSION: leaders that are gone leave their terminals hung up. */
void job_sweep(void);
void tty_hang_up(struct tty *tty);

/* ---- ioctl.c ---- */
long tty_ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument);
/* A drainer's turn has come: the output is out. */
long tty_drained(struct request *request);

#endif
