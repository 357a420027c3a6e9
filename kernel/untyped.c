/* Retype: where objects come from. An Untyped is used from its start on; revoking it makes it whole again. */
#include "kernel/calls.h"
#include "kernel/park.h"
#include "lib/string.h"

#define USED_UNIT 64

/* Bytes of one object; 0: not made by retype, or a size outside its range. */
static u64 object_size(enum object_type type, u64 size_bits)
{
	switch (type) {
	case OBJECT_UNTYPED:
		return size_bits >= UNTYPED_MIN_BITS && size_bits < UNTYPED_MAX_BITS ? 1ull << size_bits : 0;
	case OBJECT_CNODE:
		return size_bits >= 1 && size_bits <= 24 ? (u64)CNODE_SLOT_SIZE << size_bits : 0;
	case OBJECT_FRAME:
		return size_bits <= 35 ? (u64)PAGE_SIZE << size_bits : 0;
	case OBJECT_HANDLE_POOL:
		return size_bits >= 1 && size_bits <= 24 ? (u64)sizeof(struct handle) << size_bits : 0;
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
	default:
		return 0;
	}
}

/* What is large is not cleared as a whole: threads and address spaces initialise the rest of theirs, or never read it before they write it. */
static u64 bytes_to_clear(enum object_type type, u64 size_bits)
{
	switch (type) {
	case OBJECT_THREAD:
		return sizeof(struct thread);
	case OBJECT_VSPACE:
		return sizeof(struct vspace);
	default:
		return object_size(type, size_bits);
	}
}

void object_init(struct cte *dst, struct cte *parent, enum object_type type, u64 size_bits, void *at)
{
	bool device = parent && (cap_rights(parent) & CAP_DEVICE);
	u64 word = cap_word(type, device ? CAP_DEVICE : 0, size_bits, 0);

	if (type == OBJECT_FRAME) {
		word = cap_word(type, device ? CAP_DEVICE : 0, 0, 1ull << size_bits);
	} else if (type != OBJECT_UNTYPED) {
		memset(at, 0, bytes_to_clear(type, size_bits));
		word = cap_word(type, RIGHT_ALL, size_bits, 0);
		if (type == OBJECT_HANDLE_POOL)
			object_born(type, object_size(type, size_bits));
	}
	switch (type) {
	case OBJECT_CNODE:
		((struct cnode *)at)->slots = (1u << size_bits) - 1;
		break;
	case OBJECT_THREAD:
		thread_init(at);
		break;
	case OBJECT_ENDPOINT:
		endpoint_init(at);
		break;
	case OBJECT_NOTIFICATION:
		notification_init(at);
		break;
	case OBJECT_VSPACE:
		vspace_init(at);
		break;
	case OBJECT_HANDLE_POOL:
		handle_pool_init(at, size_bits);
		break;
	default:
		break;
	}
	if (type != OBJECT_UNTYPED && type != OBJECT_FRAME && type != OBJECT_HANDLE_POOL)
		object_born(type, object_size(type, size_bits));
	cap_insert_child(dst, parent, word, at);
}

/* untyped, type, size_bits, CNode, first slot, count */
int call_untyped_retype(struct thread *t)
{
	int err = K_OK;
	struct cte *untyped = lookup(t, arg0(t), OBJECT_UNTYPED, 0, &err);
	enum object_type type = arg1(t);
	u64 count = arg5(t), size, start, total;

	if (!untyped)
		return err;
	size = arg2(t) < 64 && arg1(t) < OBJECT_TYPE_COUNT ? object_size(type, arg2(t)) : 0;
	if (!size || !count || count > 4096)
		return K_INVALID_ARG;
	if ((cap_rights(untyped) & CAP_DEVICE) && type != OBJECT_FRAME && type != OBJECT_UNTYPED)
		return K_INVALID_ARG;
	total = 1ull << cap_size_bits(untyped);
	start = ALIGN_UP(cap_value(untyped) * USED_UNIT, size);
	if (!cap_can_derive(untyped) || size > total || count > total / size || start > total - count * size)
		return K_NO_MEMORY;
	for (u64 i = 0; i < count; i++) {
		struct cte *slot = lookup_slot(t, arg3(t), arg4(t) + i, &err);

		if (!slot)
			return err;
		if (!cap_empty(slot))
			return K_OCCUPIED;
	}
	cap_set_value(untyped, (start + count * size) / USED_UNIT);
	for (u64 i = 0; i < count; i++)
		object_init(lookup_slot(t, arg3(t), arg4(t) + i, &err), untyped, type, arg2(t), (u8 *)untyped->object + start + i * size);
	return K_OK;
}
