/*
 * Messages of the file and process protocols, past the runtime: to root, to every server by descriptors of every kind, to the services' own Handles.
 * Each begins as a valid one, and then some fields are changed, or none. fuzz_messages FIRST-SEED SEEDS [CHUNK]. As the first program, with
 * fuzz=FIRST-SEED,SEEDS,CHUNK on the boot line, another process kills servers meanwhile. For UX/RT only. Only who sends them may be harmed.
 */
#include <sys/reboot.h>

#include "abi/event.h"
#include "abi/file.h"
#include "abi/ipc.h"
#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"
#include "abi/socket.h"
#include "tests/guest/fuzz_flags.h"
#include "tests/guest/fuzz_values.h"

#define MESSAGES_A_CELL 400
#define PATIENCE 1000000ul /* ns that a call may wait */
#define SENT     100       /* descriptors: of capabilities that are sent, */
#define GOT      110       /* and of those that came */

#define SYSTEM(slot) (CPTR_SYSTEM | (slot))

static const struct native_api *const native = (const struct native_api *)GATE_NATIVE;

/* ---- what a valid message of each operation has ---- */

/*
 * words: a letter each, see word_of. data: see data_of. to: the descriptor or slot that the operation is for; 0: any descriptor.
 * caps: N a Notification, H Handles.
 */
