/*
 * A thread that leaves the runtime with interrupt_flag set, or with a result ERESTART.., comes here. Signals are taken from root one by
 * one; each that has a handler gets a frame, the later ones on top, as Linux does. The exit sequence then loads what is in
 * context->program. interrupt_flag is cleared first: a signal that comes later sets it again, and the exit sequence looks at it last.
 */
#include "runtime/linux/deliver.h"

#include <linux/signal.h>

#include "lib/atomic.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/entry.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"

#define HANDLER_DEFAULT 0ul
#define HANDLER_IGNORE  1ul
#define SYSCALL_BYTES   2 /* length of the instruction */
#define RED_ZONE        128
#define FLAGS_HANDLER_CLEARS 0x10500ul /* TF DF RF */

#define IGNORED_BY_DEFAULT (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH) \
	| SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU)) /* stopping is root's */
#define CORE_BY_DEFAULT (SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGBUS) \
	| SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGXCPU) | SIGNAL_BIT(SIGXFSZ) | SIGNAL_BIT(SIGSYS))

void frame_segments(struct gate_frame *frame)
{
	unsigned long cs, ss;

	__asm__("mov %%cs, %0; mov %%ss, %1" : "=r"(cs), "=r"(ss));
	frame->cs = cs;
	frame->ss = ss;
}

void frame_complete(struct thread_record *t)
{
	struct context_page *c = thread_context(t);
	struct gate_frame *f = &c->program;

	if (t->exit_full)
		return;
	f->rdi = t->a[0];
	f->rsi = t->a[1];
	f->rdx = t->a[2];
	f->r10 = t->a[3];
	f->r8 = t->a[4];
	f->r9 = t->a[5];
	f->rip = f->rcx = c->return_rip;
	f->r11 = f->rflags;
	f->vector = f->error = f->address = 0;
	frame_segments(f);
	t->exit_full = 1;
}

noreturn void signal_fatal(int signal)
{
	bool core = CORE_BY_DEFAULT & SIGNAL_BIT(signal);

	for (;;)
		rt_root(PROC_SIGDEFAULT, (unsigned long)signal, core, 0, 0, 0);
}

/* ---- vector state ---- */

static u64 vector_size(void)
{
	u64 size = process_info()->vector_size;

	return MAX(size, 512ul);
}

static bool vector_free(struct thread_record *t)
{
	return thread_context(t)->vector_free;
}

size_t signal_frame_size(void)
{
	return RED_ZONE + vector_size() + 4 + 64 + sizeof(struct linux_sigframe) + 24;
}

/* Without XSAVE only the 512 bytes of FXSAVE are there. */
static bool has_xsave(void)
{
	return vector_size() > 512;
}

static u64 vector_features(void)
{
	unsigned low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (u64)high << 32 | low;
}

static long vector_save(u64 at)
{
	u64 size = vector_size();
	struct linux_fpx_software software = { .magic1 = FP_XSTATE_MAGIC1, .extended_size = (u32)size + 4, .xstate_size = (u32)size };
	long error;

	if (!user_range_ok(at, size + 4))
		return -EFAULT;
	if (!has_xsave())
		return uaccess_fxsave((void *)at);
	software.features = vector_features();
	error = clear_user(at + 512, 64); /* the header's reserved words, which XSAVE leaves alone */
	if (!error)
		error = uaccess_xsave((void *)at, software.features);
	if (!error)
		error = copy_to_user(at + FP_SOFTWARE_AT, &software, sizeof(software));
	if (!error)
		error = put_user(FP_XSTATE_MAGIC2, at + size);
	return error;
}

static long vector_reset(void)
{
	static const struct {
		u8 legacy[24];
		u32 mxcsr, mask;
		u8 rest[544];
	} __attribute__((aligned(64))) initial = { .legacy = { 0x7f, 0x03 }, .mxcsr = 0x1f80 };

	return has_xsave() ? uaccess_xrstor(&initial, vector_features()) : uaccess_fxrstor(&initial);
}

/* The program may have changed every byte: what the CPU refuses is -EFAULT. */
static long vector_restore(struct thread_record *t, u64 at)
{
	struct linux_fpx_software software;
	u64 size = vector_size();

	if (vector_free(t))
		return 0;
	if (!at)
		return vector_reset();
	if (!IS_ALIGNED(at, 64) || !user_range_ok(at, size))
		return -EFAULT;
	if (copy_from_user(&software, at + FP_SOFTWARE_AT, sizeof(software)))
		return -EFAULT;
	if (has_xsave() && software.magic1 == FP_XSTATE_MAGIC1 && software.xstate_size <= size)
		return uaccess_xrstor((const void *)at, software.features & vector_features());
	return uaccess_fxrstor((const void *)at);
}

