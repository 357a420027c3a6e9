/*
 * AF_NETLINK: messages to this machine, which answers as Linux's kernel does, and between programs.
 *
 * A *protocol* is a row of a table in netlink.c: whom requests go to (route.c, diag.c), how many groups there are. What is sent is taken whole,
 * then each request in it is dealt with at once (request.c), and the answers are in the sender's queue before the send returns, charged to it.
 *
 * A *dump* (NLM_F_DUMP) is an answer of many messages. Only one datagram of it is made at a time: the first by the request, each further one when the
 * receiver has taken one and holds little, so a dump costs the server no more than a reader of it keeps waiting. Between them a socket keeps where the
 * dump has come to (struct netlink_dump): a row of *parts*, each a function that writes what comes next from `at` on, as far as there is room.
 */
#ifndef SOCKET_NETLINK_H
#define SOCKET_NETLINK_H

#include "servers/socket/socket.h"

#include <linux/netlink.h>

#define NETLINK_SEND_MAX  32768u /* bytes of one send */
#define NETLINK_REPLY_MAX (NETLINK_SEND_MAX + 512)

struct netlink_writer;
struct netlink;

/* Writes what comes next. 0; with nothing written: there is no more; or -errno, which ends the dump. */
typedef long netlink_fill(struct netlink *netlink, struct netlink_writer *w);

/* What a dump of routes shows; 0: all. */
struct netlink_route_filter {
	u32 table, flags;
	u8 protocol, type;
};

/* What a dump of sockets shows. */
struct netlink_diag_filter {
	u8 family, protocol, extensions;
	u16 source_port, destination_port; /* of the network's order; 0: all */
	u32 states, show;
	u16 type;                          /* of the answers */
	bool privileged;                   /* who asks sees marks */
	struct netlink_bytecode *code;     /* NULL: none */
};

struct netlink_dump {
	netlink_fill *const *part; /* the one under way, in an array that ends with NULL; NULL: there is no dump */
	u64 at;
	u32 sequence;
	u16 flags;                 /* NLM_F_, of each message */
	long error;                /* found out by the request; told with the end */
	const char *text;          /* of it */
	u32 index;                 /* of an interface; 0: all */
	u32 extensions;            /* IFLA_EXT_MASK */
	struct netlink_route_filter route;
	struct netlink_diag_filter diag;
};

struct netlink {
	struct socket *socket;
	const struct netlink_protocol *protocol;
	u32 port;
	bool bound;
	struct list_node link;     /* in the table of ports */
	u64 groups;
	bool has_groups;           /* it was in one: the list of them has a length */
	struct list_node member;   /* in the list of those that are in groups */
	u32 to_port, to_group;     /* of connect */
	bool packet_info, broadcast_error, no_overrun, capped, extended, strict;
	bool congested;            /* it has lost a message, and was told */
	unsigned lost;
	size_t largest_receive;
	struct netlink_dump dump;
	bool dumped;               /* by the send that is dealt with: it may begin one dump, so that it does not look through all sockets often */
};

static inline struct netlink *netlink_of(const struct socket *socket)
{
	return socket->netlink;
}

/* What is told of a message; and of one that is sent, whom it is for. */
struct netlink_note {
	struct note note;
	u32 port, group;
};

/* ---- netlink.c ---- */

struct netlink_request;

struct netlink_protocol {
	unsigned number, groups;
	bool anyone_receives, anyone_sends; /* groups; to programs and groups. Else user 0 */
	/* A request that is well formed: 0, an error, or NETLINK_ANSWERED. NULL: nobody answers. */
	long (*request)(struct netlink_request *request);
};

#define NETLINK_ANSWERED 1l /* not to be acknowledged */

/* NULL: there is no such protocol. */
const struct netlink_protocol *netlink_protocol_find(unsigned number);
const struct netlink_protocol *netlink_protocol_of(struct netlink *netlink);
/*
 * A message of this machine's for it. False: it is lost, for want of room; the receiver is told. `charged`, if it is not 0, is what it counts: there is room,
 * the caller knows.
 */
bool netlink_deliver(struct netlink *to, const u8 *bytes, size_t length, u32 charged);
struct netlink *netlink_find(const struct netlink_protocol *protocol, u32 port);
/* Whether more of a dump may be made for it. */
bool netlink_half_empty(const struct netlink *netlink);
void netlink_set_groups(struct netlink *netlink, u64 groups);
void netlink_recovered(struct netlink *netlink);
long netlink_get_option(struct socket *socket, unsigned level, unsigned name, void *value, size_t room);
long netlink_set_option(const struct request *request, struct socket *socket, unsigned level, unsigned name, const void *value, size_t size);

