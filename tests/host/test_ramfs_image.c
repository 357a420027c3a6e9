/* The boot image becomes a tree; damaged and hostile ones give a sentence, never a crash. */
// sources: servers/ramfs/image.c servers/ramfs/arena.c servers/ramfs/tree.c servers/ramfs/names.c servers/ramfs/xattr.c servers/ramfs/check.c
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "check.h"
#include "lib/hash.h"
#include "servers/ramfs/image.h"
#include "servers/ramfs/tree.h"

#define ARENA_BYTES 0x4000000ul

static u8 *memory;
static u8 archive[0x100000];
static size_t length;

void arena_crash_point(void)
{
}

static bool grow(u64 size)
{
	return size <= ARENA_BYTES;
}

static u64 now(void)
{
	return 1;
}

static void data_gone(u64 ino, bool has_object, void *mapping, u64 pages, u8 *small)
{
	(void)ino, (void)has_object, (void)mapping, (void)pages, (void)small;
}

static void inode_gone(struct inode *inode)
{
	(void)inode;
}

static const struct tree_hooks hooks = { .now = now, .inode_gone = inode_gone, .data_gone = data_gone };

static void start(void)
{
	if (!memory)
		memory = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(memory, 0, 0x100000);
	tree_hooks = &hooks;
	arena_format(memory, 0x20000, grow);
	CHECK(tree_make());
	length = 0;
}

static void pad(void)
{
	while (length % 4)
		archive[length++] = 0;
}

static void add(const char *name, unsigned mode, unsigned ino, unsigned nlink, const char *data)
{
	size_t size = data ? strlen(data) : 0;

	length += (size_t)sprintf((char *)archive + length, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ino, mode, 5, 6, nlink,
				  1000, (unsigned)size, 0, 0, 4, 64, (unsigned)strlen(name) + 1, 0);
	memcpy(archive + length, name, strlen(name) + 1);
	length += strlen(name) + 1;
	pad();
	memcpy(archive + length, data ? data : "", size);
	length += size;
	pad();
}

static void finish(void)
{
	add("TRAILER!!!", 0, 0, 1, NULL);
}

static struct inode *find(const char *path)
{
	struct inode *at = tree_root(0);

	while (at && *path) {
		size_t n = strcspn(path, "/");
		struct entry *entry = directory_find(at, path, n);

		at = entry ? entry->inode : NULL;
		path += n + (path[n] == '/');
	}
	return at;
}

static const char *build(void)
{
	u64 offset;

	return image_build(archive, length, &offset);
}

static void a_tree_is_made(void)
{
	start();
	add(".", S_IFDIR | 0750, 1, 2, NULL);
	add("./etc", S_IFDIR | 0711, 2, 2, NULL);
	add("etc/passwd", S_IFREG | 0644, 3, 1, "root:x");
	add("/usr/bin/tool", S_IFREG | 0755, 4, 2, NULL);
	add("usr/bin/same", S_IFREG | 0755, 4, 2, "#!");
	add("bin", S_IFLNK | 0777, 5, 1, "usr/bin");
	add("dev/tty0", S_IFCHR | 0600, 6, 1, NULL);
	finish();
	CHECK(!build());
	CHECK_EQ(tree_root(0)->mode, S_IFDIR | 0750);
	CHECK_EQ(find("etc")->mode, S_IFDIR | 0711);
	CHECK_EQ(find("etc")->mtime, 1000000000000ul);
	CHECK_EQ(find("etc/passwd")->size, 6);
	CHECK(!memcmp(archive + find("etc/passwd")->image, "root:x", 6));
	CHECK(find("usr/bin/tool") == find("usr/bin/same"));
	CHECK_EQ(find("usr/bin/tool")->nlink, 2);
	CHECK_EQ(find("usr/bin/tool")->size, 2);
	CHECK(!memcmp(find("bin")->text, "usr/bin", 7));
	CHECK_EQ(find("dev/tty0")->device, 4 << 8 | 64);
	CHECK_EQ(find("dev/tty0")->uid, 5);
	CHECK(!tree_check());
}

static void a_later_archive_lies_over_the_first(void)
{
	start();
	add("a", S_IFDIR | 0755, 1, 2, NULL);
	add("a/f", S_IFREG | 0644, 2, 1, "old");
	finish();
	while (length % 512)
		archive[length++] = 0;
	add("a", S_IFDIR | 0700, 1, 2, NULL);
	add("a/f", S_IFREG | 0600, 2, 1, "newer");
	finish();
	CHECK(!build());
	CHECK_EQ(find("a")->mode, S_IFDIR | 0700);
	CHECK_EQ(find("a/f")->size, 5);
	CHECK_EQ(find("a")->entries, 1);
	CHECK(!tree_check());
}

static void what_is_wrong_is_said(void)
{
	start();
	add("a/../b", S_IFREG | 0644, 1, 1, NULL);
	finish();
	CHECK(build());
	start();
	add("f", S_IFREG | 0644, 1, 1, "x");
	add("f/g", S_IFREG | 0644, 2, 1, "x");
	finish();
	CHECK_STR(build(), "has a file below something that is no directory");
	start();
	add("f", 0, 1, 1, "x");
	finish();
	CHECK_STR(build(), "has an entry of no known type");
	start();
	memset(archive, 'x', 4096);
	length = 4096;
	CHECK_STR(build(), "is damaged or no newc archive");
}

static void damaged_images_do_no_harm(void)
{
	static u8 whole[0x10000];
	u64 state = 9;
	size_t size;

	start();
	for (int i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d%d/f%d", i % 5, i);
		add(name, i % 7 ? S_IFREG | 0644 : S_IFLNK | 0777, (unsigned)i / 2, 2, "data of it");
	}
	finish();
	size = length;
	memcpy(whole, archive, size);
	for (int i = 0; i < 3000 && !CHECK_FAILED(); i++) {
		start();
		memcpy(archive, whole, size);
		length = splitmix64_next(&state) % 4 ? size : splitmix64_next(&state) % size;
		for (int n = 0; n < 3; n++)
			archive[splitmix64_next(&state) % size] = "0123456789abcdef/.\0"[splitmix64_next(&state) % 19];
		build();
		CHECK(!tree_check());
	}
}

int main(void)
{
	RUN(a_tree_is_made);
	RUN(a_later_archive_lies_over_the_first);
	RUN(what_is_wrong_is_said);
	RUN(damaged_images_do_no_harm);
	return check_result();
}
