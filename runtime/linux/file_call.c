#include "runtime/linux/file_call.h"

#include "abi/socket.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/signal.h"
#include "runtime/registers.h"

#include <linux/fcntl.h>
#include <linux/stat.h>

#define PATH_SIZE 4096 /* PATH_MAX, with the NUL */

long file_result(long error, const struct ipc *c)
{
	unsigned label = INFO_LABEL(c->info);
	long result = (long)c->m[0];

	if (error < 0)
		return error == -ERESTARTSYS ? -ERESTARTNOINTR : error;
	if (label - FILE_REPLY_REGISTERS - 1 < REGISTER_BYTES)
		return (long)label - FILE_REPLY_REGISTERS;
	if (label != 0 || result < -MAX_ERRNO)
		return -EIO;
	if (result == -EINTR)
		return c->m[1] == SOCKET_NO_RESTART ? -EINTR : -ERESTARTSYS;
	return result;
}

__attribute__((noinline)) long file_result_words(long error, unsigned long info, unsigned long m0, unsigned long m1)
{
	struct ipc c = { .info = info, .m = { m0, m1 } };

	return file_result(kernel_errno(error), &c);
}

long file_call(struct ipc *c, bool *partial)
{
	long error = rt_call(c);

	if (partial) {
		*partial = !error && INFO_LABEL(c->info) == FILE_REPLY_PARTIAL;
		if (*partial)
			return (long)c->m[0] < 0 ? -EIO : (long)c->m[0];
	}
	return file_result(error, c);
}

long file_simple(unsigned long cptr, unsigned label, unsigned long m0, unsigned long m1, unsigned long m2, unsigned long m3)
{
	struct ipc c = { .target = cptr, .info = INFO(label, 0), .m = { m0, m1, m2, m3 } };

	return file_call(&c, NULL);
}

long file_call_data(struct ipc *c, size_t expect)
{
	long result = file_call(c, NULL);

	return result >= 0 && INFO_BYTES_OF(c->info) < expect ? -EIO : result;
}

long file_call_window(struct thread_record *t, struct ipc *c, uaddr_t buffer, size_t length, bool write)
{
	struct ipc again = *c;
	unsigned long touched = 0;
	bool partial;
	long result;

	again.info |= INFO_WINDOWS(1);
	for (;;) {
		*c = again;
		rt_window(t, 0, buffer, length);
		result = file_call(c, &partial);
		if (!partial)
			return result;
		/* Each page is asked for at most once; a server that asks again would go on for ever. */
		if (c->m[1] - buffer >= length || touched++ > length / PAGE_SIZE + 1 || user_touch(c->m[1], write) < 0)
			return -EFAULT;
	}
}

long path_base(struct thread_record *t, int dirfd, unsigned long *cptr)
{
	u32 word;

	*cptr = CPTR_CWD;
	if (dirfd == AT_FDCWD)
		return (long)atomic_load_relaxed(&t->fs->cwd_takes_paths);
	word = descriptor_lookup(t, (unsigned)dirfd);
	*cptr = (unsigned)dirfd;
	if (!word)
		return -EBADF;
	return descriptor_type(word) == S_IFDIR ? (word & DESCRIPTOR_TAKES_PATHS) != 0 : -ENOTDIR;
}

/* `length` bytes have been written at the end of the message's data. */
static long path_added(struct path_call *p, unsigned which, long length)
{
	p->ipc.m[which ? 5 : 4] = (unsigned long)length;
	p->bytes += (unsigned long)length;
	return length;
}

long path_add(struct thread_record *t, struct path_call *p, unsigned which, int dirfd, uaddr_t path)
{
	char *to = (char *)thread_message(t)->data + p->bytes;
	size_t room = MIN((size_t)PATH_SIZE, MESSAGE_BYTES - p->bytes);
	long length = strncpy_from_user(to, path, room);
	long error;

	if (length < 0)
		return length;
	if ((size_t)length == room)
		return -ENAMETOOLONG;
	if (length == 0)
		return -ENOENT;
	if (to[0] == '/') {
		p->ipc.m[which ? 6 : 3] = CPTR_FSROOT;
	} else {
		error = path_base(t, dirfd, &p->ipc.m[which ? 6 : 3]);
		if (error < 0)
			return error;
		p->base_takes = error;
	}
	return path_added(p, which, length);
}

long path_add_text(struct thread_record *t, struct path_call *p, unsigned which, uaddr_t text, size_t max)
{
	char *to = (char *)thread_message(t)->data + p->bytes;
	size_t room = MIN(max, MESSAGE_BYTES - p->bytes);
	long length = strncpy_from_user(to, text, room);

	if (length < 0)
		return length;
	return (size_t)length == room ? -ENAMETOOLONG : path_added(p, which, length);
}

