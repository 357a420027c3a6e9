/* Requests about processes that are short: exit, credentials, limits, usage, names, prctl. */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/policy.h"
#include "root/root.h"
#include "root/services.h"
#include "root/signal.h"

long op_EXIT(struct request *request)
{
	struct thread *caller = request->caller;
	u32 status = request->m[0] & 0xffff;

	if (request->m[1])
		process_exit(caller->process, status);
	else
		thread_exit(caller, status);
	KCALL2(cap_delete, ROOT_CNODE, request->reply);
	return RESULT_LATER;
}

/* ---- credentials: what Linux's rules between processes go by (permission.h); no file is opened by them ---- */

long op_SET_CREDENTIALS(struct request *request)
{
	struct credentials *c = &request->caller->process->credentials, old = *c;
	u32 *const fields[] = { &c->uid, &c->euid, &c->suid, &c->gid, &c->egid, &c->sgid };
	struct process *process = request->caller->process;

	if (!may_take_ids(process, request->m[0], &request->m[1]))
		return -EPERM;
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (request->m[0] >> i & 1)
			*fields[i] = request->m[1 + i];
	process->tasks_exceeded = limits_tasks_exceeded(process);
	capabilities_follow_ids(c, &old);
	/* What it has in memory may be more than its new user should see. */
	if (c->euid != old.euid || c->egid != old.egid) {
		process->dumpable = false;
		process->pdeathsig = 0;
	}
	process_publish(process);
	return 0;
}

long op_GET_CREDENTIALS(struct request *request)
{
	const struct credentials *c = &request->caller->process->credentials;
	const u32 values[] = { c->uid, c->euid, c->suid, c->gid, c->egid, c->sgid };

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		request->out[1 + i] = values[i];
	request->out[7] = c->capabilities.effective;
	return 0;
}

#define GROUPS_MAX (HEAP_MAX / sizeof(u32))

long op_SET_GROUPS(struct request *request)
{
	struct credentials *c = &request->caller->process->credentials;
	u64 count = request->m[0];
	u32 *groups = NULL;

	if (!process_capable(request->caller->process, CAPABILITY_SETGID))
		return -EPERM;
	if (count > GROUPS_MAX || count * sizeof(u32) > request->bytes)
		return -EINVAL;
	if (count) {
		static u32 copy[GROUPS_MAX];

		memcpy(copy, root_message()->data, count * sizeof(u32));
		groups = root_alloc(count * sizeof(u32));
		if (!groups)
			return -ENOMEM;
		memcpy(groups, copy, count * sizeof(u32));
	}
	root_free(c->groups);
	c->groups = groups;
	c->group_count = count;
	return 0;
}

long op_GET_GROUPS(struct request *request)
{
	const struct credentials *c = &request->caller->process->credentials;

	if (c->group_count)
		memcpy(root_message()->data, c->groups, c->group_count * sizeof(u32));
	request->out_bytes = c->group_count * sizeof(u32);
	return c->group_count;
}

/* ---- usage ---- */

#define NOFILE_MAX ((1u << FILES_BITS_MAX) - 1)

void usage_of(const struct process *process, struct usage *usage)
{
	const struct thread *leader = process_leader(process);

	*usage = process->dead;
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		thread_account(t, usage);
	if (!leader)
		return;
	usage->minor += leader->space->minor_faults;
	usage->major += leader->space->major_faults;
	usage->peak_pages = MAX(usage->peak_pages, MAX(leader->space->peak_pages, space_resident(leader->space)));
}

u64 process_cpu_ns(const struct process *process)
{
	struct usage usage = process->dead;

	list_for_each_entry(t, &process->threads, struct thread, in_process)
		thread_account(t, &usage);
	return usage.user_ns + usage.system_ns;
}

enum { USAGE_SELF = 0, USAGE_CHILDREN = -1, USAGE_THREAD = 1 };

long op_USAGE(struct request *request)
{
	struct process *process = request->caller->process;
	struct usage usage = { 0 };

	switch ((int)request->m[0]) {
	case USAGE_SELF:
		usage_of(process, &usage);
		break;
	case USAGE_CHILDREN:
		usage = process->children_usage;
		break;
	case USAGE_THREAD:
		thread_account(request->caller, &usage);
		break;
	default:
		return -EINVAL;
	}
	request->out[1] = usage.user_ns;
	request->out[2] = usage.system_ns;
	request->out[3] = usage.peak_pages * 4;
	request->out[4] = usage.minor;
	request->out[5] = usage.major;
	request->out[6] = usage.voluntary;
	request->out[7] = usage.involuntary;
	return 0;
}

