/* The kernel's own function names, for panics: the table that tools/symbols makes (its header describes the layout). */
#include "kernel/symbols.h"

struct symbol_entry {
	u64 address;
	u32 name, zero;
};

struct symbol_table {
	u32 count, zero;
	struct symbol_entry entry[];
};

extern const u8 ksyms_start[], ksyms_end[], kernel_start[], rodata_start[]; /* linker script; text is from the third to the fourth */

/* The last entry at or below the address; -1: none. */
static long find(const struct symbol_table *table, u64 address)
{
	long low = 0, high = (long)table->count;

	while (low < high) {
		long middle = (low + high) / 2;

		if (table->entry[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

const char *symbol_name(u64 address, u64 *offset)
{
	const struct symbol_table *table = (const struct symbol_table *)ksyms_start;
	long found;

	if (&ksyms_start[0] == &ksyms_end[0] || address < (u64)kernel_start || address >= (u64)rodata_start)
		return NULL;
	found = find(table, address);
	if (found < 0)
		return NULL;
	*offset = address - table->entry[found].address;
	return (const char *)&table->entry[table->count] + table->entry[found].name;
}
