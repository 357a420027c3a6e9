/* What the parts of a kernel entry leave to each other. The node's lock is held, and released by these when they do not return NULL. */
#ifndef KERNEL_FASTPATH_H
#define KERNEL_FASTPATH_H

#include "lib/types.h"

struct core;
struct thread;

/* syscall.c: any kernel call; the thread that runs next. */
struct thread *kernel_call(struct thread *t, u64 number);
/* Another core has taken the thread off this one while it waited for the lock: what it came for is dropped. */
struct thread *kernel_call_lost(void);

/* fast_signal.c: the thread that runs next; NULL: nothing is done, it is the general path's. */
struct thread *fast_signal(struct core *core, struct thread *t);
struct thread *fast_wait(struct core *core, struct thread *t);

#endif
