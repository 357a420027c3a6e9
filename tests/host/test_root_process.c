// sources: root/process.c root/thread.c root/wait.c root/groups.c root/signal.c root/op_signal.c root/posix_timer.c root/exit.c root/permission.c root/capability.c root/cpu_clock.c root/limits.c root/region.c root/settings.c
/*
 * Processes, groups, sessions, signals and waiting against a model: random deeds of a few dozen processes, each of whose answers and traces
 * are compared. Memory comes from malloc, so that the sanitizers see what is used after its end; at the end nothing is left.
 */
#include "root/process.h"

#include <stdlib.h>

#include "abi/file.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "root/futex.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/services.h"
#include "root/settings.h"
#include "root/signal.h"
#include "root/terminal.h"
#include "root/tree.h"
#include "root/walk.h"
#include "tests/host/check.h"

/* ---- what the modules stand on ---- */

static u64 allocated;
static struct message_buffer message;
struct page *pages;
pfn_t page_limit;
struct memory_counts memory_counts = { .total_pages = 100000 };
struct kobject root_endpoint;
const struct boot_info *boot_info;

#define PAGES 4096
static void *page_memory[PAGES]; /* pfn - 1 */

u32 tree_excluded(const struct process *process)
{
	(void)process;
	return TREE_ALL;
}

void *root_alloc(size_t size)
{
	allocated++;
	return calloc(1, size);
}

void root_free(void *memory)
{
	allocated -= memory != NULL;
	free(memory);
}

pfn_t page_alloc_zeroed(enum page_type type)
{
	(void)type;
	for (pfn_t i = 0; i < PAGES; i++)
		if (!page_memory[i]) {
			page_memory[i] = root_alloc(PAGE_SIZE);
			return i + 1;
		}
	return 0;
}

void page_free(pfn_t pfn)
{
	root_free(page_memory[pfn - 1]);
	page_memory[pfn - 1] = NULL;
}

void *page_virt(pfn_t pfn)
{
	return page_memory[pfn - 1];
}

u64 page_ref(pfn_t pfn)
{
	return pfn;
}

static u32 slots;

int kobject_create(struct kobject *object, enum object_type type, unsigned size_bits)
{
	(void)size_bits;
	*object = (struct kobject){ .slot = ++slots, .type = type };
	allocated++;
	return 0;
}

void kobject_destroy(struct kobject *object)
{
	allocated -= object->slot != 0;
	object->slot = 0;
}

u32 slot_alloc(u32 count) { return slots += count; }
void slot_free(u32 first, u32 count) { (void)first; (void)count; }
struct message_buffer *root_message(void) { return &message; }
u64 now_ns(void) { return 1000; }
u64 realtime_base(void) { return 0; }
void timer_set(struct timer *timer, u64 when, void (*fire)(struct timer *timer)) { timer->when = when; timer->fire = fire; }
void timer_set_in(struct timer *timer, u64 delay, void (*fire)(struct timer *timer)) { timer_set(timer, now_ns() + delay, fire); }
void timer_cancel(struct timer *timer) { timer->when = 0; }
long kipc(u64 number, struct kmsg *msg) { (void)number; (void)msg; return 0; }

long kobject_call(u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, struct kvalues *values)
{
	(void)a0; (void)a3; (void)a4; (void)a5; (void)a6; (void)a1;
	if (number == KCALL_thread_info)
		memset(message.data, 0, sizeof(struct thread_info));
	if (values)
		values->v0 = number == KCALL_cap_copy_range || number == KCALL_cap_delete_range ? MAX(a2, a4) : 0;
	return 0;
}

void root_log(enum log_level level, const char *format, ...) { (void)level; (void)format; }
void root_panic(const char *format, ...)
{
	fprintf(stderr, "panic: %s\n", format);
	abort();
}

/* One page is enough of an object: the principal table, which only others read. */
static struct object table_object;
static pfn_t shown_page; /* the settings', while a test changes some */
struct object *object_create(u64 size, u32 charge) { (void)size; (void)charge; return &table_object; }
pfn_t object_page(struct object *object, u64 index, bool write, pfn_t *replaced)
{
	(void)object; (void)index; (void)write;
	*replaced = 0;
	return shown_page;
}

