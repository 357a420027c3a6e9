// sources: KERNEL
/*
 * Priorities against a model. The threads stand in layers: those of one receive from its two Endpoints and call those of the layers below. So nobody ever waits for
 * himself. Then so few threads that no chain is too long, each of which calls any Endpoint, its own too: they wait in circles. The model knows what threads have
 * called and received, and nothing of how the kernel keeps its priorities: everyone begins with his own, and is raised until nobody has less than who waits for him,
 * so that there is somebody's own priority at the beginning of whatever raises anyone. Then chains, and more servers at one Endpoint, than changes are passed on to.
 */
#include "kernel_machine.h"
#include "random.h"
#include "kernel/priority.h"

#define LAYERS     6
#define IN_LAYER   3
#define MEMBERS    (LAYERS * IN_LAYER)
#define ENDPOINTS  (LAYERS * 2)
#define REPLY_MOST 3
#define OPERATIONS 150000
#define IN_CIRCLES CHAIN_MOST /* so many threads that call each other */

/* Slots of root's CNode. A thread, and an Endpoint, stands in the slot after its own Untyped, which is revoked for its end. */
enum { ARENA = 200, FRAMES, SPACE, CNODE, NOTIFY, ENDPOINT = 210, THREAD = 240 };
/* Slots of the CNode that all members have: everyone's reply slots are its own. */
enum { EP = 1, REPLIES = 20 };

static struct thread *member[MEMBERS];
static u64 raised, raised_by_queue, raised_in_row, in_circles;
static unsigned acting = MEMBERS; /* the first so many do something */
static bool circles;              /* they call anybody */

/* ---- the model: where each received last, and with which slot for the Reply ---- */

static struct {
	struct endpoint *ep;
	u64 slot;
	u64 own;
} known[MEMBERS];

static s64 root_call(u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return kcall(run(root), number, a0, a1, a2, a3, a4, a5, a6);
}

static void retype(u64 untyped, u64 type, u64 bits, u64 slot, u64 count)
{
	CHECK_EQ(root_call(KCALL_untyped_retype, SYS(untyped), type, bits, SYS(ROOT_SLOT_CNODE), slot, count, 0), 0);
}

static void take_away(u64 untyped)
{
	CHECK_EQ(root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), untyped, 0, 0, 0, 0, 0), 0);
}

static struct endpoint *endpoint(u64 e)
{
	return cspace_system_slot(root, ENDPOINT + 2 * e + 1)->object;
}

static void make_endpoint(u64 e)
{
	retype(ENDPOINT + 2 * e, OBJECT_ENDPOINT, 0, ENDPOINT + 2 * e + 1, 1);
	CHECK_EQ(root_call(KCALL_cap_copy, SYS(CNODE), EP + e, SYS(ROOT_SLOT_CNODE), ENDPOINT + 2 * e + 1, RIGHT_ALL, 0, 0), 0);
}

static void make_thread(unsigned i)
{
	u64 slot = THREAD + 2 * i + 1;

	known[i].ep = NULL;
	known[i].own = 90 + rnd(8);
	retype(THREAD + 2 * i, OBJECT_THREAD, 0, slot, 1);
	CHECK_EQ(root_call(KCALL_thread_configure, SYS(slot), CPTR_NULL, SYS(CNODE), SYS(SPACE), CPTR_NULL, 100 + i, known[i].own), 0);
	CHECK_EQ(root_call(KCALL_thread_set_area, SYS(slot), GATE_THREAD_AREA(i + 1), PAGE_REF(FRAMES, i * 3),
			   PAGE_REF(FRAMES, i * 3 + 1), PAGE_REF(FRAMES, i * 3 + 2), i, 0), 0);
	CHECK_EQ(root_call(KCALL_thread_start, SYS(slot), GATE_BASE + 0x1000, 0, 0, 0, 0, 0), 0);
	member[i] = cspace_system_slot(root, slot)->object;
}

