/*
 * The process protocol: what processes and servers ask of root (a Call on SLOT_ROOT), and what root lays out in a new process.
 * Replies: label 0, m[0] result >= 0 or a negative errno. Root knows the caller by its principal; no message says who it is.
 */
#ifndef ABI_PROCESS_H
#define ABI_PROCESS_H

/* Slots of every process's system CNode (cptr: CPTR_SYSTEM | slot). */
#define SLOT_ROOT      1  /* Endpoint of root, RIGHT_SEND; a server's is a Handle whose badge names the service */
#define SLOT_TREE      2  /* programs: a tree Handle (abi/file.h) of the mount at "/", if their role and root directory allow one */
#define SLOT_SYSTEM    3  /* own system CNode */
#define SLOT_CWD       4  /* Handle of the working directory */
#define SLOT_FSROOT    5  /* Handle of the root directory */
#define SLOT_EXE       6  /* Handle of the executable */
#define SLOT_SERVICE_PIPE  7 /* Handles for operations without a path: pipe(), eventfd(), epoll */
#define SLOT_SERVICE_EVENT 8
#define SLOT_ENDPOINT  9  /* servers, and programs after SERVE: the Endpoint that they serve, RIGHT_ALL */
#define SLOT_POOL      10 /* the same: HandlePool */
#define SLOT_NOTIFY    11 /* the same: Notification, of servers bound to the first thread */
#define SLOT_IO_PORT   12 /* drivers: IOPort */
#define SLOT_SERVICE_IPC 12 /* programs: the ipc server, once it was asked for (FILL_SLOT) */
#define SLOT_IRQ       13 /* drivers: IRQHandler, 13..15 */
#define SLOT_SCRATCH   16 /* 16..29: free for the runtime's transfers of thread 0..13; received capabilities */
#define SLOT_SCRATCH_COUNT 14
#define SLOT_SERVICE_SOCKET 30 /* as SLOT_SERVICE_PIPE, for socket(); file systems have one too */
#define SLOT_EVENT_NOTIFY 31 /* services: the event server's Notification, with NOTICE_CHANGED */
#define SLOT_THREADS   32 /* + thread index: Notification of that thread. Root grows the CNode as threads come. */
#define SLOT_SERVER    512 /* servers: from here on free (reply slots, scratch), up to process_info.system_slots */

