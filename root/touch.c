/*
 * Bringing pages in: zero fill, copy on write, objects. Used by page faults and by root's own accesses.
 *
 * A private region's page is one of: absent; an object's page, mapped without write; an anonymous page. An anonymous page counted
 * once is this address space's alone and may be made writable; any other is copied first.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/object.h"
#include "root/space.h"

#define AROUND_PAGES 16

static enum touch map_one(struct space *space, u64 page, unsigned rights, pfn_t pfn, bool replace)
{
	int error = space_map_page(space, page, rights | (replace ? VSPACE_REPLACE : 0), pfn);

	ROOT_ASSERT(error != -EEXIST);
	return error ? TOUCH_NO_MEMORY : TOUCH_OK;
}

static enum touch map_new(struct space *space, u64 page, unsigned rights, pfn_t pfn, bool replace)
{
	enum touch result = map_one(space, page, rights, pfn, replace);

	if (result != TOUCH_OK)
		page_free(pfn);
	return result;
}

static enum touch touch_zero(struct region *region, u64 page)
{
	pfn_t pfn = page_alloc_zeroed(PAGE_ANON);

	if (!pfn)
		return TOUCH_NO_MEMORY;
	return map_new(region->space, page, space_rights(region->prot), pfn, false);
}

static enum touch copy_page(struct region *region, u64 page, pfn_t from, bool replace)
{
	pfn_t pfn = page_alloc(PAGE_ANON);

	if (!pfn)
		return TOUCH_NO_MEMORY;
	memcpy(page_virt(pfn), page_virt(from), PAGE_SIZE);
	return map_new(region->space, page, space_rights(region->prot), pfn, replace);
}

/* Pages of the object after this one that are there already are mapped with it: a program's text comes in runs. */
static enum touch map_around(struct region *region, u64 page, unsigned rights, pfn_t first)
{
	struct object *object = region->object;
	u64 index = (region->offset + (page - region->start)) >> PAGE_SHIFT, refs[AROUND_PAGES], count = 1, done;
	u64 room = MIN((region->end - page) >> PAGE_SHIFT, AROUND_PAGES - index % AROUND_PAGES);
	int error;

	refs[0] = page_ref(first);
	while (count < room && (index + count) << PAGE_SHIFT < object->size) {
		pfn_t pfn = object_lookup(object, index + count);

		if (!pfn || (rights & VSPACE_WRITE && page_type(pfn) != PAGE_OBJECT))
			break;
		refs[count++] = page_ref(pfn);
	}
	error = space_map(region->space, page, count, rights, refs, &done);
	return done ? TOUCH_OK : error == -ENOMEM ? TOUCH_NO_MEMORY : TOUCH_OK;
}

static enum touch touch_object(struct region *region, u64 page, bool write)
{
	struct object *object = region->object;
	u64 offset = region->offset + (page - region->start);
	bool shared = region->flags & REGION_SHARED;
	unsigned rights = space_rights(region->prot);
	pfn_t pfn, replaced = 0;

	if (offset >= ALIGN_UP(object->size, (u64)PAGE_SIZE))
		return TOUCH_BUS;
	if (!shared && write) {
		pfn = object_lookup(object, offset >> PAGE_SHIFT);
		return pfn ? copy_page(region, page, pfn, false) : touch_zero(region, page);
	}
	pfn = object_page(object, offset >> PAGE_SHIFT, shared && write, &replaced);
	if (!pfn)
		return TOUCH_NO_MEMORY;
	if (replaced)
		object_unmap_page(object, offset >> PAGE_SHIFT, replaced);
	if (!shared || page_type(pfn) != PAGE_OBJECT)
		rights &= ~VSPACE_WRITE;
	return map_around(region, page, rights, pfn);
}

void region_map_small(struct region *region, u64 address, u64 length)
{
	u64 index = (region->offset + (address - region->start)) >> PAGE_SHIFT;
	unsigned rights = space_rights(region->prot);
	pfn_t pfn = rights && length <= AROUND_PAGES * PAGE_SIZE && index << PAGE_SHIFT < region->object->size ? object_lookup(region->object, index) : 0;

	if (!pfn)
		return;
	if (!(region->flags & REGION_SHARED) || page_type(pfn) != PAGE_OBJECT)
		rights &= ~VSPACE_WRITE;
	map_around(region, address, rights, pfn);
}

void space_fill(struct space *space, u64 start, unsigned prot, u64 count)
{
	u64 refs[AROUND_PAGES], made = 0, done = 0;
	pfn_t fresh[AROUND_PAGES];

	ROOT_ASSERT(count <= AROUND_PAGES);
	while (made < count && (fresh[made] = page_alloc_zeroed(PAGE_ANON))) {
		refs[made] = page_ref(fresh[made]);
		made++;
	}
	if (made)
		space_map(space, start, made, space_rights(prot), refs, &done);
	while (made > done)
		page_free(fresh[--made]);
}

/* A write to a page that is mapped without write. */
static enum touch touch_readonly(struct region *region, u64 page, const struct page_entry *entry)
{
	unsigned rights = space_rights(region->prot);

