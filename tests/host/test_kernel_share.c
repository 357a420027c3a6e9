// sources: KERNEL
/* What equals get of a core: threads that compute, as time passes, with timer interrupts when the timer was set to. */
#include "ipc_machine.h"
#include "kernel/share.h"

#define MS 1000000ull

static u64 had_before[MEMBERS];
static u64 switches_before;

static void set_share(unsigned i, u64 weight, u64 slice_ns)
{
	CHECK_EQ(kcall(root, KCALL_thread_set_share, SYS(THREADS + i), weight, slice_ns, 0, 0, 0, 0), 0);
}

/* They are ready, and root waits for `ms`. */
static void begin(unsigned members, u64 ms)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		had_before[i] = thread_ticks(member[i]);
	for (unsigned i = 0; i < members; i++)
		thread_ready(member[i]);
	switches_before = host_core->context_switches;
	ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns + ms * MS);
}

static void pass(u64 ns)
{
	pass_in_steps(ns, 50000ull);
}

/* Root's wait ends. */
static void end(void)
{
	while (host_core->current != root)
		pass(MS);
}

/* In thousandths of what all have had. */
static u64 share_had(unsigned i)
{
	u64 all = 0;

	for (unsigned m = 0; m < MEMBERS; m++)
		all += thread_ticks(member[m]) - had_before[m];
	return (thread_ticks(member[i]) - had_before[i]) * 1000 / all;
}

#define CHECK_NEAR(got, expected, within) CHECK((got) + (within) >= (expected) && (got) <= (expected) + (within))

TEST(equals_by_weight_have_equal_shares)
{
	begin(3, 600);
	pass(600 * MS);
	for (unsigned i = 0; i < 3; i++)
		CHECK_NEAR(share_had(i), 333u, 8u);
	end();
}

TEST(shares_are_in_proportion_to_weights)
{
	set_share(0, 1024, 0);
	set_share(1, 335, 0);
	set_share(2, 110, 0);
	set_share(3, 15, 0);
	begin(4, 4000);
	pass(4000 * MS);
	CHECK_NEAR(share_had(0), 690u, 10u);
	CHECK_NEAR(share_had(1), 226u, 10u);
	CHECK_NEAR(share_had(2), 74u, 5u);
	CHECK_NEAR(share_had(3), 10u, 3u);
	end();
}

TEST(a_great_weight_keeps_nobody_from_running)
{
	set_share(0, 88761, 0);
	set_share(1, 1024, 0);
	begin(2, 2000);
	pass(2000 * MS);
	CHECK_NEAR(share_had(1), 11u, 4u);
	end();
}

/* It has waited for long, and has saved up no more than a slice. */
TEST(who_has_waited_is_ahead_but_not_for_long)
{
	begin(2, 3000);
	pass(1000 * MS);
	thread_ready(member[2]);
	pass(12 * MS);
	CHECK_NEAR((thread_ticks(member[2]) - had_before[2]) / 10000, 600u, 250u);
	pass(600 * MS);
	CHECK_NEAR((thread_ticks(member[2]) - had_before[2]) / 1000000, 204u, 10u);
	end();
}

/* Those who compute have had 4 ms slices; it sleeps for 5 ms and computes for half of one. */
TEST(who_sleeps_runs_when_its_time_comes)
{
	u64 late = 0;

	begin(3, 5000);
	pass(20 * MS);
	thread_ready(member[3]);
	for (unsigned n = 0; n < 100; n++) {
		for (unsigned tries = 0; host_core->current != member[3] && tries < 1000; tries++)
			pass(50000);
		CHECK(host_core->current == member[3]);
		pass(MS / 2);
		if (host_core->current == member[3])
			ipc(member[3], KCALL_wait, SYS(4), 0, 0, 0, now_ns + 5 * MS);
		pass(5 * MS);
		late += n && host_core->current != member[3];
	}
	CHECK_EQ(late, 0);
	end();
}

