/*
 * Ends that others hang on: chains of processes of which each takes the next along, a vfork whose parent is killed meanwhile, a process in another's
 * memory; timers that would fire without end.
 */
#include "report.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define CHAIN 400 /* root's stack would not hold a call for each */

static int alive[2], ready[2];

/* True once nobody has the writing end any more. */
static int all_gone(void)
{
	char c;
	close(alive[1]);
	return read(alive[0], &c, 1) == 0;
}

static void start(void)
{
	if (pipe(alive) != 0 || pipe(ready) != 0)
		exit(98);
}

/* ---- chains ---- */

/* Each dies when its parent does. */
static void bound_chain(int left)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (left == 0)
		turn_post(ready[1]);
	else if (child() == 0)
		bound_chain(left - 1);
	pause();
}

static void death_signals(void)
{
	int status;
	start();
	pid_t first = child();
	if (first == 0)
		bound_chain(CHAIN);
	turn_wait(ready[0]);
	kill(first, SIGKILL);
	waitpid(first, &status, 0);
	show_status("the first", status);
	printf("all gone %d\n", all_gone());
}

/* Each is killed when its child ends: that is what its clone asked for. */
static void killing_chain(int left)
{
	if (left == 0) {
		turn_post(ready[1]);
		_exit(3);
	}
	if (syscall(SYS_clone, SIGKILL, 0, NULL, NULL, 0) == 0)
		killing_chain(left - 1);
	pause();
}

static void exit_signals(void)
{
	int status;
	start();
	pid_t first = child();
	if (first == 0)
		killing_chain(CHAIN);
	turn_wait(ready[0]);
	waitpid(first, &status, 0);
	show_status("the first", status);
	printf("all gone %d\n", all_gone());
}

/* ---- memory of another ---- */

/* Waits for its own child, which does not end. */
static pid_t waiter(void)
{
	pid_t pid = child();
	if (pid != 0)
		return pid;
	pid_t own = child();
	if (own == 0)
		for (;;)
			pause();
	turn_post(ready[1]);
	int status;
	pid_t ended = waitpid(own, &status, 0);
	printf("waitpid told of %s\n", ended == own ? "its own child" : "somebody else");
	fflush(stdout);
	_exit(0);
}

/* The records of what is gone must not be taken for those who come after. */
static void parent_of_vfork(void)
{
	pid_t waiters[8], pid;
	int status;
	start();
	int pids[2];
	if (pipe(pids) != 0)
		exit(98);
	pid_t parent = child();
	if (parent == 0) {
		if (vfork() == 0) {
			pid_t own = (pid_t)syscall(SYS_getpid);
			if (write(pids[1], &own, sizeof own) == sizeof own)
				for (;;)
					syscall(SYS_pause);
			_exit(1);
		}
		_exit(0);
	}
	if (read(pids[0], &pid, sizeof pid) != sizeof pid)
		exit(97);
	kill(parent, SIGKILL);
	waitpid(parent, &status, 0);
	show_status("the parent", status);
	for (int i = 0; i < 8; i++)
		waiters[i] = waiter();
	for (int i = 0; i < 8; i++)
		turn_wait(ready[0]);
	nap_ms(20);
	show("the child is there", kill(pid, SIGKILL));
	nap_ms(20);
	for (int i = 0; i < 8; i++)
		show("a waiter waits", waitpid(waiters[i], &status, WNOHANG));
	for (int i = 0; i < 8; i++) {
		kill(waiters[i], SIGKILL);
		waitpid(waiters[i], &status, 0);
	}
}

static char stack[65536];

static int stay(void *unused)
{
	while (!unused)
		syscall(SYS_pause);
	return 0;
}

/* What is told of the child must not show in the memory that they share. */
static void child_in_the_same_memory(void)
{
	pid_t self = getpid();
	pid_t pid = clone(stay, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
	int status;
	show("a group of its own", setpgid(pid, pid));
	printf("the parent is itself %d, in its group %d\n", getpid() == self, getpgrp() != pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	show_status("the child", status);
}

/* ---- timers ---- */

static volatile int alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

static void longest_intervals(void)
{
	struct itimerval once = { .it_interval = { 0x7fffffffffffffff, 999999 }, .it_value = { 0, 1000 } };
	struct itimerspec far = { .it_interval = { 0x7fffffffffffffff, 999999999 }, .it_value = { 0, 1000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;
	handle(SIGALRM, count_alarm, 0);
	handle(SIGUSR1, count_alarm, 0);
	show("setitimer", setitimer(ITIMER_REAL, &once, NULL));
	nap_ms(30);
	printf("alarms %d\n", alarms);
	show("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
	show("timer_settime", timer_settime(timer, 0, &far, NULL));
	nap_ms(30);
	printf("alarms %d\n", alarms);
}

/* Others get on whatever number of timers somebody has, and however short they are. */
static void fast_timers(void)
{
	struct itimerspec fast = { { 0, 1 }, { 0, 1 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timers[200];
	int made = 0, status;
	block(SIG_BLOCK, SIGUSR1);
	while (made < 200 && timer_create(CLOCK_MONOTONIC, &event, &timers[made]) == 0 && timer_settime(timers[made], 0, &fast, NULL) == 0)
		made++;
	printf("timers %d\n", made);
	for (int i = 0; i < 5; i++) {
		pid_t pid = child();
		if (pid == 0)
			_exit(i);
		waitpid(pid, &status, 0);
		show_status("a child", status);
	}
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(death_signals), PART(exit_signals), PART(parent_of_vfork), PART(child_in_the_same_memory),
		PART(longest_intervals), PART(fast_timers) };
	return RUN_PARTS(parts, argc, argv);
}
