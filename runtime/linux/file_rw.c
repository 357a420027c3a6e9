/* read, write and their many forms, as far as file_small.c does not take them; lseek. */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/signalfd.h"
#include "runtime/linux/sockets.h"
#include "runtime/linux/transfer.h"
#include "runtime/uaccess.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <asm/signal.h>

#define BUFFERS_ON_STACK 8

struct request {
	unsigned fd;
	bool write;
	bool positioned;      /* an offset was given */
	unsigned long offset; /* then */
	unsigned flags;       /* RWF_ */
};

/* Linux's order: descriptor and access first, then the buffer. The word or -errno. */
static long check_descriptor(struct thread_record *t, const struct request *r)
{
	u32 word = descriptor_lookup_file(t, r->fd);
	unsigned access = descriptor_access(word);

	if (!word)
		return -EBADF;
	if (r->positioned && !(word & DESCRIPTOR_SEEKABLE))
		return -ESPIPE;
	if (access == O_ACCMODE || access == (r->write ? O_RDONLY : O_WRONLY))
		return -EBADF;
	if (descriptor_type(word) == S_IFDIR)
		return -EISDIR;
	return word;
}

/* Linux looks at the flags only if there is something to move. */
static long check_flags(const struct request *r)
{
	if (r->flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	return r->flags & RWF_NOWAIT ? -EOPNOTSUPP : 0;
}

/* Nothing to move: whether that is all right was decided by the descriptor already, except by a server that has rules for sizes. */
static long empty_transfer(const struct request *r)
{
	return file_simple(r->fd, r->write ? FILE_WRITE : FILE_READ, 0, r->positioned ? r->offset : OFFSET_CURRENT,
		TRANSFER_NONBLOCK, 0);
}

/* A file of /proc may refuse a write of nothing. */
static bool nothing_to_ask(const struct request *r, u32 word)
{
	return (descriptor_type(word) == S_IFREG && !r->write) || descriptor_type(word) == S_IFIFO || word & DESCRIPTOR_TTY;
}

/* Where a write to a regular file begins, for its limit; only asked when there is one. */
static long write_start(struct thread_record *t, const struct request *r)
{
	struct ipc c = { .target = r->fd, .info = INFO(FILE_FSTAT, 0) };
	long flags = file_simple(r->fd, FILE_FLAGS, ~0ul, 0, 0, 0), result;

	if (flags >= 0 && !(flags & O_APPEND) && !(r->flags & RWF_APPEND))
		return r->positioned ? (long)r->offset : file_simple(r->fd, FILE_SEEK, 0, SEEK_CUR, 0, 0);
	result = file_call_data(&c, sizeof(struct file_attr));
	return result < 0 ? result : (long)((struct file_attr *)thread_message(t)->data)->size;
}

/* RLIMIT_FSIZE cuts a write short at the limit; one that begins there is refused, with SIGXFSZ. */
static long limit_write(struct thread_record *t, const struct request *r, unsigned long total)
{
	unsigned long limit = process_info()->fsize;
	long start = limit == ~0ul ? 0 : write_start(t, r);

	if (start < 0)
		return start;
	if ((unsigned long)start < limit)
		return (long)MIN(total, limit - (unsigned long)start);
	signal_raise(t, SIGXFSZ);
	return -EFBIG;
}

static bool type_waits(u32 word)
{
	return descriptor_type(word) != S_IFREG;
}

long file_go_on(struct thread_record *t, u32 word, const unsigned long a[6], bool write, unsigned long offset, long error, unsigned long info,
	const unsigned long answer[2])
{
	struct buffer buffer = { a[1], a[2] };
	struct transfer x = { .cptr = (unsigned)a[0], .write = write, .interruptible = type_waits(word), .offset = offset };
	bool partial = error == K_OK && INFO_LABEL(info) == FILE_REPLY_PARTIAL;
	long result = partial ? (long)answer[0] : file_result_words(error, info, answer[0], answer[1]);

	if (partial && result < 0)
		result = -EIO;
	cursor_start(&x.at, &buffer, 1, buffer.len);
	result = transfer_go_on(t, &x, result, partial, answer[1]);
	if (result == -EPIPE && write)
		signal_raise(t, SIGPIPE);
	return result;
}

static long run(struct thread_record *t, const struct request *r, u32 word, const struct buffer *buffers, unsigned long count,
	unsigned long total)
{
	struct transfer x = {
		.cptr = r->fd,
		.write = r->write,
		.interruptible = type_waits(word),
		.offset = r->positioned ? r->offset : OFFSET_CURRENT,
	};
	long result;

	if (word & DESCRIPTOR_SIGNALFD && !r->write)
		return signalfd_read(t, r->fd, buffers, count, total);
	if (descriptor_type(word) == S_IFSOCK)
		return socket_plain(t, r->fd, word, r->write, 0, buffers, count, total);
	if (r->flags & RWF_APPEND && r->write)
		x.offset = OFFSET_END;
	if (!total) {
		result = nothing_to_ask(r, word) ? 0 : empty_transfer(r);
	} else {
		result = r->write && descriptor_type(word) == S_IFREG ? limit_write(t, r, total) : (long)total;
		if (result < 0)
			return result;
		cursor_start(&x.at, buffers, count, (unsigned long)result);
		result = transfer_run(t, &x);
	}
	if (result == -EPIPE && r->write)
		signal_raise(t, SIGPIPE);
	if (result > 0 && r->write && r->flags & (RWF_DSYNC | RWF_SYNC))
		file_simple(r->fd, FILE_FSYNC, (r->flags & RWF_SYNC) == 0, 0, 0, 0);
	return result;
}

static long one_buffer(struct thread_record *t, const struct request *r, uaddr_t base, unsigned long length)
{
	struct buffer buffer = { base, length };
	long word = r->positioned && (long)r->offset < 0 ? -EINVAL : check_descriptor(t, r);
	long total;

	if (word < 0)
		return word;
	if (!user_range_ok(base, length))
		return -EFAULT;
	total = buffers_check(&buffer, 1);
	return total < 0 ? total : run(t, r, (u32)word, &buffer, 1, (unsigned long)total);
}

static long checked_buffers(struct thread_record *t, const struct request *r, u32 word, struct buffer *buffers, uaddr_t iov,
	unsigned long count)
{
	long total;

	if (copy_from_user(buffers, iov, count * sizeof(*buffers)) < 0)
		return -EFAULT;
	total = buffers_check(buffers, count);
	if (total <= 0)
		return total;
	return check_flags(r) < 0 ? -EOPNOTSUPP : run(t, r, word, buffers, count, (unsigned long)total);
}

static long many_buffers(struct thread_record *t, const struct request *r, uaddr_t iov, unsigned long count)
{
	struct buffer few[BUFFERS_ON_STACK], *buffers = few;
	long word = r->positioned && (long)r->offset < 0 ? -EINVAL : check_descriptor(t, r);
	long result;

	if (word < 0)
		return word;
	if (count > IOV_COUNT_MAX)
		return -EINVAL;
	if (count > BUFFERS_ON_STACK)
		buffers = rt_alloc(count * sizeof(*buffers));
	if (!buffers)
		return -ENOMEM;
	result = checked_buffers(t, r, (u32)word, buffers, iov, count);
	if (buffers != few)
		rt_free(buffers);
	return result;
}

long file_read(struct thread_record *t, const unsigned long a[6])
{
	return one_buffer(t, &(struct request){ .fd = (unsigned)a[0] }, a[1], a[2]);
}

long file_write(struct thread_record *t, const unsigned long a[6])
{
	return one_buffer(t, &(struct request){ .fd = (unsigned)a[0], .write = true }, a[1], a[2]);
}

long file_pread(struct thread_record *t, const unsigned long a[6])
{
	return one_buffer(t, &(struct request){ .fd = (unsigned)a[0], .positioned = true, .offset = a[3] }, a[1], a[2]);
}

long file_pwrite(struct thread_record *t, const unsigned long a[6])
{
	return one_buffer(t, &(struct request){ .fd = (unsigned)a[0], .write = true, .positioned = true, .offset = a[3] }, a[1], a[2]);
}

long linux_readv(struct thread_record *t, const unsigned long a[6])
{
	return many_buffers(t, &(struct request){ .fd = (unsigned)a[0] }, a[1], a[2]);
}

long linux_writev(struct thread_record *t, const unsigned long a[6])
{
	return many_buffers(t, &(struct request){ .fd = (unsigned)a[0], .write = true }, a[1], a[2]);
}

long linux_preadv(struct thread_record *t, const unsigned long a[6])
{
	return many_buffers(t, &(struct request){ .fd = (unsigned)a[0], .positioned = true, .offset = a[3] }, a[1], a[2]);
}

long linux_pwritev(struct thread_record *t, const unsigned long a[6])
{
	return many_buffers(t, &(struct request){ .fd = (unsigned)a[0], .write = true, .positioned = true, .offset = a[3] }, a[1], a[2]);
}

/* Offset -1: at the current position, as readv and writev. */
static struct request with_flags(const unsigned long a[6], bool write)
{
	return (struct request){ .fd = (unsigned)a[0], .write = write, .positioned = a[3] != ~0ul, .offset = a[3], .flags = (unsigned)a[5] };
}

long linux_preadv2(struct thread_record *t, const unsigned long a[6])
{
	struct request r = with_flags(a, false);

	return many_buffers(t, &r, a[1], a[2]);
}

long linux_pwritev2(struct thread_record *t, const unsigned long a[6])
{
	struct request r = with_flags(a, true);

	return many_buffers(t, &r, a[1], a[2]);
}

long linux_lseek(struct thread_record *t, const unsigned long a[6])
{
	u32 word = descriptor_lookup_file(t, (unsigned)a[0]);
	unsigned whence = (unsigned)a[2];

	if (!word)
		return -EBADF;
	if (whence > SEEK_MAX)
		return -EINVAL;
	/* files without a type (eventfd, pidfd ...) differ in whether they have a position, which then stays 0 */
	if (!(word & DESCRIPTOR_SEEKABLE) && descriptor_type(word))
		return -ESPIPE;
	return file_simple((unsigned)a[0], FILE_SEEK, a[1], whence, 0, 0);
}
