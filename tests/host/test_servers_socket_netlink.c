// sources: SOCKET
/*
 * Netlink in the socket server, without a kernel: dumps while what they list changes, against a model; dumps that nobody reads; messages between sockets;
 * requests, attributes and filters of random bytes. When nobody has a socket any more nothing is left.
 */
#include "fake_inet.h"
#include "servers/socket/netlink/netlink.h"

#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

static u8 bytes[70000];

static struct open_file *netlink(unsigned protocol)
{
	struct call c = { op_socket, { LINUX_AF_NETLINK, LINUX_SOCK_RAW, 0, protocol }, NULL, 0, NULL, 0 };

	CHECK_EQ(now(NULL, &c), 0);
	return came[0].own;
}

/* ---- requests and what comes ---- */

struct request_bytes {
	struct nlmsghdr header;
	u8 rest[512];
};

static struct request_bytes ask_for(unsigned type, unsigned flags, const void *body, size_t size)
{
	struct request_bytes r = { .header = { .nlmsg_len = (u32)(sizeof(r.header) + size), .nlmsg_type = (u16)type, .nlmsg_flags = (u16)(NLM_F_REQUEST | flags) } };

	memcpy(r.rest, body, size);
	r.header.nlmsg_seq = 7;
	return r;
}

static long ask(struct open_file *file, const struct request_bytes *r)
{
	return send_bytes(file, r, r->header.nlmsg_len);
}

/* Every message of a datagram lies within it, and every attribute within its message, but for the room that is cut off. False: it does not. */
static bool is_well_formed(const u8 *at, size_t length)
{
	while (length >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header;

		memcpy(&header, at, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > length || header.nlmsg_len % 4)
			return false;
		at += header.nlmsg_len;
		length -= header.nlmsg_len;
	}
	return !length;
}

static unsigned first_type(void)
{
	struct nlmsghdr header;

	memcpy(&header, bytes, sizeof(header));
	return header.nlmsg_type;
}

/* ---- single behaviours ---- */

static void an_answer_is_there_when_the_send_returns(void)
{
	size_t before = fake_memory_used;
	struct open_file *file = netlink(NETLINK_ROUTE);
	struct ifinfomsg body = { .ifi_index = 1 };
	struct request_bytes r = ask_for(RTM_GETLINK, NLM_F_ACK, &body, sizeof(body));
	long n;

	CHECK_EQ(ask(file, &r), 32);
	n = receive_bytes(file, bytes, sizeof(bytes), 0);
	CHECK(n > 500 && is_well_formed(bytes, (size_t)n));
	CHECK_EQ(first_type(), RTM_NEWLINK);
	n = receive_bytes(file, bytes, sizeof(bytes), 0);
	CHECK_EQ(n, 36);
	CHECK_EQ(first_type(), NLMSG_ERROR);
	CHECK_EQ(receive_bytes(file, bytes, sizeof(bytes), 0), -EAGAIN);
	file_closed(file);
	nothing_is_left(before);
}

static void answers_that_nobody_reads_are_lost_and_that_is_told(void)
{
	size_t before = fake_memory_used, most = 0;
	struct open_file *file = netlink(NETLINK_ROUTE);
	struct ifinfomsg body = { .ifi_index = 1 };
	struct request_bytes r = ask_for(RTM_GETLINK, NLM_F_ACK, &body, sizeof(body));

	for (unsigned i = 0; i < 5000; i++)
		CHECK_EQ(ask(file, &r), 32);
	most = messages_held();
	CHECK(most < 2 * SOCKET_DEFAULT_LIMIT);
	CHECK_EQ(receive_bytes(file, bytes, sizeof(bytes), 0), -ENOBUFS);
	while (receive_bytes(file, bytes, sizeof(bytes), 0) > 0)
		;
	CHECK_EQ(ask(file, &r), 32);
	CHECK(receive_bytes(file, bytes, sizeof(bytes), 0) > 0);
	file_closed(file);
	nothing_is_left(before);
}

