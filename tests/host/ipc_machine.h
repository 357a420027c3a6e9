/* Clients and servers on the simulated machine: four threads, two Endpoints, and a setup and teardown around each TEST. */
#ifndef IPC_MACHINE_H
#define IPC_MACHINE_H

#include "kernel_machine.h"

/* Slots of root's CNode that the tests use. */
enum { UNTYPED = 200, FRAMES, SPACE, EP, EP2, POOL, NOTIFY, SCRATCH = 220, THREADS = 240, CNODES = 260, SYSTEMS = 280 };

#define MEMBERS 4
static struct thread *member[MEMBERS]; /* 0: client, 1: server, 2: second client, 3: second server */
static struct message_buffer *buffer[MEMBERS]; /* two pages each, adjacent in the simulated RAM */

static inline u64 free_untyped(void)
{
	static unsigned next = ROOT_SLOT_UNTYPED;
	unsigned best = next;

	for (unsigned i = ROOT_SLOT_UNTYPED; i < ROOT_SLOT_UNTYPED + 40; i++) {
		struct cte *c = cspace_system_slot(root, i);

		if (cap_type(c) == OBJECT_UNTYPED && cap_size_bits(c) >= 21)
			best = i;
	}
	return SYS(best);
}

static void retype(u64 type, u64 bits, u64 slot, u64 count)
{
	CHECK_EQ(kcall(root, KCALL_untyped_retype, SYS(UNTYPED), type, bits, SYS(ROOT_SLOT_CNODE), slot, count, 0), 0);
}

static void make_member(unsigned i)
{
	u64 area = GATE_THREAD_AREA(i + 1);

	CHECK_EQ(kcall(root, KCALL_thread_configure, SYS(THREADS + i), SYS(CNODES + i), SYS(SYSTEMS + i), SYS(SPACE), SYS(EP2), 100 + i, 100),
		 0);
	CHECK_EQ(kcall(root, KCALL_thread_set_area, SYS(THREADS + i), area, PAGE_REF(FRAMES, i * 3), PAGE_REF(FRAMES, i * 3 + 1),
		       PAGE_REF(FRAMES, i * 3 + 2), i, 0),
		 0);
	member[i] = cspace_system_slot(root, THREADS + i)->object;
	buffer[i] = member[i]->message_low;
	buffer[i]->closed_later = buffer[i]->closed_count = 0;
	for (unsigned c = 0; c < MESSAGE_CAPS; c++)
		buffer[i]->recv_slot[c] = SLOT_NONE;
	CHECK_EQ(kcall(root, KCALL_thread_start, SYS(THREADS + i), GATE_BASE + 0x1000, 0, 0, 0, 0, 0), 0);
}

static inline void give(unsigned i, u64 cnode_base, u64 slot, u64 from, u64 rights)
{
	CHECK_EQ(kcall(root, KCALL_cap_copy, SYS(cnode_base + i), slot, SYS(ROOT_SLOT_CNODE), from, rights, 0, 0), 0);
}

static u64 counts_before[OBJECT_TYPE_COUNT], frames_before;

static void setup(void)
{
	run(root);
	memcpy(counts_before, object_count, sizeof(counts_before));
	frames_before = frames_counted_total;
	CHECK_EQ(kcall(root, KCALL_untyped_retype, free_untyped(), OBJECT_UNTYPED, 20, SYS(ROOT_SLOT_CNODE), UNTYPED, 1, 0), 0);
	retype(OBJECT_FRAME, 4, FRAMES, 1);
	retype(OBJECT_VSPACE, 0, SPACE, 1);
	retype(OBJECT_ENDPOINT, 0, EP, 2);
	retype(OBJECT_HANDLE_POOL, 4, POOL, 1);
	retype(OBJECT_NOTIFICATION, 0, NOTIFY, 1);
	retype(OBJECT_THREAD, 0, THREADS, MEMBERS);
	retype(OBJECT_CNODE, 6, CNODES, MEMBERS);
	retype(OBJECT_CNODE, 6, SYSTEMS, MEMBERS);
	for (unsigned i = 0; i < MEMBERS; i++) {
		make_member(i);
		give(i, SYSTEMS, 1, EP, i & 1 ? RIGHT_ALL : RIGHT_SEND);
		give(i, SYSTEMS, 2, EP2, RIGHT_ALL);
		give(i, SYSTEMS, 3, POOL, RIGHT_ALL);
		give(i, SYSTEMS, 4, NOTIFY, RIGHT_ALL);
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		thread_unready(member[i]);
}

static inline void delete_slot(u64 slot)
{
	CHECK_EQ(kcall(root, KCALL_cap_delete, SYS(ROOT_SLOT_CNODE), slot, 0, 0, 0, 0, 0), 0);
}

static inline void teardown(void)
{
	struct census census = { 0 };

	for (unsigned i = 0; i < MEMBERS; i++)
		if (member[i])
			check_thread_queues(member[i]);
	run(root);
	for (unsigned i = 0; i < MEMBERS; i++) {
		delete_slot(THREADS + i);
		delete_slot(CNODES + i);
		delete_slot(SYSTEMS + i);
	}
	CHECK_EQ(kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), UNTYPED, 0, 0, 0, 0, 0), 0);
	delete_slot(UNTYPED);
	CHECK_EQ(kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), free_untyped() & ~CPTR_SYSTEM, 0, 0, 0, 0, 0), 0);
	check_forest(&census);
	for (unsigned i = 0; i < OBJECT_TYPE_COUNT; i++)
		CHECK_EQ(object_count[i], counts_before[i]);
	CHECK_EQ(frames_counted_total, frames_before);
}

#define TEST(name) \
	static void name##_body(void); \
	static void name(void) \
	{ \
		setup(); \
		name##_body(); \
		teardown(); \
	} \
	static void name##_body(void)

/* the server waits on EP with reply slot 10 */
static inline void serve(unsigned i, u64 slot)
{
	ipc(run(member[i]), KCALL_recv, SYS(1), 0, 0, slot, 0);
}

/* Time passes for whoever runs, the timer's interrupts among it. */
static inline void pass_in_steps(u64 ns, u64 step)
{
	for (u64 end = now_ns + ns; now_ns < end;) {
		now_ns += MIN(end - now_ns, step);
		if (host_core->armed > now_ns)
			continue;
		host_core->armed = ~0ull;
		node_trylock();
		kernel_timer(host_core->current);
		node_unlock();
	}
}

#endif
