/*
 * AF_NETLINK: kinds of sockets, names, options, messages between programs and what becomes of those that nobody takes. What is said of the interface shows
 * netlink_routes.c.
 *
 * calls: socket bind connect getpeername recvmsg getsockopt setsockopt
 */
#include "netlink.h"

#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>

/* ---- names ---- */

static void show_peer(const char *what, int fd)
{
	struct sockaddr_nl name = { .nl_family = 77 };
	socklen_t length = sizeof name;

	if (getpeername(fd, (struct sockaddr *)&name, &length))
		show(what, -1);
	else
		show_name(what, &name, length);
}

static void number_option(const char *what, int fd, int level, int option)
{
	int value = -77;
	socklen_t length = sizeof value;

	if (show(what, getsockopt(fd, level, option, &value, &length)) == 0)
		printf("  %d, length %u\n", value, length);
}

static void kinds(void)
{
	static const int types[] = { SOCK_RAW, SOCK_DGRAM, SOCK_STREAM, SOCK_SEQPACKET, SOCK_RDM };
	static const int protocols[] = { NETLINK_ROUTE, NETLINK_USERSOCK, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT, 1, 3, 31, 32, 1000, -1 };
	int pair[2], fd;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		show_ok("type", socket(AF_NETLINK, types[i], NETLINK_ROUTE));
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		show_ok("protocol", socket(AF_NETLINK, SOCK_RAW, protocols[i]));
	show_ok("both wrong", socket(AF_NETLINK, SOCK_STREAM, 1000));
	show_ok("pair", socketpair(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, pair));
	fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
	number_option("type", fd, SOL_SOCKET, SO_TYPE);
	number_option("domain", fd, SOL_SOCKET, SO_DOMAIN);
	number_option("protocol", fd, SOL_SOCKET, SO_PROTOCOL);
	number_option("listens", fd, SOL_SOCKET, SO_ACCEPTCONN);
	number_option("send buffer", fd, SOL_SOCKET, SO_SNDBUF);
	number_option("receive buffer", fd, SOL_SOCKET, SO_RCVBUF);
	show("listen", listen(fd, 1));
	show("accept", accept(fd, NULL, NULL));
	show("shutdown", shutdown(fd, SHUT_WR));
	show("how much is there", ioctl(fd, FIONREAD, &pair));
	show("out of band", send(fd, "x", 1, MSG_OOB));
	show("out of band", recv(fd, buffer, 1, MSG_OOB));
}

static void names(void)
{
	int fd = netlink(NETLINK_ROUTE), other = netlink(NETLINK_ROUTE), third = netlink(NETLINK_ROUTE), diag = netlink(NETLINK_SOCK_DIAG);
	struct sockaddr_nl name = name_of(0, 0);

	show_own("new", fd);
	show_peer("new", fd);
	show("too short", bind(fd, (struct sockaddr *)&name, sizeof name - 1));
	show("no name", bind(fd, (struct sockaddr *)&name, 0));
	name.nl_family = AF_UNIX;
	show("other family", bind(fd, (struct sockaddr *)&name, sizeof name));
	show("bind", bind_to(fd, 0, 0));
	show_own("bound", fd);
	show("the same", bind_to(fd, (unsigned)getpid(), 0));
	show("another", bind_to(fd, 77, 0));
	show("0 again", bind_to(fd, 0, 0));
	show("in use", bind_to(other, (unsigned)getpid(), 0));
	show("second", bind_to(other, 0, 0));
	show_own("second", other);
	show("other protocol", bind_to(diag, 0, 0));
	show_own("other protocol", diag);
	show("port", bind_to(third, 4000000, 5));
	show_own("port", third);
	show("groups", bind_to(third, 4000000, 0x80000011));
	show_own("groups", third);
	show("groups alone", bind_to(third, 0, 1));
	show_peer("not connected", third);
	show("connect", connect_to(third, 4711, 0x30));
	show_peer("connected", third);
	show("connect short", connect(third, (struct sockaddr *)&name, 1));
	show("connect other family", connect(third, (struct sockaddr *)&name, sizeof name));
	name.nl_family = AF_UNSPEC;
	show("disconnect", connect(third, (struct sockaddr *)&name, 2));
	show_peer("disconnected", third);
	close(fd);
	close(third);
	fd = netlink(NETLINK_ROUTE);
	show("connect new", connect_to(fd, 0, 0));
	show_own("connect binds", fd);
}


