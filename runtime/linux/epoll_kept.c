/*
 * Interest lists that stay armed. A thread keeps the list that it waited for last, if all its entries are level-triggered and are files that are asked by
 * FILE_POLL. An item is *armed*: its server found it not ready and signals the thread's Notification once it may be; or it is to be asked: it is new, was signalled,
 * or was ready when it was asked last. So a call asks only files of the second kind, and when it returns the others stay armed.
 *
 * Whoever in this thread takes bits off the Notification tells the list (epoll_signalled): a bit is never lost. An item's bit follows from its
 * entry's id, and its token from the epoll's badge and that id, so a server that has kept the Notification of a token has it with the right bit. One bit
 * is for the list itself: its server signals that the list changed, and it is fetched anew.
 *
 * The descriptors are those of the entries as long as this process closes none that is in a list, nor an epoll (files->watch_changes). A server
 * that has died signals nothing; so a list older than LIST_LASTS is fetched and asked anew.
 */
#include "abi/event.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/epoll.h"
#include "runtime/linux/epoll_watch.h"

#include <asm/poll.h>
#include <linux/eventpoll.h>

#define ITEM_BITS (POLL_BIT_COUNT - 1)
#define LIST_BIT POLL_BIT(POLL_BIT_COUNT - 1)
#define LIST_LASTS 1000000000ul /* ns */

struct kept_watch {
	struct watch watch;
	const struct files_state *files;
	u32 changes;
	bool changed;            /* the list has */
	unsigned long fetched;   /* when */
};

static unsigned long bit_of(const struct watch *w, unsigned long i)
{
	return POLL_BIT(w->entries[i].id % ITEM_BITS);
}

void epoll_signalled(struct thread_record *t, unsigned long bits)
{
	struct kept_watch *k = t->kept_watch;

	if (!k)
		return;
	k->changed |= (bits & LIST_BIT) != 0;
	for (unsigned long i = 0; bits & ~LIST_BIT && i < k->watch.count; i++)
		if (bits & bit_of(&k->watch, i))
			k->watch.items[i].armed = false;
}

void epoll_let_go(struct thread_record *t)
{
	struct kept_watch *k = t->kept_watch;

	if (!k)
		return;
	t->kept_watch = NULL;
	watch_drop(&k->watch);
	rt_free(k);
}

/* The servers need not signal this thread any more. */
static void kept_end(struct thread_record *t)
{
	struct kept_watch *k = t->kept_watch;

	for (unsigned long i = 0; k && i < k->watch.count; i++)
		poll_disarm(t, &k->watch.items[i]);
	epoll_let_go(t);
}

/* ---- fetching ---- */

static bool entry_lasts(struct thread_record *t, const struct epoll_entry *e)
{
	u32 word = descriptor_lookup(t, e->descriptor);

	return !(e->events & (EPOLLET | EPOLLONESHOT)) && !(word & (DESCRIPTOR_EPOLL | DESCRIPTOR_SIGNALFD));
}

/* Whether the list can be kept; entries that are not this process's have no item to ask then. */
static bool watch_lasts(struct thread_record *t, struct watch *w)
{
	for (unsigned long i = 0; i < w->count; i++)
		if (!entry_lasts(t, &w->entries[i]))
			return false;
	for (unsigned long i = 0; i < w->count; i++)
		if (watch_entry_is_ours(t, &w->entries[i]))
			descriptor_mark(t, w->entries[i].descriptor, DESCRIPTOR_WATCHED, 0);
		else
			w->items[i].fd = -1;
	return true;
}

/* What was armed in the list as it was before stays so. Lists are in the order of their descriptors. */
static void watch_take_over(struct watch *w, const struct watch *before)
{
	unsigned long b = 0;

	for (unsigned long i = 0; i < w->count; i++) {
		while (b < before->count && before->entries[b].descriptor < w->entries[i].descriptor)
			b++;
		for (unsigned long n = b; n < before->count && before->entries[n].descriptor == w->entries[i].descriptor; n++)
			if (before->entries[n].id == w->entries[i].id && before->entries[n].events == w->entries[i].events)
				w->items[i].armed = before->items[n].armed;
	}
}

