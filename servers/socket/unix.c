/* Unix-domain sockets: names, connections, their end, what is ready. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/charge.h"
#include "servers/socket/socket.h"

#define READABLE (LINUX_POLLIN | LINUX_POLLRDNORM)
#define WRITABLE (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND)
#define DATAGRAM_OVERHEAD 32u /* of SO_SNDBUF, that the largest datagram cannot have */

static long created(struct socket *socket, const struct socket *like)
{
	if (like)
		address_hold(like->address);
	socket->address = like ? like->address : NULL;
	return 0;
}

static void freed(struct socket *socket)
{
	if (socket->address)
		address_drop(socket->address);
}

/* ---- names ---- */

struct name *name_of_request(struct request *request)
{
	struct open_file *file = NULL;

	if (request->received[0])
		capability_kind(request->received[0], &file);
	return file && file->node.entry == NODE_NAME ? (struct name *)file->node.id : NULL;
}

static bool from_file_system(const struct request *request)
{
	return request->forwarded && request->badge & BADGE_SERVICE && request->badge != BADGE_SERVICE;
}

/* A file system says which inode a path is; its Handle is what the client shows for it. */
long op_socket_name(struct request *request)
{
	struct name_key key = { request->badge, request->m[2], request->m[1], request->m[3] };
	struct open_file *file;
	struct name *name;
	long result;

	if (!from_file_system(request))
		return -EPERM;
	if (request->m[0] != SOCKET_NAME_BIND && !address_find_key(key))
		return -ECONNREFUSED;
	name = memory_take(sizeof(*name));
	file = name ? open_file_new((struct node){ .id = (u64)name, .entry = NODE_NAME }, LINUX_O_RDONLY, LINUX_S_IFSOCK | 0777) : NULL;
	result = file ? open_file_give(request, file, 0) : -ENFILE;
	if (!result) {
		*name = (struct name){ key, request->m[0] == SOCKET_NAME_BIND };
		return 0;
	}
	if (file)
		open_file_drop(file);
	memory_free(name, sizeof(*name));
	return result;
}

long unix_find(struct request *request, const u8 *bytes, size_t length, unsigned type, struct socket **to)
{
	const struct name *name = address_is_path(bytes, length) ? name_of_request(request) : NULL;
	struct socket *found;

	if (address_is_path(bytes, length))
		found = name ? address_find_key(name->key) : NULL;
	else
		found = address_find_abstract(bytes, length, type);
	if (!found)
		return -ECONNREFUSED;
	if (found->type != type)
		return -EPROTOTYPE;
	socket_hold(found);
	*to = found;
	return 0;
}

static long bind_to(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	bool path = address_is_path(bytes, length);
	struct name *name = path ? name_of_request(request) : NULL;
	struct address *address;

	if (path && (!name || !name->bind))
		return -EINVAL;
	if (!path && address_find_abstract(bytes, length, socket->type))
		return -EADDRINUSE;
	address = address_new(bytes, length);
	if (!address)
		return -ENOMEM;
	address->path = path;
	if (path)
		address->key = name->key;
	if (path)
		name->bind = false;
	address_bind(address, socket);
	return 0;
}

static long bind(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	bool automatic = length == 2 && bytes[0] == LINUX_AF_UNIX && !bytes[1];
	long error = automatic ? 0 : address_check(bytes, length);

	if (error)
		return error;
	if (socket->address)
		return automatic ? 0 : -EINVAL;
	return automatic ? address_autobind(socket) : bind_to(request, socket, bytes, length);
}

static size_t own_name(const struct socket *socket, u8 *to)
{
	return address_show(socket->address, to);
}

static long peer_name(const struct socket *socket, u8 *to)
{
	return socket->peer ? (long)address_show(socket->peer->address, to) : -ENOTCONN;
}

static size_t accepted_from(const struct socket *socket, u8 *to)
{
	return address_show(socket->peer->address, to);
}

/* ---- listening ---- */

