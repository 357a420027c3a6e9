/*
 * TCP within this machine. A connection's two ends are each other's peers; what one sends is in the other's queue at once. There is nothing on its way, so
 * of TCP's states these are left: LISTEN, SYN_SENT (the listener's queue is full), ESTABLISHED, FIN_WAIT2 (own end is closed), CLOSE_WAIT (the peer's is), and
 * CLOSE: both are, or the connection was reset. An end that was closed while the other is not is no socket any more: what is sent to it
 * is lost, and resets the sender. Nothing can come late either, so there is no TIME_WAIT: a port is free as soon as its sockets are gone.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/inet.h"

#define READABLE  (LINUX_POLLIN | LINUX_POLLRDNORM)
#define WRITABLE  (LINUX_POLLOUT | LINUX_POLLWRNORM)
#define ANY_EVENT (READABLE | WRITABLE | LINUX_POLLRDHUP | LINUX_POLLHUP | LINUX_POLLERR)

#define SEND_LIMIT_FIRST    16384u   /* net.ipv4.tcp_wmem */
#define SEND_LIMIT          2626560u /* what Linux's becomes on the loopback interface */
#define RECEIVE_LIMIT       131072u  /* net.ipv4.tcp_rmem */
#define NS_PER_SECOND       1000000000ul

/* Linux's TCP_ states */
enum { ESTABLISHED = 1, SYN_SENT = 2, FIN_WAIT2 = 5, CLOSE = 7, CLOSE_WAIT = 8, LISTEN = 10 };

static struct list_node timed = LIST_INIT(timed); /* pending connections, by their deadlines */

static long created(struct socket *socket, const struct socket *like)
{
	socket->options.send_limit = SEND_LIMIT_FIRST;
	socket->options.receive_limit = RECEIVE_LIMIT;
	return inet_created(socket, like);
}

unsigned tcp_state(const struct socket *socket)
{
	const struct inet *inet = inet_of(socket);

	switch (socket->state) {
	case SOCKET_LISTENING: return LISTEN;
	case SOCKET_CONNECTING: return SYN_SENT;
	case SOCKET_UNCONNECTED: return CLOSE;
	case SOCKET_CONNECTED: break;
	}
	if (inet->over)
		return CLOSE;
	return inet->fin_received ? CLOSE_WAIT : inet->fin_sent ? FIN_WAIT2 : ESTABLISHED;
}

/* ---- the end of a connection ---- */

static void connection_over(struct socket *socket, unsigned events)
{
	struct inet *inet = inet_of(socket);

	inet->over = true;
	socket->closed = CLOSED_BOTH;
	if (!inet->port_bound)
		port_leave(inet);
	socket_changed(socket, events);
}

/* The peer has sent RST. What has come before can be read still. */
static void reset_arrives(struct socket *socket)
{
	if (socket->state != SOCKET_CONNECTED || inet_of(socket)->over)
		return;
	socket->error = inet_of(socket)->fin_received ? EPIPE : ECONNRESET;
	connection_over(socket, ANY_EVENT);
}

static void fin_arrives(struct socket *socket)
{
	struct inet *inet = inet_of(socket);

	if (inet->over)
		return;
	inet->fin_received = true;
	socket->closed |= CLOSED_RECEIVE;
	if (inet->fin_sent)
		connection_over(socket, READABLE | WRITABLE | LINUX_POLLHUP);
	else
		socket_changed(socket, READABLE | LINUX_POLLRDHUP);
	socket_changed(socket, READABLE); /* the owner is told of the end, and that it can be read, as on Linux */
}

static void fin_send(struct socket *socket)
{
	struct inet *inet = inet_of(socket);

	if (inet->over || inet->fin_sent)
		return;
	inet->fin_sent = true;
	socket->closed |= CLOSED_SEND;
	if (!socket->peer->dead)
		fin_arrives(socket->peer);
	if (inet->fin_received && !inet->over)
		connection_over(socket, ANY_EVENT | SOCKET_QUIETLY);
}

