/*
 * Unix-domain sockets: ends, readiness, limits, names, datagrams, waiting. Descriptors and credentials in messages: socket_messages.c.
 *
 * calls: accept accept4 bind connect epoll_ctl epoll_wait getpeername getsockname getsockopt listen read readv recvfrom sendto setsockopt
 * shutdown socketpair write
 */
#include "report.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static int s[2];
static char bytes[300000];
static volatile int signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void pair_of(int type)
{
	if (socketpair(AF_UNIX, type, 0, s) != 0) {
		printf("socketpair: %s\n", error_name(errno));
		exit(97);
	}
}

static void show_poll(const char *what, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM | POLLWRBAND };
	int n = poll(&p, 1, 0);
	printf("%s: poll %d %x\n", what, n, p.revents);
}

static void show_queue(const char *what, int fd)
{
	int in = -1, out = -1;
	int error = ioctl(fd, FIONREAD, &in) != 0 ? errno : 0;
	ioctl(fd, TIOCOUTQ, &out);
	printf("%s: in %d (%s) out %d\n", what, in, error ? error_name(error) : "ok", out);
}

static socklen_t name_of(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path[0] == '@' ? a->sun_path + 1 : a->sun_path, path);
	if (path[0] != '@')
		return offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
	a->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(path);
}

static void show_name(const char *what, const struct sockaddr_un *a, socklen_t length)
{
	printf("%s: length %d family %d \"", what, (int)length, length >= 2 ? a->sun_family : -1);
	for (socklen_t i = 2; i < length && i < sizeof *a; i++)
		putchar(a->sun_path[i - 2] ? a->sun_path[i - 2] : '@');
	printf("\"\n");
}

static void show_own(const char *what, int fd)
{
	struct sockaddr_un a;
	socklen_t length = sizeof a;
	if (getsockname(fd, (struct sockaddr *)&a, &length) != 0)
		show(what, -1);
	else
		show_name(what, &a, length);
}

static void show_peer(const char *what, int fd)
{
	struct sockaddr_un a;
	socklen_t length = sizeof a;
	if (getpeername(fd, (struct sockaddr *)&a, &length) != 0)
		show(what, -1);
	else
		show_name(what, &a, length);
}

static int bound(int type, const char *path)
{
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, type, 0);
	socklen_t length = name_of(&a, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, length) != 0)
		printf("bind %s: %s\n", path, error_name(errno));
	return fd;
}

static int listening(const char *path, int backlog)
{
	int fd = bound(SOCK_STREAM, path);
	show("listen", listen(fd, backlog));
	return fd;
}

static long connect_to(int fd, const char *path)
{
	struct sockaddr_un a;
	socklen_t length = name_of(&a, path);
	return connect(fd, (struct sockaddr *)&a, length);
}

/* ---- streams ---- */

static void stream_ends(void)
{
	pair_of(SOCK_STREAM);
	show("write", write(s[0], "hello", 5));
	show_queue("reader", s[1]);
	show_queue("writer", s[0]);
	show_poll("readable", s[1]);
	show("read", read(s[1], bytes, 3));
	printf("%.3s\n", bytes);
	show("the rest", recv(s[1], bytes, 100, 0));
	show("empty", recv(s[1], bytes, 100, MSG_DONTWAIT));
	show("write of nothing", write(s[0], bytes, 0));
	show("read of nothing", read(s[1], bytes, 0));
	show("recv of nothing", recv(s[1], bytes, 0, MSG_DONTWAIT));
	show("lseek", lseek(s[0], 0, SEEK_CUR));
	show("pread", pread(s[0], bytes, 1, 0));
	show("flags", fcntl(s[0], F_GETFL));
	write(s[0], "abc", 3);
	write(s[0], "defg", 4);
	show("two writes, one read", read(s[1], bytes, 100));
	close(s[0]);
	show_poll("peer closed", s[1]);
	show("end", read(s[1], bytes, 10));
	signal(SIGPIPE, SIG_IGN);
	show("broken", write(s[1], "x", 1));
	show("broken, no signal", send(s[1], "x", 1, MSG_NOSIGNAL));
	handle(SIGPIPE, on_signal, 0);
	show("broken", write(s[1], "x", 1));
	show("broken, no signal", send(s[1], "x", 1, MSG_NOSIGNAL));
	printf("signals %d\n", signals);
}

