#include "serve/memory.h"

#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/string.h"
#include "serve/kernel.h"
#include "serve/linux.h"

#define GROW_STEP  0x10000
#define LARGE_SIZE 0x8000

static struct heap heap;
static bool heap_ready;

/* What a server holds for its clients is nobody's but its own, so no kind of it may take the machine's memory: a part is all that it ever has. */
#define MEMORY_PART 4
static size_t limit, mapped;

static size_t memory_limit(void)
{
	unsigned long m[8] = { 0 };

	return root_call(PROC_MEMORY_INFO, m, 0) < 0 ? SIZE_MAX : m[1] / MEMORY_PART;
}

static void *map_anonymous(size_t size)
{
	long at;

	if (!limit)
		limit = memory_limit();
	if (size > limit - mapped)
		return NULL;
	at = root_call5(PROC_MAP, 0, size, LINUX_PROT_READ | LINUX_PROT_WRITE, LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS, 0);
	if (at < 0)
		return NULL;
	mapped += size;
	return (void *)at;
}

static void *grow(void *ctx, size_t *size)
{
	(void)ctx;
	*size = ALIGN_UP(*size, GROW_STEP);
	return map_anonymous(*size);
}

static bool is_large(size_t size)
{
	return size > LARGE_SIZE;
}

/*
 * Small blocks that were freed, by size: requests, open files and armings come and go all the time. They are counted as used by the heap, so their
 * number is bounded.
 */
#define KEPT_SIZE  512
#define KEPT_COUNT 32
#define KEPT_CLASS(size) (((size) + HEAP_ALIGN - 1) / HEAP_ALIGN)

struct kept_block {
	struct kept_block *next;
};

static struct {
	struct kept_block *first;
	unsigned count;
} kept[KEPT_CLASS(KEPT_SIZE) + 1];

static void *kept_take(size_t size)
{
	struct kept_block *block = kept[KEPT_CLASS(size)].first;

	if (!block)
		return NULL;
	kept[KEPT_CLASS(size)].first = block->next;
	kept[KEPT_CLASS(size)].count--;
	return memset(block, 0, size);
}

/* False: enough of that size are there. */
static bool kept_put(void *memory, size_t size)
{
	struct kept_block *block = memory;

	if (kept[KEPT_CLASS(size)].count == KEPT_COUNT)
		return false;
	block->next = kept[KEPT_CLASS(size)].first;
	kept[KEPT_CLASS(size)].first = block;
	kept[KEPT_CLASS(size)].count++;
	return true;
}

void *memory_take(size_t size)
{
	void *block = size <= KEPT_SIZE ? kept_take(size) : NULL;

	if (block)
		return block;
	if (is_large(size))
		return size > SIZE_MAX - PAGE_SIZE ? NULL : map_anonymous(ALIGN_UP(size, PAGE_SIZE));
	if (!heap_ready) {
		heap_init(&heap, grow, NULL);
		heap_ready = true;
	}
	/* of a small class every block is as large as the class */
	return heap_alloc_zero(&heap, 1, size <= KEPT_SIZE ? ALIGN_UP(size, (size_t)HEAP_ALIGN) : size);
}

void memory_free(void *memory, size_t size)
{
	if (!memory)
		return;
	if (size <= KEPT_SIZE && kept_put(memory, size))
		return;
	if (!is_large(size)) {
		heap_free(&heap, memory);
		return;
	}
	object_unmap((unsigned long)memory, ALIGN_UP(size, PAGE_SIZE));
	mapped -= ALIGN_UP(size, PAGE_SIZE);
}

void *memory_resize(void *memory, size_t size, size_t new_size)
{
	void *fresh = memory_take(new_size);

	if (!fresh)
		return NULL;
	if (memory)
		memcpy(fresh, memory, MIN(size, new_size));
	memory_free(memory, size);
	return fresh;
}

long object_create(u64 id, u64 size)
{
	return root_call3(PROC_OBJECT_CREATE, id, size, 0);
}

long object_resize(u64 id, u64 size)
{
	return root_call3(PROC_OBJECT_RESIZE, id, size, 0);
}

long object_punch(u64 id, u64 offset, u64 length)
{
	return root_call3(PROC_OBJECT_PUNCH, id, offset, length);
}

long object_destroy(u64 id)
{
	return root_call3(PROC_OBJECT_DESTROY, id, 0, 0);
}

long object_map(u64 id, u64 offset, size_t length, bool writable, unsigned long address)
{
	unsigned rights = LINUX_PROT_READ | (writable ? LINUX_PROT_WRITE : 0);
	unsigned long m[8] = { address, length, rights, LINUX_MAP_SHARED | (address ? LINUX_MAP_FIXED : 0), offset, id, rights };

	return root_call(PROC_MAP_OBJECT, m, 0);
}

long object_unmap(unsigned long address, size_t length)
{
	return root_call3(PROC_UNMAP, address, length, 0);
}
