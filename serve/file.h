/*
 * Open files and the table of operations. A server fills in the operations that its files have; the framework does the rest, and answers those
 * that are missing with Linux's error for them.
 *
 * A *node* is a file, directory, link ... of the server. It is a value, not a pointer to something the framework owns: `id` is the server's choice
 * (a pointer, an index, a pid and a kind), never 0. `entry` may tell by which name it was reached (hard links); servers without need keep it 0.
 */
#ifndef SERVE_FILE_H
#define SERVE_FILE_H

#include "abi/file.h"
#include "lib/list.h"
#include "lib/types.h"
#include "serve/request.h"

struct node {
	u64 id, entry;
};

/* One queue for each thing whose readiness changes; an open file uses its own unless the server points file->poll elsewhere (both ends of a pipe...). */
struct poll_queue {
	struct list_node armings, asyncs;
	u64 counter, reads, writes; /* grow whenever readiness appears anew: to read, to write; the first: otherwise */
};
void poll_queue_init(struct poll_queue *queue);
/* Something became ready: signals the armings that wait for any of `events` (POLLERR and POLLHUP always count). */
void poll_wake(struct poll_queue *queue, unsigned events);
/* For a server that tells owners by itself: poll_wake without async_tell. */
void poll_wake_waiting(struct poll_queue *queue, unsigned events);
/* Signals the owners of files with O_ASYNC, where Linux does so though nothing may have become ready that was not. */
void async_tell(struct poll_queue *queue, unsigned events);
/* Urgent data has come: the owner gets SIGURG, with or without O_ASYNC, and with it the signal that was set for it. */
void async_urgent(struct open_file *file);
/* What the `async` operation says of the owner if nobody has set one: none, */
#define ASYNC_NOBODY (~0u)
/* or the caller's process, or else a process group. */
#define ASYNC_CALLER 0u

struct open_file {
	unsigned long badge;
	struct node node;
	unsigned flags;        /* Linux O_ flags, access mode too */
	unsigned mode;         /* st_mode at open */
	unsigned mount;
	unsigned opened;       /* OPENED_ flags of the answer: the server's open sets OPENED_TTY, clears OPENED_SEEKABLE (set for regular files, directories) */
	u64 offset;
	bool no_position;      /* the server's open sets it: seeking answers 0 and moves nothing (/dev/null and the like) */
	void *data;            /* the server's */
	u64 words[2];          /* the server's */
	struct poll_queue *poll;
	struct poll_queue own_poll;
	struct async *async;   /* framework: its owner, and O_ASYNC (serve/async.h) */
	struct lease *lease;   /* framework */
	struct notify *notify; /* framework: F_NOTIFY */
	struct watch *watch;   /* framework: this open file is a watch of an inotify instance */
	struct list_node link; /* the server's: all open files of an object, say */
	unsigned char *buffer; /* framework: memory that it shares with its holders (TRANSFER_BUFFER), which they may change at any time; NULL: none */
	size_t buffer_size;
	unsigned handles;      /* framework: Handles given out and not closed yet; each may have been copied */
	unsigned kept;         /* framework: requests that wait with it, and what the server keeps; it is released when they have ended */
	bool closed;           /* framework: the last descriptor is gone */
	bool held;             /* framework: unhold is owed */
	struct open_file *chain_next, **chain_link; /* framework: same_node.c */
};

static inline bool file_readable(const struct open_file *file)
{
	return !(file->flags & 1) && !(file->flags & 010000000);
}

static inline bool file_writable(const struct open_file *file)
{
	return (file->flags & 3) && !(file->flags & 010000000);
}

/* Records for readdir. Cookies: 0 and 1 are "." and "..", which the framework gives; a server's own start at 2. */
struct dirent_list;
/* Adds an entry; `next` is the cookie to go on from after it. type: DT_ value, st_mode >> 12. False: full, stop. */
bool dirent_add(struct dirent_list *list, u64 ino, u64 next, unsigned type, const char *name, size_t length);

/* For a link of /proc that is a door to an open file (CONTINUE_REOPEN). */
struct magic_link {
	unsigned pid;
	long descriptor; /* -1 executable, -2 cwd, -3 root */
};

