/*
 * Scheduling policies: what may be set by whom, what is read back, what fork keeps, and that a real-time thread runs before others.
 * calls: sched_setscheduler sched_getscheduler sched_setparam sched_getparam sched_setattr sched_getattr sched_rr_get_interval ioprio_get ioprio_set
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define ALICE 1000

struct attributes {
	unsigned size, policy;
	unsigned long flags;
	int nice;
	unsigned priority;
	unsigned long runtime, deadline, period;
	unsigned util_min, util_max;
};

static long set(pid_t pid, int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return syscall(SYS_sched_setscheduler, pid, policy, &p);
}

static long set_param(pid_t pid, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return syscall(SYS_sched_setparam, pid, &p);
}

static long set_attr(pid_t pid, unsigned policy, unsigned long flags, int nice, unsigned priority)
{
	struct attributes a = { .size = 48, .policy = policy, .flags = flags, .nice = nice, .priority = priority };

	return syscall(SYS_sched_setattr, pid, &a, 0);
}

static void show_all(const char *when)
{
	struct attributes a = { 0 };
	struct sched_param p = { .sched_priority = -1 };
	struct timespec t = { -1, -1 };
	long result = syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0);

	sched_getparam(0, &p);
	sched_rr_get_interval(0, &t);
	printf("%s: policy %lx, priority %d; attr %ld: policy %u flags %lx nice %d priority %u; nice %d, interval %ld\n", when,
	       syscall(SYS_sched_getscheduler, 0), p.sched_priority, result, a.policy, a.flags, a.nice, a.priority, getpriority(PRIO_PROCESS, 0),
	       t.tv_nsec);
}

/* ---- by root ---- */

static void of_root(void)
{
	show_all("first");
	SHOW(set(0, SCHED_FIFO, 50));
	show_all("fifo");
	SHOW(set_param(0, 99));
	SHOW(set_param(0, 0));
	SHOW(set_param(0, 100));
	SHOW(set(0, SCHED_RR, 1));
	show_all("rr");
	SHOW(set(0, SCHED_RR, 0));
	SHOW(set(0, SCHED_BATCH, 1));
	SHOW(set(0, SCHED_BATCH, 0));
	SHOW(setpriority(PRIO_PROCESS, 0, 5));
	show_all("batch");
	SHOW(set(0, SCHED_IDLE, 0));
	show_all("idle");
	SHOW(set(0, SCHED_OTHER, 0));
	show_all("other");
	SHOW(set(0, 7, 0));
	SHOW(set(0, -1, 0));
	SHOW(set(-1, SCHED_OTHER, 0));
	SHOW(set(30000, SCHED_OTHER, 0));
	SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL));
	SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8));
	SHOW(syscall(SYS_sched_getscheduler, -1));
	SHOW(syscall(SYS_sched_getscheduler, 30000));
	SHOW(syscall(SYS_sched_getparam, 0, NULL));
	SHOW(set(0, SCHED_FIFO | SCHED_RESET_ON_FORK, 3));
	show_all("reset on fork");
	SHOW(set_param(0, 4));
	show_all("parameter");
	if (!fork()) {
		show_all("child");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SHOW(set(0, SCHED_FIFO, 4));
	if (!fork()) {
		show_all("child that keeps");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void attributes(void)
{
	struct attributes a = { 0 };
	char large[200] = { 0 };

	SHOW(syscall(SYS_sched_getattr, 0, &a, 47, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &a, 48, 0));
	printf("%u\n", a.size);
	SHOW(syscall(SYS_sched_getattr, 0, &a, 56, 0));
	printf("%u\n", a.size);
	SHOW(syscall(SYS_sched_getattr, 0, large, 200, 0));
	printf("%u\n", *(unsigned *)large);
	SHOW(syscall(SYS_sched_getattr, 0, &a, 56, 1));
	SHOW(syscall(SYS_sched_getattr, -1, &a, 56, 0));
	SHOW(syscall(SYS_sched_getattr, 30000, &a, 56, 0));
	SHOW(syscall(SYS_sched_getattr, 0, NULL, 56, 0));
	a = (struct attributes){ .size = 0, .policy = SCHED_BATCH, .nice = 100 };
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	show_all("size 0");
	a.size = 20;
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	printf("%u\n", a.size);
	*(unsigned *)large = 200;
	SHOW(syscall(SYS_sched_setattr, 0, large, 0));
	large[199] = 1;
	SHOW(syscall(SYS_sched_setattr, 0, large, 0));
	SHOW(syscall(SYS_sched_setattr, 0, &a, 1));
	SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
	SHOW(set_attr(0, SCHED_RR, 1, 3, 7));
	show_all("rr");
	SHOW(set_attr(0, SCHED_OTHER, 8, 0, 9));
	show_all("policy kept");
	SHOW(set_attr(0, SCHED_FIFO, 16, 0, 0));
	show_all("parameters kept");
	SHOW(set_attr(0, SCHED_OTHER, 0, -3, 0));
	show_all("nice");
	SHOW(set_attr(0, SCHED_OTHER, 0x100, 0, 0));
	SHOW(set_attr(0, SCHED_OTHER, 0, 0, 1));
	SHOW(set_attr(0, 6, 0, 0, 0));
	SHOW(set_attr(0, 9, 0, 0, 0));
	SHOW(set_attr(30000, SCHED_OTHER, 0, 0, 0));
}

static void by_root(void)
{
	apart(of_root);
	apart(attributes);
}

/* ---- by others ---- */

static void limit(int which, rlim_t to)
{
	struct rlimit l = { to, to };

	setrlimit(which, &l);
}

static void without_limits(void)
{
	limit(RLIMIT_RTPRIO, 0);
	limit(RLIMIT_NICE, 0);
	setuid(ALICE);
	SHOW(set(0, SCHED_FIFO, 1));
	SHOW(set(0, SCHED_BATCH, 0));
	SHOW(set_attr(0, SCHED_OTHER, 0, 3, 0));
	SHOW(set_attr(0, SCHED_OTHER, 0, 2, 0));
	SHOW(set(0, SCHED_IDLE, 0));
	SHOW(set(0, SCHED_OTHER, 0));
	SHOW(set(getppid(), SCHED_OTHER, 0));
	show_all("in the end");
}

static void with_limits(void)
{
	limit(RLIMIT_RTPRIO, 10);
	limit(RLIMIT_NICE, 22);
	setuid(ALICE);
	SHOW(set(0, SCHED_FIFO, 11));
	SHOW(set(0, SCHED_FIFO, 10));
	SHOW(set_param(0, 11));
	SHOW(set_param(0, 3));
	SHOW(set(0, SCHED_RR | SCHED_RESET_ON_FORK, 5));
	SHOW(set(0, SCHED_RR, 5));
	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0));
	SHOW(set_attr(0, SCHED_OTHER, 1, -2, 0));
	SHOW(set_attr(0, SCHED_OTHER, 1, -3, 0));
	SHOW(set(0, SCHED_IDLE | SCHED_RESET_ON_FORK, 0));
	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0));
	show_all("in the end");
}

