/* What sockets of all kinds are asked to do: made, named, connected, accepted, shut down. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/socket.h"

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

static long make_pair(struct request *request, struct socket *one, unsigned flags)
{
	long result;
	struct socket *two = socket_new(one->transport, one->domain, one->type, request->principal, &result);

	if (two)
		result = socket_give(request, two, flags, 1);
	if (result) {
		if (two)
			socket_close(two, false);
		return result;
	}
	two->protocol = one->protocol;
	socket_join(one, two, credentials_of(request->principal, true));
	socket_join(two, one, credentials_of(request->principal, true));
	return 0;
}

/* The first of a pair is given last: if that fails the second's Handle is nobody's, and closes it. */
long op_socket(struct request *request)
{
	unsigned type = (unsigned)request->m[1], protocol = (unsigned)request->m[3], flags = (unsigned)request->m[4];
	const struct transport *transport;
	long result = transport_find((unsigned)request->m[0], &type, &protocol, &transport);
	struct socket *socket;

	if (!result && request->m[5] == 1 && transport != &transport_unix)
		result = -EOPNOTSUPP;
	if (result)
		return result;
	socket = socket_new(transport, (unsigned)request->m[0], type, request->principal, &result);
	if (!socket)
		return result;
	socket->protocol = protocol;
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

/* The sockaddr in the message, copied. */
static size_t take_address(const struct request *request, u8 bytes[SOCKET_ADDRESS_MAX])
{
	size_t length = MIN((size_t)request->bytes, (size_t)SOCKET_ADDRESS_MAX);

	memcpy(bytes, serve_message->data, length);
	return request->bytes > SOCKET_ADDRESS_MAX ? request->bytes : length;
}

long op_bind(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	u8 bytes[SOCKET_ADDRESS_MAX];
	size_t length = take_address(request, bytes);
	long result = socket->transport->bind(request, socket, bytes, length);

	sockets_settle();
	return result;
}

long op_socket_address(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	u8 bytes[SOCKET_ADDRESS_MAX + 1];
	long length = request->m[0] ? socket->transport->peer_name(socket, bytes) : (long)socket->transport->own_name(socket, bytes);

	if (length < 0)
		return length;
	request->answer_bytes = (unsigned)length;
	memcpy(serve_message->data, bytes, (size_t)length);
	return length;
}

/* ---- listening and connecting ---- */

long op_listen(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	long result;

	if (socket_is_datagram(socket))
		return -EOPNOTSUPP;
	result = socket->transport->listen(request, socket, (unsigned)request->m[0]);
	sockets_settle();
	return result;
}

long op_connect(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	u8 bytes[SOCKET_ADDRESS_MAX];
	size_t length = take_address(request, bytes);
	long result = socket->transport->connect(request, socket, bytes, length);

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
	socket->transport->accepted(socket);
	return embryo;
}

/* Its Handle, and the address of who connected. */
static long accept_done(struct request *request, struct socket *embryo, unsigned flags)
{
	u8 bytes[SOCKET_ADDRESS_MAX + 1];
	long result = socket_give(request, embryo, flags, 0), length;

	if (result) {
		socket_close(embryo, true);
		sockets_settle();
		return result;
	}
	length = embryo->transport->accepted_from(embryo, bytes);
	request->answer[1] = (unsigned long)length;
	request->answer_bytes = (unsigned)length;
	memcpy(serve_message->data, bytes, (size_t)length);
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
		result = wait_start(request, a.socket, WAIT_RECEIVE, a.socket->options.receive_timeout, accept_again, &a, sizeof(a));
	sockets_settle();
	return embryo ? accept_done(request, embryo, a.flags) : result;
}

/* ---- shutdown ---- */

long op_shutdown(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	unsigned how = (unsigned)request->m[0] + 1;
	long result;

	if (how < CLOSED_RECEIVE || how > CLOSED_BOTH)
		return -EINVAL;
	result = socket->transport->shutdown(socket, how);
	sockets_settle();
	return result;
}
