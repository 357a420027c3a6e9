/* Which kinds of sockets there are. */
#include "lib/errno.h"
#include "servers/socket/inet.h"
#include "servers/socket/netlink/netlink.h"

#define PROTOCOLS 263u /* Linux's IPPROTO_MAX */

static long unix_kind(unsigned *type, unsigned protocol, const struct transport **transport)
{
	if (protocol && protocol != LINUX_AF_UNIX)
		return -EPROTONOSUPPORT;
	if (*type == LINUX_SOCK_RAW) /* as on Linux */
		*type = LINUX_SOCK_DGRAM;
	*transport = &transport_unix;
	return *type == LINUX_SOCK_STREAM || *type == LINUX_SOCK_DGRAM || *type == LINUX_SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

static const struct {
	unsigned type, protocol;
	const struct transport *transport;
} inet_kinds[] = {
	{ LINUX_SOCK_STREAM, INET_IPPROTO_TCP, &transport_tcp },
	{ LINUX_SOCK_DGRAM, INET_IPPROTO_UDP, &transport_udp },
	{ LINUX_SOCK_DGRAM, INET_IPPROTO_UDPLITE, &transport_udp },
};

static long inet_kind_of(unsigned type, unsigned *protocol, const struct transport **transport)
{
	long error = -ESOCKTNOSUPPORT;

	if (*protocol >= PROTOCOLS)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(inet_kinds); i++) {
		if (inet_kinds[i].type != type)
			continue;
		error = -EPROTONOSUPPORT;
		if (*protocol && *protocol != inet_kinds[i].protocol)
			continue;
		*protocol = inet_kinds[i].protocol;
		*transport = inet_kinds[i].transport;
		return 0;
	}
	return error;
}

#define NETLINK_PROTOCOLS 32u

static long netlink_kind(unsigned type, unsigned protocol, const struct transport **transport)
{
	if (type != LINUX_SOCK_RAW && type != LINUX_SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	*transport = &transport_netlink;
	return protocol < NETLINK_PROTOCOLS && netlink_protocol_find(protocol) ? 0 : -EPROTONOSUPPORT;
}

long transport_find(unsigned family, unsigned *type, unsigned *protocol, const struct transport **transport)
{
	switch (family) {
	case LINUX_AF_UNIX: return unix_kind(type, *protocol, transport);
	case LINUX_AF_INET: case LINUX_AF_INET6: return inet_kind_of(*type, protocol, transport);
	case LINUX_AF_NETLINK: return netlink_kind(*type, *protocol, transport);
	default: return -EAFNOSUPPORT;
	}
}
