/* NETLINK_ROUTE: the interface. Its settings are those that Linux's has when nobody has changed them; there are no counters. */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/interface.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#define LOWER_UP   0x10000u
#define HARDWARE_LENGTH 6
#define TSO_MOST   524280u
#define GSO_MOST   65536u
#define GSO_SEGMENTS 65535u
#define FAMILY_BRIDGE 7

static const u8 no_hardware[HARDWARE_LENGTH];

/* ---- what is told of it ---- */

static void put_numbers(struct netlink_writer *w)
{
	netlink_put_u32(w, IFLA_TXQLEN, LO_QUEUE);
	netlink_put_u8(w, IFLA_OPERSTATE, 0);
	netlink_put_u8(w, IFLA_LINKMODE, 0);
	netlink_put_u32(w, IFLA_MTU, LO_MTU);
	netlink_put_u32(w, IFLA_MIN_MTU, 0);
	netlink_put_u32(w, IFLA_MAX_MTU, 0);
	netlink_put_u32(w, IFLA_GROUP, 0);
	netlink_put_u32(w, IFLA_PROMISCUITY, 0);
	netlink_put_u32(w, IFLA_ALLMULTI, 0);
	netlink_put_u32(w, IFLA_NUM_TX_QUEUES, 1);
	netlink_put_u32(w, IFLA_GSO_MAX_SEGS, GSO_SEGMENTS);
	netlink_put_u32(w, IFLA_GSO_MAX_SIZE, GSO_MOST);
	netlink_put_u32(w, IFLA_GRO_MAX_SIZE, GSO_MOST);
	netlink_put_u32(w, IFLA_TSO_MAX_SIZE, TSO_MOST);
	netlink_put_u32(w, IFLA_TSO_MAX_SEGS, GSO_SEGMENTS);
	netlink_put_u32(w, IFLA_NUM_RX_QUEUES, 1);
	netlink_put_u8(w, IFLA_CARRIER, 1);
}

static void put_state(struct netlink_writer *w)
{
	static const struct rtnl_link_ifmap map; /* its padding is told, too: static, so that it is 0 */

	netlink_put_text(w, IFLA_QDISC, "noqueue");
	netlink_put_u32(w, IFLA_CARRIER_CHANGES, 0);
	netlink_put_u32(w, IFLA_CARRIER_UP_COUNT, 0);
	netlink_put_u32(w, IFLA_CARRIER_DOWN_COUNT, 0);
	netlink_put_u8(w, IFLA_PROTO_DOWN, 0);
	netlink_put(w, IFLA_MAP, &map, sizeof(map));
	netlink_put(w, IFLA_ADDRESS, no_hardware, sizeof(no_hardware));
	netlink_put(w, IFLA_BROADCAST, no_hardware, sizeof(no_hardware));
}

static void put_counters(struct netlink_writer *w)
{
	struct rtnl_link_stats64 wide = { .rx_packets = 0 };
	struct rtnl_link_stats narrow = { .rx_packets = 0 };

	netlink_put(w, IFLA_STATS64, &wide, sizeof(wide));
	netlink_put(w, IFLA_STATS, &narrow, sizeof(narrow));
}

static void put_express_path(struct netlink_writer *w)
{
	size_t nest = netlink_nest(w, IFLA_XDP);

	netlink_put_u8(w, IFLA_XDP_ATTACHED, 0);
	netlink_nest_end(w, nest);
}

static bool fill_link(struct netlink_writer *w, u32 extensions)
{
	struct ifinfomsg body = { .ifi_type = LO_HARDWARE, .ifi_index = LO_INDEX, .ifi_flags = LO_FLAGS | LOWER_UP };

	netlink_begin(w, RTM_NEWLINK, &body, sizeof(body));
	netlink_put_text(w, IFLA_IFNAME, LO_NAME);
	put_numbers(w);
	put_state(w);
	put_counters(w);
	put_express_path(w);
	netlink_put_families(w, !(extensions & RTEXT_FILTER_SKIP_STATS));
	return netlink_end(w);
}

