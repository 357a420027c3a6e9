// sources: KERNEL
/* Priorities: callers are received by them, and servers run at their callers', however the calls end. */
#include "ipc_machine.h"
#include "kernel/priority.h"

#define MS 1000000ull

/* All members begin with 100. */
static void set_priority(unsigned i, u64 priority)
{
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_set_priority, SYS(THREADS + i), priority, 0, 0, 0, 0, 0), 0);
}

static struct thread *call(unsigned i, u64 ep)
{
	member[i]->context->interrupt_flag = 0; /* of an earlier test: the page is the same */
	return ipc(run(member[i]), KCALL_call, SYS(ep), INFO(1, 0) | INFO_INTERRUPTIBLE, 0, 0, 0);
}

static struct thread *answer(unsigned i, u64 ep, u64 slot)
{
	return ipc(run(member[i]), KCALL_reply_recv, SYS(ep), INFO(0, 0), 0, slot, 0);
}

static void expect_priority(unsigned i, u64 priority)
{
	CHECK_EQ(member[i]->priority, priority);
	CHECK_EQ(member[i]->boosted, priority != member[i]->priority_own);
}

/* Client 0, at 120, calls server 1. */
static void call_server(void)
{
	set_priority(0, 120);
	serve(1, 10);
	CHECK(call(0, 1) == member[1]);
	expect_priority(1, 120);
}

/* Client 0, at 100, is served by 1; client 2, at 115, waits in the queue. */
static void queue_behind(void)
{
	serve(1, 10);
	call(0, 1);
	expect_priority(1, 100);
	set_priority(2, 115);
	call(2, 1);
	CHECK_EQ(member[2]->state, THREAD_SENDING);
	expect_priority(1, 115);
}

TEST(a_server_runs_at_its_callers_priority_until_it_answers)
{
	call_server();
	CHECK(answer(1, 1, 10) == member[0]);
	expect_priority(1, 100);
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
}

/* Two threads of one server, with one CNode: the other answers what the first received. */
TEST(a_server_whose_request_another_answers_is_not_raised_any_more)
{
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_set_cnodes, SYS(THREADS + 3), 0, SYS(SYSTEMS + 1), 0, 0, 0, 0), 0);
	set_priority(3, 150);
	call_server();
	run(member[3]);
	host_core->needed = false; /* as after its last entry */
	CHECK(ipc(member[3], KCALL_reply, 0, INFO(0, 0), 0, 10, 0) == member[3]);
	CHECK_EQ(member[0]->state, THREAD_READY);
	expect_priority(1, 100);
}

/* 3 serves with 1, with one CNode, and has received there before, so its slot for Replies is remembered. */
static void serve_beside(void)
{
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_set_cnodes, SYS(THREADS + 3), 0, SYS(SYSTEMS + 1), 0, 0, 0, 0), 0);
	set_priority(3, 150);
	serve(3, 10);
	CHECK(call(2, 1) == member[3]);
	CHECK(ipc(member[3], KCALL_reply, 0, INFO(0, 0), 0, 10, 0) == member[3]);
}

static void answer_in_its_stead(unsigned caller)
{
	run(member[3]);
	host_core->needed = false; /* as after its last entry */
	CHECK(ipc(member[3], KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 10, 0) != member[3]);
	CHECK_EQ(member[caller]->state, THREAD_READY);
	CHECK_EQ(member[3]->state, THREAD_RECEIVING);
	expect_priority(1, 100);
}

TEST(a_server_whose_request_another_answers_and_receives_is_not_raised_any_more)
{
	serve_beside();
	call_server();
	answer_in_its_stead(0);
}

TEST(a_server_who_was_raised_before_it_received_what_another_answers_is_not_raised_any_more)
{
	serve_beside();
	queue_behind();
	CHECK(answer(1, 1, 10) == member[1]);
	expect_priority(1, 115);
	answer_in_its_stead(2);
}

TEST(a_server_with_a_higher_priority_keeps_it)
{
	set_priority(1, 150);
	serve(1, 10);
	call(0, 1);
	expect_priority(1, 150);
	answer(1, 1, 10);
	expect_priority(1, 150);
}

TEST(who_is_between_caller_and_server_holds_up_neither)
{
	set_priority(2, 110);
	call_server();
	thread_ready(member[2]);
	schedule();
	CHECK(host_core->current == member[1] && member[2]->queued);
	CHECK(ipc(member[1], KCALL_yield, 0, 0, 0, 0, 0) == member[1]);
	CHECK(ipc(member[1], KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 10, 0) == member[0]);
	CHECK(ipc(member[0], KCALL_wait, SYS(4), 0, 0, 0, 0) == member[2]);
}

