#include "runtime/linux/descriptor_table.h"

#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"

static struct descriptor_chunk *chunk_of(const struct descriptor_table *table, unsigned long number)
{
	return number < DESCRIPTORS_MAX ? atomic_load_acquire(&table->chunk[number / DESCRIPTOR_CHUNK]) : NULL;
}

static struct descriptor_chunk *chunk_make(struct descriptor_table *table, unsigned long index)
{
	struct descriptor_chunk *chunk = table->chunk[index];

	if (!chunk) {
		chunk = descriptor_chunk_create();
		if (chunk) {
			atomic_store_release(&table->chunk[index], chunk);
			table->chunk_end = MAX(table->chunk_end, (u32)index + 1);
		}
	}
	return chunk;
}

static long first_free(const struct descriptor_table *table, unsigned long from)
{
	const struct descriptor_chunk *first = from < DESCRIPTORS_MAX ? table->chunk[from / DESCRIPTOR_CHUNK] : NULL;

	if (likely(first && !bitmap_test(first->used, from % DESCRIPTOR_CHUNK)))
		return (long)from;
	while (from < DESCRIPTORS_MAX) {
		const struct descriptor_chunk *chunk = table->chunk[from / DESCRIPTOR_CHUNK];
		unsigned long base = ALIGN_DOWN(from, (unsigned long)DESCRIPTOR_CHUNK);

		if (!chunk)
			return (long)from;
		from = base + bitmap_find_zero(chunk->used, DESCRIPTOR_CHUNK, from - base);
		if (from < base + DESCRIPTOR_CHUNK)
			return (long)from;
	}
	return DESCRIPTORS_MAX;
}

static long take(struct descriptor_table *table, unsigned long number)
{
	struct descriptor_chunk *chunk = chunk_make(table, number / DESCRIPTOR_CHUNK);

	if (!chunk)
		return -ENOMEM;
	bitmap_set(chunk->used, number % DESCRIPTOR_CHUNK);
	if (number == table->lowest)
		table->lowest++;
	return (long)number;
}

long dtable_reserve(struct descriptor_table *table, unsigned long from, unsigned long limit)
{
	unsigned long number = (unsigned long)first_free(table, MAX(from, (unsigned long)table->lowest));

	if (number >= limit || number >= DESCRIPTORS_MAX)
		return -EMFILE;
	if (from <= table->lowest)
		table->lowest = (u32)number;
	return take(table, number);
}

long dtable_reserve_at(struct descriptor_table *table, unsigned long number)
{
	const struct descriptor_chunk *chunk = chunk_of(table, number);

	if (number >= DESCRIPTORS_MAX)
		return -EBADF;
	if (chunk && bitmap_test(chunk->used, number % DESCRIPTOR_CHUNK))
		return -EBUSY;
	return take(table, number);
}

void dtable_publish(struct descriptor_table *table, unsigned long number, u32 word)
{
	atomic_store_release(&chunk_of(table, number)->word[number % DESCRIPTOR_CHUNK], word);
}

u32 dtable_withdraw(struct descriptor_table *table, unsigned long number)
{
	struct descriptor_chunk *chunk = chunk_of(table, number);

	return chunk ? atomic_exchange(&chunk->word[number % DESCRIPTOR_CHUNK], 0u) : 0;
}

void dtable_free(struct descriptor_table *table, unsigned long number)
{
	bitmap_clear(chunk_of(table, number)->used, number % DESCRIPTOR_CHUNK);
	table->lowest = MIN(table->lowest, (u32)number);
}

bool dtable_change(struct descriptor_table *table, unsigned long number, u32 set, u32 clear)
{
	struct descriptor_chunk *chunk = chunk_of(table, number);
	u32 *word = chunk ? &chunk->word[number % DESCRIPTOR_CHUNK] : NULL;

	if (!word || !*word)
		return false;
	atomic_store_release(word, (*word | set) & ~clear);
	return true;
}

static unsigned long next_used(const struct descriptor_table *table, unsigned long from, bool open)
{
	while (from < (unsigned long)table->chunk_end * DESCRIPTOR_CHUNK) {
		const struct descriptor_chunk *chunk = table->chunk[from / DESCRIPTOR_CHUNK];
		unsigned long base = ALIGN_DOWN(from, (unsigned long)DESCRIPTOR_CHUNK);

		from = chunk ? base + bitmap_find_set(chunk->used, DESCRIPTOR_CHUNK, from - base) : base + DESCRIPTOR_CHUNK;
		if (from == base + DESCRIPTOR_CHUNK)
			continue;
		if ((chunk->word[from - base] != 0) == open)
			return from;
		from++;
	}
	return DESCRIPTORS_MAX;
}

unsigned long dtable_next_open(const struct descriptor_table *table, unsigned long from)
{
	return next_used(table, from, true);
}

unsigned long dtable_next_reserved(const struct descriptor_table *table, unsigned long from)
{
	return next_used(table, from, false);
}

long dtable_copy(struct descriptor_table *to, const struct descriptor_table *from)
{
	for (unsigned long n = dtable_next_open(from, 0); n < DESCRIPTORS_MAX; n = dtable_next_open(from, n + 1)) {
		if (dtable_reserve_at(to, n) < 0) {
			dtable_clear(to);
			return -ENOMEM;
		}
		dtable_publish(to, n, dtable_get(from, n));
	}
	return 0;
}

void dtable_clear(struct descriptor_table *table)
{
	for (unsigned i = 0; i < DESCRIPTOR_CHUNKS; i++) {
		if (table->chunk[i])
			descriptor_chunk_destroy(table->chunk[i]);
		table->chunk[i] = NULL;
	}
	table->lowest = table->chunk_end = 0;
}
