/* Memory of the runtime itself, from GATE_HEAP. A vfork child allocates from a heap of its own inside its parent's. */
#ifndef RUNTIME_HEAP_H
#define RUNTIME_HEAP_H

#include "lib/types.h"

struct runtime_heap;

/* Aligned to 16 bytes. NULL if there is no memory. */
void *rt_alloc(size_t size);
void *rt_zalloc(size_t size);
/* The first min(old, new) bytes are kept; NULL leaves the old block as it was. rt_realloc(NULL, n) is rt_alloc(n). */
void *rt_realloc(void *block, size_t size);
void rt_free(void *block); /* NULL is allowed */

#endif
