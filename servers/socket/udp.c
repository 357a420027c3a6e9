/*
 * UDP and UDP-Lite within this machine. A datagram is in its receiver's queue at once, or lost: nobody is there, or the receiver has no room. It is charged to the receiver,
 * as Linux does it; the sender never waits.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/charge.h"
#include "servers/socket/inet.h"

#define READABLE (LINUX_POLLIN | LINUX_POLLRDNORM)
#define WRITABLE (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND)

#define DATAGRAM_MAX      65507u /* what IPv4's length leaves; of IPv6: */
#define DATAGRAM_MAX_SIX  65527u
#define LENGTH_MAX        0xffffu
#define HEADER            8u
#define PRESSED_RECEIVE   4096u  /* of SO_RCVBUF, when all sockets together hold much */

static long created(struct socket *socket, const struct socket *like)
{
	return inet_created(socket, like);
}

/* ---- connecting ---- */

static long autobind(struct inet *inet)
{
	return !inet->listed && port_bind(inet, 0) ? -EAGAIN : 0;
}

static long disconnect(struct socket *socket)
{
	struct inet *inet = inet_of(socket);

	socket->state = SOCKET_UNCONNECTED;
	inet_set_any(&inet->remote, inet_is_six(socket));
	inet->remote.port = 0;
	if (!inet->address_bound)
		inet_set_any(&inet->local, inet_is_six(socket));
	if (!inet->port_bound) {
		port_leave(inet);
		inet->local.port = 0;
	}
	return 0;
}

/* There is a route to 127.255.255.255, but none to 255.255.255.255. */
static bool is_broadcast(const struct inet_name *name)
{
	return inet_kind(name->ip) == INET_BROADCAST && name->ip[12] == 127;
}

static long connect(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	struct inet *inet = inet_of(socket);
	struct inet_name to;
	long error;

	(void)request;
	if (length < sizeof(u16))
		return -EINVAL;
	if (address_is_unspecified(bytes, length))
		return disconnect(socket);
	error = autobind(inet);
	if (!error)
		error = inet_take_destination(socket, bytes, length, &to);
	if (!error && bytes[0] == LINUX_AF_INET && inet_is_six(socket) && inet->values[VALUE_V6ONLY])
		error = -EAFNOSUPPORT;
	if (!error && is_broadcast(&to) && !socket->options.broadcast)
		error = -EACCES;
	if (!error)
		error = inet_route(socket, &to);
	if (error)
		return error;
	inet_choose_source(socket, &to);
	inet->remote = to;
	socket->state = SOCKET_CONNECTED;
	return 0;
}

static long peer_name(const struct socket *socket, u8 *to)
{
	return socket->state == SOCKET_CONNECTED && inet_of(socket)->remote.port ? (long)inet_give(socket, &inet_of(socket)->remote, to) : -ENOTCONN;
}

static long listen(struct request *request, struct socket *socket, unsigned backlog)
{
	(void)request, (void)socket, (void)backlog;
	return -EOPNOTSUPP;
}

static long shutdown(struct socket *socket, unsigned closed)
{
	socket->closed |= closed;
	socket_changed(socket, READABLE | LINUX_POLLRDHUP | LINUX_POLLHUP | SOCKET_QUIETLY);
	return socket->state == SOCKET_CONNECTED ? 0 : -ENOTCONN;
}

static void closing(struct socket *socket, bool embryo)
{
	(void)embryo;
	port_leave(inet_of(socket));
}

/* ---- sending ---- */

static long find_destination(struct socket *socket, const u8 *address, size_t length, struct inet_name *to)
{
	struct inet *inet = inet_of(socket);
	long error;

	if (!length) {
		*to = inet->remote;
		return socket->state == SOCKET_CONNECTED ? 0 : -EDESTADDRREQ;
	}
	error = inet_take_destination(socket, address, length, to);
	/* As Linux has it for IPv4 and, with another error, IPv6. */
	if (error == -EAFNOSUPPORT && address_is_unspecified(address, length))
		return inet_is_six(socket) ? find_destination(socket, address, 0, to) : to->port ? 0 : -EINVAL;
	if (error == -EAFNOSUPPORT && inet_is_six(socket))
		error = -EINVAL;
	return error ? error : to->port ? 0 : -EINVAL;
}

static u8 hops(const struct inet *inet, const struct inet_name *to)
{
	return (u8)inet->values[inet_is_mapped(to->ip) ? VALUE_TTL : VALUE_UNICAST_HOPS];
}

/* What the receiver may be told; the source address too. */
static long make_note(struct send *s, const struct inet_name *to, struct inet_note *note)
{
	struct inet *inet = inet_of(s->socket);
	bool six = !inet_is_mapped(to->ip);
	long error;

	*note = (struct inet_note){ .note = { sizeof(*note) }, .from = inet->local, .ttl = hops(inet, to) };
	note->tos = (u8)inet->values[six ? VALUE_TCLASS : VALUE_TOS];
	memcpy(note->to, to->ip, sizeof(note->to));
	error = udp_control_take(s->socket, s->control, s->control_length, note);
	if (!error && inet_is_any(note->from.ip))
		inet_set_loopback(&note->from, six);
	note->from.port = inet->local.port;
	return error;
}

