/* getsockopt and setsockopt of level SOL_NETLINK. */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"

#define LEVEL_NETLINK 270u

static bool *flag_of(struct netlink *netlink, unsigned name)
{
	switch (name) {
	case NETLINK_PKTINFO: return &netlink->packet_info;
	case NETLINK_BROADCAST_ERROR: return &netlink->broadcast_error;
	case NETLINK_NO_ENOBUFS: return &netlink->no_overrun;
	case NETLINK_CAP_ACK: return &netlink->capped;
	case NETLINK_EXT_ACK: return &netlink->extended;
	case NETLINK_GET_STRICT_CHK: return &netlink->strict;
	default: return NULL;
	}
}

/* A bit for each group, in words; how long it would be in all. */
static long get_groups(struct netlink *netlink, void *value, size_t room)
{
	size_t size = netlink->has_groups ? (netlink_protocol_of(netlink)->groups + 31) / 32 * sizeof(u32) : 0;

	memcpy(value, &netlink->groups, MIN(size, room / sizeof(u32) * sizeof(u32)));
	return (long)size;
}

long netlink_get_option(struct socket *socket, unsigned level, unsigned name, void *value, size_t room)
{
	struct netlink *netlink = netlink_of(socket);
	const bool *flag = flag_of(netlink, name);
	int number = flag && *flag;

	if (level != LEVEL_NETLINK)
		return -ENOPROTOOPT;
	if (name == NETLINK_LIST_MEMBERSHIPS)
		return get_groups(netlink, value, room);
	if (!flag)
		return -ENOPROTOOPT;
	if (room < sizeof(number))
		return -EINVAL;
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

static long set_membership(const struct request *request, struct netlink *netlink, u32 group, bool member)
{
	const struct netlink_protocol *protocol = netlink_protocol_of(netlink);
	u64 bit;

	if (!protocol->anyone_receives && credentials_of(request->principal, true).uid)
		return -EPERM;
	netlink->has_groups = true;
	if (!group || group > protocol->groups)
		return -EINVAL;
	bit = 1ul << (group - 1);
	netlink_set_groups(netlink, member ? netlink->groups | bit : netlink->groups & ~bit);
	return 0;
}

long netlink_set_option(const struct request *request, struct socket *socket, unsigned level, unsigned name, const void *value, size_t size)
{
	struct netlink *netlink = netlink_of(socket);
	bool *flag = flag_of(netlink, name);
	u32 number = 0;

	if (level != LEVEL_NETLINK)
		return -ENOPROTOOPT;
	if (size >= sizeof(number))
		memcpy(&number, value, sizeof(number));
	if (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP)
		return set_membership(request, netlink, number, name == NETLINK_ADD_MEMBERSHIP);
	if (!flag)
		return -ENOPROTOOPT;
	*flag = number != 0;
	if (name == NETLINK_NO_ENOBUFS && number)
		netlink_recovered(netlink);
	return 0;
}
