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
	struct file_attr attr, *at = ops()->getattr_alone ? (struct file_attr *)serve_message->data : &attr;
	long error;

	*at = (struct file_attr){ 0 };
	error = ops()->getattr(node, at);
	if (error)
		return error;
	if (at == &attr)
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

/* What inotify calls it: times are an attribute if both are set, else what sets that one. */
static unsigned events_of(unsigned mask)
{
	unsigned times = mask & (SETATTR_ATIME | SETATTR_MTIME);
	unsigned events = times == SETATTR_ATIME ? INOTIFY_ACCESS : times == SETATTR_MTIME ? INOTIFY_MODIFY : times ? INOTIFY_ATTRIB : 0;

	return events | (mask & SETATTR_SIZE ? INOTIFY_MODIFY : 0) | (mask & (SETATTR_MODE | SETATTR_UID | SETATTR_GID) ? INOTIFY_ATTRIB : 0);
}

static long told(long result, struct node node, unsigned events)
{
	if (unlikely(watch_count) && !result && events)
		watch_tell(node, ops()->mode(node), events);
	return result;
}

/* What a change of the owner leaves: set-gid without the group's execution is the old mark of mandatory locks, no right of a group. */
static unsigned without_set_id(unsigned mode)
{
	unsigned set_gid = LINUX_S_ISGID | LINUX_S_IXGRP;

	return mode & ~(LINUX_S_ISUID | ((mode & set_gid) == set_gid ? LINUX_S_ISGID : 0));
}

/* Adds to a change of the owner what it does to the mode. */
static unsigned change_owner(unsigned mask, unsigned mode, struct file_attr *attr)
{
	if (!(mask & SETATTR_CHOWN) || (mode & LINUX_S_IFMT) == LINUX_S_IFDIR || without_set_id(mode) == mode)
		return mask;
	attr->mode = without_set_id(mode);
	return mask | SETATTR_MODE;
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
	mask = change_owner(mask, mode, &attr);
	attr.mode = (mode & LINUX_S_IFMT) | (attr.mode & 07777);
	return told(ops()->setattr(node, mask & ~(unsigned)(SETATTR_ATIME_NOW | SETATTR_MTIME_NOW | SETATTR_CHOWN), &attr), node, events_of(mask));
}

long node_truncate(struct node node)
{
	struct file_attr attr = { .size = 0 };

	return ops()->setattr ? told(ops()->setattr(node, SETATTR_SIZE, &attr), node, INOTIFY_MODIFY) : 0;
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
	return told(ops()->setxattr(node, text, name_length, end + 1, length - name_length - 1, flags), node, INOTIFY_ATTRIB);
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
	return ops()->removexattr ? told(ops()->removexattr(node, name, length), node, INOTIFY_ATTRIB) : -EOPNOTSUPP;
}
