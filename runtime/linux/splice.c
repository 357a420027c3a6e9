/*
 * splice, tee, vmsplice. From pipe to pipe the pipe server copies. Into a pipe: read at most what the pipe takes, then write it. Out of a pipe: read
 * holding, write, and tell the pipe how much was taken, so that nothing is lost if the other file takes less.
 */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/file_poll.h"
#include "runtime/linux/files.h"
#include "runtime/linux/iov.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/transfer.h"

#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#define F_MOVE     1u
#define F_NONBLOCK 2u
#define F_MORE     4u
#define F_GIFT     8u
#define F_ALL      (F_MOVE | F_NONBLOCK | F_MORE | F_GIFT)

#define PART 65536ul

struct side {
	unsigned fd;
	u32 word;
	bool pipe;
	uaddr_t user_offset;
	unsigned long offset; /* or OFFSET_CURRENT */
};

static bool may(u32 word, unsigned access)
{
	return word && (descriptor_access(word) == access || descriptor_access(word) == O_RDWR);
}

static long side_start(struct thread_record *t, struct side *s, unsigned fd, unsigned access)
{
	*s = (struct side){ .fd = fd, .word = descriptor_lookup_file(t, fd), .offset = OFFSET_CURRENT };
	s->pipe = descriptor_type(s->word) == S_IFIFO;
	return may(s->word, access) ? 0 : -EBADF;
}

static long side_offset(struct side *s, uaddr_t user_offset)
{
	if (!user_offset)
		return 0;
	if (s->pipe)
		return -ESPIPE;
	if (!(s->word & DESCRIPTOR_SEEKABLE))
		return -EINVAL;
	s->user_offset = user_offset;
	if (get_user(s->offset, user_offset))
		return -EFAULT;
	return (long)s->offset < 0 ? -EINVAL : 0;
}

static bool nonblocking(const struct side *pipe, unsigned flags)
{
	return flags & F_NONBLOCK || file_simple(pipe->fd, FILE_FLAGS, ~0ul, 0, 0, 0) & O_NONBLOCK;
}

/* Until the pipe can be read, or written. 0 or -ERESTARTSYS. */
static long wait_for(struct thread_record *t, const struct side *s, unsigned events)
{
	struct poll_item item = { .fd = (int)s->fd, .events = events };
	long ready = poll_wait(t, &item, 1, POLL_FOREVER);

	return ready < 0 ? ready : 0;
}

static long broken(struct thread_record *t, long result)
{
	if (result == -EPIPE)
		signal_raise(t, SIGPIPE);
	return result;
}

static long move(struct thread_record *t, const struct side *s, bool write, void *buffer, unsigned long length, unsigned long flags)
{
	struct buffer one = { (unsigned long)buffer, length };
	struct transfer x = { .cptr = s->fd, .write = write, .interruptible = descriptor_type(s->word) != S_IFREG, .offset = s->offset,
			      .flags = flags };

	cursor_start(&x.at, &one, 1, length);
	return length ? transfer_run(t, &x) : 0;
}

static void side_moved(struct side *s, long bytes)
{
	if (s->offset != OFFSET_CURRENT)
		s->offset += (unsigned long)bytes;
}

/* ---- pipe to pipe ---- */

static long tee_once(struct thread_record *t, const struct side *in, const struct side *out, unsigned long length, bool consume)
{
	struct ipc c = { .target = in->fd, .info = INFO(FILE_PIPE_TEE, 0) | INFO_CAPS(1), .m = { length, consume } };
	long scratch = descriptor_scratch_take(t), result;

	if (scratch < 0)
		return scratch;
	cap_delete((unsigned long)scratch);
	result = cap_copy((unsigned long)scratch, out->fd);
	if (result == 0) {
		thread_message(t)->send_slot[0] = (unsigned long)scratch;
		result = file_call(&c, NULL);
	}
	descriptor_scratch_give(t, scratch);
	return result;
}

