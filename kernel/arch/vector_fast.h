/* vector.c's rules for the fast path: a CPU with XSAVE, two threads that are not idle. */
#ifndef KERNEL_ARCH_VECTOR_FAST_H
#define KERNEL_ARCH_VECTOR_FAST_H

#include "kernel/arch/vector.h"

#define FAST static inline __attribute__((always_inline))

FAST void vector_take_fast(struct core *core, struct thread *next)
{
	vector_state_load(thread_vector_area(next));
	core->vector_owner = next;
	next->vector_core = core;
}

/* From a vector-free thread to one that is not; root leaves what it finds in the registers. */
FAST void vector_from_free(struct core *core, struct thread *next)
{
	vector_unit_trap(false);
	core->vector_trap = false;
	if (core->vector_owner != next || next->vector_core != core)
		vector_take_fast(core, next);
}

/* From a thread that is the owner to a vector-free one. */
FAST void vector_to_free(struct core *core, struct thread *prev, const struct thread *next)
{
	vector_state_save(thread_vector_area(prev));
	if (next != root_thread) {
		vector_state_load(&vector_initial);
		core->vector_owner = NULL;
	}
	vector_unit_trap(true);
	core->vector_trap = true;
}

/* What vector_switch does where state is loaded with the thread. */
FAST void vector_switch_fast(struct core *core, struct thread *prev, struct thread *next)
{
	if (likely(!core->vector_general && next->vector_core == core)) {
		ASSERT(core->vector_owner == prev && prev->vector_core == core && !next->vector_free);
		vector_state_save(thread_vector_area(prev));
		vector_state_load(thread_vector_area(next));
		core->vector_owner = next;
	} else if (core->vector_general == VECTOR_TRAP_ALONE && !next->vector_free) {
		vector_from_free(core, next);
	} else if (!core->vector_general && next->vector_free && core->vector_owner == prev) {
		vector_to_free(core, prev, next);
	} else if (core->vector_general == VECTOR_TRAP_ALONE && !core->vector_owner) {
		; /* between two that are vector-free, with the initial state in the registers */
	} else {
		vector_switch(core, next);
	}
}

#endif
