/* sendmsg and recvmsg: descriptors and credentials in messages, control buffers of every size, many messages at once, sockets in flight. */
#include "report.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

static int s[2];
static char bytes[1000];

static void pair_of(int type)
{
	if (socketpair(AF_UNIX, type, 0, s) != 0) {
		printf("socketpair: %s\n", error_name(errno));
		exit(97);
	}
}

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(253 * sizeof(int)) + 256];
};

static long send_fds(int to, const char *text, const int *fds, int count, int flags)
{
	static union control c;
	struct iovec v = { (char *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	memset(&c, 0, sizeof c);
	c.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&c.header), fds, count * sizeof(int));
	return syscall(SYS_sendmsg, to, &m, flags); /* libc has a limit of its own */
}

static int got[300];
static int got_count;

static long receive(const char *what, int from, size_t room, size_t control, int flags)
{
	static union control c;
	struct iovec v = { bytes, room };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control ? c.room : NULL, .msg_controllen = control };
	memset(bytes, 0, sizeof bytes);
	memset(&c, 0x55, sizeof c);
	got_count = 0;
	long n = recvmsg(from, &m, flags);
	if (show(what, n) < 0)
		return n;
	printf("  \"%s\" flags %x control %zu\n", bytes, m.msg_flags, (size_t)m.msg_controllen);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		printf("  level %d type %d length %zu", h->cmsg_level, h->cmsg_type, (size_t)h->cmsg_len);
		if (h->cmsg_type == SCM_RIGHTS) {
			got_count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(got, CMSG_DATA(h), got_count * sizeof(int));
			printf(" descriptors from %d", got_count ? got[0] : -1);
		} else if (h->cmsg_type == SCM_CREDENTIALS && h->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
			struct ucred who;
			memcpy(&who, CMSG_DATA(h), sizeof who);
			printf(" %s %d %d", who.pid == getpid() ? "self" : who.pid == 0 ? "nobody" : "another", who.uid, who.gid);
		}
		printf("\n");
	}
	return n;
}

static void close_got(void)
{
	for (int i = 0; i < got_count; i++)
		close(got[i]);
	got_count = 0;
}

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int count = 0;
	while (readdir(d))
		count++;
	closedir(d);
	return count - 3;
}

/* ---- rights ---- */

static void rights(void)
{
	int p[2], file = open("file", O_CREAT | O_RDWR | O_APPEND, 0600), e = eventfd(5, 0), d = open(".", O_RDONLY | O_DIRECTORY);
	int before;
	pipe(p);
	pair_of(SOCK_STREAM);
	before = descriptors();
	show("send", send_fds(s[0], "one", &p[1], 1, 0));
	receive("receive", s[1], 100, 100, 0);
	write(got[0], "through", 7);
	show("the same pipe", read(p[0], bytes, 100));
	close(got[0]);
	printf("flags %x\n", fcntl(got[0], F_GETFD));
	int all[] = { p[0], file, e, d, s[0] };
	show("send five", send_fds(s[0], "five", all, 5, 0));
	receive("receive", s[1], 100, 100, MSG_CMSG_CLOEXEC);
	printf("flags %x %x %x\n", fcntl(got[1], F_GETFD), fcntl(got[1], F_GETFL) & ~0100000, fcntl(got[2], F_GETFL));
	write(got[1], "text", 4);
	show("position is shared", lseek(file, 0, SEEK_CUR));
	show("seek", lseek(got[1], 1, SEEK_SET));
	uint64_t value = 0;
	read(got[2], &value, 8);
	printf("eventfd %d\n", (int)value);
	show("openat", openat(got[3], "file", O_RDONLY));
	show("a pipe does not seek", lseek(got[0], 0, SEEK_SET));
	write(s[1], "back", 4);
	show("the sending socket itself", read(got[4], bytes, 100));
	close_got();
	struct stat st;
	show("closed", fstat(got[1], &st));
	int many[253];
	for (int i = 0; i < 253; i++)
		many[i] = i % 2 ? e : p[1];
	show("253", send_fds(s[0], "many", many, 253, 0));
	receive("receive", s[1], 100, sizeof(union control), 0);
	printf("%d\n", got_count);
	write(got[252], "last", 4);
	show("last", read(p[0], bytes, 100));
	close_got();
	show("254", send_fds(s[0], "too many", many, 254, 0));
	many[3] = 999;
	show("bad one", send_fds(s[0], "bad", many, 10, 0));
	show("nothing came", recv(s[1], bytes, 10, MSG_DONTWAIT));
	printf("descriptors %d\n", descriptors() - before);
}