static long pipe_to_pipe(struct thread_record *t, struct side *in, struct side *out, unsigned long length, unsigned flags, bool consume)
{
	for (;;) {
		long result = tee_once(t, in, out, length, consume);

		if (result != -EAGAIN || nonblocking(in, flags) || nonblocking(out, flags))
			return broken(t, result);
		result = wait_for(t, in, POLLIN);
		if (result == 0)
			result = wait_for(t, out, POLLOUT);
		if (result < 0)
			return result;
	}
}

/* ---- into a pipe ---- */

/* What is read is what the pipe took: a file's position moves by that, and what has no position is read only once there is room. */
static long into_pipe(struct thread_record *t, struct side *in, struct side *out, unsigned char *buffer, unsigned long length, unsigned flags)
{
	bool positioned = in->word & DESCRIPTOR_SEEKABLE;
	long bytes, written, error;

	if (positioned && in->offset == OFFSET_CURRENT) {
		bytes = file_simple(in->fd, FILE_SEEK, 0, SEEK_CUR, 0, 0);
		if (bytes < 0)
			return bytes;
		in->offset = (unsigned long)bytes;
	}
	if (!nonblocking(out, flags)) {
		error = wait_for(t, out, POLLOUT);
		if (error < 0)
			return error;
	}
	bytes = move(t, in, false, buffer, MIN(length, positioned ? PART : (unsigned long)PAGE_SIZE), 0);
	if (bytes <= 0)
		return bytes;
	written = broken(t, move(t, out, true, buffer, (unsigned long)bytes, TRANSFER_NONBLOCK));
	if (written > 0 && positioned) {
		side_moved(in, written);
		if (!in->user_offset)
			file_simple(in->fd, FILE_SEEK, in->offset, SEEK_SET, 0, 0);
	}
	return written;
}

/* ---- out of a pipe ---- */

/* Somebody who is killed while he holds a pipe must be noticed. */
static void tell_holding(struct thread_record *t)
{
	(void)t;
	rt_root(PROC_LOCKS_TAKEN, 0, 0, 0, 0, 0);
}

static long out_of_pipe(struct thread_record *t, struct side *in, struct side *out, unsigned char *buffer, unsigned long length, unsigned flags)
{
	unsigned long done = 0;
	long result = 1;

	tell_holding(t);
	while (done < length && result > 0) {
		long bytes = move(t, in, false, buffer, MIN(length - done, PART), TRANSFER_HOLD | TRANSFER_NONBLOCK);

		if (bytes == -EAGAIN && !done && !nonblocking(in, flags)) {
			result = wait_for(t, in, POLLIN);
			result = result < 0 ? result : 1;
			continue;
		}
		if (bytes <= 0)
			return done ? (long)done : bytes;
		result = broken(t, move(t, out, true, buffer, (unsigned long)bytes, 0));
		file_simple(in->fd, FILE_PIPE_RELEASE, result > 0 ? (unsigned long)result : 0, 0, 0, 0);
		if (result > 0) {
			side_moved(out, result);
			done += (unsigned long)result;
		}
		if (result < bytes)
			break;
	}
	return done ? (long)done : result;
}

/* ---- the calls ---- */

static long finish(const struct side *s, long result)
{
	return result > 0 && s->user_offset && put_user(s->offset, s->user_offset) ? -EFAULT : result;
}

static bool appends(const struct side *s)
{
	long flags = file_simple(s->fd, FILE_FLAGS, ~0ul, 0, 0, 0);

	return flags >= 0 && flags & O_APPEND;
}

static long with_buffer(struct thread_record *t, struct side *in, struct side *out, unsigned long length, unsigned flags)
{
	unsigned char *buffer = rt_zalloc(MIN(length, PART)); /* written once, so its pages are there */
	long result;

	if (!buffer)
		return -ENOMEM;
	result = in->pipe ? finish(out, out_of_pipe(t, in, out, buffer, length, flags))
			  : finish(in, into_pipe(t, in, out, buffer, length, flags));
	rt_free(buffer);
	return result;
}

