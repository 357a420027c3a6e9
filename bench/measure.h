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

/* Each ends with a row without a name. native_rows are UX/RT's alone. */
extern const struct row call_rows[], process_rows[], memory_rows[], native_rows[];

/* Prints what failed and ends the program: a row that does not do its work must not be measured. */
void fail(const char *what);
#define MUST(condition) ((condition) ? (void)0 : fail(#condition))

#endif
