/*
 * The page tables of a VSpace. Every table page and every mapped page is counted in the frame table; a page whose count becomes 0 is
 * reported to the caller of vspace_unmap, and only then may it be used again. Pages of the pool are counted as well.
 */
#include "kernel/vspace.h"
#include "kernel/frame.h"
#include "kernel/thread.h"
#include "lib/string.h"

#define LOWER_END 0x800000000000ull
#define ENTRIES   512

void vspace_init(struct vspace *vs)
{
	vs->top = (u64 *)((u8 *)vs + PAGE_SIZE);
	vs->top_address = virt_to_phys(vs->top);
	list_init(&vs->threads);
	arch_init_top_table(vs->top);
}

bool vspace_range_ok(u64 address, u64 pages)
{
	u64 end = address + (pages << PAGE_SHIFT);

	if ((address & (PAGE_SIZE - 1)) || !pages || pages > LOWER_END >> PAGE_SHIFT || end < address)
		return false;
	return end <= LOWER_END || (address >= GATE_BASE && end <= GATE_END);
}

static unsigned index_of(u64 address, unsigned level) /* level 3: top */
{
	return (address >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

bool vspace_pool_add(struct vspace *vs, paddr_t page)
{
	void **link = phys_to_virt(page);

	if (frame_get_count(page))
		return false;
	frame_take(page);
	*link = vs->pool;
	vs->pool = link;
	vs->pool_pages++;
	return true;
}

static u64 *pool_take(struct vspace *vs)
{
	void **page = vs->pool;

	if (!page)
		return NULL;
	vs->pool = *page;
	vs->pool_pages--;
	vs->table_pages++;
	memset(page, 0, PAGE_SIZE);
	return (u64 *)page;
}

static u64 *table_of(u64 entry)
{
	return phys_to_virt(entry & PTE_ADDRESS);
}

u64 *vspace_entry(struct vspace *vs, u64 address, bool make)
{
	u64 *table = vs->top;

	for (unsigned level = 3; level > 0; level--) {
		u64 *entry = &table[index_of(address, level)];

		if (!(*entry & PTE_PRESENT)) {
			u64 *fresh = make ? pool_take(vs) : NULL;

			if (!fresh)
				return NULL;
			*entry = virt_to_phys(fresh) | PTE_PRESENT | PTE_WRITE | PTE_USER;
		}
		if (unlikely(*entry & PTE_LARGE))
			return NULL;
		table = table_of(*entry);
	}
	return &table[index_of(address, 0)];
}

u64 *vspace_entry_of(struct vspace *vs, u64 address)
{
	if (!vspace_range_ok(ALIGN_DOWN(address, (u64)PAGE_SIZE), 1))
		return NULL;
	return vspace_entry(vs, address, false);
}

void vspace_describe(u64 pte, u64 *entry, u64 *count)
{
	*entry = *count = 0;
	if (!(pte & PTE_PRESENT))
		return;
	*entry = (pte & PTE_ADDRESS) | pte_rights(pte);
	*count = frame_get_count(pte & PTE_ADDRESS);
}

/* Below one table of that level; its entries are passed over as pte_next does. Past the table: none in it. */
static u64 next_table(u64 *table, unsigned level, u64 address, u64 end)
{
	u64 span = 1ull << (PAGE_SHIFT + 9 * level), base = address & ~(span * ENTRIES - 1);
	u64 *last = table + ENTRIES, *entry = table + index_of(address, level);

	for (; (entry = pte_next(entry, last)) < last; entry++) {
		u64 at = MAX(address, base + (u64)(entry - table) * span), found;

		if (at >= end)
			return end;
		if (!(*entry & PTE_PRESENT) || (*entry & PTE_LARGE))
			continue;
		if (level == 1)
			return at;
		found = next_table(table_of(*entry), level - 1, at, end);
		if (found < end && found - (at & ~(span - 1)) < span)
			return found;
	}
	return end;
}

u64 vspace_next_table(struct vspace *vs, u64 address, u64 end)
{
	return address < end ? next_table(vs->top, 3, address, end) : end;
}

u64 pte_make(paddr_t page, unsigned flags)
{
	u64 pte = page | PTE_PRESENT | PTE_USER;

	if (flags & VSPACE_WRITE)
		pte |= PTE_WRITE;
	if (!(flags & VSPACE_EXEC) && (machine.features & BOOT_FEATURE_NX))
		pte |= PTE_NX;
	if (flags & VSPACE_UNCACHED)
		pte |= PTE_UNCACHED;
	return pte;
}

unsigned pte_rights(u64 pte)
{
	if (!(pte & PTE_PRESENT) || !(pte & PTE_USER))
		return 0;
	return VSPACE_READ | (pte & PTE_WRITE ? VSPACE_WRITE : 0) | (pte & PTE_NX ? 0 : VSPACE_EXEC);
}

/* The entry that maps an address, large or not, and the size it maps; 0: none. */
static u64 mapping_of(struct vspace *vs, u64 address, u64 *span)
{
	u64 *table = vs->top;

	for (unsigned level = 3;; level--) {
		u64 entry = table[index_of(address, level)];

		*span = 1ull << (PAGE_SHIFT + 9 * level);
		if (!(entry & PTE_PRESENT) || level == 0 || (level < 3 && (entry & PTE_LARGE)))
			return entry & PTE_PRESENT ? entry : 0;
		table = table_of(entry);
	}
}

bool vspace_translate(struct vspace *vs, u64 address, unsigned rights, paddr_t *page)
{
	u64 pte, span;

	if (!vspace_range_ok(ALIGN_DOWN(address, (u64)PAGE_SIZE), 1))
		return false;
	pte = mapping_of(vs, address, &span);
	if ((pte_rights(pte) & rights) != rights)
		return false;
	*page = (pte & PTE_ADDRESS & ~(span - 1)) | (address & (span - 1) & ~(u64)(PAGE_SIZE - 1));
	return frame_is_counted_memory(*page);
}

/* Only the core's current address space can have stale entries: loading another one empties the TLB of user pages. */
void vspace_flush(struct vspace *vs, u64 address)
{
	if (this_core()->top_table == vs->top_address)
		arch_flush_page(address);
}

void vspace_count_mapped(struct vspace *vs, u64 address, int delta)
{
	if (address < LOWER_END)
		vs->mapped += (s64)delta;
}

/* Every mapping and table below one table; level 0: a page of last-level entries. */
static void drop_table(struct vspace *vs, u64 *table, unsigned level)
{
	for (u64 *entry = table, *last = table + ENTRIES; (entry = pte_next(entry, last)) < last; entry++) {
		if (level > 0) {
			drop_table(vs, table_of(*entry), level - 1);
			vs->table_pages--;
		}
		frame_drop(*entry & PTE_ADDRESS);
	}
}

/* What root left mapped is dropped: its frames' counts go down, unreported. */
void vspace_destroy(struct vspace *vs)
{
	while (!list_empty(&vs->threads))
		thread_space_gone(list_first_entry(&vs->threads, struct thread, space_link));
	ASSERT(this_core()->top_table != vs->top_address);
	for (unsigned i = 0; i < ENTRIES; i++) {
		if (!(vs->top[i] & PTE_PRESENT) || (i >= ENTRIES / 2 && i != index_of(GATE_BASE, 3)))
			continue;
		drop_table(vs, table_of(vs->top[i]), 2);
		frame_drop(vs->top[i] & PTE_ADDRESS);
	}
	for (void **page = vs->pool; page; page = *page)
		frame_drop(virt_to_phys(page));
}
