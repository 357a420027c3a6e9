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

#endif
