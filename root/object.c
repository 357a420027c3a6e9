/* Memory objects: page tables of their own, the table of names. See object.h. */
#include "root/object.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "root/log.h"

#define FANOUT_BITS 10
#define FANOUT (1u << FANOUT_BITS)
#define MAX_LEVELS 3
#define BUCKETS 1024

static struct object_charge object_charges[ROLE_COUNT];
static struct object *table[BUCKETS];

static u32 *node_at(u32 pfn)
{
	return page_virt(pfn);
}

static struct object **bucket_of(u32 service, u64 id)
{
	return &table[hash_u64(id + ((u64)service << 48)) % BUCKETS];
}

const struct object_charge *object_charge_of(u32 role)
{
	return &object_charges[role];
}

struct object *object_create(u64 size, u32 charge)
{
	struct object *object = root_alloc(sizeof(*object));

	if (!object)
		return NULL;
	ROOT_ASSERT(charge < ROLE_COUNT);
	object->size = size;
	object->charge = charge;
	object_charges[charge].objects++;
	object->refs = 1;
	list_init(&object->regions);
	return object;
}

struct object *object_find(u32 service, u64 id)
{
	struct object *at = *bucket_of(service, id);

	while (at && (at->service != service || at->id != id))
		at = at->hash_next;
	return at;
}

struct object *object_nth(u32 service, u64 index)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct object *at = table[i]; at; at = at->hash_next)
			if (at->service == service && !index--)
				return at;
	return NULL;
}

u64 objects_named_present(void)
{
	u64 present = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct object *at = table[i]; at; at = at->hash_next)
			present += at->present;
	return present;
}

int object_name(struct object *object, u32 service, u64 id)
{
	struct object **bucket = bucket_of(service, id);

	if (object_find(service, id))
		return -EEXIST;
	object->service = service;
	object->id = id;
	object->named = true;
	object->hash_next = *bucket;
	*bucket = object_get(object);
	return 0;
}

void object_unname(struct object *object)
{
	struct object **at = bucket_of(object->service, object->id);

	if (!object->named)
		return;
	while (*at != object)
		at = &(*at)->hash_next;
	*at = object->hash_next;
	object->named = false;
	object_put(object);
}

static void release_page(struct object *object, u32 entry)
{
	if (!entry || entry == OBJECT_HOLE || page_type(entry) != PAGE_OBJECT)
		return;
	object->present--;
	object_charges[object->charge].pages--;
	if (object_page_counted(entry))
		page_set_type(entry, PAGE_ANON);
	else
		page_free(entry);
}

static void free_tree(struct object *object, u32 node, unsigned level)
{
	u32 *entries = node_at(node);

	for (unsigned i = 0; i < FANOUT; i++) {
		if (!entries[i])
			continue;
		if (level > 1)
			free_tree(object, entries[i], level - 1);
		else
			release_page(object, entries[i]);
	}
	page_free(node);
}

void object_put(struct object *object)
{
	if (--object->refs)
		return;
	ROOT_ASSERT(list_empty(&object->regions));
	for (unsigned i = 0; i < OBJECT_DIRECT; i++)
		release_page(object, object->direct[i]);
	if (object->levels)
		free_tree(object, object->root_table, object->levels);
	ROOT_ASSERT(!object->present);
	object_charges[object->charge].objects--;
	root_free(object->path);
	root_free(object);
}

/* Mapping the same file again, the common case, changes nothing. */
static bool has_path(const struct object *object, const char *mount, size_t mount_length, const char *path, size_t length)
{
	const char *now = object->path;

	return now && strlen(now) == mount_length + 1 + length && !memcmp(now, mount, mount_length) &&
	       !memcmp(now + mount_length + 1, path, length);
}

void object_set_path(struct object *object, const char *mount, const char *path, size_t length)
{
	size_t mount_length = strcmp(mount, "/") ? strlen(mount) : 0;
	char *text;

	if (has_path(object, mount, mount_length, path, length))
		return;
	text = root_alloc(mount_length + 1 + length + 1);
	if (!text)
		return;
	memcpy(text, mount, mount_length);
	text[mount_length] = '/';
	memcpy(text + mount_length + 1, path, length);
	text[mount_length + 1 + length] = 0;
	root_free(object->path);
	object->path = text;
}

bool object_set_extent(struct object *object, u64 first, u64 count, pfn_t pfn)
{
	if (object->extent_pages || first + count > 0xffffffffu)
		return false;
	object->extent_first = first;
	object->extent_pages = count;
	object->extent_pfn = pfn;
	return true;
}

/* ---- entries ---- */

static u64 tree_capacity(unsigned levels)
{
	return 1ul << (FANOUT_BITS * levels);
}

