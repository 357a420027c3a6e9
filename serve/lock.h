/*
 * File locks: POSIX record locks (owner: a process), OFD locks (owner: an open file) and flock (owner: an open file). Pure: knows no requests.
 *
 * The table holds, for each node that has locks or waiters, its ranges and who waits for some. POSIX and OFD locks exclude one another; flocks
 * are a world of their own. Ranges of one owner and kind never overlap and never touch with the same type: they are split and joined as needed.
 */
#ifndef SERVE_LOCK_H
#define SERVE_LOCK_H

#include "lib/list.h"
#include "lib/types.h"

enum lock_kind {
	LOCK_POSIX = 1,
	LOCK_OFD = 2,
	LOCK_FLOCK = 3,
};

#define LOCK_END UINT64_MAX /* the last byte of a range without an end */

struct lock {
	enum lock_kind kind;
	u64 owner;
	u64 first, last; /* inclusive */
	bool write;
	unsigned pid;    /* who F_GETLK names; -1 for OFD locks */
	u64 file;        /* badge of the open file that it was set by: only for showing */
};

struct lock_range {
	struct list_node link; /* by owner and first */
	struct lock lock;
};

struct lock_waiter {
	struct list_node link;
	struct lock_file *file;
	struct lock lock;
};

struct lock_file {
	struct list_node link; /* in its bucket */
	u64 node;
	struct list_node ranges, waiters;
};

#define LOCK_BUCKETS 64

struct lock_table {
	struct list_node buckets[LOCK_BUCKETS];
	unsigned waiting;
};

void lock_table_init(struct lock_table *table);

/* NULL if the node has none; with `make` NULL means no memory. lock_file_tidy() frees one that has become empty. */
struct lock_file *lock_file_find(struct lock_table *table, u64 node, bool make);
void lock_file_tidy(struct lock_file *file);

/* A lock that `wanted` cannot live with; NULL: none. */
const struct lock *lock_conflict(const struct lock_file *file, const struct lock *wanted);

/* Sets the range for the owner: replaces what it had there. No conflict may exist. -ENOMEM: nothing has changed. */
long lock_set(struct lock_file *file, const struct lock *lock);
/* Takes the range away. -ENOMEM: a split was not possible, nothing has changed. */
long lock_clear(struct lock_file *file, const struct lock *lock);
/* Everything of an owner. True: there was something. */
bool lock_drop_owner(struct lock_file *file, enum lock_kind kind, u64 owner);

/* Waiting: the caller puts a waiter in and out; wakes in order of arrival. */
void lock_wait_begin(struct lock_table *table, struct lock_file *file, struct lock_waiter *waiter);
void lock_wait_end(struct lock_table *table, struct lock_waiter *waiter);

/* Whether waiting for `wanted` would close a circle of POSIX owners that wait for one another. */
bool lock_deadlock(struct lock_table *table, const struct lock_file *file, const struct lock *wanted);

#endif
