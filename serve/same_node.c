/*
 * The open files of a node: a table of chains by the node's id, as large as the table of open files, so that a look for those of one node takes no longer
 * when others are many.
 */
#include "lib/hash.h"
#include "serve/internal.h"

static struct open_file **chains;
static unsigned chain_count; /* a power of two */

static struct open_file **chain_of(u64 id)
{
	return &chains[hash_u64(id) & (chain_count - 1)];
}

void same_node_add(struct open_file *file)
{
	struct open_file **first = chain_of(file->node.id);

	file->chain_next = *first;
	file->chain_link = first;
	if (*first)
		(*first)->chain_link = &file->chain_next;
	*first = file;
}

void same_node_remove(struct open_file *file)
{
	*file->chain_link = file->chain_next;
	if (file->chain_next)
		file->chain_next->chain_link = file->chain_link;
}

/* The old chains are taken apart one file after the other. */
bool same_node_grow(unsigned count)
{
	struct open_file **old = chains;
	unsigned old_count = chain_count;
	struct open_file **new = memory_take(count * sizeof(*new));

	if (!new)
		return false;
	chains = new;
	chain_count = count;
	for (unsigned i = 0; i < old_count; i++)
		for (struct open_file *file = old[i], *next; file; file = next) {
			next = file->chain_next;
			same_node_add(file);
		}
	memory_free(old, old_count * sizeof(*old));
	return true;
}

static struct open_file *of_node(struct open_file *file, u64 id)
{
	while (file && file->node.id != id)
		file = file->chain_next;
	return file;
}

struct open_file *same_node_first(u64 id)
{
	return chain_count ? of_node(*chain_of(id), id) : NULL;
}

struct open_file *same_node_next(const struct open_file *file)
{
	return of_node(file->chain_next, file->node.id);
}
