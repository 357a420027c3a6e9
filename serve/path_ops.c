/* Path operations, as root forwards them: decode, walk, act. */
#include "abi/socket.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/internal.h"

#define RENAME_FLAGS (LINUX_RENAME_NOREPLACE | LINUX_RENAME_EXCHANGE)

/* The paths of the current request: the message buffer is overwritten by calls of root. */
static char texts[MESSAGE_BYTES];
static size_t texts_length;

static const struct serve_operations *ops(void)
{
	return serve_operations;
}

static bool is_directory(unsigned mode)
{
	return (mode & LINUX_S_IFMT) == LINUX_S_IFDIR;
}

static bool is_link(unsigned mode)
{
	return (mode & LINUX_S_IFMT) == LINUX_S_IFLNK;
}

/* Place and path together. Fits: tree.c has seen to it. */
static void copy_tree_path(const struct request *request)
{
	size_t length = request->m[4] - request->path_start;

	if (request->place_length)
		memcpy(texts, request->place, request->place_length);
	memcpy(texts + request->place_length, serve_message->data + request->path_start, length);
	texts_length = request->place_length + length;
}

void walk_begin(struct request *request, struct walk *walk)
{
	*walk = (struct walk){
		.mount = (unsigned)request->m[3],
		.path = texts,
		.directory = (request->m[7] & WALK_DIRECTORY) != 0,
	};
	if (by_tree(request)) {
		copy_tree_path(request);
		walk->length = texts_length;
		walk->tree = request->badge;
	} else {
		texts_length = request->bytes;
		memcpy(texts, serve_message->data, texts_length);
		walk->length = MIN(request->m[4], texts_length);
	}
	/* A slash at the end makes stat and the like look behind a link. */
	walk->follow = !(request->m[7] & WALK_NOFOLLOW) || walk->directory;
}

const char *walk_second(struct request *request, size_t *length)
{
	size_t first = request->m[4];

	*length = request->m[5];
	if (first > texts_length || *length > texts_length - first)
		return NULL;
	return texts + first;
}

/* Walks to something that must exist. */
static long walk_existing(struct request *request, struct walk *walk)
{
	long result = walk_path(request, walk);

	if (!result && !walk->mode)
		return -ENOENT;
	return result;
}

static long walk_to_existing(struct request *request, struct walk *walk)
{
	walk_begin(request, walk);
	return walk_existing(request, walk);
}

/* Walks to a name that must not exist yet. */
static long walk_to_new(struct request *request, struct walk *walk, bool directory)
{
	long result;

	walk->follow = false;
	walk->keep_link = true;
	result = walk_path(request, walk);
	if (result)
		return result;
	if (walk->mode || !walk->name_length)
		return -EEXIST;
	if (request->m[7] & (WALK_LAST_DOT | WALK_LAST_DOTDOT))
		return -ENOENT;
	if ((walk->directory || walk->slash) && !directory)
		return -ENOENT;
	return is_directory(ops()->mode(walk->parent)) ? 0 : -ENOENT;
}

/* ---- what inotify tells of names ---- */

/* The walk's name is or was that of something of that mode. */
static void tell_name(const struct walk *walk, unsigned mode, unsigned events, u32 cookie)
{
	watch_tell_name(walk->parent, walk->name, walk->name_length, mode, events, cookie);
}

static long told_made(long result, const struct walk *walk, unsigned mode)
{
	if (unlikely(watch_count) && !result)
		tell_name(walk, mode, INOTIFY_CREATE, 0);
	return result;
}

/* What is unlinked has fewer links; what had no other is gone, unless it is open. */
static void tell_unlinked(const struct walk *walk, bool rmdir)
{
	if (!rmdir)
		watch_tell_node(walk->node, walk->mode, INOTIFY_ATTRIB);
	watch_tell_gone();
	tell_name(walk, walk->mode, INOTIFY_DELETE, 0);
}

static void tell_moved(const struct walk *from, const struct walk *to)
{
	u32 cookie = watch_cookie();

	if (from->parent.id == to->parent.id)
		tell_name(from, from->mode, WATCH_RENAMED, 0);
	tell_name(from, from->mode, INOTIFY_MOVED_FROM, cookie);
	tell_name(to, from->mode, INOTIFY_MOVED_TO, cookie);
}

