/* What servers send back: FILE_CONTINUE, at a link, at "..", with a place, with a name that was asked for. */
#include "root/walk.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/policy.h"
#include "root/services.h"
#include "root/walk_internal.h"

#define STEPS_MAX 2100 /* ".." of the longest path, and links */

/* Copied: data[] is needed for what goes out. */
static int decode(struct request *request, struct continuation *c)
{
	static char copy[MESSAGE_BYTES];
	const u64 *m = request->m;

	if (m[1] > request->bytes || m[2] > request->bytes - m[1] || m[3] > request->bytes - m[1] - m[2])
		return -EINVAL;
	memcpy(copy, root_message()->data, m[1] + m[2] + m[3]);
	*c = (struct continuation){ .kind = m[0], .mount = mount_of(request->service, m[4]), .prefix = copy, .link = copy + m[1],
				    .rest = copy + m[1] + m[2], .prefix_length = m[1], .link_length = m[2], .rest_length = m[3], .m5 = m[5],
				    .m6 = m[6], .m7 = m[7] };
	/* A file without a path is in no mount. */
	return c->mount || c->kind == CONTINUE_INFO || (c->kind == CONTINUE_LOCATED && c->m5 == LOCATED_NOWHERE) ? 0 : -EINVAL;
}

static long on_link(struct thread *thread, struct request *request, const struct continuation *c)
{
	bool absolute = c->link_length && c->link[0] == '/';
	int error = walk_restrict_link(&thread->walk, absolute);

	if (++thread->walk.links > WALK_LINKS_MAX)
		return -ELOOP;
	if (!error)
		error = absolute ? walk_restrict_root(thread) : text_prefix(c);
	if (!error)
		error = text_join(c->link, c->link_length);
	if (!error && c->rest_length)
		error = text_join(c->rest, c->rest_length);
	return error ? error : walk_go(thread, request, request->reply);
}

/* The prefix is the parent already; or the walk goes above the mount. */
static long on_parent(struct thread *thread, struct request *request, const struct continuation *c)
{
	int error = text_prefix(c);

	if (c->kind == CONTINUE_ABOVE)
		while (text_length && text_bytes[--text_length] != '/')
			;
	if (!error && !text_inside_chroot(thread, text_length)) {
		text_start();
		error = text_add_chroot(thread);
	}
	if (!error)
		error = text_join(c->rest, c->rest_length);
	/* "a/.." names a directory */
	if (!c->rest_length)
		thread->walk.flags |= WALK_DIRECTORY;
	return error ? error : walk_go(thread, request, request->reply);
}

/* Both paths are resolved: prefix and last component of the second are in `c`, the first's in w->first. */
static long send_both(struct thread *thread, struct request *request, const struct continuation *c)
{
	struct walk *w = &thread->walk;
	u8 *data = root_message()->data;
	size_t at = w->first.length, second;
	u64 m[MESSAGE_WORDS] = { w->m[0], w->m[1], w->m[2], c->mount->number, at };

	if (w->first_service != c->mount->service || w->first_mount != c->mount->number)
		return -EXDEV;
	if (text_prefix(c) || text_join(c->rest, c->rest_length))
		return -ENAMETOOLONG;
	if (!policy_allows(thread->process->role, text_bytes, text_length, POLICY_CREATE))
		return -EACCES;
	second = text_length - c->mount->length - 1;
	if (at + second > MESSAGE_BYTES)
		return -ENAMETOOLONG;
	memcpy(data, w->first.data, at);
	memcpy(data + at, text_bytes + c->mount->length + 1, second);
	m[5] = second;
	m[7] = w->flags;
	w->stage = STAGE_WALK;
	return request_forward_last(request, SYS(service_get(c->mount->service)->endpoint.slot), INFO(w->operation, at + second), m);
}

static long walk_resolved(struct thread *thread, struct request *request, const struct continuation *c)
{
	static char second[PATH_LIMIT];
	struct walk *w = &thread->walk;
	size_t length = w->second.length;
	int error;

	if (!c->rest_length)
		return w->operation == FILE_RENAME ? -EBUSY : w->second_turn ? -EEXIST : -EPERM;
	if (w->second_turn)
		return send_both(thread, request, c);
	error = text_prefix(c);
	if (!error)
		error = text_join(c->rest, c->rest_length);
	if (!error)
		error = walk_text_save(&w->first, text_bytes + c->mount->length + 1, text_length - c->mount->length - 1);
	if (error)
		return error;
	w->first_service = c->mount->service;
	w->first_mount = c->mount->number;
	w->second_turn = true;
	w->links = 0;
	if (length >= PATH_LIMIT)
		return -ENAMETOOLONG;
	memcpy(second, w->second.data, length);
	return walk_begin(thread, request, second, length, w->base2);
}

/* Each answer belongs to a question. */
static bool expected(const struct walk *w, u64 kind)
{
	switch (kind) {
	case CONTINUE_LINK:
	case CONTINUE_DOTDOT:
	case CONTINUE_ABOVE:
	case CONTINUE_REOPEN:
		return w->stage == STAGE_WALK || w->stage == STAGE_RESOLVE;
	case CONTINUE_PLACE:
		return w->stage == STAGE_PLACE;
	case CONTINUE_RESOLVED:
		return w->stage == STAGE_RESOLVE;
	case CONTINUE_LOCATED:
		return w->stage == STAGE_LOCATE;
	case CONTINUE_INFO:
		return w->stage == STAGE_INFO;
	default:
		return false;
	}
}

/* Only a server's own name for an open file, which it was asked for, begins with a NUL. */
static bool texts_clean(const struct walk *w, const struct continuation *c)
{
	bool own_name = c->kind == CONTINUE_RESOLVED && w->file.service && !w->second_turn;

	if (c->kind == CONTINUE_INFO) /* no path */
		return true;
	return text_clean(c->prefix, c->prefix_length) && text_clean(c->link, c->link_length) && (own_name || text_clean(c->rest, c->rest_length));
}

static long act(struct thread *thread, struct request *request, const struct continuation *c)
{
	switch (c->kind) {
	case CONTINUE_LINK:
		return on_link(thread, request, c);
	case CONTINUE_DOTDOT:
	case CONTINUE_ABOVE:
		return on_parent(thread, request, c);
	case CONTINUE_PLACE:
		return walk_placed(thread, request, c);
	case CONTINUE_RESOLVED:
		return walk_resolved(thread, request, c);
	case CONTINUE_LOCATED:
		return walk_located(thread, request, c);
	case CONTINUE_REOPEN:
		return walk_reopen(thread, request, c);
	case CONTINUE_INFO:
		return walk_informed(thread, request, c);
	default:
		return -EINVAL;
	}
}

long walk_continue(struct request *request)
{
	struct thread *thread = request->caller;
	struct walk *w = &thread->walk;
	struct continuation c;
	long result;

	if (!request->service || !request->forwarded)
		return -EPERM;
	result = decode(request, &c);
	if (result)
		return result;
	if (c.kind == CONTINUE_DESCRIBE)
		return walk_describe(thread, request, &c);
	if (!w->operation || (w->service && w->service != request->service) || !expected(w, c.kind) || !texts_clean(w, &c))
		return -EINVAL;
	w->plain = false;
	if (++w->steps > STEPS_MAX)
		return -ELOOP;
	result = act(thread, request, &c);
	if (!result_goes_on(result))
		walk_forget(thread);
	return result;
}
