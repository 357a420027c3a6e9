// sources: KERNEL
/*
 * Random kernel calls on random slots, against the invariants: the derivation list is well formed, every object counts exactly the
 * capabilities that name it, live objects do not overlap, every frame's count is the number of mappings and tables that use it.
 */
#include "kernel_machine.h"
#include "random.h"
#include "kernel/sched_context.h"

#include "lib/hash.h"

#define FIRST 200
#define SLOTS 120
#define OPERATIONS 60000
#define CHECK_EVERY 64


static u64 any_slot(void)
{
	return FIRST + rnd(SLOTS);
}

/* A slot that holds this type, if a few tries find one. */
static u64 slot_of(enum object_type type)
{
	u64 start = rnd(SLOTS);

	for (u64 i = 0; i < SLOTS; i++) {
		u64 slot = FIRST + (start + i) % SLOTS;

		if (cap_type(cspace_system_slot(root, slot)) == type)
			return slot;
	}
	return any_slot();
}

static u64 done[2];

static u64 map_address(void)
{
	return 0x10000 + rnd(64) * PAGE_SIZE + (rnd(4) << 30);
}

static void one_operation(void)
{
	static const u8 types[] = { OBJECT_UNTYPED, OBJECT_CNODE, OBJECT_ENDPOINT, OBJECT_NOTIFICATION, OBJECT_FRAME,
				    OBJECT_VSPACE,  OBJECT_HANDLE_POOL, OBJECT_THREAD, OBJECT_SCHED_CONTEXT };
	u64 type;

	switch (rnd(16)) {
	case 0:
	case 1:
	case 2:
		type = types[rnd(ARRAY_SIZE(types))];
		kcall(root, KCALL_untyped_retype, SYS(slot_of(OBJECT_UNTYPED)), type, type == OBJECT_UNTYPED ? 12 + rnd(6) : 2 + rnd(3),
		      SYS(ROOT_SLOT_CNODE), any_slot(), 1 + rnd(2), 0);
		break;
	case 3:
		kcall(root, KCALL_cap_copy, SYS(ROOT_SLOT_CNODE), any_slot(), SYS(ROOT_SLOT_CNODE), any_slot(), rnd(4), rnd(8), 0);
		break;
	case 4:
		kcall(root, KCALL_cap_move, SYS(ROOT_SLOT_CNODE), any_slot(), SYS(ROOT_SLOT_CNODE), any_slot(), 0, 0, 0);
		break;
	case 5:
		kcall(root, KCALL_cap_delete, SYS(ROOT_SLOT_CNODE), any_slot(), 0, 0, 0, 0, 0);
		break;
	case 6:
		if (rnd(8) == 0)
			kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), any_slot(), 0, 0, 0, 0, 0);
		break;
	case 7:
		kcall(root, KCALL_handle_mint, SYS(slot_of(OBJECT_HANDLE_POOL)), SYS(slot_of(OBJECT_ENDPOINT)), rnd(100), SYS(any_slot()), 0, 0, 0);
		break;
	case 8:
		/* not a CNode: two that hold each other would keep each other's VSpaces, and their frames counted */
		type = any_slot();
		if (cap_type(cspace_system_slot(root, type)) != OBJECT_CNODE)
			kcall(root, KCALL_cap_copy, SYS(slot_of(OBJECT_CNODE)), rnd(4), SYS(ROOT_SLOT_CNODE), type, 3, 0, 0);
		break;
	case 9:
		kcall(root, KCALL_cap_copy_range, SYS(slot_of(OBJECT_CNODE)), 0, SYS(slot_of(OBJECT_CNODE)), 0, rnd(4), 0, 0);
		break;
	case 10:
		for (u64 i = 0; i < 4; i++)
			message_data_set_word(root, i, PAGE_REF(slot_of(OBJECT_FRAME), i));
		kcall(root, KCALL_vspace_topup, SYS(slot_of(OBJECT_VSPACE)), rnd(5), 0, 0, 0, 0, 0);
		break;
	case 11:
	case 12:
		kcall(root, KCALL_vspace_map, SYS(slot_of(OBJECT_VSPACE)), map_address(), 1 + rnd(3),
		      VSPACE_READ | (rnd(2) ? VSPACE_WRITE : 0) | VSPACE_CONTIGUOUS | (rnd(2) ? VSPACE_REPLACE : 0),
		      PAGE_REF(slot_of(OBJECT_FRAME), rnd(4)), 0, 0);
		break;
	case 13:
		kcall(root, KCALL_vspace_unmap, SYS(slot_of(OBJECT_VSPACE)), map_address(), 1 + rnd(200), rnd(2), 0, 0, 0);
		break;
	case 14:
		kcall(root, KCALL_vspace_clone, SYS(slot_of(OBJECT_VSPACE)), SYS(slot_of(OBJECT_VSPACE)), map_address(), 1 + rnd(100), rnd(2), 0, 0);
		break;
	case 15:
		kcall(root, KCALL_sched_context_configure, SYS(slot_of(OBJECT_SCHED_CONTEXT)), 1000 + rnd(1000), 2000, 2000, 0, 0, 0);
		kcall(root, rnd(3) ? KCALL_sched_context_bind : KCALL_sched_context_unbind, SYS(slot_of(OBJECT_SCHED_CONTEXT)), SYS(slot_of(OBJECT_THREAD)), 0, 0, 0, 0,
		      0);
		kcall(root, KCALL_thread_configure, SYS(slot_of(OBJECT_THREAD)), SYS(slot_of(OBJECT_CNODE)), SYS(slot_of(OBJECT_CNODE)),
		      SYS(slot_of(OBJECT_VSPACE)), SYS(slot_of(OBJECT_ENDPOINT)), 5, 10);
		break;
	}
	done[root->frame.rax == 0]++;
	CHECK(this_core()->current == root);
}

