/*
 * Walks. A thread has at most one: its operation, arguments and flags come from its first message and stay in thread->walk; servers
 * contribute only text. Each step makes one absolute text, finds the mount, asks the policy and forwards the caller; the server
 * answers it, or sends it back here with FILE_CONTINUE.
 *
 * link and rename have two paths; each is resolved first (FILE_RESOLVE), then the operation goes out with both.
 */
#include "root/walk.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/names.h"
#include "root/operations.h"
#include "root/policy.h"
#include "root/services.h"

#define LINKS_MAX 40
#define STEPS_MAX 2100 /* ".." of the longest path, and links */

enum stage { STAGE_NONE, STAGE_PLACE, STAGE_WALK, STAGE_RESOLVE };

#define WALK_CHROOT 0x100 /* an operation of root's own: only the directory's place is asked for */

#define OPEN_ACCESS_MASK 3u
#define OPEN_CREATE      0100u
#define OPEN_TRUNCATE    01000u

/* The text being made. One walk step at a time runs. */
static char text[2 * PATH_LIMIT + 512];
static size_t text_length;

/* ---- saved texts ---- */

static void save_free(struct walk_text *saved)
{
	if (saved->length > HEAP_MAX)
		root_page_free(saved->data);
	else
		root_free(saved->data);
	*saved = (struct walk_text){ 0 };
}

static int save(struct walk_text *saved, const void *data, size_t length)
{
	save_free(saved);
	if (!length)
		return 0;
	if (length > PAGE_SIZE)
		return -ENAMETOOLONG;
	saved->data = length > HEAP_MAX ? root_page_alloc() : root_alloc(length);
	if (!saved->data)
		return -ENOMEM;
	memcpy(saved->data, data, length);
	saved->length = length;
	return 0;
}

void walk_forget(struct thread *thread)
{
	struct walk *w = &thread->walk;

	if (!w->operation)
		return;
	save_free(&w->path);
	save_free(&w->second);
	save_free(&w->first);
	memset(w, 0, sizeof(*w));
}

/* ---- making the text ---- */

static void text_start(void)
{
	text_length = 0;
}

static int text_add(const char *bytes, size_t length)
{
	if (length > sizeof(text) - text_length)
		return -ENAMETOOLONG;
	memcpy(text + text_length, bytes, length);
	text_length += length;
	return 0;
}

/* A component boundary, then bytes. */
static int text_join(const char *bytes, size_t length)
{
	int error = text_add("/", 1);

	return error ? error : text_add(bytes, length);
}

static int text_add_mount(const struct mount *mount)
{
	return text_add(mount->path, mount->length);
}

static int text_add_chroot(const struct thread *thread)
{
	const char *root = thread->process->chroot_path;

	return root ? text_add(root, strlen(root)) : 0;
}

/* What a ".." left above the root directory is the root directory. */
static bool inside_chroot(const struct thread *thread, size_t length)
{
	const char *root = thread->process->chroot_path;
	size_t n = root ? strlen(root) : 0;

	return n <= length && !memcmp(text, root ? root : "", n) && (n == length || text[n] == '/');
}

/* ---- sending ---- */

