/* What a server counts for each user: a number a uid. */
#ifndef SERVE_USERS_H
#define SERVE_USERS_H

#include "lib/types.h"

#define USERS_BUCKETS 64

struct users {
	struct user *bucket[USERS_BUCKETS]; /* those whose number is not 0 */
	u64 all;                            /* the sum */
};

u64 users_count(const struct users *users, u32 uid);
/* The number grows, or falls, by that. False: there is no memory for one that was 0. */
bool users_add(struct users *users, u32 uid, s64 change);
/*
 * Of `most` that all share: whether the user may have so much more. It may have as much as it leaves to the others, so the only one has half of it at most, the
 * next one half of what is left then, and nobody can use it up.
 */
bool users_is_fair(const struct users *users, u32 uid, u64 more, u64 most);

#endif
