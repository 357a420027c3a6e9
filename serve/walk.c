/*
 * Path walks. The path is walked down from the mount's root; links to be followed and ".." are root's business, because both can lead out of the mount:
 * the caller is forwarded there with what was walked. What was walked is free of links and "..", so its text is the directory's path.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/internal.h"

size_t walk_prefix(const char *path, const char *end, char *out)
{
	struct path_iter iter;
	struct path_component component;
	size_t length = 0;

	path_iter_init(&iter, path, (size_t)(end - path));
	while (path_next(&iter, &component) == PATH_NAME) {
		if (length)
			out[length++] = '/';
		memcpy(out + length, component.name, component.length);
		length += component.length;
	}
	return length;
}

long walk_continue(struct request *request, const struct continuation *c)
{
	unsigned long m[8] = { c->kind, c->prefix_length, c->text_length, c->rest_length, c->mount, c->m5, c->m6, c->m7 };
	size_t bytes = c->prefix_length + c->text_length + c->rest_length;
	unsigned char *data = serve_message->data;

	/* root waits for no walk of this caller */
	if (by_tree(request))
		return -EXDEV;
	if (bytes > MESSAGE_BYTES)
		return -ENAMETOOLONG;
	memcpy(data, c->prefix, c->prefix_length);
	memcpy(data + c->prefix_length, c->text, c->text_length);
	memcpy(data + c->prefix_length + c->text_length, c->rest, c->rest_length);
	return request_forward(request, SLOT_ROOT, FILE_CONTINUE, m, (unsigned)bytes, true);
}

static char prefix_text[PATH_SIZE + 1], link_text[PATH_SIZE];

/* What follows a component, without the slashes between. */
static const char *rest_after(const struct path_component *component, const char *end)
{
	const char *rest = component->name + component->length;

	while (rest < end && *rest == '/')
		rest++;
	return rest;
}

static long follow_magic(struct request *request, struct continuation *c, struct node link, bool *done)
{
	struct magic_link magic;

	*done = serve_operations->magic && serve_operations->magic(link, &magic);
	if (!*done)
		return 0;
	c->kind = CONTINUE_REOPEN;
	c->m5 = magic.pid;
	c->m6 = (unsigned long)magic.descriptor;
	return walk_continue(request, c);
}

static long follow_link(struct request *request, struct walk *walk, const struct path_component *component, struct node link)
{
	const char *end = walk->path + walk->length, *rest = rest_after(component, end);
	struct continuation c = {
		.kind = CONTINUE_LINK, .mount = walk->mount,
		.prefix = prefix_text, .prefix_length = walk_prefix(walk->path, component->name, prefix_text),
		.text = link_text, .rest = rest, .rest_length = (size_t)(end - rest),
	};
	bool done;
	long result;

	if (walk->stay)
		return -ENOENT;
	result = follow_magic(request, &c, link, &done);
	if (done)
		return result;
	if (!serve_operations->readlink)
		return -EINVAL;
	result = serve_operations->readlink(link, link_text, sizeof(link_text));
	if (result < 0)
		return result;
	if (!result)
		return -ENOENT;
	if (walk->tree)
		return tree_follow(walk, component, link_text, (size_t)result);
	c.text_length = (size_t)result;
	return walk_continue(request, &c);
}

static long follow_parent(struct request *request, const struct walk *walk, const struct path_component *component)
{
	const char *end = walk->path + walk->length, *rest = rest_after(component, end);
	size_t length = walk_prefix(walk->path, component->name, prefix_text);
	struct continuation c = {
		.kind = length ? CONTINUE_DOTDOT : CONTINUE_ABOVE, .mount = walk->mount, .prefix = prefix_text, .text = "",
		.rest = rest, .rest_length = (size_t)(end - rest),
	};

	if (walk->stay)
		return -ENOENT;
	while (length && prefix_text[length - 1] != '/')
		length--;
	c.prefix_length = length ? length - 1 : 0;
	return walk_continue(request, &c);
}

