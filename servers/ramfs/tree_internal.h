/* What the tree's own files share. */
#ifndef RAMFS_TREE_INTERNAL_H
#define RAMFS_TREE_INTERNAL_H

#include "servers/ramfs/tree.h"

#ifndef HOST_TEST
#include "serve/linux.h"
#define S_IFMT  LINUX_S_IFMT
#define S_IFDIR LINUX_S_IFDIR
#define S_IFREG LINUX_S_IFREG
#define S_IFLNK LINUX_S_IFLNK
#define S_IFIFO LINUX_S_IFIFO
#define S_IFCHR LINUX_S_IFCHR
#define S_IFBLK LINUX_S_IFBLK
#define S_IFSOCK LINUX_S_IFSOCK
#else
#include <sys/stat.h>
#endif

#define COOKIE_FIRST 3 /* 0 and 1 are "." and "..", 2 is the start of the entries */

static inline size_t entry_bytes(size_t length)
{
	return offsetof(struct entry, name) + length;
}

static inline size_t table_bytes(u64 capacity)
{
	return sizeof(struct name_table) + capacity * sizeof(struct entry *);
}

static inline size_t xattr_bytes(u32 name_length, u32 value_length)
{
	return sizeof(struct xattr) + name_length + value_length;
}

/* Inside a transaction. */
struct entry *entry_new(const char *name, size_t length);
bool entry_insert(struct inode *directory, struct entry *entry, struct inode *inode);
/* Takes it out of its directory; its memory stays. */
void entry_remove(struct entry *entry);
void inode_free(struct inode *inode);

/* A transaction of its own. */
void inode_reclaim(struct inode *inode);
/* After the commit: its last name is gone; it goes too if it is not open. It has its first name now. */
void inode_name_lost(struct inode *inode);
void inode_name_given(struct inode *inode);

#endif