/* ---- the model: everything is counted anew from the tree and the page tables ---- */

static u32 model_count[RAM_BYTES / PAGE_SIZE];

static void model_take(paddr_t page)
{
	if (page < RAM_BYTES)
		model_count[page >> PAGE_SHIFT]++;
}

/* An entry in use must be found by table_next: what a table's summary leaves out would never be unmapped. */
static void model_table(u64 points_to_table, unsigned level)
{
	u64 *table = phys_to_virt(points_to_table & PTE_ADDRESS);

	for (unsigned i = 0; i < 512; i++) {
		if (!(table[i] & PTE_PRESENT) || (level && (table[i] & PTE_LARGE)))
			continue;
		CHECK_EQ(table_next(points_to_table, i, i + 1), i);
		model_take(table[i] & PTE_ADDRESS);
		if (level)
			model_table(table[i], level - 1);
	}
}

static void model_vspace(struct vspace *vs)
{
	model_table(vs->root, 3);
	for (void **page = vs->pool; page; page = *page)
		model_take(virt_to_phys(page));
}

static u32 caps_of(const struct cte *c)
{
	switch (cap_type(c)) {
	case OBJECT_CNODE:
		return ((struct cnode *)c->object)->caps;
	case OBJECT_THREAD:
		return ((struct thread *)c->object)->caps;
	case OBJECT_ENDPOINT:
		return ((struct endpoint *)c->object)->caps;
	case OBJECT_NOTIFICATION:
		return ((struct notification *)c->object)->caps;
	case OBJECT_VSPACE:
		return ((struct vspace *)c->object)->caps;
	case OBJECT_HANDLE:
		return ((struct handle *)c->object)->caps;
	case OBJECT_HANDLE_POOL:
		return ((struct handle_pool *)c->object)->caps;
	case OBJECT_SCHED_CONTEXT:
		return ((struct sched_context *)c->object)->caps;
	default:
		return 0;
	}
}

struct object {
	u64 start;
	u32 caps, counted;
	u8 type;
};

