/*
 * The file protocol: what clients, root and file servers say to each other. Semantics of operations and errors follow 9P2000.L and
 * FUSE. No message holds a pointer or a slot number, except the base of a relative path, which only root reads.
 *
 * A reply has label 0, m[0] = result: >= 0, or a negative errno. Where a reply carries data[], the message says what.
 * A server whose copy through the window stopped (K_PARTIAL) replies with label FILE_REPLY_PARTIAL instead: m[0] bytes done and final
 * (counted in file offsets; 0 if it staged them and took none), m[1] the caller's address to touch. The runtime touches it and calls for the
 * rest, or returns what was done, or EFAULT. It does not touch for a caller that gave no window.
 *
 * HANDLE OPERATIONS: a Call on a descriptor, straight to its server. A Handle serves its own open file only, a directory's also what is
 * below it as far as the caller may have it (TREE_OPERATIONS).
 * PATH OPERATIONS: a Call to root (SLOT_ROOT). Root finds the mount, asks the policy, and Forwards the caller with the same label:
 *
 *   client to root:   m[0..2] arguments, m[3] cptr of the directory Handle that a relative path starts from, m[4] length of the
 *                     first path, m[5] length of the second path or text, m[6] base of the second path, m[7] WALK_ flags
 *                     data[]: first path, then the second; no NUL bytes
 *   root to server:   the same, but m[3] = the mount's number, m[6] = 0, paths relative to the mount's root without a leading slash (the
 *                     root itself: empty), INFO_FORWARDED set. WALK_DIRECTORY is set if the path ended in a slash.
 *
 * The server walks component by component. "." is skipped. It answers the client, or, when it meets a symbolic link that is to be
 * followed, or "..", Forwards the caller back to root (SLOT_ROOT, whose badge tells root which server it is) with FILE_CONTINUE:
 *   m[0] CONTINUE_ kind, m[1] length of the prefix (directory reached, relative to the mount's root, free of links), m[2] length of the
 *   link's text, m[3] length of the rest, m[4] the mount's number; data[]: prefix, link text, rest. For "..": the prefix is that
 *   directory's parent already, link text empty, or if the directory is the mount's root: CONTINUE_ABOVE.
 *   Root goes on with: absolute link ? text/rest : prefix/text/rest (at most 40 links: ELOOP), from the mount table on.
 * Before a relative path root asks the base directory's server for its place, unless it knows it: FILE_PLACE; the server Forwards back FILE_CONTINUE with CONTINUE_PLACE and the
 * directory's path as the prefix.
 * For link and rename root first has each parent resolved: FILE_RESOLVE; answered by FILE_CONTINUE with CONTINUE_RESOLVED,
 * prefix = canonical path of the parent, rest = last component.
 * What root sends about an open file (LOCATE, REOPEN, RESOLVE of /proc/PID/fd/N, and FSTAT and the like in its name) has the file's badge in
 * m[6]; it comes by root's own capability, badge 0, so no other holder of a Reply can send it.
 * Root remembers one walk a thread: operation, arguments and rights come from the client's first message only.
 */
#ifndef ABI_FILE_H
#define ABI_FILE_H

/* Path operations: name, number */
#define FILE_PATH_OPERATIONS(X) \
	/* m[0] Linux O_ flags or OPEN_EXEC, m[1] mode (umask applied) -> m[0] 0, m[1] st_mode, m[2] OPENED_ flags, a Handle */ \
	X(OPEN, 1) \
	/* -> data[]: struct file_attr */ \
	X(STAT, 2) \
	/* -> m[0] length, data[]: text */ \
	X(READLINK, 3) \
	/* m[0] mode */ \
	X(MKDIR, 4) \
	/* m[0] mode with type, m[1] device */ \
	X(MKNOD, 5) \
	/* m[0] 1: rmdir */ \
	X(UNLINK, 6) \
	/* first path: the link; second text: its contents */ \
	X(SYMLINK, 7) \
	/* first path existing, second new. m[0] 1: follow a link at the first */ \
	X(LINK, 8) \
	/* m[0] RENAME_NOREPLACE 1, RENAME_EXCHANGE 2 */ \
	X(RENAME, 9) \
	/* m[0] mask R 4 W 2 X 1, F 0; m[1] 1: effective ids */ \
	X(ACCESS, 10) \
	/* m[0] SETATTR_ mask; data[] after the path, m[5] bytes: struct file_attr */ \
	X(SETATTR, 11) \
	/* -> data[]: struct file_statfs */ \
	X(STATFS, 12) \
	/* second text: name -> data[]: value, m[0] length */ \
	X(GETXATTR, 13) \
	/* second text: name, NUL, value; m[0] XATTR_CREATE 1 REPLACE 2 */ \
	X(SETXATTR, 14) \
	/* -> data[]: names, each with NUL; m[0] length */ \
	X(LISTXATTR, 15) \
	X(REMOVEXATTR, 16) \
	/* only root sends these */ \
	X(PLACE, 20) \
	X(RESOLVE, 21) \
	/* only servers send this, to root */ \
	X(CONTINUE, 22) \
	/* only root sends these, about an open file */ \
	X(LOCATE, 23) \
	/* m[0] part, m[1] pid of the process whose descriptor it is: for /proc/PID/fdinfo, answered by FILE_CONTINUE with CONTINUE_INFO */ \
	X(INFO, 24) \
	/* m[0] address in the server where root has mapped the memory that the caller shares with this open file, m[1] bytes -> 0: it is the file's buffer until
	 * the next or the file's end, and the server's to unmap, also if it answers an error */ \
	X(BUFFER, 25)

