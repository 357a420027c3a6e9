// sources: KERNEL
/*
 * Threads that call, serve, forward, copy, wait and fault at random while root interrupts, stops, kills and makes them anew, and takes
 * Endpoints and pools away. After every few operations every queue must name exactly those that wait in it.
 */
#include "kernel_machine.h"
#include "random.h"

#define MEMBERS    6
#define ENDPOINTS  2
#define POOL_BITS  3
#define OPERATIONS 300000
#define CHECK_EVERY 16

/* Slots of root's CNode. An object that can go stands in the slot after its own Untyped, which is revoked for that. */
enum { ARENA = 200, FRAMES, SPACE, NOTIFY, SCRATCH, ENDPOINT = 210, POOL = 220, THREAD = 230, CNODES = 250, SYSTEMS = 260 };

/* Slots of a member's system CNode. */
enum { OWN_EP = 1, OWN_POOL = 3, OWN_NOTIFY = 4, REPLIES = 10, REPLY_COUNT = 8, CAPS = 30, CAP_COUNT = 12 };

static struct thread *member[MEMBERS];
static u64 outcomes[32];
static u64 counts_before[OBJECT_TYPE_COUNT], frames_before;

static s64 root_call(u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return kcall(run(root), number, a0, a1, a2, a3, a4, a5, a6);
}

static void retype(u64 untyped, u64 type, u64 bits, u64 slot, u64 count)
{
	CHECK_EQ(root_call(KCALL_untyped_retype, SYS(untyped), type, bits, SYS(ROOT_SLOT_CNODE), slot, count, 0), 0);
}

static void give(unsigned i, u64 slot, u64 from)
{
	root_call(KCALL_cap_copy, SYS(SYSTEMS + i), slot, SYS(ROOT_SLOT_CNODE), from, RIGHT_ALL, 0, 0);
}

/* ---- objects that come and go ---- */

static void make_endpoint(unsigned e)
{
	retype(ENDPOINT + 2 * e, OBJECT_ENDPOINT, 0, ENDPOINT + 2 * e + 1, 1);
	for (unsigned i = 0; i < MEMBERS; i++)
		give(i, OWN_EP + e, ENDPOINT + 2 * e + 1);
}

static void make_pool(void)
{
	retype(POOL, OBJECT_HANDLE_POOL, POOL_BITS, POOL + 1, 1);
	for (unsigned i = 0; i < MEMBERS; i++)
		give(i, OWN_POOL, POOL + 1);
}

static void make_thread(unsigned i)
{
	u64 slot = THREAD + 2 * i + 1;

	retype(THREAD + 2 * i, OBJECT_THREAD, 0, slot, 1);
	CHECK_EQ(root_call(KCALL_thread_configure, SYS(slot), SYS(CNODES + i), SYS(SYSTEMS + i), SYS(SPACE), SYS(ENDPOINT + 1), 100 + i, 90 + rnd(3)), 0);
	CHECK_EQ(root_call(KCALL_thread_set_area, SYS(slot), GATE_THREAD_AREA(i + 1), PAGE_REF(FRAMES, i * 3),
			   PAGE_REF(FRAMES, i * 3 + 1), PAGE_REF(FRAMES, i * 3 + 2), i, 0), 0);
	CHECK_EQ(root_call(KCALL_thread_start, SYS(slot), GATE_BASE + 0x1000, 0, 0, 0, 0, 0), 0);
	member[i] = cspace_system_slot(root, slot)->object;
	member[i]->context->interrupt_flag = 0;
}

static void take_away(u64 untyped)
{
	CHECK_EQ(root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), untyped, 0, 0, 0, 0, 0), 0);
}

static void setup(void)
{
	unsigned big = ROOT_SLOT_UNTYPED;

	memcpy(counts_before, object_count, sizeof(counts_before));
	frames_before = frames_counted_total;
	while (cap_type(cspace_system_slot(root, big)) != OBJECT_UNTYPED || cap_size_bits(cspace_system_slot(root, big)) < 21)
		big++;
	retype(big, OBJECT_UNTYPED, 20, ARENA, 1);
	retype(ARENA, OBJECT_FRAME, 5, FRAMES, 1);
	retype(ARENA, OBJECT_VSPACE, 0, SPACE, 1);
	retype(ARENA, OBJECT_NOTIFICATION, 0, NOTIFY, 1);
	retype(ARENA, OBJECT_CNODE, 6, CNODES, MEMBERS);
	retype(ARENA, OBJECT_CNODE, 6, SYSTEMS, MEMBERS);
	for (unsigned i = 0; i < MEMBERS; i++) {
		retype(ARENA, OBJECT_UNTYPED, THREAD_SIZE_BITS, THREAD + 2 * i, 1);
		give(i, OWN_NOTIFY, NOTIFY);
	}
	for (unsigned e = 0; e < ENDPOINTS; e++)
		retype(ARENA, OBJECT_UNTYPED, ENDPOINT_SIZE_BITS, ENDPOINT + 2 * e, 1);
	retype(ARENA, OBJECT_UNTYPED, HANDLE_SIZE_BITS + POOL_BITS, POOL, 1);
	for (unsigned e = 0; e < ENDPOINTS; e++)
		make_endpoint(e);
	make_pool();
	for (unsigned i = 0; i < MEMBERS; i++)
		make_thread(i);
}

