/*
 * Going over to another thread on the fast path: what arch_switch_thread does, for a CPU with FSGSBASE and XSAVE (others have core->general
 * set) and two threads that are not idle. Included by kernel/fast.h alone.
 */
#ifndef KERNEL_ARCH_FAST_H
#define KERNEL_ARCH_FAST_H

#include "kernel/arch/vector_fast.h"
#include "kernel/arch/x86.h"
#include "kernel/park.h"

FAST void arch_load_address_space_fast(paddr_t top)
{
	cr3_write(top);
}

FAST void arch_switch_fast(struct core *core, struct thread *prev, struct thread *next)
{
	prev->fs_base = fs_base_read();
	fs_base_write(next->fs_base);
	tables_set_rsp0(core, next);
	vector_switch_fast(core, prev, next);
}

/* A thread that goes on as it entered; arch_resume_message does it for one that gets a message. */
FAST void arch_switch_gs_fast(struct thread *prev, const struct thread *next)
{
	prev->gs_base = user_gs_base_exchange(next->gs_base);
}

#endif
