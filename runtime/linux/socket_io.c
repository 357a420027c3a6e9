/*
 * Bytes through sockets. What is no more than bytes goes the way of all files (FILE_READ, FILE_WRITE); addresses, flags, credentials and
 * descriptors go with FILE_SEND and FILE_RECEIVE.
 */
#include "runtime/linux/sockets.h"

#include "abi/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/heap.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/transfer.h"

#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#define PACKET_MAX 0x100000ul /* none is larger */
#define PLAIN_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#define ROOM_NONE  (~0u)      /* rights that come are not wanted */
#define CONTROL_HEADER 16u    /* struct cmsghdr */
#define CREDENTIALS_SPACE 32u /* of a control message with struct ucred */

/* ---- packets in more buffers than a call can name go through one of the runtime's ---- */

static long gather(void *to, const struct buffer *buffers, unsigned long count)
{
	size_t at = 0;

	for (unsigned long i = 0; i < count; at += buffers[i].len, i++)
		if (copy_from_user((char *)to + at, buffers[i].base, buffers[i].len) < 0)
			return -EFAULT;
	return 0;
}

static long scatter(const void *from, size_t length, const struct buffer *buffers, unsigned long count)
{
	for (unsigned long i = 0; i < count && length; i++) {
		size_t n = MIN(length, buffers[i].len);

		if (copy_to_user(buffers[i].base, from, n) < 0)
			return -EFAULT;
		from = (const char *)from + n;
		length -= n;
	}
	return 0;
}

typedef long transfer_function(struct thread_record *t, struct socket_transfer *x);

static long through_own(struct thread_record *t, struct socket_transfer *x, transfer_function *transfer)
{
	struct socket_transfer own = *x;
	struct buffer buffer = { 0, MIN(x->total, PACKET_MAX) };
	long result;

	if (x->write && x->total > PACKET_MAX)
		return -EMSGSIZE;
	buffer.base = (unsigned long)rt_alloc(buffer.len);
	if (!buffer.base)
		return -ENOBUFS;
	own.buffers = &buffer;
	own.count = 1;
	own.total = buffer.len;
	result = x->write ? gather((void *)buffer.base, x->buffers, x->count) : 0;
	if (result == 0)
		result = transfer(t, &own);
	if (result > 0 && !x->write && scatter((void *)buffer.base, MIN((size_t)result, buffer.len), x->buffers, x->count) < 0)
		result = -EFAULT;
	rt_free((void *)buffer.base);
	own.buffers = x->buffers;
	own.count = x->count;
	own.total = x->total;
	*x = own;
	return result;
}

static bool too_many_buffers(const struct socket_transfer *x)
{
	return x->word & DESCRIPTOR_PACKETS && x->count > MESSAGE_WINDOWS;
}

/* ---- plain bytes ---- */

static long plain_transfer(struct thread_record *t, struct socket_transfer *x)
{
	struct transfer f = {
		.cptr = x->fd,
		.write = x->write,
		.interruptible = true,
		.stream = !(x->word & DESCRIPTOR_PACKETS),
		.packet = x->word & DESCRIPTOR_PACKETS,
		.offset = OFFSET_CURRENT,
		.flags = x->flags & MSG_DONTWAIT ? TRANSFER_NONBLOCK : 0,
	};

	cursor_start(&f.at, x->buffers, x->count, x->total);
	return transfer_run(t, &f);
}

static long raise_pipe(struct thread_record *t, const struct socket_transfer *x, long result)
{
	if (result == -EPIPE && x->write && !(x->flags & MSG_NOSIGNAL) && !(x->word & DESCRIPTOR_PACKETS))
		signal_raise(t, SIGPIPE);
	return result;
}

static long run_plain(struct thread_record *t, struct socket_transfer *x)
{
	long result = too_many_buffers(x) ? through_own(t, x, plain_transfer) : plain_transfer(t, x);

	return raise_pipe(t, x, result);
}

/* A write of nothing is a message all the same. */
long socket_plain(struct thread_record *t, unsigned fd, u32 word, bool write, unsigned flags, const struct buffer *buffers, unsigned long count,
	unsigned long total)
{
	struct socket_transfer x = {
		.fd = fd, .word = word, .write = write, .flags = flags, .buffers = buffers, .count = count, .total = total,
	};

	if (total)
		return run_plain(t, &x);
	return write ? socket_send(t, &x) : 0;
}

/* ---- sending ---- */

