/*
 * The service table. A service is a process started from the bundle that holds its own Endpoint, pools of Handles and a Notification. When
 * it dies its Endpoint and pools are revoked, so that every Handle of its clients is dead (they get EIO), and it is started anew. Its memory
 * objects stay: they are root's.
 */
#include "root/services.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/names.h"
#include "root/operations.h"
#include "root/policy.h"
#include "root/signal.h"
#include "root/terminal.h"
#include "root/tree.h"
#include "root/walk.h"

#define NO_IO { 1, 0, -1 }
/* A HandlePool is one kernel object, and no object is larger than a block. */
#define HANDLE_BITS_MAX (BLOCK_BITS - HANDLE_SIZE_BITS)

/* Opening it is opening the caller's controlling terminal, whoever serves that. */
static const char terminal_path[] = "/dev/tty";

static struct service services[SERVICES_MAX] = {
	{ .name = "ramfs", .mounts = (const char *const[]){ "/", "/dev/shm", NULL }, .handle_bits = 12, .slot_bits = SYSTEM_BITS_SERVER,
	  .rights = SERVICE_IMAGE },
	{ .name = "console",
	  .mounts = (const char *const[]){ "/dev/console", terminal_path, "/dev/ttyS0", "/dev/ttyS1", "/dev/ttyS2", "/dev/ttyS3", NULL },
	  .handle_bits = 9, .slot_bits = SYSTEM_BITS_SERVER, .rights = SERVICE_TERMINALS,
	  .io = { { 0x3f8, 0x3ff, 4 }, { 0x2f8, 0x2ff, 3 }, { 0x3e8, 0x3ef, 4 }, { 0x2e8, 0x2ef, 3 } } },
	{ .name = "pty", .mounts = (const char *const[]){ "/dev/ptmx", "/dev/pts", NULL }, .handle_bits = 11, .slot_bits = SYSTEM_BITS_SERVER,
	  .rights = SERVICE_TERMINALS },
	{ .name = "dev", .mounts = (const char *const[]){ "/dev", NULL }, .handle_bits = 11, .slot_bits = SYSTEM_BITS_SERVER },
	{ .name = "proc", .mounts = (const char *const[]){ "/proc", "/sys", NULL }, .handle_bits = 10, .slot_bits = SYSTEM_BITS_SERVER,
	  .rights = SERVICE_PROCESSES },
	{ .name = "pipe", .mounts = (const char *const[]){ NULL }, .handle_bits = 12, .slot_bits = SYSTEM_BITS_MANY },
	{ .name = "event", .mounts = (const char *const[]){ NULL }, .handle_bits = 11, .slot_bits = SYSTEM_BITS_MANY },
	{ .name = "socket", .mounts = (const char *const[]){ "/proc/net", NULL }, .handle_bits = 12, .slot_bits = SYSTEM_BITS_MANY },
	{ .name = "ipc", .mounts = (const char *const[]){ "/dev/mqueue", "/proc/sysvipc", NULL }, .handle_bits = 10,
	  .slot_bits = SYSTEM_BITS_MANY,
	  .rights = SERVICE_SIGNALS },
};

/* Services that every program can call without a path, and those of them that file systems pass openers on to. */
static const struct {
	const char *name;
	u32 slot;
	bool from_services;
} direct[] = { { "pipe", SLOT_SERVICE_PIPE, true }, { "event", SLOT_SERVICE_EVENT, true }, { "socket", SLOT_SERVICE_SOCKET, true } };

#define COUNT SERVICES_MAX
#define OWN   9 /* rows of the table above; the others are programs', with a name while they are in use */
_Static_assert(OWN < COUNT, "room for programs that serve");
/* Ends in a row before it served anyone. */
#define FAILURES_MAX 3

struct service *service_get(u16 number)
{
	return number && number <= COUNT ? &services[number - 1] : NULL;
}

u16 service_number(const struct service *service)
{
	return service - services + 1;
}

u16 service_find(const char *name)
{
	for (u16 i = 0; i < OWN; i++)
		if (!strcmp(services[i].name, name))
			return i + 1;
	return 0;
}

