/*
 * Ports: who may have which, and who has it. A table by port of the sockets of each protocol; a connection's end has its listener's port, so that many
 * sockets may have one. Who may share it is as Linux decides (its inet_csk_bind_conflict).
 */
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "servers/socket/inet.h"

#define BUCKETS 1024u

enum table { TABLE_TCP, TABLE_UDP, TABLE_LITE, TABLES };

static struct list_node buckets[TABLES][BUCKETS];

static struct list_node *bucket(enum table table, unsigned port)
{
	struct list_node *list = &buckets[table][port % BUCKETS];

	if (!list->next)
		list_init(list);
	return list;
}

static struct list_node *bucket_of(const struct inet *inet, unsigned port)
{
	return bucket(socket_is_stream(inet->socket) ? TABLE_TCP : inet_is_lite(inet->socket) ? TABLE_LITE : TABLE_UDP, port);
}

/* ---- who is in the way ---- */

static bool takes_four(const struct inet *inet)
{
	return inet_is_mapped(inet->local.ip) || !inet->values[VALUE_V6ONLY];
}

/* Whether something could be for both, by their addresses. */
static bool overlaps(const struct inet *one, const struct inet *two)
{
	bool four = inet_is_mapped(one->local.ip), other_four = inet_is_mapped(two->local.ip);

	if (!memcmp(one->local.ip, two->local.ip, 16))
		return true;
	if (four && other_four)
		return inet_is_any(one->local.ip) || inet_is_any(two->local.ip);
	/* :: takes IPv4 as well, if it may. */
	if (!four && inet_is_any(one->local.ip))
		return !other_four || takes_four(one);
	return !other_four && inet_is_any(two->local.ip) && (!four || takes_four(two));
}

static bool may_share(const struct socket *socket, const struct socket *other, bool chosen)
{
	const struct socket_options *one = &socket->options, *two = &other->options;

	if (!chosen && one->reuse_address && two->reuse_address && other->state != SOCKET_LISTENING)
		return true;
	return !chosen && one->reuse_port && two->reuse_port && socket->uid == other->uid;
}

/* `chosen`: by the system, which takes a port that nobody has at that address. */
static bool in_the_way(const struct inet *inet, unsigned port, bool chosen)
{
	list_for_each_entry(other, bucket_of(inet, port), struct inet, link)
		if (other != inet && other->local.port == port && overlaps(inet, other) && !may_share(inet->socket, other->socket, chosen))
			return true;
	return false;
}

/* ---- taking and leaving ---- */

void port_take(struct inet *inet, unsigned port)
{
	inet->local.port = (u16)port;
	inet->listed = true;
	list_push_back(bucket_of(inet, port), &inet->link);
}

void port_leave(struct inet *inet)
{
	if (!inet->listed)
		return;
	list_remove(&inet->link);
	inet->listed = false;
}

/* Listeners come first in their buckets, so that finding one does not take longer the more connections it has. */
void port_listen(struct inet *inet)
{
	list_remove(&inet->link);
	list_push_front(bucket_of(inet, inet->local.port), &inet->link);
}

void port_unlisten(struct inet *inet)
{
	list_remove(&inet->link);
	list_push_back(bucket_of(inet, inet->local.port), &inet->link);
}

/* Ports that the system chooses: net.ipv4.ip_local_port_range. Its two numbers may change at any moment, one after the other, so a search reads them once. */
struct ports {
	unsigned first, size, start; /* where the search begins: another place each time, which nobody can tell */
};

static struct ports ports_to_search(void)
{
	static u64 state;
	unsigned first = (unsigned)setting(SETTING_PORT_FIRST), last = (unsigned)setting(SETTING_PORT_LAST);
	struct ports ports = { first, last < first ? 1 : last - first + 1, 0 };

	state = hash_u64(state + kernel_monotonic());
	ports.start = (unsigned)(state % ports.size);
	return ports;
}

/* All ports of the range, those of one parity first: Linux gives bind the odd ones and connect the even ones, while there are some. */
static unsigned port_at(const struct ports *ports, unsigned i, bool odd)
{
	unsigned half = MAX(ports->size / 2, 1u), place = (ports->start + i) % half;

	/* of an odd number of ports the last has no pair */
	if (ports->size == 1 || i == 2 * half)
		return ports->first + ports->size - 1;
	return ports->first + 2 * place + (i < half ? odd : !odd);
}

long port_bind(struct inet *inet, unsigned port)
{
	const struct ports ports = ports_to_search();

	if (port) {
		if (in_the_way(inet, port, false))
			return -EADDRINUSE;
		port_take(inet, port);
		return 0;
	}
	for (unsigned i = 0; i < ports.size; i++) {
		port = port_at(&ports, i, true);
		if (in_the_way(inet, port, true))
			continue;
		port_take(inet, port);
		return 0;
	}
	return -EADDRINUSE;
}