/* An answer that does not receive leaves the server behind whom it was before. */
TEST(who_has_answered_makes_room_for_who_is_between)
{
	set_priority(2, 110);
	call_server();
	thread_ready(member[2]);
	CHECK(ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 0, 10, 0) == member[0]);
	expect_priority(1, 100);
	CHECK(ipc(member[0], KCALL_wait, SYS(4), 0, 0, 0, 0) == member[2]);
	CHECK(member[1]->queued);
}

TEST(callers_are_received_by_priority_then_by_arrival)
{
	unsigned order[] = { 2, 0, 3 };

	set_priority(2, 105);
	call(0, 1);
	call(3, 1);
	call(2, 1);
	for (unsigned n = 0; n < 3; n++) {
		serve(1, 10);
		CHECK_EQ(member[order[n]]->state, THREAD_REPLY);
		ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 0, 10, 0);
	}
}

TEST(who_is_queued_raises_the_server_that_is_at_work)
{
	queue_behind();
	answer(1, 1, 10);
	CHECK_EQ(member[2]->state, THREAD_REPLY);
	expect_priority(1, 115);
	answer(1, 1, 10);
	expect_priority(1, 100);
}

TEST(a_queued_caller_that_is_interrupted_raises_nobody_any_more)
{
	queue_behind();
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 2), 0, 0, 0, 0, 0, 0), 0);
	CHECK_EQ((s64)member[2]->frame.rax, K_INTERRUPTED);
	expect_priority(1, 100);
}

TEST(a_queued_caller_whose_time_is_up_raises_nobody_any_more)
{
	serve(1, 10);
	call(0, 1);
	set_priority(2, 115);
	ipc(run(member[2]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, now_ns + MS);
	expect_priority(1, 115);
	run(root);
	pass_in_steps(2 * MS, MS);
	CHECK_EQ((s64)member[2]->frame.rax, K_TIMEOUT);
	expect_priority(1, 100);
}

/* It waits for the answer as before: until that comes the server owes it. */
TEST(an_interrupted_caller_counts_until_it_is_answered)
{
	call_server();
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS), 0, 0, 0, 0, 0, 0), 0);
	expect_priority(1, 120);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 0, 10, 0);
	expect_priority(1, 100);
}

TEST(a_caller_that_ends_raises_nobody_any_more)
{
	call_server();
	run(root);
	delete_slot(THREADS);
	member[0] = NULL;
	expect_priority(1, 100);
}

TEST(a_reply_that_is_deleted_ends_it_too)
{
	call_server();
	run(root);
	CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(SYSTEMS + 1), 10, 0, 0, 0, 0, 0), 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_PEER_DEAD);
	expect_priority(1, 100);
}

TEST(a_server_that_receives_again_keeps_the_request_not_the_priority)
{
	call_server();
	serve(1, 11);
	CHECK_EQ(member[0]->state, THREAD_REPLY);
	expect_priority(1, 100);
}

TEST(an_endpoint_that_goes_leaves_its_server_its_own_priority)
{
	call_server();
	for (unsigned i = 0; i < MEMBERS; i++)
		kcall(run(root), KCALL_cap_delete, SYS(SYSTEMS + i), 1, 0, 0, 0, 0, 0);
	delete_slot(EP);
	expect_priority(1, 100);
	CHECK(!member[1]->receives);
}

TEST(a_server_that_ends_is_forgotten)
{
	queue_behind();
	run(root);
	delete_slot(THREADS + 1);
	member[1] = NULL;
	set_priority(2, 130);
	set_priority(0, 130);
	serve(3, 12);
	CHECK_EQ(member[2]->state, THREAD_REPLY);
	expect_priority(3, 130);
}

TEST(a_change_of_the_callers_priority_reaches_its_server)
{
	call_server();
	set_priority(0, 140);
	expect_priority(1, 140);
	set_priority(0, 90);
	expect_priority(1, 100);
}

TEST(a_change_of_a_queued_callers_priority_gives_it_another_place)
{
	queue_behind();
	call(3, 1);
	set_priority(3, 130);
	expect_priority(1, 130);
	set_priority(2, 120);
	expect_priority(1, 130);
	answer(1, 1, 10);
	CHECK_EQ(member[3]->state, THREAD_REPLY);
}

TEST(a_change_of_its_own_priority_counts_when_it_is_the_highest)
{
	call_server();
	set_priority(1, 110);
	expect_priority(1, 120);
	set_priority(1, 150);
	expect_priority(1, 150);
	answer(1, 1, 10);
	expect_priority(1, 150);
}

/* 0 is served by 1, which waits for 3. */
static void chain(void)
{
	serve(1, 10);
	call(0, 1);
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	call(1, 2);
	CHECK_EQ(member[1]->state, THREAD_REPLY);
}

