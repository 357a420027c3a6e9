#include "runtime/linux/file_poll.h"

#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/epoll.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/signalfd.h"

#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/personality.h>
#include <linux/stat.h>

#define POLL_ALWAYS (POLLERR | POLLHUP)
#define POLL_PLAIN  (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM) /* what a file without waiting is */
#define NS_PER_MS 1000000ul
#define NS_PER_SECOND 1000000000ul

/* ---- one item ---- */

/* FILE_POLL with a copy of the Notification that has this badge; the server may keep it. */
static long poll_bring(struct thread_record *t, struct ipc *c, unsigned long bit)
{
	long result, cptr = descriptor_scratch_take(t);

	if (cptr < 0)
		return cptr;
	result = cap_copy_badged((unsigned long)cptr, thread_notification(t), RIGHT_SEND, bit);
	if (result == -EBUSY) { /* a thread of that index was killed while it had something there */
		cap_delete((unsigned long)cptr);
		result = cap_copy_badged((unsigned long)cptr, thread_notification(t), RIGHT_SEND, bit);
	}
	if (result == 0) {
		c->info |= INFO_CAPS(1);
		c->m[4] = POLL_KEEP;
		thread_message(t)->send_slot[0] = (unsigned long)cptr;
		result = file_call(c, NULL);
	}
	if (result < 0 || !(cptr & CPTR_SYSTEM))
		descriptor_scratch_give(t, cptr);
	return result;
}

/*
 * FILE_POLL, armed if `bit` is not 0. A server keeps the Notification of a token that it had before, and most files that are asked are ready: so it is
 * brought only if the server says that it needs it. A token has the same bit each time, or whoever waits takes any bit.
 */
static long poll_call(struct thread_record *t, struct ipc *c, unsigned long bit)
{
	struct ipc first = *c;
	long result;

	if (bit)
		c->m[4] = POLL_AGAIN;
	result = file_call(c, NULL);
	if (result < 0 || !bit || c->m[2] != POLL_BRING)
		return result;
	*c = first;
	return poll_bring(t, c, bit);
}

void poll_ask(struct thread_record *t, struct poll_item *item, unsigned long bit)
{
	u32 word = item->fd < 0 ? 0 : descriptor_lookup_file(t, (unsigned)item->fd);
	struct ipc c = {
		.target = (unsigned)item->fd,
		.info = INFO(FILE_POLL, 0),
		.m = { item->events | POLL_ALWAYS, 0, item->token },
	};
	long result;

	item->armed = false;
	item->ready = 0;
	if (item->fd < 0)
		return;
	if (!word) {
		item->ready = POLLNVAL;
		return;
	}
	if (descriptor_type(word) == S_IFREG || descriptor_type(word) == S_IFDIR) {
		item->ready = item->events & POLL_PLAIN;
		return;
	}
	if (word & DESCRIPTOR_EPOLL) {
		item->ready = epoll_ask(t, item, bit) & item->events;
		item->armed = bit != 0;
		return;
	}
	if (word & DESCRIPTOR_SIGNALFD) {
		signalfd_ask(t, item, bit != 0);
		return;
	}
	result = poll_call(t, &c, bit);
	if (result == -ENOSYS || result == -EOPNOTSUPP)
		result = POLL_PLAIN;
	item->ready = result < 0 ? POLLERR : (unsigned)result & (item->events | POLL_ALWAYS);
	item->armed = bit && !item->ready;
	item->counter = c.m[1];
}

long poll_arm_edge(struct thread_record *t, struct poll_item *item, unsigned long bit)
{
	struct ipc c = {
		.target = (unsigned)item->fd,
		.info = INFO(FILE_POLL, 0),
		.m = { item->events | POLL_ALWAYS, 0, item->token, item->counter },
	};
	long result;

	if (descriptor_lookup_file(t, (unsigned)item->fd) & DESCRIPTOR_SIGNALFD)
		return signalfd_arm_edge(t, item);
	result = poll_call(t, &c, bit);
	if (result < 0)
		return result;
	item->armed = c.m[1] == item->counter;
	return item->armed;
}

void poll_rest(unsigned fd, unsigned long token)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_POLL, 0), .m = { 0, 0, token, 0, POLL_AGAIN } };

	file_call(&c, NULL);
}

void poll_disarm(struct thread_record *t, struct poll_item *item)
{
	u32 word = item->armed ? descriptor_lookup_file(t, (unsigned)item->fd) : 0;

	item->armed = false;
	if (!word)
		return;
	if (word & DESCRIPTOR_EPOLL)
		epoll_disarm(t, item);
	else if (word & DESCRIPTOR_SIGNALFD)
		signalfd_disarm(t);
	else
		poll_rest((unsigned)item->fd, item->token);
}

/* ---- all items ---- */

/* Asks for the items whose bit is in `bits`; once one is ready the others need no arming. How many are ready. */
static long ask_all(struct thread_record *t, struct poll_item *items, unsigned long count, unsigned long bits, bool arm)
{
	long ready = 0;

	for (unsigned long i = 0; i < count; i++) {
		if (bits & POLL_BIT(i)) {
			items[i].token = i + 1;
			poll_ask(t, &items[i], arm && !ready ? POLL_BIT(i) : 0);
		}
		ready += items[i].ready != 0;
	}
	return ready;
}

long poll_sleep(struct thread_record *t, unsigned long deadline)
{
	long bits = rt_wait(t, POLL_BITS, true, deadline);

	if (bits > 0)
		epoll_signalled(t, (unsigned long)bits);
	return bits == -ERESTARTSYS && signalfd_woken(t) ? (long)POLL_BITS : bits;
}

