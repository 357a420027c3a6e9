/* The table of operations. Unix sockets have no names here: those that are bound to a path are found by way of the file system. What is mounted is their list. */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "servers/socket/inet.h"
#include "servers/socket/list.h"

#define SOCKET_DEVICE_MINOR 15 /* sockfs: below the device numbers of mounts */

static long root(unsigned mount, struct node *node)
{
	*node = (struct node){ .entry = NODE_DIRECTORY };
	return mount ? -ENOENT : 0;
}

static long lookup(struct node directory, const char *name, size_t length, struct node *found)
{
	*found = (struct node){ .id = list_find(name, length), .entry = NODE_LIST };
	return directory.entry != NODE_DIRECTORY ? -ENOTDIR : found->id ? 0 : -ENOENT;
}

static long parent(struct node node, struct node *up, char name[256], bool *deleted)
{
	(void)deleted;
	*up = (struct node){ .entry = NODE_DIRECTORY };
	if (node.entry == NODE_LIST)
		return (long)strlcpy(name, list_name((unsigned)node.id), 256);
	return node.entry == NODE_DIRECTORY ? 0 : -ENOENT;
}

static long readdir(struct open_file *file, struct dirent_list *list)
{
	const char *name;

	for (unsigned i = (unsigned)file->offset - 1; (name = list_name(i)); i++)
		if (!dirent_add(list, i + 1, i + 2, LINUX_S_IFREG >> 12, name, strlen(name)))
			break;
	return 0;
}

static struct socket *node_socket(struct node node)
{
	return node.entry == NODE_SOCKET ? (struct socket *)node.id : NULL;
}

static unsigned mode(struct node node)
{
	const struct socket *socket = node_socket(node);

	if (node.entry == NODE_DIRECTORY)
		return LINUX_S_IFDIR | 0555;
	if (node.entry == NODE_LIST)
		return LINUX_S_IFREG | 0444;
	return socket ? socket->mode : LINUX_S_IFSOCK | 0600;
}

static long getattr(struct node node, struct file_attr *attr)
{
	const struct socket *socket = node_socket(node);

	*attr = (struct file_attr){ .mode = mode(node), .nlink = 1, .block_size = PAGE_SIZE, .dev_minor = SOCKET_DEVICE_MINOR };
	if (!socket) {
		attr->ino = node.id + 1;
		return 0;
	}
	attr->ino = socket->ino;
	attr->uid = socket->uid;
	attr->gid = socket->gid;
	attr->atime = attr->mtime = attr->ctime = attr->btime = socket->created;
	return 0;
}

/*
 * As chown(2). Whose a socket is says who may share its port (SO_REUSEPORT), and is told of it: only user 0 gives it to others; its owner may give it to a group
 * of its own.
 */
static bool chown_allowed(const struct socket *socket, unsigned mask, const struct file_attr *attr)
{
	struct socket_credentials who = credentials_of(serve_request->principal, true);

	if (!who.uid || !(mask & (SETATTR_UID | SETATTR_GID)))
		return true;
	if (who.uid != socket->uid || (mask & SETATTR_UID && attr->uid != socket->uid))
		return false;
	return !(mask & SETATTR_GID) || attr->gid == socket->gid || attr->gid == who.gid;
}

static long setattr(struct node node, unsigned mask, const struct file_attr *attr)
{
	struct socket *socket = node_socket(node);

	if (!socket || mask & SETATTR_SIZE)
		return -EINVAL;
	if (!chown_allowed(socket, mask, attr))
		return -EPERM;
	if (mask & SETATTR_MODE)
		socket->mode = LINUX_S_IFSOCK | (attr->mode & 07777);
	if (socket->file)
		socket->file->mode = socket->mode;
	if (mask & SETATTR_UID)
		socket->uid = attr->uid;
	if (mask & SETATTR_GID)
		socket->gid = attr->gid;
	return 0;
}

static long statfs(struct node node, struct file_statfs *statfs)
{
	(void)node;
	*statfs = (struct file_statfs){ .type = LINUX_SOCKFS_MAGIC, .block_size = PAGE_SIZE, .fragment_size = PAGE_SIZE, .name_max = 255 };
	return 0;
}

static void release(struct open_file *file)
{
	struct rights *rights = file->data;

	switch ((enum node_kind)file->node.entry) {
	case NODE_SOCKET:
		socket_close(socket_of(file), false);
		break;
	case NODE_NAME:
		memory_free((void *)file->node.id, sizeof(struct name));
		break;
	case NODE_BUNDLE:
		if (rights)
			rights_drop(rights);
		break;
	case NODE_LIST:
		list_close(file);
		break;
	case NODE_DIRECTORY:
		break;
	}
	sockets_settle();
}

/* No process has it any more, but messages have. */
static void orphaned(struct open_file *file)
{
	struct socket *socket = socket_of(file);

	if (!socket || !socket->in_flight)
		return;
	rights_want_collection();
	sockets_settle();
}

/* An O_PATH descriptor of a socket does not keep it from being closed, but what is told of it. */
static void hold(struct node node)
{
	if (node_socket(node))
		socket_hold(node_socket(node));
}

