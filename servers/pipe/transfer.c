/*
 * Reading, writing, ends, and the buffer. What is written is copied behind the ring's head and then counted in; of a write of up to PIPE_ATOMIC
 * bytes only when it is whole, so that nobody sees a part of it.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/pipe/pipe.h"

/* Buffers given back with only their first page in use: a new pipe's first write costs no call of root then. */
#define SPARE_BUFFERS 8
static u8 *spare[SPARE_BUFFERS];
static unsigned spares;

static u8 *buffer_take(size_t size, size_t *touched)
{
	*touched = 0;
	if (size != PIPE_DEFAULT_SIZE || !spares)
		return memory_take(size);
	*touched = PAGE_SIZE;
	return spare[--spares];
}

static void buffer_free(u8 *bytes, size_t size, size_t touched)
{
	if (!bytes)
		return;
	if (size == PIPE_DEFAULT_SIZE && touched == PAGE_SIZE && spares < SPARE_BUFFERS)
		spare[spares++] = bytes;
	else
		memory_free(bytes, size);
}

/* The kernel's copies do not fault pages of the server in: it touches them before. */
void pipe_touch(struct pipe *pipe, const u8 *end)
{
	size_t want = ALIGN_UP((size_t)(end - pipe->ring.bytes), PAGE_SIZE);

	for (; pipe->touched < want; pipe->touched += PAGE_SIZE)
		*(volatile u8 *)(pipe->ring.bytes + pipe->touched) = 0;
}

bool pipe_has_buffer(struct pipe *pipe)
{
	if (pipe->ring.bytes)
		return true;
	pipe->ring.bytes = buffer_take(pipe->ring.size, &pipe->touched);
	return pipe->ring.bytes != NULL;
}

/* Linux asks for CAP_SYS_RESOURCE. */
static bool privileged(unsigned long principal)
{
	const struct principal_entry *who = principal_find(principal);

	return who && !who->euid; /* who has ended meanwhile is nobody */
}

/* The new pipe's size is counted; it is smaller for who has many. 0: that one has too many. */
static size_t first_size(const struct pipe *pipe, bool limited)
{
	size_t size = limited ? MIN((u64)PIPE_DEFAULT_SIZE, setting(SETTING_PIPE_MAX_SIZE)) : PIPE_DEFAULT_SIZE;

	if (pipe_account(pipe->uid, 0, size / PAGE_SIZE))
		return 0;
	if (!limited || pipe_excess(pipe->uid) == PIPE_WITHIN)
		return size;
	pipe_account(pipe->uid, size / PAGE_SIZE, PIPE_LEAST_SIZE / PAGE_SIZE);
	if (pipe_excess(pipe->uid) != PIPE_ABOVE_HARD)
		return PIPE_LEAST_SIZE;
	pipe_account(pipe->uid, PIPE_LEAST_SIZE / PAGE_SIZE, 0);
	return 0;
}

struct pipe *pipe_new(unsigned long principal)
{
	struct pipe *pipe = memory_take(sizeof(*pipe));
	const struct principal_entry *who = principal_find(principal);
	size_t size;

	if (!pipe)
		return NULL;
	pipe->uid = who ? who->uid : 0;
	size = first_size(pipe, !privileged(principal));
	if (!size) {
		memory_free(pipe, sizeof(*pipe));
		return NULL;
	}
	ring_init(&pipe->ring, size);
	list_init(&pipe->read_waiters);
	list_init(&pipe->write_waiters);
	list_init(&pipe->open_waiters);
	poll_queue_init(&pipe->read_poll);
	poll_queue_init(&pipe->write_poll);
	return pipe;
}

/* Of a ring as large as this one is. */
static void slots_free(const struct ring *ring, struct ring_slot *slot)
{
	if (slot != ring->few)
		memory_free(slot, ring->slots * sizeof(*slot));
}

void pipe_free(struct pipe *pipe)
{
	if (pipe->fifo)
		pipe_forget_fifo(pipe);
	if (pipe->holder)
		list_remove(&pipe->held);
	buffer_free(pipe->ring.bytes, pipe->ring.size, pipe->touched);
	slots_free(&pipe->ring, pipe->ring.slot);
	pipe_account(pipe->uid, pipe->ring.slots, 0);
	if (pipe->path)
		memory_free(pipe->path, pipe->path_length);
	memory_free(pipe, sizeof(*pipe));
}