static int by_start(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static u64 object_bytes_of(const struct object *o)
{
	switch (o->type) {
	case OBJECT_CNODE:
		return (((struct cnode *)o->start)->slots + 1ull) * CNODE_SLOT_SIZE;
	case OBJECT_THREAD:
		return 1 << THREAD_SIZE_BITS;
	case OBJECT_ENDPOINT:
		return 1 << ENDPOINT_SIZE_BITS;
	case OBJECT_NOTIFICATION:
		return 1 << NOTIFICATION_SIZE_BITS;
	case OBJECT_VSPACE:
		return 1 << VSPACE_SIZE_BITS;
	case OBJECT_SCHED_CONTEXT:
		return 1 << SCHED_CONTEXT_SIZE_BITS;
	case OBJECT_HANDLE_POOL: /* its Handles lie in it */
		return sizeof(struct handle_pool);
	default:
		return sizeof(struct handle);
	}
}

static void check_everything(void)
{
	static struct object objects[20000];
	struct census census = { 0 };
	unsigned n = 0, merged = 0;
	u64 live[OBJECT_TYPE_COUNT] = { 0 }, counted = 0;

	check_forest(&census);
	memset(model_count, 0, sizeof(model_count));
	for (unsigned slot = 0; slot < BOOT_SLOTS; slot++)
		for (struct cte *c = list_of(slot); c && n < ARRAY_SIZE(objects); c = c->next)
			if (caps_of(c))
				objects[n++] = (struct object){ (u64)c->object, caps_of(c), 1, cap_type(c) };
	qsort(objects, n, sizeof(objects[0]), by_start);
	for (unsigned i = 0; i < n; i++) {
		if (merged && objects[merged - 1].start == objects[i].start && objects[merged - 1].type == objects[i].type)
			objects[merged - 1].counted++;
		else
			objects[merged++] = objects[i];
	}
	for (unsigned i = 0; i < merged; i++) {
		CHECK_EQ(objects[i].counted, objects[i].caps);
		CHECK(!i || objects[i].start >= objects[i - 1].start + object_bytes_of(&objects[i - 1]));
		live[objects[i].type]++;
		if (objects[i].type == OBJECT_VSPACE)
			model_vspace((struct vspace *)objects[i].start);
	}
	for (unsigned type = OBJECT_CNODE; type < OBJECT_IRQ_CONTROL; type++)
		if (type != OBJECT_REPLY && type != OBJECT_FRAME && type != OBJECT_HANDLE)
			CHECK_EQ(object_count[type], live[type]);
	for (unsigned i = 0; i < 3; i++)
		model_take(root->area_frames[i]);
	for (u64 i = 0; i < frame_limit; i++) {
		CHECK_EQ(frame_count[i], model_count[i]);
		counted += frame_count[i] > 0;
	}
	CHECK_EQ(frames_counted_total, counted);
	CHECK_EQ(kcall(root, KCALL_system_audit, SYS(ROOT_SLOT_SYSTEM), 0, 0, 0, 0, 0, 0), 0);
	CHECK_EQ(root->frame.rdx, 0);
}

/* The audit of a count that is too high, too low, and of a wrong total; and that it leaves the counts as it found them. */
static void the_audit_finds_a_count_that_is_wrong(void)
{
	paddr_t page = root->area_frames[1];
	enum log_level threshold = log_threshold;

	check_everything();
	log_threshold = (enum log_level)-1; /* it says what is wrong */
	for (int by = -1; by <= 1; by += 2) {
		frame_count[page >> PAGE_SHIFT] += by;
		kcall(root, KCALL_system_audit, SYS(ROOT_SLOT_SYSTEM), 0, 0, 0, 0, 0, 0);
		CHECK_EQ(root->frame.rdx, 1);
		CHECK_EQ(root->frame.r8, page);
		frame_count[page >> PAGE_SHIFT] -= by;
	}
	frames_counted_total++;
	kcall(root, KCALL_system_audit, SYS(ROOT_SLOT_SYSTEM), 0, 0, 0, 0, 0, 0);
	CHECK_EQ(root->frame.rdx, 1);
	frames_counted_total--;
	log_threshold = threshold;
	check_everything();
}

static void give_untypeds(void)
{
	for (u64 i = ROOT_SLOT_UNTYPED; i < ROOT_SLOT_UNTYPED + 60; i++) {
		struct cte *c = cspace_system_slot(root, i);

		if (cap_type(c) == OBJECT_UNTYPED && cap_size_bits(c) >= 20)
			for (u64 k = 0; k < 4; k++)
				kcall(root, KCALL_untyped_retype, SYS(i), OBJECT_UNTYPED, 18, SYS(ROOT_SLOT_CNODE), any_slot(), 1, 0);
	}
}

static void random_kernel_calls_keep_every_invariant(void)
{
	give_untypeds();
	for (unsigned i = 0; i < OPERATIONS && !CHECK_FAILED(); i++) {
		one_operation();
		if (i % CHECK_EVERY == 0)
			check_everything();
		if (i % 4096 == 4095)
			give_untypeds();
	}
	check_everything();
	CHECK(done[1] > OPERATIONS / 4); /* enough of them did something */
}

/*
 * A frame that is mapped cannot be revoked (K_BUSY), and a VSpace or a thread that only a ring of CNodes names, which nobody reaches any more, keeps
 * its frames: the kernel leaves it to root never to lose such a capability. Here they are found in the list of what was derived.
 */
static void delete_what_counts_frames(struct cte *untyped)
{
	struct cte *c = untyped->next;

	while (c && cap_depth(c) > cap_depth(untyped)) {
		bool counts = (cap_type(c) == OBJECT_VSPACE || cap_type(c) == OBJECT_THREAD) && c->object != root && c->object != root->space;

		if (counts)
			CHECK(cap_delete(c) >= 0);
		c = counts ? untyped->next : c->next;
	}
}

/* Everything the random phase made goes by one revocation of each original Untyped, once frames are unmapped. */
static void revoking_everything_brings_every_count_back(void)
{
	for (u64 slot = FIRST; slot <= FIRST + SLOTS; slot++)
		if (cap_type(cspace_system_slot(root, slot)) == OBJECT_VSPACE)
			CHECK_EQ(kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), slot, 0, 0, 0, 0, 0), 0);
	/* objects may hold each other, so deletion is not enough: the Untypeds they came from are revoked, those that still have counted
	 * frames after the others */
	for (unsigned pass = 0; pass < 4; pass++)
		for (u64 slot = FIRST; slot <= FIRST + SLOTS; slot++)
			kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), slot, 0, 0, 0, 0, 0);
	for (unsigned pass = 0; pass < 3; pass++)
		for (u64 slot = FIRST; slot <= FIRST + SLOTS; slot++)
			kcall(root, KCALL_cap_delete, SYS(ROOT_SLOT_CNODE), slot, 0, 0, 0, 0, 0);
	for (u64 i = ROOT_SLOT_UNTYPED; i < ROOT_SLOT_UNTYPED + 60; i++)
		if (cap_type(cspace_system_slot(root, i)) == OBJECT_UNTYPED)
			delete_what_counts_frames(cspace_system_slot(root, i));
	for (u64 i = ROOT_SLOT_UNTYPED; i < ROOT_SLOT_UNTYPED + 60; i++)
		if (cap_type(cspace_system_slot(root, i)) == OBJECT_UNTYPED)
			CHECK_EQ(kcall(root, KCALL_cap_revoke, SYS(ROOT_SLOT_CNODE), i, 0, 0, 0, 0, 0), 0);
	check_everything();
	CHECK_EQ(object_count[OBJECT_ENDPOINT], 0);
	CHECK_EQ(object_count[OBJECT_HANDLE], 0);
	CHECK_EQ(object_count[OBJECT_HANDLE_POOL], 0);
	CHECK_EQ(object_count[OBJECT_SCHED_CONTEXT], 0);
	CHECK_EQ(object_count[OBJECT_THREAD], 1);
	CHECK_EQ(object_count[OBJECT_VSPACE], 1);
	CHECK_EQ(object_count[OBJECT_CNODE], 1);
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 20261122);
	machine_boot();
	RUN(random_kernel_calls_keep_every_invariant);
	RUN(the_audit_finds_a_count_that_is_wrong);
	RUN(revoking_everything_brings_every_count_back);
	return check_result();
}
