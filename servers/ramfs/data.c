#include "servers/ramfs/data.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "servers/ramfs/small.h"
#include "servers/ramfs/tree_internal.h"
#include "servers/ramfs/window.h"

#define CAPACITY_STEP 0x10000ul
#define WRITE_MAX    0x1000000ul

static const u8 *image_bytes;
static u64 image_size, pages_limit, pages_used;

static u64 pages_of(u64 size)
{
	return DIV_ROUND_UP(size, (u64)PAGE_SIZE);
}

void data_init(const u8 *image, u64 size, u64 limit)
{
	image_bytes = image;
	image_size = size;
	pages_limit = limit;
}

u64 data_pages_limit(void)
{
	return pages_limit;
}

u64 data_pages_used(void)
{
	return pages_used + small_count() + pages_of(arena->used);
}

static u64 pages_held(const struct inode *inode)
{
	if (inode->has_object)
		return inode->pages;
	if (inode->small)
		return 1;
	return inode->image != NO_IMAGE ? pages_of(inode->size) : 0;
}

u64 data_blocks(const struct inode *inode)
{
	return inode_is(inode, S_IFREG) ? pages_held(inode) * (PAGE_SIZE / 512) : 0;
}

/* Whether the bytes are still those of the image. */
static bool in_image(const struct inode *inode)
{
	return inode->image != NO_IMAGE && !inode->modified;
}

static const u8 *image_of(const struct inode *inode)
{
	return in_image(inode) ? image_bytes + inode->image : NULL;
}

void data_gone(u64 ino, bool has_object, void *mapping, u64 pages, u8 *small)
{
	if (small)
		small_give(small);
	if (mapping)
		window_drop(mapping);
	if (!has_object)
		return;
	object_destroy(OBJECT_FILE + ino);
	pages_used -= MIN(pages, pages_used);
}

/* ---- objects ---- */

static long set_capacity(struct inode *inode, u64 size)
{
	long error = object_resize(data_object(inode), size);

	if (error)
		return error == -ENOMEM ? -ENOSPC : error;
	inode->capacity = size + 1;
	return 0;
}

/* What follows the file in its last page of the image is another's: behind the end of a file zeros are read. */
static long object_cut(const struct inode *inode)
{
	const u8 *image = image_bytes + inode->image;
	u64 at = inode->size, end = ALIGN_UP(at, PAGE_SIZE);
	long error;

	while (at < end && !image[at])
		at++;
	if (at == end)
		return 0;
	error = object_resize(data_object(inode), end);
	return error ? error : object_resize(data_object(inode), inode->size);
}

static long object_copy(struct inode *inode, const u8 *from)
{
	u64 length;

	for (u64 done = 0; done < inode->size; done += length) {
		u8 *to = window_at(inode, done, &length);

		if (!to)
			return -ENOSPC;
		length = MIN(length, inode->size - done);
		memcpy(to, from + done, length);
	}
	return 0;
}

/* The pages in the image become the object's, copy on write. Data that is not on a page's start is copied. */
static long object_fill(struct inode *inode)
{
	u64 pages = pages_of(inode->size);
	long error;

	if (!pages)
		return 0;
	if (!IS_ALIGNED(inode->image, PAGE_SIZE))
		return object_copy(inode, image_bytes + inode->image);
	error = root_call5(PROC_OBJECT_IMAGE, data_object(inode), 0, pages, inode->image, 0);
	return error ? error : object_cut(inode);
}

/* It is a small file no more. Its object is complete before it counts; a kill then may leave it the page, too. */
static long object_from_small(struct inode *inode)
{
	u8 *page = inode->small;
	long error = object_create(data_object(inode), inode->size);

	if (error == -EEXIST) /* as in object_make */
		error = object_resize(data_object(inode), inode->size);
	if (!error)
		error = object_copy(inode, page);
	if (error) {
		data_gone(inode->ino, true, inode->mapping, 0, NULL);
		inode->mapping = NULL;
		return error == -ENOMEM ? -ENOSPC : error;
	}
	inode->capacity = inode->size + 1;
	inode->pages = inode->page_end = 1;
	arena_crash_point();
	inode->has_object = 1;
	arena_crash_point();
	inode->small = NULL;
	pages_used++;
	small_give(page);
	return 0;
}

