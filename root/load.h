/* The load averages that sysinfo and /proc/loadavg show. */
#ifndef ROOT_LOAD_H
#define ROOT_LOAD_H

#include "lib/types.h"

/* Over 1, 5 and 15 minutes, times 65536. Uses data[]. */
void load_averages(u64 load[3]);

/* The theory, apart from the kernel: `busy` (times 65536) threads ran on average in `seconds`. */
void load_add(u64 load[3], u64 busy, u64 seconds);

#endif
