// sources: KERNEL
/* IPC as threads see it: calls, replies, forwards, cancellation, death. */
#include "ipc_machine.h"

TEST(a_call_runs_the_server_and_the_reply_runs_the_client)
{
	struct thread *next;

	serve(1, 10);
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
	next = ipc(run(member[0]), KCALL_call, SYS(1), INFO(7, 0), 42, 0, 0);
	CHECK(next == member[1]);
	CHECK_EQ(next->frame.rax, 0);
	CHECK_EQ(next->frame.rdx, 42);
	CHECK_EQ(next->frame.r15, 100);
	CHECK_EQ(INFO_LABEL(next->frame.rsi), 7);
	next = ipc(next, KCALL_reply_recv, SYS(1), INFO(0, 0), 43, 10, 0);
	CHECK(next == member[0]);
	CHECK_EQ(next->frame.rdx, 43);
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
}

TEST(a_reply_slot_cannot_be_slot_0)
{
	serve(1, 0);
	CHECK_EQ((s64)member[1]->frame.rax, K_INVALID_ARG);
}

TEST(a_call_without_a_receiver_waits_its_turn)
{
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 1, 0, 0);
	ipc(run(member[2]), KCALL_call, SYS(1), INFO(2, 0), 2, 0, 0);
	serve(1, 10);
	CHECK_EQ(member[1]->frame.rdx, 1);
	serve(1, 11);
	CHECK_EQ(member[1]->frame.rdx, 2);
}

TEST(data_crosses_the_page_boundary_of_the_buffers)
{
	for (unsigned i = 0; i < MESSAGE_BYTES; i++)
		buffer[0]->data[i] = (u8)(i * 7);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, MESSAGE_BYTES), 0, 0, 0);
	CHECK_EQ(INFO_BYTES_OF(member[1]->frame.rsi), MESSAGE_BYTES);
	CHECK(!memcmp(buffer[1]->data, buffer[0]->data, MESSAGE_BYTES));
}

/* Server 2 waits, or comes later: it sees the same. */
static void forward_and_receive(bool waits)
{
	struct thread *next;

	if (waits)
		ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 10, 0);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_WINDOWS(2), 3, 0, 0);
	memcpy(buffer[1]->data, "checked", 8);
	next = ipc(run(member[1]), KCALL_forward_recv, SYS(2), INFO(5, 8) | INFO_WINDOWS(1), 9, 10, SYS(1));
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
	CHECK(!waits || next == member[2]);
	memcpy(buffer[1]->data, "changed", 8);
	if (!waits)
		ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 10, 0);
	CHECK_EQ(member[2]->frame.rsi, INFO(5, 8) | INFO_WINDOWS(2) | INFO_FORWARDED);
	CHECK_EQ(member[2]->frame.rdx, 9);
	CHECK_EQ(member[2]->frame.r15, 100);
	CHECK(!memcmp(buffer[2]->data, "checked", 8));
	ipc(run(member[2]), KCALL_reply, 0, INFO(0, 0), 44, 10, 0);
	CHECK_EQ(member[0]->frame.rdx, 44);
	CHECK_EQ(member[0]->state, THREAD_READY);
	/* the slot that the call came in is free again */
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 4, 0, 0);
	CHECK_EQ(member[1]->frame.rdx, 4);
}

TEST(forward_recv_runs_the_next_server_and_receives)
{
	forward_and_receive(true);
}

TEST(forward_recv_keeps_the_message_for_a_server_that_comes_later)
{
	forward_and_receive(false);
}

TEST(forward_recv_that_cannot_forward_does_not_receive)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 3, 0, 0);
	CHECK_EQ((s64)(ipc(run(member[1]), KCALL_forward_recv, SYS(60), INFO(5, 0), 9, 10, SYS(1)), member[1]->frame.rax), K_INVALID_CAP);
	CHECK_EQ(member[1]->state, THREAD_READY);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 44, 10, 0);
	CHECK_EQ(member[0]->frame.rdx, 44);
}

TEST(an_answer_with_capabilities_that_nobody_takes_is_told_before_receiving)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 3, 0, 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_stop, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	thread_destroy(member[0]);
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0) | INFO_CAPS(1), 0, 10, 0);
	CHECK_EQ((s64)member[1]->frame.rax, K_GONE);
	CHECK_EQ(member[1]->state, THREAD_READY);
}