/* The capabilities of a message: the name, then the rights or their bundle. */
struct cargo {
	unsigned count;
	long cptr[MESSAGE_CAPS];
	bool bundle;
};

static void cargo_free(struct thread_record *t, struct cargo *cargo)
{
	while (cargo->count)
		descriptor_scratch_give(t, cargo->cptr[--cargo->count]);
}

/* A copy of the program's descriptor, in a slot that only this thread uses. */
static long cargo_add(struct thread_record *t, struct cargo *cargo, int fd)
{
	long cptr = cargo->count ? descriptor_reserve_own(t, t->files->slots / 4 * 3) : descriptor_scratch_take(t);
	long error;

	if (cptr < 0)
		return cptr;
	cap_delete((unsigned long)cptr);
	cargo->cptr[cargo->count++] = cptr;
	error = descriptor_lookup(t, (unsigned)fd) ? cap_copy((unsigned long)cptr, (unsigned)fd) : -EBADF;
	return error;
}

/* Into the message: names the slots. */
static unsigned long cargo_info(struct thread_record *t, const struct cargo *cargo)
{
	for (unsigned i = 0; i < cargo->count; i++)
		thread_message(t)->send_slot[i] = (unsigned long)cargo->cptr[i];
	return INFO_CAPS(cargo->count);
}

/* The next few go to `target`, the service or the bundle. */
static long bundle_part(struct thread_record *t, unsigned long target, unsigned long into, const int *fds, unsigned count)
{
	struct ipc c = { .target = target };
	struct cargo part = { .count = 0 };
	long result = 0;

	for (unsigned i = 0; i < count && result >= 0; i++)
		result = cargo_add(t, &part, fds[i]);
	if (result >= 0) {
		c.info = INFO(FILE_RIGHTS, 0) | cargo_info(t, &part);
		if (target & CPTR_SYSTEM)
			rt_receive_into(t, 0, into);
		result = file_call(&c, NULL);
	}
	cargo_free(t, &part);
	return result;
}

/* More rights than go with one message: in a bundle at a descriptor number of its own. */
static long cargo_bundle(struct thread_record *t, struct cargo *cargo, const int *fds, unsigned count)
{
	long number = descriptor_reserve_own(t, t->files->slots / 4 * 3), result = 0;

	if (number < 0)
		return number;
	for (unsigned done = 0; done < count && result >= 0; done += MESSAGE_CAPS) {
		unsigned long target = done ? (unsigned long)number : CPTR_SYSTEM | SLOT_SERVICE_SOCKET;

		result = bundle_part(t, target, (unsigned long)number, fds + done, MIN(count - done, (unsigned)MESSAGE_CAPS));
	}
	cargo->cptr[cargo->count++] = number;
	cargo->bundle = true;
	return result < 0 ? result : 0;
}

static long cargo_load(struct thread_record *t, struct cargo *cargo, const struct socket_transfer *x)
{
	long result = 0, name;

	*cargo = (struct cargo){ .count = 0 };
	if (x->address.length) {
		result = socket_name_open(t, &x->address, 0, false, &name);
		if (result == 0 && name >= 0)
			cargo->cptr[cargo->count++] = name;
	}
	if (result == 0 && x->rights_count > SEND_RIGHTS_MAX)
		return cargo_bundle(t, cargo, x->rights, x->rights_count);
	for (unsigned i = 0; i < x->rights_count && result == 0; i++)
		result = cargo_add(t, cargo, x->rights[i]);
	return result;
}

/* Address, credentials and other control messages into the message's data: their length. */
static unsigned long put_head(struct thread_record *t, const struct socket_transfer *x)
{
	unsigned char *data = thread_message(t)->data;
	unsigned long length = MIN(x->address.length, (unsigned)SOCKET_ADDRESS_MAX + 1);

	memcpy(data, x->address.bytes, length);
	if (x->has_credentials) {
		memcpy(data + length, &x->credentials, sizeof(x->credentials));
		length += sizeof(x->credentials);
	}
	if (x->more_control)
		memcpy(data + length, x->more, x->more_control);
	return length + x->more_control;
}

/* The byte out of band is the last of all. */
static unsigned step_flags(const struct socket_transfer *x, const struct cursor *at)
{
	return x->asked < at->left ? x->flags & ~MSG_OOB : x->flags;
}