/* Requests: name, number */
#define PROC_OPERATIONS(X) \
	/* ---- memory. Ranges are page aligned; in the lower half unless said otherwise ---- */ \
	/* m[0] address or 0, m[1] length, m[2] PROT_, m[3] MAP_ flags (Linux) -> m[0] address; m[1] where BRING_IN is to go on, 0: nowhere. Anonymous memory. */ \
	X(MAP, 1) \
	X(UNMAP, 2)   /* m[0] address, m[1] length */ \
	X(PROTECT, 3) /* m[0] address, m[1] length, m[2] PROT_ */ \
	X(REMAP, 4)   /* m[0] old address, m[1] old length, m[2] new length, m[3] MREMAP_ flags, m[4] new address */ \
	X(ADVISE, 5)  /* m[0] address, m[1] length, m[2] MADV_ */ \
	X(BREAK, 6)   /* m[0] new end of the heap or 0 -> m[0] end. The runtime sets its start by SET_LAYOUT */ \
	X(SYNC, 7)    /* msync: m[0] address, m[1] length, m[2] flags */ \
	X(RESIDENT, 8) /* mincore: m[0] address, m[1] pages <= 4096; window[0] gets a byte a page */ \
	/* m[0] start of brk heap, m[1] stack top, m[2] arg_start, m[3] arg_end, m[4] env_start, m[5] env_end, m[6] code start, m[7] code end: for /proc */ \
	X(SET_LAYOUT, 9) \
	/* Only forwarded by a server, through its own SLOT_ROOT: m[0..4] as FILE_MAP, m[5] object id, m[6] most rights PROT_ that may ever be had:
	 * maps the service's object into the forwarded caller and answers it. m[7] mount's number, data[]: the file's path there, for /proc. A server Calls it itself to map its own objects. */ \
	X(MAP_OBJECT, 10) \
	/* m[0] address of a page of the runtime's read-only image: it also appears, readable and executable, in the lower half (the vDSO) -> m[0] address */ \
	X(MAP_RUNTIME, 11) \
	/* ---- memory objects of a service: m[0] id, chosen by the service; they outlive the server process ---- */ \
	X(OBJECT_CREATE, 16)  /* m[1] size */ \
	X(OBJECT_RESIZE, 17)  /* m[1] size: pages beyond go, the tail of the last page is zeroed, everywhere */ \
	X(OBJECT_PUNCH, 18)   /* m[1] offset, m[2] length, page aligned: become zero */ \
	X(OBJECT_DESTROY, 19) /* mappings keep their pages until they go */ \
	X(OBJECT_INFO, 20)    /* -> m[0] size, m[1] pages present, m[2] regions that map it, m[3] those of others that may write */ \
	X(OBJECT_LIST, 21)    /* m[1] index -> m[0] id or -ENOENT */ \
	X(OBJECT_SEEK, 22)    /* m[1] offset, m[2] 0 data 1 hole -> m[0] offset or -ENXIO */ \
	/* m[0] id, m[1] page index, m[2] pages, m[3] byte offset in the boot image, page aligned: those pages become the object's, copy on write */ \
	X(OBJECT_IMAGE, 23) \
	/* ---- processes ---- */ \
	/* m[0] CLONE_ flags (Linux) | exit signal. m[1] shared page index for the child (CLONE_VM without CLONE_THREAD),
	 * m[7] the pid that it is to have or 0: any (-EEXIST, -EINVAL). m[2] new thread's instruction pointer, m[3] stack pointer, m[4] rdi: when it shares memory it starts there (in the gate);
	 * otherwise it returns from this call as the parent does. m[5] parent_tid address, m[6] child_tid address (CLONE_CHILD_SETTID in new memory: the
	 * runtime writes it itself). -> parent: m[0] tid, m[1] thread index, m[2] serial; forked child: m[0] 0, m[1] its tid. CLONE_VFORK: the parent's answer
	 * comes when the child has exec'ed or ended; interruptible only by SIGKILL.
	 * m[3] = 0: the stack pointer is the top of the new thread's area (area + THREAD_AREA_SIZE). Shared memory: context page zeroed but for
	 * thread_index, tid and signal_mask, which is the parent's. A forked child has its parent's thread index, and copies of the parent thread's
	 * context page (tid new, pending 0) and message pages. SLOT_THREADS + index holds the Notification, unbadged (a Signal sets bit 0), RIGHT_ALL, in the
	 * system CNode of the process that the thread belongs to (a vfork child has CNodes of its own) */ \
	X(CLONE, 32) \
	/* m[0] executable's descriptor number in the caller's files CNode, m[1] bytes of the start block;
	 * window[0]: struct start_block. Root puts a copy of the executable's Handle into SLOT_EXE, where the new runtime reads it, and
	 * deletes m[0] with all that are not listed. On success does not return. */ \
	X(EXEC, 33) \
	X(EXIT, 34)       /* m[0] status (Linux wait status), m[1] 1: the whole process. Never answered. */ \
	/* m[0] pid selector as waitid (m[1]: P_ALL 0, P_PID 1, P_PGID 2), m[2] WEXITED WSTOPPED WCONTINUED WNOHANG WNOWAIT __WALL ...
	 * -> m[0] pid or 0, m[1] wait status, m[2] uid, m[3] user ns, m[4] system ns, m[5] max rss KiB */ \
	X(WAIT, 35) /* m[3] 0, or with P_PID the serial that the child must have */ \
	X(GET_IDS, 36)    /* m[0] pid or 0 -> m[0] pid, m[1] ppid, m[2] pgid, m[3] sid, m[4] tid */ \
	X(SET_PGID, 37)   /* m[0] pid or 0, m[1] pgid or 0 */ \
	X(SET_SID, 38)    /* -> m[0] sid */ \
	X(SET_CREDENTIALS, 39) /* m[0] mask 1 ruid 2 euid 4 suid 8 rgid 16 egid 32 sgid, m[1..6] the values; names only */ \
	X(GET_CREDENTIALS, 40) /* -> m[0] 0, m[1] ruid, m[2] euid, m[3] suid, m[4] rgid, m[5] egid, m[6] sgid, m[7] effective capabilities */ \
	X(SET_GROUPS, 41) X(GET_GROUPS, 42) /* data[]: u32 gids; m[0] count */ \
	X(RLIMIT, 43)     /* m[0] pid, m[1] resource, m[2] 1 set, m[3] soft, m[4] hard -> m[1] old soft, m[2] old hard */ \
	X(USAGE, 44)      /* m[0] RUSAGE_ who -> m[1] user ns, m[2] system ns, m[3] max rss KiB, m[4] minor faults, m[5] major, m[6] voluntary, m[7] involuntary switches */ \
	/* m[0] pid or tid, 0: the caller's, m[1] 1: the processor time of that thread, which is one of the caller's process, or else of that process, m[2] 1: which the
	 * caller's own tid names, too -> m[1] ns; -EINVAL */ \
	X(CPU_TIME, 53) \
	/* m[0] 0 get 1 set the caller's, m[1] to get: tid or 0, m[2] effective, m[3] permitted, m[4] inheritable -> m[1..3] the same, of before */ \
	X(CAPABILITIES, 54) \
	X(SET_NAME, 45)   /* m[0] tid or 0, data[]: up to 15 bytes */ \
	X(GET_NAME, 46) \
	X(PRIORITY, 47)   /* m[0] 0 get 1 set, m[1] which, m[2] who, m[3] nice */ \
	X(IO_PRIORITY, 51) /* m[0] 0 get 1 set, m[1] which as above, m[2] who, m[3] Linux's class << 13 | level: kept; nothing here does input in an order */ \
	/* m[0] 0 get 1 set, m[1] tid or 0, m[2] Linux's policy and SCHEDULER_RESET_ON_FORK, m[3] real-time priority | nice << 32, m[5] SCHEDULER_KEEP_;
	 * SCHED_DEADLINE: m[4] running time, m[6] deadline, m[7] period or 0, ns -> m[1] as m[2], m[2] priority, m[3] nice, m[4..6] those three */ \
	X(SCHEDULER, 55) \
	/* m[0] 0 get 1 set, m[1] tid or 0, m[2] cores -> m[1] the cores it may run on, of those that there are; -EINVAL: it would be none */ \
	X(AFFINITY, 49) \
	/* The calling thread, and those that it starts, use no vector registers from now on: an instruction that does is SIGILL. Servers of the boot image
	 * are so from the start; what exec loads may use them again */ \
	X(VECTOR_FREE, 50) \
	X(PRCTL, 48)      /* m[0] option, m[1..4]: PDEATHSIG, CHILD_SUBREAPER, DUMPABLE, NO_NEW_PRIVS, what is about capabilities */ \
	/* ---- signals ---- */ \
	X(KILL, 64)       /* m[0] pid (> 0, 0, -1, < -1 as kill), m[1] signal */ \
	X(TGKILL, 65)     /* m[0] tgid or -1, m[1] tid, m[2] signal */ \
	X(SIGQUEUE, 66)   /* m[0] tgid, m[1] tid or 0, m[2] signal; data[]: Linux siginfo, 128 bytes; si_code >= 0 only to oneself */ \
	/* m[0] set that may be taken (not blocked) -> m[0] signal or 0, data[]: Linux siginfo, 128 bytes. Clears it. */ \
	X(SIGTAKE, 67) \
	X(SIGWAIT, 68)    /* m[0] set, m[1] absolute deadline or 0 -> as SIGTAKE; waits; -EAGAIN at the deadline */ \
	X(SIGPENDING, 69) /* -> m[0] set of the thread and its process */ \
	/* m[0] signal, m[1] core: the runtime met a fatal signal it decided on itself (a fault while blocked, SIG_DFL): ends the process */ \
	X(SIGDEFAULT, 70) \
	X(ITIMER, 71)     /* m[0] which, m[1] 1 set, m[2] interval ns, m[3] value ns -> m[1] old interval, m[2] old value */ \
	/* m[0] clock (CLOCK_REALTIME, MONOTONIC, BOOTTIME ..., processor time), m[1] SIGEV_, m[2] signal, m[3] value, m[4] tid for SIGEV_THREAD_ID, m[5] 1: the value
	 * is the timer's id -> m[0] id. Timers end with the process or its exec */ \
	X(TIMER_CREATE, 72) \
	/* m[0] id, m[1] 1: absolute, in the timer's clock, m[2] interval ns, m[3] value ns, 0 disarms -> m[1] old interval, m[2] old value */ \
	X(TIMER_SET, 73) \
	X(TIMER_GET, 74)     /* m[0] id -> m[1] interval, m[2] value left, m[3] overruns of the last signal */ \
	X(TIMER_DELETE, 75)  /* m[0] id */ \
	X(CPU_SLEEP, 76)     /* m[0] clock of processor time, m[1] 1: absolute, m[2] ns -> waits until it shows that; -EINTR: m[1] the time meant */ \
	/* ---- shared futexes ---- */ \
	/* m[0] address, m[1] expected, m[2] deadline or 0, m[3] bitset, m[4] address of a lock that it waits to be moved to, or 0; then -EAGAIN: a signal
	 * came after that */ \
	X(FUTEX_WAIT, 80) \
	X(FUTEX_WAKE, 81)    /* m[0] address, m[1] count, m[2] bitset -> m[0] woken */ \
	X(FUTEX_REQUEUE, 82) /* m[0] from, m[1] wake, m[2] requeue, m[3] to, m[4] 1: compare with m[5] */ \
	X(FUTEX_LOCK_PI, 83)   /* m[0] address, m[1] deadline or 0, m[2] 1: do not wait */ \
	X(FUTEX_UNLOCK_PI, 84) /* m[0] address */ \
	X(FUTEX_REQUEUE_PI, 85) /* m[0] from, m[1] how many to move beside the one that may be woken, m[2] the lock, m[3] what is expected at `from` */ \
	/* ---- descriptors and name space ---- */ \
	X(GROW_FILES, 96)  /* m[0] slots wanted (up to FILES_SPARE above RLIMIT_NOFILE, and what a files CNode can have: -EMFILE): the files CNode gets larger -> m[0] slots */ \
	X(UNSHARE_FILES, 97) /* the calling thread gets a copy of its files CNode */ \
	X(CHROOT, 98)      /* takes SLOT_FSROOT's place; m[0] cptr of a directory */ \
	/* the process has taken a POSIX lock: when it ends, by whatever, every service's SLOT_NOTIFY gets NOTICE_ENDED and drops the locks of those
	 * who are not in the principal table any more */ \
	X(LOCKS_TAKEN, 101) \
	X(MOUNT, 99) X(UNMOUNT, 100) /* data[] as the mount table's line; ENOSYS until a later slice */ \
	/* ---- the system ---- */ \
	X(LOG, 112)        /* m[0] level (0 error, 1 warning, 2 information, 3 debug), data[]: text */ \
	X(SYSTEM_INFO, 113) /* -> data[]: struct system_info of abi/kernel.h; root's pages by use: m[1] anonymous, m[2] of objects, m[3] tables,
	* m[4] pinned, m[5] heap; m[6] capability slots, m[7] bytes of its heap in use */ \
	X(MEMORY_INFO, 114) /* -> m[1] total bytes, m[2] free, m[3] shared, m[4] processes, m[5] load x 65536 1 min, m[6] 5, m[7] 15 */ \
	X(REBOOT, 115)     /* m[0] Linux LINUX_REBOOT_CMD_ */ \
	X(SET_TIME, 116)   /* m[0] realtime ns now */ \
	X(HOSTNAME, 117)   /* m[0] 0 get 1 set, m[1] 1: domain name; data[] */ \
	X(CHARGES, 121)    /* services -> m[0] how many, data[]: struct charge_info[], one a role */ \
	/* services, debug builds (else -ENOSYS): every page's use looked up anew -> data[]: struct audit_info */ \
	X(AUDIT, 120) \
	/* ---- servers ---- */ \
	X(TTY_SIGNAL, 128) /* console and pty servers: m[0] pgid, m[1] signal, m[2] 1: m[0] is a pid -> m[0] 0 or -ESRCH */ \
	X(ORPHANED, 129)   /* m[0] pgid -> m[0] 1 if that group is orphaned */ \
	X(PROC_LIST, 130)  /* proc server: m[0] first pid -> m[0] count, data[]: u32 pids in order */ \
	X(PROC_INFO, 131)  /* m[0] pid or tid -> data[]: struct proc_info */ \
	X(PROC_THREADS, 132) /* m[0] pid, m[1] first tid -> m[0] count, data[]: u32 tids */ \
	X(PROC_FILES, 133) /* m[0] pid, m[1] first descriptor -> m[0] count, data[]: u32 numbers of open descriptors */ \
	X(PROC_MEMORY, 134) /* m[0] pid, m[1] address, m[2] bytes <= MESSAGE_BYTES -> m[0] bytes, data[] */ \
	X(PROC_REGIONS, 135) /* m[0] pid, m[1] first address -> m[0] count, data[]: struct proc_region */ \
	/* the server receives on SLOT_ENDPOINT from now on; root mounts it -> 0, or 1 + the number of that of its mounts that is "/": principal_entry.tree_allowed is about it */ \
	X(SERVICE_READY, 136) \
	X(NAMES_CHANGED, 142) /* m[0]: the new number of the service's names, see CONTINUE_PLACE in abi/file.h */ \
	X(TABLES_NEEDED, 137) /* reserved */ \
	/* m[0] an empty slot of the caller's system CNode, SLOT_SERVER or above: another HandlePool appears there, about as large as all before, for the
	 * service has that many files open. -ENFILE: it has SERVICE_POOLS_MAX */ \
	X(POOL_NEEDED, 205) \
	X(MOUNTS, 138)     /* -> m[0] length, data[]: lines as /proc/mounts */ \
	/* console and pty servers: m[0] sid, m[1] Linux device number of a terminal of theirs, or 0, m[2] foreground pgid, m[3] pid.
	 * m[1], m[3]: it is that process's controlling terminal. m[1] alone: the foreground group of those who have it has changed. Without m[1]
	 * process m[3] of the session has none any more, or m[3] = 0: nobody in the session; then m[2], if not 0, is the group that root tells (HUP, CONT)
	 * when the leader ends. The principal table and /proc show it, FILE_OPEN of /dev/tty goes to that server, and when a leader ends that has a
	 * terminal root signals NOTICE_SESSION to the server's SLOT_NOTIFY */ \
	X(SESSION_TTY, 140) \
	/* proc server: m[0] pid, m[1] address in a region of an object -> m[0] length, data[]: the path it was last mapped from; -ENOENT */ \
	X(PROC_REGION_NAME, 141) \
	/* proc server: m[0] pid, m[1] page of a region, m[2] end of the range, in that region -> m[0] how many are mapped, m[1] the address reached: call
	 * again from there until it is the end; m[2] how many of them nobody else maps, m[3] bytes, each page's by how often it is mapped. -EINVAL: no region */ \
	X(PROC_REGION_PAGES, 143) \
	/* proc server: m[0] pid, m[1] its new oom_score_adj, OOM_ADJUST_MIN to OOM_ADJUST_MAX; m[2] 1: who writes it is privileged. -EACCES: only such lower it */ \
	X(OOM_ADJUST, 206) \
	/* proc server: m[0] first setting (abi/settings.h), m[1] how many, m[2..] their values: all or none. -EINVAL; -ERANGE of semaphore sets */ \
	X(SETTING, 208) \
	/* services with files that have owners (fcntl): m[0] ASYNC_ kind, m[1] number, m[2] identity that it must have or 0 -> m[1] its identity, 0: the number
	 * is in use but names none of that kind. -ESRCH */ \
	X(ASYNC_OWNER, 209) \
	/* the same: m[0..2] an owner, m[3] signal or 0 (SIGIO; SIGURG of ASYNC_URGENT), m[4] ASYNC_ band, m[5] descriptor, m[6] uid | euid << 32 of who set the owner, m[7] the role of that one */ \
	X(ASYNC_SIGNAL, 210) \
	/* ---- processes by (pid, serial), which is never another's: pidfds ---- */ \
	X(PIDFD, 192)        /* m[0] pid -> m[1] serial; -EINVAL: a thread's id */ \
	X(PIDFD_STATE, 193)  /* event server: m[0] pid, m[1] serial -> 1 alive, 0 a zombie, -ESRCH gone. Its end will be told by NOTICE_WATCHED */ \
	X(PIDFD_SIGNAL, 194) /* m[0] pid, m[1] serial, m[2] signal; data[]: Linux siginfo or nothing, which is kill's */ \
	/* m[0] pid, m[1] serial, m[2] its descriptor, m[3] number of a free slot of the caller's files CNode, where a copy appears */ \
	X(PIDFD_GETFD, 195) \
	/* ---- another process's memory ---- */ \
	/* m[0] pid or tid, m[1] 1: write, m[2] its address, m[3] bytes <= PROCESS_MEMORY_MAX; window[0]: the caller's side -> m[0] bytes, fewer where a
	 * page of the other process cannot be reached; -EFAULT: none, or the caller's side cannot */ \
	X(PROCESS_MEMORY, 196) \
	/* m[0] address, m[1] length, m[2] LOCK_MEMORY_ -> 0, -ENOMEM */ \
	X(LOCK_MEMORY, 197) \
	/* m[0] address, m[1] end, m[2] BRING_IN_: pages of the caller's are brought in, a part of them a request -> 0, or why the page at m[1] cannot be;
	 * m[1] where to go on */ \
	X(BRING_IN, 207) \
	/* vhangup: the caller's controlling terminal hangs up. Root asks who may, and forwards the caller to the terminal's server */ \
	X(HANG_UP, 144) \
	/* ipc server: m[0] pid, m[1] signal; data[]: Linux siginfo, 128 bytes: what the process asked to be told by */ \
	X(SERVICE_SIGNAL, 198) \
	/* data[]: an absolute path, normal, where nothing is mounted: from now on this program serves it. Its slots SLOT_ENDPOINT, SLOT_POOL and
	 * SLOT_NOTIFY are filled; the mount goes when the process ends. -EACCES: the policy does not let it create the path; -EBUSY: it serves already,
	 * or another does there; -ENOSPC: too many programs serve */ \
	X(SERVE, 204) \
	X(FILL_SLOT, 200)  /* m[0] SLOT_SERVICE_IPC: the caller's gets a Handle of the service that is there now */ \
	X(ROBUST_LIST, 201) /* m[0] tid -> m[1] the address that it gave set_robust_list */ \
	/* proc server, which forwards a reader: m[0] pid, m[1] descriptor, m[2] badge of the proc server's open file, m[3..5] m[0..2] of the READ, m[6]
	 * part. Root asks the descriptor's server (FILE_INFO) and passes the reader back, as a READ on that badge: m[0..2] as they were, m[3] 1 if
	 * the descriptor is close-on-exec, m[4] id of its mount, m[5] the next part or 0, m[7] the descriptor that the last line is about or
	 * INFO_NO_DESCRIPTOR; data[]: struct file_info and text, or nothing: there is no such descriptor */ \
	X(FILE_INFO, 202) \
	/* event server: m[0] service, m[1] length -> m[0] address: that service's WATCH_RING_OBJECT, mapped; -ENXIO: it has none */ \
	X(WATCH_RING, 203) \
	/* m[0] descriptor, m[1] address, m[2] bytes, whole pages of a MAP_SHARED|MAP_ANONYMOUS mapping of the caller that may be read and written: its server maps them too, as that open
	 * file's buffer (FILE_BUFFER, to which the caller is passed on). EINVAL: no such memory; EBADF; EOPNOTSUPP: the server has no use for it */ \
	X(SHARE_BUFFER, 230) \
	/* a server, with FILE_BUFFER: m[0] its caller's principal -> m[0] address, m[1] bytes: what that offers, mapped; -EINVAL: it offers nothing (any more) */ \
	X(TAKE_BUFFER, 231) \
	X(DETACH, 199)     /* shmdt: m[0] address where a segment of the ipc server was attached -> m[1] its object's id */ \
	X(NEEDS_IO, 139)   /* driver: m[0] first port, m[1] last, m[2] GSI or -1 (from the service table: allowed or -EPERM): fills SLOT_IO_PORT, SLOT_IRQ */

