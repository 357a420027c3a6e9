/*
 * The files of /proc/sys that can be written: numbers that root keeps (abi/settings.h), and the host's names. Who may write them is told as Linux does it,
 * by the effective user alone; the policy's rule for the path was asked before.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/proc/setting_text.h"
#include "servers/proc/tree.h"

#define NODE_NAME_MAX 64

static bool may_write(void)
{
	const struct principal_entry *writer = principal_find(serve_request->principal);

	return writer && !writer->euid;
}

long make_setting(struct text *text, const struct place *place, const struct proc_info *info)
{
	const struct row *row = place_row(place);

	(void)info;
	for (unsigned i = 0; i < row->settings; i++)
		text_add(text, "%s%lu", i ? "\t" : "", setting(row->setting + i));
	text_add(text, "\n");
	return 0;
}

/* Numbers are what the first write says: Linux's sysctl_writes_strict. */
long write_setting(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset)
{
	const struct row *row = place_row(place);
	unsigned long m[8] = { row->setting };
	unsigned count;
	long used, error;

	(void)info;
	if (!may_write())
		return -EPERM;
	if (!length || offset)
		return 0;
	used = setting_text_parse(text, length, &m[2], row->settings, &count);
	if (used < 0)
		return used;
	m[1] = count;
	error = root_call(PROC_SETTING, m, 0);
	return error ? error : used;
}

/* ---- names ---- */

static long add_name(struct text *text, unsigned long domain)
{
	unsigned long m[8] = { 0, domain };
	long length = root_call(PROC_HOSTNAME, m, 0);

	if (length < 0)
		return length;
	text_add(text, "%.*s\n", (int)MIN(length, (long)NODE_NAME_MAX), serve_message->data);
	return 0;
}

/* Up to the line's end, and no more than fits. At an offset the name goes on, and ends, there; behind its end nothing happens. */
static long set_name(const char *text, size_t length, unsigned long domain, u64 offset)
{
	unsigned long m[8] = { 0, domain };
	size_t end = 0;
	long old;

	if (!may_write())
		return -EPERM;
	old = offset ? root_call(PROC_HOSTNAME, m, 0) : 0;
	if (old < 0)
		return old;
	if (offset > (u64)old) {
		serve_request->at_offset = false; /* as Linux: the open file's offset stays */
		return 0;
	}
	if (!length)
		return 0;
	while (end < MIN(length, (size_t)NODE_NAME_MAX - offset) && text[end] && text[end] != '\n')
		end++;
	memcpy(serve_message->data + offset, text, end);
	m[0] = 1;
	m[1] = domain;
	return root_call(PROC_HOSTNAME, m, (unsigned)(offset + end));
}

long make_hostname(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	(void)info;
	return add_name(text, 0);
}

long make_domainname(struct text *text, const struct place *place, const struct proc_info *info)
{
	(void)place;
	(void)info;
	return add_name(text, 1);
}

long write_hostname(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset)
{
	(void)place;
	(void)info;
	return set_name(text, length, 0, offset);
}

long write_domainname(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset)
{
	(void)place;
	(void)info;
	return set_name(text, length, 1, offset);
}