static void unread_data_resets(void)
{
	int error = -1;
	socklen_t length = sizeof error;

	pair_of(SOCK_STREAM);
	write(s[0], "mine", 4);
	write(s[1], "yours", 5);
	close(s[1]);
	show_poll("reset", s[0]);
	show("what came before", read(s[0], bytes, 100));
	show("then", read(s[0], bytes, 100));
	show("once", read(s[0], bytes, 100));
	pair_of(SOCK_STREAM);
	write(s[0], "mine", 4);
	close(s[1]);
	getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &length);
	printf("SO_ERROR %s\n", error_name(error));
	show("taken", read(s[0], bytes, 100));
	pair_of(SOCK_SEQPACKET);
	write(s[0], "mine", 4);
	close(s[1]);
	show_poll("packets", s[0]);
	show("reset", recv(s[0], bytes, 10, 0));
	show("once", recv(s[0], bytes, 10, 0));
}

static void half_closed(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 3; i++) {
		printf("type %d\n", types[i]);
		pair_of(types[i]);
		write(s[0], "last", 4);
		show("shutdown", shutdown(s[0], SHUT_WR));
		show_poll("one", s[0]);
		show_poll("two", s[1]);
		show("no more", send(s[0], "x", 1, 0));
		show("other way", send(s[1], "back", 4, 0));
		show("read", recv(s[1], bytes, 10, MSG_DONTWAIT));
		show("end", recv(s[1], bytes, 10, MSG_DONTWAIT));
		show("other way", recv(s[0], bytes, 10, MSG_DONTWAIT));
		show("shutdown reading", shutdown(s[1], SHUT_RD));
		show_poll("one", s[0]);
		show_poll("two", s[1]);
		show("again", recv(s[1], bytes, 10, MSG_DONTWAIT));
		show("to who does not read", send(s[0], "x", 1, 0));
		show("all", shutdown(s[0], SHUT_RDWR));
		show_poll("one", s[0]);
		show_poll("two", s[1]);
		show("bad", shutdown(s[0], 3));
		close(s[0]);
		close(s[1]);
	}
}

static void fill(const char *what, int fd, size_t size)
{
	long total = 0, n;
	int count = 0;
	while ((n = send(fd, bytes, size, MSG_DONTWAIT)) > 0) {
		total += n;
		count++;
	}
	printf("%s %zu: %d writes, %ld bytes, then %s\n", what, size, count, total, error_name(errno));
}

static void limits(void)
{
	static const size_t sizes[] = { 1, 100, 1000, 3776, 4096, 5000, 16384, 40000, 65536, 100000, 200000, 212960, 212961 };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		pair_of(SOCK_STREAM);
		fill("stream", s[0], sizes[i]);
		show_queue("out", s[0]);
		show_poll("full", s[0]);
		close(s[0]);
		close(s[1]);
		pair_of(SOCK_DGRAM);
		fill("datagrams", s[0], sizes[i]);
		show_queue("out", s[0]);
		show_poll("full", s[0]);
		close(s[0]);
		close(s[1]);
	}
	static const int limits[] = { 0, 1000, 4096, 50000, 1000000, -1 };
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		int value = limits[i];
		socklen_t length = sizeof value;
		pair_of(SOCK_STREAM);
		show("set", setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, length));
		setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &value, length);
		getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, &length);
		printf("send buffer %d", value);
		getsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &value, &length);
		printf(" receive buffer %d\n", value);
		fill("stream", s[0], 3000);
		close(s[0]);
		close(s[1]);
	}
}

/* When a full socket becomes writable again, as its reader takes byte after byte. */
static void writable_again(void)
{
	pair_of(SOCK_STREAM);
	fill("stream", s[0], 1000);
	struct pollfd p = { .fd = s[0], .events = POLLOUT };
	int reads = 0;
	while (poll(&p, 1, 0) == 0 && read(s[1], bytes, 1000) > 0)
		reads++;
	printf("after %d reads\n", reads);
	show("write", send(s[0], bytes, 1000, MSG_DONTWAIT));
}

