/* soak.c: pipes, sockets, files, waiting for several. */
#ifndef TESTS_GUEST_SOAK_FILES_H
#define TESTS_GUEST_SOAK_FILES_H

#include "soak.h"

#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

/* ---- bytes ---- */

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 131 >> 3);
}

static void send_bytes(int fd, size_t all, uint32_t largest)
{
	uint8_t buffer[8192];

	for (size_t at = 0; at < all;) {
		size_t n = 1 + rnd(largest);
		ssize_t done;

		n = n < all - at ? n : all - at;
		for (size_t i = 0; i < n; i++)
			buffer[i] = byte_at(at + i);
		done = write(fd, buffer, n);
		MUST(done > 0);
		at += (size_t)done;
	}
}

static void receive_bytes(int fd, size_t all, uint32_t largest)
{
	uint8_t buffer[8192];
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, buffer, 1 + rnd(largest))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (buffer[i] != byte_at(at))
				fail("byte %zu is %d, expected %d", at, buffer[i], byte_at(at));
	MUST(n == 0);
	if (at != all)
		fail("%zu bytes came, expected %zu", at, all);
}

static void stream(int in, int out)
{
	size_t all = 1000 + rnd(100000);
	uint32_t largest = rnd(2) ? 8192 : 200;
	pid_t pid = make_child();

	random_state += (uint64_t)(pid == 0);
	if (pid == 0) {
		close(in);
		send_bytes(out, all, largest);
		_exit(0);
	}
	close(out);
	receive_bytes(in, all, largest);
	close(in);
	expect_end(pid, 0);
}

static void pipe_streams(void)
{
	int ends[2];

	MUST(pipe(ends) == 0);
	stream(ends[0], ends[1]);
}

static void socket_streams(void)
{
	int ends[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	stream(ends[0], ends[1]);
}

static void bytes_in_turn(int to[2], int from[2])
{
	char byte = 1;
	pid_t pid = make_child();

	for (int i = 0; i < 60; i++) {
		if (pid)
			MUST(write(to[1], &byte, 1) == 1);
		MUST(read(pid ? from[0] : to[0], &byte, 1) == 1);
		byte++;
		if (!pid)
			MUST(write(from[1], &byte, 1) == 1);
	}
	if (pid == 0)
		_exit(0);
	expect_end(pid, 0);
	MUST(byte == (char)(1 + 120));
}

/* A byte back and forth: who is not woken hangs. */
static void pipe_turns(void)
{
	int to[2], from[2];

	MUST(pipe(to) == 0 && pipe(from) == 0);
	bytes_in_turn(to, from);
	close(to[0]), close(to[1]), close(from[0]), close(from[1]);
}

static void socket_turns(void)
{
	int ends[2];

	MUST(socketpair(AF_UNIX, rnd(2) ? SOCK_STREAM : SOCK_SEQPACKET, 0, ends) == 0);
	bytes_in_turn((int[2]){ ends[1], ends[0] }, (int[2]){ ends[0], ends[1] });
	close(ends[0]), close(ends[1]);
}

/* A descriptor goes through a socket, and what it was of is used by the receiver. */
static void passed_descriptors(void)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 'x';
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	int ends[2], pipes[2], fd;
	pid_t pid;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && pipe(pipes) == 0);
	pid = make_child();
	if (pid == 0) {
		close(pipes[1]); /* it comes by the socket */
		MUST(recvmsg(ends[1], &message, 0) == 1 && message.msg_controllen >= sizeof(struct cmsghdr));
		memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
		MUST(write(fd, "passed", 6) == 6);
		_exit(0);
	}
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), &pipes[1], sizeof(int));
	MUST(sendmsg(ends[0], &message, 0) == 1);
	close(pipes[1]);
	{
		char text[8];
		ssize_t n, all = 0;

		while ((n = read(pipes[0], text + all, sizeof text - (size_t)all)) > 0)
			all += n;
		MUST(n == 0 && all == 6 && !memcmp(text, "passed", 6));
	}
	expect_end(pid, 0);
	close(pipes[0]), close(ends[0]), close(ends[1]);
}

/* ---- waiting ---- */

