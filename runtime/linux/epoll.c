/*
 * epoll. The event server keeps the interest list and decides who may report an edge or a one-shot (abi/event.h); the waiting thread fetches the
 * list, asks its files with its own Notification and waits, as poll does.
 */
#include "runtime/linux/epoll.h"

#include "abi/event.h"
#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/epoll_watch.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/file_poll.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"

#include <asm/poll.h>
#include <linux/eventpoll.h>
#include <linux/stat.h>

#define POLL_EVENTS 0xffffu /* the part of an entry's events that FILE_POLL knows */
#define NO_GENERATION (~0ul)

/* ---- identity ---- */

long epoll_identify(unsigned fd, unsigned long *endpoint, unsigned long *badge)
{
	unsigned long a[8] = { CPTR_FILES, fd };

	if (kcall_object(KCALL_cap_identify, a) != K_OK || (a[0] & 0xff) != OBJECT_HANDLE)
		return -EBADF;
	*badge = a[1];
	*endpoint = a[2];
	return 0;
}

bool watch_entry_is_ours(struct thread_record *t, const struct epoll_entry *e)
{
	unsigned long endpoint, badge;

	return descriptor_lookup_file(t, e->descriptor) && epoll_identify(e->descriptor, &endpoint, &badge) == 0
		&& endpoint == e->endpoint && badge == e->badge;
}

static long control(unsigned epoll, unsigned long operation, unsigned fd, u32 word, const struct epoll_event *event)
{
	struct ipc c = { .target = epoll, .info = INFO(FILE_EPOLL_CONTROL, 0), .m = { operation, fd, event->events, event->data } };
	long error = epoll_identify(fd, &c.m[4], &c.m[5]);

	c.m[6] = !!(word & DESCRIPTOR_EPOLL);
	return error < 0 ? error : file_call(&c, NULL);
}

void epoll_forget(struct thread_record *t, unsigned fd)
{
	static const struct epoll_event none;
	unsigned long n = dtable_next_open(&t->files->table, 0);

	for (; n < DESCRIPTORS_MAX; n = dtable_next_open(&t->files->table, n + 1))
		if (n != fd && descriptor_lookup(t, (unsigned)n) & DESCRIPTOR_EPOLL)
			control((unsigned)n, EPOLL_CONTROL_FORGET, fd, 0, &none);
}

/* Linux takes only files that can be waited for. */
static bool can_wait(unsigned fd, u32 word)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_KIND, 0) };

	if (descriptor_type(word) == S_IFREG || descriptor_type(word) == S_IFDIR)
		return false;
	if (descriptor_type(word) != S_IFCHR || word & DESCRIPTOR_TTY)
		return true;
	return file_call(&c, NULL) < 0 || !(c.m[2] & OPENED_UNPOLLED);
}

long linux_epoll_ctl(struct thread_record *t, const unsigned long a[6])
{
	unsigned epoll = (unsigned)a[0], fd = (unsigned)a[2];
	int operation = (int)a[1];
	u32 epoll_word = descriptor_lookup_file(t, epoll), word = descriptor_lookup_file(t, fd);
	struct epoll_event event = { 0 };
	long result;

	if (operation != EPOLL_CTL_DEL && copy_from_user(&event, a[3], sizeof(event)) < 0)
		return -EFAULT;
	if (!epoll_word || !word)
		return -EBADF;
	if (!can_wait(fd, word))
		return -EPERM;
	if (epoll == fd || !(epoll_word & DESCRIPTOR_EPOLL))
		return -EINVAL;
	if (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_DEL && operation != EPOLL_CTL_MOD)
		return -EINVAL;
	result = control(epoll, (unsigned long)operation, fd, word, &event);
	if (result == 0 && operation == EPOLL_CTL_ADD)
		descriptor_mark(t, fd, DESCRIPTOR_WATCHED, 0);
	return result;
}

/* ---- fetching ---- */

void watch_drop(struct watch *w)
{
	rt_free(w->entries);
	rt_free(w->items);
	w->entries = NULL;
	w->items = NULL;
	w->count = 0;
}

/* One message of the list, from entry `first` on. How many came. */
static long fetch_part(struct thread_record *t, struct watch *w, unsigned long first, unsigned long *total, unsigned long *generation)
{
	struct ipc c = { .target = w->fd, .info = INFO(FILE_EPOLL_LIST, 0), .m = { first } };
	long count = file_call(&c, NULL);

	if (count < 0)
		return count;
	*generation = c.m[1];
	*total = c.m[2];
	if (*total > EPOLL_ENTRIES_MAX || (unsigned long)count > *total - MIN(first, *total)
	    || (unsigned long)count * sizeof(struct epoll_entry) > INFO_BYTES_OF(c.info))
		return -EIO;
	if (first == 0) {
		w->entries = rt_alloc(*total * sizeof(*w->entries));
		w->items = rt_zalloc(*total * sizeof(*w->items));
		w->count = *total;
		w->generation = c.m[1];
		if (!w->entries || !w->items)
			return -ENOMEM;
	}
	/* The list changed between two parts: this one may not fit. */
	if (*generation == w->generation && first + (unsigned long)count <= w->count)
		memcpy(w->entries + first, thread_message(t)->data, (unsigned long)count * sizeof(struct epoll_entry));
	return count;
}

