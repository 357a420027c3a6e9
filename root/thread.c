/* Thread records: kernel objects, area pages, the principal table. */
#include "root/process.h"

#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/object.h"
#include "root/priority.h"
#include "root/root.h"
#include "root/signal.h"
#include "root/tree.h"
#include "root/walk.h"

#define BUCKETS 256

static struct thread *by_index[PRINCIPALS_MAX];
static u32 generation[PRINCIPALS_MAX];
static u32 index_hint = 1;
static struct thread *by_tid[BUCKETS];

u32 thread_total;
static struct object *principals;

struct object *principals_object(void)
{
	return principals;
}

void threads_init(void)
{
	principals = object_create(PRINCIPALS_MAX * sizeof(struct principal_entry), ROLE_SYSTEM);
	if (!principals)
		root_panic("no memory for the principal table; give the machine more");
}

/* ---- tables ---- */

struct thread *thread_by_principal(u64 principal)
{
	u64 index = principal & PRINCIPAL_INDEX_MASK;
	struct thread *thread = index < PRINCIPALS_MAX ? by_index[index] : NULL;

	return thread && thread->principal == principal ? thread : NULL;
}

struct thread *thread_find(u32 tid)
{
	struct thread *at = by_tid[tid % BUCKETS];

	while (at && at->tid != tid)
		at = at->hash_next;
	return at;
}

struct process *process_of_task(u32 id)
{
	struct process *process = process_find(id);
	struct thread *thread = process ? NULL : thread_find(id);

	return thread ? thread->process : process;
}

static void tid_unlink(struct thread *thread)
{
	struct thread **at = &by_tid[thread->tid % BUCKETS];

	if (!thread->tid)
		return;
	while (*at != thread)
		at = &(*at)->hash_next;
	*at = thread->hash_next;
	thread->tid = 0;
}

void thread_set_tid(struct thread *thread, u32 tid)
{
	tid_unlink(thread);
	thread->tid = tid;
	thread->hash_next = by_tid[tid % BUCKETS];
	by_tid[tid % BUCKETS] = thread;
	if (thread->context)
		thread_context(thread)->tid = tid;
}

static bool index_take(struct thread *thread)
{
	for (u32 n = 1; n < PRINCIPALS_MAX; n++) {
		u32 index = index_hint++;

		if (index_hint == PRINCIPALS_MAX)
			index_hint = 1;
		if (by_index[index])
			continue;
		by_index[index] = thread;
		thread->index = index;
		thread->principal = (u64)++generation[index] << 16 | index;
		return true;
	}
	return false;
}

_Static_assert(PAGE_SIZE % sizeof(struct principal_entry) == 0, "no entry lies across two pages");

static void principal_write(u32 index, const struct principal_entry *entry)
{
	u64 at = index * sizeof(*entry);
	pfn_t replaced, pfn = object_page(principals, at >> PAGE_SHIFT, true, &replaced);

	if (pfn)
		memcpy(page_virt(pfn) + at % PAGE_SIZE, entry, sizeof(*entry));
}

void thread_publish(const struct thread *thread)
{
	const struct process *p = thread->process;
	struct principal_entry entry = {
		.principal = thread->principal, .tid = thread->tid, .pid = p->pid, .ppid = p->parent ? p->parent->pid : 0,
		.pgid = p->pgid, .sid = p->sid, .role = p->role, .uid = p->credentials.uid, .gid = p->credentials.gid,
		.euid = p->credentials.euid, .egid = p->credentials.egid, .session_leader = p->sid == p->pid, .tty = p->terminal.device,
		.tree_allowed = ~tree_excluded(p),
	};

	principal_write(thread->index, &entry);
}

/* ---- areas ---- */

struct context_page *thread_context(const struct thread *thread)
{
	return page_virt(thread->context);
}

