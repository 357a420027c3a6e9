/* Threads and cores. Guard of every field unless said otherwise: the node's lock. */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "lib/types.h"
#include "lib/list.h"
#include "abi/kernel.h"
#include "abi/gate.h"
#include "kernel/arch.h"
#include "kernel/cap.h"

enum thread_state {
	THREAD_INACTIVE,
	THREAD_READY,     /* running or in a run queue (unless stopped) */
	THREAD_SENDING,   /* queued on an Endpoint, in a Call or a fault */
	THREAD_REPLY,     /* received: a Reply capability names it */
	THREAD_RECEIVING, /* queued on an Endpoint */
	THREAD_WAITING,   /* on a Notification */
};

/* What the frame's vector says of a thread that entered by syscall (no real exception has this number). */
#define VECTOR_SYSCALL 256

/* Why a thread is stopped. */
#define STOPPED_BY_CALL 1 /* thread_stop */
#define STOPPED_BUDGET  2 /* its SchedContext's budget is used up; it has a deadline, the period's end */

struct thread {
	/* assembly pushes into frame: must be first; 16-byte aligned (its size with address is a multiple of 8) */
	struct gate_frame frame;
	u32 caps;
	u64 fs_base, gs_base;
	struct context_page *context;  /* through the physmap; NULL before thread_set_area */
	u64 context_address;           /* its user address: what rcx gets */
	u64 context_tag;               /* the same << 16: what a foreign call gets in r11, beside the flags */

	struct list_node queue;        /* run queue, Endpoint queue, Endpoint's replies or Notification queue, by state */
	struct list_node timer;        /* deadline queue, if deadline != 0 and queued there */
	u64 deadline;
	/* What the fast path has no time for: it looks at all of it at once. */
	union {
		struct {
			u16 flags;             /* THREAD_FLAG_, park.h */
			u8 budgeted;           /* has to do with a SchedContext (sched_context.h) */
			u8 boosted;            /* runs at a higher priority than its own (priority.h) */
			u8 stopped;            /* STOPPED_: it does not run, whatever its state */
			u8 timer_queued;
			u8 fault;              /* blocked by a page fault, not by a Call */
			u8 notified;           /* its bound Notification has bits for it */
		};
		u64 unusual;
	};
	u8 state;
	u8 priority;                   /* that it runs and queues at (priority.h) */
	u8 priority_own;
	u8 queued;                     /* is in a run queue */
	u8 interrupt_late;             /* thread_interrupt came while it ran on another core: to be done when that core is in the kernel */
	u8 vector_free;                /* has no vector state, and traps if it uses the registers (kernel/arch/vector.c) */
	struct endpoint *receives;     /* where it received last; NULL: nowhere, or that is gone */
	/*
	 * As it received last: the words that named its Endpoint and the slot for the Reply, and the slots that they name. Who serves uses the same words again and
	 * again, so the fast path looks them up once. &slot_forgotten, once one of its CNodes is another or gone.
	 */
	u64 receives_cptr, reply_cptr;
	struct cte *receives_at, *reply_at;
	u64 reply_fresh;               /* the word of a Reply made there (reply.c); 0: it never received */
	struct list_node server;       /* in receives->servers */
	u64 principal;                 /* with its own charge */
	u64 principal_sent;            /* the word that its last call or fault went out with: if it serves, the charge is that of whom it serves */
	struct core *core;             /* runs there, is queued there, or ran there last */
	u64 affinity;                  /* cores that it may run on */
	struct core *vector_core;      /* whose registers had its vector state last; see core->vector_owner */

	u64 call_info;                 /* of the pending Call or Wait: windows and INFO_INTERRUPTIBLE count. The words are in the frame's
	                                * registers; of a fault: below */
	u64 call_badge;                /* badge the receiver will see */
	u64 fault_words[4];            /* address, instruction pointer, error, in the gate */
	struct endpoint *endpoint;     /* sending, or the Endpoint it was received from (THREAD_REPLY) */
	struct cte *reply;             /* THREAD_REPLY: the Reply capability that names this thread */
	struct handle *handle;         /* queued call holds this Handle */
	struct notification *notification; /* waiting on it */
	struct notification *bound;    /* bound to it */
	struct message_buffer *message_low; /* first message page through the physmap */
	u8 *message_high;              /* second message page */
	struct list_node noticed;      /* in core->noticed: closings were noted in its message buffer, and it may not know it yet */
	paddr_t area_frames[3];

	/* capabilities of the thread itself, part of the derivation tree */
	struct cte files_cnode, system_cnode, vspace, fault_endpoint;
	struct vspace *space;          /* cached from the vspace capability; NULL once that is gone */
	struct list_node space_link;   /* in space->threads */

	u64 cpu_ticks;                 /* how long it has run, in arch_ticks; while it runs, less the time now */
	/* sched_context.h */
	struct sched_context *context_own; /* bound to it */
	struct sched_context *runs_on;     /* that, unless it is lent; or what it was lent. NULL: on none */
	struct thread *lender, *borrower;  /* a chain of calls: from whom it has runs_on, and to whom it has lent it */
	u8 lent_depth;                     /* lenders before it */

	/* share.h */
	u64 slice;                     /* its length, in arch_ticks */
	u64 slice_limit;               /* how long it will have run when its slice ends; a call to a server does not renew it */
	u64 share_time;                /* virtual time as it last entered a queue */
	u64 share_counted;             /* of its running time: is in that */
	u64 *share_clock;              /* what it was compared with: &core->clock[priority]; NULL: never */
	u32 weight, inverse;
	u64 switches;
};

