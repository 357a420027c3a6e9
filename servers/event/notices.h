/* The queue of an inotify instance. Pure but for memory_take and memory_free. */
#ifndef EVENT_NOTICES_H
#define EVENT_NOTICES_H

#include "abi/inotify.h"
#include "lib/list.h"
#include "lib/types.h"

struct notice {
	struct list_node link;
	s32 watch; /* -1: the overflow's */
	u32 mask, cookie;
	u32 length; /* of the name */
	char name[];
};

struct notices {
	struct list_node list;
	u32 count;
	u64 bytes;       /* as read gives them */
	bool overflowed; /* the queue has its overflow notice */
	u32 most;        /* then the overflow is told instead */
};

void notices_init(struct notices *queue, u32 most);
void notices_clear(struct notices *queue);

/*
 * An event: false if it changed nothing, because it is as the last one that nobody has read yet. Of more than `most` the overflow is told
 * instead, once; so is one for which there is no memory.
 */
bool notices_add(struct notices *queue, s32 watch, u32 mask, u32 cookie, const char *name, u32 length);
bool notices_overflow(struct notices *queue);

/* The oldest; NULL: none. */
struct notice *notices_first(const struct notices *queue);
void notices_drop(struct notices *queue, struct notice *notice);

/* What read gives: Linux's struct inotify_event with the name, padded. */
struct inotify_record {
	s32 watch;
	u32 mask, cookie, length;
};
#define NOTICE_BYTES_MAX (sizeof(struct inotify_record) + 256)
size_t notice_bytes(const struct notice *notice);
size_t notice_write(const struct notice *notice, u8 to[NOTICE_BYTES_MAX]);

#endif
