// sources: KERNEL
/*
 * The fast paths do what the general path does. Two machines do the same random kernel entries of one core or of several; one of them has no fast path. After
 * each entry all that the kernel knows must be the same in both, but for what nobody reads any more. The second machine is a fork of the first.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/priority.h"
#include "kernel/share.h"
#include "kernel_machine.h"
#include "random_cores.h"

#define MEMBERS    8
#define ENDPOINTS  2
#define NOTES      2
#define CNODES     6 /* 0 to 3: descriptors; the others: system CNodes */
#define FILES      4
#define OPERATIONS 250000
#define FAST_LEAST 10 /* of each path */
#define CORES_MOST 3

/* Slots of root's CNode. What can go stands in the slot after its own Untyped, which is revoked for that. */
enum { ARENA = 200, FRAMES, SPACE, CONTEXT = 204, TABLES, NOTE = 206, POOL = 208, ENDPOINT = 210, THREAD = 220, CNODE = 240 };

/* Slots of a system CNode; the descriptors have Handles. */
enum { EP = 1, NOTIFY = 4, OWN_POOL = 8, REPLIES = 10, REPLY_COUNT = 2, CAPS = 30, CAP_COUNT = 10 };

static struct thread *member[MEMBERS];
static u64 habit[MEMBERS]; /* the slot for the Reply that it mostly uses */

static s64 root_call(u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return kcall(root, number, a0, a1, a2, a3, a4, a5, a6);
}

static void retype(u64 untyped, u64 type, u64 bits, u64 slot, u64 count)
{
	CHECK_EQ(root_call(KCALL_untyped_retype, SYS(untyped), type, bits, SYS(ROOT_SLOT_CNODE), slot, count, 0), 0);
}

/* ---- objects that come and go ---- */

static void fill_cnode(unsigned n)
{
	for (unsigned e = 0; e < ENDPOINTS && n >= FILES; e++)
		root_call(KCALL_cap_copy, SYS(CNODE + 2 * n + 1), EP + e, SYS(ROOT_SLOT_CNODE), ENDPOINT + 2 * e + 1, RIGHT_ALL, 0, 0);
	for (unsigned i = 0; i < NOTES && n >= FILES; i++)
		root_call(KCALL_cap_copy, SYS(CNODE + 2 * n + 1), NOTIFY + i, SYS(ROOT_SLOT_CNODE), NOTE + i, rnd(8) ? RIGHT_ALL : rnd(4), rnd(2) ? 1 << rnd(8) : 0, 0);
	if (n >= FILES)
		root_call(KCALL_cap_copy, SYS(CNODE + 2 * n + 1), OWN_POOL, SYS(ROOT_SLOT_CNODE), POOL + 1, RIGHT_ALL, 0, 0);
}

static void make_cnode(unsigned n)
{
	retype(CNODE + 2 * n, OBJECT_CNODE, n < FILES ? 4 : 6, CNODE + 2 * n + 1, 1);
	fill_cnode(n);
}

static u64 any_files(void)
{
	return SYS(CNODE + 2 * rnd(FILES) + 1);
}

static u64 any_system(void)
{
	return SYS(CNODE + 2 * (FILES + rnd(CNODES - FILES)) + 1);
}

static u64 any_priority(void)
{
	return rnd(4) ? 91 : 90 + rnd(3);
}

static void make_thread(unsigned i)
{
	u64 slot = THREAD + 2 * i + 1;

	retype(THREAD + 2 * i, OBJECT_THREAD, 0, slot, 1);
	CHECK_EQ(root_call(KCALL_thread_configure, SYS(slot), any_files(), any_system(), SYS(SPACE + rnd(2)), SYS(ENDPOINT + 1), 100 + i + (rnd(3) << PRINCIPAL_CHARGE_SHIFT), any_priority()), 0);
	CHECK_EQ(root_call(KCALL_thread_set_area, SYS(slot), GATE_THREAD_AREA(i + 1), PAGE_REF(FRAMES, i * 3), PAGE_REF(FRAMES, i * 3 + 1),
			   PAGE_REF(FRAMES, i * 3 + 2), i, 0), 0);
	CHECK_EQ(root_call(KCALL_thread_start, SYS(slot), RIP, 0, 0, 0, 0, 0), 0);
	member[i] = cspace_system_slot(root, slot)->object;
	member[i]->context->interrupt_flag = 0;
	habit[i] = REPLIES + REPLY_COUNT * i;
}

