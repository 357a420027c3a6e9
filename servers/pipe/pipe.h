/*
 * The pipe server: pipes and FIFOs. An open file's node is its pipe; an end is what its flags let it do.
 *
 * Bytes go through one ring a pipe. A request that cannot finish waits on the pipe's list of readers or writers, and pipe_pump() moves what
 * can be moved whenever the ring or an end changed: the oldest waiter first.
 */
#ifndef PIPE_PIPE_H
#define PIPE_PIPE_H

#include "serve/serve.h"
#include "servers/pipe/ring.h"

#define PIPE_DEFAULT_SIZE 65536
#define PIPE_LEAST_SIZE   8192  /* of who has more pages in pipes than the soft limit */

/* What names a FIFO: the file system that forwarded its opener, and the inode there. */
struct fifo_key {
	u64 service, mount, ino;
};

struct pipe {
	struct ring ring;        /* without bytes until the first write */
	size_t touched;          /* how much of its buffer has pages */
	u32 uid;                 /* against whom its slots count */
	unsigned readers, writers, both; /* open files that read, that write, that do both */
	unsigned holders;        /* open files of its node that came by a path: an O_PATH one is no end, but tells of it */
	u64 reader_count, writer_count;  /* how many there ever were: who waits for an opener compares */
	struct list_node read_waiters, write_waiters, open_waiters;
	struct poll_queue read_poll, write_poll;
	bool fifo;
	struct fifo_key key;
	struct list_node link;   /* FIFOs: in the table of open ones */
	unsigned long holder;    /* principal of who splices from it: nobody else reads meanwhile. 0: nobody */
	struct list_node held;   /* then: in the list of such pipes */
	struct file_attr attr;
	char *path;              /* FIFOs: where it was opened, for /proc */
	size_t path_length;
};

static inline struct pipe *pipe_of(struct node node)
{
	return (struct pipe *)node.id;
}

/* Made by that principal. NULL: no memory, or its user has too many pages of pipes. A pipe without ends is to be freed. */
struct pipe *pipe_new(unsigned long principal);
void pipe_free(struct pipe *pipe);

/* Frees it if nobody has it any more. */
void pipe_let_go(struct pipe *pipe);

/* Counts an end in or out; out: the last of a kind ends those who wait for it, and the last of all frees the pipe. */
void pipe_join(struct pipe *pipe, const struct open_file *file);
void pipe_leave(struct pipe *pipe, const struct open_file *file);

long pipe_read(struct request *request, struct open_file *file, u64 offset, size_t length);
long pipe_write(struct request *request, struct open_file *file, u64 offset, size_t length);
void pipe_pump(struct pipe *pipe);

extern struct list_node pipe_held; /* pipes that somebody holds */

/* splice.c: FILE_PIPE_RELEASE, FILE_PIPE_TEE; some process has ended. */
long pipe_message(struct request *request);
void pipe_holders_sweep(void);
/* Makes pages of the buffer up to `end`, which were never used, the server's. */
void pipe_touch(struct pipe *pipe, const u8 *end);
bool pipe_has_buffer(struct pipe *pipe);
void pipe_wake_readers(struct pipe *pipe);
void pipe_wake_writers(struct pipe *pipe);

/* A new size, wanted by that principal; or -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
long pipe_resize(struct pipe *pipe, u64 size, unsigned long principal);

/* account.c: how many pages (slots) the pipes of a user may fill. */
enum pipe_excess { PIPE_WITHIN, PIPE_ABOVE_SOFT, PIPE_ABOVE_HARD };
/* `from` pages become `to`; from 0 may be -ENOMEM. */
long pipe_account(u32 uid, size_t from, size_t to);
/* Where the user is, by fs/pipe-user-pages-soft and -hard. */
enum pipe_excess pipe_excess(u32 uid);

/* open.c: FILE_PIPE, FILE_FIFO_OPEN, reopen. */
long pipe_make(struct request *request);
long pipe_fifo_open(struct request *request);
long pipe_open(struct request *request, struct open_file *file);
/* Openers that wait for the other end look again. */
void pipe_wake_openers(struct pipe *pipe);
/* Off the table of open FIFOs. */
void pipe_forget_fifo(struct pipe *pipe);

#endif