static long object_make(struct inode *inode)
{
	bool from_image = inode->image != NO_IMAGE;
	long error;

	inode_refresh(inode);
	if (inode->has_object)
		return 0;
	if (inode->small)
		return object_from_small(inode);
	error = object_create(data_object(inode), inode->size);
	if (error == -EEXIST)
		error = 0; /* a kill came between its creation and the inode's knowing: empty, as created */
	if (!error && from_image)
		error = object_fill(inode);
	if (error) {
		object_destroy(data_object(inode));
		return error == -ENOMEM ? -ENOSPC : error;
	}
	inode->capacity = inode->size + 1;
	inode->pages = inode->page_end = from_image ? pages_of(inode->size) : 0;
	pages_used += inode->pages;
	inode->has_object = 1;
	return 0;
}

static long make_writable(struct inode *inode)
{
	long error = object_make(inode);

	if (!error)
		inode->modified = 1;
	return error;
}

/* ---- pages ---- */

/*
 * No page up to the size is a hole. Pages behind the size are counted in `pages`, too, and might stand for holes: where there may be some, nobody knows
 * without asking root.
 */
static bool is_full(const struct inode *inode)
{
	return inode->page_end <= pages_of(inode->size) && inode->pages >= pages_of(inode->size);
}

static u64 object_seek(const struct inode *inode, u64 offset, bool hole)
{
	long found = root_call3(PROC_OBJECT_SEEK, data_object(inode), offset, hole);

	return found < 0 ? UINT64_MAX : MAX((u64)found, offset);
}

/* Pages of data in [first, end). */
static u64 count_pages(const struct inode *inode, u64 first, u64 end)
{
	u64 count = 0, at = first * PAGE_SIZE, limit = end * PAGE_SIZE;

	while (at < limit) {
		u64 data = object_seek(inode, at, false), hole;

		if (data >= limit)
			break;
		hole = MIN(object_seek(inode, data, true), limit);
		count += pages_of(hole) - data / PAGE_SIZE;
		at = MAX(hole, data + 1);
	}
	return count;
}

static void set_pages(struct inode *inode, u64 pages)
{
	pages_used = pages_used - MIN(inode->pages, pages_used) + pages;
	inode->pages = pages;
}

/* ---- size ---- */

/* The file's size is `size`, and its object's. A kill in between leaves a count that is too low, which is harmless, or an object that is larger than the file. */
static long shrink_object(struct inode *inode, u64 size)
{
	u64 size_before = inode->size, pages_before = inode->pages, end = pages_of(size);
	long error;

	set_pages(inode, size <= inode->size && is_full(inode) ? end : count_pages(inode, 0, end));
	inode->size = size;
	error = set_capacity(inode, size);
	if (error) {
		inode->size = size_before;
		set_pages(inode, pages_before);
		return error;
	}
	inode->page_end = MIN(inode->page_end, end);
	return 0;
}

/* Root's idea of the size. After a restart the inode's own counts: a kill may have come between the two. */
static long capacity_known(struct inode *inode)
{
	inode_refresh(inode);
	return likely(inode->capacity) ? 0 : shrink_object(inode, inode->size);
}

/* The object ends where the file does, for a client that maps it: pages that were reserved behind would be the client's. */
static long end_exactly(struct inode *inode, u64 size)
{
	if (inode->capacity - 1 > size)
		return shrink_object(inode, size);
	return inode->capacity - 1 < size ? set_capacity(inode, size) : 0;
}

/* So large that bytes up to `end` can be written. */
static long reserve(struct inode *inode, u64 end)
{
	u64 have;
	long error = capacity_known(inode);

	if (error)
		return error;
	have = inode->capacity - 1;
	if (end <= have)
		return 0;
	/* Nobody maps it: ask root seldom. A client that maps it is to get SIGBUS behind the end. */
	have = inode->exact ? ALIGN_UP(end, PAGE_SIZE) : ALIGN_UP(end + MIN(end, 0x1000000ul), CAPACITY_STEP);
	return set_capacity(inode, MIN(have, FILE_SIZE_MAX));
}

/* ---- reading ---- */