/* ---- connections that wait for room at a listener ---- */

static void pending_leave(struct socket *socket)
{
	struct inet *inet = inet_of(socket);

	list_remove(&inet->pending);
	list_init(&inet->pending);
	list_remove(&inet->timed);
}

static void connect_fails(struct socket *socket, int error)
{
	socket->error = error;
	socket->closed = CLOSED_BOTH;
	if (!inet_of(socket)->port_bound)
		port_leave(inet_of(socket));
	socket_changed(socket, ANY_EVENT);
}

static void pending_fails(struct socket *socket, int error)
{
	pending_leave(socket);
	socket->state = SOCKET_UNCONNECTED;
	connect_fails(socket, error);
}

static struct inet *pending_first(const struct socket *listener)
{
	return list_first_entry(&inet_of(listener)->pending, struct inet, pending);
}

static bool has_room(const struct socket *listener)
{
	return listener->embryo_count <= listener->backlog;
}

unsigned long tcp_deadline(void)
{
	struct inet *first = list_first_entry(&timed, struct inet, timed);

	return first ? first->deadline : 0;
}

void tcp_expired(void)
{
	u64 now = kernel_monotonic();
	struct inet *first;

	while ((first = list_first_entry(&timed, struct inet, timed)) && first->deadline <= now)
		pending_fails(first->socket, ETIMEDOUT);
	sockets_settle();
}

/* ---- connecting ---- */

static void begin(struct socket *socket, struct socket *peer)
{
	struct inet *inet = inet_of(socket);

	inet->fin_sent = inet->fin_received = inet->over = false;
	socket_set_peer(socket, peer);
	socket->state = SOCKET_CONNECTED;
	if (!socket->options.send_limit_set)
		socket->options.send_limit = SEND_LIMIT;
}

/* The listener has room. Without memory for the other end it fails: it must not wait, as nobody tells when there is some, and others would wait behind it. */
static void establish(struct socket *socket, struct socket *listener)
{
	struct inet *inet = inet_of(socket), *other;
	struct socket *embryo;
	long error;

	embryo = socket_new_embryo(listener, 0, &error);
	if (!embryo) {
		connect_fails(socket, ENOBUFS);
		return;
	}
	other = inet_of(embryo);
	other->local = inet->remote;
	other->remote = inet->local;
	port_take(other, inet->remote.port);
	begin(embryo, socket);
	begin(socket, embryo);
	socket_embryo_queue(listener, embryo);
	socket_changed(socket, WRITABLE);
}

/* Somebody was accepted, or the queue has become longer. */
static void admit_pending(struct socket *listener)
{
	struct inet *next;

	while (has_room(listener) && (next = pending_first(listener))) {
		pending_leave(next->socket);
		next->socket->state = SOCKET_UNCONNECTED;
		establish(next->socket, listener);
	}
}

/* Linux asks again after one second, two, four ... */
static u64 syn_patience(const struct inet *inet)
{
	u64 patience = ((2ul << MIN(inet->values[VALUE_SYNCNT], 7)) - 1) * NS_PER_SECOND, limit = (u64)inet->values[VALUE_USER_TIMEOUT] * 1000000;

	return limit ? MIN(limit, patience) : patience;
}

static void timed_add(struct inet *inet)
{
	struct list_node *at = timed.next;

	while (at != &timed && list_entry(at, struct inet, timed)->deadline <= inet->deadline)
		at = at->next;
	list_push_back(at, &inet->timed);
}

static void wait_for_room(struct socket *socket, struct socket *listener)
{
	struct inet *inet = inet_of(socket);

	socket->state = SOCKET_CONNECTING;
	inet->deadline = kernel_monotonic() + syn_patience(inet);
	list_push_back(&inet_of(listener)->pending, &inet->pending);
	timed_add(inet);
}

