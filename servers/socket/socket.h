/*
 * The socket server: Unix-domain sockets, those of the Internet families within this machine (inet.h), and netlink (netlink.h).
 *
 * What is the same for all of them is a socket: a queue of messages, a peer, what it waits for. What differs by family and type is its *transport*,
 * a table of operations (unix.c, tcp.c, udp.c, netlink.c); no other file asks what family a socket is of.
 *
 * A *socket* is found by its open file, by a name it is bound to, or by its peer. What refers to it holds a reference; it is *dead* once its last descriptor
 * is gone, though peers and messages may refer to it still. A listening socket keeps who has connected and was not accepted yet on a list
 * (*embryos*: sockets without an open file). Messages wait in the receiver's list and are charged to the sender.
 *
 * An operation that cannot go on becomes a *wait* on one of the lists of the socket whose change it needs. Whoever changes a socket says socket_changed();
 * at the end of each operation sockets_settle() tries the waits of all that changed, until nothing moves, so no operation runs inside another.
 */
#ifndef SOCKET_SOCKET_H
#define SOCKET_SOCKET_H

#include "abi/socket.h"
#include "serve/serve.h"
#include "serve/users.h"
#include "servers/socket/linux.h"
#include "servers/socket/message.h"

#define SOCKET_DEFAULT_LIMIT 212992u /* of both buffers, and the most that SO_SNDBUF and SO_RCVBUF double: Linux's wmem_max and rmem_max */
#define SOCKETS_MAX          16384u  /* with those that wait to be accepted, which have no Handle; user 0 may have all, others what is fair (users.h) */
#define DATAGRAM_QUEUE_MAX   10u     /* net.unix.max_dgram_qlen */
#define OPTION_MAX           256u    /* bytes of an option's value */

/* CONNECTING: TCP only, while the listener has no room. */
enum socket_state { SOCKET_UNCONNECTED, SOCKET_LISTENING, SOCKET_CONNECTING, SOCKET_CONNECTED };

#define CLOSED_RECEIVE 1u
#define CLOSED_SEND    2u
#define CLOSED_BOTH    3u

/* What a wait is for: something to receive or accept; room of one's own to send; room in another's queue, to send to or connect. */
enum wait_kind { WAIT_RECEIVE, WAIT_SEND, WAIT_ROOM, WAIT_KINDS };

/* The inode that a path's name is, as the file system said it. */
struct name_key {
	u64 service, mount, ino, btime;
};

struct address {
	unsigned references;
	struct list_node link;   /* in the table while its socket lives */
	struct socket *socket;   /* who is bound to it */
	bool path;
	struct name_key key;
	unsigned type;
	unsigned length;
	u8 bytes[SOCKET_ADDRESS_MAX];
};

struct socket;
struct send;
struct receive;

struct transport {
	/* A new socket: 0 or -errno. `like`: the listener whose connection it is, or NULL. */
	long (*created)(struct socket *socket, const struct socket *like);
	/* The last reference is gone. */
	void (*freed)(struct socket *socket);
	/* The last descriptor is: it leaves its name and its peer, who is told. embryo: nobody has accepted it. */
	void (*closing)(struct socket *socket, bool embryo);
	/* Addresses are the program's bytes, of any length to SOCKET_ADDRESS_MAX, or their length alone if they are longer. */
	long (*bind)(struct request *request, struct socket *socket, const u8 *bytes, size_t length);
	long (*connect)(struct request *request, struct socket *socket, const u8 *bytes, size_t length);
	long (*listen)(struct request *request, struct socket *socket, unsigned backlog);
	long (*shutdown)(struct socket *socket, unsigned closed);
	/* Somebody was accepted. */
	void (*accepted)(struct socket *listener);
	/* Of who has connected to a socket that is just accepted: the length, whatever has become of him since. */
	size_t (*accepted_from)(const struct socket *socket, u8 *to);
	/* A sockaddr of up to SOCKET_ADDRESS_MAX + 1 bytes: its length. peer_name: or -ENOTCONN. */
	size_t (*own_name)(const struct socket *socket, u8 *to);
	long (*peer_name)(const struct socket *socket, u8 *to);
	unsigned (*poll)(const struct socket *socket, unsigned wanted);
	/* A message that it was charged for is gone: whether that is an event, POLLOUT. */
	bool (*tells_room)(struct socket *socket);
	/* Before a send: whether it may be, and whom to. */
	long (*send_prepare)(struct request *request, struct send *send, const u8 *address, size_t length);
	/* Datagrams: bytes sent, an error, or WOULD_WAIT; then *on and *kind say for what. */
	long (*send_datagram)(struct request *request, struct send *send, struct socket **on, enum wait_kind *kind);
	/* What is told of a message, by its note: the sender's sockaddr (0 if it has none) into `to`, control messages behind it. Lengths; `control` is room. */
	size_t (*tell)(const struct socket *socket, const struct note *note, u8 *to, bool address, size_t *control);
	/*
	 * Streams: 0; an error; or WOULD_WAIT. send_check: before each part; SEND_LOST: nobody will read it, send_lost() is called when it was taken.
	 * at_end: nothing more is in the queue; `some` was received.
	 */
	long (*send_check)(struct socket *socket);
	void (*send_lost)(struct socket *socket);
	long (*at_end)(struct socket *socket, bool some);
	/* Options of other levels than SOL_SOCKET: the value's size, which may be more than `room`; in `value` as much as there is room; or -errno. */
	long (*get_option)(struct socket *socket, unsigned level, unsigned name, void *value, size_t room);
	long (*set_option)(const struct request *request, struct socket *socket, unsigned level, unsigned name, const void *value, size_t size);
	/* SIOCOUTQ; NULL: neither that nor SIOCINQ is known. */
	long (*unsent)(const struct socket *socket);
	/* A datagram was taken by a call for up to `length` bytes. NULL: nothing follows from it. */
	void (*received)(struct socket *socket, size_t length);
	bool truncates; /* a stream whose reader throws bytes away with MSG_TRUNC */
	/* Whether a byte out of band can be received: 0 or -errno. NULL: the flag means nothing. */
	long (*mark_check)(const struct socket *socket);
	bool mark_stays; /* where it is in the stream when its byte was received out of band */
};

