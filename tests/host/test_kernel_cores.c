// sources: KERNEL
/*
 * Several cores, whose kernel entries come in a random order: interrupts that were sent arrive late, timers when they are set to, never otherwise.
 * Threads call, serve, fault and wait; root stops, interrupts, pins and kills them while they run elsewhere, and takes pages away that they have touched.
 * After every entry each thread must be in one place, no core may sleep over what it has to do, and no core may remember a translation that is gone.
 */
#include "kernel/sched_context.h"
#include "kernel/share.h"
#include "kernel_machine.h"
#include "random_cores.h"

#define CORES      3
#define MEMBERS    7
#define CONTEXTS   2
#define SPACES     2
#define PAGES      16
#define OPERATIONS 400000

/* Slots of root's CNode. A thread stands in the slot after its own Untyped, which is revoked for its end. */
enum { ARENA = 200, AREAS, TABLES, MAPPED, SPACE, NOTIFY = 210, ENDPOINT, THREAD = 230, CNODE = 250, CONTEXT = 251, ROOTS = 260, REPLY_TO };

/* Slots of the CNode that all members have: everyone's reply slots are its own. */
enum { EP = 1, NOTE = 3, REPLIES = 10 };

static struct thread *member[MEMBERS];
static u64 evicted, slices, moved, faults, lent, out_of_budget;

static s64 root_call(u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return kcall(root, number, a0, a1, a2, a3, a4, a5, a6);
}

static void retype(u64 untyped, u64 type, u64 bits, u64 slot, u64 count)
{
	CHECK_EQ(root_call(KCALL_untyped_retype, SYS(untyped), type, bits, SYS(ROOT_SLOT_CNODE), slot, count, 0), 0);
}

static void make_thread(unsigned i)
{
	u64 slot = THREAD + 2 * i + 1;

	retype(THREAD + 2 * i, OBJECT_THREAD, 0, slot, 1);
	CHECK_EQ(root_call(KCALL_thread_configure, SYS(slot), SYS(CNODE), SYS(CNODE), SYS(SPACE + i % SPACES), SYS(ENDPOINT), 100 + i, 90 + rnd(3)), 0);
	CHECK_EQ(root_call(KCALL_thread_set_area, SYS(slot), GATE_THREAD_AREA(i + 1), PAGE_REF(AREAS, i * 3), PAGE_REF(AREAS, i * 3 + 1),
			   PAGE_REF(AREAS, i * 3 + 2), i, 0), 0);
	CHECK_EQ(root_call(KCALL_thread_start, SYS(slot), RIP, 0, 0, 0, 0, 0), 0);
	member[i] = cspace_system_slot(root, slot)->object;
	member[i]->context->interrupt_flag = 0;
}

