#include "root/limits.h"

#include "lib/errno.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/settings.h"
#include "root/signal.h"

#define SECOND_NS   1000000000ul
#define CPU_STEP_NS 1000000ul /* the limit is looked at no more often */

/* ---- memory ---- */

void limits_of_space(struct space *space, const struct process *process)
{
	space->stack_limit = process->rlimits[LIMIT_STACK].soft;
	space->address_limit = process->rlimits[LIMIT_AS].soft;
	space->data_limit = process->rlimits[LIMIT_DATA].soft;
	/* vm.max_map_count is for programs: a server that had no room for more could be killed by setting it */
	space->regions.most = process->service ? LIMIT_NONE : setting(SETTING_MAP_COUNT);
}

static void limits_of_spaces(const struct process *process)
{
	list_for_each_entry(t, &process->threads, struct thread, in_process)
		limits_of_space(t->space, process);
}

void limits_setting_changed(void)
{
	list_for_each_entry(p, &process_list, struct process, all)
		limits_of_spaces(p);
}

/* Only who has set a limit pays for the count. */
static u64 data_bytes(const struct space *space)
{
	u64 bytes = 0;

	for (const struct region *r = region_first(&space->regions); r; r = region_next(r))
		if (limits_is_data(r->prot, r->flags))
			bytes += r->end - r->start;
	return bytes;
}

bool limits_allow_memory(const struct space *space, u64 more, u64 more_data)
{
	if (more && space->regions.bytes + more > space->address_limit)
		return false;
	return !more_data || space->data_limit == LIMIT_NONE || data_bytes(space) + more_data <= space->data_limit;
}

/* ---- tasks ---- */

u32 limits_tasks_max(void)
{
	return MIN(memory_counts.total_pages / 32, (u64)THREADS_MAX - 64);
}

/* A zombie counts until it has been waited for. */
static u64 tasks_of(u32 uid)
{
	u64 count = 0;

	list_for_each_entry(p, &process_list, struct process, all)
		if (p->credentials.uid == uid && !p->service)
			count += MAX(p->thread_count, 1u);
	return count;
}

bool limits_allow_task(const struct process *process)
{
	u64 limit = process->rlimits[LIMIT_NPROC].soft;

	if (process_count >= limits_tasks_max() || thread_total >= MIN(setting(SETTING_TASKS), (u64)THREADS_MAX - 64))
		return false;
	if (!process->credentials.uid || process_capable(process, CAPABILITY_SYS_RESOURCE) || process_capable(process, CAPABILITY_SYS_ADMIN))
		return true;
	/* there are no more than that of any user's */
	return (u64)thread_total + process_count < limit || tasks_of(process->credentials.uid) < limit;
}

bool limits_tasks_exceeded(const struct process *process)
{
	u32 uid = process->credentials.uid;

	return uid && tasks_of(uid) > process->rlimits[LIMIT_NPROC].soft;
}

/* ---- queued signals ---- */

#define USER_BUCKETS 64

/* Users who have some. */
struct user {
	struct user *next;
	u32 uid;
	u64 signals;
};

static struct user *users[USER_BUCKETS];

static struct user **user_at(u32 uid)
{
	struct user **at = &users[uid % USER_BUCKETS];

	while (*at && (*at)->uid != uid)
		at = &(*at)->next;
	return at;
}

bool limits_signal_new(const struct process *process, bool forced)
{
	struct user **at = user_at(process->credentials.uid);
	u64 queued = *at ? (*at)->signals : 0;

	if (!forced && queued >= process->rlimits[LIMIT_SIGPENDING].soft)
		return false;
	if (!*at) {
		*at = root_alloc(sizeof(**at));
		if (!*at)
			return false;
		(*at)->uid = process->credentials.uid;
	}
	(*at)->signals++;
	return true;
}

void limits_signal_gone(u32 uid)
{
	struct user **at = user_at(uid), *user = *at;

	if (--user->signals)
		return;
	*at = user->next;
	root_free(user);
}

/* ---- CPU time ---- */

static u64 limit_ns(u64 seconds)
{
	return seconds > LIMIT_NONE / SECOND_NS ? LIMIT_NONE : seconds * SECOND_NS;
}

/* Beyond the hard limit the process ends; beyond the soft one it is told, and again each second. */
static void cpu_looked_at(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, cpu_limit);
	struct rlimit *limit = &process->rlimits[LIMIT_CPU];
	u64 used = process_cpu_ns(process), pid = process->pid;

	if (used >= limit_ns(limit->hard)) {
		signal_process(process, SIGNAL_KILL, NULL);
		return;
	}
	if (used >= limit_ns(limit->soft)) {
		limit->soft++;
		signal_process(process, SIGNAL_XCPU, &(struct linux_siginfo){ .signo = SIGNAL_XCPU, .code = SI_CODE_KERNEL });
	}
	if (process_find(pid) == process)
		limits_watch_cpu(process);
}

/* It cannot use more than the time that passes, but for other cores' threads, for which the step is short enough. */
void limits_watch_cpu(struct process *process)
{
	u64 next = limit_ns(MIN(process->rlimits[LIMIT_CPU].soft, process->rlimits[LIMIT_CPU].hard)), used;

	timer_cancel(&process->cpu_limit);
	if (next == LIMIT_NONE || process->state != PROCESS_ALIVE)
		return;
	used = process_cpu_ns(process);
	timer_set_in(&process->cpu_limit, MAX(next > used ? (next - used) / MAX(process->thread_count, 1u) : 0, CPU_STEP_NS),
		  cpu_looked_at);
}

/* ---- setting ---- */

static int set_limit(const struct process *caller, struct process *process, u64 resource, u64 soft, u64 hard)
{
	struct rlimit *limit = &process->rlimits[resource];

	if (soft > hard)
		return -EINVAL;
	if (hard > limit->hard && !process_capable(caller, CAPABILITY_SYS_RESOURCE))
		return -EPERM;
	/* a process has at most 8,191 all the same (GROW_FILES) */
	if (resource == LIMIT_NOFILE && hard > setting(SETTING_FILES_OF_PROCESS))
		return -EPERM;
	*limit = (struct rlimit){ soft, hard };
	limits_of_spaces(process);
	if (resource == LIMIT_CPU)
		limits_watch_cpu(process);
	process_publish(process);
	return 0;
}

long op_RLIMIT(struct request *request)
{
	const u64 *m = request->m;
	struct process *process = m[0] ? process_of_task(m[0]) : request->caller->process;

	if (m[1] >= RLIMITS)
		return -EINVAL;
	if (!process && thread_find(m[0]))
		process = thread_find(m[0])->process;
	if (!process)
		return -ESRCH;
	if (!may_limit(request->caller->process, process))
		return -EPERM;
	request->out[1] = process->rlimits[m[1]].soft;
	request->out[2] = process->rlimits[m[1]].hard;
	return m[2] ? set_limit(request->caller->process, process, m[1], m[3], m[4]) : 0;
}
