/*
 * The Internet families within this machine. Both ends of whatever goes over the loopback interface are sockets of this server, so there are no segments:
 * a TCP connection is a pair of sockets, as with Unix streams, and what a program can see of it is what Linux's TCP shows over its loopback.
 *
 * Addresses are kept as IPv6 has them, IPv4's as ::ffff:a.b.c.d; ports in the host's order.
 */
#ifndef SOCKET_INET_H
#define SOCKET_INET_H

#include "servers/socket/socket.h"

#define INET_IPPROTO_TCP 6u
#define INET_IPPROTO_UDP 17u
#define INET_IPPROTO_UDPLITE 136u


struct inet_name {
	u8 ip[16];
	u16 port;
	u32 flow, scope; /* as IPv6's sockaddr has them */
};

/* Options that are numbers: inet_option.c has a row for each. */
enum inet_value {
	VALUE_TOS, VALUE_TTL, VALUE_MULTICAST_TTL, VALUE_MULTICAST_LOOP, VALUE_MTU_DISCOVER, VALUE_RECVERR, VALUE_PKTINFO, VALUE_RECVTTL, VALUE_RECVTOS,
	VALUE_FREEBIND, VALUE_TRANSPARENT, VALUE_BIND_NO_PORT, VALUE_MINTTL,
	VALUE_V6ONLY, VALUE_UNICAST_HOPS, VALUE_V6_MULTICAST_HOPS, VALUE_V6_MULTICAST_LOOP, VALUE_V6_MTU_DISCOVER, VALUE_V6_RECVERR, VALUE_RECVPKTINFO,
	VALUE_RECVHOPLIMIT, VALUE_RECVTCLASS, VALUE_TCLASS, VALUE_V6_DONTFRAG, VALUE_AUTOFLOWLABEL, VALUE_MTU,
	VALUE_NODELAY, VALUE_CORK, VALUE_KEEPIDLE, VALUE_KEEPINTVL, VALUE_KEEPCNT, VALUE_SYNCNT, VALUE_LINGER2, VALUE_DEFER_ACCEPT, VALUE_WINDOW_CLAMP,
	VALUE_USER_TIMEOUT, VALUE_QUICKACK, VALUE_NOTSENT_LOWAT, VALUE_MAXSEG, VALUE_RENO,
	VALUE_SEND_COVERAGE, VALUE_RECEIVE_COVERAGE,
	INET_VALUES
};

struct inet {
	struct socket *socket;
	struct inet_name local, remote;
	bool listed;             /* its port is its own: it is in the table of ports */
	struct list_node link;
	bool address_bound, port_bound; /* by bind, not by connect */
	bool automatic;          /* the port was chosen for its connection alone */
	int values[INET_VALUES];
	bool coverage_wanted;    /* UDP-Lite: datagrams whose checksum covers less are not taken */
	/* TCP */
	bool room_wanted;        /* somebody found no room to send: Linux's SOCK_NOSPACE */
	bool connecting;         /* connect was called, and nobody was told yet what came of it: Linux's SS_CONNECTING */
	bool fin_sent, fin_received;
	bool over;               /* both, or reset */
	struct list_node pending; /* listening: connections that find it full; or the place in that list */
	u64 deadline;            /* of a pending one */
	struct list_node timed;
};

static inline struct inet *inet_of(const struct socket *socket)
{
	return socket->inet;
}

static inline bool inet_is_lite(const struct socket *socket)
{
	return socket->protocol == INET_IPPROTO_UDPLITE;
}

static inline bool inet_is_six(const struct socket *socket)
{
	return socket->domain == LINUX_AF_INET6;
}

/* ---- inet_address.c ---- */

enum inet_kind { INET_ANY, INET_LOCAL, INET_BROADCAST, INET_MULTICAST, INET_FOREIGN };

