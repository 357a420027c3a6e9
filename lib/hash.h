/*
 * Hashes for tables. Neither resists an attacker who chooses the keys.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include "lib/types.h"

#define FNV1A_INIT 0xcbf29ce484222325ull

/* FNV-1a, 64 bits. Start with FNV1A_INIT; the result goes in again to continue over more bytes. */
static inline u64 hash_fnv1a(u64 hash, const void *data, size_t n)
{
	for (const u8 *at = data; n; n--, at++)
		hash = (hash ^ *at) * 0x100000001b3ull;
	return hash;
}

/* Of short names: eight bytes a step; the last ones are read together with some before them. */
static inline u64 hash_name(const char *name, size_t n)
{
	typedef u64 __attribute__((may_alias, aligned(1))) any_u64;
	typedef u32 __attribute__((may_alias, aligned(1))) any_u32;
	u64 hash = n * FNV1A_INIT, tail = 0;
	size_t left = n;

	for (; left >= 8; left -= 8, name += 8)
		hash = (hash ^ *(const any_u64 *)name) * 0x9e3779b97f4a7c15ull, hash ^= hash >> 32;
	if (left && n >= 8)
		tail = *(const any_u64 *)(name + left - 8);
	else if (left >= 4)
		tail = *(const any_u32 *)name | (u64)*(const any_u32 *)(name + left - 4) << 32;
	else if (left)
		tail = (u8)name[0] | (u64)(u8)name[left / 2] << 8 | (u64)(u8)name[left - 1] << 16;
	hash = (hash ^ tail) * 0xbf58476d1ce4e5b9ull;
	return hash ^ hash >> 29;
}

static inline u64 hash_string(const char *s)
{
	u64 hash = FNV1A_INIT;

	for (; *s; s++)
		hash = (hash ^ (u8)*s) * 0x100000001b3ull;
	return hash;
}

/* The splitmix64 finaliser (Steele, Lea, Flood 2014): a bijection that mixes every bit into every bit. */
static inline u64 hash_u64(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* The splitmix64 generator: the next number of the sequence that `state` names. Not for secrets. */
static inline u64 splitmix64_next(u64 *state)
{
	return hash_u64(*state += 0x9e3779b97f4a7c15ull);
}

#endif
