#include "runtime/call.h"

#include "lib/format.h"
#include "lib/string.h"
#include "runtime/linux/signal.h"

long kernel_errno(long error)
{
	switch (error) {
	case K_OK: return 0;
	case K_INTERRUPTED: return -ERESTARTSYS;
	case K_TIMEOUT: return -ETIMEDOUT;
	case K_NO_MEMORY:
	case K_NO_TABLES: return -ENOMEM;
	case K_FAULT: return -EFAULT;
	case K_INVALID_ARG: return -EINVAL;
	case K_OCCUPIED:
	case K_BUSY: return -EBUSY;
	case K_NO_RIGHT: return -EPERM;
	default: return -EIO; /* the slot is empty, the server died: the file is lost */
	}
}

static void receive_nothing(struct message_buffer *message)
{
	for (unsigned i = 0; i < MESSAGE_CAPS; i++)
		message->recv_slot[i] = SLOT_NONE;
}

long rt_call(struct ipc *ipc)
{
	long error = kcall_ipc(KCALL_call, ipc);

	receive_nothing(thread_message(current()));
	return kernel_errno(error);
}

long rt_request(struct ipc *ipc)
{
	long error = rt_call(ipc);

	if (error)
		return error;
	return (long)ipc->m[0] == -EINTR ? -ERESTARTSYS : (long)ipc->m[0];
}

long rt_root(unsigned label, unsigned long m0, unsigned long m1, unsigned long m2, unsigned long m3, unsigned long m4)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(label, 0), .m = { m0, m1, m2, m3, m4 } };

	return rt_request(&ipc);
}

/* Which own CNode a cptr means, and which slot there. */
static unsigned long cptr_cnode(unsigned long cptr)
{
	return cptr & CPTR_SYSTEM ? CPTR_SYSTEM | SLOT_SYSTEM : CPTR_FILES;
}

static unsigned long cptr_slot(unsigned long cptr)
{
	return cptr & ~(unsigned long)CPTR_SYSTEM;
}

long cap_delete(unsigned long cptr)
{
	unsigned long a[8] = { cptr_cnode(cptr), cptr_slot(cptr) };

	return kernel_errno(kcall_object(KCALL_cap_delete, a));
}

long cap_copy_badged(unsigned long to, unsigned long from, unsigned rights, unsigned long badge)
{
	unsigned long a[8] = { cptr_cnode(to), cptr_slot(to), cptr_cnode(from), cptr_slot(from), rights, badge };

	return kernel_errno(kcall_object(KCALL_cap_copy, a));
}

long cap_copy(unsigned long to, unsigned long from)
{
	return cap_copy_badged(to, from, RIGHT_ALL, 0);
}

long cap_move(unsigned long to, unsigned long from)
{
	unsigned long a[8] = { cptr_cnode(to), cptr_slot(to), cptr_cnode(from), cptr_slot(from) };

	return kernel_errno(kcall_object(KCALL_cap_move, a));
}

long rt_wait(struct thread_record *t, unsigned long wanted, bool interruptible, unsigned long deadline)
{
	for (;;) {
		unsigned long hit = t->notified & wanted;
		struct ipc ipc = { .target = thread_notification(t), .info = interruptible ? INFO_INTERRUPTIBLE : 0, .deadline = deadline };
		long error;

		if (hit) {
			t->notified &= ~hit;
			return (long)hit;
		}
		error = kcall_ipc(KCALL_wait, &ipc);
		if (error)
			return kernel_errno(error);
		t->notified |= ipc.m[0] & NOTIFY_BITS;
	}
}

/* ---- clocks ---- */

static unsigned long clock_ticks(void)
{
	unsigned low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (unsigned long)high << 32 | low;
}

/* The monotonic time; *base is the realtime at its zero. */
static unsigned long clock_read(unsigned long *base)
{
	const volatile struct clock_page *page = (const volatile struct clock_page *)GATE_CLOCK;
	unsigned long ns;
	unsigned seq;

	do {
		while ((seq = __atomic_load_n(&page->seq, __ATOMIC_ACQUIRE)) & 1)
			__builtin_ia32_pause();
		ns = (unsigned long)(((unsigned __int128)(clock_ticks() - page->tsc_base) * page->mult) >> 32);
		*base = page->realtime_base;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (page->seq != seq);
	return ns;
}

unsigned long clock_monotonic(void)
{
	unsigned long base;

	return clock_read(&base);
}

unsigned long clock_realtime(void)
{
	unsigned long base, ns = clock_read(&base);

	return ns + base;
}

/* ---- the log ---- */

void rt_log(unsigned level, const char *format, ...)
{
	struct message_buffer *message = thread_message(current());
	struct ipc ipc = { .target = CPTR_ROOT, .m = { level } };
	va_list args;
	size_t length;

	va_start(args, format);
	length = vsnformat((char *)message->data, 1024, format, args);
	va_end(args);
	ipc.info = INFO(PROC_LOG, MIN(length, (size_t)1023));
	rt_call(&ipc);
}