/* Some of the pages that faults are about, with different rights. */
static void map_pages(u64 s)
{
	for (unsigned n = 0; n < 4; n++)
		message_data_set_word(root, n, PAGE_REF(TABLES, s * 4 + n));
	CHECK_EQ(root_call(KCALL_vspace_topup, SYS(SPACE + s), 4, 0, 0, 0, 0, 0), 0);
	for (u64 page = 0; page < 256; page += 3)
		CHECK_EQ(root_call(KCALL_vspace_map, SYS(SPACE + s), page << PAGE_SHIFT, 1, VSPACE_READ | page % 8, PAGE_REF(FRAMES, page % 24), 0, 0), 0);
}

static void setup(void)
{
	unsigned big = ROOT_SLOT_UNTYPED;

	while (cap_type(cspace_system_slot(root, big)) != OBJECT_UNTYPED || cap_size_bits(cspace_system_slot(root, big)) < 21)
		big++;
	retype(big, OBJECT_UNTYPED, 20, ARENA, 1);
	retype(ARENA, OBJECT_FRAME, 5, FRAMES, 1);
	retype(ARENA, OBJECT_VSPACE, 0, SPACE, 2);
	retype(ARENA, OBJECT_FRAME, 3, TABLES, 1);
	for (u64 s = 0; s < 2; s++)
		map_pages(s);
	retype(ARENA, OBJECT_NOTIFICATION, 0, NOTE, NOTES);
	retype(ARENA, OBJECT_SCHED_CONTEXT, 0, CONTEXT, 1);
	CHECK_EQ(root_call(KCALL_sched_context_configure, SYS(CONTEXT), 20000, 100000, 60000, 0, 0, 0), 0);
	for (unsigned i = 0; i < MEMBERS; i++)
		retype(ARENA, OBJECT_UNTYPED, THREAD_SIZE_BITS, THREAD + 2 * i, 1);
	for (unsigned e = 0; e < ENDPOINTS; e++) {
		retype(ARENA, OBJECT_UNTYPED, ENDPOINT_SIZE_BITS, ENDPOINT + 2 * e, 1);
		retype(ENDPOINT + 2 * e, OBJECT_ENDPOINT, 0, ENDPOINT + 2 * e + 1, 1);
	}
	retype(ARENA, OBJECT_UNTYPED, HANDLE_SIZE_BITS + 4, POOL, 1);
	retype(POOL, OBJECT_HANDLE_POOL, 4, POOL + 1, 1);
	for (unsigned n = 0; n < CNODES; n++) {
		retype(ARENA, OBJECT_UNTYPED, 11, CNODE + 2 * n, 1);
		make_cnode(n);
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		make_thread(i);
}

/* ---- what a thread does on its core ---- */

static u64 any_target(void)
{
	return rnd(3) ? SYS(EP + rnd(ENDPOINTS)) : rnd(4) ? rnd(15) : SYS(CAPS + rnd(CAP_COUNT));
}

static u64 own_endpoint(unsigned i)
{
	return SYS(EP + (rnd(8) ? i % ENDPOINTS : rnd(ENDPOINTS)));
}

static u64 deadline(void)
{
	return rnd(16) ? 0 : now_ns + 1 + rnd(3000);
}

static u64 any_info(bool call)
{
	if (rnd(4))
		return INFO(rnd(1000), 0);
	return INFO(rnd(1000), rnd(3) ? 0 : rnd(200)) | INFO_CAPS(rnd(2) ? 0 : rnd(4)) | INFO_WINDOWS(rnd(3) ? 0 : rnd(16)) |
	       (call && rnd(2) ? INFO_INTERRUPTIBLE : 0);
}

static u64 fast[KCALL_COUNT + 1]; /* how many took a fast path, by call; the last are page faults */

/* An entry of `t` on this core, counted if it was fast. */
static void enters(struct thread *t, u64 number, u64 target, u64 info, u64 m0, u64 slot, u64 rbp)
{
	const struct core *core = host_core;
	u64 before = core->general_entries;

	ipc(t, number, target, info, m0, slot, rbp);
	CHECK(node_trylock());
	node_unlock();
	fast[number] += core->general_entries == before;
}

/* Where it receives; or, seldom, its other slot, or the same by its other name. Those of threads with one CNode are different. */
static u64 reply_slot(unsigned i)
{
	return rnd(16) ? habit[i] : rnd(2) ? SYS(habit[i]) : REPLIES + REPLY_COUNT * i + rnd(REPLY_COUNT);
}

/* One of its slots that has a Reply, or one that has none, if there is any. */
static u64 slot_with(unsigned i, bool reply)
{
	u64 start = rnd(REPLY_COUNT * MEMBERS);

	for (u64 k = 0; k < REPLY_COUNT * MEMBERS && reply; k++) { /* another's too, of those with one CNode */
		u64 n = REPLIES + (start + k) % (REPLY_COUNT * MEMBERS);
		const struct cte *slot = cspace_system_slot(member[i], n);

		if (slot && cap_type(slot) == OBJECT_REPLY)
			return n;
	}
	for (u64 n = REPLIES + REPLY_COUNT * i; n < REPLIES + REPLY_COUNT * (i + 1); n++) {
		const struct cte *slot = cspace_system_slot(member[i], n);

		if (slot && !cap_empty(slot) == reply)
			return n;
	}
	return rnd(4) ? habit[i] : 0;
}

static void fill_slots(struct thread *t)
{
	for (unsigned c = 0; c < MESSAGE_CAPS; c++) {
		t->message_low->recv_slot[c] = rnd(3) ? rnd(15) : rnd(3) ? SYS(CAPS + rnd(CAP_COUNT)) : rnd(2) ? SYS(REPLIES + rnd(REPLY_COUNT * MEMBERS)) : SLOT_NONE;
		t->message_low->send_slot[c] = rnd(3) ? SEND_NEW_HANDLE : rnd(2) ? SYS(CAPS + rnd(CAP_COUNT)) : rnd(4) ? rnd(15) : SYS(rnd(40));
		((struct message_buffer *)t->message_low)->mint_badge[c] = rnd(100);
	}
	for (unsigned w = 0; w < 3; w++)
		t->message_low->window[w] = (struct message_window){ (rnd(8) ? 6 : rnd(256)) << PAGE_SHIFT | rnd(PAGE_SIZE), rnd(2000) };
	t->message_low->mint_pool = SYS(OWN_POOL);
	t->message_low->mint_endpoint = SYS(EP + rnd(ENDPOINTS));
	t->message_low->closed_later = rnd(4) == 0;
}

static void page_fault_of(struct thread *t)
{
	const struct core *core = host_core;
	u64 before;

	t->frame.rip = rnd(2) ? 0x401000 : RIP;
	t->frame.vector = 14;
	t->frame.address = rnd(1u << 20);
	t->frame.error = rnd(8);
	CHECK(node_trylock());
	before = core->general_entries;
	kernel_exception(t);
	fast[KCALL_COUNT] += core->general_entries == before;
	CHECK(!node_trylock());
	node_unlock();
}

static u64 forwarded_to(void)
{
	return rnd(6) ? any_target() : FORWARD_THROUGH(SYS(rnd(40)), rnd(16));
}

static void client_acts(struct thread *t)
{
	switch (rnd(14)) {
	case 0:
		kcall(t, KCALL_handle_mint, SYS(OWN_POOL), SYS(EP + rnd(ENDPOINTS)), rnd(100), rnd(2) ? rnd(15) : SYS(CAPS + rnd(CAP_COUNT)), 0, 0, 0);
		break;
	case 1: case 2: case 3:
		enters(t, KCALL_signal, SYS(NOTIFY + rnd(NOTES)), rnd(2) ? rnd(1000) : 0, 0, 0, rnd(2) ? 5 : 0);
		break;
	case 4: case 5:
		enters(t, KCALL_wait, SYS(NOTIFY + rnd(NOTES)), rnd(2) ? INFO_INTERRUPTIBLE : 0, 0, 0, deadline());
		break;
	case 6: case 7:
		page_fault_of(t);
		break;
	case 8:
		enters(t, KCALL_yield, 0, 0, 0, 0, 0);
		break;
	default:
		enters(t, KCALL_call, any_target(), any_info(true), rnd(4), 0, deadline());
		break;
	}
}

static void server_acts(unsigned i, struct thread *t)
{
	switch (rnd(12)) {
	case 0: case 1: case 5:
		enters(t, KCALL_recv, own_endpoint(i), 0, 0, rnd(2) ? slot_with(i, false) : reply_slot(i), deadline());
		break;
	case 2: case 6: case 7:
		enters(t, KCALL_reply, 0, any_info(false), rnd(4), rnd(2) ? slot_with(i, true) : reply_slot(i), 0);
		break;
	case 3: case 4:
		enters(t, KCALL_forward_recv, forwarded_to(), any_info(false), rnd(4), reply_slot(i), own_endpoint(i));
		break;
	default:
		enters(t, KCALL_reply_recv, own_endpoint(i), any_info(false), rnd(3) ? FAULT_RESUME : rnd(4) | rnd(8) << 8, reply_slot(i), deadline());
		break;
	}
}

/* What the words' registers hold as it enters the kernel: its own, not what an earlier message has left in the frame. */
static void fill_registers(struct thread *t)
{
	t->frame.r8 = rnd(1000);
	t->frame.r9 = t->frame.r10 = t->frame.rbx = t->frame.r12 = t->frame.r13 = t->frame.r14 = t->frame.r8 + 1;
}

/* Half of them serve, most of the time. */
static void member_acts(unsigned i)
{
	struct thread *t = member[i];

	if (rnd(3) == 0)
		t->context->interrupt_flag = 0;
	fill_slots(t);
	fill_registers(t);
	if ((i < MEMBERS / 2) == (rnd(24) != 0))
		server_acts(i, t);
	else
		client_acts(t);
}

/* ---- root ---- */

/* Replies in there end; threads that have it are left without, for a while. */
static void replace_cnode(unsigned n)
{
	CHECK_EQ(root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), CNODE + 2 * n, 0, 0, 0, 0, 0), 0);
	make_cnode(n);
	for (unsigned i = 0; i < MEMBERS; i++)
		if ((cap_empty(&member[i]->files_cnode) || cap_empty(&member[i]->system_cnode)) && rnd(4))
			root_call(KCALL_thread_set_cnodes, SYS(THREAD + 2 * i + 1), any_files(), any_system(), 0, 0, 0, 0);
}

