/*
 * What goes through TCP connections over the loopback interface: bytes, flags, how connections end, readiness, options.
 *
 * calls: epoll_ctl epoll_wait getsockopt ioctl read readv recvfrom recvmsg select sendmsg sendto setsockopt shutdown write writev
 */
#include "inet.h"

#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>

static int s[2];
static char bytes[300000];
static volatile int signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void pair(void)
{
	inet_pair("127.0.0.1", s);
}

static void close_both(void)
{
	close(s[0]);
	close(s[1]);
}

static void show_queue(const char *what, int fd)
{
	int in = -1, out = -1;

	show(what, ioctl(fd, FIONREAD, &in));
	ioctl(fd, TIOCOUTQ, &out);
	printf("in %d out %d\n", in, out);
}

static void transfers(void)
{
	struct iovec v[3] = { { "one", 3 }, { "", 0 }, { " two", 4 } }, r[2] = { { bytes, 2 }, { bytes + 2, 100 } };

	pair();
	show("write", write(s[0], "hello", 5));
	show_queue("reader", s[1]);
	show_queue("writer", s[0]);
	show_poll("readable", s[1]);
	show("read", read(s[1], bytes, 3));
	show("the rest", recv(s[1], bytes, 100, 0));
	show("empty", recv(s[1], bytes, 100, MSG_DONTWAIT));
	show("write of nothing", write(s[0], bytes, 0));
	show("send of nothing", send(s[0], bytes, 0, 0));
	show("read of nothing", read(s[1], bytes, 0));
	show("lseek", lseek(s[0], 0, SEEK_CUR));
	show("pread", pread(s[0], bytes, 1, 0));
	show("writev", writev(s[0], v, 3));
	show("readv", readv(s[1], r, 2));
	printf("%.7s\n", bytes);
	write(s[0], "abc", 3);
	write(s[0], "defg", 4);
	show("two writes, one read", read(s[1], bytes, 100));
	struct sockaddr_in a;
	socklen_t length = sizeof a;
	write(s[0], "x", 1);
	show("recvfrom", recvfrom(s[1], bytes, 10, 0, (struct sockaddr *)&a, &length));
	printf("length %d\n", (int)length);
	memset(&a, 0, sizeof a);
	show("sendto an address", sendto(s[0], "y", 1, 0, (struct sockaddr *)&a, sizeof a));
	show("sendto a short address", sendto(s[0], "y", 1, 0, (struct sockaddr *)&a, 2));
	show("read", read(s[1], bytes, 10));
	struct stat st;
	fstat(s[0], &st);
	printf("mode %o\n", (unsigned)st.st_mode);
	close_both();
}

