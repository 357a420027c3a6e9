/* Extended attributes: a list an inode, in user.*, trusted.* and security.* (names only: nothing here is a privilege). */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/ramfs/tree_internal.h"

#define VALUE_MAX 4096
#define LIST_MAX  4096
#define CREATE 1
#define REPLACE 2

static struct xattr **find(struct inode *inode, const char *name, size_t length)
{
	struct xattr **link = &inode->xattrs;

	while (*link && ((*link)->name_length != length || memcmp((*link)->bytes, name, length)))
		link = &(*link)->next;
	return link;
}

static bool starts(const char *name, size_t length, const char *prefix)
{
	size_t n = strlen(prefix);

	return length > n && !memcmp(name, prefix, n);
}

static long check_name(const struct inode *inode, const char *name, size_t length)
{
	if (starts(name, length, "user."))
		return inode_is(inode, S_IFREG) || inode_is(inode, S_IFDIR) ? 0 : -EPERM;
	return starts(name, length, "trusted.") || starts(name, length, "security.") ? 0 : -EOPNOTSUPP;
}

long tree_getxattr(const struct inode *inode, const char *name, size_t length, void *value, size_t size)
{
	long error = check_name(inode, name, length);
	const struct xattr *xattr = *find((struct inode *)inode, name, length);

	if (error)
		return error == -EPERM ? -ENODATA : error;
	if (!xattr)
		return -ENODATA;
	if (size && xattr->value_length > size)
		return -ERANGE;
	if (size)
		memcpy(value, xattr->bytes + xattr->name_length, xattr->value_length);
	return xattr->value_length;
}

static size_t list_length(const struct inode *inode)
{
	size_t length = 0;

	for (const struct xattr *xattr = inode->xattrs; xattr; xattr = xattr->next)
		length += xattr->name_length + 1;
	return length;
}

long tree_listxattr(const struct inode *inode, char *names, size_t size)
{
	size_t length = list_length(inode);

	if (!size)
		return (long)length;
	if (length > size)
		return -ERANGE;
	for (const struct xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
		memcpy(names, xattr->bytes, xattr->name_length);
		names[xattr->name_length] = 0;
		names += xattr->name_length + 1;
	}
	return (long)length;
}

static void remove(struct xattr **link)
{
	struct xattr *xattr = *link;

	SET(*link, xattr->next);
	arena_free(POOL_BYTES, xattr, xattr_bytes(xattr->name_length, xattr->value_length));
}

long tree_setxattr(struct inode *inode, const char *name, size_t length, const void *value, size_t size, unsigned flags)
{
	struct xattr **old = find(inode, name, length), *xattr;
	long error = check_name(inode, name, length);

	if (error)
		return error;
	if ((flags & CREATE) && *old)
		return -EEXIST;
	if ((flags & REPLACE) && !*old)
		return -ENODATA;
	if (size > VALUE_MAX)
		return -E2BIG;
	if (!*old && list_length(inode) + length + 1 > LIST_MAX)
		return -ENOSPC;
	arena_begin();
	xattr = arena_take(POOL_BYTES, xattr_bytes((u32)length, (u32)size));
	if (!xattr) {
		arena_abort();
		return -ENOSPC;
	}
	xattr->name_length = (u32)length;
	xattr->value_length = (u32)size;
	memcpy(xattr->bytes, name, length);
	memcpy(xattr->bytes + length, value, size);
	if (*old)
		remove(old);
	xattr->next = inode->xattrs;
	SET(inode->xattrs, xattr);
	SET(inode->ctime, tree_hooks->now());
	arena_commit();
	return 0;
}

long tree_removexattr(struct inode *inode, const char *name, size_t length)
{
	struct xattr **link = find(inode, name, length);
	long error = check_name(inode, name, length);

	if (error)
		return error;
	if (!*link)
		return -ENODATA;
	arena_begin();
	remove(link);
	SET(inode->ctime, tree_hooks->now());
	arena_commit();
	return 0;
}
