/*
 * Processes as descriptors: pidfd_open, pidfd_send_signal, pidfd_getfd, waitid(P_PIDFD), poll, clone and clone3 with CLONE_PIDFD.
 *
 * calls: pidfd_getfd pidfd_open pidfd_send_signal waitid
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

static int pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_send_signal(int fd, int signal, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, flags);
}

static void nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0)
		;
}

static pid_t child(long ms, int status)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	nap(ms);
	_exit(status);
}

static int ready(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	poll(&p, 1, ms);
	return p.revents;
}

static void ends(void)
{
	siginfo_t info = { 0 };
	pid_t pid = child(50, 7);
	int fd = SHOW(pidfd_open(pid, 0)), ep = epoll_create1(0);
	struct epoll_event e = { EPOLLIN, { .u32 = 3 } };
	char c[8], link[64] = "", path[64];

	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	SHOW(readlink(path, link, sizeof link));
	puts(link);
	SHOW(ready(fd, 0));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	SHOW(epoll_wait(ep, &e, 1, 5000));
	printf("%x %u\n", e.events, e.data.u32);
	SHOW(ready(fd, 0));
	SHOW(pidfd_send_signal(fd, 0, NULL, 0));
	SHOW(waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT));
	printf("%d %d %d %d\n", info.si_pid == pid, info.si_code, info.si_status, info.si_signo);
	SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
	SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
	SHOW(pidfd_send_signal(fd, 0, NULL, 0));
	SHOW(ready(fd, 0));
	SHOW(read(fd, c, 8));
	SHOW(write(fd, c, 8));
	SHOW(lseek(fd, 0, SEEK_SET));
	close(fd);
	pid = child(0, 0);
	waitpid(pid, NULL, 0);
	SHOW(pidfd_open(pid, 0));
}

static volatile int got;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)context;
	got = signal;
	printf("signal %d code %d from parent %d value %d\n", signal, info->si_code, info->si_pid == getppid(), info->si_int);
	fflush(stdout);
}

static void sends(void)
{
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	siginfo_t info = { 0 };
	int fd, status, p[2];
	pid_t pid;
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		sigaction(SIGUSR1, &a, NULL);
		sigaction(SIGUSR2, &a, NULL);
		while (got != SIGUSR2)
			sigsuspend(&old);
		nap(100000);
		_exit(0);
	}
	fd = pidfd_open(pid, 0);
	SHOW(pidfd_send_signal(fd, SIGUSR1, NULL, 0));
	nap(50);
	info.si_signo = SIGUSR2;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_int = 321;
	SHOW(pidfd_send_signal(fd, SIGUSR1, &info, 0));
	SHOW(pidfd_send_signal(fd, SIGUSR2, &info, 0));
	info.si_code = SI_USER;
	SHOW(pidfd_send_signal(fd, SIGUSR2, &info, 0));
	info.si_code = SI_TKILL;
	SHOW(pidfd_send_signal(fd, SIGUSR2, &info, 0));
	SHOW(pidfd_send_signal(fd, 65, NULL, 0));
	SHOW(pidfd_send_signal(fd, -1, NULL, 0));
	SHOW(pidfd_send_signal(fd, SIGKILL, NULL, 1));
	SHOW(pidfd_send_signal(fd, SIGUSR1, (void *)8, 0));
	pipe(p);
	SHOW(pidfd_send_signal(p[0], SIGKILL, NULL, 0));
	SHOW(pidfd_send_signal(99, SIGKILL, NULL, 0));
	nap(50);
	SHOW(pidfd_send_signal(fd, SIGKILL, NULL, 0));
	waitpid(pid, &status, 0);
	printf("killed by %d\n", WTERMSIG(status));
	SHOW(pidfd_send_signal(fd, SIGKILL, NULL, 0));
}

/* pidfd_send_signal takes a directory /proc/PID; nothing else does. */
static void directories(void)
{
	int fd, other, status;
	char path[64];
	siginfo_t info;
	pid_t pid = child(100000, 0);

	snprintf(path, sizeof path, "/proc/%d", pid);
	fd = open(path, O_DIRECTORY);
	SHOW(pidfd_send_signal(fd, 0, NULL, 0));
	SHOW(pidfd_getfd(fd, 0, 0));
	SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
	other = open(path, O_PATH);
	SHOW(pidfd_send_signal(other, 0, NULL, 0));
	other = openat(fd, "task", O_DIRECTORY);
	SHOW(pidfd_send_signal(other, 0, NULL, 0));
	snprintf(path, sizeof path, "task/%d", pid);
	other = openat(fd, path, O_DIRECTORY);
	SHOW(pidfd_send_signal(other, 0, NULL, 0));
	other = openat(fd, "stat", O_RDONLY);
	SHOW(pidfd_send_signal(other, 0, NULL, 0));
	other = open("/proc", O_DIRECTORY);
	SHOW(pidfd_send_signal(other, 0, NULL, 0));
	other = open("/", O_DIRECTORY);
	SHOW(pidfd_send_signal(other, 0, NULL, 0));
	SHOW(pidfd_send_signal(fd, SIGTERM, NULL, 0));
	waitpid(pid, &status, 0);
	printf("killed by %d\n", WTERMSIG(status));
	SHOW(pidfd_send_signal(fd, SIGTERM, NULL, 0));
}