static void rights_cut(void)
{
	static const size_t rooms[] = { 0, 8, 16, 17, 20, 23, 24, 28, 32, 40 };
	int p[2], before;
	pipe(p);
	int three[] = { p[0], p[1], p[0] };
	pair_of(SOCK_STREAM);
	before = descriptors();
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		send_fds(s[0], "abc", three, 3, 0);
		printf("room %zu\n", rooms[i]);
		receive("receive", s[1], 100, rooms[i], 0);
		printf("%d came, %d\n", got_count, descriptors() - before);
		close_got();
	}
	send_fds(s[0], "read", three, 3, 0);
	show("by read", read(s[1], bytes, 100));
	printf("%d\n", descriptors() - before);
	write(s[0], "first", 5);
	send_fds(s[0], "second", three, 2, 0);
	write(s[0], "third", 5);
	send_fds(s[0], "fourth", three, 1, 0);
	receive("up to the rights", s[1], 100, 100, 0);
	close_got();
	receive("rest", s[1], 100, 100, 0);
	close_got();
	send_fds(s[0], "abcdef", three, 1, 0);
	receive("a part has them", s[1], 2, 100, 0);
	close_got();
	receive("the other has not", s[1], 100, 100, 0);
	send_fds(s[0], "peeked", three, 2, 0);
	receive("peek", s[1], 100, 100, MSG_PEEK);
	printf("%d\n", descriptors() - before);
	close_got();
	receive("take", s[1], 100, 100, 0);
	close_got();
	pair_of(SOCK_SEQPACKET);
	send_fds(s[0], "packet", three, 2, 0);
	send_fds(s[0], "", three, 1, 0);
	receive("cut", s[1], 3, 100, 0);
	close_got();
	receive("empty packet", s[1], 3, 100, 0);
	close_got();
	show("no bytes on a stream", (pair_of(SOCK_STREAM), send_fds(s[0], "", three, 1, 0)));
	show("nothing", recv(s[1], bytes, 10, MSG_DONTWAIT));
}

/* What a descriptor's last copy in a message is worth: the file lives. */
static void only_in_flight(void)
{
	int p[2], status;
	pair_of(SOCK_STREAM);
	pipe(p);
	send_fds(s[0], "w", &p[1], 1, 0);
	close(p[1]);
	struct pollfd f = { .fd = p[0], .events = POLLIN };
	show("a writer is on its way", poll(&f, 1, 0));
	receive("receive", s[1], 10, 100, 0);
	write(got[0], "x", 1);
	close_got();
	show("read", read(p[0], bytes, 10));
	show("end", read(p[0], bytes, 10));
	pipe(p);
	send_fds(s[0], "w", &p[1], 1, 0);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	f.fd = p[0];
	show("it went with the sockets", poll(&f, 1, 1000));
	printf("%x\n", f.revents);
	/* A process that dies with a message half way leaves nothing. */
	pair_of(SOCK_STREAM);
	pipe(p);
	pid_t pid = child();
	if (pid == 0) {
		close(p[0]);
		send_fds(s[0], "w", &p[1], 1, 0);
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	close(p[1]);
	f.fd = p[0];
	show("from the dead", poll(&f, 1, 0));
	receive("receive", s[1], 10, 100, 0);
	close_got();
	show("end", read(p[0], bytes, 1));
	/* A listener on its way. */
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "\0flying" };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(l, (struct sockaddr *)&a, 9);
	listen(l, 3);
	send_fds(s[0], "l", &l, 1, 0);
	close(l);
	show("connect", connect(c, (struct sockaddr *)&a, 9));
	receive("receive", s[1], 10, 100, 0);
	show_ok("accept", accept(got[0], NULL, NULL));
}

/* Whether the name can be bound again, that is, whether the socket that had it has gone. */
static void show_free(const char *what, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int result = -1;
	strcpy(a.sun_path + 1, name);
	/* Linux looks for such sockets when one is closed. */
	for (int i = 0; i < 200 && result != 0; i++) {
		int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
		result = bind(fd, (struct sockaddr *)&a, 3 + strlen(name));
		close(fd);
		if (result != 0)
			nap_ms(5);
	}
	show(what, result);
}

static int named(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	strcpy(a.sun_path + 1, name);
	if (bind(fd, (struct sockaddr *)&a, 3 + strlen(name)) != 0 || connect(fd, (struct sockaddr *)&a, 3 + strlen(name)) != 0)
		printf("%s: %s\n", name, error_name(errno));
	return fd;
}