static void setup(void)
{
	unsigned big = ROOT_SLOT_UNTYPED;

	while (cap_type(cspace_system_slot(root, big)) != OBJECT_UNTYPED || cap_size_bits(cspace_system_slot(root, big)) < 21)
		big++;
	retype(big, OBJECT_UNTYPED, 20, ARENA, 1);
	retype(ARENA, OBJECT_FRAME, 5, AREAS, 1);
	retype(ARENA, OBJECT_FRAME, 4, TABLES, 1);
	retype(ARENA, OBJECT_FRAME, 4, MAPPED, 1);
	retype(ARENA, OBJECT_VSPACE, 0, SPACE, SPACES);
	retype(ARENA, OBJECT_NOTIFICATION, 0, NOTIFY, 1);
	retype(ARENA, OBJECT_ENDPOINT, 0, ENDPOINT, 2);
	retype(ARENA, OBJECT_CNODE, 6, CNODE, 1);
	retype(ARENA, OBJECT_SCHED_CONTEXT, 0, CONTEXT, CONTEXTS);
	for (unsigned n = 0; n < CONTEXTS; n++)
		CHECK_EQ(root_call(KCALL_sched_context_configure, SYS(CONTEXT + n), 20000 + 30000 * n, 100000, 60000 + 20000 * n, 0, 0, 0), 0);
	for (unsigned i = 0; i < MEMBERS; i++)
		retype(ARENA, OBJECT_UNTYPED, THREAD_SIZE_BITS, THREAD + 2 * i, 1);
	for (unsigned n = 0; n < 3; n++)
		CHECK_EQ(root_call(KCALL_cap_copy, SYS(CNODE), EP + n, SYS(ROOT_SLOT_CNODE), n < 2 ? ENDPOINT + n : NOTIFY, RIGHT_ALL, 0, 0), 0);
	for (unsigned s = 0; s < SPACES; s++) {
		for (unsigned n = 0; n < 8; n++)
			message_data_set_word(root, n, PAGE_REF(TABLES, s * 8 + n));
		CHECK_EQ(root_call(KCALL_vspace_topup, SYS(SPACE + s), 8, 0, 0, 0, 0, 0), 0);
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		make_thread(i);
}

/* ---- what a thread does on its core ---- */

static struct vspace *space_of(unsigned s)
{
	return cspace_system_slot(root, SPACE + s)->object;
}

/* The CPU may walk the tables for any page at any time. */
static void touch(struct thread *t)
{
	u64 page = rnd(PAGES), *pte = vspace_entry_of(t->space, page << PAGE_SHIFT);

	CHECK(host_core->space == t->space);
	if (pte && pte_rights(*pte))
		host_tlb[host_core->number][page] = *pte;
}

static void fault(struct thread *t)
{
	t->frame.rip = rnd(2) ? 0x401000 : RIP;
	t->frame.vector = 14;
	t->frame.address = rnd(PAGES) << PAGE_SHIFT;
	t->frame.error = rnd(2) * 2 + 4;
	faults++;
	node_trylock();
	kernel_exception(t);
	node_unlock();
}

static u64 deadline(void)
{
	return rnd(2) ? now_ns + 1 + rnd(3000) : 0;
}

/* A caller that waits for this member's answer, by the slot of its Reply. */
static u64 reply_of(unsigned i)
{
	u64 own = REPLIES + 6 * i;

	for (u64 slot = own; slot < own + 6; slot++)
		if (cap_type(cspace_system_slot(member[i], slot)) == OBJECT_REPLY)
			return slot;
	return own + rnd(6);
}

static void member_acts(unsigned i)
{
	struct thread *t = member[i];

	if (rnd(3) == 0)
		t->context->interrupt_flag = 0;
	touch(t);
	switch (rnd(12)) {
	case 0: case 1: case 2:
		ipc(t, KCALL_call, SYS(EP + rnd(2)), INFO(rnd(100), rnd(3) ? 0 : rnd(200)) | (rnd(2) ? INFO_INTERRUPTIBLE : 0), rnd(4), 0, deadline());
		break;
	case 3: case 4:
		ipc(t, KCALL_recv, SYS(EP + rnd(2)), 0, 0, REPLIES + 6 * i + rnd(6), deadline());
		break;
	case 5: case 6:
		ipc(t, KCALL_reply_recv, SYS(EP + rnd(2)), INFO(1, 0), rnd(4), reply_of(i), rnd(2) ? 0 : deadline());
		break;
	case 7:
		ipc(t, KCALL_reply, 0, INFO(1, 0), rnd(4), reply_of(i), 0);
		break;
	case 8:
		ipc(t, KCALL_forward_recv, SYS(EP + rnd(2)), INFO(2, 0), 0, reply_of(i), SYS(EP + rnd(2)));
		break;
	case 9:
		ipc(t, rnd(2) ? KCALL_signal : KCALL_wait, SYS(NOTE), rnd(2) ? INFO_INTERRUPTIBLE : 0, 0, 0, now_ns + rnd(2000));
		break;
	case 10:
		fault(t);
		break;
	case 11:
		ipc(t, KCALL_yield, 0, 0, 0, 0, 0);
		break;
	}
}

/* ---- root ---- */

static void kill(unsigned i)
{
	evicted += thread_runs(member[i]);
	CHECK_EQ(root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), THREAD + 2 * i, 0, 0, 0, 0, 0), 0);
	for (u64 slot = REPLIES + 6 * i; slot < REPLIES + 6 * i + 6; slot++)
		CHECK_EQ(root_call(KCALL_cap_delete, SYS(CNODE), slot, 0, 0, 0, 0, 0), 0);
	make_thread(i);
}

