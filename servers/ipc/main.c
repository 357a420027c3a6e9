/*
 * Two file systems: the queues in /dev/mqueue, and /proc/sysvipc with a text for each System V kind. Everything else comes by messages.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "servers/ipc/ipc.h"

enum { MOUNT_QUEUES, MOUNT_TEXTS };
enum { NODE_QUEUES = 1, NODE_TEXTS, NODE_FIRST_TEXT, NODE_LAST_TEXT = NODES_FIXED };

#define MQUEUE_MAGIC 0x19800202
#define DEVICE_QUEUES 17
#define DEVICE_PROC   5

static const struct {
	const char *name;
	void (*make)(struct text *text);
} texts[] = { { "shm", shm_text }, { "sem", sem_text }, { "msg", msg_text } };

static u64 start_time;

static bool is_queue(struct node node)
{
	return node.id > NODES_FIXED;
}

static struct queue *queue_of(struct node node)
{
	return (struct queue *)node.id;
}

static long root(unsigned mount, struct node *node)
{
	node->id = mount == MOUNT_QUEUES ? NODE_QUEUES : NODE_TEXTS;
	return mount > MOUNT_TEXTS ? -ENOENT : 0;
}

static long getattr(struct node node, struct file_attr *attr)
{
	attr->block_size = PAGE_SIZE;
	attr->dev_minor = is_queue(node) || node.id == NODE_QUEUES ? DEVICE_QUEUES : DEVICE_PROC;
	if (is_queue(node)) {
		queue_getattr(queue_of(node), attr);
		return 0;
	}
	attr->ino = node.id;
	attr->nlink = node.id <= NODE_TEXTS ? 2 : 1;
	attr->mode = node.id == NODE_QUEUES ? LINUX_S_IFDIR | 01777 : node.id == NODE_TEXTS ? LINUX_S_IFDIR | 0555 : LINUX_S_IFREG | 0444;
	attr->atime = attr->mtime = attr->ctime = attr->btime = start_time;
	return 0;
}

static unsigned mode(struct node node)
{
	struct file_attr attr = { 0 };

	getattr(node, &attr);
	return attr.mode;
}

static long lookup(struct node directory, const char *name, size_t length, struct node *found)
{
	struct queue *q = directory.id == NODE_QUEUES ? queue_find(name, length) : NULL;

	found->entry = 0;
	found->id = (u64)q;
	for (unsigned i = 0; directory.id == NODE_TEXTS && i < ARRAY_SIZE(texts); i++)
		if (strlen(texts[i].name) == length && !memcmp(texts[i].name, name, length))
			found->id = NODE_FIRST_TEXT + i;
	return found->id ? 0 : -ENOENT;
}

static long parent(struct node node, struct node *up, char name[256], bool *deleted)
{
	if (node.id == NODE_QUEUES || node.id == NODE_TEXTS)
		return 0;
	*up = (struct node){ .id = is_queue(node) ? NODE_QUEUES : NODE_TEXTS };
	return (long)strlcpy(name, is_queue(node) ? queue_name(queue_of(node), deleted) : texts[node.id - NODE_FIRST_TEXT].name, 256);
}

static long readdir(struct open_file *file, struct dirent_list *list)
{
	if (file->node.id == NODE_TEXTS) {
		for (u64 i = file->offset - 2; i < ARRAY_SIZE(texts); i++)
			if (!dirent_add(list, NODE_FIRST_TEXT + i, i + 3, 8, texts[i].name, strlen(texts[i].name)))
				break;
		return 0;
	}
	/* a queue's cookie is larger than those of all older ones */
	for (struct queue *q = queue_first(); q; q = queue_next(q)) {
		bool deleted;
		const char *name = queue_name(q, &deleted);

		if (queue_cookie(q) > file->offset && !dirent_add(list, queue_cookie(q), queue_cookie(q), 8, name, strlen(name)))
			break;
	}
	return 0;
}

static long create(struct node directory, const char *name, size_t length, unsigned mode_wanted, u64 device, struct node *made)
{
	struct queue *q = NULL;
	long error;

	(void)device;
	if (directory.id != NODE_QUEUES || (mode_wanted & LINUX_S_IFMT) != LINUX_S_IFREG)
		return -EPERM;
	error = queue_create(name, length, mode_wanted, &q);
	*made = (struct node){ .id = (u64)q };
	return error;
}