void watch_items_start(struct watch *w)
{
	for (unsigned long i = 0; i < w->count; i++)
		w->items[i] = (struct poll_item){
			.fd = (int)w->entries[i].descriptor,
			.events = w->entries[i].events & POLL_EVENTS,
			.depth = w->depth,
			.token = w->token * 0x9e3779b97f4a7c15ul + w->entries[i].id + 1,
		};
}

long watch_fetch(struct thread_record *t, struct watch *w)
{
	unsigned long at = 0, total = 0, generation = NO_GENERATION;

	do {
		long count = fetch_part(t, w, at, &total, &generation);

		if (count >= 0 && generation != w->generation) {
			watch_drop(w);
			at = 0;
			total = 1;
			continue;
		}
		if (count < 0 || (count == 0 && at < total)) {
			watch_drop(w);
			return count < 0 ? count : -EIO;
		}
		at += (unsigned long)count;
	} while (at < total);
	watch_items_start(w);
	return 0;
}

static void watch_disarm(struct thread_record *t, struct watch *w)
{
	for (unsigned long i = 0; i < w->count; i++)
		poll_disarm(t, &w->items[i]);
	poll_rest(w->fd, w->token);
}

/* Asks to be signalled when the list changes: 1, 0: it already has; -errno. */
long watch_arm_list(struct thread_record *t, struct watch *w, unsigned long bit)
{
	/* As an item of its own, with the generation as its counter. */
	struct poll_item list = { .fd = (int)w->fd, .counter = w->generation, .token = w->token };

	return poll_arm_edge(t, &list, bit);
}

/* ---- an epoll descriptor inside poll or epoll ---- */

unsigned epoll_ask(struct thread_record *t, const struct poll_item *item, unsigned long bit)
{
	struct watch w = { .fd = (unsigned)item->fd, .depth = item->depth + 1, .token = item->token };
	unsigned ready = 0;

	if (w.depth > POLL_NEST_MAX || watch_fetch(t, &w) < 0)
		return 0;
	for (unsigned long i = 0; i < w.count && !ready; i++) {
		if (!w.entries[i].armed || !watch_entry_is_ours(t, &w.entries[i]))
			continue;
		poll_ask(t, &w.items[i], bit);
		if (w.items[i].ready)
			ready = POLLIN | POLLRDNORM;
	}
	if (!ready && bit && watch_arm_list(t, &w, bit) == 0)
		ready = POLLIN | POLLRDNORM; /* it changed meanwhile: the caller looks again and finds nothing at worst */
	watch_drop(&w);
	return ready;
}

void epoll_disarm(struct thread_record *t, const struct poll_item *item)
{
	struct watch w = { .fd = (unsigned)item->fd, .depth = item->depth + 1, .token = item->token };

	if (w.depth > POLL_NEST_MAX || watch_fetch(t, &w) < 0)
		return;
	for (unsigned long i = 0; i < w.count; i++)
		w.items[i].armed = watch_entry_is_ours(t, &w.entries[i]);
	watch_disarm(t, &w);
	watch_drop(&w);
}

/* ---- waiting ---- */

void report_put(struct report *r, const struct watch *w, unsigned long i)
{
	struct epoll_event event = { w->items[i].ready, w->entries[i].data };

	if (copy_to_user(r->to + r->count * sizeof(event), &event, sizeof(event)) < 0)
		r->error = -EFAULT;
	else
		r->count++;
}

static long claim_call(struct thread_record *t, const struct report *r, const struct watch *w)
{
	struct epoll_claim *claims = (struct epoll_claim *)thread_message(t)->data;
	struct ipc c = { .target = w->fd, .info = INFO(FILE_EPOLL_REPORT, r->claims * sizeof(*claims)), .m = { r->claims } };

	for (unsigned i = 0; i < r->claims; i++) {
		unsigned long n = r->claimed[i];

		claims[i] = (struct epoll_claim){ w->entries[n].id, w->items[n].ready, w->items[n].counter };
	}
	return file_call(&c, NULL);
}