/* Handle operations: name, number */
#define FILE_HANDLE_OPERATIONS(X) \
	/* m[0] bytes, m[1] offset or OFFSET_CURRENT, m[2] TRANSFER_ flags; window -> m[0] bytes read, 0 end. With TRANSFER_REGISTERS
	 * (m[0] <= REGISTER_BYTES, no window): FILE_REPLY_REGISTERS. With TRANSFER_BUFFER (no window): in the file's buffer, m[3] bytes into it */ \
	X(READ, 32) \
	/* the same; m[1] OFFSET_END: append -> m[0] bytes written. In registers: FILE_WRITE_REGISTERS */ \
	X(WRITE, 33) \
	/* m[0] offset, m[1] whence (SEEK_DATA, SEEK_HOLE too) -> m[0] new offset */ \
	X(SEEK, 34) \
	/* -> data[]: struct file_attr */ \
	X(FSTAT, 35) \
	/* m[0] SETATTR_ mask, data[]: struct file_attr */ \
	X(FSETATTR, 36) \
	/* m[0] bytes wanted; window gets Linux struct linux_dirent64 records -> m[0] bytes */ \
	X(READDIR, 37) \
	/* m[0] 1: data only */ \
	X(FSYNC, 38) \
	/* m[0] LOCK_ kind (1 POSIX, 2 OFD, 3 flock), m[1] command (0 get, 1 set, 2 set and wait), m[2] type F_RDLCK 0 F_WRLCK 1 F_UNLCK 2,
	 * m[3] start, m[4] length (0: to the end) -> m[0]; get: m[1] type, m[2] start, m[3] length, m[4] pid */ \
	X(LOCK, 39) \
	/* m[0] command, m[1] argument value; window[0] for commands whose argument is memory (IN and OUT through it); the window's
	 * length is what the runtime knows of the command, else 4096 -> m[0] result */ \
	X(IOCTL, 40) \
	/* m[0] poll events (Linux POLL bits; 0 disarms), m[1] what to arm with: one capability (a Notification of the caller) or none
	 * -> m[0] events ready now; if none and a capability came, it is signalled once when one may be ready.
	 * One arming an open file, principal and token (m[2], the caller's choice): a new one replaces the old. m[1] of the reply: a counter
	 * that grows whenever readiness appears anew. m[3] nonzero (edge-triggered epoll): arms even if ready, unless the counter is no longer m[3].
	 * m[4] POLL_KEEP: the server may keep the Notification when it was signalled or disarmed. POLL_AGAIN: no capability comes; what was kept for that file,
	 * principal and token is armed -> m[2] POLL_ARMED, or POLL_BRING: nothing is armed, since nothing is kept */ \
	X(POLL, 41) \
	/* m[0] address, m[1] length, m[2] PROT_, m[3] MAP_ flags, m[4] offset: the server checks how it was opened and Forwards to root:
	 * PROC_MAP_OBJECT. Root maps and answers. ENODEV: cannot be mapped */ \
	X(MAP, 42) \
	/* forwarded to root by FILE_CONTINUE with CONTINUE_DESCRIBE: prefix is the path in the mount, m[5] 1 if deleted; root answers the
	 * client: m[0] length of the absolute path, m[1] deleted, data[]: path. Servers without paths answer themselves ("pipe:[ino]") */ \
	X(DESCRIBE, 43) \
	/* m[0] O_ flags: a new open file on the same object; only forwarded by root -> as OPEN */ \
	X(REOPEN, 44) \
	/* m[0] -1: get; else set O_APPEND O_NONBLOCK O_ASYNC O_DIRECT O_NOATIME of the open file, m[1] the descriptor that names it, m[2] 1: -ENOTTY if
	 * O_ASYNC means nothing to it -> m[0] flags incl. access mode */ \
	X(FLAGS, 45) \
	/* a descriptor of the caller's process was closed: its POSIX locks on this file go */ \
	X(FLUSH, 46) \
	/* m[0] mode, m[1] offset, m[2] length, m[3] bytes of it that answers to the same call have said -> 0: all is done, or bytes that are: ask again */ \
	X(ALLOCATE, 47) \
	X(FGETXATTR, 48) X(FSETXATTR, 49) X(FLISTXATTR, 50) X(FREMOVEXATTR, 51) \
	/* -> data[]: struct file_statfs */ \
	X(FSTATFS, 52) \
	/* pipe server: m[0] O_ flags -> two Handles, m[1], m[2] unused */ \
	X(PIPE, 53) \
	/* event server: m[0] initial value, m[1] EFD_ flags -> a Handle */ \
	X(EVENTFD, 54) \
	/* event server: m[0] EPOLL_ flags -> a Handle. Further epoll messages: abi/event.h */ \
	X(EPOLL_CREATE, 55) X(EPOLL_CONTROL, 56) X(EPOLL_LIST, 57) X(EPOLL_REPORT, 58) \
	/* pipe server, F_GETPIPE_SZ and F_SETPIPE_SZ: m[0] -1: get; else bytes -> m[0] bytes. EBUSY: more is in it; EPERM: above the limit */ \
	X(PIPE_SIZE, 59) \
	/* pipe server; only accepted if forwarded: a file system that met a FIFO in FILE_OPEN passes the opener on through its SLOT_SERVICE_PIPE.
	 * m[0] O_ flags, m[1] inode, m[2] mount's number; data[]: struct file_attr, then the path in the mount. The badge of the forwarder's
	 * capability, m[2] and m[1] name the FIFO. -> as OPEN, when the other end is there */ \
	X(FIFO_OPEN, 60) \
	/* what the opener's runtime was told by OPEN, for one who came by the descriptor in another way -> m[1] st_mode, m[2] OPENED_ flags, m[3] O_ flags */ \
	X(KIND, 96) \
	/* event server: m[0] clock, m[1] TFD_ flags -> a Handle */ \
	X(TIMERFD, 97) \
	/* m[0] TFD_TIMER_ flags, m[1] interval ns, m[2] value ns, 0 disarms -> m[1] interval, m[2] value as they were */ \
	X(TIMERFD_SET, 98) \
	X(TIMERFD_GET, 99) /* -> m[1] interval, m[2] value left */ \
	/* event server: m[0] signals, m[1] SFD_ flags -> a Handle. The server only keeps the set: pending signals are their thread's and process's, so
	 * whoever reads or polls asks for the set and takes the signals from root itself */ \
	X(SIGNALFD, 100) \
	/* event server: m[0] pid, m[1] its serial (PROC_PIDFD), m[2] O_NONBLOCK or 0 -> a Handle, readable once the process has ended */ \
	X(PIDFD, 102) \
	X(PIDFD_INFO, 103) /* -> m[1] pid, m[2] serial, m[3] O_ flags */ \
	/* F_GET_SEALS, F_ADD_SEALS: m[0] 1: add m[1] -> the seals, F_SEAL_SEAL where none can be added. FILE_OPEN's m[2] 1 with O_TMPFILE: they can */ \
	X(SEALS, 104) \
	X(SIGNALFD_MASK, 101) /* m[0] 1: set m[1] -> m[1] signals, m[2] O_ flags */ \
	/* ipc server: see abi/ipc.h */ \
	X(SHM_GET, 112) X(SHM_ATTACH, 113) X(SHM_CONTROL, 114) X(SHM_DETACHED, 115) X(SEM_GET, 116) X(SEM_OPERATE, 117) X(SEM_CONTROL, 118) \
	X(MSG_GET, 119) X(MSG_SEND, 120) X(MSG_RECEIVE, 121) X(MSG_CONTROL, 122) X(MQ_SEND, 123) X(MQ_RECEIVE, 124) X(MQ_NOTIFY, 125) \
	X(MQ_ATTR, 126) \
	/* pipe server: what a read with TRANSFER_HOLD was given is used: m[0] bytes go, others may read again */ \
	X(PIPE_RELEASE, 127) \
	/* pipe server: m[0] bytes, m[1] 1: they leave this pipe (splice), 0: they stay (tee); the pipe to copy to comes as a capability -> bytes;
	 * -EAGAIN: this one is empty or that one full */ \
	X(PIPE_TEE, 128) \
	/* inotify, see abi/inotify.h. Event server: m[0] O_NONBLOCK or 0 -> a Handle */ \
	X(INOTIFY, 129) \
	/* on an instance: m[0] mask, a capability: O_PATH Handle of the file -> the watch's number */ \
	X(INOTIFY_ADD, 130) \
	X(INOTIFY_REMOVE, 131) /* m[0] the watch's number */ \
	/* on a file's Handle, only forwarded by the event server: m[0] mask, m[1] instance */ \
	X(WATCH, 132) \
	/* whom O_ASYNC tells, and by what: m[0] OWNER_SET: m[1] ASYNC_ kind (abi/process.h), m[2] number, 0: nobody. -ESRCH. OWNER_GET -> m[1], m[2], 0: nobody,
	 * or gone; m[3] uid, m[4] euid of who set it. OWNER_SET_SIGNAL: m[1], 0: SIGIO, with nothing said. OWNER_GET_SIGNAL -> the signal */ \
	X(OWNER, 134) \
	/* m[0] 1: set m[1], m[2] the descriptor that SIGIO will name -> the type: LEASE_READ, _WRITE, _NONE. -EAGAIN: others have it open; -EACCES: another's */ \
	X(LEASE, 135) \
	/* F_NOTIFY: m[0] Linux's DN_ bits, m[1] the descriptor. -ENOTDIR */ \
	X(NOTIFY, 136) \
	/* file server to event server, forwarded: m[0] 0 or -errno, m[1] badge of the open file that watches, m[2] the ring's epoch, m[3] inode, m[4] device */ \
	X(WATCHING, 133) \
	/* socket server: abi/socket.h says what they carry */ \
	X(SOCKET, 64) X(SOCKET_NAME, 65) X(BIND, 66) X(LISTEN, 67) X(CONNECT, 68) X(ACCEPT, 69) X(SEND, 70) X(RECEIVE, 71) X(SHUTDOWN, 72) \
	X(SOCKET_ADDRESS, 73) X(GET_OPTION, 74) X(SET_OPTION, 75) X(RIGHTS, 76) X(RIGHTS_TAKE, 77)

