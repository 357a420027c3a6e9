/* Open files by the thousand, of several processes together: more than one process may have. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define HOLDERS 3
#define EACH 2000 /* descriptors; HOLDERS * EACH is more than a server's first pool has */

static int file(int pair[2])
{
	return pair[0] = open("f", O_RDONLY | O_CREAT, 0600), pair[1] = open("/dev/null", O_WRONLY), pair[0] < 0 || pair[1] < 0;
}

static int event(int pair[2])
{
	return pair[0] = eventfd(0, 0), pair[1] = epoll_create1(0), pair[0] < 0 || pair[1] < 0;
}

static int stream(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

/* Opens its part, says how many it has, and holds them until it is told to go. */
static void holder(int (*make)(int pair[2]), int said, int go)
{
	int count = 0, pair[2];
	char byte;

	while (count < EACH && !make(pair))
		count += 2;
	if (count < EACH)
		printf("after %d: %s\n", count, strerror(errno));
	fflush(stdout);
	if (write(said, &count, sizeof count) != sizeof count || read(go, &byte, 1))
		_exit(1);
	_exit(0);
}

static void hold(const char *name, int (*make)(int pair[2]))
{
	int said[2], go[2], count, status, total = 0, pair[2];
	pid_t pids[HOLDERS];

	fflush(stdout);
	if (pipe(said) || pipe(go))
		return;
	for (int i = 0; i < HOLDERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			close(go[1]);
			holder(make, said[1], go[0]);
		}
	}
	for (int i = 0; i < HOLDERS; i++)
		if (read(said[0], &count, sizeof count) == sizeof count)
			total += count;
	printf("%s: %d open\n", name, total);
	printf("and another pair: %s\n", make(pair) ? strerror(errno) : "yes");
	close(go[1]);
	for (int i = 0; i < HOLDERS; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			printf("a holder ended with %x\n", status);
	close(said[0]), close(said[1]), close(go[0]), close(pair[0]), close(pair[1]);
}

static void many(void)
{
	struct rlimit limit = { EACH + 100, EACH + 100 };

	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	/* The second time out of what was given back. */
	for (int round = 0; round < 2; round++) {
		hold("files and devices", file);
		hold("pipes", pipe);
		hold("events", event);
		hold("sockets", stream);
	}
}

/* With no descriptor left the working directory still changes. */
static void full(void)
{
	struct rlimit limit = { 40, 40 };

	SHOW(mkdir("d", 0700));
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	while (dup(1) >= 0)
		;
	SHOW(chdir("d"));
	SHOW(access("../d", F_OK));
	SHOW(chdir("nothing"));
	SHOW(chdir(".."));
	SHOW(rmdir("d"));
}

static const struct part parts[] = { { "many", many }, { "full", full } };

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
