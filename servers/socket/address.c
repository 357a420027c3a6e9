/* Names that sockets are bound to. */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "servers/socket/socket.h"

#define FAMILY_BYTES 2
#define BUCKETS 64u
#define AUTOBIND_NAMES 0x100000u /* five hexadecimal digits */

static struct list_node buckets[BUCKETS];

static u32 mix(u32 hash, const u8 *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}

static struct list_node *bucket(u32 hash)
{
	struct list_node *list = &buckets[(hash ^ hash >> 16) % BUCKETS];

	if (!list->next)
		list_init(list);
	return list;
}

static struct list_node *bucket_of(const struct address *address)
{
	return bucket(address->path ? (u32)address->key.ino : mix(address->type, address->bytes, address->length));
}

struct address *address_new(const u8 *bytes, size_t length)
{
	struct address *address = memory_take(sizeof(*address));

	if (!address)
		return NULL;
	address->references = 1;
	address->length = (unsigned)length;
	memcpy(address->bytes, bytes, length);
	return address;
}

void address_hold(struct address *address)
{
	address->references++;
}

void address_drop(struct address *address)
{
	if (!--address->references)
		memory_free(address, sizeof(*address));
}

struct socket *address_find_abstract(const u8 *bytes, size_t length, unsigned type)
{
	list_for_each_entry(address, bucket(mix(type, bytes, length)), struct address, link)
		if (!address->path && address->type == type && address->length == length && !memcmp(address->bytes, bytes, length))
			return address->socket;
	return NULL;
}

struct socket *address_find_key(struct name_key key)
{
	list_for_each_entry(address, bucket((u32)key.ino), struct address, link)
		if (address->path && !memcmp(&address->key, &key, sizeof(key)))
			return address->socket;
	return NULL;
}

void address_bind(struct address *address, struct socket *socket)
{
	address->type = socket->type;
	address->socket = socket;
	socket->address = address;
	list_push_back(bucket_of(address), &address->link);
}

void address_unbind(struct address *address)
{
	list_remove(&address->link);
	address->socket = NULL;
}

long address_check(const u8 *bytes, size_t length)
{
	u16 family;

	if (length <= FAMILY_BYTES || length > SOCKET_ADDRESS_MAX)
		return -EINVAL;
	memcpy(&family, bytes, sizeof(family));
	return family == LINUX_AF_UNIX ? 0 : -EINVAL;
}

long address_autobind(struct socket *socket)
{
	static u32 next;
	struct address *address;

	if (!next)
		next = (u32)kernel_monotonic() % AUTOBIND_NAMES;
	for (u32 tried = 0; tried < AUTOBIND_NAMES; tried++) {
		u8 bytes[FAMILY_BYTES + 8] = { LINUX_AF_UNIX };
		size_t length = FAMILY_BYTES + 1 + 5;

		snformat((char *)bytes + FAMILY_BYTES + 1, 6, "%05x", next);
		next = (next + 1) % AUTOBIND_NAMES;
		if (address_find_abstract(bytes, length, socket->type))
			continue;
		address = address_new(bytes, length);
		if (!address)
			return -ENOMEM;
		address_bind(address, socket);
		return 0;
	}
	return -ENOSPC;
}

/* A path is shown with its NUL, however it was given. */
size_t address_show(const struct address *address, u8 *to)
{
	size_t length = address ? address->length : 0;

	memset(to, 0, SOCKET_ADDRESS_MAX + 1);
	to[0] = LINUX_AF_UNIX;
	if (!length)
		return FAMILY_BYTES;
	memcpy(to, address->bytes, length);
	return address->path ? FAMILY_BYTES + strlen((char *)to + FAMILY_BYTES) + 1 : length;
}
