/* NETLINK_SOCK_DIAG: what sockets there are. Anyone may ask, as anyone may read /proc/net. A socket's number is its cookie, too: numbers are not given twice. */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/inet.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>

#define FAMILIES      46
#define LEVEL_TCP     6u
#define DESTROY       21 /* SOCK_DESTROY */
#define WAITING_SHOWN 512u /* of those that wait to be accepted, in UNIX_DIAG_ICONS */

enum { STATE_CONNECTED = 1, STATE_CLOSE = 7, STATE_LISTEN = 10 };

static bool wants(const struct netlink_diag_filter *filter, unsigned extension)
{
	return filter->extensions >> (extension - 1) & 1;
}

/* ---- what families have in common ---- */

static u32 cookie_low(const struct socket *socket)
{
	return (u32)socket->ino;
}

static u32 cookie_high(const struct socket *socket)
{
	return (u32)(socket->ino >> 32);
}

static bool cookie_is(const struct socket *socket, const u32 cookie[2])
{
	if (cookie[0] == INET_DIAG_NOCOOKIE && cookie[1] == INET_DIAG_NOCOOKIE)
		return true;
	return cookie[0] == cookie_low(socket) && cookie[1] == cookie_high(socket);
}

/* What wait in a queue are charged to their receiver, but for streams and Unix sockets, whose senders pay. */
static void put_memory(struct netlink_writer *w, unsigned attribute, const struct socket *socket)
{
	bool receiver = socket->inet && socket_is_datagram(socket);
	u32 values[SK_MEMINFO_VARS] = {
		[SK_MEMINFO_RMEM_ALLOC] = receiver ? socket->sent : 0, [SK_MEMINFO_RCVBUF] = socket->options.receive_limit,
		[SK_MEMINFO_WMEM_ALLOC] = receiver ? 0 : socket->sent, [SK_MEMINFO_SNDBUF] = socket->options.send_limit,
	};

	netlink_put(w, attribute, values, sizeof(values));
}

/* One socket after the other, in the order of their numbers, from that behind dump->at on. */
static long dump_sockets(struct netlink *netlink, struct netlink_writer *w, bool (*is_shown)(const struct netlink_diag_filter *, const struct socket *),
	bool (*fill)(struct netlink_writer *, const struct netlink_diag_filter *, const struct socket *))
{
	struct netlink_dump *dump = &netlink->dump;

	list_for_each_entry(socket, &sockets, struct socket, all) {
		netlink_work++;
		if (socket->ino <= dump->at || !is_shown(&dump->diag, socket))
			continue;
		if (!fill(w, &dump->diag, socket))
			return 0;
		dump->at = socket->ino;
	}
	return 0;
}

/* ---- TCP and UDP ---- */

static unsigned inet_state(const struct socket *socket)
{
	if (socket_is_stream(socket))
		return tcp_state(socket);
	return socket->state == SOCKET_CONNECTED ? STATE_CONNECTED : STATE_CLOSE;
}

static const struct transport *transport_of(u8 protocol)
{
	return protocol == INET_IPPROTO_TCP ? &transport_tcp : protocol == INET_IPPROTO_UDP ? &transport_udp : NULL;
}

static void put_name(const struct socket *socket, const struct inet_name *name, __be32 ip[4], __be16 *port)
{
	u8 bytes[2] = { (u8)(name->port >> 8), (u8)name->port };

	memcpy(port, bytes, sizeof(bytes));
	if (inet_is_six(socket))
		memcpy(ip, name->ip, 16);
	else
		memcpy(ip, name->ip + 12, 4);
}

/* Multicast to all is IPv4's. */
static void put_flags(struct netlink_writer *w, const struct socket *socket)
{
	const struct inet *inet = inet_of(socket);
	struct inet_diag_sockopt flags = { .is_icsk = socket_is_stream(socket), .mc_all = !inet_is_six(socket) };

	flags.freebind = inet->values[VALUE_FREEBIND] != 0;
	flags.mc_loop = inet->values[VALUE_MULTICAST_LOOP] != 0;
	flags.bind_address_no_port = inet->values[VALUE_BIND_NO_PORT] != 0;
	netlink_put(w, INET_DIAG_SOCKOPT, &flags, sizeof(flags));
}

