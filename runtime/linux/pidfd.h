/* Descriptors of processes. The event server has them; who is meant is (pid, serial), which root checks. */
#ifndef RUNTIME_LINUX_PIDFD_H
#define RUNTIME_LINUX_PIDFD_H

#include "lib/types.h"
#include "runtime/thread.h"

struct pidfd_target {
	unsigned long pid, serial;
	bool nonblocking;
};

/* -EBADF: no descriptor, or not of a process. */
long pidfd_target(struct thread_record *t, unsigned fd, struct pidfd_target *target);

/* A pidfd of that process at the reserved number `fd`, which is given back on an error. */
long pidfd_open_at(struct thread_record *t, long fd, unsigned long pid, unsigned long serial, unsigned flags);

#endif