/* ---- request.c: what is asked of this machine ---- */

struct netlink_request {
	struct netlink *from;
	struct nlmsghdr header;
	const u8 *data;      /* behind the header */
	size_t length;
	bool privileged;     /* who asks may change things */
	const char *text;    /* why it fails, for people */
	size_t offset;       /* of the attribute that is to blame, from the header on; 0: none */
};

/*
 * What the requests of one send have cost so far: sockets looked at, steps of filters. Once it is more than NETLINK_WORK_MAX what follows in that send is EBUSY,
 * so that requests for single sockets, which are looked for among all, cost no more than a dump.
 */
#define NETLINK_WORK_MAX 65536u
extern size_t netlink_work;
/* All requests in the bytes that were sent. */
void netlink_requests(struct netlink *from, const u8 *bytes, size_t length, bool privileged);
/* The error, and why. */
long netlink_fail(struct netlink_request *request, long error, const char *text);
/* Begins a dump: NETLINK_ANSWERED, or -EBUSY. */
long netlink_dump_start(struct netlink_request *request, const struct netlink_dump *dump);
/* The next datagram of it, if there is a dump and room. */
void netlink_dump_continue(struct netlink *netlink);
void netlink_dump_end(struct netlink *netlink);

/* ---- attributes of a request ---- */

struct netlink_attribute {
	unsigned type;
	const u8 *data;
	size_t size, offset; /* of its header, from that of the message on */
};

struct netlink_attributes {
	const u8 *start, *at;
	size_t left;
};

/* Those behind the first `skip` bytes of the request's data. */
struct netlink_attributes netlink_attributes(const struct netlink_request *request, size_t skip);
/* False: there is none more. What is left then (`left`) is no attribute. */
bool netlink_attribute_next(struct netlink_attributes *attributes, struct netlink_attribute *attribute);
u32 netlink_attribute_u32(const struct netlink_attribute *attribute);

/* ---- write.c: messages as they are written ---- */

struct netlink_writer {
	u8 *bytes;
	size_t length, room;
	size_t start;        /* of the message that is written */
	bool full;
	u32 sequence, port;
	u16 flags;
};

/* A writer of an answer to the request, in the one buffer there is. */
struct netlink_writer netlink_answer(const struct netlink_request *request);
/* Goes to who asked: 0 or -ENOBUFS, as netlink_deliver. */
long netlink_send_answer(struct netlink_request *request, const struct netlink_writer *w);
void netlink_begin(struct netlink_writer *w, unsigned type, const void *body, size_t size);
/* False: there was no room for all of it, so it is not there. */
bool netlink_end(struct netlink_writer *w);
void netlink_put(struct netlink_writer *w, unsigned attribute, const void *data, size_t size);
void netlink_put_u8(struct netlink_writer *w, unsigned attribute, u8 value);
void netlink_put_u32(struct netlink_writer *w, unsigned attribute, u32 value);
void netlink_put_text(struct netlink_writer *w, unsigned attribute, const char *text);
/* Attributes within one: what is given to netlink_nest_end(). */
size_t netlink_nest(struct netlink_writer *w, unsigned attribute);
void netlink_nest_end(struct netlink_writer *w, size_t nest);

/* ---- route.c, diag.c and what belongs to them ---- */

long netlink_route_request(struct netlink_request *request);
long netlink_diag_request(struct netlink_request *request);
/* link.c, address.c, table.c */
long netlink_link_get(struct netlink_request *request);
long netlink_link_dump(struct netlink_request *request);
long netlink_link_set(struct netlink_request *request);
long netlink_address_get(struct netlink_request *request);
long netlink_address_dump(struct netlink_request *request);
long netlink_route_get(struct netlink_request *request);
long netlink_route_dump(struct netlink_request *request);
long netlink_rule_dump(struct netlink_request *request);
long netlink_nothing_dump(struct netlink_request *request);
/* settings.c: attributes of links */
void netlink_put_six(struct netlink_writer *w, bool counters);
void netlink_put_families(struct netlink_writer *w, bool counters);
/* filter.c */
long netlink_bytecode_take(struct netlink_request *request, const struct netlink_attribute *attribute, struct netlink_bytecode **code);
void netlink_bytecode_free(struct netlink_bytecode *code);
bool netlink_bytecode_passes(const struct netlink_bytecode *code, const struct socket *socket);

#endif
