/*
 * The words every part of the system shares: fixed-width integers, size helpers, attributes.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef PAGE_SIZE
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096
#endif

/* `align` is a power of two. The value keeps its own type; ALIGN_UP wraps to 0 past the top. */
#define ALIGN_DOWN(value, align) ((value) & ~((__typeof__((value) + 0))(align) - 1))
#define ALIGN_UP(value, align) ALIGN_DOWN((value) + ((__typeof__((value) + 0))(align) - 1), align)
#define IS_ALIGNED(value, align) (((value) & ((__typeof__((value) + 0))(align) - 1)) == 0)
#define DIV_ROUND_UP(value, by) (((value) + (by) - 1) / (by))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define BIT(n) (1ull << (n))

#define container_of(member_ptr, type, member) \
	((type *)((char *)(member_ptr) - offsetof(type, member)))

#ifndef MIN
#define MIN(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define MAX(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The argument `fmt` (counted from 1) is a format string for the arguments from `first` on; 0 for a va_list. */
#define __printf(fmt, first) __attribute__((__format__(__printf__, fmt, first)))
#define noreturn _Noreturn

#endif
