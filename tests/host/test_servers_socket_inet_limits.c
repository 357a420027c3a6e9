// sources: SOCKET
/* The Internet families of the socket server where something is used up or gone: sockets, room, memory, the other end. */
#include <asm/socket.h>

#include "fake_inet.h"
#include "servers/socket/list.h"

#define WINDOW 50000

/* A message of few bytes takes the memory of a message, one that is a little too long for a small piece a large piece. */
static void what_messages_take_counts_not_their_bytes(void)
{
	static const size_t lengths[] = { 0, 1, 2049, 16000, 40000 };
	struct open_file *to = make(LINUX_AF_INET, LINUX_SOCK_DGRAM), *from = make(LINUX_AF_INET, LINUX_SOCK_DGRAM);
	u8 name[16];
	static u8 data[40000];

	CHECK_EQ(with_name(to, op_bind, name, name_four(name, 1, 5000)), 0);
	CHECK_EQ(with_name(from, op_connect, name, name_four(name, 1, 5000)), 0);
	CHECK_EQ(send_bytes(from, data, 0), 0);
	CHECK_EQ(receive_bytes(to, data, sizeof(data), 0), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		size_t used = fake_memory_used, held = messages_held();

		CHECK_EQ(send_bytes(from, data, lengths[i]), lengths[i]);
		/* What is told of a datagram is beside it. */
		CHECK(fake_memory_used - used <= messages_held() - held + sizeof(struct inet_note));
		socket_empty(socket_of(to));
	}
	file_closed(to);
	file_closed(from);
	sockets_settle();
	CHECK_EQ(messages_held(), 0);
}

static struct socket *fillers[SOCKETS_MAX + 1];

/* As many sockets as there may be: how many were missing. */
static unsigned fill_all(void)
{
	unsigned count = 0;
	long error;

	fake_principals[0].euid = 0;
	while ((fillers[count] = socket_new(&transport_tcp, LINUX_AF_INET, LINUX_SOCK_STREAM, 1, &error)))
		count++;
	fake_principals[0].euid = 2;
	CHECK_EQ(error, -ENFILE);
	return count;
}

static void free_all(unsigned count)
{
	while (count > 0)
		socket_close(fillers[--count], false);
	sockets_settle();
}

static void texts_of_lists_are_no_longer_than_they_must_be_and_limited(void)
{
	struct open_file *files_of[8], *extra = fake_file(LINUX_O_RDONLY);
	unsigned count = fill_all();
	size_t before = fake_memory_used;

	extra->node = (struct node){ .id = list_find("tcp", 3), .entry = NODE_LIST };
	CHECK_EQ(list_open(extra), 0);
	/* None of those sockets has a port, so there are no lines. */
	CHECK(fake_memory_used - before < LIST_HEAD_MAX);
	socket_held_limit = 8 * extra->words[0];
	for (unsigned i = 0; i < 8; i++) {
		files_of[i] = fake_file(LINUX_O_RDONLY);
		files_of[i]->node = extra->node;
		CHECK_EQ(list_open(files_of[i]), i < 7 ? 0 : -ENOMEM);
	}
	list_close(extra);
	CHECK_EQ(list_open(files_of[7]), 0);
	for (unsigned i = 0; i < 8; i++) {
		list_close(files_of[i]);
		free(files_of[i]);
	}
	free(extra);
	socket_held_limit = SIZE_MAX / 2;
	CHECK_EQ(fake_memory_used, before);
	free_all(count);
}

/* ---- what waits for room, and what nothing is left for ---- */

static struct fake_request *connect_begin(struct open_file *file, unsigned port)
{
	u8 name[16];
	struct call c = { op_connect, { 0 }, name, name_four(name, 1, port), NULL, 0 };

	return begin(file, &c);
}

static void a_waiting_connection_for_which_no_socket_is_left_fails(void)
{
	size_t before = fake_memory_used;
	struct open_file *l = listener(0), *first = make(LINUX_AF_INET, LINUX_SOCK_STREAM), *second = make(LINUX_AF_INET, LINUX_SOCK_STREAM), *got;
	struct fake_request *one = connect_begin(first, port_of(l)), *two = connect_begin(second, port_of(l));
	unsigned count = fill_all();

	CHECK_EQ(one->result, 0);
	CHECK_EQ(two->result, FAKE_NOT_ANSWERED);
	got = accept_one(l);
	CHECK(got != NULL);
	CHECK_EQ(two->result, -ENOBUFS);
	CHECK_EQ(tcp_deadline(), 0);
	fake_free(one);
	fake_free(two);
	free_all(count);
	file_closed(got);
	file_closed(first);
	file_closed(second);
	file_closed(l);
	nothing_is_left(before);
}

static void a_listener_outlives_a_time_without_sockets(void)
{
	size_t before = fake_memory_used;
	struct open_file *l = listener(4), *first = make(LINUX_AF_INET, LINUX_SOCK_STREAM), *second = make(LINUX_AF_INET, LINUX_SOCK_STREAM);
	unsigned count = fill_all();
	struct fake_request *one = connect_begin(first, port_of(l)), *two;

	CHECK_EQ(one->result, -ENOBUFS);
	free_all(count);
	two = connect_begin(second, port_of(l));
	CHECK_EQ(two->result, 0);
	fake_free(one);
	fake_free(two);
	file_closed(first);
	file_closed(second);
	file_closed(l);
	nothing_is_left(before);
}

