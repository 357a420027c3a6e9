/* The end of threads and processes, and waiting for children. */
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "lib/atomic.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/epoll.h"
#include "runtime/linux/pidfd.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/signal_frame.h"
#include "runtime/linux/time_value.h"

noreturn static void end(unsigned long status, bool process)
{
	for (;;)
		rt_root(PROC_EXIT, (status & 0xff) << 8, process, 0, 0, 0);
}

long linux_exit(struct thread_record *t, const unsigned long a[6])
{
	epoll_let_go(t);
	if (atomic_load_acquire(&t->process->thread_count) > 1) {
		files_release(t->files);
		fs_release(t->fs);
		sighand_release(t->sighand);
	}
	/* from here on this thread takes no lock: fork counts on that */
	atomic_fetch_sub(&t->process->thread_count, 1);
	end(a[0], false);
}

long linux_exit_group(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	end(a[0], true);
}

/* ---- wait ---- */

#define P_ALL_  0
#define P_PID_  1
#define P_PGID_ 2
#define P_PIDFD_ 3

struct waited {
	unsigned status, uid;
	struct rusage usage;
};

static long wait_call(unsigned long kind, unsigned long id, unsigned long options, unsigned long serial, struct waited *w)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_WAIT, 0) | INFO_INTERRUPTIBLE, .m = { id, kind, options, serial } };
	long pid = rt_request(&ipc);

	*w = (struct waited){ 0 };
	if (pid <= 0)
		return pid;
	w->status = (unsigned)ipc.m[1];
	w->uid = (unsigned)ipc.m[2];
	timeval_of_ns(&w->usage.ru_utime, ipc.m[3]);
	timeval_of_ns(&w->usage.ru_stime, ipc.m[4]);
	w->usage.ru_maxrss = (long)ipc.m[5];
	return pid;
}

long linux_wait4(struct thread_record *t, const unsigned long a[6])
{
	int pid = (int)a[0];
	unsigned options = (unsigned)a[2];
	unsigned long kind = P_PID_, id = (unsigned)pid;
	struct waited w;
	long result;

	(void)t;
	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == (int)0x80000000)
		return -ESRCH;
	if (pid == -1) {
		kind = P_ALL_;
	} else if (pid <= 0) {
		kind = P_PGID_;
		id = (unsigned)-pid; /* 0: the caller's own group */
	}
	result = wait_call(kind, id, options | WEXITED, 0, &w);
	if (result > 0 && a[1] && put_user(w.status, a[1]))
		return -EFAULT;
	if (result > 0 && a[3] && put_user(w.usage, a[3]))
		return -EFAULT;
	return result;
}

/* si_code and si_status of a wait status. */
static unsigned child_code(unsigned status, unsigned *value)
{
	if ((status & 0xffff) == 0xffff) {
		*value = SIGCONT;
		return CLD_CONTINUED;
	}
	if ((status & 0xff) == 0x7f) {
		*value = status >> 8 & 0xff;
		return CLD_STOPPED;
	}
	*value = status & 0x7f;
	if (*value)
		return status & 0x80 ? CLD_DUMPED : CLD_KILLED;
	*value = status >> 8 & 0xff;
	return CLD_EXITED;
}

/* waitid, whichever kind: as wait_call. A pidfd that is not to wait says so instead of 0. */
static long wait_id(struct thread_record *t, unsigned kind, unsigned id, unsigned options, struct waited *w)
{
	struct pidfd_target target;
	long pid;

	if (kind != P_PIDFD_)
		return wait_call(kind, id, options, 0, w);
	pid = (int)id < 0 ? -EINVAL : pidfd_target(t, id, &target);
	if (pid < 0)
		return pid;
	pid = wait_call(P_PID_, target.pid, options | (target.nonblocking ? WNOHANG : 0), target.serial, w);
	return pid == 0 && target.nonblocking && !(options & WNOHANG) ? -EAGAIN : pid;
}

long linux_waitid(struct thread_record *t, const unsigned long a[6])
{
	unsigned options = (unsigned)a[3], kind = (unsigned)a[0], value;
	struct linux_siginfo info = { 0 };
	struct waited w;
	long pid;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)
	    || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (kind > P_PIDFD_ || (kind == P_PID_ && (int)a[1] <= 0) || (kind == P_PGID_ && (int)a[1] < 0))
		return -EINVAL;
	pid = wait_id(t, kind, (unsigned)a[1], options, &w);
	if (pid < 0)
		return pid;
	if (pid > 0) {
		info.signo = SIGCHLD;
		info.code = child_code(w.status, &value);
		info.kill.pid = (unsigned)pid;
		info.kill.uid = w.uid;
		info.kill.value = value;
	}
	/* only these fields are written, as by Linux */
	if (a[2] && copy_to_user(a[2], &info, offsetof(struct linux_siginfo, kill.value) + 4))
		return -EFAULT;
	return a[4] && pid > 0 ? put_user(w.usage, a[4]) : 0;
}
