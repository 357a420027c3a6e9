#include "root/names.h"

#include "abi/file.h"
#include "abi/process.h"
#include "lib/errno.h"
#include "lib/string.h"

/* A mount stays where it is while it is one: walks and places point to it. */
static struct mount rows[MOUNTS_MAX];     /* path NULL: free */
static struct mount *mounts[MOUNTS_MAX];  /* longest path first: the first match is the right one */
static unsigned mount_count;
u64 mount_letters[4];
const struct mount *mount_root;

int mount_add(const char *path, u16 service, u16 number, bool terminal)
{
	struct mount *row = rows;
	unsigned at = 0;

	if (mount_count == MOUNTS_MAX)
		return -ENOMEM;
	while (row->path)
		row++;
	*row = (struct mount){ path, path[1] ? strlen(path) : 0ul, service, number, terminal };
	while (at < mount_count && mounts[at]->length >= row->length) {
		if (!strcmp(mounts[at]->path, path)) {
			row->path = NULL;
			return -EEXIST;
		}
		at++;
	}
	memmove(&mounts[at + 1], &mounts[at], (mount_count - at) * sizeof(mounts[0]));
	mounts[at] = row;
	mount_letters[(u8)path[1] / 64] |= BIT((u8)path[1] % 64);
	if (!row->length)
		mount_root = row;
	mount_count++;
	return 0;
}

void mounts_remove(u16 service)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < mount_count; i++)
		if (mounts[i]->service != service)
			mounts[kept++] = mounts[i];
		else
			mounts[i]->path = NULL;
	if (mount_root && !mount_root->path)
		mount_root = NULL;
	mount_count = kept;
}

const struct mount *mount_search(const char *text, size_t length, size_t *rest)
{
	for (unsigned i = 0; i < mount_count; i++) {
		const struct mount *m = mounts[i];

		/* most differ in their first letter already */
		if (m->length && (m->length > length || m->path[1] != text[1] || memcmp(m->path, text, m->length)))
			continue;
		if (m->length < length && text[m->length] != '/')
			continue;
		*rest = m->length < length ? m->length + 1ul : length;
		return m;
	}
	return NULL;
}

const struct mount *mount_of(u16 service, u64 number)
{
	for (unsigned i = 0; i < mount_count; i++)
		if (number == MOUNT_TERMINAL ? mounts[i]->terminal : mounts[i]->service == service && mounts[i]->number == number)
			return mounts[i];
	return NULL;
}

const struct mount *mount_nth(unsigned index)
{
	return index < mount_count ? mounts[index] : NULL;
}

bool mount_hidden(const struct mount *mount)
{
	return !strcmp(mount->path, "/proc/sysvipc");
}

/* Listed shortest path first, as they were mounted. */
unsigned mount_id(const struct mount *mount)
{
	unsigned id = MOUNT_ID_FIRST;

	for (unsigned i = mount_count; i-- && mounts[i] != mount;)
		id += !mount_hidden(mounts[i]);
	return id;
}

static bool is_dots(const char *name, size_t length, size_t dots)
{
	return length == dots && name[0] == '.' && name[length - 1] == '.';
}

size_t text_normalise(char *text, size_t length)
{
	size_t in = 0, out = 0;
	bool slash = true;

	while (in < length) {
		size_t start, n;

		while (in < length && text[in] == '/')
			in++;
		start = in;
		while (in < length && text[in] != '/')
			in++;
		n = in - start;
		if (!n)
			break;
		slash = in < length || is_dots(text + start, n, 1);
		if (is_dots(text + start, n, 1) || (!out && is_dots(text + start, n, 2)))
			continue;
		text[out++] = '/';
		memmove(text + out, text + start, n);
		out += n;
	}
	if (slash || !out)
		text[out++] = '/';
	return out;
}
