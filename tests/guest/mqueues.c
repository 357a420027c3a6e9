/*
 * POSIX message queues.
 *
 * calls: fork mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink
 */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

static void nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0)
		;
}

static struct timespec in(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static struct mq_attr attr_of(long most, long size)
{
	return (struct mq_attr){ .mq_maxmsg = most, .mq_msgsize = size };
}

static void show_attr(mqd_t q)
{
	struct mq_attr a;

	SHOW(mq_getattr(q, &a));
	printf("flags %ld most %ld size %ld now %ld\n", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
}

static void take(mqd_t q, size_t size)
{
	char text[100] = "";
	unsigned priority = 99;
	long n;

	errno = 0;
	n = mq_receive(q, text, size, &priority);
	printf("%ld %s priority %u%s%s\n", n, text, priority, n < 0 ? " " : "", n < 0 ? strerror(errno) : "");
}

static int ready(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static void orders(void)
{
	struct mq_attr a = attr_of(4, 50);
	mqd_t q = mq_open("/orders", O_CREAT | O_RDWR | O_EXCL, 0640, &a);

	OK(q);
	SHOW(fcntl(q, F_GETFD));
	show_attr(q);
	SHOW(ready(q));
	SHOW(mq_send(q, "low", 4, 1));
	SHOW(mq_send(q, "high", 5, 30));
	SHOW(mq_send(q, "low again", 10, 1));
	SHOW(ready(q));
	SHOW(mq_send(q, "highest", 8, 32767));
	SHOW(ready(q));
	show_attr(q);
	take(q, 49);
	take(q, 50);
	take(q, 100);
	take(q, 100);
	take(q, 100);
	SHOW(ready(q));
	SHOW(mq_send(q, "", 0, 0));
	take(q, 100);
	SHOW(mq_send(q, "x", 1, 32768));
	static char big[51];
	SHOW(mq_send(q, big, 51, 0));
	SHOW(mq_close(q));
	SHOW(mq_unlink("/orders"));
	SHOW(mq_unlink("/orders"));
}

static void openings(void)
{
	struct mq_attr a = attr_of(10, 100), flags = { .mq_flags = O_NONBLOCK }, old;
	mqd_t q, r, w;

	SHOW(mq_open("/none", O_RDONLY));
	q = mq_open("/openings", O_CREAT | O_RDWR, 0600, NULL);
	OK(q);
	show_attr(q);
	SHOW(mq_open("/openings", O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
	r = mq_open("/openings", O_RDONLY | O_NONBLOCK);
	w = mq_open("/openings", O_WRONLY | O_CREAT, 0600, &a);
	show_attr(r);
	SHOW(mq_send(r, "x", 1, 0));
	take(w, 8192);
	take(r, 8192);
	SHOW(mq_send(w, "through", 8, 3));
	take(r, 8192);
	SHOW(mq_setattr(q, &flags, &old));
	printf("old flags %ld\n", old.mq_flags);
	show_attr(q);
	SHOW(fcntl(q, F_GETFL) & O_NONBLOCK);
	take(q, 8192);
	flags.mq_flags = 0;
	SHOW(mq_setattr(q, &flags, NULL));
	flags.mq_flags = 1;
	SHOW(mq_setattr(q, &flags, NULL));
	SHOW(mq_unlink("/openings"));
	SHOW(mq_open("/openings", O_RDWR));
	SHOW(mq_send(w, "unlinked", 9, 0));
	take(q, 8192);
	SHOW(mq_close(q) | mq_close(r) | mq_close(w));
	SHOW(mq_send(w, "x", 1, 0));
	SHOW(mq_getattr(99, &a));
	SHOW(mq_send(1, "x", 1, 0));
	SHOW(mq_getattr(0, &a));
	a = attr_of(0, 10);
	SHOW(mq_open("/bad", O_CREAT | O_RDWR, 0600, &a));
	a = attr_of(10, -1);
	SHOW(mq_open("/bad", O_CREAT | O_RDWR, 0600, &a));
	a = attr_of(70000, 10);
	SHOW(mq_open("/bad", O_CREAT | O_RDWR, 0600, &a));
	SHOW(syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, NULL));
	SHOW(syscall(SYS_mq_open, "..", O_CREAT | O_RDWR, 0600, NULL));
	SHOW(syscall(SYS_mq_open, "", O_CREAT | O_RDWR, 0600, NULL));
	SHOW(syscall(SYS_mq_open, (void *)8, O_CREAT | O_RDWR, 0600, NULL));
	SHOW(syscall(SYS_mq_open, "fault", O_CREAT | O_RDWR, 0600, (void *)8));
	if (fork() == 0) {
		setresuid(1000, 1000, 1000);
		a = attr_of(11, 100);
		SHOW(mq_open("/limited", O_CREAT | O_RDWR, 0600, &a));
		a = attr_of(10, 8193);
		SHOW(mq_open("/limited", O_CREAT | O_RDWR, 0600, &a));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void handler(int signal)
{
	(void)signal;
}

static void waiting(void)
{
	struct mq_attr a = attr_of(2, 20);
	mqd_t q = mq_open("/waiting", O_CREAT | O_RDWR, 0600, &a);
	struct timespec soon = in(50), past = { 1, 0 }, wrong = { 1, 2000000000 };
	struct sigaction act = { .sa_handler = handler };
	char c[20];

	fflush(stdout);
	if (fork() == 0) {
		nap(30);
		mq_send(q, "late", 5, 2);
		nap(30);
		take(q, 20);
		nap(20);
		fflush(stdout);
		_exit(0);
	}
	take(q, 20);
	SHOW(mq_send(q, "a", 2, 0));
	SHOW(mq_send(q, "b", 2, 0));
	SHOW(mq_send(q, "c", 2, 0));
	wait(NULL);
	take(q, 20);
	take(q, 20);
	SHOW(mq_timedreceive(q, c, 20, NULL, &soon));
	SHOW(mq_timedreceive(q, c, 20, NULL, &past));
	SHOW(mq_timedreceive(q, c, 20, NULL, &wrong));
	SHOW(mq_send(q, "1", 2, 0));
	SHOW(mq_send(q, "2", 2, 0));
	soon = in(30);
	SHOW(mq_timedsend(q, "3", 2, 0, &soon));
	SHOW(mq_timedsend(q, "3", 2, 0, &past));
	SHOW(mq_timedreceive(q, c, 20, NULL, &past));
	SHOW(mq_timedsend(q, "3", 2, 0, &past));
	SHOW(mq_timedsend(q, "3", 2, 0, &wrong));
	sigaction(SIGALRM, &act, NULL);
	ualarm(30000, 0);
	SHOW(mq_send(q, "4", 2, 0));
	mq_receive(q, c, 20, NULL);
	mq_receive(q, c, 20, NULL);
	ualarm(30000, 0);
	SHOW(mq_receive(q, c, 20, NULL));
	/* epoll */
	struct epoll_event e = { EPOLLIN, { .u32 = 4 } };
	int ep = epoll_create1(0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, q, &e));
	SHOW(epoll_wait(ep, &e, 1, 10));
	fflush(stdout);
	if (fork() == 0) {
		nap(20);
		mq_send(q, "e", 2, 0);
		_exit(0);
	}
	SHOW(epoll_wait(ep, &e, 1, 2000));
	wait(NULL);
	mq_close(q);
	mq_unlink("/waiting");
}

static void told(int signal, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %d code %d value %d from %d\n", signal, info->si_code, info->si_int, info->si_pid != getpid());
	fflush(stdout);
}

static void notices(void)
{
	struct mq_attr a = attr_of(4, 20);
	mqd_t q = mq_open("/notices", O_CREAT | O_RDWR, 0600, &a), second;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 55 };
	struct sigevent none = { .sigev_notify = SIGEV_NONE }, bad = { .sigev_notify = 77 };
	struct sigaction act = { .sa_sigaction = told, .sa_flags = SA_SIGINFO };
	char c[20];

	sigaction(SIGUSR1, &act, NULL);
	SHOW(mq_notify(q, &event));
	SHOW(mq_notify(q, &event));
	fflush(stdout);
	if (fork() == 0) {
		SHOW(mq_notify(q, &none));
		SHOW(mq_notify(q, NULL));
		fflush(stdout);
		mq_send(q, "n", 2, 0);
		_exit(0);
	}
	wait(NULL);
	SHOW(mq_notify(q, &event)); /* it was used up; the queue is not empty, so nothing is told */
	mq_send(q, "n", 2, 0);
	mq_receive(q, c, 20, NULL);
	mq_receive(q, c, 20, NULL);
	mq_send(q, "n", 2, 0);
	mq_receive(q, c, 20, NULL);
	SHOW(mq_notify(q, &none));
	SHOW(mq_notify(q, NULL));
	SHOW(mq_notify(q, &event));
	SHOW(mq_notify(q, NULL));
	SHOW(mq_notify(q, &bad));
	second = mq_open("/notices", O_RDWR);
	SHOW(mq_notify(q, &event));
	mq_close(second); /* any descriptor of it */
	SHOW(mq_notify(q, &none));
	SHOW(mq_notify(99, &event));
	SHOW(mq_notify(1, &event));
	if (fork() == 0) {
		mq_notify(q, NULL);
		_exit(0);
	}
	wait(NULL);
	SHOW(mq_notify(q, NULL));
	if (fork() == 0) {
		mq_notify(q, &event);
		_exit(0);
	}
	wait(NULL);
	nap(10);
	SHOW(mq_notify(q, &none));
	/* a waiting receiver gets the message, and nobody is told */
	mq_notify(q, NULL);
	mq_notify(q, &event);
	fflush(stdout);
	if (fork() == 0) {
		mq_receive(q, c, 20, NULL);
		puts(c);
		fflush(stdout);
		_exit(0);
	}
	nap(30);
	mq_send(q, "taken", 6, 0);
	wait(NULL);
	puts("end");
	mq_unlink("/notices");
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { { "orders", orders }, { "openings", openings }, { "waiting", waiting }, { "notices", notices } };

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