long poll_wait(struct thread_record *t, struct poll_item *items, unsigned long count, unsigned long deadline)
{
	long ready = ask_all(t, items, count, POLL_BITS, deadline != DEADLINE_NOW);
	long bits;

	while (!ready && deadline != DEADLINE_NOW) {
		bits = poll_sleep(t, deadline);
		if (bits < 0) {
			ready = bits == -ETIMEDOUT ? 0 : bits;
			break;
		}
		ready = ask_all(t, items, count, (unsigned long)bits, true);
	}
	for (unsigned long i = 0; i < count; i++)
		poll_disarm(t, &items[i]);
	return ready;
}

/* ---- timeouts ---- */

/* Never DEADLINE_NOW or POLL_FOREVER by accident. */
static unsigned long deadline_in(unsigned long ns)
{
	unsigned long now = clock_monotonic(), at;

	if (ns == 0)
		return DEADLINE_NOW;
	if (__builtin_add_overflow(now, ns, &at) || at > ~0ul >> 1)
		return POLL_FOREVER;
	return at;
}

unsigned long deadline_of_ms(long ms)
{
	return ms < 0 ? POLL_FOREVER : deadline_in((unsigned long)ms * NS_PER_MS);
}

static unsigned long deadline_of_pair(unsigned long seconds, unsigned long ns)
{
	if (seconds > (~0ul >> 2) / NS_PER_SECOND || ns > ~0ul >> 2)
		return POLL_FOREVER;
	return deadline_in(seconds * NS_PER_SECOND + ns);
}

/* select takes more than a million microseconds, as Linux does. */
unsigned long deadline_of_timeval(unsigned long seconds, unsigned long microseconds)
{
	return deadline_of_pair(seconds, microseconds > ~0ul / 1000 ? ~0ul : microseconds * 1000);
}

long deadline_of_timespec(uaddr_t timespec, unsigned long *deadline)
{
	long pair[2];

	*deadline = POLL_FOREVER;
	if (!timespec)
		return 0;
	if (copy_from_user(pair, timespec, sizeof(pair)) < 0)
		return -EFAULT;
	if (pair[0] < 0 || (unsigned long)pair[1] >= NS_PER_SECOND)
		return -EINVAL;
	*deadline = deadline_of_pair((unsigned long)pair[0], (unsigned long)pair[1]);
	return 0;
}

void deadline_left(uaddr_t to, unsigned long deadline, unsigned long unit_ns)
{
	unsigned long now = clock_monotonic(), left = deadline > now && deadline != DEADLINE_NOW ? deadline - now : 0;
	long pair[2] = { (long)(left / NS_PER_SECOND), (long)(left % NS_PER_SECOND / unit_ns) };

	if (to && deadline != POLL_FOREVER && !(current()->process->personality & STICKY_TIMEOUTS))
		copy_to_user(to, pair, sizeof(pair));
}

/* ---- poll, ppoll ---- */

#define ITEMS_ON_STACK 16

struct pollfd_linux {
	int fd;
	short events, revents;
};

static long poll_items(struct thread_record *t, struct poll_item *items, uaddr_t fds, unsigned long count, unsigned long deadline)
{
	struct pollfd_linux p;
	long ready;

	for (unsigned long i = 0; i < count; i++) {
		if (copy_from_user(&p, fds + i * sizeof(p), sizeof(p)) < 0)
			return -EFAULT;
		items[i] = (struct poll_item){ .fd = p.fd, .events = (unsigned short)p.events };
	}
	ready = poll_wait(t, items, count, deadline);
	for (unsigned long i = 0; ready >= 0 && i < count; i++)
		if (put_user((short)items[i].ready, fds + i * sizeof(p) + offsetof(struct pollfd_linux, revents)) < 0)
			return -EFAULT;
	return ready;
}

static long poll_fds(struct thread_record *t, uaddr_t fds, unsigned count, unsigned long deadline)
{
	struct poll_item few[ITEMS_ON_STACK], *items = few;
	long result;

	if (count > process_info()->nofile)
		return -EINVAL;
	if (count > ITEMS_ON_STACK)
		items = rt_alloc(count * sizeof(*items));
	if (!items)
		return -ENOMEM;
	result = poll_items(t, items, fds, count, deadline);
	if (items != few)
		rt_free(items);
	return result;
}

/* Goes on after a signal that no handler took, with what is left of the time. */
static long poll_again(struct thread_record *t, struct restart_block *r)
{
	long result = poll_fds(t, r->a[0], (unsigned)r->a[1], r->deadline);

	return result == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : result;
}

long linux_poll(struct thread_record *t, const unsigned long a[6])
{
	unsigned long deadline = deadline_of_ms((int)a[2]);
	long result = poll_fds(t, a[0], (unsigned)a[1], deadline);

	if (result != -ERESTARTSYS)
		return result;
	t->restart = (struct restart_block){ .call = poll_again, .deadline = deadline, .a = { a[0], a[1] } };
	return -ERESTART_RESTARTBLOCK;
}

long linux_ppoll(struct thread_record *t, const unsigned long a[6])
{
	unsigned long deadline;
	long result = deadline_of_timespec(a[2], &deadline);

	if (result == 0)
		result = signal_temporary_mask(t, a[3], a[4]);
	if (result < 0)
		return result;
	result = poll_fds(t, a[0], (unsigned)a[1], deadline);
	deadline_left(a[2], deadline, 1);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}
