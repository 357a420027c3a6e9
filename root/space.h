/*
 * Address spaces: a VSpace, its regions, its thread areas. The page tables are the truth about anonymous pages: unmapping tells which
 * frames are no longer counted anywhere, and these are freed.
 */
#ifndef ROOT_SPACE_H
#define ROOT_SPACE_H

#include "abi/process.h"
#include "root/memory.h"
#include "root/region.h"

#define USER_MIN       0x10000ul          /* vm.mmap_min_addr */
#define USER_MAX       0x7ffffffff000ul
#define USER_MMAP_TOP  0x7ffff7fff000ul   /* mmap goes down from here unless a stack is in the way */
#define SPACE_AREA_WORDS (GATE_THREADS_MAX / 64)

struct space {
	struct kobject vspace;
	u32 refs;                 /* threads that run in it, and operations that build it */
	u32 tables;               /* first page of the list of its table pages, 0: none */
	u32 table_count;
	struct region_tree regions;
	u64 brk_start, brk_end;
	u64 stack_top, code_start, code_end, arg_start, arg_end, env_start, env_end;
	u64 minor_faults, major_faults;
	u64 peak_pages;
	u64 stack_limit, address_limit, data_limit; /* RLIMIT_STACK, AS, DATA of its process */
	u32 area_count;
	bool dying;
	bool many_processes;  /* beside a vfork child: CLONE_VM without CLONE_VFORK */
	u16 future_flags;         /* mlockall(MCL_FUTURE): of every new region: REGION_LOCKED, perhaps REGION_LOCKED_LATER */
	u64 areas[SPACE_AREA_WORDS];
	pfn_t info_page;
	pfn_t shared_pages[GATE_SHARED_MAX];
};

/* With a VSpace and nothing in it. NULL: no memory. One reference. */
struct space *space_create(void);
static inline struct space *space_get(struct space *space)
{
	space->refs++;
	return space;
}
/* The last one destroys it: everything unmapped, page tables freed. */
void space_put(struct space *space);

static inline u64 space_cptr(const struct space *space)
{
	return SYS(space->vspace.slot);
}

/* ---- page tables ---- */
/*
 * Maps pages, whose refs are in `refs` (or with VSPACE_CONTIGUOUS one ref). Table pages are added as needed. Pages taken out by
 * VSPACE_REPLACE are released. *done: how many. 0, -ENOMEM (no page for a table), -EEXIST (occupied).
 */
int space_map(struct space *space, u64 address, u64 count, u64 flags, const u64 *refs, u64 *done);
static inline int space_map_page(struct space *space, u64 address, u64 flags, pfn_t pfn)
{
	u64 ref = page_ref(pfn), done;

	return space_map(space, address, 1, flags, &ref, &done);
}
/* Takes the range out of the page tables and frees what nobody else has. `tables`: page tables of the range too. */
void space_unmap(struct space *space, u64 start, u64 end, bool tables);
void space_protect(struct space *space, u64 start, u64 end, unsigned rights);
/* Same pages in both; `cow`: write is taken away from both. 0 or -ENOMEM (what was cloned stays, for space_put to take away). */
int space_clone_range(struct space *to, struct space *from, u64 start, u64 end, bool cow);
struct page_entry {
	pfn_t pfn;       /* 0: nothing is mapped there */
	unsigned rights; /* VSPACE_READ.. */
	u64 count;       /* of the frame */
};
struct page_entry space_query(const struct space *space, u64 address);
/* The first mapped page at or after `start`; `end` if there is none below it. */
u64 space_next_mapped(const struct space *space, u64 start, u64 end);
u64 space_resident(const struct space *space);
/* Makes sure that the next `count` page tables need no top-up in the middle of something. 0 or -ENOMEM. */
int space_topup(struct space *space, u64 count);
static inline unsigned space_rights(unsigned prot)
{
	/* x86-64 has no write-only or exec-only pages */
	return !prot ? 0 : VSPACE_READ | (prot & REGION_WRITE ? VSPACE_WRITE : 0) | (prot & REGION_EXEC ? VSPACE_EXEC : 0);
}

/* ---- regions with their pages ---- */
/* A new region over a free range; takes a reference of object. 0 or -ENOMEM. */
int space_add_region(struct space *space, u64 start, u64 end, unsigned prot, unsigned flags, struct object *object, u64 offset);
/* Regions and pages of the range go. 0 or -ENOMEM (cutting needs records). */
int space_remove_range(struct space *space, u64 start, u64 end);
/* All regions, all areas of the lower half and gate become `to`'s as fork does. 0 or -ENOMEM. */
int space_fork(struct space *to, struct space *from);

/* Unmaps an object's range of pages from every address space. */
void object_unmap_everywhere(struct object *object, u64 first, u64 count);

/* Unmaps one page of it wherever it is `pfn` that is mapped, not a private copy. */
void object_unmap_page(struct object *object, u64 index, pfn_t pfn);

/* op_lock.c: memory that mlock has locked; whether the thread's process may lock so much more: 0, -EPERM, -ENOMEM. */
/*
 * Brings pages in from *start on: to `end`, or a part of that which takes root no longer than other requests do. 0, and *start is how far it came; or -errno:
 * why the page at *start cannot be there. `how`: BRING_IN_.
 */
long space_bring_in(struct space *space, u64 *start, u64 end, unsigned how);
u64 space_locked_bytes(const struct space *space);
struct thread;
int lock_limit_check(const struct thread *thread, u64 more);

/* ---- touching ---- */
enum touch { TOUCH_OK, TOUCH_NO_REGION, TOUCH_NO_ACCESS, TOUCH_BUS, TOUCH_NO_MEMORY };
/* The region at address, grown down to it if it is a stack; NULL. */
struct region *space_region(struct space *space, u64 address);
/* Brings a page of that region in; entry: what the page tables say now. */
enum touch region_touch(struct region *region, u64 address, unsigned access, const struct page_entry *entry);
/* The pages of a new, small mapping of an object that are there already: mapping them now costs less than one page fault. */
void region_map_small(struct region *region, u64 address, u64 length);
/* Zeroed pages, at most 16, into private anonymous memory where nothing is mapped yet. Fewer or none where memory ends: faults say so later. */
void space_fill(struct space *space, u64 start, unsigned prot, u64 count);
/* Brings the page at address in, for reading, writing (REGION_WRITE) or executing. */
enum touch space_touch(struct space *space, u64 address, unsigned access);
/*
 * Root's own access to a process's memory, page by page, as the process could. 0 or -EFAULT.
 */
int space_read(struct space *space, u64 address, void *to, u64 length);
u32 *space_word(struct space *space, u64 address); /* that aligned word, writable, until something is unmapped; NULL: EFAULT */
int space_write(struct space *space, u64 address, const void *from, u64 length);

#endif
