/*
 * IPv6 over the loopback interface: ::1, ::, IPv4's addresses on IPv6's sockets.
 *
 * calls: bind connect recvmsg sendmsg socket
 */
#include "inet.h"

static char bytes[70000];
static const char *const texts[] = { "::1", "::", "::ffff:127.0.0.1", "::ffff:127.1.2.3", "::ffff:0.0.0.0", "::ffff:10.0.0.1", "::2", "fe80::1", "ff02::1",
	"2001:db8::1", "127.0.0.1" };

static int new_socket(int type)
{
	return socket(AF_INET6, type, 0);
}

static void only_six(int fd, int on)
{
	show("IPV6_V6ONLY", setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof on));
}

static void addresses_of(int type)
{
	for (int only = 0; only < 2; only++) {
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
			int fd = new_socket(type);
			printf("%s%s\n", texts[i], only ? ", IPv6 only" : "");
			only_six(fd, only);
			if (show("bind", inet_bind(fd, texts[i], 0)) == 0)
				inet_show_own("bound", fd);
			close(fd);
			fd = new_socket(type);
			only_six(fd, only);
			show("connect", inet_connect(fd, texts[i], 9));
			inet_show_own("own", fd);
			inet_show_peer("peer", fd);
			close(fd);
		}
	}
}

static void addresses(void)
{
	union inet_address a;
	int fd = new_socket(SOCK_STREAM);

	addresses_of(SOCK_STREAM);
	inet_show_own("fresh", fd);
	inet_make(&a, "::1", 0);
	show("short", bind(fd, &a.any, 23));
	show("without scope", bind(fd, &a.any, 24));
	inet_show_own("own", fd);
	close(fd);
	fd = new_socket(SOCK_STREAM);
	show("long", bind(fd, &a.any, 100));
	close(fd);
	fd = new_socket(SOCK_STREAM);
	a.six.sin6_scope_id = 7;
	a.six.sin6_flowinfo = htonl(5);
	show("scope", bind(fd, &a.any, 28));
	inet_show_own("own", fd);
	a.any.sa_family = AF_UNSPEC;
	show("unspecified", bind(fd, &a.any, 28));
	inet_make(&a, "fe80::1", 0);
	a.six.sin6_scope_id = 1;
	show("local to lo", bind(new_socket(SOCK_STREAM), &a.any, 28));
	show("connect short", connect(fd, &a.any, 23));
	show("connect local", connect(fd, &a.any, 28));
	a.six.sin6_scope_id = 0;
	show("connect local", connect(new_socket(SOCK_STREAM), &a.any, 28));
}

static void datagram_addresses(void)
{
	addresses_of(SOCK_DGRAM);
}

