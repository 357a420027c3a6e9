/*
 * How pipes and FIFOs come to be: pipe(), opening of a FIFO that a file system met, and opening anew through /proc/PID/fd.
 *
 * Opening a FIFO for one direction waits for an opener of the other. The file counts as an end while it waits, so two openers find each
 * other whatever their order; who came meanwhile and went again still lets the waiter through (the counts only grow).
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/pipe/pipe.h"

static struct list_node fifos = LIST_INIT(fifos);
static u64 next_ino = 1000;

#define PIPE_DEVICE_MINOR 13 /* pipefs: a device number of its own, below those of mounts */

static void attr_of_pipe(struct file_attr *attr, unsigned long principal)
{
	const struct principal_entry *who = principal_find(principal);

	*attr = (struct file_attr){ .ino = next_ino++, .mode = LINUX_S_IFIFO | 0600, .nlink = 1, .block_size = PAGE_SIZE,
				    .dev_minor = PIPE_DEVICE_MINOR };
	attr->uid = who ? who->euid : 0;
	attr->gid = who ? who->egid : 0;
	attr->atime = attr->mtime = attr->ctime = attr->btime = kernel_realtime();
}

static struct open_file *end_new(struct pipe *pipe, unsigned flags)
{
	struct open_file *file = open_file_new((struct node){ .id = (u64)pipe }, flags, pipe->attr.mode);

	if (!file)
		return NULL;
	file->opened = 0;
	file->poll = file_readable(file) ? &pipe->read_poll : &pipe->write_poll;
	/* A FIFO's reader sees no hang-up before a writer was there since it opened. */
	file->words[0] = pipe->fifo ? pipe->writer_count : ~0ul;
	return file;
}

static long give_both(struct request *request, struct open_file *reader, struct open_file *writer)
{
	long result = open_file_give(request, reader, 0);

	return result ? result : open_file_give(request, writer, 1);
}

long pipe_make(struct request *request)
{
	unsigned flags = (unsigned)request->m[0];
	struct pipe *pipe;
	long result;

	if (flags & ~(unsigned)(LINUX_O_NONBLOCK | LINUX_O_CLOEXEC | LINUX_O_DIRECT))
		return -EINVAL;
	pipe = pipe_new(request->principal);
	if (!pipe)
		return -ENFILE; /* as Linux says it, whatever is missing */
	flags &= LINUX_O_NONBLOCK | LINUX_O_DIRECT;
	attr_of_pipe(&pipe->attr, request->principal);
	struct open_file *reader = end_new(pipe, flags | LINUX_O_RDONLY), *writer = end_new(pipe, flags | LINUX_O_WRONLY);

	result = reader && writer ? give_both(request, reader, writer) : -ENFILE;
	if (result) {
		if (reader)
			open_file_drop(reader);
		if (writer)
			open_file_drop(writer);
		pipe_free(pipe);
		return result;
	}
	pipe_join(pipe, reader);
	pipe_join(pipe, writer);
	return 0;
}

/* ---- waiting for the other end ---- */

struct opener {
	struct open_file *file;
	u64 seen;        /* count of the other end's openers when the wait began */
	bool wants_writer;
};

/* Kept in the request's scratch words. */
static void opener_set(struct request *request, struct opener opener)
{
	request->context = opener.file;
	request->scratch[0] = opener.seen;
	request->scratch[1] = opener.wants_writer;
}

static struct opener opener_of(const struct request *request)
{
	return (struct opener){ request->context, request->scratch[0], request->scratch[1] != 0 };
}

static bool peer_came(const struct pipe *pipe, struct opener opener)
{
	return (opener.wants_writer ? pipe->writer_count : pipe->reader_count) != opener.seen;
}

static long cancel_opener(struct request *request, unsigned reason)
{
	struct open_file *file = request->context;
	struct pipe *pipe = pipe_of(file->node);

	(void)reason;
	list_remove(&request->link);
	file->poll = &file->own_poll; /* the pipe may go; the framework drops the file */
	pipe_leave(pipe, file);
	return -EINTR;
}

void pipe_wake_openers(struct pipe *pipe)
{
	list_for_each_entry_safe(request, &pipe->open_waiters, struct request, link) {
		struct opener opener = opener_of(request);

		if (!peer_came(pipe, opener))
			continue;
		list_remove(&request->link);
		open_answer(request, opener.file, 0);
	}
}

