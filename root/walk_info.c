/*
 * /proc/PID/fdinfo: what an open file's server says of it. The reader, who is at the proc server, is passed on from there to root, to that server, and
 * back the same way; nobody waits for anybody but the reader. See PROC_FILE_INFO.
 */
#include "root/walk.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/services.h"
#include "root/walk_internal.h"

/* Whether the thread's runtime marks that descriptor as close-on-exec: what it says of itself concerns itself alone. */
static bool close_on_exec(struct thread *thread, u64 descriptor)
{
	u64 table = thread_context(thread)->files_table, chunk;
	u32 word;

	if (descriptor / GATE_FILES_CHUNK >= GATE_FILES_CHUNKS)
		return false;
	if (space_read(thread->space, table + descriptor / GATE_FILES_CHUNK * sizeof(chunk), &chunk, sizeof(chunk)))
		return false;
	if (!chunk || space_read(thread->space, chunk + descriptor % GATE_FILES_CHUNK * sizeof(word), &word, sizeof(word)))
		return false;
	return word & GATE_FILES_CLOEXEC;
}

/* The reader goes back to the proc server, with what is in data[]. */
static long send_back(struct thread *thread, struct request *request, u64 mount, u64 next, u64 descriptor, u64 bytes)
{
	struct walk *w = &thread->walk;
	struct walk_file reader = w->file;
	u64 m[MESSAGE_WORDS] = { w->m[0], w->m[1], w->m[2], w->flags, mount, next, 0, descriptor };
	long result = walk_send_to_file(thread, request->reply, reader, FILE_READ, m, bytes);

	walk_forget(thread);
	return result;
}

long walk_informed(struct thread *thread, struct request *request, const struct continuation *c)
{
	u64 mount = c->mount ? mount_id(c->mount) : request->service;

	memcpy(root_message()->data, c->prefix, c->prefix_length);
	return send_back(thread, request, mount, c->m5, c->m6, c->prefix_length);
}

long op_FILE_INFO(struct request *request)
{
	struct thread *reader = request->caller, *leader;
	struct process *target = process_find(request->m[0]);
	struct walk *w = &reader->walk;
	struct walk_file file;
	u64 m[MESSAGE_WORDS] = { request->m[6], request->m[0] };

	if (!request->forwarded || !request->service || !service_may(service_get(request->service)->process, SERVICE_PROCESSES))
		return -EPERM;
	leader = target ? process_leader(target) : NULL;
	if (leader && !may_inspect(reader->process, target))
		return -EACCES;
	walk_forget(reader);
	w->operation = FILE_READ;
	memcpy(w->m, request->m + 3, sizeof(w->m));
	w->file = (struct walk_file){ request->service, request->m[2] };
	if (!leader || request->m[1] >= leader->files->slots || !file_named(target, leader->files, request->m[1], &file))
		return send_back(reader, request, 0, 0, INFO_NO_DESCRIPTOR, 0);
	w->flags = close_on_exec(leader, request->m[1]);
	w->stage = STAGE_INFO;
	return walk_send_to_file(reader, request->reply, file, FILE_INFO, m, 0);
}
