/*
 * The runtime's lock: a queue lock (MCS) whose waiters sleep on their thread's Notification. Never interrupted by signals, not
 * recursive. The queue's node comes from the thread record, so at most LOCK_DEPTH are held at once.
 *
 * Order (outermost first): process, sighand, fs, files, descriptor-private ones, futex buckets, heap.
 * Fork takes process, sighand, fs, files and heap; the child makes all of them new.
 */
#ifndef RUNTIME_LOCK_H
#define RUNTIME_LOCK_H

#include "lib/types.h"

#define LOCK_DEPTH 8

struct rt_lock;

struct lock_node {
	struct lock_node *next;
	struct rt_lock *lock;     /* NULL: the node is free */
	unsigned int granted;
	unsigned int thread;      /* index of the thread area, for waking it */
};

struct rt_lock {
	struct lock_node *tail;   /* NULL: free */
};

static inline void rt_lock_init(struct rt_lock *lock)
{
	lock->tail = NULL;
}

void rt_lock(struct rt_lock *lock);
void rt_unlock(struct rt_lock *lock);

/* In a forked child, of a lock that the forking thread held or that nobody can hold: free, whoever was queued. */
void rt_lock_reset(struct rt_lock *lock);

#endif
