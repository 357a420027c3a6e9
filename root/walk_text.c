/* The texts of walks: the path being made, and what is kept of a walk between its steps. */
#include "root/walk_internal.h"

#include "lib/errno.h"
#include "lib/string.h"

char text_bytes[2 * PATH_LIMIT + 512];
size_t text_length;

/* ---- saved texts ---- */

void walk_text_free(struct walk_text *saved)
{
	if (saved->length > HEAP_MAX)
		root_page_free(saved->data);
	else
		root_free(saved->data);
	*saved = (struct walk_text){ 0 };
}

int walk_text_save(struct walk_text *saved, const void *data, size_t length)
{
	walk_text_free(saved);
	if (!length)
		return 0;
	if (length > PAGE_SIZE)
		return -ENAMETOOLONG;
	saved->data = length > HEAP_MAX ? root_page_alloc() : root_alloc(length);
	if (!saved->data)
		return -ENOMEM;
	memcpy(saved->data, data, length);
	saved->length = length;
	return 0;
}

/* ---- the path being made ---- */

void text_start(void)
{
	text_length = 0;
}

int text_add(const char *bytes, size_t length)
{
	if (length > sizeof(text_bytes) - text_length)
		return -ENAMETOOLONG;
	memcpy(text_bytes + text_length, bytes, length);
	text_length += length;
	return 0;
}

/* A component boundary, then bytes. */
int text_join(const char *bytes, size_t length)
{
	int error = text_add("/", 1);

	return error ? error : text_add(bytes, length);
}

static int text_add_mount(const struct mount *mount)
{
	return text_add(mount->path, mount->length);
}

int text_add_chroot(const struct thread *thread)
{
	const char *root = thread->process->chroot_path;

	return root ? text_add(root, strlen(root)) : 0;
}

/* What a ".." left above the root directory is the root directory. */
bool text_inside_chroot(const struct thread *thread, size_t length)
{
	const char *root = thread->process->chroot_path;
	size_t n = root ? strlen(root) : 0;

	return n <= length && !memcmp(text_bytes, root ? root : "", n) && (n == length || text_bytes[n] == '/');
}

int text_prefix(const struct continuation *c)
{
	int error;

	text_start();
	error = text_add_mount(c->mount);
	return error || !c->prefix_length ? error : text_join(c->prefix, c->prefix_length);
}

/* The text as a path of the client's: below its root directory. */
const char *text_visible(const struct thread *thread, size_t *length)
{
	size_t root = thread->process->chroot_path && text_inside_chroot(thread, text_length) ? strlen(thread->process->chroot_path) : 0;

	*length = text_length - root;
	return *length ? text_bytes + root : (*length = 1, "/");
}
