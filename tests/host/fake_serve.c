#include "fake_serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t fake_memory_used;
unsigned fake_requests_kept;
u64 fake_now = 1000000;
long (*fake_root)(unsigned label, unsigned long m[8], unsigned bytes);
struct principal_entry fake_principals[16];
u64 fake_settings[SETTING_COUNT] = {
#define X(name, first, least, most) [SETTING_##name] = first,
	SETTINGS(X)
#undef X
};

u64 setting(enum setting which)
{
	return fake_settings[which];
}

static struct message_buffer buffer;
struct message_buffer *serve_message = &buffer;
struct request *serve_request;

/* ---- requests ---- */

static struct fake_request *fake_of(struct request *request)
{
	return container_of(request, struct fake_request, request);
}

struct fake_request *fake_new(struct open_file *file, unsigned label, void *window, size_t size, unsigned long principal)
{
	struct fake_request *fake = calloc(1, sizeof(*fake));

	fake->request.file = file;
	fake->request.label = label;
	fake->request.principal = principal;
	fake->request.m[0] = size;
	fake->window = window;
	fake->size = fake->there = size;
	fake->result = FAKE_NOT_ANSWERED;
	return fake;
}

void fake_done(struct fake_request *fake, long result)
{
	if (result != REQUEST_KEPT)
		fake->result = result;
}

void fake_cancel(struct fake_request *fake, unsigned reason)
{
	request_answer(&fake->request, fake->request.cancel(&fake->request, reason));
}

void fake_free(struct fake_request *fake)
{
	if (fake->result == FAKE_NOT_ANSWERED)
		abort();
	free(fake);
}

long request_wait(struct request *request, request_cancel *cancel)
{
	request->cancel = cancel;
	fake_requests_kept += !request->kept;
	request->kept = true;
	return REQUEST_KEPT;
}

void request_answer(struct request *request, long result)
{
	if (fake_of(request)->result != FAKE_NOT_ANSWERED || !request->kept)
		abort();
	request->kept = false;
	fake_requests_kept--;
	fake_of(request)->result = result;
}

/* How far a transfer gets. */
static size_t reach(struct request *request, size_t length)
{
	struct fake_request *fake = fake_of(request);
	size_t left = request->moved < fake->there ? fake->there - request->moved : 0;

	if (left < length) {
		request->stopped = true;
		request->touch = 1;
		return left;
	}
	return length;
}

size_t request_give(struct request *request, const void *from, size_t length)
{
	size_t n = reach(request, length);

	memcpy(fake_of(request)->window + request->moved, from, n);
	request->moved += n;
	return n;
}

size_t request_give_result(struct request *request, const void *from, size_t length)
{
	return request_give(request, from, length);
}

size_t request_give_zeros_result(struct request *request, size_t length)
{
	return request_give_zeros(request, length);
}

size_t request_give_zeros(struct request *request, size_t length)
{
	size_t n = reach(request, length);

	memset(fake_of(request)->window + request->moved, 0, n);
	request->moved += n;
	return n;
}

size_t request_take(struct request *request, void *to, size_t length)
{
	size_t n = reach(request, length);

	memcpy(to, fake_of(request)->window + request->moved, n);
	request->moved += n;
	return n;
}

bool request_nonblocking(const struct request *request)
{
	return request->file->flags & LINUX_O_NONBLOCK;
}

/* ---- files, polling ---- */

struct open_file *fake_file(unsigned flags)
{
	struct open_file *file = calloc(1, sizeof(*file));

	file->flags = flags;
	poll_queue_init(&file->own_poll);
	file->poll = &file->own_poll;
	return file;
}

void poll_queue_init(struct poll_queue *queue)
{
	list_init(&queue->armings);
	queue->counter = 1;
}

void poll_wake(struct poll_queue *queue, unsigned events)
{
	(void)events;
	queue->counter++;
}

void poll_wake_waiting(struct poll_queue *queue, unsigned events)
{
	poll_wake(queue, events);
}

void async_urgent(struct open_file *file)
{
	(void)file;
}

void async_tell(struct poll_queue *queue, unsigned events)
{
	(void)queue;
	(void)events;
}

/* ---- memory, clock, root ---- */

void *memory_take(size_t size)
{
	fake_memory_used += size;
	return calloc(1, size);
}

void memory_free(void *memory, size_t size)
{
	fake_memory_used -= size;
	free(memory);
}

void *memory_resize(void *memory, size_t size, size_t new_size)
{
	void *fresh = memory_take(new_size);

	if (memory)
		memcpy(fresh, memory, MIN(size, new_size));
	memory_free(memory, size);
	return fresh;
}

unsigned long kernel_monotonic(void)
{
	return fake_now;
}

unsigned long kernel_realtime(void)
{
	return fake_now;
}

long kernel_object(unsigned long number, unsigned long arguments[8])
{
	(void)number;
	(void)arguments;
	return K_OK;
}

unsigned slot_take(void)
{
	return SLOT_SERVER;
}

void slot_free(unsigned slot)
{
	(void)slot;
}

void serve_log(int level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

noreturn void serve_fail(const char *fmt, ...)
{
	fprintf(stderr, "serve_fail: %s\n", fmt);
	abort();
}

long root_call(unsigned label, unsigned long m[8], unsigned bytes)
{
	return fake_root ? fake_root(label, m, bytes) : -ENOSYS;
}

long root_call3(unsigned label, unsigned long a, unsigned long b, unsigned long c)
{
	unsigned long m[8] = { a, b, c };

	return root_call(label, m, 0);
}

/* ---- principals ---- */

const struct principal_entry *principal_at(unsigned index)
{
	return index < ARRAY_SIZE(fake_principals) && fake_principals[index].principal ? &fake_principals[index] : NULL;
}

const struct principal_entry *principal_find(unsigned long principal)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fake_principals); i++)
		if (principal && fake_principals[i].principal == principal)
			return &fake_principals[i];
	return NULL;
}

unsigned principal_pid(unsigned long principal)
{
	const struct principal_entry *entry = principal_find(principal);

	return entry ? entry->pid : 0;
}