static void make_anew(unsigned i)
{
	CHECK_EQ(root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), THREAD + 2 * i, 0, 0, 0, 0, 0), 0);
	make_thread(i);
}

static void replace_endpoint(unsigned e)
{
	CHECK_EQ(root_call(KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), ENDPOINT + 2 * e, 0, 0, 0, 0, 0), 0);
	retype(ENDPOINT + 2 * e, OBJECT_ENDPOINT, 0, ENDPOINT + 2 * e + 1, 1);
	for (unsigned n = FILES; n < CNODES; n++)
		fill_cnode(n);
}

/* One that waits for its fault to be mended, if there is any. */
static u64 one_with_fault(void)
{
	unsigned i = (unsigned)rnd(MEMBERS);

	for (unsigned n = 0; n < MEMBERS && !member[i]->fault; n++)
		i = (i + 1) % MEMBERS;
	return SYS(THREAD + 2 * i + 1);
}

static void root_acts(void)
{
	unsigned i = (unsigned)rnd(MEMBERS);
	u64 slot = SYS(THREAD + 2 * i + 1);

	switch (rnd(60)) {
	case 0: case 1:
		root_call(KCALL_thread_interrupt, rnd(2) ? slot : one_with_fault(), 0, 0, 0, 0, 0, 0);
		break;
	case 2:
		one_call(KCALL_thread_stop, slot, 0);
		break;
	case 3: case 4: case 5:
		root_call(KCALL_thread_continue, slot, 0, 0, 0, 0, 0, 0);
		break;
	case 6: case 7:
		root_call(KCALL_thread_set_affinity, slot, rnd(2) ? ~0ul : 1 + rnd(7), 0, 0, 0, 0, 0);
		break;
	case 8:
		habit[i] = reply_slot(i) & ~(u64)CPTR_SYSTEM;
		root_call(KCALL_thread_set_priority, slot, any_priority(), 0, 0, 0, 0, 0);
		root_call(KCALL_thread_set_share, slot, rnd(3) ? 3 + rnd(4000) : 0, rnd(2) ? 100000 + rnd(SLICE_NS) : 0, 0, 0, 0, 0);
		break;
	case 9:
		make_anew(i);
		break;
	case 10: case 11:
		root_call(KCALL_thread_set_cnodes, slot, rnd(2) ? any_files() : 0, rnd(2) ? any_system() : 0, 0, 0, 0, 0);
		break;
	case 12:
		if (rnd(4) == 0)
			replace_cnode((unsigned)rnd(CNODES));
		break;
	case 13:
		if (rnd(4) == 0)
			replace_endpoint((unsigned)rnd(ENDPOINTS));
		break;
	case 14:
		root_call(KCALL_cap_delete, any_system(), rnd(4) ? CAPS + rnd(CAP_COUNT) : REPLIES + rnd(REPLY_COUNT * MEMBERS), 0, 0, 0, 0, 0);
		root_call(KCALL_cap_delete, any_files(), rnd(15), 0, 0, 0, 0, 0);
		fill_cnode((unsigned)(FILES + rnd(CNODES - FILES))); /* what a message has taken away */
		break;
	case 15:
		root_call(KCALL_cap_copy, rnd(2) ? any_files() : any_system(), rnd(2) ? rnd(15) : CAPS + rnd(CAP_COUNT), SYS(ROOT_SLOT_CNODE),
			  rnd(2) ? NOTE : CNODE + 2 * rnd(CNODES) + 1, rnd(4), 0, 0);
		break;
	case 16:
		root_call(KCALL_thread_bind, slot, SYS(NOTE), 0, 0, 0, 0, 0);
		break;
	case 17:
		root_call(rnd(3) ? KCALL_sched_context_unbind : KCALL_sched_context_bind, SYS(CONTEXT), slot, 0, 0, 0, 0, 0);
		break;
	case 18: case 19:
		for (unsigned n = 0; n < MEMBERS; n++)
			root_call(KCALL_thread_interrupt, SYS(THREAD + 2 * n + 1), 0, 0, 0, 0, 0, 0);
		break;
	case 20: case 21: case 22: case 23: case 24: case 25: case 26: case 27:
		if (member[i]->state == THREAD_SENDING || member[i]->state == THREAD_REPLY || member[i]->stopped)
			make_anew(i);
		break;
	default: /* most of the time it waits */
		ipc(root, KCALL_wait, SYS(NOTE), 0, 0, 0, now_ns + 1 + rnd(5000));
		break;
	}
}

