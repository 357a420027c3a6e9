/*
 * The proc server, which serves /sys too: nodes, names, and texts that are made when a file is read from its start.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/proc/tree.h"

/* ---- nodes: kind 4 bits, row 8, pid 24, tid or descriptor 24 ---- */

#define MOUNT_SYS 1u

#define NUMBER_BITS 24
#define NUMBER_MASK 0xffffffu

struct node place_node(struct place p)
{
	return (struct node){ .id = (u64)p.kind << 56 | (u64)p.index << 48 | (u64)(p.pid & NUMBER_MASK) << NUMBER_BITS | (p.number & NUMBER_MASK) };
}

struct place node_place(struct node node)
{
	return (struct place){ .kind = (enum node_kind)(node.id >> 56), .index = node.id >> 48 & 0xff,
			       .pid = node.id >> NUMBER_BITS & NUMBER_MASK, .number = node.id & NUMBER_MASK };
}

/* ---- what exists ---- */

static bool has_descriptor(unsigned pid, unsigned number)
{
	return root_call3(PROC_PROC_FILES, pid, number, 0) > 0 && *(const u32 *)serve_message->data == number;
}

/* The process or thread that a place is for: of which `info` is wanted. */
static bool place_info(const struct place *place, struct proc_info *info)
{
	unsigned id = place->kind == NODE_THREAD ? place->number : place->pid;

	return process_ask(id, info) && info->pid == place->pid;
}

static bool is_type(unsigned mode, unsigned type)
{
	return (mode & LINUX_S_IFMT) == type;
}

static bool same_user(const struct principal_entry *caller, const struct proc_info *info)
{
	return caller->euid == info->uid && caller->euid == info->euid && caller->euid == info->suid && caller->egid == info->gid &&
	       caller->egid == info->egid && caller->egid == info->sgid;
}

/* Into memory, descriptors and environment look only the process itself, its user, and uid 0: as root's may_inspect says of its files. */
static bool may_look(const struct place *place, const struct proc_info *info)
{
	const struct principal_entry *caller = serve_request ? principal_find(serve_request->principal) : NULL;

	if (!place_row(place)->private)
		return true;
	return caller && (!caller->euid || caller->pid == info->pid || (info->dumpable && same_user(caller, info)));
}

static long root(unsigned mount, struct node *node)
{
	*node = place_node((struct place){ .kind = mount == 0 ? NODE_FIXED : NODE_SYS });
	return mount <= MOUNT_SYS ? 0 : -ENOENT;
}

static unsigned mode(struct node node)
{
	struct place place = node_place(node);
	struct proc_info info;

	switch (place.kind) {
	case NODE_FIXED:
	case NODE_SYS:
	case NODE_CPU:
		return place_row(&place)->mode;
	case NODE_DESCRIPTOR:
		return LINUX_S_IFLNK | 0700;
	case NODE_INFO:
		return LINUX_S_IFREG | 0444;
	default:
		return place_info(&place, &info) ? process_rows[place.index].mode : 0;
	}
}

static long getattr(struct node node, struct file_attr *attr)
{
	struct place place = node_place(node);
	struct proc_info info = { 0 };

	if (place_of_process(&place) && !place_info(&place, &info))
		return -ENOENT;
	attr->ino = (place.kind == NODE_FIXED || place.kind == NODE_SYS) && !place.index ? 1 : node.id;
	attr->mode = mode(node);
	attr->nlink = is_type(attr->mode, LINUX_S_IFDIR) ? 2 : 1;
	attr->size = place.kind == NODE_DESCRIPTOR ? 64 : 0;
	if (place_in_sys(&place) && is_type(attr->mode, LINUX_S_IFREG))
		attr->size = PAGE_SIZE; /* the most that such a file can hold */
	attr->uid = info.euid;
	attr->gid = info.egid;
	attr->block_size = place_in_sys(&place) ? PAGE_SIZE : 1024;
	attr->dev_minor = place_in_sys(&place) ? 6 : 5; /* of nodev file systems */
	attr->atime = attr->mtime = attr->ctime = kernel_realtime();
	return 0;
}

/* "> file" truncates first: that is taken and does nothing, as on Linux. */
static long setattr(struct node node, unsigned mask, const struct file_attr *attr)
{
	(void)node;
	(void)attr;
	return mask == SETATTR_SIZE ? 0 : -EPERM;
}

