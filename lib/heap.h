/*
 * A general allocator over memory that the caller supplies as it is needed. No locks: the caller serialises.
 *
 *	static void *grow(void *ctx, size_t *size);     map *size bytes more, say where
 *	struct heap heap;
 *
 *	heap_init(&heap, grow, ctx);
 *	p = heap_alloc(&heap, 100);
 *
 * Memory is never given back to `grow`. Freed neighbours are joined at once, so the heap does not crumble.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/types.h"

#define HEAP_ALIGN 16
#define HEAP_BINS 128

/*
 * Supplies at least *size bytes (a multiple of PAGE_SIZE), 16-byte aligned and owned by the heap from then on, and
 * stores how many in *size. Memory just above what it supplied last extends that. NULL: there is no more.
 */
typedef void *heap_grow(void *ctx, size_t *size);

struct heap_segment;
struct heap_free_block;

struct heap {
	heap_grow *grow;
	void *ctx;
	struct heap_segment *segments; /* the newest first */
	size_t used, total;            /* bytes in allocated blocks; bytes supplied by grow */
	u64 bin_map[HEAP_BINS / 64];   /* which bins have blocks */
	struct heap_free_block *bins[HEAP_BINS];
};

void heap_init(struct heap *heap, heap_grow *grow, void *ctx);

/* 16-byte aligned, contents undefined; distinct even for size 0. NULL: no memory. */
void *heap_alloc(struct heap *heap, size_t size);

/* Zeroed room for `count` objects of `size` bytes; NULL also if the product overflows. */
void *heap_alloc_zero(struct heap *heap, size_t count, size_t size);

/* `p` is what an allocation returned, or NULL. A block that is not allocated traps. */
void heap_free(struct heap *heap, void *p);

/* As realloc: NULL `p` allocates. On failure returns NULL and leaves `p` as it was. Size 0 keeps a small block. */
void *heap_realloc(struct heap *heap, void *p, size_t size);

/* How many bytes `p` really has. */
size_t heap_size(const void *p);

/* Debug: walks everything; false if a header, list or total is damaged. */
bool heap_check(const struct heap *heap);

#endif
