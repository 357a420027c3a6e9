/* soak.c: processes that begin, end, are killed, stopped and sent signals. */
#ifndef TESTS_GUEST_SOAK_PROCESSES_H
#define TESTS_GUEST_SOAK_PROCESSES_H

#include "soak.h"

#include <sys/time.h>

static const char *own_path;

static void forks(void)
{
	pid_t pid[6];
	int n = 1 + (int)rnd(6);

	for (int i = 0; i < n; i++) {
		pid[i] = make_child();
		if (pid[i] == 0)
			_exit(i + 10);
	}
	for (int i = 0; i < n; i++)
		expect_end(pid[i], i + 10);
}

/* ---- a process of several threads ends or becomes another program ---- */

static void *restless(void *number)
{
	int ends[2];
	char byte;

	for (unsigned i = (unsigned)(uintptr_t)number;; i++) {
		switch (i % 4) {
		case 0:
			sched_yield();
			break;
		case 1:
			getppid();
			break;
		case 2:
			if (pipe(ends) == 0) {
				(void)!write(ends[1], "x", 1);
				(void)!read(ends[0], &byte, 1);
				close(ends[0]);
				close(ends[1]);
			}
			break;
		case 3:
			munmap(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0), 8192);
			break;
		}
	}
	return NULL;
}

static void start_restless(int n)
{
	for (int i = 0; i < n; i++) {
		pthread_t thread;

		start_thread(&thread, restless, (void *)(uintptr_t)i);
	}
}

static void ends_of_threads(void)
{
	int how = (int)rnd(3), threads = 1 + (int)rnd(4);
	long us = (long)rnd(2000);
	pid_t pid = make_child();

	if (pid == 0) {
		start_restless(threads);
		nap_us(us);
		if (how == 0)
			_exit(33);
		if (how == 1) {
			execl(own_path, "soak", "exit", "33", (char *)NULL);
			_exit(99);
		}
		restless(NULL);
	}
	if (how == 2) {
		nap_us(us);
		kill(pid, SIGKILL);
	}
	expect_end(pid, how == 2 ? -SIGKILL : 33);
}

static void execs(void)
{
	pid_t pid = rnd(2) ? make_child() : vfork();

	if (pid == 0) {
		execl(own_path, "soak", "exit", "34", (char *)NULL);
		_exit(99);
	}
	expect_end(pid, 34);
}

/* Whole groups of processes that start others are killed at any moment. */
static void kills(void)
{
	pid_t pid = make_child();
	int status;

	if (pid == 0) {
		setpgid(0, 0);
		for (;;) {
			pid_t other = fork();

			if (other == 0)
				restless((void *)1);
			nap_us(500);
			kill(other, SIGKILL);
			waitpid(other, &status, 0);
		}
	}
	setpgid(pid, pid);
	nap_us((long)rnd(3000));
	kill(-pid, SIGKILL);
	expect_end(pid, -SIGKILL);
}

/* One that is stopped does nothing more, wherever it runs, until it is told to go on. */
static void stops(void)
{
	atomic_long *counter = shared_pages(4096);
	pid_t pid = make_child();
	int status = 0;
	long seen;

	if (pid == 0)
		for (;;)
			atomic_fetch_add(counter, 1);
	while (*counter == 0)
		sched_yield();
	for (int i = 0; i < 3; i++) {
		MUST(kill(pid, SIGSTOP) == 0);
		MUST(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		seen = *counter;
		nap_us(300);
		if (*counter != seen)
			fail("a stopped process counted from %ld to %ld", seen, *counter);
		MUST(kill(pid, SIGCONT) == 0);
		while (*counter == seen)
			sched_yield();
	}
	kill(pid, SIGKILL);
	expect_end(pid, -SIGKILL);
	munmap((void *)counter, 4096);
}

/* ---- signals ---- */

static atomic_int signals_seen;

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals_seen, 1);
}

static void catch(int number, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(number, &action, NULL);
	signals_seen = 0;
}

/* Two processes send each other a signal in turn: none is lost. */
static void signal_turns(void)
{
	sigset_t one, before, none;
	pid_t parent = getpid(), pid;

	catch(SIGUSR1, 0);
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigprocmask(SIG_BLOCK, &one, &before);
	none = before;
	sigdelset(&none, SIGUSR1);
	pid = make_child();
	for (int i = 0; i < 50; i++) {
		if (pid)
			kill(pid, SIGUSR1);
		while (signals_seen == i)
			sigsuspend(&none);
		if (!pid)
			kill(parent, SIGUSR1);
	}
	if (pid == 0)
		_exit(signals_seen == 50 ? 0 : 1);
	expect_end(pid, 0);
	MUST(signals_seen == 50);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGUSR1, SIG_DFL);
}

/* Real-time signals queue: all arrive, in order. */
static void queued_signals(void)
{
	pid_t parent = getpid(), pid;
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = make_child();
	if (pid == 0) {
		for (int i = 0; i < 30; i++)
			MUST(sigqueue(parent, SIGRTMIN + 2, (union sigval){ .sival_int = i }) == 0);
		_exit(0);
	}
	for (int i = 0; i < 30; i++) {
		int got;

		while ((got = sigwaitinfo(&set, &info)) < 0 && errno == EINTR)
			;
		MUST(got == SIGRTMIN + 2);
		if (info.si_value.sival_int != i)
			fail("queued signal %d came as number %d", info.si_value.sival_int, i);
	}
	expect_end(pid, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* A timer's signals come to a thread that computes and to one that waits. */
static void timer_signals(void)
{
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };

	catch(SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &every, NULL);
	if (rnd(2))
		while (signals_seen < 5)
			;
	else
		while (signals_seen < 5)
			pause();
	setitimer(ITIMER_REAL, &off, NULL);
	signal(SIGALRM, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
}

static int blocked_pipe[2];
static atomic_int reader_tid;

static void *blocked_reader(void *unused)
{
	char byte = 0;

	reader_tid = (int)syscall(SYS_gettid);
	for (;;) {
		ssize_t n = read(blocked_pipe[0], &byte, 1);

		if (n == 1)
			return unused;
		MUST(n < 0 && errno == EINTR);
	}
}

/* Signals for a thread that is about to block, blocked, or about to go on: each ends a read or comes before it. */
static void interrupted_reads(void)
{
	pthread_t reader;
	int want = 10;

	catch(SIGUSR2, 0);
	MUST(pipe(blocked_pipe) == 0);
	reader_tid = 0;
	start_thread(&reader, blocked_reader, NULL);
	while (!reader_tid)
		sched_yield();
	for (int i = 0; i < want; i++) {
		MUST(syscall(SYS_tgkill, getpid(), reader_tid, SIGUSR2) == 0);
		while (signals_seen == i)
			sched_yield();
	}
	MUST(write(blocked_pipe[1], "x", 1) == 1);
	MUST(pthread_join(reader, NULL) == 0);
	MUST(signals_seen == want);
	close(blocked_pipe[0]);
	close(blocked_pipe[1]);
	signal(SIGUSR2, SIG_DFL);
}

#endif
