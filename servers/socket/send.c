/* Sending. What is sent becomes messages in the receiver's list; one that does not get all of its bytes never was. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/charge.h"
#include "servers/socket/socket.h"

#define TRANSFER_MAX      0x7ffff000ul

/* ---- one message ---- */

static void message_sign(struct message *message, const struct send *s, const struct socket *to, const struct request *request)
{
	message->signed_by = s->signed_by || s->socket->options.pass_credentials || to->options.pass_credentials || !to->file;
	if (message->signed_by)
		message->who = s->signed_by ? s->who : credentials_of(request->principal, false);
}

/* Takes the next `length` bytes and the rights. NULL: nothing has changed; *result is what to answer. */
struct message *send_take_message(struct request *request, struct send *s, const struct socket *to, size_t length, long *result)
{
	struct message *message = socket_may_hold(length) ? message_new(length) : NULL;

	*result = (long)request->moved;
	if (!message) {
		*result = request->moved ? *result : -ENOBUFS;
		return NULL;
	}
	if (!message_fill(request, message)) {
		message_free(message);
		return NULL;
	}
	message_sign(message, s, to, request);
	message->from = s->charge_receiver ? s->to : s->socket;
	socket_hold(message->from);
	message->rights = s->rights;
	s->rights = NULL;
	message->note = s->note;
	s->note = NULL;
	return message;
}

/* ---- streams ---- */

/* Nobody will read them: they are taken all the same, up to `length` of the request's. */
bool send_lose(struct request *request, size_t length)
{
	u8 bytes[512];

	while (request->moved < length && !request->stopped)
		request_take(request, bytes, MIN(length - request->moved, sizeof(bytes)));
	return !request->stopped;
}

/* A byte out of band, the last, is a part of its own. */
static size_t stream_part_length(const struct send *s, size_t left)
{
	return charge_stream_part(s->flags & LINUX_MSG_OOB && left > 1 ? left - 1 : left, s->socket->options.send_limit);
}

/* One part more. 0: it is sent; else the result. */
static long stream_part(struct request *request, struct send *s)
{
	struct socket *socket = s->socket;
	size_t left = s->length - request->moved, length = stream_part_length(s, left);
	struct message *message;
	long result;

	if (socket->error && !request->moved)
		return socket_take_error(socket);
	if (!socket_may_send(socket))
		return WOULD_WAIT;
	message = send_take_message(request, s, socket->peer, length, &result);
	if (!message)
		return result;
	message->charge = charge_of_stream(length);
	socket_message_queue(socket->peer, message);
	if (s->flags & LINUX_MSG_OOB && left == 1)
		socket_mark(socket->peer, message);
	return 0;
}

static long stream_try(struct request *request, struct send *s)
{
	const struct transport *transport = s->socket->transport;
	long result;

	do {
		result = transport->send_check(s->socket);
		if (!s->length)
			return result == SEND_LOST ? 0 : result;
		if (result == SEND_LOST) {
			/* One part, as much as is taken of others at once: what follows meets the reset. */
			if (send_lose(request, request->moved + charge_stream_part(s->length - request->moved, s->socket->options.send_limit)))
				transport->send_lost(s->socket);
			return (long)request->moved;
		}
		if (!result)
			result = stream_part(request, s);
		if (result < 0 && result != WOULD_WAIT && request->moved)
			return (long)request->moved;
		if (result || request->stopped)
			return result;
	} while (request->moved < s->length);
	return (long)request->moved;
}

/* ---- both ---- */

static long send_try(struct request *request, struct send *s, struct socket **on, enum wait_kind *kind)
{
	*on = s->socket;
	*kind = WAIT_SEND;
	return socket_is_stream(s->socket) ? stream_try(request, s) : s->socket->transport->send_datagram(request, s, on, kind);
}

static long send_done(struct send *s, long result)
{
	if (s->rights)
		rights_drop(s->rights);
	note_free(s->note);
	if (s->to)
		socket_drop(s->to);
	return result;
}

static long send_again(struct request *request, void *operation)
{
	struct send *s = operation;
	struct socket *on;
	enum wait_kind kind;
	long result = wait_given_up(request);

	if (result)
		return send_done(s, request->moved ? (long)request->moved : result);
	result = send_try(request, s, &on, &kind);
	if (result != WOULD_WAIT)
		return send_done(s, result);
	wait_move(request, on, kind);
	return WOULD_WAIT;
}

long socket_send(struct request *request, struct send *s)
{
	struct socket *on;
	enum wait_kind kind;
	long result = send_try(request, s, &on, &kind);

	if (result == WOULD_WAIT && (request_nonblocking(request) || s->flags & LINUX_MSG_DONTWAIT))
		result = request->moved ? (long)request->moved : -EAGAIN;
	if (result == WOULD_WAIT)
		result = wait_start(request, on, kind, s->socket->options.send_timeout, send_again, s, sizeof(*s));
	if (result != REQUEST_KEPT)
		send_done(s, result);
	sockets_settle();
	return result;
}

/* ---- what came ---- */

/* Only one's own: from the principal. */
static long check_credentials(const struct request *request, const struct socket_credentials *claimed)
{
	struct socket_credentials real = credentials_of(request->principal, false), effective = credentials_of(request->principal, true);
	bool uid = claimed->uid == real.uid || claimed->uid == effective.uid, gid = claimed->gid == real.gid || claimed->gid == effective.gid;

	return claimed->pid == real.pid && uid && gid ? 0 : -EPERM;
}

static struct rights *take_rights(struct request *request, unsigned first, long *error)
{
	unsigned count = (unsigned)MIN(request->m[5], SOCKET_RIGHTS_MAX + 1ul);

	if (request->m[4] & SEND_BUNDLE)
		return rights_of_bundle(request, first, count, error);
	return rights_take(request, first, count, NULL, error);
}

/* FILE_WRITE */
long socket_write(struct request *request, size_t length)
{
	struct send s = { .socket = socket_of(request->file), .length = length };
	long error = s.socket->transport->send_prepare(request, &s, NULL, 0);

	return error ? error : socket_send(request, &s);
}

long op_send(struct request *request)
{
	u8 data[SOCKET_ADDRESS_MAX + sizeof(struct socket_credentials) + SOCKET_CONTROL_MAX];
	size_t address = request->m[3], control = request->m[6], extra = request->m[4] & SEND_CREDENTIALS ? sizeof(struct socket_credentials) : 0;
	struct send s = { .socket = socket_of(request->file), .length = MIN(request->m[0], TRANSFER_MAX), .flags = (unsigned)request->m[1] };
	bool path;
	long error = 0;

	if (address > SOCKET_ADDRESS_MAX || control > SOCKET_CONTROL_MAX || address + extra + control != request->bytes)
		return -EINVAL;
	memcpy(data, serve_message->data, request->bytes);
	s.control = data + address + extra;
	s.control_length = control;
	memcpy(&s.who, data + address, extra);
	s.signed_by = extra != 0;
	path = address_is_path(data, address);
	if (extra)
		error = check_credentials(request, &s.who);
	if (!error && request->m[5])
		s.rights = take_rights(request, path, &error);
	if (!error)
		error = s.socket->transport->send_prepare(request, &s, data, address);
	return error ? send_done(&s, error) : socket_send(request, &s);
}