static void a_longer_queue_lets_in_who_waits(void)
{
	size_t before = fake_memory_used;
	struct open_file *l = listener(0), *made[3];
	struct fake_request *f[3];
	struct call longer = { op_listen, { 1 }, NULL, 0, NULL, 0 };

	for (unsigned i = 0; i < 3; i++) {
		made[i] = make(LINUX_AF_INET, LINUX_SOCK_STREAM);
		f[i] = connect_begin(made[i], port_of(l));
	}
	CHECK_EQ(f[1]->result, FAKE_NOT_ANSWERED);
	CHECK_EQ(now(l, &longer), 0);
	CHECK_EQ(f[1]->result, 0);
	CHECK_EQ(f[2]->result, FAKE_NOT_ANSWERED);
	longer.m[0] = 2;
	CHECK_EQ(now(l, &longer), 0);
	CHECK_EQ(f[2]->result, 0);
	for (unsigned i = 0; i < 3; i++) {
		fake_free(f[i]);
		file_closed(made[i]);
	}
	file_closed(l);
	nothing_is_left(before);
}

/* ---- ends ---- */

static void a_peer_of_before_does_not_reset_the_next_connection(void)
{
	size_t before = fake_memory_used;
	struct open_file *l = listener(4), *two[2], *other;
	u8 name[16] = { LINUX_AF_UNSPEC }, byte = 7;

	make_pair_of(l, two);
	CHECK_EQ(send_bytes(two[0], &byte, 1), 1);
	CHECK_EQ(with_name(two[0], op_connect, name, sizeof(name)), 0);
	CHECK_EQ(with_name(two[0], op_connect, name, name_four(name, 1, port_of(l))), 0);
	other = accept_one(l);
	/* What came before the reset is there still. */
	file_closed(two[1]);
	CHECK_EQ(send_bytes(two[0], &byte, 1), 1);
	CHECK_EQ(receive_bytes(other, &byte, 1, 0), 1);
	file_closed(two[0]);
	file_closed(other);
	file_closed(l);
	nothing_is_left(before);
}

/* The server takes them by the piece, and nobody else has a turn meanwhile. */
static void bytes_for_nobody_are_taken_a_part_at_a_time(void)
{
	size_t before = fake_memory_used;
	struct open_file *l = listener(4), *two[2];
	static u8 much[8 << 20];
	long n;

	make_pair_of(l, two);
	file_closed(two[1]);
	n = send_bytes(two[0], much, sizeof(much));
	CHECK(n > 0 && n <= 0x10000);
	CHECK_EQ(send_bytes(two[0], much, sizeof(much)), -EPIPE);
	file_closed(two[0]);
	file_closed(l);
	nothing_is_left(before);
}

/* Else who polls for more than the sender may have on its way would wait for ever. */
static void a_full_connection_is_readable_whatever_is_the_least(void)
{
	struct open_file *l = listener(4), *two[2];
	static u8 much[WINDOW];
	int least = 1 << 30;
	struct call c = { op_set_option, { 1, SO_RCVLOWAT }, &least, sizeof(least), NULL, 0 };

	make_pair_of(l, two);
	CHECK_EQ(now(two[1], &c), 0);
	CHECK_EQ(send_bytes(two[0], much, 1), 1);
	CHECK_EQ(socket_poll(socket_of(two[1]), ~0u) & LINUX_POLLIN, 0);
	while (send_bytes(two[0], much, sizeof(much)) > 0)
		;
	CHECK_EQ(socket_poll(socket_of(two[1]), ~0u) & LINUX_POLLIN, LINUX_POLLIN);
	file_closed(two[0]);
	file_closed(two[1]);
	file_closed(l);
	sockets_settle();
	CHECK_EQ(messages_held(), 0);
}

static void a_connected_sender_is_told_of_its_own_peer_alone(void)
{
	size_t before = fake_memory_used;
	struct open_file *to = make(LINUX_AF_INET, LINUX_SOCK_DGRAM), *from = make(LINUX_AF_INET, LINUX_SOCK_DGRAM);
	u8 name[16], byte = 0;
	struct call c = { op_send, { 1, LINUX_MSG_DONTWAIT, 0, sizeof(name) }, name, sizeof(name), &byte, 1 };

	CHECK_EQ(with_name(to, op_bind, name, name_four(name, 1, 5000)), 0);
	CHECK_EQ(with_name(from, op_connect, name, name_four(name, 1, 5000)), 0);
	name_four(name, 1, 5001);
	CHECK_EQ(now(from, &c), 1);
	CHECK_EQ(receive_bytes(from, &byte, 1, 0), -EAGAIN);
	file_closed(to);
	name_four(name, 1, 5000);
	CHECK_EQ(now(from, &c), 1);
	CHECK_EQ(receive_bytes(from, &byte, 1, 0), -ECONNREFUSED);
	file_closed(from);
	nothing_is_left(before);
}

int main(void)
{
	fake_principals[0] = (struct principal_entry){ .principal = 1, .pid = 10, .tid = 10, .uid = 1, .euid = 2, .gid = 3, .egid = 4 };
	RUN(what_messages_take_counts_not_their_bytes);
	RUN(texts_of_lists_are_no_longer_than_they_must_be_and_limited);
	RUN(a_waiting_connection_for_which_no_socket_is_left_fails);
	RUN(a_listener_outlives_a_time_without_sockets);
	RUN(a_longer_queue_lets_in_who_waits);
	RUN(a_peer_of_before_does_not_reset_the_next_connection);
	RUN(bytes_for_nobody_are_taken_a_part_at_a_time);
	RUN(a_full_connection_is_readable_whatever_is_the_least);
	RUN(a_connected_sender_is_told_of_its_own_peer_alone);
	return check_result();
}
