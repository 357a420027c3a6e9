/*
 * The arena: all of ramfs's metadata, in one memory object that outlives the process, always at the same address, so that it holds plain pointers.
 *
 * A kill at any instruction must leave it whole. Changes are made in a transaction: SET() saves the old bytes in the undo log, then stores. Commit
 * empties the log; until then recovery (at the next start) or abort puts the old bytes back, last first. A process that is killed stops between two
 * instructions, and what it has stored stays stored in program order, so compiler barriers are all the ordering there is to care for.
 *
 * Blocks come in powers of two, and in pools: a block of one pool is never used for another, so that a stale pointer to an inode or an entry still
 * points to one (which may be another: its users check) and never to bytes that a client chose.
 * Fresh memory needs no log: if the allocation is undone nothing refers to it.
 */
#ifndef RAMFS_ARENA_H
#define RAMFS_ARENA_H

#include "lib/types.h"

#define ARENA_MAGIC   0x53464d4152585531ul
#define ARENA_VERSION 1
#define LOG_BYTES     0x8000

enum arena_pool {
	POOL_BYTES,   /* texts, tables */
	POOL_INODES,
	POOL_ENTRIES,
	POOL_COUNT
};

#define ARENA_CLASS_MIN 5  /* 32 bytes */
#define ARENA_CLASS_MAX 30
#define ARENA_CLASSES (ARENA_CLASS_MAX + 1)

struct arena_header {
	u64 magic, version;
	u64 size;            /* bytes of the object: memory up to here may be touched */
	u64 used;            /* bytes handed out, from the start */
	u64 epoch;           /* number of this start */
	u64 ready;           /* the tree is complete; 0: start over */
	void *free[POOL_COUNT][ARENA_CLASSES];
	u64 root[16];        /* the file system's own words */
	u64 log_used;        /* bytes of valid records; 0: no transaction is open */
	u8 log[LOG_BYTES] __attribute__((aligned(16)));
};

extern struct arena_header *arena;

/* Makes the object at least that large; given by the user (a call of root, or nothing in tests). False: no memory. */
typedef bool arena_grow(u64 size);

/* A new arena at `memory`, of `size` bytes that are there and zero. */
void arena_format(void *memory, u64 size, arena_grow *grow);
/* An arena that was there before: rolls an open transaction back. False: it is none, or its tree was never complete. */
bool arena_recover(void *memory, u64 size, arena_grow *grow);

void arena_begin(void);
void arena_commit(void);
/* Undoes everything since arena_begin(). */
void arena_abort(void);

/* Inside a transaction. Zeroed; NULL: no memory. */
void *arena_take(enum arena_pool pool, size_t size);
void arena_free(enum arena_pool pool, void *block, size_t size);

/* Saves what is at `place` before it is changed; the second: `old`, of at most 8 bytes. */
void arena_save(void *place, size_t size);
void arena_save_word(void *place, size_t size, u64 old);

/* What was stored before this stays before what is stored after it, for whoever finds both after a kill. Tests end a run at any of these points. */
#ifdef HOST_TEST
void arena_crash_point(void);
#else
static inline void arena_crash_point(void)
{
	__asm__ volatile("" ::: "memory");
}
#endif

#define SET(place, value)                                               \
	do {                                                            \
		arena_save_word(&(place), sizeof(place), (u64)(place)); \
		(place) = (value);                                      \
		arena_crash_point();                                    \
	} while (0)

#endif
