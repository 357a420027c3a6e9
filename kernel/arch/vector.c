/*
 * Vector state (x87, SSE, AVX, AVX-512). A thread that does not run has it in its memory: what it may have changed is saved when its core goes over
 * to another. So it can go on on any core, and no core ever asks another one for it. The registers keep what they have: of core->vector_owner, if
 * that has not had them on another core since (thread->vector_core); one that comes back from the root server or from idleness loads nothing.
 *
 * While a thread runs that is not the owner, CR0.TS is set; its first vector instruction traps (#NM), and its state comes in. Where that
 * trap can be got round (cpu.c says where), state is loaded with the thread.
 *
 * A thread that is declared vector-free is not given any: the trap is an exception of its own. Where the trap can be got round it finds the
 * initial state in the registers, but for the root server, which reads no one's.
 *
 * The owner is the idle thread, which has no state, if nobody wants what is in the registers any more; nobody (NULL), if that is the initial state.
 *
 * CR0.TS is clear only while the owner runs, or has just been taken off the core (remote_evict); core->vector_trap is what it is now.
 */
#include "kernel/arch/vector.h"
#include "kernel/arch/x86.h"
#include "kernel/park.h"

static void trap_set(struct core *core, bool on)
{
	if (on == core->vector_trap)
		return;
	core->vector_trap = on;
	vector_unit_trap(on);
}

static void take(struct core *core, struct thread *t)
{
	trap_set(core, false);
	if (core->vector_owner == t && t->vector_core == core)
		return;
	vector_unit_load(thread_vector_area(t));
	core->vector_owner = t;
	t->vector_core = core;
}

/* For a thread that the trap does not keep from reading them. */
static void clear(struct core *core)
{
	if (!core->vector_owner)
		return;
	trap_set(core, false);
	vector_unit_load(&vector_initial);
	core->vector_owner = NULL;
}

bool vector_trap(struct core *core, struct thread *t)
{
	ASSERT(core->vector_trap);
	if (t->vector_free)
		return false;
	take(core, t);
	return true;
}

void vector_switch(struct core *core, struct thread *next)
{
	struct thread *owner = core->vector_owner;

	if (!core->vector_trap && owner != core->idle)
		vector_unit_save(thread_vector_area(owner));
	if (next->vector_free) {
		ASSERT(!next->vector_core);
		if (cpu_features.eager_vectors && next != root_thread && next != core->idle)
			clear(core);
		trap_set(core, true);
	} else if (cpu_features.eager_vectors) {
		take(core, next);
	} else {
		trap_set(core, owner != next || next->vector_core != core);
	}
}

void arch_vector_forget(struct thread *t)
{
	struct core *core = t->vector_core;

	t->vector_core = NULL;
	if (!core || core->vector_owner != t)
		return;
	core->vector_owner = core->idle;
	if (core == this_core() && core->current == t)
		trap_set(core, true);
}
