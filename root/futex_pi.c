/*
 * Futexes with priority inheritance. The word has its owner's tid, FUTEX_WAITERS if root has to be asked to release it, FUTEX_OWNER_DIED if an owner
 * ended with it. An uncontended lock never comes here. Who finds it taken makes root set FUTEX_WAITERS and a record: a *pi lock* is there
 * as long as somebody waits for it, and then its owner's word and record agree unless the program wrote the word. The owner runs at
 * the priority of the first who waits, and so on along the locks that owners wait for (priority.h). Release and an owner's end hand the lock over:
 * root writes the next owner's tid before it answers him, so nobody else can take it in between.
 *
 * A thread in FUTEX_WAIT_REQUEUE_PI waits in futex.c's queues with waiting.d, the address of the lock that it is to be moved to, until it is moved.
 * All of it is root's, private or shared: root alone knows priorities.
 */
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "root/futex.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/priority.h"
#include "root/root.h"

#define BUCKETS 64
#define CHAIN_MAX 1024

struct pi_lock {
	struct list_node node, held; /* in its bucket; among what its owner holds */
	struct futex_key key;
	struct thread *owner;
	struct list_node waiters;    /* by priority, then first come; thread->waiting.node */
};

static struct list_node buckets[BUCKETS];

static struct list_node *bucket_of(const struct futex_key *key)
{
	struct list_node *bucket = &buckets[hash_u64(key->object ^ key->offset * 31) % BUCKETS];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

static struct pi_lock *find(const struct futex_key *key)
{
	list_for_each_entry(lock, bucket_of(key), struct pi_lock, node)
		if (futex_key_equal(&lock->key, key))
			return lock;
	return NULL;
}

static struct pi_lock *enrol(struct pi_lock *lock, const struct futex_key *key, struct thread *owner)
{
	if (!lock)
		return NULL;
	lock->key = *key;
	lock->owner = owner;
	list_init(&lock->waiters);
	list_push_back(bucket_of(key), &lock->node);
	list_push_back(&owner->pi_held, &lock->held);
	return lock;
}

static void free_if_unused(struct pi_lock *lock)
{
	if (!lock || !list_empty(&lock->waiters))
		return;
	list_remove(&lock->node);
	list_remove(&lock->held);
	root_free(lock);
}

/* ---- who waits ---- */

static struct thread *first_waiter(const struct pi_lock *lock)
{
	return list_first_entry(&lock->waiters, struct thread, waiting.node);
}

u8 futex_pi_inherited(const struct thread *thread)
{
	u8 best = 0;

	list_for_each_entry(lock, &thread->pi_held, struct pi_lock, held)
		if (!list_empty(&lock->waiters))
			best = MAX(best, first_waiter(lock)->priority);
	return best;
}

/* Real-time ones by priority; the others are equal here. */
static unsigned rank(const struct thread *thread)
{
	return thread->priority > PRIORITY_REAL_TIME ? thread->priority : 0;
}

static void insert(struct pi_lock *lock, struct thread *thread)
{
	struct list_node *before = &lock->waiters;

	list_for_each_entry(other, &lock->waiters, struct thread, waiting.node) {
		if (rank(other) < rank(thread)) {
			before = &other->waiting.node;
			break;
		}
	}
	list_push_back(before, &thread->waiting.node);
	thread->pi_waits = lock;
}

struct thread *futex_pi_place_anew(struct thread *thread)
{
	struct pi_lock *lock = thread->pi_waits;

