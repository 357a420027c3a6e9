/*
 * The kernel's interface: capabilities, calls, registers, errors.
 *
 * A kernel call is a `syscall` instruction whose return address is in the upper half of the address space; what the
 * registers hold does not matter to that test. A `syscall` from the lower half is foreign: see abi/gate.h.
 *
 * Registers
 *   rax  call number; on return an error (enum kernel_error, 0 or negative)
 *   IPC calls:     rdi capability (return: badge)   rsi info word (return: info word)
 *                  rdx r8 r9 r10 rbx r12 r13 r14    message words m[0..7], in and out
 *                  r15 reply slot (return: principal word)   rbp deadline, absolute ns of the monotonic clock, 0 none
 *   object calls:  rdi rsi rdx r8 r9 r10 rbx r12    arguments a[0..7]; return: rdx, r8 values v[0..1]
 *   rcx and r11 are overwritten; every other register is kept.
 *
 * Capability pointers. A thread has two CNodes. A cptr below CPTR_SYSTEM names a slot of its *files* CNode (slot number
 * = Linux descriptor number); CPTR_SYSTEM | n names slot n of its *system* CNode. Slot 0 of the system CNode is never used.
 * Where a CNode is wanted CPTR_FILES names the caller's own files CNode: threads of one process may have different ones.
 */
#ifndef ABI_KERNEL_H
#define ABI_KERNEL_H

/*
 * The principal word that Recv delivers: who calls, and who pays for what the call makes others do. Only root sets a thread's. A thread that
 * Calls, or faults, while the caller whose Reply it received last still waits does it for that caller: its word carries that caller's charge.
 */
#define PRINCIPAL_CHARGE_SHIFT 48
#define PRINCIPAL_MASK         ((1ul << PRINCIPAL_CHARGE_SHIFT) - 1) /* who: the same for all messages of a thread */

#define CPTR_SYSTEM 0x80000000u
#define CPTR_NULL   CPTR_SYSTEM
#define CPTR_FILES  0xffffffffu

/* name, number, text */
#define KERNEL_ERRORS(X) \
	X(OK, 0, "success") \
	X(INVALID_CAP, -1, "the slot is empty or the capability pointer names no slot") \
	X(WRONG_TYPE, -2, "the capability is of another type than the call takes") \
	X(NO_RIGHT, -3, "the capability lacks a right that the call needs") \
	X(INVALID_ARG, -4, "an argument is outside its range") \
	X(OCCUPIED, -5, "the destination slot or address is in use") \
	X(NO_MEMORY, -6, "the Untyped, pool or table has no room") \
	X(BUSY, -7, "the object is in use: frames counted, children alive, thread running") \
	X(FAULT, -8, "a user address could not be read or written") \
	X(INTERRUPTED, -9, "thread_interrupt ended the call") \
	X(TIMEOUT, -10, "the deadline passed") \
	X(PEER_DEAD, -11, "the Endpoint or the Reply was destroyed unanswered") \
	X(NO_TABLES, -12, "the VSpace's pool has no page left for a page table: top it up and repeat") \
	X(PARTIAL, -13, "stopped early; the values tell how far it came") \
	X(BAD_CALL, -14, "no such call number") \
	X(GONE, -15, "the caller behind the Reply no longer waits")

enum kernel_error {
#define X(name, number, text) K_##name = number,
	KERNEL_ERRORS(X)
#undef X
};

/* Object types, as untyped_retype and cap_identify number them. */
#define OBJECT_TYPES(X) \
	X(NULL, 0) X(UNTYPED, 1) X(CNODE, 2) X(THREAD, 3) X(ENDPOINT, 4) X(NOTIFICATION, 5) X(REPLY, 6) X(FRAME, 7) \
	X(VSPACE, 8) X(HANDLE, 9) X(HANDLE_POOL, 10) X(IRQ_CONTROL, 11) X(IRQ_HANDLER, 12) X(IO_PORT, 13) X(SYSTEM, 14) \
	X(SCHED_CONTEXT, 15)

