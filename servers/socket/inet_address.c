/* Addresses of the Internet families: which are local, and how programs give and get them. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/inet.h"

#define FOUR_LENGTH 16u
#define SIX_LENGTH  28u
#define SIX_LENGTH_MIN 24u /* without a scope: Linux's SIN6_LEN_RFC2133 */

static const u8 mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };
static const u8 six_any[16] = { 0 };
static const u8 six_loopback[16] = { [15] = 1 };

struct sockaddr_four {
	u16 family;
	u8 port[2], ip[4], zero[8];
};
_Static_assert(sizeof(struct sockaddr_four) == FOUR_LENGTH, "sockaddr_in");

struct sockaddr_six {
	u16 family;
	u8 port[2], flow[4], ip[16];
	u32 scope;
};
_Static_assert(sizeof(struct sockaddr_six) == SIX_LENGTH, "sockaddr_in6");

bool inet_is_mapped(const u8 ip[16])
{
	return !memcmp(ip, mapped_prefix, sizeof(mapped_prefix));
}

bool inet_is_any(const u8 ip[16])
{
	return !memcmp(ip, six_any, 16) || (inet_is_mapped(ip) && !memcmp(ip + 12, six_any, 4));
}

/* All of 127.0.0.0/8 is this machine's; its last address is the broadcast one. */
static enum inet_kind kind_of_four(const u8 ip[4])
{
	if (!ip[0] && !ip[1] && !ip[2] && !ip[3])
		return INET_ANY;
	if ((ip[0] == 127 || ip[0] == 255) && ip[1] == 255 && ip[2] == 255 && ip[3] == 255)
		return INET_BROADCAST;
	if (ip[0] == 127)
		return INET_LOCAL;
	return ip[0] >= 224 && ip[0] < 240 ? INET_MULTICAST : INET_FOREIGN;
}

enum inet_kind inet_kind(const u8 ip[16])
{
	if (inet_is_mapped(ip))
		return kind_of_four(ip + 12);
	if (!memcmp(ip, six_any, 16))
		return INET_ANY;
	if (!memcmp(ip, six_loopback, 16))
		return INET_LOCAL;
	return ip[0] == 0xff ? INET_MULTICAST : INET_FOREIGN;
}

bool inet_same(const struct inet_name *one, const struct inet_name *two)
{
	return one->port == two->port && !memcmp(one->ip, two->ip, 16);
}

void inet_set_any(struct inet_name *name, bool six)
{
	memset(name->ip, 0, 16);
	if (!six)
		memcpy(name->ip, mapped_prefix, sizeof(mapped_prefix));
	name->flow = name->scope = 0;
}

void inet_set_loopback(struct inet_name *name, bool six)
{
	inet_set_any(name, six);
	name->ip[15] = 1;
	if (!six)
		name->ip[12] = 127;
}

static u16 port_of(const u8 bytes[2])
{
	return (u16)(bytes[0] << 8 | bytes[1]);
}

static long take_four(const u8 *bytes, size_t length, struct inet_name *name)
{
	struct sockaddr_four four;

	if (length < FOUR_LENGTH)
		return -EINVAL;
	memcpy(&four, bytes, sizeof(four));
	inet_set_any(name, false);
	memcpy(name->ip + 12, four.ip, 4);
	name->port = port_of(four.port);
	return four.family == LINUX_AF_INET ? 0 : -EAFNOSUPPORT;
}

static long take_six(const u8 *bytes, size_t length, struct inet_name *name)
{
	struct sockaddr_six six = { 0 };

	if (length < SIX_LENGTH_MIN)
		return -EINVAL;
	memcpy(&six, bytes, MIN(length, sizeof(six)));
	memcpy(name->ip, six.ip, 16);
	name->port = port_of(six.port);
	name->flow = (u32)six.flow[0] << 24 | (u32)six.flow[1] << 16 | (u32)six.flow[2] << 8 | six.flow[3];
	name->scope = six.scope;
	return six.family == LINUX_AF_INET6 ? 0 : -EAFNOSUPPORT;
}

