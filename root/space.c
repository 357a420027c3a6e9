/* Page tables of address spaces: mapping, unmapping, tables' pages. See space.h. */
#include "root/space.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/object.h"
#include "root/settings.h"

/* ---- pages used as page tables ---- */

static void table_link(struct space *space, pfn_t pfn)
{
	pages[pfn].next = space->tables;
	pages[pfn].prev = 0;
	if (space->tables)
		pages[space->tables].prev = pfn;
	space->tables = pfn;
	space->table_count++;
}

static void table_unlink(struct space *space, pfn_t pfn)
{
	if (pages[pfn].next)
		pages[pages[pfn].next].prev = pages[pfn].prev;
	if (pages[pfn].prev)
		pages[pages[pfn].prev].next = pages[pfn].next;
	else
		space->tables = pages[pfn].next;
	space->table_count--;
}

int space_topup(struct space *space, u64 count)
{
	pfn_t taken[32];
	u64 n = 0;

	while (n < MIN(count, ARRAY_SIZE(taken))) {
		pfn_t pfn = page_alloc(PAGE_TABLE);

		if (!pfn)
			break;
		taken[n++] = pfn;
	}
	if (!n)
		return -ENOMEM;
	for (u64 i = 0; i < n; i++) {
		root_words()[i] = page_ref(taken[i]);
		table_link(space, taken[i]);
	}
	MUST(KCALL2(vspace_topup, space_cptr(space), n));
	return 0;
}

/* ---- what the kernel reports as no longer counted ---- */

static void release_frame(struct space *space, pfn_t pfn)
{
	switch (page_type(pfn)) {
	case PAGE_ANON:
		page_free(pfn);
		break;
	case PAGE_TABLE:
		table_unlink(space, pfn);
		page_free(pfn);
		break;
	default: /* an object, the image or root itself holds it */
		break;
	}
}

static void release_frames(struct space *space, u64 count)
{
	u64 *frames = root_words();

	for (u64 i = 0; i < count; i++)
		release_frame(space, frames[i] >> PAGE_SHIFT);
}

bool object_page_counted(pfn_t pfn)
{
	/* Object pages are unmapped everywhere before they are dropped; what still counts them is a copy in progress, which has ended by
	 * the time that root runs (one core), or an address space that is being taken down. */
	(void)pfn;
	return false;
}

/* ---- mapping ---- */

#define TOPUP_COUNT 4

int space_map(struct space *space, u64 address, u64 count, u64 flags, const u64 *refs, u64 *done)
{
	*done = 0;
	while (*done < count) {
		u64 batch = flags & VSPACE_CONTIGUOUS ? count - *done : MIN(count - *done, (u64)VSPACE_BATCH);
		u64 ref = flags & VSPACE_CONTIGUOUS ? refs[0] + *done : refs[*done];
		struct kvalues v;
		long error;

		if (batch > 1 && !(flags & VSPACE_CONTIGUOUS))
			memcpy(root_words(), refs + *done, batch * sizeof(*refs));
		error = kobject_call(KCALL_vspace_map, space_cptr(space), address + *done * PAGE_SIZE, batch, flags, ref, 0, 0, &v);
		if (error && error != K_NO_TABLES && error != K_OCCUPIED && error != K_PARTIAL)
			root_panic("vspace_map %lx, %lu pages, flags %lx: %ld", address, batch, flags, error);
		if (flags & VSPACE_REPLACE)
			release_frames(space, v.v1);
		*done += v.v0;
		if (error == K_OCCUPIED)
			return -EEXIST;
		if (error == K_NO_TABLES && space_topup(space, TOPUP_COUNT))
			return -ENOMEM;
	}
	return 0;
}

void space_unmap(struct space *space, u64 start, u64 end, bool tables)
{
	while (start < end) {
		struct kvalues v;

		MUST(kobject_call(KCALL_vspace_unmap, space_cptr(space), start, (end - start) >> PAGE_SHIFT, tables, 0, 0, 0, &v));
		release_frames(space, v.v1);
		start = v.v0;
	}
}