static void unhold(struct node node)
{
	if (node_socket(node))
		socket_drop(node_socket(node));
}

/* Only the lists can be opened by a path. */
static long open(struct request *request, struct open_file *file)
{
	(void)request;
	if (file->node.entry == NODE_DIRECTORY)
		return 0;
	return file->node.entry == NODE_LIST ? list_open(file) : -ENXIO;
}

static long read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct receive r = { .socket = socket_of(file), .length = length, .plain = true };

	if (file->node.entry == NODE_LIST)
		return list_read(request, file, offset, length);
	return r.socket ? socket_receive(request, &r) : -EBADF;
}

static long write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	(void)offset;
	return socket_of(file) ? socket_write(request, length) : -EBADF;
}

static unsigned poll(struct request *request, struct open_file *file)
{
	const struct socket *socket = socket_of(file);

	if (file->node.entry == NODE_LIST)
		return LINUX_POLLIN | LINUX_POLLRDNORM;
	return socket ? socket_poll(socket, (unsigned)request->m[0]) : LINUX_POLLERR;
}

static bool async(const struct open_file *file, unsigned *owner)
{
	(void)owner;
	return file->node.entry != NODE_LIST;
}

/* -ENOTTY: it is no such number. */
static long number_of(const struct socket *socket, unsigned command)
{
	if (!socket->transport->unsent)
		return -ENOTTY;
	switch (command) {
	case LINUX_SIOCINQ: return socket_waiting_bytes(socket);
	case LINUX_SIOCOUTQ: return socket->transport->unsent(socket);
	case LINUX_SIOCATMARK: return socket->transport->mark_check ? socket_at_mark(socket) : -ENOTTY;
	default: return -ENOTTY;
	}
}

static long ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument)
{
	struct socket *socket = socket_of(file);
	long value;
	int number;

	if (!socket)
		return -ENOTTY;
	value = number_of(socket, command);
	if (value == -ENOTTY)
		return interface_ioctl(request, command, argument, socket->inet);
	number = (int)value;
	if (value < 0)
		return value;
	request_give(request, &number, sizeof(number));
	return 0;
}

static long describe(struct open_file *file, char *text, size_t size)
{
	const struct socket *socket = socket_of(file);
	size_t length = snformat(text, size, "socket:[%lu]", socket ? socket->ino : 0);

	if (file->node.entry == NODE_LIST || file->node.entry == NODE_DIRECTORY)
		return -ENOENT; /* its path */
	return (long)MIN(length, size - 1);
}

typedef long operation(struct request *request);

static operation *const on_sockets[] = {
	[FILE_BIND] = op_bind, [FILE_LISTEN] = op_listen, [FILE_CONNECT] = op_connect, [FILE_ACCEPT] = op_accept, [FILE_SEND] = op_send,
	[FILE_RECEIVE] = op_receive, [FILE_SHUTDOWN] = op_shutdown, [FILE_SOCKET_ADDRESS] = op_socket_address,
	[FILE_GET_OPTION] = op_get_option, [FILE_SET_OPTION] = op_set_option,
};

static long message(struct request *request)
{
	unsigned label = request->label;

	rights_spent();
	if (label == FILE_SOCKET)
		return request->file ? -EINVAL : op_socket(request);
	if (label == FILE_SOCKET_NAME)
		return request->file ? -EINVAL : op_socket_name(request);
	if (label == FILE_RIGHTS)
		return op_rights(request);
	if (label == FILE_RIGHTS_TAKE)
		return op_rights_take(request);
	if (label >= ARRAY_SIZE(on_sockets) || !on_sockets[label])
		return -ENOSYS;
	if (!request->file || !socket_of(request->file) || request->file->flags & LINUX_O_PATH)
		return -EBADF;
	return on_sockets[label](request);
}

static unsigned long deadline(void)
{
	unsigned long wait = wait_deadline(), tcp = tcp_deadline();

	return wait && tcp ? MIN(wait, tcp) : wait | tcp;
}

static void expired(void)
{
	wait_expired();
	tcp_expired();
}

static const struct serve_operations operations = {
	.root = root,
	.mode = mode,
	.lookup = lookup,
	.parent = parent,
	.readdir = readdir,
	.getattr = getattr,
	.setattr = setattr,
	.statfs = statfs,
	.hold = hold,
	.unhold = unhold,
	.open = open,
	.release = release,
	.orphaned = orphaned,
	.read = read,
	.write = write,
	.poll = poll,
	.async = async,
	.ioctl = ioctl,
	.describe = describe,
	.message = message,
	.deadline = deadline,
	.expired = expired,
};

#define HELD_PART 16 /* of memory: twice that is less than what the server may have (serve/memory.c) */

static void limit_held(void)
{
	unsigned long m[8] = { 0 };

	if (root_call(PROC_MEMORY_INFO, m, 0) >= 0)
		socket_held_limit = m[1] / HELD_PART;
}

int main(void)
{
	limit_held();
	serve_run(&operations);
}
