#include "serve/kernel.h"

#include "abi/gate.h"
#include "lib/errno.h"

struct message_buffer *serve_message;

static const struct native_api *native(void)
{
	return (const struct native_api *)GATE_NATIVE;
}

long kernel_ipc(unsigned long number, struct ipc *ipc)
{
	return native()->ipc(number, ipc);
}

long kernel_object(unsigned long number, unsigned long arguments[8])
{
	return native()->object(number, arguments);
}

unsigned long kernel_monotonic(void)
{
	return native()->monotonic();
}

unsigned long kernel_realtime(void)
{
	return native()->realtime();
}

const struct process_info *serve_info(void)
{
	return (const struct process_info *)GATE_INFO;
}

long kernel_signal(unsigned slot)
{
	struct ipc ipc = { .target = CPTR_SYSTEM | slot };

	return kernel_ipc(KCALL_signal, &ipc);
}

long kernel_slot_delete(unsigned slot)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_SYSTEM, slot };

	return kernel_object(KCALL_cap_delete, a);
}

/* ---- Handles are made of the pool that had room last, of another, or of a new one ---- */

static unsigned pool_slots[SERVICE_POOLS_MAX] = { SLOT_POOL };
static unsigned pool_count = 1, pool_at;

static bool pool_add(void)
{
	unsigned slot = pool_count < SERVICE_POOLS_MAX ? slot_take() : 0;

	if (!slot)
		return false;
	if (root_call3(PROC_POOL_NEEDED, slot, 0, 0) < 0) {
		slot_free(slot);
		return false;
	}
	pool_at = pool_count;
	pool_slots[pool_count++] = slot;
	return true;
}

bool kernel_next_pool(u16 *tried)
{
	if (++*tried < pool_count)
		pool_at = (pool_at + 1) % pool_count;
	else if (!pool_add())
		return false;
	serve_message->mint_pool = CPTR_SYSTEM | pool_slots[pool_at];
	return true;
}

/* The own page at `address` is not mapped yet (memory comes when it is touched, and the kernel's copy does not wait for that). */
static void touch_own(unsigned long address, bool write)
{
	if (write)
		__atomic_fetch_or((unsigned char *)address, 0, __ATOMIC_RELAXED);
	else
		(void)*(volatile unsigned char *)address;
}

/* A copy call, its values in *done and *touch. The stack's red zone is left alone. */
static inline long copy_call(unsigned reply_slot, unsigned long direction, u64 window_offset, unsigned long own, size_t length, size_t *done, unsigned long *touch)
{
	register unsigned long r8 __asm__("r8") = own;
	register unsigned long r9 __asm__("r9") = length;
	register unsigned long r10 __asm__("r10") = 0;
	long number = KCALL_copy;

	__asm__ volatile("add $-128, %%rsp; movabs %[enter], %%rcx; call *%%rcx; sub $-128, %%rsp"
			 : "+a"(number), "+d"(window_offset), "+r"(r8), "+r"(r9), "+r"(r10)
			 : "D"((unsigned long)reply_slot), "S"(direction), [enter] "i"(GATE_ENTER)
			 : "rcx", "r11", "memory", "cc");
	*done = window_offset;
	*touch = r8;
	return number;
}

static inline size_t copy(unsigned reply_slot, unsigned long direction, u64 window_offset, void *own, size_t length, unsigned long *touch)
{
	size_t done = 0;

	for (;;) {
		size_t part;
		unsigned long address;
		long error = copy_call(reply_slot, direction, window_offset + done, (unsigned long)own + done, length - done, &part, &address);

		*touch = error == K_PARTIAL ? address : 0;
		if (error == K_GONE || error == K_INVALID_CAP || error == K_WRONG_TYPE)
			return done;
		done += MIN(part, length - done);
		if (likely(error != K_FAULT))
			return done;
		touch_own((unsigned long)own + done, direction == COPY_IN);
	}
}

size_t kernel_copy_out(unsigned reply_slot, u64 window_offset, const void *from, size_t length, unsigned long *touch)
{
	return copy(reply_slot, COPY_OUT, window_offset, (void *)from, length, touch);
}

size_t kernel_copy_in(unsigned reply_slot, u64 window_offset, void *to, size_t length, unsigned long *touch)
{
	return copy(reply_slot, COPY_IN, window_offset, to, length, touch);
}

long root_call(unsigned label, unsigned long m[8], unsigned bytes)
{
	struct ipc ipc = { .target = CPTR_SYSTEM | SLOT_ROOT, .info = INFO(label, bytes) };

	for (int i = 0; i < 8; i++)
		ipc.m[i] = m[i];
	if (kernel_ipc(KCALL_call, &ipc) != K_OK)
		return -EIO;
	for (int i = 0; i < 8; i++)
		m[i] = ipc.m[i];
	return (long)m[0];
}

long root_call3(unsigned label, unsigned long a, unsigned long b, unsigned long c)
{
	unsigned long m[8] = { a, b, c };

	return root_call(label, m, 0);
}

long root_call5(unsigned label, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
{
	unsigned long m[8] = { a, b, c, d, e };

	return root_call(label, m, 0);
}

/* ---- slots ---- */

#define SLOTS_MAX 16384

static unsigned short free_slots[SLOTS_MAX];
static unsigned free_count, next_unused;

unsigned slot_take(void)
{
	unsigned end = MIN(serve_info()->system_slots, (unsigned)SLOTS_MAX);

	if (free_count)
		return free_slots[--free_count];
	if (!next_unused)
		next_unused = SLOT_SERVER;
	return next_unused < end ? next_unused++ : 0;
}

void slot_free(unsigned slot)
{
	free_slots[free_count++] = (unsigned short)slot;
}

/* ---- start and end ---- */

int main(void);
noreturn void serve_start(void);

noreturn void serve_exit(int status)
{
	unsigned long m[8] = { (unsigned long)(status & 0xff) << 8, 1 };

	for (;;)
		root_call(PROC_EXIT, m, 0);
}

noreturn void serve_start(void)
{
	serve_message = native()->message();
	for (int i = 0; i < MESSAGE_CAPS; i++)
		serve_message->recv_slot[i] = SLOT_NONE;
	serve_message->mint_pool = CPTR_SYSTEM | SLOT_POOL;
	serve_message->mint_endpoint = CPTR_SYSTEM | SLOT_ENDPOINT;
	serve_exit(main());
}
