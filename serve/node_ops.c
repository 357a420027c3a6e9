/* What path operations and operations of open files have in common: attributes of a node. */
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/internal.h"

#define XATTR_NAME_MAX 255

static const struct serve_operations *ops(void)
{
	return serve_operations;
}

long node_getattr(struct request *request, struct node node)
{
	struct file_attr attr = { 0 };
	long error = ops()->getattr(node, &attr);

	if (error)
		return error;
	*(struct file_attr *)serve_message->data = attr;
	request->answer_bytes = sizeof(attr);
	return 0;
}

/* What a change of the size asks of the type. */
static long check_size(unsigned mode, u64 size)
{
	switch (mode & LINUX_S_IFMT) {
	case LINUX_S_IFREG:
		return size > INT64_MAX ? -EINVAL : 0;
	case LINUX_S_IFDIR:
		return -EISDIR;
	}
	return -EINVAL;
}

long node_setattr(struct request *request, struct node node, unsigned mask, const unsigned char *data, size_t bytes)
{
	unsigned mode = ops()->mode(node);
	struct file_attr attr;
	long error;

	(void)request;
	if (bytes != sizeof(attr))
		return -EINVAL;
	memcpy(&attr, data, sizeof(attr));
	if (!mode)
		return -ENOENT;
	error = (mask & SETATTR_SIZE) ? check_size(mode, attr.size) : 0;
	if (error)
		return error;
	if (!ops()->setattr)
		return -EPERM;
	if (mask & SETATTR_ATIME_NOW)
		attr.atime = kernel_realtime();
	if (mask & SETATTR_MTIME_NOW)
		attr.mtime = kernel_realtime();
	mask |= (mask & SETATTR_ATIME_NOW ? SETATTR_ATIME : 0) | (mask & SETATTR_MTIME_NOW ? SETATTR_MTIME : 0);
	attr.mode = (mode & LINUX_S_IFMT) | (attr.mode & 07777);
	return ops()->setattr(node, mask & ~(unsigned)(SETATTR_ATIME_NOW | SETATTR_MTIME_NOW), &attr);
}

long node_truncate(struct node node)
{
	struct file_attr attr = { .size = 0 };

	return ops()->setattr ? ops()->setattr(node, SETATTR_SIZE, &attr) : 0;
}

long node_statfs(struct request *request, struct node node)
{
	struct file_statfs statfs;
	long error;

	memset(&statfs, 0, sizeof(statfs));
	if (!ops()->statfs)
		return -ENOSYS;
	error = ops()->statfs(node, &statfs);
	if (error)
		return error;
	memcpy(serve_message->data, &statfs, sizeof(statfs));
	request->answer_bytes = sizeof(statfs);
	return 0;
}

static long check_name(const char *name, size_t length)
{
	if (!length || length > XATTR_NAME_MAX)
		return -ERANGE;
	return memchr(name, 0, length) ? -EINVAL : 0;
}

long node_getxattr(struct request *request, struct node node, const char *name, size_t length)
{
	long result = check_name(name, length);

	if (result)
		return result;
	if (!ops()->getxattr)
		return -EOPNOTSUPP;
	result = ops()->getxattr(node, name, length, serve_message->data, MESSAGE_BYTES);
	if (result > 0)
		request->answer_bytes = (unsigned)result;
	return result;
}

long node_setxattr(struct request *request, struct node node, const char *text, size_t length, unsigned flags)
{
	const char *end = memchr(text, 0, length);
	size_t name_length = end ? (size_t)(end - text) : 0;
	long error = end ? check_name(text, name_length) : -EINVAL;

	(void)request;
	if (error)
		return error;
	if (flags & ~(unsigned)(LINUX_XATTR_CREATE | LINUX_XATTR_REPLACE))
		return -EINVAL;
	if (!ops()->setxattr)
		return -EOPNOTSUPP;
	return ops()->setxattr(node, text, name_length, end + 1, length - name_length - 1, flags);
}

long node_listxattr(struct request *request, struct node node)
{
	long result = ops()->listxattr ? ops()->listxattr(node, (char *)serve_message->data, MESSAGE_BYTES) : 0;

	if (result > 0)
		request->answer_bytes = (unsigned)result;
	return result;
}

long node_removexattr(struct node node, const char *name, size_t length)
{
	long error = check_name(name, length);

	if (error)
		return error;
	return ops()->removexattr ? ops()->removexattr(node, name, length) : -EOPNOTSUPP;
}
