/* Lists, bitmaps, hashes, atomics, the error table and the arithmetic of lib/types.h. */
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "tests/host/check.h"

#include <stdlib.h>

struct item {
	int value;
	struct list_node link;
};

/* The list's values as digits. */
static const char *digits(const struct list_node *head)
{
	static char out[32];
	size_t n = 0;

	list_for_each_entry(item, head, struct item, link)
		out[n++] = (char)('0' + item->value);
	out[n] = 0;
	return out;
}

static void lists_keep_order_through_insert_remove_and_splice(void)
{
	struct list_node head = LIST_INIT(head), more;
	struct item item[6] = { 0 };

	list_init(&more);
	for (int i = 0; i < 6; i++)
		item[i].value = i;
	CHECK(list_empty(&head) && !list_first(&head) && !list_pop_front(&head));
	list_push_back(&head, &item[1].link);
	list_push_back(&head, &item[2].link);
	list_push_front(&head, &item[0].link);
	list_insert_after(&item[0].link, &item[4].link);
	list_insert_before(&item[0].link, &item[5].link);
	CHECK_STR(digits(&head), "50412");
	list_remove(&item[4].link);
	CHECK(!list_linked(&item[4].link) && list_linked(&item[1].link) && !list_linked(&item[3].link));
	list_push_back(&more, &item[4].link);
	list_push_back(&more, &item[3].link);
	list_splice_back(&head, &more);
	list_splice_back(&head, &more);
	CHECK(list_empty(&more));
	CHECK_STR(digits(&head), "501243");
	CHECK_EQ(list_length(&head), 6);
	CHECK(list_pop_front(&head) == &item[5].link);
	CHECK(list_last(&head) == &item[3].link);
	CHECK_EQ(list_first_entry(&head, struct item, link)->value, 0);
	list_for_each_entry_safe(at, &head, struct item, link)
		if (at->value % 2)
			list_remove(&at->link);
	CHECK_STR(digits(&head), "024");
	list_for_each_safe(at, &head)
		list_remove(at);
	CHECK(list_empty(&head));
}

#define BITS 200

static size_t model_find(const bool *model, size_t from, size_t count)
{
	for (size_t at = from; at + count <= BITS; at++) {
		size_t n = 0;

		while (n < count && !model[at + n])
			n++;
		if (n == count)
			return at;
	}
	return BITS;
}

static void random_bitmap_operations_match_an_array_of_flags(void)
{
	u64 map[BITMAP_WORDS(BITS)] = { 0 }, seed = 2;
	bool model[BITS] = { 0 };

	map[BITMAP_WORDS(BITS) - 1] |= 0xaull << 60; /* bits past the end are nobody's */
	for (int step = 0; step < 20000 && !CHECK_FAILED(); step++) {
		size_t first = splitmix64_next(&seed) % BITS, count = splitmix64_next(&seed) % (BITS - first + 1);
		size_t want = splitmix64_next(&seed) % 20 + 1, sum = 0;
		bool value = splitmix64_next(&seed) % 2;

		if (step % 2)
			count = MIN(count, 3u);
		bitmap_assign_range(map, first, count, value);
		for (size_t i = 0; i < count; i++)
			model[first + i] = value;
		for (size_t i = 0; i < BITS; i++) {
			CHECK_EQ(bitmap_test(map, i), model[i]);
			sum += model[i];
		}
		CHECK_EQ(bitmap_find_zero(map, BITS, first), model_find(model, first, 1));
		CHECK_EQ(bitmap_find_zero_range(map, BITS, first, want), model_find(model, first, want));
		CHECK_EQ(bitmap_count(map, BITS), sum);
	}
	bitmap_clear_range(map, 0, BITS);
	bitmap_set(map, 130);
	CHECK_EQ(bitmap_find_set(map, BITS, 0), 130);
	bitmap_clear(map, 130);
	CHECK_EQ(bitmap_find_set(map, BITS, 0), BITS);
}

static void hashes_give_their_published_values(void)
{
	u64 state = 0;

	CHECK_EQ(hash_string(""), 0xcbf29ce484222325ull);
	CHECK_EQ(hash_string("a"), 0xaf63dc4c8601ec8cull);
	CHECK_EQ(hash_string("foobar"), 0x85944171f73967e8ull);
	CHECK_EQ(hash_fnv1a(hash_fnv1a(FNV1A_INIT, "foo", 3), "bar", 3), hash_string("foobar"));
	CHECK_EQ(splitmix64_next(&state), 0xe220a8397b1dcdafull);
	CHECK_EQ(splitmix64_next(&state), 0x6e789e6aa1b965f4ull);
}

static void the_error_table_knows_names_and_texts(void)
{
	CHECK_STR(errno_name(-ENOENT), "ENOENT");
	CHECK_STR(errno_name(ENOENT), "ENOENT");
	CHECK_STR(errno_text(-EHWPOISON), "Memory page has hardware error");
	CHECK_STR(errno_name(0), "E?");
	CHECK_STR(errno_name(41), "E?"); /* a hole in Linux's numbers */
	CHECK_STR(errno_text(5000), "Unknown error");
	CHECK_STR(errno_text(INT32_MIN), "Unknown error");
	for (int i = 1; i < 134; i++)
		if (strcmp(errno_name(i), "E?"))
			CHECK_STR(errno_text(i), strerror(i));
}

static void alignment_keeps_the_type_and_its_high_bits(void)
{
	CHECK_EQ(ALIGN_UP(0xfffffffff001ull, PAGE_SIZE), 0x1000000000000ull);
	CHECK_EQ(ALIGN_DOWN(0xfffffffff001ull, PAGE_SIZE), 0xfffffffff000ull);
	CHECK_EQ(ALIGN_DOWN((u64)0xffffffff80001234ull, 4096u), 0xffffffff80001000ull);
	CHECK(IS_ALIGNED(0x2000, PAGE_SIZE) && !IS_ALIGNED(0x2001, PAGE_SIZE));
	CHECK_EQ(DIV_ROUND_UP(4097, PAGE_SIZE), 2);
	CHECK_EQ(MIN(3, 4) + MAX(3, 4), 7);
}

static void compare_and_swap_reports_what_it_found(void)
{
	u32 word = 5, expected = 4;

	CHECK(!atomic_cas(&word, &expected, 9));
	CHECK_EQ(expected, 5);
	CHECK(atomic_cas(&word, &expected, 9));
	CHECK_EQ(atomic_fetch_add(&word, 1), 9);
	CHECK_EQ(atomic_load_acquire(&word), 10);
}

int main(void)
{
	RUN(lists_keep_order_through_insert_remove_and_splice);
	RUN(random_bitmap_operations_match_an_array_of_flags);
	RUN(hashes_give_their_published_values);
	RUN(the_error_table_knows_names_and_texts);
	RUN(alignment_keeps_the_type_and_its_high_bits);
	RUN(compare_and_swap_reports_what_it_found);
	return check_result();
}
