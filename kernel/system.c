/* The System capability: log, counters, trace, the end of the machine. Root holds it. */
#include "kernel/calls.h"
#include "kernel/frame.h"
#include "kernel/trace.h"

u64 object_count[OBJECT_TYPE_COUNT], object_bytes[OBJECT_TYPE_COUNT];

#define LOG_LINE_MAX 512

static bool may(struct thread *t, int *err)
{
	return lookup(t, arg0(t), OBJECT_SYSTEM, 0, err) != NULL;
}

/* System, length, level */
int call_system_log(struct thread *t)
{
	int err = K_OK;
	u64 length = arg1(t);
	char line[LOG_LINE_MAX];

	if (!may(t, &err))
		return err;
	if (length > LOG_LINE_MAX || !t->message_low || arg2(t) > LOG_DEBUG)
		return K_INVALID_ARG;
	message_data_read(t, 0, line, length);
	klog(arg2(t), "%.*s", (int)length, line);
	return K_OK;
}

int call_system_info(struct thread *t)
{
	int err = K_OK;
	struct system_info info = { 0 };

	if (!may(t, &err))
		return err;
	if (!t->message_low)
		return K_INVALID_ARG;
	for (unsigned i = 0; i < OBJECT_TYPE_COUNT; i++) {
		info.object_count[i] = object_count[i];
		info.object_bytes[i] = object_bytes[i];
	}
	info.frames_counted = frames_counted_total;
	for (unsigned i = 0; i < core_count; i++) {
		u64 fast = cores[i]->kernel_entries - cores[i]->general_entries - cores[i]->threads_kept; /* switches */

		info.kernel_entries += cores[i]->kernel_entries;
		info.address_space_switches += fast - cores[i]->spaces_kept + cores[i]->address_space_switches;
		info.bytes_copied += cores[i]->bytes_copied;
		info.context_switches += fast + cores[i]->context_switches;
		info.core_idle_ns[i] = arch_ticks_ns(thread_ticks(cores[i]->idle));
		info.idle_ns += info.core_idle_ns[i];
	}
	info.core_count = core_count;
	info.uptime_ns = arch_clock_ns();
	info.memory_bytes = machine.ram_bytes;
	message_data_write(t, 0, &info, sizeof(info));
	return K_OK;
}

int call_system_trace(struct thread *t)
{
	int err = K_OK;

	if (may(t, &err))
		trace_set(arg1(t));
	return err;
}

int call_system_trace_dump(struct thread *t)
{
	int err = K_OK;

	if (may(t, &err))
		trace_dump();
	return err;
}

int call_system_trace_add(struct thread *t)
{
	int err = K_OK;

	if (may(t, &err))
		TRACE(TRACE_USER, arg1(t), arg2(t), arg3(t));
	return err;
}

int call_system_exit(struct thread *t)
{
	int err = K_OK;

	if (!may(t, &err))
		return err;
	if (arg1(t) == 0x100)
		arch_restart();
	arch_exit(arg1(t) & 0xff);
}

int call_system_set_clock(struct thread *t)
{
	int err = K_OK;

	if (!may(t, &err))
		return err;
	arch_clock_page.seq++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	arch_clock_page.realtime_base = arg1(t);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	arch_clock_page.seq++;
	return K_OK;
}
