#include "serve/lock.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "serve/memory.h"

#define DEADLOCK_STEPS 256

void lock_table_init(struct lock_table *table)
{
	for (unsigned i = 0; i < LOCK_BUCKETS; i++)
		list_init(&table->buckets[i]);
	table->waiting = 0;
}

static struct list_node *bucket_of(struct lock_table *table, u64 node)
{
	return &table->buckets[hash_u64(node) % LOCK_BUCKETS];
}

struct lock_file *lock_file_find(struct lock_table *table, u64 node, bool make)
{
	struct list_node *bucket = bucket_of(table, node);
	struct lock_file *file;

	list_for_each_entry(at, bucket, struct lock_file, link)
		if (at->node == node)
			return at;
	file = make ? memory_take(sizeof(*file)) : NULL;
	if (!file)
		return NULL;
	file->node = node;
	list_init(&file->ranges);
	list_init(&file->waiters);
	list_push_back(bucket, &file->link);
	return file;
}

void lock_file_tidy(struct lock_file *file)
{
	if (!list_empty(&file->ranges) || !list_empty(&file->waiters))
		return;
	list_remove(&file->link);
	memory_free(file, sizeof(*file));
}

static bool same_owner(const struct lock *a, const struct lock *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

static bool conflicts(const struct lock *held, const struct lock *wanted)
{
	if ((held->kind == LOCK_FLOCK) != (wanted->kind == LOCK_FLOCK) || same_owner(held, wanted))
		return false;
	return held->first <= wanted->last && wanted->first <= held->last && (held->write || wanted->write);
}

/* The one that begins first, which is what F_GETLK shows on Linux too. */
const struct lock *lock_conflict(const struct lock_file *file, const struct lock *wanted)
{
	const struct lock *first = NULL;

	list_for_each_entry(range, &file->ranges, struct lock_range, link)
		if (conflicts(&range->lock, wanted) && (!first || range->lock.first < first->first))
			first = &range->lock;
	return first;
}

static struct lock_range *range_new(const struct lock *lock)
{
	struct lock_range *range = memory_take(sizeof(*range));

	if (range)
		range->lock = *lock;
	return range;
}

static void range_free(struct lock_range *range)
{
	list_remove(&range->link);
	memory_free(range, sizeof(*range));
}

/* Does the range lie strictly inside a held one, so that taking it out leaves two pieces? */
static struct lock_range *range_around(struct lock_file *file, const struct lock *lock)
{
	list_for_each_entry(range, &file->ranges, struct lock_range, link)
		if (same_owner(&range->lock, lock) && range->lock.first < lock->first && lock->last < range->lock.last)
			return range;
	return NULL;
}

/* Cuts [first, last] out of all of the owner's ranges; `spare` is used for the second piece of a split, if there is one. */
static void cut(struct lock_file *file, const struct lock *lock, struct lock_range *spare)
{
	list_for_each_entry_safe(range, &file->ranges, struct lock_range, link) {
		struct lock *held = &range->lock;

		if (!same_owner(held, lock) || held->last < lock->first || lock->last < held->first)
			continue;
		if (held->first >= lock->first && held->last <= lock->last) {
			range_free(range);
		} else if (held->first >= lock->first) {
			held->first = lock->last + 1;
		} else if (held->last <= lock->last) {
			held->last = lock->first - 1;
		} else {
			spare->lock = *held;
			spare->lock.first = lock->last + 1;
			held->last = lock->first - 1;
			list_insert_after(&range->link, &spare->link);
			return;
		}
	}
}

long lock_clear(struct lock_file *file, const struct lock *lock)
{
	struct lock_range *spare = NULL;

	if (range_around(file, lock)) {
		spare = range_new(lock);
		if (!spare)
			return -ENOMEM;
	}
	cut(file, lock, spare);
	return 0;
}

/* Joins the owner's ranges of the same type that touch `fresh`. */
static void join(struct lock_file *file, struct lock_range *fresh)
{
	struct lock *lock = &fresh->lock;

	list_for_each_entry_safe(range, &file->ranges, struct lock_range, link) {
		const struct lock *held = &range->lock;

		if (range == fresh || !same_owner(held, lock) || held->write != lock->write)
			continue;
		if (held->last != LOCK_END && held->last + 1 == lock->first) {
			lock->first = held->first;
			range_free(range);
		} else if (lock->last != LOCK_END && lock->last + 1 == held->first) {
			lock->last = held->last;
			range_free(range);
		}
	}
}

long lock_set(struct lock_file *file, const struct lock *lock)
{
	struct lock_range *fresh = range_new(lock);
	long error = fresh ? lock_clear(file, lock) : -ENOMEM;

	if (error) {
		memory_free(fresh, sizeof(*fresh));
		return error;
	}
	list_push_back(&file->ranges, &fresh->link);
	join(file, fresh);
	return 0;
}

bool lock_drop_owner(struct lock_file *file, enum lock_kind kind, u64 owner)
{
	bool any = false;

	list_for_each_entry_safe(range, &file->ranges, struct lock_range, link) {
		if (range->lock.kind != kind || range->lock.owner != owner)
			continue;
		range_free(range);
		any = true;
	}
	return any;
}

void lock_wait_begin(struct lock_table *table, struct lock_file *file, struct lock_waiter *waiter)
{
	waiter->file = file;
	list_push_back(&file->waiters, &waiter->link);
	table->waiting++;
}

void lock_wait_end(struct lock_table *table, struct lock_waiter *waiter)
{
	list_remove(&waiter->link);
	table->waiting--;
}

/* What the POSIX owner waits for; a process with several waiting threads: the first found. */
static const struct lock_waiter *waiter_of(struct lock_table *table, u64 owner)
{
	for (unsigned i = 0; i < LOCK_BUCKETS; i++)
		list_for_each_entry(file, &table->buckets[i], struct lock_file, link)
			list_for_each_entry(waiter, &file->waiters, struct lock_waiter, link)
				if (waiter->lock.kind == LOCK_POSIX && waiter->lock.owner == owner)
					return waiter;
	return NULL;
}

bool lock_deadlock(struct lock_table *table, const struct lock_file *file, const struct lock *wanted)
{
	const struct lock *blocker = wanted->kind == LOCK_POSIX ? lock_conflict(file, wanted) : NULL;

	for (unsigned steps = 0; table->waiting && blocker && steps < DEADLOCK_STEPS; steps++) {
		const struct lock_waiter *waiter;

		if (blocker->kind != LOCK_POSIX)
			return false;
		if (blocker->owner == wanted->owner)
			return true;
		waiter = waiter_of(table, blocker->owner);
		blocker = waiter ? lock_conflict(waiter->file, &waiter->lock) : NULL;
	}
	return false;
}
