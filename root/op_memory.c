/* Requests about a process's own memory: map, unmap, protect, advise, brk. */
#include "abi/inotify.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/names.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/root.h"
#include "root/services.h"
#include "root/walk.h"
#include "root/walk_internal.h"

#define MAP_SHARED_BIT     0x01u
#define MAP_PRIVATE_BIT    0x02u
#define MAP_TYPE_MASK      0x0fu
#define MAP_FIXED_BIT      0x10u
#define MAP_GROWSDOWN_BIT  0x100u
#define MAP_LOCKED_BIT     0x2000u
#define MAP_NORESERVE_BIT  0x4000u
#define MAP_POPULATE_BIT   0x8000u
#define MAP_STACK_BIT      0x20000u
#define MAP_NOREPLACE_BIT  0x100000u

#define PROT_ALL 7u
#define PROT_GROWSDOWN_BIT 0x01000000u

/* A page-aligned, non-empty range of the lower half. */
static bool range_ok(u64 address, u64 *length)
{
	*length = ALIGN_UP(*length, (u64)PAGE_SIZE);
	return IS_ALIGNED(address, (u64)PAGE_SIZE) && *length && *length <= USER_MAX && address <= USER_MAX - *length;
}

/* Promises beyond what the machine could ever keep are refused, as Linux's heuristic does. */
static bool hopeless(u64 length, unsigned prot, unsigned flags)
{
	u64 total = memory_counts.total_pages << PAGE_SHIFT;

	return !(flags & MAP_NORESERVE_BIT) && prot & REGION_WRITE && length > total;
}

/* Where a mapping goes: 0 with *address set, or -EINVAL.. -ENOMEM. What lies there is removed for MAP_FIXED. */
static int choose_address(struct space *space, u64 *address, u64 length, unsigned flags)
{
	u64 hint = ALIGN_DOWN(*address, (u64)PAGE_SIZE);

	if (flags & (MAP_FIXED_BIT | MAP_NOREPLACE_BIT)) {
		if (!IS_ALIGNED(*address, (u64)PAGE_SIZE))
			return -EINVAL;
		if (*address > USER_MAX - length)
			return -ENOMEM;
		if (*address < USER_MIN)
			return -EPERM;
		if (flags & MAP_NOREPLACE_BIT)
			return region_free(&space->regions, *address, *address + length) ? 0 : -EEXIST;
		return space_remove_range(space, *address, *address + length);
	}
	if (hint >= USER_MIN && hint <= USER_MAX - length && region_free(&space->regions, hint, hint + length)) {
		*address = hint;
		return 0;
	}
	*address = region_gap(&space->regions, USER_MIN, USER_MMAP_TOP, length);
	return *address ? 0 : -ENOMEM;
}

/* The first pages of a mapping that is to be there at once; where the caller is to go on with BRING_IN, 0: no further. */
static u64 populate(struct space *space, u64 start, u64 end, unsigned prot)
{
	return prot && !space_bring_in(space, &start, end, BRING_IN_OWN) && start < end ? start : 0;
}

static unsigned region_flags(const struct space *space, unsigned flags)
{
	return space->future_flags | (flags & MAP_LOCKED_BIT ? REGION_LOCKED : 0) | (flags & MAP_SHARED_BIT ? REGION_SHARED : 0) | (flags & MAP_GROWSDOWN_BIT ? REGION_GROWSDOWN | REGION_STACK : 0);
}

/* What a fixed mapping takes the place of does not count. */
static u64 replaced_bytes(const struct space *space, u64 start, u64 length, unsigned flags)
{
	u64 end = start + length, bytes = 0;

	if (!(flags & MAP_FIXED_BIT) || flags & MAP_NOREPLACE_BIT || end < start)
		return 0;
	for (const struct region *r = region_find(&space->regions, start); r && r->start < end; r = region_next(r))
		bytes += MIN(end, r->end) - MAX(start, r->start);
	return bytes;
}

