/* A file's object is mapped in parts: the one that was used last, as long as there are not too many of them. */
#ifndef RAMFS_WINDOW_H
#define RAMFS_WINDOW_H

#include "servers/ramfs/tree.h"

/* The object's memory at offset, and how much of it follows; NULL: no memory. */
u8 *window_at(struct inode *inode, u64 offset, u64 *length);
/* An inode's `mapping` goes, and perhaps the inode. */
void window_drop(void *mapping);

#endif
