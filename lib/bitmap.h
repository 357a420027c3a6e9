/*
 * Bitmaps over u64 words, bit 0 lowest. `bits` is the size of the map in bits; the caller keeps ranges inside it.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/types.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const u64 *map, size_t bit)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(u64 *map, size_t bit)
{
	map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear(u64 *map, size_t bit)
{
	map[bit / 64] &= ~BIT(bit % 64);
}

/* Sets or clears bits first .. first + count - 1. */
static inline void bitmap_assign_range(u64 *map, size_t first, size_t count, bool value)
{
	while (count) {
		size_t shift = first % 64, n = 64 - shift < count ? 64 - shift : count;
		u64 mask = (n == 64 ? ~0ull : BIT(n) - 1) << shift;

		if (value)
			map[first / 64] |= mask;
		else
			map[first / 64] &= ~mask;
		first += n;
		count -= n;
	}
}

static inline void bitmap_set_range(u64 *map, size_t first, size_t count)
{
	bitmap_assign_range(map, first, count, true);
}

static inline void bitmap_clear_range(u64 *map, size_t first, size_t count)
{
	bitmap_assign_range(map, first, count, false);
}

/* The first bit at or after `from` that is `value`; `bits` if there is none. */
static inline size_t bitmap_find_value(const u64 *map, size_t bits, size_t from, bool value)
{
	while (from < bits) {
		u64 word = (value ? map[from / 64] : ~map[from / 64]) & (~0ull << (from % 64));

		if (word) {
			size_t found = ALIGN_DOWN(from, 64) + (size_t)__builtin_ctzll(word);

			return found < bits ? found : bits;
		}
		from = ALIGN_DOWN(from, 64) + 64;
	}
	return bits;
}

static inline size_t bitmap_find_zero(const u64 *map, size_t bits, size_t from)
{
	return bitmap_find_value(map, bits, from, false);
}

static inline size_t bitmap_find_set(const u64 *map, size_t bits, size_t from)
{
	return bitmap_find_value(map, bits, from, true);
}

/* The first run of `count` zero bits at or after `from`; `bits` if there is none. count >= 1. */
static inline size_t bitmap_find_zero_range(const u64 *map, size_t bits, size_t from, size_t count)
{
	for (;;) {
		size_t first = bitmap_find_zero(map, bits, from);

		if (first == bits || bits - first < count)
			return bits;
		from = bitmap_find_set(map, bits, first);
		if (from - first >= count)
			return first;
	}
}

/* How many of the first `bits` bits are set. Bits past the end may have any value. */
static inline size_t bitmap_count(const u64 *map, size_t bits)
{
	size_t sum = 0;

	for (size_t at = bitmap_find_set(map, bits, 0); at < bits; at = bitmap_find_set(map, bits, at + 1))
		sum++;
	return sum;
}

#endif
