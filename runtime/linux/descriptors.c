#include "runtime/linux/descriptors.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/epoll.h"
#include "runtime/linux/file_call.h"
#include "runtime/thread.h"

#include <linux/stat.h>

struct descriptor_chunk *descriptor_chunk_create(void)
{
	return rt_zalloc(sizeof(struct descriptor_chunk));
}

void descriptor_chunk_destroy(struct descriptor_chunk *chunk)
{
	rt_free(chunk);
}

/* ---- life ---- */

struct files_state *files_create(void)
{
	struct files_state *files = rt_zalloc(sizeof(*files));

	if (files) {
		files->references = 1;
		files->slots = process_info()->files_slots;
		rt_lock_init(&files->lock);
	}
	return files;
}

struct files_state *files_fork(struct files_state *files)
{
	struct files_state *copy = rt_zalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	copy->references = 1;
	copy->slots = files->slots;
	rt_lock_init(&copy->lock);
	if (dtable_copy(&copy->table, &files->table) < 0) {
		rt_free(copy);
		return NULL;
	}
	return copy;
}

struct files_state *files_share(struct files_state *files)
{
	atomic_fetch_add(&files->references, 1u);
	return files;
}

/* The capabilities stay: they are the CNode's, which goes with its last thread. */
void files_release(struct files_state *files)
{
	if (atomic_fetch_sub(&files->references, 1u) != 1)
		return;
	dtable_clear(&files->table);
	rt_free(files);
}

void files_use(struct thread_record *t, struct files_state *files)
{
	t->files = files;
	atomic_store_release(&thread_context(t)->files_table, (unsigned long)files->table.chunk);
}

void files_fork_lock(struct files_state *files)
{
	rt_lock(&files->lock);
}

void files_fork_unlock(struct files_state *files)
{
	rt_unlock(&files->lock);
}

/* Reserved numbers belong to calls of threads that the child has not; one may have received its capability already. */
static void drop_reserved(struct files_state *files)
{
	unsigned long n = dtable_next_reserved(&files->table, 0);

	for (; n < DESCRIPTORS_MAX; n = dtable_next_reserved(&files->table, n + 1)) {
		cap_delete(n);
		dtable_free(&files->table, n);
	}
}

void files_fork_child(struct files_state *files)
{
	rt_lock_reset(&files->lock);
	/* what is right already is not written: the page need not be copied then */
	if (files->references != 1)
		files->references = 1;
	if (files->posix_locks)
		files->posix_locks = false;
	drop_reserved(files);
}

size_t files_exec_list(struct files_state *files, struct start_descriptor *list, size_t max)
{
	size_t count = 0;

	rt_lock(&files->lock);
	for (unsigned long n = dtable_next_open(&files->table, 0); n < DESCRIPTORS_MAX; n = dtable_next_open(&files->table, n + 1)) {
		u32 word = dtable_get(&files->table, n);

		/* 0: closed since, by another thread */
		if (!word || word & DESCRIPTOR_CLOEXEC)
			continue;
		if (list && count < max)
			list[count] = (struct start_descriptor){ (u32)n, word | (files->posix_locks ? DESCRIPTOR_LOCKS : 0) };
		count++;
	}
	rt_unlock(&files->lock);
	return count;
}

static bool has_file(unsigned number)
{
	unsigned long a[8] = { CPTR_FILES, number };

	return kcall_object(KCALL_cap_identify, a) == K_OK && a[0] != OBJECT_NULL;
}

long files_exec_adopt(struct files_state *files, const struct start_descriptor *list, size_t count, bool doubtful)
{
	for (size_t i = 0; i < count; i++) {
		long n;

		if (doubtful && !has_file(list[i].number))
			continue;
		n = list[i].flags & DESCRIPTOR_OPEN ? dtable_reserve_at(&files->table, list[i].number) : -EINVAL;
		if (n < 0)
			return n == -ENOMEM ? n : -EINVAL;
		files->posix_locks |= (list[i].flags & DESCRIPTOR_LOCKS) != 0;
		dtable_publish(&files->table, (unsigned long)n, list[i].flags & ~(DESCRIPTOR_LOCKS | DESCRIPTOR_CLOEXEC));
	}
	return 0;
}

struct fs_state *fs_create(unsigned umask, bool cwd_takes_paths)
{
	struct fs_state *fs = rt_zalloc(sizeof(*fs));

