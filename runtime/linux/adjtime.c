/*
 * adjtimex. The clock runs as the machine's does: nothing steers it, so it is read as Linux's is before anything has steered that, and what would change it
 * is refused as it is refused to one who may not.
 */
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/timex.h>

#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/process.h"
#include "runtime/linux/time_value.h"

#define ADJ_ADJTIME  0x8000u /* what adjtime(3) asks for, with one of the two below */
#define ADJ_ONCE     0x0001u
#define ADJ_READ     0x2000u
#define TICK_US      10000   /* and how far it may be set from that */
#define TICK_LEAST_US 9000
#define TICK_MOST_US 11000
#define ERROR_US     16000000 /* unknown */
#define TOLERANCE    (500l << 16) /* parts in a million */

/* Linux's errors, in its order; 0: it is only to be read. */
static long changes_refused(const struct __kernel_timex *x)
{
	bool adjtime = x->modes & ADJ_ADJTIME;

	if (adjtime && !(x->modes & ADJ_ONCE))
		return -EINVAL;
	if (!x->modes || (adjtime && x->modes & ADJ_READ))
		return 0;
	if (capable(CAP_SYS_TIME) && !adjtime && x->modes & ADJ_TICK && (x->tick < TICK_LEAST_US || x->tick > TICK_MOST_US))
		return -EINVAL;
	return -EPERM;
}

static void read_clock(struct __kernel_timex *x)
{
	unsigned modes = x->modes;

	memset(x, 0, sizeof(*x));
	x->modes = modes;
	x->maxerror = x->esterror = ERROR_US;
	x->status = STA_UNSYNC;
	x->constant = 2;
	x->precision = 1;
	x->tolerance = TOLERANCE;
	x->tick = TICK_US;
	timeval_of_ns(&x->time, clock_realtime());
}

static long adjust(uaddr_t at, struct __kernel_timex *x)
{
	long error = changes_refused(x);

	if (error)
		return error;
	read_clock(x);
	return copy_to_user(at, x, sizeof(*x)) ? -EFAULT : TIME_ERROR;
}

long linux_adjtimex(struct thread_record *t, const unsigned long a[6])
{
	struct __kernel_timex x;

	(void)t;
	return copy_from_user(&x, a[0], sizeof(x)) ? -EFAULT : adjust(a[0], &x);
}

long linux_clock_adjtime(struct thread_record *t, const unsigned long a[6])
{
	unsigned long b[6] = { a[0] };
	struct __kernel_timex x;
	long known;

	if (copy_from_user(&x, a[1], sizeof(x)))
		return -EFAULT;
	if ((int)a[0] == CLOCK_REALTIME)
		return adjust(a[1], &x);
	known = linux_clock_getres(t, b);
	return known ? known : -EOPNOTSUPP;
}
