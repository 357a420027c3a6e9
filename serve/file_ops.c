/* Operations on open files. */
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/internal.h"

#define TRANSFER_MAX 0x7ffff000ul
#define SETTABLE_FLAGS (LINUX_O_APPEND | LINUX_O_NONBLOCK | LINUX_O_ASYNC | LINUX_O_DIRECT | LINUX_O_NOATIME)

static const struct serve_operations *ops(void)
{
	return serve_operations;
}

static bool is_type(const struct open_file *file, unsigned type)
{
	return (file->mode & LINUX_S_IFMT) == type;
}

static bool is_path(const struct open_file *file)
{
	return file->flags & LINUX_O_PATH;
}

static bool seekable(const struct open_file *file)
{
	return file->opened & OPENED_SEEKABLE;
}

/* ---- read and write ---- */

/* Where a transfer starts; for a stream 0, and an explicit offset is ESPIPE; for what has no position 0, whatever was asked. */
static long decode_offset(struct request *request, u64 asked, u64 *offset)
{
	struct open_file *file = request->file;

	*offset = 0;
	if (!seekable(file))
		return asked == OFFSET_CURRENT || asked == OFFSET_END ? 0 : -ESPIPE;
	if (file->no_position)
		return 0;
	request->at_offset = asked == OFFSET_CURRENT;
	*offset = asked == OFFSET_CURRENT ? file->offset : asked;
	if (asked != OFFSET_END && *offset > INT64_MAX)
		return -EINVAL;
	return 0;
}

/* offset: not OFFSET_END */
static inline size_t limit_length(size_t length, u64 offset)
{
	return likely(length <= INT64_MAX - offset) ? length : INT64_MAX - offset;
}

long op_read(struct request *request)
{
	struct open_file *file = request->file;
	size_t length;
	u64 offset;
	long error;

	if (!file_readable(file))
		return -EBADF;
	if (is_type(file, LINUX_S_IFDIR))
		return -EISDIR;
	error = decode_offset(request, request->m[1], &offset);
	if (error || offset == OFFSET_END)
		return error ? error : -EINVAL;
	if (!ops()->read)
		return -EINVAL;
	length = limit_length(MIN(request->m[0], request->form == FORM_READ_REGISTERS ? (size_t)REGISTER_BYTES : TRANSFER_MAX), offset);
	request->position = offset;
	return length ? ops()->read(request, file, offset, length) : 0;
}

long op_write(struct request *request)
{
	struct open_file *file = request->file;
	bool registers = request->form >= FORM_WRITE_REGISTERS;
	size_t length, wanted = registers ? request->wanted : request->m[0];
	u64 offset;
	long error;

	if (!file_writable(file))
		return -EBADF;
	error = decode_offset(request, registers ? request->offset : request->m[1], &offset);
	if (error)
		return error;
	if (!ops()->write)
		return -EINVAL;
	if (seekable(file) && (file->flags & LINUX_O_APPEND))
		offset = OFFSET_END;
	length = MIN(wanted, TRANSFER_MAX);
	if (offset != OFFSET_END)
		length = limit_length(length, offset);
	if (!length && (wanted || !ops()->writes_of_nothing))
		return wanted && offset != OFFSET_END ? -EFBIG : 0;
	request->position = offset;
	error = ops()->write(request, file, offset, length);
	if (unlikely(file->async))
		async_wrote(file, error, length);
	return error;
}

void buffer_drop(struct open_file *file)
{
	if (file->buffer)
		object_unmap((unsigned long)file->buffer, file->buffer_size);
	file->buffer = NULL;
}

/* Root maps what the caller offers when it is taken. */
long op_buffer(struct request *request)
{
	struct open_file *file = request->file;
	unsigned long m[8] = { request->principal };
	long address;

	if (!file || is_path(file))
		return -EBADF;
	if (!ops()->read && !ops()->write)
		return -EOPNOTSUPP;
	address = root_call(PROC_TAKE_BUFFER, m, 0);
	if (address < 0)
		return address;
	buffer_drop(file);
	file->buffer = (unsigned char *)address;
	file->buffer_size = m[1];
	return 0;
}

/* ---- seek ---- */

static long file_size(const struct open_file *file, u64 *size)
{
	struct file_attr attr;
	long error;

	memset(&attr, 0, sizeof(attr));
	error = ops()->getattr(file->node, &attr);
	*size = attr.size;
	return error;
}

static long seek_data(struct open_file *file, u64 offset, bool hole)
{
	u64 size;
	long error = file_size(file, &size);

	if (error)
		return error;
	if (offset >= size)
		return -ENXIO;
	if (ops()->seek)
		return ops()->seek(file, offset, hole);
	return (long)(hole ? size : offset);
}

