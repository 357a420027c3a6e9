/*
 * Where open directories are. A relative path needs the path of the directory that it starts at, which only the directory's server knows. It is asked
 * once (FILE_PLACE); the answer is kept here for the next path, by service and badge, and goes with the number that the service gave its names: the service
 * says PROC_NAMES_CHANGED before it answers what moved or removed a directory, so a record with the number that it said last is right. An answer that was on its way
 * then has the number before, and is not kept. A badge never names another file, so records of closed files only take room, until another needs it.
 *
 * Who serves a directory can name another one here, as it could in each answer; it is no more than a link there could do.
 */
#include "lib/hash.h"
#include "lib/string.h"
#include "root/services.h"
#include "root/walk_internal.h"

#define PLACES 256 /* a power of two */

static struct place places[PLACES];

static struct place *place_at(u16 service, u64 badge)
{
	return &places[hash_u64(badge ^ (u64)service << 48) % PLACES];
}

const struct place *place_find(const struct thread *thread, u64 cptr)
{
	struct walk_file file;
	const struct place *place;

	if (!walk_is_base(cptr, thread) || !file_named(thread->process, thread->files, cptr, &file))
		return NULL;
	place = place_at(file.service, file.badge);
	if (place->badge != file.badge || place->service != file.service || place->names != service_get(file.service)->names)
		return NULL;
	return place;
}

void place_keep(u16 service, const struct continuation *c)
{
	struct place *place = place_at(service, c->m7);
	size_t length = text_length;

	while (length && text_bytes[length - 1] == '/')
		length--;
	if (!c->m6 || c->m6 != service_get(service)->names || c->m5 || length > PLACE_TEXT)
		return;
	*place = (struct place){ .badge = c->m7, .names = c->m6, .service = service, .length = length, .mount = c->mount };
	memcpy(place->text, text_bytes, length);
}
