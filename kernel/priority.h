/*
 * The priority that a thread runs at: the highest of
 * - its own;
 * - that of whom it *serves*: the caller whose Reply is where it received last, as long as that waits. It ends as the thread answers, forwards or receives again;
 *   a request that is kept for later is none that it works on;
 * - that of the first caller in the queue of the Endpoint where it received last, which waits for it.
 * Of several threads that serve one Endpoint and are all at work each is raised for who is queued there: any may be the next to receive.
 *
 * So a caller that waits for a server is never held up by threads of less priority than its own, and neither is that by whom the server itself waits for: what a
 * blocked thread's priority becomes, is passed on along the chain of calls. Each thread's is worked out anew from what stands directly before it (endpoint->servers
 * and the Reply are the only links there are), whenever one of the three changes. Nothing is remembered of who raised whom.
 *
 * Calls may lead in a circle: a server that calls the Endpoint that it serves, two that wait for each other. Each would then find in the other's priority a reason for
 * its own, long after what raised them is gone. So what may have lost its reason, and waits, is first put back to its own priority, with all that it raises in turn;
 * only then is raised again what somebody else gives a reason for. Every raised priority is thus some thread's own, at the other end of a chain of waiting threads.
 *
 * A change is passed on over CHAIN_MOST calls, to so many servers of an Endpoint and so many threads in all: that bounds what one kernel call does. Who is beyond
 * has the right priority when it receives, answers or forwards the next time, or at the end of its slice.
 *
 * Most calls go to a server whose priority is no less than the caller's, and raise nobody: those are the ones that the fast path does. A thread that is raised is
 * `boosted`, part of thread.unusual, so what it does goes by the general path; the Reply of whom it serves is marked, so that another thread which answers in its
 * stead goes by the general path, too.
 */
#ifndef KERNEL_PRIORITY_H
#define KERNEL_PRIORITY_H

#include "kernel/object.h"
#include "kernel/thread.h"

#define CHAIN_MOST 8

extern unsigned priority_boosted; /* how many threads are */

/* Something has changed that its priority follows from. */
void priority_update(struct thread *thread);
/* It will receive from `ep`: it serves nobody, and those who are queued there wait for it. */
void priority_receives_anew(struct thread *thread, struct endpoint *ep);
static inline void priority_receives(struct thread *thread, struct endpoint *ep)
{
	if (unlikely(thread->receives != ep || thread->boosted || !(ep->receiving || list_empty(&ep->queue))))
		priority_receives_anew(thread, ep);
}
/* It receives nowhere any more: it ends, or the Endpoint does. */
void priority_receives_nowhere(struct thread *thread);
/* A caller has been received: nobody else is given anything before the receiver is made ready. */
static inline void priority_serves(struct thread *receiver, const struct thread *caller)
{
	if (unlikely(caller->priority > receiver->priority))
		priority_update(receiver);
}
/* It has answered, or forwarded, or its slice is over: whatever it had that priority for, here it is looked at, however many serve beside it. */
static inline void priority_review(struct thread *thread)
{
	if (unlikely(thread->boosted))
		priority_update(thread);
}
/* A caller waits: into the queue, before those of less priority. */
void priority_queue(struct endpoint *ep, struct thread *caller);
/* A caller is not queued at, or served from, that Endpoint any more. */
void priority_update_boosted(const struct endpoint *ep);
static inline void priority_caller_left(const struct endpoint *ep)
{
	if (unlikely(priority_boosted))
		priority_update_boosted(ep);
}

#endif
