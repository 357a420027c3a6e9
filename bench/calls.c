/* Rows of single system calls, files and pipes. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/rows.h"

#define BLOCK 65536

static char block[BLOCK], other[BLOCK];

/* Must cost the same on every kernel: it measures the measuring. */
static unsigned long control_instructions(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++) {
		unsigned long left = 5000;

		__asm__ volatile("1: dec %0; jnz 1b" : "+r"(left));
	}
	return ticks() - start;
}

static unsigned long control_copy(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++) {
		unsigned long size = BLOCK, word;

		__asm__ volatile("1: mov -8(%2,%0), %1; mov %1, -8(%3,%0); sub $8, %0; jnz 1b"
		                 : "+r"(size), "=&r"(word) : "r"(block), "r"(other) : "memory");
	}
	return ticks() - start;
}

static unsigned long row_getppid(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++)
		getppid();
	return ticks() - start;
}

static unsigned long row_clock(unsigned n)
{
	struct timespec now;
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	return ticks() - start;
}

static unsigned long read_file(const char *path, size_t size, unsigned n)
{
	int fd = open(path, O_RDONLY);

	MUST(fd >= 0 && pread(fd, block, size, 0) == (ssize_t)size);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		MUST(pread(fd, block, size, 0) == (ssize_t)size);
	start = ticks() - start;
	close(fd);
	return start;
}

static unsigned long row_read_zero(unsigned n)
{
	int fd = open("/dev/zero", O_RDONLY);
	char byte;

	MUST(fd >= 0 && read(fd, &byte, 1) == 1);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		read(fd, &byte, 1);
	start = ticks() - start;
	close(fd);
	return start;
}

static unsigned long row_write_null(unsigned n)
{
	int fd = open("/dev/null", O_WRONLY);

	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		write(fd, "x", 1);
	start = ticks() - start;
	close(fd);
	return start;
}

static unsigned long row_stat(unsigned n)
{
	struct stat st;

	MUST(stat("/bench/true", &st) == 0);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		stat("/bench/true", &st);
	return ticks() - start;
}

static unsigned long row_stat_relative(unsigned n)
{
	struct stat st;

	MUST(chdir("/bench") == 0 && stat("true", &st) == 0);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		stat("true", &st);
	start = ticks() - start;
	MUST(chdir("/") == 0);
	return start;
}

static unsigned long row_fstat(unsigned n)
{
	struct stat st;
	int fd = open("/bench/true", O_RDONLY);

	MUST(fd >= 0 && fstat(fd, &st) == 0);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		fstat(fd, &st);
	start = ticks() - start;
	close(fd);
	return start;
}

static unsigned long row_open_close(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++) {
		int fd = open("/bench/true", O_RDONLY);

		MUST(fd >= 0);
		close(fd);
	}
	return ticks() - start;
}

static unsigned long row_create(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++) {
		int fd = open("/tmp/bench-new", O_WRONLY | O_CREAT | O_EXCL, 0600);

		MUST(fd >= 0 && write(fd, block, 4096) == 4096);
		close(fd);
		MUST(unlink("/tmp/bench-new") == 0);
	}
	return ticks() - start;
}

