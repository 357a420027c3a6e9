/*
 * What ionice sets: a thread's class and level for its input and output. It is kept and passed on to children; files in memory have no queue that
 * could be put in order by it. A thread without a class of its own has, beside others, what its nice value gives it.
 */
#include "lib/errno.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/priority.h"
#include "root/root.h"

enum io_class { IO_NONE, IO_REAL_TIME, IO_BEST_EFFORT, IO_IDLE };

#define CLASS_SHIFT 13
/* Of the bits below the class only these are the level; the others are hints for disks. */
#define LEVEL_MASK 7

static u16 io_priority(enum io_class class, unsigned level)
{
	return (u16)(class << CLASS_SHIFT | level);
}

static enum io_class class_of(u64 value)
{
	return value >> CLASS_SHIFT & 7;
}

static u16 effective(const struct thread *t)
{
	unsigned level = (unsigned)(t->nice + 20) / 5;

	if (class_of(t->io_priority) != IO_NONE)
		return t->io_priority;
	if (t->policy == POLICY_IDLE)
		return io_priority(IO_IDLE, level);
	return io_priority(policy_real_time(t->policy) ? IO_REAL_TIME : IO_BEST_EFFORT, level);
}

static long check(const struct process *caller, u64 value)
{
	switch (class_of(value)) {
	case IO_REAL_TIME:
		return process_capable(caller, CAPABILITY_SYS_NICE) || process_capable(caller, CAPABILITY_SYS_ADMIN) ? 0 : -EPERM;
	case IO_BEST_EFFORT:
	case IO_IDLE:
		return 0;
	case IO_NONE:
		return value & LEVEL_MASK ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static bool may_set(const struct process *caller, const struct thread *t)
{
	u32 uid = t->process->credentials.uid;

	if (!role_reaches(caller, t->process))
		return false;
	return uid == caller->credentials.euid || uid == caller->credentials.uid || process_capable(caller, CAPABILITY_SYS_NICE);
}

/* Unlike getpriority's, user 0 is not the caller's. */
static bool means(const struct request *request, u64 which, const struct thread *t)
{
	if (which == WHICH_USER)
		return !t->process->service && t->process->credentials.uid == (u32)request->m[2];
	return priority_means(t, which, request->m[2], request->caller);
}

static long better(long best, u16 value)
{
	return best < 0 || value < best ? value : best;
}

/* Sets the threads that are meant, up to the first that may not be; or finds the best of their values. */
static long for_those_meant(const struct request *request, bool set, u64 which)
{
	long best = -ESRCH;

	list_for_each_entry(p, &process_list, struct process, all) {
		list_for_each_entry(t, &p->threads, struct thread, in_process) {
			if (!means(request, which, t))
				continue;
			if (set && !may_set(request->caller->process, t))
				return -EPERM;
			if (set)
				t->io_priority = (u16)request->m[3];
			best = set ? 0 : which == WHICH_PROCESS ? t->io_priority : better(best, effective(t));
		}
	}
	return best;
}

long op_IO_PRIORITY(struct request *request)
{
	bool set = request->m[0];
	long error = set ? check(request->caller->process, request->m[3]) : 0;

	if (!error && request->m[1] > WHICH_USER)
		error = -EINVAL;
	return error ? error : for_those_meant(request, set, request->m[1]);
}