/* The ring gets another buffer, if it has one, and others slots. What is moved touches the buffer's pages from the first on. */
static long move_ring(struct pipe *pipe, size_t size)
{
	struct ring old = pipe->ring;
	size_t touched = 0, slots = size / PAGE_SIZE * sizeof(*old.slot);
	u8 *bytes = old.bytes ? buffer_take(size, &touched) : NULL;
	struct ring_slot *slot = size / PAGE_SIZE > RING_SLOTS_FEW ? memory_take(slots) : NULL;

	if ((old.bytes && !bytes) || (size / PAGE_SIZE > RING_SLOTS_FEW && !slot)) {
		buffer_free(bytes, size, touched);
		memory_free(slot, slots);
		return -ENOMEM;
	}
	touched = MAX(touched, ALIGN_UP(ring_used(&old), PAGE_SIZE));
	ring_move(&pipe->ring, bytes, size, slot);
	buffer_free(old.bytes, old.size, pipe->touched);
	if (old.slot != pipe->ring.few)
		memory_free(old.slot, old.slots * sizeof(*old.slot));
	pipe->touched = touched;
	return 0;
}

/* Whether the pipe may have that size, which has been counted. */
static bool may_grow(const struct pipe *pipe, size_t size, unsigned long principal)
{
	return size <= pipe->ring.size || privileged(principal) ||
	       (size <= setting(SETTING_PIPE_MAX_SIZE) && pipe_excess(pipe->uid) == PIPE_WITHIN);
}

long pipe_resize(struct pipe *pipe, u64 size, unsigned long principal)
{
	size_t rounded = PAGE_SIZE, old_slots = pipe->ring.slots;
	long error = 0;

	if (size > 0x80000000u)
		return -EINVAL;
	while (rounded < size)
		rounded *= 2;
	pipe_account(pipe->uid, old_slots, rounded / PAGE_SIZE);
	if (!may_grow(pipe, rounded, principal))
		error = -EPERM;
	else if (rounded / PAGE_SIZE < pipe->ring.used)
		error = -EBUSY;
	else if (rounded != pipe->ring.size)
		error = move_ring(pipe, rounded);
	if (error) {
		pipe_account(pipe->uid, rounded / PAGE_SIZE, old_slots);
		return error;
	}
	pipe_pump(pipe);
	return (long)rounded;
}

/* Whether the request's memory could not be reached. */
static bool stopped(const struct request *request)
{
	return request->stopped;
}

static void poll_wake_readers(struct pipe *pipe, unsigned events)
{
	poll_wake_waiting(&pipe->read_poll, events);
}

static void poll_wake_writers(struct pipe *pipe, unsigned events)
{
	poll_wake_waiting(&pipe->write_poll, events);
	if (pipe->both)
		poll_wake_waiting(&pipe->read_poll, events);
}

/* Owners of ends with O_ASYNC, as Linux tells them: at the end of every write and read, whatever came of it, and each time a waiting one goes on. */
static void tell_readers(struct pipe *pipe)
{
	async_tell(&pipe->read_poll, LINUX_POLLIN);
}

static void tell_writers(struct pipe *pipe)
{
	async_tell(&pipe->write_poll, LINUX_POLLOUT);
	if (pipe->both)
		async_tell(&pipe->read_poll, LINUX_POLLOUT);
}

void pipe_wake_readers(struct pipe *pipe)
{
	poll_wake_readers(pipe, LINUX_POLLIN | LINUX_POLLRDNORM);
}

void pipe_wake_writers(struct pipe *pipe)
{
	poll_wake_writers(pipe, LINUX_POLLOUT | LINUX_POLLWRNORM);
}

