/*
 * Signals: what calls that wait need, and the table of handlers.
 *
 * Root holds what is pending and interrupts a thread only for a signal that is neither blocked nor ignored. A handler whose IPC gave
 * -ERESTARTSYS passes it on (or makes it -ERESTARTNOHAND, or -EINTR where Linux never restarts); the way out delivers and decides.
 */
#ifndef RUNTIME_LINUX_SIGNAL_H
#define RUNTIME_LINUX_SIGNAL_H

#include "lib/types.h"
#include "runtime/thread.h"
#include "runtime/lock.h"
#include "runtime/uaccess.h"

/* Results that never reach a program; Linux's numbers. */
#define ERESTARTSYS           512 /* repeat if the handler has SA_RESTART or there is none, else EINTR */
#define ERESTARTNOINTR        513 /* always repeat */
#define ERESTARTNOHAND        514 /* repeat if no handler runs, else EINTR */
#define ERESTART_RESTARTBLOCK 516 /* go on with t->restart if no handler runs, else EINTR */

#define SIGNAL_MAX 64
#define SIGNAL_BIT(n) (1ul << ((n) - 1))

struct signal_action {  /* as rt_sigaction has it */
	unsigned long handler, flags, restorer, mask;
};

struct sighand_state {
	unsigned int references; /* atomic */
	unsigned int shared_index;
	struct process_shared *shared;
	struct rt_lock lock;
	struct signal_action action[SIGNAL_MAX + 1];
};

/* True if a signal waits that would be delivered on the way out: a long operation should end early. */
static inline bool signal_waiting(struct thread_record *t)
{
	struct context_page *c = thread_context(t);

	return *(volatile unsigned long *)&c->interrupt_flag
		|| (*(volatile unsigned long *)&c->pending & ~c->signal_mask);
}

/*
 * For ppoll, pselect6, epoll_pwait: blocks `mask` (a program's address; 0: changes nothing) until the call ends. If the call
 * returns -ERESTARTNOHAND or -EINTR because of a signal, that signal's handler runs under the temporary mask, as on Linux. 0, -EFAULT or -EINVAL.
 */
long signal_temporary_mask(struct thread_record *t, uaddr_t mask, size_t size);
/* The end of such a call (table.c does it): gives the result. */
long signal_mask_end(struct thread_record *t, long result);

/* A signal for the calling thread from within the runtime (SIGPIPE after EPIPE): it is pending when the call ends. */
void signal_raise(struct thread_record *t, int signal);

#endif
