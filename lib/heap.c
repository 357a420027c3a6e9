/*
 * Blocks with boundary tags (Knuth, TAOCP 1, 2.5) in segregated free lists.
 *
 * A segment is a run of memory: struct heap_segment, 8 bytes unused, blocks end to end, an end mark. A block is an
 * 8-byte header and its payload; the header lies 8 below a multiple of 16, so payloads are aligned. The header holds
 * the block's size (header included, a multiple of 16, at least 32) and two bits: USED, and BELOW_FREE when the
 * block under it is free. A free block holds list links in its payload and its size again in its last 8 bytes, where the
 * block above finds its start. The end mark is a header of size 0 that is USED, so joining never runs out.
 *
 * Invariants between calls: no two neighbours are both free; every free block is in the bin of its size; a bin's bit
 * in bin_map says whether it has blocks.
 *
 * Bins 0..31 hold one size each (16 bytes apart, below 512); above, four bins a power of two. A search takes the
 * first fitting of a few blocks in the bin of its own size, else any block of the next bin that has one, where all fit.
 */
#include "lib/heap.h"

#include "lib/string.h"

#define USED 1ull
#define BELOW_FREE 2ull
#define FLAGS 15ull
#define HEADER 8
#define LEAST 32
#define SMALL_LIMIT 512
#define TRIES 8
#define LARGEST (1ull << 46)

struct heap_segment {
	struct heap_segment *next;
	u64 *end; /* the end mark */
};

#define SEGMENT_FRONT 24 /* to the first header */
#define SEGMENT_OVERHEAD (SEGMENT_FRONT + HEADER)

struct heap_free_block {
	u64 header;
	struct heap_free_block *next, *prev;
};

static u64 block_size(const u64 *header)
{
	return *header & ~FLAGS;
}

static u64 *block_above(u64 *header)
{
	return (u64 *)((char *)header + block_size(header));
}

/* Only if BELOW_FREE says so: the size is in the word under the header. */
static u64 *block_below(u64 *header)
{
	return (u64 *)((char *)header - header[-1]);
}

static u64 *header_of(const void *p)
{
	return (u64 *)p - 1;
}

static unsigned bin_of(u64 size)
{
	unsigned log, bin;

	if (size < SMALL_LIMIT)
		return (unsigned)(size / 16);
	log = 63 - (unsigned)__builtin_clzll(size);
	bin = 32 + (log - 9) * 4 + (unsigned)(size >> (log - 2) & 3);
	return bin < HEAP_BINS ? bin : HEAP_BINS - 1;
}

static void bin_push(struct heap *heap, u64 *header)
{
	struct heap_free_block *block = (struct heap_free_block *)header;
	unsigned bin = bin_of(block_size(header));

	block->prev = NULL;
	block->next = heap->bins[bin];
	if (block->next)
		block->next->prev = block;
	heap->bins[bin] = block;
	heap->bin_map[bin / 64] |= BIT(bin % 64);
}

static void bin_remove(struct heap *heap, u64 *header)
{
	struct heap_free_block *block = (struct heap_free_block *)header;
	unsigned bin = bin_of(block_size(header));

	if (block->next)
		block->next->prev = block->prev;
	if (block->prev)
		block->prev->next = block->next;
	else
		heap->bins[bin] = block->next;
	if (!heap->bins[bin])
		heap->bin_map[bin / 64] &= ~BIT(bin % 64);
}

/* The lowest bin from `bin` on that has blocks; HEAP_BINS if none. */
static unsigned bin_next(const struct heap *heap, unsigned bin)
{
	while (bin < HEAP_BINS) {
		u64 map = heap->bin_map[bin / 64] >> (bin % 64);

		if (map)
			return bin + (unsigned)__builtin_ctzll(map);
		bin = (bin / 64 + 1) * 64;
	}
	return HEAP_BINS;
}

/* Makes `size` bytes at `header` one free block; the neighbours are known to be used. */
static void block_make_free(struct heap *heap, u64 *header, u64 size)
{
	u64 *above;

	*header = size;
	above = block_above(header);
	above[-1] = size;
	*above |= BELOW_FREE;
	bin_push(heap, header);
}

/* Frees `size` bytes at `header`, whose BELOW_FREE bit is right, joining them with free neighbours. */
static void block_release(struct heap *heap, u64 *header, u64 size)
{
	u64 *above = (u64 *)((char *)header + size);

	if (!(*above & USED)) {
		bin_remove(heap, above);
		size += block_size(above);
	}
	if (*header & BELOW_FREE) {
		u64 *below = block_below(header);

		bin_remove(heap, below);
		size += block_size(below);
		header = below;
	}
	block_make_free(heap, header, size);
}

/* A free block of at least `size` bytes, still in its bin; NULL if there is none. */
static u64 *find_free(const struct heap *heap, u64 size)
{
	unsigned bin = bin_of(size);
	struct heap_free_block *block = heap->bins[bin];

	for (int tries = TRIES; block && (tries-- || bin == HEAP_BINS - 1); block = block->next)
		if (block_size(&block->header) >= size)
			return &block->header;
	bin = bin_next(heap, bin + 1);
	return bin < HEAP_BINS ? &heap->bins[bin]->header : NULL;
}

/* Gives back what a used block has beyond `size`, if that is enough for a block. */
static void block_trim(struct heap *heap, u64 *header, u64 size)
{
	u64 rest = block_size(header) - size;
	u64 *above;

	if (rest < LEAST)
		return;
	*header = size | (*header & FLAGS);
	above = block_above(header);
	*above = rest | USED;
	heap->used -= rest;
	block_release(heap, above, rest);
}

/* Turns a whole free block into a used one. */
static void block_take(struct heap *heap, u64 *header)
{
	bin_remove(heap, header);
	*header |= USED;
	*block_above(header) &= ~BELOW_FREE;
	heap->used += block_size(header);
}

