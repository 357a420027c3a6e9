// sources: servers/proc/setting_text.c
/* Numbers as they are written to files of /proc/sys. */
#include "servers/proc/setting_text.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "tests/host/check.h"

static u64 values[4];
static unsigned count;

static long parse(const char *text, unsigned wanted)
{
	return setting_text_parse(text, strlen(text), values, wanted, &count);
}

static void one_number_in_any_base(void)
{
	CHECK_EQ(parse("123", 1), 3);
	CHECK_EQ(values[0], 123);
	CHECK_EQ(parse(" \t0x1F\n", 1), 7);
	CHECK_EQ(values[0], 31);
	CHECK_EQ(parse("017\n", 1), 4);
	CHECK_EQ(values[0], 15);
	CHECK_EQ(parse("0", 1), 1);
	CHECK_EQ(values[0], 0);
	CHECK_EQ(parse("18446744073709551615", 1), 20);
	CHECK_EQ(values[0], ~0ul);
}

static void what_is_no_number(void)
{
	static const char *const bad[] = { "", " ", "\n", "x", "-1", "+1", "1x", "1,2", "0x", "08", "0xg", "18446744073709551616", "000000000000000000001" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(parse(bad[i], 1), -EINVAL);
}

static void several_numbers(void)
{
	CHECK_EQ(parse("1 2\t3\n", 4), 6);
	CHECK_EQ(count, 3);
	CHECK_EQ(values[2], 3);
	CHECK_EQ(parse("1 2 3 4 5", 4), 8);
	CHECK_EQ(count, 4);
	CHECK_EQ(parse("1 x", 4), -EINVAL);
	CHECK_EQ(parse("1 x", 1), 2);
}

int main(void)
{
	RUN(one_number_in_any_base);
	RUN(what_is_no_number);
	RUN(several_numbers);
	return check_result();
}
