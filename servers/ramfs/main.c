/* ramfs: the root file system and /dev/shm. Here the framework's operations meet the tree and the data. */
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/serve.h"
#include "servers/ramfs/data.h"
#include "servers/ramfs/image.h"
#include "servers/ramfs/tree_internal.h"

#define ARENA_ADDRESS 0x300000000000ul
#define ARENA_MAX     0x400000000ul /* address space that it may grow into */
#define ARENA_START   0x100000ul
#define DAY_NS        86400000000000ul
#define CHECKED_INODES 512

static struct inode *inode_of(struct node node)
{
	return (struct inode *)node.id;
}

static struct node node_of(struct inode *inode, struct entry *entry)
{
	return (struct node){ (u64)inode, (u64)entry };
}

static u64 now(void)
{
	return kernel_realtime();
}

static void inode_gone(struct inode *inode)
{
	watch_node_gone(node_of(inode, NULL));
}

static const struct tree_hooks hooks = { .now = now, .inode_gone = inode_gone, .data_gone = data_gone };

/* ---- nodes ---- */

static long ramfs_root(unsigned mount, struct node *root)
{
	struct inode *inode = tree_root(mount);

	*root = node_of(inode, NULL);
	return inode ? 0 : -ENOENT;
}

static unsigned ramfs_mode(struct node node)
{
	return inode_of(node)->mode;
}

static long ramfs_lookup(struct node directory, const char *name, size_t length, struct node *found)
{
	struct entry *entry = directory_find(inode_of(directory), name, length);

	if (!entry)
		return -ENOENT;
	*found = node_of(entry->inode, entry);
	return 0;
}

/* The entry by which the node was reached, if it still is one of its names; else one that is. */
static const struct entry *name_of(struct node node)
{
	const struct entry *entry = (const struct entry *)node.entry;

	if (entry && entry->inode == inode_of(node) && !entry->removed)
		return entry;
	return inode_of(node)->name;
}

static long ramfs_parent(struct node node, struct node *parent, char name[256], bool *deleted)
{
	const struct inode *inode = inode_of(node);
	const struct entry *entry = name_of(node);

	if (inode->mount)
		return 0;
	if (!entry || entry->directory->ino != entry->directory_ino)
		return -ENOENT;
	*deleted = entry->removed;
	*parent = node_of(entry->directory, NULL);
	memcpy(name, entry->name, entry->length);
	return entry->length;
}

static unsigned device_major(u64 device)
{
	return (unsigned)(device >> 8 & 0xfff) | (unsigned)(device >> 32 & ~0xffful);
}

static unsigned device_minor(u64 device)
{
	return (unsigned)(device & 0xff) | (unsigned)(device >> 12 & ~0xfful);
}

static unsigned mount_of(struct node node)
{
	const struct inode *inode = inode_of(node);

	while (!inode->mount && inode->name && inode->name->directory->ino == inode->name->directory_ino)
		inode = inode->name->directory;
	return inode->mount ? (unsigned)inode->mount - 1 : 0;
}

static long ramfs_getattr(struct node node, struct file_attr *attr)
{
	const struct inode *inode = inode_of(node);

	attr->ino = inode->ino;
	attr->size = inode->size;
	attr->blocks = data_blocks(inode);
	attr->atime = inode->atime;
	attr->mtime = inode->mtime;
	attr->ctime = inode->ctime;
	attr->btime = inode->btime;
	attr->mode = inode->mode;
	attr->nlink = inode->nlink;
	attr->uid = inode->uid;
	attr->gid = inode->gid;
	attr->block_size = PAGE_SIZE;
	attr->dev_minor = 2 + 20 * mount_of(node);
	if (inode->device) {
		attr->rdev_major = device_major(inode->device);
		attr->rdev_minor = device_minor(inode->device);
	}
	return 0;
}

/* ---- seals: Linux's numbers, and what each forbids (mm/shmem.c) ---- */

