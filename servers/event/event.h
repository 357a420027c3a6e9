/*
 * The event server: eventfd counters and epoll instances. A node is one of these objects; its first member says which.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "serve/serve.h"

/* What a node may do beside being opened and closed. */
struct event_kind {
	const char *name; /* after "anon_inode:" */
	long (*read)(struct request *request, struct open_file *file, size_t length);  /* NULL: EINVAL */
	long (*write)(struct request *request, struct open_file *file, size_t length);
	unsigned (*poll)(struct open_file *file);
	long (*info)(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size); /* as the framework's; NULL: nothing */
	long (*message)(struct request *request);       /* labels of its own; NULL: EINVAL */
	long (*ioctl)(struct request *request, struct open_file *file, unsigned command); /* NULL: ENOTTY */
	unsigned opened;  /* OPENED_ flags */
	bool read_only;   /* opened for reading, not for both */
	bool unseekable;  /* lseek is ESPIPE; else it answers 0 */
	bool async;       /* O_ASYNC: its owner is signalled when it can be read */
	void (*release)(struct open_file *file); /* the object's only open file is gone; NULL: nothing to do. Its memory goes later */
	size_t size;      /* of the object */
};

struct event_object {
	const struct event_kind *kind;
	u64 ino;
	unsigned holders; /* open files that only tell of it (O_PATH), and the one that does all else */
};

static inline struct event_object *event_object_of(const struct open_file *file)
{
	return (struct event_object *)file->node.id;
}

/* Makes the object's only open file and puts it into the answer. 0 or a negative errno: then the object is still the caller's. `opened` may be NULL. */
long event_object_give(struct request *request, struct event_object *object, unsigned flags, struct open_file **opened);

/* FILE_EVENTFD, FILE_EPOLL_CREATE, FILE_TIMERFD, FILE_SIGNALFD, FILE_PIDFD */
long counter_make(struct request *request);
long epoll_make(struct request *request);
long timerfd_make(struct request *request);
long signalfd_make(struct request *request);
long pidfd_make(struct request *request);
/* FILE_INOTIFY; FILE_WATCHING, by a file's server; there is something in a ring of events */
long inotify_make(struct request *request);
long inotify_watching(struct request *request);
void inotify_drain(void);

/* When the next timer is due, and that it is; and that the realtime clock was set. */
unsigned long timerfd_deadline(void);
void timerfd_expired(void);
void timerfd_clock_set(void);
void pidfd_look(void); /* some watched process has ended */

#endif
