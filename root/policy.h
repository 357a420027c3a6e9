/*
 * The one check that every walk passes: may a process of this role do that with this path? The rules are a table in policy.c; a store
 * that is read at run time can take its place behind this header.
 */
#ifndef ROOT_POLICY_H
#define ROOT_POLICY_H

#include "lib/types.h"

/* number, name; the number is the charge in the principal words of its processes */
#define ROLES(X) X(SYSTEM, 0, "system") X(SERVICE, 1, "service") X(USER, 2, "user")

enum role {
#define X(name, number, text) ROLE_##name = number,
	ROLES(X)
#undef X
	ROLE_COUNT
};

#define POLICY_READ    1
#define POLICY_WRITE   2
#define POLICY_EXECUTE 4
#define POLICY_CREATE  8 /* and remove, rename */

/* `path`: absolute, normal, `length` bytes. */
bool policy_allows(u32 role, const char *path, size_t length, unsigned rights);

/* Whether the role may do everything at all paths but those, with what is below them, that policy_exception lists: the nth, or NULL. */
bool policy_allows_most(u32 role);
const char *policy_exception(u32 role, unsigned nth);

#endif
