/* Walks that end at an open file or directory of a process: links of /proc, and where such a file is. */
#include "root/walk_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/permission.h"
#include "root/policy.h"
#include "root/services.h"

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
	if (c->m5 && thread->walk.operation == FILE_READLINK && thread->walk.stage == STAGE_FILE) {
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

/* Opening it once more, changing it and giving it a name ask the policy about the path first: who holds a descriptor may have less than its path gives. */
static bool needs_policy(unsigned operation)
{
	return operation == FILE_REOPEN || operation == FILE_FSETATTR || operation == FILE_RESOLVE;
}

static long send_operation(struct thread *thread, struct request *request, struct walk_file file)
{
	struct walk *w = &thread->walk;
	u64 m[MESSAGE_WORDS] = { w->m[0], w->m[1], w->m[2] }, bytes = 0;
	unsigned operation = handle_operation(w->operation);

	if (operation == FILE_FSETATTR) {
		bytes = w->second.length;
		memcpy(root_message()->data, w->second.data, bytes);
	}
	w->stage = operation == FILE_RESOLVE ? STAGE_RESOLVE : STAGE_FILE;
	return walk_send_to_file(thread, request->reply, file, operation, m, bytes);
}

long walk_to_file(struct thread *thread, struct request *request, struct walk_file file, const struct continuation *c)
{
	struct walk *w = &thread->walk;
	u64 m[MESSAGE_WORDS] = { 0 };
	unsigned operation = handle_operation(w->operation);

	if (c->rest_length) {
		int error = walk_text_save(&w->path, c->rest, c->rest_length);

		w->file = file;
		w->stage = STAGE_PLACE;
		return error ? error : walk_send_to_file(thread, request->reply, file, FILE_PLACE, m, 0);
	}
	if (!operation)
		return -EXDEV;
	if (!needs_policy(operation))
		return send_operation(thread, request, file);
	w->file = file;
	w->stage = STAGE_LOCATE;
	return walk_send_to_file(thread, request->reply, file, FILE_LOCATE, m, 0);
}

/* A file without a path (a pipe) is what no rule is about. */
long walk_located(struct thread *thread, struct request *request, const struct continuation *c)
{
	struct walk *w = &thread->walk;

	if (c->m5 != LOCATED_NOWHERE) {
		if (text_prefix(c))
			return -ENAMETOOLONG;
		if (!policy_allows(thread->process->role, text_bytes, text_length, walk_rights(w)))
			return -EACCES;
	}
	return send_operation(thread, request, w->file);
}

long walk_reopen(struct thread *thread, struct request *request, const struct continuation *c)
{
	struct process *target = process_find(c->m5);
	struct thread *leader = target ? process_leader(target) : NULL;
	s64 number = c->m6;
	u64 cptr = number;
	struct walk_file file;
	int error;

	if (!service_may(service_get(request->service)->process, SERVICE_PROCESSES))
		return -EINVAL;
	if (!leader)
		return -ENOENT;
	if (!may_inspect(thread->process, target))
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
	if (file_named(target, leader->files, cptr, &file))
		return walk_to_file(thread, request, file, c);
	return number == -2 || number == -3 ? reopen_root(thread, request, target, c) : -ENOENT;
}
