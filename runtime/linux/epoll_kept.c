/*
 * Interest lists that stay armed. A thread keeps the list that it waited for last, if all its entries are level-triggered and are files that are asked by
 * FILE_POLL. An item is *armed*: its server found it not ready and signals the thread's Notification once it may be; or it is *to be asked*: it is new, was signalled,
 * or was ready when it was asked last. So a call asks only files of the second kind, and when it returns the others stay armed.
 *
 * The bits of the Notification: one for the list itself, whose server signals that it changed; it is fetched anew then. HOT_BITS belong to
 * the entries that were ready last, one each; the others share COLD_BITS by their ids. armed_by[] says which items were armed with a bit: all of them are asked
 * when it comes. The token of an arming follows from the epoll's badge, the entry's id and the bit, so a server that has kept the Notification
 * of a token has it with that bit. Whoever in this thread takes bits off the Notification tells the list (epoll_signalled): none is lost.
 *
 * The descriptors are those of the entries as long as this process closes none that is in a list, nor an epoll (files->watch_changes). A server
 * that has died signals nothing; so a list older than LIST_LASTS is fetched and asked anew.
 */
#include "abi/event.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/epoll.h"
#include "runtime/linux/epoll_watch.h"

#include <asm/poll.h>
#include <linux/eventpoll.h>

#define COLD_BITS 7
#define HOT_BITS  16
#define ITEM_BITS (COLD_BITS + HOT_BITS)
#define LIST_BIT  POLL_BIT(ITEM_BITS)
_Static_assert(ITEM_BITS + 1 == POLL_BIT_COUNT, "each bit of the Notification has its use");
#define LIST_LASTS 1000000000ul /* ns */

struct kept_watch {
	struct watch watch;
	const struct files_state *files;
	u32 changes;
	bool changed;            /* the list has */
	unsigned long fetched;   /* when */
	u32 hot[HOT_BITS];       /* whose bit it is: id of an entry, 0: nobody's */
	unsigned next_hot;
	u64 *to_ask;             /* bitmaps of items */
	u64 *armed_by[ITEM_BITS];
};

static size_t words_of(const struct kept_watch *k)
{
	return DIV_ROUND_UP(k->watch.count, 64ul);
}

void epoll_signalled(struct thread_record *t, unsigned long bits)
{
	struct kept_watch *k = t->kept_watch;

	if (!k)
		return;
	k->changed |= (bits & LIST_BIT) != 0;
	for (unsigned bit = 0; bit < ITEM_BITS; bit++) {
		if (!(bits & POLL_BIT(bit)))
			continue;
		for (size_t i = 0; i < words_of(k); i++) {
			k->to_ask[i] |= k->armed_by[bit][i];
			k->armed_by[bit][i] = 0;
		}
	}
}