/* ---- what a member does ---- */

static u64 any_cptr(void)
{
	return rnd(3) ? SYS(OWN_EP + rnd(ENDPOINTS)) : rnd(2) ? SYS(CAPS + rnd(CAP_COUNT)) : rnd(8);
}

static u64 any_deadline(void)
{
	return rnd(3) ? 0 : rnd(4) ? now_ns + rnd(2000) : DEADLINE_NOW;
}

static u64 reply_slot(unsigned i)
{
	u64 start = rnd(REPLY_COUNT);

	for (unsigned n = 0; n < REPLY_COUNT; n++) {
		u64 slot = REPLIES + (start + n) % REPLY_COUNT;

		if (cap_type(cspace_system_slot(member[i], slot)) == OBJECT_REPLY)
			return slot;
	}
	return REPLIES + start;
}

static u64 any_info(void)
{
	return INFO(rnd(8) ? rnd(1000) : LABEL_KERNEL - 2 + rnd(4), rnd(3) ? 0 : rnd(MESSAGE_BYTES + 2)) | INFO_CAPS(rnd(4) ? 0 : rnd(6)) |
	       INFO_WINDOWS(rnd(3) ? 0 : rnd(18)) | (rnd(2) ? INFO_INTERRUPTIBLE : 0);
}

static void fill_slots(struct thread *t)
{
	for (unsigned c = 0; c < MESSAGE_CAPS; c++) {
		t->message_low->recv_slot[c] = rnd(4) ? SYS(CAPS + rnd(CAP_COUNT)) : rnd(2) ? SYS(REPLIES + rnd(REPLY_COUNT)) : SLOT_NONE;
		t->message_low->send_slot[c] = rnd(8) ? SYS(CAPS + rnd(CAP_COUNT)) : rnd(64);
	}
	for (unsigned w = 0; w < MESSAGE_WINDOWS; w++)
		t->message_low->window[w] = (struct message_window){ rnd(2) ? rnd(100000) : ~rnd(100000), rnd(2) ? rnd(10000) : ~rnd(3) };
}

static void page_fault_of(struct thread *t)
{
	t->frame.rip = rnd(2) ? 0x401000 : GATE_BASE + 0x2000;
	t->frame.vector = 14;
	t->frame.address = rnd(1u << 20);
	t->frame.error = rnd(8);
	kernel_exception(t);
}

static void member_acts(unsigned i)
{
	struct thread *t = run(member[i]);
	u64 what = rnd(16);

	fill_slots(t);
	if (rnd(4) == 0)
		t->context->interrupt_flag = 0;
	switch (what) {
	case 0: case 1: case 2: case 3:
		ipc(t, KCALL_call, any_cptr(), any_info(), rnd(4), 0, any_deadline());
		break;
	case 4: case 5: case 6:
		ipc(t, KCALL_recv, SYS(OWN_EP + rnd(ENDPOINTS)), 0, 0, REPLIES + rnd(REPLY_COUNT), any_deadline());
		break;
	case 7:
		ipc(t, KCALL_reply, 0, any_info(), rnd(4) | rnd(8) << 8, reply_slot(i), 0);
		break;
	case 8: case 9:
		ipc(t, KCALL_reply_recv, SYS(OWN_EP + rnd(ENDPOINTS)), any_info(), rnd(4), reply_slot(i), any_deadline());
		break;
	case 10:
		if (rnd(2))
			ipc(t, KCALL_forward, any_cptr(), any_info(), rnd(4), reply_slot(i), 0);
		else
			ipc(t, KCALL_forward_recv, any_cptr(), any_info(), rnd(4), reply_slot(i), SYS(OWN_EP + rnd(ENDPOINTS)));
		break;
	case 11:
		ipc(t, rnd(2) ? KCALL_signal : KCALL_wait, SYS(OWN_NOTIFY), rnd(2) ? INFO_INTERRUPTIBLE : 0, 0, 0, rnd(4) ? now_ns + rnd(500) + 1 : 0);
		break;
	case 12:
		kcall(t, KCALL_handle_mint, SYS(OWN_POOL), SYS(OWN_EP + rnd(ENDPOINTS)), rnd(100), SYS(CAPS + rnd(CAP_COUNT)), 0, 0, 0);
		break;
	case 13:
		kcall(t, KCALL_copy, reply_slot(i), rnd(2), rnd(30000), rnd(100000), rnd(10000), 0, 0);
		break;
	case 14:
		page_fault_of(t);
		break;
	case 15:
		ipc(t, KCALL_yield, 0, 0, 0, 0, 0);
		break;
	}
	if (t->state == THREAD_READY)
		outcomes[MIN((u64)-(s64)t->frame.rax, 31ul)]++;
}

