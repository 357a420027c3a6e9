/*
 * AF_NETLINK: names, messages between programs, and what NETLINK_ROUTE says of the interface lo. Other interfaces are not shown, nor what counts or tells time.
 *
 * calls: socket bind connect getsockname getpeername sendto recvmsg getsockopt setsockopt
 */
#include "report.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define LO 1

static char buffer[65536];

static int netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	if (fd < 0)
		printf("socket: %s\n", error_name(errno));
	return fd;
}

/* ---- names ---- */

static struct sockaddr_nl name_of(unsigned port, unsigned groups)
{
	return (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups };
}

static const char *port_text(unsigned port)
{
	static char text[16];

	if (port == (unsigned)getpid())
		return "own";
	snprintf(text, sizeof text, (int)port < 0 ? "chosen" : "%u", port);
	return text;
}

static void show_name(const char *what, const struct sockaddr_nl *name, socklen_t length)
{
	printf("%s: length %u family %d port %s groups %x\n", what, length, name->nl_family, port_text(name->nl_pid), name->nl_groups);
}

static void show_own(const char *what, int fd)
{
	struct sockaddr_nl name = { .nl_family = 77 };
	socklen_t length = sizeof name;

	if (getsockname(fd, (struct sockaddr *)&name, &length))
		show(what, -1);
	else
		show_name(what, &name, length);
}

static void show_peer(const char *what, int fd)
{
	struct sockaddr_nl name = { .nl_family = 77 };
	socklen_t length = sizeof name;

	if (getpeername(fd, (struct sockaddr *)&name, &length))
		show(what, -1);
	else
		show_name(what, &name, length);
}

static int bind_to(int fd, unsigned port, unsigned groups)
{
	struct sockaddr_nl name = name_of(port, groups);

	return bind(fd, (struct sockaddr *)&name, sizeof name);
}

