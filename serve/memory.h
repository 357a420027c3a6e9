/* Memory of a server: a heap over PROC_MAP, and mappings of its own memory objects. */
#ifndef SERVE_MEMORY_H
#define SERVE_MEMORY_H

#include "lib/types.h"

/* Zeroed memory, aligned to 16; NULL: none, or the server has a quarter of the machine's already. Sizes above 32 KiB take whole pages of their own and give them back when freed. */
void *memory_take(size_t size);
void memory_free(void *memory, size_t size);
/* Grows or shrinks; keeps what fits; what is new is zero. NULL: none, and the old is untouched. */
void *memory_resize(void *memory, size_t size, size_t new_size);

/* Memory objects of this service (abi/process.h, PROC_OBJECT_*): 0 or a negative errno. */
long object_create(u64 id, u64 size);
long object_resize(u64 id, u64 size);
long object_punch(u64 id, u64 offset, u64 length);
long object_destroy(u64 id);
/* Maps a part, page aligned, shared; address 0: anywhere. The address, or a negative errno. */
long object_map(u64 id, u64 offset, size_t length, bool writable, unsigned long address);
long object_unmap(unsigned long address, size_t length);
/* The boot image, read-only (services that root allows it). */
#define OBJECT_BOOT_IMAGE 0

#endif