/* Moves what is there to the reader: a packet, or bytes up to the next one. The bytes moved by now. */
static size_t drain_into(struct pipe *pipe, struct request *request, size_t length)
{
	bool was_full = ring_full(&pipe->ring);
	size_t packet = ring_packet(&pipe->ring), want = packet ? MIN(length, packet) : length, done = 0;

	while (done < want && (packet || !ring_packet(&pipe->ring))) {
		size_t span, given;
		const u8 *from = ring_read_span(&pipe->ring, want - done, &span);

		if (!span)
			break;
		given = request_give(request, from, span);
		ring_consumed(&pipe->ring, given);
		done += given;
		if (given < span)
			break;
	}
	/* What the reader had no room for of a packet is lost, but not what its memory was not there for. */
	if (packet && done == want)
		ring_consumed(&pipe->ring, packet - want);
	if (was_full && !ring_full(&pipe->ring))
		poll_wake_writers(pipe, LINUX_POLLOUT | LINUX_POLLWRNORM);
	return done;
}

/* Copies up to `want` bytes behind the head; how many came. */
static size_t fill(struct pipe *pipe, struct request *request, size_t want)
{
	size_t done = 0;

	while (done < want) {
		size_t span, taken;
		u8 *to = ring_fill_span(&pipe->ring, want - done, &span);

		pipe_touch(pipe, to + span);
		taken = request_take(request, to, span);
		ring_filled(&pipe->ring, taken);
		done += taken;
		if (taken < span)
			break;
	}
	return done;
}

/* Puts in what fits now of a write of `length` bytes, all or nothing if it is short. True: something went in. */
static bool fill_from(struct pipe *pipe, struct request *request, size_t length)
{
	size_t before = request->moved, want = ring_accepts(&pipe->ring, length, before), done;

	if (!want || (want < length && length <= PIPE_ATOMIC))
		return false;
	done = fill(pipe, request, want);
	if (done < want && length <= PIPE_ATOMIC) {
		ring_take_back(&pipe->ring);
		request->moved = before;
		return false;
	}
	ring_commit(&pipe->ring, length, before, request->file->flags & LINUX_O_DIRECT);
	pipe->ring.cut = done < want;
	if (done)
		poll_wake_readers(pipe, LINUX_POLLIN | LINUX_POLLRDNORM);
	return done > 0;
}

/* A waiting request keeps its length here; what is done of it is request->moved. */
#define WAITING_LENGTH 0

static struct request *first_waiter(struct list_node *waiters)
{
	return list_first_entry(waiters, struct request, link);
}

static long cancel_waiter(struct request *request, unsigned reason)
{
	(void)reason;
	list_remove(&request->link);
	return request->moved ? (long)request->moved : -EINTR;
}

static long wait_on(struct list_node *waiters, struct request *request, struct pipe *pipe, size_t length)
{
	long kept = request_wait(request, cancel_waiter);

	if (kept != REQUEST_KEPT)
		return request->moved ? (long)request->moved : kept;
	request->context = pipe;
	request->scratch[WAITING_LENGTH] = length;
	list_push_back(waiters, &request->link);
	return REQUEST_KEPT;
}

static void answer_waiter(struct request *request, long result)
{
	list_remove(&request->link);
	request_answer(request, result);
}

/* The oldest reader gets what there is. */
static bool pump_reader(struct pipe *pipe)
{
	struct request *reader = first_waiter(&pipe->read_waiters);

	if (!reader || !ring_used(&pipe->ring) || pipe->holder)
		return false;
	drain_into(pipe, reader, reader->scratch[WAITING_LENGTH]);
	tell_writers(pipe);
	answer_waiter(reader, (long)reader->moved);
	return true;
}

/* The oldest writer puts in what fits; it is answered when all is in, or its memory is not there. */
static bool pump_writer(struct pipe *pipe)
{
	struct request *writer = first_waiter(&pipe->write_waiters);
	bool moved;

	if (!writer)
		return false;
	moved = fill_from(pipe, writer, writer->scratch[WAITING_LENGTH]);
	if (moved)
		tell_readers(pipe);
	if (!stopped(writer) && writer->moved < writer->scratch[WAITING_LENGTH])
		return moved;
	answer_waiter(writer, (long)writer->moved);
	return true;
}