enum object_type {
#define X(name, number) OBJECT_##name = number,
	OBJECT_TYPES(X)
#undef X
	OBJECT_TYPE_COUNT
};

/*
 * Sizes of objects in bytes as taken from an Untyped (always a power of two, naturally aligned). CNODE: 32 << size_bits
 * (slots 0 .. (1 << size_bits) - 2: one slot's room is the header); UNTYPED: 1 << size_bits; FRAME: 4096 << size_bits (pages = 1 << size_bits);
 * HANDLE_POOL: 64 << size_bits (handles = 1 << size_bits less one for the header).
 */
#define CNODE_SLOT_SIZE     32
#define THREAD_SIZE_BITS    13 /* vector state and a private copy of a forwarded message's data included */
#define ENDPOINT_SIZE_BITS  7
#define NOTIFICATION_SIZE_BITS 6
#define VSPACE_SIZE_BITS    13 /* header page and top-level table */
#define HANDLE_SIZE_BITS    6
#define SCHED_CONTEXT_SIZE_BITS 7
#define UNTYPED_MIN_BITS    6
#define UNTYPED_MAX_BITS    47

/* Rights on Endpoint and Notification capabilities; cap_copy keeps the intersection. Handles always have RIGHT_SEND only. */
#define RIGHT_SEND 1 /* Call, Forward, Signal */
#define RIGHT_RECV 2 /* Recv, Wait, handle_mint, binding */
#define RIGHT_ALL  3

/* The info word of a message. */
#define INFO_LABEL_MASK     0xffffull
#define INFO_CAPS_SHIFT     16 /* 0..4: capabilities moved from send_slot[] to the receiver's recv_slot[] */
#define INFO_CAPS_MASK      0x7ull
#define INFO_WINDOWS_SHIFT  19 /* Call: 0..16 entries of window[] that the holder of the Reply may copy through.
				* Forward: 0 drops the caller's window, anything else keeps it. Reply: unless it is 0, m[7] bytes from m[6] on
				* of the holder's memory go to the window's start before the answer, which has 0 there. Not all of them can, or
				* there are more than ANSWER_COPY_MAX: K_PARTIAL, nothing is answered, and some may have been copied. */
#define INFO_WINDOWS_MASK   0x1full
#define INFO_INTERRUPTIBLE  (1ull << 24) /* Call, Wait: thread_interrupt may end it; returns at once if the flag is set */
#define ANSWER_COPY_MAX     0x10000ul
#define INFO_FORWARDED      (1ull << 25) /* set by the kernel in what Recv gives, if the call came by Forward */
#define INFO_BYTES_SHIFT    32 /* bytes of data[] that the message carries, 0..MESSAGE_BYTES */
#define INFO_BYTES_MASK     0x1fffull
#define INFO(label, bytes)  ((unsigned long)(label) | ((unsigned long)(bytes) << INFO_BYTES_SHIFT))
#define INFO_CAPS(n)        ((unsigned long)(n) << INFO_CAPS_SHIFT)
#define INFO_WINDOWS(n)     ((unsigned long)(n) << INFO_WINDOWS_SHIFT)
#define INFO_LABEL(info)    ((unsigned)((info) & INFO_LABEL_MASK))
#define INFO_CAPS_OF(info)  ((unsigned)(((info) >> INFO_CAPS_SHIFT) & INFO_CAPS_MASK))
#define INFO_WINDOWS_OF(info) ((unsigned)(((info) >> INFO_WINDOWS_SHIFT) & INFO_WINDOWS_MASK))
#define INFO_BYTES_OF(info) ((unsigned)(((info) >> INFO_BYTES_SHIFT) & INFO_BYTES_MASK))

#define MESSAGE_WORDS   8
#define MESSAGE_BYTES   4352
#define MESSAGE_CAPS    4
#define MESSAGE_WINDOWS 16
#define CLOSED_MAX      64

/* A deadline that has always passed: Recv, Wait and Call with it return K_TIMEOUT rather than block. */
#define DEADLINE_NOW 1ull