/* With nothing in its queue nobody would ever take what makes it hear again. */
static void one_that_lost_an_answer_for_want_of_memory_hears_the_next(void)
{
	size_t before = fake_memory_used, limit = socket_held_limit;
	struct open_file *file = netlink(NETLINK_ROUTE);
	struct ifinfomsg body = { .ifi_index = 1 };
	struct request_bytes r = ask_for(RTM_GETLINK, 0, &body, sizeof(body));

	socket_held_limit = 0;
	CHECK_EQ(ask(file, &r), 32);
	socket_held_limit = limit;
	CHECK_EQ(receive_bytes(file, bytes, sizeof(bytes), 0), -ENOBUFS);
	CHECK_EQ(ask(file, &r), 32);
	CHECK(receive_bytes(file, bytes, sizeof(bytes), 0) > 500);
	file_closed(file);
	nothing_is_left(before);
}

/* fchown makes nobody user 0. */
static void who_owns_the_file_says_nothing_of_who_joins(void)
{
	size_t before = fake_memory_used;
	struct open_file *file = netlink(NETLINK_USERSOCK);
	u32 group = 1;
	struct call join = { op_set_option, { 270, NETLINK_ADD_MEMBERSHIP }, &group, sizeof(group), NULL, 0 };

	CHECK_EQ(now(file, &join), -EPERM);
	socket_of(file)->uid = 0;
	CHECK_EQ(now(file, &join), -EPERM);
	fake_principals[0].euid = 0;
	CHECK_EQ(now(file, &join), 0);
	fake_principals[0].euid = 2;
	file_closed(file);
	nothing_is_left(before);
}

/* What there is no word for is not told from the server's stack. */
static void memberships_in_little_room_are_whole_words(void)
{
	size_t before = fake_memory_used;
	struct open_file *file = netlink(NETLINK_ROUTE);
	u32 group = 1;
	struct call join = { op_set_option, { 270, NETLINK_ADD_MEMBERSHIP }, &group, sizeof(group), NULL, 0 };
	struct call get = { op_get_option, { 270, NETLINK_LIST_MEMBERSHIPS, 0, 3 }, NULL, 0, NULL, 0 };

	CHECK_EQ(now(file, &join), 0);
	for (get.m[3] = 0; get.m[3] < 8; get.m[3]++) {
		CHECK_EQ(now(file, &get), 8);
		for (unsigned i = 0; i < answer.answer_bytes; i++)
			CHECK_EQ(answer_data[i], get.m[3] >= 4 && !i);
	}
	file_closed(file);
	nothing_is_left(before);
}

static struct request_bytes ask_for_unix_sockets(void)
{
	struct unix_diag_req body = { .sdiag_family = LINUX_AF_UNIX, .udiag_states = ~0u, .udiag_show = ~0u };

	return ask_for(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &body, sizeof(body));
}

#define IDLE 200