static int area_take(struct space *space, u32 wanted, u32 *area)
{
	u64 free = wanted == AREA_ANY ? bitmap_find_zero(space->areas, GATE_THREADS_MAX, 0) : wanted;

	if (free >= GATE_THREADS_MAX || bitmap_test(space->areas, free))
		return -EAGAIN;
	bitmap_set(space->areas, free);
	space->area_count++;
	*area = free;
	return 0;
}

static void area_unmap(struct thread *thread)
{
	u64 base = thread_area(thread);

	/* The whole address space is going: it unmaps everything at once. */
	if (thread->space->refs > 1 && space_remove_range(thread->space, base, base + THREAD_AREA_SIZE))
		root_log(LOG_WARNING, "no memory to take down a thread's area");
	bitmap_clear(thread->space->areas, thread->area);
	thread->space->area_count--;
}

static int area_pages(struct thread *thread)
{
	thread->context = page_alloc_zeroed(PAGE_PINNED);
	thread->message[0] = page_alloc_zeroed(PAGE_PINNED);
	thread->message[1] = page_alloc_zeroed(PAGE_PINNED);
	return thread->context && thread->message[0] && thread->message[1] ? 0 : -ENOMEM;
}

static int area_map(struct thread *thread)
{
	struct space *space = thread->space;
	u64 base = thread_area(thread), done;
	u64 refs[3] = { page_ref(thread->context), page_ref(thread->message[0]), page_ref(thread->message[1]) };
	int error;

	error = space_add_region(space, base, base + THREAD_AREA_MESSAGE + 2 * PAGE_SIZE, REGION_READ | REGION_WRITE,
				 REGION_GATE | REGION_PINNED, NULL, 0);
	if (!error)
		error = space_add_region(space, base + THREAD_AREA_STACK, base + THREAD_AREA_SIZE, REGION_READ | REGION_WRITE,
					 REGION_GATE, NULL, 0);
	if (!error)
		error = space_map(space, base, 3, VSPACE_READ | VSPACE_WRITE, refs, &done);
	return error;
}

void thread_fill_stack(struct thread *thread, u64 count)
{
	space_fill(thread->space, thread_area(thread) + THREAD_AREA_SIZE - count * PAGE_SIZE, REGION_READ | REGION_WRITE, count);
}

static void free_page(pfn_t *pfn)
{
	if (*pfn)
		page_free(*pfn);
	*pfn = 0;
}

/* ---- life ---- */

static int create_objects(struct thread *thread)
{
	if (kobject_create(&thread->tcb, OBJECT_THREAD, 0) || kobject_create(&thread->notification, OBJECT_NOTIFICATION, 0))
		return -ENOMEM;
	return area_pages(thread);
}

static int place(struct thread *thread, u32 area)
{
	u32 slot;
	int error = area_take(thread->space, area, &thread->area);

	if (error)
		return error;
	error = area_map(thread);
	if (!error)
		error = process_grow_system(thread->process, thread->area);
	if (error) {
		area_unmap(thread);
		return error;
	}
	slot = SLOT_THREADS + thread->area;
	/* No badge: the runtime gives servers copies with badges of its own choosing (poll), and one that is set stays. */
	cap_put(SYS(thread->process->system_cnode.slot), slot, thread->notification.slot, RIGHT_ALL);
	thread_context(thread)->thread_index = thread->area;
	return 0;
}

static void give_notification(struct process *to, const struct thread *thread)
{
	if (process_grow_system(to, thread->area))
		root_log(LOG_WARNING, "no memory for a slot by which process %u would wake thread %u", to->pid, thread->tid);
	else
		cap_put(SYS(to->system_cnode.slot), SLOT_THREADS + thread->area, thread->notification.slot, RIGHT_ALL);
}

void thread_meet_others(struct thread *thread)
{
	list_for_each_entry(p, &process_list, struct process, all) {
		if (p == thread->process)
			continue;
		list_for_each_entry(t, &p->threads, struct thread, in_process) {
			if (t->space != thread->space)
				continue;
			give_notification(thread->process, t);
			give_notification(p, thread);
		}
	}
}