static void setup(void)
{
	unsigned big = ROOT_SLOT_UNTYPED;

	while (cap_type(cspace_system_slot(root, big)) != OBJECT_UNTYPED || cap_size_bits(cspace_system_slot(root, big)) < 21)
		big++;
	retype(big, OBJECT_UNTYPED, 20, ARENA, 1);
	retype(ARENA, OBJECT_FRAME, 6, FRAMES, 1);
	retype(ARENA, OBJECT_VSPACE, 0, SPACE, 1);
	retype(ARENA, OBJECT_CNODE, 7, CNODE, 1);
	retype(ARENA, OBJECT_NOTIFICATION, 0, NOTIFY, 1);
	for (unsigned i = 0; i < MEMBERS; i++)
		retype(ARENA, OBJECT_UNTYPED, THREAD_SIZE_BITS, THREAD + 2 * i, 1);
	for (unsigned e = 0; e < ENDPOINTS; e++)
		retype(ARENA, OBJECT_UNTYPED, ENDPOINT_SIZE_BITS, ENDPOINT + 2 * e, 1);
	for (unsigned e = 0; e < ENDPOINTS; e++)
		make_endpoint(e);
	for (unsigned i = 0; i < MEMBERS; i++)
		make_thread(i);
}

/* ---- what a member does ---- */

static u64 layer_of(unsigned i)
{
	return i / IN_LAYER;
}

static u64 reply_slot(unsigned i, u64 n)
{
	return REPLIES + i * REPLY_MOST + n;
}

static u64 any_reply(unsigned i)
{
	u64 first = rnd(REPLY_MOST);

	for (u64 n = 0; n < REPLY_MOST; n++)
		if (!cap_empty(cspace_system_slot(member[i], reply_slot(i, (first + n) % REPLY_MOST))))
			return reply_slot(i, (first + n) % REPLY_MOST);
	return reply_slot(i, first);
}

/* An Endpoint that it may call. */
static u64 callable(unsigned i)
{
	if (circles)
		return rnd(2 * (layer_of(acting - 1) + 1));
	return 2 * (layer_of(i) + 1) + rnd(ENDPOINTS - 2 * (layer_of(i) + 1));
}

static u64 deadline(void)
{
	return rnd(3) ? 0 : now_ns + 1 + rnd(2000);
}

static void receives(unsigned i, u64 number, u64 slot, u64 info)
{
	u64 e = 2 * layer_of(i) + rnd(2);
	bool free = number == KCALL_reply_recv || cap_empty(cspace_system_slot(member[i], slot));

	if (free)
		known[i].ep = endpoint(e), known[i].slot = slot;
	ipc(member[i], number, SYS(EP + e), info, 0, slot, deadline());
}

static void member_acts(unsigned i)
{
	struct thread *t = run(member[i]);
	bool may_call = circles || layer_of(i) + 1 < LAYERS, may_serve = circles || layer_of(i) > 0;

	t->context->interrupt_flag = 0;
	switch (rnd(7)) {
	case 0: case 1: case 2:
		if (may_call)
			ipc(t, KCALL_call, SYS(EP + callable(i)), INFO(1, 0) | (rnd(2) ? INFO_INTERRUPTIBLE : 0), 0, 0, deadline());
		break;
	case 3:
		if (may_serve)
			receives(i, KCALL_recv, reply_slot(i, rnd(REPLY_MOST)), 0);
		break;
	case 4:
		if (may_serve)
			receives(i, KCALL_reply_recv, any_reply(i), INFO(0, 0));
		break;
	case 5:
		ipc(t, KCALL_reply, 0, INFO(0, 0), 0, any_reply(i), 0);
		break;
	case 6:
		if (may_call)
			ipc(t, KCALL_forward, SYS(EP + callable(i)), INFO(1, 0), 0, any_reply(i), 0);
		break;
	}
}

/* ---- what root does ---- */

static void end_thread(unsigned i)
{
	take_away(THREAD + 2 * i);
	for (u64 n = rnd(2) ? 0 : REPLY_MOST; n < REPLY_MOST; n++) /* or its Replies stay */
		root_call(KCALL_cap_delete, SYS(CNODE), reply_slot(i, n), 0, 0, 0, 0, 0);
	make_thread(i);
}

static void end_endpoint(u64 e)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (known[i].ep == endpoint(e))
			known[i].ep = NULL;
	take_away(ENDPOINT + 2 * e);
	make_endpoint(e);
}