/* ---- what root does ---- */

static void root_acts(void)
{
	unsigned i = rnd(MEMBERS), e = rnd(ENDPOINTS);
	u64 slot = THREAD + 2 * i + 1;

	switch (rnd(24)) {
	case 0: case 1: case 2: case 3:
		root_call(KCALL_thread_interrupt, SYS(slot), 0, 0, 0, 0, 0, 0);
		break;
	case 4:
		root_call(KCALL_thread_stop, SYS(slot), 0, 0, 0, 0, 0, 0);
		break;
	case 5: case 6:
		root_call(KCALL_thread_continue, SYS(slot), 0, 0, 0, 0, 0, 0);
		break;
	case 7: case 8: case 9: case 10: case 11:
		now_ns += rnd(3000);
		kernel_timer(run(root));
		break;
	case 12: case 13:
		take_away(THREAD + 2 * i);
		make_thread(i);
		break;
	case 14:
		if (rnd(4))
			break;
		if (rnd(2)) { /* one by one, the way a process lets go of it, instead of by its memory */
			for (unsigned n = 0; n < MEMBERS; n++)
				root_call(KCALL_cap_delete, SYS(SYSTEMS + n), OWN_EP + e, 0, 0, 0, 0, 0);
			root_call(KCALL_cap_delete, SYS(ROOT_SLOT_CNODE), ENDPOINT + 2 * e + 1, 0, 0, 0, 0, 0);
		}
		take_away(ENDPOINT + 2 * e);
		make_endpoint(e);
		break;
	case 15:
		if (rnd(4))
			break;
		take_away(POOL);
		make_pool();
		break;
	case 16:
		root_call(KCALL_thread_bind, SYS(slot), SYS(NOTIFY), 0, 0, 0, 0, 0);
		break;
	case 17: case 18:
		root_call(KCALL_cap_delete, SYS(SYSTEMS + i), CAPS + rnd(CAP_COUNT), 0, 0, 0, 0, 0);
		break;
	case 19:
		root_call(KCALL_cap_delete, SYS(SYSTEMS + i), REPLIES + rnd(REPLY_COUNT), 0, 0, 0, 0, 0);
		break;
	case 20: case 21:
		root_call(KCALL_cap_copy, SYS(rnd(2) ? SYSTEMS : CNODES) + rnd(MEMBERS), rnd(2) ? CAPS + rnd(CAP_COUNT) : rnd(8), SYS(SYSTEMS + i),
			  CAPS + rnd(CAP_COUNT), rnd(4), 0, 0);
		break;
	case 22:
		if (rnd(2))
			root_call(KCALL_cap_delete_range, SYS(CNODES + i), 0, 60, 0, 0, 0, 0);
		else
			give(i, CAPS + rnd(CAP_COUNT), NOTIFY);
		break;
	case 23:
		root_call(KCALL_thread_set_priority, SYS(slot), 90 + rnd(3), 0, 0, 0, 0, 0);
		break;
	}
}

/* ---- invariants ---- */

static unsigned in_state(unsigned state, const struct endpoint *ep)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MEMBERS; i++)
		n += member[i]->state == state && (state == THREAD_RECEIVING ? member[i]->receives : member[i]->endpoint) == ep;
	return n;
}

