/* Root's log lines and assertions; they go to the kernel log. */
#ifndef ROOT_LOG_H
#define ROOT_LOG_H

#include "lib/types.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void root_log(enum log_level level, const char *format, ...) __printf(2, 3);
void root_log_text(enum log_level level, const char *text, size_t length);

/* Root cannot go on: says why and ends the machine. */
noreturn void root_panic(const char *format, ...) __printf(1, 2);

#if DEBUG
#define ROOT_ASSERT(condition) \
	do { \
		if (unlikely(!(condition))) \
			root_panic("%s:%d: assertion %s", __FILE__, __LINE__, #condition); \
	} while (0)
#else
#define ROOT_ASSERT(condition) ((void)sizeof(condition))
#endif

/* A kernel call that can fail only by a bug of root's. */
#define MUST(call) \
	do { \
		long must_ = (call); \
		if (unlikely(must_)) \
			root_panic("%s:%d: %s: kernel error %ld", __FILE__, __LINE__, #call, must_); \
	} while (0)

#endif
