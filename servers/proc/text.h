/*
 * A text that is written once from front to back: what a file of /proc holds. It grows through the owner's function, or, without one,
 * is cut at its room.
 */
#ifndef PROC_TEXT_H
#define PROC_TEXT_H

#include "lib/types.h"

struct text {
	char *bytes;
	size_t length, room;
	/* Makes room for `room` bytes at least, keeping the first `length`; false: cannot. NULL: fixed. */
	bool (*grow)(struct text *text, size_t room);
	bool cut; /* something did not fit */
	/* Of a text that is made as far as it is read: the length that will do, and from where its maker goes on; 0: from the start, or there is no more. */
	size_t wanted;
	unsigned long next;
};

static inline bool text_will_do(const struct text *text)
{
	return text->cut || text->length >= text->wanted;
}

void text_bytes(struct text *text, const void *from, size_t length);
void text_add(struct text *text, const char *fmt, ...) __printf(2, 3);
/* Pads with spaces until the line that began at `line_start` is `width` bytes long. */
void text_pad(struct text *text, size_t line_start, size_t width);

#endif