TEST(without_weight_and_slice_a_thread_goes_on_until_it_blocks)
{
	for (unsigned i = 0; i < 3; i++)
		set_share(i, 0, 0);
	begin(3, 1000);
	pass(500 * MS);
	CHECK_EQ(share_had(0), 1000);
	ipc(member[0], KCALL_wait, SYS(4), 0, 0, 0, 0);
	pass(250 * MS);
	CHECK(host_core->current == member[1]);
	end();
}

TEST(without_weight_turns_are_as_long_as_their_slice)
{
	set_share(0, 0, 100 * MS);
	set_share(1, 0, 100 * MS);
	begin(2, 1000);
	pass(90 * MS);
	CHECK_EQ(share_had(0), 1000);
	pass(910 * MS);
	CHECK_NEAR(share_had(0), 500u, 60u);
	CHECK(host_core->context_switches - switches_before < 15);
	end();
}

/* New ones all the time: those who are there get their turn nevertheless. */
TEST(many_new_threads_do_not_starve_the_old)
{
	set_share(0, 15, 0);
	begin(1, 1000);
	pass(10 * MS);
	for (unsigned n = 0; n < 200; n++) {
		member[1]->share_clock = NULL;
		thread_ready(member[1]);
		pass(2 * MS);
		thread_unready(member[1]);
		if (host_core->current == member[1])
			ipc(member[1], KCALL_wait, SYS(4), 0, 0, 0, 0);
		else
			member[1]->state = THREAD_INACTIVE;
		pass(0);
		if (member[1]->state == THREAD_WAITING)
			thread_unblock(member[1]);
	}
	CHECK(thread_ticks(member[0]) - had_before[0] > 13 * MS);
	end();
}

/* As if another core had come for it: this one has an interrupt. */
static void change_share(unsigned i, u32 weight)
{
	share_set(member[i], weight, 0);
	thread_reconsider(member[i]);
	host_core->armed = now_ns;
}

TEST(a_new_share_is_no_new_slice)
{
	begin(2, 1000);
	for (unsigned n = 0; n < 500; n++) {
		change_share(0, 1023 + n % 2);
		pass(2 * MS);
	}
	CHECK_NEAR(share_had(1), 500u, 20u);
	end();
}

TEST(a_slice_without_end_gets_one_with_a_weight)
{
	share_set(member[0], 0, 0);
	begin(2, 1000);
	pass(500 * MS);
	CHECK_EQ(share_had(1), 0);
	change_share(0, 1024);
	pass(500 * MS);
	CHECK(share_had(1) >= 240);
	end();
}

TEST(a_share_out_of_range_is_refused)
{
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_set_share, SYS(THREADS), WEIGHT_MOST + 1, 0, 0, 0, 0, 0), K_INVALID_ARG);
	CHECK_EQ(kcall(root, KCALL_thread_set_share, SYS(THREADS), 0, SLICE_MOST_NS + 1, 0, 0, 0, 0), K_INVALID_ARG);
	CHECK_EQ(kcall(root, KCALL_thread_set_share, SYS(EP), 1, 0, 0, 0, 0, 0), K_WRONG_TYPE);
}

int main(void)
{
	machine_boot();
	RUN(equals_by_weight_have_equal_shares);
	RUN(shares_are_in_proportion_to_weights);
	RUN(a_great_weight_keeps_nobody_from_running);
	RUN(who_has_waited_is_ahead_but_not_for_long);
	RUN(who_sleeps_runs_when_its_time_comes);
	RUN(without_weight_and_slice_a_thread_goes_on_until_it_blocks);
	RUN(without_weight_turns_are_as_long_as_their_slice);
	RUN(many_new_threads_do_not_starve_the_old);
	RUN(a_new_share_is_no_new_slice);
	RUN(a_slice_without_end_gets_one_with_a_weight);
	RUN(a_share_out_of_range_is_refused);
	return check_result();
}
