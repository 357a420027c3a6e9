/* The system calls on signals, and the table of handlers. Delivery is deliver.c's. */
#include "runtime/linux/signal.h"

#include <linux/signal.h>

#include "lib/atomic.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/deliver.h"
#include "runtime/linux/process.h"
#include "runtime/linux/time_value.h"

#define HANDLER_DEFAULT 0ul
#define HANDLER_IGNORE  1ul
#define UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define SIGSET_SIZE 8
#define ACTION_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_RESTORER | SA_EXPOSE_TAGBITS)

#ifndef SA_EXPOSE_TAGBITS
#define SA_EXPOSE_TAGBITS 0x800
#endif

static struct sighand_state first_sighand;
static unsigned long shared_used = 1; /* GATE_SHARED pages in use: bits; page 0 is the first table's */

/* ---- the table ---- */

static struct process_shared *shared_page(unsigned index)
{
	return (struct process_shared *)(GATE_SHARED + index * PAGE_SIZE);
}

void sighand_publish(struct sighand_state *s)
{
	unsigned long ignored = 0, caught = 0, flags = s->action[SIGCHLD].flags;

	for (unsigned i = 1; i <= SIGNAL_MAX; i++) {
		ignored |= s->action[i].handler == HANDLER_IGNORE ? SIGNAL_BIT(i) : 0;
		caught |= s->action[i].handler > HANDLER_IGNORE ? SIGNAL_BIT(i) : 0;
	}
	atomic_store_relaxed(&s->shared->signals_caught, caught);
	atomic_store_relaxed(&s->shared->signals_ignored, ignored);
	atomic_store_release(&s->shared->flags,
			     (flags & SA_NOCLDWAIT ? SHARED_NOCLDWAIT : 0ul) | (flags & SA_NOCLDSTOP ? SHARED_NOCLDSTOP : 0ul));
}

/* One action has changed. Only holders of the lock write the page, so no atomic read-modify-write is needed. */
static void publish_one(struct sighand_state *s, unsigned signal)
{
	const struct signal_action *action = &s->action[signal];
	unsigned long bit = SIGNAL_BIT(signal), caught = s->shared->signals_caught & ~bit, ignored = s->shared->signals_ignored & ~bit;

	if (signal == SIGCHLD) {
		sighand_publish(s);
		return;
	}
	atomic_store_relaxed(&s->shared->signals_caught, caught | (action->handler > HANDLER_IGNORE ? bit : 0));
	atomic_store_release(&s->shared->signals_ignored, ignored | (action->handler == HANDLER_IGNORE ? bit : 0));
}

struct sighand_state *sighand_create(unsigned long ignored)
{
	struct sighand_state *s = &first_sighand;

	s->references = 1;
	s->shared = shared_page(0);
	rt_lock_init(&s->lock);
	for (unsigned i = 1; i <= SIGNAL_MAX; i++)
		s->action[i].handler = ignored & SIGNAL_BIT(i) ? HANDLER_IGNORE : HANDLER_DEFAULT;
	sighand_publish(s);
	return s;
}

struct sighand_state *sighand_fork(struct sighand_state *from)
{
	unsigned long used = atomic_load_relaxed(&shared_used);
	struct sighand_state *s;
	unsigned index;

	do {
		if (!~used)
			return NULL;
		index = (unsigned)__builtin_ctzl(~used);
	} while (!atomic_cas(&shared_used, &used, used | 1ul << index));
	s = rt_zalloc(sizeof(*s));
	if (!s) {
		sighand_page_free(index);
		return NULL;
	}
	rt_lock(&from->lock);
	memcpy(s->action, from->action, sizeof(s->action));
	rt_unlock(&from->lock);
	s->references = 1;
	s->shared_index = index;
	s->shared = shared_page(index);
	return s;
}

void sighand_page_free(unsigned index)
{
	atomic_fetch_and(&shared_used, ~(1ul << index));
}

/* The one table of a forked child is its copy of the parent's; pages of other tables of the address space are not its business. */
void sighand_fork_child(struct sighand_state *s)
{
	rt_lock_reset(&s->lock);
	if (s->references != 1)
		s->references = 1;
	if (shared_used != 1ul << s->shared_index)
		shared_used = 1ul << s->shared_index;
	/* root has copied the page */
}

void sighand_clear(struct sighand_state *s)
{
	for (unsigned i = 1; i <= SIGNAL_MAX; i++)
		s->action[i] = (struct signal_action){ .handler = s->action[i].handler == HANDLER_IGNORE ? HANDLER_IGNORE : HANDLER_DEFAULT };
}

void sighand_release(struct sighand_state *s)
{
	if (atomic_fetch_sub(&s->references, 1) != 1 || s == &first_sighand)
		return;
	sighand_page_free(s->shared_index);
	rt_free(s);
}

