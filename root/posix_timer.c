/*
 * timer_create's timers. At most one signal of a timer is queued: while it waits to be taken, further expirations are counted in its
 * si_overrun. A timer of CLOCK_REALTIME counts as a monotonic one from when it was set: the clock is not set under a running timer's feet.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/cpu_clock.h"
#include "root/operations.h"
#include "root/root.h"
#include "root/signal.h"

#define TIMERS_MAX 256
#define STEP_NS    10000ul /* a shorter interval would leave the process no time: more than one pass each time */
#define OVERRUNS_MAX 0x7fffffffu

enum { NOTIFY_SIGNAL, NOTIFY_NONE, NOTIFY_THREAD, NOTIFY_THREAD_ID = 4 };
enum { CLOCK_REAL, CLOCK_MONO, CLOCK_BOOT = 7, CLOCK_REAL_ALARM = 8, CLOCK_BOOT_ALARM = 9, CLOCK_ATOMIC = 11 };

struct posix_timer {
	struct list_node node;
	struct process *process;
	struct timer timer;
	u64 interval, value;
	u32 id, tid, overrun, missed;
	u8 clock, notify, signal;
	bool by_cpu;
	struct cpu_clock cpu;
	u64 target;  /* when it is due next, by its own clock; 0: not set */
};

/* The parts of siginfo_t of a timer's signal, from offset 16. */
struct timer_info {
	s32 id, overrun;
	u64 value;
};

static struct list_node *timers_of(struct process *process)
{
	if (!process->posix_timers.next)
		list_init(&process->posix_timers);
	return &process->posix_timers;
}

static struct posix_timer *find(struct process *process, u64 id)
{
	list_for_each_entry(t, timers_of(process), struct posix_timer, node)
		if (t->id == id)
			return t;
	return NULL;
}

static void drop(struct posix_timer *t)
{
	timer_cancel(&t->timer);
	list_remove(&t->node);
	root_free(t);
}

void posix_timers_delete(struct process *process)
{
	list_for_each_entry_safe(t, timers_of(process), struct posix_timer, node)
		drop(t);
}

/* The timer's signal if it is still queued. */
static struct timer_info *queued(struct signal_queue *queue, const struct posix_timer *t)
{
	list_for_each_entry(record, &queue->infos, struct siginfo_record, node) {
		const struct linux_siginfo *info = (const struct linux_siginfo *)record->info;
		struct timer_info *own = (struct timer_info *)(record->info + 16);

		if (info->code == SI_CODE_TIMER && own->id == (s32)t->id)
			return own;
	}
	return NULL;
}

static void notify(struct posix_timer *t)
{
	struct thread *thread = t->notify == NOTIFY_THREAD_ID ? thread_find(t->tid) : NULL;
	struct timer_info own = { .id = t->id, .overrun = t->missed, .value = t->value }, *waiting;
	struct linux_siginfo info = { .signo = t->signal, .code = SI_CODE_TIMER };

	if (t->notify == NOTIFY_NONE || (t->notify == NOTIFY_THREAD_ID && (!thread || thread->process != t->process)))
		return;
	waiting = queued(thread ? &thread->signals : &t->process->signals, t);
	if (waiting) {
		waiting->overrun = t->overrun = MIN((u64)t->overrun + 1 + t->missed, OVERRUNS_MAX);
		return;
	}
	t->overrun = t->missed;
	memcpy((u8 *)&info + 16, &own, sizeof(own));
	if (thread)
		signal_thread(thread, t->signal, &info);
	else
		signal_process(t->process, t->signal, &info);
}

/* It is due at `now`. The intervals that have passed while nobody looked are overruns. */
static void pass(struct posix_timer *t, u64 now)
{
	u64 passed = t->interval ? (now - t->target) / t->interval : 0;

	t->missed = MIN(passed, OVERRUNS_MAX);
	t->target = t->interval ? t->target + (passed + 1) * t->interval : 0;
}

static void fired(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	u64 now = now_ns();

	pass(t, now);
	if (t->target)
		timer_set(timer, MAX(t->target, now + STEP_NS), fired);
	notify(t); /* last: the signal may end the process, and the timer with it */
}

/* ---- by processor time ---- */