/* One call, with what is left of the bytes. */
static long send_step(struct thread_record *t, struct socket_transfer *x, const struct cursor *at, struct ipc *c, bool *partial)
{
	struct cargo cargo;
	unsigned windows;
	long result = cargo_load(t, &cargo, x);

	if (result == 0) {
		windows = cursor_windows(at, thread_message(t)->window, &x->asked);
		*c = (struct ipc){ .target = x->fd, .m = { x->asked, step_flags(x, at), x->flags & MSG_DONTWAIT ? TRANSFER_NONBLOCK : 0, x->address.length } };
		c->m[4] = (cargo.bundle ? SEND_BUNDLE : 0) | (x->has_credentials ? SEND_CREDENTIALS : 0);
		c->m[5] = x->rights_count;
		c->m[6] = x->more_control;
		c->info = INFO(FILE_SEND, put_head(t, x)) | INFO_WINDOWS(windows) | INFO_INTERRUPTIBLE | cargo_info(t, &cargo);
		result = file_call(c, partial);
	}
	cargo_free(t, &cargo);
	return result > (long)x->asked ? -EIO : result;
}

static long send_all(struct thread_record *t, struct socket_transfer *x)
{
	unsigned long last = ~0ul;
	struct cursor at;
	struct ipc c;
	bool partial = true;

	cursor_start(&at, x->buffers, x->count, x->total);
	for (;;) {
		long n = send_step(t, x, &at, &c, &partial);

		if (n < 0)
			return x->total != at.left ? (long)(x->total - at.left) : n;
		cursor_advance(&at, (unsigned long)n);
		/* What came with the first bytes has gone with them. */
		if (n)
			x->rights_count = 0;
		if (!partial && (!n || !at.left || x->word & DESCRIPTOR_PACKETS || (unsigned long)n < x->asked))
			break;
		if (!partial)
			continue;
		if ((n == 0 && c.m[1] == last) || transfer_touch(&at, c.m[1], false) < 0)
			return x->total != at.left ? (long)(x->total - at.left) : -EFAULT;
		last = c.m[1];
	}
	return (long)(x->total - at.left);
}

long socket_send(struct thread_record *t, struct socket_transfer *x)
{
	bool plain = !x->address.length && !x->has_credentials && !x->rights_count && !x->more_control && !(x->flags & ~PLAIN_FLAGS) && x->total;
	long result;

	if (plain)
		return run_plain(t, x);
	result = too_many_buffers(x) ? through_own(t, x, send_all) : send_all(t, x);
	return raise_pipe(t, x, result);
}

/* ---- receiving ---- */

void socket_rights_install(struct thread_record *t, int fd, bool cloexec)
{
	struct ipc c = { .target = (unsigned)fd, .info = INFO(FILE_KIND, 0) };
	long error = file_call(&c, NULL);
	unsigned flags = cloexec ? O_CLOEXEC : 0;

	/* Its server has died: a descriptor all the same, of which every use says EIO. */
	if (error < 0)
		descriptor_install(t, fd, file_word(0, 0, O_RDWR | flags));
	else
		descriptor_install(t, fd, file_word((unsigned)c.m[1], (unsigned)c.m[2], (unsigned)c.m[3] | flags));
}

/* They lie behind the address. */
static void take_control(struct thread_record *t, struct socket_transfer *x, const struct ipc *c)
{
	unsigned bytes = (unsigned)INFO_BYTES_OF(c->info), at = MIN((unsigned)c->m[2], bytes);

	x->more_control = 0;
	if (!x->control || !c->m[7])
		return;
	x->more_control = MIN(MIN((unsigned)c->m[7], bytes - at), (unsigned)SOCKET_CONTROL_MAX);
	memcpy(x->more, thread_message(t)->data + at, x->more_control);
}

static void take_facts(struct thread_record *t, struct socket_transfer *x, const struct ipc *c)
{
	x->flags_out |= (unsigned)c->m[1];
	x->got_credentials = c->m[6] & RECEIVED_CREDENTIALS;
	x->credentials = (struct socket_credentials){ (unsigned)c->m[4], (unsigned)c->m[5], (unsigned)(c->m[5] >> 32) };
	take_control(t, x, c);
	if (!x->wants_address)
		return;
	x->address.length = MIN(MIN((unsigned)c->m[2], (unsigned)INFO_BYTES_OF(c->info)), SOCKADDR_MAX);
	memcpy(x->address.bytes, thread_message(t)->data, x->address.length);
}