/* ---- a handler's frame ---- */

static bool on_altstack(const struct thread_record *t, u64 sp)
{
	return t->altstack.size && sp > t->altstack.base && sp - t->altstack.base <= t->altstack.size;
}

static u64 frame_stack(const struct thread_record *t, const struct signal_action *action, u64 sp)
{
	if (action->flags & SA_ONSTACK && t->altstack.size && !(t->altstack.flags & SS_AUTODISARM ? 0 : on_altstack(t, sp)))
		return t->altstack.base + t->altstack.size;
	return sp - RED_ZONE;
}

static long frame_write(struct thread_record *t, const struct frame_places *places, const struct signal_action *action,
			const struct linux_siginfo *info, u64 mask)
{
	struct gate_frame *f = &thread_context(t)->program;
	struct linux_sigframe frame;

	memset(&frame, 0, sizeof(frame));
	frame.restorer = action->restorer;
	frame.ucontext.flags = (has_xsave() && places->vector ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	frame.ucontext.stack = (struct linux_stack){ t->altstack.base, 0, 0, t->altstack.size };
	frame.ucontext.stack.flags = t->altstack.size ? t->altstack.flags | (on_altstack(t, f->rsp) ? SS_ONSTACK : 0) : SS_DISABLE;
	sigcontext_fill(&frame.ucontext.context, f, mask, places->vector);
	frame.ucontext.mask = mask;
	frame.info = *info;
	return copy_to_user(places->frame, &frame, sizeof(frame));
}

/* context->program becomes the handler's start. -EFAULT: the stack cannot take the frame. */
static long frame_push(struct thread_record *t, const struct signal_action *action, const struct linux_siginfo *info, u64 mask)
{
	struct gate_frame *f = &thread_context(t)->program;
	u64 sp = frame_stack(t, action, f->rsp);
	struct frame_places places;

	if (!(action->flags & SA_RESTORER) || !frame_place(sp, vector_size(), &places))
		return -EFAULT;
	if (on_altstack(t, sp) && !on_altstack(t, places.frame))
		return -EFAULT;
	if (vector_free(t))
		places.vector = 0;
	else if (vector_save(places.vector))
		return -EFAULT;
	if (frame_write(t, &places, action, info, mask))
		return -EFAULT;
	f->rdi = info->signo;
	f->rsi = places.frame + offsetof(struct linux_sigframe, info);
	f->rdx = places.frame + offsetof(struct linux_sigframe, ucontext);
	f->rax = 0;
	f->rip = action->handler;
	f->rsp = places.frame;
	f->rflags &= ~FLAGS_HANDLER_CLEARS;
	if (t->altstack.flags & SS_AUTODISARM)
		t->altstack.base = t->altstack.size = t->altstack.flags = 0;
	return 0;
}

/* ---- restarting ---- */

static void call_again(struct thread_record *t, u64 number)
{
	struct gate_frame *f = &thread_context(t)->program;

	f->rax = number;
	f->rip -= SYSCALL_BYTES;
	t->number = NUMBER_NONE;
}

/* A handler is about to run: does the interrupted call end with EINTR or go again afterwards? */
static void restart_with_handler(struct thread_record *t, const struct signal_action *action)
{
	struct gate_frame *f = &thread_context(t)->program;

	if (t->number == NUMBER_NONE)
		return;
	switch ((long)f->rax) {
	case -ERESTARTSYS:
		if (!(action->flags & SA_RESTART)) {
			f->rax = (u64)-EINTR;
			break;
		}
		call_again(t, t->number);
		break;
	case -ERESTARTNOINTR:
		call_again(t, t->number);
		break;
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		f->rax = (u64)-EINTR;
	}
	t->number = NUMBER_NONE;
}

static void restart_without_handler(struct thread_record *t)
{
	long result = (long)thread_context(t)->program.rax;

	if (t->number == NUMBER_NONE)
		return;
	if (result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND) {
		frame_complete(t);
		call_again(t, t->number);
	} else if (result == -ERESTART_RESTARTBLOCK) {
		frame_complete(t);
		call_again(t, 219 /* restart_syscall */);
	}
}

/* ---- delivery ---- */

/* The action, taken: SA_RESETHAND has its effect. */
static struct signal_action action_take(struct thread_record *t, unsigned signal)
{
	struct sighand_state *s = t->sighand;
	struct signal_action action;

	rt_lock(&s->lock);
	action = s->action[signal];
	if (action.handler > HANDLER_IGNORE && action.flags & SA_RESETHAND) {
		s->action[signal].handler = HANDLER_DEFAULT;
		sighand_publish(s);
	}
	rt_unlock(&s->lock);
	return action;
}

/* The stack cannot take a handler's frame: that is a SIGSEGV, which another stack may be able to take; if that is what was to be handled, the end. */
static void frame_failed(struct thread_record *t, u32 signal)
{
	struct linux_siginfo info = { .signo = SIGSEGV, .code = 0x80 /* SI_KERNEL */ };

	if (signal == SIGSEGV)
		signal_fatal(SIGSEGV);
	signal_force(t, &info);
}

static void deliver_handler(struct thread_record *t, const struct signal_action *action, const struct linux_siginfo *info)
{
	u64 mask = thread_context(t)->signal_mask, saved = t->restore_mask ? t->saved_mask : mask;

	frame_complete(t);
	restart_with_handler(t, action);
	if (frame_push(t, action, info, saved)) {
		frame_failed(t, info->signo);
		return;
	}
	t->restore_mask = false;
	mask |= action->mask | (action->flags & SA_NODEFER ? 0 : SIGNAL_BIT(info->signo));
	signal_set_mask(t, mask);
}

/* True if a handler is to run. */
static bool deliver(struct thread_record *t, const struct linux_siginfo *info)
{
	struct signal_action action = action_take(t, info->signo);

	if (action.handler == HANDLER_IGNORE)
		return false;
	if (action.handler == HANDLER_DEFAULT) {
		if (!(IGNORED_BY_DEFAULT & SIGNAL_BIT(info->signo)))
			signal_fatal((int)info->signo);
		return false;
	}
	deliver_handler(t, &action, info);
	return true;
}

void signal_force(struct thread_record *t, const struct linux_siginfo *info)
{
	u64 bit = SIGNAL_BIT(info->signo);
	struct sighand_state *s = t->sighand;
	unsigned long handler;

	rt_lock(&s->lock);
	handler = s->action[info->signo].handler;
	rt_unlock(&s->lock);
	if (handler <= HANDLER_IGNORE || thread_context(t)->signal_mask & bit)
		signal_fatal((int)info->signo);
	deliver(t, info);
}

/* Takes a pending signal of `set` from root into *info; false: there is none. */
static bool signal_take(struct thread_record *t, u64 set, struct linux_siginfo *info)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SIGTAKE, 0), .m = { set } };
	long signal = rt_request(&ipc);

	if (signal <= 0 || signal > SIGNAL_MAX)
		return false;
	memset(info, 0, sizeof(*info));
	if (INFO_BYTES_OF(ipc.info) >= sizeof(*info))
		memcpy(info, thread_message(t)->data, sizeof(*info));
	info->signo = (u32)signal;
	return true;
}

