/*
 * Signals for readiness: fcntl's owner of an open file and O_ASYNC. What is said here of an open file belongs to it, so all who share it share that, and it
 * goes when the last of them has closed it. The owner is named by root's identity of it besides its number, so that nobody else is told who gets the number
 * later; whether the owner may be signalled root decides each time, by who set it.
 */
#ifndef SERVE_ASYNC_H
#define SERVE_ASYNC_H

#include "abi/process.h"
#include "lib/list.h"
#include "lib/types.h"

struct open_file;
struct poll_queue;

#define ASYNCS_OF_QUEUE 256 /* open files with O_ASYNC of one queue; more are ENOMEM */

/* What an open file has of it once somebody has asked. */
struct async {
	struct list_node link;   /* O_ASYNC: in the queue of its file */
	struct open_file *file;
	unsigned kind, id;       /* ASYNC_, 0: nobody */
	u64 identity;
	unsigned uid, euid, role; /* of who set it */
	unsigned signal;         /* F_SETSIG */
	int descriptor;          /* as it was named when O_ASYNC was set */
	bool full;               /* it took less than there was to write: room is news */
};

/* The open file's, made if need be; NULL: no memory. */
struct async *async_of(struct open_file *file);
/* The file's owner is the caller's process, unless it has one. */
long async_own(struct open_file *file);
/* It has no owner and no signal any more. */
void async_disown(struct open_file *file);
/* Signals its owner. band: ASYNC_IN and the like */
void async_signal(const struct async *async, int descriptor, unsigned band);
/* O_ASYNC becomes what the flags say, which lose it if the file never has such news (`checked`: -ENOTTY); `descriptor` names the file. */
long async_set(struct open_file *file, unsigned *flags, int descriptor, bool checked);
/* A write ended so. */
void async_wrote(struct open_file *file, long result, size_t wanted);
/* For poll_wake: those of the queue with O_ASYNC are told, of room only if they missed it. */
void async_wake(struct poll_queue *queue, unsigned events);
/* The file leaves its queue; the file goes. */
void async_leave(struct open_file *file);
void async_drop(struct open_file *file);

#endif