bool inet_is_mapped(const u8 ip[16]);
/* ::, and 0.0.0.0 of either form. */
bool inet_is_any(const u8 ip[16]);
enum inet_kind inet_kind(const u8 ip[16]);
bool inet_same(const struct inet_name *one, const struct inet_name *two); /* address and port */
void inet_set_any(struct inet_name *name, bool six);
void inet_set_loopback(struct inet_name *name, bool six);
/* The sockaddr that a program gave for a socket: 0, -EINVAL, -EAFNOSUPPORT. */
long inet_take(const struct socket *socket, const u8 *bytes, size_t length, struct inet_name *name);
/* The same, of whom a datagram is for. */
long inet_take_destination(const struct socket *socket, const u8 *bytes, size_t length, struct inet_name *name);
/* The sockaddr of the socket's family: its length. */
size_t inet_give(const struct socket *socket, const struct inet_name *name, u8 *to);
/* bind()'s address, checked. connect()'s and sendto()'s: 0.0.0.0 and :: become the loopback address; -ENETUNREACH if it is not within this machine. */
long inet_take_own(const struct socket *socket, const u8 *bytes, size_t length, struct inet_name *name);
long inet_route(const struct socket *socket, struct inet_name *to);

/* ---- inet.c: what TCP and UDP have in common ---- */

long inet_created(struct socket *socket, const struct socket *like);
void inet_freed(struct socket *socket);
long inet_bind(struct request *request, struct socket *socket, const u8 *bytes, size_t length);
size_t inet_own_name(const struct socket *socket, u8 *to);
/* The source address of what goes to `to`, if the socket has none. */
void inet_choose_source(struct socket *socket, const struct inet_name *to);

/* ---- udp_control.c: control messages ---- */

/* What a datagram's receiver may be told of it. */
struct inet_note {
	struct note note;
	struct inet_name from;
	u8 to[16];
	u8 ttl, tos;
};

/* What the sender wants for this datagram alone: its source, time to live, type of service. */
long udp_control_take(const struct socket *socket, const u8 *control, size_t length, struct inet_note *note);
/* As many as there is room for: their length. */
size_t udp_control_give(const struct socket *socket, const struct inet_note *note, u8 *to, size_t room);

/* ---- inet_port.c ---- */

/* The socket gets the port, or one of the system's choice (0): 0, -EADDRINUSE. */
long port_bind(struct inet *inet, unsigned port);
/* A port for a connection from its local address to `to`. -EADDRNOTAVAIL. */
long port_connect(struct inet *inet, const struct inet_name *to);
/* It has begun to listen: 0, or -EADDRINUSE. */
long port_listen_check(const struct inet *inet);
void port_take(struct inet *inet, unsigned port);
/* Its socket listens from now on, or no longer. */
void port_listen(struct inet *inet);
void port_unlisten(struct inet *inet);
void port_leave(struct inet *inet);
/* NULL: there is none. */
struct socket *port_find_listener(const struct inet_name *to, const struct inet_name *from);
/* Who gets a datagram; `lite`: of UDP-Lite. */
struct socket *port_find_receiver(bool lite, const struct inet_name *to, const struct inet_name *from);
struct socket *port_find_connection(const struct inet_name *local, const struct inet_name *remote);

/* ---- tcp.c ---- */

unsigned long tcp_deadline(void);
void tcp_expired(void);
/* Linux's TCP_ states. */
unsigned tcp_state(const struct socket *socket);

/* ---- inet_list.c ---- */

/* What the lists show as waiting to be received: connections, bytes, or a datagram queue's charge. */
size_t inet_waiting(const struct socket *socket);

/* ---- inet_option.c ---- */

void inet_option_defaults(struct inet *inet);
long inet_get_option(struct socket *socket, unsigned level, unsigned name, void *value, size_t room);
long inet_set_option(const struct request *request, struct socket *socket, unsigned level, unsigned name, const void *value, size_t size);

/* ---- interface.c: ioctl commands about interfaces ---- */

/* `inet`: by a socket that knows of IPv4 addresses. -ENOTTY: it is about something else. */
long interface_ioctl(struct request *request, unsigned command, unsigned long argument, bool inet);

#endif
