/*
 * Kernel calls past the runtime, with the capabilities that a program has and with any others, and with arguments of the kind that each takes:
 * fuzz_kernel FIRST-SEED SEEDS [CHUNK]. For UX/RT only. What a program has are its two CNodes, Notifications, Handles, and root's Endpoint to send to.
 */
#include <pthread.h>

#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"
#include "tests/guest/fuzz_values.h"

#define CALLS_A_CELL 1500
#define CALLS_A_THREAD 300
#define PATIENCE 300000ul /* ns that a call may wait */
#define SYSTEM(slot) (CPTR_SYSTEM | (slot))
#define SPARE 100 /* descriptors that only these calls make */

static const struct native_api *const native = (const struct native_api *)GATE_NATIVE;

/* ---- object calls: what each takes, see argument() ---- */

static const struct call {
	unsigned short number;
	const char *arguments;
} calls[] = {
#define CALL(name, arguments) { KCALL_##name, arguments }
	CALL(copy, "rnwaz0"), CALL(yield, ""), CALL(untyped_retype, "cnnCsn"), CALL(cap_copy, "CsCsrb"), CALL(cap_copy, "CsCsrb"), CALL(cap_move, "CsCs"),
	CALL(cap_delete, "Cs"), CALL(cap_revoke, "Cs"), CALL(cap_copy_range, "CsCsn"), CALL(cap_delete_range, "Csn"), CALL(cap_identify, "Cs"),
	CALL(handle_mint, "ccws"), CALL(thread_configure, "cccccwn"), CALL(thread_set_area, "cawwwn"), CALL(thread_start, "cwww"), CALL(thread_fork, "ccwww"),
	CALL(thread_stop, "c"), CALL(thread_continue, "c"), CALL(thread_interrupt, "c"), CALL(thread_bind, "cc"), CALL(thread_set_priority, "cn"),
	CALL(thread_set_principal, "cw"), CALL(thread_info, "c"), CALL(thread_set_cnodes, "ccc"), CALL(thread_set_affinity, "cw"), CALL(thread_set_vectors, "cn"),
	CALL(thread_set_share, "cww"), CALL(sched_context_configure, "cwww"), CALL(sched_context_bind, "cc"), CALL(sched_context_unbind, "c"),
	CALL(sched_context_info, "c"), CALL(vspace_topup, "cn"),
	CALL(vspace_map, "caznw"), CALL(vspace_unmap, "cazn"), CALL(vspace_protect, "cazn"), CALL(vspace_clone, "ccazn"), CALL(vspace_query, "caz"),
	CALL(vspace_info, "c"), CALL(irq_handler, "cnns"), CALL(irq_bind, "cc"), CALL(irq_ack, "c"), CALL(io_out, "cwnw"), CALL(io_in, "cwn"),
	CALL(io_port_derive, "scww"), CALL(system_log, "czn"), CALL(system_info, "c"), CALL(system_trace, "cw"), CALL(system_trace_dump, "c"),
	CALL(system_exit, "cw"), CALL(system_set_clock, "cw"), CALL(system_trace_add, "cwww"), CALL(system_frames, "cw"), CALL(system_audit, "c"),
};

static unsigned long any_word(void)
{
	return any(3) ? any_number() : any(2) ? PAGE_REF(any(40), any(4)) : GATE_BASE + any(1ul << 24);
}

static unsigned long any_cptr(void)
{
	switch (any(10)) {
	case 0: return any_word();
	case 1: return SYSTEM(any(700));
	case 2: return any(2) ? CPTR_FILES : SYSTEM(SLOT_SYSTEM);
	case 3: return SYSTEM(SLOT_THREADS);
	case 4: case 5: return SYSTEM(any(40));
	case 6: return SPARE + any(20);
	default: return any(FD_END);
	}
}

static unsigned long argument(char kind)
{
	switch (kind) {
	case 'C': return any(8) ? (any(4) ? CPTR_FILES : SYSTEM(SLOT_SYSTEM)) : any_cptr();
	case 's': return any(8) ? SPARE + any(20) : any(2) ? any(40) : any_word();
	case 'c': return any_cptr();
	case 'r': return any(2) ? RIGHT_ALL : SYSTEM(SPARE + any(20));
	case 'b': return any(2) ? 0 : 1ul << any(40);
	case 'n': return any(8) ? any(20) : any_word();
	case 'a': return place(256);
	case 'z': return any_size();
	case '0': return 0;
	default: return any_word();
	}
}