static long unlink(struct node directory, const char *name, size_t length, bool rmdir)
{
	if (rmdir)
		return -ENOTDIR;
	return directory.id == NODE_QUEUES ? queue_unlink(name, length) : -EPERM;
}

static long setattr(struct node node, unsigned mask, const struct file_attr *attr)
{
	if (!is_queue(node))
		return -EPERM;
	queue_setattr(queue_of(node), mask, attr);
	return 0;
}

static long statfs(struct node node, struct file_statfs *statfs)
{
	*statfs = (struct file_statfs){ .type = is_queue(node) || node.id == NODE_QUEUES ? MQUEUE_MAGIC : LINUX_PROC_MAGIC, .block_size = PAGE_SIZE,
					.fragment_size = PAGE_SIZE, .name_max = 255 };
	return 0;
}

static void hold(struct node node)
{
	if (is_queue(node))
		queue_hold(queue_of(node));
}

static void unhold(struct node node)
{
	if (is_queue(node))
		queue_unhold(queue_of(node));
}

/* ---- open files ---- */

static long open(struct request *request, struct open_file *file)
{
	(void)request;
	if (is_queue(file->node))
		queue_open(queue_of(file->node), file);
	return 0;
}

void text_add(struct text *text, const char *format, ...)
{
	size_t room = text->size - text->length;
	va_list args;

	va_start(args, format);
	text->length += MIN(vsnformat(text->bytes + text->length, room, format, args), room ? room - 1 : 0);
	va_end(args);
}

/* Made anew for each read: as long as it needs. */
static long read_text(struct request *request, const struct open_file *file, u64 offset, size_t length)
{
	static struct text text;
	size_t given;

	if (!text.bytes)
		text = (struct text){ .bytes = memory_take(0x40000), .size = 0x40000 };
	if (!text.bytes)
		return -ENOMEM;
	text.length = 0;
	texts[file->node.id - NODE_FIRST_TEXT].make(&text);
	given = offset < text.length ? request_give(request, text.bytes + offset, MIN(length, text.length - offset)) : 0;
	return (long)given;
}

static long read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	if (is_queue(file->node))
		return queue_read(request, queue_of(file->node), offset, length);
	return read_text(request, file, offset, length);
}

static unsigned poll(struct request *request, struct open_file *file)
{
	(void)request;
	return is_queue(file->node) ? queue_poll(queue_of(file->node)) : LINUX_POLLIN | LINUX_POLLOUT | LINUX_POLLRDNORM | LINUX_POLLWRNORM;
}

static void flush(struct open_file *file, unsigned pid)
{
	if (is_queue(file->node))
		queue_flush(file, pid);
}

static void ended(void)
{
	sem_sweep();
	queue_sweep();
}

static long message(struct request *request)
{
	unsigned label = request->label;

	if (label >= FILE_MQ_SEND && label <= FILE_MQ_ATTR)
		return request->file && is_queue(request->file->node) ? queue_message(request) : -EBADF;
	if (request->file)
		return -EINVAL;
	if (label >= FILE_SHM_GET && label <= FILE_SHM_DETACHED)
		return shm_message(request);
	if (label >= FILE_SEM_GET && label <= FILE_SEM_CONTROL)
		return sem_message(request);
	if (label >= FILE_MSG_GET && label <= FILE_MSG_CONTROL)
		return msg_message(request);
	return -ENOSYS;
}

static const struct serve_operations operations = {
	.root = root, .mode = mode, .getattr = getattr, .setattr = setattr, .lookup = lookup, .parent = parent, .readdir = readdir, .create = create,
	.unlink = unlink, .statfs = statfs, .hold = hold, .unhold = unhold, .open = open, .read = read, .poll = poll, .flush = flush, .ended = ended,
	.message = message,
};

/* Segments of a server that died: nobody can name them any more. Who has them mapped keeps the pages. */
static void drop_old_segments(void)
{
	long id;

	while ((id = root_call3(PROC_OBJECT_LIST, 0, 0, 0)) > 0)
		object_destroy((u64)id);
}

int main(void)
{
	start_time = kernel_realtime();
	drop_old_segments();
	serve_run(&operations);
}
