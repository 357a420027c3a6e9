/* The files of /proc/net, and of them unix: a line a socket, as Linux writes it. */
#include "servers/socket/list.h"

#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"

#define LISTENS 0x10000u

/* ---- texts ---- */

void list_add(struct list_text *text, const char *format, ...)
{
	size_t room = text->room - text->length;
	va_list args;

	va_start(args, format);
	text->length += MIN(vsnformat(text->bytes + text->length, room, format, args), room ? room - 1 : 0);
	va_end(args);
}

void list_end_line(struct list_text *text, size_t start, size_t width)
{
	while (text->length - start + 1 < width && text->length + 1 < text->room)
		text->bytes[text->length++] = ' ';
	list_add(text, "\n");
}

/* ---- unix ---- */

/* Linux's SS_ states: an embryo connects still. */
static unsigned shown_state(const struct socket *socket)
{
	bool connected = socket->state == SOCKET_CONNECTED;

	if (socket->file)
		return connected ? 3 : 1;
	return connected ? 2 : 4;
}

static void add_name(struct list_text *text, const struct address *address)
{
	u8 bytes[SOCKET_ADDRESS_MAX + 1];
	size_t length = address_show(address, bytes);

	if (length <= 2)
		return;
	length -= address->path;
	for (size_t i = 2; i < length; i++)
		if (!bytes[i])
			bytes[i] = '@';
	list_add(text, " %.*s", (int)(length - 2), (const char *)bytes + 2);
}

static void list_unix(struct list_text *text)
{
	list_add(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	list_for_each_entry(socket, &sockets, struct socket, all) {
		if (socket->transport != &transport_unix)
			continue;
		list_add(text, "%016lx: %08X %08X %08X %04X %02X %5lu", 0ul, socket->references + 1, 0u,
			socket->state == SOCKET_LISTENING ? LISTENS : 0, socket->type, shown_state(socket), socket->ino);
		if (socket->address)
			add_name(text, socket->address);
		list_add(text, "\n");
	}
}

/* ---- the files ---- */

static const struct {
	const char *name;
	void (*make)(struct list_text *text);
} lists[] = {
	{ "unix", list_unix }, { "tcp", list_tcp }, { "tcp6", list_tcp6 }, { "udp", list_udp }, { "udp6", list_udp6 },
	{ "udplite", list_udplite }, { "udplite6", list_udplite6 },
	{ "dev", list_interfaces }, { "if_inet6", list_interfaces_six }, { "route", list_routes },
	{ "netlink", list_netlink }, { "sockstat", list_sockstat }, { "sockstat6", list_sockstat_six }, { "snmp", list_snmp },
};

unsigned list_find(const char *name, size_t length)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		if (strlen(lists[i].name) == length && !memcmp(lists[i].name, name, length))
			return i + 1;
	return 0;
}

const char *list_name(unsigned number)
{
	return number && number <= ARRAY_SIZE(lists) ? lists[number - 1].name : NULL;
}

static size_t count_sockets(void)
{
	size_t count = 0;

	list_for_each_entry(socket, &sockets, struct socket, all)
		count++;
	return count;
}

/* Texts of open files are nobody's memory but the server's: each is as long as it must be, and all together are limited, as messages are. */
static size_t texts_held;

static long keep_text(struct open_file *file, const struct list_text *text)
{
	if (texts_held + text->length > socket_held_limit)
		return -ENOMEM;
	file->data = memory_take(text->length);
	if (!file->data)
		return -ENOMEM;
	memcpy(file->data, text->bytes, text->length);
	file->words[0] = text->length;
	texts_held += text->length;
	return 0;
}

long list_open(struct open_file *file)
{
	struct list_text text;
	long result;

	if ((file->flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY)
		return -EACCES;
	text = (struct list_text){ .room = LIST_HEAD_MAX + count_sockets() * LIST_LINE_MAX };
	text.bytes = memory_take(text.room);
	if (!text.bytes)
		return -ENOMEM;
	lists[file->node.id - 1].make(&text);
	result = keep_text(file, &text);
	memory_free(text.bytes, text.room);
	return result;
}

void list_close(struct open_file *file)
{
	texts_held -= file->words[0];
	memory_free(file->data, file->words[0]);
}

long list_read(struct request *request, const struct open_file *file, u64 offset, size_t length)
{
	if (offset >= file->words[0])
		return 0;
	return (long)request_give(request, (const char *)file->data + offset, MIN(length, (size_t)(file->words[0] - offset)));
}
