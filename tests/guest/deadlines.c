/*
 * SCHED_DEADLINE: what may be asked for, what is read back, what fork and affinity make of it, and that who has so much time in each period has that and no more.
 * calls: sched_setattr sched_getattr
 */
#include <fcntl.h>
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

#define DEADLINE 6
#define MS 1000000ul

struct attributes {
	unsigned size, policy;
	unsigned long flags;
	int nice;
	unsigned priority;
	unsigned long runtime, deadline, period;
};

static long set_flags(pid_t pid, unsigned long flags, unsigned long runtime, unsigned long deadline, unsigned long period)
{
	struct attributes a = { .size = sizeof(a), .policy = DEADLINE, .flags = flags, .runtime = runtime, .deadline = deadline, .period = period };

	return syscall(SYS_sched_setattr, pid, &a, 0);
}

static long set(unsigned long runtime, unsigned long deadline, unsigned long period)
{
	return set_flags(0, 0, runtime, deadline, period);
}

static long set_policy(int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return syscall(SYS_sched_setscheduler, 0, policy, &p);
}

static void show_all(const char *when)
{
	struct attributes a = { 0 };
	struct sched_param p = { .sched_priority = -1 };
	struct timespec t = { -1, -1 };
	long result = syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0);

	sched_getparam(0, &p);
	sched_rr_get_interval(0, &t);
	printf("%s: policy %lx, priority %d; attr %ld: policy %u flags %lx nice %d priority %u, %lu %lu %lu; nice %d, interval %ld\n", when,
	       syscall(SYS_sched_getscheduler, 0), p.sched_priority, result, a.policy, a.flags, a.nice, a.priority, a.runtime, a.deadline, a.period,
	       getpriority(PRIO_PROCESS, 0), t.tv_nsec);
}

/* ---- what may be asked for ---- */

static void mistakes(void)
{
	struct attributes a = { .size = sizeof(a), .policy = DEADLINE, .priority = 1, .runtime = MS, .deadline = 10 * MS };

	SHOW(set(0, 10 * MS, 10 * MS));
	SHOW(set(1023, 10 * MS, 10 * MS));
	SHOW(set(1024, 10 * MS, 10 * MS));
	SHOW(set(11 * MS, 10 * MS, 20 * MS));
	SHOW(set(MS, 30 * MS, 20 * MS));
	SHOW(set(MS, 0, 20 * MS));
	SHOW(set(2000, 50000, 50000));
	SHOW(set(2000, 100000, 100000));
	SHOW(set(MS, 5000 * MS, 5000 * MS));
	SHOW(set(MS, 4194 * MS, 4194 * MS));
	SHOW(set(MS, 10 * MS, 1ul << 63));
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	SHOW(set_policy(DEADLINE, 0));
	SHOW(set_policy(DEADLINE, 1));
	SHOW(syscall(SYS_sched_get_priority_max, DEADLINE));
}

static void read_back(void)
{
	struct attributes a = { .size = sizeof(a), .flags = 8, .runtime = 3 * MS, .deadline = 50 * MS, .period = 60 * MS };

	SHOW(set(5 * MS, 50 * MS, 0));
	show_all("without a period");
	SHOW(set(5 * MS, 50 * MS, 100 * MS));
	show_all("with one");
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	show_all("policy kept");
	a = (struct attributes){ .size = sizeof(a), .policy = SCHED_OTHER, .flags = 16 };
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	show_all("parameters kept");
	SHOW(setpriority(PRIO_PROCESS, 0, 3));
	SHOW(set_policy(SCHED_RR, 5));
	show_all("rr");
	SHOW(set_flags(0, 1, 5 * MS, 50 * MS, 0));
	show_all("reset on fork");
	SHOW(set_policy(SCHED_OTHER, 0));
	show_all("other");
}

static void of_others(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_RTPRIO, &all);
	setuid(1000);
	SHOW(set(MS, 10 * MS, 10 * MS));
	show_all("as it was");
}

static void parameters(void)
{
	apart(mistakes);
	apart(read_back);
	apart(of_others);
}

/* ---- fork, affinity, too much ---- */

static void forks(void)
{
	int status;
	pid_t pid;

	SHOW(set(5 * MS, 50 * MS, 0));
	SHOW(fork());
	SHOW(set_flags(0, 1, 5 * MS, 50 * MS, 0));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		show_all("child");
		fflush(stdout);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	printf("%d\n", WEXITSTATUS(status));
	execl("/bin/sh", "sh", "-c", "cut -d' ' -f18,40,41 /proc/self/stat | sed 's/^/in a child of the program: /'; read a < /proc/$$/stat; set -- $a; shift 17; echo $1; shift 22; echo $1 $2", NULL);
}