static unsigned sum;

static void *drain(void *fd)
{
	static unsigned char got[7000];
	long n, total = 0;
	while ((n = read((int)(long)fd, got, sizeof got)) > 0) {
		for (long i = 0; i < n; i++)
			sum = sum * 31 + got[i];
		total += n;
	}
	return (void *)total;
}

static void big_transfer(void)
{
	pthread_t thread;
	void *total;
	unsigned expected = 0;
	for (size_t i = 0; i < sizeof bytes; i++)
		expected = expected * 31 + (unsigned char)(bytes[i] = (char)(i * 7));
	pair_of(SOCK_STREAM);
	pthread_create(&thread, NULL, drain, (void *)(long)s[1]);
	show("write", write(s[0], bytes, sizeof bytes));
	shutdown(s[0], SHUT_WR);
	pthread_join(thread, &total);
	printf("read %ld, sum %s\n", (long)total, sum == expected ? "right" : "wrong");
	struct iovec v[40];
	for (int i = 0; i < 40; i++)
		v[i] = (struct iovec){ bytes + i * 100, (size_t)(i % 4 ? 10 + i : 0) };
	pair_of(SOCK_STREAM);
	show("writev", writev(s[0], v, 40));
	show("readv", readv(s[1], v, 40));
	pair_of(SOCK_SEQPACKET);
	show("writev of a packet", writev(s[0], v, 40));
	show("and another", writev(s[0], v, 20));
	show("readv", readv(s[1], v, 40));
	show("readv into less", readv(s[1], v, 3));
	show("nothing left", recv(s[1], bytes, 10, MSG_DONTWAIT));
	printf("%d\n", bytes[500] == (char)(500 * 7));
}

static void flags(void)
{
	pair_of(SOCK_STREAM);
	write(s[0], "abc", 3);
	write(s[0], "def", 3);
	show("peek", recv(s[1], bytes, 100, MSG_PEEK));
	show("peek", recv(s[1], bytes, 2, MSG_PEEK));
	show("read", recv(s[1], bytes, 4, 0));
	printf("%.4s\n", bytes);
	pid_t pid = child();
	if (pid == 0) {
		nap_ms(10);
		write(s[0], "ghi", 3);
		nap_ms(10);
		write(s[0], "jkl", 3);
		_exit(0);
	}
	show("all", recv(s[1], bytes, 8, MSG_WAITALL));
	printf("%.8s\n", bytes);
	waitpid(pid, NULL, 0);
	close(s[0]);
	show("all that there was", recv(s[1], bytes, 8, MSG_WAITALL | MSG_DONTWAIT));
	pair_of(SOCK_DGRAM);
	write(s[0], "abcdef", 6);
	write(s[0], "gh", 2);
	show("peek", recv(s[1], bytes, 3, MSG_PEEK));
	show("real length", recv(s[1], bytes, 3, MSG_PEEK | MSG_TRUNC));
	show("cut", recv(s[1], bytes, 3, 0));
	show("next", recv(s[1], bytes, 100, MSG_TRUNC));
	send(s[0], "", 0, 0);
	show_poll("an empty datagram", s[1]);
	show_queue("an empty datagram", s[1]);
	show("read", recv(s[1], bytes, 10, MSG_DONTWAIT));
	write(s[0], "", 0);
	show("write of nothing is one", recv(s[1], bytes, 10, MSG_DONTWAIT));
	show("none left", recv(s[1], bytes, 10, MSG_DONTWAIT));
	send(s[0], "xyz", 3, 0);
	show("recv of nothing takes one", recv(s[1], bytes, 0, MSG_DONTWAIT));
	show("none left", recv(s[1], bytes, 10, MSG_DONTWAIT));
	show("bad buffer", send(s[0], (void *)16, 10, 0));
	show("bad buffer", recv(s[1], (void *)16, 10, MSG_DONTWAIT));
	send(s[0], "kept", 4, 0);
	show("bad buffer", recv(s[1], (void *)16, 10, MSG_DONTWAIT));
	show("no socket", send(0, "x", 1, 0));
	show("no descriptor", send(99, "x", 1, 0));
}

