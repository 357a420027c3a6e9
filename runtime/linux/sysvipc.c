/* System V shared memory, semaphores, message queues: the ipc server has them (abi/ipc.h), whose structures are Linux's. */
#include "abi/ipc.h"

#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/memory.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/time_value.h"

#define IPC_64 0x100 /* accepted and ignored, as on x86-64 */
#define SEM_UNDO_FLAG 0x1000
enum { COMMAND_RMID, COMMAND_SET, COMMAND_STAT, COMMAND_INFO };
enum { SEM_GETALL = 13, SEM_SETVAL = 16, SEM_SETALL = 17 };

/* A Call of the service; its slot is filled at the first use, and anew after the server came back. */
static long ipc_call(struct thread_record *t, struct ipc *c, uaddr_t buffer, size_t length, bool to_user)
{
	struct ipc first = *c;
	long result = -EIO;

	for (unsigned tries = 0; tries < 2 && result == -EIO; tries++) {
		if (tries && rt_root(PROC_FILL_SLOT, SLOT_SERVICE_IPC, 0, 0, 0, 0) < 0)
			break;
		*c = first;
		c->target = CPTR_SYSTEM | SLOT_SERVICE_IPC;
		result = length ? file_call_window(t, c, buffer, length, to_user) : file_call(c, NULL);
	}
	return result == -EIO ? -ENOSYS : result;
}

static long ipc_simple(struct thread_record *t, unsigned label, unsigned long m0, unsigned long m1, unsigned long m2)
{
	struct ipc c = { .info = INFO(label, 0), .m = { m0, m1, m2 } };

	return ipc_call(t, &c, 0, 0, false);
}

/*
 * A control call whose argument, for SET, is a structure to be read, and otherwise takes what the server answers. The message's data is kept aside: the
 * slot may have to be filled first.
 */
static long control_call(struct thread_record *t, struct ipc *c, bool set, uaddr_t at, size_t size)
{
	unsigned char structure[128];
	long result;

	if (set) {
		if (copy_from_user(structure, at, size))
			return -EFAULT;
		rt_root(PROC_FILL_SLOT, SLOT_SERVICE_IPC, 0, 0, 0, 0);
		memcpy(thread_message(t)->data, structure, size);
		c->info |= INFO(0, size);
	}
	result = ipc_call(t, c, 0, 0, false);
	if (result < 0 || set || !INFO_BYTES_OF(c->info))
		return result;
	return copy_to_user(at, thread_message(t)->data, MIN((size_t)INFO_BYTES_OF(c->info), (size_t)MESSAGE_BYTES)) ? -EFAULT : result;
}

/* ---- shared memory ---- */

long linux_shmget(struct thread_record *t, const unsigned long a[6])
{
	return ipc_simple(t, FILE_SHM_GET, (unsigned)a[0], a[1], (unsigned)a[2]);
}

long linux_shmat(struct thread_record *t, const unsigned long a[6])
{
	long result = ipc_simple(t, FILE_SHM_ATTACH, (unsigned)a[0], a[1], (unsigned)a[2]);

	return result == -EEXIST ? -EINVAL : result;
}

long linux_shmdt(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = CPTR_ROOT, .info = INFO(PROC_DETACH, 0), .m = { a[0] } };
	long result = a[0] & (PAGE_SIZE - 1) ? -EINVAL : rt_request(&c);

	return result < 0 ? result : ipc_simple(t, FILE_SHM_DETACHED, c.m[1], 0, 0);
}

long linux_shmctl(struct thread_record *t, const unsigned long a[6])
{
	unsigned command = (unsigned)a[1] & ~(unsigned)IPC_64;
	struct ipc c = { .info = INFO(FILE_SHM_CONTROL, 0), .m = { (unsigned)a[0], command } };

	if ((int)command < 0 || (int)a[0] < 0)
		return -EINVAL;
	return control_call(t, &c, command == COMMAND_SET, a[2], sizeof(struct ipc_shm));
}

/* ---- semaphores ---- */

long linux_semget(struct thread_record *t, const unsigned long a[6])
{
	return ipc_simple(t, FILE_SEM_GET, (unsigned)a[0], (unsigned)a[1], (unsigned)a[2]);
}

static bool undoes(const struct ipc_sem_operation *ops, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++)
		if (ops[i].flags & SEM_UNDO_FLAG)
			return true;
	return false;
}