long op_CPU_TIME(struct request *request)
{
	const struct thread *caller = request->caller;
	u64 id = request->m[0] ? request->m[0] : request->m[1] ? caller->tid : caller->process->pid;
	const struct thread *thread = request->m[1] ? thread_find(id) : NULL;
	const struct process *process = request->m[2] && id == caller->tid ? caller->process : process_find(id);
	struct usage usage = { 0 };

	if (request->m[1] ? !thread || thread->process != caller->process : !process)
		return -EINVAL;
	if (thread)
		thread_account(thread, &usage);
	request->out[1] = thread ? usage.user_ns + usage.system_ns : process_cpu_ns(process);
	return 0;
}

/* ---- names ---- */

static struct thread *own_thread(const struct request *request)
{
	struct thread *thread = request->m[0] ? thread_find(request->m[0]) : request->caller;

	/* /proc/PID/comm is written by the proc server, which has asked who may. */
	if (thread && thread->process != request->caller->process && !service_may(request->caller->process, SERVICE_PROCESSES))
		return NULL;
	return thread;
}

long op_SET_NAME(struct request *request)
{
	struct thread *thread = own_thread(request);
	size_t n = MIN(request->bytes, sizeof(thread->name) - 1);

	if (!thread)
		return -ESRCH;
	memset(thread->name, 0, sizeof(thread->name));
	memcpy(thread->name, root_message()->data, n);
	if (thread == process_leader(thread->process))
		memcpy(thread->process->name, thread->name, sizeof(thread->name));
	return 0;
}

long op_GET_NAME(struct request *request)
{
	struct thread *thread = own_thread(request);

	if (!thread)
		return -ESRCH;
	memcpy(root_message()->data, thread->name, sizeof(thread->name));
	request->out_bytes = strnlen(thread->name, sizeof(thread->name) - 1);
	return request->out_bytes;
}

/* ---- prctl ---- */

enum { PRCTL_SET_PDEATHSIG = 1, PRCTL_GET_PDEATHSIG = 2, PRCTL_GET_DUMPABLE = 3, PRCTL_SET_DUMPABLE = 4, PRCTL_SET_SUBREAPER = 36,
       PRCTL_GET_SUBREAPER = 37, PRCTL_SET_NO_NEW_PRIVS = 38, PRCTL_GET_NO_NEW_PRIVS = 39 };

long op_PRCTL(struct request *request)
{
	struct process *p = request->caller->process;
	u64 value = request->m[1];

	switch (request->m[0]) {
	case PRCTL_SET_PDEATHSIG:
		if (value > SIGNALS)
			return -EINVAL;
		p->pdeathsig = value;
		return 0;
	case PRCTL_GET_PDEATHSIG:
		return p->pdeathsig;
	case PRCTL_GET_DUMPABLE:
		return p->dumpable;
	case PRCTL_SET_DUMPABLE:
		if (value > 1)
			return -EINVAL;
		p->dumpable = value;
		return 0;
	case PRCTL_SET_SUBREAPER:
		p->subreaper = value != 0;
		return 0;
	case PRCTL_GET_SUBREAPER:
		return p->subreaper;
	case PRCTL_SET_NO_NEW_PRIVS:
		if (value != 1)
			return -EINVAL;
		p->no_new_privs = true;
		return 0;
	case PRCTL_GET_NO_NEW_PRIVS:
		return p->no_new_privs;
	default:
		return capabilities_prctl(&p->credentials.capabilities, request->m);
	}
}

/* ---- descriptors ---- */

long op_GROW_FILES(struct request *request)
{
	struct thread *caller = request->caller;
	u64 wanted = request->m[0], limit = caller->process->rlimits[LIMIT_NOFILE].soft;
	int error;

	if (wanted > NOFILE_MAX || (wanted > FILES_SPARE && wanted - FILES_SPARE > limit))
		return -EMFILE;
	if (wanted <= caller->files->slots)
		return caller->files->slots;
	error = files_grow(caller->files, wanted);
	return error ? error : (long)caller->files->slots;
}

long op_LOCKS_TAKEN(struct request *request)
{
	request->caller->process->holds_locks = true;
	return 0;
}

long op_UNSHARE_FILES(struct request *request)
{
	struct thread *caller = request->caller;
	struct files *copy;

	if (caller->files->refs == 1)
		return 0;
	copy = files_copy(caller->files);
	if (!copy)
		return -ENOMEM;
	files_put(caller->files);
	caller->files = copy;
	MUST(KCALL3(thread_set_cnodes, SYS(caller->tcb.slot), SYS(copy->cnode.slot), 0));
	return 0;
}
