/* How much, where and with what threads run: nice values, affinity, vector registers. */
#include "lib/errno.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/root.h"

/* ---- nice ---- */

enum { WHICH_PROCESS, WHICH_GROUP, WHICH_USER };

static bool prioritised(const struct thread *t, u64 which, u32 who, const struct thread *caller)
{
	const struct process *p = t->process, *self = caller->process;

	if (p->service)
		return false;
	if (which == WHICH_PROCESS)
		return who ? t->tid == who : t == caller;
	if (which == WHICH_GROUP)
		return p->pgid == (who ? who : self->pgid);
	return p->credentials.uid == (who ? who : self->credentials.uid);
}

static void set_nice(struct thread *thread, int nice)
{
	thread->nice = nice;
	MUST(KCALL2(thread_set_priority, SYS(thread->tcb.slot), PRIORITY_PROGRAM - nice / 2));
}

long op_PRIORITY(struct request *request)
{
	int nice = MIN(MAX((int)request->m[3], -20), 19), best = 20, error = 0, refused;
	bool found = false;

	if (request->m[1] > WHICH_USER)
		return -EINVAL;
	list_for_each_entry(p, &process_list, struct process, all) {
		list_for_each_entry(t, &p->threads, struct thread, in_process) {
			if (!prioritised(t, request->m[1], request->m[2], request->caller))
				continue;
			found = true;
			refused = request->m[0] ? may_renice(request->caller->process, t, nice) : 0;
			if (request->m[0] && !refused)
				set_nice(t, nice);
			error = refused ? refused : error;
			best = MIN(best, t->nice);
		}
	}
	if (!found)
		return -ESRCH;
	/* As the system call has it: 40..1 for -20..19. */
	return request->m[0] ? error : 20 - best;
}

/* ---- affinity ---- */

static u64 all_cores(void)
{
	return boot_info->core_count < 64 ? (1ull << boot_info->core_count) - 1 : ~0ull;
}

static void set_affinity(struct thread *thread, u64 cores)
{
	thread->affinity = cores;
	MUST(KCALL2(thread_set_affinity, SYS(thread->tcb.slot), cores));
}

long op_AFFINITY(struct request *request)
{
	struct thread *thread = request->m[1] ? thread_find(request->m[1]) : request->caller;

	if (!thread || thread->exiting)
		return -ESRCH;
	if (request->m[0]) {
		if (thread->process->service && thread->process != request->caller->process)
			return -EPERM; /* where servers run is their own business */
		if (may_renice(request->caller->process, thread, thread->nice))
			return -EPERM;
		if (!(request->m[2] & all_cores()))
			return -EINVAL;
		set_affinity(thread, request->m[2] & all_cores());
	}
	request->out[1] = thread->affinity & all_cores();
	return 0;
}

/* ---- vector registers ---- */

/* It waits for this answer. */
long op_VECTOR_FREE(struct request *request)
{
	struct thread *thread = request->caller;

	thread->vector_free = true;
	MUST(KCALL2(thread_set_vectors, SYS(thread->tcb.slot), 0));
	return 0;
}