static long seek_target(struct open_file *file, long offset, unsigned whence)
{
	u64 base = 0;
	long error;

	switch (whence) {
	case LINUX_SEEK_SET:
		return offset < 0 ? -EINVAL : offset;
	case LINUX_SEEK_CUR:
		base = file->offset;
		break;
	case LINUX_SEEK_END:
		error = is_type(file, LINUX_S_IFDIR) ? -EINVAL : file_size(file, &base);
		if (error)
			return error;
		break;
	case LINUX_SEEK_DATA: case LINUX_SEEK_HOLE:
		if (is_type(file, LINUX_S_IFDIR))
			return -EINVAL;
		return offset < 0 ? -ENXIO : seek_data(file, (u64)offset, whence == LINUX_SEEK_HOLE);
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow((long)base, offset, &offset))
		return -EINVAL;
	return offset < 0 ? -EINVAL : offset;
}

long op_seek(struct request *request)
{
	struct open_file *file = request->file;
	long target;

	if (is_path(file))
		return -EBADF;
	if (file->no_position)
		return 0;
	if (!seekable(file))
		return -ESPIPE;
	target = seek_target(file, (long)request->m[0], (unsigned)request->m[1]);
	if (target >= 0)
		file->offset = (u64)target;
	return target;
}

/* ---- attributes ---- */

long op_fstat(struct request *request)
{
	return node_getattr(request, request->file->node);
}

long op_fsetattr(struct request *request)
{
	struct open_file *file = request->file;
	unsigned char data[sizeof(struct file_attr)];
	unsigned mask = (unsigned)request->m[0];

	/* Forwarded by root it is a path operation (on /proc/self/fd/N), for which an O_PATH descriptor will do. */
	if (is_path(file) && !from_root(request))
		return -EBADF;
	if ((mask & SETATTR_SIZE) && !file_writable(file))
		return -EINVAL;
	if (request->bytes != sizeof(data))
		return -EINVAL;
	memcpy(data, serve_message->data, sizeof(data));
	return node_setattr(request, file->node, mask, data, sizeof(data));
}

long op_fstatfs(struct request *request)
{
	return node_statfs(request, request->file->node);
}

/* The data[] of an xattr message: m[5] bytes, as in the path form, or all of it. */
static size_t xattr_text(const struct request *request, char text[MESSAGE_BYTES])
{
	size_t length = request->m[5] && request->m[5] <= request->bytes ? request->m[5] : request->bytes;

	memcpy(text, serve_message->data, length);
	return length;
}

static char xattr_buffer[MESSAGE_BYTES];

long op_fgetxattr(struct request *request)
{
	size_t length = xattr_text(request, xattr_buffer);

	return is_path(request->file) ? -EBADF : node_getxattr(request, request->file->node, xattr_buffer, length);
}

long op_fsetxattr(struct request *request)
{
	size_t length = xattr_text(request, xattr_buffer);

	if (is_path(request->file))
		return -EBADF;
	return node_setxattr(request, request->file->node, xattr_buffer, length, (unsigned)request->m[0]);
}

long op_flistxattr(struct request *request)
{
	return is_path(request->file) ? -EBADF : node_listxattr(request, request->file->node);
}

long op_fremovexattr(struct request *request)
{
	size_t length = xattr_text(request, xattr_buffer);

	return is_path(request->file) ? -EBADF : node_removexattr(request->file->node, xattr_buffer, length);
}

/* ---- the rest ---- */

long op_fsync(struct request *request)
{
	struct open_file *file = request->file;

	if (is_path(file))
		return -EBADF;
	if (ops()->sync)
		return ops()->sync(file, request->m[0] & 1);
	return is_type(file, LINUX_S_IFREG) || is_type(file, LINUX_S_IFDIR) ? 0 : -EINVAL;
}

/* What is left to read, which Linux answers for every regular file. */
static long bytes_left(struct request *request)
{
	struct open_file *file = request->file;
	int left;
	u64 size;
	long error = file_size(file, &size);

	if (error)
		return error;
	left = (int)MIN(size - MIN(file->offset, size), (u64)INT32_MAX);
	request_give(request, &left, sizeof(left));
	return 0;
}

long op_ioctl(struct request *request)
{
	struct open_file *file = request->file;
	long result;

	if (is_path(file))
		return -EBADF;
	result = ops()->ioctl ? ops()->ioctl(request, file, (unsigned)request->m[0], request->m[1]) : -ENOTTY;
	if (result == -ENOTTY && (unsigned)request->m[0] == LINUX_FIONREAD && is_type(file, LINUX_S_IFREG))
		return bytes_left(request);
	return result;
}

static bool map_shared(unsigned long flags)
{
	return (flags & LINUX_MAP_TYPE) != LINUX_MAP_PRIVATE;
}

/* Puts the file's path into the message, for /proc/PID/maps. Its length; 0: there is none. */
static unsigned name_for_maps(const struct open_file *file)
{
	static char buffer[PATH_SIZE];
	const char *path;
	bool deleted;
	long length = node_path(file->node, buffer, &path, &deleted);

	if (length <= 0)
		return 0;
	memcpy(serve_message->data, path, (size_t)length);
	return (unsigned)length;
}

