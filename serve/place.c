/*
 * Where open directories are: the path that a relative one starts from. Found once and kept until a directory has moved or gone, which in a server with places_last
 * happens by its own operations alone; a server without it is asked each time. Of a path that is too long there is no record.
 */
#include "lib/string.h"
#include "serve/internal.h"

#define PLACES     64 /* a power of two */
#define PLACE_TEXT 232

static struct place {
	unsigned long badge, changes;
	size_t length;
	char text[PLACE_TEXT];
} places[PLACES];

static unsigned long changes;

void places_changed(void)
{
	changes++;
}

static __attribute__((noinline)) const char *place_find(const struct open_file *directory, struct place *place, size_t *length)
{
	static char buffer[PATH_SIZE + 1];
	const char *text;
	bool deleted;
	long found = node_path(directory->node, buffer, &text, &deleted);

	if (found < 0 || deleted)
		return NULL;
	if (found) {
		buffer[PATH_SIZE] = '/';
		found++;
	}
	*length = (size_t)found;
	if (!serve_operations->places_last || (size_t)found > sizeof(place->text))
		return text;
	*place = (struct place){ .badge = directory->badge, .changes = changes, .length = (size_t)found };
	memcpy(place->text, text, (size_t)found);
	return place->text;
}

const char *place_of(const struct open_file *directory, size_t *length)
{
	/* badges of files that are open at one time differ in their lowest bits */
	struct place *place = &places[directory->badge % PLACES];

	if (unlikely(place->badge != directory->badge || place->changes != changes))
		return place_find(directory, place, length);
	*length = place->length;
	return place->text;
}
