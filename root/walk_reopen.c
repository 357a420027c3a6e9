/* Walks that end at an open file or directory of a process: links of /proc, and where such a file is. */
#include "root/walk_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/policy.h"

long walk_describe(struct thread *thread, struct request *request, const struct continuation *c)
{
	static const char mark[] = " (deleted)";
	u8 *data = root_message()->data;
	const char *path;
	size_t length;
	int error = text_prefix(c);

	if (error)
		return error;
	path = text_visible(thread, &length);
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
	return walk_go(thread, request, request->reply);
}

long walk_reopen_handle(struct thread *thread, struct request *request, u32 handle, const struct continuation *c)
{
	struct walk *w = &thread->walk;
	u64 m[MESSAGE_WORDS] = { w->m[0], w->m[1], w->m[2] }, bytes = 0;
	unsigned operation = c->rest_length ? FILE_PLACE : handle_operation(w->operation);
	int error = operation ? 0 : -EXDEV;

	if (operation == FILE_PLACE) {
		error = walk_text_save(&w->path, c->rest, c->rest_length);
		w->stage = STAGE_PLACE;
	} else if (operation == FILE_FSETATTR) {
		bytes = w->second.length;
		memcpy(root_message()->data, w->second.data, bytes);
	}
	if (!error)
		return walk_send_to_handle(thread, request->reply, handle, operation, m, bytes);
	KCALL2(cap_delete, ROOT_CNODE, handle);
	slot_free(handle, 1);
	return error;
}

long walk_reopen(struct thread *thread, struct request *request, const struct continuation *c)
{
	struct process *target = process_find(c->m5);
	struct thread *leader = target ? process_leader(target) : NULL;
	s64 number = c->m6;
	u64 cptr = number;
	u32 handle;
	int error;

	if (!leader)
		return -ENOENT;
	if (thread->process->role != target->role && thread->process->role != ROLE_SYSTEM)
		return -EACCES;
	error = walk_restrict_magic(&thread->walk);
	if (error)
		return error;
	if (++thread->walk.links > WALK_LINKS_MAX)
		return -ELOOP;
	if (number == -1)
		cptr = CPTR_SYSTEM | SLOT_EXE;
	else if (number == -2)
		cptr = CPTR_SYSTEM | SLOT_CWD;
	else if (number == -3)
		cptr = CPTR_SYSTEM | SLOT_FSROOT;
	else if (cptr >= leader->files->slots)
		return -ENOENT;
	handle = handle_borrow(target, leader->files, cptr);
	if (handle)
		return walk_reopen_handle(thread, request, handle, c);
	return number == -2 || number == -3 ? reopen_root(thread, request, target, c) : -ENOENT;
}
