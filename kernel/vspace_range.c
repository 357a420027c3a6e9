/* The calls on ranges of pages: map, unmap, protect, clone. Each does at most a batch and says how far it came. */
#include "kernel/calls.h"
#include "kernel/frame.h"
#include "kernel/vspace.h"

#define WALK_BATCH 8192 /* entries looked at between preemption points; most are passed over eight at a time */
#define TABLE_SPAN (512ull * PAGE_SIZE)

int call_vspace_topup(struct thread *t)
{
	int err = K_OK;
	struct vspace *vs = lookup_object(t, arg0(t), OBJECT_VSPACE, 0, &err);
	u64 count = arg1(t);
	paddr_t page;

	if (!vs)
		return err;
	if (count > VSPACE_BATCH || !t->message_low)
		return K_INVALID_ARG;
	for (u64 i = 0; i < count; i++) {
		err = lookup_page(t, message_data_word(t, i), 1, &page);
		if (!err && !frame_is_counted_memory(page))
			err = K_INVALID_ARG;
		if (!err && !vspace_pool_add(vs, page))
			err = K_BUSY;
		set_values(t, i, 0);
		if (err)
			return err;
	}
	set_values(t, count, 0);
	return K_OK;
}

/* One page in; `taken` gets what was there before under VSPACE_REPLACE and is free now, or 0. */
static int map_page(struct vspace *vs, u64 address, paddr_t page, unsigned flags, paddr_t *taken)
{
	u64 *pte = vspace_entry(vs, address, true), old;

	*taken = 0;
	if (!pte)
		return K_NO_TABLES;
	old = *pte;
	if ((old & PTE_PRESENT) && !(flags & VSPACE_REPLACE))
		return K_OCCUPIED;
	frame_take(page);
	*pte = pte_make(page, flags);
	if (!(old & PTE_PRESENT)) {
		vspace_count_mapped(vs, address, 1);
		return K_OK;
	}
	vspace_flush(vs, address);
	if (frame_drop(old & PTE_ADDRESS))
		*taken = old & PTE_ADDRESS;
	return K_OK;
}

static int page_of_batch(struct thread *t, u64 i, bool one_ref, paddr_t first, paddr_t *page)
{
	if (!one_ref)
		return lookup_page(t, message_data_word(t, i), 1, page);
	*page = first + (i << PAGE_SHIFT);
	return K_OK;
}

/* VSpace, address, pages, flags, ref */
int call_vspace_map(struct thread *t)
{
	int err = K_OK;
	struct vspace *vs = lookup_object(t, arg0(t), OBJECT_VSPACE, 0, &err);
	u64 address = arg1(t), pages = arg2(t), flags = arg3(t), limit, taken = 0, i;
	bool one_ref = pages == 1 || (flags & VSPACE_CONTIGUOUS);
	paddr_t first = 0;

	if (!vs)
		return err;
	if (!vspace_range_ok(address, pages) || (!one_ref && (pages > VSPACE_BATCH || !t->message_low)))
		return K_INVALID_ARG;
	if (one_ref)
		err = lookup_page(t, arg4(t), pages, &first);
	if (err)
		return err;
	limit = MIN(pages, (u64)VSPACE_BATCH);
	for (i = 0; i < limit; i++) {
		paddr_t page, old;

		err = page_of_batch(t, i, one_ref, first, &page);
		if (!err)
			err = map_page(vs, address + (i << PAGE_SHIFT), page, flags, &old);
		if (err)
			break;
		if (old && t->message_low)
			message_data_set_word(t, taken++, old); /* never ahead of the refs still to be read */
	}
	set_values(t, i, taken);
	return err ? err : i < pages ? K_PARTIAL : K_OK;
}

struct unmap {
	struct thread *t;
	struct vspace *vs;
	u64 count; /* freed pages put in data[] */
};

static void report_free(struct unmap *u, paddr_t page)
{
	message_data_set_word(u->t, u->count++, page);
}

static bool table_empty(u64 *table)
{
	return pte_next(table, table + 512) == table + 512;
}

