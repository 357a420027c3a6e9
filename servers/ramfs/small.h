/*
 * Files of at most a page that no client has mapped need no memory object of their own, which root would have to make, map and destroy: their page lies among
 * others in an *area*, an object that outlives the process as the arena does, one for each role that pays for what is in it. Areas are always mapped at the same
 * addresses, so an inode holds a plain pointer to its page. Which pages are used is known from the inodes alone: nothing but them is to be kept right when
 * a kill comes, and a page that no inode refers to is free.
 */
#ifndef RAMFS_SMALL_H
#define RAMFS_SMALL_H

#include "lib/types.h"

#define SMALL_ADDRESS 0x310000000000ul
#define SMALL_BYTES   0x400000000ul /* address space of an area */
#define SMALL_AREAS   8             /* by charge; who pays otherwise gets none */
#define OBJECT_SMALL  8             /* the first area's */

/* A page for a file; *clean: it is zero. NULL: there is none. */
u8 *small_take(unsigned charge, bool *clean);
/* No inode refers to it any more. */
void small_give(u8 *page);
/* How many are files'. */
u64 small_count(void);

/*
 * After a restart, before any is taken: small_recover_begin(), small_recover_page() for each file's (false: it cannot be one's), small_recover_end(), which
 * gives back what is free.
 */
void small_recover_begin(void);
bool small_recover_page(const u8 *page);
void small_recover_end(void);

/* ---- small_file.c: what is done to such files; `image`: the bytes of one that is in the boot image still, else NULL ---- */

struct inode;
struct request;

/* Whether a file that ends there may be one. */
bool small_may_be(const struct inode *inode, u64 size);
/* The bytes written; SMALL_NONE: it has no page and gets none, and nothing was done. */
long small_write(struct request *request, struct inode *inode, const u8 *image, u64 offset, size_t length);
/* 0 or SMALL_NONE. */
long small_truncate(struct inode *inode, const u8 *image, u64 size, unsigned charge);
/* After a restart: what a kill left half done of it is finished. False: its page is none. */
bool small_file_recover(struct inode *inode);

#define SMALL_NONE (-0x10000l)

#endif
