/*
 * SchedContexts: so much running time (*budget*) in each *period*. A thread that has one (its *owner*) runs only while something of the budget is left; then it
 * waits for the period's end, which brings the next budget. Among equals that have one, or run on one that was lent, the one whose *deadline* in its period is nearest
 * runs first.
 *
 * A context is with one thread at a time, its *runner*; so it is used on one core at most. It is *lent* with a call: a receiver that has none of its own
 * runs on the caller's, until it answers, forwards, receives again, or ends; and lends it on when it calls. lender and borrower link the threads of such a
 * chain, from the owner on, of LENT_MOST at most; who would be the next runs without, as servers do for callers that have none. What is lent is always taken back
 * from the end of the chain at once, whatever the threads in between do; so nothing of it is left where a context or a thread goes.
 *
 * A budget that ends while it is lent does not stop the server: it goes on, and the budget is in debt, by one budget at most. The owner waits for the periods
 * that pay for it. What goes beyond is counted as overrun, which whoever made the context may charge to the role.
 *
 * A thread that has to do with any of this is `budgeted`, part of thread.unusual: so the fast path never meets one, and others pay nothing.
 */
#ifndef KERNEL_SCHED_CONTEXT_H
#define KERNEL_SCHED_CONTEXT_H

#include "kernel/thread.h"

#define LENT_MOST 8

struct sched_context {
	u32 caps;
	u32 reserved;
	struct thread *owner;       /* bound to it; NULL: nobody */
	struct thread *runner;      /* whose running time counts; NULL without owner */
	u64 budget, period, deadline; /* ns */
	s64 left;                   /* of the budget, ns; below 0: debt */
	u64 period_end, due;        /* absolute, ns */
	u64 counted;                /* of the runner's running time */
	u64 consumed, overrun;      /* ns */
};
_Static_assert(sizeof(struct sched_context) <= 1 << SCHED_CONTEXT_SIZE_BITS, "size");

/* The receiver takes a caller's message. */
void context_lend(struct thread *caller, struct thread *receiver);
/* What the thread has lent comes back to it. Nothing to do if that is nothing. */
void context_return(struct thread *lender);
/* A thread that becomes ready: its period may begin, or its budget be used up; then it is stopped (STOPPED_BUDGET) until the period's end. */
void context_wake(struct thread *thread);
/* The end of the period for which it was stopped. It is ready; the caller lets it run if it is no more stopped. */
void context_period_ended(struct thread *thread);
/* Its thread runs: when is the budget used up, ns; ~0: it runs on another's, or none. */
u64 context_end(const struct thread *thread);
/* At a timer's interrupt: if the running thread has used its budget up, it is stopped, or its next period, with a later deadline, has begun. */
void context_expire(struct thread *thread);
/* It gives away the rest of its period. */
void context_yield(struct thread *thread);
/* The thread ends, or loses what it runs on. */
void context_thread_gone(struct thread *thread);

/* Whether it runs on its own. */
static inline bool context_own(const struct thread *thread)
{
	return thread->context_own && thread->runs_on == thread->context_own;
}

/* Whether it stands in the order of deadlines: the owner, or who runs on what it lent at its priority. */
static inline bool context_ordered(const struct thread *thread)
{
	return thread->runs_on && thread->priority == thread->runs_on->owner->priority;
}

#endif
