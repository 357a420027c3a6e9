/* Between the files of tty/; servers do not include it. */
#ifndef TTY_INTERNAL_H
#define TTY_INTERNAL_H

#include "tty/tty.h"

/* All terminals of the server. */
extern struct list_node tty_all;

/* ---- transfer.c ---- */
void tty_pump_readers(struct tty *tty);
void tty_pump_writers(struct tty *tty);
/* When the reader whose VTIME ends next is due; 0: there is none. */
unsigned long tty_reader_deadline(const struct tty *tty);
/* Readers whose VTIME ran out return what they have. */
void tty_expire_readers(struct tty *tty, unsigned long now);
/* Some reader of some terminal has a deadline. */
bool tty_readers_timed(void);
/* Everybody who waits is answered: readers with what they have, or `nothing`; others with -EIO. */
void tty_end_waiters(struct tty *tty, long nothing);

/* ---- job.c ---- */
long job_acquire(struct tty *tty, const struct open_file *file, const struct principal_entry *caller, bool steal);
long job_release(struct tty *tty, const struct principal_entry *caller);
long job_set_group(struct tty *tty, const struct principal_entry *caller, unsigned group);

/* ---- ioctl.c ---- */
/* A drainer's turn has come: the output is out. */
long tty_drained(struct request *request);

#endif
