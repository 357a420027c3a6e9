/* Shared futexes, and all with priority inheritance: keyed by (object, offset), or by (address space, address) for private memory. */
#ifndef ROOT_FUTEX_H
#define ROOT_FUTEX_H

#include "root/process.h"

#define FUTEX_WAITERS_BIT 0x80000000u
#define FUTEX_OWNER_DIED  0x40000000u
#define FUTEX_TID_MASK    0x3fffffffu

/* Wakes at most `count` waiters at that address of the space. -EINVAL: one of them waits to be moved to a lock with priority inheritance. */
long futex_wake_address(struct space *space, u64 address, unsigned count);
/* Marks the locks that a dead thread held: bounded, every access checked. */
void robust_list_walk(struct thread *thread, u64 head);
/* The thread waits no more. */
void futex_forget(struct thread *thread);

/* ---- between futex.c and futex_pi.c ---- */

struct futex_key {
	u64 object, offset;
};
bool futex_address_ok(u64 address);
struct futex_key futex_key_of(struct space *space, u64 address);
static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}
/* The first, the next that waits on that key; NULL: none. */
struct thread *futex_waiter(const struct futex_key *key, struct thread *after);

/* ---- priority inheritance (futex_pi.c) ---- */

/* The highest priority of those who wait for what the thread holds; 0: nobody does. */
u8 futex_pi_inherited(const struct thread *thread);
/* Its priority has changed: if it waits, its place among the others does. Whom it waits for, or NULL. */
struct thread *futex_pi_place_anew(struct thread *thread);
/* It waits no more. */
void futex_pi_forget(struct thread *thread);
/* It ends: what it holds goes to those who wait, marked. */
void futex_pi_owner_ended(struct thread *thread);

#endif
