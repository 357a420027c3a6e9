/*
 * The bytes of regular files. A file that came with the boot image is read there until somebody maps or changes it; one of at most a page that nobody has mapped
 * is a small file (small.h); all others' bytes are in a memory object that root keeps (id OBJECT_FILE + ino), mapped here in a window while it is used, so that the
 * kernel copies straight between it and the caller. A small file that grows or is mapped gets its object then, and keeps it.
 */
#ifndef RAMFS_DATA_H
#define RAMFS_DATA_H

#include "serve/serve.h"
#include "servers/ramfs/tree.h"

#define OBJECT_ARENA 2
#define OBJECT_FILE  16
#define FILE_SIZE_MAX ((1ul << 42) - PAGE_SIZE)

static inline u64 data_object(const struct inode *inode)
{
	return OBJECT_FILE + inode->ino;
}

/* `limit` pages may be used in all. */
void data_init(const u8 *image, u64 image_size, u64 limit);
/* After a restart: objects without an inode go, pages are counted anew. */
void data_recover(void);

long data_read(struct request *request, struct inode *inode, u64 offset, size_t length);
long data_write(struct request *request, struct inode *inode, u64 offset, size_t length);
/* charge: who pays if it gets a page by it. */
long data_truncate(struct inode *inode, u64 size, unsigned charge);
long data_seek(struct inode *inode, u64 offset, bool hole);
long data_allocate(struct inode *inode, u64 offset, u64 length, u64 done, bool keep_size);
long data_punch(struct inode *inode, u64 offset, u64 length);
/* Makes it fit to be mapped by a client. */
long data_share(struct inode *inode, bool writable, u64 *object);
u64 data_blocks(const struct inode *inode);

u64 data_pages_limit(void);
u64 data_pages_used(void);

/* tree_hooks->data_gone */
void data_gone(u64 ino, bool has_object, void *mapping, u64 pages, u8 *small);

#endif