static void put_options(struct netlink_writer *w, const struct socket *socket, const struct netlink_diag_filter *filter)
{
	const struct inet *inet = inet_of(socket);
	unsigned state = inet_state(socket);

	netlink_put_u8(w, INET_DIAG_SHUTDOWN, (u8)socket->closed);
	if (wants(filter, INET_DIAG_TOS))
		netlink_put_u8(w, INET_DIAG_TOS, (u8)inet->values[VALUE_TOS]);
	if (inet_is_six(socket) && wants(filter, INET_DIAG_TCLASS))
		netlink_put_u8(w, INET_DIAG_TCLASS, (u8)inet->values[VALUE_TCLASS]);
	if (inet_is_six(socket) && (state == STATE_LISTEN || state == STATE_CLOSE))
		netlink_put_u8(w, INET_DIAG_SKV6ONLY, inet->values[VALUE_V6ONLY] != 0);
	if (filter->privileged)
		netlink_put_u32(w, INET_DIAG_MARK, 0);
	if (wants(filter, INET_DIAG_TCLASS))
		netlink_put_u32(w, INET_DIAG_CLASS_ID, 0);
	put_flags(w, socket);
}

static void put_of_tcp(struct netlink_writer *w, struct socket *socket, const struct netlink_diag_filter *filter)
{
	u8 info[OPTION_MAX];
	long size = wants(filter, INET_DIAG_INFO) ? socket->transport->get_option(socket, LEVEL_TCP, TCP_INFO, info, sizeof(info)) : 0;

	if (size > 0)
		netlink_put(w, INET_DIAG_INFO, info, MIN((size_t)size, sizeof(info)));
	if (wants(filter, INET_DIAG_CONG))
		netlink_put_text(w, INET_DIAG_CONG, inet_of(socket)->values[VALUE_RENO] ? "reno" : "cubic");
}

static bool fill_inet(struct netlink_writer *w, const struct netlink_diag_filter *filter, const struct socket *socket)
{
	struct inet_diag_msg body = { .idiag_family = (u8)socket->domain, .idiag_state = (u8)inet_state(socket) };
	const struct inet *inet = inet_of(socket);
	bool stream = socket_is_stream(socket), has_remote = socket->state == SOCKET_CONNECTED || socket->state == SOCKET_CONNECTING;

	put_name(socket, &inet->local, body.id.idiag_src, &body.id.idiag_sport);
	if (has_remote)
		put_name(socket, &inet->remote, body.id.idiag_dst, &body.id.idiag_dport);
	body.id.idiag_cookie[0] = cookie_low(socket);
	body.id.idiag_cookie[1] = cookie_high(socket);
	body.idiag_rqueue = (u32)inet_waiting(socket);
	body.idiag_wqueue = socket->state == SOCKET_LISTENING ? socket->backlog : 0;
	/* Nobody's yet: it waits to be accepted. */
	body.idiag_uid = socket->file ? socket->uid : 0;
	body.idiag_inode = socket->file ? (u32)socket->ino : 0;
	netlink_begin(w, filter->type, &body, sizeof(body));
	put_options(w, socket, filter);
	if (wants(filter, INET_DIAG_MEMINFO)) {
		struct inet_diag_meminfo memory = { .idiag_rmem = stream ? 0 : socket->sent, .idiag_tmem = stream ? socket->sent : 0 };

		netlink_put(w, INET_DIAG_MEMINFO, &memory, sizeof(memory));
	}
	if (wants(filter, INET_DIAG_SKMEMINFO))
		put_memory(w, INET_DIAG_SKMEMINFO, socket);
	if (stream)
		put_of_tcp(w, (struct socket *)socket, filter);
	return netlink_end(w);
}

static bool is_shown_inet(const struct netlink_diag_filter *filter, const struct socket *socket)
{
	const struct inet *inet = socket->inet;
	u8 source[2], destination[2];

	if (!inet || socket->domain != filter->family || socket->transport != transport_of(filter->protocol) || inet_is_lite(socket) || !inet->listed)
		return false;
	if (socket_is_stream(socket) && socket->state == SOCKET_UNCONNECTED)
		return false;
	if (!(filter->states >> inet_state(socket) & 1))
		return false;
	memcpy(source, &filter->source_port, 2);
	memcpy(destination, &filter->destination_port, 2);
	if (filter->source_port && (source[0] << 8 | source[1]) != inet->local.port)
		return false;
	if (filter->destination_port && (destination[0] << 8 | destination[1]) != inet->remote.port)
		return false;
	return !filter->code || netlink_bytecode_passes(filter->code, socket);
}

