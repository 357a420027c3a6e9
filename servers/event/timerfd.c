/*
 * timerfd: counts expirations of a clock. As on Linux a periodic timer that nobody reads is set only once: what it missed since is counted when
 * somebody looks. Times are kept in the timer's own clock; only an absolute time of the realtime clock moves when that clock is set.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/rbtree.h"
#include "servers/event/event.h"

#define CLOCK_REAL       0
#define CLOCK_MONO       1
#define CLOCK_BOOT       7
#define CLOCK_REAL_ALARM 8
#define CLOCK_BOOT_ALARM 9

#define SET_ABSOLUTE 1 /* TFD_TIMER_ABSTIME */
#define SET_CANCEL   2 /* TFD_TIMER_CANCEL_ON_SET */

struct timerfd {
	struct event_object object;
	struct rb_node node;     /* in `timers`, if armed */
	struct list_node link;   /* in `all` */
	struct list_node readers;
	struct open_file *file;
	u64 when;                /* absolute: of the realtime clock if `follows`, else monotonic */
	u64 due;                 /* the same, monotonic: what the tree is ordered by */
	u64 interval, ticks;
	unsigned clock, settings;
	bool armed, follows, expired, cancelled;
};

static struct rb_tree timers;
static struct list_node all = { &all, &all };

static struct timerfd *timerfd_of(const struct open_file *file)
{
	return (struct timerfd *)event_object_of(file);
}

static bool is_realtime(const struct timerfd *t)
{
	return t->clock == CLOCK_REAL || t->clock == CLOCK_REAL_ALARM;
}

/* ---- the tree ---- */

static int compare(const void *key, const struct rb_node *node)
{
	u64 due = *(const u64 *)key, other = rb_entry(node, struct timerfd, node)->due;

	return due < other ? -1 : due > other;
}

static void disarm(struct timerfd *t)
{
	if (t->armed)
		rb_erase(&timers, &t->node);
	t->armed = false;
}

static u64 realtime_base(void)
{
	return kernel_realtime() - kernel_monotonic();
}

static void arm(struct timerfd *t)
{
	u64 base = t->follows ? realtime_base() : 0;

	disarm(t);
	t->due = t->when > base ? MAX(t->when - base, 2ul) : 2;
	t->armed = true;
	rb_insert_by(&timers, &t->node, &t->due, compare);
}

static u64 now_of(const struct timerfd *t)
{
	return t->follows ? kernel_realtime() : kernel_monotonic();
}

/* ---- expirations ---- */

/* A periodic timer that went off is set for its next time after now; the times between are counted. */
static void catch_up(struct timerfd *t)
{
	u64 now = now_of(t), missed;

	if (!t->expired || !t->interval)
		return;
	missed = now >= t->when ? (now - t->when) / t->interval + 1 : 1;
	t->when += missed * t->interval;
	t->ticks += missed - 1;
	t->expired = false;
	arm(t);
}

static long give_ticks(struct timerfd *t, struct request *request)
{
	catch_up(t);
	if (request_give(request, &t->ticks, sizeof(t->ticks)) < sizeof(t->ticks)) {
		request->moved = 0;
		return 0;
	}
	t->ticks = 0;
	return sizeof(t->ticks);
}

static void answer_readers(struct timerfd *t)
{
	struct request *reader;

	while ((t->ticks || t->cancelled) && (reader = list_first_entry(&t->readers, struct request, link))) {
		bool cancelled = t->cancelled;

		list_remove(&reader->link);
		t->cancelled = false;
		request_answer(reader, cancelled ? -ECANCELED : give_ticks(t, reader));
	}
}

static void ready(struct timerfd *t)
{
	poll_wake(t->file->poll, LINUX_POLLIN);
	answer_readers(t);
}

static void went_off(struct timerfd *t)
{
	disarm(t);
	t->expired = true;
	t->ticks++;
	ready(t);
}

unsigned long timerfd_deadline(void)
{
	struct rb_node *first = rb_first(&timers);

	return first ? rb_entry(first, struct timerfd, node)->due : 0;
}

void timerfd_expired(void)
{
	struct rb_node *first;

	while ((first = rb_first(&timers)) && rb_entry(first, struct timerfd, node)->due <= kernel_monotonic())
		went_off(rb_entry(first, struct timerfd, node));
}

