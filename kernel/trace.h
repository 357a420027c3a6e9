/* The trace ring: the last events of the classes chosen by trace= on the boot line; printed by a panic. */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include "lib/types.h"
#include "abi/kernel.h"

extern u32 trace_mask;
void trace_add(u32 class, u64 principal, u64 a, u64 b);
void trace_dump(void);
void trace_set(u32 mask);
void trace_configure(const char *command_line);

#define TRACE(class, principal, a, b) \
	do { \
		if (unlikely(trace_mask & (class))) \
			trace_add(class, principal, a, b); \
	} while (0)

#endif
