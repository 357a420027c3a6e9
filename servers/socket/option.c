/* getsockopt, setsockopt: those of SOL_SOCKET, with Linux's limits and answers. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/socket.h"

#include <asm/socket.h>

#define SEND_LIMIT_MIN    4608
#define RECEIVE_LIMIT_MIN 2304
#define TICK_NS           4000000ul /* timeouts are whole ticks of Linux's clock */
#define NS_PER_SECOND     1000000000ul
#define PRIORITY_MAX      6
#define VALUE_MAX         16

union value {
	int number;
	struct socket_credentials credentials;
	struct {
		int on, seconds;
	} linger;
	struct {
		long seconds, microseconds;
	} time;
	u8 bytes[VALUE_MAX];
};

/* ---- options that are only a flag ---- */

static bool *flag_of(struct socket *socket, unsigned name)
{
	switch (name) {
	case SO_PASSCRED: return &socket->options.pass_credentials;
	case SO_REUSEADDR: return &socket->options.reuse_address;
	case SO_REUSEPORT: return &socket->options.reuse_port;
	case SO_KEEPALIVE: return &socket->options.keep_alive;
	case SO_BROADCAST: return &socket->options.broadcast;
	case SO_OOBINLINE: return &socket->options.out_of_band_inline;
	case SO_DONTROUTE: return &socket->options.dont_route;
	default: return NULL;
	}
}

/* ---- getting ---- */

static long get_number(struct socket *socket, unsigned name)
{
	const bool *flag = flag_of(socket, name);

	if (flag)
		return *flag;
	switch (name) {
	case SO_TYPE: return (long)socket->type;
	case SO_DOMAIN: return (long)socket->domain;
	case SO_PROTOCOL: return (long)(socket->transport == &transport_unix ? 0 : socket->protocol);
	case SO_ERROR: return -socket_take_error(socket);
	case SO_ACCEPTCONN: return socket->state == SOCKET_LISTENING;
	case SO_SNDBUF: return (long)socket->options.send_limit;
	case SO_RCVBUF: return (long)socket->options.receive_limit;
	case SO_PRIORITY: return socket->options.priority;
	case SO_RCVLOWAT: return socket->options.receive_low;
	case SO_SNDLOWAT: return 1;
	case SO_DEBUG: return 0;
	default: return -ENOPROTOOPT;
	}
}

static void show_time(union value *value, u64 ns)
{
	value->time.seconds = (long)(ns / NS_PER_SECOND);
	value->time.microseconds = (long)(ns % NS_PER_SECOND / 1000);
}

/* The value's size, or -errno. */
static long get(struct socket *socket, unsigned name, union value *value)
{
	long number;

	switch (name) {
	case SO_PEERCRED:
		value->credentials = socket->had_credentials ? socket->credentials : (struct socket_credentials){ 0, ~0u, ~0u };
		return sizeof(value->credentials);
	case SO_LINGER:
		value->linger.on = socket->options.linger;
		value->linger.seconds = socket->options.linger_seconds;
		return sizeof(value->linger);
	case SO_RCVTIMEO:
		show_time(value, socket->options.receive_timeout);
		return sizeof(value->time);
	case SO_SNDTIMEO:
		show_time(value, socket->options.send_timeout);
		return sizeof(value->time);
	}
	number = get_number(socket, name);
	value->number = (int)number;
	return number < 0 ? number : (long)sizeof(value->number);
}

/* Of a level that is the transport's. Its whole size is told, though there is less room. */
static long get_other(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	u8 value[OPTION_MAX] = { 0 };
	long size = socket->transport->get_option(socket, (unsigned)request->m[0], (unsigned)request->m[1], value, MIN(request->m[3], OPTION_MAX));

	if (size < 0)
		return size;
	request->answer_bytes = (unsigned)MIN((unsigned long)size, MIN(request->m[3], (unsigned long)OPTION_MAX));
	memcpy(serve_message->data, value, request->answer_bytes);
	return size;
}

