/* strace=: a line a call in the system's log, name(arguments) = result. */
#include <asm/unistd_64.h>

#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/table.h"

#define LINE_MAX   400
#define STRING_MAX 48

struct line {
	char text[LINE_MAX];
	size_t length;
};

__printf(2, 3) static void put(struct line *l, const char *format, ...)
{
	va_list args;
	size_t room = sizeof(l->text) - l->length;

	va_start(args, format);
	l->length += MIN(vsnformat(l->text + l->length, room, format, args), room - 1);
	va_end(args);
}

static void put_byte(struct line *l, unsigned char c)
{
	if (c == '\n')
		put(l, "\\n");
	else if (c == '"' || c == '\\')
		put(l, "\\%c", c);
	else if (c < 32 || c > 126)
		put(l, "\\%o", c);
	else
		put(l, "%c", c);
}

static void put_bytes(struct line *l, uaddr_t at, size_t length)
{
	unsigned char bytes[STRING_MAX];
	size_t n = MIN(length, sizeof(bytes));

	if (!at) {
		put(l, "NULL");
		return;
	}
	n -= copy_from_user_partial(bytes, at, n);
	put(l, "\"");
	for (size_t i = 0; i < n; i++)
		put_byte(l, bytes[i]);
	put(l, length > n ? "\"..." : "\"");
}

static void put_string(struct line *l, uaddr_t at)
{
	char bytes[STRING_MAX + 1];
	long n = at ? strncpy_from_user(bytes, at, sizeof(bytes)) : -1;

	if (n < 0)
		put(l, at ? "0x%lx" : "NULL", at);
	else
		put_bytes(l, at, (size_t)n);
}

static void put_argv(struct line *l, uaddr_t array)
{
	put(l, "[");
	for (unsigned i = 0; i < 8; i++, array += sizeof(uaddr_t)) {
		uaddr_t string;

		if (!array || get_user(string, array) || !string)
			break;
		if (i)
			put(l, ", ");
		put_string(l, string);
	}
	put(l, "]");
}

static void put_argument(struct line *l, char kind, const unsigned long *a, long result)
{
	switch (kind) {
	case 'd':
	case 'S':
	case 'f': put(l, "%d", (int)*a); break;
	case 'u': put(l, "%u", (unsigned)*a); break;
	case 'l': put(l, "%ld", (long)*a); break;
	case 'o': put(l, "0%lo", *a); break;
	case 's': put_string(l, *a); break;
	case 'b': put_bytes(l, *a, result > 0 ? (size_t)result : 0); break;
	case 'B': put_bytes(l, *a, a[1]); break;
	case 'v': put_argv(l, *a); break;
	case 'p':
		if (!*a) {
			put(l, "NULL");
			break;
		}
		/* fall through */
	default: put(l, "0x%lx", *a);
	}
}

static void put_call(struct line *l, const struct thread_record *t, long result)
{
	u32 number = (u32)t->number;
	const struct linux_call *call = number < LINUX_CALL_MAX && linux_calls[number].name ? &linux_calls[number] : NULL;
	const char *format = call ? call->format : "xxxxxx";

	if (call)
		put(l, "[%u] %s(", t->tid, call->name);
	else
		put(l, "[%u] call_%u(", t->tid, number);
	for (unsigned i = 0; i < 6 && format[i]; i++) {
		if (i)
			put(l, ", ");
		put_argument(l, format[i], &t->a[i], result);
	}
	put(l, ")");
}

/* Calls that may not return, or return with other memory, are shown before they are made. */
static bool shown_first(const struct thread_record *t)
{
	switch (t->number) {
	case __NR_exit: case __NR_exit_group: case __NR_execve: case __NR_execveat: case __NR_rt_sigreturn: case __NR_vfork: return true;
	default: return false;
	}
}

void trace_enter(struct thread_record *t)
{
	struct line l = { .length = 0 };

	if (!shown_first(t))
		return;
	put_call(&l, t, 0);
	rt_log(2, "%s", l.text);
}

static const char *restart_name(long result)
{
	switch (result) {
	case -ERESTARTSYS: return "ERESTARTSYS";
	case -ERESTARTNOINTR: return "ERESTARTNOINTR";
	case -ERESTARTNOHAND: return "ERESTARTNOHAND";
	case -ERESTART_RESTARTBLOCK: return "ERESTART_RESTARTBLOCK";
	default: return NULL;
	}
}

void trace_exit(struct thread_record *t, long result)
{
	struct line l = { .length = 0 };

	put_call(&l, t, result);
	if (restart_name(result))
		put(&l, " = ? %s", restart_name(result));
	else if (result < 0 && result >= -MAX_ERRNO)
		put(&l, " = -1 %s (%s)", errno_name((int)result), errno_text((int)result));
	else
		put(&l, result > 0x10000 ? " = 0x%lx" : " = %ld", result);
	rt_log(2, "%s", l.text);
}