static unsigned rights_of(const struct walk *w)
{
	u64 flags = w->m[0];

	switch (w->operation) {
	case FILE_OPEN:
		return (flags & OPEN_ACCESS_MASK ? POLICY_WRITE : POLICY_READ) | (flags & OPEN_CREATE ? POLICY_CREATE : 0) |
		       (flags & OPEN_TRUNCATE ? POLICY_WRITE : 0);
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

/* The text with ".." in it is no path yet: its walk comes back here. */
static bool has_parent_step(void)
{
	for (size_t i = 0; i + 2 < text_length; i++)
		if (text[i] == '/' && text[i + 1] == '.' && text[i + 2] == '.' && (i + 3 == text_length || text[i + 3] == '/'))
			return true;
	return false;
}

static bool resolving(const struct walk *w)
{
	return w->operation == FILE_LINK || w->operation == FILE_RENAME;
}

static u64 send_flags(const struct walk *w)
{
	if (!resolving(w))
		return w->flags;
	if (w->operation == FILE_LINK && w->m[0] == 1 && !w->second_turn)
		return w->flags & WALK_DIRECTORY;
	return WALK_NOFOLLOW | WALK_PARENT | (w->flags & WALK_DIRECTORY) | (w->operation == FILE_LINK && w->second_turn ? WALK_NEW : 0);
}

/* To the service's Endpoint, with the path in the mount and the second text. */
static long send(struct thread *thread, u32 reply, const struct mount *mount, size_t rest)
{
	struct walk *w = &thread->walk;
	struct walk_text *second = resolving(w) ? NULL : &w->second;
	size_t bytes = second ? second->length : 0, length = text_length - rest;
	u64 m[MESSAGE_WORDS] = { w->m[0], w->m[1], w->m[2], mount->number, length, bytes, 0, send_flags(w) };
	u8 *data = root_message()->data;

	if (length + bytes > MESSAGE_BYTES)
		return -ENAMETOOLONG;
	memcpy(data, text + rest, length);
	if (bytes)
		memcpy(data + length, second->data, bytes);
	w->service = mount->service;
	w->stage = resolving(w) ? STAGE_RESOLVE : STAGE_WALK;
	return request_forward(thread, reply, SYS(service_get(mount->service)->endpoint.slot),
			       INFO(resolving(w) ? FILE_RESOLVE : w->operation, length + bytes) | INFO_WINDOWS(1), m);
}

/* The text is absolute: on to its mount. `request` is NULL when a service has come for a walk that waited. */
static long go(struct thread *thread, struct request *request, u32 reply)
{
	struct walk *w = &thread->walk;
	const struct mount *mount;
	struct service *service;
	size_t rest;
	long error;

	text_length = text_normalise(text, text_length);
	if (text_length >= PATH_LIMIT)
		return -ENAMETOOLONG;
	if (text_length > 1 && text[text_length - 1] == '/')
		w->flags |= WALK_DIRECTORY;
	mount = mount_match(text, text_length, &rest);
	if (!mount)
		return -ENOENT;
	if (!has_parent_step() && !policy_allows(thread->process->role, text, text_length, rights_of(w)))
		return -EACCES;
	service = service_get(mount->service);
	if (service->ready) {
		error = send(thread, reply, mount, rest);
		return error ? error : RESULT_LATER;
	}
	if (!service->present)
		return -ENXIO;
	error = save(&w->path, text, text_length);
	if (error || !request)
		return error ? error : RESULT_LATER;
	thread->waiting.a = mount->service;
	return request_keep(request, WAIT_SERVICE);
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
			result = go(t, NULL, t->reply);
			if (result == RESULT_LATER)
				thread_reply_gone(t);
			else
				thread_answer(t, result, 0, 0);
		}
	}
}

/* ---- starting points ---- */

/* A copy of the Handle that the process names, in root's own slot; 0: it has none there. */
static u32 borrow_handle(const struct process *process, const struct files *files, u64 cptr)
{
	u32 slot = slot_alloc(1);
	u64 cnode = cptr & CPTR_SYSTEM ? SYS(process->system_cnode.slot) : SYS(files->cnode.slot);

	if (!slot)
		return 0;
	if (!KCALL6(cap_copy, ROOT_CNODE, slot, cnode, cptr & ~(u64)CPTR_SYSTEM, RIGHT_SEND, 0))
		return slot;
	slot_free(slot, 1);
	return 0;
}

static long send_to_handle(struct thread *thread, u32 reply, u32 handle, unsigned label, const u64 m[MESSAGE_WORDS], u64 bytes)
{
	struct walk *w = &thread->walk;
	long error = request_forward(thread, reply, SYS(handle), INFO(label, bytes) | INFO_WINDOWS(1), m);

	KCALL2(cap_delete, ROOT_CNODE, handle);
	slot_free(handle, 1);
	w->service = 0; /* whoever serves that Handle */
	return error ? -EBADF : RESULT_LATER;
}

static bool is_base(u64 cptr, const struct thread *thread)
{
	if (cptr & CPTR_SYSTEM)
		return cptr == (CPTR_SYSTEM | SLOT_CWD) || cptr == (CPTR_SYSTEM | SLOT_FSROOT);
	return cptr < thread->files->slots;
}

/* Asks the base directory's server for its place; the path waits in w->path. */
static long ask_place(struct thread *thread, struct request *request, u64 base)
{
	struct walk *w = &thread->walk;
	u64 m[MESSAGE_WORDS] = { 0 };
	u32 handle;

	if (!is_base(base, thread))
		return -EBADF;
	w->base = base;
	handle = borrow_handle(thread->process, thread->files, base);
	if (!handle && !(base & CPTR_SYSTEM))
		return -EBADF;
	if (handle) {
		w->stage = STAGE_PLACE;
		return send_to_handle(thread, request->reply, handle, FILE_PLACE, m, 0);
	}
	/* The first process has no working directory until it sets one: it is the root directory. */
	text_start();
	if (text_add_chroot(thread) || text_join((char *)w->path.data, w->path.length))
		return -ENAMETOOLONG;
	return go(thread, request, request->reply);
}

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