/* Sockets whose only descriptors lie in each other's messages. */
static void cycles(void)
{
	int one = named("uxrt one");
	show("itself", send_fds(one, "x", &one, 1, 0));
	close(one);
	show_free("gone", "uxrt one");
	one = named("uxrt one");
	pair_of(SOCK_STREAM);
	int both[] = { s[0], s[1], one };
	show("a pair in itself", send_fds(s[0], "x", both, 3, 0));
	show("and the other way", send_fds(s[1], "x", both, 3, 0));
	close(one);
	close(s[0]);
	close(s[1]);
	show_free("gone", "uxrt one");
	/* A chain of three that bite their tails, held from outside by one. */
	one = named("uxrt one");
	int two = named("uxrt two"), three = named("uxrt three");
	send_fds(one, "x", &two, 1, 0);
	send_fds(two, "x", &three, 1, 0);
	send_fds(three, "x", &one, 1, 0);
	close(two);
	close(three);
	receive("still there", one, 10, 100, 0);
	two = got[0];
	receive("and the next", two, 10, 100, 0);
	three = got[0];
	receive("and round", three, 10, 100, 0);
	send_fds(one, "x", &two, 1, 0);
	send_fds(two, "x", &three, 1, 0);
	send_fds(three, "x", &one, 1, 0);
	close(two);
	close(three);
	close(one);
	close_got();
	show_free("all gone", "uxrt one");
	show_free("all gone", "uxrt two");
	show_free("all gone", "uxrt three");
	/* In the queue of a connection that nobody accepts. */
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "\0queue" };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	one = named("uxrt one");
	bind(l, (struct sockaddr *)&a, 8);
	listen(l, 3);
	connect(c, (struct sockaddr *)&a, 8);
	int two_of[] = { l, one };
	show("a listener behind itself", send_fds(c, "x", two_of, 2, 0));
	close(l);
	close(c);
	close(one);
	show_free("gone", "uxrt one");
	/* Deep: each in the next one's queue. */
	one = named("uxrt one");
	int inner = one;
	for (int i = 0; i < 500; i++) {
		pair_of(SOCK_STREAM);
		if (send_fds(s[0], "x", &inner, 1, 0) != 1)
			printf("%d: %s\n", i, error_name(errno));
		close(inner);
		close(s[0]);
		inner = s[1];
	}
	close(inner);
	show_free("deep", "uxrt one");
}

/* ---- credentials ---- */

static long send_credentials(int to, struct ucred who)
{
	union control c;
	struct iovec v = { "cred", 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = CMSG_SPACE(sizeof who) };
	memset(&c, 0, sizeof c);
	c.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof who), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS };
	memcpy(CMSG_DATA(&c.header), &who, sizeof who);
	return sendmsg(to, &m, 0);
}

static void credentials(void)
{
	int on = 1, p[2];
	pair_of(SOCK_STREAM);
	pipe(p);
	show("own", send_credentials(s[0], (struct ucred){ getpid(), getuid(), getgid() }));
	receive("not asked for", s[1], 100, 100, 0);
	write(s[0], "before", 6);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	receive("sent before", s[1], 100, 100, 0);
	write(s[0], "after", 5);
	receive("after", s[1], 100, 100, 0);
	write(s[0], "no room", 7);
	receive("no room", s[1], 100, 0, 0);
	write(s[0], "little room", 11);
	receive("little room", s[1], 100, 20, 0);
	send_fds(s[0], "both", p, 2, 0);
	receive("both", s[1], 100, 100, 0);
	close_got();
	send_fds(s[0], "room for one", p, 2, 0);
	receive("room for one", s[1], 100, 32 + 20, 0);
	close_got();
	write(s[0], "mine", 4);
	pid_t pid = child();
	if (pid == 0) {
		write(s[0], "child's", 7);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	write(s[0], "mine too", 8);
	receive("mine", s[1], 100, 100, 0);
	receive("child's", s[1], 100, 100, 0);
	receive("mine", s[1], 100, 100, 0);
	pair_of(SOCK_DGRAM);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	show("own", send_credentials(s[0], (struct ucred){ getpid(), getuid(), getgid() }));
	receive("datagram", s[1], 100, 100, 0);
	send(s[0], "plain", 5, 0);
	receive("plain", s[1], 100, 100, 0);
}

/* ---- malformed ---- */

static void malformed(void)
{
	union control c;
	struct iovec v = { "text", 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = CMSG_SPACE(4) };
	pair_of(SOCK_STREAM);
	memset(&c, 0, sizeof c);
	c.header = (struct cmsghdr){ .cmsg_len = 8, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	show("short header", sendmsg(s[0], &m, 0));
	c.header = (struct cmsghdr){ .cmsg_len = 1000, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	show("long header", sendmsg(s[0], &m, 0));
	c.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = 77 };
	show("unknown type", sendmsg(s[0], &m, 0));
	c.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = 77, .cmsg_type = 1 };
	show("another level", sendmsg(s[0], &m, 0));
	c.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(0), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	m.msg_controllen = CMSG_LEN(0);
	show("no rights", sendmsg(s[0], &m, 0));
	c.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS };
	m.msg_controllen = CMSG_SPACE(4);
	show("short credentials", sendmsg(s[0], &m, 0));
	m.msg_controllen = 8;
	show("less than a header", sendmsg(s[0], &m, 0));
	m.msg_controllen = 1 << 20;
	show("huge control", sendmsg(s[0], &m, 0));
	m.msg_control = (void *)16;
	m.msg_controllen = 24;
	show("bad control", sendmsg(s[0], &m, 0));
	m = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1025 };
	show("many buffers", sendmsg(s[0], &m, 0));
	m = (struct msghdr){ .msg_iov = (void *)16, .msg_iovlen = 1 };
	show("bad vector", sendmsg(s[0], &m, 0));
	show("bad header", sendmsg(s[0], (void *)16, 0));
	show("bad header", recvmsg(s[0], (void *)16, 0));
	m = (struct msghdr){ 0 };
	show("no buffers", sendmsg(s[0], &m, 0));
	char name[10];
	m = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1, .msg_name = name, .msg_namelen = -1 };
	show("negative name", sendmsg(s[0], &m, 0));
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "x" };
	m = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1, .msg_name = &a, .msg_namelen = sizeof a };
	show("name on a connected stream", sendmsg(s[0], &m, 0));
	int alone = socket(AF_UNIX, SOCK_STREAM, 0);
	show("name on an unconnected one", sendmsg(alone, &m, 0));
	m.msg_name = NULL;
	show("unconnected", sendmsg(alone, &m, 0));
	show("unconnected", recvmsg(alone, &m, 0));
}

