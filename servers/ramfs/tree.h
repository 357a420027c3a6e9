/*
 * The tree: inodes, names, directories. Everything here lies in the arena and is changed in transactions, but for fields marked "volatile", which
 * belong to the running process and mean nothing after a restart (their epoch tells).
 */
#ifndef RAMFS_TREE_H
#define RAMFS_TREE_H

#include "lib/types.h"
#include "servers/ramfs/arena.h"

#define NAME_MAX_BYTES 255
#define DIRECTORY_SIZE_BASE  40 /* st_size as tmpfs counts it: 20 for each name, "." and ".." too */
#define DIRECTORY_SIZE_ENTRY 20
#define LINKS_MAX 0x7fffffffu
#define NO_IMAGE (~0ul)
#define MOUNTS 2

struct inode;

struct entry {
	struct inode *inode, *directory;
	u64 directory_ino;           /* tells whether `directory` is still that one, for names that were removed */
	struct entry *newer, *older; /* in the directory, by cookie */
	u64 cookie;
	u32 hash;
	u16 length;
	u16 removed;
	char name[];
};

struct xattr {
	struct xattr *next;
	u32 name_length, value_length;
	char bytes[]; /* name, value */
};

/* Open addressing: pointers to entries, EMPTY or TOMBSTONE. */
struct name_table {
	u64 capacity; /* a power of two */
	struct entry *slots[];
};

struct inode {
	u64 ino;                 /* never used twice */
	struct inode *next, *previous; /* all inodes */
	u32 mode, nlink, uid, gid;
	u64 size;                /* regular: bytes; directory: as tmpfs; link: length */
	u64 atime, mtime, ctime, btime;
	u64 device;
	struct entry *name;      /* one of its names or NULL; after the last was removed while it is open, that one */
	struct xattr *xattrs;
	union {
		struct {         /* directory */
			struct name_table *table;
			struct entry *newest, *oldest;
			u64 entries, filled; /* names; slots that are not empty */
			u64 next_cookie;
		};
		struct {         /* regular */
			u64 image;   /* offset of its bytes in the boot image; NO_IMAGE */
			u64 has_object;
			u64 pages;   /* data pages of the object, those from the image too; clients that write through maps can make more */
			u64 page_end; /* behind it the object has no pages but those that clients have made; may be larger than the size */
			u64 modified; /* what it has differs from the image */
			u8 *small;   /* without an object: the page with its bytes (small.h), or NULL */
		};
		char *text;      /* link */
	};
	u64 mount;               /* of a mount's root: its number + 1 */
	u64 unseal;              /* seals, with F_SEAL_SEAL inverted: 0 is an ordinary file, which takes none */
	u64 linkable;            /* made without a name, which it may be given */
	/* volatile */
	u64 epoch, opens;
	void *mapping;
	u64 capacity;            /* size that root knows of the object, plus 1; of a small file 1; 0: not known */
	u64 exact;               /* it was mapped by a client: capacity follows the size */
};

/* arena->root[]: */
#define ROOT_MOUNT(n) (n)   /* inode of a mount's root directory */
#define ROOT_INODES   8     /* first of all inodes */
#define ROOT_NEXT_INO 9
#define ROOT_COUNT    10    /* of inodes */

/* What the tree needs of its surroundings. */
struct tree_hooks {
	u64 (*now)(void);
	/* The inode was freed (after the commit): its data may go. */
	/* The inode is about to be freed; its address may be another's soon. */
	void (*inode_gone)(struct inode *inode);
	void (*data_gone)(u64 ino, bool has_object, void *mapping, u64 pages, u8 *small);
};
extern const struct tree_hooks *tree_hooks;

static inline bool inode_is(const struct inode *inode, u32 type)
{
	return (inode->mode & 0170000) == type;
}

/* An empty tree with its mounts' root directories; inside no transaction. False: no memory. */
bool tree_make(void);
/* After arena_recover(): frees inodes that were open and have no name. */
void tree_recover(void);

struct inode *tree_root(unsigned mount);
struct entry *directory_find(const struct inode *directory, const char *name, size_t length);
/* The newest entry with a cookie below `cookie`. */
struct entry *directory_below(const struct inode *directory, u64 cookie);

/* Volatile: how many open files. The last close of an inode without a name frees it. */
void inode_open(struct inode *inode);
void inode_close(struct inode *inode);
u64 inode_opens(const struct inode *inode);
/* How many inodes are open and have no name: their memory goes when they are closed. */
extern u64 tree_nameless;
/* Resets the volatile fields if they are of an earlier start. */
void inode_refresh(struct inode *inode);

/*
 * The operations; each is a transaction of its own. 0 or a negative errno, and then nothing has changed. Names are valid components. The caller has
 * checked that directories are directories and still have a name (nlink).
 */
long tree_create(struct inode *directory, const char *name, size_t length, u32 mode, u64 device, struct inode **made);
long tree_symlink(struct inode *directory, const char *name, size_t length, const char *text, size_t text_length, struct inode **made);
/* An inode without a name, not open yet: open it before anything else happens. linkable: it may be given one. */
long tree_tmpfile(u32 mode, bool linkable, struct inode **made);
long tree_link(struct inode *inode, struct inode *directory, const char *name, size_t length);
long tree_unlink(struct inode *directory, const char *name, size_t length, bool rmdir);
long tree_rename(struct inode *from, const char *name, size_t length, struct inode *to, const char *new_name, size_t new_length, unsigned flags);

#define TREE_RENAME_NOREPLACE 1
#define TREE_RENAME_EXCHANGE  2

long tree_getxattr(const struct inode *inode, const char *name, size_t length, void *value, size_t size);
long tree_setxattr(struct inode *inode, const char *name, size_t length, const void *value, size_t size, unsigned flags);
long tree_listxattr(const struct inode *inode, char *names, size_t size);
long tree_removexattr(struct inode *inode, const char *name, size_t length);

/* For building at the first start, outside transactions (a kill means to start over). */
struct inode *inode_new(u32 mode);
bool directory_add(struct inode *directory, struct inode *inode, const char *name, size_t length);

/* Debug: walks everything; NULL or what is wrong. */
const char *tree_check(void);

#endif
