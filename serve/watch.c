/*
 * Watches. A watch is an O_PATH open file whose Handle the event server holds; the node is not held by it, since a watch keeps nothing alive. A table finds
 * the watches of a node. When a node goes, its number may become another's at once: its watches leave the table there and then, and what is to be told of
 * its end waits in `gone` until the operation has told what comes before.
 */
#include "serve/watch.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "serve/internal.h"

#define BUCKETS 256
#define NAME_MAX_BYTES 255

struct watch {
	struct list_node link; /* in its node's bucket, or `gone` */
	struct open_file *file;
	u64 instance;          /* the event server's number */
	unsigned mask;
};

unsigned watch_count;

static struct list_node buckets[BUCKETS], gone = { &gone, &gone };
static struct watch_ring *ring;

static struct list_node *bucket_of(u64 id)
{
	struct list_node *bucket = &buckets[hash_u64(id) % BUCKETS];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

/* ---- the ring ---- */

/* Made when the first watch is. After a restart the object is there already, with what the event server has not seen yet. */
static long ring_make(void)
{
	long result = object_create(WATCH_RING_OBJECT, sizeof(struct watch_ring));

	if (result && result != -EEXIST)
		return result;
	result = object_map(WATCH_RING_OBJECT, 0, sizeof(struct watch_ring), true, 0);
	if (result < 0)
		return result;
	ring = (struct watch_ring *)result;
	atomic_store(&ring->epoch, kernel_monotonic() | 1);
	return 0;
}

static void ring_write(u64 at, const void *from, size_t length)
{
	size_t start = at % WATCH_RING_BYTES, first = MIN(length, WATCH_RING_BYTES - start);

	memcpy(ring->bytes + start, from, first);
	memcpy(ring->bytes, (const u8 *)from + first, length - first);
}

/*
 * The event server is woken if it had seen everything before: it stores its tail and then looks at the head once more, here it is the other way
 * round, so one of the two sees the other.
 */
static void ring_put(const struct watch_record *record, const char *name)
{
	u64 head = ring->head, used = head - atomic_load_acquire(&ring->tail), size = sizeof(*record) + ALIGN_UP(record->length, 8u);

	if (used > WATCH_RING_BYTES || size > WATCH_RING_BYTES - used) {
		atomic_store(&ring->lost, 1ul);
		return;
	}
	ring_write(head, record, sizeof(*record));
	ring_write(head + sizeof(*record), name, record->length);
	atomic_store(&ring->head, head + size);
	if (atomic_load_acquire(&ring->tail) == head)
		kernel_signal(SLOT_EVENT_NOTIFY);
}

/* ---- telling ---- */

static void put(const struct watch *watch, unsigned events, u32 cookie, const char *name, size_t length)
{
	struct watch_record record = { .badge = watch->file->badge, .mask = events, .cookie = cookie, .length = (unsigned)MIN(length, (size_t)NAME_MAX_BYTES) };

	ring_put(&record, name);
}

struct event {
	unsigned events;
	u32 cookie;
	const char *name;
	size_t length;
	bool unlinked; /* by a descriptor of what has no name any more */
};

static void tell_list(const struct list_node *list, u64 id, const struct event *e)
{
	list_for_each_entry(watch, list, struct watch, link) {
		if (watch->file->node.id != id || !(watch->mask & e->events & INOTIFY_ALL))
			continue;
		if (e->unlinked && watch->mask & INOTIFY_EXCL_UNLINK)
			continue;
		put(watch, e->events, e->cookie, e->name, e->length);
	}
}

static void tell(u64 id, const struct event *e)
{
	tell_list(bucket_of(id), id, e);
	tell_list(&gone, id, e);
	if (unlikely(notify_count))
		notify_tell(id, e->events);
}

static unsigned with_type(unsigned events, unsigned mode)
{
	return events | ((mode & LINUX_S_IFMT) == LINUX_S_IFDIR ? INOTIFY_ISDIR : 0);
}

void watch_tell_node(struct node node, unsigned mode, unsigned events)
{
	tell(node.id, &(struct event){ .events = with_type(events, mode) });
}

void watch_tell_name(struct node directory, const char *name, size_t length, unsigned mode, unsigned events, u32 cookie)
{
	tell(directory.id, &(struct event){ .events = with_type(events, mode), .cookie = cookie, .name = name, .length = length });
}

/* The directory first, as Linux does. */
static void tell_both(struct node node, unsigned mode, unsigned events, bool by_file)
{
	struct event e = { .events = with_type(events, mode) };
	char name[256];
	struct node parent;
	bool deleted = false;
	long length = serve_operations->parent ? serve_operations->parent(node, &parent, name, &deleted) : 0;

	e.unlinked = by_file && (deleted || length < 0);
	if (length > 0) {
		struct event named = e;

		named.name = name;
		named.length = (size_t)length;
		tell(parent.id, &named);
	}
	tell(node.id, &e);
}

void watch_tell(struct node node, unsigned mode, unsigned events)
{
	tell_both(node, mode, events, false);
}

void watch_tell_file(const struct open_file *file, unsigned events)
{
	if (!(file->flags & LINUX_O_PATH))
		tell_both(file->node, file->mode, events, true);
}

u32 watch_cookie(void)
{
	static u32 last;

	return ++last;
}

void watch_answered(const struct open_file *file, unsigned label, long result)
{
	switch (label) {
	case FILE_READ:
		if (result > 0)
			watch_tell_file(file, INOTIFY_ACCESS);
		break;
	case FILE_READDIR:
		if (result >= 0)
			watch_tell_file(file, INOTIFY_ACCESS);
		break;
	case FILE_WRITE:
		if (result > 0)
			watch_tell_file(file, INOTIFY_MODIFY);
		break;
	case FILE_ALLOCATE:
		if (!result)
			watch_tell_file(file, INOTIFY_MODIFY);
		break;
	}
}

/* ---- ends ---- */

static void watch_drop(struct watch *watch)
{
	list_remove(&watch->link);
	watch->file->watch = NULL;
	memory_free(watch, sizeof(*watch));
	watch_count--;
}

void watch_closed(struct open_file *file)
{
	if (file->watch)
		watch_drop(file->watch);
}

void watch_node_gone(struct node node)
{
	if (likely(!watch_count))
		return;
	list_for_each_safe(link, bucket_of(node.id)) {
		struct watch *watch = list_entry(link, struct watch, link);

		if (watch->file->node.id != node.id)
			continue;
		list_remove(&watch->link);
		list_push_back(&gone, &watch->link);
	}
}

/* As Linux has it, the type of what was deleted is not told. */
void watch_tell_gone(void)
{
	list_for_each_safe(link, &gone) {
		struct watch *watch = list_entry(link, struct watch, link);

		if (watch->mask & INOTIFY_DELETE_SELF)
			put(watch, INOTIFY_DELETE_SELF, 0, NULL, 0);
		put(watch, INOTIFY_IGNORED, 0, NULL, 0);
		watch_drop(watch);
	}
}

/* ---- beginnings ---- */

static struct watch *watch_find(u64 id, u64 instance)
{
	list_for_each_entry(watch, bucket_of(id), struct watch, link)
		if (watch->file->node.id == id && watch->instance == instance)
			return watch;
	return NULL;
}

static long watch_change(struct watch *watch, unsigned mask)
{
	if (mask & INOTIFY_MASK_CREATE)
		return -EEXIST;
	watch->mask = mask & INOTIFY_MASK_ADD ? watch->mask | mask : mask;
	return 0;
}

/* The open file holds its node no longer. */
static long watch_make(struct open_file *file, u64 instance, unsigned mask)
{
	struct watch *watch;
	long error = ring ? 0 : ring_make();

	if (error)
		return error;
	watch = memory_take(sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	*watch = (struct watch){ .file = file, .instance = instance, .mask = mask };
	list_push_back(bucket_of(file->node.id), &watch->link);
	file->watch = watch;
	watch_count++;
	if (file->held && serve_operations->unhold)
		serve_operations->unhold(file->node);
	file->held = false;
	return 0;
}

/* For the event server to show: inode and device. */
static void tell_place(struct node node, unsigned long place[2])
{
	struct file_attr attr;

	memset(&attr, 0, sizeof(attr));
	if (serve_operations->getattr(node, &attr))
		return;
	place[0] = attr.ino;
	place[1] = attr.dev_major << 20 | attr.dev_minor;
}

/* FILE_WATCH: m[0] the mask as inotify_add_watch has it, m[1] the instance. */
long op_watch(struct request *request)
{
	struct open_file *file = request->file;
	unsigned mask = (unsigned)request->m[0];
	struct watch *watch;
	unsigned long m[8] = { 0 };

	if (!request->forwarded || !(file->flags & LINUX_O_PATH) || file->watch)
		return -EINVAL;
	watch = watch_find(file->node.id, request->m[1]);
	if (!serve_operations->mode(file->node))
		m[0] = (unsigned long)-ENOENT;
	else if (watch)
		m[0] = (unsigned long)watch_change(watch, mask);
	else
		m[0] = (unsigned long)watch_make(file, request->m[1], mask);
	m[1] = watch ? watch->file->badge : file->badge;
	m[2] = ring ? ring->epoch : 0;
	if (!m[0])
		tell_place(file->node, &m[3]);
	return request_forward(request, SLOT_SERVICE_EVENT, FILE_WATCHING, m, 0, false);
}
