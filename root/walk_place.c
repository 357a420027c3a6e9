/*
 * Walks that start at an open directory: its server is asked for its place first (FILE_PLACE), so that the path is right after renames. Changing the root
 * directory is such a walk, which ends with the place.
 */
#include "root/walk.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/services.h"
#include "root/tree.h"
#include "root/walk_internal.h"

#define WALK_CHROOT 0x100 /* an operation of root's own: only the directory's place is asked for */

bool file_named(const struct process *process, const struct files *files, u64 cptr, struct walk_file *file)
{
	u64 cnode = cptr & CPTR_SYSTEM ? SYS(process->system_cnode.slot) : SYS(files->cnode.slot);
	struct kvalues v;

	if (kobject_call(KCALL_cap_identify, cnode, cptr & ~(u64)CPTR_SYSTEM, 0, 0, 0, 0, 0, &v) || (v.v0 & 0xff) != OBJECT_HANDLE)
		return false;
	*file = (struct walk_file){ service_of_endpoint(v.v2), v.v1 };
	return file->service && !(file->badge & BADGE_SERVICE);
}

long walk_send_to_file(struct thread *thread, u32 reply, struct walk_file file, unsigned label, u64 m[MESSAGE_WORDS], u64 bytes)
{
	long error;

	m[6] = file.badge;
	error = request_forward(thread, reply, SYS(service_get(file.service)->endpoint.slot), INFO(label, bytes) | INFO_WINDOWS(1), m);
	thread->walk.service = file.service;
	return error ? -EBADF : RESULT_LATER;
}

bool walk_is_base(u64 cptr, const struct thread *thread)
{
	if (cptr & CPTR_SYSTEM)
		return cptr == (CPTR_SYSTEM | SLOT_CWD) || cptr == (CPTR_SYSTEM | SLOT_FSROOT);
	return cptr < thread->files->slots;
}

/* Who has not changed its root directory has no Handle of it. */
static long from_root_directory(struct request *request)
{
	struct thread *thread = request->caller;
	struct walk *w = &thread->walk;

	text_start();
	if (text_add_chroot(thread) || walk_restrict_start(w, NULL) || text_join((char *)w->path.data, w->path.length))
		return -ENAMETOOLONG;
	return walk_go(thread, request, request->reply);
}

/* The base was no Handle, or its server is gone. */
static long base_missing(struct request *request)
{
	struct thread *thread = request->caller;
	long result = thread->walk.base == (CPTR_SYSTEM | SLOT_FSROOT) ? from_root_directory(request) : -EBADF;

	if (!result_goes_on(result))
		walk_forget(thread);
	return result;
}

/* The directory's path is in the text, but for the rest of the walk's. */
static long from_text(struct thread *thread, struct request *request, const struct mount *mount)
{
	struct walk *w = &thread->walk;
	int error = walk_restrict_start(w, mount);

	if (!error)
		error = text_join((char *)w->path.data, w->path.length);
	return error ? error : walk_go(thread, request, request->reply);
}

static long from_place(struct thread *thread, struct request *request, const struct place *place)
{
	int error;

	text_start();
	error = text_add(place->text, place->length);
	return error ? error : from_text(thread, request, place->mount);
}

/*
 * Asks the base directory's server for its place, by the caller's own Handle; the path waits in w->path. Who serves the base could pass the caller on to
 * another directory, which is no more than a link there could do.
 */
