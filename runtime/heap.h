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

/* The process's heap over GATE_HEAP, at its start. */
struct runtime_heap *heap_start(void);
/* A heap for a vfork child within one block of the caller's heap: rt_free of it frees everything at once. NULL: no memory. */
struct runtime_heap *heap_create_inside(size_t size);

void heap_fork_lock(struct runtime_heap *heap);
void heap_fork_unlock(struct runtime_heap *heap);
void heap_fork_child(struct runtime_heap *heap); /* in the child: the lock that the parent held is free */

#endif
