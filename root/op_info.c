/* What /proc shows. Only the proc server may ask (terminals: who is in their sessions); it decides who sees it. */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/priority.h"
#include "root/root.h"
#include "root/services.h"
#include "root/signal.h"

#define IDS_MAX (MESSAGE_BYTES / sizeof(u32))

static bool may_look(const struct request *request)
{
	return service_may(request->caller->process, SERVICE_PROCESSES);
}

/* The lowest number not below `from`, again and again: lists come in order whatever the tables' order is. */
static struct process *next_process(u64 from)
{
	struct process *next = NULL;

	list_for_each_entry(p, &process_list, struct process, all)
		if (p->pid >= from && (!next || p->pid < next->pid))
			next = p;
	return next;
}

static long answer_ids(struct request *request, u32 count)
{
	request->out_bytes = count * sizeof(u32);
	return count;
}

long op_PROC_LIST(struct request *request)
{
	u32 *ids = (u32 *)root_message()->data;
	struct process *p = next_process(request->m[0]);
	u32 count = 0;

	if (!may_look(request))
		return -EPERM;
	for (; p && count < IDS_MAX; p = next_process((u64)p->pid + 1))
		ids[count++] = p->pid;
	return answer_ids(request, count);
}

static struct thread *next_thread(const struct process *p, u64 from)
{
	struct thread *next = NULL;

	list_for_each_entry(t, &p->threads, struct thread, in_process)
		if (t->tid >= from && (!next || t->tid < next->tid))
			next = t;
	return next;
}

long op_PROC_THREADS(struct request *request)
{
	u32 *ids = (u32 *)root_message()->data;
	struct process *p = process_find(request->m[0]);
	u32 count = 0;

	if (!may_look(request))
		return -EPERM;
	if (!p)
		return -ESRCH;
	for (struct thread *t = next_thread(p, request->m[1]); t && count < IDS_MAX; t = next_thread(p, (u64)t->tid + 1))
		ids[count++] = t->tid;
	return answer_ids(request, count);
}

/* ---- one process or thread ---- */

static struct process *process_of_id(u64 id, struct thread **thread)
{
	struct process *p = process_find(id);

	*thread = p ? process_leader(p) : thread_find(id);
	return process_of_task(id);
}

static char state_of(const struct process *p, const struct thread *t)
{
	const struct thread_info *info = (const struct thread_info *)root_words();

	if (p->state == PROCESS_ZOMBIE)
		return 'Z';
	if (p->stopped)
		return 'T';
	if (!t || KCALL1(thread_info, SYS(t->tcb.slot)))
		return 'S';
	return info->state == 1 ? 'R' : 'S';
}

static void fill_ids(struct proc_info *info, const struct process *p, const struct thread *t)
{
	const struct credentials *c = &p->credentials;

	info->pid = p->pid;
	info->serial = p->serial;
	info->tid = t ? t->tid : p->pid;
	info->ppid = p->parent ? p->parent->pid : 0;
	info->pgid = p->pgid;
	info->sid = p->sid;
	info->threads = p->thread_count;
	info->uid = c->uid;
	info->euid = c->euid;
	info->suid = c->suid;
	info->gid = c->gid;
	info->egid = c->egid;
	info->sgid = c->sgid;
	memcpy(info->name, t ? t->name : p->name, sizeof(info->name));
	info->dumpable = p->dumpable;
	info->oom_score_adj = p->oom_adjust;
	info->no_new_privs = p->no_new_privs;
	info->cap_inheritable = c->capabilities.inheritable;
	info->cap_permitted = c->capabilities.permitted;
	info->cap_effective = c->capabilities.effective;
	info->cap_bounding = c->capabilities.bounding;
	info->cap_ambient = c->capabilities.ambient;
	info->exit_signal = p->exit_signal;
	info->tty = (int)p->terminal.device;
	info->tty_pgid = p->terminal.group;
	info->exit_status = p->exit_status;
	info->start_ns = p->start_ns;
	for (unsigned i = 0; i < RLIMITS; i++) {
		info->rlimits[i][0] = p->rlimits[i].soft;
		info->rlimits[i][1] = p->rlimits[i].hard;
	}
}

