/*
 * The node's lock: one for all that the kernel knows. It is held from soon after a kernel entry to its end, with interrupts off. What is done
 * without it: a foreign system call's hop into the gate (entry.S), which reads only what belongs to the core's current thread.
 *
 * Test and set, not a queue: entries are short, and where the cores are threads of a host that has fewer, a queue would wait for one that is
 * not running. Who waits answers the requests of other cores meanwhile (remote.h): the holder may be waiting for just that.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "kernel/thread.h"

extern u32 node_lock_word;

/* Waits. False: `thread`, which entered the kernel on this core, was taken off it meanwhile; then something else is to run. */
bool node_lock_wait(const struct thread *thread);

static inline bool node_trylock(void)
{
	return !(__atomic_fetch_or(&node_lock_word, 1, __ATOMIC_ACQUIRE) & 1);
}
static inline bool node_lock(const struct thread *thread)
{
	return likely(node_trylock()) || node_lock_wait(thread);
}
static inline void node_unlock(void)
{
	__atomic_store_n(&node_lock_word, 0, __ATOMIC_RELEASE);
}

#endif
