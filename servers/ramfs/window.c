#include "servers/ramfs/window.h"

#include "servers/ramfs/data.h"

#define WINDOW_MAX   0x4000000ul
#define WINDOW_MIN   0x10000ul
#define WINDOWS_KEPT 512

/* A part of an object, mapped here. */
struct window {
	struct list_node link; /* the oldest first */
	struct inode *inode;   /* NULL: its inode has gone */
	unsigned long address;
	u64 start, length;
};

static struct list_node windows = LIST_INIT(windows);
static unsigned window_count;

static void window_close(struct window *window)
{
	object_unmap(window->address, window->length);
	list_remove(&window->link);
	window_count--;
	if (window->inode)
		window->inode->mapping = NULL;
	memory_free(window, sizeof(*window));
}

static u64 window_length(u64 needed)
{
	u64 length = WINDOW_MIN;

	while (length < needed && length < WINDOW_MAX)
		length *= 2;
	return length;
}

static struct window *window_open(struct inode *inode, u64 offset)
{
	u64 start = ALIGN_DOWN(offset, WINDOW_MAX), end = MIN(MAX(inode->size, offset + 1), start + WINDOW_MAX);
	struct window *window = memory_take(sizeof(*window));
	long address;

	if (!window)
		return NULL;
	window->start = start;
	window->length = window_length(end - start);
	address = object_map(data_object(inode), start, window->length, true, 0);
	if (address < 0) {
		memory_free(window, sizeof(*window));
		return NULL;
	}
	window->address = (unsigned long)address;
	window->inode = inode;
	list_push_back(&windows, &window->link);
	inode->mapping = window;
	if (++window_count > WINDOWS_KEPT)
		window_close(list_first_entry(&windows, struct window, link));
	return window;
}

u8 *window_at(struct inode *inode, u64 offset, u64 *length)
{
	struct window *window = inode->mapping;

	if (unlikely(window && (offset < window->start || offset - window->start >= window->length))) {
		window_close(window);
		window = NULL;
	}
	if (unlikely(!window))
		window = window_open(inode, offset);
	if (!window)
		return NULL;
	*length = window->length - (offset - window->start);
	return (u8 *)window->address + (offset - window->start);
}

void window_drop(void *mapping)
{
	((struct window *)mapping)->inode = NULL;
	window_close(mapping);
}
