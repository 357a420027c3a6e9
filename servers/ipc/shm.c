/*
 * Shared memory: a memory object a segment. Root maps it and knows where it is mapped; a segment that was removed goes when nobody has it mapped any
 * more, which is looked for whenever somebody asks for anything.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/ipc/ipc.h"

#define SHM_RDONLY 010000
#define SHM_RND    020000
#define SHM_REMAP  040000
#define SHM_EXEC   0100000
#define SHM_DEST   01000  /* in the mode */
#define SHM_LOCKED 02000

enum { SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15 };

#define MAP_FIXED_NOREPLACE 0x100000u
#define OBJECT_BASE 1 /* object 0 is the boot image */

struct segment {
	struct ipc_object base;
	u64 object, size;
	long attached_at, detached_at, changed_at;
	int creator, last;
};

static struct ipc_table table = { .last_index = ~0u };
static u64 pages_of_all; /* of the segments, whether they take memory or not */
static u64 next_object = OBJECT_BASE;

static struct segment *segment_of(struct ipc_object *object)
{
	return (struct segment *)object;
}

static u64 attached(const struct segment *s, u64 *pages)
{
	unsigned long m[8] = { s->object };

	if (root_call(PROC_OBJECT_INFO, m, 0) < 0)
		return 0;
	if (pages)
		*pages = m[1];
	return m[2];
}

static u64 pages_in(u64 size)
{
	return size / PAGE_SIZE + !!(size % PAGE_SIZE);
}

static void destroy(struct segment *s)
{
	ipc_remove(&table, &s->base);
	pages_of_all -= pages_in(s->size);
	object_destroy(s->object);
	memory_free(s, sizeof(*s));
}

/* Removed segments that nobody has any more. */
static void sweep(void)
{
	for (unsigned i = 0; i < table.size; i++) {
		struct segment *s = segment_of(table.slot[i]);

		if (s && s->base.permissions.mode & SHM_DEST && !attached(s, NULL))
			destroy(s);
	}
}