u16 service_of_endpoint(u64 id)
{
	for (u16 i = 0; i < COUNT; i++)
		if (services[i].endpoint.slot && services[i].endpoint_id == id)
			return i + 1;
	return 0;
}

bool service_may(const struct process *process, unsigned rights)
{
	const struct service *s = service_get(process->service);

	return s && s->rights & rights;
}

/* ---- slots of processes ---- */

static void set_slot(const struct process *process, u32 slot, u32 from, unsigned rights)
{
	if (from)
		cap_put(SYS(process->system_cnode.slot), slot, from, rights);
	else
		KCALL2(cap_delete, SYS(process->system_cnode.slot), slot);
}

/* A Handle that is the process's own, so that the receiver knows the service by its badge. */
static void mint_slot(const struct process *process, u32 slot, u32 endpoint, u16 number)
{
	u64 cnode = SYS(process->system_cnode.slot);
	u32 own = slot_alloc(1);

	KCALL2(cap_delete, cnode, slot);
	if (!own)
		return;
	if (KCALL4(handle_mint, SYS(root_pool.slot), SYS(endpoint), BADGE_SERVICE | number, SYS(own)))
		root_log(LOG_ERROR, "no Handle left for service %u", number);
	else if (KCALL4(cap_move, cnode, slot, ROOT_CNODE, own)) /* it has put something there itself meanwhile, as with cap_put */
		KCALL2(cap_delete, ROOT_CNODE, own);
	slot_free(own, 1);
}

static void fill_program(struct process *process)
{
	set_slot(process, SLOT_ROOT, root_endpoint.slot, RIGHT_SEND);
	for (unsigned i = 0; i < ARRAY_SIZE(direct); i++)
		set_slot(process, direct[i].slot, service_get(service_find(direct[i].name))->program_handle, RIGHT_SEND);
	tree_fill(process);
}

/* By which file servers wake the event server. */
static void fill_event_notify(const struct process *process, const struct service *event)
{
	u64 cnode = SYS(process->system_cnode.slot);

	KCALL2(cap_delete, cnode, SLOT_EVENT_NOTIFY);
	if (KCALL6(cap_copy, cnode, SLOT_EVENT_NOTIFY, ROOT_CNODE, event->notify.slot, RIGHT_SEND, NOTICE_CHANGED))
		root_log(LOG_ERROR, "service %u cannot wake the event server", process->service);
}

static void fill_direct(struct process *process, unsigned i)
{
	const struct service *s = service_get(service_find(direct[i].name));

	if (!direct[i].from_services || !s->present || s == service_get(process->service))
		return;
	mint_slot(process, direct[i].slot, s->endpoint.slot, process->service);
	if (direct[i].slot == SLOT_SERVICE_EVENT)
		fill_event_notify(process, s);
}

static void fill_service(struct process *process)
{
	struct service *s = service_get(process->service);

	mint_slot(process, SLOT_ROOT, root_endpoint.slot, process->service);
	for (unsigned i = 0; i < ARRAY_SIZE(direct); i++)
		fill_direct(process, i);
	set_slot(process, SLOT_ENDPOINT, s->endpoint.slot, RIGHT_ALL);
	set_slot(process, SLOT_POOL, s->pools[0].slot, RIGHT_ALL);
	set_slot(process, SLOT_NOTIFY, s->notify.slot, RIGHT_ALL);
}

void services_fill_slots(struct process *process)
{
	if (process->service)
		fill_service(process);
	else
		fill_program(process);
}

/* After such a service came back: everybody's Handle of it is dead, here is another. */
static void refill_direct(u16 number)
{
	unsigned i = 0;

	while (i < ARRAY_SIZE(direct) && number != service_find(direct[i].name))
		i++;
	if (i == ARRAY_SIZE(direct))
		return;
	list_for_each_entry(p, &process_list, struct process, all) {
		if (p->state != PROCESS_ALIVE || !p->system_cnode.slot)
			continue;
		if (p->service)
			fill_direct(p, i);
		else
			set_slot(p, direct[i].slot, service_get(number)->program_handle, RIGHT_SEND);
	}
}

