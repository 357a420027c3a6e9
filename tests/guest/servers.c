/*
 * What a program can do to file servers: send them any message, and kill them. On Linux there are none, and only what must be true
 * on both is shown: afterwards files are as they were.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/file.h"
#include "abi/gate.h"
#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"
#include "tests/guest/show.h"

#define MESSAGES 4000
#define PATIENCE 20000000ul /* ns that a call may wait */

static uint64_t state;

static uint64_t any(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static uint64_t any_word(void)
{
	switch (any(7)) {
	case 0: return 0;
	case 1: return any(64);
	case 2: return any(5000);
	case 3: return -1 - any(4);
	case 4: return 1ul << any(64);
	case 5: return INT64_MAX - any(3);
	default: return any(UINT64_MAX);
	}
}

static int is_uxrt(void)
{
	return access("/proc/uxrt", F_OK) == 0;
}

/* ---- messages ---- */

static const char *const names[] = { "/", "/tmp", "/tmp/fuzzed", "/etc/passwd", "/dev/null", "/dev/zero", "/dev/urandom", "/dev", "/dev/shm", "/proc",
				     "/proc/self/stat", "/proc/self/maps", "/proc/self/fd" };
static const char *const paths[] = { "/tmp/fuzzed", "/tmp/../etc/./passwd", "tmp/x/y", "/proc/self/fd/0", "//", "a/..", "/dev/null/", "/proc/1/exe" };

#define FILES (sizeof names / sizeof *names + 5)

static int files[FILES];

static void open_all(void)
{
	int ends[2];

	for (size_t i = 0; i < FILES - 5; i++) {
		files[i] = open(names[i], O_RDWR | O_NONBLOCK | (i == 2 ? O_CREAT : 0), 0644);
		if (files[i] < 0)
			files[i] = open(names[i], O_RDONLY | O_NONBLOCK);
	}
	pipe2(ends, O_NONBLOCK);
	files[FILES - 2] = ends[0];
	files[FILES - 1] = ends[1];
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
	files[FILES - 3] = ends[0];
	files[FILES - 4] = ends[1];
	files[FILES - 5] = socket(AF_UNIX, SOCK_DGRAM, 0);
}

#define COPIES 100 /* descriptor numbers that nobody else uses */

/* Copies of files and of what is in system slots go with the message: how many. */
static unsigned add_capabilities(const struct native_api *native, struct message_buffer *message)
{
	unsigned count = any(3) ? 0 : any(MESSAGE_CAPS + 1);

	for (unsigned i = 0; i < count; i++) {
		unsigned long from_system = !any(4), slot = from_system ? any(32) : (unsigned)files[any(FILES)];
		unsigned long cnode = from_system ? CPTR_SYSTEM | SLOT_SYSTEM : CPTR_FILES;
		unsigned long a[8] = { CPTR_FILES, COPIES + i, cnode, slot, RIGHT_ALL };
		unsigned long old[8] = { CPTR_FILES, COPIES + i };

		native->object(KCALL_cap_delete, old);
		native->object(KCALL_cap_copy, a);
		message->send_slot[i] = COPIES + i;
	}
	return count;
}

static void send_one(const struct native_api *native, char *buffer, size_t size)
{
	struct message_buffer *message = native->message();
	struct ipc ipc = { .target = files[any(FILES)], .deadline = native->monotonic() + PATIENCE };
	unsigned label = any(112), bytes = any(3) ? 0 : any(MESSAGE_BYTES + 1), windows = any(3);

	if (!any(4))
		ipc.target = CPTR_SYSTEM | (any(2) ? SLOT_ROOT : any(2) ? SLOT_SERVICE_SOCKET : any(2) ? SLOT_SERVICE_PIPE : SLOT_SERVICE_EVENT);
	if (ipc.target == (CPTR_SYSTEM | SLOT_ROOT))
		label = 1 + any(FILE_CONTINUE);
	for (int i = 0; i < 8; i++)
		ipc.m[i] = any_word();
	for (unsigned i = 0; i < bytes; i++)
		message->data[i] = any(256);
	if (label <= FILE_CONTINUE && any(4)) {
		const char *path = paths[any(sizeof paths / sizeof *paths)];

		ipc.m[4] = strlen(path);
		ipc.m[5] = any(10);
		ipc.m[3] = ipc.m[6] = CPTR_SYSTEM | SLOT_CWD;
		memcpy(message->data, path, ipc.m[4]);
		bytes = ipc.m[4] + ipc.m[5];
	}
	/* A map at a random place could take the place of this program. */
	if (label == FILE_MAP)
		ipc.m[0] = 0;
	for (unsigned i = 0; i < windows; i++) {
		message->window[i].base = any(4) ? (uintptr_t)buffer + any(size / 2) : any_word();
		message->window[i].len = any(4) ? any(size / 2) : any_word();
	}
	message->recv_slot[0] = SLOT_NONE;
	ipc.info = INFO(label, bytes) | INFO_WINDOWS(windows) | INFO_CAPS(add_capabilities(native, message));
	native->ipc(KCALL_call, &ipc);
}

static void send_many(uint64_t seed)
{
	static char buffer[16384];

	state = seed * 0x9e3779b97f4a7c15ul;
	open_all();
	for (int i = 0; i < MESSAGES; i++)
		send_one((const struct native_api *)GATE_NATIVE, buffer, sizeof buffer);
	_exit(0);
}

static void show_files(void)
{
	char text[16] = "";
	int fd = open("kept", O_RDONLY);

	SHOW(read(fd, text, sizeof text - 1));
	printf("%s\n", text);
	close(fd);
	SHOW(mkdir("made", 0755));
	SHOW(rename("made", "moved"));
	SHOW(rmdir("moved"));
}

static void keep_something(void)
{
	int fd = open("kept", O_CREAT | O_WRONLY, 0644);

	SHOW(write(fd, "kept", 4));
	close(fd);
}

/* The processes end as programs do, and servers go on. */
static void messages(void)
{
	keep_something();
	for (uint64_t seed = 1; seed <= 6 && is_uxrt(); seed++) {
		pid_t pid = fork();

		if (!pid)
			send_many(seed);
		waitpid(pid, NULL, 0);
	}
	show_files();
}

/* ---- death ---- */

static int is_named(const char *pid, const char *name)
{
	char path[300], text[32] = "";
	int fd;

	snprintf(path, sizeof path, "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof text - 1) > 0)
		text[strcspn(text, "\n")] = 0;
	close(fd);
	return !strcmp(text, name);
}

static pid_t server_named(const char *name)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	pid_t pid = -1;

	while (directory && pid < 0 && (entry = readdir(directory)))
		if (atoi(entry->d_name) > 0 && is_named(entry->d_name, name))
			pid = atoi(entry->d_name);
	closedir(directory);
	return pid;
}

/* A path does not silently start somewhere else when its directory's server has died. */
static void lost_directory(void)
{
	struct stat st;
	char path[100];
	int lost = stat("kept", &st) < 0 && errno == EIO && stat(".", &st) < 0 && errno == EIO && mkdir("wrong", 0755) < 0 && errno == EIO &&
		   !getcwd(path, sizeof path);

	printf("a lost working directory is %s\n", lost || !is_uxrt() ? "lost" : "another one");
}

/* Old descriptors fail, on Linux because the file was opened for the other direction; everything else is there. */
static void restart(void)
{
	pid_t server;
	char byte;
	int fd;

	keep_something();
	for (int i = 0; i < 3; i++) {
		fd = open("kept", is_uxrt() ? O_RDONLY : O_WRONLY);
		if (is_uxrt() && (server = server_named("ramfs")) > 1)
			kill(server, SIGKILL);
		lost_directory();
		chdir("/tmp/case");
		printf("old descriptor: %s\n", read(fd, &byte, 1) < 0 ? "fails" : "reads");
		close(fd);
		show_files();
	}
}

static int waiting;

static void *wait_for_bytes(void *unused)
{
	char byte;

	(void)unused;
	return (void *)(long)(read(waiting, &byte, 1) < 0);
}

/* 'S' in its line of /proc. */
static int is_asleep(const char *tid)
{
	char path[64], line[512], *after;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%s/stat", tid);
	f = fopen(path, "r");
	after = f && fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
	if (f)
		fclose(f);
	return after && after[2] == 'S';
}

/* Until the program's only other thread waits for what will not come by itself. */
static void until_other_sleeps(void)
{
	for (int asleep = 0; !asleep; sched_yield()) {
		DIR *tasks = opendir("/proc/self/task");
		struct dirent *entry;

		while (tasks && (entry = readdir(tasks)))
			if (entry->d_name[0] != '.' && atoi(entry->d_name) != getpid())
				asleep = is_asleep(entry->d_name);
		if (tasks)
			closedir(tasks);
	}
}

/* Old sockets fail, those who wait for them too (on Linux the peer's shutdown and a bad descriptor do the same); new ones work. */
static void restart_sockets(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "listener" };

	for (int i = 0; i < 3; i++) {
		int ends[2], listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), is_new;
		pid_t server;
		char byte;

		unlink("listener");
		printf("bound %d\n", bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 1) == 0);
		socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
		pthread_t thread;
		void *failed = NULL;

		waiting = ends[0];
		pthread_create(&thread, NULL, wait_for_bytes, NULL);
		until_other_sleeps();
		if (is_uxrt() && (server = server_named("socket")) > 1)
			kill(server, SIGKILL);
		if (!is_uxrt()) {
			dup2(client, ends[1]);
			close(listener);
		}
		pthread_join(thread, &failed);
		printf("who waited: %s\n", failed || !is_uxrt() ? "fails" : "has read");
		printf("old socket: %s\n", read(ends[0], &byte, 1) < 0 || !is_uxrt() ? "fails" : "reads");
		close(client);
		close(ends[0]);
		close(ends[1]);
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		printf("stale name: %s\n", connect(client, (struct sockaddr *)&name, sizeof name) < 0 && errno == ECONNREFUSED ? "refused" : "not refused");
		is_new = socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && write(ends[0], "x", 1) == 1 && read(ends[1], &byte, 1) == 1;
		printf("new sockets: %s\n", is_new ? "work" : "fail");
		if (is_uxrt())
			close(listener);
		close(client);
		close(ends[0]);
		close(ends[1]);
	}
}

