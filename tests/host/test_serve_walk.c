/* Path walks of the server framework over a small tree, and the records of directory listings. The kernel and root are played by the test. */
// sources: serve/walk.c serve/walk_known.c serve/tree.c serve/place.c serve/dirent.c
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "serve/internal.h"
#include "serve/principal.h"

#define DIRECTORY LINUX_S_IFDIR
#define FILE_MODE LINUX_S_IFREG
#define LINK      LINUX_S_IFLNK

/* ---- a tree ---- */

struct thing {
	u64 id, parent;
	const char *name;
	unsigned mode;
	const char *text;
};

static const struct thing things[] = {
	{ 1, 0, "", DIRECTORY | 0755, NULL },
	{ 2, 1, "a", DIRECTORY | 0755, NULL },
	{ 3, 2, "b", DIRECTORY | 0755, NULL },
	{ 4, 3, "file", FILE_MODE | 0644, NULL },
	{ 5, 1, "link", LINK | 0777, "a/b" },
	{ 6, 3, "up", LINK | 0777, "/else/where" },
	{ 7, 1, "door", LINK | 0777, "magic" },
	{ 8, 2, "absolute", LINK | 0777, "/link/file" },
	{ 9, 2, "again", LINK | 0777, "again" },
	{ 10, 2, "above", LINK | 0777, "../a" },
	{ 11, 2, "out", LINK | 0777, "/other" },
	{ 12, 2, "slash", LINK | 0777, "b/" },
	{ 13, 2, "top", LINK | 0777, "/" },
};

static const struct thing *thing(u64 id)
{
	for (size_t i = 0; i < ARRAY_SIZE(things); i++)
		if (things[i].id == id)
			return &things[i];
	return NULL;
}

static long get_root(unsigned mount, struct node *node)
{
	*node = (struct node){ .id = 1 };
	return mount ? -ENOENT : 0;
}

static unsigned get_mode(struct node node)
{
	return thing(node.id)->mode;
}

static unsigned lookups;
static u64 removed; /* id of what has no name any more */
static u64 renamed; /* of what has another */
static unsigned parents;

static long lookup(struct node directory, const char *name, size_t length, struct node *found)
{
	lookups++;
	for (size_t i = 1; i < ARRAY_SIZE(things); i++) {
		if (things[i].parent != directory.id || things[i].id == removed || strlen(things[i].name) != length || memcmp(things[i].name, name, length))
			continue;
		*found = (struct node){ .id = things[i].id };
		return 0;
	}
	return -ENOENT;
}

static long get_parent(struct node node, struct node *parent, char name[256], bool *deleted)
{
	const struct thing *t = thing(node.id);

	*deleted = node.id == removed;
	parents++;
	if (!t->parent)
		return 0;
	*parent = (struct node){ .id = t->parent };
	strcpy(name, node.id == renamed ? "new" : t->name);
	return (long)strlen(name);
}

static long read_link(struct node node, char *text, size_t size)
{
	const char *from = thing(node.id)->text;

	CHECK(strlen(from) < size);
	memcpy(text, from, strlen(from));
	return (long)strlen(from);
}

static bool is_magic(struct node node, struct magic_link *magic)
{
	*magic = (struct magic_link){ .pid = 12, .descriptor = -2 };
	return node.id == 7;
}

static long get_attributes(struct node node, struct file_attr *attr)
{
	attr->ino = node.id + 100;
	return 0;
}

static long list(struct open_file *file, struct dirent_list *records)
{
	static const char *const names[] = { "x", "seven77", "eight888", "a-name-of-twenty-byt" };

	for (u64 i = file->offset - 2; i < ARRAY_SIZE(names); i++)
		if (!dirent_add(records, i + 1, i + 3, 8, names[i], strlen(names[i])))
			break;
	return 0;
}

static struct serve_operations operations = {
	.root = get_root, .mode = get_mode, .lookup = lookup, .parent = get_parent, .readlink = read_link, .magic = is_magic,
	.getattr = get_attributes, .readdir = list,
};

/* ---- what the framework needs ---- */

