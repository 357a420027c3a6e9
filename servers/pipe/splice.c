/*
 * splice and tee. From pipe to pipe the server copies by itself. From a pipe to another file the caller reads *holding*: the bytes stay until it says how
 * many of them the other file took, and nobody else reads meanwhile, as Linux keeps the pipe locked.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/pipe/pipe.h"

static void let_go(struct pipe *pipe)
{
	list_remove(&pipe->held);
	pipe->holder = 0;
	if (ring_used(&pipe->ring))
		pipe_wake_readers(pipe);
	pipe_pump(pipe);
}

static long release(struct request *request, struct pipe *pipe)
{
	bool was_full = ring_full(&pipe->ring);

	if (!pipe->holder || pipe->holder != request->principal || request->m[0] > ring_used(&pipe->ring))
		return -EINVAL;
	ring_consumed(&pipe->ring, request->m[0]);
	if (was_full && !ring_full(&pipe->ring))
		pipe_wake_writers(pipe);
	let_go(pipe);
	return 0;
}

void pipe_holders_sweep(void)
{
	list_for_each_safe(node, &pipe_held) {
		struct pipe *pipe = list_entry(node, struct pipe, held);

		if (!principal_find(pipe->holder))
			let_go(pipe);
	}
}

/* ---- pipe to pipe ---- */

/* The open file that a capability of this server's names; NULL: it is another's. */
static struct open_file *file_of(unsigned slot)
{
	unsigned long other[8] = { CPTR_SYSTEM | SLOT_SYSTEM, slot }, own[8] = { CPTR_SYSTEM | SLOT_SYSTEM, SLOT_ENDPOINT };

	if (!slot || kernel_object(KCALL_cap_identify, other) != K_OK || kernel_object(KCALL_cap_identify, own) != K_OK)
		return NULL;
	if ((other[0] & 0xff) != OBJECT_HANDLE || other[2] != own[2])
		return NULL;
	return open_file_by_badge(other[1]);
}

/* One slot's bytes, from `offset` behind the tail of `from`: a slot of its own in `to`. */
static void copy_slot(struct pipe *to, const struct pipe *from, size_t offset, size_t length)
{
	while (length) {
		size_t source, room;
		const u8 *bytes = ring_peek_span(&from->ring, offset, length, &source);
		u8 *place = ring_fill_span(&to->ring, source, &room);

		pipe_touch(to, place + room);
		memcpy(place, bytes, room);
		ring_filled(&to->ring, room);
		offset += room;
		length -= room;
	}
	ring_commit_slot(&to->ring);
}

static size_t copy_slots(struct pipe *to, const struct pipe *from, size_t length)
{
	size_t done = 0;

	for (unsigned i = 0; i < from->ring.used && done < length && !ring_full(&to->ring); i++) {
		size_t n = MIN(ring_slot_length(&from->ring, i), length - done);

		copy_slot(to, from, done, n);
		done += n;
	}
	return done;
}

static long tee(struct request *request, struct pipe *from)
{
	struct open_file *out = file_of(request->received[0]);
	struct pipe *to = out ? pipe_of(out->node) : NULL;
	bool was_full = ring_full(&from->ring);
	size_t done;

	if (!to || to == from)
		return -EINVAL;
	if (!file_readable(request->file) || !file_writable(out))
		return -EBADF;
	if (!to->readers)
		return -EPIPE;
	if (!pipe_has_buffer(to))
		return -ENOMEM;
	if (!ring_used(&from->ring) || from->holder)
		return from->writers || from->holder ? -EAGAIN : 0;
	done = copy_slots(to, from, request->m[0]);
	if (!done)
		return -EAGAIN;
	if (request->m[1])
		ring_consumed(&from->ring, done);
	pipe_wake_readers(to);
	pipe_pump(to);
	if (was_full && !ring_full(&from->ring))
		pipe_wake_writers(from);
	pipe_pump(from);
	return (long)done;
}

long pipe_message(struct request *request)
{
	struct pipe *pipe = request->file && !(request->file->flags & LINUX_O_PATH) ? pipe_of(request->file->node) : NULL;

	if (!pipe)
		return -EBADF;
	return request->label == FILE_PIPE_RELEASE ? release(request, pipe) : tee(request, pipe);
}
