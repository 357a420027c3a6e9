/*
 * The files: /dev/ptmx, the directory /dev/pts, and /dev/tty of those whose controlling terminal is a pty.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "servers/pty/pty.h"

/* Every other node is a pointer to its pty. */
enum { NODE_PTMX = 1, NODE_PTS, NODE_PTS_PTMX, NODE_TTY, NODE_END };

#define INO_FIRST 3 /* of slaves, as Linux's devpts has them */

/* What chmod and chown change of the nodes that are always there. */
static struct attributes {
	unsigned mode, uid, gid;
	u64 atime, mtime, ctime;
} attributes[NODE_END];

struct node pty_node(struct pty *pty)
{
	return (struct node){ .id = (u64)pty };
}

/* NULL: it is not a slave's. */
static struct pty *slave_of(struct node node)
{
	return node.id < NODE_END ? NULL : (struct pty *)node.id;
}

static long root(unsigned mount, struct node *node)
{
	switch (mount) {
	case MOUNT_PTMX:
		node->id = NODE_PTMX;
		return 0;
	case MOUNT_PTS:
		node->id = NODE_PTS;
		return 0;
	case MOUNT_TERMINAL:
		node->id = NODE_TTY;
		return 0;
	}
	return -ENOENT;
}

static unsigned mode(struct node node)
{
	const struct pty *pty = slave_of(node);

	return pty ? LINUX_S_IFCHR | pty->mode : attributes[node.id].mode;
}

/* ---- attributes ---- */

static void slave_attr(const struct pty *pty, struct file_attr *attr)
{
	attr->ino = INO_FIRST + pty->index;
	attr->nlink = pty->master_open;
	attr->uid = pty->uid;
	attr->gid = pty->gid;
	attr->atime = pty->atime;
	attr->mtime = pty->mtime;
	attr->ctime = pty->ctime;
	attr->rdev_major = PTY_SLAVE_MAJOR;
	attr->rdev_minor = pty->index;
}

static void fixed_attr(u64 node, struct file_attr *attr)
{
	const struct attributes *own = &attributes[node];

	attr->ino = node == NODE_PTS ? 1 : node == NODE_PTS_PTMX ? 2 : node == NODE_TTY ? TTY_SELF_INO : TTY_PTMX_INO;
	attr->nlink = node == NODE_PTS ? 2 : 1;
	attr->uid = own->uid;
	attr->gid = own->gid;
	attr->atime = own->atime;
	attr->mtime = own->mtime;
	attr->ctime = own->ctime;
	if (node != NODE_PTS) {
		attr->rdev_major = 5;
		attr->rdev_minor = node == NODE_TTY ? 0 : 2;
	}
}

static long getattr(struct node node, struct file_attr *attr)
{
	if (slave_of(node))
		slave_attr(slave_of(node), attr);
	else
		fixed_attr(node.id, attr);
	attr->mode = mode(node);
	attr->block_size = 1024;
	attr->dev_minor = slave_of(node) || node.id == NODE_PTS || node.id == NODE_PTS_PTMX ? PTY_FILES_MINOR : TTY_FILES_MINOR;
	return 0;
}

struct changed {
	unsigned *mode, *uid, *gid;
	u64 *atime, *mtime, *ctime;
};

static struct changed fields(struct node node)
{
	struct pty *pty = slave_of(node);
	struct attributes *own = pty ? NULL : &attributes[node.id];

	if (pty)
		return (struct changed){ &pty->mode, &pty->uid, &pty->gid, &pty->atime, &pty->mtime, &pty->ctime };
	return (struct changed){ &own->mode, &own->uid, &own->gid, &own->atime, &own->mtime, &own->ctime };
}

static long setattr(struct node node, unsigned mask, const struct file_attr *attr)
{
	struct changed to = fields(node);

	if (mask & SETATTR_SIZE && node.id == NODE_PTS)
		return -EISDIR;
	if (mask & SETATTR_MODE)
		*to.mode = (*to.mode & LINUX_S_IFMT) | (attr->mode & 07777);
	if (mask & SETATTR_UID)
		*to.uid = attr->uid;
	if (mask & SETATTR_GID)
		*to.gid = attr->gid;
	if (mask & SETATTR_ATIME)
		*to.atime = attr->atime;
	if (mask & SETATTR_MTIME)
		*to.mtime = attr->mtime;
	*to.ctime = kernel_realtime();
	return 0;
}

/* ---- the directory ---- */

/* A number without zeros before it. */
static bool parse_index(const char *name, size_t length, unsigned *index)
{
	if (!length || length > 4 || (name[0] == '0' && length > 1))
		return false;
	*index = 0;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		*index = *index * 10 + (unsigned)(name[i] - '0');
	}
	return true;
}

static long lookup(struct node directory, const char *name, size_t length, struct node *found)
{
	unsigned index;
	struct pty *pty;

	(void)directory;
	if (length == 4 && !memcmp(name, "ptmx", 4)) {
		found->id = NODE_PTS_PTMX;
		return 0;
	}
	pty = parse_index(name, length, &index) ? pty_find(index) : NULL;
	if (!pty)
		return -ENOENT;
	*found = pty_node(pty);
	return 0;
}