extern const struct transport transport_unix, transport_tcp, transport_udp, transport_netlink;

#define SEND_LOST 1l

/* What setsockopt sets for sockets of all kinds. An accepted connection has its listener's. */
struct socket_options {
	bool pass_credentials, reuse_address, reuse_port, keep_alive, broadcast, out_of_band_inline, dont_route, linger;
	bool send_limit_set, receive_limit_set;
	int linger_seconds, priority, receive_low;
	u32 send_limit, receive_limit;
	u64 receive_timeout, send_timeout; /* ns; 0: none */
};

struct socket {
	unsigned references;
	const struct transport *transport;
	struct open_file *file;      /* NULL: an embryo, or dead */
	unsigned domain, type, protocol;
	enum socket_state state;
	unsigned closed;             /* CLOSED_ */
	bool dead;
	int error;                   /* SO_ERROR, positive */
	struct address *address;     /* a reference; NULL: unbound */
	struct socket *peer;         /* a reference */
	struct list_node peer_link;  /* in the peer's list */
	struct list_node connected;  /* sockets whose peer this is */
	struct list_node messages;   /* to be received */
	unsigned message_count;
	struct message *mark;        /* of those in the list: the byte out of band that came last (MSG_OOB), a message of its own; NULL: none */
	bool mark_taken;             /* that byte was received */
	struct list_node embryos;    /* listening; or the place in that list */
	unsigned embryo_count, backlog;
	u32 sent;                    /* what is charged */
	bool had_credentials;        /* of the peer: SO_PEERCRED */
	struct socket_credentials credentials; /* listening: of who listens */
	struct list_node waits[WAIT_KINDS];
	struct list_node changed;    /* in the list of those */
	unsigned in_flight;          /* rights that are its open file */
	/* the collection's */
	bool reached;
	unsigned carried;            /* those of them in lists */
	struct list_node visited;
	struct socket_options options;
	struct inet *inet;           /* the Internet families' part; or NULL */
	struct netlink *netlink;     /* netlink's; or NULL */
	/* attributes */
	u64 ino, created;
	unsigned mode, uid, gid;
	u32 user;                    /* against whom it counts: of who made it; who listened, for a connection */
	struct list_node all;
};

static inline bool socket_is_datagram(const struct socket *socket)
{
	return socket->type == LINUX_SOCK_DGRAM || socket->type == LINUX_SOCK_RAW;
}

static inline bool socket_is_stream(const struct socket *socket)
{
	return socket->type == LINUX_SOCK_STREAM;
}

/* ---- socket.c: life ---- */

extern struct list_node sockets; /* all that have an open file, or wait to be accepted */

