/* What sockets of TCP and UDP have in common: their part of a socket, bind, names. */
#include "servers/socket/inet.h"

#include "lib/errno.h"
#include "lib/string.h"

long inet_created(struct socket *socket, const struct socket *like)
{
	struct inet *inet = memory_take(sizeof(*inet));
	bool six = inet_is_six(socket);

	if (!inet)
		return -ENOMEM;
	inet->socket = socket;
	list_init(&inet->pending);
	inet_set_any(&inet->local, six);
	inet_set_any(&inet->remote, six);
	inet_option_defaults(inet);
	if (like) {
		memcpy(inet->values, like->inet->values, sizeof(inet->values));
		socket->options = like->options;
	}
	socket->inet = inet;
	return 0;
}

void inet_freed(struct socket *socket)
{
	memory_free(socket->inet, sizeof(*socket->inet));
}

long inet_bind(struct request *request, struct socket *socket, const u8 *bytes, size_t length)
{
	struct inet *inet = inet_of(socket);
	struct inet_name name, before = inet->local;
	long error = inet_take_own(socket, bytes, length, &name);

	if (!error && name.port && name.port < setting(SETTING_PORT_UNPRIVILEGED) && credentials_of(request->principal, true).uid)
		error = -EACCES;
	if (!error && (inet->listed || socket->state != SOCKET_UNCONNECTED))
		error = -EINVAL;
	if (error)
		return error;
	memcpy(inet->local.ip, name.ip, sizeof(name.ip));
	inet->local.scope = name.scope;
	if (name.port || !inet->values[VALUE_BIND_NO_PORT])
		error = port_bind(inet, name.port);
	if (error) {
		inet->local = before;
		return error;
	}
	inet->address_bound = !inet_is_any(name.ip);
	inet->port_bound = name.port != 0;
	return 0;
}

size_t inet_own_name(const struct socket *socket, u8 *to)
{
	return inet_give(socket, &inet_of(socket)->local, to);
}

void inet_choose_source(struct socket *socket, const struct inet_name *to)
{
	struct inet *inet = inet_of(socket);

	if (inet_is_any(inet->local.ip))
		inet_set_loopback(&inet->local, !inet_is_mapped(to->ip));
}
