/* Out of memory. */
#ifndef ROOT_OOM_H
#define ROOT_OOM_H

#include "lib/types.h"

/* Kills the process that holds most memory (not the first one, not a service) and says so. False: there is none. */
bool oom_kill(void);

#endif
