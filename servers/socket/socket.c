/* How sockets come, are connected, change and go. */
#include "servers/socket/socket.h"

#include "lib/errno.h"

#define READABLE (LINUX_POLLIN | LINUX_POLLRDNORM)
#define WRITABLE (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND)
#define ANY_EVENT (READABLE | WRITABLE | LINUX_POLLRDHUP)

struct list_node sockets = LIST_INIT(sockets);
static struct list_node changed_sockets = LIST_INIT(changed_sockets);
static u64 next_ino = 3000;
static unsigned socket_count;
size_t socket_held_limit = SIZE_MAX / 2;

#define PRESSED_SEND_LIMIT 4096u

struct socket_credentials credentials_of(unsigned long principal, bool effective)
{
	const struct principal_entry *who = principal_find(principal);

	if (!who)
		return (struct socket_credentials){ 0, ~0u, ~0u };
	return (struct socket_credentials){ who->pid, effective ? who->euid : who->uid, effective ? who->egid : who->gid };
}

struct socket *socket_new(unsigned type, unsigned long principal, long *error)
{
	struct socket *socket = socket_count < SOCKETS_MAX ? memory_take(sizeof(*socket)) : NULL;
	struct socket_credentials who = credentials_of(principal, true);

	*error = socket ? 0 : socket_count < SOCKETS_MAX ? -ENOMEM : -ENFILE;
	if (!socket)
		return NULL;
	socket_count++;
	socket->references = 1;
	socket->type = type;
	socket->send_limit = socket->receive_limit = SOCKET_DEFAULT_LIMIT;
	socket->backlog = DATAGRAM_QUEUE_MAX;
	socket->receive_low = 1;
	socket->mode = LINUX_S_IFSOCK | 0777;
	socket->uid = who.uid;
	socket->gid = who.gid;
	socket->ino = next_ino++;
	socket->created = kernel_realtime();
	list_init(&socket->connected);
	list_init(&socket->messages);
	list_init(&socket->embryos);
	for (unsigned i = 0; i < WAIT_KINDS; i++)
		list_init(&socket->waits[i]);
	list_push_back(&sockets, &socket->all);
	return socket;
}

void socket_hold(struct socket *socket)
{
	socket->references++;
}

void socket_drop(struct socket *socket)
{
	if (--socket->references)
		return;
	if (socket->address)
		address_drop(socket->address);
	if (list_linked(&socket->all))
		list_remove(&socket->all);
	socket_count--;
	memory_free(socket, sizeof(*socket));
}

void socket_set_peer(struct socket *socket, struct socket *peer)
{
	struct socket *old = socket->peer;

	if (peer)
		socket_hold(peer);
	if (old)
		list_remove(&socket->peer_link);
	socket->peer = peer;
	if (peer)
		list_push_back(&peer->connected, &socket->peer_link);
	if (old)
		socket_drop(old);
}

/* ---- changes ---- */

void socket_changed(struct socket *socket, unsigned events)
{
	if (socket->file && events)
		poll_wake(socket->file->poll, events);
	if (list_linked(&socket->changed))
		return;
	socket_hold(socket);
	list_push_back(&changed_sockets, &socket->changed);
}

/* Only the outermost operation settles: what it does is done in order. */
void sockets_settle(void)
{
	static bool settling;
	struct socket *socket;

	if (settling)
		return;
	settling = true;
	do {
		while ((socket = list_first_entry(&changed_sockets, struct socket, changed))) {
			list_remove(&socket->changed);
			wait_try_all(socket);
			socket_drop(socket);
		}
	} while (rights_settle());
	settling = false;
}

long socket_take_error(struct socket *socket)
{
	int error = socket->error;

	socket->error = 0;
	return -error;
}

/* ---- messages ---- */

u32 socket_send_limit(const struct socket *socket)
{
	return messages_held() < socket_held_limit ? socket->send_limit : MIN(socket->send_limit, PRESSED_SEND_LIMIT);
}

