#include "kernel/trace.h"
#include "kernel/thread.h"
#include "kernel/arch.h"
#include "kernel/log.h"
#include "lib/options.h"
#include "lib/string.h"

#define TRACE_ENTRIES 1024

u32 trace_mask;
static struct {
	u64 ns, principal, a, b;
	u32 class;
} ring[TRACE_ENTRIES];
static u64 next;

static const struct {
	const char *name;
	u32 class;
} classes[] = {
	{ "syscall", TRACE_SYSCALL }, { "ipc", TRACE_IPC }, { "fault", TRACE_FAULT },
	{ "switch", TRACE_SWITCH },   { "irq", TRACE_IRQ }, { "user", TRACE_USER },
};

void trace_add(u32 class, u64 principal, u64 a, u64 b)
{
	unsigned i = next++ % TRACE_ENTRIES;

	ring[i].ns = arch_clock_ns();
	ring[i].principal = principal & PRINCIPAL_MASK;
	ring[i].a = a;
	ring[i].b = b;
	ring[i].class = class;
}

static const char *class_name(u32 class)
{
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].class == class)
			return classes[i].name;
	return "?";
}

void trace_dump(void)
{
	u64 first = next > TRACE_ENTRIES ? next - TRACE_ENTRIES : 0;

	if (!next)
		return;
	klog(LOG_ERROR, "trace: %lu events, the last %lu:", (unsigned long)next, (unsigned long)(next - first));
	for (u64 n = first; n < next; n++) {
		unsigned i = n % TRACE_ENTRIES;

		klog(LOG_ERROR, "  %10lu ns %-7s thread %lx: %lx %lx", (unsigned long)ring[i].ns, class_name(ring[i].class),
		     (unsigned long)ring[i].principal, (unsigned long)ring[i].a, (unsigned long)ring[i].b);
	}
}

/* What is traced takes no fast path. */
void trace_set(u32 mask)
{
	trace_mask = mask;
	for (unsigned i = 0; i < core_count; i++)
		cores[i]->general = (cores[i]->general & ~GENERAL_TRACE) | (mask ? GENERAL_TRACE : 0);
}

static bool is_word(const char *at, size_t length, const char *word)
{
	return strlen(word) == length && !strncmp(at, word, length);
}

/* trace=ipc,fault or trace=all */
void trace_configure(const char *command_line)
{
	size_t left = 0, length;
	const char *at = option_value(command_line, "trace", &left);
	u32 mask = 0;

	for (; left; at += length, left -= length) {
		if (*at == ',') {
			length = 1;
			continue;
		}
		for (length = 0; length < left && at[length] != ','; length++)
			;
		for (unsigned i = 0; i < ARRAY_SIZE(classes); i++)
			if (is_word(at, length, classes[i].name) || is_word(at, length, "all"))
				mask |= classes[i].class;
	}
	trace_set(mask);
}
