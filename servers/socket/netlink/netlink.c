/* The transport of AF_NETLINK: port numbers, groups, who gets what is sent. */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/charge.h"

#define READABLE (LINUX_POLLIN | LINUX_POLLRDNORM)
#define WRITABLE (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND)

#define LEVEL_NETLINK   270
#define SEND_OVERHEAD   32u    /* of SO_SNDBUF, that a message cannot have */
#define PRESSED_RECEIVE 4096u  /* of SO_RCVBUF, when all sockets together hold much */
#define BUCKETS         64u
#define ROVER_FIRST     (-4097) /* ports of those after a process's first */

struct sockaddr_netlink {
	u16 family, pad;
	u32 port, groups;
};
_Static_assert(sizeof(struct sockaddr_netlink) == 12, "sockaddr_nl");

/* Nothing is ever told by NETLINK_KOBJECT_UEVENT: no device comes or goes. Linux lets user 0 make events up. */
static long event_request(struct netlink_request *request)
{
	return request->privileged ? -EOPNOTSUPP : -EPERM;
}

static const struct netlink_protocol protocols[] = {
	{ NETLINK_ROUTE, 36, true, false, netlink_route_request },
	{ NETLINK_USERSOCK, 32, false, true, NULL },
	{ NETLINK_SOCK_DIAG, 32, true, false, netlink_diag_request },
	{ NETLINK_KOBJECT_UEVENT, 32, true, false, event_request },
};

static struct list_node ports[BUCKETS];
static struct list_node members = LIST_INIT(members);
static u8 sent_bytes[NETLINK_SEND_MAX];

const struct netlink_protocol *netlink_protocol_find(unsigned number)
{
	for (unsigned i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == number)
			return &protocols[i];
	return NULL;
}

static bool is_privileged(const struct request *request)
{
	return credentials_of(request->principal, true).uid == 0;
}

/* ---- life ---- */

static long created(struct socket *socket, const struct socket *like)
{
	struct netlink *netlink = memory_take(sizeof(*netlink));

	(void)like;
	if (!netlink)
		return -ENOMEM;
	netlink->socket = socket;
	socket->netlink = netlink;
	return 0;
}

static void freed(struct socket *socket)
{
	memory_free(socket->netlink, sizeof(*socket->netlink));
}

static void closing(struct socket *socket, bool embryo)
{
	struct netlink *netlink = netlink_of(socket);

	(void)embryo;
	netlink_dump_end(netlink);
	netlink_set_groups(netlink, 0);
	if (netlink->bound)
		list_remove(&netlink->link);
	netlink->bound = false;
}

/* ---- ports ---- */

static struct list_node *bucket(u32 port)
{
	struct list_node *list = &ports[(port ^ port >> 12) % BUCKETS];

	if (!list->next)
		list_init(list);
	return list;
}

struct netlink *netlink_find(const struct netlink_protocol *protocol, u32 port)
{
	list_for_each_entry(netlink, bucket(port), struct netlink, link)
		if (netlink->protocol == protocol && netlink->port == port)
			return netlink;
	return NULL;
}

/* A new socket's is set after this part of it is made. */
const struct netlink_protocol *netlink_protocol_of(struct netlink *netlink)
{
	if (!netlink->protocol)
		netlink->protocol = netlink_protocol_find(netlink->socket->protocol);
	return netlink->protocol;
}

static long take_port(struct netlink *netlink, u32 port)
{
	if (netlink_find(netlink_protocol_of(netlink), port))
		return -EADDRINUSE;
	netlink->port = port;
	netlink->bound = true;
	list_push_back(bucket(port), &netlink->link);
	return 0;
}

