// sources: KERNEL
/* What the fast paths remember of a server (the Endpoint and the slot for the Reply where it received last), and Signal and Wait. */
#include "ipc_machine.h"

static u64 general_before;

static void expect_fast(void)
{
	CHECK_EQ(host_core->general_entries, general_before);
}

/* Server 1 has answered once, waits, and what it does is fast. */
static void settle(void)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(7, 0), 1, 0, 0);
	ipc(member[1], KCALL_reply_recv, SYS(1), INFO(0, 0), 2, 10, 0);
	general_before = host_core->general_entries;
}

static u64 system_of(unsigned i, unsigned slot)
{
	return cap_type(&((struct cnode *)cspace_system_slot(root, SYSTEMS + i)->object)->slot[slot]);
}

TEST(a_server_that_receives_as_before_is_served_by_the_fast_path)
{
	settle();
	CHECK(ipc(member[0], KCALL_call, SYS(1), INFO(7, 0), 3, 0, 0) == member[1]);
	CHECK(ipc(member[1], KCALL_reply_recv, SYS(1), INFO(0, 0), 4, 10, 0) == member[0]);
	expect_fast();
	CHECK_EQ(member[0]->frame.rdx, 4);
}

TEST(another_slot_for_the_reply_is_used_when_it_is_named)
{
	settle();
	ipc(member[0], KCALL_call, SYS(1), INFO(7, 0), 3, 0, 0);
	ipc(member[1], KCALL_reply, 0, INFO(0, 0), 4, 10, 0);
	serve(1, 12);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(7, 0), 5, 0, 0);
	CHECK_EQ(system_of(1, 10), OBJECT_NULL);
	CHECK_EQ(system_of(1, 12), OBJECT_REPLY);
	CHECK_EQ(ipc(member[1], KCALL_reply_recv, SYS(1), INFO(0, 0), 6, 10, 0)->frame.rax, K_OK); /* nothing is there: it only receives */
	CHECK_EQ(member[0]->state, THREAD_REPLY);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 7, 12, 0);
	CHECK_EQ(member[0]->frame.rdx, 7);
}

TEST(a_reply_goes_into_the_cnode_that_a_waiting_server_got_meanwhile)
{
	settle();
	/* server 3's CNode has all that server 1's has */
	CHECK_EQ(kcall(run(root), KCALL_thread_set_cnodes, SYS(THREADS + 1), 0, SYS(SYSTEMS + 3), 0, 0, 0, 0), 0);
	check_thread_queues(member[1]);
	CHECK(ipc(run(member[0]), KCALL_call, SYS(1), INFO(7, 0), 3, 0, 0) == member[1]);
	CHECK_EQ(system_of(1, 10), OBJECT_NULL);
	CHECK_EQ(system_of(3, 10), OBJECT_REPLY);
	ipc(member[1], KCALL_reply_recv, SYS(1), INFO(0, 0), 4, 10, 0);
	CHECK_EQ(member[0]->frame.rdx, 4);
	CHECK_EQ(system_of(3, 10), OBJECT_NULL);
}

TEST(a_server_without_its_cnode_is_told_and_its_caller_waits)
{
	struct cte *slot;

	settle();
	slot = cspace_system_slot(member[1], 10);
	run(root);
	/* the thread's own capability is the last one */
	delete_slot(SYSTEMS + 1);
	CHECK_EQ(cap_delete(&member[1]->system_cnode), K_OK);
	check_thread_queues(member[1]);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(7, 0), 3, 0, 0);
	CHECK(cap_empty(slot));
	CHECK_EQ(member[0]->state, THREAD_SENDING);
	CHECK_EQ((s64)member[1]->frame.rax, K_OCCUPIED);
}

TEST(another_endpoint_in_the_slot_is_what_a_server_receives_from)
{
	settle();
	ipc(member[0], KCALL_call, SYS(1), INFO(7, 0), 3, 0, 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(SYSTEMS + 1), 1, 0, 0, 0, 0, 0), 0);
	give(1, SYSTEMS, 1, EP2, RIGHT_ALL);
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0), 4, 10, 0);
	CHECK_EQ(member[0]->frame.rdx, 4);
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
	CHECK(member[1]->receives == cspace_system_slot(root, EP2)->object);
	CHECK(ipc(run(member[2]), KCALL_call, SYS(2), INFO(7, 0), 5, 0, 0) == member[1]);
}

