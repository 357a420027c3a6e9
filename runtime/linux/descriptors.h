/*
 * The descriptor table of a process and its umask, with what fork, exec and threads do to them.
 *
 * A descriptor's number is its slot in the files CNode, so closing is cap_delete and dup is cap_copy; the table (descriptor_table.h)
 * only keeps numbers and facts. files_state.lock guards the table and makes it change together with the slot. Nothing that
 * may wait for a file server is done under it; a call to root (a larger CNode) is, because root always answers.
 */
#ifndef RUNTIME_LINUX_DESCRIPTORS_H
#define RUNTIME_LINUX_DESCRIPTORS_H

#include "abi/process.h"
#include "lib/types.h"
#include "runtime/linux/descriptor_table.h"
#include "runtime/lock.h"

struct thread_record;

struct files_state {
	u32 references;      /* atomic */
	struct rt_lock lock;
	u32 slots;           /* of the files CNode */
	u32 watch_changes;   /* atomic: grows with each close of an epoll descriptor, or one in an epoll's list */
	bool posix_locks;    /* this process has ever taken one: closing must tell the server */
	struct descriptor_table table;
};

struct fs_state {
	u32 references;      /* atomic */
	u32 umask;           /* atomic */
	struct rt_lock lock; /* guards SLOT_CWD */
	u32 cwd_takes_paths; /* atomic, note: as DESCRIPTOR_TAKES_PATHS, of SLOT_CWD */
};

/* ---- life of the states; a create or copy returns NULL without memory ---- */

struct files_state *files_create(void);
struct files_state *files_fork(struct files_state *files); /* for a process whose CNode is a copy too; caller holds files_fork_lock */
struct files_state *files_share(struct files_state *files);
void files_release(struct files_state *files);
void files_use(struct thread_record *t, struct files_state *files); /* the thread's own from now on; root is shown where its words are */
void files_fork_lock(struct files_state *files);
void files_fork_unlock(struct files_state *files);
void files_fork_child(struct files_state *files);          /* in the forked child, which has the memory and the CNode as copies */

/* What stays open over exec, up to `max`; list NULL: nothing. Returns how many there are. LOCKS is set in every flags word if the process has POSIX locks. */
size_t files_exec_list(struct files_state *files, struct start_descriptor *list, size_t max);
/* In the new image, into an empty table; doubtful: those that have a file still. -EINVAL for a list that cannot be, -ENOMEM. */
long files_exec_adopt(struct files_state *files, const struct start_descriptor *list, size_t count, bool doubtful);

struct fs_state *fs_create(unsigned umask, bool cwd_takes_paths);
struct fs_state *fs_fork(struct fs_state *fs);
struct fs_state *fs_share(struct fs_state *fs);
void fs_release(struct fs_state *fs);
void fs_fork_lock(struct fs_state *fs);
void fs_fork_unlock(struct fs_state *fs);
void fs_fork_child(struct fs_state *fs);
unsigned fs_umask(struct fs_state *fs);

/* ---- numbers of the calling thread's table ---- */

/* A free number >= from, below RLIMIT_NOFILE, whose slot exists and is empty; -EMFILE, -ENOMEM. Not open until installed. */
long descriptor_reserve(struct thread_record *t);
/* For a file that the program never sees: when it has all that RLIMIT_NOFILE allows, a number above that. */
long descriptor_reserve_own(struct thread_record *t, unsigned long from);
void descriptor_install(struct thread_record *t, long number, u32 word); /* word: descriptor_word() */
void descriptor_abandon(struct thread_record *t, long number);           /* the slot may hold a capability: it goes */

/*
 * Where a capability lies until a call takes or brings it: a system slot of the thread's own for the first threads, a descriptor number for
 * others, high up so that they do not take the numbers that programs expect. The cptr, or -errno. It may be full still, if a thread was killed.
 */
long descriptor_scratch_take(struct thread_record *t);
void descriptor_scratch_give(struct thread_record *t, long cptr); /* what is in it goes */

/* The word, or 0: not open. */
u32 descriptor_lookup(struct thread_record *t, unsigned number);
long descriptor_check(struct thread_record *t, unsigned number);         /* 0 or -EBADF */
/* The word of one that may be used for i/o; 0 for O_PATH too. */
u32 descriptor_lookup_file(struct thread_record *t, unsigned number);

/* Removes it and lets its Handle go. -EBADF. */
long descriptor_close(struct thread_record *t, unsigned number);
/* A copy at the lowest free number >= from. */
long descriptor_duplicate(struct thread_record *t, unsigned number, unsigned long from, u32 flags);
/* For the runtime's own use, as descriptor_reserve_own(); closed by exec. */
long descriptor_duplicate_own(struct thread_record *t, unsigned number);
/* A copy at exactly `to`, closing what was there. */
long descriptor_duplicate_to(struct thread_record *t, unsigned number, unsigned to, u32 flags);
/* Sets and clears bits of the word. -EBADF */
long descriptor_mark(struct thread_record *t, unsigned number, u32 set, u32 clear);

#endif
