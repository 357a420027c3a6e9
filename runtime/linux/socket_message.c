/* sendmsg, recvmsg: msghdr and its control messages. */
#include "runtime/linux/sockets.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_poll.h"
#include "runtime/linux/signal.h"

#include <asm/socket.h>

#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
#define CONTROL_MAX     20480u /* net.core.optmem_max */
#define BUFFERS_ON_STACK 8
#define MESSAGES_MAX    1024   /* of one sendmmsg */

struct msghdr_linux {
	uaddr_t name;
	int name_length, pad;
	uaddr_t buffers;
	unsigned long count;
	uaddr_t control;
	unsigned long control_length;
	unsigned flags, pad2;
};
_Static_assert(sizeof(struct msghdr_linux) == 56, "msghdr layout");

struct cmsghdr_linux {
	unsigned long length;
	int level, type;
};

#define CONTROL_ALIGN(n) (((n) + 7) & ~7ul)

/* ---- what both take from the program ---- */

struct message {
	struct msghdr_linux header;
	struct buffer few[BUFFERS_ON_STACK], *buffers;
	unsigned long total;
};

static void message_free(struct message *m)
{
	if (m->buffers != m->few)
		rt_free(m->buffers);
}

static long take_buffers(struct message *m)
{
	unsigned long count = m->header.count;
	long total;

	m->buffers = m->few;
	if (count > IOV_COUNT_MAX)
		return -EMSGSIZE;
	if (count > BUFFERS_ON_STACK)
		m->buffers = rt_alloc(count * sizeof(*m->buffers));
	if (!m->buffers) {
		m->buffers = m->few;
		return -ENOMEM;
	}
	total = copy_from_user(m->buffers, m->header.buffers, count * sizeof(*m->buffers)) < 0 ? -EFAULT : buffers_check(m->buffers, count);
	if (total < 0)
		return total;
	m->total = (unsigned long)total;
	return 0;
}

static long take_message(struct message *m, uaddr_t at)
{
	m->buffers = m->few;
	if (copy_from_user(&m->header, at, sizeof(m->header)) < 0)
		return -EFAULT;
	if (!m->header.name)
		m->header.name_length = 0;
	return m->header.name_length < 0 ? -EINVAL : take_buffers(m);
}

static long start(struct thread_record *t, struct socket_transfer *x, unsigned fd, unsigned flags, bool write)
{
	long word = socket_word(t, fd);

	*x = (struct socket_transfer){ .fd = fd, .write = write, .flags = flags, .full = true };
	x->word = word < 0 ? 0 : (u32)word;
	return word < 0 ? word : 0;
}

/* ---- sending ---- */

static long take_rights(struct thread_record *t, struct socket_transfer *x, int *fds, const void *data, size_t bytes)
{
	unsigned count = (unsigned)(bytes / sizeof(int));

	if (bytes / sizeof(int) > SOCKET_RIGHTS_MAX - x->rights_count)
		return -EINVAL;
	memcpy(fds + x->rights_count, data, count * sizeof(int));
	for (unsigned i = x->rights_count; i < x->rights_count + count; i++)
		if (fds[i] < 0 || !descriptor_lookup(t, (unsigned)fds[i]))
			return -EBADF;
	x->rights_count += count;
	return 0;
}

/* The server knows what it means. */
static long keep_control(struct socket_transfer *x, const struct cmsghdr_linux *c)
{
	unsigned long space = CONTROL_ALIGN(c->length);

	if (space > SOCKET_CONTROL_MAX - x->more_control)
		return -EINVAL;
	memcpy(x->more + x->more_control, c, c->length);
	x->more_control += (unsigned)space;
	return 0;
}

static long take_control(struct thread_record *t, struct socket_transfer *x, int *fds, const struct cmsghdr_linux *c)
{
	size_t bytes = c->length - sizeof(*c);

	if (c->level != SOL_SOCKET)
		return keep_control(x, c);
	if (c->type == SCM_RIGHTS)
		return take_rights(t, x, fds, c + 1, bytes);
	if (c->type != SCM_CREDENTIALS || bytes != sizeof(x->credentials))
		return -EINVAL;
	memcpy(&x->credentials, c + 1, sizeof(x->credentials));
	x->has_credentials = true;
	return 0;
}

