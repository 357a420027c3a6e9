/*
 * UDP over the loopback interface: addresses, limits, errors, flags, control messages.
 *
 * calls: recvmmsg recvmsg sendmmsg sendmsg
 */
#include "inet.h"

#include <pthread.h>
#include <sys/epoll.h>

static char bytes[70000];

static int new_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

/* Bound to a port of the system's choice. */
static int receiver(const char *text)
{
	int fd = new_socket();

	if (inet_bind(fd, text, 0) != 0)
		printf("bind: %s\n", error_name(errno));
	return fd;
}

static long send_to(int fd, const char *text, unsigned port, const void *data, size_t size)
{
	union inet_address a;
	socklen_t length = inet_make(&a, text, port);

	return sendto(fd, data, size, MSG_NOSIGNAL, &a.any, length);
}

static void receive_from(const char *what, int fd, size_t room, int flags)
{
	union inet_address a;
	socklen_t length = sizeof a;

	memset(&a, 0, sizeof a);
	if (show(what, recvfrom(fd, bytes, room, flags | MSG_DONTWAIT, &a.any, &length)) >= 0)
		inet_show("from", &a, length);
}

static void show_queue(const char *what, int fd)
{
	int in = -1, out = -1;

	show(what, ioctl(fd, FIONREAD, &in));
	ioctl(fd, TIOCOUTQ, &out);
	printf("in %d out %d\n", in, out);
}

