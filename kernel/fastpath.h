/* What the parts of a kernel entry leave to each other. The node's lock is held. */
#ifndef KERNEL_FASTPATH_H
#define KERNEL_FASTPATH_H

#include "lib/types.h"

struct core;
struct thread;

/* syscall.c: any kernel call; the thread that runs next. The lock is released. */
struct thread *kernel_call(struct thread *t, u64 number);
/* Another core has taken the thread off this one while it waited for the lock: what it came for is dropped. */
struct thread *kernel_call_lost(void);

/* The thread that runs next; NULL: nothing is done, it is the general path's. */
/* fast_reply.c */
struct thread *fast_reply(struct core *core, struct thread *t);
struct thread *fast_recv(struct core *core, struct thread *t);
/* fast_signal.c */
struct thread *fast_signal(struct core *core, struct thread *t);
struct thread *fast_wait(struct core *core, struct thread *t);
/* copy.c: a copy that is done in one part */
struct thread *fast_copy(struct core *core, struct thread *t);
/* fast_fault.c: a page fault, pte: the page's entry or NULL; and a ReplyRecv that may be the answer to one. */
struct thread *fast_fault(struct core *core, struct thread *t, const u64 *pte);
struct thread *fast_fault_answer(struct core *core, struct thread *t);

#endif
