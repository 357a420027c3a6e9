/* The system calls on files, for the table (table.c). linux_NAME is the handler of system call NAME. */
#ifndef RUNTIME_LINUX_FILES_H
#define RUNTIME_LINUX_FILES_H

#include "lib/types.h"
#include "runtime/uaccess.h"

struct thread_record;

#define FILE_CALLS(X) \
	/* file_small.c, file_rw.c */ \
	X(read) X(write) X(pread64) X(pwrite64) X(readv) X(writev) X(preadv) X(pwritev) X(preadv2) X(pwritev2) X(lseek) \
	/* file_open.c */ \
	X(open) X(openat) X(openat2) X(creat) X(memfd_create) X(pipe) X(pipe2) X(eventfd) X(eventfd2) \
	/* file_descriptor.c */ \
	X(close) X(close_range) X(dup) X(dup2) X(dup3) X(fcntl) X(flock) \
	/* file_ioctl.c */ \
	X(ioctl) \
	/* file_stat.c */ \
	X(stat) X(fstat) X(lstat) X(newfstatat) X(statx) X(statfs) X(fstatfs) X(access) X(faccessat) X(faccessat2) \
	/* file_names.c */ \
	X(readlink) X(readlinkat) X(mkdir) X(mkdirat) X(mknod) X(mknodat) X(rmdir) X(unlink) X(unlinkat) X(link) X(linkat) \
	X(symlink) X(symlinkat) X(rename) X(renameat) X(renameat2) \
	/* file_attributes.c */ \
	X(chmod) X(fchmod) X(fchmodat) X(chown) X(lchown) X(fchown) X(fchownat) X(truncate) X(ftruncate) \
	X(utime) X(utimes) X(futimesat) X(utimensat) \
	/* file_directory.c */ \
	X(getdents) X(getdents64) X(getcwd) X(chdir) X(fchdir) X(chroot) X(umask) X(mount) X(umount2) \
	/* file_sync.c */ \
	X(sync) X(fsync) X(fdatasync) X(syncfs) X(sync_file_range) X(fallocate) X(fadvise64) X(readahead) \
	/* file_copy.c, splice.c */ \
	X(copy_file_range) X(sendfile) X(splice) X(tee) X(vmsplice) \
	/* file_poll.c, file_select.c */ \
	X(poll) X(ppoll) X(select) X(pselect6) \
	/* epoll.c */ \
	X(epoll_create) X(epoll_create1) X(epoll_ctl) X(epoll_wait) X(epoll_pwait) X(epoll_pwait2) \
	/* timerfd.c, signalfd.c, pidfd.c */ \
	X(pidfd_open) X(pidfd_send_signal) X(pidfd_getfd) \
	X(inotify_init) X(inotify_init1) X(inotify_add_watch) X(inotify_rm_watch) \
	X(timerfd_create) X(timerfd_settime) X(timerfd_gettime) X(signalfd) X(signalfd4) \
	/* file_xattr.c */ \
	X(getxattr) X(lgetxattr) X(fgetxattr) X(setxattr) X(lsetxattr) X(fsetxattr) X(listxattr) X(llistxattr) X(flistxattr) \
	X(removexattr) X(lremovexattr) X(fremovexattr)

/* read, write, pread64, pwrite64, for whatever file_small.c does not do itself. */
long file_read(struct thread_record *t, const unsigned long a[6]);
long file_write(struct thread_record *t, const unsigned long a[6]);
long file_pread(struct thread_record *t, const unsigned long a[6]);
long file_pwrite(struct thread_record *t, const unsigned long a[6]);
/* One of a single buffer, checked already, whose first call was made: an enum kernel_error, and info word and first words of the answer. offset: or OFFSET_CURRENT. */
long file_go_on(struct thread_record *t, u32 word, const unsigned long a[6], bool write, unsigned long offset, long error, unsigned long info,
	const unsigned long answer[2]);

#define X(name) long linux_##name(struct thread_record *t, const unsigned long a[6]);
FILE_CALLS(X)
#undef X

/* mmap without MAP_ANONYMOUS; a as mmap has it. The address or -errno. */
long file_mmap(struct thread_record *t, const unsigned long a[6]);

/*
 * The runtime's own opens (exec, the first program). `path` is the runtime's memory; flags as open(2)'s, without O_CREAT, or OPEN_EXEC. A
 * descriptor or -errno.
 */
/* chdir to a path of the runtime's own. */
long directory_set_own(struct thread_record *t, const char *path);
long file_open_own(struct thread_record *t, const char *path, unsigned flags);
/* execve's and execveat's: a program's path, followed unless AT_SYMLINK_NOFOLLOW; AT_EMPTY_PATH with an empty path duplicates dirfd. */
long file_open_exec(struct thread_record *t, int dirfd, uaddr_t path, unsigned at_flags);

/* A descriptor's word from what OPEN or KIND answers: st_mode and OPENED_ flags; `flags`: O_ flags, O_CLOEXEC and O_PATH too. */
u32 file_word(unsigned mode, unsigned opened, unsigned flags);

/* A Handle that a service makes, at a new descriptor with that word. `slot`: SLOT_SERVICE_...; m0, m1: words of the message. */
long file_open_service(struct thread_record *t, unsigned slot, unsigned label, unsigned long m0, unsigned long m1, u32 word);

/* mq_open, mq_unlink: a queue's name in /dev/mqueue. `limits`: m[2] of the open (abi/ipc.h). A descriptor, 0, or -errno. */
long file_open_queue(struct thread_record *t, uaddr_t name, unsigned flags, unsigned mode, unsigned long limits);
long file_unlink_queue(struct thread_record *t, uaddr_t name);

/* Whether RLIMIT_FSIZE lets this open file be extended to `size`: 0, or -EFBIG and SIGXFSZ. A file that is larger already is not extended. */
long file_limit_resize(struct thread_record *t, unsigned fd, unsigned long size);

/* The absolute path of a file: its length (no NUL is written), or -errno; -ENOENT if it was deleted. */
long file_describe(struct thread_record *t, unsigned long cptr, char *to, size_t size);

/* F_SETOWN and F_GETOWN, and what sockets have ioctls for: a process, or negative a group. */
long owner_set_number(unsigned fd, int who);
int owner_get_number(unsigned fd, long *error);

#endif