static pid_t with(unsigned long runtime, unsigned long period, long *result)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	*result = set_flags(pid, 0, runtime, period, period);
	return pid;
}

/* 95 % of all there is. */
static void too_much(void)
{
	struct timespec period = { 0, 200000000 };
	long results[4];
	pid_t pids[4];
	int n = 0;

	pids[n] = with(40 * MS, 100 * MS, &results[n]), n++;
	pids[n] = with(54 * MS, 100 * MS, &results[n]), n++;
	pids[n] = with(2 * MS, 100 * MS, &results[n]), n++;
	for (int i = 0; i < 3; i++)
		printf("%ld\n", results[i]);
	kill(pids[0], SIGKILL);
	waitpid(pids[0], NULL, 0);
	nanosleep(&period, NULL); /* Linux takes it back when its period is over */
	SHOW(set_flags(pids[2], 0, 38 * MS, 100 * MS, 0));
	SHOW(set_flags(pids[2], 0, 42 * MS, 100 * MS, 0));
	SHOW(set_flags(pids[1], 0, 10 * MS, 100 * MS, 0));
	SHOW(set_flags(pids[2], 0, 80 * MS, 100 * MS, 0));
	kill(pids[1], SIGKILL);
	kill(pids[2], SIGKILL);
	while (wait(NULL) > 0)
		;
}

static void admission(void)
{
	apart(too_much);
	apart(forks);
}

/* ---- what it does ---- */

struct counters {
	volatile long deadline, other, yields;
};

static struct counters *counters(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static const char *share_class(long part, long whole)
{
	long percent = whole ? part * 100 / whole : 0;

	return percent < 3 ? "little" : percent < 20 ? "about a tenth" : percent < 40 ? "some" : percent < 65 ? "about half" : percent < 90 ? "most" : "nearly all";
}

static void spin_counting(volatile long *count)
{
	for (;;)
		++*count;
}

static void two_for(const char *what, unsigned long runtime, unsigned long period, long ms)
{
	struct timespec nap = { ms / 1000, ms % 1000 * 1000000 };
	struct counters *c = counters();
	pid_t other, deadline;

	set_policy(SCHED_FIFO, 1);
	deadline = fork();
	if (!deadline)
		spin_counting(&c->deadline);
	other = fork();
	if (!other) {
		set_policy(SCHED_OTHER, 0);
		spin_counting(&c->other);
	}
	if (set_flags(deadline, 0, runtime, period, period))
		printf("refused\n");
	nanosleep(&nap, NULL);
	kill(deadline, SIGKILL);
	kill(other, SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("%s: %s\n", what, share_class(c->deadline, c->deadline + c->other));
}

static void two(void)
{
	two_for("10 ms of 100", 10 * MS, 100 * MS, 300);
	two_for("50 ms of 100", 50 * MS, 100 * MS, 200);
}

/* A call to a server, or the kernel, is paid from the same budget. */
static void in_calls(void)
{
	struct timespec nap = { 0, 200000000 };
	struct counters *c = counters();
	pid_t other, deadline;
	char byte = 0;

	set_policy(SCHED_FIFO, 1);
	deadline = fork();
	if (!deadline) {
		int zero = open("/dev/zero", 0);

		for (;;)
			if (read(zero, &byte, 1) == 1)
				c->deadline++;
	}
	other = fork();
	if (!other) {
		set_policy(SCHED_OTHER, 0);
		spin_counting(&c->other);
	}
	set_flags(deadline, 0, 20 * MS, 100 * MS, 100 * MS);
	nanosleep(&nap, NULL);
	kill(deadline, SIGKILL);
	kill(other, SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("both had some: %d %d\n", c->deadline > 300, c->other > 30000);
}

/* sched_yield is the end of a period's work: about as many as there are periods. */
static void yields(void)
{
	struct timespec nap = { 0, 300000000 };
	struct counters *c = counters();
	pid_t pid = fork();

	if (!pid) {
		set(5 * MS, 20 * MS, 20 * MS);
		for (;;) {
			sched_yield();
			c->yields++;
		}
	}
	nanosleep(&nap, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%s\n", c->yields < 8 ? "few" : c->yields < 30 ? "one a period" : "many");
}

static void shares(void)
{
	apart(two);
}

static void calls(void)
{
	apart(in_calls);
	apart(yields);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { { "parameters", parameters }, { "admission", admission }, { "shares", shares }, { "calls", calls } };

	return run_parts(parts, sizeof(parts) / sizeof(parts[0]), argc, argv);
}
