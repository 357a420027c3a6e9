/*
 * ramfs's tree: random operations against a model that is a plain list of names; and the same operations ended at every point at which the arena is
 * written, then recovered: what is there must be the tree before the operation or after it, and whole.
 */
// sources: servers/ramfs/arena.c servers/ramfs/tree.c servers/ramfs/names.c servers/ramfs/xattr.c servers/ramfs/check.c
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "check.h"
#include "lib/hash.h"
#include "servers/ramfs/tree.h"

#define ARENA_BYTES 0x1000000ul
#define SAVED_BYTES 0x60000ul /* all that the crash test's trees use */

static u8 *memory;
static long crash_after = -1; /* points left until the crash; -1: none */
static long crash_points;
static jmp_buf crashed;
static u64 fake_time;
static unsigned data_gone_count, inode_gone_count;

void arena_crash_point(void)
{
	crash_points++;
	if (crash_after < 0)
		return;
	if (!crash_after--)
		longjmp(crashed, 1);
}

static bool grow(u64 size)
{
	return size <= ARENA_BYTES;
}

static u64 now(void)
{
	return ++fake_time;
}

static void data_gone(u64 ino, bool has_object, void *mapping, u64 pages, u8 *small)
{
	(void)ino, (void)has_object, (void)mapping, (void)pages, (void)small;
	data_gone_count++;
}

static void inode_gone(struct inode *inode)
{
	(void)inode;
	inode_gone_count++;
}

static const struct tree_hooks hooks = { .now = now, .inode_gone = inode_gone, .data_gone = data_gone };

static void start(void)
{
	if (!memory)
		memory = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(memory, 0, ARENA_BYTES);
	tree_hooks = &hooks;
	crash_after = -1;
	arena_format(memory, 0x20000, grow);
	CHECK(tree_make());
	arena->ready = 1;
}

static void check_whole(void)
{
	const char *wrong = tree_check();

	if (wrong)
		CHECK_FAIL("the tree is damaged: %s", wrong);
}

static struct inode *find(struct inode *directory, const char *name)
{
	struct entry *entry = directory_find(directory, name, strlen(name));

	return entry ? entry->inode : NULL;
}

static long make(struct inode *directory, const char *name, u32 mode)
{
	struct inode *made;

	return tree_create(directory, name, strlen(name), mode, 0, &made);
}

static long move(struct inode *from, const char *name, struct inode *to, const char *new_name, unsigned flags)
{
	return tree_rename(from, name, strlen(name), to, new_name, strlen(new_name), flags);
}

static long drop(struct inode *directory, const char *name, bool rmdir)
{
	return tree_unlink(directory, name, strlen(name), rmdir);
}

/* ---- rules ---- */

static void link_counts_are_linux(void)
{
	struct inode *root, *a;

	start();
	root = tree_root(0);
	CHECK_EQ(root->nlink, 2);
	CHECK_EQ(make(root, "a", S_IFDIR | 0755), 0);
	a = find(root, "a");
	CHECK_EQ(root->nlink, 3);
	CHECK_EQ(a->nlink, 2);
	CHECK_EQ(a->size, 40);
	CHECK_EQ(root->size, 60);
	CHECK_EQ(make(a, "f", S_IFREG | 0644), 0);
	CHECK_EQ(find(a, "f")->nlink, 1);
	CHECK_EQ(tree_link(find(a, "f"), root, "g", 1), 0);
	CHECK_EQ(find(a, "f")->nlink, 2);
	CHECK_EQ(drop(root, "a", true), -ENOTEMPTY);
	CHECK_EQ(drop(root, "a", false), -EISDIR);
	CHECK_EQ(drop(a, "f", true), -ENOTDIR);
	CHECK_EQ(drop(a, "f", false), 0);
	CHECK_EQ(drop(root, "a", true), 0);
	CHECK_EQ(root->nlink, 2);
	check_whole();
}