static void change_mappings(void)
{
	u64 space = SYS(SPACE + rnd(SPACES)), first = rnd(PAGES), count = 1 + rnd(PAGES - first), flags = VSPACE_READ | (rnd(2) ? VSPACE_WRITE : 0);

	switch (rnd(4)) {
	case 0:
		root_call(KCALL_vspace_map, space, first << PAGE_SHIFT, 1, flags | (rnd(2) ? VSPACE_REPLACE : 0), PAGE_REF(MAPPED, rnd(16)), 0, 0);
		break;
	case 1:
		root_call(KCALL_vspace_map, space, 0, 16, flags | VSPACE_REPLACE | VSPACE_CONTIGUOUS, PAGE_REF(MAPPED, 0), 0, 0);
		break;
	case 2: /* tables stay: the pool is small */
		root_call(KCALL_vspace_unmap, space, first << PAGE_SHIFT, count, 0, 0, 0, 0);
		break;
	case 3:
		root_call(KCALL_vspace_protect, space, first << PAGE_SHIFT, count, rnd(3) ? VSPACE_READ : 0, 0, 0, 0);
		break;
	}
}

static void root_acts(void)
{
	unsigned i = rnd(MEMBERS);
	u64 slot = SYS(THREAD + 2 * i + 1);

	switch (rnd(13)) {
	case 12:
		root_call(rnd(2) ? KCALL_sched_context_bind : KCALL_sched_context_unbind, SYS(CONTEXT + rnd(CONTEXTS)), slot, 0, 0, 0, 0, 0);
		break;
	case 0: case 1:
		root_call(KCALL_thread_interrupt, slot, 0, 0, 0, 0, 0, 0);
		break;
	case 2:
		one_call(KCALL_thread_stop, slot, 0);
		break;
	case 3:
		root_call(KCALL_thread_continue, slot, 0, 0, 0, 0, 0, 0);
		break;
	case 4:
		root_call(KCALL_thread_set_affinity, slot, rnd(2) ? ~0ul : 1 + rnd(7), 0, 0, 0, 0, 0);
		break;
	case 5:
		root_call(KCALL_thread_set_priority, slot, 90 + rnd(3), 0, 0, 0, 0, 0);
		root_call(KCALL_thread_set_share, slot, rnd(3) ? 3 + rnd(4000) : 0, rnd(2) ? 100000 + rnd(SLICE_NS) : 0, 0, 0, 0, 0);
		break;
	case 6:
		kill(i);
		break;
	case 7: case 8:
		change_mappings();
		break;
	case 9: case 10: case 11: /* most of the time it waits */
		ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns + 1 + rnd(5000));
		break;
	}
}

/* ---- one core's turn ---- */

static unsigned index_of(const struct thread *t)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (member[i] == t)
			return i;
	return MEMBERS;
}

static void member_turn(struct thread *t)
{
	unsigned i = index_of(t);

	CHECK(i < MEMBERS);
	if (i < MEMBERS)
		member_acts(i);
}

/* A core's turn, counted. */
static void count_turn(struct core *core)
{
	const struct thread *t = core->current;
	u64 slices_before = core->best >= 0 && core->armed <= now_ns && !host_told[core->number];

	turn(core, root_acts, member_turn);
	slices += slices_before && core->armed > now_ns;
	moved += core->current != t;
}

/* ---- what must be ---- */

