/* Linux's time structures and nanoseconds. */
#ifndef RUNTIME_LINUX_TIME_VALUE_H
#define RUNTIME_LINUX_TIME_VALUE_H

#include <linux/time_types.h>
#include <linux/time.h>

#include "lib/types.h"
#include "runtime/uaccess.h"

#define NS_PER_SECOND 1000000000ul
#define NS_MAX        0x7ffffffffffffffful /* longer waits than 292 years are this long */

static inline void timeval_of_ns(void *timeval, unsigned long ns)
{
	long *v = timeval;

	v[0] = (long)(ns / NS_PER_SECOND);
	v[1] = (long)(ns % NS_PER_SECOND / 1000);
}

static inline struct __kernel_timespec timespec_of_ns(unsigned long ns)
{
	return (struct __kernel_timespec){ .tv_sec = (long)(ns / NS_PER_SECOND), .tv_nsec = (long)(ns % NS_PER_SECOND) };
}

/* Nanoseconds of a timespec; false if it is not one (negative, or too many nanoseconds). */
static inline bool timespec_ns(const struct __kernel_timespec *v, unsigned long *ns)
{
	if (v->tv_sec < 0 || (unsigned long)v->tv_nsec >= NS_PER_SECOND)
		return false;
	*ns = (unsigned long)v->tv_sec >= NS_MAX / NS_PER_SECOND ? NS_MAX : (unsigned long)v->tv_sec * NS_PER_SECOND + (unsigned long)v->tv_nsec;
	return true;
}

/* A program's relative timespec as a deadline of the monotonic clock, never 0. 0, -EFAULT, -EINVAL. */
long deadline_after_user(uaddr_t timespec, unsigned long *deadline);
unsigned long deadline_after(unsigned long ns);

bool clock_of_file(int clock);

#endif