/* Counts the file in; waits if it must. 0: it is open now. */
static long end_open(struct request *request, struct pipe *pipe, struct open_file *file)
{
	bool reads = file_readable(file), writes = file_writable(file), nonblocking = file->flags & LINUX_O_NONBLOCK;
	struct opener opener = { file, reads ? pipe->writer_count : pipe->reader_count, reads };
	bool waits = pipe->fifo && reads != writes && !(reads ? pipe->writers : pipe->readers);

	if (waits && nonblocking && writes)
		return -ENXIO;
	if (waits && !nonblocking) {
		long kept = request_wait(request, cancel_opener);

		if (kept != REQUEST_KEPT)
			return kept;
		opener_set(request, opener);
		pipe_join(pipe, file);
		list_push_back(&pipe->open_waiters, &request->link);
		pipe_wake_openers(pipe);
		return REQUEST_KEPT;
	}
	pipe_join(pipe, file);
	pipe_wake_openers(pipe);
	return 0;
}

long pipe_open(struct request *request, struct open_file *file)
{
	struct pipe *pipe = pipe_of(file->node);

	file->opened = 0;
	file->poll = file_readable(file) ? &pipe->read_poll : &pipe->write_poll;
	file->words[0] = pipe->fifo ? pipe->writer_count : ~0ul;
	return end_open(request, pipe, file);
}

/* ---- FIFOs ---- */

static bool same_key(struct fifo_key a, struct fifo_key b)
{
	return a.service == b.service && a.mount == b.mount && a.ino == b.ino;
}

static struct pipe *fifo_find(struct fifo_key key)
{
	list_for_each_entry(pipe, &fifos, struct pipe, link)
		if (same_key(pipe->key, key))
			return pipe;
	return NULL;
}

static struct pipe *fifo_new(struct fifo_key key, unsigned long principal)
{
	struct pipe *pipe = pipe_new(principal);

	if (!pipe)
		return NULL;
	pipe->fifo = true;
	pipe->key = key;
	list_push_back(&fifos, &pipe->link);
	return pipe;
}

void pipe_forget_fifo(struct pipe *pipe)
{
	list_remove(&pipe->link);
}

/* What the file system said of the node: the newest is kept. */
static void fifo_describe(struct pipe *pipe, const struct request *request)
{
	size_t length = request->bytes - sizeof(pipe->attr);
	char *path;

	memcpy(&pipe->attr, serve_message->data, sizeof(pipe->attr));
	if (pipe->path || !length)
		return;
	path = memory_take(length);
	if (!path)
		return;
	memcpy(path, serve_message->data + sizeof(pipe->attr), length);
	pipe->path = path;
	pipe->path_length = length;
}

#define NOT_KEPT (LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_TRUNC | LINUX_O_NOCTTY | LINUX_O_CLOEXEC)

/* The file is an end already. */
static long fifo_give(struct request *request, struct pipe *pipe, struct open_file *file)
{
	long result = open_file_give(request, file, 0);

	request->answer[1] = pipe->attr.mode;
	if (!result)
		return 0;
	file->poll = &file->own_poll;
	pipe_leave(pipe, file);
	open_file_drop(file);
	return result;
}

static long fifo_open_end(struct request *request, struct pipe *pipe)
{
	struct open_file *file = end_new(pipe, (unsigned)request->m[0] & ~(unsigned)NOT_KEPT);
	long result = -ENFILE;

	if (file) {
		request->opening = file;
		result = end_open(request, pipe, file);
		if (result == REQUEST_KEPT)
			return result;
		request->opening = NULL;
		if (!result)
			return fifo_give(request, pipe, file);
		open_file_drop(file);
	}
	pipe_let_go(pipe);
	return result;
}

long pipe_fifo_open(struct request *request)
{
	struct fifo_key key = { request->badge, request->m[2], request->m[1] };
	struct pipe *pipe;

	if (!request->forwarded || !(request->badge & BADGE_SERVICE) || request->badge == BADGE_SERVICE)
		return -EPERM;
	if (request->bytes < sizeof(struct file_attr))
		return -EINVAL;
	pipe = fifo_find(key);
	if (!pipe)
		pipe = fifo_new(key, request->principal);
	if (!pipe)
		return -ENOMEM; /* for want of the user's pages, too: so Linux says it of a FIFO */
	fifo_describe(pipe, request);
	return fifo_open_end(request, pipe);
}
