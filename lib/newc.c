/*
 * A member is: a header of 110 bytes (magic, then 13 fields of 8 hex digits), the name with its NUL, zeros to a
 * multiple of 4 from the header's start, the data, zeros again. A member named TRAILER!!! ends an archive.
 */
#include "lib/newc.h"

#include "lib/errno.h"
#include "lib/string.h"

#define MAGIC_SIZE 6
#define HEADER_SIZE 110

enum field {
	INO, MODE, UID, GID, NLINK, MTIME, FILE_SIZE, DEV_MAJOR, DEV_MINOR, RDEV_MAJOR, RDEV_MINOR, NAME_SIZE, CHECK,
	FIELDS
};

_Static_assert(MAGIC_SIZE + 8 * FIELDS == HEADER_SIZE, "newc header");

void newc_open(struct newc_reader *reader, const void *data, size_t size)
{
	*reader = (struct newc_reader){ .data = data, .size = size };
}

/* The value of a hex digit plus 1; 0 for what is none: a header has a hundred digits, and an image thousands of headers. */
static const u8 hex_digits[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static bool parse_field(const u8 *text, u32 *value)
{
	u32 sum = 0;

	for (int i = 0; i < 8; i++) {
		u32 digit = hex_digits[text[i]];

		if (!digit)
			return false;
		sum = sum << 4 | (digit - 1);
	}
	*value = sum;
	return true;
}

static bool parse_header(const u8 *header, u32 fields[FIELDS])
{
	if (memcmp(header, "070701", MAGIC_SIZE))
		return false;
	for (int i = 0; i < FIELDS; i++)
		if (!parse_field(header + MAGIC_SIZE + 8 * i, &fields[i]))
			return false;
	return true;
}

static void fill_entry(struct newc_entry *entry, const u32 fields[FIELDS])
{
	entry->ino = fields[INO];
	entry->mode = fields[MODE];
	entry->uid = fields[UID];
	entry->gid = fields[GID];
	entry->nlink = fields[NLINK];
	entry->mtime = fields[MTIME];
	entry->dev_major = fields[DEV_MAJOR];
	entry->dev_minor = fields[DEV_MINOR];
	entry->rdev_major = fields[RDEV_MAJOR];
	entry->rdev_minor = fields[RDEV_MINOR];
	entry->size = fields[FILE_SIZE];
}

/* The name must end with its only NUL. */
static bool name_is_good(const char *name, u32 size)
{
	return size >= 2 && size <= NEWC_NAME_MAX && strnlen(name, size) == size - 1;
}

/* Parses the member at reader->offset; on success sets *next to where the one after it starts. */
static bool parse_member(const struct newc_reader *reader, struct newc_entry *entry, size_t *next)
{
	const u8 *header = reader->data + reader->offset;
	u64 left = reader->size - reader->offset, data, end;
	u32 fields[FIELDS];

	if (left < HEADER_SIZE || !parse_header(header, fields) || fields[NAME_SIZE] > left - HEADER_SIZE)
		return false;
	data = ALIGN_UP((u64)HEADER_SIZE + fields[NAME_SIZE], 4);
	end = data + fields[FILE_SIZE];
	if (!name_is_good((const char *)header + HEADER_SIZE, fields[NAME_SIZE]))
		return false;
	if (data > left)
		data = end = fields[FILE_SIZE] ? left + 1 : left; /* only the last member's padding may lack */
	if (end > left)
		return false;
	fill_entry(entry, fields);
	entry->name = (const char *)header + HEADER_SIZE;
	entry->name_length = fields[NAME_SIZE] - 1;
	entry->archive = reader->archive;
	entry->data_offset = reader->offset + data;
	*next = reader->offset + MIN(ALIGN_UP(end, 4), left);
	return true;
}

/* Images that align data to pages have much padding: it is passed over in steps. */
static void skip_zeros(struct newc_reader *reader)
{
	const u8 *data = reader->data;
	size_t at = reader->offset, size = reader->size;
	u64 words[4];

	while (at < size && !data[at]) {
		at++;
		while (size - at >= sizeof(words)) {
			__builtin_memcpy(words, data + at, sizeof(words));
			if (words[0] | words[1] | words[2] | words[3])
				break;
			at += sizeof(words);
		}
	}
	reader->offset = at;
}

int newc_next(struct newc_reader *reader, struct newc_entry *entry)
{
	size_t next;

	for (;;) {
		skip_zeros(reader);
		if (reader->offset == reader->size)
			return 0;
		if (!parse_member(reader, entry, &next))
			return -EINVAL;
		reader->offset = next;
		if (strcmp(entry->name, "TRAILER!!!"))
			return 1;
		reader->archive++;
	}
}