static void make_file(void)
{
	int fd = open("/tmp/bench-data", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	MUST(fd >= 0 && write(fd, block, BLOCK) == BLOCK);
	close(fd);
}

static unsigned long row_read_4k(unsigned n)
{
	make_file();
	return read_file("/tmp/bench-data", 4096, n);
}

static unsigned long row_read_64k(unsigned n)
{
	make_file();
	return read_file("/tmp/bench-data", BLOCK, n);
}

/* A child that answers each byte from one pipe with a byte on the other until its end. */
static pid_t echo_child(int from, int to, int other_from, int other_to)
{
	pid_t pid = fork();
	char byte;

	MUST(pid >= 0);
	if (pid)
		return pid;
	close(other_from);
	close(other_to);
	while (read(from, &byte, 1) == 1)
		write(to, &byte, 1);
	_exit(0);
}

static unsigned long row_pipe(unsigned n)
{
	int there[2], back[2];
	char byte = 'x';

	MUST(pipe(there) == 0 && pipe(back) == 0);
	pid_t pid = echo_child(there[0], back[1], there[1], back[0]);
	close(there[0]);
	close(back[1]);
	MUST(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		write(there[1], &byte, 1);
		MUST(read(back[0], &byte, 1) == 1);
	}
	start = ticks() - start;
	close(there[1]);
	close(back[0]);
	MUST(waitpid(pid, NULL, 0) == pid);
	return start;
}

/*
 * A byte to the other process, which waits for it: the core goes over to that one. Half a round trip, so that what writing and reading cost is in it; with both
 * processes on one core also where there are more.
 */
static unsigned long row_switch(unsigned n)
{
	cpu_set_t before, one;
	unsigned long used;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	MUST(sched_getaffinity(0, sizeof before, &before) == 0 && sched_setaffinity(0, sizeof one, &one) == 0);
	used = row_pipe(n / 2);
	MUST(sched_setaffinity(0, sizeof before, &before) == 0);
	return used;
}

/* A byte through ends[0] to another process, which sends it back through ends[1]. */
static unsigned long stream_round_trips(const int ends[2], unsigned n)
{
	char byte = 'x';
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		while (read(ends[1], &byte, 1) == 1)
			write(ends[1], &byte, 1);
		_exit(0);
	}
	close(ends[1]);
	MUST(write(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		write(ends[0], &byte, 1);
		MUST(read(ends[0], &byte, 1) == 1);
	}
	start = ticks() - start;
	close(ends[0]);
	MUST(waitpid(pid, NULL, 0) == pid);
	return start;
}

static unsigned long row_unix(unsigned n)
{
	int ends[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	return stream_round_trips(ends, n);
}

/* The same through a connection over the loopback interface, with TCP_NODELAY, as who sends small messages sets it. */
static unsigned long row_tcp(unsigned n)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM, 0), ends[2] = { socket(AF_INET, SOCK_STREAM, 0), -1 }, one = 1;
	socklen_t length = sizeof name;

	MUST(bind(listener, (struct sockaddr *)&name, length) == 0 && listen(listener, 1) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&name, &length) == 0 && connect(ends[0], (struct sockaddr *)&name, length) == 0);
	ends[1] = accept(listener, NULL, NULL);
	MUST(ends[1] >= 0 && close(listener) == 0);
	for (int i = 0; i < 2; i++)
		MUST(setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
	return stream_round_trips(ends, n);
}

#define IDLE_MAX 1000

/* Until the pipe that it watches has something, which is then read. */
static void wait_epoll(int epoll, int from)
{
	struct epoll_event event;
	char byte;

	MUST(epoll_wait(epoll, &event, 1, -1) == 1 && read(from, &byte, 1) == 1);
}

/* An epoll instance that watches the file and, at the end of its list, others on which nothing happens; idle[] are their descriptors. */
static int watch(int fd, int idle[], unsigned count)
{
	struct rlimit limit = { IDLE_MAX + 100, IDLE_MAX + 100 };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	MUST(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	MUST(!count || setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (unsigned i = 0; i < count; i++) {
		idle[i] = eventfd(0, 0);
		MUST(idle[i] >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, idle[i], &event) == 0);
	}
	return epoll;
}

/* Two processes wake each other out of epoll_wait by pipes: a way is half a round trip. */
static unsigned long wake_by_epoll(unsigned n, unsigned idle_count)
{
	int there[2], back[2], idle[IDLE_MAX];

	MUST(pipe(there) == 0 && pipe(back) == 0);
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		int epoll = watch(there[0], idle, idle_count);

		for (unsigned i = 0; i < n / 2 + 1; i++) {
			wait_epoll(epoll, there[0]);
			write(back[1], "x", 1);
		}
		_exit(0);
	}
	int epoll = watch(back[0], idle, idle_count);
	write(there[1], "x", 1);
	wait_epoll(epoll, back[0]);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n / 2; i++) {
		write(there[1], "x", 1);
		wait_epoll(epoll, back[0]);
	}
	start = ticks() - start;
	MUST(waitpid(pid, NULL, 0) == pid);
	close(epoll);
	for (unsigned i = 0; i < idle_count; i++)
		close(idle[i]);
	for (int i = 0; i < 2; i++) {
		close(there[i]);
		close(back[i]);
	}
	return start;
}

static unsigned long row_epoll(unsigned n)
{
	return wake_by_epoll(n, 0);
}

static unsigned long row_epoll_many(unsigned n)
{
	return wake_by_epoll(n, IDLE_MAX);
}

struct events {
	int there, back;
	unsigned count;
};

static void *answer_events(void *argument)
{
	struct events *e = argument;
	unsigned long value = 1;

	for (unsigned i = 0; i < e->count; i++) {
		MUST(read(e->there, &value, 8) == 8);
		MUST(write(e->back, &value, 8) == 8);
	}
	return NULL;
}