static void gets(void)
{
	int to[2], from[2], event = eventfd(0, 0), fd, other, data = open("data", O_CREAT | O_RDWR | O_APPEND, 0600);
	char c[8] = "";
	uint64_t n = 0;
	pid_t pid;

	pipe(to);
	pipe(from);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(event);
		int own = eventfd(5, 0);
		int list = epoll_create1(0);

		dup2(own, 40);
		dup2(list, 41);
		dup2(data, 42);
		write(data, "child's", 7);
		write(from[1], "x", 1);
		read(to[0], c, 1);
		_exit(0);
	}
	read(from[0], c, 1);
	fd = pidfd_open(pid, 0);
	other = SHOW(pidfd_getfd(fd, 40, 0));
	SHOW(fcntl(other, F_GETFD));
	SHOW(read(other, &n, 8));
	printf("value %lu\n", n);
	SHOW(close(other));
	other = SHOW(pidfd_getfd(fd, 41, 0));
	struct epoll_event e = { EPOLLOUT, { .u32 = 9 } };
	SHOW(epoll_ctl(other, EPOLL_CTL_ADD, event, &e));
	SHOW(epoll_wait(other, &e, 1, 0));
	SHOW(close(other));
	other = SHOW(pidfd_getfd(fd, 42, 0));
	SHOW(fcntl(other, F_GETFL) == fcntl(data, F_GETFL));
	SHOW(lseek(other, 0, SEEK_CUR));
	SHOW(pread(other, c, 8, 0));
	puts(c);
	SHOW(pidfd_getfd(fd, 43, 0));
	SHOW(pidfd_getfd(fd, -1, 0));
	SHOW(pidfd_getfd(fd, 40, 1));
	SHOW(pidfd_getfd(event, 40, 0));
	SHOW(pidfd_getfd(99, 40, 0));
	write(to[1], "x", 1);
	waitpid(pid, NULL, 0);
	SHOW(pidfd_getfd(fd, 40, 0));
}

static void waits(void)
{
	siginfo_t info;
	int pidfd, status;
	pid_t pid = child(50, 3), grandchild;
	int p[2];

	pidfd = SHOW(pidfd_open(pid, O_NONBLOCK));
	SHOW(waitid(P_PIDFD, pidfd, &info, WEXITED));
	SHOW(waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG));
	fcntl(pidfd, F_SETFL, 0);
	SHOW(waitid(P_PIDFD, pidfd, &info, WEXITED));
	printf("%d %d\n", info.si_pid == pid, info.si_status);
	SHOW(waitid(P_PIDFD, 99, &info, WEXITED));
	SHOW(waitid(P_PIDFD, -1, &info, WEXITED));
	SHOW(waitid(P_PIDFD, 1, &info, WEXITED));
	SHOW(waitid(P_PIDFD, pidfd_open(getpid(), 0), &info, WEXITED));
	SHOW(waitid(9, 1, &info, WEXITED));
	/* of somebody else's child */
	pipe(p);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		grandchild = child(100, 0);
		write(p[1], &grandchild, sizeof grandchild);
		wait(NULL);
		_exit(0);
	}
	read(p[0], &grandchild, sizeof grandchild);
	pidfd = pidfd_open(grandchild, 0);
	SHOW(waitid(P_PIDFD, pidfd, &info, WEXITED));
	SHOW(ready(pidfd, 5000));
	wait(&status);
	SHOW(pidfd_open(0, 0));
	SHOW(pidfd_open(-5, 0));
	SHOW(pidfd_open(getpid(), 1));
	SHOW(pidfd_open(32767, 0));
}

/* ---- clone ---- */

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup, more[4];
};

static long clone3(struct args *args, size_t size)
{
	fflush(stdout);
	return syscall(SYS_clone3, args, size);
}

#define SIZE 88

