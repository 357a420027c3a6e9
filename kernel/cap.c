/* Derivation tree, deletion, revocation. See cap.h for the theory. */
#include "kernel/cap.h"
#include "kernel/frame.h"
#include "kernel/irq.h"
#include "kernel/object.h"
#include "kernel/sched_context.h"
#include "kernel/thread.h"

/* Deletions between two preemption points of a revocation, and slots of a dying CNode. */
#define REVOKE_BATCH 128

static u32 *object_caps(const struct cte *c)
{
	switch (cap_type(c)) {
	case OBJECT_CNODE:
		return &((struct cnode *)c->object)->caps;
	case OBJECT_THREAD:
		return &((struct thread *)c->object)->caps;
	case OBJECT_ENDPOINT:
		return &((struct endpoint *)c->object)->caps;
	case OBJECT_NOTIFICATION:
		return &((struct notification *)c->object)->caps;
	case OBJECT_VSPACE:
		return &((struct vspace *)c->object)->caps;
	case OBJECT_HANDLE:
		return &((struct handle *)c->object)->caps;
	case OBJECT_HANDLE_POOL:
		return &((struct handle_pool *)c->object)->caps;
	case OBJECT_SCHED_CONTEXT:
		return &((struct sched_context *)c->object)->caps;
	default:
		return NULL;
	}
}

static void set_depth(struct cte *c, unsigned depth)
{
	c->word = (c->word & ~(0xffull << CAP_DEPTH_SHIFT)) | (u64)depth << CAP_DEPTH_SHIFT;
}

static void link_after(struct cte *dst, struct cte *at)
{
	dst->prev = at;
	dst->next = at ? at->next : NULL;
	if (dst->next)
		dst->next->prev = dst;
	if (at)
		at->next = dst;
}

static void link_before(struct cte *dst, struct cte *at)
{
	dst->next = at;
	dst->prev = at->prev;
	if (dst->prev)
		dst->prev->next = dst;
	at->prev = dst;
}

static void unlink_cap(struct cte *c)
{
	if (c->prev)
		c->prev->next = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->prev = c->next = NULL;
}

/* A capability to a CNode in a slot of that CNode. */
static bool inside_itself(const struct cte *c)
{
	const struct cnode *cn = c->object;

	return cap_type(c) == OBJECT_CNODE && c >= cn->slot && c < cn->slot + cn->slots;
}

static void take_reference(struct cte *c)
{
	u32 *caps = object_caps(c);

	if (caps)
		(*caps)++;
	if (inside_itself(c))
		((struct cnode *)c->object)->inside++;
	if (cap_type(c) == OBJECT_HANDLE)
		((struct handle *)c->object)->run = c;
}

#if DEBUG
void cap_check(const struct cte *c)
{
	if (cap_empty(c) || cap_type(c) == OBJECT_REPLY)
		return;
	ASSERT(!c->prev || c->prev->next == c);
	ASSERT(!c->next || c->next->prev == c);
	ASSERT(!c->next || cap_depth(c->next) <= cap_depth(c) + 1);
}
#endif

/* Two neighbours in the list that name the same thing. Ports have no object: their range says which. */
static bool same_run(const struct cte *a, const struct cte *b)
{
	return a->object == b->object && cap_type(a) == cap_type(b) && cap_depth(a) == cap_depth(b) &&
	       (cap_type(a) != OBJECT_IO_PORT || cap_value(a) == cap_value(b));
}

struct cte *cap_run_end(struct cte *c)
{
	while (c->next && same_run(c, c->next))
		c = c->next;
	return c;
}

bool cap_has_children(const struct cte *c)
{
	return c->next && cap_depth(c->next) > cap_depth(c);
}

bool cap_copyable(const struct cte *c)
{
	switch (cap_type(c)) {
	case OBJECT_NULL:
	case OBJECT_UNTYPED:
	case OBJECT_FRAME:
	case OBJECT_REPLY:
	case OBJECT_IRQ_CONTROL:
	case OBJECT_IRQ_HANDLER:
		return false;
	default:
		return true;
	}
}