/* ---- starting ---- */

static int make_objects(struct service *s)
{
	struct kvalues v;

	if (kobject_create(&s->endpoint, OBJECT_ENDPOINT, 0) || kobject_create(&s->pools[0], OBJECT_HANDLE_POOL, s->handle_bits) ||
	    kobject_create(&s->notify, OBJECT_NOTIFICATION, 0))
		return -ENOMEM;
	s->pool_count = 1;
	MUST(kobject_call(KCALL_cap_identify, ROOT_CNODE, s->endpoint.slot, 0, 0, 0, 0, 0, &v));
	s->endpoint_id = v.v2;
	s->program_handle = slot_alloc(1);
	if (!s->program_handle ||
	    KCALL4(handle_mint, SYS(root_pool.slot), SYS(s->endpoint.slot), BADGE_SERVICE, SYS(s->program_handle)))
		return -ENOMEM;
	return 0;
}

static void drop_objects(struct service *s)
{
	if (s->program_handle) {
		KCALL2(cap_delete, ROOT_CNODE, s->program_handle);
		slot_free(s->program_handle, 1);
	}
	s->program_handle = 0;
	kobject_destroy(&s->endpoint);
	for (unsigned i = 0; i < ARRAY_SIZE(s->pools); i++)
		kobject_destroy(&s->pools[i]);
	s->pool_count = 0;
	kobject_destroy(&s->notify);
}

static int start_process(struct service *s)
{
	const char *const argv[] = { s->name };
	struct launch launch = { .name = s->name, .paths = argv, .path_count = 1, .argv = argv, .argc = 1, .role = ROLE_SERVICE };
	struct thread *thread;

	s->process = process_launch(NULL, pid_alloc(), service_number(s), &launch);
	if (!s->process)
		return -ENOMEM;
	s->process->rlimits[LIMIT_STACK] = (struct rlimit){ 256 << 10, 256 << 10 };
	thread = process_leader(s->process);
	limits_of_space(thread->space, s->process);
	process_publish(s->process);
	MUST(KCALL2(thread_bind, SYS(thread->tcb.slot), SYS(s->notify.slot)));
	process_run(s->process);
	return 0;
}

/* make_objects went before. */
static void start(struct service *s, int error)
{
	if (!error)
		error = start_process(s);
	if (!error)
		return;
	root_log(LOG_ERROR, "service %s cannot be started: no memory", s->name);
	drop_objects(s);
	s->present = false;
	walk_service_ready(service_number(s));
}

void services_start(void)
{
	int error[OWN];

	for (u16 i = 0; i < OWN; i++) {
		struct service *s = &services[i];

		s->present = bundle_has(s->name);
		for (u16 mount = 0; s->present && s->mounts[mount]; mount++)
			mount_add(s->mounts[mount], i + 1, mount, s->mounts[mount] == terminal_path);
	}
	/* Slots of one service name another's Endpoint. */
	for (u16 i = 0; i < OWN; i++)
		if (services[i].present)
			error[i] = make_objects(&services[i]);
	for (u16 i = 0; i < OWN; i++)
		if (services[i].present)
			start(&services[i], error[i]);
	trees_begin();
}

/* One that fails before it serves will fail again: its image or its data is damaged. One that was killed then need not. */
static bool failed_for_good(struct service *s, u32 status)
{
	if (s->ready)
		s->failures = 0;
	else if (status != SIGNAL_KILL)
		s->failures++;
	return s->failures >= FAILURES_MAX;
}

void service_ended(u16 number, u32 status)
{
	struct service *s = service_get(number);
	bool failed = failed_for_good(s, status);

	s->ready = false;
	s->process = NULL;
	drop_objects(s);
	terminal_service_ended(number);
	if (failed) {
		root_log(LOG_ERROR, "service %s has failed %u times before it served; it is not started again", s->name, s->failures);
		s->present = false;
		walk_service_ready(number);
	} else {
		root_log(LOG_WARNING, "service %s has ended (wait status %u); it is started again", s->name, status);
		start(s, make_objects(s));
		refill_direct(number);
	}
	/* theirs went with its Endpoint */
	if (mount_root && mount_root->service == number)
		trees_renew();
}