TEST(an_endpoint_that_may_only_be_sent_to_is_not_received_from_again)
{
	settle();
	ipc(member[0], KCALL_call, SYS(1), INFO(7, 0), 3, 0, 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(SYSTEMS + 1), 1, 0, 0, 0, 0, 0), 0);
	give(1, SYSTEMS, 1, EP, RIGHT_SEND);
	CHECK_EQ((s64)ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0), 4, 10, 0)->frame.rax, K_NO_RIGHT);
	CHECK_EQ(member[0]->state, THREAD_REPLY);
}

TEST(what_a_forwarded_caller_allowed_stays_narrowed)
{
	settle();
	ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 10, 0);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(7, 0) | INFO_WINDOWS(2), 3, 0, 0);
	CHECK(ipc(member[1], KCALL_forward_recv, SYS(2), INFO(5, 0), 9, 10, SYS(1)) == member[2]);
	CHECK_EQ(member[2]->frame.rsi, INFO(5, 0) | INFO_FORWARDED);
	CHECK_EQ(thread_windows(member[0]), 0);
}

/* ---- Signal and Wait ---- */

#define NOTIFICATION SYS(4)

/* As if it had gone on for a while: there is nothing to choose. */
static struct thread *goes_on(unsigned i)
{
	run(member[i]);
	host_core->needed = false;
	return member[i];
}

static struct thread *signal_it(unsigned i)
{
	return ipc(goes_on(i), KCALL_signal, NOTIFICATION, 0, 0, 0, 0);
}

TEST(a_signal_that_nobody_waits_for_is_there_for_the_next_wait)
{
	struct notification *n = cspace_system_slot(root, NOTIFY)->object;

	general_before = host_core->general_entries;
	CHECK(signal_it(0) == member[0]);
	CHECK_EQ(member[0]->frame.rax, K_OK);
	CHECK_EQ(n->bits, 1);
	CHECK(ipc(goes_on(2), KCALL_wait, NOTIFICATION, 0, 0, 0, 0) == member[2]);
	CHECK_EQ(member[2]->frame.rdx, 1);
	CHECK_EQ(n->bits, 0);
	expect_fast();
}

TEST(who_signals_goes_on_and_leaves_the_core_when_it_waits)
{
	settle();
	ipc(run(member[0]), KCALL_wait, NOTIFICATION, 0, 0, 0, 0);
	general_before = host_core->general_entries;
	CHECK(signal_it(2) == member[2]);
	CHECK_EQ(member[0]->state, THREAD_READY);
	CHECK_EQ(host_core->best, member[0]->priority);
	CHECK(ipc(member[2], KCALL_wait, NOTIFICATION, 0, 0, 0, 0) == member[0]);
	expect_fast();
	CHECK(this_core()->current == member[0] && !member[0]->queued && host_core->best < 0);
	CHECK_EQ(member[0]->frame.rax, K_OK);
	CHECK_EQ(member[0]->frame.rdx, 1);
	CHECK_EQ(member[2]->state, THREAD_WAITING);
	CHECK(signal_it(0) == member[0]);
	CHECK_EQ(member[2]->frame.rdx, 1);
}

TEST(a_better_waiter_runs_at_once)
{
	ipc(run(member[0]), KCALL_wait, NOTIFICATION, 0, 0, 0, 0);
	member[0]->priority = member[0]->priority_own = 120;
	CHECK(signal_it(2) == member[0]);
	CHECK_EQ(member[2]->queued, 1);
}

TEST(a_waiter_of_the_same_priority_as_one_that_is_queued_has_its_place)
{
	ipc(run(member[0]), KCALL_wait, NOTIFICATION, 0, 0, 0, 0);
	thread_ready(member[3]);
	CHECK(signal_it(2) == member[2]);
	CHECK_EQ(host_core->queued, 2);
	thread_unready(member[3]);
}