long walk_ask_place(struct thread *thread, struct request *request, u64 base)
{
	struct walk *w = &thread->walk;
	u64 cnode = base & CPTR_SYSTEM ? SYS(thread->process->system_cnode.slot) : SYS(thread->files->cnode.slot);
	u64 m[MESSAGE_WORDS] = { 0 };
	const struct place *place;
	long result;

	if (!walk_is_base(base, thread))
		return -EBADF;
	place = place_find(thread, base);
	if (place)
		return from_place(thread, request, place);
	w->base = base;
	w->stage = STAGE_PLACE;
	w->service = 0; /* whoever serves that Handle */
	result = request_forward_last(request, FORWARD_THROUGH(cnode, base & ~(u64)CPTR_SYSTEM), INFO(FILE_PLACE, 0) | INFO_WINDOWS(1), m);
	request->forward_failed = base_missing;
	return result;
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
	const struct walk_file by_descriptor = w->file;
	struct walk_file file;

	w->file = (struct walk_file){ 0 };
	if (path == end) {
		if (by_descriptor.service)
			file = by_descriptor;
		else if (!file_named(thread->process, thread->files, w->base, &file))
			return -EBADF;
		return walk_to_file(thread, request, file, &itself);
	}
	if (w->flags & (WALK_BENEATH | WALK_IN_ROOT))
		return -EXDEV;
	if (end - path < 2 || path[0] != '.' || path[1] != '.' || (end - path > 2 && path[2] != '/'))
		return -ENOENT;
	while (text_length && text_bytes[--text_length] != '/')
		;
	return text_join(path + 2, end - path - 2) ? -ENAMETOOLONG : walk_go(thread, request, request->reply);
}

/* The text is the new root directory's path; its Handle takes the place of SLOT_FSROOT. */
static long change_root(struct thread *thread)
{
	struct process *process = thread->process;
	u64 cptr = thread->walk.m[0], system = SYS(process->system_cnode.slot);
	u64 from = cptr & CPTR_SYSTEM ? system : SYS(thread->files->cnode.slot);
	const struct walk_file asked = thread->walk.file;
	struct walk_file now;
	char *copy = NULL;

	/* Another thread may have closed the descriptor, or put another file there. */
	if (!file_named(process, thread->files, cptr, &now) || now.service != asked.service || now.badge != asked.badge)
		return -EBADF;
	text_length = text_length ? text_normalise(text_bytes, text_length) : 0;
	if (text_length == 1)
		text_length = 0;
	if (text_length) {
		copy = text_length < HEAP_MAX ? root_alloc(text_length + 1) : NULL;
		if (!copy)
			return -ENOMEM;
		memcpy(copy, text_bytes, text_length);
	}
	root_free(process->chroot_path);
	process->chroot_path = copy;
	if (cptr != (CPTR_SYSTEM | SLOT_FSROOT)) {
		KCALL2(cap_delete, system, SLOT_FSROOT);
		KCALL6(cap_copy, system, SLOT_FSROOT, from, cptr & ~(u64)CPTR_SYSTEM, RIGHT_SEND, 0);
	}
	tree_fill(process);
	process_publish(process);
	return 0;
}

long op_CHROOT(struct request *request)
{
	struct thread *thread = request->caller;
	struct walk *w = &thread->walk;
	u64 m[MESSAGE_WORDS] = { 0 };
	struct walk_file file;
	long result;

	walk_forget(thread);
	if (!process_capable(thread->process, CAPABILITY_SYS_CHROOT))
		return -EPERM;
	if (!walk_is_base(request->m[0], thread) || !file_named(thread->process, thread->files, request->m[0], &file))
		return -EBADF;
	w->operation = WALK_CHROOT;
	w->m[0] = request->m[0];
	w->file = file;
	w->stage = STAGE_PLACE;
	result = walk_send_to_file(thread, request->reply, file, FILE_PLACE, m, 0);
	if (result != RESULT_LATER)
		walk_forget(thread);
	return result;
}

long walk_placed(struct thread *thread, struct request *request, const struct continuation *c)
{
	struct walk *w = &thread->walk;
	int error = text_prefix(c);

	if (!error)
		place_keep(request->service, c);
	if (w->operation == WALK_CHROOT)
		return error ? error : c->m5 ? -ENOENT : change_root(thread);
	if (c->m5)
		return error ? -ENOENT : from_removed(thread, request);
	w->file = (struct walk_file){ 0 };
	return error ? error : from_text(thread, request, c->mount);
}
