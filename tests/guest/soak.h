/* What the parts of soak.c share: random numbers, a seat where each worker says what it is doing, and complaints. */
#ifndef TESTS_GUEST_SOAK_H
#define TESTS_GUEST_SOAK_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* One a worker, in memory that all share. */
struct seat {
	atomic_uint step;
	_Atomic(const char *) doing;
	atomic_int pid;
};

static struct seat *seat; /* the worker's own */
static unsigned long run_seed;
static int worker_number;
static uint64_t random_state;

static inline uint32_t rnd(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 16) % below;
}

/* Says what is wrong and ends the worker: in one write, so that lines stay whole. */
static void __attribute__((format(printf, 1, 2), noreturn)) fail(const char *format, ...)
{
	char text[512];
	va_list args;
	int n = snprintf(text, sizeof text, "FAIL soak seed %lu, worker %d, step %u, %s: ", run_seed, worker_number, seat ? seat->step : 0,
			 seat ? seat->doing : "?");

	va_start(args, format);
	n += vsnprintf(text + n, sizeof text - (size_t)n, format, args);
	va_end(args);
	n = n < (int)sizeof text - 1 ? n : (int)sizeof text - 2;
	text[n++] = '\n';
	(void)!write(1, text, (size_t)n);
	_exit(1);
}

#define MUST(condition) \
	do { \
		if (!(condition)) \
			fail("line %d: %s, errno %d", __LINE__, #condition, errno); \
	} while (0)

static inline void nap_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static inline pid_t make_child(void)
{
	pid_t pid = fork();

	MUST(pid >= 0);
	return pid;
}

/* The child ends so: exit status, or -signal. */
static inline void expect_end(pid_t pid, int expected)
{
	int status = 0, got;
	pid_t found;

	while ((found = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	MUST(found == pid);
	got = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	if (got != expected)
		fail("a child ended with %d, expected %d", got, expected);
}

static inline void start_thread(pthread_t *thread, void *(*function)(void *), void *argument)
{
	pthread_attr_t attributes;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	error = pthread_create(thread, &attributes, function, argument);
	if (error)
		fail("pthread_create: %d", error);
}

static inline int cores(void)
{
	static int count;

	if (!count)
		count = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return count;
}

static inline void move_to(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	MUST(sched_setaffinity(0, sizeof set, &set) == 0);
}

static inline void move_anywhere(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < cores(); i++)
		CPU_SET(i, &set);
	MUST(sched_setaffinity(0, sizeof set, &set) == 0);
}

static inline void *shared_pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

#endif