static long listen(struct request *request, struct socket *socket, unsigned backlog)
{
	if (!socket->address || socket->state == SOCKET_CONNECTED)
		return -EINVAL;
	socket->backlog = MIN(backlog, (unsigned)setting(SETTING_SOCKET_BACKLOG));
	socket->state = SOCKET_LISTENING;
	socket->credentials = credentials_of(request->principal, true);
	socket->had_credentials = true;
	socket_room(socket);
	return 0;
}

/* ---- connecting ---- */

struct connect {
	struct socket *socket, *to; /* a reference to the second */
	struct socket_credentials who;
};

void socket_join(struct socket *one, struct socket *two, struct socket_credentials who)
{
	socket_set_peer(one, two);
	one->credentials = who;
	one->had_credentials = true;
	if (!socket_is_datagram(one))
		one->state = SOCKET_CONNECTED;
}

static long stream_connect_check(const struct socket *socket, const struct socket *to)
{
	if (to->state != SOCKET_LISTENING || to->closed & CLOSED_RECEIVE)
		return -ECONNREFUSED;
	if (to->embryo_count > to->backlog)
		return WOULD_WAIT;
	if (socket->state == SOCKET_CONNECTED)
		return -EISCONN;
	return socket->state == SOCKET_LISTENING ? -EINVAL : 0;
}

/* The other end of the connection waits to be accepted. */
static long stream_connect_try(const struct request *request, struct connect *c)
{
	struct socket *socket = c->socket, *to = c->to, *embryo;
	long result = stream_connect_check(socket, to);

	if (result)
		return result;
	embryo = socket_new_embryo(to, request->principal, &result);
	if (!embryo)
		return result;
	socket_join(embryo, socket, c->who);
	socket_join(socket, embryo, to->credentials);
	socket_embryo_queue(to, embryo);
	socket_changed(socket, LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLHUP);
	return 0;
}

static long connect_again(struct request *request, void *operation)
{
	struct connect *c = operation;
	long given_up = wait_given_up(request), result = given_up ? given_up : stream_connect_try(request, c);

	if (result != WOULD_WAIT)
		socket_drop(c->to);
	return result;
}

static long stream_connect(struct request *request, struct connect *c)
{
	long result = stream_connect_try(request, c);

	if (result == WOULD_WAIT && request_nonblocking(request))
		result = -EAGAIN;
	if (result == WOULD_WAIT)
		result = wait_start(request, c->to, WAIT_ROOM, c->socket->options.send_timeout, connect_again, c, sizeof(*c));
	if (result != REQUEST_KEPT)
		socket_drop(c->to);
	return result;
}

/* To somebody else, or (NULL) to nobody. */
static long datagram_connect(struct socket *socket, struct socket *to)
{
	struct socket *old = socket->peer;

	if (to && to->peer && to->peer != socket)
		return -EPERM;
	if (old)
		socket_hold(old);
	socket_set_peer(socket, to);
	socket->state = to ? SOCKET_CONNECTED : SOCKET_UNCONNECTED;
	if (old && old != to)
		datagram_disconnected(socket, old);
	if (old)
		socket_drop(old);
	socket_changed(socket, LINUX_POLLOUT | LINUX_POLLWRNORM);
	return 0;
}

static long connect_to(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	struct connect c = { .socket = socket, .who = credentials_of(request->principal, true) };
	long error = address_check(bytes, length);

	if (!error && socket->options.pass_credentials && !socket->address)
		error = address_autobind(socket);
	if (!error)
		error = unix_find(request, bytes, length, socket->type, &c.to);
	if (error)
		return error;
	if (!socket_is_datagram(socket))
		return stream_connect(request, &c);
	error = datagram_connect(socket, c.to);
	socket_drop(c.to);
	return error;
}

static long connect(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	if (socket_is_datagram(socket) && address_is_unspecified(bytes, length))
		return datagram_connect(socket, NULL);
	return connect_to(request, socket, bytes, length);
}

/* ---- the end ---- */

