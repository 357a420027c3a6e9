/* The first line of a script, "#! interpreter [argument]", as Linux's fs/binfmt_script.c reads it. Pure. */
#ifndef RUNTIME_LINUX_SCRIPT_H
#define RUNTIME_LINUX_SCRIPT_H

#include "lib/types.h"

#define SCRIPT_LINE 256 /* bytes of the file that are looked at */

struct script {
	const char *interp, *argument; /* in `head`; argument_length 0: none */
	size_t interp_length, argument_length;
};

/* True if head starts with "#!"; then *error is 0 or -ENOEXEC. */
bool script_parse(const char *head, size_t size, struct script *script, int *error);

#endif
