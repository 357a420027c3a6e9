#include "serve/users.h"

#include "serve/memory.h"

struct user {
	struct user *next;
	u32 uid;
	u64 count;
};

static struct user *find(const struct users *users, u32 uid)
{
	struct user *at = users->bucket[uid % USERS_BUCKETS];

	while (at && at->uid != uid)
		at = at->next;
	return at;
}

static void drop(struct users *users, struct user *user)
{
	struct user **at = &users->bucket[user->uid % USERS_BUCKETS];

	while (*at != user)
		at = &(*at)->next;
	*at = user->next;
	memory_free(user, sizeof(*user));
}

u64 users_count(const struct users *users, u32 uid)
{
	const struct user *user = find(users, uid);

	return user ? user->count : 0;
}

bool users_add(struct users *users, u32 uid, s64 change)
{
	struct user *user = find(users, uid), **first = &users->bucket[uid % USERS_BUCKETS];

	if (!user) {
		user = memory_take(sizeof(*user));
		if (!user)
			return false;
		user->uid = uid;
		user->next = *first;
		*first = user;
	}
	user->count += (u64)change;
	users->all += (u64)change;
	if (!user->count)
		drop(users, user);
	return true;
}

bool users_is_fair(const struct users *users, u32 uid, u64 more, u64 most)
{
	u64 all = users->all + more;

	return all <= most && users_count(users, uid) + more <= most - all;
}