static void flags(void)
{
	char control[64] __attribute__((aligned(8)));
	struct iovec v = { bytes, 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	int fd = 1;

	pair();
	write(s[0], "abc", 3);
	write(s[0], "defghij", 7);
	show("peek", recv(s[1], bytes, 5, MSG_PEEK));
	printf("%.5s\n", bytes);
	show("peek", recv(s[1], bytes, 100, MSG_PEEK));
	printf("%.10s\n", bytes);
	show("thrown away", recv(s[1], NULL, 2, MSG_TRUNC));
	show("peek beyond", recv(s[1], bytes, 100, MSG_PEEK | MSG_TRUNC));
	show("recvmsg", recvmsg(s[1], &m, 0));
	printf("%.4s flags %x control %d\n", bytes, m.msg_flags, (int)m.msg_controllen);
	show("all of it, not waiting", recv(s[1], bytes, 100, MSG_WAITALL | MSG_DONTWAIT));
	struct cmsghdr *c = (struct cmsghdr *)control;
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	m.msg_controllen = CMSG_SPACE(sizeof fd);
	show("a descriptor", sendmsg(s[0], &m, 0));
	m.msg_controllen = sizeof control;
	show("recvmsg", recvmsg(s[1], &m, 0));
	printf("flags %x control %d\n", m.msg_flags, (int)m.msg_controllen);
	show("more", send(s[0], "m", 1, MSG_MORE));
	show("the last", send(s[0], "n", 1, 0));
	show("both", recv(s[1], bytes, 2, MSG_WAITALL));
	show("record", send(s[0], "r", 1, MSG_EOR));
	show("read", recv(s[1], bytes, 9, 0));
	show("errors", recv(s[1], bytes, 9, MSG_ERRQUEUE));
	close_both();
}

static void *write_slowly(void *unused)
{
	(void)unused;
	for (int i = 0; i < 4; i++) {
		nap_ms(20);
		write(s[0], "0123456789", 10);
	}
	return NULL;
}

static void waits_for_all(void)
{
	pthread_t thread;
	int low = 15;

	pair();
	pthread_create(&thread, NULL, write_slowly, NULL);
	show("all", recv(s[1], bytes, 25, MSG_WAITALL));
	show("one part", recv(s[1], bytes, 5, 0));
	show("next part", recv(s[1], bytes, 100, 0));
	pthread_join(thread, NULL);
	setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
	pthread_create(&thread, NULL, write_slowly, NULL);
	show("at least 15", recv(s[1], bytes, 100, 0));
	pthread_join(thread, NULL);
	show("the rest", recv(s[1], bytes, 100, 0));
	write(s[0], "0123456789", 10);
	show_poll("too little", s[1]);
	show("not waiting", recv(s[1], bytes, 100, MSG_DONTWAIT));
	write(s[0], "0123456789", 10);
	show_poll("still", s[1]);
	write(s[0], "0123456789", 10);
	show_poll("enough", s[1]);
	shutdown(s[0], SHUT_WR);
	show("peek", recv(s[1], bytes, 5, MSG_PEEK | MSG_WAITALL));
	show("all before the end", recv(s[1], bytes, 100, MSG_WAITALL));
	show("the end", recv(s[1], bytes, 100, MSG_WAITALL));
	close_both();
}

static void broken(const char *what, int fd)
{
	signals = 0;
	show(what, write(fd, "x", 1));
	show("not by a signal", send(fd, "x", 1, MSG_NOSIGNAL));
	printf("signals %d\n", signals);
}

static void peer_closes(void)
{
	handle(SIGPIPE, on_signal, 0);
	pair();
	write(s[0], "last", 4);
	close(s[0]);
	show_poll("closed", s[1]);
	show_queue("closed", s[1]);
	show("read", read(s[1], bytes, 10));
	show("end", read(s[1], bytes, 10));
	show_poll("closed", s[1]);
	inet_show_peer("closed", s[1]);
	show("nothing", send(s[1], "x", 0, 0));
	show_poll("closed still", s[1]);
	show("write once more", write(s[1], "x", 1));
	show_poll("reset", s[1]);
	broken("write", s[1]);
	show_poll("reset", s[1]);
	show_error("reset", s[1]);
	show("end", read(s[1], bytes, 10));
	inet_show_peer("reset", s[1]);
	show("shut down", shutdown(s[1], SHUT_WR));
	show("connect", inet_connect(s[1], "127.0.0.1", 1));
	close(s[1]);
	/* Asked by SO_ERROR, and by read. */
	pair();
	close(s[0]);
	write(s[1], "x", 1);
	show_error("reset", s[1]);
	broken("write", s[1]);
	close(s[1]);
	pair();
	close(s[0]);
	write(s[1], "x", 1);
	show("read", read(s[1], bytes, 10));
	show_error("reset", s[1]);
	close(s[1]);
}

static void unread_data_resets(void)
{
	handle(SIGPIPE, on_signal, 0);
	pair();
	write(s[0], "unread", 6);
	write(s[1], "answer", 6);
	close(s[1]);
	show_poll("reset", s[0]);
	show_queue("reset", s[0]);
	show("what came before", read(s[0], bytes, 10));
	show("then", read(s[0], bytes, 10));
	show("then", read(s[0], bytes, 10));
	broken("write", s[0]);
	close(s[0]);
	pair();
	write(s[0], "unread", 6);
	close(s[1]);
	broken("write", s[0]);
	show("read", read(s[0], bytes, 10));
	close(s[0]);
	/* Half of it read. */
	pair();
	write(s[0], "unread", 6);
	read(s[1], bytes, 3);
	close(s[1]);
	show_error("reset", s[0]);
	show_poll("told", s[0]);
	show("read", read(s[0], bytes, 10));
	close(s[0]);
	/* After a half close. */
	pair();
	write(s[0], "unread", 6);
	shutdown(s[1], SHUT_WR);
	show_poll("half closed", s[0]);
	close(s[1]);
	show_poll("reset", s[0]);
	show("read", read(s[0], bytes, 10));
	broken("write", s[0]);
	close(s[0]);
	/* Linger 0. */
	struct linger now = { 1, 0 };
	pair();
	setsockopt(s[1], SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(s[1]);
	show_poll("reset", s[0]);
	show("read", read(s[0], bytes, 10));
	show("read", read(s[0], bytes, 10));
	close(s[0]);
	/* A while is nothing when all has arrived. */
	struct linger later = { 1, 5 };
	pair();
	write(s[1], "x", 1);
	setsockopt(s[1], SOL_SOCKET, SO_LINGER, &later, sizeof later);
	long long before = now_us();
	close(s[1]);
	printf("at once: %d\n", now_us() - before < 1000000);
	show_poll("closed", s[0]);
	close(s[0]);
}

static void half_closed(void)
{
	handle(SIGPIPE, on_signal, 0);
	pair();
	write(s[0], "before", 6);
	show("shut down", shutdown(s[0], SHUT_WR));
	show_poll("own", s[0]);
	show_poll("peer", s[1]);
	broken("write", s[0]);
	show("back", write(s[1], "back", 4));
	show("read", read(s[0], bytes, 10));
	show("read", read(s[1], bytes, 10));
	show("end", read(s[1], bytes, 10));
	inet_show_peer("own", s[0]);
	inet_show_peer("peer", s[1]);
	show("again", shutdown(s[0], SHUT_WR));
	show("both", shutdown(s[1], SHUT_WR));
	show_poll("own", s[0]);
	show_poll("peer", s[1]);
	inet_show_peer("own", s[0]);
	inet_show_peer("peer", s[1]);
	inet_show_own("own", s[0]);
	show_error("own", s[0]);
	show_error("peer", s[1]);
	broken("write", s[1]);
	show("read", read(s[0], bytes, 10));
	show("shut down", shutdown(s[0], SHUT_RDWR));
	close_both();
	/* For reading: what comes can be read still. */
	pair();
	write(s[0], "before", 6);
	show("shut down for reading", shutdown(s[1], SHUT_RD));
	show_poll("own", s[1]);
	show_poll("peer", s[0]);
	show("read", read(s[1], bytes, 10));
	show("end", read(s[1], bytes, 10));
	show("write to it", write(s[0], "after", 5));
	show_poll("own", s[1]);
	show("read", read(s[1], bytes, 10));
	show("end", read(s[1], bytes, 10));
	show("write", write(s[1], "x", 1));
	show("read", read(s[0], bytes, 10));
	show("both", shutdown(s[1], SHUT_RDWR));
	show_poll("own", s[1]);
	show_poll("peer", s[0]);
	close_both();
	pair();
	show("both at once", shutdown(s[0], SHUT_RDWR));
	show_poll("own", s[0]);
	show_poll("peer", s[1]);
	show("read", read(s[0], bytes, 10));
	show("write to it", write(s[1], "x", 1));
	show_poll("peer", s[1]);
	close_both();
}

static void *read_late(void *unused)
{
	(void)unused;
	nap_ms(30);
	long sum = 0, n;
	while ((n = read(s[1], bytes, sizeof bytes)) > 0)
		sum += n;
	printf("read %ld\n", sum);
	return NULL;
}

/* More than all buffers hold. */
static void big_transfer(void)
{
	static char big[1 << 20];
	pthread_t thread;
	long sum = 0;

	pair();
	pthread_create(&thread, NULL, read_late, NULL);
	for (int i = 0; i < 16; i++)
		sum += write(s[0], big, sizeof big);
	printf("written %ld\n", sum);
	shutdown(s[0], SHUT_WR);
	pthread_join(thread, NULL);
	close_both();
	/* A writer that finds no room is not told that there is some before there is. */
	pair();
	fcntl(s[0], F_SETFL, O_NONBLOCK);
	while (write(s[0], big, sizeof big) > 0)
		;
	show("full", errno == EAGAIN);
	show_poll("full", s[0]);
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	while (read(s[1], big, sizeof big) > 0)
		nap_ms(1);
	show_poll("empty", s[0]);
	show("write", write(s[0], "x", 1));
	close_both();
	/* A waiting writer whose peer goes. */
	pair();
	while (send(s[0], big, sizeof big, MSG_DONTWAIT) > 0)
		;
	pid_t pid = child();
	if (pid == 0) {
		close(s[1]);
		show("waits", send(s[0], big, sizeof big, MSG_NOSIGNAL));
		show("then", send(s[0], big, sizeof big, MSG_NOSIGNAL));
		_exit(0);
	}
	nap_ms(50);
	close(s[1]);
	waitpid(pid, NULL, 0);
	close(s[0]);
}

static void show_events(int e)
{
	struct epoll_event events[4];
	int n = epoll_wait(e, events, 4, 0);

	printf("events %d:", n);
	for (int i = 0; i < n; i++)
		printf(" %x", events[i].events);
	printf("\n");
}

static void epolls(void)
{
	int e = epoll_create1(0);
	struct epoll_event edge = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

	pair();
	show("add", epoll_ctl(e, EPOLL_CTL_ADD, s[1], &edge));
	show_events(e);
	show_events(e);
	write(s[0], "a", 1);
	show_events(e);
	show_events(e);
	write(s[0], "b", 1);
	show_events(e);
	read(s[1], bytes, 10);
	show_events(e);
	shutdown(s[0], SHUT_WR);
	show_events(e);
	shutdown(s[1], SHUT_WR);
	show_events(e);
	close_both();
	pair();
	fd_set in, out;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(s[0], &in);
	FD_SET(s[0], &out);
	struct timeval none = { 0, 0 };
	show("select", select(s[0] + 1, &in, &out, NULL, &none));
	printf("in %d out %d\n", !!FD_ISSET(s[0], &in), !!FD_ISSET(s[0], &out));
	close(s[1]);
	FD_SET(s[0], &in);
	show("select", select(s[0] + 1, &in, &out, NULL, &none));
	close(s[0]);
	close(e);
}

static void options(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	GET(fd, SOL_SOCKET, SO_DOMAIN);
	GET(fd, SOL_SOCKET, SO_TYPE);
	GET(fd, SOL_SOCKET, SO_PROTOCOL);
	GET(fd, SOL_SOCKET, SO_ACCEPTCONN);
	GET(fd, SOL_SOCKET, SO_SNDBUF);
	GET(fd, SOL_SOCKET, SO_RCVBUF);
	GET(fd, SOL_SOCKET, SO_RCVLOWAT);
	GET(fd, SOL_SOCKET, SO_REUSEADDR);
	SET(fd, SOL_SOCKET, SO_REUSEADDR, 5);
	SET(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	SET(fd, SOL_SOCKET, SO_SNDBUF, 10000);
	SET(fd, SOL_SOCKET, SO_RCVBUF, 10000000);
	SET(fd, SOL_SOCKET, SO_PRIORITY, 3);
	GET(fd, 100, 1);
	GET(fd, IPPROTO_UDP, 1);
	GET(fd, SOL_IPV6, IPV6_V6ONLY);
	close_both();
	pair();
	GET(s[0], SOL_SOCKET, SO_SNDBUF);
	GET(s[1], SOL_SOCKET, SO_SNDBUF);
	GET(s[1], SOL_SOCKET, SO_RCVBUF);
	struct { int pid, uid, gid; } who;
	socklen_t length = sizeof who;
	show("SO_PEERCRED", getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &who, &length));
	printf("%d %d %d\n", who.pid, who.uid, who.gid);
	close_both();
	close(fd);
}

static void tcp_options(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char name[20] = { 0 };
	socklen_t length = sizeof name;

	SET(fd, SOL_TCP, TCP_NODELAY, 7);
	SET(fd, SOL_TCP, TCP_CORK, 1);
	SET(fd, SOL_TCP, TCP_CORK, 0);
	GET(fd, SOL_TCP, TCP_KEEPIDLE);
	SET(fd, SOL_TCP, TCP_KEEPIDLE, 60);
	SET(fd, SOL_TCP, TCP_KEEPIDLE, 0);
	SET(fd, SOL_TCP, TCP_KEEPIDLE, 32768);
	SET(fd, SOL_TCP, TCP_KEEPINTVL, 5);
	SET(fd, SOL_TCP, TCP_KEEPCNT, 3);
	SET(fd, SOL_TCP, TCP_KEEPCNT, 128);
	GET(fd, SOL_TCP, TCP_SYNCNT);
	SET(fd, SOL_TCP, TCP_USER_TIMEOUT, 1000);
	SET(fd, SOL_TCP, TCP_USER_TIMEOUT, -1);
	SET(fd, SOL_TCP, TCP_NOTSENT_LOWAT, 4096);
	GET(fd, SOL_TCP, TCP_MAXSEG);
	GET(fd, SOL_TCP, TCP_QUICKACK);
	show("short", setsockopt(fd, SOL_TCP, TCP_NODELAY, name, 3));
	show("TCP_CONGESTION", getsockopt(fd, SOL_TCP, TCP_CONGESTION, name, &length));
	printf("%s %d\n", name, (int)length);
	show("TCP_CONGESTION reno", setsockopt(fd, SOL_TCP, TCP_CONGESTION, "reno", 4));
	length = 6;
	show("TCP_CONGESTION", getsockopt(fd, SOL_TCP, TCP_CONGESTION, name, &length));
	printf("%s %d\n", name, (int)length);
	show("TCP_CONGESTION none", setsockopt(fd, SOL_TCP, TCP_CONGESTION, "none", 4));
	show("TCP 99", getsockopt(fd, SOL_TCP, 99, name, &length));
	show("TCP 99", setsockopt(fd, SOL_TCP, 99, name, 4));
	close(fd);
	pair();
	GET(s[0], SOL_TCP, TCP_MAXSEG);
	struct tcp_info info;
	length = sizeof info;
	memset(&info, 0, sizeof info);
	show("TCP_INFO", getsockopt(s[0], SOL_TCP, TCP_INFO, &info, &length));
	printf("state %d mss %d %d mtu %d\n", info.tcpi_state, (int)info.tcpi_snd_mss, (int)info.tcpi_advmss, (int)info.tcpi_pmtu);
	shutdown(s[0], SHUT_WR);
	nap_ms(200); /* Linux's acknowledgement may be late */
	for (int i = 0; i < 2; i++) {
		getsockopt(s[i], SOL_TCP, TCP_INFO, &info, &length);
		printf("state %d\n", info.tcpi_state);
	}
	close_both();
	/* An accepted connection has the listener's. */
	int l = inet_listening("127.0.0.1", 1);
	SET(l, SOL_TCP, TCP_NODELAY, 1);
	SET(l, SOL_SOCKET, SO_KEEPALIVE, 1);
	SET(l, SOL_IP, IP_TOS, 16);
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	inet_connect(s[0], "127.0.0.1", inet_port(l));
	s[1] = accept(l, NULL, NULL);
	GET(s[1], SOL_TCP, TCP_NODELAY);
	GET(s[1], SOL_SOCKET, SO_KEEPALIVE);
	GET(s[1], SOL_SOCKET, SO_ACCEPTCONN);
	GET(l, SOL_SOCKET, SO_ACCEPTCONN);
	close_both();
}

static void ip_options(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	unsigned char byte = 9;
	socklen_t length = 1;

	SET(fd, SOL_IP, IP_TOS, 0x10);
	SET(fd, SOL_IP, IP_TOS, 0x13);
	SET(fd, SOL_IP, IP_TTL, 99);
	SET(fd, SOL_IP, IP_TTL, 0);
	SET(fd, SOL_IP, IP_TTL, 256);
	SET(fd, SOL_IP, IP_TTL, -1);
	show("a byte", setsockopt(fd, SOL_IP, IP_TTL, &byte, 1));
	byte = 0;
	show("a byte", getsockopt(fd, SOL_IP, IP_TTL, &byte, &length));
	printf("%d %d\n", byte, (int)length);
	GET(fd, SOL_IP, IP_MTU_DISCOVER);
	SET(fd, SOL_IP, IP_MTU_DISCOVER, 2);
	SET(fd, SOL_IP, IP_MTU_DISCOVER, 6);
	GET(fd, SOL_IP, IP_MTU);
	SET(fd, SOL_IP, IP_PKTINFO, 1);
	SET(fd, SOL_IP, IP_RECVTTL, 1);
	SET(fd, SOL_IP, IP_FREEBIND, 1);
	SET(fd, SOL_IP, IP_MULTICAST_TTL, 3);
	SET(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	GET(fd, SOL_IP, IP_MINTTL);
	show("IP 99", setsockopt(fd, SOL_IP, 99, &byte, 1));
	close(fd);
	pair();
	GET(s[0], SOL_IP, IP_MTU);
	close_both();
}

static void many_connections(void)
{
	int l = inet_listening("127.0.0.1", 4096), fds[200];
	long sum = 0;

	for (int i = 0; i < 200; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (inet_connect(fds[i], "127.0.0.1", inet_port(l)) != 0)
			printf("connect %d: %s\n", i, error_name(errno));
		write(fds[i], &i, sizeof i);
	}
	for (int i = 0; i < 200; i++) {
		int number = -1, fd = accept(l, NULL, NULL);
		if (read(fd, &number, sizeof number) != sizeof number || number != i)
			printf("accepted %d: %d\n", i, number);
		sum += number;
		close(fd);
	}
	for (int i = 0; i < 200; i++) {
		if (read(fds[i], bytes, 1) != 0)
			printf("no end %d\n", i);
		close(fds[i]);
	}
	printf("sum %ld\n", sum);
	close(l);
}

/* Who is connected anew has nothing to do any more with whom it was connected to. */
static void connects_again(void)
{
	int l = inet_listening("127.0.0.1", 5), fd = socket(AF_INET, SOCK_STREAM, 0), first, second;
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	inet_connect(fd, "127.0.0.1", inet_port(l));
	first = accept(l, NULL, NULL);
	show("write", write(fd, "unread", 6));
	show("disconnect", connect(fd, &nobody, sizeof nobody));
	show("again", inet_connect(fd, "127.0.0.1", inet_port(l)));
	second = accept(l, NULL, NULL);
	show_error("again", fd);
	close(first);
	show("write", write(fd, "more", 4));
	show("read", read(second, bytes, 10));
	close(fd);
	show("end", read(second, bytes, 10));
	close(second);
	close(l);
}

/* Room is an event for who has found none; not each read of the peer. */
static void edges(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int e = epoll_create1(0), n;

	pair();
	epoll_ctl(e, EPOLL_CTL_ADD, s[0], &event);
	show("epoll", epoll_wait(e, &event, 1, 100));
	write(s[0], "abc", 3);
	show("read", read(s[1], bytes, 10));
	show("epoll", epoll_wait(e, &event, 1, 10));
	while (send(s[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
	show("full", epoll_wait(e, &event, 1, 10));
	for (n = 0; n == 0; n = epoll_wait(e, &event, 1, 0))
		recv(s[1], bytes, sizeof bytes, MSG_DONTWAIT);
	printf("room: %d %x\n", n, event.events);
	close(e);
	close_both();
}

static void longer_queue(void)
{
	int l = inet_listening("127.0.0.1", 0), first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = second, .events = POLLOUT };

	show("connect", inet_connect(first, "127.0.0.1", inet_port(l)));
	show("connect", inet_connect(second, "127.0.0.1", inet_port(l)));
	show("full", poll(&p, 1, 50));
	show("listen", listen(l, 5));
	show("longer", poll(&p, 1, 5000));
	show_error("longer", second);
	close(first);
	close(second);
	close(l);
}

static const struct part parts[] = {
	PART(transfers), PART(flags), PART(waits_for_all), PART(peer_closes), PART(unread_data_resets), PART(half_closed), PART(big_transfer),
	PART(epolls), PART(options), PART(tcp_options), PART(ip_options), PART(many_connections),
	PART(connects_again), PART(longer_queue), PART(edges),
};

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}