/* Maps object (NULL: private anonymous) into the caller. Address, or negative errno; out[1] as MAP's. */
static long map_region(struct request *request, const u64 m[4], struct object *object, u64 offset, unsigned max_prot)
{
	struct thread *caller = request->caller;
	struct space *space = caller->space;
	u64 address = m[0], length = m[1];
	unsigned prot = m[2] & PROT_ALL, flags = m[3];
	unsigned new_flags = region_flags(space, flags);
	struct region *region;
	u64 more;
	int error;

	if (!length)
		return -EINVAL;
	length = ALIGN_UP(length, (u64)PAGE_SIZE);
	if (!length || length > USER_MAX)
		return -ENOMEM;
	error = new_flags & REGION_LOCKED ? lock_limit_check(caller, length) : 0;
	if (error)
		return error == -ENOMEM ? -EAGAIN : error;
	if (!object && hopeless(length, prot, flags))
		return -ENOMEM;
	more = length - replaced_bytes(space, address, length, flags);
	if (!limits_allow_memory(space, more, limits_is_data(prot, new_flags) ? more : 0))
		return -ENOMEM;
	error = choose_address(space, &address, length, flags);
	if (!error)
		error = space_add_region(space, address, address + length, prot, new_flags, object, offset);
	if (error)
		return error;
	region = region_at(&space->regions, address);
	region->max_prot = max_prot;
	if (flags & MAP_POPULATE_BIT || (new_flags & (REGION_LOCKED | REGION_LOCKED_LATER)) == REGION_LOCKED)
		request->out[1] = populate(space, address, address + length, prot);
	else if (object)
		region_map_small(region, address, length);
	return address;
}

static long map_shared_anonymous(struct request *request)
{
	struct object *object = object_create(ALIGN_UP(request->m[1], (u64)PAGE_SIZE), request->charge);
	long result;

	if (!object)
		return -ENOMEM;
	result = map_region(request, request->m, object, 0, PROT_ALL);
	object_put(object);
	return result;
}

long op_MAP(struct request *request)
{
	unsigned type = request->m[3] & MAP_TYPE_MASK;

	if (type == MAP_SHARED_BIT || type == 3)
		return map_shared_anonymous(request);
	if (type != MAP_PRIVATE_BIT)
		return -EINVAL;
	return map_region(request, request->m, NULL, 0, PROT_ALL);
}

/* The vDSO: code of the runtime's that programs may run. It is there before it is touched, and costs no page. */
long op_MAP_RUNTIME(struct request *request)
{
	const u64 m[4] = { 0, PAGE_SIZE, REGION_READ | REGION_EXEC, MAP_PRIVATE_BIT | MAP_POPULATE_BIT };
	struct region *from = region_at(&request->caller->space->regions, request->m[0]);

	if (!from || !IS_ALIGNED(request->m[0], (u64)PAGE_SIZE) || !(from->flags & REGION_GATE) || !from->object)
		return -EINVAL;
	if (from->prot & REGION_WRITE || from->flags & REGION_SHARED)
		return -EINVAL;
	return map_region(request, m, from->object, from->offset + request->m[0] - from->start, REGION_READ | REGION_EXEC);
}

/* m[0..4] as FILE_MAP, m[5] object id, m[6] most rights. Of the service that forwarded it, or that calls itself. */
/* The server says where the file is: it is shown in /proc/PID/maps and believed nowhere else. */
static void note_path(const struct request *request, struct object *object)
{
	const struct mount *mount = mount_of(request->service, request->m[7]);

	if (request->forwarded && request->bytes && request->bytes < PATH_LIMIT && mount)
		object_set_path(object, mount->path, (const char *)root_message()->data, request->bytes);
}