static void service_notice(const struct service *s, u64 notice)
{
	u32 slot = s->present ? slot_alloc(1) : 0;

	if (!slot)
		return;
	if (!KCALL6(cap_copy, ROOT_CNODE, slot, ROOT_CNODE, s->notify.slot, RIGHT_SEND, notice)) {
		struct kmsg msg = { .target = SYS(slot) };

		kipc(KCALL_signal, &msg);
		KCALL2(cap_delete, ROOT_CNODE, slot);
	}
	slot_free(slot, 1);
}

void service_session_ended(u16 number)
{
	const struct service *s = service_get(number);

	if (s)
		service_notice(s, NOTICE_SESSION);
}

void services_process_ended(void)
{
	for (u16 i = 0; i < OWN; i++)
		service_notice(&services[i], NOTICE_ENDED);
}

void services_clock_set(void)
{
	service_notice(service_get(service_find("event")), NOTICE_CLOCK);
}

void services_watched_ended(void)
{
	service_notice(service_get(service_find("event")), NOTICE_WATCHED);
}

/* ---- programs that serve ---- */

static struct service *free_row(void)
{
	for (u16 i = OWN; i < COUNT; i++)
		if (!services[i].name)
			return &services[i];
	return NULL;
}

/* As the walk makes a path before it looks for its mount, and no directory's. */
static bool path_is_normal(const char *path, size_t length)
{
	char copy[SERVE_PATH_MAX];

	if (length < 2 || length >= SERVE_PATH_MAX || path[0] != '/' || path[length - 1] == '/' || memchr(path, 0, length))
		return false;
	memcpy(copy, path, length);
	if (text_normalise(copy, length) != length || memcmp(copy, path, length))
		return false;
	for (size_t i = 0; i + 2 < length; i++)
		if (path[i] == '/' && path[i + 1] == '.' && path[i + 2] == '.' && (i + 3 == length || path[i + 3] == '/'))
			return false;
	return true;
}

static void service_clear(struct service *s)
{
	drop_objects(s);
	*s = (struct service){ 0 };
}

/* The process's threads that receive there get PEER_DEAD, its clients EIO. */
void service_withdraw(struct process *process)
{
	mounts_remove(process->serves);
	service_clear(service_get(process->serves));
	process->serves = 0;
}

long op_SERVE(struct request *request)
{
	struct process *process = request->caller->process;
	const char *path = (const char *)root_message()->data;
	u64 length = request->bytes;
	struct service *s = free_row();

	if (!path_is_normal(path, length))
		return -EINVAL;
	/* a path as the process sees it, below another root directory, is not the mount table's */
	if (process->service || process->serves || process->chroot_path)
		return -EBUSY;
	if (!policy_allows(process->role, path, length, POLICY_CREATE | POLICY_WRITE))
		return -EACCES;
	if (!s)
		return -ENOSPC;
	*s = (struct service){ .name = "program", .handle_bits = 8 };
	memcpy(s->path, path, length);
	if (make_objects(s)) {
		service_clear(s);
		return -ENOMEM;
	}
	if (mount_add(s->path, service_number(s), 0, false)) {
		service_clear(s);
		return -EBUSY;
	}
	s->process = process;
	s->present = s->ready = true;
	process->serves = service_number(s);
	set_slot(process, SLOT_ENDPOINT, s->endpoint.slot, RIGHT_ALL);
	set_slot(process, SLOT_POOL, s->pools[0].slot, RIGHT_ALL);
	set_slot(process, SLOT_NOTIFY, s->notify.slot, RIGHT_ALL);
	trees_exclude(s->path);
	return 0;
}

/* ---- operations ---- */

/* Few programs use it, so it is not in every process's slots. */
long op_FILL_SLOT(struct request *request)
{
	const struct service *s = service_get(service_find("ipc"));

	if (request->m[0] != SLOT_SERVICE_IPC || request->caller->process->service)
		return -EINVAL;
	if (!s->present || !s->program_handle)
		return -EIO;
	set_slot(request->caller->process, SLOT_SERVICE_IPC, s->program_handle, RIGHT_SEND);
	return 0;
}

