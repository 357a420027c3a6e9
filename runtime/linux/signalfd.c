#include "runtime/linux/signalfd.h"

#include "abi/file.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/signal_frame.h"

#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/signal.h>
#include <linux/signalfd.h>

#define SIGSET_SIZE 8

/* ---- the set ---- */

static long set_get(unsigned fd, unsigned long *set, bool *nonblocking)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_SIGNALFD_MASK, 0) };
	long error = file_call(&c, NULL);

	*set = c.m[1];
	*nonblocking = c.m[2] & O_NONBLOCK;
	return error < 0 ? error : 0;
}

static long signalfd_open(struct thread_record *t, int fd, uaddr_t mask, size_t size, unsigned flags)
{
	unsigned long set;
	u32 word;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(set, mask))
		return -EFAULT;
	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (fd == -1)
		return file_open_service(t, SLOT_SERVICE_EVENT, FILE_SIGNALFD, set, flags & ~(unsigned)O_CLOEXEC,
			descriptor_word(O_RDWR, 0, DESCRIPTOR_SIGNALFD | (flags & O_CLOEXEC ? DESCRIPTOR_CLOEXEC : 0)));
	word = descriptor_lookup_file(t, (unsigned)fd);
	if (!word)
		return -EBADF;
	if (!(word & DESCRIPTOR_SIGNALFD))
		return -EINVAL;
	set = (unsigned long)file_simple((unsigned)fd, FILE_SIGNALFD_MASK, 1, set, 0, 0);
	return (long)set < 0 ? (long)set : fd;
}

long linux_signalfd4(struct thread_record *t, const unsigned long a[6])
{
	return signalfd_open(t, (int)a[0], a[1], a[2], (unsigned)a[3]);
}

long linux_signalfd(struct thread_record *t, const unsigned long a[6])
{
	return signalfd_open(t, (int)a[0], a[1], a[2], 0);
}

/* ---- reading ---- */

/* The parts of siginfo_t behind its three first words, as the kinds of signals use them. */
union details {
	u8 bytes[sizeof(struct linux_siginfo) - 16];
	struct { u32 pid, uid; u64 value; } sent;
	struct { u32 pid, uid; s32 status; u32 pad; u64 user, system; } child;
	struct { s32 id; u32 overrun; u64 value; } timer;
	struct { s64 band; s32 fd; } poll;
	struct { u64 address; } fault;
	struct { u64 address; s32 call; u32 arch; } denied;
};

static bool is_fault(u32 signal)
{
	return signal == SIGILL || signal == SIGFPE || signal == SIGSEGV || signal == SIGBUS || signal == SIGTRAP;
}

/* Which member of `details` there is, as Linux decides it: by code, and for codes of the kernel's by signal. */
static void convert_details(struct signalfd_siginfo *to, u32 signal, s32 code, const union details *d)
{
	if (code == SI_TIMER) {
		to->ssi_tid = (u32)d->timer.id;
		to->ssi_overrun = d->timer.overrun;
		to->ssi_ptr = d->timer.value;
		to->ssi_int = (s32)d->timer.value;
	} else if (code == SI_SIGIO || (code > 0 && code < SI_KERNEL && signal == SIGPOLL)) {
		to->ssi_band = (u32)d->poll.band;
		to->ssi_fd = d->poll.fd;
	} else if (code > 0 && code < SI_KERNEL && signal == SIGCHLD) {
		to->ssi_pid = d->child.pid;
		to->ssi_uid = d->child.uid;
		to->ssi_status = d->child.status;
		to->ssi_utime = d->child.user;
		to->ssi_stime = d->child.system;
	} else if (code > 0 && code < SI_KERNEL && is_fault(signal)) {
		to->ssi_addr = d->fault.address;
	} else if (code > 0 && code < SI_KERNEL && signal == SIGSYS) {
		to->ssi_call_addr = d->denied.address;
		to->ssi_syscall = d->denied.call;
		to->ssi_arch = d->denied.arch;
	} else {
		to->ssi_pid = d->sent.pid;
		to->ssi_uid = d->sent.uid;
		if (code < 0 && code != SI_TKILL) {
			to->ssi_ptr = d->sent.value;
			to->ssi_int = (s32)d->sent.value;
		}
	}
}