long op_map(struct request *request)
{
	struct open_file *file = request->file;
	unsigned long m[8];
	unsigned rights = LINUX_PROT_READ | LINUX_PROT_WRITE | LINUX_PROT_EXEC;
	u64 object;
	long error;

	if (is_path(file))
		return -EBADF;
	if (!ops()->map)
		return -ENODEV;
	if (!file_readable(file))
		return -EACCES;
	if (map_shared(request->m[3]) && !file_writable(file))
		rights &= ~(unsigned)LINUX_PROT_WRITE;
	if (request->m[2] & ~(unsigned long)rights & LINUX_PROT_WRITE)
		return -EACCES;
	memcpy(m, request->m, sizeof(m));
	error = ops()->map(file, m[4], m[1], &object, &rights);
	if (error)
		return error;
	if (m[2] & ~(unsigned long)rights & (LINUX_PROT_READ | LINUX_PROT_WRITE | LINUX_PROT_EXEC))
		return -EACCES;
	m[5] = object;
	m[6] = rights;
	m[7] = file->mount;
	return request_forward(request, SLOT_ROOT, PROC_MAP_OBJECT, m, name_for_maps(file), false);
}

long op_describe(struct request *request)
{
	static char buffer[PATH_SIZE];
	struct open_file *file = request->file;
	struct continuation c = { .kind = CONTINUE_DESCRIBE, .mount = file->mount, .text = "", .rest = "" };
	bool deleted;
	long length;

	if (ops()->describe) {
		length = ops()->describe(file, (char *)serve_message->data, MESSAGE_BYTES);
		if (length != -ENOENT) {
			request->answer_bytes = length > 0 ? (unsigned)length : 0;
			return length;
		}
	}
	length = node_path(file->node, buffer, &c.prefix, &deleted);
	if (length < 0)
		return length;
	c.prefix_length = (size_t)length;
	c.m5 = deleted;
	return walk_continue(request, &c);
}

#define SEALS_ALL 31

long op_seals(struct request *request)
{
	struct open_file *file = request->file;
	u64 add = request->m[0] == 1 ? request->m[1] : 0;

	if (is_path(file))
		return -EBADF;
	if (request->m[0] == 1 && !file_writable(file))
		return -EPERM;
	if (add & ~(u64)SEALS_ALL || !ops()->seals)
		return -EINVAL;
	return ops()->seals(file, (unsigned)add);
}

long op_kind(struct request *request)
{
	const struct open_file *file = request->file;

	request->answer[1] = file->mode;
	request->answer[2] = file->opened;
	request->answer[3] = file->flags;
	return 0;
}

/* The file's path for root's policy. */
long op_locate(struct request *request)
{
	static char buffer[PATH_SIZE];
	struct open_file *file = request->file;
	struct continuation c = { .kind = CONTINUE_LOCATED, .mount = file->mount, .text = "", .rest = "" };
	bool deleted;
	long length;

	if (ops()->describe && ops()->describe(file, (char *)serve_message->data, MESSAGE_BYTES) != -ENOENT) {
		c.m5 = LOCATED_NOWHERE;
		return walk_continue(request, &c);
	}
	length = node_path(file->node, buffer, &c.prefix, &deleted);
	if (length < 0)
		return length;
	c.prefix_length = (size_t)length;
	c.m5 = deleted;
	return walk_continue(request, &c);
}

long op_flags(struct request *request)
{
	struct open_file *file = request->file;
	unsigned wanted;
	long error;

	if ((long)request->m[0] != -1) {
		if (is_path(file))
			return -EBADF;
		wanted = (file->flags & ~(unsigned)SETTABLE_FLAGS) | ((unsigned)request->m[0] & SETTABLE_FLAGS);
		error = ops()->set_flags ? ops()->set_flags(file, wanted) : 0;
		if (!error)
			error = async_set(file, &wanted, (int)request->m[1], request->m[2] == 1);
		if (error)
			return error;
		file->flags = wanted;
	}
	return (long)file->flags;
}

long op_allocate(struct request *request)
{
	struct open_file *file = request->file;
	u64 offset = request->m[1], length = request->m[2], done = request->m[3];

	if (!file_writable(file))
		return -EBADF;
	if (!seekable(file))
		return -ESPIPE;
	if (is_type(file, LINUX_S_IFDIR))
		return -EISDIR;
	if (offset > INT64_MAX || !length || length > INT64_MAX || done >= length)
		return -EINVAL;
	if (offset + length > INT64_MAX)
		return -EFBIG;
	return ops()->allocate ? ops()->allocate(file, (unsigned)request->m[0], offset, length, done) : -EOPNOTSUPP;
}