/* Nobody refers to it yet but the caller. NULL: *error says why. */
struct socket *socket_new(const struct transport *transport, unsigned domain, unsigned type, unsigned long principal, long *error);
/* One for the other end of a connection to `listener`: its options, its owner. */
struct socket *socket_new_embryo(struct socket *listener, unsigned long principal, long *error);
/* Who waits to be accepted is turned away. */
void socket_close_embryos(struct socket *listener);
/* It waits to be accepted. */
void socket_embryo_queue(struct socket *listener, struct socket *embryo);
void socket_hold(struct socket *socket);
void socket_drop(struct socket *socket);
/* Nobody has it open any more; takes the caller's reference. */
void socket_close(struct socket *socket, bool embryo);
/* What the next reads would bring: SIOCINQ. -EINVAL: it listens. */
long socket_waiting_bytes(const struct socket *socket);
/* What it would have received is gone. */
void socket_empty(struct socket *socket);
void socket_set_peer(struct socket *socket, struct socket *peer);
/* Beside the events: it was done by this end, so its owner (O_ASYNC) is not told. */
#define SOCKET_QUIETLY (1u << 31)
/* Whoever waits for that socket shall look again, and who polls it for `events`. */
void socket_changed(struct socket *socket, unsigned events);
unsigned socket_poll(const struct socket *socket, unsigned wanted);
struct socket_credentials credentials_of(unsigned long principal, bool effective);
/* Takes the error that is pending: 0 or negative. */
long socket_take_error(struct socket *socket);

/* The message is gone: its sender is charged no more. */
void socket_message_gone(struct message *message);
void socket_message_queue(struct socket *to, struct message *message);
/* It has just been queued: its byte is out of band, and no other is any more. */
void socket_mark(struct socket *to, struct message *message);
/* The reader has come to the byte out of band. */
bool socket_at_mark(const struct socket *socket);
/* It is off the list, read or not wanted. */
void socket_message_consume(struct socket *socket, struct message *message);
/* There is room in its queue: those whose datagrams or connections found it full look again. */
void socket_room(struct socket *socket);

/*
 * What all sockets hold together is limited, as it is nobody's memory but the server's. Above the limit each may send only while little of its own is on its
 * way, so what is there flows off, and nobody is locked out by others; twice that is never exceeded.
 */
extern size_t socket_held_limit;
u32 socket_send_limit(const struct socket *socket);
static inline bool socket_may_send(const struct socket *socket)
{
	return socket->sent < socket_send_limit(socket);
}
static inline bool socket_may_hold(size_t length)
{
	return messages_held() + message_size(length) <= 2 * socket_held_limit;
}

/* ---- wait.c ---- */

/* Tries once more; WOULD_WAIT: not yet. */
typedef long wait_again(struct request *request, void *operation);
#define WOULD_WAIT (-0x20000l)
/* Keeps the request; `operation` is copied. `timeout` ns, 0: none. */
long wait_start(struct request *request, struct socket *on, enum wait_kind kind, u64 timeout, wait_again *again, const void *operation, size_t size);
/* While it is tried: from now on it waits there. */
void wait_move(struct request *request, struct socket *on, enum wait_kind kind);
/* When it is tried for the last time: what it returns unless something was done; else 0. */
static inline long wait_given_up(const struct request *request)
{
	return request->kept ? (long)request->scratch[0] : 0;
}
/* Tries all that waits at that socket. */
void wait_try_all(struct socket *socket);
void sockets_settle(void);
unsigned long wait_deadline(void);
void wait_expired(void);

/* ---- address.c ---- */

struct address *address_new(const u8 *bytes, size_t length);
void address_hold(struct address *address);
void address_drop(struct address *address);
/* NULL: nobody. */
struct socket *address_find_abstract(const u8 *bytes, size_t length, unsigned type);
struct socket *address_find_key(struct name_key key);
void address_bind(struct address *address, struct socket *socket);
void address_unbind(struct address *address);
/* Checks a sockaddr_un that a client gave: 0 or -EINVAL. */
long address_check(const u8 *bytes, size_t length);
long address_autobind(struct socket *socket);
/* The sockaddr as a program sees it, in `to`: its length. */
size_t address_show(const struct address *address, u8 *to);
static inline bool address_is_path(const u8 *bytes, size_t length)
{
	return length > 2 && bytes[0] == LINUX_AF_UNIX && !bytes[1] && bytes[2];
}

/* ---- rights.c ---- */

struct rights;
/* Takes `count` capabilities of the request from its `first` on: a new set, or added to one. *error: why not all (a new set is dropped then). */
struct rights *rights_take(struct request *request, unsigned first, unsigned count, struct rights *to, long *error);
/* Those of the bundle that is the request's capability of that index, which must be `count`. */
struct rights *rights_of_bundle(struct request *request, unsigned index, unsigned count, long *error);
void rights_drop(struct rights *rights);
unsigned rights_count(const struct rights *rights);
/*
 * Puts the first `room` of the set into the answer: how many. As capabilities from place 0 on, if `room` is at most MESSAGE_CAPS; else as a
 * bundle, which takes the set: *rights is NULL then.
 */
