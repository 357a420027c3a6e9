/* Locks as requests. A request that must wait is kept with its waiter as context; every change of a file's locks tries its waiters in order. */
#include "lib/errno.h"
#include "lib/format.h"
#include "serve/internal.h"
#include "serve/lock.h"

#define COMMAND_GET  0
#define COMMAND_SET  1
#define COMMAND_WAIT 2

struct lock_table serve_locks;
static bool table_ready;

struct lock_request {
	struct lock_waiter waiter;
	struct request *request;
	long result;
};

static struct lock_table *locks(void)
{
	if (!table_ready)
		lock_table_init(&serve_locks);
	table_ready = true;
	return &serve_locks;
}

static void lock_request_free(struct lock_request *waiting)
{
	lock_wait_end(&serve_locks, &waiting->waiter);
	memory_free(waiting, sizeof(*waiting));
}

/*
 * Whatever has become free goes to those who wait, first come first served. They are answered when the file is no longer looked at: an answer can
 * release an open file, and with it locks.
 */
static void grant(struct lock_file *file)
{
	struct list_node granted;

	list_init(&granted);
	list_for_each_safe(node, &file->waiters) {
		struct lock_request *waiting = list_entry(node, struct lock_request, waiter.link);

		if (lock_conflict(file, &waiting->waiter.lock))
			continue;
		waiting->result = lock_set(file, &waiting->waiter.lock);
		lock_wait_end(&serve_locks, &waiting->waiter);
		list_push_back(&granted, &waiting->waiter.link);
	}
	lock_file_tidy(file);
	list_for_each_safe(node, &granted) {
		struct lock_request *waiting = list_entry(node, struct lock_request, waiter.link);
		struct request *request = waiting->request;
		long result = waiting->result;

		list_remove(node);
		memory_free(waiting, sizeof(*waiting));
		request_answer(request, result);
	}
}

static long lock_cancel(struct request *request, unsigned reason)
{
	struct lock_request *waiting = request->context;
	struct lock_file *file = waiting->waiter.file;

	(void)reason;
	lock_request_free(waiting);
	lock_file_tidy(file);
	return -EINTR;
}

static long lock_wait(struct request *request, struct lock_file *file, const struct lock *lock)
{
	struct lock_request *waiting = memory_take(sizeof(*waiting));
	long result;

	if (!waiting)
		return -ENOLCK;
	result = request_wait(request, lock_cancel);
	if (result != REQUEST_KEPT) {
		memory_free(waiting, sizeof(*waiting));
		return -ENOLCK;
	}
	waiting->request = request;
	waiting->waiter.lock = *lock;
	request->context = waiting;
	lock_wait_begin(locks(), file, &waiting->waiter);
	return REQUEST_KEPT;
}

/* Process death is told by root, but a conflict with a process that is gone must not wait for that. */
static bool drop_dead(struct lock_file *file, const struct lock *conflict)
{
	if (conflict->kind != LOCK_POSIX || process_alive((unsigned)conflict->owner))
		return false;
	return lock_drop_owner(file, LOCK_POSIX, conflict->owner);
}

static const struct lock *live_conflict(struct lock_file *file, const struct lock *wanted)
{
	const struct lock *conflict = lock_conflict(file, wanted);

	while (conflict && drop_dead(file, conflict))
		conflict = lock_conflict(file, wanted);
	return conflict;
}

static long get(struct request *request, struct lock_file *file, const struct lock *wanted)
{
	const struct lock *conflict = file ? live_conflict(file, wanted) : NULL;

	request->answer[1] = LINUX_F_UNLCK;
	if (!conflict)
		return 0;
	request->answer[1] = conflict->write ? LINUX_F_WRLCK : LINUX_F_RDLCK;
	request->answer[2] = conflict->first;
	request->answer[3] = conflict->last == LOCK_END ? 0 : conflict->last - conflict->first + 1;
	request->answer[4] = (unsigned long)(long)(int)conflict->pid;
	return 0;
}

static long set(struct request *request, struct lock_file *file, const struct lock *lock, bool wait)
{
	bool changed = false;
	long result;

	/* flock gives up the old lock before it asks for the new one. */
	if (lock->kind == LOCK_FLOCK)
		changed = lock_drop_owner(file, lock->kind, lock->owner);
	if (!live_conflict(file, lock))
		result = lock_set(file, lock) ? -ENOLCK : 0;
	else if (!wait)
		result = -EAGAIN;
	else if (lock_deadlock(locks(), file, lock))
		result = -EDEADLK;
	else
		result = lock_wait(request, file, lock);
	/* A write lock that became a read lock lets readers in. */
	if (changed || !result)
		grant(file);
	else
		lock_file_tidy(file);
	return result;
}

static long clear(struct lock_file *file, const struct lock *lock)
{
	long result = lock_clear(file, lock);

	grant(file);
	return result ? -ENOLCK : 0;
}

