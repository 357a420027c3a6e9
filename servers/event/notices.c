#include "servers/event/notices.h"

#include "lib/string.h"
#include "serve/memory.h"

static size_t notice_size(u32 length)
{
	return sizeof(struct notice) + length;
}

void notices_init(struct notices *queue, u32 most)
{
	*queue = (struct notices){ .most = most };
	list_init(&queue->list);
}

struct notice *notices_first(const struct notices *queue)
{
	return list_first_entry(&queue->list, struct notice, link);
}

void notices_drop(struct notices *queue, struct notice *notice)
{
	list_remove(&notice->link);
	queue->count--;
	queue->bytes -= notice_bytes(notice);
	if (notice->mask & INOTIFY_Q_OVERFLOW)
		queue->overflowed = false;
	memory_free(notice, notice_size(notice->length));
}

void notices_clear(struct notices *queue)
{
	struct notice *notice;

	while ((notice = notices_first(queue)))
		notices_drop(queue, notice);
}

static bool append(struct notices *queue, s32 watch, u32 mask, u32 cookie, const char *name, u32 length)
{
	struct notice *notice = memory_take(notice_size(length));

	if (!notice)
		return false;
	notice->watch = watch;
	notice->mask = mask;
	notice->cookie = cookie;
	notice->length = length;
	memcpy(notice->name, name, length);
	list_push_back(&queue->list, &notice->link);
	queue->count++;
	queue->bytes += notice_bytes(notice);
	return true;
}

bool notices_overflow(struct notices *queue)
{
	if (queue->overflowed)
		return false;
	queue->overflowed = append(queue, -1, INOTIFY_Q_OVERFLOW, 0, "", 0);
	return queue->overflowed;
}

/* Linux looks at the last one only; cookies are not compared. */
static bool same_as_last(const struct notices *queue, s32 watch, u32 mask, const char *name, u32 length)
{
	struct list_node *node = list_last(&queue->list);
	const struct notice *last = node ? list_entry(node, struct notice, link) : NULL;

	return last && !(last->mask & INOTIFY_IGNORED) && last->watch == watch && last->mask == mask && last->length == length &&
	       !memcmp(last->name, name, length);
}

bool notices_add(struct notices *queue, s32 watch, u32 mask, u32 cookie, const char *name, u32 length)
{
	if (queue->count >= queue->most)
		return notices_overflow(queue);
	if (same_as_last(queue, watch, mask, name, length))
		return false;
	return append(queue, watch, mask, cookie, name, length) || notices_overflow(queue);
}

/* A name has at least one NUL behind it. */
static u32 padded(u32 length)
{
	return length ? ALIGN_UP(length + 1, (u32)sizeof(struct inotify_record)) : 0;
}

size_t notice_bytes(const struct notice *notice)
{
	return sizeof(struct inotify_record) + padded(notice->length);
}

size_t notice_write(const struct notice *notice, u8 to[NOTICE_BYTES_MAX])
{
	struct inotify_record record = { notice->watch, notice->mask, notice->cookie, padded(notice->length) };

	memcpy(to, &record, sizeof(record));
	memset(to + sizeof(record), 0, record.length);
	memcpy(to + sizeof(record), notice->name, notice->length);
	return sizeof(record) + record.length;
}
