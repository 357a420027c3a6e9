/* Address space: requests to root. Lengths are rounded up by the callers. */
#ifndef RUNTIME_LINUX_MEMORY_H
#define RUNTIME_LINUX_MEMORY_H

#include "lib/types.h"
#include "runtime/thread.h"

/* The address or -errno; flags are Linux's MAP_. */
long memory_map(u64 address, u64 length, unsigned prot, unsigned flags);
/* Root brings pages in part by part, so that others are served in between: how is BRING_IN_. 0, or why one cannot be. */
long memory_bring_in(u64 start, u64 end, unsigned long how);
/* The rest of a mapping that is to be there at once, from where MAP has left off; 0: nothing. */
void memory_populate(u64 address, u64 length, u64 from);
long memory_unmap(u64 address, u64 length);
long memory_protect(u64 address, u64 length, unsigned prot);

#endif
