/* The numbers that are written to a file of /proc/sys. Pure. */
#ifndef PROC_SETTING_TEXT_H
#define PROC_SETTING_TEXT_H

#include "lib/types.h"

/*
 * Up to `wanted` numbers, in any of C's bases, with white space before and between them; *count: how many there were. The bytes used, or -EINVAL: what is
 * there is no number of at least 0, or nothing is.
 */
long setting_text_parse(const char *text, size_t length, u64 *values, unsigned wanted, unsigned *count);

#endif