enum file_operation {
#define X(name, number) FILE_##name = number,
	FILE_PATH_OPERATIONS(X)
	FILE_HANDLE_OPERATIONS(X)
#undef X
	FILE_OPERATION_COUNT = 256
};

/*
 * Badges at a server's Endpoint. 0: root's own capability: path operations are accepted only with it and INFO_FORWARDED, or by a tree Handle or a directory's (below). BADGE_SERVICE | number of a
 * service in root's table (0: a program): Handles that root mints for SLOT_SERVICE_PIPE, _EVENT and _SOCKET. All others are open files of the server.
 */
#define BADGE_SERVICE (1ul << 63)

/*
 * A tree Handle (SLOT_TREE): BADGE_SERVICE | BADGE_TREE | the mount's number << TREE_MOUNT_SHIFT | a bit for each excluded TREE_BIT. Root mints one for each
 * role that its policy lets do everything below a mount, and the server takes the TREE_OPERATIONS on absolute paths of that mount from it, without root: m[3]
 * and m[6] mean nothing, m[5] is 0, m[7] has only TREE_WALK flags, else EINVAL. Excluded are the paths for which the policy has a narrower rule or that another
 * mount covers, by their first two letters, and some others with them. -EXDEV: the path is one of those, or leads to one by a link, or is not plain
 * (path_is_plain); nothing was done, root is to be asked.
 *
 * The same is taken on the Handle of an open directory of that mount (OPENED_TAKES_PATHS) with a path that is relative to it: the badge says where it starts, and
 * principal_entry.tree_allowed of the caller what a tree Handle's badge says. It may begin with "./" and "../", or be "." or "..". -EXDEV with m[1] TREE_NOT_HERE:
 * the directory itself is at an excluded path, so there is no need to ask it again.
 */