static const struct template {
	unsigned short label;
	const char *name, *words;
	char data, caps;
	unsigned char windows;
	unsigned to;
} templates[] = {
#define PATH(name, words, data) { FILE_##name, #name, words, data, 0, 0, SYSTEM(SLOT_ROOT) }
#define TREE(name, words, data) { FILE_##name, #name, words, data, 0, 0, SYSTEM(SLOT_TREE) }
#define BASE(name, words, data, directory) { FILE_##name, #name, words, data, 0, 0, directory }
#define FILE_(name, words, data, windows, caps, to) { FILE_##name, #name, words, data, caps, windows, to }
#define ROOT(name, words, data, windows) { PROC_##name, #name, words, data, 0, windows, SYSTEM(SLOT_ROOT) }
	PATH(OPEN, "fm.", 'r'), PATH(OPEN, "fm.", 'r'), PATH(STAT, "...", 'r'), PATH(READLINK, "...", 'r'), PATH(MKDIR, "m..", 'p'), PATH(MKNOD, "mkn", 'p'),
	PATH(UNLINK, "n..", 'p'), PATH(SYMLINK, "...", '2'), PATH(LINK, "n..", '2'), PATH(RENAME, "n..", '2'), PATH(ACCESS, "nn.", 'r'),
	PATH(SETATTR, "k..", 'A'), PATH(STATFS, "...", 'r'), PATH(GETXATTR, "...", 'n'), PATH(SETXATTR, "n..", 'n'), PATH(LISTXATTR, "...", 'r'),
	PATH(REMOVEXATTR, "...", 'n'), PATH(PLACE, "...", 'p'), PATH(RESOLVE, "...", 'p'), PATH(CONTINUE, "nnnnPF", 'p'), PATH(LOCATE, "......n", 0),
	TREE(OPEN, "fm.", 't'), TREE(OPEN, "fm.", 'T'), TREE(STAT, "...", 'T'), TREE(READLINK, "...", 'T'), TREE(MKDIR, "m..", 't'), TREE(MKNOD, "mkn", 't'),
	TREE(UNLINK, "n..", 't'), TREE(ACCESS, "nn.", 'T'), TREE(STATFS, "...", 'T'), TREE(RENAME, "n..", 't'), TREE(RESOLVE, "...", 't'),
	BASE(OPEN, "fm.", 'd', SYSTEM(SLOT_CWD)), BASE(OPEN, "fm.", 'd', FD_DIRECTORY), BASE(OPEN, "fm.", 'd', FD_ROOT), BASE(STAT, "...", 'd', FD_DIRECTORY),
	BASE(STAT, "...", 'd', FD_SELF), BASE(STAT, "...", 'd', FD_FILE), BASE(READLINK, "...", 'd', SYSTEM(SLOT_CWD)), BASE(MKDIR, "m..", 'd', FD_DIRECTORY),
	BASE(MKNOD, "mkn", 'd', FD_DIRECTORY), BASE(UNLINK, "n..", 'd', FD_DIRECTORY), BASE(ACCESS, "nn.", 'd', SYSTEM(SLOT_CWD)), BASE(STATFS, "...", 'd', FD_DIRECTORY),
	BASE(RENAME, "n..", 'd', FD_DIRECTORY), BASE(RESOLVE, "...", 'd', FD_DIRECTORY), BASE(BUFFER, "pg.", 'd', FD_DIRECTORY),
	FILE_(READ, "zot", 0, 1, 0, 0), FILE_(READ, "zot", 0, 3, 0, 0), FILE_(WRITE, "zotwww", 0, 1, 0, 0), FILE_(WRITE, "zot", 0, 2, 0, 0),
	FILE_(SEEK, "on", 0, 0, 0, 0), FILE_(FSTAT, "", 0, 0, 0, 0), FILE_(FSETATTR, "k", 'a', 0, 0, 0), FILE_(READDIR, "z", 0, 1, 0, FD_DIRECTORY),
	FILE_(READDIR, "z", 0, 1, 0, FD_SELF), FILE_(FSYNC, "n", 0, 0, 0, 0), FILE_(LOCK, "nnnoz", 0, 0, 0, 0), FILE_(IOCTL, "in", 0, 1, 0, 0),
	FILE_(IOCTL, "in", 0, 1, 0, FD_SLAVE), FILE_(POLL, "vnn", 0, 0, 'N', 0), FILE_(MAP, "pgrWo", 0, 0, 0, 0), FILE_(DESCRIBE, "", 0, 0, 0, 0),
	FILE_(REOPEN, "f", 0, 0, 0, 0), FILE_(FLAGS, "k", 0, 0, 0, 0), FILE_(FLUSH, "", 0, 0, 0, 0), FILE_(ALLOCATE, "noz", 0, 0, 0, 0),
	FILE_(FGETXATTR, ".....n", 'N', 0, 0, 0), FILE_(FSETXATTR, "n", 'N', 0, 0, 0), FILE_(FLISTXATTR, "", 0, 0, 0, 0), FILE_(FREMOVEXATTR, "", 'N', 0, 0, 0),
	FILE_(FSTATFS, "", 0, 0, 0, 0), FILE_(KIND, "", 0, 0, 0, 0), FILE_(SEALS, "nk", 0, 0, 0, 0), FILE_(SEALS, "nk", 0, 0, 0, FD_MEMFD),
	FILE_(OWNER, "1nP", 0, 0, 0, 0), FILE_(OWNER, "nS", 0, 0, 0, 0), FILE_(FLAGS, "kFn", 0, 0, 0, FD_PIPE), FILE_(LEASE, "1nF", 0, 0, 0, 0),
	FILE_(NOTIFY, "kF", 0, 0, 0, FD_DIRECTORY),
	FILE_(PIPE, "f", 0, 0, 0, SYSTEM(SLOT_SERVICE_PIPE)), FILE_(PIPE_SIZE, "z", 0, 0, 0, FD_PIPE), FILE_(FIFO_OPEN, "fnn", 'a', 0, 0, SYSTEM(SLOT_SERVICE_PIPE)),
	FILE_(PIPE_RELEASE, "z", 0, 0, 0, FD_PIPE), FILE_(PIPE_TEE, "zn", 0, 0, 'H', FD_PIPE), FILE_(EVENTFD, "nk", 0, 0, 0, SYSTEM(SLOT_SERVICE_EVENT)),
	FILE_(EPOLL_CREATE, "f", 0, 0, 0, SYSTEM(SLOT_SERVICE_EVENT)), FILE_(EPOLL_CONTROL, "nFknnnn", 0, 0, 0, FD_EPOLL),
	FILE_(EPOLL_LIST, "n", 0, 0, 0, FD_EPOLL), FILE_(EPOLL_REPORT, "n", 'b', 0, 0, FD_EPOLL), FILE_(TIMERFD, "Nf", 0, 0, 0, SYSTEM(SLOT_SERVICE_EVENT)),
	FILE_(TIMERFD_SET, "ntt", 0, 0, 0, FD_TIMER), FILE_(TIMERFD_SET, "ntT", 0, 0, 0, FD_TIMER), FILE_(TIMERFD_GET, "", 0, 0, 0, FD_TIMER),
	FILE_(SIGNALFD, "kf", 0, 0, 0, SYSTEM(SLOT_SERVICE_EVENT)), FILE_(SIGNALFD_MASK, "nk", 0, 0, 0, FD_SIGNALS),
	FILE_(PIDFD, "Pnf", 0, 0, 0, SYSTEM(SLOT_SERVICE_EVENT)), FILE_(PIDFD_INFO, "", 0, 0, 0, FD_PIDFD),
	FILE_(SHM_GET, "ngk", 0, 0, 0, SYSTEM(SLOT_SERVICE_IPC)), FILE_(SHM_ATTACH, "npk", 0, 0, 0, SYSTEM(SLOT_SERVICE_IPC)),
	FILE_(SHM_CONTROL, "nK", 'b', 0, 0, SYSTEM(SLOT_SERVICE_IPC)), FILE_(SHM_DETACHED, "n", 0, 0, 0, SYSTEM(SLOT_SERVICE_IPC)),
	FILE_(SEM_GET, "nnk", 0, 0, 0, SYSTEM(SLOT_SERVICE_IPC)), FILE_(SEM_OPERATE, "nn", 's', 0, 0, SYSTEM(SLOT_SERVICE_IPC)),
	FILE_(SEM_CONTROL, "nnKn", 'b', 1, 0, SYSTEM(SLOT_SERVICE_IPC)), FILE_(MSG_GET, "nk", 0, 0, 0, SYSTEM(SLOT_SERVICE_IPC)),
	FILE_(MSG_SEND, "nnzk", 0, 1, 0, SYSTEM(SLOT_SERVICE_IPC)), FILE_(MSG_RECEIVE, "nnzk", 0, 1, 0, SYSTEM(SLOT_SERVICE_IPC)),
	FILE_(MSG_CONTROL, "nK", 'b', 0, 0, SYSTEM(SLOT_SERVICE_IPC)), FILE_(MQ_SEND, "znn", 0, 1, 0, FD_QUEUE), FILE_(MQ_RECEIVE, "z.n", 0, 1, 0, FD_QUEUE),
	FILE_(MQ_NOTIFY, "nSn", 0, 0, 0, FD_QUEUE), FILE_(MQ_ATTR, "nf", 0, 0, 0, FD_QUEUE),
	FILE_(SOCKET, "1n..fn", 0, 0, 0, SYSTEM(SLOT_SERVICE_SOCKET)), FILE_(SOCKET_NAME, "nnnn", 0, 0, 0, SYSTEM(SLOT_SERVICE_SOCKET)),
	FILE_(BIND, "", 'S', 0, 0, FD_SOCKET), FILE_(BIND, "", 'S', 0, 'H', FD_SOCKET), FILE_(LISTEN, "n", 0, 0, 0, FD_LISTENING),
	FILE_(CONNECT, "", 'S', 0, 0, FD_SOCKET), FILE_(CONNECT, "", 'S', 0, 'H', FD_SOCKET), FILE_(ACCEPT, "f", 0, 0, 0, FD_LISTENING),
	FILE_(SEND, "zk..nn", 'S', 1, 'H', FD_STREAM), FILE_(SEND, "zk.zn", 'S', 1, 0, FD_DATAGRAM), FILE_(SEND, "zk.zn", 'S', 1, 'H', FD_PACKET_PEER),
	FILE_(RECEIVE, "zknnn", 0, 1, 0, FD_STREAM_PEER), FILE_(RECEIVE, "zknnn", 0, 2, 0, FD_DATAGRAM_PEER), FILE_(RECEIVE, "zknnn", 0, 1, 0, FD_PACKET),
	FILE_(SHUTDOWN, "n", 0, 0, 0, FD_STREAM), FILE_(SOCKET_ADDRESS, "n", 0, 0, 0, FD_STREAM), FILE_(GET_OPTION, "1n.z", 0, 0, 0, FD_STREAM),
	FILE_(SET_OPTION, "1n.n", 'b', 0, 0, FD_DATAGRAM), FILE_(RIGHTS, "", 0, 0, 'H', SYSTEM(SLOT_SERVICE_SOCKET)), FILE_(RIGHTS_TAKE, "n", 0, 0, 0, GOT),
	FILE_(RIGHTS, "", 0, 0, 'H', GOT),
	FILE_(SOCKET, "qn..f", 0, 0, 0, SYSTEM(SLOT_SERVICE_SOCKET)), FILE_(BIND, "", 'S', 0, 0, FD_TCP_NEW), FILE_(LISTEN, "n", 0, 0, 0, FD_TCP_LISTENING),
	FILE_(CONNECT, "", 'S', 0, 0, FD_TCP_NEW), FILE_(CONNECT, "", 'S', 0, 0, FD_UDP), FILE_(ACCEPT, "f", 0, 0, 0, FD_TCP_LISTENING),
	FILE_(SEND, "zk.zn.n", 'S', 1, 0, FD_UDP_SIX), FILE_(SEND, "zk.zn", 'S', 1, 0, FD_TCP), FILE_(SEND, "zk..n.z", 'b', 1, 0, FD_UDP),
	FILE_(RECEIVE, "zknnn", 0, 1, 0, FD_TCP_PEER), FILE_(RECEIVE, "zknnn", 0, 1, 0, FD_UDP), FILE_(SHUTDOWN, "n", 0, 0, 0, FD_TCP),
	FILE_(GET_OPTION, "ln.z", 0, 0, 0, FD_TCP), FILE_(SET_OPTION, "ln.n", 'b', 0, 0, FD_UDP_SIX), FILE_(SET_OPTION, "ln.n", 'b', 0, 0, FD_TCP_LISTENING),
	FILE_(BIND, "", 'S', 0, 0, FD_NETLINK), FILE_(CONNECT, "", 'S', 0, 0, FD_DIAGNOSIS), FILE_(SEND, "zk", 0, 1, 0, FD_NETLINK), FILE_(SEND, "zk", 0, 1, 0, FD_DIAGNOSIS),
	FILE_(SEND, "zk.zn", 'S', 1, 0, FD_DIAGNOSIS), FILE_(RECEIVE, "zknnn", 0, 1, 0, FD_NETLINK), FILE_(RECEIVE, "zknnn", 0, 1, 0, FD_DIAGNOSIS),
	FILE_(GET_OPTION, "ln.z", 0, 0, 0, FD_NETLINK), FILE_(SET_OPTION, "ln.n", 'b', 0, 0, FD_NETLINK),
	ROOT(MAP, "pgrW", 0, 0), ROOT(MAP, "pgrW", 0, 0), ROOT(UNMAP, "pg", 0, 0), ROOT(PROTECT, "pgr", 0, 0), ROOT(REMAP, "pggnp", 0, 0), ROOT(ADVISE, "pgn", 0, 0),
	ROOT(BREAK, "n", 0, 0), ROOT(SYNC, "pgn", 0, 0), ROOT(RESIDENT, "pn", 0, 1), ROOT(SET_LAYOUT, "pppppppp", 0, 0), ROOT(MAP_OBJECT, "pgrWonnn", 0, 0),
	ROOT(MAP_RUNTIME, "G", 0, 0), ROOT(OBJECT_CREATE, "ng", 0, 0), ROOT(OBJECT_RESIZE, "ng", 0, 0), ROOT(OBJECT_PUNCH, "ngg", 0, 0),
	ROOT(OBJECT_DESTROY, "n", 0, 0), ROOT(OBJECT_INFO, "n", 0, 0), ROOT(OBJECT_LIST, "nn", 0, 0), ROOT(OBJECT_SEEK, "non", 0, 0), ROOT(OBJECT_IMAGE, "nnnn", 0, 0),
	ROOT(CLONE, "cn...aa", 0, 0), ROOT(CLONE, "cnGG.aan", 0, 0), ROOT(EXEC, "Fzn", 0, 1), ROOT(EXIT, "nn", 0, 0), ROOT(WAIT, "Pnkn", 0, 0), ROOT(GET_IDS, "P", 0, 0),
	ROOT(SET_PGID, "PP", 0, 0), ROOT(SET_SID, "", 0, 0), ROOT(SET_CREDENTIALS, "nuuuuuu", 0, 0), ROOT(GET_CREDENTIALS, "", 0, 0), ROOT(SET_GROUPS, "n", 'b', 0),
	ROOT(GET_GROUPS, "n", 0, 0), ROOT(RLIMIT, "Pnnzz", 0, 0), ROOT(USAGE, "n", 0, 0), ROOT(SET_NAME, "P", 'b', 0), ROOT(GET_NAME, "P", 0, 0), ROOT(PRIORITY, "nnPn", 0, 0), ROOT(IO_PRIORITY, "nnPn", 0, 0),
	ROOT(AFFINITY, "nPk", 0, 0), ROOT(VECTOR_FREE, "", 0, 0), ROOT(PRCTL, "nnnnn", 0, 0), ROOT(KILL, "PS", 0, 0), ROOT(TGKILL, "PPS", 0, 0), ROOT(SIGQUEUE, "PPS", 'b', 0), ROOT(SIGTAKE, "k", 0, 0),
	ROOT(SIGWAIT, "kT", 0, 0), ROOT(SIGPENDING, "", 0, 0), ROOT(ITIMER, "nntt", 0, 0), ROOT(TIMER_CREATE, "NnSnPn", 0, 0), ROOT(TIMER_SET, "nntt", 0, 0),
	ROOT(TIMER_GET, "n", 0, 0), ROOT(TIMER_DELETE, "n", 0, 0), ROOT(FUTEX_WAIT, "anTk", 0, 0), ROOT(FUTEX_WAIT, "anTka", 0, 0), ROOT(FUTEX_WAKE, "ank", 0, 0), ROOT(FUTEX_REQUEUE, "annann", 0, 0),
	ROOT(FUTEX_LOCK_PI, "aTn", 0, 0), ROOT(FUTEX_LOCK_PI, "aTn", 0, 0), ROOT(FUTEX_UNLOCK_PI, "a", 0, 0), ROOT(FUTEX_REQUEUE_PI, "anan", 0, 0),
	ROOT(CPU_SLEEP, "Nnt", 0, 0), ROOT(SCHEDULER, "nPnnnn", 0, 0), ROOT(CAPABILITIES, "nPkkk", 0, 0),
	ROOT(GROW_FILES, "z", 0, 0), ROOT(UNSHARE_FILES, "", 0, 0), ROOT(CHROOT, "C", 0, 0), ROOT(LOCKS_TAKEN, "", 0, 0), ROOT(MOUNT, "", 'b', 0), ROOT(LOG, "n", 'b', 0),
	ROOT(SYSTEM_INFO, "", 0, 0), ROOT(MEMORY_INFO, "", 0, 0), ROOT(REBOOT, "k", 0, 0), ROOT(SET_TIME, "k", 0, 0), ROOT(HOSTNAME, "nn", 'b', 0), ROOT(AUDIT, "", 0, 0),
	ROOT(TTY_SIGNAL, "PSn", 0, 0), ROOT(ORPHANED, "P", 0, 0), ROOT(PROC_LIST, "n", 0, 0), ROOT(PROC_INFO, "P", 0, 0), ROOT(PROC_THREADS, "Pn", 0, 0),
	ROOT(PROC_FILES, "Pn", 0, 0), ROOT(PROC_MEMORY, "Paz", 0, 0), ROOT(PROC_REGIONS, "Pn", 0, 0), ROOT(SERVICE_READY, "", 0, 0), ROOT(TABLES_NEEDED, "", 0, 0),
	ROOT(MOUNTS, "", 0, 0), ROOT(SESSION_TTY, "PnPP", 0, 0), ROOT(PROC_REGION_NAME, "Pa", 0, 0), ROOT(PROC_REGION_PAGES, "Paa", 0, 0), ROOT(PIDFD, "P", 0, 0), ROOT(PIDFD_STATE, "Pn", 0, 0), ROOT(SETTING, "nnkkkk", 0, 0), ROOT(ASYNC_OWNER, "nPn", 0, 0),
	ROOT(ASYNC_SIGNAL, "nPnSnFww", 0, 0),
	ROOT(PIDFD_SIGNAL, "PnS", 'b', 0), ROOT(PIDFD_GETFD, "PnFF", 0, 0), ROOT(PROCESS_MEMORY, "Pnaz", 0, 1), ROOT(LOCK_MEMORY, "pgn", 0, 0), ROOT(HANG_UP, "", 0, 0),
	ROOT(SERVICE_SIGNAL, "PS", 'b', 0), ROOT(FILL_SLOT, "n", 0, 0), ROOT(ROBUST_LIST, "P", 0, 0), ROOT(DETACH, "p", 0, 0), ROOT(NEEDS_IO, "nnn", 0, 0),
};

