/*
 * Kernel objects. A chunk is one Untyped cut into up to 64 Untypeds of one size class; each of these holds at most one object. Chunks of
 * small classes come from 4 KiB ones, which come from blocks, so nothing stays taken when the last object of a chunk has gone.
 * A chunk owns 2 * count consecutive slots: the Untypeds, then the objects.
 */
#include "lib/errno.h"
#include "root/log.h"
#include "root/memory.h"

#define CLASS_MIN UNTYPED_MIN_BITS
#define CLASS_MAX BLOCK_BITS
#define CLASS_PAGE PAGE_SHIFT

struct chunk {
	struct list_node node;  /* in partial[bits] while it has free parts */
	u64 free;               /* bit per free part */
	struct chunk *parent;   /* NULL: a block, or adopted */
	u32 block;              /* parent NULL: the block */
	u32 untyped_slot;       /* what was cut */
	u32 first_slot;
	u8 bits, count;
	u8 parent_index;
	bool adopted;           /* at boot: never given back */
};

static struct list_node partial[CLASS_MAX + 1];
static bool initialised;

static void init_lists(void)
{
	for (unsigned i = 0; !initialised && i <= CLASS_MAX; i++)
		list_init(&partial[i]);
	initialised = true;
}

static u64 all_parts(unsigned count)
{
	return count == 64 ? ~0ull : BIT(count) - 1;
}

/* Cuts the Untyped into parts. The chunk's parent fields are the caller's to set. NULL: no room for records or slots. */
static struct chunk *chunk_cut(u32 untyped_slot, unsigned bits, unsigned count)
{
	struct chunk *chunk = root_alloc(sizeof(*chunk));
	u32 first = chunk ? slot_alloc(2 * count) : 0;

	if (!first) {
		root_free(chunk);
		return NULL;
	}
	MUST(KCALL6(untyped_retype, SYS(untyped_slot), OBJECT_UNTYPED, bits, ROOT_CNODE, first, count));
	*chunk = (struct chunk){ .free = all_parts(count), .untyped_slot = untyped_slot, .first_slot = first, .bits = bits,
				 .count = count };
	list_push_back(&partial[bits], &chunk->node);
	return chunk;
}

static struct chunk *part_take(unsigned bits, unsigned *index);

static struct chunk *chunk_from_block(unsigned bits)
{
	u32 block, slot = block_take(&block);
	struct chunk *chunk = slot ? chunk_cut(slot, bits, 1u << (BLOCK_BITS - bits)) : NULL;

	if (chunk)
		chunk->block = block;
	else if (slot)
		block_return(block);
	return chunk;
}

static void part_return(struct chunk *chunk, unsigned index);

static struct chunk *chunk_from_parent(unsigned bits)
{
	unsigned index;
	struct chunk *parent = part_take(CLASS_PAGE, &index), *chunk;

	if (!parent)
		return NULL;
	chunk = chunk_cut(parent->first_slot + index, bits, 1u << (CLASS_PAGE - bits));
	if (!chunk) {
		part_return(parent, index);
		return NULL;
	}
	chunk->parent = parent;
	chunk->parent_index = index;
	return chunk;
}

/* Takes one part of that class. */
static struct chunk *part_take(unsigned bits, unsigned *index)
{
	struct chunk *chunk;

	init_lists();
	chunk = list_first_entry(&partial[bits], struct chunk, node);
	if (!chunk)
		chunk = bits < CLASS_PAGE ? chunk_from_parent(bits) : chunk_from_block(bits);
	if (!chunk)
		return NULL;
	*index = __builtin_ctzll(chunk->free);
	chunk->free &= chunk->free - 1;
	if (!chunk->free)
		list_remove(&chunk->node);
	return chunk;
}

static void chunk_destroy(struct chunk *chunk)
{
	list_remove(&chunk->node);
	MUST(KCALL2(cap_revoke, ROOT_CNODE, chunk->untyped_slot));
	slot_free(chunk->first_slot, 2 * chunk->count);
	if (chunk->parent)
		part_return(chunk->parent, chunk->parent_index);
	else
		block_return(chunk->block);
	root_free(chunk);
}

static void part_return(struct chunk *chunk, unsigned index)
{
	if (!chunk->free)
		list_push_front(&partial[chunk->bits], &chunk->node);
	chunk->free |= BIT(index);
	if (chunk->free == all_parts(chunk->count) && !chunk->adopted)
		chunk_destroy(chunk);
}

void chunk_adopt(u32 untyped_slot, unsigned bits)
{
	struct chunk *chunk;

	init_lists();
	chunk = chunk_cut(untyped_slot, CLASS_PAGE, 1u << (bits - CLASS_PAGE));
	if (chunk)
		chunk->adopted = true;
}

static unsigned class_of(enum object_type type, unsigned size_bits)
{
	switch (type) {
	case OBJECT_CNODE:
		return size_bits + 5;
	case OBJECT_THREAD:
		return THREAD_SIZE_BITS;
	case OBJECT_ENDPOINT:
		return ENDPOINT_SIZE_BITS;
	case OBJECT_NOTIFICATION:
		return NOTIFICATION_SIZE_BITS;
	case OBJECT_VSPACE:
		return VSPACE_SIZE_BITS;
	case OBJECT_HANDLE_POOL:
		return size_bits + HANDLE_SIZE_BITS;
	case OBJECT_SCHED_CONTEXT:
		return SCHED_CONTEXT_SIZE_BITS;
	default:
		return CLASS_MAX + 1;
	}
}

int kobject_create(struct kobject *object, enum object_type type, unsigned size_bits)
{
	unsigned bits = class_of(type, size_bits), index;
	struct chunk *chunk;
	u32 slot;

	if (bits < CLASS_MIN || bits > CLASS_MAX)
		return -ENOMEM;
	chunk = part_take(bits, &index);
	if (!chunk)
		return -ENOMEM;
	slot = chunk->first_slot + chunk->count + index;
	MUST(KCALL6(untyped_retype, SYS(chunk->first_slot + index), type, size_bits, ROOT_CNODE, slot, 1));
	memory_counts.objects[type]++;
	*object = (struct kobject){ .slot = slot, .index = index, .type = type, .chunk = chunk };
	return 0;
}

void kobject_destroy(struct kobject *object)
{
	struct chunk *chunk = object->chunk;

	if (!object->slot)
		return;
	MUST(KCALL2(cap_revoke, ROOT_CNODE, chunk->first_slot + object->index));
	memory_counts.objects[object->type]--;
	part_return(chunk, object->index);
	*object = (struct kobject){ 0 };
}
