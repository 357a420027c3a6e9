/*
 * Intrusive doubly linked list. A list's head and its members are the same struct; an empty list points to itself,
 * a node on no list holds NULL, so zeroed memory is a valid unlinked node (but not a valid head: list_init it).
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"

struct list_node {
	struct list_node *next, *prev;
};

#define LIST_INIT(head) { .next = &(head), .prev = &(head) }

static inline void list_init(struct list_node *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list_node *head)
{
	return head->next == head;
}

/* Whether a member node is on some list. */
static inline bool list_linked(const struct list_node *node)
{
	return node->next != NULL;
}

/* `node` must be on no list. */
static inline void list_insert_between(struct list_node *node, struct list_node *prev, struct list_node *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void list_insert_before(struct list_node *at, struct list_node *node)
{
	list_insert_between(node, at->prev, at);
}

static inline void list_insert_after(struct list_node *at, struct list_node *node)
{
	list_insert_between(node, at, at->next);
}

static inline void list_push_back(struct list_node *head, struct list_node *node)
{
	list_insert_before(head, node);
}

static inline void list_push_front(struct list_node *head, struct list_node *node)
{
	list_insert_after(head, node);
}

/* `node` must be on a list; afterwards it is on none. */
static inline void list_remove(struct list_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = NULL;
}

/* NULL if the list is empty. */
static inline struct list_node *list_first(const struct list_node *head)
{
	return list_empty(head) ? NULL : head->next;
}

static inline struct list_node *list_last(const struct list_node *head)
{
	return list_empty(head) ? NULL : head->prev;
}

/* The first node, taken off the list; NULL if there is none. */
static inline struct list_node *list_pop_front(struct list_node *head)
{
	struct list_node *node = list_first(head);

	if (node)
		list_remove(node);
	return node;
}

/* Moves all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_splice_back(struct list_node *to, struct list_node *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

static inline size_t list_length(const struct list_node *head)
{
	size_t n = 0;

	for (const struct list_node *at = head->next; at != head; at = at->next)
		n++;
	return n;
}

#define list_entry(node, type, member) container_of(node, type, member)

/* NULL if the list is empty. */
#define list_first_entry(head, type, member) \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))

/* Walks the nodes. The body must not remove `node`; the _safe form allows that (but no other removal). */
#define list_for_each(node, head) \
	for (struct list_node *node = (head)->next; node != (head); node = node->next)
#define list_for_each_safe(node, head)                                                             \
	for (struct list_node *node = (head)->next, *node##_next = node->next; node != (head);     \
	     node = node##_next, node##_next = node->next)

/* Walks the entries; declares `entry` as a pointer to `type`. */
#define list_for_each_entry(entry, head, type, member)                                             \
	for (type *entry = list_entry((head)->next, type, member); &entry->member != (head);       \
	     entry = list_entry(entry->member.next, type, member))
#define list_for_each_entry_safe(entry, head, type, member)                                        \
	for (type *entry = list_entry((head)->next, type, member),                                 \
		  *entry##_next = list_entry(entry->member.next, type, member);                    \
	     &entry->member != (head);                                                             \
	     entry = entry##_next, entry##_next = list_entry(entry->member.next, type, member))

#endif