#define TREE_NOT_HERE 1
#define BADGE_TREE (1ul << 62)
#define TREE_MOUNT_SHIFT 32
/* Of the first two letters behind the slash that the path begins with; of one letter, the second is a slash. */
#define TREE_BIT(first, second) (((first) * 5u + (second)) & 31)
#define TREE_ALL 0xffffffffu
#define TREE_WALK (WALK_NOFOLLOW | WALK_DIRECTORY | WALK_SEARCH_ONLY)
#define TREE_OPERATIONS (1ul << FILE_OPEN | 1ul << FILE_STAT | 1ul << FILE_READLINK | 1ul << FILE_MKDIR | 1ul << FILE_MKNOD | 1ul << FILE_UNLINK \
	| 1ul << FILE_ACCESS | 1ul << FILE_STATFS)

/*
 * Number of a mount in FILE_OPEN, beside those of the service table: /dev/tty, whose opening goes to the service of the caller's controlling
 * terminal. Everything else of /dev/tty is asked of the service that mounts it.
 */
#define MOUNT_TERMINAL 0xffff

#define WALK_NOFOLLOW  1 /* do not follow a link in the last component */
#define WALK_DIRECTORY 2 /* the path ended in a slash or O_DIRECTORY: ENOTDIR for anything else */
#define WALK_EMPTY     4 /* AT_EMPTY_PATH: an empty path names the base itself (the runtime uses the Handle operation instead) */
#define WALK_PARENT    8 /* FILE_RESOLVE: the last component need not exist */
#define WALK_SEARCH_ONLY 16 /* O_PATH */
#define WALK_LAST_DOT    32 /* root to server: the client's path ended in "." or, next, in "..", of which nothing is left in the text: such a */
#define WALK_LAST_DOTDOT 64 /* name cannot be made, removed or renamed */
/* client to root: openat2's RESOLVE_ flags. What they forbid is found out where root makes the next step of a walk */
#define WALK_NO_XDEV       0x100 /* -EXDEV at another mount */
#define WALK_NO_MAGICLINKS 0x200 /* -ELOOP at a link of /proc that stands for an open file */
#define WALK_NO_SYMLINKS   0x400 /* -ELOOP at any link */
#define WALK_BENEATH       0x800 /* -EXDEV at what leads out of the base directory, absolute paths too */
#define WALK_IN_ROOT       0x1000 /* the base directory is the root directory; a path that begins with a slash is sent without it */
#define WALK_RESTRICTIONS  0x1f00
#define WALK_NEW         128 /* FILE_RESOLVE: a link's new name: EEXIST if it is there */