static long parent(struct node node, struct node *up, char name[256], bool *deleted)
{
	const struct pty *pty = slave_of(node);

	up->id = NODE_PTS;
	if (pty) {
		*deleted = !pty->master_open;
		return (long)snformat(name, 256, "%u", pty->index);
	}
	return node.id == NODE_PTS_PTMX ? (long)strlcpy(name, "ptmx", 256) : 0;
}

/* Cookies: 2 and on are slaves, ptmx comes last. Programs see the newest first, as a rule, as on Linux. */
static long readdir(struct open_file *file, struct dirent_list *list)
{
	u64 at = file->offset - 2;

	for (; at < PTYS_MAX; at++) {
		unsigned index = PTYS_MAX - 1 - (unsigned)at;
		char name[8];

		if (pty_find(index) && !dirent_add(list, INO_FIRST + index, at + 3, LINUX_S_IFCHR >> 12, name, snformat(name, sizeof(name), "%u", index)))
			return 0;
	}
	if (at == PTYS_MAX)
		dirent_add(list, 2, at + 3, LINUX_S_IFCHR >> 12, "ptmx", 4);
	return 0;
}

static long statfs(struct node node, struct file_statfs *statfs)
{
	bool pts = slave_of(node) || node.id == NODE_PTS || node.id == NODE_PTS_PTMX;

	*statfs = (struct file_statfs){ .type = pts ? LINUX_DEVPTS_MAGIC : LINUX_TMPFS_MAGIC, .block_size = PAGE_SIZE,
					.fragment_size = PAGE_SIZE, .name_max = 255 };
	return 0;
}

static void hold(struct node node)
{
	if (slave_of(node))
		pty_hold(slave_of(node));
}

static void unhold(struct node node)
{
	if (slave_of(node))
		pty_unhold(slave_of(node));
}

/* ---- open files ---- */

static bool is_master(const struct open_file *file)
{
	return file->node.id == NODE_PTMX || file->node.id == NODE_PTS_PTMX;
}

static bool is_directory(const struct open_file *file)
{
	return file->node.id == NODE_PTS;
}

static long open_master(struct request *request, struct open_file *file)
{
	long error;
	struct pty *pty = pty_new(request, &error);

	if (!pty)
		return error;
	file->data = &pty->tty;
	file->opened = OPENED_TTY;
	file->poll = &pty->poll;
	return 0;
}

static long open(struct request *request, struct open_file *file)
{
	struct tty *own;

	if (is_directory(file))
		return 0;
	if (is_master(file))
		return open_master(request, file);
	if (slave_of(file->node))
		return pty_open_slave(slave_of(file->node), request, file, (unsigned)request->m[0]);
	own = job_terminal(job_caller(request));
	return own ? pty_open_slave(container_of(own, struct pty, tty), request, file, LINUX_O_NOCTTY) : -ENXIO;
}

static void release(struct open_file *file)
{
	if (is_directory(file))
		return;
	if (is_master(file))
		pty_close_master(file);
	else
		pty_close_slave(file);
}

static long read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	return is_master(file) ? master_read(request, file, offset, length) : tty_read(request, file, offset, length);
}

static long write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	return is_master(file) ? master_write(request, file, offset, length) : tty_write(request, file, offset, length);
}

static unsigned poll(struct request *request, struct open_file *file)
{
	if (is_directory(file))
		return LINUX_POLLIN | LINUX_POLLOUT | LINUX_POLLRDNORM | LINUX_POLLWRNORM;
	return is_master(file) ? master_poll(file) : tty_poll(request, file);
}

/* A master has no foreground group of its own. */
static bool async(const struct open_file *file, unsigned *owner)
{
	if (!is_master(file))
		return tty_async(file, owner);
	*owner = ASYNC_CALLER;
	return true;
}

static long ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument)
{
	if (is_directory(file))
		return -ENOTTY;
	return is_master(file) ? master_ioctl(request, file, command, argument) : tty_ioctl(request, file, command, argument);
}

static void notified(unsigned long bits)
{
	if (bits & NOTICE_SESSION)
		job_sweep();
}

static unsigned long deadline(void)
{
	pty_reap();
	return tty_deadline();
}

static const struct serve_operations operations = {
	.root = root,
	.mode = mode,
	.getattr = getattr,
	.setattr = setattr,
	.lookup = lookup,
	.parent = parent,
	.readdir = readdir,
	.statfs = statfs,
	.hold = hold,
	.unhold = unhold,
	.open = open,
	.release = release,
	.read = read,
	.write = write,
	.ioctl = ioctl,
	.poll = poll,
	.async = async,
	.message = tty_message,
	.notified = notified,
	.deadline = deadline,
	.expired = tty_expired,
};

int main(void)
{
	u64 now = kernel_realtime();

	for (unsigned i = NODE_PTMX; i < NODE_END; i++) {
		attributes[i].mode = i == NODE_PTS ? LINUX_S_IFDIR | 0755 : LINUX_S_IFCHR | 0666;
		attributes[i].atime = attributes[i].mtime = attributes[i].ctime = now;
	}
	serve_run(&operations);
}
