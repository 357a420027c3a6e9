/*
 * The bytes of ramfs's files: random operations against a model that is an array and a mark for each page; and the same operations ended at any call of
 * root. Root's objects are this machine's own nameless files, so that a window over what an object does not have is a SIGBUS here, too.
 */
// sources: servers/ramfs/data.c
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

#define MOST   0x280000ul /* bytes of a file: more than an allocation's part and than a window's least */
#define PAGES  (MOST / PAGE_SIZE)
#define LIMIT  100000ul
#define IMAGE  0x9000ul /* bytes of the boot image */

static struct arena_header the_arena;
struct arena_header *arena = &the_arena;
static struct inode file;
static int object = -1;

static u64 random_state;
static long kill_after = -1; /* calls of root left until the server is killed; -1: it is not */
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

long object_create(u64 id, u64 size)
{
	(void)id;
	root_is_called();
	if (object >= 0)
		return -EEXIST;
	object = memfd_create("object", 0);
	return ftruncate(object, (off_t)size);
}

long object_resize(u64 id, u64 size)
{
	(void)id;
	root_is_called();
	return ftruncate(object, (off_t)size);
}

long object_punch(u64 id, u64 offset, u64 length)
{
	(void)id;
	root_is_called();
	return fallocate(object, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
}

long object_destroy(u64 id)
{
	(void)id;
	close(object);
	object = -1;
	return 0;
}

long object_map(u64 id, u64 offset, size_t length, bool writable, unsigned long address)
{
	(void)id, (void)writable, (void)address;
	return (long)mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, object, (off_t)offset);
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
	if (file.has_object && (model.exact ? file.pages != count : file.pages > count))
		CHECK_FAIL("%lu pages are counted, %lu are there", file.pages, count);
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

static u64 random_offset(void)
{
	return pick(4) ? pick(0x30000) : pick(MOST);
}

static u64 random_length(u64 offset)
{
	u64 length = 1 + (pick(4) ? pick(0x4000) : pick(MOST));

	return MIN(length, MOST - offset);
}

static void random_write(void)
{
	u64 offset = random_offset(), length = random_length(offset), come = pick(3) ? length : pick(length + 1);

	for (u64 i = 0; i < length; i++)
		scratch[i] = (u8)(random_state + i * 7);
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

	CHECK_EQ(data_truncate(&file, size), 0);
	if (size <= model.size)
		memset(model.bytes + size, 0, MOST - size);
	/* What a client maps ends with the file. */
	if (size <= model.size || file.exact)
		mark(size_in_pages(size), PAGES, false);
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

static void restart(void)
{
	arena->epoch++;
	data_recover();
}

static void random_operation(void)
{
	static void (*const operations[])(void) = { random_write, random_write, random_truncate, random_truncate, random_allocate, random_punch, random_share };

	operations[pick(ARRAY_SIZE(operations))]();
}

/* ---- tests ---- */

static void start(u64 seed, u64 image_offset, u64 image_bytes)
{
	random_state = seed;
	kill_after = -1;
	data_gone(file.ino, object >= 0, file.mapping, file.pages);
	memset(&model, 0, sizeof(model));
	model.exact = true;
	file = (struct inode){ .ino = 1, .mode = S_IFREG | 0644, .nlink = 1, .image = image_bytes ? image_offset : NO_IMAGE, .size = image_bytes };
	arena->epoch++;
	arena->root[ROOT_INODES] = (u64)&file;
	for (u64 i = 0; i < IMAGE; i++)
		image[i] = (u8)(i * 13);
	data_init(image, IMAGE, LIMIT);
	model.size = image_bytes;
	memcpy(model.bytes, image + image_offset, image_bytes);
	mark(0, size_in_pages(image_bytes), image_bytes != 0);
	inode_refresh(&file);
	/* It is no object before it is changed. */
	if (image_bytes)
		CHECK_EQ(data_truncate(&file, ++model.size), 0);
}

static void pages_reserved_behind_the_end_are_no_pages_of_a_longer_file(void)
{
	start(1, 0, 0);
	CHECK_EQ(data_allocate(&file, 0, 0x10000, 0, true), 0);
	CHECK_EQ(data_blocks(&file), 128);
	CHECK_EQ(data_truncate(&file, 1), 0);
	CHECK_EQ(data_truncate(&file, 0), 0);
	CHECK_EQ(data_blocks(&file), 0);
	CHECK_EQ(data_truncate(&file, 0x10000), 0);
	CHECK_EQ(read_file(0, 0x10000), 0x10000);
	CHECK_EQ(data_blocks(&file), 0);
}

static void bytes_that_did_not_come_make_no_pages_of_a_longer_file(void)
{
	start(1, 0, 0);
	CHECK_EQ(write_file(0, 0x200000, 1), 1);
	CHECK_EQ(data_truncate(&file, 0), 0);
	CHECK_EQ(data_blocks(&file), 0);
	CHECK_EQ(data_truncate(&file, 0x100000), 0);
	CHECK_EQ(read_file(0, 0x100000), 0x100000);
}

static void random_operations_keep_bytes_and_counts(void)
{
	for (u64 seed = 1; seed <= 30 && !CHECK_FAILED(); seed++) {
		start(seed, seed % 3 == 1 ? 0 : 100, seed % 3 ? 0x6123 : 0);
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

/* What the file is after a kill is a matter of when it came. */
static void take_as_found(void)
{
	model.size = file.size;
	memset(model.bytes, 0, MOST);
	CHECK_EQ(read_file(0, MOST), file.size);
	memcpy(model.bytes, given, file.size);
}

static void a_kill_at_any_call_of_root_leaves_counts_that_hold(void)
{
	volatile unsigned kills = 0;

	for (volatile u64 seed = 200; seed < 230 && !CHECK_FAILED(); seed++) {
		start(seed, 0, seed % 2 ? 0x6123 : 0);
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
	CHECK(kills > 250);
}

int main(void)
{
	fake_root = root_answers;
	RUN(pages_reserved_behind_the_end_are_no_pages_of_a_longer_file);
	RUN(bytes_that_did_not_come_make_no_pages_of_a_longer_file);
	RUN(random_operations_keep_bytes_and_counts);
	RUN(restarts_in_between_change_nothing);
	RUN(a_kill_at_any_call_of_root_leaves_counts_that_hold);
	return check_result();
}
