#include "lib/path.h"

#include "lib/errno.h"
#include "lib/string.h"

int path_length(const char *path)
{
	size_t length = strnlen(path, PATH_SIZE);

	if (!length)
		return -ENOENT;
	return length < PATH_SIZE ? (int)length : -ENAMETOOLONG;
}

void path_iter_init(struct path_iter *iter, const char *path, size_t length)
{
	iter->at = path;
	iter->end = path + length;
}

static inline const char *skip_slashes(const char *at, const char *end)
{
	while (at < end && *at == '/')
		at++;
	return at;
}

static inline const char *skip_name(const char *at, const char *end)
{
	while (at < end && *at != '/')
		at++;
	return at;
}

/* Past slashes and "." components. */
static inline const char *skip_nothing(const char *at, const char *end)
{
	if (likely(at < end && *at != '/' && *at != '.'))
		return at;
	for (;;) {
		const char *name = skip_slashes(at, end);

		if (name == end || *name != '.' || (name + 1 < end && name[1] != '/'))
			return name;
		at = name + 1;
	}
}

static bool is_parent(const char *name, size_t length)
{
	return length == 2 && name[0] == '.' && name[1] == '.';
}

int path_next(struct path_iter *iter, struct path_component *component)
{
	const char *name = skip_nothing(iter->at, iter->end);
	const char *after = skip_name(name, iter->end);

	iter->at = after < iter->end ? skip_nothing(after + 1, iter->end) : after;
	component->name = name;
	component->length = (size_t)(after - name);
	component->last = iter->at == iter->end;
	component->slash = after < iter->end;
	if (name == after)
		return PATH_END;
	if (component->length > PATH_NAME_MAX)
		return -ENAMETOOLONG;
	return is_parent(name, component->length) ? PATH_PARENT : PATH_NAME;
}

bool path_name_valid(const char *name, size_t length)
{
	if (!length || length > PATH_NAME_MAX || is_parent(name, length) || (length == 1 && *name == '.'))
		return false;
	return !memchr(name, '/', length) && !memchr(name, 0, length);
}

typedef u64 __attribute__((may_alias, aligned(1))) any_u64;
#define EACH_BYTE(b) ((b) * 0x0101010101010101ul)

/* 0x80 in the lowest byte that is `byte`; above that bits may be set that should not be. */
static inline u64 bytes_equal(u64 word, u64 byte)
{
	u64 x = word ^ EACH_BYTE(byte);

	return (x - EACH_BYTE(1)) & ~x & EACH_BYTE(0x80);
}

/* Whether the text may have an empty component, one that begins with a dot, or a NUL: eight bytes a step, each with the one behind it. */
static bool may_be_odd(const char *path, size_t length)
{
	for (size_t at = 0; at < length; at += 8) {
		u64 word = *(const any_u64 *)(path + at), next = *(const any_u64 *)(path + at + 1);

		if (length - at < 8)
			word |= ~0ul << 8 * (length - at);
		if (bytes_equal(word, 0) | (bytes_equal(word, '/') & (bytes_equal(next, '/') | bytes_equal(next, '.'))))
			return true;
	}
	return path[0] == '.';
}

static bool is_plain_name(const char *name, size_t length)
{
	return length && !(name[0] == '.' && (length == 1 || is_parent(name, length)));
}

bool path_is_plain(const char *path, size_t length)
{
	size_t start = path[0] == '/';

	if (length <= start || length >= PATH_SIZE || path[length - 1] == '/')
		return false;
	if (!may_be_odd(path, length))
		return true;
	for (size_t at = start; at <= length; at++) {
		if (at < length && !path[at])
			return false;
		if (at < length && path[at] != '/')
			continue;
		if (!is_plain_name(path + start, at - start))
			return false;
		start = at + 1;
	}
	return true;
}

int path_join(const char *base, const char *relative, char *out, size_t size)
{
	size_t base_length = *relative == '/' ? 0 : strlen(base);
	size_t length = strlen(relative);
	bool slash = base_length && base[base_length - 1] != '/';

	if (base_length + slash + length >= size)
		return -ENAMETOOLONG;
	memcpy(out, base, base_length);
	if (slash)
		out[base_length++] = '/';
	memcpy(out + base_length, relative, length + 1);
	return (int)(base_length + length);
}

/* The text built so far by path_normalise; `floor` is what ".." cannot take away: the root, or leading ".."s. */
struct normal {
	char *out;
	size_t size, length, floor;
};

static int normal_append(struct normal *normal, const char *name, size_t length)
{
	bool slash = normal->length && normal->out[normal->length - 1] != '/';

	if (normal->length + slash + length >= normal->size)
		return -ENAMETOOLONG;
	if (slash)
		normal->out[normal->length++] = '/';
	memmove(normal->out + normal->length, name, length);
	normal->length += length;
	return 0;
}

static int normal_parent(struct normal *normal, bool absolute)
{
	if (normal->length > normal->floor) {
		while (normal->length > normal->floor && normal->out[normal->length - 1] != '/')
			normal->length--;
		if (normal->length > normal->floor)
			normal->length--;
		return 0;
	}
	if (!absolute) {
		int error = normal_append(normal, "..", 2);

		normal->floor = normal->length;
		return error;
	}
	return 0;
}

int path_normalise(const char *path, char *out, size_t size)
{
	struct normal normal = { .out = out, .size = size };
	struct path_component component;
	struct path_iter iter;
	bool absolute = *path == '/';
	int kind, error = 0;

	path_iter_init(&iter, path, strlen(path));
	if (absolute)
		error = normal_append(&normal, "/", 1);
	normal.floor = normal.length;
	while (!error && (kind = path_next(&iter, &component)) != PATH_END) {
		if (kind < 0)
			error = kind;
		else if (kind == PATH_PARENT)
			error = normal_parent(&normal, absolute);
		else
			error = normal_append(&normal, component.name, component.length);
	}
	if (!error && !normal.length)
		error = normal_append(&normal, ".", 1);
	if (error)
		return error;
	out[normal.length] = 0;
	return (int)normal.length;
}

const char *path_below(const char *path, const char *prefix)
{
	const char *rest = strstart(path, prefix);

	if (prefix[0] == '/' && !prefix[1])
		return !rest ? NULL : *rest ? path : rest;
	return rest && (!*rest || *rest == '/') ? rest : NULL;
}

static enum path_last last_kind(const char *name, size_t length)
{
	if (!length)
		return PATH_LAST_ROOT;
	if (length == 1 && *name == '.')
		return PATH_LAST_DOT;
	return is_parent(name, length) ? PATH_LAST_PARENT : PATH_LAST_NAME;
}

int path_split_last(const char *path, size_t length, struct path_split *split)
{
	size_t end = length, start;

	if (!length)
		return -ENOENT;
	while (end && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/'; start--)
		;
	*split = (struct path_split){
		.kind = last_kind(path + start, end - start),
		.parent_length = end ? start : length,
		.name = path + start,
		.name_length = end - start,
		.trailing_slash = end < length,
	};
	return split->name_length > PATH_NAME_MAX || length >= PATH_SIZE ? -ENAMETOOLONG : 0;
}