TEST(what_a_server_waits_for_runs_at_its_callers_priority)
{
	chain();
	set_priority(0, 120);
	expect_priority(1, 120);
	expect_priority(3, 120);
	answer(3, 2, 12);
	expect_priority(3, 100);
	expect_priority(1, 120);
	answer(1, 1, 10);
	expect_priority(1, 100);
}

TEST(who_is_queued_at_the_first_server_raises_the_second)
{
	chain();
	set_priority(2, 125);
	call(2, 1);
	expect_priority(1, 125);
	expect_priority(3, 125);
	run(root);
	delete_slot(THREADS + 2);
	member[2] = NULL;
	expect_priority(1, 100);
	expect_priority(3, 100);
}

/* A server that is itself queued at another comes before others there. */
TEST(a_server_that_is_queued_is_queued_at_its_callers_priority)
{
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	call(2, 2);
	serve(1, 10);
	call(0, 1);
	call(1, 2);
	CHECK_EQ(member[1]->state, THREAD_SENDING);
	set_priority(0, 120);
	expect_priority(3, 120);
	answer(3, 2, 12);
	CHECK_EQ(member[1]->state, THREAD_REPLY);
	expect_priority(3, 120);
}

TEST(a_forward_takes_the_callers_priority_along)
{
	call_server();
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	CHECK(ipc(run(member[1]), KCALL_forward_recv, SYS(2), INFO(1, 0), 0, 10, SYS(1)) == member[3]);
	expect_priority(1, 100);
	expect_priority(3, 120);
}

/* Each waits for the other: what raised them ends with the one that does. */
TEST(a_circle_of_callers_ends)
{
	call_server();
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	call(1, 2);
	expect_priority(3, 120);
	call(3, 1);
	CHECK_EQ(member[3]->state, THREAD_SENDING);
	set_priority(0, 100);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 3), 0, 0, 0, 0, 0, 0), 0);
	expect_priority(1, 100);
	expect_priority(3, 100);
}

/* 1 serves 2 and calls its own Endpoint, where 3 is at work for 0. */
static void call_own_endpoint(void)
{
	serve(1, 10);
	call(2, 1);
	serve(3, 12);
	call(0, 1);
	call(1, 1);
	CHECK_EQ(member[1]->state, THREAD_SENDING);
}

static void end_member(unsigned i)
{
	run(root);
	delete_slot(THREADS + i);
	member[i] = NULL;
}

TEST(who_waits_at_its_own_endpoint_does_not_keep_a_priority_for_itself)
{
	call_own_endpoint();
	set_priority(2, 200);
	expect_priority(1, 200);
	expect_priority(3, 200);
	end_member(2);
	expect_priority(1, 100);
	expect_priority(3, 100);
	ipc(run(member[3]), KCALL_reply, 0, INFO(0, 0), 0, 12, 0);
	expect_priority(3, 100);
}

/* 1 serves 0 and waits for 3 at an Endpoint, 3 serves 2 and waits for 1 at the other. */
static void wait_for_each_other(void)
{
	serve(1, 10);
	call(0, 1);
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	call(2, 2);
	call(1, 2);
	call(3, 1);
	CHECK(member[1]->state == THREAD_SENDING && member[3]->state == THREAD_SENDING);
}

TEST(two_servers_that_wait_for_each_other_do_not_keep_a_priority)
{
	wait_for_each_other();
	set_priority(0, 200);
	expect_priority(1, 200);
	expect_priority(3, 200);
	end_member(0);
	expect_priority(1, 100);
	expect_priority(3, 100);
}

TEST(two_servers_that_wait_for_each_other_fall_to_what_still_raises_one)
{
	wait_for_each_other();
	set_priority(2, 150);
	set_priority(0, 200);
	end_member(0);
	expect_priority(1, 150);
	expect_priority(3, 150);
}

TEST(a_priority_of_its_own_that_is_lowered_does_not_come_back_in_a_circle)
{
	wait_for_each_other();
	set_priority(1, 200);
	expect_priority(3, 200);
	set_priority(1, 100);
	expect_priority(1, 100);
	expect_priority(3, 100);
}

/* As the first is woken, the second, a server that waits there itself, goes behind the third. */
TEST(a_pool_that_goes_wakes_all_who_are_queued_through_it)
{
	run(member[1]);
	CHECK_EQ(kcall(member[1], KCALL_handle_mint, SYS(3), SYS(1), 7, 5, 0, 0, 0), 0);
	run(root);
	for (unsigned i = 0; i < 3; i += 2)
		CHECK_EQ(kcall(root, KCALL_cap_copy, SYS(CNODES + i), 5, SYS(CNODES + 1), 5, RIGHT_ALL, 0, 0), 0);
	serve(1, 10);
	call(3, 1);
	set_priority(0, 200);
	set_priority(2, 150);
	ipc(run(member[0]), KCALL_call, 5, INFO(1, 0), 0, 0, 0);
	call(1, 1);
	ipc(run(member[2]), KCALL_call, 5, INFO(1, 0), 0, 0, 0);
	expect_priority(1, 200);
	run(root);
	for (unsigned i = 0; i < MEMBERS; i++)
		CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(SYSTEMS + i), 3, 0, 0, 0, 0, 0), 0);
	delete_slot(POOL);
	CHECK_EQ((s64)member[0]->frame.rax, K_PEER_DEAD);
	CHECK_EQ((s64)member[2]->frame.rax, K_PEER_DEAD);
	CHECK_EQ(member[1]->state, THREAD_SENDING);
	expect_priority(1, 100);
}

