/*
 * The bytes of ramfs's files: random operations against a model that is an array and a mark for each page; and the same operations ended at any call of
 * root. Root's objects are this machine's own nameless files, so that a window over what an object does not have is a SIGBUS here, too.
 */
// sources: servers/ramfs/data.c servers/ramfs/small.c servers/ramfs/small_file.c servers/ramfs/window.c
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "fake_serve.h"
#include "lib/hash.h"
#include "servers/ramfs/data.h"
#include "servers/ramfs/small.h"

#define MOST   0x280000ul /* bytes of a file: more than an allocation's part and than a window's least */
#define PAGES  (MOST / PAGE_SIZE)
#define LIMIT  100000ul
#define IMAGE  0x9000ul /* bytes of the boot image */

static struct arena_header the_arena;
struct arena_header *arena = &the_arena;
static struct inode file;
static int object = -1; /* the file's */
static int areas[SMALL_AREAS] = { [0 ... SMALL_AREAS - 1] = -1 };

static u64 random_state;
static long kill_after = -1; /* calls of root, and stores to a small file's inode, left until the server is killed; -1: it is not */
static jmp_buf killed;

static struct {
	u8 bytes[MOST];
	bool page[PAGES]; /* is there */
	u64 size;
	bool exact;       /* `page` is all that is there: no client has made pages, no kill left any uncounted */
} model;

static u8 image[IMAGE] __attribute__((aligned(PAGE_SIZE))), scratch[MOST], given[MOST];

static u64 pick(u64 bound)
{
	return splitmix64_next(&random_state) % bound;
}

/* ---- root's part ---- */

static u64 now(void)
{
	return 1;
}

static const struct tree_hooks hooks = { .now = now, .data_gone = data_gone };
const struct tree_hooks *tree_hooks = &hooks;

void inode_refresh(struct inode *inode)
{
	if (inode->epoch == arena->epoch)
		return;
	inode->epoch = arena->epoch;
	inode->mapping = NULL;
	inode->capacity = inode->exact = 0;
}

static void root_is_called(void)
{
	if (kill_after >= 0 && !kill_after--)
		longjmp(killed, 1);
}

void arena_crash_point(void)
{
	root_is_called();
}

static int *object_of(u64 id)
{
	return id < OBJECT_FILE ? &areas[id - OBJECT_SMALL] : &object;
}

long object_create(u64 id, u64 size)
{
	int *fd = object_of(id);

	root_is_called();
	if (*fd >= 0)
		return -EEXIST;
	*fd = memfd_create("object", 0);
	return ftruncate(*fd, (off_t)size);
}

long object_resize(u64 id, u64 size)
{
	root_is_called();
	return ftruncate(*object_of(id), (off_t)size);
}

