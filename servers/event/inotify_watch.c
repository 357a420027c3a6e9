/*
 * What inotify instances watch. A watch holds the Handle of an O_PATH open file, through which the file's server was asked to tell what happens; deleting the
 * Handle ends it there. Servers tell through rings, one each, in which a watch is named by that open file's badge.
 */
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "servers/event/inotify.h"

#define BUCKETS     1024
#define SERVICES    64
#define NAME_LENGTH 255
#define INFO_LINE_MAX 100

struct watch {
	struct rb_node node;   /* in its instance's tree */
	struct list_node link; /* in a bucket, by service and badge */
	struct inotify *instance;
	s32 number;
	u32 mask;
	unsigned slot;         /* of the Handle */
	u64 badge, ino;
	u32 device;
	u16 service;
};

/* A client is on its way through a file's server: at most one a thread. */
struct pending {
	struct list_node link;
	struct inotify *instance;
	u64 principal, badge;
	u32 mask;
	unsigned slot;
};

struct source {
	struct watch_ring *ring;
	u64 epoch; /* 0: there is no ring */
};

static struct list_node buckets[BUCKETS], pendings = { &pendings, &pendings };
static struct source sources[SERVICES];

/* ---- watches ---- */

static struct list_node *bucket_of(u16 service, u64 badge)
{
	struct list_node *bucket = &buckets[hash_u64(badge ^ (u64)service << 56) % BUCKETS];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

static struct watch *watch_find(u16 service, u64 badge)
{
	list_for_each_entry(watch, bucket_of(service, badge), struct watch, link)
		if (watch->service == service && watch->badge == badge)
			return watch;
	return NULL;
}

static int compare(const void *key, const struct rb_node *node)
{
	s32 number = *(const s32 *)key, other = rb_entry(node, struct watch, node)->number;

	return number < other ? -1 : number > other;
}

static struct watch *watch_numbered(struct inotify *instance, s32 number)
{
	struct rb_node *node = rb_find(&instance->watches, &number, compare);

