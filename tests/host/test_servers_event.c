// sources: servers/event/interest.c servers/event/nesting.c
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "serve/memory.h"
#include "servers/event/interest.h"

#define EDGE (1u << 31)
#define ONCE (1u << 30)

static size_t memory_used;
static struct interest list;
static const struct interest_identity a = { 10, 1 }, b = { 10, 2 };

void *memory_take(size_t size)
{
	memory_used += size;
	return calloc(1, size);
}

void memory_free(void *memory, size_t size)
{
	memory_used -= size;
	free(memory);
}

static void start(void)
{
	interest_clear(&list);
	interest_init(&list);
}

static void an_open_file_is_listed_once_a_descriptor(void)
{
	start();
	CHECK_EQ(interest_add(&list, 1, 5, a, 1, 0, NULL), 0);
	CHECK_EQ(interest_add(&list, 1, 5, a, 1, 0, NULL), -EEXIST);
	CHECK_EQ(interest_add(&list, 1, 6, a, 1, 0, NULL), 0);
	CHECK_EQ(interest_modify(&list, 7, a, 1, 0), -ENOENT);
	CHECK_EQ(interest_delete(&list, 6, b), -ENOENT);
	CHECK_EQ(interest_delete(&list, 6, a), 0);
	CHECK_EQ(list.count, 1);
}

static void a_reused_number_drops_the_old_entry_of_that_process(void)
{
	start();
	CHECK_EQ(interest_add(&list, 1, 5, a, 1, 0, NULL), 0);
	CHECK_EQ(interest_add(&list, 2, 5, b, 1, 0, NULL), 0);
	CHECK_EQ(list.count, 2);
	CHECK_EQ(interest_add(&list, 1, 5, (struct interest_identity){ 11, 3 }, 1, 0, NULL), 0);
	CHECK_EQ(list.count, 2);
	CHECK(!interest_forget(&list, 1, 5, b));
	CHECK(interest_forget(&list, 2, 5, b));
	CHECK_EQ(list.count, 1);
}

static void claims_follow_edge_and_one_shot(void)
{
	struct epoll_entry shown[4];

	start();
	interest_add(&list, 1, 3, a, EDGE | 1, 33, NULL);
	interest_add(&list, 1, 4, a, ONCE | 1, 44, NULL);
	CHECK_EQ(interest_list(&list, 0, shown, 4), 2);
	CHECK_EQ(shown[0].data, 33);
	struct epoll_claim edge = { shown[0].id, 1, 9 }, once = { shown[1].id, 1, 0 };

	CHECK(interest_claim(&list, &edge));
	CHECK(!interest_claim(&list, &edge));
	edge.counter++;
	CHECK(interest_claim(&list, &edge));
	interest_modify(&list, 3, a, EDGE | 1, 0);
	CHECK(interest_claim(&list, &edge));
	CHECK(interest_claim(&list, &once));
	CHECK(!interest_claim(&list, &once));
	interest_modify(&list, 4, a, ONCE | 1, 0);
	CHECK(interest_claim(&list, &once));
	edge.id = 77;
	CHECK(!interest_claim(&list, &edge));
}

static void listing_in_pieces_gives_everything_once(void)
{
	struct epoll_entry shown[7];
	u32 index = 0, seen = 0;

	start();
	for (u32 i = 0; i < 100; i++)
		interest_add(&list, 1, (i * 37) % 100, a, 1, i, NULL);
	for (size_t n; (n = interest_list(&list, index, shown, 7)); index += (u32)n)
		for (size_t i = 0; i < n; i++)
			CHECK_EQ(shown[i].descriptor, seen++);
	CHECK_EQ(seen, 100);
	CHECK_EQ(interest_list(&list, 98, shown, 7), 2);
	interest_clear(&list);
	CHECK_EQ(memory_used, 0);
}

/* Adds instance `to` to `from`'s list, as descriptor `to`. */
static int nest(struct interest instances[], unsigned from, unsigned to)
{
	return interest_add(&instances[from], 1, to, (struct interest_identity){ 10, to }, 1, 0, &instances[to]);
}

static void instances_nest_four_deep_and_in_no_circle(void)
{
	struct interest instances[8];

	for (unsigned i = 0; i < 8; i++)
		interest_init(&instances[i]);
	CHECK_EQ(nest(instances, 0, 0), -ELOOP);
	CHECK_EQ(nest(instances, 0, 1), 0);
	CHECK_EQ(nest(instances, 1, 0), -ELOOP);
	CHECK_EQ(nest(instances, 2, 3), 0);
	CHECK_EQ(nest(instances, 3, 4), 0);
	CHECK_EQ(nest(instances, 1, 2), 0);
	CHECK_EQ(nest(instances, 4, 0), -ELOOP);
	CHECK_EQ(nest(instances, 4, 5), -ELOOP);
	CHECK_EQ(nest(instances, 6, 0), -ELOOP);
	CHECK_EQ(nest(instances, 0, 4), 0);
	CHECK_EQ(interest_delete(&instances[3], 4, (struct interest_identity){ 10, 4 }), 0);
	CHECK_EQ(nest(instances, 6, 0), 0);
	interest_clear(&instances[2]);
	CHECK_EQ(nest(instances, 4, 1), 0);
	CHECK_EQ(nest(instances, 1, 4), -ELOOP);
	CHECK_EQ(nest(instances, 4, 5), 0);
	for (unsigned i = 0; i < 8; i++)
		interest_clear(&instances[i]);
	CHECK_EQ(memory_used, 0);
}

int main(void)
{
	interest_init(&list);
	RUN(an_open_file_is_listed_once_a_descriptor);
	RUN(a_reused_number_drops_the_old_entry_of_that_process);
	RUN(claims_follow_edge_and_one_shot);
	RUN(listing_in_pieces_gives_everything_once);
	RUN(instances_nest_four_deep_and_in_no_circle);
	return check_result();
}