const struct serve_operations *serve_operations = &operations;
unsigned long serve_sequence;
static struct message_buffer buffer;
struct message_buffer *serve_message = &buffer;

static unsigned forwarded; /* label; 0: nothing was */
static unsigned long words[8];
static char sent[MESSAGE_BYTES + 1];
static u8 client[4096];
static size_t client_room;

long request_forward(struct request *request, unsigned target, unsigned label, const unsigned long m[8], unsigned bytes, bool keep_window)
{
	(void)request, (void)keep_window;
	CHECK_EQ(target, SLOT_ROOT);
	forwarded = label;
	memcpy(words, m, sizeof(words));
	memcpy(sent, buffer.data, bytes);
	sent[bytes] = 0;
	return REQUEST_ANSWERED;
}

size_t request_give(struct request *request, const void *from, size_t length)
{
	size_t done = MIN(length, client_room);

	memcpy(client, from, done);
	request->stopped = done < length;
	return done;
}

/* ---- walks ---- */

static struct walk walk;

static long go(const char *path, bool follow)
{
	static struct request request;

	forwarded = 0;
	walk = (struct walk){ .path = path, .length = strlen(path), .follow = follow };
	return walk_path(&request, &walk);
}

#define IS_CONTINUED(path, follow, kind, text)        \
	do {                                          \
		CHECK_EQ(go(path, follow), REQUEST_ANSWERED); \
		CHECK_EQ(forwarded, FILE_CONTINUE);   \
		CHECK_EQ(words[0], kind);             \
		CHECK_STR(sent, text);                \
		CHECK_EQ(words[1] + words[2] + words[3], strlen(text)); \
	} while (0)

static void names_are_found(void)
{
	CHECK_EQ(go("", true), 0);
	CHECK_EQ(walk.node.id, 1);
	CHECK_EQ(walk.name_length, 0);
	CHECK_EQ(go("a//./b/file", true), 0);
	CHECK_EQ(walk.node.id, 4);
	CHECK_EQ(walk.parent.id, 3);
	CHECK_EQ(go("a/b/none", true), 0);
	CHECK_EQ(walk.mode, 0);
	CHECK_EQ(walk.parent.id, 3);
	CHECK_EQ(walk.name_length, 4);
	CHECK_EQ(go("a/none/x", true), -ENOENT);
	CHECK_EQ(go("a/b/file/x", true), -ENOTDIR);
	CHECK_EQ(go("a/b/file/", true), -ENOTDIR);
	CHECK_EQ(go("a/b/file/..", true), -ENOTDIR);
	CHECK_EQ(go("a/b/", true), 0);
}

static void links_go_to_root(void)
{
	IS_CONTINUED("link", true, CONTINUE_LINK, "a/b");
	CHECK_EQ(words[1], 0);
	CHECK_EQ(words[2], 3);
	CHECK_EQ(go("link", false), 0);
	CHECK_EQ(walk.node.id, 5);
	IS_CONTINUED("link/", false, CONTINUE_LINK, "a/b");
	IS_CONTINUED("link/file", false, CONTINUE_LINK, "a/bfile");
	CHECK_EQ(words[3], 4);
	IS_CONTINUED("./a/b/up//rest/of", true, CONTINUE_LINK, "a/b/else/whererest/of");
	CHECK_EQ(words[1], 3);
	CHECK_EQ(words[2], 11);
	IS_CONTINUED("door/x", true, CONTINUE_REOPEN, "x");
	CHECK_EQ(words[5], 12);
	CHECK_EQ(words[6], (unsigned long)-2);
}

static void parents_go_to_root(void)
{
	IS_CONTINUED("a/b/../x", true, CONTINUE_DOTDOT, "ax");
	CHECK_EQ(words[1], 1);
	IS_CONTINUED("a/..", true, CONTINUE_DOTDOT, "");
	IS_CONTINUED("../x", true, CONTINUE_ABOVE, "x");
	IS_CONTINUED("./..", true, CONTINUE_ABOVE, "");
}

