/* Reading directories, the working and root directory, umask, mounting. */
#include "abi/file.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/uaccess.h"

#include <linux/fcntl.h>
#include <linux/stat.h>

/* ---- getdents ---- */

static long directory_check(struct thread_record *t, unsigned fd)
{
	u32 word = descriptor_lookup_file(t, fd);

	if (!word)
		return -EBADF;
	return descriptor_type(word) == S_IFDIR ? 0 : -ENOTDIR;
}

static long read_directory(struct thread_record *t, unsigned fd, uaddr_t to, unsigned size)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_READDIR, 0), .m = { size } };
	long result = file_call_window(t, &c, to, size, true);

	return result > (long)size ? -EIO : result;
}

long linux_getdents64(struct thread_record *t, const unsigned long a[6])
{
	unsigned size = MIN((unsigned)a[2], 0x7fffffffu);
	long error = directory_check(t, (unsigned)a[0]);

	if (error < 0)
		return error;
	return user_range_ok(a[1], size) ? read_directory(t, (unsigned)a[0], a[1], size) : -EFAULT;
}

struct record64 { /* Linux's struct linux_dirent64 */
	unsigned long ino, offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

/* The older record has the name where the type is now, and the type in its last byte: it is as long as the new one. */
static long to_old_records(unsigned char *records, long bytes)
{
	long at = 0;

	while (at < bytes) {
		struct record64 *r = (struct record64 *)(records + at);
		unsigned char type;
		size_t room;

		if (bytes - at < (long)sizeof(*r) || r->length < sizeof(*r) || r->length > bytes - at)
			return -EIO;
		type = r->type;
		room = r->length - offsetof(struct record64, name);
		memmove((char *)r + offsetof(struct record64, type), r->name, room);
		((unsigned char *)r)[r->length - 1] = type;
		at += r->length;
	}
	return bytes;
}

#define OLD_BUFFER 4096u

long linux_getdents(struct thread_record *t, const unsigned long a[6])
{
	unsigned size = MIN((unsigned)a[2], OLD_BUFFER);
	long result = directory_check(t, (unsigned)a[0]);
	unsigned char *buffer;

	if (result < 0)
		return result;
	buffer = rt_zalloc(OLD_BUFFER); /* written once, so its pages are there */
	if (!buffer)
		return -ENOMEM;
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_READDIR, 0) | INFO_WINDOWS(1), .m = { size } };

	rt_window(t, 0, (unsigned long)buffer, size);
	result = file_call(&c, NULL);
	result = result > (long)size ? -EIO : result;
	if (result > 0)
		result = to_old_records(buffer, result);
	if (result > 0 && copy_to_user(a[1], buffer, (size_t)result) < 0)
		result = -EFAULT;
	rt_free(buffer);
	return result;
}

/* ---- where a process is ---- */

long file_describe(struct thread_record *t, unsigned long cptr, char *to, size_t size)
{
	struct ipc c = { .target = cptr, .info = INFO(FILE_DESCRIBE, 0) };
	long length = file_call(&c, NULL);

	if (length < 0)
		return length;
	if ((unsigned long)length > INFO_BYTES_OF(c.info))
		return -EIO;
	if (c.m[1])
		return -ENOENT;
	if ((size_t)length > size)
		return -ENAMETOOLONG;
	memcpy(to, thread_message(t)->data, (size_t)length);
	return length;
}

long linux_getcwd(struct thread_record *t, const unsigned long a[6])
{
	char path[4097];
	long length = file_describe(t, CPTR_CWD, path, sizeof(path) - 1);

	if (length < 0)
		return length;
	path[length++] = 0;
	if ((unsigned long)length > a[1])
		return -ERANGE;
	return copy_to_user(a[0], path, (size_t)length) < 0 ? -EFAULT : length;
}