static unsigned long any_process(void)
{
	switch (any(6)) {
	case 0: return 0;
	case 1: return any(20);
	case 2: return any_number();
	default: return getpid();
	}
}

static unsigned long any_slot(void)
{
	static const unsigned slots[] = { SLOT_ROOT, SLOT_SYSTEM, SLOT_CWD, SLOT_FSROOT, SLOT_EXE, SLOT_TREE, SLOT_SERVICE_PIPE, SLOT_SERVICE_EVENT,
					  SLOT_SERVICE_SOCKET, SLOT_SERVICE_IPC, SLOT_THREADS };

	return any(3) ? (unsigned)any_fd() : SYSTEM(ONE_OF(slots));
}

static unsigned long word_of(char letter)
{
	static const unsigned long offsets[] = { 0, OFFSET_CURRENT, OFFSET_END, 4096, 9999, 100 };

	switch (letter) {
	case 'n': return any(9);
	case 'z': return any_size();
	case 'o': return ONE_OF(offsets);
	case 't': return any(16);
	case 'T': return native->monotonic() + any(PATIENCE);
	case 'f': return FLAG_OF(open_flags);
	case 'm': return any(2) ? 0644 : any(0200000);
	case 'k': return any_number();
	case 'v': return any(2) ? 5 : any(64);
	case 'p': return PLAYGROUND + any(PLAYGROUND_PAGES) * PAGE;
	case 'g': return any(8) * PAGE;
	case 'G': return GATE_BASE + any(16) * PAGE;
	case 'r': return FLAG_OF(protections);
	case 'W': return FLAG_OF(map_flags);
	case 'i': return FLAG_OF(ioctls);
	case 'P': return any_process();
	case 'S': return any(35);
	case 'F': return any_fd();
	case 'C': return any_slot();
	case 'c': return FLAG_OF(clone_flags);
	case 'a': return place(64);
	case 'u': return FUZZ_USER + any(FUZZ_USERS);
	case 'N': return any(12);
	case 'K': return FLAG_OF(commands_ipc);
	case '1': return 1;
	case 'q': return (unsigned long)(const int[]){ AF_UNIX, AF_INET, AF_INET6, AF_NETLINK }[any(4)];
	case 'l': return (unsigned long)(const int[]){ SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_IPV6, 270 }[any(5)];
	case 'w': return any_bits();
	default: return 0;
	}
}

