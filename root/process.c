/* Process records and what threads share: files, sighand, the system CNode. */
#include "root/process.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/object.h"
#include "root/permission.h"
#include "root/root.h"
#include "root/settings.h"
#include "root/signal.h"

#define BUCKETS 256
#define PID_AGAIN 300 /* where numbers begin anew: kernel.pid_max is above it */
#define RLIM_INFINITY (~0ul)

struct list_node process_list = LIST_INIT(process_list);
struct process *init_process;
u32 process_count;
static struct process *by_pid[BUCKETS];
static u32 pid_next = 2;

struct process *process_find(u32 pid)
{
	struct process *at = by_pid[pid % BUCKETS];

	while (at && at->pid != pid)
		at = at->hash_next;
	return at;
}

/* A number that is no process, thread, group or session. */
static bool pid_used(u32 pid)
{
	if (process_find(pid) || thread_find(pid))
		return true;
	list_for_each_entry(p, &process_list, struct process, all)
		if (p->pgid == pid || p->sid == pid)
			return true;
	return false;
}

bool pid_free(u32 pid)
{
	return pid && pid < setting(SETTING_PID_MAX) && !pid_used(pid);
}

u32 pid_alloc(void)
{
	u32 end = (u32)setting(SETTING_PID_MAX);

	for (u32 n = 0; n < end; n++) {
		if (pid_next >= end)
			pid_next = PID_AGAIN;
		if (!pid_used(pid_next))
			return pid_next++;
		pid_next++;
	}
	return 0;
}

/* ---- walks ---- */

static struct process_walk *walks; /* the innermost */

void process_walk_begin(struct process_walk *walk)
{
	*walk = (struct process_walk){ .outer = walks, .next = process_list.next };
	walks = walk;
}

struct process *process_walk_next(struct process_walk *walk)
{
	struct list_node *at = walk->next;

	if (at == &process_list)
		return NULL;
	walk->next = at->next;
	return container_of(at, struct process, all);
}

struct process *process_walk_next_of_group(struct process_walk *walk, u32 pgid)
{
	struct process *p = process_walk_next(walk);

	while (p && (p->pgid != pgid || p->state != PROCESS_ALIVE))
		p = process_walk_next(walk);
	return p;
}

void process_walk_end(struct process_walk *walk)
{
	ROOT_ASSERT(walks == walk);
	walks = walk->outer;
}

static void walks_forget(const struct process *process)
{
	for (struct process_walk *walk = walks; walk; walk = walk->outer)
		if (walk->next == &process->all)
			walk->next = process->all.next;
}

/* ---- records ---- */

/* Numbers of the Linux resources, in order; soft, hard. */
static const struct rlimit default_rlimits[RLIMITS] = {
	{ RLIM_INFINITY, RLIM_INFINITY }, /* CPU */
	{ RLIM_INFINITY, RLIM_INFINITY }, /* FSIZE */
	{ RLIM_INFINITY, RLIM_INFINITY }, /* DATA */
	{ 8ul << 20, RLIM_INFINITY },     /* STACK */
	{ 0, RLIM_INFINITY },             /* CORE */
	{ RLIM_INFINITY, RLIM_INFINITY }, /* RSS */
	{ 0, 0 },                         /* NPROC: set at boot */
	{ 1024, 4096 },                   /* NOFILE */
	{ 8ul << 20, 8ul << 20 },         /* MEMLOCK */
	{ RLIM_INFINITY, RLIM_INFINITY }, /* AS */
	{ RLIM_INFINITY, RLIM_INFINITY }, /* LOCKS */
	{ 0, 0 },                         /* SIGPENDING: set at boot */
	{ 819200, 819200 },               /* MSGQUEUE */
	{ 0, 0 },                         /* NICE */
	{ 0, 0 },                         /* RTPRIO */
	{ RLIM_INFINITY, RLIM_INFINITY }, /* RTTIME */
};

static void first_rlimits(struct process *process)
{
	u64 tasks = limits_tasks_max();

	memcpy(process->rlimits, default_rlimits, sizeof(default_rlimits));
	process->rlimits[LIMIT_NPROC] = process->rlimits[LIMIT_SIGPENDING] = (struct rlimit){ tasks, tasks };
}

