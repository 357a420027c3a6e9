/*
 * fork, vfork, clone. Three shapes (docs/linux-state.md):
 *
 *   fork    memory is copied by root while this thread holds every lock that guards state; the child comes back from the same call.
 *   thread  CLONE_VM|THREAD: starts in thread_begin with the states that are shared, one reference more each.
 *   vfork   CLONE_VM without CLONE_THREAD: as a thread, but with a process record and states of its own, in a heap of its own.
 */
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "lib/atomic.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/entry.h"
#include "runtime/linux/deliver.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/epoll.h"
#include "runtime/linux/futex.h"
#include "runtime/linux/pidfd.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"

#define CHILD_HEAP (32ul << 20) /* reserved, not touched: room for execve's arguments */

/* Name spaces: there are none to make. */
#define FLAGS_NAMES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)

struct clone_request {
	unsigned long flags;     /* without the exit signal */
	unsigned exit_signal;
	unsigned set_tid;        /* the pid wanted, 0: any */
	uaddr_t stack, parent_tid, child_tid, tls, pidfd;
};

/* What a new thread in shared memory starts from. Two users, the new thread and its maker: the second frees it. */
struct thread_origin {
	struct rt_lock lock;
	unsigned users;
	bool tid_written;
	struct clone_request request;
	struct gate_frame frame;
	unsigned long mask, fs_base, gs_base, timer_slack;
	u32 mxcsr;
	struct process_state *process;
	struct files_state *files;
	struct fs_state *fs;
	struct sighand_state *sighand;
	struct runtime_heap *heap;
};

