/*
 * The node's lock: one for all that the kernel knows. It is held from soon after a kernel entry to its end, with interrupts off. What is done
 * without it: a foreign system call's hop into the gate (entry.S), which reads only what belongs to the core's current thread.
 *
 * A core that finds it free takes it: no queue, since entries are short, and where the cores are threads of a host that has fewer, a queue would wait for
 * one that is not running. But one that has been passed over for LOCK_PATIENCE_NS says that it comes next, and the others stand back for it.
 *
 * They do so for LOCK_STAND_BACK looks at the free lock: many times what a core that runs needs to take it. The claim of one that does not run, because its host has
 * something else to do, lapses then; otherwise all cores wait for that one, until the host comes round to it, again and again: each has waited for long
 * when it runs once more, and claims in turn.
 *
 * Who waits answers the requests of other cores meanwhile (remote.h): the holder may be waiting for just that.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "kernel/thread.h"

#define LOCK_PATIENCE_NS 20000000ull
#define LOCK_STAND_BACK  100

/* 0: free, and nobody claims it. */
union node_lock {
	u32 word;
	struct {
		u8 held;
		u8 next; /* the core that comes next, by its number + 1; 0: who is first */
	};
};
_Static_assert(CORE_MAX < 256, "a core's number fits");
extern union node_lock node_lock_state;

/* Waits. False: `thread`, which entered the kernel on this core, was taken off it meanwhile; then something else is to run. */
bool node_lock_wait(const struct thread *thread);

static inline bool node_lock_held(u32 seen)
{
	return seen & 0xff;
}

static inline bool node_lock_take(u32 seen)
{
	return __atomic_compare_exchange_n(&node_lock_state.word, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
static inline bool node_trylock(void)
{
	return node_lock_take(0);
}
static inline bool node_lock(const struct thread *thread)
{
	return likely(node_trylock()) || node_lock_wait(thread);
}
static inline void node_unlock(void)
{
	__atomic_store_n(&node_lock_state.held, 0, __ATOMIC_RELEASE);
}

#endif