/* ---- a message ---- */

struct message {
	unsigned long target, m[MESSAGE_WORDS];
	unsigned label, bytes, windows, caps;
	struct message_buffer *buffer;
};

static const char *const own_paths[] = { "file", "new", "directory", "directory/new", "link", "loop", "fifo", "socket", "/tmp/fuzz/new", "..", "directory/../file", "" };
static const char *const any_paths[] = { "/proc/self/fd/3", "/proc/self/exe", "/proc/1/stat", "/dev/null", "/dev/tty", "/dev/pts/0", "/dev/ptmx", "/dev/shm", "/dev/mqueue",
					 "/proc/self/task", "/sys/devices", "/", "/dev/mqueue/fuzz", "/proc/net/unix", "/proc/self/root/tmp" };

/* Appends a path; its length. */
static unsigned long add_path(struct message *message, int reading)
{
	const char *path = reading && any(2) ? ONE_OF(any_paths) : ONE_OF(own_paths);
	unsigned length = strlen(path);

	memcpy(message->buffer->data + message->bytes, path, length);
	message->bytes += length;
	return length;
}

static unsigned long add_bytes(struct message *message, const void *data, unsigned length)
{
	memcpy(message->buffer->data + message->bytes, data, length);
	message->bytes += length;
	return length;
}

