// sources: KERNEL
/* SchedContexts: budgets and periods as time passes, lending along calls, debt, what goes while it is lent. */
#include "ipc_machine.h"
#include "random.h"
#include "kernel/sched_context.h"

#define MS 1000000ull

enum { CONTEXTS = SCRATCH }; /* two of them */

static struct sched_context *context(unsigned n)
{
	return cspace_system_slot(root, CONTEXTS + n)->object;
}

static s64 of_context(u64 number, unsigned n, u64 a1, u64 a2, u64 a3)
{
	run(root);
	return kcall(root, number, SYS(CONTEXTS + n), a1, a2, a3, 0, 0, 0);
}

/* Member `i` has so much time in each period. */
static void give_context(unsigned n, unsigned i, u64 budget, u64 period, u64 deadline)
{
	run(root);
	if (cap_empty(cspace_system_slot(root, CONTEXTS + n)))
		retype(OBJECT_SCHED_CONTEXT, 0, CONTEXTS + n, 1);
	CHECK_EQ(of_context(KCALL_sched_context_configure, n, budget, period, deadline), 0);
	CHECK_EQ(of_context(KCALL_sched_context_bind, n, SYS(THREADS + i), 0, 0), 0);
}

static void take_contexts(void)
{
	run(root);
	for (unsigned n = 0; n < 2; n++)
		delete_slot(CONTEXTS + n);
}

static void check_links(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct thread *t = member[i];

		CHECK(!t->lender || t->lender->borrower == t);
		CHECK(!t->borrower || (t->borrower->lender == t && !t->runs_on));
		CHECK(!t->runs_on || t->runs_on->runner == t);
		CHECK(!t->context_own || t->context_own->owner == t);
		CHECK_EQ(t->budgeted, t->context_own || t->runs_on || t->lender || t->borrower);
	}
}

static void pass(u64 ns)
{
	pass_in_steps(ns, 10000ull);
}

/* The members become ready, and root waits. */
static void begin(unsigned members, u64 ms)
{
	run(root);
	for (unsigned i = 0; i < members; i++)
		thread_ready(member[i]);
	ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns + ms * MS);
}

static void end(void)
{
	while (host_core->current != root)
		pass(MS);
	take_contexts();
	check_links();
}

TEST(a_thread_runs_for_its_budget_in_each_period)
{
	u64 before = thread_ticks(member[0]);

	give_context(0, 0, 20 * MS, 100 * MS, 100 * MS);
	begin(1, 1000);
	pass(10 * MS);
	CHECK(host_core->current == member[0]);
	pass(11 * MS);
	CHECK(host_core->current == host_core->idle && member[0]->stopped == STOPPED_BUDGET);
	pass(929 * MS);
	CHECK((thread_ticks(member[0]) - before) / 100000 >= 1990 && (thread_ticks(member[0]) - before) / 100000 <= 2010);
	end();
}

/* It has waited for nothing but its turn: what is left for the time up to its deadline is what it has. */
TEST(another_priority_is_no_new_period)
{
	u64 due;

	give_context(0, 0, 4 * MS, 10 * MS, 10 * MS);
	run(member[0]);
	pass(3 * MS);
	CHECK(host_core->current == member[0]);
	due = context(0)->due;
	run(root);
	thread_ready(member[0]);
	now_ns += 6 * MS;
	CHECK_EQ(kcall(root, KCALL_thread_set_priority, SYS(THREADS), 90, 0, 0, 0, 0, 0), 0);
	CHECK(member[0]->queued && member[0]->priority == 90);
	CHECK_EQ(context(0)->due, due);
	CHECK(context(0)->left <= (s64)MS);
	thread_unready(member[0]);
	take_contexts();
	check_links();
}

/* Bound anew, with the same parameters or others, it has what is left of the period that has begun. */
TEST(new_parameters_are_no_more_time)
{
	u64 before = thread_ticks(member[0]);

	for (unsigned i = 0; i < 30; i++) {
		give_context(0, 0, i % 2 ? 20 * MS : 10 * MS, i % 2 ? 100 * MS : 50 * MS, 50 * MS);
		begin(1, 10);
		while (host_core->current != root)
			pass(MS);
		CHECK_EQ(of_context(KCALL_sched_context_unbind, 0, 0, 0, 0), 0);
		thread_unready(member[0]);
	}
	CHECK((thread_ticks(member[0]) - before) / MS >= 30 && (thread_ticks(member[0]) - before) / MS < 90);
	take_contexts();
}

