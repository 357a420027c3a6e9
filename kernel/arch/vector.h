/* Whose vector state is where (vector.c), and what is done to the unit (vector_unit.c). */
#ifndef KERNEL_ARCH_VECTOR_H
#define KERNEL_ARCH_VECTOR_H

#include "kernel/arch/x86.h"
#include "kernel/park.h"

bool vector_trap(struct core *core, struct thread *thread); /* #NM. False: it is the thread's own exception */
void vector_switch(struct core *core, struct thread *next);

void vector_unit_save(struct vector_area *area);
void vector_unit_load(struct vector_area *area);
extern struct vector_area vector_initial;

/* core->vector_general where the trap is set and cannot be relied on. */
#define VECTOR_TRAP_ALONE 1

/* With XSAVE; CR0.TS is clear. */
#ifndef HOST_TEST
extern u32 vector_components[2]; /* XCR0 */
static inline void vector_state_save(struct vector_area *area)
{
	__asm__ volatile("xsave64 %0" : "+m"(*area) : "a"(vector_components[0]), "d"(vector_components[1]));
}
static inline void vector_state_load(struct vector_area *area)
{
	__asm__ volatile("xrstor64 %0" : : "m"(*area), "a"(vector_components[0]), "d"(vector_components[1]));
}

/* CR0.TS */
static inline __attribute__((always_inline)) void vector_unit_trap(bool on)
{
	if (on)
		cr0_write(cr0_read() | CR0_TS);
	else
		clts();
}
#else
void vector_state_save(struct vector_area *area);
void vector_state_load(struct vector_area *area);
void vector_unit_trap(bool on);
#endif

#endif
