/*
 * What a program's own file server does for callers with real-time priorities: callers NAME. On Linux there are no such servers, and what must be true is printed;
 * on UX/RT it is found out.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "include/uxrt/server.h"

#define PATH "/callers"
#define MS   1000000L

struct shared {
	volatile int ready, received;
	volatile long order[8];
};

static struct shared *shared;

static int is_uxrt(void)
{
	return access("/proc/uxrt", F_OK) == 0;
}

static long now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void nap(long ns)
{
	nanosleep(&(struct timespec){ 0, ns }, NULL);
}

static void fifo(int priority)
{
	struct sched_param p = { .sched_priority = priority };

	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p))
		perror("sched_setscheduler");
}

static void on_one_core(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* ---- a server that needs 20 ms of the processor for each byte, and notes where it was read ---- */

static long handle(struct uxrt_request *request)
{
	switch (request->label) {
	case FILE_OPEN:
		return uxrt_opened(request, 1, 0100644);
	case FILE_READ:
		shared->order[shared->received++] = (long)request->m[1];
		for (long end = now(CLOCK_THREAD_CPUTIME_ID) + 20 * MS; now(CLOCK_THREAD_CPUTIME_ID) < end;)
			;
		return (long)uxrt_give(request, "x", 1);
	}
	return uxrt_unknown(request);
}

static void serves(void)
{
	if (uxrt_serve(PATH))
		_exit(1);
	shared->ready = 1;
	uxrt_serve_requests(handle);
	_exit(2);
}

/* All that follows is on one core. The server has no real-time priority of its own. */
static int begin(pid_t *server)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	on_one_core();
	*server = fork();
	if (!*server)
		serves();
	while (!shared->ready)
		nap(MS);
	return open(PATH, O_RDONLY);
}

static void end(pid_t server)
{
	kill(server, SIGKILL);
	while (wait(NULL) > 0)
		;
}

static pid_t spinner(int priority, long ns)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	fifo(priority);
	for (long stop = now(CLOCK_MONOTONIC) + ns; now(CLOCK_MONOTONIC) < stop;)
		;
	_exit(0);
}

static void reads_at(int fd, int priority, long offset)
{
	char byte;

	if (fork())
		return;
	if (priority)
		fifo(priority);
	_exit(pread(fd, &byte, 1, offset) != 1);
}

/* ---- the tests ---- */

/* 20 ms of work are done before the spinner, which is between caller and server, has had its second. */
static int in_time(int fd)
{
	char byte = 0;
	long start;

	fifo(50);
	spinner(30, 1000 * MS);
	nap(5 * MS);
	start = now(CLOCK_MONOTONIC);
	return pread(fd, &byte, 1, 0) == 1 && byte == 'x' && now(CLOCK_MONOTONIC) - start < 300 * MS;
}

/* The same for one that comes while the server is at work for a caller without a priority, which the spinner does hold up. */
static int in_time_behind_another(int fd)
{
	reads_at(fd, 0, 0);
	while (!shared->received)
		nap(MS);
	return in_time(fd);
}

/* Meanwhile three have come, the least first. */
static int by_priority(int fd)
{
	static const long expected[] = { 1, 30, 20, 10 };

	fifo(50);
	reads_at(fd, 0, 1);
	while (!shared->received)
		nap(MS);
	for (int priority = 10; priority <= 30; priority += 10) {
		reads_at(fd, priority, priority);
		nap(MS);
	}
	while (shared->received < 4)
		nap(MS);
	for (int i = 0; i < 4; i++)
		if (shared->order[i] != expected[i])
			return 0;
	return 1;
}

static const struct {
	const char *name;
	int (*test)(int);
} tests[] = {
	{ "in_time", in_time },
	{ "in_time_behind_another", in_time_behind_another },
	{ "by_priority", by_priority },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		pid_t server;
		int fd, result = 1;

		if (argc != 2 || strcmp(argv[1], tests[i].name))
			continue;
		if (is_uxrt()) {
			fd = begin(&server);
			result = tests[i].test(fd);
			end(server);
		}
		printf("%s: %s\n", argv[1], result ? "yes" : "no");
		return 0;
	}
	return 2;
}
