/* NETLINK_ROUTE: the routes to lo's addresses and the rules that lead to them, as Linux has them when nobody has added any. */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/inet.h"
#include "servers/socket/interface.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#define LOCAL_SIX      0
#define PREF_MEDIUM    0
#define FAMILY_MULTICAST_FOUR 128 /* RTNL_FAMILY_IPMR, IP6MR */
#define FAMILY_MULTICAST_SIX  129
#define IS_LOCAL       0x80000000u

/* ---- routes ---- */

static const struct route {
	u8 family, length, table, scope, type;
	u8 to[16];
	u32 metric;
} routes[] = {
	{ LINUX_AF_INET, 8, RT_TABLE_LOCAL, RT_SCOPE_HOST, RTN_LOCAL, { 127 }, 0 },
	{ LINUX_AF_INET, 32, RT_TABLE_LOCAL, RT_SCOPE_HOST, RTN_LOCAL, { 127, 0, 0, 1 }, 0 },
	{ LINUX_AF_INET, 32, RT_TABLE_LOCAL, RT_SCOPE_LINK, RTN_BROADCAST, { 127, 255, 255, 255 }, 0 },
	{ LINUX_AF_INET6, 128, RT_TABLE_LOCAL, RT_SCOPE_UNIVERSE, RTN_LOCAL, { [15] = 1 }, LOCAL_SIX },
};

static const u8 source[4] = { 127, 0, 0, 1 };

static bool fill_route(struct netlink_writer *w, const struct route *route)
{
	struct rtmsg body = { .rtm_family = route->family, .rtm_dst_len = route->length, .rtm_table = route->table, .rtm_protocol = RTPROT_KERNEL };
	struct rta_cacheinfo cache = { .rta_used = 0 };
	bool six = route->family == LINUX_AF_INET6;

	body.rtm_scope = route->scope;
	body.rtm_type = route->type;
	netlink_begin(w, RTM_NEWROUTE, &body, sizeof(body));
	netlink_put_u32(w, RTA_TABLE, route->table);
	netlink_put(w, RTA_DST, route->to, six ? 16 : 4);
	if (six)
		netlink_put_u32(w, RTA_PRIORITY, route->metric);
	else
		netlink_put(w, RTA_PREFSRC, source, sizeof(source));
	netlink_put_u32(w, RTA_OIF, LO_INDEX);
	if (six) {
		netlink_put(w, RTA_CACHEINFO, &cache, sizeof(cache));
		netlink_put_u8(w, RTA_PREF, PREF_MEDIUM);
	}
	return netlink_end(w);
}

static bool passes(const struct netlink_route_filter *filter, const struct route *route)
{
	return (!filter->table || filter->table == route->table) && (!filter->type || filter->type == route->type)
		&& (!filter->protocol || filter->protocol == RTPROT_KERNEL) && !(filter->flags & RTM_F_CLONED);
}

static long dump_routes(struct netlink *netlink, struct netlink_writer *w, u8 family)
{
	struct netlink_dump *dump = &netlink->dump;

	for (; dump->at < ARRAY_SIZE(routes); dump->at++)
		if (routes[dump->at].family == family && passes(&dump->route, &routes[dump->at]) && !fill_route(w, &routes[dump->at]))
			break;
	return 0;
}

static long dump_four(struct netlink *netlink, struct netlink_writer *w)
{
	return dump_routes(netlink, w, LINUX_AF_INET);
}

static long dump_six(struct netlink *netlink, struct netlink_writer *w)
{
	return dump_routes(netlink, w, LINUX_AF_INET6);
}

static netlink_fill *const routes_four[] = { dump_four, NULL };
static netlink_fill *const routes_six[] = { dump_six, NULL };
static netlink_fill *const routes_both[] = { dump_four, dump_six, NULL };

static long take_route_attribute(struct netlink_request *r, const struct netlink_attribute *a, struct netlink_dump *dump)
{
	if (a->type != RTA_TABLE && a->type != RTA_OIF)
		return netlink_fail(r, -EINVAL, "Unsupported attribute in dump request");
	if (a->size < sizeof(u32))
		return netlink_fail(r, -EINVAL, "Attribute failed policy validation");
	if (a->type == RTA_TABLE)
		dump->route.table = netlink_attribute_u32(a);
	else
		dump->index = netlink_attribute_u32(a);
	return a->type == RTA_OIF && dump->index != LO_INDEX ? -ENODEV : 0;
}

static bool table_is_missing(u8 family, u32 table)
{
	return table && table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL && (family == LINUX_AF_INET || family == LINUX_AF_INET6);
}

