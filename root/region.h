/*
 * Regions: what an address space promises to hold where. Pure data; page tables are space.c's business.
 *
 * Regions never overlap; neighbours that agree in everything are one. A region costs nothing until it is touched.
 */
#ifndef ROOT_REGION_H
#define ROOT_REGION_H

#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"

struct object;
struct space;

#define REGION_SHARED    1 /* writes reach the object */
#define REGION_HEAP      2
#define REGION_STACK     4
#define REGION_GROWSDOWN 8
#define REGION_GATE      16 /* upper half: no request of the program reaches it */
#define REGION_PINNED    32 /* mapped explicitly by root: no fault is resolved here, fork does not copy it */
#define REGION_LOCKED    64
#define REGION_DONTFORK  128
#define REGION_WIPEFORK  256
#define REGION_LOCKED_LATER 512 /* locked, but pages come when they are touched */

#define REGION_READ  1 /* as Linux PROT_ */
#define REGION_WRITE 2
#define REGION_EXEC  4

struct region {
	struct rb_node node;
	struct list_node object_node; /* in object->regions */
	struct space *space;
	struct object *object;        /* NULL: anonymous private memory */
	u64 start, end;               /* page aligned */
	u64 offset;                   /* bytes into the object at start */
	u8 prot, max_prot;
	u16 flags;
};

struct region_tree {
	struct rb_tree tree;
	u64 count, bytes;             /* bytes: of the lower half */
	u64 most;                     /* regions that it may have: none is added or cut beyond that */
};

static inline bool region_tree_full(const struct region_tree *tree)
{
	return tree->count >= tree->most;
}

/* Records come and go through these, so that the host tests can count. */
struct region *region_new(void);
void region_delete(struct region *region);

/* The region that holds `address`, or else the next above it; NULL if none. */
struct region *region_find(const struct region_tree *tree, u64 address);
struct region *region_first(const struct region_tree *tree);
struct region *region_next(const struct region *region);
struct region *region_prev(const struct region *region);
/* Exactly the region that holds it. */
struct region *region_at(const struct region_tree *tree, u64 address);

/* [start, end) must be free. The record becomes the tree's; merged with equal neighbours: the region it is part of now. */
struct region *region_insert(struct region_tree *tree, struct region *region);
/* The record is the caller's again (with its object reference). */
void region_remove(struct region_tree *tree, struct region *region);
/* Cuts so that boundaries lie at start and end where regions cross them. False: no memory; cuts made so far stay, which changes no meaning. */
bool region_cut(struct region_tree *tree, u64 start, u64 end);
/* Joins a region with its neighbours where they agree; the region it is part of. */
struct region *region_merge(struct region_tree *tree, struct region *region);
/* Moves the start down (stack growth) or the end (brk). The caller has checked that it is free. */
void region_resize(struct region_tree *tree, struct region *region, u64 start, u64 end);

/* A free range of `length` in [low, high), as high as possible. 0: none. */
u64 region_gap(const struct region_tree *tree, u64 low, u64 high, u64 length);
/* Whether [start, end) touches no region. */
bool region_free(const struct region_tree *tree, u64 start, u64 end);
/* Whether [start, end) is covered by regions without a hole. */
bool region_covered(const struct region_tree *tree, u64 start, u64 end);

#endif