TEST(the_nearest_deadline_runs_first)
{
	give_context(0, 0, 5 * MS, 100 * MS, 100 * MS);
	give_context(1, 1, 5 * MS, 50 * MS, 50 * MS);
	begin(2, 1000);
	CHECK(host_core->current == member[1]);
	pass(6 * MS);
	CHECK(host_core->current == member[0]);
	pass(5 * MS);
	CHECK(host_core->current == host_core->idle);
	pass(42 * MS);
	CHECK(host_core->current == member[1]);
	end();
}

/* One that comes back with a nearer deadline does not wait for the other's budget. */
TEST(a_nearer_deadline_takes_the_core_as_it_comes)
{
	give_context(0, 0, 60 * MS, 100 * MS, 100 * MS);
	give_context(1, 1, 2 * MS, 10 * MS, 10 * MS);
	begin(2, 1000);
	pass(3 * MS);
	CHECK(host_core->current == member[0]);
	pass(8 * MS);
	CHECK(host_core->current == member[1]);
	pass(2 * MS);
	CHECK(host_core->current == member[0]);
	end();
}

/* What is left after a sleep is not more than its share of the time up to the deadline. */
TEST(who_is_handed_the_core_leaves_it_to_a_nearer_deadline)
{
	give_context(0, 0, 5 * MS, 100 * MS, 100 * MS);
	give_context(1, 1, 5 * MS, 50 * MS, 50 * MS);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	CHECK(host_core->current == member[1]);
	ipc(member[1], KCALL_reply, 0, INFO(0, 0), 0, 10, 0);
	CHECK(host_core->current == member[1] && member[0]->queued);
	take_contexts();
	check_links();
}

/* Held up by a better thread, it uses its budget up after its period's end: the next one has begun, and its deadline is later than the other's. */
TEST(who_goes_on_in_the_next_period_leaves_the_core_to_a_nearer_deadline)
{
	give_context(0, 0, 10 * MS, 20 * MS, 20 * MS);
	give_context(1, 1, 5 * MS, 35 * MS, 35 * MS);
	CHECK_EQ(kcall(root, KCALL_thread_set_priority, SYS(THREADS + 2), 110, 0, 0, 0, 0, 0), 0);
	begin(3, 1000);
	pass(15 * MS);
	CHECK(host_core->current == member[2]);
	ipc(member[2], KCALL_wait, SYS(4), 0, 0, 0, 0);
	CHECK(host_core->current == member[0]);
	pass(11 * MS);
	CHECK(host_core->current == member[1] && member[0]->queued && context(0)->due > context(1)->due);
	pass(5 * MS);
	CHECK(host_core->current == member[0]);
	end();
}

TEST(who_has_slept_begins_a_new_period)
{
	give_context(0, 0, 20 * MS, 100 * MS, 100 * MS);
	begin(1, 1000);
	pass(MS);
	ipc(member[0], KCALL_wait, SYS(4), 0, 0, 0, now_ns + 95 * MS);
	pass(96 * MS);
	CHECK(host_core->current == member[0]);
	CHECK(context(0)->due >= now_ns + 98 * MS);
	pass(21 * MS);
	CHECK(host_core->current == host_core->idle);
	end();
}

TEST(yield_gives_the_rest_of_the_period_away)
{
	give_context(0, 0, 20 * MS, 100 * MS, 100 * MS);
	begin(1, 1000);
	pass(MS);
	ipc(member[0], KCALL_yield, 0, 0, 0, 0, 0);
	CHECK(host_core->current == host_core->idle);
	pass(90 * MS);
	CHECK(host_core->current == host_core->idle);
	pass(12 * MS);
	CHECK(host_core->current == member[0]);
	end();
}

/* ---- lending ---- */

/* Client 0 has a context and calls server 1. */
static void call_server(void)
{
	give_context(0, 0, 10 * MS, 100 * MS, 100 * MS);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	CHECK(host_core->current == member[1] && member[1]->runs_on == context(0) && context(0)->runner == member[1]);
	CHECK(!member[0]->runs_on);
	check_links();
}

TEST(a_server_runs_on_its_callers_until_it_answers)
{
	call_server();
	pass(3 * MS);
	ipc(member[1], KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 10, 0);
	CHECK(host_core->current == member[0] && member[0]->runs_on == context(0) && !member[1]->budgeted);
	CHECK(context(0)->consumed >= 3 * MS && context(0)->left <= (s64)(7 * MS));
	take_contexts();
}

