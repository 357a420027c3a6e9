/*
 * Descriptor numbers and what the runtime remembers of each: the pure part, no locks and no kernel calls (tests/host drives it).
 *
 * A number is free, reserved (taken, but nobody may use it yet: an open is under way) or open. The capability in that slot of
 * the files CNode is the truth about the open file; a word here holds only facts that cannot change while the number is open, but
 * for close-on-exec and the notes.
 */
#ifndef RUNTIME_LINUX_DESCRIPTOR_TABLE_H
#define RUNTIME_LINUX_DESCRIPTOR_TABLE_H

#include "abi/gate.h"
#include "lib/atomic.h"
#include "lib/types.h"

#define BIT32(n) (1u << (n))

/* A descriptor's word; 0: not open. It also goes through exec, as start_descriptor.flags. */
#define DESCRIPTOR_OPEN      BIT32(0)
#define DESCRIPTOR_CLOEXEC   BIT32(1)
#define DESCRIPTOR_PATH      BIT32(2) /* O_PATH */
#define DESCRIPTOR_SEEKABLE  BIT32(3)
#define DESCRIPTOR_TTY       BIT32(4)
#define DESCRIPTOR_EPOLL     BIT32(5) /* is an epoll instance */
#define DESCRIPTOR_WATCHED   BIT32(6) /* note: some epoll instance may have it in its list */
#define DESCRIPTOR_LOCKS     BIT32(7) /* only in start_descriptor.flags: the process has taken POSIX locks */
#define DESCRIPTOR_SIGNALFD  BIT32(10)
#define DESCRIPTOR_INOTIFY   BIT32(11)
#define DESCRIPTOR_PACKETS   BIT32(16) /* a socket that keeps the boundaries of messages */
#define DESCRIPTOR_TAKES_PATHS BIT32(17) /* note: a directory whose Handle takes paths (OPENED_TAKES_PATHS); cleared when it said that it does not */
#define DESCRIPTOR_ACCESS_SHIFT 8     /* O_ACCMODE bits */
#define DESCRIPTOR_TYPE_SHIFT   12    /* S_IFMT >> 12 */

static inline unsigned descriptor_access(u32 word)
{
	return word >> DESCRIPTOR_ACCESS_SHIFT & 3;
}

/* S_IFMT bits of the file. */
static inline unsigned descriptor_type(u32 word)
{
	return (word >> DESCRIPTOR_TYPE_SHIFT & 15) << 12;
}

static inline u32 descriptor_word(unsigned access, unsigned mode, u32 flags)
{
	return DESCRIPTOR_OPEN | flags | (access & 3) << DESCRIPTOR_ACCESS_SHIFT | (mode >> 12 & 15) << DESCRIPTOR_TYPE_SHIFT;
}

#define DESCRIPTOR_CHUNK  GATE_FILES_CHUNK
#define DESCRIPTOR_CHUNKS GATE_FILES_CHUNKS
#define DESCRIPTORS_MAX   (DESCRIPTOR_CHUNK * DESCRIPTOR_CHUNKS)

_Static_assert(DESCRIPTOR_CLOEXEC == GATE_FILES_CLOEXEC, "the bit that root looks at");

/* The words come first: root reads them (context_page.files_table). */
struct descriptor_chunk {
	u32 word[DESCRIPTOR_CHUNK];
	u64 used[DESCRIPTOR_CHUNK / 64];
};

/* Chunks never move or go while the table lives, so that a word can be read without a lock. The chunks come first: root reads them. */
struct descriptor_table {
	struct descriptor_chunk *chunk[DESCRIPTOR_CHUNKS];
	u32 lowest; /* no number below is free */
	u32 chunk_end; /* no chunk from this index on */
};

/* Where chunks come from: zeroed, or NULL. */
struct descriptor_chunk *descriptor_chunk_create(void);
void descriptor_chunk_destroy(struct descriptor_chunk *chunk);

/* The lowest free number >= from and < limit becomes reserved. -EMFILE: none; -ENOMEM. */
long dtable_reserve(struct descriptor_table *table, unsigned long from, unsigned long limit);

/* That very number. -EBUSY: reserved or open; -EBADF: above DESCRIPTORS_MAX; -ENOMEM. */
long dtable_reserve_at(struct descriptor_table *table, unsigned long number);

/* A reserved number becomes open with `word`. */
void dtable_publish(struct descriptor_table *table, unsigned long number, u32 word);

/* An open number becomes reserved; the word it had, or 0 if it was not open (then nothing changes). */
u32 dtable_withdraw(struct descriptor_table *table, unsigned long number);

/* A reserved number becomes free. */
void dtable_free(struct descriptor_table *table, unsigned long number);

/* The word of any number; 0 if it is not open. Needs no lock. */
static inline u32 dtable_get(const struct descriptor_table *table, unsigned long number)
{
	const struct descriptor_chunk *chunk = number < DESCRIPTORS_MAX ? atomic_load_acquire(&table->chunk[number / DESCRIPTOR_CHUNK]) : NULL;

	return chunk ? atomic_load_acquire(&chunk->word[number % DESCRIPTOR_CHUNK]) : 0;
}

/* Sets and clears bits of an open number's word. False: it is not open. */
bool dtable_change(struct descriptor_table *table, unsigned long number, u32 set, u32 clear);

/* The first open (or only reserved) number >= from; DESCRIPTORS_MAX if there is none. */
unsigned long dtable_next_open(const struct descriptor_table *table, unsigned long from);
unsigned long dtable_next_reserved(const struct descriptor_table *table, unsigned long from);

/* `to` is empty. Reserved numbers are not copied. -ENOMEM leaves `to` empty. */
long dtable_copy(struct descriptor_table *to, const struct descriptor_table *from);
void dtable_clear(struct descriptor_table *table);

#endif