void sighand_exec_flags(struct sighand_state *s, unsigned long *ignored)
{
	*ignored = 0;
	for (unsigned i = 1; i <= SIGNAL_MAX; i++)
		*ignored |= s->action[i].handler == HANDLER_IGNORE ? SIGNAL_BIT(i) : 0;
}

/* ---- masks ---- */

/* Root sets pending, then reads the mask; here the mask is set, then pending read: one of the two sees the other. */
void signal_set_mask(struct thread_record *t, unsigned long mask)
{
	struct context_page *c = thread_context(t);

	atomic_store(&c->signal_mask, mask & ~UNBLOCKABLE);
	if (atomic_load_acquire(&c->pending) & ~c->signal_mask)
		atomic_store_relaxed(&c->interrupt_flag, 1);
}

long signal_temporary_mask(struct thread_record *t, uaddr_t mask, size_t size)
{
	unsigned long set;

	if (!mask)
		return 0;
	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(set, mask))
		return -EFAULT;
	t->saved_mask = thread_context(t)->signal_mask;
	t->restore_mask = true;
	signal_set_mask(t, set);
	return 0;
}

long signal_mask_end(struct thread_record *t, long result)
{
	/* interrupted: the way out delivers under the temporary mask, then restores */
	if (!t->restore_mask || result == -ERESTARTNOHAND || result == -ERESTARTSYS || result == -EINTR)
		return result;
	t->restore_mask = false;
	signal_set_mask(t, t->saved_mask);
	return result;
}

void signal_raise(struct thread_record *t, int signal)
{
	rt_root(PROC_TGKILL, process_pid(t->process), t->tid, (unsigned long)signal, 0, 0);
}

long linux_rt_sigprocmask(struct thread_record *t, const unsigned long a[6])
{
	unsigned long old = thread_context(t)->signal_mask, set, mask;

	if (a[3] != SIGSET_SIZE)
		return -EINVAL;
	if (a[1]) {
		if (get_user(set, a[1]))
			return -EFAULT;
		switch ((int)a[0]) {
		case SIG_BLOCK: mask = old | set; break;
		case SIG_UNBLOCK: mask = old & ~set; break;
		case SIG_SETMASK: mask = set; break;
		default: return -EINVAL;
		}
		signal_set_mask(t, mask);
	}
	return a[2] ? put_user(old, a[2]) : 0;
}

/* ---- dispositions ---- */

static bool ignores(unsigned signal, const struct signal_action *action)
{
	return action->handler == HANDLER_IGNORE
		|| (action->handler == HANDLER_DEFAULT
		    && SIGNAL_BIT(signal) & (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH)));
}

/* A signal that waits and is ignored from now on is forgotten. */
static void forget_pending(struct thread_record *t, unsigned signal)
{
	if (!(thread_context(t)->pending & SIGNAL_BIT(signal)))
		return;
	while (rt_root(PROC_SIGTAKE, SIGNAL_BIT(signal), 0, 0, 0, 0) > 0)
		;
}

long linux_rt_sigaction(struct thread_record *t, const unsigned long a[6])
{
	struct sighand_state *s = t->sighand;
	struct signal_action action, old;
	unsigned signal = (unsigned)a[0];

	if (a[3] != SIGSET_SIZE || signal < 1 || signal > SIGNAL_MAX)
		return -EINVAL;
	if (a[1] && get_user(action, a[1]))
		return -EFAULT;
	if (a[1] && SIGNAL_BIT(signal) & UNBLOCKABLE)
		return -EINVAL;
	rt_lock(&s->lock);
	old = s->action[signal];
	if (a[1]) {
		action.flags &= ACTION_FLAGS;
		action.mask &= ~UNBLOCKABLE;
		s->action[signal] = action;
		publish_one(s, signal);
	}
	rt_unlock(&s->lock);
	if (a[1] && ignores(signal, &action))
		forget_pending(t, signal);
	return a[2] ? put_user(old, a[2]) : 0;
}

long linux_sigaltstack(struct thread_record *t, const unsigned long a[6])
{
	struct gate_frame *f = &thread_context(t)->program;
	bool on = t->altstack.size && f->rsp > t->altstack.base && f->rsp - t->altstack.base <= t->altstack.size
		&& !(t->altstack.flags & SS_AUTODISARM);
	struct linux_stack old = { t->altstack.base, t->altstack.size ? t->altstack.flags | (on ? SS_ONSTACK : 0) : SS_DISABLE, 0, t->altstack.size };
	struct linux_stack new;

	if (a[0]) {
		unsigned mode;

		if (get_user(new, a[0]))
			return -EFAULT;
		if (on)
			return -EPERM;
		mode = new.flags & ~(unsigned)SS_AUTODISARM;
		if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
			return -EINVAL;
		if (mode == SS_DISABLE)
			new = (struct linux_stack){ .flags = new.flags };
		else if (new.size < MINSIGSTKSZ)
			return -ENOMEM;
		t->altstack.base = new.sp;
		t->altstack.size = new.size;
		t->altstack.flags = new.flags & SS_AUTODISARM;
	}
	return a[1] ? put_user(old, a[1]) : 0;
}