#define SEAL_SEAL   1u
#define SEAL_SHRINK 2u
#define SEAL_GROW   4u
#define SEAL_WRITE  8u
#define SEAL_FUTURE 16u

static unsigned seals_of(const struct inode *inode)
{
	return (unsigned)inode->unseal ^ SEAL_SEAL;
}

static long resize(struct inode *inode, u64 size)
{
	unsigned seals = seals_of(inode);

	if ((size < inode->size && seals & SEAL_SHRINK) || (size > inode->size && seals & SEAL_GROW))
		return -EPERM;
	return data_truncate(inode, size, request_charge(serve_request));
}

/* How much of a write may be done: all, or with a file that may not grow the pages that lie in it. */
static long writable_length(const struct inode *inode, u64 offset, size_t length)
{
	unsigned seals = seals_of(inode);
	u64 whole = ALIGN_DOWN(inode->size, PAGE_SIZE);

	if (seals & (SEAL_WRITE | SEAL_FUTURE))
		return -EPERM;
	if (!(seals & SEAL_GROW) || offset + length <= inode->size)
		return (long)length;
	return offset < whole ? (long)(whole - offset) : -EPERM;
}

static bool mapped_writable(const struct inode *inode)
{
	unsigned long m[8] = { data_object(inode) };

	return inode->has_object && root_call(PROC_OBJECT_INFO, m, 0) >= 0 && m[3];
}

static long ramfs_seals(struct open_file *file, unsigned add)
{
	struct inode *inode = inode_of(file->node);
	unsigned seals = seals_of(inode);

	if (!inode_is(inode, S_IFREG))
		return -EINVAL;
	if (serve_request->m[0] != 1)
		return (long)seals;
	if (seals & SEAL_SEAL)
		return -EPERM;
	if (add & SEAL_WRITE && !(seals & SEAL_WRITE) && mapped_writable(inode))
		return -EBUSY;
	inode->unseal = (seals | add) ^ SEAL_SEAL;
	return 0;
}

/* What a mapping may do. A writable descriptor's shared mapping of a file sealed against writing is refused whole, as by Linux 6.1. */
static long sealed_rights(const struct inode *inode, bool shared, unsigned prot, unsigned *rights)
{
	unsigned seals = seals_of(inode);

	if (!shared || !(*rights & LINUX_PROT_WRITE))
		return 0;
	if (seals & SEAL_WRITE || (seals & SEAL_FUTURE && prot & LINUX_PROT_WRITE))
		return -EPERM;
	if (seals & SEAL_FUTURE)
		*rights &= ~(unsigned)LINUX_PROT_WRITE;
	return 0;
}

static long ramfs_setattr(struct node node, unsigned mask, const struct file_attr *attr)
{
	struct inode *inode = inode_of(node);
	long error = mask & SETATTR_SIZE ? resize(inode, attr->size) : 0;

	if (error)
		return error;
	if (mask & SETATTR_MODE)
		inode->mode = (inode->mode & S_IFMT) | (attr->mode & 07777);
	if (mask & SETATTR_UID)
		inode->uid = attr->uid;
	if (mask & SETATTR_GID)
		inode->gid = attr->gid;
	if (mask & SETATTR_ATIME)
		inode->atime = attr->atime;
	if (mask & SETATTR_MTIME)
		inode->mtime = attr->mtime;
	inode->ctime = now();
	return 0;
}

static long ramfs_readlink(struct node node, char *text, size_t size)
{
	const struct inode *inode = inode_of(node);

	if (!inode_is(inode, S_IFLNK))
		return -EINVAL;
	size = MIN(size, inode->size);
	memcpy(text, inode->text, size);
	return (long)size;
}

static long made_node(long error, struct inode *inode, struct node *made)
{
	if (!error)
		*made = node_of(inode, inode->name);
	return error;
}

