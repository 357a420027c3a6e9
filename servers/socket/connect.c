/* Names, connections, and their end. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/socket.h"

#define READABLE (LINUX_POLLIN | LINUX_POLLRDNORM)
#define SETTABLE LINUX_O_NONBLOCK

/* ---- sockets ---- */

long socket_give(struct request *request, struct socket *socket, unsigned flags, unsigned index)
{
	struct open_file *file = open_file_new((struct node){ .id = (u64)socket, .entry = NODE_SOCKET }, LINUX_O_RDWR | (flags & SETTABLE), socket->mode);
	long result;

	if (!file)
		return -ENFILE;
	file->opened = socket_is_stream(socket) ? 0 : OPENED_PACKETS;
	result = open_file_give(request, file, index);
	if (result)
		open_file_drop(file);
	else
		socket->file = file;
	return result;
}

static long check_kind(unsigned family, unsigned *type, unsigned protocol)
{
	if (family != LINUX_AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol && protocol != LINUX_AF_UNIX)
		return -EPROTONOSUPPORT;
	if (*type == LINUX_SOCK_RAW) /* as on Linux */
		*type = LINUX_SOCK_DGRAM;
	return *type == LINUX_SOCK_STREAM || *type == LINUX_SOCK_DGRAM || *type == LINUX_SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

static void join(struct socket *one, struct socket *two, struct socket_credentials who)
{
	socket_set_peer(one, two);
	one->credentials = who;
	one->had_credentials = true;
	if (!socket_is_datagram(one))
		one->state = SOCKET_CONNECTED;
}

static long make_pair(struct request *request, struct socket *one, unsigned flags)
{
	long result;
	struct socket *two = socket_new(one->type, request->principal, &result);

	if (two)
		result = socket_give(request, two, flags, 1);
	if (result) {
		if (two)
			socket_close(two, false);
		return result;
	}
	two->protocol = one->protocol;
	join(one, two, credentials_of(request->principal, true));
	join(two, one, credentials_of(request->principal, true));
	return 0;
}

/* The first of a pair is given last: if that fails the second's Handle is nobody's, and closes it. */
long op_socket(struct request *request)
{
	unsigned type = (unsigned)request->m[1], flags = (unsigned)request->m[4];
	long result = check_kind((unsigned)request->m[0], &type, (unsigned)request->m[3]);
	struct socket *socket;

	if (result)
		return result;
	socket = socket_new(type, request->principal, &result);
	if (!socket)
		return result;
	socket->protocol = (unsigned)request->m[3];
	result = socket_give(request, socket, flags, 0);
	if (!result && request->m[5] == 1) {
		result = make_pair(request, socket, flags);
		if (result) {
			open_file_drop(socket->file);
			request->answer_caps = 0;
		}
	}
	if (result)
		socket_close(socket, false);
	sockets_settle();
	return result;
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

long socket_find(struct request *request, const u8 *bytes, size_t length, unsigned type, struct socket **to)
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

/* The sockaddr in the message, copied. */
static size_t take_address(const struct request *request, u8 bytes[SOCKET_ADDRESS_MAX])
{
	size_t length = MIN((size_t)request->bytes, (size_t)SOCKET_ADDRESS_MAX);

	memcpy(bytes, serve_message->data, length);
	return request->bytes > SOCKET_ADDRESS_MAX ? request->bytes : length;
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

long op_bind(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	u8 bytes[SOCKET_ADDRESS_MAX];
	size_t length = take_address(request, bytes);
	bool automatic = length == 2 && bytes[0] == LINUX_AF_UNIX && !bytes[1];
	long error = automatic ? 0 : address_check(bytes, length);

	if (error)
		return error;
	if (socket->address)
		return automatic ? 0 : -EINVAL;
	return automatic ? address_autobind(socket) : bind_to(request, socket, bytes, length);
}

long op_socket_address(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	const struct address *address = socket->address;
	u8 bytes[SOCKET_ADDRESS_MAX + 1];

	if (request->m[0]) {
		if (!socket->peer)
			return -ENOTCONN;
		address = socket->peer->address;
	}
	request->answer_bytes = (unsigned)address_show(address, bytes);
	memcpy(serve_message->data, bytes, request->answer_bytes);
	return (long)request->answer_bytes;
}

/* ---- listening ---- */

long op_listen(struct request *request)
{
	struct socket *socket = socket_of(request->file);

	if (socket_is_datagram(socket))
		return -EOPNOTSUPP;
	if (!socket->address || socket->state == SOCKET_CONNECTED)
		return -EINVAL;
	socket->backlog = MIN((unsigned)request->m[0], SOCKET_BACKLOG_MAX);
	socket->state = SOCKET_LISTENING;
	socket->credentials = credentials_of(request->principal, true);
	socket->had_credentials = true;
	socket_room(socket);
	sockets_settle();
	return 0;
}

/* ---- connecting ---- */

struct connect {
	struct socket *socket, *to; /* a reference to the second */
	struct socket_credentials who;
};

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
	embryo = socket_new(socket->type, request->principal, &result);
	if (!embryo)
		return result;
	embryo->uid = to->uid;
	embryo->gid = to->gid;
	embryo->address = to->address;
	address_hold(to->address);
	join(embryo, socket, c->who);
	join(socket, embryo, to->credentials);
	list_push_back(&to->embryos, &embryo->embryos);
	to->embryo_count++;
	socket_changed(to, READABLE);
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
		result = wait_start(request, c->to, WAIT_ROOM, c->socket->send_timeout, connect_again, c, sizeof(*c));
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

static bool is_unspecified(const u8 *bytes, size_t length)
{
	return length >= 2 && bytes[0] == LINUX_AF_UNSPEC && !bytes[1];
}

static long connect_to(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	struct connect c = { .socket = socket, .who = credentials_of(request->principal, true) };
	long error = address_check(bytes, length);

	if (!error && socket->pass_credentials && !socket->address)
		error = address_autobind(socket);
	if (!error)
		error = socket_find(request, bytes, length, socket->type, &c.to);
	if (error)
		return error;
	if (!socket_is_datagram(socket))
		return stream_connect(request, &c);
	error = datagram_connect(socket, c.to);
	socket_drop(c.to);
	return error;
}

long op_connect(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	u8 bytes[SOCKET_ADDRESS_MAX];
	size_t length = take_address(request, bytes);
	long result;

	if (socket_is_datagram(socket) && is_unspecified(bytes, length))
		result = datagram_connect(socket, NULL);
	else
		result = connect_to(request, socket, bytes, length);
	sockets_settle();
	return result;
}

/* ---- accepting ---- */

struct accept {
	struct socket *socket;
	unsigned flags;
};

static struct socket *accept_try(struct accept *a, long *error)
{
	struct socket *socket = a->socket, *embryo = NULL;

	*error = socket->state == SOCKET_LISTENING ? 0 : -EINVAL;
	if (!*error)
		embryo = list_first_entry(&socket->embryos, struct socket, embryos);
	if (!*error && !embryo)
		*error = socket->closed & CLOSED_RECEIVE ? -EINVAL : WOULD_WAIT;
	if (!embryo)
		return NULL;
	list_remove(&embryo->embryos);
	list_init(&embryo->embryos);
	socket->embryo_count--;
	socket_room(socket);
	return embryo;
}

/* Its Handle, and the address of who connected. */
static long accept_done(struct request *request, struct socket *embryo, unsigned flags)
{
	u8 bytes[SOCKET_ADDRESS_MAX + 1];
	long result = socket_give(request, embryo, flags, 0);

	if (result) {
		socket_close(embryo, true);
		return result;
	}
	request->answer[1] = address_show(embryo->peer->address, bytes);
	request->answer_bytes = (unsigned)request->answer[1];
	memcpy(serve_message->data, bytes, request->answer_bytes);
	return 0;
}

static long accept_again(struct request *request, void *operation)
{
	struct accept *a = operation;
	long result = wait_given_up(request);
	struct socket *embryo = result ? NULL : accept_try(a, &result);

	return embryo ? accept_done(request, embryo, a->flags) : result;
}

long op_accept(struct request *request)
{
	struct accept a = { socket_of(request->file), (unsigned)request->m[0] };
	struct socket *embryo;
	long result;

	if (socket_is_datagram(a.socket))
		return -EOPNOTSUPP;
	embryo = accept_try(&a, &result);
	if (result == WOULD_WAIT && request_nonblocking(request))
		result = -EAGAIN;
	if (result == WOULD_WAIT)
		result = wait_start(request, a.socket, WAIT_RECEIVE, a.socket->receive_timeout, accept_again, &a, sizeof(a));
	sockets_settle();
	return embryo ? accept_done(request, embryo, a.flags) : result;
}

/* ---- shutdown ---- */

long op_shutdown(struct request *request)
{
	struct socket *socket = socket_of(request->file), *peer = socket->peer;
	unsigned how = (unsigned)request->m[0] + 1, across = (how & CLOSED_RECEIVE ? CLOSED_SEND : 0) | (how & CLOSED_SEND ? CLOSED_RECEIVE : 0);

	if (how < CLOSED_RECEIVE || how > CLOSED_BOTH)
		return -EINVAL;
	socket->closed |= how;
	if (peer && !socket_is_datagram(socket)) {
		peer->closed |= across;
		socket_changed(peer, READABLE | LINUX_POLLRDHUP | LINUX_POLLHUP | LINUX_POLLOUT);
	}
	socket_changed(socket, READABLE | LINUX_POLLRDHUP | LINUX_POLLHUP | LINUX_POLLOUT);
	sockets_settle();
	return 0;
}