static bool has_room(const struct socket *socket)
{
	return socket->state != SOCKET_LISTENING && ((u64)socket->sent + 1) * 4 <= socket_send_limit(socket);
}

void socket_message_queue(struct socket *to, struct message *message)
{
	list_push_back(&to->messages, &message->link);
	to->message_count++;
	message->from->sent += message->charge;
	socket_changed(to, READABLE);
}

static void wake_senders_to(struct socket *socket)
{
	list_for_each_entry(sender, &socket->connected, struct socket, peer_link)
		if (sender != socket->peer)
			socket_changed(sender, WRITABLE);
}

void socket_room(struct socket *socket)
{
	wake_senders_to(socket);
	socket_changed(socket, 0);
}

void socket_message_gone(struct message *message)
{
	struct socket *from = message->from;

	from->sent -= message->charge;
	socket_changed(from, has_room(from) ? WRITABLE : 0);
	socket_drop(from);
	if (message->rights)
		rights_drop(message->rights);
	message_free(message);
}

void socket_empty(struct socket *socket)
{
	struct message *message;

	while ((message = list_first_entry(&socket->messages, struct message, link))) {
		list_remove(&message->link);
		socket_message_gone(message);
	}
	socket->message_count = 0;
}

/* ---- the end ---- */

static void close_embryos(struct socket *socket)
{
	struct socket *embryo;

	if (socket->state != SOCKET_LISTENING)
		return;
	while ((embryo = list_first_entry(&socket->embryos, struct socket, embryos))) {
		list_remove(&embryo->embryos);
		list_init(&embryo->embryos);
		socket_close(embryo, true);
	}
	socket->embryo_count = 0;
}

static void leave_peer(struct socket *socket, bool embryo)
{
	struct socket *peer = socket->peer;

	if (!peer)
		return;
	if (!socket_is_datagram(socket)) {
		peer->closed = CLOSED_BOTH;
		if (!list_empty(&socket->messages) || embryo)
			peer->error = ECONNRESET;
	}
	socket_changed(peer, ANY_EVENT | LINUX_POLLHUP);
	socket_set_peer(socket, NULL);
}

void socket_close(struct socket *socket, bool embryo)
{
	if (socket->address && socket->address->socket == socket)
		address_unbind(socket->address);
	socket->dead = true;
	socket->file = NULL;
	leave_peer(socket, embryo);
	socket->closed = CLOSED_BOTH;
	wake_senders_to(socket);
	close_embryos(socket);
	socket->state = SOCKET_UNCONNECTED;
	socket_empty(socket);
	list_remove(&socket->all);
	socket_changed(socket, 0);
	socket_drop(socket);
}

void datagram_disconnected(struct socket *socket, struct socket *old)
{
	if (list_empty(&socket->messages))
		return;
	socket_empty(socket);
	wake_senders_to(socket);
	if (!old->dead && old->peer == socket) {
		old->error = ECONNRESET;
		socket_changed(old, LINUX_POLLERR);
	}
}

/* ---- readiness ---- */

/* A datagram socket whose peer is full for it. */
static bool peer_full(const struct socket *socket)
{
	const struct socket *peer = socket->peer;

	return !socket_is_stream(socket) && peer && peer->peer != socket && peer->message_count > peer->backlog;
}

unsigned socket_poll(const struct socket *socket, unsigned wanted)
{
	unsigned events = socket->error ? LINUX_POLLERR : 0;

	if (socket->closed == CLOSED_BOTH)
		events |= LINUX_POLLHUP;
	if (socket->closed & CLOSED_RECEIVE)
		events |= LINUX_POLLRDHUP | READABLE;
	if (!list_empty(&socket->messages) || (socket->state == SOCKET_LISTENING && !list_empty(&socket->embryos)))
		events |= READABLE;
	if (!socket_is_datagram(socket) && socket->state == SOCKET_UNCONNECTED)
		events |= LINUX_POLLHUP;
	if (wanted & WRITABLE && has_room(socket) && !peer_full(socket))
		events |= WRITABLE;
	return events;
}
