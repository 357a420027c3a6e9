/*
 * Path operations that come by a tree Handle: from the client itself, for what root's policy allows its role to do everywhere below the mount but at the paths
 * that the badge excludes. Nothing here is trusted but the badge. Links are followed as long as they stay among such paths; with a path that goes elsewhere, or
 * is not plain, the client is told to ask root, before anything was done: -EXDEV.
 */
#include "lib/errno.h"
#include "lib/path.h"
#include "lib/string.h"
#include "serve/internal.h"

#define LINKS_MAX 8 /* root counts to 40 */
/* path_is_plain reads behind the text */
#define TEXT_SIZE (PATH_SIZE + 16)

/* `path` is below the mount: no slash in front. */
static bool excluded(unsigned long badge, const char *path, size_t length)
{
	return badge >> TREE_BIT((u8)path[0], length > 1 ? (u8)path[1] : '/') & 1;
}

long tree_begin(struct request *request)
{
	const char *path = (const char *)serve_message->data;
	size_t length = request->m[4];

	if (!(TREE_OPERATIONS >> request->label & 1))
		return -EPERM;
	if (request->m[5] || request->m[7] & ~(unsigned long)TREE_WALK || length > request->bytes)
		return -EINVAL;
	if (length < 2 || path[0] != '/' || length >= PATH_SIZE || excluded(request->badge, path + 1, length - 1))
		return -EXDEV;
	request->m[3] = request->badge >> TREE_MOUNT_SHIFT & 0xffff;
	request->m[6] = 0;
	return 0;
}

long tree_path_check(const struct walk *walk)
{
	return path_is_plain(walk->path, walk->length) && walk->path[0] != '/' ? 0 : -EXDEV;
}

/* Joins with a slash between what there is; false: too long. */
static bool join(char *text, size_t *length, const char *more, size_t more_length)
{
	if (*length + 1 + more_length >= PATH_SIZE)
		return false;
	if (*length && more_length)
		text[(*length)++] = '/';
	memcpy(text + *length, more, more_length);
	*length += more_length;
	return true;
}

long tree_follow(struct walk *walk, const struct path_component *component, const char *link, size_t length)
{
	/* the rest is copied out of the text of the link before */
	static char texts[2][TEXT_SIZE];
	const char *rest = component->name + component->length + 1, *end = walk->path + walk->length;
	char *text = texts[walk->links & 1];
	size_t made = 0, before = (size_t)(component->name - walk->path);

	if (walk->links++ == LINKS_MAX)
		return -EXDEV;
	if (link[0] == '/') {
		link++;
		length--;
	} else if (before && !join(text, &made, walk->path, before - 1)) {
		return -EXDEV;
	}
	if (!join(text, &made, link, length) || (rest < end && !join(text, &made, rest, (size_t)(end - rest))))
		return -EXDEV;
	if (!made || excluded(walk->tree, text, made))
		return -EXDEV;
	walk->path = text;
	walk->length = made;
	return WALK_AGAIN;
}
