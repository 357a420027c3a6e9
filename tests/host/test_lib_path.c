#include "lib/path.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "tests/host/check.h"

#include <stdlib.h>

/* The walk of a path as text: "name name/ .. " with '/' after a component that a slash follows, '.' at the last. */
static const char *walk(const char *path)
{
	static char out[8192];
	struct path_component component;
	struct path_iter iter;
	size_t n = 0;

	path_iter_init(&iter, path, strlen(path));
	while (path_next(&iter, &component) > 0)
		n += (size_t)sprintf(out + n, "[%.*s%s%s]", (int)component.length, component.name,
				     component.slash ? "/" : "", component.last ? "!" : "");
	out[n] = 0;
	return out;
}

static void components_skip_dots_and_slashes(void)
{
	CHECK_STR(walk(""), "");
	CHECK_STR(walk("///"), "");
	CHECK_STR(walk("/./."), "");
	CHECK_STR(walk("a"), "[a!]");
	CHECK_STR(walk("/a/b"), "[a/][b!]");
	CHECK_STR(walk("//a//./b//"), "[a/][b/!]");
	CHECK_STR(walk("a/."), "[a/!]");
	CHECK_STR(walk("../.../x"), "[../][.../][x!]");
	CHECK_STR(walk(".a/..b"), "[.a/][..b!]");
}

static void parents_are_reported(void)
{
	struct path_component component;
	struct path_iter iter;

	path_iter_init(&iter, "../a", 4);
	CHECK_EQ(path_next(&iter, &component), PATH_PARENT);
	CHECK_EQ(path_next(&iter, &component), PATH_NAME);
	CHECK_EQ(path_next(&iter, &component), PATH_END);
}

static void names_over_255_bytes_are_too_long(void)
{
	struct path_component component;
	struct path_split split;
	struct path_iter iter;
	char name[300];

	memset(name, 'n', sizeof(name));
	path_iter_init(&iter, name, 255);
	CHECK_EQ(path_next(&iter, &component), PATH_NAME);
	path_iter_init(&iter, name, 256);
	CHECK_EQ(path_next(&iter, &component), -ENAMETOOLONG);
	CHECK_EQ(path_split_last(name, 256, &split), -ENAMETOOLONG);
	CHECK(path_name_valid(name, 255) && !path_name_valid(name, 256));
	CHECK(!path_name_valid("", 0) && !path_name_valid(".", 1) && !path_name_valid("..", 2));
	CHECK(!path_name_valid("a/b", 3) && !path_name_valid("a\0b", 3) && path_name_valid("...", 3));
}

static void paths_of_4096_bytes_are_too_long(void)
{
	static char path[5000];

	memset(path, '/', sizeof(path) - 1);
	path[4095] = 0;
	CHECK_EQ(path_length(path), 4095);
	path[4095] = '/';
	CHECK_EQ(path_length(path), -ENAMETOOLONG);
	CHECK_EQ(path_length(""), -ENOENT);
}

static const char *join(const char *base, const char *relative)
{
	static char out[64];
	int length = path_join(base, relative, out, sizeof(out));

	CHECK_EQ(length, strlen(out));
	return out;
}

static void joining_adds_one_slash_and_obeys_absolute_paths(void)
{
	char small[5];

	CHECK_STR(join("/a", "b"), "/a/b");
	CHECK_STR(join("/a/", "b"), "/a/b");
	CHECK_STR(join("/", "b"), "/b");
	CHECK_STR(join("/a", "/b"), "/b");
	CHECK_STR(join("", "b"), "b");
	CHECK_EQ(path_join("/a", "b", small, 5), 4);
	CHECK_EQ(path_join("/a", "bc", small, 5), -ENAMETOOLONG);
}

static const char *normal(const char *path)
{
	static char out[64], same[64];
	int length = path_normalise(path, out, sizeof(out));

	CHECK_EQ(length, strlen(out));
	snprintf(same, sizeof(same), "%s", path);
	CHECK_EQ(path_normalise(same, same, sizeof(same)), length);
	CHECK_STR(same, out);
	return out;
}

static void normalising_resolves_dots_by_text(void)
{
	CHECK_STR(normal("/"), "/");
	CHECK_STR(normal(""), ".");
	CHECK_STR(normal("/a/./b//c/"), "/a/b/c");
	CHECK_STR(normal("/a/../b"), "/b");
	CHECK_STR(normal("/../../a"), "/a");
	CHECK_STR(normal("/a/b/../.."), "/");
	CHECK_STR(normal("a/.."), ".");
	CHECK_STR(normal("../a/../../b"), "../../b");
	CHECK_STR(normal("a/../../b"), "../b");
}

