/* Lines for the system's log. */
#ifndef SERVE_LOG_H
#define SERVE_LOG_H

#include "lib/types.h"

/* PROC_LOG's levels, which are the kernel's. */
#define LOG_ERROR   0
#define LOG_WARNING 1
#define LOG_INFO    2
#define LOG_DEBUG   3

/* One line, without the line end; the service's name is put before it. Overwrites serve_message->data. */
void serve_log(int level, const char *fmt, ...) __printf(2, 3);
/* The same, then the server ends; root starts it anew or reports that it cannot. */
noreturn void serve_fail(const char *fmt, ...) __printf(1, 2);

#endif
