/* futex(2). Without FUTEX_PRIVATE_FLAG the queue is root's, keyed by memory object and offset; and always where priorities are inherited. */
#include <linux/futex.h>
#include <linux/time.h>

#include "runtime/call.h"
#include "runtime/linux/futex.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/time_value.h"
#include "runtime/uaccess.h"

static long wait_any(struct thread_record *t, bool shared, uaddr_t address, u32 expected, u32 bitset, unsigned long deadline)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_FUTEX_WAIT, 0) | INFO_INTERRUPTIBLE };

	if (!shared)
		return futex_wait(t, address, expected, bitset, deadline);
	ipc.m[0] = address;
	ipc.m[1] = expected;
	ipc.m[2] = deadline;
	ipc.m[3] = bitset;
	return rt_request(&ipc);
}

/* A shared futex is named by the page it lies in, which must be there; a private one by its address alone. */
static bool page_missing(uaddr_t address)
{
	u32 value;

	return !(address & 3) && get_user(value, address);
}

static long wake_any(bool shared, uaddr_t address, int count, u32 bitset)
{
	unsigned n = count < 0 ? 0x7fffffff : (unsigned)count;

	if (shared && page_missing(address))
		return -EFAULT;
	return shared ? rt_root(PROC_FUTEX_WAKE, address, n, bitset, 0, 0) : futex_wake(address, n, bitset);
}

static long wait_restart(struct thread_record *t, struct restart_block *r)
{
	long result = wait_any(t, r->a[0], r->a[1], (u32)r->a[2], (u32)r->a[3], r->deadline);

	return result == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : result;
}

/* The deadline of FUTEX_WAIT (relative) or FUTEX_WAIT_BITSET (absolute, of one of two clocks). */
static long wait_deadline(uaddr_t timeout, bool absolute, bool realtime, unsigned long *deadline)
{
	struct __kernel_timespec v;
	unsigned long ns, base;

	if (!absolute)
		return deadline_after_user(timeout, deadline);
	if (get_user(v, timeout))
		return -EFAULT;
	if (!timespec_ns(&v, &ns))
		return -EINVAL;
	base = realtime ? clock_realtime() - clock_monotonic() : 0;
	*deadline = ns > base + 1 ? ns - base : DEADLINE_NOW;
	return 0;
}

static long call_wait(struct thread_record *t, const unsigned long a[6], bool shared, bool bitset_call)
{
	u32 bitset = bitset_call ? (u32)a[5] : FUTEX_BITSET_MATCH_ANY;
	unsigned long deadline = 0;
	long result;

	if (!bitset)
		return -EINVAL;
	if (a[3]) {
		result = wait_deadline(a[3], bitset_call, a[1] & FUTEX_CLOCK_REALTIME, &deadline);
		if (result)
			return result;
	}
	result = wait_any(t, shared, a[0], (u32)a[2], bitset, deadline);
	if (result != -ERESTARTSYS || !deadline)
		return result;
	t->restart = (struct restart_block){ .call = wait_restart, .deadline = deadline, .a = { shared, a[0], (u32)a[2], bitset } };
	return -ERESTART_RESTARTBLOCK;
}

static long call_requeue(const unsigned long a[6], bool shared, bool compare)
{
	int wake = (int)a[2], move = (int)a[3];
	unsigned moved;
	long woken;

	if (wake < 0 || move < 0 || a[4] & 3)
		return -EINVAL;
	if (shared && (page_missing(a[0]) || page_missing(a[4])))
		return -EFAULT;
	if (shared) {
		struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_FUTEX_REQUEUE, 0) };

		ipc.m[0] = a[0];
		ipc.m[1] = (unsigned)wake;
		ipc.m[2] = (unsigned)move;
		ipc.m[3] = a[4];
		ipc.m[4] = compare;
		ipc.m[5] = (u32)a[5];
		return rt_request(&ipc);
	}
	woken = futex_requeue(a[0], (unsigned)wake, (unsigned)move, a[4], compare, (u32)a[5], &moved);
	return woken < 0 ? woken : woken + (long)moved; /* Linux counts both, whatever its manual says of FUTEX_REQUEUE */
}

/* ---- FUTEX_WAKE_OP ---- */

static int sign_extend_12(u32 x)
{
	return (int)(x << 20) >> 20;
}

static bool wake_op_value(u32 op, u32 argument, u32 old, u32 *value)
{
	switch (op) {
	case FUTEX_OP_SET: *value = argument; return true;
	case FUTEX_OP_ADD: *value = old + argument; return true;
	case FUTEX_OP_OR: *value = old | argument; return true;
	case FUTEX_OP_ANDN: *value = old & ~argument; return true;
	case FUTEX_OP_XOR: *value = old ^ argument; return true;
	default: return false;
	}
}

static bool wake_op_compare(u32 compare, int old, int argument, bool *result)
{
	switch (compare) {
	case FUTEX_OP_CMP_EQ: *result = old == argument; return true;
	case FUTEX_OP_CMP_NE: *result = old != argument; return true;
	case FUTEX_OP_CMP_LT: *result = old < argument; return true;
	case FUTEX_OP_CMP_LE: *result = old <= argument; return true;
	case FUTEX_OP_CMP_GT: *result = old > argument; return true;
	case FUTEX_OP_CMP_GE: *result = old >= argument; return true;
	default: return false;
	}
}