/* Back to what it was before it was connected, but for a port and address that bind gave it. */
static void forget_connection(struct socket *socket)
{
	struct inet *inet = inet_of(socket);
	bool six = inet_is_six(socket);

	if (!inet->port_bound)
		port_leave(inet);
	inet->automatic = false;
	if (!inet->address_bound)
		inet_set_any(&inet->local, six);
	inet_set_any(&inet->remote, six);
	inet->remote.port = 0;
	inet->connecting = inet->fin_sent = inet->fin_received = inet->over = false;
	socket->state = SOCKET_UNCONNECTED;
	socket->closed = 0;
}

/* SYN. What comes of it is in the socket's state and error. 0, or why it was not sent. */
static long start(struct socket *socket, const u8 *bytes, size_t length)
{
	struct inet *inet = inet_of(socket);
	struct inet_name to;
	struct socket *listener;
	long error = inet_take(socket, bytes, length, &to);

	if (!error)
		error = inet_route(socket, &to);
	if (error)
		return error;
	inet_choose_source(socket, &to);
	error = port_connect(inet, &to);
	if (error) {
		if (!inet->address_bound)
			inet_set_any(&inet->local, inet_is_six(socket));
		return error;
	}
	inet->remote = to;
	inet->connecting = true;
	socket->error = 0;
	listener = port_find_listener(&to, &inet->local);
	if (!listener && inet_same(&to, &inet->local))
		begin(socket, socket);
	else if (!listener)
		connect_fails(socket, ECONNREFUSED);
	else if (has_room(listener))
		establish(socket, listener);
	else
		wait_for_room(socket, listener);
	return 0;
}

/* What the attempt came to; the socket may try again after a failure. */
static long connect_result(struct socket *socket)
{
	long error;

	inet_of(socket)->connecting = false;
	if (socket->state == SOCKET_CONNECTED)
		return 0;
	error = socket_take_error(socket);
	forget_connection(socket);
	return error ? error : -ECONNABORTED;
}

struct connect {
	struct socket *socket;
	long unfinished; /* the answer while it is */
};

static long connect_again(struct request *request, void *operation)
{
	struct connect *c = operation;
	long given_up = wait_given_up(request);

	if (given_up)
		return given_up == -EAGAIN ? c->unfinished : given_up;
	return c->socket->state == SOCKET_CONNECTING ? WOULD_WAIT : connect_result(c->socket);
}

static void leave(struct socket *socket, bool reset);

static long disconnect(struct socket *socket)
{
	if (socket->state == SOCKET_CONNECTING || (socket->state == SOCKET_CONNECTED && !inet_of(socket)->over))
		socket->error = ECONNRESET;
	leave(socket, true);
	forget_connection(socket);
	socket_changed(socket, ANY_EVENT | SOCKET_QUIETLY);
	return 0;
}

static long connect(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	struct connect c = { socket, -EALREADY };
	bool ends = inet_of(socket)->connecting;
	long error;

	if (length < sizeof(u16))
		return -EINVAL;
	if (address_is_unspecified(bytes, length))
		return disconnect(socket);
	if (!inet_of(socket)->connecting) {
		error = socket->state == SOCKET_UNCONNECTED ? start(socket, bytes, length) : -EISCONN;
		if (error)
			return error;
		c.unfinished = -EINPROGRESS;
	}
	if (request_nonblocking(request) && (!ends || socket->state == SOCKET_CONNECTING))
		return c.unfinished;
	if (socket->state == SOCKET_CONNECTING)
		return wait_start(request, socket, WAIT_SEND, socket->options.send_timeout, connect_again, &c, sizeof(c));
	return connect_result(socket);
}

static long peer_name(const struct socket *socket, u8 *to)
{
	unsigned state = tcp_state(socket);

	return state == CLOSE || state == SYN_SENT || state == LISTEN ? -ENOTCONN : (long)inet_give(socket, &inet_of(socket)->remote, to);
}