static long receive_step(struct thread_record *t, struct socket_transfer *x, const struct cursor *at, struct ipc *c, bool wait, unsigned room, bool *partial)
{
	unsigned windows = cursor_windows(at, thread_message(t)->window, &x->asked);
	bool control = x->control && room != ROOM_NONE;

	*c = (struct ipc){
		.target = x->fd,
		.info = INFO(FILE_RECEIVE, 0) | INFO_WINDOWS(windows) | INFO_INTERRUPTIBLE,
		.m = { x->asked, x->flags, wait && !(x->flags & MSG_DONTWAIT) ? 0 : TRANSFER_NONBLOCK },
	};
	c->m[3] = (control ? RECEIVE_CONTROL : 0) | (x->wants_address ? RECEIVE_ADDRESS : 0);
	c->m[4] = control ? room : 0;
	return file_call(c, partial);
}

/* How many descriptors the program's control buffer can take, after what comes before them. */
static unsigned control_fits(const struct socket_transfer *x, bool credentials)
{
	unsigned long room = x->control_room, before = credentials ? MIN(room, (unsigned long)CREDENTIALS_SPACE) : 0;

	room -= before;
	return room <= CONTROL_HEADER ? 0 : (unsigned)MIN((room - CONTROL_HEADER) / sizeof(int), (unsigned long)SOCKET_RIGHTS_MAX);
}

/* Up to `wanted` numbers for descriptors that will come. */
static unsigned reserve_numbers(struct thread_record *t, int *fds, unsigned wanted)
{
	unsigned count = 0;

	while (count < wanted) {
		long fd = descriptor_reserve(t);

		if (fd < 0)
			break;
		fds[count++] = (int)fd;
	}
	return count;
}

static void abandon_numbers(struct thread_record *t, const int *fds, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		descriptor_abandon(t, fds[i]);
}

/* Takes what is in a bundle: how many came. */
static unsigned empty_bundle(struct thread_record *t, long bundle, const int *fds, unsigned room)
{
	unsigned got = 0;

	while (got < room) {
		unsigned want = MIN(room - got, (unsigned)MESSAGE_CAPS), came;
		struct ipc c = { .target = (unsigned long)bundle, .info = INFO(FILE_RIGHTS_TAKE, 0), .m = { want } };

		for (unsigned i = 0; i < want; i++)
			rt_receive_into(t, i, (unsigned)fds[got + i]);
		came = file_call(&c, NULL) < 0 ? 0 : MIN(INFO_CAPS_OF(c.info), want);
		if (!came)
			break;
		got += came;
	}
	return got;
}

/* A message with `room` rights is received: its first ones come with it, or a bundle with all. */
static long receive_bundle(struct thread_record *t, struct socket_transfer *x, const struct cursor *at, struct ipc *c, unsigned room, bool *partial)
{
	long bundle = descriptor_scratch_take(t), result;

	if (bundle < 0)
		return bundle;
	cap_delete((unsigned long)bundle);
	rt_receive_into(t, 0, (unsigned long)bundle);
	result = receive_step(t, x, at, c, false, room, partial);
	if (result >= 0 && INFO_CAPS_OF(c->info) == 1) {
		struct ipc reply = *c;

		/* The address is in the message still. */
		take_facts(t, x, c);
		x->rights_got = empty_bundle(t, bundle, x->rights_fd, MIN(room, (unsigned)c->m[3]));
		*c = reply;
	}
	descriptor_scratch_give(t, bundle);
	return result;
}

static long receive_few(struct thread_record *t, struct socket_transfer *x, const struct cursor *at, struct ipc *c, unsigned room, bool *partial)
{
	long result;

	for (unsigned i = 0; i < room; i++)
		rt_receive_into(t, i, (unsigned)x->rights_fd[i]);
	result = receive_step(t, x, at, c, false, room, partial);
	if (result >= 0)
		take_facts(t, x, c);
	if (result >= 0)
		x->rights_got = MIN((unsigned)INFO_CAPS_OF(c->info), room);
	return result;
}

/* The server has said how many rights are next: again, with numbers for them. */
static long receive_rights(struct thread_record *t, struct socket_transfer *x, const struct cursor *at, struct ipc *c, bool *partial)
{
	unsigned wanted = MIN((unsigned)c->m[3], control_fits(x, c->m[6] & RECEIVED_CREDENTIALS));
	unsigned room = reserve_numbers(t, x->rights_fd, wanted);
	long result;

	x->rights_got = 0;
	if (!room) {
		result = receive_step(t, x, at, c, false, ROOM_NONE, partial);
		if (result >= 0)
			take_facts(t, x, c);
		return result;
	}
	if (room <= MESSAGE_CAPS)
		result = receive_few(t, x, at, c, room, partial);
	else
		result = receive_bundle(t, x, at, c, room, partial);
	abandon_numbers(t, x->rights_fd, x->rights_got, room);
	for (unsigned i = 0; i < x->rights_got; i++)
		socket_rights_install(t, x->rights_fd[i], x->flags & MSG_CMSG_CLOEXEC);
	return result;
}

