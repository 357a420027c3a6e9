/*
 * What openat2's RESOLVE_ flags forbid. The walk remembers the mount that it started in and, for those that keep it below a directory, that directory's
 * path, the *anchor*. A walk leaves the anchor only by a ".." right behind the anchor's own text, since ".." is taken where it stands and links are
 * replaced by their text: that is what is looked for before each step.
 */
#include "root/walk_internal.h"

#include "lib/errno.h"
#include "lib/string.h"

#define SCOPED (WALK_BENEATH | WALK_IN_ROOT)

int walk_restrict_start(struct walk *w, const struct mount *mount)
{
	if (w->flags & WALK_NO_XDEV)
		w->home = mount;
	return w->flags & SCOPED ? walk_text_save(&w->anchor, text_bytes, text_length) : 0;
}

int walk_restrict_link(const struct walk *w, bool absolute)
{
	size_t rest;

	if (w->flags & WALK_NO_SYMLINKS)
		return -ELOOP;
	if (!absolute)
		return 0;
	if (w->flags & WALK_BENEATH)
		return -EXDEV;
	return w->home && w->home != mount_match("/", 1, &rest) ? -EXDEV : 0;
}

int walk_restrict_magic(const struct walk *w)
{
	if (w->flags & (WALK_NO_SYMLINKS | WALK_NO_MAGICLINKS))
		return -ELOOP;
	return w->flags & (SCOPED | WALK_NO_XDEV) ? -EXDEV : 0;
}

int walk_restrict_mount(const struct walk *w, const struct mount *mount)
{
	return w->home && w->home != mount ? -EXDEV : 0;
}

/* The first component from `at` on that is not ".": where it begins. */
static size_t next_component(size_t at)
{
	for (;;) {
		while (at < text_length && text_bytes[at] == '/')
			at++;
		if (at >= text_length || text_bytes[at] != '.' || (at + 1 < text_length && text_bytes[at + 1] != '/'))
			return at;
		at++;
	}
}

static bool is_dotdot(size_t at)
{
	return at + 1 < text_length && text_bytes[at] == '.' && text_bytes[at + 1] == '.' && (at + 2 == text_length || text_bytes[at + 2] == '/');
}

int walk_restrict_step(const struct walk *w)
{
	size_t anchor = w->anchor.length, at;

	if (!(w->flags & SCOPED))
		return 0;
	/* the directory was moved meanwhile */
	if (text_length < anchor || memcmp(text_bytes, w->anchor.data, anchor) || (text_length > anchor && text_bytes[anchor] != '/'))
		return -EAGAIN;
	while (is_dotdot(at = next_component(anchor))) {
		if (w->flags & WALK_BENEATH)
			return -EXDEV;
		memmove(text_bytes + anchor, text_bytes + at + 2, text_length - at - 2);
		text_length -= at + 2 - anchor;
	}
	return 0;
}

int walk_restrict_root(const struct thread *thread)
{
	const struct walk *w = &thread->walk;

	text_start();
	return w->flags & WALK_IN_ROOT ? text_add((char *)w->anchor.data, w->anchor.length) : text_add_chroot(thread);
}