static long statfs(struct node node, struct file_statfs *statfs)
{
	struct place place = node_place(node);

	*statfs = (struct file_statfs){ .type = place_in_sys(&place) ? LINUX_SYSFS_MAGIC : LINUX_PROC_MAGIC, .block_size = PAGE_SIZE, .fragment_size = PAGE_SIZE, .name_max = 255 };
	return 0;
}

/* ---- names ---- */

/* A decimal number without leading zeros; 0: it is none. */
static unsigned parse_number(const char *name, size_t length)
{
	unsigned value = 0;

	if (!length || length > 8 || (name[0] == '0' && length > 1))
		return NUMBER_MASK + 1;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return NUMBER_MASK + 1;
		value = value * 10 + (unsigned)(name[i] - '0');
	}
	return MIN(value, NUMBER_MASK + 1);
}

static bool same_name(const struct row *row, const char *name, size_t length)
{
	return strlen(row->name) == length && !memcmp(row->name, name, length);
}

static long lookup_process(const char *name, size_t length, struct node *found)
{
	struct place place = { .kind = NODE_PROCESS, .pid = parse_number(name, length) };
	struct proc_info info;

	if (!place.pid || place.pid > NUMBER_MASK || !process_ask(place.pid, &info))
		return -ENOENT;
	if (info.pid != place.pid)
		return -ENOENT; /* a thread's number: Linux lets it be looked up, but does not list it */
	*found = place_node(place);
	return 0;
}

static long lookup_fixed(const struct place *directory, const char *name, size_t length, struct node *found)
{
	for (unsigned i = 1; i < fixed_count; i++)
		if (fixed_rows[i].parent == directory->index && same_name(&fixed_rows[i], name, length)) {
			*found = place_node((struct place){ .kind = NODE_FIXED, .index = i });
			return 0;
		}
	return directory->index ? -ENOENT : lookup_process(name, length, found);
}

/* Below /sys: a row of the same table, or a processor. */
static long lookup_sys(const struct place *directory, const char *name, size_t length, struct node *found)
{
	const struct row *rows = directory->kind == NODE_SYS ? sys_rows : cpu_rows;
	unsigned count = directory->kind == NODE_SYS ? sys_count : cpu_count;

	for (unsigned i = 1; i < count; i++)
		if (rows[i].parent == directory->index && same_name(&rows[i], name, length)) {
			*found = place_node((struct place){ .kind = directory->kind, .index = i, .pid = directory->pid });
			return 0;
		}
	if (!sys_lists_processors(directory) || length < 4 || memcmp(name, "cpu", 3) || parse_number(name + 3, length - 3) >= processors_now())
		return -ENOENT;
	*found = place_node((struct place){ .kind = NODE_CPU, .pid = parse_number(name + 3, length - 3) });
	return 0;
}

static long lookup_row(const struct place *directory, const char *name, size_t length, struct node *found)
{
	bool thread = directory->kind == NODE_THREAD;

	for (unsigned i = 1; i < process_count; i++)
		if ((!thread || process_rows[i].in_threads) && same_name(&process_rows[i], name, length)) {
			*found = place_node((struct place){ directory->kind, i, directory->pid, directory->number });
			return 0;
		}
	return -ENOENT;
}

/* In fd and in fdinfo. */
static long lookup_descriptor(const struct place *directory, const char *name, size_t length, struct node *found)
{
	unsigned number = parse_number(name, length);
	struct proc_info info;

	if (!place_info(directory, &info))
		return -ENOENT;
	if (!may_look(directory, &info))
		return -EACCES;
	if (number > NUMBER_MASK || !has_descriptor(directory->pid, number))
		return -ENOENT;
	*found = place_node(directory->index == ROW_FD ? (struct place){ NODE_DESCRIPTOR, 0, directory->pid, number } :
							 (struct place){ NODE_INFO, ROW_FDINFO, directory->pid, number });
	return 0;
}

static long lookup_thread(const struct place *directory, const char *name, size_t length, struct node *found)
{
	struct place place = { NODE_THREAD, 0, directory->pid, parse_number(name, length) };
	struct proc_info info;

	if (!place.number || place.number > NUMBER_MASK || !place_info(&place, &info))
		return -ENOENT;
	*found = place_node(place);
	return 0;
}

static long lookup(struct node directory, const char *name, size_t length, struct node *found)
{
	struct place place = node_place(directory);

	if (place.kind == NODE_FIXED)
		return lookup_fixed(&place, name, length, found);
	if (place_in_sys(&place))
		return lookup_sys(&place, name, length, found);
	if (place.index == ROW_FD || place.index == ROW_FDINFO)
		return lookup_descriptor(&place, name, length, found);
	if (place.index == ROW_TASK)
		return lookup_thread(&place, name, length, found);
	return lookup_row(&place, name, length, found);
}

