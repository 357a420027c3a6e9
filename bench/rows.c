/*
 * The program that measures: rows [NAME]...  prints a line a row: row NAME TICKS ENTRIES SWITCHES | what it shows
 *
 * Each row runs once to warm up, then in BATCHES batches; the median batch counts, so that a timer's tick in one of them does not.
 * ENTRIES and SWITCHES, kernel entries and changes of address space an operation, are "-" where the kernel does not tell them.
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

struct counters {
	unsigned long entries, switches;
};

void fail(const char *what)
{
	printf("failed: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static int read_counters(struct counters *c)
{
	char text[512], *entries, *switches;
	int fd = open("/proc/uxrt/counters", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	entries = strstr(text, "kernel_entries ");
	switches = strstr(text, "address_space_switches ");
	if (!entries || !switches)
		return 0;
	c->entries = strtoul(entries + strlen("kernel_entries "), NULL, 10);
	c->switches = strtoul(switches + strlen("address_space_switches "), NULL, 10);
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

static void measure(const struct row *row)
{
	unsigned long batch[BATCHES];
	struct counters a, b, c;

	usleep(1000); /* who reads the last row's line is done with it */
	row->run(row->count / 4 ? row->count / 4 : 1);
	for (int i = 0; i < BATCHES; i++)
		batch[i] = row->run(row->count);
	qsort(batch, BATCHES, sizeof *batch, compare);
	printf("row %s %lu", row->name, (batch[BATCHES / 2] + row->count / 2) / row->count);
	if (read_counters(&a) && read_counters(&b)) {
		row->run(row->count);
		read_counters(&c);
		show_counter(b.entries, c.entries, b.entries - a.entries, row->count);
		show_counter(b.switches, c.switches, b.switches - a.switches, row->count);
	} else {
		printf(" - -");
	}
	printf(" | %s\n", row->shows);
	fflush(stdout);
}

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc < 2;
}

/* In a process of its own: what a row leaves behind, a large table of descriptors, say, is not what the next one's fork copies. */
static void measure_apart(const struct row *row)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		measure(row);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "%s: not measured\n", row->name);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const struct row *tables[] = { call_rows, process_rows, memory_rows, native_rows };
	unsigned count = sizeof tables / sizeof *tables - (access("/proc/uxrt", F_OK) != 0);

	for (unsigned t = 0; t < count; t++)
		for (const struct row *row = tables[t]; row->name; row++)
			if (wanted(row->name, argc, argv))
				measure_apart(row);
	return 0;
}