TEST(a_forwarded_message_cannot_be_changed_by_its_first_sender)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	strcpy((char *)buffer[1]->data, "checked");
	CHECK_EQ((ipc(run(member[1]), KCALL_forward, SYS(2), INFO(5, 8), 9, 10, 0), member[1]->frame.rax), 0);
	strcpy((char *)buffer[0]->data, "evil");
	strcpy((char *)buffer[1]->data, "reused");
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 10, 0);
	CHECK_STR((char *)buffer[3]->data, "checked");
	CHECK_EQ(member[3]->frame.rdx, 9);
	CHECK_EQ(member[3]->frame.r15, 100);
	CHECK(member[3]->frame.rsi & INFO_FORWARDED);
}

TEST(a_reply_deleted_unanswered_gives_peer_dead)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(SYSTEMS + 1), 10, 0, 0, 0, 0, 0), 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_PEER_DEAD);
	CHECK_EQ(member[0]->state, THREAD_READY);
}

TEST(a_killed_caller_is_cancelled_and_its_answer_fails)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	serve(1, 11);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_stop, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	thread_destroy(member[0]);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CANCELLED);
	CHECK_EQ(member[1]->frame.rdx, 10);
	CHECK_EQ(member[1]->frame.r8, 2);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 0, 10, 0);
	CHECK_EQ((s64)member[1]->frame.rax, K_GONE);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 0, 10, 0);
	CHECK_EQ((s64)member[1]->frame.rax, K_INVALID_CAP);
}

TEST(an_interrupted_queued_call_returns_at_once_and_a_received_one_asks_its_server)
{
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_INTERRUPTIBLE, 0, 0, 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_INTERRUPTED);
	CHECK_EQ(member[0]->context->interrupt_flag, 1);
	CHECK_EQ((ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_INTERRUPTIBLE, 0, 0, 0), (s64)member[0]->frame.rax),
		 K_INTERRUPTED);
	member[0]->context->interrupt_flag = 0;
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_INTERRUPTIBLE, 0, 0, 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	CHECK_EQ(member[0]->state, THREAD_REPLY);
	serve(1, 11);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CANCELLED);
	CHECK_EQ(member[1]->frame.rdx, 10);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), (u64)-4, 10, 0);
	CHECK_EQ(member[0]->state, THREAD_READY);
}

TEST(a_deadline_ends_a_queued_call_and_cancels_a_received_one)
{
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, now_ns + 500);
	now_ns += 1000;
	kernel_timer(this_core()->current);
	CHECK_EQ((s64)member[0]->frame.rax, K_TIMEOUT);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, now_ns + 500);
	serve(1, 11);
	now_ns += 1000;
	kernel_timer(this_core()->current);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CANCELLED);
	CHECK_EQ(member[1]->frame.r8, 1);
}

TEST(an_interrupt_in_the_exit_sequence_restarts_it)
{
	run(root);
	member[0]->frame.rip = GATE_EXIT + 0x20;
	thread_ready(member[0]);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	CHECK_EQ(member[0]->frame.rip, GATE_EXIT);
	CHECK_EQ(member[0]->frame.rcx, member[0]->context_address);
	CHECK_EQ(member[0]->context->interrupt_flag, 1);
	thread_unready(member[0]);
}

TEST(an_interrupt_of_the_program_enters_the_gate_with_its_frame)
{
	run(root);
	member[0]->frame.rip = 0x401000;
	member[0]->frame.rax = 55;
	thread_ready(member[0]);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	CHECK_EQ(member[0]->frame.rip, GATE_INTERRUPT);
	CHECK_EQ(member[0]->context->program.rip, 0x401000);
	CHECK_EQ(member[0]->context->program.rax, 55);
	thread_unready(member[0]);
}

