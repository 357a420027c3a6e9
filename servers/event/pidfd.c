/*
 * pidfd: a process by pid and serial number. Root says whether it lives, and tells when one of those asked for has ended; then all that lived are asked
 * for again.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "servers/event/event.h"

struct pidfd {
	struct event_object object;
	struct list_node link; /* in `living`, until it has ended */
	struct open_file *file;
	u64 pid, serial;
	bool ended;
};

static struct list_node living = { &living, &living };

static struct pidfd *pidfd_of(const struct open_file *file)
{
	return (struct pidfd *)event_object_of(file);
}

static bool has_ended(const struct pidfd *p)
{
	return root_call3(PROC_PIDFD_STATE, p->pid, p->serial, 0) <= 0;
}

static void look_at(struct pidfd *p)
{
	if (!has_ended(p))
		return;
	list_remove(&p->link);
	p->ended = true;
	poll_wake(p->file->poll, LINUX_POLLIN | LINUX_POLLRDNORM);
}

void pidfd_look(void)
{
	list_for_each_safe(node, &living)
		look_at(list_entry(node, struct pidfd, link));
}

static unsigned pidfd_poll(struct open_file *file)
{
	return pidfd_of(file)->ended ? LINUX_POLLIN | LINUX_POLLRDNORM : 0;
}

static void pidfd_release(struct open_file *file)
{
	struct pidfd *p = pidfd_of(file);

	if (!p->ended)
		list_remove(&p->link);
}

static long pidfd_message(struct request *request)
{
	const struct pidfd *p = pidfd_of(request->file);

	if (request->label != FILE_PIDFD_INFO)
		return -EINVAL;
	request->answer[1] = p->pid;
	request->answer[2] = p->serial;
	request->answer[3] = request->file->flags;
	return 0;
}

/* A zombie is still the process; -1: it was waited for. The second number is that of the reader's name space of processes, of which there is one. */
static long pidfd_info(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size)
{
	const struct pidfd *p = pidfd_of(file);
	long pid = root_call3(PROC_PIDFD_STATE, p->pid, p->serial, 0) < 0 ? -1 : (long)p->pid;

	(void)part;
	(void)descriptor;
	return (long)snformat(text, size, "Pid:\t%ld\nNSpid:\t%ld\n", pid, pid);
}

static const struct event_kind pidfd_kind = {
	.name = "[pidfd]",
	.poll = pidfd_poll,
	.info = pidfd_info,
	.message = pidfd_message,
	.unseekable = true,
	.release = pidfd_release,
	.size = sizeof(struct pidfd),
};

long pidfd_make(struct request *request)
{
	struct pidfd *p;
	long result;

	if (request->m[2] & ~(u64)LINUX_O_NONBLOCK)
		return -EINVAL;
	p = memory_take(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->object.kind = &pidfd_kind;
	p->pid = request->m[0];
	p->serial = request->m[1];
	list_push_back(&living, &p->link);
	result = event_object_give(request, &p->object, (unsigned)request->m[2], &p->file);
	if (result) {
		list_remove(&p->link);
		memory_free(p, sizeof(*p));
		return result;
	}
	look_at(p);
	return 0;
}
