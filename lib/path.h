/*
 * Paths as text. Nothing here looks at a file system, so symbolic links are the caller's matter. Lengths are bytes
 * without NUL. Limits and errors are Linux's: a component of more than 255 bytes or a path of more than 4095 is
 * -ENAMETOOLONG.
 */
#ifndef LIB_PATH_H
#define LIB_PATH_H

#include "lib/types.h"

#define PATH_NAME_MAX 255
#define PATH_SIZE 4096 /* Linux's PATH_MAX: with the NUL */

/* The length of a path given by someone: -ENOENT if empty, -ENAMETOOLONG if no NUL within PATH_SIZE bytes. */
int path_length(const char *path);

enum path_kind {
	PATH_END = 0,
	PATH_NAME = 1,
	PATH_PARENT = 2, /* ".." */
};

struct path_iter {
	const char *at, *end;
};

struct path_component {
	const char *name; /* in the path, not terminated */
	size_t length;
	bool last;  /* nothing follows but slashes and "." */
	bool slash; /* a slash follows: whatever it is must be a directory */
};

void path_iter_init(struct path_iter *iter, const char *path, size_t length);

/*
 * The next component; slashes and "." are passed over. An enum path_kind, or -ENAMETOOLONG with `component` the one
 * that is too long. A trailing "/." counts as a slash.
 */
int path_next(struct path_iter *iter, struct path_component *component);

/* Whether `name` may be one directory entry: not empty, ".", ".." or too long, no slash or NUL in it. */
bool path_name_valid(const char *name, size_t length);

/*
 * Whether text_normalise (root/names.c) and path_next would leave the path as it is, and it has no "..", no slash at its end and no NUL: what most
 * paths are. It may be absolute. Up to 8 bytes behind the text are read.
 */
bool path_is_plain(const char *path, size_t length);

/*
 * `relative` as seen from `base`, without normalising: itself if it is absolute, else joined by one slash.
 * Returns the length; -ENAMETOOLONG if it does not fit into `size` bytes with its NUL. `out` overlaps neither.
 */
int path_join(const char *base, const char *relative, char *out, size_t size);

/*
 * Resolves ".", ".." and repeated slashes by text alone: right only where no component is a symbolic link. ".." at
 * the root stays there; at the start of a relative path it is kept. No slash at the end, "." for the empty result.
 * `out` may be `path` itself. Returns the length; -ENAMETOOLONG if `size` is too small or a component too long.
 */
int path_normalise(const char *path, char *out, size_t size);

/*
 * If `path` is `prefix` or lies below it, what follows: "" or a text that starts with '/'. NULL otherwise. Both are
 * normalised; the prefix "/" is above every absolute path and leaves it whole ("" for "/").
 */
const char *path_below(const char *path, const char *prefix);

/* The last component, for calls that act on a name in a directory (mkdir, unlink, rename, O_CREAT). */
enum path_last {
	PATH_LAST_NAME,
	PATH_LAST_ROOT,   /* there is none: the path has only slashes */
	PATH_LAST_DOT,    /* "." */
	PATH_LAST_PARENT, /* ".." */
};

struct path_split {
	enum path_last kind;
	size_t parent_length; /* the path up to and with the slash before the component; 0: the starting directory */
	const char *name;
	size_t name_length;
	bool trailing_slash;
};

/* 0, or -ENAMETOOLONG, or -ENOENT for the empty path. */
int path_split_last(const char *path, size_t length, struct path_split *split);

#endif
