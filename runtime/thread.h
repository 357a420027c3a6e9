/*
 * The runtime's own record of a thread. It lives in the thread's context page, so it is found from the runtime's stack pointer
 * (a thread area is 64 KiB, aligned) and from what the kernel puts into rcx.
 *
 * What threads of a process share or not hangs on four pointers, as CLONE_THREAD/VM, CLONE_FILES, CLONE_FS and CLONE_SIGHAND say. A
 * thread reads its own pointers without a lock; what they point to is counted and has its own lock.
 */
#ifndef RUNTIME_THREAD_H
#define RUNTIME_THREAD_H

#include "lib/types.h"
#include "abi/gate.h"
#include "abi/kernel.h"
#include "abi/process.h"
#include "runtime/lock.h"
#include "runtime/heap.h"

struct files_state;   /* runtime/linux/descriptors.h */
struct fs_state;      /* runtime/linux/descriptors.h: umask, working directory */
struct sighand_state; /* runtime/linux/signal.h */
struct kept_watch;    /* runtime/linux/epoll_kept.c */
struct thread_record;

/* One Linux process. A vfork child's lies in its parent's memory, in a heap of its own. */
struct process_state {
	bool foreign_memory;     /* a vfork child (CLONE_VM without CLONE_THREAD): GATE_INFO describes another process */
	u32 foreign_pid;         /* its pid then */
	bool trace;              /* boot option strace= */
	u32 thread_count;        /* atomic */
	struct rt_lock lock;     /* guards what follows */
	struct runtime_heap *heap;
	u32 personality;
	u32 membarrier;          /* atomic: commands that were registered */
	bool no_new_privs;
	u64 unknown_logged[8];   /* a bit a call number: said once that it is not there */
};

/* What an interrupted call that must not simply be repeated (a relative sleep) goes on with. */
struct restart_block {
	long (*call)(struct thread_record *t, struct restart_block *r); /* NULL: EINTR */
	unsigned long deadline;  /* absolute, monotonic ns */
	unsigned long a[6];
};

struct thread_record {
	unsigned long a[6];      /* arguments of the Linux call: rdi rsi rdx r10 r8 r9; also the registers' values at exit */
	unsigned long number;    /* orig_rax of the call; NUMBER_NONE if the program was not in a call */
	unsigned int exit_full;  /* the exit sequence loads every register from context->program (iretq) */
	unsigned int slow;       /* SLOW_: dispatch through C */
	struct process_state *process;
	struct files_state *files;
	struct fs_state *fs;
	struct sighand_state *sighand;
	struct runtime_heap *heap; /* what rt_alloc takes from; usually process->heap */
	unsigned int index;      /* of the thread area */
	unsigned int tid;
	unsigned long notified;  /* bits of the Notification that were received while waiting for something else */
	unsigned int lock_depth;
	struct lock_node lock_nodes[LOCK_DEPTH];
	struct restart_block restart;
	/* signals; context->signal_mask is the current mask */
	unsigned long saved_mask;  /* restored at the end of a call that changed the mask for its duration */
	bool restore_mask;
	struct {
		unsigned long base, size;
		unsigned int flags;
	} altstack;
	unsigned long timer_slack, inherited_slack; /* prctl; 0: Linux's first value */
	struct kept_watch *kept_watch; /* the epoll list that stays armed, or NULL (epoll_kept.c) */
	unsigned long epoll_start; /* where the next report of ready files begins, so that none is always last (epoll.c) */
};

#define NUMBER_NONE (~0ul)
#define SLOW_TRACE 1

#define THREAD_RECORD_OFFSET offsetof(struct context_page, runtime)
_Static_assert(sizeof(struct thread_record) <= sizeof(((struct context_page *)0)->runtime), "the thread record fits the context page");

static inline struct context_page *thread_context(struct thread_record *t)
{
	return (struct context_page *)((char *)t - THREAD_RECORD_OFFSET);
}

static inline struct message_buffer *thread_message(struct thread_record *t)
{
	return (struct message_buffer *)((char *)thread_context(t) + THREAD_AREA_MESSAGE);
}

/* Valid only on the runtime's own stack: not in functions of the native API. */
static inline struct thread_record *current(void)
{
	unsigned long sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return (struct thread_record *)((sp & ~(THREAD_AREA_SIZE - 1ul)) + THREAD_RECORD_OFFSET);
}

/* Root's page about this process. Right only if !process->foreign_memory, except random, vector_size and command_line. */
static inline const volatile struct process_info *process_info(void)
{
	return (const volatile struct process_info *)GATE_INFO;
}

/* Not kept in process_state: a forked child would have to write it, and so copy a page. */
static inline u32 process_pid(const struct process_state *process)
{
	return unlikely(process->foreign_memory) ? process->foreign_pid : process_info()->pid;
}

#endif