static size_t accepted_from(const struct socket *socket, u8 *to)
{
	return inet_give(socket, &inet_of(socket)->remote, to);
}

/* ---- listening ---- */

static long listen(struct request *request, struct socket *socket, unsigned backlog)
{
	struct inet *inet = inet_of(socket);
	long error = 0;

	(void)request;
	if (inet->connecting || (socket->state != SOCKET_UNCONNECTED && socket->state != SOCKET_LISTENING))
		return -EINVAL;
	socket->backlog = MIN(backlog, (unsigned)setting(SETTING_SOCKET_BACKLOG));
	if (socket->state == SOCKET_LISTENING) {
		admit_pending(socket);
		return 0;
	}
	error = inet->listed ? port_listen_check(inet) : port_bind(inet, 0);
	if (error)
		return error;
	socket->state = SOCKET_LISTENING;
	port_listen(inet);
	return 0;
}

/* ---- going ---- */

static void stop_listening(struct socket *listener)
{
	struct inet *next;

	while ((next = pending_first(listener)))
		pending_fails(next->socket, ECONNREFUSED);
	socket_close_embryos(listener);
	listener->state = SOCKET_UNCONNECTED;
	if (inet_of(listener)->port_bound)
		port_unlisten(inet_of(listener));
	else
		port_leave(inet_of(listener));
}

/* Whatever it has with others ends. */
static void leave(struct socket *socket, bool reset)
{
	struct socket *peer = socket->peer;

	if (socket->state == SOCKET_LISTENING)
		stop_listening(socket);
	if (socket->state == SOCKET_CONNECTING)
		pending_leave(socket);
	if (!peer)
		return;
	/* A peer that was disconnected may have another by now. */
	if (reset && !peer->dead && peer != socket && peer->peer == socket)
		reset_arrives(peer);
	else if (!reset)
		fin_send(socket);
	socket_empty(socket);
	socket_set_peer(socket, NULL);
}

static void closing(struct socket *socket, bool embryo)
{
	bool unread = !list_empty(&socket->messages), abort = socket->options.linger && !socket->options.linger_seconds;

	leave(socket, embryo || unread || abort);
	port_leave(inet_of(socket));
}

static long shutdown(struct socket *socket, unsigned closed)
{
	struct inet *inet = inet_of(socket);
	bool closed_before = tcp_state(socket) == CLOSE;

	switch (socket->state) {
	case SOCKET_LISTENING:
		if (closed & CLOSED_RECEIVE) {
			stop_listening(socket);
			socket_changed(socket, ANY_EVENT | SOCKET_QUIETLY);
		}
		return 0;
	case SOCKET_CONNECTING:
		inet->connecting = false;
		return disconnect(socket);
	case SOCKET_UNCONNECTED:
		break;
	case SOCKET_CONNECTED:
		inet->connecting = false;
		break;
	}
	if (closed & CLOSED_SEND && !closed_before)
		fin_send(socket);
	socket->closed |= closed;
	socket_changed(socket, ANY_EVENT | SOCKET_QUIETLY);
	return closed_before ? -ENOTCONN : 0;
}

/* ---- sending, receiving ---- */

static long send_prepare(struct request *request, struct send *s, const u8 *address, size_t length)
{
	/* An address says nothing to a stream, nor do descriptors to another machine. */
	(void)request, (void)address, (void)length;
	if (s->rights)
		rights_drop(s->rights);
	s->rights = NULL;
	return 0;
}

static long send_check(struct socket *socket)
{
	if (socket->state == SOCKET_CONNECTING)
		return WOULD_WAIT;
	if (socket->error)
		return socket_take_error(socket);
	if (socket->state != SOCKET_CONNECTED || socket->closed & CLOSED_SEND)
		return -EPIPE;
	if (!socket_may_send(socket))
		inet_of(socket)->room_wanted = true;
	return socket->peer->dead || socket->peer->closed == CLOSED_BOTH ? SEND_LOST : 0;
}

