/* getsockopt and setsockopt of the levels IP, IPv6 and TCP. What has no effect on a connection within this machine is kept for who asks for it. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/inet.h"

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>

#define LEVEL_IP   0u
#define LEVEL_IPV6 41u
#define LEVEL_TCP  6u
#define LEVEL_LITE 136u

/* UDP-Lite's options: how much of a datagram its checksum covers. The header is the least; 0: all. */
#define SEND_COVERAGE    10
#define RECEIVE_COVERAGE 11
#define COVERAGE_LEAST   8
#define COVERAGE_MOST    65535

#define MSS_DEFAULT  536    /* before there is a connection */
#define MSS_LOOPBACK 65483  /* 65,535 without the headers of IPv4 and TCP, and TCP's timestamps */
#define MSS_SIX      65464  /* of IPv6 */
#define MTU_LOOPBACK 65535
#define CONGESTION_NAME_MAX 16

#define FLAG     1 /* 0 or 1, whatever is given */
#define FALLBACK 2 /* -1 sets what it is at first */
#define STREAM   4 /* of TCP sockets alone */
#define DATAGRAM 8 /* of those of datagrams alone */
#define COVERAGE 16

static const struct row {
	u8 level, name, value, flags;
	int first, least, most;
} rows[] = {
	{ LEVEL_IP, IP_TOS, VALUE_TOS, 0, 0, 0, 255 },
	{ LEVEL_IP, IP_TTL, VALUE_TTL, FALLBACK, 64, 1, 255 },
	{ LEVEL_IP, IP_MINTTL, VALUE_MINTTL, 0, 0, 0, 255 },
	{ LEVEL_IP, IP_MTU_DISCOVER, VALUE_MTU_DISCOVER, 0, 1, 0, 5 },
	{ LEVEL_IP, IP_FREEBIND, VALUE_FREEBIND, FLAG, 0, 0, 0 },
	{ LEVEL_IP, IP_BIND_ADDRESS_NO_PORT, VALUE_BIND_NO_PORT, FLAG, 0, 0, 0 },
	{ LEVEL_IP, IP_PKTINFO, VALUE_PKTINFO, FLAG, 0, 0, 0 },
	{ LEVEL_IP, IP_RECVTTL, VALUE_RECVTTL, FLAG, 0, 0, 0 },
	{ LEVEL_IP, IP_RECVTOS, VALUE_RECVTOS, FLAG, 0, 0, 0 },
	{ LEVEL_IP, IP_MULTICAST_TTL, VALUE_MULTICAST_TTL, FALLBACK | DATAGRAM, 1, 0, 255 },
	{ LEVEL_IP, IP_MULTICAST_LOOP, VALUE_MULTICAST_LOOP, FLAG, 1, 0, 0 },
	{ LEVEL_LITE, SEND_COVERAGE, VALUE_SEND_COVERAGE, COVERAGE, 0, 0, 0 },
	{ LEVEL_LITE, RECEIVE_COVERAGE, VALUE_RECEIVE_COVERAGE, COVERAGE, 0, 0, 0 },
	{ LEVEL_TCP, TCP_NODELAY, VALUE_NODELAY, FLAG | STREAM, 0, 0, 0 },
	{ LEVEL_TCP, TCP_CORK, VALUE_CORK, FLAG | STREAM, 0, 0, 0 },
	{ LEVEL_TCP, TCP_KEEPIDLE, VALUE_KEEPIDLE, STREAM, 7200, 1, 32767 },
	{ LEVEL_TCP, TCP_KEEPINTVL, VALUE_KEEPINTVL, STREAM, 75, 1, 32767 },
	{ LEVEL_TCP, TCP_KEEPCNT, VALUE_KEEPCNT, STREAM, 9, 1, 127 },
	{ LEVEL_TCP, TCP_SYNCNT, VALUE_SYNCNT, STREAM, 6, 1, 127 },
	{ LEVEL_TCP, TCP_USER_TIMEOUT, VALUE_USER_TIMEOUT, STREAM, 0, 0, INT32_MAX },
	{ LEVEL_TCP, TCP_NOTSENT_LOWAT, VALUE_NOTSENT_LOWAT, STREAM, -1, INT32_MIN, INT32_MAX },
	{ LEVEL_IPV6, IPV6_V6ONLY, VALUE_V6ONLY, FLAG, 0, 0, 0 },
	{ LEVEL_IPV6, IPV6_UNICAST_HOPS, VALUE_UNICAST_HOPS, FALLBACK, 64, 0, 255 },
	{ LEVEL_IPV6, IPV6_MULTICAST_HOPS, VALUE_V6_MULTICAST_HOPS, FALLBACK | DATAGRAM, 1, 0, 255 },
	{ LEVEL_IPV6, IPV6_MULTICAST_LOOP, VALUE_V6_MULTICAST_LOOP, 0, 1, 0, 1 },
	{ LEVEL_IPV6, IPV6_MTU_DISCOVER, VALUE_V6_MTU_DISCOVER, 0, 1, 0, 5 },
	{ LEVEL_IPV6, IPV6_RECVPKTINFO, VALUE_RECVPKTINFO, FLAG, 0, 0, 0 },
	{ LEVEL_IPV6, IPV6_RECVHOPLIMIT, VALUE_RECVHOPLIMIT, FLAG, 0, 0, 0 },
	{ LEVEL_IPV6, IPV6_RECVTCLASS, VALUE_RECVTCLASS, FLAG, 0, 0, 0 },
	{ LEVEL_IPV6, IPV6_TCLASS, VALUE_TCLASS, FALLBACK, 0, 0, 255 },
	{ LEVEL_IPV6, IPV6_DONTFRAG, VALUE_V6_DONTFRAG, FLAG, 0, 0, 0 },
};

