#include "servers/ramfs/arena.h"

#include "lib/string.h"

struct arena_header *arena;

static arena_grow *grow_object;

/* A record of the log: the bytes before it, then this. Read from the end. */
struct record {
	void *place;
	u64 size; /* of the bytes, which lie before the record, padded to 8 */
};

static void barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

#define GROW_STEP 0x40000ul

void arena_format(void *memory, u64 size, arena_grow *grow)
{
	arena = memory;
	grow_object = grow;
	memset(arena, 0, sizeof(*arena));
	arena->version = ARENA_VERSION;
	arena->size = size;
	arena->used = ALIGN_UP(sizeof(*arena), 64);
	arena->epoch = 1;
	barrier();
	arena->magic = ARENA_MAGIC;
}

static void roll_back(void)
{
	while (arena->log_used) {
		struct record record;

		memcpy(&record, arena->log + arena->log_used - sizeof(record), sizeof(record));
		u64 padded = ALIGN_UP(record.size, 8);

		memcpy(record.place, arena->log + arena->log_used - sizeof(record) - padded, record.size);
		arena_crash_point();
		barrier();
		/* Put back once more after a kill here: no harm. */
		arena->log_used -= sizeof(record) + padded;
		barrier();
	}
}

bool arena_recover(void *memory, u64 size, arena_grow *grow)
{
	arena = memory;
	grow_object = grow;
	if (size < sizeof(*arena) || arena->magic != ARENA_MAGIC || arena->version != ARENA_VERSION || !arena->ready)
		return false;
	arena->size = size;
	roll_back();
	arena->epoch++;
	return true;
}

void arena_begin(void)
{
	barrier();
}

void arena_commit(void)
{
	barrier();
	arena->log_used = 0;
	barrier();
}

void arena_abort(void)
{
	roll_back();
}

/* Room for a record of so many bytes; NULL: nothing is to be saved. */
static inline u8 *log_room(u64 padded)
{
	u64 at = arena->log_used;

	/* A tree that is not complete yet is thrown away at the next start. */
	if (unlikely(!arena->ready))
		return NULL;
	/* Every transaction is small and of a known shape; one that is not would be a bug here, found in tests. */
	if (unlikely(at + padded + sizeof(struct record) > LOG_BYTES))
		__builtin_trap();
	return arena->log + at;
}

/* The record is there. */
static inline void log_end(u64 padded)
{
	arena_crash_point();
	barrier();
	arena->log_used += padded + sizeof(struct record);
	barrier();
	arena_crash_point();
}

void arena_save(void *place, size_t size)
{
	u64 padded = ALIGN_UP(size, 8);
	struct record record = { .place = place, .size = size };
	u8 *at = log_room(padded);

	if (!at)
		return;
	memcpy(at, place, size);
	memcpy(at + padded, &record, sizeof(record));
	log_end(padded);
}

void arena_save_word(void *place, size_t size, u64 old)
{
	struct { u64 old; struct record record; } *at = (void *)log_room(sizeof(old));

	if (!at)
		return;
	at->old = old;
	at->record = (struct record){ .place = place, .size = size };
	log_end(sizeof(old));
}

/* ---- blocks ---- */

static unsigned class_of(size_t size)
{
	unsigned class = ARENA_CLASS_MIN;

	while ((1ul << class) < size)
		class++;
	return class;
}

/* From the end of what is used. Classes up to a page are not aligned to their size: nothing needs that. */
static void *take_fresh(size_t size)
{
	u64 at = arena->used, end = at + size;

	if (end > arena->size) {
		u64 want = ALIGN_UP(end, GROW_STEP);

		if (!grow_object(want))
			return NULL;
		arena->size = want;
	}
	SET(arena->used, end);
	return (u8 *)arena + at;
}

void *arena_take(enum arena_pool pool, size_t size)
{
	unsigned class = class_of(size);
	void **block;

	if (class > ARENA_CLASS_MAX)
		return NULL;
	block = arena->free[pool][class];
	if (!block) {
		block = take_fresh(1ul << class);
		if (!block)
			return NULL;
	} else {
		void *next = *block;

		/* The link is lost when the block is written: undoing must find it. */
		arena_save(block, sizeof(*block));
		SET(arena->free[pool][class], next);
	}
	memset(block, 0, 1ul << class);
	arena_crash_point();
	return block;
}

/*
 * The block's first word becomes the link; an undone free must find it as it was. The rest of the block is left alone until it is taken again, which
 * a later transaction does, or this one: then its bytes are lost to an undo, so a transaction must not free and take of the same pool and size.
 */
void arena_free(enum arena_pool pool, void *block, size_t size)
{
	unsigned class = class_of(size);
	void **link = block;

	if (!block)
		return;
	SET(*link, arena->free[pool][class]);
	SET(arena->free[pool][class], block);
}