/* In thousandths of all memory, added to what a process has when one is chosen for want of memory; the least: never that one. */
#define OOM_ADJUST_MIN (-1000)
#define OOM_ADJUST_MAX 1000

/* Owners of open files: Linux's F_OWNER_ types; what they are told: Linux's POLL_ codes of siginfo. */
#define ASYNC_THREAD  0
#define ASYNC_PROCESS 1
#define ASYNC_GROUP   2
#define ASYNC_SIGNAL_MAX 64
#define ASYNC_IN      1
#define ASYNC_OUT     2
#define ASYNC_MESSAGE 3
#define ASYNC_ERROR   4
#define ASYNC_URGENT  5
#define ASYNC_HUP     6

#define SERVICE_POOLS_MAX 16 /* the first in SLOT_POOL */

#define PROCESS_MEMORY_MAX 0x10000ul /* of one PROCESS_MEMORY: root is not to be kept longer */

/* SCHEDULER. What is kept need not be given. */
#define SCHEDULER_RESET_ON_FORK 0x40000000ul
#define SCHEDULER_KEEP_POLICY   1
#define SCHEDULER_KEEP_PRIORITY 2
#define SCHEDULER_KEEP_NICE     4

/* LOCK_MEMORY: lock or unlock a range; or set, with all memory as the range, what mlockall asks for. */
#define LOCK_MEMORY_UNLOCK  0
#define LOCK_MEMORY_LOCK    1
#define LOCK_MEMORY_ONFAULT 2 /* with LOCK: pages are not brought in */
#define LOCK_MEMORY_ALL     4 /* the whole address space */
#define LOCK_MEMORY_FUTURE  8 /* with ALL: what will be mapped */

