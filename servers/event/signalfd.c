/*
 * signalfd: a set of signals that its holders share. What is pending is the reader's own, and root's to give, so there is nothing to read here: the
 * reader's runtime asks for the set (abi/file.h).
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "servers/event/event.h"

#define UNBLOCKABLE (1ul << (9 - 1) | 1ul << (19 - 1)) /* SIGKILL, SIGSTOP */

struct signalfd {
	struct event_object object;
	u64 signals;
};

static struct signalfd *signalfd_of(const struct open_file *file)
{
	return (struct signalfd *)event_object_of(file);
}

static unsigned signalfd_poll(struct open_file *file)
{
	(void)file;
	return 0;
}

static long signalfd_message(struct request *request)
{
	struct signalfd *s = signalfd_of(request->file);

	if (request->label != FILE_SIGNALFD_MASK)
		return -EINVAL;
	if (request->m[0] == 1) {
		s->signals = request->m[1] & ~UNBLOCKABLE;
		poll_wake(request->file->poll, LINUX_POLLIN);
	}
	request->answer[1] = s->signals;
	request->answer[2] = request->file->flags;
	return 0;
}

static long signalfd_info(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size)
{
	(void)part;
	(void)descriptor;
	return (long)snformat(text, size, "sigmask:\t%016lx\n", signalfd_of(file)->signals);
}

static const struct event_kind signalfd_kind = {
	.name = "[signalfd]",
	.poll = signalfd_poll,
	.info = signalfd_info,
	.message = signalfd_message,
	.opened = OPENED_SIGNALFD,
	.size = sizeof(struct signalfd),
};

long signalfd_make(struct request *request)
{
	struct signalfd *s;
	long result;

	if (request->m[1] & ~(u64)(LINUX_O_NONBLOCK | LINUX_O_CLOEXEC))
		return -EINVAL;
	s = memory_take(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->object.kind = &signalfd_kind;
	s->signals = request->m[0] & ~UNBLOCKABLE;
	result = event_object_give(request, &s->object, request->m[1] & LINUX_O_NONBLOCK, NULL);
	if (result)
		memory_free(s, sizeof(*s));
	return result;
}
