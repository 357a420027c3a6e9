/* What the tests of the socket server's Internet families share: calls, and sockets. Each test is one program. */
#ifndef TESTS_HOST_FAKE_INET_H
#define TESTS_HOST_FAKE_INET_H

#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "fake_sockets.h"
#include "lib/hash.h"
#include "servers/socket/inet.h"

/* ---- calls ---- */

typedef long operation(struct request *request);

struct call {
	operation *run;
	unsigned long m[8];
	const void *data;
	size_t bytes;
	void *window;
	size_t size;
};

static u8 answer_data[PAGE_SIZE];
static struct request answer;

static struct fake_request *begin(struct open_file *file, const struct call *c)
{
	struct fake_request *f = fake_new(file, 0, c->window, c->size, 1);

	memcpy(f->request.m, c->m, sizeof(c->m));
	f->request.bytes = (u16)c->bytes;
	if (c->bytes)
		memcpy(serve_message->data, c->data, c->bytes);
	fake_done(f, c->run(&f->request));
	memcpy(answer_data, serve_message->data, sizeof(answer_data));
	answer = f->request;
	return f;
}

/* One that does not wait for anybody; -EAGAIN if it would. */
static long now(struct open_file *file, const struct call *c)
{
	struct fake_request *f = begin(file, c);
	long result;

	if (f->result == FAKE_NOT_ANSWERED)
		fake_cancel(f, CANCEL_INTERRUPTED);
	result = f->result == -EINTR ? -EAGAIN : f->result;
	fake_free(f);
	return result;
}

static struct open_file *make_of(unsigned domain, unsigned type, unsigned protocol)
{
	struct call c = { op_socket, { domain, type, 0, protocol }, NULL, 0, NULL, 0 };

	CHECK_EQ(now(NULL, &c), 0);
	return came[0].own;
}

static struct open_file *make(unsigned domain, unsigned type)
{
	return make_of(domain, type, 0);
}

static size_t name_four(u8 *to, unsigned last, unsigned port)
{
	u8 name[16] = { LINUX_AF_INET, 0, (u8)(port >> 8), (u8)port, 127, 0, 0, (u8)last };

	memcpy(to, name, sizeof(name));
	return sizeof(name);
}

static long with_name(struct open_file *file, operation *run, const void *name, size_t length)
{
	struct call c = { run, { 0 }, name, length, NULL, 0 };

	return now(file, &c);
}

static unsigned port_of(struct open_file *file)
{
	struct call c = { op_socket_address, { 0 }, NULL, 0, NULL, 0 };

	CHECK(now(file, &c) >= 16);
	return (unsigned)answer_data[2] << 8 | answer_data[3];
}

__attribute__((unused)) static struct open_file *listener(unsigned backlog)
{
	struct open_file *file = make(LINUX_AF_INET, LINUX_SOCK_STREAM);
	struct call c = { op_listen, { backlog }, NULL, 0, NULL, 0 };
	u8 name[16];

	CHECK_EQ(with_name(file, op_bind, name, name_four(name, 1, 0)), 0);
	CHECK_EQ(now(file, &c), 0);
	return file;
}

static struct open_file *accept_one(struct open_file *from)
{
	struct call c = { op_accept, { 0 }, NULL, 0, NULL, 0 };

	return now(from, &c) == 0 ? came[0].own : NULL;
}

__attribute__((unused)) static void make_pair_of(struct open_file *from, struct open_file *two[2])
{
	u8 name[16];

	two[0] = make(LINUX_AF_INET, LINUX_SOCK_STREAM);
	CHECK_EQ(with_name(two[0], op_connect, name, name_four(name, 1, port_of(from))), 0);
	two[1] = accept_one(from);
	CHECK(two[1] != NULL);
}

static long send_bytes(struct open_file *file, const void *from, size_t size)
{
	struct call c = { op_send, { size, LINUX_MSG_DONTWAIT }, NULL, 0, (void *)from, size };

	return now(file, &c);
}

static long receive_bytes(struct open_file *file, void *to, size_t size, unsigned flags)
{
	struct call c = { op_receive, { size, flags | LINUX_MSG_DONTWAIT, 0, RECEIVE_ADDRESS | RECEIVE_CONTROL }, NULL, 0, to, size };

	return now(file, &c);
}

static void nothing_is_left(size_t before)
{
	sockets_settle();
	CHECK(list_empty(&sockets));
	CHECK_EQ(fake_requests_kept, 0);
	CHECK_EQ(messages_held(), 0);
	CHECK_EQ(fake_memory_used, before);
}

/* ---- anything at random ---- */

#define FILES 24

static u64 seed = 1;
static struct open_file *all[FILES];

__attribute__((unused)) static unsigned pick(unsigned n)
{
	return (unsigned)(splitmix64_next(&seed) % n);
}

static size_t anything_round(void (*anything)(unsigned which), u64 start)
{
	seed = start;
	for (unsigned i = 0; i < 20000 && !CHECK_FAILED(); i++)
		anything(pick(FILES));
	for (unsigned i = 0; i < FILES; i++) {
		if (all[i])
			file_closed(all[i]);
		all[i] = NULL;
	}
	return fake_memory_used;
}

/* Deeds with the files all[], by seeds from first to last. Each seed twice: what is kept for the next time is there then, and nothing more is taken. */
__attribute__((unused)) static void leaves_nothing(void (*anything)(unsigned which), u64 first, u64 last)
{
	for (u64 start = first; start <= last && !CHECK_FAILED(); start++) {
		size_t used = anything_round(anything, start);

		nothing_is_left(used);
		CHECK_EQ(anything_round(anything, start), used);
		if (CHECK_FAILED())
			printf("seed %llu\n", (unsigned long long)start);
	}
}

#endif
