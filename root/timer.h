/* Timers: what root does at a time. Recv's deadline is the earliest one. */
#ifndef ROOT_TIMER_H
#define ROOT_TIMER_H

#include "lib/rbtree.h"
#include "lib/types.h"

struct timer {
	struct rb_node node;
	u64 when;                    /* monotonic ns; 0: not set */
	void (*fire)(struct timer *timer);
};

u64 now_ns(void);
u64 realtime_base(void);
void timer_set(struct timer *timer, u64 when, void (*fire)(struct timer *timer));
/* From now on, however long that is. */
void timer_set_in(struct timer *timer, u64 delay, void (*fire)(struct timer *timer));
void timer_cancel(struct timer *timer);
u64 timer_next(void);                /* 0: none */
void timers_run(void);               /* those that are due */
void clock_init(void);               /* maps the clock page into root */

#endif
