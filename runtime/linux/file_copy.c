/* Copies from file to file, through a buffer of the runtime: copy_file_range and sendfile. */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/transfer.h"

#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#define COPY_BUFFER 65536ul

struct end {
	unsigned fd;
	u32 word;
	uaddr_t user_offset;  /* where the program keeps the offset; 0: the file's own position is used */
	unsigned long offset; /* or OFFSET_CURRENT, for what cannot be positioned */
};

static long end_start(struct thread_record *t, struct end *e, unsigned fd, uaddr_t user_offset, bool write)
{
	unsigned access;

	*e = (struct end){ .fd = fd, .word = descriptor_lookup_file(t, fd), .user_offset = user_offset, .offset = OFFSET_CURRENT };
	access = descriptor_access(e->word);
	if (!e->word || access == O_ACCMODE || access == (write ? O_RDONLY : O_WRONLY))
		return -EBADF;
	if (user_offset) {
		if (get_user(e->offset, user_offset) < 0)
			return -EFAULT;
		if (!(e->word & DESCRIPTOR_SEEKABLE))
			return -ESPIPE;
		return (long)e->offset < 0 ? -EINVAL : 0;
	}
	return 0;
}

/* The position as a number, so that it can be set to what was really copied. */
static long end_locate(struct end *e)
{
	long at;

	if (e->offset != OFFSET_CURRENT || !(e->word & DESCRIPTOR_SEEKABLE))
		return 0;
	at = file_simple(e->fd, FILE_SEEK, 0, SEEK_CUR, 0, 0);
	if (at >= 0)
		e->offset = (unsigned long)at;
	return at < 0 ? at : 0;
}

static long end_finish(const struct end *e)
{
	if (e->offset == OFFSET_CURRENT)
		return 0;
	if (e->user_offset)
		return put_user(e->offset, e->user_offset);
	return file_simple(e->fd, FILE_SEEK, e->offset, SEEK_SET, 0, 0);
}

static void end_move(struct end *e, long bytes)
{
	if (e->offset != OFFSET_CURRENT)
		e->offset += (unsigned long)bytes;
}

/* All of `bytes`, unless an error comes. How many were written, or -errno if none. */
static long write_part(struct thread_record *t, struct end *out, const unsigned char *buffer, long bytes)
{
	struct buffer one = { (unsigned long)buffer, (unsigned long)bytes };
	struct transfer x = { .cptr = out->fd, .write = true, .interruptible = descriptor_type(out->word) != S_IFREG, .offset = out->offset };
	long written;

	cursor_start(&x.at, &one, 1, one.len);
	written = transfer_run(t, &x);
	if (written > 0)
		end_move(out, written);
	return written;
}

static long copy_parts(struct thread_record *t, struct end *in, struct end *out, unsigned char *buffer, unsigned long length)
{
	unsigned long done = 0;

	while (done < length) {
		long bytes = file_read_own(t, in->fd, buffer, MIN(COPY_BUFFER, length - done), in->offset);
		long written = bytes <= 0 ? bytes : write_part(t, out, buffer, bytes);

		if (written <= 0)
			return done ? (long)done : written;
		end_move(in, written);
		done += (unsigned long)written;
		if (written < bytes || signal_waiting(t))
			break;
	}
	return (long)done;
}

static long copy(struct thread_record *t, struct end *in, struct end *out, unsigned long length)
{
	long error = end_locate(in), result;
	unsigned char *buffer;

	if (error == 0)
		error = end_locate(out);
	if (error < 0 || !length)
		return error;
	buffer = rt_zalloc(MIN(COPY_BUFFER, length)); /* written once, so its pages are there */
	if (!buffer)
		return -ENOMEM;
	result = copy_parts(t, in, out, buffer, MIN(length, TRANSFER_MAX));
	rt_free(buffer);
	error = end_finish(in) | end_finish(out);
	if (result == -EPIPE)
		signal_raise(t, SIGPIPE);
	return result >= 0 && error < 0 ? -EFAULT : result;
}

static bool appends(const struct end *e)
{
	long flags = file_simple(e->fd, FILE_FLAGS, ~0ul, 0, 0, 0);

	return flags >= 0 && flags & O_APPEND;
}

long linux_sendfile(struct thread_record *t, const unsigned long a[6])
{
	struct end in, out;
	long error = end_start(t, &in, (unsigned)a[1], a[2], false);

	if (error == 0)
		error = end_start(t, &out, (unsigned)a[0], 0, true);
	if (error < 0)
		return error;
	if ((long)a[3] < 0 || descriptor_type(in.word) == S_IFDIR || !(in.word & DESCRIPTOR_SEEKABLE) || appends(&out))
		return -EINVAL;
	return copy(t, &in, &out, a[3]);
}

/* Two ranges of one file may not overlap. */
static long same_file(struct thread_record *t, const struct end *a, const struct end *b)
{
	struct ipc first = { .target = a->fd, .info = INFO(FILE_FSTAT, 0) }, second = { .target = b->fd, .info = INFO(FILE_FSTAT, 0) };
	long result = file_call_data(&first, sizeof(struct file_attr));
	struct file_attr attr, *other = (struct file_attr *)thread_message(t)->data;

	if (result < 0)
		return result;
	attr = *other;
	result = file_call_data(&second, sizeof(struct file_attr));
	if (result < 0)
		return result;
	return attr.ino == other->ino && attr.dev_major == other->dev_major && attr.dev_minor == other->dev_minor;
}

static long copy_range(struct thread_record *t, struct end *in, struct end *out, unsigned long length)
{
	long same = same_file(t, in, out);

	if (same < 0)
		return same;
	same = same ? end_locate(in) | end_locate(out) : -1;
	if (same == 0 && in->offset < out->offset + length && out->offset < in->offset + length)
		return -EINVAL;
	return copy(t, in, out, length);
}

long linux_copy_file_range(struct thread_record *t, const unsigned long a[6])
{
	struct end in, out;
	unsigned long length = MIN(a[4], TRANSFER_MAX);
	long error = end_start(t, &in, (unsigned)a[0], a[1], false);

	if (error == 0)
		error = end_start(t, &out, (unsigned)a[2], a[3], true);
	if (error < 0)
		return error;
	if ((unsigned)a[5])
		return -EINVAL;
	if (descriptor_type(in.word) == S_IFDIR || descriptor_type(out.word) == S_IFDIR)
		return -EISDIR;
	if (descriptor_type(in.word) != S_IFREG || descriptor_type(out.word) != S_IFREG)
		return -EINVAL;
	return appends(&out) ? -EBADF : copy_range(t, &in, &out, length);
}
