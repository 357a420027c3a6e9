/* Going over to another thread or address space. */
#include "kernel/arch/vector.h"
#include "kernel/arch/x86.h"
#include "kernel/lock.h"

static void bases_save(struct thread *t)
{
	if (cpu_features.fsgsbase) {
		t->fs_base = fs_base_read();
		t->gs_base = user_gs_base_read();
	} else {
		t->fs_base = msr_read(MSR_FS_BASE);
		t->gs_base = msr_read(MSR_KERNEL_GS_BASE);
	}
}

static void bases_load(const struct thread *t)
{
	if (cpu_features.fsgsbase) {
		fs_base_write(t->fs_base);
		user_gs_base_write(t->gs_base);
	} else {
		msr_write(MSR_FS_BASE, t->fs_base);
		msr_write(MSR_KERNEL_GS_BASE, t->gs_base);
	}
}

void arch_switch_thread(struct core *core, struct thread *prev, struct thread *next)
{
	if (likely(cpu_features.fsgsbase && prev != core->idle && next != core->idle)) {
		prev->fs_base = fs_base_read();
		fs_base_write(next->fs_base);
		prev->gs_base = user_gs_base_exchange(next->gs_base);
	} else {
		if (prev != core->idle)
			bases_save(prev);
		if (next != core->idle)
			bases_load(next);
	}
	tables_set_rsp0(core, next);
	vector_switch(core, next);
}

void arch_load_address_space(paddr_t top)
{
	cr3_write(top);
}

void arch_leave_address_space(void)
{
	cr3_write(memory_kernel_top());
}

void arch_flush_page(u64 address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

void arch_flush_all(void)
{
	cr3_write(cr3_read()); /* kernel pages are global and stay */
}

void arch_make_idle(struct thread *idle)
{
	idle->frame.cs = KERNEL_CS; /* what tells resume in entry.S */
	idle->frame.vector = 0;
	idle->frame.rip = (u64)arch_idle_loop;
}

noreturn void arch_run(struct thread *thread)
{
	struct core *core = this_core();

	tables_set_rsp0(core, thread);
	core->current = thread;
	node_unlock();
	arch_resume(thread);
}
