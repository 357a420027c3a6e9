/* Open files by the thousand, of several processes together: more than one process may have. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

#define HELLO "/tests/bin/hello"
static char *const arguments[] = { HELLO, "runs\n", NULL };

/* All that the limit of 40 allows; what was open before is opened again. The lowest, 3, is hello's file, 4 and 5 are a pair of sockets. */
static void take_all(int pair[2])
{
	struct rlimit limit = { 40, 40 };
	int file;

	syscall(SYS_close_range, 3, ~0u, 0);
	file = open(HELLO, O_RDONLY);
	if (file != 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || setrlimit(RLIMIT_NOFILE, &limit))
		printf("not taken\n");
	while (dup(1) >= 0)
		;
}

static void run_by_path(void)
{
	execv(HELLO, arguments);
	SHOW(-1);
}

static void run_by_descriptor(void)
{
	syscall(SYS_execveat, 3, "", arguments, environ, AT_EMPTY_PATH);
	SHOW(-1);
}

static void run_script(void)
{
	execl("./script", "script", NULL);
	SHOW(-1);
}

/* Its loader is started, and cannot open a library. */
static void run_dynamic(void)
{
	execl("/bin/true", "true", NULL);
	SHOW(-1);
}

static void *change_directory(void *barrier)
{
	pthread_barrier_wait(barrier);
	if (chdir("/tmp"))
		perror("chdir");
	return NULL;
}

/* The runtime has slots of their own for the first threads only. */
static void threads(void)
{
	pthread_t thread[20];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, 20);
	for (int i = 0; i < 20; i++)
		if (pthread_create(&thread[i], NULL, change_directory, &barrier))
			printf("no thread %d\n", i);
	for (int i = 0; i < 20; i++)
		pthread_join(thread[i], NULL);
	SHOW(access("/tmp", F_OK));
}

static void change_root(void)
{
	SHOW(chroot("d"));
	SHOW(access("/nothing", F_OK));
	SHOW(access("/in", F_OK));
}

static void pass(int pair[2], int count)
{
	char byte = 0, control[CMSG_SPACE(32 * sizeof(int))] = { 0 };
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN((size_t)count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(header) + (size_t)i * sizeof(int), &(int){ 3 }, sizeof(int));
	SHOW(sendmsg(pair[0], &message, 0));
	syscall(SYS_close_range, 40 - count, ~0u, 0);
	SHOW(recvmsg(pair[1], &message, 0));
	SHOW(message.msg_flags & MSG_CTRUNC);
	SHOW(header->cmsg_len);
	while (dup(1) >= 0)
		;
}

/* What opens a file for itself alone works with all descriptors in use. */
static void full_own(void)
{
	int pair[2], script = open("script", O_WRONLY | O_CREAT, 0755);

	dprintf(script, "#!%s\n", HELLO);
	close(script);
	SHOW(mkdir("d", 0700));
	SHOW(mkdir("d/in", 0700));
	take_all(pair);
	apart(run_by_path);
	apart(run_by_descriptor);
	apart(run_script);
	apart(run_dynamic);
	apart(change_root);
	apart(threads);
	pass(pair, 1);
	pass(pair, 5);
	pass(pair, 30);
	SHOW(open("/dev/null", O_RDONLY));
	SHOW(rmdir("d/in"));
	SHOW(rmdir("d"));
}

static const struct part parts[] = { { "many", many }, { "full", full }, { "full_own", full_own } };

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
