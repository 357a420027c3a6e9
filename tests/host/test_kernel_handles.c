// sources: KERNEL
/* Handles: made by a call or by the reply that brings them, closed once, told at once or noted for later. */
#include "ipc_machine.h"

TEST(a_handle_is_closed_once_when_its_last_copy_and_queued_call_are_gone)
{
	run(member[1]);
	CHECK_EQ(kcall(member[1], KCALL_handle_mint, SYS(3), SYS(1), 0x77, 5, 0, 0, 0), 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_cap_move, SYS(CNODES + 0), 3, SYS(CNODES + 1), 5, 0, 0, 0), 0);
	CHECK_EQ(kcall(root, KCALL_cap_copy, SYS(CNODES + 2), 9, SYS(CNODES + 0), 3, RIGHT_ALL, 0, 0), 0);
	ipc(run(member[0]), KCALL_call, 3, INFO(1, 0), 0, 0, 0);
	CHECK_EQ(member[0]->state, THREAD_SENDING);
	run(root);
	CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(CNODES + 0), 3, 0, 0, 0, 0, 0), 0);
	CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(CNODES + 2), 9, 0, 0, 0, 0, 0), 0);
	CHECK_EQ(object_count[OBJECT_HANDLE] - counts_before[OBJECT_HANDLE], 1);
	serve(1, 10);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), 1);
	CHECK_EQ(member[1]->frame.rdi, 0x77);
	serve(1, 11);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CLOSED);
	CHECK_EQ(member[1]->frame.rdi, 0x77);
	serve(1, 11);
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
	CHECK_EQ(object_count[OBJECT_HANDLE], counts_before[OBJECT_HANDLE]);
}

/* A Handle of the server's, in the client's slot 3. */
static void open_file(u64 badge)
{
	run(member[1]);
	CHECK_EQ(kcall(member[1], KCALL_handle_mint, SYS(3), SYS(1), badge, 5, 0, 0, 0), 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_cap_move, SYS(CNODES + 0), 3, SYS(CNODES + 1), 5, 0, 0, 0), 0);
}

static void close_file(void)
{
	run(member[0]);
	CHECK_EQ(kcall(member[0], KCALL_cap_delete, CPTR_FILES, 3, 0, 0, 0, 0, 0), 0);
	this_core()->needed = true; /* no member has run yet, so no address space is loaded, which the fast path relies on */
}

TEST(a_close_that_can_wait_is_noted_beside_the_next_message)
{
	open_file(0x77);
	buffer[1]->closed_later = 1;
	serve(1, 10);
	close_file();
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
	CHECK_EQ(object_count[OBJECT_HANDLE], counts_before[OBJECT_HANDLE]);
	CHECK(ipc(run(member[0]), KCALL_call, SYS(1), INFO(7, 0), 42, 0, 0) == member[1]);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), 7);
	CHECK_EQ(buffer[1]->closed_count, 1);
	CHECK_EQ(buffer[1]->closed[0], 0x77);
}

TEST(a_server_that_cannot_wait_or_has_no_room_is_told_of_a_close)
{
	open_file(0x77);
	serve(1, 10);
	close_file();
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CLOSED);
	thread_unready(member[1]);
	open_file(0x78);
	buffer[1]->closed_later = 1;
	buffer[1]->closed_count = CLOSED_MAX;
	serve(1, 10);
	close_file();
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CLOSED);
	CHECK_EQ(member[1]->frame.rdi, 0x78);
	buffer[1]->closed_count = 0;
}

TEST(a_core_with_nothing_to_run_tells_of_noted_closes)
{
	open_file(0x77);
	buffer[1]->closed_later = 1;
	serve(1, 10);
	close_file();
	CHECK_EQ(buffer[1]->closed_count, 1);
	/* the client waits for something else, nobody else is ready */
	for (unsigned i = 0; i < MEMBERS; i++)
		thread_unready(member[i]);
	thread_unready(root);
	CHECK(ipc(run(member[0]), KCALL_wait, SYS(4), 0, 0, 0, 0) == member[1]);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CLOSED);
	CHECK_EQ(member[1]->frame.rdi, 0x77);
	CHECK_EQ(buffer[1]->closed_count, 0);
}

/* The server answers with `count` new Handles. */
static struct thread *answer_with_handles(unsigned count)
{
	buffer[1]->mint_pool = SYS(3);
	buffer[1]->mint_endpoint = SYS(1);
	for (unsigned i = 0; i < count; i++) {
		buffer[1]->send_slot[i] = SEND_NEW_HANDLE;
		buffer[1]->mint_badge[i] = 0x50 + i;
	}
	return ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0) | INFO_CAPS(count), 0, 10, 0);
}

static void ask_for_handles(void)
{
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
}

TEST(a_reply_makes_the_handles_that_it_brings)
{
	buffer[0]->recv_slot[0] = 3;
	buffer[0]->recv_slot[1] = SYS(20);
	ask_for_handles();
	CHECK(answer_with_handles(2) == member[0]);
	CHECK_EQ(INFO_CAPS_OF(member[0]->frame.rsi), 2);
	CHECK_EQ(object_count[OBJECT_HANDLE] - counts_before[OBJECT_HANDLE], 2);
	CHECK(ipc(run(member[0]), KCALL_call, 3, INFO(1, 0), 0, 0, 0) == member[1]);
	CHECK_EQ(member[1]->frame.rdi, 0x50);
	ipc(member[1], KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 10, 0);
	ipc(run(member[0]), KCALL_call, SYS(20), INFO(1, 0), 0, 0, 0);
	CHECK_EQ(member[1]->frame.rdi, 0x51);
}