static size_t give_object(struct request *request, struct inode *inode, u64 offset, size_t length)
{
	size_t done = 0;

	while (done < length) {
		u64 run;
		const u8 *from = window_at(inode, offset + done, &run);
		size_t given, chunk;

		if (!from)
			break;
		chunk = MIN(length - done, run);
		given = request_give(request, from, chunk);
		done += given;
		if (given < chunk)
			break;
	}
	return done;
}

static long give_full(struct request *request, struct inode *inode, u64 offset, size_t length)
{
	u64 run;
	const u8 *from = window_at(inode, offset, &run);

	return (long)(from && length <= run ? request_give_result(request, from, length) : give_object(request, inode, offset, length));
}

/* Holes are not touched: that would make pages of them. */
static size_t give_sparse(struct request *request, struct inode *inode, u64 offset, size_t length)
{
	size_t done = 0;

	while (done < length && !request->stopped) {
		u64 at = offset + done, data = object_seek(inode, at, false);
		size_t chunk;

		if (data > at) {
			done += request_give_zeros(request, MIN(length - done, data - at));
			continue;
		}
		chunk = MIN(length - done, object_seek(inode, at, true) - at);
		if (!chunk || give_object(request, inode, at, chunk) < chunk)
			return request->moved;
		done += chunk;
	}
	return done;
}

long data_read(struct request *request, struct inode *inode, u64 offset, size_t length)
{
	if (offset >= inode->size)
		return 0;
	length = MIN(length, inode->size - offset);
	if (in_image(inode))
		return (long)request_give_result(request, image_bytes + inode->image + offset, length);
	if (inode->small)
		return (long)request_give_result(request, inode->small + offset, length);
	if (!inode->has_object)
		return (long)request_give_zeros_result(request, length);
	inode_refresh(inode);
	if (is_full(inode))
		return give_full(request, inode, offset, length);
	return (long)give_sparse(request, inode, offset, length);
}

/* ---- writing ---- */

/* How many of the pages that [offset, end) touches are not there yet. */
static u64 pages_missing(const struct inode *inode, u64 offset, u64 end)
{
	u64 first = offset / PAGE_SIZE, last = pages_of(end), known = MAX(pages_of(inode->size), inode->page_end), missing = 0;

	if (last > known) {
		missing = last - MAX(first, known);
		last = known;
	}
	if (first < last && !is_full(inode))
		missing += last - first - count_pages(inode, first, last);
	return missing;
}

/* Before pages are made up to `end`. */
static void expect_pages(struct inode *inode, u64 end)
{
	inode->page_end = MAX(inode->page_end, pages_of(end));
}

/* Of the pages that were missing in [offset, end) some were made, but not all. */
static void count_made(struct inode *inode, u64 offset, u64 end, u64 missing)
{
	u64 still = missing ? pages_missing(inode, offset, end) : 0;

	set_pages(inode, inode->pages + missing - MIN(still, missing));
}

/* All pages of a range at once, rather than a fault each. */
static void populate(u8 *at, u64 length)
{
	u64 first = ALIGN_DOWN((u64)at, PAGE_SIZE), end = ALIGN_UP((u64)at + length, PAGE_SIZE);

	if (end - first > PAGE_SIZE)
		root_call3(PROC_BRING_IN, first, end, BRING_IN_WRITE);
}

static size_t take_object(struct request *request, struct inode *inode, u64 offset, size_t length, bool fresh)
{
	size_t done = 0;

	while (done < length) {
		u64 run;
		u8 *to = window_at(inode, offset + done, &run);
		size_t taken, chunk;

		if (!to)
			break;
		chunk = MIN(MIN(length - done, run), (size_t)BRING_IN_PART * PAGE_SIZE);
		if (fresh)
			populate(to, chunk);
		taken = request_take(request, to, chunk);
		done += taken;
		if (taken < chunk)
			break;
	}
	return done;
}

static u64 room_left(void)
{
	u64 used = data_pages_used();

	return pages_limit > used ? pages_limit - used : 0;
}