static long decode(const struct request *request, struct lock *lock)
{
	u64 start = request->m[3], length = request->m[4];

	lock->kind = (enum lock_kind)request->m[0];
	if (lock->kind < LOCK_POSIX || lock->kind > LOCK_FLOCK || request->m[1] > COMMAND_WAIT || request->m[2] > LINUX_F_UNLCK)
		return -EINVAL;
	lock->pid = principal_pid(request->principal);
	lock->owner = lock->kind == LOCK_POSIX ? lock->pid : request->file->badge;
	lock->file = request->file->badge;
	if (lock->kind == LOCK_OFD)
		lock->pid = (unsigned)-1;
	lock->write = request->m[2] == LINUX_F_WRLCK;
	lock->first = lock->kind == LOCK_FLOCK ? 0 : start;
	if (lock->first > INT64_MAX || length > INT64_MAX)
		return -EINVAL;
	lock->last = length && lock->kind != LOCK_FLOCK ? lock->first + length - 1 : LOCK_END;
	return lock->last != LOCK_END && lock->last > INT64_MAX ? -EOVERFLOW : 0;
}

long op_lock(struct request *request)
{
	struct open_file *file = request->file;
	struct lock_file *locked;
	struct lock lock;
	long error = file->flags & LINUX_O_PATH ? -EBADF : decode(request, &lock);
	bool unlock = request->m[2] == LINUX_F_UNLCK, getting = request->m[1] == COMMAND_GET;

	if (error)
		return error;
	if (lock.kind != LOCK_FLOCK && !unlock && !getting && (lock.write ? !file_writable(file) : !file_readable(file)))
		return -EBADF;
	locked = lock_file_find(locks(), file->node.id, !unlock && !getting);
	if (getting)
		return get(request, locked, &lock);
	if (unlock)
		return locked ? clear(locked, &lock) : 0;
	return locked ? set(request, locked, &lock, request->m[1] == COMMAND_WAIT) : -ENOLCK;
}

static void drop(const struct open_file *file, enum lock_kind kind, u64 owner)
{
	struct lock_file *locked = table_ready ? lock_file_find(&serve_locks, file->node.id, false) : NULL;

	if (locked && lock_drop_owner(locked, kind, owner))
		grant(locked);
}

long op_flush(struct request *request)
{
	unsigned pid = principal_pid(request->principal);

	if (pid)
		drop(request->file, LOCK_POSIX, pid);
	if (serve_operations->flush)
		serve_operations->flush(request->file, pid);
	return 0;
}

void locks_closed(struct open_file *file)
{
	drop(file, LOCK_OFD, file->badge);
	drop(file, LOCK_FLOCK, file->badge);
}

/* True: the file had locks of processes that are gone. */
static bool drop_all_dead(struct lock_file *file)
{
	bool any = false;

	for (;;) {
		const struct lock_range *dead = NULL;

		list_for_each_entry(range, &file->ranges, struct lock_range, link)
			if (range->lock.kind == LOCK_POSIX && !process_alive((unsigned)range->lock.owner))
				dead = range;
		if (!dead)
			return any;
		any = lock_drop_owner(file, LOCK_POSIX, dead->lock.owner);
	}
}

/* Granting can free the file it is about, and answer requests that free others: after it the bucket is looked through anew. */
static void sweep_bucket(struct list_node *bucket)
{
	bool again;

	do {
		again = false;
		list_for_each_entry(file, bucket, struct lock_file, link) {
			if (!drop_all_dead(file))
				continue;
			grant(file);
			again = true;
			break;
		}
	} while (again);
}

void locks_sweep(void)
{
	for (unsigned i = 0; table_ready && i < LOCK_BUCKETS; i++)
		sweep_bucket(&serve_locks.buckets[i]);
}

/* ---- for /proc/PID/fdinfo ---- */

static bool is_shown(const struct lock *lock, const struct open_file *file, unsigned pid)
{
	return lock->file == file->badge && (lock->kind != LOCK_POSIX || lock->owner == pid);
}

static size_t lock_text(const struct lock *lock, unsigned number, const struct file_info *info, char *text, size_t size)
{
	static const char *const kinds[] = { [LOCK_POSIX] = "POSIX ", [LOCK_OFD] = "OFDLCK", [LOCK_FLOCK] = "FLOCK " };
	size_t length = snformat(text, size, "lock:\t%u: %s ADVISORY  %s %d %02x:%02x:%lu %lu ", number, kinds[lock->kind],
				 lock->write ? "WRITE" : "READ", (int)lock->pid, info->dev_major, info->dev_minor, info->ino, lock->first);

	if (length >= size)
		return size;
	if (lock->last == LOCK_END)
		return length + snformat(text + length, size - length, "EOF\n");
	return length + snformat(text + length, size - length, "%lu\n", lock->last);
}

size_t locks_text(const struct open_file *file, unsigned pid, const struct file_info *info, char *text, size_t size)
{
	struct lock_file *locked = table_ready ? lock_file_find(&serve_locks, file->node.id, false) : NULL;
	size_t length = 0;
	unsigned number = 0;

	/* flocks first, as Linux keeps them */
	for (unsigned flocks = 2; locked && flocks--;)
		list_for_each_entry(range, &locked->ranges, struct lock_range, link) {
			size_t more;

			if ((range->lock.kind == LOCK_FLOCK) != flocks || !is_shown(&range->lock, file, pid))
				continue;
			more = lock_text(&range->lock, ++number, info, text + length, size - length);
			if (more >= size - length)
				return length; /* whole lines only */
			length += more;
		}
	return length;
}
