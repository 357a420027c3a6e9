/* A server's memory (serve/memory.h) for tests of one source: counted, and out when the test says so. */
#ifndef TESTS_HOST_COUNTED_MEMORY_H
#define TESTS_HOST_COUNTED_MEMORY_H

#include <stdlib.h>

#include "serve/memory.h"

static long allocated;
static bool memory_is_out;

void *memory_take(size_t size)
{
	if (memory_is_out)
		return NULL;
	allocated++;
	return calloc(1, size);
}

void memory_free(void *memory, size_t size)
{
	(void)size;
	allocated -= memory != NULL;
	free(memory);
}

#endif
