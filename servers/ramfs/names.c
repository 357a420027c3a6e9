/* What changes names. Each operation: checks that change nothing, then one transaction. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/ramfs/tree_internal.h"

static void touch_directory(struct inode *directory)
{
	u64 now = tree_hooks->now();

	/* While the tree is built the archive says what the times are. */
	if (!arena->ready)
		return;
	SET(directory->mtime, now);
	SET(directory->ctime, now);
}

static void touch_inode(struct inode *inode)
{
	SET(inode->ctime, tree_hooks->now());
}

static long no_space(void)
{
	arena_abort();
	return -ENOSPC;
}

/* Ends the transaction; the inode goes if nothing holds it any more. */
static void commit_and_reclaim(struct inode *inode)
{
	arena_commit();
	if (inode && !inode->nlink)
		inode_name_lost(inode);
}

/* ---- new names ---- */

static long check_new(const struct inode *directory, const char *name, size_t length, u32 mode)
{
	if (!directory->nlink)
		return -ENOENT;
	if (directory_find(directory, name, length))
		return -EEXIST;
	if ((mode & S_IFMT) == S_IFDIR && directory->nlink >= LINKS_MAX)
		return -EMLINK;
	return 0;
}

/* Gives a fresh inode its name and ends the transaction. */
static long finish_new(struct inode *directory, struct inode *inode, const char *name, size_t length)
{
	if (!directory_add(directory, inode, name, length))
		return no_space();
	touch_directory(directory);
	arena_commit();
	return 0;
}

long tree_create(struct inode *directory, const char *name, size_t length, u32 mode, u64 device, struct inode **made)
{
	long error = check_new(directory, name, length, mode);

	if (error)
		return error;
	arena_begin();
	*made = inode_new(mode);
	if (!*made)
		return no_space();
	(*made)->device = device;
	return finish_new(directory, *made, name, length);
}

long tree_symlink(struct inode *directory, const char *name, size_t length, const char *text, size_t text_length, struct inode **made)
{
	long error = check_new(directory, name, length, S_IFLNK);
	char *copy;

	if (error)
		return error;
	arena_begin();
	*made = inode_new(S_IFLNK | 0777);
	copy = *made ? arena_take(POOL_BYTES, text_length + 1) : NULL;
	if (!copy)
		return no_space();
	memcpy(copy, text, text_length);
	(*made)->text = copy;
	(*made)->size = text_length;
	return finish_new(directory, *made, name, length);
}

long tree_tmpfile(u32 mode, bool linkable, struct inode **made)
{
	arena_begin();
	*made = inode_new(mode);
	if (!*made)
		return no_space();
	(*made)->linkable = linkable;
	arena_commit();
	return 0;
}

long tree_link(struct inode *inode, struct inode *directory, const char *name, size_t length)
{
	struct entry *forgotten = NULL;
	bool nameless = !inode->nlink;
	long error = check_new(directory, name, length, inode->mode);

	if (error)
		return error;
	if (inode_is(inode, S_IFDIR))
		return -EPERM;
	if (!inode->nlink && !inode->linkable)
		return -ENOENT;
	if (inode->nlink >= LINKS_MAX)
		return -EMLINK;
	arena_begin();
	if (inode->name && inode->name->removed)
		forgotten = inode->name;
	if (!directory_add(directory, inode, name, length))
		return no_space();
	touch_directory(directory);
	touch_inode(inode);
	if (forgotten)
		arena_free(POOL_ENTRIES, forgotten, entry_bytes(forgotten->length));
	arena_commit();
	if (nameless)
		inode_name_given(inode);
	return 0;
}

/* ---- names that go ---- */

/* Takes a name away. The last one stays the inode's, to be shown as deleted while the inode is open. */
static void drop_name(struct entry *entry)
{
	struct inode *inode = entry->inode, *directory = entry->directory;
	bool is_directory = inode_is(inode, S_IFDIR);

	entry_remove(entry);
	SET(inode->nlink, is_directory ? 0 : inode->nlink - 1);
	if (is_directory)
		SET(directory->nlink, directory->nlink - 1);
	if (!inode->nlink)
		SET(inode->name, entry);
	else if (inode->name == entry)
		SET(inode->name, NULL);
	touch_inode(inode);
}

/* Whether the removed entry's memory is still the inode's: shown as "(deleted)", freed with it. */
static void free_if_forgotten(struct entry *entry)
{
	if (entry->inode->name != entry)
		arena_free(POOL_ENTRIES, entry, entry_bytes(entry->length));
}

