/* What the fast path leaves to the general one: syscall.c. The node's lock is held, and released by these. */
#ifndef KERNEL_FASTPATH_H
#define KERNEL_FASTPATH_H

#include "lib/types.h"

struct thread;

/* Any kernel call; the thread that runs next. */
struct thread *kernel_call(struct thread *t, u64 number);
/* Another core has taken the thread off this one while it waited for the lock: what it came for is dropped. */
struct thread *kernel_call_lost(void);

#endif
