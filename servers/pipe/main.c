/*
 * The table of operations. Pipes have no names: the mount has only an empty root, which nobody can reach by a path.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "servers/pipe/pipe.h"

static long root(unsigned mount, struct node *node)
{
	(void)mount;
	(void)node;
	return -ENOENT;
}

static unsigned mode(struct node node)
{
	return pipe_of(node)->attr.mode;
}

static long getattr(struct node node, struct file_attr *attr)
{
	*attr = pipe_of(node)->attr;
	return 0;
}

static long setattr(struct node node, unsigned mask, const struct file_attr *attr)
{
	struct file_attr *own = &pipe_of(node)->attr;

	if (mask & SETATTR_SIZE)
		return -EINVAL;
	if (mask & SETATTR_MODE)
		own->mode = (own->mode & LINUX_S_IFMT) | (attr->mode & 07777);
	if (mask & SETATTR_UID)
		own->uid = attr->uid;
	if (mask & SETATTR_GID)
		own->gid = attr->gid;
	if (mask & SETATTR_ATIME)
		own->atime = attr->atime;
	if (mask & SETATTR_MTIME)
		own->mtime = attr->mtime;
	own->ctime = kernel_realtime();
	return 0;
}

static long statfs(struct node node, struct file_statfs *statfs)
{
	(void)node;
	*statfs = (struct file_statfs){ .type = LINUX_PIPEFS_MAGIC, .block_size = PAGE_SIZE, .fragment_size = PAGE_SIZE, .name_max = 255 };
	return 0;
}

static void release(struct open_file *file)
{
	pipe_leave(pipe_of(file->node), file);
}

static void hold(struct node node)
{
	pipe_of(node)->holders++;
}

static void unhold(struct node node)
{
	pipe_of(node)->holders--;
	pipe_let_go(pipe_of(node));
}

static unsigned readable_now(const struct pipe *pipe, const struct open_file *file)
{
	unsigned events = 0;

	if (ring_used(&pipe->ring))
		events |= LINUX_POLLIN | LINUX_POLLRDNORM;
	if (!pipe->writers && file->words[0] != pipe->writer_count)
		events |= LINUX_POLLHUP;
	return events;
}

static unsigned writable_now(const struct pipe *pipe)
{
	unsigned events = 0;

	if (!ring_full(&pipe->ring))
		events |= LINUX_POLLOUT | LINUX_POLLWRNORM;
	if (!pipe->readers)
		events |= LINUX_POLLERR;
	return events;
}

static unsigned poll(struct request *request, struct open_file *file)
{
	const struct pipe *pipe = pipe_of(file->node);

	(void)request;
	return (file_readable(file) ? readable_now(pipe, file) : 0) | (file_writable(file) ? writable_now(pipe) : 0);
}

static bool async(const struct open_file *file, unsigned *owner)
{
	(void)file;
	(void)owner;
	return true;
}

static long ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument)
{
	unsigned used = (unsigned)ring_used(&pipe_of(file->node)->ring);

	(void)argument;
	if (command != LINUX_FIONREAD)
		return -ENOTTY;
	request_give(request, &used, sizeof(used));
	return 0;
}

static long describe(struct open_file *file, char *text, size_t size)
{
	const struct pipe *pipe = pipe_of(file->node);
	size_t length = pipe->fifo ? snformat(text, size, "/%.*s", (int)pipe->path_length, pipe->path ? pipe->path : "")
				   : snformat(text, size, "pipe:[%lu]", pipe->attr.ino);

	return (long)MIN(length, size - 1);
}

static long message(struct request *request)
{
	switch (request->label) {
	case FILE_PIPE:
		return request->file ? -EINVAL : pipe_make(request);
	case FILE_FIFO_OPEN:
		return request->file ? -EINVAL : pipe_fifo_open(request);
	case FILE_PIPE_SIZE:
		if (!request->file)
			return -EBADF;
		if (request->m[0] == ~0ul)
			return (long)pipe_of(request->file->node)->ring.size;
		return pipe_resize(pipe_of(request->file->node), request->m[0], request->principal);
	case FILE_PIPE_RELEASE:
	case FILE_PIPE_TEE:
		return pipe_message(request);
	}
	return -ENOSYS;
}

static const struct serve_operations operations = {
	.root = root,
	.mode = mode,
	.getattr = getattr,
	.setattr = setattr,
	.statfs = statfs,
	.hold = hold,
	.unhold = unhold,
	.open = pipe_open,
	.release = release,
	.read = pipe_read,
	.write = pipe_write,
	.poll = poll,
	.async = async,
	.ioctl = ioctl,
	.describe = describe,
	.message = message,
	.ended = pipe_holders_sweep,
};

int main(void)
{
	serve_run(&operations);
}