static void a_second_path_does_not_leave(void)
{
	static struct request request;

	walk = (struct walk){ .path = "link/x", .length = 6, .stay = true };
	forwarded = 0;
	CHECK_EQ(walk_path(&request, &walk), -ENOENT);
	walk = (struct walk){ .path = "a/../x", .length = 6, .stay = true };
	CHECK_EQ(walk_path(&request, &walk), -ENOENT);
	CHECK_EQ(forwarded, 0);
}

static void long_names_and_paths_are_refused(void)
{
	static char path[PATH_SIZE + 300];

	memset(path, 'x', 256);
	CHECK_EQ(go(path, true), -ENAMETOOLONG);
	path[255] = 0;
	CHECK_EQ(go(path, true), 0);
	memset(path, 0, sizeof(path));
	for (size_t i = 0; i < 2000; i++)
		memcpy(path + 2 * i, "./", 2);
	strcat(path, "a");
	CHECK_EQ(go(path, true), 0);
	CHECK_EQ(walk.node.id, 2);
}

static void paths_of_nodes(void)
{
	char space[PATH_SIZE];
	const char *path;
	bool deleted;

	CHECK_EQ(node_path((struct node){ .id = 4 }, space, &path, &deleted), 8);
	CHECK(!memcmp(path, "a/b/file", 8));
	CHECK_EQ(node_path((struct node){ .id = 1 }, space, &path, &deleted), 0);
}

/* ---- by a tree Handle ---- */

/* reaches everything but what begins as "other" does */
#define TREE (BADGE_SERVICE | BADGE_TREE | 1ul << TREE_BIT('o', 't'))

/* As root's message would be, with a text that something lies behind. */
static long go_by_tree(const char *path, bool follow)
{
	static struct request request;
	static char text[PATH_SIZE + 16];

	request.badge = TREE;
	forwarded = 0;
	snprintf(text, sizeof(text), "%s", path);
	walk = (struct walk){ .path = text, .length = strlen(path), .follow = follow, .tree = TREE };
	return walk_path(&request, &walk);
}

static void a_tree_Handle_follows_links_that_stay(void)
{
	CHECK_EQ(go_by_tree("a/b/file", true), 0);
	CHECK_EQ(walk.node.id, 4);
	CHECK_EQ(go_by_tree("link/file", false), 0);
	CHECK_EQ(walk.node.id, 4);
	CHECK_EQ(walk.parent.id, 3);
	CHECK_EQ(go_by_tree("link", false), 0);
	CHECK_EQ(walk.node.id, 5);
	CHECK_EQ(go_by_tree("link", true), 0);
	CHECK_EQ(walk.node.id, 3);
	CHECK_EQ(go_by_tree("a/absolute", true), 0);
	CHECK_EQ(walk.node.id, 4);
	CHECK_EQ(go_by_tree("a/top/a/b", true), 0);
	CHECK_EQ(walk.node.id, 3);
	CHECK_EQ(go_by_tree("a/b/up", true), -ENOENT);
	CHECK_EQ(go_by_tree("link/none", true), 0);
	CHECK_EQ(walk.mode, 0);
	CHECK_EQ(walk.parent.id, 3);
	CHECK(walk.name_length == 4 && !memcmp(walk.name, "none", 4));
	CHECK_EQ(go_by_tree("link/file/x", true), -ENOTDIR);
	CHECK_EQ(forwarded, 0);
}

