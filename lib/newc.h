/*
 * Walks a cpio archive in "newc" form (magic 070701) that lies in memory, or several one after the other with zero
 * bytes between them, as an initial root image is. Hostile input gives an error and never a read outside.
 *
 *	struct newc_reader reader;
 *	struct newc_entry entry;
 *	int got;
 *
 *	newc_open(&reader, data, size);
 *	while ((got = newc_next(&reader, &entry)) > 0)
 *		...
 *	if (got < 0)
 *		... bad archive at reader.offset
 */
#ifndef LIB_NEWC_H
#define LIB_NEWC_H

#include "lib/types.h"

#define NEWC_NAME_MAX 4096 /* with the NUL */

struct newc_reader {
	const u8 *data;
	size_t size;
	size_t offset; /* of the next header; after an error, of the header at fault */
	u32 archive;   /* how many archives ended before `offset` */
};

struct newc_entry {
	const char *name; /* in the archive, NUL-terminated, never empty */
	u32 name_length;
	u32 archive; /* hard links share (archive, dev_major, dev_minor, ino) */
	u32 ino, mode, uid, gid, nlink, mtime;
	u32 dev_major, dev_minor, rdev_major, rdev_minor;
	size_t data_offset, size; /* data + data_offset .. + size lies inside the archive */
};

void newc_open(struct newc_reader *reader, const void *data, size_t size);

/* 1: `entry` is filled. 0: the end. -EINVAL: not a newc header, or it runs past the end; the reader stays there. */
int newc_next(struct newc_reader *reader, struct newc_entry *entry);

#endif
