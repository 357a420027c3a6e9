/* Calls that change directories: mkdir, unlink, link, rename ...; readlink. */
#include "abi/file.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/uaccess.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

/* A path operation with one path and register arguments. */
static long one_path(struct thread_record *t, unsigned label, int dirfd, uaddr_t path, unsigned long m0, unsigned long m1, unsigned long walk)
{
	struct path_call p;
	long length;

	path_start(&p, label, m0, m1, walk);
	length = path_add(t, &p, 0, dirfd, path);
	return length < 0 ? length : path_send(t, &p);
}

static long two_paths(struct thread_record *t, unsigned label, int old_dirfd, uaddr_t old, int new_dirfd, uaddr_t new, unsigned long m0,
	unsigned long walk)
{
	struct path_call p;
	long length;

	path_start(&p, label, m0, 0, walk);
	length = path_add(t, &p, 0, old_dirfd, old);
	if (length >= 0)
		length = path_add(t, &p, 1, new_dirfd, new);
	return length < 0 ? length : path_send(t, &p);
}

/* ---- readlink ---- */

/* The link itself, opened with O_PATH | O_NOFOLLOW: its path is known, and nothing but its own path names it. */
static long readlink_descriptor(struct thread_record *t, unsigned long cptr, struct path_call *p)
{
	char self[4096];
	long length = file_describe(t, cptr, self, sizeof(self));

	if (length >= 0)
		length = path_add_bytes(t, p, 0, self, (size_t)length);
	p->ipc.m[3] = CPTR_FSROOT;
	return length;
}

static long readlink_path(struct thread_record *t, int dirfd, uaddr_t path, uaddr_t to, int size)
{
	struct path_call p;
	unsigned long cptr;
	long result;

	if (size <= 0)
		return -EINVAL;
	path_start(&p, FILE_READLINK, 0, 0, WALK_NOFOLLOW);
	result = path_empty(t, dirfd, path, dirfd != AT_FDCWD, &cptr);
	if (result >= 0)
		result = result ? readlink_descriptor(t, cptr, &p) : path_add(t, &p, 0, dirfd, path);
	if (result >= 0)
		result = path_send(t, &p);
	if (result < 0)
		return result;
	if ((unsigned long)result > INFO_BYTES_OF(p.ipc.info))
		return -EIO;
	result = MIN(result, (long)size);
	return copy_to_user(to, thread_message(t)->data, (size_t)result) < 0 ? -EFAULT : result;
}

long linux_readlink(struct thread_record *t, const unsigned long a[6])
{
	return readlink_path(t, AT_FDCWD, a[0], a[1], (int)a[2]);
}

long linux_readlinkat(struct thread_record *t, const unsigned long a[6])
{
	return readlink_path(t, (int)a[0], a[1], a[2], (int)a[3]);
}

/* ---- new names ---- */

static long mkdir_path(struct thread_record *t, int dirfd, uaddr_t path, unsigned long mode)
{
	return one_path(t, FILE_MKDIR, dirfd, path, mode & 01777 & ~(unsigned long)fs_umask(t->fs), 0, WALK_NOFOLLOW);
}

long linux_mkdir(struct thread_record *t, const unsigned long a[6])
{
	return mkdir_path(t, AT_FDCWD, a[0], a[1]);
}

long linux_mkdirat(struct thread_record *t, const unsigned long a[6])
{
	return mkdir_path(t, (int)a[0], a[1], a[2]);
}

static long mknod_path(struct thread_record *t, int dirfd, uaddr_t path, unsigned mode, unsigned device)
{
	unsigned type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;

	if (type == S_IFDIR)
		return -EPERM;
	if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	return one_path(t, FILE_MKNOD, dirfd, path, type | (mode & 07777 & ~fs_umask(t->fs)), device, WALK_NOFOLLOW);
}

long linux_mknod(struct thread_record *t, const unsigned long a[6])
{
	return mknod_path(t, AT_FDCWD, a[0], (unsigned)a[1], (unsigned)a[2]);
}