struct cnode cnode_none;

void cap_insert_child(struct cte *dst, struct cte *parent, u64 word, void *object)
{
	ASSERT(cap_empty(dst));
	dst->word = word;
	dst->object = object;
	if (parent) {
		ASSERT(cap_can_derive(parent));
		set_depth(dst, cap_depth(parent) + 1);
		link_after(dst, cap_run_end(parent));
	} else {
		dst->prev = dst->next = NULL;
	}
	take_reference(dst);
	cap_check(dst);
}

void cap_copy(struct cte *dst, struct cte *src, unsigned rights)
{
	ASSERT(cap_empty(dst) && cap_copyable(src));
	dst->word = src->word & ~(~(u64)rights << CAP_RIGHTS_SHIFT & (3ull << CAP_RIGHTS_SHIFT));
	dst->object = src->object;
	if (cap_type(dst) == OBJECT_CNODE)
		cap_set_value(dst, 0);
	link_before(dst, src);
	take_reference(dst);
	cap_check(dst);
}

void cap_move(struct cte *dst, struct cte *src)
{
	ASSERT(cap_empty(dst) && !cap_empty(src));
	*dst = *src;
	ASSERT(cap_type(src) != OBJECT_REPLY); /* a Reply stays where it was made */
	if (dst->prev)
		dst->prev->next = dst;
	if (dst->next)
		dst->next->prev = dst;
	if (cap_type(dst) == OBJECT_HANDLE && ((struct handle *)dst->object)->run == src)
		((struct handle *)dst->object)->run = dst;
	if (cap_type(dst) == OBJECT_IRQ_HANDLER)
		irq_moved(cap_value(dst), dst);
	if (cap_type(dst) == OBJECT_CNODE)
		((struct cnode *)dst->object)->inside += inside_itself(dst) - inside_itself(src);
	*src = (struct cte){ 0 };
	cap_check(dst);
}

/* Empties a CNode that is about to go, but for the capability that is being deleted; a bounded number of slots at a time. */
static int cnode_empty(struct cnode *cn, const struct cte *but)
{
	unsigned deleted = 0;

	for (u32 i = 0; i < cn->slots; i++) {
		int err;

		if (cap_empty(&cn->slot[i]) || &cn->slot[i] == but)
			continue;
		if (deleted++ == REVOKE_BATCH)
			return CALL_RESTART;
		err = cap_delete(&cn->slot[i]);
		if (err)
			return err;
	}
	return K_OK;
}

/*
 * The last capability of those that count: what the CNode holds goes first. CNodes may hold each other in a ring, so emptying may come
 * back to this one: then it is dying, and only the capability there goes. That can be `slot` itself, and then nobody would find the
 * rest after a restart, so there is none.
 */
static int cnode_last_deleted(struct cte *slot)
{
	struct cnode *cn = slot->object;
	u32 others = inside_itself(slot) ? 0 : cn->inside;
	int err;

	if (cn->dying || cn->caps != 1 + others)
		return K_OK;
	cn->dying = 1;
	do {
		err = cnode_empty(cn, slot);
	} while (err == CALL_RESTART && cap_empty(slot));
	cn->dying = 0;
	return err;
}

static int before_last_deleted(struct cte *slot)
{
	switch (cap_type(slot)) {
	case OBJECT_UNTYPED:
		return cap_has_children(slot) ? K_BUSY : K_OK;
	case OBJECT_FRAME:
		return frames_counted(virt_to_phys(slot->object), cap_value(slot)) ? K_BUSY : K_OK;
	case OBJECT_CNODE:
		return cnode_last_deleted(slot);
	case OBJECT_IO_PORT: /* what was derived stays under a copy, or goes */
		return slot->prev && same_run(slot->prev, slot) ? K_OK : cap_has_children(slot) ? cap_revoke(slot) : K_OK;
	case OBJECT_ENDPOINT: /* its Handles die with it */
		return ((struct endpoint *)slot->object)->caps == 1 ? cap_revoke(slot) : K_OK;
	case OBJECT_HANDLE_POOL:
		return ((struct handle_pool *)slot->object)->caps == 1 ? handle_pool_empty(slot->object) : K_OK;
	default:
		return K_OK;
	}
}