/* ---- waiting ---- */

long linux_rt_sigpending(struct thread_record *t, const unsigned long a[6])
{
	long set;

	(void)t;
	if (a[1] > SIGSET_SIZE)
		return -EINVAL;
	set = rt_root(PROC_SIGPENDING, 0, 0, 0, 0, 0);
	set &= (long)thread_context(t)->signal_mask;
	return copy_to_user(a[0], &set, a[1]);
}

/* Sleeps until a signal is to be delivered. */
static long wait_for_signal(struct thread_record *t)
{
	while (!signal_waiting(t))
		if (rt_wait(t, 0, true, 0) < 0)
			break;
	return -ERESTARTNOHAND;
}

long linux_pause(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	return wait_for_signal(t);
}

long linux_rt_sigsuspend(struct thread_record *t, const unsigned long a[6])
{
	long error = a[0] ? signal_temporary_mask(t, a[0], a[1]) : -EFAULT;

	return error ? error : wait_for_signal(t);
}

long linux_rt_sigtimedwait(struct thread_record *t, const unsigned long a[6])
{
	struct context_page *c = thread_context(t);
	unsigned long set, deadline = 0;
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SIGWAIT, 0) | INFO_INTERRUPTIBLE };
	struct linux_siginfo info;
	long result;

	if (a[3] != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(set, a[0]))
		return -EFAULT;
	if (a[2]) {
		long error = deadline_after_user(a[2], &deadline);

		if (error)
			return error;
	}
	set &= ~UNBLOCKABLE;
	ipc.m[0] = set;
	ipc.m[1] = deadline;
	atomic_store(&c->wait_mask, set);
	result = rt_request(&ipc);
	/* What it waits for may have come between the mask and the request, and is what interrupted that. */
	if (result == -ERESTARTSYS && atomic_load_acquire(&c->pending) & set) {
		ipc = (struct ipc){ .target = CPTR_ROOT, .info = INFO(PROC_SIGWAIT, 0), .m = { set, DEADLINE_NOW } };
		result = rt_request(&ipc);
		result = result == -EAGAIN ? -ERESTARTSYS : result;
	}
	if (result > 0) {
		memset(&info, 0, sizeof(info));
		if (INFO_BYTES_OF(ipc.info) >= sizeof(info))
			memcpy(&info, thread_message(t)->data, sizeof(info));
		info.signo = (u32)result;
	}
	atomic_store(&c->wait_mask, 0);
	if (result == -ERESTARTSYS)
		return -EINTR;
	if (result > 0 && a[1] && put_user(info, a[1]))
		return -EFAULT;
	return result;
}

/* ---- sending ---- */

static bool signal_bad(unsigned long signal)
{
	return (unsigned)signal > SIGNAL_MAX;
}

long linux_kill(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	if (signal_bad(a[1]))
		return -EINVAL;
	return rt_root(PROC_KILL, (unsigned long)(int)a[0], (unsigned)a[1], 0, 0, 0);
}

long linux_tgkill(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	if (signal_bad(a[2]) || (int)a[0] <= 0 || (int)a[1] <= 0)
		return -EINVAL;
	return rt_root(PROC_TGKILL, (unsigned long)(int)a[0], (unsigned long)(int)a[1], (unsigned)a[2], 0, 0);
}

long linux_tkill(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	if (signal_bad(a[1]) || (int)a[0] <= 0)
		return -EINVAL;
	return rt_root(PROC_TGKILL, (unsigned long)-1l, (unsigned long)(int)a[0], (unsigned)a[1], 0, 0);
}

static long queue_info(struct thread_record *t, unsigned long tgid, unsigned long tid, unsigned signal, uaddr_t from)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SIGQUEUE, sizeof(struct linux_siginfo)), .m = { tgid, tid, signal } };
	struct linux_siginfo info;

	if (get_user(info, from))
		return -EFAULT;
	if (signal_bad(signal))
		return -EINVAL;
	if (((int)info.code >= 0 || (int)info.code == SI_TKILL) && tgid != process_pid(t->process))
		return -EPERM;
	info.signo = signal;
	memcpy(thread_message(t)->data, &info, sizeof(info));
	return rt_request(&ipc);
}

long linux_rt_sigqueueinfo(struct thread_record *t, const unsigned long a[6])
{
	return queue_info(t, (unsigned)a[0], 0, (unsigned)a[1], a[2]);
}

long linux_rt_tgsigqueueinfo(struct thread_record *t, const unsigned long a[6])
{
	if ((int)a[0] <= 0 || (int)a[1] <= 0)
		return -EINVAL;
	return queue_info(t, (unsigned)a[0], (unsigned)a[1], (unsigned)a[2], a[3]);
}