TEST(a_notification_wakes_a_waiter_and_a_bound_receiver)
{
	ipc(run(member[0]), KCALL_wait, SYS(4), 0, 0, 0, 0);
	CHECK_EQ(member[0]->state, THREAD_WAITING);
	ipc(run(member[1]), KCALL_signal, SYS(4), 0, 0, 0, 0);
	CHECK_EQ(member[0]->state, THREAD_READY);
	CHECK_EQ(member[0]->frame.rdx, 1);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_bind, SYS(THREADS + 1), SYS(NOTIFY), 0, 0, 0, 0, 0), 0);
	serve(1, 10);
	ipc(run(member[0]), KCALL_signal, SYS(4), 0, 0, 0, 0);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_NOTIFIED);
	CHECK_EQ(member[1]->frame.rdx, 1);
}

TEST(a_page_fault_is_a_call_and_its_answer_resumes_or_enters_the_gate)
{
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 10, 0);
	run(member[0]);
	member[0]->frame.rip = 0x401000;
	member[0]->frame.vector = 14;
	member[0]->frame.address = 0x7000;
	member[0]->frame.error = 6;
	kernel_exception(member[0]);
	CHECK_EQ(INFO_LABEL(member[3]->frame.rsi), LABEL_FAULT);
	CHECK_EQ(member[3]->frame.rdx, 0x7000);
	CHECK_EQ(member[3]->frame.r9, 6);
	ipc(run(member[3]), KCALL_reply, 0, INFO(0, 0), FAULT_DELIVER, 10, 0);
	CHECK_EQ(member[0]->frame.rip, GATE_EXCEPTION);
	CHECK_EQ(member[0]->context->program.address, 0x7000);
	CHECK_EQ(member[0]->state, THREAD_READY);
}

TEST(capabilities_move_with_a_message_only_into_named_empty_slots)
{
	serve(1, 10);
	buffer[0]->send_slot[0] = SYS(4);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_CAPS(1), 0, 0, 0);
	CHECK_EQ(INFO_CAPS_OF(member[1]->frame.rsi), 0);
	CHECK(!cap_empty(cspace_slot(member[0], SYS(4))));
	buffer[0]->recv_slot[0] = 7;
	buffer[1]->send_slot[0] = SYS(4);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0) | INFO_CAPS(1), 0, 10, 0);
	CHECK_EQ(INFO_CAPS_OF(member[0]->frame.rsi), 1);
	CHECK_EQ(cap_type(cspace_slot(member[0], 7)), OBJECT_NOTIFICATION);
	CHECK(cap_empty(cspace_slot(member[1], SYS(4))));
}

TEST(destroying_an_endpoint_wakes_its_senders_with_peer_dead)
{
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	serve(1, 10);
	ipc(run(member[2]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	run(root);
	for (unsigned i = 0; i < MEMBERS; i++)
		CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(SYSTEMS + i), 1, 0, 0, 0, 0, 0), 0);
	delete_slot(EP);
	CHECK_EQ((s64)member[2]->frame.rax, K_PEER_DEAD);
	CHECK_EQ(member[0]->state, THREAD_REPLY);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 8, 10, 0);
	CHECK_EQ(member[0]->frame.rdx, 8);
}

TEST(hostile_info_words_and_slots_are_refused)
{
	serve(1, 10);
	run(member[0]);
	ipc(member[0], KCALL_call, SYS(1), LABEL_KERNEL, 0, 0, 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_INVALID_ARG);
	ipc(member[0], KCALL_call, SYS(1), INFO(1, MESSAGE_BYTES + 1), 0, 0, 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_INVALID_ARG);
	ipc(member[0], KCALL_call, SYS(1), INFO(1, 0) | INFO_CAPS(5), 0, 0, 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_INVALID_ARG);
	ipc(member[0], KCALL_call, ~0ul, INFO(1, 0), 0, 0, 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_INVALID_CAP);
	ipc(member[0], KCALL_recv, SYS(1), 0, 0, 12, 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_NO_RIGHT);
	ipc(member[0], 77777, 0, 0, 0, 0, 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_BAD_CALL);
}

TEST(a_range_that_holds_the_capability_to_its_own_cnode_can_be_deleted)
{
	give(0, SYSTEMS, 6, SYSTEMS + 0, RIGHT_ALL);
	run(member[0]);
	CHECK_EQ(kcall(member[0], KCALL_cap_delete_range, SYS(6), 1, 60, 0, 0, 0, 0), 0);
	CHECK_EQ(member[0]->frame.rdx, 60);
	for (unsigned i = 1; i < 61; i++)
		CHECK(cap_empty(cspace_system_slot(member[0], i)));
}

