/*
 * Waiting for files to become ready: what poll, select and epoll share.
 *
 * An item is asked for by FILE_POLL with a copy of the thread's own Notification, whose badge is one of POLL_BITS: the server signals it once
 * when the file may have become ready. The bit says which items to ask again; two items may share one. Signals that nobody waits for any
 * more only cause another look.
 */
#ifndef RUNTIME_LINUX_FILE_POLL_H
#define RUNTIME_LINUX_FILE_POLL_H

#include "lib/types.h"
#include "runtime/thread.h"
#include "runtime/uaccess.h"

#define POLL_BIT_FIRST 8 /* a badge has 32 bits; the lowest are rt_wait's */
#define POLL_BIT_COUNT 24
#define POLL_BITS (((1ul << POLL_BIT_COUNT) - 1) << POLL_BIT_FIRST)
#define POLL_BIT(i) (1ul << (POLL_BIT_FIRST + (i) % POLL_BIT_COUNT))
#define POLL_NEST_MAX 5 /* epoll instances in epoll instances */

struct poll_item {
	int fd;                 /* negative: never ready */
	unsigned events;        /* POLL bits asked for */
	unsigned ready;         /* POLL bits found, POLLERR POLLHUP POLLNVAL among them */
	bool armed;
	unsigned depth;         /* epoll instances that it was found in */
	unsigned long counter;  /* of readiness, as the server counts it */
	unsigned long token;    /* unlike that of every other arming of the thread */
};

/* How an item is asked: `bit` 0: not armed. */
void poll_ask(struct thread_record *t, struct poll_item *item, unsigned long bit);
/* Arms it although it is ready. 1, or 0: not armed, since its counter has moved since poll_ask; -errno. */
long poll_arm_edge(struct thread_record *t, struct poll_item *item, unsigned long bit);
void poll_disarm(struct thread_record *t, struct poll_item *item);
/* The thread does not wait for that file now; its server may keep the Notification for the next time. */
void poll_rest(unsigned fd, unsigned long token);

/*
 * Asks for all items, and waits until one is ready. `deadline`: absolute, 0 none, DEADLINE_NOW: only looks. How many are ready, or
 * -ERESTARTSYS. Nothing is armed afterwards.
 */
long poll_wait(struct thread_record *t, struct poll_item *items, unsigned long count, unsigned long deadline);

/* Waits for what was armed: the POLL_BITS to ask again, -ETIMEDOUT or -ERESTARTSYS. */
long poll_sleep(struct thread_record *t, unsigned long deadline);

/* The deadline of a timeout. POLL_FOREVER (0) for none. */
#define POLL_FOREVER 0ul
unsigned long deadline_of_ms(long ms);                                   /* negative: forever */
unsigned long deadline_of_timeval(unsigned long seconds, unsigned long microseconds);
long deadline_of_timespec(uaddr_t timespec, unsigned long *deadline);    /* address 0: forever. -EFAULT, -EINVAL */
/* Writes back what is left, as ppoll and pselect6 do; a fault there is not reported. unit_ns 1: timespec, 1000: timeval. */
void deadline_left(uaddr_t to, unsigned long deadline, unsigned long unit_ns);

/* For an item that is an epoll descriptor: POLLIN | POLLRDNORM or 0, its entries (and the list itself) armed with `bit` if not ready. */
unsigned epoll_ask(struct thread_record *t, const struct poll_item *item, unsigned long bit);
void epoll_disarm(struct thread_record *t, const struct poll_item *item);

#endif
