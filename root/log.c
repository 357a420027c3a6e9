#include "root/log.h"

#include "lib/format.h"
#include "lib/string.h"
#include "root/kcall.h"

/* data[] may hold the message being handled, so the text goes there only for the call. */
void root_log_text(enum log_level level, const char *text, size_t length)
{
	u8 *data = root_message()->data;
	u8 saved[512];

	length = MIN(length, sizeof(saved));
	if ((const u8 *)text == data) {
		KCALL3(system_log, SYS(ROOT_SLOT_SYSTEM), length, level);
		return;
	}
	memcpy(saved, data, length);
	memcpy(data, text, length);
	KCALL3(system_log, SYS(ROOT_SLOT_SYSTEM), length, level);
	memcpy(data, saved, length);
}

static void log_line(enum log_level level, const char *prefix, const char *format, va_list args)
{
	char line[480];
	size_t n = snformat(line, sizeof(line), "%s", prefix);

	n += vsnformat(line + n, sizeof(line) - n, format, args);
	n = MIN(n, sizeof(line) - 1);
	root_log_text(level, line, n);
}

void root_log(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, "root: ", format, args);
	va_end(args);
}

void root_panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_ERROR, "root: panic: ", format, args);
	va_end(args);
	KCALL2(system_exit, SYS(ROOT_SLOT_SYSTEM), 125);
	for (;;)
		__builtin_trap();
}
