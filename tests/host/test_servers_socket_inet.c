// sources: SOCKET
/*
 * The Internet families of the socket server, without a kernel: connections that send, receive, close, shut down and reset at random against a model,
 * names, options and control messages of random bytes; when nobody has a socket any more nothing is left.
 */
#include "fake_inet.h"
#include "lib/hash.h"

/* ---- single behaviours ---- */

static void a_connection_that_waits_for_room_ends_in_time(void)
{
	size_t before = fake_memory_used;
	struct open_file *l = listener(0), *first = make(LINUX_AF_INET, LINUX_SOCK_STREAM), *second = make(LINUX_AF_INET, LINUX_SOCK_STREAM);
	struct call c = { op_connect, { 0 }, NULL, 0, NULL, 0 };
	struct fake_request *f;
	u8 name[16];

	c.data = name;
	c.bytes = name_four(name, 1, port_of(l));
	CHECK_EQ(now(first, &c), 0);
	c.data = name;
	f = begin(second, &c);
	CHECK_EQ(f->result, FAKE_NOT_ANSWERED);
	CHECK(tcp_deadline() > fake_now);
	fake_now = tcp_deadline();
	tcp_expired();
	CHECK_EQ(f->result, -ETIMEDOUT);
	fake_free(f);
	CHECK_EQ(tcp_deadline(), 0);
	/* One that goes while it waits. */
	f = begin(second, &c);
	CHECK_EQ(f->result, FAKE_NOT_ANSWERED);
	fake_cancel(f, CANCEL_KILLED);
	fake_free(f);
	file_closed(second);
	CHECK_EQ(tcp_deadline(), 0);
	file_closed(l);
	file_closed(first);
	nothing_is_left(before);
}

/* Else whoever connects could use up what others may have, and leave it with those who are slow to accept. */
static void a_connection_counts_against_who_listens(void)
{
	size_t before = fake_memory_used;
	struct open_file *l = listener(4), *two[2];

	fake_principals[0].uid = 7;
	make_pair_of(l, two);
	fake_principals[0].uid = 1;
	CHECK_EQ(socket_of(two[0])->user, 7);
	CHECK_EQ(socket_of(two[1])->user, 1);
	file_closed(l);
	file_closed(two[0]);
	file_closed(two[1]);
	nothing_is_left(before);
}

static void all_ports_can_be_taken_and_no_more(void)
{
	size_t before = fake_memory_used;
	static struct socket *made[SOCKETS_MAX];
	unsigned count = 0;
	long error = 0;

	while (count < 2000 && (made[count] = socket_new(&transport_tcp, LINUX_AF_INET, LINUX_SOCK_STREAM, 1, &error))) {
		CHECK_EQ(port_bind(made[count]->inet, 0), 0);
		CHECK(made[count]->inet->local.port & 1);
		count++;
	}
	while (count > 0)
		socket_close(made[--count], false);
	nothing_is_left(before);
}

/* Root shows one number after the other: for a moment the first may be above the last. */
static void a_range_of_ports_that_is_being_changed_gives_a_port(void)
{
	size_t before = fake_memory_used;
	long error = 0;

	for (u64 first = 61000; first < 65536; first += 7) {
		struct socket *socket = socket_new(&transport_tcp, LINUX_AF_INET, LINUX_SOCK_STREAM, 1, &error);

		fake_settings[SETTING_PORT_FIRST] = first;
		CHECK_EQ(port_bind(socket->inet, 0), 0);
		CHECK_EQ(socket->inet->local.port, first);
		socket_close(socket, false);
	}
	nothing_is_left(before);
	fake_settings[SETTING_PORT_FIRST] = 32768;
}

static void datagrams_beyond_the_limit_of_all_are_dropped(void)
{
	size_t before = fake_memory_used, sum = 0;
	struct open_file *to = make(LINUX_AF_INET, LINUX_SOCK_DGRAM), *from = make(LINUX_AF_INET, LINUX_SOCK_DGRAM);
	u8 name[16], data[1000] = { 0 };

	CHECK_EQ(with_name(to, op_bind, name, name_four(name, 1, 5000)), 0);
	CHECK_EQ(with_name(from, op_connect, name, name_four(name, 1, 5000)), 0);
	socket_held_limit = 3 * message_size(sizeof(data));
	for (unsigned i = 0; i < 100; i++)
		CHECK_EQ(send_bytes(from, data, sizeof(data)), sizeof(data));
	CHECK(messages_held() <= 2 * socket_held_limit);
	while (receive_bytes(to, data, sizeof(data), 0) == sizeof(data))
		sum++;
	CHECK(sum >= 3 && sum <= 6);
	socket_held_limit = SIZE_MAX / 2;
	file_closed(to);
	file_closed(from);
	nothing_is_left(before);
}