TEST(a_caller_that_is_queued_lends_as_it_is_received)
{
	give_context(0, 0, 10 * MS, 100 * MS, 100 * MS);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	CHECK(member[0]->runs_on == context(0));
	serve(1, 10);
	CHECK(member[1]->runs_on == context(0));
	check_links();
	take_contexts();
	CHECK(!member[1]->budgeted);
}

TEST(a_server_that_receives_again_has_given_it_back)
{
	call_server();
	ipc(member[1], KCALL_recv, SYS(1), 0, 0, 11, 0);
	CHECK(member[0]->runs_on == context(0) && !member[1]->budgeted);
	check_links();
	take_contexts();
}

TEST(a_server_that_calls_lends_it_on)
{
	call_server();
	serve(3, 12);
	ipc(run(member[1]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	CHECK(member[3]->runs_on == context(0) && member[3]->lender == member[1] && !member[1]->runs_on);
	check_links();
	ipc(member[3], KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 12, 0);
	CHECK(member[1]->runs_on == context(0) && !member[3]->budgeted);
	check_links();
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 0, 10, 0);
	CHECK(member[0]->runs_on == context(0) && !member[1]->budgeted);
	take_contexts();
}

TEST(a_forward_takes_it_along)
{
	call_server();
	ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	ipc(run(member[1]), KCALL_forward, SYS(2), INFO(1, 0), 0, 10, 0);
	CHECK(member[2]->runs_on == context(0) && member[2]->lender == member[0] && !member[1]->budgeted);
	check_links();
	take_contexts();
}

/* Client 0, whose deadline is in 100 ms, has a higher priority than its server; 2 has that too, and one of its own. */
static void serve_beside_deadline(u64 deadline)
{
	for (unsigned i = 0; i < 4; i += 2)
		CHECK_EQ(kcall(run(root), KCALL_thread_set_priority, SYS(THREADS + i), 120, 0, 0, 0, 0, 0), 0);
	call_server();
	CHECK_EQ(member[1]->priority, 120);
	give_context(1, 2, 5 * MS, 150 * MS, deadline);
	run(member[1]);
	thread_ready(member[2]);
	schedule();
}

TEST(a_server_leaves_the_core_to_a_nearer_deadline_than_its_callers)
{
	serve_beside_deadline(50 * MS);
	CHECK(host_core->current == member[2] && member[1]->queued);
	take_contexts();
}

TEST(a_server_goes_before_a_later_deadline_than_its_callers)
{
	serve_beside_deadline(120 * MS);
	CHECK(host_core->current == member[1]);
	run(root);
	thread_ready(member[1]);
	begin(0, 30);
	CHECK(host_core->current == member[1]);
	pass(9 * MS); /* two slices */
	CHECK(host_core->current == member[1] && member[2]->queued);
	end();
}

TEST(a_server_with_its_own_runs_on_that)
{
	give_context(1, 1, 5 * MS, 100 * MS, 100 * MS);
	give_context(0, 0, 10 * MS, 100 * MS, 100 * MS);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	CHECK(member[1]->runs_on == context(1) && member[0]->runs_on == context(0));
	check_links();
	take_contexts();
}

/* ---- debt ---- */

TEST(a_budget_that_ends_in_a_server_is_a_debt_that_later_periods_pay)
{
	call_server();
	pass(14 * MS); /* 4 too many */
	CHECK(host_core->current == member[1]);
	begin(0, 1000);
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 10, 0);
	CHECK(host_core->current == host_core->idle && member[0]->stopped == STOPPED_BUDGET);
	pass(88 * MS);
	CHECK(host_core->current == member[0]);
	CHECK(context(0)->left <= (s64)(6 * MS) && context(0)->left > 0);
	CHECK_EQ(context(0)->overrun, 0);
	end();
}

TEST(debt_has_a_bound_and_what_is_beyond_is_counted)
{
	call_server();
	pass(50 * MS);
	begin(0, 1000);
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 10, 0);
	CHECK_EQ(context(0)->left, -(s64)(10 * MS));
	CHECK(context(0)->overrun >= 30 * MS && context(0)->overrun < 31 * MS);
	pass(60 * MS); /* the first period only pays */
	CHECK(host_core->current == host_core->idle);
	pass(93 * MS);
	CHECK(host_core->current == member[0]);
	end();
}

/* ---- what goes while it is lent ---- */

TEST(a_context_deleted_while_it_is_lent_is_returned_first)
{
	call_server();
	run(root);
	delete_slot(CONTEXTS);
	CHECK(!member[0]->budgeted && !member[1]->budgeted);
	CHECK_EQ(object_count[OBJECT_SCHED_CONTEXT], 0);
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 10, 0);
	CHECK_EQ(member[0]->frame.rax, 0);
}

