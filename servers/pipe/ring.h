/*
 * The bytes of one pipe: a ring over one buffer, and how they lie in *slots* of at most a page each, as Linux keeps them. How much a pipe takes is
 * counted in slots, not bytes: a write goes on in the last slot only if the part of it that is no whole page fits there, so that 16 slots
 * may be full with less than 65536 bytes. A packet has a slot of its own.
 *
 * Positions grow without end; an emptied ring starts again at the buffer's first byte, so that a pipe used for small messages touches only
 * its first page. Bytes are first put behind the head (ring_fill_span, ring_filled) and then counted in (ring_commit), or taken back.
 */
#ifndef PIPE_RING_H
#define PIPE_RING_H

#include "lib/types.h"

/* POSIX: writes of at most this many bytes are not torn. */
#define PIPE_ATOMIC    4096
#define RING_SLOTS_FEW 16 /* for which the ring has room itself */

struct ring_slot {
	u16 start, end; /* of what is left, in the page that Linux would have used */
	bool packet;
	bool closed;    /* came by splice or tee: no write goes on in it */
};

struct ring {
	u8 *bytes;
	size_t size;    /* slots * PAGE_SIZE */
	u64 head, tail; /* next byte to write; next byte to read */
	u64 filled;     /* head and what was put behind it */
	unsigned slots, first, used;
	bool cut;       /* the last write stopped at a page of its writer's that was not there: the next one is its rest */
	struct ring_slot *slot; /* `slots` of them, a power of two; `few` or the caller's */
	struct ring_slot few[RING_SLOTS_FEW];
};

/* Of at most RING_SLOTS_FEW slots. A ring stays where it is. */
void ring_init(struct ring *ring, size_t size);

static inline size_t ring_used(const struct ring *ring)
{
	return ring->head - ring->tail;
}

static inline bool ring_full(const struct ring *ring)
{
	return ring->used == ring->slots;
}

/* A write of `length` bytes in all, of which `done` are in: how many can go in now. */
size_t ring_accepts(const struct ring *ring, size_t length, size_t done);

/* The longest run that can be put behind what was filled, at most `want` bytes. ring_filled: so many of it are written. */
u8 *ring_fill_span(const struct ring *ring, size_t want, size_t *length);
void ring_filled(struct ring *ring, size_t length);
/* What was filled counts, as part of that write; or is forgotten. */
void ring_commit(struct ring *ring, size_t length, size_t done, bool packet);
void ring_take_back(struct ring *ring);

/* What is left of the packet that comes next; 0: no packet is next. A read takes no more than that, and the packet's rest is dropped. */
size_t ring_packet(const struct ring *ring);
/* The longest run for a read of `want` bytes, up to the next packet, or of one; *length 0: none. */
const u8 *ring_read_span(const struct ring *ring, size_t want, size_t *length);
void ring_consumed(struct ring *ring, size_t length);

/* What a read of `want` bytes would get. */
size_t ring_readable(const struct ring *ring, size_t want);
/* A run at `offset` behind the tail, of at most `want` bytes, which are there. */
const u8 *ring_peek_span(const struct ring *ring, size_t offset, size_t want, size_t *length);
/* The index-th slot's bytes, which lie at `offset` behind the tail. */
size_t ring_slot_length(const struct ring *ring, unsigned index);
/* What was filled becomes one slot of its own. */
void ring_commit_slot(struct ring *ring);

/* Another size, at least the slots in use; `bytes` NULL if the ring has no buffer; `slot`: room for the slots, NULL for RING_SLOTS_FEW. */
void ring_move(struct ring *ring, u8 *bytes, size_t size, struct ring_slot *slot);

#endif
