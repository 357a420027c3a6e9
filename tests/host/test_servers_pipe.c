// sources: servers/pipe/ring.c
/* The pipe's ring against a model: a plain array that is shifted. */
#include "check.h"

#include "lib/hash.h"
#include "servers/pipe/ring.h"

#define SIZE 16384

static u8 buffer[2][SIZE * 2];
static u8 model[SIZE * 2];
static size_t model_used;
static u8 next_byte;

static void put(struct ring *ring, size_t want)
{
	size_t take = ring_accepts(ring, want), room = ring->size - model_used;

	CHECK_EQ(take, want <= PIPE_ATOMIC ? (want <= room ? want : 0) : (want < room ? want : room));
	while (take) {
		size_t length;
		u8 *to = ring_fill_span(ring, take, &length);

		CHECK(length > 0 && length <= take);
		if (!length)
			return;
		for (size_t i = 0; i < length; i++)
			model[model_used++] = to[i] = next_byte++;
		ring_filled(ring, length);
		take -= length;
	}
}

static void get(struct ring *ring, size_t want)
{
	size_t take = want < model_used ? want : model_used, done = 0;

	while (done < take) {
		size_t length;
		const u8 *from = ring_read_span(ring, take - done, &length);

		CHECK(length > 0 && length <= take - done);
		if (!length)
			return;
		CHECK(!memcmp(from, model + done, length));
		ring_consumed(ring, length);
		done += length;
	}
	memmove(model, model + take, model_used - take);
	model_used -= take;
}

static void ring_matches_a_shifted_array(void)
{
	struct ring ring;
	u64 seed = 1;

	model_used = 0;
	ring_init(&ring, buffer[0], SIZE);
	for (int step = 0; step < 20000 && !CHECK_FAILED(); step++) {
		u64 dice = splitmix64_next(&seed);
		size_t amount = 1 + (dice >> 8) % (dice & 4 ? 300 : 9000);

		if (dice & 1)
			put(&ring, amount);
		else
			get(&ring, amount);
		CHECK_EQ(ring_used(&ring), model_used);
		CHECK_EQ(ring_room(&ring), SIZE - model_used);
	}
}

static void moving_to_another_buffer_keeps_the_bytes(void)
{
	struct ring ring;
	u64 seed = 7;

	model_used = 0;
	ring_init(&ring, buffer[0], SIZE);
	for (int step = 0; step < 2000 && !CHECK_FAILED(); step++) {
		u64 dice = splitmix64_next(&seed);
		u8 *other = ring.bytes == buffer[0] ? buffer[1] : buffer[0];

		put(&ring, 1 + (dice >> 8) % 5000);
		get(&ring, 1 + (dice >> 32) % 6000);
		ring_move(&ring, other, ring_used(&ring) > SIZE || dice & 1 ? SIZE * 2 : SIZE);
		CHECK_EQ(ring_used(&ring), model_used);
	}
	get(&ring, model_used);
	CHECK_EQ(ring_used(&ring), 0);
}

static void a_small_write_is_never_torn(void)
{
	struct ring ring;

	model_used = 0;
	ring_init(&ring, buffer[0], SIZE);
	put(&ring, SIZE - 100);
	CHECK_EQ(ring_accepts(&ring, 101), 0);
	CHECK_EQ(ring_accepts(&ring, 100), 100);
	CHECK_EQ(ring_accepts(&ring, PIPE_ATOMIC), 0);
	CHECK_EQ(ring_accepts(&ring, PIPE_ATOMIC + 1), 100);
}

static void an_emptied_ring_starts_at_its_first_byte(void)
{
	struct ring ring;
	size_t length;

	model_used = 0;
	ring_init(&ring, buffer[0], SIZE);
	put(&ring, 5000);
	get(&ring, 5000);
	CHECK(ring_fill_span(&ring, 1, &length) == buffer[0]);
}

int main(void)
{
	RUN(ring_matches_a_shifted_array);
	RUN(moving_to_another_buffer_keeps_the_bytes);
	RUN(a_small_write_is_never_torn);
	RUN(an_emptied_ring_starts_at_its_first_byte);
	return check_result();
}
