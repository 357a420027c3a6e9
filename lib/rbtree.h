/*
 * Intrusive red-black tree. The caller owns the order: it walks down to an empty link and hands that to rb_insert.
 *
 *	struct rb_node **link = &tree->root, *parent = NULL;
 *
 *	while (*link) {
 *		parent = *link;
 *		link = key < item_of(parent)->key ? &parent->left : &parent->right;
 *	}
 *	rb_insert(tree, parent, link, &item->node);
 *
 * A zeroed struct rb_tree is an empty tree. Insert and erase are O(log n) and allocate nothing.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include "lib/types.h"

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};

struct rb_tree {
	struct rb_node *root;
};

#define rb_entry(node, type, member) container_of(node, type, member)

/* Compares a key with a node's: negative, zero, positive as key <, ==, > node. */
typedef int rb_compare(const void *key, const struct rb_node *node);

/* Puts `node` at the empty `link` of `parent` (NULL for the root). */
void rb_insert(struct rb_tree *tree, struct rb_node *parent, struct rb_node **link, struct rb_node *node);

/* `node` must be in the tree; its memory is the caller's again. */
void rb_erase(struct rb_tree *tree, struct rb_node *node);

/* In order; NULL past either end. */
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/* The first node that is not below `key`; NULL if there is none. */
struct rb_node *rb_lower_bound(const struct rb_tree *tree, const void *key, rb_compare *compare);

/* The first node equal to `key`; NULL if there is none. */
struct rb_node *rb_find(const struct rb_tree *tree, const void *key, rb_compare *compare);

/* Inserts by `compare` with `key`, the node's own key, after its equals. */
void rb_insert_by(struct rb_tree *tree, struct rb_node *node, const void *key, rb_compare *compare);

/* Debug: whether links, colours and black heights are right. */
bool rb_check(const struct rb_tree *tree);

#endif
