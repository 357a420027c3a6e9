/* mremap: shrinking, growing in place, moving. Pages move by page table entry, their contents stay where they are. */
#include "lib/errno.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/root.h"

#define REMAP_MAYMOVE   1u
#define REMAP_FIXED     2u
#define REMAP_DONTUNMAP 4u

struct remap {
	struct space *space;
	struct region *region;
	u64 old, old_length, new, new_length;
	bool keep; /* the old range stays, empty */
};

/* The pages of the old range, in the new one; those of private anonymous memory change hands here. */
static int move_pages(const struct remap *r, u64 length)
{
	u64 end = r->old + length;

	for (u64 at = r->old; (at = space_next_mapped(r->space, at, end)) < end; at += PAGE_SIZE) {
		struct page_entry entry = space_query(r->space, at);

		/* Pages without rights stay so. */
		if (space_map_page(r->space, r->new + (at - r->old), entry.rights | VSPACE_READ, entry.pfn))
			return -ENOMEM;
		if (!entry.rights)
			space_protect(r->space, r->new + (at - r->old), r->new + (at - r->old) + PAGE_SIZE, 0);
	}
	return 0;
}

static int move(struct remap *r)
{
	struct region *from = r->region;
	struct region shape = *from;
	u64 offset = from->object ? from->offset + (r->old - from->start) : 0;
	int error = space_add_region(r->space, r->new, r->new + r->new_length, shape.prot, shape.flags & ~REGION_GROWSDOWN, shape.object,
				     offset);

	if (error)
		return error;
	region_at(&r->space->regions, r->new)->max_prot = shape.max_prot;
	error = move_pages(r, MIN(r->old_length, r->new_length));
	if (error) {
		space_remove_range(r->space, r->new, r->new + r->new_length);
		return error;
	}
	if (!r->keep)
		return space_remove_range(r->space, r->old, r->old + r->old_length);
	space_unmap(r->space, r->old, r->old + r->old_length, false);
	return 0;
}

static long to_anywhere(struct remap *r)
{
	r->new = region_gap(&r->space->regions, USER_MIN, USER_MMAP_TOP, r->new_length);
	if (!r->new)
		return -ENOMEM;
	return move(r) ? -ENOMEM : (long)r->new;
}

static long grow(struct remap *r, bool may_move)
{
	u64 end = r->old + r->old_length, more = r->new_length - r->old_length;
	struct region *region = r->region;

	if (r->old + r->old_length == region->end && r->old + r->new_length <= USER_MAX &&
	    region_free(&r->space->regions, end, end + more)) {
		region_resize(&r->space->regions, region, region->start, end + more);
		region_merge(&r->space->regions, region);
		return r->old;
	}
	return may_move ? to_anywhere(r) : -ENOMEM;
}

static long to_fixed(struct remap *r, u64 address)
{
	u64 end = r->old + r->old_length;

	if (!IS_ALIGNED(address, (u64)PAGE_SIZE) || address < USER_MIN || address > USER_MAX - r->new_length)
		return -EINVAL;
	if (address < end && r->old < address + r->new_length)
		return -EINVAL;
	if (space_remove_range(r->space, address, address + r->new_length))
		return -ENOMEM;
	/* What was removed may have been the lower part of the same region, whose record is gone then. */
	r->region = region_at(&r->space->regions, r->old);
	r->new = address;
	return move(r) ? -ENOMEM : (long)address;
}

long op_REMAP(struct request *request)
{
	const u64 *m = request->m;
	struct remap r = { .space = request->caller->space, .old = m[0], .old_length = ALIGN_UP(m[1], (u64)PAGE_SIZE),
			   .new_length = ALIGN_UP(m[2], (u64)PAGE_SIZE), .keep = m[3] & REMAP_DONTUNMAP };
	u64 more;

	if (r.keep && (!(m[3] & REMAP_MAYMOVE) || r.old_length != r.new_length))
		return -EINVAL;
	if (!IS_ALIGNED(m[0], (u64)PAGE_SIZE) || !r.new_length || r.new_length > USER_MAX || r.old_length > USER_MAX ||
	    m[0] > USER_MAX - r.old_length || m[3] & ~(u64)(REMAP_MAYMOVE | REMAP_FIXED | REMAP_DONTUNMAP) ||
	    (m[3] & 3) == REMAP_FIXED)
		return -EINVAL;
	r.region = region_at(&r.space->regions, r.old);
	if (!r.region || r.region->flags & (REGION_GATE | REGION_PINNED) || r.region->end < r.old + r.old_length)
		return -EFAULT;
	/* An old length of 0 asks for a second view of shared memory. */
	if (!r.old_length && !(r.region->flags & REGION_SHARED))
		return -EINVAL;
	more = r.keep ? r.new_length : r.new_length > r.old_length ? r.new_length - r.old_length : 0;
	if (!limits_allow_memory(r.space, more, limits_is_data(r.region->prot, r.region->flags) ? more : 0))
		return -ENOMEM;
	if (m[3] & REMAP_FIXED)
		return to_fixed(&r, m[4]);
	if (r.keep)
		return to_anywhere(&r);
	if (r.new_length < r.old_length)
		return space_remove_range(r.space, r.old + r.new_length, r.old + r.old_length) ? -ENOMEM : (long)r.old;
	if (r.new_length == r.old_length)
		return r.old;
	return grow(&r, m[3] & REMAP_MAYMOVE);
}
