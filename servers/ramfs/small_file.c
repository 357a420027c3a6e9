/*
 * Small files. Bytes of a page behind the end of its file are zero, but after a kill: then they are cleared before the file is next changed (inode->capacity tells). A
 * file gets its page when what is to be in it is there, by one store; it is a change of the file's size, or a written byte, that a kill may come before or after.
 */
#include "servers/ramfs/small.h"

#include "lib/string.h"
#include "serve/request.h"
#include "servers/ramfs/tree_internal.h"

bool small_may_be(const struct inode *inode, u64 size)
{
	return !inode->has_object && MAX(inode->size, size) <= PAGE_SIZE;
}

/* The file's page, with nothing behind the end. */
static u8 *page_of(struct inode *inode)
{
	inode_refresh(inode);
	if (unlikely(!inode->capacity)) {
		memset(inode->small + inode->size, 0, PAGE_SIZE - inode->size);
		inode->capacity = 1;
	}
	return inode->small;
}

/* What a file without a page has in [from, end): the image's bytes, then zeros. */
static void fill(const struct inode *inode, u8 *page, const u8 *image, bool clean, u64 from, u64 end)
{
	u64 known = image ? MIN(MAX(inode->size, from), end) : from;

	if (from < known)
		memcpy(page + from, image + from, known - from);
	if (!clean)
		memset(page + known, 0, end - known);
}

static void page_is_its(struct inode *inode, u8 *page)
{
	inode_refresh(inode);
	inode->capacity = 1;
	arena_crash_point();
	inode->small = page;
	arena_crash_point();
	inode->modified = 1;
	arena_crash_point();
}

static size_t write_fresh(struct request *request, struct inode *inode, u8 *page, bool clean, const u8 *image, u64 offset, size_t length)
{
	size_t done;

	fill(inode, page, image, clean, 0, offset);
	fill(inode, page, image, clean, offset + length, PAGE_SIZE);
	done = request_take(request, page + offset, length);
	fill(inode, page, image, clean, offset + done, offset + length);
	if (done)
		page_is_its(inode, page);
	else
		small_give(page);
	return done;
}

long small_write(struct request *request, struct inode *inode, const u8 *image, u64 offset, size_t length)
{
	size_t done;

	if (inode->small) {
		inode->modified = 1;
		done = request_take(request, page_of(inode) + offset, length);
	} else {
		bool clean;
		u8 *page = small_take(request_charge(request), &clean);

		if (!page)
			return SMALL_NONE;
		done = write_fresh(request, inode, page, clean, image, offset, length);
	}
	if (done && offset + done > inode->size)
		inode->size = offset + done;
	arena_crash_point();
	return (long)done;
}

/* An empty file has no page. */
static void make_empty(struct inode *inode)
{
	u8 *page = inode->small;

	inode->size = 0;
	arena_crash_point();
	inode->image = NO_IMAGE;
	inode->small = NULL;
	arena_crash_point();
	if (page)
		small_give(page);
}

static void set_size(struct inode *inode, u64 size)
{
	u64 before = inode->size;
	u8 *page = page_of(inode);

	inode->modified = 1;
	inode->size = size;
	arena_crash_point();
	if (size < before)
		memset(page + size, 0, before - size);
}

long small_truncate(struct inode *inode, const u8 *image, u64 size, unsigned charge)
{
	bool clean;
	u8 *page;

	if (!size) {
		make_empty(inode);
	} else if (inode->small) {
		set_size(inode, size);
	} else if (!image) {
		inode->size = size; /* all of it a hole */
	} else {
		page = small_take(charge, &clean);
		if (!page)
			return SMALL_NONE;
		fill(inode, page, image, clean, 0, PAGE_SIZE);
		page_is_its(inode, page);
		set_size(inode, size);
	}
	return 0;
}

bool small_file_recover(struct inode *inode)
{
	/* its bytes are in the object already; or it was to become empty, or had nothing yet */
	if (inode->has_object || !inode->size)
		inode->small = NULL;
	/* empty for ever: it does not get the image's bytes back with a new size */
	if (!inode->has_object && !inode->size)
		inode->image = NO_IMAGE;
	/* the page is what it has, for reading, too */
	if (inode->small)
		inode->modified = 1;
	return !inode->small || small_recover_page(inode->small);
}
