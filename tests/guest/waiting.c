/*
 * Waiting for files: pipes that block and end, poll, select, epoll, eventfd, and what signals do to them.
 *
 * calls: epoll_create epoll_create1 eventfd eventfd2 pipe poll ppoll pselect6 select
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

static volatile int handled;

static void handler(int signal)
{
	(void)signal;
	handled++;
}

static void handle(int signal, int flags)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigaction(signal, &a, NULL);
}

static void nap(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0)
		;
}

/* The child does what the parent is to wait for. */
#define CHILD(...)                              \
	do {                                    \
		fflush(stdout);                 \
		if (fork() == 0) {              \
			__VA_ARGS__;            \
			_exit(0);               \
		}                               \
	} while (0)

static void pipes(void)
{
	static char big[300000];
	char c[10];
	int p[2], n;
	unsigned total = 0;

	SHOW(pipe(p));
	SHOW(fcntl(p[0], F_GETFL));
	SHOW(fcntl(p[1], F_GETFL));
	CHILD(nap(20); write(p[1], "late", 4));
	SHOW(read(p[0], c, sizeof c));
	wait(NULL);
	SHOW(fcntl(p[0], F_SETFL, O_NONBLOCK));
	SHOW(read(p[0], c, sizeof c));
	SHOW(read(p[0], c, 0));
	SHOW(fcntl(p[0], F_SETFL, 0));
	SHOW(fcntl(p[1], F_GETPIPE_SZ));
	SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
	SHOW(write(p[1], big, sizeof big));
	SHOW(write(p[1], "x", 1));
	SHOW(ioctl(p[0], FIONREAD, &n));
	printf("in it: %d\n", n);
	SHOW(read(p[0], big, 8192));
	SHOW(write(p[1], big, 4096));
	SHOW(write(p[1], big, 4096));
	SHOW(write(p[1], big, 4096));
	SHOW(fcntl(p[1], F_SETFL, 0));
	CHILD(close(p[0]); for (int i = 0; i < 10; i++) write(p[1], big, sizeof big / 10));
	close(p[1]);
	while ((n = read(p[0], big, 7777)) > 0)
		total += n;
	printf("read %u, end %d\n", total, n);
	wait(NULL);
	pipe(p);
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	SHOW(write(p[1], "x", 1));
	signal(SIGPIPE, SIG_DFL);
	CHILD(write(p[1], "x", 1));
	wait(&n);
	printf("killed by %d\n", WTERMSIG(n));
}

static void fifos(void)
{
	char c[10] = "";
	int r, w;

	SHOW(mkfifo("fifo", 0600));
	SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
	r = SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
	w = SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
	SHOW(write(w, "abc", 3));
	SHOW(read(r, c, 10));
	SHOW(read(r, c, 10));
	close(w);
	SHOW(read(r, c, 10));
	close(r);
	CHILD(nap(20); w = open("fifo", O_WRONLY); write(w, "hello", 5));
	r = SHOW(open("fifo", O_RDONLY));
	SHOW(read(r, c, 10));
	printf("%.5s\n", c);
	SHOW(read(r, c, 10));
	wait(NULL);
}

#define POLL(fds, n, ms) (SHOW(poll(fds, n, ms)), show_events(fds, n))

static void show_events(const struct pollfd *f, int n)
{
	for (int i = 0; i < n; i++)
		printf(" %x", f[i].revents);
	printf("\n");
}

static void polls(void)
{
	int p[2], q[2], file = open("file", O_RDWR | O_CREAT, 0600);
	struct pollfd f[5];
	char c;

	pipe(p);
	pipe(q);
	f[0] = (struct pollfd){ p[0], POLLIN, 99 };
	f[1] = (struct pollfd){ p[1], POLLOUT, 99 };
	f[2] = (struct pollfd){ file, POLLIN | POLLOUT | POLLPRI, 99 };
	f[3] = (struct pollfd){ 77, POLLIN, 99 };
	f[4] = (struct pollfd){ -1, POLLIN, 99 };
	POLL(f, 5, -1);
	POLL(f, 1, 0);
	POLL(f, 1, 10);
	f[1] = (struct pollfd){ q[0], POLLIN, 0 };
	CHILD(nap(20); write(q[1], "x", 1));
	POLL(f, 2, -1);
	wait(NULL);
	read(q[0], &c, 1);
	CHILD(nap(20); write(p[1], "x", 1));
	POLL(f, 2, 5000);
	wait(NULL);
	read(p[0], &c, 1);
	f[1] = f[0];
	f[1].events = 0;
	CHILD(nap(20); write(p[1], "y", 1));
	POLL(f, 2, -1);
	wait(NULL);
	close(p[1]);
	POLL(f, 2, -1);
	read(p[0], &c, 1);
	POLL(f, 2, -1);
	f[0] = (struct pollfd){ q[1], POLLOUT, 0 };
	close(q[0]);
	POLL(f, 1, -1);
	SHOW(poll(NULL, 0, 5));
	SHOW(poll(f, 100000000, 5));
}

