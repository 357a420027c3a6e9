#include "runtime/linux/iov.h"

#include "lib/errno.h"

/* Linux looks at every length first (EINVAL), then at each range (EFAULT), and cuts what goes beyond TRANSFER_MAX. */
long buffers_check(struct buffer *buffers, unsigned long count)
{
	unsigned long total = 0;

	for (unsigned long i = 0; i < count; i++)
		if ((long)buffers[i].len < 0)
			return -EINVAL;
	for (unsigned long i = 0; i < count; i++) {
		if (buffers[i].base > USER_END || buffers[i].len > USER_END - buffers[i].base)
			return -EFAULT;
		buffers[i].len = MIN(buffers[i].len, TRANSFER_MAX - total);
		total += buffers[i].len;
	}
	return (long)total;
}

/* The current buffer is never an exhausted one, so that an empty cursor has count 0. */
static void skip_empty(struct cursor *c)
{
	while (c->count && c->skip == c->buffer->len) {
		c->buffer++;
		c->count--;
		c->skip = 0;
	}
}

void cursor_start(struct cursor *c, const struct buffer *buffers, unsigned long count, unsigned long total)
{
	*c = (struct cursor){ .buffer = buffers, .count = count, .left = total };
	skip_empty(c);
}

unsigned cursor_windows(const struct cursor *c, struct message_window *windows, unsigned long *bytes)
{
	unsigned long skip = c->skip, total = 0;
	unsigned n = 0;

	for (unsigned long i = 0; i < c->count && n < MESSAGE_WINDOWS; i++) {
		unsigned long len = MIN(c->buffer[i].len - skip, c->left - total);

		if (len) {
			windows[n++] = (struct message_window){ c->buffer[i].base + skip, len };
			total += len;
		}
		skip = 0;
	}
	*bytes = total;
	return n;
}

void cursor_advance(struct cursor *c, unsigned long bytes)
{
	c->left -= bytes;
	while (bytes) {
		unsigned long n = MIN(bytes, c->buffer->len - c->skip);

		c->skip += n;
		bytes -= n;
		skip_empty(c);
	}
}

bool cursor_holds(const struct cursor *c, unsigned long address)
{
	unsigned long skip = c->skip;

	for (unsigned long i = 0; i < c->count; i++) {
		if (address - (c->buffer[i].base + skip) < c->buffer[i].len - skip)
			return true;
		skip = 0;
	}
	return false;
}