void space_protect(struct space *space, u64 start, u64 end, unsigned rights)
{
	while (start < end) {
		struct kvalues v;

		MUST(kobject_call(KCALL_vspace_protect, space_cptr(space), start, (end - start) >> PAGE_SHIFT, rights, 0, 0, 0, &v));
		start = v.v0;
	}
}

int space_clone_range(struct space *to, struct space *from, u64 start, u64 end, bool cow)
{
	while (start < end) {
		struct kvalues v = { .v0 = start };
		long error = kobject_call(KCALL_vspace_clone, space_cptr(to), space_cptr(from), start, (end - start) >> PAGE_SHIFT, cow, 0,
					  0, &v);

		if (error == K_NO_TABLES) {
			if (space_topup(to, TOPUP_COUNT))
				return -ENOMEM;
		} else if (error) {
			root_panic("vspace_clone %lx..%lx: %ld", start, end, error);
		}
		start = v.v0;
	}
	return 0;
}

struct page_entry space_query(const struct space *space, u64 address)
{
	struct kvalues v = { 0 };

	MUST(kobject_call(KCALL_vspace_query, space_cptr(space), ALIGN_DOWN(address, PAGE_SIZE), 0, 0, 0, 0, 0, &v));
	return (struct page_entry){ .pfn = v.v0 >> PAGE_SHIFT, .rights = v.v0 & 7, .count = v.v1 };
}

u64 space_next_mapped(const struct space *space, u64 start, u64 end)
{
	while (start < end) {
		struct kvalues v = { .v0 = end };

		MUST(kobject_call(KCALL_vspace_query, space_cptr(space), start, (end - start) >> PAGE_SHIFT, 0, 0, 0, 0, &v));
		start = v.v0;
		/* It stopped early, or found one. */
		if (start < end && space_query(space, start).pfn)
			return start;
	}
	return end;
}

u64 space_resident(const struct space *space)
{
	struct kvalues v = { 0 };

	MUST(kobject_call(KCALL_vspace_info, space_cptr(space), 0, 0, 0, 0, 0, 0, &v));
	return v.v0;
}

/* ---- life ---- */

struct region *region_new(void)
{
	return root_alloc(sizeof(struct region));
}

void region_delete(struct region *region)
{
	root_free(region);
}

struct space *space_create(void)
{
	struct space *space = root_alloc(sizeof(*space));

	if (!space)
		return NULL;
	space->refs = 1;
	if (kobject_create(&space->vspace, OBJECT_VSPACE, 0)) {
		root_free(space);
		return NULL;
	}
	return space;
}

static void drop_region(struct space *space, struct region *region)
{
	struct object *object = region->object;

	region_remove(&space->regions, region);
	region_delete(region);
	if (object)
		object_put(object);
}

static void free_pinned(pfn_t *pfn)
{
	if (*pfn)
		page_free(*pfn);
	*pfn = 0;
}

void space_put(struct space *space)
{
	struct region *region;

	if (--space->refs)
		return;
	space->dying = true;
	space_unmap(space, 0, 0x800000000000ul, true);
	space_unmap(space, GATE_BASE, GATE_END, true);
	while ((region = region_first(&space->regions)))
		drop_region(space, region);
	kobject_destroy(&space->vspace);
	while (space->tables) {
		pfn_t pfn = space->tables;

		table_unlink(space, pfn);
		page_free(pfn);
	}
	free_pinned(&space->info_page);
	for (unsigned i = 0; i < GATE_SHARED_MAX; i++)
		free_pinned(&space->shared_pages[i]);
	root_free(space);
}

/* ---- regions ---- */

int space_add_region(struct space *space, u64 start, u64 end, unsigned prot, unsigned flags, struct object *object, u64 offset)
{
	struct region *region = region_tree_full(&space->regions) ? NULL : region_new();

	if (!region)
		return -ENOMEM;
	*region = (struct region){ .space = space, .object = object, .start = start, .end = end, .offset = offset, .prot = prot,
				   .max_prot = REGION_READ | REGION_WRITE | REGION_EXEC, .flags = flags };
	if (object)
		object_get(object);
	region_insert(&space->regions, region);
	return 0;
}

