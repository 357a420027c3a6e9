// sources: servers/pipe/ring.c
/* The pipe's ring against a model: an array of buffers, each with its bytes, filled and emptied by Linux's rules (fs/pipe.c). */
#include "check.h"

#include "lib/hash.h"
#include "servers/pipe/ring.h"

#define SLOTS 8
#define SIZE  (SLOTS * 4096)

static u8 buffer[2][SIZE * 2];

static struct {
	struct {
		u8 bytes[4096];
		size_t start, end;
		bool packet;
	} slot[SLOTS * 2];
	unsigned used, slots;
} model;
static u8 next_byte;

static void model_add(size_t length, bool packet, u8 first)
{
	unsigned i = model.used++;

	model.slot[i].start = 0;
	model.slot[i].end = length;
	model.slot[i].packet = packet;
	for (size_t j = 0; j < length; j++)
		model.slot[i].bytes[j] = (u8)(first + j);
}

/* What a nonblocking write puts in. */
static size_t model_write(size_t length, bool packet, u8 first)
{
	size_t part = length % 4096, done = 0;
	unsigned last = model.used - 1;

	if (part && model.used && !model.slot[last].packet && model.slot[last].end + part <= 4096) {
		for (size_t j = 0; j < part; j++)
			model.slot[last].bytes[model.slot[last].end++] = (u8)(first + j);
		done = part;
	}
	while (done < length && model.used < model.slots) {
		size_t n = length - done < 4096 ? length - done : 4096;

		model_add(n, packet, (u8)(first + done));
		done += n;
	}
	return done;
}

static size_t model_read(u8 *to, size_t length)
{
	size_t done = 0;

	while (done < length && model.used) {
		size_t left = model.slot[0].end - model.slot[0].start, n = left < length - done ? left : length - done;
		bool packet = model.slot[0].packet;

		if (packet && done)
			break;
		memcpy(to + done, model.slot[0].bytes + model.slot[0].start, n);
		model.slot[0].start += n;
		done += n;
		if (packet || n == left)
			memmove(&model.slot[0], &model.slot[1], --model.used * sizeof(model.slot[0]));
		if (packet)
			break;
	}
	return done;
}

static void put(struct ring *ring, size_t length, bool packet)
{
	size_t take = ring_accepts(ring, length, 0), filled = 0;

	while (filled < take) {
		size_t n;
		u8 *to = ring_fill_span(ring, take - filled, &n);

		CHECK(n > 0 && n <= take - filled);
		if (CHECK_FAILED())
			return;
		for (size_t i = 0; i < n; i++)
			to[i] = (u8)(next_byte + filled + i);
		ring_filled(ring, n);
		filled += n;
	}
	ring_commit(ring, length, 0, packet);
	CHECK_EQ(take, model_write(length, packet, next_byte));
	next_byte += (u8)take;
}

static void get(struct ring *ring, size_t length)
{
	static u8 got[SIZE * 2], expected[SIZE * 2];
	size_t packet = ring_packet(ring), want = packet && packet < length ? packet : length, done = 0, n;

	while (done < want && (packet || !ring_packet(ring))) {
		const u8 *from = ring_read_span(ring, want - done, &n);

		if (!n)
			break;
		memcpy(got + done, from, n);
		done += n;
		ring_consumed(ring, n);
	}
	if (packet)
		ring_consumed(ring, packet - want);
	n = model_read(expected, length);
	CHECK_EQ(done, n);
	CHECK(!memcmp(got, expected, n));
}

static void start(struct ring *ring)
{
	memset(&model, 0, sizeof(model));
	model.slots = SLOTS;
	ring_init(ring, SIZE);
	ring->bytes = buffer[0];
}

static void check_same(const struct ring *ring)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < model.used; i++)
		bytes += model.slot[i].end - model.slot[i].start;
	CHECK_EQ(ring_used(ring), bytes);
	CHECK_EQ(ring->used, model.used);
	CHECK_EQ(ring_full(ring), model.used == model.slots);
}

static void ring_follows_linux_at_random(void)
{
	struct ring ring;
	u64 seed = 1;

	start(&ring);
	for (int step = 0; step < 30000 && !CHECK_FAILED(); step++) {
		u64 dice = splitmix64_next(&seed);
		size_t amount = 1 + (dice >> 8) % (dice & 4 ? 300 : 9000);

		if (dice & 1)
			put(&ring, amount, (dice & 48) == 48 && amount <= 4096);
		else
			get(&ring, amount);
		check_same(&ring);
	}
}

static void moving_to_another_buffer_keeps_the_bytes(void)
{
	static struct ring_slot slots[2][SLOTS * 2];
	struct ring ring;
	u64 seed = 7;

	start(&ring);
	for (int step = 0; step < 3000 && !CHECK_FAILED(); step++) {
		u64 dice = splitmix64_next(&seed);
		u8 *other = ring.bytes == buffer[0] ? buffer[1] : buffer[0];

		put(&ring, 1 + (dice >> 8) % 5000, false);
		get(&ring, 1 + (dice >> 32) % 6000);
		model.slots = ring.used > SLOTS || dice & 1 ? SLOTS * 2 : SLOTS;
		ring_move(&ring, other, model.slots * 4096, model.slots == SLOTS ? NULL : ring.slot == slots[0] ? slots[1] : slots[0]);
		check_same(&ring);
	}
}

static void a_small_write_is_never_torn(void)
{
	struct ring ring;

	start(&ring);
	put(&ring, SIZE - 4096 - 100, false);
	put(&ring, 4000, false);
	CHECK_EQ(ring_accepts(&ring, 97, 0), 0);
	CHECK_EQ(ring_accepts(&ring, 96, 0), 96);
	CHECK_EQ(ring_accepts(&ring, PIPE_ATOMIC, 0), 0);
	CHECK_EQ(ring_accepts(&ring, PIPE_ATOMIC + 10, 0), 10);
}

static void what_was_taken_back_was_never_there(void)
{
	struct ring ring;
	size_t n;

	start(&ring);
	put(&ring, 5000, false);
	ring_fill_span(&ring, 3000, &n);
	ring_filled(&ring, n);
	ring_take_back(&ring);
	check_same(&ring);
	put(&ring, 100, false);
	get(&ring, 9000);
	check_same(&ring);
}

static void an_emptied_ring_starts_at_its_first_byte(void)
{
	struct ring ring;
	size_t length;

	start(&ring);
	put(&ring, 5000, false);
	get(&ring, 5000);
	CHECK(ring_fill_span(&ring, 1, &length) == buffer[0]);
}

int main(void)
{
	RUN(ring_follows_linux_at_random);
	RUN(moving_to_another_buffer_keeps_the_bytes);
	RUN(a_small_write_is_never_torn);
	RUN(what_was_taken_back_was_never_there);
	RUN(an_emptied_ring_starts_at_its_first_byte);
	return check_result();
}
