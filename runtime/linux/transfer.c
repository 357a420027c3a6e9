/*
 * A server's copy through the window stops at a page that is not there (FILE_REPLY_PARTIAL). The runtime then touches that page, and
 * those that follow it, and calls for the rest. Once a read has brought bytes it must not wait for more, so what follows is not blocking.
 */
#include "runtime/linux/transfer.h"

#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/linux/file_call.h"
#include "runtime/uaccess.h"

#define TOUCH_AHEAD 16 /* pages: a server that met one missing page will meet its neighbours */

static bool in_gate(unsigned long address)
{
	return address >= GATE_BASE;
}

/* The runtime's own pages can only be missing because they were never written or are shared since a fork. */
static long touch_own(unsigned long address)
{
	volatile unsigned char *byte = (volatile unsigned char *)address;

	*byte = *byte;
	return 0;
}

long transfer_touch(const struct cursor *at, unsigned long address, bool write)
{
	long error;

	if (!cursor_holds(at, address))
		return -EIO;
	error = in_gate(address) ? touch_own(address) : user_touch(address, write);
	for (unsigned i = 1; error == 0 && i < TOUCH_AHEAD; i++) {
		address = ALIGN_DOWN(address, (unsigned long)PAGE_SIZE) + PAGE_SIZE;
		if (in_gate(address) || !cursor_holds(at, address) || user_touch(address, write) < 0)
			break;
	}
	return error;
}

/* What one call did. */
struct step {
	unsigned long asked;
	bool partial;
	unsigned long address; /* to touch */
};

/* One call through windows. */
static long step_windows(struct thread_record *t, struct transfer *x, struct ipc *c, struct step *s)
{
	unsigned n = cursor_windows(&x->at, thread_message(t)->window, &s->asked);
	long result;

	c->m[0] = s->asked;
	c->info |= INFO_WINDOWS(n);
	result = file_call(c, &s->partial);
	s->address = c->m[1];
	return result;
}

static bool can_take(unsigned long base, unsigned long length)
{
	return user_touch(base, true) == 0 && user_touch(base + length - 1, true) == 0;
}

/* A buffer that cannot be written must not cost a pipe its bytes, so the program's pages are tried first. */
static long registers_read(struct ipc *c, unsigned long base, unsigned long length)
{
	long result;

	if (!can_take(base, length))
		return -EFAULT;
	c->m[2] |= TRANSFER_REGISTERS;
	result = file_call(c, NULL);
	if (result > (long)length)
		return -EIO;
	return result > 0 && copy_to_user(base, c->m, (size_t)result) < 0 ? -EFAULT : result;
}

/* Part of it may be there: windows find out how much. */
#define NOT_THERE (-MAX_ERRNO - 1)

static long registers_write(struct ipc *c, unsigned long base, unsigned long length)
{
	bool at = c->m[1] != OFFSET_CURRENT;

	*c = (struct ipc){ .target = c->target, .info = c->info - FILE_WRITE + (at ? FILE_WRITE_REGISTERS_AT : FILE_WRITE_REGISTERS) + length, .m = { c->m[1] } };
	if (copy_from_user(&c->m[at], base, length) < 0)
		return NOT_THERE;
	return file_call(c, NULL);
}

static struct ipc call_of(const struct transfer *x, unsigned long length)
{
	return (struct ipc){
		.target = x->cptr,
		.info = INFO(x->write ? FILE_WRITE : FILE_READ, 0) | (x->interruptible ? INFO_INTERRUPTIBLE : 0),
		.m = { length, x->offset, x->flags },
	};
}

static bool fits_registers(const struct transfer *x)
{
	unsigned long most = x->write && x->offset != OFFSET_CURRENT ? REGISTER_BYTES_AT : REGISTER_BYTES;

	/* a write in registers has no flags */
	return x->at.count == 1 && x->at.left <= most && !(x->write && x->flags) && !in_gate(x->at.buffer->base);
}

/* NOT_THERE: it must be windows. */
static long step_registers(const struct transfer *x)
{
	unsigned long base = x->at.buffer->base + x->at.skip;
	struct ipc c = call_of(x, x->at.left);

	if (x->write)
		return registers_write(&c, base, x->at.left);
	/* A socket looks for a message first and at the memory then. */
	if ((x->stream || x->packet) && !can_take(base, x->at.left))
		return NOT_THERE;
	return registers_read(&c, base, x->at.left);
}

static long step(struct thread_record *t, struct transfer *x, struct step *s)
{
	struct ipc c;
	long result;

	*s = (struct step){ .asked = x->at.left };
	result = fits_registers(x) ? step_registers(x) : NOT_THERE;
	if (result == NOT_THERE) {
		c = call_of(x, x->at.left);
		result = step_windows(t, x, &c, s);
	}
	return result > (long)s->asked ? -EIO : result;
}

/* `bytes` are final. */
static void moved(struct transfer *x, long bytes)
{
	if (x->offset != OFFSET_CURRENT && x->offset != OFFSET_END)
		x->offset += (unsigned long)bytes;
	cursor_advance(&x->at, (unsigned long)bytes);
	if (bytes && !x->write)
		x->flags |= TRANSFER_NONBLOCK;
}

/* 1: go on; 0: the transfer ends; or -errno. A page asked for twice without progress in between would be asked for for ever. */
static long after_step(struct transfer *x, const struct step *s, long n, unsigned long *last_address)
{
	if (s->partial) {
		if ((n == 0 && s->address == *last_address) || transfer_touch(&x->at, s->address, !x->write) < 0)
			return -EFAULT;
		*last_address = s->address;
		return 1;
	}
	if (x->packet)
		return 0;
	return n != 0 && ((x->write && !x->stream) || (unsigned long)n == s->asked);
}

/* After a step, with its result, to the end. */
static long go_on(struct thread_record *t, struct transfer *x, struct step *s, long n)
{
	unsigned long wanted = x->at.left, last_address = ~0ul;
	long go;

	for (;;) {
		if (n < 0) {
			go = n;
			break;
		}
		moved(x, n);
		go = x->at.left ? after_step(x, s, n, &last_address) : 0;
		if (go != 1)
			break;
		n = step(t, x, s);
	}
	return wanted != x->at.left ? (long)(wanted - x->at.left) : go;
}

long transfer_run(struct thread_record *t, struct transfer *x)
{
	struct step s;
	long n = step(t, x, &s);

	return go_on(t, x, &s, n);
}

long transfer_go_on(struct thread_record *t, struct transfer *x, long n, bool partial, unsigned long address)
{
	struct step s = { .asked = x->at.left, .partial = partial, .address = address };

	return go_on(t, x, &s, n > (long)s.asked ? -EIO : n);
}

static long run_own(struct thread_record *t, unsigned long cptr, const void *memory, size_t length, unsigned long offset, bool write)
{
	struct buffer buffer = { (unsigned long)memory, MIN(length, TRANSFER_MAX) };
	struct transfer x = { .cptr = cptr, .write = write, .offset = offset };

	cursor_start(&x.at, &buffer, 1, buffer.len);
	return x.at.left ? transfer_run(t, &x) : 0;
}

long file_read_own(struct thread_record *t, unsigned long cptr, void *to, size_t length, unsigned long offset)
{
	return run_own(t, cptr, to, length, offset, false);
}

long file_write_own(struct thread_record *t, unsigned long cptr, const void *from, size_t length, unsigned long offset)
{
	return run_own(t, cptr, from, length, offset, true);
}
