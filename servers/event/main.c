/*
 * The table of operations: every object is one open file without a name, and its kind does the work.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "servers/event/event.h"

#define ANON_DEVICE_MINOR 14 /* anon_inodefs: below the device numbers of mounts */

static u64 next_ino = 2000;

static long root(unsigned mount, struct node *node)
{
	(void)mount;
	(void)node;
	return -ENOENT;
}

/* Linux: an anonymous inode has no file type. */
static unsigned mode(struct node node)
{
	(void)node;
	return 0600;
}

#define ANON_INODE_MAGIC 0x09041934

static long statfs(struct node node, struct file_statfs *statfs)
{
	(void)node;
	*statfs = (struct file_statfs){ .type = ANON_INODE_MAGIC, .block_size = PAGE_SIZE, .fragment_size = PAGE_SIZE, .name_max = 255 };
	return 0;
}

static long getattr(struct node node, struct file_attr *attr)
{
	*attr = (struct file_attr){ .ino = ((struct event_object *)node.id)->ino, .mode = 0600, .nlink = 1, .block_size = PAGE_SIZE,
				    .dev_minor = ANON_DEVICE_MINOR };
	return 0;
}

long event_object_give(struct request *request, struct event_object *object, unsigned flags, struct open_file **opened)
{
	struct open_file *file = open_file_new((struct node){ .id = (u64)object }, flags | (object->kind->read_only ? LINUX_O_RDONLY : LINUX_O_RDWR), 0600);
	long result;

	if (!file)
		return -ENOMEM;
	object->ino = next_ino++;
	object->holders = 1;
	file->opened = object->kind->opened;
	file->no_position = !object->kind->unseekable;
	result = open_file_give(request, file, 0);
	if (result)
		open_file_drop(file);
	else if (opened)
		*opened = file;
	return result;
}

/* Linux cannot open these anew either. */
static long open(struct request *request, struct open_file *file)
{
	(void)request;
	(void)file;
	return -ENXIO;
}

static void hold(struct node node)
{
	((struct event_object *)node.id)->holders++;
}

static void unhold(struct node node)
{
	struct event_object *object = (struct event_object *)node.id;

	if (!--object->holders)
		memory_free(object, object->kind->size);
}

static void release(struct open_file *file)
{
	if (event_object_of(file)->kind->release)
		event_object_of(file)->kind->release(file);
	unhold(file->node);
}

static long read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	const struct event_kind *kind = event_object_of(file)->kind;

	(void)offset;
	return kind->read ? kind->read(request, file, length) : -EINVAL;
}

static long write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	const struct event_kind *kind = event_object_of(file)->kind;

	(void)offset;
	return kind->write ? kind->write(request, file, length) : -EINVAL;
}

static unsigned poll(struct request *request, struct open_file *file)
{
	(void)request;
	return event_object_of(file)->kind->poll(file);
}

static bool async(const struct open_file *file, unsigned *owner)
{
	(void)owner;
	return event_object_of(file)->kind->async;
}

static long ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument)
{
	const struct event_kind *kind = event_object_of(file)->kind;

	(void)argument;
	return kind->ioctl ? kind->ioctl(request, file, command) : -ENOTTY;
}

static long describe(struct open_file *file, char *text, size_t size)
{
	size_t length = snformat(text, size, "anon_inode:%s", event_object_of(file)->kind->name);

	return (long)MIN(length, size - 1);
}

static long info(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size)
{
	const struct event_kind *kind = event_object_of(file)->kind;

	return kind->info ? kind->info(file, part, descriptor, text, size) : 0;
}

/* Labels that make an object come by the service's own Handle, the others by the object's. */
static long message(struct request *request)
{
	const struct event_kind *kind = request->file ? event_object_of(request->file)->kind : NULL;

	if (kind)
		return kind->message ? kind->message(request) : -EINVAL;
	switch (request->label) {
	case FILE_EVENTFD:
		return counter_make(request);
	case FILE_EPOLL_CREATE:
		return epoll_make(request);
	case FILE_TIMERFD:
		return timerfd_make(request);
	case FILE_SIGNALFD:
		return signalfd_make(request);
	case FILE_PIDFD:
		return pidfd_make(request);
	case FILE_INOTIFY:
		return inotify_make(request);
	case FILE_WATCHING:
		return inotify_watching(request);
	}
	return -ENOSYS;
}

static void notified(unsigned long bits)
{
	if (bits & NOTICE_CLOCK)
		timerfd_clock_set();
	if (bits & NOTICE_WATCHED)
		pidfd_look();
	if (bits & NOTICE_CHANGED)
		inotify_drain();
}

static const struct serve_operations operations = {
	.root = root,
	.mode = mode,
	.getattr = getattr,
	.statfs = statfs,
	.hold = hold,
	.unhold = unhold,
	.open = open,
	.release = release,
	.read = read,
	.write = write,
	.poll = poll,
	.async = async,
	.ioctl = ioctl,
	.describe = describe,
	.info = info,
	.message = message,
	.notified = notified,
	.deadline = timerfd_deadline,
	.expired = timerfd_expired,
};

int main(void)
{
	serve_run(&operations);
}
