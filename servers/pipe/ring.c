#include "servers/pipe/ring.h"

#include "lib/string.h"

void ring_init(struct ring *ring, u8 *bytes, size_t size)
{
	*ring = (struct ring){ .bytes = bytes, .size = size };
}

/* A run from position `at` that ends at the latest with the buffer. */
static u8 *span(const struct ring *ring, u64 at, size_t most, size_t *length)
{
	size_t start = at % ring->size;

	*length = MIN(most, ring->size - start);
	return ring->bytes + start;
}

u8 *ring_fill_span(const struct ring *ring, size_t want, size_t *length)
{
	return span(ring, ring->head, MIN(want, ring_room(ring)), length);
}

const u8 *ring_read_span(const struct ring *ring, size_t want, size_t *length)
{
	return span(ring, ring->tail, MIN(want, ring_used(ring)), length);
}

void ring_filled(struct ring *ring, size_t length)
{
	ring->head += length;
}

void ring_consumed(struct ring *ring, size_t length)
{
	ring->tail += length;
	if (ring->tail == ring->head)
		ring->head = ring->tail = 0;
}

size_t ring_accepts(const struct ring *ring, size_t want)
{
	size_t room = ring_room(ring);

	if (want <= PIPE_ATOMIC)
		return want <= room ? want : 0;
	return MIN(want, room);
}

void ring_move(struct ring *ring, u8 *bytes, size_t size)
{
	size_t moved = 0, length;

	for (;;) {
		const u8 *from = ring_read_span(ring, ring_used(ring), &length);

		if (!length)
			break;
		memcpy(bytes + moved, from, length);
		moved += length;
		ring_consumed(ring, length);
	}
	ring_init(ring, bytes, size);
	ring->head = moved;
}
