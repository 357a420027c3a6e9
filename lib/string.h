/*
 * Memory and text. The names of ISO C and BSD mean what they mean there.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *in, int byte, size_t n);

/* Few bytes, of a number that is known, are moved in place. Freestanding code would call the functions for each structure member. */
#if !defined(HOST_TEST) && !defined(LIB_STRING_FUNCTIONS)
#define INLINE_BYTES 64
#define memcpy(to, from, n) (__builtin_constant_p(n) && (n) <= INLINE_BYTES ? __builtin_memcpy(to, from, n) : (memcpy)(to, from, n))
#define memset(to, byte, n) (__builtin_constant_p(n) && (n) <= INLINE_BYTES ? __builtin_memset(to, byte, n) : (memset)(to, byte, n))
#endif

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copies at most size - 1 bytes and terminates (size > 0). Returns strlen(from): >= size says it was cut. */
size_t strlcpy(char *restrict to, const char *restrict from, size_t size);

/* If `s` starts with `prefix`, the rest of `s` after it; otherwise NULL. */
const char *strstart(const char *s, const char *prefix);

/*
 * Reads a number at `s`: decimal, or hexadecimal after "0x", or octal after "0" when `base` is 0; else in
 * `base` (2..36) without a prefix. No sign, no leading space. Stores the value and, if `end` is not NULL,
 * where reading stopped. With `end` NULL the whole string must be the number.
 * False, with nothing stored: no digit, rest after the number (only with `end` NULL), or overflow.
 */
bool parse_u64(const char *s, unsigned base, u64 *value, const char **end);

#endif
