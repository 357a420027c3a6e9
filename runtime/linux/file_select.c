/* select and pselect6: sets of descriptors become poll items and back. */
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_poll.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"

#include <asm/poll.h>

#define SETS 3

/* As Linux's POLLIN_SET, POLLOUT_SET, POLLEX_SET. */
static const unsigned set_ready[SETS] = {
	POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
	POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
	POLLPRI,
};
static const unsigned set_asked[SETS] = {
	POLLRDNORM | POLLRDBAND | POLLIN,
	POLLWRBAND | POLLWRNORM | POLLOUT,
	POLLPRI,
};

struct selection {
	unsigned long count; /* descriptors 0 .. count - 1 are looked at */
	size_t bytes;        /* of a set */
	uaddr_t user[SETS];
	u64 *set[SETS];
	struct poll_item *items;
	unsigned long item_count;
};

static long sets_read(struct selection *s)
{
	for (int i = 0; i < SETS; i++)
		if (s->user[i] && copy_from_user(s->set[i], s->user[i], s->bytes) < 0)
			return -EFAULT;
	return 0;
}

static unsigned asked_of(const struct selection *s, unsigned long fd)
{
	unsigned events = 0;

	for (int i = 0; i < SETS; i++)
		if (bitmap_test(s->set[i], fd))
			events |= set_asked[i];
	return events;
}

static long items_make(struct thread_record *t, struct selection *s)
{
	for (unsigned long fd = 0; fd < s->count; fd++) {
		unsigned events = asked_of(s, fd);

		if (!events)
			continue;
		if (!descriptor_lookup_file(t, (unsigned)fd))
			return -EBADF;
		s->items[s->item_count++] = (struct poll_item){ .fd = (int)fd, .events = events };
	}
	return 0;
}

/* The sets become what is ready of them; the number of bits. */
static long sets_fill(struct selection *s)
{
	long bits = 0;

	for (unsigned long n = 0; n < s->item_count; n++) {
		const struct poll_item *item = &s->items[n];
		unsigned long fd = (unsigned long)item->fd;

		for (int i = 0; i < SETS; i++) {
			if (!bitmap_test(s->set[i], fd))
				continue;
			/* A descriptor that was closed meanwhile counts as ready: the next call on it tells. */
			if (item->ready & (set_ready[i] | POLLNVAL))
				bits++;
			else
				bitmap_clear(s->set[i], fd);
		}
	}
	return bits;
}

static long sets_write(const struct selection *s)
{
	for (int i = 0; i < SETS; i++)
		if (s->user[i] && copy_to_user(s->user[i], s->set[i], s->bytes) < 0)
			return -EFAULT;
	return 0;
}

static long selection_run(struct thread_record *t, struct selection *s, unsigned long deadline)
{
	long result = sets_read(s), bits;

	if (result == 0)
		result = items_make(t, s);
	if (result == 0)
		result = poll_wait(t, s->items, s->item_count, deadline);
	if (result < 0)
		return result;
	bits = sets_fill(s);
	result = sets_write(s);
	return result < 0 ? result : bits;
}

/* One block of memory holds the three sets and the items. */
static long select_sets(struct thread_record *t, int count, const unsigned long sets[SETS], unsigned long deadline)
{
	struct selection s = { .user = { sets[0], sets[1], sets[2] } };
	unsigned char *memory;
	long result;

	if (count < 0)
		return -EINVAL;
	s.count = MIN((unsigned long)count, (unsigned long)t->files->slots);
	s.bytes = BITMAP_WORDS(s.count) * sizeof(u64);
	memory = rt_zalloc(SETS * s.bytes + s.count * sizeof(struct poll_item));
	if (!memory)
		return -ENOMEM;
	for (int i = 0; i < SETS; i++)
		s.set[i] = (u64 *)(memory + (size_t)i * s.bytes);
	s.items = (struct poll_item *)(memory + SETS * s.bytes);
	result = selection_run(t, &s, deadline);
	rt_free(memory);
	return result;
}

long linux_select(struct thread_record *t, const unsigned long a[6])
{
	unsigned long deadline = POLL_FOREVER;
	long result;
	long time[2];

	if (a[4]) {
		if (copy_from_user(time, a[4], sizeof(time)) < 0)
			return -EFAULT;
		if (time[0] < 0 || time[1] < 0)
			return -EINVAL;
		deadline = deadline_of_timeval((unsigned long)time[0], (unsigned long)time[1]);
	}
	result = select_sets(t, (int)a[0], a + 1, deadline);
	deadline_left(a[4], deadline, 1000);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

struct mask_argument { /* pselect6's sixth: Linux passes mask and size through memory */
	unsigned long mask, size;
};

long linux_pselect6(struct thread_record *t, const unsigned long a[6])
{
	struct mask_argument m = { 0, 0 };
	unsigned long deadline;
	long result = deadline_of_timespec(a[4], &deadline);

	if (result < 0)
		return result;
	if (a[5] && copy_from_user(&m, a[5], sizeof(m)) < 0)
		return -EFAULT;
	result = signal_temporary_mask(t, m.mask, m.size);
	if (result < 0)
		return result;
	result = select_sets(t, (int)a[0], a + 1, deadline);
	deadline_left(a[4], deadline, 1);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}