static void by_others(void)
{
	apart(without_limits);
	apart(with_limits);
}

/* ---- what it does ---- */

static volatile int *turn;

static void spins_then_says(int policy, int priority, int place)
{
	set(0, policy, priority);
	while (!turn[0])
		;
	for (volatile long i = 0; i < 2000000; i++)
		;
	turn[1 + turn[10]++] = place;
	_exit(0);
}

/* On one core, whoever is first of those that never block is done first. */
static void order(void)
{
	static const int policies[] = { SCHED_IDLE, SCHED_OTHER, SCHED_RR, SCHED_FIFO, SCHED_FIFO };
	static const int priorities[] = { 0, 0, 5, 20, 10 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	set(0, SCHED_FIFO, 50);
	turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 5; i++)
		if (!fork())
			spins_then_says(policies[i], priorities[i], i);
	turn[0] = 1;
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < 5; i++)
		printf("%d\n", turn[1 + i]);
}

/* A thread that never blocks does not keep a higher one from its timer, files and processes. */
static void above(void)
{
	struct timespec nap = { 0, 2000000 };
	int status, ends[2];
	char byte;
	pid_t spinner;

	turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	set(0, SCHED_FIFO, 50);
	pipe(ends);
	spinner = fork();
	if (!spinner) {
		set(0, SCHED_FIFO, 10);
		for (;;)
			;
	}
	for (int i = 0; i < 5; i++)
		nanosleep(&nap, NULL);
	if (!fork()) {
		write(ends[1], "x", 1);
		_exit(7);
	}
	read(ends[0], &byte, 1);
	wait(&status);
	printf("%c %d\n", byte, WEXITSTATUS(status));
	kill(spinner, SIGKILL);
	waitpid(spinner, &status, 0);
	printf("%d\n", WTERMSIG(status));
}

/* ---- shares of a processor ---- */

struct sharer {
	int policy, nice;
	volatile long done; /* turns of its loop */
	char pad[48];
};

