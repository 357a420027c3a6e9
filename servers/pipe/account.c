/* What each user's pipes may take: a count of pages, against who made the pipe, whoever has it. */
#include "lib/errno.h"
#include "servers/pipe/pipe.h"

static struct users users;

long pipe_account(u32 uid, size_t from, size_t to)
{
	return users_add(&users, uid, (s64)to - (s64)from) ? 0 : -ENOMEM;
}

enum pipe_excess pipe_excess(u32 uid)
{
	u64 pages = users_count(&users, uid), soft = setting(SETTING_PIPE_PAGES_SOFT), hard = setting(SETTING_PIPE_PAGES_HARD);

	if (hard && pages > hard)
		return PIPE_ABOVE_HARD;
	return soft && pages > soft ? PIPE_ABOVE_SOFT : PIPE_WITHIN;
}
