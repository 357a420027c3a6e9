/*
 * Physical memory: slots of root's CNode, pages, kernel objects, root's own heap.
 *
 * At boot every RAM Untyped is split into blocks of 256 KiB. A block is in one of the states below and changes it only when all
 * of it is free: as frames it is one Frame capability of 64 pages, as objects it is cut into Untypeds of one size class, one for
 * each kernel object, so that every object can be revoked and its memory used again.
 */
#ifndef ROOT_MEMORY_H
#define ROOT_MEMORY_H

#include "lib/list.h"
#include "lib/types.h"
#include "root/kcall.h"

typedef u32 pfn_t; /* physical page number; 0 is never handed out */

#define BLOCK_BITS  18
#define BLOCK_SIZE  (1ul << BLOCK_BITS)
#define BLOCK_PAGES 64

enum page_type {
	PAGE_FIXED,  /* not root's to give: boot image, bundle, device memory, root's tables */
	PAGE_FREE,
	PAGE_ANON,   /* lives in address spaces only: free when its count becomes 0 */
	PAGE_OBJECT, /* held by a memory object */
	PAGE_TABLE,  /* in a VSpace's pool or in use there as a page table */
	PAGE_PINNED, /* context, message, info and other pages that root frees itself */
	PAGE_HEAP,   /* root's own records */
	PAGE_TYPE_COUNT
};

struct page {
	u32 next, prev; /* PAGE_TABLE: the others of that VSpace */
	u32 owner;      /* PAGE_TABLE: which VSpace (its table list's head, see table_list) */
	u8 type, reserved[3];
};

/* Sets up slots, blocks and pages. Panics with what to do if the memory is too small. */
void memory_init(const struct boot_info *info);

/* ---- slots ---- */
u32 slot_alloc(u32 count); /* first of `count` consecutive empty slots, 0 if there are none */
void slot_free(u32 first, u32 count);

/* ---- pages ---- */
ROOT_DATA struct page *pages;
ROOT_DATA pfn_t page_limit;

pfn_t page_alloc(enum page_type type);        /* contents undefined; 0: out of memory */
pfn_t page_alloc_zeroed(enum page_type type);
void page_free(pfn_t pfn);
void page_set_type(pfn_t pfn, enum page_type type); /* keeps the counters right */
u64 page_ref(pfn_t pfn);                      /* for vspace_map and the like */
static inline enum page_type page_type(pfn_t pfn)
{
	return pfn < page_limit ? pages[pfn].type : PAGE_FIXED;
}
#ifndef HOST_TEST
static inline void *page_virt(pfn_t pfn)
{
	return (void *)(ROOT_PHYSMAP + ((u64)pfn << PAGE_SHIFT));
}
#else
void *page_virt(pfn_t pfn);
#endif

struct memory_counts {
	u64 total_pages;   /* RAM that root manages */
	u64 free_pages;    /* free, in whichever state their block is */
	u64 by_type[PAGE_TYPE_COUNT];
	u64 objects[OBJECT_TYPE_COUNT];
	u64 heap_bytes;
	u64 slots_used;
};
ROOT_DATA struct memory_counts memory_counts;

/* ---- kernel objects ---- */
struct chunk;
struct kobject {
	u32 slot;            /* of the object's first capability; 0: none */
	u8 index, type;
	struct chunk *chunk;
};
/* size_bits as untyped_retype takes it. 0 or -ENOMEM. */
int kobject_create(struct kobject *object, enum object_type type, unsigned size_bits);
/* Revokes every capability of it. No-op if there is none. */
void kobject_destroy(struct kobject *object);
/* A kernel object whose memory comes from an Untyped smaller than a block. */
void chunk_adopt(u32 untyped_slot, unsigned bits);

/* For chunks: whole blocks. */
u32 block_take(u32 *index); /* its Untyped's slot, 0: none */
void block_return(u32 index);

/* ---- heap ---- */
void *root_alloc(size_t size); /* zeroed; at most HEAP_MAX bytes; NULL: out of memory */
void root_free(void *memory);
#define HEAP_MAX 2016

/* A page of root's own, as memory. */
static inline void *root_page_alloc(void)
{
	pfn_t pfn = page_alloc_zeroed(PAGE_HEAP);

	return pfn ? page_virt(pfn) : NULL;
}
pfn_t page_of(const void *virt);
static inline void root_page_free(void *page)
{
	if (page)
		page_free(page_of(page));
}

#endif