static long shutdown(struct socket *socket, unsigned closed)
{
	struct socket *peer = socket->peer;
	unsigned across = (closed & CLOSED_RECEIVE ? CLOSED_SEND : 0) | (closed & CLOSED_SEND ? CLOSED_RECEIVE : 0);

	socket->closed |= closed;
	if (peer && !socket_is_datagram(socket)) {
		peer->closed |= across;
		socket_changed(peer, READABLE | LINUX_POLLHUP | LINUX_POLLOUT | (peer->closed == CLOSED_BOTH ? 0 : LINUX_POLLRDHUP));
	}
	socket_changed(socket, READABLE | LINUX_POLLRDHUP | LINUX_POLLHUP | LINUX_POLLOUT | SOCKET_QUIETLY);
	return 0;
}

static void closing(struct socket *socket, bool embryo)
{
	struct socket *peer = socket->peer;

	if (socket->address && socket->address->socket == socket)
		address_unbind(socket->address);
	if (!peer)
		return;
	if (!socket_is_datagram(socket)) {
		peer->closed = CLOSED_BOTH;
		if (!list_empty(&socket->messages) || embryo)
			peer->error = ECONNRESET;
	}
	socket_changed(peer, READABLE | WRITABLE | LINUX_POLLHUP);
	socket_set_peer(socket, NULL);
}

/* ---- sending, receiving ---- */

static long connected_check(const struct socket *socket, size_t address)
{
	if (socket_is_stream(socket) && address)
		return socket->state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (!socket->peer || (!socket_is_datagram(socket) && socket->state != SOCKET_CONNECTED))
		return -ENOTCONN;
	return 0;
}

/* Only a stream's byte may be out of band. */
static bool refuses_mark(const struct send *s)
{
	return s->flags & LINUX_MSG_OOB && (!socket_is_stream(s->socket) || !s->length);
}

/* Whom to, and whether it may be that long. */
static long send_prepare(struct request *request, struct send *s, const u8 *address, size_t address_length)
{
	bool named = address_length && socket_is_datagram(s->socket);
	long error = named ? address_check(address, address_length) : connected_check(s->socket, address_length);

	if (refuses_mark(s) && (!error || s->socket->type != LINUX_SOCK_SEQPACKET))
		error = -EOPNOTSUPP;
	if (!error && !socket_is_stream(s->socket) && s->socket->options.pass_credentials && !s->socket->address)
		error = address_autobind(s->socket);
	if (!error && !socket_is_stream(s->socket) && s->length > s->socket->options.send_limit - DATAGRAM_OVERHEAD)
		error = -EMSGSIZE;
	if (!error && named)
		error = unix_find(request, address, address_length, s->socket->type, &s->to);
	return error;
}

static long send_check(struct socket *socket)
{
	return socket->closed & CLOSED_SEND || socket->peer->dead || socket->peer->closed & CLOSED_RECEIVE ? -EPIPE : 0;
}

static long at_end(struct socket *socket, bool some)
{
	long error = socket->state == SOCKET_CONNECTED ? socket_take_error(socket) : -EINVAL;

	(void)some;
	return error ? error : socket->closed & CLOSED_RECEIVE ? 0 : WOULD_WAIT;
}

static long mark_check(const struct socket *socket)
{
	if (!socket_is_stream(socket))
		return socket->type == LINUX_SOCK_SEQPACKET && socket->state != SOCKET_CONNECTED ? -ENOTCONN : -EOPNOTSUPP;
	return socket->state != SOCKET_CONNECTED || socket->options.out_of_band_inline || !socket->mark ? -EINVAL : 0;
}

/* The receiver has gone. A socket that was connected to it is so no more. */
static long datagram_refused(struct socket *socket, struct socket *to)
{
	if (socket->type == LINUX_SOCK_SEQPACKET)
		return -EPIPE;
	if (socket->peer != to)
		return -ECONNREFUSED;
	socket_hold(to);
	socket_set_peer(socket, NULL);
	socket->state = SOCKET_UNCONNECTED;
	datagram_disconnected(socket, to);
	socket_drop(to);
	return -ECONNREFUSED;
}