	if (fs) {
		fs->references = 1;
		fs->umask = umask & 0777;
		fs->cwd_takes_paths = cwd_takes_paths;
		rt_lock_init(&fs->lock);
	}
	return fs;
}

struct fs_state *fs_fork(struct fs_state *fs)
{
	return fs_create(fs_umask(fs), atomic_load_relaxed(&fs->cwd_takes_paths));
}

struct fs_state *fs_share(struct fs_state *fs)
{
	atomic_fetch_add(&fs->references, 1u);
	return fs;
}

void fs_release(struct fs_state *fs)
{
	if (atomic_fetch_sub(&fs->references, 1u) == 1)
		rt_free(fs);
}

void fs_fork_lock(struct fs_state *fs)
{
	rt_lock(&fs->lock);
}

void fs_fork_unlock(struct fs_state *fs)
{
	rt_unlock(&fs->lock);
}

void fs_fork_child(struct fs_state *fs)
{
	rt_lock_reset(&fs->lock);
	if (fs->references != 1)
		fs->references = 1;
}

unsigned fs_umask(struct fs_state *fs)
{
	return atomic_load_relaxed(&fs->umask);
}

/* ---- numbers ---- */

/* Makes the CNode have slot `number`. Caller holds the lock. */
static long grow_slots(struct files_state *files, unsigned long number)
{
	long slots;

	if (number < files->slots)
		return 0;
	slots = rt_root(PROC_GROW_FILES, MAX(number + 1, MIN(2ul * files->slots, (unsigned long)process_info()->nofile)), 0, 0, 0, 0);
	if (slots < 0)
		return slots == -ENOMEM ? slots : -EMFILE;
	files->slots = (u32)slots;
	return number < files->slots ? 0 : -EMFILE;
}

/* A number was just reserved, or an error came: gives it a slot. Caller holds the lock. */
static long with_slot(struct files_state *files, long number)
{
	long error = number < 0 ? number : grow_slots(files, (unsigned long)number);

	if (error < 0 && number >= 0)
		dtable_free(&files->table, (unsigned long)number);
	return error < 0 ? error : number;
}

static long reserve(struct files_state *files, unsigned long from, unsigned long limit)
{
	long number;

	rt_lock(&files->lock);
	number = with_slot(files, dtable_reserve(&files->table, from, limit));
	rt_unlock(&files->lock);
	return number;
}

long descriptor_reserve(struct thread_record *t)
{
	return reserve(t->files, 0, process_info()->nofile);
}

long descriptor_reserve_own(struct thread_record *t, unsigned long from)
{
	unsigned long limit = process_info()->nofile;
	long number = reserve(t->files, from, limit);

	return number == -EMFILE ? reserve(t->files, limit, DESCRIPTORS_MAX) : number;
}

void descriptor_install(struct thread_record *t, long number, u32 word)
{
	/* a reserved number is its reserver's: nobody else changes it, and who looks sees it before or after */
	dtable_publish(&t->files->table, (unsigned long)number, word | DESCRIPTOR_OPEN);
}

void descriptor_abandon(struct thread_record *t, long number)
{
	rt_lock(&t->files->lock);
	cap_delete((unsigned long)number);
	dtable_free(&t->files->table, (unsigned long)number);
	rt_unlock(&t->files->lock);
}

long descriptor_scratch_take(struct thread_record *t)
{
	if (t->index < SLOT_SCRATCH_COUNT)
		return (long)(CPTR_SYSTEM | (SLOT_SCRATCH + t->index));
	return descriptor_reserve_own(t, t->files->slots / 4 * 3);
}

void descriptor_scratch_give(struct thread_record *t, long cptr)
{
	if (cptr & CPTR_SYSTEM)
		cap_delete((unsigned long)cptr);
	else
		descriptor_abandon(t, cptr);
}

u32 descriptor_lookup(struct thread_record *t, unsigned number)
{
	return dtable_get(&t->files->table, number);
}

u32 descriptor_lookup_file(struct thread_record *t, unsigned number)
{
	u32 word = descriptor_lookup(t, number);

	return word & DESCRIPTOR_PATH ? 0 : word;
}

long descriptor_check(struct thread_record *t, unsigned number)
{
	return descriptor_lookup(t, number) ? 0 : -EBADF;
}

