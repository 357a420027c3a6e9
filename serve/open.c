/*
 * Open files. A badge is an index into open_table and a generation above it, so that a late message can never reach a file opened after. The generation
 * starts from the clock: a restarted server does not repeat it.
 */
#include "abi/socket.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/internal.h"

#define GENERATION_MASK ((1ul << (63 - OPEN_INDEX_BITS)) - 1)

struct open_file **open_table; /* NULL: unused */
unsigned open_table_size;
static unsigned table_hint;
static unsigned long generation;

struct open_file *open_file_find(unsigned long badge)
{
	return open_file_look(badge);
}

struct open_file *open_file_by_badge(unsigned long badge)
{
	return open_file_find(badge);
}

static bool table_grow(void)
{
	unsigned size = open_table_size ? open_table_size * 2 : 64;
	struct open_file **grown;

	if (size > OPEN_INDEX_MASK || !same_node_grow(size))
		return false;
	grown = memory_resize(open_table, open_table_size * sizeof(*open_table), size * sizeof(*open_table));
	if (!grown)
		return false;
	open_table = grown;
	open_table_size = size;
	return true;
}

/* Index 0 is never used: badge 0 is root's. */
static unsigned free_index(void)
{
	for (unsigned tried = 0; tried < open_table_size; tried++) {
		unsigned index = table_hint++ % open_table_size;

		if (index && !open_table[index])
			return index;
	}
	table_hint = open_table_size;
	if (!table_grow())
		return 0;
	return table_hint ? table_hint++ : (table_hint = 2, 1);
}

struct open_file *open_file_new(struct node node, unsigned flags, unsigned mode)
{
	struct open_file *file = memory_take(sizeof(*file));
	unsigned index = file ? free_index() : 0;

	if (!index) {
		memory_free(file, sizeof(*file));
		return NULL;
	}
	if (!generation)
		generation = kernel_monotonic() >> 10;
	generation = (generation + 1) & GENERATION_MASK;
	file->badge = generation << OPEN_INDEX_BITS | index;
	file->node = node;
	file->flags = flags;
	file->mode = mode;
	poll_queue_init(&file->own_poll);
	file->poll = &file->own_poll;
	open_table[index] = file;
	same_node_add(file);
	return file;
}

void open_file_drop(struct open_file *file)
{
	poll_forget(file);
	watch_closed(file);
	buffer_drop(file);
	notify_drop(file);
	async_drop(file);
	if (file->held && serve_operations->unhold)
		serve_operations->unhold(file->node);
	if (unlikely(watch_count))
		watch_tell_gone();
	open_table[file->badge & OPEN_INDEX_MASK] = NULL;
	same_node_remove(file);
	lease_drop(file);
	memory_free(file, sizeof(*file));
}

static void release(struct open_file *file)
{
	if (unlikely(watch_count))
		watch_tell_file(file, file_writable(file) ? INOTIFY_CLOSE_WRITE : INOTIFY_CLOSE_NOWRITE);
	locks_closed(file);
	/* The queue may be the server's, and go with the file. */
	poll_forget(file);
	file->poll = &file->own_poll;
	if (serve_operations->release && !(file->flags & LINUX_O_PATH))
		serve_operations->release(file);
	open_file_drop(file);
}

void open_file_closed(unsigned long badge)
{
	struct open_file *file = open_file_find(badge);

	if (!file || --file->handles)
		return;
	if (!file->kept) {
		release(file);
		return;
	}
	file->closed = true;
	if (serve_operations->orphaned)
		serve_operations->orphaned(file);
}

void open_file_keep(struct open_file *file)
{
	file->kept++;
}

void open_file_unkeep(struct open_file *file)
{
	file->kept--;
	if (!file->kept && file->closed)
		release(file);
}

void open_file_each(void (*visit)(struct open_file *file, void *context), void *context)
{
	for (unsigned i = 0; i < open_table_size; i++)
		if (open_table[i])
			visit(open_table[i], context);
}

long open_file_give(struct request *request, struct open_file *file, unsigned index)
{
	serve_message->mint_badge[index] = file->badge;
	serve_message->send_slot[index] = SEND_NEW_HANDLE;
	request->answer_caps = MAX(request->answer_caps, index + 1);
	file->handles++;
	file->closed = false;
	return 0;
}

/* Puts the Handle into the answer; on failure the file, open already, is released. */
static long open_finish(struct request *request, struct open_file *file)
{
	long error = open_file_give(request, file, 0);

	if (error) {
		release(file);
		return error;
	}
	request->answer[1] = file->mode;
	request->answer[2] = file->opened;
	if (unlikely(watch_count))
		watch_tell_file(file, INOTIFY_OPEN);
	return 0;
}

void open_answer(struct request *request, struct open_file *file, long result)
{
	request->opening = NULL;
	if (result < 0)
		open_file_drop(file);
	else
		result = open_finish(request, file);
	request_answer(request, result);
}

/* ---- opening a node ---- */

static bool is_type(unsigned mode, unsigned type)
{
	return (mode & LINUX_S_IFMT) == type;
}

/* What the flags ask of the type that was found. */
static long check_type(unsigned mode, unsigned flags)
{
	if (flags & LINUX_O_PATH)
		return (flags & LINUX_O_DIRECTORY) && !is_type(mode, LINUX_S_IFDIR) ? -ENOTDIR : 0;
	if ((flags & LINUX_O_DIRECTORY) && !is_type(mode, LINUX_S_IFDIR))
		return -ENOTDIR;
	if (is_type(mode, LINUX_S_IFDIR))
		return (flags & (LINUX_O_ACCMODE | LINUX_O_CREAT | LINUX_O_TRUNC)) ? -EISDIR : 0;
	if (is_type(mode, LINUX_S_IFLNK))
		return -ELOOP;
	return is_type(mode, LINUX_S_IFSOCK) ? -ENXIO : 0;
}

