#include "servers/pipe/ring.h"

#include "lib/string.h"

void ring_init(struct ring *ring, size_t size)
{
	*ring = (struct ring){ .size = size, .slots = (unsigned)(size / PAGE_SIZE), .slot = ring->few };
}

static struct ring_slot *slot_at(struct ring *ring, unsigned index)
{
	return &ring->slot[(ring->first + index) % ring->slots];
}

static const struct ring_slot *slot_look(const struct ring *ring, unsigned index)
{
	return &ring->slot[(ring->first + index) % ring->slots];
}

/* ---- writing ---- */

/* What a write's start adds to the last slot: the part that is no whole page, if it fits. */
static size_t merges(const struct ring *ring, size_t length, size_t done)
{
	size_t part = length % PAGE_SIZE;
	const struct ring_slot *last;

	if (done || !ring->used)
		return 0;
	last = slot_look(ring, ring->used - 1);
	if (last->closed)
		return 0;
	if (ring->cut && !last->packet)
		return MIN(length, (size_t)(PAGE_SIZE - last->end));
	if (!part)
		return 0;
	return !last->packet && last->end + part <= PAGE_SIZE ? part : 0;
}

size_t ring_accepts(const struct ring *ring, size_t length, size_t done)
{
	size_t merged = merges(ring, length, done), room = (size_t)(ring->slots - ring->used) * PAGE_SIZE;

	return merged + MIN(length - done - merged, room);
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
	return span(ring, ring->filled, MIN(want, ring->size - (ring->filled - ring->tail)), length);
}

void ring_filled(struct ring *ring, size_t length)
{
	ring->filled += length;
}

void ring_take_back(struct ring *ring)
{
	ring->filled = ring->head;
}

void ring_commit(struct ring *ring, size_t length, size_t done, bool packet)
{
	size_t left = ring->filled - ring->head, merged = MIN(merges(ring, length, done), left);

	ring->head = ring->filled;
	if (merged)
		slot_at(ring, ring->used - 1)->end += (u16)merged;
	for (left -= merged; left; ring->used++) {
		size_t n = MIN(left, (size_t)PAGE_SIZE);

		*slot_at(ring, ring->used) = (struct ring_slot){ .end = (u16)n, .packet = packet };
		left -= n;
	}
}

/* ---- reading ---- */

static size_t slot_length(const struct ring_slot *slot)
{
	return slot->end - slot->start;
}

size_t ring_packet(const struct ring *ring)
{
	const struct ring_slot *first = slot_look(ring, 0);

	return ring->used && first->packet ? slot_length(first) : 0;
}

size_t ring_readable(const struct ring *ring, size_t want)
{
	size_t run = ring_packet(ring);

	for (unsigned i = 0; !ring_packet(ring) && i < ring->used && run < want && !slot_look(ring, i)->packet; i++)
		run += slot_length(slot_look(ring, i));
	return MIN(want, run);
}

const u8 *ring_read_span(const struct ring *ring, size_t want, size_t *length)
{
	return span(ring, ring->tail, ring_readable(ring, want), length);
}

const u8 *ring_peek_span(const struct ring *ring, size_t offset, size_t want, size_t *length)
{
	return span(ring, ring->tail + offset, want, length);
}

size_t ring_slot_length(const struct ring *ring, unsigned index)
{
	return slot_length(slot_look(ring, index));
}

void ring_commit_slot(struct ring *ring)
{
	*slot_at(ring, ring->used) = (struct ring_slot){ .end = (u16)(ring->filled - ring->head), .closed = true };
	ring->head = ring->filled;
	ring->used++;
}

static void restart_if_empty(struct ring *ring)
{
	if (ring->tail == ring->head && ring->filled == ring->head)
		ring->head = ring->tail = ring->filled = 0;
}

void ring_consumed(struct ring *ring, size_t length)
{
	ring->tail += length;
	while (length) {
		struct ring_slot *slot = slot_at(ring, 0);
		size_t n = MIN(length, slot_length(slot));

		slot->start += (u16)n;
		length -= n;
		if (slot->start < slot->end)
			break;
		ring->first = (ring->first + 1) % ring->slots;
		ring->used--;
	}
	restart_if_empty(ring);
}

/* ---- another buffer ---- */

static void move_slots(struct ring *ring, unsigned slots, struct ring_slot *slot)
{
	struct ring_slot few[RING_SLOTS_FEW], *to = slot ? slot : few;

	for (unsigned i = 0; i < ring->used; i++)
		to[i] = *slot_at(ring, i);
	if (!slot)
		memcpy(ring->few, few, ring->used * sizeof(few[0]));
	ring->slot = slot ? slot : ring->few;
	ring->slots = slots;
	ring->first = 0;
}

void ring_move(struct ring *ring, u8 *bytes, size_t size, struct ring_slot *slot)
{
	size_t used = ring_used(ring), first;

	if (used) {
		const u8 *from = span(ring, ring->tail, used, &first);

		memcpy(bytes, from, first);
		memcpy(bytes + first, ring->bytes, used - first);
	}
	ring->bytes = bytes;
	ring->size = size;
	move_slots(ring, (unsigned)(size / PAGE_SIZE), slot);
	ring->tail = 0;
	ring->head = ring->filled = used;
}