unsigned rights_give(struct request *request, struct rights **rights, unsigned room);
/* A copy of each. NULL: no memory. */
struct rights *rights_copy(const struct rights *rights);
/* Lets go of one set that was dropped, or collects. True: there was something to do. */
bool rights_settle(void);
/* The answers with capabilities have gone out: their slots are free. Called before each operation. */
void rights_spent(void);
/* An open file has only messages left that refer to it. */
void rights_want_collection(void);
void rights_collect(void);

/* ---- capability.c: what the kernel says of a slot ---- */

enum capability {
	CAPABILITY_DEAD,  /* there is none: its server has gone */
	CAPABILITY_OTHER, /* no open file */
	CAPABILITY_FILE,  /* another server's */
	CAPABILITY_OWN,   /* *file */
};
enum capability capability_kind(unsigned slot, struct open_file **file);
bool capability_copy(unsigned from, unsigned to);

/* ---- objects of other kinds, by node.entry ---- */

enum node_kind { NODE_SOCKET, NODE_NAME, NODE_BUNDLE, NODE_LIST, NODE_DIRECTORY };

struct name {
	struct name_key key;
	bool bind;
};

static inline struct socket *socket_of(const struct open_file *file)
{
	return file->node.entry == NODE_SOCKET ? (struct socket *)file->node.id : NULL;
}

/* The name that the request's first capability is; NULL: none. */
struct name *name_of_request(struct request *request);

/* ---- operations. Results as those of serve/file.h ---- */

struct send {
	struct socket *socket, *to;  /* to: datagrams with an address; a reference */
	size_t length;
	unsigned flags;
	bool signed_by;
	bool charge_receiver;        /* not the sender */
	bool to_peer;                /* a datagram for whom the socket is connected to: it is told if nobody is there */
	struct socket_credentials who;
	struct rights *rights;
	struct note *note;           /* for the message */
	const u8 *control;           /* control messages of other levels than SOL_SOCKET: only until send_prepare has been called */
	size_t control_length;
};

struct receive {
	struct socket *socket;
	size_t length;
	unsigned flags;
	bool plain;              /* a FILE_READ: only bytes are wanted */
	bool discard;            /* bytes are taken and given to nobody */
	bool control, wants_address;
	unsigned room;           /* for rights */
	/* what came */
	unsigned flags_out, rights_waiting;
	bool any, signed_by;     /* a message; its sender is known */
	struct socket_credentials who;
	struct address *address; /* a reference: the sender's; NULL: it had none */
	struct rights *rights;
	struct note *note;       /* what came with it */
};

/* `send` has the reference `to` and the rights, which go with the end of the operation. */
long socket_send(struct request *request, struct send *send);
long socket_receive(struct request *request, struct receive *receive);
long socket_write(struct request *request, size_t length);
/* A message of the request's next `length` bytes, with the rights and the note. NULL: nothing has changed; *result is what to answer. */
struct message *send_take_message(struct request *request, struct send *send, const struct socket *to, size_t length, long *result);
/* The request's bytes up to `length` go nowhere. False: they are not there. */
bool send_lose(struct request *request, size_t length);
long op_send(struct request *request);
long op_receive(struct request *request);
long op_bind(struct request *request);
long op_listen(struct request *request);
long op_connect(struct request *request);
long op_accept(struct request *request);
long op_shutdown(struct request *request);
long op_socket(struct request *request);
long op_socket_name(struct request *request);
long op_socket_address(struct request *request);
long op_get_option(struct request *request);
long op_set_option(struct request *request);
long op_rights(struct request *request);
long op_rights_take(struct request *request);

/* Whom a Unix datagram or connection is for: by the address in `bytes` and the request's name; *to has a reference. */
long unix_find(struct request *request, const u8 *bytes, size_t length, unsigned type, struct socket **to);
/* The transport of such a socket, -errno if there is none; type and protocol are what they come to. */
long transport_find(unsigned family, unsigned *type, unsigned *protocol, const struct transport **transport);
static inline bool address_is_unspecified(const u8 *bytes, size_t length)
{
	return length >= 2 && bytes[0] == LINUX_AF_UNSPEC && !bytes[1];
}
/* Two sockets are each other's peers. */
void socket_join(struct socket *one, struct socket *two, struct socket_credentials who);
/* An open file for a socket, put into the answer. */
long socket_give(struct request *request, struct socket *socket, unsigned flags, unsigned index);
/* The connection of a datagram socket to `old` is over. */
void datagram_disconnected(struct socket *socket, struct socket *old);

/* ---- list.c: the files of /proc/net. list.h says which there are ---- */

long list_open(struct open_file *file);
void list_close(struct open_file *file);
long list_read(struct request *request, const struct open_file *file, u64 offset, size_t length);

#endif
