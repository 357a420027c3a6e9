/*
 * Descriptors that report events: timerfd, signalfd. Times are rounded to what both systems must agree on.
 *
 * calls: fstatfs signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define MS 1000000l

static struct itimerspec after(long ms, long interval_ms)
{
	return (struct itimerspec){ { interval_ms / 1000, interval_ms % 1000 * MS }, { ms / 1000, ms % 1000 * MS } };
}

static void nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * MS };

	while (nanosleep(&t, &t) < 0)
		;
}

static long ms_of(struct timespec t)
{
	return t.tv_sec * 1000 + (t.tv_nsec + MS - 1) / MS;
}

static void handler(int signal)
{
	(void)signal;
}

static int ready(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	poll(&p, 1, ms);
	return p.revents;
}

static void timers(void)
{
	struct itimerspec t, old;
	uint64_t n = 77;
	int fd = SHOW(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));

	nap(1100); /* the clock is past its first second, which is subtracted below */
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL));
	SHOW(timerfd_gettime(fd, &t));
	printf("%ld %ld\n", ms_of(t.it_value), ms_of(t.it_interval));
	SHOW(read(fd, &n, 8));
	SHOW(read(fd, &n, 7));
	SHOW(ready(fd, 0));
	t = after(50, 0);
	SHOW(timerfd_settime(fd, 0, &t, NULL));
	t = after(100, 20);
	SHOW(timerfd_settime(fd, 0, &t, &old));
	printf("old %d %ld\n", ms_of(old.it_value) > 40 && ms_of(old.it_value) <= 50, ms_of(old.it_interval));
	SHOW(ready(fd, 50));
	SHOW(ready(fd, 1000));
	SHOW(read(fd, &n, 8));
	printf("count %lu\n", n);
	SHOW(read(fd, &n, 8));
	nap(110);
	SHOW(read(fd, &n, sizeof n));
	printf("count %d\n", n >= 5 && n <= 6);
	SHOW(timerfd_gettime(fd, &t));
	printf("%d %ld\n", ms_of(t.it_value) > 0 && ms_of(t.it_value) <= 20, ms_of(t.it_interval));
	t = after(0, 20);
	SHOW(timerfd_settime(fd, 0, &t, &old));
	printf("old interval %ld\n", ms_of(old.it_interval));
	nap(50);
	SHOW(read(fd, &n, 8));
	SHOW(timerfd_gettime(fd, &t));
	printf("disarmed %ld %ld\n", ms_of(t.it_value), ms_of(t.it_interval));
	SHOW(fcntl(fd, F_SETFL, 0));
	t = after(30, 0);
	SHOW(timerfd_settime(fd, 0, &t, NULL));
	SHOW(read(fd, &n, 8));
	printf("count %lu\n", n);
	SHOW(timerfd_gettime(fd, &t));
	printf("over %ld\n", ms_of(t.it_value));
	clock_gettime(CLOCK_MONOTONIC, &t.it_value);
	t.it_interval = (struct timespec){ 0 };
	t.it_value.tv_sec -= 1;
	SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	SHOW(ready(fd, 1000));
	SHOW(read(fd, &n, 8));
	printf("past %lu\n", n);
	clock_gettime(CLOCK_MONOTONIC, &t.it_value);
	t.it_interval = (struct timespec){ 0, 100 * MS };
	t.it_value.tv_sec -= 1;
	SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	SHOW(ready(fd, 1000));
	SHOW(read(fd, &n, 8));
	printf("periods of the past %lu\n", n);
	close(fd);
}

static void timer_errors(void)
{
	struct itimerspec t = after(10, 0);
	int fd = SHOW(timerfd_create(CLOCK_REALTIME, 0)), p[2];

	SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	SHOW(timerfd_create(12345, 0));
	SHOW(timerfd_create(CLOCK_REALTIME, 1));
	SHOW(timerfd_settime(fd, 4, &t, NULL));
	SHOW(timerfd_settime(fd, 0, NULL, NULL));
	t.it_value.tv_nsec = 1000 * MS;
	SHOW(timerfd_settime(fd, 0, &t, NULL));
	t.it_value.tv_nsec = -1;
	SHOW(timerfd_settime(fd, 0, &t, NULL));
	t = after(10, 0);
	pipe(p);
	SHOW(timerfd_settime(p[0], 0, &t, NULL));
	SHOW(timerfd_gettime(p[0], &t));
	SHOW(timerfd_settime(99, 0, &t, NULL));
	SHOW(timerfd_gettime(99, &t));
	SHOW(timerfd_gettime(fd, NULL));
	SHOW(write(fd, &t, 8));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(pread(fd, &t, 8, 0));
	SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, (void *)1));
	char link[64] = "";
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	SHOW(readlink(path, link, sizeof link));
	puts(link);
}

