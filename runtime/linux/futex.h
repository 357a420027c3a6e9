/*
 * Private futexes: queues of waiters by address, in the process's own memory. A waiter is on the queue of one bucket, under that bucket's
 * lock; requeue may move it to another, so who wants to leave looks at `bucket` again after locking. The waker takes it off, then stores
 * `woken`, then signals the thread; after `woken` the waiter's memory is the waiter's again.
 */
#ifndef RUNTIME_LINUX_FUTEX_H
#define RUNTIME_LINUX_FUTEX_H

#include "lib/types.h"
#include "runtime/thread.h"
#include "runtime/uaccess.h"

/* 0 woken, -EAGAIN the word differs, -EFAULT, -ETIMEDOUT, -ERESTARTSYS. deadline 0: none. */
long futex_wait(struct thread_record *t, uaddr_t address, u32 expected, u32 bitset, unsigned long deadline);
/* How many were woken. */
long futex_wake(uaddr_t address, unsigned count, u32 bitset);
/* Wakes up to `wake`, moves up to `move` more to the other address; with `compare` only if the word at `from` is `expected` (-EAGAIN). */
long futex_requeue(uaddr_t from, unsigned wake, unsigned move, uaddr_t to, bool compare, u32 expected, unsigned *moved);

/* In a forked child nobody waits. */
void futex_fork_child(void);

#endif
