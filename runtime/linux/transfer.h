/* Bytes between a file and the program's buffers: in registers when they are few, through windows otherwise. */
#ifndef RUNTIME_LINUX_TRANSFER_H
#define RUNTIME_LINUX_TRANSFER_H

#include "lib/types.h"
#include "runtime/linux/iov.h"
#include "runtime/thread.h"

struct transfer {
	unsigned long cptr;
	bool write;
	bool interruptible;
	bool stream;          /* a stream socket: what the server does short is done */
	bool packet;          /* one message: one call moves it, or nothing */
	unsigned long offset; /* or OFFSET_CURRENT, OFFSET_END; moved on if it is a number */
	unsigned long flags;  /* TRANSFER_ */
	struct cursor at;
};

/*
 * Moves up to at.left bytes: the count, or -errno if not one was moved. A read returns with what there is; a write goes on until all is
 * written or an error comes. A packet has at most MESSAGE_WINDOWS buffers. The buffers are the program's or (file_read_own, file_write_own) the runtime's.
 */
long transfer_run(struct thread_record *t, struct transfer *x);

/*
 * The same after its first call was made elsewhere: with all of at.left in windows, and nothing moved on yet. n: what came of it; partial: the
 * answer was FILE_REPLY_PARTIAL, and address is the page to touch.
 */
long transfer_go_on(struct thread_record *t, struct transfer *x, long n, bool partial, unsigned long address);

/* A server asked for that page: makes it present, and some that follow. -EFAULT, or -EIO if it is not in what is left. */
long transfer_touch(const struct cursor *at, unsigned long address, bool write);

/* The runtime's own memory, in one piece: for loading programs and for copies between files. As transfer_run. */
long file_read_own(struct thread_record *t, unsigned long cptr, void *to, size_t length, unsigned long offset);
long file_write_own(struct thread_record *t, unsigned long cptr, const void *from, size_t length, unsigned long offset);

#endif