static int event_fd;
static atomic_int events_sent;

static void *event_sender(void *times)
{
	uint64_t one = 1;

	for (int i = 0; i < (int)(uintptr_t)times; i++) {
		if (i % 4 == 0)
			nap_us(i * 7 % 300);
		atomic_fetch_add(&events_sent, 1);
		MUST(write(event_fd, &one, 8) == 8);
	}
	return NULL;
}

static void wait_for_event(int how, int epoll)
{
	struct pollfd p = { event_fd, POLLIN, 0 };
	struct epoll_event e;

	if (how == 0)
		MUST(poll(&p, 1, 60000) == 1);
	else if (how == 1)
		MUST(epoll_wait(epoll, &e, 1, 60000) == 1);
}

static void events(void)
{
	int how = (int)rnd(3), epoll = epoll_create1(0);
	uint64_t sum = 0, value;
	pthread_t sender;

	event_fd = eventfd(0, 0);
	MUST(event_fd >= 0 && epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, event_fd, &(struct epoll_event){ .events = EPOLLIN }) == 0);
	events_sent = 0;
	start_thread(&sender, event_sender, (void *)40);
	while (sum < 40) {
		wait_for_event(how, epoll);
		MUST(read(event_fd, &value, 8) == 8);
		sum += value;
	}
	MUST(sum == 40 && events_sent == 40 && pthread_join(sender, NULL) == 0);
	close(event_fd), close(epoll);
}

static void timers(void)
{
	struct itimerspec every = { { 0, 500000 }, { 0, 500000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t sum = 0, value;

	MUST(fd >= 0 && timerfd_settime(fd, 0, &every, NULL) == 0);
	while (sum < 5) {
		if (rnd(2))
			MUST(poll(&p, 1, -1) == 1);
		MUST(read(fd, &value, 8) == 8);
		sum += value;
	}
	close(fd);
}

/* ---- names: a directory that all workers use ---- */

static void files(void)
{
	char name[64], other[64], text[64], got[64];

	for (int i = 0; i < 6; i++) {
		int fd, n = snprintf(text, sizeof text, "worker %d file %d", worker_number, i);

		snprintf(name, sizeof name, "file%d.%d", worker_number, i);
		snprintf(other, sizeof other, "renamed%d.%d", worker_number, i);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		MUST(fd >= 0 && write(fd, text, (size_t)n) == n && rename(name, other) == 0 && access(name, F_OK) != 0);
		MUST(pread(fd, got, sizeof got, 0) == n && !memcmp(got, text, (size_t)n) && close(fd) == 0);
		MUST(unlink(other) == 0);
	}
}

static void appends(void)
{
	char name[64], line[16];
	pid_t pid[3];
	int fd;

	snprintf(name, sizeof name, "append%d", worker_number);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	MUST(fd >= 0);
	for (int i = 0; i < 3; i++) {
		pid[i] = make_child();
		if (pid[i] == 0) {
			for (int k = 0; k < 20; k++)
				MUST(write(fd, "123456789abcdef\n", 16) == 16);
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		expect_end(pid[i], 0);
	for (int i = 0; i < 60; i++)
		MUST(pread(fd, line, 16, i * 16) == 16 && !memcmp(line, "123456789abcdef\n", 16));
	MUST(pread(fd, line, 1, 960) == 0 && close(fd) == 0 && unlink(name) == 0);
}

/* What /proc says of processes that may end meanwhile. */
static void looks_at_others(void)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	char path[300], text[1024];

	MUST(directory);
	while ((entry = readdir(directory))) {
		int fd;

		if (atoi(entry->d_name) <= 0)
			continue;
		snprintf(path, sizeof path, "/proc/%s/%s", entry->d_name, rnd(2) ? "stat" : "maps");
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		while (read(fd, text, sizeof text) > 0)
			;
		close(fd);
	}
	closedir(directory);
}

static void ptys(void)
{
	char text[32];
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	ssize_t n;

	MUST(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	MUST(slave >= 0 && write(master, "a line\n", 7) == 7);
	n = read(slave, text, sizeof text);
	MUST(n == 7 && !memcmp(text, "a line\n", 7));
	close(slave), close(master);
}

#endif
