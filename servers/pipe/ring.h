/*
 * The bytes of one pipe: a ring over one buffer. Positions grow without end; an emptied ring starts again at the buffer's first byte, so
 * that a pipe used for small messages touches only its first page.
 */
#ifndef PIPE_RING_H
#define PIPE_RING_H

#include "lib/types.h"

/* POSIX: writes of at most this many bytes are not torn. */
#define PIPE_ATOMIC 4096

struct ring {
	u8 *bytes;
	size_t size;
	u64 head, tail; /* next byte to write; next byte to read; head - tail <= size */
};

void ring_init(struct ring *ring, u8 *bytes, size_t size);

static inline size_t ring_used(const struct ring *ring)
{
	return ring->head - ring->tail;
}

static inline size_t ring_room(const struct ring *ring)
{
	return ring->size - ring_used(ring);
}

/* The longest run that can be filled or read in one piece, at most `want` bytes; *length 0: none. */
u8 *ring_fill_span(const struct ring *ring, size_t want, size_t *length);
const u8 *ring_read_span(const struct ring *ring, size_t want, size_t *length);

/* The first `length` bytes of the last span are written, are read. */
void ring_filled(struct ring *ring, size_t length);
void ring_consumed(struct ring *ring, size_t length);

/* How many of `want` bytes a write may put in now: a write of up to PIPE_ATOMIC bytes goes in whole or not at all. */
size_t ring_accepts(const struct ring *ring, size_t want);

/* Moves the contents to another buffer; they fit. */
void ring_move(struct ring *ring, u8 *bytes, size_t size);

#endif
