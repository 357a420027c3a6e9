/*
 * fcntl's F_NOTIFY: the owner of an open directory is signalled when something happens there. The events are those that inotify has (serve/watch.c); an open
 * file has one such wish, which ends when it is fulfilled, unless it is for many.
 */
#include "serve/watch.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "serve/internal.h"

#define MANY    0x80000000u /* DN_MULTISHOT */
#define BUCKETS 256

struct notify {
	struct list_node link;
	struct open_file *file;
	unsigned events; /* INOTIFY_ */
	bool many;
	int descriptor;
};

static struct list_node buckets[BUCKETS]; /* by node: who has many makes no other's events longer */
unsigned notify_count;

static struct list_node *bucket_of(u64 id)
{
	struct list_node *bucket = &buckets[hash_u64(id) % BUCKETS];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

static unsigned events_of(unsigned wanted)
{
	static const unsigned events[] = { INOTIFY_ACCESS, INOTIFY_MODIFY, INOTIFY_CREATE | INOTIFY_MOVED_TO, INOTIFY_DELETE | INOTIFY_MOVED_FROM,
					   WATCH_RENAMED, INOTIFY_ATTRIB };
	unsigned set = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(events); i++)
		set |= wanted >> i & 1 ? events[i] : 0;
	return set;
}

static void drop(struct notify *notify)
{
	list_remove(&notify->link);
	notify->file->notify = NULL;
	memory_free(notify, sizeof(*notify));
	notify_count--;
	watch_count--;
}

void notify_drop(struct open_file *file)
{
	if (file->notify)
		drop(file->notify);
}

void notify_tell(u64 id, unsigned events)
{
	list_for_each_entry_safe(notify, bucket_of(id), struct notify, link) {
		if (notify->file->node.id != id || !(notify->events & events))
			continue;
		if (notify->file->async)
			async_signal(notify->file->async, notify->descriptor, ASYNC_MESSAGE);
		if (!notify->many)
			drop(notify);
	}
}

static long wish(struct open_file *file, unsigned wanted, int descriptor)
{
	struct notify *notify = file->notify;
	long error = async_own(file);

	if (error)
		return error;
	if (!notify) {
		notify = memory_take(sizeof(*notify));
		if (!notify)
			return -ENOMEM;
		notify->file = file;
		file->notify = notify;
		list_push_back(bucket_of(file->node.id), &notify->link);
		notify_count++;
		watch_count++;
	}
	notify->events |= events_of(wanted);
	notify->many |= (wanted & MANY) != 0;
	notify->descriptor = descriptor;
	return 0;
}

long op_notify(struct request *request)
{
	struct open_file *file = request->file;
	unsigned wanted = (unsigned)request->m[0];

	if (file->flags & LINUX_O_PATH)
		return -EBADF;
	if (!setting(SETTING_DIRECTORY_NOTES))
		return -EINVAL;
	if (!(wanted & ~MANY)) {
		notify_drop(file);
		return 0;
	}
	return (file->mode & LINUX_S_IFMT) == LINUX_S_IFDIR ? wish(file, wanted, (int)request->m[1]) : -ENOTDIR;
}
