/*
 * Signals. Root holds what is pending and decides where it goes; the runtime runs handlers. A thread is interrupted only for what its
 * published mask lets through and its process does not ignore.
 */
#ifndef ROOT_SIGNAL_H
#define ROOT_SIGNAL_H

#include "root/process.h"

struct request;

#define SIGNALS 64
#define SIGBIT(sig) (1ul << ((sig) - 1))

enum {
	SIGNAL_HUP = 1, SIGNAL_INT = 2, SIGNAL_QUIT = 3, SIGNAL_ILL = 4, SIGNAL_TRAP = 5, SIGNAL_ABRT = 6, SIGNAL_BUS = 7, SIGNAL_FPE = 8,
	SIGNAL_KILL = 9, SIGNAL_SEGV = 11, SIGNAL_ALRM = 14, SIGNAL_CHLD = 17, SIGNAL_CONT = 18, SIGNAL_STOP = 19, SIGNAL_TSTP = 20,
	SIGNAL_TTIN = 21, SIGNAL_TTOU = 22, SIGNAL_URG = 23, SIGNAL_XCPU = 24, SIGNAL_XFSZ = 25, SIGNAL_VTALRM = 26, SIGNAL_PROF = 27, SIGNAL_WINCH = 28, SIGNAL_IO = 29, SIGNAL_SYS = 31,
	SIGNAL_RT_MIN = 32,
};

/* The parts of Linux's siginfo_t that root fills in; 128 bytes in all. */
struct linux_siginfo {
	s32 signo, error, code, pad;
	s32 pid, uid;
	s32 status, pad2;
	u64 user_time, system_time;
	u8 rest[80];
};
_Static_assert(sizeof(struct linux_siginfo) == 128, "siginfo layout");
#define SI_CODE_USER   0
#define SI_CODE_KERNEL 0x80
#define SI_CODE_TKILL  (-6)
#define SI_CODE_TIMER  (-2)
#define SI_CODE_SIGIO  (-5)

void signal_queue_init(struct signal_queue *queue);
void signal_queue_clear(struct signal_queue *queue);

/* To the process, or to one thread of it. 0, or -EAGAIN: its queue is full (real-time signals only). */
int signal_process(struct process *process, unsigned signal, const struct linux_siginfo *info);
int signal_thread(struct thread *thread, unsigned signal, const struct linux_siginfo *info);
void signal_group(u32 pgid, unsigned signal, const struct linux_siginfo *info);

/* The pending words of all threads of the process follow the queues. */
void signal_publish(const struct process *process);
/* After exec or a change of mask: see whether something pending can be delivered now. */
void signal_recheck(struct process *process);

/* Job control's stop and continue. */
void process_stop(struct process *process, unsigned signal);
void process_continue(struct process *process);

void stop_thread(struct thread *thread);
void signal_queue_move(struct signal_queue *to, struct signal_queue *from);
/* Takes one pending signal of the set out; 0: none. */
unsigned signal_take(struct thread *thread, u64 set, struct linux_siginfo *info);
/* The same for the way out of the gate: a signal without a handler is acted upon instead. -1: the process is gone. */
int signal_take_for_delivery(struct thread *thread, u64 set, struct linux_siginfo *info);
/* The result of a request whose caller may be gone by what it asked for: then there is nobody to answer. */
long still_there(struct request *request, u64 principal, long result);
/* The default action. True: the process is gone. */
bool signal_fatal_default(struct process *process, unsigned signal);

#endif