void space_put(struct space *space)
{
	if (--space->refs)
		return;
	for (unsigned i = 0; i < GATE_SHARED_MAX; i++)
		if (space->shared_pages[i])
			page_free(space->shared_pages[i]);
	if (space->info_page)
		page_free(space->info_page);
	root_free(space);
}

int space_map(struct space *space, u64 address, u64 count, u64 flags, const u64 *refs, u64 *done)
{
	(void)space; (void)address; (void)flags; (void)refs;
	*done = count;
	return 0;
}
void space_fill(struct space *space, u64 start, unsigned prot, u64 count) { (void)space; (void)start; (void)prot; (void)count; }
void space_unmap(struct space *space, u64 start, u64 end, bool tables) { (void)space; (void)start; (void)end; (void)tables; }
int space_add_region(struct space *space, u64 start, u64 end, unsigned prot, unsigned flags, struct object *object, u64 offset)
{
	(void)space; (void)start; (void)end; (void)prot; (void)flags; (void)object; (void)offset;
	return 0;
}
int space_remove_range(struct space *space, u64 start, u64 end) { (void)space; (void)start; (void)end; return 0; }
u64 space_resident(const struct space *space) { (void)space; return 1; }
int space_write(struct space *space, u64 address, const void *from, u64 length)
{
	(void)space; (void)address; (void)from; (void)length;
	return -EFAULT;
}
long futex_wake_address(struct space *space, u64 address, unsigned count) { (void)space; (void)address; (void)count; return 0; }
void robust_list_walk(struct thread *thread, u64 head) { (void)thread; (void)head; }
void futex_pi_owner_ended(struct thread *thread) { (void)thread; }
void priority_configured(struct thread *thread) { (void)thread; }
void deadline_clear(struct thread *thread) { (void)thread; }
u8 priority_own(const struct thread *thread) { return PRIORITY_PROGRAM - thread->nice / 2; }
void walk_forget(struct thread *thread) { (void)thread; }
void process_write_info(const struct process *process, struct space *space) { (void)process; (void)space; }
bool service_may(const struct process *process, unsigned rights) { (void)rights; return process->service; }
void terminal_leave(struct process *process) { process->terminal = (struct terminal){ .group = -1 }; }
void terminal_leader_ended(const struct process *leader) { (void)leader; }
void services_watched_ended(void) {}
void services_process_ended(void) {}
void service_withdraw(struct process *process) { (void)process; }
void service_ended(u16 number, u32 status) { (void)number; (void)status; }
void usage_of(const struct process *process, struct usage *usage) { *usage = process->dead; }
u64 process_cpu_ns(const struct process *process) { return process->dead.user_ns + process->dead.system_ns; }
void init_ended(u32 status) { root_panic("the first program ended: %u", status); }

/* No space has a region. */
struct region *region_new(void) { return root_alloc(sizeof(struct region)); }
void region_delete(struct region *region) { root_free(region); }
void object_put(struct object *object) { (void)object; }

/* ---- answers ---- */

#define MEMBERS 48

static struct thread *answered; /* a thread that waited has its answer */
static long answer;
static u64 answer_words[MESSAGE_WORDS];

void thread_stop_waiting(struct thread *thread) { thread->wait = WAIT_NONE; }
void thread_drop_reply(struct thread *thread) { thread->reply = 0; }
long request_keep(struct request *request, enum wait_kind kind)
{
	request->caller->wait = kind;
	request->caller->reply = 1;
	return RESULT_LATER;
}
void thread_answer_words(struct thread *thread, const u64 m[MESSAGE_WORDS], u64 bytes)
{
	(void)bytes;
	answered = thread;
	answer = m[0];
	memcpy(answer_words, m, sizeof(answer_words));
	thread->reply = 0;
	thread_stop_waiting(thread);
}
void thread_answer(struct thread *thread, long result, u64 m1, u64 m2)
{
	thread_answer_words(thread, (const u64[MESSAGE_WORDS]){ result, m1, m2 }, 0);
}

/* ---- making processes ---- */

static u64 seed = 29;

static u64 any(u64 below)
{
	return splitmix64_next(&seed) % below;
}

static struct thread *add_thread(struct process *process, struct space *space, struct files *files, struct sighand *sighand)
{
	struct thread *thread = thread_create(process, space, files, sighand, AREA_ANY);

	CHECK(thread != NULL);
	return thread;
}

static struct process *make(struct process *parent)
{
	struct process *process = process_create(parent, parent);
	struct space *space = root_alloc(sizeof(*space));
	struct thread *thread;

