/*
 * Texts of /proc/PID that take calls of root beyond PROC_PROC_INFO.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/proc/process_text.h"
#include "servers/proc/system_text.h"
#include "servers/proc/tree.h"

#define ARGUMENTS_MAX (128 * 1024ul * 16)
#define REGION_SHARED 1
#define REGION_HEAP   2
#define REGION_STACK  4

bool process_ask(unsigned id, struct proc_info *info)
{
	if (root_call3(PROC_PROC_INFO, id, 0, 0) < 0)
		return false;
	memcpy(info, serve_message->data, sizeof(*info));
	return true;
}

long make_stat(struct text *text, const struct place *place, const struct proc_info *info)
{
	struct proc_info shown = *info;

	/* A thread's own number stands where the process's does. */
	if (place->kind == NODE_THREAD)
		shown.pid = place->number;
	process_text_stat(text, &shown);
	return 0;
}

long make_statm(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	process_text_statm(text, info);
	return 0;
}

long make_status(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	process_text_status(text, info);
	return 0;
}

long make_limits(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	process_text_limits(text, info);
	return 0;
}

long make_comm(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	text_add(text, "%.*s\n", (int)strnlen(info->name, sizeof(info->name)), info->name);
	return 0;
}

/* Names of threads of the caller's own process. */
long write_comm(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset)
{
	unsigned pid = principal_pid(serve_request->principal);

	(void)offset;
	if (pid != info->pid)
		return -EINVAL;
	length = MIN(length, sizeof(info->name) - 1);
	memcpy(serve_message->data, text, length);
	unsigned long m[8] = { place->kind == NODE_THREAD ? place->number : place->pid };

	return root_call(PROC_SET_NAME, m, (unsigned)length);
}

/* ---- who is killed for want of memory ---- */

long make_oom_adjust(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	text_add(text, "%d\n", info->oom_score_adj);
	return 0;
}

