/* Threads: what root does with them. */
#include "kernel/calls.h"
#include "kernel/frame.h"
#include "kernel/park.h"
#include "kernel/priority.h"
#include "kernel/remote.h"
#include "kernel/sched_context.h"
#include "kernel/schedule.h"
#include "kernel/share.h"
#include "lib/string.h"

#define USER_RFLAGS 0x202

struct cte slot_forgotten = { .word = OBJECT_IRQ_CONTROL };

_Static_assert(THREAD_VECTOR_OFFSET + 2816 <= THREAD_PARK_OFFSET, "room for AVX-512 state");

void thread_init(struct thread *t)
{
	t->state = THREAD_INACTIVE;
	t->core = this_core();
	t->affinity = ~0ull;
	t->files_cnode.object = t->system_cnode.object = &cnode_none;
	thread_forget_slots(t);
	share_init(t);
	arch_vector_init(t);
}

static bool runs_elsewhere(const struct thread *t)
{
	return thread_runs(t) && t->core != this_core();
}

/* Off every queue and core, its Reply's holder told; never runs again unless started anew. */
static void thread_deactivate(struct thread *t)
{
	if (runs_elsewhere(t))
		remote_evict(t);
	t->interrupt_late = 0;
	context_thread_gone(t);
	if (t->reply)
		reply_caller_gone(t);
	thread_unready(t);
	thread_unblock(t);
	priority_receives_nowhere(t);
	t->endpoint = NULL;
	t->fault = 0;
	t->flags = 0;
}

void thread_wake_dead(struct thread *t)
{
	t->flags &= ~(THREAD_FLAG_PARKED | THREAD_FLAG_FORWARDED);
	thread_wake(t, K_PEER_DEAD);
}

static void area_drop(struct thread *t)
{
	for (unsigned i = 0; t->context && i < 3; i++)
		frame_drop(t->area_frames[i]);
	t->context = NULL;
	t->message_low = NULL;
	t->message_high = NULL;
}

static void space_drop(struct thread *t)
{
	if (t->space)
		list_remove(&t->space_link);
	t->space = NULL;
}

void thread_set_space(struct thread *t, struct vspace *space)
{
	space_drop(t);
	t->space = space;
	list_push_back(&space->threads, &t->space_link);
}

void thread_space_gone(struct thread *t)
{
	thread_deactivate(t);
	space_drop(t);
}

static void slot_clear(struct cte *slot)
{
	/* a CNode's last capability is emptied in steps; here it has to be done at once */
	while (cap_delete(slot) == CALL_RESTART)
		;
}

void thread_destroy(struct thread *t)
{
	thread_deactivate(t);
	if (t->context_own)
		sched_context_destroy(t->context_own); /* it is bound to nobody */
	arch_vector_forget(t);
	if (list_linked(&t->noticed))
		list_remove(&t->noticed);
	if (t->bound)
		notification_unbind(t->bound);
	area_drop(t);
	space_drop(t);
	slot_clear(&t->files_cnode);
	slot_clear(&t->system_cnode);
	slot_clear(&t->vspace);
	slot_clear(&t->fault_endpoint);
}

/* An optional capability argument: CPTR_NULL leaves the thread without. */
static int optional(struct thread *t, u64 cptr, enum object_type type, struct cte **out)
{
	int err = K_OK;

	*out = NULL;
	if (cptr == CPTR_NULL)
		return K_OK;
	*out = lookup(t, cptr, type, 0, &err);
	return err;
}

static void slot_replace(struct cte *slot, struct cte *fresh)
{
	slot_clear(slot);
	if (!cap_empty(fresh))
		cap_move(slot, fresh);
}

void thread_set_cnode(struct thread *t, struct cte *slot, struct cte *fresh)
{
	slot_replace(slot, fresh);
	if (!cap_empty(slot))
		cap_set_value(slot, slot == &t->files_cnode ? CNODE_OF_FILES : CNODE_OF_SYSTEM);
}

static void thread_copy_cnode(struct thread *t, struct cte *slot, struct cte *from)
{
	struct cte fresh = { 0 };

	if (from)
		cap_copy(&fresh, from, RIGHT_ALL);
	thread_set_cnode(t, slot, &fresh);
}