/* Who makes a file owns it. */
static void set_owner(long error, struct inode *inode)
{
	const struct principal_entry *who = serve_request ? principal_find(serve_request->principal) : NULL;

	if (error || !who)
		return;
	inode->uid = who->euid;
	inode->gid = who->egid;
}

/* A directory with the set-group-id bit hands down its group, and the bit to directories. */
static void inherit_group(long error, const struct inode *directory, struct inode *inode)
{
	if (error || !(directory->mode & LINUX_S_ISGID))
		return;
	inode->gid = directory->gid;
	if (inode_is(inode, S_IFDIR))
		inode->mode |= LINUX_S_ISGID;
}

static long ramfs_create(struct node directory, const char *name, size_t length, unsigned mode, u64 device, struct node *made)
{
	struct inode *inode = NULL;
	long error = tree_create(inode_of(directory), name, length, mode, device, &inode);

	set_owner(error, inode);
	inherit_group(error, inode_of(directory), inode);
	return made_node(error, inode, made);
}

static long ramfs_symlink(struct node directory, const char *name, size_t length, const char *text, size_t text_length)
{
	struct inode *inode = NULL;
	long error = tree_symlink(inode_of(directory), name, length, text, text_length, &inode);

	set_owner(error, inode);
	inherit_group(error, inode_of(directory), inode);
	return error;
}

static long ramfs_tmpfile(struct node directory, unsigned mode, struct node *made)
{
	struct inode *inode = NULL;
	bool linkable = !(serve_request->m[0] & LINUX_O_EXCL);
	long error = inode_of(directory)->nlink ? tree_tmpfile(mode, linkable, &inode) : -ENOENT;

	set_owner(error, inode);
	inherit_group(error, inode_of(directory), inode);
	if (!error && serve_request->label == FILE_OPEN && serve_request->m[2] == 1)
		inode->unseal = SEAL_SEAL; /* memfd: none yet */
	return made_node(error, inode, made);
}

static long ramfs_link(struct node node, struct node directory, const char *name, size_t length)
{
	return tree_link(inode_of(node), inode_of(directory), name, length);
}

static long ramfs_unlink(struct node directory, const char *name, size_t length, bool rmdir)
{
	return tree_unlink(inode_of(directory), name, length, rmdir);
}

static long ramfs_rename(struct node from, const char *name, size_t length, struct node to, const char *new_name, size_t new_length, unsigned flags)
{
	return tree_rename(inode_of(from), name, length, inode_of(to), new_name, new_length, flags);
}

static long ramfs_statfs(struct node node, struct file_statfs *statfs)
{
	u64 limit = data_pages_limit(), used = MIN(data_pages_used(), limit);

	statfs->type = LINUX_TMPFS_MAGIC;
	statfs->block_size = statfs->fragment_size = PAGE_SIZE;
	statfs->blocks = limit;
	statfs->blocks_free = statfs->blocks_available = limit - used;
	statfs->files = limit;
	statfs->files_free = limit - MIN(arena->root[ROOT_COUNT], limit);
	statfs->fsid = 1 + mount_of(node);
	statfs->name_max = NAME_MAX_BYTES;
	return 0;
}

static long ramfs_getxattr(struct node node, const char *name, size_t length, void *value, size_t size)
{
	return tree_getxattr(inode_of(node), name, length, value, size);
}

static long ramfs_setxattr(struct node node, const char *name, size_t length, const void *value, size_t size, unsigned flags)
{
	return tree_setxattr(inode_of(node), name, length, value, size, flags);
}

static long ramfs_listxattr(struct node node, char *names, size_t size)
{
	return tree_listxattr(inode_of(node), names, size);
}

static long ramfs_removexattr(struct node node, const char *name, size_t length)
{
	return tree_removexattr(inode_of(node), name, length);
}

/* ---- open files ---- */

static long ramfs_open(struct request *request, struct open_file *file)
{
	struct inode *inode = inode_of(file->node);

	(void)request;
	if (inode_is(inode, LINUX_S_IFCHR) || inode_is(inode, LINUX_S_IFBLK))
		return -ENXIO;
	return 0;
}