static void fill_times(struct proc_info *info, const struct process *p)
{
	struct usage usage;

	usage_of(p, &usage);
	info->user_ns = usage.user_ns;
	info->system_ns = usage.system_ns;
	info->child_user_ns = p->children_usage.user_ns;
	info->child_system_ns = p->children_usage.system_ns;
	info->peak_resident_pages = usage.peak_pages;
	info->minor_faults = usage.minor;
	info->major_faults = usage.major;
	info->voluntary = usage.voluntary;
	info->involuntary = usage.involuntary;
}

static void fill_memory(struct proc_info *info, const struct space *space)
{
	info->virtual_bytes = space->regions.bytes;
	info->locked_bytes = space_locked_bytes(space);
	info->resident_pages = space_resident(space);
	info->code_start = space->code_start;
	info->code_end = space->code_end;
	info->stack_top = space->stack_top;
	info->brk_start = space->brk_start;
	info->brk_end = space->brk_end;
	info->arg_start = space->arg_start;
	info->arg_end = space->arg_end;
	info->env_start = space->env_start;
	info->env_end = space->env_end;
}

static void fill_signals(struct proc_info *info, const struct process *p, const struct thread *t)
{
	const struct process_shared *shared = sighand_shared(t->sighand);

	info->nice = t->nice;
	info->policy = t->policy;
	info->real_time = t->real_time;
	info->priority = t->priority > PRIORITY_REAL_TIME && !p->service ? PRIORITY_REAL_TIME - t->priority - 1 : 20 + t->nice;
	info->signals_pending = t->signals.set;
	info->shared_pending = p->signals.set;
	info->signals_blocked = thread_context(t)->signal_mask;
	info->signals_ignored = shared->signals_ignored;
	info->signals_caught = shared->signals_caught;
}

static void fill_place(struct proc_info *info, const struct thread *t)
{
	const struct thread_info *told = (const struct thread_info *)root_words();
	u64 all = boot_info->core_count < 64 ? (1ull << boot_info->core_count) - 1 : ~0ull;

	info->core_count = boot_info->core_count;
	info->affinity = (t ? t->affinity : ~0ull) & all;
	if (t && t->tcb.slot && !KCALL1(thread_info, SYS(t->tcb.slot)))
		info->core = told->core;
}

long op_PROC_INFO(struct request *request)
{
	struct thread *t;
	struct process *p = process_of_id(request->m[0], &t);
	struct proc_info info = { 0 };

	if (!service_may(request->caller->process, SERVICE_PROCESSES | SERVICE_TERMINALS))
		return -EPERM;
	if (!p)
		return -ESRCH;
	fill_ids(&info, p, t);
	fill_times(&info, p);
	info.state = state_of(p, t);
	fill_place(&info, t);
	if (t) {
		fill_memory(&info, t->space);
		fill_signals(&info, p, t);
	}
	memcpy(root_message()->data, &info, sizeof(info));
	request->out_bytes = sizeof(info);
	return 0;
}

/* Who is not privileged does not go below what a privileged one set last. */
long op_OOM_ADJUST(struct request *request)
{
	struct process *p = process_find(request->m[0]);
	s64 value = (s64)request->m[1];
	bool privileged = request->m[2] == 1;

	if (!may_look(request))
		return -EPERM;
	if (!p)
		return -ESRCH;
	if (value < OOM_ADJUST_MIN || value > OOM_ADJUST_MAX)
		return -EINVAL;
	if (value < p->oom_adjust_least && !privileged)
		return -EACCES;
	p->oom_adjust = (s16)value;
	if (privileged)
		p->oom_adjust_least = (s16)value;
	return 0;
}

long op_PROC_FILES(struct request *request)
{
	u32 *numbers = (u32 *)root_message()->data;
	struct process *p = process_find(request->m[0]);
	struct thread *t = p ? process_leader(p) : NULL;
	u32 count = 0;

	if (!may_look(request))
		return -EPERM;
	if (!p)
		return -ESRCH;
	for (u64 slot = request->m[1]; t && slot < t->files->slots && count < IDS_MAX; slot++) {
		struct kvalues v;

		if (!kobject_call(KCALL_cap_identify, SYS(t->files->cnode.slot), slot, 0, 0, 0, 0, 0, &v) && (v.v0 & 0xff) != OBJECT_NULL)
			numbers[count++] = slot;
	}
	return answer_ids(request, count);
}

