/* The kernel's objects, but for the thread (thread.h), and the counters of live ones. */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include "lib/types.h"
#include "lib/list.h"
#include "kernel/cap.h"
#include "kernel/arch.h"
#include "kernel/log.h"

/* What a handler of a kernel call returns instead of an error code. */
#define CALL_RESTART 1 /* did a bounded part: run the same syscall instruction again */
#define CALL_DONE    2 /* the frame's registers and the thread's state are set already */

struct thread;
struct sched_context;

struct cnode {
	u32 caps; /* capabilities that name this object, as in every object below */
	u32 inside; /* of those: in its own slots; they do not keep it alive */
	u64 slots;
	u32 dying;  /* being emptied: what it holds may name it, directly or through other CNodes */
	u32 reserved[3];
	struct cte slot[];
};
_Static_assert(sizeof(struct cnode) == CNODE_SLOT_SIZE, "the header takes one slot's room");
/* Has no slots. A thread's own slots for its CNodes name it while they are empty, so that a lookup on the fast path need not ask. */
extern struct cnode cnode_none;

struct endpoint {
	u32 caps;
	union {
		struct {
			u8 receiving;     /* the queue holds receivers, not senders */
			u8 events;        /* cancelled requests or closed Handles may be there for the next receiver */
		};
		u16 activity;
	};
	u64 id;                   /* never used again: cap_identify's answer */
	struct list_node queue;   /* threads by .queue: receivers in order of arrival, senders by priority first */
	struct list_node closed;  /* Handles whose closing has not been received */
	struct list_node replies; /* threads in THREAD_REPLY whose call was received from here, by .queue */
	struct list_node servers; /* threads that received from here last, by .server */
	struct cte *cancelled;    /* Replies whose caller was interrupted or is gone, holder not told yet */
};
/* Its activity when nothing is there but, perhaps, receivers. */
#define ENDPOINT_QUIET 1
_Static_assert(sizeof(struct endpoint) <= 1 << ENDPOINT_SIZE_BITS, "endpoint size");

struct handle_pool {
	u32 caps;
	u32 total, used;
	u32 reserved;
	struct handle *free; /* linked by .next_free */
	u64 pad[5];
};

struct handle {
	union {
		struct endpoint *endpoint;
		struct handle *next_free;
	};
	u64 badge;
	u32 caps;
	u32 calls;               /* calls queued through it */
	struct handle_pool *pool; /* NULL: free */
	struct cte *run;         /* one of the capabilities that name it; NULL: none, closing */
	struct list_node closed; /* in endpoint->closed */
	u64 reserved;
};
_Static_assert(sizeof(struct handle) == 1 << HANDLE_SIZE_BITS, "handle size");
_Static_assert(sizeof(struct handle_pool) == sizeof(struct handle), "the pool's header takes one handle's room");

struct notification {
	u32 caps;
	u32 reserved;
	u64 bits;
	struct list_node waiters; /* threads by .queue */
	struct thread *bound;
};
_Static_assert(sizeof(struct notification) <= 1 << NOTIFICATION_SIZE_BITS, "notification size");

struct vspace {
	u32 caps;
	struct list_node threads; /* that run in it, by .space_link */
	u64 root;           /* as an entry that points to the top-level table, which is the second page of the object */
	paddr_t top_address;
	void *pool;         /* free page-table pages, linked by their first word */
	u64 pool_pages;
	u64 table_pages;
	u64 mapped;         /* pages mapped in the lower half */
	u64 cores;          /* that have it loaded and may have its entries in their TLBs */
};

extern u64 object_count[OBJECT_TYPE_COUNT], object_bytes[OBJECT_TYPE_COUNT];

static inline void object_born(enum object_type type, u64 bytes)
{
	object_count[type]++;
	object_bytes[type] += bytes;
}
static inline void object_gone(enum object_type type, u64 bytes)
{
	ASSERT(object_count[type] > 0);
	object_count[type]--;
	object_bytes[type] -= bytes;
}

/* endpoint.c, handle.c, notification.c, thread.c, vspace.c: when the last capability goes. */
void endpoint_init(struct endpoint *ep);
void endpoint_destroy(struct endpoint *ep);
void handle_last_cap_gone(struct handle *h);
void handle_call_ended(struct handle *h); /* a queued call through it was received or withdrawn */
void handle_release(struct handle *h);    /* its memory goes back to its pool */
int handle_mint(struct handle_pool *pool, struct cte *endpoint_cap, u64 badge, struct cte *dst);
/* The Handle of a client that took none: its closing is all that comes of it. The pool has room. */
void handle_mint_closed(struct handle_pool *pool, struct endpoint *ep, u64 badge);
void handle_pool_init(struct handle_pool *pool, unsigned size_bits);
int handle_pool_empty(struct handle_pool *pool); /* deletes its Handles, a bounded number a call: CALL_RESTART */
void notification_init(struct notification *n);
void notification_destroy(struct notification *n);
void notification_signal(struct notification *n, u64 bits);
/* Its bits, which are nobody's any more. */
u64 notification_take(struct notification *n);
void notification_unbind(struct notification *n);
void sched_context_destroy(struct sched_context *context);
void vspace_init(struct vspace *vs);
void vspace_destroy(struct vspace *vs);
void thread_init(struct thread *thread);
void thread_destroy(struct thread *thread);
void thread_set_space(struct thread *t, struct vspace *space);
/* `slot`, which is one of the thread's own for a CNode, gets the capability `fresh`, or is left empty. */
void thread_set_cnode(struct thread *t, struct cte *slot, struct cte *fresh);
void thread_space_gone(struct thread *t); /* its address space was revoked: it never runs again */
void thread_wake_dead(struct thread *thread); /* its queued call ends with K_PEER_DEAD */
/* untyped.c: a new object in dst, derived from parent. */
void object_init(struct cte *dst, struct cte *parent, enum object_type type, u64 size_bits, void *at);
/* Reply capabilities (reply.c). */
void reply_discard(struct cte *slot); /* deleted unanswered: the caller gets K_PEER_DEAD */

#endif