void epoll_let_go(struct thread_record *t)
{
	struct kept_watch *k = t->kept_watch;

	if (!k)
		return;
	t->kept_watch = NULL;
	watch_drop(&k->watch);
	rt_free(k->to_ask);
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

static bool watch_lasts(struct thread_record *t, const struct watch *w)
{
	for (unsigned long i = 0; i < w->count; i++)
		if (!entry_lasts(t, &w->entries[i]))
			return false;
	return true;
}

/* Everything is to be asked but what is not this process's. */
static void ask_all(struct thread_record *t, struct kept_watch *k)
{
	const struct watch *w = &k->watch;

	for (unsigned long i = 0; i < w->count; i++) {
		if (!watch_entry_is_ours(t, &w->entries[i]))
			continue;
		descriptor_mark(t, w->entries[i].descriptor, DESCRIPTOR_WATCHED, 0);
		bitmap_set(k->to_ask, i);
	}
}

static void take_over_item(struct kept_watch *k, unsigned long i, const struct kept_watch *before, unsigned long n)
{
	if (bitmap_test(before->to_ask, n) || !bitmap_test(k->to_ask, i))
		return;
	bitmap_clear(k->to_ask, i);
	k->watch.items[i] = before->watch.items[n];
	for (unsigned bit = 0; bit < ITEM_BITS; bit++)
		if (bitmap_test(before->armed_by[bit], n))
			bitmap_set(k->armed_by[bit], i);
}

/* What was armed in the list as it was before stays so. Lists are in the order of their descriptors. */
static void take_over(struct kept_watch *k, const struct kept_watch *before)
{
	const struct epoll_entry *new = k->watch.entries, *old = before->watch.entries;
	unsigned long b = 0;

	memcpy(k->hot, before->hot, sizeof(k->hot));
	k->next_hot = before->next_hot;
	for (unsigned long i = 0; i < k->watch.count; i++) {
		while (b < before->watch.count && old[b].descriptor < new[i].descriptor)
			b++;
		for (unsigned long n = b; n < before->watch.count && old[n].descriptor == new[i].descriptor; n++)
			if (old[n].id == new[i].id && old[n].events == new[i].events)
				take_over_item(k, i, before, n);
	}
}

static struct kept_watch *kept_create(struct thread_record *t, const struct watch *w)
{
	struct kept_watch *k = rt_zalloc(sizeof(*k));

	if (!k)
		return NULL;
	k->watch = *w;
	k->files = t->files;
	k->fetched = clock_monotonic();
	k->to_ask = rt_zalloc((1 + ITEM_BITS) * words_of(k) * sizeof(u64));
	if (!k->to_ask) {
		rt_free(k);
		return NULL;
	}
	for (unsigned bit = 0; bit < ITEM_BITS; bit++)
		k->armed_by[bit] = k->to_ask + (1 + bit) * words_of(k);
	return k;
}

/* Fetches w->fd's list. 0: t->kept_watch is it; 1: it cannot be kept; -errno. */
static long kept_fetch(struct thread_record *t, struct watch *w)
{
	u32 changes = atomic_load_relaxed(&t->files->watch_changes);
	unsigned long endpoint, badge;
	struct kept_watch *k;
	long result = epoll_identify(w->fd, &endpoint, &badge);

	if (result == 0) {
		w->token = hash_u64(badge) | 1;
		result = watch_fetch(t, w);
	}
	if (result < 0)
		return result;
	if (!watch_lasts(t, w)) {
		kept_end(t);
		w->token = ~0ul;
		watch_items_start(w);
		return 1;
	}
	k = kept_create(t, w);
	if (!k) {
		watch_drop(w);
		return -ENOMEM;
	}
	w->entries = NULL;
	w->items = NULL;
	k->changes = changes;
	ask_all(t, k);
	if (t->kept_watch)
		take_over(k, t->kept_watch);
	epoll_let_go(t);
	t->kept_watch = k;
	result = watch_arm_list(t, &k->watch, LIST_BIT);
	k->changed = result <= 0;
	return result < 0 ? result : 0;
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

static bool nothing_to_ask(const struct kept_watch *k)
{
	return bitmap_find_set(k->to_ask, k->watch.count, 0) >= k->watch.count;
}

/* The bit that the entry is armed with: its own if it was ready lately. */
static unsigned bit_of(const struct kept_watch *k, u32 id)
{
	for (unsigned i = 0; i < HOT_BITS; i++)
		if (k->hot[i] == id)
			return COLD_BITS + i;
	return id % COLD_BITS;
}

static void make_hot(struct kept_watch *k, u32 id)
{
	if (bit_of(k, id) < COLD_BITS)
		k->hot[k->next_hot++ % HOT_BITS] = id;
}

/* It stays to be asked if it is ready, or cannot be armed. */
static void ask(struct thread_record *t, struct report *r, struct kept_watch *k, unsigned long i)
{
	struct watch *w = &k->watch;
	unsigned bit = bit_of(k, w->entries[i].id);

	w->items[i].token = w->token * 0x9e3779b97f4a7c15ul + w->entries[i].id + ((u64)bit << 56);
	poll_ask(t, &w->items[i], POLL_BIT(bit));
	if (w->items[i].armed) {
		bitmap_clear(k->to_ask, i);
		bitmap_set(k->armed_by[bit], i);
	}
	if (!w->items[i].ready || w->items[i].ready & POLLNVAL)
		return;
	make_hot(k, w->entries[i].id);
	report_put(r, w, i);
}

/* Asks what is to be asked, starting behind the last one reported so that with few places all get their turn. */
static void kept_look(struct thread_record *t, struct report *r, struct kept_watch *k)
{
	unsigned long count = k->watch.count, start = count ? t->epoll_start % count : 0;

	for (int part = 0; part < 2; part++) {
		unsigned long at = part ? 0 : start, end = part ? start : count;

		while ((at = bitmap_find_set(k->to_ask, end, at)) < end && !r->error && r->count < r->max) {
			ask(t, r, k, at);
			t->epoll_start = ++at;
		}
	}
}

long kept_wait(struct thread_record *t, struct report *r, struct watch *w, unsigned long deadline)
{
	bool slept = false;

	for (;;) {
		long result = kept_current(t, w);

		if (result)
			return result;
		if (!slept && (deadline == DEADLINE_NOW || !nothing_to_ask(t->kept_watch)))
			kept_collect(t);
		if (t->kept_watch->changed)
			continue;
		kept_look(t, r, t->kept_watch);
		if (r->error || r->count || deadline == DEADLINE_NOW)
			return 0;
		slept = !(t->notified & POLL_BITS); /* else these are all it gets */
		result = poll_sleep(t, deadline);
		if (result < 0)
			return result == -ETIMEDOUT ? 0 : result;
	}
}
