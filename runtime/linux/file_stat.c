/* What a file is: stat and its forms, statfs, access. */
#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/registers.h"
#include "runtime/uaccess.h"

#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#define NS_PER_SECOND 1000000000l

static unsigned long attr_device(unsigned major, unsigned minor)
{
	return (minor & 0xfful) | (unsigned long)major << 8 | (minor & ~0xfful) << 12;
}

/* Seconds and nanoseconds of a time that may lie before 1970: nanoseconds are never negative. */
static inline long seconds_of(unsigned long ns, long *rest)
{
	long seconds = (long)ns / NS_PER_SECOND;

	*rest = (long)ns - seconds * NS_PER_SECOND;
	if (unlikely(*rest < 0)) {
		*rest += NS_PER_SECOND;
		seconds--;
	}
	return seconds;
}

/*
 * The attributes that came with a reply. They lie in the message buffer, which the next call overwrites. NULL: *error says why.
 */
static const struct file_attr *reply_attr(struct thread_record *t, const struct ipc *reply, long result, long *error)
{
	*error = result < 0 ? result : INFO_BYTES_OF(reply->info) < sizeof(struct file_attr) ? -EIO : 0;
	return *error ? NULL : (const struct file_attr *)thread_message(t)->data;
}

static const struct file_attr *attr_of_file(struct thread_record *t, unsigned long cptr, long *error)
{
	static const unsigned long nothing[8];
	unsigned long info = INFO(FILE_FSTAT, 0), m[8];
	long failed = registers_call(cptr, &info, nothing, m);

	if (likely(!failed && !m[0] && info == INFO(0, sizeof(struct file_attr))))
		return (const struct file_attr *)thread_message(t)->data;
	*error = file_result_words(failed, info, m[0], m[1]);
	if (*error >= 0)
		*error = -EIO;
	return NULL;
}

static const struct file_attr *attr_of_path(struct thread_record *t, int dirfd, uaddr_t path, unsigned at_flags, long *error)
{
	struct path_call p;
	unsigned long cptr;
	long result = path_empty(t, dirfd, path, at_flags & AT_EMPTY_PATH, &cptr);

	if (result > 0)
		return attr_of_file(t, cptr, error);
	if (result == 0) {
		path_start(&p, FILE_STAT, 0, 0, at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0);
		result = path_add(t, &p, 0, dirfd, path);
	}
	if (result < 0) {
		*error = result;
		return NULL;
	}
	/* "." is the directory that is at hand, which need not have a path any more. */
	if (result == 1 && thread_message(t)->data[0] == '.')
		return attr_of_file(t, p.ipc.m[3], error);
	return reply_attr(t, &p.ipc, path_send(t, &p), error);
}

static long put_stat(uaddr_t to, const struct file_attr *a)
{
	struct stat s = {
		.st_dev = attr_device(a->dev_major, a->dev_minor),
		.st_ino = a->ino,
		.st_nlink = a->nlink,
		.st_mode = a->mode,
		.st_uid = a->uid,
		.st_gid = a->gid,
		.st_rdev = attr_device(a->rdev_major, a->rdev_minor),
		.st_size = (long)a->size,
		.st_blksize = a->block_size,
		.st_blocks = (long)a->blocks,
	};
	long seconds, rest;

	/* as a rule at least two of them are the same */
	seconds = seconds_of(a->atime, &rest);
	s.st_atime = (unsigned long)seconds;
	s.st_atime_nsec = (unsigned long)rest;
	if (a->mtime != a->atime)
		seconds = seconds_of(a->mtime, &rest);
	s.st_mtime = (unsigned long)seconds;
	s.st_mtime_nsec = (unsigned long)rest;
	if (a->ctime != a->mtime)
		seconds = seconds_of(a->ctime, &rest);
	s.st_ctime = (unsigned long)seconds;
	s.st_ctime_nsec = (unsigned long)rest;
	return copy_to_user(to, &s, sizeof(s));
}

static long stat_path(struct thread_record *t, int dirfd, uaddr_t path, unsigned at_flags, uaddr_t to)
{
	long error;
	const struct file_attr *attr = attr_of_path(t, dirfd, path, at_flags, &error);

	return attr ? put_stat(to, attr) : error;
}

long linux_stat(struct thread_record *t, const unsigned long a[6])
{
	return stat_path(t, AT_FDCWD, a[0], 0, a[1]);
}

long linux_lstat(struct thread_record *t, const unsigned long a[6])
{
	return stat_path(t, AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, a[1]);
}

long linux_newfstatat(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[3];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	return stat_path(t, (int)a[0], a[1], flags, a[2]);
}