static void object_call(void)
{
	const struct call *call = &ONE_OF(calls);
	unsigned long a[8];
	int i;

	for (i = 0; i < 8 && call->arguments[i]; i++)
		a[i] = any(20) ? argument(call->arguments[i]) : any_word();
	for (; i < 8; i++)
		a[i] = any_number();
	/* Sources are what there is; else every process would soon have nothing left to name. */
	if ((call->number == KCALL_cap_copy || call->number == KCALL_cap_copy_range) && any(4))
		a[3] = any(2) ? any(FD_END) : any(40);
	if (call->number == KCALL_cap_delete_range && any(16))
		a[2] = any(4);
	native->object(any(50) ? call->number : any(KCALL_COUNT + 10), a);
}

/* ---- IPC calls ---- */

static const unsigned char ipc_calls[] = { KCALL_call, KCALL_call, KCALL_call, KCALL_recv, KCALL_reply, KCALL_reply_recv, KCALL_forward, KCALL_signal, KCALL_wait,
					   KCALL_forward_recv };

static void fill_message(void)
{
	struct message_buffer *message = native->message();

	for (int i = 0; i < MESSAGE_CAPS; i++) {
		message->recv_slot[i] = any(3) ? SPARE + any(20) : any_cptr();
		message->send_slot[i] = any(3) ? SPARE + any(20) : any_cptr();
	}
	for (int i = 0; i < MESSAGE_WINDOWS; i++)
		message->window[i] = (struct message_window){ place(100), any_size() };
	for (int i = 0; i < 16; i++)
		message->data[any(MESSAGE_BYTES)] = any(256);
}

/* No label that root or a server knows, but for reading and writing: fuzz_messages asks them properly. */
static unsigned long any_info(void)
{
	unsigned long label = any(3) ? 32 + any(2) : any(3) ? 0x4000 + any(0x4000) : LABEL_KERNEL - 2 + any(6);

	return INFO(label, any(2) ? 0 : any(MESSAGE_BYTES + 10)) | INFO_CAPS(any(3) ? 0 : any(8)) | INFO_WINDOWS(any(3) ? any(4) : any(20)) |
	       (any(3) ? 0 : INFO_INTERRUPTIBLE) | (any(50) ? 0 : any_bits() & ~INFO_LABEL_MASK);
}

static void ipc_call(void)
{
	struct ipc ipc = { .target = any_cptr(), .info = any_info(), .reply = any(3) ? SYSTEM(SLOT_SCRATCH + any(14)) : any_cptr(),
			   .deadline = any(3) ? native->monotonic() + any(PATIENCE) : DEADLINE_NOW };
	unsigned number = ONE_OF(ipc_calls);

	for (int i = 0; i < MESSAGE_WORDS; i++)
		ipc.m[i] = any_number();
	if (any(4) == 0)
		ipc.target = FORWARD_THROUGH(CPTR_FILES, any(FD_END));
	/* forward_recv has an Endpoint where others have a deadline, and would wait without one */
	native->ipc(any(4000) ? number : KCALL_gate_return, &ipc);
}

static void make_calls(unsigned count)
{
	while (count--) {
		if (!any(4))
			fill_message();
		if (any(2))
			object_call();
		else
			ipc_call();
		__atomic_add_fetch(&fuzz_progress->calls, 1, __ATOMIC_RELAXED);
	}
}

static void *second_thread(void *seed)
{
	fuzz_seed((uint64_t)seed);
	make_calls(CALLS_A_THREAD);
	return NULL;
}

static void work(uint64_t seed)
{
	pthread_t thread;

	open_descriptors();
	map_arena();
	fcntl(FD_NULL, F_DUPFD, SPARE + 20); /* the table of descriptors has room */
	if (any(4) == 0)
		pthread_create(&thread, NULL, second_thread, (void *)~seed);
	make_calls(CALLS_A_CELL);
}

int main(int argc, char **argv)
{
	if (access("/proc/uxrt", F_OK))
		return puts("fuzz_kernel is for UX/RT only"), 2;
	return fuzz_main(argc, argv, work);
}
