/*
 * The texts stand in one struct of arrays and are found by 16-bit offset: no pointers, so no relocations in a
 * position-independent image.
 */
#include "lib/errno.h"

#define FIELD(name, number, text) char name##_text[sizeof(text)];
#define VALUE(name, number, text) text,
#define OFFSET(name, number, text) [number] = 1 + offsetof(struct texts, name##_text),
static const struct texts {
	ERRNO_TABLE(FIELD)
} texts = { ERRNO_TABLE(VALUE) };
static const u16 text_at[] = { ERRNO_TABLE(OFFSET) };
#undef FIELD
#undef VALUE
#undef OFFSET

#define FIELD(name, number, text) char name##_name[sizeof(#name)];
#define VALUE(name, number, text) #name,
#define OFFSET(name, number, text) [number] = 1 + offsetof(struct names, name##_name),
static const struct names {
	ERRNO_TABLE(FIELD)
} names = { ERRNO_TABLE(VALUE) };
static const u16 name_at[] = { ERRNO_TABLE(OFFSET) };

/* The offset plus one; 0 for a number without an entry. */
static unsigned lookup(const u16 *at, size_t count, int error)
{
	unsigned number = error < 0 ? 0u - (unsigned)error : (unsigned)error;

	return number < count ? at[number] : 0;
}

const char *errno_name(int error)
{
	unsigned at = lookup(name_at, ARRAY_SIZE(name_at), error);

	return at ? (const char *)&names + at - 1 : "E?";
}

const char *errno_text(int error)
{
	unsigned at = lookup(text_at, ARRAY_SIZE(text_at), error);

	return at ? (const char *)&texts + at - 1 : "Unknown error";
}
