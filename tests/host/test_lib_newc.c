#include "lib/newc.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "tests/host/check.h"

#include <stdlib.h>

static char archive[1 << 16];
static size_t used;

static void pad4(size_t start)
{
	while ((used - start) % 4)
		archive[used++] = 0;
}

static void add(const char *name, unsigned mode, const char *data)
{
	size_t start = used, size = strlen(data);

	used += (size_t)sprintf(archive + used, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08X%08x%08x%08x", 11, mode,
				1000, 1001, 2, 77, (unsigned)size, 3, 4, 0xab, 6, (unsigned)strlen(name) + 1, 0);
	memcpy(archive + used, name, strlen(name) + 1);
	used += strlen(name) + 1;
	pad4(start);
	memcpy(archive + used, data, size);
	used += size;
	pad4(start);
}

static void members_come_with_names_data_and_numbers(void)
{
	struct newc_reader reader;
	struct newc_entry entry;

	used = 0;
	add("etc", 040755, "");
	add("etc/motd", 0100644, "hello");
	add("TRAILER!!!", 0, "");
	newc_open(&reader, archive, used);
	CHECK_EQ(newc_next(&reader, &entry), 1);
	CHECK_STR(entry.name, "etc");
	CHECK_EQ(entry.mode, 040755);
	CHECK_EQ(newc_next(&reader, &entry), 1);
	CHECK_STR(entry.name, "etc/motd");
	CHECK_EQ(entry.name_length, 8);
	CHECK_EQ(entry.size, 5);
	CHECK(!memcmp(archive + entry.data_offset, "hello", 5));
	CHECK_EQ(entry.ino, 11);
	CHECK_EQ(entry.uid, 1000);
	CHECK_EQ(entry.gid, 1001);
	CHECK_EQ(entry.nlink, 2);
	CHECK_EQ(entry.mtime, 77);
	CHECK_EQ(entry.dev_minor, 4);
	CHECK_EQ(entry.rdev_major, 0xab);
	CHECK_EQ(entry.rdev_minor, 6);
	CHECK_EQ(newc_next(&reader, &entry), 0);
	CHECK_EQ(newc_next(&reader, &entry), 0);
}

static void archives_follow_one_another_over_zeros(void)
{
	struct newc_reader reader;
	struct newc_entry entry;

	used = 0;
	add("a", 0100644, "1");
	add("TRAILER!!!", 0, "");
	memset(archive + used, 0, 513);
	used += 513;
	add("b", 0100644, "22");
	newc_open(&reader, archive, used);
	CHECK_EQ(newc_next(&reader, &entry), 1);
	CHECK_EQ(entry.archive, 0);
	CHECK_EQ(newc_next(&reader, &entry), 1);
	CHECK_STR(entry.name, "b");
	CHECK_EQ(entry.archive, 1);
	CHECK(!memcmp(archive + entry.data_offset, "22", 2));
	CHECK_EQ(newc_next(&reader, &entry), 0);
}

static int first_result(size_t size, size_t *offset)
{
	struct newc_reader reader;
	struct newc_entry entry;
	char *copy = malloc(size ? size : 1);
	int got;

	memcpy(copy, archive, size);
	newc_open(&reader, copy, size);
	got = newc_next(&reader, &entry);
	*offset = reader.offset;
	free(copy);
	return got;
}

static void every_cut_of_a_member_is_an_error_at_its_header(void)
{
	size_t offset;

	used = 0;
	add("name", 0100644, "some data");
	for (size_t size = 1; size < 116 + 9; size++) {
		CHECK_EQ(first_result(size, &offset), -EINVAL);
		CHECK_EQ(offset, 0);
	}
	CHECK_EQ(first_result(116 + 9, &offset), 1); /* only the padding after it lacks */
}

static void bad_fields_are_errors(void)
{
	size_t offset;

	used = 0;
	add("name", 0100644, "");
	archive[5] = '2';
	CHECK_EQ(first_result(used, &offset), -EINVAL);
	archive[5] = '1';
	archive[20] = 'g';
	CHECK_EQ(first_result(used, &offset), -EINVAL);
	archive[20] = '0';
	CHECK_EQ(first_result(used, &offset), 1);
	archive[112] = 0; /* a NUL inside the name */
	CHECK_EQ(first_result(used, &offset), -EINVAL);
	archive[112] = 'm';
	archive[114] = 'x'; /* none at its end */
	CHECK_EQ(first_result(used, &offset), -EINVAL);
	memcpy(archive + 94, "ffffffff", 8);
	CHECK_EQ(first_result(used, &offset), -EINVAL);
	memcpy(archive + 94, "00000000", 8);
	CHECK_EQ(first_result(used, &offset), -EINVAL);
}

static void walk(const char *data, size_t size)
{
	struct newc_reader reader;
	struct newc_entry entry;
	size_t last = 0;
	int got;

	newc_open(&reader, data, size);
	while ((got = newc_next(&reader, &entry)) > 0) {
		CHECK(reader.offset > last && reader.offset <= size);
		CHECK(entry.data_offset <= size && entry.size <= size - entry.data_offset);
		CHECK_EQ(strlen(entry.name), entry.name_length);
		last = reader.offset;
	}
	CHECK(reader.offset <= size);
	CHECK(got == 0 || got == -EINVAL);
}

static void random_damage_stays_inside_the_archive(void)
{
	u64 seed = 3;

	used = 0;
	add("dir", 040755, "");
	add("dir/file", 0100644, "0123456789");
	add("TRAILER!!!", 0, "");
	add("more", 0100644, "x");
	for (int round = 0; round < 100000 && !CHECK_FAILED(); round++) {
		size_t size = splitmix64_next(&seed) % 3 ? used : splitmix64_next(&seed) % (used + 1);
		char *copy = malloc(size ? size : 1);

		memcpy(copy, archive, size);
		for (u64 hits = splitmix64_next(&seed) % 6; size && hits; hits--)
			copy[splitmix64_next(&seed) % size] = "0fF1\0\377/8"[splitmix64_next(&seed) % 8];
		walk(copy, size);
		free(copy);
	}
}

int main(void)
{
	RUN(members_come_with_names_data_and_numbers);
	RUN(archives_follow_one_another_over_zeros);
	RUN(every_cut_of_a_member_is_an_error_at_its_header);
	RUN(bad_fields_are_errors);
	RUN(random_damage_stays_inside_the_archive);
	return check_result();
}