/* Nothing can be made here. To Linux the name just does not exist in /proc; in /sys it may not be made, and open(2) says so by EACCES. */
static long create(struct node directory, const char *name, size_t length, unsigned mode, u64 device, struct node *made)
{
	struct place place = node_place(directory);

	(void)name;
	(void)length;
	(void)device;
	(void)made;
	if (!place_in_sys(&place))
		return -ENOENT;
	return is_type(mode, LINUX_S_IFREG) ? -EACCES : -EPERM;
}

static long symlink(struct node directory, const char *name, size_t length, const char *text, size_t text_length)
{
	struct place place = node_place(directory);

	(void)name;
	(void)length;
	(void)text;
	(void)text_length;
	return place_in_sys(&place) ? -EPERM : -ENOENT;
}

/* The directories of /proc/sys cannot be written to. */
static long unlink(struct node directory, const char *name, size_t length, bool rmdir)
{
	struct place place = node_place(directory);

	(void)name;
	(void)length;
	(void)rmdir;
	return place_in_settings(&place) ? -EACCES : -EPERM;
}

static size_t number_name(unsigned number, char name[256])
{
	struct text text = { .bytes = name, .room = 255 };

	text_add(&text, "%u", number);
	return text.length;
}

static size_t processor_name(unsigned number, char name[256])
{
	struct text text = { .bytes = name, .room = 255 };

	text_add(&text, "cpu%u", number);
	return text.length;
}

static long parent(struct node node, struct node *up, char name[256], bool *deleted)
{
	struct place place = node_place(node), above = { .kind = NODE_FIXED };
	const char *row = NULL;
	unsigned number = place.number;

	(void)deleted;
	if (place.kind == NODE_FIXED) {
		above.index = fixed_rows[place.index].parent;
		row = fixed_rows[place.index].name;
	} else if (place.kind == NODE_SYS || (place.kind == NODE_CPU && place.index)) {
		above = (struct place){ .kind = place.kind, .index = place_row(&place)->parent, .pid = place.pid };
		row = place_row(&place)->name;
	} else if (place.kind == NODE_CPU) {
		*up = place_node(sys_above_processors());
		return (long)processor_name(place.pid, name);
	} else if (place.kind == NODE_DESCRIPTOR) {
		above = (struct place){ NODE_PROCESS, ROW_FD, place.pid, 0 };
	} else if (place.kind == NODE_INFO) {
		above = (struct place){ NODE_PROCESS, ROW_FDINFO, place.pid, 0 };
	} else if (place.index) {
		above = (struct place){ place.kind, 0, place.pid, place.number };
		row = process_rows[place.index].name;
	} else if (place.kind == NODE_THREAD) {
		above = (struct place){ NODE_PROCESS, ROW_TASK, place.pid, 0 };
	} else {
		number = place.pid;
	}
	*up = place_node(above);
	return row ? (long)strlcpy(name, row, 256) : (long)number_name(number, name);
}

static bool magic(struct node node, struct magic_link *link)
{
	struct place place = node_place(node);

	link->pid = place.pid;
	link->descriptor = place.kind == NODE_DESCRIPTOR ? (long)place.number : 0;
	if (place.kind == NODE_PROCESS || place.kind == NODE_THREAD)
		link->descriptor = process_rows[place.index].magic;
	return place.kind == NODE_DESCRIPTOR || link->descriptor < 0;
}

static long readlink(struct node node, char *out, size_t size)
{
	struct place place = node_place(node);
	struct text text = { .bytes = out, .room = size };
	const struct row *row = place_row(&place);
	long error;

	if (place.kind != NODE_FIXED)
		return -ENOENT; /* magic links do not come here */
	if (!row->target) {
		error = row->make(&text, &place, NULL);
		return error ? error : (long)text.length;
	}
	text_bytes(&text, row->target, strlen(row->target));
	return (long)text.length;
}

/* ---- listing. Cookies: 2 + row; numbers come after all rows ---- */

#define FIRST_NUMBER 0x1000u

static unsigned type_listed(enum node_kind kind)
{
	return kind == NODE_DESCRIPTOR ? LINUX_S_IFLNK : kind == NODE_INFO ? LINUX_S_IFREG : LINUX_S_IFDIR;
}