static void try(const char *to, int listener)
{
	int fd = socket(strchr(to, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0), accepted;
	char c = 0;

	printf("connect to %s\n", to);
	if (show("connect", inet_connect(fd, to, inet_port(listener))) != 0) {
		close(fd);
		return;
	}
	inet_show_own("own", fd);
	inet_show_peer("peer", fd);
	accepted = accept(listener, NULL, NULL);
	inet_show_own("accepted", accepted);
	inet_show_peer("accepted", accepted);
	write(fd, "x", 1);
	show("read", read(accepted, &c, 1));
	close(fd);
	show("end", read(accepted, &c, 1));
	close(accepted);
}

static void listeners(void)
{
	static const char *const own[] = { "::1", "::", "::ffff:127.0.0.1", "0.0.0.0" };

	for (int only = 0; only < 2; only++) {
		for (int i = 0; i < 4; i++) {
			int fd = socket(i == 3 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
			printf("listen at %s\n", own[i]);
			if (i < 3)
				only_six(fd, only);
			if (show("bind", inet_bind(fd, own[i], 0)) != 0)
				continue;
			show("listen", listen(fd, 5));
			try("::1", fd);
			try("127.0.0.1", fd);
			try("::ffff:127.0.0.1", fd);
			try("::", fd);
			try("0.0.0.0", fd);
			close(fd);
		}
	}
}

static int bound(const char *text, int only, int reuse)
{
	int fd = socket(strchr(text, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (strchr(text, ':'))
		setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &only, sizeof only);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
	show("bind", inet_bind(fd, text, 7200));
	return fd;
}

/* Who may have the same port: all pairs, with IPv6 only or not. */
static void ports(void)
{
	static const struct {
		const char *text;
		int only;
	} names[] = { { "::", 0 }, { "::", 1 }, { "::1", 0 }, { "::1", 1 }, { "::ffff:127.0.0.1", 0 }, { "0.0.0.0", 0 }, { "127.0.0.1", 0 } };

	/* Not ::ffff:0.0.0.0: Linux 6.1 lets others have its port by mistake. */
	for (int i = 0; i < 7; i++) {
		for (int j = 0; j < 7; j++) {
			printf("%s %d and %s %d\n", names[i].text, names[i].only, names[j].text, names[j].only);
			int a = bound(names[i].text, names[i].only, 0), b = bound(names[j].text, names[j].only, 0);
			close(a);
			close(b);
		}
	}
	/* The more exact of two listeners. */
	int any = bound("::", 0, 1), four = bound("0.0.0.0", 0, 1);
	show("listen", listen(any, 5));
	show("listen", listen(four, 5));
	close(four);
	close(any);
	int six = bound("::", 1, 0);
	four = bound("0.0.0.0", 0, 0);
	show("listen", listen(six, 5));
	show("listen", listen(four, 5));
	try("127.0.0.1", four);
	try("::1", six);
}

static long send_to(int fd, const char *text, unsigned port, const char *data)
{
	union inet_address a;
	socklen_t length = inet_make(&a, text, port);

	return sendto(fd, data, strlen(data), 0, &a.any, length);
}

static void receive_from(const char *what, int fd)
{
	union inet_address a;
	socklen_t length = sizeof a;

	memset(&a, 0, sizeof a);
	if (show(what, recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, &a.any, &length)) >= 0)
		inet_show("from", &a, length);
}

static void datagrams(void)
{
	int both = new_socket(SOCK_DGRAM), only = new_socket(SOCK_DGRAM), six = new_socket(SOCK_DGRAM), four = socket(AF_INET, SOCK_DGRAM, 0);
	union inet_address a;

	show("bind", inet_bind(both, "::", 0));
	only_six(only, 1);
	show("bind", inet_bind(only, "::", 0));
	show("IPv6 to both", send_to(six, "::1", inet_port(both), "a"));
	receive_from("both", both);
	inet_show_own("sender", six);
	show("IPv4 to both", send_to(four, "127.0.0.1", inet_port(both), "b"));
	receive_from("both", both);
	show("mapped to both", send_to(six, "::ffff:127.0.0.1", inet_port(both), "c"));
	receive_from("both", both);
	inet_show_own("sender", six);
	show("IPv4 name of IPv6 socket", send_to(six, "127.0.0.1", inet_port(both), "d"));
	receive_from("both", both);
	show("any to both", send_to(six, "::", inet_port(both), "e"));
	receive_from("both", both);
	show("IPv4 to IPv6 only", send_to(four, "127.0.0.1", inet_port(only), "f"));
	receive_from("only", only);
	show("IPv6 to IPv6 only", send_to(six, "::1", inet_port(only), "g"));
	receive_from("only", only);
	show("mapped from IPv6 only", send_to(only, "::ffff:127.0.0.1", inet_port(both), "h"));
	show("IPv4 from IPv6 only", send_to(only, "127.0.0.1", inet_port(both), "h"));
	show("IPv4 name, IPv6 only", inet_connect(only, "127.0.0.1", 9));
	show("IPv4 name", inet_connect(six, "127.0.0.1", inet_port(both)));
	inet_show_own("own", six);
	inet_show_peer("peer", six);
	show("send", send(six, "i", 1, 0));
	receive_from("both", both);
	show("IPv6 name then", send_to(six, "::1", inet_port(both), "j"));
	inet_make(&a, "::1", inet_port(both));
	show("short", sendto(four, "x", 1, 0, &a.any, 16));
	six = new_socket(SOCK_DGRAM);
	show("short", sendto(six, "x", 1, 0, &a.any, 23));
	show("without scope", sendto(six, "x", 1, 0, &a.any, 24));
	a.any.sa_family = 77;
	show("family 77", sendto(six, "x", 1, 0, &a.any, 28));
	a.any.sa_family = AF_UNSPEC;
	show("unspecified", sendto(six, "x", 1, 0, &a.any, 28));
	show("largest", send_to(six, "::1", inet_port(both), "k"));
	inet_make(&a, "::1", inet_port(both));
	show("largest", sendto(six, bytes, 65487, 0, &a.any, 28));
	show("larger", sendto(six, bytes, 65527, 0, &a.any, 28));
	show("too large", sendto(six, bytes, 65528, 0, &a.any, 28));
	show("refused", inet_connect(six, "::1", 9));
	show("send", send(six, "x", 1, 0));
	show_error("refused", six);
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

static void receive_control(int fd)
{
	char control[200] __attribute__((aligned(8)));
	union inet_address a;
	struct iovec v = { bytes, 4 };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };

	if (show("recvmsg", recvmsg(fd, &m, MSG_DONTWAIT)) < 0)
		return;
	inet_show("from", &a, m.msg_namelen);
	show_control(&m);
}

static long send_control(int fd, const char *text, unsigned port, int type, const void *data, size_t size)
{
	char control[100] __attribute__((aligned(8)));
	union inet_address a;
	struct iovec v = { "data", 4 };
	struct msghdr m = { .msg_name = &a, .msg_namelen = inet_make(&a, text, port), .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)control;

	memset(control, 0, sizeof control);
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_IPV6, .cmsg_type = type };
	memcpy(CMSG_DATA(c), data, size);
	m.msg_control = control;
	m.msg_controllen = CMSG_SPACE(size);
	return sendmsg(fd, &m, 0);
}

static void control_messages(void)
{
	int a = new_socket(SOCK_DGRAM), b = new_socket(SOCK_DGRAM), one = 1, hops = 20, class = 0x20, bad = 256, own = -1, below = -2;
	struct in6_pktinfo info = { .ipi6_ifindex = 1 };

	inet_bind(a, "::", 0);
	unsigned port = inet_port(a);
	setsockopt(a, SOL_IPV6, IPV6_RECVPKTINFO, &one, sizeof one);
	setsockopt(a, SOL_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof one);
	setsockopt(a, SOL_IPV6, IPV6_RECVTCLASS, &one, sizeof one);
	send_to(b, "::1", port, "six");
	receive_control(a);
	send_to(b, "::ffff:127.0.0.9", port, "four");
	receive_control(a);
	setsockopt(a, SOL_IP, IP_RECVTTL, &one, sizeof one);
	send_to(b, "::ffff:127.0.0.9", port, "four");
	receive_control(a);
	show("hops", send_control(b, "::1", port, IPV6_HOPLIMIT, &hops, sizeof hops));
	receive_control(a);
	show("class", send_control(b, "::1", port, IPV6_TCLASS, &class, sizeof class));
	receive_control(a);
	show("bad hops", send_control(b, "::1", port, IPV6_HOPLIMIT, &bad, sizeof bad));
	setsockopt(b, SOL_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
	setsockopt(b, SOL_IPV6, IPV6_TCLASS, &class, sizeof class);
	show("the socket's hops", send_control(b, "::1", port, IPV6_HOPLIMIT, &own, sizeof own));
	receive_control(a);
	show("the socket's class", send_control(b, "::1", port, IPV6_TCLASS, &own, sizeof own));
	receive_control(a);
	show("hops below", send_control(b, "::1", port, IPV6_HOPLIMIT, &below, sizeof below));
	show("class below", send_control(b, "::1", port, IPV6_TCLASS, &below, sizeof below));
	show("short hops", send_control(b, "::1", port, IPV6_HOPLIMIT, &hops, 3));
	show("by lo", send_control(b, "::1", port, IPV6_PKTINFO, &info, sizeof info));
	receive_control(a);
	info.ipi6_addr = in6addr_loopback;
	show("source", send_control(b, "::1", port, IPV6_PKTINFO, &info, sizeof info));
	receive_control(a);
	info.ipi6_addr.s6_addr[0] = 0x20;
	show("foreign source", send_control(b, "::1", port, IPV6_PKTINFO, &info, sizeof info));
	info = (struct in6_pktinfo){ .ipi6_ifindex = 9 };
	show("by interface 9", send_control(b, "::1", port, IPV6_PKTINFO, &info, sizeof info));
	info = (struct in6_pktinfo){ .ipi6_ifindex = 0 };
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &info.ipi6_addr);
	show("IPv4 source", send_control(b, "::1", port, IPV6_PKTINFO, &info, sizeof info));
	info.ipi6_addr = in6addr_loopback;
	show("IPv6 source", send_control(b, "::ffff:127.0.0.1", port, IPV6_PKTINFO, &info, sizeof info));
}

static void options(void)
{
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int fd = new_socket(type);
		GET(fd, SOL_SOCKET, SO_DOMAIN);
		GET(fd, SOL_IPV6, IPV6_V6ONLY);
		SET(fd, SOL_IPV6, IPV6_V6ONLY, 5);
		SET(fd, SOL_IPV6, IPV6_V6ONLY, 0);
		GET(fd, SOL_IPV6, IPV6_UNICAST_HOPS);
		SET(fd, SOL_IPV6, IPV6_UNICAST_HOPS, 9);
		SET(fd, SOL_IPV6, IPV6_UNICAST_HOPS, 256);
		SET(fd, SOL_IPV6, IPV6_UNICAST_HOPS, -1);
		GET(fd, SOL_IPV6, IPV6_TCLASS);
		SET(fd, SOL_IPV6, IPV6_TCLASS, 0x20);
		SET(fd, SOL_IPV6, IPV6_TCLASS, 256);
		SET(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1);
		SET(fd, SOL_IPV6, IPV6_RECVHOPLIMIT, 1);
		SET(fd, SOL_IPV6, IPV6_RECVTCLASS, 1);
		SET(fd, SOL_IPV6, IPV6_MULTICAST_HOPS, 3);
		SET(fd, SOL_IPV6, IPV6_MULTICAST_LOOP, 0);
		SET(fd, SOL_IPV6, IPV6_MTU_DISCOVER, 2);
		SET(fd, SOL_IPV6, IPV6_DONTFRAG, 1);
		SET(fd, SOL_IP, IP_TTL, 33);
		GET(fd, SOL_IP, IP_TOS);
		GET(fd, 99, 1);
		char c = 1;
		show("short", setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &c, 1));
		inet_bind(fd, "::1", 0);
		show("bound", setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &fd, sizeof fd));
		close(fd);
	}
	int ends[2];
	inet_pair("::1", ends);
	GET(ends[0], IPPROTO_TCP, 2);
	GET(ends[0], SOL_IPV6, IPV6_MTU);
	GET(ends[0], SOL_SOCKET, SO_SNDBUF);
	close(ends[0]);
	close(ends[1]);
}

static const struct part parts[] = {
	PART(addresses), PART(datagram_addresses), PART(listeners), PART(ports), PART(datagrams), PART(control_messages), PART(options),
};

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}