/* ---- names ---- */

static void names(void)
{
	struct stat st;
	struct sockaddr_un a;
	int l = bound(SOCK_STREAM, "sock"), c = socket(AF_UNIX, SOCK_STREAM, 0);
	show("made", stat("sock", &st));
	printf("type %o mode %o\n", st.st_mode & S_IFMT, st.st_mode & 07777);
	show_own("own", l);
	show_own("unbound", c);
	show_peer("no peer", c);
	show("not listening yet", connect_to(c, "sock"));
	show_poll("unconnected", c);
	show("read", read(c, bytes, 1));
	show("write", write(c, bytes, 1));
	show("accept", accept(c, NULL, NULL));
	show("listen unbound", listen(c, 1));
	show("bound twice", bind(l, (struct sockaddr *)&a, name_of(&a, "other")));
	show("left behind", stat("other", &st));
	show("in use", (bound(SOCK_STREAM, "sock"), 0));
	show("no directory", (bound(SOCK_STREAM, "none/sock"), 0));
	show("open", open("sock", O_RDWR));
	show("listen", listen(l, 5));
	show_poll("listening", l);
	show_queue("listening", l);
	show("connect", connect_to(c, "./sock"));
	show_poll("to be accepted", l);
	show_poll("connected", c);
	show("early bytes", write(c, "early", 5));
	show("again", connect_to(c, "sock"));
	socklen_t length = sizeof a;
	int d = accept(l, (struct sockaddr *)&a, &length);
	show_name("accepted", &a, length);
	show_own("accepted: own", d);
	show_peer("client: peer", c);
	show("read", read(d, bytes, 100));
	show("connect a listener", connect_to(l, "sock"));
	show("listen when connected", listen(d, 1));
	close(l);
	int e = socket(AF_UNIX, SOCK_STREAM, 0);
	show("stale", connect_to(e, "sock"));
	show("stale name is in use", (bound(SOCK_STREAM, "sock"), 0));
	show("unlink", unlink("sock"));
	show("gone", connect_to(e, "sock"));
	show("still there", write(c, "x", 1));
	show("no socket", connect_to(e, "/etc/passwd"));
	show("a directory", connect_to(e, "/"));
	show("wrong type", (bound(SOCK_DGRAM, "dgram"), connect_to(e, "dgram")));
	memset(&a, 'x', sizeof a);
	a.sun_family = AF_UNIX;
	show("108 bytes", bind(e, (struct sockaddr *)&a, sizeof a));
	show_own("108 bytes", e);
	show("longer", bind(e, (struct sockaddr *)&a, sizeof a + 1));
	show("short", connect(e, (struct sockaddr *)&a, 1));
	show("empty", connect(e, (struct sockaddr *)&a, 2));
	a.sun_family = AF_INET;
	show("family", connect(e, (struct sockaddr *)&a, 10));
	show("symlink", symlink("dgram", "link"));
	int f = socket(AF_UNIX, SOCK_DGRAM, 0);
	show("by a link", connect_to(f, "link"));
	show_peer("peer", f);
	rename("dgram", "renamed");
	show("old name", connect_to(f, "dgram"));
	show("new name", connect_to(f, "renamed"));
	show_peer("keeps its name", f);
	mode_t old = umask(077);
	bound(SOCK_STREAM, "private");
	umask(old);
	stat("private", &st);
	printf("mode %o\n", st.st_mode & 07777);
	mknod("plain", S_IFSOCK | 0600, 0);
	show("nobody there", connect_to(e, "plain"));
}