long op_MAP_OBJECT(struct request *request)
{
	u64 *m = request->m;
	unsigned type = m[3] & MAP_TYPE_MASK;
	struct object *object;

	if (!request->service || (!request->forwarded && request->caller->process->service != request->service))
		return -EPERM;
	if (type != MAP_PRIVATE_BIT && type != MAP_SHARED_BIT && type != 3)
		return -EINVAL;
	if (!IS_ALIGNED(m[4], (u64)PAGE_SIZE) || m[4] + m[1] < m[4])
		return -EINVAL;
	object = object_find(request->service, m[5]);
	if (!object && !m[5] && service_may(request->caller->process, SERVICE_IMAGE))
		object = image_object();
	if (!object)
		return -ENXIO;
	if (type == MAP_PRIVATE_BIT)
		m[6] |= m[6] & REGION_READ ? REGION_WRITE : 0;
	if (object == image_object() && type != MAP_PRIVATE_BIT)
		m[6] &= ~(u64)REGION_WRITE;
	if (m[2] & PROT_ALL & ~m[6])
		return -EACCES;
	if (m[3] & MAP_FIXED_BIT && m[0] < USER_MIN)
		return -EPERM;
	note_path(request, object);
	return map_region(request, m, object, m[4], m[6] & PROT_ALL);
}

/* The one object of a service that another may map: through it a file's server tells the event server what happens. */
long op_WATCH_RING(struct request *request)
{
	const u64 m[4] = { 0, request->m[1], REGION_READ | REGION_WRITE, MAP_SHARED_BIT };
	struct object *object;

	if (!request->service || request->service != service_find("event"))
		return -EPERM;
	if (!service_get(request->m[0]))
		return -EINVAL;
	object = object_find(request->m[0], WATCH_RING_OBJECT);
	return object ? map_region(request, m, object, 0, REGION_READ | REGION_WRITE) : -ENXIO;
}

/* The object behind [address, address + length), if it is anonymous memory that is shared, and all of it. */
static struct object *shared_memory(struct space *space, u64 address, u64 length, u64 *offset)
{
	const struct region *r = region_at(&space->regions, address);
	unsigned rights = REGION_READ | REGION_WRITE;

	if (!length || !IS_ALIGNED(address | length, (u64)PAGE_SIZE) || !r || r->end - address < length)
		return NULL;
	/* mremap makes a region longer than its object: what is behind the object's end is nobody's */
	*offset = r->offset + (address - r->start);
	if (!r->object || *offset + length > ALIGN_UP(r->object->size, (u64)PAGE_SIZE))
		return NULL;
	if (r->object->named || r->object->service || !(r->flags & REGION_SHARED) || (r->prot & rights) != rights)
		return NULL;
	return r->object;
}

#define SHARE_MAX (1ul << 30)

/*
 * Nobody is asked to trust anybody: the client offers its own memory, and is passed on to the file's server; when that has the message it takes the
 * offer, and root chooses where the memory lies there. So there is nothing to undo if the message does not arrive.
 */
long op_SHARE_BUFFER(struct request *request)
{
	struct thread *caller = request->caller;
	u64 address = request->m[1], length = request->m[2], offset, m[MESSAGE_WORDS] = { 0, length };
	struct process *process;
	struct walk_file file;
	long result;

	if (!file_named(caller->process, caller->files, request->m[0], &file))
		return -EBADF;
	if (!shared_memory(caller->space, address, length, &offset) || length > SHARE_MAX)
		return -EINVAL;
	process = service_get(file.service)->process;
	if (!process || process == caller->process)
		return -EOPNOTSUPP;
	caller->offer.address = address;
	caller->offer.length = length;
	caller->offer.service = file.service;
	result = walk_send_to_file(caller, request->reply, file, FILE_BUFFER, m, 0);
	walk_forget(caller); /* nothing is to be continued */
	return result;
}

long op_TAKE_BUFFER(struct request *request)
{
	struct thread *client = thread_by_principal(request->m[0]), *server = request->caller;
	u64 length = client ? client->offer.length : 0, offset, m[4] = { 0, length, REGION_READ | REGION_WRITE, MAP_SHARED_BIT };
	struct object *object;
	long result;

	if (!length || service_get(client->offer.service)->process != server->process || client->space == server->space)
		return -EINVAL;
	client->offer.length = 0;
	object = shared_memory(client->space, client->offer.address, length, &offset);
	result = object ? map_region(request, m, object, offset, REGION_READ | REGION_WRITE) : -EINVAL;
	request->out[1] = length;
	return result;
}