static void below_respects_component_boundaries(void)
{
	CHECK_STR(path_below("/a", "/a"), "");
	CHECK_STR(path_below("/a/b", "/a"), "/b");
	CHECK(!path_below("/ab", "/a"));
	CHECK(!path_below("/", "/a"));
	CHECK_STR(path_below("/a/b", "/"), "/a/b");
	CHECK_STR(path_below("/", "/"), "");
	CHECK(!path_below("a", "/"));
}

static void check_split(const char *path, enum path_last kind, size_t parent, const char *name, bool slash)
{
	struct path_split split;

	CHECK_EQ(path_split_last(path, strlen(path), &split), 0);
	CHECK_EQ(split.kind, kind);
	CHECK_EQ(split.parent_length, parent);
	CHECK_EQ(split.name_length, strlen(name));
	CHECK(!strncmp(split.name, name, split.name_length));
	CHECK_EQ(split.trailing_slash, slash);
}

static void the_last_component_is_split_off(void)
{
	struct path_split split;

	check_split("a", PATH_LAST_NAME, 0, "a", false);
	check_split("/a", PATH_LAST_NAME, 1, "a", false);
	check_split("/x/y/a//", PATH_LAST_NAME, 5, "a", true);
	check_split("x/..", PATH_LAST_PARENT, 2, "..", false);
	check_split("x/./", PATH_LAST_DOT, 2, ".", true);
	check_split("//", PATH_LAST_ROOT, 2, "", true);
	CHECK_EQ(path_split_last("", 0, &split), -ENOENT);
}

/* Normalising is idempotent, never longer (but for "."), and leaves no ".", "//" or inner "..". */
/* As the header says it, component by component. */
static bool plain_by_definition(const char *path, size_t length)
{
	size_t start = length && path[0] == '/';

	for (size_t at = start; at <= length; at++) {
		size_t n = at - start;

		if (at < length && !path[at])
			return false;
		if (at < length && path[at] != '/')
			continue;
		if (!n || (n == 1 && path[start] == '.') || (n == 2 && path[start] == '.' && path[start + 1] == '.'))
			return false;
		start = at + 1;
	}
	return true;
}

static void plain_paths_are_told_from_others(void)
{
	static const char letters[] = { 'a', 'b', '/', '.', '.', 'c', 'd', 0 };
	unsigned plain = 0;
	u64 seed = 7;

	for (unsigned round = 0; round < 200000; round++) {
		char path[48];
		size_t length = splitmix64_next(&seed) % 32;

		for (size_t i = 0; i < sizeof(path); i++)
			path[i] = letters[splitmix64_next(&seed) % (round & 1 ? sizeof(letters) : 3)];
		CHECK_EQ(path_is_plain(path, length), plain_by_definition(path, length));
		plain += path_is_plain(path, length);
	}
	CHECK(plain > 1000);
}

static void random_paths_normalise_to_a_fixed_point(void)
{
	u64 seed = 5;

	for (int round = 0; round < 100000 && !CHECK_FAILED(); round++) {
		size_t length = splitmix64_next(&seed) % 40;
		char *path = malloc(length + 1), out[64], again[64];
		struct path_component component;
		struct path_iter iter;
		bool named = false;
		int got, kind;

		for (size_t i = 0; i < length; i++)
			path[i] = "/.a/."[splitmix64_next(&seed) % 5];
		path[length] = 0;
		got = path_normalise(path, out, sizeof(out));
		CHECK(got > 0 && ((size_t)got <= length || !strcmp(out, ".")));
		CHECK_EQ(path_normalise(out, again, sizeof(again)), got);
		CHECK_STR(again, out);
		CHECK(!strstr(out, "//") && (out[0] == '/') == (path[0] == '/'));
		path_iter_init(&iter, out, (size_t)got);
		while ((kind = path_next(&iter, &component)) > 0) {
			CHECK(kind == PATH_NAME || (!named && out[0] != '/'));
			named |= kind == PATH_NAME;
		}
		CHECK(path_normalise(path, out, (size_t)got) < 0);
		free(path);
	}
}

int main(void)
{
	RUN(components_skip_dots_and_slashes);
	RUN(parents_are_reported);
	RUN(names_over_255_bytes_are_too_long);
	RUN(paths_of_4096_bytes_are_too_long);
	RUN(joining_adds_one_slash_and_obeys_absolute_paths);
	RUN(normalising_resolves_dots_by_text);
	RUN(below_respects_component_boundaries);
	RUN(the_last_component_is_split_off);
	RUN(plain_paths_are_told_from_others);
	RUN(random_paths_normalise_to_a_fixed_point);
	return check_result();
}
