/*
 * Page faults: a call by the thread to its fault Endpoint, with LABEL_FAULT, and its answer (abi/kernel.h). fault.c; the fast path is fast_fault.c.
 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include "kernel/endpoint.h"
#include "kernel/vspace.h"

/* The entry for the page that the thread's fault is about; NULL: there is no table for it. */
static inline u64 *fault_entry(const struct thread *t)
{
	return t->space ? vspace_entry_of(t->space, t->fault_words[0]) : NULL;
}

/* What the thread's frame says becomes its call. */
static inline void fault_begin(struct thread *t)
{
	t->call_info = LABEL_FAULT;
	t->call_badge = 0;
	t->fault_words[0] = t->frame.address;
	t->fault_words[1] = t->frame.rip;
	t->fault_words[2] = t->frame.error;
	t->fault_words[3] = (s64)t->frame.rip < 0;
}

/* The message's words. The page is described as it is now: the fault may have waited while the handler mended the same page for another thread. */
static inline void fault_describe(struct thread *to, const struct thread *from, const u64 *pte)
{
	u64 entry = 0, count = 0;

	if (pte)
		vspace_describe(*pte, &entry, &count);
	to->frame.rdx = from->fault_words[0];
	to->frame.r8 = from->fault_words[1];
	to->frame.r9 = from->fault_words[2];
	to->frame.r10 = from->fault_words[3];
	to->frame.rbx = entry;
	to->frame.r12 = count;
}

/* A page fault has just come, its address and error in the frame. */
void fault_send(struct thread *t);
/* Nobody will answer what is queued: the program gets it. */
void fault_undeliverable(struct thread *t);
/* The thread, of which nothing knows any more that it waits, goes on as the answer's first word says. */
void fault_answer(struct thread *t, u64 verdict);

#endif