static void check_core(const struct core *core)
{
	const struct thread *t = core->current;
	bool told = host_told[core->number] || (core->polling && core->needed);
	struct list_node *first = list_first(&core->timers);
	unsigned queued = 0;

	CHECK(!core->needed || told);
	CHECK(!core->polling || t == core->idle);
	CHECK(t->core == core && !core->handoff);
	CHECK(told || (t->state == THREAD_READY && !t->stopped && !t->interrupt_late && !t->queued && (t->affinity & core->mask)));
	CHECK(told || (t == core->idle ? core->best < 0 : core->best <= (int)t->priority));
	CHECK(told || core->best < 0 || core->armed != ~0ull);
	CHECK(!first || core->armed <= list_entry(first, struct thread, timer)->deadline);
	CHECK(!(idle_mask & core->mask) || t == core->idle);
	for (int priority = 0; priority < 256; priority++)
		list_for_each_safe(node, &core->queue[priority]) {
			const struct thread *other = list_entry(node, struct thread, queue);

			CHECK(other->core == core && other->queued && other->priority == priority && other->state == THREAD_READY && !other->stopped);
			queued++;
		}
	CHECK_EQ(core->queued, queued);
}

static void check_tlb(const struct core *core)
{
	for (u64 page = 0; page < PAGES; page++) {
		u64 entry = host_tlb[core->number][page], *pte;

		if (!entry)
			continue;
		CHECK(core->space && (core->space->cores & core->mask));
		pte = core->space ? vspace_entry_of(core->space, page << PAGE_SHIFT) : NULL;
		CHECK(pte && (*pte & PTE_ADDRESS) == (entry & PTE_ADDRESS) && (pte_rights(*pte) & pte_rights(entry)) == pte_rights(entry));
	}
}

static void check_thread(struct thread *t)
{
	unsigned places = t->queued;

	check_thread_queues(t);
	check_priority(t);
	for (unsigned c = 0; c < CORES; c++)
		places += cores[c]->current == t;
	if (t->state == THREAD_READY && !t->stopped)
		CHECK_EQ(places, 1);
	else
		CHECK(places == 0 || (places == 1 && host_told[t->core->number]));
}

/* A context is with one thread, and so on one core; who waits for its budget runs on none. */
static void check_contexts(void)
{
	for (unsigned n = 0; n < CONTEXTS; n++) {
		const struct sched_context *context = cspace_system_slot(root, CONTEXT + n)->object;

		CHECK(!context->owner == !context->runner);
		CHECK(!context->runner || context->runner->runs_on == context);
	}
	for (unsigned i = 0; i < MEMBERS; i++) {
		const struct thread *t = member[i];

		CHECK(!t->runs_on || t->runs_on->runner == t);
		CHECK(!t->lender || t->lender->borrower == t);
		CHECK(!t->borrower || t->borrower->lender == t);
		CHECK(!(t->stopped & STOPPED_BUDGET) || (t->state == THREAD_READY && t->timer_queued && !t->queued));
		lent += t->lender != NULL;
		out_of_budget += (t->stopped & STOPPED_BUDGET) != 0;
	}
}

static void check_everything(void)
{
	check_contexts();
	for (unsigned c = 0; c < CORES; c++) {
		check_core(cores[c]);
		check_tlb(cores[c]);
		for (unsigned s = 0; s < SPACES; s++)
			CHECK(!!(space_of(s)->cores & cores[c]->mask) == (cores[c]->space == space_of(s)));
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		check_thread(member[i]);
	check_thread(root);
}

static void random_entries_of_several_cores_keep_every_thread_in_one_place(void)
{
	setup();
	for (unsigned n = 0; n < OPERATIONS && !CHECK_FAILED(); n++) {
		now_ns += rnd(50) ? rnd(200) : rnd(SLICE_NS);
		count_turn(cores[rnd(CORES)]);
		check_everything();
	}
	CHECK(lent > 1000 && out_of_budget > 1000);
	CHECK(evicted > 30 && slices > 100 && moved > 10000 && faults > 1000 && host_requests > 1000);
}

static void a_thread_alone_on_its_core_stays_when_its_slice_ends(void)
{
	host_core = root->core;
	CHECK(host_core->current == root);
	for (unsigned i = 0; i < MEMBERS; i++)
		root_call(KCALL_thread_set_affinity, SYS(THREAD + 2 * i + 1), host_core->mask, 0, 0, 0, 0, 0);
	for (unsigned i = 0; i < MEMBERS; i++)
		root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), THREAD + 2 * i, 0, 0, 0, 0, 0);
	now_ns += 2 * SLICE_NS;
	node_trylock();
	kernel_timer(root);
	node_unlock();
	CHECK(host_core->current == root && root->core == host_core && !root->queued);
}

