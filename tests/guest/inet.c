/*
 * TCP over the loopback interface: sockets, addresses, ports, connections. What goes through them: inet_streams.c.
 *
 * calls: accept accept4 bind connect listen shutdown socket socketpair
 */
#include "inet.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/un.h>

static int s[2];

static int new_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static void kinds(void)
{
	int two[2];

	show_ok("stream", socket(AF_INET, SOCK_STREAM, 0));
	show_ok("TCP", socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
	show_ok("stream of UDP", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	show_ok("datagrams of TCP", socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	show_ok("packets", socket(AF_INET, SOCK_SEQPACKET, 0));
	show_ok("reliable datagrams", socket(AF_INET, SOCK_RDM, 0));
	show_ok("stream of protocol 200", socket(AF_INET, SOCK_STREAM, 200));
	show_ok("stream of protocol 300", socket(AF_INET, SOCK_STREAM, 300));
	show_ok("stream of protocol -1", socket(AF_INET, SOCK_STREAM, -1));
	show_ok("six", socket(AF_INET6, SOCK_STREAM, 0));
	show_ok("pair", socketpair(AF_INET, SOCK_STREAM, 0, two));
	show_ok("no family", socket(0, SOCK_STREAM, 0));
	show_ok("AX.25", socket(AF_AX25, SOCK_STREAM, 0));
	show_ok("family 46", socket(46, SOCK_STREAM, 0));
	show_ok("type 11", socket(AF_INET, 11, 0));
}

static void fresh(void)
{
	int fd = new_socket();
	char c;

	inet_show_own("own", fd);
	inet_show_peer("peer", fd);
	show_poll("fresh", fd);
	show_error("fresh", fd);
	show("read", read(fd, &c, 1));
	show("recv, not waiting", recv(fd, &c, 1, MSG_DONTWAIT));
	show("send", send(fd, &c, 1, MSG_NOSIGNAL));
	show("shut down", shutdown(fd, SHUT_RDWR));
	show_poll("shut down", fd);
	show("how 3", shutdown(fd, 3));
	show("accept", accept(fd, NULL, NULL));
	show("disconnect", connect(fd, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)));
}

static void addresses(void)
{
	static const char *const binds[] = { "127.0.0.1", "127.9.8.7", "0.0.0.0", "127.255.255.255", "127.0.0.0", "10.0.0.1", "8.8.8.8", "224.0.0.1",
		"255.255.255.255", "240.0.0.1", "169.254.0.1", "0.0.0.1" };
	union inet_address a;

	for (size_t i = 0; i < sizeof binds / sizeof *binds; i++) {
		int fd = new_socket();
		printf("bind %s\n", binds[i]);
		if (show("bind", inet_bind(fd, binds[i], 0)) == 0) {
			inet_show_own("own", fd);
			show("again", inet_bind(fd, binds[i], 0));
		}
		close(fd);
	}
	for (size_t i = 0; i < sizeof binds / sizeof *binds; i++) {
		int fd = new_socket();
		printf("connect %s\n", binds[i]);
		show("connect", inet_connect(fd, binds[i], 1));
		show_error("connect", fd);
		inet_show_own("own", fd);
		show_poll("connect", fd);
		close(fd);
	}
	int fd = new_socket();
	inet_make(&a, "127.0.0.1", 0);
	show("short", bind(fd, &a.any, 15));
	show("shorter", bind(fd, &a.any, 1));
	show("nothing", bind(fd, &a.any, 0));
	show("long", bind(fd, &a.any, 28));
	show("too long", bind(fd, &a.any, 129));
	show("connect short", connect(fd, &a.any, 15));
	show("connect shorter", connect(fd, &a.any, 1));
	show("connect nothing", connect(fd, &a.any, 0));
	close(fd);
	fd = new_socket();
	a.any.sa_family = AF_INET6;
	show("bind six", bind(fd, &a.any, 28));
	show("connect six", connect(fd, &a.any, 28));
	a.any.sa_family = 77;
	show("bind 77", bind(fd, &a.any, 16));
	show("connect 77", connect(fd, &a.any, 16));
	a.any.sa_family = AF_UNSPEC;
	show("bind unspecified, not any", bind(fd, &a.any, 16));
	a.four.sin_addr.s_addr = 0;
	show("bind unspecified, any", bind(fd, &a.any, 16));
	close(fd);
	fd = new_socket();
	show("port 0", inet_connect(fd, "127.0.0.1", 0));
	show("refused", inet_connect(fd, "127.0.0.1", 1));
	show_error("refused", fd);
	inet_show_own("refused", fd);
	inet_show_peer("refused", fd);
	show("refused again", inet_connect(fd, "127.0.0.1", 1));
	show("bound to", inet_bind(fd, "127.0.0.3", 0));
	show("refused, bound", inet_connect(fd, "127.0.0.1", 1));
	inet_show_own("refused, bound", fd);
	show("bound, unreachable", inet_connect(fd, "8.8.8.8", 1));
	close(fd);
}

static void connections(void)
{
	int l = inet_listening("127.0.0.1", 5), fd = new_socket();
	union inet_address a;
	socklen_t length = sizeof a;
	char text[10] = { 0 };

	show_poll("listening", l);
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	inet_show_own("own", fd);
	printf("peer's port is the listener's: %d\n", inet_port(l) != inet_port(fd));
	inet_show_peer("peer", fd);
	show_poll("listening", l);
	show_poll("connected", fd);
	show("written before it is accepted", write(fd, "early", 5));
	memset(&a, 0, sizeof a);
	s[1] = accept4(l, &a.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
	inet_show("accepted", &a, length);
	printf("its port is the peer's: %d\n", a.four.sin_port == htons(inet_port(fd)));
	printf("flags %x %x\n", fcntl(s[1], F_GETFL), fcntl(s[1], F_GETFD));
	inet_show_own("own", s[1]);
	inet_show_peer("peer", s[1]);
	printf("own port is the listener's: %d\n", inet_port(s[1]) == inet_port(l));
	show("read", read(s[1], text, 9));
	printf("%s\n", text);
	show("nothing more", read(s[1], text, 9));
	show("back", write(s[1], "late", 4));
	memset(text, 0, sizeof text);
	show("read", read(fd, text, 9));
	printf("%s\n", text);
	show("connect again", inet_connect(fd, "127.0.0.1", inet_port(l)));
	show("listen", listen(fd, 5));
	show("accept of a connection", accept(fd, NULL, NULL));
	show("bind of a connection", inet_bind(fd, "127.0.0.1", 0));
	show("connect of the listener", inet_connect(l, "127.0.0.1", inet_port(l)));
	show("send of the listener", send(l, text, 1, MSG_NOSIGNAL));
	show("recv of the listener", recv(l, text, 1, MSG_DONTWAIT));
	show("shut down", shutdown(l, SHUT_WR));
	show_poll("shut down for writing", l);
	show("shut down", shutdown(l, SHUT_RD));
	show_poll("shut down for reading", l);
	show("accept", accept(l, NULL, NULL));
	inet_show_own("listener", l);
	show("listen again", listen(l, 5));
	show_poll("listening", l);
	close(l);
	show("the connection goes on", write(fd, "x", 1));
	show("read", read(s[1], text, 9));
	close(fd);
	close(s[1]);
}

static void any_address(void)
{
	int l = inet_listening("0.0.0.0", 5), fd = new_socket();

	inet_show_own("listening", l);
	show("connect", inet_connect(fd, "127.3.2.1", inet_port(l)));
	inet_show_own("own", fd);
	inet_show_peer("peer", fd);
	s[1] = accept(l, NULL, NULL);
	inet_show_own("accepted", s[1]);
	inet_show_peer("accepted", s[1]);
	close(fd);
	close(s[1]);
	fd = new_socket();
	show("connect to any", inet_connect(fd, "0.0.0.0", inet_port(l)));
	inet_show_own("own", fd);
	inet_show_peer("peer", fd);
	close(fd);
	close(l);
	l = inet_listening("127.0.0.2", 5);
	fd = new_socket();
	show("another address", inet_connect(fd, "127.0.0.1", inet_port(l)));
	show("bind", inet_bind(fd, "127.0.0.9", 0));
	show("the same", inet_connect(fd, "127.0.0.2", inet_port(l)));
	s[1] = accept(l, NULL, NULL);
	inet_show_peer("accepted", s[1]);
	close(fd);
	close(s[1]);
	close(l);
	fd = new_socket();
	show("listen without a name", listen(fd, 1));
	inet_show_own("own", fd);
	close(fd);
}

static int bound_with(const char *text, unsigned port, int reuse_address, int reuse_port)
{
	int fd = new_socket();

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse_address, sizeof reuse_address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse_port, sizeof reuse_port);
	show("bind", inet_bind(fd, text, port));
	return fd;
}

static void ports(void)
{
	static const char *const texts[] = { "127.0.0.1", "127.0.0.2", "0.0.0.0" };

	for (int first = 0; first < 4; first++) {
		for (int second = 0; second < 4; second++) {
			for (int i = 0; i < 3; i++) {
				printf("reuse %d, then %d at %s\n", first, second, texts[i]);
				int a = bound_with("127.0.0.1", 7000, first & 1, first >> 1), b = bound_with(texts[i], 7000, second & 1, second >> 1);
				show("listen", listen(a, 1));
				show("listen", listen(b, 1));
				int c = bound_with(texts[i], 7000, second & 1, second >> 1);
				close(a);
				close(b);
				close(c);
			}
		}
	}
	int a = bound_with("0.0.0.0", 7001, 0, 0), b = bound_with("127.0.0.1", 7001, 0, 0);
	close(a);
	show("after close", inet_bind(b, "127.0.0.1", 7001));
	show("bound already", inet_bind(b, "127.0.0.1", 7002));
	close(b);
	show("low", inet_bind(new_socket(), "127.0.0.1", 80));
	int odd = 0, seen = 0;
	for (int i = 0; i < 20; i++) {
		int fd = new_socket();
		inet_bind(fd, "127.0.0.1", 0);
		odd += inet_port(fd) & 1;
		seen += inet_port(fd) >= 32768 && inet_port(fd) <= 60999;
	}
	printf("odd %d of the range %d\n", odd, seen);
}

/* An accepted connection has the listener's port still when that is gone. */
static void port_of_a_connection(void)
{
	int l = inet_listening("127.0.0.1", 5), fd = new_socket();
	unsigned port = inet_port(l);

	show("connect", inet_connect(fd, "127.0.0.1", port));
	s[1] = accept(l, NULL, NULL);
	close(l);
	l = bound_with("127.0.0.1", port, 0, 0);
	close(l);
	l = bound_with("127.0.0.1", port, 1, 0);
	close(l);
	close(fd);
	close(s[1]);
}

static void not_waiting(void)
{
	int l = inet_listening("127.0.0.1", 5), fd;

	fcntl(l, F_SETFL, O_NONBLOCK);
	show("accept", accept(l, NULL, NULL));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	show_poll("connected", fd);
	show_error("connected", fd);
	inet_show_peer("connected", fd);
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	show("refused", inet_connect(fd, "127.0.0.1", 1));
	show_poll("refused", fd);
	show_error("refused", fd);
	show_poll("refused", fd);
	inet_show_own("refused", fd);
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	show("refused", inet_connect(fd, "127.0.0.1", 1));
	show("connect", inet_connect(fd, "127.0.0.1", 1));
	show_error("refused", fd);
	show("unreachable", inet_connect(fd, "8.8.8.8", 1));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	show("refused", inet_connect(fd, "127.0.0.1", 1));
	show("send", send(fd, "x", 1, MSG_NOSIGNAL));
	show("send", send(fd, "x", 1, MSG_NOSIGNAL));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	show("refused", inet_connect(fd, "127.0.0.1", 1));
	char c;
	show("recv", recv(fd, &c, 1, 0));
	show("recv", recv(fd, &c, 1, 0));
	close(fd);
	close(l);
}

/* Who finds the queue full waits until somebody is accepted. */
static void full_backlog(void)
{
	int l = inet_listening("127.0.0.1", 1), fds[4];
	char c;

	for (int i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		show("connect", inet_connect(fds[i], "127.0.0.1", inet_port(l)));
		show_poll("connect", fds[i]);
	}
	show("connect again", inet_connect(fds[2], "127.0.0.1", inet_port(l)));
	inet_show_own("connecting", fds[2]);
	inet_show_peer("connecting", fds[2]);
	show("send", send(fds[2], "x", 1, MSG_NOSIGNAL));
	show("recv", recv(fds[2], &c, 1, MSG_NOSIGNAL));
	show("listen", listen(fds[2], 1));
	show("shut down", shutdown(fds[3], SHUT_WR));
	show_poll("shut down", fds[3]);
	for (int i = 0; i < 3; i++)
		show_ok("accept", accept(l, NULL, NULL));
	struct pollfd p = { .fd = fds[2], .events = POLLOUT };
	show("poll", poll(&p, 1, 20000));
	show_error("connected", fds[2]);
	close(l);
}

static void *connect_later(void *port)
{
	int fd = new_socket();

	nap_ms(50);
	if (inet_connect(fd, "127.0.0.1", (unsigned)(long)port) != 0)
		printf("connect: %s\n", error_name(errno));
	nap_ms(50);
	return (void *)(long)fd;
}

static void waits(void)
{
	int l = inet_listening("127.0.0.1", 1);
	pthread_t thread;
	void *fd;
	struct timeval limit = { 0, 100000 };

	pthread_create(&thread, NULL, connect_later, (void *)(long)inet_port(l));
	show_ok("accept", s[1] = accept(l, NULL, NULL));
	pthread_join(thread, &fd);
	close((int)(long)fd);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	show("accept in time", accept(l, NULL, NULL));
	char c;
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	show("read", read(s[1], &c, 1));
	pthread_create(&thread, NULL, connect_later, (void *)(long)inet_port(l));
	struct pollfd p = { .fd = l, .events = POLLIN };
	show("poll", poll(&p, 1, 1000));
	pthread_join(thread, &fd);
	show_ok("accept", s[0] = accept(l, NULL, NULL));
	show("read in time", read(s[0], &c, 1));
	close(l);
}

/* A listener that goes resets who was not accepted. */
static void listener_closed(void)
{
	int l = inet_listening("127.0.0.1", 5), fd = new_socket();
	char c;

	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	close(l);
	show_poll("reset", fd);
	show("read", read(fd, &c, 1));
	show("read", read(fd, &c, 1));
	close(fd);
	/* Who goes before it is accepted is accepted all the same. */
	l = inet_listening("127.0.0.1", 5);
	fd = new_socket();
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	show("write", write(fd, "gone", 4));
	close(fd);
	show_ok("accept", s[1] = accept(l, NULL, NULL));
	inet_show_peer("accepted", s[1]);
	show("read", read(s[1], &c, 1));
	close(s[1]);
	close(l);
}

static void disconnects(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int l = inet_listening("127.0.0.1", 5), fd = new_socket();
	char c;

	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	s[1] = accept(l, NULL, NULL);
	show("write", write(s[1], "lost", 4));
	show("disconnect", connect(fd, &none, sizeof none));
	inet_show_own("own", fd);
	inet_show_peer("peer", fd);
	show_poll("disconnected", fd);
	show_poll("reset", s[1]);
	show("read", read(s[1], &c, 1));
	show("read", read(s[1], &c, 1));
	show("connect", inet_connect(fd, "127.0.0.1", inet_port(l)));
	close(s[1]);
	s[1] = accept(l, NULL, NULL);
	show("write", write(s[1], "x", 1));
	show("read", read(fd, &c, 1));
	show("disconnect the listener", connect(l, &none, sizeof none));
	inet_show_own("listener", l);
	show("accept", accept(l, NULL, NULL));
	close(fd);
	close(l);
	close(s[1]);
}

/* A connection is its four numbers: one local port does for many, but not for the same. */
static void four_numbers(void)
{
	int a = inet_listening("127.0.0.1", 5), b = inet_listening("127.0.0.2", 5), one = 1;
	int x = new_socket(), y = new_socket();

	setsockopt(x, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(y, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	show("bind", inet_bind(x, "127.0.0.1", 7010));
	show("bind", inet_bind(y, "127.0.0.1", 7010));
	show("connect", inet_connect(x, "127.0.0.1", inet_port(a)));
	show("the same", inet_connect(y, "127.0.0.1", inet_port(a)));
	show("another", inet_connect(y, "127.0.0.2", inet_port(b)));
	show("listen", listen(y, 1));
	close(x);
	close(y);
	close(a);
	close(b);
	/* With itself. */
	x = new_socket();
	show("bind", inet_bind(x, "127.0.0.1", 7011));
	show("to itself", inet_connect(x, "127.0.0.1", 7011));
	inet_show_peer("itself", x);
	show("write", write(x, "me", 2));
	char text[4] = { 0 };
	show("read", read(x, text, 3));
	printf("%s\n", text);
	show("shut down", shutdown(x, SHUT_WR));
	show("end", read(x, text, 3));
	close(x);
}

static const struct part parts[] = {
	PART(kinds), PART(fresh), PART(addresses), PART(connections), PART(any_address), PART(ports), PART(port_of_a_connection), PART(not_waiting),
	PART(full_backlog), PART(waits), PART(listener_closed), PART(disconnects), PART(four_numbers),
};

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}
