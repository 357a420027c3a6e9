/*
 * Terminals: what the console and the ptys share. A terminal is a line discipline (lib/ldisc.h), what waits for it, and whose controlling
 * terminal it is; its *wire*, a serial port or the master of a pty, is its server's.
 *
 *   wire --> tty_input --> ldisc --> readers          who waits: requests on one of three lists
 *   wire <-- output ring <-- ldisc <-- writers, echo
 *
 * A server calls tty_settle() after whatever may let readers, writers or pollers go on, and its wire's transmit() is called when there may be
 * output to send.
 */
#ifndef TTY_TTY_H
#define TTY_TTY_H

#include "lib/ldisc.h"
#include "serve/serve.h"

/* Inodes that two servers show, and st_dev of /dev, which dev serves. */
#define TTY_FILES_MINOR 6
#define TTY_SELF_INO    102
#define TTY_PTMX_INO    110

#define TTY_ERESTARTSYS 512 /* the caller was signalled: its runtime restarts the call or returns EINTR */

struct tty;

/* Members that a wire lacks are NULL. */
struct tty_wire {
	/* Output may be in the ring: sends what can be sent now with tty_output_take(), and says tty_output_sent() if that made room. Required. */
	void (*transmit)(struct tty *tty);
	/* Before a read or poll: takes input that does not announce itself. */
	void (*receive)(struct tty *tty);
	/* The settings changed. May correct them. */
	void (*configured)(struct tty *tty, const struct tty_termios2 *old);
	/* Holds the line in break, or ends that. */
	void (*set_break)(struct tty *tty, bool on);
	/* The modem lines as TIOCM_ bits, or a negative errno. */
	long (*modem)(struct tty *tty);
	void (*set_modem)(struct tty *tty, unsigned lines);
	/* Output was stopped or started, input flushed. */
	void (*noted)(struct tty *tty, enum ldisc_note note);
	/* Output that was not sent is to be dropped (tty_output_drop). Required. */
	void (*flush_output)(struct tty *tty);
	/* What is in the ring counts as sent: nobody waits for it (tcdrain), and TIOCOUTQ is 0. */
	bool instant;
	/* The end of the session's leader does not hang the terminal up. */
	bool outlives_session;
};

struct tty {
	const struct tty_wire *wire;
	unsigned device;           /* Linux device number, as TIOCGDEV and /proc/PID/stat show it */
	struct list_node link;     /* in the list of all terminals */
	struct ldisc ld;

	u8 *output;                /* the ring, the wire's */
	u32 output_size;           /* of the ring, a power of two */
	u32 output_limit;          /* what writers may fill; the rest is for echo */
	u32 output_head, output_tail; /* count bytes; modulo output_size */
	u8 unread[LDISC_QUEUE];    /* read, but the reader's memory was not there: goes to the next read */
	unsigned unread_at, unread_end;

	struct list_node readers, writers, drainers; /* requests */
	struct list_node files;    /* open files */
	struct poll_queue poll;

	unsigned session, group;   /* whose controlling terminal it is: sid, foreground pgid; 0: nobody's */
	unsigned long leader;      /* principal of a thread of the session's leader */
	bool exclusive;
};

/* An open file of a terminal has it in file->data. */
static inline struct tty *tty_of(const struct open_file *file)
{
	return file->data;
}

/* The file was open when its terminal hung up: reads end, everything else fails. */
#define FILE_HUNG_UP(file) ((file)->words[0])

/* ---- tty.c ---- */
void tty_init(struct tty *tty, const struct tty_wire *wire, unsigned device, u8 *ring, u32 size, u32 limit);
/* Nobody has it open, waits for it or has it as controlling terminal any more. */
void tty_forget(struct tty *tty);
/* The opener may have it: 0, -EBUSY. Then the file is one of the terminal's. */
long tty_open(struct tty *tty, struct request *request, struct open_file *file);
void tty_release(struct open_file *file);

static inline u32 tty_output_used(const struct tty *tty)
{
	return tty->output_head - tty->output_tail;
}

/* Output that a drainer waits for, and TIOCOUTQ counts. */
static inline u32 tty_output_unsent(const struct tty *tty)
{
	return tty->wire->instant ? 0 : tty_output_used(tty);
}

/* Takes up to `n` bytes of output; gives back the last `n` of those taken; drops all but the first `keep`. */
u32 tty_output_take(struct tty *tty, u8 *to, u32 n);
void tty_output_give_back(struct tty *tty, u32 n);
void tty_output_drop(struct tty *tty, u32 keep);
/* Output was taken: writers, drainers and pollers go on. */
void tty_output_sent(struct tty *tty);
/* Readers, writers and pollers look again after input, a change of settings or flow. */
void tty_settle(struct tty *tty);
/* The server's `deadline` and `expired`, for readers with VTIME. */
unsigned long tty_deadline(void);
void tty_expired(void);

/* The server's `message`. */
long tty_message(struct request *request);

/* ---- transfer.c ---- */
long tty_read(struct request *request, struct open_file *file, u64 offset, size_t length);
long tty_write(struct request *request, struct open_file *file, u64 offset, size_t length);
unsigned tty_poll(struct request *request, struct open_file *file);

/* ---- job.c: sessions and job control ---- */
const struct principal_entry *job_caller(const struct request *request);
/* Whether the tty is the caller's controlling terminal. */
bool job_controls(const struct tty *tty, const struct principal_entry *caller);
/* The caller's controlling terminal among those of this server; NULL: none. */
struct tty *job_terminal(const struct principal_entry *caller);
/* 0: the caller may go on; else -EIO or -TTY_ERESTARTSYS, its group was sent `signal` (SIGTTIN, SIGTTOU). */
long job_check(struct request *request, const struct tty *tty, int signal);
void job_signal(const struct tty *tty, int signal);
/*
 * A session's leader opens a terminal for reading, without O_NOCTTY: it becomes the session's if neither has one. file->flags has O_NOCTTY no
 * more; `flags` are the first word of FILE_OPEN or FILE_REOPEN.
 */
void job_opened(struct tty *tty, const struct request *request, const struct open_file *file, unsigned flags);
/* NOTICE_SESSION: leaders that are gone lose their terminals. */
void job_sweep(void);
/* The line is gone: open files see it, the session's leader is told. Reads that wait without a byte return `nothing`. */
void tty_hang_up(struct tty *tty, long nothing);

/* O_ASYNC: the foreground group owns what nobody has claimed. */
bool tty_async(const struct open_file *file, unsigned *owner);

/* ---- ioctl.c ---- */
long tty_ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument);
/* A command that came by the other end: the master of a pty. Only those that concern both ends are known there. */
long tty_ioctl_master(struct request *request, struct open_file *file, unsigned command, unsigned long argument);

#endif
