/*
 * What every program that measures does: PROGRAM [NAME]...  prints a line a row: row NAME TICKS ENTRIES SWITCHES COPIED | what it shows
 *
 * Each row runs once to warm up, then in BATCHES batches (a long one in one); the median batch counts, so that a timer's tick in one of them does not. The
 * lines are printed when all is measured: who reads them does not run meanwhile.
 * ENTRIES, SWITCHES and COPIED, kernel entries, changes of address space and bytes that the kernel copied an operation, are "-" where the kernel does
 * not tell them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"

#define BATCHES 5

static const char *const counter_names[] = { "kernel_entries ", "address_space_switches ", "bytes_copied " };
#define COUNTERS (sizeof counter_names / sizeof *counter_names)

struct counters {
	unsigned long count[COUNTERS];
};

void fail(const char *what)
{
	fprintf(stderr, "failed: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static int read_counters(struct counters *c)
{
	int fd = open("/proc/uxrt/counters", O_RDONLY);
	char text[512];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	for (unsigned i = 0; i < COUNTERS; i++) {
		const char *found = strstr(text, counter_names[i]);

		if (!found)
			return 0;
		c->count[i] = strtoul(found + strlen(counter_names[i]), NULL, 10);
	}
	return 1;
}

static int compare(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return (x > y) - (x < y);
}

/* Per operation, with one decimal: a batch less an empty one, which holds what reading the counters costs. */
static void show_counter(unsigned long before, unsigned long after, unsigned long empty, unsigned n)
{
	unsigned long tenths = (after - before > empty ? after - before - empty : 0) * 10 / n;

	printf(" %lu.%lu", tenths / 10, tenths % 10);
}

static void measure(const struct row *row, int batches)
{
	unsigned long batch[BATCHES];
	struct counters a, b, c;

	row->run(row->count / 4 ? row->count / 4 : 1);
	for (int i = 0; i < batches; i++)
		batch[i] = row->run(row->count);
	qsort(batch, batches, sizeof *batch, compare);
	printf("row %s %lu", row->name, (batch[batches / 2] + row->count / 2) / row->count);
	if (read_counters(&a) && read_counters(&b)) {
		row->run(row->count);
		read_counters(&c);
		for (unsigned i = 0; i < COUNTERS; i++)
			show_counter(b.count[i], c.count[i], b.count[i] - a.count[i], row->count);
	} else {
		printf(" - - -");
	}
	printf(" | %s\n", row->shows);
}

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc < 2;
}

/*
 * In a process of its own, which writes to `lines`: what a row leaves behind, a large table of descriptors, say, is not what the next one's fork
 * copies.
 */
static int measure_apart(const struct row *row, int batches, int lines)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (dup2(lines, 1) != 1)
			_exit(1);
		measure(row, batches);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "%s: not measured\n", row->name);
		return 1;
	}
	return 0;
}

static void show_lines(int lines)
{
	char text[4096];
	ssize_t n;

	while ((n = read(lines, text, sizeof text)) > 0)
		fwrite(text, 1, (size_t)n, stdout);
}

int measure_tables(const struct row_table *tables, unsigned count, int argc, char **argv)
{
	int lines[2], uxrt = access("/proc/uxrt", F_OK) == 0, failed = 0; /* a pipe holds far more than all lines are */

	if (pipe2(lines, O_CLOEXEC))
		fail("pipe2");
	for (unsigned t = 0; t < count; t++)
		for (const struct row *row = tables[t].rows; row->name && (uxrt || !tables[t].uxrt_only); row++)
			if (wanted(row->name, argc, argv))
				failed |= measure_apart(row, tables[t].long_rows ? 1 : BATCHES, lines[1]);
	close(lines[1]);
	show_lines(lines[0]);
	return failed;
}