static void cpu_fired(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	u64 now;

	if (!cpu_clock_look(&t->cpu, &now))
		return;
	if (now < t->target) {
		timer_set_in(timer, cpu_clock_delay(&t->cpu, t->target), cpu_fired);
		return;
	}
	pass(t, now);
	if (t->target)
		timer_set_in(timer, cpu_clock_delay(&t->cpu, t->target), cpu_fired);
	notify(t);
}

static void cpu_set(struct posix_timer *t, bool absolute, u64 value)
{
	u64 now = 0;

	t->target = 0;
	if (!value || !cpu_clock_read(&t->cpu, &now))
		return;
	t->target = absolute ? value : now + value < now ? ~0ul : now + value;
	if (t->target <= now)
		cpu_fired(&t->timer);
	else
		timer_set_in(&t->timer, cpu_clock_delay(&t->cpu, t->target), cpu_fired);
}

static bool clock_known(u64 clock)
{
	return clock == CLOCK_REAL || clock == CLOCK_MONO || (clock >= CLOCK_BOOT && clock <= CLOCK_BOOT_ALARM) || clock == CLOCK_ATOMIC;
}

static bool notify_ok(const struct request *request)
{
	const u64 *m = request->m;
	struct thread *thread = m[1] == NOTIFY_THREAD_ID ? thread_find(m[4]) : NULL;

	if (m[1] == NOTIFY_NONE)
		return true;
	if (m[1] == NOTIFY_THREAD_ID && (!thread || thread->process != request->caller->process))
		return false;
	return (m[1] == NOTIFY_SIGNAL || m[1] == NOTIFY_THREAD || m[1] == NOTIFY_THREAD_ID) && m[2] && m[2] <= SIGNALS;
}

long op_TIMER_CREATE(struct request *request)
{
	struct process *process = request->caller->process;
	const u64 *m = request->m;
	struct posix_timer *t;
	struct cpu_clock cpu;
	bool by_cpu = !cpu_clock_of(&cpu, m[0], request->caller);

	if ((!by_cpu && !clock_known(m[0])) || !notify_ok(request))
		return -EINVAL;
	if (list_length(timers_of(process)) >= TIMERS_MAX)
		return -EAGAIN;
	t = root_alloc(sizeof(*t));
	if (!t)
		return -EAGAIN;
	*t = (struct posix_timer){ .process = process, .id = process->posix_timer_next++ & 0x7fffffff, .tid = m[4], .clock = m[0],
				   .notify = m[1], .signal = m[2], .value = m[3], .by_cpu = by_cpu };
	if (by_cpu)
		t->cpu = cpu;
	if (m[5] == 1)
		t->value = t->id;
	list_push_back(timers_of(process), &t->node);
	return t->id;
}

static void tell(struct request *request, const struct posix_timer *t)
{
	u64 now = now_ns(), when = t->target;

	if (t->by_cpu && !cpu_clock_read(&t->cpu, &now))
		when = 0;
	request->out[1] = t->interval;
	request->out[2] = !when ? 0 : when > now ? when - now : 1;
	request->out[3] = t->overrun;
}

long op_TIMER_SET(struct request *request)
{
	struct posix_timer *t = find(request->caller->process, request->m[0]);
	u64 value = request->m[3], base = 0;

	if (!t)
		return -EINVAL;
	tell(request, t);
	timer_cancel(&t->timer);
	t->interval = request->m[2];
	if (t->by_cpu) {
		cpu_set(t, request->m[1] == 1, value);
		return 0;
	}
	t->target = 0;
	if (!value)
		return 0;
	if (request->m[1] != 1)
		base = now_ns();
	else if (t->clock == CLOCK_REAL || t->clock == CLOCK_REAL_ALARM || t->clock == CLOCK_ATOMIC)
		value -= MIN(value - 1, realtime_base());
	t->target = base + value < base ? ~0ul : base + value;
	timer_set(&t->timer, t->target, fired);
	return 0;
}

long op_TIMER_GET(struct request *request)
{
	struct posix_timer *t = find(request->caller->process, request->m[0]);

	if (!t)
		return -EINVAL;
	tell(request, t);
	return 0;
}

long op_TIMER_DELETE(struct request *request)
{
	struct posix_timer *t = find(request->caller->process, request->m[0]);

	if (!t)
		return -EINVAL;
	drop(t);
	return 0;
}
