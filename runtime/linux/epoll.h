/* epoll as its own calls, poll and close need it. */
#ifndef RUNTIME_LINUX_EPOLL_H
#define RUNTIME_LINUX_EPOLL_H

#include "lib/types.h"

struct thread_record;
struct poller;

/* A descriptor that is in some epoll list is about to be closed: lists of this process's epoll descriptors forget it. */
void epoll_forget(struct thread_record *t, unsigned fd);

/* These POLL_BITS of the thread's Notification have been taken: its kept list, if there is one, must know. */
void epoll_signalled(struct thread_record *t, unsigned long bits);
/* The thread's kept list is freed: it ends, or is another process's now, which nobody signals for the old one. */
void epoll_let_go(struct thread_record *t);

#endif
