// sources: root/names.c root/policy.c
#include "root/names.h"

#include "lib/hash.h"
#include "root/policy.h"
#include "tests/host/check.h"

static const char *normal(const char *path)
{
	static char text[256];
	size_t n = strlen(path);

	memcpy(text, path, n);
	text[text_normalise(text, n)] = 0;
	return text;
}

static void a_path_is_made_normal(void)
{
	CHECK_STR(normal("/"), "/");
	CHECK_STR(normal("//"), "/");
	CHECK_STR(normal("/a//b"), "/a/b");
	CHECK_STR(normal("/a/./b/."), "/a/b/");
	CHECK_STR(normal("/a/b/"), "/a/b/");
	CHECK_STR(normal("/.."), "/");
	CHECK_STR(normal("/../../etc"), "/etc");
	CHECK_STR(normal("/a/../b"), "/a/../b");
	CHECK_STR(normal("/./.."), "/");
	CHECK_STR(normal("/..."), "/...");
	CHECK_STR(normal("/..a/.b"), "/..a/.b");
}

static void the_longest_mount_wins(void)
{
	size_t rest;

	CHECK(!mount_add("/", 1, 0, false));
	CHECK(!mount_add("/dev", 2, 0, false));
	CHECK(!mount_add("/dev/shm", 1, 1, false));
	CHECK(mount_add("/dev", 3, 0, false) < 0);
	CHECK(mount_match("/", 1, &rest)->service == 1 && rest == 1);
	CHECK(mount_match("/device", 7, &rest)->service == 1 && rest == 1);
	CHECK(mount_match("/dev", 4, &rest)->service == 2 && rest == 4);
	CHECK(mount_match("/dev/", 5, &rest)->service == 2 && rest == 5);
	CHECK(mount_match("/dev/null", 9, &rest)->service == 2 && rest == 5);
	CHECK(mount_match("/dev/shm/x", 10, &rest)->number == 1 && rest == 9);
	CHECK(mount_match("/dev/shmem", 10, &rest)->service == 2 && rest == 5);
	CHECK(mount_of(1, 1)->length == 8);
	CHECK(!mount_of(2, 1));
}

/* Whatever comes in: absolute, no longer than it was plus one, and normal already. */
static void normalising_twice_changes_nothing_more(void)
{
	static const char letters[] = "/./.a/";
	u64 seed = 7;

	for (unsigned step = 0; step < 50000 && !CHECK_FAILED(); step++) {
		char text[40], again[40];
		size_t n = 1 + splitmix64_next(&seed) % 30, length, second;

		text[0] = '/';
		for (size_t i = 1; i < n; i++)
			text[i] = letters[splitmix64_next(&seed) % 6];
		length = text_normalise(text, n);
		CHECK(length >= 1 && length <= n && text[0] == '/');
		memcpy(again, text, length);
		second = text_normalise(again, length);
		CHECK(second == length && !memcmp(text, again, length));
	}
}

static void a_user_may_not_write_below_sys(void)
{
	CHECK(policy_allows(ROLE_SYSTEM, "/sys/x", 6, POLICY_WRITE));
	CHECK(policy_allows(ROLE_USER, "/sys/x", 6, POLICY_READ));
	CHECK(!policy_allows(ROLE_USER, "/sys/x", 6, POLICY_WRITE));
	CHECK(policy_allows(ROLE_USER, "/system", 7, POLICY_WRITE));
	CHECK(!policy_allows(ROLE_COUNT, "/", 1, POLICY_READ));
}

/* After the_longest_mount_wins, whose mounts are there. */
static void a_mount_stays_where_it_is_while_others_come_and_go(void)
{
	const struct mount *dev = mount_of(2, 0), *root = mount_of(1, 0);
	size_t rest;

	for (int i = 0; i < 3 * MOUNTS_MAX; i++) {
		CHECK(!mount_add("/a/longer/path", 9, 0, false));
		CHECK(mount_match("/a/longer/path", 14, &rest)->service == 9);
		CHECK(mount_of(2, 0) == dev && dev->service == 2 && mount_of(1, 0) == root && root->length == 0);
		mounts_remove(9);
		CHECK(mount_match("/a/longer/path", 14, &rest) == root && !mount_of(9, 0));
	}
}

int main(void)
{
	RUN(a_path_is_made_normal);
	RUN(the_longest_mount_wins);
	RUN(a_mount_stays_where_it_is_while_others_come_and_go);
	RUN(normalising_twice_changes_nothing_more);
	RUN(a_user_may_not_write_below_sys);
	return check_result();
}
