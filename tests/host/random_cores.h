/* Random work on a simulated machine of several cores, and root's part in it. */
#ifndef RANDOM_CORES_H
#define RANDOM_CORES_H

#include "kernel/schedule.h"
#include "kernel_machine.h"
#include "random.h"

#define RIP (GATE_BASE + 0x1000)

/* One kernel call, which may have to be begun again when it is root's turn once more. */
static void one_call(u64 number, u64 a0, u64 a1)
{
	root->frame.rax = number;
	root->frame.rdi = a0;
	root->frame.rsi = a1;
	root->frame.rip = RIP + 2;
	root->frame.vector = VECTOR_SYSCALL;
	kernel_syscall(root->frame.rdi, root->frame.rsi, root->frame.rax, root);
}

/* ---- one core's turn ---- */

static void interrupted(struct core *core)
{
	struct thread *t = core->current;

	node_trylock();
	if (host_told[core->number]) {
		host_told[core->number] = false;
		schedule_if_needed(t);
	} else {
		core->armed = ~0ull;
		kernel_timer(t);
	}
	node_unlock();
}

/* As in kernel/arch/idle.c: an idle core looks at `needed` by itself, or does not and needs the interrupt. */
static void idles(struct core *core)
{
	if (core->polling && core->needed)
		host_told[core->number] = true;
	else
		core->polling = rnd(2);
}

/* Its thread, the idle one, an interrupt: what may come next. root and the others do what the test wants of them. */
static void turn(struct core *core, void (*root_acts)(void), void (*acts)(struct thread *))
{
	struct thread *t = core->current;

	host_core = core;
	if (t == core->idle)
		idles(core);
	if ((host_told[core->number] && rnd(3) == 0) || (core->armed <= now_ns && rnd(2))) {
		interrupted(core);
	} else if (t == core->idle || (core->needed && !host_told[core->number])) {
		return;
	} else if (t == root && t->frame.rip == RIP && t->frame.vector == VECTOR_SYSCALL) { /* a call to begin again */
		t->frame.rip = RIP + 2;
		kernel_syscall(t->frame.rdi, t->frame.rsi, t->frame.rax, t);
	} else if (t == root) {
		root_acts();
	} else {
		acts(t);
	}
}

#endif