long linux_fstat(struct thread_record *t, const unsigned long a[6])
{
	const struct file_attr *attr;
	long error = descriptor_check(t, (unsigned)a[0]);

	if (error < 0)
		return error;
	attr = attr_of_file(t, (unsigned)a[0], &error);
	return attr ? put_stat(a[1], attr) : error;
}

static struct statx_timestamp timestamp(unsigned long ns)
{
	long rest, seconds = seconds_of(ns, &rest);

	return (struct statx_timestamp){ .tv_sec = seconds, .tv_nsec = (unsigned)rest };
}

static long put_statx(uaddr_t to, const struct file_attr *a)
{
	struct statx s = {
		.stx_mask = STATX_BASIC_STATS | STATX_BTIME,
		.stx_blksize = a->block_size,
		.stx_nlink = a->nlink,
		.stx_uid = a->uid,
		.stx_gid = a->gid,
		.stx_mode = (unsigned short)a->mode,
		.stx_ino = a->ino,
		.stx_size = a->size,
		.stx_blocks = a->blocks,
		.stx_atime = timestamp(a->atime),
		.stx_btime = timestamp(a->btime),
		.stx_ctime = timestamp(a->ctime),
		.stx_mtime = timestamp(a->mtime),
		.stx_rdev_major = a->rdev_major,
		.stx_rdev_minor = a->rdev_minor,
		.stx_dev_major = a->dev_major,
		.stx_dev_minor = a->dev_minor,
	};

	return copy_to_user(to, &s, sizeof(s));
}

long linux_statx(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[2], mask = (unsigned)a[3];
	const struct file_attr *attr;
	long error;

	if (mask & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	attr = attr_of_path(t, (int)a[0], a[1], flags, &error);
	return attr ? put_statx(a[4], attr) : error;
}

/* ---- statfs ---- */

static long put_statfs(struct thread_record *t, const struct ipc *reply, long result, uaddr_t to)
{
	struct file_statfs f;
	struct statfs s;

	if (result < 0)
		return result;
	if (INFO_BYTES_OF(reply->info) < sizeof(f))
		return -EIO;
	memcpy(&f, thread_message(t)->data, sizeof(f));
	s = (struct statfs){
		.f_type = (long)f.type,
		.f_bsize = (long)f.block_size,
		.f_blocks = (long)f.blocks,
		.f_bfree = (long)f.blocks_free,
		.f_bavail = (long)f.blocks_available,
		.f_files = (long)f.files,
		.f_ffree = (long)f.files_free,
		.f_fsid = { { (int)f.fsid, (int)(f.fsid >> 32) } },
		.f_namelen = (long)f.name_max,
		.f_frsize = (long)f.fragment_size,
		.f_flags = (long)f.flags,
	};
	return copy_to_user(to, &s, sizeof(s));
}

long linux_statfs(struct thread_record *t, const unsigned long a[6])
{
	struct path_call p;
	long length;

	path_start(&p, FILE_STATFS, 0, 0, 0);
	length = path_add(t, &p, 0, AT_FDCWD, a[0]);
	return length < 0 ? length : put_statfs(t, &p.ipc, path_send(t, &p), a[1]);
}

long linux_fstatfs(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_FSTATFS, 0) };

	if (!descriptor_lookup(t, (unsigned)a[0]))
		return -EBADF;
	return put_statfs(t, &c, file_call(&c, NULL), a[1]);
}

/* ---- access ---- */

#define ACCESS_MODES 7

/* An empty path asks about the descriptor's own file, for which there is no message: its path is asked about. */
static long access_path(struct thread_record *t, int dirfd, uaddr_t path, unsigned mode, unsigned flags)
{
	struct path_call p;
	unsigned long cptr;
	long result;

	if (mode & ~ACCESS_MODES || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	result = path_empty(t, dirfd, path, flags & AT_EMPTY_PATH, &cptr);
	if (result < 0)
		return result;
	path_start(&p, FILE_ACCESS, mode, (flags & AT_EACCESS) != 0, flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0);
	if (result) {
		char self[4096];

		result = file_describe(t, cptr, self, sizeof(self));
		p.ipc.m[3] = CPTR_FSROOT;
		if (result >= 0)
			result = path_add_bytes(t, &p, 0, self, (size_t)result);
	} else {
		result = path_add(t, &p, 0, dirfd, path);
	}
	return result < 0 ? result : path_send(t, &p);
}

long linux_access(struct thread_record *t, const unsigned long a[6])
{
	return access_path(t, AT_FDCWD, a[0], (unsigned)a[1], 0);
}

long linux_faccessat(struct thread_record *t, const unsigned long a[6])
{
	return access_path(t, (int)a[0], a[1], (unsigned)a[2], 0);
}

long linux_faccessat2(struct thread_record *t, const unsigned long a[6])
{
	return access_path(t, (int)a[0], a[1], (unsigned)a[2], (unsigned)a[3]);
}
