/* The calls on ranges of pages: map, unmap, protect, clone. Each does at most a batch and says how far it came. */
#include "kernel/calls.h"
#include "kernel/frame.h"
#include "kernel/vspace.h"

#define WALK_BATCH 8192 /* entries looked at between preemption points; most are passed over, an eighth of a table or a cache line at a time */

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

/* The entries of one last-level table that lie in [address, end). */
struct run {
	u64 *table;  /* the entry that points to the table */
	u64 *pte;    /* of `address` */
	unsigned first, end;
	u64 address; /* of first */
};

static struct run run_of(u64 *table, u64 address, u64 end)
{
	unsigned first = (address >> PAGE_SHIFT) % TABLE_ENTRIES;

	return (struct run){ .table = table, .pte = phys_to_virt(*table & PTE_ADDRESS), .first = first, .address = address,
			     .end = MIN((end - address) >> PAGE_SHIFT, (u64)(TABLE_ENTRIES - first)) + first };
}

static u64 run_address(const struct run *run, unsigned i)
{
	return run->address + ((u64)(i - run->first) << PAGE_SHIFT);
}

static void run_start(struct run *run, unsigned i)
{
	run->address = run_address(run, i);
	run->first = i;
}

/* The next table with addresses in [address, end), as far as it lies there. */
static bool run_next(struct vspace *vs, u64 address, u64 end, struct run *run)
{
	u64 *table = vspace_next_table(vs, &address, end);

	if (table)
		*run = run_of(table, address, end);
	return table;
}

/* One page in; `taken` gets what was there before under VSPACE_REPLACE and is free now, or 0. */
static int map_page(struct vspace *vs, u64 *pte, u64 address, paddr_t page, unsigned flags, paddr_t *taken)
{
	u64 old = *pte;

	*taken = 0;
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
	u64 address = arg1(t), pages = arg2(t), flags = arg3(t), limit, taken = 0, i, *pte = NULL;
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
	for (i = 0; i < limit; i++, address += PAGE_SIZE) {
		paddr_t page, old;

		/* a part of a table is marked as a whole: only where the next begins is there more to do than to go on to the next entry */
		err = page_of_batch(t, i, one_ref, first, &page);
		if (err)
			break;
		pte = pte && (address >> PAGE_SHIFT) % PART_ENTRIES ? pte + 1 : vspace_entry(vs, address, true);
		err = pte ? map_page(vs, pte, address, page, flags, &old) : K_NO_TABLES;
		if (err)
			break;
		if (old && t->message_low)
			message_data_set_word(t, taken++, old); /* never ahead of the refs still to be read */
	}
	remote_flush_commit();
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

/* Frees the tables on the path to `address` that have become empty, last level first. */
static void free_empty_tables(struct unmap *u, u64 address)
{
	u64 *path[4] = { [3] = &u->vs->root };

	for (unsigned level = 3; level > 0; level--)
		path[level - 1] = (u64 *)phys_to_virt(*path[level] & PTE_ADDRESS) + ((address >> (PAGE_SHIFT + 9 * level)) % TABLE_ENTRIES);
	for (unsigned level = 0; level < 3; level++) {
		if (table_next(*path[level], 0, TABLE_ENTRIES) < TABLE_ENTRIES)
			return;
		frame_drop(*path[level] & PTE_ADDRESS);
		report_free(u, *path[level] & PTE_ADDRESS);
		*path[level] = 0;
		vspace_flush(u->vs, address); /* CPUs keep what tables they have walked (SDM 3A, 4.10.3), even where nothing was mapped */
		u->vs->table_pages--;
	}
}

/* Returns the entry at which it stopped. */
static unsigned unmap_run(struct unmap *u, const struct run *run)
{
	unsigned i;

	for (i = run->first; u->count < VSPACE_BATCH - 3 && (i = table_next(*run->table, i, run->end)) < run->end; i++) {
		u64 old = run->pte[i], address = run_address(run, i);

		run->pte[i] = 0;
		vspace_flush(u->vs, address);
		vspace_count_mapped(u->vs, address, -1);
		if (frame_drop(old & PTE_ADDRESS))
			report_free(u, old & PTE_ADDRESS);
	}
	table_unmark(run->table, run->first, i);
	return i;
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
		struct run run;
		unsigned stop;

		if (!run_next(u.vs, address, end, &run)) {
			address = end;
			break;
		}
		stop = unmap_run(&u, &run);
		looked += stop - run.first;
		if (free_tables && stop == run.end)
			free_empty_tables(&u, run.address);
		address = run_address(&run, stop);
	}
	remote_flush_commit();
	set_values(t, address, u.count);
	return K_OK;
}