/* One message, or as much of a stream as is there. */
static long receive_next(struct thread_record *t, struct socket_transfer *x, const struct cursor *at, struct ipc *c, bool wait, bool *partial)
{
	for (;;) {
		long result = receive_step(t, x, at, c, wait, 0, partial);

		if (result < 0)
			return result;
		if (!(c->m[6] & RECEIVED_NOTHING)) {
			take_facts(t, x, c);
			return result;
		}
		result = receive_rights(t, x, at, c, partial);
		/* Somebody else was faster: what is next now? */
		if (result != -EAGAIN || (!(c->m[6] & RECEIVED_NOTHING) && !wait))
			return result;
	}
}

/* Whether a stream's reader goes on after n bytes: 1, 0, or -EFAULT. */
static long receive_more(struct socket_transfer *x, struct cursor *at, const struct ipc *c, bool partial, long n, unsigned long *last)
{
	if (partial) {
		if ((n == 0 && c->m[1] == *last) || transfer_touch(at, c->m[1], true) < 0)
			return -EFAULT;
		*last = c->m[1];
	}
	if (x->word & DESCRIPTOR_PACKETS || (n && x->flags & MSG_PEEK) || x->rights_got)
		return partial && !n;
	return at->left && (partial || (n && (unsigned long)n == x->asked));
}

static long receive_all(struct thread_record *t, struct socket_transfer *x)
{
	unsigned long last = ~0ul, done = 0;
	struct cursor at;
	struct ipc c;
	bool partial;
	long n, more = 1;

	cursor_start(&at, x->buffers, x->count, x->total);
	while (more == 1) {
		n = receive_next(t, x, &at, &c, !done || x->flags & MSG_WAITALL, &partial);
		if (n < 0)
			return done ? (long)done : n;
		done += (unsigned long)n;
		cursor_advance(&at, MIN((unsigned long)n, at.left));
		more = receive_more(x, &at, &c, partial, n, &last);
	}
	return done || more >= 0 ? (long)done : more;
}

long socket_receive(struct thread_record *t, struct socket_transfer *x)
{
	bool plain = !x->control && !x->wants_address && !(x->flags & ~(PLAIN_FLAGS | MSG_CMSG_CLOEXEC)) && x->total && !x->full;

	if (plain)
		return run_plain(t, x);
	return too_many_buffers(x) ? through_own(t, x, receive_all) : receive_all(t, x);
}

/* ---- sendto, recvfrom ---- */

static long one_buffer(struct buffer *buffer, uaddr_t base, unsigned long length)
{
	*buffer = (struct buffer){ base, MIN(length, TRANSFER_MAX) };
	return user_range_ok(base, buffer->len) ? (long)buffer->len : -EFAULT;
}

long linux_sendto(struct thread_record *t, const unsigned long a[6])
{
	struct socket_transfer x = { .fd = (unsigned)a[0], .write = true, .flags = (unsigned)a[3], .count = 1 };
	struct buffer buffer;
	long result = one_buffer(&buffer, a[1], a[2]), word = result < 0 ? result : socket_word(t, x.fd);

	if (word < 0)
		return word;
	x.word = (u32)word;
	x.buffers = &buffer;
	x.total = buffer.len;
	result = a[4] ? socket_address_take(&x.address, a[4], a[5]) : 0;
	return result < 0 ? result : socket_send(t, &x);
}

long linux_recvfrom(struct thread_record *t, const unsigned long a[6])
{
	struct socket_transfer x = { .fd = (unsigned)a[0], .flags = (unsigned)a[3], .count = 1, .wants_address = a[4] != 0 };
	struct buffer buffer;
	long result = one_buffer(&buffer, a[1], a[2]), word = result < 0 ? result : socket_word(t, x.fd);

	if (word < 0)
		return word;
	x.word = (u32)word;
	x.buffers = &buffer;
	x.total = buffer.len;
	result = socket_receive(t, &x);
	if (result >= 0 && a[4] && socket_address_give(&x.address, a[4], a[5]) < 0)
		return -EFAULT;
	return result;
}
