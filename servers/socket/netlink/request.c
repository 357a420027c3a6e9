/*
 * Requests to this machine. What a program sent may hold several, one behind the other, each with a length of its own, which is believed only as far as there
 * are bytes. Errors and what is to be acknowledged are answered here; what is asked, by the protocol.
 */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/charge.h"

#define ALIGNED(n) (((n) + 3) & ~(size_t)3)

/* Linux's sizes of a dump's datagrams: a page's, or as much as the reader had room for. */
#define DUMP_LEAST 3776u
#define DUMP_MOST  32448u

long netlink_fail(struct netlink_request *request, long error, const char *text)
{
	request->text = text;
	return error;
}

/* ---- attributes ---- */

struct netlink_attributes netlink_attributes(const struct netlink_request *request, size_t skip)
{
	skip = MIN(ALIGNED(skip), request->length);
	return (struct netlink_attributes){ request->data - sizeof(request->header), request->data + skip, request->length - skip };
}

bool netlink_attribute_next(struct netlink_attributes *a, struct netlink_attribute *attribute)
{
	struct nlattr header;

	if (a->left < sizeof(header))
		return false;
	memcpy(&header, a->at, sizeof(header));
	if (header.nla_len < sizeof(header) || header.nla_len > a->left)
		return false;
	attribute->type = header.nla_type & (unsigned)NLA_TYPE_MASK;
	attribute->data = a->at + sizeof(header);
	attribute->size = header.nla_len - sizeof(header);
	attribute->offset = (size_t)(a->at - a->start);
	a->at += MIN(ALIGNED(header.nla_len), a->left);
	a->left -= MIN(ALIGNED(header.nla_len), a->left);
	return true;
}

u32 netlink_attribute_u32(const struct netlink_attribute *attribute)
{
	u32 value = 0;

	memcpy(&value, attribute->data, MIN(attribute->size, sizeof(value)));
	return value;
}

/* ---- errors and acknowledgements ---- */

/* What is told beside the error, if the program asked for it. */
static void explain(struct netlink_writer *w, const struct netlink_request *r, long error)
{
	if (r->text)
		netlink_put_text(w, NLMSGERR_ATTR_MSG, r->text);
	if (error && r->offset)
		netlink_put_u32(w, NLMSGERR_ATTR_OFFS, (u32)r->offset);
}

/* The request comes back with an error, unless the program wants its header alone. */
static void acknowledge(struct netlink_request *r, long error)
{
	const struct netlink *to = r->from;
	bool whole = error && !to->capped, explained = to->extended && (r->text || (error && r->offset));
	struct netlink_writer w = netlink_answer(r);
	int number = (int)error;
	u8 *at;

	w.flags = (u16)((whole ? 0 : NLM_F_CAPPED) | (explained ? NLM_F_ACK_TLVS : 0));
	netlink_begin(&w, NLMSG_ERROR, &number, sizeof(number));
	at = w.bytes + w.length;
	memcpy(at, &r->header, sizeof(r->header));
	w.length += sizeof(r->header);
	if (whole) {
		memset(at + sizeof(r->header), 0, ALIGNED(r->length));
		memcpy(at + sizeof(r->header), r->data, r->length);
		w.length += ALIGNED(r->length);
	}
	if (explained)
		explain(&w, r, error);
	netlink_end(&w);
	netlink_send_answer(r, &w);
}

/* ---- dumps ---- */

void netlink_dump_end(struct netlink *netlink)
{
	netlink_bytecode_free(netlink->dump.diag.code);
	memset(&netlink->dump, 0, sizeof(netlink->dump));
}

static void write_done(struct netlink_writer *w, const struct netlink *netlink, long error)
{
	const struct netlink_dump *dump = &netlink->dump;
	int number = (int)error;
	bool explained = dump->text && netlink->extended;

	w->flags |= explained ? NLM_F_ACK_TLVS : 0;
	netlink_begin(w, NLMSG_DONE, &number, sizeof(number));
	if (explained)
		netlink_put_text(w, NLMSGERR_ATTR_MSG, dump->text);
	netlink_end(w);
}

/* What comes next of the parts; with nothing written there is no more. */
static long write_parts(struct netlink *netlink, struct netlink_writer *w)
{
	struct netlink_dump *dump = &netlink->dump;
	long error = dump->error;

	while (!error && *dump->part) {
		error = (*dump->part)(netlink, w);
		if (w->length)
			return 0;
		if (!error) {
			dump->part++;
			dump->at = 0;
		}
	}
	return error;
}

void netlink_dump_continue(struct netlink *netlink)
{
	struct netlink_dump *dump = &netlink->dump;
	struct netlink_request nobody = { .from = netlink, .header.nlmsg_seq = dump->sequence };
	struct netlink_writer w = netlink_answer(&nobody);
	long error;

	if (!dump->part || !netlink_half_empty(netlink))
		return;
	w.room = MAX(DUMP_LEAST, MIN((size_t)DUMP_MOST, netlink->largest_receive));
	w.flags = NLM_F_MULTI | dump->flags;
	error = write_parts(netlink, &w);
	if (w.length) {
		/* One that is lost takes the rest with it. */
		if (!netlink_deliver(netlink, w.bytes, w.length, charge_of_netlink(w.room)))
			netlink_dump_end(netlink);
		return;
	}
	write_done(&w, netlink, error);
	netlink_deliver(netlink, w.bytes, w.length, charge_of_netlink(w.room));
	netlink_dump_end(netlink);
}

long netlink_dump_start(struct netlink_request *request, const struct netlink_dump *dump)
{
	struct netlink *netlink = request->from;

	if (netlink->dump.part || netlink->dumped) {
		netlink_bytecode_free(dump->diag.code);
		return -EBUSY;
	}
	netlink->dumped = true;
	netlink->dump = *dump;
	netlink->dump.sequence = request->header.nlmsg_seq;
	netlink_dump_continue(netlink);
	return NETLINK_ANSWERED;
}

/* ---- all of them ---- */

size_t netlink_work;

static void deal_with(struct netlink_request *r)
{
	long result = 0;

	if (r->header.nlmsg_flags & NLM_F_REQUEST && r->header.nlmsg_type >= NLMSG_MIN_TYPE)
		result = netlink_work > NETLINK_WORK_MAX ? -EBUSY : r->from->protocol->request(r);
	if (result != NETLINK_ANSWERED && (result || r->header.nlmsg_flags & NLM_F_ACK))
		acknowledge(r, result);
}

void netlink_requests(struct netlink *from, const u8 *bytes, size_t length, bool privileged)
{
	from->dumped = false;
	netlink_work = 0;
	while (length >= sizeof(struct nlmsghdr)) {
		struct netlink_request r = { .from = from, .data = bytes + sizeof(struct nlmsghdr), .privileged = privileged };
		size_t step;

		memcpy(&r.header, bytes, sizeof(r.header));
		if (r.header.nlmsg_len < sizeof(r.header) || r.header.nlmsg_len > length)
			return;
		r.length = r.header.nlmsg_len - sizeof(r.header);
		deal_with(&r);
		step = MIN(ALIGNED(r.header.nlmsg_len), length);
		bytes += step;
		length -= step;
	}
}
