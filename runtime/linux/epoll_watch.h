/* Between epoll.c and epoll_kept.c: an interest list as a thread has fetched it, and what a call reports of it. */
#ifndef RUNTIME_LINUX_EPOLL_WATCH_H
#define RUNTIME_LINUX_EPOLL_WATCH_H

#include "abi/event.h"
#include "runtime/linux/file_poll.h"

/* An interest list, with an item for each entry. */
struct watch {
	unsigned fd;
	unsigned depth;
	unsigned long token, generation, count;
	struct epoll_entry *entries; /* NULL: not fetched */
	struct poll_item *items;
};

/* The kernel's id of a descriptor's server, and its badge. -EBADF */
long epoll_identify(unsigned fd, unsigned long *endpoint, unsigned long *badge);
/* Whether the entry's descriptor is still the file that it was added for. */
bool watch_entry_is_ours(struct thread_record *t, const struct epoll_entry *e);

/* Fetches the list of w->fd: 0 or -errno, with nothing fetched. */
long watch_fetch(struct thread_record *t, struct watch *w);
void watch_items_start(struct watch *w); /* items as for files that nobody has asked; watch_fetch does it with the token of then */
void watch_drop(struct watch *w);
/* Asks to be signalled when the list changes: 1, 0: it already has; -errno. */
long watch_arm_list(struct thread_record *t, struct watch *w, unsigned long bit);

struct report {
	uaddr_t to;
	unsigned long max, count;
	long error;
	bool again;            /* readiness moved while it was looked at */
	unsigned claims;       /* waiting to be claimed */
	unsigned long claimed[EPOLL_CLAIMS_MAX]; /* indices of their entries */
};

void report_put(struct report *r, const struct watch *w, unsigned long i);

/*
 * Waits by way of a list whose files stay armed between calls: 0, with what is ready in `r`, -errno, or 1: this list cannot be kept, and is in `w`.
 */
long kept_wait(struct thread_record *t, struct report *r, struct watch *w, unsigned long deadline);

#endif
