/* /proc/net/unix: a line a socket, as Linux writes it. The text is made when the file is opened. */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "servers/socket/socket.h"

#define HEAD "Num       RefCount Protocol Flags    Type St Inode Path\n"
#define LINE_MAX (64 + 2 + SOCKET_ADDRESS_MAX)
#define LISTENS 0x10000u

/* Linux's SS_ states: an embryo connects still. */
static unsigned shown_state(const struct socket *socket)
{
	bool connected = socket->state == SOCKET_CONNECTED;

	if (socket->file)
		return connected ? 3 : 1;
	return connected ? 2 : 4;
}

static size_t write_name(const struct address *address, char *to)
{
	u8 bytes[SOCKET_ADDRESS_MAX + 1];
	size_t length = address_show(address, bytes), at = 0;

	if (length <= 2)
		return 0;
	to[at++] = ' ';
	length -= address->path;
	for (size_t i = 2; i < length; i++)
		to[at++] = bytes[i] ? (char)bytes[i] : '@';
	return at;
}

static size_t write_line(const struct socket *socket, char *to)
{
	size_t length = snformat(to, LINE_MAX, "%016lx: %08X %08X %08X %04X %02X %5lu", 0ul, socket->references + 1, 0u,
		socket->state == SOCKET_LISTENING ? LISTENS : 0, socket->type, shown_state(socket), socket->ino);

	if (socket->address)
		length += write_name(socket->address, to + length);
	to[length++] = '\n';
	return length;
}

static size_t count_sockets(void)
{
	size_t count = 0;

	list_for_each_entry(socket, &sockets, struct socket, all)
		count++;
	return count;
}

long list_open(struct open_file *file)
{
	size_t room = sizeof(HEAD) + count_sockets() * LINE_MAX, length = sizeof(HEAD) - 1;
	char *text = memory_take(room);

	if (!text)
		return -ENOMEM;
	memcpy(text, HEAD, length);
	list_for_each_entry(socket, &sockets, struct socket, all)
		if (socket->transport == &transport_unix)
			length += write_line(socket, text + length);
	file->data = text;
	file->words[0] = room;
	file->words[1] = length;
	return 0;
}

void list_close(struct open_file *file)
{
	memory_free(file->data, file->words[0]);
}

long list_read(struct request *request, const struct open_file *file, u64 offset, size_t length)
{
	if (offset >= file->words[1])
		return 0;
	return (long)request_give(request, (const char *)file->data + offset, MIN(length, (size_t)(file->words[1] - offset)));
}