void inet_option_defaults(struct inet *inet)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		inet->values[rows[i].value] = rows[i].first;
}

static bool has_level(const struct socket *socket, unsigned level)
{
	return level == LEVEL_IP || (level == LEVEL_IPV6 && inet_is_six(socket)) || (level == LEVEL_TCP && socket_is_stream(socket)) ||
		(level == LEVEL_LITE && inet_is_lite(socket));
}

static const struct row *row_of(const struct socket *socket, unsigned level, unsigned name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].level == level && rows[i].name == name && has_level(socket, level))
			return &rows[i];
	return NULL;
}

/* ---- getting ---- */

static bool is_connected(const struct socket *socket)
{
	return socket->state == SOCKET_CONNECTED;
}

/* What Linux's TCP could take. It sends half of the peer's window at most, which is as large as that at first. */
static int largest_segment(const struct socket *socket)
{
	return inet_is_mapped(inet_of(socket)->remote.ip) ? MSS_LOOPBACK : MSS_SIX;
}

static long get_info(struct socket *socket, void *value, size_t room)
{
	struct tcp_info info = { .tcpi_state = (u8)tcp_state(socket) };

	if (is_connected(socket)) {
		info.tcpi_advmss = (unsigned)largest_segment(socket);
		info.tcpi_snd_mss = info.tcpi_advmss / 2;
		info.tcpi_pmtu = MTU_LOOPBACK;
	}
	memcpy(value, &info, MIN(room, sizeof(info)));
	return (long)MIN(room, sizeof(info));
}

static long get_congestion(struct socket *socket, void *value, size_t room)
{
	char name[CONGESTION_NAME_MAX] = { 0 };

	memcpy(name, inet_of(socket)->values[VALUE_RENO] ? "reno" : "cubic", 5);
	room = MIN(room, sizeof(name));
	memcpy(value, name, room);
	return (long)room;
}

/* Of numbers that depend on the connection. -ENOPROTOOPT: it is none of them. */
static long get_state(const struct socket *socket, unsigned level, unsigned name, int *number)
{
	if (level == LEVEL_TCP && name == TCP_MAXSEG)
		*number = is_connected(socket) ? largest_segment(socket) / 2 : MSS_DEFAULT;
	else if (level == LEVEL_TCP && name == TCP_QUICKACK)
		*number = 1; /* nothing is acknowledged later than at once */
	else if ((level == LEVEL_IP && name == IP_MTU) || (level == LEVEL_IPV6 && name == IPV6_MTU))
		*number = level == LEVEL_IP ? MTU_LOOPBACK : MTU_LOOPBACK + 1;
	else
		return -ENOPROTOOPT;
	if ((name == IP_MTU || name == IPV6_MTU) && level != LEVEL_TCP && !is_connected(socket))
		return -ENOTCONN;
	return 0;
}

