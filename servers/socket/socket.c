/* How sockets come, are connected, change and go. */
#include "servers/socket/socket.h"

#include "lib/errno.h"

#define READABLE (LINUX_POLLIN | LINUX_POLLRDNORM)
#define WRITABLE (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND)

struct list_node sockets = LIST_INIT(sockets);
static struct list_node changed_sockets = LIST_INIT(changed_sockets);
static u64 next_ino = 3000;
static struct users owners;  /* sockets of each */
size_t socket_held_limit = SIZE_MAX / 2;

#define PRESSED_SEND_LIMIT 4096u

struct socket_credentials credentials_of(unsigned long principal, bool effective)
{
	const struct principal_entry *who = principal_find(principal);

	if (!who)
		return (struct socket_credentials){ 0, ~0u, ~0u };
	return (struct socket_credentials){ who->pid, effective ? who->euid : who->uid, effective ? who->egid : who->gid };
}

/* 0, -ENFILE, -ENOMEM. */
static long count_in(u32 user, bool privileged)
{
	if (privileged ? owners.all >= SOCKETS_MAX : !users_is_fair(&owners, user, 1, SOCKETS_MAX))
		return -ENFILE;
	return users_add(&owners, user, 1) ? 0 : -ENOMEM;
}

static void free_uncounted(struct socket *socket)
{
	users_add(&owners, socket->user, -1);
	memory_free(socket, sizeof(*socket));
}

static struct socket *new(const struct transport *transport, unsigned domain, unsigned type, unsigned long principal, const struct socket *like, long *error)
{
	struct socket_credentials who = credentials_of(principal, true);
	u32 user = like ? like->user : credentials_of(principal, false).uid;
	struct socket *socket;

	*error = count_in(user, like ? !user : !who.uid);
	if (*error)
		return NULL;
	socket = memory_take(sizeof(*socket));
	if (!socket) {
		users_add(&owners, user, -1);
		*error = -ENOMEM;
		return NULL;
	}
	socket->user = user;
	socket->references = 1;
	socket->transport = transport;
	socket->domain = domain;
	socket->type = type;
	socket->options.send_limit = socket->options.receive_limit = SOCKET_DEFAULT_LIMIT;
	socket->backlog = DATAGRAM_QUEUE_MAX;
	socket->options.receive_low = 1;
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
	*error = transport->created(socket, like);
	if (*error) {
		free_uncounted(socket);
		return NULL;
	}
	list_push_back(&sockets, &socket->all);
	return socket;
}

struct socket *socket_new(const struct transport *transport, unsigned domain, unsigned type, unsigned long principal, long *error)
{
	return new(transport, domain, type, principal, NULL, error);
}

struct socket *socket_new_embryo(struct socket *listener, unsigned long principal, long *error)
{
	struct socket *embryo = new(listener->transport, listener->domain, listener->type, principal, listener, error);

	if (!embryo)
		return NULL;
	embryo->protocol = listener->protocol;
	embryo->uid = listener->uid;
	embryo->gid = listener->gid;
	return embryo;
}

void socket_embryo_queue(struct socket *listener, struct socket *embryo)
{
	list_push_back(&listener->embryos, &embryo->embryos);
	listener->embryo_count++;
	socket_changed(listener, READABLE);
}

void socket_hold(struct socket *socket)
{
	socket->references++;
}

void socket_drop(struct socket *socket)
{
	if (--socket->references)
		return;
	socket->transport->freed(socket);
	if (list_linked(&socket->all))
		list_remove(&socket->all);
	free_uncounted(socket);
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
	if (socket->file && events & SOCKET_QUIETLY)
		poll_wake_waiting(socket->file->poll, events & ~SOCKET_QUIETLY);
	else if (socket->file && events)
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
	return messages_held() < socket_held_limit ? socket->options.send_limit : MIN(socket->options.send_limit, PRESSED_SEND_LIMIT);
}

void socket_message_queue(struct socket *to, struct message *message)
{
	list_push_back(&to->messages, &message->link);
	to->message_count++;
	message->from->sent += message->charge;
	socket_changed(to, READABLE);
}

bool socket_at_mark(const struct socket *socket)
{
	return socket->mark && socket->mark->link.prev == &socket->messages;
}

/* As Linux has it: a mark that TCP's reader has reached and not passed goes when the next comes; another becomes a byte as all are. */
void socket_mark(struct socket *to, struct message *message)
{
	if (to->transport->mark_stays && socket_at_mark(to) && !to->options.out_of_band_inline)
		socket_message_consume(to, to->mark);
	to->mark = message;
	to->mark_taken = false;
	if (to->file)
		async_urgent(to->file);
	socket_changed(to, LINUX_POLLPRI | SOCKET_QUIETLY);
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
	socket_changed(from, from->transport->tells_room(from) ? WRITABLE : 0);
	socket_drop(from);
	if (message->rights)
		rights_drop(message->rights);
	message_free(message);
}

long socket_waiting_bytes(const struct socket *socket)
{
	size_t sum = 0;

	if (socket->state == SOCKET_LISTENING)
		return -EINVAL;
	list_for_each_entry(message, &socket->messages, struct message, link) {
		if (message == socket->mark && socket->transport->mark_stays && !socket->options.out_of_band_inline)
			break;
		sum += message_left(message);
		if (socket_is_datagram(socket))
			break;
	}
	return (long)sum;
}

void socket_message_consume(struct socket *socket, struct message *message)
{
	if (socket->mark == message)
		socket->mark = NULL;
	list_remove(&message->link);
	socket->message_count--;
	socket_message_gone(message);
}

void socket_empty(struct socket *socket)
{
	struct message *message;

	while ((message = list_first_entry(&socket->messages, struct message, link)))
		socket_message_consume(socket, message);
}

/* ---- the end ---- */

void socket_close_embryos(struct socket *listener)
{
	struct socket *embryo;

	while ((embryo = list_first_entry(&listener->embryos, struct socket, embryos))) {
		list_remove(&embryo->embryos);
		list_init(&embryo->embryos);
		socket_close(embryo, true);
	}
	listener->embryo_count = 0;
}

void socket_close(struct socket *socket, bool embryo)
{
	socket->dead = true;
	socket->file = NULL;
	socket->transport->closing(socket, embryo);
	socket->closed = CLOSED_BOTH;
	wake_senders_to(socket);
	if (socket->state == SOCKET_LISTENING)
		socket_close_embryos(socket);
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

unsigned socket_poll(const struct socket *socket, unsigned wanted)
{
	return socket->transport->poll(socket, wanted);
}
