/*
 * Owners of open files: F_SETOWN, F_SETOWN_EX, F_SETSIG and their like, and what O_ASYNC tells of pipes, FIFOs, sockets, terminals, inotify. The signals are
 * blocked and taken one by one after each deed, so that what is printed is what had been sent when it returned.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>

#include "tests/guest/show.h"

#include <signal.h>

#define SETOWN_EX 15
#define GETOWN_EX 16
#define TELL (SIGRTMIN + 3)

struct owner {
	int type;
	pid_t pid;
};

static void hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, TELL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* What has come since the last time. */
static void come(const char *what)
{
	static const struct timespec now;
	siginfo_t info;
	sigset_t set;
	int n = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, TELL);
	printf("%s:", what);
	while (sigtimedwait(&set, &info, &now) > 0 && n++ < 10) {
		if (info.si_code == SI_KERNEL)
			printf(" [%s kernel %d %d]", info.si_signo == SIGIO ? "SIGIO" : "other", info.si_pid, info.si_uid);
		else
			printf(" [%s code %d band %lx fd %d]", info.si_signo == SIGIO ? "SIGIO" : info.si_signo == TELL ? "TELL" : "USR1", info.si_code,
			       info.si_band, info.si_fd);
	}
	printf("\n");
}

static void forget(void)
{
	static const struct timespec now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, TELL);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
}

static void tell(int fd)
{
	if (fcntl(fd, F_SETOWN, getpid()) || fcntl(fd, F_SETSIG, TELL) || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC))
		printf("tell: %s\n", strerror(errno));
}

static void no_more(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_ASYNC);
}

/* ---- what is kept ---- */

static void show_owner(int fd)
{
	struct owner owner = { -1, -1 };
	long result = syscall(SYS_fcntl, fd, GETOWN_EX, &owner);
	long number = syscall(SYS_fcntl, fd, F_GETOWN, 0);

	printf("owner: %ld type %d %s, F_GETOWN %s, F_GETSIG %d\n", result, owner.type, owner.pid == getpid() ? "me" : owner.pid ? "other" : "none",
	       number == getpid() ? "me" : number == -getpid() ? "my group" : number ? "other" : "none", fcntl(fd, F_GETSIG) ? TELL - fcntl(fd, F_GETSIG) : -1);
}

static long set_owner(int fd, int type, pid_t pid)
{
	struct owner owner = { type, pid };

	return syscall(SYS_fcntl, fd, SETOWN_EX, &owner);
}

static void values_of(int fd)
{
	show_owner(fd);
	SHOW(fcntl(fd, F_SETOWN, getpid()));
	show_owner(fd);
	SHOW(fcntl(fd, F_SETOWN, -getpgrp()));
	show_owner(fd);
	SHOW(fcntl(fd, F_SETOWN, 0));
	show_owner(fd);
	SHOW(set_owner(fd, 0, (pid_t)syscall(SYS_gettid)));
	show_owner(fd);
	SHOW(set_owner(fd, 1, getpid()));
	show_owner(fd);
	SHOW(set_owner(fd, 2, getpgrp()));
	show_owner(fd);
	SHOW(fcntl(fd, F_SETSIG, TELL));
	show_owner(fd);
}

static void values(void)
{
	int ends[2], copy;

	setpgid(0, 0);
	pipe(ends);
	values_of(ends[0]);
	values_of(eventfd(0, 0));
	values_of(socket(AF_UNIX, SOCK_STREAM, 0));
	values_of(open("/etc/passwd", O_RDONLY));
	values_of(open("/dev/null", O_RDONLY));
	values_of(open("/proc/self/stat", O_RDONLY));
	/* by all who share the open file, and nobody else */
	copy = dup(ends[0]);
	show_owner(copy);
	show_owner(ends[1]);
	fflush(stdout);
	if (!fork()) {
		fcntl(copy, F_SETSIG, SIGUSR1);
		fcntl(copy, F_SETOWN, getpid());
		_exit(0);
	}
	wait(NULL);
	show_owner(ends[0]);
	SHOW(fcntl(ends[0], F_GETSIG) == SIGUSR1);
	unsigned ids[2] = { 9, 9 };
	SHOW(syscall(SYS_fcntl, ends[1], 17 /* F_GETOWNER_UIDS */, ids));
	printf("%u %u\n", ids[0], ids[1]);
	setresuid(1000, 1001, 0);
	fcntl(ends[1], F_SETOWN, getpid());
	SHOW(syscall(SYS_fcntl, ends[1], 17, ids));
	printf("%u %u\n", ids[0], ids[1]);
	SHOW(syscall(SYS_fcntl, ends[1], 17, NULL));
}