long linux_splice(struct thread_record *t, const unsigned long a[6])
{
	unsigned long length = MIN(a[4], TRANSFER_MAX);
	unsigned flags = (unsigned)a[5];
	struct side in, out;
	long error;

	if (!a[4])
		return 0;
	if (flags & ~F_ALL)
		return -EINVAL;
	if (!descriptor_lookup_file(t, (unsigned)a[0]) || !descriptor_lookup_file(t, (unsigned)a[2]))
		return -EBADF;
	error = side_start(t, &in, (unsigned)a[0], O_RDONLY);
	if (error == 0)
		error = side_start(t, &out, (unsigned)a[2], O_WRONLY);
	if (error == 0 && !in.pipe && !out.pipe)
		error = -EINVAL;
	if (error == 0)
		error = in.pipe && a[1] ? -ESPIPE : out.pipe && a[3] ? -ESPIPE : 0;
	if (error == 0)
		error = side_offset(&in, a[1]);
	if (error == 0)
		error = side_offset(&out, a[3]);
	if (error < 0)
		return error;
	if (in.pipe && out.pipe)
		return pipe_to_pipe(t, &in, &out, length, flags, true);
	if (descriptor_type(in.word) == S_IFDIR || (!out.pipe && appends(&out)))
		return -EINVAL;
	return with_buffer(t, &in, &out, length, flags);
}

long linux_tee(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[3];
	struct side in, out;
	long error;

	if (flags & ~F_ALL)
		return -EINVAL;
	if (!a[2])
		return 0;
	error = side_start(t, &in, (unsigned)a[0], O_RDONLY);
	if (error == 0)
		error = side_start(t, &out, (unsigned)a[1], O_WRONLY);
	if (error < 0)
		return error;
	return in.pipe && out.pipe ? pipe_to_pipe(t, &in, &out, MIN(a[2], TRANSFER_MAX), flags, false) : -EINVAL;
}

/* A program's buffers into a pipe: as much as there is room for, once there is some. */
static long buffers_into_pipe(struct thread_record *t, const struct side *out, const struct buffer *buffers, unsigned long count,
	unsigned long total, unsigned flags)
{
	for (;;) {
		struct transfer x = { .cptr = out->fd, .write = true, .offset = OFFSET_CURRENT, .flags = TRANSFER_NONBLOCK };
		long result;

		cursor_start(&x.at, buffers, count, total);
		result = transfer_run(t, &x);
		if (result != -EAGAIN || nonblocking(out, flags))
			return broken(t, result);
		result = wait_for(t, out, POLLOUT);
		if (result < 0)
			return result;
	}
}

static long pipe_into_buffers(struct thread_record *t, const struct side *in, const struct buffer *buffers, unsigned long count,
	unsigned long total, unsigned flags)
{
	struct transfer x = { .cptr = in->fd, .interruptible = true, .offset = OFFSET_CURRENT,
			      .flags = flags & F_NONBLOCK ? TRANSFER_NONBLOCK : 0 };

	cursor_start(&x.at, buffers, count, total);
	return transfer_run(t, &x);
}

static long vector_splice(struct thread_record *t, const struct side *s, struct buffer *buffers, const unsigned long a[6])
{
	long total;

	if (copy_from_user(buffers, a[1], a[2] * sizeof(*buffers)) < 0)
		return -EFAULT;
	total = buffers_check(buffers, a[2]);
	if (total <= 0)
		return total;
	if (descriptor_access(s->word) != O_RDONLY)
		return buffers_into_pipe(t, s, buffers, a[2], (unsigned long)total, (unsigned)a[3]);
	return pipe_into_buffers(t, s, buffers, a[2], (unsigned long)total, (unsigned)a[3]);
}

long linux_vmsplice(struct thread_record *t, const unsigned long a[6])
{
	struct buffer *buffers;
	struct side s;
	long result;

	if ((unsigned)a[3] & ~F_ALL)
		return -EINVAL;
	side_start(t, &s, (unsigned)a[0], O_RDONLY);
	if (!s.word)
		return -EBADF;
	if (a[2] > IOV_COUNT_MAX)
		return -EINVAL;
	if (!s.pipe)
		return -EBADF;
	buffers = rt_alloc(MAX(a[2], 1ul) * sizeof(*buffers));
	if (!buffers)
		return -ENOMEM;
	result = vector_splice(t, &s, buffers, a);
	rt_free(buffers);
	return result;
}
