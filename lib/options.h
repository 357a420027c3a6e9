/* The boot line's options: words NAME=VALUE with spaces between, up to a word "--". */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include "lib/types.h"

/* Where the value of that option is in the line, of several that of the last, and how long it is. NULL: there is no such option. */
const char *option_value(const char *line, const char *name, size_t *length);

#endif