#define BRING_IN_OWN   0 /* private pages that may be written become the process's own */
#define BRING_IN_ALL   1 /* so too; what cannot be brought in is left out */
#define BRING_IN_READ  2
#define BRING_IN_WRITE 3
#define BRING_IN_PART  128 /* pages: the most that one request brings in */

/* Ids of mounts, as /proc/PID/mountinfo counts them from its first line on. Files without a path have smaller ones. */
#define MOUNT_ID_FIRST 20

/* Bit of a server's SLOT_NOTIFY that only root signals: look at the principal table, some session leader is gone. */
#define NOTICE_SESSION (1ul << 31) /* a Notification's badge has 32 bits */
#define NOTICE_ENDED   (1ul << 30) /* see LOCKS_TAKEN */
#define NOTICE_CLOCK   (1ul << 29) /* event server: the realtime clock was set */
#define NOTICE_CHANGED (1ul << 27) /* event server, by a file's server: there is something in a ring of events (abi/inotify.h) */
#define NOTICE_WATCHED (1ul << 28) /* event server: a process that it asked for with PIDFD_STATE has ended */

enum proc_operation {
#define X(name, number) PROC_##name = (number) + 256,
	PROC_OPERATIONS(X)
#undef X
	PROC_OPERATION_END = 512
};

