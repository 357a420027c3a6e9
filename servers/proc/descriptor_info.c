/*
 * /proc/PID/fdinfo/N. Only the server of the open file knows where it stands, so a reader is passed on to root, which passes it to that server and back
 * here with what it said (PROC_FILE_INFO). An epoll instance tells its entries one by one, and each is asked about at its own server in between. Until
 * all is there the text is the reader's, not the open file's: several may read at once, and one that is killed on its way just never comes back.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/proc/tree.h"

#define PART_OF_ENTRY (~0ul) /* of an epoll entry's file only its place is wanted: no server has a part of that number */

struct reading {
	struct list_node link;
	unsigned long badge, principal;
	struct text *text;
	unsigned long next; /* the part to go on with after an entry's file */
	unsigned long into; /* the reader's m[3]: where in its buffer the bytes go. Root uses the word on the way */
	bool entry;         /* an entry's file is asked for */
};

static struct list_node readings = { &readings, &readings };

static struct reading *reading_find(unsigned long badge, unsigned long principal)
{
	list_for_each_entry(r, &readings, struct reading, link)
		if (r->badge == badge && r->principal == principal)
			return r;
	return NULL;
}

static void reading_end(struct reading *r)
{
	list_remove(&r->link);
	text_free(r->text);
	memory_free(r, sizeof(*r));
}

void descriptor_info_forget(struct open_file *file)
{
	list_for_each_safe(node, &readings) {
		struct reading *r = list_entry(node, struct reading, link);

		if (r->badge == file->badge)
			reading_end(r);
	}
}

/* A reader that was killed on its way leaves its reading behind: it goes when the same file is read again, or closed. */
static void drop_dead(unsigned long badge)
{
	list_for_each_safe(node, &readings) {
		struct reading *r = list_entry(node, struct reading, link);

		if (r->badge == badge && !principal_find(r->principal))
			reading_end(r);
	}
}

static struct reading *reading_begin(const struct request *request, const struct open_file *file)
{
	struct reading *r = reading_find(file->badge, request->principal);

	drop_dead(file->badge);
	if (!r)
		r = memory_take(sizeof(*r));
	if (!r)
		return NULL;
	if (!r->badge) {
		r->badge = file->badge;
		r->principal = request->principal;
		list_push_back(&readings, &r->link);
	}
	text_free(r->text);
	r->text = text_new();
	r->entry = false;
	r->into = request->m[3];
	if (r->text)
		return r;
	reading_end(r);
	return NULL;
}

static long ask(struct request *request, struct open_file *file, unsigned long descriptor, unsigned long part)
{
	struct place place = node_place(file->node);
	unsigned long m[8] = { place.pid, descriptor, file->badge, request->m[0], request->m[1], request->m[2], part };

	return request_forward(request, SLOT_ROOT, PROC_FILE_INFO, m, 0, true);
}

static void add_first_lines(struct text *text, const struct file_info *info, const struct request *request)
{
	unsigned flags = info->flags | (request->m[3] ? LINUX_O_CLOEXEC : 0);

	text_add(text, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%lu\nino:\t%lu\n", (long)info->pos, flags, request->m[4], info->ino);
}

/* Where a file is that an epoll instance has in its list. What has no descriptor any more has no place either. */
static void add_place(struct text *text, const struct file_info *info)
{
	text_add(text, " pos:%ld ino:%lx sdev:%x\n", (long)info->pos, info->ino, info->dev_major << 20 | info->dev_minor);
}

/* The reader comes back. */
static long arrived(struct request *request, struct open_file *file)
{
	struct reading *r = reading_find(file->badge, request->principal);
	struct file_info info = { 0 };
	struct place place = node_place(file->node);
	bool known = request->bytes >= sizeof(info), first = r && !r->text->length;

	if (!r)
		return -EIO;
	if (known)
		memcpy(&info, serve_message->data, sizeof(info));
	if (!known && !r->entry) {
		reading_end(r);
		return -ENOENT;
	}
	if (r->entry) {
		add_place(r->text, &info);
	} else {
		if (first)
			add_first_lines(r->text, &info, request);
		text_bytes(r->text, serve_message->data + sizeof(info), request->bytes - sizeof(info));
		r->next = request->m[5];
	}
	r->entry = !r->entry && request->m[7] != INFO_NO_DESCRIPTOR;
	if (r->entry)
		return ask(request, file, request->m[7], PART_OF_ENTRY);
	if (r->next)
		return ask(request, file, place.number, r->next);
	file_text_forget(file);
	file->data = r->text;
	request->m[3] = r->into;
	r->text = NULL;
	reading_end(r);
	return ((struct text *)file->data)->cut ? -ENOMEM : 0;
}

long descriptor_info_ready(struct request *request, struct open_file *file)
{
	struct place place = node_place(file->node);

	if (request->forwarded && !request->badge)
		return arrived(request, file);
	if (request->position && file->data)
		return 0;
	return reading_begin(request, file) ? ask(request, file, place.number, 0) : -ENOMEM;
}
