/*
 * Random work on all cores for some time: soak SEED SECONDS [WORKERS]. Each round starts workers that do deeds at random, each of which knows what must come of
 * it; a hang is found by workers that no longer get on. On UX/RT all objects must be back after a round was done a few times (objects.h).
 * With 0 SECONDS there is one round, and nothing is counted. A seed gives the same work, though not the same interleaving. Prints a line a round, "FAIL ...", and at the end "ok soak".
 */
#include "objects.h"
#include "soak_files.h"
#include "soak_memory.h"
#include "soak_processes.h"
#include "soak_threads.h"

#include <ftw.h>
#include <sys/stat.h>

#define WORKERS_MAX 16
#define STEPS_MAX 24
#define HANG_SECONDS 100 /* without a step of any worker; the machine may be slow */
#define PLACE "/tmp/soak"

static const struct {
	const char *name;
	void (*run)(void);
} deeds[] = {
#define DEED(name) { #name, name }
	DEED(forks), DEED(execs), DEED(ends_of_threads), DEED(kills), DEED(stops), DEED(signal_turns), DEED(queued_signals),
	DEED(timer_signals), DEED(interrupted_reads), DEED(mutexes), DEED(barriers), DEED(futex_turns), DEED(futex_turns_of_processes),
	DEED(semaphores), DEED(robust_mutexes), DEED(vectors), DEED(bases_and_places), DEED(clocks), DEED(shootdowns), DEED(forks_of_one_moment),
	DEED(fresh_pages), DEED(shared_sums), DEED(mapped_files), DEED(pipe_streams), DEED(socket_streams), DEED(pipe_turns), DEED(socket_turns),
	DEED(passed_descriptors), DEED(events), DEED(timers), DEED(files), DEED(appends), DEED(looks_at_others), DEED(ptys),
};
#define DEEDS (sizeof deeds / sizeof *deeds)

static struct seat *seats;
static int workers = 5, rounds, failed, deeds_done;
static const char *only; /* one deed alone, by name */

static void work(int number)
{
	unsigned steps;

	worker_number = number;
	seat = &seats[number];
	random_state = run_seed * 1000003 + (unsigned long)number * 7919 + 88172645463325252ull;
	for (int i = 0; i < 8; i++)
		rnd(2);
	steps = STEPS_MAX / 2 + rnd(STEPS_MAX / 2);
	for (unsigned i = 0; i < steps; i++) {
		unsigned which = rnd(DEEDS);

		while (only && strcmp(deeds[which].name, only))
			which = (which + 1) % DEEDS;
		seat->doing = deeds[which].name;
		atomic_fetch_add(&seat->step, 1);
		if (rnd(4) == 0)
			move_to((int)rnd((uint32_t)cores()));
		deeds[which].run();
		move_anywhere();
	}
	_exit(0);
}

static unsigned steps_done(void)
{
	unsigned sum = 0;

	for (int i = 0; i < workers; i++)
		sum += seats[i].step;
	return sum;
}

/* ---- a hang: what everybody is doing ---- */

static void print_file(const char *path)
{
	char text[2048];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);

	if (n > 0)
		(void)!write(1, text, (size_t)n);
	close(fd);
}

static void tell_hang(void)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	char path[300];

	printf("FAIL soak seed %lu: no worker has made a step for %d seconds\n", run_seed, HANG_SECONDS);
	for (int i = 0; i < workers; i++)
		if (seats[i].pid)
			printf("  worker %d, process %d: step %u, %s\n", i, seats[i].pid, seats[i].step, seats[i].doing);
	fflush(stdout);
	while (directory && (entry = readdir(directory))) {
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		if (atoi(entry->d_name) > 0)
			print_file(path);
	}
}

/* ---- rounds ---- */

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int reap(void)
{
	int status, left = 0;

	for (int i = 0; i < workers; i++) {
		if (seats[i].pid && waitpid(seats[i].pid, &status, WNOHANG) == seats[i].pid) {
			if (status) {
				failed = 1;
				if (WIFSIGNALED(status))
					printf("FAIL soak seed %lu, worker %d, step %u, %s: it ended with signal %d\n", run_seed, i, seats[i].step,
					       seats[i].doing, WTERMSIG(status));
			}
			seats[i].pid = 0;
		}
		left += seats[i].pid != 0;
	}
	return left;
}

static void wait_for_workers(void)
{
	double since = seconds_now();
	unsigned last = steps_done();
	int left = workers, before = workers;

	while ((left = reap())) {
		nap_us(5000);
		if (steps_done() != last || left != before)
			since = seconds_now();
		last = steps_done();
		before = left;
		if (seconds_now() - since < HANG_SECONDS)
			continue;
		tell_hang();
		fflush(stdout);
		for (;;) /* whoever watches looks at the machine as it is */
			pause();
	}
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void play_round(void)
{
	memset(seats, 0, sizeof *seats * WORKERS_MAX);
	mkdir(PLACE, 0700);
	MUST(chdir(PLACE) == 0);
	fflush(stdout);
	for (int i = 0; i < workers; i++) {
		pid_t pid = make_child();

		if (pid == 0)
			work(i);
		seats[i].pid = pid;
	}
	wait_for_workers();
	deeds_done += (int)steps_done();
	rounds++;
	run_seed++;
	MUST(chdir("/") == 0);
	nftw(PLACE, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The same round each time: another one may need more of what is kept for the next than any before it. */
static void same_round(void *seed)
{
	run_seed = *(const unsigned long *)seed;
	play_round();
}

int main(int argc, char **argv)
{
	double end;
	int counted = argc > 2 && atof(argv[2]) > 0 && access("/proc/uxrt/objects", R_OK) == 0;

	if (argc == 3 && !strcmp(argv[1], "exit"))
		_exit(atoi(argv[2]));
	if (argc < 3) {
		fprintf(stderr, "usage: soak SEED SECONDS [WORKERS [DEED]]\n");
		return 2;
	}
	own_path = argv[0];
	setvbuf(stdout, NULL, _IOLBF, 0);
	run_seed = strtoul(argv[1], NULL, 0);
	if (argc > 3)
		workers = atoi(argv[3]) < WORKERS_MAX ? atoi(argv[3]) : WORKERS_MAX;
	only = argc > 4 ? argv[4] : NULL;
	seats = shared_pages(sizeof *seats * WORKERS_MAX);
	signal(SIGPIPE, SIG_IGN);
	if (counted)
		use_all_principals();
	end = seconds_now() + atof(argv[2]);
	do {
		unsigned long first = run_seed;

		if (counted)
			failed |= !leaves_nothing_within(RUNS_MAX, "objects and memory are back", same_round, &first);
		else
			play_round();
		printf("seed %lu: %d deeds so far\n", first, deeds_done);
	} while (!failed && seconds_now() < end);
	if (!failed)
		printf("ok soak\n");
	return failed;
}