struct message_window {
	unsigned long base; /* user address in the caller's address space */
	unsigned long len;  /* bytes */
};

/* Two pages of each thread, at thread area + THREAD_AREA_MESSAGE; the kernel reads and writes them through its own mapping. */
struct message_buffer {
	unsigned long recv_slot[MESSAGE_CAPS]; /* cptrs of empty slots for received capabilities; 0xffffffff: take none */
	unsigned long send_slot[MESSAGE_CAPS]; /* cptrs of the capabilities to move */
	struct message_window window[MESSAGE_WINDOWS];
	unsigned char data[MESSAGE_BYTES];
	/* For send_slot[i] = SEND_NEW_HANDLE in a reply: a new Handle with badge mint_badge[i], of that pool and Endpoint (cptrs, as handle_mint's). */
	unsigned long mint_pool, mint_endpoint, mint_badge[MESSAGE_CAPS];
	/*
	 * For a thread that receives. While closed_later is set and it waits, a Handle's closing does not wake it: the badge is put into closed[], and
	 * it finds it there beside the next message. The kernel sends LABEL_CLOSED after all when closed[] is full, or a core has nothing to run.
	 */
	unsigned int closed_later;
	unsigned int closed_count; /* of closed[]: the thread sets it to 0 */
	unsigned long closed[CLOSED_MAX];
};
#define SLOT_NONE 0xfffffffful
/* In send_slot[] of a reply: the Handle is made as the message goes out. Nobody takes it: it is closed. K_NO_MEMORY: the pool has no room, nothing was sent. */
#define SEND_NEW_HANDLE 0xfffffffeul
_Static_assert(__builtin_offsetof(struct message_buffer, mint_pool) == 64 + 256 + MESSAGE_BYTES, "message buffer layout");

/* Labels that only the kernel sends. */
#define LABEL_KERNEL    0xff00 /* first of them; a Call with a label from here on is K_INVALID_ARG */
#define LABEL_CLOSED    0xff00 /* badge: the last copy of that Handle is gone. No reply is expected. Or it is told by closed[] */
#define LABEL_CANCELLED 0xff01 /* m[0] reply slot: its caller was interrupted (m[1] = 0), timed out (1) or killed (2): answer it */
#define LABEL_NOTIFIED  0xff02 /* m[0] the bits of the bound Notification */
#define LABEL_FAULT     0xff03 /* page fault: m[0] address, m[1] instruction pointer, m[2] x86 error code, m[3] 1 if in the gate,
				* m[4] page table entry (0 none): physical address | VSPACE_ rights, m[5] that frame's count.
				* Answer with m[0] = FAULT_RESUME or FAULT_DELIVER */
#define FAULT_RESUME  0
#define FAULT_DELIVER 1 /* the thread enters its gate with the fault as an exception */
/* With FAULT_DELIVER, why: what is not among x86's bits of the frame's error is put into its upper half. Neither: nothing is mapped there. */
#define FAULT_REASON_ACCESS 0x100 /* mapped, but not for that access */
#define FAULT_REASON_BUS    0x200 /* past the end of the file, or no memory */
#define FAULT_ERROR_ACCESS  ((unsigned long)FAULT_REASON_ACCESS << 32)
#define FAULT_ERROR_BUS     ((unsigned long)FAULT_REASON_BUS << 32)

