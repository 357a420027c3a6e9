/*
 * The short way of read and write with one buffer: up to REGISTER_BYTES between the program's memory and the registers of a single message (abi/file.h), more through
 * a window, with one call. What is not like that, and what comes back otherwise than as asked for, goes the long way (file_rw.c, file_result).
 */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/iov.h"
#include "runtime/linux/signal.h"
#include "runtime/registers.h"
#include "runtime/uaccess.h"

#include <linux/stat.h>
#include <asm/signal.h>

#define TYPE_BIT(mode) ((u32)(mode) >> 12 << DESCRIPTOR_TYPE_SHIFT)

/*
 * A word's bits that must be as in an open file that is neither O_PATH nor a signalfd, a directory or a socket: those two and block devices, of which there
 * are none, have this bit of S_IFMT.
 */
#define PLAIN_MASK (DESCRIPTOR_OPEN | DESCRIPTOR_PATH | DESCRIPTOR_SIGNALFD | TYPE_BIT(S_IFDIR))
_Static_assert((S_IFDIR & S_IFSOCK) == S_IFDIR && !((S_IFREG | S_IFCHR | S_IFIFO) & S_IFDIR), "PLAIN_MASK");

/* O_RDONLY 0 and O_RDWR 2 lack this bit. */
#define NOT_READABLE (1u << DESCRIPTOR_ACCESS_SHIFT)

static inline bool is_small(uaddr_t base, unsigned long length)
{
	return length - 1 < REGISTER_BYTES && user_range_ok(base, length);
}

static inline bool fits_window(uaddr_t base, unsigned long length)
{
	return length - 1 < TRANSFER_MAX && user_range_ok(base, length);
}

static inline bool readable(u32 word)
{
	return (word & (PLAIN_MASK | NOT_READABLE)) == DESCRIPTOR_OPEN;
}

/* O_WRONLY 1 and O_RDWR 2. RLIMIT_FSIZE, if there is one, is for the long way. */
static inline bool writable(u32 word)
{
	return (word & PLAIN_MASK) == DESCRIPTOR_OPEN && ((word >> DESCRIPTOR_ACCESS_SHIFT) + 1) & 2 &&
	       (descriptor_type(word) != S_IFREG || process_info()->fsize == ~0ul);
}

/* What is not a regular file may wait. */
static inline unsigned long info_of(u32 word, unsigned long label)
{
	if (descriptor_type(word) == S_IFREG)
		return label;
	return label | INFO_INTERRUPTIBLE;
}

/* A buffer that cannot be written must not cost a pipe its bytes, so it is tried first. */
static inline bool can_take(uaddr_t base, unsigned long length)
{
	uaddr_t last = base + length - 1;

	return user_touch_write(base) && (likely((base ^ last) < PAGE_SIZE) || user_touch_write(last));
}

static inline long read_small(u32 word, unsigned fd, uaddr_t base, unsigned long length, unsigned long offset)
{
	unsigned long info = info_of(word, FILE_READ), m[8], m1, count;
	long result;

	if (unlikely(!can_take(base, length)))
		return -EFAULT;
	result = registers_read(fd, &info, length, offset, m, &m1);
	count = info - FILE_REPLY_REGISTERS;
	if (unlikely(result || count - 1 >= length)) {
		result = file_result_words(result, info, m[0], m1);
		return result > 0 ? -EIO : result;
	}
	return unlikely(uaccess_copy((void *)base, m, count)) ? -EFAULT : (long)count;
}

/* Not all was taken, or nothing. The rest goes the long way. */
static __attribute__((noinline)) long write_rest(struct thread_record *t, const unsigned long a[6], long done)
{
	unsigned long length = a[2];
	long more;

	if (done == -EPIPE)
		signal_raise(t, SIGPIPE);
	if (done <= 0)
		return done;
	if ((unsigned long)done > length)
		return -EIO;
	more = file_write(t, (const unsigned long[6]){ a[0], a[1] + (unsigned long)done, length - (unsigned long)done });
	return more < 0 ? done : done + more;
}

static inline long write_small(struct thread_record *t, u32 word, const unsigned long a[6])
{
	unsigned long length = a[2], info = info_of(word, FILE_WRITE_REGISTERS + length), m[8] = { 0 };
	long error;

	if (unlikely(uaccess_copy(m, (const void *)a[1], length)))
		return file_write(t, a);
	error = registers_call((unsigned)a[0], &info, m, m);
	if (likely(!error && !info && m[0] == length))
		return (long)length;
	return write_rest(t, a, file_result_words(error, info, m[0], m[1]));
}

/* A whole number of bytes, which is all that a read gives at once and what a write wants, or else the long way's. */
static inline long by_window(struct thread_record *t, u32 word, const unsigned long a[6], bool write, unsigned long offset)
{
	unsigned long length = a[2], info = info_of(word, write ? FILE_WRITE : FILE_READ) | INFO_WINDOWS(1), m[8] = { length, offset };
	long error;

	rt_window(t, 0, a[1], length);
	error = registers_call((unsigned)a[0], &info, m, m);
	if (likely(!error && !info && (write ? m[0] == length : m[0] <= length)))
		return (long)m[0];
	return file_go_on(t, word, a, write, offset, error, info, m);
}

static __attribute__((noinline)) long read_more(struct thread_record *t, u32 word, const unsigned long a[6], unsigned long offset)
{
	return by_window(t, word, a, false, offset);
}

static __attribute__((noinline)) long write_more(struct thread_record *t, u32 word, const unsigned long a[6], unsigned long offset)
{
	return by_window(t, word, a, true, offset);
}

long linux_read(struct thread_record *t, const unsigned long a[6])
{
	u32 word = dtable_get(&t->files->table, (unsigned)a[0]);

	if (likely(readable(word) && is_small(a[1], a[2])))
		return read_small(word, (unsigned)a[0], a[1], a[2], OFFSET_CURRENT);
	if (readable(word) && fits_window(a[1], a[2]))
		return read_more(t, word, a, OFFSET_CURRENT);
	return file_read(t, a);
}

long linux_write(struct thread_record *t, const unsigned long a[6])
{
	u32 word = dtable_get(&t->files->table, (unsigned)a[0]);

	if (likely(writable(word) && is_small(a[1], a[2])))
		return write_small(t, word, a);
	if (writable(word) && fits_window(a[1], a[2]))
		return write_more(t, word, a, OFFSET_CURRENT);
	return file_write(t, a);
}

static inline bool positioned(u32 word, unsigned long offset)
{
	return word & DESCRIPTOR_SEEKABLE && (long)offset >= 0;
}

long linux_pread64(struct thread_record *t, const unsigned long a[6])
{
	u32 word = dtable_get(&t->files->table, (unsigned)a[0]);

	if (!readable(word) || !positioned(word, a[3]))
		return file_pread(t, a);
	if (is_small(a[1], a[2]))
		return read_small(word, (unsigned)a[0], a[1], a[2], a[3]);
	return fits_window(a[1], a[2]) ? read_more(t, word, a, a[3]) : file_pread(t, a);
}

long linux_pwrite64(struct thread_record *t, const unsigned long a[6])
{
	u32 word = dtable_get(&t->files->table, (unsigned)a[0]);

	if (writable(word) && positioned(word, a[3]) && a[2] > REGISTER_BYTES && fits_window(a[1], a[2]))
		return write_more(t, word, a, a[3]);
	return file_pwrite(t, a);
}
