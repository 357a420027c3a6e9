/* Address spaces: four-level page tables whose pages come from the VSpace's own pool. x86-64 entries; see vspace.c. */
#ifndef KERNEL_VSPACE_H
#define KERNEL_VSPACE_H

#include "kernel/object.h"
#include "kernel/remote.h"

#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITE    (1ull << 1)
#define PTE_USER     (1ull << 2)
#define PTE_UNCACHED (1ull << 3 | 1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)
#define PTE_LARGE    (1ull << 7) /* root's window on RAM only; never counted, unmapped or cloned */
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull

/* Whether [address, +pages) is memory that user mappings may be in: the lower half or the gate's slot. */
bool vspace_range_ok(u64 address, u64 pages);
/* The last-level entry of an address; NULL: no table. With `make`, tables are taken from the pool; NULL: the pool is empty. */
u64 *vspace_entry(struct vspace *vs, u64 address, bool make);
/* The page behind a user address if it is mapped with these rights. */
bool vspace_translate(struct vspace *vs, u64 address, unsigned rights, paddr_t *page);
/* The same for any address a fault may name: NULL where nothing can be mapped. */
u64 *vspace_entry_of(struct vspace *vs, u64 address);
/* An entry as messages and calls show it: page | rights, and the page's count. 0, 0: nothing there. */
void vspace_describe(u64 pte, u64 *entry, u64 *count);
/* The entry that points to the last-level table of an address; NULL: no table. `make` as above. */
u64 *vspace_table(struct vspace *vs, u64 address, bool make);
/* The same of the first last-level table that has addresses in [*address, end): *address becomes the first of them. NULL: none. */
u64 *vspace_next_table(struct vspace *vs, u64 *address, u64 end);

#define TABLE_ENTRIES 512u
#define PART_ENTRIES  (TABLE_ENTRIES / 8)
/* Tables as the entries that point to them (vspace.c says what these know). The first entry in use of [i, end); `end` if there is none. */
unsigned table_search(u64 entry, unsigned i, unsigned end);
static inline unsigned table_next(u64 entry, unsigned i, unsigned end)
{
	const u64 *table = phys_to_virt(entry & PTE_ADDRESS);

	return i < end && table[i] ? i : table_search(entry, i, end);
}
/* An entry of the table is about to be used. */
void table_mark(u64 *entry, unsigned index);
/* Some entries of [first, end) are: those that are in use in another table. */
void table_mark_as(u64 *entry, u64 like, unsigned first, unsigned end);
/* No entry of [first, end) is in use any more. */
void table_unmark(u64 *entry, unsigned first, unsigned end);
/* An entry has lost rights or its page. Who calls it calls remote_flush_commit before it returns. A space that no core has loaded is in no TLB. */
static inline void vspace_flush(struct vspace *vs, u64 address)
{
	if (unlikely(vs->cores))
		remote_flush_add(vs, address);
}
u64 pte_make(paddr_t page, unsigned flags);
unsigned pte_rights(u64 pte);
void vspace_count_mapped(struct vspace *vs, u64 address, int delta);
bool vspace_pool_add(struct vspace *vs, paddr_t page);

#endif
