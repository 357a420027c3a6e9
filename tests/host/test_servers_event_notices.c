/* The queue of an inotify instance: equal events in a row are told once, its length is bounded, what is read is what was queued. */
// sources: servers/event/notices.c
#include "servers/event/notices.h"
#include "tests/host/check.h"

#define MOST 1000u

static struct notices queue;

static void equal_events_are_one(void)
{
	notices_init(&queue, MOST);
	CHECK(notices_add(&queue, 1, INOTIFY_MODIFY, 0, "name", 4));
	CHECK(!notices_add(&queue, 1, INOTIFY_MODIFY, 0, "name", 4));
	CHECK(notices_add(&queue, 1, INOTIFY_MODIFY, 0, "nam", 3));
	CHECK(notices_add(&queue, 2, INOTIFY_MODIFY, 0, "nam", 3));
	CHECK(notices_add(&queue, 2, INOTIFY_ATTRIB, 0, "nam", 3));
	CHECK(notices_add(&queue, 1, INOTIFY_MODIFY, 0, "name", 4));
	CHECK_EQ(queue.count, 5);
	notices_clear(&queue);
	CHECK_EQ(queue.count, 0);
	CHECK_EQ(queue.bytes, 0);
}

static void two_ends_of_watches_are_two(void)
{
	notices_init(&queue, MOST);
	CHECK(notices_add(&queue, 1, INOTIFY_IGNORED, 0, "", 0));
	CHECK(notices_add(&queue, 1, INOTIFY_IGNORED, 0, "", 0));
	CHECK_EQ(queue.count, 2);
	notices_clear(&queue);
}

static void read_is_what_was_queued(void)
{
	u8 bytes[NOTICE_BYTES_MAX];
	struct inotify_record record;
	char longest[255];

	memset(longest, 'x', sizeof(longest));
	notices_init(&queue, MOST);
	notices_add(&queue, 7, INOTIFY_CREATE, 9, "fifteen bytes!!", 15);
	notices_add(&queue, 7, INOTIFY_CREATE, 9, "sixteen bytes!!!", 16);
	notices_add(&queue, 7, INOTIFY_CREATE, 9, longest, sizeof(longest));
	notices_add(&queue, 7, INOTIFY_CREATE, 9, "", 0);
	CHECK_EQ(queue.bytes, 32 + 48 + 16 + 256 + 16);
	CHECK_EQ(notice_write(notices_first(&queue), bytes), 32);
	memcpy(&record, bytes, sizeof(record));
	CHECK_EQ(record.watch, 7);
	CHECK_EQ(record.mask, INOTIFY_CREATE);
	CHECK_EQ(record.cookie, 9);
	CHECK_EQ(record.length, 16);
	CHECK(!strcmp((char *)bytes + sizeof(record), "fifteen bytes!!"));
	notices_drop(&queue, notices_first(&queue));
	CHECK_EQ(notice_write(notices_first(&queue), bytes), 48);
	notices_drop(&queue, notices_first(&queue));
	CHECK_EQ(notice_write(notices_first(&queue), bytes), NOTICE_BYTES_MAX);
	CHECK_EQ(bytes[NOTICE_BYTES_MAX - 1], 0);
	notices_clear(&queue);
}

static void full_queue_tells_once(void)
{
	notices_init(&queue, MOST);
	for (u32 i = 0; i < MOST; i++)
		CHECK(notices_add(&queue, 1, INOTIFY_MODIFY, 0, i % 2 ? "a" : "b", 1));
	CHECK(notices_add(&queue, 1, INOTIFY_MODIFY, 0, "c", 1));
	CHECK(!notices_add(&queue, 1, INOTIFY_MODIFY, 0, "d", 1));
	CHECK_EQ(queue.count, MOST + 1);
	notices_drop(&queue, notices_first(&queue));
	CHECK(!notices_add(&queue, 1, INOTIFY_MODIFY, 0, "d", 1)); /* the overflow counts */
	notices_drop(&queue, notices_first(&queue));
	CHECK(notices_add(&queue, 1, INOTIFY_MODIFY, 0, "d", 1));
	while (queue.count > 1)
		notices_drop(&queue, notices_first(&queue));
	CHECK(!queue.overflowed);
	CHECK_EQ(notices_first(&queue)->mask, INOTIFY_MODIFY);
	notices_clear(&queue);
}

int main(void)
{
	RUN(equal_events_are_one);
	RUN(two_ends_of_watches_are_two);
	RUN(read_is_what_was_queued);
	RUN(full_queue_tells_once);
	return check_result();
}