	space->refs = 1;
	process->exit_signal = any(8) ? SIGNAL_CHLD : any(65);
	process_set_pid(process, parent ? pid_alloc() : 1);
	if (!parent)
		process->pgid = process->sid = 1;
	CHECK(!process_make_system(process, SYSTEM_BITS_MIN));
	thread = add_thread(process, space, files_create(FILES_BITS_MIN), sighand_create(space, 0, NULL));
	thread_set_tid(thread, process->pid);
	if (parent && process_leader(parent)) {
		memcpy(sighand_shared(thread->sighand), sighand_shared(process_leader(parent)->sighand), 16);
		thread_context(thread)->signal_mask = thread_context(process_leader(parent))->signal_mask;
	}
	process_publish(process);
	return process;
}

static void more_threads(struct process *process)
{
	struct thread *leader = process_leader(process), *thread;

	if (process->thread_count >= 4)
		return;
	leader->files->refs++;
	leader->sighand->refs++;
	thread = add_thread(process, space_get(leader->space), leader->files, leader->sighand);
	thread_set_tid(thread, pid_alloc());
	signal_publish(process);
}

/* ---- the model: what a program may see ---- */

#define ORPHAN (~0u)

struct member {
	bool there, zombie, stopped;
	u32 pid, parent, pgid, sid, status;
	struct process *real;
};

static struct member members[MEMBERS];

static struct member *member_of(u32 pid)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (members[i].there && members[i].pid == pid)
			return &members[i];
	return NULL;
}

static struct member *any_member(bool alive)
{
	struct member *m;

	do
		m = &members[any(MEMBERS)];
	while (!m->there || (alive && m->zombie));
	return m;
}

static unsigned member_count(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MEMBERS; i++)
		count += members[i].there;
	return count;
}

static void model_add(struct process *process, const struct member *parent)
{
	unsigned i = 0;

	while (members[i].there)
		i++;
	members[i] = (struct member){ .there = true, .pid = process->pid, .parent = parent ? parent->pid : 0, .real = process,
				      .pgid = parent ? parent->pgid : 1, .sid = parent ? parent->sid : 1 };
}

static bool model_child_of_other_group(u32 pgid, const struct member *except)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		const struct member *m = &members[i], *parent = m->there ? member_of(m->parent) : NULL;

		if (!m->there || m->zombie || m == except || m->pgid != pgid || !parent || parent->pid == 1)
			continue;
		if (parent->pgid != pgid && parent->sid == m->sid)
			return true;
	}
	return false;
}

/* Several may die at one deed, each other's heirs among them, so the model only says that an heir is one: a live subreaper or the first program. */
static void model_heirs(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct member *m = &members[i];
		const struct process *heir = m->there && m->parent == ORPHAN ? m->real->parent : NULL;

		if (!heir)
			continue;
		CHECK(heir->state == PROCESS_ALIVE && (heir->pid == 1 || heir->subreaper));
		m->parent = heir->pid;
	}
}