/* ---- connections at random ---- */

#define PAIRS 8
#define WINDOW 50000

static struct end {
	struct open_file *file;
	u64 sent, received;
	bool finished; /* it has sent its last */
} ends[PAIRS][2];
static bool disturbed[PAIRS]; /* one end has gone or was reset: what is on its way may be lost */
static u8 buffer[WINDOW];

static u8 byte_at(u64 position, unsigned side)
{
	return (u8)hash_u64(position * 2 + side);
}

static void act_send(unsigned pair, unsigned side)
{
	struct end *e = &ends[pair][side];
	size_t size = 1 + (pick(3) ? pick(300) : pick(WINDOW - 1));
	long n;

	for (size_t i = 0; i < size; i++)
		buffer[i] = byte_at(e->sent + i, side);
	n = send_bytes(e->file, buffer, size);
	if (n > 0)
		e->sent += (u64)n;
	else if (e->finished)
		CHECK(n == -EPIPE || n == -ECONNRESET);
	else
		CHECK(n == -EAGAIN || disturbed[pair]);
}

static void act_receive(unsigned pair, unsigned side)
{
	struct end *e = &ends[pair][side], *peer = &ends[pair][!side];
	unsigned flags = pick(4) ? 0 : LINUX_MSG_PEEK;
	size_t size = 1 + pick(WINDOW);
	long n = receive_bytes(e->file, buffer, MIN(size, (size_t)WINDOW), flags);

	for (long i = 0; i < n && !CHECK_FAILED(); i++)
		CHECK_EQ(buffer[i], byte_at(e->received + (u64)i, !side));
	if (n > 0 && !flags)
		e->received += (u64)n;
	CHECK(e->received <= peer->sent);
	if (n == 0)
		CHECK(disturbed[pair] || (peer->finished && e->received == peer->sent));
	else if (n < 0)
		CHECK((n == -EAGAIN && e->received == peer->sent) || disturbed[pair]);
}

static void act_shutdown(unsigned pair, unsigned side)
{
	struct call c = { op_shutdown, { 1 }, NULL, 0, NULL, 0 };
	long result = now(ends[pair][side].file, &c);

	CHECK(result == 0 || result == -ENOTCONN);
	ends[pair][side].finished = true;
}

static void act_close(unsigned pair, unsigned side)
{
	if (ends[pair][side].file)
		file_closed(ends[pair][side].file);
	ends[pair][side].file = NULL;
	disturbed[pair] = true;
}

static void act(struct open_file *from)
{
	unsigned pair = pick(PAIRS), side = pick(2), what = pick(100);
	struct end *e = &ends[pair][side];

	if (!ends[pair][0].file && !ends[pair][1].file) {
		struct open_file *two[2];

		make_pair_of(from, two);
		disturbed[pair] = false;
		ends[pair][0] = (struct end){ .file = two[0] };
		ends[pair][1] = (struct end){ .file = two[1] };
	} else if (!e->file) {
		act_close(pair, !side);
	} else if (what < 45) {
		act_send(pair, side);
	} else if (what < 94) {
		act_receive(pair, side);
	} else if (what < 97) {
		act_shutdown(pair, side);
	} else {
		act_close(pair, side);
	}
}

static size_t connections_round(u64 start)
{
	struct open_file *l;

	seed = start;
	l = listener(4);
	for (unsigned i = 0; i < 8000 && !CHECK_FAILED(); i++)
		act(l);
	for (unsigned pair = 0; pair < PAIRS; pair++) {
		act_close(pair, 0);
		act_close(pair, 1);
	}
	file_closed(l);
	return fake_memory_used;
}

