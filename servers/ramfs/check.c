/* Whether the tree is whole: for tests, and for a start after a crash. */
#include "lib/string.h"
#include "servers/ramfs/tree_internal.h"

static const char *check_list(const struct inode *directory)
{
	const struct entry *newer = NULL;
	u64 count = 0;

	for (const struct entry *entry = directory->newest; entry; newer = entry, entry = entry->older, count++) {
		if (entry->newer != newer || (newer && newer->cookie <= entry->cookie))
			return "order of a directory";
		if (entry->directory != directory || entry->directory_ino != directory->ino || entry->removed)
			return "an entry's directory";
		if (directory_find(directory, entry->name, entry->length) != entry)
			return "an entry is not found";
		if (!entry->inode || !entry->inode->nlink)
			return "an entry's inode";
		if (inode_is(entry->inode, S_IFDIR) && entry->inode->name != entry)
			return "a directory's name";
		if (count > directory->entries)
			return "count of entries";
	}
	if (directory->oldest != newer)
		return "oldest entry";
	return count == directory->entries ? NULL : "count of entries";
}

static const char *check_directory(const struct inode *directory)
{
	u64 filled = 0, live = 0;

	if (directory->size != DIRECTORY_SIZE_BASE + DIRECTORY_SIZE_ENTRY * directory->entries)
		return "size of a directory";
	for (u64 i = 0; directory->table && i < directory->table->capacity; i++) {
		u64 slot = (u64)directory->table->slots[i];

		filled += slot != 0;
		live += slot > 1;
	}
	if (filled != directory->filled || live != directory->entries)
		return "filling of a table";
	return check_list(directory);
}

static u64 names_of(const struct inode *wanted, u64 *below)
{
	u64 names = 0;

	*below = 0;
	for (const struct inode *inode = (struct inode *)arena->root[ROOT_INODES]; inode; inode = inode->next) {
		if (!inode_is(inode, S_IFDIR))
			continue;
		for (const struct entry *entry = inode->newest; entry; entry = entry->older) {
			names += entry->inode == wanted;
			*below += inode == wanted && inode_is(entry->inode, S_IFDIR);
		}
	}
	return names;
}

static const char *check_links(const struct inode *inode)
{
	u64 below, names = names_of(inode, &below);

	if (!inode_is(inode, S_IFDIR))
		return inode->nlink == names ? NULL : "link count of a file";
	if (inode->mount)
		return inode->nlink == 2 + below ? NULL : "link count of a root";
	return inode->nlink == (names ? 2 + below : 0) ? NULL : "link count of a directory";
}

const char *tree_check(void)
{
	const struct inode *previous = NULL;
	const char *wrong = NULL;
	u64 count = 0;

	if (arena->log_used)
		return "a transaction is open";
	for (const struct inode *inode = (struct inode *)arena->root[ROOT_INODES]; inode && !wrong; inode = inode->next, count++) {
		if (inode->previous != previous)
			return "list of inodes";
		previous = inode;
		wrong = check_links(inode);
		if (!wrong && inode_is(inode, S_IFDIR))
			wrong = check_directory(inode);
	}
	if (!wrong && count != arena->root[ROOT_COUNT])
		return "count of inodes";
	return wrong;
}
