// sources: KERNEL
/* Who pays: the charge in the principal word of calls that servers make while they serve. */
#include "kernel/fault.h"
#include "ipc_machine.h"

#define WORD(principal, charge) ((u64)(charge) << PRINCIPAL_CHARGE_SHIFT | (principal))

static void set_charges(void)
{
	run(root);
	for (unsigned i = 0; i < MEMBERS; i++)
		CHECK_EQ(kcall(root, KCALL_thread_set_principal, SYS(THREADS + i), WORD(100 + i, 7 + i), 0, 0, 0, 0, 0), 0);
}

/* Client 0 calls server 1, which calls server 2 before it answers: that call is charged to client 0. */
static void call_while_serving(bool waits)
{
	set_charges();
	if (waits)
		ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	CHECK_EQ(member[1]->frame.r15, WORD(100, 7));
	ipc(run(member[1]), KCALL_call, SYS(2), INFO(2, 0), 0, 0, 0);
	if (!waits)
		ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	CHECK_EQ(member[2]->frame.r15, WORD(101, 7));
}

TEST(a_call_made_while_serving_is_charged_to_the_caller_served)
{
	call_while_serving(true);
}

TEST(a_queued_call_made_while_serving_is_charged_to_the_caller_served)
{
	call_while_serving(false);
}

TEST(a_forwarded_call_keeps_its_charge)
{
	call_while_serving(true);
	serve(3, 14);
	ipc(run(member[2]), KCALL_forward, SYS(1), INFO(2, 0), 0, 12, 0);
	CHECK_EQ(member[3]->frame.r15, WORD(101, 7));
}

TEST(the_charge_of_a_caller_goes_through_all_servers_of_a_chain)
{
	call_while_serving(true);
	serve(3, 14);
	ipc(run(member[2]), KCALL_call, SYS(1), INFO(3, 0), 0, 0, 0);
	CHECK_EQ(member[3]->frame.r15, WORD(102, 7));
}

TEST(a_call_made_after_the_answer_is_charged_to_the_server_itself)
{
	call_while_serving(true);
	ipc(run(member[2]), KCALL_reply_recv, SYS(2), INFO(0, 0), 0, 12, 0);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 0, 10, 0);
	ipc(run(member[1]), KCALL_call, SYS(2), INFO(2, 0), 0, 0, 0);
	CHECK_EQ(member[2]->frame.r15, WORD(101, 8));
}

/* Two threads of one server have one CNode, and the other waits with the reply slot that the caller has received with: the slot is full of the very call. */
TEST(a_call_to_who_receives_with_the_same_slot_is_charged_to_the_server_itself)
{
	call_while_serving(true);
	ipc(run(member[2]), KCALL_reply, 0, INFO(0, 0), 0, 12, 0);
	ipc(run(member[1]), KCALL_reply, 0, INFO(0, 0), 0, 10, 0);
	run(root);
	CHECK_EQ(kcall(root, KCALL_thread_set_cnodes, SYS(THREADS + 2), 0, SYS(SYSTEMS + 1), 0, 0, 0, 0), 0);
	ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 10, 0);
	ipc(run(member[1]), KCALL_call, SYS(2), INFO(2, 0), 0, 0, 0);
	CHECK_EQ(member[2]->frame.r15, WORD(101, 8));
}

TEST(a_call_made_for_a_caller_that_died_is_charged_to_the_server_itself)
{
	set_charges();
	ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	run(root);
	delete_slot(THREADS + 0);
	ipc(run(member[1]), KCALL_call, SYS(2), INFO(2, 0), 0, 0, 0);
	CHECK_EQ(member[2]->frame.r15, WORD(101, 8));
	member[0] = NULL;
}

TEST(a_page_fault_while_serving_is_charged_to_the_caller_served)
{
	set_charges();
	ipc(run(member[2]), KCALL_recv, SYS(2), 0, 0, 12, 0);
	serve(1, 10);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	run(member[1]);
	member[1]->frame.address = 0x1000;
	member[1]->frame.error = 4;
	fault_send(member[1]);
	CHECK_EQ(member[2]->frame.r15, WORD(101, 7));
	ipc(run(member[2]), KCALL_reply, 0, INFO(0, 0), FAULT_RESUME, 12, 0);
	CHECK_EQ(member[1]->state, THREAD_READY);
}

int main(void)
{
	machine_boot();
	RUN(a_call_made_while_serving_is_charged_to_the_caller_served);
	RUN(a_queued_call_made_while_serving_is_charged_to_the_caller_served);
	RUN(a_forwarded_call_keeps_its_charge);
	RUN(the_charge_of_a_caller_goes_through_all_servers_of_a_chain);
	RUN(a_call_made_after_the_answer_is_charged_to_the_server_itself);
	RUN(a_call_to_who_receives_with_the_same_slot_is_charged_to_the_server_itself);
	RUN(a_call_made_for_a_caller_that_died_is_charged_to_the_server_itself);
	RUN(a_page_fault_while_serving_is_charged_to_the_caller_served);
	return check_result();
}
