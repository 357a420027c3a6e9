/* Address space: requests to root. Lengths are rounded up by the callers. */
#ifndef RUNTIME_LINUX_MEMORY_H
#define RUNTIME_LINUX_MEMORY_H

#include "lib/types.h"
#include "runtime/thread.h"

/* The address or -errno; flags are Linux's MAP_. */
long memory_map(u64 address, u64 length, unsigned prot, unsigned flags);
long memory_unmap(u64 address, u64 length);
long memory_protect(u64 address, u64 length, unsigned prot);

#endif
