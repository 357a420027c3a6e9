/* Capability lookup and the calls on slots. */
#include "kernel/calls.h"
#include "kernel/frame.h"

#define COPY_RANGE_BATCH 512

struct cte *lookup(struct thread *t, u64 cptr, enum object_type type, unsigned rights, int *err)
{
	struct cte *c = cspace_slot(t, cptr);

	if (!c && cptr == CPTR_FILES && type == OBJECT_CNODE)
		c = &t->files_cnode;
	if (!c || cap_empty(c)) {
		*err = K_INVALID_CAP;
		return NULL;
	}
	if (cap_type(c) != type) {
		*err = K_WRONG_TYPE;
		return NULL;
	}
	if ((cap_rights(c) & rights) != rights) {
		*err = K_NO_RIGHT;
		return NULL;
	}
	return c;
}

struct cte *lookup_slot(struct thread *t, u64 cnode, u64 number, int *err)
{
	struct cte *c = lookup(t, cnode, OBJECT_CNODE, 0, err);
	struct cte *slot = c ? cnode_slot(c, number) : NULL;

	if (c && !slot)
		*err = K_INVALID_ARG;
	return slot;
}

int lookup_page(struct thread *t, u64 ref, u64 pages, paddr_t *page)
{
	struct cte *c = cspace_system_slot(t, PAGE_REF_SLOT(ref));
	u64 index = PAGE_REF_PAGE(ref);

	if (!c || cap_type(c) != OBJECT_FRAME)
		return K_INVALID_CAP;
	if (index >= cap_value(c) || pages > cap_value(c) - index)
		return K_INVALID_ARG;
	*page = virt_to_phys(c->object) + (index << PAGE_SHIFT);
	return K_OK;
}

/* dst empty and src full, or an error. */
static int two_slots(struct thread *t, struct cte **dst, struct cte **src)
{
	int err = K_OK;

	*dst = lookup_slot(t, arg0(t), arg1(t), &err);
	if (!*dst)
		return err;
	*src = lookup_slot(t, arg2(t), arg3(t), &err);
	if (!*src)
		return err;
	if (cap_empty(*src))
		return K_INVALID_CAP;
	return cap_empty(*dst) ? K_OK : K_OCCUPIED;
}

int call_cap_copy(struct thread *t)
{
	struct cte *dst, *src;
	int err = two_slots(t, &dst, &src);

	if (err)
		return err;
	if (!cap_copyable(src))
		return K_WRONG_TYPE;
	/* a badge is chosen once: its holder cannot make it another */
	if (arg5(t) > 0xffffffff || (cap_type(src) == OBJECT_NOTIFICATION && arg5(t) && cap_value(src) && cap_value(src) != arg5(t)))
		return K_INVALID_ARG;
	cap_copy(dst, src, arg4(t) & RIGHT_ALL);
	if (cap_type(dst) == OBJECT_NOTIFICATION && arg5(t))
		cap_set_value(dst, arg5(t));
	return K_OK;
}

int call_cap_move(struct thread *t)
{
	struct cte *dst, *src;
	int err = two_slots(t, &dst, &src);

	if (err)
		return err;
	if (cap_type(src) == OBJECT_REPLY)
		return K_WRONG_TYPE;
	cap_move(dst, src);
	return K_OK;
}

int call_cap_delete(struct thread *t)
{
	int err = K_OK;
	struct cte *slot = lookup_slot(t, arg0(t), arg1(t), &err);

	return slot ? cap_delete(slot) : err;
}

static int untyped_revocable(struct cte *slot)
{
	if (cap_type(slot) == OBJECT_UNTYPED && !(cap_rights(slot) & CAP_DEVICE) &&
	    frames_counted(virt_to_phys(slot->object), 1ull << cap_size_bits(slot) >> PAGE_SHIFT))
		return K_BUSY;
	return K_OK;
}