static void destroy_object(enum object_type type, void *object, unsigned size_bits)
{
	switch (type) {
	case OBJECT_CNODE:
		object_gone(type, (u64)CNODE_SLOT_SIZE << size_bits);
		break;
	case OBJECT_THREAD:
		thread_destroy(object);
		object_gone(type, 1 << THREAD_SIZE_BITS);
		break;
	case OBJECT_ENDPOINT:
		endpoint_destroy(object);
		object_gone(type, 1 << ENDPOINT_SIZE_BITS);
		break;
	case OBJECT_NOTIFICATION:
		notification_destroy(object);
		object_gone(type, 1 << NOTIFICATION_SIZE_BITS);
		break;
	case OBJECT_VSPACE:
		vspace_destroy(object);
		object_gone(type, 1 << VSPACE_SIZE_BITS);
		break;
	case OBJECT_HANDLE:
		handle_last_cap_gone(object);
		break;
	case OBJECT_SCHED_CONTEXT:
		sched_context_destroy(object);
		object_gone(type, 1 << SCHED_CONTEXT_SIZE_BITS);
		break;
	case OBJECT_HANDLE_POOL:
		object_gone(type, (u64)sizeof(struct handle) * (((struct handle_pool *)object)->total + 1));
		break;
	default:
		break;
	}
}

/* A Handle's run pointer must not point to the slot that goes. */
static void handle_leave_run(struct cte *slot)
{
	struct handle *h = slot->object;

	if (h->run != slot)
		return;
	if (slot->next && slot->next->object == h && cap_type(slot->next) == OBJECT_HANDLE)
		h->run = slot->next;
	else if (slot->prev && slot->prev->object == h && cap_type(slot->prev) == OBJECT_HANDLE)
		h->run = slot->prev;
	else
		h->run = NULL;
}

int cap_delete(struct cte *slot)
{
	enum object_type type = cap_type(slot);
	void *object = slot->object;
	unsigned size_bits = cap_size_bits(slot);
	u32 *caps;
	int err;

	if (type == OBJECT_NULL)
		return K_OK;
	if (type == OBJECT_REPLY) {
		reply_discard(slot);
		return K_OK;
	}
	err = before_last_deleted(slot);
	if (err)
		return err;
	if (cap_empty(slot)) { /* a ring of CNodes: it went with what it named */
		if (((struct cnode *)object)->caps == 0)
			destroy_object(type, object, size_bits);
		return K_OK;
	}
	caps = object_caps(slot);
	if (inside_itself(slot))
		((struct cnode *)object)->inside--;
	if (type == OBJECT_HANDLE)
		handle_leave_run(slot);
	if (type == OBJECT_IRQ_HANDLER)
		irq_release(cap_value(slot));
	if (type == OBJECT_CNODE && cap_value(slot))
		thread_cnode_gone(slot);
	unlink_cap(slot);
	*slot = (struct cte){ .object = type == OBJECT_CNODE ? &cnode_none : NULL };
	if (caps && --*caps == 0 && !(type == OBJECT_CNODE && ((struct cnode *)object)->dying))
		destroy_object(type, object, size_bits);
	return K_OK;
}

/*
 * The deepest descendant first: the last entry of the subtree never has children, so a deletion cannot be refused for them, and one
 * that is refused (a Frame with counted pages) is found before anything is changed only by the caller's own check.
 */
int cap_revoke(struct cte *slot)
{
	struct cte *end = cap_run_end(slot);
	unsigned depth = cap_depth(slot);

	for (unsigned n = 0; n < REVOKE_BATCH; n++) {
		struct cte *victim = end->next;
		int err;

		if (!victim || cap_depth(victim) <= depth)
			return K_OK;
		while (victim->next && cap_depth(victim->next) > cap_depth(victim))
			victim = victim->next;
		err = cap_delete(victim);
		if (err)
			return err;
	}
	return CALL_RESTART;
}