static long dump_inet(struct netlink *netlink, struct netlink_writer *w)
{
	return dump_sockets(netlink, w, is_shown_inet, fill_inet);
}

static netlink_fill *const inet_parts[] = { dump_inet, NULL };

static struct inet_name take_name(bool six, const __be32 ip[4], __be16 port)
{
	struct inet_name name = { .port = 0 };
	u8 bytes[2];

	memcpy(bytes, &port, sizeof(bytes));
	inet_set_any(&name, six);
	name.port = (u16)(bytes[0] << 8 | bytes[1]);
	memcpy(six ? name.ip : name.ip + 12, ip, six ? 16 : 4);
	return name;
}

/* Of UDP the two ends are the other way round, as Linux has it. */
static struct socket *find_inet(const struct inet_diag_req_v2 *want)
{
	bool six = want->sdiag_family == LINUX_AF_INET6;
	struct inet_name source = take_name(six, want->id.idiag_src, want->id.idiag_sport);
	struct inet_name destination = take_name(six, want->id.idiag_dst, want->id.idiag_dport);
	struct socket *found;

	if (want->sdiag_protocol == INET_IPPROTO_UDP)
		return port_find_receiver(false, &destination, &source);
	found = port_find_connection(&source, &destination);
	return found ? found : port_find_listener(&source, &destination);
}

static long get_inet(struct netlink_request *r, const struct inet_diag_req_v2 *want, const struct netlink_diag_filter *filter)
{
	struct netlink_writer w = netlink_answer(r);
	struct socket *socket = transport_of(want->sdiag_protocol) ? find_inet(want) : NULL;

	if (!socket || !cookie_is(socket, want->id.idiag_cookie))
		return -ENOENT;
	fill_inet(&w, filter, socket);
	return netlink_send_answer(r, &w);
}

static long take_code(struct netlink_request *r, struct netlink_dump *dump)
{
	struct netlink_attributes all = netlink_attributes(r, sizeof(struct inet_diag_req_v2));
	struct netlink_attribute a;
	long error = 0;

	while (!error && netlink_attribute_next(&all, &a))
		if (a.type == INET_DIAG_REQ_BYTECODE && !dump->diag.code)
			error = netlink_bytecode_take(r, &a, &dump->diag.code);
	return error;
}

static long inet_request(struct netlink_request *r)
{
	struct inet_diag_req_v2 want;
	struct netlink_dump dump = { .part = inet_parts };
	long error;

	if (r->length < sizeof(want))
		return -EINVAL;
	memcpy(&want, r->data, sizeof(want));
	dump.diag = (struct netlink_diag_filter){ want.sdiag_family, want.sdiag_protocol, want.idiag_ext, want.id.idiag_sport, want.id.idiag_dport,
		want.idiag_states, 0, r->header.nlmsg_type, r->privileged, NULL };
	if (!(r->header.nlmsg_flags & NLM_F_DUMP))
		return get_inet(r, &want, &dump.diag);
	error = take_code(r, &dump);
	if (error)
		return error;
	dump.error = transport_of(want.sdiag_protocol) ? 0 : -ENOENT;
	return netlink_dump_start(r, &dump);
}

/* ---- Unix ---- */

static unsigned unix_state(const struct socket *socket)
{
	if (socket->state == SOCKET_LISTENING)
		return STATE_LISTEN;
	return socket->state == SOCKET_CONNECTED || socket->peer ? STATE_CONNECTED : STATE_CLOSE;
}

static void put_address(struct netlink_writer *w, const struct socket *socket)
{
	u8 bytes[SOCKET_ADDRESS_MAX + 1];
	size_t length = address_show(socket->address, bytes);

	if (length > 2)
		netlink_put(w, UNIX_DIAG_NAME, bytes + 2, length - 2);
}

static u32 number_of(const struct socket *socket)
{
	return socket && socket->file ? (u32)socket->ino : 0;
}

static void put_waiting(struct netlink_writer *w, const struct socket *socket)
{
	u32 numbers[WAITING_SHOWN];
	size_t count = 0;

	list_for_each_entry(embryo, &socket->embryos, struct socket, embryos)
		if (count < WAITING_SHOWN)
			numbers[count++] = number_of(embryo->peer);
	netlink_put(w, UNIX_DIAG_ICONS, numbers, count * sizeof(numbers[0]));
}