/* Numbers that root gives, from `first` on, by the call `label`. */
static void list_numbers(struct open_file *file, struct dirent_list *list, unsigned label, unsigned pid, struct place place)
{
	static u32 numbers[MESSAGE_BYTES / 4];
	unsigned first = (unsigned)(MAX(file->offset, (u64)FIRST_NUMBER) - FIRST_NUMBER);
	char name[256];

	for (;;) {
		long count = label == PROC_PROC_LIST ? root_call3(label, first, 0, 0) : root_call3(label, pid, first, 0);

		if (count <= 0)
			return;
		count = MIN(count, (long)ARRAY_SIZE(numbers));
		memcpy(numbers, serve_message->data, (size_t)count * 4);
		for (long i = 0; i < count; i++) {
			*(place.kind == NODE_PROCESS ? &place.pid : &place.number) = numbers[i];
			if (!dirent_add(list, place_node(place).id, FIRST_NUMBER + (u64)numbers[i] + 1, type_listed(place.kind) >> 12, name,
					number_name(numbers[i], name)))
				return;
		}
		first = numbers[count - 1] + 1;
	}
}

static bool list_fixed(struct open_file *file, struct dirent_list *list, unsigned directory)
{
	for (u64 i = MAX(file->offset - 1, (u64)1); i < fixed_count; i++) {
		const struct row *row = &fixed_rows[i];
		struct place place = { .kind = NODE_FIXED, .index = (unsigned)i };

		if (row->parent == directory && !dirent_add(list, place_node(place).id, i + 2, row->mode >> 12, row->name, strlen(row->name)))
			return false;
	}
	return true;
}

static void list_processors(struct open_file *file, struct dirent_list *list)
{
	u64 first = MAX(file->offset, (u64)FIRST_NUMBER) - FIRST_NUMBER;
	char name[256];

	for (u64 i = first; i < processors_now(); i++) {
		struct place place = { .kind = NODE_CPU, .pid = (unsigned)i };

		if (!dirent_add(list, place_node(place).id, FIRST_NUMBER + i + 1, LINUX_S_IFDIR >> 12, name, processor_name((unsigned)i, name)))
			return;
	}
}

static void list_sys(struct open_file *file, struct dirent_list *list, struct place place)
{
	const struct row *rows = place.kind == NODE_SYS ? sys_rows : cpu_rows;
	unsigned count = place.kind == NODE_SYS ? sys_count : cpu_count, directory = place.index;

	for (u64 i = file->offset - 1; i < count; i++) {
		place.index = (unsigned)i;
		if (rows[i].parent == directory &&
		    !dirent_add(list, place_node(place).id, i + 2, rows[i].mode >> 12, rows[i].name, strlen(rows[i].name)))
			return;
	}
	place.index = directory;
	if (sys_lists_processors(&place))
		list_processors(file, list);
}

static void list_rows(struct open_file *file, struct dirent_list *list, struct place place)
{
	for (u64 i = file->offset - 1; i < process_count; i++) {
		const struct row *row = &process_rows[i];

		place.index = (unsigned)i;
		if (place.kind == NODE_THREAD && !row->in_threads)
			continue;
		if (!dirent_add(list, place_node(place).id, i + 2, row->mode >> 12, row->name, strlen(row->name)))
			return;
	}
}

static long readdir(struct open_file *file, struct dirent_list *list)
{
	struct place place = node_place(file->node);
	struct proc_info info;

	if (place.kind == NODE_FIXED) {
		if (list_fixed(file, list, place.index) && !place.index)
			list_numbers(file, list, PROC_PROC_LIST, 0, (struct place){ .kind = NODE_PROCESS });
		return 0;
	}
	if (place_in_sys(&place)) {
		list_sys(file, list, place);
		return 0;
	}
	if (!place_info(&place, &info))
		return -ENOENT;
	if (place.index == ROW_FD)
		list_numbers(file, list, PROC_PROC_FILES, place.pid, (struct place){ .kind = NODE_DESCRIPTOR, .pid = place.pid });
	else if (place.index == ROW_FDINFO)
		list_numbers(file, list, PROC_PROC_FILES, place.pid, (struct place){ .kind = NODE_INFO, .index = ROW_FDINFO, .pid = place.pid });
	else if (place.index == ROW_TASK)
		list_numbers(file, list, PROC_PROC_THREADS, place.pid, (struct place){ .kind = NODE_THREAD, .pid = place.pid });
	else
		list_rows(file, list, place);
	return 0;
}