static void tell_renamed(const struct walk *from, const struct walk *to, unsigned flags)
{
	bool exchange = flags & LINUX_RENAME_EXCHANGE;

	if (to->mode && to->node.id == from->node.id)
		return; /* two names of one file: nothing was done */
	tell_moved(from, to);
	if (to->mode && !exchange)
		watch_tell_node(to->node, to->mode, INOTIFY_ATTRIB);
	watch_tell_node(from->node, 0, INOTIFY_MOVE_SELF); /* the type of what was moved is not told */
	if (exchange) {
		tell_moved(to, from);
		watch_tell_node(to->node, 0, INOTIFY_MOVE_SELF);
	}
	watch_tell_gone();
}

/* ---- open ---- */

static long open_tmpfile(struct request *request, const struct walk *walk, unsigned flags, unsigned mode)
{
	struct node made;
	long error;

	if (!(flags & LINUX_O_ACCMODE))
		return -EINVAL;
	if (!is_directory(walk->mode))
		return -ENOTDIR;
	if (!ops()->tmpfile)
		return -EOPNOTSUPP;
	error = ops()->tmpfile(walk->node, LINUX_S_IFREG | mode, &made);
	if (error)
		return error;
	return open_node(request, made, walk->mount, flags & ~(unsigned)(LINUX_O_TMPFILE | LINUX_O_EXCL), true);
}

static long open_new(struct request *request, const struct walk *walk, unsigned flags, unsigned mode)
{
	struct node made;
	long error;

	if (!(flags & LINUX_O_CREAT))
		return -ENOENT;
	if (walk->slash || walk->directory)
		return -EISDIR;
	if (!ops()->create)
		return -EACCES;
	error = told_made(ops()->create(walk->parent, walk->name, walk->name_length, LINUX_S_IFREG | mode, 0, &made), walk, LINUX_S_IFREG);
	return error ? error : open_node(request, made, walk->mount, flags, true);
}

long path_open(struct request *request)
{
	unsigned flags = (unsigned)request->m[0], mode = (unsigned)request->m[1] & 07777;
	struct walk walk;
	bool makes_directory;
	long result;

	walk_begin(request, &walk);
	/* a slash after a name that may be made: whatever is there, it would have to be a directory */
	makes_directory = flags & LINUX_O_CREAT && walk.directory && !(request->m[7] & (WALK_LAST_DOT | WALK_LAST_DOTDOT));
	if (makes_directory || (flags & LINUX_O_NOFOLLOW) || (flags & (LINUX_O_CREAT | LINUX_O_EXCL)) == (LINUX_O_CREAT | LINUX_O_EXCL))
		walk.follow = false;
	if (flags & LINUX_O_CREAT)
		walk.keep_link = !walk.follow;
	result = walk_path(request, &walk);
	if (result)
		return result;
	if ((flags & LINUX_O_TMPFILE) == LINUX_O_TMPFILE)
		return walk.mode ? open_tmpfile(request, &walk, flags, mode) : -ENOENT;
	if (!walk.mode)
		return open_new(request, &walk, flags, mode);
	if (makes_directory)
		return -EISDIR;
	if ((flags & (LINUX_O_CREAT | LINUX_O_EXCL)) == (LINUX_O_CREAT | LINUX_O_EXCL))
		return -EEXIST;
	return open_node(request, walk.node, walk.mount, flags, false);
}

/* ---- what only looks ---- */

long path_stat(struct request *request)
{
	struct walk walk;
	long result = walk_to_existing(request, &walk);

	return result ? result : node_getattr(request, walk.node);
}

static long readlink_magic(struct request *request, const struct walk *walk, const struct magic_link *magic)
{
	static char prefix[PATH_SIZE + 1];
	struct continuation c = {
		.kind = CONTINUE_REOPEN, .mount = walk->mount, .prefix = prefix, .text = "", .rest = "",
		.prefix_length = walk_prefix(walk->path, walk->name, prefix), .m5 = magic->pid, .m6 = (unsigned long)magic->descriptor,
	};

	return walk_continue(request, &c);
}

