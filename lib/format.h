/*
 * Text formatting: the printf subset the system needs, with no state and no allocation.
 *
 *   %[-0][width][.precision][hh h l ll z t j]conversion
 *
 * conversion: d i u x X o c s p %; width and precision may be `*`. Flags `-` (left), `0` (zero pad), `+`, ` ` and
 * `#` (0x) as in ISO C. %s of NULL prints (null); %.*s never reads past the precision. %p prints 0x and hex digits.
 * An unknown conversion is copied as it stands.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include "lib/types.h"

/* Writes at most `size` bytes, always NUL-terminated if size > 0. Returns the length the text needs without NUL. */
size_t vsnformat(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);
size_t snformat(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* As vsnformat, for a text without a buffer: it goes to emit in pieces. Returns its length. */
typedef void format_emit(void *ctx, const char *text, size_t n);
size_t vformat(format_emit *emit, void *ctx, const char *fmt, va_list args) __printf(3, 0);

#endif