/* ---- open files ---- */

/* Linux lets uid 0 open any file of /proc for writing; the write fails. Names and numbers only: nothing is gained by it. */
static bool superuser(void)
{
	const struct principal_entry *caller = principal_find(serve_request->principal);

	return caller && !caller->euid;
}

/* Whose files they are: root's, if nobody is to look into the process. */
static bool is_owner(const struct proc_info *info)
{
	const struct principal_entry *caller = principal_find(serve_request->principal);

	return caller && info->dumpable && caller->euid == info->euid;
}

static long open(struct request *request, struct open_file *file)
{
	struct place place = node_place(file->node);
	struct proc_info info = { 0 };

	(void)request;
	if (place_of_process(&place) && !place_info(&place, &info))
		return -ENOENT;
	if (place_of_process(&place) && !may_look(&place, &info))
		return -EACCES;
	file->words[0] = info.serial;
	if (!file_writable(file))
		return 0;
	if (!place_row(&place)->write)
		return place_in_sys(&place) || place_in_settings(&place) || !superuser() ? -EACCES : 0;
	return superuser() || (place_of_process(&place) && is_owner(&info)) ? 0 : -EACCES;
}

/* Who reads its own state runs, and only waits for this server. */
static void correct_state(struct proc_info *info)
{
	const struct principal_entry *caller = principal_find(serve_request->principal);

	if (caller && caller->tid == info->tid && info->state == 'S')
		info->state = 'R';
}

/* A new text for each reading from the start. One that has more to come is made up to `end`. */
static long make_text(struct text *text, const struct place *place, u64 end)
{
	struct proc_info info = { 0 };
	long error;

	if (!text)
		return -ENOMEM;
	text->wanted = end;
	if (place_of_process(place) && !place_info(place, &info))
		return -ESRCH;
	correct_state(&info);
	error = place_row(place)->make(text, place, &info);
	return error ? error : text->cut ? -ENOMEM : 0;
}

static long read(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct place place = node_place(file->node);
	const struct text *text = file->data;
	u64 end = offset + MIN(length, ~0ul - offset);
	bool begun = offset && text;
	long error;

	if (place.kind == NODE_INFO) {
		error = descriptor_info_ready(request, file);
		if (error)
			return error;
	} else if (!place_row(&place)->make) {
		return -EINVAL;
	} else if (!begun || (text->next && text->length < end)) {
		error = make_text(begun ? file->data : file_text(file), &place, end);
		if (error)
			return error;
	}
	text = file->data;
	if (offset >= text->length)
		return 0;
	return (long)request_give_result(request, text->bytes + offset, MIN(length, text->length - offset));
}

static long write(struct request *request, struct open_file *file, u64 offset, size_t length)
{
	struct place place = node_place(file->node);
	struct proc_info info = { 0 };
	char bytes[256];
	long result;

	if (!place_row(&place)->write)
		return place_of_process(&place) ? -EINVAL : -EIO;
	if (length > sizeof(bytes))
		return -EINVAL;
	if (place_of_process(&place) && !place_info(&place, &info))
		return -ESRCH;
	if (request_take(request, bytes, length) < length)
		return 0;
	if (offset == OFFSET_END)
		request->position = offset = request->at_offset ? file->offset : 0; /* none of these files has an end to append to */
	result = place_row(&place)->write(&place, &info, bytes, length, offset);
	return result ? result : (long)length;
}

static void release(struct open_file *file)
{
	descriptor_info_forget(file);
	file_text_forget(file);
}

/* A process's directory names it as a pidfd does. */
static long message(struct request *request)
{
	struct place place;

	if (request->label != FILE_PIDFD_INFO || !request->file)
		return -EINVAL;
	place = node_place(request->file->node);
	if (place.kind != NODE_PROCESS || place.index)
		return -EINVAL;
	request->answer[1] = place.pid;
	request->answer[2] = request->file->words[0];
	return 0;
}

static const struct serve_operations operations = {
	.root = root,
	.mode = mode,
	.getattr = getattr,
	.setattr = setattr,
	.lookup = lookup,
	.parent = parent,
	.create = create,
	.symlink = symlink,
	.unlink = unlink,
	.readlink = readlink,
	.magic = magic,
	.readdir = readdir,
	.statfs = statfs,
	.open = open,
	.release = release,
	.closing_waits = true,
	.writes_of_nothing = true,
	.read = read,
	.write = write,
	.message = message,
};

int main(void)
{
	serve_run(&operations);
}