long op_PROC_MEMORY(struct request *request)
{
	struct process *p = process_find(request->m[0]);
	struct thread *t = p ? process_leader(p) : NULL;
	static u8 copy[MESSAGE_BYTES];

	if (!may_look(request))
		return -EPERM;
	if (!p)
		return -ESRCH;
	if (request->m[2] > sizeof(copy) || request->m[1] >= USER_MAX || !t)
		return !t ? 0 : -EINVAL;
	if (space_read(t->space, request->m[1], copy, request->m[2]))
		return -EIO;
	memcpy(root_message()->data, copy, request->m[2]);
	request->out_bytes = request->m[2];
	return request->m[2];
}

/* ---- regions ---- */

#define REGIONS_MAX (MESSAGE_BYTES / sizeof(struct proc_region))

static struct proc_region describe_region(const struct region *r)
{
	struct proc_region out = { .start = r->start, .end = r->end, .offset = r->object ? r->offset : 0, .prot = r->prot };

	out.flags = (r->flags & REGION_SHARED ? 1 : 0) | (r->flags & REGION_HEAP ? 2 : 0) | (r->flags & REGION_STACK ? 4 : 0) |
		    (r->flags & REGION_GROWSDOWN ? 8 : 0) | (r->flags & REGION_LOCKED ? 16 : 0);
	if (r->object) {
		out.service = r->object->service;
		out.ino = r->object->id;
	}
	return out;
}

long op_PROC_REGIONS(struct request *request)
{
	struct process *p = process_find(request->m[0]);
	struct thread *t = p ? process_leader(p) : NULL;
	struct proc_region *out = (struct proc_region *)root_message()->data;
	u32 count = 0;

	if (!may_look(request))
		return -EPERM;
	if (!p)
		return -ESRCH;
	for (struct region *r = t ? region_find(&t->space->regions, request->m[1]) : NULL; r && count < REGIONS_MAX; r = region_next(r))
		if (!(r->flags & REGION_GATE))
			out[count++] = describe_region(r);
	request->out_bytes = count * sizeof(*out);
	return count;
}

long op_PROC_REGION_NAME(struct request *request)
{
	struct process *p = process_find(request->m[0]);
	struct thread *t = p ? process_leader(p) : NULL;
	struct region *r;
	size_t length;

	if (!may_look(request))
		return -EPERM;
	if (!t)
		return -ESRCH;
	r = region_find(&t->space->regions, request->m[1]);
	if (!r || r->start > request->m[1] || !r->object || !r->object->path)
		return -ENOENT;
	length = MIN(strlen(r->object->path), (size_t)MESSAGE_BYTES);
	memcpy(root_message()->data, r->object->path, length);
	request->out_bytes = length;
	return length;
}

/* So many pages a request. */
#define REGION_PAGES_STEP 256

long op_PROC_REGION_PAGES(struct request *request)
{
	struct process *p = process_find(request->m[0]);
	struct thread *t = p ? process_leader(p) : NULL;
	u64 at = request->m[1], end = request->m[2], alone = 0, bytes = 0;
	const struct region *r;
	u32 count = 0;

	if (!may_look(request))
		return -EPERM;
	if (!t)
		return -ESRCH;
	r = region_find(&t->space->regions, at);
	if (!r || r->start > at || r->end < end || at > end || !IS_ALIGNED(at | end, (u64)PAGE_SIZE))
		return -EINVAL;
	for (at = space_next_mapped(t->space, at, end); at < end && count < REGION_PAGES_STEP;
	     at = space_next_mapped(t->space, at + PAGE_SIZE, end)) {
		u64 users = MAX(space_query(t->space, at).count, (u64)1);

		count++;
		alone += users == 1;
		bytes += PAGE_SIZE / users;
	}
	request->out[1] = at;
	request->out[2] = alone;
	request->out[3] = bytes;
	return count;
}
