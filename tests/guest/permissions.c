/*
 * Who may act on whom: signals, limits, priorities, ids, what /proc shows of a process. A target of some user waits; a child with other ids tries.
 */
#include <fcntl.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define ALICE 1000
#define BOB   1001

static pid_t target; /* of the tries below */

static void become(uid_t real, uid_t effective, uid_t saved)
{
	if (syscall(SYS_setresgid, real, effective, saved) || syscall(SYS_setresuid, real, effective, saved))
		printf("cannot become %u\n", real);
}

/* A process of that user that does nothing. It is there, with its ids, when this returns. */
static pid_t waiting(uid_t user, int new_session)
{
	int ready[2];
	char byte;
	pid_t pid;

	pipe(ready);
	pid = fork();
	if (!pid) {
		if (new_session)
			setsid();
		become(user, user, user);
		write(ready[1], "", 1);
		for (;;)
			pause();
	}
	read(ready[0], &byte, 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void ended(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	if (status)
		printf("ended with status %d\n", status);
}

/* `tries` in a process of its own with those ids, on a target of `owner`. */
static void as(uid_t real, uid_t effective, uid_t saved, uid_t owner, int new_session, void (*tries)(void))
{
	pid_t pid;

	printf("- as %u/%u/%u on %u%s\n", real, effective, saved, owner, new_session ? " in another session" : "");
	target = waiting(owner, new_session);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		become(real, effective, saved);
		tries();
		fflush(stdout);
		_exit(0);
	}
	ended(pid);
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
}

/* ---- signals ---- */

static void signal_tries(void)
{
	union sigval value = { .sival_int = 7 };

	SHOW(kill(target, 0));
	SHOW(kill(target, SIGCONT));
	SHOW(kill(target, SIGCHLD));
	SHOW(syscall(SYS_tgkill, target, target, SIGCHLD));
	SHOW(syscall(SYS_tkill, target, SIGCONT));
	SHOW(sigqueue(target, SIGCHLD, value));
	SHOW(kill(1, 0));
	SHOW(kill(target + 20000, 0));
	SHOW(kill(getpid(), 0));
}

static void signals(void)
{
	as(0, 0, 0, ALICE, 0, signal_tries);
	as(ALICE, ALICE, ALICE, 0, 0, signal_tries);
	as(ALICE, ALICE, ALICE, 0, 1, signal_tries);
	as(ALICE, ALICE, ALICE, ALICE, 0, signal_tries);
	as(ALICE, ALICE, ALICE, BOB, 0, signal_tries);
	as(ALICE, BOB, BOB, ALICE, 1, signal_tries);
	as(BOB, ALICE, BOB, ALICE, 1, signal_tries);
	as(BOB, BOB, ALICE, ALICE, 1, signal_tries);
	as(ALICE, 0, 0, BOB, 1, signal_tries);
	as(0, ALICE, 0, BOB, 1, signal_tries);
}

static pid_t group_of_two(uid_t first, uid_t second, pid_t members[2])
{
	members[0] = waiting(first, 0);
	members[1] = waiting(second, 0);
	setpgid(members[0], members[0]);
	setpgid(members[1], members[0]);
	return members[0];
}

/* One that may be signalled is enough; a whole group of others is an error. */
static void groups_for(uid_t first, uid_t second)
{
	pid_t members[2], group = group_of_two(first, second, members), pid;

	printf("- group of %u and %u\n", first, second);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		become(ALICE, ALICE, ALICE);
		SHOW(kill(-group, SIGTERM));
		fflush(stdout);
		_exit(0);
	}
	ended(pid);
	for (int i = 0; i < 2; i++) {
		int status;

		kill(members[i], SIGKILL);
		waitpid(members[i], &status, 0);
		printf("member %d got %d\n", i, WTERMSIG(status));
	}
}

static void everyone_tries(void)
{
	SHOW(kill(-1, 0));
	SHOW(kill(-1, SIGTERM));
}

static void groups(void)
{
	groups_for(ALICE, ALICE);
	groups_for(ALICE, BOB);
	groups_for(BOB, 0);
	/* those that may not be signalled are passed over in silence: the target of root's lives on */
	as(ALICE, ALICE, ALICE, 0, 0, everyone_tries);
	as(ALICE, ALICE, ALICE, ALICE, 0, everyone_tries);
}

/* ---- limits ---- */

static void limit_tries(void)
{
	struct rlimit64 old, more = { 100, 5000 }, less = { 100, 200 };

	SHOW(prlimit64(target, RLIMIT_NOFILE, NULL, &old));
	SHOW(prlimit64(target, RLIMIT_NOFILE, &less, NULL));
	SHOW(prlimit64(target, RLIMIT_NOFILE, &more, NULL));
	SHOW(prlimit64(0, RLIMIT_NOFILE, &less, NULL));
	SHOW(prlimit64(0, RLIMIT_NOFILE, &more, NULL));
	SHOW(prlimit64(getpid(), RLIMIT_NOFILE, NULL, &old));
	printf("%lu %lu\n", (unsigned long)old.rlim_cur, (unsigned long)old.rlim_max);
	less.rlim_cur = 300;
	SHOW(prlimit64(0, RLIMIT_NOFILE, &less, NULL));
	SHOW(prlimit64(target + 20000, RLIMIT_NOFILE, NULL, &old));
}