static unsigned long add_attributes(struct message *message)
{
	struct file_attr attributes = { .size = any_number(), .atime = any_bits(), .mtime = any_bits(), .mode = any(010000), .uid = any(9), .gid = any(9) };

	return add_bytes(message, &attributes, sizeof attributes);
}

static unsigned long add_name(struct message *message)
{
	return any(3) ? add_bytes(message, "user.name\0value", 9 + any(7)) : add_bytes(message, "security.other\0v", 14 + any(3));
}

static void add_random(struct message *message)
{
	unsigned count = any(6) ? any(200) : any(MESSAGE_BYTES);

	for (unsigned i = 0; i < count; i++)
		message->buffer->data[message->bytes++] = any(3) ? 0 : any(256);
}

static void add_socket_name(struct message *message)
{
	struct sockaddr_in6 inet;
	socklen_t length = inet_name(&inet, (int)any(2), FUZZ_PORT + any(4));

	if (any(2)) {
		add_bytes(message, &inet, any(6) ? length : any(sizeof inet));
		return;
	}
	if (!any(4)) {
		struct sockaddr_nl netlink = { .nl_family = AF_NETLINK, .nl_pid = any(4), .nl_groups = any(2) ? 0 : any_number() };

		add_bytes(message, &netlink, sizeof netlink);
		return;
	}
	struct sockaddr_un name = { AF_UNIX, "socket" };

	if (any(2))
		memcpy(name.sun_path, "\0fuzz", 6);
	add_bytes(message, &name, any(2) ? 7 : sizeof name);
}

