/* Which thread runs. Run queues by priority, shares by weight within one (share.h); deadlines; accounting. */
#ifndef KERNEL_SCHEDULE_H
#define KERNEL_SCHEDULE_H

#include "kernel/thread.h"

void schedule_init(struct core *core, struct thread *idle);
u64 schedule_cores(void); /* a bit for each core that runs threads */
extern u64 idle_mask;     /* of those: run their idle thread, and nobody has put anything in their queue since */
/* The thread has become ready (its state is set here): it joins a run queue, unless it is stopped. */
void thread_ready(struct thread *thread);
/* The same, and it is what this core runs next, if its affinity lets it and nothing better is ready: the receiver of a message. */
void thread_hand_off(struct thread *thread);
/* The core that suits a thread best that becomes ready. */
struct core *schedule_choose_core(const struct thread *thread);
/* Out of whatever run queue it is in; its state is the caller's to set. */
void thread_unready(struct thread *thread);
/* Ends a blocked thread's call with an error in rax, and makes it ready. */
void thread_wake(struct thread *thread, int error);
/* Takes a blocked thread off the queue it waits on and its deadline; state becomes inactive until the caller sets it. */
void thread_unblock(struct thread *thread);
/* A deadline for a thread that blocks now (0: none). */
void thread_set_deadline(struct thread *thread, u64 deadline_ns);
void thread_clear_deadline(struct thread *thread);
/* What runs now: the current thread if it still can and nothing better is ready. Switches address space and registers' owners. */
struct thread *schedule(void);
/* The end of every kernel entry: schedules only if something changed. */
struct thread *schedule_if_needed(struct thread *current);
extern u64 share_credit; /* SHARE_CREDIT_NS in arch_ticks */
/* When the slice of the running thread ends, in arch_ticks. */
static inline u64 slice_end(const struct thread *running)
{
	return running->slice_limit - running->cpu_ticks;
}
/* Who waits in the core's queues gets his turn when the current thread's slice ends, or is looked at then. Nothing to do if core->slice_alarm is not later than that. */
void schedule_arm_slice(struct core *core);
void schedule_yield(struct thread *current);
/* The core has something new to look at: it chooses again before it leaves the kernel; another core is interrupted for it. */
void schedule_notice(struct core *core);
/* It runs and queues for a core at another priority. */
void thread_set_priority(struct thread *thread, u8 priority);
/* Its affinity or its being stopped has changed. */
void thread_reconsider(struct thread *thread);
void schedule_expire(u64 now); /* from the timer: deadlines and the slice */

#endif