static void ramfs_hold(struct node node)
{
	inode_open(inode_of(node));
}

static void ramfs_unhold(struct node node)
{
	inode_close(inode_of(node));
}

/* relatime: what tmpfs is mounted with. */
static void read_touch(struct open_file *file, struct inode *inode)
{
	u64 time;

	if (file->flags & LINUX_O_NOATIME)
		return;
	time = now();
	if (inode->atime <= inode->mtime || inode->atime <= inode->ctime || time - inode->atime >= DAY_NS)
		inode->atime = time;
}

static long ramfs_read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct inode *inode = inode_of(file->node);

	read_touch(file, inode);
	return data_read(request, inode, offset, length);
}

static long ramfs_write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct inode *inode = inode_of(file->node);
	long allowed;

	if (offset == OFFSET_END)
		offset = inode->size;
	request->position = offset;
	allowed = writable_length(inode, offset, length);
	return allowed < 0 ? allowed : data_write(request, inode, offset, (size_t)allowed);
}

/* Cookies: an entry's own, to go on below it; 2: from the newest on. The last entry given is remembered: as a rule the listing goes on there. */
static const struct entry *listing_start(const struct open_file *file, const struct inode *inode)
{
	const struct entry *last = (const struct entry *)file->words[0];

	if (last && last->directory == inode && !last->removed && last->cookie == file->offset)
		return last->older;
	return directory_below(inode, file->offset == 2 ? UINT64_MAX : file->offset);
}

static long ramfs_readdir(struct open_file *file, struct dirent_list *list)
{
	struct inode *inode = inode_of(file->node);

	read_touch(file, inode);
	for (const struct entry *entry = listing_start(file, inode); entry; entry = entry->older) {
		if (!dirent_add(list, entry->inode->ino, entry->cookie, entry->inode->mode >> 12, entry->name, entry->length))
			break;
		file->words[0] = (u64)entry;
	}
	return 0;
}

static long ramfs_seek(struct open_file *file, u64 offset, bool hole)
{
	return data_seek(inode_of(file->node), offset, hole);
}

static long ramfs_map(struct open_file *file, u64 offset, size_t length, u64 *object, unsigned *rights)
{
	struct inode *inode = inode_of(file->node);
	bool shared = (serve_request->m[3] & LINUX_MAP_TYPE) != LINUX_MAP_PRIVATE;

	long error;

	(void)length;
	if (!inode_is(inode, S_IFREG))
		return -ENODEV;
	if (offset > FILE_SIZE_MAX)
		return -EOVERFLOW;
	error = sealed_rights(inode, shared, (unsigned)serve_request->m[2], rights);
	if (error)
		return error;
	read_touch(file, inode);
	return data_share(inode, shared && (*rights & LINUX_PROT_WRITE), object);
}

static long ramfs_allocate(struct open_file *file, unsigned mode, u64 offset, u64 length, u64 done)
{
	struct inode *inode = inode_of(file->node);

	if (!inode_is(inode, S_IFREG))
		return -ENODEV;
	switch (mode) {
	case 0:
	case LINUX_FALLOC_FL_KEEP_SIZE:
		if (seals_of(inode) & SEAL_GROW && offset + length > inode->size)
			return -EPERM;
		return data_allocate(inode, offset, length, done, mode != 0);
	case LINUX_FALLOC_FL_KEEP_SIZE | LINUX_FALLOC_FL_PUNCH_HOLE:
		if (seals_of(inode) & (SEAL_WRITE | SEAL_FUTURE))
			return -EPERM;
		return data_punch(inode, offset, length);
	}
	return -EOPNOTSUPP;
}