static void show_groups(const char *what, int fd, socklen_t room)
{
	unsigned words[4] = { 0x5a5a5a5a, 0x5a5a5a5a, 0x5a5a5a5a, 0x5a5a5a5a };
	socklen_t length = room;

	if (show(what, getsockopt(fd, SOL_NL, NETLINK_LIST_MEMBERSHIPS, words, &length)) == 0)
		printf("  length %u: %x %x %x\n", length, words[0], words[1], words[2]);
}

static void options(void)
{
	static const int flags[] = { NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK };
	int fd = netlink(NETLINK_ROUTE), uevent = netlink(NETLINK_KOBJECT_UEVENT), value = 1;
	socklen_t length = 2;

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		number_option("at first", fd, SOL_NL, flags[i]);
		set("set", fd, flags[i], 5);
		number_option("set", fd, SOL_NL, flags[i]);
		set("clear", fd, flags[i], 0);
		number_option("clear", fd, SOL_NL, flags[i]);
	}
	show("short", getsockopt(fd, SOL_NL, NETLINK_EXT_ACK, &value, &length));
	show("set short", setsockopt(fd, SOL_NL, NETLINK_EXT_ACK, &value, 1));
	number_option("set short", fd, SOL_NL, NETLINK_EXT_ACK);
	number_option("unknown", fd, SOL_NL, 99);
	set("set unknown", fd, 99, 1);
	number_option("other level", fd, 6, 1);
	show("set other level", setsockopt(fd, 6, 1, &value, sizeof value));
	show_groups("no groups", fd, 16);
	set("group 0", fd, NETLINK_ADD_MEMBERSHIP, 0);
	show_groups("no groups", fd, 16);
	set("group 1", fd, NETLINK_ADD_MEMBERSHIP, 1);
	set("group 33", fd, NETLINK_ADD_MEMBERSHIP, 33);
	set("group 1000", fd, NETLINK_ADD_MEMBERSHIP, 1000);
	show_groups("two groups", fd, 16);
	show_groups("less room", fd, 4);
	show_groups("no room", fd, 0);
	show_own("groups", fd);
	set("leave 33", fd, NETLINK_DROP_MEMBERSHIP, 33);
	set("leave 20", fd, NETLINK_DROP_MEMBERSHIP, 20);
	set("leave 0", fd, NETLINK_DROP_MEMBERSHIP, 0);
	show_groups("one group", fd, 16);
	show("bind", bind_to(fd, 0, 0));
	show_groups("bound", fd, 16);
	set("events", uevent, NETLINK_ADD_MEMBERSHIP, 1);
	show_groups("events", uevent, 16);
	set("events 33", uevent, NETLINK_ADD_MEMBERSHIP, 33);
}

/* ---- receiving ---- */

static void parts_of_a_dump(void)
{
	int fd = netlink(NETLINK_ROUTE);
	struct rtgenmsg body = { AF_UNSPEC };
	struct request r = new_request(RTM_GETADDR, NLM_F_DUMP, &body, sizeof body);
	struct sockaddr_nl from = { .nl_family = 9 };
	struct iovec part = { buffer, 20 };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1 };
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM, 0 };

	printf("poll %d %x\n", poll(&p, 1, 0), p.revents);
	show("send", send(fd, &r, r.header.nlmsg_len, 0));
	printf("poll %d %x\n", poll(&p, 1, 0), p.revents);
	show("busy", send(fd, &r, r.header.nlmsg_len, 0));
	printf("peek: %ld of %ld\n", (long)recv(fd, buffer, 4, MSG_PEEK), (long)recv(fd, buffer, 4, MSG_PEEK | MSG_TRUNC));
	show_ok("cut off", recvmsg(fd, &m, 0));
	printf("flags %x from %d port %s groups %x length %u\n", m.msg_flags, from.nl_family, port_text(from.nl_pid), from.nl_groups, m.msg_namelen);
	show_all("the rest", fd);
	show("nothing", recv(fd, buffer, 1, MSG_DONTWAIT));
	printf("poll %d %x\n", poll(&p, 1, 0), p.revents);
	for (int i = 0; i < 3; i++) {
		r.header.nlmsg_seq = sequence++;
		show("again", send(fd, &r, r.header.nlmsg_len, 0));
		close(fd);
		fd = netlink(NETLINK_ROUTE);
	}
}