TEST(a_capability_that_comes_with_a_call_cannot_take_the_reply_slot)
{
	buffer[1]->recv_slot[0] = SYS(10);
	buffer[0]->send_slot[0] = SYS(4);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_CAPS(1), 0, 0, 0);
	CHECK_EQ(INFO_CAPS_OF(member[1]->frame.rsi), 0);
	CHECK_EQ(cap_type(cspace_system_slot(member[1], 10)), OBJECT_REPLY);
	CHECK(!cap_empty(cspace_slot(member[0], SYS(4))));
}

TEST(who_may_only_send_cannot_revoke_the_handles_of_others)
{
	give(0, SYSTEMS, 6, SYSTEMS + 0, RIGHT_ALL);
	run(member[1]);
	CHECK_EQ(kcall(member[1], KCALL_handle_mint, SYS(3), SYS(1), 0x77, 5, 0, 0, 0), 0);
	run(member[0]);
	CHECK_EQ(kcall(member[0], KCALL_cap_revoke, SYS(6), 1, 0, 0, 0, 0, 0), K_NO_RIGHT);
	CHECK_EQ(cap_type(cspace_slot(member[1], 5)), OBJECT_HANDLE);
}

TEST(a_badge_cannot_be_changed_by_its_holder)
{
	run(root);
	CHECK_EQ(kcall(root, KCALL_cap_copy, SYS(ROOT_SLOT_CNODE), SCRATCH, SYS(ROOT_SLOT_CNODE), NOTIFY, RIGHT_ALL, 4, 0), 0);
	CHECK_EQ(kcall(root, KCALL_cap_copy, SYS(ROOT_SLOT_CNODE), SCRATCH + 1, SYS(ROOT_SLOT_CNODE), SCRATCH, RIGHT_ALL, 8, 0), K_INVALID_ARG);
	CHECK_EQ(kcall(root, KCALL_cap_copy, SYS(ROOT_SLOT_CNODE), SCRATCH + 1, SYS(ROOT_SLOT_CNODE), SCRATCH, RIGHT_ALL, 0, 0), 0);
	CHECK_EQ(cap_value(cspace_system_slot(root, SCRATCH + 1)), 4);
	delete_slot(SCRATCH);
	delete_slot(SCRATCH + 1);
}

TEST(bits_from_before_the_binding_reach_a_receiver_that_waits)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_signal, SYS(4), 0, 0, 0, 0);
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_bind, SYS(THREADS + 1), SYS(NOTIFY), 0, 0, 0, 0, 0), 0);
	CHECK_EQ(member[1]->state, THREAD_READY);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_NOTIFIED);
	CHECK_EQ(member[1]->frame.rdx, 1);
}

static void fault(struct thread *t, u64 address)
{
	run(t);
	t->frame.rip = 0x401000;
	t->frame.rax = 55;
	t->frame.vector = 14;
	t->frame.address = address;
	kernel_exception(t);
}

TEST(a_fault_queued_at_an_endpoint_that_dies_enters_the_gate_with_its_registers)
{
	fault(member[0], 0x7000);
	CHECK_EQ(member[0]->state, THREAD_SENDING);
	run(root);
	endpoint_destroy(cspace_system_slot(root, EP2)->object);
	CHECK_EQ(member[0]->state, THREAD_READY);
	CHECK_EQ(member[0]->fault, 0);
	CHECK_EQ(member[0]->frame.rip, GATE_EXCEPTION);
	CHECK_EQ(member[0]->context->program.rax, 55);
}

TEST(an_interrupt_during_a_fault_outlives_the_endpoint_that_the_fault_waits_at)
{
	fault(member[0], 0x7000);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	endpoint_destroy(cspace_system_slot(root, EP2)->object);
	CHECK_EQ(member[0]->frame.rip, GATE_EXCEPTION);
	CHECK_EQ(member[0]->context->interrupt_flag, 1);
	CHECK_EQ(member[0]->flags, 0);
}