long op_UNMAP(struct request *request)
{
	u64 address = request->m[0], length = request->m[1];
	bool own = address >= GATE_ARGUMENTS && address < GATE_ARGUMENTS + GATE_ARGUMENTS_MAX;

	if (own && IS_ALIGNED(address, (u64)PAGE_SIZE) && length <= GATE_ARGUMENTS + GATE_ARGUMENTS_MAX - address)
		length = ALIGN_UP(length, (u64)PAGE_SIZE);
	else if (!range_ok(address, &length))
		return -EINVAL;
	return space_remove_range(request->caller->space, address, address + length);
}

/* A part of a segment that was attached at `base`. */
static bool attached_at(const struct region *r, u64 base)
{
	return r->object && r->flags & REGION_SHARED && r->object->service == service_find("ipc") && r->start - r->offset == base;
}

/* shmdt: every part of the segment that was attached at that very address; the first may be unmapped already. */
long op_DETACH(struct request *request)
{
	struct space *space = request->caller->space;
	u64 base = request->m[0], end = USER_MAX;
	struct object *object = NULL;
	struct region *next;

	for (struct region *r = region_find(&space->regions, base); r && r->start < end; r = next) {
		u64 from = r->start, to = r->end;

		next = region_next(r);
		if (!attached_at(r, base) || (object && r->object != object))
			continue;
		if (!object) {
			object = object_get(r->object);
			end = base + ALIGN_UP(object->size, (u64)PAGE_SIZE);
		}
		if (space_remove_range(space, from, to))
			break;
	}
	if (!object)
		return -EINVAL;
	request->out[1] = object->id;
	object_put(object);
	return 0;
}

/* The pages follow at once when rights are taken away; when given, the next touch brings them. */
static void protect_region(struct space *space, struct region *region, unsigned prot)
{
	unsigned old = space_rights(region->prot), new = space_rights(prot);

	region->prot = prot;
	if (old & ~new)
		space_protect(space, region->start, region->end, new);
}

/* How far the change goes: to a hole (-ENOMEM), to a region that may not have those rights (-EACCES), or to the end (0). */
static long protect_reach(struct space *space, u64 start, u64 *end, unsigned prot)
{
	u64 at = start;

	for (struct region *r = region_at(&space->regions, start); r && r->start <= at && at < *end; r = region_next(r)) {
		if (prot & ~r->max_prot) {
			*end = at;
			return -EACCES;
		}
		at = r->end;
	}
	if (at >= *end)
		return 0;
	*end = at;
	return -ENOMEM;
}

/* What comes before the place that cannot be changed is changed, as Linux has it; nothing else is cut. */
static long protect_range(struct space *space, u64 start, u64 end, unsigned prot)
{
	long result = protect_reach(space, start, &end, prot);

	if (start >= end)
		return result;
	if (!region_cut(&space->regions, start, end))
		return -ENOMEM;
	for (struct region *r = region_at(&space->regions, start); r && r->start < end; r = region_next(r)) {
		if (!limits_is_data(r->prot, r->flags) && limits_is_data(prot, r->flags) && !limits_allow_memory(space, 0, r->end - r->start))
			return -ENOMEM;
		protect_region(space, r, prot);
		r = region_merge(&space->regions, r);
	}
	return result;
}

long op_PROTECT(struct request *request)
{
	u64 start = request->m[0], length = request->m[1];

	if (!IS_ALIGNED(start, (u64)PAGE_SIZE))
		return -EINVAL;
	if (!length)
		return 0;
	if (!range_ok(start, &length))
		return -ENOMEM;
	return protect_range(request->caller->space, start, start + length, request->m[2] & PROT_ALL);
}