/* Absolute, as most are that go there. */
static void add_tree_path(struct message *message, int reading)
{
	message->m[7] = any(4) ? any(8) : any(1 << 13);
	if (any(8))
		message->m[4] = add_bytes(message, "/tmp/fuzz/", 10);
	message->m[4] += add_path(message, reading);
	if (!any(8))
		message->m[any(2) ? 4 : 5] = any_number();
}

/* Relative: to a directory's own Handle. */
static void add_base_path(struct message *message)
{
	static const char *const dots[] = { "./", "../", "../fuzz/", "/", ".", "../../dev/", "../.." };

	message->m[7] = any(4) ? any(8) : any(1 << 13);
	if (!any(2)) {
		const char *start = ONE_OF(dots);

		message->m[4] = add_bytes(message, start, strlen(start));
	}
	message->m[4] += add_path(message, !any(4));
	if (!any(8))
		message->m[any(2) ? 4 : 5] = any_number();
}

static void add_data(struct message *message, char kind)
{
	if (strchr("rp2An", kind ? kind : ' ')) {
		message->m[3] = any(3) ? SYSTEM(SLOT_CWD) : any(2) ? FD_DIRECTORY : any_slot();
		message->m[6] = any(3) ? SYSTEM(SLOT_CWD) : any_slot();
		message->m[7] = any(2) ? 0 : any(1 << 13);
		message->m[4] = add_path(message, kind == 'r');
	}
	switch (kind) {
	case '2': message->m[5] = add_path(message, 0); break;
	case 't': case 'T': add_tree_path(message, kind == 'T'); break;
	case 'd': add_base_path(message); break;
	case 'A': message->m[5] = add_attributes(message); break;
	case 'n': message->m[5] = add_name(message); break;
	case 'N': message->m[5] = add_name(message); break;
	case 'a': add_attributes(message); break;
	case 'b': add_random(message); break;
	case 'S': add_socket_name(message); break;
	case 's':
		for (int i = 0; i < 3 * 8; i++)
			add_bytes(message, &(short){ any(4) - 1 }, sizeof(short));
		break;
	}
}

