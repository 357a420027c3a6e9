/*
 * The copy call, and the copy of an answer: between the memory of a Reply's holder and the window of the caller behind it. Both sides are walked page by page
 * through their page tables and touched through the physmap, so no fault can happen here; a page that is missing ends the copy with a count.
 * The lock is held all the while, so tables stay as they are, and a table is walked once for all its pages.
 */
#include "kernel/calls.h"
#include "kernel/fast.h"
#include "kernel/fastpath.h"
#include "kernel/frame.h"
#include "kernel/vspace.h"
#include "lib/string.h"

#define COPY_BATCH (64 * 1024) /* bytes between preemption points */
_Static_assert(ANSWER_COPY_MAX <= COPY_BATCH, "an answer has no preemption point");

/* Where a copy stands on one side. */
struct side {
	struct vspace *space;
	u64 address;
	u64 needs;        /* bits that a page's entry must have */
	const u64 *entry; /* of the page there; NULL: not known */
};

static INLINE struct side side_of(struct vspace *space, u64 address, bool written)
{
	return (struct side){ .space = space, .address = address, .needs = PTE_PRESENT | PTE_USER | (written ? PTE_WRITE : 0) };
}

/* The kernel's address of it; NULL: no page is there that may be read, or written. */
static INLINE u8 *side_at(struct side *s)
{
	paddr_t page;

	if (!s->entry)
		s->entry = vspace_entry_of(s->space, s->address);
	if (likely(s->entry && (*s->entry & s->needs) == s->needs && frame_is_counted_memory(*s->entry & PTE_ADDRESS)))
		page = *s->entry & PTE_ADDRESS;
	else if (!vspace_translate(s->space, s->address, s->needs & PTE_WRITE ? VSPACE_READ | VSPACE_WRITE : VSPACE_READ, &page))
		return NULL;
	return (u8 *)phys_to_virt(page) + (s->address & (PAGE_SIZE - 1));
}

static INLINE u64 side_room(const struct side *s)
{
	return PAGE_SIZE - (s->address & (PAGE_SIZE - 1));
}

/* At most to the page's end. The next page's entry is the next of the table, if that goes on. */
static INLINE void side_advance(struct side *s, u64 bytes)
{
	s->address += bytes;
	if (s->address & (PAGE_SIZE - 1) || !s->entry)
		return;
	s->entry++;
	if (IS_ALIGNED((u64)s->entry, PAGE_SIZE))
		s->entry = NULL;
}

/* The window's address `offset` bytes in, and how much follows in that entry. */
static INLINE bool window_at(struct thread *caller, u64 offset, u64 *address, u64 *room)
{
	for (unsigned i = 0; i < thread_windows(caller); i++) {
		const volatile struct message_window *w = &caller->message_low->window[i];
		u64 base = w->base, len = w->len; /* once: the caller may write there */

		if (offset < len) {
			*address = base + offset;
			*room = len - offset;
			return *address >= base && *address + *room - 1 >= *address;
		}
		offset -= len;
	}
	return false;
}

/* Of a copy's `length` bytes how many are done; *result says why not all, *touch where. Each direction is compiled by itself. */
static INLINE u64 copy_pages(struct thread *t, struct thread *caller, bool in, u64 offset, u64 at_own, u64 length, int *result, u64 *touch)
{
	struct side own = side_of(t->space, at_own, in), theirs = side_of(caller->space, 0, !in);
	u64 done = 0, room = 0;

	while (done < length) {
		u8 *at, *other;
		u64 n;

		if (!room) {
			if (!window_at(caller, offset + done, &theirs.address, &room)) {
				*result = thread_windows(caller) ? K_INVALID_ARG : K_NO_RIGHT;
				break;
			}
			theirs.entry = NULL;
		}
		other = side_at(&theirs);
		at = other ? side_at(&own) : NULL;
		if (unlikely(!at)) {
			*result = other ? K_FAULT : K_PARTIAL;
			*touch = other ? own.address : theirs.address;
			break;
		}
		n = MIN(MIN(side_room(&own), side_room(&theirs)), MIN(room, length - done));
		memcpy(in ? at : other, in ? other : at, n);
		side_advance(&own, n);
		side_advance(&theirs, n);
		room -= n;
		done += n;
	}
	this_core()->bytes_copied += done;
	return done;
}

static __attribute__((noinline)) u64 copy_in(struct thread *t, struct thread *caller, u64 length, int *result, u64 *touch)
{
	return copy_pages(t, caller, true, arg2(t), arg3(t), length, result, touch);
}

static __attribute__((noinline)) u64 copy_out(struct thread *t, struct thread *caller, u64 offset, u64 own, u64 length, int *result, u64 *touch)
{
	return copy_pages(t, caller, false, offset, own, length, result, touch);
}

bool answer_copy(struct thread *t, struct thread *caller)
{
	u64 own = t->frame.r13, length = t->frame.r14, touch;
	int result = K_OK;

	if (length > ANSWER_COPY_MAX || copy_out(t, caller, 0, own, length, &result, &touch) < length)
		return false;
	/* where a server has its memory is nobody's business */
	t->frame.r13 = t->frame.r14 = 0;
	return true;
}

/* reply slot, direction, window offset, own address, length, done so far */
int call_copy(struct thread *t)
{
	struct cte *slot = cspace_system_slot(t, arg0(t) & ~(u64)CPTR_SYSTEM);
	u64 length = MIN(arg4(t), (u64)COPY_BATCH), done, touch = 0;
	struct thread *caller;
	int result = K_OK;

	if (!slot || cap_empty(slot))
		return K_INVALID_CAP;
	if (cap_type(slot) != OBJECT_REPLY)
		return K_WRONG_TYPE;
	if (arg1(t) > COPY_OUT)
		return K_INVALID_ARG;
	caller = reply_caller(slot);
	if (!caller)
		return K_GONE;
	done = arg1(t) == COPY_IN ? copy_in(t, caller, length, &result, &touch) : copy_out(t, caller, arg2(t), arg3(t), length, &result, &touch);
	if (result != K_OK || done == arg4(t)) {
		set_values(t, arg5(t) + done, touch);
		return result;
	}
	/* the registers are the state: a restart goes on from here */
	t->frame.rdx += done;
	t->frame.r8 += done;
	t->frame.r9 -= done;
	t->frame.r10 += done;
	return CALL_RESTART;
}

struct thread *fast_copy(struct core *core, struct thread *t)
{
	int result;

	if (unlikely(arg4(t) > COPY_BATCH))
		return NULL;
	result = call_copy(t);
	stay(core, t);
	t->frame.rax = (u64)(s64)result;
	return t;
}