/* What has come for each core by now. */
static void all_interrupts(void)
{
	for (unsigned c = 0; c < CORES; c++) {
		host_core = cores[c];
		if (host_core->current == host_core->idle)
			idles(host_core);
		while (host_told[c] || host_core->armed <= now_ns)
			interrupted(host_core);
	}
}

/* One more than there are cores, none of which ever blocks. */
static void each_thread_that_computes_has_its_share_of_the_cores(void)
{
	u64 before[CORES + 1], share = 300 * 1000000ull * CORES / (CORES + 1);

	for (unsigned i = 0; i <= CORES; i++) {
		make_thread(i);
		root_call(KCALL_thread_set_priority, SYS(THREAD + 2 * i + 1), 90, 0, 0, 0, 0, 0);
		before[i] = thread_ticks(member[i]);
	}
	ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns); /* what has been signalled before; then root has nothing to do */
	ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns + 301 * 1000000ull);
	for (unsigned ms = 0; ms < 300; ms++) {
		now_ns += 1000000;
		all_interrupts();
	}
	for (unsigned i = 0; i <= CORES; i++) {
		CHECK(thread_ticks(member[i]) - before[i] > share * 3 / 4);
	}
}

/* The holder keeps the lock longer than anybody's patience, lets go of it, and wants it again at once. */
static void hold_and_come_again(void)
{
	static unsigned looks;

	if (++looks < 10) {
		now_ns += LOCK_PATIENCE_NS / 8;
		return;
	}
	CHECK_EQ(node_lock_state.word, 1 | (host_core->number + 1) << 8);
	node_unlock();
	CHECK(!node_trylock());
}

static void a_core_that_has_waited_for_long_has_the_lock_next(void)
{
	host_core = cores[1];
	CHECK(node_trylock());
	host_relax = hold_and_come_again;
	CHECK(node_lock(host_core->current));
	host_relax = NULL;
	CHECK_EQ(node_lock_state.word, 1);
	node_unlock();
	CHECK(node_trylock());
	node_unlock();
}

/* The one that claims the lock is on no processor, as a host's thread may be. */
static void a_claim_that_is_not_taken_up_lapses(void)
{
	host_core = cores[1];
	node_lock_state.word = (cores[2]->number + 1) << 8;
	CHECK(!node_trylock());
	CHECK(node_lock(host_core->current));
	CHECK_EQ(node_lock_state.word, 1);
	node_unlock();
}

static void wake_root(void)
{
	for (unsigned n = 0; n < 20000 && !thread_runs(root); n++) {
		now_ns += 1000;
		for (unsigned c = 0; c < CORES; c++) {
			host_core = cores[c];
			if (host_core->current == host_core->idle)
				idles(host_core);
			if (host_told[c] || host_core->armed <= now_ns)
				interrupted(host_core);
		}
	}
	host_core = root->core;
}

static void time_passes(u64 ns)
{
	for (u64 end = now_ns + ns; now_ns < end;) {
		now_ns += 1 + rnd(1000000);
		all_interrupts();
	}
}

static void make_computing(unsigned i, u64 priority, u64 cores_allowed)
{
	u64 slot = SYS(THREAD + 2 * i + 1);

	root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), THREAD + 2 * i, 0, 0, 0, 0, 0);
	make_thread(i);
	root_call(KCALL_thread_set_priority, slot, priority, 0, 0, 0, 0, 0);
	root_call(KCALL_thread_set_affinity, slot, cores_allowed, 0, 0, 0, 0, 0);
}