static void on_one_core(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void computes(struct sharer *s)
{
	set(0, s->policy, 0);
	setpriority(PRIO_PROCESS, 0, s->nice);
	while (!*turn)
		;
	for (;;)
		s->done++;
}

/* Who computes beside each other for that long: how often the first did what each did. */
static void beside(const char *what, const struct sharer *who, int count, long ms)
{
	struct timespec nap = { ms / 1000, ms % 1000 * 1000000 }, start = { 0, 20000000 };
	struct sharer *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[4];

	turn = (int *)&s[10];
	for (int i = 0; i < count; i++) {
		s[i] = who[i];
		pids[i] = fork();
		if (!pids[i])
			computes(&s[i]);
	}
	nanosleep(&start, NULL);
	*turn = 1;
	nanosleep(&nap, NULL);
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("%s:", what);
	for (int i = 1; i < count; i++) {
		double ratio = (double)s[0].done / (double)(s[i].done ? s[i].done : 1);

		printf(" %s", ratio < 0.7 ? "less" : ratio < 1.4 ? "equal" : ratio < 2.4 ? "twice" : ratio < 3.8 ? "three times" : ratio < 7 ? "more" :
			      ratio < 13 ? "nine times" : ratio < 30 ? "far more" : "nearly all");
	}
	printf("\n");
	munmap(s, 4096);
}

static void shares(void)
{
	on_one_core();
	setpriority(PRIO_PROCESS, 0, -20);
	beside("nice 0, 0", (struct sharer[]){ { .policy = SCHED_OTHER, .nice = 0 }, { .policy = SCHED_OTHER, .nice = 0 } }, 2, 150);
	beside("nice 0, 5", (struct sharer[]){ { .policy = SCHED_OTHER, .nice = 0 }, { .policy = SCHED_OTHER, .nice = 5 } }, 2, 200);
	beside("nice 0, 10", (struct sharer[]){ { .policy = SCHED_OTHER, .nice = 0 }, { .policy = SCHED_OTHER, .nice = 10 } }, 2, 300);
	beside("nice 0, 19", (struct sharer[]){ { .policy = SCHED_OTHER, .nice = 0 }, { .policy = SCHED_OTHER, .nice = 19 } }, 2, 400);
	beside("nice -5, 0", (struct sharer[]){ { .policy = SCHED_OTHER, .nice = -5 }, { .policy = SCHED_OTHER, .nice = 0 } }, 2, 200);
	beside("nice 3, 3, 8", (struct sharer[]){ { .policy = SCHED_OTHER, .nice = 3 }, { .policy = SCHED_OTHER, .nice = 3 }, { .policy = SCHED_OTHER, .nice = 8 } }, 3, 300);
	beside("other, batch", (struct sharer[]){ { .policy = SCHED_OTHER, .nice = 0 }, { .policy = SCHED_BATCH, .nice = 0 } }, 2, 150);
	beside("batch 5, other 5", (struct sharer[]){ { .policy = SCHED_BATCH, .nice = 5 }, { .policy = SCHED_OTHER, .nice = 5 } }, 2, 150);
	beside("other, idle", (struct sharer[]){ { .policy = SCHED_OTHER, .nice = 0 }, { .policy = SCHED_IDLE, .nice = 0 } }, 2, 300);
}

/* All threads of the least weight get to run some time. */
static void the_least(void)
{
	struct timespec nap = { 1, 0 };
	struct sharer *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[2];

	on_one_core();
	setpriority(PRIO_PROCESS, 0, -20);
	turn = (int *)&s[10];
	*turn = 1;
	s[0] = (struct sharer){ .policy = SCHED_OTHER, .nice = 0 };
	s[1] = (struct sharer){ .policy = SCHED_OTHER, .nice = 19 };
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			computes(&s[i]);
	}
	nanosleep(&nap, NULL);
	printf("%d %d\n", s[0].done > 0, s[1].done > 0);
	for (int i = 0; i < 2; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}

/* Equals by a real-time priority: the first goes on, or they take turns. */
static void equals(void)
{
	static const int policies[] = { SCHED_FIFO, SCHED_RR };
	struct sharer *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec nap = { 0, 300000000 };
	pid_t pids[2];

	on_one_core();
	set(0, SCHED_FIFO, 50);
	for (int p = 0; p < 2; p++) {
		for (int i = 0; i < 2; i++) {
			s[i].done = 0;
			pids[i] = fork();
			if (!pids[i]) {
				set(0, policies[p], 20);
				for (;;)
					s[i].done++;
			}
		}
		nanosleep(&nap, NULL);
		printf("%d %d\n", s[0].done > 0, s[1].done > 0);
		for (int i = 0; i < 2; i++)
			kill(pids[i], SIGKILL);
		while (wait(NULL) > 0)
			;
	}
}

/* Beside three that compute, who sleeps for 5 ms again and again is not late by their slices each time. */
static void wakes(void)
{
	struct sharer *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec before, after, nap = { 0, 5000000 };
	long late = 0;
	pid_t pids[3];

	on_one_core();
	turn = (int *)&s[10];
	*turn = 1;
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (!pids[i])
			computes(&s[i]);
	}
	for (int n = 0; n < 20; n++) {
		clock_gettime(CLOCK_MONOTONIC, &before);
		nanosleep(&nap, NULL);
		clock_gettime(CLOCK_MONOTONIC, &after);
		late += (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000 - 5000;
	}
	for (int i = 0; i < 3; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("late: %s\n", late / 20 < 4000 ? "not much" : "too late");
}

/* ---- input and output ---- */

enum { IO_PROCESS = 1, IO_GROUP, IO_USER };
#define IO(class, level) ((class) << 13 | (level))

static long io_get(int which, int who)
{
	return syscall(SYS_ioprio_get, which, who);
}

static long io_set(int which, int who, int value)
{
	return syscall(SYS_ioprio_set, which, who, value);
}

static void show_io(const char *when)
{
	printf("%s: own %ld, group %ld, user %ld\n", when, io_get(IO_PROCESS, 0), io_get(IO_GROUP, 0), io_get(IO_USER, ALICE));
}

static void in_child(void (*deed)(void))
{
	fflush(stdout);
	if (!fork()) {
		deed();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void inherits_io(void)
{
	show_io("child");
	SHOW(io_set(IO_PROCESS, 0, IO(3, 7)));
	show_io("child, idle");
}

static void io_as_alice(void)
{
	setpgid(0, 0);
	SHOW(setresuid(ALICE, ALICE, ALICE));
	show_io("alice");
	SHOW(io_set(IO_PROCESS, 0, IO(1, 0)));
	SHOW(io_set(IO_PROCESS, 0, IO(2, 1)));
	SHOW(io_set(IO_PROCESS, getppid(), IO(2, 1)));
	SHOW(io_set(IO_GROUP, 0, IO(2, 3)));
	SHOW(io_set(IO_USER, 0, IO(2, 2)));
	SHOW(io_set(IO_USER, ALICE, IO(2, 5)));
	SHOW(io_get(IO_PROCESS, getppid()));
	show_io("alice, set");
}

static void try_io(int class, int level)
{
	long set = io_set(IO_PROCESS, 0, IO(class, level));

	printf("class %d level %d: %s\n", class, level, set ? strerror(errno) : "set");
	show_io("now");
}

static void io_values(void)
{
	setpgid(0, 0);
	show_io("first");
	SHOW(setpriority(PRIO_PROCESS, 0, 10));
	show_io("nice");
	SHOW(set(0, SCHED_IDLE, 0));
	show_io("SCHED_IDLE");
	SHOW(set(0, SCHED_FIFO, 10));
	show_io("SCHED_FIFO");
	SHOW(set(0, SCHED_OTHER, 0));
	for (int class = 0; class < 5; class++)
		for (int level = 0; level < 9; level += 4)
			try_io(class, level);
	SHOW(io_set(IO_PROCESS, 0, -1));
	SHOW(io_set(IO_PROCESS, 0, 1 << 16 | IO(2, 1)));
	SHOW(io_set(0, 0, IO(2, 1)));
	SHOW(io_set(4, 0, IO(2, 1)));
	SHOW(io_set(4, 0, IO(2, 9)));
	SHOW(io_get(0, 0));
	SHOW(io_get(4, 0));
	SHOW(io_get(IO_PROCESS, 30000));
	SHOW(io_set(IO_PROCESS, 30000, IO(2, 1)));
	SHOW(io_get(IO_PROCESS, -1));
	SHOW(io_get(IO_GROUP, 30000));
	SHOW(io_get(IO_USER, 12345));
	SHOW(io_set(IO_USER, 12345, IO(2, 1)));
	SHOW(io_set(IO_GROUP, 0, IO(2, 6)));
	show_io("group set");
	in_child(inherits_io);
	in_child(io_as_alice);
	show_io("last");
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { { "by_root", by_root }, { "by_others", by_others }, { "order", order }, { "above", above }, { "shares", shares },
					     { "the_least", the_least }, { "equals", equals }, { "wakes", wakes }, { "io_values", io_values } };

	return run_parts(parts, sizeof(parts) / sizeof(parts[0]), argc, argv);
}
