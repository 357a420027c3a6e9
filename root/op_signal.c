/* Requests about signals: sending, taking, waiting, timers. */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/root.h"
#include "root/services.h"
#include "root/signal.h"

static struct linux_siginfo sender_info(const struct thread *sender, unsigned signal, int code)
{
	return (struct linux_siginfo){ .signo = signal, .code = code, .pid = sender->process->pid, .uid = sender->process->credentials.uid };
}

struct kill_count {
	u32 found, allowed;
};

static void kill_one(struct thread *caller, struct process *target, unsigned signal, struct kill_count *count)
{
	struct linux_siginfo info = sender_info(caller, signal, SI_CODE_USER);

	count->found++;
	if (!may_signal(caller->process, target, signal))
		return;
	count->allowed++;
	signal_process(target, signal, &info);
}

static bool in_kill(const struct process *p, const struct process *self, s32 pid)
{
	if (pid == -1)
		return p != self && p != init_process && !p->service;
	return p->pgid == (pid ? (u32)-pid : self->pgid);
}

/* False: the caller is gone. */
static bool kill_others(struct thread *caller, s32 pid, unsigned signal, struct kill_count *count)
{
	u64 principal = caller->principal;
	struct process *self = caller->process, *p;
	struct process_walk walk;
	bool there = true;

	process_walk_begin(&walk);
	while (there && (p = process_walk_next(&walk))) {
		if (p == self || !in_kill(p, self, pid))
			continue;
		kill_one(caller, p, signal, count);
		there = thread_by_principal(principal) == caller;
	}
	process_walk_end(&walk);
	return there;
}

/* The caller last: it may end itself. */
static long kill_many(struct request *request, s32 pid, unsigned signal)
{
	struct thread *caller = request->caller;
	struct process *self = caller->process;
	u64 principal = caller->principal;
	struct kill_count count = { 0 };

	if (!kill_others(caller, pid, signal, &count))
		return RESULT_LATER;
	if (in_kill(self, self, pid)) {
		kill_one(caller, self, signal, &count);
		if (thread_by_principal(principal) != caller)
			return RESULT_LATER;
	}
	/* kill(-1) never says that it was not allowed */
	return !count.found ? -ESRCH : count.allowed || pid == -1 ? 0 : -EPERM;
}

long still_there(struct request *request, u64 principal, long result)
{
	if (thread_by_principal(principal))
		return result;
	KCALL2(cap_delete, ROOT_CNODE, request->reply);
	return RESULT_LATER;
}

long op_KILL(struct request *request)
{
	s32 pid = request->m[0];
	u64 principal = request->caller->principal;
	struct kill_count count = { 0 };
	struct process *target;
	long result;

	if (request->m[1] > SIGNALS)
		return -EINVAL;
	if (pid <= 0) {
		result = kill_many(request, pid, request->m[1]);
		return result == RESULT_LATER ? still_there(request, principal, 0) : result;
	}
	target = process_of_task(pid);
	if (!target)
		return -ESRCH;
	kill_one(request->caller, target, request->m[1], &count);
	return still_there(request, principal, count.allowed ? 0 : -EPERM);
}

static struct thread *thread_in(u64 tgid, u64 tid)
{
	struct thread *thread = thread_find(tid);

	return thread && ((s32)tgid == -1 || thread->process->pid == tgid) ? thread : NULL;
}

long op_TGKILL(struct request *request)
{
	struct thread *target = thread_in(request->m[0], request->m[1]);
	u64 principal = request->caller->principal;
	struct linux_siginfo info = sender_info(request->caller, request->m[2], SI_CODE_TKILL);
	long result;

	if (request->m[2] > SIGNALS)
		return -EINVAL;
	if (!target)
		return -ESRCH;
	if (!may_signal(request->caller->process, target->process, request->m[2]))
		return -EPERM;
	result = signal_thread(target, request->m[2], &info);
	return still_there(request, principal, result);
}

long op_SIGQUEUE(struct request *request)
{
	u64 principal = request->caller->principal;
	struct linux_siginfo info;
	struct process *process = request->m[1] ? process_find(request->m[0]) : process_of_task(request->m[0]);
	struct thread *thread = request->m[1] ? thread_in(request->m[0], request->m[1]) : NULL;
	long result;

	if (request->m[2] > SIGNALS || request->bytes < sizeof(info))
		return -EINVAL;
	memcpy(&info, root_message()->data, sizeof(info));
	if (!process || (request->m[1] && !thread))
		return -ESRCH;
	if ((info.code >= 0 || info.code == SI_CODE_TKILL) && process != request->caller->process)
		return -EPERM;
	if (!may_signal(request->caller->process, process, request->m[2]))
		return -EPERM;
	result = thread ? signal_thread(thread, request->m[2], &info) : signal_process(process, request->m[2], &info);
	return still_there(request, principal, result);
}

long op_SERVICE_SIGNAL(struct request *request)
{
	struct process *process = process_find(request->m[0]);
	struct linux_siginfo info;

	if (!service_may(request->caller->process, SERVICE_SIGNALS))
		return -EPERM;
	if (!process)
		return -ESRCH;
	if (request->m[1] > SIGNALS || request->bytes < sizeof(info))
		return -EINVAL;
	memcpy(&info, root_message()->data, sizeof(info));
	return signal_process(process, request->m[1], &info);
}

static void give_info(struct request *request, const struct linux_siginfo *info)
{
	memcpy(root_message()->data, info, sizeof(*info));
	request->out_bytes = sizeof(*info);
}