static void rename_rules_are_linux(void)
{
	struct inode *root, *a, *b;

	start();
	root = tree_root(0);
	make(root, "a", S_IFDIR | 0755);
	a = find(root, "a");
	make(a, "b", S_IFDIR | 0755);
	b = find(a, "b");
	make(root, "f", S_IFREG | 0644);
	make(root, "g", S_IFREG | 0644);
	CHECK_EQ(move(root, "a", b, "x", 0), -EINVAL);
	CHECK_EQ(move(root, "a", a, "x", 0), -EINVAL);
	CHECK_EQ(move(a, "b", root, "a", 0), -ENOTEMPTY);
	CHECK_EQ(move(root, "f", root, "a", 0), -EISDIR);
	CHECK_EQ(move(root, "a", root, "f", 0), -ENOTDIR);
	CHECK_EQ(move(root, "f", root, "g", TREE_RENAME_NOREPLACE), -EEXIST);
	CHECK_EQ(move(root, "none", root, "g", 0), -ENOENT);
	CHECK_EQ(move(root, "f", root, "none", TREE_RENAME_EXCHANGE), -ENOENT);
	CHECK_EQ(move(root, "a", b, "b", TREE_RENAME_EXCHANGE), -EINVAL);
	CHECK_EQ(move(root, "f", b, "f", 0), 0);
	CHECK_EQ(find(root, "f") == NULL, 1);
	CHECK_EQ(move(a, "b", root, "c", 0), 0);
	CHECK_EQ(root->nlink, 4);
	CHECK_EQ(a->nlink, 2);
	CHECK_EQ(move(root, "g", root, "c", TREE_RENAME_EXCHANGE), 0);
	CHECK(find(root, "g") == b);
	CHECK_EQ(move(root, "c", tree_root(1), "c", 0), -EXDEV);
	check_whole();
}

static void an_open_file_outlives_its_name(void)
{
	struct inode *root, *f;

	start();
	root = tree_root(0);
	make(root, "f", S_IFREG | 0644);
	f = find(root, "f");
	inode_open(f);
	data_gone_count = 0;
	CHECK_EQ(drop(root, "f", false), 0);
	CHECK_EQ(f->nlink, 0);
	CHECK(f->name && f->name->removed);
	CHECK_EQ(data_gone_count, 0);
	check_whole();
	inode_close(f);
	CHECK_EQ(data_gone_count, 1);
	CHECK_EQ(arena->root[ROOT_COUNT], 2);
	check_whole();
}

static void orphans_go_at_the_next_start(void)
{
	struct inode *made;

	start();
	CHECK_EQ(tree_tmpfile(S_IFREG | 0600, true, &made), 0);
	inode_open(made);
	CHECK(arena_recover(memory, arena->size, grow));
	tree_recover();
	CHECK_EQ(arena->root[ROOT_COUNT], 2);
	check_whole();
}

static void listings_survive_changes(void)
{
	struct inode *root;
	struct entry *entry;
	char name[16];
	u64 cookie = UINT64_MAX;
	unsigned seen = 0;

	start();
	root = tree_root(0);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		CHECK_EQ(make(root, name, S_IFREG | 0644), 0);
	}
	/* Each entry is removed when it is seen, and a new one made: each old one must be seen once, the new ones not. */
	while ((entry = directory_below(root, cookie))) {
		cookie = entry->cookie;
		CHECK(entry->name[0] == 'f');
		snprintf(name, sizeof(name), "n%u", seen++);
		CHECK_EQ(tree_unlink(root, entry->name, entry->length, false), 0);
		CHECK_EQ(make(root, name, S_IFREG | 0644), 0);
	}
	CHECK_EQ(seen, 1000);
	CHECK_EQ(root->entries, 1000);
	check_whole();
}