/* The way out has looked at the flag already (abi/gate.h). */
TEST(an_interrupt_during_a_fault_of_the_way_out_restarts_that)
{
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 11, 0);
	run(member[0]);
	member[0]->context->interrupt_flag = 0;
	member[0]->frame.rip = GATE_EXIT + 0x40;
	member[0]->frame.vector = 14;
	member[0]->frame.address = 0x7000;
	kernel_exception(member[0]);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	run(member[3]);
	ipc(member[3], KCALL_reply_recv, SYS(2), INFO(0, 0), FAULT_RESUME, 11, 0);
	CHECK_EQ(member[0]->fault, 0);
	CHECK_EQ(member[0]->frame.rip, GATE_EXIT);
	member[0]->context->interrupt_flag = 0;
}

TEST(an_interrupt_during_a_fault_outlives_a_fault_that_is_delivered)
{
	ipc(run(member[3]), KCALL_recv, SYS(2), 0, 0, 10, 0);
	fault(member[0], 0x7000);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_interrupt, SYS(THREADS + 0), 0, 0, 0, 0, 0, 0), 0);
	ipc(run(member[3]), KCALL_reply, 0, INFO(0, 0), FAULT_DELIVER, 10, 0);
	CHECK_EQ(member[0]->frame.rip, GATE_EXCEPTION);
	CHECK_EQ(member[0]->context->program.rip, 0x401000);
	CHECK_EQ(member[0]->context->interrupt_flag, 1);
	CHECK_EQ(member[0]->flags, 0);
}

TEST(a_call_whose_time_ran_out_before_it_was_forwarded_says_so)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, now_ns + 500);
	now_ns += 1000;
	kernel_timer(this_core()->current);
	ipc(run(member[1]), KCALL_forward, SYS(2), INFO(5, 0), 9, 10, 0);
	CHECK_EQ(member[1]->frame.rax, 0);
	CHECK_EQ((s64)member[0]->frame.rax, K_TIMEOUT);
	CHECK_EQ(member[0]->state, THREAD_READY);
}

/* Each system CNode holds the other, and itself; nothing outside names them but the threads, which end. */
TEST(cnodes_that_hold_each_other_end_with_the_last_capability_from_outside)
{
	u64 cnodes = object_count[OBJECT_CNODE];

	for (unsigned i = 0; i < 2; i++) {
		give(i, SYSTEMS, 20, SYSTEMS + !i, RIGHT_ALL);
		for (unsigned slot = 30; slot < 40; slot++)
			give(i, SYSTEMS, slot, SYSTEMS + i, RIGHT_ALL);
	}
	run(root);
	delete_slot(THREADS + 0);
	delete_slot(THREADS + 1);
	CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(SYSTEMS + 1), 20, 0, 0, 0, 0, 0), 0);
	delete_slot(SYSTEMS + 0);
	CHECK_EQ(object_count[OBJECT_CNODE], cnodes - 1);
	/* a ring again, this time of one that nobody outside names when it goes */
	CHECK_EQ(kcall(root, KCALL_cap_copy, SYS(SYSTEMS + 1), 20, SYS(ROOT_SLOT_CNODE), CNODES + 1, RIGHT_ALL, 0, 0), 0);
	CHECK_EQ(kcall(root, KCALL_cap_move, SYS(CNODES + 1), 20, SYS(ROOT_SLOT_CNODE), SYSTEMS + 1, 0, 0, 0), 0);
	CHECK_EQ(kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), UNTYPED, 0, 0, 0, 0, 0), K_BUSY); /* frames of the other threads */
	delete_slot(THREADS + 2);
	delete_slot(THREADS + 3);
	CHECK_EQ(kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), UNTYPED, 0, 0, 0, 0, 0), 0);
	for (unsigned i = 0; i < MEMBERS; i++)
		member[i] = root;
	CHECK_EQ(object_count[OBJECT_CNODE], counts_before[OBJECT_CNODE]);
}