/* As Linux has it: a number of IP's level that fits a byte may be had as one. */
static long give_number(unsigned level, int number, void *value, size_t room)
{
	u8 byte = (u8)number;

	if (level == LEVEL_IP && room > 0 && room < sizeof(number) && number >= 0 && number <= 255) {
		memcpy(value, &byte, 1);
		return 1;
	}
	memcpy(value, &number, MIN(room, sizeof(number)));
	return (long)MIN(room, sizeof(number));
}

long inet_get_option(struct socket *socket, unsigned level, unsigned name, void *value, size_t room)
{
	const struct row *row = row_of(socket, level, name);
	int number = row ? inet_of(socket)->values[row->value] : 0;
	long error;

	if (row)
		return give_number(level, number, value, room);
	if (!has_level(socket, level))
		return inet_is_six(socket) ? -ENOPROTOOPT : -EOPNOTSUPP;
	if (level == LEVEL_TCP && name == TCP_INFO)
		return get_info(socket, value, room);
	if (level == LEVEL_TCP && name == TCP_CONGESTION)
		return get_congestion(socket, value, room);
	error = get_state(socket, level, name, &number);
	return error ? error : give_number(level, number, value, room);
}

/* ---- setting ---- */

static long set_congestion(struct socket *socket, const char *name, size_t size)
{
	size_t length = strnlen(name, MIN(size, (size_t)CONGESTION_NAME_MAX - 1));
	bool reno = length == 4 && !memcmp(name, "reno", 4);

	if (!size)
		return -EINVAL;
	if (!reno && (length != 5 || memcmp(name, "cubic", 5)))
		return -ENOENT;
	inet_of(socket)->values[VALUE_RENO] = reno;
	return 0;
}

static long set_row(struct socket *socket, const struct row *row, int number)
{
	if (row->flags & DATAGRAM && !socket_is_datagram(socket))
		return row->level == LEVEL_IPV6 ? -ENOPROTOOPT : -EINVAL;
	/* The last two bits are TCP's own. */
	if (row->value == VALUE_TOS && socket_is_stream(socket))
		number &= ~3;
	if (row->value == VALUE_V6ONLY && inet_of(socket)->listed)
		return -EINVAL;
	if (row->flags & FLAG)
		number = number != 0;
	else if (row->flags & COVERAGE)
		number = number ? MIN(MAX(number, COVERAGE_LEAST), COVERAGE_MOST) : 0;
	else if (row->flags & FALLBACK && number == -1)
		number = row->first;
	else if (number < row->least || number > row->most)
		return -EINVAL;
	inet_of(socket)->values[row->value] = number;
	if (row->value == VALUE_RECEIVE_COVERAGE)
		inet_of(socket)->coverage_wanted = true;
	return 0;
}

/* A byte will do for a number of IP's level. */
static bool take_number(unsigned level, const void *value, size_t size, int *number)
{
	*number = 0;
	if (size >= sizeof(*number))
		memcpy(number, value, sizeof(*number));
	else if (size && level == LEVEL_IP)
		*number = *(const u8 *)value;
	else
		return level == LEVEL_IP;
	return true;
}

long inet_set_option(const struct request *request, struct socket *socket, unsigned level, unsigned name, const void *value, size_t size)
{
	const struct row *row = row_of(socket, level, name);
	int number;

	(void)request;
	if (!has_level(socket, level))
		return -ENOPROTOOPT;
	if (level == LEVEL_TCP && name == TCP_CONGESTION)
		return set_congestion(socket, value, size);
	if (!take_number(level, value, size, &number))
		return -EINVAL;
	if (level == LEVEL_TCP && name == TCP_QUICKACK)
		return 0;
	return row ? set_row(socket, row, number) : -ENOPROTOOPT;
}