/* From the path as the client gave it. */
static long begin(struct thread *thread, struct request *request, const char *path, size_t length, u64 base)
{
	struct walk *w = &thread->walk;
	int error;

	if (!length && !(w->flags & WALK_EMPTY))
		return -ENOENT;
	if (length >= PATH_LIMIT)
		return -ENAMETOOLONG;
	if (memchr(path, 0, length))
		return -EINVAL;
	if (length && path[length - 1] == '/')
		w->flags |= WALK_DIRECTORY;
	w->flags |= last_dots(path, length);
	if (!length || path[0] != '/') {
		error = save(&w->path, path, length);
		return error ? error : ask_place(thread, request, base);
	}
	/* ".." at the start of an absolute path stays at the root directory: normalised before the directory's own text goes in front. */
	text_start();
	error = text_add_chroot(thread);
	if (!error)
		error = text_add(path, length);
	if (error)
		return error;
	if (thread->process->chroot_path) {
		size_t root = strlen(thread->process->chroot_path);

		text_length = root + text_normalise(text + root, text_length - root);
	}
	return go(thread, request, request->reply);
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
	memcpy(copy, root_message()->data, first + second);
	w->operation = operation;
	memcpy(w->m, request->m, sizeof(w->m));
	w->flags = request->m[7] & (WALK_NOFOLLOW | WALK_DIRECTORY | WALK_EMPTY | WALK_SEARCH_ONLY);
	w->base2 = request->m[6];
	if (second)
		error = save(&w->second, copy + first, second);
	if (!error && resolving(w) && !second)
		error = -ENOENT;
	result = error ? error : begin(thread, request, (char *)copy, first, request->m[3]);
	if (result != RESULT_LATER)
		walk_forget(thread);
	return result;
}

/* ---- continuing ---- */

struct continuation {
	u64 kind;
	const struct mount *mount;
	const char *prefix, *link, *rest;
	u64 prefix_length, link_length, rest_length;
	u64 m5, m6;
};

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
				    .m6 = m[6] };
	return c->mount ? 0 : -EINVAL;
}

static int text_prefix(const struct continuation *c)
{
	int error;

	text_start();
	error = text_add_mount(c->mount);
	return error || !c->prefix_length ? error : text_join(c->prefix, c->prefix_length);
}

static long on_link(struct thread *thread, struct request *request, const struct continuation *c)
{
	int error;

	if (++thread->walk.links > LINKS_MAX)
		return -ELOOP;
	if (c->link_length && c->link[0] == '/') {
		text_start();
		error = text_add_chroot(thread);
	} else {
		error = text_prefix(c);
	}
	if (!error)
		error = text_join(c->link, c->link_length);
	if (!error && c->rest_length)
		error = text_join(c->rest, c->rest_length);
	return error ? error : go(thread, request, request->reply);
}

/* The prefix is the parent already; or the walk goes above the mount. */
static long on_parent(struct thread *thread, struct request *request, const struct continuation *c)
{
	int error = text_prefix(c);

	if (c->kind == CONTINUE_ABOVE)
		while (text_length && text[--text_length] != '/')
			;
	if (!error && !inside_chroot(thread, text_length)) {
		text_start();
		error = text_add_chroot(thread);
	}
	if (!error)
		error = text_join(c->rest, c->rest_length);
	/* "a/.." names a directory */
	if (!c->rest_length)
		thread->walk.flags |= WALK_DIRECTORY;
	return error ? error : go(thread, request, request->reply);
}

/* The text is the new root directory's path; its Handle takes the place of SLOT_FSROOT. */
static long change_root(struct thread *thread)
{
	struct process *process = thread->process;
	u64 cptr = thread->walk.m[0], system = SYS(process->system_cnode.slot);
	u64 from = cptr & CPTR_SYSTEM ? system : SYS(thread->files->cnode.slot);
	char *copy = NULL;

	text_length = text_length ? text_normalise(text, text_length) : 0;
	if (text_length == 1)
		text_length = 0;
	if (text_length) {
		copy = text_length < HEAP_MAX ? root_alloc(text_length + 1) : NULL;
		if (!copy)
			return -ENOMEM;
		memcpy(copy, text, text_length);
	}
	root_free(process->chroot_path);
	process->chroot_path = copy;
	if (cptr != (CPTR_SYSTEM | SLOT_FSROOT)) {
		KCALL2(cap_delete, system, SLOT_FSROOT);
		KCALL6(cap_copy, system, SLOT_FSROOT, from, cptr & ~(u64)CPTR_SYSTEM, RIGHT_SEND, 0);
	}
	return 0;
}

