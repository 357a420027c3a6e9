/* Blocks, pages and slots. See memory.h for the theory. */
#include "root/memory.h"

#include "lib/bitmap.h"
#include "lib/string.h"
#include "root/log.h"

enum block_state { BLOCK_NONE, BLOCK_UNTYPED, BLOCK_FRAMES, BLOCK_OBJECTS, BLOCK_ROOT };

struct block {
	struct list_node node;   /* in untyped_blocks, or in partial_blocks if some of its pages are free */
	u64 free;                /* BLOCK_FRAMES: bit per free page */
	u32 untyped_slot, frame_slot;
	u8 state;
};

struct page *pages;
pfn_t page_limit;
struct memory_counts memory_counts;

static struct block *blocks;
static u32 block_limit;
static struct list_node untyped_blocks = LIST_INIT(untyped_blocks);
static struct list_node partial_blocks = LIST_INIT(partial_blocks);

static u64 *slot_map;
static u32 slot_limit, slot_hint;

static const struct boot_info *boot;

/* ---- slots ---- */

u32 slot_alloc(u32 count)
{
	size_t first = bitmap_find_zero_range(slot_map, slot_limit, slot_hint, count);

	if (first == slot_limit)
		first = bitmap_find_zero_range(slot_map, slot_limit, 1, count);
	if (first == slot_limit)
		return 0;
	bitmap_set_range(slot_map, first, count);
	memory_counts.slots_used += count;
	if (first == slot_hint || count == 1)
		slot_hint = first + count;
	return first;
}

void slot_free(u32 first, u32 count)
{
	if (!first)
		return;
	ROOT_ASSERT(bitmap_test(slot_map, first));
	bitmap_clear_range(slot_map, first, count);
	memory_counts.slots_used -= count;
	slot_hint = MIN(slot_hint, first);
}

/* ---- blocks ---- */

u32 block_take(u32 *index)
{
	struct block *block = list_first_entry(&untyped_blocks, struct block, node);

	if (!block) {
		list_for_each_entry_safe(at, &partial_blocks, struct block, node) {
			if (at->free != ~0ull)
				continue;
			MUST(KCALL2(cap_revoke, ROOT_CNODE, at->untyped_slot));
			slot_free(at->frame_slot, 1);
			block = at;
			break;
		}
		if (!block)
			return 0;
	}
	list_remove(&block->node);
	block->state = BLOCK_OBJECTS;
	block->free = 0;
	memory_counts.free_pages -= BLOCK_PAGES;
	*index = block - blocks;
	return block->untyped_slot;
}

void block_return(u32 index)
{
	struct block *block = &blocks[index];

	ROOT_ASSERT(block->state == BLOCK_OBJECTS);
	block->state = BLOCK_UNTYPED;
	memory_counts.free_pages += BLOCK_PAGES;
	list_push_front(&untyped_blocks, &block->node);
}

/* Turns a free block into frames. */
static struct block *block_make_frames(void)
{
	struct block *block = list_first_entry(&untyped_blocks, struct block, node);
	u32 slot = block ? slot_alloc(1) : 0;

	if (!slot)
		return NULL;
	MUST(KCALL6(untyped_retype, SYS(block->untyped_slot), OBJECT_FRAME, BLOCK_BITS - PAGE_SHIFT, ROOT_CNODE, slot, 1));
	list_remove(&block->node);
	block->state = BLOCK_FRAMES;
	block->frame_slot = slot;
	block->free = ~0ull;
	list_push_front(&partial_blocks, &block->node);
	return block;
}

/* ---- pages ---- */

static inline pfn_t block_first(const struct block *block)
{
	return (pfn_t)(block - blocks) << (BLOCK_BITS - PAGE_SHIFT);
}

