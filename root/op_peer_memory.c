/* process_vm_readv and process_vm_writev: pages of another process, as that process could reach them itself. */
#include "lib/errno.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/root.h"
#include "root/signal.h"

static struct thread *target_of(u64 id)
{
	struct process *process = process_find(id);

	return process ? process_leader(process) : thread_find(id);
}

/* Up to the first page that cannot be reached. `own` holds a page at most. */
static u64 part_length(u64 address, u64 left)
{
	return MIN(left, PAGE_SIZE - address % PAGE_SIZE);
}

static long copy_from_peer(struct request *request, struct space *space, u64 address, u64 length)
{
	static u8 own[PAGE_SIZE];
	u64 done = 0;

	while (done < length) {
		u64 n = part_length(address + done, length - done);

		if (space_read(space, address + done, own, n))
			break;
		if (window_write(request, done, own, n))
			return -EFAULT;
		done += n;
	}
	return done ? (long)done : -EFAULT;
}

static long copy_to_peer(struct request *request, struct space *space, u64 address, u64 length)
{
	static u8 own[PAGE_SIZE];
	u64 done = 0;

	while (done < length) {
		u64 n = part_length(address + done, length - done);

		if (window_read(request, done, own, n))
			return -EFAULT;
		if (space_write(space, address + done, own, n))
			break;
		done += n;
	}
	return done ? (long)done : -EFAULT;
}

long op_PROCESS_MEMORY(struct request *request)
{
	struct thread *target = target_of(request->m[0]);
	u64 address = request->m[2], length = request->m[3];

	if (!target)
		return -ESRCH;
	if (!may_attach(request->caller->process, target->process))
		return -EPERM;
	if (!length || length > PROCESS_MEMORY_MAX)
		return -EINVAL;
	if (address >= USER_MAX || length > USER_MAX - address)
		return -EFAULT;
	return request->m[1] ? copy_to_peer(request, target->space, address, length) : copy_from_peer(request, target->space, address, length);
}
