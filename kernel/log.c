#include "kernel/log.h"
#include "kernel/arch.h"
#include "kernel/symbols.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "lib/format.h"
#include "lib/options.h"
#include "lib/string.h"

#define BACKTRACE_MAX 32
#define EXIT_PANIC 0x7f

enum log_level log_threshold = LOG_INFO;
static u32 panicking; /* the core that does, counted from 1 */

static const struct {
	const char *name;
	enum log_level level;
} level_names[] = {
	{ "error", LOG_ERROR }, { "warning", LOG_WARNING }, { "quiet", LOG_WARNING }, { "info", LOG_INFO }, { "debug", LOG_DEBUG },
};

/* log=LEVEL */
void log_init(const char *command_line)
{
	size_t length;
	const char *value = option_value(command_line, "log", &length);

	for (unsigned i = 0; value && i < ARRAY_SIZE(level_names); i++)
		if (strlen(level_names[i].name) == length && !strncmp(value, level_names[i].name, length))
			log_threshold = level_names[i].level;
}

/* Collects a text for the console; a terminal wants \r before \n. */
struct collector {
	char text[64];
	unsigned used;
};

static void collector_flush(struct collector *c)
{
	arch_console_write(c->text, c->used);
	c->used = 0;
}

static void collect(void *context, const char *text, size_t length)
{
	struct collector *c = context;

	for (; length; length--, text++) {
		if (c->used + 2 > sizeof(c->text))
			collector_flush(c);
		if (*text == '\n')
			c->text[c->used++] = '\r';
		c->text[c->used++] = *text;
	}
}

void klog_write(const char *text, size_t length)
{
	struct collector c = { .used = 0 };

	collect(&c, text, length);
	collector_flush(&c);
}

static __printf(2, 3) void collect_format(struct collector *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vformat(collect, c, format, args);
	va_end(args);
}

static __printf(2, 0) void log_line(const char *prefix, const char *format, va_list args)
{
	struct collector c = { .used = 0 };
	u64 us = arch_clock_ns() / 1000;

	collect_format(&c, "[%4lu.%06lu] %s", us / 1000000, us % 1000000, prefix);
	vformat(collect, &c, format, args);
	collect(&c, "\n", 1);
	collector_flush(&c);
}

void klog(enum log_level level, const char *format, ...)
{
	static const char *const prefix[] = { "error: ", "warning: ", "", "" };
	va_list args;

	if (level > log_threshold)
		return;
	va_start(args, format);
	log_line(prefix[level], format, args);
	va_end(args);
}

/* A line of a panic's report: whatever the threshold. */
static __printf(1, 2) void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("", format, args);
	va_end(args);
}

static void print_address(u64 address)
{
	u64 offset;
	const char *name = symbol_name(address, &offset);

	if (name)
		say("  %016lx %s+0x%lx", address, name, offset);
	else
		say("  %016lx", address);
}

/* Frame pointers: each points to the caller's, with the return address above it. */
static void print_backtrace(u64 rip, u64 rbp)
{
	say("backtrace:");
	print_address(rip);
	for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
		const u64 *frame = (const u64 *)rbp;

		if (rbp % 8 || !arch_is_stack(rbp) || !arch_is_stack(rbp + 8) || !frame[1])
			return;
		print_address(frame[1] - 1); /* in the call, which may be its function's last instruction */
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}

static void print_thread(const struct thread *t)
{
	const struct gate_frame *f = &t->frame;

	say("current thread %lx, entered by vector %lu, error %lx, address %lx", t->principal, f->vector, f->error,
	     f->address);
	say("  rip %016lx rsp %016lx rflags %lx cs %lx ss %lx", f->rip, f->rsp, f->rflags, f->cs, f->ss);
	say("  rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
	say("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx", f->rsi, f->rdi, f->rbp, f->r8);
	say("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx", f->r9, f->r10, f->r11, f->r12);
	say("  r13 %016lx r14 %016lx r15 %016lx", f->r13, f->r14, f->r15);
	say("  fs %lx gs %lx (as of its last switch)", t->fs_base, t->gs_base);
}

static noreturn __printf(3, 0) void panic_report(u64 rip, u64 rbp, const char *format, va_list args)
{
	const struct core *core = this_core();
	u32 first = 0;

	if (!__atomic_compare_exchange_n(&panicking, &first, core->number + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		if (first != core->number + 1)
			arch_halt(); /* one report at a time */
		print_address(rip); /* the report itself failed: say only where */
		arch_exit(EXIT_PANIC);
	}
	arch_stop_other_cores();
	say("PANIC on core %u:", core->number);
	log_line("", format, args);
	print_backtrace(rip, rbp);
	if (core->current)
		print_thread(core->current);
	trace_dump();
	arch_exit(EXIT_PANIC);
}

void panic_at(u64 rip, u64 rbp, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	panic_report(rip, rbp, format, args);
}

void panic(const char *format, ...)
{
	const u64 *frame = __builtin_frame_address(0);
	va_list args;

	va_start(args, format);
	panic_report(frame[1] - 1, frame[0], format, args);
}
