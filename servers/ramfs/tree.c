/*
 * Directories list their entries newest first, as Linux's tmpfs does, by cookies that only grow: a listing goes on below the cookie of the last
 * entry it gave, whatever was added or removed meanwhile. Names are found by an open-addressing table.
 */
#include "servers/ramfs/tree.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "servers/ramfs/tree_internal.h"

#define TOMBSTONE ((struct entry *)1)
#define TABLE_MIN 8

const struct tree_hooks *tree_hooks;

static struct inode *first_inode(void)
{
	return (struct inode *)arena->root[ROOT_INODES];
}

struct inode *tree_root(unsigned mount)
{
	return mount < MOUNTS ? (struct inode *)arena->root[ROOT_MOUNT(mount)] : NULL;
}

/* ---- inodes ---- */

struct inode *inode_new(u32 mode)
{
	struct inode *inode = arena_take(POOL_INODES, sizeof(*inode)), *first = first_inode();
	u64 ino = arena->root[ROOT_NEXT_INO];

	if (!inode)
		return NULL;
	inode->ino = ino;
	inode->mode = mode;
	inode->atime = inode->mtime = inode->ctime = inode->btime = tree_hooks->now();
	inode->next = first;
	if (inode_is(inode, S_IFDIR)) {
		inode->size = DIRECTORY_SIZE_BASE;
		inode->next_cookie = COOKIE_FIRST;
		inode->nlink = 1;
	} else if (inode_is(inode, S_IFREG)) {
		inode->image = NO_IMAGE;
	}
	SET(arena->root[ROOT_NEXT_INO], ino + 1);
	SET(arena->root[ROOT_COUNT], arena->root[ROOT_COUNT] + 1);
	SET(arena->root[ROOT_INODES], (u64)inode);
	if (first)
		SET(first->previous, inode);
	return inode;
}

static void unlink_from_all(struct inode *inode)
{
	if (inode->previous)
		SET(inode->previous->next, inode->next);
	else
		SET(arena->root[ROOT_INODES], (u64)inode->next);
	if (inode->next)
		SET(inode->next->previous, inode->previous);
	SET(arena->root[ROOT_COUNT], arena->root[ROOT_COUNT] - 1);
}

/* Inside a transaction. */
void inode_free(struct inode *inode)
{
	while (inode->xattrs) {
		struct xattr *xattr = inode->xattrs;

		SET(inode->xattrs, xattr->next);
		arena_free(POOL_BYTES, xattr, xattr_bytes(xattr->name_length, xattr->value_length));
	}
	if (inode_is(inode, S_IFLNK))
		arena_free(POOL_BYTES, inode->text, inode->size + 1);
	if (inode_is(inode, S_IFDIR) && inode->table)
		arena_free(POOL_BYTES, inode->table, table_bytes(inode->table->capacity));
	if (inode->name)
		arena_free(POOL_ENTRIES, inode->name, entry_bytes(inode->name->length));
	unlink_from_all(inode);
	/* The link takes the place of ino: no pointer is ever a live inode's number. */
	arena_free(POOL_INODES, inode, sizeof(*inode));
}

void inode_refresh(struct inode *inode)
{
	if (likely(inode->epoch == arena->epoch))
		return;
	inode->opens = 0;
	inode->mapping = NULL;
	inode->capacity = 0;
	inode->exact = 0;
	inode->epoch = arena->epoch;
}

u64 inode_opens(const struct inode *inode)
{
	return inode->epoch == arena->epoch ? inode->opens : 0;
}

u64 tree_nameless; /* inodes that are open and have no name */

void inode_name_lost(struct inode *inode)
{
	if (inode_opens(inode))
		tree_nameless++;
	else
		inode_reclaim(inode);
}

void inode_name_given(struct inode *inode)
{
	if (inode_opens(inode))
		tree_nameless--;
}

void inode_open(struct inode *inode)
{
	inode_refresh(inode);
	if (!inode->opens++ && !inode->nlink)
		tree_nameless++;
}

/* An inode that nobody can reach any more: freed, then its data. */
void inode_reclaim(struct inode *inode)
{
	struct { u64 ino; bool has_object; void *mapping; u64 pages; u8 *small; } gone = { .ino = inode->ino };

	tree_hooks->inode_gone(inode);
	inode_refresh(inode);
	gone.mapping = inode->mapping;
	if (inode_is(inode, S_IFREG)) {
		gone.has_object = inode->has_object;
		gone.pages = inode->pages;
		gone.small = inode->small;
	}
	arena_begin();
	inode_free(inode);
	arena_commit();
	tree_hooks->data_gone(gone.ino, gone.has_object, gone.mapping, gone.pages, gone.small);
}

void inode_close(struct inode *inode)
{
	inode_refresh(inode);
	inode->opens--;
	if (inode->opens || inode->nlink)
		return;
	tree_nameless--;
	inode_reclaim(inode);
}

/* ---- the table of names ---- */

static u32 name_hash(const char *name, size_t length)
{
	u64 hash = hash_name(name, length);

	return (u32)(hash >> 32 ^ hash);
}

static bool entry_is(const struct entry *entry, u32 hash, const char *name, size_t length)
{
	return entry->hash == hash && entry->length == length && !memcmp(entry->name, name, length);
}

struct entry *directory_find(const struct inode *directory, const char *name, size_t length)
{
	const struct name_table *table = directory->table;
	u32 hash;