static void add_segment(struct heap *heap, void *memory, size_t size)
{
	struct heap_segment *segment = memory;
	u64 *first = (u64 *)((char *)memory + SEGMENT_FRONT);

	segment->next = heap->segments;
	segment->end = (u64 *)((char *)memory + size - HEADER);
	heap->segments = segment;
	*segment->end = USED;
	block_make_free(heap, first, size - SEGMENT_OVERHEAD);
}

/* The memory follows the newest segment: its end mark becomes the header of the new block. */
static void extend_segment(struct heap *heap, size_t size)
{
	u64 *header = heap->segments->end;

	heap->segments->end = (u64 *)((char *)header + size);
	*heap->segments->end = USED;
	block_release(heap, header, size);
}

/* Asks for room for a block of `size` bytes. */
static bool heap_extend(struct heap *heap, u64 size)
{
	size_t got = ALIGN_UP(size + SEGMENT_OVERHEAD, PAGE_SIZE);
	void *memory = heap->grow(heap->ctx, &got);

	if (!memory)
		return false;
	got = ALIGN_DOWN(got, HEAP_ALIGN);
	heap->total += got;
	if (heap->segments && (char *)heap->segments->end + HEADER == memory)
		extend_segment(heap, got);
	else
		add_segment(heap, memory, got);
	return true;
}

/* The block size for a request; 0 if it is too large. */
static u64 size_for(size_t size)
{
	if (size > LARGEST)
		return 0;
	return MAX(ALIGN_UP((u64)size + HEADER, HEAP_ALIGN), (u64)LEAST);
}

void heap_init(struct heap *heap, heap_grow *grow, void *ctx)
{
	*heap = (struct heap){ .grow = grow, .ctx = ctx };
}

void *heap_alloc(struct heap *heap, size_t size)
{
	u64 need = size_for(size);
	u64 *header;

	if (!need)
		return NULL;
	header = find_free(heap, need);
	if (!header && heap_extend(heap, need))
		header = find_free(heap, need);
	if (!header)
		return NULL;
	block_take(heap, header);
	block_trim(heap, header, need);
	return header + 1;
}

void *heap_alloc_zero(struct heap *heap, size_t count, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	p = heap_alloc(heap, bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
}

void heap_free(struct heap *heap, void *p)
{
	u64 *header;

	if (!p)
		return;
	header = header_of(p);
	if (!(*header & USED) || block_size(header) < LEAST)
		__builtin_trap();
	heap->used -= block_size(header);
	/* Where it merges with the block below its header stays, and freeing it again must be seen. */
	*header &= ~USED;
	block_release(heap, header, block_size(header));
}

/* Grows a used block into a free one above it; false if that does not give `size` bytes. */
static bool block_grow(struct heap *heap, u64 *header, u64 size)
{
	u64 *above = block_above(header);

	if ((*above & USED) || block_size(header) + block_size(above) < size)
		return false;
	block_take(heap, above);
	*header += block_size(above);
	return true;
}

void *heap_realloc(struct heap *heap, void *p, size_t size)
{
	u64 need = size_for(size);
	u64 *header;
	void *moved;

	if (!p)
		return heap_alloc(heap, size);
	if (!need)
		return NULL;
	header = header_of(p);
	if (block_size(header) >= need || block_grow(heap, header, need)) {
		block_trim(heap, header, need);
		return p;
	}
	moved = heap_alloc(heap, size);
	if (moved) {
		memcpy(moved, p, heap_size(p));
		heap_free(heap, p);
	}
	return moved;
}

size_t heap_size(const void *p)
{
	return block_size(header_of(p)) - HEADER;
}

struct tally {
	size_t used, free_blocks, total;
};

static bool check_block(u64 *header, u64 *end, bool below_free, struct tally *tally)
{
	u64 size = block_size(header);

	if (size < LEAST || size % HEAP_ALIGN || size > (u64)((char *)end - (char *)header))
		return false;
	if (!!(*header & BELOW_FREE) != below_free)
		return false;
	if (*header & USED) {
		tally->used += size;
		return true;
	}
	tally->free_blocks++;
	return !below_free && block_above(header)[-1] == size;
}

static bool check_segment(struct heap_segment *segment, struct tally *tally)
{
	u64 *at = (u64 *)((char *)segment + SEGMENT_FRONT);
	bool below_free = false;

	tally->total += (size_t)((char *)segment->end - (char *)segment) + HEADER;
	while (at < segment->end) {
		if (!check_block(at, segment->end, below_free, tally))
			return false;
		below_free = !(*at & USED);
		at = block_above(at);
	}
	return at == segment->end && *at == (USED | (below_free ? BELOW_FREE : 0));
}

/* How many blocks the bins hold; -1 if a block is in the wrong bin or a link is wrong. */
static s64 count_bins(const struct heap *heap)
{
	s64 n = 0;

	for (unsigned bin = 0; bin < HEAP_BINS; bin++) {
		const struct heap_free_block *prev = NULL;

		if (!!(heap->bin_map[bin / 64] & BIT(bin % 64)) != !!heap->bins[bin])
			return -1;
		for (const struct heap_free_block *at = heap->bins[bin]; at; prev = at, at = at->next, n++)
			if (at->prev != prev || (at->header & USED) || bin_of(block_size(&at->header)) != bin)
				return -1;
	}
	return n;
}

bool heap_check(const struct heap *heap)
{
	struct tally tally = { 0 };

	for (struct heap_segment *segment = heap->segments; segment; segment = segment->next)
		if (!check_segment(segment, &tally))
			return false;
	return tally.used == heap->used && tally.total == heap->total &&
	       count_bins(heap) == (s64)tally.free_blocks;
}
