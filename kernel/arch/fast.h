/*
 * Going over to another thread on the fast path: what arch_switch_thread does, for a CPU with FSGSBASE and XSAVE (others have core->general
 * set) and two threads that are not idle. The GS base is arch_resume_message's affair. Included by kernel/fastpath.c alone.
 */
#ifndef KERNEL_ARCH_FAST_H
#define KERNEL_ARCH_FAST_H

#include "kernel/arch/vector.h"
#include "kernel/arch/x86.h"
#include "kernel/park.h"

/* See vector.c. Where state is loaded with the thread: one that has run here before. */
static inline __attribute__((always_inline)) void vector_switch_fast(struct core *core, struct thread *prev, struct thread *next)
{
	if (unlikely(core->vector_general || next->vector_core != core)) {
		vector_switch(core, next);
		return;
	}
	ASSERT(core->vector_owner == prev && prev->vector_core == core && !next->vector_free);
	vector_state_save(thread_vector_area(prev));
	vector_state_load(thread_vector_area(next));
	core->vector_owner = next;
}

static inline __attribute__((always_inline)) void arch_load_address_space_fast(paddr_t top)
{
	cr3_write(top);
}

static inline __attribute__((always_inline)) void arch_switch_fast(struct core *core, struct thread *prev, struct thread *next)
{
	prev->fs_base = fs_base_read();
	fs_base_write(next->fs_base);
	tables_set_rsp0(core, next);
	vector_switch_fast(core, prev, next);
}

#endif