	if (!table)
		return NULL;
	hash = name_hash(name, length);
	for (u64 at = hash;; at++) {
		struct entry *entry = table->slots[at & (table->capacity - 1)];

		if (!entry)
			return NULL;
		if (entry != TOMBSTONE && entry_is(entry, hash, name, length))
			return entry;
	}
}

/* The first slot that is free for a new entry. */
static u64 free_slot(const struct name_table *table, u32 hash)
{
	u64 at = hash;

	while ((u64)table->slots[at & (table->capacity - 1)] > (u64)TOMBSTONE)
		at++;
	return at & (table->capacity - 1);
}

/* A new table with all the entries: fresh memory, filled before anything refers to it. */
static bool table_rebuild(struct inode *directory, u64 capacity)
{
	struct name_table *old = directory->table, *table = arena_take(POOL_BYTES, table_bytes(capacity));

	if (!table)
		return false;
	table->capacity = capacity;
	for (struct entry *entry = directory->newest; entry; entry = entry->older)
		table->slots[free_slot(table, entry->hash)] = entry;
	SET(directory->table, table);
	SET(directory->filled, directory->entries);
	if (old)
		arena_free(POOL_BYTES, old, table_bytes(old->capacity));
	return true;
}

/* Room for one more, at most two thirds full. */
static bool table_reserve(struct inode *directory)
{
	u64 capacity = directory->table ? directory->table->capacity : TABLE_MIN;

	if (directory->table && (directory->filled + 1) * 3 <= capacity * 2)
		return true;
	while ((directory->entries + 1) * 2 > capacity)
		capacity *= 2;
	return table_rebuild(directory, capacity);
}

static void table_remove(struct inode *directory, const struct entry *entry)
{
	struct name_table *table = directory->table;
	u64 at = entry->hash;

	while (table->slots[at & (table->capacity - 1)] != entry)
		at++;
	SET(table->slots[at & (table->capacity - 1)], TOMBSTONE);
}

/* ---- entries ---- */

/* Puts the entry at the newest end. */
static void list_add(struct inode *directory, struct entry *entry)
{
	struct entry *newest = directory->newest;

	SET(entry->cookie, directory->next_cookie);
	SET(directory->next_cookie, directory->next_cookie + 1);
	SET(entry->older, newest);
	SET(entry->newer, NULL);
	if (newest)
		SET(newest->newer, entry);
	else
		SET(directory->oldest, entry);
	SET(directory->newest, entry);
}

static void list_remove_entry(struct inode *directory, struct entry *entry)
{
	if (entry->newer)
		SET(entry->newer->older, entry->older);
	else
		SET(directory->newest, entry->older);
	if (entry->older)
		SET(entry->older->newer, entry->newer);
	else
		SET(directory->oldest, entry->newer);
}

struct entry *entry_new(const char *name, size_t length)
{
	struct entry *entry = arena_take(POOL_ENTRIES, entry_bytes(length));

	if (!entry)
		return NULL;
	entry->length = (u16)length;
	entry->hash = name_hash(name, length);
	memcpy(entry->name, name, length);
	return entry;
}

bool entry_insert(struct inode *directory, struct entry *entry, struct inode *inode)
{
	u64 slot;

	if (!table_reserve(directory))
		return false;
	slot = free_slot(directory->table, entry->hash);
	if (!directory->table->slots[slot])
		SET(directory->filled, directory->filled + 1);
	SET(directory->table->slots[slot], entry);
	SET(entry->directory, directory);
	SET(entry->directory_ino, directory->ino);
	SET(entry->inode, inode);
	SET(entry->removed, 0);
	list_add(directory, entry);
	SET(directory->entries, directory->entries + 1);
	SET(directory->size, directory->size + DIRECTORY_SIZE_ENTRY);
	return true;
}

void entry_remove(struct entry *entry)
{
	struct inode *directory = entry->directory;

	table_remove(directory, entry);
	list_remove_entry(directory, entry);
	SET(entry->removed, 1);
	SET(directory->entries, directory->entries - 1);
	SET(directory->size, directory->size - DIRECTORY_SIZE_ENTRY);
}

struct entry *directory_below(const struct inode *directory, u64 cookie)
{
	struct entry *entry = directory->newest;

	while (entry && entry->cookie >= cookie)
		entry = entry->older;
	return entry;
}

/* Links counted: a directory's are its name, its "." and the ".." of those below. */
bool directory_add(struct inode *directory, struct inode *inode, const char *name, size_t length)
{
	struct entry *entry = entry_new(name, length);

	if (!entry || !entry_insert(directory, entry, inode))
		return false;
	SET(inode->nlink, inode->nlink + 1);
	SET(inode->name, entry);
	if (inode_is(inode, S_IFDIR))
		SET(directory->nlink, directory->nlink + 1);
	return true;
}

/* ---- the whole ---- */

bool tree_make(void)
{
	arena->root[ROOT_NEXT_INO] = 1;
	for (unsigned mount = 0; mount < MOUNTS; mount++) {
		struct inode *inode;

		arena_begin();
		inode = inode_new(S_IFDIR | (mount ? 01777 : 0755));
		if (!inode)
			return false;
		inode->nlink = 2;
		inode->mount = mount + 1;
		SET(arena->root[ROOT_MOUNT(mount)], (u64)inode);
		arena_commit();
	}
	return true;
}

void tree_recover(void)
{
	struct inode *next;

	for (struct inode *inode = first_inode(); inode; inode = next) {
		next = inode->next;
		if (!inode->nlink)
			inode_reclaim(inode);
	}
}