/* Each keeps some datagrams waiting, and beyond the limit of all one or none. */
static size_t idle_round(void)
{
	static struct open_file *idle[IDLE], *listed[40];
	struct request_bytes r = ask_for_unix_sockets();

	for (unsigned i = 0; i < ARRAY_SIZE(listed); i++)
		listed[i] = make(LINUX_AF_UNIX, LINUX_SOCK_STREAM);
	socket_held_limit = 100 * message_size(3776);
	for (unsigned i = 0; i < IDLE; i++) {
		idle[i] = netlink(NETLINK_SOCK_DIAG);
		for (unsigned again = 0; again < 20; again++)
			CHECK_EQ(ask(idle[i], &r), (long)r.header.nlmsg_len);
	}
	CHECK(messages_held() <= 2 * socket_held_limit);
	for (unsigned i = 0; i < IDLE; i++)
		file_closed(idle[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(listed); i++)
		file_closed(listed[i]);
	socket_held_limit = SIZE_MAX / 2;
	return fake_memory_used;
}

/* Pieces of messages are kept for the next. */
static void dumps_that_nobody_reads_cost_little(void)
{
	size_t used = idle_round();

	nothing_is_left(used);
	CHECK_EQ(idle_round(), used);
}

static void a_filter_passes_what_it_says(void)
{
	size_t before = fake_memory_used;
	struct open_file *file = netlink(NETLINK_SOCK_DIAG), *one = make(LINUX_AF_INET, LINUX_SOCK_DGRAM), *two = make(LINUX_AF_INET, LINUX_SOCK_DGRAM);
	struct inet_diag_req_v2 body = { .sdiag_family = LINUX_AF_INET, .sdiag_protocol = 17, .idiag_states = ~0u };
	struct request_bytes r = ask_for(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &body, sizeof(body));
	struct {
		struct nlattr header;
		struct inet_diag_bc_op operations[2];
	} filter = { { sizeof(filter), INET_DIAG_REQ_BYTECODE }, { { INET_DIAG_BC_S_GE, 8, 12 }, { 0, 0, 7001 } } };
	struct inet_diag_msg *told = (struct inet_diag_msg *)(bytes + sizeof(struct nlmsghdr));
	u8 name[16];

	CHECK_EQ(with_name(one, op_bind, name, name_four(name, 1, 7000)), 0);
	CHECK_EQ(with_name(two, op_bind, name, name_four(name, 1, 7001)), 0);
	memcpy((u8 *)&r + r.header.nlmsg_len, &filter, sizeof(filter));
	r.header.nlmsg_len += sizeof(filter);
	CHECK_EQ(ask(file, &r), (long)r.header.nlmsg_len);
	CHECK(receive_bytes(file, bytes, sizeof(bytes), 0) > 72);
	CHECK_EQ(first_type(), SOCK_DIAG_BY_FAMILY);
	CHECK_EQ(told->id.idiag_sport, 7001 >> 8 | (7001 & 0xff) << 8);
	CHECK_EQ(receive_bytes(file, bytes, sizeof(bytes), 0), 20);
	CHECK_EQ(first_type(), NLMSG_DONE);
	/* A jump into the middle of an operation. */
	filter.operations[0].no = 4;
	memcpy((u8 *)&r + r.header.nlmsg_len - sizeof(filter), &filter, sizeof(filter));
	CHECK_EQ(ask(file, &r), (long)r.header.nlmsg_len);
	CHECK(receive_bytes(file, bytes, sizeof(bytes), 0) > 0);
	CHECK_EQ(first_type(), NLMSG_ERROR);
	file_closed(file);
	file_closed(one);
	file_closed(two);
	nothing_is_left(before);
}

/* Though the first is over at once, as it finds nothing. */
static void a_send_begins_one_dump(void)
{
	size_t before = fake_memory_used;
	struct open_file *file = netlink(NETLINK_SOCK_DIAG);
	struct unix_diag_req body = { .sdiag_family = LINUX_AF_UNIX };
	struct request_bytes one = ask_for(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &body, sizeof(body));
	u8 both[2 * (sizeof(struct nlmsghdr) + sizeof(body))];

	memcpy(both, &one, sizeof(both) / 2);
	memcpy(both + sizeof(both) / 2, &one, sizeof(both) / 2);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(send_bytes(file, both, sizeof(both)), sizeof(both));
		CHECK_EQ(receive_bytes(file, bytes, sizeof(bytes), 0), 20);
		CHECK_EQ(first_type(), NLMSG_DONE);
		CHECK(receive_bytes(file, bytes, sizeof(bytes), 0) > 0);
		CHECK_EQ(first_type(), NLMSG_ERROR);
		CHECK_EQ(receive_bytes(file, bytes, sizeof(bytes), 0), -EAGAIN);
	}
	file_closed(file);
	nothing_is_left(before);
}

#define ASKERS   300
#define ANSWERED 60
#define LONGEST  2048u
#define ALL_HOLD (0x80000u / LONGEST) /* filters of that length, of all users together */

static struct open_file *askers[ASKERS];

/* Begins a dump with the longest filter that there may be, which is not over with its first message. False: it is refused. */
static bool ask_with_long_filter(struct open_file *file)
{
	static struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
		struct nlattr attribute;
		struct inet_diag_bc_op code[LONGEST / 4];
	} r;

	r.header = (struct nlmsghdr){ .nlmsg_len = sizeof(r), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP };
	r.body = (struct inet_diag_req_v2){ .sdiag_family = LINUX_AF_INET, .sdiag_protocol = 17, .idiag_states = ~0u };
	r.attribute = (struct nlattr){ sizeof(r.attribute) + sizeof(r.code), INET_DIAG_REQ_BYTECODE };
	for (unsigned i = 0; i < ARRAY_SIZE(r.code); i++)
		r.code[i] = (struct inet_diag_bc_op){ INET_DIAG_BC_NOP, 4, 4 };
	CHECK_EQ(send_bytes(file, &r, sizeof(r)), sizeof(r));
	CHECK(receive_bytes(file, bytes, 100, LINUX_MSG_PEEK) > 0);
	return first_type() == SOCK_DIAG_BY_FAMILY;
}