static void errors(void)
{
	int ends[2], path = open("/etc/passwd", O_PATH);

	pipe(ends);
	SHOW(fcntl(ends[0], F_SETOWN, 99999999));
	SHOW(fcntl(ends[0], F_SETOWN, -99999999));
	SHOW(fcntl(ends[0], F_SETOWN, (int)0x80000000));
	SHOW(set_owner(ends[0], 3, getpid()));
	SHOW(set_owner(ends[0], -1, getpid()));
	SHOW(set_owner(ends[0], 1, -5));
	SHOW(syscall(SYS_fcntl, ends[0], SETOWN_EX, NULL));
	SHOW(syscall(SYS_fcntl, ends[0], GETOWN_EX, NULL));
	SHOW(fcntl(ends[0], F_SETSIG, 65));
	SHOW(fcntl(ends[0], F_SETSIG, -1));
	SHOW(fcntl(ends[0], F_SETSIG, 64));
	SHOW(fcntl(ends[0], F_SETSIG, 0));
	SHOW(fcntl(path, F_SETOWN, getpid()));
	SHOW(fcntl(path, F_GETSIG));
	SHOW(fcntl(99, F_SETOWN, getpid()));
}

/* ---- pipes ---- */

static void pipes(void)
{
	char bytes[100];
	int ends[2];

	hold_signals();
	pipe2(ends, O_NONBLOCK);
	dup2(ends[0], 20);
	dup2(ends[1], 21);
	close(ends[0]);
	close(ends[1]);
	tell(20);
	SHOW(fcntl(20, F_GETFL) & O_ASYNC ? 1 : 0);
	come("nothing yet");
	write(21, "a", 1);
	come("a byte");
	write(21, "bc", 2);
	write(21, "d", 1);
	come("twice");
	read(20, bytes, sizeof bytes);
	come("read");
	tell(21);
	write(21, "e", 1);
	come("written");
	read(20, bytes, 1);
	come("read by the other");
	read(20, bytes, 1);
	come("an empty pipe read");
	while (write(21, bytes, sizeof bytes) > 0)
		;
	forget();
	fcntl(20, F_SETSIG, 0);
	fcntl(21, F_SETSIG, 0);
	write(21, "f", 1);
	come("SIGIO");
	fcntl(20, F_SETSIG, SIGIO);
	read(20, bytes, 1);
	write(21, "", 0);
	come("SIGIO asked for");
	no_more(20);
	no_more(21);
	read(20, bytes, 1);
	come("no more");
	tell(20);
	tell(21);
	dup2(20, 22);
	write(21, "g", 1);
	come("shared");
	close(20);
	read(22, bytes, sizeof bytes);
	write(21, "g", 1);
	come("by the old number");
	close(22);
	come("reader closed");
	write(21, "h", 1);
	come("nobody reads");
	close(21);
	come("closed");
}

static void last_writer(void)
{
	int ends[2];

	hold_signals();
	pipe(ends);
	dup2(ends[0], 20);
	tell(20);
	close(ends[1]);
	come("writer closed");
}

static void fifos(void)
{
	char byte;
	int fd;

	hold_signals();
	mkfifo("fifo", 0600);
	fd = open("fifo", O_RDWR | O_NONBLOCK);
	dup2(fd, 20);
	close(fd);
	tell(20);
	write(20, "a", 1);
	come("written");
	read(20, &byte, 1);
	come("read");
	unlink("fifo");
}

/* ---- who is told ---- */

static int told_by[2], started[2];

static void *other_thread(void *tid)
{
	sigset_t set;
	siginfo_t info;
	struct timespec now = { 1, 0 };

	*(int *)tid = (int)syscall(SYS_gettid);
	write(started[1], "", 1);
	read(told_by[0], &(char){ 0 }, 1);
	sigemptyset(&set);
	sigaddset(&set, TELL);
	printf("the thread: %d\n", sigtimedwait(&set, &info, &now) == TELL);
	return NULL;
}

