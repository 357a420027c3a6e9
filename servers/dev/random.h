/*
 * The random generator behind /dev/random and /dev/urandom: ChaCha20 with fast key erasure. Each block's first half becomes the next
 * key, so that what was given out cannot be computed from what the generator holds later. Seeds are mixed in, never replace the state.
 */
#ifndef DEV_RANDOM_H
#define DEV_RANDOM_H

#include "lib/types.h"

struct random {
	u32 key[8];
	u8 left[32]; /* output not given out yet: its last `have` bytes */
	size_t have;
};

/* Mixes `length` bytes of anything into the state. */
void random_mix(struct random *random, const void *seed, size_t length);
void random_bytes(struct random *random, void *to, size_t length);

#endif