static void abstract_names(void)
{
	struct sockaddr_un a;
	int one = bound(SOCK_STREAM, "@uxrt abstract"), c = socket(AF_UNIX, SOCK_STREAM, 0);
	show_own("own", one);
	show("in use", (bound(SOCK_STREAM, "@uxrt abstract"), 0));
	show("another type", (bound(SOCK_DGRAM, "@uxrt abstract"), 0));
	show("nobody", connect_to(c, "@uxrt abstract?"));
	show("listen", listen(one, 1));
	show("connect", connect_to(c, "@uxrt abstract"));
	int d = accept(one, NULL, NULL);
	show_peer("peer", c);
	show_own("own", d);
	close(one);
	close(d);
	show("free again", (bound(SOCK_STREAM, "@uxrt abstract"), 0));
	one = socket(AF_UNIX, SOCK_STREAM, 0);
	a.sun_family = AF_UNIX;
	show("autobind", bind(one, (struct sockaddr *)&a, 2));
	socklen_t length = sizeof a;
	getsockname(one, (struct sockaddr *)&a, &length);
	int digits = 0;
	for (int i = 1; i < 6; i++)
		digits += strchr("0123456789abcdef", a.sun_path[i]) != NULL;
	printf("length %d, %d digits\n", (int)length, digits);
	show("again", bind(one, (struct sockaddr *)&a, 2));
	show("listen", listen(one, 1));
}