static void member_turn(struct thread *t)
{
	unsigned i = 0;

	while (i < MEMBERS && member[i] != t)
		i++;
	CHECK(i < MEMBERS);
	if (i < MEMBERS)
		member_acts(i);
}

/* ---- what both know ---- */

#define VALUES_MOST 8192
static u64 value[VALUES_MOST];
static const char *name[VALUES_MOST];
static unsigned values;

static void put(const char *what, u64 v)
{
	if (values == VALUES_MOST)
		panic("too many values");
	name[values] = what;
	value[values++] = v;
}
#define PUT(expression) put(#expression, (u64)(expression))

static void put_queue(const char *what, const struct list_node *head)
{
	put(what, 0);
	for (const struct list_node *node = head->next; node != head; node = node->next)
		put(what, (u64)node);
}

static void put_frame(const struct thread *t)
{
	PUT(t->frame.rax);
	PUT(t->frame.rdi);
	PUT(t->frame.rsi);
	PUT(t->frame.rbp);
	PUT(t->frame.r15);
	PUT(t->frame.rip);
	PUT(t->frame.vector);
	if (t->frame.rax) /* then the words are what is left of a message, the thread's own or another's that was forwarded for it */
		return;
	PUT(t->frame.rdx);
	PUT(t->frame.r8);
	PUT(t->frame.r9);
	PUT(t->frame.r10);
	PUT(t->frame.rbx);
	PUT(t->frame.r12);
	PUT(t->frame.r13);
	PUT(t->frame.r14);
}