/* The process's number, or one that is none. As there are fewer sockets than such numbers, one is free. */
static void choose_port(struct netlink *netlink, const struct request *request)
{
	static s32 rover = ROVER_FIRST;
	u32 pid = credentials_of(request->principal, true).pid;

	if (netlink->bound || (pid && !take_port(netlink, pid)))
		return;
	do {
		if (rover >= ROVER_FIRST || rover == INT32_MIN)
			rover = ROVER_FIRST;
		rover--;
	} while (take_port(netlink, (u32)rover));
}

/* ---- names ---- */

static long take_name(const u8 *bytes, size_t length, struct sockaddr_netlink *name)
{
	if (length < sizeof(*name))
		return -EINVAL;
	memcpy(name, bytes, sizeof(*name));
	return name->family == LINUX_AF_NETLINK ? 0 : -EINVAL;
}

static u32 first_group(u32 groups)
{
	return groups ? (u32)__builtin_ctz(groups) + 1 : 0;
}

static u32 group_mask(u32 group)
{
	return group && group <= 32 ? 1u << (group - 1) : 0;
}

static size_t give_name(u8 *to, u32 port, u32 groups)
{
	struct sockaddr_netlink name = { LINUX_AF_NETLINK, 0, port, groups };

	memcpy(to, &name, sizeof(name));
	return sizeof(name);
}

static size_t own_name(const struct socket *socket, u8 *to)
{
	return give_name(to, netlink_of(socket)->port, (u32)netlink_of(socket)->groups);
}

static long peer_name(const struct socket *socket, u8 *to)
{
	return (long)give_name(to, netlink_of(socket)->to_port, group_mask(netlink_of(socket)->to_group));
}

void netlink_set_groups(struct netlink *netlink, u64 groups)
{
	if (groups && !netlink->groups)
		list_push_back(&members, &netlink->member);
	if (!groups && netlink->groups)
		list_remove(&netlink->member);
	netlink->groups = groups;
	netlink->has_groups |= groups != 0;
}

static long bind(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	struct netlink *netlink = netlink_of(socket);
	const struct netlink_protocol *protocol = netlink_protocol_of(netlink);
	struct sockaddr_netlink name;
	long error = take_name(bytes, length, &name);

	if (error)
		return error;
	if (name.groups && !protocol->anyone_receives && !is_privileged(request))
		return -EPERM;
	if (netlink->bound && name.port != netlink->port)
		return -EINVAL;
	if (!netlink->bound && name.port)
		error = take_port(netlink, name.port);
	else
		choose_port(netlink, request);
	if (error)
		return error;
	/* There are 32 groups at least, so each bit is one. */
	netlink_set_groups(netlink, (netlink->groups & ~0xfffffffful) | name.groups);
	return 0;
}

static bool may_send(struct netlink *netlink, const struct request *request, u32 port, u32 groups)
{
	return (!port && !groups) || netlink_protocol_of(netlink)->anyone_sends || is_privileged(request);
}

static long connect(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	struct netlink *netlink = netlink_of(socket);
	struct sockaddr_netlink name;
	long error;

	if (address_is_unspecified(bytes, length)) {
		socket->state = SOCKET_UNCONNECTED;
		netlink->to_port = netlink->to_group = 0;
		return 0;
	}
	error = take_name(bytes, length, &name);
	if (error)
		return error;
	if (!may_send(netlink, request, name.port, name.groups))
		return -EPERM;
	choose_port(netlink, request);
	socket->state = SOCKET_CONNECTED;
	netlink->to_port = name.port;
	netlink->to_group = first_group(name.groups);
	return 0;
}

static long listen(struct request *request, struct socket *socket, unsigned backlog)
{
	(void)request, (void)socket, (void)backlog;
	return -EOPNOTSUPP;
}

static long shutdown(struct socket *socket, unsigned closed)
{
	(void)socket, (void)closed;
	return -EOPNOTSUPP;
}

/* ---- a message for somebody ---- */

struct packet {
	const u8 *bytes;
	size_t length;
	u32 port, group;
	struct socket_credentials who; /* all 0: this machine */
};