TEST(a_narrower_port_goes_with_the_one_it_came_from)
{
	run(root);
	CHECK_EQ(kcall(root, KCALL_io_port_derive, SCRATCH, SYS(ROOT_SLOT_IO_PORT), 0x60, 0x6f, 0, 0, 0), 0);
	CHECK_EQ(kcall(root, KCALL_io_port_derive, SCRATCH + 1, SYS(ROOT_SLOT_IO_PORT), 0x3f8, 0x3ff, 0, 0, 0), 0);
	CHECK_EQ(kcall(root, KCALL_io_port_derive, SCRATCH + 2, SYS(SCRATCH + 0), 0x64, 0x64, 0, 0, 0), 0);
	CHECK_EQ(kcall(root, KCALL_io_port_derive, SCRATCH + 3, SYS(SCRATCH + 1), 0x3f8, 0x3f8, 0, 0, 0), 0);
	delete_slot(SCRATCH + 0);
	CHECK(cap_empty(cspace_system_slot(root, SCRATCH + 2)));
	CHECK(!cap_empty(cspace_system_slot(root, SCRATCH + 3)));
	CHECK_EQ(kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), ROOT_SLOT_IO_PORT, 0, 0, 0, 0, 0), 0);
	CHECK(cap_empty(cspace_system_slot(root, SCRATCH + 1)));
}

TEST(derivation_ends_at_its_greatest_depth_with_an_error)
{
	s64 err = 0;
	u64 from = ROOT_SLOT_IO_PORT;

	run(root);
	for (unsigned i = 0; i < 300 && !err; i++) {
		err = kcall(root, KCALL_io_port_derive, 400 + i, SYS(from), 0x60, 0x6f, 0, 0, 0);
		from = 400 + i;
	}
	CHECK_EQ(err, K_NO_MEMORY);
	CHECK_EQ(kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), ROOT_SLOT_IO_PORT, 0, 0, 0, 0, 0), 0);
}

TEST(a_thread_may_get_cnodes_named_by_the_ones_that_go)
{
	run(root);
	/* the thread's own capability to its system CNode is the last one, and what it is to get instead is in there */
	give(0, SYSTEMS, 6, THREADS + 0, RIGHT_ALL);
	give(0, SYSTEMS, 7, CNODES + 0, RIGHT_ALL);
	give(0, SYSTEMS, 8, SYSTEMS + 2, RIGHT_ALL);
	delete_slot(SYSTEMS + 0);
	run(member[0]);
	CHECK_EQ(kcall(member[0], KCALL_thread_set_cnodes, SYS(6), SYS(7), SYS(8), 0, 0, 0, 0), 0);
	CHECK(member[0]->system_cnode.object == member[2]->system_cnode.object);
	CHECK_EQ(cap_type(&member[0]->files_cnode), OBJECT_CNODE);
}

TEST(a_new_system_cnode_may_be_named_by_the_files_cnode_that_goes)
{
	run(root);
	give(0, SYSTEMS, 6, THREADS + 0, RIGHT_ALL);
	give(0, SYSTEMS, 7, CNODES + 1, RIGHT_ALL);
	give(0, CNODES, 3, SYSTEMS + 2, RIGHT_ALL);
	delete_slot(CNODES + 0); /* the thread's own is the last one */
	run(member[0]);
	CHECK_EQ(kcall(member[0], KCALL_thread_set_cnodes, SYS(6), SYS(7), 3, 0, 0, 0, 0), 0);
	CHECK(member[0]->files_cnode.object == member[1]->files_cnode.object);
	CHECK(member[0]->system_cnode.object == member[2]->system_cnode.object);
}

TEST(a_pool_goes_in_bounded_steps_however_often_a_handle_was_copied)
{
	struct handle_pool *pool = cspace_system_slot(root, POOL)->object;
	unsigned steps = 1;

	run(root);
	CHECK_EQ(kcall(root, KCALL_handle_mint, SYS(POOL), SYS(EP), 5, SYS(SCRATCH), 0, 0, 0), 0);
	for (unsigned i = 0; i < 200; i++)
		give(i % MEMBERS, CNODES, 10 + i / MEMBERS, SCRATCH, RIGHT_ALL);
	while (handle_pool_empty(pool) == CALL_RESTART)
		steps++;
	CHECK(steps > 3);
	CHECK_EQ(pool->used, 0);
}

