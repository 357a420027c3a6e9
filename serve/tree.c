/*
 * Path operations that come from the client itself, for what root's policy allows its role to do everywhere below the mount but at some excluded paths: by a tree
 * Handle, or by the Handle of a directory, where the path starts. Nothing here is trusted but the badge, which root or this server made, and root's table of
 * principals. Links are followed as long as they stay among such paths; with a path that goes elsewhere, or is not plain, the client is told to ask root, before
 * anything was done: -EXDEV.
 */
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/path.h"
#include "lib/string.h"
#include "serve/internal.h"
#include "serve/principal.h"

#define LINKS_MAX 8 /* root counts to 40 */
/* path_is_plain reads behind the text */
#define TEXT_SIZE (PATH_SIZE + 16)

/* `path` is below the mount: no slash in front. */
static bool is_excluded(unsigned long badge, const char *path, size_t length)
{
	return badge >> TREE_BIT((u8)path[0], length > 1 ? (u8)path[1] : '/') & 1;
}

static long check_words(const struct request *request)
{
	if (!(TREE_OPERATIONS >> request->label & 1))
		return -EPERM;
	return request->m[5] || request->m[7] & ~(unsigned long)TREE_WALK || request->m[4] > request->bytes ? -EINVAL : 0;
}

/* The request's words become as root would have sent them, but for m[4]: the path in data[] begins at `start` and goes to there. */
static void set_path(struct request *request, const char *place, size_t place_length, size_t start)
{
	request->place = place;
	request->place_length = (unsigned)place_length;
	request->path_start = (unsigned)start;
	request->m[3] = request->badge >> TREE_MOUNT_SHIFT & 0xffff;
	request->m[6] = 0;
}

static long begin_by_tree(struct request *request)
{
	const char *path = (const char *)serve_message->data;
	size_t length = request->m[4];
	long error = check_words(request);

	if (error)
		return error;
	if (length < 2 || path[0] != '/' || length >= PATH_SIZE || is_excluded(request->badge, path + 1, length - 1))
		return -EXDEV;
	set_path(request, "", 0, 1);
	return 0;
}

/* ---- from an open directory on ---- */

long tree_mount = -1;

bool tree_takes_paths(const struct open_file *file)
{
	return (file->mode & LINUX_S_IFMT) == LINUX_S_IFDIR && file->mount == (unsigned long)tree_mount;
}

/* Of the caller, as in a tree Handle's badge. Read before it is known that the entry was the caller's still. */
static u32 excluded_for(unsigned long principal)
{
	const struct principal_entry *entry = principal_find(principal);
	u32 allowed = entry ? atomic_load_acquire(&entry->tree_allowed) : 0;

	return entry && atomic_load_acquire(&entry->principal) == principal ? ~allowed : TREE_ALL;
}

/*
 * Passes over the dots that the path starts with; *place_length follows: the place's text is free of links, so what stands above a directory is what it says.
 * Returns where the path goes on; behind its end: above the mount.
 */
static size_t pass_dots(const char *path, size_t length, const char *place, size_t *place_length)
{
	size_t at = 0;

	while (at < length && path[at] == '.') {
		size_t dots = at + 1 < length && path[at + 1] == '.' ? 2 : 1;

		if (at + dots < length && path[at + dots] != '/')
			break;
		if (dots == 2) {
			if (!*place_length)
				return length + 1;
			--*place_length;
			while (*place_length && place[*place_length - 1] != '/')
				--*place_length;
		}
		at = MIN(length, at + dots + 1);
	}
	return at;
}

/* "." and the like are no names to be made or removed. */
#define TREE_OF_NAMES (1ul << FILE_MKDIR | 1ul << FILE_MKNOD | 1ul << FILE_UNLINK)

static long begin_at_place(struct request *request, const char *place, size_t place_length)
{
	const char *path = (const char *)serve_message->data;
	size_t length = request->m[4], start = 0;

	if (*path == '.') {
		start = pass_dots(path, length, place, &place_length);
		if (start > length || (start == length && TREE_OF_NAMES >> request->label & 1))
			return -EXDEV;
		if (start == length && place_length)
			place_length--; /* the slash */
	}
	length += place_length - start;
	if (!length || length + 1 >= PATH_SIZE)
		return -EXDEV;
	if (place_length ? is_excluded(request->badge, place, place_length) : is_excluded(request->badge, path + start, length))
		return -EXDEV;
	set_path(request, place, place_length, start);
	return 0;
}

static __attribute__((noinline)) long begin_at(struct request *request)
{
	const struct open_file *base = request->file;
	long result = request->forwarded || !base ? -EPERM : check_words(request);
	const char *place;
	size_t length;
	u32 excluded;

	if (result)
		return result;
	if (!tree_takes_paths(base)) {
		request->answer[1] = TREE_NOT_HERE;
		return -EXDEV;
	}
	if (!request->m[4])
		return -EINVAL;
	excluded = excluded_for(request->principal);
	place = excluded == TREE_ALL ? NULL : place_of(base, &length);
	if (!place)
		return -EXDEV;
	request->badge = BADGE_SERVICE | BADGE_TREE | (unsigned long)base->mount << TREE_MOUNT_SHIFT | excluded;
	request->file = NULL;
	result = begin_at_place(request, place, length);
	if (result && length && is_excluded(request->badge, place, length))
		request->answer[1] = TREE_NOT_HERE;
	return result;
}

long tree_begin(struct request *request)
{
	return by_tree(request) ? begin_by_tree(request) : begin_at(request);
}

/* ---- links ---- */

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
	if (!made || is_excluded(walk->tree, text, made))
		return -EXDEV;
	walk->path = text;
	walk->length = made;
	return WALK_AGAIN;
}
