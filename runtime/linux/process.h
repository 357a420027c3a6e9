/* The system calls on processes, threads, memory, signals, time and the system, for the table (table.c). */
#ifndef RUNTIME_LINUX_PROCESS_H
#define RUNTIME_LINUX_PROCESS_H

#include "lib/types.h"

struct thread_record;

#define PROCESS_CALLS(X) \
	/* memory.c */ \
	X(mmap) X(munmap) X(mprotect) X(mremap) X(madvise) X(brk) X(msync) X(mincore) X(mlock) X(mlock2) X(munlock) X(mlockall) X(munlockall) \
	/* peer_memory.c */ \
	X(process_vm_readv) X(process_vm_writev) \
	/* sysvipc.c, mqueue.c */ \
	X(shmget) X(shmat) X(shmctl) X(shmdt) X(semget) X(semop) X(semtimedop) X(semctl) X(msgget) X(msgsnd) X(msgrcv) X(msgctl) \
	X(mq_open) X(mq_unlink) X(mq_timedsend) X(mq_timedreceive) X(mq_notify) X(mq_getsetattr) \
	/* exec.c */ \
	X(execve) X(execveat) \
	/* clone.c */ \
	X(fork) X(vfork) X(clone) X(clone3) X(unshare) X(set_tid_address) X(set_robust_list) X(get_robust_list) \
	/* exit.c */ \
	X(exit) X(exit_group) X(wait4) X(waitid) \
	/* identity.c */ \
	X(getpid) X(getppid) X(gettid) X(getuid) X(geteuid) X(getgid) X(getegid) X(getpgid) X(setpgid) X(getpgrp) X(setsid) X(vhangup) X(getsid) \
	X(setuid) X(setgid) X(setreuid) X(setregid) X(setresuid) X(setresgid) X(getresuid) X(getresgid) X(setfsuid) X(setfsgid) \
	X(getgroups) X(setgroups) X(capget) X(capset) \
	/* limits.c */ \
	X(getrlimit) X(setrlimit) X(prlimit64) X(getrusage) X(times) X(getpriority) X(setpriority) X(ioprio_get) X(ioprio_set) \
	X(sched_yield) X(sched_getaffinity) X(sched_setaffinity) X(sched_getscheduler) X(sched_setscheduler) X(sched_getparam) X(sched_setparam) \
	X(sched_get_priority_max) X(sched_get_priority_min) X(sched_rr_get_interval) X(sched_getattr) X(sched_setattr) X(getcpu) \
	/* system.c */ \
	X(uname) X(sysinfo) X(sethostname) X(setdomainname) X(reboot) X(personality) X(prctl) X(arch_prctl) X(getrandom) X(membarrier) \
	X(rseq) X(restart_syscall) X(settimeofday) X(clock_settime) \
	/* time.c */ \
	X(clock_gettime) X(clock_getres) X(clock_nanosleep) X(nanosleep) X(gettimeofday) X(time) X(getitimer) X(setitimer) X(alarm) \
	/* adjtime.c */ \
	X(adjtimex) X(clock_adjtime) \
	/* posix_timer.c */ \
	X(timer_create) X(timer_settime) X(timer_gettime) X(timer_getoverrun) X(timer_delete) \
	/* futex_call.c */ \
	X(futex) \
	/* signal.c */ \
	X(rt_sigaction) X(rt_sigprocmask) X(rt_sigpending) X(rt_sigsuspend) X(rt_sigtimedwait) X(rt_sigqueueinfo) X(rt_tgsigqueueinfo) \
	X(kill) X(tkill) X(tgkill) X(sigaltstack) X(pause) X(rt_sigreturn)

#define X(name) long linux_##name(struct thread_record *t, const unsigned long a[6]);
PROCESS_CALLS(X)
#undef X

/* exec.c: for the first program, from the runtime's own memory; argv and envp are strings one after another. Returns only an error. */
long exec_own(struct thread_record *t, const char *path, const char *argv, unsigned argc, const char *envp, unsigned envc);

/* start.c: the one process that a runtime image starts as. */
struct process_state *process_first(void);

/* clone.c: the calling thread's descriptor table becomes its own. 0 or -ENOMEM */
long files_unshare(struct thread_record *t);

/* identity.c: whether the process has that capability now; for the choice of an error, root decides what may be done */
bool capable(unsigned capability);

/* signal.c */
struct sighand_state *sighand_create(unsigned long ignored);
struct sighand_state *sighand_fork(struct sighand_state *sighand); /* a copy with a page of its own, in t->heap. NULL: no memory */
void sighand_publish(struct sighand_state *sighand); /* caller holds its lock, or nobody else knows it */
void sighand_clear(struct sighand_state *sighand); /* of one that nobody else knows: caught signals become default, not published */
void sighand_release(struct sighand_state *sighand);
void sighand_fork_child(struct sighand_state *sighand);
void sighand_page_free(unsigned index);
void sighand_exec_flags(struct sighand_state *sighand, unsigned long *ignored);
void signal_set_mask(struct thread_record *t, unsigned long mask);

#endif
