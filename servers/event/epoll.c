/*
 * epoll instances: the messages of abi/event.h around an interest list.
 */
#include "abi/event.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "servers/event/event.h"
#include "servers/event/interest.h"

struct epoll {
	struct event_object object;
	struct interest list;
	u32 uid; /* against whom its entries count */
};

static struct users entries; /* how many a user has */

static struct epoll *epoll_of(const struct open_file *file)
{
	return (struct epoll *)event_object_of(file);
}

/* Never ready by itself: the client asks what its entries are. */
static unsigned epoll_poll(struct open_file *file)
{
	(void)file;
	return 0;
}

static void epoll_release(struct open_file *file)
{
	struct epoll *epoll = epoll_of(file);
	u32 count = epoll->list.count;

	interest_clear(&epoll->list);
	if (count)
		users_add(&entries, epoll->uid, -(s64)count);
}

#define ALWAYS_WAITED_FOR 0x18u       /* EPOLLERR, EPOLLHUP */
#define HOW_TO_WAIT       0xf0000000u /* EPOLLET and its like: all that is left of a one-shot entry that was reported */

static u32 events_waited_for(const struct epoll_entry *entry)
{
	return entry->armed ? entry->events | ALWAYS_WAITED_FOR : entry->events & HOW_TO_WAIT;
}

/* An entry a part: what the descriptor names is its own server's to tell. */
static long epoll_info(struct open_file *file, unsigned *part, long *descriptor, char *text, size_t size)
{
	struct epoll_entry entry;

	if (!interest_list(&epoll_of(file)->list, *part, &entry, 1))
		return 0;
	++*part;
	*descriptor = (long)entry.descriptor;
	return (long)snformat(text, size, "tfd: %8u events: %8x data: %16lx ", entry.descriptor, events_waited_for(&entry), entry.data);
}

static long epoll_message(struct request *request);

static const struct event_kind epoll_kind = {
	.name = "[eventpoll]",
	.poll = epoll_poll,
	.info = epoll_info,
	.message = epoll_message,
	.opened = OPENED_EPOLL,
	.release = epoll_release,
	.size = sizeof(struct epoll),
};

/* Polling answers with the list's generation as the counter, and pollers are signalled when it moves. */
static void publish(struct open_file *file)
{
	poll_wake(file->poll, ~0u);
	file->poll->counter = epoll_of(file)->list.generation;
}

long epoll_make(struct request *request)
{
	struct epoll *epoll = memory_take(sizeof(*epoll));
	const struct principal_entry *maker = principal_find(request->principal);
	long result;

	if (!epoll)
		return -ENOMEM;
	epoll->uid = maker ? maker->uid : 0;
	epoll->object.kind = &epoll_kind;
	interest_init(&epoll->list);
	result = event_object_give(request, &epoll->object, LINUX_O_RDWR, NULL);
	if (result)
		memory_free(epoll, sizeof(*epoll));
	return result;
}

/* The list of the instance that the caller says it names; another may know it, too, but has only its own lists to spoil. NULL: there is none. */
static struct interest *inner_of(const struct request *request)
{
	struct open_file *file = request->m[6] ? open_file_by_badge(request->m[5]) : NULL;

	return file && event_object_of(file)->kind == &epoll_kind ? &epoll_of(file)->list : NULL;
}

/* The entries that this instance may have, by what its user's have all together. */
static u32 entries_allowed(const struct epoll *epoll)
{
	u64 all = users_count(&entries, epoll->uid), most = setting(SETTING_EPOLL_WATCHES);

	return (u32)MIN(epoll->list.count + (all < most ? most - all : 0), (u64)EPOLL_ENTRIES_MAX);
}

static long change(struct request *request)
{
	struct interest *list = &epoll_of(request->file)->list;
	struct interest_identity who = { request->m[4], request->m[5] };
	u32 descriptor = (u32)request->m[1], events = (u32)request->m[2], pid = principal_pid(request->principal);

	switch (request->m[0]) {
	case EPOLL_CONTROL_ADD:
		list->most = entries_allowed(epoll_of(request->file));
		return interest_add(list, pid, descriptor, who, events, request->m[3], inner_of(request));
	case EPOLL_CONTROL_DELETE:
		return interest_delete(list, descriptor, who);
	case EPOLL_CONTROL_MODIFY:
		return interest_modify(list, descriptor, who, events, request->m[3]);
	case EPOLL_CONTROL_FORGET:
		interest_forget(list, pid, descriptor, who);
		return 0;
	}
	return -EINVAL;
}

/* The user's number of entries follows the list. */
static long control(struct request *request)
{
	struct epoll *epoll = epoll_of(request->file);
	u32 before = epoll->list.count;
	long result = change(request);

	if (epoll->list.count == before || users_add(&entries, epoll->uid, (s64)epoll->list.count - (s64)before))
		return result;
	/* it has been the user's first */
	interest_delete(&epoll->list, (u32)request->m[1], (struct interest_identity){ request->m[4], request->m[5] });
	return -ENOMEM;
}

static long list_entries(struct request *request)
{
	struct interest *list = &epoll_of(request->file)->list;
	u32 index = request->m[0] > EPOLL_ENTRIES_MAX ? EPOLL_ENTRIES_MAX : (u32)request->m[0];
	size_t count = interest_list(list, index, (struct epoll_entry *)serve_message->data, EPOLL_LIST_MAX);

	request->answer[1] = list->generation;
	request->answer[2] = list->count;
	request->answer_bytes = (unsigned)(count * sizeof(struct epoll_entry));
	return (long)count;
}

static long report(struct request *request)
{
	struct interest *list = &epoll_of(request->file)->list;
	const struct epoll_claim *claims = (const struct epoll_claim *)serve_message->data;
	u64 granted = 0;

	if (request->m[0] > EPOLL_CLAIMS_MAX || request->m[0] * sizeof(*claims) > request->bytes)
		return -EINVAL;
	for (u64 i = 0; i < request->m[0]; i++)
		if (interest_claim(list, &claims[i]))
			granted |= BIT(i);
	return (long)granted;
}

static long epoll_message(struct request *request)
{
	struct open_file *file = request->file;
	u64 generation = epoll_of(file)->list.generation;
	long result;

	switch (request->label) {
	case FILE_EPOLL_CONTROL:
		result = control(request);
		break;
	case FILE_EPOLL_LIST:
		result = list_entries(request);
		break;
	case FILE_EPOLL_REPORT:
		result = report(request);
		break;
	default:
		return -EINVAL;
	}
	if (epoll_of(file)->list.generation != generation)
		publish(file);
	return result;
}
