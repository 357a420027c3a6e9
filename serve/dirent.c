/* Directory listings: Linux's struct linux_dirent64, one record after another. */
#include "lib/errno.h"
#include "lib/string.h"
#include "serve/internal.h"

#define LIST_BYTES 0x8000

struct record {
	u64 ino, next;
	u16 size;
	u8 type;
	char name[];
} __attribute__((packed));
_Static_assert(offsetof(struct record, name) == 19, "linux_dirent64 layout");

struct dirent_list {
	size_t used, limit;
	u64 next;     /* cookie after the last record */
	bool refused; /* one did not fit */
	u8 bytes[LIST_BYTES] __attribute__((aligned(8)));
};

bool dirent_add(struct dirent_list *list, u64 ino, u64 next, unsigned type, const char *name, size_t length)
{
	size_t size = ALIGN_UP(offsetof(struct record, name) + length + 1, 8);
	struct record *record = (struct record *)(list->bytes + list->used);

	if (size > list->limit - list->used) {
		list->refused = true;
		return false;
	}
	/* What is behind the name, its NUL first, lies in the last eight bytes. */
	*(u64 *)(list->bytes + list->used + size - 8) = 0;
	record->ino = ino;
	record->next = next;
	record->size = (u16)size;
	record->type = (u8)type;
	memcpy(record->name, name, length);
	list->used += size;
	list->next = next;
	return true;
}

static u64 inode_of(struct node node)
{
	struct file_attr attr;

	memset(&attr, 0, sizeof(attr));
	return serve_operations->getattr(node, &attr) ? 0 : attr.ino;
}

static u64 parent_inode(struct node node)
{
	struct node parent;
	char name[256];
	bool deleted = false;

	if (serve_operations->parent && serve_operations->parent(node, &parent, name, &deleted) > 0)
		return inode_of(parent);
	return inode_of(node);
}

/* "." and ".." have the cookies 0 and 1. */
static bool add_dots(struct open_file *file, struct dirent_list *list)
{
	unsigned type = LINUX_S_IFDIR >> 12;

	if (file->offset == 0 && !dirent_add(list, inode_of(file->node), 1, type, ".", 1))
		return false;
	if (file->offset <= 1 && !dirent_add(list, parent_inode(file->node), 2, type, "..", 2))
		return false;
	return true;
}

static long list_directory(struct open_file *file, struct dirent_list *list)
{
	u64 start = file->offset;
	long result = 0;

	if (add_dots(file, list)) {
		file->offset = MAX(start, (u64)2);
		result = serve_operations->readdir(file, list);
		file->offset = start;
	}
	if (result < 0)
		return result;
	return !list->used && list->refused ? -EINVAL : 0;
}

/*
 * All or nothing: a caller that could not take a listing touches its memory and asks again. The listing is kept for that; it holds as long as
 * nothing else was asked of this server.
 */
static struct {
	unsigned long badge, sequence;
	u64 offset;
	size_t limit;
} kept;

static bool still_kept(const struct open_file *file, size_t limit)
{
	return kept.badge == file->badge && kept.offset == file->offset && kept.limit == limit && kept.sequence + 1 == serve_sequence;
}

static long give(struct request *request, struct dirent_list *list)
{
	struct open_file *file = request->file;

	if (request_give(request, list->bytes, list->used) == list->used) {
		file->offset = list->next;
		return (long)list->used;
	}
	kept.badge = file->badge;
	kept.sequence = serve_sequence;
	kept.offset = file->offset;
	kept.limit = list->limit;
	return 0;
}

static long list_anew(struct open_file *file, struct dirent_list *list, size_t limit)
{
	list->used = 0;
	list->limit = limit;
	list->next = file->offset;
	list->refused = false;
	return list_directory(file, list);
}

long op_readdir(struct request *request)
{
	static struct dirent_list list;
	struct open_file *file = request->file;
	size_t limit = MIN(request->m[0], (unsigned long)LIST_BYTES);
	long result;

	if (file->flags & LINUX_O_PATH)
		return -EBADF;
	if ((file->mode & LINUX_S_IFMT) != LINUX_S_IFDIR || !serve_operations->readdir)
		return -ENOTDIR;
	result = still_kept(file, limit) ? 0 : list_anew(file, &list, limit);
	if (result)
		return result;
	return give(request, &list);
}
