#include "lib/errno.h"
#include "lib/string.h"
#include "servers/dev/dev.h"

struct entry {
	const char *name;
	unsigned mode;
	const char *target;         /* links */
	const struct device *device; /* NULL: another server's, mounted over it */
	unsigned major, minor;
};

#define CHR LINUX_S_IFCHR
#define LNK (LINUX_S_IFLNK | 0777)
#define DIR LINUX_S_IFDIR

/* The node of an entry is its index + 1; entry 0 is the directory itself. Numbers: Linux Documentation/admin-guide/devices.txt */
static const struct entry entries[] = {
	{ "", DIR | 0755, NULL, NULL, 0, 0 },
	{ "null", CHR | 0666, NULL, &device_null, 1, 3 },
	{ "zero", CHR | 0666, NULL, &device_zero, 1, 5 },
	{ "full", CHR | 0666, NULL, &device_full, 1, 7 },
	{ "random", CHR | 0666, NULL, &device_random, 1, 8 },
	{ "urandom", CHR | 0666, NULL, &device_urandom, 1, 9 },
	{ "kmsg", CHR | 0644, NULL, &device_kmsg, 1, 11 },
	{ "fd", LNK, "/proc/self/fd", NULL, 0, 0 },
	{ "stdin", LNK, "/proc/self/fd/0", NULL, 0, 0 },
	{ "stdout", LNK, "/proc/self/fd/1", NULL, 0, 0 },
	{ "stderr", LNK, "/proc/self/fd/2", NULL, 0, 0 },
	{ "core", LNK, "/proc/kcore", NULL, 0, 0 },
	{ "pts", DIR | 0755, NULL, NULL, 0, 0 },
	{ "shm", DIR | 01777, NULL, NULL, 0, 0 },
	{ "mqueue", DIR | 01777, NULL, NULL, 0, 0 },
	/* the pty server's */
	{ "ptmx", CHR | 0666, NULL, NULL, 5, 2 },
	/* the console server's */
	{ "console", CHR | 0600, NULL, NULL, 5, 1 },
	{ "tty", CHR | 0666, NULL, NULL, 5, 0 },
	{ "ttyS0", CHR | 0600, NULL, NULL, 4, 64 },
	{ "ttyS1", CHR | 0600, NULL, NULL, 4, 65 },
	{ "ttyS2", CHR | 0600, NULL, NULL, 4, 66 },
	{ "ttyS3", CHR | 0600, NULL, NULL, 4, 67 },
};

#define DEVICE_MINOR 6 /* st_dev of this file system */

static u64 start_time;

static const struct entry *entry_of(struct node node)
{
	return &entries[node.id - 1];
}

static struct node node_of(size_t index)
{
	return (struct node){ .id = index + 1 };
}

static long root(unsigned mount, struct node *node)
{
	(void)mount;
	*node = node_of(0);
	return 0;
}

static unsigned mode(struct node node)
{
	return entry_of(node)->mode;
}

static long getattr(struct node node, struct file_attr *attr)
{
	const struct entry *entry = entry_of(node);

	attr->ino = node.id;
	attr->mode = entry->mode;
	attr->nlink = (entry->mode & LINUX_S_IFMT) == DIR ? 2 : 1;
	attr->size = entry->target ? strlen(entry->target) : 0;
	attr->block_size = PAGE_SIZE;
	attr->dev_minor = DEVICE_MINOR;
	attr->rdev_major = entry->major;
	attr->rdev_minor = entry->minor;
	attr->atime = attr->mtime = attr->ctime = attr->btime = start_time;
	return 0;
}

static long lookup(struct node directory, const char *name, size_t length, struct node *found)
{
	if (directory.id != 1)
		return -ENOENT;
	for (size_t i = 1; i < ARRAY_SIZE(entries); i++)
		if (strlen(entries[i].name) == length && !memcmp(entries[i].name, name, length)) {
			*found = node_of(i);
			return 0;
		}
	return -ENOENT;
}

static long parent(struct node node, struct node *up, char name[256], bool *deleted)
{
	(void)deleted;
	if (node.id == 1)
		return 0;
	*up = node_of(0);
	return (long)strlcpy(name, entry_of(node)->name, 256);
}

static long readlink(struct node node, char *text, size_t size)
{
	size_t length = strlen(entry_of(node)->target);

	memcpy(text, entry_of(node)->target, MIN(length, size));
	return (long)MIN(length, size);
}

static long readdir(struct open_file *file, struct dirent_list *list)
{
	if (file->node.id != 1)
		return 0;
	for (u64 i = file->offset - 1; i < ARRAY_SIZE(entries); i++)
		if (!dirent_add(list, i + 1, i + 2, entries[i].mode >> 12, entries[i].name, strlen(entries[i].name)))
			break;
	return 0;
}

static long statfs(struct node node, struct file_statfs *statfs)
{
	(void)node;
	*statfs = (struct file_statfs){ .type = LINUX_TMPFS_MAGIC, .block_size = PAGE_SIZE, .fragment_size = PAGE_SIZE, .name_max = 255 };
	return 0;
}

/* Only writing a device's times and modes back is refused; a size is taken and does nothing, as on Linux. */
static long setattr(struct node node, unsigned mask, const struct file_attr *attr)
{
	(void)attr;
	if (mask == SETATTR_SIZE && (mode(node) & LINUX_S_IFMT) == CHR)
		return 0;
	return -EPERM;
}

/* ---- open files ---- */

static const struct device *device_of(const struct open_file *file)
{
	return entry_of(file->node)->device;
}

static long open(struct request *request, struct open_file *file)
{
	const struct device *device = device_of(file);

	(void)request;
	if ((file->mode & LINUX_S_IFMT) != CHR)
		return 0;
	if (!device)
		return -ENXIO; /* its server is not there */
	file->opened = OPENED_SEEKABLE | (device->unpolled ? OPENED_UNPOLLED : 0);
	file->no_position = true;
	return device->open ? device->open(file) : 0;
}

static long read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	(void)offset;
	return device_of(file)->read(request, length);
}

static long write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	(void)offset;
	return device_of(file)->write(request, length);
}

static long ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument)
{
	const struct device *device = device_of(file);

	(void)argument;
	return device && device->ioctl ? device->ioctl(request, command) : -ENOTTY;
}

static long map(struct open_file *file, u64 offset, size_t length, u64 *object, unsigned *rights)
{
	const struct device *device = device_of(file);

	(void)offset;
	(void)length;
	(void)object;
	(void)rights;
	return device && device->map ? device->map() : -ENODEV;
}

static const struct serve_operations operations = {
	.root = root,
	.mode = mode,
	.getattr = getattr,
	.setattr = setattr,
	.lookup = lookup,
	.parent = parent,
	.places_last = true,
	.readlink = readlink,
	.readdir = readdir,
	.statfs = statfs,
	.open = open,
	.names_last = true,
	.closing_waits = true,
	.read = read,
	.write = write,
	.ioctl = ioctl,
	.map = map,
};

int main(void)
{
	start_time = kernel_realtime();
	device_random_start();
	serve_run(&operations);
}