long op_SERVICE_READY(struct request *request)
{
	struct service *s = service_get(request->service);

	if (!s || s->process != request->caller->process)
		return -EPERM;
	s->ready = true;
	s->names = NAMES_FIRST;
	root_log(LOG_DEBUG, "service %s is ready", s->name);
	walk_service_ready(request->service);
	return mount_root && mount_root->service == request->service ? 1 + mount_root->number : 0;
}

long op_NAMES_CHANGED(struct request *request)
{
	struct service *s = service_get(request->service);

	if (!s || s->process != request->caller->process)
		return -EPERM;
	s->names = request->m[0];
	return 0;
}

/* As large as all before together, so that few are needed. */
long op_POOL_NEEDED(struct request *request)
{
	struct service *s = service_get(request->service);
	struct kobject *pool;
	u64 slot = request->m[0];

	if (!s || s->process != request->caller->process)
		return -EPERM;
	if (slot < SLOT_SERVER || slot >= 1ul << s->process->system_bits)
		return -EINVAL;
	if (s->pool_count == ARRAY_SIZE(s->pools))
		return -ENFILE;
	pool = &s->pools[s->pool_count];
	if (kobject_create(pool, OBJECT_HANDLE_POOL, MIN(s->handle_bits + s->pool_count - 1, (unsigned)HANDLE_BITS_MAX)))
		return -ENOMEM;
	if (KCALL6(cap_copy, SYS(s->process->system_cnode.slot), slot, ROOT_CNODE, pool->slot, RIGHT_ALL, 0)) {
		kobject_destroy(pool);
		return -EINVAL;
	}
	s->pool_count++;
	return 0;
}

static bool io_allowed(const struct service *s, u64 first, u64 last, s64 irq)
{
	for (unsigned i = 0; i < ARRAY_SIZE(s->io); i++)
		if (s->io[i].first && first >= s->io[i].first && last <= s->io[i].last && first <= last &&
		    (irq == -1 || irq == s->io[i].irq))
			return true;
	return false;
}

/*
 * There is one handler a line, in the driver's slot; it goes with the driver's CNode. Ports and lines go into the driver's slots, which it
 * empties for the next call.
 */
static int give_irq(const struct process *process, s64 irq)
{
	u64 cnode = SYS(process->system_cnode.slot);
	u32 own;

	if (irq < 0)
		return irq == -1 ? 0 : -EINVAL;
	own = slot_alloc(1);
	if (!own)
		return -ENOMEM;
	if (KCALL4(irq_handler, SYS(ROOT_SLOT_IRQ_CONTROL), irq, 0, own)) {
		slot_free(own, 1);
		return -EBUSY;
	}
	for (u32 slot = SLOT_IRQ; slot < SLOT_IRQ + 3; slot++)
		if (!KCALL4(cap_move, cnode, slot, ROOT_CNODE, own)) {
			slot_free(own, 1);
			return 0;
		}
	KCALL2(cap_delete, ROOT_CNODE, own);
	slot_free(own, 1);
	return -ENOSPC;
}

long op_NEEDS_IO(struct request *request)
{
	struct service *s = service_get(request->service);
	u64 first = request->m[0], last = request->m[1];
	u32 slot;
	int error;

	if (!s || s->process != request->caller->process || !io_allowed(s, first, last, request->m[2]))
		return -EPERM;
	slot = slot_alloc(1);
	if (!slot)
		return -ENOMEM;
	error = KCALL4(io_port_derive, slot, SYS(ROOT_SLOT_IO_PORT), first, last) ? -EINVAL : 0;
	if (!error) {
		KCALL2(cap_delete, SYS(s->process->system_cnode.slot), SLOT_IO_PORT);
		error = KCALL4(cap_move, SYS(s->process->system_cnode.slot), SLOT_IO_PORT, ROOT_CNODE, slot) ? -EIO : 0;
	}
	if (error)
		KCALL2(cap_delete, ROOT_CNODE, slot);
	slot_free(slot, 1);
	return error ? error : give_irq(s->process, request->m[2]);
}