static void signals(void)
{
	struct timespec second = { 1, 0 };
	int p[2];
	struct pollfd f;
	sigset_t none, usr1;
	char c;

	pipe(p);
	f = (struct pollfd){ p[0], POLLIN, 0 };
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	handle(SIGUSR1, 0);
	CHILD(nap(20); kill(getppid(), SIGUSR1));
	SHOW(read(p[0], &c, 1));
	wait(NULL);
	handle(SIGUSR1, SA_RESTART);
	CHILD(nap(20); kill(getppid(), SIGUSR1); nap(20); write(p[1], "r", 1));
	SHOW(read(p[0], &c, 1));
	wait(NULL);
	CHILD(nap(20); kill(getppid(), SIGUSR1));
	SHOW(poll(&f, 1, -1));
	wait(NULL);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	handled = 0;
	raise(SIGUSR1);
	SHOW(poll(&f, 1, 10));
	printf("handled %d\n", handled);
	SHOW(ppoll(&f, 1, &second, &none));
	printf("handled %d\n", handled);
	SHOW(ppoll(&f, 1, &(struct timespec){ 0, 1000000 }, &none));
	SHOW(ppoll(&f, 1, &(struct timespec){ 0, 1000000000 }, NULL));
	SHOW(ppoll(&f, 1, &(struct timespec){ -1, 0 }, NULL));
	raise(SIGUSR1);
	SHOW(pselect(0, NULL, NULL, NULL, &second, &none));
	printf("handled %d\n", handled);
	signal(SIGUSR1, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	CHILD(nap(20); kill(getppid(), SIGUSR1); nap(20); write(p[1], "i", 1));
	SHOW(read(p[0], &c, 1));
	wait(NULL);
	CHILD(nap(20); kill(getppid(), SIGUSR1));
	SHOW(poll(&f, 1, 50));
	wait(NULL);
}

static void show_set(const char *name, const fd_set *s, int n)
{
	printf("%s:", name);
	for (int i = 0; i < n; i++)
		if (FD_ISSET(i, s))
			printf(" %d", i);
	printf("\n");
}

static void selects(void)
{
	int p[2], q[2];
	fd_set r, w, x;
	struct timeval t = { 0, 20000 };

	pipe(p);
	pipe(q);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(p[0], &r);
	FD_SET(q[0], &r);
	SHOW(select(q[1] + 1, &r, NULL, NULL, &t));
	show_set("r", &r, 10);
	printf("left %d %d\n", (int)t.tv_sec, (int)t.tv_usec);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &x);
	SHOW(select(q[1] + 1, &r, &w, &x, NULL));
	show_set("r", &r, 10);
	show_set("w", &w, 10);
	show_set("x", &x, 10);
	FD_SET(p[0], &r);
	FD_SET(q[0], &r);
	CHILD(nap(20); write(q[1], "x", 1));
	t.tv_sec = 5;
	SHOW(select(q[1] + 1, &r, NULL, NULL, &t));
	show_set("r", &r, 10);
	printf("left %d\n", (int)t.tv_sec);
	wait(NULL);
	FD_ZERO(&r);
	FD_SET(60, &r);
	SHOW(select(61, &r, NULL, NULL, &t));
	SHOW(select(-1, NULL, NULL, NULL, &t));
	t.tv_sec = -1;
	SHOW(select(0, NULL, NULL, NULL, &t));
	FD_ZERO(&r);
	FD_SET(q[0], &r);
	close(q[1]);
	SHOW(select(q[0] + 1, &r, NULL, NULL, NULL));
}

#define WAIT(ep, ms) show_waited(ep, ms, 10)

static void show_waited(int ep, int ms, int max)
{
	struct epoll_event e[10];
	int n = epoll_wait(ep, e, max, ms);

	printf("epoll_wait %d:", n);
	for (int i = 0; i < n; i++)
		printf(" %x/%d", e[i].events, (int)e[i].data.u32);
	printf("%s\n", n < 0 ? strerror(errno) : "");
}

static int add(int ep, int op, int fd, unsigned events, int data)
{
	struct epoll_event e = { .events = events, .data.u32 = data };

	return epoll_ctl(ep, op, fd, &e);
}