/* A directory by path, in the empty slot `to`. 1: its Handle takes paths. */
static long open_directory(struct thread_record *t, uaddr_t path, unsigned long to)
{
	struct path_call p;
	long result;

	path_start(&p, FILE_OPEN, O_PATH | O_DIRECTORY, 0, WALK_DIRECTORY | WALK_SEARCH_ONLY);
	result = path_add(t, &p, 0, AT_FDCWD, path);
	if (result >= 0) {
		rt_receive_into(t, 0, to);
		result = path_send(t, &p);
	}
	if (result >= 0 && INFO_CAPS_OF(p.ipc.info) != 1)
		return -EIO;
	return result < 0 ? result : (p.ipc.m[2] & OPENED_TAKES_PATHS) != 0;
}

/* Between the two steps SLOT_CWD is empty: see path_send. */
static long set_directory(struct thread_record *t, unsigned long from, bool takes_paths)
{
	long error;

	rt_lock(&t->fs->lock);
	cap_delete(CPTR_CWD);
	error = cap_copy(CPTR_CWD, from);
	atomic_store_relaxed(&t->fs->cwd_takes_paths, takes_paths);
	rt_unlock(&t->fs->lock);
	return error;
}

/* It works with all descriptors in use. */
long linux_chdir(struct thread_record *t, const unsigned long a[6])
{
	long error, scratch = descriptor_scratch_take(t);

	if (scratch < 0)
		return scratch;
	cap_delete((unsigned long)scratch);
	error = open_directory(t, a[0], (unsigned long)scratch);
	if (error >= 0)
		error = set_directory(t, (unsigned long)scratch, error);
	descriptor_scratch_give(t, scratch);
	return error;
}

long linux_fchdir(struct thread_record *t, const unsigned long a[6])
{
	u32 word = descriptor_lookup(t, (unsigned)a[0]);

	if (!word)
		return -EBADF;
	return descriptor_type(word) == S_IFDIR ? set_directory(t, (unsigned)a[0], word & DESCRIPTOR_TAKES_PATHS) : -ENOTDIR;
}

long directory_set_own(struct thread_record *t, const char *path)
{
	long error, fd = file_open_own(t, path, O_PATH | O_DIRECTORY);

	if (fd < 0)
		return fd;
	error = set_directory(t, (unsigned long)fd, descriptor_lookup(t, (unsigned)fd) & DESCRIPTOR_TAKES_PATHS);
	descriptor_close(t, (unsigned)fd);
	return error;
}

long linux_chroot(struct thread_record *t, const unsigned long a[6])
{
	long error, fd = descriptor_reserve_own(t, 0); /* root takes descriptors only */

	if (fd < 0)
		return fd;
	error = open_directory(t, a[0], (unsigned long)fd);
	if (error >= 0)
		error = rt_root(PROC_CHROOT, (unsigned long)fd, 0, 0, 0, 0);
	descriptor_abandon(t, fd);
	return error;
}

long linux_umask(struct thread_record *t, const unsigned long a[6])
{
	return (long)atomic_exchange(&t->fs->umask, (u32)a[0] & 0777u);
}

/* ---- mounting: root's business, which it may not know yet. data[]: source, target, type, each with a NUL ---- */

#define MOUNT_TEXT 1024

static long mount_text(struct thread_record *t, size_t *bytes, uaddr_t text)
{
	char *to = (char *)thread_message(t)->data + *bytes;
	long length = text ? strncpy_from_user(to, text, MOUNT_TEXT) : 0;

	if (length < 0)
		return length;
	if (length == MOUNT_TEXT)
		return -ENAMETOOLONG;
	to[length] = 0;
	*bytes += (size_t)length + 1;
	return 0;
}

long linux_mount(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = CPTR_ROOT, .m = { a[3] } };
	size_t bytes = 0;
	long error = 0;

	for (int i = 0; i < 3 && error == 0; i++)
		error = mount_text(t, &bytes, a[i]);
	c.info = INFO(PROC_MOUNT, bytes);
	return error < 0 ? error : file_call(&c, NULL);
}

long linux_umount2(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = CPTR_ROOT, .m = { (unsigned)a[1] } };
	size_t bytes = 0;
	long error = mount_text(t, &bytes, a[0]);

	c.info = INFO(PROC_UNMOUNT, bytes);
	return error < 0 ? error : file_call(&c, NULL);
}