static void put_blocked(const struct thread *t)
{
	bool calls = t->state == THREAD_SENDING || t->state == THREAD_REPLY;

	if (calls) {
		PUT(t->endpoint);
		PUT(t->reply);
		PUT(t->principal_sent);
		PUT(t->fault);
	}
	if (calls || t->state == THREAD_WAITING)
		PUT(t->call_info & (INFO_INTERRUPTIBLE | INFO_WINDOWS_MASK << INFO_WINDOWS_SHIFT));
	if (t->state == THREAD_SENDING) {
		PUT(t->handle);
		PUT(t->call_info);
		PUT(t->call_badge);
		for (unsigned i = 0; t->fault && i < 4; i++)
			PUT(t->fault_words[i]);
	}
	if (t->state == THREAD_WAITING)
		PUT(t->notification);
}

static void put_thread(const struct thread *t)
{
	PUT(t->state);
	PUT(t->unusual);
	PUT(t->deadline);
	PUT(t->priority);
	PUT(t->priority_own);
	PUT(t->queued);
	PUT(t->interrupt_late);
	PUT(t->core);
	PUT(t->receives);
	PUT(t->receives_cptr);
	PUT(t->receives_at);
	PUT(t->reply_cptr);
	PUT(t->reply_at);
	PUT(t->reply_fresh);
	PUT(t->space);
	PUT(t->cpu_ticks);
	PUT(t->switches);
	PUT(t->slice_limit);
	PUT(t->share_time);
	PUT(t->share_counted);
	PUT(t->context->interrupt_flag);
	put_blocked(t);
	if (t->state == THREAD_READY)
		put_frame(t);
}