long op_get_option(struct request *request)
{
	union value value = { .bytes = { 0 } };
	long size;

	if (request->m[0] != SOL_SOCKET)
		return get_other(request);
	size = get(socket_of(request->file), (unsigned)request->m[1], &value);
	if (size < 0)
		return size;
	size = MIN(size, (long)MIN(request->m[3], (unsigned long)VALUE_MAX));
	memcpy(serve_message->data, &value, (size_t)size);
	request->answer_bytes = (unsigned)size;
	return size;
}

/* ---- setting ---- */

static u32 limit_of(int wanted, u32 least)
{
	u32 limit = MIN((u32)wanted, SOCKET_DEFAULT_LIMIT) * 2;

	return MAX(limit, least);
}

static long set_time(u64 *ns, const union value *value, size_t length)
{
	u64 seconds = (u64)value->time.seconds, microseconds = (u64)value->time.microseconds;

	if (length < sizeof(value->time))
		return -EINVAL;
	if (microseconds >= 1000000)
		return -EDOM;
	if (value->time.seconds < 0)
		*ns = 1;
	else
		*ns = seconds > NS_PER_SECOND ? 0 : (seconds * NS_PER_SECOND + microseconds * 1000 + TICK_NS - 1) / TICK_NS * TICK_NS;
	return 0;
}

static long set_linger(struct socket *socket, const union value *value, size_t length)
{
	if (length < sizeof(value->linger))
		return -EINVAL;
	socket->options.linger = value->linger.on != 0;
	if (socket->options.linger)
		socket->options.linger_seconds = value->linger.seconds;
	return 0;
}

static long set_number(struct socket *socket, unsigned name, int number)
{
	bool *flag = flag_of(socket, name);

	if (flag) {
		*flag = number != 0;
		return 0;
	}
	switch (name) {
	case SO_SNDBUF:
		socket->options.send_limit = limit_of(number, SEND_LIMIT_MIN);
		socket->options.send_limit_set = true;
		socket_changed(socket, LINUX_POLLOUT | LINUX_POLLWRNORM);
		return 0;
	case SO_RCVBUF:
		socket->options.receive_limit = limit_of(number, RECEIVE_LIMIT_MIN);
		socket->options.receive_limit_set = true;
		return 0;
	case SO_PRIORITY:
		if (number < 0 || number > PRIORITY_MAX)
			return -EPERM;
		socket->options.priority = number;
		return 0;
	case SO_RCVLOWAT:
		socket->options.receive_low = number < 0 ? INT32_MAX : MAX(number, 1);
		return 0;
	case SO_SNDBUFFORCE: case SO_RCVBUFFORCE:
		return -EPERM;
	default:
		return -ENOPROTOOPT;
	}
}

static long set_other(struct request *request, struct socket *socket)
{
	u8 value[OPTION_MAX] = { 0 };
	size_t size = MIN((size_t)request->bytes, sizeof(value));
	long result;

	memcpy(value, serve_message->data, size);
	result = socket->transport->set_option(request, socket, (unsigned)request->m[0], (unsigned)request->m[1], value, size);
	sockets_settle();
	return result;
}

long op_set_option(struct request *request)
{
	struct socket *socket = socket_of(request->file);
	union value value = { .bytes = { 0 } };
	size_t length = MIN((size_t)request->bytes, sizeof(value));
	long result;

	if (request->m[0] != SOL_SOCKET)
		return set_other(request, socket);
	if (length < sizeof(value.number))
		return -EINVAL;
	memcpy(&value, serve_message->data, length);
	switch (request->m[1]) {
	case SO_RCVTIMEO:
		return set_time(&socket->options.receive_timeout, &value, length);
	case SO_SNDTIMEO:
		return set_time(&socket->options.send_timeout, &value, length);
	case SO_LINGER:
		return set_linger(socket, &value, length);
	}
	result = set_number(socket, (unsigned)request->m[1], value.number);
	sockets_settle();
	return result;
}