long path_readlink(struct request *request)
{
	struct magic_link magic;
	struct walk walk;
	long result;

	walk_begin(request, &walk);
	walk.follow = walk.directory;
	result = walk_existing(request, &walk);
	if (result)
		return result;
	if (!is_link(walk.mode) || !ops()->readlink)
		return -EINVAL;
	if (ops()->magic && ops()->magic(walk.node, &magic))
		return readlink_magic(request, &walk, &magic);
	result = ops()->readlink(walk.node, (char *)serve_message->data, MESSAGE_BYTES);
	if (result > 0)
		request->answer_bytes = (unsigned)result;
	return result;
}

long path_access(struct request *request)
{
	unsigned mask = (unsigned)request->m[0];
	struct walk walk;
	long result = walk_to_existing(request, &walk);

	if (result)
		return result;
	/* Reading and writing are policy, which root has asked already; running needs some x bit, as for Linux's root. */
	if ((mask & 1) && !is_directory(walk.mode) && !(walk.mode & 0111))
		return -EACCES;
	return 0;
}

long path_statfs(struct request *request)
{
	struct walk walk;
	long result = walk_to_existing(request, &walk);

	return result ? result : node_statfs(request, walk.node);
}

/* ---- what changes names ---- */

/* The number of the service's names, and whether root was given it with a place since it changed last. */
static unsigned long names = NAMES_FIRST;
static bool names_given;

/* A directory has moved or gone: said before that is answered. */
static long directories_changed(long result)
{
	if (result)
		return result;
	places_changed();
	if (!names_given)
		return 0;
	names_given = false;
	root_call3(PROC_NAMES_CHANGED, ++names, 0, 0);
	return 0;
}

static long make(struct request *request, unsigned mode, u64 device)
{
	struct node made;
	struct walk walk;
	long result;

	walk_begin(request, &walk);
	result = walk_to_new(request, &walk, is_directory(mode));
	if (result)
		return result;
	if (!ops()->create)
		return -EPERM;
	result = told_made(ops()->create(walk.parent, walk.name, walk.name_length, mode, device, &made), &walk, mode);
	if (result || (mode & LINUX_S_IFMT) != LINUX_S_IFSOCK || request->m[2] != MKNOD_BIND)
		return result;
	return forward_socket_name(request, made, walk.mount, SOCKET_NAME_BIND);
}

long path_mkdir(struct request *request)
{
	return make(request, LINUX_S_IFDIR | ((unsigned)request->m[0] & 07777), 0);
}

