/*
 * The frames' counts against what uses them, for debug builds: nothing here is on any other path.
 *
 * The recount needs no memory of its own: each use that is found, in every VSpace and thread there is, is taken off its frame's count. What is left
 * then is the difference, 0 where the count is right. Afterwards the same walk puts all of it back. Counts may pass through 0; they wrap.
 */
#include "abi/gate.h"
#include "kernel/calls.h"
#include "kernel/frame.h"
#include "kernel/vspace.h"

/* u32 counts that data[] holds */
#define FRAMES_AT_ONCE (MESSAGE_BYTES / sizeof(u32))
#define GATE_INDEX     (GATE_BASE >> 39 & 511)
/* Differences that are logged one by one. */
#define FRAMES_SAID    8

static bool may(struct thread *t, int *err)
{
	return lookup(t, arg0(t), OBJECT_SYSTEM, 0, err) != NULL;
}

/* System, first page */
int call_system_frames(struct thread *t)
{
	int err = K_OK;
	u64 first = arg1(t), count = 0;

	if (!may(t, &err))
		return err;
	if (!t->message_low)
		return K_INVALID_ARG;
	if (first < frame_limit)
		count = MIN(frame_limit - first, FRAMES_AT_ONCE);
	message_data_write(t, 0, frame_count + first, count * sizeof(u32));
	set_values(t, count, 0);
	return K_OK;
}

#if DEBUG

static void add(paddr_t page, u32 by)
{
	if (frame_is_counted_memory(page))
		frame_count[page >> PAGE_SHIFT] += by;
}

/* Every entry is looked at: what a table's summary leaves out by mistake is counted too. */
static void recount_table(u64 *table, unsigned level, u32 by)
{
	for (u64 *entry = table; entry < table + TABLE_ENTRIES; entry++) {
		if (!*entry || (*entry & PTE_LARGE && level > 0))
			continue;
		add(*entry & PTE_ADDRESS, by);
		if (level > 0)
			recount_table(phys_to_virt(*entry & PTE_ADDRESS), level - 1, by);
	}
}

static void recount_space(struct vspace *vs, u32 by)
{
	const u64 *top = phys_to_virt(vs->top_address);

	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		if (!(top[i] & PTE_PRESENT) || (i >= TABLE_ENTRIES / 2 && i != GATE_INDEX))
			continue; /* the kernel's own half is not counted */
		add(top[i] & PTE_ADDRESS, by);
		recount_table(phys_to_virt(top[i] & PTE_ADDRESS), 2, by);
	}
	for (void **page = vs->pool; page; page = *page)
		add(virt_to_phys(page), by);
}

static void recount_object(const struct cte *c, u32 by)
{
	const struct thread *thread = c->object;

	if (cap_type(c) == OBJECT_VSPACE)
		recount_space(c->object, by);
	if (cap_type(c) == OBJECT_THREAD && thread->context)
		for (unsigned i = 0; i < 3; i++)
			add(thread->area_frames[i], by);
}

/* The list of the derivation tree that c ends the first run of: every object once, by the last capability of its run. */
static void recount_list(struct cte *c, u32 by)
{
	while (c->prev)
		c = c->prev;
	for (; c; c = c->next)
		if (cap_run_end(c) == c)
			recount_object(c, by);
}

/* What the kernel made at boot is at depth 0, in root's CNode still: there is a list for each. */
static void recount(u32 by)
{
	struct cnode *cn = root_thread->system_cnode.object;

	for (u32 i = 0; i < cn->slots; i++) {
		struct cte *c = &cn->slot[i];

		if (!cap_empty(c) && cap_type(c) != OBJECT_REPLY && cap_depth(c) == 0 && cap_run_end(c) == c)
			recount_list(c, by);
	}
}

static u64 frames_in_use(void)
{
	u64 used = 0;

	for (u64 i = 0; i < frame_limit; i++)
		used += frame_count[i] != 0;
	return used;
}

/* System */
int call_system_audit(struct thread *t)
{
	int err = K_OK;
	u64 wrong = 0, first = 0, used;

	if (!may(t, &err))
		return err;
	used = frames_in_use();
	recount(-1u);
	for (u64 i = 0; i < frame_limit; i++) {
		if (!frame_count[i])
			continue;
		if (wrong++ < FRAMES_SAID)
			klog(LOG_ERROR, "audit: frame %lx is counted %d times more than it is used", (unsigned long)(i << PAGE_SHIFT),
			     (int)frame_count[i]);
		if (wrong == 1)
			first = i << PAGE_SHIFT;
	}
	recount(1);
	if (used != frames_counted_total)
		klog(LOG_ERROR, "audit: %lu frames are counted, their total says %lu", (unsigned long)used, (unsigned long)frames_counted_total);
	set_values(t, wrong + (used != frames_counted_total), first);
	return K_OK;
}

#else

int call_system_audit(struct thread *t)
{
	(void)t;
	return K_BAD_CALL;
}

#endif