/* `from` may be in what goes with the slot's old capability. */
static void thread_set_slot(struct cte *slot, struct cte *from)
{
	struct cte fresh = { 0 };

	if (from)
		cap_copy(&fresh, from, RIGHT_ALL);
	slot_replace(slot, &fresh);
}

/* thread, files CNode, system CNode, VSpace, fault Endpoint, principal, priority */
int call_thread_configure(struct thread *t)
{
	struct cte *files, *system, *vspace, *fault;
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	err = optional(t, arg1(t), OBJECT_CNODE, &files);
	if (!err)
		err = optional(t, arg2(t), OBJECT_CNODE, &system);
	if (!err)
		err = optional(t, arg3(t), OBJECT_VSPACE, &vspace);
	if (!err)
		err = optional(t, arg4(t), OBJECT_ENDPOINT, &fault);
	if (err)
		return err;
	if (arg6(t) > 255)
		return K_INVALID_ARG;
	if (target == t || target->state != THREAD_INACTIVE)
		return K_BUSY;
	thread_copy_cnode(target, &target->files_cnode, files);
	thread_copy_cnode(target, &target->system_cnode, system);
	thread_set_slot(&target->fault_endpoint, fault);
	space_drop(target);
	thread_set_slot(&target->vspace, vspace);
	if (vspace)
		thread_set_space(target, vspace->object);
	target->vector_free = 0;
	target->principal = arg5(t);
	target->priority_own = (u8)arg6(t);
	priority_update(target);
	return K_OK;
}

int call_thread_set_cnodes(struct thread *t)
{
	struct cte *files, *system, fresh[2] = { 0 };
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	err = optional(t, arg1(t) ? arg1(t) : CPTR_NULL, OBJECT_CNODE, &files);
	if (!err)
		err = optional(t, arg2(t) ? arg2(t) : CPTR_NULL, OBJECT_CNODE, &system);
	if (err)
		return err;
	/* one may be in the CNode that the other takes the place of */
	if (files)
		cap_copy(&fresh[0], files, RIGHT_ALL);
	if (system)
		cap_copy(&fresh[1], system, RIGHT_ALL);
	if (files)
		thread_set_cnode(target, &target->files_cnode, &fresh[0]);
	if (system)
		thread_set_cnode(target, &target->system_cnode, &fresh[1]);
	priority_update(target); /* whom it serves is named by a slot of it */
	return K_OK;
}

/* thread, area address, context page ref, message page refs (2), context index */
int call_thread_set_area(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);
	u64 refs[3] = { arg2(t), arg3(t), arg4(t) };
	paddr_t pages[3];

	if (!target)
		return err;
	for (unsigned i = 0; i < 3; i++) {
		err = lookup_page(t, refs[i], 1, &pages[i]);
		if (err)
			return err;
		if (!frame_is_counted_memory(pages[i]))
			return K_INVALID_ARG;
	}
	if (arg1(t) < GATE_BASE || arg1(t) >= GATE_END || (arg1(t) & (THREAD_AREA_SIZE - 1)))
		return K_INVALID_ARG;
	if (target->state != THREAD_INACTIVE)
		return K_BUSY;
	for (unsigned i = 0; i < 3; i++)
		frame_take(pages[i]);
	area_drop(target);
	memcpy(target->area_frames, pages, sizeof(pages));
	thread_set_context(target, phys_to_virt(pages[0]), arg1(t));
	target->message_low = phys_to_virt(pages[1]);
	target->message_high = phys_to_virt(pages[2]);
	target->context->thread_index = arg5(t);
	return K_OK;
}

/* thread, instruction pointer, stack pointer, rdi */
int call_thread_start(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	if (target == t || !target->space)
		return K_INVALID_ARG;
	if (target->state != THREAD_INACTIVE)
		return K_BUSY;
	arch_vector_forget(target);
	arch_vector_init(target);
	target->fs_base = target->gs_base = 0;
	memset(&target->frame, 0, sizeof(target->frame));
	target->frame.rip = arg1(t);
	target->frame.rsp = arg2(t);
	target->frame.rdi = arg3(t);
	target->frame.cs = ARCH_USER_CS;
	target->frame.ss = ARCH_USER_SS;
	target->frame.rflags = USER_RFLAGS;
	thread_ready(target);
	return K_OK;
}

