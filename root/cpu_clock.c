/* Nobody is told when a thread has run for so long: who waits for processor time looks when that time can be reached at the earliest, and again. */
#include "root/cpu_clock.h"

#include "lib/errno.h"
#include "root/operations.h"

/* clock_getcpuclockid's numbers: ~id << 3 | 4 for a thread | what counts as time, of which all are alike here */
#define CLOCK_OF_PROCESS 2
#define CLOCK_OF_THREAD  3
#define CPU_CLOCK_KIND   3
#define CPU_CLOCK_KINDS  3
#define CPU_CLOCK_THREAD 4

int cpu_clock_of(struct cpu_clock *clock, u64 number, const struct thread *caller)
{
	s32 n = (s32)number;
	u32 id = n < 0 ? ~(u32)(n >> 3) : 0;
	bool of_thread = n < 0 ? n & CPU_CLOCK_THREAD : n == CLOCK_OF_THREAD;
	const struct thread *thread = of_thread && id ? thread_find(id) : caller;
	const struct process *process = !of_thread && id ? process_find(id) : caller->process;

	if (n < 0 ? (n & CPU_CLOCK_KIND) >= CPU_CLOCK_KINDS : n != CLOCK_OF_PROCESS && n != CLOCK_OF_THREAD)
		return -EINVAL;
	if (of_thread ? !thread || thread->process != caller->process : !process)
		return -EINVAL;
	*clock = of_thread ? (struct cpu_clock){ .tid = thread->tid, .principal = thread->principal }
			   : (struct cpu_clock){ .pid = process->pid, .serial = process->serial };
	return 0;
}

static struct process *process_of(const struct cpu_clock *clock)
{
	struct process *process = process_find(clock->pid);

	return process && process->serial == clock->serial ? process : NULL;
}

bool cpu_clock_read(const struct cpu_clock *clock, u64 *ns)
{
	const struct process *process = clock->pid ? process_of(clock) : NULL;
	const struct thread *thread = clock->tid ? thread_by_principal(clock->principal) : NULL;
	struct usage usage = { 0 };

	if (!process && !thread)
		return false;
	if (thread)
		thread_account(thread, &usage);
	*ns = thread ? usage.user_ns + usage.system_ns : process_cpu_ns(process);
	return true;
}

/* Each thread of a process may sleep on its clock, and reading it takes a look at each: many looks at one time share one reading. */
bool cpu_clock_look(const struct cpu_clock *clock, u64 *ns)
{
	struct process *process = clock->pid ? process_of(clock) : NULL;
	u64 now = now_ns();

	if (!process)
		return cpu_clock_read(clock, ns);
	if (!process->cpu_seen_at || now - process->cpu_seen_at >= CPU_SEEN_NS) {
		process->cpu_seen = process_cpu_ns(process);
		process->cpu_seen_at = now;
	}
	*ns = process->cpu_seen;
	return true;
}

u64 cpu_clock_delay(const struct cpu_clock *clock, u64 target)
{
	const struct process *process = clock->pid ? process_of(clock) : NULL;
	u64 now = 0, threads = process ? MAX(process->thread_count, 1u) : 1;

	cpu_clock_look(clock, &now);
	return MAX(target > now ? (target - now) / threads : 0, CPU_LOOK_NS);
}

/* ---- clock_nanosleep. waiting.a: the clock's number, .b: the time meant ---- */

static void looked_at(struct timer *timer)
{
	struct thread *thread = container_of(timer, struct thread, waiting.timer);
	struct cpu_clock clock;
	u64 now;

	if (cpu_clock_of(&clock, thread->waiting.a, thread) || !cpu_clock_look(&clock, &now) || now >= thread->waiting.b)
		thread_answer(thread, 0, 0, 0);
	else
		timer_set_in(timer, cpu_clock_delay(&clock, thread->waiting.b), looked_at);
}

long op_CPU_SLEEP(struct request *request)
{
	struct thread *caller = request->caller;
	struct cpu_clock clock;
	u64 now, target = request->m[2];

	if (cpu_clock_of(&clock, request->m[0], caller) || clock.tid == caller->tid)
		return -EINVAL;
	if (!cpu_clock_read(&clock, &now))
		return -EINVAL;
	if (request->m[1] != 1)
		target = now + target < now ? ~0ul : now + target;
	if (target <= now)
		return 0;
	caller->waiting.a = request->m[0];
	caller->waiting.b = target;
	timer_set_in(&caller->waiting.timer, cpu_clock_delay(&clock, target), looked_at);
	return request_keep(request, WAIT_CPU);
}
