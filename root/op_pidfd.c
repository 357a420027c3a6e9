/*
 * Processes named for longer than their pid lasts. A serial number is never used again, so (pid, serial) says whether the process that was meant is
 * still there; the event server keeps the descriptors (pidfd_open) and is told when one of those processes ends.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/root.h"
#include "root/signal.h"

static struct process *process_named(u64 pid, u64 serial)
{
	struct process *process = pid == (u32)pid ? process_find(pid) : NULL;

	return process && process->serial == serial ? process : NULL;
}

long op_PIDFD(struct request *request)
{
	struct process *process = process_find(request->m[0]);

	if (!process)
		return thread_find(request->m[0]) ? -EINVAL : -ESRCH;
	request->out[1] = process->serial;
	return 0;
}

long op_PIDFD_STATE(struct request *request)
{
	struct process *process = process_named(request->m[0], request->m[1]);

	if (!request->caller->process->service)
		return -EPERM;
	if (!process)
		return -ESRCH;
	process->watched = true;
	return process->state == PROCESS_ALIVE;
}

/* As KILL and SIGQUEUE, but that the target cannot be another by now. */
long op_PIDFD_SIGNAL(struct request *request)
{
	struct process *process = process_named(request->m[0], request->m[1]), *self = request->caller->process;
	u64 principal = request->caller->principal;
	struct linux_siginfo info = { .signo = request->m[2], .pid = self->pid, .uid = self->credentials.uid };
	long result;

	if (request->m[2] > SIGNALS)
		return -EINVAL;
	if (request->bytes >= sizeof(info))
		memcpy(&info, root_message()->data, sizeof(info));
	if (request->bytes >= sizeof(info) && request->m[2] != (u64)info.signo)
		return -EINVAL;
	if (!process)
		return -ESRCH;
	if (request->bytes >= sizeof(info) && process != self && (info.code >= 0 || info.code == SI_CODE_TKILL))
		return -EPERM;
	if (!may_signal(self, process, request->m[2]))
		return -EPERM;
	result = signal_process(process, request->m[2], &info);
	return still_there(request, principal, result);
}

/* Who may read and write a process's memory may have its descriptors. */
long op_PIDFD_GETFD(struct request *request)
{
	struct process *process = process_named(request->m[0], request->m[1]);
	struct thread *from = process ? process_leader(process) : NULL, *to = request->caller;

	if (!process || !from)
		return -ESRCH;
	if (!may_attach(to->process, process))
		return -EPERM;
	if (request->m[2] >= from->files->slots)
		return -EBADF;
	if (KCALL6(cap_copy, SYS(to->files->cnode.slot), request->m[3], SYS(from->files->cnode.slot), request->m[2], RIGHT_SEND, 0))
		return -EBADF;
	return 0;
}