static void put_queue(struct netlink_writer *w, const struct socket *socket)
{
	bool listens = socket->state == SOCKET_LISTENING;
	struct unix_diag_rqlen length = { .udiag_rqueue = socket->embryo_count, .udiag_wqueue = socket->backlog };

	if (!listens)
		length = (struct unix_diag_rqlen){ (u32)socket_waiting_bytes(socket), socket->sent };
	netlink_put(w, UNIX_DIAG_RQLEN, &length, sizeof(length));
}

static bool fill_unix(struct netlink_writer *w, const struct netlink_diag_filter *filter, const struct socket *socket)
{
	struct unix_diag_msg body = { LINUX_AF_UNIX, (u8)socket->type, (u8)unix_state(socket), 0, (u32)socket->ino, { cookie_low(socket), cookie_high(socket) } };

	netlink_begin(w, SOCK_DIAG_BY_FAMILY, &body, sizeof(body));
	if (filter->show & UDIAG_SHOW_NAME && socket->address)
		put_address(w, socket);
	if (filter->show & UDIAG_SHOW_PEER && socket->peer)
		netlink_put_u32(w, UNIX_DIAG_PEER, number_of(socket->peer));
	if (filter->show & UDIAG_SHOW_ICONS && socket->state == SOCKET_LISTENING)
		put_waiting(w, socket);
	if (filter->show & UDIAG_SHOW_RQLEN)
		put_queue(w, socket);
	if (filter->show & UDIAG_SHOW_MEMINFO)
		put_memory(w, UNIX_DIAG_MEMINFO, socket);
	netlink_put_u8(w, UNIX_DIAG_SHUTDOWN, (u8)socket->closed);
	if (filter->show & UDIAG_SHOW_UID)
		netlink_put_u32(w, UNIX_DIAG_UID, socket->uid);
	return netlink_end(w);
}

/* Who waits to be accepted has no number yet. */
static bool is_shown_unix(const struct netlink_diag_filter *filter, const struct socket *socket)
{
	return socket->transport == &transport_unix && socket->file && filter->states >> unix_state(socket) & 1;
}

static long dump_unix(struct netlink *netlink, struct netlink_writer *w)
{
	return dump_sockets(netlink, w, is_shown_unix, fill_unix);
}

static netlink_fill *const unix_parts[] = { dump_unix, NULL };

static struct socket *find_unix(u32 number)
{
	list_for_each_entry(socket, &sockets, struct socket, all) {
		netlink_work++;
		if (socket->transport == &transport_unix && number_of(socket) == number)
			return socket;
	}
	return NULL;
}

static long unix_request(struct netlink_request *r)
{
	struct netlink_writer w = netlink_answer(r);
	struct netlink_dump dump = { .part = unix_parts };
	struct unix_diag_req want;
	struct socket *socket;

	if (r->length < sizeof(want))
		return -EINVAL;
	memcpy(&want, r->data, sizeof(want));
	dump.diag = (struct netlink_diag_filter){ .states = want.udiag_states, .show = want.udiag_show };
	if (r->header.nlmsg_flags & NLM_F_DUMP)
		return netlink_dump_start(r, &dump);
	if (!want.udiag_ino)
		return -EINVAL;
	socket = find_unix(want.udiag_ino);
	if (!socket)
		return -ENOENT;
	if (!cookie_is(socket, want.udiag_cookie))
		return -ESTALE;
	fill_unix(&w, &dump.diag, socket);
	return netlink_send_answer(r, &w);
}

/* ---- requests ---- */

long netlink_diag_request(struct netlink_request *r)
{
	unsigned type = r->header.nlmsg_type;

	if (type == TCPDIAG_GETSOCK || type == DCCPDIAG_GETSOCK)
		return -EOPNOTSUPP;
	if (type != SOCK_DIAG_BY_FAMILY && type != DESTROY)
		return -EINVAL;
	if (r->length < sizeof(struct sock_diag_req) || r->data[0] >= FAMILIES)
		return -EINVAL;
	switch (r->data[0]) {
	case LINUX_AF_INET: case LINUX_AF_INET6: return type == DESTROY ? -EOPNOTSUPP : inet_request(r);
	case LINUX_AF_UNIX: return type == DESTROY ? -EOPNOTSUPP : unix_request(r);
	default: return -ENOENT;
	}
}