	return node ? rb_entry(node, struct watch, node) : NULL;
}

static void handle_drop(unsigned slot)
{
	kernel_slot_delete(slot);
	slot_free(slot);
}

static void watch_drop(struct watch *watch)
{
	list_remove(&watch->link);
	rb_erase(&watch->instance->watches, &watch->node);
	watch->instance->watch_count--;
	handle_drop(watch->slot);
	memory_free(watch, sizeof(*watch));
}

static void pending_drop(struct pending *pending)
{
	list_remove(&pending->link);
	handle_drop(pending->slot);
	memory_free(pending, sizeof(*pending));
}

void inotify_drop_watches(struct inotify *instance)
{
	struct rb_node *node;

	while ((node = rb_first(&instance->watches)))
		watch_drop(rb_entry(node, struct watch, node));
	list_for_each_safe(link, &pendings) {
		struct pending *pending = list_entry(link, struct pending, link);

		if (pending->instance == instance)
			pending_drop(pending);
	}
}

/* ---- events ---- */

static void queue(struct watch *watch, u32 mask, u32 cookie, const char *name, u32 length)
{
	if (notices_add(&watch->instance->queue, watch->number, mask, cookie, name, length))
		inotify_ready(watch->instance);
}

static void watch_end(struct watch *watch)
{
	queue(watch, INOTIFY_IGNORED, 0, "", 0);
	watch_drop(watch);
}

static void record_take(u16 service, const struct watch_record *record, const char *name)
{
	struct watch *watch = watch_find(service, record->badge);

	if (!watch) /* it was removed meanwhile */
		return;
	if (record->mask & INOTIFY_IGNORED) {
		watch_end(watch);
		return;
	}
	queue(watch, record->mask & (INOTIFY_ALL | INOTIFY_ISDIR), record->cookie, name, record->length);
	if (watch->mask & INOTIFY_ONESHOT)
		watch_end(watch);
}

/* All whose watches that server has may have missed something. */
static void tell_lost(u16 service)
{
	list_for_each_entry(instance, &inotify_instances, struct inotify, link)
		for (struct rb_node *node = rb_first(&instance->watches); node; node = rb_next(node))
			if (rb_entry(node, struct watch, node)->service == service) {
				if (notices_overflow(&instance->queue))
					inotify_ready(instance);
				break;
			}
}

static void ring_read(const struct watch_ring *ring, u64 at, void *to, size_t length)
{
	size_t start = at % WATCH_RING_BYTES, first = MIN(length, WATCH_RING_BYTES - start);

	memcpy(to, ring->bytes + start, first);
	memcpy((u8 *)to + first, ring->bytes, length - first);
}

/* One record at `at`; its size, or 0: what is there is none, and nothing more of it is believed. */
static size_t ring_record(u16 service, const struct watch_ring *ring, u64 at, u64 available)
{
	char name[ALIGN_UP(NAME_LENGTH, 8)];
	struct watch_record record;
	size_t size;

	if (available < sizeof(record))
		return 0;
	ring_read(ring, at, &record, sizeof(record));
	size = sizeof(record) + ALIGN_UP((size_t)record.length, 8ul);
	if (record.length > NAME_LENGTH || size > available)
		return 0;
	ring_read(ring, at + sizeof(record), name, record.length);
	record_take(service, &record, name);
	return size;
}

/* The tail is stored before the head is read again: serve/watch.c has the other half. */
static void source_drain(u16 service, struct watch_ring *ring)
{
	u64 tail = ring->tail, head;

	while ((head = atomic_load_acquire(&ring->head)) != tail) {
		size_t size = head - tail <= WATCH_RING_BYTES ? ring_record(service, ring, tail, head - tail) : 0;

		tail = size ? tail + size : head;
		atomic_store(&ring->tail, tail);
	}
	if (atomic_load_acquire(&ring->lost) && atomic_exchange(&ring->lost, 0ul))
		tell_lost(service);
}

void inotify_drain(void)
{
	for (u16 i = 0; i < SERVICES; i++)
		if (sources[i].epoch)
			source_drain(i, sources[i].ring);
}

/* ---- sources ---- */

/* That server was started anew: what it had to watch, it does not know any more. For Linux the file system would have been unmounted. */
static void source_end(u16 service)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct list_node *link = buckets[i].next, *next; link && link != &buckets[i]; link = next) {
			struct watch *watch = list_entry(link, struct watch, link);

			next = link->next;
			if (watch->service != service)
				continue;
			queue(watch, INOTIFY_UNMOUNT, 0, "", 0);
			watch_end(watch);
		}
	object_unmap((unsigned long)sources[service].ring, sizeof(struct watch_ring));
	sources[service] = (struct source){ 0 };
}

static long source_begin(u16 service, u64 epoch)
{
	long address;

	if (service >= SERVICES || !epoch)
		return -ENOSPC;
	if (sources[service].epoch == epoch)
		return 0;
	if (sources[service].epoch)
		source_end(service);
	address = root_call3(PROC_WATCH_RING, service, sizeof(struct watch_ring), 0);
	if (address < 0)
		return -ENOMEM;
	sources[service] = (struct source){ (struct watch_ring *)address, epoch };
	return 0;
}

/* ---- adding and removing ---- */

static struct pending *pending_of(u64 principal)
{
	list_for_each_entry(pending, &pendings, struct pending, link)
		if (pending->principal == principal)
			return pending;
	return NULL;
}

/* Of threads that were killed on their way, and one that is here again: it never came back. */
static void pendings_sweep(u64 principal)
{
	list_for_each_safe(link, &pendings) {
		struct pending *pending = list_entry(link, struct pending, link);

		if (pending->principal == principal || !principal_find(pending->principal))
			pending_drop(pending);
	}
}