	if (!lock)
		return NULL;
	list_remove(&thread->waiting.node);
	insert(lock, thread);
	return lock->owner;
}

void futex_pi_forget(struct thread *thread)
{
	struct pi_lock *lock = thread->pi_waits;
	struct thread *owner;

	if (!lock)
		return;
	owner = lock->owner;
	list_remove(&thread->waiting.node);
	thread->pi_waits = NULL;
	free_if_unused(lock);
	priority_update(owner);
}

/* Whether the owner, by what owners wait for, waits for the thread. */
static bool leads_to(const struct pi_lock *lock, const struct thread *thread)
{
	for (unsigned n = 0; lock && n < CHAIN_MAX; n++) {
		if (lock->owner == thread)
			return true;
		lock = lock->owner->pi_waits;
	}
	return lock != NULL;
}

static void hand_over(struct pi_lock *lock)
{
	struct thread *old = lock->owner, *next = first_waiter(lock);

	list_remove(&next->waiting.node);
	next->pi_waits = NULL;
	lock->owner = next;
	list_remove(&lock->held);
	list_push_back(&next->pi_held, &lock->held);
	free_if_unused(lock);
	priority_update(next);
	priority_update(old);
	thread_answer(next, 0, 0, 0);
}

/* ---- taking ---- */

enum { TAKEN = 1, OWNED = 0 };

/* The lock's record and its word, which the program can write, say the same. */
static long agree(const struct pi_lock *lock, u32 value)
{
	return (value & FUTEX_TID_MASK) == lock->owner->tid || value == (FUTEX_OWNER_DIED | FUTEX_WAITERS_BIT) ? OWNED : -EINVAL;
}

static long find_owner(u32 value, struct thread **owner)
{
	*owner = thread_find(value & FUTEX_TID_MASK);
	if (!*owner || (*owner)->exiting)
		return -ESRCH;
	return (*owner)->process->service ? -EPERM : 0;
}

/* TAKEN; OWNED, and *lock is its record, perhaps a new one; an error. `mark`: with FUTEX_WAITERS, because others will wait at once. */
static long take(struct thread *thread, u32 *word, const struct futex_key *key, bool mark, struct pi_lock **lock)
{
	u32 value = atomic_load_acquire(word), tid = thread->tid;
	struct thread *owner;
	long error;

	*lock = find(key);
	do {
		if ((value & FUTEX_TID_MASK) == tid)
			return -EDEADLK;
		if (*lock)
			return agree(*lock, value);
		if (futex_waiter(key, NULL))
			return -EINVAL; /* somebody takes the word for an ordinary futex */
		if (value & FUTEX_TID_MASK)
			continue;
		if (atomic_cas(word, &value, (value & FUTEX_OWNER_DIED) | tid | (mark ? FUTEX_WAITERS_BIT : 0)))
			return TAKEN;
	} while (!(value & FUTEX_TID_MASK) || !atomic_cas(word, &value, value | FUTEX_WAITERS_BIT));
	error = find_owner(value, &owner);
	if (error)
		return error;
	*lock = enrol(root_alloc(sizeof(**lock)), key, owner);
	return *lock ? OWNED : -ENOMEM;
}

static void wait_expired(struct timer *timer)
{
	thread_answer(container_of(timer, struct thread, waiting.timer), -ETIMEDOUT, 0, 0);
}

long op_FUTEX_LOCK_PI(struct request *request)
{
	struct thread *caller = request->caller;
	u64 address = request->m[0], deadline = request->m[1];
	struct futex_key key;
	struct pi_lock *lock;
	long result;
	u32 *word;

	if (!futex_address_ok(address))
		return -EINVAL;
	word = space_word(caller->space, address);
	if (!word)
		return -EFAULT;
	key = futex_key_of(caller->space, address);
	result = take(caller, word, &key, false, &lock);
	if (result)
		return result == TAKEN ? 0 : result;
	if (request->m[2])
		result = -EAGAIN;
	else if (leads_to(lock, caller))
		result = -EDEADLK;
	else if (deadline && deadline <= now_ns())
		result = -ETIMEDOUT;
	if (result) {
		free_if_unused(lock);
		return result;
	}
	caller->waiting.a = address;
	caller->waiting.d = 0;
	insert(lock, caller);
	priority_update(lock->owner);
	if (deadline)
		timer_set(&caller->waiting.timer, deadline, wait_expired);
	return request_keep(request, WAIT_PI);
}

/* ---- giving back ---- */

long op_FUTEX_UNLOCK_PI(struct request *request)
{
	struct thread *caller = request->caller;
	u64 address = request->m[0];
	struct futex_key key;
	struct pi_lock *lock;
	u32 *word, value, new;

	if (!futex_address_ok(address))
		return -EINVAL;
	word = space_word(caller->space, address);
	if (!word)
		return -EFAULT;
	key = futex_key_of(caller->space, address);
	lock = find(&key);
	value = atomic_load_acquire(word);
	do {
		if ((value & FUTEX_TID_MASK) != caller->tid)
			return -EPERM;
		if (lock ? lock->owner != caller : futex_waiter(&key, NULL) != NULL)
			return -EINVAL;
		new = lock ? FUTEX_WAITERS_BIT | first_waiter(lock)->tid : 0;
	} while (!atomic_cas(word, &value, new));
	if (lock)
		hand_over(lock);
	return 0;
}

void futex_pi_owner_ended(struct thread *thread)
{
	while (!list_empty(&thread->pi_held)) {
		struct pi_lock *lock = list_first_entry(&thread->pi_held, struct pi_lock, held);
		struct thread *next = first_waiter(lock);
		u32 *word = space_word(next->space, next->waiting.a), value = word ? atomic_load_acquire(word) : 0;

		while (word && !atomic_cas(word, &value, FUTEX_OWNER_DIED | FUTEX_WAITERS_BIT | next->tid))
			;
		hand_over(lock);
	}
}

/* ---- waiting for a condition, and moving to the lock ---- */

static bool waits_for(const struct thread *thread, const struct futex_key *to)
{
	struct futex_key key = futex_key_of(thread->space, thread->waiting.d);

	return thread->waiting.d && futex_key_equal(&key, to);
}

static void move(struct thread *thread, struct pi_lock *lock)
{
	futex_forget(thread);
	thread->wait = WAIT_PI;
	thread->waiting.a = thread->waiting.d;
	insert(lock, thread);
}

/* Those who wait at `from` queue for the lock, at most `count`. How many, or an error, which those before it do not undo. */
static long move_all(const struct futex_key *from, const struct futex_key *to, struct pi_lock *lock, u64 count)
{
	struct thread *next;
	u64 moved = 0;

	for (struct thread *t = futex_waiter(from, NULL); t && moved < count; t = next) {
		next = futex_waiter(from, t);
		if (!waits_for(t, to))
			return -EINVAL;
		if (leads_to(lock, t))
			return -EDEADLK;
		move(t, lock);
		moved++;
	}
	return moved;
}

/* The first waiter gets the lock if it is free. The lock's record, if there is to be one, in *lock; 1 if the waiter has it, or an error. */
static long give_to_first(struct thread *first, u32 *word, const struct futex_key *to, bool others, struct pi_lock **lock)
{
	struct pi_lock *record = others ? root_alloc(sizeof(*record)) : NULL;
	long result = others && !record ? -ENOMEM : take(first, word, to, others, lock);

	if (result != TAKEN) {
		root_free(record);
		return result;
	}
	if (others)
		*lock = enrol(record, to, first);
	futex_forget(first);
	thread_answer(first, 0, 0, 0);
	return 1;
}

long op_FUTEX_REQUEUE_PI(struct request *request)
{
	struct space *space = request->caller->space;
	u64 from_address = request->m[0], count = request->m[1], to_address = request->m[2];
	struct futex_key from, to;
	struct pi_lock *lock = NULL;
	struct thread *first;
	long woken, moved = 0;
	u32 value, *word;

	if (!futex_address_ok(from_address) || !futex_address_ok(to_address))
		return -EINVAL;
	if (space_read(space, from_address, &value, sizeof(value)))
		return -EFAULT;
	word = space_word(space, to_address);
	if (!word)
		return -EFAULT;
	if (value != (u32)request->m[3])
		return -EAGAIN;
	from = futex_key_of(space, from_address);
	to = futex_key_of(space, to_address);
	first = futex_waiter(&from, NULL);
	if (futex_key_equal(&from, &to) || (first && !waits_for(first, &to)))
		return -EINVAL;
	if (!first)
		return 0;
	woken = give_to_first(first, word, &to, count != 0, &lock);
	if (woken < 0)
		return woken;
	if (lock)
		/* one is to be woken; if none could be, one more is moved */
		moved = move_all(&from, &to, lock, count + 1 - (u64)woken);
	if (lock) {
		struct thread *owner = lock->owner;

		free_if_unused(lock);
		priority_update(owner);
	}
	return moved < 0 ? moved : woken + moved;
}
