// sources: kernel/arch/vector.c
/*
 * Whose vector registers are where: threads run on three cores in random order, are declared vector-free, begin anew, are taken off a core and end. The unit
 * of each core is a number. They go over as on the fast path (vector_fast.h) or as elsewhere. What a thread has put into it, it must find there, on whatever core; a thread that has none must find nobody's, or be trapped.
 */
#include "check.h"
#include "random.h"

#include <stdlib.h>

#include "kernel/arch/vector_fast.h"
#include "kernel/log.h"

#define CORES   3
#define THREADS 6
#define STEPS   300000

struct core boot_core;
struct core *host_core;
struct machine machine;
struct cpu_features cpu_features;
struct thread *root_thread;
struct vector_area vector_initial;
u64 host_physmap;

static struct core core[CORES];
static u64 unit[CORES];          /* what is in the registers */
static bool trap[CORES];
static struct thread *thread[THREADS], *idle[CORES], *running[CORES];
static u64 has[THREADS];         /* what a thread has put into them; 0: nothing since it began */
static u64 next_value, traps, own_exceptions, moves;

u64 arch_clock_ns(void) { return 0; }
noreturn void panic(const char *format, ...)
{
	printf("FAIL panic: expected none, got %s\n", format);
	abort();
}

void vector_unit_save(struct vector_area *area)
{
	CHECK(!trap[host_core->number]); /* FXSAVE would trap in the kernel */
	memcpy(area->bytes, &unit[host_core->number], sizeof(u64));
}

void vector_unit_load(struct vector_area *area)
{
	CHECK(!trap[host_core->number]);
	memcpy(&unit[host_core->number], area->bytes, sizeof(u64));
}

void vector_state_save(struct vector_area *area)
{
	vector_unit_save(area);
}

void vector_state_load(struct vector_area *area)
{
	vector_unit_load(area);
}

void vector_unit_trap(bool on)
{
	CHECK(trap[host_core->number] != on);
	trap[host_core->number] = on;
}

static struct thread *make(void)
{
	struct thread *t = aligned_alloc(1 << THREAD_SIZE_BITS, 1 << THREAD_SIZE_BITS);

	memset(t, 0, 1 << THREAD_SIZE_BITS);
	return t;
}

static int core_of(const struct thread *t)
{
	for (int c = 0; c < CORES; c++)
		if (running[c] == t)
			return c;
	return -1;
}

static void go_over(unsigned c, struct thread *next)
{
	struct thread *prev = running[c];

	if (prev != idle[c] && next != idle[c] && rnd(4))
		vector_switch_fast(&core[c], prev, next);
	else
		vector_switch(&core[c], next);
	core[c].current = running[c] = next;
}

/* A vector instruction that reads, and one that writes. */
static void use(unsigned c, unsigned i)
{
	if (trap[c] && !vector_trap(&core[c], thread[i])) {
		CHECK(thread[i]->vector_free && trap[c]);
		own_exceptions++;
		return;
	}
	traps += !thread[i]->vector_free;
	CHECK(!thread[i]->vector_free && !trap[c]);
	CHECK_EQ(unit[c], has[i]);
	if (rnd(2))
		unit[c] = has[i] = ++next_value;
}

/* XSAVE, which some CPUs do in spite of the trap. */
static void look_round_the_trap(unsigned c, unsigned i)
{
	if (!cpu_features.eager_vectors || thread[i] == root_thread)
		return;
	CHECK_EQ(unit[c], thread[i]->vector_free ? 0 : has[i]);
}

static void begin_anew(unsigned i)
{
	arch_vector_forget(thread[i]);
	memset(thread_vector_area(thread[i]), 0, 64);
	has[i] = 0;
}

/* Another core has it deleted: what ran there is idle, though its core does not know yet. */
static void take_off(unsigned c, unsigned i)
{
	core[c].current = running[c] = idle[c];
	host_core = &core[(c + 1) % CORES];
	begin_anew(i);
	thread[i]->vector_free = i && rnd(3) == 0;
}

static void step(void)
{
	unsigned c = (unsigned)rnd(CORES), i = (unsigned)rnd(THREADS);
	int where = core_of(thread[i]);

	host_core = &core[c];
	if (where < 0 && rnd(4) == 0) {
		go_over(c, idle[c]);
	} else if (where < 0 && rnd(8) == 0) {
		begin_anew(i);
		thread[i]->vector_free = !i || rnd(3) == 0;
	} else if (where < 0) {
		moves++;
		go_over(c, thread[i]);
	} else if (rnd(20) == 0 && i) {
		take_off((unsigned)where, i);
	} else {
		host_core = &core[where];
		look_round_the_trap((unsigned)where, i);
		if (i)
			use((unsigned)where, i);
		look_round_the_trap((unsigned)where, i);
	}
}

static void play(bool eager)
{
	cpu_features.eager_vectors = eager;
	traps = own_exceptions = moves = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		thread[i] = make();
		has[i] = 0;
	}
	thread[0]->vector_free = 1;
	root_thread = thread[0];
	for (unsigned c = 0; c < CORES; c++) {
		idle[c] = make();
		idle[c]->vector_free = 1;
		core[c] = (struct core){ .number = c, .idle = idle[c], .current = idle[c], .vector_trap = true, .vector_lazy = !eager };
		running[c] = idle[c];
		unit[c] = 0;
		trap[c] = true;
	}
	for (unsigned n = 0; n < STEPS && !CHECK_FAILED(); n++)
		step();
	CHECK(traps > 10000 && own_exceptions > 1000 && moves > 10000);
	for (unsigned i = 0; i < THREADS; i++)
		free(thread[i]);
	for (unsigned c = 0; c < CORES; c++)
		free(idle[c]);
}

static void what_a_thread_has_in_the_registers_goes_with_it_where_they_are_loaded_with_it(void)
{
	play(true);
}

static void what_a_thread_has_in_the_registers_goes_with_it_where_they_are_loaded_by_the_trap(void)
{
	play(false);
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 20261129);
	RUN(what_a_thread_has_in_the_registers_goes_with_it_where_they_are_loaded_with_it);
	RUN(what_a_thread_has_in_the_registers_goes_with_it_where_they_are_loaded_by_the_trap);
	return check_result();
}
