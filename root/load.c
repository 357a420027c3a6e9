/*
 * Linux looks each 5 seconds how many threads run or could run, and forgets exponentially. A timer for that would keep an idle machine from being idle. So
 * root looks when it is asked, and takes for the time since the last look what the kernel has measured: the time that processors were not idle, divided by
 * the time that passed, is how many threads ran on average. Only if all processors were busy can there have been more; then those of this moment are counted.
 */
#include "root/load.h"

#include "root/log.h"
#include "root/memory.h"
#include "root/root.h"

#define NS_PER_SECOND 1000000000ul
#define ONE           65536ul
#define NEARLY_ALL(n) ((n) * 15 / 16)
#define SECONDS_MAX   (1ul << 20) /* what was before is forgotten */

/* exp(-1 s / 1, 5, 15 min), times 2^32 */
static const u64 kept_each_second[3] = { 4223977731, 4280674573, 4290197760 };

static u64 times(u64 a, u64 b)
{
	return (unsigned __int128)a * b >> 32;
}

/* What is left after that many seconds, times 2^32. */
static u64 kept(u64 each_second, u64 seconds)
{
	u64 result = 1ul << 32;

	for (; seconds; seconds >>= 1) {
		if (seconds & 1)
			result = times(result, each_second);
		each_second = times(each_second, each_second);
	}
	return result;
}

void load_add(u64 load[3], u64 busy, u64 seconds)
{
	for (unsigned i = 0; i < 3; i++) {
		u64 left = kept(kept_each_second[i], MIN(seconds, SECONDS_MAX));

		load[i] = times(load[i], left) + times(busy, (1ul << 32) - left);
	}
}

#ifndef HOST_TEST
static u64 averages[3], looked_at, idle_then;

/* Programs' threads that run or could. */
static u64 runnable(void)
{
	const struct thread_info *info = (const struct thread_info *)root_words();
	u64 count = 0;

	list_for_each_entry(p, &process_list, struct process, all)
		list_for_each_entry(t, &p->threads, struct thread, in_process)
			count += !p->service && !p->stopped && !KCALL1(thread_info, SYS(t->tcb.slot)) && info->state == 1;
	return count;
}

static void look(void)
{
	const struct system_info *info = (const struct system_info *)root_message()->data;
	u64 now = now_ns(), passed = now - looked_at, idle, cores, busy;

	if (passed < NS_PER_SECOND || KCALL1(system_info, SYS(ROOT_SLOT_SYSTEM)))
		return;
	idle = info->idle_ns - idle_then;
	cores = info->core_count;
	idle_then = info->idle_ns;
	looked_at = now;
	busy = idle < passed * cores ? (passed * cores - idle) / (passed / ONE) : 0;
	if (busy > NEARLY_ALL(cores * ONE))
		busy = MAX(busy, runnable() * ONE);
	load_add(averages, busy, passed / NS_PER_SECOND);
}

void load_averages(u64 load[3])
{
	look();
	for (unsigned i = 0; i < 3; i++)
		load[i] = averages[i];
}
#endif