static void root_acts(void)
{
	unsigned i = rnd(acting);
	u64 slot = SYS(THREAD + 2 * i + 1);

	switch (rnd(12)) {
	case 0: case 1: case 2:
		known[i].own = 90 + rnd(8);
		root_call(KCALL_thread_set_priority, slot, known[i].own, 0, 0, 0, 0, 0);
		break;
	case 3: case 4:
		root_call(KCALL_thread_interrupt, slot, 0, 0, 0, 0, 0, 0);
		break;
	case 5:
		root_call(rnd(2) ? KCALL_thread_stop : KCALL_thread_continue, slot, 0, 0, 0, 0, 0, 0);
		break;
	case 6:
		root_call(KCALL_thread_continue, slot, 0, 0, 0, 0, 0, 0);
		break;
	case 7: case 8:
		now_ns += rnd(3000);
		kernel_timer(run(root));
		break;
	case 9:
		root_call(KCALL_cap_delete, SYS(CNODE), reply_slot(i, rnd(REPLY_MOST)), 0, 0, 0, 0, 0);
		break;
	case 10:
		end_thread(i);
		break;
	case 11:
		if (rnd(4) == 0)
			end_endpoint(rnd(ENDPOINTS));
		break;
	}
}

/* ---- what must be ---- */

static bool waits_in_queue_of(const struct thread *t, unsigned i)
{
	return t->state == THREAD_SENDING && t->endpoint == known[i].ep;
}

static bool is_served_by(const struct thread *t, unsigned i)
{
	return t->state == THREAD_REPLY && t->endpoint == known[i].ep && t->reply == cspace_system_slot(member[i], known[i].slot);
}

/* What those who wait for it, in the queue or for its answer, raise it to. */
static u8 raised_to(unsigned i, const u8 *wanted, bool (*waits)(const struct thread *, unsigned))
{
	u8 highest = 0;

	for (unsigned n = 0; known[i].ep && n < acting; n++)
		if (waits(member[n], i))
			highest = MAX(highest, wanted[n]);
	return highest;
}

static void find_wanted(u8 *wanted)
{
	bool changed = true;

	for (unsigned i = 0; i < acting; i++)
		wanted[i] = (u8)known[i].own;
	while (changed) {
		changed = false;
		for (unsigned i = 0; i < acting; i++) {
			u8 queue = raised_to(i, wanted, waits_in_queue_of), caller = raised_to(i, wanted, is_served_by), above = MAX(queue, caller);

			changed |= above > wanted[i];
			wanted[i] = MAX(wanted[i], above);
		}
	}
}

static void check_member(unsigned i, const u8 *wanted)
{
	const struct thread *t = member[i];

	CHECK_EQ(t->priority, wanted[i]);
	CHECK_EQ(t->boosted, wanted[i] > known[i].own);
	CHECK_EQ(t->priority_own, known[i].own);
	raised += t->boosted;
	raised_by_queue += t->boosted && raised_to(i, wanted, waits_in_queue_of) > raised_to(i, wanted, is_served_by);
	for (unsigned n = 0; t->boosted && n < acting; n++)
		raised_in_row += member[n]->boosted && is_served_by(member[n], i);
	in_circles += t->boosted && waits_in_queue_of(t, i);
}

static void check_queue(const struct endpoint *ep)
{
	unsigned last = 255;

	for (struct list_node *node = ep->queue.next; !ep->receiving && node != &ep->queue; node = node->next) {
		CHECK(list_entry(node, struct thread, queue)->priority <= last);
		last = list_entry(node, struct thread, queue)->priority;
	}
}

static void check_core(const struct core *core)
{
	unsigned queued = 0;

	for (int priority = 0; priority < 256; priority++)
		list_for_each(node, &core->queue[priority]) {
			CHECK_EQ(list_entry(node, struct thread, queue)->priority, priority);
			queued++;
		}
	CHECK_EQ(core->queued, queued);
}

static void check_everything(void)
{
	u8 wanted[MEMBERS];
	unsigned boosted = 0;

	find_wanted(wanted);
	for (unsigned i = 0; i < acting; i++) {
		check_thread_queues(member[i]);
		check_member(i, wanted);
		boosted += member[i]->boosted;
	}
	CHECK_EQ(priority_boosted, boosted);
	for (unsigned e = 0; e < ENDPOINTS; e++)
		check_queue(endpoint(e));
	check_core(host_core);
}