long linux_mknodat(struct thread_record *t, const unsigned long a[6])
{
	return mknod_path(t, (int)a[0], a[1], (unsigned)a[2], (unsigned)a[3]);
}

static long symlink_path(struct thread_record *t, uaddr_t text, int dirfd, uaddr_t path)
{
	struct path_call p;
	long length;

	path_start(&p, FILE_SYMLINK, 0, 0, WALK_NOFOLLOW);
	length = path_add(t, &p, 0, dirfd, path);
	if (length >= 0)
		length = path_add_text(t, &p, 1, text, 4096);
	if (length == 0)
		length = -ENOENT;
	return length < 0 ? length : path_send(t, &p);
}

long linux_symlink(struct thread_record *t, const unsigned long a[6])
{
	return symlink_path(t, a[0], AT_FDCWD, a[1]);
}

long linux_symlinkat(struct thread_record *t, const unsigned long a[6])
{
	return symlink_path(t, a[0], (int)a[1], a[2]);
}

/* An open file gets a name: as with /proc/self/fd/N, which also finds one that has none. */
static long link_descriptor(struct thread_record *t, unsigned fd, int new_dirfd, uaddr_t new)
{
	char self[32];
	struct path_call p;
	long length = (long)snformat(self, sizeof(self), "/proc/self/fd/%u", fd);

	path_start(&p, FILE_LINK, 1, 0, 0);
	length = path_add_bytes(t, &p, 0, self, (size_t)length);
	p.ipc.m[3] = CPTR_FSROOT;
	if (length >= 0)
		length = path_add(t, &p, 1, new_dirfd, new);
	return length < 0 ? length : path_send(t, &p);
}

static long link_path(struct thread_record *t, int old_dirfd, uaddr_t old, int new_dirfd, uaddr_t new, unsigned flags)
{
	unsigned long cptr;
	long empty;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	empty = path_empty(t, old_dirfd, old, flags & AT_EMPTY_PATH, &cptr);
	if (empty < 0)
		return empty;
	if (empty)
		return old_dirfd == AT_FDCWD ? -EPERM : link_descriptor(t, (unsigned)old_dirfd, new_dirfd, new);
	return two_paths(t, FILE_LINK, old_dirfd, old, new_dirfd, new, (flags & AT_SYMLINK_FOLLOW) != 0,
		flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW);
}

long linux_link(struct thread_record *t, const unsigned long a[6])
{
	return link_path(t, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

long linux_linkat(struct thread_record *t, const unsigned long a[6])
{
	return link_path(t, (int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]);
}

/* ---- names that go or move ---- */

static long unlink_path(struct thread_record *t, int dirfd, uaddr_t path, bool directory)
{
	return one_path(t, FILE_UNLINK, dirfd, path, directory, 0, WALK_NOFOLLOW);
}

long linux_unlink(struct thread_record *t, const unsigned long a[6])
{
	return unlink_path(t, AT_FDCWD, a[0], false);
}

long linux_rmdir(struct thread_record *t, const unsigned long a[6])
{
	return unlink_path(t, AT_FDCWD, a[0], true);
}

long linux_unlinkat(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[2];

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return unlink_path(t, (int)a[0], a[1], flags & AT_REMOVEDIR);
}

static long rename_path(struct thread_record *t, int old_dirfd, uaddr_t old, int new_dirfd, uaddr_t new, unsigned flags)
{
	/* Linux says EINVAL for RENAME_WHITEOUT where a file system has none. */
	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	return two_paths(t, FILE_RENAME, old_dirfd, old, new_dirfd, new, flags, WALK_NOFOLLOW);
}

long linux_rename(struct thread_record *t, const unsigned long a[6])
{
	return rename_path(t, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

long linux_renameat(struct thread_record *t, const unsigned long a[6])
{
	return rename_path(t, (int)a[0], a[1], (int)a[2], a[3], 0);
}

long linux_renameat2(struct thread_record *t, const unsigned long a[6])
{
	return rename_path(t, (int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]);
}
