/* What /proc/sys may change (abi/settings.h): root keeps the values, and obeys its own. */
#ifndef ROOT_SETTINGS_H
#define ROOT_SETTINGS_H

#include "abi/settings.h"
#include "lib/types.h"

struct object;

u64 setting(enum setting which);
void settings_init(void);
/* The page that servers map at GATE_SETTINGS. */
struct object *settings_object(void);

#endif