/* A thread of a higher priority has one of the cores for itself, for ever; the others' threads began anywhere, also behind it. */
static void share_what_a_better_one_leaves(unsigned count)
{
	u64 before[MEMBERS], share = 200 * 1000000ull * (CORES - 1) / count;

	for (unsigned i = 0; i < MEMBERS; i++)
		root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), THREAD + 2 * i, 0, 0, 0, 0, 0);
	for (unsigned i = 1; i <= count; i++)
		make_computing(i, 90, 1 << rnd(CORES));
	make_computing(0, 91 + rnd(5), 1 << rnd(CORES));
	if (rnd(3))
		root_call(KCALL_thread_set_share, SYS(THREAD + 1), 0, rnd(2) * 100000000, 0, 0, 0, 0);
	for (unsigned i = 1; i <= count; i++)
		root_call(KCALL_thread_set_affinity, SYS(THREAD + 2 * i + 1), ~0ul, 0, 0, 0, 0, 0);
	ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns + 235 * 1000000ull);
	time_passes(30 * 1000000ull);
	for (unsigned i = 1; i <= count; i++)
		before[i] = thread_ticks(member[i]);
	time_passes(200 * 1000000ull);
	for (unsigned i = 1; i <= count; i++)
		CHECK(thread_ticks(member[i]) - before[i] > share * 3 / 5);
	check_everything();
}

static void threads_behind_one_of_higher_priority_have_their_turn_elsewhere(void)
{
	for (unsigned round = 0; round < 60 && !CHECK_FAILED(); round++) {
		wake_root();
		share_what_a_better_one_leaves(CORES + round % (MEMBERS - CORES));
	}
}

static void wait_for(u64 ns)
{
	ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns + ns + 1000000);
	time_passes(ns);
	wake_root();
}

/* Two that never block nor take turns are on one core, since better ones run on the others. Those go, and leave worse ones. */
static void two_without_slices_run_on_a_core_each(void)
{
	for (unsigned round = 0; round < 20 && !CHECK_FAILED(); round++) {
		unsigned together = rnd(CORES);
		u64 before[2];

		wake_root();
		for (unsigned i = 0; i < MEMBERS; i++)
			root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), THREAD + 2 * i, 0, 0, 0, 0, 0);
		for (unsigned i = 2; i < 2 + CORES - 1; i++)
			make_computing(i, 97, 1 << (together + i - 1) % CORES);
		for (unsigned i = 2 + CORES - 1; i < MEMBERS; i++)
			make_computing(i, 90, 1 << (together + 1 + rnd(2)) % CORES);
		for (unsigned i = 0; i < 2; i++) {
			make_computing(i, 95, 1 << together);
			root_call(KCALL_thread_set_share, SYS(THREAD + 2 * i + 1), 0, 0, 0, 0, 0, 0);
		}
		wait_for(1000000);
		for (unsigned i = 0; i < 2; i++)
			root_call(KCALL_thread_set_affinity, SYS(THREAD + 2 * i + 1), ~0ul, 0, 0, 0, 0, 0);
		wait_for(1000000);
		for (unsigned i = 2; i < 2 + CORES - 1; i++)
			root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), THREAD + 2 * i, 0, 0, 0, 0, 0);
		for (unsigned i = 0; i < 2; i++)
			before[i] = thread_ticks(member[i]);
		wait_for(50 * 1000000ull);
		for (unsigned i = 0; i < 2; i++)
			CHECK(thread_ticks(member[i]) - before[i] > 30 * 1000000ull);
		check_everything();
	}
}

/* Member 2 waits where member 0 is; member 1, which 0 has answered without waiting, is queued there, while the other cores are idle. */
static void answer_and_go_on(u64 number)
{
	wake_root();
	for (unsigned i = 0; i < MEMBERS; i++)
		root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), THREAD + 2 * i, 0, 0, 0, 0, 0);
	root_call(KCALL_cap_delete_range, SYS(CNODE), REPLIES, 50, 0, 0, 0, 0);
	for (unsigned i = 0; i < 3; i++)
		make_computing(i, 95 - (i == 2 && number == KCALL_signal), 1 << i);
	ipc(root, KCALL_recv, SYS(ROOTS), 0, 0, REPLY_TO, now_ns + 5000000);
	time_passes(1000000);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(cores[i]->current == member[i] && !cores[i]->needed);
		member[i]->affinity = ~0ul;
	}
	member[2]->affinity = cores[1]->mask;
	host_core = cores[2];
	ipc(member[2], number == KCALL_signal ? KCALL_wait : KCALL_recv, SYS(number == KCALL_signal ? NOTE : EP), 0, 0, REPLIES + 12, 0);
	host_core = cores[0];
	ipc(member[0], KCALL_recv, SYS(EP + 1), 0, 0, REPLIES, 0);
	host_core = cores[1];
	CHECK(ipc(member[1], KCALL_call, SYS(EP + 1), INFO(1, 0), 0, 0, 0) == member[0]);
	CHECK(ipc(member[0], KCALL_reply, 0, INFO(1, 0), 0, REPLIES, 0) == member[0]);
	CHECK(member[1]->queued && member[1]->core == cores[1]);
}

