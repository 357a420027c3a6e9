/*
 * Threads and processes. A process record lives until its parent has waited for it; a thread record until the thread has ended. What
 * CLONE_ flags share is a counted record of its own: space, files, sighand.
 */
#ifndef ROOT_PROCESS_H
#define ROOT_PROCESS_H

#include "abi/file.h"
#include "abi/process.h"
#include "lib/list.h"
#include "root/memory.h"
#include "root/space.h"
#include "root/timer.h"

#define THREADS_MAX   4096
#define FILES_BITS_MIN 6
#define FILES_BITS_MAX 13
#define SYSTEM_BITS_MIN 6
#define SYSTEM_BITS_SERVER 11
#define SYSTEM_BITS_MANY   13 /* of servers at which every thread there is may wait */
#define RLIMITS       16
/* The kernel's priorities: programs of all nice values share one; real-time ones, 81 to 179, SCHED_DEADLINE; servers above those who need them. Root has 200. */
#define PRIORITY_PROGRAM   60
#define PRIORITY_REAL_TIME 80
#define PRIORITY_DEADLINE  180
#define PRIORITY_SERVER    181

struct process;
struct thread;

/* SCHED_DEADLINE's parameters, ns; all 0: it has none. */
struct deadline {
	u64 runtime, deadline, period;
};

/* Files CNode: slot number = descriptor number. */
struct files {
	u32 refs, slots;
	struct kobject cnode;
};

/* A table of dispositions, by the page that the runtime publishes it in. */
struct sighand {
	u32 refs, index;
	pfn_t page;
	struct space *space; /* where it is mapped; not a reference: every user of the table runs in that space */
};

struct siginfo_record {
	struct list_node node;
	u8 signal;
	u32 uid; /* against whose RLIMIT_SIGPENDING it counts */
	_Alignas(8) u8 info[128]; /* Linux siginfo_t */
};

struct signal_queue {
	u64 set;                 /* bit sig-1 */
	struct list_node infos;  /* struct siginfo_record, oldest first; a signal of the set without one has only its number */
};

/* Why a thread's call is not answered yet. */
enum wait_kind { WAIT_NONE, WAIT_CHILD, WAIT_SIGNAL, WAIT_FUTEX, WAIT_PI, WAIT_CPU, WAIT_VFORK, WAIT_SERVICE };

struct walk_text {
	u32 length;
	u8 *data;                /* root_alloc, or a page if longer than HEAP_MAX */
};

/* An open file, as root names it to its server. */
struct walk_file {
	u16 service;
	u64 badge;
};

struct walk {
	u16 operation;           /* FILE_; 0: none */
	u8 stage, links;
	bool plain;              /* one step, by walk_plain: besides what that sets everything is 0 */
	bool second_turn;        /* link, rename: the second path is being resolved */
	u32 steps;
	u16 service;             /* who may continue it; 0, for its base's place: whoever serves the base */
	u16 first_service, first_mount;
	u64 m[3];
	u64 flags;               /* WALK_ */
	u64 base, base2;
	struct walk_file file;   /* that it ends at, or goes on from, by way of /proc/PID/fd */
	struct walk_text path;   /* waits for its base's place, or for a service */
	struct walk_text second; /* second path or text, as it came */
	const struct mount *home; /* WALK_NO_XDEV: the mount that it may not leave */
	struct walk_text anchor; /* WALK_BENEATH, WALK_IN_ROOT: the directory that it may not leave */
	struct walk_text first;  /* link, rename: the first path resolved, in its mount */
};

struct thread {
	struct list_node in_process;
	struct thread *hash_next;
	struct process *process;
	struct space *space;
	struct files *files;
	struct sighand *sighand;
	u64 principal;           /* generation << 16 | index */
	struct {
		u64 address, length; /* 0: none */
		u16 service;
	} offer;                 /* SHARE_BUFFER, until that service takes it */
	u32 index, tid;
	u32 area;                /* thread index in the address space */
	struct kobject tcb, notification;
	pfn_t context, message[2];
	struct signal_queue signals;
	struct process *vfork_child; /* that it waits for */
	u32 reply;               /* root's slot of the Reply that is kept; 0: none */
	u8 wait;                 /* enum wait_kind */
	bool exiting;
	bool vector_free;        /* it has no vector registers (thread_set_vectors) */
	struct {
		u64 a, b, c, d;
		struct list_node node;
		struct timer timer;
	} waiting;
	struct walk walk;
	char name[16];
	int nice;
	u8 policy, real_time;    /* Linux's policy; its priority, 1..99, if that is a real-time one */
	u16 io_priority;         /* Linux's class << 13 | level; 0: follows from the above */
	bool reset_on_fork;
	u8 priority;             /* the kernel's now: its own or one that it inherits (priority.h) */
	u32 weight;              /* its share among equals, and its slice, as the kernel has them; weight 0: it takes turns */
	u64 slice_ns;
	struct deadline deadline;
	struct kobject context_object; /* its SchedContext */
	struct pi_lock *pi_waits; /* futex_pi.c */
	struct list_node pi_held;
	u64 affinity;            /* cores that it may run on, as asked for: some may not exist */
	u64 start_ns;
};

