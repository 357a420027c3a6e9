#include "runtime/heap.h"

#include "lib/heap.h"
#include "lib/string.h"
#include "runtime/thread.h"

struct runtime_heap {
	struct heap heap;
	struct rt_lock lock;
	char *next, *end; /* the room that heap.grow has not taken yet */
};

#define HEAP_STEP (size_t)PAGE_SIZE /* the heap writes to both ends of what it gets: small programs touch one page */

static struct runtime_heap process_heap;

static void *heap_extend(void *ctx, size_t *size)
{
	struct runtime_heap *h = ctx;
	size_t wanted = MAX(*size, HEAP_STEP), room = (size_t)(h->end - h->next);
	char *start = h->next;

	if (wanted > room)
		wanted = *size;
	if (wanted > room)
		return NULL;
	*size = wanted;
	h->next += wanted;
	return start;
}

static struct runtime_heap *heap_make(struct runtime_heap *h, char *start, char *end)
{
	h->next = start;
	h->end = end;
	rt_lock_init(&h->lock);
	heap_init(&h->heap, heap_extend, h);
	return h;
}

struct runtime_heap *heap_start(void)
{
	return heap_make(&process_heap, (char *)GATE_HEAP, (char *)GATE_HEAP + GATE_HEAP_SIZE);
}

struct runtime_heap *heap_create_inside(size_t size)
{
	char *block = rt_alloc(size);
	size_t header = ALIGN_UP(sizeof(struct runtime_heap), PAGE_SIZE);

	if (!block)
		return NULL;
	return heap_make((struct runtime_heap *)block, block + header, block + ALIGN_DOWN(size, PAGE_SIZE));
}

void heap_fork_lock(struct runtime_heap *h)
{
	rt_lock(&h->lock);
}

void heap_fork_unlock(struct runtime_heap *h)
{
	rt_unlock(&h->lock);
}

void heap_fork_child(struct runtime_heap *h)
{
	rt_lock_reset(&h->lock);
}

void *rt_alloc(size_t size)
{
	struct runtime_heap *h = current()->heap;
	void *block;

	rt_lock(&h->lock);
	block = heap_alloc(&h->heap, size);
	rt_unlock(&h->lock);
	return block;
}

void *rt_zalloc(size_t size)
{
	void *block = rt_alloc(size);

	if (block)
		memset(block, 0, size);
	return block;
}

void *rt_realloc(void *block, size_t size)
{
	struct runtime_heap *h = current()->heap;

	rt_lock(&h->lock);
	block = heap_realloc(&h->heap, block, size);
	rt_unlock(&h->lock);
	return block;
}

void rt_free(void *block)
{
	struct runtime_heap *h = current()->heap;

	if (!block)
		return;
	rt_lock(&h->lock);
	heap_free(&h->heap, block);
	rt_unlock(&h->lock);
}