/* Slots of the files CNode that a process may have above RLIMIT_NOFILE: for files that the runtime opens for itself when the program has all that it may. */
#define FILES_SPARE 32

/* GATE_INFO: read-only in the process. */
struct process_info {
	unsigned int pid, ppid, strace, system_slots;
	unsigned int files_slots, nofile; /* slots of the files CNode; RLIMIT_NOFILE soft */
	unsigned int uid, euid, gid, egid, secure, service; /* service: number of the service in root's table, 0: none */
	unsigned long image_size;         /* bytes of the boot image, mapped for services that ask (serve/) */
	unsigned long vector_size;        /* XSAVE bytes */
	unsigned long fsize;              /* RLIMIT_FSIZE soft */
	unsigned int tree_excluded;       /* what SLOT_TREE does not reach: a bit for each TREE_BIT (abi/file.h) */
	unsigned char random[32];         /* fresh for each exec */
	char name[32];                    /* the service's name; "" for programs */
	char command_line[1024];          /* the boot line, for /proc/cmdline and options */
};

/* principal -> who: GATE_PRINCIPALS[principal & PRINCIPAL_INDEX_MASK], valid if .principal equals it (the word that came, less its charge). A charge
 * is the number of the role that pays. */
#define PRINCIPAL_INDEX_MASK 0xffffu
#define PRINCIPALS_MAX 4096 /* entries in the table, all mapped: no index is this or above */
struct principal_entry {
	unsigned long principal; /* generation << 16 | index; 0 free */
	unsigned int tid, pid, ppid, pgid, sid, role;
	unsigned int uid, gid, euid, egid;
	unsigned int session_leader;
	unsigned int tty; /* Linux device number of its controlling terminal, 0: none */
	unsigned int tree_allowed; /* ~process_info.tree_excluded: below which paths directories' Handles take its paths (BADGE_TREE in abi/file.h) */
	unsigned int reserved;
};
_Static_assert(sizeof(struct principal_entry) == 64, "principal entry layout");