static void kinds(void)
{
	show_ok("datagrams", socket(AF_INET, SOCK_DGRAM, 0));
	show_ok("UDP", socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
	show_ok("datagrams of TCP", socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	show_ok("six", socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
	int fd = new_socket();
	inet_show_own("own", fd);
	inet_show_peer("peer", fd);
	show_poll("fresh", fd);
	show("recv", recv(fd, bytes, 1, MSG_DONTWAIT));
	show("send", send(fd, "x", 1, 0));
	show("write", write(fd, "x", 1));
	show("listen", listen(fd, 1));
	show("accept", accept(fd, NULL, NULL));
	show_queue("fresh", fd);
	show("shut down", shutdown(fd, SHUT_RDWR));
	show_poll("shut down", fd);
	show("recv", recv(fd, bytes, 1, MSG_DONTWAIT));
	show("recv, waiting", recv(fd, bytes, 1, 0));
	show("sendto", send_to(fd, "127.0.0.1", 9, "x", 1));
}

static void exchanges(void)
{
	int a = receiver("127.0.0.1"), b = new_socket();

	show("sendto", send_to(b, "127.0.0.1", inet_port(a), "hello", 5));
	inet_show_own("sender", b);
	show_poll("receiver", a);
	show_queue("receiver", a);
	receive_from("recvfrom", a, 100, 0);
	printf("%.5s\n", bytes);
	receive_from("nothing", a, 100, 0);
	show("back", send_to(a, "127.0.0.1", inet_port(b), "back", 4));
	show("read", read(b, bytes, 100));
	show("nothing sent", send_to(b, "127.0.0.1", inet_port(a), "", 0));
	show_poll("receiver", a);
	show_queue("receiver", a);
	receive_from("nothing received", a, 100, 0);
	show("long", send_to(b, "127.0.0.1", inet_port(a), "0123456789", 10));
	receive_from("peek", a, 4, MSG_PEEK);
	receive_from("peek, its length", a, 4, MSG_PEEK | MSG_TRUNC);
	receive_from("cut", a, 4, 0);
	receive_from("the rest is gone", a, 4, 0);
	show("long", send_to(b, "127.0.0.1", inet_port(a), "0123456789", 10));
	receive_from("its length", a, 4, MSG_TRUNC);
	show("largest", send_to(b, "127.0.0.1", inet_port(a), bytes, 65507));
	show("too large", send_to(b, "127.0.0.1", inet_port(a), bytes, 65508));
	show("larger than any", send_to(b, "127.0.0.1", inet_port(a), bytes, 70000));
	receive_from("largest", a, sizeof bytes, 0);
	receive_from("nothing", a, 100, 0);
	show("bad memory", send_to(b, "127.0.0.1", inet_port(a), (void *)8, 10));
	receive_from("nothing", a, 100, 0);
	show("wait for all", send_to(b, "127.0.0.1", inet_port(a), "abc", 3));
	receive_from("part", a, 100, MSG_WAITALL);
	close(a);
	close(b);
}

static void addresses(void)
{
	static const char *const texts[] = { "127.0.0.1", "127.4.5.6", "0.0.0.0", "127.255.255.255", "10.0.0.1", "224.0.0.1", "255.255.255.255" };
	union inet_address a;
	int fd = new_socket();

	inet_make(&a, "127.0.0.1", 9);
	show("short", sendto(fd, "x", 1, 0, &a.any, 15));
	show("shorter", sendto(fd, "x", 1, 0, &a.any, 1));
	show("long", sendto(fd, "x", 1, 0, &a.any, 28));
	a.any.sa_family = AF_INET6;
	show("six", sendto(fd, "x", 1, 0, &a.any, 28));
	a.any.sa_family = AF_UNSPEC;
	show("unspecified", sendto(fd, "x", 1, 0, &a.any, 16));
	show("port 0", send_to(fd, "127.0.0.1", 0, "x", 1));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		printf("%s\n", texts[i]);
		show("sendto", send_to(fd, texts[i], 9, "x", 1));
		int c = new_socket();
		show("connect", inet_connect(c, texts[i], 9));
		inet_show_own("own", c);
		inet_show_peer("peer", c);
		close(c);
	}
	close(fd);
	int any = receiver("0.0.0.0");
	fd = receiver("127.0.0.7");
	show("to 127.5.5.5", send_to(fd, "127.5.5.5", inet_port(any), "x", 1));
	receive_from("from", any, 10, 0);
	show("to 0.0.0.0", send_to(fd, "0.0.0.0", inet_port(any), "x", 1));
	receive_from("from", any, 10, 0);
	int plain = new_socket();
	show("to 127.5.5.5", send_to(plain, "127.5.5.5", inet_port(any), "x", 1));
	receive_from("from", any, 10, 0);
	inet_show_own("own", plain);
	/* The most exact one gets it. */
	int exact = new_socket(), one = 1;
	setsockopt(any, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(exact, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	show("bind", inet_bind(exact, "127.0.0.1", inet_port(any)));
	show("to the exact one", send_to(plain, "127.0.0.1", inet_port(any), "y", 1));
	show("to any", send_to(plain, "127.0.0.2", inet_port(any), "z", 1));
	receive_from("exact", exact, 10, 0);
	receive_from("exact", exact, 10, 0);
	receive_from("any", any, 10, 0);
	receive_from("any", any, 10, 0);
}

static void ports(void)
{
	for (int first = 0; first < 4; first++) {
		for (int second = 0; second < 4; second++) {
			int a = new_socket(), b = new_socket(), x = first & 1, y = second & 1, p = first >> 1, q = second >> 1;
			setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &x, sizeof x);
			setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &p, sizeof p);
			setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &y, sizeof y);
			setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &q, sizeof q);
			printf("reuse %d, then %d\n", first, second);
			show("bind", inet_bind(a, "127.0.0.1", 7100));
			show("bind", inet_bind(b, "0.0.0.0", 7100));
			close(b);
			close(a);
		}
	}
	/* TCP's ports are others. */
	int a = new_socket(), b = socket(AF_INET, SOCK_STREAM, 0);
	show("bind UDP", inet_bind(a, "127.0.0.1", 7101));
	show("bind TCP", inet_bind(b, "127.0.0.1", 7101));
	show("bind again", inet_bind(a, "127.0.0.1", 7102));
	close(a);
	close(b);
}

