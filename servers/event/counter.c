/*
 * eventfd: a 64-bit counter. Readers wait while it is 0, writers while their value does not fit below ~0.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "servers/event/event.h"

#define EFD_SEMAPHORE 1
#define COUNTER_MAX   (~0ul - 1) /* ~0 itself cannot be written; Linux keeps it for overflow from the kernel */

struct counter {
	struct event_object object;
	u64 value;
	u32 number; /* as shown in fdinfo */
	bool semaphore;
	struct list_node readers, writers;
};

static struct counter *counter_of(const struct open_file *file)
{
	return (struct counter *)event_object_of(file);
}

static u64 next_value(const struct counter *counter)
{
	return counter->semaphore ? 1 : counter->value;
}

/* Gives the caller its 8 bytes; takes them off only if they arrived. */
static long give_value(struct counter *counter, struct request *request)
{
	u64 value = next_value(counter);

	if (request_give(request, &value, sizeof(value)) < sizeof(value)) {
		request->moved = 0;
		return 0;
	}
	counter->value -= value;
	return sizeof(value);
}

/* A waiting writer's value is in scratch[0]: it was fetched when the write came. */
static bool fits(const struct counter *counter, u64 value)
{
	return value <= COUNTER_MAX - counter->value;
}

static struct request *first_waiter(struct list_node *waiters)
{
	return list_first_entry(waiters, struct request, link);
}

static bool pump_reader(struct counter *counter)
{
	struct request *reader = first_waiter(&counter->readers);

	if (!reader || !counter->value)
		return false;
	list_remove(&reader->link);
	request_answer(reader, give_value(counter, reader));
	return true;
}

static bool pump_writer(struct counter *counter)
{
	struct request *writer = first_waiter(&counter->writers);

	if (!writer || !fits(counter, writer->scratch[0]))
		return false;
	list_remove(&writer->link);
	counter->value += writer->scratch[0];
	request_answer(writer, sizeof(u64));
	return true;
}

static void pump(struct counter *counter)
{
	while (pump_reader(counter) || pump_writer(counter))
		;
}

static long cancel_waiter(struct request *request, unsigned reason)
{
	list_remove(&request->link);
	(void)reason;
	return -EINTR;
}

static long wait_on(struct list_node *waiters, struct request *request)
{
	long kept = request_wait(request, cancel_waiter);

	if (kept == REQUEST_KEPT)
		list_push_back(waiters, &request->link);
	return kept;
}

static long counter_read(struct request *request, struct open_file *file, size_t length)
{
	struct counter *counter = counter_of(file);
	long result;

	if (length < sizeof(u64))
		return -EINVAL;
	if (!counter->value)
		return request_nonblocking(request) ? -EAGAIN : wait_on(&counter->readers, request);
	result = give_value(counter, request);
	pump(counter);
	if (result)
		poll_wake(file->poll, LINUX_POLLOUT | LINUX_POLLWRNORM);
	return result;
}

static long counter_write(struct request *request, struct open_file *file, size_t length)
{
	struct counter *counter = counter_of(file);
	u64 value;

	if (length < sizeof(value))
		return -EINVAL;
	if (request_take(request, &value, sizeof(value)) < sizeof(value)) {
		request->moved = 0;
		return 0;
	}
	if (value == ~0ul)
		return -EINVAL;
	if (!fits(counter, value)) {
		if (request_nonblocking(request))
			return -EAGAIN;
		request->scratch[0] = value;
		return wait_on(&counter->writers, request);
	}
	counter->value += value;
	pump(counter);
	if (counter->value)
		poll_wake(file->poll, LINUX_POLLIN | LINUX_POLLRDNORM);
	return sizeof(value);
}

static unsigned counter_poll(struct open_file *file)
{
	const struct counter *counter = counter_of(file);

	return (counter->value ? LINUX_POLLIN : 0) | (counter->value < COUNTER_MAX ? LINUX_POLLOUT : 0);
}

static long counter_info(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size)
{
	const struct counter *counter = counter_of(file);

	(void)part;
	(void)descriptor;
	return (long)snformat(text, size, "eventfd-count: %16lx\neventfd-id: %u\n", counter->value, counter->number);
}

static const struct event_kind counter_kind = {
	.name = "[eventfd]",
	.read = counter_read,
	.write = counter_write,
	.poll = counter_poll,
	.info = counter_info,
	.size = sizeof(struct counter),
};

long counter_make(struct request *request)
{
	static u32 next_number;
	unsigned flags = (unsigned)request->m[1];
	struct counter *counter;
	long result;

	if (flags & ~(unsigned)(EFD_SEMAPHORE | LINUX_O_NONBLOCK | LINUX_O_CLOEXEC))
		return -EINVAL;
	counter = memory_take(sizeof(*counter));
	if (!counter)
		return -ENOMEM;
	counter->object.kind = &counter_kind;
	counter->value = (u32)request->m[0];
	counter->number = next_number++;
	counter->semaphore = flags & EFD_SEMAPHORE;
	list_init(&counter->readers);
	list_init(&counter->writers);
	result = event_object_give(request, &counter->object, flags & LINUX_O_NONBLOCK, NULL);
	if (result)
		memory_free(counter, sizeof(*counter));
	return result;
}