struct rlimit {
	u64 soft, hard;
};

/* Linux's, by number (capability.c). */
struct capabilities {
	u64 effective, permitted, inheritable, bounding, ambient;
	u32 secure_bits;
};

struct credentials {
	u32 uid, euid, suid, gid, egid, sgid;
	u32 group_count;
	u32 *groups;             /* at most 504, NULL if none */
	struct capabilities capabilities;
};

enum process_state { PROCESS_ALIVE, PROCESS_ZOMBIE };

struct usage {
	u64 user_ns, system_ns, minor, major, voluntary, involuntary, peak_pages;
};

struct process {
	struct list_node all, sibling;
	struct process *hash_next;
	struct process *parent;
	struct list_node children, threads;
	u32 pid, pgid, sid, thread_count;
	u8 state, exit_signal, pdeathsig, stop_signal;
	bool stopped, stop_reported, continued, exec_done, killed, subreaper, dumpable, no_new_privs, holds_locks;
	s16 oom_adjust, oom_adjust_least; /* oom_score_adj, and what only a privileged process lowers it below */
	bool exit_due;
	bool secure;             /* AT_SECURE: its program was started with more than who started it has */
	struct list_node due;    /* it is to end (exit_due), or to have its death signal: exit.c */
	u32 exit_status;
	bool watched;            /* the event server has a pidfd of it */
	u64 serial;              /* never another process's */
	u32 role;
	u16 service;             /* number in the service table, 0: a program */
	u16 serves;              /* a program: its number there, if it serves a path */
	struct terminal {
		u32 device;      /* Linux number of the controlling terminal; 0: none */
		int group;       /* its foreground group; -1: none */
		u16 service;     /* whose it is */
		u32 old_group;   /* of a leader whose terminal hung up: is told when the leader ends */
	} terminal;
	struct credentials credentials;
	struct kobject system_cnode;
	u32 system_bits;
	char *chroot_path;       /* absolute, without a trailing slash; NULL: "/" */
	struct signal_queue signals;
	struct rlimit rlimits[RLIMITS];
	struct timer cpu_limit;  /* limits.c: when RLIMIT_CPU is looked at next */
	u64 cpu_seen, cpu_seen_at; /* cpu_clock.c: its processor time at that moment; 0: nobody has looked */
	bool tasks_exceeded;     /* its user has too many tasks: the next exec fails */
	struct itimer {
		struct timer timer;
		u64 interval;
		u64 target;      /* of CPU time; 0: not set. ITIMER_REAL: only the timer */
	} itimers[3];            /* by ITIMER_ */
	struct list_node posix_timers; /* posix_timer.c; a zeroed head is one that has never been used */
	u32 posix_timer_next;
	struct usage dead, children_usage; /* of ended threads; of children waited for */
	struct thread *vfork_parent;       /* waits until this process has exec'ed or ended */
	u64 start_ns;
	u64 resident_at_exit;
	char name[16];
	bool trace;              /* boot option strace= */
	char command[32];        /* services: name in the bundle */
};

ROOT_DATA struct list_node process_list;
ROOT_DATA struct process *init_process;
ROOT_DATA u32 process_count, thread_total;

/* ---- records (process.c, thread.c) ---- */
/* Ids, limits, group, session and name are those of `maker`, who need not be the parent. */
struct process *process_create(struct process *parent, const struct process *maker);
void process_free(struct process *process); /* a zombie nobody waits for any more */
void process_set_pid(struct process *process, u32 pid);
struct process *process_find(u32 pid);
struct process *process_of_task(u32 id); /* of that id, or that a thread of that id belongs to: Linux takes either for a pid */
struct thread *thread_find(u32 tid);
struct thread *thread_by_principal(u64 principal);
u32 pid_alloc(void);
bool pid_free(u32 pid);      /* could be a new one's */
/*
 * A walk through all processes, oldest first, for those who end what they meet: whoever is met may be gone afterwards, and others with it. Each is met
 * once, however many there are. Walks may begin inside others, and end before them.
 */