/* What IPv6 tells of the interface. */
static bool fill_six(struct netlink_writer *w)
{
	struct ifinfomsg body = { .ifi_family = LINUX_AF_INET6, .ifi_type = LO_HARDWARE, .ifi_index = LO_INDEX, .ifi_flags = LO_FLAGS | LOWER_UP };
	size_t nest;

	netlink_begin(w, RTM_NEWLINK, &body, sizeof(body));
	netlink_put_text(w, IFLA_IFNAME, LO_NAME);
	netlink_put(w, IFLA_ADDRESS, no_hardware, sizeof(no_hardware));
	netlink_put_u32(w, IFLA_MTU, LO_MTU);
	netlink_put_u8(w, IFLA_OPERSTATE, 0);
	nest = netlink_nest(w, IFLA_PROTINFO);
	netlink_put_six(w, true);
	netlink_nest_end(w, nest);
	return netlink_end(w);
}

/* ---- requests ---- */

static bool names_lo(const struct netlink_attribute *a)
{
	return a->size >= 2 && !memcmp(a->data, LO_NAME, 2) && (a->size == 2 || !a->data[2]);
}

/* What a request says of links, by attributes that are understood. */
struct wanted {
	bool named, lo, master;
	u32 extensions;
};

static bool is_understood(const struct netlink_attribute *a, bool dump)
{
	if (a->type == IFLA_EXT_MASK)
		return true;
	if (dump)
		return a->type == IFLA_MASTER || a->type == IFLA_LINKINFO;
	return a->type == IFLA_IFNAME || a->type == IFLA_ALT_IFNAME;
}

static long take_attribute(struct netlink_request *r, const struct netlink_attribute *a, struct wanted *wanted)
{
	bool number = a->type == IFLA_EXT_MASK || a->type == IFLA_MASTER;

	r->offset = a->offset;
	if (number && a->size < sizeof(u32))
		return netlink_fail(r, -EINVAL, "Attribute failed policy validation");
	if (a->type == IFLA_EXT_MASK)
		wanted->extensions = netlink_attribute_u32(a);
	else if (a->type == IFLA_MASTER)
		wanted->master = netlink_attribute_u32(a) != 0;
	else if (a->type == IFLA_IFNAME || a->type == IFLA_ALT_IFNAME) {
		wanted->named = true;
		wanted->lo = names_lo(a);
	}
	r->offset = 0;
	return 0;
}

static long take_attributes(struct netlink_request *r, size_t skip, bool dump, struct wanted *wanted)
{
	struct netlink_attributes all = netlink_attributes(r, skip);
	struct netlink_attribute a;
	long error = 0;

	*wanted = (struct wanted){ .named = false };
	while (!error && netlink_attribute_next(&all, &a)) {
		if (r->from->strict && !is_understood(&a, dump))
			return netlink_fail(r, -EINVAL, dump ? "Unsupported attribute in link dump request" : "Unsupported attribute in get link request");
		error = take_attribute(r, &a, wanted);
	}
	return error;
}

static struct ifinfomsg take_body(const struct netlink_request *r)
{
	struct ifinfomsg body = { .ifi_family = 0 };

	memcpy(&body, r->data, MIN(r->length, sizeof(body)));
	return body;
}

static bool has_values(const struct ifinfomsg *body)
{
	return body->__ifi_pad || body->ifi_type || body->ifi_flags || body->ifi_change;
}

/* Which one: 0, -ENODEV, -EINVAL. */
static long find(const struct ifinfomsg *body, const struct wanted *wanted)
{
	if (body->ifi_index > 0)
		return body->ifi_index == LO_INDEX ? 0 : -ENODEV;
	if (!wanted->named)
		return -EINVAL;
	return wanted->lo ? 0 : -ENODEV;
}

long netlink_link_get(struct netlink_request *r)
{
	struct ifinfomsg body = take_body(r);
	struct netlink_writer w = netlink_answer(r);
	struct wanted wanted;
	long error;

	if (r->length < sizeof(body))
		return r->from->strict ? netlink_fail(r, -EINVAL, "Invalid header for get link") : -EINVAL;
	if (r->from->strict && has_values(&body))
		return netlink_fail(r, -EINVAL, "Invalid values in header for get link request");
	error = take_attributes(r, sizeof(body), false, &wanted);
	if (!error)
		error = find(&body, &wanted);
	if (error)
		return error;
	fill_link(&w, wanted.extensions);
	return netlink_send_answer(r, &w);
}