static void epolls(void)
{
	int p[2], q[2], ep = SHOW(epoll_create1(EPOLL_CLOEXEC)), file = open("file", O_RDWR | O_CREAT, 0600), copy;
	char c[10];

	pipe(p);
	pipe(q);
	SHOW(epoll_create1(5));
	SHOW(epoll_create(0));
	SHOW(add(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	SHOW(add(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	SHOW(add(ep, EPOLL_CTL_ADD, file, EPOLLIN, 1));
	SHOW(add(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 1));
	SHOW(add(ep, EPOLL_CTL_ADD, 99, EPOLLIN, 1));
	SHOW(add(file, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	SHOW(add(ep, EPOLL_CTL_MOD, q[0], EPOLLIN, 1));
	SHOW(add(ep, EPOLL_CTL_DEL, q[0], EPOLLIN, 1));
	SHOW(add(ep, 77, q[0], EPOLLIN, 1));
	WAIT(ep, 0);
	WAIT(ep, 10);
	write(p[1], "ab", 2);
	WAIT(ep, -1);
	WAIT(ep, -1);
	read(p[0], c, 1);
	WAIT(ep, -1);
	read(p[0], c, 1);
	WAIT(ep, 0);
	SHOW(add(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET, 2));
	WAIT(ep, -1);
	WAIT(ep, 10);
	SHOW(add(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 3));
	CHILD(nap(20); write(p[1], "x", 1));
	WAIT(ep, 1000);
	wait(NULL);
	WAIT(ep, 10);
	write(p[1], "y", 1);
	WAIT(ep, 10);
	SHOW(add(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 4));
	WAIT(ep, 10);
	WAIT(ep, 10);
	SHOW(add(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 5));
	WAIT(ep, 10);
	SHOW(add(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	SHOW(add(ep, EPOLL_CTL_DEL, p[1], 0, 0));
	SHOW(add(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 6));
	CHILD(nap(20); write(q[1], "z", 1));
	WAIT(ep, -1);
	wait(NULL);
	SHOW(close(q[0]));
	WAIT(ep, 10);
	SHOW(dup2(p[0], q[0]) == q[0]);
	WAIT(ep, 10);
	SHOW(add(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 7));
	WAIT(ep, 10);
	SHOW(epoll_wait(ep, NULL, 0, 0));
	SHOW(epoll_wait(file, (struct epoll_event *)c, 1, 0));
	SHOW(epoll_wait(99, (struct epoll_event *)c, 1, 0));
	copy = dup(ep);
	close(ep);
	WAIT(copy, 10);
}

static void nested(void)
{
	int p[2], in = epoll_create1(0), out = epoll_create1(0), many[20][2];
	struct pollfd f = { out, POLLIN, 0 };

	pipe(p);
	SHOW(add(in, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	SHOW(add(out, EPOLL_CTL_ADD, in, EPOLLIN, 2));
	WAIT(out, 0);
	SHOW(poll(&f, 1, 10));
	CHILD(nap(20); write(p[1], "x", 1));
	SHOW(poll(&f, 1, -1));
	printf("%x\n", f.revents);
	wait(NULL);
	WAIT(out, 0);
	WAIT(in, 0);
	SHOW(add(in, EPOLL_CTL_DEL, p[0], 0, 0));
	SHOW(poll(&f, 1, 10));
	for (int i = 0; i < 20; i++) {
		pipe(many[i]);
		write(many[i][1], "x", 1);
		add(in, EPOLL_CTL_ADD, many[i][0], EPOLLIN, i);
	}
	unsigned seen = 0;
	for (int k = 0; k < 20; k++) {
		struct epoll_event e[3];
		int n = epoll_wait(in, e, 3, 0);

		for (int i = 0; i < n; i++)
			seen |= 1u << e[i].data.u32;
	}
	printf("seen %x\n", seen);
}

#define MANY 60

static void wait_many(int ep)
{
	struct epoll_event events[MANY];
	int n = epoll_wait(ep, events, MANY, 0);
	unsigned long sum = 0;

	for (int i = 0; i < n; i++)
		sum += events[i].data.u32;
	printf("many: %d, sum %lu\n", n, sum);
}

/* Lists that are waited for again and again while everything around them changes. */
static void lists(void)
{
	int p[2], q[2], r[2], many[MANY][2], one = epoll_create1(0), two = epoll_create1(0);
	struct pollfd polled = { .events = POLLIN };
	char c[4];

	pipe(p);
	pipe(q);
	pipe(r);
	polled.fd = r[0];
	add(one, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
	add(two, EPOLL_CTL_ADD, q[0], EPOLLIN, 2);
	WAIT(one, 10);
	WAIT(two, 10);
	WAIT(one, 10);
	CHILD(nap(20); write(p[1], "x", 1); write(q[1], "y", 1); write(r[1], "z", 1));
	SHOW(poll(&polled, 1, -1));
	wait(NULL);
	WAIT(two, -1);
	WAIT(one, -1);
	read(p[0], c, 1);
	WAIT(one, 10);
	CHILD(nap(20); write(p[1], "x", 1));
	WAIT(one, -1);
	wait(NULL);
	SHOW(add(one, EPOLL_CTL_DEL, p[0], 0, 0));
	WAIT(one, 10);
	SHOW(add(one, EPOLL_CTL_ADD, p[0], EPOLLIN, 3));
	WAIT(one, 10);
	read(p[0], c, 1);
	WAIT(one, 10);
	CHILD(nap(20); add(one, EPOLL_CTL_ADD, q[0], EPOLLIN, 4));
	WAIT(one, -1);
	wait(NULL);
	CHILD(add(one, EPOLL_CTL_MOD, q[0], EPOLLPRI, 5));
	wait(NULL);
	WAIT(one, 10);
	CHILD(WAIT(one, 10); write(p[1], "x", 1); WAIT(one, 10); fflush(stdout));
	WAIT(one, -1);
	wait(NULL);
	SHOW(add(one, EPOLL_CTL_ADD, p[1], EPOLLOUT, 6));
	read(p[0], c, 1);
	WAIT(one, 10);
	SHOW(add(one, EPOLL_CTL_MOD, p[1], EPOLLIN, 6));
	WAIT(one, 10);
	close(p[0]);
	WAIT(one, 10);
	SHOW(dup(r[0]) == p[0]);
	WAIT(one, 10);
	CHILD(close(q[0]); dup2(r[0], q[0]); WAIT(one, 10); fflush(stdout));
	wait(NULL);
	for (int i = 0; i < MANY; i++) {
		pipe(many[i]);
		add(two, EPOLL_CTL_ADD, many[i][0], EPOLLIN, 100 + (unsigned)i);
	}
	read(q[0], c, 1);
	wait_many(two);
	for (int i = 0; i < MANY; i += 7)
		write(many[i][1], "m", 1);
	wait_many(two);
	wait_many(two);
	for (int i = 0; i < MANY; i += 14)
		read(many[i][0], c, 1);
	wait_many(two);
	for (int i = 0; i < MANY; i += 5)
		close(many[i][0]);
	wait_many(two);
	for (int i = 1; i < MANY; i += 5)
		write(many[i][1], "m", 1);
	wait_many(two);
}

static void *adder(void *arg)
{
	int *v = arg;

	nap(20);
	add(v[0], EPOLL_CTL_ADD, v[1], EPOLLIN, 9);
	return NULL;
}

static void threads(void)
{
	int p[2], v[2];
	pthread_t t;
	char c;

	pipe(p);
	v[0] = epoll_create1(0);
	v[1] = p[0];
	write(p[1], "x", 1);
	pthread_create(&t, NULL, adder, v);
	WAIT(v[0], -1);
	pthread_join(t, NULL);
	read(p[0], &c, 1);
	CHILD(nap(20); write(p[1], "y", 1));
	WAIT(v[0], -1);
	wait(NULL);
}

static void eventfds(void)
{
	unsigned long v = 5;
	int e = SHOW(eventfd(3, 0)), s = SHOW(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
	struct pollfd f = { e, POLLIN | POLLOUT, 0 };

	POLL(&f, 1, 0);
	SHOW(read(e, &v, 8));
	printf("%lu\n", v);
	POLL(&f, 1, 0);
	SHOW(read(e, &v, 7));
	SHOW(write(e, &v, 4));
	v = ~0ul;
	SHOW(write(e, &v, 8));
	v = ~0ul - 1;
	SHOW(write(e, &v, 8));
	POLL(&f, 1, 0);
	SHOW(fcntl(e, F_SETFL, O_NONBLOCK));
	v = 1;
	SHOW(write(e, &v, 8));
	SHOW(read(e, &v, 8));
	SHOW(read(e, &v, 8));
	for (int i = 0; i < 3; i++) {
		SHOW(read(s, &v, 8));
		printf("%lu\n", v);
	}
	SHOW(fcntl(e, F_SETFL, 0));
	v = 42;
	CHILD(nap(20); write(e, &v, 8));
	v = 0;
	SHOW(read(e, &v, 8));
	printf("%lu\n", v);
	wait(NULL);
	SHOW(eventfd(0, 77));
	SHOW(lseek(e, 0, SEEK_CUR));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "pipes", pipes }, { "fifos", fifos }, { "polls", polls }, { "signals", signals }, { "selects", selects }, { "epolls", epolls },
		{ "nested", nested }, { "lists", lists }, { "threads", threads }, { "eventfds", eventfds },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
