/* NETLINK_ROUTE: the interface's addresses, 127.0.0.1/8 and ::1/128. */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/interface.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#define FOREVER 0xffffffffu

static const u8 four[4] = { 127, 0, 0, 1 };
static const u8 six[16] = { [15] = 1 };

static bool fill_four(struct netlink_writer *w)
{
	struct ifaddrmsg body = { LINUX_AF_INET, 8, IFA_F_PERMANENT, RT_SCOPE_HOST, LO_INDEX };
	struct ifa_cacheinfo times = { .ifa_prefered = FOREVER, .ifa_valid = FOREVER };

	netlink_begin(w, RTM_NEWADDR, &body, sizeof(body));
	netlink_put(w, IFA_ADDRESS, four, sizeof(four));
	netlink_put(w, IFA_LOCAL, four, sizeof(four));
	netlink_put_text(w, IFA_LABEL, LO_NAME);
	netlink_put_u32(w, IFA_FLAGS, IFA_F_PERMANENT);
	netlink_put(w, IFA_CACHEINFO, &times, sizeof(times));
	return netlink_end(w);
}

static bool fill_six(struct netlink_writer *w)
{
	struct ifaddrmsg body = { LINUX_AF_INET6, 128, IFA_F_PERMANENT, RT_SCOPE_HOST, LO_INDEX };
	struct ifa_cacheinfo times = { .ifa_prefered = FOREVER, .ifa_valid = FOREVER };

	netlink_begin(w, RTM_NEWADDR, &body, sizeof(body));
	netlink_put(w, IFA_ADDRESS, six, sizeof(six));
	netlink_put(w, IFA_CACHEINFO, &times, sizeof(times));
	netlink_put_u32(w, IFA_FLAGS, IFA_F_PERMANENT);
	netlink_put_u8(w, IFA_PROTO, IFAPROT_KERNEL_LO);
	return netlink_end(w);
}

/* ---- one: only IPv6 can be asked for it ---- */

long netlink_address_get(struct netlink_request *r)
{
	struct netlink_attributes all = netlink_attributes(r, sizeof(struct ifaddrmsg));
	struct netlink_writer w = netlink_answer(r);
	struct netlink_attribute a;
	const u8 *wanted = NULL;
	struct ifaddrmsg body;

	if (r->data[0] != LINUX_AF_INET6)
		return -EOPNOTSUPP;
	if (r->length < sizeof(body))
		return -EINVAL;
	memcpy(&body, r->data, sizeof(body));
	while (netlink_attribute_next(&all, &a)) {
		if (a.type != IFA_ADDRESS && a.type != IFA_LOCAL)
			continue;
		if (a.size != sizeof(six))
			return -EINVAL;
		wanted = a.data;
	}
	if (!wanted)
		return -EINVAL;
	if (memcmp(wanted, six, sizeof(six)) || (body.ifa_index && body.ifa_index != LO_INDEX))
		return -EADDRNOTAVAIL;
	fill_six(&w);
	return netlink_send_answer(r, &w);
}

/* ---- all ---- */

static long dump_four(struct netlink *netlink, struct netlink_writer *w)
{
	if (!netlink->dump.at && fill_four(w))
		netlink->dump.at = 1;
	return 0;
}

static long dump_six(struct netlink *netlink, struct netlink_writer *w)
{
	if (!netlink->dump.at && fill_six(w))
		netlink->dump.at = 1;
	return 0;
}

static netlink_fill *const parts_four[] = { dump_four, NULL };
static netlink_fill *const parts_six[] = { dump_six, NULL };
static netlink_fill *const parts_both[] = { dump_four, dump_six, NULL };

static long check(struct netlink_request *r, struct netlink_dump *dump)
{
	struct netlink_attributes all = netlink_attributes(r, sizeof(struct ifaddrmsg));
	struct netlink_attribute a;
	struct ifaddrmsg body;

	if (!r->from->strict)
		return 0;
	if (r->length < sizeof(body))
		return netlink_fail(r, -EINVAL, "ipv4: Invalid header for address dump request");
	memcpy(&body, r->data, sizeof(body));
	if (body.ifa_prefixlen || body.ifa_flags || body.ifa_scope)
		return netlink_fail(r, -EINVAL, "ipv4: Invalid values in header for address dump request");
	if (netlink_attribute_next(&all, &a))
		return netlink_fail(r, -EINVAL, "ipv4: Unsupported attribute in dump request");
	dump->index = body.ifa_index;
	if (body.ifa_index)
		dump->flags = NLM_F_DUMP_FILTERED;
	return body.ifa_index && body.ifa_index != LO_INDEX ? -ENODEV : 0;
}

long netlink_address_dump(struct netlink_request *r)
{
	u8 family = r->data[0];
	struct netlink_dump dump = { .part = family == LINUX_AF_INET ? parts_four : family == LINUX_AF_INET6 ? parts_six : parts_both };

	dump.error = check(r, &dump);
	dump.text = r->text;
	return netlink_dump_start(r, &dump);
}