static int inherit(struct process *process, const struct process *maker)
{
	memcpy(process->rlimits, maker->rlimits, sizeof(maker->rlimits));
	process->credentials = maker->credentials;
	process->credentials.groups = NULL;
	if (maker->credentials.groups) {
		process->credentials.groups = root_alloc(maker->credentials.group_count * sizeof(u32));
		if (!process->credentials.groups)
			return -ENOMEM;
		memcpy(process->credentials.groups, maker->credentials.groups, maker->credentials.group_count * sizeof(u32));
	}
	if (maker->chroot_path) {
		process->chroot_path = root_alloc(strlen(maker->chroot_path) + 1);
		if (!process->chroot_path)
			return -ENOMEM;
		memcpy(process->chroot_path, maker->chroot_path, strlen(maker->chroot_path) + 1);
	}
	process->pgid = maker->pgid;
	process->sid = maker->sid;
	process->role = maker->role;
	process->terminal = maker->terminal;
	process->terminal.old_group = 0;
	process->no_new_privs = maker->no_new_privs;
	process->dumpable = maker->dumpable;
	process->oom_adjust = maker->oom_adjust;
	process->oom_adjust_least = maker->oom_adjust_least;
	memcpy(process->name, maker->name, sizeof(process->name));
	return 0;
}

/* Without a pid yet: the caller sets it with process_set_pid. */
struct process *process_create(struct process *parent, const struct process *maker)
{
	struct process *process = root_alloc(sizeof(*process));
	static u64 serial;

	if (!process)
		return NULL;
	process->serial = ++serial;
	list_init(&process->children);
	list_init(&process->threads);
	signal_queue_init(&process->signals);
	process->dumpable = true;
	process->terminal.group = -1;
	process->start_ns = now_ns();
	if (!maker) {
		first_rlimits(process);
		capabilities_first(&process->credentials.capabilities);
	} else if (inherit(process, maker)) {
		root_free(process->credentials.groups);
		root_free(process);
		return NULL;
	}
	process->parent = parent;
	if (parent)
		list_push_back(&parent->children, &process->sibling);
	list_push_back(&process_list, &process->all);
	process_count++;
	return process;
}

void process_set_pid(struct process *process, u32 pid)
{
	process->pid = pid;
	process->hash_next = by_pid[pid % BUCKETS];
	by_pid[pid % BUCKETS] = process;
}

void process_free(struct process *process)
{
	struct process **at = &by_pid[process->pid % BUCKETS];

	ROOT_ASSERT(list_empty(&process->threads) && list_empty(&process->children));
	itimers_cancel(process);
	signal_queue_clear(&process->signals);
	kobject_destroy(&process->system_cnode);
	while (process->pid && *at != process)
		at = &(*at)->hash_next;
	if (process->pid)
		*at = process->hash_next;
	if (list_linked(&process->sibling))
		list_remove(&process->sibling);
	walks_forget(process);
	list_remove(&process->all);
	process_count--;
	root_free(process->credentials.groups);
	root_free(process->chroot_path);
	root_free(process);
}

/* ---- files ---- */

struct files *files_create(unsigned bits)
{
	struct files *files = root_alloc(sizeof(*files));

	if (!files)
		return NULL;
	files->refs = 1;
	files->slots = (1u << bits) - 1;
	if (!kobject_create(&files->cnode, OBJECT_CNODE, bits))
		return files;
	root_free(files);
	return NULL;
}

/* Calls over a range of slots stop at the kernel's preemption points: K_PARTIAL, with a count. */
static void must_go_on(const char *call, long error, u64 done)
{
	if (error && error != K_PARTIAL)
		root_panic("%s: kernel error %ld", call, error);
	if (!done)
		root_panic("%s makes no progress", call);
}

/* Copies what can be copied of the first `count` slots. */
void cnode_copy(u32 to, u32 from, u32 first, u32 count)
{
	u32 done = 0;

	while (done < count) {
		struct kvalues v = { 0 };

		long error = kobject_call(KCALL_cap_copy_range, SYS(to), first + done, SYS(from), first + done, count - done, 0, 0, &v);

		must_go_on("cap_copy_range", error, v.v0);
		done += v.v0;
	}
}

void cnode_delete(u32 cnode, u32 first, u32 count)
{
	u32 done = 0;

	while (done < count) {
		struct kvalues v = { 0 };

		long error = kobject_call(KCALL_cap_delete_range, SYS(cnode), first + done, count - done, 0, 0, 0, 0, &v);

		must_go_on("cap_delete_range", error, v.v0);
		done += v.v0;
	}
}

static unsigned bits_of(u32 slots)
{
	unsigned bits = FILES_BITS_MIN;

	while ((1u << bits) - 1 < slots)
		bits++;
	return bits;
}

struct files *files_copy(const struct files *files)
{
	struct files *copy = files_create(bits_of(files->slots));

	if (copy)
		cnode_copy(copy->cnode.slot, files->cnode.slot, 0, files->slots);
	return copy;
}

void files_put(struct files *files)
{
	if (--files->refs)
		return;
	kobject_destroy(&files->cnode);
	root_free(files);
}

