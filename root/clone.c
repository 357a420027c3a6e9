/* CLONE: threads, forked processes, vfork children. What flags share is counted; what they do not is copied before anything starts. */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/priority.h"
#include "root/root.h"
#include "root/services.h"
#include "root/settings.h"
#include "root/signal.h"

#define CLONE_VM_BIT             0x100u
#define CLONE_FILES_BIT          0x400u
#define CLONE_SIGHAND_BIT        0x800u
#define CLONE_VFORK_BIT          0x4000u
#define CLONE_PARENT_BIT         0x8000u
#define CLONE_THREAD_BIT         0x10000u
#define CLONE_PARENT_SETTID_BIT  0x100000u
#define CLONE_CHILD_CLEARTID_BIT 0x200000u
#define CLONE_REFUSED            0x7e020000u /* new name spaces */

struct clone {
	struct request *request;
	struct thread *parent;
	u64 flags;
	struct process *process;
	struct space *space;
	struct files *files;
	struct sighand *sighand;
};

static struct files *child_files(const struct clone *c)
{
	if (!(c->flags & CLONE_FILES_BIT))
		return files_copy(c->parent->files);
	c->parent->files->refs++;
	return c->parent->files;
}

static struct sighand *child_sighand(const struct clone *c)
{
	if (!(c->flags & CLONE_SIGHAND_BIT))
		return sighand_create(c->space, c->flags & CLONE_VM_BIT ? c->request->m[1] : c->parent->sighand->index,
				      c->parent->sighand);
	c->parent->sighand->refs++;
	return c->parent->sighand;
}

static struct space *fork_space(const struct clone *c)
{
	struct space *from = c->parent->space, *space = space_create();
	u64 ref = PAGE_REF(ROOT_SLOT_CLOCK, 0), done;
	int error;

	if (!space)
		return NULL;
	error = space_topup(space, MIN(from->table_count, 24u));
	if (!error)
		error = space_fork(space, from);
	if (!error)
		error = space_add_region(space, GATE_CLOCK, GATE_CLOCK + PAGE_SIZE, REGION_READ, REGION_GATE | REGION_PINNED, NULL, 0);
	if (!error)
		error = space_map(space, GATE_CLOCK, 1, VSPACE_READ, &ref, &done);
	if (!error)
		error = space_lay_info(space);
	if (!error)
		return space;
	space_put(space);
	return NULL;
}

static struct space *child_space(const struct clone *c)
{
	return c->flags & CLONE_VM_BIT ? space_get(c->parent->space) : fork_space(c);
}

/* What the clone holds and no thread has taken over. */
static void release_parts(struct clone *c)
{
	if (c->sighand)
		sighand_put(c->sighand);
	if (c->files)
		files_put(c->files);
	if (c->space)
		space_put(c->space);
}

static struct thread *make_thread(struct clone *c, u32 area)
{
	struct thread *thread = NULL;

	c->space = child_space(c);
	c->files = c->space ? child_files(c) : NULL;
	c->sighand = c->files ? child_sighand(c) : NULL;
	if (c->sighand)
		thread = thread_create(c->process, c->space, c->files, c->sighand, area);
	if (!thread) {
		release_parts(c);
		return NULL;
	}
	memcpy(thread->name, c->parent->name, sizeof(thread->name));
	priority_inherit(thread, c->parent);
	thread->affinity = c->parent->affinity;
	thread->vector_free = c->parent->vector_free;
	return thread;
}

/* In shared memory the child starts where the caller says. */
static void start_in_shared(const struct clone *c, struct thread *thread)
{
	const u64 *m = c->request->m;
	struct context_page *context = thread_context(thread);
	u32 tid = thread->tid;

	context->signal_mask = thread_context(c->parent)->signal_mask;
	if (c->flags & CLONE_CHILD_CLEARTID_BIT)
		context->clear_child_tid = m[6];
	if (c->flags & CLONE_PARENT_SETTID_BIT)
		space_write(c->parent->space, m[5], &tid, sizeof(tid));
	thread_fill_stack(thread, 1);
	thread_configure(thread);
	thread_start(thread, m[2], m[3] ? m[3] : thread_area(thread) + THREAD_AREA_SIZE, m[4]);
}

/* The runtime's stack. Both use its last page at once: copying that now costs less than two page faults. */
static int copy_gate_stack(const struct clone *c, struct thread *thread)
{
	u64 last = thread_area(thread) + THREAD_AREA_SIZE - PAGE_SIZE;
	struct page_entry entry = space_query(c->parent->space, last);
	int error = space_clone_range(thread->space, c->parent->space, thread_area(thread) + THREAD_AREA_STACK, last, true);
	pfn_t copy;

	if (error || !entry.pfn)
		return error;
	copy = page_alloc(PAGE_ANON);
	if (!copy)
		return -ENOMEM;
	memcpy(page_virt(copy), page_virt(entry.pfn), PAGE_SIZE);
	error = space_map_page(thread->space, last, VSPACE_READ | VSPACE_WRITE, copy);
	if (error)
		page_free(copy);
	return error;
}