static inline void thread_set_context(struct thread *thread, struct context_page *context, u64 address)
{
	thread->context = context;
	thread->context_address = address;
	thread->context_tag = address << 16;
}

/*
 * One of the node's cores. Fields are guarded by the node's lock, whichever core holds it, but for those that only the core itself uses:
 * self, scratch, stack_top, rsp0, vector_trap; and alarm_ns. What `current` names runs, or has entered the kernel and waits for the lock:
 * its frame belongs to this core alone until the core is in the kernel with the lock, or has said that it is waiting (remote.h).
 */
struct core {
	/* offsets used by assembly: first four */
	struct core *self;
	u64 scratch;                   /* user rsp during entry */
	struct thread *current;
	u64 stack_top;
	void *rsp0;                    /* where the CPU finds the stack for entries from ring 3 */
	struct thread *vector_owner;   /* whose vector state is in the CPU, if its vector_core is this (arch/vector.c) */
	u64 alarm_ns;                  /* when the timer is to call kernel_timer; ~0 never */
	union {
		struct {
			bool vector_trap;      /* CR0.TS */
			bool vector_lazy;      /* the CPU's trap can be relied on */
		};
		u16 vector_general;
	};

	/* the run queues: one for each priority, and a bitmap of those that are not empty (schedule.c) */
	union {
		struct {
			bool needed;           /* something changed: choose again. Set from another core, an interrupt follows */
			u8 general;            /* GENERAL_: no fast path */
		};
		u16 hindered;
	};
	bool polling;                  /* idle, it looks at `needed` by itself (kernel/arch/idle.c): no interrupt is wanted */
	u64 poll_ticks;                /* for how long it does, arch_ticks; 0: not at all */
	u64 idle_since;                /* arch_ticks */
	bool look;                     /* schedule() looks at who waits here (pass_on) */
	bool slice_ended;              /* of the current thread: schedule() gives it to another core if that has less to do */
	int best;                      /* highest priority queued; -1 none */
	struct thread *handoff;        /* runs next, ahead of its equals, not queued */
	u64 armed;                     /* what the timer is set to; ~0 none */
	u64 slice_alarm;               /* a slice's end in arch_ticks, or the next look at who waits; the timer is set to it or something earlier; ~0 none */
	u64 mask;                      /* BIT(number) */
	struct vspace *space;          /* the loaded address space; NULL: the kernel's own. Idle, the last one stays */
	struct thread *idle;
	unsigned number;
	unsigned queued;               /* threads in the queues */
	/* The fast path counts what is rare there: each of its entries but threads_kept is a switch to another thread, and all of those but spaces_kept to another address space. */
	u64 kernel_entries, general_entries, threads_kept, spaces_kept;
	u64 address_space_switches, context_switches; /* in the others, the general ones */
	u64 bytes_copied;
	u64 bitmap[4];
	struct list_node timers;       /* threads with a deadline, by time, that blocked on this core */
	struct list_node noticed;      /* threads to be told of closed Handles when the core has nothing else to do (endpoint.c) */
	struct thread *keeper;         /* compared only: ran here last while somebody was held up by it; if it runs, others better not wait for it */
	struct thread *waiting;        /* compared only: who waited here when this was last looked at, and how long it had run by then */
	u64 waiting_ticks;
	u64 looked;                    /* when that was, in arch_ticks */
	struct list_node queue[256];
	u64 clock[256];                /* of each queue: virtual time (share.h) */
};

#define GENERAL_TRACE 1 /* something is traced */
#define GENERAL_CPU   2 /* the CPU lacks what the fast path uses */

#define CORE_MAX 64
extern struct core boot_core;
extern struct core *cores[CORE_MAX]; /* cores[0..core_count) run */
extern unsigned core_count;

/* It is empty for nobody, and neither an Endpoint nor a Reply. */
extern struct cte slot_forgotten;

static inline void thread_forget_slots(struct thread *thread)
{
	thread->receives_at = thread->reply_at = &slot_forgotten;
}

/* The capability in one of its own slots for a CNode is being deleted. */
static inline void thread_cnode_gone(struct cte *slot)
{
	if (cap_value(slot) == CNODE_OF_FILES)
		thread_forget_slots(container_of(slot, struct thread, files_cnode));
	else
		thread_forget_slots(container_of(slot, struct thread, system_cnode));
}

/* The number of the slot where it received last; 0: it never did. */
static inline u32 thread_reply_slot(const struct thread *thread)
{
	return (u32)(thread->reply_fresh >> 32);
}

static inline unsigned thread_windows(const struct thread *thread)
{
	return INFO_WINDOWS_OF(thread->call_info);
}

/* Whether the blocking call may be ended by thread_interrupt. */
static inline bool thread_interruptible(const struct thread *thread)
{
	return thread->state != THREAD_RECEIVING && (thread->call_info & INFO_INTERRUPTIBLE);
}

/* Whether it is some core's current thread. */
static inline bool thread_runs(const struct thread *thread)
{
	return thread->core->current == thread;
}

/* How long it has run, up to now. */
static inline u64 thread_ticks(const struct thread *thread)
{
	return thread->cpu_ticks + (thread_runs(thread) ? arch_ticks() : 0);
}

/* A core goes over from one to the other. */
static inline __attribute__((always_inline)) void thread_account(struct thread *prev, struct thread *next)
{
	u64 now = arch_ticks();

	prev->cpu_ticks += now;
	next->cpu_ticks -= now;
	next->switches++;
}

extern struct thread *root_thread;

#endif