/* Frees the tables on the path to `address` that have become empty, last level first. */
static void free_empty_tables(struct unmap *u, u64 address)
{
	for (unsigned level = 1; level <= 3; level++) {
		u64 *table = u->vs->top;
		u64 *entry = NULL;

		for (unsigned l = 3; l >= level; l--) {
			entry = &table[(address >> (PAGE_SHIFT + 9 * l)) & 511];
			if (!(*entry & PTE_PRESENT))
				return;
			table = phys_to_virt(*entry & PTE_ADDRESS);
		}
		if (!table_empty(table))
			return;
		frame_drop(*entry & PTE_ADDRESS);
		report_free(u, *entry & PTE_ADDRESS);
		*entry = 0;
		u->vs->table_pages--;
	}
}

/* The entries of one last-level table within [address, end); returns where it stopped. */
static u64 unmap_in_table(struct unmap *u, u64 address, u64 end)
{
	u64 *first = vspace_entry(u->vs, address, false), *last = first + ((end - address) >> PAGE_SHIFT), *pte;
	u64 start = address;

	for (pte = first; u->count < VSPACE_BATCH - 3 && (pte = pte_next(pte, last)) < last; pte++) {
		u64 old = *pte;

		address = start + ((u64)(pte - first) << PAGE_SHIFT);
		*pte = 0;
		vspace_flush(u->vs, address);
		vspace_count_mapped(u->vs, address, -1);
		if (frame_drop(old & PTE_ADDRESS))
			report_free(u, old & PTE_ADDRESS);
	}
	return start + ((u64)(pte - first) << PAGE_SHIFT);
}

/* Decodes VSpace, address, pages; *end is set. */
static struct vspace *decode_range(struct thread *t, u64 *end, int *err)
{
	struct vspace *vs = lookup_object(t, arg0(t), OBJECT_VSPACE, 0, err);

	if (!vs)
		return NULL;
	if (!vspace_range_ok(arg1(t), arg2(t)) || !t->message_low) {
		*err = K_INVALID_ARG;
		return NULL;
	}
	*end = arg1(t) + (arg2(t) << PAGE_SHIFT);
	return vs;
}

/* VSpace, address, pages, 1: free page tables too */
int call_vspace_unmap(struct thread *t)
{
	int err = K_OK;
	u64 end, address = arg1(t);
	bool free_tables = arg3(t) & 1;
	struct unmap u = { .t = t, .vs = decode_range(t, &end, &err) };
	unsigned looked = 0;

	if (!u.vs)
		return err;
	while (address < end && u.count < VSPACE_BATCH - 3 && looked < WALK_BATCH) {
		u64 table_end, stop;

		address = vspace_next_table(u.vs, address, end);
		if (address >= end)
			break;
		table_end = MIN(end, ALIGN_DOWN(address, TABLE_SPAN) + TABLE_SPAN);
		stop = unmap_in_table(&u, address, table_end);
		looked += (stop - address) >> PAGE_SHIFT;
		if (free_tables && stop == table_end)
			free_empty_tables(&u, address);
		address = stop;
	}
	set_values(t, MIN(address, end), u.count);
	return K_OK;
}

/* VSpace, address, pages, rights to keep */
int call_vspace_protect(struct thread *t)
{
	int err = K_OK;
	u64 end, address = arg1(t), keep = arg3(t);
	struct vspace *vs = decode_range(t, &end, &err);
	unsigned looked = 0;

	if (!vs)
		return err;
	if (keep && !(keep & VSPACE_READ))
		return K_INVALID_ARG;
	while (address < end && looked < WALK_BATCH) {
		u64 *first, *last, *pte, table_end;

		address = vspace_next_table(vs, address, end);
		if (address >= end)
			break;
		table_end = MIN(end, ALIGN_DOWN(address, TABLE_SPAN) + TABLE_SPAN);
		first = vspace_entry(vs, address, false);
		last = first + ((table_end - address) >> PAGE_SHIFT);
		for (pte = first; (pte = pte_next(pte, last)) < last; pte++) {
			u64 old = *pte, new = old;

			if (!(keep & VSPACE_WRITE))
				new &= ~PTE_WRITE;
			if (!(keep & VSPACE_EXEC) && (machine.features & BOOT_FEATURE_NX))
				new |= PTE_NX;
			if (!keep)
				new &= ~PTE_USER;
			if (new == old)
				continue;
			*pte = new;
			vspace_flush(vs, address + ((u64)(pte - first) << PAGE_SHIFT));
		}
		looked += last - first;
		address = table_end;
	}
	set_values(t, MIN(address, end), 0);
	return K_OK;
}

