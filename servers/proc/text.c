#include "servers/proc/text.h"

#include "lib/format.h"
#include "lib/string.h"

static bool text_has_room(struct text *text, size_t more)
{
	if (text->room - text->length >= more)
		return true;
	if (text->grow && text->grow(text, text->length + more))
		return true;
	text->cut = true;
	return false;
}

void text_bytes(struct text *text, const void *from, size_t length)
{
	if (!text_has_room(text, length))
		length = text->room - text->length;
	memcpy(text->bytes + text->length, from, length);
	text->length += length;
}

static void emit(void *ctx, const char *piece, size_t length)
{
	text_bytes(ctx, piece, length);
}

void text_add(struct text *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vformat(emit, text, fmt, args);
	va_end(args);
}

void text_pad(struct text *text, size_t line_start, size_t width)
{
	while (text->length - line_start < width && !text->cut)
		text_bytes(text, " ", 1);
}
