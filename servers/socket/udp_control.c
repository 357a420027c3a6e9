/* Control messages of UDP datagrams: where to, how far, by which type of service. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/inet.h"

#include <linux/in.h>
#include <linux/in6.h>

#define LEVEL_IP   0
#define LEVEL_IPV6 41
#define LO_INDEX   1

struct control_header {
	u64 length;
	int level, type;
};

#define ALIGNED(n) (((n) + 7) & ~(size_t)7)

/* IP_PKTINFO's and IPV6_PKTINFO's. */
struct four_info {
	int interface;
	u8 source[4], to[4];
};
struct six_info {
	u8 ip[16];
	int interface;
};

/* ---- taking ---- */

static long take_source(struct inet_note *note, const struct inet_name *source, int interface)
{
	if (interface && interface != LO_INDEX)
		return -ENODEV;
	if (inet_is_mapped(source->ip) != inet_is_mapped(note->to))
		return -EINVAL;
	if (inet_is_any(source->ip))
		return 0;
	if (inet_kind(source->ip) != INET_LOCAL)
		return inet_is_mapped(source->ip) ? -ENETUNREACH : -EINVAL;
	memcpy(note->from.ip, source->ip, 16);
	return 0;
}

static long take_four_info(struct inet_note *note, const void *data, size_t size)
{
	struct four_info info;
	struct inet_name source;

	if (size != sizeof(info))
		return -EINVAL;
	memcpy(&info, data, sizeof(info));
	inet_set_any(&source, false);
	memcpy(source.ip + 12, info.source, 4);
	return take_source(note, &source, info.interface);
}

static long take_six_info(struct inet_note *note, const void *data, size_t size)
{
	struct six_info info;
	struct inet_name source;

	if (size < sizeof(info))
		return -EINVAL;
	memcpy(&info, data, sizeof(info));
	memcpy(source.ip, info.ip, 16);
	return take_source(note, &source, info.interface);
}

/* -1, where that may be: the socket's own stays. */
static long take_byte(u8 *to, const void *data, size_t size, int least, bool short_too)
{
	int number = 0;

	if (size == sizeof(number))
		memcpy(&number, data, sizeof(number));
	else if (size == 1 && short_too)
		number = *(const u8 *)data;
	else
		return -EINVAL;
	if (number < least || number > 255)
		return -EINVAL;
	if (number >= 0)
		*to = (u8)number;
	return 0;
}

static long take_one(const struct socket *socket, struct inet_note *note, const struct control_header *c, const u8 *data, size_t size)
{
	bool four = inet_is_mapped(note->to);

	if (c->level == LEVEL_IPV6 && inet_is_six(socket)) {
		switch (c->type) {
		case IPV6_PKTINFO: return take_six_info(note, data, size);
		case IPV6_HOPLIMIT: return four ? 0 : take_byte(&note->ttl, data, size, -1, false);
		case IPV6_TCLASS: return four ? 0 : take_byte(&note->tos, data, size, -1, false);
		default: return -EINVAL;
		}
	}
	if (c->level != LEVEL_IP || !four)
		return 0;
	switch (c->type) {
	case IP_PKTINFO: return take_four_info(note, data, size);
	case IP_TTL: return take_byte(&note->ttl, data, size, 1, false);
	case IP_TOS: return take_byte(&note->tos, data, size, 0, true);
	default: return -EINVAL;
	}
}

long udp_control_take(const struct socket *socket, const u8 *control, size_t length, struct inet_note *note)
{
	size_t at = 0;

	while (length - at >= sizeof(struct control_header)) {
		struct control_header c;
		long error;

		memcpy(&c, control + at, sizeof(c));
		if (c.length < sizeof(c) || c.length > length - at)
			return -EINVAL;
		error = take_one(socket, note, &c, control + at + sizeof(c), c.length - sizeof(c));
		if (error)
			return error;
		if (ALIGNED(c.length) >= length - at)
			break;
		at += ALIGNED(c.length);
	}
	return 0;
}

/* ---- giving ---- */

struct writer {
	u8 *to;
	size_t length, room;
};

static void give(struct writer *w, int level, int type, const void *data, size_t size)
{
	struct control_header c = { sizeof(c) + size, level, type };

	if (w->room - w->length < ALIGNED(c.length))
		return;
	memset(w->to + w->length, 0, ALIGNED(c.length));
	memcpy(w->to + w->length, &c, sizeof(c));
	memcpy(w->to + w->length + sizeof(c), data, size);
	w->length += ALIGNED(c.length);
}

static void give_four(struct writer *w, const struct inet *inet, const struct inet_note *note)
{
	struct four_info info = { .interface = LO_INDEX };
	int ttl = note->ttl;

	memcpy(info.source, note->to + 12, 4);
	memcpy(info.to, note->to + 12, 4);
	if (inet->values[VALUE_PKTINFO])
		give(w, LEVEL_IP, IP_PKTINFO, &info, sizeof(info));
	if (inet->values[VALUE_RECVTTL])
		give(w, LEVEL_IP, IP_TTL, &ttl, sizeof(ttl));
	if (inet->values[VALUE_RECVTOS])
		give(w, LEVEL_IP, IP_TOS, &note->tos, 1);
}

static void give_six(struct writer *w, const struct inet *inet, const struct inet_note *note)
{
	struct six_info info = { .interface = LO_INDEX };
	int hops = note->ttl, class = note->tos;
	bool four = inet_is_mapped(note->to);

	memcpy(info.ip, note->to, 16);
	if (inet->values[VALUE_RECVPKTINFO])
		give(w, LEVEL_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	if (inet->values[VALUE_RECVHOPLIMIT] && !four)
		give(w, LEVEL_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
	if (inet->values[VALUE_RECVTCLASS] && !four)
		give(w, LEVEL_IPV6, IPV6_TCLASS, &class, sizeof(class));
}

size_t udp_control_give(const struct socket *socket, const struct inet_note *note, u8 *to, size_t room)
{
	struct writer w = { to, 0, room };

	if (inet_is_six(socket))
		give_six(&w, inet_of(socket), note);
	if (inet_is_mapped(note->to))
		give_four(&w, inet_of(socket), note);
	return w.length;
}
