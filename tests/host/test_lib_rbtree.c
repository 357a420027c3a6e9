#include "lib/rbtree.h"

#include "lib/hash.h"
#include "tests/host/check.h"

#define KEYS 300

struct item {
	struct rb_node node;
	int key;
	bool in;
};

static struct item items[KEYS];

static int compare(const void *key, const struct rb_node *node)
{
	return *(const int *)key - rb_entry(node, struct item, node)->key;
}

/* The tree against the array of flags that models it. */
static void check_model(const struct rb_tree *tree)
{
	struct rb_node *at = rb_first(tree), *back = rb_last(tree);

	CHECK(rb_check(tree));
	for (int i = 0; i < KEYS; i++) {
		if (!items[i].in)
			continue;
		CHECK(at == &items[i].node);
		if (!at)
			return;
		at = rb_next(at);
	}
	CHECK(!at);
	for (int i = KEYS - 1; i >= 0; i--) {
		if (!items[i].in)
			continue;
		CHECK(back == &items[i].node);
		if (!back)
			return;
		back = rb_prev(back);
	}
	CHECK(!back);
}

static void check_bound(const struct rb_tree *tree, int key)
{
	int want = key;
	struct rb_node *found = rb_lower_bound(tree, &key, compare);

	while (want < KEYS && !items[want].in)
		want++;
	CHECK(found == (want < KEYS ? &items[want].node : NULL));
	CHECK((rb_find(tree, &key, compare) != NULL) == items[key].in);
}

static void random_inserts_and_erases_keep_order_and_balance(void)
{
	struct rb_tree tree = { 0 };
	u64 seed = 1;

	for (int i = 0; i < KEYS; i++)
		items[i] = (struct item){ .key = i };
	for (int step = 0; step < 20000 && !CHECK_FAILED(); step++) {
		struct item *item = &items[splitmix64_next(&seed) % KEYS];

		if (item->in)
			rb_erase(&tree, &item->node);
		else
			rb_insert_by(&tree, &item->node, &item->key, compare);
		item->in = !item->in;
		if (step % 16 == 0)
			check_model(&tree);
		check_bound(&tree, (int)(splitmix64_next(&seed) % KEYS));
	}
}

static void ascending_inserts_stay_balanced_and_drain_in_order(void)
{
	struct rb_tree tree = { 0 };

	for (int i = 0; i < KEYS; i++) {
		items[i] = (struct item){ .key = i };
		rb_insert_by(&tree, &items[i].node, &i, compare);
		CHECK(rb_check(&tree));
	}
	for (int i = 0; i < KEYS; i++) {
		struct rb_node *first = rb_first(&tree);

		CHECK_EQ(rb_entry(first, struct item, node)->key, i);
		rb_erase(&tree, first);
		CHECK(rb_check(&tree));
	}
	CHECK(!tree.root);
}

static void equal_keys_keep_insertion_order(void)
{
	static struct item same[10];
	struct rb_tree tree = { 0 };
	int i = 0;

	for (i = 0; i < 10; i++) {
		same[i].key = 7;
		rb_insert_by(&tree, &same[i].node, &same[i].key, compare);
	}
	i = 0;
	for (struct rb_node *at = rb_first(&tree); at; at = rb_next(at))
		CHECK(at == &same[i++].node);
	CHECK_EQ(i, 10);
}

int main(void)
{
	RUN(random_inserts_and_erases_keep_order_and_balance);
	RUN(ascending_inserts_stay_balanced_and_drain_in_order);
	RUN(equal_keys_keep_insertion_order);
	return check_result();
}