static void threads(void)
{
	volatile int tid = 0;
	pthread_t thread;
	int ends[2];

	hold_signals();
	pipe(told_by);
	pipe(started);
	pipe(ends);
	pthread_create(&thread, NULL, other_thread, (void *)&tid);
	read(started[0], &(char){ 0 }, 1);
	tell(ends[0]);
	SHOW(set_owner(ends[0], 0, tid));
	write(ends[1], "a", 1);
	come("the main thread");
	/* a process is named by its first thread; what is no process's number is nobody's */
	SHOW(set_owner(ends[0], 1, tid));
	struct f_owner_ex owner = { 7, 7 };
	SHOW(fcntl(ends[0], F_GETOWN_EX, &owner));
	printf("owner: type %d, %s\n", (int)owner.type, owner.pid ? owner.pid == tid ? "the thread" : "another" : "nobody");
	write(told_by[1], "", 1);
	pthread_join(thread, NULL);
	/* a thread's number is no process's */
	SHOW(set_owner(ends[0], 1, (pid_t)syscall(SYS_gettid)));
	write(ends[1], "b", 1);
	come("by process");
}

static void wait_for(int from)
{
	char byte;

	read(from, &byte, 1);
}

static void groups(void)
{
	int ends[2], go[2], pid[2], status;

	hold_signals();
	pipe(ends);
	pipe(go);
	setpgid(0, 0);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			setpgid(0, i ? pid[0] : 0);
			write(go[1], "", 1);
			for (;;)
				sigsuspend(&(sigset_t){ 0 });
		}
		setpgid(pid[i], pid[0]);
		wait_for(go[0]);
	}
	tell(ends[0]);
	SHOW(fcntl(ends[0], F_SETOWN, -pid[0]));
	write(ends[1], "a", 1);
	come("not in it");
	for (int i = 0; i < 2; i++) {
		waitpid(pid[i], &status, 0);
		printf("ended by %d\n", WTERMSIG(status) == TELL);
	}
	show_owner(ends[0]);
	write(ends[1], "a", 1);
}

/* A process of that number, the leader of its group, that ends when `until` has no writer. */
static pid_t leader_of_number(pid_t wanted, const int until[2])
{
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1 };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);

	if (pid)
		return pid;
	close(until[1]);
	setpgid(0, 0);
	read(until[0], &(char){ 0 }, 1);
	_exit(0);
}

/* Such a group may be there already, or this process have the number. */
static void group_of_number(int fd, pid_t number)
{
	int until[2];
	pid_t pid;

	if (getpid() == number)
		setpgid(0, 0);
	pipe(until);
	pid = leader_of_number(number, until);
	if (pid < 0 && !(errno == EEXIST && getpgid(number) == number))
		printf("no process %d: %s\n", number, strerror(errno));
	setpgid(pid, pid);
	SHOW(fcntl(fd, F_SETOWN, -number));
	SHOW(syscall(SYS_fcntl, fd, F_GETOWN, 0)); /* -number, which the C library takes for an error's */
	printf("%d\n", errno == number);
	close(until[0]);
	close(until[1]);
	waitpid(pid, NULL, 0);
}

/* The kernel's own ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK are 512 to 514 and 516. */
static void group_numbers(void)
{
	int ends[2];

	pipe(ends);
	for (pid_t number = 511; number <= 517; number++)
		group_of_number(ends[0], number);
}

