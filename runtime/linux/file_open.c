/* Calls that make descriptors: open and its forms, pipe, eventfd, memfd. */
#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/uaccess.h"

#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#define O_LARGEFILE_X86 0100000 /* what Linux adds to every open of a 64-bit program and shows in F_GETFL */
#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | FASYNC | O_DIRECT \
	| O_LARGEFILE_X86 | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | __O_TMPFILE)
#define OPEN_PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct how {
	unsigned flags, mode;
	unsigned long walk; /* WALK_ restrictions */
	bool base_itself;   /* instead of a path: the directory */
};

/* What open(2) makes of its arguments; openat2 refuses first what this drops. */
static struct how how_of(unsigned long flags, unsigned long mode)
{
	struct how how = { .flags = (unsigned)flags & OPEN_FLAGS, .mode = (unsigned)mode & 07777 };

	if (how.flags & O_PATH)
		how.flags &= OPEN_PATH_FLAGS;
	else
		how.flags |= O_LARGEFILE_X86;
	if (!(how.flags & (O_CREAT | __O_TMPFILE)))
		how.mode = 0;
	return how;
}

static long how_check(const struct how *how)
{
	if (!(how->flags & __O_TMPFILE))
		return 0;
	if ((how->flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE)
		return -EINVAL;
	return (how->flags & O_ACCMODE) == O_RDONLY ? -EINVAL : 0;
}

static unsigned long walk_of(unsigned flags)
{
	unsigned long walk = 0;

	if (flags & O_NOFOLLOW || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		walk |= WALK_NOFOLLOW;
	if (flags & O_DIRECTORY && !(flags & __O_TMPFILE))
		walk |= WALK_DIRECTORY;
	if (flags & O_PATH)
		walk |= WALK_SEARCH_ONLY;
	return walk;
}

/* What few files are. */
static u32 word_of_kind(unsigned opened)
{
	u32 word = 0;

	if (opened & OPENED_TTY)
		word |= DESCRIPTOR_TTY;
	if (opened & OPENED_EPOLL)
		word |= DESCRIPTOR_EPOLL;
	if (opened & OPENED_PACKETS)
		word |= DESCRIPTOR_PACKETS;
	if (opened & OPENED_INOTIFY)
		word |= DESCRIPTOR_INOTIFY;
	if (opened & OPENED_SIGNALFD)
		word |= DESCRIPTOR_SIGNALFD;
	if (opened & OPENED_TAKES_PATHS)
		word |= DESCRIPTOR_TAKES_PATHS;
	return word;
}

u32 file_word(unsigned mode, unsigned opened, unsigned flags)
{
	u32 word = opened & ~(unsigned)OPENED_SEEKABLE ? word_of_kind(opened) : 0;

	if (flags & O_PATH)
		word |= DESCRIPTOR_PATH;
	if (flags & O_CLOEXEC)
		word |= DESCRIPTOR_CLOEXEC;
	if (opened & OPENED_SEEKABLE || (mode & S_IFMT) == S_IFREG || (mode & S_IFMT) == S_IFDIR)
		word |= DESCRIPTOR_SEEKABLE;
	if (opened & OPENED_POLLS)
		mode = 0; /* regular files are always ready: of another type, its server is asked */
	return descriptor_word(flags & O_PATH ? O_RDONLY : flags & O_ACCMODE, mode, word);
}

static void open_start(struct thread_record *t, struct path_call *p, const struct how *how)
{
	path_start(p, FILE_OPEN, how->flags & ~O_CLOEXEC, how->mode & ~fs_umask(t->fs), walk_of(how->flags) | how->walk);
	p->ipc.info |= INFO_INTERRUPTIBLE;
}

/* The path has been added: a descriptor or -errno. */
static long open_send(struct thread_record *t, struct path_call *p, unsigned flags, long fd)
{
	long result;

	rt_receive_into(t, 0, (unsigned long)fd);
	result = path_send(t, p);
	if (result >= 0 && INFO_CAPS_OF(p->ipc.info) != 1)
		result = -EIO;
	if (result < 0) {
		descriptor_abandon(t, fd);
		return result;
	}
	descriptor_install(t, fd, file_word((unsigned)p->ipc.m[1], (unsigned)p->ipc.m[2], flags));
	return fd;
}

/* The reserved number becomes the descriptor or is given back. It came first: making room for it is a call, which would overwrite the message with the path. */
static long open_at(struct thread_record *t, int dirfd, uaddr_t path, const struct how *how, long fd)
{
	struct path_call p;
	long length;

	if (fd < 0)
		return fd;
	open_start(t, &p, how);
	if (how->base_itself) {
		length = path_base(t, dirfd, &p.ipc.m[3]);
		length = length < 0 ? length : path_add_bytes(t, &p, 0, ".", 1);
	} else {
		length = path_add(t, &p, 0, dirfd, path);
	}
	if (length < 0) {
		descriptor_abandon(t, fd);
		return length;
	}
	return open_send(t, &p, how->flags, fd);
}

static long open_program_path(struct thread_record *t, int dirfd, uaddr_t path, const struct how *how)
{
	long error = how_check(how);

	return error < 0 ? error : open_at(t, dirfd, path, how, descriptor_reserve(t));
}

long linux_open(struct thread_record *t, const unsigned long a[6])
{
	struct how how = how_of(a[1], a[2]);

	return open_program_path(t, AT_FDCWD, a[0], &how);
}

long linux_openat(struct thread_record *t, const unsigned long a[6])
{
	struct how how = how_of(a[2], a[3]);

	return open_program_path(t, (int)a[0], a[1], &how);
}

long linux_creat(struct thread_record *t, const unsigned long a[6])
{
	struct how how = how_of(O_CREAT | O_WRONLY | O_TRUNC, a[1]);

	return open_program_path(t, AT_FDCWD, a[0], &how);
}

/* A larger structure than we know is accepted as long as what we do not know is zero (Linux: E2BIG). */
static long open_how_read(struct open_how *how, uaddr_t from, size_t size)
{
	unsigned char rest;

	if (size < sizeof(*how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	for (size_t i = sizeof(*how); i < size; i++) {
		if (get_user(rest, from + i) < 0)
			return -EFAULT;
		if (rest)
			return -E2BIG;
	}
	return copy_from_user(how, from, sizeof(*how));
}

#define RESOLVE_KNOWN (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED)

static unsigned long walk_of_resolve(u64 resolve)
{
	return (resolve & RESOLVE_NO_XDEV ? WALK_NO_XDEV : 0ul) | (resolve & RESOLVE_NO_MAGICLINKS ? WALK_NO_MAGICLINKS : 0ul)
		| (resolve & RESOLVE_NO_SYMLINKS ? WALK_NO_SYMLINKS : 0ul) | (resolve & RESOLVE_BENEATH ? WALK_BENEATH : 0ul)
		| (resolve & RESOLVE_IN_ROOT ? WALK_IN_ROOT : 0ul);
}

static long open_how_check(const struct open_how *asked)
{
	if (asked->flags & ~(unsigned long)OPEN_FLAGS || asked->resolve & ~(u64)RESOLVE_KNOWN || asked->mode & ~07777ul)
		return -EINVAL;
	if (asked->resolve & RESOLVE_BENEATH && asked->resolve & RESOLVE_IN_ROOT)
		return -EINVAL;
	if (asked->flags & O_PATH && asked->flags & ~(unsigned long)OPEN_PATH_FLAGS)
		return -EINVAL;
	if (!(asked->flags & (O_CREAT | __O_TMPFILE)) && asked->mode)
		return -EINVAL;
	/* everything else needs no waiting: a walk never waits for a disk */
	return asked->resolve & RESOLVE_CACHED && asked->flags & (O_TRUNC | O_CREAT | __O_TMPFILE) ? -EAGAIN : 0;
}

/* A path that begins with a slash begins at the directory: root gets it without, so that it is one that starts there. */
static long skip_slashes(uaddr_t *path)
{
	char c;

	for (;;) {
		if (get_user(c, *path) < 0)
			return -EFAULT;
		if (c != '/')
			return c;
		(*path)++;
	}
}

long linux_openat2(struct thread_record *t, const unsigned long a[6])
{
	struct open_how asked;
	uaddr_t path = a[1];
	struct how how;
	long error = open_how_read(&asked, a[2], a[3]);

	if (error == 0)
		error = open_how_check(&asked);
	if (error < 0)
		return error;
	how = how_of(asked.flags, asked.mode);
	how.walk = walk_of_resolve(asked.resolve);
	if (!(asked.resolve & RESOLVE_IN_ROOT))
		return open_program_path(t, (int)a[0], path, &how);
	error = skip_slashes(&path);
	if (error < 0)
		return error;
	how.base_itself = error == 0 && path != a[1];
	return open_program_path(t, (int)a[0], path, &how);
}

long file_open_own(struct thread_record *t, const char *path, unsigned flags)
{
	struct how how = how_of(flags, 0);
	struct path_call p;
	long error, fd = descriptor_reserve_own(t, 0);

	how.flags |= flags & OPEN_EXEC;
	if (fd < 0)
		return fd;
	open_start(t, &p, &how);
	if (path[0] == '/')
		p.ipc.m[3] = CPTR_FSROOT;
	error = path_add_bytes(t, &p, 0, path, strlen(path));
	if (error < 0) {
		descriptor_abandon(t, fd);
		return error;
	}
	return open_send(t, &p, how.flags, fd);
}

long file_open_exec(struct thread_record *t, int dirfd, uaddr_t path, unsigned at_flags)
{
	struct how how = { .flags = O_RDONLY | O_CLOEXEC | OPEN_EXEC };
	unsigned long cptr;
	long empty = path_empty(t, dirfd, path, at_flags & AT_EMPTY_PATH, &cptr);

	if (empty < 0)
		return empty;
	if (empty)
		return dirfd == AT_FDCWD ? -EACCES : descriptor_duplicate_own(t, (unsigned)dirfd);
	if (at_flags & AT_SYMLINK_NOFOLLOW)
		how.flags |= O_NOFOLLOW;
	return open_at(t, dirfd, path, &how, descriptor_reserve_own(t, 0));
}

/* ---- message queues ---- */

#define QUEUES "/dev/mqueue/"

/* The name goes behind the directory's path, as the call's. Names have no slash. */
static long queue_path(struct thread_record *t, struct path_call *p, uaddr_t name)
{
	char path[sizeof(QUEUES) + 256] = QUEUES, *to = path + sizeof(QUEUES) - 1;
	long length = strncpy_from_user(to, name, 256);

	if (length < 0)
		return length;
	if (!length)
		return -ENOENT;
	if (length == 256)
		return -ENAMETOOLONG;
	if (memchr(to, '/', (size_t)length) || !strcmp(to, ".") || !strcmp(to, ".."))
		return -EACCES;
	p->ipc.m[3] = CPTR_FSROOT;
	return path_add_bytes(t, p, 0, path, sizeof(QUEUES) - 1 + (size_t)length);
}

long file_open_queue(struct thread_record *t, uaddr_t name, unsigned flags, unsigned mode, unsigned long limits)
{
	struct how how = { .flags = flags, .mode = flags & O_CREAT ? mode & 07777 : 0 };
	struct path_call p;
	long length, fd = descriptor_reserve(t);

	if (fd < 0)
		return fd;
	open_start(t, &p, &how);
	p.ipc.m[2] = limits;
	length = queue_path(t, &p, name);
	if (length >= 0)
		return open_send(t, &p, flags, fd);
	descriptor_abandon(t, fd);
	return length;
}

long file_unlink_queue(struct thread_record *t, uaddr_t name)
{
	struct path_call p;
	long length;

	path_start(&p, FILE_UNLINK, 0, 0, 0);
	length = queue_path(t, &p, name);
	return length < 0 ? length : path_send(t, &p);
}

/* ---- files without a path ---- */

long file_open_service(struct thread_record *t, unsigned slot, unsigned label, unsigned long m0, unsigned long m1, u32 word)
{
	struct ipc c = { .target = CPTR_SYSTEM | slot, .info = INFO(label, 0), .m = { m0, m1 } };
	long result, fd = descriptor_reserve(t);

	if (fd < 0)
		return fd;
	rt_receive_into(t, 0, (unsigned long)fd);
	result = file_call(&c, NULL);
	if (result >= 0 && INFO_CAPS_OF(c.info) != 1)
		result = -EIO;
	if (result < 0) {
		descriptor_abandon(t, fd);
		return result;
	}
	descriptor_install(t, fd, word);
	return fd;
}

#define EFD_SEMAPHORE 1

static long eventfd_open(struct thread_record *t, unsigned initial, unsigned flags)
{
	if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return file_open_service(t, SLOT_SERVICE_EVENT, FILE_EVENTFD, initial, flags & ~O_CLOEXEC,
		descriptor_word(O_RDWR, 0, flags & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0));
}

long linux_eventfd(struct thread_record *t, const unsigned long a[6])
{
	return eventfd_open(t, (unsigned)a[0], 0);
}

long linux_eventfd2(struct thread_record *t, const unsigned long a[6])
{
	return eventfd_open(t, (unsigned)a[0], (unsigned)a[1]);
}

long linux_epoll_create1(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[0];

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	return file_open_service(t, SLOT_SERVICE_EVENT, FILE_EPOLL_CREATE, flags & ~O_CLOEXEC, 0,
		descriptor_word(O_RDWR, 0, DESCRIPTOR_EPOLL | (flags & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0)));
}

long linux_epoll_create(struct thread_record *t, const unsigned long a[6])
{
	return (int)a[0] <= 0 ? -EINVAL : linux_epoll_create1(t, (unsigned long[6]){ 0 });
}

/* Both numbers are reserved: they become the ends, or are given back. */
static long pipe_fill(struct thread_record *t, const long fd[2], unsigned flags)
{
	struct ipc c = { .target = CPTR_SYSTEM | SLOT_SERVICE_PIPE, .info = INFO(FILE_PIPE, 0), .m = { flags & ~O_CLOEXEC } };
	u32 cloexec = flags & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0;
	long result;

	rt_receive_into(t, 0, (unsigned long)fd[0]);
	rt_receive_into(t, 1, (unsigned long)fd[1]);
	result = file_call(&c, NULL);
	if (result >= 0 && INFO_CAPS_OF(c.info) != 2)
		result = -EIO;
	if (result < 0) {
		descriptor_abandon(t, fd[0]);
		descriptor_abandon(t, fd[1]);
		return result;
	}
	descriptor_install(t, fd[0], descriptor_word(O_RDONLY, S_IFIFO, cloexec));
	descriptor_install(t, fd[1], descriptor_word(O_WRONLY, S_IFIFO, cloexec));
	return 0;
}

static long pipe_open(struct thread_record *t, uaddr_t to, unsigned flags)
{
	long result, fd[2];
	int numbers[2];

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	fd[0] = descriptor_reserve(t);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = descriptor_reserve(t);
	if (fd[1] < 0) {
		descriptor_abandon(t, fd[0]);
		return fd[1];
	}
	result = pipe_fill(t, fd, flags);
	if (result < 0)
		return result;
	numbers[0] = (int)fd[0];
	numbers[1] = (int)fd[1];
	if (copy_to_user(to, numbers, sizeof(numbers)) == 0)
		return 0;
	descriptor_close(t, (unsigned)fd[0]);
	descriptor_close(t, (unsigned)fd[1]);
	return -EFAULT;
}

long linux_pipe(struct thread_record *t, const unsigned long a[6])
{
	return pipe_open(t, a[0], 0);
}

long linux_pipe2(struct thread_record *t, const unsigned long a[6])
{
	return pipe_open(t, a[0], (unsigned)a[1]);
}

#define MEMFD_NAME_SIZE 250

/* Memory without a name is a file without a name, in the file system that holds shared memory. Huge pages there are not. */
long linux_memfd_create(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[1];
	struct how how = { .flags = O_TMPFILE | O_RDWR | O_LARGEFILE_X86 | (flags & MFD_CLOEXEC ? O_CLOEXEC : 0), .mode = 0777 };
	char name[MEMFD_NAME_SIZE];
	struct path_call p;
	long length, fd;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	length = strncpy_from_user(name, a[0], sizeof(name));
	if (length < 0)
		return length;
	if (length == (long)sizeof(name))
		return -EINVAL;
	fd = descriptor_reserve(t);
	if (fd < 0)
		return fd;
	path_start(&p, FILE_OPEN, how.flags & ~O_CLOEXEC, how.mode, walk_of(how.flags));
	p.ipc.m[2] = flags & MFD_ALLOW_SEALING ? 1 : 0;
	p.ipc.m[3] = CPTR_FSROOT;
	length = path_add_bytes(t, &p, 0, "/dev/shm", 8);
	if (length >= 0)
		return open_send(t, &p, how.flags, fd);
	descriptor_abandon(t, fd);
	return length;
}