static void put_core(const struct core *core)
{
	u64 fast = core->kernel_entries - core->general_entries - core->threads_kept;

	PUT(core->current);
	PUT(core->best);
	PUT(core->queued);
	PUT(core->needed);
	PUT(core->look);
	PUT(core->slice_ended);
	PUT(core->slice_alarm);
	PUT(core->armed);
	PUT(core->handoff);
	PUT(core->space);
	PUT(core->keeper);
	PUT(core->waiting);
	PUT(core->waiting_ticks);
	PUT(core->looked);
	PUT(core->kernel_entries);
	PUT(core->context_switches + fast);
	PUT(core->address_space_switches + fast - core->spaces_kept);
	PUT(core->bytes_copied);
	PUT(host_told[core->number]);
	put_queue("core->timers", &core->timers);
	put_queue("core->noticed", &core->noticed);
	for (unsigned priority = 0; priority < 256; priority++)
		if (!list_empty(&core->queue[priority]) || core->clock[priority]) {
			put_queue("core->queue", &core->queue[priority]);
			PUT(core->clock[priority]);
		}
}

static void put_endpoint(const struct endpoint *ep)
{
	PUT(ep->receiving);
	PUT(ep->events);
	PUT(ep->cancelled);
	put_queue("ep->queue", &ep->queue);
	put_queue("ep->closed", &ep->closed);
	put_queue("ep->replies", &ep->replies);
	put_queue("ep->servers", &ep->servers);
}

static void put_cnode(const struct cnode *cn)
{
	for (unsigned i = 0; i < cn->slots; i++) {
		PUT(cn->slot[i].word);
		if (cn->slot[i].word)
			PUT(cn->slot[i].object);
	}
}

static void put_everything(void)
{
	values = 0;
	PUT(now_ns);
	PUT(seed);
	PUT(idle_mask);
	PUT(priority_boosted);
	for (unsigned c = 0; c < core_count; c++)
		put_core(cores[c]);
	put_thread(root);
	for (unsigned i = 0; i < MEMBERS; i++)
		put_thread(member[i]);
	for (unsigned e = 0; e < ENDPOINTS; e++)
		put_endpoint(cspace_system_slot(root, ENDPOINT + 2 * e + 1)->object);
	for (unsigned i = 0; i < NOTES; i++) {
		const struct notification *n = cspace_system_slot(root, NOTE + i)->object;

		PUT(n->bits);
		PUT(n->bound);
		put_queue("n->waiters", &n->waiters);
	}
	for (unsigned n = 0; n < CNODES; n++)
		put_cnode(cspace_system_slot(root, CNODE + 2 * n + 1)->object);
	PUT(((struct handle_pool *)cspace_system_slot(root, POOL + 1)->object)->used);
}