/* A copy of something goes, so that the original stays. */
static void add_capability(struct message *message, int notification)
{
	unsigned number = SENT + message->caps;
	unsigned long old[8] = { CPTR_FILES, number };
	unsigned long copy[8] = { CPTR_FILES, number, CPTR_FILES, any(FD_END), RIGHT_ALL };

	if (notification || !any(6)) {
		copy[2] = SYSTEM(SLOT_SYSTEM);
		copy[3] = notification ? SLOT_THREADS : any_slot() & ~CPTR_SYSTEM;
		copy[5] = any(2) ? 0 : 1ul << any(32);
	}
	native->object(KCALL_cap_delete, old);
	native->object(KCALL_cap_copy, copy);
	message->buffer->send_slot[message->caps++] = number;
}

static void add_windows(struct message *message, unsigned count)
{
	for (message->windows = 0; message->windows < count; message->windows++) {
		unsigned long size = any_size();

		message->buffer->window[message->windows] = (struct message_window){ any(8) ? place(size) : any_netlink(), size };
	}
}

/* What comes may take the place of what came before. */
static void offer_slots(struct message *message)
{
	for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
		unsigned number = GOT + any(8);
		unsigned long old[8] = { CPTR_FILES, number };

		if (any(2))
			native->object(KCALL_cap_delete, old);
		message->buffer->recv_slot[i] = any(6) ? number : any(2) ? SLOT_NONE : any_number();
	}
}

static void make_valid(struct message *message, const struct template *template)
{
	*message = (struct message){ .label = template->label, .target = template->to ? template->to : any(6) ? any(FD_END) : any_slot(), .buffer = native->message() };
	for (unsigned i = 0; i < MESSAGE_WORDS && template->words[i]; i++)
		message->m[i] = word_of(template->words[i]);
	add_data(message, template->data);
	if (template->caps == 'N' && any(4))
		add_capability(message, 1);
	for (unsigned i = template->caps == 'H' ? any(MESSAGE_CAPS + 1) : 0; i; i--)
		add_capability(message, 0);
	add_windows(message, template->windows);
	offer_slots(message);
}

static void change_something(struct message *message)
{
	switch (any(14)) {
	case 0: message->target = any_slot(); break;
	case 1: message->target = GOT + any(8); break;
	case 2: message->bytes = any(3) ? any(message->bytes + 2) : any(MESSAGE_BYTES + 1); break;
	case 3: add_windows(message, any(MESSAGE_WINDOWS + 1)); break;
	case 4: message->windows = any(20); break;
	case 5: message->buffer->window[0] = (struct message_window){ any_number(), any_number() }; break;
	case 6: message->buffer->data[any(message->bytes + 1)] ^= 1 << any(8); break;
	case 7:
		if (message->caps < MESSAGE_CAPS)
			add_capability(message, any(2));
		break;
	case 8: message->label = any(2) ? any(210) : 256 + any(220); break;
	default: message->m[any(MESSAGE_WORDS)] = any(3) ? any_number() : any(2) ? any_size() : word_of("opaPFCfcwG"[any(10)]); break;
	}
}

