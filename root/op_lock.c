/*
 * mlock and its family. Nothing is ever paged out, so a locked page differs from another only in that it is brought in at once (BRING_IN), that advice does not
 * take it away, and that it counts against RLIMIT_MEMLOCK (of users other than 0, as Linux has it).
 */
#include "lib/errno.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/root.h"

#define LOCKED (REGION_LOCKED | REGION_LOCKED_LATER)

static bool of_program(const struct region *region)
{
	return !(region->flags & (REGION_GATE | REGION_PINNED));
}

u64 space_locked_bytes(const struct space *space)
{
	u64 bytes = 0;

	for (const struct region *r = region_first(&space->regions); r; r = region_next(r))
		if (r->flags & REGION_LOCKED)
			bytes += r->end - r->start;
	return bytes;
}

int lock_limit_check(const struct thread *thread, u64 more)
{
	u64 limit = thread->process->rlimits[LIMIT_MEMLOCK].soft;

	if (process_capable(thread->process, CAPABILITY_IPC_LOCK) || !more)
		return 0;
	if (!limit)
		return -EPERM;
	return space_locked_bytes(thread->space) + more > limit ? -ENOMEM : 0;
}

/* Bytes of the range that are not locked yet. */
static u64 unlocked_bytes(const struct space *space, u64 start, u64 end)
{
	u64 bytes = 0;

	for (const struct region *r = region_find(&space->regions, start); r && r->start < end; r = region_next(r))
		if (of_program(r) && !(r->flags & REGION_LOCKED))
			bytes += MIN(end, r->end) - MAX(start, r->start);
	return bytes;
}

/* A private page is the process's own from now on, as Linux has it. */
static unsigned access_for(const struct region *r, unsigned how)
{
	if (how == BRING_IN_READ || how == BRING_IN_WRITE)
		return how == BRING_IN_WRITE ? REGION_WRITE : REGION_READ;
	return r && r->prot & REGION_WRITE && !(r->flags & REGION_SHARED) ? REGION_WRITE : REGION_READ;
}

static long why_not(enum touch touch)
{
	switch (touch) {
	case TOUCH_OK:
		return 0;
	case TOUCH_NO_ACCESS:
		return -EINVAL;
	case TOUCH_BUS:
		return -EFAULT;
	default:
		return -ENOMEM;
	}
}

/* Where what can be brought in begins again, behind a page that cannot. */
static u64 behind(const struct space *space, const struct region *r, u64 page, u64 end)
{
	const struct region *next = r ? NULL : region_find(&space->regions, page);

	return MIN(end, r ? r->end : next ? next->start : end);
}

long space_bring_in(struct space *space, u64 *start, u64 end, unsigned how)
{
	for (unsigned left = BRING_IN_PART; left && *start < end; left--) {
		const struct region *r = region_at(&space->regions, *start);
		bool skip = how == BRING_IN_ALL && !(r && of_program(r));
		long error = skip ? 0 : why_not(space_touch(space, *start, access_for(r, how)));

		if (error && how != BRING_IN_ALL)
			return error;
		*start = skip || error ? behind(space, r, *start, end) : *start + PAGE_SIZE;
	}
	return 0;
}

long op_BRING_IN(struct request *request)
{
	u64 start = request->m[0], end = request->m[1];
	long error;

	if (!IS_ALIGNED(start | end, (u64)PAGE_SIZE) || start > end || end > USER_MAX || request->m[2] > BRING_IN_WRITE)
		return -EINVAL;
	error = space_bring_in(request->caller->space, &start, end, (unsigned)request->m[2]);
	request->out[1] = start;
	return error;
}

/* Sets flags of [start, end) up to the first hole. -ENOMEM: there is one. */
static int set_locked(struct space *space, u64 start, u64 end, unsigned flags)
{
	u64 at = start;

	if (!region_cut(&space->regions, start, end))
		return -ENOMEM;
	for (struct region *r = region_at(&space->regions, at); r && r->start <= at && at < end; r = region_next(r)) {
		r->flags = (r->flags & ~LOCKED) | flags;
		r = region_merge(&space->regions, r);
		at = r->end;
	}
	return at >= end ? 0 : -ENOMEM;
}

static long lock_range(struct thread *thread, u64 start, u64 end, unsigned flags)
{
	int error = flags ? lock_limit_check(thread, unlocked_bytes(thread->space, start, end)) : 0;

	return error ? error : set_locked(thread->space, start, end, flags);
}

static long lock_all(struct thread *thread, unsigned flags)
{
	struct space *space = thread->space;
	int error = flags ? lock_limit_check(thread, unlocked_bytes(space, 0, USER_MAX)) : 0;

	if (error)
		return error;
	for (struct region *r = region_first(&space->regions); r && r->start < USER_MAX;) {
		if (of_program(r)) {
			r->flags = (r->flags & ~LOCKED) | flags;
			r = region_merge(&space->regions, r);
		}
		r = region_next(r);
	}
	return 0;
}

static long lock_everything(struct thread *thread, u64 how)
{
	unsigned flags = REGION_LOCKED | (how & LOCK_MEMORY_ONFAULT ? REGION_LOCKED_LATER : 0);

	thread->space->future_flags = how & LOCK_MEMORY_FUTURE ? flags : 0;
	if (how & LOCK_MEMORY_LOCK)
		return lock_all(thread, flags);
	return how & LOCK_MEMORY_FUTURE ? 0 : lock_all(thread, 0);
}

long op_LOCK_MEMORY(struct request *request)
{
	u64 address = request->m[0], length = request->m[1], how = request->m[2];
	unsigned flags = how & LOCK_MEMORY_LOCK ? REGION_LOCKED | (how & LOCK_MEMORY_ONFAULT ? REGION_LOCKED_LATER : 0) : 0;

	if (how & LOCK_MEMORY_ALL)
		return lock_everything(request->caller, how);
	if (!IS_ALIGNED(address, (u64)PAGE_SIZE) || !IS_ALIGNED(length, (u64)PAGE_SIZE) || address > USER_MAX || length > USER_MAX - address)
		return -ENOMEM;
	return length ? lock_range(request->caller, address, address + length, flags) : 0;
}