struct serve_operations {
	/* ---- nodes. Results: 0 or what is said, or a negative errno ---- */
	long (*root)(unsigned mount, struct node *root);                 /* required: the root of mount number `mount` */
	unsigned (*mode)(struct node node);                              /* required: st_mode; 0: it is gone (ENOENT) */
	long (*getattr)(struct node node, struct file_attr *attr);       /* required; attr is zeroed before */
	bool getattr_alone; /* getattr calls nobody, so that attr may lie in the message buffer */
	long (*lookup)(struct node directory, const char *name, size_t length, struct node *found); /* directories */
	/* The name in its parent: its length; 0: the mount's root; -ENOENT: it has none any more. *deleted (false before): the name is what it
	 * last was. Without it, paths of open files are the mount's root. */
	long (*parent)(struct node node, struct node *parent, char name[256], bool *deleted);
	long (*readlink)(struct node node, char *text, size_t size);     /* length */
	bool (*magic)(struct node node, struct magic_link *magic);       /* true: follow by way of root instead of the text */
	long (*setattr)(struct node node, unsigned mask, const struct file_attr *attr); /* SETATTR_; ..._NOW are turned into times before */
	long (*create)(struct node directory, const char *name, size_t length, unsigned mode, u64 device, struct node *made); /* mode with S_IF type */
	long (*symlink)(struct node directory, const char *name, size_t length, const char *text, size_t text_length);
	long (*link)(struct node node, struct node directory, const char *name, size_t length);
	long (*unlink)(struct node directory, const char *name, size_t length, bool rmdir);
	long (*rename)(struct node from, const char *name, size_t length, struct node to, const char *new_name, size_t new_length, unsigned flags);
	long (*tmpfile)(struct node directory, unsigned mode, struct node *made); /* O_TMPFILE: its open file holds it */
	long (*statfs)(struct node node, struct file_statfs *statfs);
	long (*getxattr)(struct node node, const char *name, size_t length, void *value, size_t size); /* length of the value; size 0: only that */
	long (*setxattr)(struct node node, const char *name, size_t length, const void *value, size_t size, unsigned flags);
	long (*listxattr)(struct node node, char *names, size_t size);
	long (*removexattr)(struct node node, const char *name, size_t length);
	/* An open file (O_PATH too) refers to the node from now on, and no longer: what has no name any more lives as long as it is held. */
	void (*hold)(struct node node);
	void (*unhold)(struct node node);

	/* ---- open files ---- */
	/* A node is opened: flags, node, mode are set; may keep the request (FIFOs) and end with open_answer(). An error: release is not called.
	 * O_PATH: neither is called. */
	long (*open)(struct request *request, struct open_file *file);
	/* The last descriptor is gone and no kept request has it. */
	void (*release)(struct open_file *file);
	/* The last descriptor is gone, but the file is kept (open_file_keep, or a request that waits with it): release comes later. */
	void (*orphaned)(struct open_file *file);
	/* Access mode is checked; length > 0. offset: absolute for seekable files (OFFSET_END for an append), else 0. Bytes moved; 0 at the end. */
	long (*read)(struct request *request, struct open_file *file, u64 offset, size_t length);
	long (*write)(struct request *request, struct open_file *file, u64 offset, size_t length);
	bool writes_of_nothing; /* a write with length 0 may be an error, too */
	/* From file->offset (a cookie >= 2) on: dirent_add until it returns false or nothing is left. */
	long (*readdir)(struct open_file *file, struct dirent_list *list);
	/* SEEK_DATA, SEEK_HOLE of a seekable file -> offset, -ENXIO. Without it: data up to the size. SET, CUR, END are the framework's. */
	long (*seek)(struct open_file *file, u64 offset, bool hole);
	long (*sync)(struct open_file *file, bool data_only);            /* without it: 0 for regular files and directories, else EINVAL */
	long (*ioctl)(struct request *request, struct open_file *file, unsigned command, unsigned long argument); /* -ENOTTY: not known */
	unsigned (*poll)(struct request *request, struct open_file *file); /* events ready now; without it: POLLIN | POLLOUT */
	/* The memory object behind the file; *rights starts as what the open allows and may be narrowed (PROT_). Without it ENODEV. */
	long (*map)(struct open_file *file, u64 offset, size_t length, u64 *object, unsigned *rights);
	/* The first `done` bytes of it are. 0: all is; or how many more are now. */
	long (*allocate)(struct open_file *file, unsigned mode, u64 offset, u64 length, u64 done);
	/* The file's seals with `add` among them from now on; may refuse. Without it EINVAL. */
	long (*seals)(struct open_file *file, unsigned add);
	long (*set_flags)(struct open_file *file, unsigned flags);       /* before F_SETFL's flags are stored; may refuse */
	/* Whether O_ASYNC means something to the file: its owner is signalled when poll_wake is called. *owner (ASYNC_NOBODY): see there. NULL: to none */
	bool (*async)(const struct open_file *file, unsigned *owner);
	bool leases; /* regular files may have leases: who opens one waits, before `open` */
	/* Text shown for /proc/PID/fd/N where there is no path ("pipe:[7]"): its length. */
	long (*describe)(struct open_file *file, char *text, size_t size);
	/*
	 * Lines of /proc/PID/fdinfo/N beside those that all files have: their length. It may be asked again for a further part, by the number that
	 * it puts into *part (0 at first; left as it is: that was all). *descriptor (-1): the last line is to go on with the place of what the process has
	 * under that number.
	 */
	long (*info)(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size);

