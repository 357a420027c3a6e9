/* What tests of AF_NETLINK share: requests, and what comes, shown. Other interfaces than lo are not shown, nor what counts or tells time. */
#ifndef TESTS_GUEST_NETLINK_H
#define TESTS_GUEST_NETLINK_H

#include "report.h"

#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define LO 1

static char buffer[65536];

static inline int netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	if (fd < 0)
		printf("socket: %s\n", error_name(errno));
	return fd;
}

#define SOL_NL 270

static inline struct sockaddr_nl name_of(unsigned port, unsigned groups)
{
	return (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups };
}

static inline const char *port_text(unsigned port)
{
	static char text[16];

	if (port == (unsigned)getpid())
		return "own";
	snprintf(text, sizeof text, (int)port < 0 ? "chosen" : "%u", port);
	return text;
}

static inline void show_name(const char *what, const struct sockaddr_nl *name, socklen_t length)
{
	printf("%s: length %u family %d port %s groups %x\n", what, length, name->nl_family, port_text(name->nl_pid), name->nl_groups);
}

static inline void show_own(const char *what, int fd)
{
	struct sockaddr_nl name = { .nl_family = 77 };
	socklen_t length = sizeof name;

	if (getsockname(fd, (struct sockaddr *)&name, &length))
		show(what, -1);
	else
		show_name(what, &name, length);
}

static inline int bind_to(int fd, unsigned port, unsigned groups)
{
	struct sockaddr_nl name = name_of(port, groups);

	return bind(fd, (struct sockaddr *)&name, sizeof name);
}

static inline int connect_to(int fd, unsigned port, unsigned groups)
{
	struct sockaddr_nl name = name_of(port, groups);

	return connect(fd, (struct sockaddr *)&name, sizeof name);
}

static inline void send_to(const char *what, int fd, unsigned port, unsigned groups, const char *text)
{
	struct sockaddr_nl name = name_of(port, groups);

	show(what, sendto(fd, text, strlen(text), MSG_DONTWAIT, (struct sockaddr *)&name, sizeof name));
}

static inline void set(const char *what, int fd, int option, int value)
{
	show(what, setsockopt(fd, SOL_NL, option, &value, sizeof value));
}

/* ---- what comes ---- */

enum { IN_FAMILIES = 1000, IN_FOUR, IN_SIX };

/* What an attribute holds attributes of; 0: none. */
static inline int nested(int message, int attribute)
{
	if (message == RTM_NEWLINK)
		return attribute == IFLA_AF_SPEC ? IN_FAMILIES : attribute == IFLA_PROTINFO ? IN_SIX : 0;
	return message == IN_FAMILIES ? attribute == AF_INET ? IN_FOUR : IN_SIX : 0;
}

static inline int is_hidden(int message, int attribute)
{
	if (message == RTM_NEWLINK)
		return attribute == IFLA_STATS || attribute == IFLA_STATS64;
	if (message == IN_SIX)
		return attribute == IFLA_INET6_STATS || attribute == IFLA_INET6_ICMP6STATS || attribute == IFLA_INET6_CACHEINFO;
	if (message == RTM_NEWADDR)
		return attribute == IFA_CACHEINFO;
	return 0;
}

static inline void show_bytes(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
}

/* When a route was used last (RTA_CACHEINFO's second word) is time. */
static inline void show_value(int message, int attribute, const unsigned char *bytes, size_t size)
{
	if (message != RTM_NEWROUTE || attribute != RTA_CACHEINFO || size < 8) {
		show_bytes(bytes, size);
		return;
	}
	show_bytes(bytes, 4);
	printf(" (used) ");
	show_bytes(bytes + 8, size - 8);
}

static inline void show_attributes(int message, const char *at, size_t left)
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

static inline size_t body_size(int type)
{
	switch (type) {
	case RTM_NEWLINK: return sizeof(struct ifinfomsg);
	case RTM_NEWADDR: return sizeof(struct ifaddrmsg);
	case RTM_NEWROUTE: return sizeof(struct rtmsg);
	case RTM_NEWRULE: return sizeof(struct fib_rule_hdr);
	default: return 0;
	}
}

static inline int is_other_interface(const struct nlmsghdr *h)
{
	if (h->nlmsg_type == RTM_NEWLINK)
		return ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index != LO;
	if (h->nlmsg_type == RTM_NEWADDR)
		return ((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_index != LO;
	return 0;
}

static inline void show_error_message(const struct nlmsghdr *h)
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

static inline void show_done(const struct nlmsghdr *h)
{
	int error = -1;

	memcpy(&error, NLMSG_DATA(h), sizeof error);
	printf(" %s\n", error < 0 ? error_name(-error) : "no error");
	if (h->nlmsg_flags & NLM_F_ACK_TLVS)
		printf("    says: %s\n", (const char *)NLMSG_DATA(h) + 4 + sizeof(struct nlattr));
}

static inline void show_body(const struct nlmsghdr *h)
{
	size_t body = body_size(h->nlmsg_type);

	printf(" ");
	show_bytes(NLMSG_DATA(h), body);
	printf("\n");
	show_attributes(h->nlmsg_type, (const char *)NLMSG_DATA(h) + NLMSG_ALIGN(body), h->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(body));
}

/* One datagram's messages. 1: the dump is over. */
static inline int show_messages(size_t length)
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
static inline void show_all(const char *what, int fd)
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

static inline struct request new_request(int type, int flags, const void *body, size_t size)
{
	struct request r = { .header = { .nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = sequence++ } };

	memcpy(r.rest, body, size);
	return r;
}

static inline void add(struct request *r, int type, const void *data, size_t size)
{
	struct nlattr a = { NLA_HDRLEN + size, type };
	char *at = (char *)r + NLMSG_ALIGN(r->header.nlmsg_len);

	memcpy(at, &a, sizeof a);
	memcpy(at + sizeof a, data, size);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + NLA_ALIGN(a.nla_len);
}

static inline void add_u32(struct request *r, int type, unsigned value)
{
	add(r, type, &value, sizeof value);
}

static inline void ask(const char *what, int fd, const struct request *r)
{
	if (send(fd, r, r->header.nlmsg_len, 0) != (ssize_t)r->header.nlmsg_len)
		printf("%s: %s\n", what, error_name(errno));
	else
		show_all(what, fd);
}

static inline void ask_link(const char *what, int fd, int type, int flags, int index, const char *name)
{
	struct ifinfomsg body = { .ifi_index = index };
	struct request r = new_request(type, flags, &body, sizeof body);

	if (name)
		add(&r, IFLA_IFNAME, name, strlen(name) + 1);
	ask(what, fd, &r);
}

static inline void dump(const char *what, int fd, int type, int family, size_t size)
{
	char body[64] = { (char)family };
	struct request r = new_request(type, NLM_F_DUMP, body, size);

	ask(what, fd, &r);
}

#endif
