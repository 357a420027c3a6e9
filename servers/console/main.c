/*
 * The console server: its files are mounts of a single file each, in this order.
 */
#include "lib/errno.h"
#include "servers/console/console.h"

enum { NODE_CONSOLE = 1, NODE_TTY, NODE_LINES, NODE_END = NODE_LINES + LINES };

/* What chmod and chown change. */
static struct {
	unsigned mode, uid, gid;
	u64 atime, mtime, ctime;
} attributes[NODE_END];

static long root(unsigned mount, struct node *node)
{
	if (mount == MOUNT_TERMINAL)
		mount = NODE_TTY - NODE_CONSOLE;
	if (mount + NODE_CONSOLE >= NODE_END)
		return -ENOENT;
	*node = (struct node){ .id = mount + NODE_CONSOLE };
	return 0;
}

static unsigned mode(struct node node)
{
	return LINUX_S_IFCHR | attributes[node.id].mode;
}

static long statfs(struct node node, struct file_statfs *statfs)
{
	(void)node;
	*statfs = (struct file_statfs){ .type = LINUX_TMPFS_MAGIC, .block_size = PAGE_SIZE, .fragment_size = PAGE_SIZE, .name_max = 255 };
	return 0;
}

static long getattr(struct node node, struct file_attr *attr)
{
	attr->ino = node.id == NODE_TTY ? TTY_SELF_INO : 100 + node.id;
	attr->dev_minor = TTY_FILES_MINOR;
	attr->mode = mode(node);
	attr->uid = attributes[node.id].uid;
	attr->gid = attributes[node.id].gid;
	attr->atime = attributes[node.id].atime;
	attr->mtime = attributes[node.id].mtime;
	attr->ctime = attributes[node.id].ctime;
	attr->nlink = 1;
	attr->block_size = PAGE_SIZE;
	attr->rdev_major = node.id >= NODE_LINES ? 4 : 5;
	attr->rdev_minor = node.id >= NODE_LINES ? 64 + (unsigned)node.id - NODE_LINES : node.id == NODE_CONSOLE;
	return 0;
}

static long setattr(struct node node, unsigned mask, const struct file_attr *attr)
{
	/* A device has no size: truncation is taken and does nothing, as on Linux. */
	if (mask & SETATTR_MODE)
		attributes[node.id].mode = attr->mode & 07777;
	if (mask & SETATTR_UID)
		attributes[node.id].uid = attr->uid;
	if (mask & SETATTR_GID)
		attributes[node.id].gid = attr->gid;
	if (mask & SETATTR_ATIME)
		attributes[node.id].atime = attr->atime;
	if (mask & SETATTR_MTIME)
		attributes[node.id].mtime = attr->mtime;
	attributes[node.id].ctime = kernel_realtime();
	return 0;
}

static struct tty *tty_of_node(struct node node, const struct principal_entry *caller)
{
	switch (node.id) {
	case NODE_CONSOLE:
		return &lines[0].tty;
	case NODE_TTY:
		return job_terminal(caller);
	}
	return &lines[node.id - NODE_LINES].tty;
}

static long open(struct request *request, struct open_file *file)
{
	const struct principal_entry *caller = job_caller(request);
	struct tty *tty = tty_of_node(file->node, caller);
	long error;

	if (!tty)
		return -ENXIO;
	if (file->node.id >= NODE_LINES && !lines[file->node.id - NODE_LINES].uart.io_slot)
		return -EIO;
	error = tty_open(tty, request, file);
	/* As on Linux the console does not become a controlling terminal by being opened: the first process has it open. */
	if (!error && file->node.id >= NODE_LINES)
		job_opened(tty, request, file, (unsigned)request->m[0]);
	return error;
}

static void release(struct open_file *file)
{
	struct tty *tty = tty_of(file);

	tty_release(file);
	if (list_empty(&tty->files))
		tty->exclusive = false;
}

static void notified(unsigned long bits)
{
	if (bits & NOTICE_SESSION)
		job_sweep();
	if (bits & ~NOTICE_SESSION)
		line_interrupt();
}

static const struct serve_operations operations = {
	.root = root,
	.mode = mode,
	.getattr = getattr,
	.statfs = statfs,
	.setattr = setattr,
	.open = open,
	.release = release,
	.read = tty_read,
	.write = tty_write,
	.ioctl = tty_ioctl,
	.poll = tty_poll,
	.async = tty_async,
	.message = tty_message,
	.notified = notified,
	.deadline = line_deadline,
	.expired = line_expired,
};

int main(void)
{
	u64 now = kernel_realtime();

	for (unsigned i = NODE_CONSOLE; i < NODE_END; i++) {
		attributes[i].mode = i == NODE_TTY ? 0666 : 0600;
		attributes[i].atime = attributes[i].mtime = attributes[i].ctime = now;
	}
	for (unsigned i = 0; i < LINES; i++)
		line_init(&lines[i], i);
	serve_run(&operations);
}