long path_mknod(struct request *request)
{
	unsigned mode = (unsigned)request->m[0];

	switch (mode & LINUX_S_IFMT) {
	case 0:
		mode |= LINUX_S_IFREG;
		break;
	case LINUX_S_IFREG: case LINUX_S_IFIFO: case LINUX_S_IFCHR: case LINUX_S_IFBLK: case LINUX_S_IFSOCK:
		break;
	case LINUX_S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return make(request, mode & (LINUX_S_IFMT | 07777), request->m[1]);
}

long path_symlink(struct request *request)
{
	struct walk walk;
	const char *text;
	size_t length;
	long result;

	walk_begin(request, &walk);
	text = walk_second(request, &length);
	if (!text || !length)
		return text ? -ENOENT : -EINVAL;
	if (length >= PATH_SIZE)
		return -ENAMETOOLONG;
	result = walk_to_new(request, &walk, false);
	if (result)
		return result;
	if (!ops()->symlink)
		return -EPERM;
	return told_made(ops()->symlink(walk.parent, walk.name, walk.name_length, text, length), &walk, LINUX_S_IFLNK);
}

long path_unlink(struct request *request)
{
	bool rmdir = request->m[0] & 1;
	struct walk walk;
	long result;

	walk_begin(request, &walk);
	walk.follow = false;
	walk.keep_link = true;
	result = walk_existing(request, &walk);
	if (result)
		return result;
	if (request->m[7] & (WALK_LAST_DOT | WALK_LAST_DOTDOT))
		return !rmdir ? -EISDIR : request->m[7] & WALK_LAST_DOT ? -EINVAL : -ENOTEMPTY;
	if (!walk.name_length)
		return rmdir ? -EBUSY : -EISDIR;
	if (rmdir && !is_directory(walk.mode))
		return -ENOTDIR;
	if (!rmdir && is_directory(walk.mode))
		return -EISDIR;
	if (!rmdir && (walk.directory || walk.slash))
		return -ENOTDIR;
	if (!ops()->unlink)
		return -EPERM;
	result = ops()->unlink(walk.parent, walk.name, walk.name_length, rmdir);
	if (rmdir)
		walk_unlearn_all();
	else
		walk_unlearn(&walk);
	if (unlikely(watch_count) && !result)
		tell_unlinked(&walk, rmdir);
	return rmdir ? directories_changed(result) : result;
}

/* The second path of link and rename; root has resolved its parent. */
static long walk_second_path(struct request *request, struct walk *walk)
{
	size_t length;
	const char *path = walk_second(request, &length);

	if (!path)
		return -EINVAL;
	*walk = (struct walk){ .mount = (unsigned)request->m[3], .path = path, .length = length, .keep_link = true, .stay = true };
	return 0;
}

static long rename_check(const struct walk *from, const struct walk *to, unsigned flags)
{
	if (!from->name_length || !to->name_length)
		return -EBUSY;
	if ((flags & LINUX_RENAME_NOREPLACE) && to->mode)
		return -EEXIST;
	if ((flags & LINUX_RENAME_EXCHANGE) && !to->mode)
		return -ENOENT;
	if (!is_directory(from->mode) && (from->slash || from->directory || to->slash))
		return -ENOTDIR;
	return 0;
}

long path_rename(struct request *request)
{
	unsigned flags = (unsigned)request->m[0];
	struct walk from, to;
	long result;

	if ((flags & ~RENAME_FLAGS) || flags == RENAME_FLAGS)
		return -EINVAL;
	walk_begin(request, &from);
	from.follow = false;
	from.keep_link = true;
	from.stay = true;
	result = request->m[7] & (WALK_LAST_DOT | WALK_LAST_DOTDOT) ? -EBUSY : walk_second_path(request, &to);
	if (!result)
		result = walk_existing(request, &from);
	if (!result)
		result = walk_path(request, &to);
	if (!result)
		result = rename_check(&from, &to, flags);
	if (result)
		return result;
	if (!ops()->rename)
		return -EPERM;
	walk_unlearn_all();
	result = ops()->rename(from.parent, from.name, from.name_length, to.parent, to.name, to.name_length, flags);
	if (unlikely(watch_count) && !result)
		tell_renamed(&from, &to, flags);
	return is_directory(from.mode) || is_directory(to.mode) ? directories_changed(result) : result;
}

/* ---- attributes ---- */

long path_setattr(struct request *request)
{
	struct file_attr attr;
	struct walk walk;
	const char *data;
	size_t bytes;
	long result;

	walk_begin(request, &walk);
	data = walk_second(request, &bytes);
	if (!data)
		return -EINVAL;
	result = walk_existing(request, &walk);
	if (!result && request->m[0] & SETATTR_SIZE)
		result = node_text(walk.node);
	if (!result && unlikely(lease_count) && request->m[0] == SETATTR_SIZE && bytes == sizeof(attr)) {
		memcpy(&attr, data, sizeof(attr));
		result = lease_truncate(request, walk.node, attr.size);
	}
	return result ? result : node_setattr(request, walk.node, (unsigned)request->m[0], (const unsigned char *)data, bytes);
}

long path_getxattr(struct request *request)
{
	struct walk walk;
	const char *name;
	size_t length;
	long result = walk_to_existing(request, &walk);

	if (result)
		return result;
	name = walk_second(request, &length);
	return name ? node_getxattr(request, walk.node, name, length) : -EINVAL;
}

long path_setxattr(struct request *request)
{
	struct walk walk;
	const char *text;
	size_t length;
	long result = walk_to_existing(request, &walk);

	if (result)
		return result;
	text = walk_second(request, &length);
	return text ? node_setxattr(request, walk.node, text, length, (unsigned)request->m[0]) : -EINVAL;
}

long path_listxattr(struct request *request)
{
	struct walk walk;
	long result = walk_to_existing(request, &walk);

	return result ? result : node_listxattr(request, walk.node);
}

long path_removexattr(struct request *request)
{
	struct walk walk;
	const char *name;
	size_t length;
	long result = walk_to_existing(request, &walk);

	if (result)
		return result;
	name = walk_second(request, &length);
	return name ? node_removexattr(walk.node, name, length) : -EINVAL;
}

/* ---- for root ---- */

/* Where a link or rename will act: the parent's path, free of links, and the last component. */
long path_resolve(struct request *request)
{
	static char prefix[PATH_SIZE + 1];
	struct walk walk;
	long result;

	walk_begin(request, &walk);
	walk.follow = !(request->m[7] & WALK_NOFOLLOW);
	walk.keep_link = !walk.follow;
	result = walk_path(request, &walk);
	if (result)
		return result;
	if (!walk.mode && !(request->m[7] & WALK_PARENT))
		return -ENOENT;
	/* Said before root compares the mounts, as on Linux; a server that makes files but no links (proc) has no such name to give. */
	if (request->m[7] & WALK_NEW && walk.mode)
		return -EEXIST;
	if (request->m[7] & WALK_NEW && ops()->create && !ops()->link)
		return -ENOENT;

	struct continuation c = {
		.kind = CONTINUE_RESOLVED, .mount = walk.mount, .prefix = prefix, .text = "",
		.prefix_length = walk_prefix(walk.path, walk.name, prefix),
		.rest = walk.name, .rest_length = walk.name_length,
	};

	return walk_continue(request, &c);
}

/* The path of an open directory, which a relative path starts from. */
long op_place(struct request *request)
{
	static char buffer[PATH_SIZE];
	struct open_file *file = request->file;
	struct continuation c = { .kind = CONTINUE_PLACE, .mount = file->mount, .text = "", .rest = "" };
	bool deleted;
	long length;

	if (!request->forwarded)
		return -EPERM;
	if (!is_directory(file->mode))
		return -ENOTDIR;
	length = node_path(file->node, buffer, &c.prefix, &deleted);
	if (length < 0)
		return length;
	c.prefix_length = (size_t)length;
	c.m5 = deleted;
	if (ops()->places_last && !deleted) {
		c.m6 = names;
		names_given = true;
	}
	c.m7 = file->badge;
	return walk_continue(request, &c);
}

/*
 * The first path of a link may be an open file, by way of /proc/PID/fd: its name between here and root is a NUL, which no path of a client
 * has, and the badge.
 */
#define FILE_TOKEN_BYTES (1 + sizeof(unsigned long))

long op_resolve(struct request *request)
{
	char token[FILE_TOKEN_BYTES] = "";
	struct continuation c = {
		.kind = CONTINUE_RESOLVED, .mount = request->file->mount, .prefix = "", .text = "", .rest = token, .rest_length = sizeof(token),
	};

	memcpy(token + 1, &request->file->badge, sizeof(request->file->badge));
	return walk_continue(request, &c);
}

static bool is_token(const struct walk *walk)
{
	return walk->length == FILE_TOKEN_BYTES && !walk->path[0];
}

static long walk_token(struct walk *walk)
{
	struct open_file *file;
	unsigned long badge;

	memcpy(&badge, walk->path + 1, sizeof(badge));
	file = open_file_find(badge);
	if (!file)
		return -ENOENT;
	walk->node = file->node;
	walk->mode = serve_operations->mode(file->node);
	return 0;
}

long path_link(struct request *request)
{
	struct walk from, to;
	long result;

	walk_begin(request, &from);
	from.follow = false;
	from.stay = true;
	result = walk_second_path(request, &to);
	if (!result)
		result = is_token(&from) ? walk_token(&from) : walk_existing(request, &from);
	if (!result && (is_directory(from.mode) || !ops()->link))
		result = -EPERM;
	if (!result)
		result = walk_to_new(request, &to, false);
	if (result)
		return result;
	result = ops()->link(from.node, to.parent, to.name, to.name_length);
	if (unlikely(watch_count) && !result)
		watch_tell_node(from.node, from.mode, INOTIFY_ATTRIB);
	return told_made(result, &to, from.mode);
}
