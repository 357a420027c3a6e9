#include "servers/ramfs/image.h"

#include "lib/errno.h"
#include "lib/newc.h"
#include "lib/path.h"
#include "lib/string.h"
#include "servers/ramfs/tree_internal.h"

#define NO_MEMORY_TEXT "does not fit into memory: give the machine more"
#define LINK_BUCKETS 256

/* A file of several names: archives repeat its number. */
struct linked {
	u32 archive, ino, dev_major, dev_minor;
	struct inode *inode;
};

/* Names of one file stand close together in an archive; a small memory of the last ones is enough for them, and lookups cost nothing. */
static struct linked links[LINK_BUCKETS];

static char last_path[NEWC_NAME_MAX];
static size_t last_length;
static struct inode *last_directory;

static struct linked *link_place(const struct newc_entry *entry)
{
	return &links[(entry->ino * 31 + entry->dev_minor + entry->archive) % LINK_BUCKETS];
}

static struct inode *linked_before(const struct newc_entry *entry)
{
	const struct linked *at = link_place(entry);
	bool same = at->inode && at->archive == entry->archive && at->ino == entry->ino && at->dev_major == entry->dev_major &&
		    at->dev_minor == entry->dev_minor;

	return same && entry->nlink > 1 ? at->inode : NULL;
}

static void remember_link(const struct newc_entry *entry, struct inode *inode)
{
	if (entry->nlink > 1)
		*link_place(entry) = (struct linked){ entry->archive, entry->ino, entry->dev_major, entry->dev_minor, inode };
}

static void set_attributes(struct inode *inode, const struct newc_entry *entry)
{
	inode->mode = (inode->mode & S_IFMT) | (entry->mode & 07777);
	inode->uid = entry->uid;
	inode->gid = entry->gid;
	inode->atime = inode->mtime = inode->ctime = (u64)entry->mtime * 1000000000u;
}

/* One component of a directory's path; missing ones are made. */
static struct inode *enter(struct inode *directory, const struct path_component *component)
{
	struct entry *found = directory_find(directory, component->name, component->length);
	struct inode *made;

	if (found)
		return inode_is(found->inode, S_IFDIR) ? found->inode : NULL;
	return tree_create(directory, component->name, component->length, S_IFDIR | 0755, 0, &made) ? NULL : made;
}

/* The directory that an entry goes to: as a rule that of the entry before. */
static struct inode *parent_of(const char *path, size_t length)
{
	struct inode *directory = tree_root(0);
	struct path_component component;
	struct path_iter iter;

	if (last_directory && length == last_length && !memcmp(path, last_path, length))
		return last_directory;
	path_iter_init(&iter, path, length);
	while (directory) {
		int kind = path_next(&iter, &component);

		if (kind == PATH_END)
			break;
		directory = kind == PATH_NAME ? enter(directory, &component) : NULL;
	}
	last_directory = directory;
	last_length = length;
	memcpy(last_path, path, length);
	return directory;
}

static u64 device_of(const struct newc_entry *entry)
{
	u64 major = entry->rdev_major, minor = entry->rdev_minor;

	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffull) << 12 | (major & ~0xfffull) << 32;
}

static void set_data(struct inode *inode, const struct newc_entry *entry)
{
	if (!entry->size)
		return;
	inode->image = entry->data_offset;
	inode->size = entry->size;
}

/* An earlier archive's file of that name makes room; a directory stays. NULL: it may be made. */
static const char *make_room(struct inode *directory, const char *name, size_t length, const struct newc_entry *entry, bool *there)
{
	struct entry *found = directory_find(directory, name, length);
	bool directories = found && inode_is(found->inode, S_IFDIR);

	*there = false;
	if (!found)
		return NULL;
	if (directories && (entry->mode & S_IFMT) == S_IFDIR) {
		set_attributes(found->inode, entry);
		*there = true;
		return NULL;
	}
	if (directories)
		return "has a file where it has a directory already";
	return tree_unlink(directory, name, length, false) ? NO_MEMORY_TEXT : NULL;
}

static const char *add(struct inode *directory, const char *name, size_t length, const struct newc_entry *entry, const u8 *image)
{
	struct inode *inode = (entry->mode & S_IFMT) == S_IFREG ? linked_before(entry) : NULL;
	long error;

	if (inode) {
		error = tree_link(inode, directory, name, length);
	} else if ((entry->mode & S_IFMT) == S_IFLNK) {
		if (!entry->size || entry->size >= PATH_SIZE)
			return "has a symbolic link without a sensible text";
		error = tree_symlink(directory, name, length, (const char *)image + entry->data_offset, entry->size, &inode);
	} else {
		error = tree_create(directory, name, length, entry->mode & (S_IFMT | 07777), device_of(entry), &inode);
		remember_link(entry, inode);
	}
	if (error)
		return NO_MEMORY_TEXT;
	if (inode_is(inode, S_IFREG))
		set_data(inode, entry);
	set_attributes(inode, entry);
	return NULL;
}

static bool known_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: case S_IFREG: case S_IFLNK: case S_IFIFO: case S_IFCHR: case S_IFBLK: case S_IFSOCK:
		return true;
	}
	return false;
}

static const char *add_entry(const struct newc_entry *entry, const u8 *image)
{
	struct path_split split;
	struct inode *directory;
	const char *wrong;
	bool there;

	if (path_split_last(entry->name, entry->name_length, &split))
		return "has a name that is too long";
	if (!known_type(entry->mode))
		return "has an entry of no known type";
	if (split.kind == PATH_LAST_ROOT || split.kind == PATH_LAST_DOT) {
		set_attributes(tree_root(0), entry);
		return NULL;
	}
	if (split.kind != PATH_LAST_NAME)
		return "has a name with \"..\"";
	directory = parent_of(entry->name, split.parent_length);
	if (!directory)
		return "has a file below something that is no directory";
	wrong = make_room(directory, split.name, split.name_length, entry, &there);
	if (wrong || there)
		return wrong;
	return add(directory, split.name, split.name_length, entry, image);
}

const char *image_build(const u8 *image, u64 size, u64 *offset)
{
	struct newc_reader reader;
	struct newc_entry entry;
	const char *wrong = NULL;
	int got = 0;

	last_directory = NULL;
	memset(links, 0, sizeof(links));
	newc_open(&reader, image, size);
	do {
		*offset = reader.offset;
		got = newc_next(&reader, &entry);
		if (got > 0)
			wrong = add_entry(&entry, image);
	} while (got > 0 && !wrong);
	*offset = wrong ? *offset : reader.offset;
	if (got < 0 && !wrong)
		wrong = "is damaged or no newc archive";
	last_directory = NULL;
	return wrong;
}