/*
 * The calls. name, number, what the arguments are.
 * IPC (registers as above):
 *   call        rdi Endpoint or Handle, rsi info. Blocks until answered.
 *   recv        rdi Endpoint, r15 an empty slot of the system CNode: the Reply is made there if a caller waits for an answer.
 *   reply       r15 reply slot, rsi info. Never blocks; the slot is empty afterwards (also if the caller is gone: K_GONE).
 *   reply_recv  reply on r15, then recv on rdi with the same r15. An empty reply slot: only recv.
 *   forward     r15 reply slot, rdi Endpoint or Handle to pass the caller on to, rsi info and words of the new message; no capabilities.
 *               rdi may be FORWARD_THROUGH(cptr of a CNode, slot): the capability there, in whoever's CNode it is.
 *   signal      rdi Notification: its badge is OR-ed in.
 *   wait        rdi Notification, rsi INFO_INTERRUPTIBLE or 0. v: m[0] the bits, which are cleared.
 * copy: rdi reply slot, rsi COPY_IN (from the caller's window) or COPY_OUT, rdx window offset, r8 own address, r9 length.
 *   r10 must be 0. v0 bytes copied; K_PARTIAL: v1 is the caller's address to touch; K_FAULT: own address v1 is bad (not mapped so).
 */
