/* Which core this is: true when it was read. */
#ifndef RUNTIME_CORE_H
#define RUNTIME_CORE_H

#include "abi/gate.h"

static inline unsigned core_number(void)
{
	unsigned number;

	__asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(GATE_CORE_SELECTOR) : "cc");
	return number;
}

#endif
