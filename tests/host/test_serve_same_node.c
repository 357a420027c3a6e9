// sources: serve/same_node.c
/* The open files of a node: against a model, and how many others a look for them meets. */
#include <stdlib.h>

#include "check.h"
#include "counted_memory.h"
#include "lib/hash.h"
#include "serve/internal.h"

#define FILES 4096
#define NODES 300

static struct open_file files[FILES];
static bool there[FILES];
static unsigned room, count;

static unsigned count_of(u64 id)
{
	unsigned found = 0;

	for (const struct open_file *file = same_node_first(id); file; file = same_node_next(file)) {
		CHECK(there[file - files] && file->node.id == id);
		found++;
	}
	return found;
}

static unsigned model_count_of(u64 id)
{
	unsigned found = 0;

	for (unsigned i = 0; i < FILES; i++)
		found += there[i] && files[i].node.id == id;
	return found;
}

static void add(unsigned i, u64 id)
{
	if (count == room && same_node_grow(room ? room * 2 : 64))
		room = room ? room * 2 : 64;
	files[i].node.id = id;
	there[i] = true;
	count++;
	same_node_add(&files[i]);
}

static void leave(unsigned i)
{
	there[i] = false;
	count--;
	same_node_remove(&files[i]);
}

static void those_of_a_node_are_found_at_random(void)
{
	u64 seed = 5;

	CHECK(!same_node_first(1));
	for (unsigned step = 0; step < 30000 && !CHECK_FAILED(); step++) {
		u64 dice = splitmix64_next(&seed);
		unsigned i = dice % FILES;

		if (there[i])
			leave(i);
		else
			add(i, (dice >> 20) % NODES << 4);
		if (step % 10 == 0)
			CHECK_EQ(count_of((dice >> 40) % NODES << 4), model_count_of((dice >> 40) % NODES << 4));
	}
	for (unsigned i = 0; i < FILES; i++)
		if (there[i])
			leave(i);
	for (u64 id = 0; id < NODES; id++)
		CHECK(!same_node_first(id << 4));
}

/* Each file a node of its own, as ramfs numbers them. */
static void many_others_make_no_look_longer(void)
{
	unsigned longest = 0;

	for (unsigned i = 0; i < FILES; i++)
		add(i, i);
	for (unsigned i = 0; i < FILES; i++) {
		unsigned behind = 0;

		for (const struct open_file *file = &files[i]; file; file = file->chain_next)
			behind++;
		longest = MAX(longest, behind);
		CHECK(same_node_first(i) == &files[i] && !same_node_next(&files[i]));
	}
	CHECK(longest <= 12);
	for (unsigned i = 0; i < FILES; i++)
		leave(i);
}

static void without_memory_all_stays_as_it_was(void)
{
	add(0, 7);
	memory_is_out = true;
	CHECK(!same_node_grow(room * 2));
	memory_is_out = false;
	CHECK(same_node_first(7) == &files[0]);
	CHECK_EQ(allocated, 1);
	leave(0);
}

int main(void)
{
	RUN(those_of_a_node_are_found_at_random);
	RUN(many_others_make_no_look_longer);
	RUN(without_memory_all_stays_as_it_was);
	return check_result();
}