/* Shared over fork, in epoll, in select; EINTR. */
static void timers_shared(void)
{
	struct itimerspec t = after(30, 0);
	struct epoll_event e = { EPOLLIN | EPOLLET, { .u32 = 5 } };
	int fd = timerfd_create(CLOCK_BOOTTIME, 0), ep = epoll_create1(0), status;
	uint64_t n = 0;
	fd_set set;

	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	SHOW(timerfd_settime(fd, 0, &t, NULL));
	SHOW(epoll_wait(ep, &e, 1, 1000));
	printf("%x %u\n", e.events, e.data.u32);
	SHOW(epoll_wait(ep, &e, 1, 10));
	SHOW(timerfd_settime(fd, 0, &t, NULL));
	SHOW(epoll_wait(ep, &e, 1, 1000));
	fflush(stdout);
	if (fork() == 0) {
		SHOW(read(fd, &n, 8));
		t = after(40, 0);
		SHOW(timerfd_settime(fd, 0, &t, NULL));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	SHOW(select(fd + 1, &set, NULL, NULL, &(struct timeval){ 1, 0 }));
	SHOW(read(fd, &n, 8));
	printf("count %lu\n", n);
	struct sigaction a = { .sa_handler = handler };
	sigaction(SIGALRM, &a, NULL);
	ualarm(20000, 0);
	SHOW(read(fd, &n, 8));
}

/* ---- signalfd ---- */

static sigset_t set_of(int a, int b)
{
	sigset_t s;

	sigemptyset(&s);
	if (a)
		sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	return s;
}

static void show_info(const struct signalfd_siginfo *i)
{
	printf("signal %u code %d from self %d uid %u int %d ptr %lx status %d errno %d\n", i->ssi_signo, i->ssi_code,
	       i->ssi_pid == (unsigned)getpid(), i->ssi_uid, i->ssi_int, (long)i->ssi_ptr, i->ssi_status, i->ssi_errno);
}

static void signals(void)
{
	sigset_t set = set_of(SIGUSR1, SIGRTMIN + 3), chld = set_of(SIGCHLD, 0);
	struct signalfd_siginfo info[4];
	int fd;

	sigprocmask(SIG_BLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	fd = SHOW(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL));
	SHOW(read(fd, info, sizeof info));
	SHOW(ready(fd, 0));
	SHOW(kill(getpid(), SIGUSR1));
	SHOW(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 11 }));
	SHOW(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 12 }));
	SHOW(ready(fd, 0));
	SHOW(read(fd, info, 127));
	SHOW(read(fd, info, 2 * sizeof *info + 5));
	show_info(&info[0]);
	show_info(&info[1]);
	SHOW(read(fd, info, sizeof info));
	show_info(&info[0]);
	SHOW(read(fd, info, sizeof info));
	SHOW(ready(fd, 0));
	SHOW(signalfd(fd, &chld, 0) == fd);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(9);
	SHOW(ready(fd, 2000));
	SHOW(read(fd, info, sizeof info));
	printf("child %d: ", info[0].ssi_pid == (unsigned)child);
	show_info(&info[0]);
	wait(NULL);
	SHOW(raise(SIGUSR1));
	SHOW(read(fd, info, sizeof info));
	sigset_t pending;
	sigpending(&pending);
	printf("still pending %d\n", sigismember(&pending, SIGUSR1));
	SHOW(write(fd, info, 128));
	SHOW(lseek(fd, 0, SEEK_SET));
}

static void *sender(void *arg)
{
	nap(30);
	(void)arg;
	kill(getpid(), SIGUSR2);
	return NULL;
}

/* Waiting: read, poll, epoll in one thread while another sends; the child of a fork reads its own signals. */
static void signals_waited_for(void)
{
	sigset_t set = set_of(SIGUSR2, SIGTERM), old;
	struct signalfd_siginfo info;
	struct epoll_event e = { EPOLLIN, { .u32 = 6 } };
	pthread_t thread;
	int fd, ep = epoll_create1(0), status;

	sigprocmask(SIG_BLOCK, &set, &old);
	fd = signalfd(-1, &set, 0);
	pthread_create(&thread, NULL, sender, NULL);
	SHOW(read(fd, &info, sizeof info));
	show_info(&info);
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, sender, NULL);
	SHOW(ready(fd, 3000));
	SHOW(read(fd, &info, sizeof info));
	pthread_join(thread, NULL);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	pthread_create(&thread, NULL, sender, NULL);
	SHOW(epoll_wait(ep, &e, 1, 3000));
	printf("%x %u\n", e.events, e.data.u32);
	SHOW(read(fd, &info, sizeof info));
	pthread_join(thread, NULL);
	SHOW(epoll_wait(ep, &e, 1, 10));
	SHOW(raise(SIGTERM));
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		SHOW(ready(fd, 0));
		raise(SIGUSR2);
		SHOW(read(fd, &info, sizeof info));
		show_info(&info);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	SHOW(read(fd, &info, sizeof info));
	show_info(&info);
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 44 };
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	struct itimerspec in = after(10, 0);
	SHOW(timer_settime(timer, 0, &in, NULL));
	SHOW(read(fd, &info, sizeof info));
	printf("timer: signal %u code %d overrun %u int %d\n", info.ssi_signo, info.ssi_code, info.ssi_overrun, info.ssi_int);
	/* an unblocked signal with a handler still interrupts */
	struct sigaction a = { .sa_handler = handler };
	sigaction(SIGALRM, &a, NULL);
	ualarm(20000, 0);
	SHOW(read(fd, &info, sizeof info));
	ualarm(20000, 0);
	SHOW(epoll_wait(ep, &e, 1, 3000));
}