int call_cap_revoke(struct thread *t)
{
	int err = K_OK;
	struct cte *slot = lookup_slot(t, arg0(t), arg1(t), &err);

	if (!slot)
		return err;
	if (cap_type(slot) == OBJECT_REPLY)
		return K_WRONG_TYPE;
	/* who may only call there does not take away the Handles of others */
	if (cap_type(slot) == OBJECT_ENDPOINT && !(cap_rights(slot) & RIGHT_RECV))
		return K_NO_RIGHT;
	err = untyped_revocable(slot);
	if (!err)
		err = cap_revoke(slot);
	if (!err && cap_type(slot) == OBJECT_UNTYPED)
		cap_set_value(slot, 0);
	return err;
}

int call_cap_copy_range(struct thread *t)
{
	int err = K_OK;
	struct cte *dst_cap = lookup(t, arg0(t), OBJECT_CNODE, 0, &err);
	struct cte *src_cap = lookup(t, arg2(t), OBJECT_CNODE, 0, &err);
	u64 count = arg4(t), done;

	if (!dst_cap || !src_cap)
		return err;
	if (count && (!cnode_slot(dst_cap, arg1(t)) || !cnode_slot(src_cap, arg3(t)) || count > 65536 ||
		      !cnode_slot(dst_cap, arg1(t) + count - 1) || !cnode_slot(src_cap, arg3(t) + count - 1)))
		return K_INVALID_ARG;
	for (done = 0; done < count && done < COPY_RANGE_BATCH; done++) {
		struct cte *dst = cnode_slot(dst_cap, arg1(t) + done), *src = cnode_slot(src_cap, arg3(t) + done);

		if (!cap_empty(src) && cap_copyable(src) && cap_empty(dst))
			cap_copy(dst, src, RIGHT_ALL);
	}
	set_values(t, done, 0);
	return done < count ? K_PARTIAL : K_OK;
}

int call_cap_delete_range(struct thread *t)
{
	int err = K_OK;
	struct cte *cap = lookup(t, arg0(t), OBJECT_CNODE, 0, &err);
	u64 count = arg2(t), done;
	struct cte *first;

	if (!cap)
		return err;
	if (count && (!cnode_slot(cap, arg1(t)) || count > 65536 || !cnode_slot(cap, arg1(t) + count - 1)))
		return K_INVALID_ARG;
	/* the range may hold the very capability that names it: from here on it is not looked at again */
	first = cnode_slot(cap, arg1(t));
	for (done = 0; done < count && done < COPY_RANGE_BATCH; done++) {
		err = cap_empty(first + done) ? K_OK : cap_delete(first + done);
		if (err)
			break;
	}
	if (err == CALL_RESTART)
		err = K_OK;
	set_values(t, done, 0);
	return err ? err : done < count ? K_PARTIAL : K_OK;
}

int call_cap_identify(struct thread *t)
{
	int err = K_OK;
	struct cte *slot = lookup_slot(t, arg0(t), arg1(t), &err);
	u64 badge = 0, id = 0;

	if (!slot)
		return err;
	switch (cap_type(slot)) {
	case OBJECT_HANDLE:
		badge = ((struct handle *)slot->object)->badge;
		id = ((struct handle *)slot->object)->endpoint->id;
		break;
	case OBJECT_ENDPOINT:
		id = ((struct endpoint *)slot->object)->id;
		break;
	case OBJECT_NOTIFICATION:
		badge = cap_value(slot);
		break;
	default:
		break;
	}
	set_values(t, cap_type(slot) | (u64)cap_rights(slot) << 8, badge);
	t->frame.r9 = id;
	return K_OK;
}

int call_handle_mint(struct thread *t)
{
	int err = K_OK;
	struct handle_pool *pool = lookup_object(t, arg0(t), OBJECT_HANDLE_POOL, 0, &err);
	struct cte *ep = lookup(t, arg1(t), OBJECT_ENDPOINT, RIGHT_RECV, &err);
	struct cte *dst = cspace_slot(t, arg3(t));

	if (!pool || !ep)
		return err;
	if (!dst)
		return K_INVALID_ARG;
	if (!cap_empty(dst))
		return K_OCCUPIED;
	return handle_mint(pool, ep, arg2(t), dst);
}