/* Of new sockets of that user: how many get an answer. */
static unsigned ask_by(unsigned uid, unsigned first, unsigned count)
{
	unsigned answered = 0;

	fake_principals[0].uid = uid;
	for (unsigned i = first; i < first + count; i++) {
		askers[i] = netlink(NETLINK_SOCK_DIAG);
		answered += ask_with_long_filter(askers[i]);
	}
	fake_principals[0].uid = 1;
	return answered;
}

/* Dumps that have not ended keep their filters: as many as a user may hold, and not one more. */
static size_t filters_round(void)
{
	static struct open_file *told[ANSWERED];
	u8 name[16];

	for (unsigned i = 0; i < ANSWERED; i++) {
		told[i] = make(LINUX_AF_INET, LINUX_SOCK_DGRAM);
		CHECK_EQ(with_name(told[i], op_bind, name, name_four(name, 1, 8000 + i)), 0);
	}
	CHECK_EQ(ask_by(1, 0, 200), ALL_HOLD / 2);
	/* Who reads on gives its own back. */
	while (receive_bytes(askers[0], bytes, sizeof(bytes), 0) > 0)
		;
	CHECK_EQ(first_type(), NLMSG_DONE);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(receive_bytes(askers[199 - i], bytes, sizeof(bytes), 0) > 0);
		CHECK_EQ(ask_with_long_filter(askers[199 - i]), !i);
	}
	/* The next user has half of what is left. */
	CHECK_EQ(ask_by(3, 200, 100), ALL_HOLD / 4);
	for (unsigned i = 0; i < ASKERS; i++)
		file_closed(askers[i]);
	for (unsigned i = 0; i < ANSWERED; i++)
		file_closed(told[i]);
	return fake_memory_used;
}

static void filters_are_limited_and_no_user_holds_all(void)
{
	size_t used = filters_round();

	nothing_is_left(used);
	CHECK_EQ(filters_round(), used);
}

#define MANY 300

/* A single socket is looked for among all of them: one send has not many such requests. */
static void one_send_looks_little_more_than_one_dump(void)
{
	static struct open_file *many[MANY];
	static u8 requests[450 * 40];
	size_t before = fake_memory_used;
	struct open_file *file = netlink(NETLINK_SOCK_DIAG);
	struct unix_diag_req body = { .sdiag_family = LINUX_AF_UNIX, .udiag_ino = ~0u };
	struct request_bytes r = ask_for(SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));

	for (unsigned i = 0; i < MANY; i++)
		many[i] = make(LINUX_AF_INET, LINUX_SOCK_DGRAM);
	CHECK_EQ(r.header.nlmsg_len, 40);
	for (size_t at = 0; at < sizeof(requests); at += 40)
		memcpy(requests + at, &r, 40);
	CHECK_EQ(send_bytes(file, requests, sizeof(requests)), (long)sizeof(requests));
	CHECK(netlink_work > NETLINK_WORK_MAX && netlink_work <= NETLINK_WORK_MAX + MANY + 1);
	for (unsigned i = 0; i < MANY; i++)
		file_closed(many[i]);
	file_closed(file);
	nothing_is_left(before);
}

/* The kinds of attributes behind the first `skip` bytes of the message, in their order: how many. */
static unsigned kinds_told(size_t skip, unsigned kinds[16])
{
	size_t at = sizeof(struct nlmsghdr) + skip, length = ((struct nlmsghdr *)bytes)->nlmsg_len;
	unsigned count = 0;

	while (at + sizeof(struct nlattr) <= length && count < 16) {
		struct nlattr a;

		memcpy(&a, bytes + at, sizeof(a));
		kinds[count++] = a.nla_type;
		at += ALIGN_UP((size_t)a.nla_len, 4ul);
	}
	return count;
}

