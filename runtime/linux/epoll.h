/* epoll as its own calls, poll and close need it. */
#ifndef RUNTIME_LINUX_EPOLL_H
#define RUNTIME_LINUX_EPOLL_H

#include "lib/types.h"

struct thread_record;
struct poller;

/* A descriptor that is in some epoll list is about to be closed: lists of this process's epoll descriptors forget it. */
void epoll_forget(struct thread_record *t, unsigned fd);

#endif