/* One name of the path. *more: the walk goes on. */
static long step(struct request *request, struct walk *walk, const struct path_component *component, bool *more)
{
	bool follow = !component->last || walk->follow || (component->slash && !walk->keep_link);
	struct node found;
	long error;

	*more = false;
	if ((walk->mode & LINUX_S_IFMT) != LINUX_S_IFDIR)
		return -ENOTDIR;
	if (!serve_operations->lookup)
		return -ENOENT;
	error = serve_operations->lookup(walk->node, component->name, component->length, &found);
	if (error && !(error == -ENOENT && component->last))
		return error;
	walk->parent = walk->node;
	walk->name = component->name;
	walk->name_length = component->length;
	walk->slash = component->slash;
	walk->mode = 0;
	if (error)
		return 0;
	walk->node = found;
	walk->mode = serve_operations->mode(found);
	if (!walk->mode && !component->last)
		return -ENOENT;
	if ((walk->mode & LINUX_S_IFMT) == LINUX_S_IFLNK && follow)
		return follow_link(request, walk, component, found);
	*more = !component->last;
	return 0;
}

static long walk_root(struct walk *walk)
{
	long result = serve_operations->root ? serve_operations->root(walk->mount, &walk->node) : -ENOENT;

	if (result)
		return result;
	walk->parent = walk->node;
	walk->mode = serve_operations->mode(walk->node);
	return 0;
}

/* The names that the walk went by: `recalled` bytes of them were known. directory_parent: of the last one's directory. */
static void learn(const struct walk *walk, size_t recalled, struct node directory_parent)
{
	size_t directory = (size_t)(walk->name - walk->path);

	if (directory > 1 && recalled != directory)
		walk_learn(walk, directory - 1, walk->parent, directory_parent);
	/* What is about to be taken away is not worth it; a link leads elsewhere. */
	if (walk->mode && !walk->keep_link && (walk->mode & LINUX_S_IFMT) != LINUX_S_IFLNK)
		walk_learn(walk, walk->length, walk->node, walk->parent);
}

/* Down from where walk->node is, which is what the text's first `start` bytes lead to. */
static long walk_down(struct request *request, struct walk *walk, size_t start)
{
	const char *next = walk->path + start;
	struct node directory_parent = walk->parent;
	struct path_component component;
	struct path_iter iter;
	bool more = true, plain = true;

	walk->name = walk->path;
	walk->name_length = 0;
	walk->slash = false;
	path_iter_init(&iter, next, walk->length - start);
	while (more) {
		int kind = path_next(&iter, &component);
		long result;

		if (kind == PATH_END)
			break;
		if (kind < 0)
			return kind;
		if (kind == PATH_PARENT)
			return (walk->mode & LINUX_S_IFMT) == LINUX_S_IFDIR ? follow_parent(request, walk, &component) : -ENOTDIR;
		directory_parent = walk->parent;
		result = step(request, walk, &component, &more);
		if (result)
			return result;
		plain &= component.name == next;
		next = component.name + component.length + 1;
	}
	walk->plain = plain && next == walk->path + walk->length + 1;
	if (serve_operations->names_last && walk->plain)
		learn(walk, start, directory_parent);
	return 0;
}

/* The whole path, or up to a link that a walk by a tree Handle follows: WALK_AGAIN. */
static long walk_all(struct request *request, struct walk *walk)
{
	size_t start = serve_operations->names_last ? walk_recall(walk) : 0;
	long result;

	if (start && start == walk->length)
		return 0;
	result = walk->tree ? tree_path_check(walk) : 0;
	if (!result && !start)
		result = walk_root(walk);
	return result ? result : walk_down(request, walk, start);
}

long walk_path(struct request *request, struct walk *walk)
{
	long result;

	do
		result = walk_all(request, walk);
	while (result == WALK_AGAIN);
	if (result)
		return result;
	if (walk->mode && !walk->keep_link && (walk->directory || walk->slash) && (walk->mode & LINUX_S_IFMT) != LINUX_S_IFDIR)
		return -ENOTDIR;
	return 0;
}

long node_path(struct node node, char buffer[PATH_SIZE], const char **path, bool *deleted)
{
	char name[256];
	size_t at = PATH_SIZE;

	*deleted = false;
	while (serve_operations->parent) {
		struct node parent;
		bool gone = false;
		long length = serve_operations->parent(node, &parent, name, &gone);

		*deleted |= gone || length < 0;
		if (length <= 0)
			break;
		if ((size_t)length + 1 > at)
			return -ENAMETOOLONG;
		if (at < PATH_SIZE)
			buffer[--at] = '/';
		at -= (size_t)length;
		memcpy(buffer + at, name, (size_t)length);
		node = parent;
	}
	*path = buffer + at;
	return (long)(PATH_SIZE - at);
}
