/*
 * What NETLINK_ROUTE says of the interface lo, its addresses and routes, to whom, and of requests that are none.
 */
#include "netlink.h"

#include <ifaddrs.h>
#include <net/if.h>

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
	PART(links), PART(dumps), PART(routes), PART(ways), PART(errors), PART(explained), PART(users), PART(notices), PART(interfaces),
};

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
