/* Owners of open files: how many a queue tells, and who is told. Root is played by the test. */
// sources: serve/async.c
#include <stdlib.h>

#include "check.h"
#include "counted_memory.h"
#include "lib/errno.h"
#include "serve/internal.h"

static const struct principal_entry caller = { .principal = 1, .pid = 7 };

const struct principal_entry *principal_find(unsigned long principal)
{
	return principal == caller.principal ? &caller : NULL;
}

unsigned principal_pid(unsigned long principal)
{
	return principal == caller.principal ? caller.pid : 0;
}

static unsigned told; /* signals that root was asked for */

long root_call(unsigned label, unsigned long m[8], unsigned bytes)
{
	(void)bytes;
	told += label == PROC_ASYNC_SIGNAL;
	m[1] = 99;
	return 0;
}

static bool has_news(const struct open_file *file, unsigned *group)
{
	(void)file;
	(void)group;
	return true;
}

static const struct serve_operations operations = { .async = has_news };
const struct serve_operations *serve_operations = &operations;
static struct request request = { .principal = 1 };
struct request *serve_request = &request;

/* ---- a queue and its files ---- */

static struct poll_queue queue, other_queue;
static struct open_file files[ASYNCS_OF_QUEUE + 2];

static void start(void)
{
	list_init(&queue.asyncs);
	list_init(&other_queue.asyncs);
	memset(files, 0, sizeof(files));
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		files[i].poll = &queue;
}

static long set(struct open_file *file, bool on)
{
	unsigned flags = file->flags;
	long error;

	flags = on ? flags | LINUX_O_ASYNC : flags & ~(unsigned)LINUX_O_ASYNC;
	error = async_set(file, &flags, 3, false);
	if (!error)
		file->flags = flags;
	return error;
}

static unsigned told_by(struct poll_queue *of)
{
	told = 0;
	async_wake(of, LINUX_POLLIN);
	return told;
}

static void finish(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		async_drop(&files[i]);
	CHECK_EQ(allocated, 0);
}

/* ---- tests ---- */

static void a_queue_tells_no_more_than_its_limit(void)
{
	struct open_file *one_more = &files[ASYNCS_OF_QUEUE], *elsewhere = &files[ASYNCS_OF_QUEUE + 1];

	start();
	for (unsigned i = 0; i < ASYNCS_OF_QUEUE; i++) {
		CHECK_EQ(set(&files[i], true), 0);
		CHECK_EQ(async_own(&files[i]), 0);
	}
	CHECK_EQ(set(one_more, true), -ENOMEM);
	CHECK(!one_more->async); /* nothing was kept of it */
	CHECK_EQ(told_by(&queue), ASYNCS_OF_QUEUE);
	/* those that have it can set it again, and another queue has room of its own */
	CHECK_EQ(set(&files[0], true), 0);
	elsewhere->poll = &other_queue;
	CHECK_EQ(set(elsewhere, true), 0);
	CHECK_EQ(set(&files[5], false), 0);
	CHECK_EQ(told_by(&queue), ASYNCS_OF_QUEUE - 1);
	CHECK_EQ(set(one_more, true), 0);
	CHECK_EQ(set(&files[5], true), -ENOMEM);
	finish();
	CHECK_EQ(told_by(&queue), 0);
}

static void without_memory_nobody_is_told_and_the_flag_stays_off(void)
{
	start();
	memory_is_out = true;
	CHECK_EQ(set(&files[0], true), -ENOMEM);
	CHECK(!(files[0].flags & LINUX_O_ASYNC));
	memory_is_out = false;
	CHECK_EQ(told_by(&queue), 0);
	CHECK_EQ(set(&files[0], true), 0);
	finish();
}

int main(void)
{
	RUN(a_queue_tells_no_more_than_its_limit);
	RUN(without_memory_nobody_is_told_and_the_flag_stays_off);
	return check_result();
}