static void ignore(int signal)
{
	(void)signal;
}

static void clones(void)
{
	struct args a = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	int fd = -1, tid = -1, wanted = 31234, status;
	siginfo_t info;
	struct sigaction now;
	pid_t pid;

	a.pidfd = (uintptr_t)&fd;
	pid = clone3(&a, SIZE);
	if (!pid) {
		printf("in the child: %d, open %d\n", fd, fcntl(3, F_GETFD));
		fflush(stdout);
		_exit(5);
	}
	printf("pidfd %d cloexec %d\n", fd, fcntl(fd, F_GETFD));
	SHOW(ready(fd, 5000));
	SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
	printf("%d %d\n", info.si_pid == pid, info.si_status);
	close(fd);
	/* a child that nobody waits for, gone before its pidfd is looked at */
	signal(SIGCHLD, SIG_IGN);
	pid = clone3(&a, SIZE);
	if (!pid)
		_exit(0);
	nap(20);
	SHOW(ready(fd, 5000));
	SHOW(pidfd_send_signal(fd, 0, NULL, 0));
	signal(SIGCHLD, SIG_DFL);
	close(fd);
	a = (struct args){ .flags = 0x100000000ull, .exit_signal = SIGCHLD }; /* CLONE_CLEAR_SIGHAND */
	signal(SIGUSR1, ignore);
	signal(SIGUSR2, SIG_IGN);
	pid = clone3(&a, SIZE);
	if (!pid) {
		sigaction(SIGUSR1, NULL, &now);
		printf("caught became default %d", now.sa_handler == SIG_DFL);
		sigaction(SIGUSR2, NULL, &now);
		printf(", ignored stays %d\n", now.sa_handler == SIG_IGN);
		fflush(stdout);
		raise(SIGUSR1);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("ended by %d\n", WTERMSIG(status));
	a = (struct args){ .flags = CLONE_PARENT_SETTID, .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1 };
	a.parent_tid = (uintptr_t)&tid;
	pid = clone3(&a, SIZE);
	if (!pid) {
		printf("%d\n", getpid());
		fflush(stdout);
		_exit(0);
	}
	printf("%d %d\n", pid, tid);
	SHOW(clone3(&a, SIZE));
	waitpid(pid, NULL, 0);
	wanted = 1;
	SHOW(clone3(&a, SIZE));
	wanted = 0;
	SHOW(clone3(&a, SIZE));
	wanted = -5;
	SHOW(clone3(&a, SIZE));
	a.set_tid_size = 2;
	SHOW(clone3(&a, SIZE));
	a.set_tid_size = 0;
	SHOW(clone3(&a, SIZE));
	/* the older call */
	fd = -1;
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
	if (!pid)
		_exit(6);
	printf("pidfd %d\n", fd);
	SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
	printf("%d %d\n", info.si_pid == pid, info.si_status);
}

static void clone_errors(void)
{
	struct args a = { .exit_signal = SIGCHLD };
	int fd;

	SHOW(clone3(&a, 63));
	SHOW(clone3(&a, 4097));
	SHOW(clone3((void *)8, SIZE));
	a.more[0] = 1;
	SHOW(clone3(&a, SIZE + 8));
	a.exit_signal = 65;
	SHOW(clone3(&a, SIZE));
	a.exit_signal = 0x100;
	SHOW(clone3(&a, SIZE));
	a = (struct args){ .flags = 1, .exit_signal = SIGCHLD };
	SHOW(clone3(&a, SIZE));
	a.flags = CLONE_SIGHAND;
	SHOW(clone3(&a, SIZE));
	a.flags = CLONE_THREAD;
	SHOW(clone3(&a, SIZE));
	a.flags = CLONE_PARENT;
	SHOW(clone3(&a, SIZE));
	a = (struct args){ .flags = CLONE_PIDFD | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM };
	a.pidfd = (uintptr_t)&fd;
	SHOW(clone3(&a, SIZE));
	a = (struct args){ .flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = 8 };
	SHOW(clone3(&a, SIZE));
	a = (struct args){ .exit_signal = SIGCHLD, .stack = 4096 };
	SHOW(clone3(&a, SIZE));
	a = (struct args){ .exit_signal = SIGCHLD, .stack_size = 4096 };
	SHOW(clone3(&a, SIZE));
	SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
	SHOW(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
	SHOW(dup(0)); /* nothing was left open */
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "ends", ends }, { "sends", sends }, { "directories", directories }, { "gets", gets }, { "waits", waits }, { "clones", clones }, { "clone_errors", clone_errors },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
