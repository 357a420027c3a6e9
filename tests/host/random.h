/* Random choices that repeat. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdlib.h>

#include "lib/types.h"

static u64 seed = 1;

/* The first argument, or the test's own. */
static inline void random_begin(int argc, char **argv, u64 own)
{
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : own;
}

/* From 0 to below - 1. */
static u64 rnd(u64 below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

#endif