/* ---- many at once ---- */

static void many_messages(void)
{
	struct mmsghdr h[6];
	struct iovec v[6];
	struct sockaddr_un a[6];
	char in[6][20];
	pair_of(SOCK_DGRAM);
	for (int i = 0; i < 6; i++) {
		snprintf(in[i], sizeof in[i], "message %d", i);
		v[i] = (struct iovec){ in[i], 5 + i };
		h[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &v[i], .msg_iovlen = 1 } };
	}
	show("send", sendmmsg(s[0], h, 6, 0));
	printf("%d %d\n", h[0].msg_len, h[5].msg_len);
	for (int i = 0; i < 6; i++)
		v[i].iov_len = 7;
	h[1].msg_hdr.msg_name = &a[1];
	h[1].msg_hdr.msg_namelen = sizeof a[1];
	show("four", recvmmsg(s[1], h, 4, 0, NULL));
	printf("%d %d, flags %x %x, name %d\n", h[0].msg_len, h[3].msg_len, h[0].msg_hdr.msg_flags, h[3].msg_hdr.msg_flags, h[1].msg_hdr.msg_namelen);
	show("the rest", recvmmsg(s[1], h, 6, MSG_WAITFORONE, NULL));
	struct timespec t = { 0, 0 };
	show("none", recvmmsg(s[1], h, 6, MSG_DONTWAIT, &t));
	h[2].msg_hdr.msg_iov = (void *)16;
	show("send until a bad one", sendmmsg(s[0], h, 6, 0));
	show("none", sendmmsg(s[0], h, 0, 0));
	show("no socket", sendmmsg(0, h, 1, 0));
}

static int senders[2];

static void *send_much(void *bytes)
{
	static char data[2][300000];
	char *own = data[*(char *)bytes - 'a'];
	memset(own, *(char *)bytes, sizeof data[0]);
	return (void *)send(senders[0], own, sizeof data[0], 0);
}

/* Both wait for the same room: neither keeps the other, or anybody else, from going on. */
static void two_senders(void)
{
	static char got[8192];
	pthread_t threads[2];
	long size = 0, sum = 0, n;
	void *sent;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, senders) != 0)
		return;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, send_much, i ? "b" : "a");
	nap_ms(50);
	while (size < 600000 && (n = read(senders[1], got, sizeof got)) > 0) {
		for (long i = 0; i < n; i++)
			sum += got[i] - 'a';
		size += n;
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &sent);
		show("sent", (long)sent);
	}
	printf("%ld bytes, %ld of the second\n", size, sum);
}

static const struct part parts[] = {
	PART(rights), PART(rights_cut), PART(only_in_flight), PART(cycles), PART(credentials), PART(malformed), PART(many_messages), PART(two_senders),
};

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}