/* Who is dead in the records is dead in the model: the status must be what the deed says, or a signal's. */
static void model_settle(void)
{
	bool again = true;

	while (again) {
		again = false;
		for (unsigned i = 0; i < MEMBERS; i++) {
			struct member *m = &members[i];
			struct process *p = m->there ? process_find(m->pid) : NULL;

			if (!m->there || (p && p->state == PROCESS_ALIVE) || m->zombie)
				continue;
			again = true;
			m->zombie = true;
			m->stopped = false;
			for (unsigned c = 0; c < MEMBERS; c++)
				if (members[c].there && members[c].parent == m->pid)
					members[c].parent = ORPHAN;
		}
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		if (members[i].there && !process_find(members[i].pid)) {
			CHECK(members[i].zombie);
			members[i].there = false;
		}
	model_heirs();
}

static void check_lists(const struct process *p)
{
	u32 threads = 0;
	u64 pending = p->signals.set, named = 0;

	list_for_each_entry(t, &p->threads, struct thread, in_process) {
		threads++;
		CHECK(t->process == p && thread_find(t->tid) == t && thread_by_principal(t->principal) == t);
		CHECK_EQ(thread_context(t)->pending, t->signals.set | p->signals.set);
		CHECK(!(t->wait == WAIT_CHILD && list_empty(&p->children)));
	}
	list_for_each_entry(r, &p->signals.infos, struct siginfo_record, node)
		named |= SIGBIT(r->signal);
	CHECK(!(named & ~pending));
	CHECK_EQ(threads, p->thread_count);
	CHECK((p->state == PROCESS_ZOMBIE) == (threads == 0));
	CHECK(!(p->state == PROCESS_ZOMBIE && (pending || !list_empty(&p->children))));
}

static void check_member(const struct member *m)
{
	const struct process *p = process_find(m->pid);

	CHECK(p == m->real);
	if (!p || CHECK_FAILED())
		return;
	CHECK_EQ(p->parent ? p->parent->pid : 0, m->parent);
	CHECK_EQ(p->pgid, m->pgid);
	CHECK_EQ(p->sid, m->sid);
	CHECK((p->state == PROCESS_ZOMBIE) == m->zombie);
	CHECK(p->stopped == m->stopped);
	check_lists(p);
}

static void check_all(void)
{
	unsigned listed = 0;

	list_for_each_entry(p, &process_list, struct process, all)
		listed++;
	CHECK_EQ(listed, member_count());
	CHECK_EQ(listed, process_count);
	for (unsigned i = 0; i < MEMBERS && !CHECK_FAILED(); i++)
		if (members[i].there)
			check_member(&members[i]);
	CHECK(group_orphaned(members[0].pgid) == !model_child_of_other_group(members[0].pgid, NULL));
}

/* ---- deeds ---- */

static struct request request_of(struct member *m)
{
	struct request request = { .caller = process_leader(m->real), .reply = 1 };

	return request;
}

static void do_fork(void)
{
	struct member *parent = any_member(true);

	if (member_count() < MEMBERS)
		model_add(make(parent->real), parent);
}

static void do_exit(void)
{
	struct member *m = any_member(true);

	if (m->pid == 1)
		return;
	if (any(2))
		process_exit(m->real, any(256) << 8);
	else
		thread_exit(process_leader(m->real), any(256) << 8);
}

/* What a signal that is neither caught, ignored nor blocked does; the rest is looked at through the invariants. */
static void do_kill(void)
{
	struct member *m = any_member(true), *target = any_member(false);
	struct request request = request_of(m);
	u64 signal = any(65), kind = any(6);
	long pid = kind == 0 ? -(long)target->pgid : kind == 1 ? 0 : (long)target->pid, result;
	bool any_there = false;

	request.m[0] = pid;
	request.m[1] = signal;
	for (unsigned i = 0; i < MEMBERS; i++)
		any_there |= members[i].there && (pid > 0 || members[i].pgid == (pid ? -pid : m->pgid));
	result = op_KILL(&request);
	CHECK(result == RESULT_LATER || result == (any_there ? 0 : -ESRCH));
	/* SIGKILL spares nobody but the first program; SIGCONT starts everybody that it reaches. */
	for (unsigned i = 0; i < MEMBERS && pid > 0; i++) {
		struct member *t = &members[i];

		if (!t->there || t->zombie || t->pid != pid || t->pid == 1)
			continue;
		if (signal == SIGNAL_KILL)
			CHECK(!process_find(pid) || process_find(pid)->state == PROCESS_ZOMBIE);
		if (signal == SIGNAL_STOP)
			CHECK(process_find(pid)->stopped);
		if (signal == SIGNAL_CONT && process_find(pid))
			CHECK(!process_find(pid)->stopped);
	}
}

static void do_thread_kill(void)
{
	struct member *m = any_member(true), *target = any_member(true);
	struct request request = request_of(m);

	request.m[0] = any(2) ? target->pid : (u64)-1;
	request.m[1] = process_leader(target->real)->tid;
	request.m[2] = any(65);
	op_TGKILL(&request);
}

static void do_dispositions(void)
{
	struct thread *t = process_leader(any_member(true)->real);
	struct process_shared *shared = sighand_shared(t->sighand);

	switch (any(5)) {
	case 0:
		thread_context(t)->signal_mask = any(3) ? 1ul << any(64) : 0;
		break;
	case 1:
		shared->signals_ignored = any(3) ? 1ul << any(64) : 0;
		break;
	case 2:
		shared->signals_caught = any(3) ? 1ul << any(64) : 0;
		break;
	case 3:
		shared->flags = any(4);
		break;
	default:
		thread_context(t)->wait_mask = any(3) ? 1ul << any(64) : 0;
	}
}

static void do_take(void)
{
	struct member *m = any_member(true);
	struct request request = request_of(m);

	request.m[0] = any(2) ? ~0ul : 1ul << any(64);
	if (any(2) && !request.caller->reply)
		op_SIGWAIT(&request);
	else
		op_SIGTAKE(&request);
}

static void do_wait(void)
{
	struct member *m = any_member(true), *target = any_member(false);
	struct request request = request_of(m);
	bool children = false, dead = false;
	long result;

	if (request.caller->reply)
		return;
	request.m[1] = any(3);
	request.m[0] = request.m[1] == 1 ? target->pid : request.m[1] == 2 ? target->pgid : 0;
	request.m[2] = 4 | 0x40000000 | any(2) | (any(2) ? 2 : 0) | (any(2) ? 8 : 0) | (any(4) ? 0 : 0x01000000);
	for (unsigned i = 0; i < MEMBERS; i++) {
		const struct member *c = &members[i];

		if (!c->there || c->parent != m->pid || (request.m[1] == 1 && c->pid != target->pid) ||
		    (request.m[1] == 2 && c->pgid != target->pgid))
			continue;
		children = true;
		dead |= c->zombie;
	}
	result = op_WAIT(&request);
	CHECK((result == -ECHILD) == !children);
	CHECK(!(dead && (result == 0 || result == RESULT_LATER)));
	if (result > 0) {
		struct member *c = member_of(result);

		CHECK(c && c->parent == m->pid);
		if (c && c->zombie)
			CHECK((request.m[2] & 0x01000000) != 0 ? process_find(result) != NULL : process_find(result) == NULL);
	}
}

static void do_groups(void)
{
	struct member *m = any_member(true), *other = any_member(true), *target;
	struct request request = request_of(m);
	bool taken = false;
	long result;

	if (any(4) == 0) {
		for (unsigned i = 0; i < MEMBERS; i++)
			taken |= members[i].there && members[i].pgid == m->pid;
		result = op_SET_SID(&request);
		CHECK_EQ(result, taken ? -EPERM : (long)m->pid);
		if (result > 0)
			m->sid = m->pgid = m->pid;
		return;
	}
	target = any(2) ? m : any_member(true);
	request.m[0] = target->pid;
	request.m[1] = any(3) ? 0 : other->pgid;
	result = op_SET_PGID(&request);
	if (target != m && target->parent != m->pid)
		CHECK_EQ(result, -ESRCH);
	if (!result)
		target->pgid = request.m[1] ? request.m[1] : target->pid;
	if (!result)
		CHECK(target->sid == m->sid && target->sid != target->pid);
}

static void do_flags(void)
{
	struct process *p = any_member(true)->real;

	p->pdeathsig = any(3) ? 0 : 1 + any(64);
	p->dumpable = any(2);
	p->subreaper = any(3) == 0;
	more_threads(p);
}

static void settle_stops(void)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (members[i].there && !members[i].zombie)
			members[i].stopped = members[i].real->stopped;
}