/* An IPv4 name for an IPv6 socket that may use it: datagrams can be sent to both. */
static bool is_four_for_six(const struct socket *socket, const u8 *bytes, size_t length)
{
	return inet_is_six(socket) && socket_is_datagram(socket) && length >= sizeof(u16) && bytes[0] == LINUX_AF_INET && !bytes[1];
}

long inet_take_destination(const struct socket *socket, const u8 *bytes, size_t length, struct inet_name *name)
{
	*name = (struct inet_name){ .port = 0 };
	return is_four_for_six(socket, bytes, length) ? take_four(bytes, length, name) : inet_take(socket, bytes, length, name);
}

long inet_take(const struct socket *socket, const u8 *bytes, size_t length, struct inet_name *name)
{
	*name = (struct inet_name){ .port = 0 };
	return inet_is_six(socket) ? take_six(bytes, length, name) : take_four(bytes, length, name);
}

size_t inet_give(const struct socket *socket, const struct inet_name *name, u8 *to)
{
	u8 port[2] = { (u8)(name->port >> 8), (u8)name->port };

	if (!inet_is_six(socket)) {
		struct sockaddr_four four = { .family = LINUX_AF_INET, .port = { port[0], port[1] } };

		memcpy(four.ip, name->ip + 12, 4);
		memcpy(to, &four, sizeof(four));
		return sizeof(four);
	}
	struct sockaddr_six six = { .family = LINUX_AF_INET6, .port = { port[0], port[1] }, .scope = name->scope };

	six.flow[0] = (u8)(name->flow >> 24);
	six.flow[1] = (u8)(name->flow >> 16);
	six.flow[2] = (u8)(name->flow >> 8);
	six.flow[3] = (u8)name->flow;
	memcpy(six.ip, name->ip, 16);
	memcpy(to, &six, sizeof(six));
	return sizeof(six);
}

/* Addresses that mean something only with an interface; the one here has none of them. */
static bool needs_scope(const u8 ip[16])
{
	bool link = ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80, group = ip[0] == 0xff && ((ip[1] & 0xf) == 1 || (ip[1] & 0xf) == 2);

	return link || group;
}

/* Linux lets bind have AF_UNSPEC, if the address is 0.0.0.0. */
long inet_take_own(const struct socket *socket, const u8 *bytes, size_t length, struct inet_name *name)
{
	long error = inet_take(socket, bytes, length, name);
	enum inet_kind kind = inet_kind(name->ip);

	if (error == -EAFNOSUPPORT && !inet_is_six(socket) && address_is_unspecified(bytes, length) && kind == INET_ANY)
		error = 0;
	if (!error && kind == INET_MULTICAST && inet_is_six(socket) && socket_is_stream(socket))
		error = -EINVAL;
	if (!error && needs_scope(name->ip) && !name->scope)
		error = -EINVAL;
	if (error)
		return error;
	name->scope = name->flow = 0;
	if (inet_is_mapped(name->ip) && inet_is_six(socket) && inet_of(socket)->values[VALUE_V6ONLY])
		return -EINVAL;
	return kind == INET_FOREIGN && !inet_of(socket)->values[VALUE_FREEBIND] ? -EADDRNOTAVAIL : 0;
}

long inet_route(const struct socket *socket, struct inet_name *to)
{
	const u8 *own = inet_of(socket)->local.ip;
	bool six = !inet_is_mapped(to->ip), stream_group = socket_is_stream(socket) && inet_kind(to->ip) == INET_MULTICAST;

	if (!six && inet_is_six(socket) && inet_of(socket)->values[VALUE_V6ONLY])
		return -ENETUNREACH;
	if (needs_scope(to->ip) && !to->scope && !stream_group)
		return -EINVAL;
	to->scope = to->flow = 0;
	if (inet_is_any(to->ip))
		inet_set_loopback(to, six && !(inet_is_mapped(own)));
	if (inet_kind(to->ip) != INET_LOCAL)
		return -ENETUNREACH;
	if (inet_is_any(own) || inet_is_mapped(own) == inet_is_mapped(to->ip))
		return 0;
	return inet_is_mapped(own) ? -EAFNOSUPPORT : -EINVAL;
}
