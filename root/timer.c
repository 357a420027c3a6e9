#include "root/timer.h"

#include "root/kcall.h"
#include "root/log.h"

/* Programs choose how many timers there are and how often they fire, and root runs before any program: timers get a quarter of its time at most. */
#define PAUSE_FACTOR 3

static struct rb_tree timers;
static u64 pause_end;
static u64 next; /* when the first is due, which the loop asks for each message; 0: there is none */

static void look_at_first(void)
{
	struct rb_node *first = rb_first(&timers);

	next = first ? rb_entry(first, struct timer, node)->when : 0;
}

static int compare(const void *key, const struct rb_node *node)
{
	u64 when = *(const u64 *)key, other = rb_entry(node, struct timer, node)->when;

	return when < other ? -1 : when > other;
}

void timer_cancel(struct timer *timer)
{
	if (!timer->when)
		return;
	rb_erase(&timers, &timer->node);
	timer->when = 0;
	look_at_first();
}

void timer_set(struct timer *timer, u64 when, void (*fire)(struct timer *timer))
{
	timer_cancel(timer);
	timer->when = when ? when : 1;
	timer->fire = fire;
	rb_insert_by(&timers, &timer->node, &timer->when, compare);
	look_at_first();
}

u64 timer_next(void)
{
	return next ? MAX(next, pause_end) : 0;
}

void timer_set_in(struct timer *timer, u64 delay, void (*fire)(struct timer *timer))
{
	u64 now = now_ns();

	timer_set(timer, delay < ~0ul - now ? now + delay : ~0ul, fire);
}

/* What is set while this runs is for the next time, so it ends. */
void timers_run(void)
{
	u64 start = now_ns(), end;
	struct rb_node *first;

	while ((first = rb_first(&timers)) && rb_entry(first, struct timer, node)->when <= start) {
		struct timer *timer = rb_entry(first, struct timer, node);

		timer_cancel(timer);
		timer->fire(timer);
	}
	end = now_ns();
	pause_end = end + PAUSE_FACTOR * (end - start);
}

#ifndef HOST_TEST
#define CLOCK ((const volatile struct clock_page *)GATE_CLOCK)

/* The table of root's image holds it, which is there already. */
void clock_init(void)
{
	u64 ref = PAGE_REF(ROOT_SLOT_CLOCK, 0);

	MUST(kobject_call(KCALL_vspace_map, SYS(ROOT_SLOT_VSPACE), GATE_CLOCK, 1, VSPACE_READ, ref, 0, 0, NULL));
}

u64 now_ns(void)
{
	u32 seq, low, high;
	u64 base, mult;

	do {
		seq = __atomic_load_n(&CLOCK->seq, __ATOMIC_ACQUIRE);
		base = CLOCK->tsc_base;
		mult = CLOCK->mult;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (seq & 1 || seq != CLOCK->seq);
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (unsigned __int128)((((u64)high << 32) | low) - base) * mult >> 32;
}

u64 realtime_base(void)
{
	return CLOCK->realtime_base;
}
#endif