static bool datagram_full(const struct socket *socket, const struct socket *to)
{
	return to != socket && to->peer != socket && to->message_count > to->backlog;
}

/* What is in the way: 0, an error, or WOULD_WAIT; then *on and *kind. */
static long datagram_check(struct socket *socket, struct socket *to, struct socket **on, enum wait_kind *kind)
{
	*on = socket;
	*kind = WAIT_SEND;
	if (socket->error)
		return socket_take_error(socket);
	if (socket->closed & CLOSED_SEND)
		return -EPIPE;
	if (!socket_may_send(socket))
		return WOULD_WAIT;
	if (to->dead)
		return datagram_refused(socket, to);
	if (to->peer && to->peer != socket)
		return -EPERM;
	if (to->closed & CLOSED_RECEIVE)
		return -EPIPE;
	*on = to;
	*kind = WAIT_ROOM;
	return datagram_full(socket, to) ? WOULD_WAIT : 0;
}

static long send_datagram(struct request *request, struct send *s, struct socket **on, enum wait_kind *kind)
{
	struct socket *to = s->to ? s->to : s->socket->peer;
	long result = to ? datagram_check(s->socket, to, on, kind) : -ECONNRESET;
	struct message *message;

	if (result)
		return result;
	message = send_take_message(request, s, to, s->length, &result);
	if (!message)
		return result;
	message->charge = charge_of_datagram(s->length);
	socket_message_queue(to, message);
	return (long)s->length;
}

/* ---- readiness ---- */

static bool writable(const struct socket *socket)
{
	return socket->state != SOCKET_LISTENING && ((u64)socket->sent + 1) * 4 <= socket_send_limit(socket);
}

static bool tells_room(struct socket *socket)
{
	return writable(socket);
}

/* A datagram socket whose peer is full for it. */
static bool peer_full(const struct socket *socket)
{
	const struct socket *peer = socket->peer;

	return !socket_is_stream(socket) && peer && peer->peer != socket && peer->message_count > peer->backlog;
}

static unsigned poll(const struct socket *socket, unsigned wanted)
{
	unsigned events = socket->error ? LINUX_POLLERR : 0;

	if (socket->closed == CLOSED_BOTH)
		events |= LINUX_POLLHUP;
	if (socket->closed & CLOSED_RECEIVE)
		events |= LINUX_POLLRDHUP | READABLE;
	if (!list_empty(&socket->messages) || (socket->state == SOCKET_LISTENING && !list_empty(&socket->embryos)))
		events |= READABLE;
	if (socket->mark)
		events |= LINUX_POLLPRI;
	if (!socket_is_datagram(socket) && socket->state == SOCKET_UNCONNECTED)
		events |= LINUX_POLLHUP;
	if (wanted & WRITABLE && writable(socket) && !peer_full(socket))
		events |= WRITABLE;
	return events;
}

/* ---- the rest ---- */

static long get_option(struct socket *socket, unsigned level, unsigned name, void *value, size_t room)
{
	(void)socket, (void)level, (void)name, (void)value, (void)room;
	return -EOPNOTSUPP;
}

static long set_option(const struct request *request, struct socket *socket, unsigned level, unsigned name, const void *value, size_t size)
{
	(void)request, (void)socket, (void)level, (void)name, (void)value, (void)size;
	return -EOPNOTSUPP;
}

static long unsent(const struct socket *socket)
{
	return (long)socket->sent;
}

const struct transport transport_unix = {
	.created = created,
	.freed = freed,
	.closing = closing,
	.bind = bind,
	.connect = connect,
	.listen = listen,
	.shutdown = shutdown,
	.accepted = socket_room,
	.own_name = own_name,
	.peer_name = peer_name,
	.accepted_from = accepted_from,
	.poll = poll,
	.tells_room = tells_room,
	.send_prepare = send_prepare,
	.send_check = send_check,
	.send_datagram = send_datagram,
	.at_end = at_end,
	.mark_check = mark_check,
	.get_option = get_option,
	.set_option = set_option,
	.unsent = unsent,
};