static int connect_to(int fd, unsigned port, unsigned groups)
{
	struct sockaddr_nl name = name_of(port, groups);

	return connect(fd, (struct sockaddr *)&name, sizeof name);
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

#define SOL_NL 270

static void show_groups(const char *what, int fd, socklen_t room)
{
	unsigned words[4] = { 0x5a5a5a5a, 0x5a5a5a5a, 0x5a5a5a5a, 0x5a5a5a5a };
	socklen_t length = room;

	if (show(what, getsockopt(fd, SOL_NL, NETLINK_LIST_MEMBERSHIPS, words, &length)) == 0)
		printf("  length %u: %x %x %x\n", length, words[0], words[1], words[2]);
}

static void set(const char *what, int fd, int option, int value)
{
	show(what, setsockopt(fd, SOL_NL, option, &value, sizeof value));
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

/* ---- what comes ---- */

enum { IN_FAMILIES = 1000, IN_FOUR, IN_SIX };

/* What an attribute holds attributes of; 0: none. */
static int nested(int message, int attribute)
{
	if (message == RTM_NEWLINK)
		return attribute == IFLA_AF_SPEC ? IN_FAMILIES : attribute == IFLA_PROTINFO ? IN_SIX : 0;
	return message == IN_FAMILIES ? attribute == AF_INET ? IN_FOUR : IN_SIX : 0;
}

static int is_hidden(int message, int attribute)
{
	if (message == RTM_NEWLINK)
		return attribute == IFLA_STATS || attribute == IFLA_STATS64;
	if (message == IN_SIX)
		return attribute == IFLA_INET6_STATS || attribute == IFLA_INET6_ICMP6STATS || attribute == IFLA_INET6_CACHEINFO;
	if (message == RTM_NEWADDR)
		return attribute == IFA_CACHEINFO;
	return 0;
}

static void show_bytes(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
}

/* When a route was used last (RTA_CACHEINFO's second word) is time. */
static void show_value(int message, int attribute, const unsigned char *bytes, size_t size)
{
	if (message != RTM_NEWROUTE || attribute != RTA_CACHEINFO || size < 8) {
		show_bytes(bytes, size);
		return;
	}
	show_bytes(bytes, 4);
	printf(" (used) ");
	show_bytes(bytes + 8, size - 8);
}

static void show_attributes(int message, const char *at, size_t left)
{
	struct nlattr a;

	while (left >= sizeof a) {
		memcpy(&a, at, sizeof a);
		if (a.nla_len < sizeof a || a.nla_len > left) {
			printf("    bad length %u of %zu\n", a.nla_len, left);
			return;
		}
		printf("    %u:", a.nla_type);
		if (nested(message, a.nla_type)) {
			printf(" %u bytes of attributes\n", a.nla_len);
			show_attributes(nested(message, a.nla_type), at + sizeof a, a.nla_len - sizeof a);
		} else if (is_hidden(message, a.nla_type))
			printf(" %u bytes", a.nla_len);
		else
			show_value(message, a.nla_type, (const unsigned char *)at + sizeof a, a.nla_len - sizeof a);
		printf("\n");
		at += NLA_ALIGN(a.nla_len);
		left -= NLA_ALIGN(a.nla_len) < (int)left ? (size_t)NLA_ALIGN(a.nla_len) : left;
	}
}

static size_t body_size(int type)
{
	switch (type) {
	case RTM_NEWLINK: return sizeof(struct ifinfomsg);
	case RTM_NEWADDR: return sizeof(struct ifaddrmsg);
	case RTM_NEWROUTE: return sizeof(struct rtmsg);
	case RTM_NEWRULE: return sizeof(struct fib_rule_hdr);
	default: return 0;
	}
}

static int is_other_interface(const struct nlmsghdr *h)
{
	if (h->nlmsg_type == RTM_NEWLINK)
		return ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index != LO;
	if (h->nlmsg_type == RTM_NEWADDR)
		return ((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_index != LO;
	return 0;
}

static void show_error_message(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	const char *end = (const char *)h + h->nlmsg_len, *at = (const char *)(e + 1);

	printf(" %s, of type %u length %u seq %u", e->error ? error_name(-e->error) : "no error", e->msg.nlmsg_type, e->msg.nlmsg_len, e->msg.nlmsg_seq);
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof e->msg;
	printf("\n");
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	for (struct nlattr *a; end - at >= (long)sizeof *a; at += NLA_ALIGN(a->nla_len)) {
		a = (struct nlattr *)at;
		if (a->nla_type == NLMSGERR_ATTR_MSG)
			printf("    says: %s\n", at + sizeof *a);
		else if (a->nla_type == NLMSGERR_ATTR_OFFS)
			printf("    at %u\n", *(unsigned *)(at + sizeof *a));
		if (a->nla_len < sizeof *a)
			break;
	}
}

static void show_done(const struct nlmsghdr *h)
{
	int error = -1;

	memcpy(&error, NLMSG_DATA(h), sizeof error);
	printf(" %s\n", error < 0 ? error_name(-error) : "no error");
	if (h->nlmsg_flags & NLM_F_ACK_TLVS)
		printf("    says: %s\n", (const char *)NLMSG_DATA(h) + 4 + sizeof(struct nlattr));
}

static void show_body(const struct nlmsghdr *h)
{
	size_t body = body_size(h->nlmsg_type);

	printf(" ");
	show_bytes(NLMSG_DATA(h), body);
	printf("\n");
	show_attributes(h->nlmsg_type, (const char *)NLMSG_DATA(h) + NLMSG_ALIGN(body), h->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(body));
}

/* One datagram's messages. 1: the dump is over. */
static int show_messages(size_t length)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)buffer;
	int over = 0;

	for (; length >= sizeof *h && h->nlmsg_len >= sizeof *h && h->nlmsg_len <= length; ) {
		size_t step = NLMSG_ALIGN(h->nlmsg_len);

		if (!is_other_interface(h)) {
			printf("  type %u flags %x seq %u port %s length %s%u", h->nlmsg_type, h->nlmsg_flags, h->nlmsg_seq, port_text(h->nlmsg_pid),
				h->nlmsg_type == RTM_NEWLINK ? "~" : "", h->nlmsg_type == RTM_NEWLINK ? h->nlmsg_len / 1000 : h->nlmsg_len);
			if (h->nlmsg_type == NLMSG_ERROR)
				show_error_message(h);
			else if (h->nlmsg_type == NLMSG_DONE)
				show_done(h);
			else
				show_body(h);
		}
		over |= h->nlmsg_type == NLMSG_DONE;
		length -= step < length ? step : length;
		h = (const struct nlmsghdr *)((const char *)h + step);
	}
	return over;
}

/* All that is there. */
static void show_all(const char *what, int fd)
{
	ssize_t n;

	printf("%s\n", what);
	while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
		printf(" datagram\n");
		show_messages((size_t)n);
	}
	if (n == 0 || errno != EAGAIN)
		printf(" then %s\n", n ? error_name(errno) : "0");
}

/* ---- requests ---- */

struct request {
	struct nlmsghdr header;
	char rest[400];
};

static unsigned sequence = 100;

static struct request new_request(int type, int flags, const void *body, size_t size)
{
	struct request r = { .header = { .nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = sequence++ } };

	memcpy(r.rest, body, size);
	return r;
}

static void add(struct request *r, int type, const void *data, size_t size)
{
	struct nlattr a = { NLA_HDRLEN + size, type };
	char *at = (char *)r + NLMSG_ALIGN(r->header.nlmsg_len);

	memcpy(at, &a, sizeof a);
	memcpy(at + sizeof a, data, size);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + NLA_ALIGN(a.nla_len);
}

static void add_u32(struct request *r, int type, unsigned value)
{
	add(r, type, &value, sizeof value);
}

static void ask(const char *what, int fd, const struct request *r)
{
	if (send(fd, r, r->header.nlmsg_len, 0) != (ssize_t)r->header.nlmsg_len)
		printf("%s: %s\n", what, error_name(errno));
	else
		show_all(what, fd);
}

static void ask_link(const char *what, int fd, int type, int flags, int index, const char *name)
{
	struct ifinfomsg body = { .ifi_index = index };
	struct request r = new_request(type, flags, &body, sizeof body);

	if (name)
		add(&r, IFLA_IFNAME, name, strlen(name) + 1);
	ask(what, fd, &r);
}

static void dump(const char *what, int fd, int type, int family, size_t size)
{
	char body[64] = { (char)family };
	struct request r = new_request(type, NLM_F_DUMP, body, size);

	ask(what, fd, &r);
}

static void links(void)
{
	int fd = netlink(NETLINK_ROUTE);
	struct ifinfomsg body = { .ifi_index = LO };
	struct request r = new_request(RTM_GETLINK, 0, &body, sizeof body);

	ask_link("link 1", fd, RTM_GETLINK, 0, LO, NULL);
	ask_link("link lo", fd, RTM_GETLINK, NLM_F_ACK, 0, "lo");
	ask_link("link 99", fd, RTM_GETLINK, 0, 99, NULL);
	ask_link("link eth9", fd, RTM_GETLINK, 0, 0, "eth9");
	ask_link("no link", fd, RTM_GETLINK, 0, 0, NULL);
	ask_link("link -1", fd, RTM_GETLINK, 0, -1, NULL);
	add_u32(&r, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	ask("without counters", fd, &r);
}

static void dumps(void)
{
	int fd = netlink(NETLINK_ROUTE);

	dump("links", fd, RTM_GETLINK, AF_UNSPEC, 1);
	dump("links, whole header", fd, RTM_GETLINK, AF_PACKET, sizeof(struct ifinfomsg));
	dump("IPv6 of links", fd, RTM_GETLINK, AF_INET6, sizeof(struct ifinfomsg));
	dump("addresses", fd, RTM_GETADDR, AF_UNSPEC, 1);
	dump("IPv4 addresses", fd, RTM_GETADDR, AF_INET, sizeof(struct ifaddrmsg));
	dump("IPv6 addresses", fd, RTM_GETADDR, AF_INET6, sizeof(struct ifaddrmsg));
	dump("IPv4 rules", fd, RTM_GETRULE, AF_INET, sizeof(struct fib_rule_hdr));
	dump("IPv6 rules", fd, RTM_GETRULE, AF_INET6, sizeof(struct fib_rule_hdr));
	dump("other rules", fd, RTM_GETRULE, AF_UNIX, sizeof(struct fib_rule_hdr));
}

static void routes(void)
{
	int fd = netlink(NETLINK_ROUTE);

	dump("IPv4 routes", fd, RTM_GETROUTE, AF_INET, sizeof(struct rtmsg));
	dump("IPv6 routes", fd, RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg));
	dump("routes", fd, RTM_GETROUTE, AF_UNSPEC, 1);
}

static void ask_way(const char *what, int fd, int family, const void *to, size_t size)
{
	struct rtmsg body = { .rtm_family = family, .rtm_dst_len = size * 8 };
	struct request r = new_request(RTM_GETROUTE, 0, &body, sizeof body);

	if (size)
		add(&r, RTA_DST, to, size);
	ask(what, fd, &r);
}

static void ways(void)
{
	int fd = netlink(NETLINK_ROUTE);

	ask_way("127.0.0.1", fd, AF_INET, "\177\0\0\1", 4);
	ask_way("127.1.2.3", fd, AF_INET, "\177\1\2\3", 4);
	ask_way("192.0.2.1", fd, AF_INET, "\300\0\2\1", 4);
	ask_way("::1", fd, AF_INET6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	ask_way("2001:db8::", fd, AF_INET6, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

/* ---- errors ---- */

static void send_raw(const char *what, int fd, const void *bytes, size_t size)
{
	show(what, send(fd, bytes, size, 0));
	show_all(what, fd);
}

static void errors(void)
{
	int fd = netlink(NETLINK_ROUTE), diag = netlink(NETLINK_SOCK_DIAG), uevent = netlink(NETLINK_KOBJECT_UEVENT);
	struct ifinfomsg body = { .ifi_index = 99 };
	struct request r[3];
	char odd[40] = "";

	send_raw("nothing", fd, "", 0);
	send_raw("short", fd, "abcdefghijklmno", 15);
	r[0] = new_request(RTM_GETLINK, NLM_F_ACK, &body, sizeof body);
	send_raw("cut off", fd, r, r[0].header.nlmsg_len - 1);
	r[0].header.nlmsg_len = 15;
	send_raw("impossible length", fd, r, 32);
	r[0] = new_request(NLMSG_NOOP, NLM_F_ACK, "", 0);
	send_raw("no operation", fd, r, 16);
	r[0] = new_request(RTM_GETLINK, NLM_F_ACK, "", 0);
	send_raw("without a family", fd, r, 16);
	r[0].header.nlmsg_flags = NLM_F_ACK;
	send_raw("no request", fd, r, 16);
	r[0] = new_request(1000, 0, &body, sizeof body);
	send_raw("unknown type", fd, r, r[0].header.nlmsg_len);
	r[0] = new_request(RTM_GETLINK, 0, &body, 3);
	memcpy(odd, r, 19);
	send_raw("odd length", fd, odd, 20);
	r[0] = new_request(RTM_GETADDR, 0, &body, sizeof body);
	send_raw("one address", fd, r, r[0].header.nlmsg_len);
	r[0] = new_request(RTM_GETLINK, 0, &body, sizeof body);
	r[1] = new_request(RTM_GETLINK, NLM_F_ACK, &body, sizeof body);
	memcpy((char *)r + 32, &r[1], 32);
	send_raw("two", fd, r, 64);
	set("header alone", fd, NETLINK_CAP_ACK, 1);
	send_raw("capped", fd, r, 64);
	r[0] = new_request(22, 0, "\02\06", 2);
	send_raw("diag: unknown type", diag, r, 20);
	r[0] = new_request(20, 0, "\02", 1);
	send_raw("diag: short", diag, r, 20);
	r[0] = new_request(20, 0, "\77\0\0\0", 4);
	send_raw("diag: unknown family", diag, r, 20);
	send_raw("to nobody", uevent, "x", 1);
	memset(buffer, 0, sizeof buffer);
	show("bad memory", send(fd, (void *)8, 32, 0));
	show("too long", send(fd, buffer, 500000, 0));
}

static void explained(void)
{
	int fd = netlink(NETLINK_ROUTE);
	struct ifinfomsg link = { .ifi_index = LO, .ifi_type = 3 };
	struct rtmsg route = { .rtm_family = AF_INET, .rtm_table = 99 };
	struct request r;

	set("explain", fd, NETLINK_EXT_ACK, 1);
	set("strict", fd, NETLINK_GET_STRICT_CHK, 1);
	dump("links, short", fd, RTM_GETLINK, AF_UNSPEC, 1);
	r = new_request(RTM_GETLINK, NLM_F_DUMP, &link, sizeof link);
	ask("links, values", fd, &r);
	r = new_request(RTM_GETLINK, 0, &link, sizeof link);
	ask("link, values", fd, &r);
	r = new_request(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof route);
	ask("no table", fd, &r);
	route.rtm_table = RT_TABLE_MAIN;
	r = new_request(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof route);
	ask("main table", fd, &r);
	route.rtm_table = RT_TABLE_LOCAL;
	route.rtm_type = RTN_BROADCAST;
	r = new_request(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof route);
	ask("broadcast", fd, &r);
	route = (struct rtmsg){ .rtm_family = AF_INET6, .rtm_table = RT_TABLE_MAIN };
	r = new_request(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof route);
	ask("IPv6 main table", fd, &r);
	struct ifaddrmsg address = { .ifa_family = AF_INET, .ifa_index = LO };
	r = new_request(RTM_GETADDR, NLM_F_DUMP, &address, sizeof address);
	ask("addresses of lo", fd, &r);
	address.ifa_index = 99;
	r = new_request(RTM_GETADDR, NLM_F_DUMP, &address, sizeof address);
	ask("addresses of 99", fd, &r);
	link.ifi_type = 0;
	r = new_request(RTM_GETLINK, NLM_F_ACK, &link, sizeof link);
	add_u32(&r, IFLA_MTU, 5);
	ask("strange attribute", fd, &r);
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

static void send_to(const char *what, int fd, unsigned port, unsigned groups, const char *text)
{
	struct sockaddr_nl name = name_of(port, groups);

	show(what, sendto(fd, text, strlen(text), MSG_DONTWAIT, (struct sockaddr *)&name, sizeof name));
}

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

/* ---- who may ---- */

static void change(int fd, const char *what, unsigned flags, unsigned mask, unsigned mtu)
{
	struct ifinfomsg body = { .ifi_index = LO, .ifi_flags = flags, .ifi_change = mask };
	struct request r = new_request(RTM_NEWLINK, NLM_F_ACK, &body, sizeof body);

	if (mtu)
		add_u32(&r, IFLA_MTU, mtu);
	ask(what, fd, &r);
}

static void as_user(void)
{
	if (setgid(1000) || setuid(1000))
		printf("setuid: %s\n", error_name(errno));
	int fd = netlink(NETLINK_ROUTE), user = netlink(NETLINK_USERSOCK);
	struct rtmsg route = { .rtm_family = AF_INET };
	struct request r = new_request(RTM_NEWROUTE, NLM_F_ACK, &route, sizeof route);

	show("bind", bind_to(fd, 0, 1));
	change(fd, "up", IFF_UP, IFF_UP, 0);
	change(fd, "down", 0, IFF_UP, 0);
	ask("new route", fd, &r);
	r.header.nlmsg_type = RTM_DELROUTE;
	ask("no route", fd, &r);
	send_to("to a program", fd, 5000, 0, "x");
	send_to("to a group", fd, 0, 1, "x");
	show("connect", connect_to(fd, 5000, 0));
	show("connect to nobody", connect_to(fd, 0, 0));
	show("groups of programs", bind_to(user, 0, 1));
	set("join", user, NETLINK_ADD_MEMBERSHIP, 1);
	send_to("to a program", user, 5000, 0, "x");
	ask_link("link", fd, RTM_GETLINK, NLM_F_ACK, 99, NULL);
}

static void users(void)
{
	int fd = netlink(NETLINK_ROUTE);

	change(fd, "up already", IFF_UP, IFF_UP, 0);
	change(fd, "as large already", 0, 0, 65536);
	ask_link("no such link", fd, RTM_NEWLINK, NLM_F_ACK, 99, NULL);
	ask_link("a link without a kind", fd, RTM_NEWLINK, NLM_F_ACK, 0, NULL);
	in_child(as_user);
}

/* ---- groups, and what libc makes of it ---- */

static void notices(void)
{
	int fd = netlink(NETLINK_ROUTE), uevent = netlink(NETLINK_KOBJECT_UEVENT), asker = netlink(NETLINK_ROUTE);

	show("bind", bind_to(fd, 0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR));
	show("bind", bind_to(uevent, 0, 1));
	show_own("bound", uevent);
	change(asker, "nothing changes", IFF_UP, IFF_UP, 0);
	show("no notice", recv(fd, buffer, sizeof buffer, MSG_DONTWAIT));
	show("no event", recv(uevent, buffer, sizeof buffer, MSG_DONTWAIT));
}

static void interfaces(void)
{
	struct if_nameindex *list = if_nameindex();
	struct ifaddrs *all;

	for (struct if_nameindex *i = list; i && i->if_index; i++)
		if (i->if_index == LO)
			printf("%u %s\n", i->if_index, i->if_name);
	if_freenameindex(list);
	if (show("getifaddrs", getifaddrs(&all)))
		return;
	for (struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (strcmp(a->ifa_name, "lo"))
			continue;
		printf("%s flags %x family %d", a->ifa_name, a->ifa_flags, a->ifa_addr ? a->ifa_addr->sa_family : -1);
		if (a->ifa_addr && a->ifa_addr->sa_family != AF_PACKET) {
			show_bytes((unsigned char *)a->ifa_addr, a->ifa_addr->sa_family == AF_INET ? 16 : 28);
			printf(" ");
			show_bytes((unsigned char *)a->ifa_netmask, a->ifa_addr->sa_family == AF_INET ? 16 : 28);
		}
		printf("\n");
	}
	freeifaddrs(all);
}

static const struct part parts[] = {
	PART(kinds), PART(names), PART(options), PART(links), PART(dumps), PART(routes), PART(ways), PART(errors), PART(explained), PART(parts_of_a_dump),
	PART(overrun), PART(programs), PART(room), PART(users), PART(notices), PART(interfaces),
};

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
