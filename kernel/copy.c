/*
 * The copy call: between the memory of a Reply's holder and the window of the caller behind it. Both sides are walked page by page
 * through their page tables and touched through the physmap, so no fault can happen here; a page that is missing ends the copy with a count.
 */
#include "kernel/calls.h"
#include "kernel/vspace.h"
#include "lib/string.h"

#define COPY_BATCH (64 * 1024) /* bytes between preemption points */

struct span {
	struct vspace *space;
	u64 address;
	u8 *at;  /* through the physmap */
	u64 len; /* bytes up to the end of the page */
};

static bool span_find(struct span *s, unsigned rights)
{
	paddr_t page;

	if (!vspace_translate(s->space, s->address, rights, &page))
		return false;
	s->at = (u8 *)phys_to_virt(page) + (s->address & (PAGE_SIZE - 1));
	s->len = PAGE_SIZE - (s->address & (PAGE_SIZE - 1));
	return true;
}

/* The window's address `offset` bytes in, and how much follows in that entry. */
static bool window_at(struct thread *caller, u64 offset, u64 *address, u64 *room)
{
	for (unsigned i = 0; i < thread_windows(caller); i++) {
		struct message_window w = message_window(caller, i);

		if (offset < w.len) {
			*address = w.base + offset;
			*room = w.len - offset;
			return *address >= w.base && *address + *room - 1 >= *address;
		}
		offset -= w.len;
	}
	return false;
}

/* reply slot, direction, window offset, own address, length, done so far */
int call_copy(struct thread *t)
{
	struct cte *slot = cspace_system_slot(t, arg0(t) & ~(u64)CPTR_SYSTEM);
	bool in = arg1(t) == COPY_IN;
	u64 batch = 0;
	struct thread *caller;

	if (!slot || cap_empty(slot))
		return K_INVALID_CAP;
	if (cap_type(slot) != OBJECT_REPLY)
		return K_WRONG_TYPE;
	if (arg1(t) > COPY_OUT)
		return K_INVALID_ARG;
	caller = reply_caller(slot);
	if (!caller)
		return K_GONE;
	while (arg4(t)) {
		struct span own = { .space = t->space, .address = arg3(t) }, theirs = { .space = caller->space };
		u64 room, n, done = arg5(t);

		if (batch >= COPY_BATCH)
			return CALL_RESTART;
		if (!window_at(caller, arg2(t), &theirs.address, &room)) {
			set_values(t, done, 0);
			return thread_windows(caller) ? K_INVALID_ARG : K_NO_RIGHT;
		}
		if (!span_find(&theirs, in ? VSPACE_READ : VSPACE_READ | VSPACE_WRITE)) {
			set_values(t, done, theirs.address);
			return K_PARTIAL;
		}
		if (!span_find(&own, in ? VSPACE_READ | VSPACE_WRITE : VSPACE_READ)) {
			set_values(t, done, own.address);
			return K_FAULT;
		}
		n = MIN(MIN(MIN(own.len, theirs.len), room), arg4(t));
		memcpy(in ? own.at : theirs.at, in ? theirs.at : own.at, n);
		this_core()->bytes_copied += n;
		/* the registers are the state: a restart goes on from here */
		t->frame.rdx += n;
		t->frame.r8 += n;
		t->frame.r9 -= n;
		t->frame.r10 += n;
		batch += n;
	}
	set_values(t, arg5(t), 0);
	return K_OK;
}