/* With memory of its own the child goes on where the parent is: its stack, its context, its registers. */
static int start_forked(const struct clone *c, struct thread *thread)
{
	struct context_page *context = thread_context(thread);
	int error = copy_gate_stack(c, thread);

	if (error)
		return error;
	memcpy(context, thread_context(c->parent), sizeof(*context));
	memcpy(page_virt(thread->message[0]), page_virt(c->parent->message[0]), offsetof(struct message_buffer, data));
	context->tid = thread->tid;
	context->pending = 0;
	context->interrupt_flag = 0;
	if (c->flags & CLONE_CHILD_CLEARTID_BIT)
		context->clear_child_tid = c->request->m[6];
	thread_configure(thread);
	process_publish(c->process);
	MUST(kobject_call(KCALL_thread_fork, SYS(thread->tcb.slot), SYS(c->parent->tcb.slot), INFO(0, 0), 0, thread->tid, 0, 0,
		  NULL));
	return 0;
}

/* The number that was asked for, which has been checked, or any. */
static u32 take_pid(const struct clone *c)
{
	return c->request->m[7] ? c->request->m[7] : pid_alloc();
}

static long clone_thread(struct clone *c)
{
	struct thread *thread;
	u32 tid = take_pid(c);

	c->process = c->parent->process;
	thread = tid ? make_thread(c, AREA_ANY) : NULL;
	if (!thread)
		return -EAGAIN;
	thread_set_tid(thread, tid);
	thread_publish(thread);
	if (c->space->many_processes)
		thread_meet_others(thread);
	start_in_shared(c, thread);
	signal_publish(c->process);
	if (c->process->stopped)
		stop_thread(thread);
	c->request->out[1] = thread->area;
	return tid;
}

static struct process *child_record(struct clone *c)
{
	struct process *caller = c->parent->process;
	struct process *process = process_create(c->flags & CLONE_PARENT_BIT && caller->parent ? caller->parent : caller, caller);
	u32 pid = process ? take_pid(c) : 0;

	if (!process)
		return NULL;
	if (pid)
		process_set_pid(process, pid);
	if (!pid || process_make_system(process, SYSTEM_BITS_MIN)) {
		process_free(process);
		return NULL;
	}
	process->exit_signal = c->flags & 0xff;
	process->trace = caller->trace;
	if (c->flags & CLONE_PARENT_BIT)
		process->exit_signal = caller->exit_signal;
	return process;
}

static void fill_system_cnode(const struct clone *c)
{
	struct process *process = c->process;

	services_fill_slots(process);
	cnode_copy(process->system_cnode.slot, c->parent->process->system_cnode.slot, SLOT_CWD, 3);
}

static long clone_process(struct clone *c)
{
	struct thread *thread;
	bool shared = c->flags & CLONE_VM_BIT;

	c->process = child_record(c);
	if (!c->process)
		return -EAGAIN;
	thread = make_thread(c, shared ? AREA_ANY : c->parent->area);
	if (!thread) {
		process_free(c->process);
		return -ENOMEM;
	}
	thread_set_tid(thread, c->process->pid);
	fill_system_cnode(c);
	/* a vfork child takes no lock of its parent's, which waits */
	c->space->many_processes |= shared && !(c->flags & CLONE_VFORK_BIT);
	if (c->space->many_processes)
		thread_meet_others(thread);
	if (shared) {
		thread_publish(thread);
		start_in_shared(c, thread);
	} else if (start_forked(c, thread)) {
		thread_destroy(thread);
		process_free(c->process);
		return -ENOMEM;
	}
	c->request->out[1] = thread->area;
	c->request->out[2] = c->process->serial;
	limits_watch_cpu(c->process);
	if (!(c->flags & CLONE_VFORK_BIT))
		return c->process->pid;
	c->process->vfork_parent = c->parent;
	c->parent->vfork_child = c->process;
	return request_keep(c->request, WAIT_VFORK);
}

long op_CLONE(struct request *request)
{
	struct clone c = { .request = request, .parent = request->caller, .flags = request->m[0] };
	u64 flags = c.flags;

	if (flags & CLONE_REFUSED || (flags & 0xff) > SIGNALS)
		return -EINVAL;
	if (flags & CLONE_SIGHAND_BIT && !(flags & CLONE_VM_BIT))
		return -EINVAL;
	if (request->m[7] >= setting(SETTING_PID_MAX))
		return -EINVAL;
	if (request->m[7] && !pid_free(request->m[7]))
		return -EEXIST;
	if (request->caller->policy == POLICY_DEADLINE && !request->caller->reset_on_fork)
		return -EAGAIN; /* there would be twice its share */
	if (!limits_allow_task(request->caller->process))
		return -EAGAIN;
	if (!(flags & CLONE_THREAD_BIT))
		return clone_process(&c);
	return flags & CLONE_SIGHAND_BIT ? clone_thread(&c) : -EINVAL;
}