static void processes_behave_as_the_model_says(void)
{
	static void (*const deeds[])(void) = { do_fork, do_fork, do_exit, do_kill, do_kill, do_thread_kill, do_dispositions, do_take,
					       do_wait, do_wait, do_groups, do_flags };

	threads_init();
	init_process = make(NULL);
	model_add(init_process, NULL);
	for (unsigned step = 0; step < 200000 && !CHECK_FAILED(); step++) {
		deeds[any(ARRAY_SIZE(deeds))]();
		model_settle();
		settle_stops();
		check_all();
	}
}

/* ---- vm.max_map_count ---- */

static u64 most_regions(const struct process *process)
{
	return process_leader(process)->space->regions.most;
}

static long set_most_regions(struct process *caller, u64 most)
{
	struct request request = { .caller = process_leader(caller), .m = { SETTING_MAP_COUNT, 1, most } };

	return op_SETTING(&request);
}

/* Those that are there, and those that come later. */
static void a_setting_bounds_the_regions_of_programs_and_not_of_servers(void)
{
	struct process *program = make(init_process), *server = make(init_process);

	server->service = 3;
	limits_of_space(process_leader(program)->space, program);
	limits_of_space(process_leader(server)->space, server);
	CHECK_EQ(most_regions(program), 65530);
	CHECK_EQ(most_regions(server), LIMIT_NONE);
	shown_page = page_alloc_zeroed(PAGE_ANON);
	CHECK_EQ(set_most_regions(program, 7), -EPERM);
	CHECK_EQ(set_most_regions(server, 7), 0);
	CHECK_EQ(most_regions(program), 7);
	CHECK_EQ(most_regions(server), LIMIT_NONE);
	process_leader(program)->space->regions.most = 0;
	limits_of_space(process_leader(program)->space, program);
	CHECK_EQ(most_regions(program), 7);
	CHECK_EQ(set_most_regions(server, 65530), 0);
	page_free(shown_page);
	shown_page = 0;
	server->service = 0;
	process_exit(program, 0);
	process_exit(server, 0);
}

