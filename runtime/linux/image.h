/*
 * Programs as files: checked by the process that execs (exec.c), mapped by the new one (start.c). A file is named by the
 * cptr of its Handle.
 */
#ifndef RUNTIME_LINUX_IMAGE_H
#define RUNTIME_LINUX_IMAGE_H

#include "lib/elf.h"
#include "lib/types.h"
#include "runtime/thread.h"

#define IMAGE_HEAD 1024 /* bytes read of a file to see what it is */

struct image_file {
	unsigned long cptr;
	u64 size;
	unsigned int mode;      /* st_mode */
	size_t head_bytes;
	char head[IMAGE_HEAD];
};

/* Fills the rest of `file`, whose cptr is set: attributes and head. -EACCES if it is no regular file or not executable. */
long image_look(struct thread_record *t, struct image_file *file);
/* Bytes read (short at the end of the file) or -errno. */
long image_read(struct thread_record *t, unsigned long cptr, u64 offset, void *to, size_t length);
/* 0 or -errno */
long image_parse(struct thread_record *t, const struct image_file *file, struct elf_image *elf);
/* The text of PT_INTERP into interp[ELF_INTERP_MAX]. */
long image_interp(struct thread_record *t, const struct image_file *file, const struct elf_image *elf, char *interp);

/* Maps every segment at its address plus bias. 0 or -errno. */
long image_map(struct thread_record *t, const struct image_file *file, const struct elf_image *elf, u64 bias);
/* The same from memory: a service's file. */
long image_map_memory(struct thread_record *t, const char *bytes, const struct elf_image *elf, u64 bias);

#endif