long object_punch(u64 id, u64 offset, u64 length)
{
	root_is_called();
	return fallocate(*object_of(id), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
}

long object_destroy(u64 id)
{
	int *fd = object_of(id);

	if (*fd < 0)
		return -ENOENT;
	close(*fd);
	*fd = -1;
	return 0;
}

long object_map(u64 id, u64 offset, size_t length, bool writable, unsigned long address)
{
	int fd = *object_of(id);

	(void)writable;
	if (fd < 0)
		return -ENXIO;
	return (long)mmap((void *)address, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | (address ? MAP_FIXED : 0), fd, (off_t)offset);
}

long object_unmap(unsigned long address, size_t length)
{
	return munmap((void *)address, length);
}

static long object_seek(u64 offset, bool hole)
{
	long found = lseek(object, (off_t)offset, hole ? SEEK_HOLE : SEEK_DATA);

	return found < 0 ? -ENXIO : found;
}

static long root_answers(unsigned label, unsigned long m[8], unsigned bytes)
{
	(void)bytes;
	root_is_called();
	switch (label) {
	case PROC_OBJECT_LIST:
		return object >= 0 && !m[1] ? (long)(OBJECT_FILE + file.ino) : -ENOENT;
	case PROC_OBJECT_SEEK:
		return object_seek(m[1], m[2] == 1);
	case PROC_BRING_IN:
		return madvise((void *)m[0], m[1] - m[0], MADV_POPULATE_WRITE);
	}
	return -ENOENT;
}

long root_call5(unsigned label, unsigned long id, unsigned long first, unsigned long pages, unsigned long offset, unsigned long e)
{
	(void)label, (void)id, (void)e;
	root_is_called();
	return pwrite(object, image + offset, pages * PAGE_SIZE, (off_t)(first * PAGE_SIZE)) < 0 ? -EIO : 0;
}

/* ---- what is there ---- */

static u64 size_in_pages(u64 size)
{
	return DIV_ROUND_UP(size, (u64)PAGE_SIZE);
}

static bool there[PAGES];

/* Which pages the object has. */
static void look(void)
{
	memset(there, 0, sizeof(there));
	there[0] = file.small != NULL;
	for (long at = 0, hole; object >= 0 && (at = object_seek((u64)at, false)) >= 0; at = hole) {
		hole = object_seek((u64)at, true);
		memset(there + (u64)at / PAGE_SIZE, 1, size_in_pages((u64)hole) - (u64)at / PAGE_SIZE);
	}
}

/* What was in doubt is as it is found. */
static void take_pages_as_found(u64 first, u64 end)
{
	look();
	memcpy(model.page + first, there + first, end - first);
}

static void mark(u64 first, u64 end, bool there)
{
	for (u64 page = first; page < end; page++)
		model.page[page] = there;
}

static struct fake_request *asked; /* goes on when the server is killed */

static void ask(unsigned label, void *window, size_t length)
{
	static struct open_file open;

	asked = fake_new(&open, label, window, length, 1);
	asked->result = 0;
}

static void forget(void)
{
	fake_free(asked);
	asked = NULL;
}

static long read_file(u64 offset, size_t length)
{
	long got;

	ask(FILE_READ, given, length);
	got = data_read(&asked->request, &file, offset, length);
	forget();
	return got;
}

static void check_content(void)
{
	memset(given, 0xee, model.size);
	CHECK_EQ(file.size, model.size);
	CHECK_EQ(read_file(0, MOST), model.size);
	CHECK(!memcmp(given, model.bytes, model.size));
}

/* Every page that is counted is there, and none is where none is to be. */
static void check_pages(void)
{
	u64 count = 0, end = MAX(size_in_pages(file.size), file.page_end);

	look();
	for (u64 page = 0; page < PAGES; page++) {
		bool found = there[page];

		count += found;
		/* After a kill, until the first change, some may be. */
		if (found && page >= end && file.capacity)
			CHECK_FAIL("page %lu is there, behind all that are known of", page);
		if (model.exact && found != model.page[page])
			CHECK_FAIL("page %lu %s there", page, found ? "is" : "is not");
	}
	if ((file.has_object || file.small) && (model.exact ? data_blocks(&file) / 8 != count : data_blocks(&file) / 8 > count))
		CHECK_FAIL("%lu pages are counted, %lu are there", data_blocks(&file) / 8, count);
	CHECK_EQ(small_count(), file.small != NULL);
	CHECK(!file.small || !file.has_object);
}

static void check_all(void)
{
	check_pages();
	check_content();
	check_pages(); /* reading makes none */
}

/* Of the bytes `come` can be fetched. */
static long write_file(u64 offset, size_t length, size_t come)
{
	long done;

	ask(FILE_WRITE, scratch, length);
	asked->there = come;
	done = data_write(&asked->request, &file, offset, length);
	forget();
	return done;
}

/* ---- the operations ---- */

static bool mostly_small; /* few operations reach beyond the first page */
static u64 write_offset, write_length;

static u64 random_offset(void)
{
	if (mostly_small)
		return pick(30) ? pick(PAGE_SIZE) : pick(0x3000);
	return pick(4) ? pick(0x30000) : pick(MOST);
}

static u64 random_length(u64 offset)
{
	u64 length = 1 + (mostly_small && pick(30) ? pick(PAGE_SIZE - offset % PAGE_SIZE) : pick(4) ? pick(0x4000) : pick(MOST));

	return MIN(length, MOST - offset);
}

static void random_write(void)
{
	u64 offset = random_offset(), length = random_length(offset), come = pick(3) ? length : pick(length + 1);

	for (u64 i = 0; i < length; i++)
		scratch[i] = (u8)(random_state + i * 7);
	write_offset = offset;
	write_length = length;
	CHECK_EQ(write_file(offset, length, come), come);
	memcpy(model.bytes + offset, scratch, come);
	if (come)
		model.size = MAX(model.size, offset + come);
	take_pages_as_found(offset / PAGE_SIZE, size_in_pages(offset + length));
	for (u64 page = offset / PAGE_SIZE; page < size_in_pages(offset + come); page++)
		CHECK(!come || model.page[page]);
}

static void random_truncate(void)
{
	u64 size = pick(5) ? random_offset() : pick(2) ? model.size : 0;

	CHECK_EQ(data_truncate(&file, size, 0), 0);
	if (size <= model.size)
		memset(model.bytes + size, 0, MOST - size);
	/* What a client maps ends with the file. */
	if (size <= model.size || file.exact)
		mark(size_in_pages(size), PAGES, false);
	/* A file that was never written to is all a hole, however large; one of the image has its page when it is changed. */
	if (size && file.small)
		model.page[0] = true;
	model.size = size;
}

static void random_allocate(void)
{
	u64 offset = random_offset(), length = random_length(offset), done = 0;
	bool keep_size = pick(2);
	long more;

	while ((more = data_allocate(&file, offset, length, done, keep_size)) > 0)
		done += (u64)more;
	CHECK_EQ(more, 0);
	mark(offset / PAGE_SIZE, size_in_pages(offset + length), true);
	if (!keep_size)
		model.size = MAX(model.size, offset + length);
}

static void random_punch(void)
{
	u64 offset = random_offset(), length = random_length(offset), first = size_in_pages(offset), end = (offset + length) / PAGE_SIZE;

	CHECK_EQ(data_punch(&file, offset, length), 0);
	memset(model.bytes + offset, 0, length);
	if (first < end)
		mark(first, end, false);
}

/* A client maps the file, and may write there. Pages behind the size go. */
static void random_share(void)
{
	u64 offset = random_offset(), id;
	bool writes = pick(2) && offset < model.size;

	CHECK_EQ(data_share(&file, true, &id), 0);
	mark(size_in_pages(model.size), PAGES, false);
	if (!writes)
		return;
	model.bytes[offset] = 0x5a;
	CHECK_EQ(pwrite(object, &model.bytes[offset], 1, (off_t)offset), 1);
	model.exact &= model.page[offset / PAGE_SIZE];
	model.page[offset / PAGE_SIZE] = true;
}

/* The file goes, and another has what it had. */
static void renew(void)
{
	struct inode gone = file;
	bool exact = model.exact;

	file = (struct inode){ .ino = gone.ino + 1, .mode = S_IFREG | 0644, .nlink = 1, .image = NO_IMAGE };
	memset(&model, 0, sizeof(model));
	model.exact = exact;
	inode_refresh(&file);
	data_gone(gone.ino, gone.has_object, gone.mapping, gone.pages, gone.small);
}

static u64 pages_in_area(unsigned area)
{
	struct stat st = { 0 };

	return areas[area] >= 0 && !fstat(areas[area], &st) ? (u64)st.st_blocks / 8 : 0;
}

static void restart(void)
{
	arena->epoch++;
	data_recover();
	CHECK(pages_in_area(0) <= small_count());
}

static void random_operation(void)
{
	static void (*const operations[])(void) = { random_write, random_write, random_truncate, random_truncate, random_allocate, random_punch, random_share };

	if (mostly_small && pick(6))
		operations[pick(4)]();
	else if (mostly_small && pick(3))
		renew();
	else
		operations[pick(ARRAY_SIZE(operations))]();
}

/* ---- tests ---- */

static void start(u64 seed, u64 image_offset, u64 image_bytes)
{
	random_state = seed;
	kill_after = -1;
	data_gone(file.ino, object >= 0, file.mapping, file.pages, file.small);
	memset(&model, 0, sizeof(model));
	model.exact = true;
	file = (struct inode){ .ino = 1, .mode = S_IFREG | 0644, .nlink = 1, .image = image_bytes ? image_offset : NO_IMAGE, .size = image_bytes };
	arena->epoch++;
	arena->root[ROOT_INODES] = (u64)&file;
	for (u64 i = 0; i < IMAGE; i++)
		image[i] = (u8)(i * 13);
	data_init(image, IMAGE, LIMIT);
	mostly_small = seed % 2;
	model.size = image_bytes;
	memcpy(model.bytes, image + image_offset, image_bytes);
	mark(0, size_in_pages(image_bytes), image_bytes != 0);
	inode_refresh(&file);
	/* It is no object before it is changed. */
	if (image_bytes)
		CHECK_EQ(data_truncate(&file, ++model.size, 0), 0);
}

static void pages_reserved_behind_the_end_are_no_pages_of_a_longer_file(void)
{
	start(1, 0, 0);
	CHECK_EQ(data_allocate(&file, 0, 0x10000, 0, true), 0);
	CHECK_EQ(data_blocks(&file), 128);
	CHECK_EQ(data_truncate(&file, 1, 0), 0);
	CHECK_EQ(data_truncate(&file, 0, 0), 0);
	CHECK_EQ(data_blocks(&file), 0);
	CHECK_EQ(data_truncate(&file, 0x10000, 0), 0);
	CHECK_EQ(read_file(0, 0x10000), 0x10000);
	CHECK_EQ(data_blocks(&file), 0);
}

static void bytes_that_did_not_come_make_no_pages_of_a_longer_file(void)
{
	start(1, 0, 0);
	CHECK_EQ(write_file(0, 0x200000, 1), 1);
	CHECK_EQ(data_truncate(&file, 0, 0), 0);
	CHECK_EQ(data_blocks(&file), 0);
	CHECK_EQ(data_truncate(&file, 0x100000, 0), 0);
	CHECK_EQ(read_file(0, 0x100000), 0x100000);
}

static u64 image_size(u64 seed)
{
	return seed % 3 == 0 ? 0 : seed % 5 < 3 ? 0x6123 : 0x723;
}

static void random_operations_keep_bytes_and_counts(void)
{
	for (u64 seed = 1; seed <= 60 && !CHECK_FAILED(); seed++) {
		start(seed, seed % 3 == 1 ? 0 : 100, image_size(seed));
		for (int i = 0; i < 40 && !CHECK_FAILED(); i++) {
			random_operation();
			check_all();
			if (CHECK_FAILED())
				printf("seed %lu, operation %d\n", seed, i);
		}
	}
}

static void restarts_in_between_change_nothing(void)
{
	for (u64 seed = 100; seed <= 110 && !CHECK_FAILED(); seed++) {
		start(seed, 0, 0);
		for (int i = 0; i < 30 && !CHECK_FAILED(); i++) {
			/* What is reserved behind the end may go, at the first change. */
			model.exact = false;
			random_operation();
			restart();
			check_all();
		}
	}
}

static bool was_to_be_written(u64 at)
{
	return at - write_offset < write_length && given[at] == scratch[at - write_offset];
}

/* What the file is after a kill is a matter of when it came; but no byte is other than what it was, or was to be. */
static void take_as_found(void)
{
	CHECK_EQ(read_file(0, MOST), file.size);
	for (u64 at = 0; at < file.size; at++)
		if (given[at] && given[at] != model.bytes[at] && !was_to_be_written(at))
			CHECK_FAIL("byte %lu is %u: neither what it was nor what it was to be", at, given[at]);
	model.size = file.size;
	memset(model.bytes, 0, MOST);
	memcpy(model.bytes, given, file.size);
}

static void a_kill_at_any_call_of_root_leaves_counts_that_hold(void)
{
	volatile unsigned kills = 0;

	for (volatile u64 seed = 200; seed < 260 && !CHECK_FAILED(); seed++) {
		start(seed, 0, image_size(seed));
		for (volatile int i = 0; i < 40 && !CHECK_FAILED(); i++) {
			model.exact = false;
			kill_after = (long)pick(6);
			if (!setjmp(killed)) {
				random_operation();
				kill_after = -1;
			} else {
				kill_after = -1;
				kills++;
				if (asked)
					forget();
				restart();
				check_pages();
				take_as_found();
			}
			check_all();
		}
	}
	CHECK(kills > 500);
}

/* ---- small files ---- */

static void fill_scratch(u8 with)
{
	memset(scratch, with, sizeof(scratch));
}

static void a_file_of_a_page_has_no_object_until_it_is_mapped(void)
{
	u64 id;

	start(1, 0, 0);
	fill_scratch('a');
	CHECK_EQ(write_file(5, 100, 100), 100);
	CHECK_EQ(write_file(PAGE_SIZE - 1, 1, 1), 1);
	CHECK_EQ(object, -1);
	CHECK_EQ(data_blocks(&file), 8);
	CHECK_EQ(data_share(&file, true, &id), 0);
	CHECK(object >= 0 && file.has_object && !file.small);
	CHECK_EQ(small_count(), 0);
	CHECK_EQ(data_blocks(&file), 8);
	CHECK_EQ(read_file(0, MOST), PAGE_SIZE);
	CHECK(given[4] == 0 && given[5] == 'a' && given[104] == 'a' && given[105] == 0 && given[PAGE_SIZE - 1] == 'a');
}

static void a_file_that_grows_beyond_a_page_keeps_its_bytes(void)
{
	start(1, 0, 0);
	fill_scratch('b');
	CHECK_EQ(write_file(0, 50, 50), 50);
	CHECK_EQ(write_file(PAGE_SIZE - 1, 2, 2), 2);
	CHECK(object >= 0 && !file.small);
	CHECK_EQ(data_blocks(&file), 16);
	CHECK_EQ(read_file(0, MOST), PAGE_SIZE + 1);
	CHECK(given[49] == 'b' && given[50] == 0 && given[PAGE_SIZE] == 'b');
}

static void a_new_file_shows_nothing_of_one_that_had_its_page(void)
{
	start(1, 0, 0);
	fill_scratch('c');
	CHECK_EQ(write_file(0, PAGE_SIZE, PAGE_SIZE), PAGE_SIZE);
	renew();
	CHECK_EQ(write_file(1000, 500, 3), 3);
	CHECK_EQ(data_truncate(&file, PAGE_SIZE, 0), 0);
	CHECK_EQ(read_file(0, MOST), PAGE_SIZE);
	for (u64 i = 0; i < PAGE_SIZE; i++)
		if (given[i] != (i - 1000 < 3 ? 'c' : 0))
			CHECK_FAIL("byte %lu is %u", i, given[i]);
}

static void bytes_behind_the_end_are_gone_after_a_kill(void)
{
	start(1, 0, 0);
	fill_scratch('d');
	CHECK_EQ(write_file(0, 200, 200), 200);
	/* it had come so far: the bytes are there, the size is not */
	memset(file.small + 200, 'e', 300);
	restart();
	CHECK_EQ(data_truncate(&file, 1000, 0), 0);
	CHECK_EQ(read_file(0, MOST), 1000);
	CHECK(given[199] == 'd' && given[200] == 0 && given[499] == 0);
}

#define MANY 100

static void memory_of_files_that_are_gone_is_given_back(void)
{
	static struct inode files[MANY];

	start(1, 0, 0);
	for (unsigned i = 0; i < MANY; i++) {
		struct inode swap = file;

		renew();
		CHECK_EQ(write_file(0, 10, 10), 10);
		files[i] = file;
		file = swap;
		file.small = NULL;
	}
	CHECK_EQ(small_count(), MANY);
	CHECK_EQ(data_pages_used() - DIV_ROUND_UP(arena->used, PAGE_SIZE), MANY);
	CHECK(pages_in_area(0) >= MANY);
	for (unsigned i = 0; i < MANY; i++)
		data_gone(files[i].ino, false, NULL, 0, files[i].small);
	CHECK_EQ(small_count(), 0);
	CHECK(pages_in_area(0) <= 16);
	restart();
	CHECK_EQ(pages_in_area(0), 0);
}

static long write_charged(unsigned charge)
{
	long done;

	ask(FILE_WRITE, scratch, 10);
	asked->request.sender = (unsigned long)charge << PRINCIPAL_CHARGE_SHIFT;
	done = data_write(&asked->request, &file, 0, 10);
	forget();
	return done;
}

static void each_role_has_an_area_of_its_own(void)
{
	start(1, 0, 0);
	CHECK_EQ(write_charged(2), 10);
	CHECK_EQ(pages_in_area(2), 1);
	CHECK_EQ(object, -1);
	restart();
	CHECK_EQ(pages_in_area(2), 1);
	renew();
	CHECK_EQ(write_charged(SMALL_AREAS), 10);
	CHECK(file.has_object);
}

static void no_room_is_ENOSPC_and_changes_nothing(void)
{
	start(1, 0, 0);
	data_init(image, IMAGE, data_pages_used());
	CHECK_EQ(write_charged(0), -ENOSPC);
	CHECK_EQ(file.size, 0);
	CHECK_EQ(small_count(), 0);
}

/* A kill between the stores that empty a file. */
static void a_changed_file_of_the_image_that_was_emptied_stays_empty(void)
{
	u64 id;

	start(1, 0, 0x723);
	CHECK(file.small && file.modified);
	kill_after = 0;
	if (!setjmp(killed)) {
		data_truncate(&file, 0, 0);
		CHECK_FAIL("not killed%s", "");
	}
	kill_after = -1;
	restart();
	CHECK_EQ(file.size, 0);
	CHECK_EQ(data_truncate(&file, 1000, 0), 0);
	CHECK_EQ(read_file(0, MOST), 1000);
	CHECK_EQ(given[5], 0);
	CHECK_EQ(data_share(&file, true, &id), 0);
	CHECK_EQ(read_file(0, MOST), 1000);
	CHECK_EQ(given[5], 0);
}

/* A kill between the stores of a first write: whether the write happened or not, everybody sees the same. */
static void reading_and_mapping_agree_after_a_kill_in_a_first_write(void)
{
	u64 id;
	u8 mapped;

	start(1, 0, 0);
	file = (struct inode){ .ino = 1, .mode = S_IFREG | 0644, .nlink = 1, .image = 0, .size = 0x723 };
	inode_refresh(&file);
	fill_scratch('x');
	CHECK_EQ(write_file(0, 10, 10), 10);
	CHECK(file.small && file.modified);
	file.modified = 0; /* as a kill before the last store leaves it */
	restart();
	CHECK_EQ(read_file(0, MOST), 0x723);
	CHECK_EQ(data_share(&file, false, &id), 0);
	CHECK_EQ(pread(object, &mapped, 1, 1), 1);
	CHECK_EQ(mapped, given[1]);
	CHECK_EQ(read_file(0, MOST), 0x723);
	CHECK_EQ(mapped, given[1]);
}

int main(void)
{
	fake_root = root_answers;
	RUN(pages_reserved_behind_the_end_are_no_pages_of_a_longer_file);
	RUN(bytes_that_did_not_come_make_no_pages_of_a_longer_file);
	RUN(random_operations_keep_bytes_and_counts);
	RUN(restarts_in_between_change_nothing);
	RUN(a_kill_at_any_call_of_root_leaves_counts_that_hold);
	RUN(a_file_of_a_page_has_no_object_until_it_is_mapped);
	RUN(a_file_that_grows_beyond_a_page_keeps_its_bytes);
	RUN(a_new_file_shows_nothing_of_one_that_had_its_page);
	RUN(bytes_behind_the_end_are_gone_after_a_kill);
	RUN(memory_of_files_that_are_gone_is_given_back);
	RUN(each_role_has_an_area_of_its_own);
	RUN(no_room_is_ENOSPC_and_changes_nothing);
	RUN(a_changed_file_of_the_image_that_was_emptied_stays_empty);
	RUN(reading_and_mapping_agree_after_a_kill_in_a_first_write);
	return check_result();
}
