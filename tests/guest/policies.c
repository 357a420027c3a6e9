/*
 * Scheduling policies: what may be set by whom, what is read back, what fork keeps, and that a real-time thread runs before others.
 * calls: sched_setscheduler sched_getscheduler sched_setparam sched_getparam sched_setattr sched_getattr sched_rr_get_interval
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

int main(int argc, char **argv)
{
	static const struct part parts[] = { { "by_root", by_root }, { "by_others", by_others }, { "order", order }, { "above", above } };

	return run_parts(parts, sizeof(parts) / sizeof(parts[0]), argc, argv);
}