long inotify_add(struct request *request, struct inotify *instance)
{
	unsigned slot = request->received[0];
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_SYSTEM, slot }, m[8] = { (u32)request->m[0], instance->number };
	struct pending *pending;

	if (!slot || kernel_object(KCALL_cap_identify, a) != K_OK || (a[0] & 0xff) != OBJECT_HANDLE)
		return -EBADF;
	pendings_sweep(request->principal);
	pending = memory_take(sizeof(*pending));
	if (!pending)
		return -ENOMEM;
	*pending = (struct pending){ .instance = instance, .principal = request->principal, .badge = a[1], .mask = (u32)m[0], .slot = slot };
	request->received[0] = 0;
	list_push_back(&pendings, &pending->link);
	return request_forward(request, slot, FILE_WATCH, m, 0, false);
}

static u32 watches_of(u32 uid)
{
	u32 count = 0;

	list_for_each_entry(instance, &inotify_instances, struct inotify, link)
		count += instance->uid == uid ? instance->watch_count : 0;
	return count;
}

/* Takes the pending one's Handle. */
static long watch_make(struct pending *pending, u16 service, const struct request *request)
{
	struct inotify *instance = pending->instance;
	struct watch *watch;

	if (watches_of(instance->uid) >= setting(SETTING_INOTIFY_WATCHES) || instance->next_watch == INT32_MAX)
		return -ENOSPC;
	watch = memory_take(sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	*watch = (struct watch){ .instance = instance, .number = instance->next_watch++, .mask = pending->mask, .slot = pending->slot,
				 .badge = pending->badge, .service = service, .ino = request->m[3], .device = (u32)request->m[4] };
	rb_insert_by(&instance->watches, &watch->node, &watch->number, compare);
	list_push_back(bucket_of(service, watch->badge), &watch->link);
	instance->watch_count++;
	list_remove(&pending->link);
	memory_free(pending, sizeof(*pending));
	return watch->number;
}

static long watch_change(const struct pending *pending, u16 service, u64 badge)
{
	struct watch *watch = watch_find(service, badge);

	if (!watch || watch->instance != pending->instance)
		return -EINVAL;
	watch->mask = pending->mask & INOTIFY_MASK_ADD ? watch->mask | pending->mask : pending->mask;
	return watch->number;
}

long inotify_watching(struct request *request)
{
	u16 service = (u16)(request->badge & ~BADGE_SERVICE);
	struct pending *pending = pending_of(request->principal);
	long result = (long)request->m[0];

	if (!request->forwarded || !service || !pending)
		return -EPERM;
	if (!result)
		result = source_begin(service, request->m[2]);
	inotify_drain();
	if (!result && request->m[1] == pending->badge) {
		result = watch_make(pending, service, request);
		if (result >= 0)
			return result;
	} else if (!result) {
		result = watch_change(pending, service, request->m[1]);
	}
	pending_drop(pending);
	return result;
}

long inotify_remove(struct inotify *instance, s32 number)
{
	struct watch *watch;

	inotify_drain();
	watch = watch_numbered(instance, number);
	if (!watch)
		return -EINVAL;
	watch_end(watch);
	return 0;
}

/* The watches from the newest on, as many as there is room for; the next part is the number to go on with. */
long inotify_info(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size)
{
	struct inotify *instance = (struct inotify *)event_object_of(file);
	s32 from = (s32)*part;
	struct rb_node *node = from ? rb_lower_bound(&instance->watches, &from, compare) : rb_last(&instance->watches);
	size_t length = 0;

	(void)descriptor;
	for (; node && size - length > INFO_LINE_MAX; node = rb_prev(node)) {
		const struct watch *watch = rb_entry(node, struct watch, node);

		length += snformat(text + length, size - length, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0 \n", (unsigned)watch->number, watch->ino,
				   watch->device, watch->mask & (INOTIFY_ALL | INOTIFY_EXCL_UNLINK | INOTIFY_ONESHOT));
	}
	if (node)
		*part = (unsigned)rb_entry(node, struct watch, node)->number;
	return (long)length;
}