static void ended_owner(void)
{
	int ends[2], pid, status;

	hold_signals();
	pipe(ends);
	fflush(stdout);
	pid = fork();
	if (!pid)
		for (;;)
			sigsuspend(&(sigset_t){ 0 });
	tell(ends[0]);
	fcntl(ends[0], F_SETSIG, 0);
	SHOW(fcntl(ends[0], F_SETOWN, pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	show_owner(ends[0]);
	write(ends[1], "a", 1);
	come("nobody");
	/* SIGIO ends who does not look after it */
	pid = fork();
	if (!pid) {
		signal(SIGIO, SIG_DFL);
		sigprocmask(SIG_UNBLOCK, &(sigset_t){ .__bits = { 1ul << (SIGIO - 1) } }, NULL);
		fcntl(ends[0], F_SETOWN, getpid());
		write(ends[1], "b", 1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

static void permissions(void)
{
	int ends[2], status, parent = getpid();

	hold_signals();
	pipe(ends);
	tell(ends[0]);
	fflush(stdout);
	if (!fork()) {
		setresuid(1000, 1000, 1000);
		SHOW(fcntl(ends[0], F_SETOWN, parent));
		_exit(fflush(stdout));
	}
	wait(&status);
	show_owner(ends[0]);
	write(ends[1], "a", 1);
	come("a user's wish");
	fcntl(ends[0], F_SETOWN, getpid());
	write(ends[1], "a", 1);
	come("its own");
}

/* ---- other files ---- */

static void streams(int listener, struct sockaddr *name, socklen_t size)
{
	char bytes[100];
	int a, b;

	dup2(listener, 20);
	close(listener);
	bind(20, name, size);
	listen(20, 5);
	getsockname(20, name, &size);
	tell(20);
	a = socket(name->sa_family, SOCK_STREAM, 0);
	connect(a, name, size);
	dup2(a, 21);
	close(a);
	come("connection");
	b = accept(20, NULL, NULL);
	dup2(b, 22);
	close(b);
	come("accepted");
	close(20);
	tell(22);
	write(21, "abc", 3);
	come("bytes");
	read(22, bytes, 1);
	come("read one");
	write(21, "d", 1);
	come("another");
	write(22, "d", 1);
	come("own write");
	read(21, bytes, 100);
	come("taken by the other");
	close(21);
}

static void unix_sockets(void)
{
	struct sockaddr_un name = { AF_UNIX, "\0owners" };
	int pair[2];

	hold_signals();
	streams(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof(sa_family_t) + 7);
	close(22);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	come("all closed or hung up");
	dup2(pair[0], 20);
	dup2(pair[1], 21);
	tell(20);
	write(21, "abc", 3);
	come("datagram");
	write(20, "abc", 3);
	come("sent");
}

static void inet_sockets(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof name;
	int a;

	hold_signals();
	a = socket(AF_INET, SOCK_DGRAM, 0);
	dup2(a, 20);
	bind(20, (void *)&name, size);
	getsockname(20, (void *)&name, &size);
	tell(20);
	a = socket(AF_INET, SOCK_DGRAM, 0);
	sendto(a, "abc", 3, 0, (void *)&name, size);
	come("datagram");
}

/* Both ends of a TCP connection, at 20 and 21. */
static void tcp_pair(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof name;
	int listener = socket(AF_INET, SOCK_STREAM, 0), a;

	bind(listener, (void *)&name, size);
	listen(listener, 5);
	getsockname(listener, (void *)&name, &size);
	a = socket(AF_INET, SOCK_STREAM, 0);
	dup2(a, 20);
	close(a);
	connect(20, (void *)&name, size);
	a = accept(listener, NULL, NULL);
	dup2(a, 21);
	close(a);
	close(listener);
}

static void tcp_sockets(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger reset = { 1, 0 };

	hold_signals();
	streams(socket(AF_INET, SOCK_STREAM, 0), (void *)&name, sizeof name);
	come("the other has closed");
	close(22);
	tcp_pair();
	tell(20);
	shutdown(21, SHUT_WR);
	come("the other writes no more");
	shutdown(20, SHUT_WR);
	come("nor this one");
	close(20);
	tcp_pair();
	tell(20);
	setsockopt(21, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(21);
	come("reset");
}

static void own_shutdown(void)
{
	int pair[2];

	hold_signals();
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	dup2(pair[0], 20);
	tell(20);
	shutdown(20, SHUT_WR);
	come("Unix");
	close(20);
	tcp_pair();
	tell(20);
	shutdown(20, SHUT_WR);
	come("TCP");
	close(20);
	close(21);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	dup2(pair[0], 20);
	tell(20);
	shutdown(pair[1], SHUT_RDWR);
	come("both by the other");
}

static void hang_up(void)
{
	int pair[2];

	hold_signals();
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	dup2(pair[0], 20);
	tell(20);
	close(pair[1]);
	come("the other has closed");
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	dup2(pair[0], 20);
	tell(20);
	shutdown(pair[1], SHUT_WR);
	come("the other writes no more");
}

static void room(void)
{
	static char bytes[20000];
	int pair[2];

	hold_signals();
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
	dup2(pair[0], 20);
	tell(20);
	write(20, bytes, 100);
	read(pair[1], bytes, 100);
	come("room that was not missed");
	while (write(20, bytes, sizeof bytes) > 0)
		;
	come("full");
	while (read(pair[1], bytes, sizeof bytes) > 0)
		;
	come("empty");
}

static void terminals(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char bytes[100];

	hold_signals();
	unlockpt(master);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	dup2(slave, 20);
	dup2(master, 21);
	show_owner(20);
	SHOW(fcntl(20, F_SETFL, O_RDWR | O_ASYNC));
	show_owner(20);
	fcntl(20, F_SETSIG, TELL);
	write(21, "ab", 2);
	come("half a line");
	write(21, "c\n", 2);
	come("a line");
	read(20, bytes, sizeof bytes);
	come("read");
	no_more(20);
	tell(21);
	read(21, bytes, sizeof bytes);
	come("master read");
	write(20, "x", 1);
	come("to the master");
}

static void not_async(void)
{
	int on = 1, fd;

	hold_signals();
	fd = eventfd(0, 0);
	tell(fd);
	SHOW(fcntl(fd, F_GETFL) & O_ASYNC ? 1 : 0);
	write(fd, &(long){ 1 }, 8);
	come("eventfd");
	fd = eventfd(0, 0);
	SHOW(ioctl(fd, FIOASYNC, &on));
	fd = open("/etc/passwd", O_RDONLY);
	tell(fd);
	SHOW(fcntl(fd, F_GETFL) & O_ASYNC ? 1 : 0);
	SHOW(ioctl(timerfd_create(CLOCK_MONOTONIC, 0), FIOASYNC, &on));
}

static void by_ioctl(void)
{
	int ends[2], pair[2], on = 1, who = getpid();

	hold_signals();
	pipe(ends);
	dup2(ends[0], 20);
	fcntl(20, F_SETOWN, getpid());
	SHOW(ioctl(20, FIOASYNC, &on));
	SHOW(fcntl(20, F_GETFL) & O_ASYNC ? 1 : 0);
	write(ends[1], "a", 1);
	come("ioctl");
	on = 0;
	SHOW(ioctl(20, FIOASYNC, &on));
	write(ends[1], "a", 1);
	come("off");
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	SHOW(ioctl(pair[0], 0x8901 /* FIOSETOWN */, &who));
	show_owner(pair[0]);
	who = -getpgrp();
	SHOW(ioctl(pair[0], 0x8902 /* SIOCSPGRP */, &who));
	who = 0;
	SHOW(ioctl(pair[0], 0x8903 /* FIOGETOWN */, &who));
	SHOW(who == -getpgrp());
	SHOW(ioctl(pair[0], 0x8904 /* SIOCGPGRP */, &who));
	SHOW(ioctl(ends[0], 0x8904, &who));
}

static void watches(void)
{
	int fd = inotify_init();

	hold_signals();
	dup2(fd, 20);
	mkdir("watched", 0755);
	inotify_add_watch(20, "watched", IN_CREATE);
	tell(20);
	close(open("watched/a", O_CREAT | O_WRONLY, 0644));
	come("a name");
	system("rm -r watched");
}

static volatile int handled, handled_fd;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	handled++;
	handled_fd = info->si_fd;
}

static void handlers(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	int ends[2];

	sigaction(TELL, &action, NULL);
	pipe(ends);
	dup2(ends[0], 20);
	tell(20);
	write(ends[1], "a", 1);
	/* it has run when write returns */
	printf("%d %d\n", handled, handled_fd);
	write(ends[1], "a", 1);
	printf("%d %d\n", handled, handled_fd);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "values", values }, { "errors", errors }, { "pipes", pipes }, { "last_writer", last_writer }, { "fifos", fifos }, { "threads", threads },
		{ "groups", groups }, { "group_numbers", group_numbers }, { "ended_owner", ended_owner }, { "permissions", permissions }, { "unix_sockets", unix_sockets },
		{ "inet_sockets", inet_sockets }, { "tcp_sockets", tcp_sockets }, { "own_shutdown", own_shutdown }, { "hang_up", hang_up }, { "room", room }, { "terminals", terminals }, { "not_async", not_async },
		{ "by_ioctl", by_ioctl }, { "watches", watches }, { "handlers", handlers },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
