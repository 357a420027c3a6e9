/* The stack that Linux gives a new program: argc, argv, envp, auxv, strings (x86-64 psABI 3.4.1, Linux fs/binfmt_elf.c). Pure. */
#ifndef RUNTIME_LINUX_START_STACK_H
#define RUNTIME_LINUX_START_STACK_H

#include "lib/types.h"

struct stack_content {
	const char *argv, *envp;           /* argc and envc strings, one after another */
	size_t argv_bytes, envp_bytes;     /* with their NULs */
	unsigned int argc, envc;
	const char *execfn;                /* AT_EXECFN */
	const u8 *random;                  /* 16 bytes for AT_RANDOM */
	const u64 (*auxv)[2];              /* without AT_EXECFN, AT_RANDOM, AT_PLATFORM, AT_NULL, which are added */
	size_t auxv_count;
};

struct stack_places {
	u64 sp, arg_start, arg_end, env_start, env_end;
};

/* Bytes that stack_build will use at most. */
size_t stack_size(const struct stack_content *content);

/* Writes the stack that ends at address `top` (16-byte aligned); `memory` is where that end is now. */
void stack_build(char *memory, u64 top, const struct stack_content *content, struct stack_places *places);

/* How many bytes `count` strings take; 0 with *ok false if they run beyond `size`. */
size_t strings_size(const char *strings, size_t size, unsigned int count, bool *ok);

#endif