/* Who is answered may have been the last to have its file, and that file the pipe's last: nobody frees the pipe under this. */
void pipe_pump(struct pipe *pipe)
{
	pipe->holders++;
	while (pump_reader(pipe) || pump_writer(pipe))
		;
	pipe->holders--;
	pipe_let_go(pipe);
}

struct list_node pipe_held = { &pipe_held, &pipe_held };

static long hold(struct request *request, struct pipe *pipe, size_t length)
{
	size_t want = ring_readable(&pipe->ring, length), done = 0;

	while (done < want) {
		size_t span, given;
		const u8 *from = ring_peek_span(&pipe->ring, done, want - done, &span);

		given = request_give(request, from, span);
		done += given;
		if (given < span)
			break;
	}
	if (!done)
		return 0;
	pipe->holder = request->principal;
	list_push_back(&pipe_held, &pipe->held);
	return (long)done;
}

static long read_now(struct request *request, struct pipe *pipe, size_t length)
{
	size_t done;

	if (request->m[2] & TRANSFER_HOLD && !pipe->holder && ring_used(&pipe->ring))
		return hold(request, pipe, length);
	if (ring_used(&pipe->ring) && !pipe->holder) {
		done = drain_into(pipe, request, length);
		pipe_pump(pipe);
		return (long)done;
	}
	if (!pipe->writers && !pipe->holder)
		return 0;
	if (request_nonblocking(request))
		return -EAGAIN;
	return wait_on(&pipe->read_waiters, request, pipe, length);
}

long pipe_read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct pipe *pipe = pipe_of(file->node);
	long result = read_now(request, pipe, length);

	(void)offset;
	tell_writers(pipe);
	return result;
}

static long write_now(struct request *request, struct pipe *pipe, size_t length)
{
	bool nonblocking = request_nonblocking(request);

	if (!pipe->readers)
		return -EPIPE;
	if (!pipe_has_buffer(pipe))
		return -ENOMEM;
	/* A writer that may wait queues behind those that do. */
	if (nonblocking || list_empty(&pipe->write_waiters)) {
		while (request->moved < length && fill_from(pipe, request, length))
			pipe_pump(pipe);
		if (stopped(request) || request->moved == length)
			return (long)request->moved;
	}
	if (nonblocking)
		return request->moved ? (long)request->moved : -EAGAIN;
	return wait_on(&pipe->write_waiters, request, pipe, length);
}

long pipe_write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct pipe *pipe = pipe_of(file->node);
	long result = write_now(request, pipe, length);

	(void)offset;
	tell_readers(pipe);
	return result;
}

void pipe_join(struct pipe *pipe, const struct open_file *file)
{
	bool reads = file_readable(file), writes = file_writable(file);

	pipe->readers += reads;
	pipe->reader_count += reads;
	pipe->writers += writes;
	pipe->writer_count += writes;
	pipe->both += reads && writes;
}

static void end_waiters(struct list_node *waiters, long result)
{
	struct request *waiter;

	while ((waiter = first_waiter(waiters)))
		answer_waiter(waiter, waiter->moved ? (long)waiter->moved : result);
}

void pipe_leave(struct pipe *pipe, const struct open_file *file)
{
	bool reads = file_readable(file), writes = file_writable(file);

	pipe->holders++; /* as in pipe_pump */
	pipe->readers -= reads;
	pipe->writers -= writes;
	pipe->both -= reads && writes;
	if (writes && !pipe->writers) {
		end_waiters(&pipe->read_waiters, 0);
		poll_wake_readers(pipe, LINUX_POLLIN | LINUX_POLLHUP);
	}
	if (reads && !pipe->readers) {
		end_waiters(&pipe->write_waiters, -EPIPE);
		poll_wake_writers(pipe, LINUX_POLLOUT | LINUX_POLLERR);
	}
	if (!pipe->readers != !pipe->writers) {
		tell_readers(pipe);
		tell_writers(pipe);
	}
	pipe->holders--;
	pipe_let_go(pipe);
}

void pipe_let_go(struct pipe *pipe)
{
	if (!pipe->readers && !pipe->writers && !pipe->holders && list_empty(&pipe->open_waiters))
		pipe_free(pipe);
}
