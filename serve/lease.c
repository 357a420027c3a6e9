#include "serve/lease.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "serve/internal.h"

#define NS_PER_SECOND 1000000000ul
#define BUCKETS       256

enum pending { PENDING_NOTHING, PENDING_DOWNGRADE, PENDING_UNLOCK };

struct lease {
	struct list_node link; /* in its node's bucket */
	struct list_node due;  /* while it ends by itself: in `ending` */
	struct open_file *file;
	unsigned type;         /* LEASE_READ, LEASE_WRITE */
	enum pending pending;  /* what its holder has been asked for */
	u64 ends;              /* then that comes by itself; 0: never */
	int descriptor;
};

unsigned lease_count;
u64 lease_waiting;
static struct list_node buckets[BUCKETS], waiters = { &waiters, &waiters };
static struct list_node ending = { &ending, &ending }; /* the next first */

/* Whoever has many leases makes no other file's opening longer. */
static struct list_node *bucket_of(u64 id)
{
	struct list_node *bucket = &buckets[hash_u64(id) % BUCKETS];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

static void never_ends(struct lease *lease)
{
	lease->ends = 0;
	if (list_linked(&lease->due))
		list_remove(&lease->due);
}

/* The last to be demanded is as a rule the last to end. */
static void ends_at(struct lease *lease, u64 time)
{
	struct list_node *before;

	never_ends(lease);
	if (!time)
		return;
	lease->ends = time;
	for (before = ending.prev; before != &ending && list_entry(before, struct lease, due)->ends > time; before = before->prev)
		;
	list_push_front(before, &lease->due);
}

/* ---- who waits ---- */

/* A kept request: what it is to do. An open has its file in request->opening. */
enum { WAIT_FLAGS = 0, WAIT_NODE = 0, WAIT_ENTRY = 1, WAIT_SIZE = 2, WAIT_WRITES = 3 };

static struct node node_of_waiter(const struct request *request)
{
	if (request->opening)
		return request->opening->node;
	return (struct node){ .id = request->scratch[WAIT_NODE], .entry = request->scratch[WAIT_ENTRY] };
}

static bool in_the_way(const struct lease *lease, struct node node, bool writes)
{
	return lease->file->node.id == node.id && (writes || lease->type == LEASE_WRITE);
}

static bool must_wait(struct node node, bool writes)
{
	list_for_each_entry(lease, bucket_of(node.id), struct lease, link)
		if (in_the_way(lease, node, writes))
			return true;
	return false;
}

static void leave(struct request *request)
{
	list_remove(&request->link);
	lease_waiting--;
}

static void truncate_now(struct request *request)
{
	struct file_attr attr = { .size = request->scratch[WAIT_SIZE] };
	struct node node = node_of_waiter(request);
	long result = node_setattr(request, node, SETATTR_SIZE, (const unsigned char *)&attr, sizeof(attr));

	if (serve_operations->unhold)
		serve_operations->unhold(node);
	request_answer(request, result);
}

static void go_on(struct request *request)
{
	struct request *current = serve_request;

	leave(request);
	serve_request = request;
	if (request->opening)
		request_answer(request, open_node_go_on(request, request->opening, (unsigned)request->scratch[WAIT_FLAGS]));
	else
		truncate_now(request);
	serve_request = current;
}

/* Leases have changed. */
static void settle(void)
{
	list_for_each_entry_safe(request, &waiters, struct request, link)
		if (!must_wait(node_of_waiter(request), request->scratch[WAIT_WRITES]))
			go_on(request);
}

static long cancel(struct request *request, unsigned reason)
{
	(void)reason;
	leave(request);
	if (!request->opening && serve_operations->unhold)
		serve_operations->unhold(node_of_waiter(request));
	return -EINTR;
}

static long wait(struct request *request, bool writes)
{
	long kept = request_wait(request, cancel);

	if (kept != REQUEST_KEPT)
		return kept;
	request->scratch[WAIT_WRITES] = writes;
	list_push_back(&waiters, &request->link);
	lease_waiting++;
	return REQUEST_KEPT;
}

/* ---- ends ---- */

static void end(struct lease *lease)
{
	never_ends(lease);
	list_remove(&lease->link);
	lease->file->lease = NULL;
	memory_free(lease, sizeof(*lease));
	lease_count--;
}

/* As Linux has it, who gives up a lease gives up being told by the file, too. */
static void give_up(struct lease *lease)
{
	async_disown(lease->file);
	end(lease);
}

void lease_drop(struct open_file *file)
{
	if (!file->lease)
		return;
	end(file->lease);
	settle();
}

u64 lease_deadline(void)
{
	return list_empty(&ending) ? 0 : list_first_entry(&ending, struct lease, due)->ends;
}

void lease_expired(void)
{
	u64 now = kernel_monotonic();
	struct lease *lease;

	while ((lease = list_first_entry(&ending, struct lease, due)) && lease->ends <= now) {
		if (lease->pending == PENDING_UNLOCK) {
			give_up(lease);
			continue;
		}
		lease->type = LEASE_READ;
		lease->pending = PENDING_NOTHING;
		never_ends(lease);
	}
	settle();
}

/* ---- breaking ---- */

/* The holder is told once of each demand. */
static void demand(struct lease *lease, enum pending what)
{
	u64 seconds = setting(SETTING_LEASE_BREAK_TIME);

	if (lease->pending >= what)
		return;
	lease->pending = what;
	ends_at(lease, seconds ? kernel_monotonic() + seconds * NS_PER_SECOND : 0);
	if (lease->file->async)
		async_signal(lease->file->async, lease->descriptor, ASYNC_MESSAGE);
}

static bool break_leases(struct node node, bool writes)
{
	bool any = false;

	list_for_each_entry(lease, bucket_of(node.id), struct lease, link) {
		if (!in_the_way(lease, node, writes))
			continue;
		any = true;
		demand(lease, writes ? PENDING_UNLOCK : PENDING_DOWNGRADE);
	}
	return any;
}

long lease_open(struct request *request, struct open_file *file, unsigned flags)
{
	bool writes = flags & LINUX_O_ACCMODE;
	long kept;

	if (!break_leases(file->node, writes))
		return 0;
	if (flags & LINUX_O_NONBLOCK)
		return -EAGAIN;
	kept = wait(request, writes);
	if (kept != REQUEST_KEPT)
		return kept;
	request->opening = file;
	request->scratch[WAIT_FLAGS] = flags;
	return kept;
}

long lease_truncate(struct request *request, struct node node, u64 size)
{
	long kept;

	if (!break_leases(node, true))
		return 0;
	kept = wait(request, true);
	if (kept != REQUEST_KEPT)
		return kept;
	request->scratch[WAIT_NODE] = node.id;
	request->scratch[WAIT_ENTRY] = node.entry;
	request->scratch[WAIT_SIZE] = size;
	if (serve_operations->hold)
		serve_operations->hold(node);
	return kept;
}

/* ---- F_SETLEASE, F_GETLEASE ---- */

/* Who has the file open in a way that the lease would be there to prevent: for writing, or at all. */
static bool open_otherwise(const struct open_file *file, unsigned type)
{
	for (const struct open_file *other = same_node_first(file->node.id); other; other = same_node_next(other))
		if (!(other->flags & LINUX_O_PATH) && (type == LEASE_READ ? file_writable(other) : other != file))
			return true;
	return false;
}

static bool others_in_the_way(const struct open_file *file, unsigned type)
{
	list_for_each_entry(lease, bucket_of(file->node.id), struct lease, link)
		if (lease->file != file && lease->file->node.id == file->node.id && (type == LEASE_WRITE || lease->pending == PENDING_UNLOCK))
			return true;
	return false;
}

static long change(struct lease *lease, unsigned type)
{
	lease->type = type;
	if (type == LEASE_READ && lease->pending == PENDING_DOWNGRADE) {
		lease->pending = PENDING_NOTHING;
		never_ends(lease);
	}
	settle();
	return 0;
}

static long add(struct open_file *file, unsigned type)
{
	struct lease *lease;

	if (!setting(SETTING_LEASES))
		return -EINVAL;
	lease = memory_take(sizeof(*lease));
	if (!lease)
		return -ENOMEM;
	lease->file = file;
	lease->type = type;
	file->lease = lease;
	list_push_back(bucket_of(file->node.id), &lease->link);
	lease_count++;
	return 0;
}

static long take(struct open_file *file, unsigned type, int descriptor)
{
	long error;

	if (open_otherwise(file, type) || others_in_the_way(file, type))
		return -EAGAIN;
	error = file->lease ? change(file->lease, type) : add(file, type);
	if (error)
		return error;
	file->lease->descriptor = descriptor;
	return async_own(file);
}

static long release(struct open_file *file)
{
	if (!file->lease)
		return -EAGAIN;
	give_up(file->lease);
	settle();
	return 0;
}

static long may_take(const struct open_file *file)
{
	const struct principal_entry *who = principal_find(serve_request->principal);
	struct file_attr attr = { 0 };
	long error = serve_operations->getattr(file->node, &attr);

	if (error)
		return error;
	if (!who || (who->euid && who->euid != attr.uid))
		return -EACCES;
	return serve_operations->leases && (file->mode & LINUX_S_IFMT) == LINUX_S_IFREG ? 0 : -EINVAL;
}

static long current_type(const struct lease *lease)
{
	if (!lease || lease->pending == PENDING_UNLOCK)
		return LEASE_NONE;
	return lease->pending == PENDING_DOWNGRADE ? LEASE_READ : (long)lease->type;
}

long op_lease(struct request *request)
{
	struct open_file *file = request->file;
	unsigned type = (unsigned)request->m[1];
	long error;

	if (file->flags & LINUX_O_PATH)
		return -EBADF;
	if (request->m[0] != 1)
		return current_type(file->lease);
	if (type > LEASE_NONE)
		return -EINVAL;
	error = may_take(file);
	if (error)
		return error;
	return type == LEASE_NONE ? release(file) : take(file, type, (int)request->m[2]);
}
