#include "serve/log.h"

#include "lib/format.h"
#include "serve/kernel.h"

static void log_line(int level, const char *fmt, va_list args)
{
	char *line = (char *)serve_message->data;
	size_t length = snformat(line, MESSAGE_BYTES, "%s: ", serve_info()->name);
	unsigned long m[8] = { (unsigned long)level };

	length += vsnformat(line + length, MESSAGE_BYTES - length, fmt, args);
	root_call(PROC_LOG, m, (unsigned)MIN(length, (size_t)MESSAGE_BYTES - 1));
}

void serve_log(int level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_line(level, fmt, args);
	va_end(args);
}

noreturn void serve_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_line(LOG_ERROR, fmt, args);
	va_end(args);
	serve_exit(1);
}
