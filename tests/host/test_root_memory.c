// sources: root/memory.c root/kobject.c root/heap.c root/object.c
/*
 * Root's memory against a model of the kernel: slots, derivation, Untypeds that are used from their start on. Random operations; at the end
 * every count is what it was.
 */
#include "root/memory.h"

#include <stdlib.h>

#include "lib/errno.h"
#include "lib/hash.h"
#include "root/log.h"
#include "root/object.h"
#include "tests/host/check.h"

#define RAM   (16ul << 20)
#define SLOTS 8192

static u8 *ram;

void *page_virt(pfn_t pfn)
{
	return ram + ((u64)pfn << PAGE_SHIFT);
}

pfn_t page_of(const void *virt)
{
	return ((const u8 *)virt - ram) >> PAGE_SHIFT;
}

void root_panic(const char *format, ...)
{
	fprintf(stderr, "panic: %s\n", format);
	abort();
}

void root_log(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

bool object_page_counted(pfn_t pfn)
{
	(void)pfn;
	return false;
}

/* ---- the kernel ---- */

struct slot {
	unsigned type;
	u32 parent;
	unsigned bits; /* of an Untyped */
	u64 used;
};

static struct slot slots[SLOTS];
static unsigned live[OBJECT_TYPE_COUNT];

static unsigned bits_of(unsigned type, unsigned size_bits)
{
	switch (type) {
	case OBJECT_UNTYPED:
		return size_bits;
	case OBJECT_FRAME:
		return size_bits + PAGE_SHIFT;
	case OBJECT_CNODE:
		return size_bits + 5;
	case OBJECT_THREAD:
		return THREAD_SIZE_BITS;
	case OBJECT_NOTIFICATION:
		return NOTIFICATION_SIZE_BITS;
	case OBJECT_ENDPOINT:
		return ENDPOINT_SIZE_BITS;
	default:
		return VSPACE_SIZE_BITS;
	}
}

static long retype(u32 untyped, unsigned type, unsigned size_bits, u32 first, u32 count)
{
	struct slot *u = &slots[untyped];
	u64 size = 1ul << bits_of(type, size_bits), start = ALIGN_UP(u->used, size);

	if (u->type != OBJECT_UNTYPED || start + count * size > 1ul << u->bits)
		return K_NO_MEMORY;
	for (u32 i = 0; i < count; i++) {
		if (slots[first + i].type)
			return K_OCCUPIED;
		slots[first + i] = (struct slot){ .type = type, .parent = untyped, .bits = size_bits };
		live[type]++;
	}
	u->used = start + count * size;
	return 0;
}

static void revoke(u32 slot)
{
	for (u32 i = 0; i < SLOTS; i++) {
		if (!slots[i].type || slots[i].parent != slot)
			continue;
		revoke(i);
		live[slots[i].type]--;
		slots[i] = (struct slot){ 0 };
	}
	slots[slot].used = 0;
}

long kobject_call(u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, struct kvalues *values)
{
	(void)a6;
	(void)values;
	switch (number) {
	case KCALL_untyped_retype:
		CHECK(a3 == ROOT_CNODE);
		return retype(a0 & ~CPTR_SYSTEM, a1, a2, a4, a5);
	case KCALL_cap_revoke:
		revoke(a1);
		return 0;
	default:
		CHECK(!"another kernel call");
		return K_BAD_CALL;
	}
}

/* ---- boot ---- */

static struct boot_info info = { .first_free_slot = 24, .slot_count = SLOTS, .memory_top = RAM, .untyped_count = 5,
				 .untyped = { { 0x100000, 20, 0, 0 }, { 0x200000, 21, 0, 0 }, { 0x400000, 22, 0, 0 },
					      { 0x800000, 23, 0, 0 }, { 0xf0000, 16, 0, 0 } } };

static struct memory_counts at_boot;

static void memory_is_split_into_blocks(void)
{
	ram = aligned_alloc(PAGE_SIZE, RAM);
	memset(ram, 0, RAM);
	for (u64 i = 0; i < info.untyped_count; i++)
		slots[ROOT_SLOT_UNTYPED + i] = (struct slot){ .type = OBJECT_UNTYPED, .bits = info.untyped[i].size_bits };
	memory_init(&info);
	CHECK(memory_counts.total_pages == (RAM - 0x100000) >> PAGE_SHIFT);
	CHECK(memory_counts.free_pages < memory_counts.total_pages && memory_counts.free_pages > memory_counts.total_pages * 9 / 10);
	at_boot = memory_counts;
}

static void check_as_at_boot(void)
{
	CHECK(memory_counts.free_pages == at_boot.free_pages);
	for (unsigned i = PAGE_ANON; i < PAGE_TYPE_COUNT; i++)
		CHECK(memory_counts.by_type[i] == at_boot.by_type[i]);
	CHECK(memory_counts.heap_bytes == at_boot.heap_bytes);
}

/* ---- pages ---- */

static void every_page_can_be_had_once(void)
{
	static pfn_t got[RAM >> PAGE_SHIFT];
	static bool seen[RAM >> PAGE_SHIFT];
	u64 count = 0;
	pfn_t pfn;

	while ((pfn = page_alloc_zeroed(PAGE_ANON))) {
		CHECK(!seen[pfn]);
		seen[pfn] = true;
		memset(page_virt(pfn), 0xee, PAGE_SIZE);
		got[count++] = pfn;
	}
	CHECK(count == at_boot.free_pages && memory_counts.free_pages == 0);
	while (count)
		page_free(got[--count]);
	check_as_at_boot();
}

/* ---- objects of the kernel ---- */

#define OBJECTS 600

static void kernel_objects_come_and_go_and_leave_nothing(void)
{
	static struct kobject objects[OBJECTS];
	static const struct { unsigned type, bits; } kinds[] = { { OBJECT_THREAD, 0 }, { OBJECT_NOTIFICATION, 0 }, { OBJECT_ENDPOINT, 0 },
								  { OBJECT_CNODE, 6 }, { OBJECT_CNODE, 11 }, { OBJECT_VSPACE, 0 } };
	u64 seed = 3;

	for (unsigned step = 0; step < 20000 && !CHECK_FAILED(); step++) {
		struct kobject *object = &objects[splitmix64_next(&seed) % OBJECTS];
		unsigned kind = splitmix64_next(&seed) % ARRAY_SIZE(kinds);

		if (object->slot) {
			CHECK(slots[object->slot].type == object->type);
			kobject_destroy(object);
			CHECK(!object->slot);
		} else if (!kobject_create(object, kinds[kind].type, kinds[kind].bits)) {
			CHECK(slots[object->slot].type == kinds[kind].type);
		}
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		kobject_destroy(&objects[i]);
	check_as_at_boot();
	CHECK(live[OBJECT_THREAD] + live[OBJECT_NOTIFICATION] + live[OBJECT_ENDPOINT] + live[OBJECT_CNODE] + live[OBJECT_VSPACE] == 0);
}

/* Frames whose pages are all free become objects when nothing else is left, and the other way round. */
static void blocks_change_their_use(void)
{
	static pfn_t got[RAM >> PAGE_SHIFT];
	struct kobject object;
	u64 count = 0;

	while ((got[count] = page_alloc(PAGE_ANON)))
		count++;
	CHECK(kobject_create(&object, OBJECT_CNODE, 12) == -ENOMEM);
	while (count)
		page_free(got[--count]);
	CHECK(!kobject_create(&object, OBJECT_CNODE, 12));
	kobject_destroy(&object);
	check_as_at_boot();
}

/* ---- the heap ---- */

static void heap_cells_do_not_overlap(void)
{
	static struct { u8 *at; size_t size; u8 mark; } cells[400];
	u64 seed = 5;

	for (unsigned step = 0; step < 30000 && !CHECK_FAILED(); step++) {
		unsigned i = splitmix64_next(&seed) % ARRAY_SIZE(cells);

		if (cells[i].at) {
			for (size_t n = 0; n < cells[i].size; n++)
				CHECK(cells[i].at[n] == cells[i].mark);
			root_free(cells[i].at);
			cells[i].at = NULL;
			continue;
		}
		cells[i].size = 1 + splitmix64_next(&seed) % HEAP_MAX;
		cells[i].mark = step;
		cells[i].at = root_alloc(cells[i].size);
		CHECK(cells[i].at && !cells[i].at[0] && !cells[i].at[cells[i].size - 1]);
		memset(cells[i].at, cells[i].mark, cells[i].size);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(cells); i++)
		root_free(cells[i].at);
	CHECK(!root_alloc(HEAP_MAX + 1));
	check_as_at_boot();
}

/* ---- memory objects ---- */

#define INDEXES 5000

/* What each page of the object holds: 0 absent, else its first byte. The extent's pages have the mark 7. */
static u8 model[INDEXES];

static pfn_t extent_pages(u32 count)
{
	pfn_t first = 16; /* below the first Untyped: belongs to nobody */

	for (u32 i = 0; i < count; i++)
		memset(page_virt(first + i), 7, PAGE_SIZE);
	return first;
}

static void check_object(const struct object *object, u64 index)
{
	pfn_t pfn = object_lookup(object, index);

	CHECK((pfn != 0) == (model[index] != 0));
	if (pfn)
		CHECK(((u8 *)page_virt(pfn))[9] == model[index]);
}

static void check_seek(const struct object *object, u64 index)
{
	u64 data = index, hole = index;

	while (data < INDEXES && !model[data])
		data++;
	while (hole < INDEXES && model[hole])
		hole++;
	CHECK(object_seek(object, index, INDEXES, false) == (data < INDEXES ? data : ~0ul));
	CHECK(object_seek(object, index, INDEXES, true) == (hole < INDEXES ? hole : ~0ul));
}

static void write_page(struct object *object, u64 index, u8 mark)
{
	pfn_t replaced, pfn = object_page(object, index, true, &replaced);

	if (!pfn)
		return;
	CHECK(page_type(pfn) == PAGE_OBJECT);
	CHECK(!replaced || ((u8 *)page_virt(replaced))[9] == 7);
	memset(page_virt(pfn), mark, PAGE_SIZE);
	model[index] = mark;
}

static void a_memory_object_holds_what_was_written(void)
{
	struct object *object = object_create(INDEXES * PAGE_SIZE, ROLE_SERVICE);
	u64 seed = 11;

	memset(model, 0, sizeof(model));
	CHECK(!object_name(object, 1, 77));
	CHECK(object_find(1, 77) == object && !object_find(2, 77));
	CHECK(object_set_extent(object, 100, 40, extent_pages(40)));
	memset(model + 100, 7, 40);
	for (unsigned step = 0; step < 20000 && !CHECK_FAILED(); step++) {
		u64 index = splitmix64_next(&seed) % (step & 1 ? INDEXES : 200), count = 1 + splitmix64_next(&seed) % 30;

		switch (splitmix64_next(&seed) % 4) {
		case 0:
		case 1:
			write_page(object, index, 10 + step % 200);
			break;
		case 2:
			count = MIN(count, INDEXES - index);
			object_drop(object, index, count);
			memset(model + index, 0, count);
			break;
		default:
			check_seek(object, index);
		}
		check_object(object, index);
		CHECK_EQ(object_charge_of(ROLE_SERVICE)->pages, object->present);
	}
	for (u64 i = 0; i < INDEXES; i++)
		check_object(object, i);
	object_unname(object);
	CHECK(!object_find(1, 77));
	CHECK_EQ(object_charge_of(ROLE_SERVICE)->objects, 1);
	object_put(object);
	CHECK_EQ(object_charge_of(ROLE_SERVICE)->objects, 0);
	CHECK_EQ(object_charge_of(ROLE_SERVICE)->pages, 0);
	check_as_at_boot();
}

int main(void)
{
	RUN(memory_is_split_into_blocks);
	RUN(every_page_can_be_had_once);
	RUN(kernel_objects_come_and_go_and_leave_nothing);
	RUN(blocks_change_their_use);
	RUN(heap_cells_do_not_overlap);
	RUN(a_memory_object_holds_what_was_written);
	return check_result();
}