static int clone_page(struct vspace *dst, struct vspace *src, u64 address, u64 *from, bool copy_on_write)
{
	u64 *to = vspace_entry(dst, address, true);

	if (!to)
		return K_NO_TABLES;
	if (*to & PTE_PRESENT)
		return K_OCCUPIED;
	if (copy_on_write && (*from & PTE_WRITE)) {
		*from &= ~PTE_WRITE;
		vspace_flush(src, address);
	}
	frame_take(*from & PTE_ADDRESS);
	*to = *from & ~(1ull << 5 | 1ull << 6); /* neither accessed nor dirty */
	vspace_count_mapped(dst, address, 1);
	return K_OK;
}

/* dst, src, address, pages, 1: copy on write */
int call_vspace_clone(struct thread *t)
{
	int err = K_OK;
	struct vspace *dst = lookup_object(t, arg0(t), OBJECT_VSPACE, 0, &err);
	struct vspace *src = lookup_object(t, arg1(t), OBJECT_VSPACE, 0, &err);
	u64 address = arg2(t), end = address + (arg3(t) << PAGE_SHIFT);
	unsigned looked = 0;

	if (!dst || !src)
		return err;
	if (dst == src || !vspace_range_ok(address, arg3(t)))
		return K_INVALID_ARG;
	while (address < end && looked < WALK_BATCH && !err) {
		u64 table_end, start, *first, *last, *pte;

		start = address = vspace_next_table(src, address, end);
		if (address >= end)
			break;
		table_end = MIN(end, ALIGN_DOWN(address, TABLE_SPAN) + TABLE_SPAN);
		first = vspace_entry(src, address, false);
		last = first + ((table_end - address) >> PAGE_SHIFT);
		for (pte = first; (pte = pte_next(pte, last)) < last; pte++) {
			err = clone_page(dst, src, start + ((u64)(pte - first) << PAGE_SHIFT), pte, arg4(t) & 1);
			if (err)
				break;
		}
		looked += pte - first;
		address = start + ((u64)(pte - first) << PAGE_SHIFT);
	}
	set_values(t, MIN(address, end), 0);
	return err;
}

/* The first mapped page of [address, end) within a bounded number of entries; where it stopped if it found none. */
static u64 next_mapped(struct vspace *vs, u64 address, u64 end)
{
	for (unsigned tables = 0; address < end && tables < WALK_BATCH / 512; tables++) {
		u64 *first, *last, *pte, table_end;

		address = vspace_next_table(vs, address, end);
		if (address >= end)
			break;
		table_end = MIN(end, ALIGN_DOWN(address, TABLE_SPAN) + TABLE_SPAN);
		first = vspace_entry(vs, address, false);
		last = first + ((table_end - address) >> PAGE_SHIFT);
		pte = pte_next(first, last);
		address += (u64)(pte - first) << PAGE_SHIFT;
		if (pte < last)
			break;
	}
	return MIN(address, end);
}

/* VSpace, address, 0 or pages to look through for one that is mapped */
int call_vspace_query(struct thread *t)
{
	int err = K_OK;
	struct vspace *vs = lookup_object(t, arg0(t), OBJECT_VSPACE, 0, &err);
	u64 *pte, entry = 0, count = 0;

	if (!vs)
		return err;
	if (arg2(t)) {
		if (!vspace_range_ok(arg1(t), arg2(t)))
			return K_INVALID_ARG;
		set_values(t, next_mapped(vs, arg1(t), arg1(t) + (arg2(t) << PAGE_SHIFT)), 0);
		return K_OK;
	}
	pte = vspace_entry_of(vs, arg1(t));
	if (pte)
		vspace_describe(*pte, &entry, &count);
	set_values(t, entry, count);
	return K_OK;
}

int call_vspace_info(struct thread *t)
{
	int err = K_OK;
	struct vspace *vs = lookup_object(t, arg0(t), OBJECT_VSPACE, 0, &err);

	if (vs)
		set_values(t, vs->mapped, vs->pool_pages);
	return err;
}