/* Fetches w->fd's list. 0: t->kept_watch is it; 1: it cannot be kept; -errno. */
static long kept_fetch(struct thread_record *t, struct watch *w)
{
	struct kept_watch *k = t->kept_watch;
	u32 changes = atomic_load_relaxed(&t->files->watch_changes);
	unsigned long endpoint, badge;
	long error = epoll_identify(w->fd, &endpoint, &badge);

	if (error == 0) {
		w->token = hash_u64(badge) | 1;
		error = watch_fetch(t, w);
	}
	if (error < 0)
		return error;
	if (!watch_lasts(t, w)) {
		kept_end(t);
		w->token = ~0ul;
		watch_items_start(w);
		return 1;
	}
	if (k)
		watch_take_over(w, &k->watch);
	epoll_let_go(t);
	k = rt_zalloc(sizeof(*k));
	if (!k) {
		watch_drop(w);
		return -ENOMEM;
	}
	*k = (struct kept_watch){ .watch = *w, .files = t->files, .changes = changes, .fetched = clock_monotonic() };
	t->kept_watch = k;
	w->entries = NULL;
	w->items = NULL;
	error = watch_arm_list(t, &k->watch, LIST_BIT);
	k->changed = error <= 0;
	return error < 0 ? error : 0;
}

/* Sees to it that t->kept_watch is w->fd's list as it is now. Results as of kept_fetch. */
static long kept_current(struct thread_record *t, struct watch *w)
{
	const struct kept_watch *k = t->kept_watch;

	if (k && (k->watch.fd != w->fd || k->files != t->files || k->changes != atomic_load_relaxed(&t->files->watch_changes)
		  || clock_monotonic() - k->fetched > LIST_LASTS))
		kept_end(t);
	while (!t->kept_watch || t->kept_watch->changed) {
		long result = kept_fetch(t, w);

		if (result)
			return result;
	}
	return 0;
}

/* ---- waiting ---- */

/* Takes what servers have signalled. What is reported without that could have been taken off the list before. */
static void kept_collect(struct thread_record *t)
{
	long bits;

	while ((bits = rt_wait(t, POLL_BITS, false, DEADLINE_NOW)) > 0)
		epoll_signalled(t, (unsigned long)bits);
}

static bool all_armed(const struct watch *w)
{
	for (unsigned long i = 0; i < w->count; i++)
		if (!w->items[i].armed && w->items[i].fd >= 0)
			return false;
	return true;
}

/* Asks what is not armed, starting behind the last one reported so that with few places all get their turn. */
static void kept_look(struct thread_record *t, struct report *r, struct watch *w)
{
	unsigned long start = t->epoll_start;

	for (unsigned long k = 0; k < w->count && !r->error && r->count < r->max; k++) {
		unsigned long i = (start + k) % w->count;

		if (w->items[i].armed || w->items[i].fd < 0)
			continue;
		poll_ask(t, &w->items[i], bit_of(w, i));
		if (w->items[i].ready && !(w->items[i].ready & POLLNVAL))
			report_put(r, w, i);
	}
	t->epoll_start = start + r->count;
}

long kept_wait(struct thread_record *t, struct report *r, struct watch *w, unsigned long deadline)
{
	bool slept = false;

	for (;;) {
		long result = kept_current(t, w);

		if (result)
			return result;
		if (!slept && (deadline == DEADLINE_NOW || !all_armed(&t->kept_watch->watch)))
			kept_collect(t);
		if (t->kept_watch->changed)
			continue;
		kept_look(t, r, &t->kept_watch->watch);
		if (r->error || r->count || deadline == DEADLINE_NOW)
			return 0;
		slept = !(t->notified & POLL_BITS); /* else these are all it gets */
		result = poll_sleep(t, deadline);
		if (result < 0)
			return result == -ETIMEDOUT ? 0 : result;
	}
}
