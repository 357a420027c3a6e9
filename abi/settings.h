/*
 * What may be set while the system runs: the writable files of /proc/sys. Root keeps the values and shows them to every server in a page of their own
 * (GATE_SETTINGS, behind the principal table); whoever obeys one reads it there each time. The proc server changes them by PROC_SETTING, for whoever may
 * write the file. All are in force: what has no effect here is no setting, but a file that cannot be written, or none.
 */
#ifndef ABI_SETTINGS_H
#define ABI_SETTINGS_H

/* Name, first value, least, most. Linux's, unless there is less here: most regions of an address space, tasks, semaphores of a set, operations of a semop. */
#define SETTINGS(X) \
	/* pipe server. A size is rounded up to a power of two */ \
	X(PIPE_MAX_SIZE, 1048576, 0, 0x80000000) \
	X(PIPE_PAGES_SOFT, 16384, 0, ~0ul) \
	X(PIPE_PAGES_HARD, 0, 0, ~0ul) \
	/* all file servers */ \
	X(LEASE_BREAK_TIME, 45, 0, 0x7fffffff) \
	X(LEASES, 1, 0, 0x7fffffff) \
	X(DIRECTORY_NOTES, 1, 0, 0x7fffffff) \
	/* event server */ \
	X(INOTIFY_EVENTS, 16384, 0, 0x7fffffff) \
	X(INOTIFY_INSTANCES, 128, 0, 0x7fffffff) \
	X(INOTIFY_WATCHES, 8192, 0, 0x7fffffff) \
	X(EPOLL_WATCHES, 1048576, 0, 0x7fffffffffffffff) \
	/* ipc server */ \
	X(MQUEUE_QUEUES, 256, 0, 0x7fffffff) \
	X(MQUEUE_MESSAGES, 10, 1, 65536) \
	X(MQUEUE_SIZE, 8192, 128, 16777216) \
	X(MQUEUE_MESSAGES_DEFAULT, 10, 1, 65536) \
	X(MQUEUE_SIZE_DEFAULT, 8192, 128, 16777216) \
	X(MSG_SIZE, 8192, 0, 0x7fffffff) \
	X(MSG_BYTES, 16384, 0, 0x7fffffff) \
	X(MSG_QUEUES, 32000, 0, 32768) \
	X(SEM_PER_SET, 32000, 0, 65536) \
	X(SEM_ALL, 1024000000, 0, 0x7fffffff) \
	X(SEM_OPERATIONS, 500, 0, 500) \
	X(SEM_SETS, 32000, 0, 32768) \
	X(SHM_SIZE, 18446744073692774399ul, 0, ~0ul) \
	X(SHM_PAGES, 18446744073692774399ul, 0, ~0ul) \
	X(SHM_SEGMENTS, 4096, 0, 32768) \
	/* root */ \
	X(FILES_OF_PROCESS, 1048576, 64, 0x7fffffc0) \
	X(PID_MAX, 32768, 301, 4194304) \
	X(TASKS, 4032, 1, 4032) \
	X(MAP_COUNT, 65530, 0, 1048576) \
	/* socket server */ \
	X(SOCKET_BACKLOG, 4096, 0, 0x7fffffff) \
	X(PORT_FIRST, 32768, 1, 65535) \
	X(PORT_LAST, 60999, 1, 65535) \
	X(PORT_UNPRIVILEGED, 1024, 0, 65535) \
	/* pty server */ \
	X(PTYS, 4096, 0, 4096)

enum setting {
#define X(name, first, least, most) SETTING_##name,
	SETTINGS(X)
#undef X
	SETTING_COUNT
};

#define SETTINGS_AT_ONCE 4 /* of one PROC_SETTING */

#endif
