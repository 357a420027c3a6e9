/*
 * Paths walked lately: text to node, so that a walk need not look at each directory on its way. Right as long as names come and go by this server's
 * path operations alone (serve_operations.names_last), and only for texts that are free of links, "." and "..": each such text is the only one for its
 * name, so that taking a name away forgets one text, or, if it was a directory's or moved, all of them. What is not there is not kept, so new names
 * forget nothing.
 *
 * A text is kept as words: its bytes in order, the last word overlapping the one before. Of texts of one length no two have the same words.
 */
#include "lib/string.h"
#include "serve/internal.h"

#define KNOWN      128 /* a power of two */
#define TEXT_WORDS 12
#define TEXT_MAX   (TEXT_WORDS * 8ul)

struct known {
	unsigned long generation;
	u32 mount;
	u16 length, name; /* of the text; where its last component begins */
	struct node node, parent;
	u64 words[TEXT_WORDS];
};

struct text {
	unsigned hash, count;
	u64 words[TEXT_WORDS];
};

static struct known known[KNOWN];
static unsigned long generation = 1; /* entries of others are empty */

typedef u64 __attribute__((may_alias, aligned(1))) any_u64;
typedef u32 __attribute__((may_alias, aligned(1))) any_u32;

static inline u64 short_word(const char *path, size_t length)
{
	if (length >= 4)
		return *(const any_u32 *)path | (u64)*(const any_u32 *)(path + length - 4) << 32;
	return (u8)path[0] | (u64)(u8)path[length / 2] << 8 | (u64)(u8)path[length - 1] << 16;
}

/* length: 1 .. TEXT_MAX */
static inline void text_make(struct text *text, const char *path, size_t length)
{
	u64 hash = length;
	unsigned count = 0;

	if (length < 8) {
		text->words[count++] = short_word(path, length);
	} else {
		for (size_t at = 0; at + 8 <= length; at += 8)
			text->words[count++] = *(const any_u64 *)(path + at);
		if (length % 8)
			text->words[count++] = *(const any_u64 *)(path + length - 8);
	}
	for (unsigned i = 0; i < count; i++)
		hash = (hash ^ text->words[i]) * 0x9e3779b97f4a7c15ul;
	text->hash = (unsigned)(hash >> 32) % KNOWN;
	text->count = count;
}

static inline struct known *find(const struct text *text, unsigned mount, size_t length)
{
	struct known *k = &known[text->hash];

	if (k->generation != generation || k->length != length || k->mount != mount)
		return NULL;
	for (unsigned i = 0; i < text->count; i++)
		if (k->words[i] != text->words[i])
			return NULL;
	return k;
}

static size_t last_name(const char *path, size_t length)
{
	while (length && path[length - 1] != '/')
		length--;
	return length;
}

size_t walk_recall(struct walk *walk)
{
	size_t length = walk->length;
	const struct known *k;
	struct text text;

	if (!length || walk->path[length - 1] == '/')
		return 0;
	if (length <= TEXT_MAX) {
		text_make(&text, walk->path, length);
		k = find(&text, walk->mount, length);
		walk->mode = k ? serve_operations->mode(k->node) : 0;
		if (walk->mode) {
			walk->node = k->node;
			walk->parent = k->parent;
			walk->name = walk->path + k->name;
			walk->name_length = length - k->name;
			walk->slash = false;
			walk->plain = true;
			return length;
		}
	}
	length = last_name(walk->path, length);
	if (length < 2 || length - 1 > TEXT_MAX)
		return 0;
	text_make(&text, walk->path, length - 1);
	k = find(&text, walk->mount, length - 1);
	walk->mode = k ? serve_operations->mode(k->node) : 0;
	if (!walk->mode)
		return 0;
	walk->node = k->node;
	walk->parent = k->parent;
	return length;
}

void walk_learn(const struct walk *walk, size_t length, struct node node, struct node parent)
{
	struct text text;
	struct known *k;

	if (!length || length > TEXT_MAX)
		return;
	text_make(&text, walk->path, length);
	k = &known[text.hash];
	k->generation = generation;
	k->mount = walk->mount;
	k->length = (u16)length;
	k->name = (u16)last_name(walk->path, length);
	k->node = node;
	k->parent = parent;
	memcpy(k->words, text.words, text.count * sizeof(u64));
}

void walk_unlearn(const struct walk *walk)
{
	struct text text;
	struct known *k;

	if (!walk->plain) {
		walk_unlearn_all();
		return;
	}
	if (walk->length > TEXT_MAX)
		return;
	text_make(&text, walk->path, walk->length);
	k = find(&text, walk->mount, walk->length);
	if (k)
		k->generation = 0;
}

void walk_unlearn_all(void)
{
	generation++;
}
