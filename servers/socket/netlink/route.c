/* NETLINK_ROUTE: which request is whose. What there is none of here can be listed (nothing), what cannot be asked is EOPNOTSUPP. */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"

#include <linux/rtnetlink.h>

enum { KIND_NEW, KIND_DELETE, KIND_GET, KIND_SET, KINDS };

typedef long handler(struct netlink_request *request);

static const struct {
	handler *get, *dump, *set;
} rows[RTM_MAX / KINDS + 1] = {
	[RTM_NEWLINK / KINDS] = { netlink_link_get, netlink_link_dump, netlink_link_set },
	[RTM_NEWADDR / KINDS] = { netlink_address_get, netlink_address_dump, NULL },
	[RTM_NEWROUTE / KINDS] = { netlink_route_get, netlink_route_dump, NULL },
	[RTM_NEWNEIGH / KINDS] = { NULL, netlink_nothing_dump, NULL },
	[RTM_NEWRULE / KINDS] = { NULL, netlink_rule_dump, NULL },
	[RTM_NEWMDB / KINDS] = { NULL, netlink_nothing_dump, NULL },
	[RTM_NEWNEXTHOP / KINDS] = { NULL, netlink_nothing_dump, NULL },
};

static netlink_fill *const no_parts[] = { NULL };

long netlink_nothing_dump(struct netlink_request *request)
{
	return netlink_dump_start(request, &(struct netlink_dump){ .part = no_parts });
}

/* RTM_SETLINK is RTM_NEWLINK of a link that there is. */
static handler *handler_of(const struct netlink_request *request)
{
	unsigned type = request->header.nlmsg_type, kind = type % KINDS;

	if (kind == KIND_GET)
		return request->header.nlmsg_flags & NLM_F_DUMP ? rows[type / KINDS].dump : rows[type / KINDS].get;
	return kind == KIND_DELETE ? NULL : rows[type / KINDS].set;
}

long netlink_route_request(struct netlink_request *request)
{
	unsigned type = request->header.nlmsg_type;
	handler *handle;

	if (type > RTM_MAX)
		return -EOPNOTSUPP;
	if (request->length < sizeof(struct rtgenmsg))
		return 0;
	if (type % KINDS != KIND_GET && !request->privileged)
		return -EPERM;
	handle = handler_of(request);
	return handle ? handle(request) : -EOPNOTSUPP;
}