long op_CHROOT(struct request *request)
{
	struct thread *thread = request->caller;
	struct walk *w = &thread->walk;
	u64 m[MESSAGE_WORDS] = { 0 };
	u32 handle;
	long result;

	walk_forget(thread);
	if (!is_base(request->m[0], thread))
		return -EBADF;
	handle = borrow_handle(thread->process, thread->files, request->m[0]);
	if (!handle)
		return -EBADF;
	w->operation = WALK_CHROOT;
	w->m[0] = request->m[0];
	w->stage = STAGE_PLACE;
	result = send_to_handle(thread, request->reply, handle, FILE_PLACE, m, 0);
	if (result != RESULT_LATER)
		walk_forget(thread);
	return result;
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
	if (!policy_allows(thread->process->role, text, text_length, POLICY_CREATE))
		return -EACCES;
	second = text_length - c->mount->length - 1;
	if (at + second > MESSAGE_BYTES)
		return -ENAMETOOLONG;
	memcpy(data, w->first.data, at);
	memcpy(data + at, text + c->mount->length + 1, second);
	m[5] = second;
	m[7] = w->flags;
	w->stage = STAGE_WALK;
	return request_forward(thread, request->reply, SYS(service_get(c->mount->service)->endpoint.slot),
			       INFO(w->operation, at + second), m)
		       ? -EIO
		       : RESULT_LATER;
}

static long on_resolved(struct thread *thread, struct request *request, const struct continuation *c)
{
	static char second[PATH_LIMIT];
	struct walk *w = &thread->walk;
	size_t length = w->second.length;
	int error;

	if (w->stage != STAGE_RESOLVE)
		return -EINVAL;
	if (!c->rest_length)
		return w->operation == FILE_RENAME ? -EBUSY : w->second_turn ? -EEXIST : -EPERM;
	if (w->second_turn)
		return send_both(thread, request, c);
	error = text_prefix(c);
	if (!error)
		error = text_join(c->rest, c->rest_length);
	if (!error)
		error = save(&w->first, text + c->mount->length + 1, text_length - c->mount->length - 1);
	if (error)
		return error;
	w->first_service = c->mount->service;
	w->first_mount = c->mount->number;
	w->second_turn = true;
	w->links = 0;
	if (length >= PATH_LIMIT)
		return -ENAMETOOLONG;
	memcpy(second, w->second.data, length);
	return begin(thread, request, second, length, w->base2);
}

/* ---- describing and reopening ---- */

/* The text as a path of the client's: below its root directory. */
static const char *visible(const struct thread *thread, size_t *length)
{
	size_t root = thread->process->chroot_path && inside_chroot(thread, text_length) ? strlen(thread->process->chroot_path) : 0;

	*length = text_length - root;
	return *length ? text + root : (*length = 1, "/");
}

static long on_describe(struct thread *thread, struct request *request, const struct continuation *c)
{
	static const char mark[] = " (deleted)";
	u8 *data = root_message()->data;
	const char *path;
	size_t length;
	int error = text_prefix(c);

	if (error)
		return error;
	path = visible(thread, &length);
	if (length + sizeof(mark) > MESSAGE_BYTES)
		return -ENAMETOOLONG;
	memcpy(data, path, length);
	if (c->m5 && thread->walk.operation == FILE_READLINK) {
		memcpy(data + length, mark, sizeof(mark) - 1);
		length += sizeof(mark) - 1;
	}
	request->out[1] = c->m5 != 0;
	request->out_bytes = length;
	return length;
}

/* What an operation on a path is on an open file. 0: nothing. */
static unsigned handle_operation(unsigned operation)
{
	switch (operation) {
	case FILE_OPEN:
		return FILE_REOPEN;
	case FILE_STAT:
	case FILE_ACCESS:
		return FILE_FSTAT;
	case FILE_READLINK:
		return FILE_DESCRIBE;
	case FILE_SETATTR:
		return FILE_FSETATTR;
	case FILE_STATFS:
		return FILE_FSTATFS;
	case FILE_LINK:
		return FILE_RESOLVE;
	default:
		return 0;
	}
}

