/*
 * The table of Linux system calls. docs/linux.md and strace= are made from it.
 *
 * A handler returns a result or a negative errno, or one of -ERESTARTSYS.. (runtime/linux/signal.h). a[0..5] are the program's
 * registers rdi rsi rdx r10 r8 r9; int arguments are their low 32 bits (the handler casts).
 */
#ifndef RUNTIME_LINUX_TABLE_H
#define RUNTIME_LINUX_TABLE_H

#include "lib/types.h"
#include "runtime/thread.h"

typedef long linux_handler(struct thread_record *t, const unsigned long a[6]);

enum linux_status { CALL_ABSENT, CALL_PARTIAL, CALL_DONE };

/*
 * format: a character an argument for strace=: d int, u unsigned, x hexadecimal, p pointer, s string, l long, o octal,
 * f descriptor, S signal, b buffer of the result's length (a read), B buffer of the next argument's length (a write), v argv
 */
struct linux_call {
	const char *name;
	linux_handler *handler; /* NULL: ENOSYS, logged once a program */
	const char *format;
	const char *note;       /* what is missing; NULL: nothing */
	enum linux_status status;
};

#define LINUX_CALL_MAX 512
extern const struct linux_call linux_calls[LINUX_CALL_MAX] __attribute__((visibility("hidden")));

/* strace.c */
void trace_enter(struct thread_record *t);
void trace_exit(struct thread_record *t, long result);

#endif
