/*
 * Shared futexes. A key is (object, byte offset) for pages of an object mapped shared, else (address space, address): so processes
 * that map the same file meet, and a vfork child meets its parent. Words are read and written through the page tables.
 */
#include "root/futex.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/root.h"
#include "root/signal.h"

#define BUCKETS 64
#define FUTEX_WAITERS_BIT 0x80000000u
#define FUTEX_OWNER_DIED  0x40000000u
#define FUTEX_TID_MASK    0x3fffffffu
#define ROBUST_LIMIT      2048

struct key {
	u64 object, offset;
};

static struct list_node buckets[BUCKETS];

static struct list_node *bucket_of(const struct key *key)
{
	struct list_node *bucket = &buckets[hash_u64(key->object ^ key->offset * 31) % BUCKETS];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

static struct key key_of(struct space *space, u64 address)
{
	struct region *region = region_at(&space->regions, address);

	if (region && region->object && region->flags & REGION_SHARED)
		return (struct key){ (u64)region->object, region->offset + (address - region->start) };
	return (struct key){ (u64)space, address };
}

/* waiting.a, .b: the key; .c: bitset */
static bool waits_on(const struct thread *thread, const struct key *key)
{
	return thread->waiting.a == key->object && thread->waiting.b == key->offset;
}

static void enqueue(struct thread *thread, const struct key *key)
{
	thread->waiting.a = key->object;
	thread->waiting.b = key->offset;
	list_push_back(bucket_of(key), &thread->waiting.node);
}

void futex_forget(struct thread *thread)
{
	if (list_linked(&thread->waiting.node))
		list_remove(&thread->waiting.node);
}

static unsigned wake(const struct key *key, unsigned count, u64 bitset)
{
	unsigned woken = 0;

	list_for_each_safe(node, bucket_of(key)) {
		struct thread *thread = list_entry(node, struct thread, waiting.node);

		if (woken >= count)
			break;
		if (!waits_on(thread, key) || !(thread->waiting.c & bitset))
			continue;
		thread_answer(thread, 0, 0, 0);
		woken++;
	}
	return woken;
}

unsigned futex_wake_address(struct space *space, u64 address, unsigned count)
{
	struct key key = key_of(space, address);

	return wake(&key, count, ~0ul);
}

static bool address_ok(u64 address)
{
	return !(address & 3) && address < USER_MAX;
}

static void wait_expired(struct timer *timer)
{
	thread_answer(container_of(timer, struct thread, waiting.timer), -ETIMEDOUT, 0, 0);
}

long op_FUTEX_WAIT(struct request *request)
{
	struct thread *caller = request->caller;
	u64 address = request->m[0], deadline = request->m[2];
	struct key key;
	u32 value;

	if (!address_ok(address) || !(u32)request->m[3])
		return -EINVAL;
	if (space_read(caller->space, address, &value, sizeof(value)))
		return -EFAULT;
	if (value != (u32)request->m[1])
		return -EAGAIN;
	if (deadline && deadline <= now_ns())
		return -ETIMEDOUT;
	key = key_of(caller->space, address);
	caller->waiting.c = (u32)request->m[3];
	enqueue(caller, &key);
	if (deadline)
		timer_set(&caller->waiting.timer, deadline, wait_expired);
	return request_keep(request, WAIT_FUTEX);
}

long op_FUTEX_WAKE(struct request *request)
{
	struct key key;

	if (!address_ok(request->m[0]) || !(u32)request->m[2])
		return -EINVAL;
	key = key_of(request->caller->space, request->m[0]);
	return wake(&key, MIN(request->m[1], 0x7ffffffful), (u32)request->m[2]);
}

static unsigned requeue(const struct key *from, const struct key *to, u64 count)
{
	unsigned moved = 0;

	list_for_each_safe(node, bucket_of(from)) {
		struct thread *thread = list_entry(node, struct thread, waiting.node);

		if (moved >= count)
			break;
		if (!waits_on(thread, from))
			continue;
		list_remove(node);
		enqueue(thread, to);
		moved++;
	}
	return moved;
}

long op_FUTEX_REQUEUE(struct request *request)
{
	const u64 *m = request->m;
	struct space *space = request->caller->space;
	struct key from, to;
	unsigned woken;
	u32 value;

	if (!address_ok(m[0]) || !address_ok(m[3]))
		return -EINVAL;
	if (m[4] == 1) {
		if (space_read(space, m[0], &value, sizeof(value)))
			return -EFAULT;
		if (value != (u32)m[5])
			return -EAGAIN;
	}
	from = key_of(space, m[0]);
	to = key_of(space, m[3]);
	woken = wake(&from, MIN(m[1], 0x7ffffffful), ~0ul);
	if (from.object == to.object && from.offset == to.offset)
		return woken;
	return woken + requeue(&from, &to, m[2]);
}

/* ---- robust lists ---- */

long op_ROBUST_LIST(struct request *request)
{
	struct thread *thread = thread_find(request->m[0]);

	if (!thread)
		return -ESRCH;
	if (!may_attach(request->caller->process, thread->process))
		return -EPERM;
	request->out[1] = thread_context(thread)->robust_list;
	return 0;
}

/* The lock is shared with others, who may run on other cores at this moment. `pending`: the thread was about to take or to release it. */
static void release_lock(struct thread *thread, u64 address, bool pending)
{
	u32 value, *word;

	if (!address_ok(address) || space_read(thread->space, address, &value, sizeof(value)))
		return;
	/* it was released, but the next who waits was not woken yet */
	if (pending && !value)
		futex_wake_address(thread->space, address, 1);
	word = (value & FUTEX_TID_MASK) == thread->tid ? space_word(thread->space, address) : NULL;
	if (!word)
		return;
	value = atomic_load_acquire(word);
	do {
		if ((value & FUTEX_TID_MASK) != thread->tid)
			return;
	} while (!atomic_cas(word, &value, (value & FUTEX_WAITERS_BIT) | FUTEX_OWNER_DIED));
	if (value & FUTEX_WAITERS_BIT)
		futex_wake_address(thread->space, address, 1);
}

/* struct robust_list_head: first entry, offset of the lock from an entry, entry being locked or unlocked. Bit 0 of a link says PI. */
void robust_list_walk(struct thread *thread, u64 head)
{
	u64 words[3], entry, next;

	if (head & 7 || head >= USER_MAX || space_read(thread->space, head, words, sizeof(words)))
		return;
	entry = words[0] & ~1ul;
	for (unsigned n = 0; entry != head && n < ROBUST_LIMIT; n++) {
		if (entry >= USER_MAX || space_read(thread->space, entry, &next, sizeof(next)))
			break;
		if (entry != (words[2] & ~1ul))
			release_lock(thread, entry + words[1], false);
		entry = next & ~1ul;
	}
	if (words[2])
		release_lock(thread, (words[2] & ~1ul) + words[1], true);
}
