/*
 * Bytes out of band (MSG_OOB), through TCP connections and Unix streams: what reading does before, at and after one, readiness, SO_OOBINLINE, SIOCATMARK.
 *
 * calls: ioctl poll recvmsg setsockopt
 */
#include "inet.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/un.h>

static int s[2];
static char bytes[400000];

/* Not MSG_DONTWAIT: with that Linux's Unix streams say EAGAIN, once, where a byte out of band was received, whatever lies behind it. */
static void wait_shortly(void)
{
	struct timeval t = { 0, 200000 };

	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

static void tcp(void)
{
	inet_pair("127.0.0.1", s);
	wait_shortly();
}

static void unix_pair(void)
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	wait_shortly();
}

static void close_both(void)
{
	close(s[0]);
	close(s[1]);
}

/* Where the reader is. */
static void show_place(const char *what)
{
	int mark = -1, in = -1;

	ioctl(s[1], SIOCATMARK, &mark);
	ioctl(s[1], FIONREAD, &in);
	printf("%s: mark %d in %d, ", what, mark, in);
	show_poll("reader", s[1]);
}

static void receive(const char *what, size_t size, int flags)
{
	struct iovec v = { bytes, size };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t n;

	memset(bytes, 0, 16);
	n = recvmsg(s[1], &m, flags);
	if (show(what, n) >= 0)
		printf("\"%.*s\" flags %x\n", (int)n, bytes, m.msg_flags);
}

/* TCP says what came when the segments have been looked at, which is before send returns on the loopback interface. */
static void send_marked(const char *data)
{
	show("send", send(s[0], data, strlen(data), MSG_OOB));
}

static void before_and_behind(void)
{
	write(s[0], "before", 6);
	send_marked("abc");
	write(s[0], "behind", 6);
	show_place("came");
	receive("up to it", 100, 0);
	show_place("at it");
	receive("out of band", 100, MSG_OOB);
	show_place("received");
	receive("again", 100, MSG_OOB);
	receive("behind", 100, 0);
	show_place("behind");
	receive("nothing more", 100, 0);
	receive("none", 100, MSG_OOB);
}

/* The program reads without having asked for it. */
static void passed_over(void)
{
	send_marked("x");
	show_place("alone");
	receive("there is no other", 100, 0);
	show_place("it is gone");
	receive("gone", 100, MSG_OOB);
	send_marked("ab");
	write(s[0], "cd", 2);
	receive("before", 100, 0);
	receive("behind", 100, 0);
	receive("gone", 100, MSG_OOB);
}

static void out_first(void)
{
	write(s[0], "one", 3);
	send_marked("two");
	receive("out of band", 1, MSG_OOB);
	show_place("received");
	receive("a part", 2, 0);
	receive("up to it", 100, 0);
	show_place("at it");
	write(s[0], "three", 5);
	show_place("more came");
	receive("behind", 100, 0);
	show_place("empty");
}

static void peeked(void)
{
	send_marked("ab");
	write(s[0], "cd", 2);
	receive("peek out of band", 100, MSG_OOB | MSG_PEEK);
	receive("again", 100, MSG_OOB | MSG_PEEK);
	receive("peek", 100, MSG_PEEK);
	receive("read", 100, 0);
	receive("out of band", 100, MSG_OOB);
	receive("read", 100, 0);
	send_marked("x");
	receive("no room", 0, MSG_OOB);
	receive("again", 1, MSG_OOB);
}

/* recv takes nothing then; whether the reader passes over the mark all the same is another question. */
static void none_wanted(void)
{
	write(s[0], "ab", 2);
	send_marked("x");
	write(s[0], "cd", 2);
	receive("none before", 0, 0);
	show_place("before");
	receive("up to it", 100, 0);
	receive("none at it", 0, 0);
	show_place("at it");
	receive("none again", 0, 0);
	receive("out of band", 100, MSG_OOB);
	receive("none behind", 0, 0);
	receive("behind", 100, 0);
	send_marked("y");
	receive("none of one alone", 0, 0);
	show_place("alone");
	receive("out of band", 100, MSG_OOB);
	receive("none after it", 0, 0);
	show_place("received");
	receive("the rest", 100, 0);
}