static const struct serve_operations operations = {
	.root = ramfs_root, .mode = ramfs_mode, .getattr = ramfs_getattr, .getattr_alone = true, .lookup = ramfs_lookup, .parent = ramfs_parent,
	.readlink = ramfs_readlink, .setattr = ramfs_setattr, .create = ramfs_create, .symlink = ramfs_symlink, .link = ramfs_link,
	.unlink = ramfs_unlink, .rename = ramfs_rename, .tmpfile = ramfs_tmpfile, .statfs = ramfs_statfs, .getxattr = ramfs_getxattr,
	.setxattr = ramfs_setxattr, .listxattr = ramfs_listxattr, .removexattr = ramfs_removexattr,
	.leases = true,
	.open = ramfs_open, .hold = ramfs_hold, .unhold = ramfs_unhold, .read = ramfs_read, .write = ramfs_write,
	.places_last = true, .names_last = true, .closing_waits = true, .closing_matters = &tree_nameless,
	.readdir = ramfs_readdir, .seek = ramfs_seek, .map = ramfs_map, .allocate = ramfs_allocate, .seals = ramfs_seals,
};

/* ---- start ---- */

static bool grow_arena(u64 size)
{
	return size <= ARENA_MAX && !object_resize(OBJECT_ARENA, size);
}

static u64 memory_pages(void)
{
	unsigned long m[8] = { 0 };

	return root_call(PROC_MEMORY_INFO, m, 0) < 0 ? 0 : m[1] / PAGE_SIZE;
}

static void map_arena(void)
{
	long address = object_map(OBJECT_ARENA, 0, ARENA_MAX, true, ARENA_ADDRESS);

	if (address != (long)ARENA_ADDRESS)
		serve_fail("cannot map its own metadata (error %ld)", -address);
}

/* True: a tree from before is there. */
static bool find_arena(void)
{
	unsigned long m[8] = { OBJECT_ARENA };
	long error = object_create(OBJECT_ARENA, ARENA_START);

	if (error && error != -EEXIST)
		serve_fail("no memory for its metadata (error %ld)", -error);
	map_arena();
	if (!error)
		return false;
	if (root_call(PROC_OBJECT_INFO, m, 0) < 0)
		serve_fail("its metadata cannot be asked for");
	return arena_recover((void *)ARENA_ADDRESS, m[0], grow_arena);
}

static void make_tree(const u8 *image, u64 size)
{
	const char *wrong;
	u64 offset = 0;

	object_resize(OBJECT_ARENA, 0);
	if (object_resize(OBJECT_ARENA, ARENA_START))
		serve_fail("no memory for its metadata");
	arena_format((void *)ARENA_ADDRESS, ARENA_START, grow_arena);
	if (!tree_make())
		serve_fail("no memory for its first directories");
	if (!size) {
		serve_log(LOG_WARNING, "no root image was given: the file system is empty");
	} else {
		wrong = image_build(image, size, &offset);
		if (wrong)
			serve_fail("the root image %s (at byte %lu of %lu); make it again with tools/mkimage", wrong, offset, size);
	}
	arena->ready = 1;
}

static const u8 *map_image(u64 size)
{
	long address = size ? object_map(OBJECT_BOOT_IMAGE, 0, ALIGN_UP(size, PAGE_SIZE), false, 0) : 0;

	if (address < 0)
		serve_fail("cannot map the root image (error %ld)", -address);
	return (const u8 *)address;
}

/* The undo log's promise, looked at where it matters; too slow for a release build, and for trees that are not small. */
static void check_recovered(void)
{
	const char *wrong = DEBUG && arena->root[ROOT_COUNT] < CHECKED_INODES ? tree_check() : NULL;

	if (wrong)
		serve_log(LOG_ERROR, "after its restart the tree is damaged: %s", wrong);
}

int main(void)
{
	u64 size = serve_info()->image_size;
	const u8 *image = map_image(size);

	tree_hooks = &hooks;
	data_init(image, size, memory_pages() / 2);
	if (find_arena()) {
		tree_recover();
		data_recover();
		check_recovered();
	} else {
		make_tree(image, size);
	}
	serve_run(&operations);
}
