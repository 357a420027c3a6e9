#include "lib/heap.h"

#include "lib/hash.h"
#include "tests/host/check.h"

#include <stdlib.h>

#define ARENA (8u << 20)

/* An arena that grows upwards; with `gaps` it leaves a page between grants, so that segments do not join. */
struct arena {
	char *base;
	size_t used, limit;
	bool gaps;
};

static void *grow(void *ctx, size_t *size)
{
	struct arena *arena = ctx;
	void *at;

	if (arena->gaps)
		arena->used += PAGE_SIZE;
	if (*size > arena->limit || arena->used > arena->limit - *size)
		return NULL;
	at = arena->base + arena->used;
	arena->used += *size;
	return at;
}

static struct heap heap;
static struct arena arena;

static void start(size_t limit, bool gaps)
{
	free(arena.base);
	arena = (struct arena){ .base = aligned_alloc(PAGE_SIZE, ARENA), .limit = limit, .gaps = gaps };
	heap_init(&heap, grow, &arena);
}

static void blocks_are_aligned_distinct_and_joined_when_freed(void)
{
	void *p[100];

	start(ARENA, false);
	for (size_t i = 0; i < 100; i++) {
		p[i] = heap_alloc(&heap, i * 7);
		CHECK_EQ((uintptr_t)p[i] % 16, 0);
		CHECK(heap_size(p[i]) >= i * 7);
		CHECK(!i || p[i] != p[i - 1]);
	}
	CHECK(heap_check(&heap));
	for (size_t i = 0; i < 100; i++)
		heap_free(&heap, p[i * 37 % 100]);
	CHECK(heap_check(&heap));
	CHECK_EQ(heap.used, 0);
	heap_free(&heap, NULL);
	CHECK(heap_alloc(&heap, heap.total - 64) != NULL);
	CHECK_EQ(arena.used, heap.total);
}

static void exhaustion_and_overflow_give_null_and_harm_nothing(void)
{
	void *p;

	start(1 << 16, false);
	p = heap_alloc(&heap, 1000);
	CHECK(p != NULL);
	CHECK(!heap_alloc(&heap, 1 << 17));
	CHECK(!heap_alloc(&heap, SIZE_MAX));
	CHECK(!heap_alloc(&heap, SIZE_MAX - 30));
	CHECK(!heap_alloc_zero(&heap, SIZE_MAX / 2, 3));
	CHECK(!heap_realloc(&heap, p, 1 << 20));
	CHECK(!heap_realloc(&heap, p, SIZE_MAX));
	CHECK(heap_size(p) >= 1000);
	CHECK(heap_check(&heap));
}

static void realloc_grows_in_place_into_free_room(void)
{
	char *p, *q;

	start(ARENA, false);
	p = heap_alloc(&heap, 100);
	memset(p, 'x', 100);
	q = heap_realloc(&heap, p, 2000);
	CHECK(q == p);
	heap_alloc(&heap, 8);
	q = heap_realloc(&heap, p, 50000);
	CHECK(q && q != p && q[0] == 'x' && q[99] == 'x');
	CHECK(heap_realloc(&heap, q, 10) == q);
	CHECK(heap_check(&heap));
}

static void zeroed_memory_is_zero_though_used_before(void)
{
	char *p;

	start(ARENA, false);
	p = heap_alloc(&heap, 500);
	memset(p, 0xff, 500);
	heap_free(&heap, p);
	p = heap_alloc_zero(&heap, 50, 10);
	for (int i = 0; i < 500; i++)
		CHECK_EQ(p[i], 0);
}

#define SLOTS 200

struct slot {
	u8 *p;
	size_t size;
	u8 fill;
};

static bool slot_intact(const struct slot *slot)
{
	for (size_t i = 0; i < slot->size; i++)
		if (slot->p[i] != slot->fill)
			return false;
	return true;
}

static size_t random_size(u64 *seed)
{
	u64 kind = splitmix64_next(seed) % 16;

	return splitmix64_next(seed) % (kind == 0 ? 100000 : kind < 4 ? 5000 : 300);
}

static void random_step(struct slot *slot, u64 *seed)
{
	size_t size = random_size(seed), keep = MIN(size, slot->size);
	u8 *p;

	if (slot->p && splitmix64_next(seed) % 2) {
		heap_free(&heap, slot->p);
		*slot = (struct slot){ 0 };
		return;
	}
	p = heap_realloc(&heap, slot->p, size);
	if (!p)
		return;
	for (size_t i = 0; i < keep; i++)
		CHECK_EQ(p[i], slot->fill);
	*slot = (struct slot){ .p = p, .size = size, .fill = (u8)splitmix64_next(seed) };
	memset(p, slot->fill, size);
}

static void run_random(bool gaps, size_t limit)
{
	static struct slot slots[SLOTS];
	u64 seed = 11 + gaps;

	start(limit, gaps);
	memset(slots, 0, sizeof(slots));
	for (int step = 0; step < 40000 && !CHECK_FAILED(); step++) {
		struct slot *slot = &slots[splitmix64_next(&seed) % SLOTS];

		CHECK(slot_intact(slot));
		random_step(slot, &seed);
		if (step % 64 == 0)
			CHECK(heap_check(&heap));
	}
	for (int i = 0; i < SLOTS; i++)
		heap_free(&heap, slots[i].p);
	CHECK(heap_check(&heap));
	CHECK_EQ(heap.used, 0);
}

static void random_use_of_one_growing_arena_keeps_contents(void)
{
	run_random(false, ARENA);
}

static void random_use_of_scattered_segments_keeps_contents(void)
{
	run_random(true, ARENA);
}

static void random_use_survives_running_out(void)
{
	run_random(false, 300000);
}

int main(void)
{
	RUN(blocks_are_aligned_distinct_and_joined_when_freed);
	RUN(exhaustion_and_overflow_give_null_and_harm_nothing);
	RUN(realloc_grows_in_place_into_free_room);
	RUN(zeroed_memory_is_zero_though_used_before);
	RUN(random_use_of_one_growing_arena_keeps_contents);
	RUN(random_use_of_scattered_segments_keeps_contents);
	RUN(random_use_survives_running_out);
	free(arena.base);
	return check_result();
}