static void connected(void)
{
	int a = receiver("127.0.0.1"), b = new_socket(), c = receiver("127.0.0.1");

	show("connect", inet_connect(b, "127.0.0.1", inet_port(a)));
	inet_show_own("own", b);
	inet_show_peer("peer", b);
	show("send", send(b, "one", 3, 0));
	show("write", write(b, "two", 3));
	show("write nothing", write(b, "", 0));
	receive_from("one", a, 10, 0);
	receive_from("two", a, 10, 0);
	receive_from("nothing", a, 10, 0);
	show("somebody else's", send_to(c, "127.0.0.1", inet_port(b), "other", 5));
	receive_from("does not come", b, 10, 0);
	show("its own", send_to(a, "127.0.0.1", inet_port(b), "own", 3));
	receive_from("comes", b, 10, 0);
	show("to another", send_to(b, "127.0.0.1", inet_port(c), "aside", 5));
	receive_from("comes", c, 10, 0);
	show("connect to another", inet_connect(b, "127.0.0.1", inet_port(c)));
	show("send", send(b, "three", 5, 0));
	receive_from("comes", c, 10, 0);
	show("disconnect", connect(b, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)));
	inet_show_own("own", b);
	inet_show_peer("peer", b);
	show("send", send(b, "x", 1, 0));
	show("disconnect a bound one", connect(a, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)));
	inet_show_own("own", a);
	show("to itself", inet_connect(a, "127.0.0.1", inet_port(a)));
	show("send", send(a, "me", 2, 0));
	receive_from("comes", a, 10, 0);
	show("shut down for writing", shutdown(a, SHUT_WR));
	show("send", send(a, "me", 2, MSG_NOSIGNAL));
	show_poll("shut down", a);
	show("shut down for reading", shutdown(a, SHUT_RD));
	show_poll("shut down", a);
	show("recv", recv(a, bytes, 10, 0));
}

/* Nobody there: the sender is told if it is connected. */
static void refused(void)
{
	int a = receiver("127.0.0.1"), b = new_socket(), loose = new_socket(), one = 1;
	unsigned port = inet_port(a);
	struct sockaddr_in none = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };

	close(a);
	show("not connected", send_to(loose, "127.0.0.1", port, "x", 1));
	show_error("not connected", loose);
	show("connect", inet_connect(b, "127.0.0.1", port));
	show("send", send(b, "x", 1, 0));
	show_poll("refused", b);
	show("send", send(b, "x", 1, 0));
	show("send", send(b, "x", 1, 0));
	show("recv", recv(b, bytes, 1, MSG_DONTWAIT));
	show("recv", recv(b, bytes, 1, MSG_DONTWAIT));
	show("send", send(b, "x", 1, 0));
	show_error("refused", b);
	show_error("told", b);
	show("send", send(b, "x", 1, 0));
	show("recv, waiting", recv(b, bytes, 1, 0));
	show("sendto", sendto(b, "x", 1, 0, (struct sockaddr *)&none, sizeof none));
	show_error("refused", b);
	/* An error comes before what was received. */
	int c = new_socket();
	show("bind", inet_bind(c, "127.0.0.1", port));
	show("sent", send_to(c, "127.0.0.1", inet_port(b), "data", 4));
	close(c);
	show("send", send(b, "x", 1, 0));
	show_poll("both", b);
	show("recv", recv(b, bytes, 10, MSG_DONTWAIT));
	show("recv", recv(b, bytes, 10, MSG_DONTWAIT));
	(void)one;
}

static int fill(int fd, unsigned port, size_t size)
{
	int sent = 0, got = 0;

	while (sent < 1000 && send_to(fd, "127.0.0.1", port, bytes, size) == (long)size)
		sent++;
	printf("sent %d of %d bytes\n", sent, (int)size);
	return got;
}