pfn_t page_alloc(enum page_type type)
{
	struct block *block = list_first_entry(&partial_blocks, struct block, node);
	pfn_t pfn;

	if (!block)
		block = block_make_frames();
	if (!block)
		return 0;
	pfn = block_first(block) + __builtin_ctzll(block->free);
	block->free &= block->free - 1;
	if (!block->free)
		list_remove(&block->node);
	ROOT_ASSERT(pages[pfn].type == PAGE_FREE);
	pages[pfn] = (struct page){ .type = type };
	memory_counts.by_type[type]++;
	memory_counts.free_pages--;
	return pfn;
}

static inline void page_zero(void *page)
{
	u64 count = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(count) : "a"(0ul) : "memory");
}

pfn_t page_alloc_zeroed(enum page_type type)
{
	pfn_t pfn = page_alloc(type);

	if (pfn)
		page_zero(page_virt(pfn));
	return pfn;
}

void page_free(pfn_t pfn)
{
	struct block *block = &blocks[pfn >> (BLOCK_BITS - PAGE_SHIFT)];

	ROOT_ASSERT(pfn < page_limit && pages[pfn].type != PAGE_FREE && pages[pfn].type != PAGE_FIXED);
	memory_counts.by_type[pages[pfn].type]--;
	memory_counts.free_pages++;
	pages[pfn].type = PAGE_FREE;
	if (!block->free)
		list_push_front(&partial_blocks, &block->node);
	block->free |= BIT(pfn % BLOCK_PAGES);
}

void page_set_type(pfn_t pfn, enum page_type type)
{
	memory_counts.by_type[pages[pfn].type]--;
	memory_counts.by_type[type]++;
	pages[pfn].type = type;
}

u64 page_ref(pfn_t pfn)
{
	u32 index = pfn >> (BLOCK_BITS - PAGE_SHIFT);
	u64 address = (u64)pfn << PAGE_SHIFT;

	if (index < block_limit && blocks[index].state == BLOCK_FRAMES)
		return PAGE_REF(blocks[index].frame_slot, pfn % BLOCK_PAGES);
	if (address - boot->image_base < ALIGN_UP(boot->image_size, PAGE_SIZE))
		return PAGE_REF(ROOT_SLOT_IMAGE, (address - boot->image_base) >> PAGE_SHIFT);
	if (address - boot->bundle_base < ALIGN_UP(boot->bundle_size, PAGE_SIZE))
		return PAGE_REF(ROOT_SLOT_BUNDLE, (address - boot->bundle_base) >> PAGE_SHIFT);
	root_panic("page %x belongs to no Frame", pfn);
}

#ifndef HOST_TEST
pfn_t page_of(const void *virt)
{
	return ((u64)virt - ROOT_PHYSMAP) >> PAGE_SHIFT;
}
#endif

/* ---- boot ---- */

/* Splits one RAM Untyped into blocks whose Untypeds are in consecutive slots. The kernel cuts from the lowest address up. */
static void split_untyped(u32 slot, const struct boot_untyped *untyped, u32 *next_slot)
{
	u64 count = 1ul << (untyped->size_bits - BLOCK_BITS);
	u32 index = untyped->base >> BLOCK_BITS;

	for (u64 done = 0; done < count; done += MIN(count - done, 64ul)) {
		u64 batch = MIN(count - done, 64ul);

		if (*next_slot + batch > slot_limit) {
			root_log(LOG_WARNING, "not enough slots: %lu KiB of memory stay unused", (count - done) << (BLOCK_BITS - 10));
			return;
		}
		MUST(KCALL6(untyped_retype, SYS(slot), OBJECT_UNTYPED, BLOCK_BITS, ROOT_CNODE, *next_slot, batch));
		for (u64 i = 0; i < batch; i++) {
			blocks[index + done + i].untyped_slot = *next_slot + i;
			blocks[index + done + i].state = BLOCK_UNTYPED;
		}
		*next_slot += batch;
	}
}

struct early {
	u64 base, at, end;
};