/* It has come to an end that neither sends nor receives any more. */
static void send_lost(struct socket *socket)
{
	if (!socket->peer->dead)
		reset_arrives(socket->peer);
	reset_arrives(socket);
}

static long at_end(struct socket *socket, bool some)
{
	const struct inet *inet = inet_of(socket);

	if (some && (socket->error || socket->closed & CLOSED_RECEIVE || tcp_state(socket) == CLOSE))
		return 0;
	if (inet->fin_received)
		return 0;
	if (socket->error)
		return socket_take_error(socket);
	if (socket->closed & CLOSED_RECEIVE)
		return 0;
	return socket->state == SOCKET_UNCONNECTED || socket->state == SOCKET_LISTENING ? -ENOTCONN : WOULD_WAIT;
}

/* After a reset only what came before FIN can be had. */
static long mark_check(const struct socket *socket)
{
	if (socket->state == SOCKET_LISTENING)
		return -ENOTCONN;
	if (socket->options.out_of_band_inline || !socket->mark || socket->mark_taken)
		return -EINVAL;
	return inet_of(socket)->over && !inet_of(socket)->fin_received ? -ENOTCONN : 0;
}

/* ---- readiness ---- */

static bool writable(const struct socket *socket)
{
	return (u64)socket->sent * 3 <= (u64)socket_send_limit(socket) * 2;
}

/* Only to who has found none: an edge of epoll is not for each read of the peer. */
static bool tells_room(struct socket *socket)
{
	struct inet *inet = inet_of(socket);

	if (!inet->room_wanted || !writable(socket))
		return false;
	inet->room_wanted = false;
	return true;
}

static bool readable(const struct socket *socket)
{
	bool passes_one = socket_at_mark(socket) && !socket->options.out_of_band_inline;
	size_t low = (size_t)socket->options.receive_low + passes_one, sum = 0;

	list_for_each_entry(message, &socket->messages, struct message, link) {
		sum += message_left(message);
		if (sum >= low)
			return true;
	}
	/* There cannot be more before these are read. */
	return sum && socket->peer && !socket_may_send(socket->peer);
}

static unsigned poll(const struct socket *socket, unsigned wanted)
{
	unsigned state = tcp_state(socket), events = socket->error ? LINUX_POLLERR : 0;

	(void)wanted;
	if (state == LISTEN)
		return list_empty(&socket->embryos) ? 0 : READABLE;
	if (socket->closed == CLOSED_BOTH || state == CLOSE)
		events |= LINUX_POLLHUP;
	if (socket->closed & CLOSED_RECEIVE)
		events |= READABLE | LINUX_POLLRDHUP;
	if (state == SYN_SENT)
		return events;
	if (readable(socket))
		events |= READABLE;
	if (socket->mark && !socket->mark_taken)
		events |= LINUX_POLLPRI;
	if (socket->closed & CLOSED_SEND || writable(socket))
		events |= WRITABLE;
	else
		inet_of(socket)->room_wanted = true;
	return events;
}

/* All has arrived that was sent, as far as the peer has room. */
static long unsent(const struct socket *socket)
{
	if (socket->state == SOCKET_LISTENING)
		return -EINVAL;
	return 0;
}

const struct transport transport_tcp = {
	.created = created,
	.freed = inet_freed,
	.closing = closing,
	.bind = inet_bind,
	.connect = connect,
	.listen = listen,
	.shutdown = shutdown,
	.accepted = admit_pending,
	.accepted_from = accepted_from,
	.own_name = inet_own_name,
	.peer_name = peer_name,
	.poll = poll,
	.tells_room = tells_room,
	.send_prepare = send_prepare,
	.send_check = send_check,
	.send_lost = send_lost,
	.at_end = at_end,
	.mark_check = mark_check,
	.mark_stays = true,
	.get_option = inet_get_option,
	.set_option = inet_set_option,
	.unsent = unsent,
	.truncates = true,
};