/* Shortens a write to what may still be used: to the last page that fits, found by halving. */
static size_t fit(const struct inode *inode, u64 offset, size_t length, u64 *missing)
{
	u64 room = room_left(), first = offset / PAGE_SIZE, least = first, most = pages_of(offset + length);

	*missing = pages_missing(inode, offset, offset + length);
	if (*missing <= room)
		return length;
	while (most - least > 1) {
		u64 middle = least + (most - least) / 2;

		if (pages_missing(inode, offset, middle * PAGE_SIZE) <= room)
			least = middle;
		else
			most = middle;
	}
	if (least == first)
		return 0;
	*missing = pages_missing(inode, offset, least * PAGE_SIZE);
	return least * PAGE_SIZE - offset;
}

static void touch(struct inode *inode)
{
	inode->mtime = inode->ctime = tree_hooks->now();
}

static long write_object(struct request *request, struct inode *inode, u64 offset, size_t length)
{
	u64 missing = 0;
	size_t done;
	long error = make_writable(inode);

	if (error)
		return error;
	length = fit(inode, offset, length, &missing);
	if (!length)
		return -ENOSPC;
	error = reserve(inode, offset + length);
	if (error)
		return error;
	expect_pages(inode, offset + length);
	done = take_object(request, inode, offset, length, missing != 0);
	if (offset + done > inode->size)
		inode->size = offset + done;
	/* Pages that were made for bytes that did not come stay zero, and count. */
	if (done < length)
		count_made(inode, offset, offset + length, missing);
	else
		set_pages(inode, inode->pages + missing);
	return (long)done;
}

/* Whether it has a page already, or may have one. */
static bool room_for_small(const struct inode *inode)
{
	return inode->small || room_left();
}

long data_write(struct request *request, struct inode *inode, u64 offset, size_t length)
{
	long done = SMALL_NONE;

	if (offset >= FILE_SIZE_MAX)
		return -EFBIG;
	/* The client asks for the rest; others get their turn in between. */
	length = MIN(length, MIN(FILE_SIZE_MAX - offset, WRITE_MAX));
	if (small_may_be(inode, offset + length) && room_for_small(inode))
		done = small_write(request, inode, image_of(inode), offset, length);
	if (done == SMALL_NONE)
		done = write_object(request, inode, offset, length);
	if (done > 0)
		touch(inode);
	return done;
}

/* ---- truncation ---- */

/* Pages behind the size go also if that stays what it is. */
static bool shrinks(const struct inode *inode, u64 size)
{
	return size < inode->size || (size == inode->size && inode->page_end > pages_of(size));
}

static long truncate_object(struct inode *inode, u64 size)
{
	long error = make_writable(inode);

	if (!error)
		error = capacity_known(inode);
	if (!error && shrinks(inode, size))
		error = shrink_object(inode, size);
	else if (!error && inode->exact)
		error = end_exactly(inode, size);
	if (!error)
		inode->size = size;
	return error;
}

long data_truncate(struct inode *inode, u64 size, unsigned charge)
{
	long error = SMALL_NONE;

	if (size > FILE_SIZE_MAX)
		return -EFBIG;
	if (!inode->has_object && (!size || (small_may_be(inode, size) && (!image_of(inode) || room_left()))))
		error = small_truncate(inode, image_of(inode), size, charge);
	if (error == SMALL_NONE)
		error = truncate_object(inode, size);
	if (!error)
		touch(inode);
	return error;
}

long data_seek(struct inode *inode, u64 offset, bool hole)
{
	u64 found;

	if (in_image(inode) || inode->small)
		return (long)(hole ? inode->size : offset);
	if (!inode->has_object)
		return hole ? (long)offset : -ENXIO;
	found = object_seek(inode, offset, hole);
	if (found >= inode->size)
		return hole ? (long)inode->size : -ENXIO;
	return (long)found;
}

/* ---- allocation ---- */

#define ALLOCATE_PART (1ul << 20)

static long allocate_run(struct inode *inode, u64 offset, u64 end)
{
	while (offset < end) {
		u64 run;
		u8 *at = window_at(inode, offset, &run);

		if (!at)
			return -ENOSPC;
		run = MIN(MIN(run, end - offset), (u64)BRING_IN_PART * PAGE_SIZE);
		populate(at, run);
		for (u64 page = 0; page < run; page += PAGE_SIZE)
			__atomic_fetch_or(at + page, 0, __ATOMIC_RELAXED);
		__atomic_fetch_or(at + run - 1, 0, __ATOMIC_RELAXED);
		offset += run;
	}
	return 0;
}

