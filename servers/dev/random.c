#include "servers/dev/random.h"

#include "lib/string.h"
#include "servers/dev/chacha20.h"

static const u32 nonce[3] = { 0x55585254, 0, 0 };

/* A block: the key is replaced by its first half; the second is the caller's. */
static void step(struct random *random, u8 output[32])
{
	u8 block[CHACHA20_BLOCK];

	chacha20_block(block, random->key, 0, nonce);
	memcpy(random->key, block, sizeof(random->key));
	memcpy(output, block + 32, 32);
	memset(block, 0, sizeof(block));
	__asm__ volatile("" : : "r"(block) : "memory");
}

void random_mix(struct random *random, const void *seed, size_t length)
{
	const u8 *from = seed;
	u8 unused[32];

	while (length) {
		u8 *key = (u8 *)random->key;
		size_t n = MIN(length, sizeof(random->key));

		for (size_t i = 0; i < n; i++)
			key[i] ^= from[i];
		step(random, unused);
		from += n;
		length -= n;
	}
	random->have = 0;
}

static void refill(struct random *random)
{
	step(random, random->left);
	random->have = sizeof(random->left);
}

/* Whole blocks under a key that is used for nothing else, and forgotten. */
static void bulk(struct random *random, u8 *out, size_t blocks)
{
	u32 key[8];

	step(random, (u8 *)key);
	for (u32 i = 0; i < blocks; i++)
		chacha20_block(out + (size_t)i * CHACHA20_BLOCK, key, i, nonce);
	memset(key, 0, sizeof(key));
	__asm__ volatile("" : : "r"(key) : "memory");
}

#define BULK_BLOCKS 1024 /* under one key */

void random_bytes(struct random *random, void *to, size_t length)
{
	u8 *out = to;

	while (length > 2 * CHACHA20_BLOCK) {
		size_t blocks = MIN(length / CHACHA20_BLOCK, (size_t)BULK_BLOCKS);

		bulk(random, out, blocks);
		out += blocks * CHACHA20_BLOCK;
		length -= blocks * CHACHA20_BLOCK;
	}
	while (length) {
		if (!random->have)
			refill(random);
		size_t n = MIN(length, random->have);
		u8 *from = random->left + sizeof(random->left) - random->have;

		memcpy(out, from, n);
		memset(from, 0, n);
		random->have -= n;
		out += n;
		length -= n;
	}
}
