/*
 * Rows that take two cores: what it costs that a caller is on another one than the caller before. Each is the shortest of its calls: by wall time because the
 * cores are threads of a host that does other things as well; counted in instructions because the cores run one after the other, and the shortest call has
 * none in it of a core that has no part in it. The native ones are UX/RT's alone; the pipe is there to compare them with.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"
#include "bench/rows.h"

static void pin(pid_t pid, int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	MUST(sched_setaffinity(pid, sizeof set, &set) == 0);
}

static unsigned long one(void (*call)(void))
{
	unsigned long start = ticks();

	call();
	return ticks() - start;
}

static unsigned long shortest(void (*call)(void), unsigned n)
{
	unsigned long best = ~0ul;

	for (unsigned i = 0; i < n; i++) {
		unsigned long took = one(call);

		best = took < best ? took : best;
	}
	return best * n;
}

static unsigned long row_same(unsigned n)
{
	native_prepare();
	pin(0, 0);
	return shortest(native_call, n);
}

struct turns {
	atomic_uint turn;
	unsigned long best[2];
};

/* Nobody else calls meanwhile; the other one waits on its core without a kernel call. */
static void take_turns(struct turns *turns, unsigned number, unsigned n)
{
	unsigned long best = ~0ul;

	pin(0, (int)number);
	for (unsigned i = 0; i < n; i++) {
		while (atomic_load(&turns->turn) % 2 != number)
			__builtin_ia32_pause();
		unsigned long took = one(native_call);
		best = took < best ? took : best;
		atomic_fetch_add(&turns->turn, 1);
	}
	turns->best[number] = best;
}

static unsigned long row_turns(unsigned n)
{
	struct turns *turns = mmap(NULL, sizeof *turns, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long both;
	int status;

	MUST(turns != MAP_FAILED);
	native_prepare();
	pid_t child = fork();
	if (child == 0) {
		take_turns(turns, 1, n);
		_exit(0);
	}
	take_turns(turns, 0, n);
	MUST(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	both = (turns->best[0] + turns->best[1]) / 2;
	munmap(turns, sizeof *turns);
	return both * n;
}

/* The only server that takes an interrupt: one that may run on no core but its own. */
static unsigned long pinned(void (*call)(void), unsigned n)
{
	unsigned long took;
	cpu_set_t any;

	native_prepare();
	pin(0, 0);
	pin(native_server(), 1);
	took = shortest(call, n);
	CPU_ZERO(&any);
	CPU_SET(0, &any);
	CPU_SET(1, &any);
	MUST(sched_setaffinity(native_server(), sizeof any, &any) == 0);
	return took;
}

static unsigned long row_pinned(unsigned n)
{
	return pinned(native_call, n);
}

static unsigned long row_pinned_word(unsigned n)
{
	return pinned(native_call_word, n);
}

static unsigned long row_pinned_words(unsigned n)
{
	return pinned(native_call_words, n);
}

static unsigned long row_pinned_data(unsigned n)
{
	return pinned(native_call_data, n);
}

static unsigned long row_pinned_shared(unsigned n)
{
	return pinned(native_call_shared, n);
}

/* A byte there and one back, each end on a core of its own. */
static unsigned long row_pipe(unsigned n)
{
	int there[2], back[2];
	unsigned long best = ~0ul;
	char byte = 'x';

	MUST(pipe(there) == 0 && pipe(back) == 0);
	pid_t child = fork();
	if (child == 0) {
		pin(0, 1);
		close(there[1]);
		close(back[0]);
		while (read(there[0], &byte, 1) == 1)
			MUST(write(back[1], &byte, 1) == 1);
		_exit(0);
	}
	pin(0, 0);
	close(there[0]);
	close(back[1]);
	for (unsigned i = 0; i < n; i++) {
		unsigned long start = ticks();

		MUST(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
		start = ticks() - start;
		best = start < best ? start : best;
	}
	close(there[1]);
	close(back[0]);
	MUST(child > 0 && waitpid(child, NULL, 0) == child);
	return best * n;
}

static const struct row native_core_rows[] = {
	{ "cross_same", "native call and answer in a machine of two cores: callers on one", 200, row_same },
	{ "cross_turns", "the same, callers on both in turn, server not pinned", 200, row_turns },
	{ "cross_pinned", "the same, server pinned to the other core", 200, row_pinned },
	{ "cross_pinned_8", "pinned, 8 bytes in registers both ways", 200, row_pinned_word },
	{ "cross_pinned_64", "pinned, 64 bytes in registers both ways", 200, row_pinned_words },
	{ "cross_pinned_4k", "pinned, 4 KiB copied from the client", 200, row_pinned_data },
	{ "cross_pinned_shared", "pinned, 1 MiB in memory that both map, the server looks at each page", 200, row_pinned_shared },
	{ 0 },
};

static const struct row core_rows[] = {
	{ "cross_pipe", "pipe round trip, 2 processes, each on a core of its own", 200, row_pipe },
	{ 0 },
};

int main(int argc, char **argv)
{
	static const struct row_table tables[] = { { .rows = native_core_rows, .uxrt_only = 1 }, { .rows = core_rows } };

	return measure_tables(tables, sizeof tables / sizeof *tables, argc, argv);
}
