#include "runtime/linux/futex.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "runtime/call.h"
#include "runtime/linux/signal.h"

#define BUCKETS 16 /* so few that the runtime's data is one page, which each fork copies */

struct bucket {
	struct rt_lock lock;
	struct list_node waiters; /* next NULL: never used, empty */
};

struct futex_waiter {
	struct list_node node;
	struct bucket *bucket;   /* changes under the locks of both */
	uaddr_t address;
	u32 bitset;
	unsigned thread;
	unsigned woken;
};

static struct bucket buckets[BUCKETS];

static struct bucket *bucket_of(uaddr_t address)
{
	return &buckets[hash_u64(address) % BUCKETS];
}

static void bucket_lock(struct bucket *b)
{
	rt_lock(&b->lock);
	if (!b->waiters.next)
		list_init(&b->waiters);
}

/* Both, in the order of their addresses; they may be the same. */
static void bucket_lock_two(struct bucket *a, struct bucket *b)
{
	bucket_lock(a < b ? a : b);
	if (a != b)
		bucket_lock(a < b ? b : a);
}

static void bucket_unlock_two(struct bucket *a, struct bucket *b)
{
	rt_unlock(&a->lock);
	if (a != b)
		rt_unlock(&b->lock);
}

static void waiter_wake(struct futex_waiter *w)
{
	struct ipc ipc = { .target = CPTR_SYSTEM | (SLOT_THREADS + w->thread) };

	list_remove(&w->node);
	atomic_store_release(&w->woken, 1);
	kcall_ipc(KCALL_signal, &ipc);
}

/* The waiter's bucket, locked. */
static struct bucket *waiter_lock(struct futex_waiter *w)
{
	for (;;) {
		struct bucket *b = atomic_load_acquire(&w->bucket);

		bucket_lock(b);
		if (w->bucket == b)
			return b;
		rt_unlock(&b->lock);
	}
}

/* Waits for `woken`; if something else comes first, leaves the queue. */
static long waiter_sleep(struct thread_record *t, struct futex_waiter *w, unsigned long deadline)
{
	while (!atomic_load_acquire(&w->woken)) {
		long result = rt_wait(t, NOTIFY_WAKE, true, deadline);
		struct bucket *b;

		if (result >= 0)
			continue;
		b = waiter_lock(w);
		if (!w->woken)
			list_remove(&w->node);
		else
			result = 0;
		rt_unlock(&b->lock);
		return result;
	}
	return 0;
}

long futex_wait(struct thread_record *t, uaddr_t address, u32 expected, u32 bitset, unsigned long deadline)
{
	struct futex_waiter w = { .bucket = bucket_of(address), .address = address, .bitset = bitset, .thread = t->index };
	u32 value;
	long error;

	bucket_lock(w.bucket);
	error = user_load32(address, &value);
	if (!error && value != expected)
		error = -EAGAIN;
	if (!error)
		list_push_back(&w.bucket->waiters, &w.node);
	rt_unlock(&w.bucket->lock);
	return error ? error : waiter_sleep(t, &w, deadline);
}

static unsigned bucket_wake(struct bucket *b, uaddr_t address, unsigned count, u32 bitset)
{
	unsigned woken = 0;

	list_for_each_entry_safe(w, &b->waiters, struct futex_waiter, node) {
		if (woken == count)
			break;
		if (w->address == address && w->bitset & bitset) {
			waiter_wake(w);
			woken++;
		}
	}
	return woken;
}

long futex_wake(uaddr_t address, unsigned count, u32 bitset)
{
	struct bucket *b = bucket_of(address);
	unsigned woken;

	bucket_lock(b);
	woken = bucket_wake(b, address, count, bitset);
	rt_unlock(&b->lock);
	return woken;
}

static unsigned bucket_move(struct bucket *from, uaddr_t address, struct bucket *to, uaddr_t new_address, unsigned count)
{
	unsigned moved = 0;

	list_for_each_entry_safe(w, &from->waiters, struct futex_waiter, node) {
		if (moved == count)
			break;
		if (w->address != address)
			continue;
		moved++;
		w->address = new_address;
		if (from == to)
			continue;
		list_remove(&w->node);
		list_push_back(&to->waiters, &w->node);
		atomic_store_release(&w->bucket, to);
	}
	return moved;
}

long futex_requeue(uaddr_t from, unsigned wake, unsigned move, uaddr_t to, bool compare, u32 expected, unsigned *moved)
{
	struct bucket *a = bucket_of(from), *b = bucket_of(to);
	long result = 0;
	u32 value;

	*moved = 0;
	bucket_lock_two(a, b);
	if (compare) {
		result = user_load32(from, &value);
		if (!result && value != expected)
			result = -EAGAIN;
	}
	if (!result) {
		result = bucket_wake(a, from, wake, ~0u);
		if (from != to)
			*moved = bucket_move(a, from, b, to, move);
	}
	bucket_unlock_two(a, b);
	return result;
}

void futex_fork_child(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		if (!buckets[i].waiters.next)
			continue;
		rt_lock_init(&buckets[i].lock); /* the forking thread held none of them */
		list_init(&buckets[i].waiters);
	}
}