static void who_waits_behind_one_that_goes_on_is_given_to_an_idle_core(void)
{
	wake_root();
	retype(ARENA, OBJECT_ENDPOINT, 0, ROOTS, 1);
	answer_and_go_on(KCALL_signal);
	CHECK(ipc(member[0], KCALL_signal, SYS(NOTE), 0, 0, 0, 0) == member[0]);
	CHECK(member[2]->queued && member[2]->core == cores[1]);
	CHECK(member[1]->core != cores[1]);
	answer_and_go_on(KCALL_call);
	CHECK(ipc(member[0], KCALL_call, SYS(EP), INFO(1, 0), 0, 0, 0) == member[2]);
	CHECK(member[1]->core != cores[1]);
}

/* Those from `first` on sleep for 1 ms whenever they run. How often they do. */
static u64 sleeps_meanwhile(u64 ns, unsigned first)
{
	u64 sleeps = 0;

	for (u64 end = now_ns + ns; now_ns < end;) {
		time_passes(100000);
		for (unsigned c = 0; c < CORES; c++) {
			host_core = cores[c];
			for (unsigned i = first; i < MEMBERS; i++)
				if (host_core->current == member[i] && !host_core->needed) {
					ipc(member[i], KCALL_wait, SYS(NOTE), 0, 0, 0, now_ns + 1000000);
					sleeps++;
				}
		}
	}
	return sleeps;
}

/* The core of one that never waits looks as if it had least to do. */
static void who_wakes_is_not_put_behind_one_that_keeps_its_core(void)
{
	for (unsigned round = 0; round < 20 && !CHECK_FAILED(); round++) {
		wake_root();
		for (unsigned i = 1; i < MEMBERS; i++)
			make_computing(i, 90, ~0ul);
		make_computing(0, 95, 1 << rnd(CORES));
		root_call(KCALL_thread_set_share, SYS(THREAD + 1), 0, 0, 0, 0, 0, 0);
		ipc(root, KCALL_wait, SYS(NOTIFY), 0, 0, 0, now_ns + 225 * 1000000ull);
		sleeps_meanwhile(20 * 1000000ull, MEMBERS - 2);
		CHECK(sleeps_meanwhile(200 * 1000000ull, MEMBERS - 2) > 140);
	}
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 20261129);
	host_cores = CORES;
	machine_boot();
	for (unsigned c = 1; c < CORES; c++) { /* the others come to kernel_core_main */
		host_core = cores[c];
		node_trylock();
		schedule();
		node_unlock();
	}
	host_core = cores[0];
	RUN(random_entries_of_several_cores_keep_every_thread_in_one_place);
	wake_root();
	RUN(a_thread_alone_on_its_core_stays_when_its_slice_ends);
	RUN(each_thread_that_computes_has_its_share_of_the_cores);
	RUN(threads_behind_one_of_higher_priority_have_their_turn_elsewhere);
	RUN(two_without_slices_run_on_a_core_each);
	RUN(who_wakes_is_not_put_behind_one_that_keeps_its_core);
	RUN(who_waits_behind_one_that_goes_on_is_given_to_an_idle_core);
	wake_root();
	RUN(a_core_that_has_waited_for_long_has_the_lock_next);
	RUN(a_claim_that_is_not_taken_up_lapses);
	return check_result();
}
