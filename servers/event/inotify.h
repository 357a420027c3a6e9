/* inotify instances (abi/inotify.h): inotify.c has the file, inotify_watch.c what is watched, notices.c the queue. */
#ifndef EVENT_INOTIFY_H
#define EVENT_INOTIFY_H

#include "lib/rbtree.h"
#include "servers/event/event.h"
#include "servers/event/notices.h"

struct inotify {
	struct event_object object;
	struct list_node link;    /* all instances */
	struct open_file *file;
	struct notices queue;
	struct list_node readers; /* requests that wait; scratch[0]: bytes */
	struct rb_tree watches;   /* by number */
	u64 number;               /* never another instance's */
	u32 uid;                  /* whom it and its watches count against */
	u32 watch_count;
	s32 next_watch;
};

extern struct list_node inotify_instances;

/* Something was queued: readers and pollers. */
void inotify_ready(struct inotify *instance);

/* FILE_INOTIFY_ADD, FILE_INOTIFY_REMOVE on an instance */
long inotify_add(struct request *request, struct inotify *instance);
long inotify_remove(struct inotify *instance, s32 number);
/* Lines of fdinfo, a watch each. */
long inotify_info(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size);
/* The instance goes. */
void inotify_drop_watches(struct inotify *instance);

#endif
