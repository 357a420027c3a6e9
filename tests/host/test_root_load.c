// sources: root/load.c
/* Load averages: what they come to, and how they forget. */
#include "root/load.h"

#include "tests/host/check.h"

#define ONE 65536ul

static bool near(u64 value, double expected)
{
	return value > (expected - 0.02) * ONE && value < (expected + 0.02) * ONE;
}

static void they_come_to_what_runs_all_the_time(void)
{
	u64 load[3] = { 0 };

	load_add(load, 3 * ONE, 60);
	CHECK(near(load[0], 3 * 0.6321) && near(load[1], 3 * 0.1813) && near(load[2], 3 * 0.0645));
	load_add(load, 3 * ONE, 100000);
	CHECK(near(load[0], 3) && near(load[1], 3) && near(load[2], 3));
}

static void they_forget_what_is_over(void)
{
	u64 load[3] = { 4 * ONE, 4 * ONE, 4 * ONE };

	load_add(load, 0, 300);
	CHECK(near(load[0], 4 * 0.0067) && near(load[1], 4 * 0.3679) && near(load[2], 4 * 0.7165));
	load_add(load, 0, ~0ul);
	CHECK(near(load[0], 0) && near(load[1], 0) && near(load[2], 0));
}

static void one_long_time_is_as_many_short_ones(void)
{
	u64 one[3] = { ONE, ONE, ONE }, many[3] = { ONE, ONE, ONE };

	load_add(one, 5 * ONE, 1000);
	for (unsigned i = 0; i < 1000; i++)
		load_add(many, 5 * ONE, 1);
	for (unsigned i = 0; i < 3; i++)
		CHECK(near(many[i], (double)one[i] / ONE));
}

int main(void)
{
	RUN(they_come_to_what_runs_all_the_time);
	RUN(they_forget_what_is_over);
	RUN(one_long_time_is_as_many_short_ones);
	return check_result();
}