int space_remove_range(struct space *space, u64 start, u64 end)
{
	struct region *region;

	if (region_free(&space->regions, start, end))
		return 0;
	if (!region_cut(&space->regions, start, end))
		return -ENOMEM;
	space_unmap(space, start, end, end - start >= 0x200000);
	while ((region = region_find(&space->regions, start)) && region->start < end)
		drop_region(space, region);
	return 0;
}

void object_unmap_everywhere(struct object *object, u64 first, u64 count)
{
	u64 low = first << PAGE_SHIFT, high = low + (count << PAGE_SHIFT);

	list_for_each_entry(region, &object->regions, struct region, object_node) {
		u64 from = MAX(low, region->offset), to = MIN(high, region->offset + (region->end - region->start));

		/* Private copies of a page go with it, as Linux has it for truncation. */
		if (from < to)
			space_unmap(region->space, region->start + (from - region->offset), region->start + (to - region->offset), false);
	}
}

void object_unmap_page(struct object *object, u64 index, pfn_t pfn)
{
	u64 at = index << PAGE_SHIFT;

	list_for_each_entry(region, &object->regions, struct region, object_node) {
		u64 address = region->start + (at - region->offset);

		if (at < region->offset || address >= region->end || space_query(region->space, address).pfn != pfn)
			continue;
		space_unmap(region->space, address, address + PAGE_SIZE, false);
	}
}

/* ---- fork ---- */

/* Thread areas are each thread's own: who forks takes care of its own one. */
static bool copied_by_fork(const struct region *region)
{
	return !(region->flags & (REGION_PINNED | REGION_DONTFORK)) && !(region->start >= GATE_THREADS && region->start < GATE_THREADS_END);
}

static int copy_regions(struct space *to, struct space *from)
{
	for (struct region *at = region_first(&from->regions); at; at = region_next(at)) {
		struct region *copy;

		if (!copied_by_fork(at))
			continue;
		copy = region_new();
		if (!copy)
			return -ENOMEM;
		*copy = *at;
		copy->node = (struct rb_node){ 0 };
		copy->object_node = (struct list_node){ 0 };
		copy->space = to;
		copy->flags &= ~(REGION_LOCKED | REGION_LOCKED_LATER); /* locks are not inherited */
		if (copy->object)
			object_get(copy->object);
		region_insert(&to->regions, copy);
	}
	return 0;
}

/* Private regions that follow each other, whatever lies unmapped between them, go to the kernel as one range. */
static int clone_pages(struct space *to, struct space *from)
{
	u64 start = 0, end = 0;
	bool cow = true;
	int error = 0;

	for (struct region *at = region_first(&from->regions); at && !error; at = region_next(at)) {
		bool private = !(at->flags & REGION_SHARED);
		bool joins = end && private == cow && (at->start ^ start) >> 63 == 0;

		if (!copied_by_fork(at) || at->flags & REGION_WIPEFORK) {
			if (end)
				error = space_clone_range(to, from, start, end, cow);
			end = 0;
			continue;
		}
		if (end && !joins) {
			error = space_clone_range(to, from, start, end, cow);
			end = 0;
		}
		if (!end)
			start = at->start;
		cow = private;
		end = at->end;
	}
	if (end && !error)
		error = space_clone_range(to, from, start, end, cow);
	return error;
}

int space_fork(struct space *to, struct space *from)
{
	int error = copy_regions(to, from);

	if (error)
		return error;
	to->stack_limit = from->stack_limit;
	to->address_limit = from->address_limit;
	to->data_limit = from->data_limit;
	to->regions.most = from->regions.most;
	to->brk_start = from->brk_start;
	to->brk_end = from->brk_end;
	to->stack_top = from->stack_top;
	to->code_start = from->code_start;
	to->code_end = from->code_end;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	return clone_pages(to, from);
}