#define KERNEL_CALLS(X) \
	X(call, 0) X(recv, 1) X(reply, 2) X(reply_recv, 3) X(forward, 4) X(signal, 5) X(wait, 6) X(copy, 7) X(yield, 8) \
	/* rdi: GATE_RETURN_PROGRAM or GATE_RETURN_GATE: goes on with that frame of the context page, all registers. Segments and flags are made a
	 * user's. Returns K_INVALID_ARG for an instruction pointer outside the lower half (program) or the upper (gate), K_INTERRUPTED if
	 * the interrupt flag is set (program) */ \
	X(gate_return, 9) \
	/* forward, then recv on rbp (an Endpoint; there is no deadline) with the same r15. An error other than K_GONE: neither was done */ \
	X(forward_recv, 10) \
	/* untyped, type, size_bits, CNode, first slot, count: new objects in empty slots */ \
	X(untyped_retype, 16) \
	/* dst CNode, dst slot, src CNode, src slot, rights, badge (Notification copies: badge if nonzero, 32 bits) */ \
	X(cap_copy, 17) \
	/* dst CNode, dst slot, src CNode, src slot */ \
	X(cap_move, 18) \
	/* CNode, slot */ \
	X(cap_delete, 19) \
	/* CNode, slot: deletes what was derived from it; an Untyped is whole again afterwards. K_BUSY: frames counted, nothing changed.
	 * An Endpoint needs RIGHT_RECV */ \
	X(cap_revoke, 20) \
	/* dst CNode, dst slot, src CNode, src slot, count: copies what is copyable, skips the rest. v0: slots done */ \
	X(cap_copy_range, 21) \
	/* CNode, slot, count. v0: slots done */ \
	X(cap_delete_range, 22) \
	/* CNode, slot. v0: type | rights << 8, v1: Handle: badge; Notification: badge; message words m[2]=r9: kernel's id of the Endpoint */ \
	X(cap_identify, 23) \
	/* HandlePool, Endpoint (RIGHT_RECV), badge, dst cptr: a Handle in an empty slot */ \
	X(handle_mint, 24) \
	/* thread, files CNode, system CNode, VSpace, fault Endpoint, principal, priority: all set at once, only while not running */ \
	X(thread_configure, 32) \
	/* thread, area address, context page ref, message page refs (2), context index: the three pages are counted until the thread
	 * object is deleted (delete it before the pages are unmapped and they come back by vspace_unmap); see abi/gate.h */ \
	X(thread_set_area, 33) \
	/* thread, instruction pointer, stack pointer, rdi value: registers cleared, then resumed */ \
	X(thread_start, 34) \
	/* dst, src blocked in Call: registers, FS, GS, vector state; then dst is as if answered with info (a2), m[0] (a3), m[1] (a4); resumed */ \
	X(thread_fork, 35) \
	/* thread: does not run, also when answered, until thread_continue */ \
	X(thread_stop, 36) \
	X(thread_continue, 37) \
	/* thread: see abi/gate.h, "interrupts" */ \
	X(thread_interrupt, 38) \
	/* thread, Notification (RIGHT_RECV) */ \
	X(thread_bind, 39) \
	X(thread_set_priority, 40) \
	/* thread, principal */ \
	X(thread_set_principal, 41) \
	/* thread: struct thread_info in the caller's message data */ \
	X(thread_info, 42) \
	/* thread: replaces its files CNode (a1), system CNode (a2); 0 keeps */ \
	X(thread_set_cnodes, 43) \
	/* thread, mask of cores: it runs on no other; K_INVALID_ARG if none of them exists. At first a thread may run on all */ \
	X(thread_set_affinity, 44) \
	/* thread with an area, not running: 1 it may use vector registers, as at first; 0 an instruction that does is its exception 7. Its vector state is
	 * the initial one afterwards */ \
	X(thread_set_vectors, 45) \
	/* thread, weight, slice in ns: threads of one priority share a core in proportion to their weights, WEIGHT_COMMON at first. Weight 0: it takes
	 * turns with its equals, at the end of each slice; slice 0: it leaves the core only by itself or to a higher priority */ \
	X(thread_set_share, 46) \
	/* SchedContext that is bound to nobody, budget, period, deadline in its period, ns: 0 < budget <= deadline <= period <= CONTEXT_PERIOD_MOST */ \
	X(sched_context_configure, 72) \
	/* SchedContext, thread: from now on it runs on that, and not without. K_BUSY: one of them is bound already */ \
	X(sched_context_bind, 73) \
	X(sched_context_unbind, 74) /* SchedContext */ \
	/* SchedContext: struct sched_context_info in the caller's message data */ \
	X(sched_context_info, 75) \
	/* VSpace, count: page refs in data[] go to the page-table pool */ \
	X(vspace_topup, 48) \
	/* VSpace, address, pages, VSPACE_ flags, ref: refs in data[] (u64 each), or with VSPACE_CONTIGUOUS or pages = 1 just a4.
	 * v0 pages done. Occupied addresses: K_OCCUPIED unless VSPACE_REPLACE (then the pages taken out are in data[] as by unmap, v1 count) */ \
	X(vspace_map, 49) \
	/* VSpace, address, pages. v0 address reached (call again until it is the end), v1 count of frames in data[] (u64 physical
	 * addresses) whose count has become 0. Flag a3 = 1: free page tables of the range too (they appear in data[] as well) */ \
	X(vspace_unmap, 50) \
	/* VSpace, address, pages, rights to keep (VSPACE_READ|WRITE|EXEC; 0: the pages stay counted and mapped but nobody reaches them until
	 * vspace_map with VSPACE_REPLACE): only ever takes away. v0 address reached */ \
	X(vspace_protect, 51) \
	/* dst, src, address, pages, a4: 1 take write away from both (copy on write). v0 address reached. K_NO_TABLES: top up dst */ \
	X(vspace_clone, 52) \
	/* VSpace, address, 0. v0 entry as LABEL_FAULT's m[4], v1 count. With a2 = pages: v0 the first mapped address of that range, or how far it
	 * looked: call again from there until it is the end or mapped */ \
	X(vspace_query, 53) \
	/* VSpace. v0 pages mapped in the lower half, v1 pages in the page-table pool */ \
	X(vspace_info, 54) \
	/* IRQControl, GSI, flags (1 level, 2 active low), dst slot in own system CNode */ \
	X(irq_handler, 64) \
	X(irq_bind, 65) /* IRQHandler, Notification */ \
	X(irq_ack, 66) \
	/* IOPort, port, bytes (1 2 4), value */ \
	X(io_out, 67) \
	X(io_in, 68) /* IOPort, port, bytes. v0 value */ \
	/* dst slot of the own system CNode, IOPort, first, last: a narrower IOPort */ \
	X(io_port_derive, 69) \
	/* System, length: data[] goes to the log. a2: level */ \
	X(system_log, 80) \
	/* System: struct system_info in data[] */ \
	X(system_info, 81) \
	/* System, mask of trace classes */ \
	X(system_trace, 82) \
	/* System: the trace ring goes to the log */ \
	X(system_trace_dump, 83) \
	/* System, code: ends the machine (QEMU's exit device, else ACPI power off, else halt); 0x100: restart */ \
	X(system_exit, 84) \
	/* System, realtime ns at monotonic 0 */ \
	X(system_set_clock, 85) \
	/* System, principal, event, value: an entry of the caller's choosing in the trace ring */ \
	X(system_trace_add, 86) \
	/* System, first page's number: counts of frames, u32 each, in data[]. v0: how many, 0 past the last */ \
	X(system_frames, 87) \
	/* System. Debug builds: counts every frame's uses anew, by all VSpaces and threads. v0 frames whose count differs, v1 the first one's
	 * address; the log says more. Release builds: K_BAD_CALL. Takes long, without a preemption point */ \
	X(system_audit, 88)

