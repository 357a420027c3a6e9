/*
 * Walks. A thread has at most one: its operation, arguments and flags come from its first message and stay in thread->walk; servers
 * contribute only text. Each step makes one absolute text, finds the mount, asks the policy and forwards the caller; the server
 * answers it, or sends it back here with FILE_CONTINUE.
 *
 * link and rename have two paths; each is resolved first (FILE_RESOLVE), then the operation goes out with both.
 */
#include "root/walk.h"

#include "lib/errno.h"
#include "lib/path.h"
#include "lib/string.h"
#include "root/policy.h"
#include "root/services.h"
#include "root/walk_internal.h"

#define OPEN_ACCESS_MASK 3u
#define OPEN_CREATE      0100u
#define OPEN_TRUNCATE    01000u
#define OPEN_READ_WRITE  2u

static void forget_text(struct walk_text *text)
{
	if (text->data)
		walk_text_free(text);
}

void walk_forget(struct thread *thread)
{
	struct walk *w = &thread->walk;

	if (!w->operation)
		return;
	forget_text(&w->path);
	forget_text(&w->second);
	forget_text(&w->first);
	forget_text(&w->anchor);
	memset(w, 0, sizeof(*w));
}

/* ---- sending ---- */

/* The fourth access mode is for ioctls only: Linux asks for both rights then. */
static unsigned open_rights(u64 flags)
{
	u64 access = flags & OPEN_ACCESS_MASK;

	return (access ? POLICY_WRITE : POLICY_READ) | (access >= OPEN_READ_WRITE ? POLICY_READ : 0) | (flags & OPEN_CREATE ? POLICY_CREATE : 0) |
	       (flags & OPEN_TRUNCATE ? POLICY_WRITE : 0) | (flags & OPEN_EXEC ? POLICY_EXECUTE : 0);
}

static unsigned rights_of(u64 operation, u64 m0)
{
	switch (operation) {
	case FILE_OPEN:
		return open_rights(m0);
	case FILE_MKDIR:
	case FILE_MKNOD:
	case FILE_UNLINK:
	case FILE_SYMLINK:
	case FILE_LINK:
	case FILE_RENAME:
		return POLICY_CREATE;
	case FILE_SETATTR:
	case FILE_SETXATTR:
	case FILE_REMOVEXATTR:
		return POLICY_WRITE;
	default:
		return POLICY_READ;
	}
}

unsigned walk_rights(const struct walk *w)
{
	return rights_of(w->operation, w->m[0]);
}

/* The text with ".." in it is no path yet: its walk comes back here. */
static bool has_parent_step(void)
{
	for (size_t i = 0; i + 2 < text_length; i++)
		if (text_bytes[i] == '/' && text_bytes[i + 1] == '.' && text_bytes[i + 2] == '.' && (i + 3 == text_length || text_bytes[i + 3] == '/'))
			return true;
	return false;
}

bool walk_resolves(const struct walk *w)
{
	return w->operation == FILE_LINK || w->operation == FILE_RENAME;
}

static u64 send_flags(const struct walk *w)
{
	if (!walk_resolves(w))
		return w->flags & ~(u64)WALK_RESTRICTIONS;
	if (w->operation == FILE_LINK && w->m[0] == 1 && !w->second_turn)
		return w->flags & WALK_DIRECTORY;
	return WALK_NOFOLLOW | WALK_PARENT | (w->flags & WALK_DIRECTORY) | (w->operation == FILE_LINK && w->second_turn ? WALK_NEW : 0);
}

/* To the service's Endpoint, with the path in the mount and the second text. `request` is NULL when the caller has waited for the service. */
static long send(struct thread *thread, struct request *request, u32 reply, const struct mount *mount, size_t rest)
{
	struct walk *w = &thread->walk;
	u64 target = SYS(service_get(mount->service)->endpoint.slot), info;
	long error;
	struct walk_text *second = walk_resolves(w) ? NULL : &w->second;
	size_t bytes = second ? second->length : 0, length = text_length - rest;
	u64 m[MESSAGE_WORDS] = { w->m[0], w->m[1], w->m[2], mount->number, length, bytes, 0, send_flags(w) };
	u8 *data = root_message()->data;

	if (length + bytes > MESSAGE_BYTES)
		return -ENAMETOOLONG;
	memcpy(data, text_bytes + rest, length);
	if (bytes)
		memcpy(data + length, second->data, bytes);
	w->service = mount->service;
	w->stage = walk_resolves(w) ? STAGE_RESOLVE : STAGE_WALK;
	info = INFO(walk_resolves(w) ? FILE_RESOLVE : w->operation, length + bytes) | INFO_WINDOWS(1);
	if (request)
		return request_forward_last(request, target, info, m);
	error = request_forward(thread, reply, target, info, m);
	return error ? error : RESULT_LATER;
}