	if (region->flags & REGION_SHARED) {
		pfn_t replaced, pfn;
		u64 index = (region->offset + (page - region->start)) >> PAGE_SHIFT;

		if (!region->object)
			return TOUCH_NO_ACCESS;
		pfn = object_page(region->object, index, true, &replaced);
		if (!pfn)
			return TOUCH_NO_MEMORY;
		if (!replaced)
			return map_one(region->space, page, rights, pfn, true);
		object_unmap_page(region->object, index, replaced);
		return map_one(region->space, page, rights, pfn, false);
	}
	if (page_type(entry->pfn) == PAGE_ANON && entry->count == 1)
		return map_one(region->space, page, rights, entry->pfn, true);
	return copy_page(region, page, entry->pfn, true);
}

static bool allowed(const struct region *region, unsigned access)
{
	if (access & REGION_WRITE)
		return region->prot & REGION_WRITE;
	if (access & REGION_EXEC)
		return region->prot & REGION_EXEC;
	return region->prot != 0;
}

enum touch region_touch(struct region *region, u64 address, unsigned access, const struct page_entry *entry)
{
	u64 page = ALIGN_DOWN(address, (u64)PAGE_SIZE);
	bool write = access & REGION_WRITE;

	if (!allowed(region, access))
		return TOUCH_NO_ACCESS;
	if (region->flags & REGION_PINNED)
		return entry->pfn ? TOUCH_OK : TOUCH_NO_ACCESS;
	if (!entry->pfn) {
		region->space->minor_faults++;
		return region->object ? touch_object(region, page, write) : touch_zero(region, page);
	}
	if (write && !(entry->rights & VSPACE_WRITE)) {
		region->space->minor_faults++;
		return touch_readonly(region, page, entry);
	}
	/* Rights that protect took away and a later protect gave back. */
	if ((access & REGION_EXEC && !(entry->rights & VSPACE_EXEC)) || !(entry->rights & VSPACE_READ)) {
		unsigned rights = space_rights(region->prot) & ~VSPACE_WRITE;

		return map_one(region->space, page, rights | (entry->rights & VSPACE_WRITE), entry->pfn, true);
	}
	return TOUCH_OK;
}

#define STACK_GUARD 0x100000ul

/* A touch below a stack that grows makes the region reach down to it. */
static struct region *grow_stack(struct space *space, u64 address)
{
	struct region *region = region_find(&space->regions, address), *below;
	u64 start = ALIGN_DOWN(address, (u64)PAGE_SIZE);

	if (!region || !(region->flags & REGION_GROWSDOWN) || address < USER_MIN)
		return NULL;
	if (region->end - start > space->stack_limit || !limits_allow_memory(space, region->start - start, 0))
		return NULL;
	below = region_prev(region);
	if (below && below->end + STACK_GUARD > start && below->prot)
		return NULL;
	if (below && below->end > start)
		return NULL;
	region_resize(&space->regions, region, start, region->end);
	return region;
}

struct region *space_region(struct space *space, u64 address)
{
	struct region *region = region_at(&space->regions, address);

	return region ? region : grow_stack(space, address);
}

enum touch space_touch(struct space *space, u64 address, unsigned access)
{
	struct region *region = space_region(space, address);
	struct page_entry entry;

	if (!region)
		return TOUCH_NO_REGION;
	entry = space_query(space, address);
	return region_touch(region, address, access, &entry);
}

/* ---- root's own accesses ---- */

/* The page at address with that access, touched if need be; 0: EFAULT. */
static pfn_t page_for(struct space *space, u64 address, unsigned access)
{
	struct page_entry entry = space_query(space, address);
	unsigned need = access & REGION_WRITE ? VSPACE_WRITE : VSPACE_READ;

	if (!(entry.rights & need) || !entry.pfn) {
		if (space_touch(space, address, access) != TOUCH_OK)
			return 0;
		entry = space_query(space, address);
	}
	return entry.rights & need ? entry.pfn : 0;
}

static int transfer(struct space *space, u64 address, u8 *own, u64 length, bool write)
{
	while (length) {
		u64 in_page = address % PAGE_SIZE, n = MIN(length, PAGE_SIZE - in_page);
		pfn_t pfn = address < GATE_END ? page_for(space, address, write ? REGION_WRITE : REGION_READ) : 0;

		if (!pfn)
			return -EFAULT;
		if (write)
			memcpy(page_virt(pfn) + in_page, own, n);
		else
			memcpy(own, page_virt(pfn) + in_page, n);
		address += n;
		own += n;
		length -= n;
	}
	return 0;
}

u32 *space_word(struct space *space, u64 address)
{
	pfn_t pfn = address < USER_MAX ? page_for(space, address, REGION_WRITE) : 0;

	return pfn ? (u32 *)((u8 *)page_virt(pfn) + address % PAGE_SIZE) : NULL;
}

int space_read(struct space *space, u64 address, void *to, u64 length)
{
	return transfer(space, address, to, length, false);
}

int space_write(struct space *space, u64 address, const void *from, u64 length)
{
	return transfer(space, address, (u8 *)from, length, true);
}
