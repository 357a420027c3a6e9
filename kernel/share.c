#include "kernel/share.h"
#include "kernel/log.h"
#include "kernel/sched_context.h"
#include "kernel/schedule.h"
#include "lib/hash.h"
#include "lib/options.h"
#include "lib/string.h"

/* What running time is multiplied by for virtual time, 11.21 bits: 1 for the common weight. */
#define INVERSE_SHIFT 21
/* As much running time as is ever turned into virtual time at once; more makes no difference, and would overflow. */
#define RAN_MOST (1ull << 31)
#define SLICE_NONE (1ull << 62)

static u64 seed; /* of slices' lengths; 0: they are whole */

static u64 virtual_ticks(const struct thread *thread, u64 ticks)
{
	return MIN(ticks, RAN_MOST) * thread->inverse >> INVERSE_SHIFT;
}

void share_set(struct thread *thread, u32 weight, u64 slice_ns)
{
	u64 slice = MIN(MAX(SLICE_NS * weight / WEIGHT_COMMON, SLICE_LEAST_NS), SLICE_NS), had = thread->slice;

	if (!weight)
		slice = slice_ns;
	thread->weight = weight;
	thread->inverse = weight ? ((u64)WEIGHT_COMMON << INVERSE_SHIFT) / weight : 0;
	thread->slice = slice ? arch_ns_ticks(slice) : SLICE_NONE;
	/* what it has had of its slice counts: else who changes its share all the time would keep the core */
	thread->slice_limit += thread->slice - had;
}

void share_init(struct thread *thread)
{
	share_set(thread, WEIGHT_COMMON, 0);
	thread->slice_limit = share_slice(thread);
}

/* Short ones are as likely as long ones: what depends on who runs first shows by both. */
u64 share_slice(const struct thread *thread)
{
	u64 random;

	if (likely(!seed) || thread->slice == SLICE_NONE)
		return thread->slice;
	random = splitmix64_next(&seed);
	return 1 + (random >> 8) % MAX(thread->slice >> random % 13, 1ul);
}

void share_configure(const char *command_line)
{
	size_t length;
	const char *value = option_value(command_line, "seed", &length), *end;

	if (value && !parse_u64(value, 0, &seed, &end))
		klog(LOG_WARNING, "seed=: not a number");
}

/* How far it is ahead of a clock that it has been compared with before; of another one that is as far as it was there. */
static s64 lag(const struct thread *thread, u64 ran)
{
	/* a new one has its turn after all that are there: none is further ahead (enter), and a parent that has waited for its child is not behind it */
	s64 since = thread->share_clock ? (s64)(thread->share_time - *thread->share_clock) : (s64)virtual_ticks(thread, 2 * thread->slice);

	return since + (s64)virtual_ticks(thread, ran);
}

/* Its virtual time, by the clock of its queue on that core. Nothing changes if it has entered already. */
static void enter(struct core *core, struct thread *thread)
{
	u64 *clock = &core->clock[thread->priority], now = thread_ticks(thread);
	s64 ahead;

	if (unlikely(thread->budgeted) && context_ordered(thread)) {
		thread->share_time = thread->runs_on->due;
		thread->share_clock = clock;
		return;
	}
	ahead = thread->weight ? lag(thread, now - thread->share_counted) : 0;

	if (thread->weight) {
		ahead = MIN(ahead, (s64)virtual_ticks(thread, 2 * thread->slice));
		ahead = MAX(ahead, -(s64)share_credit);
	}
	thread->share_counted = now;
	thread->share_time = *clock + (u64)ahead;
	thread->share_clock = clock;
}

static bool later(const struct list_node *node, const struct thread *thread)
{
	return (s64)(list_entry(node, struct thread, queue)->share_time - thread->share_time) > 0;
}

/* Most are near one end: who has waited, and whose slice has ended. */
static void insert_in_order(struct list_node *queue, struct thread *thread)
{
	struct list_node *front = queue->next, *back = queue->prev;

	for (unsigned n = 0; n < SHARE_LOOKED_AT; n++) {
		if (back == queue || !later(back, thread)) {
			list_insert_after(back, &thread->queue);
			return;
		}
		if (later(front, thread))
			break;
		front = front->next;
		back = back->prev;
	}
	list_insert_before(front, &thread->queue);
}

void share_insert(struct core *core, struct thread *thread, bool front)
{
	struct list_node *queue = &core->queue[thread->priority];

	if (queue->next == queue->prev)
		enter(core, list_entry(queue->next, struct thread, queue));
	enter(core, thread);
	/* deadlines are an order for all that is queued */
	if (front && !(unlikely(thread->budgeted) && context_ordered(thread)))
		list_push_front(queue, &thread->queue);
	else
		insert_in_order(queue, thread);
}

bool share_before_current(struct core *core, struct thread *thread)
{
	const struct thread *current = core->current;

	if (thread->priority != current->priority || !thread->weight || !current->weight)
		return false;
	enter(core, thread);
	return (s64)(thread->share_time - *thread->share_clock) < lag(current, thread_ticks(current) - current->share_counted);
}