long port_listen_check(const struct inet *inet)
{
	return in_the_way(inet, inet->local.port, false) ? -EADDRINUSE : 0;
}

/* ---- connections ---- */

struct socket *port_find_connection(const struct inet_name *local, const struct inet_name *remote)
{
	list_for_each_entry(inet, bucket(TABLE_TCP, local->port), struct inet, link)
		if (inet_same(&inet->local, local) && inet_same(&inet->remote, remote) && inet->socket->state >= SOCKET_CONNECTING)
			return inet->socket;
	return NULL;
}

/* A port that others have is good for a connection if all of them have it for theirs alone, to somewhere else. */
static bool good_for(const struct inet *inet, unsigned port, const struct inet_name *to)
{
	list_for_each_entry(other, bucket_of(inet, port), struct inet, link) {
		if (other->local.port != port)
			continue;
		if (!other->automatic || (inet_same(&other->remote, to) && !memcmp(other->local.ip, inet->local.ip, 16)))
			return false;
	}
	return true;
}

long port_connect(struct inet *inet, const struct inet_name *to)
{
	const struct ports ports = ports_to_search();
	struct inet_name local = inet->local;

	if (inet->listed)
		return port_find_connection(&local, to) ? -EADDRNOTAVAIL : 0;
	for (unsigned i = 0; i < ports.size; i++) {
		unsigned port = port_at(&ports, i, false);

		if (!good_for(inet, port, to))
			continue;
		inet->automatic = true;
		port_take(inet, port);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* ---- listeners ---- */

/* How well a listener suits: 0 not at all. */
static unsigned score(const struct inet *inet, const struct inet_name *to)
{
	bool four = inet_is_mapped(to->ip), own_four = inet_is_mapped(inet->local.ip);

	if (inet->local.port != to->port)
		return 0;
	if (!memcmp(inet->local.ip, to->ip, 16))
		return own_four && !inet_is_six(inet->socket) ? 4 : 3;
	if (!inet_is_any(inet->local.ip) || (four && !takes_four(inet)) || (!four && own_four))
		return 0;
	return four && own_four ? 2 : 1;
}

/* How well a socket suits a datagram. One that is connected takes its peer's alone. */
static unsigned datagram_score(const struct inet *inet, const struct inet_name *to, const struct inet_name *from)
{
	bool four = inet_is_mapped(to->ip), own_four = inet_is_mapped(inet->local.ip), connected = inet->socket->state == SOCKET_CONNECTED;

	if (inet->local.port != to->port || (connected && !inet_same(&inet->remote, from)))
		return 0;
	if (!memcmp(inet->local.ip, to->ip, 16))
		return 4 + (own_four && !inet_is_six(inet->socket)) + 2 * connected;
	if (!inet_is_any(inet->local.ip) || (four && !takes_four(inet)) || (!four && own_four))
		return 0;
	return 1 + (own_four && !inet_is_six(inet->socket));
}

static u64 hash_of(const struct inet_name *from)
{
	return hash_u64((u64)from->port << 32 | (u64)from->ip[15] << 8 | from->ip[14]);
}

/* Of equals the one that came last, or, if they share by SO_REUSEPORT, each sender's own. */
struct socket *port_find_receiver(bool lite, const struct inet_name *to, const struct inet_name *from)
{
	u64 hash = hash_of(from);
	struct socket *best = NULL;
	unsigned most = 0, equals = 0;

	list_for_each_entry(inet, bucket(lite ? TABLE_LITE : TABLE_UDP, to->port), struct inet, link) {
		unsigned points = datagram_score(inet, to, from);

		if (!points || points < most)
			continue;
		equals = points > most ? 1 : equals + 1;
		most = points;
		if (!inet->socket->options.reuse_port || hash % equals == 0)
			best = inet->socket;
	}
	return best;
}

/* Of those that share the port by SO_REUSEPORT each connection has its own, by its addresses. */
struct socket *port_find_listener(const struct inet_name *to, const struct inet_name *from)
{
	u64 hash = hash_of(from);
	struct socket *best = NULL;
	unsigned most = 0, equals = 0;

	list_for_each_entry(inet, bucket(TABLE_TCP, to->port), struct inet, link) {
		unsigned points = score(inet, to);

		if (inet->socket->state != SOCKET_LISTENING)
			break;
		if (!points || points < most)
			continue;
		equals = points > most ? 1 : equals + 1;
		most = points;
		if (equals == 1 || hash % equals == 0)
			best = inet->socket;
	}
	return best;
}
