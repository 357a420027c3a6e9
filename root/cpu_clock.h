/* Clocks of processor time: of the caller, its process, another thread of it, another process. */
#ifndef ROOT_CPU_CLOCK_H
#define ROOT_CPU_CLOCK_H

#include "root/process.h"

/* Looks of a timer at such a clock are no closer together: a clock is late by so much at most, a quarter of a Linux tick. */
#define CPU_LOOK_NS 1000000ul
#define CPU_SEEN_NS (CPU_LOOK_NS / 2)

struct cpu_clock {
	u32 tid, pid;        /* one of them is 0 */
	u64 principal, serial; /* so that it is never another's later */
};

/* -EINVAL: there is none of that number. */
int cpu_clock_of(struct cpu_clock *clock, u64 number, const struct thread *caller);
/* False: who it counted has ended. */
bool cpu_clock_read(const struct cpu_clock *clock, u64 *ns);
/* The same, but at most CPU_SEEN_NS old: for those who look again and again, of whom a process may have as many as threads. */
bool cpu_clock_look(const struct cpu_clock *clock, u64 *ns);
/* How long it can take at the least until it shows that. */
u64 cpu_clock_delay(const struct cpu_clock *clock, u64 target);

#endif