/* Opening /dev/tty is opening the caller's controlling terminal. -ENXIO: it has none. */
static int terminal_mount(const struct process *process, const struct walk *w, struct mount *mount)
{
	if (!mount->terminal || w->operation != FILE_OPEN || w->flags & WALK_SEARCH_ONLY)
		return 0;
	mount->service = process->terminal.service;
	mount->number = MOUNT_TERMINAL;
	return process->terminal.device ? 0 : -ENXIO;
}

/* The text is absolute: on to its mount. `request` is NULL when a service has come for a walk that waited. */
long walk_go(struct thread *thread, struct request *request, u32 reply)
{
	struct walk *w = &thread->walk;
	const struct mount *found;
	struct mount mount;
	struct service *service;
	size_t rest;
	long error = walk_restrict_step(w);

	if (error)
		return error;
	text_length = text_normalise(text_bytes, text_length);
	if (text_length >= PATH_LIMIT)
		return -ENAMETOOLONG;
	if (text_length > 1 && text_bytes[text_length - 1] == '/')
		w->flags |= WALK_DIRECTORY;
	found = mount_match(text_bytes, text_length, &rest);
	if (!found)
		return -ENOENT;
	error = walk_restrict_mount(w, found);
	if (error)
		return error;
	if (!has_parent_step() && !policy_allows(thread->process->role, text_bytes, text_length, walk_rights(w)))
		return -EACCES;
	mount = *found;
	error = terminal_mount(thread->process, w, &mount);
	if (error)
		return error;
	service = service_get(mount.service);
	if (service->ready)
		return send(thread, request, reply, &mount, rest);
	if (!service->present)
		return -ENXIO;
	error = walk_text_save(&w->path, text_bytes, text_length);
	if (error)
		return error;
	thread->waiting.a = mount.service;
	return request ? request_keep(request, WAIT_SERVICE) : RESULT_LATER;
}

void walk_service_ready(u16 number)
{
	list_for_each_entry(p, &process_list, struct process, all) {
		list_for_each_entry(t, &p->threads, struct thread, in_process) {
			long result;

			if (t->wait != WAIT_SERVICE || t->waiting.a != number)
				continue;
			text_start();
			text_add((char *)t->walk.path.data, t->walk.path.length);
			result = walk_go(t, NULL, t->reply);
			if (result != RESULT_LATER)
				thread_answer(t, result, 0, 0);
			else if (t->waiting.a == number) /* else it waits for another now: its controlling terminal has changed */
				thread_reply_gone(t);
		}
	}
}

/* ---- starting ---- */

