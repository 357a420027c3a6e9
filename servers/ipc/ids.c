/*
 * Identifiers, as Linux makes them: the lowest free index, and above it a sequence number that grows whenever indices start again, so that an
 * identifier of what was removed is not soon another's.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/ipc/ipc.h"

struct ipc_caller ipc_caller(const struct request *request)
{
	const struct principal_entry *who = principal_find(request->principal);

	return who ? (struct ipc_caller){ who->pid, who->euid, who->egid } : (struct ipc_caller){ 0, ~0u, ~0u };
}

long ipc_permit(const struct ipc_object *object, const struct ipc_caller *who, unsigned want)
{
	const struct ipc_permissions *p = &object->permissions;
	unsigned granted = p->mode;

	if (!who->uid)
		return 0;
	if (who->uid == p->cuid || who->uid == p->uid)
		granted >>= 6;
	else if (who->gid == p->cgid || who->gid == p->gid)
		granted >>= 3;
	return want & ~granted & 6 ? -EACCES : 0;
}

long ipc_permit_owner(const struct ipc_object *object, const struct ipc_caller *who)
{
	return !who->uid || who->uid == object->permissions.uid || who->uid == object->permissions.cuid ? 0 : -EPERM;
}

static struct ipc_object *by_key(const struct ipc_table *table, int key)
{
	for (unsigned i = 0; i < table->size; i++)
		if (table->slot[i] && table->slot[i]->permissions.key == key)
			return table->slot[i];
	return NULL;
}

long ipc_find_key(const struct ipc_table *table, const struct ipc_caller *who, int key, unsigned flags, struct ipc_object **found, bool *make)
{
	struct ipc_object *object = key == IPC_PRIVATE ? NULL : by_key(table, key);
	unsigned want = (flags >> 6 | flags >> 3 | flags) & 6;

	*found = object;
	*make = false;
	if (!object) {
		*make = key == IPC_PRIVATE || flags & IPC_CREAT;
		return -ENOENT;
	}
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	return ipc_permit(object, who, want) ? -EACCES : object->id;
}

static bool table_grow(struct ipc_table *table)
{
	unsigned size = table->size ? table->size * 2 : 32;
	struct ipc_object **slot = memory_resize(table->slot, table->size * sizeof(*slot), size * sizeof(*slot));

	if (!slot)
		return false;
	table->slot = slot;
	table->size = size;
	return true;
}

long ipc_add(struct ipc_table *table, u64 most, struct ipc_object *object, const struct ipc_caller *who, int key, unsigned mode)
{
	unsigned index = 0;

	if (table->used >= most)
		return -ENOSPC;
	while (index < table->size && table->slot[index])
		index++;
	if (index == table->size && !table_grow(table))
		return -ENOMEM;
	if (index <= table->last_index && table->last_index != ~0u)
		table->sequence = (table->sequence + 1) % ID_SEQUENCE_MAX;
	table->last_index = index;
	table->slot[index] = object;
	table->used++;
	object->index = index;
	object->id = (int)(table->sequence << ID_INDEX_BITS | index);
	object->permissions = (struct ipc_permissions){ .key = key, .uid = who->uid, .gid = who->gid, .cuid = who->uid, .cgid = who->gid,
							.mode = mode & 0777, .sequence = (unsigned short)table->sequence };
	return object->id;
}

void ipc_remove(struct ipc_table *table, const struct ipc_object *object)
{
	table->slot[object->index] = NULL;
	table->used--;
}

struct ipc_object *ipc_find(const struct ipc_table *table, int id)
{
	unsigned index = (unsigned)id & ((1u << ID_INDEX_BITS) - 1);
	struct ipc_object *object = id >= 0 && index < table->size ? table->slot[index] : NULL;

	return object && object->id == id ? object : NULL;
}

/* Of an id, too: its low bits are its place. */
struct ipc_object *ipc_at(const struct ipc_table *table, int place)
{
	unsigned index = (unsigned)place & ((1u << ID_INDEX_BITS) - 1);

	return place >= 0 && index < table->size ? table->slot[index] : NULL;
}

int ipc_last_index(const struct ipc_table *table)
{
	for (unsigned i = table->size; i; i--)
		if (table->slot[i - 1])
			return (int)i - 1;
	return 0;
}

void ipc_set(struct ipc_object *object, const struct ipc_permissions *from)
{
	object->permissions.uid = from->uid;
	object->permissions.gid = from->gid;
	object->permissions.mode = (object->permissions.mode & ~0777u) | (from->mode & 0777);
}

long ipc_give(struct request *request, const void *from, size_t size, long result)
{
	memcpy(serve_message->data, from, size);
	request->answer_bytes = (unsigned)size;
	return result;
}

long ipc_seconds(void)
{
	return (long)(kernel_realtime() / 1000000000ul);
}
