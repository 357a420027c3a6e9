/*
 * lib/string.c against the host's libc: the source is compiled into this program under other names, libc-named half
 * included, which host builds otherwise leave out.
 */
#include "tests/host/check.h"

#include "lib/hash.h"

#include <stdlib.h>

#define memcpy lib_memcpy
#define memmove lib_memmove
#define memset lib_memset
#define memcmp lib_memcmp
#define memchr lib_memchr
#define strlen lib_strlen
#define strnlen lib_strnlen
#define strcmp lib_strcmp
#define strncmp lib_strncmp
#define strchr lib_strchr
#define strrchr lib_strrchr
#define strlcpy lib_strlcpy
#define strstart lib_strstart
#define parse_u64 lib_parse_u64
#undef HOST_TEST
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#define SIZE 400

static u8 mine[SIZE], theirs[SIZE], other[SIZE];
static u64 seed = 9;

static void randomise(void)
{
	for (size_t i = 0; i < SIZE; i++) {
		mine[i] = theirs[i] = (u8)splitmix64_next(&seed);
		other[i] = (u8)splitmix64_next(&seed);
	}
}

static size_t below(size_t limit)
{
	return splitmix64_next(&seed) % limit;
}

static void copies_of_any_size_and_alignment_match_libc(void)
{
	for (int round = 0; round < 20000 && !CHECK_FAILED(); round++) {
		size_t to = below(40), from = below(40), n = below(round % 2 ? 40 : SIZE - 40);

		randomise();
		CHECK(lib_memcpy(mine + to, other + from, n) == mine + to);
		memcpy(theirs + to, other + from, n);
		CHECK(!memcmp(mine, theirs, SIZE));
	}
}

static void overlapping_moves_match_libc(void)
{
	for (int round = 0; round < 20000 && !CHECK_FAILED(); round++) {
		size_t to = below(60), from = below(60), n = below(round % 2 ? 60 : SIZE - 60);

		randomise();
		CHECK(lib_memmove(mine + to, mine + from, n) == mine + to);
		memmove(theirs + to, theirs + from, n);
		CHECK(!memcmp(mine, theirs, SIZE));
	}
}

static void fills_of_any_size_and_alignment_match_libc(void)
{
	for (int round = 0; round < 10000 && !CHECK_FAILED(); round++) {
		size_t to = below(40), n = below(round % 2 ? 20 : SIZE - 40);
		int byte = (int)below(512) - 128;

		randomise();
		CHECK(lib_memset(mine + to, byte, n) == mine + to);
		memset(theirs + to, byte, n);
		CHECK(!memcmp(mine, theirs, SIZE));
	}
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void comparisons_and_searches_match_libc(void)
{
	for (int round = 0; round < 20000 && !CHECK_FAILED(); round++) {
		char a[40], b[40];
		size_t n = below(40), m = below(40);
		int c = "ab\377"[below(3)];

		for (size_t i = 0; i < 40; i++) {
			a[i] = "aab\377"[below(4)];
			b[i] = below(12) ? a[i] : 'b';
		}
		a[n] = 0;
		b[below(40)] = 0;
		b[39] = 0;
		CHECK_EQ(sign(lib_memcmp(a, b, n)), sign(memcmp(a, b, n)));
		CHECK_EQ(sign(lib_strcmp(a, b)), sign(strcmp(a, b)));
		CHECK_EQ(sign(lib_strncmp(a, b, m)), sign(strncmp(a, b, m)));
		CHECK_EQ(lib_strlen(a), strlen(a));
		CHECK_EQ(lib_strnlen(a, 20), strnlen(a, 20));
		CHECK(lib_memchr(a, c, n) == memchr(a, c, n));
		CHECK(lib_strchr(a, c) == strchr(a, c));
		CHECK(lib_strchr(a, 0) == a + n);
		CHECK(lib_strrchr(a, c) == strrchr(a, c));
		CHECK(lib_strrchr(a, 0) == a + n);
	}
}

static void strlcpy_cuts_terminates_and_tells(void)
{
	char to[4] = "zzz";

	CHECK_EQ(lib_strlcpy(to, "ab", 4), 2);
	CHECK_STR(to, "ab");
	CHECK_EQ(lib_strlcpy(to, "abcdef", 4), 6);
	CHECK_STR(to, "abc");
	CHECK_EQ(lib_strlcpy(to, "x", 0), 1);
	CHECK_STR(to, "abc");
}

static void strstart_gives_the_rest(void)
{
	CHECK_STR(lib_strstart("console=tty", "console="), "tty");
	CHECK_STR(lib_strstart("a", ""), "a");
	CHECK(!lib_strstart("con", "console"));
}

static void numbers_are_parsed_in_their_base(void)
{
	const char *end;
	u64 value = 5;

	CHECK(lib_parse_u64("18446744073709551615", 10, &value, NULL));
	CHECK_EQ(value, ~0ull);
	CHECK(lib_parse_u64("0x1Ff", 0, &value, NULL));
	CHECK_EQ(value, 0x1ff);
	CHECK(lib_parse_u64("0755", 0, &value, NULL));
	CHECK_EQ(value, 0755);
	CHECK(lib_parse_u64("0", 0, &value, NULL));
	CHECK_EQ(value, 0);
	CHECK(lib_parse_u64("12k", 10, &value, &end));
	CHECK_EQ(value, 12);
	CHECK_STR(end, "k");
	CHECK(lib_parse_u64("0xg", 0, &value, &end));
	CHECK_STR(end, "xg");
	CHECK(lib_parse_u64("zz", 36, &value, NULL));
	CHECK_EQ(value, 35 * 36 + 35);
}

static void what_is_no_number_stores_nothing(void)
{
	u64 value = 77;

	CHECK(!lib_parse_u64("", 10, &value, NULL));
	CHECK(!lib_parse_u64("x", 10, &value, NULL));
	CHECK(!lib_parse_u64("-1", 10, &value, NULL));
	CHECK(!lib_parse_u64("12k", 10, &value, NULL));
	CHECK(!lib_parse_u64("18446744073709551616", 10, &value, NULL));
	CHECK(!lib_parse_u64("08", 0, &value, NULL));
	CHECK_EQ(value, 77);
}

int main(void)
{
	RUN(copies_of_any_size_and_alignment_match_libc);
	RUN(overlapping_moves_match_libc);
	RUN(fills_of_any_size_and_alignment_match_libc);
	RUN(comparisons_and_searches_match_libc);
	RUN(strlcpy_cuts_terminates_and_tells);
	RUN(strstart_gives_the_rest);
	RUN(numbers_are_parsed_in_their_base);
	RUN(what_is_no_number_stores_nothing);
	return check_result();
}