/* Of 2,000; who has nothing is in the middle of its third third, where Linux has it. */
long make_oom_score(struct text *text, const struct place *place, const struct proc_info *info)
{
	long thousandths = (long)(info->resident_pages * 1000 / MAX(system_state_now().memory_total / PAGE_SIZE, 1ul)) + info->oom_score_adj;

	(void)place;
	text_add(text, "%ld\n", info->oom_score_adj == OOM_ADJUST_MIN ? 0 : (1000 + thousandths) * 2 / 3);
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A number with a sign perhaps, in C's notation, and white space around it. */
static bool parse_number(const char *text, size_t length, long *number)
{
	char digits[16] = "";
	bool negative;
	u64 value;

	while (length && is_space(text[length - 1]))
		length--;
	while (length && is_space(*text))
		text++, length--;
	if (length >= sizeof(digits))
		return false;
	memcpy(digits, text, length);
	negative = digits[0] == '-';
	if (!parse_u64(digits + (negative || digits[0] == '+'), 0, &value, NULL) || value > 0x7fffffff)
		return false;
	*number = negative ? -(long)value : (long)value;
	return true;
}

long write_oom_adjust(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset)
{
	const struct principal_entry *writer = principal_find(serve_request->principal);
	long value;

	(void)place;
	(void)offset;
	if (!parse_number(text, length, &value))
		return -EINVAL;
	return root_call3(PROC_OOM_ADJUST, info->pid, (unsigned long)value, writer && !writer->euid);
}

/* Memory of the process, as far as it is there. */
static void add_memory(struct text *text, unsigned pid, unsigned long start, unsigned long end)
{
	end = MIN(end, start + ARGUMENTS_MAX);
	while (start < end && !text->cut) {
		long got = root_call3(PROC_PROC_MEMORY, pid, start, MIN(end - start, (unsigned long)MESSAGE_BYTES));

		if (got <= 0)
			return;
		text_bytes(text, serve_message->data, MIN((size_t)got, (size_t)MESSAGE_BYTES));
		start += (unsigned long)got;
	}
}

/* The last byte of the arguments is written over: a program keeps one title there, up to its first NUL, that may go on into the environment. */
static bool has_title(const struct proc_info *info)
{
	return info->arg_end > info->arg_start && root_call3(PROC_PROC_MEMORY, info->pid, info->arg_end - 1, 1) == 1 &&
	       serve_message->data[0];
}

static void add_title(struct text *text, const struct proc_info *info)
{
	bool overflows = info->env_start == info->arg_end && info->env_end > info->env_start;
	size_t start = text->length;

	add_memory(text, info->pid, info->arg_start, MIN(overflows ? info->env_end : info->arg_end, info->arg_start + PAGE_SIZE));
	text->length = start + MIN(strnlen(text->bytes + start, text->length - start) + 1, text->length - start);
}

long make_cmdline(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	if (info->state == 'Z')
		return 0;
	if (has_title(info))
		add_title(text, info);
	else
		add_memory(text, info->pid, info->arg_start, info->arg_end);
	return 0;
}

long make_environ(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	if (info->state != 'Z')
		add_memory(text, info->pid, info->env_start, info->env_end);
	return 0;
}

/* ---- maps ---- */

static const char *region_name(unsigned pid, const struct proc_region *region)
{
	static char path[MESSAGE_BYTES + 1];
	long length = region->service ? root_call3(PROC_PROC_REGION_NAME, pid, region->start, 0) : 0;

	if (length > 0) {
		length = MIN(length, (long)MESSAGE_BYTES);
		memcpy(path, serve_message->data, (size_t)length);
		path[length] = 0;
		return path;
	}
	if (region->flags & REGION_HEAP)
		return "[heap]";
	return region->flags & REGION_STACK ? "[stack]" : "";
}

/* False: the region is not there any more. */
static bool count_pages(unsigned pid, const struct proc_region *region, struct region_pages *pages)
{
	unsigned long m[8] = { pid, region->start };

	*pages = (struct region_pages){ 0 };
	while (m[1] < region->end) {
		long count;

		m[0] = pid;
		m[2] = region->end;
		count = root_call(PROC_PROC_REGION_PAGES, m, 0);
		if (count < 0)
			return false;
		pages->mapped += (unsigned long)count;
		pages->alone += m[2];
		pages->bytes += m[3];
	}
	return true;
}

/* A program may have thousands and read no more than the first: each reading goes on behind the last region that it was told of, as on Linux. */
static long add_regions(struct text *text, unsigned pid, bool details)
{
	/* Copied: asking for names overwrites the message. */
	static struct proc_region regions[MESSAGE_BYTES / sizeof(struct proc_region)];
	long count;

	do {
		count = MIN(root_call3(PROC_PROC_REGIONS, pid, text->next, 0), (long)ARRAY_SIZE(regions));
		if (count <= 0) {
			text->next = 0;
			return count == -ESRCH ? -ESRCH : 0;
		}
		memcpy(regions, serve_message->data, (size_t)count * sizeof(regions[0]));
		for (long i = 0; i < count && !text_will_do(text); i++) {
			struct region_pages pages;

			if (!details || count_pages(pid, &regions[i], &pages))
				process_text_region(text, &regions[i], region_name(pid, &regions[i]), details ? &pages : NULL);
			text->next = regions[i].end;
		}
	} while (!text_will_do(text));
	return 0;
}

long make_maps(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	return add_regions(text, info->pid, false);
}

long make_smaps(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	return add_regions(text, info->pid, true);
}

/* ---- mounts ---- */

long make_mounts(struct text *text, const struct place *place, const struct proc_info *info)
{
	long length = root_call3(PROC_MOUNTS, 0, 0, 0);

	(void)place;
	(void)info;
	if (length < 0)
		return length;
	text_bytes(text, serve_message->data, MIN((size_t)length, (size_t)MESSAGE_BYTES));
	return 0;
}

/* The words of a line: up to `max`, separated by single spaces. Returns how many. */
static unsigned split(char *line, char *words[], unsigned max)
{
	unsigned count = 0;

	while (line && *line && count < max) {
		words[count++] = line;
		line = strchr(line, ' ');
		if (line)
			*line++ = 0;
	}
	return count;
}

/* Each line of mounts: source, place, type, options. */
long make_mountinfo(struct text *text, const struct place *place, const struct proc_info *info)
{
	static char lines[MESSAGE_BYTES + 1];
	long length = root_call3(PROC_MOUNTS, 0, 0, 0);
	unsigned id = 20;

	(void)place;
	(void)info;
	if (length < 0)
		return length;
	length = MIN(length, (long)MESSAGE_BYTES);
	memcpy(lines, serve_message->data, (size_t)length);
	lines[length] = 0;
	for (char *line = lines, *next; *line; line = next, id++) {
		char *words[4];

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		else
			next = line + strlen(line);
		if (split(line, words, 4) < 4)
			continue;
		words[3][strnlen(words[3], 256)] = 0;
		text_add(text, "%u %u 0:%u / %s %s - %s %s %s\n", id, id == 20 ? 1 : 20, id, words[1], words[3], words[2], words[0], words[3]);
	}
	return 0;
}