static void two_of_them(void)
{
	send_marked("ab");
	send_marked("cd");
	show_place("two");
	receive("out of band", 100, MSG_OOB);
	receive("read", 100, 0);
	show_place("at the second");
	receive("read", 100, 0);
	send_marked("x");
	send_marked("y");
	receive("out of band", 100, MSG_OOB);
	receive("read", 100, 0);
	send_marked("x");
	receive("out of band", 100, MSG_OOB);
	send_marked("yz");
	receive("read", 100, 0);
	receive("out of band", 100, MSG_OOB);
	receive("read", 100, 0);
}

static void in_line(void)
{
	int on = 1;

	setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
	send_marked("abc");
	write(s[0], "def", 3);
	show_place("came");
	receive("out of band", 100, MSG_OOB);
	receive("before", 100, 0);
	show_place("at it");
	receive("peek", 100, MSG_PEEK);
	receive("it and what follows", 100, 0);
	show_place("behind");
	receive("nothing more", 100, 0);
}

static void tcp_before_and_behind(void)
{
	tcp();
	before_and_behind();
	close_both();
}

static void tcp_passed_over(void)
{
	tcp();
	passed_over();
	close_both();
}

static void tcp_out_first(void)
{
	tcp();
	out_first();
	close_both();
}

static void tcp_none_wanted(void)
{
	tcp();
	none_wanted();
	close_both();
}

static void tcp_peeked(void)
{
	tcp();
	peeked();
	close_both();
}

static void tcp_two(void)
{
	tcp();
	two_of_them();
	close_both();
}

static void tcp_in_line(void)
{
	tcp();
	in_line();
	close_both();
}

static void *sends_later(void *nothing)
{
	nap_ms(20);
	send(s[0], "now", 3, MSG_OOB);
	return nothing;
}

/* Who waits for one of the three is woken; who waits for bytes gets those before it. */
static void tcp_waits(void)
{
	pthread_t thread;
	struct pollfd p;
	fd_set set;

	tcp();
	p = (struct pollfd){ .fd = s[1], .events = POLLPRI };
	pthread_create(&thread, NULL, sends_later, NULL);
	show("poll", poll(&p, 1, 5000));
	printf("%x\n", p.revents);
	pthread_join(thread, NULL);
	receive("out of band", 10, MSG_OOB);
	FD_ZERO(&set);
	FD_SET(s[1], &set);
	struct timeval none = { 0, 0 };
	show("no exception", select(s[1] + 1, NULL, NULL, &set, &none));
	FD_SET(s[1], &set);
	pthread_create(&thread, NULL, sends_later, NULL);
	struct timeval long_time = { 5, 0 };
	show("select", select(s[1] + 1, NULL, NULL, &set, &long_time));
	pthread_join(thread, NULL);
	receive("read", 100, 0);
	receive("read", 100, 0);
	receive("out of band", 10, MSG_OOB);
	pthread_create(&thread, NULL, sends_later, NULL);
	show("waits for all", recv(s[1], bytes, 3, MSG_WAITALL));
	pthread_join(thread, NULL);
	close_both();
}

static void tcp_long(void)
{
	size_t got = 0;

	tcp();
	memset(bytes, 'x', sizeof bytes);
	show("send", send(s[0], bytes, 100000, MSG_OOB));
	for (ssize_t n = 1; n > 0 && got < 200000; got += n > 0 ? n : 0)
		n = recv(s[1], bytes, 30000, MSG_DONTWAIT);
	printf("read %d\n", (int)got);
	receive("gone", 10, MSG_OOB);
	close_both();
}

static void tcp_ends(void)
{
	tcp();
	send_marked("ab");
	close(s[0]);
	show_place("closed");
	receive("out of band", 10, MSG_OOB);
	receive("read", 10, 0);
	receive("the end", 10, 0);
	close(s[1]);
	tcp();
	send_marked("ab");
	shutdown(s[0], SHUT_WR);
	receive("read", 10, 0);
	receive("the end", 10, 0);
	close_both();
	tcp();
	send_marked("a");
	receive("out of band", 10, MSG_OOB);
	close(s[1]);
	show_poll("reset by the byte that lies there still", s[0]);
	show_error("sender", s[0]);
	close(s[0]);
	int l = inet_listening("127.0.0.1", 5);
	show("a listener", recv(l, bytes, 1, MSG_OOB));
	show("of one that is none", recv(socket(AF_INET, SOCK_STREAM, 0), bytes, 1, MSG_OOB));
	show("into one that is none", send(socket(AF_INET, SOCK_STREAM, 0), bytes, 1, MSG_OOB | MSG_NOSIGNAL));
}

