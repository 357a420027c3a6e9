/* What the tests of the socket server share: capabilities and open files, as the kernel and the framework would have them. Each test is one program. */
#ifndef TESTS_HOST_FAKE_SOCKETS_H
#define TESTS_HOST_FAKE_SOCKETS_H

#include <stdlib.h>

#include "fake_serve.h"
#include "servers/socket/socket.h"

/* ---- capabilities: a slot holds an own open file, or a token that stands for another server's ---- */

#define SLOTS  4096
#define TOKENS 4096

static struct {
	struct open_file *own;
	unsigned token;
} slots[SLOTS];
static unsigned tokens[TOKENS]; /* copies of each */
static struct open_file *files[512];

enum capability capability_kind(unsigned slot, struct open_file **file)
{
	*file = slots[slot].own;
	return *file ? CAPABILITY_OWN : slots[slot].token ? CAPABILITY_FILE : CAPABILITY_DEAD;
}

bool capability_copy(unsigned from, unsigned to)
{
	slots[to] = slots[from];
	tokens[slots[to].token]++;
	return true;
}

__attribute__((unused)) static unsigned slot_free_one(void)
{
	for (unsigned i = SLOT_SERVER + 1; i < SLOTS; i++)
		if (!slots[i].own && !slots[i].token)
			return i;
	abort();
}

static void file_closed(struct open_file *file);

long kernel_slot_delete(unsigned slot)
{
	struct open_file *own = slots[slot].own;

	tokens[slots[slot].token] -= slots[slot].token != 0;
	slots[slot].own = NULL;
	slots[slot].token = 0;
	if (own)
		file_closed(own);
	return K_OK;
}

/* What came with the last answer. */
static struct {
	struct open_file *own;
	unsigned token;
} came[MESSAGE_CAPS];
static unsigned came_count;

void request_give_capability(struct request *request, unsigned slot, unsigned index)
{
	came[index].own = NULL;
	came[index].token = slots[slot].token;
	slots[slot].token = 0;
	came_count = request->answer_caps = index + 1;
}

/* ---- open files ---- */

struct open_file *open_file_new(struct node node, unsigned flags, unsigned mode)
{
	struct open_file *file = fake_file(flags);

	file->node = node;
	file->mode = mode;
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		if (!files[i]) {
			files[i] = file;
			return file;
		}
	abort();
}

void open_file_drop(struct open_file *file)
{
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i] == file)
			files[i] = NULL;
	free(file);
}

long open_file_give(struct request *request, struct open_file *file, unsigned index)
{
	file->handles++;
	file->closed = false;
	came[index].own = file;
	came[index].token = 0;
	came_count = request->answer_caps = index + 1;
	return 0;
}

static void release(struct open_file *file)
{
	socket_close(socket_of(file), false);
	open_file_drop(file);
	sockets_settle();
}

void open_file_keep(struct open_file *file)
{
	file->kept++;
}

void open_file_unkeep(struct open_file *file)
{
	if (!--file->kept && file->closed)
		release(file);
}

/* A process closes one of its Handles. */
static void file_closed(struct open_file *file)
{
	if (--file->handles)
		return;
	if (!file->kept) {
		release(file);
		return;
	}
	file->closed = true;
	if (socket_of(file)->in_flight)
		rights_want_collection();
	sockets_settle();
}

#endif
