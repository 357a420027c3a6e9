#include "lib/format.h"

#include "tests/host/check.h"

#pragma GCC diagnostic ignored "-Wformat" /* odd formats are the point */

#include <limits.h>

static char got[256];

/* Formats by both, and checks text and length. */
#define SAME(...)                                                                                  \
	do {                                                                                       \
		char expected[256];                                                                \
		int length = snprintf(expected, sizeof(expected), __VA_ARGS__);                    \
		CHECK_EQ(snformat(got, sizeof(got), __VA_ARGS__), length);                         \
		CHECK_STR(got, expected);                                                          \
	} while (0)

static void integers_match_libc(void)
{
	SAME("%d %i %u", -5, INT_MIN, UINT_MAX);
	SAME("%ld %lu %lld %llu", LONG_MIN, ULONG_MAX, LLONG_MAX, ULLONG_MAX);
	SAME("%x %X %lx %#x %#X %#x %o", 0xbeef, 0xbeef, 0xdeadbeefcafeul, 0xbeef, 0xbeef, 0, 0755);
	SAME("%zu %zd %td %jd", (size_t)7, (ssize_t)-7, (ptrdiff_t)-1, (intmax_t)-2);
	SAME("%hhd %hhu %hd %hu %hhx", (signed char)-1, (unsigned char)200, (short)-300, (unsigned short)60000, 0xab);
	SAME("%d%%", 0);
}

static void widths_and_precisions_match_libc(void)
{
	SAME("[%5d][%-5d][%05d][%+d][% d]", 42, 42, -42, 42, 42);
	SAME("[%8.3x][%-8.3x][%.0d][%.0x]", 5, 5, 0, 0);
	SAME("[%40d][%-33s][%048x][%.35u][%16d][%17d]", -5, "abc", 0xbeef, 7, 1, 1);
	SAME("[%016lx][%#010x][%2d]", 0x1234ul, 0xff, 12345);
	SAME("[%*d][%-*d][%*d][%.*d]", 6, 1, 6, 1, -6, 1, 4, 1);
	SAME("[%.3d][%05d][%-5u|]", -7, 7, 7u);
}

static void strings_match_libc(void)
{
	char raw[3] = { 'a', 'b', 'c' }, *volatile none = NULL;

	SAME("[%s][%10s][%-10s][%.2s][%.0s][%c]", "abc", "abc", "abc", "abc", "abc", 'x');
	SAME("[%.*s][%*s]", 3, raw, 5, "ab");
	CHECK_EQ(snformat(got, sizeof(got), "%s", none), 6);
	CHECK_STR(got, "(null)");
}

static void pointers_have_0x(void)
{
	SAME("%p", (void *)0x1234);
	CHECK_EQ(snformat(got, sizeof(got), "%p", NULL), 3);
	CHECK_STR(got, "0x0");
}

static void a_short_buffer_is_cut_and_terminated(void)
{
	char small[4] = { 'z', 'z', 'z', 'z' };

	CHECK_EQ(snformat(small, 4, "%d", 123456), 6);
	CHECK_STR(small, "123");
	CHECK_EQ(snformat(small, 1, "abc"), 3);
	CHECK_STR(small, "");
	small[0] = 'q';
	CHECK_EQ(snformat(small, 0, "abc"), 3);
	CHECK_EQ(small[0], 'q');
	CHECK_EQ(snformat(NULL, 0, "abc%d", 1), 4);
}

static void unknown_conversions_are_copied(void)
{
	const char *odd = "a %y %5q %", *cut = "x%-05l";

	snformat(got, sizeof(got), odd, 0);
	CHECK_STR(got, odd);
	snformat(got, sizeof(got), cut, 0);
	CHECK_STR(got, cut);
}

int main(void)
{
	RUN(integers_match_libc);
	RUN(widths_and_precisions_match_libc);
	RUN(strings_match_libc);
	RUN(pointers_have_0x);
	RUN(a_short_buffer_is_cut_and_terminated);
	RUN(unknown_conversions_are_copied);
	return check_result();
}
