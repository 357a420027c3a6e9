/* What threads are scheduled by: nice value and policy of their own, and what they inherit from those who wait for their priority-inheritance locks. */
#ifndef ROOT_PRIORITY_H
#define ROOT_PRIORITY_H

#include "root/process.h"

/* Linux's numbers. */
enum policy { POLICY_NORMAL = 0, POLICY_FIFO = 1, POLICY_RR = 2, POLICY_BATCH = 3, POLICY_IDLE = 5, POLICY_DEADLINE = 6 };

static inline bool policy_real_time(unsigned policy)
{
	return policy == POLICY_FIFO || policy == POLICY_RR;
}

/* Whom getpriority and the like mean. */
enum { WHICH_PROCESS, WHICH_GROUP, WHICH_USER };
bool priority_means(const struct thread *t, u64 which, u32 who, const struct thread *caller);

/* The kernel's priority by what is the thread's own. */
u8 priority_own(const struct thread *thread);
/* A thread that the kernel has with that priority and a new one's share: it gets its own. */
void priority_configured(struct thread *thread);
/* It has changed, or who waits for what the thread holds has: the kernel is told, and whom the thread itself waits for. */
void priority_update(struct thread *thread);
/* Policy and nice value of a new thread. */
void priority_inherit(struct thread *thread, const struct thread *maker);

/* ---- SCHED_DEADLINE (deadline.c) ---- */

bool deadline_valid(const struct deadline *d);
/* The thread has that from now on, beside or instead of what it had. 0, -EBUSY: it would be too much with the others'; -ENOMEM. Then nothing has changed. */
int deadline_set(struct thread *thread, const struct deadline *wanted);
void deadline_clear(struct thread *thread);
/* By exec: another thread becomes this one. */
void deadline_move(struct thread *to, struct thread *from);
void deadline_configured(struct thread *thread); /* it has a new kernel thread */
/* What servers did for the role's threads beyond their budgets and the debt that those pay, ns. */
u64 deadline_overrun(u32 role);

#endif
