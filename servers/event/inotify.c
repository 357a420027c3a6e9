/* inotify instances as files: made, read, polled. */
#include "servers/event/inotify.h"

#include "lib/errno.h"
#include "lib/format.h"

struct list_node inotify_instances = { &inotify_instances, &inotify_instances };

static struct inotify *inotify_of(const struct open_file *file)
{
	return (struct inotify *)event_object_of(file);
}

/* As many whole notices as fit; one that did not arrive whole stays. Nothing fits: EINVAL. */
static long give(struct inotify *instance, struct request *request, size_t length)
{
	u8 bytes[NOTICE_BYTES_MAX];
	struct notice *notice;
	size_t done = 0;

	while ((notice = notices_first(&instance->queue)) && notice_bytes(notice) <= length - done) {
		size_t size = notice_write(notice, bytes);

		if (request_give(request, bytes, size) < size) {
			request->moved = done;
			request->stopped = !done; /* what came is an answer; who has nothing yet touches the page and asks again */
			return (long)done;
		}
		done += size;
		notices_drop(&instance->queue, notice);
	}
	return done ? (long)done : -EINVAL;
}

static void answer_readers(struct inotify *instance)
{
	struct request *reader;

	while (instance->queue.count && (reader = list_first_entry(&instance->readers, struct request, link))) {
		list_remove(&reader->link);
		request_answer(reader, give(instance, reader, reader->scratch[0]));
	}
}

void inotify_ready(struct inotify *instance)
{
	poll_wake(instance->file->poll, LINUX_POLLIN | LINUX_POLLRDNORM);
	answer_readers(instance);
}

static long cancel_reader(struct request *request, unsigned reason)
{
	list_remove(&request->link);
	(void)reason;
	return -EINTR;
}

static long inotify_read(struct request *request, struct open_file *file, size_t length)
{
	struct inotify *instance = inotify_of(file);
	long kept;

	inotify_drain();
	if (instance->queue.count)
		return give(instance, request, length);
	if (request_nonblocking(request))
		return -EAGAIN;
	kept = request_wait(request, cancel_reader);
	if (kept != REQUEST_KEPT)
		return kept;
	request->scratch[0] = length;
	list_push_back(&instance->readers, &request->link);
	return kept;
}

static unsigned inotify_poll(struct open_file *file)
{
	inotify_drain();
	return inotify_of(file)->queue.count ? LINUX_POLLIN | LINUX_POLLRDNORM : 0;
}

static long inotify_ioctl(struct request *request, struct open_file *file, unsigned command)
{
	int bytes;

	if (command != LINUX_FIONREAD)
		return -ENOTTY;
	inotify_drain();
	bytes = (int)MIN(inotify_of(file)->queue.bytes, (u64)INT32_MAX);
	request_give(request, &bytes, sizeof(bytes));
	return 0;
}

static long inotify_message(struct request *request)
{
	struct inotify *instance = inotify_of(request->file);

	switch (request->label) {
	case FILE_INOTIFY_ADD:
		return inotify_add(request, instance);
	case FILE_INOTIFY_REMOVE:
		return inotify_remove(instance, (s32)request->m[0]);
	}
	return -EINVAL;
}

static void inotify_release(struct open_file *file)
{
	struct inotify *instance = inotify_of(file);

	inotify_drop_watches(instance);
	notices_clear(&instance->queue);
	list_remove(&instance->link);
}

static const struct event_kind inotify_kind = {
	.name = "inotify",
	.read = inotify_read,
	.poll = inotify_poll,
	.async = true,
	.ioctl = inotify_ioctl,
	.message = inotify_message,
	.info = inotify_info,
	.opened = OPENED_INOTIFY,
	.read_only = true,
	.release = inotify_release,
	.size = sizeof(struct inotify),
};

static unsigned instances_of(u32 uid)
{
	unsigned count = 0;

	list_for_each_entry(instance, &inotify_instances, struct inotify, link)
		count += instance->uid == uid;
	return count;
}

long inotify_make(struct request *request)
{
	const struct principal_entry *caller = principal_find(request->principal);
	static u64 next_number;
	struct inotify *instance;
	long result;

	if (request->m[0] & ~(u64)LINUX_O_NONBLOCK || !caller)
		return -EINVAL;
	if (instances_of(caller->euid) >= setting(SETTING_INOTIFY_INSTANCES))
		return -EMFILE;
	instance = memory_take(sizeof(*instance));
	if (!instance)
		return -ENOMEM;
	instance->object.kind = &inotify_kind;
	instance->uid = caller->euid;
	instance->number = ++next_number;
	instance->next_watch = 1;
	notices_init(&instance->queue, (u32)setting(SETTING_INOTIFY_EVENTS));
	list_init(&instance->readers);
	list_push_back(&inotify_instances, &instance->link);
	result = event_object_give(request, &instance->object, (unsigned)request->m[0], &instance->file);
	if (result) {
		list_remove(&instance->link);
		memory_free(instance, sizeof(*instance));
	}
	return result;
}