static void act_at_random(void)
{
	for (unsigned n = 0; n < OPERATIONS && !CHECK_FAILED(); n++) {
		unsigned i = rnd(acting);

		now_ns += rnd(50);
		if (rnd(8) && member[i]->state == THREAD_READY && !member[i]->stopped)
			member_acts(i);
		else
			root_acts();
		check_everything();
	}
}

static void random_calls_give_everyone_the_priority_of_who_waits_for_it(void)
{
	act_at_random();
	CHECK(raised > OPERATIONS / 4 && raised_by_queue > OPERATIONS / 50 && raised_in_row > OPERATIONS / 50);
}

/* ---- how far a change is passed on ---- */

static void begin_anew(void)
{
	for (unsigned e = 0; e < ENDPOINTS; e++)
		end_endpoint(e);
	for (unsigned i = 0; i < MEMBERS; i++) {
		end_thread(i);
		for (u64 n = 0; n < REPLY_MOST; n++)
			root_call(KCALL_cap_delete, SYS(CNODE), reply_slot(i, n), 0, 0, 0, 0, 0);
		known[i].own = 90;
		root_call(KCALL_thread_set_priority, SYS(THREAD + 2 * i + 1), 90, 0, 0, 0, 0, 0);
	}
}

static void nobody_is_raised_by_himself_where_threads_wait_in_circles(void)
{
	begin_anew();
	acting = IN_CIRCLES;
	circles = true;
	act_at_random();
	CHECK(in_circles > OPERATIONS / 50);
	acting = MEMBERS;
	circles = false;
}

/* The first so many members: each, but the first, serves the one before it. */
static void chain(unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		ipc(run(member[i]), KCALL_recv, SYS(EP + i), 0, 0, reply_slot(i, 0), 0);
		ipc(run(member[i - 1]), KCALL_call, SYS(EP + i), INFO(1, 0), 0, 0, 0);
		CHECK(member[i - 1]->reply == cspace_system_slot(member[i], reply_slot(i, 0)));
	}
}

static void a_change_is_passed_on_over_eight_calls(void)
{
	unsigned last = CHAIN_MOST + 2;

	begin_anew();
	chain(last + 1);
	root_call(KCALL_thread_set_priority, SYS(THREAD + 1), 99, 0, 0, 0, 0, 0);
	for (unsigned i = 0; i <= last; i++)
		CHECK_EQ(member[i]->priority, i <= CHAIN_MOST ? 99 : 90);
	root_call(KCALL_thread_set_priority, SYS(THREAD + 1), 90, 0, 0, 0, 0, 0);
	for (unsigned i = 0; i <= last; i++)
		CHECK_EQ(member[i]->priority, 90);
}

static void all_who_serve_an_endpoint_are_raised(void)
{
	begin_anew();
	for (unsigned i = 1; i < MEMBERS - 1; i += 2) {
		ipc(run(member[i]), KCALL_recv, SYS(EP), 0, 0, reply_slot(i, 0), 0);
		ipc(run(member[i + 1]), KCALL_call, SYS(EP), INFO(1, 0), 0, 0, 0);
	}
	root_call(KCALL_thread_set_priority, SYS(THREAD + 1), 99, 0, 0, 0, 0, 0);
	ipc(run(member[0]), KCALL_call, SYS(EP), INFO(1, 0), 0, 0, 0);
	for (unsigned i = 1; i < MEMBERS - 1; i += 2)
		CHECK_EQ(member[i]->priority, 99);
	/* the first that is done takes it, and the others have nothing to do with it any more */
	ipc(run(member[3]), KCALL_reply_recv, SYS(EP), INFO(0, 0), 0, reply_slot(3, 0), 0);
	for (unsigned i = 1; i < MEMBERS - 1; i += 2)
		CHECK_EQ(member[i]->priority, i == 3 ? 99 : 90);
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 20261130);
	machine_boot();
	setup();
	RUN(random_calls_give_everyone_the_priority_of_who_waits_for_it);
	RUN(nobody_is_raised_by_himself_where_threads_wait_in_circles);
	RUN(a_change_is_passed_on_over_eight_calls);
	RUN(all_who_serve_an_endpoint_are_raised);
	return check_result();
}
