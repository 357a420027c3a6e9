/* Lines for the system's log. */
#ifndef SERVE_LOG_H
#define SERVE_LOG_H

#include "lib/types.h"

#define LOG_ERROR   3
#define LOG_WARNING 4
#define LOG_INFO    6
#define LOG_DEBUG   7

/* One line, without the line end; the service's name is put before it. Overwrites serve_message->data. */
void serve_log(int level, const char *fmt, ...) __printf(2, 3);
/* The same, then the server ends; root starts it anew or reports that it cannot. */
noreturn void serve_fail(const char *fmt, ...) __printf(1, 2);

#endif
