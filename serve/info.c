/* FILE_INFO: what /proc/PID/fdinfo shows of an open file. */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "serve/internal.h"

#define TEXT_MAX (MESSAGE_BYTES - sizeof(struct file_info))

static struct file_info describe_file(const struct open_file *file)
{
	struct file_attr attr;

	memset(&attr, 0, sizeof(attr));
	if (serve_operations->getattr(file->node, &attr))
		attr.ino = 0;
	return (struct file_info){ .pos = file->offset, .ino = attr.ino, .flags = file->flags, .dev_major = attr.dev_major, .dev_minor = attr.dev_minor };
}

long op_info(struct request *request)
{
	static char answer[MESSAGE_BYTES];
	struct open_file *file = request->file;
	struct file_info info = describe_file(file);
	unsigned part = (unsigned)request->m[0], next = part;
	long descriptor = -1, length = 0;
	char *text = answer + sizeof(info);
	struct continuation c = { .kind = CONTINUE_INFO, .mount = file->mount, .prefix = answer, .text = "", .rest = "" };

	memcpy(answer, &info, sizeof(info));
	if (!part)
		length = (long)locks_text(file, (unsigned)request->m[1], &info, text, TEXT_MAX);
	if (serve_operations->info && !(file->flags & LINUX_O_PATH))
		length += serve_operations->info(file, &next, &descriptor, text + length, TEXT_MAX - (size_t)length);
	c.prefix_length = sizeof(info) + (size_t)length;
	c.m5 = next == part ? 0 : next;
	c.m6 = (unsigned long)descriptor;
	return walk_continue(request, &c);
}