/* ---- brk ---- */

static int grow_break(struct request *request, u64 old, u64 new)
{
	struct space *space = request->caller->space;

	if (new - space->brk_start > request->caller->process->rlimits[LIMIT_DATA].soft)
		return -ENOMEM;
	if (!region_free(&space->regions, old, new + PAGE_SIZE) || hopeless(new - old, REGION_WRITE, 0) ||
	    !limits_allow_memory(space, new - old, new - old))
		return -ENOMEM;
	return space_add_region(space, old, new, REGION_READ | REGION_WRITE, REGION_HEAP | space->future_flags, NULL, 0);
}

long op_BREAK(struct request *request)
{
	struct space *space = request->caller->space;
	u64 wanted = request->m[0], old = ALIGN_UP(space->brk_end, (u64)PAGE_SIZE), new = ALIGN_UP(wanted, (u64)PAGE_SIZE);
	int error = 0;

	if (!wanted || wanted < space->brk_start || wanted >= USER_MAX)
		return space->brk_end;
	if (new > old)
		error = grow_break(request, old, new);
	else if (new < old)
		error = space_remove_range(space, new, old);
	if (!error)
		space->brk_end = wanted;
	return space->brk_end;
}

long op_SET_LAYOUT(struct request *request)
{
	struct space *space = request->caller->space;
	const u64 *m = request->m;

	space->brk_start = space->brk_end = m[0];
	space->stack_top = m[1];
	space->arg_start = m[2];
	space->arg_end = m[3];
	space->env_start = m[4];
	space->env_end = m[5];
	space->code_start = m[6];
	space->code_end = m[7];
	return 0;
}

/* ---- advice ---- */

enum { ADVISE_DONTNEED = 4, ADVISE_FREE = 8, ADVISE_REMOVE = 9, ADVISE_DONTFORK = 10, ADVISE_DOFORK = 11, ADVISE_WIPEONFORK = 18,
       ADVISE_KEEPONFORK = 19, ADVISE_COLD = 20, ADVISE_PAGEOUT = 21, ADVISE_DONTNEED_LOCKED = 24 };

static bool is_locked(const struct region *region)
{
	return region->flags & REGION_LOCKED;
}

static bool has_object(const struct region *region)
{
	return region->object || region->flags & REGION_SHARED;
}

static bool any_region(struct space *space, u64 start, u64 end, bool (*is)(const struct region *region))
{
	for (struct region *r = region_find(&space->regions, start); r && r->start < end; r = region_next(r))
		if (is(r))
			return true;
	return false;
}

/* MADV_REMOVE: the pages go from what is mapped, for all. A file's server would have to know: only of shared memory that is nobody's file. */
static long remove_pages(struct space *space, u64 start, u64 end)
{
	for (struct region *r = region_at(&space->regions, start); r && r->start < end; r = region_next(r)) {
		u64 from = MAX(start, r->start), to = MIN(end, r->end), first = (r->offset + (from - r->start)) >> PAGE_SHIFT;

		if (!r->object || r->flags & REGION_LOCKED)
			return -EINVAL;
		if (!(r->flags & REGION_SHARED) || !(r->prot & REGION_WRITE))
			return -EACCES;
		if (r->object->named || r->object == image_object())
			return -EOPNOTSUPP;
		object_unmap_everywhere(r->object, first, (to - from) >> PAGE_SHIFT);
		object_drop(r->object, first, (to - from) >> PAGE_SHIFT);
	}
	return 0;
}

static void drop_pages(struct space *space, u64 start, u64 end)
{
	for (struct region *r = region_find(&space->regions, start); r && r->start < end; r = region_next(r))
		if (!(r->flags & (REGION_PINNED | REGION_GATE)))
			space_unmap(space, MAX(start, r->start), MIN(end, r->end), false);
}

