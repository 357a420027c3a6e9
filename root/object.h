/*
 * Memory objects: pages by index, held by root for a service (or for shared anonymous memory), so that they survive the server process.
 *
 * A page of an object is one of: absent (reads as zero, made when touched), owned (PAGE_OBJECT), or lying in the boot image or bundle (PAGE_FIXED),
 * which is never written: a writer gets an owned copy first. An object may have one *extent* of fixed pages, which takes no memory; an
 * index inside the extent without an entry is the extent's page, one that was punched is HOLE.
 */
#ifndef ROOT_OBJECT_H
#define ROOT_OBJECT_H

#include "root/memory.h"
#include "root/policy.h"

#define OBJECT_DIRECT 4
#define OBJECT_HOLE   0xffffffffu

struct object {
	struct object *hash_next;
	u32 service;
	bool named;             /* in the table: its service knows it */
	u8 levels;              /* of the tree below root_table; 0: none */
	u64 id;
	u64 size;               /* bytes */
	u64 present;            /* owned pages */
	u32 charge;             /* the role that pays for them: on whose behalf it was made */
	u64 refs;               /* regions that map it, and kernel-independent holders in root */
	u32 extent_first, extent_pages;
	pfn_t extent_pfn;
	u32 direct[OBJECT_DIRECT];
	u32 root_table;         /* page of 1024 u32: entries, or tables of the next level */
	struct list_node regions;
	char *path;             /* where it was last mapped from, for /proc; NULL: not known */
};

/* What the objects of each role take. */
struct object_charge {
	u64 objects, pages;
};
const struct object_charge *object_charge_of(u32 role);

/* An unnamed object with one reference, at the expense of a role. NULL: no memory. */
struct object *object_create(u64 size, u32 charge);
/* Puts it in the table under (service, id); holds a reference while it is there. 0, -EEXIST. */
int object_name(struct object *object, u32 service, u64 id);
struct object *object_find(u32 service, u64 id);
struct object *object_nth(u32 service, u64 index);
/* Owned pages of all named objects together. */
u64 objects_named_present(void);
/* Out of the table. */
void object_unname(struct object *object);
void object_put(struct object *object);
static inline struct object *object_get(struct object *object)
{
	object->refs++;
	return object;
}

/* Physical pages that belong to nobody else: an extent. False if it has one elsewhere already. */
bool object_set_extent(struct object *object, u64 first, u64 count, pfn_t pfn);

/* The page at index, owned or fixed; 0 if absent. */
pfn_t object_lookup(const struct object *object, u64 index);
/* The entry as stored: 0, OBJECT_HOLE or a page. */
u32 object_entry(const struct object *object, u64 index);
/* Stores a page or OBJECT_HOLE or 0; 0 or -ENOMEM. Does not free what was there. Ownership of the page passes. */
int object_store(struct object *object, u64 index, u32 entry);
/*
 * The page at index, made if it is absent; if `write`, owned. *replaced: the fixed page that it takes the place of (so that mappings of that
 * must go), or 0. 0: out of memory.
 */
pfn_t object_page(struct object *object, u64 index, bool write, pfn_t *replaced);
/*
 * Pages first .. first + count - 1 become absent. Who maps them must have been unmapped. A page whose kernel count is not 0 (busy(pfn))
 * stays as PAGE_ANON until it is.
 */
void object_drop(struct object *object, u64 first, u64 count);
/* Its path is `mount`/`path` now. Without memory for that it keeps the old one. */
void object_set_path(struct object *object, const char *mount, const char *path, size_t length);

/* First index >= `index` that is data (or not, for `hole`); ~0 if none below limit. */
u64 object_seek(const struct object *object, u64 index, u64 limit, bool hole);

/* Given by the address-space module: whether a page is mapped somewhere still. */
bool object_page_counted(pfn_t pfn);

#endif
