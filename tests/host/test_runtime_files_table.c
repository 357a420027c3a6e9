// sources: runtime/linux/descriptor_table.c
/* The descriptor table against a plain array, under random operations. */
#include "runtime/linux/descriptor_table.h"

#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "random.h"

static long chunks_alive, chunks_allowed = 1 << 20;

struct descriptor_chunk *descriptor_chunk_create(void)
{
	if (chunks_alive >= chunks_allowed)
		return NULL;
	chunks_alive++;
	return calloc(1, sizeof(struct descriptor_chunk));
}

void descriptor_chunk_destroy(struct descriptor_chunk *chunk)
{
	chunks_alive--;
	free(chunk);
}

enum { FREE, RESERVED, OPEN };
#define MODEL 2000

static struct {
	int state;
	u32 word;
} model[MODEL];

static long model_reserve(unsigned long from, unsigned long limit)
{
	for (unsigned long n = from; n < limit && n < MODEL; n++)
		if (model[n].state == FREE) {
			model[n].state = RESERVED;
			return (long)n;
		}
	return -EMFILE;
}

static void compare(const struct descriptor_table *table)
{
	unsigned long open = dtable_next_open(table, 0), reserved = dtable_next_reserved(table, 0);

	for (unsigned long n = 0; n < MODEL; n++) {
		CHECK_EQ(dtable_get(table, n), model[n].state == OPEN ? model[n].word : 0);
		if (model[n].state == OPEN) {
			CHECK_EQ(open, n);
			open = dtable_next_open(table, n + 1);
		}
		if (model[n].state == RESERVED) {
			CHECK_EQ(reserved, n);
			reserved = dtable_next_reserved(table, n + 1);
		}
	}
	CHECK_EQ(open, DESCRIPTORS_MAX);
	CHECK_EQ(reserved, DESCRIPTORS_MAX);
}

static void random_step(struct descriptor_table *table)
{
	unsigned long n = rnd(rnd(4) ? 40 : MODEL), limit = rnd(8) ? MODEL : rnd(60);
	u32 word = descriptor_word((unsigned)rnd(4), (unsigned)rnd(16) << 12, rnd(2) ? DESCRIPTOR_CLOEXEC : 0);

	switch (rnd(6)) {
	case 0:
	case 1: {
		unsigned long from = rnd(3) ? 0 : n;

		CHECK_EQ(dtable_reserve(table, from, limit), model_reserve(from, limit));
		break;
	}
	case 2:
		CHECK_EQ(dtable_reserve_at(table, n), model[n].state == FREE ? (long)n : -EBUSY);
		if (model[n].state == FREE)
			model[n].state = RESERVED;
		break;
	case 3:
		if (model[n].state == RESERVED) {
			dtable_publish(table, n, word);
			model[n].state = OPEN;
			model[n].word = word;
		}
		break;
	case 4:
		CHECK_EQ(dtable_withdraw(table, n), model[n].state == OPEN ? model[n].word : 0);
		if (model[n].state == OPEN)
			model[n].state = RESERVED;
		break;
	case 5:
		if (model[n].state == RESERVED) {
			dtable_free(table, n);
			model[n].state = FREE;
		}
		CHECK_EQ(dtable_change(table, n, DESCRIPTOR_WATCHED, DESCRIPTOR_CLOEXEC), model[n].state == OPEN);
		if (model[n].state == OPEN)
			model[n].word = (model[n].word | DESCRIPTOR_WATCHED) & ~DESCRIPTOR_CLOEXEC;
		break;
	}
}

static void random_operations_match_a_plain_array(void)
{
	static struct descriptor_table table;

	memset(model, 0, sizeof(model));
	for (int i = 0; i < 20000 && !CHECK_FAILED(); i++) {
		random_step(&table);
		if (i % 50 == 0)
			compare(&table);
	}
	dtable_clear(&table);
	CHECK_EQ(chunks_alive, 0);
}

static void a_copy_has_the_open_numbers_only(void)
{
	static struct descriptor_table a, b;

	CHECK_EQ(dtable_reserve(&a, 0, 10), 0);
	CHECK_EQ(dtable_reserve(&a, 700, 4000), 700);
	CHECK_EQ(dtable_reserve(&a, 0, 10), 1);
	dtable_publish(&a, 700, 0x101);
	dtable_publish(&a, 1, 0x201);
	CHECK_EQ(dtable_copy(&b, &a), 0);
	CHECK_EQ(dtable_get(&b, 700), 0x101);
	CHECK_EQ(dtable_get(&b, 1), 0x201);
	CHECK_EQ(dtable_reserve(&b, 0, 10), 0);
	CHECK_EQ(dtable_reserve(&b, 0, 10), 2);
	dtable_clear(&b);
	chunks_allowed = chunks_alive + 1;
	CHECK_EQ(dtable_copy(&b, &a), -ENOMEM);
	CHECK_EQ(dtable_next_open(&b, 0), DESCRIPTORS_MAX);
	chunks_allowed = 1 << 20;
	dtable_clear(&a);
	CHECK_EQ(chunks_alive, 0);
}

static void limits_are_honoured(void)
{
	static struct descriptor_table t;

	CHECK_EQ(dtable_reserve(&t, DESCRIPTORS_MAX - 1, ~0ul), DESCRIPTORS_MAX - 1);
	CHECK_EQ(dtable_reserve(&t, DESCRIPTORS_MAX - 1, ~0ul), -EMFILE);
	CHECK_EQ(dtable_reserve(&t, ~0ul, ~0ul), -EMFILE);
	CHECK_EQ(dtable_reserve_at(&t, DESCRIPTORS_MAX), -EBADF);
	CHECK_EQ(dtable_reserve_at(&t, ~0ul), -EBADF);
	CHECK_EQ(dtable_get(&t, ~0ul), 0);
	CHECK_EQ(dtable_withdraw(&t, DESCRIPTORS_MAX), 0);
	for (long i = 0; i < 1024; i++)
		CHECK_EQ(dtable_reserve(&t, 0, 1024), i);
	CHECK_EQ(dtable_reserve(&t, 0, 1024), -EMFILE);
	dtable_free(&t, 600);
	CHECK_EQ(dtable_reserve(&t, 0, 600), -EMFILE);
	CHECK_EQ(dtable_reserve(&t, 0, 1024), 600);
	dtable_clear(&t);
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 1);
	RUN(random_operations_match_a_plain_array);
	RUN(a_copy_has_the_open_numbers_only);
	RUN(limits_are_honoured);
	return check_result();
}