static void accepting(void)
{
	int l = listening("@accept", 1), c[4];
	for (int i = 0; i < 3; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		show("connect", connect_to(c[i], "@accept"));
	}
	fcntl(l, F_SETFL, O_NONBLOCK);
	int d = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	printf("flags %x %x\n", fcntl(d, F_GETFL), fcntl(d, F_GETFD));
	show("connect", connect_to(c[2], "@accept"));
	show("connect again", connect_to(c[2], "@accept"));
	close(c[1]);
	d = accept(l, NULL, NULL);
	printf("flags %x %x\n", fcntl(d, F_GETFL), fcntl(d, F_GETFD));
	show("whose peer has gone", read(d, bytes, 10));
	show_ok("accept", accept(l, NULL, NULL));
	show("none left", accept(l, NULL, NULL));
	show("bad flags", accept4(l, NULL, NULL, 1));
	c[3] = socket(AF_UNIX, SOCK_STREAM, 0);
	show("connect", connect_to(c[3], "@accept"));
	write(c[3], "x", 1);
	close(l);
	show_poll("never accepted", c[3]);
	show("read", read(c[3], bytes, 1));
	show("read", read(c[3], bytes, 1));
	l = listening("@accept", 5);
	shutdown(l, SHUT_RD);
	show("shut listener", accept(l, NULL, NULL));
	c[3] = socket(AF_UNIX, SOCK_STREAM, 0);
	show("refuses", connect_to(c[3], "@accept"));
	pid_t pid;
	l = listening("@waits", 0);
	c[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	show("connect", connect_to(c[0], "@waits"));
	if ((pid = child()) == 0) {
		int waits = socket(AF_UNIX, SOCK_STREAM, 0);
		show("waits for room", connect_to(waits, "@waits"));
		show("reads", read(waits, bytes, 10));
		fflush(stdout);
		_exit(0);
	}
	nap_ms(20);
	accept(l, NULL, NULL);
	d = accept(l, NULL, NULL);
	write(d, "hi", 2);
	waitpid(pid, NULL, 0);
	if ((pid = child()) == 0) {
		show_ok("accept waits", accept(l, NULL, NULL));
		fflush(stdout);
		_exit(0);
	}
	nap_ms(20);
	c[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	int connected = connect_to(c[1], "@waits");
	waitpid(pid, NULL, 0);
	show("connect", connected);
}

/* ---- datagrams ---- */

static long send_to(int fd, const char *path, const char *text, int how)
{
	struct sockaddr_un a;
	socklen_t length = name_of(&a, path);
	return sendto(fd, text, strlen(text), how, (struct sockaddr *)&a, length);
}

static void show_from(const char *what, int fd)
{
	struct sockaddr_un a;
	socklen_t length = sizeof a;
	long n = recvfrom(fd, bytes, 100, MSG_DONTWAIT, (struct sockaddr *)&a, &length);
	if (show(what, n) >= 0)
		show_name("from", &a, length);
}

static void datagrams(void)
{
	int one = bound(SOCK_DGRAM, "one"), two = bound(SOCK_DGRAM, "@two"), loose = socket(AF_UNIX, SOCK_DGRAM, 0);
	show("to a path", send_to(two, "one", "hello", 0));
	show_from("read", one);
	show("to a name", send_to(one, "@two", "hello!", 0));
	show_from("read", two);
	show("unnamed", send_to(loose, "one", "x", 0));
	show_from("read", one);
	show("nobody", send_to(loose, "@nobody", "x", 0));
	show("no such path", send_to(loose, "nowhere", "x", 0));
	show("unconnected", send(loose, "x", 1, 0));
	show("connect", connect_to(loose, "one"));
	show_poll("connected", loose);
	show("send", send(loose, "y", 1, 0));
	show_from("read", one);
	show("others may", send_to(two, "one", "z", 0));
	show_from("read", one);
	show("one's peer", connect_to(one, "@two"));
	show("not connected to us", send(loose, "y", 1, 0));
	show("nor may connect", connect_to(socket(AF_UNIX, SOCK_DGRAM, 0), "one"));
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	show("disconnect", connect(one, &none, sizeof none));
	show_peer("none", one);
	for (int i = 0; i < 13; i++)
		if (send(loose, "full", 4, MSG_DONTWAIT) < 0) {
			printf("%d: %s\n", i, error_name(errno));
			break;
		}
	show_poll("full", loose);
	show_from("read", one);
	show_poll("room", loose);
	close(one);
	show("gone", send(loose, "x", 1, 0));
	show("disconnected", send(loose, "x", 1, 0));
	show("listen", listen(two, 1));
	show("accept", accept(two, NULL, NULL));
	unlink("one");
	one = bound(SOCK_DGRAM, "one");
	connect_to(loose, "one");
	for (int i = 0; i < 11; i++)
		send(loose, "full", 4, MSG_DONTWAIT);
	pid_t pid = child();
	if (pid == 0) {
		show("waits for room", send(loose, "waited", 6, 0));
		show("to an address", send_to(two, "one", "waited too", 0));
		fflush(stdout);
		_exit(0);
	}
	nap_ms(20);
	for (int i = 0; i < 11; i++)
		recv(one, bytes, 100, 0);
	waitpid(pid, NULL, 0);
	show_from("read", one);
	show_from("read", one);
	pair_of(SOCK_SEQPACKET);
	write(s[0], "packet one", 10);
	write(s[0], "packet two", 10);
	show("packet", read(s[1], bytes, 6));
	show("packet", read(s[1], bytes, 100));
	show("address is ignored", send_to(s[0], "one", "abc", 0));
	close(s[0]);
	show("last", read(s[1], bytes, 100));
	show("end", read(s[1], bytes, 100));
	handle(SIGPIPE, on_signal, 0);
	signals = 0;
	show("broken", write(s[1], "x", 1));
	printf("signals %d\n", signals);
}

/* ---- options ---- */

static void option(const char *what, int fd, int name)
{
	int value[8] = { -7 };
	socklen_t length = sizeof value;
	if (getsockopt(fd, SOL_SOCKET, name, value, &length) != 0)
		show(what, -1);
	else
		printf("%s: %d, length %d\n", what, value[0], (int)length);
}

static void set_option(const char *what, int fd, int name, int value)
{
	show(what, setsockopt(fd, SOL_SOCKET, name, &value, sizeof value));
	option(what, fd, name);
}

static void options(void)
{
	pair_of(SOCK_STREAM);
	option("type", s[0], SO_TYPE);
	option("domain", s[0], SO_DOMAIN);
	option("protocol", s[0], SO_PROTOCOL);
	option("error", s[0], SO_ERROR);
	option("accepting", s[0], SO_ACCEPTCONN);
	option("linger", s[0], SO_LINGER);
	option("receive timeout", s[0], SO_RCVTIMEO);
	set_option("reuse", s[0], SO_REUSEADDR, 5);
	set_option("keep alive", s[0], SO_KEEPALIVE, 1);
	set_option("broadcast", s[0], SO_BROADCAST, 1);
	set_option("credentials", s[0], SO_PASSCRED, 1);
	set_option("priority", s[0], SO_PRIORITY, 3);
	set_option("low water", s[0], SO_RCVLOWAT, 3);
	set_option("send low water", s[0], SO_SNDLOWAT, 3);
	show("type cannot be set", setsockopt(s[0], SOL_SOCKET, SO_TYPE, bytes, 4));
	show("unknown", setsockopt(s[0], SOL_SOCKET, 9999, bytes, 4));
	show("short", setsockopt(s[0], SOL_SOCKET, SO_KEEPALIVE, bytes, 2));
	show("level", setsockopt(s[0], 6, 1, bytes, 4));
	show("bad pointer", setsockopt(s[0], SOL_SOCKET, SO_KEEPALIVE, (void *)16, 4));
	struct timeval t = { 1, 500000 }, bad = { 0, 1000000 };
	show("timeout", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	show("bad timeout", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof bad));
	socklen_t length = sizeof t;
	getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, &length);
	printf("%ld.%06ld\n", (long)t.tv_sec, (long)t.tv_usec);
	struct ucred who = { 1, 2, 3 };
	length = sizeof who;
	getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &who, &length);
	printf("peer: self %d, %d %d\n", who.pid == getpid(), who.uid, who.gid);
	int l = listening("@cred", 1), c = socket(AF_UNIX, SOCK_STREAM, 0);
	length = sizeof who;
	getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &length);
	printf("none: %d, %d %d\n", who.pid, who.uid, who.gid);
	option("accepting", l, SO_ACCEPTCONN);
	pid_t pid = child();
	if (pid == 0) {
		connect_to(c, "@cred");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	int d = accept(l, NULL, NULL);
	getsockopt(d, SOL_SOCKET, SO_PEERCRED, &who, &length);
	printf("who connected: child %d\n", who.pid == pid);
	getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &length);
	printf("who listens: self %d\n", who.pid == getpid());
	struct stat st;
	fstat(c, &st);
	printf("mode %o size %ld links %d\n", st.st_mode, (long)st.st_size, (int)st.st_nlink);
	char link[64], path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", c);
	long n = readlink(path, link, sizeof link - 1);
	link[n < 0 ? 0 : n] = 0;
	snprintf(path, sizeof path, "socket:[%lu]", (unsigned long)st.st_ino);
	printf("link %s\n", strcmp(link, path) == 0 ? "right" : link);
	snprintf(path, sizeof path, "/proc/self/fd/%d", c);
	show("open anew", open(path, O_RDWR));
	int seen = open(path, O_PATH);
	close(c);
	printf("by O_PATH: %d %o\n", fstat(seen, &st), st.st_mode);
	show("no use", send(seen, "x", 1, 0));
	show("which did not keep it open", read(d, bytes, 10));
	show("family", socket(AF_INET + 20, SOCK_STREAM, 0));
	show("type", socket(AF_UNIX, 4, 0));
	show("protocol", socket(AF_UNIX, SOCK_STREAM, 7));
	show("flags", socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
	show("negative", socket(-1, SOCK_STREAM, 0));
}

