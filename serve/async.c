#include "serve/async.h"

#include "lib/errno.h"
#include "serve/internal.h"

#define READS  (LINUX_POLLIN | LINUX_POLLRDNORM)
#define WRITES (LINUX_POLLOUT | LINUX_POLLWRNORM)

struct async *async_of(struct open_file *file)
{
	struct async *async = file->async;

	if (async)
		return async;
	async = memory_take(sizeof(*async));
	if (!async)
		return NULL;
	async->file = file;
	file->async = async;
	return async;
}

/* ---- the owner ---- */

/* Asks root whom the number names. 0, -ESRCH. */
static long owner_set(struct async *async, unsigned kind, unsigned id)
{
	const struct principal_entry *who = principal_find(serve_request->principal);
	unsigned long m[8] = { kind, id };
	long error = id ? root_call(PROC_ASYNC_OWNER, m, 0) : 0;

	if (error)
		return error;
	async->kind = kind;
	async->id = id;
	async->identity = id ? m[1] : 0;
	async->uid = who ? who->uid : ~0u;
	async->euid = who ? who->euid : ~0u;
	async->role = who ? who->role : ~0u;
	return 0;
}

long async_own(struct open_file *file)
{
	struct async *async = async_of(file);
	unsigned pid = principal_pid(serve_request->principal);

	if (!async)
		return -ENOMEM;
	return async->id || !pid ? 0 : owner_set(async, ASYNC_PROCESS, pid);
}

void async_disown(struct open_file *file)
{
	if (!file->async)
		return;
	file->async->kind = ASYNC_PROCESS;
	file->async->id = file->async->signal = 0;
	file->async->identity = 0;
}

static long owner_get(struct request *request, const struct async *async)
{
	unsigned long m[8] = { 0 };

	if (!async)
		return 0;
	request->answer[1] = async->kind;
	request->answer[3] = async->uid;
	request->answer[4] = async->euid;
	m[0] = async->kind;
	m[1] = async->id;
	m[2] = async->identity;
	if (async->id && async->identity && root_call(PROC_ASYNC_OWNER, m, 0) == 0)
		request->answer[2] = async->id;
	return 0;
}

long op_owner(struct request *request)
{
	struct open_file *file = request->file;
	const unsigned long *m = request->m;
	struct async *async = m[0] == OWNER_SET || m[0] == OWNER_SET_SIGNAL ? async_of(file) : file->async;

	if (file->flags & LINUX_O_PATH)
		return -EBADF;
	if (!async && (m[0] == OWNER_SET || m[0] == OWNER_SET_SIGNAL))
		return -ENOMEM;
	switch (m[0]) {
	case OWNER_GET:
		return owner_get(request, async);
	case OWNER_SET:
		return m[1] > ASYNC_GROUP || m[2] != (unsigned)m[2] ? -EINVAL : owner_set(async, (unsigned)m[1], (unsigned)m[2]);
	case OWNER_GET_SIGNAL:
		return async ? (long)async->signal : 0;
	case OWNER_SET_SIGNAL:
		if (m[1] > ASYNC_SIGNAL_MAX)
			return -EINVAL;
		async->signal = (unsigned)m[1];
		return 0;
	}
	return -EINVAL;
}

/* ---- telling ---- */

void async_signal(const struct async *async, int descriptor, unsigned band)
{
	unsigned long m[8] = { async->kind, async->id, async->identity, async->signal, band, (unsigned long)(long)descriptor,
			       (unsigned long)async->euid << 32 | async->uid, async->role };

	if (async->id)
		root_call(PROC_ASYNC_SIGNAL, m, 0);
}

/* An end that has gone altogether is no mere end of what there is to read. */
static unsigned band_of(unsigned events)
{
	if (events & LINUX_POLLERR)
		return ASYNC_ERROR;
	if ((events & (LINUX_POLLHUP | LINUX_POLLRDHUP)) == LINUX_POLLHUP)
		return ASYNC_HUP;
	return events & READS ? ASYNC_IN : events & WRITES ? ASYNC_OUT : ASYNC_HUP;
}

static void tell(struct poll_queue *queue, unsigned events, bool room_is_news)
{
	unsigned band = band_of(events);

	list_for_each_entry(async, &queue->asyncs, struct async, link) {
		if (band == ASYNC_IN ? !file_readable(async->file) : band == ASYNC_OUT && !file_writable(async->file))
			continue;
		if (band == ASYNC_OUT && !room_is_news && !async->full)
			continue;
		if (band == ASYNC_OUT)
			async->full = false;
		async_signal(async, async->descriptor, band);
	}
}

void async_wake(struct poll_queue *queue, unsigned events)
{
	if (unlikely(!list_empty(&queue->asyncs)))
		tell(queue, events, false);
}

void async_tell(struct poll_queue *queue, unsigned events)
{
	if (unlikely(!list_empty(&queue->asyncs)))
		tell(queue, events, true);
}

void async_urgent(struct open_file *file)
{
	struct async own;

	if (!file->async)
		return;
	own = *file->async;
	own.signal = 0;
	async_signal(&own, -1, ASYNC_URGENT);
	if (list_linked(&file->async->link) && file->async->signal)
		async_signal(file->async, file->async->descriptor, ASYNC_URGENT);
}

void async_wrote(struct open_file *file, long result, size_t wanted)
{
	if (result == -EAGAIN || result == REQUEST_KEPT || (result >= 0 && (size_t)result < wanted))
		file->async->full = true;
}

/* ---- O_ASYNC ---- */

/* Who opened a terminal and names nobody: its foreground group, or the caller. */
static long own_by_default(struct open_file *file, unsigned group)
{
	if (group == ASYNC_NOBODY || file->async->id)
		return 0;
	return group ? owner_set(file->async, ASYNC_GROUP, group) : async_own(file);
}

/* Whoever writes has all of them told before the next request of anybody is served. */
static bool is_full(const struct poll_queue *queue)
{
	unsigned count = 0;

	list_for_each(node, &queue->asyncs)
		count++;
	return count >= ASYNCS_OF_QUEUE;
}

long async_set(struct open_file *file, unsigned *flags, int descriptor, bool checked)
{
	unsigned group = ASYNC_NOBODY;

	if (!((*flags ^ file->flags) & LINUX_O_ASYNC))
		return 0;
	if (!serve_operations->async || !serve_operations->async(file, &group)) {
		*flags &= ~(unsigned)LINUX_O_ASYNC;
		return checked ? -ENOTTY : 0;
	}
	if (!(*flags & LINUX_O_ASYNC)) {
		async_leave(file);
		return 0;
	}
	if (is_full(file->poll) || !async_of(file))
		return -ENOMEM;
	file->async->descriptor = descriptor;
	list_push_back(&file->poll->asyncs, &file->async->link);
	own_by_default(file, group); /* without an owner nobody is told */
	return 0;
}

void async_leave(struct open_file *file)
{
	if (file->async && list_linked(&file->async->link))
		list_remove(&file->async->link);
}

void async_drop(struct open_file *file)
{
	if (!file->async)
		return;
	async_leave(file);
	memory_free(file->async, sizeof(*file->async));
	file->async = NULL;
}