static void check_endpoint(struct endpoint *ep)
{
	unsigned queued = 0, replies = 0;
	struct cte *last = NULL;

	list_for_each_safe(node, &ep->queue) {
		struct thread *t = list_entry(node, struct thread, queue);

		CHECK(t->state == (ep->receiving ? THREAD_RECEIVING : THREAD_SENDING) && (ep->receiving ? t->receives : t->endpoint) == ep);
		queued++;
	}
	CHECK_EQ(queued, in_state(ep->receiving ? THREAD_RECEIVING : THREAD_SENDING, ep));
	CHECK(!queued || !in_state(ep->receiving ? THREAD_SENDING : THREAD_RECEIVING, ep));
	list_for_each_safe(node, &ep->replies) {
		CHECK(list_entry(node, struct thread, queue)->state == THREAD_REPLY);
		replies++;
	}
	CHECK_EQ(replies, in_state(THREAD_REPLY, ep));
	for (struct cte *slot = ep->cancelled; slot; last = slot, slot = slot->next)
		CHECK(cap_type(slot) == OBJECT_REPLY && slot->prev == last &&
		      (slot->object == (void *)((u64)ep | 1) || ((struct thread *)slot->object)->endpoint == ep));
	/* whoever waits to receive has nothing to receive */
	CHECK(!(ep->receiving && queued && (ep->cancelled || !list_empty(&ep->closed))));
	list_for_each_safe(node, &ep->closed) {
		struct handle *h = list_entry(node, struct handle, closed);

		CHECK(h->endpoint == ep && h->pool && !h->caps && !h->calls);
	}
}

static void check_pool(void)
{
	struct handle_pool *pool = cspace_system_slot(root, POOL + 1)->object;
	unsigned used = 0;

	for (u32 n = 0; n < pool->total; n++) {
		struct handle *h = (struct handle *)(pool + 1) + n;
		unsigned calls = 0;

		if (!h->pool)
			continue;
		used++;
		for (unsigned i = 0; i < MEMBERS; i++)
			calls += member[i]->state == THREAD_SENDING && member[i]->handle == h;
		CHECK_EQ(h->calls, calls);
		CHECK((h->caps != 0) == (h->run != NULL));
		CHECK(list_linked(&h->closed) == (!h->caps && !h->calls));
		CHECK(!h->run || (cap_type(h->run) == OBJECT_HANDLE && h->run->object == h));
	}
	CHECK_EQ(pool->used, used);
}

static void check_everything(void)
{
	struct census census = { 0 };

	check_forest(&census);
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct thread *t = member[i];

		check_thread_queues(t);
		check_priority(t);
		CHECK(t->state == THREAD_SENDING || !t->handle);
		CHECK(!t->timer_queued || t->state > THREAD_READY);
		CHECK(t->state > THREAD_READY || !t->fault);
		CHECK(t->state == THREAD_SENDING || !(t->flags & THREAD_FLAG_PARKED));
		for (unsigned slot = REPLIES; slot < REPLIES + REPLY_COUNT; slot++) {
			struct cte *c = cspace_system_slot(t, slot);
			struct thread *caller = (u64)c->object & 1 ? NULL : c->object;

			if (cap_type(c) == OBJECT_REPLY && caller)
				CHECK(caller->reply == c && caller->state == THREAD_REPLY);
		}
	}
	for (unsigned e = 0; e < ENDPOINTS; e++)
		check_endpoint(cspace_system_slot(root, ENDPOINT + 2 * e + 1)->object);
	check_pool();
}

static void random_calls_keep_every_queue_right(void)
{
	unsigned acted = 0;

	setup();
	for (unsigned n = 0; n < OPERATIONS && !CHECK_FAILED(); n++) {
		unsigned i = rnd(MEMBERS);

		now_ns += rnd(50);
		if (rnd(5) && member[i]->state == THREAD_READY && !member[i]->stopped) {
			member_acts(i);
			acted++;
		} else {
			root_acts();
		}
		if (n % CHECK_EVERY == 0)
			check_everything();
	}
	CHECK(acted > OPERATIONS / 8);
	for (unsigned error = 0; error <= 15; error++) /* what the calls here can end with, they did */
		if (error != -K_NO_TABLES && error != -K_BAD_CALL && error != -K_BUSY && error != -K_FAULT)
			CHECK(outcomes[error]);
}

static void all_objects_go_in_the_end(void)
{
	struct census census = { 0 };

	for (unsigned i = 0; i < MEMBERS; i++)
		take_away(THREAD + 2 * i);
	take_away(ARENA);
	CHECK_EQ(root_call(KCALL_cap_delete, SYS(ROOT_SLOT_CNODE), ARENA, 0, 0, 0, 0, 0), 0);
	check_forest(&census);
	for (unsigned type = 0; type < OBJECT_TYPE_COUNT; type++)
		CHECK_EQ(object_count[type], counts_before[type]);
	CHECK_EQ(frames_counted_total, frames_before);
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 20261123);
	machine_boot();
	RUN(random_calls_keep_every_queue_right);
	RUN(all_objects_go_in_the_end);
	return check_result();
}
