/* /proc/net/tcp, tcp6, udp, udp6: a line a socket, as Linux writes it. What there is none of here (timers, windows, addresses of the kernel) is as of a quiet socket. */
#include "servers/socket/inet.h"

#include "lib/string.h"
#include "servers/socket/list.h"

#define TCP_WIDTH 150u
#define UDP_WIDTH 128u
#define REFERENCES 1

#define COLUMNS "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"

enum { STATE_CONNECTED = 1, STATE_CLOSE = 7, STATE_LISTEN = 10 };

/* As Linux shows it: words of the machine. */
static void add_address(struct list_text *text, const struct inet_name *name, bool six)
{
	u32 words[4];

	memcpy(words, name->ip, sizeof(words));
	if (six)
		list_add(text, " %08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3], name->port);
	else
		list_add(text, " %08X:%04X", words[3], name->port);
}

size_t inet_waiting(const struct socket *socket)
{
	size_t sum = 0;

	if (socket->state == SOCKET_LISTENING)
		return socket->embryo_count;
	if (socket_is_datagram(socket))
		return socket->sent;
	list_for_each_entry(message, &socket->messages, struct message, link)
		sum += message_left(message);
	/* FIN takes a place, too. */
	return sum + inet_of(socket)->fin_received;
}

static void add_both(struct list_text *text, const struct socket *socket)
{
	const struct inet *inet = inet_of(socket);
	struct inet_name nobody = { .port = 0 };
	bool remote = socket->state == SOCKET_CONNECTED || socket->state == SOCKET_CONNECTING;

	add_address(text, &inet->local, inet_is_six(socket));
	add_address(text, remote ? &inet->remote : &nobody, inet_is_six(socket));
}

static void add_queues(struct list_text *text, const struct socket *socket, unsigned state)
{
	list_add(text, " %02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d %016lx", state, 0u, (unsigned)inet_waiting(socket), 0u, 0ul, 0u, socket->uid, 0,
		socket->file ? socket->ino : 0ul, REFERENCES, 0ul);
}

static void add_tcp(struct list_text *text, const struct socket *socket, unsigned *number)
{
	size_t start = text->length;
	unsigned state = tcp_state(socket);

	list_add(text, "%4u:", (*number)++);
	add_both(text, socket);
	add_queues(text, socket, state);
	list_add(text, " %lu %lu %u %u %d", state == STATE_LISTEN ? 100ul : 20ul, 0ul, 0u, 10u, state == STATE_LISTEN ? 0 : -1);
	list_end_line(text, start, inet_is_six(socket) ? 0 : TCP_WIDTH);
}

static void add_udp(struct list_text *text, const struct socket *socket)
{
	size_t start = text->length;

	list_add(text, "%5u:", inet_of(socket)->local.port);
	add_both(text, socket);
	add_queues(text, socket, socket->state == SOCKET_CONNECTED ? STATE_CONNECTED : STATE_CLOSE);
	list_add(text, " %u", 0u);
	list_end_line(text, start, inet_is_six(socket) ? 0 : UDP_WIDTH);
}

/* Only what has a port is in Linux's tables. */
static bool is_listed(const struct socket *socket, const struct transport *transport, unsigned domain)
{
	return socket->transport == transport && socket->domain == domain && inet_of(socket)->listed;
}

static void list_streams(struct list_text *text, unsigned domain)
{
	unsigned number = 0;

	list_for_each_entry(socket, &sockets, struct socket, all)
		if (is_listed(socket, &transport_tcp, domain) && socket->state == SOCKET_LISTENING)
			add_tcp(text, socket, &number);
	list_for_each_entry(socket, &sockets, struct socket, all)
		if (is_listed(socket, &transport_tcp, domain) && (socket->state == SOCKET_CONNECTED || socket->state == SOCKET_CONNECTING))
			add_tcp(text, socket, &number);
}

static void list_datagrams(struct list_text *text, unsigned domain, bool lite)
{
	list_for_each_entry(socket, &sockets, struct socket, all)
		if (is_listed(socket, &transport_udp, domain) && inet_is_lite(socket) == lite)
			add_udp(text, socket);
}

void list_tcp(struct list_text *text)
{
	list_add(text, "  sl  local_address rem_address   " COLUMNS);
	list_end_line(text, 0, TCP_WIDTH);
	list_streams(text, LINUX_AF_INET);
}

void list_tcp6(struct list_text *text)
{
	list_add(text, "  sl  local_address                         remote_address                        " COLUMNS "\n");
	list_streams(text, LINUX_AF_INET6);
}

static void list_four(struct list_text *text, bool lite)
{
	list_add(text, "   sl  local_address rem_address   " COLUMNS " ref pointer drops");
	list_end_line(text, 0, UDP_WIDTH);
	list_datagrams(text, LINUX_AF_INET, lite);
}

static void list_six(struct list_text *text, bool lite)
{
	list_add(text, "  sl  local_address                         remote_address                        " COLUMNS " ref pointer drops\n");
	list_datagrams(text, LINUX_AF_INET6, lite);
}

void list_udp(struct list_text *text)
{
	list_four(text, false);
}

void list_udp6(struct list_text *text)
{
	list_six(text, false);
}

void list_udplite(struct list_text *text)
{
	list_four(text, true);
}

void list_udplite6(struct list_text *text)
{
	list_six(text, true);
}