static void free_parts(struct thread *thread)
{
	kobject_destroy(&thread->tcb);
	kobject_destroy(&thread->notification);
	free_page(&thread->context);
	free_page(&thread->message[0]);
	free_page(&thread->message[1]);
}

struct thread *thread_create(struct process *process, struct space *space, struct files *files, struct sighand *sighand, u32 area)
{
	struct thread *thread = root_alloc(sizeof(*thread));

	if (!thread)
		return NULL;
	thread->process = process;
	thread->space = space;
	thread->files = files;
	thread->sighand = sighand;
	thread->affinity = ~0ull;
	thread->vector_free = process->service != 0; /* built so (Makefile) */
	list_init(&thread->pi_held);
	signal_queue_init(&thread->signals);
	if (create_objects(thread) || place(thread, area)) {
		free_parts(thread);
		root_free(thread);
		return NULL;
	}
	if (!index_take(thread)) {
		area_unmap(thread);
		free_parts(thread);
		root_free(thread);
		return NULL;
	}
	thread->start_ns = now_ns();
	list_push_back(&process->threads, &thread->in_process);
	process->thread_count++;
	thread_total++;
	return thread;
}

int thread_configure(struct thread *thread)
{
	u64 refs = page_ref(thread->message[0]);
	long error;

	thread->priority = priority_own(thread);
	error = kobject_call(KCALL_thread_configure, SYS(thread->tcb.slot), SYS(thread->files->cnode.slot),
				  SYS(thread->process->system_cnode.slot), space_cptr(thread->space), SYS(root_endpoint.slot),
				  (u64)thread->process->role << PRINCIPAL_CHARGE_SHIFT | thread->principal, thread->priority, NULL);

	if (error)
		root_panic("thread_configure: %ld", error);
	MUST(kobject_call(KCALL_thread_set_area, SYS(thread->tcb.slot), thread_area(thread), page_ref(thread->context), refs,
			  page_ref(thread->message[1]), thread->area, 0, NULL));
	priority_configured(thread);
	if (thread->affinity != ~0ull)
		MUST(KCALL2(thread_set_affinity, SYS(thread->tcb.slot), thread->affinity));
	if (thread->vector_free)
		MUST(KCALL2(thread_set_vectors, SYS(thread->tcb.slot), 0));
	return 0;
}

void thread_start(struct thread *thread, u64 rip, u64 rsp, u64 rdi)
{
	MUST(KCALL4(thread_start, SYS(thread->tcb.slot), rip, rsp, rdi));
}

void thread_account(const struct thread *thread, struct usage *usage)
{
	const struct thread_info *info = (const struct thread_info *)root_words();

	if (!thread->tcb.slot || KCALL1(thread_info, SYS(thread->tcb.slot)))
		return;
	usage->user_ns += info->cpu_ns;
	usage->voluntary += info->switches;
}

void thread_destroy(struct thread *thread)
{
	struct process *process = thread->process;

	thread_account(thread, &process->dead);
	thread_drop_reply(thread);
	walk_forget(thread);
	signal_queue_clear(&thread->signals);
	if (thread->wait != WAIT_NONE)
		thread_stop_waiting(thread);
	if (thread->vfork_child)
		thread->vfork_child->vfork_parent = NULL;
	deadline_clear(thread);
	/* The kernel counts the area's pages until the thread object is gone. */
	kobject_destroy(&thread->tcb);
	kobject_destroy(&thread->notification);
	area_unmap(thread);
	sighand_put(thread->sighand);
	space_put(thread->space);
	free_parts(thread);
	files_put(thread->files);
	principal_write(thread->index, &(struct principal_entry){ 0 });
	by_index[thread->index] = NULL;
	tid_unlink(thread);
	list_remove(&thread->in_process);
	process->thread_count--;
	thread_total--;
	root_free(thread);
}
