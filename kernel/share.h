/*
 * The order of equals. Threads of one priority share a core in proportion to their weights: each has a *virtual time*, the time it has run divided by its
 * weight, and the one that has had least is first. Each queue has a clock, the greatest virtual time at which one of its threads was taken to run. A thread
 * enters a queue at its own time, but
 * - not before the clock less SHARE_CREDIT: who has waited is ahead of those who compute, and has saved up no more than that;
 * - not later than two of its own slices after it: nobody waits for longer than for others to have had that, whatever it had before and wherever.
 * So a thread that comes from another queue, with another clock, brings at most that much along.
 *
 * A slice is in proportion to the weight, too, so that little weight is a short slice rather than a long wait for the others.
 * A thread without weight takes turns: it enters at the clock, that is at the end, and has the slice that it was given, or none.
 *
 * The fast path knows nothing of this: virtual time is made from the running time, which is kept anyway, and only when a second thread enters a queue: of
 * one alone it would order nothing. So all have entered where there are two or more, and one that is alone may have. A thread that is pushed off its core
 * goes to the front, whatever its time: to end its slice.
 */
#ifndef KERNEL_SHARE_H
#define KERNEL_SHARE_H

#include "kernel/thread.h"

#define SLICE_NS        4000000ull /* with the common weight or more */
#define SLICE_LEAST_NS  1000000ull
#define SHARE_CREDIT_NS SLICE_NS
/* As far as a place in the order is looked for, from either end: it is exact among so many. */
#define SHARE_LOOKED_AT 32

/* A new thread's: the common weight. */
void share_init(struct thread *thread);
/* Weight 0: takes turns, with slices of that many ns, 0 for none. */
void share_set(struct thread *thread, u32 weight, u64 slice_ns);
/* Into the queue of its priority on that core, which is not empty: to the front, or in its place. */
void share_insert(struct core *core, struct thread *thread, bool front);
/* Whether one in the core's queue comes before its current thread, by what both have had. False if their priorities differ. */
bool share_before_current(struct core *core, struct thread *thread);

/* It was taken from the core's queue, and others are still there. */
static inline void share_taken(struct core *core, const struct thread *thread)
{
	u64 *clock = &core->clock[thread->priority];

	*clock = MAX(*clock, thread->share_time);
}

/* Boot option seed=NUMBER: slices have random lengths, the same with the same number, from a 4,096th of a slice to a whole one. */
void share_configure(const char *command_line);
/* How long its next slice is, in arch_ticks. */
u64 share_slice(const struct thread *thread);

static inline void slice_begin(struct thread *thread)
{
	thread->slice_limit = thread_ticks(thread) + share_slice(thread);
}

#endif