static void connections_keep_their_bytes_at_random(void)
{
	for (u64 start = 1; start <= 3 && !CHECK_FAILED(); start++) {
		size_t used = connections_round(start);

		nothing_is_left(used);
		CHECK_EQ(connections_round(start), used);
	}
}

/* ---- bytes out of band at random, against a model of Linux's TCP that counts positions ---- */

static struct {
	u64 arrived, copied, mark; /* positions in the stream; mark: of the byte */
	enum { MARK_NONE, MARK_VALID, MARK_READ } state;
	bool in_line;
} model;

static void marks_send(struct open_file *file)
{
	size_t size = 1 + pick(5);
	bool marked = pick(2);
	struct call c = { op_send, { size, LINUX_MSG_DONTWAIT | (marked ? LINUX_MSG_OOB : 0) }, NULL, 0, buffer, size };

	for (size_t i = 0; i < size; i++)
		buffer[i] = byte_at(model.arrived + i, 0);
	CHECK_EQ(now(file, &c), (long)size);
	if (marked && model.state && model.mark == model.copied && !model.in_line)
		model.copied++;
	model.arrived += size;
	if (!marked)
		return;
	model.state = MARK_VALID;
	model.mark = model.arrived - 1;
}

/* As Linux reads: into `to`, which positions. */
static size_t model_read(size_t room, bool peek, u64 *to)
{
	u64 at = model.copied;
	size_t count = 0;

	while (count < room && at < model.arrived) {
		bool here = model.state && model.mark == at;

		if (here && count)
			break;
		if (!here || model.in_line)
			to[count++] = at;
		at++;
		if (peek)
			continue;
		model.copied = at;
		if (here)
			model.state = MARK_NONE;
	}
	return count;
}

static void marks_receive(struct open_file *file)
{
	u64 places[16];
	bool peek = !pick(3);
	size_t room = 1 + pick(12), count = model_read(room, peek, places);
	long n = receive_bytes(file, buffer, room, peek ? LINUX_MSG_PEEK : 0);

	CHECK_EQ(n, count ? (long)count : -EAGAIN);
	for (size_t i = 0; i < count && !CHECK_FAILED(); i++)
		CHECK_EQ(buffer[i], byte_at(places[i], 0));
}

static void marks_receive_marked(struct open_file *file)
{
	bool peek = !pick(3);
	long n = receive_bytes(file, buffer, 1, LINUX_MSG_OOB | (peek ? LINUX_MSG_PEEK : 0));

	CHECK_EQ(n, model.state == MARK_VALID && !model.in_line ? 1 : -EINVAL);
	if (n != 1)
		return;
	CHECK_EQ(buffer[0], byte_at(model.mark, 0));
	if (!peek)
		model.state = MARK_READ;
}

static void marks_check(struct open_file *file)
{
	struct socket *socket = socket_of(file);
	unsigned events = socket_poll(socket, ~0u);
	bool at = model.state && model.mark == model.copied;

	CHECK_EQ(socket_at_mark(socket), at);
	CHECK_EQ((events & LINUX_POLLPRI) != 0, model.state == MARK_VALID);
	CHECK_EQ((events & LINUX_POLLIN) != 0, model.arrived - model.copied >= 1u + (at && !model.in_line));
}

static void bytes_out_of_band_at_random(void)
{
	size_t before = fake_memory_used;
	struct open_file *l = listener(4), *two[2];

	for (unsigned round = 0; round < 200 && !CHECK_FAILED(); round++) {
		make_pair_of(l, two);
		memset(&model, 0, sizeof(model));
		for (unsigned i = 0; i < 200 && !CHECK_FAILED(); i++) {
			switch (pick(5)) {
			case 0: marks_send(two[0]); break;
			case 1: marks_receive_marked(two[1]); break;
			default: marks_receive(two[1]); break;
			}
			if (!pick(20))
				socket_of(two[1])->options.out_of_band_inline = model.in_line = !model.in_line;
			marks_check(two[1]);
		}
		file_closed(two[0]);
		file_closed(two[1]);
	}
	file_closed(l);
	nothing_is_left(before);
}

/* ---- anything at random ---- */

