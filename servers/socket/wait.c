/* Requests that wait. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/socket.h"

struct wait {
	struct list_node link;  /* on the socket's list */
	struct list_node timed; /* those with a deadline */
	struct request *request;
	struct socket *on;      /* a reference */
	enum wait_kind kind;
	unsigned long deadline; /* 0: none */
	wait_again *again;
	size_t size;            /* of the operation */
	u8 operation[] __attribute__((aligned(8)));
};

static struct list_node timed_waits = LIST_INIT(timed_waits);

/* The request is nobody's now: its operation is over with that result. */
static void wait_free(struct wait *wait)
{
	list_remove(&wait->link);
	if (list_linked(&wait->timed))
		list_remove(&wait->timed);
	socket_drop(wait->on);
	memory_free(wait, sizeof(*wait) + wait->size);
}

/* The operation is tried for the last time: it lets go of what it holds, and returns what it did so far, or `result`. */
static long wait_give_up(struct wait *wait, long result)
{
	struct request *request = wait->request;

	request->scratch[0] = (u64)result;
	result = wait->again(request, wait->operation);
	wait_free(wait);
	return result;
}

static long cancel(struct request *request, unsigned reason)
{
	struct wait *wait = request->context;
	bool timed = wait->deadline != 0;
	long result;

	(void)reason;
	result = wait_give_up(wait, -EINTR);
	if (result == -EINTR && timed)
		request->answer[1] = SOCKET_NO_RESTART;
	sockets_settle();
	return result;
}

long wait_start(struct request *request, struct socket *on, enum wait_kind kind, u64 timeout, wait_again *again, const void *operation, size_t size)
{
	struct wait *wait = memory_take(sizeof(*wait) + size);
	long kept = wait ? request_wait(request, cancel) : -ENOMEM;

	if (kept != REQUEST_KEPT) {
		memory_free(wait, sizeof(*wait) + size);
		return kept;
	}
	memcpy(wait->operation, operation, size);
	wait->size = size;
	wait->request = request;
	wait->again = again;
	wait->on = on;
	wait->kind = kind;
	socket_hold(on);
	request->context = wait;
	request->scratch[0] = 0;
	list_push_back(&on->waits[kind], &wait->link);
	if (timeout) {
		wait->deadline = kernel_monotonic() + timeout;
		list_push_back(&timed_waits, &wait->timed);
	}
	return REQUEST_KEPT;
}

/* The first of the list that can go on. */
static bool try_list(struct list_node *waits)
{
	list_for_each_entry_safe(wait, waits, struct wait, link) {
		struct request *request = wait->request;
		long result = wait->again(request, wait->operation);

		if (result == WOULD_WAIT)
			continue;
		wait_free(wait);
		request_answer(request, result);
		return true;
	}
	return false;
}

void wait_try_all(struct socket *socket)
{
	for (unsigned kind = 0; kind < WAIT_KINDS; kind++)
		while (try_list(&socket->waits[kind]))
			;
}

void wait_move(struct request *request, struct socket *on, enum wait_kind kind)
{
	struct wait *wait = request->context;

	/* it keeps its place: who tries the list would come by it again and again */
	if (on == wait->on && kind == wait->kind)
		return;
	socket_hold(on);
	socket_drop(wait->on);
	wait->on = on;
	wait->kind = kind;
	list_remove(&wait->link);
	list_push_back(&on->waits[kind], &wait->link);
}

unsigned long wait_deadline(void)
{
	unsigned long first = 0;

	list_for_each_entry(wait, &timed_waits, struct wait, timed)
		if (!first || wait->deadline < first)
			first = wait->deadline;
	return first;
}

static struct wait *wait_due(unsigned long now)
{
	list_for_each_entry(wait, &timed_waits, struct wait, timed)
		if (wait->deadline <= now)
			return wait;
	return NULL;
}

void wait_expired(void)
{
	unsigned long now = kernel_monotonic();
	struct wait *wait;

	while ((wait = wait_due(now))) {
		struct request *request = wait->request;

		request_answer(request, wait_give_up(wait, -EAGAIN));
	}
	sockets_settle();
}
