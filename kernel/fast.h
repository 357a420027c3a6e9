/* What all fast paths are made of: short forms of what the general path does, for cases where nothing is special. */
#ifndef KERNEL_FAST_H
#define KERNEL_FAST_H

#include "kernel/endpoint.h"
#include "kernel/remote.h"
#include "kernel/run_queue.h"
#include "kernel/schedule.h"
#include "kernel/vspace.h"
#ifndef HOST_TEST
#include "kernel/arch/fast.h"
#endif

#define INLINE inline __attribute__((always_inline))

/* The compiler takes it as it is, and works out nothing else from what it was made of. */
#define SETTLE(value) __asm__("" : "+r"(value))

/* The slot of that number; NULL: the CNode has none. */
static INLINE struct cte *slot_in(const struct cte *cnode_cap, u64 number)
{
	struct cnode *cn = cnode_cap->object;
	u64 offset = number * sizeof(struct cte);
	struct cte *slot;

	ASSERT((cn == &cnode_none) == cap_empty(cnode_cap));
	if (unlikely(number >= cn->slots))
		return NULL;
	SETTLE(offset); /* one lea, with the header's size in it */
	slot = (void *)((u8 *)cn->slot + offset);
	SETTLE(slot);
	if (!slot)
		__builtin_unreachable();
	return slot;
}

/* Descriptors first: no CNode has as many slots as CPTR_SYSTEM says. */
static INLINE const struct cte *named(const struct thread *t, u64 cptr)
{
	const struct cte *cap = slot_in(&t->files_cnode, cptr);

	return likely(cap) ? cap : slot_in(&t->system_cnode, cptr - CPTR_SYSTEM);
}

/* ---- queues ---- */

/* The first thread of a queue leaves it, for a state in which its node is on no list. */
static INLINE void queue_pop(struct list_node *head, struct list_node *node)
{
	struct list_node *next = node->next;

	ASSERT(node->prev == head);
	head->next = next;
	next->prev = head;
	if (DEBUG)
		node->next = node->prev = NULL;
}

static INLINE void queue_remove(struct list_node *node)
{
	struct list_node *next = node->next, *prev = node->prev;

	prev->next = next;
	next->prev = prev;
	if (DEBUG)
		node->next = node->prev = NULL;
}

static INLINE void queue_append(struct list_node *head, struct list_node *node)
{
	struct list_node *last = head->prev;

	node->next = head;
	node->prev = last;
	last->next = node;
	head->prev = node;
}

/* ---- switching ---- */

/* Whether nothing waits here that an idle core would be given as this one goes over to another thread (schedule.c). */
static INLINE bool nothing_to_give(const struct core *core)
{
	return core->best < 0 || !idle_mask;
}

/* From the loaded address space to another one. */
static INLINE void space_switch(struct core *core, struct vspace *space, u64 mask)
{
	struct vspace *old = core->space;

	ASSERT(space && old && (old->cores & mask) && (space == old || !(space->cores & mask)));
	if (unlikely(space == old)) {
		core->spaces_kept++;
		return;
	}
	old->cores ^= mask;
	space->cores ^= mask;
	core->space = space;
	arch_load_address_space_fast(space->top_address);
}

/* What runs now that somebody waits in the queue, or waits longer, has a slice that ends. */
static INLINE void watch_slice(struct core *core, const struct thread *running)
{
	if (core->best >= 0 && slice_end(running) < core->slice_alarm)
		schedule_arm_slice(core);
}

/* `next`, which has the core from now on, goes on as it entered the kernel, whatever for. */
static INLINE struct thread *leave_to(struct core *core, struct thread *prev, struct thread *next)
{
	ASSERT((next->affinity & core->mask) && !next->queued && (next->core == core || !thread_runs(next)));
	thread_account(prev, next);
	space_switch(core, next->space, core->mask);
	arch_switch_fast(core, prev, next);
	arch_switch_gs_fast(prev, next);
	next->core = core;
	core->current = next;
	watch_slice(core, next);
	ASSERT(!core->hindered && !remote_flush_pending());
	return next;
}

/* The end of a call after which the same thread runs. */
static INLINE struct thread *stay(struct core *core, struct thread *t)
{
	t->frame.rax = K_OK;
	core->threads_kept++;
	ASSERT(!core->hindered && !remote_flush_pending());
	return t;
}

/* Who has the core when `t` blocks: the first in its queue. NULL: schedule() has to see. */
static INLINE struct thread *next_of(const struct core *core, const struct thread *t)
{
	struct thread *next;

	if (core->best < 0 || core->look || (core->queued > 1 && idle_mask) || t->unusual)
		return NULL;
	ASSERT(!core->handoff);
	next = list_entry(core->queue[core->best].next, struct thread, queue);
	return next->unusual || !next->space ? NULL : next;
}

static INLINE void leave_queue(struct core *core, struct thread *next)
{
	run_queue_leave(next);
	if (unlikely(!list_empty(&core->queue[next->priority])))
		share_taken(core, next);
}

#endif
