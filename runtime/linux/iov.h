/*
 * Buffers of a read or write: the program's iovec, checked and cut into the windows of kernel calls. Pure.
 */
#ifndef RUNTIME_LINUX_IOV_H
#define RUNTIME_LINUX_IOV_H

#include "abi/kernel.h"
#include "lib/types.h"

#define IOV_COUNT_MAX 1024
#define TRANSFER_MAX  0x7ffff000ul /* MAX_RW_COUNT: most bytes of one read or write */
#define USER_END      0x7ffffffff000ul

/* As Linux's struct iovec. */
struct buffer {
	unsigned long base, len;
};

/* Where a transfer stands. Lives beside the buffers, which it does not own. */
struct cursor {
	const struct buffer *buffer;
	unsigned long count; /* buffers left, the current one among them */
	unsigned long skip;  /* bytes of the current buffer that are done */
	unsigned long left;  /* bytes left in all */
};

/* Checks and clamps `buffers` in place so that they hold at most TRANSFER_MAX bytes. The total, -EINVAL or -EFAULT as Linux decides. */
long buffers_check(struct buffer *buffers, unsigned long count);

void cursor_start(struct cursor *c, const struct buffer *buffers, unsigned long count, unsigned long total);

/* Fills up to MESSAGE_WINDOWS windows with what comes next; their number, and in *bytes what they hold. The cursor stays. */
unsigned cursor_windows(const struct cursor *c, struct message_window *windows, unsigned long *bytes);

/* Moves on by `bytes` <= c->left. */
void cursor_advance(struct cursor *c, unsigned long bytes);

/* Whether `address` lies in what is left. */
bool cursor_holds(const struct cursor *c, unsigned long address);

#endif