static long make(const struct ipc_caller *who, int key, u64 size, unsigned flags)
{
	u64 pages = pages_in(size), most = setting(SETTING_SHM_PAGES);
	struct segment *s;
	long result;

	if (!size || size > setting(SETTING_SHM_SIZE))
		return -EINVAL;
	if (pages << PAGE_SHIFT < size || pages > most || pages_of_all > most - pages)
		return -ENOSPC;
	s = memory_take(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->object = next_object++;
	s->size = size;
	s->creator = (int)who->pid;
	s->changed_at = ipc_seconds();
	result = object_create(s->object, ALIGN_UP(size, PAGE_SIZE));
	if (!result)
		result = ipc_add(&table, setting(SETTING_SHM_SEGMENTS), &s->base, who, key, flags);
	if (result >= 0) {
		pages_of_all += pages;
		return result;
	}
	object_destroy(s->object);
	memory_free(s, sizeof(*s));
	return result == -EINVAL ? -ENOMEM : result;
}

static long get(struct request *request)
{
	struct ipc_caller who = ipc_caller(request);
	unsigned flags = (unsigned)request->m[2];
	struct ipc_object *found;
	bool fresh;
	long result = ipc_find_key(&table, &who, (int)request->m[0], flags, &found, &fresh);

	if (fresh)
		return make(&who, (int)request->m[0], request->m[1], flags);
	return result >= 0 && request->m[1] > segment_of(found)->size ? -EINVAL : result;
}

static unsigned rights_of(unsigned flags)
{
	return LINUX_PROT_READ | (flags & SHM_RDONLY ? 0 : LINUX_PROT_WRITE) | (flags & SHM_EXEC ? LINUX_PROT_EXEC : 0);
}

static long attach(struct request *request)
{
	struct ipc_caller who = ipc_caller(request);
	struct segment *s = segment_of(ipc_find(&table, (int)request->m[0]));
	unsigned flags = (unsigned)request->m[2], prot = rights_of(flags);
	u64 address = request->m[1];
	unsigned long m[8];
	long error;

	if (flags & SHM_RND)
		address = ALIGN_DOWN(address, PAGE_SIZE);
	if (!IS_ALIGNED(address, PAGE_SIZE) || (!address && flags & SHM_REMAP) || !s)
		return -EINVAL;
	error = ipc_permit(&s->base, &who, flags & SHM_RDONLY ? 4 : 6);
	if (error)
		return error;
	m[0] = address;
	m[1] = ALIGN_UP(s->size, PAGE_SIZE);
	m[2] = prot;
	m[3] = LINUX_MAP_SHARED | (!address ? 0 : flags & SHM_REMAP ? LINUX_MAP_FIXED : MAP_FIXED_NOREPLACE);
	m[4] = 0;
	m[5] = s->object;
	m[6] = prot | LINUX_PROT_EXEC | (flags & SHM_RDONLY ? 0 : LINUX_PROT_WRITE);
	m[7] = 0;
	s->attached_at = ipc_seconds();
	s->last = (int)who.pid;
	return request_forward(request, SLOT_ROOT, PROC_MAP_OBJECT, m, 0, false);
}

static long detached(struct request *request)
{
	for (unsigned i = 0; i < table.size; i++) {
		struct segment *s = segment_of(table.slot[i]);

		if (!s || s->object != request->m[0])
			continue;
		s->detached_at = ipc_seconds();
		s->last = (int)ipc_caller(request).pid;
	}
	sweep();
	return 0;
}

/* ---- control ---- */

static long give_stat(struct request *request, const struct segment *s, long result)
{
	struct ipc_shm stat = {
		.permissions = s->base.permissions, .size = s->size, .attach_time = s->attached_at, .detach_time = s->detached_at,
		.change_time = s->changed_at, .creator = s->creator, .last = s->last, .attached = attached(s, NULL),
	};

	return ipc_give(request, &stat, sizeof(stat), result);
}

static long stat_by(struct request *request, struct ipc_object *object, bool any, long result)
{
	struct ipc_caller who = ipc_caller(request);
	long error = object ? 0 : -EINVAL;

	if (!error && !any)
		error = ipc_permit(object, &who, 4);
	return error ? error : give_stat(request, segment_of(object), result);
}

static long set(struct request *request, struct segment *s)
{
	struct ipc_shm from;

	if (request->bytes < sizeof(from))
		return -EINVAL;
	memcpy(&from, serve_message->data, sizeof(from));
	ipc_set(&s->base, &from.permissions);
	s->changed_at = ipc_seconds();
	return 0;
}

static long remove(struct segment *s)
{
	if (!attached(s, NULL)) {
		destroy(s);
		return 0;
	}
	s->base.permissions.mode |= SHM_DEST;
	s->base.permissions.key = IPC_PRIVATE;
	return 0;
}

/* Nothing is paged out: locked is what the mode says. */
static long lock(struct segment *s, bool locked)
{
	s->base.permissions.mode = (s->base.permissions.mode & ~(unsigned)SHM_LOCKED) | (locked ? SHM_LOCKED : 0);
	return 0;
}

static long give_limits(struct request *request)
{
	struct ipc_shm_limits limits = { .max = setting(SETTING_SHM_SIZE), .min = 1, .segments = setting(SETTING_SHM_SEGMENTS),
					 .per_process = setting(SETTING_SHM_SEGMENTS), .all = setting(SETTING_SHM_PAGES) };

	return ipc_give(request, &limits, sizeof(limits), ipc_last_index(&table));
}

static long give_info(struct request *request)
{
	struct ipc_shm_info info = { .used = (int)table.used };

	for (unsigned i = 0; i < table.size; i++) {
		const struct segment *s = segment_of(table.slot[i]);
		u64 pages = 0;

		if (!s)
			continue;
		attached(s, &pages);
		info.total += ALIGN_UP(s->size, PAGE_SIZE) / PAGE_SIZE;
		info.resident += pages;
	}
	return ipc_give(request, &info, sizeof(info), ipc_last_index(&table));
}

/* The commands that only the owner may give. */
static long change(struct request *request, unsigned command)
{
	struct ipc_caller who = ipc_caller(request);
	struct segment *s = segment_of(ipc_find(&table, (int)request->m[0]));
	long error = s ? ipc_permit_owner(&s->base, &who) : -EINVAL;

	if (error)
		return error;
	switch (command) {
	case IPC_SET:
		return set(request, s);
	case IPC_RMID:
		return remove(s);
	default:
		return lock(s, command == SHM_LOCK);
	}
}

static long control(struct request *request)
{
	unsigned command = (unsigned)request->m[1];
	struct ipc_object *at;

	switch (command) {
	case IPC_INFO:
		return give_limits(request);
	case SHM_INFO:
		return give_info(request);
	case SHM_STAT:
	case SHM_STAT_ANY:
		at = ipc_at(&table, (int)request->m[0]);
		return stat_by(request, at, command == SHM_STAT_ANY, at ? at->id : 0);
	case IPC_STAT:
		return stat_by(request, ipc_find(&table, (int)request->m[0]), false, 0);
	case IPC_SET:
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		return change(request, command);
	}
	return -EINVAL;
}

long shm_message(struct request *request)
{
	if (request->label == FILE_SHM_DETACHED)
		return detached(request);
	if (request->label == FILE_SHM_CONTROL && request->m[1] == IPC_SET)
		return control(request); /* its structure is in the message, which a call of root would overwrite */
	sweep();
	switch (request->label) {
	case FILE_SHM_GET:
		return get(request);
	case FILE_SHM_ATTACH:
		return attach(request);
	default:
		return control(request);
	}
}

void shm_text(struct text *text)
{
	sweep();
	text_add(text, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime"
		       "                   rss                  swap\n");
	for (unsigned i = 0; i < table.size; i++) {
		const struct segment *s = segment_of(table.slot[i]);
		u64 pages = 0, count;

		if (!s)
			continue;
		count = attached(s, &pages);
		const struct ipc_permissions *p = &s->base.permissions;

		text_add(text, "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21lu\n", p->key, s->base.id, p->mode,
			 s->size, s->creator, s->last, count, p->uid, p->gid, p->cuid, p->cgid, s->attached_at, s->detached_at, s->changed_at,
			 pages * PAGE_SIZE, 0ul);
	}
}