static void *early_take(struct early *early, u64 size)
{
	u64 address = early->at;

	early->at += ALIGN_UP(size, 64ul);
	if (early->at > early->end)
		root_panic("the machine has too little memory for its page table; give it more");
	return page_virt(0) + address;
}

/* The longest stretch of RAM: the kernel lists adjacent Untypeds one after the other. */
static struct early longest_stretch(void)
{
	struct early best = { 0 }, run = { 0 };

	for (u64 i = 0; i < boot->untyped_count; i++) {
		const struct boot_untyped *at = &boot->untyped[i];

		if (at->device || at->size_bits < BLOCK_BITS)
			continue;
		if (at->base != run.end)
			run.base = run.at = at->base;
		run.end = at->base + (1ul << at->size_bits);
		if (run.end - run.base > best.end - best.base)
			best = run;
	}
	return best;
}

/* The tables lie at the start of the longest stretch; the blocks they touch are never used otherwise. */
static struct early find_early(u64 size)
{
	struct early early = longest_stretch();

	if (early.end - early.base < size + (1ul << 20))
		root_panic("the machine has too little memory: %lu MiB, of which the boot image takes %lu; give it more",
			   boot->memory_bytes >> 20, boot->image_size >> 20);
	early.end = early.base + ALIGN_UP(size, BLOCK_SIZE);
	memset(page_virt(0) + early.base, 0, early.end - early.base);
	return early;
}

static void adopt_block(u32 index, const struct early *early)
{
	struct block *block = &blocks[index];
	u64 base = (u64)index << BLOCK_BITS;

	if (block->state != BLOCK_UNTYPED)
		return;
	memory_counts.total_pages += BLOCK_PAGES;
	if (base >= early->base && base < early->end) {
		block->state = BLOCK_ROOT;
		return;
	}
	memory_counts.free_pages += BLOCK_PAGES;
	for (u32 i = 0; i < BLOCK_PAGES; i++)
		pages[block_first(block) + i].type = PAGE_FREE;
	list_push_back(&untyped_blocks, &block->node);
}

static void adopt_untypeds(u32 *next_slot)
{
	for (u64 i = 0; i < boot->untyped_count; i++) {
		const struct boot_untyped *at = &boot->untyped[i];

		if (!at->device && at->size_bits >= BLOCK_BITS)
			split_untyped(ROOT_SLOT_UNTYPED + i, at, next_slot);
	}
}

/* What is too small to be a block serves kernel objects; it is not counted as pages. */
static void adopt_remainders(void)
{
	for (u64 i = 0; i < boot->untyped_count; i++) {
		const struct boot_untyped *at = &boot->untyped[i];

		if (!at->device && at->size_bits < BLOCK_BITS && at->size_bits >= PAGE_SHIFT)
			chunk_adopt(ROOT_SLOT_UNTYPED + i, at->size_bits);
	}
}

void memory_init(const struct boot_info *info)
{
	struct early early;
	u32 next_slot = info->first_free_slot;
	u64 size;

	boot = info;
	page_limit = info->memory_top >> PAGE_SHIFT;
	block_limit = DIV_ROUND_UP(page_limit, BLOCK_PAGES);
	slot_limit = info->slot_count;
	size = (u64)block_limit * BLOCK_PAGES * sizeof(*pages) + block_limit * sizeof(*blocks) + BITMAP_WORDS(slot_limit) * 8 + 256;
	early = find_early(size);
	pages = early_take(&early, (u64)block_limit * BLOCK_PAGES * sizeof(*pages));
	blocks = early_take(&early, block_limit * sizeof(*blocks));
	slot_map = early_take(&early, BITMAP_WORDS(slot_limit) * 8);
	adopt_untypeds(&next_slot);
	bitmap_set_range(slot_map, 0, next_slot);
	slot_hint = next_slot;
	for (u32 i = 0; i < block_limit; i++)
		adopt_block(i, &early);
	adopt_remainders();
}
