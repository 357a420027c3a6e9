/*
 * What a core needs another one to do before it goes on: forget TLB entries, leave an address space, let go of a thread. Who holds the node's lock asks and waits, so there is one request at a time; the others answer in an
 * interrupt, or while they wait for the lock. Answering takes no lock.
 */
#ifndef KERNEL_REMOTE_H
#define KERNEL_REMOTE_H

#include "kernel/object.h"
#include "kernel/thread.h"

/*
 * An entry of vs has lost rights or its page. This core's TLB is seen to at once; the others' by remote_flush_commit, before the lock is
 * released: only then does anyone learn that a page has come free.
 */
void remote_flush_add(struct vspace *vs, u64 address);
void remote_flush_commit(void);
bool remote_flush_pending(void); /* it has not been called yet */
/* No core has vs loaded any more, this one included. */
void remote_leave_space(struct vspace *vs);
/* The thread, which runs on another core, does not any more; what it had entered the kernel for is not done. */
void remote_evict(struct thread *thread);

/* Does what this core has been asked for, if anything. True: its current thread is no longer its own; take the lock and schedule(). */
bool remote_answer(void);

#endif
