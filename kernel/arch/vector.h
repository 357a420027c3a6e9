/* Whose vector state is where (vector.c), and what is done to the unit (vector_unit.c). */
#ifndef KERNEL_ARCH_VECTOR_H
#define KERNEL_ARCH_VECTOR_H

#include "kernel/park.h"

bool vector_trap(struct core *core, struct thread *thread); /* #NM. False: it is the thread's own exception */
void vector_switch(struct core *core, struct thread *next);

void vector_unit_save(struct vector_area *area);
void vector_unit_load(struct vector_area *area);
void vector_unit_trap(bool on); /* CR0.TS */
extern struct vector_area vector_initial;

#endif