static long take_controls(struct thread_record *t, struct socket_transfer *x, int *fds, const unsigned char *control, size_t length)
{
	size_t at = 0;

	while (length - at >= sizeof(struct cmsghdr_linux)) {
		const struct cmsghdr_linux *c = (const void *)(control + at);
		long result;

		if (c->length < sizeof(*c) || c->length > length - at)
			return -EINVAL;
		result = take_control(t, x, fds, c);
		if (result < 0)
			return result;
		if (CONTROL_ALIGN(c->length) >= length - at)
			break;
		at += CONTROL_ALIGN(c->length);
	}
	x->rights = fds;
	return 0;
}

static long send_with_control(struct thread_record *t, struct socket_transfer *x, const struct msghdr_linux *h)
{
	unsigned char more[SOCKET_CONTROL_MAX], *control;
	int fds[SOCKET_RIGHTS_MAX];
	long result;

	if (!h->control_length)
		return socket_send(t, x);
	if (h->control_length > CONTROL_MAX)
		return -ENOBUFS;
	control = rt_alloc(h->control_length);
	if (!control)
		return -ENOBUFS;
	x->more = more;
	result = copy_from_user(control, h->control, h->control_length) < 0 ? -EFAULT : take_controls(t, x, fds, control, h->control_length);
	rt_free(control);
	return result < 0 ? result : socket_send(t, x);
}

static long send_message(struct thread_record *t, unsigned fd, uaddr_t at, unsigned flags)
{
	struct socket_transfer x;
	struct message m;
	long result = start(t, &x, fd, flags, true);

	if (result < 0)
		return result;
	result = take_message(&m, at);
	if (result == 0)
		result = socket_address_take(&x.address, m.header.name, MIN((unsigned)m.header.name_length, SOCKADDR_MAX));
	x.buffers = m.buffers;
	x.count = m.header.count;
	x.total = m.total;
	if (result == 0)
		result = send_with_control(t, &x, &m.header);
	message_free(&m);
	return result;
}

long linux_sendmsg(struct thread_record *t, const unsigned long a[6])
{
	return send_message(t, (unsigned)a[0], a[1], (unsigned)a[2]);
}

#define MMSGHDR_SIZE   64
#define MMSGHDR_LENGTH 56

long linux_sendmmsg(struct thread_record *t, const unsigned long a[6])
{
	unsigned count = MIN((unsigned)a[2], (unsigned)MESSAGES_MAX), done = 0;
	long result = socket_word(t, (unsigned)a[0]);

	if (result < 0)
		return result;
	for (; done < count; done++) {
		uaddr_t at = a[1] + (unsigned long)done * MMSGHDR_SIZE;

		result = send_message(t, (unsigned)a[0], at, (unsigned)a[3]);
		if (result >= 0)
			result = put_user((unsigned)result, at + MMSGHDR_LENGTH);
		if (result < 0)
			break;
	}
	return done ? (long)done : count ? result : 0;
}

/* ---- receiving ---- */

/* Where the next control message goes. */
struct control {
	uaddr_t at;
	unsigned long left;
	unsigned flags;
};

/* As Linux's put_cmsg: what does not fit is cut. */
static long put_control(struct control *c, int level, int type, const void *data, size_t bytes)
{
	struct cmsghdr_linux header = { sizeof(header) + bytes, level, type };
	unsigned long space;

	if (!c->at || c->left < sizeof(header)) {
		c->flags |= MSG_CTRUNC;
		return 0;
	}
	if (c->left < header.length) {
		c->flags |= MSG_CTRUNC;
		header.length = c->left;
	}
	if (copy_to_user(c->at, &header, sizeof(header)) < 0 || copy_to_user(c->at + sizeof(header), data, header.length - sizeof(header)) < 0)
		return -EFAULT;
	space = MIN(CONTROL_ALIGN(sizeof(header) + bytes), c->left);
	c->at += space;
	c->left -= space;
	return 0;
}