static void signal_errors(void)
{
	sigset_t set = set_of(SIGUSR1, SIGKILL);
	struct signalfd_siginfo info;
	int p[2], fd = SHOW(signalfd(-1, &set, 0));

	pipe(p);
	SHOW(signalfd(-1, &set, 1));
	SHOW(signalfd(p[0], &set, 0));
	SHOW(signalfd(99, &set, 0));
	SHOW(syscall(SYS_signalfd4, -1, &set, 4, 0));
	SHOW(syscall(SYS_signalfd4, -1, NULL, 8, 0));
	SHOW(syscall(SYS_signalfd, fd, &set, 8) == fd);
	SHOW(read(fd, &info, 0));
	SHOW(read(fd, NULL, 64));
	SHOW(pread(fd, &info, sizeof info, 0));
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	SHOW(read(fd, (void *)8, sizeof info));
	char link[64] = "";
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	SHOW(readlink(path, link, sizeof link));
	puts(link);
}

/* ---- what an O_PATH descriptor tells of a file that nobody has open any more ---- */

static int make_pipe(void)
{
	int p[2];

	if (pipe(p))
		return -1;
	close(p[1]);
	return p[0];
}

static int make_epoll(void) { return epoll_create1(0); }
static int make_counter(void) { return eventfd(5, 0); }
static int make_timer(void) { return timerfd_create(CLOCK_MONOTONIC, 0); }
static int make_process(void) { return (int)syscall(SYS_pidfd_open, getpid(), 0); }

static int make_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	return signalfd(-1, &set, 0);
}

static void tell(const char *name, int path)
{
	char link[64] = "", own[32];
	struct stat s;

	snprintf(own, sizeof own, "/proc/self/fd/%d", path);
	if (readlink(own, link, sizeof link - 1) < 0)
		perror("readlink");
	if (strchr(link, ':') && link[0] != 'a')
		*strchr(link, ':') = 0; /* the number */
	printf("%s: %s, ", name, link);
	if (fstat(path, &s))
		printf("%s\n", strerror(errno));
	else
		printf("mode %o, links %d\n", s.st_mode, (int)s.st_nlink);
	errno = 0;
	printf("  read %d %s\n", (int)read(path, link, 8), strerror(errno));
}

static void told_after_the_end(void)
{
	static const struct { const char *name; int (*make)(void); } kinds[] = {
		{ "pipe", make_pipe }, { "eventfd", make_counter }, { "epoll", make_epoll }, { "timerfd", make_timer }, { "signalfd", make_signals },
		{ "pidfd", make_process },
	};
	enum { KINDS = sizeof kinds / sizeof *kinds };
	int path[KINDS], others[KINDS * 8];
	char name[32];

	for (int i = 0; i < KINDS; i++) {
		int fd = kinds[i].make();

		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		path[i] = open(name, O_PATH);
		close(fd);
	}
	/* What was theirs is others' now, if it was given away. */
	for (int i = 0; i < KINDS * 8; i++)
		others[i] = kinds[i * 5 % KINDS].make();
	for (int i = 0; i < KINDS; i++)
		tell(kinds[i].name, path[i]);
	for (int i = 0; i < KINDS * 8; i++)
		close(others[i]);
	for (int i = 0; i < KINDS; i++)
		SHOW(close(path[i]));
}

/* ---- the file system that nameless files are of ---- */

static void file_system_of(const char *what, int fd)
{
	struct statfs s;

	if (fstatfs(fd, &s))
		printf("%s: %s\n", what, strerror(errno));
	else
		printf("%s: type %lx, blocks of %ld, names to %ld\n", what, (long)s.f_type, (long)s.f_bsize, (long)s.f_namelen);
	close(fd);
}

static void file_systems(void)
{
	sigset_t set;
	int ends[2];

	sigemptyset(&set);
	file_system_of("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
	file_system_of("eventfd", eventfd(0, 0));
	file_system_of("signalfd", signalfd(-1, &set, 0));
	file_system_of("epoll", epoll_create1(0));
	file_system_of("inotify", inotify_init1(0));
	file_system_of("pidfd", syscall(SYS_pidfd_open, getpid(), 0));
	file_system_of("console", open("/dev/console", O_WRONLY | O_NOCTTY));
	pipe(ends);
	file_system_of("pipe", ends[0]);
	file_system_of("pipe", ends[1]);
	file_system_of("socket", socket(AF_UNIX, SOCK_STREAM, 0));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "timers", timers }, { "timer_errors", timer_errors }, { "timers_shared", timers_shared },
		{ "signals", signals }, { "signals_waited_for", signals_waited_for }, { "signal_errors", signal_errors },
		{ "told_after_the_end", told_after_the_end }, { "file_systems", file_systems },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
