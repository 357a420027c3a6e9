/*
 * The event server: eventfd counters and epoll instances. A node is one of these objects; its first member says which.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "serve/serve.h"

/* What a node may do beside being opened and closed. */
struct event_kind {
	const char *name; /* in anon_inode:[...] */
	long (*read)(struct request *request, struct open_file *file, size_t length);  /* NULL: EINVAL */
	long (*write)(struct request *request, struct open_file *file, size_t length);
	unsigned (*poll)(struct open_file *file);
	void (*release)(struct open_file *file); /* the object's only open file is gone */
};

struct event_object {
	const struct event_kind *kind;
	u64 ino;
};

static inline struct event_object *event_object_of(const struct open_file *file)
{
	return (struct event_object *)file->node.id;
}

/* Makes the object's only open file and puts it into the answer. 0 or a negative errno: then the object is still the caller's. */
long event_object_give(struct request *request, struct event_object *object, unsigned flags);

/* FILE_EVENTFD; FILE_EPOLL_CREATE; FILE_EPOLL_ on an instance. */
long counter_make(struct request *request);
long epoll_make(struct request *request);
long epoll_message(struct request *request);

#endif