static void a_tree_Handle_leaves_to_root_what_leads_elsewhere(void)
{
	static const char *const paths[] = {
		"a/out", "a/out/x", "a/above", "a/above/b", "door", "a/again", "a/top", "a/slash/file", "a//b", "a/./b", "a/../a", "a/b/",
		"./a", "/a", "..", "link/../a", "",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		CHECK_EQ(go_by_tree(paths[i], true), -EXDEV);
	CHECK_EQ(forwarded, 0);
}

static long tree_asks(unsigned label, const char *path, unsigned long m5, unsigned long m7)
{
	struct request request = { .label = label, .badge = TREE | 3ul << TREE_MOUNT_SHIFT, .bytes = (u16)strlen(path), .m = { 0, 0, 0, 9, strlen(path), m5, 7, m7 } };
	long result;

	memcpy(buffer.data, path, strlen(path));
	result = tree_begin(&request);
	CHECK(result || (request.m[3] == 3 && !request.m[6] && !request.place_length && request.path_start == 1));
	return result;
}

static void what_a_tree_Handle_may_ask_for(void)
{
	struct request long_path = { .label = FILE_STAT, .badge = TREE, .bytes = 3, .m = { [4] = 4 } };

	CHECK_EQ(tree_asks(FILE_STAT, "/a/b", 0, WALK_NOFOLLOW), 0);
	CHECK_EQ(tree_asks(FILE_OPEN, "/a", 0, WALK_DIRECTORY), 0);
	CHECK_EQ(tree_asks(FILE_OPEN, "/otherwise", 0, 0), -EXDEV);
	CHECK_EQ(tree_asks(FILE_OPEN, "a", 0, 0), -EXDEV);
	CHECK_EQ(tree_asks(FILE_OPEN, "/", 0, 0), -EXDEV);
	CHECK_EQ(tree_asks(FILE_OPEN, "", 0, 0), -EXDEV);
	CHECK_EQ(tree_asks(FILE_RENAME, "/a", 0, 0), -EPERM);
	CHECK_EQ(tree_asks(FILE_LINK, "/a", 0, 0), -EPERM);
	CHECK_EQ(tree_asks(FILE_RESOLVE, "/a", 0, 0), -EPERM);
	CHECK_EQ(tree_asks(FILE_BUFFER, "/a", 0, 0), -EPERM);
	CHECK_EQ(tree_asks(FILE_STAT, "/a", 1, 0), -EINVAL);
	CHECK_EQ(tree_asks(FILE_STAT, "/a", 0, WALK_NO_SYMLINKS), -EINVAL);
	CHECK_EQ(tree_asks(FILE_STAT, "/a", 0, WALK_LAST_DOT), -EINVAL);
	CHECK_EQ(tree_begin(&long_path), -EINVAL);
}

/* ---- by a directory's Handle ---- */

#define CALLER 77ul
static struct principal_entry caller = { .principal = CALLER, .tree_allowed = ~(1u << TREE_BIT('o', 't')) };

const struct principal_entry *principal_find(unsigned long principal)
{
	return principal == caller.principal ? &caller : NULL;
}

static struct open_file base = { .badge = 5ul << OPEN_INDEX_BITS | 1, .mode = DIRECTORY | 0755, .mount = 3 };
static struct request from_base;

/* `node` is open, and a path from there is asked for. */
static long base_asks(unsigned label, u64 node, const char *path)
{
	base.badge += 1ul << OPEN_INDEX_BITS;
	base.node = (struct node){ .id = node };
	from_base = (struct request){ .label = label, .badge = base.badge, .principal = CALLER, .file = &base, .bytes = (u16)strlen(path),
		.m = { 0, 0, 0, 9, strlen(path), 0, 7 } };
	memcpy(buffer.data, path, strlen(path));
	return tree_begin(&from_base);
}

/* What is walked then. */
static const char *joined(void)
{
	static char text[2 * PATH_SIZE];

	sprintf(text, "%.*s%.*s", (int)from_base.place_length, from_base.place, (int)(from_base.m[4] - from_base.path_start), (char *)buffer.data + from_base.path_start);
	return text;
}

#define BECOMES(node, path, text)                              \
	do {                                                   \
		CHECK_EQ(base_asks(FILE_STAT, node, path), 0); \
		CHECK_STR(joined(), text);                     \
	} while (0)

static void a_path_from_a_directory_is_as_by_a_tree_Handle(void)
{
	BECOMES(3, "file", "a/b/file");
	CHECK(by_tree(&from_base) && !from_base.file);
	CHECK_EQ(from_base.badge, TREE | 3ul << TREE_MOUNT_SHIFT);
	CHECK_EQ(from_base.m[3], 3);
	BECOMES(1, "a/b", "a/b");
	BECOMES(1, "./a/b", "a/b");
	BECOMES(3, "././file", "a/b/file");
	BECOMES(3, "../b/file", "a/b/file");
	BECOMES(3, "../../a", "a");
	BECOMES(3, "..", "a");
	BECOMES(3, "./.././b/.", "a/b/.");
	BECOMES(3, ".", "a/b");
	BECOMES(3, "./", "a/b");
	BECOMES(3, ".hidden/.x", "a/b/.hidden/.x");
	BECOMES(3, "..x", "a/b/..x");
	BECOMES(3, "...", "a/b/...");
	BECOMES(3, ".//x", "a/b//x"); /* which no walk by a tree Handle takes */
}

static void a_path_that_leads_out_of_the_mount_is_roots(void)
{
	static const char *const paths[] = { "../..", "../../", "../../..", "../../../x", "../../otherwise" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		CHECK_EQ(base_asks(FILE_STAT, 3, paths[i]), -EXDEV);
	CHECK_EQ(base_asks(FILE_STAT, 1, ".."), -EXDEV);
	CHECK_EQ(base_asks(FILE_STAT, 1, "."), -EXDEV);
	CHECK_EQ(base_asks(FILE_STAT, 1, "other"), -EXDEV);
	CHECK_EQ(from_base.answer[1], 0);
	CHECK_EQ(base_asks(FILE_STAT, 3, ""), -EINVAL);
	CHECK_EQ(base_asks(FILE_MKDIR, 3, "."), -EXDEV);
	CHECK_EQ(base_asks(FILE_MKNOD, 3, ".."), -EXDEV);
	CHECK_EQ(base_asks(FILE_UNLINK, 3, "../."), -EXDEV);
}

static void a_directory_in_an_excluded_place_says_so(void)
{
	const u32 allowed = caller.tree_allowed;

	caller.tree_allowed = ~(1u << TREE_BIT('a', '/'));
	CHECK_EQ(base_asks(FILE_OPEN, 3, "file"), -EXDEV);
	CHECK_EQ(from_base.answer[1], TREE_NOT_HERE);
	CHECK_EQ(base_asks(FILE_OPEN, 1, "a"), -EXDEV);
	CHECK_EQ(from_base.answer[1], 0);
	caller.tree_allowed = 0;
	CHECK_EQ(base_asks(FILE_OPEN, 3, "file"), -EXDEV);
	caller.tree_allowed = allowed;
}

/* As base_asks("file"), with something else than it should be. */
#define ASKED_WITH(change, result)                             \
	do {                                                   \
		base_asks(FILE_STAT, 3, "file");               \
		from_base.badge = base.badge;                  \
		from_base.file = &base;                        \
		from_base.m[4] = from_base.bytes = 4;          \
		change;                                        \
		CHECK_EQ(tree_begin(&from_base), result);   \
	} while (0)

static void who_may_start_at_a_directory(void)
{
	ASKED_WITH((void)0, 0);
	ASKED_WITH(from_base.forwarded = true, -EPERM);
	ASKED_WITH(from_base.file = NULL, -EPERM);
	ASKED_WITH(from_base.label = FILE_RENAME, -EPERM);
	ASKED_WITH(from_base.label = FILE_SETATTR, -EPERM);
	ASKED_WITH(from_base.label = FILE_RESOLVE, -EPERM);
	ASKED_WITH(from_base.label = FILE_BUFFER, -EPERM);
	ASKED_WITH(from_base.m[5] = 1, -EINVAL);
	ASKED_WITH(from_base.m[7] = WALK_LAST_DOT, -EINVAL);
	ASKED_WITH(from_base.m[7] = WALK_BENEATH, -EINVAL);
	ASKED_WITH(from_base.m[4] = 5, -EINVAL);
	ASKED_WITH(from_base.principal++, -EXDEV);
	ASKED_WITH(from_base.principal = 0, -EXDEV);
	ASKED_WITH(base.mode = FILE_MODE, -EXDEV);
	base.mode = DIRECTORY;
	ASKED_WITH(base.mount = 0, -EXDEV);
	base.mount = 3;
	ASKED_WITH(tree_mount = -1, -EXDEV);
	tree_mount = 3;
}

static long same_base_asks(const char *path)
{
	base.badge -= 1ul << OPEN_INDEX_BITS;
	return base_asks(FILE_STAT, 3, path);
}

static void a_directory_that_moved_is_found_anew(void)
{
	BECOMES(3, "x", "a/b/x");
	renamed = 3;
	parents = 0;
	CHECK_EQ(same_base_asks("x"), 0);
	if (operations.places_last) {
		CHECK_EQ(parents, 0);
		places_changed();
		CHECK_EQ(same_base_asks("x"), 0);
	}
	CHECK_STR(joined(), "a/new/x");
	renamed = 0;
	removed = 3;
	places_changed();
	CHECK_EQ(same_base_asks("x"), -EXDEV);
	removed = 2; /* above it */
	places_changed();
	CHECK_EQ(same_base_asks("x"), -EXDEV);
	removed = 0;
	places_changed();
	BECOMES(3, "x", "a/b/x");
}

static void a_path_too_long_with_its_place_is_roots(void)
{
	static char path[PATH_SIZE];

	memset(path, 'x', sizeof(path) - 1);
	CHECK_EQ(base_asks(FILE_STAT, 3, path), -EXDEV);
	path[PATH_SIZE - 6] = 0;
	CHECK_EQ(base_asks(FILE_STAT, 3, path), 0);
	CHECK_EQ(strlen(joined()), PATH_SIZE - 2);
}

/* ---- what is known ---- */

static unsigned lookups_of(const char *path)
{
	unsigned before = lookups;

	CHECK_EQ(go(path, true), 0);
	return lookups - before;
}

static void a_path_that_was_walked_is_known(void)
{
	walk_unlearn_all();
	CHECK_EQ(lookups_of("a/b/file"), 3);
	CHECK_EQ(lookups_of("a/b/file"), 0);
	CHECK_EQ(walk.node.id, 4);
	CHECK_EQ(walk.parent.id, 3);
	CHECK_EQ(walk.name_length, 4);
	CHECK(!memcmp(walk.name, "file", 4));
	CHECK(!walk.slash);
	/* its directory too: for other names there, and itself */
	CHECK_EQ(lookups_of("a/b/none"), 1);
	CHECK_EQ(walk.mode, 0);
	CHECK_EQ(walk.parent.id, 3);
	CHECK_EQ(lookups_of("a/b"), 0);
	CHECK_EQ(walk.node.id, 3);
	CHECK_EQ(walk.parent.id, 2);
	CHECK(walk.name_length == 1 && *walk.name == 'b');
	/* what is missing is not kept */
	CHECK_EQ(lookups_of("a/b/none"), 1);
}

static void names_that_go_are_known_no_more(void)
{
	walk_unlearn_all();
	CHECK_EQ(lookups_of("a/b/file"), 3);
	removed = 4;
	CHECK_EQ(go("a/b/file", true), 0);
	walk_unlearn(&walk);
	CHECK_EQ(lookups_of("a/b/file"), 1);
	CHECK_EQ(walk.mode, 0);
	removed = 0;
	/* said by a text that is not the name's only one */
	CHECK_EQ(lookups_of("a/b/file"), 1);
	CHECK_EQ(go("a/./b/file", true), 0);
	walk_unlearn(&walk);
	CHECK_EQ(lookups_of("a/b/file"), 3);
	walk_unlearn_all();
	CHECK_EQ(lookups_of("a/b/file"), 3);
}

static void texts_of_every_length_are_told_apart(void)
{
	char path[128] = "";

	for (size_t length = 1; length < 120; length++) {
		struct node node = { .id = 3, .entry = length };

		path[length - 1] = 'x';
		walk = (struct walk){ .path = path, .length = length };
		walk_learn(&walk, length, node, node);
		CHECK_EQ(walk_recall(&walk), length <= 96 ? length : 0);
		CHECK(length > 96 || walk.node.entry == length);
		for (size_t at = 0; at < length && length <= 96; at++) {
			path[at] = 'y';
			CHECK_EQ(walk_recall(&walk), 0);
			path[at] = 'x';
		}
	}
	walk_unlearn_all();
}

/* ---- listings ---- */

static struct open_file directory = { .badge = 5, .mode = LINUX_S_IFDIR, .node = { .id = 3 } };

static long read_directory(size_t size, size_t room)
{
	static struct request request;

	request = (struct request){ .file = &directory, .m = { size } };
	client_room = room;
	serve_sequence++;
	return op_readdir(&request);
}

/* Names of the records that came, with commas. */
static const char *names_of(long bytes)
{
	static char text[256];

	text[0] = 0;
	for (long at = 0; at < bytes;) {
		u16 size;

		memcpy(&size, client + at + 16, 2);
		CHECK(size % 8 == 0 && at + size <= bytes);
		strcat(text, (char *)client + at + 19);
		strcat(text, ",");
		at += size;
	}
	return text;
}

static void listings_go_on(void)
{
	directory.offset = 0;
	CHECK_STR(names_of(read_directory(4096, 4096)), ".,..,x,seven77,eight888,a-name-of-twenty-byt,");
	CHECK_EQ(read_directory(4096, 4096), 0);
	directory.offset = 0;
	CHECK_STR(names_of(read_directory(60, 4096)), ".,..,");
	CHECK_STR(names_of(read_directory(60, 4096)), "x,seven77,");
	CHECK_STR(names_of(read_directory(60, 4096)), "eight888,");
	CHECK_STR(names_of(read_directory(60, 4096)), "a-name-of-twenty-byt,");
	CHECK_EQ(read_directory(60, 4096), 0);
	directory.offset = 0;
	CHECK_EQ(read_directory(10, 4096), -EINVAL);
	CHECK_EQ(directory.offset, 0);
}

static void a_listing_not_taken_comes_again(void)
{
	directory.offset = 0;
	CHECK_EQ(read_directory(4096, 50), 0);
	CHECK_EQ(directory.offset, 0);
	CHECK_STR(names_of(read_directory(4096, 4096)), ".,..,x,seven77,eight888,a-name-of-twenty-byt,");
}

int main(void)
{
	RUN(names_are_found);
	RUN(links_go_to_root);
	RUN(parents_go_to_root);
	RUN(a_second_path_does_not_leave);
	RUN(long_names_and_paths_are_refused);
	RUN(a_tree_Handle_follows_links_that_stay);
	RUN(a_tree_Handle_leaves_to_root_what_leads_elsewhere);
	RUN(what_a_tree_Handle_may_ask_for);
	tree_mount = 3;
	RUN(a_path_from_a_directory_is_as_by_a_tree_Handle);
	RUN(a_path_that_leads_out_of_the_mount_is_roots);
	RUN(a_directory_in_an_excluded_place_says_so);
	RUN(who_may_start_at_a_directory);
	RUN(a_path_too_long_with_its_place_is_roots);
	RUN(a_directory_that_moved_is_found_anew);
	operations.places_last = true; /* the same, with what is kept */
	RUN(a_path_from_a_directory_is_as_by_a_tree_Handle);
	RUN(a_path_that_leads_out_of_the_mount_is_roots);
	RUN(a_directory_in_an_excluded_place_says_so);
	RUN(a_directory_that_moved_is_found_anew);
	operations.names_last = true; /* the same, with what they have left behind */
	RUN(names_are_found);
	RUN(names_are_found);
	RUN(links_go_to_root);
	RUN(parents_go_to_root);
	RUN(a_second_path_does_not_leave);
	RUN(long_names_and_paths_are_refused);
	RUN(a_tree_Handle_follows_links_that_stay);
	RUN(a_tree_Handle_leaves_to_root_what_leads_elsewhere);
	RUN(a_path_that_was_walked_is_known);
	RUN(names_that_go_are_known_no_more);
	RUN(texts_of_every_length_are_told_apart);
	RUN(paths_of_nodes);
	RUN(listings_go_on);
	RUN(a_listing_not_taken_comes_again);
	return check_result();
}
