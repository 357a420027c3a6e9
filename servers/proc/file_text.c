/* The text that an open file was read as: begun anew at each reading from the start. */
#include "servers/proc/tree.h"

static bool text_grow(struct text *text, size_t room)
{
	size_t size = MAX(text->room * 2, (size_t)PAGE_SIZE);
	char *bytes;

	while (size < room)
		size *= 2;
	bytes = memory_resize(text->bytes, text->room, size);
	if (!bytes)
		return false;
	text->bytes = bytes;
	text->room = size;
	return true;
}

struct text *text_new(void)
{
	struct text *text = memory_take(sizeof(*text));

	if (text)
		text->grow = text_grow;
	return text;
}

void text_free(struct text *text)
{
	if (!text)
		return;
	if (text->bytes)
		memory_free(text->bytes, text->room);
	memory_free(text, sizeof(*text));
}

struct text *file_text(struct open_file *file)
{
	struct text *text = file->data ? file->data : text_new();

	if (!text)
		return NULL;
	file->data = text;
	text->length = 0;
	text->cut = false;
	text->next = 0;
	return text;
}

void file_text_forget(struct open_file *file)
{
	text_free(file->data);
	file->data = NULL;
}
