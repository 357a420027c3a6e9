/* The kernel's log: serial COM1, polled, with levels; panic with backtrace. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "lib/types.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

extern enum log_level log_threshold; /* boot option log=error|warning|info|debug; quiet = warning */
void klog(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void klog_write(const char *text, size_t length); /* raw */

/* Message, current thread and its registers, symbolised backtrace, trace ring; then arch_exit. */
noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for what a frame pointer and instruction pointer elsewhere say. */
noreturn void panic_at(u64 rip, u64 rbp, const char *format, ...) __attribute__((format(printf, 3, 4)));

void log_init(const char *command_line);

#if DEBUG
#define ASSERT(condition) \
	do { \
		if (unlikely(!(condition))) \
			panic("%s:%d: assertion %s", __FILE__, __LINE__, #condition); \
	} while (0)
#else
#define ASSERT(condition) ((void)0)
#endif

#endif
