/*
 * Root's heap: pages of equal cells, one list of pages with free cells for each size. A page whose cells are all free goes back at
 * once, so what root holds follows what it keeps records of.
 */
#include "lib/string.h"
#include "root/log.h"
#include "root/memory.h"

struct heap_page {
	struct list_node node; /* in heap[class] while a cell is free */
	void *free;            /* list of free cells through their first word */
	u16 class, used, fresh, reserved; /* fresh: first cell never used yet */
};
_Static_assert(sizeof(struct heap_page) == 32, "cells start at 32");

static const u16 cell_size[] = { 32, 64, 96, 128, 192, 256, 384, 512, 800, 1344, 2016 };
#define CLASSES ARRAY_SIZE(cell_size)

static struct list_node heap[CLASSES];

static unsigned class_for(size_t size)
{
	unsigned class = 0;

	while (class < CLASSES && cell_size[class] < size)
		class++;
	return class;
}

static unsigned cells_in(unsigned class)
{
	return (PAGE_SIZE - sizeof(struct heap_page)) / cell_size[class];
}

static struct heap_page *heap_page_new(unsigned class)
{
	pfn_t pfn = page_alloc(PAGE_HEAP);
	struct heap_page *page;

	if (!pfn)
		return NULL;
	page = page_virt(pfn);
	*page = (struct heap_page){ .class = class };
	list_push_front(&heap[class], &page->node);
	return page;
}

static void *cell_take(struct heap_page *page)
{
	void *cell = page->free;

	if (cell)
		page->free = *(void **)cell;
	else
		cell = (u8 *)(page + 1) + (size_t)cell_size[page->class] * page->fresh++;
	if (++page->used == cells_in(page->class))
		list_remove(&page->node);
	return cell;
}

void *root_alloc(size_t size)
{
	unsigned class = class_for(size);
	struct heap_page *page;
	void *cell;

	if (class == CLASSES)
		return NULL;
	if (!heap[class].next)
		list_init(&heap[class]);
	page = list_first_entry(&heap[class], struct heap_page, node);
	if (!page)
		page = heap_page_new(class);
	if (!page)
		return NULL;
	cell = cell_take(page);
	memory_counts.heap_bytes += cell_size[class];
	return memset(cell, 0, cell_size[class]);
}

void root_free(void *memory)
{
	struct heap_page *page = (struct heap_page *)ALIGN_DOWN((u64)memory, PAGE_SIZE);

	if (!memory)
		return;
	if (page->used-- == cells_in(page->class))
		list_push_front(&heap[page->class], &page->node);
	*(void **)memory = page->free;
	page->free = memory;
	memory_counts.heap_bytes -= cell_size[page->class];
	if (!page->used) {
		list_remove(&page->node);
		page_free(page_of(page));
	}
}