/* A part of it a request. There is room for all of it, or nothing is done; the size changes with the last. */
long data_allocate(struct inode *inode, u64 offset, u64 length, u64 done, bool keep_size)
{
	u64 end = offset + length, from = offset + done, to = MIN(end, ALIGN_DOWN(from, PAGE_SIZE) + ALLOCATE_PART), missing;
	long error;

	if (end > FILE_SIZE_MAX)
		return -EFBIG;
	error = make_writable(inode);
	if (error)
		return error;
	missing = pages_missing(inode, from, to);
	if ((done ? missing : pages_missing(inode, from, end)) > room_left())
		return -ENOSPC;
	error = reserve(inode, end);
	if (error)
		return error;
	expect_pages(inode, to);
	error = allocate_run(inode, from, to);
	if (error) {
		count_made(inode, from, to, missing);
		return error;
	}
	set_pages(inode, inode->pages + missing);
	if (to < end)
		return (long)(to - from);
	if (!keep_size && end > inode->size)
		inode->size = end;
	touch(inode);
	return 0;
}

static void zero_bytes(struct inode *inode, u64 offset, u64 end)
{
	u64 run;
	u8 *at = offset < end ? window_at(inode, offset, &run) : NULL;

	/* A hole is zero already. */
	if (at && object_seek(inode, offset, false) < end)
		memset(at, 0, MIN(end - offset, run));
}

static long punch_pages(struct inode *inode, u64 offset, u64 end)
{
	/* A kill in between leaves a count that is too low. */
	set_pages(inode, inode->pages - MIN(inode->pages, (end - offset) / PAGE_SIZE));
	return object_punch(data_object(inode), offset, end - offset);
}

long data_punch(struct inode *inode, u64 offset, u64 length)
{
	u64 limit = MAX(pages_of(inode->size), inode->page_end), end = MIN(offset + length, limit * PAGE_SIZE);
	u64 first = ALIGN_UP(offset, PAGE_SIZE), last = ALIGN_DOWN(end, PAGE_SIZE);
	long error = offset < end ? make_writable(inode) : 0;

	if (!error && offset < end)
		error = capacity_known(inode);
	if (error || offset >= end)
		return error;
	if (first > last) {
		zero_bytes(inode, offset, end);
	} else {
		zero_bytes(inode, offset, first);
		zero_bytes(inode, last, end);
		error = first < last ? punch_pages(inode, first, last) : 0;
	}
	set_pages(inode, count_pages(inode, 0, limit));
	touch(inode);
	return error;
}

long data_share(struct inode *inode, bool writable, u64 *object)
{
	long error = writable ? make_writable(inode) : object_make(inode);

	if (!error)
		error = capacity_known(inode);
	if (!error)
		error = end_exactly(inode, inode->size);
	inode->exact = 1;
	*object = data_object(inode);
	return error;
}

/* ---- after a restart ---- */

static bool has_inode(u64 id)
{
	for (const struct inode *inode = (struct inode *)arena->root[ROOT_INODES]; inode; inode = inode->next)
		if (inode_is(inode, S_IFREG) && inode->has_object && data_object(inode) == id)
			return true;
	return false;
}

void data_recover(void)
{
	for (u64 index = 0;;) {
		long id = root_call3(PROC_OBJECT_LIST, 0, index, 0);

		if (id < 0)
			break;
		if (id >= OBJECT_FILE && !has_inode((u64)id) && !object_destroy((u64)id))
			continue;
		index++;
	}
	pages_used = 0;
	small_recover_begin();
	for (struct inode *inode = (struct inode *)arena->root[ROOT_INODES]; inode; inode = inode->next) {
		if (!inode_is(inode, S_IFREG))
			continue;
		if (!small_file_recover(inode))
			serve_fail("a file's page is not there (inode %lu)", inode->ino);
		if (!inode->has_object)
			continue;
		/* Clients may have it mapped: sizes stay exact. */
		inode_refresh(inode);
		inode->exact = 1;
		pages_used += inode->pages;
	}
	small_recover_end();
}
