#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include "lib/types.h"

/* The function that holds a kernel text address and how far into it; NULL: unknown. */
const char *symbol_name(u64 address, u64 *offset);

#endif