static unsigned long fs_base(void)
{
	unsigned long base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static unsigned long gs_base(void)
{
	unsigned long base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

static u32 mxcsr_get(void)
{
	u32 mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return mxcsr;
}

/* As of a kernel built without name spaces, which asks who it is first, but for those of users. */
static long names_refused(unsigned long flags)
{
	return flags & CLONE_NEWUSER || capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
}

static long flags_check(const struct clone_request *r)
{
	unsigned long f = r->flags;

	if (f & CLONE_NEWNS && f & CLONE_FS)
		return -EINVAL;
	if ((f & CLONE_THREAD && !(f & CLONE_SIGHAND)) || (f & CLONE_SIGHAND && !(f & CLONE_VM)))
		return -EINVAL;
	if (f & CLONE_SIGHAND && f & CLONE_CLEAR_SIGHAND)
		return -EINVAL;
	if (f & CLONE_PIDFD && f & (CLONE_THREAD | CLONE_DETACHED))
		return -EINVAL;
	if (f & (FLAGS_NAMES | CLONE_NEWUSER))
		return names_refused(f);
	/* sharing one table between address spaces would need the table in a shared page */
	if (!(f & CLONE_VM) && f & (CLONE_FILES | CLONE_FS)) {
		rt_log(1, "clone flags %lx: CLONE_FILES and CLONE_FS need CLONE_VM here", f);
		return -EINVAL;
	}
	return r->exit_signal > SIGNAL_MAX ? -EINVAL : 0;
}

static long clone_call(const struct clone_request *r, unsigned shared_index, const void *origin, struct ipc *ipc)
{
	*ipc = (struct ipc){ .target = CPTR_ROOT, .info = INFO(PROC_CLONE, 0) };
	/* the runtime writes the tids itself, through pages that root would find absent or shared: root is told no addresses */
	ipc->m[0] = (r->flags & ~(unsigned long)(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PIDFD | CLONE_CLEAR_SIGHAND)) | r->exit_signal;
	ipc->m[1] = shared_index;
	ipc->m[2] = origin ? (unsigned long)thread_entry : 0;
	ipc->m[3] = 0;
	ipc->m[4] = (unsigned long)origin;
	ipc->m[7] = r->set_tid;
	return rt_request(ipc);
}

/* ---- fork ---- */

/*
 * Alone, a thread needs no locks, and what it does not write is not copied: neither here nor in the child. Nobody else can hold one: a thread that
 * ends leaves the count last of all.
 */
static bool fork_alone(struct thread_record *t)
{
	return atomic_load_acquire(&t->process->thread_count) == 1;
}

static void fork_lock(struct thread_record *t)
{
	rt_lock(&t->process->lock);
	rt_lock(&t->sighand->lock);
	fs_fork_lock(t->fs);
	files_fork_lock(t->files);
	heap_fork_lock(t->heap);
}

static void fork_unlock(struct thread_record *t)
{
	heap_fork_unlock(t->heap);
	files_fork_unlock(t->files);
	fs_fork_unlock(t->fs);
	rt_unlock(&t->sighand->lock);
	rt_unlock(&t->process->lock);
}

/* In the child, which is this thread alone in a copy of everything. */
static void fork_child(struct thread_record *t, const struct clone_request *r, unsigned tid)
{
	struct context_page *c = thread_context(t);
	struct process_state *p = t->process;

	heap_fork_child(t->heap);
	epoll_let_go(t);
	files_fork_child(t->files);
	fs_fork_child(t->fs);
	sighand_fork_child(t->sighand);
	rt_lock_reset(&p->lock);
	futex_fork_child();
	/* what is right already is not written: the page need not be copied then */
	if (p->foreign_memory)
		p->foreign_memory = false;
	if (p->thread_count != 1)
		p->thread_count = 1;
	t->tid = tid;
	t->notified = 0;
	t->inherited_slack = t->timer_slack;
	c->robust_list = 0;
	c->clear_child_tid = r->flags & CLONE_CHILD_CLEARTID ? r->child_tid : 0;
	if (r->flags & CLONE_CLEAR_SIGHAND) {
		sighand_clear(t->sighand);
		sighand_publish(t->sighand);
	}
	if (r->stack)
		c->program.rsp = r->stack;
	if (r->flags & CLONE_SETTLS)
		__asm__ volatile("wrfsbase %0" : : "r"(r->tls));
	if (r->flags & CLONE_CHILD_SETTID)
		put_user(tid, r->child_tid);
}

static long clone_fork(struct thread_record *t, const struct clone_request *r, unsigned long *serial)
{
	struct ipc ipc;
	bool alone = fork_alone(t);
	long result;

	if (!alone)
		fork_lock(t);
	result = clone_call(r, t->sighand->shared_index, NULL, &ipc);
	if (result == 0) {
		fork_child(t, r, (unsigned)ipc.m[1]);
		return 0;
	}
	if (!alone)
		fork_unlock(t);
	*serial = ipc.m[2];
	if (result > 0 && r->flags & CLONE_PARENT_SETTID)
		put_user((u32)result, r->parent_tid);
	return result;
}

/* ---- threads in shared memory ---- */

static struct thread_origin *origin_create(struct thread_record *t, const struct clone_request *r)
{
	struct thread_origin *o = rt_zalloc(sizeof(*o));

	if (!o)
		return NULL;
	frame_complete(t);
	t->exit_full = 0; /* the caller itself can go out the short way */
	o->users = 2;
	o->request = *r;
	o->frame = thread_context(t)->program;
	o->frame.rax = 0;
	if (r->stack)
		o->frame.rsp = r->stack;
	o->mask = thread_context(t)->signal_mask;
	o->timer_slack = t->timer_slack;
	o->fs_base = r->flags & CLONE_SETTLS ? r->tls : fs_base();
	o->gs_base = gs_base();
	o->mxcsr = mxcsr_get();
	return o;
}

static void origin_drop(struct thread_origin *o)
{
	if (atomic_fetch_sub(&o->users, 1) == 1)
		rt_free(o);
}

/*
 * The parent must find its thread's id in memory when clone returns, and nobody may write it after the thread has ended and root has
 * cleared it: whoever of the two comes first writes.
 */
static void origin_write_tid(struct thread_origin *o, u32 tid)
{
	rt_lock(&o->lock);
	if (!o->tid_written && o->request.flags & CLONE_PARENT_SETTID)
		put_user(tid, o->request.parent_tid);
	o->tid_written = true;
	rt_unlock(&o->lock);
}

static void record_init(struct thread_record *t, const struct thread_origin *o)
{
	struct context_page *c = thread_context(t);

	memset(t, 0, sizeof(*t));
	t->number = NUMBER_NONE;
	t->exit_full = 1;
	t->index = (unsigned)c->thread_index;
	t->tid = (unsigned)c->tid;
	for (unsigned i = 0; i < MESSAGE_CAPS; i++)
		thread_message(t)->recv_slot[i] = SLOT_NONE;
	t->process = o->process;
	files_use(t, o->files);
	t->fs = o->fs;
	t->sighand = o->sighand;
	t->heap = o->heap;
	t->timer_slack = t->inherited_slack = o->timer_slack;
	t->slow = o->process->trace ? SLOW_TRACE : 0;
	c->program = o->frame;
	frame_segments(&c->program);
	signal_set_mask(t, o->mask);
}

void thread_begin(struct thread_record *t, void *argument)
{
	struct thread_origin *o = argument;
	const struct clone_request *r = &o->request;
	struct context_page *c = thread_context(t);

	record_init(t, o);
	__asm__ volatile("wrfsbase %0; wrgsbase %1" : : "r"(o->fs_base), "r"(o->gs_base));
	if (o->mxcsr != 0x1f80)
		__asm__ volatile("ldmxcsr %0" : : "m"(o->mxcsr));
	if (!(r->flags & CLONE_SIGHAND))
		sighand_publish(t->sighand);
	if (!(r->flags & CLONE_THREAD))
		t->process->foreign_pid = t->tid;
	if (r->flags & CLONE_CHILD_CLEARTID)
		c->clear_child_tid = r->child_tid;
	if (r->flags & CLONE_CHILD_SETTID)
		put_user(t->tid, r->child_tid);
	origin_write_tid(o, t->tid);
	/* a vfork child's maker frees everything at once */
	if (r->flags & CLONE_THREAD)
		origin_drop(o);
}

static void states_release(struct thread_record *t, struct thread_origin *o)
{
	(void)t;
	if (o->files)
		files_release(o->files);
	if (o->fs)
		fs_release(o->fs);
	if (o->sighand)
		sighand_release(o->sighand);
}

static struct files_state *files_copy(struct thread_record *t)
{
	struct files_state *copy;

	files_fork_lock(t->files);
	copy = files_fork(t->files);
	files_fork_unlock(t->files);
	return copy;
}

static struct fs_state *fs_copy(struct thread_record *t)
{
	struct fs_state *copy;

	fs_fork_lock(t->fs);
	copy = fs_fork(t->fs);
	fs_fork_unlock(t->fs);
	return copy;
}

static struct sighand_state *sighand_share(struct sighand_state *s)
{
	atomic_fetch_add(&s->references, 1);
	return s;
}

static bool states_take(struct thread_record *t, struct thread_origin *o)
{
	unsigned long f = o->request.flags;

	o->files = f & CLONE_FILES ? files_share(t->files) : files_copy(t);
	o->fs = f & CLONE_FS ? fs_share(t->fs) : fs_copy(t);
	o->sighand = f & CLONE_SIGHAND ? sighand_share(t->sighand) : sighand_fork(t->sighand);
	if (o->sighand && f & CLONE_CLEAR_SIGHAND)
		sighand_clear(o->sighand);
	return o->files && o->fs && o->sighand;
}

static long clone_thread(struct thread_record *t, const struct clone_request *r)
{
	struct thread_origin *o = origin_create(t, r);
	struct ipc ipc;
	long result = -ENOMEM;

	if (!o)
		return -ENOMEM;
	o->process = t->process;
	o->heap = t->heap;
	atomic_fetch_add(&t->process->thread_count, 1);
	if (states_take(t, o))
		result = clone_call(r, t->sighand->shared_index, o, &ipc);
	if (result > 0) {
		origin_write_tid(o, (u32)result);
	} else {
		atomic_fetch_sub(&t->process->thread_count, 1);
		states_release(t, o);
		origin_drop(o);
	}
	origin_drop(o);
	return result;
}

/* ---- vfork ---- */

static struct process_state *process_copy(struct thread_record *t, struct runtime_heap *heap)
{
	struct process_state *p = rt_zalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->foreign_memory = true;
	p->trace = t->process->trace;
	p->thread_count = 1;
	p->heap = heap;
	p->personality = t->process->personality;
	p->membarrier = t->process->membarrier;
	p->no_new_privs = t->process->no_new_privs;
	return p;
}

/* Everything of the child is made in the child's heap, so it needs no lock of the parent's and is freed as one block. */
static struct thread_origin *vfork_origin(struct thread_record *t, const struct clone_request *r, struct runtime_heap *heap)
{
	struct thread_origin *o;

	t->heap = heap;
	o = origin_create(t, r);
	if (o) {
		o->heap = heap;
		o->process = process_copy(t, heap);
		if (!o->process || !states_take(t, o))
			o = NULL;
	}
	t->heap = t->process->heap;
	return o;
}

static long clone_process_sharing(struct thread_record *t, const struct clone_request *r, unsigned long *serial)
{
	struct runtime_heap *heap = heap_create_inside(CHILD_HEAP);
	struct thread_origin *o = heap ? vfork_origin(t, r, heap) : NULL;
	struct ipc ipc;
	unsigned page;
	long result;

	if (!o) {
		rt_free(heap);
		return -ENOMEM;
	}
	page = o->sighand->shared_index;
	result = clone_call(r, page, o, &ipc);
	*serial = ipc.m[2];
	/* without CLONE_VFORK the child lives on in its block, which then stays until this process ends */
	if (result > 0 && !(r->flags & CLONE_VFORK))
		return result;
	if (r->flags & CLONE_SIGHAND)
		atomic_fetch_sub(&t->sighand->references, 1);
	else
		sighand_page_free(page);
	rt_free(heap);
	return result;
}

/* ---- the calls ---- */

static long clone_process(struct thread_record *t, const struct clone_request *r, unsigned long *serial)
{
	return r->flags & CLONE_VM ? clone_process_sharing(t, r, serial) : clone_fork(t, r, serial);
}

/* The child got no pidfd, so it shall not be: as if clone had failed. */
static long undo_child(long pid, long error)
{
	rt_root(PROC_KILL, (unsigned long)pid, SIGKILL, 0, 0, 0);
	rt_root(PROC_WAIT, (unsigned long)pid, 1 /* P_PID */, WEXITED | __WALL, 0, 0);
	return error;
}

/*
 * The number is taken before, its Handle made after the child is there: the child inherits neither. A child in the same memory finds the number
 * there, another has its memory as it was before.
 */
static long clone_with_pidfd(struct thread_record *t, const struct clone_request *r)
{
	unsigned long serial = 0;
	long error, pid, fd = descriptor_reserve(t);

	if (fd < 0)
		return fd;
	pid = r->flags & CLONE_VM ? put_user((u32)fd, r->pidfd) : user_touch(r->pidfd, true);
	if (pid == 0)
		pid = clone_process(t, r, &serial);
	if (pid <= 0) {
		if (pid < 0) /* the child has dropped the number already */
			descriptor_abandon(t, fd);
		return pid;
	}
	error = pidfd_open_at(t, fd, (unsigned long)pid, serial, 0);
	if (error < 0)
		return undo_child(pid, error);
	if (!(r->flags & CLONE_VM))
		put_user((u32)fd, r->pidfd);
	return pid;
}

static long clone_do(struct thread_record *t, const struct clone_request *r)
{
	unsigned long serial;
	long error = flags_check(r);

	if (error)
		return error;
	if (r->flags & CLONE_THREAD)
		return clone_thread(t, r);
	return r->flags & CLONE_PIDFD ? clone_with_pidfd(t, r) : clone_process(t, r, &serial);
}

long linux_fork(struct thread_record *t, const unsigned long a[6])
{
	const struct clone_request r = { .exit_signal = SIGCHLD };

	(void)a;
	return clone_do(t, &r);
}

long linux_vfork(struct thread_record *t, const unsigned long a[6])
{
	const struct clone_request r = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };

	(void)a;
	return clone_do(t, &r);
}

long linux_clone(struct thread_record *t, const unsigned long a[6])
{
	const struct clone_request r = {
		.flags = a[0] & 0xffffff00ul, .exit_signal = (unsigned)(a[0] & 0xff), .stack = a[1], .parent_tid = a[2], .child_tid = a[3],
		.tls = a[4], .pidfd = a[2],
	};

	if (r.flags & CLONE_PIDFD && r.flags & CLONE_PARENT_SETTID)
		return -EINVAL; /* both are at a[2] */
	return clone_do(t, &r);
}

/* The one number that a process without name spaces of its own can ask for. */
static long set_tid_read(const struct clone_args *args, unsigned *tid)
{
	int wanted = 0;

	if (args->set_tid_size > 1 || !args->set_tid != !args->set_tid_size)
		return -EINVAL;
	if (args->set_tid && get_user(wanted, args->set_tid))
		return -EFAULT;
	if (args->set_tid && wanted <= 0)
		return -EINVAL;
	*tid = (unsigned)wanted;
	return 0;
}

/* The structure may be longer than the one that is known here, as long as the rest is zero. */
static long clone_args_read(struct clone_args *args, uaddr_t from, size_t size)
{
	u8 byte;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	memset(args, 0, sizeof(*args));
	if (copy_from_user(args, from, MIN(size, sizeof(*args))))
		return -EFAULT;
	for (size_t at = sizeof(*args); at < size; at++) {
		if (get_user(byte, from + at))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

static long clone_args_check(const struct clone_args *args)
{
	if (args->exit_signal & ~0xfful || args->exit_signal > SIGNAL_MAX || args->flags & (0xff | CLONE_DETACHED))
		return -EINVAL;
	if (!args->stack != !args->stack_size || args->flags & ~0x1fffffffful)
		return -EINVAL;
	if (args->flags & (CLONE_THREAD | CLONE_PARENT) && args->exit_signal)
		return -EINVAL;
	return 0;
}

long linux_clone3(struct thread_record *t, const unsigned long a[6])
{
	struct clone_args args;
	struct clone_request r;
	unsigned tid;
	long error = clone_args_read(&args, a[0], a[1]);

	if (!error)
		error = clone_args_check(&args);
	if (!error)
		error = set_tid_read(&args, &tid);
	if (error)
		return error;
	r = (struct clone_request){
		.flags = args.flags, .exit_signal = (unsigned)args.exit_signal, .stack = args.stack ? args.stack + args.stack_size : 0,
		.parent_tid = args.parent_tid, .child_tid = args.child_tid, .tls = args.tls, .pidfd = args.pidfd, .set_tid = tid,
	};
	return clone_do(t, &r);
}

long files_unshare(struct thread_record *t)
{
	struct files_state *files;
	long error;

	if (atomic_load_acquire(&t->files->references) == 1)
		return 0;
	files = files_copy(t);
	if (!files)
		return -ENOMEM;
	error = rt_root(PROC_UNSHARE_FILES, 0, 0, 0, 0, 0);
	if (error) {
		files_release(files);
		return error;
	}
	epoll_let_go(t);
	files_release(t->files);
	files_use(t, files);
	return 0;
}

static long fs_unshare(struct thread_record *t)
{
	struct fs_state *fs;

	if (atomic_load_acquire(&t->fs->references) == 1)
		return 0;
	fs = fs_copy(t);
	if (!fs)
		return -ENOMEM;
	fs_release(t->fs);
	t->fs = fs;
	return 0;
}

long linux_unshare(struct thread_record *t, const unsigned long a[6])
{
	unsigned long flags = a[0];
	long error;

	if (flags & ~(unsigned long)(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_NEWTIME | FLAGS_NAMES))
		return -EINVAL;
	if (flags & (CLONE_NEWTIME | FLAGS_NAMES))
		return names_refused(flags);
	error = flags & CLONE_FILES ? files_unshare(t) : 0;
	if (!error && flags & CLONE_FS)
		error = fs_unshare(t);
	return error;
}

long linux_set_tid_address(struct thread_record *t, const unsigned long a[6])
{
	thread_context(t)->clear_child_tid = a[0];
	return t->tid;
}

#define ROBUST_HEAD_SIZE 24

long linux_set_robust_list(struct thread_record *t, const unsigned long a[6])
{
	if (a[1] != ROBUST_HEAD_SIZE)
		return -EINVAL;
	thread_context(t)->robust_list = a[0];
	return 0;
}

long linux_get_robust_list(struct thread_record *t, const unsigned long a[6])
{
	unsigned tid = (unsigned)a[0] ? (unsigned)a[0] : t->tid;
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_ROBUST_LIST, 0), .m = { tid } };
	unsigned long size = ROBUST_HEAD_SIZE;
	long error = rt_request(&ipc);

	if (error < 0)
		return error;
	if (put_user(size, a[2]))
		return -EFAULT;
	return put_user(ipc.m[1], a[1]);
}
