#include "runtime/linux/pidfd.h"

#include <linux/fcntl.h>
#include <linux/signal.h>
#include <linux/stat.h>

#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/signal_frame.h"

static long ask_target(unsigned fd, struct pidfd_target *target)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_PIDFD_INFO, 0) };

	if (file_call(&c, NULL) < 0)
		return -EBADF;
	*target = (struct pidfd_target){ c.m[1], c.m[2], c.m[3] & O_NONBLOCK };
	return 0;
}

long pidfd_target(struct thread_record *t, unsigned fd, struct pidfd_target *target)
{
	u32 word = descriptor_lookup_file(t, fd);

	/* those of the event server have no type */
	return !word || descriptor_type(word) ? -EBADF : ask_target(fd, target);
}

/* Signals can be sent to a directory /proc/PID, too. No server but those of events and of processes knows the message. */
static long signal_target(struct thread_record *t, unsigned fd, struct pidfd_target *target)
{
	u32 word = descriptor_lookup_file(t, fd);

	return !word || (descriptor_type(word) && descriptor_type(word) != S_IFDIR) ? -EBADF : ask_target(fd, target);
}

long pidfd_open_at(struct thread_record *t, long fd, unsigned long pid, unsigned long serial, unsigned flags)
{
	struct ipc c = { .target = CPTR_SYSTEM | SLOT_SERVICE_EVENT, .info = INFO(FILE_PIDFD, 0), .m = { pid, serial, flags & O_NONBLOCK } };
	long result;

	rt_receive_into(t, 0, (unsigned long)fd);
	result = file_call(&c, NULL);
	if (result >= 0 && INFO_CAPS_OF(c.info) != 1)
		result = -EIO;
	if (result < 0) {
		descriptor_abandon(t, fd);
		return result;
	}
	descriptor_install(t, fd, descriptor_word(O_RDWR, 0, DESCRIPTOR_CLOEXEC));
	return fd;
}

long linux_pidfd_open(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = CPTR_ROOT, .info = INFO(PROC_PIDFD, 0), .m = { (unsigned)a[0] } };
	unsigned flags = (unsigned)a[1];
	long result, fd;

	if (flags & ~(unsigned)O_NONBLOCK || (int)a[0] <= 0)
		return -EINVAL;
	result = rt_request(&c);
	if (result < 0)
		return result;
	fd = descriptor_reserve(t);
	return fd < 0 ? fd : pidfd_open_at(t, fd, (unsigned)a[0], c.m[1], flags);
}

long linux_pidfd_send_signal(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = CPTR_ROOT, .info = INFO(PROC_PIDFD_SIGNAL, 0) };
	struct pidfd_target target;
	struct linux_siginfo info;
	long error;

	if (a[3] & 0xffffffffu)
		return -EINVAL;
	error = signal_target(t, (unsigned)a[0], &target);
	if (error < 0)
		return error;
	c.m[0] = target.pid;
	c.m[1] = target.serial;
	c.m[2] = (unsigned)a[1];
	if (a[2]) {
		if (get_user(info, a[2]))
			return -EFAULT;
		c.info = INFO(PROC_PIDFD_SIGNAL, sizeof(info));
		memcpy(thread_message(t)->data, &info, sizeof(info));
	}
	return rt_request(&c);
}

/* The copy is there; what its server says of it makes the descriptor. */
static long adopt(struct thread_record *t, long fd)
{
	struct ipc c = { .target = (unsigned long)fd, .info = INFO(FILE_KIND, 0) };
	long error = file_call(&c, NULL);

	if (error < 0) {
		descriptor_abandon(t, fd);
		return error;
	}
	descriptor_install(t, fd, file_word((unsigned)c.m[1], (unsigned)c.m[2], (unsigned)c.m[3] | O_CLOEXEC));
	return fd;
}

long linux_pidfd_getfd(struct thread_record *t, const unsigned long a[6])
{
	struct pidfd_target target;
	long fd, error;

	if (a[2] & 0xffffffffu)
		return -EINVAL;
	error = pidfd_target(t, (unsigned)a[0], &target);
	if (error < 0)
		return error;
	fd = descriptor_reserve(t);
	if (fd < 0)
		return fd;
	error = rt_root(PROC_PIDFD_GETFD, target.pid, target.serial, (unsigned)a[1], (unsigned long)fd, 0);
	if (error < 0) {
		descriptor_abandon(t, fd);
		return error;
	}
	return adopt(t, fd);
}
