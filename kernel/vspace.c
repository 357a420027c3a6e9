/*
 * The page tables of a VSpace. Every table page and every mapped page is counted in the frame table; a page whose count becomes 0 is
 * reported to the caller of vspace_unmap, and only then may it be used again. Pages of the pool are counted as well.
 */
#include "kernel/vspace.h"
#include "kernel/frame.h"
#include "kernel/thread.h"
#include "lib/string.h"

#define LOWER_END 0x800000000000ull

/*
 * Most of a table is empty, and an address space that is taken down, cloned or searched must not pay for that. So an entry that points to a table says in
 * eight bits that the processor ignores which eighths of the table may have entries in use. A bit is set before an entry is; it is cleared
 * only when the whole eighth has been seen to be empty, so a set bit may be wrong and a clear one never is. vs->root is such an entry for
 * the top-level table. The kernel's own tables have no bits, so whatever is there is passed over.
 */
#define PART_SHIFT 52

void vspace_init(struct vspace *vs)
{
	u64 *top = (u64 *)((u8 *)vs + PAGE_SIZE);

	vs->top_address = virt_to_phys(top);
	vs->root = vs->top_address | PTE_PRESENT;
	list_init(&vs->threads);
	memset(top, 0, PAGE_SIZE / 2);
	arch_init_top_table(top);
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
	return (address >> (PAGE_SHIFT + 9 * level)) & (TABLE_ENTRIES - 1);
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

void table_mark(u64 *entry, unsigned index)
{
	*entry |= 1ull << (PART_SHIFT + index / PART_ENTRIES);
}

void table_mark_as(u64 *entry, u64 like, unsigned first, unsigned end)
{
	u64 parts = (2ull << ((end - 1) / PART_ENTRIES)) - (1ull << (first / PART_ENTRIES));

	*entry |= like & parts << PART_SHIFT;
}

void table_unmark(u64 *entry, unsigned first, unsigned end)
{
	u64 from = DIV_ROUND_UP(first, PART_ENTRIES), to = end / PART_ENTRIES;

	if (from < to)
		*entry &= ~(((1ull << to) - (1ull << from)) << PART_SHIFT);
}

/* The first entry in use of table[i, end) within one part. */
static unsigned part_next(const u64 *table, unsigned i, unsigned end)
{
	while (i < end) {
		if (i % 8 == 0 && end - i >= 8 && !(table[i] | table[i + 1] | table[i + 2] | table[i + 3] | table[i + 4] | table[i + 5] |
						    table[i + 6] | table[i + 7]))
			i += 8;
		else if (table[i])
			break;
		else
			i++;
	}
	return i;
}

unsigned table_search(u64 entry, unsigned i, unsigned end)
{
	const u64 *table = table_of(entry);
	unsigned parts = (entry >> PART_SHIFT) & 0xff;

	while (i < end) {
		unsigned left = parts >> (i / PART_ENTRIES), stop;

		if (!left)
			return end;
		if (!(left & 1)) {
			i = (i / PART_ENTRIES + __builtin_ctz(left)) * PART_ENTRIES;
			continue;
		}
		stop = MIN(end, ALIGN_DOWN(i, PART_ENTRIES) + PART_ENTRIES);
		i = part_next(table, i, stop);
		if (i < stop)
			return i;
	}
	return end;
}

u64 *vspace_table(struct vspace *vs, u64 address, bool make)
{
	u64 *entry = &vs->root;

	for (unsigned level = 3; level > 0; level--) {
		unsigned index = index_of(address, level);
		u64 *next = &table_of(*entry)[index];

		if (!(*next & PTE_PRESENT)) {
			u64 *fresh = make ? pool_take(vs) : NULL;

			if (!fresh)
				return NULL;
			table_mark(entry, index);
			*next = virt_to_phys(fresh) | PTE_PRESENT | PTE_WRITE | PTE_USER;
		}
		if (unlikely(*next & PTE_LARGE))
			return NULL;
		entry = next;
	}
	return entry;
}

u64 *vspace_entry(struct vspace *vs, u64 address, bool make)
{
	u64 *entry = vspace_table(vs, address, make);

	if (!entry)
		return NULL;
	if (make)
		table_mark(entry, index_of(address, 0));
	return &table_of(*entry)[index_of(address, 0)];
}

/* Whether user mappings may be there. */
static bool page_ok(u64 address)
{
	return address < LOWER_END || address - GATE_BASE < GATE_END - GATE_BASE;
}

u64 *vspace_entry_of(struct vspace *vs, u64 address)
{
	u64 entry = vs->root;

	if (unlikely(!page_ok(address)))
		return NULL;
	/* unrolled, every level's shift is a constant: each page fault and each copy between two threads comes here */
#pragma GCC unroll 3
	for (unsigned level = 3; level > 0; level--) {
		entry = table_of(entry)[index_of(address, level)];
		if (unlikely((entry & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT))
			return NULL;
	}
	return &table_of(entry)[index_of(address, 0)];
}

void vspace_describe(u64 pte, u64 *entry, u64 *count)
{
	*entry = *count = 0;
	if (!(pte & PTE_PRESENT))
		return;
	*entry = (pte & PTE_ADDRESS) | pte_rights(pte);
	*count = frame_get_count(pte & PTE_ADDRESS);
}

/* Down from the top along `address`; where nothing is on its path, on from the next that there is, at most to the end of that table. */
static u64 *next_table(struct vspace *vs, u64 *address)
{
	u64 *entry = &vs->root, at = *address;

	for (unsigned level = 3; level > 0; level--) {
		u64 span = 1ull << (PAGE_SHIFT + 9 * level);
		unsigned index = index_of(at, level), next = table_next(*entry, index, TABLE_ENTRIES);

		if (next != index)
			at = (at & ~(span - 1)) + (next - index) * span;
		*address = at;
		if (next == TABLE_ENTRIES)
			return NULL;
		entry = &table_of(*entry)[next];
		if (unlikely(*entry & PTE_LARGE)) {
			*address = (at & ~(span - 1)) + span;
			return NULL;
		}
	}
	return entry;
}

u64 *vspace_next_table(struct vspace *vs, u64 *address, u64 end)
{
	u64 before = 0;

	/* behind the last table there is address 0 */
	while (*address < end && *address >= before) {
		u64 *entry;

		before = *address;
		entry = next_table(vs, address);
		if (entry)
			return *address < end ? entry : NULL;
	}
	return NULL;
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
	u64 entry = vs->root;

	*span = PAGE_SIZE;

	for (int level = 3; level >= 0; level--) {
		entry = table_of(entry)[index_of(address, (unsigned)level)];
		if (unlikely(!(entry & PTE_PRESENT)))
			return 0;
		if (level && level < 3 && unlikely(entry & PTE_LARGE)) {
			*span = 1ull << (PAGE_SHIFT + 9 * level);
			return entry;
		}
	}
	return entry;
}

bool vspace_translate(struct vspace *vs, u64 address, unsigned rights, paddr_t *page)
{
	u64 pte, span;

	if (!page_ok(address))
		return false;
	pte = mapping_of(vs, address, &span);
	if ((pte_rights(pte) & rights) != rights)
		return false;
	*page = (pte & PTE_ADDRESS & ~(span - 1)) | (address & (span - 1) & ~(u64)(PAGE_SIZE - 1));
	return frame_is_counted_memory(*page);
}

void vspace_count_mapped(struct vspace *vs, u64 address, int delta)
{
	if (address < LOWER_END)
		vs->mapped += (s64)delta;
}

/* Every mapping and table below the entries [first, end) of one table; level 0: of last-level entries. */
static void drop_entries(struct vspace *vs, u64 table, unsigned level, unsigned first, unsigned end)
{
	for (unsigned i = first; (i = table_next(table, i, end)) < end; i++) {
		u64 entry = table_of(table)[i];

		if (level > 0) {
			drop_entries(vs, entry, level - 1, 0, TABLE_ENTRIES);
			vs->table_pages--;
		}
		frame_drop(entry & PTE_ADDRESS);
	}
}

/* What root left mapped is dropped: its frames' counts go down, unreported. */
void vspace_destroy(struct vspace *vs)
{
	while (!list_empty(&vs->threads))
		thread_space_gone(list_first_entry(&vs->threads, struct thread, space_link));
	remote_leave_space(vs);
	drop_entries(vs, vs->root, 3, 0, index_of(LOWER_END, 3));
	drop_entries(vs, vs->root, 3, index_of(GATE_BASE, 3), index_of(GATE_BASE, 3) + 1);
	for (void **page = vs->pool; page; page = *page)
		frame_drop(virt_to_phys(page));
}