static unsigned long row_eventfd(unsigned n)
{
	struct events e = { eventfd(0, 0), eventfd(0, 0), n + 1 };
	unsigned long value = 1, start = 0;
	pthread_t thread;

	MUST(e.there >= 0 && e.back >= 0 && pthread_create(&thread, NULL, answer_events, &e) == 0);
	for (unsigned i = 0; i <= n; i++) {
		if (i == 1)
			start = ticks();
		MUST(write(e.there, &value, 8) == 8 && read(e.back, &value, 8) == 8);
	}
	start = ticks() - start;
	MUST(pthread_join(thread, NULL) == 0);
	close(e.there);
	close(e.back);
	return start;
}

/* What is written to ends[1] is read from ends[0]. */
static unsigned long blocks_through(const int ends[2], unsigned n)
{
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		for (unsigned i = 0; i < n; i++)
			for (ssize_t done = 0; done < BLOCK;)
				done += write(ends[1], block + done, BLOCK - done);
		_exit(0);
	}
	close(ends[1]);
	unsigned long start = ticks(), total = 0;
	for (ssize_t got; (got = read(ends[0], block, BLOCK)) > 0;)
		total += got;
	start = ticks() - start;
	close(ends[0]);
	MUST(waitpid(pid, NULL, 0) == pid && total == (unsigned long)n * BLOCK);
	return start;
}

static unsigned long row_pipe_64k(unsigned n)
{
	int ends[2];

	MUST(pipe(ends) == 0);
	return blocks_through(ends, n);
}

static unsigned long row_unix_64k(unsigned n)
{
	int ends[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	return blocks_through(ends, n);
}

static unsigned long row_poll(unsigned n)
{
	int ends[2];

	MUST(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
	struct pollfd p = { .fd = ends[0], .events = POLLIN };
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		MUST(poll(&p, 1, -1) == 1);
	start = ticks() - start;
	close(ends[0]);
	close(ends[1]);
	return start;
}

static volatile unsigned caught;

static void count_signal(int signal)
{
	(void)signal;
	caught++;
}

static unsigned long row_signal(unsigned n)
{
	struct sigaction act = { .sa_handler = count_signal };
	pid_t self = getpid();

	caught = 0;
	MUST(sigaction(SIGUSR1, &act, NULL) == 0);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		kill(self, SIGUSR1);
	start = ticks() - start;
	MUST(caught == n);
	return start;
}

static unsigned long row_sigaction(unsigned n)
{
	struct sigaction act = { .sa_handler = count_signal };
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++)
		MUST(sigaction(SIGUSR2, &act, NULL) == 0);
	return ticks() - start;
}

const struct row call_rows[] = {
	{ "control", "control: 10,000 user instructions", 100, control_instructions },
	{ "control-copy", "control: copy of 64 KiB in user space", 100, control_copy },
	{ "getppid", "getppid", 10000, row_getppid },
	{ "clock", "clock_gettime (vDSO)", 10000, row_clock },
	{ "read-zero", "read 1 byte of /dev/zero", 4000, row_read_zero },
	{ "write-null", "write 1 byte to /dev/null", 4000, row_write_null },
	{ "fstat", "fstat", 2000, row_fstat },
	{ "stat", "stat", 2000, row_stat },
	{ "stat-relative", "stat of a relative path", 2000, row_stat_relative },
	{ "open", "open + close", 2000, row_open_close },
	{ "create", "create + write 4 KiB + close + unlink", 500, row_create },
	{ "read-4k", "read 4 KiB of a cached file", 1000, row_read_4k },
	{ "read-64k", "read 64 KiB of a cached file", 200, row_read_64k },
	{ "pipe", "pipe round trip, 2 processes", 1000, row_pipe },
	{ "switch", "context switch one way: a byte through a pipe, both processes on one core", 2000, row_switch },
	{ "pipe-64k", "64 KiB through a pipe, 2 processes", 100, row_pipe_64k },
	{ "unix", "Unix stream round trip, 2 processes", 1000, row_unix },
	{ "tcp", "TCP loopback round trip, 2 processes", 1000, row_tcp },
	{ "unix-64k", "64 KiB through a Unix stream, 2 processes", 100, row_unix_64k },
	{ "epoll", "epoll wake, one way, 2 processes", 1000, row_epoll },
	{ "epoll-1000", "the same, 1,000 more descriptors in each list", 400, row_epoll_many },
	{ "eventfd", "eventfd round trip, 2 threads", 1000, row_eventfd },
	{ "poll", "poll of a ready pipe", 2000, row_poll },
	{ "signal", "signal to self, handler, return", 2000, row_signal },
	{ "sigaction", "sigaction", 4000, row_sigaction },
	{ 0 },
};