long op_SIGTAKE(struct request *request)
{
	struct linux_siginfo info;
	int signal = signal_take_for_delivery(request->caller, request->m[0], &info);

	if (signal < 0) {
		KCALL2(cap_delete, ROOT_CNODE, request->reply);
		return RESULT_LATER;
	}
	if (signal)
		give_info(request, &info);
	return signal;
}

static void wait_expired(struct timer *timer)
{
	struct thread *thread = container_of(timer, struct thread, waiting.timer);

	thread_answer(thread, -EAGAIN, 0, 0);
}

long op_SIGWAIT(struct request *request)
{
	struct thread *caller = request->caller;
	struct linux_siginfo info;
	unsigned signal = signal_take(caller, request->m[0], &info);

	if (signal) {
		give_info(request, &info);
		return signal;
	}
	if (request->m[1] && request->m[1] <= now_ns())
		return -EAGAIN;
	caller->waiting.a = request->m[0];
	if (request->m[1])
		timer_set(&caller->waiting.timer, request->m[1], wait_expired);
	return request_keep(request, WAIT_SIGNAL);
}

long op_SIGPENDING(struct request *request)
{
	return (request->caller->signals.set | request->caller->process->signals.set);
}

long op_SIGDEFAULT(struct request *request)
{
	u64 principal = request->caller->principal;

	if (!request->m[0] || request->m[0] > SIGNALS)
		return -EINVAL;
	/* A fault that nobody handles ends even the first program. */
	if (request->caller->process == init_process)
		process_exit(init_process, request->m[0]);
	signal_fatal_default(request->caller->process, request->m[0]);
	return still_there(request, principal, 0);
}

/* ---- interval timers ---- */

/*
 * ITIMER_REAL is a timer. The other two count CPU time (which is not told apart into user's and system's): their timer is set for the
 * earliest time at which the target can be reached, looks then, and is set again for what is missing.
 */
#define REAL_TIMER_STEP 10000ul /* ns: a shorter interval would leave the process no time */
#define CPU_TIMER_STEP 100000ul /* ns */

enum { TIMER_REAL, TIMER_VIRTUAL, TIMER_PROF };

static const u8 timer_signals[3] = { SIGNAL_ALRM, SIGNAL_VTALRM, SIGNAL_PROF };

static struct process *process_of_timer(struct timer *timer, unsigned which)
{
	return container_of(timer, struct process, itimers[which].timer);
}

static void expire(struct process *process, unsigned which)
{
	unsigned signal = timer_signals[which];

	signal_process(process, signal, &(struct linux_siginfo){ .signo = signal, .code = SI_CODE_KERNEL });
}

static void real_fired(struct timer *timer)
{
	struct process *process = process_of_timer(timer, TIMER_REAL);
	struct itimer *itimer = &process->itimers[TIMER_REAL];

	if (itimer->interval)
		timer_set_in(timer, MAX(itimer->interval, REAL_TIMER_STEP), real_fired);
	expire(process, TIMER_REAL);
}

static void cpu_fired(struct process *process, unsigned which, void (*fire)(struct timer *timer))
{
	struct itimer *itimer = &process->itimers[which];
	u64 used = process_cpu_ns(process);

	if (used < itimer->target) {
		/* never so soon that root would find it due again before the process has run */
		timer_set_in(&itimer->timer, MAX(itimer->target - used, CPU_TIMER_STEP), fire);
		return;
	}
	itimer->target = itimer->interval ? used + itimer->interval : 0;
	if (itimer->target)
		timer_set_in(&itimer->timer, MAX(itimer->interval, CPU_TIMER_STEP), fire);
	expire(process, which);
}

static void virtual_fired(struct timer *timer)
{
	cpu_fired(process_of_timer(timer, TIMER_VIRTUAL), TIMER_VIRTUAL, virtual_fired);
}

static void prof_fired(struct timer *timer)
{
	cpu_fired(process_of_timer(timer, TIMER_PROF), TIMER_PROF, prof_fired);
}

static u64 time_left(const struct process *process, unsigned which)
{
	const struct itimer *itimer = &process->itimers[which];
	u64 now = which == TIMER_REAL ? now_ns() : process_cpu_ns(process), end = which == TIMER_REAL ? itimer->timer.when : itimer->target;

	return !end ? 0 : end > now ? end - now : 1;
}

void itimers_cancel(struct process *process)
{
	for (unsigned which = TIMER_REAL; which <= TIMER_PROF; which++)
		timer_cancel(&process->itimers[which].timer);
	timer_cancel(&process->cpu_limit);
	posix_timers_delete(process);
}

long op_ITIMER(struct request *request)
{
	static void (*const fire[3])(struct timer *timer) = { real_fired, virtual_fired, prof_fired };
	struct process *process = request->caller->process;
	u64 which = request->m[0], value = request->m[3];
	struct itimer *itimer;

	if (which > TIMER_PROF)
		return -EINVAL;
	itimer = &process->itimers[which];
	request->out[1] = itimer->interval;
	request->out[2] = time_left(process, which);
	if (!request->m[1])
		return 0;
	timer_cancel(&itimer->timer);
	itimer->interval = request->m[2];
	itimer->target = value && which != TIMER_REAL ? process_cpu_ns(process) + value : 0;
	if (value)
		timer_set_in(&itimer->timer, value, fire[which]);
	return 0;
}