/* ---- waiting ---- */

static void *interrupted_read(void *unused)
{
	(void)unused;
	char c;
	show("read", read(s[1], &c, 1));
	return NULL;
}

static void interrupts(void)
{
	pthread_t thread;
	pair_of(SOCK_STREAM);
	handle(SIGUSR1, on_signal, 0);
	signals = 0;
	pthread_create(&thread, NULL, interrupted_read, NULL);
	nap_ms(20);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	handle(SIGUSR1, on_signal, SA_RESTART);
	pthread_create(&thread, NULL, interrupted_read, NULL);
	nap_ms(20);
	pthread_kill(thread, SIGUSR1);
	nap_ms(20);
	printf("signals %d\n", signals);
	write(s[0], "x", 1);
	pthread_join(thread, NULL);
	struct timeval t = { 10, 0 };
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	pthread_create(&thread, NULL, interrupted_read, NULL);
	nap_ms(20);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	t = (struct timeval){ 0, 50000 };
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	long long start = now_us();
	show("timed out", read(s[1], bytes, 1));
	long long took = now_us() - start;
	printf("in time %d\n", took >= 50000 && took < 2000000);
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	long n = write(s[0], bytes, sizeof bytes);
	printf("what fitted %d\n", n > 0 && n < (long)sizeof bytes);
	show("full", write(s[0], bytes, 1000));
	int l = listening("@timeout", 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	show("accept", accept(l, NULL, NULL));
	connect_to(c, "@timeout");
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	show("connect", connect_to(c, "@timeout"));
}

static void epolls(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET | EPOLLRDHUP }, got[4];
	int ep = epoll_create1(0);
	pair_of(SOCK_STREAM);
	epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &e);
	show("nothing", epoll_wait(ep, got, 4, 0));
	write(s[0], "ab", 2);
	show("came", epoll_wait(ep, got, 4, 0));
	show("once", epoll_wait(ep, got, 4, 0));
	read(s[1], bytes, 1);
	show("not for a read", epoll_wait(ep, got, 4, 0));
	write(s[0], "c", 1);
	show("more came", epoll_wait(ep, got, 4, 0));
	write(s[1], "back", 4);
	read(s[0], bytes, 4);
	show("not for room", epoll_wait(ep, got, 4, 0));
	shutdown(s[0], SHUT_WR);
	show("end", epoll_wait(ep, got, 4, 0));
	printf("events %x\n", got[0].events);
	close(s[0]);
	show("closed", epoll_wait(ep, got, 4, 0));
	printf("events %x\n", got[0].events);
	pid_t pid;
	pair_of(SOCK_STREAM);
	e = (struct epoll_event){ .events = EPOLLIN };
	epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &e);
	epoll_wait(ep, got, 4, 0);
	if ((pid = child()) == 0) {
		nap_ms(20);
		write(s[0], "x", 1);
		_exit(0);
	}
	show("waits", epoll_wait(ep, got, 4, 5000) >= 1);
	waitpid(pid, NULL, 0);
}