TEST(a_new_handle_that_nobody_takes_is_closed)
{
	buffer[0]->recv_slot[0] = SLOT_NONE;
	buffer[0]->recv_slot[1] = 4;
	ask_for_handles();
	answer_with_handles(2);
	CHECK_EQ(INFO_CAPS_OF(member[0]->frame.rsi), 0);
	for (unsigned i = 0; i < 2; i++) {
		if (i || member[1]->state == THREAD_RECEIVING)
			serve(1, 10);
		CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CLOSED);
		CHECK_EQ(member[1]->frame.rdi, 0x50 + i);
	}
	serve(1, 10);
	CHECK_EQ(member[1]->state, THREAD_RECEIVING);
	CHECK_EQ(object_count[OBJECT_HANDLE], counts_before[OBJECT_HANDLE]);
}

/* By the fast path, too: the server would wait with the closing untold. */
TEST(of_two_new_handles_for_one_slot_the_second_is_closed_at_once)
{
	ask_for_handles();
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), INFO(0, 0), 0, 10, 0);
	buffer[0]->recv_slot[0] = buffer[0]->recv_slot[1] = 3;
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	answer_with_handles(2);
	CHECK_EQ(INFO_CAPS_OF(member[0]->frame.rsi), 1);
	CHECK_EQ(member[1]->state, THREAD_READY);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CLOSED);
	CHECK_EQ(member[1]->frame.rdi, 0x51);
}

TEST(a_new_handle_whose_endpoint_went_with_the_same_reply_is_closed)
{
	buffer[0]->recv_slot[0] = SYS(20);
	buffer[0]->recv_slot[1] = 3;
	ask_for_handles();
	buffer[1]->mint_pool = SYS(3);
	buffer[1]->mint_endpoint = buffer[1]->send_slot[0] = SYS(1);
	buffer[1]->send_slot[1] = SEND_NEW_HANDLE;
	buffer[1]->mint_badge[1] = 0x51;
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0) | INFO_CAPS(2), 0, 10, 0);
	CHECK_EQ(INFO_CAPS_OF(member[0]->frame.rsi), 1);
	CHECK_EQ(cap_type(cspace_slot(member[0], SYS(20))), OBJECT_ENDPOINT);
	CHECK(cap_empty(cspace_slot(member[0], 3)));
	run(root);
	give(1, SYSTEMS, 1, EP, RIGHT_ALL);
	serve(1, 10);
	CHECK_EQ(INFO_LABEL(member[1]->frame.rsi), LABEL_CLOSED);
	CHECK_EQ(member[1]->frame.rdi, 0x51);
}

TEST(a_reply_is_not_sent_without_room_for_its_handles)
{
	buffer[0]->recv_slot[0] = 30;
	run(member[1]);
	for (unsigned i = 0; i < 15; i++)
		CHECK_EQ(kcall(member[1], KCALL_handle_mint, SYS(3), SYS(1), i, i, 0, 0, 0), 0);
	ask_for_handles();
	CHECK(answer_with_handles(1) == member[1]);
	CHECK_EQ((s64)member[1]->frame.rax, K_NO_MEMORY);
	CHECK_EQ(member[0]->state, THREAD_REPLY);
	/* nor by who has no pool */
	buffer[1]->mint_pool = SYS(1);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0) | INFO_CAPS(1), 0, 10, 0);
	CHECK_EQ((s64)member[1]->frame.rax, K_INVALID_CAP);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 9, 10, 0);
	CHECK_EQ(member[0]->frame.rdx, 9);
}

TEST(deleting_a_pool_kills_its_handles_everywhere)
{
	run(member[1]);
	for (unsigned i = 0; i < 15; i++)
		CHECK_EQ(kcall(member[1], KCALL_handle_mint, SYS(3), SYS(1), i, i, 0, 0, 0), 0);
	CHECK_EQ(kcall(member[1], KCALL_handle_mint, SYS(3), SYS(1), 99, 20, 0, 0, 0), K_NO_MEMORY);
	run(root);
	for (unsigned i = 0; i < MEMBERS; i++)
		CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(SYSTEMS + i), 3, 0, 0, 0, 0, 0), 0);
	delete_slot(POOL);
	CHECK_EQ(kcall(root, KCALL_cap_identify, SYS(CNODES + 1), 4, 0, 0, 0, 0, 0), 0);
	CHECK_EQ(root->frame.rdx & 0xff, OBJECT_NULL);
}

int main(void)
{
	machine_boot();
	RUN(a_handle_is_closed_once_when_its_last_copy_and_queued_call_are_gone);
	RUN(a_close_that_can_wait_is_noted_beside_the_next_message);
	RUN(a_server_that_cannot_wait_or_has_no_room_is_told_of_a_close);
	RUN(a_core_with_nothing_to_run_tells_of_noted_closes);
	RUN(a_reply_makes_the_handles_that_it_brings);
	RUN(a_new_handle_that_nobody_takes_is_closed);
	RUN(of_two_new_handles_for_one_slot_the_second_is_closed_at_once);
	RUN(a_new_handle_whose_endpoint_went_with_the_same_reply_is_closed);
	RUN(a_reply_is_not_sent_without_room_for_its_handles);
	RUN(deleting_a_pool_kills_its_handles_everywhere);
	return check_result();
}