#define CONTINUE_LINK     1
#define CONTINUE_DOTDOT   2
#define CONTINUE_ABOVE    3 /* ".." in the mount's root; rest follows */
/*
 * m[5] 1: the directory was removed, and this is where it was. m[6]: number of the service's names, 0: none; m[7] the open file's badge. With a number, root
 * may keep the answer for that badge: it stays right until the service says PROC_NAMES_CHANGED with another number, which it does before it answers
 * what moved or removed a directory. The first number after a start is NAMES_FIRST.
 */
#define CONTINUE_PLACE    4
#define NAMES_FIRST       1
#define CONTINUE_RESOLVED 5 /* of a Handle (RESOLVE forwarded to it, for a link to what it names): the rest is a NUL and the server's own name for it */
#define CONTINUE_DESCRIBE 6
#define CONTINUE_REOPEN   7 /* proc: the caller wants descriptor m[6] of process m[5] (-1: its executable, -2: cwd, -3: root): root finds it
			     * and forwards FILE_REOPEN, FILE_STAT as FSTAT, or DESCRIBE for READLINK, to its server */
#define CONTINUE_LOCATED  8 /* answer to LOCATE: the file's path, so that root asks the policy; m[5] 1: deleted, LOCATED_NOWHERE: it never had one */
#define LOCATED_NOWHERE   2
#define CONTINUE_INFO     9 /* answer to INFO: the prefix is struct file_info and lines of text. m[5] the next part to ask for, 0: that was all; m[6]
			     * INFO_NO_DESCRIPTOR, or the text's last line is about that descriptor of the process, and wants what INFO says of it */
#define INFO_NO_DESCRIPTOR (~0ul)