static void convert(struct signalfd_siginfo *to, const struct linux_siginfo *from)
{
	union details d;

	memcpy(&d, (const u8 *)from + 16, sizeof(d));
	memset(to, 0, sizeof(*to));
	to->ssi_signo = from->signo;
	to->ssi_errno = (s32)from->error;
	to->ssi_code = (s32)from->code;
	convert_details(to, from->signo, (s32)from->code, &d);
}

/* Takes one; waits for it if there is no deadline. 0: taken. -EAGAIN, -ERESTARTSYS */
static long take(struct thread_record *t, unsigned long set, bool wait, struct linux_siginfo *info)
{
	struct context_page *c = thread_context(t);
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SIGWAIT, 0) | (wait ? INFO_INTERRUPTIBLE : 0), .m = { set, !wait } };
	long result;

	atomic_store(&c->wait_mask, set);
	result = rt_request(&ipc);
	atomic_store(&c->wait_mask, 0);
	if (result <= 0)
		return result ? result : -EAGAIN;
	memset(info, 0, sizeof(*info));
	if (INFO_BYTES_OF(ipc.info) >= sizeof(*info))
		memcpy(info, thread_message(t)->data, sizeof(*info));
	info->signo = (u32)result;
	return 0;
}

/* The record goes over as many buffers as it needs. */
static long give(struct cursor *at, const struct signalfd_siginfo *record)
{
	const u8 *from = (const u8 *)record;
	size_t done = 0;

	while (done < sizeof(*record)) {
		size_t part = MIN(sizeof(*record) - done, at->buffer->len - at->skip);

		if (copy_to_user(at->buffer->base + at->skip, from + done, part) < 0)
			return -EFAULT;
		cursor_advance(at, part);
		done += part;
	}
	return 0;
}

long signalfd_read(struct thread_record *t, unsigned fd, const struct buffer *buffers, unsigned long count, unsigned long total)
{
	unsigned long set, given = 0;
	struct signalfd_siginfo record;
	struct linux_siginfo info;
	struct cursor at;
	bool nonblocking;
	long error = set_get(fd, &set, &nonblocking);

	if (error < 0)
		return error;
	total -= total % sizeof(record);
	if (!total)
		return -EINVAL;
	cursor_start(&at, buffers, count, total);
	while (given < total) {
		error = take(t, set, !given && !nonblocking, &info);
		if (error < 0)
			break;
		convert(&record, &info);
		error = give(&at, &record);
		if (error < 0)
			break;
		given += sizeof(record);
	}
	return given ? (long)given : error;
}

/* ---- polling ---- */

static unsigned long pending_of(struct thread_record *t, unsigned long set)
{
	return atomic_load_acquire(&thread_context(t)->pending) & set;
}

void signalfd_ask(struct thread_record *t, struct poll_item *item, bool arm)
{
	struct context_page *c = thread_context(t);
	unsigned long set;
	bool nonblocking;
	long error = set_get((unsigned)item->fd, &set, &nonblocking);

	if (error < 0) {
		item->ready = POLLERR;
		return;
	}
	/* Root sets pending, then reads wait_mask; here it is the other way round: one of the two sees the other. */
	if (arm)
		atomic_store(&c->wait_mask, c->wait_mask | set);
	item->counter = pending_of(t, set);
	item->ready = item->counter ? item->events & (POLLIN | POLLRDNORM) : 0;
	item->armed = arm && !item->ready;
}

bool signalfd_arm_edge(struct thread_record *t, struct poll_item *item)
{
	struct context_page *c = thread_context(t);
	unsigned long set;
	bool nonblocking;

	if (set_get((unsigned)item->fd, &set, &nonblocking) < 0)
		return false;
	atomic_store(&c->wait_mask, c->wait_mask | set);
	item->armed = pending_of(t, set) == item->counter;
	return item->armed;
}

void signalfd_disarm(struct thread_record *t)
{
	atomic_store(&thread_context(t)->wait_mask, 0);
}

bool signalfd_woken(struct thread_record *t)
{
	struct context_page *c = thread_context(t);

	if (!c->wait_mask)
		return false;
	atomic_exchange(&c->interrupt_flag, 0);
	if (!(atomic_load_acquire(&c->pending) & ~c->signal_mask))
		return true;
	atomic_store(&c->interrupt_flag, 1);
	return false;
}