/* ---- walks ---- */

#define GROUP 9999

/* Nobody waits for those of the group: whoever ends is gone. */
static void make_group(struct process *of[6])
{
	sighand_shared(process_leader(init_process)->sighand)->signals_ignored = SIGBIT(SIGNAL_CHLD);
	for (unsigned i = 0; i < 6; i++) {
		of[i] = make(init_process);
		of[i]->exit_signal = SIGNAL_CHLD;
		of[i]->pgid = GROUP;
	}
}

static void a_walk_meets_each_once_whoever_ends_on_the_way(void)
{
	struct process *of[6], *met;
	struct process_walk walk, inner;
	u64 before = process_count;

	make_group(of);
	process_walk_begin(&walk);
	CHECK(process_walk_next_of_group(&walk, GROUP) == of[0]);
	process_exit(of[0], 0); /* itself */
	CHECK(process_walk_next_of_group(&walk, GROUP) == of[1]);
	process_exit(of[2], 0); /* the next, and the one behind it */
	process_exit(of[3], 0);
	process_walk_begin(&inner);
	met = process_walk_next_of_group(&inner, GROUP);
	CHECK(met == of[1]);
	process_exit(of[4], 0); /* the next of both */
	CHECK(process_walk_next_of_group(&inner, GROUP) == of[5]);
	process_walk_end(&inner);
	CHECK(process_walk_next_of_group(&walk, GROUP) == of[5]);
	process_exit(of[5], 0); /* the last of all */
	CHECK(!process_walk_next_of_group(&walk, GROUP));
	CHECK(!process_walk_next(&walk));
	process_walk_end(&walk);
	process_exit(of[1], 0);
	CHECK_EQ(process_count, before);
}

static void a_signal_to_a_group_ends_all_of_it(void)
{
	struct process *of[6];
	u64 before = process_count;

	make_group(of);
	signal_group(GROUP, SIGNAL_KILL, NULL);
	CHECK_EQ(process_count, before);
}

/* Everybody ends; the first program waits for all of them. */
static void nothing_is_left(void)
{
	struct request request;

	for (unsigned i = 0; i < MEMBERS; i++)
		if (members[i].there && !members[i].zombie && members[i].pid != 1 && process_find(members[i].pid))
			process_exit(members[i].real, 0);
	sighand_shared(process_leader(init_process)->sighand)->signals_ignored = 0;
	process_leader(init_process)->wait = WAIT_NONE;
	do
		request = (struct request){ .caller = process_leader(init_process), .m = { 0, 0, 4 | 0x40000000 } };
	while (op_WAIT(&request) > 0);
	CHECK_EQ(process_count, 1);
	CHECK_EQ(thread_total, init_process->thread_count);
	signal_queue_clear(&init_process->signals);
	process_end_other_threads(init_process, NULL);
	kobject_destroy(&init_process->system_cnode);
	process_free(init_process);
	CHECK_EQ(allocated, 0);
}

/* ---- who may signal whom ---- */