/*
 * exec: the start block, made by the old image's runtime, copied by root once, laid read-write at GATE_ARGUMENTS in the new process.
 * All offsets count from its start; total <= GATE_ARGUMENTS_MAX. The new runtime checks every offset.
 */
struct start_block {
	unsigned int magic, size;         /* START_MAGIC; bytes in all */
	unsigned int argc, envc;
	unsigned int argv_offset;         /* argc NUL-terminated strings, one after another */
	unsigned int envp_offset;
	unsigned int path_offset;         /* the path that AT_EXECFN shows */
	unsigned int exe_descriptor;      /* 0xffffffff: the first program; at path_offset are paths to try in turn, each with NUL, then an empty
	                                   * string. The runtime execs the first that can be; argv[0] is replaced by it. Else: SLOT_EXE is open */
	unsigned int descriptors_offset, descriptor_count; /* struct start_descriptor[]: root deletes every other slot */
	unsigned long signal_mask, signals_ignored;
	unsigned long alarm_ns;           /* unused */
	unsigned int umask, secure;
	unsigned int descriptors_doubtful; /* others had the table meanwhile: a number may have lost its file since */
	unsigned int bundle_name_offset;  /* root's own starts: name of the service in the bundle, mapped by root at m[...]; else 0 */
	unsigned int personality;
	unsigned int cwd_takes_paths;     /* fs_state.cwd_takes_paths of the runtime */
};
#define START_MAGIC 0x54525855u /* "UXRT" */