static long dump_link(struct netlink *netlink, struct netlink_writer *w)
{
	if (!netlink->dump.at && fill_link(w, netlink->dump.extensions))
		netlink->dump.at = 1;
	return 0;
}

static long dump_six(struct netlink *netlink, struct netlink_writer *w)
{
	if (!netlink->dump.at && fill_six(w))
		netlink->dump.at = 1;
	return 0;
}

static netlink_fill *const link_parts[] = { dump_link, NULL };
static netlink_fill *const six_parts[] = { dump_six, NULL };
static netlink_fill *const no_parts[] = { NULL };

static long check_dump(struct netlink_request *r, const struct ifinfomsg *body, struct wanted *wanted)
{
	size_t skip = r->length < sizeof(*body) ? sizeof(struct rtgenmsg) : sizeof(*body);
	long error;

	if (r->from->strict && r->length < sizeof(*body))
		return netlink_fail(r, -EINVAL, "Invalid header for link dump");
	if (r->from->strict && has_values(body))
		return netlink_fail(r, -EINVAL, "Invalid values in header for link dump request");
	if (r->from->strict && body->ifi_index)
		return netlink_fail(r, -EINVAL, "Filter by device index not supported for link dumps");
	error = take_attributes(r, skip, true, wanted);
	if (!error || r->from->strict)
		return error;
	/* Then Linux shows all. */
	r->text = NULL;
	*wanted = (struct wanted){ .named = false };
	return 0;
}

long netlink_link_dump(struct netlink_request *r)
{
	struct ifinfomsg body = take_body(r);
	struct netlink_dump dump = { .part = link_parts };
	struct wanted wanted = { .named = false };

	if (body.ifi_family == LINUX_AF_INET6)
		return netlink_dump_start(r, &(struct netlink_dump){ .part = six_parts });
	if (body.ifi_family == FAMILY_BRIDGE)
		return netlink_dump_start(r, &(struct netlink_dump){ .part = no_parts });
	dump.error = check_dump(r, &body, &wanted);
	dump.text = r->text;
	dump.extensions = wanted.extensions;
	/* There is none with a master. */
	if (!dump.error && wanted.master) {
		dump.part = no_parts;
		dump.flags = NLM_F_DUMP_FILTERED;
	}
	return netlink_dump_start(r, &dump);
}

/* ---- changes: as by ioctl, nobody changes it (interface.c); to set what is set already is no change ---- */

static bool changes(const struct ifinfomsg *body)
{
	u32 wanted = body->ifi_flags;

	if (body->ifi_change)
		wanted = (wanted & body->ifi_change) | (LO_FLAGS & ~body->ifi_change);
	return (body->ifi_flags || body->ifi_change) && (wanted ^ LO_FLAGS) & LO_CHANGEABLE;
}

static long check_setting(const struct netlink_attribute *a)
{
	if (a->type == IFLA_IFNAME || a->type == IFLA_EXT_MASK)
		return 0;
	if (a->type == IFLA_MTU)
		return a->size >= sizeof(u32) && netlink_attribute_u32(a) == LO_MTU ? 0 : -EPERM;
	if (a->type == IFLA_TXQLEN)
		return a->size >= sizeof(u32) && netlink_attribute_u32(a) == LO_QUEUE ? 0 : -EPERM;
	return -EOPNOTSUPP;
}

long netlink_link_set(struct netlink_request *r)
{
	struct netlink_attributes all = netlink_attributes(r, sizeof(struct ifinfomsg));
	struct ifinfomsg body = take_body(r);
	struct netlink_attribute a;
	struct wanted wanted = { .named = false };
	long error = 0;

	if (r->length < sizeof(body))
		return -EINVAL;
	while (!error && netlink_attribute_next(&all, &a))
		error = take_attribute(r, &a, &wanted);
	if (!error && find(&body, &wanted))
		error = -ENODEV;
	if (error == -ENODEV && r->header.nlmsg_flags & NLM_F_CREATE)
		error = netlink_fail(r, -EOPNOTSUPP, "Unknown device type");
	if (!error && r->header.nlmsg_flags & NLM_F_EXCL)
		error = -EEXIST;
	if (!error && changes(&body))
		error = -EPERM;
	all = netlink_attributes(r, sizeof(body));
	while (!error && netlink_attribute_next(&all, &a))
		error = check_setting(&a);
	return error;
}