/* Linux counts the message itself, but for one in an empty queue. */
static bool has_room(const struct netlink *to, u32 charge)
{
	u32 limit = to->socket->options.receive_limit;

	if (messages_held() >= socket_held_limit)
		limit = MIN(limit, PRESSED_RECEIVE);
	return (!to->socket->sent || to->socket->sent + charge <= limit) && !to->congested;
}

bool netlink_half_empty(const struct netlink *netlink)
{
	u32 limit = netlink->socket->options.receive_limit;

	if (messages_held() >= socket_held_limit)
		limit = 0;
	return netlink->socket->sent <= limit / 2;
}

/* It has lost one. It is told once, and gets nothing more until it has read what is there; if nothing is there (no memory), the next may come. */
static void overrun(struct netlink *to)
{
	to->lost++;
	if (to->no_overrun || to->congested)
		return;
	to->congested = !list_empty(&to->socket->messages);
	to->socket->error = ENOBUFS;
	socket_changed(to->socket, LINUX_POLLERR);
}

void netlink_recovered(struct netlink *netlink)
{
	netlink->congested = false;
	socket_room(netlink->socket);
}

static struct message *message_of(const struct packet *p)
{
	struct message *message = socket_may_hold(p->length) ? message_new(p->length) : NULL;
	struct netlink_note note = { { sizeof(note) }, p->port, p->group };

	if (!message)
		return NULL;
	message->note = memory_take(sizeof(note));
	if (!message->note) {
		message_free(message);
		return NULL;
	}
	memcpy(message->note, &note, sizeof(note));
	message_put(message, p->bytes);
	message->signed_by = true;
	message->who = p->who;
	return message;
}

static bool queue(struct netlink *to, const struct packet *p, u32 charged)
{
	struct message *message = message_of(p);

	if (!message)
		return false;
	message->from = to->socket;
	socket_hold(to->socket);
	message->charge = charged;
	socket_message_queue(to->socket, message);
	return true;
}

bool netlink_deliver(struct netlink *to, const u8 *bytes, size_t length, u32 charged)
{
	struct packet p = { .bytes = bytes, .length = length };

	if ((charged || has_room(to, charge_of_netlink(length))) && queue(to, &p, charged ? charged : charge_of_netlink(length)))
		return true;
	overrun(to);
	return false;
}

/* ---- sending ---- */

static long mark_check(const struct socket *socket)
{
	(void)socket;
	return -EOPNOTSUPP;
}

static long send_prepare(struct request *request, struct send *s, const u8 *address, size_t length)
{
	struct netlink *netlink = netlink_of(s->socket);
	struct sockaddr_netlink name;
	struct netlink_note *note;
	bool had_rights = s->rights != NULL;
	long error = s->flags & LINUX_MSG_OOB ? -EOPNOTSUPP : s->length ? 0 : -ENODATA;

	if (s->rights)
		rights_drop(s->rights);
	s->rights = NULL;
	if (!error && had_rights)
		error = -EINVAL;
	if (!error && length)
		error = take_name(address, length, &name);
	if (!error && length && !may_send(netlink, request, name.port, name.groups))
		error = -EPERM;
	if (error)
		return error;
	choose_port(netlink, request);
	if (s->length > MIN(s->socket->options.send_limit - SEND_OVERHEAD, NETLINK_SEND_MAX))
		return -EMSGSIZE;
	note = memory_take(sizeof(*note));
	if (!note)
		return -ENOBUFS;
	note->note.size = sizeof(*note);
	note->port = length ? name.port : netlink->to_port;
	note->group = length ? first_group(name.groups) : netlink->to_group;
	s->note = &note->note;
	return 0;
}

/* To all who are in the group, but its sender and who gets it anyway. */
static void broadcast(struct netlink *from, const struct packet *p, u32 except)
{
	list_for_each_entry(to, &members, struct netlink, member) {
		if (to == from || to->protocol != from->protocol || to->port == except || !(to->groups >> (p->group - 1) & 1))
			continue;
		if (!has_room(to, charge_of_netlink(p->length)) || !queue(to, p, charge_of_netlink(p->length)))
			overrun(to);
	}
}

