/*
 * Calls on files: to the server behind a descriptor, and to root for a path. A file is named by its cptr: a descriptor number or
 * CPTR_SYSTEM | SLOT_CWD and the like.
 */
#ifndef RUNTIME_LINUX_FILE_CALL_H
#define RUNTIME_LINUX_FILE_CALL_H

#include "abi/file.h"
#include "abi/native.h"
#include "lib/types.h"
#include "runtime/thread.h"
#include "runtime/uaccess.h"

#define CPTR_CWD   (CPTR_SYSTEM | SLOT_CWD)
#define CPTR_FSROOT (CPTR_SYSTEM | SLOT_FSROOT)

/*
 * Sends `c` (target, info and m[] are set) and returns m[0] of the reply: >= 0 or -errno. An interrupt before anybody received the call
 * means nothing has happened: -ERESTARTNOINTR; one that the server was told of: -ERESTARTSYS. *partial (may be NULL) tells
 * whether the reply was FILE_REPLY_PARTIAL; without it such a reply is -EIO.
 */
long file_call(struct ipc *c, bool *partial);

/* The same of a call that was made already: `error` is what rt_call gave, or kernel_errno() of it. */
long file_result(long error, const struct ipc *c);
/* The same of a call by registers.h: `error` is the kernel's, then the info word and the first two words of the answer. */
long file_result_words(long error, unsigned long info, unsigned long m0, unsigned long m1);

/* An uninterruptible call with register arguments only. */
long file_simple(unsigned long cptr, unsigned label, unsigned long m0, unsigned long m1, unsigned long m2, unsigned long m3);

/*
 * A call that carries `bytes` of the message's data and whose reply has data of exactly, or at least, `expect` bytes there: -EIO if not.
 */
long file_call_data(struct ipc *c, size_t expect);

/* file_call for the one capability window: the buffer of an ioctl or readdir. Repeats after FILE_REPLY_PARTIAL. */
long file_call_window(struct thread_record *t, struct ipc *c, uaddr_t buffer, size_t length, bool write);

/* ---- paths ---- */

struct path_call {
	struct ipc ipc;       /* m[0..2], m[7] are the caller's to set; the rest is filled by path_add */
	unsigned long bytes;  /* of the message's data that are in use */
	bool base_takes;      /* the Handle of m[3] takes paths */
};

/* A call of `label` to root; no path yet. */
static inline void path_start(struct path_call *p, unsigned label, unsigned long m0, unsigned long m1, unsigned long walk)
{
	*p = (struct path_call){ .ipc = { .target = CPTR_SYSTEM | SLOT_ROOT, .info = INFO(label, 0), .m = { m0, m1, 0, CPTR_CWD, 0, 0, 0, walk } } };
}

/* What a relative path starts from: -EBADF, -ENOTDIR, 0; 1: and its Handle takes paths. */
long path_base(struct thread_record *t, int dirfd, unsigned long *cptr);

/*
 * Appends a program's path as the first or second one, with what it starts from. Its length; -ENOENT if it is empty, -EFAULT, -ENAMETOOLONG,
 * -EBADF, -ENOTDIR.
 */
long path_add(struct thread_record *t, struct path_call *p, unsigned which, int dirfd, uaddr_t path);

/* Appends a text that is no path to be walked (of a link, or an attribute's name), or the runtime's own path. */
long path_add_text(struct thread_record *t, struct path_call *p, unsigned which, uaddr_t text, size_t max);
long path_add_bytes(struct thread_record *t, struct path_call *p, unsigned which, const void *bytes, size_t length);

/* Sends it: m[0] of the reply or -errno. */
long path_send(struct thread_record *t, struct path_call *p);

/*
 * For calls with AT_EMPTY_PATH: 1 if the path is empty and allowed to be; *cptr is then the file itself. 0: it is an ordinary path.
 * -EBADF, -EFAULT
 */
long path_empty(struct thread_record *t, int dirfd, uaddr_t path, bool allowed, unsigned long *cptr);

#endif