/* A boot image of 2 GiB is one Frame. Only the number is looked at, so the simulated machine need not have that memory. */
static void every_page_of_a_large_frame_can_be_named(void)
{
	const u64 count = 3ul << 18;
	struct cte *slot = cspace_system_slot(root, ROOT_SLOT_IMAGE);
	paddr_t page = 0;

	cap_insert_child(slot, NULL, cap_word(OBJECT_FRAME, 0, 0, count), phys_to_virt(1ul << 30));
	CHECK_EQ(lookup_page(root, PAGE_REF(ROOT_SLOT_IMAGE, 65536), 1, &page), K_OK);
	CHECK_EQ(page, (1ul << 30) + (65536ul << PAGE_SHIFT));
	CHECK_EQ(lookup_page(root, PAGE_REF(ROOT_SLOT_IMAGE, 65535), count - 65535, &page), K_OK);
	CHECK_EQ(lookup_page(root, PAGE_REF(ROOT_SLOT_IMAGE, 65535), count - 65534, &page), K_INVALID_ARG);
	CHECK_EQ(lookup_page(root, PAGE_REF(ROOT_SLOT_IMAGE, count), 1, &page), K_INVALID_ARG);
	CHECK_EQ(lookup_page(root, PAGE_REF(0xfffffffful, 0), 1, &page), K_INVALID_CAP);
	CHECK_EQ(cap_delete(slot), K_OK);
}

int main(void)
{
	machine_boot();
	RUN(a_call_runs_the_server_and_the_reply_runs_the_client);
	RUN(a_reply_slot_cannot_be_slot_0);
	RUN(a_call_without_a_receiver_waits_its_turn);
	RUN(data_crosses_the_page_boundary_of_the_buffers);
	RUN(forward_recv_runs_the_next_server_and_receives);
	RUN(forward_recv_keeps_the_message_for_a_server_that_comes_later);
	RUN(forward_recv_that_cannot_forward_does_not_receive);
	RUN(an_answer_with_capabilities_that_nobody_takes_is_told_before_receiving);
	RUN(a_forwarded_message_cannot_be_changed_by_its_first_sender);
	RUN(a_reply_deleted_unanswered_gives_peer_dead);
	RUN(a_killed_caller_is_cancelled_and_its_answer_fails);
	RUN(an_interrupted_queued_call_returns_at_once_and_a_received_one_asks_its_server);
	RUN(a_deadline_ends_a_queued_call_and_cancels_a_received_one);
	RUN(an_interrupt_in_the_exit_sequence_restarts_it);
	RUN(an_interrupt_of_the_program_enters_the_gate_with_its_frame);
	RUN(a_notification_wakes_a_waiter_and_a_bound_receiver);
	RUN(a_page_fault_is_a_call_and_its_answer_resumes_or_enters_the_gate);
	RUN(capabilities_move_with_a_message_only_into_named_empty_slots);
	RUN(destroying_an_endpoint_wakes_its_senders_with_peer_dead);
	RUN(hostile_info_words_and_slots_are_refused);
	RUN(a_range_that_holds_the_capability_to_its_own_cnode_can_be_deleted);
	RUN(a_capability_that_comes_with_a_call_cannot_take_the_reply_slot);
	RUN(who_may_only_send_cannot_revoke_the_handles_of_others);
	RUN(a_badge_cannot_be_changed_by_its_holder);
	RUN(bits_from_before_the_binding_reach_a_receiver_that_waits);
	RUN(a_fault_queued_at_an_endpoint_that_dies_enters_the_gate_with_its_registers);
	RUN(an_interrupt_during_a_fault_outlives_the_endpoint_that_the_fault_waits_at);
	RUN(an_interrupt_during_a_fault_of_the_way_out_restarts_that);
	RUN(an_interrupt_during_a_fault_outlives_a_fault_that_is_delivered);
	RUN(a_call_whose_time_ran_out_before_it_was_forwarded_says_so);
	RUN(cnodes_that_hold_each_other_end_with_the_last_capability_from_outside);
	RUN(a_narrower_port_goes_with_the_one_it_came_from);
	RUN(derivation_ends_at_its_greatest_depth_with_an_error);
	RUN(a_thread_may_get_cnodes_named_by_the_ones_that_go);
	RUN(a_new_system_cnode_may_be_named_by_the_files_cnode_that_goes);
	RUN(a_pool_goes_in_bounded_steps_however_often_a_handle_was_copied);
	RUN(every_page_of_a_large_frame_can_be_named);
	return check_result();
}