static void xattrs_work(void)
{
	struct inode *root, *f;
	char buffer[64];

	start();
	root = tree_root(0);
	make(root, "f", S_IFREG | 0644);
	f = find(root, "f");
	CHECK_EQ(tree_setxattr(f, "user.a", 6, "one", 3, 0), 0);
	CHECK_EQ(tree_setxattr(f, "user.a", 6, "two!", 4, 1), -EEXIST);
	CHECK_EQ(tree_setxattr(f, "user.b", 6, "x", 1, 2), -ENODATA);
	CHECK_EQ(tree_setxattr(f, "user.a", 6, "two!", 4, 2), 0);
	CHECK_EQ(tree_setxattr(f, "none.a", 6, "x", 1, 0), -EOPNOTSUPP);
	CHECK_EQ(tree_getxattr(f, "user.a", 6, buffer, sizeof(buffer)), 4);
	CHECK(!memcmp(buffer, "two!", 4));
	CHECK_EQ(tree_getxattr(f, "user.a", 6, buffer, 3), -ERANGE);
	CHECK_EQ(tree_listxattr(f, buffer, sizeof(buffer)), 7);
	CHECK_STR(buffer, "user.a");
	CHECK_EQ(tree_removexattr(f, "user.a", 6), 0);
	CHECK_EQ(tree_removexattr(f, "user.a", 6), -ENODATA);
	CHECK_EQ(drop(root, "f", false), 0);
	check_whole();
}

/* ---- random operations ---- */

#define NAMES 6
#define DIRECTORIES 8

static u64 random_state;

static unsigned any(unsigned below)
{
	return (unsigned)(splitmix64_next(&random_state) % below);
}

static struct inode *directories[DIRECTORIES];
static unsigned directory_count;

/* All directories that can be reached, for picking one. */
static void collect(struct inode *directory)
{
	if (directory_count < DIRECTORIES)
		directories[directory_count++] = directory;
	for (struct entry *entry = directory->newest; entry; entry = entry->older)
		if ((entry->inode->mode & S_IFMT) == S_IFDIR)
			collect(entry->inode);
}

static struct inode *any_directory(void)
{
	directory_count = 0;
	collect(tree_root(0));
	return directories[any(directory_count)];
}

static long random_operation(void)
{
	char name[] = "name?", other[] = "name?";
	struct inode *from = any_directory(), *to = any_directory(), *made, *inode;

	name[4] = (char)('a' + any(NAMES));
	other[4] = (char)('a' + any(NAMES));
	switch (any(9)) {
	case 0: case 1:
		return make(from, name, S_IFREG | 0644);
	case 2:
		return make(from, name, S_IFDIR | 0755);
	case 3:
		return tree_symlink(from, name, 5, "target/of/the/link", 18, &made);
	case 4:
		return drop(from, name, any(2));
	case 5:
		inode = find(from, name);
		return inode ? tree_link(inode, to, other, 5) : -ENOENT;
	case 6:
		inode = find(from, name);
		return inode ? tree_setxattr(inode, "user.x", 6, "value", any(6), 0) : -ENOENT;
	case 7:
		return move(from, name, to, other, any(3));
	default:
		return drop(from, name, false);
	}
}

/* The tree as text: names, numbers, link counts. */
static size_t picture(struct inode *directory, char *out, size_t size)
{
	size_t at = 0;

	for (struct entry *entry = directory->newest; entry && at + 400 < size; entry = entry->older) {
		const struct inode *inode = entry->inode;

		at += (size_t)snprintf(out + at, size - at, "%.*s=%lu.%u.%o.%d(", entry->length, entry->name, inode->ino, inode->nlink,
				       inode->mode, inode->xattrs ? (int)inode->xattrs->value_length : -1);
		if ((inode->mode & S_IFMT) == S_IFDIR)
			at += picture(entry->inode, out + at, size - at);
		at += (size_t)snprintf(out + at, size - at, ")");
	}
	return at;
}

static void random_operations_keep_it_whole(void)
{
	for (u64 seed = 1; seed <= 20 && !CHECK_FAILED(); seed++) {
		start();
		random_state = seed;
		for (int i = 0; i < 2000 && !CHECK_FAILED(); i++) {
			random_operation();
			if (i % 10 == 0)
				check_whole();
		}
	}
}

static void delete_below(struct inode *directory)
{
	struct entry *entry, *older;

	for (entry = directory->newest; entry; entry = older) {
		bool is_directory = (entry->inode->mode & S_IFMT) == S_IFDIR;

		older = entry->older;
		if (is_directory)
			delete_below(entry->inode);
		CHECK_EQ(tree_unlink(directory, entry->name, entry->length, is_directory), 0);
	}
}

