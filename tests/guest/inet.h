/* What the programs that use AF_INET and AF_INET6 share: addresses as text, and how they are shown. */
#ifndef TESTS_GUEST_INET_H
#define TESTS_GUEST_INET_H

#include "report.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define POLL_ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM | POLLWRBAND)

/* Room for either family's. */
union inet_address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_storage room;
};

/* "127.0.0.1" or "::1": its length. */
static inline socklen_t inet_make(union inet_address *a, const char *text, unsigned port)
{
	memset(a, 0, sizeof *a);
	if (strchr(text, ':')) {
		a->six.sin6_family = AF_INET6;
		a->six.sin6_port = htons(port);
		inet_pton(AF_INET6, text, &a->six.sin6_addr);
		return sizeof a->six;
	}
	a->four.sin_family = AF_INET;
	a->four.sin_port = htons(port);
	inet_pton(AF_INET, text, &a->four.sin_addr);
	return sizeof a->four;
}

static inline int inet_bind(int fd, const char *text, unsigned port)
{
	union inet_address a;
	socklen_t length = inet_make(&a, text, port);

	return bind(fd, &a.any, length);
}

static inline int inet_connect(int fd, const char *text, unsigned port)
{
	union inet_address a;
	socklen_t length = inet_make(&a, text, port);

	return connect(fd, &a.any, length);
}

static inline unsigned inet_port(int fd)
{
	union inet_address a;
	socklen_t length = sizeof a;

	return getsockname(fd, &a.any, &length) == 0 ? ntohs(a.four.sin_port) : 0;
}

/* Ports that the system chose differ: only that they are of its range is shown. */
static inline void inet_show(const char *what, const union inet_address *a, socklen_t length)
{
	char text[64] = "?", port[16];
	unsigned number = ntohs(a->four.sin_port);

	if (length >= sizeof a->four)
		inet_ntop(a->any.sa_family, a->any.sa_family == AF_INET6 ? (void *)&a->six.sin6_addr : (void *)&a->four.sin_addr, text, sizeof text);
	snprintf(port, sizeof port, number >= 32768 && number <= 60999 ? "ephemeral" : "%u", number);
	printf("%s: length %d family %d %s port %s", what, (int)length, length >= 2 ? a->any.sa_family : -1, text, port);
	if (length >= sizeof a->six && a->any.sa_family == AF_INET6)
		printf(" scope %u flow %u", (unsigned)a->six.sin6_scope_id, (unsigned)ntohl(a->six.sin6_flowinfo));
	printf("\n");
}

static inline void inet_show_own(const char *what, int fd)
{
	union inet_address a;
	socklen_t length = sizeof a;

	memset(&a, 0, sizeof a);
	if (getsockname(fd, &a.any, &length) != 0)
		show(what, -1);
	else
		inet_show(what, &a, length);
}

static inline void inet_show_peer(const char *what, int fd)
{
	union inet_address a;
	socklen_t length = sizeof a;

	memset(&a, 0, sizeof a);
	if (getpeername(fd, &a.any, &length) != 0)
		show(what, -1);
	else
		inet_show(what, &a, length);
}

static inline void show_poll(const char *what, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLL_ALL };
	int n = poll(&p, 1, 0);

	printf("%s: poll %d %x\n", what, n, p.revents);
}

static inline void show_error(const char *what, int fd)
{
	int error = -1;
	socklen_t length = sizeof error;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	printf("%s: SO_ERROR %s\n", what, error ? error_name(error) : "0");
}

/* A listening socket at a port of the system's choice. */
static inline int inet_listening(const char *text, int backlog)
{
	int fd = socket(strchr(text, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || inet_bind(fd, text, 0) != 0 || listen(fd, backlog) != 0) {
		printf("listening at %s: %s\n", text, error_name(errno));
		exit(95);
	}
	return fd;
}

/* The two ends of a connection; [0] has connected, [1] was accepted. */
static inline void inet_pair(const char *text, int ends[2])
{
	int l = inet_listening(text, 5);

	ends[0] = socket(strchr(text, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	if (inet_connect(ends[0], text, inet_port(l)) != 0)
		printf("connect: %s\n", error_name(errno));
	ends[1] = accept(l, NULL, NULL);
	if (ends[1] < 0)
		printf("accept: %s\n", error_name(errno));
	close(l);
}

/* An option's value, and what it is after it was set. */
static inline void option(const char *what, int fd, int level, int name)
{
	int value = -77;
	socklen_t length = sizeof value;

	if (show(what, getsockopt(fd, level, name, &value, &length)) == 0)
		printf("%d, length %d\n", value, (int)length);
}

static inline void set_option(const char *what, int fd, int level, int name, int value)
{
	if (show(what, setsockopt(fd, level, name, &value, sizeof value)) == 0)
		option(what, fd, level, name);
}

#define GET(fd, level, name) option(#name, fd, level, name)
#define SET(fd, level, name, value) set_option(#name " " #value, fd, level, name, value)

#endif