static long check_route_dump(struct netlink_request *r, const struct rtmsg *body, struct netlink_dump *dump)
{
	struct netlink_attributes all = netlink_attributes(r, sizeof(*body));
	struct netlink_attribute a;
	long error = 0;

	if (r->length < sizeof(*body))
		return netlink_fail(r, -EINVAL, "Invalid header for FIB dump request");
	if (body->rtm_dst_len || body->rtm_src_len || body->rtm_tos || body->rtm_scope)
		return netlink_fail(r, -EINVAL, "Invalid values in header for FIB dump request");
	if (body->rtm_flags & ~(unsigned)(RTM_F_CLONED | RTM_F_PREFIX))
		return netlink_fail(r, -EINVAL, "Invalid flags for FIB dump request");
	dump->route = (struct netlink_route_filter){ body->rtm_table, body->rtm_flags, body->rtm_protocol, body->rtm_type };
	while (!error && netlink_attribute_next(&all, &a))
		error = take_route_attribute(r, &a, dump);
	if (!error && (dump->route.table || dump->route.flags || dump->route.protocol || dump->route.type || dump->index))
		dump->flags = NLM_F_DUMP_FILTERED;
	if (!error && table_is_missing(body->rtm_family, dump->route.table))
		error = netlink_fail(r, -ENOENT, body->rtm_family == LINUX_AF_INET ? "ipv4: FIB table does not exist" : "ipv6: FIB table does not exist");
	return error;
}

long netlink_route_dump(struct netlink_request *r)
{
	struct rtmsg body = { .rtm_family = 0 };
	struct netlink_dump dump = { .part = routes_both };

	memcpy(&body, r->data, MIN(r->length, sizeof(body)));
	if (body.rtm_family == FAMILY_MULTICAST_FOUR || body.rtm_family == FAMILY_MULTICAST_SIX)
		return netlink_nothing_dump(r);
	if (body.rtm_family == LINUX_AF_INET)
		dump.part = routes_four;
	if (body.rtm_family == LINUX_AF_INET6)
		dump.part = routes_six;
	if (r->from->strict)
		dump.error = check_route_dump(r, &body, &dump);
	else if (r->length >= sizeof(body))
		dump.route.flags = body.rtm_flags & RTM_F_CLONED;
	dump.text = r->text;
	return netlink_dump_start(r, &dump);
}

/* ---- the way to one address ---- */

struct way {
	struct inet_name to, from;
	bool has_to, has_from;
	u32 out;
};

static bool take_ip(struct inet_name *name, const struct netlink_attribute *a, bool six)
{
	inet_set_any(name, six);
	if (a->size < (six ? 16 : 4))
		return false;
	memcpy(six ? name->ip : name->ip + 12, a->data, six ? 16 : 4);
	return true;
}

static long take_way(struct netlink_request *r, bool six, struct way *way)
{
	struct netlink_attributes all = netlink_attributes(r, sizeof(struct rtmsg));
	struct netlink_attribute a;

	*way = (struct way){ .out = 0 };
	inet_set_any(&way->to, six);
	inet_set_any(&way->from, six);
	while (netlink_attribute_next(&all, &a)) {
		if (a.type == RTA_DST)
			way->has_to = take_ip(&way->to, &a, six);
		if (a.type == RTA_SRC)
			way->has_from = take_ip(&way->from, &a, six);
		if ((a.type == RTA_DST && !way->has_to) || (a.type == RTA_SRC && !way->has_from))
			return -EINVAL;
		if (a.type == RTA_OIF)
			way->out = netlink_attribute_u32(&a);
	}
	if (way->out && way->out != LO_INDEX)
		return -ENODEV;
	if (inet_is_any(way->to.ip))
		inet_set_loopback(&way->to, six);
	if (way->has_from && inet_kind(way->from.ip) != INET_LOCAL)
		return -EINVAL;
	return inet_kind(way->to.ip) == INET_LOCAL ? 0 : -ENETUNREACH;
}

/* How many use it: who asks, too. */
#define WAY_USERS 2