/*
 * What must be said before a descriptor goes: the process's POSIX locks on that file end with the close of any descriptor of it, and epoll
 * lists of this process forget it. These are calls to servers, so they come before the lock is taken.
 */
static void close_notices(struct thread_record *t, unsigned number)
{
	u32 word = descriptor_lookup(t, number);

	if (t->files->posix_locks && (descriptor_type(word) == S_IFREG || !descriptor_type(word)) && !(word & DESCRIPTOR_PATH))
		file_simple(number, FILE_FLUSH, 0, 0, 0, 0);
	if (word & DESCRIPTOR_WATCHED)
		epoll_forget(t, number);
}

/* Caller holds the lock. */
static u32 withdraw(struct files_state *files, unsigned number)
{
	u32 word = dtable_withdraw(&files->table, number);

	if (word & (DESCRIPTOR_WATCHED | DESCRIPTOR_EPOLL))
		atomic_fetch_add(&files->watch_changes, 1u);
	return word;
}

long descriptor_close(struct thread_record *t, unsigned number)
{
	struct files_state *files = t->files;
	u32 word;

	close_notices(t, number);
	rt_lock(&files->lock);
	word = withdraw(files, number);
	if (word) {
		cap_delete(number);
		dtable_free(&files->table, number);
	}
	rt_unlock(&files->lock);
	return word ? 0 : -EBADF;
}

/* `to` is reserved; it becomes a copy of `number` or free again. Caller holds the lock. */
static long copy_into(struct files_state *files, unsigned number, unsigned long to, u32 flags)
{
	u32 word = dtable_get(&files->table, number);
	long error = word ? cap_copy(to, number) : -EBADF;

	/* -EIO: the server died and took the Handle with it. The copy is as dead: every use says EIO. */
	if (error < 0 && error != -EIO) {
		dtable_free(&files->table, to);
		return error;
	}
	dtable_publish(&files->table, to, (word & ~(DESCRIPTOR_CLOEXEC | DESCRIPTOR_WATCHED)) | flags);
	return (long)to;
}

static long duplicate(struct files_state *files, unsigned number, unsigned long from, unsigned long limit, u32 flags)
{
	long to;

	rt_lock(&files->lock);
	to = dtable_get(&files->table, number) ? 0 : -EBADF;
	if (to == 0)
		to = with_slot(files, dtable_reserve(&files->table, from, limit));
	if (to >= 0)
		to = copy_into(files, number, (unsigned long)to, flags);
	rt_unlock(&files->lock);
	return to;
}

long descriptor_duplicate(struct thread_record *t, unsigned number, unsigned long from, u32 flags)
{
	return duplicate(t->files, number, from, process_info()->nofile, flags);
}

long descriptor_duplicate_own(struct thread_record *t, unsigned number)
{
	unsigned long limit = process_info()->nofile;
	long to = duplicate(t->files, number, 0, limit, DESCRIPTOR_CLOEXEC);

	return to == -EMFILE ? duplicate(t->files, number, limit, DESCRIPTORS_MAX, DESCRIPTOR_CLOEXEC) : to;
}

/* Makes `to` reserved, closing what it was. Caller holds the lock. */
static long take_number(struct files_state *files, unsigned to)
{
	if (withdraw(files, to)) {
		cap_delete(to);
		return to;
	}
	return with_slot(files, dtable_reserve_at(&files->table, to));
}

long descriptor_duplicate_to(struct thread_record *t, unsigned number, unsigned to, u32 flags)
{
	struct files_state *files = t->files;
	long result;

	if (to >= process_info()->nofile)
		return -EBADF;
	if (!descriptor_lookup(t, number))
		return -EBADF;
	close_notices(t, to);
	rt_lock(&files->lock);
	result = dtable_get(&files->table, number) ? take_number(files, to) : -EBADF;
	if (result >= 0)
		result = copy_into(files, number, to, flags);
	rt_unlock(&files->lock);
	return result;
}

long descriptor_mark(struct thread_record *t, unsigned number, u32 set, u32 clear)
{
	bool open;

	rt_lock(&t->files->lock);
	open = dtable_change(&t->files->table, number, set, clear);
	rt_unlock(&t->files->lock);
	return open ? 0 : -EBADF;
}
