/* The mount table: which service's which mount serves a path. */
#ifndef ROOT_NAMES_H
#define ROOT_NAMES_H

#include "lib/types.h"
#include "root/kcall.h"

#define MOUNTS_MAX 64
#define PATH_LIMIT 4096 /* with the NUL of Linux's PATH_MAX */

struct mount {
	const char *path;    /* absolute, no trailing slash but for "/" */
	u16 length;          /* of path; 0 for "/" */
	u16 service, number; /* number: the service's own count of its mounts */
	bool terminal;       /* it is opened as MOUNT_TERMINAL of the service of the caller's controlling terminal */
};

/* 0, -EEXIST or -ENOMEM. `path` stays the caller's and must not go. */
int mount_add(const char *path, u16 service, u16 number, bool terminal);
/* What the service has mounted is so no more. */
void mounts_remove(u16 service);
/* The mount of the longest matching path. `text` is normal (text_normalise). NULL: nothing is mounted. *rest: where the path in the mount begins. */
const struct mount *mount_search(const char *text, size_t length, size_t *rest);
ROOT_DATA u64 mount_letters[4];            /* a bit for each first letter of a mount's path */
ROOT_DATA const struct mount *mount_root;  /* where "/" is mounted, or NULL */
static inline const struct mount *mount_match(const char *text, size_t length, size_t *rest)
{
	u8 first = length > 1 ? text[1] : 0;

	/* most paths are the root mount's, and need not look at the others */
	if (unlikely(mount_letters[first / 64] >> first % 64 & 1 || !mount_root || text[0] != '/'))
		return mount_search(text, length, rest);
	*rest = 1;
	return mount_root;
}
/* MOUNT_TERMINAL: any service's. */
const struct mount *mount_of(u16 service, u64 number);
const struct mount *mount_nth(unsigned index); /* the longest path first */
/* Not a mount for programs: on Linux a directory of its parent mount. */
bool mount_hidden(const struct mount *mount);
/* Its number in /proc/PID/mountinfo. */
unsigned mount_id(const struct mount *mount);

/*
 * Makes an absolute path normal in place: no empty components, no ".", no ".." at its start; a slash at its end stays. ".." elsewhere stays, since
 * what stands before it may be a link. Returns the length.
 */
size_t text_normalise(char *text, size_t length);

#endif