static void limits(void)
{
	as(0, 0, 0, ALICE, 0, limit_tries);
	as(ALICE, ALICE, ALICE, ALICE, 0, limit_tries);
	as(ALICE, ALICE, ALICE, 0, 0, limit_tries);
	as(ALICE, BOB, BOB, ALICE, 0, limit_tries);
	as(BOB, ALICE, BOB, ALICE, 0, limit_tries);
}

/* ---- priorities ---- */

static void priority_tries(void)
{
	struct rlimit64 nice = { 25, 25 };

	SHOW(setpriority(PRIO_PROCESS, target, 5));
	SHOW(setpriority(PRIO_PROCESS, target, 3));
	SHOW(setpriority(PRIO_PROCESS, 0, 4));
	SHOW(setpriority(PRIO_PROCESS, 0, 0));
	SHOW(prlimit64(0, RLIMIT_NICE, &nice, NULL));
	SHOW(setpriority(PRIO_PROCESS, 0, -5));
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(getpriority(PRIO_PROCESS, target));
	SHOW(setpriority(PRIO_PROCESS, target + 20000, 0));
	SHOW(setpriority(PRIO_USER, BOB, 6));
	SHOW(setpriority(9, 0, 6));
}

static void priorities(void)
{
	as(0, 0, 0, ALICE, 0, priority_tries);
	as(ALICE, ALICE, ALICE, ALICE, 0, priority_tries);
	as(ALICE, ALICE, ALICE, BOB, 0, priority_tries);
	as(ALICE, BOB, BOB, ALICE, 0, priority_tries);
	as(BOB, ALICE, BOB, ALICE, 0, priority_tries);
}

/* ---- ids and what only root may ---- */

static void id_tries(void)
{
	gid_t groups[] = { 1, 2 };
	char name[] = "other";
	struct timeval now = { 1000000000, 0 };

	SHOW(setuid(0));
	SHOW(seteuid(0));
	SHOW(setgid(0));
	SHOW(setresuid(-1, BOB, -1));
	SHOW(setgroups(2, groups));
	SHOW(sethostname(name, 5));
	SHOW(settimeofday(&now, NULL));
	SHOW(chroot("/"));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(geteuid());
}

static void ids(void)
{
	as(ALICE, ALICE, ALICE, 0, 0, id_tries);
	as(BOB, ALICE, 0, 0, 0, id_tries);
	as(0, ALICE, ALICE, 0, 0, id_tries);
}

/* ---- what can be seen ---- */

static void look(const char *what)
{
	char path[64], text[200];

	snprintf(path, sizeof path, "/proc/%d/%s", target, what);
	printf("%s: ", what);
	OK(readlink(path, text, sizeof text));
}

static void look_tries(void)
{
	char path[64];
	int fd;

	look("cwd");
	look("root");
	look("exe");
	look("fd/0");
	snprintf(path, sizeof path, "/proc/%d/environ", target);
	fd = open(path, O_RDONLY);
	printf("environ %s\n", fd >= 0 && read(fd, path, 1) >= 0 ? "ok" : strerror(errno));
	snprintf(path, sizeof path, "/proc/%d/cwd/etc", target);
	OK(access(path, F_OK));
	OK(open("/proc/self/cwd", O_RDONLY));
}

/* Ids changed without an exec: what is in memory stays the old user's secret. */
static void seen(void)
{
	as(0, 0, 0, ALICE, 0, look_tries);
	as(ALICE, ALICE, ALICE, 0, 0, look_tries);
	as(ALICE, ALICE, ALICE, ALICE, 0, look_tries);
	as(ALICE, ALICE, ALICE, BOB, 0, look_tries);
}

static void dumpable(void)
{
	pid_t pid;

	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 0));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		SHOW(prctl(PR_GET_DUMPABLE));
		SHOW(prctl(PR_SET_DUMPABLE, 2));
		SHOW(prctl(PR_SET_DUMPABLE, 1));
		SHOW(prctl(PR_SET_PDEATHSIG, SIGTERM));
		become(ALICE, ALICE, ALICE);
		SHOW(prctl(PR_GET_DUMPABLE));
		int signal = -1;
		SHOW(prctl(PR_GET_PDEATHSIG, &signal));
		printf("death signal %d\n", signal);
		fflush(stdout);
		_exit(0);
	}
	ended(pid);
}

static const struct part parts[] = { { "signals", signals }, { "groups", groups }, { "limits", limits }, { "priorities", priorities },
				     { "ids", ids }, { "seen", seen }, { "dumpable", dumpable } };

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
