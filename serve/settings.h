/* What /proc/sys has set (abi/settings.h), as it is now: root's page, read-only in every server. */
#ifndef SERVE_SETTINGS_H
#define SERVE_SETTINGS_H

#include "abi/settings.h"
#include "lib/types.h"

u64 setting(enum setting which);

#endif