/* By type, state and name. */
static int by_end(const void *a, const void *b)
{
	enum { FLAGS = 36 }; /* after the address, a count and the protocol */
	return strcmp((const char *)a + FLAGS, (const char *)b + FLAGS);
}

/* Of /proc/net/unix: those whose name begins with ours. */
static void listed(void)
{
	char line[300], lines[10][300];
	int count = 0, l = listening("@uxrt listed", 3), d = bound(SOCK_DGRAM, "@uxrt listed too"), c = socket(AF_UNIX, SOCK_STREAM, 0);
	connect_to(c, "@uxrt listed");
	bound(SOCK_SEQPACKET, "uxrt path");
	FILE *f = fopen("/proc/net/unix", "r");
	if (!f || !fgets(line, sizeof line, f)) {
		show("open", -1);
		return;
	}
	printf("%s", line);
	while (fgets(line, sizeof line, f) && count < 10)
		if (strstr(line, "uxrt"))
			strcpy(lines[count++], line);
	fclose(f);
	/* The order of the lines is the kernel's own. */
	qsort(lines, count, sizeof lines[0], by_end);
	for (int i = 0; i < count; i++) {
		unsigned flags, type, state;
		char path[100];
		if (sscanf(lines[i], "%*s %*x %*x %x %x %x %*u %99[^\n]", &flags, &type, &state, path) == 4)
			printf("flags %x type %x state %x %s\n", flags, type, state, path);
	}
	close(l);
	close(d);
}

static void many_pairs(void)
{
	for (int i = 0; i < 300; i++) {
		pair_of(i % 3 == 0 ? SOCK_STREAM : i % 3 == 1 ? SOCK_DGRAM : SOCK_SEQPACKET);
		if (write(s[0], &i, sizeof i) != sizeof i)
			printf("write %d: %s\n", i, error_name(errno));
		int got = -1;
		if (i % 2 && (read(s[1], &got, sizeof got) != sizeof got || got != i))
			printf("read %d: %d\n", i, got);
		close(s[i % 2]);
		close(s[!(i % 2)]);
	}
	printf("done\n");
}

static const struct part parts[] = {
	PART(stream_ends), PART(unread_data_resets), PART(half_closed), PART(limits), PART(writable_again), PART(big_transfer), PART(flags),
	PART(names), PART(abstract_names), PART(accepting), PART(datagrams), PART(options), PART(interrupts), PART(epolls), PART(listed), PART(many_pairs),
};

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}