struct process_walk {
	struct process_walk *outer;
	struct list_node *next;
};
void process_walk_begin(struct process_walk *walk);
struct process *process_walk_next(struct process_walk *walk); /* NULL: that was all */
struct process *process_walk_next_of_group(struct process_walk *walk, u32 pgid); /* that is alive */
void process_walk_end(struct process_walk *walk);
static inline struct thread *process_leader(const struct process *process)
{
	return list_first_entry(&process->threads, struct thread, in_process);
}

struct files *files_create(unsigned bits);
struct files *files_copy(const struct files *files); /* all its slots */
void files_put(struct files *files);
int files_grow(struct files *files, u32 slots); /* 0, -EMFILE, -ENOMEM */
/* A copy of root's capability `from` into that slot; what was there goes. */
void cap_put(u64 cnode, u32 slot, u32 from, unsigned rights);
/* Ranges of slots of CNodes, named by root's slot. */
void cnode_copy(u32 to, u32 from, u32 first, u32 count);
void cnode_delete(u32 cnode, u32 first, u32 count);
int process_make_system(struct process *process, unsigned bits);

struct sighand *sighand_create(struct space *space, u32 index, const struct sighand *from);
void sighand_put(struct sighand *sighand);
struct process_shared *sighand_shared(const struct sighand *sighand);

/*
 * A thread in `process` and `space` with an area there: kernel objects, pages, notification; not running. The references of space, files, sighand are
 * taken over from the caller on success. area: index wanted, or AREA_ANY. NULL: no memory.
 */
#define AREA_ANY (~0u)
struct thread *thread_create(struct process *process, struct space *space, struct files *files, struct sighand *sighand, u32 area);
/* Threads of other processes in the same memory share its locks and private futexes: each can wake the others. */
void thread_meet_others(struct thread *thread);
/* Everything of it goes but the process record's fields. Its call is never answered. */
void thread_destroy(struct thread *thread);
struct context_page *thread_context(const struct thread *thread);
static inline u64 thread_area(const struct thread *thread)
{
	return GATE_THREAD_AREA(thread->area);
}
/* The last pages of its gate stack, which it uses as soon as it runs: mapping them now costs less than page faults. */
void thread_fill_stack(struct thread *thread, u64 count);
int thread_configure(struct thread *thread);
void thread_start(struct thread *thread, u64 rip, u64 rsp, u64 rdi);
void thread_set_tid(struct thread *thread, u32 tid);
void thread_account(const struct thread *thread, struct usage *usage);

/* The system CNode has a slot for that thread index; it grows if need be. 0 or -ENOMEM. */
int process_grow_system(struct process *process, u32 area);
void process_publish(const struct process *process); /* principal table and info page follow the record */
void thread_publish(const struct thread *thread);

/* ---- answering (dispatch.c) ---- */
/* Answers a thread whose call was kept. */
void thread_answer(struct thread *thread, long result, u64 m1, u64 m2);
void thread_answer_words(struct thread *thread, const u64 m[MESSAGE_WORDS], u64 bytes);
void thread_drop_reply(struct thread *thread);
/* The kept Reply was forwarded: its slot is free. */
void thread_reply_gone(struct thread *thread);

/* ---- building and ending (launch.c, exit.c) ---- */
struct launch {
	const char *name;                  /* of the service in the bundle; of a program: its first thread's */
	const char *const *paths, *const *argv, *const *envp; /* paths: tried in turn by the first program's runtime */
	u32 path_count, argc, envc;
	u32 role;
};
/* The parts of every address space: runtime, clock, info page. 0 or -ENOMEM. */
int space_lay_runtime(struct space *space, struct process *process);
void process_write_info(const struct process *process, struct space *space);
struct process *process_launch(struct process *parent, u32 pid, u16 service, const struct launch *launch);

void process_run(struct process *process);
int space_lay_info(struct space *space);
bool bundle_has(const char *name);
void bundle_init(void);
void process_notify_parent(struct process *process);
void process_exit(struct process *process, u32 status); /* ends all of its threads */
void thread_exit(struct thread *thread, u32 status);    /* the last one ends the process */
void process_end_other_threads(struct process *process, struct thread *keep);
void vfork_done(struct process *child);
void process_reap(struct process *child);
void itimers_cancel(struct process *process); /* op_signal.c */
void posix_timers_delete(struct process *process); /* posix_timer.c: exec, exit */

/* ---- wait.c ---- */
void wait_child_changed(const struct process *child, struct process *parent); /* wakes the parent's waiters */

/* ---- groups.c ---- */
bool group_orphaned(u32 pgid);
/* A child lost its parent's eyes: its group may be orphaned now. */
void groups_parent_lost(struct process *child);
void groups_process_ended(struct process *process);
bool group_exists_in_session(u32 pgid, u32 sid);

#endif