/* Acknowledgements that nobody reads. */
static void overrun(void)
{
	int fd = netlink(NETLINK_ROUTE), small = 1, got = 0, error;
	struct ifinfomsg body = { .ifi_index = LO };
	struct request r = new_request(RTM_GETLINK, NLM_F_ACK, &body, sizeof body);
	socklen_t length = sizeof error;
	struct pollfd p = { fd, POLLIN, 0 };

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	for (int i = 0; i < 40; i++)
		if (send(fd, &r, r.header.nlmsg_len, 0) < 0)
			printf("send: %s\n", error_name(errno));
	poll(&p, 1, 0);
	printf("events %x\n", p.revents);
	show("first", recv(fd, buffer, sizeof buffer, MSG_DONTWAIT));
	while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
		got++;
	printf("got %s, then %s\n", got > 0 && got < 80 ? "some" : "none or all", error_name(errno));
	show("again", send(fd, &r, r.header.nlmsg_len, 0));
	show_ok("works again", recv(fd, buffer, sizeof buffer, MSG_DONTWAIT));
	set("do not tell", fd, NETLINK_NO_ENOBUFS, 1);
	for (int i = 0; i < 40; i++)
		send(fd, &r, r.header.nlmsg_len, 0);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	show_ok("no error", recv(fd, buffer, sizeof buffer, MSG_DONTWAIT));
}

/* ---- between programs ---- */

static void show_received(const char *what, int fd)
{
	struct sockaddr_nl from = { .nl_family = 9 };
	char bytes[64] = "", control[256];
	struct iovec part = { bytes, sizeof bytes - 1 };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };

	if (show(what, recvmsg(fd, &m, MSG_DONTWAIT)) < 0)
		return;
	printf("  %s flags %x from port %s groups %x", bytes, m.msg_flags, port_text(from.nl_pid), from.nl_groups);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct ucred *who = (struct ucred *)CMSG_DATA(c);

		if (c->cmsg_level == SOL_NL)
			printf(", level 270 type %d length %d group %u", c->cmsg_type, (int)c->cmsg_len, *(unsigned *)CMSG_DATA(c));
		else
			printf(", pid %s uid %u gid %u", who->pid == getpid() ? "own" : who->pid ? "other" : "0", who->uid, who->gid);
	}
	printf("\n");
}

static void programs(void)
{
	int one = netlink(NETLINK_USERSOCK), two = netlink(NETLINK_USERSOCK), route = netlink(NETLINK_ROUTE), on = 1;

	show("bind", bind_to(two, 5000, 0));
	send_to("to nobody", one, 5001, 0, "lost");
	send_to("to two", one, 5000, 0, "hello");
	show_received("two", two);
	show_received("two", two);
	setsockopt(two, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	set("information", two, NETLINK_PKTINFO, 1);
	send_to("to two", one, 5000, 0, "who");
	show_received("two", two);
	set("join 3", two, NETLINK_ADD_MEMBERSHIP, 3);
	set("join 5", two, NETLINK_ADD_MEMBERSHIP, 5);
	send_to("to group", one, 0, 4, "all");
	show_received("two", two);
	send_to("to two groups", one, 0, 0x14, "more");
	show_received("two", two);
	show_received("two", two);
	send_to("to its group and itself", two, 5000, 4, "self");
	show_received("two", two);
	show_received("two", two);
	show("connect", connect_to(two, 77, 0));
	send_to("to two, which is not for one", one, 5000, 0, "no");
	show("connect", connect_to(one, 5000, 0));
	show("connect back", connect_to(two, (unsigned)getpid(), 0));
	show("send", send(one, "yes", 3, 0));
	show_received("two", two);
	close(two);
	show("it has gone", send(one, "gone", 4, 0));
	send_to("other protocol", route, (unsigned)getpid(), 0, "route");
	show_received("to itself", route);
}

static int full[2];

/* How many could not be sent. */
static int send_when_there_is_room(void)
{
	static char text[2000];
	int failed = 0;

	for (int i = 0; i < 20; i++)
		failed += send(full[0], text, sizeof text, 0) != sizeof text;
	return failed;
}

static void room(void)
{
	static char text[2000];
	int sent = 0, got = 0, status;

	full[0] = netlink(NETLINK_USERSOCK);
	full[1] = netlink(NETLINK_USERSOCK);
	show("bind", bind_to(full[1], 6000, 0));
	show("connect", connect_to(full[0], 6000, 0));
	setsockopt(full[1], SOL_SOCKET, SO_RCVBUF, &(int){ 8000 }, sizeof(int));
	while (send(full[0], text, sizeof text, MSG_DONTWAIT) > 0)
		sent++;
	printf("sent %d, then %s\n", sent, error_name(errno));
	pid_t pid = child();
	if (!pid)
		_exit(send_when_there_is_room());
	while (got < sent + 20 && recv(full[1], text, sizeof text, 0) > 0)
		got++;
	printf("got %d\n", got - sent);
	waitpid(pid, &status, 0);
	show_status("sender", status);
}

static const struct part parts[] = {
	PART(kinds), PART(names), PART(options), PART(parts_of_a_dump), PART(overrun), PART(programs), PART(room),
};

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