/* So many serve the Endpoint that 3, which serves 0 there, is beyond those that are looked at. */
static struct thread crowd[64];

static void serve_beyond(void)
{
	serve(3, 12);
	for (unsigned i = 0; i < 64; i++) {
		crowd[i] = (struct thread){ .priority = 255, .priority_own = 255 };
		list_push_front(&member[3]->receives->servers, &crowd[i].server);
	}
	set_priority(0, 200);
	call(0, 1);
	expect_priority(3, 200);
}

static void crowd_leaves(void)
{
	for (unsigned i = 0; i < 64; i++)
		list_remove(&crowd[i].server);
}

TEST(one_of_too_many_servers_loses_the_priority_as_it_answers)
{
	serve_beyond();
	ipc(run(member[3]), KCALL_reply, 0, INFO(0, 0), 0, 12, 0);
	expect_priority(3, 100);
	crowd_leaves();
}

TEST(one_of_too_many_servers_loses_the_priority_as_it_forwards)
{
	serve_beyond();
	ipc(run(member[3]), KCALL_forward, SYS(2), INFO(1, 0), 0, 12, 0);
	CHECK_EQ(member[0]->state, THREAD_SENDING);
	expect_priority(3, 100);
	crowd_leaves();
}

TEST(one_of_too_many_servers_loses_the_priority_of_who_has_ended_with_its_slice)
{
	serve_beyond();
	end_member(0);
	run(member[3]);
	thread_ready(member[2]);
	pass_in_steps(100 * MS, MS);
	expect_priority(3, 100);
	crowd_leaves();
}

int main(void)
{
	machine_boot();
	RUN(a_server_runs_at_its_callers_priority_until_it_answers);
	RUN(a_server_whose_request_another_answers_is_not_raised_any_more);
	RUN(a_server_whose_request_another_answers_and_receives_is_not_raised_any_more);
	RUN(a_server_who_was_raised_before_it_received_what_another_answers_is_not_raised_any_more);
	RUN(a_server_with_a_higher_priority_keeps_it);
	RUN(who_is_between_caller_and_server_holds_up_neither);
	RUN(who_has_answered_makes_room_for_who_is_between);
	RUN(callers_are_received_by_priority_then_by_arrival);
	RUN(who_is_queued_raises_the_server_that_is_at_work);
	RUN(a_queued_caller_that_is_interrupted_raises_nobody_any_more);
	RUN(a_queued_caller_whose_time_is_up_raises_nobody_any_more);
	RUN(an_interrupted_caller_counts_until_it_is_answered);
	RUN(a_caller_that_ends_raises_nobody_any_more);
	RUN(a_reply_that_is_deleted_ends_it_too);
	RUN(a_server_that_receives_again_keeps_the_request_not_the_priority);
	RUN(an_endpoint_that_goes_leaves_its_server_its_own_priority);
	RUN(a_server_that_ends_is_forgotten);
	RUN(a_change_of_the_callers_priority_reaches_its_server);
	RUN(a_change_of_a_queued_callers_priority_gives_it_another_place);
	RUN(a_change_of_its_own_priority_counts_when_it_is_the_highest);
	RUN(what_a_server_waits_for_runs_at_its_callers_priority);
	RUN(who_is_queued_at_the_first_server_raises_the_second);
	RUN(a_server_that_is_queued_is_queued_at_its_callers_priority);
	RUN(a_forward_takes_the_callers_priority_along);
	RUN(a_circle_of_callers_ends);
	RUN(who_waits_at_its_own_endpoint_does_not_keep_a_priority_for_itself);
	RUN(two_servers_that_wait_for_each_other_do_not_keep_a_priority);
	RUN(two_servers_that_wait_for_each_other_fall_to_what_still_raises_one);
	RUN(a_priority_of_its_own_that_is_lowered_does_not_come_back_in_a_circle);
	RUN(a_pool_that_goes_wakes_all_who_are_queued_through_it);
	RUN(one_of_too_many_servers_loses_the_priority_as_it_answers);
	RUN(one_of_too_many_servers_loses_the_priority_as_it_forwards);
	RUN(one_of_too_many_servers_loses_the_priority_of_who_has_ended_with_its_slice);
	return check_result();
}