long path_add_bytes(struct thread_record *t, struct path_call *p, unsigned which, const void *bytes, size_t length)
{
	if (length > MESSAGE_BYTES - p->bytes)
		return -ENAMETOOLONG;
	memcpy(thread_message(t)->data + p->bytes, bytes, length);
	return path_added(p, which, (long)length);
}

/*
 * chdir replaces SLOT_CWD in two steps; a path that started from it in between finds no capability there: EBADF. After the lock was free once, the
 * call is repeated. If there is none still, the directory's server has died and taken it along.
 */
static long send_from_cwd(struct thread_record *t, struct path_call *p)
{
	unsigned long into = thread_message(t)->recv_slot[0];
	struct ipc first = p->ipc;
	long result = file_call(&p->ipc, NULL);

	if (result != -EBADF)
		return result;
	rt_lock(&t->fs->lock);
	rt_unlock(&t->fs->lock);
	rt_receive_into(t, 0, into);
	p->ipc = first;
	result = file_call(&p->ipc, NULL);
	return result == -EBADF ? -EIO : result;
}

/*
 * By which Handle the server of "/" may take it without root, if nothing more goes with the path: if it is absolute by the tree Handle, else by that of the
 * directory that it starts from. 0: by none.
 */
static unsigned long tree_handle(struct thread_record *t, struct path_call *p)
{
	unsigned char *path = thread_message(t)->data;
	u32 excluded = process_info()->tree_excluded;

	if (!(TREE_OPERATIONS >> INFO_LABEL(p->ipc.info) & 1) || p->ipc.m[7] & ~(unsigned long)TREE_WALK)
		return 0;
	if (p->base_takes) {
		/* the kernel copies a word faster than less; what an earlier message left behind the path is nobody's business */
		if (p->bytes < sizeof(unsigned long)) {
			p->ipc.info += (sizeof(unsigned long) - p->bytes) << INFO_BYTES_SHIFT;
			*(unsigned long *)path &= (1ul << 8 * p->bytes) - 1;
		}
		return excluded == TREE_ALL ? 0 : p->ipc.m[3];
	}
	if (p->ipc.m[3] != CPTR_FSROOT || p->ipc.m[4] < 2)
		return 0;
	return excluded >> TREE_BIT(path[1], p->ipc.m[4] > 2 ? path[2] : '/') & 1 ? 0 : CPTR_SYSTEM | SLOT_TREE;
}

/* It need not be asked again. The number may be another file's by now, which then goes by root, too. */
static void base_takes_no_paths(struct thread_record *t, unsigned long base)
{
	if (base == CPTR_CWD)
		atomic_store_relaxed(&t->fs->cwd_takes_paths, 0);
	else
		descriptor_mark(t, (unsigned)base, 0, DESCRIPTOR_TAKES_PATHS);
}

/* True: it has been asked, and *result is what path_send returns; false: nothing has happened, and root is to be asked. */
static bool send_by_tree(struct thread_record *t, struct path_call *p, unsigned long handle, long *result)
{
	unsigned long info = p->ipc.info, m[8];
	long error = registers_call(handle, &info, p->ipc.m, m);

	if (error == K_INVALID_CAP)
		return false;
	*result = likely(!(error | INFO_LABEL(info)) && (long)m[0] >= 0) ? (long)m[0] : file_result_words(error, info, m[0], m[1]);
	if (*result == -EXDEV) {
		if (p->base_takes && m[1] == TREE_NOT_HERE)
			base_takes_no_paths(t, p->ipc.m[3]);
		return false;
	}
	rt_receive_into(t, 0, SLOT_NONE);
	p->ipc.info = info;
	memcpy(p->ipc.m, m, sizeof(m));
	return true;
}

long path_send(struct thread_record *t, struct path_call *p)
{
	unsigned long handle;
	long result;

	p->ipc.info |= (unsigned long)p->bytes << INFO_BYTES_SHIFT;
	handle = tree_handle(t, p);
	if (handle && send_by_tree(t, p, handle, &result))
		return result;
	if (p->ipc.m[3] == CPTR_CWD || p->ipc.m[6] == CPTR_CWD)
		return send_from_cwd(t, p);
	return file_call(&p->ipc, NULL);
}

long path_empty(struct thread_record *t, int dirfd, uaddr_t path, bool allowed, unsigned long *cptr)
{
	char first;

	if (!allowed)
		return 0;
	if (get_user(first, path) < 0)
		return -EFAULT;
	if (first)
		return 0;
	*cptr = dirfd == AT_FDCWD ? CPTR_CWD : (unsigned)dirfd;
	return dirfd == AT_FDCWD || descriptor_lookup(t, (unsigned)dirfd) ? 1 : -EBADF;
}
