/*
 * The terminal line discipline: what Linux's N_TTY does between a terminal and the programs that read and write it,
 * as a state machine without I/O. It behaves like Linux 6.x down to the bytes echoed.
 *
 *	keys, pty master --> ldisc_input --> queue --> ldisc_read --> programs
 *	                          | echo
 *	screen, pty master <-- ops->emit <-- ldisc_write <-- programs
 *
 * The owner serialises calls. No call blocks: ldisc_need says what a blocked read waits for.
 */
#ifndef LIB_LDISC_H
#define LIB_LDISC_H

#include "lib/bitmap.h"
#include "lib/termios.h"

#define LDISC_QUEUE 4096 /* a line has at most 4095 bytes and its end */
#define LDISC_HELD 4096

/* Linux's numbers, for ops->signal. */
enum { LDISC_SIGINT = 2, LDISC_SIGQUIT = 3, LDISC_SIGTSTP = 20 };

/* What the other end of a pty is told in packet mode. */
enum ldisc_note { LDISC_STOPPED, LDISC_STARTED, LDISC_INPUT_FLUSHED };

/* Called from inside the calls below; they must not call back into the discipline. None is NULL. */
struct ldisc_ops {
	void (*emit)(void *ctx, const u8 *bytes, size_t n); /* to the terminal */
	void (*signal)(void *ctx, int signal);              /* to the foreground process group */
	void (*flush_output)(void *ctx);                    /* discard what was emitted and is not yet shown */
	void (*note)(void *ctx, enum ldisc_note note);      /* output stops or goes on; input was flushed */
};

struct ldisc {
	const struct ldisc_ops *ops;
	void *ctx;
	struct tty_termios2 termios;
	struct tty_termios locked; /* flags, and characters that are not 0, are not changed in termios */
	struct tty_winsize winsize;

	/* Positions count bytes since the last flush; modulo LDISC_QUEUE they index the queue. */
	u32 head, tail;
	u32 canon; /* the end of the last whole line, tail <= canon <= head; stale in other modes, as Linux's */
	u8 queue[LDISC_QUEUE];
	u64 line_end[BITMAP_WORDS(LDISC_QUEUE)]; /* the queue's bytes that end a line; a 0 there is VEOF */
	u64 special[BITMAP_WORDS(256)];          /* the bytes that the settings give a meaning */

	bool literal;       /* VLNEXT came: the next byte has no meaning */
	bool erasing;       /* between the \ and / of ECHOPRT */
	bool stopped;       /* output is stopped, by VSTOP or by TCXONC */
	bool suspended;     /* ... by TCXONC: only that restarts it */
	bool throttled;     /* IXOFF: VSTOP was sent to the terminal */
	u32 column;         /* of the cursor */
	u32 canon_column;   /* where the line being typed began */
	u32 held_head, held_tail;
	u8 held[LDISC_HELD]; /* echo that waits for output to restart; the oldest is lost if it is full */
};

/* Linux's settings for a new terminal: canonical, echoing, 38400 baud. `ops` stays in use. */
void ldisc_init(struct ldisc *ld, const struct ldisc_ops *ops, void *ctx);

/* ---- input ---- */

/*
 * Takes bytes from the terminal (or TIOCSTI). Returns how many: fewer than `n` when the queue is full of input that
 * can be read; offer the rest after a read.
 */
size_t ldisc_input(struct ldisc *ld, const void *bytes, size_t n);

/* How many bytes ldisc_input would surely take now. In canonical mode an unfinished line always takes more. */
size_t ldisc_input_room(const struct ldisc *ld);

/* A serial line's break, and a byte with a parity or framing error. */
void ldisc_input_break(struct ldisc *ld);
void ldisc_input_error(struct ldisc *ld, u8 byte);

/* ---- reading ---- */

/*
 * Takes what can be read now: in canonical mode at most one line, else up to `n` bytes. Returns the number of bytes;
 * 0 also for end-of-file in canonical mode; -EAGAIN if nothing can be read yet.
 */
s64 ldisc_read(struct ldisc *ld, void *buf, size_t n);

/* What a read() of `n` bytes that has got `have` still needs before it returns to the program. */
struct ldisc_need {
	size_t bytes;  /* 0: it returns now */
	u32 tenths;    /* or when this many tenths of a second pass without input; 0: no limit */
};

/*
 * VMIN and VTIME, as Linux. `have` counts the bytes the call got so far. In canonical mode a call that read once,
 * even 0 bytes, is over. Ask again, restarting the timer, whenever bytes came.
 */
struct ldisc_need ldisc_need(const struct ldisc *ld, size_t n, size_t have);

/* Whether a read would give something. For poll VMIN counts too (unless VTIME is set). */
bool ldisc_readable(const struct ldisc *ld);
bool ldisc_poll_in(const struct ldisc *ld);

/* FIONREAD: bytes that can be read, in canonical mode of whole lines. */
size_t ldisc_pending(const struct ldisc *ld);

/* ---- output ---- */

/*
 * A program's output. Emits at most `room` bytes and returns how many of `n` it took: 0 while output is stopped.
 * One byte may become 8 (a tab as spaces).
 */
size_t ldisc_write(struct ldisc *ld, const void *bytes, size_t n, size_t room);

/* TOSTOP: background processes that write get SIGTTOU. */
static inline bool ldisc_tostop(const struct ldisc *ld)
{
	return ld->termios.c_lflag & TIO_TOSTOP;
}

/* TCXONC's TCOOFF and TCOON; its TCIOFF and TCION, which send VSTOP and VSTART to the terminal. */
void ldisc_suspend_output(struct ldisc *ld);
void ldisc_resume_output(struct ldisc *ld);
void ldisc_send_flow(struct ldisc *ld, bool stop);

/* TCFLSH: TCIFLUSH, TCOFLUSH. */
void ldisc_flush_input(struct ldisc *ld);
void ldisc_flush_output(struct ldisc *ld);

/* ---- settings ---- */

void ldisc_get_termios(const struct ldisc *ld, struct tty_termios *termios);

/*
 * TCSETS and TCSETS2: at once. For TCSETSW wait first until what was emitted is shown; for TCSETSF also call
 * ldisc_flush_input before. Unread input stays: leaving canonical mode makes an unfinished line readable, entering
 * it makes what is there a finished one. Afterwards readers and writers should look again.
 */
void ldisc_set_termios(struct ldisc *ld, const struct tty_termios *termios);
void ldisc_set_termios2(struct ldisc *ld, const struct tty_termios2 *termios);

/* True if it changed: then the foreground group gets SIGWINCH. */
bool ldisc_set_winsize(struct ldisc *ld, const struct tty_winsize *winsize);

#endif
