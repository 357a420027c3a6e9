/* Regions of an address space, ordered by address. See region.h. */
#include "root/region.h"

#include "root/log.h"
#include "root/object.h"

static int compare(const void *key, const struct rb_node *node)
{
	u64 address = *(const u64 *)key;
	const struct region *region = rb_entry(node, struct region, node);

	return address < region->start ? -1 : address >= region->end ? 1 : 0;
}

static struct region *of_node(struct rb_node *node)
{
	return node ? rb_entry(node, struct region, node) : NULL;
}

struct region *region_find(const struct region_tree *tree, u64 address)
{
	return of_node(rb_lower_bound(&tree->tree, &address, compare));
}

struct region *region_at(const struct region_tree *tree, u64 address)
{
	struct region *region = region_find(tree, address);

	return region && region->start <= address ? region : NULL;
}

struct region *region_first(const struct region_tree *tree)
{
	return of_node(rb_first(&tree->tree));
}

struct region *region_next(const struct region *region)
{
	return of_node(rb_next(&region->node));
}

struct region *region_prev(const struct region *region)
{
	return of_node(rb_prev(&region->node));
}

static u64 counted_bytes(const struct region *region)
{
	return region->flags & REGION_GATE ? 0 : region->end - region->start;
}

static void link_region(struct region_tree *tree, struct region *region)
{
	rb_insert_by(&tree->tree, &region->node, &region->start, compare);
	tree->count++;
	tree->bytes += counted_bytes(region);
	if (region->object)
		list_push_back(&region->object->regions, &region->object_node);
}

void region_remove(struct region_tree *tree, struct region *region)
{
	rb_erase(&tree->tree, &region->node);
	tree->count--;
	tree->bytes -= counted_bytes(region);
	if (region->object)
		list_remove(&region->object_node);
}

static bool mergeable(const struct region *a, const struct region *b)
{
	return a && b && a->end == b->start && a->prot == b->prot && a->max_prot == b->max_prot && a->flags == b->flags &&
	       a->object == b->object && !(a->flags & (REGION_PINNED | REGION_GROWSDOWN)) &&
	       (!a->object || a->offset + (a->end - a->start) == b->offset);
}

/* `upper` ends; `lower` reaches its end. */
static struct region *join(struct region_tree *tree, struct region *lower, struct region *upper)
{
	u64 end = upper->end;

	region_remove(tree, upper);
	tree->bytes += counted_bytes(upper);
	lower->end = end;
	if (upper->object)
		object_put(upper->object);
	region_delete(upper);
	return lower;
}

struct region *region_merge(struct region_tree *tree, struct region *region)
{
	struct region *lower = region_prev(region);

	/* After a cut further up there may be more than one. */
	while (mergeable(region, region_next(region)))
		join(tree, region, region_next(region));
	if (mergeable(lower, region))
		region = join(tree, lower, region);
	return region;
}

struct region *region_insert(struct region_tree *tree, struct region *region)
{
	ROOT_ASSERT(region->start < region->end && region_free(tree, region->start, region->end));
	link_region(tree, region);
	return region_merge(tree, region);
}

/* Two regions of one; the cut is inside it. */
static bool split(struct region_tree *tree, struct region *region, u64 at)
{
	struct region *upper = region_tree_full(tree) ? NULL : region_new();

	if (!upper)
		return false;
	*upper = *region;
	upper->start = at;
	upper->offset += at - region->start;
	upper->node = (struct rb_node){ 0 };
	upper->object_node = (struct list_node){ 0 };
	if (upper->object)
		object_get(upper->object);
	/* Only the topmost part of a stack grows down from the lower end: the lower part keeps growing. */
	upper->flags &= ~REGION_GROWSDOWN;
	tree->bytes -= counted_bytes(upper);
	region->end = at;
	link_region(tree, upper);
	return true;
}

bool region_cut(struct region_tree *tree, u64 start, u64 end)
{
	struct region *region = region_at(tree, start);

	if (region && region->start < start && !split(tree, region, start))
		return false;
	region = region_at(tree, end);
	if (region && region->start < end && !split(tree, region, end))
		return false;
	return true;
}

void region_resize(struct region_tree *tree, struct region *region, u64 start, u64 end)
{
	tree->bytes -= counted_bytes(region);
	region->offset -= region->start - start;
	region->start = start;
	region->end = end;
	tree->bytes += counted_bytes(region);
}

u64 region_gap(const struct region_tree *tree, u64 low, u64 high, u64 length)
{
	struct region *below = region_find(tree, high - 1);

	/* The highest region that starts below `high`. */
	if (!below)
		below = of_node(rb_last(&tree->tree));
	else if (below->start >= high)
		below = region_prev(below);
	for (; high >= low && high - low >= length; below = region_prev(below)) {
		u64 floor = below ? MAX(below->end, low) : low;

		if (high > floor && high - floor >= length)
			return high - length;
		if (!below)
			break;
		high = MIN(high, below->start);
	}
	return 0;
}

bool region_free(const struct region_tree *tree, u64 start, u64 end)
{
	struct region *region = region_find(tree, start);

	return !region || region->start >= end;
}

bool region_covered(const struct region_tree *tree, u64 start, u64 end)
{
	for (struct region *region = region_at(tree, start); region && region->start <= start; region = region_next(region)) {
		if (region->end >= end)
			return true;
		start = region->end;
	}
	return false;
}