static long sem_operate(struct thread_record *t, const unsigned long a[6], unsigned long deadline)
{
	struct ipc c = { .info = INFO(FILE_SEM_OPERATE, a[2] * sizeof(struct ipc_sem_operation)) | INFO_INTERRUPTIBLE,
			 .m = { (unsigned)a[0], a[2] }, .deadline = deadline };
	struct ipc_sem_operation ops[SEM_OPERATIONS_MAX];
	long result;

	if (copy_from_user(ops, a[1], a[2] * sizeof(ops[0])))
		return -EFAULT;
	rt_root(PROC_FILL_SLOT, SLOT_SERVICE_IPC, 0, 0, 0, 0);
	if (undoes(ops, a[2]))
		rt_root(PROC_LOCKS_TAKEN, 0, 0, 0, 0, 0); /* the server is told when the process ends */
	memcpy(thread_message(t)->data, ops, a[2] * sizeof(ops[0]));
	result = ipc_call(t, &c, 0, 0, false);
	if (result == -ETIMEDOUT)
		return -EAGAIN;
	return result == -ERESTARTSYS ? -EINTR : result;
}

static long sem_operate_until(struct thread_record *t, const unsigned long a[6], uaddr_t timeout)
{
	unsigned long deadline = 0;
	long error;

	if (a[2] < 1 || (int)a[0] < 0)
		return -EINVAL;
	if (a[2] > SEM_OPERATIONS_MAX)
		return -E2BIG;
	error = timeout ? deadline_after_user(timeout, &deadline) : 0;
	return error ? error : sem_operate(t, a, deadline);
}

long linux_semop(struct thread_record *t, const unsigned long a[6])
{
	return sem_operate_until(t, a, 0);
}

long linux_semtimedop(struct thread_record *t, const unsigned long a[6])
{
	return sem_operate_until(t, a, a[3]);
}

/* How many values the set has: the window of GETALL and SETALL. */
static long sem_count(struct thread_record *t, unsigned id)
{
	struct ipc c = { .info = INFO(FILE_SEM_CONTROL, 0), .m = { id, 0, COMMAND_STAT } };
	long result = ipc_call(t, &c, 0, 0, false);

	return result < 0 ? result : (long)((struct ipc_sem *)thread_message(t)->data)->count;
}

static long sem_all(struct thread_record *t, unsigned id, unsigned command, uaddr_t at)
{
	struct ipc c = { .info = INFO(FILE_SEM_CONTROL, 0), .m = { id, 0, command } };
	long count = sem_count(t, id);

	return count < 0 ? count : ipc_call(t, &c, at, (size_t)count * sizeof(unsigned short), command == SEM_GETALL);
}

long linux_semctl(struct thread_record *t, const unsigned long a[6])
{
	unsigned command = (unsigned)a[2] & ~(unsigned)IPC_64;
	struct ipc c = { .info = INFO(FILE_SEM_CONTROL, 0), .m = { (unsigned)a[0], (unsigned)a[1], command, command == SEM_SETVAL ? (u32)a[3] : 0 } };

	if ((int)a[0] < 0 || (int)command < 0)
		return -EINVAL;
	if (command == SEM_GETALL || command == SEM_SETALL)
		return sem_all(t, (unsigned)a[0], command, a[3]);
	return control_call(t, &c, command == COMMAND_SET, a[3], sizeof(struct ipc_sem));
}

/* ---- message queues ---- */

long linux_msgget(struct thread_record *t, const unsigned long a[6])
{
	return ipc_simple(t, FILE_MSG_GET, (unsigned)a[0], (unsigned)a[1], 0);
}

long linux_msgctl(struct thread_record *t, const unsigned long a[6])
{
	unsigned command = (unsigned)a[1] & ~(unsigned)IPC_64;
	struct ipc c = { .info = INFO(FILE_MSG_CONTROL, 0), .m = { (unsigned)a[0], command } };

	if ((int)command < 0 || (int)a[0] < 0)
		return -EINVAL;
	return control_call(t, &c, command == COMMAND_SET, a[2], sizeof(struct ipc_msg));
}

/* What a program passes is a long, the type, then the bytes. */
long linux_msgsnd(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .info = INFO(FILE_MSG_SEND, 0) | INFO_INTERRUPTIBLE, .m = { (unsigned)a[0], 0, a[2], (unsigned)a[3] } };
	long type, result;

	if (get_user(type, a[1]))
		return -EFAULT;
	c.m[1] = (unsigned long)type;
	if ((long)a[2] < 0 || (int)a[0] < 0)
		return -EINVAL;
	result = ipc_call(t, &c, a[1] + sizeof(type), a[2], false);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

long linux_msgrcv(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .info = INFO(FILE_MSG_RECEIVE, 0) | INFO_INTERRUPTIBLE, .m = { (unsigned)a[0], a[3], a[2], (unsigned)a[4] } };
	long result;

	if ((long)a[2] < 0 || (int)a[0] < 0)
		return -EINVAL;
	result = ipc_call(t, &c, a[1] + sizeof(long), a[2], true);
	if (result == -ERESTARTSYS)
		return -ERESTARTNOHAND;
	return result >= 0 && put_user(c.m[1], a[1]) ? -EFAULT : result;
}