/* Linux's F_RDLCK and the others */
#define LEASE_READ  0
#define LEASE_WRITE 1
#define LEASE_NONE  2

#define OWNER_GET        0
#define OWNER_SET        1
#define OWNER_GET_SIGNAL 2
#define OWNER_SET_SIGNAL 3

#define POLL_KEEP  1
#define POLL_AGAIN 2
#define POLL_ARMED 1
#define POLL_BRING 2

#define OFFSET_CURRENT (~0ul)
#define OFFSET_END     (~1ul)

#define TRANSFER_NONBLOCK 1 /* as if the open file had O_NONBLOCK */
#define TRANSFER_REGISTERS 2
#define TRANSFER_BUFFER   16
#define TRANSFER_PEEK     4
#define TRANSFER_HOLD     8 /* pipe server, for splice: reads without taking, and nobody else reads until PIPE_RELEASE or the caller's end */

/* Opened to be run: ETXTBSY if it is open for writing; while it is open so, opening it for writing is ETXTBSY. Linux's __FMODE_EXEC. */
#define OPEN_EXEC 0x20
/* A socket's name is opened to be connected to: the file system passes the opener on to the socket server (FILE_SOCKET_NAME). ECONNREFUSED: it is none. */
#define OPEN_SOCKET 0x10
/* FILE_MKNOD m[2]: the maker of a socket is passed on in the same way, and may bind to the name. */
#define MKNOD_BIND 1

#define FILE_REPLY_PARTIAL 1 /* label of a reply, see the top */

/*
 * Register mode: the bytes are the message's words, from the lowest of m[0] on, and nothing else goes with it; so how many they are is in the label.
 * A write's label is FILE_WRITE_REGISTERS + bytes, at the current offset; or FILE_WRITE_REGISTERS_AT + bytes, and then m[0] is the offset and the bytes begin
 * in m[1]. A read with TRANSFER_REGISTERS that brings bytes is answered with the label FILE_REPLY_REGISTERS + bytes; any other answer has label 0 and
 * its result in m[0], as always. Words that no bytes are in mean nothing.
 */
#define REGISTER_BYTES    64
#define REGISTER_BYTES_AT 56
#define FILE_REPLY_REGISTERS    0x100
#define FILE_WRITE_REGISTERS    0x200 /* beyond the requests of abi/process.h: root sends some of them to servers */
#define FILE_WRITE_REGISTERS_AT 0x280

/* OPENED_ flags of a reply to OPEN: facts that the runtime may cache. */
#define OPENED_SEEKABLE 1
#define OPENED_TTY      2
#define OPENED_EPOLL    4
#define OPENED_SIGNALFD 8
#define OPENED_PACKETS  16 /* a socket that keeps the boundaries of messages */
#define OPENED_INOTIFY  64
#define OPENED_UNPOLLED 128 /* a device that epoll does not take, as it is always ready */
#define OPENED_POLLS    32 /* a regular file by its mode that is waited for like a pipe */
#define OPENED_TAKES_PATHS 256 /* a directory of "/": its Handle takes the TREE_OPERATIONS, see BADGE_TREE */

/* Attributes of a file; what Linux's stat and statx are made from. Times in ns since 1970. */
struct file_attr {
	unsigned long ino, size, blocks; /* blocks of 512 bytes */
	unsigned long atime, mtime, ctime, btime;
	unsigned int mode, nlink, uid, gid;
	unsigned int block_size;
	unsigned int dev_major, dev_minor;
	unsigned int rdev_major, rdev_minor;
	unsigned int reserved;
};
_Static_assert(sizeof(struct file_attr) == 96, "file_attr layout");

#define SETATTR_MODE  1
#define SETATTR_UID   2
#define SETATTR_GID   4
#define SETATTR_SIZE  8
#define SETATTR_ATIME 16
#define SETATTR_MTIME 32
#define SETATTR_ATIME_NOW 64
#define SETATTR_MTIME_NOW 128
#define SETATTR_CHOWN 256 /* asked by chown, whatever it changes: what is no directory loses its set-id bits */

/* What /proc/PID/fdinfo tells of any open file. */
struct file_info {
	unsigned long pos, ino;
	unsigned int flags, dev_major, dev_minor, reserved;
};

struct file_statfs {
	unsigned long type, block_size, blocks, blocks_free, blocks_available, files, files_free, fsid, name_max, fragment_size, flags;
};

#endif
