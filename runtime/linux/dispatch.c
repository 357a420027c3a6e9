/* The calls that the gate does not dispatch by itself: traced ones, and numbers without a handler. */
#include "lib/atomic.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/entry.h"
#include "runtime/linux/table.h"

/* True the first time that this program calls this number. */
static bool first_time(struct process_state *p, u32 number)
{
	u64 bit = BIT(number % 64);

	if (number >= LINUX_CALL_MAX)
		number = LINUX_CALL_MAX - 1;
	return !(atomic_fetch_or(&p->unknown_logged[number / 64], bit) & bit);
}

static long call_absent(struct thread_record *t, u32 number)
{
	const char *name = number < LINUX_CALL_MAX ? linux_calls[number].name : NULL;

	if (first_time(t->process, number))
		rt_log(1, "process %u: %s call %u%s%s%s", process_pid(t->process), name ? "absent" : "unknown", number, name ? " (" : "", name ? name : "",
		       name ? ")" : "");
	return -ENOSYS;
}

long linux_dispatch_slow(struct thread_record *t)
{
	u32 number = (u32)t->number;
	linux_handler *handler = number < LINUX_CALL_MAX ? linux_calls[number].handler : NULL;
	bool trace = t->slow & SLOW_TRACE;
	long result;

	if (trace)
		trace_enter(t);
	result = handler ? handler(t, t->a) : call_absent(t, number);
	if (trace)
		trace_exit(t, result);
	return result;
}
