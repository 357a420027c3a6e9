/* The first start: the tree is made from the boot image. */
#ifndef RAMFS_IMAGE_H
#define RAMFS_IMAGE_H

#include "lib/types.h"

/*
 * Builds the tree of mount 0 from the archive. NULL, or what is wrong with it in words; *offset: where. Data is not copied: inodes keep its place.
 * An archive laid over another replaces what is there of the same name.
 */
const char *image_build(const u8 *image, u64 size, u64 *offset);

#endif