/* The process has no Handle there: it is at its root directory. */
static long reopen_root(struct thread *thread, struct request *request, const struct process *target, const struct continuation *c)
{
	const char *root = target->chroot_path ? target->chroot_path : "/";

	if (thread->walk.operation == FILE_READLINK && !c->rest_length) {
		memcpy(root_message()->data, root, strlen(root));
		return request->out_bytes = strlen(root);
	}
	text_start();
	if (text_add(root, strlen(root)) || text_join(c->rest, c->rest_length))
		return -ENAMETOOLONG;
	return go(thread, request, request->reply);
}

static long reopen_handle(struct thread *thread, struct request *request, u32 handle, const struct continuation *c)
{
	struct walk *w = &thread->walk;
	u64 m[MESSAGE_WORDS] = { w->m[0], w->m[1], w->m[2] }, bytes = 0;
	unsigned operation = c->rest_length ? FILE_PLACE : handle_operation(w->operation);
	int error = operation ? 0 : -EXDEV;

	if (operation == FILE_PLACE) {
		error = save(&w->path, c->rest, c->rest_length);
		w->stage = STAGE_PLACE;
	} else if (operation == FILE_FSETATTR) {
		bytes = w->second.length;
		memcpy(root_message()->data, w->second.data, bytes);
	}
	if (!error)
		return send_to_handle(thread, request->reply, handle, operation, m, bytes);
	KCALL2(cap_delete, ROOT_CNODE, handle);
	slot_free(handle, 1);
	return error;
}

/* Without "." and slashes at the start. */
static const char *skip_dots(const char *path, const char *end)
{
	while (path < end && (*path == '/' || (*path == '.' && (path + 1 == end || path[1] == '/'))))
		path++;
	return path;
}

/*
 * From a directory that has no name any more, only itself and what is above can be reached. The text is where it was.
 */
static long from_removed(struct thread *thread, struct request *request)
{
	static const struct continuation itself;
	struct walk *w = &thread->walk;
	const char *end = (char *)w->path.data + w->path.length, *path = skip_dots((char *)w->path.data, end);
	u32 handle;

	if (path == end) {
		handle = borrow_handle(thread->process, thread->files, w->base);
		return handle ? reopen_handle(thread, request, handle, &itself) : -EBADF;
	}
	if (end - path < 2 || path[0] != '.' || path[1] != '.' || (end - path > 2 && path[2] != '/'))
		return -ENOENT;
	while (text_length && text[--text_length] != '/')
		;
	return text_join(path + 2, end - path - 2) ? -ENAMETOOLONG : go(thread, request, request->reply);
}

static long on_place(struct thread *thread, struct request *request, const struct continuation *c)
{
	struct walk *w = &thread->walk;
	int error = text_prefix(c);

	if (w->stage != STAGE_PLACE)
		return -EINVAL;
	if (c->m5)
		return error || w->operation == WALK_CHROOT ? -ENOENT : from_removed(thread, request);
	if (w->operation == WALK_CHROOT)
		return error ? error : change_root(thread);
	if (!error)
		error = text_join((char *)w->path.data, w->path.length);
	return error ? error : go(thread, request, request->reply);
}

static long on_reopen(struct thread *thread, struct request *request, const struct continuation *c)
{
	struct process *target = process_find(c->m5);
	struct thread *leader = target ? process_leader(target) : NULL;
	s64 number = c->m6;
	u64 cptr = number;
	u32 handle;

	if (!leader)
		return -ENOENT;
	if (thread->process->role != target->role && thread->process->role != ROLE_SYSTEM)
		return -EACCES;
	if (++thread->walk.links > LINKS_MAX)
		return -ELOOP;
	if (number == -1)
		cptr = CPTR_SYSTEM | SLOT_EXE;
	else if (number == -2)
		cptr = CPTR_SYSTEM | SLOT_CWD;
	else if (number == -3)
		cptr = CPTR_SYSTEM | SLOT_FSROOT;
	else if (cptr >= leader->files->slots)
		return -ENOENT;
	handle = borrow_handle(target, leader->files, cptr);
	if (handle)
		return reopen_handle(thread, request, handle, c);
	return number == -2 || number == -3 ? reopen_root(thread, request, target, c) : -ENOENT;
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
		return on_place(thread, request, c);
	case CONTINUE_RESOLVED:
		return on_resolved(thread, request, c);
	case CONTINUE_REOPEN:
		return on_reopen(thread, request, c);
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
		return on_describe(thread, request, &c);
	if (!w->operation || (w->service && w->service != request->service) || ++w->steps > STEPS_MAX)
		return w->steps > STEPS_MAX ? -ELOOP : -EINVAL;
	result = act(thread, request, &c);
	if (result != RESULT_LATER)
		walk_forget(thread);
	return result;
}
