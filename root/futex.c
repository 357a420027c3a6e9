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
#define ROBUST_LIMIT      2048

static struct list_node buckets[BUCKETS];

static struct list_node *bucket_of(const struct futex_key *key)
{
	struct list_node *bucket = &buckets[hash_u64(key->object ^ key->offset * 31) % BUCKETS];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

struct futex_key futex_key_of(struct space *space, u64 address)
{
	struct region *region = region_at(&space->regions, address);

	if (region && region->object && region->flags & REGION_SHARED)
		return (struct futex_key){ (u64)region->object, region->offset + (address - region->start) };
	return (struct futex_key){ (u64)space, address };
}

/* waiting.a, .b: the key; .c: bitset; .d: where it waits to be moved to, see futex_pi.c */
static bool waits_on(const struct thread *thread, const struct futex_key *key)
{
	return thread->waiting.a == key->object && thread->waiting.b == key->offset;
}

struct thread *futex_waiter(const struct futex_key *key, struct thread *after)
{
	struct list_node *bucket = bucket_of(key);

	for (struct list_node *node = after ? after->waiting.node.next : bucket->next; node != bucket; node = node->next)
		if (waits_on(list_entry(node, struct thread, waiting.node), key))
			return list_entry(node, struct thread, waiting.node);
	return NULL;
}

static void enqueue(struct thread *thread, const struct futex_key *key)
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

static long wake(const struct futex_key *key, unsigned count, u64 bitset)
{
	unsigned woken = 0;

	list_for_each_safe(node, bucket_of(key)) {
		struct thread *thread = list_entry(node, struct thread, waiting.node);

		if (woken >= count)
			break;
		if (!waits_on(thread, key))
			continue;
		if (thread->waiting.d)
			return -EINVAL;
		if (!(thread->waiting.c & bitset))
			continue;
		thread_answer(thread, 0, 0, 0);
		woken++;
	}
	return woken;
}

long futex_wake_address(struct space *space, u64 address, unsigned count)
{
	struct futex_key key = futex_key_of(space, address);

	return wake(&key, count, ~0ul);
}

bool futex_address_ok(u64 address)
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
	struct futex_key key;
	u32 value;

	if (!futex_address_ok(address) || !futex_address_ok(request->m[4]) || !(u32)request->m[3])
		return -EINVAL;
	if (space_read(caller->space, address, &value, sizeof(value)))
		return -EFAULT;
	if (value != (u32)request->m[1])
		return -EAGAIN;
	if (deadline && deadline <= now_ns())
		return -ETIMEDOUT;
	key = futex_key_of(caller->space, address);
	caller->waiting.c = (u32)request->m[3];
	caller->waiting.d = request->m[4];
	enqueue(caller, &key);
	if (deadline)
		timer_set(&caller->waiting.timer, deadline, wait_expired);
	return request_keep(request, WAIT_FUTEX);
}

long op_FUTEX_WAKE(struct request *request)
{
	struct futex_key key;

	if (!futex_address_ok(request->m[0]) || !(u32)request->m[2])
		return -EINVAL;
	key = futex_key_of(request->caller->space, request->m[0]);
	return wake(&key, MIN(request->m[1], 0x7ffffffful), (u32)request->m[2]);
}

static long requeue(const struct futex_key *from, const struct futex_key *to, u64 count)
{
	unsigned moved = 0;

	list_for_each_safe(node, bucket_of(from)) {
		struct thread *thread = list_entry(node, struct thread, waiting.node);

		if (moved >= count)
			break;
		if (!waits_on(thread, from))
			continue;
		if (thread->waiting.d)
			return -EINVAL;
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
	struct futex_key from, to;
	long woken, moved;
	u32 value;

	if (!futex_address_ok(m[0]) || !futex_address_ok(m[3]))
		return -EINVAL;
	if (m[4] == 1) {
		if (space_read(space, m[0], &value, sizeof(value)))
			return -EFAULT;
		if (value != (u32)m[5])
			return -EAGAIN;
	}
	from = futex_key_of(space, m[0]);
	to = futex_key_of(space, m[3]);
	woken = wake(&from, MIN(m[1], 0x7ffffffful), ~0ul);
	if (woken < 0 || futex_key_equal(&from, &to))
		return woken;
	moved = requeue(&from, &to, m[2]);
	return moved < 0 ? moved : woken + moved;
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

/*
 * The lock is shared with others, who may run on other cores at this moment. `pending`: the thread was about to take or to release it. A lock with priority
 * inheritance is marked only: futex_pi.c hands it over.
 */
static void release_lock(struct thread *thread, u64 address, bool pending, bool inherits)
{
	u32 value, *word;

	if (!futex_address_ok(address) || space_read(thread->space, address, &value, sizeof(value)))
		return;
	/* it was released, but the next who waits was not woken yet */
	if (pending && !inherits && !value)
		futex_wake_address(thread->space, address, 1);
	word = (value & FUTEX_TID_MASK) == thread->tid ? space_word(thread->space, address) : NULL;
	if (!word)
		return;
	value = atomic_load_acquire(word);
	do {
		if ((value & FUTEX_TID_MASK) != thread->tid)
			return;
	} while (!atomic_cas(word, &value, (value & FUTEX_WAITERS_BIT) | FUTEX_OWNER_DIED));
	if (!inherits && value & FUTEX_WAITERS_BIT)
		futex_wake_address(thread->space, address, 1);
}

/* struct robust_list_head: first entry, offset of the lock from an entry, entry being locked or unlocked. Bit 0 of a link says PI. */
void robust_list_walk(struct thread *thread, u64 head)
{
	u64 words[3], entry, next, link;

	if (head & 7 || head >= USER_MAX || space_read(thread->space, head, words, sizeof(words)))
		return;
	link = words[0];
	for (unsigned n = 0; (link & ~1ul) != head && n < ROBUST_LIMIT; n++) {
		entry = link & ~1ul;
		if (entry >= USER_MAX || space_read(thread->space, entry, &next, sizeof(next)))
			break;
		if (entry != (words[2] & ~1ul))
			release_lock(thread, entry + words[1], false, link & 1);
		link = next;
	}
	if (words[2])
		release_lock(thread, (words[2] & ~1ul) + words[1], true, words[2] & 1);
}
