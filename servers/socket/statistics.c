/* /proc/net/sockstat, sockstat6 and snmp: how many sockets there are. What goes through them is not counted: those numbers are 0. */
#include "servers/socket/inet.h"
#include "servers/socket/list.h"

/* Of Linux's states those that are counted as connections. */
enum { STATE_ESTABLISHED = 1, STATE_CLOSE_WAIT = 8 };

static bool is_in_use(const struct socket *socket, const struct transport *transport, unsigned domain, bool lite)
{
	if (socket->transport != transport || socket->domain != domain || inet_is_lite(socket) != lite || !inet_of(socket)->listed)
		return false;
	return transport == &transport_udp || socket->state != SOCKET_UNCONNECTED;
}

static unsigned count_in_use(const struct transport *transport, unsigned domain, bool lite)
{
	unsigned count = 0;

	list_for_each_entry(socket, &sockets, struct socket, all)
		count += is_in_use(socket, transport, domain, lite);
	return count;
}

/* Of one transport, or with NULL those of all that have an open file. */
static unsigned count_all(const struct transport *transport)
{
	unsigned count = 0;

	list_for_each_entry(socket, &sockets, struct socket, all)
		count += transport ? socket->transport == transport : socket->file != NULL;
	return count;
}

static unsigned count_established(void)
{
	unsigned count = 0;

	list_for_each_entry(socket, &sockets, struct socket, all)
		count += socket->transport == &transport_tcp && (tcp_state(socket) == STATE_ESTABLISHED || tcp_state(socket) == STATE_CLOSE_WAIT);
	return count;
}

void list_sockstat(struct list_text *text)
{
	list_add(text, "sockets: used %u\n", count_all(NULL));
	list_add(text, "TCP: inuse %u orphan %u tw %u alloc %u mem %u\n", count_in_use(&transport_tcp, LINUX_AF_INET, false), 0u, 0u, count_all(&transport_tcp), 0u);
	list_add(text, "UDP: inuse %u mem %u\n", count_in_use(&transport_udp, LINUX_AF_INET, false), 0u);
	list_add(text, "UDPLITE: inuse %u\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n", count_in_use(&transport_udp, LINUX_AF_INET, true));
}

void list_sockstat_six(struct list_text *text)
{
	list_add(text, "TCP6: inuse %u\n", count_in_use(&transport_tcp, LINUX_AF_INET6, false));
	list_add(text, "UDP6: inuse %u\n", count_in_use(&transport_udp, LINUX_AF_INET6, false));
	list_add(text, "UDPLITE6: inuse %u\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n", count_in_use(&transport_udp, LINUX_AF_INET6, true));
}

/* Linux 6.1's names; of the numbers only those of TCP's settings and of its connections are not 0. */
void list_snmp(struct list_text *text)
{
	list_add(text, "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards "
		"OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates\n");
	list_add(text, "Ip: 2 64 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
	list_add(text, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts "
		"InCsumErrors\n");
	list_add(text, "Tcp: 1 200 120000 -1 0 0 0 0 %u 0 0 0 0 0 0\n", count_established());
	list_add(text, "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\nUdp: 0 0 0 0 0 0 0 0 0\n");
}