/* Those that the server laid out. */
static long put_more(const struct socket_transfer *x, struct control *c)
{
	struct cmsghdr_linux header;
	long result = 0;

	for (unsigned at = 0; at + sizeof(header) <= x->more_control && result == 0; at += (unsigned)CONTROL_ALIGN(header.length)) {
		memcpy(&header, x->more + at, sizeof(header));
		if (header.length < sizeof(header) || header.length > x->more_control - at)
			break;
		result = put_control(c, header.level, header.type, x->more + at + sizeof(header), header.length - sizeof(header));
	}
	return result;
}

static long put_controls(struct thread_record *t, struct socket_transfer *x, struct control *c)
{
	long result = put_more(x, c);

	if (result == 0 && x->got_credentials)
		result = put_control(c, SOL_SOCKET, SCM_CREDENTIALS, &x->credentials, sizeof(x->credentials));
	if (x->rights_got && (result < 0 || put_control(c, SOL_SOCKET, SCM_RIGHTS, x->rights_fd, x->rights_got * sizeof(int)) < 0)) {
		for (unsigned i = 0; i < x->rights_got; i++)
			descriptor_close(t, (unsigned)x->rights_fd[i]);
		result = -EFAULT;
	}
	return result;
}

/* The program's msghdr is at `at`. */
static long put_message(struct thread_record *t, struct socket_transfer *x, struct msghdr_linux *h, uaddr_t at)
{
	struct control c = { h->control, h->control_length, x->flags_out | (x->flags & MSG_CMSG_CLOEXEC) };
	long result = put_controls(t, x, &c);

	if (h->name && result == 0)
		result = socket_address_give(&x->address, h->name, at + offsetof(struct msghdr_linux, name_length));
	if (result < 0)
		return result;
	if (put_user(c.flags, at + offsetof(struct msghdr_linux, flags)) < 0)
		return -EFAULT;
	return put_user(h->control_length - c.left, at + offsetof(struct msghdr_linux, control_length));
}

static long receive_message(struct thread_record *t, unsigned fd, uaddr_t at, unsigned flags)
{
	unsigned char more[SOCKET_CONTROL_MAX];
	int fds[SOCKET_RIGHTS_MAX];
	struct socket_transfer x;
	struct message m;
	long result = start(t, &x, fd, flags, false), put;

	if (result < 0)
		return result;
	result = take_message(&m, at);
	x.buffers = m.buffers;
	x.count = m.header.count;
	x.total = m.total;
	x.wants_address = m.header.name != 0;
	x.control = m.header.control && m.header.control_length >= sizeof(struct cmsghdr_linux);
	x.control_room = m.header.control_length;
	x.rights_fd = fds;
	x.more = more;
	if (result == 0)
		result = socket_receive(t, &x);
	put = result < 0 ? 0 : put_message(t, &x, &m.header, at);
	message_free(&m);
	return put < 0 ? put : result;
}

long linux_recvmsg(struct thread_record *t, const unsigned long a[6])
{
	return receive_message(t, (unsigned)a[0], a[1], (unsigned)a[2]);
}

/* The timeout only counts between messages, as on Linux. */
long linux_recvmmsg(struct thread_record *t, const unsigned long a[6])
{
	unsigned count = (unsigned)a[2], flags = (unsigned)a[3], done = 0;
	unsigned long deadline;
	long result = deadline_of_timespec(a[4], &deadline);

	if (result == 0)
		result = MIN(socket_word(t, (unsigned)a[0]), 0);
	if (result < 0)
		return result;
	while (done < count) {
		uaddr_t at = a[1] + (unsigned long)done * MMSGHDR_SIZE;

		result = receive_message(t, (unsigned)a[0], at, flags & ~MSG_WAITFORONE);
		if (result >= 0)
			result = put_user((unsigned)result, at + MMSGHDR_LENGTH);
		if (result < 0)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline != POLL_FOREVER && (deadline == DEADLINE_NOW || clock_monotonic() >= deadline))
			break;
	}
	deadline_left(a[4], deadline, 1);
	return done ? (long)done : count ? result : 0;
}
