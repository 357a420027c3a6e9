/*
 * The tree of Guibas and Sedgewick as CLRS gives it, with NULL for the leaves (which are black). Invariants between
 * calls: the root is black, a red node has no red child, every path from a node down to a leaf passes as many
 * black nodes.
 */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *node)
{
	return node && node->red;
}

/* The link that points to `node`. */
static struct rb_node **link_of(struct rb_tree *tree, const struct rb_node *node)
{
	if (!node->parent)
		return &tree->root;
	return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	if (node)
		node->parent = parent;
}

/* Lifts the right child of `node` above it. */
static void rotate_left(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *child = node->right;

	*link_of(tree, node) = child;
	child->parent = node->parent;
	node->right = child->left;
	set_parent(child->left, node);
	child->left = node;
	node->parent = child;
}

static void rotate_right(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *child = node->left;

	*link_of(tree, node) = child;
	child->parent = node->parent;
	node->left = child->right;
	set_parent(child->right, node);
	child->right = node;
	node->parent = child;
}

static void rotate(struct rb_tree *tree, struct rb_node *node, bool left)
{
	if (left)
		rotate_left(tree, node);
	else
		rotate_right(tree, node);
}

/* The only fault left while looping: `node` and its parent are both red. */
static void insert_fix(struct rb_tree *tree, struct rb_node *node)
{
	while (is_red(node->parent)) {
		struct rb_node *parent = node->parent, *grand = parent->parent;
		bool left = parent == grand->left;
		struct rb_node *uncle = left ? grand->right : grand->left;

		if (is_red(uncle)) {
			parent->red = uncle->red = false;
			grand->red = true;
			node = grand;
			continue;
		}
		if (node == (left ? parent->right : parent->left)) {
			rotate(tree, parent, left);
			parent = node;
		}
		parent->red = false;
		grand->red = true;
		rotate(tree, grand, !left);
		break;
	}
	tree->root->red = false;
}

void rb_insert(struct rb_tree *tree, struct rb_node *parent, struct rb_node **link, struct rb_node *node)
{
	*node = (struct rb_node){ .parent = parent, .red = true };
	*link = node;
	insert_fix(tree, node);
}

/*
 * The paths through `node` (a child of `parent`, perhaps NULL) lack one black node. Either recolouring the sibling
 * moves the fault up, or rotations end it.
 */
static void erase_fix(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent)
{
	while (parent && !is_red(node)) {
		bool left = node == parent->left;
		struct rb_node *sibling = left ? parent->right : parent->left;
		struct rb_node *near, *far;

		if (is_red(sibling)) {
			sibling->red = false;
			parent->red = true;
			rotate(tree, parent, left);
			sibling = left ? parent->right : parent->left;
		}
		near = left ? sibling->left : sibling->right;
		far = left ? sibling->right : sibling->left;
		if (!is_red(near) && !is_red(far)) {
			sibling->red = true;
			node = parent;
			parent = node->parent;
			continue;
		}
		if (!is_red(far)) {
			near->red = false;
			sibling->red = true;
			rotate(tree, sibling, !left);
			far = sibling;
			sibling = near;
		}
		sibling->red = parent->red;
		parent->red = far->red = false;
		rotate(tree, parent, left);
		return;
	}
	if (node)
		node->red = false;
}

/* Puts `with` (perhaps NULL) where `node` hangs. */
static void replace(struct rb_tree *tree, struct rb_node *node, struct rb_node *with)
{
	*link_of(tree, node) = with;
	set_parent(with, node->parent);
}

static struct rb_node *leftmost(struct rb_node *node)
{
	while (node && node->left)
		node = node->left;
	return node;
}

/* Unlinks a node that has at most one child. */
static void erase_simple(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *child = node->left ? node->left : node->right;

	replace(tree, node, child);
	if (!node->red)
		erase_fix(tree, child, node->parent);
}

void rb_erase(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *heir;

	if (!node->left || !node->right) {
		erase_simple(tree, node);
		return;
	}
	/* The successor has no left child: take it out, then let it stand in for `node`. */
	heir = leftmost(node->right);
	erase_simple(tree, heir);
	*heir = *node;
	*link_of(tree, node) = heir;
	set_parent(heir->left, heir);
	set_parent(heir->right, heir);
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
	return leftmost(tree->root);
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;

	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->right)
		return leftmost(node->right);
	while (node->parent && node == node->parent->right)
		node = node->parent;
	return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	if (node->left) {
		struct rb_node *at = node->left;

		while (at->right)
			at = at->right;
		return at;
	}
	while (node->parent && node == node->parent->left)
		node = node->parent;
	return node->parent;
}

struct rb_node *rb_lower_bound(const struct rb_tree *tree, const void *key, rb_compare *compare)
{
	struct rb_node *at = tree->root, *best = NULL;

	while (at) {
		if (compare(key, at) <= 0) {
			best = at;
			at = at->left;
		} else {
			at = at->right;
		}
	}
	return best;
}

struct rb_node *rb_find(const struct rb_tree *tree, const void *key, rb_compare *compare)
{
	struct rb_node *node = rb_lower_bound(tree, key, compare);

	return node && compare(key, node) == 0 ? node : NULL;
}

void rb_insert_by(struct rb_tree *tree, struct rb_node *node, const void *key, rb_compare *compare)
{
	struct rb_node **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = compare(key, parent) < 0 ? &parent->left : &parent->right;
	}
	rb_insert(tree, parent, link, node);
}

/* The black height below `node`, or -1 if something is wrong there. */
static int black_height(const struct rb_node *node)
{
	int left, right;

	if (!node)
		return 0;
	if (node->red && (is_red(node->left) || is_red(node->right)))
		return -1;
	if ((node->left && node->left->parent != node) || (node->right && node->right->parent != node))
		return -1;
	left = black_height(node->left);
	right = black_height(node->right);
	return left < 0 || left != right ? -1 : left + !node->red;
}

bool rb_check(const struct rb_tree *tree)
{
	const struct rb_node *root = tree->root;

	return !root || (!root->red && !root->parent && black_height(root) >= 0);
}
