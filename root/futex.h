/* Shared futexes: keyed by (object, offset), or by (address space, address) for private memory. */
#ifndef ROOT_FUTEX_H
#define ROOT_FUTEX_H

#include "root/process.h"

/* Wakes at most `count` waiters at that address of the space. */
unsigned futex_wake_address(struct space *space, u64 address, unsigned count);
/* Marks the locks that a dead thread held: bounded, every access checked. */
void robust_list_walk(struct thread *thread, u64 head);
/* The thread waits no more. */
void futex_forget(struct thread *thread);

#endif