/* Reports what the server grants; what it does not is old news, and its next edge is waited for. */
static void report_claims(struct thread_record *t, struct report *r, struct watch *w, bool arm)
{
	long granted = r->claims ? claim_call(t, r, w) : 0;

	if (granted < 0)
		r->error = granted;
	for (unsigned i = 0; i < r->claims && !r->error; i++) {
		unsigned long n = r->claimed[i];

		if (granted >> i & 1)
			report_put(r, w, n);
		else if (arm && w->entries[n].events & EPOLLET && poll_arm_edge(t, &w->items[n], POLL_BIT(n)) == 0)
			r->again = true;
	}
	r->claims = 0;
}

static void report_entry(struct thread_record *t, struct report *r, struct watch *w, unsigned long i, bool arm)
{
	if (!w->entries[i].armed || !watch_entry_is_ours(t, &w->entries[i]))
		return;
	poll_ask(t, &w->items[i], arm && !r->count && !r->claims ? POLL_BIT(i) : 0);
	if (!w->items[i].ready || w->items[i].ready & POLLNVAL)
		return;
	if (w->entries[i].events & (EPOLLET | EPOLLONESHOT))
		r->claimed[r->claims++] = i;
	else
		report_put(r, w, i);
}

/*
 * One look at all entries, starting behind the last one reported so that with few places all get their turn. A claim that fails
 * leaves entries unarmed that were asked after it: then there is another look.
 */
static void look(struct thread_record *t, struct report *r, struct watch *w, bool arm)
{
	unsigned long start = t->epoll_start;

	for (unsigned long k = 0; k < w->count && !r->error && r->count + r->claims < r->max; k++) {
		unsigned claims = r->claims;

		report_entry(t, r, w, (start + k) % w->count, arm);
		if (r->claims > claims && (arm || r->claims == EPOLL_CLAIMS_MAX))
			report_claims(t, r, w, arm);
	}
	report_claims(t, r, w, arm);
	t->epoll_start = start + r->count;
}

/* 1: signalled, look again; 0: the time is over; -ERESTARTSYS. */
static long wait_for_change(struct thread_record *t, struct watch *w, const struct report *r, unsigned long deadline)
{
	long bits = r->again ? 0 : watch_arm_list(t, w, POLL_BIT(POLL_BIT_COUNT - 1));

	if (bits <= 0)
		return bits < 0 ? bits : 1;
	bits = poll_sleep(t, deadline);
	if (bits == -ETIMEDOUT)
		return 0;
	return bits < 0 ? bits : 1;
}

static long wait_round(struct thread_record *t, struct report *r, struct watch *w, unsigned long deadline)
{
	long go = w->entries ? 0 : watch_fetch(t, w);

	if (go < 0)
		return go;
	r->again = false;
	look(t, r, w, deadline != DEADLINE_NOW);
	go = r->error || r->count || deadline == DEADLINE_NOW ? 0 : wait_for_change(t, w, r, deadline);
	if (deadline != DEADLINE_NOW)
		watch_disarm(t, w);
	watch_drop(w);
	return go;
}

static long epoll_wait_until(struct thread_record *t, const unsigned long a[6], unsigned long deadline)
{
	struct watch w = { .fd = (unsigned)a[0] };
	struct report r = { .to = a[1] };
	u32 word = descriptor_lookup_file(t, w.fd);
	long go;

	if ((int)a[2] <= 0 || (int)a[2] > (int)(0x7fffffff / sizeof(struct epoll_event)))
		return -EINVAL;
	r.max = (unsigned long)(int)a[2];
	if (!user_range_ok(a[1], r.max * sizeof(struct epoll_event)))
		return -EFAULT;
	if (!word)
		return -EBADF;
	if (!(word & DESCRIPTOR_EPOLL))
		return -EINVAL;
	go = kept_wait(t, &r, &w, deadline);
	while (go == 1)
		go = wait_round(t, &r, &w, deadline);
	if (r.count)
		return (long)r.count;
	if (r.error)
		return r.error;
	return go == -ERESTARTSYS ? -EINTR : go;
}

long linux_epoll_wait(struct thread_record *t, const unsigned long a[6])
{
	return epoll_wait_until(t, a, deadline_of_ms((int)a[3]));
}

long linux_epoll_pwait(struct thread_record *t, const unsigned long a[6])
{
	long error = signal_temporary_mask(t, a[4], a[5]);

	return error < 0 ? error : epoll_wait_until(t, a, deadline_of_ms((int)a[3]));
}

long linux_epoll_pwait2(struct thread_record *t, const unsigned long a[6])
{
	unsigned long deadline;
	long error = deadline_of_timespec(a[3], &deadline);

	if (error == 0)
		error = signal_temporary_mask(t, a[4], a[5]);
	return error < 0 ? error : epoll_wait_until(t, a, deadline);
}
