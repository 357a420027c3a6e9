/*
 * Kernel calls and messages as the runtime makes them.
 *
 * rt_call fills nothing in by itself but INFO_INTERRUPTIBLE's consequence: the caller sets struct ipc (abi/native.h). Capabilities to
 * send and slots for received ones are named in the message buffer first (rt_receive_into, message->send_slot).
 */
#ifndef RUNTIME_CALL_H
#define RUNTIME_CALL_H

#include "lib/types.h"
#include "lib/errno.h"
#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"
#include "abi/file.h"
#include "runtime/thread.h"

/* The bare calls (entry.S); results are enum kernel_error. */
long kcall_ipc(unsigned long number, struct ipc *ipc);
long kcall_object(unsigned long number, unsigned long a[8]);

#define CPTR_ROOT (CPTR_SYSTEM | SLOT_ROOT)

/* The errno of a kernel call that failed: K_INTERRUPTED -> -ERESTARTSYS; K_INVALID_CAP, K_PEER_DEAD and the like -> -EIO; 0 -> 0. */
long kernel_errno(long error);

/*
 * A Call. 0 or a negative errno as kernel_errno; -EBADF instead of -EIO is the caller's business. On 0 ipc holds the reply. Received capabilities: the reply's
 * INFO_CAPS tells how many came. recv_slot[] is back to "take none" afterwards.
 */
long rt_call(struct ipc *ipc);

/* rt_call, then the reply's m[0]: a result >= 0 or the peer's negative errno. -EINTR from the peer becomes -ERESTARTSYS. */
long rt_request(struct ipc *ipc);

/* The same with up to five words; the reply's words are lost but m[0]. Not interruptible. */
long rt_root(unsigned label, unsigned long m0, unsigned long m1, unsigned long m2, unsigned long m3, unsigned long m4);

/* For the next rt_call only: the i-th received capability goes to this cptr (a files-CNode number or CPTR_SYSTEM | slot). */
static inline void rt_receive_into(struct thread_record *t, unsigned i, unsigned long cptr)
{
	thread_message(t)->recv_slot[i] = cptr;
}

/* Names the i-th buffer of the next call's window; the info word must carry INFO_WINDOWS(n). */
static inline void rt_window(struct thread_record *t, unsigned i, unsigned long base, unsigned long length)
{
	thread_message(t)->window[i] = (struct message_window){ base, length };
}

/* Capabilities: of the own CNodes. 0 or negative errno. `cptr` as in messages. */
long cap_delete(unsigned long cptr);
long cap_copy(unsigned long to, unsigned long from);
long cap_copy_badged(unsigned long to, unsigned long from, unsigned rights, unsigned long badge); /* Notifications */
long cap_move(unsigned long to, unsigned long from);

/*
 * The thread's own Notification. Bit 0 (NOTIFY_WAKE) is the runtime's: locks and futexes. Others are free for poll: cap_copy_badged of
 * thread_notification(t) with the bit as badge gives what a server is armed with.
 * rt_wait returns once any bit of `wanted` is set, clears those, keeps the others in t->notified: the bits, or -ERESTARTSYS (if
 * interruptible), or -ETIMEDOUT (deadline 0: none; DEADLINE_NOW: only look).
 */
#define NOTIFY_WAKE 1ul
#define NOTIFY_BITS (~(1ul << 63))
long rt_wait(struct thread_record *t, unsigned long wanted, bool interruptible, unsigned long deadline);
static inline unsigned long thread_notification(struct thread_record *t)
{
	return CPTR_SYSTEM | (SLOT_THREADS + t->index);
}

/* Clocks, from the clock page. */
unsigned long clock_monotonic(void); /* ns since boot; deadlines are in this clock */
unsigned long clock_realtime(void);

/* A line in the system's log (PROC_LOG). level: 0 error, 1 warning, 2 notice, 3 debug. */
void rt_log(unsigned level, const char *format, ...) __printf(2, 3);

#endif