/* "." and ".." at the end are gone from the text that servers get, and are no names to be made, removed or renamed. */
static u64 last_dots(const char *path, size_t length)
{
	size_t end = length, start;

	while (end && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/'; start--)
		;
	if (end - start == 1 && path[start] == '.')
		return WALK_LAST_DOT;
	return end - start == 2 && path[start] == '.' && path[start + 1] == '.' ? WALK_LAST_DOTDOT : 0;
}

static const struct mount *mount_of_text(void)
{
	size_t rest;

	return text_length ? mount_match(text_bytes, text_length, &rest) : mount_match("/", 1, &rest);
}

/* From the path as the client gave it. */
long walk_begin(struct thread *thread, struct request *request, const char *path, size_t length, u64 base)
{
	struct walk *w = &thread->walk;
	int error;

	if (!length && !(w->flags & WALK_EMPTY))
		return -ENOENT;
	if (length >= PATH_LIMIT)
		return -ENAMETOOLONG;
	if (!text_clean(path, length))
		return -EINVAL;
	if (length && path[length - 1] == '/')
		w->flags |= WALK_DIRECTORY;
	w->flags |= last_dots(path, length);
	if (w->flags & WALK_BENEATH && length && path[0] == '/')
		return -EXDEV;
	if (!length || path[0] != '/') {
		error = walk_text_save(&w->path, path, length);
		return error ? error : walk_ask_place(thread, request, base);
	}
	/* ".." at the start of an absolute path stays at the root directory: normalised before the directory's own text goes in front. */
	text_start();
	error = text_add_chroot(thread);
	if (!error)
		error = walk_restrict_start(w, mount_of_text());
	if (!error)
		error = text_add(path, length);
	if (error)
		return error;
	if (thread->process->chroot_path) {
		size_t root = strlen(thread->process->chroot_path);

		text_length = root + text_normalise(text_bytes + root, text_length - root);
	}
	return walk_go(thread, request, request->reply);
}

/* Makes the path that is in data[] absolute, if it is not, where the directory that it starts at is known. NULL: it is not. */
static const char *plain_absolute(const struct thread *thread, u64 base, const char *path, size_t *length)
{
	const struct place *place;

	if (path[0] == '/')
		return thread->process->chroot_path ? NULL : path;
	place = place_find(thread, base);
	if (!place || place->length + 1ul + *length >= PATH_LIMIT)
		return NULL;
	text_start();
	text_add(place->text, place->length);
	text_join(path, *length);
	*length = text_length;
	return text_bytes;
}

#define WALK_CLIENT_FLAGS (WALK_NOFOLLOW | WALK_DIRECTORY | WALK_EMPTY | WALK_SEARCH_ONLY | WALK_RESTRICTIONS)
#define TWO_PATHS         (BIT(FILE_LINK) | BIT(FILE_RENAME))

/* The loads of path_is_plain are never of more than MESSAGE_BYTES. */
bool walk_plain(struct kmsg *msg, struct thread *thread)
{
	struct walk *w = &thread->walk;
	u64 operation = INFO_LABEL(msg->info), flags = msg->m[7] & WALK_CLIENT_FLAGS;
	char *data = (char *)root_message()->data;
	size_t length = msg->m[4], rest;
	const struct service *service;
	const struct mount *mount;
	const char *path;

	if (operation < FILE_OPEN || operation > FILE_REMOVEXATTR || TWO_PATHS >> operation & 1 || msg->info & INFO_FORWARDED)
		return false;
	if (length > INFO_BYTES_OF(msg->info) || msg->m[5] || flags & WALK_RESTRICTIONS || !path_is_plain(data, length))
		return false;
	path = plain_absolute(thread, msg->m[3], data, &length);
	mount = path ? mount_match(path, length, &rest) : NULL;
	if (!mount || mount->terminal)
		return false;
	service = service_get(mount->service);
	if (!service->ready || !policy_allows(thread->process->role, path, length, rights_of(operation, msg->m[0])))
		return false;
	length -= rest;
	memmove(data, path + rest, length);
	if (!w->plain)
		walk_forget(thread);
	w->plain = true;
	w->operation = operation;
	w->stage = STAGE_WALK;
	w->service = mount->service;
	w->m[0] = msg->m[0];
	w->m[1] = msg->m[1];
	w->m[2] = msg->m[2];
	w->flags = flags;
	msg->target = SYS(service->endpoint.slot);
	msg->info = INFO(operation, length) | INFO_WINDOWS(1);
	msg->m[3] = mount->number;
	msg->m[4] = length;
	msg->m[6] = 0;
	msg->m[7] = flags;
	return true;
}

long walk_start(struct request *request)
{
	static u8 copy[MESSAGE_BYTES];
	struct thread *thread = request->caller;
	struct walk *w = &thread->walk;
	u64 operation = INFO_LABEL(request->info), first = request->m[4], second = request->m[5];
	int error = 0;
	long result;

	walk_forget(thread);
	if (operation < FILE_OPEN || operation > FILE_REMOVEXATTR || request->forwarded)
		return -EINVAL;
	if (first > request->bytes || second > request->bytes - first)
		return -EINVAL;
	w->operation = operation;
	memcpy(w->m, request->m, sizeof(w->m));
	w->flags = request->m[7] & WALK_CLIENT_FLAGS;
	w->base2 = request->m[6];
	memcpy(copy, root_message()->data, first + second);
	/* What a link says becomes part of paths. */
	if (operation == FILE_SYMLINK && !text_clean((char *)copy + first, second))
		error = -EINVAL;
	if (!error && second)
		error = walk_text_save(&w->second, copy + first, second);
	if (!error && walk_resolves(w) && !second)
		error = -ENOENT;
	result = error ? error : walk_begin(thread, request, (char *)copy, first, request->m[3]);
	if (!result_goes_on(result))
		walk_forget(thread);
	return result;
}
