/* File locks: against a model that knows, for each byte and owner, what is held. */
// sources: serve/lock.c
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "counted_memory.h"
#include "lib/hash.h"
#include "serve/lock.h"
#include "serve/memory.h"

static struct lock_table table;

static struct lock lock_of(enum lock_kind kind, u64 owner, u64 first, u64 last, bool write)
{
	return (struct lock){ .kind = kind, .owner = owner, .first = first, .last = last, .write = write, .pid = (unsigned)owner };
}

static long set(u64 node, struct lock lock)
{
	struct lock_file *file = lock_file_find(&table, node, true);

	if (lock_conflict(file, &lock))
		return -EAGAIN;
	return lock_set(file, &lock);
}

static void unlock(u64 node, struct lock lock)
{
	lock_clear(lock_file_find(&table, node, true), &lock);
}

static size_t ranges(u64 node)
{
	struct lock_file *file = lock_file_find(&table, node, false);

	return file ? list_length(&file->ranges) : 0;
}

static void drop_all(u64 node, enum lock_kind kind, u64 owner)
{
	struct lock_file *file = lock_file_find(&table, node, true);

	lock_drop_owner(file, kind, owner);
	lock_file_tidy(file);
}

static void ranges_split_and_join(void)
{
	lock_table_init(&table);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 7, 0, 99, true)), 0);
	unlock(1, lock_of(LOCK_POSIX, 7, 40, 59, false));
	CHECK_EQ(ranges(1), 2);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 8, 40, 59, true)), 0);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 8, 39, 59, true)), -EAGAIN);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 8, 59, 60, false)), -EAGAIN);
	unlock(1, lock_of(LOCK_POSIX, 8, 0, LOCK_END, false));
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 7, 40, 59, true)), 0);
	CHECK_EQ(ranges(1), 1);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 7, 10, 19, false)), 0);
	CHECK_EQ(ranges(1), 3);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 7, 100, LOCK_END, true)), 0);
	CHECK_EQ(ranges(1), 3);
	drop_all(1, LOCK_POSIX, 7);
	CHECK_EQ(allocated, 0);
}

static void readers_share_writers_do_not(void)
{
	lock_table_init(&table);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 1, 0, 9, false)), 0);
	CHECK_EQ(set(1, lock_of(LOCK_OFD, 1, 5, 9, false)), 0);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 1, 5, 5, true)), -EAGAIN);
	CHECK_EQ(set(1, lock_of(LOCK_POSIX, 1, 0, 4, true)), 0);
	/* flock knows nothing of them. */
	CHECK_EQ(set(1, lock_of(LOCK_FLOCK, 2, 0, LOCK_END, true)), 0);
	CHECK_EQ(set(1, lock_of(LOCK_FLOCK, 3, 0, LOCK_END, false)), -EAGAIN);
	CHECK_EQ(set(2, lock_of(LOCK_FLOCK, 3, 0, LOCK_END, true)), 0);
	drop_all(1, LOCK_POSIX, 1);
	drop_all(1, LOCK_OFD, 1);
	drop_all(1, LOCK_FLOCK, 2);
	drop_all(2, LOCK_FLOCK, 3);
	CHECK_EQ(allocated, 0);
}

static void circles_are_found(void)
{
	struct lock_waiter one = { .lock = lock_of(LOCK_POSIX, 1, 0, 0, true) }, two = { .lock = lock_of(LOCK_POSIX, 2, 0, 0, true) };
	struct lock wanted = lock_of(LOCK_POSIX, 3, 0, 0, true), harmless = lock_of(LOCK_POSIX, 4, 0, 0, true);

	lock_table_init(&table);
	set(11, lock_of(LOCK_POSIX, 1, 0, 0, true));
	set(12, lock_of(LOCK_POSIX, 2, 0, 0, true));
	set(13, lock_of(LOCK_POSIX, 3, 0, 0, true));
	/* 1 waits for 2, 2 for 3: 3 must not wait for 1, 4 may. */
	CHECK(!lock_deadlock(&table, lock_file_find(&table, 12, false), &one.lock));
	lock_wait_begin(&table, lock_file_find(&table, 12, false), &one);
	CHECK(!lock_deadlock(&table, lock_file_find(&table, 13, false), &two.lock));
	lock_wait_begin(&table, lock_file_find(&table, 13, false), &two);
	CHECK(lock_deadlock(&table, lock_file_find(&table, 11, false), &wanted));
	CHECK(!lock_deadlock(&table, lock_file_find(&table, 11, false), &harmless));
	lock_wait_end(&table, &one);
	CHECK(!lock_deadlock(&table, lock_file_find(&table, 11, false), &wanted));
	lock_wait_end(&table, &two);
	for (u64 i = 1; i <= 3; i++)
		drop_all(10 + i, LOCK_POSIX, i);
	CHECK_EQ(allocated, 0);
}

#define BYTES  24
#define OWNERS 3

static u8 model[OWNERS][BYTES]; /* 0 none, 1 read, 2 write */

static bool model_conflict(unsigned owner, u64 first, u64 last, bool write)
{
	for (unsigned other = 0; other < OWNERS; other++)
		for (u64 i = first; other != owner && i <= last; i++)
			if (model[other][i] == 2 || (model[other][i] && write))
				return true;
	return false;
}

static void check_model(void)
{
	struct lock_file *file = lock_file_find(&table, 5, true);
	u8 real[OWNERS][BYTES] = { 0 };

	list_for_each_entry(range, &file->ranges, struct lock_range, link)
		for (u64 i = range->lock.first; i <= range->lock.last; i++) {
			CHECK_EQ(real[range->lock.owner][i], 0);
			real[range->lock.owner][i] = range->lock.write ? 2 : 1;
		}
	CHECK(!memcmp(real, model, sizeof(real)));
}

static void random_locks_are_as_the_model_says(void)
{
	u64 state = 42;

	lock_table_init(&table);
	for (int i = 0; i < 20000 && !CHECK_FAILED(); i++) {
		u64 random = splitmix64_next(&state), first = random % BYTES, last = first + (random >> 8) % (BYTES - first);
		unsigned owner = (random >> 16) % OWNERS, type = (random >> 24) % 3;
		struct lock lock = lock_of(LOCK_OFD, owner, first, last, type == 2);

		if (!type) {
			unlock(5, lock);
		} else if (model_conflict(owner, first, last, type == 2)) {
			CHECK_EQ(set(5, lock), -EAGAIN);
			continue;
		} else {
			CHECK_EQ(set(5, lock), 0);
		}
		memset(&model[owner][first], (int)type, last - first + 1);
		check_model();
	}
	for (u64 owner = 0; owner < OWNERS; owner++)
		lock_drop_owner(lock_file_find(&table, 5, true), LOCK_OFD, owner);
	lock_file_tidy(lock_file_find(&table, 5, true));
	CHECK_EQ(allocated, 0);
}

int main(void)
{
	RUN(ranges_split_and_join);
	RUN(readers_share_writers_do_not);
	RUN(circles_are_found);
	RUN(random_locks_are_as_the_model_says);
	return check_result();
}