TEST(a_deadline_is_off_when_the_signal_comes)
{
	ipc(run(member[0]), KCALL_wait, NOTIFICATION, 0, 0, 0, now_ns + 1000);
	CHECK_EQ(member[0]->timer_queued, 1);
	CHECK(signal_it(2) == member[2]);
	CHECK_EQ(member[0]->timer_queued, 0);
	CHECK_EQ(member[0]->deadline, 0);
	CHECK_EQ(member[0]->frame.rdx, 1);
}

TEST(a_bound_server_at_work_finds_the_bits_when_it_has_answered)
{
	CHECK_EQ(kcall(run(root), KCALL_thread_bind, SYS(THREADS + 1), SYS(NOTIFY), 0, 0, 0, 0, 0), 0);
	settle();
	ipc(member[0], KCALL_call, SYS(1), INFO(7, 0), 3, 0, 0);
	general_before = host_core->general_entries;
	CHECK(signal_it(2) == member[2]);
	expect_fast();
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0), 4, 10, 0);
	CHECK_EQ(member[0]->frame.rdx, 4);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_NOTIFIED);
	CHECK_EQ(member[1]->frame.rdx, 1);
}

TEST(an_interrupt_flag_keeps_from_waiting)
{
	settle();
	thread_ready(member[3]); /* so that there is somebody to go over to */
	member[0]->context->interrupt_flag = 1;
	CHECK_EQ((s64)ipc(goes_on(0), KCALL_wait, NOTIFICATION, INFO_INTERRUPTIBLE, 0, 0, 0)->frame.rax, K_INTERRUPTED);
	member[0]->context->interrupt_flag = 0;
	general_before = host_core->general_entries;
	CHECK(ipc(goes_on(0), KCALL_wait, NOTIFICATION, INFO_INTERRUPTIBLE, 0, 0, 0) == member[3]);
	expect_fast();
	thread_interrupt(member[0]);
	CHECK_EQ((s64)member[0]->frame.rax, K_INTERRUPTED);
}

TEST(signal_and_wait_need_their_rights)
{
	give(0, SYSTEMS, 6, NOTIFY, RIGHT_RECV);
	give(0, SYSTEMS, 7, NOTIFY, RIGHT_SEND);
	run(member[0]);
	CHECK_EQ((s64)ipc(member[0], KCALL_signal, SYS(6), 0, 0, 0, 0)->frame.rax, K_NO_RIGHT);
	CHECK_EQ((s64)ipc(member[0], KCALL_wait, SYS(7), 0, 0, 0, 0)->frame.rax, K_NO_RIGHT);
	CHECK_EQ((s64)ipc(member[0], KCALL_signal, SYS(1), 0, 0, 0, 0)->frame.rax, K_WRONG_TYPE);
	CHECK_EQ((s64)ipc(member[0], KCALL_wait, SYS(63), 0, 0, 0, 0)->frame.rax, K_INVALID_CAP);
}

int main(void)
{
	machine_boot();
	RUN(a_server_that_receives_as_before_is_served_by_the_fast_path);
	RUN(another_slot_for_the_reply_is_used_when_it_is_named);
	RUN(a_reply_goes_into_the_cnode_that_a_waiting_server_got_meanwhile);
	RUN(a_server_without_its_cnode_is_told_and_its_caller_waits);
	RUN(another_endpoint_in_the_slot_is_what_a_server_receives_from);
	RUN(an_endpoint_that_may_only_be_sent_to_is_not_received_from_again);
	RUN(what_a_forwarded_caller_allowed_stays_narrowed);
	RUN(a_signal_that_nobody_waits_for_is_there_for_the_next_wait);
	RUN(who_signals_goes_on_and_leaves_the_core_when_it_waits);
	RUN(a_better_waiter_runs_at_once);
	RUN(a_waiter_of_the_same_priority_as_one_that_is_queued_has_its_place);
	RUN(a_deadline_is_off_when_the_signal_comes);
	RUN(a_bound_server_at_work_finds_the_bits_when_it_has_answered);
	RUN(an_interrupt_flag_keeps_from_waiting);
	RUN(signal_and_wait_need_their_rights);
	return check_result();
}