static void *wait_to_accept(void *listener)
{
	return (void *)(long)(accept((int)(long)listener, NULL, NULL) < 0);
}

static int listens(int fd, struct sockaddr_in *name)
{
	return bind(fd, (struct sockaddr *)name, sizeof *name) == 0 && listen(fd, 1) == 0;
}

/* Of the Internet families too; their ports are free again. */
static void restart_inet_sockets(void)
{
	struct sockaddr_in name = { AF_INET, htons(7001), { htonl(INADDR_LOOPBACK) }, { 0 } };

	for (int i = 0; i < 3; i++) {
		int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), again;
		pthread_t thread;
		pid_t server;
		void *failed = NULL;

		printf("bound %d\n", listens(listener, &name));
		pthread_create(&thread, NULL, wait_to_accept, (void *)(long)listener);
		until_other_sleeps();
		if (is_uxrt() && (server = server_named("socket")) > 1)
			kill(server, SIGKILL);
		else
			shutdown(listener, SHUT_RDWR);
		pthread_join(thread, &failed);
		printf("who waited: %s\n", failed ? "fails" : "has accepted");
		printf("old socket: %s\n", connect(client, (struct sockaddr *)&name, sizeof name) < 0 ? "fails" : "connects");
		close(listener);
		close(client);
		again = socket(AF_INET, SOCK_STREAM, 0);
		printf("port again: %d\n", listens(again, &name));
		close(again);
	}
}

static const struct part parts[] = { { "messages", messages }, { "restart", restart }, { "restart_sockets", restart_sockets },
	{ "restart_inet_sockets", restart_inet_sockets } };

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
