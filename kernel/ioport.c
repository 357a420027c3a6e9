/* x86 I/O ports by capability: a range of ports, to be narrowed but never widened. */
#include "kernel/calls.h"

static bool covers(const struct cte *cap, u64 first, u64 last)
{
	return first <= last && first >= (cap_value(cap) & 0xffff) && last <= (cap_value(cap) >> 16 & 0xffff);
}

static int decode(struct thread *t)
{
	int err = K_OK;
	struct cte *cap = lookup(t, arg0(t), OBJECT_IO_PORT, 0, &err);
	u64 bytes = arg2(t);

	if (!cap)
		return err;
	if ((bytes != 1 && bytes != 2 && bytes != 4) || arg1(t) > 0xffff || !covers(cap, arg1(t), arg1(t) + bytes - 1))
		return K_INVALID_ARG;
	return K_OK;
}

int call_io_out(struct thread *t)
{
	int err = decode(t);

	if (!err)
		arch_io_out(arg1(t), arg2(t), arg3(t));
	return err;
}

int call_io_in(struct thread *t)
{
	int err = decode(t);

	if (!err)
		set_values(t, arch_io_in(arg1(t), arg2(t)), 0);
	return err;
}

/* dst slot, IOPort, first, last */
int call_io_port_derive(struct thread *t)
{
	int err = K_OK;
	struct cte *dst = cspace_system_slot(t, arg0(t) & ~(u64)CPTR_SYSTEM);
	struct cte *cap = lookup(t, arg1(t), OBJECT_IO_PORT, 0, &err);

	if (!cap)
		return err;
	if (!dst || !covers(cap, arg2(t), arg3(t)))
		return K_INVALID_ARG;
	if (!cap_empty(dst))
		return K_OCCUPIED;
	if (!cap_can_derive(cap))
		return K_NO_MEMORY;
	cap_insert_child(dst, cap, cap_word(OBJECT_IO_PORT, RIGHT_ALL, 0, arg2(t) | arg3(t) << 16), NULL);
	return K_OK;
}