/* A forked process returns from the call as well. */
static void send_message(const struct message *message)
{
	struct ipc ipc = { .target = message->target, .deadline = native->monotonic() + any(PATIENCE) };

	memcpy(ipc.m, message->m, sizeof ipc.m);
	ipc.info = INFO(message->label, message->bytes) | INFO_WINDOWS(message->windows) | INFO_CAPS(message->caps) | (any(4) ? INFO_INTERRUPTIBLE : 0);
	__atomic_add_fetch(&fuzz_progress->calls, 1, __ATOMIC_RELAXED);
	if (native->ipc(KCALL_call, &ipc) == 0 && message->label == PROC_CLONE && !ipc.m[0])
		_exit(0);
}

static void send_any(void)
{
	const struct template *template;
	struct message message;

	do
		template = &ONE_OF(templates);
	while ((template->label == PROC_EXIT || template->label == PROC_EXEC || template->label == PROC_GROW_FILES) && any(20));
	make_valid(&message, template);
	for (unsigned changes = any(4) ? any(3) : any(6); changes; changes--)
		change_something(&message);
	send_message(&message);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* Ends the sender in the middle of something. */
static void kill_soon(void)
{
	pid_t parent = getpid();
	unsigned delay = any(30);

	if (fork() == 0) {
		pause_ms(delay);
		kill(parent, SIGKILL);
		_exit(0);
	}
}

static void work(uint64_t seed)
{
	const unsigned long ask_ipc[8] = { SLOT_SERVICE_IPC };
	struct ipc ipc = { .target = SYSTEM(SLOT_ROOT), .info = INFO(PROC_FILL_SLOT, 0) };

	(void)seed;
	open_descriptors();
	map_arena();
	for (int signal = 1; signal < SIGRTMIN + 8; signal++)
		if (signal != SIGSEGV && signal != SIGBUS && signal != SIGILL && signal != SIGFPE && signal != SIGTRAP)
			sigaction(signal, &(struct sigaction){ .sa_handler = ignore_signal }, NULL);
	fcntl(FD_NULL, F_DUPFD, GOT + 10); /* the table of descriptors has room for what comes */
	memcpy(ipc.m, ask_ipc, sizeof ipc.m);
	native->ipc(KCALL_call, &ipc);
	if (any(8) == 0)
		kill_soon();
	for (unsigned i = 0; i < MESSAGES_A_CELL; i++)
		send_any();
}

/* ---- as the first program: servers are killed meanwhile ---- */

/* Services are nobody's children. */
static int is_service(const char *pid)
{
	char path[300], text[256] = "", *parent;
	int fd;

	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	(void)!read(fd, text, sizeof text - 1);
	close(fd);
	parent = strrchr(text, ')');
	return parent && strlen(parent) > 4 && atoi(parent + 4) == 0;
}

/* Each service with a probability of one in `one_in`. */
static void kill_services(unsigned one_in)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (atoi(entry->d_name) > 1 && is_service(entry->d_name) && !any(one_in))
			kill(atoi(entry->d_name), SIGKILL);
	if (directory)
		closedir(directory);
}

static void kill_servers(void)
{
	for (;;) {
		pause_ms(1 + any(10));
		kill_services(9);
	}
}

/* Every service begins anew, so that what each had done until it was killed does not show; the console's too. */
static void restart_services(void)
{
	int fd;

	kill_services(1);
	pause_ms(50);
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* From the boot line: fuzz=FIRST-SEED,SEEDS,CHUNK */
static int first_program(void)
{
	struct fuzz_range range = { .work = work, .after = restart_services };
	char text[2048] = "", *at;
	int fd = open("/proc/cmdline", O_RDONLY);

	(void)!read(fd, text, sizeof text - 1);
	close(fd);
	at = strstr(text, " fuzz=");
	fuzz_companion = kill_servers;
	fuzz_begin();
	signal(SIGPIPE, SIG_IGN);
	if (at) {
		range.next = strtoul(at + 6, &at, 10);
		range.end = range.next + strtoul(at + 1, &at, 10);
		range.chunk = strtoul(at + 1, &at, 10);
		fuzz_watch(&range);
	}
	printf("calls %lu\n", fuzz_progress->calls);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}

int main(int argc, char **argv)
{
	if (access("/proc/uxrt", F_OK))
		return puts("fuzz_messages is for UX/RT only"), 2;
	return getpid() == 1 ? first_program() : fuzz_main(argc, argv, work);
}