/* ---- the two machines ---- */

static void transfer(int fd, bool out, void *at, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = out ? write(fd, (u8 *)at + done, bytes - done) : read(fd, (u8 *)at + done, bytes - done);

		if (n <= 0)
			panic("the other machine is gone");
		done += (size_t)n;
	}
}

/* The first that differs; `values` if none does. */
static unsigned difference(const u64 *theirs, unsigned count)
{
	for (unsigned v = 0; v < values; v++)
		if (v >= count || theirs[v] != value[v])
			return v;
	return values;
}

static bool same_as(int fd, unsigned operation)
{
	static u64 theirs[VALUES_MOST];
	unsigned count, v;

	transfer(fd, false, &count, sizeof(count));
	transfer(fd, false, theirs, count * sizeof(u64));
	v = difference(theirs, count);
	if (v == values && count == values)
		return true;
	printf("FAIL the fast path, operation %u: %s (value %u): expected %lx, got %lx\n", operation, v < values ? name[v] : "more", v, v < count ? theirs[v] : 0,
	       v < values ? value[v] : 0);
	return false;
}

/* Each path was taken often enough for what differs to be seen. */
static void check_paths(void)
{
	static const u64 paths[] = { KCALL_call, KCALL_reply_recv, KCALL_forward_recv, KCALL_reply, KCALL_recv, KCALL_signal, KCALL_wait, KCALL_COUNT };

	for (unsigned i = 0; i < ARRAY_SIZE(paths); i++)
		if (fast[paths[i]] < FAST_LEAST)
			panic("path of call %lu: expected %u or more, got %lu", paths[i], FAST_LEAST, fast[paths[i]]);
}

static void play(bool general, int fd)
{
	for (unsigned c = 0; c < core_count && general; c++)
		cores[c]->general |= GENERAL_CPU;
	for (unsigned n = 0; n < OPERATIONS && !CHECK_FAILED(); n++) {
		now_ns += rnd(50) ? rnd(200) : rnd(SLICE_NS);
		turn(cores[rnd(core_count)], root_acts, member_turn);
		for (unsigned i = 0; i < MEMBERS; i++)
			check_thread_queues(member[i]);
		put_everything();
		if (general) {
			transfer(fd, true, &values, sizeof(values));
			transfer(fd, true, value, values * sizeof(u64));
		} else {
			CHECK(same_as(fd, n));
		}
	}
}

static void both_paths_do_the_same(void)
{
	int ends[2];
	pid_t other;

	setup();
	CHECK(pipe(ends) == 0);
	fflush(stdout);
	other = fork();
	if (other == 0) {
		close(ends[0]);
		play(true, ends[1]);
		_exit(CHECK_FAILED());
	}
	close(ends[1]);
	play(false, ends[0]);
	close(ends[0]);
	waitpid(other, NULL, 0);
	check_paths();
}

/* A fork for each machine: the kernel boots once in a process. */
static void machines_of(unsigned count)
{
	int status = 0;
	pid_t machine_process;

	fflush(stdout);
	machine_process = fork();
	if (machine_process == 0) {
		host_cores = count;
		machine_boot();
		for (unsigned c = 1; c < count; c++) {
			host_core = cores[c];
			node_trylock();
			schedule();
			node_unlock();
		}
		host_core = cores[0];
		both_paths_do_the_same();
		if (CHECK_FAILED())
			printf("FAIL %s\n", check_reason);
		fflush(stdout);
		_exit(CHECK_FAILED());
	}
	waitpid(machine_process, &status, 0);
	CHECK_EQ(status, 0);
}

static void both_paths_do_the_same_on_one_core(void)
{
	machines_of(1);
}

static void both_paths_do_the_same_on_several_cores(void)
{
	machines_of(CORES_MOST);
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 20261130);
	RUN(both_paths_do_the_same_on_one_core);
	RUN(both_paths_do_the_same_on_several_cores);
	return check_result();
}
