/*
 * What a core does that has nothing to run: it halts. One that was idle for a short time the last time looks for a while before that whether another
 * core has something for it (core->poll_ticks, schedule.c): an interrupt to a core that is halted costs more than both sides' work.
 *
 * Who has something sets `needed` and then looks at `polling`; the idle core clears `polling` and then looks at `needed`. Each orders the two, so one of
 * them sees the other's: no thread is left behind on a core that halts. An interrupt that comes while it looks does not return here: the kernel comes here anew, or
 * looks at `needed`, clears `polling` and goes over to another thread (schedule.c).
 */
#include "kernel/arch/x86.h"

static bool is_needed(const struct core *core)
{
	return __atomic_load_n(&core->needed, __ATOMIC_SEQ_CST);
}

static void set_polling(struct core *core, bool polling)
{
	__atomic_store_n(&core->polling, polling, __ATOMIC_SEQ_CST);
}

static void poll(struct core *core)
{
	u64 start = rdtsc();

	set_polling(core, true);
	while (!is_needed(core) && rdtsc() - start < core->poll_ticks) {
		__asm__ volatile("sti; pause; cli" : : : "memory");
	}
}

noreturn void core_idle(void)
{
	struct core *core = this_core();

	for (;;) {
		if (core->poll_ticks)
			poll(core);
		set_polling(core, false);
		if (is_needed(core))
			__asm__ volatile("int %0" : : "i"(VECTOR_SCHEDULE) : "memory"); /* as if the interrupt had come */
		/* none comes between the two: the first takes effect behind the second */
		__asm__ volatile("sti; hlt; cli" : : : "memory");
	}
}