/* Every thread that uses these files gets the new CNode. */
int files_grow(struct files *files, u32 slots)
{
	struct kobject old = files->cnode, new;
	unsigned bits = bits_of(slots);

	if (bits > FILES_BITS_MAX)
		return -EMFILE;
	if (kobject_create(&new, OBJECT_CNODE, bits))
		return -ENOMEM;
	cnode_copy(new.slot, old.slot, 0, files->slots);
	files->cnode = new;
	files->slots = (1u << bits) - 1;
	list_for_each_entry(p, &process_list, struct process, all) {
		list_for_each_entry(t, &p->threads, struct thread, in_process) {
			if (t->files != files)
				continue;
			MUST(KCALL3(thread_set_cnodes, SYS(t->tcb.slot), SYS(new.slot), 0));
		}
	}
	kobject_destroy(&old);
	return 0;
}

/* ---- the system CNode ---- */

/* A process that runs on another core may fill the slot again meanwhile: what it has put there is its own affair. */
void cap_put(u64 cnode, u32 slot, u32 from, unsigned rights)
{
	long error = KCALL6(cap_copy, cnode, slot, ROOT_CNODE, from, rights, 0);

	if (error == K_OCCUPIED) {
		KCALL2(cap_delete, cnode, slot);
		error = KCALL6(cap_copy, cnode, slot, ROOT_CNODE, from, rights, 0);
	}
	if (error && error != K_OCCUPIED)
		root_panic("cap_copy into slot %u: %ld", slot, error);
}

static void set_slot(const struct process *process, u32 slot, u32 from)
{
	cap_put(SYS(process->system_cnode.slot), slot, from, RIGHT_ALL);
}

int process_make_system(struct process *process, unsigned bits)
{
	if (kobject_create(&process->system_cnode, OBJECT_CNODE, bits))
		return -ENOMEM;
	process->system_bits = bits;
	set_slot(process, SLOT_SYSTEM, process->system_cnode.slot);
	return 0;
}

int process_grow_system(struct process *process, u32 area)
{
	struct kobject old = process->system_cnode, new;
	u32 old_slots = (1u << process->system_bits) - 1;
	unsigned bits = bits_of(SLOT_THREADS + area + 1);

	if (SLOT_THREADS + area < old_slots)
		return 0;
	if (kobject_create(&new, OBJECT_CNODE, bits))
		return -ENOMEM;
	cnode_copy(new.slot, old.slot, 0, old_slots);
	process->system_cnode = new;
	process->system_bits = bits;
	set_slot(process, SLOT_SYSTEM, new.slot);
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		MUST(KCALL3(thread_set_cnodes, SYS(t->tcb.slot), 0, SYS(new.slot)));
	kobject_destroy(&old);
	return 0;
}

/* ---- sighand ---- */

struct process_shared *sighand_shared(const struct sighand *sighand)
{
	return page_virt(sighand->page);
}

struct sighand *sighand_create(struct space *space, u32 index, const struct sighand *from)
{
	struct sighand *sighand;
	u64 address = GATE_SHARED + (u64)index * PAGE_SIZE;

	if (index >= GATE_SHARED_MAX || space->shared_pages[index])
		return NULL;
	sighand = root_alloc(sizeof(*sighand));
	if (!sighand)
		return NULL;
	*sighand = (struct sighand){ .refs = 1, .index = index, .page = page_alloc_zeroed(PAGE_PINNED), .space = space };
	if (!sighand->page || space_map_page(space, address, VSPACE_READ | VSPACE_WRITE, sighand->page)) {
		if (sighand->page)
			page_free(sighand->page);
		root_free(sighand);
		return NULL;
	}
	space->shared_pages[index] = sighand->page;
	if (from)
		memcpy(page_virt(sighand->page), sighand_shared(from), 32);
	return sighand;
}

void sighand_put(struct sighand *sighand)
{
	struct space *space = sighand->space;
	u64 address = GATE_SHARED + (u64)sighand->index * PAGE_SIZE;

	if (--sighand->refs)
		return;
	/* The address space's last user takes its pages down with it. */
	if (space->refs > 1) {
		space_unmap(space, address, address + PAGE_SIZE, false);
		page_free(sighand->page);
		space->shared_pages[sighand->index] = 0;
	}
	root_free(sighand);
}

/* ---- what others see ---- */

/* Who runs in another's memory, as a vfork child does, finds that one's page there. */
static bool info_is_of(const struct space *space, const struct process *process)
{
	u32 pid = ((const struct process_info *)page_virt(space->info_page))->pid;

	return !pid || pid == process->pid;
}

void process_publish(const struct process *process)
{
	const struct thread *leader = process_leader(process);

	list_for_each_entry(t, &process->threads, struct thread, in_process)
		thread_publish(t);
	if (leader && leader->space->info_page && info_is_of(leader->space, process))
		process_write_info(process, leader->space);
}
