// sources: root/region.c
/*
 * Regions against a model: an array of pages, each with what covers it.
 */
#include "root/region.h"

#include <stdlib.h>

#include "lib/hash.h"
#include "root/log.h"
#include "root/object.h"
#include "tests/host/check.h"

#define PAGES 200
#define BASE  0x100000ul
#define PAGE  4096ul

static long live_records;

struct region *region_new(void)
{
	live_records++;
	return calloc(1, sizeof(struct region));
}

void region_delete(struct region *region)
{
	live_records--;
	free(region);
}

void root_panic(const char *format, ...)
{
	fprintf(stderr, "panic: %s\n", format);
	abort();
}

void object_put(struct object *object)
{
	object->refs--;
}

struct cell {
	bool covered;
	unsigned prot;
	struct object *object;
	u64 offset;
};

static struct cell model[PAGES];
static struct region_tree tree;
static struct object objects[2];
static u64 seed;

static u64 random_below(u64 n)
{
	return splitmix64_next(&seed) % n;
}

static void check_against_model(void)
{
	struct region *previous = NULL;
	u64 bytes = 0;

	CHECK(rb_check(&tree.tree));
	for (struct region *r = region_first(&tree); r; previous = r, r = region_next(r)) {
		CHECK(r->start < r->end);
		CHECK(!previous || previous->end <= r->start);
		bytes += r->end - r->start;
		/* neighbours that agree in everything are one */
		if (previous && previous->end == r->start && previous->prot == r->prot && previous->object == r->object)
			CHECK(r->object && previous->offset + (previous->end - previous->start) != r->offset);
	}
	CHECK(bytes == tree.bytes);
	for (u64 i = 0; i < PAGES; i++) {
		struct region *r = region_at(&tree, BASE + i * PAGE);

		CHECK((r != NULL) == model[i].covered);
		if (!r || !model[i].covered)
			continue;
		CHECK(r->prot == model[i].prot && r->object == model[i].object);
		if (r->object)
			CHECK(r->offset + (BASE + i * PAGE - r->start) == model[i].offset);
	}
}

static void remove_range(u64 first, u64 count)
{
	u64 start = BASE + first * PAGE, end = start + count * PAGE;
	struct region *r;

	CHECK(region_cut(&tree, start, end));
	while ((r = region_find(&tree, start)) && r->start < end) {
		region_remove(&tree, r);
		if (r->object)
			object_put(r->object);
		region_delete(r);
	}
	for (u64 i = first; i < first + count; i++)
		model[i] = (struct cell){ 0 };
}

static void map_range(u64 first, u64 count)
{
	struct region *r = region_new();
	struct object *object = random_below(2) ? &objects[random_below(2)] : NULL;
	u64 offset = object ? (first + random_below(2)) * PAGE : 0;
	unsigned prot = random_below(2) ? 3 : 1;

	remove_range(first, count);
	*r = (struct region){ .start = BASE + first * PAGE, .end = BASE + (first + count) * PAGE, .prot = prot, .object = object,
			      .offset = offset };
	if (object)
		object->refs++;
	region_insert(&tree, r);
	for (u64 i = 0; i < count; i++)
		model[first + i] = (struct cell){ true, prot, object, object ? offset + i * PAGE : 0 };
}

static void protect_range(u64 first, u64 count)
{
	u64 start = BASE + first * PAGE, end = start + count * PAGE;
	unsigned prot = random_below(4);

	CHECK(region_cut(&tree, start, end));
	for (struct region *r = region_find(&tree, start); r && r->start < end;) {
		r->prot = prot;
		r = region_next(region_merge(&tree, r));
	}
	for (u64 i = first; i < first + count; i++)
		if (model[i].covered)
			model[i].prot = prot;
}

static bool model_free(u64 first, u64 count)
{
	for (u64 i = first; i < first + count; i++)
		if (model[i].covered)
			return false;
	return true;
}

static void check_gap(u64 length)
{
	u64 found = region_gap(&tree, BASE, BASE + PAGES * PAGE, length * PAGE), want = 0;

	for (s64 i = PAGES - (s64)length; i >= 0 && !want; i--)
		if (model_free(i, length))
			want = BASE + i * PAGE;
	CHECK(found == want);
}

static void random_operations_agree_with_a_model_of_pages(void)
{
	memset(model, 0, sizeof(model));
	tree = (struct region_tree){ .most = ~0ul };
	list_init(&objects[0].regions);
	list_init(&objects[1].regions);
	seed = 42;
	for (unsigned step = 0; step < 20000 && !CHECK_FAILED(); step++) {
		u64 first = random_below(PAGES), count = 1 + random_below(MIN(PAGES - first, 20ul));

		switch (random_below(4)) {
		case 0:
			map_range(first, count);
			break;
		case 1:
			remove_range(first, count);
			break;
		case 2:
			protect_range(first, count);
			break;
		default:
			check_gap(count);
			CHECK(region_free(&tree, BASE + first * PAGE, BASE + (first + count) * PAGE) == model_free(first, count));
			continue;
		}
		check_against_model();
	}
	remove_range(0, PAGES);
	CHECK(live_records == 0);
	CHECK(objects[0].refs == 0 && objects[1].refs == 0);
	CHECK(tree.count == 0 && tree.bytes == 0);
}

static void a_full_tree_is_not_cut(void)
{
	memset(model, 0, sizeof(model));
	tree = (struct region_tree){ .most = 3 };
	map_range(0, 10);
	CHECK(region_cut(&tree, BASE + 2 * PAGE, BASE + 4 * PAGE));
	CHECK_EQ(tree.count, 3);
	CHECK(!region_cut(&tree, BASE + 6 * PAGE, BASE + 8 * PAGE));
	CHECK_EQ(tree.count, 3);
	tree.most = 5;
	CHECK(region_cut(&tree, BASE + 6 * PAGE, BASE + 8 * PAGE));
	CHECK_EQ(tree.count, 5);
	remove_range(0, 10);
	CHECK(live_records == 0);
}

int main(void)
{
	RUN(random_operations_agree_with_a_model_of_pages);
	RUN(a_full_tree_is_not_cut);
	return check_result();
}
