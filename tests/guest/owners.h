/* What tests of owners of open files share: the signals are blocked and taken one by one after each deed, so what is printed had been sent when it returned. */
#ifndef TESTS_GUEST_OWNERS_H
#define TESTS_GUEST_OWNERS_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "tests/guest/show.h"

#include <signal.h>

#define SETOWN_EX 15
#define GETOWN_EX 16
#define TELL (SIGRTMIN + 3)

struct owner {
	int type;
	pid_t pid;
};

static inline void hold_signals(void)
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
static inline void come(const char *what)
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

static inline void forget(void)
{
	static const struct timespec now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, TELL);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
}

static inline void tell(int fd)
{
	if (fcntl(fd, F_SETOWN, getpid()) || fcntl(fd, F_SETSIG, TELL) || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC))
		printf("tell: %s\n", strerror(errno));
}

static inline void no_more(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_ASYNC);
}

static inline void show_owner(int fd)
{
	struct owner owner = { -1, -1 };
	long result = syscall(SYS_fcntl, fd, GETOWN_EX, &owner);
	long number = syscall(SYS_fcntl, fd, F_GETOWN, 0);

	printf("owner: %ld type %d %s, F_GETOWN %s, F_GETSIG %d\n", result, owner.type, owner.pid == getpid() ? "me" : owner.pid ? "other" : "none",
	       number == getpid() ? "me" : number == -getpid() ? "my group" : number ? "other" : "none", fcntl(fd, F_GETSIG) ? TELL - fcntl(fd, F_GETSIG) : -1);
}

static inline long set_owner(int fd, int type, pid_t pid)
{
	struct owner owner = { type, pid };

	return syscall(SYS_fcntl, fd, SETOWN_EX, &owner);
}

#endif
