/* inotify: the event server has the instances, the files' servers say what happens: abi/inotify.h. */
#include "abi/inotify.h"

#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"

#include <linux/fcntl.h>

#define MASK_KNOWN (INOTIFY_ALL | INOTIFY_UNMOUNT | INOTIFY_Q_OVERFLOW | INOTIFY_IGNORED | INOTIFY_ONLYDIR | INOTIFY_DONT_FOLLOW | INOTIFY_EXCL_UNLINK \
	| INOTIFY_MASK_CREATE | INOTIFY_MASK_ADD | INOTIFY_ISDIR | INOTIFY_ONESHOT)

static long inotify_open(struct thread_record *t, unsigned flags)
{
	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return file_open_service(t, SLOT_SERVICE_EVENT, FILE_INOTIFY, flags & O_NONBLOCK, 0,
		descriptor_word(O_RDONLY, 0, DESCRIPTOR_INOTIFY | (flags & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0)));
}

long linux_inotify_init(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	return inotify_open(t, 0);
}

long linux_inotify_init1(struct thread_record *t, const unsigned long a[6])
{
	return inotify_open(t, (unsigned)a[0]);
}

static long check_instance(struct thread_record *t, unsigned fd)
{
	u32 word = descriptor_lookup_file(t, fd);

	if (!word)
		return -EBADF;
	return word & DESCRIPTOR_INOTIFY ? 0 : -EINVAL;
}

/* The path as an O_PATH Handle, at `into`. */
static long open_watched(struct thread_record *t, uaddr_t path, u32 mask, unsigned long into)
{
	unsigned flags = O_PATH | (mask & INOTIFY_ONLYDIR ? O_DIRECTORY : 0) | (mask & INOTIFY_DONT_FOLLOW ? O_NOFOLLOW : 0);
	unsigned long walk = WALK_SEARCH_ONLY | (mask & INOTIFY_ONLYDIR ? WALK_DIRECTORY : 0) | (mask & INOTIFY_DONT_FOLLOW ? WALK_NOFOLLOW : 0);
	struct path_call p;
	long result;

	path_start(&p, FILE_OPEN, flags, 0, walk);
	result = path_add(t, &p, 0, AT_FDCWD, path);
	if (result < 0)
		return result;
	rt_receive_into(t, 0, into);
	result = path_send(t, &p);
	return result >= 0 && INFO_CAPS_OF(p.ipc.info) != 1 ? -EIO : result;
}

long linux_inotify_add_watch(struct thread_record *t, const unsigned long a[6])
{
	struct ipc c = { .target = (unsigned)a[0], .info = INFO(FILE_INOTIFY_ADD, 0) | INFO_CAPS(1), .m = { (u32)a[2] } };
	u32 mask = (u32)a[2];
	long result, scratch;

	if (mask & ~MASK_KNOWN || !mask)
		return -EINVAL;
	result = check_instance(t, (unsigned)a[0]);
	if (result == -EBADF)
		return result;
	if (result || (mask & INOTIFY_MASK_ADD && mask & INOTIFY_MASK_CREATE))
		return -EINVAL;
	scratch = descriptor_scratch_take(t);
	if (scratch < 0)
		return scratch;
	cap_delete((unsigned long)scratch);
	result = open_watched(t, a[1], mask, (unsigned long)scratch);
	if (result >= 0) {
		thread_message(t)->send_slot[0] = (unsigned long)scratch;
		result = file_call(&c, NULL);
	}
	descriptor_scratch_give(t, scratch);
	return result;
}

long linux_inotify_rm_watch(struct thread_record *t, const unsigned long a[6])
{
	long error = check_instance(t, (unsigned)a[0]);

	return error ? error : file_simple((unsigned)a[0], FILE_INOTIFY_REMOVE, (unsigned long)(int)a[1], 0, 0, 0);
}