static void fill_way_four(struct netlink_writer *w, const struct way *way, u32 uid)
{
	struct rtmsg body = { .rtm_family = LINUX_AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_LOCAL };
	struct rta_cacheinfo cache = { .rta_clntref = WAY_USERS };

	body.rtm_flags = RTM_F_CLONED | IS_LOCAL;
	body.rtm_src_len = way->has_from ? 32 : 0;
	netlink_begin(w, RTM_NEWROUTE, &body, sizeof(body));
	netlink_put_u32(w, RTA_TABLE, RT_TABLE_MAIN);
	netlink_put(w, RTA_DST, way->to.ip + 12, 4);
	if (way->has_from)
		netlink_put(w, RTA_SRC, way->from.ip + 12, 4);
	netlink_put_u32(w, RTA_OIF, LO_INDEX);
	if (!way->has_from)
		netlink_put(w, RTA_PREFSRC, source, sizeof(source));
	netlink_put_u32(w, RTA_UID, uid);
	netlink_put(w, RTA_CACHEINFO, &cache, sizeof(cache));
	netlink_end(w);
}

static void fill_way_six(struct netlink_writer *w, const struct way *way)
{
	struct rtmsg body = { .rtm_family = LINUX_AF_INET6, .rtm_dst_len = 128, .rtm_src_len = 128, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_KERNEL };
	struct rta_cacheinfo cache = { .rta_clntref = WAY_USERS };

	body.rtm_type = RTN_LOCAL;
	netlink_begin(w, RTM_NEWROUTE, &body, sizeof(body));
	netlink_put_u32(w, RTA_TABLE, RT_TABLE_LOCAL);
	netlink_put(w, RTA_DST, way->to.ip, 16);
	netlink_put(w, RTA_SRC, way->from.ip, 16);
	netlink_put(w, RTA_PREFSRC, way->to.ip, 16);
	netlink_put_u32(w, RTA_PRIORITY, LOCAL_SIX);
	netlink_put_u32(w, RTA_OIF, LO_INDEX);
	netlink_put(w, RTA_CACHEINFO, &cache, sizeof(cache));
	netlink_put_u8(w, RTA_PREF, PREF_MEDIUM);
	netlink_end(w);
}

long netlink_route_get(struct netlink_request *r)
{
	struct netlink_writer w = netlink_answer(r);
	bool six = r->data[0] == LINUX_AF_INET6;
	struct way way;
	long error;

	if (!six && r->data[0] != LINUX_AF_INET)
		return -EOPNOTSUPP;
	if (r->length < sizeof(struct rtmsg))
		return netlink_fail(r, -EINVAL, six ? "Invalid header for get route request" : "ipv4: Invalid header for route get request");
	error = take_way(r, six, &way);
	if (error)
		return error;
	if (six)
		fill_way_six(&w, &way);
	else
		fill_way_four(&w, &way, r->from->socket->uid);
	return netlink_send_answer(r, &w);
}

/* ---- rules ---- */

static const struct rule {
	u8 family, table;
	u32 priority;
} rules[] = {
	{ LINUX_AF_INET, RT_TABLE_LOCAL, 0 },
	{ LINUX_AF_INET, RT_TABLE_MAIN, 0x7ffe },
	{ LINUX_AF_INET, RT_TABLE_DEFAULT, 0x7fff },
	{ LINUX_AF_INET6, RT_TABLE_LOCAL, 0 },
	{ LINUX_AF_INET6, RT_TABLE_MAIN, 0x7ffe },
};

static bool fill_rule(struct netlink_writer *w, const struct rule *rule)
{
	struct fib_rule_hdr body = { .family = rule->family, .table = rule->table, .action = FR_ACT_TO_TBL };

	netlink_begin(w, RTM_NEWRULE, &body, sizeof(body));
	netlink_put_u32(w, FRA_TABLE, rule->table);
	netlink_put_u32(w, FRA_SUPPRESS_PREFIXLEN, ~0u);
	netlink_put_u8(w, FRA_PROTOCOL, RTPROT_KERNEL);
	if (rule->priority)
		netlink_put_u32(w, FRA_PRIORITY, rule->priority);
	return netlink_end(w);
}

/* The family is kept as the route filter's type. */
static long dump_rules(struct netlink *netlink, struct netlink_writer *w)
{
	struct netlink_dump *dump = &netlink->dump;
	u8 family = dump->route.type;

	for (; dump->at < ARRAY_SIZE(rules); dump->at++)
		if ((!family || rules[dump->at].family == family) && !fill_rule(w, &rules[dump->at]))
			break;
	return 0;
}

static netlink_fill *const rule_parts[] = { dump_rules, NULL };

long netlink_rule_dump(struct netlink_request *r)
{
	struct netlink_dump dump = { .part = rule_parts, .route.type = r->data[0] };

	if (dump.route.type && dump.route.type != LINUX_AF_INET && dump.route.type != LINUX_AF_INET6)
		dump.error = -EAFNOSUPPORT;
	return netlink_dump_start(r, &dump);
}
