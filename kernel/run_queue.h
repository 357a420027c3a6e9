/* The queues of one core. Who changes them sees to `needed`. */
#ifndef KERNEL_RUN_QUEUE_H
#define KERNEL_RUN_QUEUE_H

#include "kernel/share.h"
#include "kernel/thread.h"

/* `front`: to end its slice; else in its place among its equals. */
static inline __attribute__((always_inline)) void run_queue_enter(struct core *core, struct thread *thread, bool front)
{
	struct list_node *queue = &core->queue[thread->priority];

	ASSERT(!thread->queued && !thread->stopped);
	if (list_empty(queue))
		list_push_front(queue, &thread->queue);
	else
		share_insert(core, thread, front);
	core->bitmap[thread->priority >> 6] |= BIT(thread->priority & 63);
	core->best = MAX(core->best, (int)thread->priority);
	core->queued++;
	thread->core = core;
	thread->queued = 1;
}

/* When the queue of its best priority has become empty: nothing is above. */
static inline int run_queue_next_best(const struct core *core)
{
	for (int i = core->best >> 6; i >= 0; i--)
		if (core->bitmap[i])
			return i * 64 + 63 - __builtin_clzll(core->bitmap[i]);
	return -1;
}

static inline __attribute__((always_inline)) void run_queue_leave(struct thread *thread)
{
	struct core *core = thread->core;

	list_remove(&thread->queue);
	thread->queued = 0;
	core->queued--;
	if (!list_empty(&core->queue[thread->priority]))
		return;
	core->bitmap[thread->priority >> 6] &= ~BIT(thread->priority & 63);
	if (thread->priority == core->best)
		core->best = run_queue_next_best(core);
}

#endif