void exit_work(struct thread_record *t)
{
	struct context_page *c = thread_context(t);
	struct linux_siginfo info;
	bool handled = false;

	atomic_exchange(&c->interrupt_flag, 0);
	while (atomic_load_acquire(&c->pending) & ~c->signal_mask) {
		if (!signal_take(t, ~c->signal_mask, &info))
			break;
		handled |= deliver(t, &info);
	}
	if (handled)
		return;
	restart_without_handler(t);
	if (t->restore_mask) {
		t->restore_mask = false;
		signal_set_mask(t, t->saved_mask);
	}
}

void interrupt_entry(struct thread_record *t)
{
	exit_work(t);
}

/* ---- return from a handler ---- */

static long sigreturn_altstack(struct thread_record *t, const struct linux_stack *stack)
{
	t->altstack.base = stack->sp;
	t->altstack.size = stack->flags & SS_DISABLE ? 0 : stack->size;
	t->altstack.flags = stack->flags & SS_AUTODISARM;
	return 0;
}

long linux_rt_sigreturn(struct thread_record *t, const unsigned long a[6])
{
	struct gate_frame *f = &thread_context(t)->program;
	u64 at = f->rsp - 8;
	struct linux_ucontext uc;

	(void)a;
	frame_complete(t);
	t->number = NUMBER_NONE;
	if (copy_from_user(&uc, at + offsetof(struct linux_sigframe, ucontext), sizeof(uc)) || vector_restore(t, uc.context.fpstate)) {
		struct linux_siginfo info = { .signo = SIGSEGV, .code = 0x80 /* SI_KERNEL */ };

		signal_force(t, &info);
		return (long)f->rax;
	}
	sigcontext_restore(f, &uc.context);
	sigreturn_altstack(t, &uc.stack);
	signal_set_mask(t, uc.mask);
	return (long)f->rax;
}