struct start_descriptor {
	unsigned int number, flags; /* flags: as the runtime's descriptor table keeps them; root looks only at the number */
};

/* A service started from the bundle has its ELF file mapped read-only here, size in the start block's argv_offset's place: see runtime/start.c */
#define GATE_SERVICE_FILE (GATE_BASE + 0x31000000)

/* CHARGES: what root keeps for a role, whichever process asked for it on that role's behalf. */
struct charge_info {
	char role[16];
	unsigned long objects, object_pages; /* memory objects made, and their pages that take memory */
	unsigned long processes, threads;
	unsigned long overrun_ns; /* what servers did for threads with budgets beyond what those will pay for */
};

/* AUDIT: what ought to be 0 in a system that has lost nothing, but for the last. Pages unless said otherwise. */
struct audit_info {
	unsigned long frames_wrong;   /* the kernel's count of them is not what uses them */
	unsigned long free_counted;   /* free, and counted all the same */
	unsigned long anonymous_lost; /* anonymous, and nobody maps them */
	unsigned long tables_lost;    /* page tables of no address space */
	unsigned long objects_lost;   /* of objects that nobody has or maps */
	unsigned long pinned_lost;    /* context, message and information pages of no thread or address space */
	unsigned long types_wrong;    /* uses whose total is not the number of pages with that use */
	unsigned long boot_counted;   /* of the boot image and the bundle, mapped somewhere */
};