/* What a program can be sent now: 0, an error, or WOULD_WAIT. */
static long check_receiver(const struct netlink *from, const struct netlink *to, size_t length)
{
	if (!to || (to->socket->state == SOCKET_CONNECTED && to->to_port != from->port))
		return -ECONNREFUSED;
	return has_room(to, charge_of_netlink(length)) ? 0 : WOULD_WAIT;
}

static long to_machine(struct netlink *from, const struct packet *p, bool privileged)
{
	if (!from->protocol->request)
		return -ECONNREFUSED;
	netlink_requests(from, p->bytes, p->length, privileged);
	return (long)p->length;
}

static long send_datagram(struct request *request, struct send *s, struct socket **on, enum wait_kind *kind)
{
	struct netlink *from = netlink_of(s->socket), *to;
	const struct netlink_note *note = (const struct netlink_note *)s->note;
	struct packet p = { sent_bytes, s->length, from->port, note->group, s->signed_by ? s->who : credentials_of(request->principal, false) };
	long error;

	to = note->port ? netlink_find(from->protocol, note->port) : NULL;
	error = note->port ? check_receiver(from, to, s->length) : 0;
	if (error == WOULD_WAIT) {
		*on = to->socket;
		*kind = WAIT_ROOM;
	}
	if (error)
		return error;
	if (request_take(request, sent_bytes, s->length) < s->length) {
		request->moved = 0;
		return 0;
	}
	if (note->group)
		broadcast(from, &p, note->port);
	if (!note->port)
		error = to_machine(from, &p, is_privileged(request));
	else
		error = queue(to, &p, charge_of_netlink(s->length)) ? (long)s->length : -ENOBUFS;
	return error;
}

/* ---- receiving ---- */

/* Control message NETLINK_PKTINFO. */
static size_t give_packet_info(u8 *to, u32 group, size_t room)
{
	struct {
		u64 length;
		int level, type;
		u32 group, pad;
	} control = { 16 + sizeof(u32), LEVEL_NETLINK, NETLINK_PKTINFO, group, 0 };

	if (room < sizeof(control))
		return 0;
	memcpy(to, &control, sizeof(control));
	return sizeof(control);
}

static size_t tell(const struct socket *socket, const struct note *note, u8 *to, bool address, size_t *control)
{
	const struct netlink_note *told = (const struct netlink_note *)note;
	size_t length = address ? give_name(to, told->port, group_mask(told->group)) : 0;

	*control = netlink_of(socket)->packet_info ? give_packet_info(to + length, told->group, *control) : 0;
	return length;
}

static void received(struct socket *socket, size_t length)
{
	struct netlink *netlink = netlink_of(socket);

	netlink->largest_receive = MAX(netlink->largest_receive, length);
	netlink_dump_continue(netlink);
	if (list_empty(&socket->messages))
		netlink->congested = false;
}

static bool tells_room(struct socket *socket)
{
	(void)socket;
	return false;
}

static unsigned poll(const struct socket *socket, unsigned wanted)
{
	(void)wanted;
	return WRITABLE | (socket->error ? LINUX_POLLERR : 0) | (list_empty(&socket->messages) ? 0 : READABLE);
}

const struct transport transport_netlink = {
	.created = created,
	.freed = freed,
	.closing = closing,
	.bind = bind,
	.connect = connect,
	.listen = listen,
	.shutdown = shutdown,
	.own_name = own_name,
	.peer_name = peer_name,
	.poll = poll,
	.tells_room = tells_room,
	.send_prepare = send_prepare,
	.send_datagram = send_datagram,
	.tell = tell,
	.received = received,
	.mark_check = mark_check,
	.get_option = netlink_get_option,
	.set_option = netlink_set_option,
};
