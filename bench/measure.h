/* How a row is measured: in ticks of the time stamp counter, which under QEMU's -icount shift=0 are instructions. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

static inline unsigned long ticks(void)
{
	unsigned low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (unsigned long)high << 32 | low;
}

/* A row does its operation n times and gives the ticks that took, without what it prepares and cleans up. */
struct row {
	const char *name, *shows;
	unsigned count; /* operations in a batch */
	unsigned long (*run)(unsigned n);
};

/* The tables of a program that measures; each ends with a row without a name. */
struct row_table {
	const struct row *rows;
	int uxrt_only;
	int long_rows; /* they take so long that one batch must do */
};

/* The program: see rows.c. */
int measure_tables(const struct row_table *tables, unsigned count, int argc, char **argv);

/* Prints what failed and ends the program: a row that does not do its work must not be measured. */
void fail(const char *what);
#define MUST(condition) ((condition) ? (void)0 : fail(#condition))

#endif