static size_t random_name(u8 *to)
{
	size_t length = name_four(to, 1, 6000 + pick(4));

	if (pick(2)) {
		memset(to, 0, 28);
		to[0] = LINUX_AF_INET6;
		to[2] = 6000 >> 8;
		to[3] = (u8)(6000 + pick(4));
		to[23] = pick(3) ? 1 : 0;
		if (!pick(3)) {
			to[18] = to[19] = 0xff;
			to[20] = 127;
		}
		length = 28;
	}
	if (!pick(6))
		to[pick(28)] = (u8)pick(256);
	if (!pick(8))
		length = pick(SOCKET_ADDRESS_MAX + 20);
	return length;
}

static long random_options(struct open_file *file, u8 *data)
{
	static const unsigned levels[] = { 1, 0, 6, 41, 17, 136 };
	struct call c = { pick(2) ? op_set_option : op_get_option, { levels[pick(6)], pick(80), 0, pick(300) }, data, pick(300), NULL, 0 };

	for (unsigned i = 0; i < 300; i++)
		data[i] = (u8)(pick(2) ? 0 : pick(256));
	return now(file, &c);
}

/* A name, and control messages whose lengths may be anything. */
static long random_send(struct open_file *file, u8 *data)
{
	size_t name = pick(3) ? random_name(data) : 0, control = pick(2) ? 0 : pick(SOCKET_CONTROL_MAX + 2), size = pick(2) ? pick(200) : pick(70000);
	static u8 bytes[70000];
	struct call c = { op_send, { size, pick(2) ? LINUX_MSG_DONTWAIT : pick(0x10000), 0, name, 0, 0, control }, data, name + control, bytes, size };
	u64 length = 16 + pick(20);

	name = MIN(name, (size_t)SOCKET_ADDRESS_MAX + 1);
	for (size_t i = 0; i < control; i++)
		data[name + i] = (u8)pick(50);
	if (control >= 16 && pick(2)) {
		memset(data + name, 0, 16);
		memcpy(data + name, &length, sizeof(length));
		data[name + 8] = pick(2) ? 41 : 0;
		data[name + 12] = (u8)(pick(2) ? 8 : pick(70));
	}
	return now(file, &c);
}

static void anything(unsigned i)
{
	static u8 data[1024], bytes[70000];
	struct open_file *file = all[i];
	struct call simple = { op_listen, { pick(3) }, NULL, 0, NULL, 0 };

	if (!file && pick(2))
		return;
	if (!file) {
		bool stream = pick(2), lite = !stream && !pick(3);

		all[i] = make_of(pick(2) ? LINUX_AF_INET : LINUX_AF_INET6, stream ? LINUX_SOCK_STREAM : LINUX_SOCK_DGRAM, lite ? INET_IPPROTO_UDPLITE : 0);
		return;
	}
	switch (pick(12)) {
	case 0: case 1: with_name(file, op_bind, data, random_name(data)); break;
	case 2: case 3: case 4: with_name(file, op_connect, data, random_name(data)); break;
	case 5: now(file, &simple); break;
	case 6: {
		struct open_file *got = accept_one(file);

		if (got)
			file_closed(got);
		break;
	}
	case 7: random_options(file, data); break;
	case 8: random_send(file, data); break;
	case 9: receive_bytes(file, bytes, pick(70000), pick(0x10000)); break;
	case 10:
		simple.run = op_shutdown;
		now(file, &simple);
		break;
	default:
		if (!pick(3)) {
			file_closed(file);
			all[i] = NULL;
			break;
		}
		fake_now += pick(1000000000);
		tcp_expired();
		socket_poll(socket_of(file), ~0u);
	}
}

static void anything_at_random_leaves_nothing(void)
{
	leaves_nothing(anything, 11, 16);
}

int main(void)
{
	fake_principals[0] = (struct principal_entry){ .principal = 1, .pid = 10, .tid = 10, .uid = 1, .euid = 2, .gid = 3, .egid = 4 };
	RUN(a_connection_that_waits_for_room_ends_in_time);
	RUN(a_connection_counts_against_who_listens);
	RUN(all_ports_can_be_taken_and_no_more);
	RUN(a_range_of_ports_that_is_being_changed_gives_a_port);
	RUN(datagrams_beyond_the_limit_of_all_are_dropped);
	RUN(connections_keep_their_bytes_at_random);
	RUN(bytes_out_of_band_at_random);
	RUN(anything_at_random_leaves_nothing);
	return check_result();
}