static void a_signal_needs_equal_ids(void)
{
	struct process a = { .sid = 1 }, b = { .sid = 2 };

	for (unsigned i = 0; i < 256; i++) {
		u32 uid = 5 + (i & 1), euid = 5 + (i >> 1 & 1), t_uid = 5 + (i >> 2 & 1), t_suid = 5 + (i >> 3 & 1);

		a.credentials = (struct credentials){ .uid = uid, .euid = euid, .suid = 5 + (i >> 4 & 1) };
		b.credentials = (struct credentials){ .uid = t_uid, .euid = 5 + (i >> 5 & 1), .suid = t_suid };
		b.role = i >> 6 & 1 ? a.role : 2;
		a.role = 2;
		b.sid = i >> 7 ? a.sid : 2;
		CHECK(may_signal(&a, &a, 9));
		CHECK(may_signal(&a, &b, 9) ==
		      (b.role == a.role && (uid == t_uid || uid == t_suid || euid == t_uid || euid == t_suid)));
		CHECK(may_signal(&a, &b, SIGNAL_CONT) == (may_signal(&a, &b, 9) || (b.role == a.role && a.sid == b.sid)));
	}
	a.credentials.euid = 0; /* of itself nothing */
	b.role = a.role;
	b.credentials.uid = b.credentials.suid = 9;
	CHECK(!may_signal(&a, &b, 9));
	a.credentials.capabilities.effective = 1ul << CAPABILITY_KILL;
	CHECK(may_signal(&a, &b, 9));
	b.role = 1;
	CHECK(!may_signal(&a, &b, 9));
}

static void ids_come_only_from_those_that_are_there(void)
{
	struct process p = { .credentials = { .uid = 5, .euid = 6, .suid = 7, .gid = 8, .egid = 9, .sgid = 10 } };

	CHECK(may_take_ids(&p, 63, (u64[]){ 7, 5, 6, 10, 8, 9 }));
	CHECK(!may_take_ids(&p, 1, (u64[]){ 8, 0, 0, 0, 0, 0 }));
	CHECK(!may_take_ids(&p, 8, (u64[]){ 0, 0, 0, 5, 0, 0 }));
	CHECK(!may_take_ids(&p, 2, (u64[]){ 0, 0, 0, 0, 0, 0 }));
	CHECK(may_take_ids(&p, 0, (u64[]){ 1, 1, 1, 1, 1, 1 }));
	p.credentials.capabilities.effective = 1ul << CAPABILITY_SETUID;
	CHECK(may_take_ids(&p, 7, (u64[]){ 1, 2, 3, 0, 0, 0 }));
	CHECK(!may_take_ids(&p, 63, (u64[]){ 1, 2, 3, 4, 5, 6 }));
	p.credentials.capabilities.effective |= 1ul << CAPABILITY_SETGID;
	CHECK(may_take_ids(&p, 63, (u64[]){ 1, 2, 3, 4, 5, 6 }));
}

/* ---- capabilities ---- */

static void random_ids(struct credentials *c)
{
	struct credentials old = *c;

	c->uid = rand() % 2;
	c->euid = rand() % 2;
	c->suid = rand() % 2;
	capabilities_follow_ids(c, &old);
}

static void capability_sets_stay_inside_each_other(void)
{
	static const u64 options[] = { 7, 8, 23, 24, 27, 28, 47, 99 };
	u64 bounding = CAPABILITIES_ALL;
	struct credentials c = { 0 };

	srand(7);
	capabilities_first(&c.capabilities);
	for (unsigned i = 0; i < 200000; i++) {
		struct capabilities *s = &c.capabilities;
		u64 m[MESSAGE_WORDS] = { options[rand() % ARRAY_SIZE(options)], rand() % 50, rand() % 50 };

		if (i % 1000 == 0) {
			capabilities_first(s);
			s->inheritable = (u64)rand() << 10;
			s->inheritable &= bounding = CAPABILITIES_ALL;
			c.uid = c.euid = c.suid = 0;
		}
		switch (rand() % 4) {
		case 0: random_ids(&c); break;
		case 1: credentials_exec(&c, rand() % 2); break;
		default: capabilities_prctl(s, m); break;
		}
		CHECK(!(s->effective & ~s->permitted) && !(s->ambient & ~s->permitted) && !(s->ambient & ~s->inheritable));
		CHECK(!(s->bounding & ~bounding));
		bounding = s->bounding;
		CHECK(!((s->effective | s->permitted | s->inheritable | s->bounding | s->ambient) & ~CAPABILITIES_ALL));
	}
}

int main(void)
{
	RUN(processes_behave_as_the_model_says);
	RUN(a_setting_bounds_the_regions_of_programs_and_not_of_servers);
	RUN(a_walk_meets_each_once_whoever_ends_on_the_way);
	RUN(a_signal_to_a_group_ends_all_of_it);
	RUN(nothing_is_left);
	RUN(a_signal_needs_equal_ids);
	RUN(ids_come_only_from_those_that_are_there);
	RUN(capability_sets_stay_inside_each_other);
	return check_result();
}
