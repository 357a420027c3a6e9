/*
 * The libc-named half is left to the host's libc in host tests.
 *
 * Bulk moves use `rep` with 8-byte elements: hardware runs them at full width, and an emulator that counts one
 * step an element runs them eight times faster than bytes. Tails are one unaligned 8-byte access that overlaps
 * the bulk, so no byte loop is needed above 8 bytes. The compiler must not turn these functions into calls of
 * themselves, hence the barriers in the loops.
 */
#define LIB_STRING_FUNCTIONS
#include "lib/string.h"

#ifndef HOST_TEST

typedef u64 __attribute__((may_alias, aligned(1))) any_u64;
typedef u32 __attribute__((may_alias, aligned(1))) any_u32;
typedef u16 __attribute__((may_alias, aligned(1))) any_u16;

#define BARRIER() __asm__ volatile("" ::: "memory")

/* Any overlap is harmless: everything is read before anything is written. n <= 16. */
static inline void copy_small(u8 *to, const u8 *from, size_t n)
{
	if (n >= 8) {
		u64 head = *(const any_u64 *)from, tail = *(const any_u64 *)(from + n - 8);

		*(any_u64 *)to = head;
		*(any_u64 *)(to + n - 8) = tail;
	} else if (n >= 4) {
		u32 head = *(const any_u32 *)from, tail = *(const any_u32 *)(from + n - 4);

		*(any_u32 *)to = head;
		*(any_u32 *)(to + n - 4) = tail;
	} else if (n >= 2) {
		u16 head = *(const any_u16 *)from, tail = *(const any_u16 *)(from + n - 2);

		*(any_u16 *)to = head;
		*(any_u16 *)(to + n - 2) = tail;
	} else if (n) {
		*to = *from;
	}
}

/* Upwards; right for overlap too when `to` is below `from`, since the tail is read first. n > 16. */
static inline void copy_up(u8 *to, const u8 *from, size_t n)
{
	any_u64 *last = (any_u64 *)(to + n - 8);
	u64 tail = *(const any_u64 *)(from + n - 8);
	size_t words = n / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	*last = tail;
}

/* Downwards, for `to` above `from`; the head is read first. n > 16. */
static inline void copy_down(u8 *to, const u8 *from, size_t n)
{
	u64 head = *(const any_u64 *)from;
	size_t at = n;

	while (at >= 8) {
		at -= 8;
		*(any_u64 *)(to + at) = *(const any_u64 *)(from + at);
		BARRIER();
	}
	*(any_u64 *)to = head;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	if (n <= 16)
		copy_small(to, from, n);
	else
		copy_up(to, from, n);
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	if (n <= 16)
		copy_small(to, from, n);
	else if ((uintptr_t)to - (uintptr_t)from >= n)
		copy_up(to, from, n);
	else
		copy_down(to, from, n);
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	u8 *at = to;
	u64 word = (u8)byte * 0x0101010101010101ull;

	if (n < 8) {
		for (; n; n--) {
			*at++ = (u8)byte;
			BARRIER();
		}
	} else {
		size_t words = n / 8;

		*(any_u64 *)(at + n - 8) = word;
		__asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(word) : "memory");
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	while (n >= 8 && *(const any_u64 *)x == *(const any_u64 *)y) {
		x += 8;
		y += 8;
		n -= 8;
	}
	if (n >= 4 && *(const any_u32 *)x == *(const any_u32 *)y) {
		x += 4;
		y += 4;
		n -= 4;
	}
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *in, int byte, size_t n)
{
	for (const u8 *at = in; n; n--, at++) {
		if (*at == (u8)byte)
			return (void *)at;
		BARRIER();
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *at = s;

	while (*at) {
		at++;
		BARRIER();
	}
	return (size_t)(at - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)found;
	}
}

#endif /* HOST_TEST */

size_t strlcpy(char *restrict to, const char *restrict from, size_t size)
{
	size_t length = strlen(from);

	if (size) {
		size_t n = length < size ? length : size - 1;

		memcpy(to, from, n);
		to[n] = 0;
	}
	return length;
}

const char *strstart(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return NULL;
	return s;
}

/* The value of a digit in bases up to 36; 99 for anything else. */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

/* Base 0: finds the base by the prefix and steps over "0x". "0x" without a digit after it is the number 0. */
static unsigned base_detect(const char **s)
{
	if ((*s)[0] != '0')
		return 10;
	if (((*s)[1] == 'x' || (*s)[1] == 'X') && digit_value((*s)[2]) < 16) {
		*s += 2;
		return 16;
	}
	return 8;
}

bool parse_u64(const char *s, unsigned base, u64 *value, const char **end)
{
	const char *first;
	u64 sum = 0;

	if (!base)
		base = base_detect(&s);
	for (first = s; digit_value(*s) < base; s++)
		if (__builtin_mul_overflow(sum, (u64)base, &sum) ||
		    __builtin_add_overflow(sum, (u64)digit_value(*s), &sum))
			return false;
	if (s == first || (!end && *s))
		return false;
	*value = sum;
	if (end)
		*end = s;
	return true;
}