/* What Linux 6.1 tells of a listener, but for control groups, which there are none of; then the same one asked for by its name and cookie. */
static void a_listener_is_told_of_as_by_linux(void)
{
	static const unsigned order[] = { 8, 5, 17, 22, 1, 7, 2, 4 };
	size_t before = fake_memory_used;
	struct open_file *file = netlink(NETLINK_SOCK_DIAG), *l = listener(7);
	struct inet_diag_req_v2 body = { .sdiag_family = LINUX_AF_INET, .sdiag_protocol = 6, .idiag_ext = 0xff, .idiag_states = 1 << 10 };
	struct request_bytes r = ask_for(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &body, sizeof(body));
	struct inet_diag_msg told;
	unsigned kinds[16];

	CHECK_EQ(ask(file, &r), (long)r.header.nlmsg_len);
	CHECK(receive_bytes(file, bytes, sizeof(bytes), 0) > 72);
	memcpy(&told, bytes + sizeof(struct nlmsghdr), sizeof(told));
	CHECK_EQ(told.idiag_state, 10);
	CHECK_EQ(told.idiag_wqueue, 7);
	CHECK_EQ(told.idiag_inode, socket_of(l)->ino);
	CHECK_EQ(kinds_told(sizeof(told), kinds), ARRAY_SIZE(order));
	CHECK(!memcmp(kinds, order, sizeof(order)));
	CHECK_EQ(receive_bytes(file, bytes, sizeof(bytes), 0), 20);
	body.id = told.id;
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		r = ask_for(SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
		CHECK_EQ(ask(file, &r), (long)r.header.nlmsg_len);
		CHECK(receive_bytes(file, bytes, sizeof(bytes), 0) > 0);
		CHECK_EQ(first_type(), wrong ? NLMSG_ERROR : SOCK_DIAG_BY_FAMILY);
		body.id.idiag_cookie[1] ^= 1;
	}
	file_closed(file);
	file_closed(l);
	nothing_is_left(before);
}

/* ---- a dump of what changes: what is there all the time is told once, what comes or goes at most once ---- */

#define LISTED 150

static struct {
	struct open_file *file;
	u64 ino;
	bool old;       /* there since the dump began */
	unsigned told;
} listed[LISTED];

static void change_listed(unsigned i)
{
	if (listed[i].file) {
		file_closed(listed[i].file);
		listed[i].file = NULL;
		return;
	}
	listed[i].file = make(LINUX_AF_UNIX, pick(2) ? LINUX_SOCK_STREAM : LINUX_SOCK_DGRAM);
	listed[i].ino = socket_of(listed[i].file)->ino;
	listed[i].old = false;
	listed[i].told = 0;
}

static void note_told(u32 ino)
{
	for (unsigned i = 0; i < LISTED; i++)
		if (listed[i].file && listed[i].ino == ino)
			CHECK_EQ(++listed[i].told, 1);
}

static size_t dump_size;

/* True: the dump is over. */
static bool take_datagram(struct open_file *file)
{
	long n = receive_bytes(file, bytes, dump_size, 0), at = 0;

	CHECK(n > 0 && is_well_formed(bytes, (size_t)n));
	if (n <= 0)
		return true;
	while (at < n) {
		struct nlmsghdr header;
		struct unix_diag_msg body;

		memcpy(&header, bytes + at, sizeof(header));
		if (header.nlmsg_type == NLMSG_DONE)
			return true;
		CHECK_EQ(header.nlmsg_type, SOCK_DIAG_BY_FAMILY);
		memcpy(&body, bytes + at + sizeof(header), sizeof(body));
		note_told(body.udiag_ino);
		at += header.nlmsg_len;
	}
	return false;
}

static void dump_round(u64 start)
{
	struct open_file *file = netlink(NETLINK_SOCK_DIAG);
	struct request_bytes r = ask_for_unix_sockets();
	bool over = false;

	seed = start;
	dump_size = 3776 + pick(30000);
	for (unsigned i = 0; i < LISTED; i++) {
		if (pick(2))
			change_listed(i);
		listed[i].old = listed[i].file != NULL;
		listed[i].told = 0;
	}
	CHECK_EQ(ask(file, &r), (long)r.header.nlmsg_len);
	while (!over && !CHECK_FAILED()) {
		for (unsigned i = pick(30); i; i--)
			change_listed(pick(LISTED));
		over = take_datagram(file);
	}
	for (unsigned i = 0; i < LISTED; i++)
		if (listed[i].file && listed[i].old)
			CHECK_EQ(listed[i].told, 1);
	file_closed(file);
}