static const u32 *entry_find(const struct object *object, u64 index)
{
	u32 node = object->root_table;

	if (index < OBJECT_DIRECT)
		return &object->direct[index];
	if (!object->levels || index >= tree_capacity(object->levels))
		return NULL;
	for (unsigned level = object->levels; level > 1; level--) {
		node = node_at(node)[index >> (FANOUT_BITS * (level - 1)) & (FANOUT - 1)];
		if (!node)
			return NULL;
	}
	return &node_at(node)[index & (FANOUT - 1)];
}

u32 object_entry(const struct object *object, u64 index)
{
	const u32 *entry = entry_find(object, index);

	return entry ? *entry : 0;
}

pfn_t object_lookup(const struct object *object, u64 index)
{
	u32 entry = object_entry(object, index);

	if (entry == OBJECT_HOLE)
		return 0;
	if (!entry && index - object->extent_first < object->extent_pages)
		return object->extent_pfn + (index - object->extent_first);
	return entry;
}

/* One level more above the tree. */
static bool tree_grow(struct object *object)
{
	pfn_t node;

	if (object->levels == MAX_LEVELS)
		return false;
	node = page_alloc_zeroed(PAGE_HEAP);
	if (!node)
		return false;
	if (object->levels)
		node_at(node)[0] = object->root_table;
	object->root_table = node;
	object->levels++;
	return true;
}

static u32 *entry_make(struct object *object, u64 index)
{
	u32 node;

	if (index < OBJECT_DIRECT)
		return &object->direct[index];
	while (!object->levels || index >= tree_capacity(object->levels))
		if (!tree_grow(object))
			return NULL;
	node = object->root_table;
	for (unsigned level = object->levels; level > 1; level--) {
		u32 *link = &node_at(node)[index >> (FANOUT_BITS * (level - 1)) & (FANOUT - 1)];

		if (!*link)
			*link = page_alloc_zeroed(PAGE_HEAP);
		if (!*link)
			return NULL;
		node = *link;
	}
	return &node_at(node)[index & (FANOUT - 1)];
}

int object_store(struct object *object, u64 index, u32 entry)
{
	u32 *place = entry_make(object, index);

	if (!place)
		return -ENOMEM;
	*place = entry;
	return 0;
}

pfn_t object_page(struct object *object, u64 index, bool write, pfn_t *replaced)
{
	pfn_t old = object_lookup(object, index), new;

	*replaced = 0;
	if (old && (!write || page_type(old) == PAGE_OBJECT))
		return old;
	new = old ? page_alloc(PAGE_OBJECT) : page_alloc_zeroed(PAGE_OBJECT);
	if (!new)
		return 0;
	if (object_store(object, index, new)) {
		page_free(new);
		return 0;
	}
	object->present++;
	object_charges[object->charge].pages++;
	if (old) {
		memcpy(page_virt(new), page_virt(old), PAGE_SIZE);
		*replaced = old;
	}
	return new;
}

static void drop_one(struct object *object, u64 index)
{
	bool in_extent = index - object->extent_first < object->extent_pages;
	u32 *entry = (u32 *)entry_find(object, index);

	if (entry && *entry) {
		release_page(object, *entry);
		*entry = 0;
	}
	/* Without memory for the mark the extent's page would show again: drop the rest of the extent by cutting it. */
	if (in_extent && object_store(object, index, OBJECT_HOLE))
		object->extent_pages = index - object->extent_first;
}

/* Next index >= `index` that may have an entry or extent page, to skip what is empty. */
static u64 skip_empty(const struct object *object, u64 index, u64 end)
{
	if (index - object->extent_first < object->extent_pages || entry_find(object, index))
		return index;
	if (index < object->extent_first && object->extent_pages)
		end = MIN(end, (u64)object->extent_first);
	return MIN(end, ALIGN_UP(index + 1, (u64)FANOUT));
}

void object_drop(struct object *object, u64 first, u64 count)
{
	u64 end = first + count;

	/* A cut off the end of the extent needs no marks. */
	if (object->extent_pages && first >= object->extent_first && end >= (u64)object->extent_first + object->extent_pages &&
	    first < (u64)object->extent_first + object->extent_pages)
		object->extent_pages = first - object->extent_first;
	for (u64 index = first; index < end;) {
		u64 next = skip_empty(object, index, end);

		if (next == index)
			drop_one(object, index++);
		else
			index = next;
	}
}

u64 object_seek(const struct object *object, u64 index, u64 limit, bool hole)
{
	while (index < limit) {
		u64 next = skip_empty(object, index, limit);

		if (next != index) {
			if (hole)
				return index;
			index = next;
			continue;
		}
		if (!object_lookup(object, index) == hole)
			return index;
		index++;
	}
	return ~0ul;
}
