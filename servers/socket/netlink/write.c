/* Messages of netlink as they are written: a header, a structure, attributes. */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"

#define ALIGNED(n) (((n) + 3) & ~(size_t)3)

/* One answer is written at a time, and is in a queue before the next. */
static u8 answer_bytes[NETLINK_REPLY_MAX];

struct netlink_writer netlink_answer(const struct netlink_request *request)
{
	return (struct netlink_writer){
		.bytes = answer_bytes,
		.room = sizeof(answer_bytes),
		.sequence = request->header.nlmsg_seq,
		.port = request->from->port,
	};
}

long netlink_send_answer(struct netlink_request *request, const struct netlink_writer *w)
{
	return netlink_deliver(request->from, w->bytes, w->length, 0) ? 0 : -ENOBUFS;
}

/* Room for that many bytes, which are 0 up to the next multiple of 4; NULL: there is none. */
static u8 *reserve(struct netlink_writer *w, size_t size)
{
	u8 *at = w->bytes + w->length;

	if (w->full || size > w->room || w->room - w->length < ALIGNED(size)) {
		w->full = true;
		return NULL;
	}
	memset(at, 0, ALIGNED(size));
	w->length += ALIGNED(size);
	return at;
}

void netlink_begin(struct netlink_writer *w, unsigned type, const void *body, size_t size)
{
	struct nlmsghdr header = { .nlmsg_type = (u16)type, .nlmsg_flags = w->flags, .nlmsg_seq = w->sequence, .nlmsg_pid = w->port };
	u8 *at;

	w->start = w->length;
	w->full = false;
	header.nlmsg_len = (u32)(sizeof(header) + size);
	at = reserve(w, header.nlmsg_len);
	if (!at)
		return;
	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), body, size);
}

bool netlink_end(struct netlink_writer *w)
{
	u32 length = (u32)(w->length - w->start);

	if (w->full) {
		w->length = w->start;
		w->full = false;
		return false;
	}
	memcpy(w->bytes + w->start, &length, sizeof(length));
	return true;
}

static u8 *put_header(struct netlink_writer *w, unsigned attribute, size_t size)
{
	struct nlattr header = { .nla_len = (u16)(sizeof(header) + size), .nla_type = (u16)attribute };
	u8 *at = reserve(w, sizeof(header) + size);

	if (at)
		memcpy(at, &header, sizeof(header));
	return at ? at + sizeof(header) : NULL;
}

void netlink_put(struct netlink_writer *w, unsigned attribute, const void *data, size_t size)
{
	u8 *at = put_header(w, attribute, size);

	if (at)
		memcpy(at, data, size);
}

void netlink_put_u8(struct netlink_writer *w, unsigned attribute, u8 value)
{
	netlink_put(w, attribute, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_writer *w, unsigned attribute, u32 value)
{
	netlink_put(w, attribute, &value, sizeof(value));
}

void netlink_put_text(struct netlink_writer *w, unsigned attribute, const char *text)
{
	netlink_put(w, attribute, text, strlen(text) + 1);
}

size_t netlink_nest(struct netlink_writer *w, unsigned attribute)
{
	size_t nest = w->length;

	put_header(w, attribute, 0);
	return nest;
}

void netlink_nest_end(struct netlink_writer *w, size_t nest)
{
	u16 length = (u16)(w->length - nest);

	if (!w->full)
		memcpy(w->bytes + nest, &length, sizeof(length));
}
