/*
 * System V shared memory, semaphores and message queues, and POSIX message queues: what programs say to the ipc server through SLOT_SERVICE_IPC, or,
 * for POSIX queues, on the queue's descriptor. Numbers of the messages are in abi/file.h. Commands and flags are Linux's; so are the structures, so that
 * the runtime hands them through (include/uapi/asm-generic/{shm,sem,msg}buf.h of x86-64).
 *
 * FILE_SHM_GET:     m[0] key, m[1] bytes, m[2] flags -> id
 * FILE_SHM_ATTACH:  m[0] id, m[1] address, m[2] flags: forwarded to root, which maps and answers. Who is attached is known to root: the regions of
 *                   the segment's memory object.
 * FILE_SHM_CONTROL: m[0] id, m[1] command; data[]: for IPC_SET struct ipc_shm -> result; data[]: struct ipc_shm or ipc_shm_limits, ipc_shm_info
 * FILE_SHM_DETACHED: m[0] id: the caller has unmapped it (PROC_DETACH)
 * FILE_SEM_GET:     m[0] key, m[1] number of semaphores, m[2] flags -> id
 * FILE_SEM_OPERATE: m[0] id, m[1] count <= SEM_OPERATIONS_MAX; data[]: struct ipc_sem_operation[]. Waits; its deadline is the Call's: -EAGAIN
 * FILE_SEM_CONTROL: m[0] id, m[1] semaphore, m[2] command, m[3] value; data[] (IPC_SET), window[0]: the values of SETALL, GETALL
 * FILE_MSG_GET:     m[0] key, m[1] flags -> id
 * FILE_MSG_SEND:    m[0] id, m[1] type, m[2] bytes, m[3] flags, window[0]. Waits
 * FILE_MSG_RECEIVE: m[0] id, m[1] type, m[2] bytes, m[3] flags, window[0] -> bytes, m[1] type. Waits
 * FILE_MSG_CONTROL: m[0] id, m[1] command; as SHM_CONTROL
 *
 * A POSIX queue is a file of /dev/mqueue. FILE_OPEN's m[2] with O_CREAT: 0, or messages << 32 | bytes of each.
 * FILE_MQ_SEND:     m[0] bytes, m[1] priority, m[2] 1: not to wait, window[0]
 * FILE_MQ_RECEIVE:  m[0] bytes, m[2] 1: not to wait, window[0] -> bytes, m[1] priority
 * FILE_MQ_NOTIFY:   m[0] 0: no more; 1: SIGEV_SIGNAL, 2: SIGEV_NONE; m[1] signal, m[2] value
 * FILE_MQ_ATTR:     m[0] 1: set m[1], O_NONBLOCK or 0 -> m[1] flags, m[2] most messages, m[3] most bytes, m[4] messages now
 */
#ifndef ABI_IPC_H
#define ABI_IPC_H

#define SEM_OPERATIONS_MAX 500
#define MQ_PRIORITIES 32768

struct ipc_permissions {
	int key;
	unsigned int uid, gid, cuid, cgid, mode;
	unsigned short sequence, pad;
	unsigned long unused[2];
};

struct ipc_shm {
	struct ipc_permissions permissions;
	unsigned long size;
	long attach_time, detach_time, change_time;
	int creator, last;
	unsigned long attached, unused[2];
};

struct ipc_sem {
	struct ipc_permissions permissions;
	long operation_time;
	unsigned long unused1;
	long change_time;
	unsigned long unused2, count, unused[2];
};

struct ipc_msg {
	struct ipc_permissions permissions;
	long send_time, receive_time, change_time;
	unsigned long bytes, count, limit;
	int last_sender, last_receiver;
	unsigned long unused[2];
};

struct ipc_shm_limits { /* struct shminfo64 */
	unsigned long max, min, segments, per_process, all, unused[4];
};

struct ipc_shm_info {
	int used, pad;
	unsigned long total, resident, swapped, attempts, successes;
};

struct ipc_sem_limits { /* struct seminfo */
	int map, sets, semaphores, undo_structures, per_set, per_call, undo_entries, undo_size, value_max, adjust_max;
};

struct ipc_msg_limits { /* struct msginfo */
	int pool, map, message_max, queue_max, queues, segment_size, headers;
	unsigned short segments;
};

struct ipc_sem_operation {
	unsigned short number;
	short operation, flags;
};

_Static_assert(sizeof(struct ipc_permissions) == 48, "ipc64_perm layout");
_Static_assert(sizeof(struct ipc_shm) == 112, "shmid64_ds layout");
_Static_assert(sizeof(struct ipc_sem) == 104, "semid64_ds layout");
_Static_assert(sizeof(struct ipc_msg) == 120, "msqid64_ds layout");
_Static_assert(sizeof(struct ipc_shm_limits) == 72, "shminfo64 layout");
_Static_assert(sizeof(struct ipc_shm_info) == 48, "shm_info layout");
_Static_assert(sizeof(struct ipc_sem_limits) == 40, "seminfo layout");
_Static_assert(sizeof(struct ipc_msg_limits) == 32, "msginfo layout");
_Static_assert(sizeof(struct ipc_sem_operation) == 6, "sembuf layout");

#endif