static int flag_regions(struct space *space, u64 start, u64 end, unsigned set, unsigned clear)
{
	if (!region_cut(&space->regions, start, end))
		return -ENOMEM;
	for (struct region *r = region_find(&space->regions, start); r && r->start < end;) {
		r->flags = (r->flags & ~clear) | set;
		r = region_next(region_merge(&space->regions, r));
	}
	return 0;
}

static long advise(struct space *space, u64 start, u64 end, u64 advice)
{
	switch (advice) {
	case 0: case 1: case 2: case 3: case 12: case 13: case 14: case 15: case 16: case 17:
		return 0; /* hints without an effect here */
	case ADVISE_COLD:
	case ADVISE_PAGEOUT:
		return any_region(space, start, end, is_locked) ? -EINVAL : 0;
	case ADVISE_FREE:
		if (any_region(space, start, end, has_object))
			return -EINVAL;
		/* fall through */
	case ADVISE_DONTNEED:
		if (any_region(space, start, end, is_locked))
			return -EINVAL;
		/* fall through */
	case ADVISE_DONTNEED_LOCKED:
		drop_pages(space, start, end);
		return 0;
	case ADVISE_REMOVE:
		return remove_pages(space, start, end);
	case ADVISE_DONTFORK:
		return flag_regions(space, start, end, REGION_DONTFORK, 0);
	case ADVISE_DOFORK:
		return flag_regions(space, start, end, 0, REGION_DONTFORK);
	case ADVISE_WIPEONFORK:
		if (any_region(space, start, end, has_object))
			return -EINVAL;
		return flag_regions(space, start, end, REGION_WIPEFORK, 0);
	case ADVISE_KEEPONFORK:
		return flag_regions(space, start, end, 0, REGION_WIPEFORK);
	default:
		return -EINVAL;
	}
}

long op_ADVISE(struct request *request)
{
	struct space *space = request->caller->space;
	u64 start = request->m[0], length = request->m[1];
	long result;

	if (!IS_ALIGNED(start, (u64)PAGE_SIZE))
		return -EINVAL;
	if (!length)
		return 0;
	if (!range_ok(start, &length))
		return -ENOMEM;
	result = advise(space, start, start + length, request->m[2]);
	return result || region_covered(&space->regions, start, start + length) ? result : -ENOMEM;
}

/* Objects' pages are what every reader sees: there is nothing to write back. */
#define SYNC_INVALIDATE 2 /* MS_INVALIDATE */

long op_SYNC(struct request *request)
{
	struct space *space = request->caller->space;
	u64 start = request->m[0], length = request->m[1];

	if (!IS_ALIGNED(start, (u64)PAGE_SIZE) || request->m[2] & ~7ul || (request->m[2] & 5) == 5)
		return -EINVAL;
	if (!length)
		return 0;
	if (!range_ok(start, &length))
		return -ENOMEM;
	if (request->m[2] & SYNC_INVALIDATE && any_region(space, start, start + length, is_locked))
		return -EBUSY;
	return region_covered(&space->regions, start, start + length) ? 0 : -ENOMEM;
}

static u8 resident(const struct region *region, const struct space *space, u64 page)
{
	if (space_query(space, page).pfn)
		return 1;
	return region->object && object_lookup(region->object, (region->offset + (page - region->start)) >> PAGE_SHIFT) != 0;
}

long op_RESIDENT(struct request *request)
{
	struct space *space = request->caller->space;
	u64 start = request->m[0], count = request->m[1], length = count << PAGE_SHIFT;
	static u8 map[4096];

	if (count > sizeof(map) || !IS_ALIGNED(start, (u64)PAGE_SIZE))
		return -EINVAL;
	if (!count)
		return 0;
	if (!range_ok(start, &length) || !region_covered(&space->regions, start, start + length))
		return -ENOMEM;
	for (u64 i = 0; i < count; i++)
		map[i] = resident(region_at(&space->regions, start + i * PAGE_SIZE), space, start + i * PAGE_SIZE);
	return window_write(request, 0, map, count);
}