static long call_wake_op(const unsigned long a[6], bool shared)
{
	u32 code = (u32)a[5], op = code >> 28 & 7, argument = (u32)sign_extend_12(code >> 12 & 0xfff), old, seen, value;
	int compare_with = sign_extend_12(code & 0xfff);
	bool second;
	long woken, more;

	if (code >> 28 & FUTEX_OP_OPARG_SHIFT)
		argument = 1u << (argument & 31);
	if (a[4] & 3)
		return -EINVAL;
	if (user_load32(a[4], &old))
		return -EFAULT;
	for (;; old = seen) {
		if (!wake_op_value(op, argument, old, &value))
			return -ENOSYS;
		if (user_cmpxchg32(a[4], old, value, &seen))
			return -EFAULT;
		if (seen == old)
			break;
	}
	if (!wake_op_compare(code >> 24 & 15, (int)old, compare_with, &second))
		return -ENOSYS;
	woken = wake_any(shared, a[0], (int)a[2], FUTEX_BITSET_MATCH_ANY);
	if (woken < 0 || !second)
		return woken;
	more = wake_any(shared, a[4], (int)a[3], FUTEX_BITSET_MATCH_ANY);
	return more < 0 ? more : woken + more;
}

/* ---- priority inheritance: root's, which knows priorities and whose end leaves a lock behind ---- */

static long call_lock(const unsigned long a[6], bool try, bool realtime)
{
	unsigned long deadline = 0;
	long error = a[3] && !try ? wait_deadline(a[3], true, realtime, &deadline) : 0;
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_FUTEX_LOCK_PI, 0) | INFO_INTERRUPTIBLE, .m = { a[0], deadline, try } };

	if (error)
		return error;
	error = rt_request(&ipc);
	return error == -ERESTARTSYS ? -ERESTARTNOINTR : error;
}

static long call_wait_requeue(const unsigned long a[6], bool realtime)
{
	unsigned long deadline = 0;
	long error = a[3] ? wait_deadline(a[3], true, realtime, &deadline) : 0;
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_FUTEX_WAIT, 0) | INFO_INTERRUPTIBLE,
			   .m = { a[0], (u32)a[2], deadline, FUTEX_BITSET_MATCH_ANY, a[4] } };

	if (error)
		return error;
	if (a[4] & 3 || a[4] == a[0])
		return -EINVAL;
	if (!a[4] || !user_range_ok(a[4], 4))
		return -EFAULT;
	error = rt_request(&ipc);
	return error == -ERESTARTSYS ? -ERESTARTNOINTR : error;
}

static long call_requeue_to_lock(const unsigned long a[6])
{
	int wake = (int)a[2], move = (int)a[3];

	if (wake != 1 || move < 0 || a[4] & 3 || a[4] == a[0])
		return -EINVAL;
	if (!user_range_ok(a[4], 4))
		return -EFAULT;
	return rt_root(PROC_FUTEX_REQUEUE_PI, a[0], (unsigned)move, a[4], (u32)a[5], 0);
}

static bool takes_realtime(unsigned command)
{
	return command == FUTEX_WAIT_BITSET || command == FUTEX_WAIT_REQUEUE_PI || command == FUTEX_LOCK_PI2;
}

long linux_futex(struct thread_record *t, const unsigned long a[6])
{
	unsigned op = (unsigned)a[1];
	bool shared = !(op & FUTEX_PRIVATE_FLAG);

	if (a[0] & 3)
		return -EINVAL;
	if (!user_range_ok(a[0], 4))
		return -EFAULT;
	if (op & FUTEX_CLOCK_REALTIME && !takes_realtime(op & FUTEX_CMD_MASK))
		return -ENOSYS;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT: return call_wait(t, a, shared, false);
	case FUTEX_WAIT_BITSET: return call_wait(t, a, shared, true);
	case FUTEX_WAKE: return wake_any(shared, a[0], (int)a[2], FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET: return (u32)a[5] ? wake_any(shared, a[0], (int)a[2], (u32)a[5]) : -EINVAL;
	case FUTEX_REQUEUE: return call_requeue(a, shared, false);
	case FUTEX_CMP_REQUEUE: return call_requeue(a, shared, true);
	case FUTEX_WAKE_OP: return call_wake_op(a, shared);
	case FUTEX_LOCK_PI: return call_lock(a, false, true);
	case FUTEX_LOCK_PI2: return call_lock(a, false, op & FUTEX_CLOCK_REALTIME);
	case FUTEX_TRYLOCK_PI: return call_lock(a, true, false);
	case FUTEX_UNLOCK_PI: return rt_root(PROC_FUTEX_UNLOCK_PI, a[0], 0, 0, 0, 0);
	case FUTEX_WAIT_REQUEUE_PI: return call_wait_requeue(a, op & FUTEX_CLOCK_REALTIME);
	case FUTEX_CMP_REQUEUE_PI: return call_requeue_to_lock(a);
	default:
		rt_log(2, "futex: operation %u is not there", op & FUTEX_CMD_MASK);
		return -ENOSYS;
	}
}