long tree_unlink(struct inode *directory, const char *name, size_t length, bool rmdir)
{
	struct entry *entry = directory_find(directory, name, length);
	struct inode *inode = entry ? entry->inode : NULL;

	if (!inode)
		return -ENOENT;
	if (rmdir != inode_is(inode, S_IFDIR))
		return rmdir ? -ENOTDIR : -EISDIR;
	if (rmdir && inode->entries)
		return -ENOTEMPTY;
	arena_begin();
	drop_name(entry);
	free_if_forgotten(entry);
	touch_directory(directory);
	commit_and_reclaim(inode);
	return 0;
}

/* ---- rename ---- */

static bool is_below(const struct inode *directory, const struct inode *above)
{
	while (directory != above) {
		if (directory->mount || !directory->name)
			return false;
		directory = directory->name->directory;
	}
	return true;
}

static unsigned mount_of(const struct inode *directory)
{
	while (!directory->mount && directory->name)
		directory = directory->name->directory;
	return (unsigned)directory->mount;
}

static long check_replace(const struct inode *inode, const struct inode *victim)
{
	if (inode_is(victim, S_IFDIR) && !inode_is(inode, S_IFDIR))
		return -EISDIR;
	if (inode_is(inode, S_IFDIR) && !inode_is(victim, S_IFDIR))
		return -ENOTDIR;
	return inode_is(victim, S_IFDIR) && victim->entries ? -ENOTEMPTY : 0;
}

static long check_rename(const struct inode *from, const struct entry *entry, const struct inode *to, const struct entry *victim, unsigned flags)
{
	if (!entry)
		return -ENOENT;
	if (!to->nlink)
		return -ENOENT;
	if (mount_of(from) != mount_of(to))
		return -EXDEV;
	if (inode_is(entry->inode, S_IFDIR) && is_below(to, entry->inode))
		return -EINVAL;
	if (flags & TREE_RENAME_EXCHANGE) {
		if (!victim)
			return -ENOENT;
		return inode_is(victim->inode, S_IFDIR) && is_below(from, victim->inode) ? -EINVAL : 0;
	}
	if (victim && (flags & TREE_RENAME_NOREPLACE))
		return -EEXIST;
	/* A directory above its source is never empty. */
	return victim && victim->inode != entry->inode ? check_replace(entry->inode, victim->inode) : 0;
}

/* A directory's ".." moves with it. */
static void move_parent(const struct inode *inode, struct inode *from, struct inode *to)
{
	if (!inode_is(inode, S_IFDIR) || from == to)
		return;
	SET(from->nlink, from->nlink - 1);
	SET(to->nlink, to->nlink + 1);
}

/* A name that takes an entry's place; the old entry, removed already, is freed by the caller. */
static bool add_renamed(struct entry *old, struct inode *inode, struct inode *to, const char *name, size_t length)
{
	struct entry *fresh = entry_new(name, length);

	if (!fresh || !entry_insert(to, fresh, inode))
		return false;
	if (inode->name == old || !inode->name)
		SET(inode->name, fresh);
	return true;
}

static long exchange(struct entry *one, struct entry *other)
{
	struct inode *a = one->inode, *b = other->inode;

	if (a == b)
		return 0;
	arena_begin();
	SET(one->inode, b);
	SET(other->inode, a);
	if (a->name == one)
		SET(a->name, other);
	if (b->name == other)
		SET(b->name, one);
	move_parent(a, one->directory, other->directory);
	move_parent(b, other->directory, one->directory);
	touch_directory(one->directory);
	touch_directory(other->directory);
	touch_inode(a);
	touch_inode(b);
	arena_commit();
	return 0;
}

long tree_rename(struct inode *from, const char *name, size_t length, struct inode *to, const char *new_name, size_t new_length, unsigned flags)
{
	struct entry *entry = directory_find(from, name, length), *victim = directory_find(to, new_name, new_length);
	long error = check_rename(from, entry, to, victim, flags);
	struct inode *inode, *gone;

	if (error)
		return error;
	if (flags & TREE_RENAME_EXCHANGE)
		return exchange(entry, victim);
	inode = entry->inode;
	gone = victim ? victim->inode : NULL;
	if (gone == inode)
		return 0;
	arena_begin();
	if (victim)
		drop_name(victim);
	entry_remove(entry);
	if (!add_renamed(entry, inode, to, new_name, new_length))
		return no_space();
	move_parent(inode, from, to);
	touch_directory(from);
	touch_directory(to);
	touch_inode(inode);
	arena_free(POOL_ENTRIES, entry, entry_bytes(entry->length));
	if (victim)
		free_if_forgotten(victim);
	commit_and_reclaim(gone);
	return 0;
}