struct proc_info {
	unsigned int pid, tid, ppid, pgid, sid, threads;
	unsigned int uid, euid, suid, gid, egid, sgid;
	char name[16];
	char state; /* R S D T Z */
	char dumpable; /* 0: not even its own user looks into it */
	short oom_score_adj;
	char no_new_privs;
	char pad[3];
	int nice, priority, exit_signal, tty;
	unsigned policy, real_time;
	unsigned long start_ns, user_ns, system_ns, child_user_ns, child_system_ns;
	unsigned long virtual_bytes, locked_bytes, resident_pages, shared_pages, peak_resident_pages;
	unsigned long minor_faults, major_faults;
	unsigned long signals_pending, signals_blocked, signals_ignored, signals_caught, shared_pending;
	unsigned long code_start, code_end, stack_top, brk_start, brk_end, arg_start, arg_end, env_start, env_end;
	unsigned long voluntary, involuntary;
	unsigned long rlimits[16][2];
	unsigned long serial;          /* never another process's */
	unsigned long affinity;        /* cores that it may run on */
	unsigned int core, core_count; /* it runs on, or ran on last; of the machine */
	unsigned long cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient; /* Linux's sets */
	int tty_pgid, exit_status; /* foreground group of the controlling terminal, -1: none; wait status of a zombie */
};

struct proc_region {
	unsigned long start, end, offset, ino;
	unsigned int prot, flags;      /* flags: 1 shared, 2 heap, 4 stack, 8 growsdown, 16 locked */
	unsigned int service, mount;   /* of the object, 0: anonymous */
};

#endif
