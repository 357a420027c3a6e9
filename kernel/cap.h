/*
 * Capabilities and their derivation.
 *
 * A slot (struct cte) is 32 bytes: two words of capability, two links. All capabilities but Replies stand in one doubly linked list in
 * preorder of the derivation tree; a capability's depth says how far down it is, so the descendants of X are the entries after it
 * with a greater depth. A copy is a sibling: it is put before its source, so the copies of one object form a run, and what is derived
 * from the object (Handles of an Endpoint) follows the run's last member. Hence: deleting one member of a run leaves
 * its children in place under the others; deleting the only one destroys the object and with it the children.
 *
 * A Reply is in no tree: its links are the Endpoint's list of cancelled requests.
 */
#ifndef KERNEL_CAP_H
#define KERNEL_CAP_H

#include "lib/types.h"
#include "abi/kernel.h"

struct cte {
	u64 word; /* type 0..5, rights 6..7, depth 8..15, then by type; see cap.c */
	void *object; /* physmap address of the object; Untyped, Frame: of the memory; Reply: the caller or NULL */
	struct cte *prev, *next;
};
_Static_assert(sizeof(struct cte) == CNODE_SLOT_SIZE, "slot size");

#define CAP_TYPE_MASK   0x3full
#define CAP_RIGHTS_SHIFT 6
#define CAP_DEPTH_SHIFT 8
#define CAP_SIZE_SHIFT  16 /* Untyped, CNode: size_bits, 8 bits */
#define CAP_VALUE_SHIFT 24 /* 40 bits: Untyped: bytes used / 64; Frame: pages; IOPort: first | last << 16; IRQ: GSI; Notification: badge (32 bits) */

/* Untyped and Frame: the rights field says that it is device memory. */
#define CAP_DEVICE 1
/* Reply: the rights field says that whoever received the call may be raised for it (priority.h). */
#define REPLY_RAISES 1

/* CNode: the value says which of a thread's own slots the capability is in; 0: none. A copy does not say so. */
#define CNODE_OF_FILES  1
#define CNODE_OF_SYSTEM 2

static inline enum object_type cap_type(const struct cte *c)
{
	return (enum object_type)(c->word & CAP_TYPE_MASK);
}
static inline unsigned cap_rights(const struct cte *c)
{
	return (c->word >> CAP_RIGHTS_SHIFT) & 3;
}
static inline unsigned cap_depth(const struct cte *c)
{
	return (c->word >> CAP_DEPTH_SHIFT) & 0xff;
}
static inline unsigned cap_size_bits(const struct cte *c)
{
	return (c->word >> CAP_SIZE_SHIFT) & 0xff;
}
static inline u64 cap_value(const struct cte *c)
{
	return c->word >> CAP_VALUE_SHIFT;
}
static inline void cap_set_value(struct cte *c, u64 value)
{
	c->word = (c->word & (BIT(CAP_VALUE_SHIFT) - 1)) | value << CAP_VALUE_SHIFT;
}
static inline u64 cap_word(enum object_type type, unsigned rights, unsigned size_bits, u64 value)
{
	return (u64)type | (u64)rights << CAP_RIGHTS_SHIFT | (u64)size_bits << CAP_SIZE_SHIFT | value << CAP_VALUE_SHIFT;
}
static inline bool cap_empty(const struct cte *c)
{
	return cap_type(c) == OBJECT_NULL;
}

/* Puts a first capability in the tree as a child of parent (NULL: a root). dst must be empty. Takes a reference to the object. */
void cap_insert_child(struct cte *dst, struct cte *parent, u64 word, void *object);
/* A sibling of src with at most these rights. Takes a reference. */
void cap_copy(struct cte *dst, struct cte *src, unsigned rights);
void cap_move(struct cte *dst, struct cte *src);
bool cap_copyable(const struct cte *c);
/* Whether there can be children: the tree is at most 255 deep. */
static inline bool cap_can_derive(const struct cte *c)
{
	return cap_depth(c) < 255;
}
bool cap_has_children(const struct cte *c);
/* The last copy of the same object in c's run: what is derived from it follows. */
struct cte *cap_run_end(struct cte *c);

/*
 * Deletes the capability in slot; the last one destroys the object. K_BUSY for an Untyped with children or a Frame with counted pages.
 * Returns CALL_RESTART when a CNode was only emptied in part.
 */
int cap_delete(struct cte *slot);
/* Deletes all descendants, a bounded number a call: CALL_RESTART if there are more. */
int cap_revoke(struct cte *slot);

#if DEBUG
void cap_check(const struct cte *c); /* the links around c agree */
#else
static inline void cap_check(const struct cte *c)
{
	(void)c;
}
#endif

#endif
