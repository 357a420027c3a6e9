/*
 * The first program of a boot that is measured: says the time, then becomes a shell whose prompt says the time. Linked also as `stamp`,
 * which is what the prompt runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/measure.h"

int main(int argc, char **argv)
{
	const char *name = argc ? strrchr(argv[0], '/') : NULL;

	if (name && strcmp(name, "/stamp") == 0) {
		printf("prompt %lu", ticks());
		return 0;
	}
	dprintf(1, "first program %lu\n", ticks());
	setenv("PATH", "/bin:/usr/bin", 1);
	setenv("PS1", "$(/bench/stamp)# ", 1);
	execl("/bin/busybox", "sh", (char *)NULL);
	dprintf(2, "no /bin/busybox\n");
	return 127;
}