/* dst, src blocked in Call, info, m[0], m[1] */
int call_thread_fork(struct thread *t)
{
	int err = K_OK;
	struct thread *dst = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);
	struct thread *src = lookup_object(t, arg1(t), OBJECT_THREAD, 0, &err);

	if (!dst || !src)
		return err;
	if (dst == src || dst == t || dst->state != THREAD_INACTIVE || !dst->space)
		return K_BUSY;
	if ((src->state != THREAD_REPLY && src->state != THREAD_SENDING) || src->fault)
		return K_INVALID_ARG;
	ASSERT(!thread_runs(src));
	arch_vector_forget(dst);
	memcpy(thread_vector_area(dst), thread_vector_area(src), machine.vector_size);
	dst->frame = src->frame;
	dst->fs_base = src->fs_base;
	dst->gs_base = src->gs_base;
	dst->frame.rax = K_OK;
	dst->frame.rsi = arg2(t);
	dst->frame.rdx = arg3(t);
	dst->frame.r8 = arg4(t);
	thread_ready(dst);
	return K_OK;
}

int call_thread_stop(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	if (target == t)
		return K_INVALID_ARG;
	target->stopped |= STOPPED_BY_CALL;
	thread_unready(target);
	if (!runs_elsewhere(target))
		return K_OK;
	schedule_notice(target->core); /* its core lets go of it once it has the lock, so that it ends what the thread came for */
	return CALL_RESTART;
}

int call_thread_continue(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	if (!(target->stopped & STOPPED_BY_CALL))
		return K_OK;
	target->stopped &= (u8)~STOPPED_BY_CALL;
	if (target->state == THREAD_READY && !target->stopped)
		thread_ready(target);
	return K_OK;
}

int call_thread_interrupt(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	if (target == t)
		return K_INVALID_ARG;
	thread_interrupt(target);
	return K_OK;
}

int call_thread_bind(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);
	struct notification *n = lookup_object(t, arg1(t), OBJECT_NOTIFICATION, RIGHT_RECV, &err);

	if (!target || !n)
		return err;
	if (n->bound || target->bound)
		return K_BUSY;
	n->bound = target;
	target->bound = n;
	if (n->bits) /* signalled before: the target may be waiting in its Recv already */
		notification_signal(n, 0);
	return K_OK;
}

int call_thread_set_priority(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	if (arg1(t) > 255)
		return K_INVALID_ARG;
	target->priority_own = (u8)arg1(t);
	priority_update(target);
	return K_OK;
}

/* thread, weight, slice */
int call_thread_set_share(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	if (arg1(t) > WEIGHT_MOST || arg2(t) > SLICE_MOST_NS)
		return K_INVALID_ARG;
	share_set(target, (u32)arg1(t), arg2(t));
	thread_reconsider(target);
	return K_OK;
}

/* thread, mask of cores */
int call_thread_set_affinity(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	if (!(arg1(t) & schedule_cores()))
		return K_INVALID_ARG;
	target->affinity = arg1(t);
	thread_reconsider(target);
	return K_OK;
}

/* thread, 0 or 1 */
int call_thread_set_vectors(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (!target)
		return err;
	if (!target->context || arg1(t) > 1)
		return K_INVALID_ARG;
	if (thread_runs(target))
		return K_BUSY;
	arch_vector_forget(target);
	arch_vector_init(target);
	target->vector_free = !arg1(t);
	target->context->vector_free = !arg1(t);
	return K_OK;
}

int call_thread_set_principal(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);

	if (target)
		target->principal = arg1(t);
	return err;
}

int call_thread_info(struct thread *t)
{
	int err = K_OK;
	struct thread *target = lookup_object(t, arg0(t), OBJECT_THREAD, 0, &err);
	struct thread_info info;

	if (!target || !t->message_low)
		return target ? K_INVALID_ARG : err;
	info = (struct thread_info){
		.cpu_ns = arch_ticks_ns(thread_ticks(target)),
		.rip = target->frame.rip,
		.rsp = target->frame.rsp,
		.state = target->state,
		.stopped = target->stopped & STOPPED_BY_CALL,
		.switches = target->switches,
		.affinity = target->affinity,
		.core = target->core->number,
	};
	message_data_write(t, 0, &info, sizeof(info));
	return K_OK;
}
