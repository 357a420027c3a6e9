/*
 * States of the lock: tail NULL, free; else tail is the last node of the queue whose first node belongs to the owner. A waiter links
 * itself behind the node it found as tail; the owner hands over to its successor by storing granted, then wakes it. The
 * successor may already see granted and be gone, so its thread index is read before; a wake-up that comes late is one bit too many in
 * t->notified, and every waiter on NOTIFY_WAKE looks at its own condition again.
 */
#include "runtime/lock.h"

#include "lib/atomic.h"
#include "runtime/call.h"

static inline struct lock_node *node_find(struct thread_record *t, const struct rt_lock *lock)
{
	if (likely(t->lock_nodes[0].lock == lock))
		return &t->lock_nodes[0];
	for (unsigned i = 0; i < LOCK_DEPTH; i++)
		if (t->lock_nodes[i].lock == lock)
			return &t->lock_nodes[i];
	__builtin_trap(); /* not held, or too many held */
}

void rt_lock(struct rt_lock *lock)
{
	struct thread_record *t = current();
	struct lock_node *node = node_find(t, NULL), *before;

	node->lock = lock;
	node->next = NULL;
	node->granted = 0;
	node->thread = t->index;
	before = atomic_exchange(&lock->tail, node);
	if (!before)
		return;
	atomic_store_release(&before->next, node);
	while (!atomic_load_acquire(&node->granted))
		if (rt_wait(t, NOTIFY_WAKE, false, 0) < 0)
			cpu_relax();
}

static void thread_wake(unsigned thread)
{
	struct ipc ipc = { .target = CPTR_SYSTEM | (SLOT_THREADS + thread) };

	kcall_ipc(KCALL_signal, &ipc);
}

void rt_unlock(struct rt_lock *lock)
{
	struct thread_record *t = current();
	struct lock_node *node = node_find(t, lock);
	struct lock_node *next = atomic_load_acquire(&node->next);

	if (!next) {
		struct lock_node *expected = node;

		if (atomic_cas(&lock->tail, &expected, NULL)) {
			node->lock = NULL;
			return;
		}
		/* somebody is between taking its place as tail and linking itself */
		while (!(next = atomic_load_acquire(&node->next))) {
			struct ipc ipc = { 0 };

			kcall_ipc(KCALL_yield, &ipc);
		}
	}
	node->lock = NULL;
	unsigned thread = next->thread;
	atomic_store_release(&next->granted, 1);
	thread_wake(thread);
}

void rt_lock_reset(struct rt_lock *lock)
{
	struct thread_record *t = current();

	for (unsigned i = 0; i < LOCK_DEPTH; i++)
		if (t->lock_nodes[i].lock == lock)
			t->lock_nodes[i].lock = NULL;
	if (lock->tail) /* a forked child that does not write does not copy the page */
		lock->tail = NULL;
}