enum kernel_call {
#define X(name, number) KCALL_##name = number,
	KERNEL_CALLS(X)
#undef X
	KCALL_COUNT = 96
};

#define FORWARD_THROUGH(cnode, slot) ((unsigned long)(cnode) | ((unsigned long)(slot) + 1) << 32)

#define WEIGHT_COMMON 1024ul
#define WEIGHT_MOST   (1ul << 20)
#define SLICE_MOST_NS 10000000000ul

#define GATE_RETURN_PROGRAM 0
#define GATE_RETURN_GATE    1

/* Page refs: a page of a Frame capability in the caller's system CNode. */
#define PAGE_REF(slot, page) (((unsigned long)(slot) << 32) | (page)) /* slot: number in the system CNode; page < 2^32 */
#define PAGE_REF_SLOT(ref)   ((unsigned long)(ref) >> 32)
#define PAGE_REF_PAGE(ref)   ((ref) & 0xfffffffful)

#define VSPACE_READ        1
#define VSPACE_WRITE       2
#define VSPACE_EXEC        4
#define VSPACE_UNCACHED    8
#define VSPACE_CONTIGUOUS  16
#define VSPACE_REPLACE     32

/* The copy call's directions. */
#define COPY_IN  0
#define COPY_OUT 1

/* Most refs or addresses that one call carries in data[]. */
#define VSPACE_BATCH (MESSAGE_BYTES / 8)

struct thread_info {
	unsigned long cpu_ns;      /* time it has run */
	unsigned long rip, rsp;    /* of the program or, in a kernel call, of the gate */
	unsigned int state;        /* 0 inactive, 1 ready, 2 sending, 3 waiting for a reply, 4 receiving, 5 waiting for a notification */
	unsigned int stopped;
	unsigned long switches;
	unsigned long affinity;    /* cores that it may run on */
	unsigned int core;         /* where it runs or ran last */
	unsigned int reserved;
};

#define CONTEXT_PERIOD_MOST 1000000000000ul /* ns */

struct sched_context_info {
	unsigned long budget_ns, period_ns, deadline_ns;
	long left_ns;              /* of this period's budget; below 0: debt, which the next periods pay */
	unsigned long consumed_ns; /* all that was run on it */
	unsigned long overrun_ns;  /* of that: beyond what debt there may be, by servers it was lent to */
	unsigned int bound, lent;
};

struct system_info {
	unsigned long object_count[16]; /* by enum object_type: live objects */
	unsigned long object_bytes[16];
	unsigned long frames_counted;   /* frames with a count above 0 */
	unsigned long kernel_entries, address_space_switches, context_switches;
	unsigned long bytes_copied;     /* by the kernel, from thread to thread: data[] of messages, and by `copy` */
	unsigned long uptime_ns, idle_ns; /* idle: of all cores together */
	unsigned long memory_bytes;     /* RAM that the kernel was given */
	unsigned long core_count;
	unsigned long core_idle_ns[64];
};
_Static_assert(sizeof(struct system_info) <= MESSAGE_BYTES, "fits data[]");

/* Trace classes (boot option trace=syscall,ipc,fault,switch,irq,user). */
#define TRACE_SYSCALL 1
#define TRACE_IPC     2
#define TRACE_FAULT   4
#define TRACE_SWITCH  8
#define TRACE_IRQ     16
#define TRACE_USER    32

#endif