static long send_prepare(struct request *request, struct send *s, const u8 *address, size_t length)
{
	struct inet *inet = inet_of(s->socket);
	struct inet_note note;
	struct inet_name to;
	long error = s->length > LENGTH_MAX ? -EMSGSIZE : find_destination(s->socket, address, length, &to);

	(void)request;
	if (s->flags & LINUX_MSG_OOB && error != -EMSGSIZE)
		error = -EOPNOTSUPP;
	if (s->rights)
		rights_drop(s->rights);
	s->rights = NULL;
	if (!error && is_broadcast(&to) && !s->socket->options.broadcast)
		error = -EACCES;
	if (!error)
		error = inet_route(s->socket, &to);
	if (!error)
		error = autobind(inet);
	if (!error)
		error = make_note(s, &to, &note);
	if (!error && s->length > (inet_is_mapped(to.ip) ? DATAGRAM_MAX : DATAGRAM_MAX_SIX))
		error = -EMSGSIZE;
	if (error)
		return error;
	s->note = memory_take(sizeof(note));
	if (!s->note)
		return -ENOBUFS;
	memcpy(s->note, &note, sizeof(note));
	s->charge_receiver = true;
	s->to_peer = s->socket->state == SOCKET_CONNECTED && inet_same(&to, &inet->remote);
	s->to = port_find_receiver(inet_is_lite(s->socket), &to, &note.from);
	if (s->to)
		socket_hold(s->to);
	return 0;
}

/* UDP-Lite: whether the sender's checksum would cover as much as the receiver wants. There is none here, and nothing that could be wrong. */
static bool covers(const struct socket *from, const struct socket *to, size_t length)
{
	int covered = inet_of(from)->values[VALUE_SEND_COVERAGE], wanted = inet_of(to)->values[VALUE_RECEIVE_COVERAGE];

	if (!inet_of(to)->coverage_wanted || !covered || (size_t)covered >= length + HEADER)
		return true;
	return wanted && covered >= wanted;
}

static bool has_room(const struct socket *to, size_t length)
{
	u32 limit = messages_held() < socket_held_limit ? to->options.receive_limit : MIN(to->options.receive_limit, PRESSED_RECEIVE);

	return to->sent <= limit && socket_may_hold(length);
}

/* Nobody is there: a sender that is connected to that name is told, at its next call. */
static long refused(struct request *request, struct send *s)
{
	if (!send_lose(request, s->length)) {
		request->moved = 0;
		return 0;
	}
	if (s->to_peer && !s->to) {
		s->socket->error = ECONNREFUSED;
		socket_changed(s->socket, LINUX_POLLERR);
	}
	return (long)s->length;
}

static long send_datagram(struct request *request, struct send *s, struct socket **on, enum wait_kind *kind)
{
	struct message *message;
	long result;

	(void)on, (void)kind;
	if (s->socket->error)
		return socket_take_error(s->socket);
	if (s->socket->closed & CLOSED_SEND)
		return -EPIPE;
	if (!s->to || !has_room(s->to, s->length) || !covers(s->socket, s->to, s->length))
		return refused(request, s);
	message = send_take_message(request, s, s->to, s->length, &result);
	if (!message)
		return result;
	message->charge = charge_of_udp(s->length);
	socket_message_queue(s->to, message);
	return (long)s->length;
}

/* ---- receiving, readiness ---- */

static size_t tell(const struct socket *socket, const struct note *note, u8 *to, bool address, size_t *control)
{
	const struct inet_note *told = (const struct inet_note *)note;
	size_t length = address ? inet_give(socket, &told->from, to) : 0;

	*control = udp_control_give(socket, told, to + length, *control);
	return length;
}

/* There is room always, which is no news. */
static bool tells_room(struct socket *socket)
{
	(void)socket;
	return false;
}

static unsigned poll(const struct socket *socket, unsigned wanted)
{
	unsigned events = WRITABLE | (socket->error ? LINUX_POLLERR : 0);

	(void)wanted;
	if (socket->closed & CLOSED_RECEIVE)
		events |= LINUX_POLLRDHUP | READABLE;
	if (socket->closed == CLOSED_BOTH)
		events |= LINUX_POLLHUP;
	return list_empty(&socket->messages) ? events : events | READABLE;
}

static long unsent(const struct socket *socket)
{
	(void)socket;
	return 0;
}

const struct transport transport_udp = {
	.created = created,
	.freed = inet_freed,
	.closing = closing,
	.bind = inet_bind,
	.connect = connect,
	.listen = listen,
	.shutdown = shutdown,
	.own_name = inet_own_name,
	.peer_name = peer_name,
	.poll = poll,
	.tells_room = tells_room,
	.send_prepare = send_prepare,
	.send_datagram = send_datagram,
	.tell = tell,
	.get_option = inet_get_option,
	.set_option = inet_set_option,
	.unsent = unsent,
};
