#include "servers/ramfs/small.h"

#include "lib/bitmap.h"
#include "serve/memory.h"

#define PAGES_MAX  (SMALL_BYTES / PAGE_SIZE)
#define PAGES_STEP 0x1000ul /* bits that a map grows by at first */
#define PAGES_KEPT 16

struct area {
	bool there;             /* its object is, and is mapped */
	bool closed;            /* some of its pages may be files' without being known: none is taken */
	u64 *used;              /* by page: it is a file's, or is kept */
	u64 covered, next;      /* pages that `used` has bits for; none below `next` is free */
	u32 kept[PAGES_KEPT];   /* free, with memory: files come and go, and most are followed by another soon */
	unsigned kept_count;
};

static struct area areas[SMALL_AREAS];
static u64 file_pages;

static u8 *area_address(const struct area *area)
{
	return (u8 *)(SMALL_ADDRESS + (u64)(area - areas) * SMALL_BYTES);
}

static u64 area_object(const struct area *area)
{
	return OBJECT_SMALL + (u64)(area - areas);
}

u64 small_count(void)
{
	return file_pages;
}

static bool area_map(struct area *area)
{
	u8 *address = area_address(area);

	area->there = object_map(area_object(area), 0, SMALL_BYTES, true, (unsigned long)address) == (long)address;
	return area->there;
}

static bool area_make(struct area *area)
{
	if (object_create(area_object(area), SMALL_BYTES))
		return false;
	if (area_map(area))
		return true;
	object_destroy(area_object(area));
	return false;
}

static bool area_cover(struct area *area, u64 pages)
{
	u64 covered = area->covered ? area->covered : PAGES_STEP, *used;

	while (covered < pages)
		covered *= 2;
	if (covered > PAGES_MAX)
		return false;
	if (covered == area->covered)
		return true;
	used = memory_resize(area->used, area->covered / 8, covered / 8);
	if (!used)
		return false;
	area->used = used;
	area->covered = covered;
	return true;
}

static u8 *area_page(const struct area *area, u64 index)
{
	return area_address(area) + index * PAGE_SIZE;
}

static u8 *take_fresh(struct area *area)
{
	u64 index = bitmap_find_zero(area->used, area->covered, area->next);

	if (index == area->covered && !area_cover(area, index + 1))
		return NULL;
	bitmap_set(area->used, index);
	area->next = index + 1;
	return area_page(area, index);
}

u8 *small_take(unsigned charge, bool *clean)
{
	struct area *area = &areas[charge];
	u8 *page;

	if (charge >= SMALL_AREAS || area->closed || (!area->there && !area_make(area)))
		return NULL;
	*clean = !area->kept_count;
	page = area->kept_count ? area_page(area, area->kept[--area->kept_count]) : take_fresh(area);
	file_pages += page != NULL;
	return page;
}

void small_give(u8 *page)
{
	u64 at = (u64)page - SMALL_ADDRESS, index = at % SMALL_BYTES / PAGE_SIZE;
	struct area *area = &areas[at / SMALL_BYTES];

	/* of a file that goes while ramfs starts anew: small_recover_end() sees to it */
	if (!area->there)
		return;
	file_pages--;
	if (area->kept_count < PAGES_KEPT) {
		area->kept[area->kept_count++] = (u32)index;
		return;
	}
	/* One that keeps what is in it is not free: it would be taken for a clean one. */
	if (object_punch(area_object(area), index * PAGE_SIZE, PAGE_SIZE))
		return;
	bitmap_clear(area->used, index);
	area->next = MIN(area->next, index);
}

/* ---- after a restart ---- */

void small_recover_begin(void)
{
	file_pages = 0;
	for (struct area *area = areas; area < areas + SMALL_AREAS; area++) {
		memory_free(area->used, area->covered / 8);
		*area = (struct area){ 0 };
		area_map(area);
	}
}

bool small_recover_page(const u8 *page)
{
	u64 at = (u64)page - SMALL_ADDRESS, index = at % SMALL_BYTES / PAGE_SIZE;
	struct area *area = &areas[at / SMALL_BYTES];

	if (at >= SMALL_AREAS * SMALL_BYTES || !area->there)
		return false;
	file_pages++;
	if (area_cover(area, index + 1))
		bitmap_set(area->used, index);
	else
		area->closed = true;
	return true;
}

static void give_back_free(struct area *area)
{
	u64 first = 0, end;

	for (; first < area->covered; first = end) {
		first = bitmap_find_zero(area->used, area->covered, first);
		end = bitmap_find_set(area->used, area->covered, first);
		if (first < end && object_punch(area_object(area), first * PAGE_SIZE, (end - first) * PAGE_SIZE))
			area->closed = true;
	}
	if (object_punch(area_object(area), first * PAGE_SIZE, SMALL_BYTES - first * PAGE_SIZE))
		area->closed = true;
}

void small_recover_end(void)
{
	for (struct area *area = areas; area < areas + SMALL_AREAS; area++)
		if (area->there && !area->closed)
			give_back_free(area);
}