static void limits(void)
{
	static const int sizes[] = { 0, 1, 100, 133, 134, 400, 1000, 1500, 4000, 9000, 15000, 16000, 16100, 20000, 65507 };
	int a = receiver("127.0.0.1"), b = new_socket(), size = 5000;
	socklen_t length = sizeof size;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int got = 0;
		fill(b, inet_port(a), (size_t)sizes[i]);
		while (recv(a, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
			got++;
		printf("received %d\n", got);
	}
	show("SO_RCVBUF", setsockopt(a, SOL_SOCKET, SO_RCVBUF, &size, sizeof size));
	getsockopt(a, SOL_SOCKET, SO_RCVBUF, &size, &length);
	printf("%d\n", size);
	fill(b, inet_port(a), 100);
	int got = 0;
	while (recv(a, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
		got++;
	printf("received %d\n", got);
	size = 5000;
	show("SO_SNDBUF", setsockopt(b, SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
	show("larger than it", send_to(b, "127.0.0.1", inet_port(a), bytes, 12000));
	show("smaller", send_to(b, "127.0.0.1", inet_port(a), bytes, 9000));
}

static void show_control(struct msghdr *m)
{
	printf("flags %x control %d\n", m->msg_flags, (int)m->msg_controllen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		printf("level %d type %d length %d:", c->cmsg_level, c->cmsg_type, (int)c->cmsg_len);
		for (size_t i = 0; i < c->cmsg_len - sizeof *c; i++)
			printf(" %02x", CMSG_DATA(c)[i]);
		printf("\n");
	}
}

static void receive_control(int fd, size_t room)
{
	char control[200] __attribute__((aligned(8)));
	union inet_address a;
	struct iovec v = { bytes, 4 };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room };

	memset(control, 0, sizeof control);
	if (show("recvmsg", recvmsg(fd, &m, MSG_DONTWAIT)) < 0)
		return;
	inet_show("from", &a, m.msg_namelen);
	show_control(&m);
}

static long send_control(int fd, const char *text, unsigned port, int level, int type, const void *data, size_t size)
{
	char control[100] __attribute__((aligned(8)));
	union inet_address a;
	struct iovec v = { "data", 4 };
	struct msghdr m = { .msg_name = &a, .msg_namelen = inet_make(&a, text, port), .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)control;

	memset(control, 0, sizeof control);
	c->cmsg_len = CMSG_LEN(size);
	c->cmsg_level = level;
	c->cmsg_type = type;
	memcpy(CMSG_DATA(c), data, size);
	m.msg_control = control;
	m.msg_controllen = CMSG_SPACE(size);
	return sendmsg(fd, &m, 0);
}

static void control_messages(void)
{
	int a = receiver("0.0.0.0"), b = new_socket(), one = 1, ttl = 33, bad = 300, tos = 0x10;
	unsigned port = inet_port(a);
	struct in_pktinfo from = { .ipi_spec_dst = { htonl(0x7f000008) } };

	send_to(b, "127.0.0.1", port, "plain", 5);
	receive_control(a, 200);
	setsockopt(a, SOL_IP, IP_PKTINFO, &one, sizeof one);
	send_to(b, "127.0.0.5", port, "info", 4);
	receive_control(a, 200);
	setsockopt(a, SOL_IP, IP_RECVTTL, &one, sizeof one);
	setsockopt(a, SOL_IP, IP_RECVTOS, &one, sizeof one);
	send_to(b, "127.0.0.5", port, "info", 4);
	receive_control(a, 200);
	setsockopt(b, SOL_IP, IP_TTL, &ttl, sizeof ttl);
	setsockopt(b, SOL_IP, IP_TOS, &tos, sizeof tos);
	send_to(b, "127.0.0.5", port, "info", 4);
	receive_control(a, 200);
	send_to(b, "127.0.0.5", port, "room for one", 12);
	receive_control(a, 40);
	send_to(b, "127.0.0.5", port, "room for a part", 15);
	receive_control(a, 20);
	send_to(b, "127.0.0.5", port, "no room", 7);
	receive_control(a, 0);
	show("own source", send_control(b, "127.0.0.1", port, SOL_IP, IP_PKTINFO, &from, sizeof from));
	receive_control(a, 200);
	ttl = 44;
	show("own TTL", send_control(b, "127.0.0.1", port, SOL_IP, IP_TTL, &ttl, sizeof ttl));
	receive_control(a, 200);
	show("own TOS", send_control(b, "127.0.0.1", port, SOL_IP, IP_TOS, &ttl, sizeof ttl));
	receive_control(a, 200);
	show("bad TTL", send_control(b, "127.0.0.1", port, SOL_IP, IP_TTL, &bad, sizeof bad));
	show("short TTL", send_control(b, "127.0.0.1", port, SOL_IP, IP_TTL, &ttl, 2));
	show("short PKTINFO", send_control(b, "127.0.0.1", port, SOL_IP, IP_PKTINFO, &from, 4));
	show("type 77", send_control(b, "127.0.0.1", port, SOL_IP, 77, &ttl, sizeof ttl));
	show("level 99", send_control(b, "127.0.0.1", port, 99, 1, &ttl, sizeof ttl));
	receive_control(a, 200);
	from.ipi_spec_dst.s_addr = htonl(0x08080808);
	show("foreign source", send_control(b, "127.0.0.1", port, SOL_IP, IP_PKTINFO, &from, sizeof from));
	from.ipi_spec_dst.s_addr = 0;
	from.ipi_ifindex = 1;
	show("by lo", send_control(b, "127.0.0.1", port, SOL_IP, IP_PKTINFO, &from, sizeof from));
	receive_control(a, 200);
	from.ipi_ifindex = 9;
	show("by interface 9", send_control(b, "127.0.0.1", port, SOL_IP, IP_PKTINFO, &from, sizeof from));
}

static void many_messages(void)
{
	enum { N = 5 };
	int a = receiver("127.0.0.1"), b = new_socket();
	struct mmsghdr out[N], in[N + 2];
	struct iovec v[N], w[N + 2];
	union inet_address to, from[N + 2];
	socklen_t length = inet_make(&to, "127.0.0.1", inet_port(a));
	char texts[N + 2][8];

	memset(out, 0, sizeof out);
	memset(in, 0, sizeof in);
	for (int i = 0; i < N; i++) {
		v[i] = (struct iovec){ "0123456", (size_t)i };
		out[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i], .msg_iovlen = 1, .msg_name = &to, .msg_namelen = length };
	}
	for (int i = 0; i < N + 2; i++) {
		w[i] = (struct iovec){ texts[i], 3 };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &w[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof from[i] };
	}
	show("sendmmsg", sendmmsg(b, out, N, 0));
	int n = recvmmsg(a, in, N + 2, MSG_DONTWAIT, NULL);
	show("recvmmsg", n);
	for (int i = 0; i < n; i++)
		printf("%d bytes flags %x name %d\n", (int)in[i].msg_len, in[i].msg_hdr.msg_flags, (int)in[i].msg_hdr.msg_namelen);
	show("sendmmsg", sendmmsg(b, out, 1, 0));
	show("recvmmsg", recvmmsg(a, in, 2, MSG_WAITFORONE, NULL));
	close(a);
	close(b);
}

static void *send_later(void *port)
{
	int fd = new_socket();

	nap_ms(50);
	send_to(fd, "127.0.0.1", (unsigned)(long)port, "late", 4);
	close(fd);
	return NULL;
}

static void waits(void)
{
	int a = receiver("127.0.0.1"), e = epoll_create1(0);
	struct timeval limit = { 0, 30000 };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	pthread_t thread;

	setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	show("in time", recv(a, bytes, 10, 0));
	limit.tv_usec = 500000;
	setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	pthread_create(&thread, NULL, send_later, (void *)(long)inet_port(a));
	show("late", recv(a, bytes, 10, 0));
	pthread_join(thread, NULL);
	epoll_ctl(e, EPOLL_CTL_ADD, a, &event);
	pthread_create(&thread, NULL, send_later, (void *)(long)inet_port(a));
	show("epoll", epoll_wait(e, &event, 1, 1000));
	show("epoll", epoll_wait(e, &event, 1, 0));
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, send_later, (void *)(long)inet_port(a));
	show("epoll", epoll_wait(e, &event, 1, 1000));
	pthread_join(thread, NULL);
	show("recv", recv(a, bytes, 10, 0));
	show("recv", recv(a, bytes, 10, 0));
}

static void other_refused(void)
{
	int a = receiver("127.0.0.1"), gone = receiver("127.0.0.1"), fd = new_socket();
	unsigned port = inet_port(gone);

	close(gone);
	inet_connect(fd, "127.0.0.1", inet_port(a));
	send_to(fd, "127.0.0.1", port, "x", 1);
	show_error("not the peer", fd);
	show("recv", recv(fd, bytes, 10, MSG_DONTWAIT));
	port = inet_port(a);
	close(a);
	send_to(fd, "127.0.0.1", port, "x", 1);
	show_error("the peer", fd);
	close(fd);
}

static void options(void)
{
	int fd = new_socket();

	GET(fd, SOL_SOCKET, SO_DOMAIN);
	GET(fd, SOL_SOCKET, SO_TYPE);
	GET(fd, SOL_SOCKET, SO_PROTOCOL);
	GET(fd, SOL_SOCKET, SO_SNDBUF);
	GET(fd, SOL_SOCKET, SO_RCVBUF);
	SET(fd, SOL_SOCKET, SO_BROADCAST, 1);
	GET(fd, IPPROTO_TCP, 1);
	SET(fd, SOL_IP, IP_TOS, 0x13);
	SET(fd, SOL_IP, IP_MULTICAST_TTL, 3);
	SET(fd, SOL_IP, IP_MULTICAST_TTL, -1);
	SET(fd, SOL_IP, IP_MULTICAST_LOOP, 0);
	GET(fd, SOL_IP, IP_MTU);
	inet_connect(fd, "127.0.0.1", 9);
	GET(fd, SOL_IP, IP_MTU);
}

#define LEVEL_LITE       136
#define SEND_COVERAGE    10
#define RECEIVE_COVERAGE 11

static int lite_socket(int family)
{
	return socket(family, SOCK_DGRAM, IPPROTO_UDPLITE);
}

static void show_lines(const char *path, unsigned port)
{
	char line[300], want[16];
	FILE *f = fopen(path, "r");
	int count = 0;

	snprintf(want, sizeof want, ":%04X ", port);
	while (f && fgets(line, sizeof line, f))
		count += strstr(line, want) != NULL;
	printf("%s: %d\n", path, f ? count : -1);
	if (f)
		fclose(f);
}

/* It has ports, options and a list of its own. */
static void lite(void)
{
	int fd = lite_socket(AF_INET), from = lite_socket(AF_INET), udp = new_socket(), six = lite_socket(AF_INET6);
	unsigned port;

	show("streams", socket(AF_INET, SOCK_STREAM, IPPROTO_UDPLITE));
	GET(fd, SOL_SOCKET, SO_PROTOCOL);
	show("bind", inet_bind(fd, "127.0.0.1", 0));
	port = inet_port(fd);
	show("bind of UDP to the same port", inet_bind(udp, "127.0.0.1", port));
	show("bind again", inet_bind(from, "127.0.0.1", port));
	show("send", send_to(from, "127.0.0.1", port, "lite", 4));
	receive_from("receive", fd, 100, 0);
	receive_from("nothing for UDP", udp, 100, 0);
	show_lines("/proc/net/udplite", port);
	show_lines("/proc/net/udp", port);
	show("bind", inet_bind(six, "::1", port));
	show_lines("/proc/net/udplite6", port);
	show("send", send_to(from, "127.0.0.1", port + 1, "x", 1));
	close(fd);
	close(from);
	close(udp);
	close(six);
}

/* A receiver may want more of a datagram to be covered than its sender gives. */
static void coverage(void)
{
	int fd = lite_socket(AF_INET), from = lite_socket(AF_INET), udp = new_socket();

	inet_bind(fd, "127.0.0.1", 0);
	GET(fd, LEVEL_LITE, SEND_COVERAGE);
	SET(from, LEVEL_LITE, SEND_COVERAGE, 3);
	SET(from, LEVEL_LITE, SEND_COVERAGE, 70000);
	SET(from, LEVEL_LITE, SEND_COVERAGE, -1);
	SET(from, LEVEL_LITE, SEND_COVERAGE, 12);
	show("partly covered", send_to(from, "127.0.0.1", inet_port(fd), "0123456789", 10));
	receive_from("receive", fd, 100, 0);
	SET(fd, LEVEL_LITE, RECEIVE_COVERAGE, 12);
	send_to(from, "127.0.0.1", inet_port(fd), "0123456789", 10);
	receive_from("as much as is wanted", fd, 100, 0);
	SET(fd, LEVEL_LITE, RECEIVE_COVERAGE, 13);
	send_to(from, "127.0.0.1", inet_port(fd), "0123456789", 10);
	receive_from("less", fd, 100, 0);
	send_to(from, "127.0.0.1", inet_port(fd), "0123", 4);
	receive_from("all of it", fd, 100, 0);
	SET(fd, LEVEL_LITE, RECEIVE_COVERAGE, 0);
	send_to(from, "127.0.0.1", inet_port(fd), "0123456789", 10);
	receive_from("all is wanted", fd, 100, 0);
	SET(from, LEVEL_LITE, SEND_COVERAGE, 0);
	send_to(from, "127.0.0.1", inet_port(fd), "0123456789", 10);
	receive_from("all is covered", fd, 100, 0);
	SET(udp, LEVEL_LITE, SEND_COVERAGE, 8);
	close(fd);
	close(from);
	close(udp);
}

static const struct part parts[] = {
	PART(kinds), PART(exchanges), PART(addresses), PART(ports), PART(connected), PART(refused), PART(limits), PART(control_messages),
	PART(many_messages), PART(waits), PART(options), PART(other_refused), PART(lite), PART(coverage),
};

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}
