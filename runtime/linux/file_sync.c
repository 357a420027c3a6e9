/* Putting data in safety, and hints about its use. Every file system keeps its data in memory: there is nothing behind it to write to. */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"

#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

long linux_sync(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	(void)a;
	return 0;
}

long linux_syncfs(struct thread_record *t, const unsigned long a[6])
{
	return descriptor_lookup_file(t, (unsigned)a[0]) ? 0 : -EBADF;
}

static long sync_file(struct thread_record *t, unsigned fd, bool data_only)
{
	return descriptor_lookup_file(t, fd) ? file_simple(fd, FILE_FSYNC, data_only, 0, 0, 0) : -EBADF;
}

long linux_fsync(struct thread_record *t, const unsigned long a[6])
{
	return sync_file(t, (unsigned)a[0], false);
}

long linux_fdatasync(struct thread_record *t, const unsigned long a[6])
{
	return sync_file(t, (unsigned)a[0], true);
}

long linux_sync_file_range(struct thread_record *t, const unsigned long a[6])
{
	u32 word = descriptor_lookup_file(t, (unsigned)a[0]);
	unsigned type = descriptor_type(word);

	if (!word)
		return -EBADF;
	if ((unsigned)a[3] & ~(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))
		return -EINVAL;
	if ((long)a[1] < 0 || (long)(a[1] + a[2]) < 0 || a[1] + a[2] < a[1])
		return -EINVAL;
	if (type != S_IFREG && type != S_IFDIR)
		return -ESPIPE;
	return file_simple((unsigned)a[0], FILE_FSYNC, 1, 0, 0, 0);
}

static long allocate_check(u32 word, unsigned mode, long offset, long length)
{
	unsigned type = descriptor_type(word);

	if (offset < 0 || length <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (descriptor_access(word) == O_RDONLY)
		return -EBADF;
	if (type == S_IFIFO)
		return -ESPIPE;
	if (type == S_IFDIR)
		return -EISDIR;
	if (type != S_IFREG)
		return -ENODEV;
	return length > 0x7fffffffffffffff - offset ? -EFBIG : 0;
}

/* Part by part, so that the server answers others in between. */
static long allocate(unsigned fd, unsigned mode, unsigned long offset, unsigned long length)
{
	long done = 0, result;

	do {
		result = file_simple(fd, FILE_ALLOCATE, mode, offset, length, (unsigned long)done);
		done += result;
	} while (result > 0);
	return result;
}

long linux_fallocate(struct thread_record *t, const unsigned long a[6])
{
	u32 word = descriptor_lookup_file(t, (unsigned)a[0]);
	long error = word ? allocate_check(word, (unsigned)a[1], (long)a[2], (long)a[3]) : -EBADF;

	if (error == 0 && !((unsigned)a[1] & FALLOC_FL_PUNCH_HOLE))
		error = file_limit_resize(t, (unsigned)a[0], a[2] + a[3]);
	return error < 0 ? error : allocate((unsigned)a[0], (unsigned)a[1], a[2], a[3]);
}

/* Advice is heard and changes nothing: what is in memory is as near as it can be. */
long linux_fadvise64(struct thread_record *t, const unsigned long a[6])
{
	u32 word = descriptor_lookup_file(t, (unsigned)a[0]);

	if (!word)
		return -EBADF;
	if (descriptor_type(word) == S_IFIFO)
		return -ESPIPE;
	return (long)a[2] < 0 || (unsigned)a[3] > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

long linux_readahead(struct thread_record *t, const unsigned long a[6])
{
	u32 word = descriptor_lookup_file(t, (unsigned)a[0]);
	unsigned access = descriptor_access(word);

	if (!word || access == O_WRONLY || access == O_ACCMODE)
		return -EBADF;
	return descriptor_type(word) == S_IFREG ? 0 : -EINVAL;
}
