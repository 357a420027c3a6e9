/* process_vm_readv, process_vm_writev: root copies a part at a time between the buffers of this process and those of the other. */
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/iov.h"
#include "runtime/linux/process.h"
#include "runtime/uaccess.h"

struct peer {
	unsigned pid;
	bool write;
};

/* The vector, copied; NULL with *error set. Only the sum of the own one is limited, as Linux does it. */
static struct buffer *vector_copy(uaddr_t from, unsigned long count, long *error)
{
	struct buffer *vector = rt_alloc(MAX(count, 1ul) * sizeof(*vector));

	*error = vector ? 0 : -ENOMEM;
	if (vector && copy_from_user(vector, from, count * sizeof(*vector)) < 0)
		*error = -EFAULT;
	for (unsigned long i = 0; !*error && i < count; i++)
		if ((long)vector[i].len < 0)
			*error = -EINVAL;
	if (!*error)
		return vector;
	rt_free(vector);
	return NULL;
}

/* One part: as much as lies in one piece on both sides. */
static long copy_part(struct thread_record *t, const struct peer *peer, unsigned long own, unsigned long other, unsigned long length)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_PROCESS_MEMORY, 0) | INFO_WINDOWS(1),
			   .m = { peer->pid, peer->write, other, length } };

	rt_window(t, 0, own, length);
	return rt_request(&ipc);
}

/* One buffer of the other process; `at` moves on. What was done is in *done; the error that ended it, or 0. */
static long copy_buffer(struct thread_record *t, const struct peer *peer, struct cursor *at, struct buffer other, unsigned long *done)
{
	while (other.len && at->left) {
		unsigned long length = MIN(MIN(other.len, at->buffer->len - at->skip), PROCESS_MEMORY_MAX);
		long n = copy_part(t, peer, at->buffer->base + at->skip, other.base, length);

		if (n <= 0)
			return n < 0 ? n : -EFAULT;
		*done += (unsigned long)n;
		cursor_advance(at, (unsigned long)n);
		other.base += (unsigned long)n;
		other.len -= (unsigned long)n;
	}
	return 0;
}

static long copy_vectors(struct thread_record *t, const struct peer *peer, struct cursor *at, const struct buffer *others, unsigned long count)
{
	unsigned long done = 0;
	long error = 0;

	for (unsigned long i = 0; i < count && !error; i++)
		error = copy_buffer(t, peer, at, others[i], &done);
	return done ? (long)done : error;
}

static long with_own(struct thread_record *t, const struct peer *peer, const unsigned long a[6], struct buffer *own)
{
	long error, total = buffers_check(own, a[2]);
	struct buffer *others;
	struct cursor at;

	if (total <= 0)
		return total;
	others = vector_copy(a[3], a[4], &error);
	if (!others)
		return error;
	cursor_start(&at, own, a[2], (unsigned long)total);
	error = copy_vectors(t, peer, &at, others, a[4]);
	rt_free(others);
	return error;
}

static long peer_copy(struct thread_record *t, const unsigned long a[6], bool write)
{
	struct peer peer = { (unsigned)a[0], write };
	struct buffer *own;
	long result;

	if (a[5] || a[2] > IOV_COUNT_MAX || a[4] > IOV_COUNT_MAX)
		return -EINVAL;
	own = vector_copy(a[1], a[2], &result);
	if (!own)
		return result;
	result = with_own(t, &peer, a, own);
	rt_free(own);
	return result;
}

long linux_process_vm_readv(struct thread_record *t, const unsigned long a[6])
{
	return peer_copy(t, a, false);
}

long linux_process_vm_writev(struct thread_record *t, const unsigned long a[6])
{
	return peer_copy(t, a, true);
}
