/*
 * What O_ASYNC tells of pipes, FIFOs, sockets, terminals, inotify, and for which files it means nothing. Who is told shows owners.c.
 */
#include <arpa/inet.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>

#include "tests/guest/owners.h"

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

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "pipes", pipes }, { "last_writer", last_writer }, { "fifos", fifos }, { "unix_sockets", unix_sockets },
		{ "inet_sockets", inet_sockets }, { "tcp_sockets", tcp_sockets }, { "own_shutdown", own_shutdown }, { "hang_up", hang_up },
		{ "room", room }, { "terminals", terminals }, { "not_async", not_async }, { "watches", watches },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