void timerfd_clock_set(void)
{
	list_for_each(node, &all) {
		struct timerfd *t = list_entry(node, struct timerfd, link);

		if (t->follows && t->armed)
			arm(t);
		if (t->follows && t->settings & SET_CANCEL) {
			t->cancelled = true;
			t->ticks = 0;
			ready(t);
		}
	}
}

/* ---- the file ---- */

static long cancel_reader(struct request *request, unsigned reason)
{
	list_remove(&request->link);
	(void)reason;
	return -EINTR;
}

static long timerfd_read(struct request *request, struct open_file *file, size_t length)
{
	struct timerfd *t = timerfd_of(file);
	long kept;

	if (length < sizeof(t->ticks))
		return -EINVAL;
	if (t->cancelled) {
		t->cancelled = false;
		return -ECANCELED;
	}
	if (t->ticks)
		return give_ticks(t, request);
	if (request_nonblocking(request))
		return -EAGAIN;
	kept = request_wait(request, cancel_reader);
	if (kept == REQUEST_KEPT)
		list_push_back(&t->readers, &request->link);
	return kept;
}

static unsigned timerfd_poll(struct open_file *file)
{
	const struct timerfd *t = timerfd_of(file);

	return t->ticks || t->cancelled ? LINUX_POLLIN : 0;
}

static void timerfd_release(struct open_file *file)
{
	struct timerfd *t = timerfd_of(file);

	disarm(t);
	list_remove(&t->link);
}

static u64 value_left(const struct timerfd *t)
{
	u64 now = now_of(t);

	return !t->armed ? 0 : t->when > now ? t->when - now : 1;
}

static void tell(struct request *request, struct timerfd *t)
{
	catch_up(t);
	request->answer[1] = t->interval;
	request->answer[2] = value_left(t);
}

static long timerfd_set(struct request *request)
{
	struct timerfd *t = timerfd_of(request->file);
	u64 settings = request->m[0], interval = request->m[1], value = request->m[2];

	if (settings & ~(u64)(SET_ABSOLUTE | SET_CANCEL) || interval > INT64_MAX || value > INT64_MAX)
		return -EINVAL;
	tell(request, t);
	disarm(t);
	t->settings = (unsigned)settings;
	t->interval = interval;
	t->ticks = 0;
	t->expired = t->cancelled = false;
	t->follows = is_realtime(t) && settings & SET_ABSOLUTE;
	if (!value)
		return 0;
	t->when = settings & SET_ABSOLUTE ? value : kernel_monotonic() + value; /* both are below 2^63 */
	arm(t);
	return 0;
}

static long timerfd_message(struct request *request)
{
	switch (request->label) {
	case FILE_TIMERFD_SET:
		return timerfd_set(request);
	case FILE_TIMERFD_GET:
		tell(request, timerfd_of(request->file));
		return 0;
	}
	return -EINVAL;
}

#define SECOND 1000000000ul

static long timerfd_info(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size)
{
	struct timerfd *t = timerfd_of(file);
	u64 left = value_left(t);

	(void)part;
	(void)descriptor;
	return (long)snformat(text, size, "clockid: %u\nticks: %lu\nsettime flags: 0%o\nit_value: (%lu, %lu)\nit_interval: (%lu, %lu)\n", t->clock,
			      t->ticks, t->settings, left / SECOND, left % SECOND, t->interval / SECOND, t->interval % SECOND);
}

static const struct event_kind timerfd_kind = {
	.name = "[timerfd]",
	.read = timerfd_read,
	.poll = timerfd_poll,
	.info = timerfd_info,
	.message = timerfd_message,
	.release = timerfd_release,
	.size = sizeof(struct timerfd),
};

static bool clock_known(u64 clock)
{
	return clock == CLOCK_REAL || clock == CLOCK_MONO || (clock >= CLOCK_BOOT && clock <= CLOCK_BOOT_ALARM);
}

long timerfd_make(struct request *request)
{
	struct timerfd *t;
	long result;

	if (!clock_known(request->m[0]) || request->m[1] & ~(u64)(LINUX_O_NONBLOCK | LINUX_O_CLOEXEC))
		return -EINVAL;
	t = memory_take(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->object.kind = &timerfd_kind;
	t->clock = (unsigned)request->m[0];
	list_init(&t->readers);
	list_push_back(&all, &t->link);
	result = event_object_give(request, &t->object, request->m[1] & LINUX_O_NONBLOCK, &t->file);
	if (result) {
		list_remove(&t->link);
		memory_free(t, sizeof(*t));
	}
	return result;
}