/* Nothing may be left but the roots. */
static void deleting_all_frees_all(void)
{
	start();
	random_state = 77;
	for (int i = 0; i < 3000; i++)
		random_operation();
	delete_below(tree_root(0));
	CHECK_EQ(tree_root(0)->entries, 0);
	CHECK_EQ(arena->root[ROOT_COUNT], 2);
	check_whole();
}

/* ---- crashes ---- */

static char before[65536], after[65536], found[65536];

static void take_picture(char *out)
{
	out[0] = 0;
	picture(tree_root(0), out, sizeof(before));
}

/* One operation, ended at point `point` from a saved arena. False: it ended before that point. */
static bool crash_at(const u8 *saved, u64 seed, long point)
{
	volatile bool ended = false;

	memcpy(memory, saved, SAVED_BYTES);
	random_state = seed;
	crash_after = point;
	if (!setjmp(crashed)) {
		random_operation();
		ended = true;
	}
	crash_after = -1;
	CHECK(arena_recover(memory, arena->size, grow));
	tree_recover();
	check_whole();
	take_picture(found);
	if (strcmp(found, before) && strcmp(found, after))
		CHECK_FAIL("seed %lu, point %ld: neither the tree before nor after", seed, point);
	return !ended;
}

static void a_kill_at_any_write_loses_nothing(void)
{
	u8 *saved = malloc(ARENA_BYTES);
	u64 tried = 0;

	start();
	random_state = 5;
	for (int i = 0; i < 120; i++)
		random_operation();
	for (int i = 0; i < 150 && !CHECK_FAILED(); i++) {
		u64 seed = random_state, next;

		CHECK(arena->used < SAVED_BYTES - 0x8000);
		memcpy(saved, memory, SAVED_BYTES);
		take_picture(before);
		random_operation();
		next = random_state;
		take_picture(after);
		for (long point = 0; crash_at(saved, seed, point) && !CHECK_FAILED(); point++)
			tried++;
		/* and on from the tree after it */
		memcpy(memory, saved, SAVED_BYTES);
		random_state = seed;
		random_operation();
		random_state = next;
	}
	CHECK(tried > 1000);
	free(saved);
}

static void a_kill_while_rolling_back_is_harmless(void)
{
	struct inode *root;

	start();
	root = tree_root(0);
	make(root, "f", S_IFREG | 0644);
	take_picture(before);
	crash_after = 25;
	if (!setjmp(crashed))
		make(root, "g", S_IFREG | 0644);
	for (volatile int i = 0; i < 50; i++) {
		crash_after = 1;
		if (!setjmp(crashed))
			arena_recover(memory, arena->size, grow);
	}
	crash_after = -1;
	CHECK(arena_recover(memory, arena->size, grow));
	take_picture(found);
	CHECK_STR(found, before);
	check_whole();
}

static void no_memory_changes_nothing(void)
{
	char name[32];
	long error = 0;

	start();
	for (int i = 0; !error && i < 1000000; i++) {
		snprintf(name, sizeof(name), "file-number-%d", i);
		error = make(tree_root(0), name, S_IFREG | 0644);
	}
	CHECK_EQ(error, -ENOSPC);
	CHECK(!arena->log_used);
	CHECK_EQ(drop(tree_root(0), "file-number-3", false), 0);
	CHECK_EQ(make(tree_root(0), "again", S_IFREG | 0644), 0);
}

int main(void)
{
	RUN(link_counts_are_linux);
	RUN(rename_rules_are_linux);
	RUN(an_open_file_outlives_its_name);
	RUN(orphans_go_at_the_next_start);
	RUN(listings_survive_changes);
	RUN(xattrs_work);
	RUN(random_operations_keep_it_whole);
	RUN(deleting_all_frees_all);
	RUN(a_kill_at_any_write_loses_nothing);
	RUN(a_kill_while_rolling_back_is_harmless);
	RUN(no_memory_changes_nothing);
	return check_result();
}