static u64 pte_keep(u64 pte, u64 keep)
{
	if (!(keep & VSPACE_WRITE))
		pte &= ~PTE_WRITE;
	if (!(keep & VSPACE_EXEC) && (machine.features & BOOT_FEATURE_NX))
		pte |= PTE_NX;
	return keep ? pte : pte & ~PTE_USER;
}

static void protect_run(struct vspace *vs, const struct run *run, u64 keep)
{
	for (unsigned i = run->first; (i = table_next(*run->table, i, run->end)) < run->end; i++) {
		u64 new = pte_keep(run->pte[i], keep);

		if (new == run->pte[i])
			continue;
		run->pte[i] = new;
		vspace_flush(vs, run_address(run, i));
	}
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
		struct run run;

		if (!run_next(vs, address, end, &run)) {
			address = end;
			break;
		}
		protect_run(vs, &run, keep);
		looked += run.end - run.first;
		address = run_address(&run, run.end);
	}
	remote_flush_commit();
	set_values(t, address, 0);
	return K_OK;
}

/* The entries of a run into the same places of dst's table. Returns where it stopped: at an entry that is occupied, or at the end. */
static unsigned clone_run(struct vspace *dst, u64 *to_table, struct vspace *src, const struct run *from, bool copy_on_write)
{
	u64 *to = phys_to_virt(*to_table & PTE_ADDRESS);
	unsigned i;

	table_mark_as(to_table, *from->table, from->first, from->end);
	for (i = from->first; (i = table_next(*from->table, i, from->end)) < from->end; i++) {
		u64 *pte = &from->pte[i], address = run_address(from, i);

		if (to[i] & PTE_PRESENT)
			break;
		if (copy_on_write && (*pte & PTE_WRITE)) {
			*pte &= ~PTE_WRITE;
			vspace_flush(src, address);
		}
		frame_take(*pte & PTE_ADDRESS);
		to[i] = *pte & ~(PTE_ACCESSED | PTE_DIRTY);
		vspace_count_mapped(dst, address, 1);
	}
	return i;
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
		struct run run;
		unsigned stop;
		u64 *to;

		if (!run_next(src, address, end, &run)) {
			address = end;
			break;
		}
		run_start(&run, table_next(*run.table, run.first, run.end));
		address = run.address;
		if (run.first == run.end)
			continue;
		to = vspace_table(dst, address, true);
		if (!to) {
			err = K_NO_TABLES;
			break;
		}
		stop = clone_run(dst, to, src, &run, arg4(t) & 1);
		if (stop < run.end)
			err = K_OCCUPIED;
		looked += stop - run.first;
		address = run_address(&run, stop);
	}
	remote_flush_commit();
	set_values(t, address, 0);
	return err;
}

/* The first mapped page of [address, end) within a bounded number of entries; where it stopped if it found none. */
static u64 next_mapped(struct vspace *vs, u64 address, u64 end)
{
	for (unsigned tables = 0; address < end && tables < WALK_BATCH / TABLE_ENTRIES; tables++) {
		struct run run;
		unsigned i;

		if (!run_next(vs, address, end, &run))
			return end;
		i = table_next(*run.table, run.first, run.end);
		address = run_address(&run, i);
		if (i < run.end)
			break;
	}
	return address;
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