	/* ---- everything else ---- */
	/* Directories move and go by nothing but this server's rename and unlink, so root (CONTINUE_PLACE) and the framework (place.c) may keep where an open one is until then. */
	bool places_last;
	/* No name comes, goes or leads to another node but by these operations: paths that were walked need not be walked again. */
	bool names_last;
	/*
	 * Nobody is told anything by a file's closing, and what is released then can wait for the next request (which it comes before): a close costs
	 * its client no more than the kernel call. `release` and `unhold` then send no message with data[] in it, which is the request's. But for locks
	 * and inotify, which the framework knows of; `closing_matters` (optional): not 0 while the server has reasons of its own.
	 */
	bool closing_waits;
	const u64 *closing_matters;
	long (*message)(struct request *request);                        /* labels that the framework does not know */
	void (*flush)(struct open_file *file, unsigned pid);             /* FILE_FLUSH: that process closed a descriptor of it */
	void (*ended)(void);                                             /* NOTICE_ENDED: some process that said PROC_LOCKS_TAKEN is gone */
	void (*notified)(unsigned long bits);                            /* LABEL_NOTIFIED: interrupts, notices of root */
	/* Timers: asked before each Recv: absolute ns of the monotonic clock by which `expired` is to be called; 0: none. */
	unsigned long (*deadline)(void);
	void (*expired)(void);
};

/* Ends an open that was kept. result 0: the Handle goes to the caller; else the file is dropped (without release). */
void open_answer(struct request *request, struct open_file *file, long result);

/*
 * An open file with a Handle made outside of open (pipe, eventfd): NULL: no memory. Then open_give() puts its Handle into the answer: `index` 0..3
 * is its place. An open file that is not given must be dropped.
 */
struct open_file *open_file_by_badge(unsigned long badge); /* NULL: none is open */
struct open_file *open_file_new(struct node node, unsigned flags, unsigned mode);
long open_file_give(struct request *request, struct open_file *file, unsigned index);
void open_file_drop(struct open_file *file);
/*
 * An open file that the server itself refers to (a socket in a message that nobody has received yet) is not released before as many unkeeps, though
 * its last descriptor be closed; it may be given again meanwhile. The last unkeep may release it at once.
 */
void open_file_keep(struct open_file *file);
void open_file_unkeep(struct open_file *file);
/* The open file of a badge; NULL: there is none. */
struct open_file *open_file_find(unsigned long badge);

/*
 * The node is no more: its number may be another's from now on. Servers whose numbers come back call it; inotify tells of the end, also where the
 * framework did not ask for it.
 */
void watch_node_gone(struct node node);

/* Calls `visit` for each open file of the server. */
void open_file_each(void (*visit)(struct open_file *file, void *context), void *context);

#endif