static void a_dump_of_what_changes_tells_each_once(void)
{
	size_t before = fake_memory_used;

	for (u64 start = 1; start <= 40 && !CHECK_FAILED(); start++)
		dump_round(start);
	for (unsigned i = 0; i < LISTED; i++)
		if (listed[i].file)
			change_listed(i);
	nothing_is_left(before);
}

/* ---- anything at random ---- */

static u8 sent[40000];

static size_t random_name_of(u8 *to)
{
	u32 name[3] = { LINUX_AF_NETLINK, pick(3) ? pick(6) + 100 : pick(2) ? 0 : (u32)-pick(20), pick(2) ? 0 : 1u << pick(32) };

	if (!pick(20))
		name[0] = pick(0x100000);
	memcpy(to, name, sizeof(name));
	return pick(20) ? sizeof(name) : pick(SOCKET_ADDRESS_MAX + 1);
}

static size_t put_random_attributes(u8 *to, size_t room)
{
	size_t at = 0;

	while (room - at > 40 && pick(4)) {
		struct nlattr header = { (u16)(4 + pick(36)), (u16)(pick(4) ? pick(35) : pick(0x10000)) };

		if (!pick(10))
			header.nla_len = (u16)pick(100);
		for (unsigned i = 0; i < 36; i++)
			to[at + 4 + i] = (u8)(pick(3) ? pick(3) : pick(256));
		memcpy(to + at, &header, sizeof(header));
		at += MIN(ALIGN_UP((size_t)header.nla_len, 4ul) + 4, (size_t)40);
	}
	return at;
}

/* A filter whose operations are real, with distances that mostly are. */
static size_t put_random_filter(u8 *to)
{
	unsigned count = 1 + pick(6);
	struct nlattr header = { (u16)(4 + count * 8), INET_DIAG_REQ_BYTECODE };

	memcpy(to, &header, sizeof(header));
	for (unsigned i = 0; i < count; i++) {
		u16 distance = (u16)((1 + pick(count - i)) * 8 + (pick(3) ? 0 : 4));
		struct inet_diag_bc_op operation[2] = { { (u8)(pick(8) ? 2 + pick(4) : pick(15)), 8, distance }, { 0, 0, (u16)(6000 + pick(4)) } };

		memcpy(to + 4 + i * 8, operation, sizeof(operation));
	}
	return header.nla_len;
}

static size_t random_request(u8 *to, size_t room)
{
	static const u16 types[] = {
		RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETRULE, RTM_GETNEIGH, RTM_NEWLINK, RTM_SETLINK, RTM_NEWADDR, SOCK_DIAG_BY_FAMILY, SOCK_DIAG_BY_FAMILY, 0,
	};
	static const u8 families[] = { 0, LINUX_AF_UNIX, LINUX_AF_INET, LINUX_AF_INET6, 7, 16, 128, 200 };
	unsigned flags = NLM_F_REQUEST | (pick(2) ? NLM_F_DUMP : pick(2) ? NLM_F_ACK : 0);
	struct nlmsghdr header = { .nlmsg_type = types[pick(11)], .nlmsg_flags = (u16)(pick(12) ? flags : pick(0x10000)) };
	size_t at = sizeof(header) + (pick(6) ? (size_t)(const u8[]){ 4, 8, 12, 16, 24, 56, 56 }[pick(7)] : pick(60));

	if (!pick(12))
		header.nlmsg_type = (u16)pick(0x10000);
	for (unsigned i = sizeof(header); i < at + 4; i++)
		to[i] = (u8)(pick(3) ? 0 : pick(2) ? 0xff : pick(256));
	to[sizeof(header)] = families[pick(8)];
	to[sizeof(header) + 1] = (u8)(pick(2) ? pick(2) ? 6 : 17 : pick(256));
	if (pick(2))
		memset(to + sizeof(header) + 4, 0xff, 4);
	if (pick(2) && room > 1000)
		at += pick(2) ? put_random_attributes(to + at, 900) : put_random_filter(to + at);
	header.nlmsg_len = (u32)at;
	if (!pick(12))
		header.nlmsg_len = pick(2) ? pick(100) : pick(0x7fffffff);
	memcpy(to, &header, sizeof(header));
	return ALIGN_UP(at, 4ul);
}

