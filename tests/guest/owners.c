/*
 * Owners of open files: F_SETOWN, F_SETOWN_EX, F_SETSIG and their like: what is kept, who is told, who may. What O_ASYNC tells of files of each kind shows async.c.
 */
#include <linux/sched.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/guest/owners.h"

/* ---- what is kept ---- */

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
		{ "values", values }, { "errors", errors }, { "threads", threads }, { "groups", groups }, { "group_numbers", group_numbers },
		{ "ended_owner", ended_owner }, { "permissions", permissions }, { "by_ioctl", by_ioctl }, { "handlers", handlers },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
