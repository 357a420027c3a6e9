#include "servers/event/interest.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "serve/memory.h"

/* Linux's bits, include/uapi/linux/eventpoll.h */
#define EDGE_TRIGGERED (1u << 31)
#define ONE_SHOT       (1u << 30)

struct entry {
	struct rb_node by_key, by_id;
	struct nest_link link;
	struct epoll_entry shown;
	u64 claimed; /* counter of the last report */
	u32 pid;     /* the process that added it */
	bool fresh;  /* not reported since ADD or MOD */
};

struct key {
	u32 descriptor;
	struct interest_identity who;
};

static int order(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

static int compare_key(const void *wanted, const struct rb_node *node)
{
	const struct key *key = wanted;
	const struct epoll_entry *entry = &rb_entry(node, struct entry, by_key)->shown;
	int by = order(key->descriptor, entry->descriptor);

	if (!by)
		by = order(key->who.endpoint, entry->endpoint);
	return by ? by : order(key->who.badge, entry->badge);
}

static int compare_id(const void *wanted, const struct rb_node *node)
{
	return order(*(const u32 *)wanted, rb_entry(node, struct entry, by_id)->shown.id);
}

static struct entry *find(struct interest *list, u32 descriptor, struct interest_identity who)
{
	struct key key = { descriptor, who };
	struct rb_node *node = rb_find(&list->by_key, &key, compare_key);

	return node ? rb_entry(node, struct entry, by_key) : NULL;
}

static struct entry *find_id(struct interest *list, u32 id)
{
	struct rb_node *node = rb_find(&list->by_id, &id, compare_id);

	return node ? rb_entry(node, struct entry, by_id) : NULL;
}

static void drop(struct interest *list, struct entry *entry)
{
	rb_erase(&list->by_key, &entry->by_key);
	rb_erase(&list->by_id, &entry->by_id);
	nest_cut(&entry->link);
	memory_free(entry, sizeof(*entry));
	list->count--;
	list->generation++;
}

static void arm(struct entry *entry, u32 events, u64 data)
{
	entry->shown.events = events;
	entry->shown.data = data;
	entry->shown.armed = 1;
	entry->fresh = true;
}

void interest_init(struct interest *list)
{
	*list = (struct interest){ .generation = 1, .next_id = 1, .most = EPOLL_ENTRIES_MAX };
	nest_init(&list->nest);
}

void interest_clear(struct interest *list)
{
	struct rb_node *node;

	while ((node = rb_first(&list->by_key)))
		drop(list, rb_entry(node, struct entry, by_key));
	nest_end(&list->nest);
}

/* The same process has another file at that number now: the entry's descriptor was closed behind our back. */
static void drop_stale(struct interest *list, u32 pid, u32 descriptor)
{
	struct key from = { descriptor, { 0, 0 } };
	struct rb_node *node = rb_lower_bound(&list->by_key, &from, compare_key);

	while (node) {
		struct entry *entry = rb_entry(node, struct entry, by_key);

		if (entry->shown.descriptor != descriptor)
			break;
		node = rb_next(node);
		if (entry->pid == pid)
			drop(list, entry);
	}
}

/* Numbers come back after 2^32 additions: a living entry keeps its own. */
static u32 fresh_id(struct interest *list)
{
	while (!list->next_id || find_id(list, list->next_id))
		list->next_id++;
	return list->next_id++;
}

static struct entry *entry_new(struct interest *list, u32 pid, const struct key *key)
{
	struct entry *entry = memory_take(sizeof(*entry));

	if (!entry)
		return NULL;
	memset(entry, 0, sizeof(*entry));
	entry->pid = pid;
	entry->shown = (struct epoll_entry){ .endpoint = key->who.endpoint, .badge = key->who.badge, .descriptor = key->descriptor, .id = fresh_id(list) };
	return entry;
}

int interest_add(struct interest *list, u32 pid, u32 descriptor, struct interest_identity who, u32 events, u64 data, struct interest *inner)
{
	struct key key = { descriptor, who };
	struct entry *entry;

	if (inner && !nest_may_link(&list->nest, &inner->nest))
		return -ELOOP;
	if (find(list, descriptor, who))
		return -EEXIST;
	if (list->count >= list->most)
		return -ENOSPC;
	entry = entry_new(list, pid, &key);
	if (!entry)
		return -ENOMEM;
	drop_stale(list, pid, descriptor);
	arm(entry, events, data);
	if (inner)
		nest_connect(&entry->link, &list->nest, &inner->nest);
	rb_insert_by(&list->by_key, &entry->by_key, &key, compare_key);
	rb_insert_by(&list->by_id, &entry->by_id, &entry->shown.id, compare_id);
	list->count++;
	list->generation++;
	return 0;
}

int interest_modify(struct interest *list, u32 descriptor, struct interest_identity who, u32 events, u64 data)
{
	struct entry *entry = find(list, descriptor, who);

	if (!entry)
		return -ENOENT;
	arm(entry, events, data);
	list->generation++;
	return 0;
}

int interest_delete(struct interest *list, u32 descriptor, struct interest_identity who)
{
	struct entry *entry = find(list, descriptor, who);

	if (!entry)
		return -ENOENT;
	drop(list, entry);
	return 0;
}

bool interest_forget(struct interest *list, u32 pid, u32 descriptor, struct interest_identity who)
{
	struct entry *entry = find(list, descriptor, who);

	if (!entry || entry->pid != pid)
		return false;
	drop(list, entry);
	return true;
}

static struct rb_node *node_at(struct interest *list, u32 index)
{
	if (list->cursor.generation == list->generation && list->cursor.index == index)
		return list->cursor.node;
	struct rb_node *node = rb_first(&list->by_key);

	while (node && index--)
		node = rb_next(node);
	return node;
}

size_t interest_list(struct interest *list, u32 index, struct epoll_entry *to, size_t max)
{
	struct rb_node *node = node_at(list, index);
	size_t count = 0;

	for (; node && count < max; node = rb_next(node))
		to[count++] = rb_entry(node, struct entry, by_key)->shown;
	list->cursor.generation = list->generation;
	list->cursor.index = index + (u32)count;
	list->cursor.node = node;
	return count;
}

bool interest_claim(struct interest *list, const struct epoll_claim *claim)
{
	struct entry *entry = find_id(list, claim->id);

	if (!entry || !entry->shown.armed)
		return false;
	if (entry->shown.events & EDGE_TRIGGERED && !entry->fresh && entry->claimed == claim->counter)
		return false;
	entry->fresh = false;
	entry->claimed = claim->counter;
	if (entry->shown.events & ONE_SHOT) {
		entry->shown.armed = 0;
		list->generation++;
	}
	return true;
}