static void datagrams(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), mark = -1, pair[2];

	inet_bind(fd, "127.0.0.1", 0);
	inet_connect(fd, "127.0.0.1", inet_port(fd));
	show("send", send(fd, "x", 1, MSG_OOB));
	show("send", send(fd, "x", 1, 0));
	show("ioctl", ioctl(fd, SIOCATMARK, &mark));
	close(fd);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	show("Unix send", send(pair[0], "x", 1, MSG_OOB));
	show("Unix receive", recv(pair[0], bytes, 1, MSG_OOB | MSG_DONTWAIT));
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	show("packet send", send(pair[0], "x", 1, MSG_OOB));
	show("packet receive", recv(pair[0], bytes, 1, MSG_OOB | MSG_DONTWAIT));
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	show("no packet send", send(fd, "x", 1, MSG_OOB));
	show("no packet receive", recv(fd, bytes, 1, MSG_OOB | MSG_DONTWAIT));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	show("no stream send", send(fd, "x", 1, MSG_OOB));
	show("no stream receive", recv(fd, bytes, 1, MSG_OOB | MSG_DONTWAIT));
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	show("nothing", send(pair[0], "x", 0, MSG_OOB));
	tcp();
	show("nothing over TCP", send(s[0], "x", 0, MSG_OOB));
	show_place("nothing");
	close_both();
}

static void unix_before_and_behind(void)
{
	unix_pair();
	before_and_behind();
	close_both();
}

static void unix_in_line(void)
{
	unix_pair();
	in_line();
	close_both();
}

static void unix_two(void)
{
	unix_pair();
	two_of_them();
	close_both();
}

static void unix_out_first(void)
{
	unix_pair();
	out_first();
	close_both();
}

static void unix_passed_over(void)
{
	unix_pair();
	passed_over();
	close_both();
}

static void unix_none_wanted(void)
{
	unix_pair();
	none_wanted();
	close_both();
}

static void unix_peeked(void)
{
	unix_pair();
	peeked();
	close_both();
}

/* What has come of the owner's signals. */
static void come(const char *what)
{
	static const struct timespec now;
	siginfo_t info;
	sigset_t set;
	int urgent = 0, io = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGRTMIN);
	while (sigtimedwait(&set, &info, &now) > 0) {
		if (info.si_signo == SIGURG)
			printf("[SIGURG code %d from %d] ", info.si_code, info.si_pid);
		else if (info.si_signo == SIGRTMIN && info.si_band & POLLPRI)
			urgent++;
		else
			io++;
	}
	printf("%s: %d urgent, %s\n", what, urgent, io ? "and others" : "no others");
}

/* The owner of a socket gets SIGURG whether it has O_ASYNC or not. */
static void owner(void)
{
	block(SIG_BLOCK, SIGURG);
	block(SIG_BLOCK, SIGIO);
	block(SIG_BLOCK, SIGRTMIN);
	send_marked("a");
	come("nobody's");
	show("F_SETOWN", fcntl(s[1], F_SETOWN, getpid()));
	send_marked("b");
	come("owned");
	write(s[0], "c", 1);
	come("in its turn");
	fcntl(s[1], F_SETFL, O_ASYNC);
	send_marked("d");
	come("O_ASYNC");
	show("F_SETSIG", fcntl(s[1], F_SETSIG, SIGRTMIN));
	send_marked("e");
	come("with a signal");
	fcntl(s[1], F_SETOWN, 0);
	send_marked("f");
	come("nobody's again");
}

static void tcp_owner(void)
{
	tcp();
	owner();
	close_both();
}

static void unix_owner(void)
{
	unix_pair();
	owner();
	close_both();
}

static const struct part parts[] = {
	PART(tcp_before_and_behind), PART(tcp_passed_over), PART(tcp_out_first), PART(tcp_peeked), PART(tcp_none_wanted), PART(tcp_two), PART(tcp_in_line), PART(tcp_waits),
	PART(tcp_long), PART(tcp_ends), PART(datagrams), PART(unix_before_and_behind), PART(unix_in_line), PART(unix_two), PART(unix_out_first),
	PART(unix_passed_over), PART(unix_peeked), PART(unix_none_wanted), PART(tcp_owner), PART(unix_owner),
};

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}