TEST(the_owner_ends_while_it_is_lent)
{
	call_server();
	run(root);
	delete_slot(THREADS);
	member[0] = NULL;
	CHECK(!member[1]->budgeted && !context(0)->owner && !context(0)->runner);
	take_contexts();
}

TEST(a_server_in_the_middle_of_a_chain_ends)
{
	call_server();
	serve(3, 12);
	ipc(run(member[1]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	run(root);
	delete_slot(THREADS + 1);
	member[1] = NULL;
	CHECK(context(0)->runner == member[0] && !member[3]->budgeted);
	take_contexts();
}

TEST(an_exhausted_thread_that_loses_its_context_goes_on)
{
	give_context(0, 0, 5 * MS, 100 * MS, 100 * MS);
	begin(1, 20);
	pass(10 * MS);
	CHECK(member[0]->stopped == STOPPED_BUDGET);
	pass(12 * MS);
	CHECK_EQ(of_context(KCALL_sched_context_unbind, 0, 0, 0, 0), 0);
	CHECK(!member[0]->stopped && !member[0]->timer_queued && member[0]->queued);
	CHECK_EQ(of_context(KCALL_sched_context_unbind, 0, 0, 0, 0), 0);
	take_contexts();
}

/* Stopped for two reasons, it runs when both are gone. */
TEST(stopped_by_root_and_by_its_budget)
{
	give_context(0, 0, 5 * MS, 50 * MS, 50 * MS);
	begin(1, 20);
	pass(21 * MS);
	CHECK(host_core->current == root && member[0]->stopped == STOPPED_BUDGET);
	CHECK_EQ(kcall(root, KCALL_thread_stop, SYS(THREADS), 0, 0, 0, 0, 0, 0), 0);
	ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns + 60 * MS);
	pass(61 * MS);
	CHECK(host_core->current == root && member[0]->stopped == STOPPED_BY_CALL && !member[0]->queued);
	CHECK_EQ(kcall(root, KCALL_thread_continue, SYS(THREADS), 0, 0, 0, 0, 0, 0), 0);
	CHECK(member[0]->queued);
	take_contexts();
}

TEST(mistakes_are_refused)
{
	struct sched_context_info info;

	give_context(0, 0, 5 * MS, 50 * MS, 50 * MS);
	retype(OBJECT_SCHED_CONTEXT, 0, CONTEXTS + 1, 1);
	CHECK_EQ(of_context(KCALL_sched_context_configure, 0, MS, MS, MS), K_BUSY);
	CHECK_EQ(of_context(KCALL_sched_context_configure, 1, 0, MS, MS), K_INVALID_ARG);
	CHECK_EQ(of_context(KCALL_sched_context_configure, 1, 2 * MS, 3 * MS, MS), K_INVALID_ARG);
	CHECK_EQ(of_context(KCALL_sched_context_configure, 1, MS, MS, 2 * MS), K_INVALID_ARG);
	CHECK_EQ(of_context(KCALL_sched_context_configure, 1, MS, CONTEXT_PERIOD_MOST + 1, MS), K_INVALID_ARG);
	CHECK_EQ(of_context(KCALL_sched_context_bind, 1, SYS(THREADS + 1), 0, 0), K_INVALID_ARG);
	CHECK_EQ(of_context(KCALL_sched_context_configure, 1, MS, MS, MS), 0);
	CHECK_EQ(of_context(KCALL_sched_context_bind, 1, SYS(THREADS), 0, 0), K_BUSY);
	CHECK_EQ(of_context(KCALL_sched_context_bind, 0, SYS(THREADS + 1), 0, 0), K_BUSY);
	CHECK_EQ(of_context(KCALL_sched_context_bind, 1, SYS(EP), 0, 0), K_WRONG_TYPE);
	CHECK_EQ(of_context(KCALL_sched_context_info, 0, 0, 0, 0), 0);
	message_data_read(root, 0, &info, sizeof(info));
	CHECK(info.budget_ns == 5 * MS && info.bound && !info.lent);
	take_contexts();
}

/* ---- random calls, answers, forwards, deaths of contexts: the links agree after each ---- */


static u64 lent_times, stopped_times;

static void one_step(void)
{
	unsigned i = (unsigned)rnd(MEMBERS);
	struct thread *t = member[i];

	pass(rnd(3 * MS));
	if (rnd(20) == 0) {
		run(root);
		switch (rnd(4)) {
		case 0:
			of_context(KCALL_sched_context_unbind, (unsigned)rnd(2), 0, 0, 0);
			break;
		case 1:
			of_context(KCALL_sched_context_bind, (unsigned)rnd(2), SYS(THREADS + rnd(MEMBERS)), 0, 0);
			break;
		case 2:
			kcall(root, KCALL_thread_interrupt, SYS(THREADS + i), 0, 0, 0, 0, 0, 0);
			break;
		case 3:
			kcall(root, KCALL_cap_delete, SYS(SYSTEMS + i), 10 + rnd(3), 0, 0, 0, 0, 0);
			break;
		}
		return;
	}
	if (t->state != THREAD_READY || t->stopped)
		return;
	t->context->interrupt_flag = 0;
	run(t);
	switch (rnd(5)) {
	case 0: case 1:
		ipc(t, KCALL_call, SYS(1 + rnd(2)), INFO(1, 0) | INFO_INTERRUPTIBLE, 0, 0, rnd(2) ? 0 : now_ns + rnd(MS));
		break;
	case 2:
		ipc(t, KCALL_recv, SYS(1 + rnd(2)), 0, 0, 10 + rnd(3), now_ns + rnd(5 * MS) + 1);
		break;
	case 3:
		ipc(t, KCALL_reply_recv, SYS(1 + rnd(2)), INFO(0, 0), 0, 10 + rnd(3), now_ns + rnd(5 * MS) + 1);
		break;
	case 4:
		ipc(t, KCALL_forward, SYS(1 + rnd(2)), INFO(1, 0), 0, 10 + rnd(3), 0);
		break;
	}
}

TEST(links_agree_after_random_calls)
{
	give_context(0, 0, 5 * MS, 20 * MS, 15 * MS);
	give_context(1, 2, 3 * MS, 10 * MS, 10 * MS);
	for (unsigned n = 0; n < 50000 && !CHECK_FAILED(); n++) {
		one_step();
		for (unsigned i = 0; i < MEMBERS; i++) {
			check_thread_queues(member[i]);
			check_priority(member[i]);
			lent_times += member[i]->lender != NULL;
			stopped_times += member[i]->stopped != 0;
			CHECK(!(member[i]->stopped & STOPPED_BUDGET) || (member[i]->state == THREAD_READY && member[i]->timer_queued));
			CHECK(!member[i]->stopped || !member[i]->queued);
		}
		check_links();
		for (unsigned c = 0; c < 2; c++)
			CHECK(!context(c)->owner == !context(c)->runner && context(c)->left >= -(s64)context(c)->budget);
	}
	CHECK(lent_times > 1000 && stopped_times > 1000);
	take_contexts();
	check_links();
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 20261130);
	machine_boot();
	RUN(a_thread_runs_for_its_budget_in_each_period);
	RUN(another_priority_is_no_new_period);
	RUN(new_parameters_are_no_more_time);
	RUN(the_nearest_deadline_runs_first);
	RUN(a_nearer_deadline_takes_the_core_as_it_comes);
	RUN(who_is_handed_the_core_leaves_it_to_a_nearer_deadline);
	RUN(who_goes_on_in_the_next_period_leaves_the_core_to_a_nearer_deadline);
	RUN(who_has_slept_begins_a_new_period);
	RUN(yield_gives_the_rest_of_the_period_away);
	RUN(a_server_runs_on_its_callers_until_it_answers);
	RUN(a_caller_that_is_queued_lends_as_it_is_received);
	RUN(a_server_that_receives_again_has_given_it_back);
	RUN(a_server_that_calls_lends_it_on);
	RUN(a_forward_takes_it_along);
	RUN(a_server_leaves_the_core_to_a_nearer_deadline_than_its_callers);
	RUN(a_server_goes_before_a_later_deadline_than_its_callers);
	RUN(a_server_with_its_own_runs_on_that);
	RUN(a_budget_that_ends_in_a_server_is_a_debt_that_later_periods_pay);
	RUN(debt_has_a_bound_and_what_is_beyond_is_counted);
	RUN(a_context_deleted_while_it_is_lent_is_returned_first);
	RUN(the_owner_ends_while_it_is_lent);
	RUN(a_server_in_the_middle_of_a_chain_ends);
	RUN(an_exhausted_thread_that_loses_its_context_goes_on);
	RUN(stopped_by_root_and_by_its_budget);
	RUN(mistakes_are_refused);
	RUN(links_agree_after_random_calls);
	return check_result();
}