static long random_send(struct open_file *file)
{
	u8 data[SOCKET_ADDRESS_MAX];
	size_t name = pick(4) ? 0 : random_name_of(data), size = 0;
	struct call c = { op_send, { 0, pick(4) ? LINUX_MSG_DONTWAIT : 0, 0, name }, data, name, sent, sizeof(sent) };

	if (pick(10))
		for (unsigned i = 1 + pick(pick(10) ? 3 : 60); i; i--)
			size += random_request(sent + size, sizeof(sent) - size);
	else
		for (size = pick(sizeof(sent)); c.m[0] < size && pick(50); c.m[0]++)
			sent[c.m[0]] = (u8)pick(256);
	c.m[0] = pick(20) ? size : pick(sizeof(sent));
	return now(file, &c);
}

static void random_receive(struct open_file *file)
{
	unsigned flags = pick(3) ? 0 : LINUX_MSG_PEEK | LINUX_MSG_TRUNC;
	size_t size = pick(4) ? pick(40000) : pick(100);
	long n = receive_bytes(file, bytes, size, flags);
	const struct socket *socket = socket_of(file);

	/* What comes from this machine is well formed. */
	if (n > 0 && !flags && (size_t)n < size && !answer_data[4] && !answer_data[5] && !answer_data[6] && !answer_data[7] && socket->protocol != NETLINK_USERSOCK)
		CHECK(is_well_formed(bytes, (size_t)n));
}

static void random_option(struct open_file *file)
{
	u8 data[16];
	u32 value = pick(3) ? pick(40) : pick(0x7fffffff);
	struct call c = { pick(2) ? op_set_option : op_get_option, { pick(10) ? 270 : pick(300), pick(14), 0, pick(20) }, data, 4 + pick(3), NULL, 0 };

	memcpy(data, &value, sizeof(value));
	now(file, &c);
}

static void anything(unsigned i)
{
	static const unsigned protocols[] = { NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_SOCK_DIAG, NETLINK_USERSOCK, NETLINK_KOBJECT_UEVENT };
	u8 name[SOCKET_ADDRESS_MAX];

	if (!all[i]) {
		all[i] = pick(3) ? netlink(protocols[pick(5)]) : make(pick(2) ? LINUX_AF_INET : LINUX_AF_UNIX, LINUX_SOCK_DGRAM);
		if (!socket_of(all[i])->netlink && socket_of(all[i])->inet)
			with_name(all[i], op_bind, name, name_four(name, 1, 6000 + pick(4)));
		return;
	}
	if (!socket_of(all[i])->netlink && pick(8))
		return;
	switch (socket_of(all[i])->netlink ? pick(16) : 15) {
	case 0: with_name(all[i], op_bind, name, random_name_of(name)); break;
	case 1: with_name(all[i], op_connect, name, random_name_of(name)); break;
	case 2: random_option(all[i]); break;
	case 3: case 4: case 5: case 6: case 7: random_send(all[i]); break;
	case 8: case 9: case 10: case 11: case 12: case 13: random_receive(all[i]); break;
	case 14: socket_poll(socket_of(all[i]), ~0u); break;
	default:
		if (!pick(3)) {
			file_closed(all[i]);
			all[i] = NULL;
		}
	}
}

static void anything_at_random_leaves_nothing(void)
{
	leaves_nothing(anything, 21, 24);
	fake_principals[0].euid = 0;
	leaves_nothing(anything, 25, 28);
	fake_principals[0].euid = 2;
}

int main(void)
{
	fake_principals[0] = (struct principal_entry){ .principal = 1, .pid = 10, .tid = 10, .uid = 1, .euid = 2, .gid = 3, .egid = 4 };
	RUN(an_answer_is_there_when_the_send_returns);
	RUN(answers_that_nobody_reads_are_lost_and_that_is_told);
	RUN(one_that_lost_an_answer_for_want_of_memory_hears_the_next);
	RUN(who_owns_the_file_says_nothing_of_who_joins);
	RUN(memberships_in_little_room_are_whole_words);
	RUN(dumps_that_nobody_reads_cost_little);
	RUN(one_send_looks_little_more_than_one_dump);
	RUN(a_filter_passes_what_it_says);
	RUN(a_send_begins_one_dump);
	RUN(filters_are_limited_and_no_user_holds_all);
	RUN(a_listener_is_told_of_as_by_linux);
	RUN(a_dump_of_what_changes_tells_each_once);
	RUN(anything_at_random_leaves_nothing);
	return check_result();
}