long node_text(struct node node)
{
	for (const struct open_file *file = same_node_first(node.id); file; file = same_node_next(file))
		if (!(file->flags & LINUX_O_PATH) && file->flags & OPEN_EXEC)
			return -ETXTBSY;
	return 0;
}

/* A file is run or written, not both; cutting it off is writing. */
static long check_text(struct node node, unsigned mode, unsigned flags)
{
	bool runs = flags & OPEN_EXEC;

	if (!is_type(mode, LINUX_S_IFREG) || flags & LINUX_O_PATH)
		return 0;
	if (!runs)
		return flags & (LINUX_O_ACCMODE | LINUX_O_TRUNC) ? node_text(node) : 0;
	for (const struct open_file *file = same_node_first(node.id); file; file = same_node_next(file))
		if (!(file->flags & LINUX_O_PATH) && file_writable(file))
			return -ETXTBSY;
	return 0;
}

long forward_socket_name(struct request *request, struct node node, unsigned mount, unsigned purpose)
{
	struct file_attr attr;
	long error;

	memset(&attr, 0, sizeof(attr));
	error = serve_operations->getattr(node, &attr);
	if (error)
		return error;

	unsigned long m[8] = { purpose, attr.ino, mount, attr.btime };

	return request_forward(request, SLOT_SERVICE_SOCKET, FILE_SOCKET_NAME, m, 0, false);
}

/* A FIFO of a file system is served by the pipe server: the opener is passed on with what names it. */
static long forward_fifo(struct request *request, struct node node, unsigned mount, unsigned flags)
{
	static char buffer[PATH_SIZE];
	struct file_attr attr;
	const char *path;
	bool deleted;
	long length, error;

	memset(&attr, 0, sizeof(attr));
	error = serve_operations->getattr(node, &attr);
	if (error)
		return error;
	length = node_path(node, buffer, &path, &deleted);
	if (length < 0)
		return length;
	length = MIN(length, (long)(MESSAGE_BYTES - sizeof(attr)));
	memcpy(serve_message->data, &attr, sizeof(attr));
	memcpy(serve_message->data + sizeof(attr), path, (size_t)length);

	unsigned long m[8] = { flags, attr.ino, mount };

	return request_forward(request, SLOT_SERVICE_PIPE, FILE_FIFO_OPEN, m, (unsigned)(sizeof(attr) + (size_t)length), false);
}

static unsigned kept_flags(unsigned flags)
{
	return flags & ~(unsigned)(LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_NOCTTY | LINUX_O_TRUNC | LINUX_O_CLOEXEC);
}

/* The server's own part. On an error nothing is left. */
static long server_open(struct request *request, struct open_file *file)
{
	long result = 0;

	request->opening = file;
	if (serve_operations->open && !(file->flags & LINUX_O_PATH))
		result = serve_operations->open(request, file);
	if (result == REQUEST_KEPT)
		return result;
	request->opening = NULL;
	if (result < 0)
		open_file_drop(file);
	return result;
}

long open_node_go_on(struct request *request, struct open_file *file, unsigned flags)
{
	long result = server_open(request, file);

	if (result < 0)
		return result;
	if ((flags & LINUX_O_TRUNC) && is_type(file->mode, LINUX_S_IFREG) && !(flags & LINUX_O_PATH))
		result = node_truncate(file->node);
	if (result < 0) {
		release(file);
		return result;
	}
	return open_finish(request, file);
}

long open_node(struct request *request, struct node node, unsigned mount, unsigned flags, bool fresh)
{
	unsigned mode = serve_operations->mode(node);
	struct open_file *file;
	long result = mode ? 0 : -ENOENT;

	if (!result && (flags & (OPEN_SOCKET | LINUX_O_PATH)) == OPEN_SOCKET)
		return is_type(mode, LINUX_S_IFSOCK) ? forward_socket_name(request, node, mount, SOCKET_NAME_CONNECT) : -ECONNREFUSED;
	if (!result && !fresh)
		result = check_type(mode, flags);
	if (!result)
		result = check_text(node, mode, flags);
	if (result)
		return result;
	if (is_type(mode, LINUX_S_IFIFO) && serve_operations->lookup && !(flags & LINUX_O_PATH))
		return forward_fifo(request, node, mount, flags);
	file = open_file_new(node, kept_flags(flags), mode);
	if (!file)
		return -ENFILE;
	file->mount = mount;
	file->held = true;
	if (serve_operations->hold)
		serve_operations->hold(node);
	if (is_type(mode, LINUX_S_IFREG))
		file->opened = OPENED_SEEKABLE;
	else if (is_type(mode, LINUX_S_IFDIR))
		file->opened = OPENED_SEEKABLE | (tree_takes_paths(file) ? OPENED_TAKES_PATHS : 0);
	if (fresh)
		flags &= ~(unsigned)LINUX_O_TRUNC;
	if (unlikely(lease_count) && !fresh && !(flags & LINUX_O_PATH)) {
		result = lease_open(request, file, flags);
		if (result && result != REQUEST_KEPT)
			open_file_drop(file);
		if (result)
			return result;
	}
	return open_node_go_on(request, file, flags);
}

/* An open file once more, for /proc/PID/fd/N, /proc/self/exe and the like. Root has checked the path that it was opened by. */
long op_reopen(struct request *request)
{
	struct open_file *file = request->file;
	unsigned flags = (unsigned)request->m[0] & ~(unsigned)(LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_NOFOLLOW);

	return open_node(request, file->node, file->mount, flags, false);
}
